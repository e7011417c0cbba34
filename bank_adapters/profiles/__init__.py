"""Bank profiles: formats as dated, versioned data with their source, never as code.

Every profile is one YAML file `<id>.yaml` in this folder (or a folder handed in). A bank changes
its format by a new version of the file, so a batch frozen under version 1 renders the same bytes
for ever (coins.md 4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from bank_adapters.contract import AdapterError

Charset = Literal["x", "ascii", "utf8"]
DateForm = Literal["date", "datetime"]
Books = Literal["single", "batch"]
Confidence = Literal["own", "high", "medium", "low"]

MESSAGE_VERSIONS = ("pain.001.001.03", "pain.001.001.09", "pain.001.001.11", "pain.001.001.12")


class ProfileError(AdapterError):
    """A profile is missing, incomplete or contradicts itself: mend the file."""

    action = "fix"


@dataclass(frozen=True, slots=True)
class Profile:
    """One bank's (or our own) format. Lengths in characters, sizes in bytes, waits in days."""

    id: str
    version: int
    title: str
    valid_from: date
    valid_to: date | None
    message_version: str
    namespace: str
    currency: str
    max_payments_per_file: int
    max_bytes_per_file: int
    min_payments_per_file: int
    charset: Charset
    name_length: int
    text_length: int
    account_length: int
    date_form: DateForm
    batch_booking: bool
    category_purposes: tuple[str, ...]
    purposes: tuple[str, ...]
    charge_bearer: str
    file_name_pattern: str
    answer_kinds: tuple[str, ...]
    unlisted_means_accepted: bool
    """True where the bank lists only what it rejects in a pain.002."""
    statement_books: Books
    """single: a debit per payment; batch: one debit per file, net of rejects."""
    cut_off: time
    """Hour in Asia/Ho_Chi_Minh until which a file is executed the same day."""
    answer_wait_days: int
    """Working days after which a missing answer is a break."""
    return_window_days: int
    """Working days in which a late return is ordinary."""
    confidence: Confidence
    source: str

    @property
    def key(self) -> str:
        """Id and version as they are frozen into a batch, e.g. `iso-vn-1/1`."""
        return f"{self.id}/{self.version}"

    def in_force(self, day: date) -> bool:
        """Whether a batch of this day may be rendered with this version."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def file_name(self, message_id: str, lot: int = 1) -> str:
        """Name of the outgoing file, fixed by the batch alone."""
        return self.file_name_pattern.format(message_id=message_id, lot=lot)


def profile_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of all profiles present."""
    return tuple(sorted(path.stem for path in (folder or _here()).glob("*.yaml")))


@lru_cache(maxsize=64)
def load_profile(profile_id: str, folder: Path | None = None) -> Profile:
    """Read one profile by its id.

    Raises ProfileError naming the file and the field.
    """
    path = (folder or _here()) / f"{profile_id}.yaml"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", profile_id) or not path.is_file():
        raise ProfileError(
            "profile_unknown",
            f"Không có bộ tham số ngân hàng “{profile_id}”; hiện có: "
            f"{', '.join(profile_ids(folder)) or 'chưa có'}.",
            en=f"no bank profile {profile_id!r}",
        )
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _bad(path.name, "(tệp)", "không phải YAML đọc được") from error
    if not isinstance(data, dict):
        raise _bad(path.name, "(tệp)", "phải là các cặp tên: giá trị")
    profile = from_mapping(data, path.name)
    if profile.id != profile_id:
        raise _bad(path.name, "id", f"phải là {profile_id} như tên tệp")
    return profile


def from_mapping(data: Mapping[str, Any], where: str) -> Profile:
    """Build a profile from plain data; every field must be there, and no other.

    Raises ProfileError.
    """
    names = [field.name for field in fields(Profile)]
    for unknown in sorted(set(data) - set(names)):
        raise _bad(where, unknown, "không có tham số này")
    values: dict[str, Any] = {}
    for name in names:
        if name not in data:
            raise _bad(where, name, "còn thiếu")
        try:
            values[name] = _READ[name](data[name])
        except (TypeError, ValueError) as error:
            raise _bad(where, name, str(error)) from None
    profile = Profile(**values)
    _check_together(profile, where)
    return profile


