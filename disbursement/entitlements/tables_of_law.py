"""The tables that an explanation reads: those shipped, or those a cell has approved.

A cell hands its own approved versions in here; nothing below `explain` knows where they came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from disbursement.programmes.list_rates import ListRates, shipped_list_rates
from disbursement.programmes.merit_rates import MeritRates, shipped_merit_rates
from disbursement.programmes.rates import RateSet, shipped_rates


@dataclass(frozen=True)
class Tables:
    """Social assistance and pension, meritorious service, list programmes."""

    rates: RateSet
    merit: MeritRates
    lists: ListRates


@lru_cache(maxsize=1)
def shipped_tables() -> Tables:
    """Return the tables that come with the product (loaded once)."""
    return Tables(shipped_rates(), shipped_merit_rates(), shipped_list_rates())
