"""The cash desk's result list: a filled-in roster (XLSX or CSV), taken whole or not at all.

Rows without a day are orders not collected yet and are left alone. Every other row must be an open
order of a roster of the actor's, with the exact amount and a day on which the roster was open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.columns import Column, ColumnSet, Header
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import read_date
from disbursement.fallback.rules import PROOFS
from disbursement.fallback.service import desk_accounts, scope_of
from disbursement.identity.service import user
from disbursement.payments.attempts import id_reader
from disbursement.payments.effects import Scope, header, plan_item
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from ledger import posting
from ledger.bulk import bulk_insert
from ledger.errors import LedgerError
from ledger.money import MoneyError, parse_vnd
from ledger.posting import Item, Query
from ledger.sql import text

_PROOF_WORDS = {
    **{word: code for code, word in PROOFS.items()},
    **{code: code for code in PROOFS},
    "cccd": "identity", "căn cước": "identity", "ký nhận": "signature", "otp": "one_time_code",
    "ủy quyền": "authorisation",
}  # fmt: skip

RESULTS = ColumnSet(
    "kết quả chi tiền mặt",
    (
        Column("order", "Mã lệnh", "digits", True, ("mã lệnh chi",)),
        Column("amount", "Số tiền", "whole", True, ("số tiền đã trả",)),
        Column("day", "Ngày nhận", "date", True, ("ngày trả",)),
        Column("proof", "Giấy tờ", "choice", True, ("giấy tờ chứng minh",), _PROOF_WORDS),
        Column("note", "Ghi chú giấy tờ", aliases=("ghi chú",)),
        Column("outcome", "Kết quả"),
        Column("n", "STT"),
        Column("place", "Địa bàn"),
        Column("name", "Họ và tên"),
        Column("birth", "Năm sinh"),
        Column("last4", "4 số cuối"),
        Column("reference", "Mã tra cứu"),
        Column("months", "Tháng"),
        Column("payee", "Người nhận thay"),
        Column("reason", "Lý do nhận tiền mặt", aliases=("lý do",)),
    ),
)
"""Columns of the roster's workbook and of the post's list (profile cash-desk-vn-1).

