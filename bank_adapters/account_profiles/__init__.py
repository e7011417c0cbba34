"""What a provider wants to know to open accounts in bulk: dated profiles, one YAML each.

A profile names the fields it asks for, so that a list holds them and nothing else (data
minimisation: Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15), and the provider's own words for
its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from bank_adapters.profiles import Confidence
from bank_adapters.profiles.shelf import ids_in, in_force, versions_of
from bank_adapters.profiles.values import (
    a_day,
    a_day_or_none,
    a_text,
    bad,
    one_of,
    positive,
)

ASKED = (
    "reference", "identity", "name", "birth", "sex", "commune_code", "commune_name", "payee_name",
    "payee_relation",
)  # fmt: skip
"""What a list may hold; `reference` is ours and must be on it, or no answer finds its person."""
ANSWERS = ("issued", "refused", "counter", "guardian")


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """A version of a profile: `asks` field -> header, `answers` the provider's word -> ours."""

    id: str
    version: int
    title: str
    valid_from: date
    valid_to: date | None
    asks: Mapping[str, str]
    answers: Mapping[str, str]
    confidence: Confidence
    source: str

    @property
    def key(self) -> str:
        """Id and version as a request keeps them."""
        return f"{self.id}/{self.version}"


def account_profile_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of all profiles present."""
    return ids_in(folder or Path(__file__).parent)


@lru_cache(maxsize=64)
def account_profile_on(profile_id: str, day: date, folder: Path | None = None) -> AccountProfile:
    """Return the version in force on a day. Raises ProfileError naming file and field."""
    return in_force(versions_of(folder or Path(__file__).parent, profile_id, from_mapping), day)


def from_mapping(data: Mapping[str, Any], where: str) -> AccountProfile:
    """Build a profile from plain data; every field must be there, no other. Raises ProfileError."""
    names = [field.name for field in fields(AccountProfile)]
    for unknown in sorted(set(data) - set(names)):
        raise bad(where, unknown, "không có tham số này")
    values: dict[str, Any] = {}
    for name in names:
        if name not in data:
            raise bad(where, name, "còn thiếu")
        try:
            values[name] = _READ[name](data[name])
        except (TypeError, ValueError) as error:
            raise bad(where, name, str(error)) from None
    return AccountProfile(**values)


def _asks(value: Any) -> Mapping[str, str]:
    found = _words(value)
    for name in found:
        if name not in ASKED:
            raise ValueError(f"'{name}' không nằm trong {', '.join(ASKED)}")
    if "reference" not in found:
        raise ValueError("phải hỏi 'reference' (mã tra cứu), nếu không câu trả lời không tìm được")
    if len(set(found.values())) != len(found):
        raise ValueError("hai cột cùng tiêu đề")
    return found


def _answers(value: Any) -> Mapping[str, str]:
    found = _words(value)
    if set(found.values()) != set(ANSWERS):
        raise ValueError(f"phải có từ cho mỗi kết quả {', '.join(ANSWERS)}")
    return found


def _words(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        raise TypeError("phải là các cặp tên: giá trị")
    return {a_text(k): a_text(v) for k, v in value.items()}


_READ: Mapping[str, Any] = {
    "id": a_text,
    "version": positive,
    "title": a_text,
    "valid_from": a_day,
    "valid_to": a_day_or_none,
    "asks": _asks,
    "answers": _answers,
    "confidence": one_of(*get_args(Confidence)),
    "source": a_text,
}
