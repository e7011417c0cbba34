"""Our meritorious cases against the meritorious finance database, person by person.

Whom both sides know by number: relation, allowances, amount, decision, end and death. What the
register says of a person without a case here, and of an allowance in words that name no category,
is told as it stands there; nothing is guessed from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from disbursement.beneficiaries.columns import plain
from disbursement.beneficiaries.merit_rows import category_of
from disbursement.beneficiaries.national.queries import MONTH_OF
from disbursement.entitlements.merit_bulk import MONTHLY, MeritCase, merit_due
from disbursement.platform.clock import month_of
from disbursement.programmes.approved import approved
from disbursement.programmes.catalogue import fixed_categories
from disbursement.programmes.merit_rates import MeritRates, load_merit_rates
from ledger.money import format_vnd
from ledger.sql import text

KINDS = (
    "dead_here", "stopped_there", "stopped_here", "allowance_there", "allowance_here",
    "amount_differs", "relation_differs", "decision_differs",
)  # fmt: skip
"""What can differ about a merit, in the order of the report."""
RELATIONS = {
    "self": "bản thân", "spouse": "vợ/chồng", "child": "con", "parent": "cha, mẹ",
    "foster": "người có công nuôi dưỡng", "worshipper": "người thờ cúng",
    "carer": "người chăm sóc", "other": "khác",
}  # fmt: skip
_SURVIVOR = "SURVIVOR"

# Their rows of the people both sides know by number, with ours beside them.
_ROWS = """
SELECT s.payer_code, p.id AS person_id, p.reference, p.identity_last4 AS last4, p.name,
  p.birth_from, p.birth_to, p.sex, r.last4 AS their_last4, r.name AS their_name,
  r.birth_from AS their_birth_from, r.birth_to AS their_birth_to, r.sex AS their_sex,
  r.commune_code AS their_commune, r.died_on, r.left_on, r.code, r.active, r.facts,
  coalesce(d.died_on, (SELECT min(e.happened_on) FROM case_event e WHERE e.person_id = p.id
    AND e.kind = 'death' AND NOT EXISTS (SELECT 1 FROM case_event w WHERE w.withdraws = e.id)))
  AS dead, (SELECT count(*) FROM benefit_case c WHERE c.person_id = p.id
    AND c.facts LIKE '%"merit_allowance"\\:true%') AS elsewhere
FROM work_scope s JOIN person p ON p.payer_id = s.payer_id
JOIN register_row r ON r.snapshot_id = s.content_id AND r.who_blind = p.identity_blind
  AND r.state = 0
