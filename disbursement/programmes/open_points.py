"""Points on which an amount is held: open legal points, missing facts, contradictions.

Wording, citation, setting and its choices are data (data/open_points.csv). An open legal point
is never guessed: the payer's setting decides it, and until then the amount is held.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from types import MappingProxyType

from disbursement.platform.errors import RefusedError
from disbursement.programmes.rates import data_file


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """One reason to hold, in words. `setting` is '' where a fact or document decides instead."""

    code: str
    setting: str
    choices: tuple[str, ...]
    default: str
    sentence_vi: str
    sentence_en: str
    citation: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The payer's decisions on the open legal points; the defaults hold.

    left_before_rise: whoever left the roll before a general rise came into force: `hold` the
    difference, pay the `old_level` only, or `rerate` (NĐ 335/2026 Art. 32.3 says "đang hưởng").
    sp_with_lower_pension: `hold`, or pay the `full` social pension (NĐ 176/2025 Art. 2).
    merit_with_sa: `hold`, or pay `both` meritorious-service allowances and social assistance.
    facility_resident: under NĐ 335/2026 `hold`, or pay `none` as NĐ 20/2021 Art. 25.5 did.
    funeral_merit_with_sa: of two funeral supports `hold`, or pay the `highest` ([PL] Art. 6.4).
    unpaid_month_of_dead: pay nobody yet (`hold`), or the funeral's `organiser`; a recorded
    heir always receives. The right itself is not in doubt.
    Raises RefusedError for a value that is not among the choices.
    """

    left_before_rise: str = "hold"
    sp_with_lower_pension: str = "hold"
    merit_with_sa: str = "hold"
    facility_resident: str = "hold"
    funeral_merit_with_sa: str = "hold"
    unpaid_month_of_dead: str = "hold"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            choices = open_point(field.name).choices
            if value not in choices:
                raise RefusedError(
                    "setting",
                    f"Cài đặt {field.name} = '{value}' không hợp lệ; "
                    f"chọn một trong: {', '.join(choices)}.",
                )

    def sha256(self) -> str:
        """Return the digest that a run pins beside its rate set."""
        text = ";".join(f"{k}={v}" for k, v in sorted(asdict(self).items()))
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def open_points() -> Mapping[str, OpenPoint]:
    """Return every point by its code."""
    rows = csv.DictReader(io.StringIO(data_file("open_points.csv").decode("utf-8")))
    return MappingProxyType(
        {
            r["code"]: OpenPoint(
                r["code"],
                r["setting"],
                tuple(c for c in r["choices"].split("|") if c),
                r["default"],
                r["sentence_vi"],
                r["sentence_en"],
                r["citation"],
                r["source"],
                r["confidence"],
            )
            for r in rows
        }
    )


def open_point(code: str) -> OpenPoint:
    """Return one point; the codes are this product's own, so an unknown one is a KeyError."""
    return open_points()[code]
