"""Amounts and days as tables write them; nothing is guessed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from bank_adapters.refusals import MOST_VND
from bank_adapters.sheets.reading import Number

_PLAIN = re.compile(r"[0-9]{1,16}")
_GROUPED = re.compile(r"[0-9]{1,3}((\.[0-9]{3})+|(,[0-9]{3})+)")
_DAY = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})")
_EPOCH = date(1899, 12, 30)
"""Day 0 of a workbook's dates (1900 system, days after February 1900)."""


def whole_dong(value: str) -> int | None:
    """Return đồng of a cell; None where it is no whole amount above 0.

    A number is read as a number (540000, 5.4E5); a text as plain digits or with thousands grouped
    by one kind of mark (1.050.000 or 1,050,000).
    """
    text = value.strip()
    if isinstance(value, Number):
        try:
            number = Decimal(text)
        except InvalidOperation:
            return None
        if not number.is_finite() or number != number.to_integral_value() or number > MOST_VND:
            return None
        amount = int(number)
    elif _PLAIN.fullmatch(text):
        amount = int(text)
    elif _GROUPED.fullmatch(text):
        amount = int(text.replace(".", "").replace(",", ""))
    else:
        return None
    return amount if 0 < amount <= MOST_VND else None


def a_day(value: str) -> date | None:
    """Return the day of a cell: dd/mm/yyyy, yyyy-mm-dd, or a workbook's number; None otherwise."""
    text = value.strip()
    try:
        if isinstance(value, Number):
            serial = Decimal(text)
            if not 36_526 <= serial < 73_050 or serial != serial.to_integral_value():
                return None  # before 2000, after 2099, or with an hour
            return _EPOCH + timedelta(days=int(serial))
        match = _DAY.fullmatch(text)
        if match:
            return date(int(match[3]), int(match[2]), int(match[1]))
        return date.fromisoformat(text)
    except (ValueError, InvalidOperation):
        return None
