"""The approval sheet of a list: everything the signers look at, taken from what is frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.national.freshness import warnings_of
from disbursement.documents.figures import Figure
from disbursement.documents.receivables import (
    OwedBack,
    ReceivablesPage,
    receivables_pdf,
    receivables_xlsx,
)
from disbursement.documents.rerating import (
    LeftBefore,
    Rerated,
    ReratingDraft,
    rerating_parts,
    rerating_pdf,
    rerating_xlsx,
)
from disbursement.documents.sheet import (
    ApprovalSheet,
    BatchFile,
    BudgetLine,
    Change,
    Finding,
    Hold,
    Signer,
    sheet_pdf,
    sheet_xlsx,
)
from disbursement.documents.words import (
    CHANGE_KINDS,
    FIRST_PAID,
    RECEIVABLE_DECISIONS,
    Office,
    short_day,
)
from disbursement.platform import files
from disbursement.platform.clock import add_months, month_of, stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.approved import approved
from disbursement.programmes.communes import commune, province
from disbursement.runs import books
from disbursement.runs.findings import read_findings
from disbursement.runs.receivables import Receivable, read_receivables
from ledger import chart
from ledger.sql import text

SCAN_BYTES = 20_000_000


def office(code: str, name: str, province_code: str) -> Office:
    """Return whose paper it is: the commune's full name, the province's."""
    try:
        full = commune(code).full_name
    except NotFoundError:
        full = name
    return Office(code, full, province(province_code).full_name)


def write_sheet(ctx: Context, list_id: int, out: Path | None = None) -> list[Path]:
    """Write the approval sheet as PDF and XLSX; return both paths.

    Raises NotFoundError for an unknown list.
    """
    with files.taken_back_on_error(), ctx.cell.read() as conn:
        sheet = approval_sheet(conn, ctx, list_id)
        folder = out or ctx.settings.files / "sheets" / str(sheet.month)
        stem = f"{sheet.office.code}-{sheet.programme}-{sheet.month}-{sheet.number}-{sheet.version}"
        pdf, book = folder / f"{stem}.pdf", folder / f"{stem}.xlsx"
        files.write(pdf, sheet_pdf(sheet))
        with files.atomic(book) as target:
            sheet_xlsx(sheet, _changes(conn, list_id), target)
    return [pdf, book]


def attach_scan(ctx: Context, list_id: int, scan: Path) -> None:
    """Attach the signed sheet (scan or signed PDF) to a list; kept as evidence by its SHA-256."""
    if not scan.is_file() or not 0 < scan.stat().st_size <= SCAN_BYTES:
        raise RefusedError(
            "scan",
            f"Tệp đính kèm {scan.name} không có, rỗng hoặc lớn hơn 20 MB; kiểm tra lại tệp.",
        )
    data = scan.read_bytes()
    files.require_scan(data, scan.name)
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", data)
    with ctx.cell.begin() as conn:
        done = conn.execute(
            text(
                "UPDATE pay_list SET scan_sha256 = :s WHERE id = :l "
                "AND state IN ('prepared', 'checked', 'second')"
            ),
            {"s": digest, "l": list_id},
        ).rowcount
    if done != 1:
        raise NotNowError(
            "list_state",
            f"Danh sách {list_id} không có, hoặc không còn ở bước chờ duyệt; xem `disburse run "
            "status`.",
        )


def approval_sheet(conn: Connection, ctx: Context, list_id: int) -> ApprovalSheet:
    """Collect the sheet of a list from the database. Raises NotFoundError."""
    row = (
        conn.execute(
            text(
                "SELECT l.*, y.code AS payer, y.name AS payer_name, y.province_code "
                "FROM pay_list l JOIN payer y ON y.id = l.payer_id WHERE l.id = :l"
            ),
            {"l": list_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFoundError(
            "list", f"Không có danh sách số {list_id}; xem số ở `disburse run status`."
        )
    if row["state"] == "void":
        raise NotNowError(
            "list_void",
            f"Danh sách {list_id} đã hủy vì được lập lại; xem số của bản mới ở `disburse run "
            f"status --month {row['month'] // 100}-{row['month'] % 100:02d}`.",
        )
    before = conn.execute(
        text(
            "SELECT coalesce(sum(payments), 0), coalesce(sum(total_vnd), 0) FROM pay_list "
            "WHERE payer_id = :p AND programme = :g AND month = :m "
            "AND state IN ('released', 'closed')"
        ),
        {"p": row["payer_id"], "g": row["programme"], "m": add_months(row["month"], -1)},
    ).one()
    digest = conn.execute(
        text("SELECT digest FROM statement WHERE journal_id = :j"), {"j": row["journal_id"]}
    ).scalar_one()
    seq, head = books.head(conn)
    return ApprovalSheet(
        office=office(row["payer"], row["payer_name"], row["province_code"]),
        programme=row["programme"],
        month=row["month"],
        number=row["number"],
        version=row["version"],
        made_at=stamp(ctx.clock),
        payments=row["payments"],
        people=row["people"],
        total_vnd=row["total_vnd"],
        carried=Figure("carried", row["carried"], row["carried_vnd"]),
        rails=_rails(conn, list_id),
        lines=(_budget(conn, row),),
        before_payments=int(before[0]),
        before_vnd=int(before[1]),
        changes=_change_figures(conn, list_id),
        holds=_holds(conn, list_id),
        law_on=date.fromisoformat(row["law_on"]),
        rate_set=f"{row['programme']} {row['law_key'].split('/')[1]}",
        citations=_citations(conn, row),
        rates_sha256=row["rates_sha256"],
        digest=bytes(digest).hex(),
        chain_head=head.hex(),
        chain_seq=seq,
        batches=_batch_files(conn, list_id),
        signers=_signers(conn, ctx, row["journal_id"]),
        first_paid=_first_paid(conn, list_id),
        warnings=tuple(w.sentence for w in warnings_of(conn, list_id)),
        findings=tuple(
            Finding(f.reason, f.state, f.reference, f.detail, f.hold, f.resolved_document)
            for f in read_findings(conn, list_id)
        ),
    )


def _rails(conn: Connection, list_id: int) -> tuple[Figure, ...]:
    rows = conn.execute(
        text(
            "SELECT rail, count(*), sum(amount_vnd) FROM payment "
            "WHERE list_id = :l AND hold_reason = '' GROUP BY rail ORDER BY rail"
        ),
        {"l": list_id},
    )
    return tuple(Figure(r[0], int(r[1]), int(r[2])) for r in rows)


def _budget(conn: Connection, row: Any) -> BudgetLine:
    """Say what is left of the year's authority and how far it reaches at this month's pace."""
    year = row["month"] // 100
    left = int(
        conn.execute(
            text("SELECT debit - credit FROM account WHERE code = :c"),
            {"c": chart.available(row["payer"], row["programme"], year)},
        ).scalar_one()
    )
    monthly = 0
    for table in ("draft_line", "line"):  # before and after the release
        query = f"SELECT coalesce(sum(amount), 0) FROM {table} WHERE journal_id = :j AND cover = :m"
        binds = {"j": row["journal_id"], "m": row["month"]}
        monthly += int(conn.execute(text(query), binds).scalar_one())
    more = left // monthly if monthly else 0
    until = None
    if more >= 1:
        until = min(add_months(row["month"], min(more, 12)), year * 100 + 12)
    charged = row["minted_vnd"] - row["cancelled_vnd"]
    return BudgetLine(row["programme"], year, charged, left, until)


# A payment `p` to an account that no released list has paid to.
_FIRST = """d.kind <> 'cash' AND NOT EXISTS (SELECT 1 FROM payment o JOIN pay_list ol
  ON ol.id = o.list_id WHERE o.person_id = p.person_id AND o.destination_id = p.destination_id
  AND o.list_id <> p.list_id AND o.hold_reason = '' AND ol.state IN ('released', 'closed'))"""
_LAST_MONTH = f"""
SELECT p.person_id, p.amount_vnd AS now, q.amount_vnd AS before, x.reference,
       d.account_last4 AS account, e.account_last4 AS account_before,
       CASE WHEN q.destination_id <> p.destination_id THEN 1 ELSE 0 END AS moved,
       CASE WHEN {_FIRST} THEN 1 ELSE 0 END AS first
