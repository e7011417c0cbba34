"""Assess profiles, compare with the book, and leave the differences in a work table.

Set-wise: the pure `assess` runs once per distinct profile, month and state of the law; everything
else is joins (coins.md 11, 12). The work tables are temporary and live in the caller's
transaction:

    work_payer(payer_id, law_key, full_key)            whose lists, and by which law they are paid
    work_diff(sub_id, payer_id, cover, programme, due, full_due, owed, last_rev, hold_reason,
              held_vnd, person_id)                   the sub's person: itself, but for lists
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from disbursement.entitlements.facts import facts_from_json
from disbursement.entitlements.list_due import is_list, list_due
from disbursement.entitlements.merit_bulk import is_merit, merit_due
from disbursement.entitlements.rules import Due, Law, assess
from disbursement.platform.schema import refresh_statistics
from disbursement.programmes.list_rates import ListRates, shipped_list_rates
from disbursement.programmes.merit_rates import MeritRates, shipped_merit_rates
from disbursement.programmes.open_points import Settings
from disbursement.programmes.rates import RateSet
from ledger.bulk import bulk_insert, roomy
from ledger.sql import text

NOT_ACCRUED = -1
"""`last_rev` of a month for which nothing was ever accrued."""


@dataclass(frozen=True)
class LawState:
    """A state of the law that amounts are assessed under, and its key in the table `due`."""

    rates: RateSet
    law_on: date
    undecided: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
    lists: ListRates = field(default_factory=shipped_list_rates)
    merit: MeritRates = field(default_factory=shipped_merit_rates)

    @property
    def law(self) -> Law:
        """Return what `assess` takes."""
        return Law(self.law_on, self.rates, self.undecided, self.settings)

    @property
    def key(self) -> str:
        """Return a key that two days share when the same instruments are usable on both.

        Another rate version or another decision on an open point is another key, so the next list
        compares every month whose amount differs.
        """
        usable = sorted(
            code
            for code, i in self.rates.instruments.items()
            if i.in_force_from <= self.law_on and code not in self.undecided
        )
        last = max((self.rates.instruments[c].in_force_from for c in usable), default=date.min)
        out = ",".join(sorted(self.undecided & set(self.rates.instruments)))
        key = f"{self.rates.sha256[:12]}/{last.isoformat()}/{len(usable)}/-{out}"
        decided = self.settings != Settings()
        if decided:
            key = f"{key}/{self.settings.sha256()[:12]}"
        # A list programme counts from its own day, and its table may be another one.
        known = self.lists.sha256 != shipped_list_rates().sha256
        open_now = sum(
            r.in_force_from <= self.law_on for rows in self.lists.rows.values() for r in rows
        )
        key = f"{key}/L{self.lists.sha256[:12]}-{open_now}" if known else key
        # The tables of merit have days of their own on which they may be used.
        usable_now = sum(d <= self.law_on for d in self.merit.force_days())
        return f"{key}/M{self.merit.sha256[:12]}-{usable_now}"


def ensure_due(
    conn: Connection, states: Iterable[LawState], first_month: int, last_month: int
) -> int:
    """Assess every profile for every month of the span that lacks an amount; return how many.

    Only months in which some unit has the profile are assessed.
    """
    made = 0
    for state in {s.key: s for s in states}.values():
        rows = conn.execute(
            text(
                "SELECT DISTINCT u.profile_id, p.facts, m.month FROM ("
                "SELECT DISTINCT profile_id, from_month, to_month FROM unit_profile "
                "WHERE to_month >= :a AND from_month <= :b) u "
                "JOIN profile p ON p.id = u.profile_id "
                "JOIN work_month m ON m.month BETWEEN u.from_month AND u.to_month "
                "WHERE m.month BETWEEN :a AND :b AND NOT EXISTS (SELECT 1 FROM due d "
                "WHERE d.profile_id = u.profile_id AND d.month = m.month AND d.law_key = :key) "
                "ORDER BY u.profile_id, m.month"
            ),
            {"a": first_month, "b": last_month, "key": state.key},
        ).all()
        made += bulk_insert(
            conn,
            "due",
            _DUE_COLUMNS,
            (
                _due_row(profile_id, month, state.key, assess_profile(facts, month, state))
                for profile_id, facts, month in rows
            ),
        )
    return made


_DUE_COLUMNS = (
    "profile_id", "month", "law_key", "total_vnd", "programme", "most_vnd", "hold_reason",
    "held_vnd", "reason",
)  # fmt: skip
UNBOUNDED = 10**15
"""`most_vnd` where nobody can say how much a hold would add (dong)."""
RERATING = "rerating_decision_missing"


def assess_profile(facts: str, month: int, state: LawState) -> Due:
    """Assess a stored profile for one month: of a person's cases, of merit, or of a list."""
    if is_merit(facts):
        return merit_due(facts, month, state.law_on, state.merit)
    if is_list(facts):
        return list_due(facts, month, state.law_on, state.lists, state.merit)
    return assess(facts_from_json(facts), month, state.law)


