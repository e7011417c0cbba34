"""Taking over the monthly cases of meritorious service from a staged file.

A row of a new category makes a case, a row of one that is there changes it and keeps what was
before; an adjustment is a dated change of facts. The months themselves are merit_store's: every
month from go-live is computed anew, and what differs from the book is posted by the next list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection

from disbursement.entitlements import merit_store, store
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.list_due import LISTED
from disbursement.entitlements.merit_bulk import LINE, MeritCase, check
from disbursement.platform.clock import month_of, today
from disbursement.platform.context import Context
from ledger.bulk import bulk_insert
from ledger.sql import text

_ROWS = f"r.programme = '{LINE}' AND substr(r.facts, 1, {len(LISTED)}) <> '{LISTED}'"
"""Rows of monthly categories; lump sums are rights for a month (rights.py)."""
_CHANGE = "r.facts LIKE '%\"change\":{%'"
_KNOWN = "EXISTS (SELECT 1 FROM merit_case c WHERE c.person_id = r.person_id AND c.code = r.clause)"

COMPARISONS = (
    (
        301,
        "SELECT r.n, 'Dòng ' || r.n || ': cùng người và diện hưởng với dòng ' || min(q.n) || "
        "'; bỏ một dòng, hoặc ghi Khoản trợ cấp để phân biệt.' FROM import_row r "
        "JOIN import_row q ON q.import_id = r.import_id AND q.who_blind = r.who_blind "
        "AND q.clause = r.clause AND q.n < r.n "
        f"WHERE r.import_id = :i AND {_ROWS} GROUP BY r.n",
    ),
    (
        302,
        "SELECT r.n, 'Dòng ' || r.n || ': điều chỉnh mà sổ chưa có diện này của người này; nhập "
        f"dòng hưởng mới trước.' FROM import_row r WHERE r.import_id = :i AND {_ROWS} "
        f"AND {_CHANGE} AND NOT {_KNOWN}",
    ),
    (
        304,
        "SELECT r.n, 'Dòng ' || r.n || ': số đã trả khác số đã mở sổ về ưu đãi của người này; số "
        "đã mở sổ không sửa được bằng cách nhập lại, bỏ các cột đã trả.' FROM import_row r "
        f"JOIN list_unit u ON u.programme = '{LINE}' AND u.unit = 'p' || r.person_id || '/' "
        f"WHERE r.import_id = :i AND {_ROWS} AND EXISTS (SELECT 1 FROM import_paid m "
        "JOIN list_opening o ON o.sub_id = u.sub_id AND o.cover = m.cover "
        "WHERE m.import_id = :i AND m.n = r.n AND m.amount_vnd <> o.amount_vnd)",
    ),
)  # fmt: skip
"""What the file may not say twice, or of a case that is not there."""


class _Row(NamedTuple):
    n: int
    sub_id: int
    person_id: int
    code: str
    said: dict[str, Any]
    decision: tuple[str, str, str]
    old: MeritCase | None

    def case(self) -> MeritCase:
        """Return the case as the row leaves it."""
        change = self.said.get("change")
        if change is not None and self.old is not None:  # else the comparisons refused it
            return self.old.changed(change)
        new = MeritCase(**self.said)
        if self.old is None:
            return new
        through = self.old.paid_through if new.paid_through is None else new.paid_through
        return replace(new, changes=self.old.changes, paid_through=through)


def _rows(conn: Connection, values: dict[str, Any], *, taken: bool) -> Iterator[_Row]:
    """Yield the monthly rows that are still good; before units are made `sub_id` is 0."""
    unit = "LEFT JOIN" if not taken else "JOIN"
    found = conn.execute(
        text(
            "SELECT r.n, coalesce(u.sub_id, 0), r.person_id, r.clause, r.facts, "
            "r.decision_number, r.decision_date, r.decision_signer, c.body FROM import_row r "
            f"{unit} list_unit u ON u.programme = r.programme AND u.unit = 'p' || r.person_id "
            "|| '/' LEFT JOIN merit_case c ON c.sub_id = u.sub_id AND c.code = r.clause "
            f"WHERE r.import_id = :i AND r.state = 0 AND {_ROWS} ORDER BY r.n"
        ),
        values,
    ).all()
    for n, sub, person, code, facts, number, day, signer, body in found:
        old = None if body is None else MeritCase.from_json(body)
        decision = (str(number), str(day), str(signer))
        yield _Row(int(n), int(sub), int(person), str(code), json.loads(facts), decision, old)


def check_changes(conn: Connection, values: dict[str, Any]) -> None:
    """Refuse adjustments that leave a case the law's rules would refuse."""
    faults = []
    for row in _rows(conn, values, taken=False):
        if row.old is None or "change" not in row.said:
            continue
        try:
            check([row.case()], int(row.said["change"]["from_month"].replace("-", "")))
        except DossierError as error:
            faults.append((values["i"], row.n, 303, f"Dòng {row.n}: {error.what_vi}."))
    bulk_insert(conn, "import_fault", ("import_id", "n", "k", "sentence"), faults)
    conn.execute(
        text(
            "UPDATE import_row SET state = 1 WHERE import_id = :i AND n IN "
            "(SELECT n FROM import_fault WHERE import_id = :i)"
        ),
        values,
    )


