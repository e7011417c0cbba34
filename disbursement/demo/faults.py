"""Judging a run: which planted faults were found where they must be, and what was held in vain."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import python_calamine

from disbursement.platform.context import Context
from ledger.sql import text

KINDS = ("bad_identity", "duplicated", "dead", "shared_account", "wrong_name")
ROW = re.compile(r"Dòng (\d+) của tệp gốc")
GAPS = frozenset({"cmnd", "no_identity", "birth_year_only", "no_opening"})
"""Held because the row itself says too little; the sample writes such rows on purpose. A family
without a number cannot be matched with the opening file either."""
PASSING = frozenset({"rerating_decision_missing"})
"""Held until the commune's decision is recorded, in a list that the demo prepares anew."""
DUPLICATE = re.compile(r"trùng", re.IGNORECASE)


@dataclass(frozen=True)
class Judged:
    """One kind of fault, in persons (or rows, where the row never became a person)."""

    planted: int
    found: int
    false_alarms: int


def judge(ctx: Context, sample: Path, refused: Path | None, month: int) -> dict[str, Judged]:
    """Compare planted.csv with what the import refused, the register holds, the bank rejected.

    `refused` is the workbook the import gave back, `month` the first pay month. A wrong name may
    be refused in a later month only: a bank whose answer never came says nothing of the name, and
    the payment fails by the statement.
    """
    planted: dict[str, set[bytes]] = {kind: set() for kind in KINDS}
    at: dict[int, tuple[str, bytes]] = {}
    with (sample / "planted.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            who = ctx.keys.blind("identity", row["identity"])
            planted[row["kind"]].add(who)
            at[int(row["row"])] = (row["kind"], who)
    found = _refused(refused, at) | _held(ctx, month)
    return {
        kind: Judged(len(planted[kind]), len(planted[kind] & found[kind]),
                     len(found[kind] - planted[kind]))
        for kind in KINDS
    }  # fmt: skip


def clean_held(ctx: Context, sample: Path, first: int, last: int) -> int:
    """Return how many persons were held in the pay months though nothing is wrong with their rows.

    Whoever stands in planted.csv may be held for the fault that was planted, and nobody for
    another one.
    """
    with (sample / "planted.csv").open(encoding="utf-8", newline="") as source:
        planted = {
            (ctx.keys.blind("identity", row["identity"]), row["kind"])
            for row in csv.DictReader(source)
        }
    query = (
        "SELECT p.identity_blind, h.person_id, h.reason FROM hold h "
        "JOIN person p ON p.id = h.person_id "
        "UNION SELECT p.identity_blind, h.person_id, h.reason FROM list_hold h "
        "JOIN pay_list l ON l.id = h.list_id JOIN person p ON p.id = h.person_id "
        "WHERE l.month BETWEEN :first AND :last"
    )
    with ctx.cell.read() as conn:
        rows = conn.execute(text(query), {"first": first, "last": last}).all()
    return len(
        {
            int(person)
            for blind, person, reason in rows
            if reason not in GAPS | PASSING and (bytes(blind or b""), reason) not in planted
        }
    )


def _refused(workbook: Path | None, at: dict[int, tuple[str, bytes]]) -> dict[str, set[bytes]]:
    out: dict[str, set[bytes]] = {"bad_identity": set(), "duplicated": set()}
    if workbook is None:
        return out
    sheet = python_calamine.load_workbook(str(workbook)).get_sheet_by_index(0)
    for cells in list(sheet.iter_rows())[1:]:
        reason = str(cells[-1])
        said = ROW.search(reason)
        number = int(said[1]) if said else 0
        kind = "duplicated" if DUPLICATE.search(reason) else "bad_identity"
        known = at.get(number)
        out[kind].add(known[1] if known and known[0] == kind else b"row %d" % number)
    return out


def _held(ctx: Context, month: int) -> dict[str, set[bytes]]:
    """Return the blind indexes of the people each kind of fault was found at."""
    queries = {
        "dead": "SELECT DISTINCT p.identity_blind FROM hold h JOIN person p "
        "ON p.id = h.person_id WHERE h.reason = 'dead'",
        "shared_account": "SELECT DISTINCT p.identity_blind FROM list_hold h "
        "JOIN pay_list l ON l.id = h.list_id JOIN person p ON p.id = h.person_id "
        "WHERE h.reason = 'shared_account' AND l.month = :m AND l.state <> 'void'",
        "wrong_name": "SELECT DISTINCT p.identity_blind FROM attempt_news a "
        "JOIN batch_row r ON r.batch_id = a.batch_id AND r.n = a.n "
        "JOIN batch b ON b.id = a.batch_id JOIN person p ON p.id = r.sub_id "
        "WHERE a.state = 'rejected' AND a.code = 'BE01' AND b.month >= :m",
    }
    with ctx.cell.read() as conn:
        return {
            kind: {bytes(b) for b in conn.execute(text(query), {"m": month}).scalars()}
            for kind, query in queries.items()
        }
