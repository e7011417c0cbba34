"""Who of merit has which profile when: the spans of the monthly cases, kept as they change.

A span reaches over every month from the payer's go-live (or the first month of the person's
opening) to the horizon, idle months too, so that
what was paid and is not due any more is found by the same comparison as a rise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from disbursement.entitlements import dossier as d
from disbursement.entitlements.histories import Grant
from disbursement.entitlements.list_due import list_profile
from disbursement.entitlements.merit_bulk import (
    LINE,
    MOURNING,
    REACHING,
    MeritCase,
    MeritPerson,
    merit_spans,
    mourning_facts,
)
from disbursement.entitlements.store import (
    BATCH,
    ProfileIds,
    Recorded,
    StoredSpan,
    first_differing,
    horizon,
    mark_dirty,
    recorded,
)
from disbursement.platform.clock import add_months
from ledger.bulk import bulk_insert
from ledger.sql import text

_CASES = """
SELECT m.sub_id, m.person_id, p.payer_id, y.go_live_month, p.sex, m.body,
  (SELECT min(o.cover) FROM list_opening o WHERE o.sub_id = m.sub_id),
  (SELECT max(o.cover) FROM list_opening o WHERE o.sub_id = m.sub_id)
FROM merit_case m JOIN person p ON p.id = m.person_id JOIN payer y ON y.id = p.payer_id
WHERE m.sub_id IN (SELECT DISTINCT c.sub_id FROM merit_case c
  JOIN work_renew w ON w.person_id = c.person_id WHERE c.sub_id > :at ORDER BY c.sub_id LIMIT :n)
