"""Posting the difference of one person and month: the worked cases, and what always holds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from disbursement.entitlements.compare import Coin, Difference, Step, post_difference


def steps(found: Difference) -> list[tuple[str, str, int, int, int, int, int]]:
    return [(s.debit, s.credit, s.item, s.move, s.rev, s.due_after, s.amount) for s in found.steps]


def test_first_accrual_is_revision_zero() -> None:
    assert steps(post_difference(810_000, 0, None, [])) == [
        ("expense", "payable", 0, 0, 0, 810_000, 810_000)
    ]


def test_a_rise_is_the_next_revision() -> None:
    paid = [Coin(0, 2, "paid", 750_000)]
    assert steps(post_difference(810_000, 750_000, 0, paid)) == [
        ("expense", "payable", 1, 0, 1, 810_000, 60_000)
    ]


def test_nothing_changes_where_due_is_owed() -> None:
    assert steps(post_difference(810_000, 810_000, 1, [])) == []


def test_death_cancels_the_unpaid_and_claims_the_paid() -> None:
    """October of coins.md's case: 750,000 paid, 60,000 unpaid; due is nothing."""
    coins = [Coin(0, 2, "paid", 750_000), Coin(1, 3, "payable", 60_000)]
    assert steps(post_difference(0, 810_000, 1, coins)) == [
        ("payable", "expense", 1, 4, 2, 750_000, 60_000),
        ("overpaid", "expense", 3, 0, 3, 0, 750_000),
    ]


def test_a_mistaken_death_restores_before_it_mints() -> None:
    coins = [
        Coin(0, 2, "paid", 750_000),
        Coin(1, 4, "other", 60_000),
        Coin(3, 0, "overpaid", 750_000, 750_000),
    ]
    assert steps(post_difference(810_000, 0, 3, coins)) == [
        ("expense", "overpaid", 3, 1, 4, 750_000, 750_000),
        ("expense", "payable", 5, 0, 5, 810_000, 60_000),
    ]


def test_a_coin_is_cancelled_whole_and_the_rest_minted_again() -> None:
    coins = [Coin(0, 0, "payable", 810_000)]
    assert steps(post_difference(500_000, 810_000, 0, coins)) == [
        ("payable", "expense", 0, 1, 1, 0, 810_000),
        ("expense", "payable", 2, 0, 2, 500_000, 500_000),
    ]


def test_what_is_on_its_way_waits() -> None:
    found = post_difference(0, 810_000, 0, [Coin(0, 1, "transit", 810_000)])
    assert found.steps == []
    assert found.waits_vnd == 810_000


places = st.sampled_from(["payable", "transit", "agent", "paid"])


@given(st.lists(st.tuples(places, st.integers(1, 9)), min_size=1, max_size=6), st.integers(0, 60))
def test_every_difference_ends_at_due_or_says_what_waits(
    made: list[tuple[str, int]], due: int
) -> None:
    coins = [Coin(i, 1, p, a) for i, (p, a) in enumerate(made)]  # type: ignore[arg-type]
    owed = sum(c.amount for c in coins)
    last = len(coins) - 1
    found = post_difference(due, owed, last, coins)
    _check_book(found.steps, owed, last, coins)
    after = found.steps[-1].due_after if found.steps else owed
    assert after == due + found.waits_vnd
    moving = sum(c.amount for c in coins if c.place in ("transit", "agent"))
    assert 0 <= found.waits_vnd <= moving
    claimed = found.total("overpaid", "expense")
    assert claimed <= sum(c.amount for c in coins if c.place == "paid")


def _check_book(found: Sequence[Step], owed: int, last: int, coins: Sequence[Coin]) -> None:
    """Revisions go on without a gap, each says what is owed after it; coins cancel whole, once."""
    whole = {c.item: c.amount for c in coins if c.place == "payable"}
    for n, step in enumerate(found, 1):
        assert step.rev == last + n
        owed += step.amount if step.debit == "expense" else -step.amount
        assert step.due_after == owed >= 0
        assert step.amount > 0
        if step.debit == "payable":
            assert whole.pop(step.item) == step.amount
