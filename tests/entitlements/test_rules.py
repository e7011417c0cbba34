"""Each rule of the law by itself, with exact amounts at 540,000 (500,000 before the rise)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from disbursement.entitlements.facts import Ages, Change, MonthFacts, Right
from disbursement.entitlements.rules import (
    Law,
    assess,
    decimal_text,
    exact_amount,
    general_rises,
    rerating_needed,
    rules_version,
)
from disbursement.platform.errors import RefusedError
from disbursement.programmes.open_points import Settings, open_points
from tests.entitlements.cases import (
    DECEMBER,
    ND335,
    NOVEMBER,
    OCTOBER,
    RATES,
    case,
    due,
    held,
    total,
)


@pytest.mark.parametrize(
    ("clause", "facts", "birth", "expected"),
    [
        ("K1", {}, "2024-01-01", 1_350_000),
        ("K1", {}, "2015-01-01", 810_000),
        ("K2", {}, "2009-01-01", 810_000),
        ("K3", {}, "2024-01-01", 1_350_000),
        ("K3", {}, "2015-01-01", 1_080_000),
        ("K4", {"children": 3}, "1990-01-01", 1_620_000),
        ("K4", {"household": "near_poor"}, "1990-01-01", 540_000),
        ("K5a", {}, "1960-01-01", 810_000),
        ("K5a", {"carer": "obliged_on_allowance"}, "1951-01-01", 1_080_000),
        ("K5b", {}, "1960-01-01", 1_620_000),
        ("K6", {"degree": "S"}, "2015-01-01", 1_080_000),
        ("K6", {"degree": "S"}, "1990-01-01", 810_000),
        ("K6", {"degree": "S"}, "1960-01-01", 1_080_000),
        ("K6", {"degree": "ES"}, "2015-01-01", 1_350_000),
        ("K6", {"degree": "ES"}, "1990-01-01", 1_080_000),
        ("K6", {"degree": "ES"}, "1960-01-01", 1_350_000),
        ("K7", {}, "2025-01-01", 810_000),
        ("K8", {}, "1990-01-01", 810_000),
        ("SP", {}, "1950-01-01", 540_000),
        ("SP", {"income": "wage"}, "1950-01-01", 540_000),
    ],
)
def test_every_clause_pays_its_rate(clause, facts, birth, expected):
    d = due(case(clause, **facts), birth, 202611)
    assert d.total_vnd == expected
    assert d.held == ()
    assert d.at_most_vnd == expected


@pytest.mark.parametrize(
    ("clause", "facts", "birth", "reason"),
    [
        ("K1", {}, "2009-01-01", "too_old"),
        ("K2", {"studying": False}, "2009-01-01", "studying"),
        ("K2", {"on_k1_at_16": False}, "2009-01-01", "on_k1_at_16"),
        ("K3", {"household": "near_poor"}, "2015-01-01", "household"),
        ("K4", {"household": "none"}, "1990-01-01", "household"),
        ("K4", {"children": 0}, "1990-01-01", "children"),
        ("K5a", {}, "1967-01-01", "too_young"),
        ("K5a", {"household": "near_poor"}, "1960-01-01", "household"),
        ("K5a", {"carer": "has_carer"}, "1960-01-01", "carer"),
        ("K5a", {"carer": "taken_in"}, "1960-01-01", "carer"),
        ("K5b", {"carer": "no_obliged"}, "1960-01-01", "carer"),
        ("K7", {"difficult_area": False}, "2025-01-01", "difficult_area"),
        ("K7", {"household": "none"}, "2025-01-01", "household"),
        ("K8", {"income": "wage"}, "1990-01-01", "income"),
        ("K8", {"income": "lower_than_sp"}, "1990-01-01", "income"),
        ("SP", {"written_request": False}, "1950-01-01", "written_request"),
        ("SP", {"income": "not_lower"}, "1950-01-01", "income"),
        ("SP", {"household": "poor"}, "1957-01-01", "too_young"),
    ],
)
def test_a_condition_not_met_pays_nothing_and_says_why(clause, facts, birth, reason):
    d = due(case(clause, **facts), birth, 202611)
    assert (d.total_vnd, d.held, d.at_most_vnd) == (0, (), 0)
    assert [r.code for r in d.reasons] == [reason]


@pytest.mark.parametrize(
    ("clause", "fact", "birth", "amount"),
    [
        ("K2", "studying", "2009-01-01", 810_000),
        ("K2", "on_k1_at_16", "2009-01-01", 810_000),
        ("K3", "household", "2015-01-01", 1_080_000),
        ("K4", "children", "1990-01-01", None),
        ("K5a", "carer", "1960-01-01", 810_000),
        ("K6", "degree", "1990-01-01", 1_080_000),
        ("K7", "difficult_area", "2025-01-01", 810_000),
        ("K8", "income", "1990-01-01", 810_000),
        ("SP", "written_request", "1950-01-01", 540_000),
        ("SP", "household", "1954-01-01", 540_000),
    ],
)
def test_a_fact_that_is_not_recorded_holds_the_amount(clause, fact, birth, amount):
    d = due(case(clause, **{fact: None}), birth, 202611)
    assert d.total_vnd == 0
    assert [(h.code, h.amount_vnd) for h in d.held] == [(f"fact_{fact}", amount)]
    assert d.held[0].sentence_vi == open_points()[f"fact_{fact}"].sentence_vi
    assert d.at_most_vnd == amount


def test_a_fact_the_age_does_not_need_holds_nothing():
    assert total(case("SP", household=None), "1950-01-01", 202611) == 540_000


def test_a_held_right_beside_a_higher_one_holds_nothing():
    both = [case("K6", degree="ES"), case("K8", income=None)]
    assert total(both, "1990-01-01", 202611) == 1_080_000
    assert held(both, "1990-01-01", 202611) == {}


@pytest.mark.parametrize(
    ("clauses", "birth", "paid"),
    [
        (("K4", "K5a"), "1960-01-01", {"K4": 540_000, "K5a": 810_000}),
        (("K4", "K8"), "1990-01-01", {"K4": 540_000, "K8": 810_000}),
        (("K4", "K6", "K8"), "1990-01-01", {"K4": 540_000, "K6": 810_000}),
        (("K4", "K5a", "K6"), "1960-01-01", {"K4": 540_000, "K6": 1_080_000}),
        (("K4", "K2"), "2007-01-01", {"K2": 810_000}),
        (("K6", "K8"), "1990-01-01", {"K6": 810_000}),
        (("K5a", "K6"), "1960-01-01", {"K6": 1_080_000}),
        (("K1", "K7"), "2025-01-01", {"K1": 1_350_000}),
        (("K6", "K7"), "2025-01-01", {"K6": 1_080_000}),
        (("K4", "SP"), "1950-01-01", {"K4": 540_000}),
        (("K6", "SP"), "1950-01-01", {"K6": 1_080_000}),
    ],
)
def test_who_is_in_several_clauses(clauses, birth, paid):
    d = due([case(c) for c in clauses], birth, 202611)
    assert {line.clause: line.amount_vnd for line in d.lines} == paid


def test_k7_gives_way_to_k1_k3_k6_even_where_it_would_be_higher():
    dear = tuple(
        replace(r, coefficient=Fraction(9)) if r.clause == "K7" else r for r in RATES.rates
    )
    law = replace(DECEMBER, rates=replace(RATES, rates=dear))
    assert total([case("K7")], "2025-01-01", 202611, law) == 4_860_000
    for other, amount in (("K1", 1_350_000), ("K3", 1_350_000), ("K6", 1_080_000)):
        assert total([case("K7"), case(other)], "2025-01-01", 202611, law) == amount


def test_a_lower_local_level_never_counts():
    low = tuple(
        replace(b, last_day=None, ended_by="") if b.territory == "08" else b for b in RATES.bases
    )
    law = replace(DECEMBER, rates=replace(RATES, bases=low))
    d = due(case("SP", province="08"), "1950-01-01", 202611, law)
    assert d.lines[0].arithmetic == "1,0 × 540.000 = 540.000"


def test_the_social_pension_can_be_the_higher_one():
    """Hải Phòng pays pensioners 700,000; social assistance stays at the central base."""
    both = [case("K4", province="31"), case("SP", province="31")]
    d = due(both, "1950-01-01", 202611)
    assert (d.total_vnd, d.programme) == (700_000, "SP")
    assert [r.clause for r in d.reasons] == ["K4"]


def test_a_local_level_below_the_centre_gives_way_once_the_rise_may_be_used():
    """Tuyên Quang's 530,000 against 500,000 before and 540,000 after NĐ 335/2026."""
    pensioner = case("SP", province="08")
    assert total(pensioner, "1950-01-01", 202610, OCTOBER) == 530_000
    assert total(pensioner, "1950-01-01", 202610, NOVEMBER) == 540_000
    assert total(pensioner, "1950-01-01", 202606, NOVEMBER) == 530_000


