"""What a cell pays after any history of events is what `explain` answers for the same facts."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from disbursement.beneficiaries.event_checks import (
    CaseState,
    EventError,
    EventIn,
    PersonState,
    accept,
    check_paper,
    learn,
)
from disbursement.entitlements.facts import Birth, Case, case_from_json, facts_from_json, facts_json
from disbursement.entitlements.histories import Grant, history, read_event
from disbursement.entitlements.profiles import Profiler
from disbursement.entitlements.rules import Law, assess
from disbursement.platform.clock import month_of, months_between
from tests.entitlements.asking import answer
from tests.entitlements.cases import RATES

HOME, OTHER = "04792", "04795"  # two communes of Phú Thọ
FIRST, LAST = 202601, 202706
TODAY = date(2027, 6, 30)
LAW = Law(TODAY, RATES)
CLAUSES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "K6": ("1990-03-01", {"degree": "S"}, [{"degree": "ES"}, {"degree": "S"}]),
    "K5a": (
        "1951-08-20",
        {"household": "poor", "carer": "no_obliged"},
        [{"household": "near_poor"}, {"carer": "has_carer"}, {"household": "poor"}],
    ),
    "K4": (
        "1988-01-05",
        {"household": "poor", "children": 2},
        [{"children": 1}, {"children": 0}, {"household": "none"}, {"children": 3}],
    ),
    "SP": (
        "1950-02-02",
        {"household": "poor", "income": "none", "written_request": True},
        [{"income": "not_lower"}, {"income": "none"}],
    ),
    "K8": (
        "1980-12-31",
        {"household": "poor", "income": "none"},
        [{"household": "none"}, {"income": "wage"}, {"household": "poor"}],
    ),
}
KINDS = (
    "change", "change", "change", "suspend", "suspend", "resume", "resume", "stop", "move_out",
    "move_in", "death", "remarriage", "detention", "release", "prison", "refusal", "renounced",
    "uncollected", "grant", "grant",
)  # fmt: skip


def granted(clause: str, signed: date) -> Case:
    return Case(
        programme="SP" if clause == "SP" else "SA", clause=clause, province="25",
        start_month=month_of(signed), decision_date=signed, **CLAUSES[clause][1],
    )  # fmt: skip


def iso(month: int) -> str:
    return f"{month // 100}-{month % 100:02d}"


def drawn(rng: random.Random, person: PersonState, day: date, n: int) -> EventIn:
    moved = bool(person.told) and person.told[-1].kind == "move_out"
    kind = "move_in" if moved and rng.random() < 0.7 else rng.choice(KINDS)
    case = rng.choice(person.cases)
    members: dict[str, Any] = {}
    clause: str | None = case.clause
    if kind == "change":
        members["facts"] = rng.choice(CLAUSES[case.clause][2])
    elif kind == "suspend":
        members["reason"] = rng.choice(["uncollected", "refusal", "detention", "other"])
    elif kind == "resume":
        members["conditions"] = rng.choice(["unchanged", "unchanged", "not_eligible"])
    elif kind == "stop":
        members["cause"] = rng.choice(["lost_eligibility", "false_file", "renounced"])
        if rng.random() < 0.3:
            members["from_month"] = iso(month_of(day))
    elif kind == "detention" and rng.random() < 0.5:
        members["until"] = (day + timedelta(days=rng.choice([10, 60]))).isoformat()
    elif kind == "uncollected":
        last = month_of(day)
        members["months"] = (
            [iso(m) for m in months_between(last - 2, last)] if last % 100 > 3 else []
        )
    elif kind == "grant":
        members["facts"] = CLAUSES[case.clause][1]
    if kind in ("move_out", "move_in", "death"):
        clause = None
    commune = person.home
    if kind == "move_in":
        commune = OTHER if person.home == HOME else HOME
    return EventIn(
        kind, day, commune, n=n, identity="0", clause=clause, number=f"{n}/QĐ", decided_on=day,
        signer="CT", members=members,
    )  # fmt: skip


def lived(rng: random.Random) -> tuple[PersonState, Counter[str]]:
    """A person and every event that the checks let through, in the order of their days."""
    clause = rng.choice(sorted(CLAUSES))
    day = date(2025, 7, 1) + timedelta(days=rng.randrange(400))
    born = date.fromisoformat(CLAUSES[clause][0])
    person = PersonState(1, HOME, Birth.on(born), born, None)
    case = granted(clause, day)
    person.cases.append(CaseState(1, case.programme, clause, case, HOME, 202507))
    kinds: Counter[str] = Counter()
    for n in range(rng.randrange(1, 9)):
        day += timedelta(days=rng.randrange(70))
        late = timedelta(days=rng.choice([0, 0, 0, 0, 75]))  # told after later ones
        given = drawn(rng, person, min(day, TODAY) - late, n + 1)
        try:
            check_paper(given, TODAY)
            done = accept(given, person, "25", 100 + n)
        except EventError:
            continue
        learn(person, done, n + 1)
        kinds[given.kind] += 1
    return person, kinds


def asked(person: PersonState, month: int) -> int:
    """What explain answers: each period of a case is a case, each event reaches its period."""
    cases: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    born = ""
    for state in person.cases:
        born = CLAUSES[state.clause][0]
        base, at = state.case, 0
        periods = [base, *(t.event.case for t in person.told if isinstance(t.event, Grant))]
        for n, case in enumerate(periods):
            cases.append(
                {
                    "id": f"c{n}", "holder": "an", "category": case.clause, "commune": HOME,
                    "decision": {
                        "date": case.decision_date.isoformat(), "first_month": iso(case.start_month)
                    },
                    "facts": CLAUSES[case.clause][1],
                }
            )  # fmt: skip
        for told in person.told:
            if isinstance(told.event, Grant):
                at += 1
                cases[at]["commune"] = told.event.commune
                continue
            said = told.event.model_dump(mode="json", by_alias=True, exclude_none=True)
            for name in ("number", "signer", "note"):
                said.pop(name)
            if "from_month" in said:
                said["from_month"] = iso(said["from_month"])
            if "months" in said:
                said["months"] = [iso(m) for m in said["months"]]
            if told.kind == "death":
                said.pop("case")
                events.append({**said, "person": "an"})
            else:
                events.append({**said, "case": f"c{at}"})
    found = answer(
        *cases, months=iso(month), born=born, events=events, run_month=iso(month),
        known_on=TODAY.isoformat(),
    )  # fmt: skip
    return int(found["total_vnd"])


def paid(person: PersonState) -> dict[int, int]:
    out = {}
    cases = [p.case for p in person.rows()]
    for span in Profiler(FIRST, LAST).spans(cases, person.birth):
        facts = facts_from_json(facts_json(span.facts))
        assert facts == span.facts
        for month in months_between(span.from_month, span.to_month):
            out[month] = assess(facts, month, LAW).total_vnd
    return out


@pytest.mark.parametrize("part", range(4))
def test_the_cell_and_explain_agree_on_any_history(part: int) -> None:
    rng = random.Random(f"histories {part}")
    seen: Counter[str] = Counter()
    paid_months = 0
    for _ in range(100):
        person, kinds = lived(rng)
        seen += kinds
        found = paid(person)
        for month, amount in found.items():
            assert asked(person, month) == amount, (month, person.cases[0].case, person.told)
            paid_months += amount > 0
    assert set(seen) == set(KINDS)
    assert paid_months > 400


def test_a_stored_grant_is_read_as_it_was_given() -> None:
    case = granted("K6", date(2026, 3, 2))
    (row,) = history(case_from_json('{"clause":"K6","decision_date":"2026-03-02","degree":"S",'
                                    '"programme":"SA","province":"25","start_month":202603}'),
                     HOME, [])  # fmt: skip
    assert row.case == case


def test_a_right_of_some_days_is_paid_for_its_month_in_bulk() -> None:
    """Poor from 3 to 12 August 2026: August is due (NĐ 20/2021 Art. 8.1.đ, 8.2), nothing else."""
    told = [
        read_event("change", f"2026-08-{day}", {"facts": {"household": status}}, HOME)
        for day, status in (("03", "poor"), ("12", "near_poor"))
    ]
    row = replace(granted("K8", date(2026, 3, 2)), household="near_poor")
    (found,) = history(row, HOME, told)
    months = {}
    for span in Profiler(202607, 202609).spans([found.case], Birth.on(date(1980, 12, 31))):
        facts = facts_from_json(facts_json(span.facts))
        for month in months_between(span.from_month, span.to_month):
            months[month] = assess(facts, month, Law(date(2026, 10, 2), RATES)).total_vnd
    assert months == {202607: 0, 202608: 750_000, 202609: 0}
