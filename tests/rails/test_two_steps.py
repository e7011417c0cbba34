"""Rails that pay in two calls, through the outbox: the second leaves at once, and pays once."""

from __future__ import annotations

from datetime import date

import pytest

from disbursement.jobs import calls, worker
from tests.rails.office import (
    ADVANCE,
    EACH,
    FREE,
    HELD,
    PAYABLE,
    SUSPENSE,
    TRANSIT,
    Wallet,
    outcomes,
    released,
    wallet,
)
from tests.runs.test_month import healthy
from tests.runs.world import World

PEOPLE = 3
NOTHING_LEFT = [0] * 6


def books(world: World) -> list[int]:
    return [world.balance(a) for a in (TRANSIT, SUSPENSE, PAYABLE, ADVANCE, FREE, HELD)]


def stored(world: World) -> dict[tuple[str, str], int]:
    return {
        (step, state): n
        for step, state, n in world.rows(
            "SELECT step, state, count(*) FROM rail_call GROUP BY step, state"
        )
    }


def paid_once(world: World, there: Wallet) -> None:
    journal = there.simulator.journal
    assert sorted(order.amount for order in journal.orders()) == [EACH] * PEOPLE
    assert journal.paid_twice() == []
    assert outcomes(world) == {"credited": PEOPLE}
    assert books(world) == NOTHING_LEFT
    healthy(world)


def test_a_wallet_that_is_looked_up_and_then_paid(world: World) -> None:
    with wallet(world, name="zalopay", profile="zalopay-1") as there:
        released(world, PEOPLE)
        assert worker.send_due(world.ctx).startswith("gửi 1,")
        assert there.simulator.journal.told() == PEOPLE
        assert stored(world)["approve", "done"] == PEOPLE
        paid_once(world, there)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lost_answer:1", "accepted"),  # by the look-up's answer, which stands
        ("lost_request:1", "accepted"),
        ("5xx_after_booking:1", "unknown"),
    ],
)
def test_what_becomes_of_the_second_call_is_asked_and_nothing_is_paid_twice(
    world: World, fault: str, said: str
) -> None:
    with wallet(world, name="zalopay", profile="zalopay-1", faults=[fault]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": PEOPLE - 1, said: 1}
        assert world.balance(TRANSIT) == -EACH
        world.clock.set(date(2026, 10, 5), 20)
        before = world.rows("SELECT wire_enc FROM rail_call ORDER BY id")
        worker.ask_rails(world.ctx)
        worker.send_due(world.ctx)
        assert world.rows("SELECT wire_enc FROM rail_call ORDER BY id") == before
        paid_once(world, there)


def test_a_stop_between_the_two_calls_pays_nobody_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> list[object]:
        raise KeyboardInterrupt

    with wallet(world, name="zalopay", profile="zalopay-1") as there:
        released(world, PEOPLE)
        monkeypatch.setattr(calls, "_follow", killed)
        with pytest.raises(KeyboardInterrupt):
            worker.send_due(world.ctx)
        monkeypatch.undo()
        assert there.simulator.journal.told() == 0
        assert world.balance(TRANSIT) == -PEOPLE * EACH
        world.clock.set(date(2026, 10, 5), 20)
        worker.ask_rails(world.ctx)
        worker.send_due(world.ctx)
        paid_once(world, there)


@pytest.mark.parametrize(("name", "profile"), [("momo", "momo-batch-1"), ("gsma", "gsma-batch-1")])
def test_a_batch_is_created_approved_and_paid_once(world: World, name: str, profile: str) -> None:
    with wallet(world, name=name, profile=profile) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        for day in (5, 6):
            world.clock.set(date(2026, 10, day), 20)
            worker.ask_rails(world.ctx)
        assert stored(world)["approve", "done"] == 1
        paid_once(world, there)


def test_a_batch_that_the_wallet_holds_otherwise_is_not_paid(world: World) -> None:
    with wallet(world, profile="momo-batch-1", faults=["wrong_amount:1"]) as there:
        released(world, PEOPLE)
        assert "dừng 1" in worker.send_due(world.ctx)
        assert there.simulator.journal.orders() == []
        assert ("approve", "made") not in stored(world)
        assert world.balance(TRANSIT) == -PEOPLE * EACH
        assert world.rows("SELECT why FROM outbox") == [("batch_items_differ",)]
    healthy(world)
