"""Start, change, stop, suspension, moves, carers and recovery, rule by rule (rules.md 4 to 6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entitlements.asking import (
    DECEMBER,
    JUNE,
    NOVEMBER,
    amounts,
    answer,
    case,
    event,
    months,
    paid,
    person,
    sums,
    told,
)

NOV, DEC = "2026-11", "2026-12"
JANUARY = {"run_month": "2027-01", "known_on": "2026-12-24"}


def by_month(found: dict[str, Any], state: str = "due") -> dict[str, int]:
    """Dong of each month; several lines of a month are added."""
    out: dict[str, int] = {}
    for line in found["lines"]:
        for month in line["covers_months"] if line["state"] == state else ():
            out[month] = out.get(month, 0) + line["amount_vnd"] // len(line["covers_months"])
    return dict(sorted(out.items()))


def series(first: str, *amounts: int) -> dict[str, int]:
    year, month = int(first[:4]), int(first[5:])
    out = {}
    for amount in amounts:
        out[f"{year}-{month:02d}"] = amount
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out


def disabled(**more: Any) -> dict[str, Any]:
    return case("K6", **{"degree": "S", **more})


STARTS: list[Any] = [
    (
        "NĐ 335: the month of signing",
        disabled(certificate_date="2026-08-09", decision={"date": "2026-10-20"}),
        "1991-05-05",
        ("2026-08", 0, 0, 810_000, 810_000),
        NOVEMBER,
    ),
    (
        "NĐ 20: the month of the certificate, at the new level once it is law",
        disabled(certificate_date="2026-07-09", decision={"date": "2026-09-20"}),
        "1991-05-05",
        ("2026-06", 0, 810_000, 810_000, 810_000, 810_000, 810_000),
        NOVEMBER,
    ),
    (
        "NĐ 20: else the month of signing",
        case("K5a", decision={"date": "2026-03-20"}),
        "1950-01-01",
        ("2026-02", 0, 750_000, 750_000),
        JUNE,
    ),
    (
        "NĐ 20: the month of reaching 80",
        case("K5c", income="none", decision={"date": "2024-05-20"}),
        "1944-03-15",
        ("2024-02", 0, 360_000, 360_000, 360_000, 360_000),
        {"run_month": "2024-06", "known_on": "2024-05-24"},
    ),
    (
        "NĐ 20: the month of reaching 75, difficult area",
        case("K5b20", household="poor", difficult_area=True, decision={"date": "2024-05-20"}),
        "1949-04-15",
        ("2024-03", 0, 360_000, 360_000),
        {"run_month": "2024-06", "known_on": "2024-05-24"},
    ),
    (
        "a later month as the decision names it",
        disabled(decision={"date": "2026-10-20", "first_month": "2026-11"}),
        "1991-05-05",
        ("2026-10", 0, 810_000),
        NOVEMBER,
    ),
]


@pytest.mark.parametrize("row", STARTS, ids=[r[0] for r in STARTS])
def test_the_first_month(row):
    _, one, born, wanted, ask = row
    found = answer(one, months=list(series(*wanted)), born=born, **ask)
    assert by_month(found) == series(*wanted)
    assert found["held_vnd"] == 0


def test_a_decision_that_names_an_earlier_month_than_the_rule_is_held():
    one = disabled(decision={"date": "2026-10-20", "first_month": "2026-08"})
    found = answer(one, months=months("2026-08", NOV), **NOVEMBER)
    assert by_month(found) == series("2026-10", 810_000, 810_000)
    assert by_month(found, "held") == series("2026-08", 810_000, 810_000)


EVENTS: list[Any] = [
    (
        "a higher degree: in the month",
        disabled(),
        [event("change", "2026-11-15", facts={"degree": "ES"})],
        ("2026-10", 810_000, 1_080_000),
        DECEMBER,
    ),
    (
        "a lower degree: in the month",
        disabled(degree="ES"),
        [event("change", "2026-11-15", facts={"degree": "S"})],
        ("2026-10", 1_080_000, 810_000),
        DECEMBER,
    ),
    (
        "a light degree ends the right: from the month after",
        disabled(),
        [event("change", "2026-11-15", facts={"degree": "L"})],
        ("2026-10", 810_000, 810_000, 0),
        DECEMBER,
    ),
    ("death", disabled(), [event("death", "2026-11-24")], (NOV, 810_000, 0), DECEMBER),
    (
        "lost eligibility",
        disabled(),
        [event("stop", "2026-11-01", cause="lost_eligibility")],
        (NOV, 810_000, 0),
        DECEMBER,
    ),
    ("prison", disabled(), [event("prison", "2026-11-20")], (NOV, 810_000, 0), DECEMBER),
    ("renounced", disabled(), [event("renounced", "2026-11-20")], (NOV, 810_000, 0), DECEMBER),
    (
        "K4 marries",
        case("K4", children=2, household="poor"),
        [event("remarriage", "2026-11-14")],
        (NOV, 1_080_000, 0),
        DECEMBER,
    ),
    (
        "detention under NĐ 20: suspended, not paid back",
        disabled(),
        [event("detention", "2026-02-20", until="2026-05-03")],
        ("2026-02", 750_000, 0, 0, 750_000, 750_000),
        JUNE,
    ),
    (
        "detention of less than a month",
        disabled(),
        [event("detention", "2026-02-20", until="2026-03-05")],
        ("2026-02", 750_000, 750_000),
        JUNE,
    ),
    (
        "detention under NĐ 335 is not in the list",
        disabled(),
        [event("detention", "2026-10-20")],
        ("2026-10", 810_000, 810_000, 810_000),
        DECEMBER,
    ),
    (
        "refusal: suspended, after three months stopped",
        disabled(),
        [event("refusal", "2026-10-20")],
        ("2026-10", 810_000, 0, 0, 0, 0),
        {"run_month": "2027-02", "known_on": "2027-01-24"},
    ),
    (
        "refusal given up: paid from the suspension",
        disabled(),
        [event("refusal", "2026-10-20"), event("resume", "2026-12-15")],
        ("2026-10", 810_000, 810_000, 810_000, 810_000),
        JANUARY,
    ),
    (
        "two months uncollected suspend nothing",
        disabled(),
        [event("uncollected", "2026-10-31", months=["2026-09", "2026-10"])],
        ("2026-09", 810_000, 810_000, 810_000),
        DECEMBER,
    ),
    (
        "three suspend from the month after",
        disabled(),
        [event("uncollected", "2026-10-31", months=months("2026-08", "2026-10"))],
        ("2026-08", 810_000, 810_000, 810_000, 0, 0),
        DECEMBER,
    ),
    (
        "resumed under changed conditions",
        disabled(),
        [
            event("uncollected", "2026-10-31", months=months("2026-08", "2026-10")),
            event("resume", "2026-12-10", conditions="changed", facts={"degree": "ES"}),
        ],
        ("2026-08", 810_000, 810_000, 810_000, 810_000, 1_080_000, 1_080_000),
        JANUARY,
    ),
    (
        "no longer eligible: stopped from the suspension",
        disabled(),
        [
            event("uncollected", "2026-10-31", months=months("2026-08", "2026-10")),
            event("resume", "2026-12-10", conditions="not_eligible"),
        ],
        ("2026-08", 810_000, 810_000, 810_000, 0, 0, 0),
        JANUARY,
    ),
    (
        "the household leaves the register: from the month after",
        case("K5a", household="poor", carer="no_obliged"),
        [event("change", "2026-11-20", facts={"household": "none"})],
        (NOV, 810_000, 0),
        DECEMBER,
    ),
    (
        "a move to Hà Nội",
        disabled(commune="05128"),
        [event("move_out", "2026-11-14"), event("move_in", "2026-12-20", commune="00004")],
        (NOV, 810_000, 975_000),
        JANUARY,
    ),
    (
        "a move away from Hà Nội",
        disabled(commune="00004"),
        [event("move_out", "2026-11-14"), event("move_in", "2026-12-20", commune="05128")],
        (NOV, 975_000, 810_000),
        JANUARY,
    ),
    (
        "moved out and not yet taken in",
        disabled(commune="00004"),
        [event("move_out", "2026-11-14")],
        (NOV, 975_000, 0),
        JANUARY,
    ),
]


@pytest.mark.parametrize("row", EVENTS, ids=[r[0] for r in EVENTS])
def test_each_event(row):
    _, one, events, wanted, ask = row
    elder = one["category"] == "K5a"
    born = "1960-01-01" if elder else "1991-05-05"
    found = answer(one, months=list(series(*wanted)), events=events, born=born, **ask)
    assert by_month(found) == series(*wanted)
    assert (found["held_vnd"], found["recover_vnd"], found["not_covered"]) == (0, 0, [])


def test_after_three_months_of_refusal_it_is_a_stop():
    ask = {"run_month": "2027-02", "known_on": "2027-01-24"}
    asked = ["2027-01", "2027-02"]
    found = answer(disabled(), months=asked, events=[event("refusal", "2026-10-20")], **ask)
    texts = {line["covers_months"][0]: line["text_en"] for line in found["lines"]}
    assert "suspended (" in texts["2027-01"]
    assert "stopped (" in texts["2027-02"]


def two_places(stop: dict[str, Any], decided: str) -> dict[str, Any]:
    old = disabled(id="old", commune="05128")
    new = disabled(id="new", commune="00004", decision={"date": decided})
    return answer(old, new, months=months(NOV, "2027-01"), events=[stop], **JANUARY)


@pytest.mark.parametrize(
    "stop",
    [
        {"kind": "move_out", "date": "2026-11-25", "case": "old"},
        {"kind": "stop", "cause": "moved", "date": "2026-11-25", "case": "old"},
    ],
)
@pytest.mark.parametrize("decided", ["2026-11-28", "2026-12-20"])
def test_a_move_told_by_two_cases_leaves_no_gap_and_no_overlap(stop, decided):
    found = two_places(stop, decided)
    assert by_month(found) == series(NOV, 810_000, 975_000, 975_000)
    holders = {line["covers_months"][-1]: line["case"] for line in found["lines"]}
    assert holders == {NOV: "old", DEC: "new", "2027-01": "new"}


def test_a_moved_file_of_merit_is_paid_once():
    old = case("TUDAY", id="old", commune="05128")
    new = case("TUDAY", id="new", commune="00004", decision={"date": "2026-05-20"})
    moved = {"kind": "move_out", "date": "2026-04-10", "case": "old"}
    found = answer(
        old, new, months=months("2026-04", "2026-06"), events=[moved], born="1940", **JUNE
    )
    assert by_month(found) == series("2026-04", 1_673_000, 1_673_000, 1_673_000)


# Carers and households (Art. 17)


def cared(*cases: dict[str, Any], born: str, **more: Any) -> dict[str, Any]:
    people = [person("an", born), person("ba", "1975-05-05"), *more.pop("others", [])]
    ask = {"months": NOV, **NOVEMBER, **more}
    return answer(*cases, people=people, **ask)


def carer(category: str, **more: Any) -> dict[str, Any]:
    return case(category, **{"holder": "ba", "cared_for": "an", **more})


CARERS: list[Any] = [
    ("K1 child under 4", carer("C17.1", care_of="K1"), "2023", 1_350_000, "SA26.C.K1.LT4"),
    ("K1 child from 4", carer("C17.1", care_of="K1"), "2015", 810_000, "SA26.C.K1.GE4"),
    ("K5b", carer("C17.1", care_of="K5b"), "1950", 810_000, "SA26.C.K5B"),
    ("ES at home", carer("C17.2c", degree="ES"), "1990", 540_000, "SA26.C.DIS.HOUSEHOLD"),
    ("S at home", carer("C17.2c", degree="S"), "1990", 0, ""),
    ("ES adult taken in", carer("C17.2d", degree="ES"), "1990", 810_000, "SA26.C.DIS.TAKEIN.ADULT"),
    (
        "ES child taken in",
        carer("C17.2d", degree="ES"),
        "2015",
        1_350_000,
        "SA26.C.DIS.TAKEIN.CHILD",
    ),
]


@pytest.mark.parametrize("row", CARERS, ids=[r[0] for r in CARERS])
def test_each_carer(row):
    _, one, born, amount, code = row
    found = cared(one, born=born)
    assert told(found) == {("due", amount, NOV, code, "seen")}
    assert found["lines"][0]["payee"] == "ba"


def test_household_support_is_per_person_cared_for():
    first = carer("C17.2c", id="a", degree="ES")
    second = carer("C17.2c", id="b", degree="ES", cared_for="be")
    found = cared(first, second, born="1990", others=[person("be", "1995")])
    assert sums(found) == (1_080_000, 0, 0)
    again = carer("C17.2c", id="b", degree="ES")
    assert sums(cared(first, again, born="1990")) == (540_000, 0, 0)


def test_a_carer_told_by_payee():
    one = case("C17.2d", degree="ES", payee="ba")
    (line,) = cared(one, born="1990")["lines"]
    assert (line["holder"], line["payee"], line["amount_vnd"]) == ("an", "ba", 810_000)


def test_support_ends_the_month_after_the_death_of_who_is_cared_for():
    one = carer("C17.2c", degree="ES")
    died = [event("death", "2026-11-03")]
    found = cared(one, born="1990", events=died, **{**DECEMBER, "months": [NOV, DEC]})
    assert by_month(found) == series(NOV, 540_000, 0)


def test_support_is_at_the_provinces_level():
    one = carer("C17.2c", degree="ES", province="01")
    assert told(cared(one, born="1990")) == {
        ("due", 650_000, NOV, "SA26.C.DIS.HOUSEHOLD", "secondary")
    }


def raising(*born: str, **facts: Any) -> dict[str, Any]:
    ids = [f"c{n}" for n in range(len(born))]
    people = [person("an", "1998"), *(person(i, b) for i, b in zip(ids, born, strict=True))]
    one = case("C17.2a", degree="S", children=ids, since="2024-01", **facts)
    return answer(one, people=people, months=months("2026-10", DEC), **DECEMBER)


def test_raising_one_child_until_the_month_of_36_months():
    assert by_month(raising("2023-11-15")) == series("2026-10", 810_000, 810_000, 0)


def test_two_children_then_one():
    found = raising("2023-11-15", "2025-01-01")
    assert by_month(found) == series("2026-10", 1_080_000, 810_000, 810_000)


def test_pregnant_and_raising_one_then_two():
    found = raising(
        "2025-01-01", "2026-11-20", pregnant_from="2026-03-01", pregnant_to="2026-11-20"
    )
    assert by_month(found) == series("2026-10", 1_080_000, 1_080_000, 1_080_000)


def test_a_light_disability_gives_no_support_for_children():
    one = case("C17.2a", degree="L", children=1)
    assert sums(answer(one, months=NOV, **NOVEMBER)) == (0, 0, 0)


@pytest.mark.parametrize("spouse", [True, False])
def test_a_couple_has_one_share_by_spouse_or_by_the_same_children(spouse):
    people = [person("chong", "1990"), person("vo", "1992"), person("be", "2026-01-10")]
    facts = {"degree": "S", "children": ["be"], "since": "2026-02"}
    his = {**facts, "spouse": "vo"} if spouse else facts
    cases = [
        case("C17.2a", id="a", holder="chong", **his),
        case("C17.2a", id="b", holder="vo", **facts),
    ]
    assert sums(answer(*cases, people=people, months=NOV, **NOVEMBER)) == (810_000, 0, 0)


# Recovery (rules.md 6)


def test_too_much_is_recovered_and_never_netted():
    old = paid("k6", 975_000, "2026-10")
    found = answer(disabled(), months=NOV, already_paid=old, **NOVEMBER)
    assert sums(found) == (810_000, 165_000, 0)
    only = answer(disabled(), months=NOV, already_paid=old, purpose="recover", **NOVEMBER)
    assert told(only) == {("recover", 165_000, "2026-10", "SA26.K6.S.ADULT", "seen")}


@pytest.mark.parametrize(
    ("kind", "date", "more", "amount"),
    [
        ("death", "2026-09-10", {}, 810_000 * 2),
        ("prison", "2026-10-10", {}, 810_000),
        ("stop", "2026-08-31", {"cause": "lost_eligibility"}, 810_000 * 3),
    ],
)
def test_months_paid_after_the_end_are_recovered(kind, date, more, amount):
    last = "2026-11"
    found = answer(
        disabled(),
        months=[],
        already_paid=paid("k6", 810_000, *months("2026-08", last)),
        events=[event(kind, date, **more)],
        purpose="recover",
        settings={"left_before_rise": "rerate"},
        **DECEMBER,
    )
    assert sums(found) == (0, amount, 0)
    assert {line["state"] for line in found["lines"]} == {"recover"}


def test_what_an_open_point_may_still_give_is_not_recovered():
    found = answer(
        disabled(),
        months=[],
        already_paid=paid("k6", 810_000, "2026-07", "2026-08"),
        events=[event("death", "2026-08-10")],
        **NOVEMBER,
    )
    assert sums(found) == (0, 0, 0)


def test_a_smaller_right_granted_back_dated_gives_one_difference():
    pension = case("SP", income="none", written_request=True, since="2025-07")
    poor = case("K5a", decision={"date": "2026-10-20"})
    old = paid("sp", 540_000, "2026-10")
    found = answer(pension, poor, months=NOV, born="1948", already_paid=old, **NOVEMBER)
    assert by_month(found) == series("2026-10", 540_000, 1_080_000)
    assert found["recover_vnd"] == 0


LOST: list[Any] = [
    ("SP", {"since": "2025-07"}, "1948-01-01", {"pension_vnd": 3_000_000}, 540_000),
    ("K5a", {}, "1950-01-01", {"carer": "has_carer"}, 1_080_000),
    ("K7", {"since": "2025-02"}, "2025-01-01", {"difficult_area": False}, 810_000),
    ("K2", {"since": "2024-02"}, "2008-01-01", {"studying": False}, 810_000),
    ("K3", {}, "2020-01-01", {"household": "near_poor"}, 1_080_000),
    ("K8", {}, "1990-01-01", {"income": "wage"}, 810_000),
]


@pytest.mark.parametrize("row", LOST, ids=[r[0] for r in LOST])
def test_a_condition_that_ends_was_until_then_as_granted(row):
    category, facts, born, change, amount = row
    events = [event("change", "2026-11-10", facts=change)]
    found = answer(case(category, **facts), months=[NOV, DEC], events=events, born=born, **DECEMBER)
    assert by_month(found) == series(NOV, amount, 0)
    assert found["held_vnd"] == 0


def test_a_smaller_number_of_children_acts_in_the_month():
    events = [event("change", "2026-11-10", facts={"children": 2})]
    one = case("K4", children=3, household="poor")
    found = answer(one, months=months("2026-10", DEC), events=events, **DECEMBER)
    assert by_month(found) == series("2026-10", 1_620_000, 1_080_000, 1_080_000)


OLD = {"run_month": "2026-11", "known_on": "2026-10-02"}
"""Days before NĐ 335/2026 is in force: its decided level is not known yet."""


def test_two_open_points_on_one_pension_are_both_held():
    """NĐ 176/2025 Art. 2 and NĐ 335/2026 Art. 32.3: decided for her, 540,000, so as much waits."""
    pension = case(
        "SP", income="lower_than_sp", written_request=True, since="2026-06", province="08"
    )
    died = [event("death", "2026-09-21")]
    known = {**NOVEMBER, "known_on": "2026-11-05"}
    found = answer(pension, months="2026-09", born="1950-04-11", events=died, **known)
    assert sums(found) == (0, 0, 540_000)
    assert [(x["amount_vnd"], x["citation"]) for x in found["lines"] if x["state"] == "held"] == [
        (530_000, "NĐ 176/2025/NĐ-CP Điều 2"),
        (10_000, 'NĐ 335/2026/NĐ-CP Điều 32 khoản 3 ("đang hưởng")'),
    ]
    full = answer(
        pension,
        months="2026-09",
        born="1950-04-11",
        events=died,
        settings={"sp_with_lower_pension": "full"},
        **known,
    )
    assert (sums(full), amounts(full, "held")) == ((530_000, 0, 10_000), [10_000])


@pytest.mark.parametrize("left", ["2026-08-08", "2026-08-25"])
def test_the_age_of_the_last_month_is_that_of_the_month(left):
    """A change acts in the month, a stop in the next (NĐ 20/2021 Art. 8.1.đ, 8.2): by months.

    He turns four on 21 August; whether the household left the list before or after is not asked.
    """
    found = answer(
        case("K3", since="2022-11"),
        months=months("2026-07", "2026-09"),
        born="2022-08-21",
        household={"status": "poor", "to": left},
        **OLD,
    )
    assert by_month(found) == series("2026-07", 1_250_000, 1_000_000, 0)
    august = next(x for x in found["lines"] if x["covers_months"] == ["2026-08"])
    assert august["confidence"] == "inference"


def test_a_right_of_some_days_is_paid_for_its_month():
    """Met on 3 August and lost on 12: August is due, September is not (Art. 8.1.đ, 8.2)."""
    poor = [
        event("change", "2026-08-03", case="k8", facts={"household": "poor"}),
        event("change", "2026-08-12", case="k8", facts={"household": "near_poor"}),
    ]
    life = case("K8", income="none", household="near_poor")
    found = answer(life, months=months("2026-07", "2026-09"), events=poor, **OLD)
    assert by_month(found) == series("2026-07", 0, 750_000, 0)


def test_the_last_level_of_a_month_with_two_changes_counts():
    """Raised on 3 August and lowered on 12: the lower level acts in August itself (Art. 8.1.đ)."""
    degrees = [
        event("change", "2026-08-03", case="k6", facts={"degree": "ES"}),
        event("change", "2026-08-12", case="k6", facts={"degree": "S"}),
    ]
    found = answer(
        case("K6", degree="S"), months=months("2026-07", "2026-09"), events=degrees, **OLD
    )
    assert by_month(found) == series("2026-07", 750_000, 750_000, 750_000)


def test_a_household_is_supported_for_a_month_of_some_days():
    """Especially severe from 19 to 22 June: Art. 20 of NĐ 20/2021 for June, nothing for July."""
    degrees = [
        event("change", "2026-06-19", case="k6", facts={"degree": "ES"}),
        event("change", "2026-06-22", case="k6", facts={"degree": "S"}),
    ]
    found = cared(
        case("K6", degree="S"),
        carer("C17.2c"),
        months=months("2026-05", "2026-07"),
        born="1990-01-01",
        events=degrees,
        **OLD,
    )
    care = [x for x in found["lines"] if x["case"] == "c17.2c"]
    assert [(x["covers_months"], x["amount_vnd"]) for x in care if x["amount_vnd"]] == [
        (["2026-06"], 500_000)
    ]


@pytest.mark.parametrize(
    ("decided", "found"), [("2026-10-07", (540_000, 0, 0)), ("2026-10-02", (500_000, 0, 40_000))]
)
def test_support_granted_under_the_decree_is_not_re_rated(decided, found):
    """Art. 32.3 asks about who was drawing before; a grant of 7 October is under Art. 4.2."""
    prison = event("stop", "2026-10-03", cause="prison")
    known = {"run_month": "2026-11", "known_on": "2026-10-07"}
    care = carer("C17.2c", degree="ES", decision={"date": decided})
    assert (
        sums(cared(care, born="1990", events=[prison], **{**known, "months": "2026-10"})) == found
    )


def test_the_support_of_a_child_follows_the_age_of_the_month():
    """Sixteen on 14 December, when the degree is lowered too: the last month is an adult's."""
    events = [event("change", "2026-12-14", case="k6", facts={"degree": "S"})]
    found = cared(
        case("K6", degree="ES"),
        carer("C17.2d"),
        months=months(NOV, "2027-01"),
        born="2010-12-14",
        events=events,
        **JANUARY,
    )
    care = {
        m: x["amount_vnd"] for x in found["lines"] for m in x["covers_months"] if x["case"] != "k6"
    }
    assert care == {NOV: 1_350_000, DEC: 810_000, "2027-01": 0}
