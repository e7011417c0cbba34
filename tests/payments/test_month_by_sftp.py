"""A month with the simulated bank behind a real SFTP server: orders out and answers in, all sealed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pysequoia import encrypt

from bank_adapters.simulators.bank import SimulatedBank
from disbursement.jobs import sender, worker
from disbursement.runs import service
from tests.bank_adapters.sftp_server import serving
from tests.jobs.test_links import BANKS, HOST_KEY, OURS, connect, drain, inbox, opened
from tests.payments.world import ACCOUNT, ADVANCE, PAYABLE, SUSPENSE, TRANSIT
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import Person, World, add_people

PEOPLE = 6
EACH = 750_000


def ready(world: World, folder: Path) -> tuple[SimulatedBank, int]:
    """October is signed and drawn, the bank knows of the money; return it and the sum in đồng."""
    add_people(world, [Person(date(1980, 1, 1), K6) for _ in range(PEOPLE)])
    budget(world, sa=PEOPLE * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list")
    service.draw(
        world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    simulated = SimulatedBank(folder / "simulated")
    simulated.credit(ACCOUNT, total, "KBNN RDT9 CHI TRA")
    simulated.statements(date(2026, 9, 24))
    return simulated, total


def test_a_month_goes_out_and_comes_back_over_the_same_transport(
    world: World, tmp_path: Path
) -> None:
    simulated, total = ready(world, tmp_path)
    with serving(tmp_path / "bank", HOST_KEY) as bank:
        connect(world, bank, sealed=True)
        assert drain(world).sent == 1
        for name, data in opened(bank).items():
            (simulated.folder / "out" / name).write_bytes(data)
        assert simulated.take_orders(date(2026, 10, 5)) == PEOPLE
        simulated.settle()
        simulated.statements(date(2026, 10, 5))
        world.clock.set(date(2026, 10, 6))
        answers = sorted((simulated.folder / "in").iterdir())
        for path in answers:
            sealed = encrypt(
                path.read_bytes(), [OURS.extract_certificate()], BANKS.signer(), armor=False
            )
            (bank.root / "outbox" / f"{path.name}.pgp").write_bytes(sealed)
        assert worker.pick_up(world.ctx).startswith("nhận 0,"), "the first look only looks"
        assert worker.pick_up(world.ctx) == (
            f"nhận {len(answers)}, chờ sao kê trước 0, không nhận 0"
        )
        assert worker.pick_up(world.ctx).startswith("nhận 0,")
        assert drain(world) == sender.Sent()
        assert len(bank.renamed) == 1
    debited, balance = simulated.paid(ACCOUNT)
    assert debited == PEOPLE * EACH
    assert simulated.paid_twice() == []
    assert (world.balance(TRANSIT), world.balance(SUSPENSE)) == (0, 0)
    assert world.balance(ADVANCE) == balance == total - debited
    assert world.balance(PAYABLE) == -(total - debited)
    healthy(world)
    simulated.close()


def test_an_answer_settles_a_file_that_the_bank_took_and_nobody_saw_arrive(
    world: World, tmp_path: Path
) -> None:
    simulated, total = ready(world, tmp_path)
    with serving(tmp_path / "bank", HOST_KEY) as bank:
        connect(world, bank)
        bank.fault = "rename-lost-taken"
        assert drain(world).unknown == 1
        bank.fault = ""
        assert drain(world).unknown == 1, "asked, and not sent again"
        for name, data in bank.taken.items():
            (simulated.folder / "out" / name).write_bytes(data)
        assert simulated.take_orders(date(2026, 10, 5)) == PEOPLE
        simulated.settle()
        simulated.statements(date(2026, 10, 5))
        world.clock.set(date(2026, 10, 6))
        for path in sorted((simulated.folder / "in").iterdir()):
            (bank.root / "outbox" / path.name).write_bytes(path.read_bytes())
        worker.pick_up(world.ctx)
        assert "không nhận 0" in worker.pick_up(world.ctx)
        for _ in range(2):
            assert drain(world) == sender.Sent()
        assert len(bank.renamed) == 1
        assert inbox(bank) == {}
    assert world.rows("SELECT state FROM outbox") == [("done",)]
    assert world.balance(ADVANCE) == total - simulated.paid(ACCOUNT)[0] == 0
    assert world.balance(TRANSIT) == 0
    assert simulated.paid_twice() == []
    healthy(world)
    simulated.close()
