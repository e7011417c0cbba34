"""What stops a called rail stops it for the machine; a person lets it go on, and nothing pays twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from disbursement.jobs import outbox, worker
from disbursement.jobs.outbox import OVERDUE, Stopped
from disbursement.platform.errors import NotAllowedError, NotFoundError, NotNowError, RefusedError
from disbursement.runs import service
from tests.cli.conftest import Type, typed
from tests.rails.office import (
    ADVANCE,
    EACH,
    HELD,
    PAYABLE,
    TRANSIT,
    Wallet,
    connect,
    outcomes,
    released,
    wallet,
)
from tests.runs.test_month import K6, SP, budget, healthy, sign_all
from tests.runs.world import PAYER, Person, World, add_people

__all__ = ["typed"]

PEOPLE = 5
PAPER = "CV 7/MoMo ngày 06/10/2026"


def waiting(world: World) -> list[Stopped]:
    with world.ctx.cell.read() as conn:
        return outbox.stopped(conn)


def calls(world: World) -> dict[str, int]:
    return dict(world.rows("SELECT state, count(*) FROM rail_call GROUP BY state"))


def without_money(there: Wallet, *numbers: int) -> None:
    for n in numbers:
        there.simulator.answers[f"09{n:08d}"] = "1001"


def test_a_stop_is_final_for_the_machine_and_a_person_resumes(world: World, typed: Type) -> None:
    with wallet(world) as there:
        without_money(there, 1)
        released(world, PEOPLE)
        assert "dừng 1" in worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": PEOPLE - 1, "rejected": 1}
        told = there.simulator.journal.told()
        for _ in range(4):
            assert worker.send_due(world.ctx).endswith("dừng 0")
        assert there.simulator.journal.told() == told
        assert world.rows("SELECT state, why, tries FROM outbox") == [("stopped", "no_funds", 1)]
        (one,) = waiting(world)
        assert (one.payer, one.provider, one.why, one.state) == (
            PAYER, "MOMO", "no_funds", "sending",
        )  # fmt: skip
        assert (one.payments, one.total_vnd, one.open_payments, one.open_vnd, one.resumable) == (
            PEOPLE, PEOPLE * EACH, 0, 0, True,
        )  # fmt: skip
        day = {"day": "2026-10-05"}
        assert "số dư ở nơi chi trả không đủ" in typed("outbox", "list", **day).out
        assert "số dư ở nơi chi trả" in typed("run", "status", "--month", "2026-10", **day).out
        (row,) = typed("run", "status", "--month", "2026-10", "--json", **day).json
        assert [s["why"] for s in row["stopped"]] == ["no_funds"]
        assert row["batches"] == [
            {"id": one.batch, "provider": "MOMO", "purpose": "first", "state": "sending",
             "payments": PEOPLE, "total_vnd": PEOPLE * EACH}
        ]  # fmt: skip
        said = typed("doctor", "--json", **day)
        assert (said.code, [s["batch"] for s in said.json["stopped"]]) == (0, [one.batch])
        resume = ("outbox", "resume", one.batch, "--document", PAPER, "--as")
        typed(*resume, "an", **day).refused("role", 4)
        assert world.rows("SELECT state FROM outbox") == [("stopped",)]
        assert "đi tiếp" in typed(*resume, "chi", **day).out
        assert worker.send_due(world.ctx).startswith("gửi 1,")
        assert there.simulator.journal.told() == told, "every call had left already"
        assert waiting(world) == []
        assert "Không có lô nào" in typed("outbox", "list", **day).out
    ((subject, detail),) = world.rows(
        "SELECT subject, detail FROM audit_event WHERE action = 'outbox.resume'"
    )
    assert (subject, "no_funds" in detail) == (str(one.batch), True)
    assert (world.balance(PAYABLE), world.balance(TRANSIT), world.balance(ADVANCE)) == (
        -EACH, 0, EACH,
    )  # fmt: skip
    healthy(world)


def test_after_a_stop_no_further_group_leaves_until_it_is_resumed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disbursement.jobs.calls.GROUP", 2)
    with wallet(world) as there:
        without_money(there, 1)
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        worker.send_due(world.ctx)
        worker.ask_rails(world.ctx)
        assert there.simulator.journal.told() == 2
        assert world.balance(TRANSIT) == -3 * EACH
        assert world.balance(HELD) == 3 * EACH
        (one,) = waiting(world)
        assert (one.open_payments, one.open_vnd) == (3, 3 * EACH)
        outbox.resume(world.ctx, one.batch, document=PAPER, actor="chi")
        worker.send_due(world.ctx)
        assert there.simulator.journal.told() == PEOPLE
        assert there.simulator.journal.paid_twice() == []
    assert outcomes(world) == {"credited": PEOPLE - 1, "rejected": 1}
    healthy(world)


def test_a_question_that_says_stop_lets_no_step_follow(world: World) -> None:
    """The batch lies there otherwise than it was signed: asking again approves nothing."""
    with wallet(world, profile="momo-batch-1", faults=["wrong_amount"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        (one,) = waiting(world)
        assert one.why == "batch_items_differ"
        for day in (5, 6, 7):
            world.clock.set(date(2026, 10, day), 20)
            worker.ask_rails(world.ctx)
            worker.send_due(world.ctx)
        outbox.resume(world.ctx, one.batch, document=PAPER, actor="dung")
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 8), 20)
        worker.ask_rails(world.ctx)
        assert [s.why for s in waiting(world)] == ["batch_items_differ"]
        assert there.simulator.journal.orders() == []
    assert world.balance(TRANSIT) == -PEOPLE * EACH
    assert world.rows("SELECT DISTINCT step FROM rail_call") == [("pay",)]
    healthy(world)


def test_the_first_of_two_steps_is_not_open_any_more(world: World) -> None:
    with wallet(world, name="zalopay", profile="zalopay-1", faults=["lost_answer"]) as there:
        released(world, 2)
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 5), 20)
        worker.ask_rails(world.ctx)
        worker.send_due(world.ctx)
        assert there.simulator.journal.paid_twice() == []
    assert "asking" not in {
        state for state, step in world.rows("SELECT state, step FROM rail_call") if step == "pay"
    }
    healthy(world)


def test_past_the_id_window_nothing_goes_again_and_a_person_is_told(world: World) -> None:
    with wallet(world, faults=["lost_request:1"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        connect(world, there, "http://127.0.0.1:9")
        world.clock.set(date(2026, 10, 5) + timedelta(days=32))
        worker.ask_rails(world.ctx)
        connect(world, there)
        for _ in range(2):
            worker.ask_rails(world.ctx)
            worker.send_due(world.ctx)
        assert there.simulator.journal.told() == PEOPLE - 1
        assert calls(world) == {"closed": PEOPLE - 1, "stopped": 1}
        (one,) = waiting(world)
        assert (one.why, one.resumable, one.open_payments) == (OVERDUE, False, 1)
        with pytest.raises(NotNowError) as refused:
            outbox.resume(world.ctx, one.batch, document=PAPER, actor="chi")
        assert refused.value.code == "not_stopped"
        worker.send_due(world.ctx)
        assert there.simulator.journal.told() == PEOPLE - 1
    assert world.balance(TRANSIT) == -EACH
    healthy(world)


def test_who_may_not_and_what_is_not_stopped_changes_nothing(world: World) -> None:
    with wallet(world) as there:
        without_money(there, 1)
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        (one,) = waiting(world)
        with pytest.raises(NotFoundError):
            outbox.resume(world.ctx, 999_999, document=PAPER, actor="chi")
        with pytest.raises(RefusedError):
            outbox.resume(world.ctx, one.batch, document=" ", actor="chi")
        with pytest.raises(NotAllowedError):
            outbox.resume(world.ctx, one.batch, document=PAPER, actor="an")
        assert waiting(world) == [one]
        outbox.resume(world.ctx, one.batch, document=PAPER, actor="chi")
        with pytest.raises(NotNowError):
            outbox.resume(world.ctx, one.batch, document=PAPER, actor="chi")
        assert world.one("SELECT count(*) FROM audit_event WHERE action = 'outbox.resume'") == 1


def two_lists(world: World) -> tuple[int, int]:
    """Release two lists, social assistance and pension, two people with a wallet in each."""
    add_people(
        world,
        [Person(date(1980, 1, 1), K6, "wallet", f"09{n:08d}") for n in range(2)]
        + [Person(date(1945, 1, 1), SP, "wallet", f"09{n:08d}") for n in (2, 3)],
    )
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    for list_id, total in world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id"):
        service.draw(
            world.ctx, list_id, voucher=f"R{list_id}", day=date(2026, 9, 24), amount_vnd=total,
            actor="chi",
        )  # fmt: skip
    world.clock.set(date(2026, 10, 5))
    first, second = (int(b) for (b,) in world.rows("SELECT id FROM batch ORDER BY id"))
    return first, second


def test_a_stop_of_the_rail_holds_its_other_batches_and_one_resume_lets_all_go(
    world: World, typed: Type
) -> None:
    with wallet(world) as there:
        first, second = two_lists(world)
        number = world.one(
            "SELECT r.end_to_end_id FROM batch_row r WHERE r.batch_id = :b AND r.n = 1", b=first
        )
        there.simulator.answers[number] = "1001"
        assert "dừng 2" in worker.send_due(world.ctx)
        told = there.simulator.journal.told()
        assert told == 2, "nothing of the other list has left"
        assert world.rows("SELECT id, state FROM batch ORDER BY id") == [
            (first, "sending"), (second, "queued"),
        ]  # fmt: skip
        assert [(s.batch, s.why, s.held_by) for s in waiting(world)] == [
            (first, "no_funds", 0), (second, "no_funds", first),
        ]  # fmt: skip
        assert f"dừng theo lô {first} vì số dư" in typed("outbox", "list", day="2026-10-05").out
        assert worker.send_due(world.ctx).endswith("dừng 0")
        assert there.simulator.journal.told() == told
        healthy(world)
        del there.simulator.answers[number]
        outbox.resume(world.ctx, first, document=PAPER, actor="chi")
        assert waiting(world) == []
        assert worker.send_due(world.ctx).startswith("gửi 2,")
        assert there.simulator.journal.told() == 4
        assert there.simulator.journal.paid_twice() == []
    assert outcomes(world) == {"credited": 3, "rejected": 1}
    healthy(world)


def test_a_batch_held_along_may_be_let_go_alone(world: World) -> None:
    with wallet(world) as there:
        first, second = two_lists(world)
        without_money(there, 0, 1)
        worker.send_due(world.ctx)
        outbox.resume(world.ctx, second, document=PAPER, actor="chi")
        assert worker.send_due(world.ctx).startswith("gửi 1,")
        assert [s.batch for s in waiting(world)] == [first]
        assert outcomes(world) == {"credited": 2, "rejected": 2}
    healthy(world)


def test_a_fault_of_one_batch_holds_no_other(world: World) -> None:
    """Its items lie there otherwise than they were signed: that is this batch's alone."""
    with wallet(world, profile="momo-batch-1", faults=["wrong_amount:1"]) as there:
        first, _ = two_lists(world)
        worker.send_due(world.ctx)
        assert [(s.batch, s.why) for s in waiting(world)] == [(first, "batch_items_differ")]
        assert there.simulator.journal.paid_twice() == []
    healthy(world)


def test_a_rail_out_of_reach_is_tried_once_a_drain_and_no_money_is_held_for_the_rest(
    world: World,
) -> None:
    with wallet(world) as there:
        first, second = two_lists(world)
        connect(world, there, "http://127.0.0.1:9")
        assert "chờ 2" in worker.send_due(world.ctx)
        assert world.rows("SELECT id, state FROM batch ORDER BY id") == [
            (first, "sending"), (second, "queued"),
        ]  # fmt: skip
        connect(world, there)
        assert worker.send_due(world.ctx).startswith("gửi 2,")
        assert there.simulator.journal.told() == 4
    assert outcomes(world) == {"credited": 4}
    healthy(world)
