"""The vocabulary of money: whole dong, never a float, decimal strings at the edges."""

from __future__ import annotations

import re
from typing import TypeAlias

__all__ = [
    "MAX_LINE",
    "MAX_TOTAL",
    "MoneyError",
    "Vnd",
    "format_vnd",
    "in_words_vi",
    "parse_vnd",
    "whole_vnd",
]

Vnd: TypeAlias = int

MAX_LINE: Vnd = 10**15  # a million billion dong: more than the state budget, still exact everywhere
MAX_TOTAL: Vnd = 9 * 10**18  # fits a signed 64-bit column

_WHOLE = re.compile(r"^-?(0|[1-9][0-9]{0,15})$", re.ASCII)
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES = ("", "nghìn", "triệu")


class MoneyError(ValueError):
    """A text is not an amount of whole dong."""

    code = "bad_amount"


def format_vnd(amount: Vnd) -> str:
    """Return the amount with Vietnamese thousands separators: 1050000 -> '1.050.000'."""
    return f"{whole_vnd(amount):,}".replace(",", ".")


def whole_vnd(value: object) -> Vnd:
    """Return `value` if it is an int within +-MAX_TOTAL; a bool or float is refused."""
    if type(value) is not int:
        raise MoneyError(f"an amount must be a whole number of dong, not {value!r}")
    if abs(value) > MAX_TOTAL:
        raise MoneyError(f"the amount {value} is beyond {MAX_TOTAL}")
    return value


def parse_vnd(text: str) -> Vnd:
    """Return the dong a decimal string names.

    Accepted: an optional minus sign and digits without leading zeros, at most MAX_LINE. Refused:
    decimals (also '.00'), exponents, separators, spaces, a plus sign, other scripts' digits; a
    bank file that writes such things is not guessed at (promises.md F21).
    Raises MoneyError.
    """
    if not _WHOLE.match(text) or text == "-0" or text.endswith("\n"):
        raise MoneyError(f"'{text[:40]}' is not a whole number of dong written in plain digits")
    amount = int(text)
    if abs(amount) > MAX_LINE:
        raise MoneyError(f"the amount {text} is beyond {MAX_LINE}")
    return amount


def _tens(tens: int, ones: int, *, lead: bool) -> list[str]:
    if tens == 0:
        if ones == 0:
            return []
        return ["lẻ", _DIGITS[ones]] if lead else [_DIGITS[ones]]
    words = ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    if ones == 5:
        words.append("lăm")
    elif ones == 1 and tens > 1:
        words.append("mốt")
    elif ones == 4 and tens > 1:
        words.append("tư")
    elif ones:
        words.append(_DIGITS[ones])
    return words


def _group(value: int, *, full: bool) -> list[str]:
    """Words of 1-999; `full` says the hundreds even where they are nil ('không trăm')."""
    hundreds, rest = divmod(value, 100)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or full else []
    return words + _tens(rest // 10, rest % 10, lead=bool(words))


def _below_billion(value: int, *, full: bool) -> list[str]:
    words: list[str] = []
    for power in (2, 1, 0):
        part = value // 1000**power % 1000
        if part == 0:
            continue
        words += _group(part, full=full or bool(words))
        if _SCALES[power]:
            words.append(_SCALES[power])
    return words


def in_words_vi(amount: Vnd) -> str:
    """Return the amount in Vietnamese words, as a payment document writes it, without 'đồng'.

    1_005_000 -> 'Một triệu không trăm lẻ năm nghìn'; the first letter is a capital.
    """
    value = whole_vnd(amount)
    sign, value = ("Âm ", -value) if value < 0 else ("", value)
    groups: list[int] = []
    rest = value
    while rest:
        rest, part = divmod(rest, 10**9)
        groups.insert(0, part)
    words: list[str] = []
    for place, part in enumerate(groups):
        words += _below_billion(part, full=bool(words)) if part else []
        if place < len(groups) - 1 and words:
            words.append("tỷ")
    said = " ".join(words) or _DIGITS[0]
    return sign + (said if sign else said[0].upper() + said[1:])
