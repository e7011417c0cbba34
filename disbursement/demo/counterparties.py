"""Who sits across the table in a demo: a bank, a treasury, a cash desk. All simulated.

The bank keeps its own books (bank_adapters/simulators/bank.py); the provider's report is written
from those and from the desk's own result lists, never from ours, so that closing a month proves
something.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from bank_adapters.simulators.bank import Holder
from disbursement.fallback.simulator import simulated_result
from disbursement.platform import files
from disbursement.platform.clock import show_month
from disbursement.runs import close

COUNTS_AS_COLLECTED = 2  # column of the desk's result list that carries the day


class Bank(Protocol):
    """What is asked of a bank here; amounts in dong."""

    def credit(self, account: str, amount: int, words: str) -> None:
        """Book money that arrives on a deposit account."""

    def debit(self, account: str, amount: int, words: str) -> None:
        """Book money that leaves a deposit account."""

    def paid(self, account: str) -> tuple[int, int]:
        """Return (debited and not returned, balance) of a deposit account."""


AnyBank = TypeVar("AnyBank", bound=Bank)


def bank_truth(sample: Path) -> dict[str, Holder]:
    """Return the accounts that the bank knows under another name, or has closed."""
    with (sample / "bank_truth.csv").open(encoding="utf-8", newline="") as source:
        return {
            r["account"]: Holder(r["name"], closed=r["status"] == "closed")
            for r in csv.DictReader(source)
        }


def collected(result: bytes) -> int:
    """Return what a desk's result list says was handed over, in dong."""
    rows = list(csv.reader(result.decode().splitlines()))[1:]
    return sum(int(r[1]) for r in rows if r[COUNTS_AS_COLLECTED])


@dataclass
class Counterparties(Generic[AnyBank]):
    """The provider's bank and its desks; `accounts`: payer code -> deposit account."""

    provider: str
    bank: AnyBank
    accounts: dict[str, str]
    folder: Path
    seed: int = 1
    paid_before: dict[str, int] = field(default_factory=dict)
    """Payer -> what the bank had debited when the last month was reported, in dong."""
    cash: dict[str, int] = field(default_factory=dict)
    """Payer -> what the desks paid out since the last report, in dong."""

    def draw(self, payer: str, amount: int, voucher: str, month: int) -> None:
        """Let the treasury's money arrive on the payer's deposit account."""
        if amount:
            words = f"KBNN {voucher} CAP KINH PHI CHI TRA KY {month}"
            self.bank.credit(self.accounts[payer], amount, words)

    def desk_lists(
        self, conn: Connection, batches: Sequence[tuple[int, str, str]], day: date
    ) -> list[Path]:
        """Write the result list of each open roster; batches: (id, payer code, message id)."""
        out = []
        for batch_id, payer, message in batches:
            data = simulated_result(conn, [batch_id], day, seed=self.seed)
            path = self.folder / f"ket-qua-{message}.csv"
            files.write(path, data)
            if (paid := collected(data)) > 0:
                self.cash[payer] = self.cash.get(payer, 0) + paid
                out.append(path)
        return out

    def report(
        self,
        month: int,
        day: date,
        *,
        send_back: bool,
        others: Sequence[tuple[object, ...]] = (),
    ) -> Path:
        """Write the providers' report of a month (CSV), and pay what it says leaves the account.

        `others` are lines of other providers, written after the bank's.
        """
        path = self.folder / f"bao-cao-{month}.csv"
        lines: list[tuple[object, ...]] = []
        for payer, account in sorted(self.accounts.items()):
            debited, balance = self.bank.paid(account)
            transfer = debited - self.paid_before.get(payer, 0)
            cash = self.cash.pop(payer, 0)
            left = balance - cash
            back = left if send_back else 0
            self.paid_before[payer] = debited
            voucher = f"BC{payer}-{month}"
            lines.append(
                (payer, self.provider, month, transfer, cash, left - back, back, voucher, day)
            )
            if cash:
                self.bank.debit(account, cash, f"{voucher} CHI TIEN MAT KY {show_month(month)}")
            if back:
                self.bank.debit(account, back, f"{voucher} NOP TRA KBNN KY {show_month(month)}")
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(close.COLUMNS)
            writer.writerows([*lines, *others])
        return path
