"""The money of what failed at a wallet goes to the desks' provider, and then to the people, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bank_adapters.api.profile import load_api_profile
from bank_adapters.simulators.wallet.base import Clock
from bank_adapters.simulators.wallet.rails import SIMULATORS, made_up_keys
from bank_adapters.simulators.wallet.server import serving
from bank_adapters.transports import FileDrop
from disbursement.fallback import advance_moves
from disbursement.fallback.advance_moves import Move, Voucher
from disbursement.fallback.plan import plan_cash
from disbursement.fallback.rules import cash_allowed
from disbursement.fallback.service import open_roster
from disbursement.jobs import sender, worker
from disbursement.payments.intake import take_answer
from disbursement.payments.late_draws import match_late_draws
from disbursement.platform.clock import ICT, today
from disbursement.platform.errors import DisburseError, NotNowError
from disbursement.runs import books, service
from disbursement.runs.books import Amount
from ledger import chart, posting
from ledger.errors import LedgerError
from ledger.posting import Header
from ledger.verify import verify
from tests.cli.conftest import Type, typed
from tests.payments.world import Entry, camt053
from tests.rails.office import (
    ADVANCE,
    EACH,
    FREE,
    PAYABLE,
    SUSPENSE,
    TRANSIT,
    WALLET,
    Wallet,
    connect,
    outcomes,
    released,
    wallet,
)
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

__all__ = ["typed"]

DESK = chart.advance(PAYER, PROVIDER)
DESK_FREE = chart.cash_free(PAYER, PROVIDER)
TREASURY = chart.treasury(PAYER)
AGENT = chart.agent(PAYER, PROVIDER)
MOVED = 2 * EACH
PAPER = Voucher("CT1", date(2026, 10, 5), MOVED)


@pytest.fixture
def failed(world: World) -> Iterator[World]:
    """Three people with a wallet: one is paid, the wallet knows two of them not."""
    with wallet(world) as there:
        there.simulator.answers |= {"0900000001": "1007", "0900000002": "4002"}
        released(world, 3)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": 1, "rejected": 2}
        yield world


def propose(world: World, voucher: Voucher = PAPER, **given: Any) -> Move:
    told: dict[str, Any] = {"payer": PAYER, "source": WALLET, "who": "an", "month": 202610, **given}
    return advance_moves.propose(
        world.ctx, told["month"], payer=told["payer"], source=told["source"], voucher=voucher,
        signer=world.signers[told["who"]],
    )  # fmt: skip


def sign(world: World, number: int, *names: str) -> Move:
    for name in names:
        done = advance_moves.sign(world.ctx, number, world.signers[name])
    return done


def lies(world: World) -> tuple[int, ...]:
    return tuple(world.balance(a) for a in (ADVANCE, DESK, FREE, DESK_FREE, PAYABLE))


BEFORE = (MOVED, 0, MOVED, 0, -MOVED)
AFTER = (0, MOVED, 0, MOVED, -MOVED)


def cash(world: World) -> Any:
    return plan_cash(world.ctx, 202610, world.signers["an"])


def test_what_failed_at_a_wallet_is_paid_in_cash_in_the_same_month(
    failed: World, tmp_path: Path
) -> None:
    world = failed
    treasury = world.balance(TREASURY)
    assert lies(world) == BEFORE
    with pytest.raises(NotNowError) as nothing:
        cash(world)
    assert nothing.value.code == "nothing_failed"
    made = propose(world)
    assert (made.payments, made.amount_vnd, made.source, made.target, made.waits_for) == (
        2, MOVED, WALLET, PROVIDER, "sign2",
    )  # fmt: skip
    sign(world, made.id, "chi")
    assert lies(world) == BEFORE, "two signatures move nothing"
    done = sign(world, made.id, "dung")
    assert (done.state, done.waits_for, lies(world)) == ("posted", "", AFTER)
    assert world.balance(TREASURY) == treasury
    healthy(world)
    planned = cash(world)
    assert (planned.payments, planned.total_vnd, planned.left) == (2, MOVED, {})
    for name, role in (("chi", "sign2"), ("dung", "sign1")):
        service.sign_all(world.ctx, 202610, role, world.signers[name])
    sender.drain(world.ctx, lambda provider: FileDrop(tmp_path / provider), open_roster)
    assert (world.balance(AGENT), world.balance(PAYABLE), world.balance(DESK_FREE)) == (
        -MOVED,
        0,
        0,
    )
    assert world.rows("SELECT state FROM roster") == [("ordered",)]
    healthy(world)
    with world.ctx.cell.read() as conn:
        assert verify(conn).ok
        kind, roles = conn.execute(
            text(
                "SELECT j.kind, count(g.role) FROM journal j JOIN signature g "
                "ON g.journal_id = j.id WHERE j.idem_key = :k GROUP BY j.kind"
            ),
            {"k": f"advance_move:{made.id}"},
        ).one()
    assert (kind, roles) == ("correction", 3)


@pytest.mark.parametrize(
    ("given", "voucher", "code"),
    [
        ({}, Voucher("CT1", PAPER.day, MOVED + 1), "move_amount"),
        ({}, Voucher("CT1", PAPER.day, EACH), "move_amount"),
        ({}, Voucher("CT1", PAPER.day, -MOVED), "move_amount"),
        ({}, Voucher("RDT9", PAPER.day, MOVED), "voucher_used"),
        ({}, Voucher(" ", PAPER.day, MOVED), "voucher"),
        ({}, Voucher("CT1", date(2026, 10, 6), MOVED), "draw_date"),
        ({"source": PROVIDER}, PAPER, "nothing_elsewhere"),
        ({"source": "NOBODY"}, PAPER, "nothing_elsewhere"),
        ({"payer": "99999"}, PAPER, "nothing_elsewhere"),
        ({"month": 202611}, PAPER, "nothing_elsewhere"),
        ({"who": "chi"}, PAPER, "role"),
    ],
)
def test_the_wrong_move_is_refused_and_moves_nothing(
    failed: World, given: dict[str, Any], voucher: Voucher, code: str
) -> None:
    world = failed
    seals = world.one("SELECT max(seq) FROM seal")
    with pytest.raises(DisburseError) as refused:
        propose(world, voucher, **given)
    assert refused.value.code == code
    assert (lies(world), world.one("SELECT max(seq) FROM seal")) == (BEFORE, seals)
    assert world.rows("SELECT count(*) FROM advance_move") == [(0,)]
    assert world.rows("SELECT count(*) FROM draft_line") == [(0,)]


def test_once_is_once_and_who_signed_signs_no_second_time(failed: World) -> None:
    world = failed
    made = propose(world)
    for voucher, code in (
        (PAPER, "nothing_elsewhere"),
        (Voucher("CT2", PAPER.day, MOVED), "nothing_elsewhere"),
    ):
        with pytest.raises(NotNowError) as again:
            propose(world, voucher)
        assert again.value.code == code
    for name in ("an", "binh", "dung"):
        with pytest.raises(DisburseError):
            sign(world, made.id, name)
    sign(world, made.id, "chi")
    for name in ("an", "binh", "chi"):
        with pytest.raises(DisburseError):
            sign(world, made.id, name)
    assert lies(world) == BEFORE
    sign(world, made.id, "dung")
    for act in (
        lambda: sign(world, made.id, "dung"),
        lambda: advance_moves.withdraw(world.ctx, made.id, actor="an"),
    ):
        with pytest.raises(NotNowError) as over:
            act()
        assert over.value.code == "move_decided"
    with pytest.raises(NotNowError):
        propose(world, Voucher("CT3", PAPER.day, MOVED))
    assert lies(world) == AFTER
    healthy(world)


def test_withdrawn_it_is_as_if_it_never_was(failed: World) -> None:
    world = failed
    made = propose(world)
    sign(world, made.id, "chi")
    assert advance_moves.withdraw(world.ctx, made.id, actor="an").state == "withdrawn"
    with pytest.raises(NotNowError):
        sign(world, made.id, "dung")
    assert lies(world) == BEFORE
    assert world.rows("SELECT count(*) FROM draft_line") == [(0,)]
    again = propose(world)
    assert sign(world, again.id, "chi", "dung").state == "posted"
    assert lies(world) == AFTER
    healthy(world)


def test_a_payment_that_is_held_since_stops_the_move(failed: World) -> None:
    world = failed
    made = propose(world)
    sign(world, made.id, "chi")
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "UPDATE person SET died_on = '2026-10-01' WHERE id = (SELECT min(p.person_id) "
                "FROM payment p JOIN advance_move_payment x ON x.payment_id = p.id)"
            )
        )
    with pytest.raises(NotNowError) as stale:
        sign(world, made.id, "dung")
    assert (stale.value.code, lies(world)) == ("move_stale", BEFORE)
    advance_moves.withdraw(world.ctx, made.id, actor="an")
    one = propose(world, Voucher("CT2", PAPER.day, EACH))
    sign(world, one.id, "chi", "dung")
    assert lies(world) == (EACH, EACH, EACH, EACH, -MOVED)
    healthy(world)


def test_the_book_itself_refuses_what_is_not_there_and_what_nobody_signed(failed: World) -> None:
    world = failed

    def plan(vnd: int) -> None:
        with world.ctx.cell.begin() as conn:
            books.post_gl(
                conn, world.ctx, book=chart.BUDGETARY, kind="cash_plan", payer_id=world.payer_id,
                key=f"attack:{vnd}", month=202610, day=PAPER.day,
                amounts=[
                    Amount(chart.cash_source(PAYER, WALLET), FREE, vnd),
                    Amount(DESK_FREE, chart.cash_source(PAYER, PROVIDER), vnd),
                ],
            )  # fmt: skip

    with pytest.raises(LedgerError) as more:
        plan(MOVED + 1)
    assert more.value.code == "limit"
    made = propose(world)
    sign(world, made.id, "chi")
    journal, body = world.rows(
        "SELECT m.journal_id, s.digest FROM advance_move m JOIN statement s "
        "ON s.journal_id = m.journal_id"
    )[0]

    def post(payer: int, digest: bytes | None) -> None:
        with world.ctx.cell.begin() as conn:
            posting.post_draft(
                conn,
                Header(
                    id=journal, book=chart.FINANCIAL, payer_id=payer, kind="correction",
                    idem_key="attack", month=202610, effective_date=PAPER.day,
                    recorded_at="2026-10-05T00:00:00Z", statement_digest=digest,
                ),
            )  # fmt: skip

    for payer, digest in (
        (world.payer_id, bytes(body)),
        (world.payer_id, None),
        (world.payer_id + 1, bytes(body)),
    ):
        with pytest.raises(LedgerError):
            post(payer, digest)
    assert lies(world) == BEFORE
    healthy(world)
    sign(world, made.id, "dung")
    assert lies(world) == AFTER


def test_the_statement_of_the_desks_account_knows_the_money(failed: World) -> None:
    """Whichever comes first: the entry is matched by its voucher and moves nothing twice."""
    world = failed
    made = propose(world)
    sign(world, made.id, "chi", "dung")
    entries = [Entry("CRDT", MOVED, text="CHUYEN CT1 TU VI DIEN TU")]
    done = take_answer(
        world.ctx, camt053(entries, sequence=1, opening=0), source_name="s.xml", actor="worker"
    )
    assert done.state == "applied"
    assert world.rows("SELECT kind, ref_id FROM funding_entry") == [("move_in", made.id)]
    assert world.rows("SELECT count(*) FROM break_item") == [(0,)]
    assert (lies(world), world.balance(SUSPENSE)) == (AFTER, 0)
    healthy(world)


def test_money_seen_before_it_was_signed_waits_in_suspense_and_is_matched(failed: World) -> None:
    world = failed
    entries = [Entry("CRDT", MOVED, text="CHUYEN CT1 TU VI DIEN TU")]
    take_answer(
        world.ctx, camt053(entries, sequence=1, opening=0), source_name="s.xml", actor="worker"
    )
    assert (world.balance(DESK), world.balance(SUSPENSE)) == (MOVED, -MOVED)
    made = propose(world)
    assert match_late_draws(world.ctx) == 0, "a move that nobody signed explains nothing"
    sign(world, made.id, "chi", "dung")
    assert match_late_draws(world.ctx) == 1
    assert (lies(world), world.balance(SUSPENSE)) == (AFTER, 0)
    healthy(world)


def test_as_it_is_typed(failed: World, typed: Type) -> None:
    day = {"day": "2026-10-05"}
    said = typed("cash", "plan", "--month", "2026-10", "--as", "an", **day)
    said.refused("nothing_failed", 4)
    assert "2 khoản (1.500.000 đồng) còn tiền ở nơi chi trả khác" in said.err
    move = ("advance", "move", "--month", "2026-10", "--payer", PAYER, "--from", WALLET,
            "--voucher", "CT1", "--date", "2026-10-05", "--as", "an", "--amount")  # fmt: skip
    typed(*move, "1500001", **day).refused("move_amount", 3)
    assert "2 khoản, 1.500.000 đồng từ MOMO sang" in typed(*move, "1500000", **day).out
    typed("advance", "sign", 1, "--as", "dung", **day).refused("role", 4)
    typed("advance", "sign", 1, "--as", "chi", **day)
    assert "đã ghi sổ" in typed("advance", "sign", 1, "--as", "dung", **day).out
    (row,) = typed("advance", "list", "--json", **day).json
    assert (row["state"], row["amount_vnd"], row["waits_for"]) == ("posted", MOVED, "")
    assert (
        "2 khoản, 1.500.000 đồng"
        in typed("cash", "plan", "--month", "2026-10", "--as", "an", **day).out
    )
    typed("advance", "sign", 9, "--as", "chi", **day).refused("advance_move", 3)


@pytest.mark.parametrize(
    ("reason", "profile", "allowed"),
    [
        ("rejected:1007", "momo-1", True), ("rejected:4002", "momo-1", True),
        ("rejected:1001", "momo-1", False), ("rejected:1007", "", False),
        ("rejected:1003", "momo-1", True), ("rejected:2019", "momo-1", False),
        ("rejected:99", "momo-1", False), ("returned:1007", "momo-1", False),
        ("rejected:sub -101", "zalopay-1", True), ("rejected:sub -401", "zalopay-1", False),
        ("rejected:status 2", "zalopay-1", True), ("rejected:status 4", "zalopay-1", False),
        ("returned:status 2", "zalopay-1", False), ("rejected:status 2", "momo-1", False),
        ("rejected:state FAILED", "payos-1", True), ("rejected:0", "momo-1", False),
        ("rejected:approval REJECTED", "payos-batch-1", True),
        ("rejected:state ON_HOLD", "payos-1", False), ("rejected:LETTER", "payos-1", True),
        ("returned:state REVERSED", "payos-1", True),
        ("rejected:status failed", "viettel-money-1", True),
        ("rejected:insufficientFunds", "viettel-money-1", False),
    ],
)  # fmt: skip
def test_which_codes_of_a_called_rail_fall_to_cash(
    reason: str, profile: str, allowed: bool
) -> None:
    rail = load_api_profile(profile) if profile else None
    assert cash_allowed(reason, rail) is allowed


def test_a_wallets_final_refusal_without_a_reason_is_paid_in_cash_that_month(world: World) -> None:
    """ZaloPay's 2 is final; its 4 is repaired by hand there and stays in flight."""
    with wallet(world, name="zalopay", profile="zalopay-1") as there:
        there.simulator.answers |= {"0900000001": "status 2", "0900000002": "status 4"}
        released(world, 3)
        worker.send_due(world.ctx)
        world.clock.set(date(2026, 10, 6))
        worker.ask_rails(world.ctx)
    assert outcomes(world) == {"credited": 1, "rejected": 1, "unknown": 1}
    assert world.rows("SELECT reason, amount_vnd FROM free_coin") == [("rejected:status 2", EACH)]
    assert world.balance(TRANSIT) == -EACH, "what is not final stays in flight"
    made = propose(world, Voucher("CT1", date(2026, 10, 5), EACH))
    sign(world, made.id, "chi", "dung")
    planned = cash(world)
    assert (planned.payments, planned.total_vnd, planned.left) == (1, EACH, {})
    healthy(world)