FROM pay_list l JOIN payment p ON p.list_id = l.id
JOIN person x ON x.id = p.person_id
LEFT JOIN destination d ON d.id = p.destination_id
LEFT JOIN (SELECT p2.person_id, p2.amount_vnd, p2.destination_id FROM payment p2
           JOIN pay_list l2 ON l2.id = p2.list_id WHERE l2.month = :before
           AND p2.hold_reason = '' AND l2.payer_id = :payer
           AND l2.programme = :programme AND l2.state IN ('released', 'closed')) q
  ON q.person_id = p.person_id
LEFT JOIN destination e ON e.id = q.destination_id
WHERE l.id = :l AND p.hold_reason = '' AND (q.person_id IS NULL OR q.amount_vnd <> p.amount_vnd
                     OR q.destination_id <> p.destination_id)
ORDER BY p.person_id
"""
_LEFT = """
SELECT p2.amount_vnd, x.reference, e.account_last4 FROM payment p2
JOIN pay_list l2 ON l2.id = p2.list_id JOIN person x ON x.id = p2.person_id
LEFT JOIN destination e ON e.id = p2.destination_id
WHERE l2.month = :before AND l2.payer_id = :payer AND l2.programme = :programme
AND p2.hold_reason = '' AND l2.state IN ('released', 'closed')
AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.list_id = :l AND p.hold_reason = ''
                AND p.person_id = p2.person_id) ORDER BY p2.person_id
