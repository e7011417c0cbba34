"""What must hold for every register: drawn cases, births, months, states of the law."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from disbursement.entitlements.facts import Birth
from disbursement.entitlements.profiles import Profiler
from disbursement.entitlements.rules import Law, assess
from disbursement.platform.clock import add_months, months_between
from disbursement.programmes.open_points import Settings
from tests.entitlements.cases import COMPLETE, DECEMBER, ND335, RATES, case

days = st.dates(date(2021, 7, 1), date(2026, 12, 31))
maybe = {
    "household": st.sampled_from([None, "poor", "near_poor", "none"]),
    "carer": st.sampled_from([None, "no_obliged", "obliged_on_allowance", "taken_in", "has_carer"]),
    "income": st.sampled_from([None, "none", "wage", "lower_than_sp", "not_lower"]),
    "degree": st.sampled_from([None, "S", "ES"]),
    "children": st.sampled_from([None, 0, 1, 2, 7]),
    "studying": st.sampled_from([None, True, False]),
    "on_k1_at_16": st.sampled_from([None, True, False]),
    "difficult_area": st.sampled_from([None, True, False]),
    "written_request": st.sampled_from([None, True, False]),
    "in_facility": st.booleans(),
    "merit_allowance": st.booleans(),
    "province": st.sampled_from(["25", "01", "08", "31"]),
    "decision_kind": st.sampled_from(["grant", "change", "move_in"]),
}


@st.composite
def cases(draw):
    clause = draw(st.sampled_from(sorted(COMPLETE)))
    signed = draw(days)
    start = add_months(signed.year * 100 + signed.month, draw(st.integers(-4, 4)))
    facts = {k: draw(v) for k, v in maybe.items() if draw(st.integers(0, 3)) == 0}
    ended = draw(st.none() | days)
    household_to = draw(st.none() | days)
    return case(
        clause,
        **{**facts, "decision_date": signed, "start_month": start},
        end_date=ended,
        end_month=draw(st.none() | st.just(202610)),
        household_to=household_to,
    )


births = st.one_of(
    st.dates(date(1935, 1, 1), date(2026, 12, 31)).map(Birth.on),
    st.integers(1935, 2026).map(Birth.in_year),
)
laws = st.builds(
    Law,
    law_on=st.sampled_from([date(2025, 8, 1), date(2026, 9, 24), date(2026, 10, 23)]),
    rates=st.just(RATES),
    undecided=st.sampled_from([frozenset(), frozenset({ND335.code})]),
    settings=st.builds(
        Settings,
        left_before_rise=st.sampled_from(["hold", "old_level", "rerate"]),
        sp_with_lower_pension=st.sampled_from(["hold", "full"]),
        merit_with_sa=st.sampled_from(["hold", "both"]),
        facility_resident=st.sampled_from(["hold", "none"]),
    ),
)
people = st.lists(cases(), min_size=1, max_size=3)
FIRST, LAST = 202601, 202703


@settings(max_examples=150, deadline=None)
@given(people, births, laws)
def test_amounts_are_whole_consistent_and_never_negative(rows, birth, law):
    for span in Profiler(FIRST, LAST).spans(rows, birth):
        for month in months_between(span.from_month, span.to_month):
            d = assess(span.facts, month, law)
            assert type(d.total_vnd) is int
            assert d.total_vnd == sum(line.amount_vnd for line in d.lines) >= 0
            assert d.at_most_vnd is None or d.at_most_vnd >= d.total_vnd
            assert all(h.amount_vnd is None or h.amount_vnd >= 0 for h in d.held)
            assert (d.at_most_vnd == d.total_vnd) or d.held
            for line in d.lines:
                assert line.amount_vnd == line.coefficient * line.count * line.base_vnd
                assert line.citation
            assert len({line.programme for line in d.lines}) <= 1


@settings(max_examples=150, deadline=None)
@given(people, births, laws)
def test_only_the_highest_counts_or_k4_beside_one_other(rows, birth, law):
    for span in Profiler(202611, 202611).spans(rows, birth):
        lines = assess(span.facts, 202611, law).lines
        clauses = [line.clause for line in lines]
        assert len(clauses) <= 1 or (
            len(clauses) == 2 and clauses[0] == "K4" and clauses[1] in {"K5a", "K5b", "K6", "K8"}
        )


@settings(max_examples=80, deadline=None)
@given(people, births)
def test_one_more_row_never_lowers_the_total(rows, birth):
    """Without K1, which a K2 row may contradict (then both wait for a person)."""
    rows = [r for r in rows if r.clause not in {"K1", "K2"}]
    for month in (202606, 202611):
        profiler = Profiler(month, month)
        totals = [
            assess(profiler.spans(rows[:n], birth)[0].facts, month, DECEMBER)
            for n in range(len(rows) + 1)
        ]
        for less, more in itertools.pairwise(totals):
            assert (
                less.at_most_vnd is None
                or more.at_most_vnd is None
                or (less.at_most_vnd <= more.at_most_vnd)
            )


@settings(max_examples=80, deadline=None)
@given(people, births, st.integers(1, 400))
def test_amounts_grow_with_the_base(rows, birth, thousands):
    higher = replace(
        RATES,
        bases=tuple(replace(b, amount_vnd=b.amount_vnd + 1000 * thousands) for b in RATES.bases),
    )
    law = replace(DECEMBER, rates=higher)
    for span in Profiler(202611, 202611).spans(rows, birth):
        now, then = assess(span.facts, 202611, DECEMBER), assess(span.facts, 202611, law)
        assert then.total_vnd >= now.total_vnd
        assert (then.total_vnd > now.total_vnd) == (now.total_vnd > 0)


@settings(max_examples=100, deadline=None)
@given(people, births)
def test_a_long_range_and_single_months_say_the_same(rows, birth):
    long = Profiler(FIRST, LAST).spans(rows, birth)
    assert long[0].from_month == FIRST
    assert long[-1].to_month == LAST
    for span, after in itertools.pairwise(long):
        assert after.from_month == add_months(span.to_month, 1)
        assert after.key != span.key
    for span in long:
        for month in (span.from_month, span.to_month):
            (alone,) = Profiler(month, month).spans(rows, birth)
            for law in (DECEMBER, DECEMBER.before(ND335)):
                assert assess(alone.facts, month, law) == assess(span.facts, month, law)


@settings(max_examples=100, deadline=None)
@given(people, st.integers(1935, 2026), laws)
def test_a_year_of_birth_never_pays_what_a_month_of_it_would_not(rows, year, law):
    month = 202611
    rows = [r for r in rows if r.clause not in {"K5b20", "K5c", "K2"}]  # start or right by birth
    (vague,) = Profiler(month, month).spans(rows, Birth.in_year(year))
    paid = assess(vague.facts, month, law).total_vnd
    exact = set()
    for m in range(1, 13):
        (span,) = Profiler(month, month).spans(rows, Birth.in_month(year * 100 + m))
        exact.add(assess(span.facts, month, law).total_vnd)
    assert paid == 0 or exact == {paid}


def test_every_base_times_every_coefficient_is_whole():
    checked = 0
    for base in RATES.bases:
        for rate in RATES.rates:
            if rate.base_code == base.code and rate.coefficient is not None:
                assert Fraction(base.amount_vnd) * rate.coefficient % 1 == 0
                checked += 1
    assert checked > 300
