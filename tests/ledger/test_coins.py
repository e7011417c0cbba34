"""The prototype's worked cases: every legal sequence is accepted, every attack refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ledger.errors import LedgerError
from ledger.verify import verify
from tests.ledger.world import Row, World

BACK = (202607, 202608, 202609, 202610)
SIX: list[tuple[int, int, int]] = [(202611, 0, 810_000), *((m, 1, 60_000) for m in BACK),
                                   (202607, 2, 270_000)]  # fmt: skip


class Story:
    """Counts; each step checks that a refusal leaves everything as it was."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accepted = self.refused = 0

    def ok(
        self, rows: Sequence[Row], carriers: Sequence[tuple[int, int]] = (), **more: Any
    ) -> None:
        self.world.post(rows, carriers, **more)
        self.accepted += 1

    def no(
        self, code: str, rows: Sequence[Row], carriers: Sequence[tuple[int, int]] = (), **more: Any
    ) -> None:
        before = self.world.state()
        with pytest.raises(LedgerError) as refused:
            self.world.post(rows, carriers, **more)
        assert refused.value.code == code, str(refused.value)
        assert self.world.state() == before
        self.refused += 1


def mint(cover: int, sub: int, amount: int, item: int = 0, due: int | None = None) -> Row:
    return (cover, "EXP", "PAY", sub, item, 0, None, amount if due is None else due, amount)


def moves(
    debit: str, credit: str, sub: int, move: int, carrier: int | None, coins: Sequence[Any]
) -> list[Row]:
    return [(c, debit, credit, sub, item, move, carrier, None, a) for c, item, a in coins]


def first_months(s: Story) -> None:
    old = [(m, 0, 750_000) for m in BACK]
    s.ok([mint(m, sub, 750_000) for sub in (77, 78) for m in BACK])
    s.no("coin_moved", [mint(202607, 77, 750_000)])  # double accrual
    s.no("stale_difference", [mint(202607, 77, 750_000, item=1)])  # as item 1, same due
    both = [r for sub, k in ((77, 1), (78, 2)) for r in moves("PAY", "TRA", sub, 1, k, old)]
    s.ok(both, [(1, 4), (2, 4)])
    # a second carrier while the first is in flight, and the same as move 2
    s.no("coin_moved", moves("PAY", "TRB", 77, 1, 3, old), [(3, 4)])
    s.no("coin_moved", moves("PAY", "TRB", 77, 2, 3, old), [(3, 4)])
    s.no("split_payment", moves("TRA", "ADV", 77, 2, 1, old[:3]))  # 3 of the 4 coins
    s.ok(moves("TRA", "ADV", 77, 2, 1, old))  # credited
    s.ok(moves("TRA", "PAY", 78, 2, 2, old))  # rejected
    s.no("coin_moved", moves("TRA", "ADV", 78, 3, 2, old))  # settle after rejection
    s.ok(moves("PAY", "AGT", 78, 3, 4, old), [(4, 4)])  # cash order
    s.ok(moves("AGT", "ADV", 78, 4, 4, old))  # handed over
    s.no("coin_moved", moves("ADV", "PAY", 78, 5, 2, old))  # late return of attempt 1
    s.ok([(202611, "ADV", "SUS", None, None, None, None, None, 3_000_000)])


