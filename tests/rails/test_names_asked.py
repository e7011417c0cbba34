"""A rail is asked whose account it is: its word enters the queue, and nothing passes silently."""

from __future__ import annotations

from datetime import date

import pytest

from bank_adapters.simulators.bank import Holder
from disbursement.beneficiaries.names import decide, queue, set_threshold
from disbursement.jobs.name_questions import ask_names
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.runs import service
from tests.rails.office import EACH, WALLET, connect, wallet
from tests.runs.test_month import K6, budget, healthy
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

PAPER = "BB 7, 24/09/2026"


def truth(names: list[str], closed: int = -1) -> dict[str, Holder]:
    return {f"09{n:08d}": Holder(name, n == closed) for n, name in enumerate(names)}


def people(world: World, count: int) -> list[int]:
    return add_people(
        world, [Person(date(1980, 1, 1), K6, "wallet", f"09{n:08d}") for n in range(count)]
    )


def held(world: World) -> dict[str, int]:
    rows = world.rows("SELECT hold_reason, count(*) FROM payment GROUP BY hold_reason")
    return {str(reason): int(n) for reason, n in rows}


def test_what_the_rail_says_is_scored_kept_and_holds_the_payment(world: World) -> None:
    first, *_ = people(world, 4)
    names = [f"NGUYEN VAN THU {first}", "TRAN THI KHAC", "", "NGUYEN VAN THU"]
    with wallet(world, truth=truth(names, closed=2)):
        done = ask_names(world.ctx, WALLET, actor="an")
        assert (done.asked, done.accepted, done.pending, done.unanswered, done.left) == (
            4, 1, 3, 0, 0,
        )  # fmt: skip
        assert ask_names(world.ctx, WALLET, actor="an").asked == 0, "nobody is asked twice"
    waits = queue(world.ctx)
    assert [(r.theirs, r.state, r.source) for r in waits] == [
        ("TRAN THI KHAC", "pending", f"rail:{WALLET}"),
        ("", "pending", f"rail:{WALLET}"),
        ("NGUYEN VAN THU", "pending", f"rail:{WALLET}"),
    ]
    assert all(r.score < r.threshold == 95 for r in waits)
    assert waits[1].score == 0
    budget(world, sa=4 * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world) == {"": 1, "name_pending": 3}
    assert world.rows("SELECT payments, total_vnd FROM batch") == [(1, EACH)]
    healthy(world)


def test_a_person_decides_and_the_next_list_pays(world: World) -> None:
    people(world, 2)
    with wallet(world, truth=truth(["TRAN THI KHAC", "LE VAN LA"])):
        assert ask_names(world.ctx, WALLET, actor="an").pending == 2
    wrong, right = queue(world.ctx)
    decide(world.ctx, right.id, accept=True, document=PAPER, actor="binh")
    decide(world.ctx, wrong.id, accept=False, document=PAPER, actor="binh")
    budget(world, sa=2 * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world) == {"": 1, "name_refused": 1}


def test_the_threshold_is_the_payers(world: World) -> None:
    first, *_ = people(world, 1)
    set_threshold(world.ctx, 100, payer=PAYER, document=PAPER, actor="dung")
    with wallet(world, truth=truth([f"NGUYEN VAN THU {first}"])):
        done = ask_names(world.ctx, WALLET, actor="an", payers=[PAYER])
    assert (done.accepted, done.pending) == (0, 1)
    (row,) = queue(world.ctx, payer=PAYER)
    assert (row.score, row.threshold) == (98, 100)


def test_a_rail_that_does_not_answer_leaves_it_unchecked(world: World) -> None:
    people(world, 3)
    with wallet(world) as there:
        connect(world, there, "http://127.0.0.1:9")
        done = ask_names(world.ctx, WALLET, actor="an", most=2)
        assert (done.asked, done.unanswered, done.left) == (2, 2, 1)
        assert world.one("SELECT count(*) FROM name_check") == 0
        connect(world, there)
        assert ask_names(world.ctx, WALLET, actor="an").asked == 3


def test_who_cannot_be_asked(world: World) -> None:
    people(world, 1)
    with pytest.raises(NotFoundError):
        ask_names(world.ctx, "NONE", actor="an")
    with pytest.raises(RefusedError) as file:
        ask_names(world.ctx, PROVIDER, actor="an")
    assert file.value.code == "not_called"
    with wallet(world):
        world.ctx.settings.home.joinpath("connections", f"{WALLET}.toml").unlink()
        with pytest.raises(NotNowError):
            ask_names(world.ctx, WALLET, actor="an")
    assert world.one("SELECT count(*) FROM name_check") == 0
