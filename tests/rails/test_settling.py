"""A call that the rail has forgotten is settled by the provider's letter and three signatures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from disbursement.fallback.plan import work_failed
from disbursement.jobs import outbox, settling, worker
from disbursement.jobs.callbacks import receive
from disbursement.jobs.settling import Letter, Settlement
from disbursement.payments.queries import attempts_of
from disbursement.platform.errors import DisburseError
from ledger.verify import verify
from tests.cli.conftest import Type, typed
from tests.rails.office import (
    ADVANCE,
    EACH,
    FREE,
    HELD,
    PAYABLE,
    SUSPENSE,
    TRANSIT,
    Wallet,
    connect,
    outcomes,
    released,
    wallet,
)
from tests.runs.test_month import healthy
from tests.runs.world import PAYER, World

__all__ = ["typed"]

PEOPLE = 4
LATE = date(2026, 10, 5) + timedelta(days=32)
ON = date(2026, 11, 4)
PDF = b"%PDF-1.7 CV 88"
SAYS = "Hai lenh nay khong duoc thuc hien"


@contextmanager
def forgotten(world: World, **options: Any) -> Iterator[Wallet]:
    """A list of four by wallet: two answers are lost, and nobody asks until it is too late."""
    with wallet(world, faults=["lost_answer:2"], **options) as there:
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        connect(world, there, "http://127.0.0.1:9")
        world.clock.set(LATE)
        worker.ask_rails(world.ctx)
        connect(world, there)
        assert outcomes(world) == {"credited": PEOPLE - 2}
        yield there


@pytest.fixture
def letter(tmp_path: Path) -> Letter:
    scan = tmp_path / "cv88.pdf"
    scan.write_bytes(PDF)
    return Letter(scan, "CV 88/MoMo", ON, SAYS)


def batch_of(world: World) -> int:
    return int(world.one("SELECT max(id) FROM batch"))


def open_ids(world: World) -> list[str]:
    with world.ctx.cell.read() as conn:
        return [one.order for one in settling.open_orders(conn, batch_of(world))]


def propose(world: World, letter: Letter, *, who: str = "an", **given: Any) -> Settlement:
    told: dict[str, Any] = {"outcome": "not_paid", "amount_vnd": 2 * EACH, **given}
    return settling.propose(
        world.ctx, batch_of(world), letter=letter, signer=world.signers[who], **told
    )


def sign(world: World, number: int, *names: str) -> Settlement:
    for name in names:
        done = settling.sign(world.ctx, number, world.signers[name])
    return done


def lies(world: World) -> tuple[int, ...]:
    return tuple(world.balance(a) for a in (TRANSIT, PAYABLE, ADVANCE, FREE, HELD, SUSPENSE))


BEFORE = (-2 * EACH, 0, 2 * EACH, 0, 2 * EACH, 0)
NOT_PAID = (0, -2 * EACH, 2 * EACH, 2 * EACH, 0, 0)
PAID = (0, 0, 0, 0, 0, 0)


def test_not_paid_lies_free_for_cash_after_the_last_signature(world: World, letter: Letter) -> None:
    with forgotten(world):
        assert lies(world) == BEFORE
        orders = open_ids(world)
        with world.ctx.cell.read() as conn:
            (one,) = outbox.stopped(conn)
        assert (one.overdue, one.open_payments, one.resumable) == (2, 2, False)
        made = propose(world, letter)
        assert (made.payments, made.amount_vnd, made.orders, made.waits_for) == (
            2, 2 * EACH, tuple(orders), "sign2",
        )  # fmt: skip
        assert sign(world, made.id, "chi").waits_for == "sign1"
        assert lies(world) == BEFORE, "two signatures move nothing"
        done = sign(world, made.id, "dung")
        assert (done.state, done.waits_for) == ("posted", "")
        assert lies(world) == NOT_PAID
        assert outcomes(world) == {"credited": 2, "rejected": 2}
        assert world.rows("SELECT reason, sum(amount_vnd) FROM free_coin GROUP BY reason") == [
            ("rejected:LETTER", 2 * EACH)
        ]
        with world.ctx.cell.begin() as conn:
            assert work_failed(conn, 202610) == {}, "it may be paid in cash"
        assert world.one("SELECT count(*) FROM payment WHERE hold_reason = ''") == PEOPLE
        with world.ctx.cell.read() as conn:
            assert outbox.stopped(conn) == []
            assert verify(conn).ok
    healthy(world)


def test_the_decision_names_batch_attempt_amount_holder_and_letter(
    world: World, letter: Letter
) -> None:
    with forgotten(world):
        (first, _) = open_ids(world)
        made = propose(world, letter, orders=[first], amount_vnd=EACH)
        sign(world, made.id, "chi", "dung")
    (n, person, payment, message) = world.rows(
        "SELECT r.n, p.person_id, p.id, b.message_id FROM batch_row r "
        "JOIN payment p ON p.id = r.payment_id JOIN batch b ON b.id = r.batch_id "
        f"WHERE r.end_to_end_id = '{first}'"
    )[0]
    kind, evidence, body = world.rows(
        "SELECT j.kind, j.evidence, s.body FROM journal j JOIN statement s ON s.journal_id = j.id "
        "WHERE j.kind = 'presumed_failure'"
    )[0]
    said = json.loads(body)
    digest = hashlib.sha256(PDF).hexdigest()
    assert kind == said["purpose"] == "presumed_failure"
    assert said["payments"] == [{"n": n, "order": first, "amount_vnd": EACH, "holder": person}]
    assert (said["batch"], said["message_id"], said["amount_vnd"]) == (
        batch_of(world), message, EACH,
    )  # fmt: skip
    assert (said["letter"], said["letter_on"], said["letter_sha256"], said["says"]) == (
        "CV 88/MoMo", "2026-11-04", digest, SAYS,
    )  # fmt: skip
    kept = world.ctx.settings.files / "evidence"
    assert (kept / digest[:2] / digest).read_bytes() == PDF
    name = bytes(evidence).hex()
    record = json.loads((kept / name[:2] / name).read_bytes())
    assert (record["letter_sha256"], record["batch"]) == (digest, batch_of(world))
    with world.ctx.cell.read() as conn:
        (attempt,) = attempts_of(conn, payment)
    assert (attempt.state, [(s.code_set, s.code) for s in attempt.news]) == (
        "rejected", [("decision", "LETTER")],
    )  # fmt: skip
    assert lies(world) == (-EACH, -EACH, 2 * EACH, EACH, EACH, 0)
    healthy(world)


def test_paid_is_booked_as_the_debit_it_was(world: World, letter: Letter) -> None:
    with forgotten(world):
        made = propose(world, letter, outcome="paid")
        sign(world, made.id, "chi", "dung")
        assert lies(world) == PAID
        assert outcomes(world) == {"credited": PEOPLE}
        assert world.one("SELECT count(*) FROM journal WHERE kind = 'forced_import'") == 1
        with world.ctx.cell.read() as conn:
            assert verify(conn).ok
    healthy(world)


@pytest.mark.parametrize("outcome", ["not_paid", "paid"])
def test_what_the_rail_says_afterwards_against_the_letter_parks(
    world: World, letter: Letter, outcome: str
) -> None:
    with forgotten(world) as there:
        made = propose(world, letter, outcome=outcome)
        sign(world, made.id, "chi", "dung")
        after = lies(world)
        for said in there.simulator.journal.due_callbacks(there.simulator.clock.now()):
            headers = {k.lower(): v for k, v in said.headers.items()}
            assert receive(world.ctx, "momo", headers, said.body).status == 204
        worker.take_callbacks(world.ctx)
        assert lies(world) == after, "words against the letter move nothing"
        if outcome == "paid":
            assert outcomes(world) == {"credited": PEOPLE}
            assert world.one("SELECT count(*) FROM break_item") == 0
        else:
            assert outcomes(world) == {"credited": PEOPLE - 2, "parked": 2}
            assert (
                world.rows("SELECT kind, amount_vnd, state FROM break_item")
                == [("contradiction", EACH, "open")] * 2
            )
            with world.ctx.cell.begin() as conn:
                work_failed(conn, 202610)
            assert world.one("SELECT count(*) FROM payment WHERE closed_as <> ''") == 0
    healthy(world)


def test_what_is_parked_after_the_letter_is_not_planned_for_cash(
    world: World, letter: Letter
) -> None:
    with forgotten(world) as there:
        sign(world, propose(world, letter).id, "chi", "dung")
        with world.ctx.cell.begin() as conn:
            work_failed(conn, 202610)
            assert conn.exec_driver_sql("SELECT count(*) FROM work_failed").scalar() == 2
        for said in there.simulator.journal.due_callbacks(there.simulator.clock.now()):
            receive(world.ctx, "momo", {k.lower(): v for k, v in said.headers.items()}, said.body)
        worker.take_callbacks(world.ctx)
        with world.ctx.cell.begin() as conn:
            work_failed(conn, 202610)
            assert conn.exec_driver_sql("SELECT count(*) FROM work_failed").scalar() == 0


def test_an_answer_before_the_last_signature_stands(world: World, letter: Letter) -> None:
    with forgotten(world) as there:
        made = propose(world, letter)
        sign(world, made.id, "chi")
        for said in there.simulator.journal.due_callbacks(there.simulator.clock.now()):
            receive(world.ctx, "momo", {k.lower(): v for k, v in said.headers.items()}, said.body)
        worker.take_callbacks(world.ctx)
        assert lies(world) == PAID
        with pytest.raises(DisburseError) as stale:
            sign(world, made.id, "dung")
        assert stale.value.code == "settlement_stale"
        assert (lies(world), outcomes(world)) == (PAID, {"credited": PEOPLE})
        assert settling.withdraw(world.ctx, made.id, actor="an").state == "withdrawn"
    healthy(world)


def test_each_refusal_is_one_sentence_and_moves_nothing(world: World, letter: Letter) -> None:
    with forgotten(world):
        first, second = open_ids(world)
        paid = world.rows(
            "SELECT r.end_to_end_id FROM batch_row r JOIN attempt_news k ON k.batch_id = "
            "r.batch_id AND k.n = r.n WHERE k.state = 'credited' ORDER BY r.n"
        )[0][0]
        before = world.one("SELECT max(seq) FROM seal")

        def refused(code: str, **given: Any) -> None:
            told = {"letter": letter, **given}
            with pytest.raises(DisburseError) as error:
                propose(world, told.pop("letter"), **told)
            assert error.value.code == code
            assert error.value.sentence.count("\n") == 0

        refused("role", who="chi")
        refused("settle_amount", amount_vnd=2 * EACH - 1)
        refused("settle_amount", orders=[first], amount_vnd=2 * EACH)
        refused("settle_order", orders=["DS25000000000000"])
        refused("already_answered", orders=[paid], amount_vnd=EACH)
        missing = Letter(letter.scan.with_name("none.pdf"), "CV 1", ON, SAYS)
        refused("no_letter", letter=missing)
        empty = letter.scan.with_name("empty.pdf")
        empty.write_bytes(b"")
        refused("scan", letter=Letter(empty, "CV 1", ON, SAYS))
        refused("text", letter=Letter(letter.scan, " ", ON, SAYS))
        refused("text", letter=Letter(letter.scan, "CV 1", ON, ""))
        refused("letter_date", letter=Letter(letter.scan, "CV 1", LATE + timedelta(1), SAYS))
        refused("letter_date", letter=Letter(letter.scan, "CV 1", date(2026, 10, 4), SAYS))
        with pytest.raises(DisburseError) as nobody:
            settling.sign(world.ctx, 1, world.signers["chi"])
        assert nobody.value.code == "settlement"
        made = propose(world, letter)
        refused("settlement_waits", orders=[second], amount_vnd=EACH)
        refused("nothing_overdue")
        for wrong in ("an", "binh", "dung"):
            with pytest.raises(DisburseError) as error:
                sign(world, made.id, wrong)
            assert error.value.code in {"role", "same_person"}
        assert lies(world) == BEFORE
        assert world.one("SELECT max(seq) FROM seal") == before
        sign(world, made.id, "chi", "dung")
        with pytest.raises(DisburseError) as again:
            sign(world, made.id, "dung")
        assert again.value.code == "settlement_decided"
        refused("already_answered", orders=[first], amount_vnd=EACH)
        assert lies(world) == NOT_PAID
    healthy(world)


def test_a_call_inside_the_window_is_for_the_machine(world: World, letter: Letter) -> None:
    with wallet(world, faults=["lost_answer:2"]):
        released(world, PEOPLE)
        worker.send_due(world.ctx)
        first, _ = open_ids(world)
        early = Letter(letter.scan, letter.number, date(2026, 10, 5), SAYS)
        for given, code in (
            ({"orders": [first], "amount_vnd": EACH}, "still_open"),
            ({}, "nothing_overdue"),
        ):
            with pytest.raises(DisburseError) as error:
                propose(world, early, **given)
            assert error.value.code == code
        assert lies(world) == BEFORE


def test_by_hand(world: World, letter: Letter, typed: Type) -> None:
    with forgotten(world):
        day = {"day": LATE.isoformat()}
        batch = batch_of(world)
        assert f"disburse outbox settle {batch}" in typed("outbox", "list", **day).out
        (one, other) = typed("outbox", "orders", batch, "--json", **day).json
        assert (one["amount_vnd"], one["overdue"], other["settlement"]) == (EACH, True, 0)
        typed("outbox", "orders", 999_999, **day).refused("batch", 3)
        told = (
            "outbox", "settle", batch, "--outcome", "not-paid", "--order", one["order"],
            "--amount", EACH, "--number", "CV 88", "--date", "2026-11-04", "--says", SAYS,
            "--letter",
        )  # fmt: skip
        typed(*told, letter.scan.with_name("x.pdf"), "--as", "an", **day).refused("no_letter", 3)
        made = typed(*told, letter.scan, "--as", "an", "--json", **day).json
        assert (made["state"], made["payer"], made["letter"]) == ("proposed", PAYER, "CV 88")
        assert "chờ" in typed("outbox", "settlements", **day).out
        typed("outbox", "sign", made["id"], "--as", "binh", **day).refused("role", 4)
        withdrawn = typed("outbox", "withdraw", made["id"], "--as", "an", "--json", **day).json
        assert withdrawn["state"] == "withdrawn"
        made = typed(*told, letter.scan, "--as", "an", "--json", **day).json
        for name in ("chi", "dung"):
            typed("outbox", "sign", made["id"], "--as", name, **day)
        assert [s["state"] for s in typed("outbox", "settlements", "--json", **day).json] == [
            "withdrawn", "posted",
        ]  # fmt: skip
    assert lies(world) == (-EACH, -EACH, 2 * EACH, EACH, EACH, 0)
    healthy(world)