Only the order, amount, day, proof and note are read, and the outcome where the list tells one.
"""
_OUTCOMES = {"đã nhận": True, "chưa nhận": False, "không nhận": False, "đã trả lại": False}
"""Words of an outcome: whether the order was handed over."""
_READ = ("order", "amount", "day", "proof")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class DeskResult:
    """What one result list did: orders handed over, dong, journals; `repeated`: known bytes."""

    collected: int
    amount_vnd: int
    journals: tuple[int, ...]
    repeated: bool = False


def handover_file(ctx: Context, path: Path, *, actor: str) -> DeskResult:
    """Record every hand-over of a result list in one transaction.

    Raises RefusedError naming the first rows that are wrong (nothing is recorded then), NotNowError
    where an order was paid meanwhile.
    """
    digest = _keep(ctx, path)
    with open_table(path, RESULTS) as source:
        rows = list(_rows(ctx, source.header, (r for c in source.chunks for r in c.rows())))
    try:
        with ctx.cell.begin() as conn:
            known = conn.execute(
                text("SELECT state FROM answer WHERE sha256 = :s"), {"s": digest}
            ).scalar()
            if known == "applied":
                return DeskResult(0, 0, (), repeated=True)
            if not rows:
                raise _empty(path)
            answer_id = _record(conn, ctx, digest, path)
            _stage(conn, rows)
            _refuse_wrong(conn, ctx, path, actor)
            return _apply(conn, ctx, answer_id, digest, actor)
    except LedgerError as error:
        if error.code in ("coin_moved", "limit", "exists"):
            raise NotNowError(
                "already_paid",
                f"Một khoản trong {path.name} vừa được trả ở nơi khác; không ghi gì, hãy kiểm tra "
                "lại danh sách.",
            ) from error
        raise


def _empty(path: Path) -> RefusedError:
    return RefusedError(
        "nothing_collected", f"Tệp {path.name} không có dòng nào ghi ngày nhận; không ghi gì."
    )


# --- reading -------------------------------------------------------------------------------------

_Row = tuple[int, int, int, str, int, str, str, str]
"""Line, journal, row, order, amount, day, proof, note."""


def _rows(ctx: Context, head: Header, rows: Iterator[tuple[int, list[Any]]]) -> Iterator[_Row]:
    read = id_reader(ctx.cell.code)
    now = today(ctx.clock)
    for n, cells in rows:
        order = _text(head, cells, "order").upper()
        day_text = _text(head, cells, "day")
        if order and len(cells) <= max(head.index[c] for c in _READ):
            # A file cut on its way: what it still says of others must not be booked as a whole.
            raise _bad(head, n, "order", "dòng bị cắt, thiếu ô; hãy lấy lại bản gốc.")
        _agree(head, n, cells, handed=bool(day_text))
        if not day_text:
            continue  # not collected yet, or the line of totals
        key = read(order)
        if key is None or ids.carrier_of(ctx.cell.code, order) is None:
            raise _bad(head, n, "order", "mã lệnh không đúng; chép lại từ danh sách ký nhận.")
        yield (
            n, *key, order, _amount(head, n, cells), _day(head, n, day_text, now).isoformat(),
            *_proof(head, n, cells),
        )  # fmt: skip


def _text(head: Header, cells: Sequence[Any], field: str) -> str:
    at = head.index.get(field)
    value = cells[at] if at is not None and at < len(cells) else None
    return "" if value is None else str(value).strip()


def _agree(head: Header, n: int, cells: Sequence[Any], *, handed: bool) -> None:
    """Refuse a row whose outcome says otherwise than its day."""
    said = " ".join(_text(head, cells, "outcome").casefold().split())
    if said and _OUTCOMES.get(said) is not handed:
        raise _bad(
            head, n, "outcome",
            f"kết quả và ngày nhận không khớp: ghi một trong {', '.join(_OUTCOMES)}; chỉ “đã nhận” "
            "có ngày.",
        )  # fmt: skip


def _bad(head: Header, n: int, field: str, why: str) -> RefusedError:
    where = head.where(n, field)
    return RefusedError("desk_row", f"{where[:1].upper()}{where[1:]}: {why} Chưa ghi gì.")


def _amount(head: Header, n: int, cells: Sequence[Any]) -> int:
    at = head.index["amount"]
    value = cells[at] if at < len(cells) else ""
    whole = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    try:
        return parse_vnd(whole.strip())
    except MoneyError as error:
        raise _bad(head, n, "amount", "số tiền phải là số đồng nguyên, không dấu chấm.") from error


def _day(head: Header, n: int, value: str, now: date) -> date:
    day = read_date(value)
    if day is None:
        raise _bad(head, n, "day", "không phải ngày; ghi dạng dd/mm/yyyy.")
    if day > now:
        raise _bad(head, n, "day", f"ngày {day:%d/%m/%Y} ở tương lai.")
    return day


def _proof(head: Header, n: int, cells: Sequence[Any]) -> tuple[str, str]:
    said = " ".join(_text(head, cells, "proof").casefold().split())
    note = _text(head, cells, "note")
    proof = _PROOF_WORDS.get(said)
    if proof is None:
        raise _bad(
            head, n, "proof", f"ghi một trong: {', '.join(PROOFS.values())} (không phải '{said}')."
        )
    if proof == "authorisation" and not note:
        raise _bad(
            head, n, "note", "nhận theo ủy quyền phải ghi số giấy, thời hạn, nơi chứng thực."
        )
    return proof, note[:140]


def _keep(ctx: Context, path: Path) -> bytes:
    """Keep the file's bytes before anything reads them; return their SHA-256."""
    if not path.is_file():
        raise NotFoundError("no_file", f"Không có tệp {path.name}; kiểm tra lại đường dẫn.")
    return files.keep_evidence(ctx.settings.files / "evidence", path.read_bytes())[1]


def _record(conn: Connection, ctx: Context, digest: bytes, path: Path) -> int:
    answer_id = ids.block(conn, "answer", 1)
    conn.execute(
        text(
            "INSERT INTO answer (id, sha256, kind, file_name, size, received_at, message_id, "
            "state, why) VALUES (:i, :s, 'cash_result', :f, :z, :t, '', 'applied', '')"
        ),
        {
            "i": answer_id, "s": digest, "f": path.name[:80], "z": path.stat().st_size,
            "t": stamp(ctx.clock),
        },
    )  # fmt: skip
    return answer_id


# --- checking ------------------------------------------------------------------------------------


