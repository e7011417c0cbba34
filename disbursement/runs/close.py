"""Closing a month: the provider's report against the book, money given back, what is carried.

Needs the provider's report per payer. Refuses while anything is in flight, at a cash desk, or
unsigned; refuses a report whose sums are not the book's. After it the run takes no attempt; unpaid
payments end as carried and their coins wait in payable for the next list (coins.md 14).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, bindparam

from disbursement.identity.service import require, user
from disbursement.platform import files, ids
from disbursement.platform.clock import parse_month, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.runs import books
from disbursement.runs.books import Amount
from ledger import chart
from ledger.money import MoneyError, format_vnd, parse_vnd
from ledger.sql import text

COLUMNS = (
    "payer", "provider", "month", "paid_transfer_vnd", "paid_cash_vnd", "kept_vnd",
    "sent_back_vnd", "voucher", "reported_on",
)  # fmt: skip


@dataclass(frozen=True)
class ReportRow:
    """One payer's line of the provider's report; amounts in dong."""

    payer: str
    provider: str
    month: int
    paid_transfer_vnd: int
    paid_cash_vnd: int
    kept_vnd: int
    sent_back_vnd: int
    voucher: str
    reported_on: date


@dataclass(frozen=True)
class Closed:
    """What closing did: runs, payments paid and carried, dong given back."""

    runs: int
    paid: int
    carried: int
    carried_vnd: int
    sent_back_vnd: int


def read_report(data: bytes, name: str) -> list[ReportRow]:
    """Read a provider's report (CSV, UTF-8). Raises RefusedError naming line and column."""
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), restval="", strict=True)
        missing = sorted(set(COLUMNS) - set(lines.fieldnames or ()))
        rows = [(lines.line_num, row) for row in lines] if not missing else []
    except UnicodeDecodeError as error:
        raise RefusedError(
            "report_charset", f"{name}: tệp phải là CSV UTF-8; lưu lại dạng 'CSV UTF-8'."
        ) from error
    except csv.Error as error:
        raise RefusedError(
            "report_csv", f"{name}, dòng {lines.line_num}: không phải CSV đọc được; lưu lại tệp."
        ) from error
    if missing:
        raise RefusedError("report_columns", f"{name}: thiếu cột {', '.join(missing)}; thêm vào.")
    if not rows:
        raise RefusedError("report_empty", f"{name}: không có dòng nào; lấy lại báo cáo đầy đủ.")
    out, seen = [], set()
    for number, cells in rows:
        row = _row(f"{name}, dòng {number}", cells)
        if (row.payer, row.provider) in seen:
            raise RefusedError(
                "report_twice",
                f"{name}, dòng {number}: {row.payer} với {row.provider} đã có ở dòng trên; bỏ một "
                "dòng.",
            )
        seen.add((row.payer, row.provider))
        out.append(row)
    return out


def _row(where: str, cells: dict[str, str]) -> ReportRow:
    """Read one line. Raises RefusedError naming the column."""

    def fail(column: str, why: str) -> RefusedError:
        return RefusedError("report_value", f"{where}, cột {column}: {why}")

    def vnd(column: str) -> int:
        try:
            amount = parse_vnd(cells[column])
        except MoneyError as error:
            raise fail(column, "phải là số đồng nguyên, không dấu chấm; sửa lại.") from error
        if amount < 0:
            raise fail(column, "không được âm; sửa lại.")
        return amount

    if None in cells:
        raise RefusedError("report_value", f"{where}: thừa ô so với tiêu đề; sửa lại.")
    try:
        month = parse_month(cells["month"])
    except ValueError as error:
        raise fail("month", "phải viết dạng 2026-11.") from error
    try:
        day = date.fromisoformat(cells["reported_on"])
    except ValueError as error:
        raise fail("reported_on", "phải viết dạng 2026-11-19.") from error
    row = ReportRow(
        payer=cells["payer"], provider=cells["provider"], month=month,
        paid_transfer_vnd=vnd("paid_transfer_vnd"), paid_cash_vnd=vnd("paid_cash_vnd"),
        kept_vnd=vnd("kept_vnd"), sent_back_vnd=vnd("sent_back_vnd"),
        voucher=cells["voucher"].strip(), reported_on=day,
    )  # fmt: skip
    if row.sent_back_vnd and not row.voucher:
        raise fail("voucher", "nộp trả thì phải ghi số chứng từ.")
    return row


