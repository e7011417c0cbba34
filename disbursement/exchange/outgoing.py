"""The month's outgoing file for a national system: increases, decreases, results.

What that system would otherwise be typed by hand. Increases and decreases compare the people whose
right is on the month's released lists with those of the month before (the opening position for the
first month); results say what became of every payment. Columns are data
(beneficiaries/national/data/outgoing.csv).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.columns import STOP_CAUSE
from disbursement.beneficiaries.holds import birth_words
from disbursement.beneficiaries.national.profiles import OutColumn, Profile, Sheet, profile
from disbursement.beneficiaries.national.queries import (
    CHILD_YEARS,
    MERIT_SUBJECTS,
    SUBJECTS,
    payers_asked,
    work_scope,
)
from disbursement.beneficiaries.staging import audit
from disbursement.documents.words import RAILS, programme_words, reason_words
from disbursement.documents.xlsx import Book, Column
from disbursement.entitlements.merit_bulk import LINE, MeritCase
from disbursement.entitlements.store import Recorded, recorded
from disbursement.payments.queries import payment_now_sql
from disbursement.payments.rules import PAID
from disbursement.platform import files
from disbursement.platform.clock import add_months, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, UsageError
from ledger.bulk import bulk_insert
from ledger.sql import text

NAMES: Mapping[Sheet, str] = {"increase": "Tăng", "decrease": "Giảm", "result": "Kết quả"}
STATES = {"credited": "Đã chuyển khoản", "collected": "Đã nhận tiền mặt"}
UNPAID = "Chưa trả"
WAITING = {
    "planned": "chưa gửi", "queued": "chờ gửi", "ordered": "chờ nhận tiền mặt",
    "uncollected": "chưa đến nhận tiền mặt", "carried": "chuyển kỳ sau", "ended": "đã hủy",
    "cancelled": "lệnh đã hủy", "parked": "đang xác minh", "withdrawn": "đã rút lại",
    "rejected": "bị từ chối", "returned": "bị trả lại",
}  # fmt: skip
ON_THE_WAY = "chưa có kết quả"
CAUSES = {
    **{code: said for said, code in STOP_CAUSE.items()},
    "death": "chết", "moved": "chuyển đi", "remarriage": "kết hôn",
}  # fmt: skip
"""Words for the causes that events end a case by; a register's own words stay as they are."""
_ENDING = ("death", "remarriage", "prison", "stop", "renounced", "false_file")
"""Events after which a merit is drawn no more (merit_rows.py, merit_bulk.REACHING)."""
_SEX = {"male": "Nam", "female": "Nữ"}


@dataclass(frozen=True)
class Outgoing:
    """What was written: rows per sheet."""

    profile: str
    month: int
    increase: int
    decrease: int
    result: int
    path: str


def export_national(
    ctx: Context,
    code: str,
    month: int,
    out: Path,
    *,
    actor: str,
    codes: Sequence[str] | None = None,
) -> Outgoing:
    """Write the outgoing file of a month (yyyymm) for a register, of the payers asked for.

    It carries full identity numbers, because the other system knows people by them; that it was
    written is audited. Raises RefusedError for an unknown register or payer, UsageError for a file
    that is no .xlsx, NotFoundError where no list of the month is released.
    """
    one = profile(code)
    if out.suffix.lower() != ".xlsx":
        raise UsageError("out", f"--out phải là tệp .xlsx, không phải '{out.name[:60]}'.")
    counts: dict[Sheet, int] = {}
    detail: dict[str, Any] = {"register": code, "month": month}
    with files.taken_back_on_error(), ctx.cell.begin() as conn:
        payers = payers_asked(conn, codes)
        _require_lists(conn, month, payers)
        _work(conn, one, month, payers, today(ctx.clock))
        with (
            files.atomic(out) as target,
            Book(target, title=one.title_vi, made_at=stamp(ctx.clock)) as book,
        ):
            for sheet in NAMES:
                counts[sheet] = _sheet(conn, ctx, book, one, sheet, month)
        audit(conn, ctx, actor, "national.export", code, detail | {**counts})
    return Outgoing(code, month, counts["increase"], counts["decrease"], counts["result"], str(out))


_RELEASED = "l.state IN ('released', 'closed')"


def _require_lists(conn: Connection, month: int, payers: Sequence[tuple[int, str]]) -> None:
    rows = conn.execute(
        text(f"SELECT DISTINCT l.payer_id FROM pay_list l WHERE l.month = :m AND {_RELEASED}"),
        {"m": month},
    ).scalars()
    if not set(rows) & {p for p, _ in payers}:
        raise NotFoundError(
            "no_list",
            f"Chưa có danh sách nào của kỳ {show_month(month)} được duyệt chi; xem `disburse run "
            f"status --month {month // 100}-{month % 100:02d}`.",
        )


