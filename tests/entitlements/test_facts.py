"""Reading and writing cases and facts; what a row may not say."""

from __future__ import annotations

from datetime import date

import pytest

from disbursement.entitlements.facts import (
    START_RULE_335,
    Birth,
    MonthFacts,
    canonical_clause,
    case_from_json,
    case_json,
    facts_from_json,
    facts_json,
    profile_key,
)
from disbursement.entitlements.profiles import spans
from disbursement.platform.errors import RefusedError
from tests.entitlements.cases import COMPLETE, ND335, born, case


@pytest.mark.parametrize("clause", sorted(COMPLETE))
def test_a_case_survives_its_json(clause):
    row = case(clause, household_from=date(2026, 1, 1), end_date=date(2026, 11, 3))
    text = case_json(row)
    assert case_from_json(text) == row
    assert case_json(case_from_json(text)) == text
    assert "null" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"hair":"red"}', "hair"),
        ('{"carer":"cat"}', "carer = 'cat'"),
        ('{"end_date":"31/12/2026"}', "end_date"),
    ],
)
def test_a_wrong_stored_case_is_refused_by_name(text, said):
    with pytest.raises(RefusedError, match=said):
        case_from_json(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"programme": "SP"}, "không thuộc chương trình"),
        ({"clause": "SP"}, "không thuộc chương trình"),
        ({"clause": "K9"}, "K9"),
        ({"start_month": 202613}, "202613"),
        ({"start_month": 2026}, "2026"),
        ({"status": "stopped"}, "thôi hưởng"),
        ({"status": "suspended"}, "tạm dừng"),
        ({"suspended_from": 202611}, "tạm dừng"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes, said):
    row = case("K6")
    values = {f: getattr(row, f) for f in row.__slots__}
    with pytest.raises(RefusedError, match=said):
        type(row)(**{**values, **changes})


@pytest.mark.parametrize(
    ("text", "clause"),
    [("K5A", "K5a"), ("5.5.a", "K5a"), (" k5d ", "K5b"), ("6", "K6"), ("sp", "SP"), ("K5b", "K5b")],
)
def test_clauses_as_registers_write_them(text, clause):
    assert canonical_clause(text) == clause


def test_an_unknown_clause_is_refused_with_the_choices():
    with pytest.raises(RefusedError, match="K5a"):
        canonical_clause("K9")


def test_births():
    assert born("1951-12-31") == Birth.in_month(195112) == Birth(195112, 195112)
    assert born("1951") == Birth(195101, 195112)
    assert Birth.between(date(1951, 3, 2), date(1951, 4, 1)) == Birth(195103, 195104)


def test_facts_survive_their_json_and_hold_nothing_personal():
    rows = [
        case("K4", children=2, decision_number="77/QĐ-UBND", decision_signer="Nguyễn Văn Mẫu"),
        case("K6", end_date=date(2026, 9, 3)),
    ]
    for span in spans(rows, born("1951"), 202607, 202612):
        text = facts_json(span.facts)
        assert facts_from_json(text) == span.facts
        assert profile_key(facts_from_json(text)) == span.key
        assert "QĐ" not in text
        assert "1951" not in text
        assert "Nguyễn" not in text
    with pytest.raises(RefusedError, match="phiên bản"):
        facts_from_json('{"v":2}')


def test_the_key_is_stable_over_machines_and_releases():
    (span,) = spans([case("K6")], born("1990"), 202611, 202611)
    assert facts_json(span.facts) == (
        '{"ages":[[16,16]],"rights":[{"clause":"K6","degree":"S","territory":"25"}],"v":1}'
    )
    assert span.key.hex()[:16] == profile_key(span.facts).hex()[:16]
    assert len(span.key) == 32
    assert span.key != profile_key(MonthFacts(span.facts.ages, ()))


def test_the_start_rule_changes_on_the_day_the_decree_comes_into_force():
    assert ND335.in_force_from == START_RULE_335
