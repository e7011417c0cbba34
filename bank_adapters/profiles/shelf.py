"""Finding a profile on disk: every version of it is read, and together they must make sense.

Versions of one profile are `<id>.yaml` and `<id>.v2.yaml`, `<id>.v3.yaml`, ... Their numbers differ
and their dates do not overlap, so that a day has one format at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml

from bank_adapters.profiles.values import ProfileError, bad

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,39})(?:/([1-9][0-9]{0,5}))?")
_FILE = re.compile(r"([a-z0-9][a-z0-9-]{0,39})(?:\.v([1-9][0-9]{0,5}))?")


class Dated(Protocol):
    """What every profile has."""

    @property
    def id(self) -> str:
        """Name of the profile, as its file."""

    @property
    def version(self) -> int:
        """Number of the version, from 1."""

    @property
    def valid_from(self) -> date:
        """First day of use."""

    @property
    def valid_to(self) -> date | None:
        """Last day of use; None where it is open."""


P = TypeVar("P", bound=Dated)


def ids_in(folder: Path) -> tuple[str, ...]:
    """Return the ids of all profiles in a folder."""
    found = (_FILE.fullmatch(path.stem) for path in folder.glob("*.yaml"))
    return tuple(sorted({match[1] for match in found if match}))


def versions_of(
    folder: Path, profile_id: str, read: Callable[[Mapping[str, Any], str], P]
) -> tuple[P, ...]:
    """Read every version of a profile, oldest first.

    Raises ProfileError: unknown, unreadable, a version that is there twice, overlapping dates.
    """
    if not _ID.fullmatch(profile_id):
        raise _unknown(profile_id, folder)
    paths = [
        path
        for path in sorted(folder.glob(f"{profile_id}*.yaml"))
        if (match := _FILE.fullmatch(path.stem)) and match[1] == profile_id
    ]
    if not paths:
        raise _unknown(profile_id, folder)
    versions = sorted((_one(path, profile_id, read) for path in paths), key=lambda p: p.valid_from)
    _check(profile_id, versions)
    return tuple(versions)


def _one(path: Path, profile_id: str, read: Callable[[Mapping[str, Any], str], P]) -> P:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise bad(path.name, "(tệp)", "không phải YAML đọc được") from error
    if not isinstance(data, dict):
        raise bad(path.name, "(tệp)", "phải là các cặp tên: giá trị")
    profile = read(data, path.name)
    if profile.id != profile_id:
        raise bad(path.name, "id", f"phải là {profile_id} như tên tệp")
    number = path.stem.rpartition(".v")[2] if ".v" in path.stem else ""
    if number and int(number) != profile.version:
        raise bad(path.name, "version", f"phải là {number} như tên tệp")
    return profile


def _check(profile_id: str, versions: Sequence[P]) -> None:
    for before, after in pairwise(versions):
        if before.valid_to is None or before.valid_to >= after.valid_from:
            raise bad(
                f"{profile_id}.yaml",
                "valid_to",
                f"bản {before.version} và bản {after.version} chồng ngày nhau",
            )
        if before.version >= after.version:
            raise bad(
                f"{profile_id}.yaml",
                "version",
                f"bản {after.version} dùng từ {after.valid_from} phải có số lớn hơn bản "
                f"{before.version}",
            )


def choose(versions: Sequence[P], name: str, folder: Path) -> P:
    """Return the version that `name` asks for: `id/2`, or `id` for the newest.

    Raises ProfileError.
    """
    asked = _NAME.fullmatch(name)
    if asked is None:
        raise _unknown(name, folder)
    if asked[2] is None:
        return versions[-1]
    for profile in versions:
        if profile.version == int(asked[2]):
            return profile
    raise _unknown(name, folder)


def in_force(versions: Sequence[P], day: date) -> P:
    """Return the version of a day. Raises ProfileError (`profile_not_in_force`)."""
    for profile in versions:
        if profile.valid_from <= day and (profile.valid_to is None or day <= profile.valid_to):
            return profile
    raise ProfileError(
        "profile_not_in_force",
        f"Bộ tham số {versions[0].id} không có bản nào dùng cho ngày {day:%d/%m/%Y}; hãy bổ sung "
        "bản mới theo tài liệu của ngân hàng.",
        en=f"no version of profile {versions[0].id} is in force on {day}",
    )


def _unknown(name: str, folder: Path) -> ProfileError:
    return ProfileError(
        "profile_unknown",
        f"Không có bộ tham số ngân hàng “{name}”; hiện có: "
        f"{', '.join(ids_in(folder)) or 'chưa có'}.",
        en=f"no bank profile {name!r}",
    )
