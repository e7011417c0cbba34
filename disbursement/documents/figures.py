"""Figures that papers share, and the check that they add up before anything is printed."""

from __future__ import annotations

from dataclasses import dataclass

from disbursement.platform.errors import OurFaultError
from ledger.money import format_vnd, in_words_vi


@dataclass(frozen=True)
class Figure:
    """How many and how much (`amount_vnd`, whole dong) of one kind, named by its code."""

    code: str
    count: int
    amount_vnd: int


def must_agree(paper: str, what: str, said: int, summed: int) -> None:
    """Refuse to print a paper whose parts do not make its total. Raises OurFaultError."""
    if said != summed:
        raise OurFaultError(
            "paper_sum",
            f"{paper}: {what} ghi {format_vnd(said)} nhưng cộng lại là {format_vnd(summed)}; "
            "không in, hãy chạy `disburse doctor`.",
            en=f"{paper}: {what} says {said} but its parts make {summed}; not printed.",
        )


def signed_vnd(amount: int) -> str:
    """Write a difference with its sign: '+1.050.000', '−300.000', '0'."""
    if amount == 0:
        return "0"
    return ("+" if amount > 0 else "−") + format_vnd(abs(amount))


def dong_words(amount: int) -> str:
    """Write an amount in words, as payment papers end it: 'Một triệu đồng'."""
    return f"{in_words_vi(amount)} đồng"