def _stage(conn: Connection, rows: Sequence[_Row]) -> None:
    """Put the rows beside their orders: `work_hand` holds one row of the file each."""
    for name in ("work_hand", "work_desk"):
        conn.execute(text(f"DROP TABLE IF EXISTS {name}"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_desk (line bigint, journal_id bigint, row_n bigint, "
            "order_id text, amount_vnd bigint, day text, proof text, note text)"
        )
    )
    bulk_insert(
        conn,
        "work_desk",
        ("line", "journal_id", "row_n", "order_id", "amount_vnd", "day", "proof", "note"),
        rows,
    )
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_desk")
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_hand AS SELECT d.line, d.journal_id, d.row_n, "
            "d.amount_vnd, d.day, d.proof, d.note, r.batch_id, r.payment_id, "
            "r.amount_vnd AS owed_vnd, b.payer_id, b.rail, o.state AS roster_state, o.first_day, "
            "o.last_day, x.died_on, row_number() OVER (PARTITION BY d.journal_id, d.row_n "
            "ORDER BY d.line) AS k FROM work_desk d LEFT JOIN batch b "
            "ON b.journal_id = d.journal_id LEFT JOIN batch_row r ON r.batch_id = b.id "
            "AND r.n = d.row_n AND r.end_to_end_id = d.order_id "
            "LEFT JOIN payment p ON p.id = r.payment_id LEFT JOIN person x ON x.id = p.person_id "
            "LEFT JOIN roster o ON o.batch_id = b.id"
        )
    )
    conn.execute(text("CREATE INDEX work_hand_order ON work_hand (journal_id, row_n)"))
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_hand")


_WRONG = (
    ("no_order", "mã lệnh không có trong sổ", "h.batch_id IS NULL"),
    ("no_order", "không phải lệnh tiền mặt", "h.rail <> 'cash'"),
    ("doubled", "lệnh lặp lại trong tệp", "h.k > 1"),
    ("other_roster", "lệnh thuộc danh sách của đơn vị khác", "h.payer_id NOT IN ({payers})"),
    (
        "already_paid",
        "đã trả tiền mặt trước đó",
        "EXISTS (SELECT 1 FROM handover y WHERE y.batch_id = h.batch_id AND y.n = h.row_n)",
    ),
    ("amount", "số tiền khác với lệnh chi", "h.amount_vnd <> h.owed_vnd"),
    (
        "roster_closed",
        "danh sách ký nhận chưa mở hoặc đã đóng",
        "coalesce(h.roster_state, '') <> 'ordered'",
    ),
    (
        "roster_over",
        "ngày nhận ngoài thời hạn của danh sách",
        "h.day < h.first_day OR h.day > h.last_day",
    ),
    ("dead", "người hưởng được báo đã chết", "h.died_on IS NOT NULL AND h.day > h.died_on"),
    (
        "parked",
        "khoản có kết quả trái nhau hoặc đang chuyển khoản",
        "EXISTS (SELECT 1 FROM batch_row q JOIN attempt_news z ON z.batch_id = q.batch_id "
        "AND z.n = q.n WHERE q.payment_id = h.payment_id AND z.state = 'parked')",
    ),
)  # fmt: skip
"""What a row may be wrong by: code, words, condition over alias h. The first that holds counts."""


def _refuse_wrong(conn: Connection, ctx: Context, path: Path, actor: str) -> None:
    """Refuse the file where any row is wrong, naming the first lines. Locks the payments."""
    who = user(ctx, actor)
    payers = conn.execute(
        text("SELECT id, code FROM payer WHERE id IN (SELECT payer_id FROM work_hand)")
    ).all()
    mine = ", ".join(str(int(p)) for p, code in payers if who.holds("cash_desk", code)) or "-1"
    if conn.dialect.name == "postgresql":
        conn.execute(
            text(
                "SELECT count(*) FROM (SELECT 1 FROM payment WHERE id IN "
                "(SELECT payment_id FROM work_hand) ORDER BY id FOR UPDATE) x"
            )
        )
    cases = " ".join(
        f"WHEN {condition.format(payers=mine)} THEN {number}"
        for number, (_, _, condition) in enumerate(_WRONG)
    )
    rows = conn.execute(
        text(f"SELECT line, why FROM (SELECT h.line, CASE {cases} END AS why FROM work_hand h) q "
             "WHERE why IS NOT NULL ORDER BY line")
    ).all()  # fmt: skip
    if rows:
        shown = "; ".join(f"dòng {line}: {_WRONG[why][1]}" for line, why in rows[:_MOST_SHOWN])
        more = f"; và {len(rows) - _MOST_SHOWN} dòng nữa" if len(rows) > _MOST_SHOWN else ""
        raise RefusedError(
            _WRONG[rows[0][1]][0],
            f"Tệp {path.name}: {shown}{more}. Không ghi gì; sửa rồi nhập lại.",
        )


