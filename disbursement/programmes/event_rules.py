"""What an event does to a case, and from which month: a table per regime (event_rules.csv).

Regimes: ND20 (social assistance and social pension, events before 5 October 2026), ND335 (from
then), NCC (meritorious service). `months_after` 0: the month of the event is the first without
the money; 1: the month after it (a stop acts in the month right after).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from disbursement.programmes.rates import data_file

ND335_IN_FORCE = date(2026, 10, 5)


@dataclass(frozen=True, slots=True)
class EventRule:
    """One row: effect `stop`, `suspend` or `none`; `restores`: back pay when resumed."""

    regime: str
    event: str
    effect: str
    months_after: int
    restores: bool
    citation: str
    confidence: str
    text_vi: str
    text_en: str


@lru_cache(maxsize=1)
def event_rules() -> Mapping[tuple[str, str], EventRule]:
    """Return every row by (regime, event)."""
    rows = csv.DictReader(io.StringIO(data_file("event_rules.csv").decode("utf-8")))
    return MappingProxyType(
        {
            (r["regime"], r["event"]): EventRule(
                r["regime"],
                r["event"],
                r["effect"],
                int(r["months_after"]),
                r["restores"] == "yes",
                r["citation"],
                r["confidence"],
                r["text_vi"],
                r["text_en"],
            )
            for r in rows
        }
    )


def regime(programme: str, day: date) -> str:
    """Return under whose rules an event of that day acts."""
    if programme == "NCC":
        return "NCC"
    return "ND335" if day >= ND335_IN_FORCE else "ND20"
