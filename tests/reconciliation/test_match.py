"""Pure matching, case by case, and the set-wise form against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from ledger.bulk import bulk_insert
from reconciliation import store
from reconciliation.match import PLACES, VERDICTS, WANTS, Expected, Item, judge, judge_all

OURS, THEIRS = 7, 8


@pytest.mark.parametrize(
    ("wants", "place", "verdict"),
    [
        ("credited", "transit", "matched"), ("credited", "claimed", "matched"),
        ("credited", "paid", "wrong_place"), ("credited", "rejected", "wrong_place"),
        ("credited", "returned", "wrong_place"), ("credited", "unsent", "not_yet_sent"),
        ("credited", "desk", "wrong_place"),
        ("returned", "paid", "matched"), ("returned", "transit", "return_first"),
        ("returned", "claimed", "return_first"), ("returned", "returned", "wrong_place"),
        ("returned", "rejected", "wrong_place"),
        ("rejected", "transit", "matched"), ("rejected", "claimed", "contradiction"),
        ("rejected", "paid", "contradiction"), ("rejected", "rejected", "repeated"),
        ("rejected", "returned", "repeated"), ("rejected", "desk", "wrong_place"),
        ("settled", "transit", "matched"), ("settled", "rejected", "contradiction"),
        ("settled", "returned", "matched"), ("settled", "paid", "matched"),
        ("noted", "rejected", "matched"), ("noted", "unsent", "not_yet_sent"),
    ],
)  # fmt: skip
def test_one_item(wants, place, verdict):
    assert judge(Item(1, wants, 5, 810_000), Expected(5, OURS, 810_000, place), OURS) == verdict


@pytest.mark.parametrize(
    ("amount", "verdict"),
    [(809_999, "amount_differs"), (810_001, "amount_differs"), (810_000, "matched")],
)
def test_amounts_match_to_the_dong(amount, verdict):
    assert (
        judge(Item(1, "credited", 5, amount), Expected(5, OURS, 810_000, "transit"), OURS)
        == verdict
    )
    assert (
        judge(Item(1, "rejected", 5, amount), Expected(5, OURS, 810_000, "transit"), OURS)
        == verdict
    )


def test_a_return_less_charges_matches_and_charges_mean_nothing_elsewhere():
    paid = Expected(5, OURS, 810_000, "paid")
    assert judge(Item(1, "returned", 5, 806_700, 3_300), paid, OURS) == "matched"
    assert judge(Item(1, "returned", 5, 806_700, 3_299), paid, OURS) == "amount_differs"
    flying = Expected(5, OURS, 810_000, "transit")
    assert judge(Item(1, "credited", 5, 806_700, 3_300), flying, OURS) == "amount_differs"


def test_ids():
    assert judge(Item(1, "credited", None, 5), None, OURS) == "no_id"
    assert judge(Item(1, "credited", 9, 5), None, OURS) == "unknown_id"
    assert (
        judge(Item(1, "credited", 5, 5), Expected(5, THEIRS, 5, "transit"), OURS) == "other_payer"
    )


def test_debits_come_before_returns_whatever_the_order_in_the_file():
    expected = {5: Expected(5, OURS, 100, "transit"), 6: Expected(6, OURS, 100, "transit")}
    items = [Item(1, "returned", 5, 100), Item(2, "credited", 5, 100), Item(3, "returned", 6, 100)]
    assert judge_all(items, expected, OURS) == ["matched", "matched", "return_first"]


def test_the_same_money_twice_is_more_money_and_the_same_words_twice_are_nothing():
    expected = {5: Expected(5, OURS, 100, "transit")}
    twice = [Item(1, "credited", 5, 100), Item(2, "credited", 5, 100)]
    assert judge_all(twice, expected, OURS) == ["matched", "wrong_place"]
    words = [Item(1, "rejected", 5, 100), Item(2, "rejected", 5, 100)]
    assert judge_all(words, expected, OURS) == ["matched", "repeated"]


def test_a_rejection_beside_another_status_of_the_same_attempt_contradicts():
    expected = {5: Expected(5, OURS, 100, "transit")}
    for other in ("noted", "settled"):
        items = [Item(1, "rejected", 5, None), Item(2, other, 5, None)]
        assert judge_all(items, expected, OURS) == ["contradiction", "contradiction"]


# --- set-wise ------------------------------------------------------------------------------------

_items = st.lists(
    st.tuples(
        st.sampled_from(WANTS),
        st.sampled_from([None, 1, 2, 3, 4, 9]),
        st.sampled_from([None, 100, 97, 101]),
        st.sampled_from([0, 3]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=14,
)
_expected = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from([OURS, OURS, OURS, THEIRS])),
    min_size=4,
    max_size=4,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    if request.param == "sqlite":
        url = "sqlite://"
    else:
        make: Callable[[], str] = request.getfixturevalue("new_pg_database")
        url = make()
    engine = create_engine(url)
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def _set_wise(conn: Connection, items: list[Item], expected: dict[int, Expected]) -> list[str]:
    with conn.begin() as unit:
        store.stage(
            conn,
            (
                store.Staged(
                    i.n,
                    i.wants,
                    "",
                    i.key,
                    None if i.key is None else 1,
                    f"E{i.key}",
                    i.amount_vnd,
                    i.charges_vnd,
                    "",
                    "",
                    "",
                    "",
                    "",
                    int(i.account_differs),
                )
                for i in items
            ),
        )
        conn.execute(text("DROP TABLE IF EXISTS known"))
        conn.execute(text("CREATE TEMPORARY TABLE known (k bigint, o bigint, a bigint, p text)"))
        bulk_insert(
            conn,
            "known",
            ("k", "o", "a", "p"),
            [(e.key, e.owner, e.amount_vnd, e.place) for e in expected.values()],
        )
        store.expect(
            conn,
            "SELECT k, 1, k, o, 'E' || k, a, 1, p, 0, 0 FROM known WHERE k IN "
            "(SELECT journal_id FROM recon_item) AND :one = 1",
            {"one": 1},
        )
        counts = store.judge(conn, OURS)
        rows = conn.execute(text("SELECT verdict FROM recon_verdict ORDER BY n")).scalars().all()
        assert sum(n for n, _ in counts.values()) == len(items)
        unit.rollback()
    return list(rows)


@settings(
    max_examples=int(os.environ.get("RECON_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=_items, known=_expected)
def test_set_wise_equals_pure(connection, said, known):
    items = [
        Item(
            n,
            wants,
            key,
            100 if amount is None and wants in ("credited", "returned") else amount,
            charges,
            other,
        )
        for n, (wants, key, amount, charges, other) in enumerate(said, 1)
    ]
    expected = {k: Expected(k, owner, 100, place) for k, (place, owner) in enumerate(known, 1)}
    assert _set_wise(connection, items, expected) == judge_all(items, expected, OURS)


def test_every_verdict_is_reached_set_wise(connection):
    expected = {
        1: Expected(1, OURS, 100, "transit"), 2: Expected(2, OURS, 100, "unsent"),
        3: Expected(3, THEIRS, 100, "transit"), 4: Expected(4, OURS, 100, "paid"),
        5: Expected(5, OURS, 100, "rejected"), 6: Expected(6, OURS, 100, "transit"),
        7: Expected(7, OURS, 100, "transit"),
    }  # fmt: skip
    items = [
        Item(1, "credited", 1, 100), Item(2, "rejected", 5, None), Item(3, "credited", None, 5),
        Item(4, "credited", 99, 5), Item(5, "credited", 3, 100), Item(6, "credited", 2, 100),
        Item(7, "returned", 4, 99), Item(8, "credited", 4, 100), Item(9, "settled", 5, None),
        Item(10, "returned", 6, 100), Item(11, "credited", 7, 100, account_differs=True),
    ]  # fmt: skip
    verdicts = _set_wise(connection, items, expected)
    assert verdicts == [
        "matched", "contradiction", "no_id", "unknown_id", "other_payer", "not_yet_sent",
        "amount_differs", "wrong_place", "contradiction", "return_first",
        "account_differs",
    ]  # fmt: skip
    items[8] = Item(9, "rejected", 5, None)
    assert set(verdicts) | set(_set_wise(connection, items, expected)) == set(VERDICTS)