"""


def _changes(conn: Connection, list_id: int) -> Iterator[Change]:
    """Yield what differs from last month's list: came, left, amount, account."""
    row = conn.execute(
        text("SELECT month, payer_id, programme FROM pay_list WHERE id = :l"), {"l": list_id}
    ).one()
    binds = {
        "l": list_id, "before": add_months(row[0], -1), "payer": row[1], "programme": row[2],
    }  # fmt: skip
    for r in conn.execute(text(_LAST_MONTH), binds):
        kind = "came" if r.before is None else _kind(r)
        yield Change(
            kind,
            r.reference,
            int(r.before or 0),
            int(r.now),
            r.account_before or "",
            r.account or "",
            FIRST_PAID if r.first else "",
        )
    for amount, reference, account in conn.execute(text(_LEFT), binds):
        yield Change("left", reference, int(amount), 0, account or "", "", "")


def _kind(row: Any) -> str:
    """Name all that changed: the account, the amount, or both."""
    if row.now == row.before:
        return "account_changed"
    amount = "amount_up" if row.now > row.before else "amount_down"
    return f"account_{amount}" if row.moved else amount


def _change_figures(conn: Connection, list_id: int) -> tuple[Figure, ...]:
    counts: dict[str, list[int]] = {}
    for change in _changes(conn, list_id):
        sums = counts.setdefault(change.kind, [0, 0])
        sums[0] += 1
        sums[1] += change.after_vnd - change.before_vnd
    return tuple(Figure(kind, *counts[kind]) for kind in CHANGE_KINDS if kind in counts)


def _first_paid(conn: Connection, list_id: int) -> Figure:
    count, amount = conn.execute(
        text(
            "SELECT count(*), coalesce(sum(p.amount_vnd), 0) FROM payment p JOIN destination d "
            f"ON d.id = p.destination_id WHERE p.list_id = :l AND p.hold_reason = '' AND {_FIRST}"
        ),
        {"l": list_id},
    ).one()
    return Figure("first_paid", int(count), int(amount))


def _holds(conn: Connection, list_id: int) -> tuple[Hold, ...]:
    rows = conn.execute(
        text(
            "SELECT kind, reason, count(DISTINCT person_id), sum(amount_vnd) FROM list_hold "
            "WHERE list_id = :l GROUP BY kind, reason ORDER BY kind, reason"
        ),
        {"l": list_id},
    )
    return tuple(Hold(r[0], r[1], int(r[2]), int(r[3])) for r in rows)


