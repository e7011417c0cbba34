"""What a version changes: rows added, changed, ended, removed; amounts by month, old and new.

Amounts are shown as the law stands once every instrument is in force: from when it may be used is
in the rows. A local level is shown as it counts, the higher of the central and its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from disbursement.platform.clock import add_months, month_of
from disbursement.programmes.rate_checks import boundaries
from disbursement.programmes.rates import CENTRAL, RateSet, View
from disbursement.programmes.versions import Tables, rate_set, row_name

_ENDS = ("effective_to", "last_day")
_STARTS = ("effective_from", "first_day")
_FIXED = {
    "meritorious_rates.csv": "rate_code",
    "reference_levels.csv": "base_code",
    "list_programmes.csv": "programme",
}


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row: added, changed, ended (an end was written), removed; cells as column: (old, new)."""

    table: str
    row: str
    what: str
    cells: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AmountChange:
    """An amount in dong a month over months with one old and one new value.

    `kind`: level (a base level), rate (coefficient x central level), fixed (a table of amounts).
    `to_month` None: without end. None as an amount: no row counts there.
    """

    kind: str
    code: str
    territory: str
    from_month: int
    to_month: int | None
    old_vnd: int | None
    new_vnd: int | None
    confidence: str

    @property
    def lowers(self) -> bool:
        """Tell whether less is due than before."""
        return self.old_vnd is not None and (self.new_vnd or 0) < self.old_vnd


@dataclass(frozen=True, slots=True)
class Diff:
    """All that a version changes against the tables in force."""

    rows: tuple[RowChange, ...]
    amounts: tuple[AmountChange, ...]

    def lowered(self, until_month: int) -> tuple[AmountChange, ...]:
        """Return the amounts that fall in months up to `until_month` (yyyymm)."""
        return tuple(a for a in self.amounts if a.lowers and a.from_month <= until_month)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "rows": [
                {"table": r.table, "row": r.row, "what": r.what, "cells": r.cells}
                for r in self.rows
            ],
            "amounts": [
                {name: getattr(a, name) for name in (*AmountChange.__slots__, "lowers")}
                for a in self.amounts
            ],
        }


def compare(old: Tables, new: Tables) -> Diff:
    """Return what `new` changes against `old`; both must have been checked."""
    amounts = [*_monthly(rate_set(old), rate_set(new)), *_fixed(old, new)]
    return Diff(tuple(_rows(old, new)), tuple(amounts))


def _rows(old: Tables, new: Tables) -> Iterator[RowChange]:
    for table in new.files:
        before = {row_name(table, r): r for r in old.rows(table)}
        after = {row_name(table, r): r for r in new.rows(table)}
        for name, row in after.items():
            was = before.get(name)
            if was is None:
                yield RowChange(table, name, "added", {c: ("", v) for c, v in row.items() if v})
            elif was != row:
                cells = {c: (was.get(c, ""), v) for c, v in row.items() if was.get(c, "") != v}
                ended = any(c in cells and not cells[c][0] for c in _ENDS)
                yield RowChange(table, name, "ended" if ended else "changed", cells)
        for name, row in before.items():
            if name not in after:
                yield RowChange(table, name, "removed", {c: (v, "") for c, v in row.items() if v})


_Key = tuple[str, str, str]
_Value = tuple[int, str]


def _monthly(old: RateSet, new: RateSet) -> Iterator[AmountChange]:
    months = boundaries(old, new)
    places = {(b.code, b.territory) for rates in (old, new) for b in rates.bases}
    sides = [
        [_amounts(places, rates.view(month, date.max)) for month in months] for rates in (old, new)
    ]
    keys = sorted({k for side in sides for found in side for k in found})
    ends: list[int | None] = [add_months(m, -1) for m in months[1:]]
    ends.append(None)
    for key in keys:
        pieces = [
            (first, last, was.get(key), now.get(key))
            for first, last, was, now in zip(months, ends, *sides, strict=True)
        ]
        yield from _joined(key, pieces)


def _amounts(places: set[tuple[str, str]], view: View) -> dict[_Key, _Value]:
    """Return the level as it counts at each place, and every monthly amount at the central one."""
    found: dict[_Key, _Value] = {}
    for code, territory in places:
        if (code, CENTRAL) in view.bases:
            base = view.base(code, territory)
            found["level", code, territory] = (base.amount_vnd, base.confidence)
    for clause, rows in view.monthly.items():
        for rate in rows:
            level = view.bases[rate.base_code, CENTRAL]
            ages = f"{rate.age_from}-{'' if rate.age_to is None else rate.age_to}"
            name = " ".join(p for p in (clause, rate.degree, ages) if p)
            amount = int((rate.coefficient or 0) * level.amount_vnd)
            found["rate", name, CENTRAL] = (amount, rate.confidence)
    return found


_Piece = tuple[int, int | None, _Value | None, _Value | None]


def _joined(key: _Key, pieces: list[_Piece]) -> Iterator[AmountChange]:
    """Join neighbouring months with the same two amounts; leave out what stays."""
    kept: AmountChange | None = None
    for first, last, was, now in pieces:
        old_vnd, new_vnd = was and was[0], now and now[0]
        if kept and (kept.old_vnd, kept.new_vnd) == (old_vnd, new_vnd):
            kept = AmountChange(*key, kept.from_month, last, old_vnd, new_vnd, kept.confidence)
            continue
        if kept and kept.old_vnd != kept.new_vnd:
            yield kept
        sure = now[1] if now else ""
        kept = AmountChange(*key, first, last, old_vnd, new_vnd, sure)
    if kept and kept.old_vnd != kept.new_vnd:
        yield kept


def _fixed(old: Tables, new: Tables) -> Iterator[AmountChange]:
    """Compare the tables of whole amounts day by day, shown by the month a span begins in."""
    for table, column in _FIXED.items():
        if table not in new.files or old.files.get(table) == new.files[table]:
            continue
        was, now = _spans(old, table, column), _spans(new, table, column)
        for code in sorted(was.keys() | now.keys()):
            days = sorted({d for s in (was, now) for a, b, _ in s.get(code, ()) for d in (a, b)})
            pieces: list[_Piece] = []
            for n, day in enumerate(days):
                if day == date.max:
                    break
                until = days[n + 1] if n + 1 < len(days) else date.max
                last = None if until == date.max else month_of(until - timedelta(days=1))
                pieces.append((month_of(day), last, _on(was, code, day), _on(now, code, day)))
            yield from _joined(("fixed", code, CENTRAL), pieces)


_Spans = dict[str, list[tuple[date, date, _Value]]]


def _spans(tables: Tables, table: str, column: str) -> _Spans:
    """Return code -> (first day, day after the last, amount) of rows that hold an amount."""
    found: _Spans = {}
    for row in tables.rows(table):
        first = next(row[c] for c in _STARTS if c in row)
        last = next(row[c] for c in _ENDS if c in row)
        if row["amount_vnd"].isdigit():
            end = date.fromisoformat(last) + timedelta(days=1) if last else date.max
            value = (int(row["amount_vnd"]), row["confidence"])
            found.setdefault(row[column], []).append((date.fromisoformat(first), end, value))
    return found


def _on(spans: _Spans, code: str, day: date) -> _Value | None:
    return next((v for a, b, v in spans.get(code, ()) if a <= day < b), None)
