"""The one clock. Nothing else in the product asks the machine for the time.

Days and months are those of Asia/Ho_Chi_Minh (UTC+7, no summer time since 1975).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

YEARS = (2000, 2100)
"""No month, act or clock outside these years is meant as it is written."""
ICT = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """Passed in wherever time matters."""

    def now(self) -> datetime:
        """Return the instant, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the instant, in UTC."""
        return datetime.now(UTC)


class SetClock:
    """A clock that somebody sets: `--today`, the demo, tests. It moves a second at each call.

    The step keeps the order of events visible in stored instants.
    """

    def __init__(self, day: date, hour: int = 8) -> None:
        self.set(day, hour)

    def set(self, day: date, hour: int = 8) -> None:
        """Move to `hour` o'clock (Asia/Ho_Chi_Minh) of that day."""
        self._now = datetime(day.year, day.month, day.day, hour, tzinfo=ICT).astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant, in UTC."""
        self._now += timedelta(seconds=1)
        return self._now


def today(clock: Clock) -> date:
    """Return the day in Asia/Ho_Chi_Minh."""
    return clock.now().astimezone(ICT).date()


def stamp(clock: Clock) -> str:
    """Return the instant as ISO 8601 text in UTC, to the microsecond (sorts as text)."""
    return clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def month_of(day: date) -> int:
    """Return the month of a day as yyyymm."""
    return day.year * 100 + day.month


def add_months(month: int, n: int) -> int:
    """Return yyyymm moved by n months."""
    index = month // 100 * 12 + month % 100 - 1 + n
    return index // 12 * 100 + index % 12 + 1


def months_between(first: int, last: int) -> list[int]:
    """Return all months from first to last, both included."""
    out = []
    while first <= last:
        out.append(first)
        first = add_months(first, 1)
    return out


def parse_month(text: str) -> int:
    """Read `2026-11` or `202611` as 202611. Raises ValueError with the expected form."""
    found = re.fullmatch(r"([0-9]{4})-?([0-9]{2})", text)
    if found and 1 <= int(found[2]) <= 12:
        return int(found[1]) * 100 + int(found[2])
    raise ValueError(f"tháng phải viết dạng 2026-11, không phải '{text}'")


def show_month(month: int) -> str:
    """Write 202611 as `11/2026`, the way Vietnamese papers do."""
    return f"{month % 100:02d}/{month // 100}"