def _citations(conn: Connection, row: Any) -> tuple[str, ...]:
    """Return the articles under which this month's amounts are paid, from the stored reasons."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT d.reason FROM due d WHERE d.month = :m AND d.law_key = :k "
            "AND d.programme = :g"
        ),
        {"m": row["month"], "k": row["law_key"], "g": row["programme"]},
    )
    found = {line["citation"] for (reason,) in rows for line in json.loads(reason)["lines"]}
    return tuple(sorted(found))


def _batch_files(conn: Connection, list_id: int) -> tuple[BatchFile, ...]:
    rows = conn.execute(
        text(
            "SELECT b.message_id, p.code, b.purpose, b.file_name, b.file_sha256, b.payments, "
            "b.total_vnd, p.name FROM batch b JOIN provider p ON p.id = b.provider_id "
            "WHERE b.list_id = :l AND b.state <> 'withdrawn' ORDER BY b.id"
        ),
        {"l": list_id},
    )
    return tuple(
        BatchFile(
            r[0],
            r[1],
            r[2],
            r[3] or "",
            bytes(r[4]).hex() if r[4] else "",
            int(r[5]),
            int(r[6]),
            r[7],
        )
        for r in rows
    )


def _signers(conn: Connection, ctx: Context, journal_id: int) -> tuple[Signer, ...]:
    rows = conn.execute(
        text("SELECT role, user_id, signed_at FROM signature WHERE journal_id = :j"),
        {"j": journal_id},
    ).all()
    with ctx.database.engine("shared").connect().execution_options(writes=False) as shared:
        users = shared.execute(text("SELECT id, full_name FROM app_user"))
        names = {int(r[0]): str(r[1]) for r in users}
    return tuple(Signer(r[0], names.get(r[1], ""), r[2]) for r in rows)


_RERATED = """
SELECT x.id, x.name, x.birth_from, x.identity_last4, x.reference, h.reason, h.cover, h.amount_vnd,
       d.total_vnd AS old, c.end_month, c.end_cause
FROM list_hold h JOIN pay_list l ON l.id = h.list_id JOIN person x ON x.id = h.person_id
JOIN unit_profile u ON u.sub_id = x.id AND h.cover BETWEEN u.from_month AND u.to_month
JOIN due d ON d.profile_id = u.profile_id AND d.month = h.cover AND d.law_key = l.law_key
LEFT JOIN benefit_case c ON c.id = (SELECT min(k.id) FROM benefit_case k WHERE k.person_id = x.id)
WHERE l.payer_id = :p AND l.month = :m AND l.state <> 'void'
  AND h.reason IN ('rerating_decision_missing', 'left_before_rise')
