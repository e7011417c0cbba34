"""What a dossier may say: categories, the facts each takes, and the types of the facts.

Data: dossier_categories.csv, dossier_facts.csv, and list_programmes.csv (each row of which is a
category of its own, so that a new programme of a known shape is a row and no code).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from disbursement.programmes.rates import data_file

#: Facts that every category of a shape takes besides its own.
SHAPE_FACTS: Mapping[str, tuple[str, ...]] = {
    "soc": ("in_facility", "merit_allowance"),
    "one_off_window": ("citizen", "claimed_on"),
    "quarterly_household": ("household", "policy_household", "tier1_price_vnd"),
    "termly_student": ("amount_vnd", "enrolled_from", "enrolled_to"),
    "decided_list": ("amount_vnd", "amount_months"),
}
LIST_SHAPES = ("one_off_window", "quarterly_household", "termly_student", "decided_list")


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of case: its programme, the shape of its rule, and the facts it knows."""

    code: str
    programme: str
    shape: str
    facts: tuple[str, ...]
    title_vi: str
    title_en: str


@dataclass(frozen=True, slots=True)
class FactKind:
    """One fact: its type (choice, yes_no, day, money, count, person, people, ...)."""

    name: str
    type: str
    choices: tuple[str, ...]
    meaning_vi: str
    meaning_en: str


def _rows(name: str) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(data_file(name).decode("utf-8")))


@lru_cache(maxsize=1)
def fact_kinds() -> Mapping[str, FactKind]:
    """Return every fact by its name."""
    return MappingProxyType(
        {
            r["fact"]: FactKind(
                r["fact"],
                r["type"],
                tuple(c for c in r["choices"].split("|") if c),
                r["meaning_vi"],
                r["meaning_en"],
            )
            for r in _rows("dossier_facts.csv")
        }
    )


@lru_cache(maxsize=1)
def fixed_categories() -> Mapping[str, Category]:
    """Return the categories of the law (dossier_categories.csv) by code."""
    return MappingProxyType(
        {
            r["category"]: Category(
                r["category"],
                r["programme"],
                r["shape"],
                (*r["facts"].split(), *SHAPE_FACTS.get(r["shape"], ())),
                r["title_vi"],
                r["title_en"],
            )
            for r in _rows("dossier_categories.csv")
        }
    )


#: What people write for a category that has another code here.
_ALSO = {
    "K5D": "K5b",
    "LS": "SURVIVOR",
    "17.1": "C17.1",
    "17.2.A": "C17.2a",
    "17.2.C": "C17.2c",
    "17.2.D": "C17.2d",
    "C17.2.A": "C17.2a",
    "C17.2.C": "C17.2c",
    "C17.2.D": "C17.2d",
}


def canonical(text: str) -> str:
    """Return the code under which a category is known: `K5A`, `5.5.a` and `k5a` are one."""
    plain = text.strip().upper()
    if plain in _ALSO:
        return _ALSO[plain]
    if found := re.fullmatch(r"5\.([1-8])(?:\.?([A-D]))?", plain):
        plain = f"K{found[1]}{found[2] or ''}"
    if plain in _ALSO:
        return _ALSO[plain]
    return next((c for c in fixed_categories() if c.upper() == plain), text.strip())
