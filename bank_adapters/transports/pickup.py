"""Which answers at the far side are whole: two looks with the same size and time, read once.

A bank that writes slowly or uploads under a temporary name must never be read half-way (F33). The
caller keeps the looks between two calls; here is only the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TEMPORARY = (".part", ".tmp", ".temp", ".filepart", ".partial", ".writing", ".crdownload")
"""Endings under which programs write a file that is not finished."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,()+@ -]{0,119}")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as the far side lists it: size in bytes, `changed` its time as it was told."""

    name: str
    size: int
    changed: str


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a file at the last look; `sha256` (hex) once it was read."""

    size: int
    changed: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer that was brought here whole, byte for byte as it lay there."""

    name: str
    path: Path
    sha256: str


Looks = dict[str, Look]


def is_final(name: str) -> bool:
    """Tell whether a name may be read: no temporary name, nothing that leads out of a folder."""
    lower = name.lower()
    return (
        _NAME.fullmatch(name) is not None
        and ".." not in name
        and not lower.endswith(TEMPORARY)
        and not lower.startswith(("tmp_", "tmp."))
    )


def due(listing: Iterable[Listed], looks: Looks, most_bytes: int) -> list[Listed]:
    """Return what is to be read now, by name, and bring `looks` up to date.

    A file that changed since the last look waits for the next; one that was read is not read again
    until it changes; one over `most_bytes` is never read.
    """
    found = {one.name: one for one in listing if is_final(one.name)}
    for gone in set(looks) - set(found):
        del looks[gone]
    ready = []
    for name, one in sorted(found.items()):
        before = looks.get(name)
        if before is None or (before.size, before.changed) != (one.size, one.changed):
            looks[name] = Look(one.size, one.changed)
        elif not before.sha256 and 0 < one.size <= most_bytes:
            ready.append(one)
    return ready


def read(looks: Looks, one: Listed, sha256: str) -> bool:
    """Remember that a file was read; False where the same bytes lay there under another name."""
    known = any(look.sha256 == sha256 for look in looks.values())
    looks[one.name] = Look(one.size, one.changed, sha256)
    return not known