def _due_row(
    profile_id: int, month: int, key: str, found: Due
) -> tuple[int, int, str, int, str, int, str, int, str]:
    """Return the row of `due`; the reason is kept as a document (coins.md 10)."""
    holds = [h for h in found.held if h.code != RERATING]
    return (
        profile_id,
        month,
        key,
        found.total_vnd,
        found.programme,
        UNBOUNDED if found.at_most_vnd is None else found.at_most_vnd,
        holds[0].code if holds else "",
        sum(h.amount_vnd or 0 for h in holds),
        json.dumps(found.as_dict(), ensure_ascii=False, sort_keys=True),
    )


def work_months(conn: Connection, months: Sequence[int]) -> None:
    """Make the temporary table of months under comparison."""
    conn.execute(text("DROP TABLE IF EXISTS work_month"))
    conn.execute(text("CREATE TEMPORARY TABLE work_month (month integer PRIMARY KEY)"))
    conn.execute(text("INSERT INTO work_month VALUES (:m)"), [{"m": m} for m in months])


def work_payers(conn: Connection, rows: Sequence[tuple[int, str, str, str]]) -> None:
    """Make the temporary table of payers: (payer_id, law_key, full_key, last_key).

    `law_key` is the law this list is paid by, `full_key` the law with nothing undecided,
    `last_key` the one its last released list was paid by ('' for a first list).
    """
    conn.execute(text("DROP TABLE IF EXISTS work_payer"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_payer (payer_id bigint PRIMARY KEY, "
            "law_key text, full_key text, last_key text)"
        )
    )
    bulk_insert(conn, "work_payer", ("payer_id", "law_key", "full_key", "last_key"), rows)


def compare(conn: Connection, month: int) -> int:
    """Fill `work_diff` with every (sub, covered month) whose due differs from what is owed.

    Compared are the current month of everybody; earlier months of units marked dirty; and every
    earlier month in which the profile's amount differs between the law of the payer's last list
    and today's, decided or not (coins.md 12). Returns the number of differences.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_unit"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_unit (sub_id bigint, first_month integer, "
            "last_month integer, payer_id bigint, profile_id bigint)"
        )
    )
    for query in (_CURRENT, _DIRTY, _CHANGED):
        conn.execute(text(query), {"m": month})
    conn.execute(text("DROP TABLE IF EXISTS work_diff"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_diff (sub_id bigint, payer_id bigint, cover integer, "
            "programme text, due bigint, full_due bigint, owed bigint, last_rev integer, "
            "hold_reason text, held_vnd bigint, person_id bigint)"
        )
    )
    with roomy(conn):
        found = _differences(conn)
    found += conn.execute(text(_GONE), {"m": month}).rowcount
    conn.execute(text(_LISTED))
    return found


# `work_unit` holds spans and not months: a person with back pay is one row more, not four. Each
# month of a unit lies in one of its rows.
_CURRENT = """
INSERT INTO work_unit
SELECT u.sub_id, :m, :m, u.payer_id, u.profile_id
FROM unit_profile u JOIN work_payer p ON p.payer_id = u.payer_id
WHERE :m BETWEEN u.from_month AND u.to_month
"""

_DIRTY = """
INSERT INTO work_unit
SELECT u.sub_id, CASE WHEN u.from_month > x.from_month THEN u.from_month ELSE x.from_month END,
  CASE WHEN u.to_month < w.last THEN u.to_month ELSE w.last END, u.payer_id, u.profile_id
FROM (SELECT max(month) AS last FROM work_month WHERE month < :m) w
JOIN dirty x ON x.from_month <= w.last
JOIN unit_profile u ON u.sub_id = x.sub_id
 AND u.to_month >= x.from_month AND u.from_month <= w.last
JOIN work_payer p ON p.payer_id = u.payer_id
"""

_CHANGED = """
INSERT INTO work_unit
SELECT u.sub_id, c.month, c.month, u.payer_id, u.profile_id
FROM (
  SELECT p.payer_id, a.profile_id, a.month
  FROM work_payer p JOIN due a ON a.law_key = p.last_key
  LEFT JOIN due b ON b.law_key = p.law_key AND b.profile_id = a.profile_id AND b.month = a.month
  LEFT JOIN due f ON f.law_key = p.full_key AND f.profile_id = a.profile_id AND f.month = a.month
  WHERE a.month < :m AND (b.total_vnd <> a.total_vnd OR f.total_vnd <> a.total_vnd
                          OR b.most_vnd < a.most_vnd)
) c
JOIN unit_profile u ON u.payer_id = c.payer_id AND u.profile_id = c.profile_id
 AND c.month BETWEEN u.from_month AND u.to_month
WHERE NOT EXISTS (SELECT 1 FROM dirty x WHERE x.sub_id = u.sub_id AND x.from_month <= c.month)
"""

# What lies between the certain amount and the highest possible one is not taken back. {last} finds
# the last revision of what was accrued and what is owed after it, for the months {months}.
_DIFFERENCES = """
INSERT INTO work_diff
WITH o AS {how} (
  SELECT u.sub_id, u.payer_id, d.month AS cover, d.programme, d.total_vnd AS total,
         d.most_vnd AS most, f.total_vnd AS full_due, d.hold_reason, d.held_vnd,
         {last_rev} AS last_rev, {owed} AS owed
  FROM work_unit u
  JOIN work_payer p ON p.payer_id = u.payer_id
  JOIN due d ON d.profile_id = u.profile_id AND d.law_key = p.law_key
   AND d.month BETWEEN u.first_month AND u.last_month AND d.month IN ({months})
  JOIN due f ON f.profile_id = d.profile_id AND f.month = d.month AND f.law_key = p.full_key
  {last}
)
SELECT t.sub_id, t.payer_id, t.cover, t.programme, t.due, t.full_due, t.owed, t.last_rev,
       t.hold_reason, t.held_vnd, t.sub_id
FROM (
  SELECT o.sub_id, o.payer_id, o.cover, o.programme, o.full_due, o.owed, o.last_rev,
         o.hold_reason, o.held_vnd,
         CASE WHEN o.owed <= o.total THEN o.total WHEN o.owed <= o.most THEN o.owed
              ELSE o.most END AS due
  FROM o
) t
WHERE t.due <> t.owed OR t.hold_reason <> '' OR t.full_due > t.due
"""

# SQLite looks a unit's last revision up by its keys: the partial one of revisions, then the coin.
_LOOK_UP = """
  LEFT JOIN line l ON l.sub_id = u.sub_id AND l.cover = d.month AND l.rev > 0
   AND l.rev = (SELECT max(r.rev) FROM line r WHERE r.sub_id = u.sub_id AND r.cover = d.month
     AND r.rev > 0)
  LEFT JOIN line z ON z.sub_id = u.sub_id AND z.cover = d.month AND z.item = 0 AND z.move = 0
"""
_LOOKED_UP = ("coalesce(l.rev, z.rev, -1)", "coalesce(l.due_after, z.due_after, 0)")

# On PostgreSQL a look-up per unit asks every partition, and is by far the longest part of a
# comparison; one month at a time, the planner chooses by that month's partition.
_JOINED = """
  LEFT JOIN (SELECT DISTINCT ON (r.sub_id) r.sub_id, r.rev, r.due_after
    FROM line r JOIN work_unit x ON x.sub_id = r.sub_id
     AND {months} BETWEEN x.first_month AND x.last_month
    WHERE r.cover = {months} AND r.rev IS NOT NULL ORDER BY r.sub_id, r.rev DESC) l
   ON l.sub_id = u.sub_id
"""
_JOINED_UP = ("coalesce(l.rev, -1)", "coalesce(l.due_after, 0)")
_FRESH = (str(NOT_ACCRUED), "0")


def _differences(conn: Connection) -> int:
    """Fill `work_diff` from `work_unit`; months that no journal covers need no look at the book."""
    postgres = conn.dialect.name == "postgresql"
    if postgres:
        # the planner has never seen what was just made
        conn.exec_driver_sql("ANALYZE work_unit")
        refresh_statistics(conn, "due")
    asked = (
        "SELECT m.month FROM work_month m JOIN (SELECT DISTINCT first_month AS a, last_month AS b "
        "FROM work_unit) u ON m.month BETWEEN u.a AND u.b"
    )
    covers = {int(m) for m in conn.execute(text(asked)).scalars()}
    spans = conn.execute(text("SELECT DISTINCT cover_from, cover_to FROM journal")).all()
    booked = sorted(m for m in covers if any(a is not None and a <= m <= b for a, b in spans))
    fresh = sorted(covers - set(booked))
    found = _difference_rows(conn, fresh, "", _FRESH)
    if postgres:
        return found + sum(_difference_rows(conn, [m], _JOINED, _JOINED_UP) for m in booked)
    return found + _difference_rows(conn, booked, _LOOK_UP, _LOOKED_UP)


def _difference_rows(
    conn: Connection, months: Sequence[int], last: str, columns: tuple[str, str]
) -> int:
    if not months:
        return 0
    query = _DIFFERENCES.format(
        how="MATERIALIZED" if last else "NOT MATERIALIZED",
        last=last, last_rev=columns[0], owed=columns[1], months="{months}",
    )  # fmt: skip
    query = query.replace("{months}", ", ".join(str(m) for m in months))
    return conn.execute(text(query)).rowcount


# A stop recorded late leaves accrued months without a right: nothing is due for them any more.
_GONE = """
INSERT INTO work_diff
SELECT g.sub_id, g.payer_id, g.cover, g.programme, 0, 0, g.owed, g.last_rev, '', 0, g.sub_id
FROM (
  SELECT x.sub_id, o.payer_id, m.month AS cover,
    (SELECT min(c.programme) FROM benefit_case c WHERE c.person_id = x.sub_id) AS programme,
    o.rev AS last_rev, o.due_after AS owed
  FROM dirty x
  JOIN person b ON b.id = x.sub_id
  JOIN work_month m ON m.month >= x.from_month AND m.month <= :m
  JOIN (SELECT l.sub_id, l.cover, l.rev, l.due_after, w.payer_id FROM line l
        JOIN account a ON a.id IN (l.debit_account, l.credit_account) AND a.kind = 'expense'
        JOIN work_payer w ON w.payer_id = a.payer_id
        WHERE l.rev IS NOT NULL) o ON o.sub_id = x.sub_id AND o.cover = m.month
  WHERE NOT EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = x.sub_id
                     AND m.month BETWEEN u.from_month AND u.to_month)
    AND o.rev = (SELECT max(r.rev) FROM line r WHERE r.sub_id = x.sub_id AND r.cover = m.month)
) g WHERE g.owed > 0
"""

# A unit of a list programme has a sub of its own; its person is who is paid and may be held.
_LISTED = """
UPDATE work_diff SET person_id = (SELECT u.person_id FROM list_unit u
  WHERE u.sub_id = work_diff.sub_id),
  programme = (SELECT u.programme FROM list_unit u WHERE u.sub_id = work_diff.sub_id)
WHERE sub_id IN (SELECT u.sub_id FROM list_unit u)
"""