def differences(s: Story) -> None:
    rise = [mint(m, 77, 60_000, item=1, due=810_000) for m in BACK]
    s.ok([mint(202611, 77, 810_000), *rise])  # November and four differences, one journal
    s.no("coin_moved", rise)  # a concurrent run posts the same
    stale = [mint(m, 77, 60_000, item=2, due=810_000) for m in BACK]
    s.no("stale_difference", stale)  # a stale run takes the next number
    s.ok([mint(202607, 77, 270_000, item=2, due=1_080_000)])
    s.no("coin_moved", moves("PAY", "TRA", 599, 1, 9, [(202611, 0, 300)]), [(9, 1)])  # not owed
    s.no("coin_moved", moves("PAY", "TRA", 77, 1, 9, [(202611, 0, 900_000)]), [(9, 1)])
    s.no("bad_move", moves("PAY", "TRA", 77, 1, 1, [(202611, 0, 810_000)]))  # a used carrier
    s.no("split_payment", moves("PAY", "TRA", 77, 1, 5, SIX[:5]), [(5, 6)])
    s.ok(moves("PAY", "TRA", 77, 1, 5, SIX), [(5, 6)])
    two = moves("TRA", "PAY", 77, 2, 5, SIX[:1]) + moves("TRA", "ADV", 77, 2, 5, SIX[1:])
    s.no("split_payment", two)  # one payment to two places
    s.ok(moves("TRA", "ADV", 77, 2, 5, SIX))
    s.ok(moves("ADV", "PAY", 77, 3, 5, SIX))  # returned
    s.no("coin_moved", moves("ADV", "PAY", 77, 4, 5, SIX))  # returned again


def deaths(s: Story) -> None:
    s.ok([(202611, "PAY", "EXP", 77, 0, 4, None, (1, 0), 810_000)])  # unpaid: cancelled
    s.ok([(202610, "PAY", "EXP", 77, 1, 4, None, (2, 750_000), 60_000),
          (202610, "OVP", "EXP", 77, 3, 0, None, (3, 0), 750_000)])  # fmt: skip
    # he was not dead: paying again while the receivable stands
    again = (202610, "EXP", "PAY", 77, 4, 0, None, (4, 810_000), 810_000)
    s.no("receivable_open", [again])
    s.ok([(202610, "EXP", "OVP", 77, 3, 1, None, (4, 750_000), 750_000),
          (202610, "EXP", "PAY", 77, 5, 0, None, (5, 810_000), 60_000)])  # fmt: skip
    s.no("receivable_overpaid", [(202610, "TRE", "OVP", 77, 3, 2, None, None, 1)])
    s.ok([(202608, "PAY", "EXP", 77, 1, 4, None, (2, 750_000), 60_000)], month=202612)  # year end
    s.ok([(202608, "EXP27", "PAY", 77, 3, 0, None, (3, 810_000), 60_000)], month=202701)


def shapes(s: Story) -> None:
    s.ok([mint(202611, sub, 810_000) for sub in (81, 82)])
    coins = [(202611, 0, 810_000)]
    two = moves("PAY", "TRA", 81, 1, 20, coins) + moves("PAY", "TRA", 82, 1, 20, coins)
    s.no("split_payment", two, [(20, 1)])  # two coins under a carrier of one
    s.no("coin_moved", [(202607, "PAY", "EXP", 77, 0, 3, None, (9, 0), 750_000)])  # not in payable
    s.no("bad_move", [(202612, "EXP", "TRA", 83, 0, 0, None, 5, 5)], kind="list")
    gl = (None, None, None, None, None)
    s.no("bad_move", [(202612, "PAY", "TRA", *gl, 5)])  # without a coin
    s.no("bad_move", [(202612, "PAY", "EXP", *gl, 5)])
    s.no("bad_move", [(202612, "TRE", "PAY", *gl, 5)])  # an unlisted pair
    s.no("bad_value", [(202611, "PAY", "EXP", 81, 0, 1, None, (0, 810_000), 810_000)])
    s.no("bad_move", [(202611, "OVP", "EXP", 84, 0, 0, None, (0, 5), 5)])
    s.no("bad_move", [(202611, "PAY", "EXP", 81, 0, 1, None, None, 810_000)])
    s.ok([(202611, "ADV", "TRE", *gl, 5)])  # drawn
    s.ok([(202611, "ADV", "SUS", *gl, 5)])  # money nobody expects
    s.no("bad_move", [(202611, "PAY", "ADV", 81, 0, 1, None, None, 810_000)])