def close_runs(
    ctx: Context, month: int, report: Path, actor: str, *, codes: Sequence[str] | None = None
) -> Closed:
    """Close a month's runs of the payers in the report, each in its own transaction.

    Raises RefusedError for a report that is wrong anywhere, before any run is closed; RefusedError
    or NotNowError for the first payer that cannot be closed: those before it stay closed (another
    payer's trouble stops nobody), and the call can simply be repeated.
    """
    data = report.read_bytes()
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", data)
    rows = [r for r in read_report(data, report.name) if not codes or r.payer in codes]
    if not rows:
        raise RefusedError(
            "report_payer", f"{report.name} không có dòng nào của {', '.join(codes or ())}; kiểm "
            "tra lại --payer, hoặc lấy đúng báo cáo.",
        )  # fmt: skip
    who = user(ctx, actor)
    with ctx.cell.read() as conn:
        for row in rows:
            _check_row(conn, ctx, row, month)
            require(conn, who, "second_signer", row.payer)
    total = Closed(0, 0, 0, 0, 0)
    for _, of_payer in groupby(sorted(rows, key=_payer_first), key=lambda row: row.payer):
        with ctx.cell.begin() as conn:
            one = close_one(conn, ctx, list(of_payer), digest, actor)
        total = Closed(
            total.runs + one.runs,
            total.paid + one.paid,
            total.carried + one.carried,
            total.carried_vnd + one.carried_vnd,
            total.sent_back_vnd + one.sent_back_vnd,
        )
    return total


def _payer_first(row: ReportRow) -> tuple[str, str]:
    return row.payer, row.provider


def _check_row(conn: Connection, ctx: Context, row: ReportRow, month: int) -> None:
    """Refuse a line about another month, from the future, or about nothing that is here."""
    where = f"{row.payer}, kỳ {show_month(row.month)}"
    if row.month != month:
        raise RefusedError(
            "report_month",
            f"Báo cáo của {row.payer} là kỳ {show_month(row.month)}, không phải "
            f"{show_month(month)}; lấy đúng báo cáo, hoặc sửa --month.",
        )
    if row.reported_on > today(ctx.clock):
        raise RefusedError(
            "report_date",
            f"{where}: ngày báo cáo {row.reported_on:%d/%m/%Y} ở tương lai; sửa lại báo cáo.",
        )
    _run_of(conn, row)


def _run_of(conn: Connection, row: ReportRow) -> tuple[int, str, int, int]:
    """Return (run, its state, payer, provider). Raises RefusedError `no_run`."""
    found = conn.execute(
        text(
            "SELECT r.id, r.state, r.payer_id, (SELECT p.id FROM provider p WHERE p.code = :v) "
            "FROM run r JOIN payer y ON y.id = r.payer_id WHERE y.code = :c AND r.month = :m"
        ),
        {"c": row.payer, "m": row.month, "v": row.provider},
    ).first()
    if found is None or found[3] is None:
        raise RefusedError(
            "no_run",
            f"{row.payer} không có kỳ {show_month(row.month)} với {row.provider}; kiểm tra lại mã "
            "xã, mã tổ chức chi trả trong báo cáo.",
        )
    return int(found[0]), str(found[1]), int(found[2]), int(found[3])


def close_one(
    conn: Connection, ctx: Context, rows: Sequence[ReportRow], evidence: bytes, actor: str
) -> Closed:
    """Close one payer's run inside the caller's transaction; `rows`: a line per provider of it.

    Raises RefusedError where a provider that took part in the month has no line.
    """
    first = rows[0]
    run_id, state, payer_id, _ = _run_of(conn, first)
    require(conn, user(ctx, actor), "second_signer", first.payer)
    if state == "closed":
        return Closed(0, 0, 0, 0, 0)
    _everyone_reports(conn, run_id, rows)
    _nothing_open(conn, run_id, rows)
    for row in rows:
        _sums_agree(conn, payer_id, row)
    paid, carried, carried_vnd = _end_payments(conn, run_id)
    for row in rows:
        _book_send_back(conn, ctx, row, run_id, payer_id, evidence)
    _book_expended(conn, ctx, max(rows, key=lambda r: r.reported_on), run_id, payer_id)
    at = stamp(ctx.clock)
    conn.execute(
        text("UPDATE run SET state = 'closed', closed_at = :t WHERE id = :r"),
        {"t": at, "r": run_id},
    )
    conn.execute(
        text("UPDATE pay_list SET state = 'closed' WHERE run_id = :r AND state = 'released'"),
        {"r": run_id},
    )
    for row in rows:
        conn.execute(
            text(
                "INSERT INTO provider_report (id, run_id, provider_id, sha256, paid_transfer_vnd, "
                "paid_cash_vnd, kept_vnd, sent_back_vnd, voucher, reported_on) VALUES "
                "(:id, :r, :p, :s, :t, :c, :k, :b, :v, :d)"
            ),
            {
                "id": ids.block(conn, "provider_report", 1), "r": run_id,
                "p": _run_of(conn, row)[3], "s": evidence, "t": row.paid_transfer_vnd,
                "c": row.paid_cash_vnd, "k": row.kept_vnd, "b": row.sent_back_vnd,
                "v": row.voucher, "d": row.reported_on.isoformat(),
            },
        )  # fmt: skip
    return Closed(1, paid, carried, carried_vnd, sum(r.sent_back_vnd for r in rows))


