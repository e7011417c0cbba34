"""What each national register's files look like: data, read once from the CSV files beside this.

A profile says which columns a file of that register has (their headers, types, choices, and where
each is known from), whom of ours it should know, and how old it may become. A new register is a
few rows of data; docs/national-registers.md is the same for people.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from disbursement.beneficiaries.columns import Column, ColumnSet, Kind
from disbursement.platform.errors import OurFaultError, RefusedError

Subject = Literal["everyone", "on_allowance", "poor", "merit", "children"]
"""Whom of our register a national one should know: see queries.SUBJECTS."""
WhenOld = Literal["warn", "stop", "off"]
Sheet = Literal["increase", "decrease", "result"]
DEATHS = "deaths"
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class OutColumn:
    """A column of an outgoing file."""

    field: str
    header: str
    kind: Literal["text", "money"]
    meaning_en: str
    source: str


@dataclass(frozen=True)
class RegisterColumn:
    """What a column is beside its header: must its cell be filled, is it stored, whence known."""

    column: Column
    filled: bool
    stored: bool
    meaning_en: str
    source: str


@dataclass(frozen=True)
class Profile:
    """A national register.

    `once`: a person stands in it once. `whole`: a file lists everybody, so that who is missing is
    known to be missing. `expects`: who stands there should stand here. `deaths`: its file answers
    the question who has died. `changes`: a file may hold only what changed. `max_age_days`,
    `when_old`: what happens to a list when the newest file is older (a payer's policy may differ).
    """

    code: str
    title_vi: str
    title_en: str
    subject: Subject
    once: bool
    whole: bool
    expects: bool
    deaths: bool
    changes: bool
    max_age_days: int
    when_old: WhenOld
    programmes: tuple[str, ...]
    source: str
    columns: tuple[RegisterColumn, ...]
    outgoing: Mapping[Sheet, tuple[OutColumn, ...]]

    @property
    def column_set(self) -> ColumnSet:
        """The columns as the reader of files wants them."""
        return ColumnSet(
            f"'{self.title_vi}'",
            tuple(c.column for c in self.columns),
            page="docs/national-registers.md",
        )

    @property
    def by_household(self) -> bool:
        """Whether what changes is a household: its members share a code."""
        return self.subject == "poor"

    def has(self, field: str) -> bool:
        """Tell whether the register has a column of this field."""
        return any(c.column.field == field for c in self.columns)


def _table(name: str) -> Iterator[dict[str, str]]:
    text = files(__package__).joinpath("data", f"{name}.csv").read_text("utf-8")
    yield from csv.DictReader(text.splitlines())


def _column(row: dict[str, str]) -> RegisterColumn:
    kind = _KINDS.get(row["kind"])
    if kind is None:
        raise OurFaultError("profile_data", f"columns.csv: không có kiểu cột '{row['kind']}'.")
    choices = dict(pair.split("=") for pair in row["choices"].split(";") if pair)
    aliases = tuple(a for a in row["aliases"].split(";") if a)
    column = Column(
        row["field"],
        row["header"],
        kind,
        row["required"] == "yes",
        aliases,
        choices or None,
    )
    return RegisterColumn(
        column, row["filled"] == "yes", row["stored"] == "yes", row["meaning_en"], row["source"]
    )


@lru_cache(maxsize=1)
def profiles() -> Mapping[str, Profile]:
    """Return every profile by its code, in the order of the data."""
    columns: dict[str, list[RegisterColumn]] = defaultdict(list)
    for row in _table("columns"):
        columns[row["profile"]].append(_column(row))
    outgoing: dict[str, dict[str, list[OutColumn]]] = defaultdict(lambda: defaultdict(list))
    for row in _table("outgoing"):
        outgoing[row["profile"]][row["sheet"]].append(
            OutColumn(row["field"], row["header"], row["kind"], row["meaning_en"], row["source"])  # type: ignore[arg-type]  # data of our own, held by a test
        )
    out = {}
    for row in _table("profiles"):
        code = row["profile"]
        sheets = outgoing["*"] | outgoing[code]
        flags = {k: row[k] == "yes" for k in ("once", "whole", "expects", "deaths", "changes")}
        out[code] = Profile(
            code=code,
            title_vi=row["title_vi"],
            title_en=row["title_en"],
            subject=row["subject"],  # type: ignore[arg-type]  # data of our own, held by a test
            max_age_days=int(row["max_age_days"]),
            when_old=row["when_old"],  # type: ignore[arg-type]  # as above
            programmes=tuple(row["programmes"].split()),
            source=row["source"],
            columns=tuple(columns[code]),
            outgoing={sheet: tuple(found) for sheet, found in sheets.items()},  # type: ignore[misc]  # as above
            **flags,
        )
    return out


def profile(code: str) -> Profile:
    """Return a profile. Raises RefusedError naming the codes there are."""
    found = profiles().get(code)
    if found is None:
        raise RefusedError(
            "profile",
            f"Không có sổ quốc gia tên '{code[:40]}'; chọn một trong: {', '.join(profiles())}.",
        )
    return found
