"""The rails of a demo beside its bank: wallets, a Mobile Money operator, payOS, the post office.

Those that are called are servers on this machine (see `outside`). All keep their own journal of
what they were told to pay; what they report at the month's end, and what the demo compares with our
books, comes from there alone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path

from bank_adapters.api.profile import load_api_profile
from bank_adapters.simulators.bank import Holder
from bank_adapters.simulators.wallet.journal import Callback, Journal
from disbursement.demo.outside import Outside, RailSpec
from disbursement.demo.post import DemoPost
from disbursement.jobs.callbacks import receive
from disbursement.payments.attempts import id_reader
from disbursement.platform import files
from disbursement.platform.clock import ICT
from disbursement.platform.connections import connection_path
from disbursement.platform.context import Context
from disbursement.sample.writer import GATEWAY, POST, WALLETS
from ledger.sql import text

FAULTS = ("lost_answer:3", "5xx_after_booking:2", "busy:2", "duplicate_callback")
"""What each rail does wrong in a demo: lost answers, a full queue, double callbacks."""

ALLOWED = 1_000
"""Calls a second that the demo's rails allow, whatever the profiles take real ones to allow."""
AT_ONCE = 8
"""Callbacks that arrive at the same time."""
BOOKS = "rail.db"
"""A rail's own books, beside what is exchanged with it."""


def rail_contracts(sample: Path) -> dict[str, set[str]]:
    """Return provider -> payers with a contract, from the sample's contracts-rails.csv."""
    out: dict[str, set[str]] = {}
    with (sample / "contracts-rails.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            out.setdefault(row["Mã tổ chức chi trả"], set()).add(row["Mã xã"])
    return out


@dataclass
class DemoRails:
    """Simulated rails by provider, and what each payer has put there."""

    ctx: Context
    payers: dict[str, set[str]]
    post: DemoPost
    outside: Outside
    books: dict[str, Journal] = field(default_factory=dict)
    """Provider -> its own books."""
    now: int = 0
    """The rails' time, in seconds since 1970."""
    put: dict[tuple[str, str], int] = field(default_factory=dict)
    """(payer, provider) -> what was drawn to the provider less what it gave back, in dong."""
    told: dict[tuple[str, str], int] = field(default_factory=dict)
    """(payer, provider) -> what was reported as paid so far, in dong."""

    def start(self, seed: int, truth: dict[str, Holder]) -> None:
        """Start the servers and describe the connections to them."""
        specs = []
        for provider, _, _, _, profile, _ in (*WALLETS, GATEWAY):
            if provider not in self.payers:
                continue
            books = self.ctx.settings.home / "drop" / provider / BOOKS
            books.parent.mkdir(parents=True, exist_ok=True)
            specs.append(RailSpec(provider, load_api_profile(profile).adapter, books))
        now = self.ctx.clock.now()
        self.now = int(now.timestamp())
        for provider, served in self.outside.open_rails(specs, now, seed, truth, FAULTS).items():
            lines = [f'base_url = "{served.address}"', f"calls_per_second = {ALLOWED}", "[secrets]"]
            lines += [f"{name} = '''{value}'''" for name, value in served.secrets.items()]
            path = connection_path(self.ctx.settings, provider)
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, "\n".join(lines).encode())
            path.chmod(0o600)
        self.books = {spec.provider: Journal(spec.books) for spec in specs}

    def close(self) -> None:
        """Close the rails' books."""
        for books in self.books.values():
            books.close()
        self.post.office.close()

    def at(self, day: date, hour: int) -> None:
        """Set the rails' time."""
        self.now = int(datetime.combine(day, time(hour), ICT).timestamp())
        self.outside.set_time(self.now)

    def call_back(self) -> None:
        """Let the rails report what they have to, many at once as they do."""

        def call(provider: str, one: Callback) -> None:
            headers = {name.lower(): value for name, value in one.headers.items()}
            receive(self.ctx, provider, headers, one.body)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            said = [
                pool.submit(call, provider, one)
                for provider, books in self.books.items()
                for one in books.due_callbacks(self.now)
            ]
            for done in said:
                done.result()

    def draw(self, payer: str, provider: str, amount: int) -> None:
        """Let the treasury's money arrive at a provider."""
        self.put[payer, provider] = self.put.get((payer, provider), 0) + amount

    def move(self, payer: str, source: str, target: str, amount: int) -> None:
        """Let money leave one provider, and arrive at another where that is one of these."""
        self.put[payer, source] -= amount
        if target in self.payers:
            self.draw(payer, target, amount)

    def spent(self, provider: str) -> dict[str, int]:
        """Return what a rail has paid for each payer, reversals taken off, in dong.

        Whose order it is says the batch that its id names.
        """
        read = id_reader(self.ctx.cell.code)
        by_journal: dict[int, int] = {}
        for order, amount in self._paid(provider):
            key = read(order)
            if key is not None:
                by_journal[key[0]] = by_journal.get(key[0], 0) + amount
        out: dict[str, int] = {}
        with self.ctx.cell.read() as conn:
            rows = conn.execute(
                text("SELECT b.journal_id, y.code FROM batch b JOIN payer y ON y.id = b.payer_id")
            )
            for journal, payer in rows:
                out[payer] = out.get(payer, 0) + by_journal.get(int(journal), 0)
        return out

    def _paid(self, provider: str) -> Sequence[tuple[str, int]]:
        """Return (order, dong) of what a rail's own books say was paid."""
        if provider == POST[0]:
            return self.post.paid()
        return [
            (order.id, order.amount)
            for order in self.books[provider].orders()
            if order.state(self.now) in ("waiting", "credited")
        ]

    def report_rows(self, month: int, day: date, *, send_back: bool) -> list[tuple[object, ...]]:
        """Return each rail's lines of the providers' report of a month."""
        out: list[tuple[object, ...]] = []
        for provider in sorted(self.payers):
            spent = self.spent(provider)
            for payer in sorted(self.payers[provider]):
                key = (payer, provider)
                paid = spent.get(payer, 0)
                left = self.put.get(key, 0) - paid
                back = left if send_back else 0
                new = paid - self.told.get(key, 0)
                cash = new if provider == POST[0] else 0
                self.told[key] = paid
                self.put[key] = self.put.get(key, 0) - back
                voucher = f"BC{provider}{payer}-{month}"
                out.append(
                    (payer, provider, month, new - cash, cash, left - back, back, voucher, day)
                )
        return out

    def balances(self) -> dict[tuple[str, str], int]:
        """Return (payer, provider) -> what lies at the rail by its own journal, in dong."""
        out = {}
        for provider in self.payers:
            spent = self.spent(provider)
            for payer in self.payers[provider]:
                key = (payer, provider)
                out[key] = self.put.get(key, 0) - spent.get(payer, 0)
        return out
