"""Random postings against an oracle that knows the rules of the design and none of our SQL.

Postings are made around the present state, most of them a little wrong: stale numbers, other
amounts, other carriers, other places. The oracle keeps its own picture of every coin. Whatever the
ledger accepts, the oracle must allow; whatever the oracle allows, the ledger must accept; so a rule
that is too weak and one that is too strong are both found.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from ledger.errors import LedgerError
from ledger.verify import verify
from tests.ledger.world import World

COVERS = (202607, 202608)
PLACES = {"PAY": "payable", "TRA": "transit", "TRB": "transit", "AGT": "agent", "ADV": "paid",
          "OVP": "overpaid", "EXP": "expense", "TRE": "treasury", "SUS": "suspense"}  # fmt: skip
LEGAL = {
    ("expense", "payable"): ("open", {"list"}),
    ("payable", "expense"): ("off", {"list", "correction"}),
    ("overpaid", "expense"): ("open", {"list", "correction"}),
    ("expense", "overpaid"): ("set", {"list", "correction"}),
    ("payable", "transit"): ("out", {"batch"}),
    ("payable", "agent"): ("out", {"batch"}),
    ("transit", "paid"): ("on", {"answer", "correction"}),
    ("transit", "payable"): ("on", {"answer", "correction"}),
    ("paid", "payable"): ("on", {"answer", "correction"}),
    ("agent", "paid"): ("on", {"answer", "correction"}),
    ("agent", "payable"): ("on", {"correction"}),
    ("overpaid", "suspense"): ("open", {"correction"}),
    ("treasury", "overpaid"): ("set", {"settlement", "correction"}),
    ("paid", "overpaid"): ("set", {"settlement", "correction"}),
}
# (cover, debit, credit, sub, item, move, carrier key, rev, due, amount)
Line = tuple[int, str, str, int, int, int, int | None, int | None, int | None, int]


@dataclass
class Coin:
    """A coin's place, amount, last move, and the carrier it is under."""

    place: str
    amount: int
    move: int
    carrier: int | None = None
    of_n: int | None = None


@dataclass
class Month:
    """One (sub, covered month): revisions so far, what is owed, coins, receivables."""

    revs: int = 0
    due: int = 0
    coins: dict[int, Coin] = field(default_factory=dict)
    claims: dict[int, list[Any]] = field(
        default_factory=dict
    )  # item -> [amount, repaid, moves, rev?]

    def copy(self) -> Month:
        return Month(
            self.revs, self.due, {k: Coin(**vars(c)) for k, c in self.coins.items()},
            {k: [*v[:2], set(v[2]), v[3]] for k, v in self.claims.items()},
        )  # fmt: skip


class RefusedError(Exception):
    """The oracle does not allow the journal."""


