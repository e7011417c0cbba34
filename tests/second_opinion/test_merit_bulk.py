"""Meritorious service in bulk, by `explain` and by the second opinion: the same of random people."""

from __future__ import annotations

import json
import os
from random import Random
from typing import Any

import pytest

from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain
from disbursement.entitlements.merit_bulk import (
    MeritCase,
    MeritPerson,
    lines_of,
    merit_due,
    merit_spans,
    month_profile,
)
from disbursement.platform.clock import months_between
from tests.second_opinion.heroes import dossier
from tests.second_opinion.merit import of_month
from tests.second_opinion.opinion import as_day, as_month

PEOPLE = 1_500
MANY = 25_000
FIRST, LAST = 202506, 202712


def entered(asked: dict[str, Any]) -> MeritPerson:
    """The same person as a cell would keep it."""
    told = read(json.dumps(asked).encode())
    cases = []
    for n, case in enumerate(asked["cases"]):
        since = case.get("on_roll_since")
        decision = {"date": f"{since}-01", "first_month": since} if since else case["decision"]
        own = [e for e in asked["events"] if e.get("case") == case["id"]]
        changes = [{k: v for k, v in e.items() if k not in ("kind", "case")} for e in own]
        cases.append(
            MeritCase(case["category"], case["facts"], decision, [], changes, None, str(n))
        )
    assert [MeritCase.from_json(c.to_json()) for c in cases] == cases
    return MeritPerson(cases, [e for e in told.events if e.person is not None])


def compare(seed: int, people: int) -> tuple[int, int]:
    """Return (months with money, profiles) of these people; a difference fails by its seed."""
    rng, months, profiles = Random(seed), 0, set()
    for _ in range(people):
        drawn = rng.getrandbits(48)
        asked = dossier(Random(drawn))
        known_on = as_day(asked["ask"]["known_on"])
        person = entered(asked)
        spans = merit_spans(person, FIRST, LAST)
        assert (spans[0][0], spans[-1][1]) == (FIRST, LAST)
        by_month = {m: p for a, b, p in spans for m in months_between(a, b)}
        _, lines = lines_of(person)
        for month, profile in by_month.items():  # also the months that no day names
            assert month_profile(lines, month) == profile, f"Random({drawn}) {month}"
        profiles |= set(by_month.values())
        for text in asked["ask"]["months"]:
            month = as_month(text)
            due = merit_due(by_month[month], month, known_on)
            answer = of_month(asked, month)
            got = (due.total_vnd, (due.at_most_vnd or 0) - due.total_vnd)
            assert got == (answer.low, answer.high - answer.low), f"Random({drawn}) {month}"
            months += answer.high > 0
        alone = explain(read(json.dumps(asked).encode()))
        bulk = [merit_due(by_month[as_month(m)], as_month(m), known_on) for m in
                asked["ask"]["months"]]  # fmt: skip
        assert alone.total_vnd == sum(d.total_vnd for d in bulk), f"Random({drawn})"
        assert alone.held_vnd == sum(h.amount_vnd or 0 for d in bulk for h in d.held)
    return months, len(profiles)


def test_bulk_single_and_second_opinion_agree_on_people_of_merit():
    months, profiles = compare(2_026, PEOPLE)
    assert months > PEOPLE
    assert profiles > 300


def test_a_profile_has_no_name_and_no_day():
    dead = [{"name": "Nguyễn Văn Chết", "merits": ["LS"], "died": "2026-03-04"}]
    case = MeritCase(
        "SURVIVOR", {"relation": "parent", "deceased": dead}, {"date": "2026-01-05"}, part="a"
    )
    spans = merit_spans(MeritPerson([case]), 202601, 202612)
    assert [(a, b) for a, b, _ in spans] == [(202601, 202603), (202604, 202612)]
    assert [merit_due(p, a, as_day("2026-09-24")).total_vnd for a, _, p in spans] == [0, 2_789_000]
    assert all("Chết" not in p and "2026" not in p for _, _, p in spans)


@pytest.mark.soak
def test_bulk_single_and_second_opinion_agree_on_many():
    assert compare(int(os.environ.get("SOAK_SEED", "32")), MANY)[0] > MANY
