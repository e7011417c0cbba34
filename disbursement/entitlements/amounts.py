"""What every part of the law hands to `explain`: amounts of one unit and month, with reasons.

A unit is what can be owed once (coins.md 3): a person's social assistance, a couple's child
support, a merit. Within a unit and month only the sum counts; between units nothing is netted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from disbursement.programmes.rates import CONFIDENCES

VIETNAMESE = str.maketrans(".,", ",.")
"""1.5 and 810,000 are written 1,5 and 810.000."""


@dataclass(frozen=True)
class Item:
    """One amount of a month. `arithmetic` is in plain figures: `1.5 × 540,000`.

    `why_vi`/`why_en`: why it is held ('' where it is due). `known`: False where nobody can say
    how much the hold would add.
    """

    case: str
    holder: str
    payee: str
    amount_vnd: int
    rate_code: str
    arithmetic: str
    citation: str
    confidence: str
    title_vi: str
    title_en: str
    why_vi: str = ""
    why_en: str = ""
    tag: str = ""
    known: bool = True


@dataclass(frozen=True)
class Nothing:
    """Why a month gives nothing: said to the person, with its article."""

    text_vi: str
    text_en: str
    citation: str
    confidence: str = "seen"


@dataclass(frozen=True)
class Gap:
    """What the law as loaded does not reach, said in both languages: it pays nothing."""

    text_vi: str
    text_en: str


def gap(vi: str, en: str) -> Gap:
    """Return a gap whose English sentence begins `not covered: `, as readers of JSON expect."""
    return Gap(f"không thuộc phạm vi tính: {vi}", f"not covered: {en}")


@dataclass(frozen=True)
class MonthAmount:
    """What one unit is due for one month: certain, held, and why not more.

    `not_covered`: what the rules do not reach. `earlier`: the sums of the items
    under earlier states of the law, to read from a paid total what was paid for each item.
    """

    unit: str
    month: int
    cases: tuple[str, ...]
    items: tuple[Item, ...] = ()
    held: tuple[Item, ...] = ()
    nothing: Nothing | None = None
    not_covered: tuple[Gap, ...] = ()
    earlier: tuple[tuple[tuple[str, int], ...], ...] = ()
    notes: tuple[tuple[str, str], ...] = field(default=())

    @property
    def total_vnd(self) -> int:
        """Return what is certainly due, in dong."""
        return sum(i.amount_vnd for i in self.items)

    @property
    def at_most_vnd(self) -> int | None:
        """Return the sum if every hold were lifted; None where that is unknown."""
        if not all(h.known for h in self.held):
            return None
        return self.total_vnd + sum(h.amount_vnd for h in self.held)


def least_sure(confidences: Sequence[str]) -> str:
    """Return the least sure of several confidences."""
    return max(confidences, key=CONFIDENCES.index)


def figure(amount: int) -> str:
    """Write dong in plain figures: 810,000."""
    return f"{amount:,}"
