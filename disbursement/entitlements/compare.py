"""Post the difference: what one (sub, covered month) needs when due is not what is owed.

Pure. The plain case (nothing accrued yet, or a rise with no receivable open) is done set-wise in
entitlements/service.py; everything else comes here. Rules: coins.md 2 (restore before minting,
cancel before claiming, what is in transit waits), coins.md 1 (revisions number every line that
touches an expense account).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Place = Literal["payable", "transit", "agent", "paid", "expense", "overpaid", "other"]


@dataclass(frozen=True)
class Coin:
    """One coin, or one receivable (`place` 'overpaid'), of a sub and covered month.

    `amount` in dong; for a receivable `open_vnd` is what is not yet repaid, restored or written
    off, `forgiven_vnd` what was written off: the person has that money and keeps it.
    """

    item: int
    move: int
    place: Place
    amount: int
    open_vnd: int = 0
    forgiven_vnd: int = 0


@dataclass(frozen=True)
class Step:
    """One line to post: kinds of the accounts, item, move, revision, `due_after`, amount."""

    debit: Literal["expense", "payable", "overpaid"]
    credit: Literal["payable", "expense", "overpaid"]
    item: int
    move: int
    rev: int
    due_after: int
    amount: int


@dataclass
class Difference:
    """The steps, and what is not posted (dong).

    `waits_vnd` is in transit or at a cash agent; `kept_vnd` was paid, claimed back and written off:
    the right is there again, but the person was never asked for that money.
    """

    steps: list[Step] = field(default_factory=list)
    waits_vnd: int = 0
    kept_vnd: int = 0

    def total(self, debit: str, credit: str) -> int:
        """Return the sum of the steps of one kind, in dong."""
        return sum(s.amount for s in self.steps if (s.debit, s.credit) == (debit, credit))


def post_difference(due: int, owed: int, last_rev: int | None, coins: Sequence[Coin]) -> Difference:
    """Return the steps that bring what is owed from `owed` to `due` (both dong, >= 0).

    `last_rev` is the last revision of this sub and month, None where nothing was ever accrued.
    Steps are numbered on from it. Never nets between months (coins.md 2).
    """
    out = Difference()
    if due > owed:
        _more(out, due, owed, last_rev, coins)
    elif due < owed:
        _less(out, due, owed, last_rev if last_rev is not None else 0, coins)
    return out


def _more(
    out: Difference, due: int, owed: int, last_rev: int | None, coins: Sequence[Coin]
) -> None:
    rev = -1 if last_rev is None else last_rev
    rest = due - owed
    for coin in coins:
        if coin.place != "overpaid" or coin.open_vnd <= 0 or rest == 0:
            continue
        rev += 1
        part = min(rest, coin.open_vnd)
        owed += part
        rest -= part
        out.steps.append(Step("expense", "overpaid", coin.item, coin.move + 1, rev, owed, part))
    out.kept_vnd = min(rest, sum(c.forgiven_vnd for c in coins))
    rest -= out.kept_vnd
    if rest:
        rev += 1
        out.steps.append(Step("expense", "payable", rev, 0, rev, owed + rest, rest))


def _less(out: Difference, due: int, owed: int, last_rev: int, coins: Sequence[Coin]) -> None:
    rest = owed - due
    rev = last_rev
    for coin in sorted(coins, key=lambda c: -c.item):
        if coin.place != "payable" or rest <= 0:
            continue
        rev += 1
        owed -= coin.amount
        rest -= coin.amount
        out.steps.append(
            Step("payable", "expense", coin.item, coin.move + 1, rev, owed, coin.amount)
        )
    if rest < 0:
        rev += 1
        owed -= rest
        out.steps.append(Step("expense", "payable", rev, 0, rev, owed, -rest))
        return
    moving = sum(c.amount for c in coins if c.place in ("transit", "agent"))
    out.waits_vnd = min(rest, moving)
    claim = rest - out.waits_vnd
    if claim:
        rev += 1
        out.steps.append(Step("overpaid", "expense", rev, 0, rev, owed - claim, claim))
