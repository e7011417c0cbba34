"""A list paid through a wallet, call by call: exact books, and what a misbehaving rail does not do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from fastapi.testclient import TestClient

from bank_adapters.api.contract import Answer, Call
from bank_adapters.api.wire import Outcome, Wire
from bank_adapters.contract import AdapterError
from bank_adapters.simulators.wallet.base import DAY
from disbursement.api.app import create_app
from disbursement.jobs import calls, worker
from disbursement.jobs.callbacks import receive
from disbursement.jobs.rails import callback_log, called_rail
from disbursement.payments.answer import AnswerResult
from disbursement.platform.connections import connection_path
from disbursement.platform.errors import RefusedError
from tests.rails.office import (
    ADVANCE,
    EACH,
    FREE,
    HELD,
    PAYABLE,
    SUSPENSE,
    TRANSIT,
    connect,
    outcomes,
    released,
    wallet,
)
from tests.runs.test_month import healthy
from tests.runs.world import World

PEOPLE = 5


def test_every_payment_is_credited_by_its_answer(world: World) -> None:
    with wallet(world) as there:
        released(world, PEOPLE)
        assert world.rows("SELECT count(*) FROM hold WHERE resolved_at IS NULL") == [(0,)]
        assert worker.send_due(world.ctx).startswith("gửi 1,")
        journal = there.simulator.journal
        assert len(journal.orders()) == PEOPLE
        assert journal.paid_twice() == []
        assert journal.spent(there.simulator.clock.now()) == PEOPLE * EACH
    assert outcomes(world) == {"credited": PEOPLE}
    assert [world.balance(c) for c in (TRANSIT, SUSPENSE, PAYABLE, ADVANCE)] == [0, 0, 0, 0]
    assert (world.balance(FREE), world.balance(HELD)) == (0, 0)
    assert world.rows("SELECT state, step, count(*) FROM rail_call GROUP BY state, step") == [
        ("done", "pay", PEOPLE)
    ]
    assert world.rows("SELECT state, kind FROM answer") == [("applied", "calls")]
    healthy(world)


def test_a_lost_answer_is_asked_about_and_nothing_is_paid_twice(world: World) -> None:
    with wallet(world, faults=["lost_answer:2"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": PEOPLE - 2}
        assert world.balance(TRANSIT) == -2 * EACH
        world.clock.set(date(2026, 10, 5), 20)
        assert worker.ask_rails(world.ctx).startswith("hỏi 2 ")
        assert there.simulator.journal.told() == PEOPLE
        assert there.simulator.journal.paid_twice() == []
    assert outcomes(world) == {"credited": PEOPLE}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_a_request_that_never_arrived_goes_again_as_the_same_bytes(world: World) -> None:
    with wallet(world, faults=["lost_request:1"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": PEOPLE - 1}
        before = world.rows("SELECT wire_enc FROM rail_call ORDER BY id")
        world.clock.set(date(2026, 10, 5), 20)
        worker.ask_rails(world.ctx)
        assert len(there.simulator.journal.orders()) == PEOPLE - 1, "an inquiry pays nobody"
        worker.send_due(world.ctx)
        assert len(there.simulator.journal.orders()) == PEOPLE
        assert there.simulator.journal.paid_twice() == []
        assert world.rows("SELECT wire_enc FROM rail_call ORDER BY id") == before
    assert outcomes(world) == {"credited": PEOPLE}
    healthy(world)


def test_a_refused_payment_lies_free_for_another_attempt(world: World) -> None:
    with wallet(world) as there:
        there.simulator.answers["0900000001"] = "1007"
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert len(there.simulator.journal.orders()) == PEOPLE
    assert outcomes(world) == {"credited": PEOPLE - 1, "rejected": 1}
    assert world.rows("SELECT reason, amount_vnd FROM free_coin") == [("rejected:1007", EACH)]
    assert (world.balance(PAYABLE), world.balance(FREE)) == (-EACH, EACH)
    assert world.balance(ADVANCE) == EACH
    healthy(world)


def test_a_reversal_days_later_comes_back_to_payable_once(world: World) -> None:
    with wallet(world, name="gsma", profile="viettel-money-1", faults=["late_return:1"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": PEOPLE}
        there.simulator.clock.add(9 * DAY)
        world.clock.set(date(2026, 10, 14))
        assert worker.ask_rails(world.ctx).startswith(f"hỏi {PEOPLE} ")
        assert outcomes(world) == {"credited": PEOPLE - 1, "returned": 1}
        assert world.rows("SELECT DISTINCT state FROM rail_call") == [("closed",)]
        before = world.one("SELECT max(seq) FROM seal")
        for said in there.simulator.journal.due_callbacks(there.simulator.clock.now()):
            reply = receive(world.ctx, "gsma", {k.lower(): v for k, v in said.headers.items()},
                            said.body)  # fmt: skip
            assert reply.status == 204
        assert worker.take_callbacks(world.ctx) == ("nhận 2 thông báo của kênh gọi, không nhận 0")
        assert world.one("SELECT max(seq) FROM seal") == before, "words again move nothing"
    assert (world.balance(PAYABLE), world.balance(ADVANCE)) == (-EACH, EACH)
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_a_callback_credits_what_no_answer_did_and_a_forged_one_nothing(world: World) -> None:
    with wallet(world, faults=["lost_answer"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        assert outcomes(world) == {}
        said = there.simulator.journal.due_callbacks(there.simulator.clock.now())
        assert len(said) == PEOPLE
        api = TestClient(create_app(world.ctx))
        forged = said[0].body.replace(b"750000", b"950000")
        headers = dict(said[0].headers)
        assert api.post("/rails/momo/callback", content=forged, headers=headers).status_code == 401
        assert api.post("/rails/nobody/callback", content=b"{}", headers=headers).status_code == 404
        assert worker.take_callbacks(world.ctx).startswith("nhận 0 ")
        assert world.rows("SELECT count(*) FROM answer") == [(0,)]
        assert outcomes(world) == {}
        for one in said:
            answer = api.post("/rails/MOMO/callback", content=one.body, headers=dict(one.headers))
            assert (answer.status_code, answer.content) == (204, b"")
        assert outcomes(world) == {}, "kept, and answered; the worker takes it into the books"
        assert worker.take_callbacks(world.ctx).startswith(f"nhận {PEOPLE} ")
        assert world.rows("SELECT kind, state FROM answer") == [("calls", "applied")]
        assert list((world.ctx.settings.home / "callbacks").glob("**/*.jsonl")) == []
        assert worker.take_callbacks(world.ctx).startswith("nhận 0 ")
    assert outcomes(world) == {"credited": PEOPLE}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_callbacks_of_strangers_are_kept_aside_and_spoil_no_other(world: World) -> None:
    """A batch of another cell's under our key, bytes that are no callback, and good ones twice."""
    with wallet(world, faults=["lost_answer"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        rail = called_rail(world.ctx, "MOMO", "momo-1/1")
        said = there.simulator.journal.due_callbacks(there.simulator.clock.now())
        for one in [*said, *said]:
            headers = {k.lower(): v for k, v in one.headers.items()}
            receive(world.ctx, "momo", headers, one.body)
        folder = world.ctx.settings.home / "callbacks" / "25" / "MOMO"
        assert len(list(folder.iterdir())) == PEOPLE, "the same bytes are one file"
        for n, body in enumerate((said[0].body.replace(b"DS25", b"DS01"), b"{}")):
            call = Call("", "callback", "POST", "", (), b"", ())
            stranger = callback_log(rail, [(call, Answer(0, "", body))])
            (folder / f"{n}.jsonl").write_bytes(stranger)
        said_by_worker = worker.take_callbacks(world.ctx)
        assert said_by_worker == f"nhận {PEOPLE} thông báo của kênh gọi, không nhận 2"
        assert list(folder.iterdir()) == []
    assert sorted(world.rows("SELECT state FROM answer")) == [
        ("applied",), ("quarantined",), ("refused",)
    ]  # fmt: skip
    assert outcomes(world) == {"credited": PEOPLE}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_another_amount_or_account_parks_the_payment_and_moves_no_money(world: World) -> None:
    with wallet(
        world, name="gsma", profile="viettel-money-1", faults=["wrong_amount:2", "wrong_account:1"]
    ) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 5), 20)
        worker.ask_rails(world.ctx)
        assert there.simulator.journal.paid_twice() == []
    assert outcomes(world) == {"credited": PEOPLE - 2, "parked": 2}
    assert sorted(world.rows("SELECT kind FROM break_item WHERE state = 'open'")) == [
        ("account_differs",), ("amount_differs",),
    ]  # fmt: skip
    assert (world.balance(TRANSIT), world.balance(SUSPENSE)) == (-2 * EACH, 0)
    healthy(world)