def _here() -> Path:
    return Path(__file__).parent


def _bad(where: str, name: str, why: str) -> ProfileError:
    return ProfileError(
        "profile_invalid",
        f"Bộ tham số {where}, mục {name}: {why}. Hãy sửa tệp này.",
        en=f"profile {where}, field {name}: {why}",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("phải là chữ, không để trống")
    return value.strip()


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("phải là số nguyên từ 1")
    return value


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("phải là true hoặc false")
    return value


def _day(value: Any) -> date:
    if type(value) is not date:
        raise TypeError("phải là ngày dạng 2026-10-01")
    return value


def _day_or_none(value: Any) -> date | None:
    return None if value is None else _day(value)


def _clock(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"\d\d:\d\d", value):
        raise ValueError('phải là giờ dạng "15:30" trong dấu nháy')
    return time.fromisoformat(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"phải là một trong: {', '.join(allowed)}")
        return str(value)

    return read


def _codes(pattern: str) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise TypeError("phải là danh sách, ít nhất một mã")
        for item in value:
            if not isinstance(item, str) or not re.fullmatch(pattern, item):
                raise ValueError(f"mã {item!r} không đúng dạng")
        return tuple(value)

    return read


def _pattern(value: Any) -> str:
    text = _text(value)
    try:
        name = text.format(message_id="M1", lot=1)
    except (KeyError, IndexError, ValueError):
        raise ValueError("chỉ dùng {message_id} và {lot}") from None
    if "{message_id}" not in text or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError("phải có {message_id} và chỉ gồm A-Z a-z 0-9 . _ -")
    return text


_READ: dict[str, Callable[[Any], Any]] = {
    "id": _text,
    "version": _positive,
    "title": _text,
    "valid_from": _day,
    "valid_to": _day_or_none,
    "message_version": _one_of(*MESSAGE_VERSIONS),
    "namespace": _text,
    "currency": _one_of("VND"),
    "max_payments_per_file": _positive,
    "max_bytes_per_file": _positive,
    "min_payments_per_file": _positive,
    "charset": _one_of(*get_args(Charset)),
    "name_length": _positive,
    "text_length": _positive,
    "account_length": _positive,
    "date_form": _one_of(*get_args(DateForm)),
    "batch_booking": _yes_no,
    "category_purposes": _codes(r"[A-Z]{4}"),
    "purposes": _codes(r"[A-Z]{4}"),
    "charge_bearer": _one_of("SLEV", "SHAR", "DEBT", "CRED"),
    "file_name_pattern": _pattern,
    "answer_kinds": _codes(r"(pain\.002|camt\.05[234])"),
    "unlisted_means_accepted": _yes_no,
    "statement_books": _one_of(*get_args(Books)),
    "cut_off": _clock,
    "answer_wait_days": _positive,
    "return_window_days": _positive,
    "confidence": _one_of(*get_args(Confidence)),
    "source": _text,
}


def _check_together(profile: Profile, where: str) -> None:
    """Check what no field can know alone, against the limits of ISO 20022 itself."""
    if profile.valid_to is not None and profile.valid_to < profile.valid_from:
        raise _bad(where, "valid_to", "trước valid_from")
    if profile.min_payments_per_file > profile.max_payments_per_file:
        raise _bad(where, "min_payments_per_file", "lớn hơn max_payments_per_file")
    for name, most in (("name_length", 140), ("text_length", 140), ("account_length", 34)):
        if getattr(profile, name) > most:
            raise _bad(where, name, f"ISO 20022 cho nhiều nhất {most}")
    if profile.message_version == "pain.001.001.03" and profile.date_form == "datetime":
        raise _bad(where, "date_form", "pain.001.001.03 chỉ có ngày")
    if not profile.namespace.endswith(profile.message_version):
        raise _bad(where, "namespace", f"không thuộc {profile.message_version}")
