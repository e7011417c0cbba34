"""What a register's news does here: holds of right that a person resolves by a document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from disbursement.beneficiaries.national.profiles import profile, profiles
from disbursement.beneficiaries.national.queries import (
    POOR,
    newest,
    payers_asked,
    snapshots,
    work_scope,
    work_subject,
)
from disbursement.entitlements.profiles import NEEDS
from disbursement.platform import ids
from disbursement.platform.clock import add_months, month_of, show_month, stamp
from disbursement.platform.context import Context
from ledger.bulk import bulk_insert
from ledger.sql import text

DEAD = "dead"
HOUSEHOLD_LEFT = "household_left"
POOR_ONLY = frozenset(("K3", "K5a", "K5b", "K8"))
"""Categories for which near-poor is not enough (entitlements/rules.py holds the articles)."""
_SP_ALONE = 7500
"""75 years in yyyymm: from then on the social pension asks for no poor household (NĐ
176/2025/NĐ-CP Art. 2)."""


class Finding(NamedTuple):
    """A hold to raise: `fact` tells one occurrence from the next, so that none comes twice."""

    person_id: int
    payer_id: int
    fact: str
    detail: str


def raise_right(
    conn: Connection, ctx: Context, reason: str, found: Sequence[Finding], actor: str
) -> list[Finding]:
    """Raise holds of right, those known already (open or resolved) left out; return the new."""
    known = {
        (int(person), str(fact))
        for person, fact in conn.execute(
            text("SELECT person_id, fact_digest FROM hold WHERE reason = :r"), {"r": reason}
        )
    }
    new = [f for f in found if (f.person_id, f.fact) not in known]
    if not new:
        return []
    at = stamp(ctx.clock)
    first = ids.block(conn, "hold", len(new))
    bulk_insert(
        conn,
        "hold",
        ("id", "payer_id", "person_id", "kind", "reason", "detail", "raised_at", "raised_by",
         "fact_digest"),
        (
            (first + n, f.payer_id, f.person_id, "right", reason, f.detail, at, actor, f.fact)
            for n, f in enumerate(new)
        ),
    )  # fmt: skip
    return new


# ---- deaths ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deaths:
    """Deaths in a file: numbers, those of people here, and newly raised holds."""

    numbers: int
    found: int
    new_holds: int


def hold_dead(conn: Connection, ctx: Context, contents: Sequence[int], actor: str) -> Deaths:
    """Hold the right of everybody whom these snapshots' rows call dead, and note the day.

    The month of death is the last that is due (NĐ 335/2026 Điều 8 khoản 4), once a decision ends
    the case. What is known already changes nothing.
    """
    inside = ",".join(str(int(c)) for c in contents)
    dead = f"r.snapshot_id IN ({inside}) AND r.died_on IS NOT NULL AND r.state = 0"
    rows = conn.execute(
        text(
            "SELECT p.id, p.payer_id, min(r.died_on), min(r.snapshot_id) FROM register_row r "
            f"JOIN person p ON p.identity_blind = r.who_blind WHERE {dead} "
            "GROUP BY p.id, p.payer_id ORDER BY p.id"
        )
    ).all()
    numbers = conn.execute(
        text(f"SELECT count(DISTINCT r.who_blind) FROM register_row r WHERE {dead}")
    ).scalar_one()
    found = [Finding(person, payer, died, _dead_words(died)) for person, payer, died, _ in rows]
    said_by = {person: snapshot for person, _, _, snapshot in rows}
    new = raise_right(conn, ctx, DEAD, found, actor)
    if new:
        at = stamp(ctx.clock)
        conn.execute(
            text(
                "INSERT INTO death_notice (person_id, died_on, import_id, recorded_at) "
                "VALUES (:p, :d, :i, :at) ON CONFLICT (person_id) DO UPDATE SET "
                "died_on = excluded.died_on, import_id = excluded.import_id, "
                "recorded_at = excluded.recorded_at"
            ),
            [{"p": f.person_id, "d": f.fact, "i": said_by[f.person_id], "at": at} for f in new],
        )
    return Deaths(int(numbers), len(rows), len(new))


def hold_known_dead(
    conn: Connection, ctx: Context, payers: Sequence[tuple[int, str]], day: date, actor: str
) -> int:
    """Hold whom files read earlier call dead: people who came onto the register since then.

    Every answer about deaths counts, of whole extracts the newest. Returns the number of new holds.
    """
    contents: set[int] = set()
    for one in profiles().values():
        if not one.deaths:
            continue
        found = [s for s in snapshots(conn, one.code) if s.as_of <= day]
        if one.whole:
            found = [s for _, code in payers if (s := newest(found, code, day)) is not None]
        contents |= {s.content_id for s in found}
    return hold_dead(conn, ctx, sorted(contents), actor).new_holds if contents else 0


def _dead_words(died: str) -> str:
    day = date.fromisoformat(died)
    return (
        f"Cơ sở dữ liệu dân cư báo chết ngày {day:%d/%m/%Y}: thôi hưởng từ tháng "
        f"{show_month(add_months(month_of(day), 1))}; xác minh và ra quyết định."
    )


# ---- leaving the poor list ------------------------------------------------------------------

# Who left: by a date on their row, by a lower class, or by no longer standing there at all after
# having stood there (a yearly review names those who stay).
_LEFT = f"""
SELECT p.id, p.payer_id, c.clause, c.facts, p.birth_to, r.left_on, r.facts AS said, o.n AS was_n,
  r.n AS row_n, p.identity_enc, w.payer_code, c.programme, (SELECT max(e.happened_on)
  FROM case_event e WHERE e.person_id = p.id AND (e.case_id IS NULL OR e.case_id = c.id)
  AND e.kind IN ('stop', 'change', 'renounced') AND NOT EXISTS (SELECT 1 FROM case_event b
  WHERE b.withdraws = e.id)) AS decided_on
