"""Bank profiles: formats as dated, versioned data with their source, never as code.

Every version of a profile is one YAML file in this folder (or a folder handed in): `<id>.yaml`,
later `<id>.v2.yaml`. A bank's new format is a new version beside the old one, so a batch frozen
under version 1 renders the same bytes for ever (coins.md 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from bank_adapters import camt055
from bank_adapters.profiles.elsewhere import all_ids, home_of
from bank_adapters.profiles.shelf import choose, ids_in, in_force, versions_of
from bank_adapters.profiles.values import (
    ProfileError,
    a_day,
    a_day_or_none,
    a_text,
    bad,
    clock,
    codes,
    file_pattern,
    one_of,
    positive,
    yes_no,
)

__all__ = [
    "Books",
    "Charset",
    "Confidence",
    "Profile",
    "ProfileError",
    "from_mapping",
    "load_profile",
    "profile_ids",
    "profile_on",
]

Charset = Literal["x", "ascii", "utf8"]
DateForm = Literal["date", "datetime"]
Books = Literal["single", "batch"]
Confidence = Literal["own", "high", "medium", "low"]

MESSAGE_VERSIONS = ("pain.001.001.03", "pain.001.001.09", "pain.001.001.11", "pain.001.001.12")


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
    cancel_version: str
    """Message by which payments are asked back (camt.055); '' where the bank takes none."""

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
    """Return the ids of all profiles present: of a folder, or of every installed package."""
    return all_ids("iso20022", _here()) if folder is None else ids_in(folder)


@lru_cache(maxsize=64)
def load_profile(name: str, folder: Path | None = None) -> Profile:
    """Read a profile by id (its newest version) or by key (`iso-vn-1/1`, as a batch froze it).

    Raises ProfileError naming the file and the field; all versions of the id must be sound.
    """
    profile_id = name.partition("/")[0]
    where = folder or home_of("iso20022", _here(), profile_id)
    return choose(versions_of(where, profile_id, from_mapping), name, where)


def profile_on(profile_id: str, day: date, folder: Path | None = None) -> Profile:
    """Return the version of a profile that is in force on a day. Raises ProfileError."""
    where = folder or home_of("iso20022", _here(), profile_id)
    return in_force(versions_of(where, profile_id, from_mapping), day)


def from_mapping(data: Mapping[str, Any], where: str) -> Profile:
    """Build a profile from plain data; every field must be there, and no other.

    Raises ProfileError.
    """
    names = [field.name for field in fields(Profile)]
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
    profile = Profile(**values)
    _check_together(profile, where)
    return profile


def _here() -> Path:
    return Path(__file__).parent


def _cancel_version(value: Any) -> str:
    return "" if value is None else str(one_of(*camt055.VERSIONS)(value))


_READ: dict[str, Callable[[Any], Any]] = {
    "id": a_text,
    "version": positive,
    "title": a_text,
    "valid_from": a_day,
    "valid_to": a_day_or_none,
    "message_version": one_of(*MESSAGE_VERSIONS),
    "namespace": a_text,
    "currency": one_of("VND"),
    "max_payments_per_file": positive,
    "max_bytes_per_file": positive,
    "min_payments_per_file": positive,
    "charset": one_of(*get_args(Charset)),
    "name_length": positive,
    "text_length": positive,
    "account_length": positive,
    "date_form": one_of(*get_args(DateForm)),
    "batch_booking": yes_no,
    "category_purposes": codes(r"[A-Z]{4}"),
    "purposes": codes(r"[A-Z]{4}"),
    "charge_bearer": one_of("SLEV", "SHAR", "DEBT", "CRED"),
    "file_name_pattern": file_pattern,
    "answer_kinds": codes(r"(pain\.002|camt\.029|camt\.05[234])"),
    "unlisted_means_accepted": yes_no,
    "statement_books": one_of(*get_args(Books)),
    "cut_off": clock,
    "answer_wait_days": positive,
    "return_window_days": positive,
    "confidence": one_of(*get_args(Confidence)),
    "source": a_text,
    "cancel_version": _cancel_version,
}


def _check_together(profile: Profile, where: str) -> None:
    """Check what no field can know alone, against the limits of ISO 20022 itself."""
    if profile.valid_to is not None and profile.valid_to < profile.valid_from:
        raise bad(where, "valid_to", "trước valid_from")
    if profile.min_payments_per_file > profile.max_payments_per_file:
        raise bad(where, "min_payments_per_file", "lớn hơn max_payments_per_file")
    for name, most in (("name_length", 140), ("text_length", 140), ("account_length", 34)):
        if getattr(profile, name) > most:
            raise bad(where, name, f"ISO 20022 cho nhiều nhất {most}")
    if profile.message_version == "pain.001.001.03" and profile.date_form == "datetime":
        raise bad(where, "date_form", "pain.001.001.03 chỉ có ngày")
    if not profile.namespace.endswith(profile.message_version):
        raise bad(where, "namespace", f"không thuộc {profile.message_version}")
