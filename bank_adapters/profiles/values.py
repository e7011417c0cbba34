"""Reading single values of a profile file: each says in Vietnamese what is wrong with it.

Every reader takes what YAML gave and returns the value, or raises ValueError or TypeError; the
loader adds the file and the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from typing import Any

from bank_adapters.contract import AdapterError


class ProfileError(AdapterError):
    """A profile is missing, incomplete or contradicts itself: mend the file."""

    action = "fix"


def bad(where: str, name: str, why: str) -> ProfileError:
    """Return the refusal of one field of a profile file."""
    return ProfileError(
        "profile_invalid",
        f"Bộ tham số {where}, mục {name}: {why}. Hãy sửa tệp này.",
        en=f"profile {where}, field {name}: {why}",
    )


def a_text(value: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("phải là chữ, không để trống")
    return value.strip()


def positive(value: Any) -> int:
    """Read a whole number from 1."""
    if type(value) is not int or value < 1:
        raise ValueError("phải là số nguyên từ 1")
    return value


def yes_no(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError("phải là true hoặc false")
    return value


def a_day(value: Any) -> date:
    """Read a date."""
    if type(value) is not date:
        raise TypeError("phải là ngày dạng 2026-10-01")
    return value


def a_day_or_none(value: Any) -> date | None:
    """Read a date, or nothing for a time without end."""
    return None if value is None else a_day(value)


def clock(value: Any) -> time:
    """Read an hour such as "15:30"."""
    if not isinstance(value, str) or not re.fullmatch(r"\d\d:\d\d", value):
        raise ValueError('phải là giờ dạng "15:30" trong dấu nháy')
    return time.fromisoformat(value)


def one_of(*allowed: str) -> Callable[[Any], str]:
    """Return a reader of one of these words."""

    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"phải là một trong: {', '.join(allowed)}")
        return str(value)

    return read


def codes(pattern: str) -> Callable[[Any], tuple[str, ...]]:
    """Return a reader of a list of codes of this form."""

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise TypeError("phải là danh sách, ít nhất một mã")
        for item in value:
            if not isinstance(item, str) or not re.fullmatch(pattern, item):
                raise ValueError(f"mã {item!r} không đúng dạng")
        return tuple(value)

    return read


def file_pattern(value: Any) -> str:
    """Read the pattern of a file name."""
    text = a_text(value)
    try:
        name = text.format(message_id="M1", lot=1)
    except (KeyError, IndexError, ValueError):
        raise ValueError("chỉ dùng {message_id} và {lot}") from None
    if "{message_id}" not in text or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError("phải có {message_id} và chỉ gồm A-Z a-z 0-9 . _ -")
    return text