def test_what_payos_failed_without_a_reason_is_paid_in_cash_that_month(world: World) -> None:
    """FAILED is final; PROCESSING stays in flight. payOS pays to banks, from the bank's contract."""
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE provider SET profile = 'payos-1'"))
    keys, secrets = made_up_keys("payos", 1)
    clock = Clock(datetime.combine(today(world.clock), datetime.min.time(), ICT))
    simulator = SIMULATORS["payos"](keys, clock, faults=["delay:1"])
    with serving(simulator) as address:
        connect(world, Wallet(simulator, secrets, address), provider=PROVIDER)
        add_people(world, [Person(date(1980, 1, 1), K6, "bank", f"100000{n}") for n in range(3)])
        simulator.answers["1000002"] = "X"
        budget(world, sa=3 * EACH)
        service.prepare(world.ctx, 202610, world.signers["an"])
        sign_all(world)
        ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list")
        service.draw(
            world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
        )
        world.clock.set(date(2026, 10, 5))
        worker.send_due(world.ctx)
        worker.ask_rails(world.ctx)
    assert outcomes(world) == {"credited": 1, "rejected": 1, "accepted": 1}
    assert world.rows("SELECT reason, amount_vnd FROM free_coin") == [
        ("rejected:state FAILED", EACH)
    ]
    assert world.balance(chart.transit(PAYER, PROVIDER)) == -EACH
    planned = cash(world)
    assert (planned.payments, planned.total_vnd, planned.left) == (1, EACH, {})
    healthy(world)
