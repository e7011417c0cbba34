"""What a rate version does to money that was already listed: how much more, how much less.

The same pure `assess` as the lists, once per profile and month whose amount differs, joined with
what the book says is owed. Nothing is written but temporary tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from disbursement.entitlements.facts import facts_from_json
from disbursement.entitlements.rules import Law, assess
from disbursement.platform.clock import months_between
from disbursement.programmes.approved import settings
from disbursement.programmes.open_points import Settings
from disbursement.programmes.rates import RateSet
from ledger.bulk import bulk_insert
from ledger.sql import text

_UNBOUNDED = 10**15


@dataclass(frozen=True, slots=True)
class Effect:
    """People and dong over months that are in the book already, all decisions taken as made.

    `added_vnd`: what the next lists would add. `lowered_vnd`: what is owed or paid beyond the most
    that the new amounts allow; it would be cancelled, or become receivables where it was paid.
    """

    added_people: int
    added_vnd: int
    lowered_people: int
    lowered_vnd: int


class _Profile(NamedTuple):
    """One profile of the book: its facts as JSON, and the months (yyyymm) it is used in."""

    id: int
    facts: str
    first: int
    last: int


def effect(conn: Connection, old: RateSet, new: RateSet) -> Effect:
    """Compare two rate sets over every month in the book, every instrument being in force.

    `conn` may be a reading connection. Raises as `assess`.
    """
    span = _months(conn)
    if old.sha256 == new.sha256 or span is None:
        return Effect(0, 0, 0, 0)
    variants = _variants(conn)
    conn.execute(text("DROP TABLE IF EXISTS work_rate"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_rate (variant integer, profile_id bigint, month integer, "
            "old_vnd bigint, new_vnd bigint, most_vnd bigint)"
        )
    )
    profiles = _profiles(conn, span[1])  # before the rows flow: a COPY takes the connection
    bulk_insert(
        conn,
        "work_rate",
        ("variant", "profile_id", "month", "old_vnd", "new_vnd", "most_vnd"),
        _differing(profiles, span, variants, old, new),
    )
    row = conn.execute(text(_EFFECT)).one()
    return Effect(*(int(v or 0) for v in row))


def _months(conn: Connection) -> tuple[int, int] | None:
    """Return the first and the last month that any list or opening has put into the book."""
    first = conn.execute(text("SELECT min(from_month) FROM unit_profile")).scalar()
    last = conn.execute(
        text(
            "SELECT max(m.month) FROM (SELECT max(month) AS month FROM pay_list WHERE state IN "
            "('released', 'closed') UNION ALL SELECT max(cover) FROM opening "
            "UNION ALL SELECT max(cover) FROM list_opening) m"
        )
    ).scalar()
    return None if first is None or last is None or first > last else (int(first), int(last))


def _variants(conn: Connection) -> Mapping[int, Settings]:
    """Give each different set of decisions a number; leaves `work_variant` behind."""
    points = settings(conn)
    numbers: dict[Settings, int] = {}
    rows = []
    for payer_id, code in conn.execute(text("SELECT id, code FROM payer")).all():
        rows.append((payer_id, numbers.setdefault(points.of(code), len(numbers))))
    conn.execute(text("DROP TABLE IF EXISTS work_variant"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_variant (payer_id bigint PRIMARY KEY, variant integer)")
    )
    bulk_insert(conn, "work_variant", ("payer_id", "variant"), rows)
    return {n: decided for decided, n in numbers.items()}


def _profiles(conn: Connection, last: int) -> list[_Profile]:
    """Read every profile with the months in which anybody has it, up to `last`."""
    rows = conn.execute(
        text(
            "SELECT p.id, p.facts, min(u.from_month), max(u.to_month) FROM unit_profile u "
            "JOIN profile p ON p.id = u.profile_id WHERE u.from_month <= :last "
            "AND p.facts NOT LIKE '{\"list\":%' "
            "GROUP BY p.id, p.facts"
        ),
        {"last": last},
    )
    return [_Profile(*row) for row in rows]


def _differing(
    profiles: Sequence[_Profile],
    span: tuple[int, int],
    variants: Mapping[int, Settings],
    old: RateSet,
    new: RateSet,
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield every variant, profile and month for which the two sets give different amounts."""
    for variant, decided in variants.items():
        before, after = (Law(date.max, rates, settings=decided) for rates in (old, new))
        for profile_id, facts_json, first, last in profiles:
            facts = facts_from_json(facts_json)
            for month in months_between(max(first, span[0]), min(last, span[1])):
                was, now = assess(facts, month, before), assess(facts, month, after)
                if (was.total_vnd, was.at_most_vnd) != (now.total_vnd, now.at_most_vnd):
                    most = _UNBOUNDED if now.at_most_vnd is None else now.at_most_vnd
                    yield (variant, profile_id, month, was.total_vnd, now.total_vnd, most)


_EFFECT = """
WITH w AS MATERIALIZED (
  SELECT u.sub_id, r.month AS cover, r.old_vnd, r.new_vnd, r.most_vnd
  FROM work_rate r JOIN work_variant v ON v.variant = r.variant
  JOIN unit_profile u ON u.payer_id = v.payer_id AND u.profile_id = r.profile_id
   AND r.month BETWEEN u.from_month AND u.to_month
), o AS MATERIALIZED (
  SELECT w.*, coalesce(
    (SELECT l.due_after FROM line l WHERE l.sub_id = w.sub_id AND l.cover = w.cover AND l.rev > 0
      ORDER BY l.rev DESC LIMIT 1),
    (SELECT l.due_after FROM line l WHERE l.sub_id = w.sub_id AND l.cover = w.cover
      AND l.item = 0 AND l.move = 0)) AS owed
  FROM w
)
SELECT count(DISTINCT CASE WHEN new_vnd > owed AND new_vnd > old_vnd THEN sub_id END),
       sum(CASE WHEN new_vnd > owed AND new_vnd > old_vnd THEN new_vnd - owed ELSE 0 END),
       count(DISTINCT CASE WHEN owed > most_vnd THEN sub_id END),
       sum(CASE WHEN owed > most_vnd THEN owed - most_vnd ELSE 0 END)
FROM o WHERE owed IS NOT NULL
"""