def test_a_kill_between_commit_and_answer_asks_about_the_whole_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wallet(world) as there:
        released(world, PEOPLE)
        real = Wire.send_all

        def killed(self: Wire, todo: Sequence[Call]) -> list[Outcome]:
            real(self, todo[:3])
            raise KeyboardInterrupt

        monkeypatch.setattr(Wire, "send_all", killed)
        with pytest.raises(KeyboardInterrupt):
            worker.send_due(world.ctx)
        monkeypatch.undo()
        assert len(there.simulator.journal.orders()) == 3
        assert world.rows("SELECT state, count(*) FROM rail_call GROUP BY state") == [
            ("made", PEOPLE)
        ]
        assert outcomes(world) == {}
        worker.send_due(world.ctx)
        assert there.simulator.journal.paid_twice() == []
        assert there.simulator.journal.told() == PEOPLE, "three were paid, two had never left"
    assert outcomes(world) == {"credited": PEOPLE}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_a_group_is_committed_before_it_leaves_and_after_a_kill_asked_about_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = 2 * calls.GROUP + 30
    states = "SELECT state, count(*), min(n), max(n) FROM rail_call GROUP BY state ORDER BY state"
    left: list[list[tuple[object, ...]]] = []
    asked: list[Call] = []
    with wallet(world) as there:
        released(world, people)
        real = Wire.send_all

        def killed(self: Wire, todo: Sequence[Call]) -> list[Outcome]:
            left.append(world.rows(states))
            if len(left) == 1:
                return real(self, todo)
            real(self, todo[:40])
            raise KeyboardInterrupt

        def watched(self: Wire, todo: Sequence[Call]) -> list[Outcome]:
            asked.extend(call for call in todo if call.step == "inquiry")
            return real(self, todo)

        monkeypatch.setattr(Wire, "send_all", killed)
        with pytest.raises(KeyboardInterrupt):
            worker.send_due(world.ctx)
        group = calls.GROUP
        assert left == [
            [("made", group, 1, group)],
            [("done", group, 1, group), ("made", group, group + 1, 2 * group)],
        ]
        assert there.simulator.journal.told() == group + 40
        monkeypatch.setattr(Wire, "send_all", watched)
        worker.send_due(world.ctx)
        second = world.rows(
            f"SELECT request_id FROM rail_call WHERE n > {group} AND n <= {2 * group} ORDER BY n"
        )
        assert [(call.request_id,) for call in asked] == second
        assert there.simulator.journal.told() == people
        assert there.simulator.journal.paid_twice() == []
        assert there.simulator.journal.spent(there.simulator.clock.now()) == people * EACH
    assert outcomes(world) == {"credited": people}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_a_contracts_own_rate_of_calls_takes_the_place_of_the_profiles(world: World) -> None:
    with wallet(world) as there:
        path = connection_path(world.ctx.settings, "MOMO")
        written = path.read_text()
        assert called_rail(world.ctx, "MOMO", "momo-1").connection.calls_per_second == 500
        path.write_text(f"calls_per_second = 7\n{written}")
        assert called_rail(world.ctx, "MOMO", "momo-1").connection.calls_per_second == 7
        for wrong in ("0", "-1", "1.5", "true", '"9"', "1000000"):
            path.write_text(f"calls_per_second = {wrong}\n{written}")
            with pytest.raises(RefusedError, match=r"MOMO\.toml: calls_per_second phải là số từ 1"):
                called_rail(world.ctx, "MOMO", "momo-1")
        assert there.simulator.journal.told() == 0