LEFT JOIN death_notice d ON d.person_id = p.id
ORDER BY s.payer_code, p.id, r.n
"""
_OURS = f"""
SELECT m.person_id, m.code, m.body, m.decision_number, m.decision_date, g.facts, {MONTH_OF} AS month
FROM work_scope s JOIN payer y ON y.id = s.payer_id JOIN person p ON p.payer_id = s.payer_id
JOIN merit_case m ON m.person_id = p.id
LEFT JOIN unit_profile f ON f.sub_id = m.sub_id AND {MONTH_OF} BETWEEN f.from_month AND f.to_month
LEFT JOIN profile g ON g.id = f.profile_id
"""


class MeritFinding(NamedTuple):
    """A difference: its kind, the row of ours and theirs it is about, and what differs in words."""

    kind: str
    row: Any
    detail: str


@dataclass(frozen=True)
class _Case:
    category: str
    relation: str
    decision: tuple[str, str]


@dataclass(frozen=True)
class _Person:
    """What a person draws here in the month: cases by category, active ones, and the amounts."""

    cases: Mapping[str, Sequence[_Case]]
    active: frozenset[str]
    amounts: tuple[int, int]  # what is due, and with what is held


def differences(conn: Connection, day: date) -> Iterator[MeritFinding]:
    """Yield what differs, the people in the order of payer and number; needs `work_scope`."""
    month = month_of(day)
    rates = load_merit_rates(approved(conn, day).files)
    ours = _ours(conn, month, day, rates)
    streamed = text(_ROWS).execution_options(yield_per=5_000)
    for person, group in groupby(conn.execute(streamed), key=attrgetter("person_id")):
        rows = list(group)
        found = ours.get(int(person))
        if found is not None:
            yield from _of_person(rows, found)
        elif not rows[0].elsewhere:  # paid elsewhere, as the register of ours says
            yield from (MeritFinding("allowance_there", r, _words(r)) for r in rows if r.active)


def _ours(conn: Connection, month: int, day: date, rates: MeritRates) -> dict[int, _Person]:
    @lru_cache(maxsize=65_536)
    def drawn(profile: str, month: int) -> tuple[frozenset[str], tuple[int, int]]:
        active = frozenset(c["category"] for c in json.loads(profile)["merit"] if "facts" in c)
        due = merit_due(profile, month, day, rates)
        held = sum(h.amount_vnd or 0 for h in due.held)
        return active, (due.total_vnd, due.total_vnd + held)

    out: dict[int, _Person] = {}
    found = conn.execute(text(_OURS), {"month": month}).all()
    for person, rows in groupby(sorted(found, key=lambda r: (r[0], r[1])), key=lambda r: int(r[0])):
        cases: dict[str, list[_Case]] = {}
        active, amounts = frozenset[str](), (0, 0)
        for _, _, body, number, decided, profile, at in rows:
            case = MeritCase.from_json(body)
            relation = str(case.facts.get("relation", "")) if case.category == _SURVIVOR else "self"
            cases.setdefault(case.category, []).append(
                _Case(case.category, relation, (str(number), str(decided)[:10]))
            )
            if profile is not None:
                active, amounts = drawn(profile, int(at))
        out[person] = _Person(cases, active, amounts)
    return out


def _of_person(rows: Sequence[Any], ours: _Person) -> Iterator[MeritFinding]:
    alive = [r for r in rows if r.active]
    if rows[0].dead is not None and alive:
        died = date.fromisoformat(rows[0].dead)
        yield MeritFinding("dead_here", alive[0], f"ở đây ghi chết ngày {died:%d/%m/%Y}")
        return
    if not alive:
        if ours.active:
            yield MeritFinding("stopped_there", rows[0], f"ở đây: {_titles(ours.active)}")
        return
    if not ours.active:
        yield from (MeritFinding("stopped_here", r, _words(r)) for r in alive)
        return
    known = {id(r): category(str(_said(r).get("allowance", ""))) for r in alive}
    for row in alive:
        code = known[id(row)]
        if code is not None and code not in ours.active:
            kind = "stopped_here" if code in ours.cases else "allowance_there"
            yield MeritFinding(kind, row, _words(row))
    missing = ours.active - {c for c in known.values() if c is not None}
    if missing and all(known.values()):  # a row in other words may be the very one
        for code in sorted(missing):
            ended = [r for r in rows if not r.active and category(_allowance(r)) == code]
            kind = "stopped_there" if ended else "allowance_here"
            yield MeritFinding(kind, (ended or alive)[0], f"ở đây: {_titles([code])}")
    theirs = sum(int(_said(r).get("amount", 0)) for r in alive)
    if theirs not in ours.amounts:
        yield MeritFinding(
            "amount_differs", alive[0],
            f"bên đó {format_vnd(theirs)} đồng, ở đây {format_vnd(ours.amounts[1])} đồng một tháng",
        )  # fmt: skip
    for row in alive:
        code = known[id(row)]
        yield from _details(row, ours.cases.get(code or "", ()))


def _details(row: Any, cases: Sequence[_Case]) -> Iterator[MeritFinding]:
    """Yield what a row says otherwise than every case of its category here."""
    if not cases:
        return
    said = _said(row)
    theirs = str(said.get("relation") or "self")
    relations = {c.relation for c in cases if c.relation}
    # The database has no word for whom the meritorious brought them up.
    if relations and theirs not in relations and not (theirs == "other" and "foster" in relations):
        here = ", ".join(RELATIONS.get(r, r) for r in sorted(relations))
        yield MeritFinding(
            "relation_differs", row, f"bên đó {RELATIONS.get(theirs, theirs)}, ở đây {here}"
        )
    number, day = str(said.get("decision_number") or ""), str(said.get("decision_date") or "")[:10]
    if not (number or day):
        return
    if not any(
        (not number or plain(number) == plain(c.decision[0])) and (not day or day == c.decision[1])
        for c in cases
    ):
        here = "; ".join(_decision(*c.decision) for c in cases)
        yield MeritFinding(
            "decision_differs", row, f"bên đó {_decision(number, day)}, ở đây {here}"
        )


def _decision(number: str, day: str) -> str:
    said = f" ngày {date.fromisoformat(day):%d/%m/%Y}" if day else ""
    return f"{number or 'không ghi số'}{said}"


def _said(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.facts)
    return found


def _allowance(row: Any) -> str:
    return str(_said(row).get("allowance", ""))


def _words(row: Any) -> str:
    said = _said(row)
    return f"bên đó: {said.get('allowance', '')}, {format_vnd(int(said.get('amount', 0)))} đồng"


def _titles(codes: Iterable[str]) -> str:
    return "; ".join(f"{c} ({fixed_categories()[c].title_vi})" for c in sorted(codes))


@lru_cache(maxsize=4_096)
def category(words: str) -> str | None:
    """Return the monthly category that a register's words name; None where they name none.

    A code (`TB`, `TB 61 %`), a title, or the part of a title that no other category has.
    """
    bare = plain(re.sub(r"\d+(?:[.,]\d+)?\s*%?", " ", words))
    for told in (words, bare.strip(" ,;-"), words.split(" ", maxsplit=1)[0]):
        code = category_of(told) if told else None
        if code is not None:
            return code if code in MONTHLY else None
    return None
