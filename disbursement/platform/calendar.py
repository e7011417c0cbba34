"""The month's calendar: when a list is closed, when money may be cash, when the provider reports.

Sources: NĐ 335/2026 Art. 28, NĐ 176/2025 Art. 6.2, TT 44/2022 Art. 8 (draw before day 25 of the
month before; the provider's report before day 20). Working days: Monday to Friday without the
public holidays of Vietnam, which `overrides` corrects where the Government moves one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import holidays

from disbursement.platform.clock import add_months

NO_OVERRIDES: Mapping[date, bool] = {}


def working(day: date, overrides: Mapping[date, bool] = NO_OVERRIDES) -> bool:
    """Tell whether a day is worked; `overrides` (day -> worked) wins over the calendar."""
    if day in overrides:
        return overrides[day]
    return day.weekday() < 5 and day not in holidays.country_holidays("VN", years=day.year)


def back(day: date, n: int = 0, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the day if it is worked, else the last worked day before it; then n worked days back.

    `back(day, 2)` is two working days before the first such day.
    """
    while not working(day, overrides):
        day -= timedelta(days=1)
    for _ in range(n):
        day -= timedelta(days=1)
        while not working(day, overrides):
            day -= timedelta(days=1)
    return day


def forward(day: date, n: int, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the n-th working day after a day."""
    for _ in range(n):
        day += timedelta(days=1)
        while not working(day, overrides):
            day += timedelta(days=1)
    return day


def list_day(month: int, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the last day on which the list of a pay month (yyyymm) is closed and drawn."""
    before = add_months(month, -1)
    return back(date(before // 100, before % 100, 24), 0, overrides)


def report_day(month: int, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the last day for the provider's report of a pay month (before day 20)."""
    return back(date(month // 100, month % 100, 19), 0, overrides)


def cash_last_day(month: int, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the last day on which cash is handed over: two working days before the report."""
    return back(report_day(month, overrides), 2, overrides)


def cut_off(pay_day: date, days: int = 5, overrides: Mapping[date, bool] = NO_OVERRIDES) -> date:
    """Return the last day of electronic repairs: `days` working days after the pay day."""
    return forward(pay_day, days, overrides)