def test_worked_cases(world: World) -> None:
    story = Story(world)
    first_months(story)
    differences(story)
    deaths(story)
    shapes(story)
    assert (story.accepted, story.refused) == (20, 27)
    with world.app.connect() as conn:
        report = verify(conn)
    assert report.ok, report.problems
    assert report.journals == 23  # three definitions besides
    assert world.balance("PAY") == -(810_000 * 2 + 60_000 * 4 + 270_000)
    assert world.balance("TRA") == world.balance("AGT") == 0


def test_returned_and_credited_again_for_ever(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 5, 810_000)])
    coin = [(202611, 0, 810_000)]
    story.ok(moves("PAY", "TRA", 5, 1, 1, coin), [(1, 1)])
    story.ok(moves("TRA", "ADV", 5, 2, 1, coin))
    story.ok(moves("ADV", "PAY", 5, 3, 1, coin))
    story.ok(moves("PAY", "TRB", 5, 4, 2, coin), [(2, 1)])  # the next attempt, another rail
    story.no("coin_moved", moves("TRB", "PAY", 5, 5, 1, coin), kind="answer")  # news of the first
    story.ok(moves("TRB", "PAY", 5, 5, 2, coin), kind="answer")
    story.no("split_payment", moves("PAY", "TRA", 5, 6, 3, coin), [(3, 2)])  # says two, brings one
    assert story.accepted == 6


def test_one_coin_does_not_move_twice_in_one_journal(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 5, 810_000)])
    story.ok(moves("PAY", "TRA", 5, 1, 1, [(202611, 0, 810_000)]), [(1, 1)])
    coin = [(202611, 0, 810_000)]
    twice = moves("TRA", "ADV", 5, 2, 1, coin) + moves("ADV", "PAY", 5, 3, 1, coin)
    story.no("coin_moved", twice)


def test_carriers_numbered_out_of_order_are_grouped(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, s, 1_000) for s in range(1, 7)])
    coin = [(202611, 0, 1_000)]
    order = [30, 10, 20, 10, 30, 20]
    rows = [r for sub, key in enumerate(order, 1) for r in moves("PAY", "TRA", sub, 1, key, coin)]
    story.no("split_payment", rows, [(10, 2), (20, 2), (30, 1)])
    story.no("split_payment", rows, [(10, 2), (20, 2), (30, 3)])
    story.ok(rows, [(10, 2), (20, 2), (30, 2)])
    news = [r for sub, key in enumerate(order, 1) for r in moves("TRA", "ADV", sub, 2, key, coin)]
    story.no("split_payment", news[1:])
    story.ok(news)


def test_singles_doubled_and_mixed_carriers_are_refused(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, s, 1_000) for s in range(1, 4)])
    coin = [(202611, 0, 1_000)]
    journal = world.allot()
    key = journal * 10_000_000
    ids = world.ids
    line = [(202611, ids["PAY"], ids["TRA"], sub, 0, 1, key, n, None, None, 1_000)
            for sub, n in ((1, 1), (2, 2), (3, 2))]  # fmt: skip
    before = world.state()
    with pytest.raises(LedgerError) as mixed, world.app.begin() as conn:
        world._post(conn, "batch", journal, line, {})
    assert mixed.value.code == "split_payment"
    assert world.state() == before
    story.ok(moves("PAY", "TRA", 1, 1, 1, coin), [(1, 1)])


def test_a_payment_of_two_cannot_be_resolved_as_two_payments_of_one(world: World) -> None:
    story = Story(world)
    story.ok([mint(m, 1, 1_000) for m in (202610, 202611)])
    both = [(202610, 0, 1_000), (202611, 0, 1_000)]
    story.ok(moves("PAY", "TRA", 1, 1, 1, both), [(1, 2)])
    world.carriers[2] = (world.carriers[1][0], 1)  # the same carrier, said to bring one coin
    story.no("coin_moved", moves("TRA", "ADV", 1, 2, 2, both[:1]))
    story.ok(moves("TRA", "ADV", 1, 2, 1, both))


