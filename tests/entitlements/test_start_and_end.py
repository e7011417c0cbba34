"""From which month, until which month: the start rules of both decrees, stops, suspensions."""

from __future__ import annotations

from datetime import date

import pytest

from disbursement.entitlements.facts import last_month, rule_start, start_month_finding, with_end
from tests.entitlements.cases import DECEMBER, OCTOBER, born, case, due, held, total

BIRTH = born("1990-01-01")


@pytest.mark.parametrize(
    ("clause", "facts", "birth", "first"),
    [
        ("K6", {"decision_date": date(2026, 10, 28)}, "1990-01-01", 202610),
        ("K6", {"decision_date": date(2026, 10, 5)}, "1990-01-01", 202610),
        (
            "K6",
            {"decision_date": date(2026, 10, 4), "certificate_date": date(2026, 7, 9)},
            "1990-01-01",
            202607,
        ),
        ("K6", {"decision_date": date(2026, 8, 1), "certificate_date": None}, "1990-01-01", 202608),
        ("K5a", {"decision_date": date(2026, 8, 1)}, "1960-01-01", 202608),
        ("SP", {"decision_date": date(2026, 8, 1)}, "1950-01-01", 202608),
        ("K5c", {"decision_date": date(2024, 8, 1)}, "1944-03-01", 202403),
        ("K5b20", {"decision_date": date(2024, 8, 1)}, "1949-03-01", 202403),
        ("K6", {"decision_kind": "move_in"}, "1990-01-01", None),
        ("K6", {"decision_kind": "change"}, "1990-01-01", None),
    ],
)
def test_the_first_month_by_the_rule(clause, facts, birth, first):
    assert rule_start(case(clause, **facts), born(birth)) == first


def test_a_start_before_the_rule_is_named_and_only_its_months_are_held():
    row = case("K6", start_month=202608, decision_date=date(2026, 10, 28))
    sentence = start_month_finding(row, BIRTH)
    assert sentence is not None
    assert "08/2026" in sentence
    assert "10/2026" in sentence
    assert "NĐ 335/2026/NĐ-CP Điều 8 khoản 2" in sentence
    assert held(row, "1990-01-01", 202608) == {"start_before_rule": 810_000}
    assert held(row, "1990-01-01", 202609) == {"start_before_rule": 810_000}
    assert held(row, "1990-01-01", 202610) == {}
    assert total(row, "1990-01-01", 202610) == 810_000
    old = case("K6", start_month=202601, decision_date=date(2026, 3, 1), certificate_date=None)
    assert "NĐ 20/2021/NĐ-CP Điều 8 khoản 1 điểm đ" in (start_month_finding(old, BIRTH) or "")


def test_a_later_start_is_as_the_decision_writes_it():
    row = case("K6", start_month=202612, decision_date=date(2026, 10, 28))
    assert start_month_finding(row, BIRTH) is None
    assert [total(row, "1990-01-01", m) for m in (202611, 202612)] == [0, 810_000]


def test_a_move_may_start_before_its_decision():
    row = case("K6", start_month=202610, decision_date=date(2026, 12, 20), decision_kind="move_in")
    assert start_month_finding(row, BIRTH) is None
    assert held(row, "1990-01-01", 202610) == {}


def test_the_month_of_death_is_the_last_one_due():
    dead = with_end(case("K6"), date(2026, 11, 30), "death")
    assert last_month(dead) == 202611
    assert [total(dead, "1990-01-01", m) for m in (202611, 202612)] == [810_000, 0]


def test_an_end_written_earlier_than_the_rule_is_held_a_later_one_is_cut():
    early = case("K6", status="stopped", end_month=202610, end_date=date(2026, 11, 3))
    assert total(early, "1990-01-01", 202610) == 810_000
    assert held(early, "1990-01-01", 202611) == {"end_before_rule": 810_000}
    assert due(early, "1990-01-01", 202612).at_most_vnd == 0
    late = case("K6", status="stopped", end_month=202612, end_date=date(2026, 11, 3))
    assert [total(late, "1990-01-01", m) for m in (202611, 202612)] == [810_000, 0]


def test_household_status_counts_in_the_months_it_touches():
    row = case("K5a", household_from=date(2026, 3, 20), household_to=date(2026, 11, 10))
    amounts = [total(row, "1960-01-01", m, OCTOBER) for m in (202602, 202603, 202611, 202612)]
    assert amounts == [0, 750_000, 750_000, 0]
    assert [r.code for r in due(row, "1960-01-01", 202612).reasons] == ["household"]
    assert total(row, "1960-01-01", 202611, DECEMBER) == 810_000


def test_near_poor_pensioner_of_70_stops_a_month_after_leaving_the_list_until_75():
    row = case("SP", household="near_poor", household_to=date(2026, 10, 31))
    amounts = [total(row, "1952-01-05", m) for m in (202610, 202611, 202612, 202701)]
    assert amounts == [540_000, 0, 0, 540_000]  # 75 in January 2027: no household condition


def test_ages_change_in_the_month_and_stop_after_it():
    orphan = case("K1")
    months = (202610, 202611, 202612)
    assert [total(orphan, "2010-11-30", m) for m in months] == [810_000, 810_000, 0]
    disabled = case("K6")
    assert [total(disabled, "2010-11-01", m) for m in months] == [1_080_000, 810_000, 810_000]
    assert [total(disabled, "1966-11-30", m) for m in months] == [810_000, 1_080_000, 1_080_000]


def test_leap_day_births_reach_their_age_in_february():
    orphan = case("K1", start_month=202402, decision_date=date(2024, 2, 29))
    rows = [total(orphan, "2024-02-29", m) for m in (202801, 202802)]
    assert rows == [1_350_000, 810_000]
    assert [total(orphan, "2023-02-28", m) for m in (202701, 202702)] == [1_350_000, 810_000]


def test_a_child_is_nothing_before_its_birth_and_something_in_its_month():
    row = case("K1", start_month=202610, decision_date=date(2026, 10, 20))
    assert [total(row, "2026-11-10", m) for m in (202610, 202611)] == [0, 1_350_000]