def test_an_answer_that_the_books_refuse_leaves_its_payments_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> AnswerResult:
        return AnswerResult("refused", "book", "Sổ từ chối.")

    with wallet(world) as there:
        released(world, PEOPLE)
        monkeypatch.setattr(calls, "take", refuse)
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 5), 20)
        worker.ask_rails(world.ctx)
        monkeypatch.undo()
        assert world.rows("SELECT state, count(*) FROM rail_call GROUP BY state") == [
            ("asking", PEOPLE)
        ]
        assert world.balance(TRANSIT) == -PEOPLE * EACH
        world.clock.set(date(2026, 10, 6), 20)
        worker.ask_rails(world.ctx)
        assert there.simulator.journal.told() == PEOPLE
    assert outcomes(world) == {"credited": PEOPLE}
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_a_refused_connection_is_not_sent_and_goes_later(world: World) -> None:
    with wallet(world) as there:
        released(world, PEOPLE)
        connect(world, there, "http://127.0.0.1:9")
        for _ in range(5):  # a far side out of reach is no fault of ours: never given up
            said = worker.send_due(world.ctx)
            assert "chờ 1" in said
        assert outcomes(world) == {}
        assert world.balance(TRANSIT) == -PEOPLE * EACH
        connect(world, there)
        assert worker.send_due(world.ctx).startswith("gửi 1,")
        assert there.simulator.journal.told() == PEOPLE
    assert outcomes(world) == {"credited": PEOPLE}
    healthy(world)


def test_a_rail_that_cannot_be_asked_is_named_and_asked_later(world: World) -> None:
    with wallet(world, faults=["lost_answer:2"]) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 5), 20)
        connection_path(world.ctx.settings, "MOMO").unlink()
        said = worker.ask_rails(world.ctx)
        assert said.startswith("hỏi 0 ")
        assert "MOMO" in said
        assert world.balance(TRANSIT) == -2 * EACH
        connect(world, there)
        assert worker.ask_rails(world.ctx) == "hỏi 2 lệnh gọi chưa có kết quả"
    assert outcomes(world) == {"credited": PEOPLE}
    healthy(world)


def test_without_a_connection_nothing_is_held_and_nothing_leaves(world: World) -> None:
    with wallet(world) as there:
        released(world, PEOPLE)
        connection_path(world.ctx.settings, "MOMO").unlink()
        assert "chờ 1" in worker.send_due(world.ctx)
        assert world.rows("SELECT state FROM batch") == [("queued",)]
        assert world.balance(HELD) == 0
        assert there.simulator.journal.told() == 0


def test_a_simulator_is_refused_in_production(world: World) -> None:
    with wallet(world):
        production = world.ctx.settings.model_copy(update={"env": "production"})
        with pytest.raises(AdapterError) as refused:
            called_rail(replace(world.ctx, settings=production), "MOMO", "momo-1/1")
    assert refused.value.code == "endpoint_refused"
