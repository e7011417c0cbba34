"""A bad month with the simulated bank: every dong of the book is where the bank says it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bank_adapters.simulators.bank import FailureProfile, SimulatedBank
from bank_adapters.transports import FileDrop
from disbursement.jobs import sender
from disbursement.payments.evidence import decide_unknown
from disbursement.payments.intake import take_folder
from disbursement.payments.queries import failures, month_counts
from disbursement.runs import service
from tests.payments.world import ACCOUNT, ADVANCE, PAYABLE, SUSPENSE, TRANSIT, no_roster
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import PROVIDER, Person, World, add_people

PEOPLE = 90
BAD = FailureProfile(
    "test",
    ((15_000, "rejected", "AC04"), (25_000, "returned", "AC06"), (33_000, "late", ""),
     (41_000, "never", "")),
    double_row=100_000,
    lost_file=0,
)  # fmt: skip
EACH = 750_000


@pytest.mark.parametrize("seed", [1, 7])
def test_a_stressed_month_ends_where_the_bank_ends(world: World, tmp_path: Path, seed: int):
    add_people(world, [Person(date(1980, 1, 1), K6) for _ in range(PEOPLE)])
    budget(world, sa=PEOPLE * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    folder = tmp_path / PROVIDER
    bank = SimulatedBank(folder, profile="stress", seed=seed)
    bank.profile = BAD
    ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list")
    service.draw(
        world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    bank.credit(ACCOUNT, total, "KBNN RDT9 CHI TRA")
    bank.statements(date(2026, 9, 24))
    sender.drain(world.ctx, lambda _: FileDrop(folder / "out"), no_roster)
    bank.take_orders(date(2026, 10, 5))
    bank.settle()
    bank.statements(date(2026, 10, 5))
    bank.settle(late=True)
    bank.statements(date(2026, 10, 7))
    bank.statements(date(2026, 10, 8))  # three working days after the pay day, as evidence asks
    world.clock.set(date(2026, 10, 9))
    results = take_folder(world.ctx, folder / "in", actor="worker")
    every = [r for first in results for r in (first, *first.then)]
    assert {r.state for r in every} <= {"applied"}
    healthy(world)
    decided = decide_unknown(world.ctx)
    healthy(world)
    debited, balance = bank.paid(ACCOUNT)
    assert (world.balance(TRANSIT), world.balance(SUSPENSE)) == (0, 0)
    assert world.balance(ADVANCE) == balance == total - debited
    assert world.balance(PAYABLE) == -(total - debited)
    with world.ctx.cell.read() as conn:
        counts = month_counts(conn, 202610)
        table = failures(conn, 202610)
    assert counts["credited_vnd"] == debited
    assert counts["unknown"] == 0
    assert sum(f.count for f in table) == PEOPLE - int(str(counts["credited"]))
    assert decided.payments == sum(f.count for f in table if f.code == "NO_DEBIT") > 0
    assert bank.paid_twice() == []
    before = world.rows("SELECT code, debit, credit FROM account ORDER BY code")
    assert {r.state for r in take_folder(world.ctx, folder / "in", actor="worker")} == {"repeated"}
    assert world.rows("SELECT code, debit, credit FROM account ORDER BY code") == before
    bank.close()
