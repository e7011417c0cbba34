"""A decided list with a simulated bank: sent, answered, closed, carried; to the dong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bank_adapters.simulators.bank import Holder, SimulatedBank
from disbursement.jobs import worker
from disbursement.payments.queries import payment_story
from disbursement.runs import close, service
from tests.runs.test_close import report
from tests.runs.test_list_programmes import DECIDED, authority, decided, draw_all, give
from tests.runs.test_month import healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, World

DAY = date(2026, 10, 5)


def test_what_the_bank_rejects_is_carried_and_paid_once(world: World, tmp_path: Path) -> None:
    give(
        world, "LIST", DECIDED, decided(1, 1_000_000, last="11/2026"), decided(2, 2_000_000),
        decided(3, 500_000), decided(1, 300_000, part="CDHH"),
    )  # fmt: skip
    authority(world, "LIST")
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    bank = SimulatedBank(
        worker.drop_folder(world.ctx, PROVIDER),
        profile="clean",
        truth={"9900000001": Holder("Trần Văn B", closed=True)},
    )
    draw_all(world, 202610)
    list_id, total = world.rows("SELECT id, total_vnd FROM pay_list WHERE state = 'released'")[0]
    assert total == 3_800_000
    bank.credit("10000001", total, f"V{list_id}")
    world.clock.set(DAY)
    worker.send_due(world.ctx)
    assert bank.take_orders(DAY) == 3  # one payment a person: two parts travel together
    worker.pick_up(world.ctx)
    healthy(world)
    bank.settle()
    bank.statements(DAY)
    worker.pick_up(world.ctx)
    healthy(world)
    assert bank.paid("10000001") == (2_500_000, 1_300_000)
    assert world.rows(
        "SELECT programme, amount_vnd, reason FROM free_coin ORDER BY amount_vnd"
    ) == [("LIST", 300_000, "rejected:AC04"), ("LIST", 1_000_000, "rejected:AC04")]
    reference = world.one("SELECT reference FROM person WHERE name = 'Trần Văn B'")
    with world.ctx.cell.read() as conn:
        story = payment_story(conn, reference)
    assert story is not None
    assert sorted(story.free) == [
        (202610, 300_000, "rejected:AC04"),
        (202610, 1_000_000, "rejected:AC04"),
    ]
    world.clock.set(date(2026, 10, 20))
    path = report(tmp_path / "r.csv", transfer=2_500_000, cash=0, kept=1_300_000)
    done = close.close_runs(world.ctx, 202610, path, "chi")
    assert (done.paid, done.carried, done.carried_vnd) == (2, 1, 1_300_000)
    assert world.balance(f"expended.{PAYER}.LIST.2026") == 2_500_000
    healthy(world)
    world.clock.set(date(2026, 10, 23))
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert (made.minted_vnd, made.total_vnd, made.payments) == (1_000_000, 2_300_000, 1)
    sign_all(world, 202611)
    assert world.one("SELECT count(*) FROM free_coin") == 0
    assert world.rows(
        "SELECT cover, count(*), sum(amount) FROM line WHERE move = 0 AND sub_id IS NOT NULL "
        "GROUP BY cover ORDER BY cover"
    ) == [(202610, 4, 3_800_000), (202611, 1, 1_000_000)]
    healthy(world)
    assert bank.paid_twice() == []
    bank.close()
