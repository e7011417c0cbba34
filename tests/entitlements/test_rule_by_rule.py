"""Social assistance and social pension, rule by rule (NĐ 335/2026, NĐ 20/2021, NĐ 176/2025).

Every row: what is asked, (due, to recover, held), and each line with state, amount, months, rate
and confidence. Amounts are worked out by hand from the articles, never by the program.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.entitlements.asking import (
    DECEMBER,
    JUNE,
    NOVEMBER,
    answer,
    case,
    event,
    months,
    paid,
    person,
    sums,
    told,
)

NOV, DEC, JUN = "2026-11", "2026-12", "2026-06"
PENSION = {"income": "none", "written_request": True, "since": "2025-07"}
Line = tuple[str, int, str, str, str]


def due(amount: int, span: str, code: str, sure: str = "seen") -> Line:
    return ("due", amount, span, code, sure)


def zero(span: str, sure: str = "seen") -> Line:
    return ("due", 0, span, "", sure)


def held(amount: int, span: str, code: str = "") -> Line:
    return ("held", amount, span, code, "uncertain")


def k(clause: str, **more: Any) -> dict[str, Any]:
    return case(clause, **more)


CATEGORIES: list[Any] = [
    # K1: 2.5 under 4, 1.5 from 4; the month of the birthday itself (Art. 5.1, 6.1, 8.4)
    ("k1 under 4", k("K1"), "2022-12-01", NOV, due(1_350_000, NOV, "SA26.K1.LT4")),
    ("k1 four", k("K1"), "2022-11-30", NOV, due(810_000, NOV, "SA26.K1.GE4", "inference")),
    ("k1 fifteen", k("K1"), "2010-12-01", NOV, due(810_000, NOV, "SA26.K1.GE4")),
    ("k1 month of 16", k("K1"), "2010-11-01", NOV, due(810_000, NOV, "SA26.K1.GE4")),
    ("k1 after 16", k("K1"), "2010-10-31", NOV, zero(NOV)),
    ("k1 by month of birth", k("K1"), "2022-12", NOV, due(1_350_000, NOV, "SA26.K1.LT4")),
    ("k1 by year, sure", k("K1"), "2020", NOV, due(810_000, NOV, "SA26.K1.GE4")),
    ("k1 by year, unsure", k("K1"), "2022", NOV, held(1_350_000, NOV)),
    # K2: once K1, studying on; up to 22 under NĐ 20, without end under NĐ 335 (Art. 5.2)
    (
        "k2 eighteen",
        k("K2", studying=True, on_k1_at_16=True),
        "2008-05-05",
        NOV,
        due(810_000, NOV, "SA26.K2"),
    ),
    ("k2 left school", k("K2", studying=False, on_k1_at_16=True), "2008-05-05", NOV, zero(NOV)),
    ("k2 never K1", k("K2", studying=True, on_k1_at_16=False), "2008-05-05", NOV, zero(NOV)),
    # K3: HIV and poor (Art. 5.3)
    (
        "k3 under 4",
        k("K3", household="poor"),
        "2023-05-05",
        NOV,
        due(1_350_000, NOV, "SA26.K3.LT4"),
    ),
    ("k3 four", k("K3", household="poor"), "2020-05-05", NOV, due(1_080_000, NOV, "SA26.K3.GE4")),
    ("k3 near-poor", k("K3", household="near_poor"), "2020-05-05", NOV, zero(NOV)),
    # K4: each child, poor or near-poor (Art. 5.4)
    (
        "k4 one",
        k("K4", household="near_poor", children=1),
        "1990",
        NOV,
        due(540_000, NOV, "SA26.K4.PERCHILD"),
    ),
    (
        "k4 three",
        k("K4", household="poor", children=3),
        "1990",
        NOV,
        due(1_620_000, NOV, "SA26.K4.PERCHILD"),
    ),
    ("k4 none", k("K4", household="poor", children=0), "1990", NOV, zero(NOV)),
    ("k4 not poor", k("K4", household="none", children=1), "1990", NOV, zero(NOV)),
    ("k4 married", k("K4", household="poor", children=1, single=False), "1990", NOV, zero(NOV)),
    # K5a: 1.5 from 60, 2.0 from 75 (80 under NĐ 20)
    ("k5a 59", k("K5a"), "1966-12-01", NOV, zero(NOV)),
    ("k5a 60 this month", k("K5a"), "1966-11-30", NOV, due(810_000, NOV, "SA26.K5A.60_74")),
    ("k5a 74", k("K5a"), "1951-12-01", NOV, due(810_000, NOV, "SA26.K5A.60_74")),
    ("k5a 75 this month", k("K5a"), "1951-11-30", NOV, due(1_080_000, NOV, "SA26.K5A.GE75")),
    (
        "k5a 79 in June",
        k("K5a"),
        "1947-01-01",
        JUN,
        due(750_000, JUN, "SA21.K5A.60_79", "secondary"),
    ),
    (
        "k5a 80 in June",
        k("K5a"),
        "1946-06-30",
        JUN,
        due(1_000_000, JUN, "SA21.K5A.GE80", "secondary"),
    ),
    (
        "k5a carer on allowance",
        k("K5a", carer="obliged_on_allowance"),
        "1960-01-01",
        NOV,
        due(810_000, NOV, "SA26.K5A.60_74"),
    ),
    ("k5a has carer", k("K5a", carer="has_carer"), "1960-01-01", NOV, zero(NOV)),
    ("k5a near-poor", k("K5a", household="near_poor"), "1960-01-01", NOV, zero(NOV)),
    # K5b: taken in by the community (NĐ 20: point d)
    (
        "k5b",
        k("K5b", household="poor", carer="taken_in"),
        "1950-01-01",
        NOV,
        due(1_620_000, NOV, "SA26.K5B"),
    ),
    (
        "k5b in June",
        k("K5b", household="poor", carer="taken_in"),
        "1950-01-01",
        JUN,
        due(1_500_000, JUN, "SA21.K5D", "secondary"),
    ),
    # K6: degree and age
    ("k6 S child", k("K6", degree="S"), "2015-01-01", NOV, due(1_080_000, NOV, "SA26.K6.S.CHILD")),
    ("k6 S adult", k("K6", degree="S"), "1990-01-01", NOV, due(810_000, NOV, "SA26.K6.S.ADULT")),
    ("k6 S 60", k("K6", degree="S"), "1966-11-30", NOV, due(1_080_000, NOV, "SA26.K6.S.ELDER")),
    (
        "k6 ES child",
        k("K6", degree="ES"),
        "2015-01-01",
        NOV,
        due(1_350_000, NOV, "SA26.K6.ES.CHILD"),
    ),
    (
        "k6 ES 16 this month",
        k("K6", degree="ES"),
        "2010-11-30",
        NOV,
        due(1_080_000, NOV, "SA26.K6.ES.ADULT", "inference"),
    ),
    (
        "k6 ES elder",
        k("K6", degree="ES"),
        "1966-11-01",
        NOV,
        due(1_350_000, NOV, "SA26.K6.ES.ELDER"),
    ),
    ("k6 light", k("K6", degree="L"), "1990-01-01", NOV, zero(NOV)),
    ("k6 by year, unsure", k("K6", degree="S"), "1966", NOV, held(1_080_000, NOV)),
    ("k6 by year, sure", k("K6", degree="S"), "1991", NOV, due(810_000, NOV, "SA26.K6.S.ADULT")),
    # K7: under 3, poor or near-poor, especially difficult area
    (
        "k7",
        k("K7", household="near_poor", difficult_area=True),
        "2024-05-05",
        NOV,
        due(810_000, NOV, "SA26.K7"),
    ),
    (
        "k7 month of 3",
        k("K7", household="poor", difficult_area=True),
        "2023-11-01",
        NOV,
        due(810_000, NOV, "SA26.K7"),
    ),
    ("k7 after 3", k("K7", household="poor", difficult_area=True), "2023-10-31", NOV, zero(NOV)),
    ("k7 elsewhere", k("K7", household="poor", difficult_area=False), "2024-05-05", NOV, zero(NOV)),
    # K8: HIV, poor, no wage, no pension
    (
        "k8",
        k("K8", household="poor", income="none"),
        "1990-01-01",
        NOV,
        due(810_000, NOV, "SA26.K8"),
    ),
    ("k8 wage", k("K8", household="poor", income="wage"), "1990-01-01", NOV, zero(NOV)),
    ("k8 pension", k("K8", household="poor", pension_vnd=300_000), "1990-01-01", NOV, zero(NOV)),
    # Social pension: 75, or 70 when poor or near-poor; asked for; no pension as high
    (
        "sp 75 this month",
        k("SP", **PENSION),
        "1951-11-30",
        NOV,
        due(540_000, NOV, "SP.75", "quoted"),
    ),
    (
        "sp 74 near-poor",
        k("SP", household="near_poor", **PENSION),
        "1952-05-05",
        NOV,
        due(540_000, NOV, "SP.70_74", "quoted"),
    ),
    ("sp 74 not poor", k("SP", household="none", **PENSION), "1952-05-05", NOV, zero(NOV)),
    ("sp 69", k("SP", household="poor", **PENSION), "1956-12-01", NOV, zero(NOV)),
    (
        "sp not asked for",
        k("SP", income="none", written_request=False, since="2025-07"),
        "1948-01-01",
        NOV,
        zero(NOV),
    ),
    (
        "sp pension as high",
        k("SP", pension_vnd=540_000, written_request=True, since="2025-07"),
        "1948-01-01",
        NOV,
        zero(NOV),
    ),
    (
        "sp pension lower: open",
        k("SP", pension_vnd=539_999, written_request=True, since="2025-07"),
        "1948-01-01",
        NOV,
        held(540_000, NOV),
    ),
    (
        "sp with a wage",
        k("SP", income="wage", written_request=True, since="2025-07"),
        "1948-01-01",
        NOV,
        due(540_000, NOV, "SP.75", "quoted"),
    ),
    ("sp in June", k("SP", **PENSION), "1948-01-01", JUN, due(500_000, JUN, "SP.75", "quoted")),
]


@pytest.mark.parametrize("row", CATEGORIES, ids=[r[0] for r in CATEGORIES])
def test_each_category(row):
    _, one, born, month, line = row
    found = answer(one, months=month, born=born, **(NOVEMBER if month == NOV else JUNE))
    assert told(found) == {line}
    wanted = (line[1], 0, 0) if line[0] == "due" else (0, 0, line[1])
    assert sums(found) == wanted
    assert found["not_covered"] == []


def test_what_its_decision_found_is_said_in_the_line():
    (line,) = answer(case("K5a"), months=NOV, born="1950-01-01", **NOVEMBER)["lines"]
    assert "as the decision found, the dossier does not say: carer, household" in line["text_en"]
    assert "theo quyết định hưởng, hồ sơ không ghi: carer, household" in line["text_vi"]


SEVERAL: list[Any] = [
    ("K1, K3: the higher", [k("K1"), k("K3")], "2015-01-01", [due(1_080_000, NOV, "SA26.K3.GE4")]),
    (
        "K1, K6 child: the higher",
        [k("K1"), k("K6", degree="S")],
        "2020-01-01",
        [due(1_080_000, NOV, "SA26.K6.S.CHILD")],
    ),
    (
        "K6, K8: the higher",
        [k("K6", degree="ES"), k("K8")],
        "1990-01-01",
        [due(1_080_000, NOV, "SA26.K6.ES.ADULT")],
    ),
    (
        "K4 and K8 both",
        [k("K4", children=1), k("K8")],
        "1990-01-01",
        [due(540_000, NOV, "SA26.K4.PERCHILD"), due(810_000, NOV, "SA26.K8")],
    ),
    (
        "K4 and K5a both",
        [k("K4", children=2), k("K5a")],
        "1964-01-01",
        [due(1_080_000, NOV, "SA26.K4.PERCHILD"), due(810_000, NOV, "SA26.K5A.60_74")],
    ),
    (
        "K4, K6, K8: K4 and the higher",
        [k("K4", children=1), k("K8"), k("K6", degree="ES")],
        "1990-01-01",
        [due(540_000, NOV, "SA26.K4.PERCHILD"), due(1_080_000, NOV, "SA26.K6.ES.ADULT")],
    ),
    (
        "K7 not beside K6",
        [k("K7", difficult_area=True), k("K6", degree="S")],
        "2024-05-05",
        [due(1_080_000, NOV, "SA26.K6.S.CHILD")],
    ),
    (
        "K7 not beside K1",
        [k("K7", difficult_area=True), k("K1")],
        "2024-05-05",
        [due(1_350_000, NOV, "SA26.K1.LT4")],
    ),
    (
        "SP below K6",
        [k("K6", degree="S"), k("SP", **PENSION)],
        "1948-01-01",
        [due(1_080_000, NOV, "SA26.K6.S.ELDER")],
    ),
    (
        "SP equals K4 of one child: social assistance",
        [k("K4", children=1), k("SP", **PENSION)],
        "1953-01-01",
        [due(540_000, NOV, "SA26.K4.PERCHILD")],
    ),
]


@pytest.mark.parametrize("row", SEVERAL, ids=[r[0] for r in SEVERAL])
def test_several_categories(row):
    _, cases, born, lines = row
    found = answer(*cases, months=NOV, born=born, status="poor", **NOVEMBER)
    assert told(found) == set(lines)
    assert sums(found) == (sum(line[1] for line in lines), 0, 0)


def test_a_local_social_pension_above_a_central_allowance_is_the_higher_one():
    cases = [k("K4", children=1, province="31"), k("SP", province="31", **PENSION)]
    found = answer(*cases, months=NOV, born="1953-01-01", status="poor", **NOVEMBER)
    assert told(found) == {due(700_000, NOV, "SP.70_74", "secondary")}


LOCAL: list[Any] = [
    ("SA", "01", "2025-12", 750_000),
    ("SA", "01", JUN, 975_000),
    ("SA", "01", NOV, 975_000),
    ("SA", "79", NOV, 810_000),
    ("SP", "01", "2025-12", 500_000),
    ("SP", "01", NOV, 650_000),
    ("SP", "79", "2025-08", 500_000),
    ("SP", "79", "2025-09", 650_000),
    ("SP", "31", NOV, 700_000),
    ("SP", "22", "2025-07", 700_000),
    ("SP", "08", JUN, 530_000),
    ("SP", "08", "2026-07", 540_000),
]


@pytest.mark.parametrize(("scheme", "province", "month", "amount"), LOCAL)
def test_the_base_is_the_higher_of_centre_and_province(scheme, province, month, amount):
    one = (
        k("K6", degree="S", province=province)
        if scheme == "SA"
        else k("SP", province=province, **PENSION)
    )
    born = "1991-05-05" if scheme == "SA" else "1948-01-01"
    found = answer(one, months=month, born=born, **NOVEMBER)
    assert sums(found) == (amount, 0, 0)


def test_whoever_lives_in_a_facility_draws_no_community_allowance():
    both = [case("FAC"), k("K6", degree="ES")]
    found = answer(*both, months=[JUN, NOV], born="1980-01-01", **NOVEMBER)
    assert told(found) == {
        due(2_000_000, JUN, "SA21.FAC.GE4", "secondary"),
        zero(JUN),
        held(1_080_000, NOV),
    }
    assert found["not_covered"] == ["not covered: FAC, 11/2026: no rate is loaded"]
    none = {"facility_resident": "none"}
    found = answer(k("K6", degree="ES", in_facility=True), months=NOV, settings=none, **NOVEMBER)
    assert told(found) == {zero(NOV)}


def test_a_facility_pays_five_times_under_four():
    found = answer(case("FAC"), months=JUN, born="2022-07-01", **JUNE)
    assert told(found) == {due(2_500_000, JUN, "SA21.FAC.LT4", "secondary")}


def test_two_holds_on_one_amount_never_add_up_to_more_than_it():
    found = answer(k("SP", since="2025-07"), months=NOV, born="1951", **NOVEMBER)
    assert sums(found) == (0, 0, 540_000)


def test_a_repealed_clause_and_its_successor():
    old, new = k("K5c", income="none"), k("SP", **PENSION)
    asked = ["2025-06", "2025-07"]
    found = answer(old, new, months=asked, born="1940-05-30", run_month="2025-07")
    assert told(found) == {
        due(500_000, "2025-06", "SA21.K5C", "secondary"),
        due(500_000, "2025-07", "SP.75", "quoted"),
    }
    assert found["not_covered"] == []
    alone = answer(old, months=asked, born="1940-05-30", run_month="2025-07")
    assert sums(alone) == (500_000, 0, 0)
    assert len(alone["not_covered"]) == 1


# Back pay of the rise of 2026 (rules.md 1)


def rise(one: dict[str, Any], before: int, born: str, **more: Any) -> dict[str, Any]:
    old = paid(one["id"], before, *months("2026-07", "2026-10"))
    return answer(one, months=NOV, born=born, already_paid=old, **{**NOVEMBER, **more})


RISES: list[Any] = [
    ("social pension", k("SP", **PENSION), 500_000, "1948-01-01", 540_000, 160_000),
    ("K8", k("K8", household="poor"), 750_000, "1990-01-01", 810_000, 240_000),
    ("K4 two", k("K4", household="poor", children=2), 1_000_000, "1990-01-01", 1_080_000, 320_000),
    ("K1 under 4", k("K1"), 1_250_000, "2023-06-01", 1_350_000, 400_000),
    ("K5b", k("K5b", household="poor"), 1_500_000, "1950-01-01", 1_620_000, 480_000),
    ("K5a 76", k("K5a"), 750_000, "1950-01-01", 1_080_000, 1_320_000),
    ("K5a 82", k("K5a"), 1_000_000, "1944-01-01", 1_080_000, 320_000),
    ("Hà Nội: nothing", k("K6", degree="S", province="01"), 975_000, "1990-01-01", 975_000, 0),
    ("Tuyên Quang", k("SP", province="08", **PENSION), 530_000, "1948-01-01", 540_000, 40_000),
]


@pytest.mark.parametrize("row", RISES, ids=[r[0] for r in RISES])
def test_the_rise_of_2026_and_its_back_pay(row):
    _, one, before, born, now, back = row
    found = rise(one, before, born)
    got = {(line["amount_vnd"], len(line["covers_months"])) for line in found["lines"]}
    assert got == {(now, 1)} | ({(back, 4)} if back else set())
    assert sums(found) == (now + back, 0, 0)


def test_the_list_of_october_cannot_know_the_decree():
    october = {"run_month": "2026-10", "known_on": "2026-09-24"}
    found = answer(k("K6", degree="S"), months="2026-10", **october)
    assert told(found) == {due(750_000, "2026-10", "SA21.K6.S.ADULT", "secondary")}


def test_a_rise_not_yet_decided_is_held():
    found = rise(
        k("K6", degree="S"), 750_000, "1990-01-01", settings={"rerating_decision": "missing"}
    )
    assert sums(found) == (750_000, 0, 300_000)


@pytest.mark.parametrize(
    ("died", "choice", "wanted"),
    [
        ("2026-08-15", None, (0, 0, 120_000)),
        ("2026-08-15", "rerate", (120_000, 0, 0)),
        ("2026-08-15", "old_level", (0, 0, 0)),
        ("2026-10-04", None, (0, 0, 240_000)),
        ("2026-10-05", None, (240_000, 0, 0)),
    ],
)
def test_who_left_before_the_decree_is_an_open_point(died, choice, wanted):
    last = died[:7]
    found = answer(
        k("K6", degree="S"),
        months=[],
        already_paid=paid("k6", 750_000, *months("2026-07", last)),
        events=[event("death", died)],
        settings={"left_before_rise": choice} if choice else {},
        **NOVEMBER,
    )
    assert sums(found) == wanted


def test_a_student_past_22_waits_for_a_new_decision():
    old = k("K2", since="2020-05")
    found = answer(old, months=months("2026-09", NOV), born="2004-05-05", **NOVEMBER)
    assert sums(found) == (0, 0, 1_620_000)
    new = k("K2", decision={"date": "2026-10-20"})
    found = answer(new, months=months("2026-09", NOV), born="2004-05-05", **NOVEMBER)
    assert told(found) == {
        zero("2026-09"),
        due(810_000, "2026-10", "SA26.K2.GE22", "inference"),
        due(810_000, NOV, "SA26.K2.GE22", "inference"),
    }


def test_a_move_does_not_grant_anew_what_ended_at_22():
    moved = [event("move_out", "2026-11-02"), event("move_in", "2026-11-20", province="25")]
    ask = {"months": DEC, "born": "2003-03-24", "events": moved, **DECEMBER}
    old = k("K2", decision={"date": "2024-12-06"}, province="08")
    assert sums(answer(old, **ask)) == (0, 0, 810_000)
    new = k("K2", decision={"date": "2026-10-20"}, province="08")
    assert sums(answer(new, **ask)) == (810_000, 0, 0)


def test_who_lost_the_right_by_a_fact_before_the_decree_is_not_re_rated():
    lost = [event("change", "2026-08-20", facts={"degree": "L"})]
    old = paid("k6", 750_000, "2026-07", "2026-08")
    found = answer(k("K6", degree="S"), months=[], events=lost, already_paid=old, **NOVEMBER)
    assert sums(found) == (0, 0, 120_000)


def test_a_file_that_moved_after_the_day_of_the_decree_was_on_the_roll():
    moved = [event("move_out", "2026-09-09", from_month="2026-11")]
    found = answer(k("K6", degree="S"), months="2026-07", events=moved, **NOVEMBER)
    assert sums(found) == (810_000, 0, 0)
    moved = [event("move_out", "2026-09-09")]
    found = answer(k("K6", degree="S"), months="2026-07", events=moved, **NOVEMBER)
    assert sums(found) == (750_000, 0, 60_000)


def test_a_household_told_poor_again_counts_from_that_month():
    ask = {
        "household": {"status": "poor", "from": "2022-03-21", "to": "2026-05-24"},
        "events": [event("change", "2026-07-01", facts={"household": "poor"})],
        "months": months("2026-05", "2026-08"),
    }
    found = answer(k("K8", income="none"), **ask, **NOVEMBER)
    assert told(found) == {
        due(750_000, "2026-05", "SA21.K8", "secondary"),
        zero("2026-06"),
        due(2 * 810_000, "2026-07..2026-08", "SA26.K8"),
    }


@pytest.mark.parametrize(("child", "held_vnd"), [("2010-09-10", 40_000), ("2010-10-10", 0)])
def test_a_parent_whose_last_child_turned_16_before_the_decree_has_left(child, held_vnd):
    found = family(child, months="2026-07", **NOVEMBER)
    assert sums(found) == (540_000 - held_vnd, 0, held_vnd)


# Children by birth (K4), also where only the year is known


def family(*born: str, **more: Any) -> dict[str, Any]:
    ids = [f"c{n}" for n in range(len(born))]
    people = [person("an", "1985"), *(person(i, b) for i, b in zip(ids, born, strict=True))]
    facts = {"children": ids, **more.pop("facts", {})}
    return answer(k("K4", **facts), people=people, status="poor", **more)


def test_a_parent_of_children_known_by_year():
    assert sums(family("2021", "2017", months=NOV, **NOVEMBER)) == (1_080_000, 0, 0)


def test_the_second_child_of_16_acts_in_the_month_the_last_one_after_it():
    both = family("2010-11-10", "2015-01-01", months=months("2026-10", DEC), **DECEMBER)
    assert [line["amount_vnd"] for line in both["lines"]] == [540_000, 1_080_000, 540_000]
    one = family("2010-11-10", months=months("2026-10", DEC), **DECEMBER)
    assert sums(one) == (1_080_000, 0, 0)


def test_a_child_that_studies_on_counts_after_16_and_to_22_under_the_old_decree():
    studying = {"studying_children": ["c0"]}
    found = family("2009-05-10", months=NOV, facts=studying, **NOVEMBER)
    assert sums(found) == (540_000, 0, 0)
    old = family("2004-05-10", months=months("2026-04", JUN), facts=studying, **JUNE)
    assert sums(old) == (1_000_000, 0, 0)


def test_a_new_child_counts_from_the_month_of_birth():
    found = family("2015-01-01", "2026-11-20", months=["2026-10", NOV], **NOVEMBER)
    assert sums(found) == (540_000 + 1_080_000, 0, 0)
