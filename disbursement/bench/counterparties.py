"""The other side of a month, in a process of its own: sample, bank, cash desk, and printing.

`Apart.do` calls these functions there; `open_office` comes first, and what it opens stays open.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, datetime
from datetime import time as hour
from pathlib import Path
from typing import Any, NamedTuple

from bank_adapters.simulators.bank import SimulatedBank
from bank_adapters.simulators.wallet.base import Clock, Simulator
from bank_adapters.simulators.wallet.rails import SIMULATORS, made_up_keys
from bank_adapters.simulators.wallet.server import serving
from disbursement.demo import office
from disbursement.demo.counterparties import Counterparties, bank_truth
from disbursement.fallback.papers import write_roster
from disbursement.jobs.worker import drop_folder
from disbursement.platform.clock import ICT, SetClock
from disbursement.platform.context import Context, open_context
from disbursement.platform.settings import Settings
from disbursement.runs import papers
from disbursement.sample.writer import PROVIDER, Format, SampleReport, write_sample


class WalletSaid(NamedTuple):
    """What the wallet's own journal holds: orders received, ids paid twice, đồng spent.

    And the CPU seconds that its process has used so far.
    """

    told: int
    twice: int
    spent_vnd: int
    cpu_seconds: float


_wallets: list[Simulator] = []
_serving = ExitStack()
_open: list[tuple[Context, SetClock]] = []
_parties: list[Counterparties[SimulatedBank]] = []


def make_sample(
    folder: Path, people: int, province: str, seed: int, form: Format, payers: int | None
) -> SampleReport:
    """Write a sample whose whole register is one file."""
    return write_sample(
        folder, people=people, province=province, seed=seed, form=form, payers=payers, late=False
    )


def open_office(values: dict[str, Any], day: date) -> None:
    """Open the books for reading and printing; `values` are those of the settings."""
    clock = SetClock(day)
    _open.append((open_context(Settings.model_construct(**values), clock=clock), clock))


def open_bank(sample: Path, failures: str, seed: int) -> None:
    """Open the simulated bank and the desks of a sample's payers."""
    ctx, _ = _open[0]
    bank = SimulatedBank(
        drop_folder(ctx, PROVIDER[0]), profile=failures, seed=seed, truth=bank_truth(sample)
    )
    folder = ctx.settings.home / "reports"
    folder.mkdir()
    accounts = office.deposit_accounts(sample)
    _parties.append(Counterparties(PROVIDER[0], bank, accounts, folder, seed))


def open_wallet(day: date, seed: int) -> tuple[str, dict[str, str]]:
    """Serve a simulated MoMo that pays everybody; return its address and our secrets."""
    keys, secrets = made_up_keys("momo", seed)
    made = SIMULATORS["momo"](keys, Clock(datetime.combine(day, hour(9), ICT)))
    _wallets.append(made)
    return _serving.enter_context(serving(made)), secrets


def wallet_said() -> WalletSaid:
    """Return what the wallet was told and paid."""
    made = _wallets[0]
    return WalletSaid(
        made.journal.told(), len(made.journal.paid_twice()), made.journal.spent(made.clock.now()),
        time.process_time(),
    )  # fmt: skip


def draws(rows: Sequence[tuple[str, int, str, int]], day: date) -> None:
    """Let the treasury's money arrive, and write statements; rows as `Counterparties.draw`."""
    for payer, amount, voucher, month in rows:
        _parties[0].draw(payer, amount, voucher, month)
    _parties[0].bank.statements(day)


def orders(day: date) -> int:
    """Let the bank take what was sent; return how many payments it read."""
    return _parties[0].bank.take_orders(day)


def settle(day: date, *, late: bool) -> None:
    """Let the bank book what is due, and write statements."""
    _parties[0].bank.settle(late=late)
    _parties[0].bank.statements(day)


def desk_lists(rosters: Sequence[tuple[int, str, str]], day: date) -> list[Path]:
    """Write the desks' result lists; rosters as `Counterparties.desk_lists`."""
    ctx, _ = _open[0]
    with ctx.cell.read() as conn:
        return _parties[0].desk_lists(conn, rosters, day)


def balances() -> dict[str, int]:
    """Return what the bank says lies on each payer's account, in dong."""
    parties = _parties[0]
    return {payer: parties.bank.paid(number)[1] for payer, number in parties.accounts.items()}


def sheets(lists: Sequence[int], day: date) -> int:
    """Print approval sheets; return how many."""
    ctx, clock = _open[0]
    clock.set(day)
    for list_id in lists:
        papers.write_sheet(ctx, list_id)
    return len(lists)


def rosters(batches: Sequence[int], day: date) -> int:
    """Print cash lists; return how many."""
    ctx, clock = _open[0]
    clock.set(day)
    for batch_id in batches:
        write_roster(ctx, batch_id)
    return len(batches)


def first_of_each(rows: Sequence[tuple[int, str]]) -> list[int]:
    """Return the first number of each payer's; rows: number, payer's code."""
    out: dict[str, int] = {}
    for number, payer in rows:
        out.setdefault(payer, number)
    return list(out.values())


def close_office() -> None:
    """Close what was opened."""
    for parties in _parties:
        parties.bank.close()
    for ctx, _ in _open:
        ctx.database.dispose()