class Oracle:
    def __init__(self) -> None:
        self.months: dict[tuple[int, int], Month] = defaultdict(Month)

    def post(self, kind: str, lines: list[Line], sent: dict[int, int]) -> None:
        """Apply a journal or raise RefusedError and stay as it was; `sent`: carrier key -> of_n."""
        kept = {k: m.copy() for k, m in self.months.items()}
        try:
            self._apply(kind, lines, sent)
        except RefusedError:
            self.months = defaultdict(Month, kept)
            raise

    def _apply(self, kind: str, lines: list[Line], sent: dict[int, int]) -> None:
        moved: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
        touched: set[tuple[int, int, int]] = set()
        # revisions in their order, moves in theirs: a journal says all at once
        for line in sorted(lines, key=lambda x: (x[5], -1 if x[7] is None else x[7])):
            cover, debit, credit, sub, item, move, carrier, rev, due, amount = line
            shape, kinds = LEGAL.get((PLACES[debit], PLACES[credit]), ("", set()))
            if kind not in kinds:
                raise RefusedError("pair")
            month = self.months[sub, cover]
            if (PLACES[debit] == "expense" or PLACES[credit] == "expense") != (rev is not None):
                raise RefusedError("revision on the wrong line")
            if (carrier is not None) != (shape in {"out", "on"}):
                raise RefusedError("carrier")
            if carrier is not None:
                moved[carrier].append((credit, sent.get(carrier)))
                if (sub, cover, item) in touched:
                    raise RefusedError("twice in one journal")
                touched.add((sub, cover, item))
            self._shape(shape, month, line, sent)
            _ = due, amount, move
        for key in {(x[3], x[0]) for x in lines}:
            self._revisions(self.months[key], [x for x in lines if (x[3], x[0]) == key])
        for carrier, news in moved.items():
            of = self._of(carrier, sent)
            if len(news) != of or len({c for c, _ in news}) != 1:
                raise RefusedError("split")

    def _of(self, carrier: int, sent: dict[int, int]) -> int:
        if carrier in sent:
            return sent[carrier]
        return self.sizes.get(carrier, -1)

    sizes: ClassVar[dict[int, int]] = {}

    def _shape(self, shape: str, month: Month, line: Line, sent: dict[int, int]) -> None:
        _, debit, credit, _, item, move, carrier, rev, _, amount = line
        if shape == "open":
            self._open(month, line)
            return
        if move < 1:
            raise RefusedError("move 0")
        if shape == "set":
            claim = month.claims.get(item)
            if claim is None or move in claim[2] or claim[1] + amount > claim[0]:
                raise RefusedError("receivable")
            claim[1] += amount
            claim[2].add(move)
            return
        coin = month.coins.get(item)
        if coin is None or (coin.place, coin.amount, coin.move + 1) != (debit, amount, move):
            raise RefusedError("place")
        if shape == "out":
            if carrier not in sent:
                raise RefusedError("an old carrier")
            coin.carrier, coin.of_n = carrier, sent[carrier]
        elif shape == "on":
            if carrier in sent or carrier != coin.carrier:
                raise RefusedError("another carrier")
        elif rev is not None and rev < 1:
            raise RefusedError("cancel as revision 0")
        coin.place, coin.move = credit, move

    def _open(self, month: Month, line: Line) -> None:
        _, debit, credit, _, item, move, _, rev, due, amount = line
        if move != 0 or item in month.coins or item in month.claims:
            raise RefusedError("minted before")
        if rev is not None and rev != item:
            raise RefusedError("item is not its revision")
        if credit == "SUS":
            if item < 10_000:
                raise RefusedError("item in the way of revisions")
            month.claims[item] = [amount, 0, set(), None]
        elif debit == "OVP":
            if rev is None or rev < 1:
                raise RefusedError("a claim as revision 0")
            month.claims[item] = [amount, 0, set(), rev]
        else:
            if rev == 0 and due != amount:
                raise RefusedError("due")
            month.coins[item] = Coin(credit, amount, 0)

    def _revisions(self, month: Month, lines: list[Line]) -> None:
        """Number on without gap, each due from the one before; no mint while a claim is open."""
        for line in sorted((x for x in lines if x[7] is not None), key=lambda x: x[7] or 0):
            _, debit, credit, _, item, _, _, rev, due, amount = line
            if rev != month.revs:
                raise RefusedError("revision")
            month.due += amount if PLACES[debit] == "expense" else -amount
            if month.due < 0 or due != month.due:
                raise RefusedError("due")
            month.revs += 1
            if (PLACES[debit], PLACES[credit]) == ("expense", "payable") and item > 0:
                open_ = [c for c in month.claims.values() if c[3] is not None and c[1] < c[0]]
                if open_:
                    raise RefusedError("receivable first")


def guess(rng: random.Random, oracle: Oracle, subs: tuple[int, ...], fresh: int) -> Line:
    """One line near the truth."""
    sub, cover = rng.choice(subs), rng.choice(COVERS)
    month = oracle.months[sub, cover]
    slip = rng.random
    amount = rng.choice((10, 20))
    if not month.coins or slip() < 0.25:
        debit, credit = rng.choice(
            (("EXP", "PAY"), ("EXP", "PAY"), ("EXP", "PAY"), ("OVP", "EXP"), ("OVP", "SUS"),
             ("EXP", "TRA"))
        )  # fmt: skip
        rev: int | None = max(0, month.revs + rng.choice((0, 0, 0, 0, 1, -1)))
        item = rev if credit != "SUS" or slip() < 0.2 else 10_000 + rng.randrange(3)
        due = month.due + (amount if debit == "EXP" else -amount) + rng.choice((0, 0, 0, 0, 10))
        if credit == "SUS":
            rev = None
        elif slip() < 0.06:
            item = (rev or 0) + 1
        return (cover, debit, credit, sub, item or 0, 0, None, rev,
                None if rev is None else max(0, due), amount)  # fmt: skip
    if month.claims and slip() < 0.3:
        item = rng.choice(list(month.claims))
        claim = month.claims[item]
        debit = rng.choice(("EXP", "TRE", "ADV"))
        move = 1 + max(claim[2], default=0) + rng.choice((0, 0, 0, 1, -1))
        amount = rng.choice((amount, claim[0] - claim[1] or 5))
        rev = month.revs if debit == "EXP" else None
        return (cover, debit, "OVP", sub, item, move, None, rev,
                month.due + amount if rev is not None else None, amount)  # fmt: skip
    item = rng.choice(list(month.coins))
    coin = month.coins[item]
    debit = coin.place if slip() < 0.93 else rng.choice(list(PLACES))
    ways = {"PAY": ("TRA", "TRB", "AGT", "EXP"), "TRA": ("ADV", "PAY"), "TRB": ("ADV", "PAY"),
            "AGT": ("ADV", "PAY"), "ADV": ("PAY",)}.get(debit, ("TRE",))  # fmt: skip
    credit = rng.choice(ways if slip() < 0.9 else list(PLACES))
    amount = coin.amount if slip() < 0.93 else rng.choice((5, 10, 20))
    carrier = coin.carrier
    if debit == "PAY":
        carrier = fresh if credit in {"TRA", "TRB", "AGT"} else None
    if slip() < 0.04:
        carrier = rng.choice([fresh, coin.carrier, None])
    rev = month.revs if "EXP" in (debit, credit) else None
    due = month.due + (amount if debit == "EXP" else -amount)
    move = coin.move + rng.choice((1, 1, 1, 1, 1, 1, 2, 0))
    return (cover, debit, credit, sub, item, move, carrier, rev,
            max(0, due) if rev is not None else None, amount)  # fmt: skip