def take(conn: Connection, ctx: Context, values: dict[str, Any]) -> tuple[int, int]:
    """Write the cases and make the spans anew; return (new cases, changed cases)."""
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    people = set()
    for row in _rows(conn, values, taken=True):
        case = row.case()
        if row.old == case:
            continue
        keep = new if row.old is None else changed
        keep.append(
            (
                row.sub_id, row.code, row.person_id, case.to_json(), *row.decision, values["i"],
            )
        )  # fmt: skip
        people.add(row.person_id)
    columns = (
        "sub_id", "code", "person_id", "body", "decision_number", "decision_date",
        "decision_signer", "import_id",
    )  # fmt: skip
    for sub, code, *_ in changed:
        key = {"s": sub, "c": code, "i": values["i"]}
        conn.execute(
            text(
                "INSERT INTO merit_case_change (sub_id, code, body, decision_number, "
                "decision_date, decision_signer, import_id, replaced_by) SELECT sub_id, code, "
                "body, decision_number, decision_date, decision_signer, import_id, :i "
                "FROM merit_case WHERE sub_id = :s AND code = :c"
            ),
            key,
        )
        conn.execute(text("DELETE FROM merit_case WHERE sub_id = :s AND code = :c"), key)
    bulk_insert(conn, "merit_case", columns, [*new, *changed])
    opened = conn.execute(text(_OPENINGS), values).rowcount
    store.work_renew(
        conn,
        "SELECT m.person_id FROM merit_case m WHERE m.import_id = :i UNION SELECT u.person_id "
        "FROM list_opening o JOIN list_unit u ON u.sub_id = o.sub_id WHERE o.import_id = :i",
        {"i": values["i"]},
    )
    if people or opened:
        month = month_of(today(ctx.clock))
        merit_store.renew(conn, month=month)
        store.work_renew(  # who draws social assistance too: an open point of the law
            conn,
            "SELECT c.person_id FROM benefit_case c JOIN merit_case m "
            "ON m.person_id = c.person_id WHERE m.import_id = :i",
            {"i": values["i"]},
        )
        store.renew(conn, month=month)
    return len(new), len(changed)


# What was paid for the person's monthly merits before go-live, all categories together.
_OPENINGS = f"""
INSERT INTO list_opening (sub_id, cover, amount_vnd, import_id, journal_id)
SELECT u.sub_id, m.cover, m.amount_vnd, :i, NULL
FROM import_paid m JOIN import_row r ON r.import_id = :i AND r.n = m.n
JOIN list_unit u ON u.programme = r.programme AND u.unit = 'p' || r.person_id || '/'
WHERE m.import_id = :i AND r.state = 0 AND {_ROWS}
ON CONFLICT (sub_id, cover) DO NOTHING
"""
