"""Profiles of called rails: limits, windows and codes as dated data with their source.

One YAML file `<id>.yaml` in `profiles/` each; every field must be there and no other. A rail that
changes gets a new version; what was frozen under the old one is read by the old one for ever.
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

from bank_adapters.profiles import Charset, Confidence, ProfileError
from bank_adapters.profiles.elsewhere import all_ids, home_of
from bank_adapters.profiles.shelf import ids_in

Rail = Literal["bank", "wallet", "mobile_money"]


@dataclass(frozen=True, slots=True)
class ApiProfile:
    """One rail's terms. Amounts in đồng, lengths in characters."""

    id: str
    version: int
    title: str
    valid_from: date
    valid_to: date | None
    adapter: str
    """Name of the adapter in the registry: momo, zalopay, payos, gsma."""
    rail: Rail
    """Kind of destination it pays."""
    payments_per_call: int
    max_payments_per_file: int
    """Payments in one batch of ours (one file of orders)."""
    min_amount_vnd: int
    max_amount_vnd: int
    """Least and most of one payment."""
    max_day_vnd: int | None
    max_month_vnd: int | None
    """Most that one account takes in a calendar day and month; None where no limit is known."""
    charset: Charset
    name_length: int
    text_length: int
    account_length: int
    calls_per_second: int
    """Most calls in one second; the wire waits rather than exceed it."""
    concurrency: int
    """Most calls under way at once."""
    timeout_seconds: int
    ask_after_seconds: int
    """How long to wait before the first inquiry about a call without outcome."""
    ask_every_seconds: int
    inquiry_window_days: int
    """Days in which the rail answers an inquiry about a request."""
    id_window_days: int
    """Days in which the rail knows a request id; later only a person may act."""
    seen_before: tuple[str, ...]
    """Codes that mean "this id was used": they lead to an inquiry, never to a verdict."""
    final_refusals: tuple[str, ...]
    """Codes of "not paid and will not be paid" that name no fault of the payee: what failed under
    one may be paid in cash the same month. A code that is not final has no place here."""
    cut_off: time
    answer_wait_days: int
    return_window_days: int
    confidence: Confidence
    source: str

    @property
    def key(self) -> str:
        """Id and version as they are frozen into a batch, e.g. `momo-1/1`."""
        return f"{self.id}/{self.version}"

    @property
    def unlisted_means_accepted(self) -> bool:
        """Never: a rail that is called speaks of each payment."""
        return False

    @property
    def statement_books(self) -> Literal["batch"]:
        """A statement of the deposit decides no payment here; the rail itself is asked."""
        return "batch"

    def in_force(self, day: date) -> bool:
        """Whether a batch of this day may be made under this version."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@lru_cache(maxsize=8)
def api_profile_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of the profiles of called rails, of a folder or of every installed package.

    Listed once: the profiles are package data, and this is asked with every callback.
    """
    return all_ids("calls", _here()) if folder is None else ids_in(folder)


def is_api_profile(profile_id: str) -> bool:
    """Tell whether a profile is one of a called rail."""
    return profile_id in api_profile_ids()


@lru_cache(maxsize=64)
def load_api_profile(profile_id: str, folder: Path | None = None) -> ApiProfile:
    """Read one profile by its id, from a folder or from whatever package has it.

    Raises ProfileError naming the file and the field.
    """
    path = (folder or home_of("calls", _here(), profile_id)) / f"{profile_id}.yaml"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", profile_id) or not path.is_file():
        raise ProfileError(
            "profile_unknown",
            f"Không có bộ tham số kênh gọi “{profile_id}”; hiện có: "
            f"{', '.join(api_profile_ids(folder)) or 'chưa có'}.",
            en=f"no profile {profile_id!r} of a called rail",
        )
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _bad(path.name, "(tệp)", "không phải YAML đọc được") from error
    if not isinstance(data, dict):
        raise _bad(path.name, "(tệp)", "phải là các cặp tên: giá trị")
    profile = api_profile(data, path.name)
    if profile.id != profile_id:
        raise _bad(path.name, "id", f"phải là {profile_id} như tên tệp")
    return profile


def api_profile(data: Mapping[str, Any], where: str) -> ApiProfile:
    """Build a profile from plain data; every field must be there, and no other. ProfileError."""
    names = [field.name for field in fields(ApiProfile)]
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
    profile = ApiProfile(**values)
    _check_together(profile, where)
    return profile


def _check_together(profile: ApiProfile, where: str) -> None:
    if profile.valid_to is not None and profile.valid_to < profile.valid_from:
        raise _bad(where, "valid_to", "trước valid_from")
    if profile.min_amount_vnd > profile.max_amount_vnd:
        raise _bad(where, "min_amount_vnd", "lớn hơn max_amount_vnd")
    for name, low, high in (
        ("max_day_vnd", profile.max_amount_vnd, profile.max_day_vnd),
        ("max_month_vnd", profile.max_day_vnd or profile.max_amount_vnd, profile.max_month_vnd),
    ):
        if high is not None and high < low:
            raise _bad(where, name, "nhỏ hơn mức của một khoản hoặc một ngày")
    if both := set(profile.final_refusals) & set(profile.seen_before):
        raise _bad(where, "final_refusals", f"mã {min(both)} cũng nằm trong seen_before")
    if profile.payments_per_call > profile.max_payments_per_file:
        raise _bad(where, "payments_per_call", "lớn hơn max_payments_per_file")


def _here() -> Path:
    return Path(__file__).parent / "profiles"


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


def _day(value: Any) -> date:
    if type(value) is not date:
        raise TypeError("phải là ngày dạng 2026-10-01")
    return value


def _hour(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"\d\d:\d\d", value):
        raise ValueError('phải là giờ dạng "15:30" trong dấu nháy')
    return time.fromisoformat(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"phải là một trong: {', '.join(allowed)}")
        return str(value)

    return read


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(not isinstance(v, str) for v in value):
        raise TypeError("phải là danh sách mã dạng chữ")
    return tuple(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    **{one.name: _positive for one in fields(ApiProfile)},
    "id": _text,
    "title": _text,
    "valid_from": _day,
    "valid_to": lambda value: None if value is None else _day(value),
    "adapter": _text,
    "max_day_vnd": lambda value: None if value is None else _positive(value),
    "max_month_vnd": lambda value: None if value is None else _positive(value),
    "rail": _one_of(*get_args(Rail)),
    "charset": _one_of(*get_args(Charset)),
    "seen_before": _codes,
    "final_refusals": _codes,
    "cut_off": _hour,
    "confidence": _one_of(*get_args(Confidence)),
    "source": _text,
}
"""How each field is read; what is not named here is a whole number from 1."""
