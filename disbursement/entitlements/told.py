"""A person told by an age instead of a birth, and a province told by its name.

An age is that of every month asked: `age` in whole years, `age_months` in whole months. It is read
as the earliest month of birth that gives it in the last of these months, so that it holds in the
eleven months before as well; over a longer time an age says too little and is refused by name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from disbursement.entitlements.dossier_error import DossierError
from disbursement.platform.clock import add_months
from disbursement.programmes.communes import provinces

_MOST = {"age": 120, "age_months": 1440}
_YEAR = 12


def folded(text: str) -> str:
    """Return a text without marks, case and punctuation: `Đặc biệt nặng` -> `dac_biet_nang`."""
    plain = unicodedata.normalize("NFD", text.strip().casefold().replace("đ", "d"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^0-9a-z]+", "_", plain).strip("_")


def asked_months(dossier: dict[str, Any]) -> list[int]:
    """Return the months (yyyymm) that a dossier as written names in `ask` and `already_paid`."""
    ask = dossier.get("ask")
    told: list[Any] = []
    if isinstance(ask, dict):
        months = ask.get("months")
        told += months if isinstance(months, list) else []
        told += [] if told else [ask.get("run_month")]
    paid = dossier.get("already_paid")
    if isinstance(paid, list):
        told += [p.get("covers_month") for p in paid if isinstance(p, dict)]
    return sorted({m for m in map(_yyyymm, told) if m})


def _yyyymm(value: Any) -> int:
    if isinstance(value, str) and len(value) == 7 and value[4] == "-":
        year, month = value[:4], value[5:]
        if year.isdigit() and month.isdigit() and 1 <= int(month) <= _YEAR:
            return int(year) * 100 + int(month)
    return 0


def born_of_age(person: dict[str, Any], months: Collection[int], where: str) -> dict[str, Any]:
    """Return the person with `born` for an age. Raises DossierError where it says too little."""
    told = [k for k in _MOST if k in person]
    if not told:
        return person
    name = told[0]
    at = f"{where}.{name}"
    out = {k: v for k, v in person.items() if k not in _MOST}
    if out.get("born") is not None or len(told) > 1:
        raise DossierError(at, "ghi hai lần; chỉ ghi born", "is told twice; write born only")
    value, most = person[name], _MOST[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise DossierError(at, f"phải là số nguyên từ 0 đến {most}", f"must be whole, 0 to {most}")
    span = 1 if name == "age_months" else _YEAR
    if not months or add_months(min(months), span) <= max(months):
        vi = "tuổi của tháng nào? Ghi ngày sinh (born)"
        raise DossierError(at, vi, "the age of which month? write the day of birth (born)")
    old = value if name == "age_months" else value * _YEAR + _YEAR - 1
    birth = add_months(max(months), -old)
    out["born"] = f"{birth // 100}-{birth % 100:02d}"
    return out


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    found = {}
    for p in provinces().values():
        for name in (p.name, p.full_name, p.name_en):
            found[folded(name)] = p.code
    found |= {f"tp_{folded(p.name)}": p.code for p in provinces().values()}
    return found


def province_code(value: Any) -> Any:
    """Return the two-digit code of a province told by its name; anything else as it is."""
    if not isinstance(value, str) or value.isdigit():
        return value
    return _by_name().get(folded(value), value)