def test_old_months_keep_their_level_whenever_they_are_computed():
    adult = case("K6", start_month=202107, decision_date=date(2021, 7, 20))
    for law in (OCTOBER, NOVEMBER, DECEMBER):
        months = (202107, 202406, 202407, 202606)
        amounts = [total(adult, "1990-01-01", m, law) for m in months]
        assert amounts == [540_000, 540_000, 750_000, 750_000]


@pytest.mark.parametrize("day", [date(2026, 10, 4), date(2026, 10, 5)])
def test_the_rise_may_be_used_from_its_day(day):
    law = Law(day, RATES)
    level = 810_000 if day == date(2026, 10, 5) else 750_000
    months = (202607, 202608, 202609, 202610, 202611)
    assert [total(case("K6"), "1990-01-01", m, law) for m in months] == [level] * 5
    assert total(case("K6"), "1990-01-01", 202606, law) == 750_000


def test_without_a_recorded_decision_the_old_level_is_paid_and_the_rest_held():
    waiting = NOVEMBER.before(ND335)
    for month in (202607, 202610, 202611):
        d = due(case("K6"), "1990-01-01", month, waiting)
        assert (d.total_vnd, d.at_most_vnd) == (750_000, 810_000)
        assert [(h.code, h.amount_vnd) for h in d.held] == [("rerating_decision_missing", 60_000)]
        assert d.instruments == ("20/2021/NĐ-CP", "76/2024/NĐ-CP")
    assert held(case("K6"), "1990-01-01", 202606, waiting) == {}


