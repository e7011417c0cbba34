"""Rates for people of merit and their survivors: official tables, loaded and never scaled.

Two time axes as everywhere: a row counts for the months from `effective_from`, and may be used
once its instrument is in force. The rows of 2026 are `derived` (the annex of NĐ 321/2026 was not
read); those that are an exact multiple of the base are as sure as the base.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import lru_cache

from disbursement.platform.clock import month_of
from disbursement.platform.errors import RefusedError
from disbursement.programmes.rates import CONFIDENCES, data_file

FILES = ("meritorious_rates.csv", "reference_levels.csv")


@dataclass(frozen=True, slots=True)
class MeritRate:
    """One row: a monthly amount, a multiple of the base, or a fixed amount (dong)."""

    code: str
    version: str
    kind: str
    title_vi: str
    title_en: str
    pct_from: int | None
    pct_to: int | None
    amount_vnd: int | None
    multiple: Fraction | None
    base_vnd: int | None
    uncertainty_vnd: int
    first_day: date
    in_force_from: date
    citation: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Level:
    """A reference level in dong a month: NCC_BASE, BASE_SALARY."""

    code: str
    amount_vnd: int
    first_day: date
    in_force_from: date
    citation: str
    confidence: str


@dataclass(frozen=True, eq=False)
class MeritRates:
    """All rows of one version of the two tables."""

    sha256: str
    rows: Mapping[str, tuple[MeritRate, ...]] = field(repr=False)
    levels: Mapping[str, tuple[Level, ...]] = field(repr=False)

    def rate(self, code: str, month: int, law_on: date) -> MeritRate | None:
        """Return the row that counts for the month by the law usable on `law_on`, or None."""
        found = [
            r
            for r in self.rows.get(code, ())
            if r.in_force_from <= law_on and month_of(r.first_day) <= month
        ]
        return max(found, key=lambda r: r.first_day, default=None)

    def level(self, code: str, month: int, law_on: date) -> Level | None:
        """Return the reference level of a month, or None before the first."""
        found = [
            x
            for x in self.levels.get(code, ())
            if x.in_force_from <= law_on and month_of(x.first_day) <= month
        ]
        return max(found, key=lambda x: x.first_day, default=None)

    def by_percent(self, prefix: str, pct: int, month: int, law_on: date) -> MeritRate | None:
        """Return the monthly allowance of a percent of injury: an own row, or a band."""
        for code, rows in self.rows.items():
            first = rows[0]
            if (
                code.rsplit(".", 1)[0] == prefix
                and first.kind == "allowance"
                and first.pct_from is not None
                and first.pct_from <= pct <= (first.pct_to or 0)
            ):
                return self.rate(code, month, law_on)
        return None

    def force_days(self) -> tuple[date, ...]:
        """Return the days on which a version came into force, oldest first."""
        days = {r.in_force_from for rows in self.rows.values() for r in rows}
        return tuple(sorted(days))


def _refuse(row: int, column: str, what: str) -> RefusedError:
    return RefusedError("rate_data", f"meritorious_rates.csv, dòng {row}, cột {column}: {what}")


def _day(text: str, row: int, column: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _refuse(row, column, f"'{text}' không phải ngày dạng 2026-07-01.") from None


def _whole(text: str, row: int, column: str) -> int | None:
    if text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise _refuse(row, column, f"'{text}' không phải số nguyên không âm.")
    return int(text)


def _rate(n: int, r: Mapping[str, str]) -> MeritRate:
    amount, multiple = r["amount_vnd"], r["multiple_of_base"]
    if found := re.fullmatch(r"([0-9]+) x (?:BASE_SALARY|current)", amount):
        amount, multiple = "", found[1]
    if multiple and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", multiple):
        raise _refuse(n, "multiple_of_base", f"'{multiple}' không phải bội số.")
    pct = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", r["injury_pct"])
    confidence = r["confidence"]
    if confidence not in CONFIDENCES:
        raise _refuse(n, "confidence", f"'{confidence}' không nằm trong {', '.join(CONFIDENCES)}.")
    if confidence == "derived" and r["note"].startswith("exact multiple"):
        confidence = "secondary"  # as sure as the base it is an exact multiple of
    first = _day(r["effective_from"], n, "effective_from")
    return MeritRate(
        code=r["rate_code"],
        version=r["version"],
        kind=r["kind"],
        title_vi=r["category_vi"],
        title_en=r["category_en"],
        pct_from=int(pct[1]) if pct else None,
        pct_to=int(pct[2] or pct[1]) if pct else None,
        amount_vnd=_whole(amount, n, "amount_vnd"),
        multiple=Fraction(multiple) if multiple else None,
        base_vnd=_whole(r["base_vnd"], n, "base_vnd"),
        uncertainty_vnd=_whole(r["uncertainty_vnd"], n, "uncertainty_vnd") or 0,
        first_day=first,
        in_force_from=_day(r["legal_in_force_from"] or r["effective_from"], n, "effective_from"),
        citation=r["citation"],
        source=r["source"],
        confidence=confidence,
        note=r["note"],
    )


def load_merit_rates(files: Mapping[str, bytes]) -> MeritRates:
    """Read meritorious_rates.csv and reference_levels.csv. Raises RefusedError naming the row."""
    return _tables(*(files[name] for name in FILES))


@lru_cache(maxsize=8)
def _tables(allowances: bytes, references: bytes) -> MeritRates:
    """Read both tables; the same bytes, which most states of the law share, are read once."""
    rows: dict[str, list[MeritRate]] = {}
    text = allowances.decode("utf-8-sig")
    for n, r in enumerate(csv.DictReader(io.StringIO(text)), 2):
        rate = _rate(n, r)
        same = rows.setdefault(rate.code, [])
        if any(x.first_day == rate.first_day for x in same):
            raise _refuse(n, "rate_code", f"'{rate.code}' có hai mức từ {rate.first_day}.")
        same.append(rate)
    levels: dict[str, list[Level]] = {}
    text = references.decode("utf-8-sig")
    for n, r in enumerate(csv.DictReader(io.StringIO(text)), 2):
        level = Level(
            r["base_code"],
            _whole(r["amount_vnd"], n, "amount_vnd") or 0,
            _day(r["effective_from"], n, "effective_from"),
            _day(r["legal_in_force_from"], n, "legal_in_force_from"),
            r["citation"],
            r["confidence"],
        )
        levels.setdefault(level.code, []).append(level)
    digest = hashlib.sha256(allowances + references).hexdigest()
    return MeritRates(
        digest,
        {c: tuple(x) for c, x in rows.items()},
        {c: tuple(x) for c, x in levels.items()},
    )


@lru_cache(maxsize=1)
def shipped_merit_rates() -> MeritRates:
    """Return the tables that come with the product (loaded once)."""
    return load_merit_rates({name: data_file(name) for name in FILES})