ORDER BY m.sub_id, m.code
"""


def renew(conn: Connection, *, month: int) -> int:
    """Make the spans of the people in `work_renew` anew and mark what differs; return how many.

    `month` is today's (yyyymm). The first month that differs is what the next list compares from.
    """
    last, profiles = horizon(conn, month), ProfileIds(conn)
    told = recorded(conn, "SELECT person_id FROM work_renew")
    at = people = 0
    while True:
        rows = conn.execute(text(_CASES), {"at": at, "n": BATCH}).all()
        if not rows:
            _renew_mourning(conn, told, profiles)
            return people
        at = int(rows[-1][0])
        people += _batch(conn, rows, told, last, profiles)


def _batch(
    conn: Connection,
    rows: Iterable[Sequence[Any]],
    told: Mapping[int, Sequence[Recorded]],
    last: int,
    profiles: ProfileIds,
) -> int:
    made: dict[int, list[tuple[int, int, int, str]]] = {}
    for sub, found in groupby(rows, key=itemgetter(0)):
        group = list(found)
        _, person, payer, live, sex, _, opened, through = group[0]
        cases = [MeritCase.from_json(r[5]) for r in group]
        events = reaching(told.get(int(person), ()))
        first = max(int(live), *(_after(c) for c in cases))
        if opened is not None and first <= max(int(live), add_months(int(through), 1)):
            first = int(opened)  # the book says what each of these months was paid
        who = MeritPerson(cases, events, "M" if sex == "male" else "F")
        made[int(sub)] = [(a, b, int(payer), p) for a, b, p in merit_spans(who, first, last)]
    texts = {p for spans in made.values() for *_, p in spans}
    digests = {p: hashlib.sha256(p.encode()).digest() for p in texts}
    profiles.learn(conn, {digest: p for p, digest in digests.items()})
    _write(
        conn,
        {s: [(a, b, y, profiles[digests[p]]) for a, b, y, p in x] for s, x in made.items()},
    )
    return len(made)


def reaching(told: Iterable[Recorded]) -> list[d.Event]:
    """Return the events recorded of a person that reach the merits."""
    return [
        t.event
        for t in told
        if t.case_id is None and t.kind in REACHING and not isinstance(t.event, Grant)
    ]


_MOURNING = """
SELECT u.sub_id, w.person_id, s.from_month, f.facts
FROM (SELECT DISTINCT person_id FROM work_renew) w
JOIN list_unit u ON u.programme = :line AND u.unit = 'd' || w.person_id || '/' || :code
JOIN unit_profile s ON s.sub_id = u.sub_id JOIN profile f ON f.id = s.profile_id
ORDER BY u.sub_id
"""


def _renew_mourning(
    conn: Connection, told: Mapping[int, Sequence[Recorded]], profiles: ProfileIds
) -> None:
    """Judge anew what was paid for a death, where the merits of the dead, or the death, changed."""
    changed: list[tuple[int, int]] = []
    for code in MOURNING:
        for sub, person, month, facts in conn.execute(
            text(_MOURNING), {"line": LINE, "code": code}
        ).all():
            cases = cases_of(conn, int(person))
            who = MeritPerson(cases, reaching(told.get(int(person), ())))
            new = list_profile(LINE, mourning_facts(code, who, int(month)))
            if new == facts:
                continue
            digest = hashlib.sha256(new.encode()).digest()
            profiles.learn(conn, {digest: new})
            conn.execute(
                text("UPDATE unit_profile SET profile_id = :f WHERE sub_id = :s"),
                {"f": profiles[digest], "s": sub},
            )
            changed.append((int(sub), int(month)))
    for sub, month in changed:
        mark_dirty(conn, f"SELECT {sub} AS sub_id, {month} AS from_month, '{LINE}' AS why")


def cases_of(conn: Connection, person: int) -> list[MeritCase]:
    """Return the monthly merits of a person."""
    found = conn.execute(
        text("SELECT body FROM merit_case WHERE person_id = :p ORDER BY code"), {"p": person}
    )
    return [MeritCase.from_json(body) for body in found.scalars()]


def _after(case: MeritCase) -> int:
    """Return the first month that was not paid outside, as the row says; 0 where it says nothing.

    The earliest where cases differ would pay a month twice, so the latest counts for all.
    """
    return 0 if case.paid_through is None else add_months(case.paid_through, 1)


def _write(conn: Connection, made: Mapping[int, list[StoredSpan]]) -> None:
    """Replace the spans of these subs, and mark each from the first month that differs."""
    conn.execute(text("DROP TABLE IF EXISTS work_merit"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_merit (sub_id bigint PRIMARY KEY, from_month integer)")
    )
    bulk_insert(conn, "work_merit", ("sub_id", "from_month"), [(s, 0) for s in sorted(made)])
    subs = "SELECT sub_id FROM work_merit"
    before: dict[int, list[StoredSpan]] = {}
    for sub, a, b, payer, profile in conn.execute(
        text(
            "SELECT sub_id, from_month, to_month, payer_id, profile_id FROM unit_profile "
            f"WHERE sub_id IN ({subs}) ORDER BY sub_id, from_month"
        )
    ):
        before.setdefault(int(sub), []).append((int(a), int(b), int(payer), int(profile)))
    conn.execute(text(f"DELETE FROM unit_profile WHERE sub_id IN ({subs})"))
    bulk_insert(
        conn,
        "unit_profile",
        ("sub_id", "from_month", "to_month", "payer_id", "profile_id"),
        [(sub, *span) for sub, spans in made.items() for span in spans],
    )
    conn.execute(
        text(
            "UPDATE list_unit SET payer_id = (SELECT p.payer_id FROM person p "
            f"WHERE p.id = list_unit.person_id) WHERE sub_id IN ({subs})"
        )
    )
    conn.execute(text("DELETE FROM work_merit"))
    differing = {
        sub: month
        for sub, spans in made.items()
        if (month := first_differing(before.get(sub, []), spans)) is not None
    }
    bulk_insert(conn, "work_merit", ("sub_id", "from_month"), sorted(differing.items()))
    mark_dirty(conn, f"SELECT sub_id, from_month, '{LINE}' AS why FROM work_merit")


def ensure_horizon(conn: Connection, month: int) -> None:
    """Make the spans anew where the cell's horizon has moved past them."""
    last = horizon(conn, month)
    conn.execute(text("DROP TABLE IF EXISTS work_renew"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_renew AS SELECT DISTINCT m.person_id FROM merit_case m "
            "WHERE NOT EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = m.sub_id "
            "AND u.to_month >= :last)"
        ),
        {"last": last},
    )
    renew(conn, month=month)