def test_who_was_granted_under_the_new_decree_needs_no_re_rating():
    new = case("K6", start_month=202610, decision_date=date(2026, 10, 6))
    d = due(new, "1990-01-01", 202611, NOVEMBER.before(ND335))
    assert (d.total_vnd, d.held, d.instruments) == (810_000, (), ("335/2026/NĐ-CP",))


@pytest.mark.parametrize(
    ("ended", "hold"),
    [
        ({"end_date": date(2026, 9, 20)}, {"left_before_rise": 60_000}),
        ({"end_date": date(2026, 10, 4)}, {"left_before_rise": 60_000}),
        ({"end_month": 202609}, {"left_before_rise": 60_000}),
        ({"end_month": 202610}, {"left_before_rise": 60_000}),  # which day of October is unknown
        ({"end_date": date(2026, 10, 5)}, {}),
        ({"end_month": 202611}, {}),
    ],
)
def test_who_left_the_roll_before_the_rise_came_into_force(ended, hold):
    gone = case("K6", status="stopped", **ended)
    d = due(gone, "1990-01-01", 202608)
    assert d.total_vnd == (750_000 if hold else 810_000)
    assert {h.code: h.amount_vnd for h in d.held} == hold
    assert held(gone, "1990-01-01", 202606) == {}


def test_leaving_by_age_before_the_rise_is_leaving_too():
    assert held(case("K7"), "2023-08-10", 202607) == {"left_before_rise": 60_000}
    assert total(case("K7"), "2023-08-10", 202608) == 750_000
    assert held(case("K7"), "2023-10-10", 202610) == {}
    assert total(case("K7"), "2023-10-10", 202610) == 810_000


