"""The fields of MT940 and MT942 lines: what a line says, or None where it cannot be read one way.

Source: SWIFT Standards MT, category 9, field definitions 60a, 61, 62a, 86, 90a; the words for
references in :61: and :86: are those of the German, Dutch and Polish banks' published formats.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

ENTRY = re.compile(
    r"\s*(?P<digits>\d{6,16})\s*(?P<entry>\d{4})?\s*(?P<mark>RC|RD|EC|ED|C|D|rc|rd|c|d)\s?"
    r"(?P<funds>[A-Z])?\s*(?P<amount>[0-9,][0-9.,]*)(?![0-9.,eE'_+-])\s*(?P<rest>.*)\Z"
)
BALANCE = re.compile(
    r"(?P<mark>R?[CD])\s*(?P<day>\d{8}|\d{6}|\s{6})?\s*(?P<currency>[A-Z]{3})(?:(?<=EUR)O)?\s*"
    r"(?P<amount>[0-9,][0-9.,]*)\s*\Z"
)
"""The word EURO in place of its code is read as the code."""
BARE_BALANCE = re.compile(r"(?P<mark>[CD])(?P<day>\d{6})(?P<amount>\d{1,12},\d{0,3})\s*\Z")
"""A balance without its currency: old files leave it out after the first."""
TOTAL = re.compile(r"\s*(?P<count>\d{0,5})\s*(?P<currency>[A-Z]{3})\s*(?P<amount>[0-9.,]+)\s*\Z")
"""The count is left out by some banks."""
FLOOR = re.compile(r"(?P<currency>[A-Z]{3})")
NO_REFERENCE = frozenset(
    {"", ".", "NONREF", "NOTPROVIDED", "NOREF", "EREF", "EREF+", "KREF", "KREF+", "PREF", "MARF"}
)
"""What stands for "no reference", or for "the reference is in :86:"."""
LONGEST_NO_REFERENCE = max(map(len, NO_REFERENCE))
_TYPE = re.compile(r"(?!NONREF)(?:[NFS][A-Z0-9]{3}|[NFS][A-Z]{2} )")
_EREF = re.compile(r"(?:/?EREF[/+:] ?)(?P<id>[^/?+]{1,35}?)(?=[/?+]|(?:KREF|MREF|CRED|SVWZ)\+|\Z)")
_SUBFIELD = re.compile(r"\?(?:2\d|6[0-3])")


def decimal_text(words: str) -> str | None:
    """Return an amount with a decimal point, None where it can be read in two ways or none.

    SWIFT writes a comma and a digit before it; banks also write nothing before it, a point, no
    separator at all, or thousands.
    """
    commas, points = words.count(","), words.count(".")
    if commas == 1 and not points:
        whole, _, cents = words.partition(",")
        return _joined(whole or ("0" if cents else ""), cents)
    if points == 1 and not commas:
        whole, _, cents = words.partition(".")
        return _joined(whole, cents) if len(cents) != 3 else None
    if not commas and not points:
        return _joined(words, "")
    mark = "," if words.rfind(",") > words.rfind(".") else "."
    other = "." if mark == "," else ","
    whole, _, cents = words.rpartition(mark)
    groups = whole.split(other)
    if words.count(mark) != 1 or not groups[0] or any(len(g) != 3 for g in groups[1:]):
        return None
    return _joined("".join(groups), cents)


def _joined(whole: str, cents: str) -> str | None:
    if not whole.isdigit() or not (whole + cents).isascii() or (cents and not cents.isdigit()):
        return None
    whole = whole.lstrip("0") or "0"
    if len(whole) + len(cents) > 18:
        return None
    return f"{whole}.{cents}" if cents else whole


def value_day(digits: str) -> tuple[str | None, bool]:
    """Return the value date that a :61: begins with as ISO text, and whether it stands as written.

    The date is yymmdd or yyyymmdd; an entry date may follow. Banks that count thirty days a month
    value at 29 or 30 February: that is the last day of February. None where there is no such day.
    """
    long = len(digits) in {8, 12, 16} and digits[:2] in {"19", "20"}
    if not long and len(digits) not in {6, 10}:
        return None, False
    body = digits[:8] if long else f"20{digits[:6]}"
    year, month, day = int(body[:4]), int(body[4:6]), int(body[6:8])
    as_written = True
    if month == 2 and day in {29, 30} and year:
        last = 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
        as_written, day = day <= last, min(day, last)
    try:
        return date(year, month, day).isoformat(), as_written
    except ValueError:
        return None, False


def booked_on(value: str, digits: str, entry: str | None) -> str:
    """Return the day of booking: the entry date mmdd, in the year nearest to the value date."""
    mmdd = entry or (digits[-4:] if len(digits) in {10, 12} else "")
    if not mmdd:
        return value
    on = date.fromisoformat(value)
    near = []
    for year in (on.year - 1, on.year, on.year + 1):
        try:
            near.append(date(year, int(mmdd[:2]), int(mmdd[2:])))
        except ValueError:
            continue
    return min(near, key=lambda day: abs(day - on)).isoformat() if near else value


@lru_cache(maxsize=4096)
def type_length(start: str) -> int:
    """Return how long the type of transaction is that ends a :61:, by the text's first six letters.

    Behind it stand the customer's reference, `//`, and the bank's. 0 where there is no type.
    """
    kind = _TYPE.match(start)
    return kind.end() if kind else 0


def reference_in(words: str) -> str | None:
    """Return the end-to-end reference that an :86: names, None where it names none."""
    if "EREF" not in words:
        return None
    found = _EREF.search(_SUBFIELD.sub("", words))
    return found["id"].strip() if found else None