KINDS = ("list", "batch", "answer", "settlement", "correction")


def kind_for(rng: random.Random, line: Line) -> str:
    fitting = LEGAL.get((PLACES[line[1]], PLACES[line[2]]), ("", {"list"}))[1]
    return rng.choice(sorted(fitting)) if rng.random() < 0.97 else rng.choice(KINDS)


def step(rng: random.Random, world: World, oracle: Oracle, subs: tuple[int, ...], n: int) -> str:
    """Post one guess to both; return what happened, raise where they differ."""
    first = guess(rng, oracle, subs, n)
    kind = kind_for(rng, first)
    lines = [first]
    whole = first[6] is not None and first[6] != n and rng.random() < 0.9
    if whole:  # the other coins of the payment
        lines = follow(oracle, first)
    else:
        lines += [guess(rng, oracle, subs, n) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    lines = [x for x in lines if x[1] != x[2]]
    if not lines:
        return "nothing"
    mine = sum(x[6] == n for x in lines)
    sent = {n: max(1, mine + rng.choice((0, 0, 0, 0, 0, 1)))} if mine else {}
    rows = [
        (c, d, k, s, i, m, carrier, None if rev is None else (rev, due), a)
        for c, d, k, s, i, m, carrier, rev, due, a in lines
    ]
    allowed = True
    try:
        oracle.post(kind, lines, sent)
    except RefusedError:
        allowed = False
    try:
        world.post(rows, list(sent.items()), kind=kind)
        accepted, code = True, "accepted"
    except LedgerError as error:
        accepted, code = False, error.code
    assert accepted == allowed, (n, kind, lines, sent, code, oracle.months)
    if accepted:
        oracle.sizes = oracle.sizes | sent
    return code


def follow(oracle: Oracle, first: Line) -> list[Line]:
    out = []
    for (sub, cover), month in oracle.months.items():
        for item, coin in month.coins.items():
            if coin.carrier == first[6] and coin.place == first[1]:
                out.append((cover, first[1], first[2], sub, item, coin.move + 1, first[6], None,
                            None, coin.amount))  # fmt: skip
    return out or [first]


def run(world: World, seed: int, steps: int) -> Counter[str]:
    rng, oracle, seen = random.Random(seed), Oracle(), Counter[str]()
    subs = (1, 2)
    for n in range(1, steps + 1):
        seen[step(rng, world, oracle, subs, n)] += 1
        if n % 250 == 0:  # fresh people: old ones fill up with revisions
            subs = (subs[0] + 2, subs[1] + 2)
    check_balances(world, oracle)
    with world.app.connect() as conn:
        report = verify(conn)
    assert report.ok, report.problems
    return seen


def check_balances(world: World, oracle: Oracle) -> None:
    """The accounts of the book hold what the oracle's coins say."""
    lying: Counter[str] = Counter()
    for month in oracle.months.values():
        for coin in month.coins.values():
            lying[coin.place] += coin.amount
    for name in ("PAY", "TRA", "TRB", "AGT"):
        assert -world.balance(name) == lying[name], name
    owed = sum(m.due for m in oracle.months.values())
    assert world.balance("EXP") == owed
    open_claims = sum(c[0] - c[1] for m in oracle.months.values() for c in m.claims.values())
    assert world.balance("OVP") == open_claims


def test_random_postings_against_the_oracle(world: World) -> None:
    steps = 1_500 if world.dialect == "sqlite" else 400
    seen = run(world, 20_261_125, steps)
    assert seen["accepted"] > steps / 6
    assert len(seen) >= 7, seen


@pytest.mark.soak
def test_random_postings_for_long(world: World) -> None:
    seed = int(os.environ.get("DISBURSE_SOAK_SEED", "7"))
    steps = int(os.environ.get("DISBURSE_SOAK_STEPS", "60000"))
    seen = run(world, seed, steps)
    assert seen["accepted"] > steps / 5
    print(f"seed {seed}: {dict(seen)}")