@pytest.mark.parametrize(
    ("clause", "facts", "change"),
    [
        ("K6", {}, {"degree": "L"}),
        ("K5a", {"household": "poor", "carer": "no_obliged"}, {"carer": "has_carer"}),
        ("K5a", {"household": "poor", "carer": "no_obliged"}, {"household": "near_poor"}),
        ("K8", {"household": "poor", "income": "none"}, {"income": "wage"}),
        ("K4", {"household": "poor", "children": 1}, {"children": 0}),
    ],
)
def test_losing_the_right_by_a_change_before_the_rise_is_leaving_too(clause, facts, change):
    """Art. 32.3: who is "đang hưởng"; which fact ended the right makes no difference."""
    birth = "1960-01-01" if clause == "K5a" else "1990-01-01"

    def told(*changes):
        row = case(clause, **facts, changes=tuple(Change(m, tuple(c.items())) for m, c in changes))
        now, waits = total(row, birth, 202607), held(row, birth, 202607)
        return now + sum(waits.values()), waits

    back = {name: facts.get(name, "S") for name in change}
    new = told()[0]
    gone, waits = told((202608, change))
    assert gone == new
    assert list(waits) == ["left_before_rise"]
    assert told((202609, change))[1] == waits
    assert told((202610, change)) == (new, {})  # lost in the month of the rise: paid in it
    assert told((202608, change), (202609, back)) == (new, {})  # came back before the rise
    assert told((202608, change), (202610, back))[1] == waits


@pytest.mark.parametrize(
    ("beside", "on_roll"),
    [
        ({"clause": "K8", "household": "poor", "income": "none"}, True),
        ({"clause": "K8", "household": "none", "income": "none"}, False),
        ({"clause": "K5a", "household": "poor", "carer": "no_obliged"}, False),  # not 60 yet
    ],
)
def test_a_case_that_gives_nothing_keeps_nobody_on_the_roll(beside, on_roll):
    gone = case("K6", status="stopped", end_date=date(2026, 9, 20))
    facts = {k: v for k, v in beside.items() if k != "clause"}
    rows = [gone, case(beside["clause"], **facts)]
    waits = held(rows, "1990-01-01", 202608)
    assert waits == ({} if on_roll else {"left_before_rise": 60_000})


def test_who_changed_clause_is_still_on_the_roll():
    """K1 ended at 16 in August, K2 goes on: July is re-rated."""
    rows = [case("K1"), case("K2", start_month=202608, decision_kind="change", on_k1_at_16=None)]
    assert [total(rows, "2010-08-10", m) for m in (202607, 202608, 202609)] == [810_000] * 3
    assert held(rows, "2010-08-10", 202607) == {}


@pytest.mark.parametrize(
    ("choice", "amount", "hold"), [("old_level", 750_000, {}), ("rerate", 810_000, {})]
)
def test_the_setting_decides_about_leavers(choice, amount, hold):
    law = replace(NOVEMBER, settings=Settings(left_before_rise=choice))
    gone = case("K6", status="stopped", end_date=date(2026, 9, 20))
    assert total(gone, "1990-01-01", 202608, law) == amount
    assert held(gone, "1990-01-01", 202608, law) == hold


def test_students_over_22_only_from_the_decree_on():
    """Turned 22 in October: goes on. Turned 22 in September: a new decision is needed."""
    goes_on = case("K2")
    months = (202610, 202611, 202612)
    assert [total(goes_on, "2004-10-10", m) for m in months] == [810_000] * 3
    november = due(goes_on, "2004-10-10", 202611)
    assert [line.rate_code for line in november.lines] == ["SA26.K2.GE22"]
    assert november.lines[0].confidence == "inference"
    lapsed = due(goes_on, "2004-09-10", 202610)
    assert (lapsed.total_vnd, lapsed.held[0].code) == (0, "lapsed_at_22")
    decided = case("K2", start_month=202611, decision_date=date(2026, 11, 3))
    assert total(decided, "2003-09-10", 202611) == 810_000
    assert total(case("K2"), "2004-06-10", 202607) == 0  # 22 before July: the old cap
    assert total(case("K2"), "2004-07-10", 202607, NOVEMBER) == 750_000  # left the roll in July
    assert total(goes_on, "2004-09-10", 202609, OCTOBER) == 750_000
    assert total(goes_on, "2004-08-10", 202609, OCTOBER) == 0


def test_a_k1_student_past_16_waits_for_the_k2_decision():
    pupil = case("K1", studying=True)
    assert held(pupil, "2010-05-01", 202611) == {"k2_decision_missing": 810_000}
    assert total(pupil, "2010-05-01", 202605, OCTOBER) == 750_000  # the month of turning 16
    assert held([pupil, case("K2")], "2010-05-01", 202611) == {}


