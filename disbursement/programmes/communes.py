"""Communes and provinces as of 1 July 2025 (no districts). Codes are text: `00004` is not 4.

Source of the rows: thanglequoc/vietnamese-provinces-database (MIT licence, notice beside the
data), with the columns `source` and `confidence` of every row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from disbursement.platform.errors import NotFoundError
from disbursement.programmes.rates import data_file


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 34 provinces and centrally run cities."""

    code: str
    name: str
    full_name: str
    name_en: str
    communes: int  # how many it has


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone: the payer of its residents' allowances."""

    code: str
    name: str
    full_name: str
    kind: str  # Xã | Phường | Đặc khu
    province: Province


def _rows(name: str) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(data_file(name).decode("utf-8")))


@lru_cache(maxsize=1)
def provinces() -> Mapping[str, Province]:
    """Return all provinces by their two-digit code, in the order of the codes."""
    return MappingProxyType(
        {
            r["province_code"]: Province(
                r["province_code"],
                r["name_vi"],
                r["full_name_vi"],
                r["name_en"],
                int(r["communes"]),
            )
            for r in _rows("provinces_2026.csv")
        }
    )


@lru_cache(maxsize=1)
def communes() -> Mapping[str, Commune]:
    """Return all communes by their five-digit code."""
    known = provinces()
    return MappingProxyType(
        {
            r["commune_code"]: Commune(
                r["commune_code"],
                r["name_vi"],
                r["full_name_vi"],
                r["type_vi"],
                known[r["province_code"]],
            )
            for r in _rows("communes_2026.csv")
        }
    )


def commune(code: str) -> Commune:
    """Look up a commune. Raises NotFoundError with a sentence that says what to do."""
    found = communes().get(code)
    if found is None:
        raise NotFoundError(
            "commune_unknown",
            f"Không có xã, phường mã '{code}' trong danh mục năm 2026; "
            "mã gồm 5 chữ số dạng chữ, giữ cả số 0 ở đầu.",
            en=f"no commune '{code}' in the 2026 list; codes are five digits kept as text",
        )
    return found


def province(code: str) -> Province:
    """Look up a province. Raises NotFoundError with a sentence that says what to do."""
    found = provinces().get(code)
    if found is None:
        raise NotFoundError(
            "province_unknown",
            f"Không có tỉnh, thành phố mã '{code}' trong danh mục năm 2026; "
            "mã gồm 2 chữ số dạng chữ, giữ cả số 0 ở đầu.",
            en=f"no province '{code}' in the 2026 list; codes are two digits kept as text",
        )
    return found


@lru_cache(maxsize=64)
def communes_of(province_code: str) -> tuple[Commune, ...]:
    """Return a province's communes in the order of their codes.

    Raises NotFoundError where the province is unknown.
    """
    province(province_code)
    found = [c for c in communes().values() if c.province.code == province_code]
    return tuple(sorted(found, key=lambda c: c.code))
