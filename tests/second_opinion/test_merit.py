"""The second opinion on meritorious service and `explain` say the same of random people."""

from __future__ import annotations

import json
import os
from random import Random
from typing import Any

import pytest

from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain
from tests.second_opinion.heroes import dossier
from tests.second_opinion.merit import of_month
from tests.second_opinion.opinion import as_month

PEOPLE = 3_000
MANY = 50_000


def said(asked: dict[str, Any]) -> dict[int, list[int]]:
    """What `explain` answers by month: due and held."""
    out = {as_month(m): [0, 0] for m in asked["ask"]["months"]}
    for line in explain(read(json.dumps(asked).encode())).as_dict()["lines"]:
        for month in line["covers_months"]:
            held = line["state"] == "held"
            out[as_month(month)][held] += line["amount_vnd"] // len(line["covers_months"])
    return out


def compare(seed: int, people: int) -> int:
    rng, months = Random(seed), 0
    for _ in range(people):
        drawn = rng.getrandbits(48)
        asked = dossier(Random(drawn))
        for month, (due, held) in said(asked).items():
            answer = of_month(asked, month)
            wanted = (answer.low, answer.high - answer.low)
            assert (due, held) == wanted, f"Random({drawn}) {month}: {asked}"
            months += answer.high > 0
    return months


def test_no_difference_for_three_thousand_people_of_merit():
    assert compare(2_020, PEOPLE) > PEOPLE


@pytest.mark.soak
def test_no_difference_for_fifty_thousand_people_of_merit():
    assert compare(int(os.environ.get("SOAK_SEED", "131")), MANY) > MANY
