"""The law of the back pay as a person would work it out on paper, from the shipped tables alone.

No code of the product is used: the rates come from its data files, the people from the register
file, what was paid from the opening file. Enough for the clauses of the sample.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from importlib import resources
from pathlib import Path

import python_calamine

OLD = ("20/2021/NĐ-CP", "176/2025/NĐ-CP")
NEW = ("335/2026/NĐ-CP", "176/2025/NĐ-CP")
DECREE = 202610  # NĐ 335/2026 is in force from 5 October 2026
DEGREE = {"Nặng": "S", "Đặc biệt nặng": "ES", "": ""}


def table(name: str) -> list[dict[str, str]]:
    """Read a data file of the product."""
    data = resources.files("disbursement.programmes").joinpath("data", name)
    return list(csv.DictReader(data.read_text(encoding="utf-8").splitlines()))


def base(month: int) -> dict[str, int]:
    """Return the central base level of both schemes in a month, by the day it counts from."""
    day = f"{month // 100}-{month % 100:02d}-01"
    return {
        r["scheme"]: int(r["amount_vnd"])
        for r in table("base_levels.csv")
        if r["territory"] == "VN" and r["effective_from"] <= day <= (r["effective_to"] or "9")
    }


def months(first: int, last: int) -> Iterator[int]:
    """Yield the months of 2026 from first to last."""
    yield from range(first, last + 1)


@dataclass(frozen=True)
class Row:
    """One row of the register, as far as an amount needs it."""

    identity: str
    born: tuple[int, int]  # first and last month of birth, yyyymm
    clause: str
    degree: str
    children: int
    start: int
    decided: date


def on(text: str) -> date:
    """Read dd/mm/yyyy."""
    day, month, year = map(int, text.split("/"))
    return date(year, month, day)


def register(files: list[Path]) -> dict[str, list[Row]]:
    """Read register workbooks; identity -> rows."""
    out: dict[str, list[Row]] = {}
    for path in files:
        rows = python_calamine.load_workbook(str(path)).get_sheet_by_index(0).iter_rows()
        head, *body = ([str(c) for c in r] for r in rows)
        for cells in body:
            r = dict(zip(head, cells, strict=True))
            birth = r["Ngày sinh"].split("/")
            year = int(birth[-1]) * 100
            born = (year + int(birth[-2]),) * 2 if len(birth) > 1 else (year + 1, year + 12)
            start = r["Hưởng từ tháng"].split("/")
            out.setdefault(r["Số định danh cá nhân"], []).append(
                Row(
                    r["Số định danh cá nhân"], born, r["Diện hưởng"],
                    DEGREE[r["Mức độ khuyết tật"]], int(r["Số con đang nuôi"] or 1),
                    int(start[1]) * 100 + int(start[0]),
                    on(r["Ngày quyết định"]),
                )
            )  # fmt: skip
    return out


def coefficient(row: Row, month: int, instruments: tuple[str, str]) -> Fraction:
    """Return the coefficient of a row in a month; 0 before its start and past its age.

    An age counts in the month in which it is reached; leaving the last age acts a month later.
    """
    if month < row.start:
        return Fraction(0)
    ages = {(month // 100 - b // 100) * 12 + month % 100 - b % 100 for b in row.born}
    found = {_band(row, age, instruments) for age in ages}
    assert len(found) == 1, "the sample's years of birth alone leave the amount certain"
    return found.pop() * row.children


def _band(row: Row, age_months: int, instruments: tuple[str, str]) -> Fraction:
    bands = sorted(
        (int(r["age_from_years"] or 0) * 12, int(r["age_to_years_exclusive"] or 999) * 12,
         Fraction(r["coefficient"]))
        for r in RATES
        if r["kind"] == "monthly_allowance" and r["clause"] == row.clause
        and r["degree"] == row.degree and r["instrument"] in instruments
        and r["rate_code"] != "SA26.K2.GE22"
    )  # fmt: skip
    if age_months - 1 >= bands[-1][1]:
        return Fraction(0)
    return [c for low, _, c in bands if low <= age_months][-1]


RATES = table("social_assistance_rates.csv")


def level(rows: list[Row], month: int, *, new: bool) -> int:
    """Return a person's amount of a month at the old level or at the new one, in dong."""
    levels = base(month if new else 202606)
    total = sum(
        (
            coefficient(r, month, NEW if new else OLD) * levels["SP" if r.clause == "SP" else "SA"]
            for r in rows
        ),
        Fraction(0),
    )
    assert total.denominator == 1
    return int(total)


def opened(path: Path) -> dict[str, dict[int, int]]:
    """Read the opening file: identity -> month -> what was paid, in dong."""
    with path.open(encoding="utf-8", newline="") as source:
        return {
            r["Số định danh cá nhân"]: {
                202600 + n: int(r[f"Đã trả {n:02d}/2026"])
                for n in (7, 8, 9)
                if r[f"Đã trả {n:02d}/2026"]
            }
            for r in csv.DictReader(source)
        }


def stayed(rows: list[Row]) -> bool:
    """Tell whether the person was still on the roll when the decree came into force."""
    return level(rows, DECREE, new=True) > 0
