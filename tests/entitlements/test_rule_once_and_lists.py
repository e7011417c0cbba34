"""Funerals, emergencies and the list programmes, rule by rule (rules.md 7, issue of the law)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entitlements.asking import (
    DECEMBER,
    answer,
    case,
    event,
    months,
    paid,
    person,
    sums,
    told,
)

NOV = "2026-11"
PENSION = {"income": "none", "written_request": True, "since": "2025-07"}


def funeral(
    *cases: dict[str, Any], born: str = "1991", died: str = "2026-11-03", **more: Any
) -> dict[str, Any]:
    people = [person("an", born), {"id": "xa", "name": "UBND xã", "body": True}]
    ask = {"months": died[:7], **DECEMBER, **more}
    return answer(*cases, people=people, events=[event("death", died)], **ask)


def support(**more: Any) -> dict[str, Any]:
    return case("FUNERAL", **{"payee": "xa", **more})


FUNERALS: list[Any] = [
    ("recipient", [case("K6", degree="S"), support()], "1991", 810_000, "SA26.F.FUNERAL"),
    (
        "the minimum is the centre's, not Hà Nội's",
        [case("K6", degree="S", province="01"), support(province="01")],
        "1991",
        975_000,
        "SA26.F.FUNERAL",
    ),
    ("social pensioner", [case("SP", **PENSION), support()], "1948", 540_000, "SP.FUNERAL"),
    (
        "once, whichever document",
        [case("SP", **PENSION), case("K6", degree="S"), support(), support(id="again")],
        "1948",
        1_080_000,
        "SA26.F.FUNERAL",
    ),
    ("applicant", [support(ground="applicant")], "1991", 0, "SA26.F.FUNERAL"),
    (
        "75 on survivor's insurance",
        [support(ground="survivor_or_other_allowance")],
        "1951-11-30",
        0,
        "SA26.F.FUNERAL",
    ),
    (
        "72, near-poor, on survivor's insurance",
        [support(ground="survivor_insurance_70_74", household="near_poor")],
        "1954",
        0,
        "SA26.F.FUNERAL",
    ),
]


@pytest.mark.parametrize("row", FUNERALS, ids=[r[0] for r in FUNERALS])
def test_funeral_support_is_twenty_times_the_central_base(row):
    _, cases, born, allowance, code = row
    found = funeral(*cases, born=born)
    assert sums(found) == (10_800_000 + allowance, 0, 0)
    (line,) = [x for x in found["lines"] if x["rate_code"] == code]
    assert (line["amount_vnd"], line["holder"], line["payee"]) == (10_800_000, "an", "xa")
    assert line["arithmetic"] == "20 × 540,000"


@pytest.mark.parametrize(
    ("ground", "born", "died", "household"),
    [
        ("survivor_or_other_allowance", "1952-05-05", "2026-11-03", "none"),
        ("survivor_or_other_allowance", "1949-05-05", "2026-09-03", "none"),
        ("survivor_insurance_70_74", "1954-05-05", "2026-11-03", "none"),
        ("survivor_insurance_70_74", "1954-05-05", "2026-09-03", "poor"),
        ("applicant", "1954-05-05", "2026-09-03", "none"),
    ],
)
def test_who_has_no_ground_has_no_funeral_support(ground, born, died, household):
    found = funeral(support(ground=ground, household=household), born=born, died=died)
    assert sums(found) == (0, 0, 0)
    assert [line["amount_vnd"] for line in found["lines"]] == [0]


def test_funeral_under_the_old_decree():
    june = {"run_month": "2026-07", "known_on": "2026-06-24"}
    found = funeral(case("K6", degree="S"), support(), died="2026-06-03", **june)
    assert sums(found) == (750_000 + 10_000_000, 0, 0)


def test_a_death_between_the_money_and_the_law_pays_the_old_level_and_holds_the_rest():
    found = funeral(case("K6", degree="S"), support(), died="2026-08-15")
    assert sums(found) == (750_000 + 10_000_000, 0, 60_000 + 800_000)


def test_the_emergency_support_replaces_the_other():
    cases = [case("K6", degree="S"), support(), case("FUNERAL.EMERG", payee="xa")]
    found = funeral(*cases)
    assert sums(found) == (810_000 + 27_000_000, 0, 0)
    assert ("due", 27_000_000, NOV, "SA26.F.FUNERAL.EMERG", "seen") in told(found)


def test_a_child_of_a_poor_single_parent():
    people = [person("me", "1990"), person("be", "2015-01-01")]
    cases = [
        case("K4", holder="me", children=["be"], household="poor"),
        case("FUNERAL", holder="be", payee="me"),
    ]
    events = [event("death", "2026-11-03", person="be")]
    found = answer(*cases, people=people, events=events, months=[NOV, "2026-12"], **DECEMBER)
    assert sums(found) == (540_000 + 10_800_000, 0, 0)


def test_a_funeral_that_was_paid_is_not_paid_again():
    cases = [case("K6", degree="S"), support()]
    found = funeral(*cases, already_paid=paid("funeral", 10_800_000, "2026-12"))
    assert sums(found) == (810_000, 0, 0)


def test_merit_and_social_assistance_leave_open_which_funeral_is_paid():
    cases = [case("K6", degree="S"), support(), case("FUNERAL.NCC", payee="xa")]
    assert sums(funeral(*cases)) == (810_000, 0, 25_300_000)


EMERGENCIES: list[Any] = [
    ("HOUSE.LOST", {}, 40_000_000, "SA26.E.HOUSE.LOST"),
    ("HOUSE.MOVE", {}, 30_000_000, "SA26.E.HOUSE.MOVE"),
    ("HOUSE.REPAIR", {}, 20_000_000, "SA26.E.HOUSE.REPAIR"),
    ("FOOD", {"days": 7}, 700_000, "SA26.T.FOOD"),
]


@pytest.mark.parametrize(("code", "facts", "amount", "rate"), EMERGENCIES)
def test_emergency_support(code, facts, amount, rate):
    one = case(code, event_date="2026-11-03", **facts)
    found = answer(one, months=[], purpose="one_off", **DECEMBER)
    assert told(found) == {("due", amount, NOV, rate, "seen")}


def test_an_injury_has_its_article_under_the_old_decree_only():
    june = {"run_month": "2026-07", "known_on": "2026-06-24"}
    old = answer(case("INJURED", event_date="2026-06-03"), months="2026-06", **june)
    assert told(old) == {("due", 5_000_000, "2026-06", "SA21.E.INJURED", "secondary")}
    new = answer(case("INJURED", event_date="2026-11-03"), months=NOV, **DECEMBER)
    assert (sums(new), len(new["not_covered"])) == ((0, 0, 0), 1)
    early = answer(case("HOUSE.LOST", event_date="2026-09-03"), months="2026-09", **DECEMBER)
    assert (sums(early), len(early["not_covered"])) == ((0, 0, 0), 1)


# Lists


@pytest.mark.parametrize(
    ("facts", "ask", "amount"),
    [
        ({}, {"months": "2025-09"}, 100_000),
        ({}, {"months": "2025-08"}, 100_000),
        ({"claimed_on": "2025-08-31"}, {"months": "2025-09"}, 100_000),
        ({"claimed_on": "2025-09-15"}, {"months": "2025-09"}, 100_000),
        ({"claimed_on": "2025-09-16"}, {"months": "2025-09"}, 0),
        ({}, {"months": "2025-09", "known_on": "2025-09-16"}, 0),
        ({"citizen": False}, {"months": "2025-09"}, 0),
    ],
)
def test_the_gift_of_2_september_2025(facts, ask, amount):
    found = answer(case("GIFT_2_9_2025", **facts), **ask)
    assert sums(found) == (amount, 0, 0)


def test_a_gift_is_owed_once_and_never_taken_back_because_its_day_has_passed():
    for covered in ("2025-08", "2025-09"):
        old = paid("gift_2_9_2025", 100_000, covered)
        ask = {"months": "2025-09", "known_on": "2025-09-30"}
        found = answer(case("GIFT_2_9_2025"), already_paid=old, **ask)
        assert (sums(found), found["lines"]) == ((0, 0, 0), [])


def test_a_gift_for_who_died_before_or_was_born_after():
    died = [event("death", "2025-08-30")]
    assert sums(answer(case("GIFT_2_9_2025"), months="2025-09", events=died)) == (0, 0, 0)
    late = answer(case("GIFT_2_9_2025"), months=["2025-09"], born="2025-10-01", run_month="2025-10")
    assert sums(late) == (0, 0, 0)


@pytest.mark.parametrize(
    ("status", "facts", "asked", "amount"),
    [
        ("poor", {}, months("2026-07", "2026-09"), 178_560),
        ("poor", {"tier1_price_vnd": 2_050}, months("2026-07", "2026-09"), 184_500),
        ("poor", {}, ["2026-07"], 59_520),
        ("near_poor", {}, months("2026-07", "2026-09"), 0),
        ("near_poor", {"policy_household": True}, months("2026-07", "2026-09"), 178_560),
        ("poor", {}, ["2014-07"], 46_000),
    ],
)
def test_electricity_is_30_kwh_a_month_at_the_first_tier(status, facts, asked, amount):
    found = answer(case("ELEC", **facts), months=asked, status=status)
    assert sums(found) == (amount, 0, 0)


def test_electricity_for_the_months_in_which_the_household_is_poor():
    house = {"status": "poor", "from": "2026-08-10"}
    found = answer(case("ELEC"), months=months("2026-07", "2026-09"), household=house)
    assert sums(found) == (2 * 59_520, 0, 0)


def test_a_price_before_2025_is_held():
    found = answer(case("ELEC"), months="2020-01", status="poor")
    assert sums(found) == (0, 0, 49_000)


def test_a_student_has_one_amount_a_term():
    one = case(
        "STUDENT.TERM", amount_vnd=1_500_000, decision={"date": "2026-08-20", "number": "9/QĐ"}
    )
    asked = months("2026-09", "2027-02")
    assert sums(answer(one, months=asked, **DECEMBER)) == (3_000_000, 0, 0)
    one["facts"]["enrolled_to"] = "2027-01-15"
    assert sums(answer(one, months=asked, **DECEMBER)) == (1_500_000, 0, 0)


def test_a_month_in_which_no_term_begins_says_so():
    term = case(
        "STUDENT.TERM", decision={"date": "2026-08-20", "number": "9"}, amount_vnd=1_500_000
    )
    (line,) = answer(term, months="2026-11")["lines"]
    assert (line["amount_vnd"], line["state"]) == (0, "due")
    assert "once a term, for the month in which it begins (month 2, 9)" in line["text_en"]


def test_an_amount_decided_elsewhere_is_checked_and_paid():
    decision = {"date": "2026-10-20", "number": "9/QĐ"}
    facts = {"amount_vnd": 500_000, "amount_months": ["2026-10", NOV]}
    one = case("LIST", decision=decision, **facts)
    found = answer(one, months=["2026-10", NOV, "2026-12"], **DECEMBER)
    assert sums(found) == (1_000_000, 0, 0)
    assert all("9/QĐ" in line["citation"] for line in found["lines"] if line["amount_vnd"])
    with pytest.raises(Exception, match=r"decision\.number"):
        answer(case("LIST", decision={"date": "2026-10-20"}, **facts), months=NOV, **DECEMBER)


def test_what_the_law_does_not_cover_says_so_and_pays_nothing():
    found = answer(case("K9"), months=NOV, **DECEMBER)
    assert (sums(found), found["lines"]) == ((0, 0, 0), [])
    assert found["not_covered"] == ["not covered: case k9: category 'K9' is not known"]
    both = answer(case("K9"), case("K6", degree="S"), months=NOV, **DECEMBER)
    assert (sums(both), len(both["not_covered"])) == ((810_000, 0, 0), 1)
