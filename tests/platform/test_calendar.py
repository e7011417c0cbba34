from __future__ import annotations

from datetime import date

import pytest

from disbursement.platform import calendar


@pytest.mark.parametrize(
    ("month", "closed", "reported"),
    [
        (202610, date(2026, 9, 24), date(2026, 10, 19)),
        (202611, date(2026, 10, 23), date(2026, 11, 19)),
        (202612, date(2026, 11, 23), date(2026, 12, 18)),
    ],
)
def test_the_three_months_of_the_law(month: int, closed: date, reported: date) -> None:
    assert calendar.list_day(month) == closed
    assert calendar.report_day(month) == reported


def test_culture_day_is_a_holiday_unless_the_table_says_otherwise() -> None:
    """24 November is a public holiday since 2026; an override makes it the list's day again."""
    worked = {date(2026, 11, 24): True}
    assert calendar.list_day(202612, worked) == date(2026, 11, 24)


def test_cash_ends_two_working_days_before_the_report() -> None:
    assert calendar.cash_last_day(202611) == date(2026, 11, 17)
    assert calendar.cash_last_day(202612) == date(2026, 12, 16)


def test_repairs_end_five_working_days_after_the_pay_day() -> None:
    assert calendar.cut_off(date(2026, 11, 5)) == date(2026, 11, 12)


def test_a_public_holiday_is_not_worked_unless_moved() -> None:
    assert not calendar.working(date(2026, 9, 2))
    assert calendar.working(date(2026, 9, 2), {date(2026, 9, 2): True})
    assert not calendar.working(date(2026, 10, 6), {date(2026, 10, 6): False})
