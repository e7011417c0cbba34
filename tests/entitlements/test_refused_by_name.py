"""What a dossier says wrongly is refused by its place and by the word that was written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from disbursement.entitlements.dossier import read
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.explain import explain
from tests.entitlements.asking import CENTRAL, HANOI, NOVEMBER, answer, case, dossier, event, sums

NOV = "2026-11"
K6 = case("K6", degree="S")


def refusal(**change: Any) -> DossierError:
    asked = {**dossier(K6, months=NOV, **NOVEMBER), **change}
    with pytest.raises(DossierError) as refused:
        explain(read(json.dumps(asked).encode()))
    return refused.value


WRONG: list[Any] = [
    ({"ask": {"months": ["2026-13"]}}, "ask.months.0", "not '2026-13'", "không nhận '2026-13'"),
    ({"events": [event("vacation", "2026-10-01")]}, "events.0", "not 'vacation'", "'vacation'"),
    ({"cases": [case("K6", degree="XX")]}, "facts.degree", "not 'XX'", "không nhận 'XX'"),
    (
        {"already_paid": [{"case": "k6", "covers_month": "2026-10", "amount_vnd": 7.5}]},
        "already_paid.0.amount_vnd",
        "fraction",
        "số nguyên",
    ),
    (
        {"cases": [case("K4", children=1, marital_status="divorced", household="poor")]},
        "facts.marital_status",
        "'divorced' says too little",
        "'divorced' chưa đủ rõ",
    ),
    (
        {
            "people": [{"id": "an", "born": "1991-05-05", "sex": "M"}],
            "cases": [case("C17.2a", degree="S", pregnant=True)],
        },
        "cases c17.2a.facts.pregnant",
        "is a man",
        "giới tính nam",
    ),
    (
        {
            "people": [{"id": "an", "born": "1941-05-05", "sex": "M"}],
            "cases": [case("BMVNAH")],
        },
        "cases bmvnah.category",
        "is a man",
        "giới tính nam",
    ),
]


@pytest.mark.parametrize(("change", "where", "en", "vi"), WRONG, ids=[w[1] for w in WRONG])
def test_the_place_and_the_word_are_named(change, where, en, vi):
    refused = refusal(**change)
    assert where in refused.en
    assert en in refused.en
    assert where in str(refused)
    assert vi in str(refused)


def test_a_repeated_key_is_named():
    with pytest.raises(DossierError) as refused:
        read(b'{"people": [], "already_paid": [], "already_paid": []}')
    assert "already_paid" in refused.value.en


def test_a_wrong_word_is_shown_without_markup_and_short():
    refused = refusal(ask={"months": ["<script>" + "x" * 100]})
    assert "<" not in refused.en
    assert "x" * 41 not in refused.en


def places(first: str | None, second: str | None) -> Any:
    return [
        {**case("K6", id=name, degree="S"), **({"commune": place} if place else {})}
        for name, place in (("old", first), ("new", second))
    ]


def test_two_communes_paying_the_same_month_are_refused():
    with pytest.raises(DossierError) as refused:
        answer(*places(CENTRAL, HANOI), months=NOV, **NOVEMBER)
    assert "cases new: is held in another place than case 'old', which pays K6 for 11/2026" in (
        refused.value.en
    )
    ended = [{"kind": "move_out", "date": "2026-10-10", "case": "old"}]
    found = answer(*places(CENTRAL, HANOI), months=NOV, events=ended, **NOVEMBER)
    assert sums(found) == (975_000, 0, 0)


def test_one_commune_or_none_named_is_no_contradiction():
    assert sums(answer(*places(HANOI, HANOI), months=NOV, **NOVEMBER)) == (975_000, 0, 0)
    assert sums(answer(*places(None, HANOI), months=NOV, **NOVEMBER)) == (975_000, 0, 0)


@pytest.mark.parametrize(
    ("told", "amount"), [("widowed", 1_080_000), ("spouse missing", 1_080_000), ("married", 0)]
)
def test_a_marital_status_says_whether_a_parent_is_single(told, amount):
    one = case("K4", children=2, household="poor", marital_status=told)
    assert sums(answer(one, months=NOV, **NOVEMBER)) == (amount, 0, 0)


def test_somebody_without_an_id_and_a_degree_in_full_words():
    asked = {
        "people": [{"name": "Lan", "dob": "1991-05-05"}],
        "cases": [{"type": "disabled", "degree": "Khuyết tật nặng", "since": "2023-01-15"}],
        "ask": {"month": "11/2026"},
    }
    assert sums(explain(read(json.dumps(asked).encode())).as_dict()) == (810_000, 0, 0)