# Whose right is on the lists of a month: a coin of that very month, held or not.
# What merit pays once is no right that goes on.
_ON_LIST = f"""
SELECT DISTINCT p.person_id, l.programme FROM pay_list l
JOIN work_payers w ON w.payer_id = l.payer_id JOIN payment p ON p.list_id = l.id
JOIN payment_coin c ON c.payment_id = p.id AND c.cover = l.month
WHERE l.month = :m AND {_RELEASED}
  AND (l.programme <> '{LINE}' OR c.sub_id IN (SELECT m.sub_id FROM merit_case m))
"""
_OPENED = """
SELECT DISTINCT o.person_id, o.programme FROM opening o JOIN person x ON x.id = o.person_id
JOIN work_payers w ON w.payer_id = x.payer_id WHERE o.cover = :m AND o.amount_vnd > 0
UNION SELECT u.person_id, u.programme FROM list_opening o JOIN list_unit u ON u.sub_id = o.sub_id
JOIN work_payers w ON w.payer_id = u.payer_id WHERE o.cover = :m AND o.amount_vnd > 0
"""


def _work(
    conn: Connection, one: Profile, month: int, payers: Sequence[tuple[int, str]], day: date
) -> None:
    """Make `work_payers`, `work_of` (whom the register knows), `work_now`, `work_before`."""
    work_scope(conn, one, payers, day)  # their own codes come from the newest file
    for name in ("work_payers", "work_of", "work_now", "work_before"):
        conn.execute(text(f"DROP TABLE IF EXISTS {name}"))
    conn.execute(text("CREATE TEMPORARY TABLE work_payers (payer_id bigint)"))
    conn.execute(
        text("INSERT INTO work_payers (payer_id) VALUES (:p)"), [{"p": p} for p, _ in payers]
    )
    # Those who left count too: a decrease is about a case that is over.
    child = f"{month // 100 - CHILD_YEARS:04d}-{month % 100:02d}-01"
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_of AS SELECT DISTINCT c.person_id, c.programme "
            "FROM benefit_case c JOIN person p ON p.id = c.person_id "
            "JOIN work_payers w ON w.payer_id = p.payer_id "
            f"WHERE {SUBJECTS[one.subject]} AND c.programme IN "
            f"({', '.join(repr(g) for g in one.programmes)})"
        ),
        {"child": child} if ":child" in SUBJECTS[one.subject] else {},
    )
    merit = MERIT_SUBJECTS.get(one.subject) if LINE in one.programmes else None
    if merit is not None:
        conn.execute(
            text(
                f"INSERT INTO work_of SELECT DISTINCT u.person_id, '{LINE}' FROM list_unit u "
                "JOIN person p ON p.id = u.person_id JOIN work_payers w ON w.payer_id = p.payer_id "
                f"WHERE u.programme = '{LINE}' AND {merit}"
            ),
            {"child": child} if ":child" in merit else {},
        )
    before = add_months(month, -1)
    for name, at, query in (
        ("work_now", month, _ON_LIST),
        ("work_before", before, f"{_ON_LIST} UNION {_OPENED}"),
    ):
        conn.execute(
            text(
                f"CREATE TEMPORARY TABLE {name} AS SELECT q.person_id, q.programme FROM ({query}) "
                "q JOIN work_of f ON f.person_id = q.person_id AND f.programme = q.programme"
            ),
            {"m": at},
        )
    _cases(conn)
    if conn.dialect.name == "postgresql":
        for name in ("work_of", "work_now", "work_before", "work_case"):
            conn.exec_driver_sql(f"ANALYZE {name}")


_CASE_COLUMNS = (
    "person_id", "programme", "clause", "decision_number", "decision_date", "start_month", "facts",
    "end_month", "end_cause",
)  # fmt: skip


def _cases(conn: Connection) -> None:
    """Make `work_case`: what is said of each right, the latest case or all merits of a person."""
    conn.execute(text("DROP TABLE IF EXISTS work_case"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_case AS SELECT c.person_id, c.programme, c.clause, "
            "c.decision_number, c.decision_date, c.start_month, c.facts, c.end_month, c.end_cause "
            "FROM work_of q JOIN benefit_case c ON c.id = (SELECT max(k.id) FROM benefit_case k "
            "WHERE k.person_id = q.person_id AND k.programme = q.programme)"
        )
    )
    told = recorded(conn, f"SELECT person_id FROM work_of WHERE programme = '{LINE}'")
    found = conn.execute(
        text(
            "SELECT m.person_id, m.code, m.body, m.decision_number, m.decision_date "
            f"FROM work_of q JOIN merit_case m ON m.person_id = q.person_id AND q.programme = "
            f"'{LINE}' ORDER BY m.person_id, m.decision_date, m.code"
        )
    ).all()
    bulk_insert(
        conn,
        "work_case",
        _CASE_COLUMNS,
        (
            _merits(person, list(rows), told.get(int(person), ()))
            for person, rows in groupby(found, key=itemgetter(0))
        ),
    )
    conn.execute(text("CREATE INDEX work_case_who ON work_case (person_id, programme)"))


