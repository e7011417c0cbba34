"""What a second reading of the rules found: each disagreement once, with its exact amount."""

from __future__ import annotations

from tests.entitlements.asking import answer, case, event, months, person, sums

MARCH = {"run_month": "2027-03", "known_on": "2027-02-20"}
AN = person()
CHILD = person("be", "2020-04-10")
ELDER = person("ba", "1946-06-13")


def granted(day: str) -> dict[str, str]:
    return {"date": day}


def test_a_right_granted_after_prison_is_paid():
    """NĐ 335/2026 Art. 9.2 stops the allowance there was, Art. 8.2 starts the one granted since."""
    new = case("K6", degree="S", decision=granted("2027-01-12"))
    found = answer(new, months="2027-02", events=[event("prison", "2026-05-21")], **MARCH)
    assert sums(found) == (810_000, 0, 0)


def test_prison_after_the_grant_stops_it_in_the_next_month():
    old = case("K6", degree="S", decision=granted("2023-01-12"))
    found = answer(
        old, months=["2027-01", "2027-02"], events=[event("prison", "2027-01-21")], **MARCH
    )
    assert sums(found) == (810_000, 0, 0)


def test_a_move_before_the_grant_starts_nothing_early():
    later = case("K6", degree="S", since="2027-03", province="31")
    moved = [event("move_out", "2026-03-14"), event("move_in", "2026-03-20", province="25")]
    found = answer(later, months=months("2026-07", "2027-03"), events=moved, **MARCH)
    assert sums(found) == (810_000, 0, 0)


def test_a_move_after_a_stop_keeps_nothing_alive():
    k6 = case("K6", degree="ES", province="25")
    events = [
        event("move_out", "2026-06-02", from_month="2026-08"),
        event("renounced", "2026-06-29"),
    ]
    run = {"run_month": "2026-08", "known_on": "2026-08-03"}
    assert sums(answer(k6, months=["2026-06", "2026-07"], events=events, **run)) == (
        1_000_000,
        0,
        0,
    )


def test_who_moved_in_november_was_on_the_roll_when_the_rise_came():
    """No month of the rise is held: 4 × 1.5 × 540,000, then 1.5 × 650,000 in Hà Nội."""
    k6 = case("K6", degree="S", province="25")
    events = [
        event("move_out", "2026-09-02", from_month="2026-11"),
        event("move_in", "2026-09-30", province="01"),
    ]
    found = answer(k6, months=months("2026-07", "2026-11"), events=events, **MARCH)
    assert sums(found) == (4 * 810_000 + 975_000, 0, 0)


def test_a_household_that_leaves_poverty_does_not_end_a_pension_of_80():
    sp = case("SP", since="2026-06", income="none", written_request=True)
    found = answer(
        sp,
        months="2026-08",
        born="1946-03-23",
        household={"status": "poor", "to": "2026-09-24"},
        **MARCH,
    )
    assert sums(found) == (540_000, 0, 0)


def test_a_student_who_was_16_before_the_grant_does_not_count_for_ever():
    """NĐ 335/2026 Art. 5.4: a child goes on counting where it was received for at 16."""
    k4 = case("K4", since="2027-02", household="poor", children=["be"], studying_children=["be"])
    people = [AN, person("be", "2011-01-27")]
    found = answer(k4, months=["2027-02", "2027-03"], people=people, **MARCH)
    assert sums(found) == (0, 0, 0)


def test_a_stop_for_death_of_who_is_cared_for_ends_the_support():
    care = case("C17.2c", cared_for="ba", degree="ES")
    for gone in (
        event("stop", "2026-12-07", person="ba", cause="death"),
        event("death", "2026-12-07", person="ba"),
    ):
        found = answer(
            care, months=["2026-12", "2027-01"], people=[AN, ELDER], events=[gone], **MARCH
        )
        assert sums(found) == (540_000, 0, 0)


def test_a_false_file_of_who_is_cared_for_ends_the_support():
    k6 = case("K6", "ba", degree="ES")
    care = case("C17.2d", cared_for="ba")
    false = event("false_file", "2026-12-22", person="ba")
    found = answer(
        k6, care, months=["2026-12", "2027-01"], people=[AN, ELDER], events=[false], **MARCH
    )
    assert sums(found) == (2_160_000, 0, 0)


def test_nobody_is_cared_for_before_birth():
    care = case("C17.1", cared_for="be", care_of="K1", since="2019-12")
    found = answer(
        care, months=["2023-03", "2023-04"], people=[AN, person("be", "2023-04-10")], **MARCH
    )
    assert sums(found) == (900_000, 0, 0)


def test_the_carer_of_an_elder_who_is_not_poor_gets_nothing():
    k5b = case("K5b", "ba", household="near_poor", carer="taken_in")
    care = case("C17.1", cared_for="ba")
    found = answer(k5b, care, months="2027-02", people=[AN, ELDER], **MARCH)
    assert sums(found) == (0, 0, 0)


def test_the_rise_of_a_carer_waits_for_the_decision_and_reaches_who_is_granted_since():
    """NĐ 335/2026 Art. 32.4: 1.0 × 500,000 is due and 40,000 waits; a new grant has 540,000."""
    missing = {"rerating_decision": "missing"}
    for since, wanted in (("2023-02", (500_000, 0, 40_000)), ("2026-11", (540_000, 0, 0))):
        care = case("C17.2c", cared_for="ba", degree="ES", since=since)
        found = answer(care, months="2027-02", people=[AN, ELDER], settings=missing, **MARCH)
        assert sums(found) == wanted


def test_support_that_ended_by_age_before_the_rise_has_it_held():
    care = case("C17.1", cared_for="be", care_of="K1")
    found = answer(
        care, months=["2026-07", "2026-08", "2026-09"],
        people=[AN, person("be", "2010-08-05")], **MARCH,
    )  # fmt: skip
    assert sums(found) == (1_500_000, 0, 120_000)


def test_a_new_grant_after_the_rise_does_not_undo_that_the_person_had_left():
    left = case("K6", degree="S", id="k6")
    new = case("K8", household="poor", income="none", decision=granted("2026-10-26"), id="k8")
    gone = event("renounced", "2026-08-30")
    found = answer(left, new, months=["2026-07", "2026-10"], events=[gone], **MARCH)
    assert sums(found) == (750_000 + 810_000, 0, 60_000)
