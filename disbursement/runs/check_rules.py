"""The checks before a list is closed: one table of rules (data/check_rules.csv), and their limits.

A rule has a reason (the code of its hold), a kind of hold (right: not minted; payment: minted and
kept back), a default limit where it counts something, and the document that resolves a finding.
A payer's own limit is a setting with the document it rests on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from sqlalchemy import Connection

from ledger.sql import text


@dataclass(frozen=True)
class Rule:
    """A row of the table; `limit` in `unit` (month, person, day, percent), None: it has none."""

    rule: str
    reason: str
    kind: str  # right | payment
    limit: int | None
    unit: str
    setting: str  # name of the payer's setting, '' where there is no limit
    title_vi: str
    title_en: str
    what_en: str
    document_vi: str
    document_en: str
    source: str


@dataclass(frozen=True)
class AgeRange:
    """Whole years a clause asks for: from (in a poor household: `from_poor`) until before `to`."""

    from_years: int
    from_poor: int
    to_years: int | None


def _rows(name: str) -> list[dict[str, str]]:
    body = files("disbursement.runs").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(body)))


@lru_cache(maxsize=1)
def check_rules() -> Mapping[str, Rule]:
    """Return every rule by its name, in the order of the table."""
    return MappingProxyType(
        {
            r["rule"]: Rule(**{**r, "limit": int(r["limit"]) if r["limit"] else None})  # type: ignore[arg-type]  # the columns are the fields
            for r in _rows("check_rules.csv")
        }
    )


@lru_cache(maxsize=1)
def age_ranges() -> Mapping[str, AgeRange]:
    """Return the ages of each clause that has any."""
    return MappingProxyType(
        {
            r["clause"]: AgeRange(
                int(r["from_years"]),
                int(r["from_years_poor"]),
                int(r["to_years"]) if r["to_years"] else None,
            )
            for r in _rows("check_ages.csv")
        }
    )


@lru_cache(maxsize=1)
def birth_provinces() -> frozenset[str]:
    """Return the first three digits that identity numbers given out in the provinces have."""
    return frozenset(r["prefix"] for r in _rows("birth_provinces.csv"))


@dataclass(frozen=True)
class Limits:
    """Every rule's limit, by payer where one has its own."""

    own: Mapping[tuple[str, str], int]  # (setting, payer code, '' = the whole cell)
    codes: Mapping[int, str]

    def of(self, rule: str, payer_id: int) -> int:
        """Return the limit of a rule for a payer. Raises KeyError where the rule has none."""
        found = check_rules()[rule]
        if found.limit is None:
            raise KeyError(rule)
        usual = self.own.get((found.setting, ""), found.limit)
        return self.own.get((found.setting, self.codes.get(payer_id, "")), usual)


def read_limits(conn: Connection) -> Limits:
    """Read the limits that payers, or the whole cell, have set."""
    names = {r.setting for r in check_rules().values() if r.setting}
    rows = conn.execute(text("SELECT name, payer, value FROM setting")).all()
    codes = conn.execute(text("SELECT id, code FROM payer")).all()
    return Limits(
        {(name, payer): int(value) for name, payer, value in rows if name in names},
        {int(i): str(code) for i, code in codes},
    )
