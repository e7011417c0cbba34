"""Dossiers as people write them: every spelling that can mean one thing, and no other."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from disbursement.entitlements.dossier import Dossier, read
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.explain import explain
from disbursement.entitlements.spellings import folded, spellings, split_category
from disbursement.programmes.catalogue import fact_kinds, fixed_categories
from disbursement.programmes.list_rates import shipped_list_rates
from disbursement.programmes.rates import data_file

AN = {"id": "an", "born": "1991-05-05"}
ASK = {"months": ["2026-11"], "run_month": "2026-11", "known_on": "2026-10-23"}
K6 = {"id": "k6", "holder": "an", "category": "K6", "since": "2023-02", "degree": "S"}


def ask(months: list[str], run: str) -> dict[str, Any]:
    return {"months": months, "run_month": run}


def answered(dossier: dict[str, Any]) -> dict[str, Any]:
    return explain(read(json.dumps(dossier, ensure_ascii=False).encode())).as_dict()


def total(*cases: dict[str, Any], people: Any = (AN,), **more: Any) -> int:
    found = answered({"people": list(people), "cases": list(cases), "ask": ASK, **more})
    assert (found["held_vnd"], found["recover_vnd"], found["not_covered"]) == (0, 0, [])
    amount: int = found["total_vnd"]
    return amount


def refused(dossier: dict[str, Any]) -> str:
    with pytest.raises(DossierError) as error:
        answered(dossier)
    return error.value.en


@pytest.mark.parametrize(
    "degree", ["nặng", "NẶNG", "severe", "S", "s", "Severe"], ids=lambda d: folded(d) + d[:1]
)
def test_a_severe_disability_in_every_word(degree):
    assert total({**K6, "degree": degree}) == 810_000


@pytest.mark.parametrize(
    "degree", ["đặc biệt nặng", "especially severe", "especially-severe", "ES"]
)
def test_an_especially_severe_one(degree):
    assert total({**K6, "degree": degree}) == 1_080_000


@pytest.mark.parametrize(
    "one",
    [
        {"holder": "an", "category": "K6", "facts": {"disability": "nặng"}, "since": "2023-02-01"},
        {"person": "an", "category": "5.6", "facts": {"degree": "S"}, "decision": "2023-02-01"},
        {"category": "SA.K6", "degree": "severe", "on_roll_since": 202302},
        {"category": "SA26.K6.S.ADULT", "start": "02/2023"},
        {"type": "người khuyết tật", "muc_do": "nặng", "decided_on": "2023-02-01"},
        {
            "category": "k6",
            "disability_degree": "severe",
            "dates": {"certificate": "2023-01-10", "decision": "2023-02-01"},
        },
        {
            "category": "K6",
            "facts": {"degree": "S", "certificate_date": None},
            "decision": {"signed_on": "2023-02-01", "no": "5/QĐ", "signed_by": "Chủ tịch"},
        },
    ],
)
def test_one_case_in_many_forms(one):
    assert total(one) == 810_000


@pytest.mark.parametrize(
    "person",
    [
        {"id": "an", "birth_date": "1991-05-05", "sex": "nam"},
        {"id": "an", "dob": "1991-05", "gender": "female"},
        {"id": "an", "Date of birth": "1991"},
        {"id": "an", "ngày sinh": 1991, "họ tên": "An"},
    ],
)
def test_one_person_in_many_forms(person):
    assert total(K6, people=[person]) == 810_000


@pytest.mark.parametrize(
    "household",
    [
        "poor",
        "hộ nghèo",
        {"status": "nghèo"},
        {"poverty": "poor"},
        {"poor": True},
        {"poor": True, "near_poor": False, "members": ["an"]},
        {"status": "poor", "members": ["an"]},
    ],
)
def test_one_household_in_many_forms(household):
    elder = {"category": "K5A", "since": "2023-02", "carer": "none"}
    people = [{"id": "an", "born": "1949"}]
    assert total(elder, people=people, household=household) == 1_080_000


def test_a_household_that_is_not_the_holders_does_not_count():
    elder = {"category": "K5a", "since": "2023-02", "holder": "an", "facts": {"household": "poor"}}
    people = [{"id": "an", "born": "1949"}, {"id": "be", "born": "1990"}]
    house = {"status": "none", "members": ["be"]}
    assert total(elder, people=people, household=house) == 1_080_000


def test_not_poor_alone_says_too_little():
    elder = {"category": "K5a", "since": "2023-02"}
    said = refused({"people": [AN], "cases": [elder], "household": {"poor": False}, "ask": ASK})
    assert said == (
        "dossier, household.poor: not poor may be near-poor or neither; write status: near_poor"
        " or none"
    )
    both = {"poor": False, "near_poor": False}
    pension = {"category": "SP", "since": "2025-07", "pension": False}
    people = [{"id": "an", "born": "1954"}]
    assert total(pension, people=people, household=both) == 0


CHILDREN: list[Any] = [
    [{"born": "2021-03-03"}, {"dob": "2017-04-04"}],
    ["2021-03-03", "2017"],
    [{"born": "2021"}, {"born": "2009-01-01", "studying": True}],
    2,
]


@pytest.mark.parametrize("children", CHILDREN)
def test_children_by_birth_or_number(children):
    parent = {"category": "K4", "since": "2023-02", "children": children, "household": "near-poor"}
    assert total(parent) == 1_080_000


@pytest.mark.parametrize(
    ("facts", "amount"),
    [
        ({}, 540_000),
        ({"no_pension": True}, 540_000),
        ({"pension": "none"}, 540_000),
        ({"pension": "không"}, 540_000),
        ({"pension": "higher"}, 0),
        ({"pension": False, "requested": True}, 540_000),
        ({"has_pension": False}, 540_000),
        ({"pension_vnd": 0}, 540_000),
        ({"pension": 3_000_000}, 0),
        ({"requested": False}, 0),
        ({"income": "pension not lower"}, 0),
    ],
)
def test_a_social_pension_in_many_forms(facts, amount):
    one = {"category": "social pension", "since": "2025-07", "facts": facts}
    assert total(one, people=[{"id": "an", "born": "1948"}]) == amount


def test_a_pension_of_unknown_height_is_asked_for():
    one = {"category": "SP", "since": "2025-07", "facts": {"has_pension": True}}
    said = refused({"people": [{"id": "an", "born": "1948"}], "cases": [one], "ask": ASK})
    assert said == "dossier, cases case1.facts.has_pension: says too little; write income itself"


MERIT: list[Any] = [
    ({"category": "thương binh", "facts": {"percent": 61}}, 5_450_000),
    ({"category": "NCC.TB.61"}, 5_450_000),
    ({"category": "TB", "injury_percent": 85, "special": True, "home_carer": True}, 14_050_000),
    ({"category": "Bà mẹ Việt Nam anh hùng", "living_alone": True}, 12_935_000),
    ({"category": "LS.2", "relation": "mother", "alone": True}, 7_809_000),
    ({"category": "LS", "number_of_martyrs": 1, "relation": "widow"}, 2_789_000),
    (
        {"category": "SURVIVOR", "deceased": [{"merit": "thương binh", "percent": 70}]},
        1_565_000,
    ),
    ({"category": "CCGD.HCKC"}, 1_639_000),
    ({"category": "PRE45.TL", "seniority": 5}, 5_762_000),
    ({"category": "EDU.A"}, 2_789_000),
    ({"category": "tù đày"}, 1_673_000),
]


@pytest.mark.parametrize(("one", "amount"), MERIT, ids=[str(m[0]["category"]) for m in MERIT])
def test_merits_in_many_forms(one, amount):
    found = answered(
        {
            "people": [{"id": "an", "born": "1940"}],
            "cases": [{**one, "since": "2000-01"}],
            "ask": {"month": "2026-06"},
        }
    )
    assert (found["total_vnd"], found["held_vnd"]) == (amount, 0)


def test_a_day_of_death_is_a_death_event():
    people = [{**AN, "died": "2026-11-03"}, {"id": "vo"}]
    cases = [K6, {"id": "f", "holder": "an", "category": "mai táng", "organiser": "vo"}]
    asked = ask(["2026-11", "2026-12"], "2026-12")
    found = answered({"people": people, "cases": cases, "ask": asked})
    assert found["total_vnd"] == 810_000 + 10_800_000
    other = [{"kind": "death", "date": "2026-11-04", "person": "an"}]
    said = refused({"people": people, "cases": cases, "events": other, "ask": asked})
    assert said == "dossier, people an.died: differs from the day of the death event"


EVENTS: list[Any] = [
    ([{"kind": "died", "on": "2026-11-03"}], 810_000),
    ([{"type": "stop", "date": "2026-11-03", "reason": "not eligible"}], 810_000),
    ([{"kind": "imprisonment", "date": "2026-11-03", "person": "an", "case": "k6"}], 810_000),
    ([{"kind": "change", "date": "2026-12-03", "degree": "đặc biệt nặng"}], 1_890_000),
    ([{"kind": "adjustment", "date": "2026-12-03", "facts": {"severity": "ES"}}], 1_890_000),
    (
        [{"kind": "move", "date": "2026-12-20", "to_commune": "00004", "from_month": "2026-12"}],
        810_000 + 975_000,
    ),
    ([{"kind": "suspension", "date": "2026-11-20", "cause": "refuses"}], 810_000),
]


@pytest.mark.parametrize(("events", "amount"), EVENTS)
def test_events_in_many_forms(events, amount):
    asked = ask(["2026-11", "2026-12"], "2026-12")
    found = answered({"people": [AN], "cases": [K6], "events": events, "ask": asked})
    assert found["total_vnd"] == amount


def test_three_months_uncollected_without_naming_them():
    events = [
        {"kind": "three_months_uncollected", "date": "2026-10-31"},
        {"kind": "resume", "date": "2026-12-10"},
    ]
    asked = ask(["2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01"], "2027-01")
    found = answered({"people": [AN], "cases": [K6], "events": events, "ask": asked})
    assert found["total_vnd"] == 4_860_000


def test_a_grant_among_the_events_is_the_decision():
    one = {k: v for k, v in K6.items() if k != "since"}
    grant = {"kind": "grant", "date": "2026-10-28", "number": "7/QĐ", "case": "k6"}
    asked = {**ask(["2026-10", "2026-11", "2026-12"], "2026-12"), "known_on": "2026-11-24"}
    found = answered({"people": [AN], "cases": [one], "events": [grant], "ask": asked})
    assert found["total_vnd"] == 2_430_000
    said = refused({"people": [AN], "cases": [K6], "events": [grant], "ask": asked})
    assert said.endswith("case 'k6' has its decision already; leave one out")


def test_a_household_that_leaves_the_register_is_an_event():
    elder = {"id": "a", "category": "K5a", "since": "2020-01"}
    leaves = [{"kind": "household", "date": "2026-11-20", "status": "cận nghèo"}]
    found = answered(
        {
            "people": [{"id": "an", "born": "1950"}],
            "household": "poor",
            "cases": [elder],
            "events": leaves,
            "ask": ask(["2026-11", "2026-12"], "2026-12"),
        }
    )
    assert found["total_vnd"] == 1_080_000


def test_what_was_paid_in_many_forms():
    old = [{"month": m, "amount": 750_000} for m in (202607, "08/2026", "2026-09", "2026-10")]
    assert total(K6, already_paid=old) == 1_050_000


def test_a_spouse_of_a_person_is_the_couples():
    people = [{"id": "an", "born": "1990", "spouse": "vo"}, {"id": "vo", "born": "1992"}]
    cases = [
        {"id": "a", "holder": "an", "category": "17.2.a", "degree": "S", "children": 2},
        {"id": "b", "holder": "vo", "category": "C17.2A", "degree": "S", "children": 2},
    ]
    since = {"since": "2026-02"}
    assert total(*({**c, **since} for c in cases), people=people) == 1_080_000


def test_a_schema_may_be_named():
    asked = {"$schema": "dossier.schema.json", "people": [AN], "cases": [K6], "ask": ASK}
    assert answered(asked)["total_vnd"] == 810_000


TWICE: list[Any] = [
    ({"people": [{**AN, "dob": "1991"}]}, "people an.dob: 'dob' means 'born', which is told twice"),
    ({"cases": [{**K6, "disability": "ES"}]}, "cases k6.disability: is told twice"),
    ({"cases": [{**K6, "facts": {"degree": "S"}}]}, "cases k6.degree: is told twice"),
    ({"cases": [{**K6, "category": "K6.ES"}]}, "facts.degree: contradicts the category 'K6.ES'"),
    ({"household": {"poor": True, "status": "none"}}, "the household is told twice"),
    ({"ask": {"month": "2026-11", "months": ["2026-11"]}}, "which is told twice"),
]


@pytest.mark.parametrize(("change", "words"), TWICE)
def test_what_is_told_twice_is_refused(change, words):
    assert words in refused({"people": [AN], "cases": [K6], "ask": ASK, **change})


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"people": [{**AN, "colour": 1}]}, "people.0.colour"),
        ({"cases": [{**K6, "colour": 1}]}, "cases.0.colour"),
        ({"cases": [{**K6, "facts": {"colour": 1}}]}, "cases k6.facts.colour"),
        ({"household": {"status": "poor", "colour": 1}}, "household.colour"),
        ({"events": [{"kind": "death", "date": "2026-10-01", "colour": 1}]}, "events.0.colour"),
        ({"events": [{"kind": "flood", "date": "2026-10-01"}]}, "events.0"),
        ({"ask": {**ASK, "colour": 1}}, "ask.colour"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_is_not_known_is_named(change, where):
    said = refused({"people": [AN], "cases": [K6], "ask": ASK, **change})
    assert said.startswith(f"dossier, {where}: ")


def test_every_spelling_leads_to_a_word_that_exists():
    schema = Dossier.model_json_schema(by_alias=True)
    kinds = set(schema["properties"]["events"]["items"]["discriminator"]["mapping"])
    categories = {*fixed_categories(), *shipped_list_rates().categories()}
    for (place, written), meaning in spellings().items():
        word = meaning.word
        if place == "fact":
            assert word in fact_kinds(), written
        elif place == "category":
            assert split_category(written)[0] in categories, written
        elif place == "kind":
            assert word in kinds | {"grant", "household"}, written
        elif place == "household_status":
            assert word in fact_kinds()["household"].choices, written
        elif place in fact_kinds() and place not in ("household", "deceased"):
            assert word in fact_kinds()[place].choices, written


def test_no_spelling_stands_twice_or_shadows_a_word():
    rows = list(csv.DictReader(io.StringIO(data_file("dossier_spellings.csv").decode())))
    keys = [(r["place"], folded(r["written"])) for r in rows]
    assert len(set(keys)) == len(keys)
    shadowed = [r["written"] for r in rows if r["place"] == "fact" and r["written"] in fact_kinds()]
    assert shadowed == []


def test_a_stop_by_death_is_a_death():
    cases = [K6, {"id": "f", "holder": "an", "category": "FUNERAL", "payee": "an"}]
    stop = [{"kind": "stop", "cause": "death", "date": "2026-11-03", "person": "an"}]
    asked = ask(["2026-11", "2026-12"], "2026-12")
    found = answered({"people": [AN], "cases": cases, "events": stop, "ask": asked})
    assert found["total_vnd"] == 810_000 + 10_800_000


def test_a_lump_sum_of_the_only_month_asked():
    one = {"id": "a", "category": "ONE.KC.THAMNIEN", "facts": {"years": 9, "odd_months": 4}}
    asked = {"purpose": "one-off", "months": ["2026-06"]}
    assert answered({"people": [AN], "cases": [one], "ask": asked})["total_vnd"] == 7_949_000
    two = {"purpose": "one-off", "months": ["2026-06", "2026-07"]}
    said = refused({"people": [AN], "cases": [one], "ask": two})
    assert said.startswith("dossier, cases a: needs the day of the event")


def test_an_age_is_that_of_the_months_asked():
    elder = {"id": "c", "category": "K5a", "on_roll_since": "2020-01", "household": "poor"}
    for age, amount in ((74, 810_000), (75, 1_080_000), (77, 1_080_000)):
        told = {"people": [{"id": "an", "age": age}], "cases": [elder], "ask": ASK}
        assert answered(told)["total_vnd"] == amount, age
    paid = [{"month": m, "vnd": 750_000} for m in ("2026-07", "2026-08", "2026-09", "2026-10")]
    all_year = {"people": [{"id": "an", "age": 77}], "cases": [elder], "ask": ASK, "paid": paid}
    assert answered(all_year)["total_vnd"] == 2_400_000  # S12
    mother = {"id": "c", "holder": "an", "category": "17.2.a", "degree": "S", "on_roll": "2025-04",
              "pregnant": True, "children": [{"age_months": 20}]}  # fmt: skip
    people = [{"id": "an", "age": 28}]
    assert answered({"people": people, "cases": [mother], "ask": ASK})["total_vnd"] == 1_080_000


@pytest.mark.parametrize(
    ("person", "ask_", "words"),
    [
        ({"age": 77, "born": "1949"}, ASK, "is told twice"),
        ({"age": 300}, ASK, "must be whole, 0 to 120"),
        ({"age": "77"}, ASK, "must be whole, 0 to 120"),
        ({"age": 77}, {"months": ["2025-10", "2026-11"]}, "the age of which month"),
        ({"age_months": 20}, {"months": ["2026-10", "2026-11"]}, "the age of which month"),
        ({"age": 77}, {"known_on": "2026-11-30"}, "the age of which month"),
    ],
)
def test_an_age_that_says_too_little_is_refused(person, ask_, words):
    elder = {"id": "c", "category": "K5a", "on_roll_since": "2020-01", "household": "poor"}
    said = refused({"people": [{"id": "an", **person}], "cases": [elder], "ask": ask_})
    assert words in said


@pytest.mark.parametrize(
    "province", ["Hà Nội", "hanoi", "Thành phố Hà Nội", "TP. Hà Nội", "Ha Noi"]
)
def test_a_province_by_its_name(province):
    told = {"people": [AN], "cases": [{**K6, "province": province}], "ask": ASK}
    assert answered(told)["total_vnd"] == 975_000


def test_a_province_that_is_none_is_named():
    said = refused({"people": [AN], "cases": [{**K6, "province": "Hà Tây"}], "ask": ASK})
    assert said.startswith("dossier, cases.0.province: must be a province's two digits")
    assert said.endswith("not 'Hà Tây'")