def _everyone_reports(conn: Connection, run_id: int, rows: Sequence[ReportRow]) -> None:
    """Refuse to close on the word of some: every provider with a batch of the run reports."""
    took_part = conn.execute(
        text(
            "SELECT DISTINCT p.code FROM batch b JOIN provider p ON p.id = b.provider_id "
            "WHERE b.run_id = :r AND b.state <> 'withdrawn' ORDER BY p.code"
        ),
        {"r": run_id},
    ).scalars()
    silent = sorted(set(took_part) - {row.provider for row in rows})
    if silent:
        raise RefusedError(
            "report_missing",
            f"{rows[0].payer}, kỳ {show_month(rows[0].month)}: chưa có báo cáo của "
            f"{', '.join(silent)}; thêm dòng của đơn vị đó vào tệp rồi đóng kỳ.",
        )


def _nothing_open(conn: Connection, run_id: int, rows: Sequence[ReportRow]) -> None:
    row = rows[0]
    lists = conn.execute(
        text(
            "SELECT count(*) FROM pay_list WHERE run_id = :r "
            "AND state IN ('draft', 'prepared', 'checked', 'second')"
        ),
        {"r": run_id},
    ).scalar_one()
    waiting = conn.execute(
        text(
            "SELECT count(*) FROM batch WHERE run_id = :r "
            "AND state IN ('held', 'queued', 'sending', 'unknown')"
        ),
        {"r": run_id},
    ).scalar_one()
    places = [
        place(row.payer, row.provider) for row in rows for place in (chart.transit, chart.agent)
    ]
    moving = text("SELECT coalesce(sum(credit - debit), 0) FROM account WHERE code IN :codes")
    found = conn.execute(moving.bindparams(bindparam("codes", places, expanding=True)))
    out = -int(found.scalar_one())
    if lists or waiting or out:
        raise NotNowError(
            "run_busy",
            f"{row.payer}, kỳ {show_month(row.month)}: còn {lists} danh sách chưa duyệt xong, "
            f"{waiting} lô chưa gửi xong, {format_vnd(abs(out))} đồng đang chuyển hoặc ở bàn chi "
            "tiền mặt; hãy xử lý xong rồi đóng kỳ.",
        )


_PAID = """
SELECT coalesce(sum(CASE WHEN d.kind = 'transit' AND c.kind = 'paid' THEN l.amount
                         WHEN d.kind = 'paid' AND c.kind = 'payable' THEN -l.amount
                         ELSE 0 END), 0),
       coalesce(sum(CASE WHEN d.kind = 'agent' AND c.kind = 'paid' THEN l.amount ELSE 0 END), 0)
FROM journal j JOIN line l ON l.journal_id = j.id
JOIN account d ON d.id = l.debit_account JOIN account c ON c.id = l.credit_account
WHERE j.payer_id = :p AND j.month = :m AND j.kind IN ('answer', 'forced_import', 'handover',
    'roster_closed')
  AND (l.debit_account = :a OR l.credit_account = :a)
"""


def _sums_agree(conn: Connection, payer_id: int, row: ReportRow) -> None:
    advance, left = conn.execute(
        text("SELECT id, debit - credit FROM account WHERE code = :c"),
        {"c": chart.advance(row.payer, row.provider)},
    ).one()
    transfer, cash = conn.execute(text(_PAID), {"p": payer_id, "m": row.month, "a": advance}).one()
    for what, ours, theirs in (
        ("đã chuyển khoản", int(transfer), row.paid_transfer_vnd),
        ("đã chi tiền mặt", int(cash), row.paid_cash_vnd),
        ("còn lại và nộp trả", int(left), row.kept_vnd + row.sent_back_vnd),
    ):
        if ours != theirs:
            raise RefusedError(
                "report_differs",
                f"{row.payer}, kỳ {show_month(row.month)}: báo cáo ghi {what} "
                f"{format_vnd(theirs)} đồng, sổ ghi {format_vnd(ours)} đồng; hãy đối chiếu lại.",
            )