def test_open_points_are_held_and_decided_by_settings():
    pensioner = case("SP", income="lower_than_sp")
    assert held(pensioner, "1950-01-01", 202611) == {"sp_with_lower_pension": 540_000}
    full = replace(DECEMBER, settings=Settings(sp_with_lower_pension="full"))
    assert total(pensioner, "1950-01-01", 202611, full) == 540_000
    merit = case("K6", merit_allowance=True)
    assert held(merit, "1990-01-01", 202611) == {"merit_with_sa": 810_000}
    both = replace(DECEMBER, settings=Settings(merit_with_sa="both"))
    assert total(merit, "1990-01-01", 202611, both) == 810_000
    resident = case("K6", in_facility=True)
    assert held(resident, "1990-01-01", 202611) == {"facility_resident": 810_000}
    assert [r.code for r in due(resident, "1990-01-01", 202606).reasons] == ["in_facility"]
    none = replace(DECEMBER, settings=Settings(facility_resident="none"))
    assert due(resident, "1990-01-01", 202611, none).at_most_vnd == 0


def test_a_higher_sa_makes_the_pension_question_moot_a_lower_one_holds_the_difference():
    elder = case("SP", income="lower_than_sp", province="31")
    assert held([elder, case("K6", province="31")], "1950-01-01", 202611) == {}
    d = due([elder, case("K4", province="31")], "1950-01-01", 202611)
    assert (d.total_vnd, d.at_most_vnd) == (540_000, 700_000)
    assert [(h.code, h.amount_vnd) for h in d.held] == [("sp_with_lower_pension", 160_000)]


def test_holds_that_add_only_together_are_both_shown():
    """K4 and K5a wait, K2's 810,000 is paid; K4 beside K5a would be 1,350,000."""
    rows = [case("K2", decision_kind="change"), case("K4", household=None)]
    rows.append(case("K8", income=None))
    d = due(rows, "2007-01-01", 202611)
    assert (d.total_vnd, d.at_most_vnd) == (810_000, 1_350_000)
    assert {h.code: h.amount_vnd for h in d.held} == {
        "fact_household": 540_000,
        "fact_income": 540_000,
    }


def test_what_waits_for_the_rise_and_for_a_fact_is_all_shown():
    waiting = NOVEMBER.before(ND335)
    lapsed = due(case("K2"), "2003-01-01", 202611, waiting)
    assert (lapsed.total_vnd, lapsed.at_most_vnd) == (0, 810_000)
    assert [(h.code, h.amount_vnd) for h in lapsed.held] == [("lapsed_at_22", 810_000)]


def test_repealed_clauses_and_months_without_rates_are_shown():
    elder = case("K5c")
    assert total(elder, "1940-01-01", 202506) == 500_000
    assert held(elder, "1940-01-01", 202507) == {"category_ended": 0}
    assert total(case("K5b20"), "1948-01-01", 202506) == 500_000
    early = case("K6", start_month=202101, decision_date=date(2021, 1, 5))
    assert held(early, "1990-01-01", 202106) == {"no_rate_loaded": 0}
    assert total(early, "1990-01-01", 202107) == 540_000


def test_only_the_year_of_birth_is_enough_where_it_does_not_matter():
    assert total(case("K6"), "1990", 202611) == 810_000
    assert total(case("K5a"), "1951", 202612) == 1_080_000  # all of 1951 have turned 75
    d = due(case("K5a"), "1951", 202611)  # December's children are 74
    assert d.total_vnd == 0
    assert [(h.code, h.amount_vnd) for h in d.held] == [("birth_uncertain", 1_080_000)]
    assert d.at_most_vnd == 1_080_000
    assert total(case("SP"), "1951", 202611) == 0
    assert total(case("SP", household="poor"), "1951", 202611) == 540_000  # 74 or 75: the same
    assert total(case("K5a"), "1951-12", 202611) == 810_000
    assert total(case("K5a"), "1951-12", 202612) == 1_080_000


