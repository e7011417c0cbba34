"""Who has which facts when: `profile`, `unit_profile` and `dirty`, kept as the register changes.

Spans reach to a horizon some years ahead, so that a month is a join and nothing has to be renewed
monthly; `ensure_horizon` moves the horizon on. A person's spans begin with the first month that
compare may look at: the opening month, the payer's go-live month, or the start (coins.md 12).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection

from disbursement.entitlements.dossier import Event
from disbursement.entitlements.facts import Birth, Case, case_from_json, facts_json
from disbursement.entitlements.histories import Grant, Placed, history, read_event, residence
from disbursement.entitlements.profiles import Profiler, Span
from disbursement.platform import ids
from disbursement.platform.clock import add_months
from disbursement.programmes.approved import approved
from disbursement.programmes.rates import RateSet
from ledger.bulk import bulk_insert
from ledger.sql import text

YEARS_AHEAD = 4
HORIZON = "profile_horizon"
RISES = "profile_rises"
"""Setting: the general rises that the cell's spans know of, by code."""
BATCH = 10_000
MAX_PROFILERS = 64
_SPAN_COLUMNS = ("sub_id", "from_month", "to_month", "payer_id", "profile_id")


def horizon_after(month: int) -> int:
    """Return the last month that spans made in `month` reach to."""
    return (month // 100 + YEARS_AHEAD) * 100 + 12


def horizon(conn: Connection, month: int) -> int:
    """Return the cell's horizon; the first call sets it by `month` (yyyymm)."""
    stored = conn.execute(
        text("SELECT value FROM setting WHERE name = :n AND payer = ''"), {"n": HORIZON}
    ).scalar()
    if stored is not None:
        return int(stored)
    _keep(conn, HORIZON, str(found := horizon_after(month)))
    _keep(conn, RISES, _rise_codes(known_rates(conn)))
    return found


def known_rates(conn: Connection) -> RateSet:
    """Return every row the cell has approved, usable or not yet: spans are made with these."""
    return approved(conn, date.max).rates


def _rise_codes(rates: RateSet) -> str:
    return ",".join(i.code for i in rates.rises())


def _keep(conn: Connection, name: str, value: str) -> None:
    conn.execute(
        text(
            "INSERT INTO setting (name, payer, value, document, set_by, set_at) "
            "VALUES (:n, '', :v, '', 'system', '') "
            "ON CONFLICT (name, payer) DO UPDATE SET value = excluded.value"
        ),
        {"n": name, "v": value},
    )


class Spanner:
    """Turns cases into spans up to the horizon; needs no database, so workers may use it.

    `rates` are those of `known_rates` (the shipped ones where None). `new` collects the profiles
    met since the last `take_new`: digest -> canonical JSON.
    """

    def __init__(self, last_month: int, rates: RateSet | None = None) -> None:
        self.last = last_month
        self.rates = rates
        self._seen: set[bytes] = set()
        self._new: dict[bytes, str] = {}
        self._profilers: dict[int, Profiler] = {}

    def spans(self, cases: Sequence[Case], birth: Birth, first_month: int) -> list[Span]:
        """Return the spans from `first_month` to the horizon in which any right is in force."""
        if first_month > self.last:
            return []
        profiler = self._profilers.get(first_month)
        if profiler is None:
            if len(self._profilers) > MAX_PROFILERS:
                self._profilers.clear()
            profiler = self._profilers[first_month] = Profiler(first_month, self.last, self.rates)
        out = [s for s in profiler.spans(cases, birth) if s.facts.rights]
        for span in out:
            if span.key not in self._seen:
                self._seen.add(span.key)
                self._new[span.key] = facts_json(span.facts)
        return out

    def take_new(self) -> dict[bytes, str]:
        """Return the profiles not handed out before."""
        new, self._new = self._new, {}
        return new


class ProfileIds:
    """The ids under which profiles are stored."""

    def __init__(self, conn: Connection) -> None:
        self._ids: dict[bytes, int] = {
            bytes(digest): int(profile_id)
            for profile_id, digest in conn.execute(text("SELECT id, digest FROM profile"))
        }

    def learn(self, conn: Connection, profiles: Mapping[bytes, str]) -> None:
        """Store profiles that are not stored yet."""
        new = {d: f for d, f in profiles.items() if d not in self._ids}
        if not new:
            return
        first = ids.block(conn, "profile", len(new))
        conn.execute(
            text(
                "INSERT INTO profile (id, digest, facts) VALUES (:id, :d, :f) "
                "ON CONFLICT (digest) DO NOTHING"
            ),
            [{"id": first + n, "d": d, "f": f} for n, (d, f) in enumerate(new.items())],
        )
        # Another process may have stored the same profile under its own id a moment ago.
        for digest in new:
            found = conn.execute(
                text("SELECT id FROM profile WHERE digest = :d"), {"d": digest}
            ).scalar_one()
            self._ids[digest] = int(found)

    def __getitem__(self, digest: bytes) -> int:
        return self._ids[digest]


def first_month(starts: Iterable[tuple[int, int | None]], go_live: int) -> int:
    """Return the first month compare may look at, from (start, opening month) of each case.

    A case that starts before go-live counts from its opening month, or, without one, from go-live
    (it is held then); see beneficiaries/openings.py.
    """
    return min(
        start if start >= go_live else opening if opening is not None else go_live
        for start, opening in starts
    )


def renew(conn: Connection, *, month: int) -> int:
    """Make the spans of the people in `work_renew` (person_id) anew; return how many people.

    `month` is today's (yyyymm): it sets the horizon where none is set yet. Constant memory.
    """
    last = horizon(conn, month)
    spanner, profiles = Spanner(last, known_rates(conn)), ProfileIds(conn)
    payers = {str(code): int(i) for i, code in conn.execute(text("SELECT id, code FROM payer"))}
    conn.execute(
        text("DELETE FROM unit_profile WHERE sub_id IN (SELECT person_id FROM work_renew)")
    )
    people = 0
    at = -1
    while True:
        part = {"at": at, "n": BATCH}
        rows = conn.execute(text(_CASES), {**part, "month": month}).all()
        if not rows:
            return people
        told = recorded(conn, _BATCH, part)
        at = rows[-1][0]
        made = list(_people(rows, told, spanner, payers))
        profiles.learn(conn, spanner.take_new())
        people += len(made)
        bulk_insert(
            conn,
            "unit_profile",
            _SPAN_COLUMNS,
            (
                (person, s.from_month, s.to_month, payer, profiles[s.key])
                for person, spans in made
                for payer, s in spans
            ),
        )


_BATCH = "SELECT person_id FROM work_renew WHERE person_id > :at ORDER BY person_id LIMIT :n"

# Who draws a monthly merit from `:month` on; students' support is none ([PL] Art. 6.3).
_DRAWS_MERIT = """SELECT 1 FROM merit_case m JOIN unit_profile u ON u.sub_id = m.sub_id
  JOIN profile f ON f.id = u.profile_id WHERE m.person_id = p.id AND m.code NOT LIKE 'EDU%'
  AND u.to_month >= :month AND f.facts LIKE '%"facts":%'"""

_CASES = f"""
SELECT p.id, p.birth_from, p.birth_to, c.facts, c.start_month, c.opening_month,
       y.go_live_month, y.code, c.id, CASE WHEN EXISTS ({_DRAWS_MERIT}) THEN 1 ELSE 0 END
FROM person p JOIN benefit_case c ON c.person_id = p.id JOIN payer y ON y.id = c.payer_id
WHERE p.id IN ({_BATCH})
ORDER BY p.id, c.id
"""

_EVENTS = """
SELECT e.id, e.person_id, e.case_id, e.kind, e.happened_on, e.payload, y.code
FROM case_event e JOIN payer y ON y.id = e.payer_id
WHERE e.person_id IN ({people}) AND e.kind <> 'withdraw'
  AND NOT EXISTS (SELECT 1 FROM case_event w WHERE w.withdraws = e.id)
ORDER BY e.person_id, e.happened_on, e.id
"""


class Recorded(NamedTuple):
    """An event that counts; `case_id` None: it reaches every case of the person."""

    id: int
    case_id: int | None
    kind: str
    commune: str
    event: Event | Grant


def recorded(
    conn: Connection, people: str, params: Mapping[str, object] | None = None
) -> dict[int, list[Recorded]]:
    """Return the events of the people a SELECT names, by person, in the order of their days.

    Left out is what was withdrawn, and a grant that made its case (the row itself says it).
    """
    out: dict[int, list[Recorded]] = {}
    for event_id, person, case_id, kind, day, payload, code in conn.execute(
        text(_EVENTS.format(people=people)), params or {}
    ):
        said = json.loads(payload)
        if not said.pop("creates", False):
            event = read_event(kind, day, said, code)
            out.setdefault(int(person), []).append(
                Recorded(int(event_id), case_id, kind, code, event)
            )
    return out


def case_history(case: Case, commune: str, case_id: int, told: Iterable[Recorded]) -> list[Placed]:
    """Return the rows of one case of a person with those of the person's events that reach it."""
    mine = [t.event for t in told if t.case_id in (None, case_id)]
    return history(case, commune, mine)


def _people(
    rows: Sequence[Sequence[object]],
    told: Mapping[int, Sequence[Recorded]],
    spanner: Spanner,
    payers: Mapping[str, int],
) -> Iterator[tuple[int, list[tuple[int, Span]]]]:
    for person, group in groupby(rows, key=itemgetter(0)):
        found = list(group)
        born, born_to = found[0][1:3]
        birth = Birth.between(date.fromisoformat(str(born)), date.fromisoformat(str(born_to)))
        starts = [(int(str(r[4])), None if r[5] is None else int(str(r[5]))) for r in found]
        first = first_month(starts, int(str(found[0][6])))
        cases = [(_known_case(r), str(r[7]), int(str(r[8]))) for r in found]
        events = told.get(int(str(person)), ())
        if not events:
            home = payers[cases[0][1]]
            spans = spanner.spans([c for c, _, _ in cases], birth, first)
            yield int(str(person)), [(home, s) for s in spans]
            continue
        placed = [p for case, code, n in cases for p in case_history(case, code, n, events)]
        spans = spanner.spans([p.case for p in placed], birth, first)
        yield int(str(person)), list(_by_payer(spans, residence(placed), payers))


def _known_case(row: Sequence[object]) -> Case:
    """Return a case as granted; that its holder draws a merit here is known without being told."""
    case = case_from_json(str(row[3]))
    return replace(case, merit_allowance=True) if row[9] else case


def _by_payer(
    spans: Iterable[Span], where: Sequence[tuple[int, str]], payers: Mapping[str, int]
) -> Iterator[tuple[int, Span]]:
    """Cut the spans where the person moves to another commune of the cell."""
    ends = [*(add_months(first, -1) for first, _ in where[1:]), 999912]
    for span in spans:
        for (first, code), last in zip(where, ends, strict=True):
            a, b = max(span.from_month, first), min(span.to_month, last)
            if a <= b:
                yield payers[code], span._replace(from_month=a, to_month=b)


StoredSpan = tuple[int, int, int, int]
"""First month, last month, payer, profile."""


def first_differing(old: Sequence[StoredSpan], new: Sequence[StoredSpan]) -> int | None:
    """Return the first month whose facts or payer are not what they were, or None."""
    for a, b in zip_longest(old, new):
        if a == b:
            continue
        if a is not None and b is not None and (a[0], *a[2:]) == (b[0], *b[2:]):
            return add_months(min(a[1], b[1]), 1)
        return min(s[0] for s in (a, b) if s is not None)
    return None


def work_renew(conn: Connection, select: str, params: dict[str, object] | None = None) -> int:
    """Fill the temporary table `work_renew` from a SELECT of person ids; return how many."""
    conn.execute(text("DROP TABLE IF EXISTS work_renew"))
    conn.execute(text("CREATE TEMPORARY TABLE work_renew (person_id bigint PRIMARY KEY)"))
    count = conn.execute(
        text(f"INSERT INTO work_renew SELECT DISTINCT q.person_id FROM ({select}) q"), params or {}
    ).rowcount
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_renew")
    return count


def mark_dirty(conn: Connection, select: str, params: dict[str, object] | None = None) -> None:
    """Mark units for compare from a SELECT of (sub_id, from_month, why): the earliest month stays.

    One row per unit, please: PostgreSQL refuses to update a row twice in one statement.
    """
    conn.execute(
        text(
            "INSERT INTO dirty (sub_id, from_month, why, seq) "
            f"SELECT q.sub_id, q.from_month, q.why, :dirty_seq FROM ({select}) q WHERE true "
            "ON CONFLICT (sub_id) DO UPDATE SET seq = excluded.seq, from_month = CASE "
            "WHEN excluded.from_month < dirty.from_month THEN excluded.from_month "
            "ELSE dirty.from_month END"
        ),
        {**(params or {}), "dirty_seq": ids.block(conn, "change", 1)},
    )


def ensure_horizon(conn: Connection, month: int) -> int:
    """Make the spans anew where time or the law has passed them; return how many people.

    When less than a year is left before the horizon, and when a version was approved with another
    general rise: who was granted under it, or had left before, is a fact of the span. Called when
    a month is prepared.
    """
    now = horizon(conn, month)
    codes = _rise_codes(known_rates(conn))
    known = conn.execute(
        text("SELECT value FROM setting WHERE name = :n AND payer = ''"), {"n": RISES}
    ).scalar()
    if now >= month + 100 and known == codes:
        return 0
    if now < month + 100:
        _keep(conn, HORIZON, str(horizon_after(month)))
    _keep(conn, RISES, codes)
    work_renew(conn, "SELECT id AS person_id FROM person")
    return renew(conn, month=month)
