"""Spans: few, without gaps, the same for one person and for all."""

from __future__ import annotations

from datetime import date

import pytest

from disbursement.entitlements.profiles import Profiler, spans
from disbursement.entitlements.rules import assess
from disbursement.platform.clock import add_months
from disbursement.platform.errors import RefusedError
from disbursement.programmes.rates import CLAUSE_AGES
from tests.entitlements.cases import DECEMBER, RATES, born, case


def cut(rows, birth, first, last):
    return [(s.from_month, s.to_month) for s in spans(rows, born(birth), first, last)]


def test_a_settled_case_is_one_span():
    assert cut([case("K6")], "1990-05-05", 202601, 203012) == [(202601, 203012)]


def test_an_age_cuts_at_its_month_and_after_it():
    assert cut([case("K7")], "2023-12-12", 202607, 202703) == [
        (202607, 202611),
        (202612, 202612),
        (202701, 202703),
    ]


def test_an_age_of_another_clause_does_not_cut():
    assert cut([case("K6")], "2004-08-01", 202607, 202612) == [(202607, 202612)]  # 22


def test_start_end_household_and_suspension_cut():
    rows = [case("K5a", start_month=202608, household_to=date(2026, 11, 30))]
    assert cut(rows, "1960-01-01", 202607, 202701) == [
        (202607, 202607),
        (202608, 202611),
        (202612, 202701),
    ]
    rows = [case("K6", status="suspended", suspended_from=202610)]
    assert cut(rows, "1990-01-01", 202609, 202611) == [(202609, 202609), (202610, 202611)]


def test_people_with_equal_facts_share_a_key_whatever_their_dates():
    first = spans([case("K6", start_month=202301)], born("1990-05-05"), 202607, 202611)
    second = spans(
        [case("K6", start_month=201905, decision_number="9", household="poor", children=3)],
        born("1971-01-31"),
        202607,
        202611,
    )
    assert [s.key for s in first] == [s.key for s in second]


def test_the_order_of_the_rows_does_not_matter():
    rows = [case("K4"), case("K6")]
    one = spans(rows, born("1990-01-01"), 202607, 202611)
    assert one == spans(rows[::-1], born("1990-01-01"), 202607, 202611)


@pytest.mark.parametrize(
    ("declared", "k1", "result"),
    [
        (None, None, None),
        (True, None, True),
        (None, {}, True),
        (True, {}, True),
        (False, {}, None),  # the register contradicts the declaration: hold
        (None, {"status": "stopped", "end_month": 202512}, False),
        (True, {"status": "stopped", "end_month": 202512}, None),
        (None, {"start_month": 202606}, False),
    ],
)
def test_continuity_from_k1_comes_from_the_register(declared, k1, result):
    rows = [case("K2", on_k1_at_16=declared, start_month=202605)]
    if k1 is not None:
        rows.append(case("K1", **k1))
    (span,) = spans(rows, born("2010-05-20"), 202607, 202607)
    (k2,) = [r for r in span.facts.rights if r.clause == "K2"]
    assert k2.on_k1_at_16 is result


def test_a_year_of_birth_keeps_every_possibility():
    (span,) = spans([case("K5a")], born("1951"), 202611, 202611)
    assert span.facts.ages == ((60, 60), (75, 60), (75, 75))
    (span,) = spans([case("K6")], born("1951"), 202611, 202611)
    assert span.facts.ages == ((60, 60),)


def test_an_empty_range_is_refused():
    with pytest.raises(RefusedError, match="202612"):
        Profiler(202612, 202611)


def test_a_small_memory_changes_nothing(monkeypatch):
    people = [
        ([case(c)], born(f"{y}-06-15")) for c in ("K1", "K6", "SP") for y in range(1940, 2026, 3)
    ]
    plain = Profiler(202607, 202612)
    expected = [plain.spans(*p) for p in people]
    monkeypatch.setattr("disbursement.entitlements.profiles._MEMORY", 2)
    tight = Profiler(202607, 202612)
    assert [tight.spans(*p) for p in people] == expected


def test_every_age_of_the_tables_is_an_age_that_cuts():
    ages = {(r.clause, a) for r in RATES.rates if r.clause for a in (r.age_from, r.age_to) if a}
    assert ages
    assert ages <= {(c, a) for c, known in CLAUSE_AGES.items() for a in known}


def test_a_long_range_says_the_same_as_single_months():
    rows = [case("K1", studying=True), case("K6", end_date=date(2027, 3, 3))]
    month = 202601
    for span in spans(rows, born("2011-04-20"), 202601, 202812):
        while month <= span.to_month:
            (alone,) = spans(rows, born("2011-04-20"), month, month)
            assert assess(alone.facts, month, DECEMBER) == assess(span.facts, month, DECEMBER)
            month = add_months(month, 1)
    assert month == 202901
