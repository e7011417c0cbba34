"""Programmes that are lists: a gift with a window, quarterly, termly, decided elsewhere.

A row of list_programmes.csv is a programme: a new one of a known shape is a row, no code.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from disbursement.platform.clock import month_of, parse_month
from disbursement.platform.errors import NotFoundError, RefusedError
from disbursement.programmes.catalogue import LIST_SHAPES, SHAPE_FACTS, Category
from disbursement.programmes.rates import CONFIDENCES, data_file

FILE = "list_programmes.csv"
MERITORIOUS = "meritorious"
"""The shape of meritorious service: the amounts are those of meritorious_rates.csv."""
SHAPES = (*LIST_SHAPES, MERITORIOUS)


@dataclass(frozen=True, slots=True)
class ListRate:
    """One row: a programme's amount for the days from `first_day` to `last_day`."""

    code: str
    shape: str
    unit: str
    title_vi: str
    title_en: str
    amount_vnd: int | None
    quantity: int | None  # kWh a month, for electricity
    unit_price_vnd: int | None
    first_day: date
    last_day: date | None
    cover_month: int | None  # the month a one-off is for, whatever the run
    term_months: tuple[int, ...]  # the month of the year in which each term begins
    in_force_from: date
    citation: str
    confidence: str
    note: str


def line_of(code: str) -> str:
    """Return the budget line of a list programme: its code, without the dot that accounts use."""
    return code.replace(".", "_")


@dataclass(frozen=True, eq=False)
class ListRates:
    """All list programmes, by code; rows of one code by day. `sha256` of the table's bytes."""

    rows: Mapping[str, tuple[ListRate, ...]] = field(repr=False)
    sha256: str = ""

    def find(self, code: str) -> tuple[ListRate, ...]:
        """Return the rows of a programme by its code or budget line. Raises NotFoundError."""
        for known, rows in self.rows.items():
            if code in (known, line_of(known)):
                return rows
        raise NotFoundError(
            "programme",
            f"Không có chương trình '{code}' trong bảng danh mục; có: {', '.join(self.rows)}. "
            "Chương trình mới cùng dạng là một dòng của list_programmes.csv (`rates import`).",
        )

    def categories(self) -> dict[str, Category]:
        """Return each programme as a category of a dossier; a merit has categories of its own."""
        return {
            code: Category(
                code, "LIST", r[0].shape, SHAPE_FACTS[r[0].shape], r[0].title_vi, r[0].title_en
            )
            for code, r in self.rows.items()
            if r[0].shape != MERITORIOUS
        }

    def rate(self, code: str, month: int, law_on: date) -> ListRate | None:
        """Return the row that counts for a month by the law usable on `law_on`, or None."""
        found = [
            r
            for r in self.rows[code]
            if r.in_force_from <= law_on
            and month_of(r.first_day) <= month
            and (r.last_day is None or month <= month_of(r.last_day))
        ]
        return max(found, key=lambda r: r.first_day, default=None)


def load_list_rates(data: bytes) -> ListRates:
    """Read list_programmes.csv. Raises RefusedError naming row and column."""
    rows: dict[str, list[ListRate]] = {}
    for n, r in enumerate(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))), 2):
        rows.setdefault(r["programme"], []).append(_row(n, r))
    for code, found in rows.items():
        if len({r.shape for r in found}) > 1:
            raise RefusedError("rate_data", f"{FILE}: {code} có hai dạng (shape) khác nhau.")
    sha256 = hashlib.sha256(data).hexdigest()
    ordered = {c: tuple(sorted(x, key=lambda r: r.first_day)) for c, x in rows.items()}
    return ListRates(ordered, sha256)


def _row(n: int, r: Mapping[str, str]) -> ListRate:
    if r["shape"] not in SHAPES:
        raise RefusedError(
            "rate_data", f"{FILE}, dòng {n}, cột shape: chỉ nhận {', '.join(SHAPES)}."
        )
    if r["confidence"] not in CONFIDENCES:
        raise RefusedError(
            "rate_data", f"{FILE}, dòng {n}, cột confidence: chỉ nhận {', '.join(CONFIDENCES)}."
        )
    try:
        return ListRate(
            r["programme"],
            r["shape"],
            r["unit"],
            r["title_vi"],
            r["title_en"],
            int(r["amount_vnd"]) if r["amount_vnd"] else None,
            int(r["quantity"]) if r["quantity"] else None,
            int(r["unit_price_vnd"]) if r["unit_price_vnd"] else None,
            date.fromisoformat(r["first_day"]),
            date.fromisoformat(r["last_day"]) if r["last_day"] else None,
            parse_month(r["cover_month"]) if r["cover_month"] else None,
            tuple(int(m) for m in r["term_months"].split("|") if m),
            date.fromisoformat(r["legal_in_force_from"]),
            r["citation"],
            r["confidence"],
            r["note"],
        )
    except ValueError as error:
        raise RefusedError("rate_data", f"{FILE}, dòng {n}: {error}; sửa ô này.") from None


@lru_cache(maxsize=1)
def shipped_list_rates() -> ListRates:
    """Return the list programmes that come with the product (loaded once)."""
    return load_list_rates(data_file(FILE))