def test_no_case_in_force_is_nothing():
    d = due(case("K6", start_month=202612), "1990-01-01", 202611)
    assert (d.total_vnd, d.lines, d.held, d.reasons, d.programme) == (0, (), (), (), "")


def test_an_amount_that_is_no_whole_dong_is_refused():
    assert exact_amount(Fraction("1.5"), 1, 540_000, "x") == 810_000
    with pytest.raises(RefusedError, match=r"SA26\.K6"):
        exact_amount(Fraction("1.5"), 1, 540_001, "SA26.K6")


@pytest.mark.parametrize(("value", "text"), [("1.5", "1.5"), ("2", "2.0"), ("0.25", "0.25")])
def test_coefficients_are_written_as_decimals(value, text):
    assert decimal_text(Fraction(value)) == text
    with pytest.raises(RefusedError):
        decimal_text(Fraction(1, 3))


def test_general_rises_name_the_decree_once_the_day_has_passed():
    def named(first, last, before, after):
        return [r.code for r in general_rises(first, last, before, after, RATES)]

    before, after = date(2026, 9, 24), date(2026, 10, 23)
    assert named(202607, 202611, before, after) == ["335/2026/NĐ-CP"]
    assert named(202607, 202611, after, date(2026, 11, 24)) == []
    assert named(202601, 202606, before, after) == []
    assert named(202611, 202612, before, after) == []
    assert named(202607, 202611, date(2026, 10, 4), date(2026, 10, 5)) == ["335/2026/NĐ-CP"]
    assert named(202607, 202611, date(2026, 10, 5), after) == []


def test_re_rating_is_needed_from_old_law_to_new_and_not_twice():
    assert [r.code for r in rerating_needed(OCTOBER, NOVEMBER)] == ["335/2026/NĐ-CP"]
    assert rerating_needed(NOVEMBER, DECEMBER) == ()
    assert rerating_needed(OCTOBER, NOVEMBER.before(ND335)) == ()
    assert rerating_needed(NOVEMBER.before(ND335), NOVEMBER) == (ND335,)


def test_a_decided_later_rise_replaces_what_an_undecided_one_would_have_ended():
    later = replace(ND335, code="X", in_force_from=date(2027, 2, 1), money_from=date(2027, 1, 1))
    base = next(b for b in RATES.bases if b.code == "SA_BASE" and b.amount_vnd == 540_000)
    rates = replace(
        RATES,
        instruments={**RATES.instruments, "X": later},
        rates=(
            *(
                replace(r, last_day=date(2026, 12, 31), ended_by="X")
                if r.instrument == ND335.code and not r.last_day
                else r
                for r in RATES.rates
            ),
            *(
                replace(r, code=f"X{r.code}", instrument="X", first_day=date(2027, 1, 1))
                for r in RATES.rates
                if r.instrument == ND335.code
            ),
        ),
        bases=(
            *(b for b in RATES.bases if b is not base),
            replace(base, last_day=date(2026, 12, 31), ended_by="X"),
            replace(base, amount_vnd=600_000, instrument="X", first_day=date(2027, 1, 1)),
        ),
    )
    law = Law(date(2027, 2, 20), rates, undecided=frozenset({ND335.code}))
    assert total(case("K6"), "1990-01-01", 202612, law) == 750_000
    assert total(case("K6"), "1990-01-01", 202701, law) == 900_000
    rows = law.rates.view(202701, law.law_on, law.undecided).monthly
    sa = {r.code[:5] for clause, found in rows.items() if clause != "SP" for r in found}
    assert sa == {"XSA26"}


def test_explanation_is_plain_data():
    line = due(case("K4", children=2), "1990-01-01", 202611).as_dict()["lines"][0]
    assert line["coefficient"] == "1.0"
    assert line["instruments"] == ["335/2026/NĐ-CP"]
    assert line["text_vi"].endswith("2 × 1,0 × 540.000 = 1.080.000 đồng")
    assert line["text_en"].endswith("2 × 1.0 × 540,000 = 1,080,000 VND")


def test_assess_is_a_function_of_its_arguments():
    facts = MonthFacts((Ages(16, 16),), (Right("K6", "25", degree="S"),))
    assert assess(facts, 202611, DECEMBER) == assess(facts, 202611, DECEMBER)
    assert len(rules_version()) == 64
