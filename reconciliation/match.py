"""Matching one thing a rail said with what we expect. Pure: no database, no bank, no clock.

A rail says things in two ways. A *status* (pain.002) is only words; an *entry* (a booked line of a
statement) is money. Amounts match exactly or not at all. The same words again change nothing; the
same money again is more money, and goes to a person's desk. What cannot be matched is never
refused here (facts are always recordable): it gets a verdict that sends the money to suspense.

`reconciliation/store.py` is the set-wise form of the same rules; a property test keeps them equal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FINE",
    "PARKS",
    "PLACES",
    "VERDICTS",
    "WANTS",
    "Expected",
    "Item",
    "Place",
    "Verdict",
    "Wants",
    "judge",
    "judge_all",
]

Wants = Literal["credited", "returned", "rejected", "settled", "noted"]
"""credited, returned: booked entries (debit and credit of our account). rejected: a final negative
status. settled: a status that claims settlement, no proof of it. noted: any other status."""
Place = Literal["unsent", "desk", "transit", "claimed", "paid", "rejected", "returned"]
"""Where the attempt's money is: not sent; at a cash desk; on its way; on its way and claimed to be
settled; paid; back after a rejection or cancellation; back after a return."""
Verdict = Literal[
    "matched", "repeated", "no_id", "unknown_id", "other_payer", "not_yet_sent", "account_differs",
    "amount_differs", "wrong_place", "contradiction", "return_first",
]  # fmt: skip

WANTS: tuple[Wants, ...] = ("credited", "returned", "rejected", "settled", "noted")
PLACES: tuple[Place, ...] = (
    "unsent", "desk", "transit", "claimed", "paid", "rejected", "returned",
)  # fmt: skip
VERDICTS: tuple[Verdict, ...] = (
    "matched", "repeated", "no_id", "unknown_id", "other_payer", "not_yet_sent", "account_differs",
    "amount_differs", "wrong_place", "contradiction", "return_first",
)  # fmt: skip
FINE = frozenset({"matched", "repeated"})
PARKS = frozenset({"account_differs", "amount_differs", "wrong_place", "contradiction"})
"""Verdicts after which two people decide about the attempt."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing said. `key` names the attempt (None: no readable id); amounts in dong.

    `amount_vnd` is None where a status gave none. `charges_vnd` is what the bank kept of a return.
    """

    n: int
    wants: Wants
    key: int | None
    amount_vnd: int | None
    charges_vnd: int = 0
    account_differs: bool = False
    """The rail repeated an account (or bank) that is not the order's."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One attempt. `owner` is whose it is, compared with the owner of the file."""

    key: int
    owner: int
    amount_vnd: int
    place: Place


def judge(
    item: Item, expected: Expected | None, owner: int, *, repeat: int = 1, mixed: bool = False
) -> Verdict:
    """Return the verdict on one item.

    `repeat` counts items of this kind about this attempt in the file, from 1; `mixed` says that
    the file holds both a rejection and another status about it.
    """
    if expected is None:
        return "no_id" if item.key is None else "unknown_id"
    if expected.owner != owner:
        return "other_payer"
    if expected.place == "unsent":
        return "not_yet_sent"
    if expected.place == "desk":
        return "wrong_place"
    if item.account_differs:
        return "account_differs"
    if not _fits(item, expected):
        return "amount_differs"
    if item.wants in ("credited", "returned"):
        return _entry(item.wants, expected.place, repeat)
    if mixed:
        return "contradiction"
    return _status(item.wants, expected.place, repeat)


def _fits(item: Item, expected: Expected) -> bool:
    if item.amount_vnd is None:
        return True
    kept = item.charges_vnd if item.wants == "returned" else 0
    return item.amount_vnd + kept == expected.amount_vnd


def _entry(wants: str, place: Place, repeat: int) -> Verdict:
    flying = place in ("transit", "claimed")
    if repeat > 1:
        return "wrong_place"
    if wants == "credited":
        return "matched" if flying else "wrong_place"
    if flying:
        return "return_first"
    return "matched" if place == "paid" else "wrong_place"


def _status(wants: str, place: Place, repeat: int) -> Verdict:
    if wants == "settled":
        return "contradiction" if place == "rejected" else "matched"
    if wants == "noted":
        return "matched"
    if place in ("claimed", "paid"):
        return "contradiction"
    return "matched" if place == "transit" and repeat == 1 else "repeated"


def judge_all(items: Sequence[Item], expected: Mapping[int, Expected], owner: int) -> list[Verdict]:
    """Return the verdicts on a whole file, in its order: debits are applied before returns."""
    repeats: Counter[tuple[int | None, str]] = Counter()
    counted = []
    said: dict[int | None, set[str]] = defaultdict(set)
    for item in items:
        repeats[item.key, item.wants] += 1
        counted.append(repeats[item.key, item.wants])
        said[item.key].add(item.wants)
    out: list[Verdict] = []
    debited: set[int] = set()
    for item, repeat in zip(items, counted, strict=True):
        want = expected.get(item.key) if item.key is not None else None
        words = said[item.key] & {"rejected", "settled", "noted"}
        mixed = "rejected" in words and len(words) > 1
        verdict = judge(item, want, owner, repeat=repeat, mixed=mixed)
        if item.wants == "credited" and verdict == "matched" and item.key is not None:
            debited.add(item.key)
        out.append(verdict)
    return [
        "matched" if v == "return_first" and item.key in debited else v
        for v, item in zip(out, items, strict=True)
    ]