ORDER BY x.name, x.id, h.cover
"""


def write_rerating(
    ctx: Context, month: int, codes: Sequence[str] | None = None, out: Path | None = None
) -> list[Path]:
    """Write the draft re-rating decision (PDF parts and XLSX) of each payer that needs one.

    NĐ 335/2026 Art. 32.4: the commune chairman reviews the list and decides; until number, date
    and signer are recorded this month is paid at the old level. Those who left the roll before
    the decree came into force are listed apart and not re-rated.
    """
    folder = out or ctx.settings.files / "rerating" / str(month)
    return [path for d in rerating_drafts(ctx, month, codes) for path in write_draft(d, folder)]


def rerating_drafts(
    ctx: Context, month: int, codes: Sequence[str] | None = None
) -> Iterator[ReratingDraft]:
    """Read the draft of each payer (of `codes`) whose decision is not recorded yet, by code."""
    with ctx.cell.read() as conn:
        payers = conn.execute(
            text(
                "SELECT y.id, y.code, y.name, y.province_code, r.instrument FROM rerating r "
                "JOIN payer y ON y.id = r.payer_id WHERE r.decision_number IS NULL AND EXISTS "
                "(SELECT 1 FROM pay_list l WHERE l.payer_id = y.id AND l.month = :m "
                "AND l.state <> 'void') ORDER BY y.code"
            ),
            {"m": month},
        ).all()
        for payer in payers:
            if codes is None or payer.code in codes:
                yield _draft(conn, ctx, month, payer)


def write_draft(draft: ReratingDraft, folder: Path) -> list[Path]:
    """Write one draft, as PDF (in parts where it is long) and XLSX; return the paths."""
    written = []
    stem = f"{draft.office.code}-{draft.month}"
    for part in rerating_parts(draft):
        files.write(folder / f"{stem}-{part.part}.pdf", rerating_pdf(part))
        written.append(folder / f"{stem}-{part.part}.pdf")
    book = folder / f"{stem}.xlsx"
    with files.atomic(book) as target:
        rerating_xlsx(draft, target)
    return [*written, book]


def _draft(conn: Connection, ctx: Context, month: int, payer: Any) -> ReratingDraft:
    law_on, rates_sha256 = conn.execute(
        text(
            "SELECT law_on, rates_sha256 FROM pay_list WHERE payer_id = :p AND month = :m "
            "AND state <> 'void' ORDER BY id DESC LIMIT 1"
        ),
        {"p": payer.id, "m": month},
    ).one()
    rise = approved(conn, date.fromisoformat(law_on)).rates.instruments[payer.instrument]
    rows, left = _rerated(conn, payer.id, month)
    return ReratingDraft(
        office=office(payer.code, payer.name, payer.province_code),
        month=month,
        instrument=rise.code,
        in_force=rise.in_force_from,
        money_from=month_of(rise.money_from),
        basis=(rise.citation,),
        rates_sha256=rates_sha256,
        made_at=stamp(ctx.clock),
        people=len({r.reference for r in rows}),
        total_vnd=sum(r.difference_vnd for r in rows),
        rows=tuple(rows),
        left=tuple(left),
    )


def _rerated(conn: Connection, payer_id: int, month: int) -> tuple[list[Rerated], list[LeftBefore]]:
    """Group the held months of a payer's people by level, and those who left apart."""
    same: dict[tuple[Any, ...], list[int]] = {}
    gone: dict[int, list[Any]] = {}
    for r in conn.execute(text(_RERATED), {"p": payer_id, "m": month}):
        who = (r.name, r.birth_from[:4], r.identity_last4, r.reference)
        if r.reason == "left_before_rise":
            gone.setdefault(r.id, [who, r.end_month or 0, r.end_cause or "", [], 0])
            gone[r.id][3].append(r.cover)
            gone[r.id][4] += int(r.amount_vnd)
        else:
            old = int(r.old)
            same.setdefault((*who, old, old + int(r.amount_vnd)), []).append(r.cover)
    rows = [
        Rerated(name, birth, last4, reference, old, new, tuple(months))
        for (name, birth, last4, reference, old, new), months in same.items()
    ]
    left = [
        LeftBefore(w[0], w[1], w[2], w[3], last, cause, tuple(months), vnd)
        for w, last, cause, months, vnd in gone.values()
    ]
    return rows, left


# --- overpayments --------------------------------------------------------------------------------


def write_receivables(ctx: Context, payer: str, out: Path | None = None) -> list[Path]:
    """Write a commune's page of overpayments as PDF and XLSX; return both paths."""
    with ctx.cell.read() as conn:
        row = conn.execute(
            text("SELECT code, name, province_code FROM payer WHERE code = :c"), {"c": payer}
        ).one()
        found = read_receivables(conn, payers=[payer])
    rows = tuple(_owed_back(list(group)) for _, group in groupby(sorted(found, key=_of), key=_of))
    page = ReceivablesPage(
        office(*row),
        stamp(ctx.clock),
        sum(r.amount_vnd for r in found),
        sum(r.open_vnd for r in found),
        rows,
    )
    folder = out or ctx.settings.files / "receivables"
    pdf, book = folder / f"phai-thu-{payer}.pdf", folder / f"phai-thu-{payer}.xlsx"
    files.write(pdf, receivables_pdf(page))
    with files.atomic(book) as target:
        receivables_xlsx(page, target)
    return [pdf, book]


def _of(r: Receivable) -> tuple[str, ...]:
    """Whose receivables stand in one row: the same person, reason, state and decision."""
    decided = (r.decision, r.decision_number)
    return (r.person, r.reference, r.programme, r.why_vi, r.citation, r.state, *decided)


def _owed_back(group: list[Receivable]) -> OwedBack:
    first = group[0]
    decision = ""
    if first.decision:
        day = date.fromisoformat(first.decision_date)
        what = RECEIVABLE_DECISIONS[first.decision]
        decision = (
            f"{what}, số {first.decision_number} ngày {short_day(day)}, {first.decision_signer} ký"
        )
    amount, left = sum(r.amount_vnd for r in group), sum(r.open_vnd for r in group)
    return OwedBack(
        tuple(sorted(r.id for r in group)), first.person, first.last4, first.reference,
        first.programme, tuple(sorted(r.month for r in group)), amount, amount - left, left,
        first.why_vi, first.citation, first.state, decision,
    )  # fmt: skip