def test_a_coin_is_numbered_by_the_revision_that_mints_it(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 1, 1_000)])
    for item in (2, 10_001):
        wrong: Row = (202611, "EXP", "PAY", 1, item, 0, None, (1, 1_060), 60)
        story.no("bad_move", [wrong])
    story.ok([(202611, "EXP", "PAY", 1, 1, 0, None, (1, 1_060), 60)])


def test_a_receivable_opened_in_the_same_journal_counts(world: World) -> None:
    """The payer's account is still nil before the journal: the rule looks at the journal too."""
    story = Story(world)
    story.ok([mint(202611, 5, 810_000)])
    coin = [(202611, 0, 810_000)]
    story.ok(moves("PAY", "TRA", 5, 1, 1, coin), [(1, 1)])
    story.ok(moves("TRA", "ADV", 5, 2, 1, coin))
    claim: Row = (202611, "OVP", "EXP", 5, 1, 0, None, (1, 0), 810_000)
    again: Row = (202611, "EXP", "PAY", 5, 2, 0, None, (2, 810_000), 810_000)
    story.no("receivable_open", [claim, again])
    story.ok([claim])
    story.ok([(202611, "TRE", "OVP", 5, 1, 1, None, None, 800_000)])
    story.no("receivable_open", [again])
    story.ok([(202611, "LOSS", "OVP", 5, 1, 2, None, None, 10_000)])
    story.ok([again])


def test_money_paid_twice_is_a_receivable_outside_the_revisions(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 5, 810_000)])
    story.ok([(202611, "SUS", "ADV", None, None, None, None, None, 810_000)])
    low: Row = (202611, "OVP", "SUS", 5, 1, 0, None, None, 810_000)
    story.no("bad_move", [low])  # its number would stand in the way of the next revision
    story.ok([(202611, "OVP", "SUS", 5, 10_000, 0, None, None, 810_000)])
    story.ok([mint(202611, 5, 60_000, item=1, due=870_000)])
    story.ok([(202611, "ADV", "OVP", 5, 10_000, 1, None, None, 810_000)])
    story.no("receivable_overpaid", [(202611, "ADV", "OVP", 5, 10_000, 2, None, None, 1)])


def test_opening_position_and_first_difference(world: World) -> None:
    story = Story(world)
    story.ok([(m, "EXP", "OPEN", 9, 0, 0, None, 750_000, 750_000) for m in BACK])
    later: Row = (202610, "EXP", "OPEN", 9, 1, 0, None, (1, 810_000), 60_000)
    story.no("bad_move", [later], kind="opening")
    story.no("bad_move", [(202611, "EXP", "OPEN", 9, 0, 0, None, 5, 5)], kind="list")
    story.ok([mint(m, 9, 60_000, item=1, due=810_000) for m in BACK])
    story.no("bad_move", [(202610, "OPEN", "PAY", 9, 0, 1, None, None, 750_000)], kind="correction")
    assert world.balance("PAY") == -240_000


def test_a_coin_moves_to_another_payer_only_by_correction(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 5, 810_000)])
    move: Row = (202611, "PAY", "PAY2", 5, 0, 1, None, None, 810_000)
    story.no("bad_move", [move])  # a journal of one payer does not touch another's account
    story.no("bad_move", [move], kind="list", payer_id=None)
    story.ok([move], payer_id=None)
    story.no("coin_moved", moves("PAY", "TRA", 5, 2, 1, [(202611, 0, 810_000)]), [(1, 1)])


def test_a_line_needs_a_defined_sub(world: World) -> None:
    story = Story(world)
    story.ok([mint(202611, 600, 5)])
    story.no("not_defined", [mint(202611, 601, 5)])
    story.no("not_defined", [mint(202611, 1, 5), mint(202611, 9_999_999, 5)])