FROM work_subject w JOIN person p ON p.id = w.person_id
JOIN benefit_case c ON c.person_id = p.id AND {POOR}
  AND (c.end_month IS NULL OR c.end_month >= :month)
LEFT JOIN register_row r ON r.snapshot_id = w.content_id AND r.who_blind = p.identity_blind
LEFT JOIN register_row o ON o.snapshot_id = w.before_id AND o.who_blind = p.identity_blind
  AND o.active = 1 AND o.state = 0
WHERE (r.n IS NULL AND o.n IS NOT NULL) OR (r.state = 0 AND (r.left_on IS NOT NULL
  OR (r.facts LIKE '%"household":"near_poor"%' AND c.facts LIKE '%"household":"poor"%')))
ORDER BY p.id, c.id
"""


@dataclass(frozen=True)
class Leaving:
    """A household's leaving as an event that waits for its decision: whose case, since when."""

    person_id: int
    identity_enc: bytes | None
    payer: str
    programme: str
    clause: str
    day: date


def hold_left_household(
    conn: Connection, ctx: Context, payer: str, as_of: date, actor: str
) -> list[Leaving]:
    """Hold the right of people whose decision rests on a household that left the poor list.

    Only categories that ask for a poor (near-poor) household, and only where neither an end of it
    nor an event (stop, change) since that day is recorded here. `payer` '' is the whole cell.
    Returns what was newly held, as events that wait for a decision.
    """
    poor = profile("poor")
    payers = payers_asked(conn, [payer] if payer else None)
    speaks = work_scope(conn, poor, payers, as_of)
    if not speaks:
        return []
    work_subject(conn, poor, as_of)
    found: dict[tuple[int, str], Finding] = {}
    leaving: dict[tuple[int, str], Leaving] = {}
    for row in conn.execute(text(_LEFT), {"month": month_of(as_of)}):
        finding = _left_finding(row, as_of)
        if finding is not None:
            key = (finding.person_id, finding.fact)
            found.setdefault(key, finding)
            leaving.setdefault(key, _leaving(row, as_of))
    new = raise_right(conn, ctx, HOUSEHOLD_LEFT, list(found.values()), actor)
    return [leaving[f.person_id, f.fact] for f in new]


def _leaving(row: Any, as_of: date) -> Leaving:
    day = date.fromisoformat(row.left_on) if row.left_on else as_of
    sealed = bytes(row.identity_enc) if row.identity_enc else None
    return Leaving(int(row.id), sealed, row.payer_code, row.programme, row.clause, day)


def _left_finding(row: Any, as_of: date) -> Finding | None:
    if "household" not in NEEDS[row.clause]:
        return None
    born = int(row.birth_to[:4] + row.birth_to[5:7])
    if row.clause == "SP" and born + _SP_ALONE <= month_of(as_of):
        return None
    facts, said = json.loads(row.facts), json.loads(row.said or "{}")
    day = row.left_on or as_of.isoformat()
    ended = facts.get("household_to")
    if (ended is not None and ended <= day) or (row.decided_on or "") >= day:
        return None
    shown = f"{date.fromisoformat(day):%d/%m/%Y}"
    if row.left_on is not None:
        cause = f" ({said['left_cause']})" if said.get("left_cause") else ""
        what, fact = f"hộ đã ra khỏi danh sách từ ngày {shown}{cause}", f"left:{day}"
    elif row.row_n is None:
        what, fact = f"hộ không còn trong danh sách ngày {shown}", f"absent:{day}"
    elif row.clause not in POOR_ONLY:
        return None
    else:
        what, fact = f"hộ chuyển từ nghèo sang cận nghèo, theo danh sách ngày {shown}", "near_poor"
    return Finding(
        int(row.id), int(row.payer_id), fact,
        f"Danh sách hộ nghèo, hộ cận nghèo: {what}; xác minh và ra quyết định điều chỉnh hoặc thôi "
        "hưởng.",
    )  # fmt: skip