_PAID_BY = """
FROM batch_row r JOIN attempt_news n ON n.batch_id = r.batch_id AND n.n = r.n
WHERE r.payment_id = payment.id AND n.state = '{}' AND NOT EXISTS (SELECT 1 FROM attempt_news x
  WHERE x.batch_id = n.batch_id AND x.n = n.n AND x.seq > n.seq
  AND x.state IN ('returned', 'rejected', 'uncollected', 'cancelled'))
"""


def _end_payments(conn: Connection, run_id: int) -> tuple[int, int, int]:
    """End every payment of the run; return how many were paid, carried, and the carried dong.

    Nothing is in flight any more: a payment was paid where one of its own attempts was, and did
    not come back. Its coins alone do not tell: a supplementary list may have paid them since.
    """
    conn.execute(
        text(
            "UPDATE payment SET closed_as = CASE "
            f"WHEN EXISTS (SELECT 1 {_PAID_BY.format('collected')}) THEN 'collected' "
            f"WHEN EXISTS (SELECT 1 {_PAID_BY.format('credited')}) THEN 'credited' "
            "WHEN EXISTS (SELECT 1 FROM payment_coin c JOIN free_coin f ON f.sub_id = c.sub_id "
            "AND f.cover = c.cover AND f.item = c.item WHERE c.payment_id = payment.id) "
            # Where a supplementary list of the month took the coin over, its payment carries it.
            "AND NOT EXISTS (SELECT 1 FROM payment q JOIN pay_list k ON k.id = q.list_id "
            "JOIN payment_coin d ON d.payment_id = q.id JOIN payment_coin c "
            "ON c.sub_id = d.sub_id AND c.cover = d.cover AND c.item = d.item "
            "WHERE q.person_id = payment.person_id AND q.id > payment.id "
            "AND c.payment_id = payment.id AND k.state IN ('released', 'closed')) "
            "THEN 'carried' ELSE 'ended' END WHERE run_id = :r AND closed_as = ''"
        ),
        {"r": run_id},
    )
    row = conn.execute(
        text(
            "SELECT sum(CASE WHEN closed_as IN ('credited', 'collected') THEN 1 ELSE 0 END), "
            "sum(CASE WHEN closed_as = 'carried' THEN 1 ELSE 0 END), "
            "sum(CASE WHEN closed_as = 'carried' THEN amount_vnd ELSE 0 END) "
            "FROM payment WHERE run_id = :r"
        ),
        {"r": run_id},
    ).one()
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0)


def _book_send_back(
    conn: Connection, ctx: Context, row: ReportRow, run_id: int, payer_id: int, evidence: bytes
) -> None:
    """Book what one provider gives back, in both books."""
    if row.sent_back_vnd:
        advance = chart.advance(row.payer, row.provider)
        books.post_gl(
            conn, ctx, book=chart.FINANCIAL, kind="sendback", payer_id=payer_id,
            key=f"sendback:{run_id}:{row.provider}", month=row.month, day=row.reported_on,
            amounts=[Amount(chart.treasury(row.payer), advance, row.sent_back_vnd)],
            evidence=evidence,
        )  # fmt: skip
        books.post_gl(
            conn, ctx, book=chart.BUDGETARY, kind="cash_plan", payer_id=payer_id,
            key=f"cash_back:{run_id}:{row.provider}", month=row.month, day=row.reported_on,
            amounts=[Amount(chart.cash_source(row.payer, row.provider),
                            chart.cash_free(row.payer, row.provider), row.sent_back_vnd)],
            evidence=evidence,
        )  # fmt: skip


def _book_expended(
    conn: Connection, ctx: Context, row: ReportRow, run_id: int, payer_id: int
) -> None:
    """Turn the commitment of what was paid into expenditure, on the day of the last report."""
    year = row.month // 100
    paid = conn.execute(
        text(
            "SELECT l.programme, sum(p.amount_vnd) FROM payment p "
            "JOIN pay_list l ON l.id = p.list_id WHERE p.run_id = :r "
            "AND p.closed_as IN ('credited', 'collected') GROUP BY l.programme"
        ),
        {"r": run_id},
    )
    books.post_gl(
        conn, ctx, book=chart.BUDGETARY, kind="release", payer_id=payer_id,
        key=f"expended:{run_id}", month=row.month, day=row.reported_on,
        amounts=[
            Amount(chart.expended(row.payer, line, year), chart.committed(row.payer, line, year),
                   int(vnd))
            for line, vnd in paid
        ],
    )  # fmt: skip