# --- booking -------------------------------------------------------------------------------------


def _apply(conn: Connection, ctx: Context, answer_id: int, digest: bytes, actor: str) -> DeskResult:
    payers = conn.execute(
        text(
            "SELECT h.payer_id, y.code, v.code, b.provider_id, count(*), sum(h.amount_vnd) "
            "FROM work_hand h JOIN batch b ON b.id = h.batch_id JOIN payer y ON y.id = h.payer_id "
            "JOIN provider v ON v.id = b.provider_id "
            "GROUP BY h.payer_id, y.code, v.code, b.provider_id ORDER BY y.code, v.code"
        )
    ).all()
    plans: list[Item] = []
    items: list[Item] = []
    for payer_id, payer, provider, provider_id, _, vnd in payers:
        scope = scope_of(conn, ctx, payer_id, payer, provider, answer_id, digest)
        scope = Scope(**{**scope.__dict__, "key": f"desk:{answer_id}:{payer_id}:{provider_id}"})
        plans += plan_item(conn, ctx, scope, f"{scope.key}:plan", {"collected": int(vnd)})
        head = header(conn, ctx, scope, "handover", scope.key)
        items.append(Item(head, _lines(conn, payer_id, payer, provider, provider_id)))
        _write(conn, ctx, head.id, payer_id, provider_id, digest, actor, answer_id)
    sealed = posting.post_many(conn, [*plans, *items])
    return DeskResult(
        sum(int(r[4]) for r in payers),
        sum(int(r[5]) for r in payers),
        tuple(s.journal_id for s in sealed),
    )


def _lines(conn: Connection, payer_id: int, payer: str, provider: str, provider_id: int) -> Query:
    agent, advance = desk_accounts(conn, payer, provider)
    journals = conn.execute(
        text(
            "SELECT j.id, j.cover_from, j.cover_to FROM journal j WHERE j.id IN (SELECT "
            "h.journal_id FROM work_hand h JOIN batch b ON b.id = h.batch_id "
            "WHERE h.payer_id = :p AND b.provider_id = :v)"
        ),
        {"p": payer_id, "v": provider_id},
    ).all()
    names = ",".join(str(int(j[0])) for j in journals)
    return Query(
        "SELECT l.cover, :a, :b, l.sub_id, l.item, l.move + 1, l.carrier, l.of_n, "
        "CAST(NULL AS bigint), CAST(NULL AS bigint), l.amount FROM line l CROSS JOIN work_hand h "
        f"WHERE l.journal_id IN ({names}) AND l.cover BETWEEN :f AND :t "
        "AND h.journal_id = l.journal_id AND h.row_n = l.carrier - l.journal_id * 10000000",
        {
            "a": agent, "b": advance, "f": min(j[1] for j in journals),
            "t": max(j[2] for j in journals),
        },
    )  # fmt: skip


def _write(
    conn: Connection,
    ctx: Context,
    journal_id: int,
    payer_id: int,
    provider_id: int,
    digest: bytes,
    actor: str,
    answer_id: int,
) -> None:
    mine = (
        "FROM work_hand h JOIN batch b ON b.id = h.batch_id "
        "WHERE h.payer_id = :p AND b.provider_id = :v"
    )
    whose = {"p": payer_id, "v": provider_id}
    conn.execute(
        text(
            "INSERT INTO handover (batch_id, n, day, proof, proof_note, desk_user, recorded_at, "
            f"evidence, journal_id) SELECT h.batch_id, h.row_n, h.day, h.proof, h.note, :u, :r, "
            f":e, :j {mine}"
        ),
        {**whose, "u": actor, "r": stamp(ctx.clock), "e": digest, "j": journal_id},
    )
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT h.batch_id, h.row_n, coalesce((SELECT max(a.seq) FROM attempt_news a "
            "WHERE a.batch_id = h.batch_id AND a.n = h.row_n), 0) + 1, 'collected', 'desk', "
            f"h.proof, '', :a, h.day {mine}"
        ),
        {**whose, "a": answer_id},
    )
