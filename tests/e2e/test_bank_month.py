"""One month with a simulated bank: out by the worker, back by the worker, books to the dong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bank_adapters.simulators.bank import Holder, SimulatedBank
from disbursement.jobs import worker
from disbursement.runs import service
from tests.runs.test_month import K6, SP, budget, healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

DAY = date(2026, 10, 5)
PEOPLE = [
    *(Person(date(1980 + n, 3, 1), K6) for n in range(8)),
    *(Person(date(1940 + n, 1, 1), SP) for n in range(6)),
    Person(date(1949, 1, 1), SP, kind="cash"),
]


def test_transfers_are_credited_or_come_back(world: World, tmp_path: Path) -> None:
    people = add_people(world, PEOPLE)
    budget(world, sa=30_000_000, sp=30_000_000)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    bank = SimulatedBank(
        worker.drop_folder(world.ctx, PROVIDER),
        profile="clean",
        truth={
            f"19{people[0]:08d}": Holder("Người Khác"),
            f"19{people[1]:08d}": Holder(f"Nguyễn Văn Thử {people[1]}", closed=True),
        },
    )
    for list_id, total in world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id"):
        service.draw(
            world.ctx,
            list_id,
            voucher=f"GRDT{list_id}",
            day=date(2026, 9, 24),
            amount_vnd=total,
            actor="chi",
        )
        bank.credit("10000001", total, f"GRDT{list_id}")
    world.clock.set(DAY)
    worker.send_due(world.ctx)
    assert bank.take_orders(DAY) == 14
    worker.pick_up(world.ctx)
    assert world.rows(
        "SELECT state, code, count(*) FROM attempt_news GROUP BY 1, 2 ORDER BY 2"
    ) == [
        ("rejected", "AC04", 1),
        ("rejected", "BE01", 1),
    ]
    healthy(world)
    bank.settle()
    bank.statements(DAY)
    worker.pick_up(world.ctx)
    healthy(world)
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == 0
    assert world.balance(f"advance.{PAYER}.{PROVIDER}") == 2 * 750_000 + 500_000
    assert bank.paid("10000001") == (6 * 750_000 + 6 * 500_000, 2 * 750_000 + 500_000)
    assert world.rows("SELECT reason, sum(amount_vnd) FROM free_coin GROUP BY 1 ORDER BY 1") == [
        ("rejected:AC04", 750_000),
        ("rejected:BE01", 750_000),
    ]
    assert bank.paid_twice() == []
    bank.close()


def test_a_bad_month_stays_conserved_at_every_step(world: World) -> None:
    """Rejections, late returns, unknown outcomes, doubled rows, lost answers; nothing is lost."""
    add_people(world, [Person(date(1970 + n % 30, 3, 1), K6) for n in range(120)])
    budget(world, sa=200_000_000)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    bank = SimulatedBank(worker.drop_folder(world.ctx, PROVIDER), profile="stress", seed=11)
    (list_id, total), *_ = world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id")
    assert total == 120 * 750_000
    world.clock.set(DAY)
    service.draw(world.ctx, list_id, voucher="GRDT1", day=DAY, amount_vnd=total, actor="chi")
    bank.credit("10000001", total, "GRDT1")
    for late, day in ((False, DAY), (True, date(2026, 10, 9)), (False, date(2026, 10, 12))):
        worker.send_due(world.ctx)
        bank.take_orders(day)
        worker.pick_up(world.ctx)
        healthy(world)
        bank.settle(late=late)
        bank.statements(day)
        world.clock.set(day, 20)
        worker.pick_up(world.ctx)
        healthy(world)
    debited, left = bank.paid("10000001")
    assert debited + left == total
    assert world.balance(f"advance.{PAYER}.{PROVIDER}") == left
    free = world.one("SELECT coalesce(sum(amount_vnd), 0) FROM free_coin")
    flying = -world.balance(f"transit.{PAYER}.{PROVIDER}")
    assert debited + int(free) + flying == total
    assert free > 0
    assert bank.paid_twice() == []
    bank.close()