def _merits(person: int, rows: Sequence[Any], told: Sequence[Recorded]) -> tuple[Any, ...]:
    """Return the row of a person's monthly merits; the last decision and the last end count."""
    cases = [MeritCase.from_json(r[2]) for r in rows]
    decided = [c.decision.get("first_month") or str(c.decision["date"])[:7] for c in cases]
    _, _, _, number, day = rows[-1]
    own = [max(ends) if (ends := _ends(c.events)) else None for c in cases]
    survivor = any(c.category == "SURVIVOR" for c in cases)
    whole = _ends(
        {"kind": t.kind, "date": t.event.date.isoformat()}
        for t in told
        if t.case_id is None and (survivor or t.kind != "remarriage")
    )
    ended = max(whole) if whole else None
    if own and all(e is not None for e in own):
        last = max(e for e in own if e is not None)
        ended = last if ended is None else min(last, ended)
    end_day, end_cause = ended or ("", "")
    return (
        person, LINE, "; ".join(str(r[1]) for r in rows), number, day,
        int(min(decided).replace("-", "")), json.dumps({"end_date": end_day} if end_day else {}),
        int(end_day[:7].replace("-", "")) if end_day else None, end_cause or None,
    )  # fmt: skip


def _ends(events: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (day, cause) of the events that end a merit; a release takes the sentence back."""
    out: list[tuple[str, str]] = []
    for event in sorted(events, key=lambda e: str(e["date"])):
        kind = str(event["kind"])
        if kind == "release":
            out = [e for e in out if e[1] != "prison"]
        elif kind in _ENDING and not event.get("qualifies"):
            out.append((str(event["date"]), str(event.get("cause") or kind)))
    return out


_PERSON = (
    "x.id AS person_id, x.identity_enc, x.name, x.birth_from, x.birth_to, x.sex, x.commune_code, "
    "(SELECT min(r.code) FROM work_scope s JOIN register_row r ON r.snapshot_id = s.content_id "
    "WHERE s.payer_id = x.payer_id AND r.who_blind = x.identity_blind AND r.state = 0) AS code"
)
_CASE = "JOIN work_case c ON c.person_id = q.person_id AND c.programme = q.programme"
_PAID = (
    "(SELECT coalesce(sum(p.amount_vnd), 0) FROM payment p JOIN pay_list l ON l.id = p.list_id "
    "WHERE p.person_id = q.person_id AND l.programme = q.programme AND l.month = :at "
    f"AND {_RELEASED} AND p.closed_as <> 'ended')"
)
_INCREASE = f"""
SELECT {_PERSON}, q.programme, c.clause, c.decision_number, c.decision_date, c.start_month,
  {_PAID} AS amount
FROM work_now q JOIN person x ON x.id = q.person_id {_CASE}
WHERE NOT EXISTS (SELECT 1 FROM work_before b WHERE b.person_id = q.person_id
  AND b.programme = q.programme) ORDER BY x.commune_code, x.name, x.id
"""
_DECREASE = f"""
SELECT {_PERSON}, q.programme, c.clause, c.decision_number, c.decision_date, c.facts, c.end_month,
  c.end_cause, d.died_on, {_PAID} + coalesce((SELECT o.amount_vnd FROM opening o
  WHERE o.person_id = q.person_id AND o.programme = q.programme AND o.cover = :at), 0)
  + coalesce((SELECT sum(o.amount_vnd) FROM list_opening o JOIN list_unit u ON u.sub_id = o.sub_id
  WHERE u.person_id = q.person_id AND u.programme = q.programme AND o.cover = :at), 0) AS before,
  (SELECT min(h.reason) FROM list_hold h JOIN pay_list l ON l.id = h.list_id
   WHERE h.person_id = q.person_id AND l.programme = q.programme AND l.month = :m
   AND h.kind = 'right' AND {_RELEASED}) AS held
FROM work_before q JOIN person x ON x.id = q.person_id {_CASE}
LEFT JOIN death_notice d ON d.person_id = q.person_id
WHERE NOT EXISTS (SELECT 1 FROM work_now b WHERE b.person_id = q.person_id
  AND b.programme = q.programme) ORDER BY x.commune_code, x.name, x.id
"""


def _result_sql() -> str:
    now = payment_now_sql(
        "p.list_id IN (SELECT l.id FROM pay_list l JOIN work_payers w ON w.payer_id = l.payer_id "
        f"WHERE l.month = :m AND {_RELEASED})",
        "b.month = :m",
    )
    news = (
        "FROM batch_row r JOIN attempt_news k ON k.batch_id = r.batch_id AND k.n = r.n "
        "WHERE r.payment_id = p.id AND k.state IN"
    )
    return f"""
SELECT {_PERSON}, q.programme, p.amount_vnd AS amount, n.state, p.rail, p.hold_reason,
  (SELECT max(k.day) {news} ('credited', 'collected')) AS paid_on,
  (SELECT max(k.code) {news} ('rejected', 'returned')) AS failed
FROM ({now}) n JOIN payment p ON p.id = n.payment_id JOIN pay_list l ON l.id = p.list_id
JOIN work_of q ON q.person_id = p.person_id AND q.programme = l.programme
JOIN person x ON x.id = p.person_id
WHERE n.state <> 'ended' ORDER BY x.commune_code, x.name, p.id
"""


def _sheet(
    conn: Connection, ctx: Context, book: Book, one: Profile, sheet: Sheet, month: int
) -> int:
    columns = one.outgoing[sheet]
    tab = book.sheet(
        NAMES[sheet],
        [Column(c.header, 18, "money" if c.kind == "money" else "text") for c in columns],
        heading=(f"{one.title_vi}: {NAMES[sheet].lower()}", f"Kỳ {show_month(month)}"),
        landscape=True,
    )
    for values in _rows(conn, ctx, sheet, month):
        tab.row([_cell(values, c) for c in columns])
    return tab.rows


def _cell(values: Mapping[str, Any], column: OutColumn) -> str | int:
    """Return a cell; a field that no row carries is a mistake of the data, not an empty cell."""
    value = values[column.field]
    return int(value) if column.kind == "money" else str(value or "")


def _rows(conn: Connection, ctx: Context, sheet: Sheet, month: int) -> Iterator[dict[str, Any]]:
    query, at = {
        "increase": (_INCREASE, month),
        "decrease": (_DECREASE, add_months(month, -1)),
        "result": (_result_sql(), month),
    }[sheet]
    binds = {k: v for k, v in (("at", at), ("m", month)) if f":{k}" in query}
    streamed = text(query).execution_options(yield_per=5_000)
    for row in conn.execute(streamed, binds):
        values = _who(ctx, row)
        if sheet == "result":
            values |= _outcome(row)
        else:
            values |= {
                "clause": row.clause, "decision_number": row.decision_number,
                "decision_date": _shown(row.decision_date),
            }  # fmt: skip
            if sheet == "increase":
                values |= {"start_month": show_month(row.start_month), "amount": row.amount}
            else:
                values |= _cause(row)
        yield values


def _who(ctx: Context, row: Any) -> dict[str, Any]:
    sealed = row.identity_enc
    number = ctx.keys.decrypt("person.identity", row.person_id, bytes(sealed)) if sealed else ""
    return {
        "code": row.code, "identity": number, "name": row.name,
        "birth": birth_words(row.birth_from, row.birth_to), "sex": _SEX.get(row.sex, row.sex),
        "commune": row.commune_code, "programme": programme_words(row.programme),
    }  # fmt: skip


def _cause(row: Any) -> dict[str, Any]:
    """Say why somebody is no longer on the list, by what is recorded, the decision first."""
    facts = json.loads(row.facts)
    day = facts.get("end_date") or row.died_on or ""
    if row.end_month is not None:
        cause = (
            CAUSES.get(row.end_cause or "", row.end_cause)
            or f"Hưởng đến hết tháng {show_month(row.end_month)}"
        )
    elif row.held is not None:
        cause = reason_words(row.held)
    elif facts.get("suspended_from"):
        cause = f"Tạm dừng từ tháng {show_month(facts['suspended_from'])}"
    else:
        cause = "Không có trong danh sách kỳ này"
    return {"before": row.before, "cause": cause, "end_day": _shown(day)}


def _outcome(row: Any) -> dict[str, Any]:
    paid = row.state in PAID
    rail = "cash" if row.state == "collected" else row.rail
    why = "" if paid else WAITING.get(row.state, ON_THE_WAY)
    if not paid and row.hold_reason:
        why = reason_words(row.hold_reason)
    elif not paid and row.failed:
        why = f"{why} (mã {row.failed})"
    return {
        "amount": row.amount, "state": STATES[row.state] if paid else UNPAID,
        "rail": RAILS.get(rail, rail), "paid_on": _shown(row.paid_on if paid else ""),
        "reason": why,
    }  # fmt: skip


def _shown(day: str | None) -> str:
    return f"{date.fromisoformat(day[:10]):%d/%m/%Y}" if day else ""
