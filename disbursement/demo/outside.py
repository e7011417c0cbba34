"""The other side of the demo's table, in a process of its own: its bank, and its called rails.

`Apart` calls the functions here there, one after the other; what they open stays open. The bank
takes orders while the office still sends, as a bank does. Both sides read a rail's books in its
file; nothing else of theirs is shared.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from bank_adapters.simulators.bank import Holder, SimulatedBank
from bank_adapters.simulators.wallet.base import Clock, Simulator
from bank_adapters.simulators.wallet.journal import Journal
from bank_adapters.simulators.wallet.rails import SIMULATORS, made_up_keys
from bank_adapters.simulators.wallet.server import serving
from disbursement.platform.apart import Apart

LOOK_SECONDS = 0.05
"""How often the bank looks whether there is a new order."""


class RailSpec(NamedTuple):
    """One called rail: provider, name of its adapter, file of its own books."""

    provider: str
    adapter: str
    books: Path


class Served(NamedTuple):
    """Where a rail is served, and the payer's secrets for it."""

    address: str
    secrets: Mapping[str, str]


@dataclass
class _State:
    banks: list[SimulatedBank] = field(default_factory=list)
    rails: list[Simulator] = field(default_factory=list)
    serving: ExitStack = field(default_factory=ExitStack)
    enough: threading.Event = field(default_factory=threading.Event)
    taking: threading.Thread | None = None
    taken: int = 0


_here = _State()
"""What is open in this process."""


# --- there ---------------------------------------------------------------------------------------


def _open_bank(folder: Path, failures: str, seed: int, truth: Mapping[str, Holder]) -> None:
    _here.banks.append(SimulatedBank(folder, profile=failures, seed=seed, truth=truth))


def _open_rails(
    specs: Sequence[RailSpec], now: datetime, seed: int, truth: Mapping[str, Holder],
    faults: Sequence[str],
) -> dict[str, Served]:  # fmt: skip
    out = {}
    for spec in specs:
        keys, secrets = made_up_keys(spec.adapter, seed)
        made = SIMULATORS[spec.adapter](
            keys, Clock(now), journal=Journal(spec.books), seed=seed, faults=faults, truth=truth
        )
        out[spec.provider] = Served(_here.serving.enter_context(serving(made)), secrets)
        _here.rails.append(made)
    return out


def _set_time(seconds: int) -> None:
    for made in _here.rails:
        made.clock.set(seconds)


def _credit(account: str, amount: int, words: str) -> None:
    _here.banks[0].credit(account, amount, words)


def _debit(account: str, amount: int, words: str) -> None:
    _here.banks[0].debit(account, amount, words)


def _begin_taking(day: date) -> None:
    _here.enough.clear()
    _here.taken = 0
    _here.taking = threading.Thread(target=_take_until_enough, args=(day,))
    _here.taking.start()


def _take_until_enough(day: date) -> None:
    while not _here.enough.wait(LOOK_SECONDS):
        _here.taken += _here.banks[0].take_orders(day)
    _here.taken += _here.banks[0].take_orders(day)


def _finish_taking() -> int:
    _here.enough.set()
    if _here.taking is not None:
        _here.taking.join()
    return _here.taken


def _settle(late: bool) -> None:
    _here.banks[0].settle(late=late)


def _statements(day: date) -> None:
    _here.banks[0].statements(day)


def _paid(account: str) -> tuple[int, int]:
    return _here.banks[0].paid(account)


def _close() -> None:
    _here.serving.close()
    for made in _here.rails:
        made.journal.close()
    for bank in _here.banks:
        bank.close()


# --- here ----------------------------------------------------------------------------------------


class OutsideBank:
    """The bank, as the demo speaks to it; see SimulatedBank."""

    def __init__(self, process: Apart) -> None:
        self._process = process

    def credit(self, account: str, amount: int, words: str) -> None:
        """Book money that arrives on a deposit account, in dong."""
        self._process.do(_credit, account, amount, words)

    def debit(self, account: str, amount: int, words: str) -> None:
        """Book money that leaves a deposit account, in dong."""
        self._process.do(_debit, account, amount, words)

    def begin_taking(self, day: date) -> None:
        """Let the bank take orders as they come, from now on."""
        self._process.do(_begin_taking, day)

    def finish_taking(self) -> int:
        """Let it take what is still there; return how many payments it was told."""
        return self._process.do(_finish_taking)

    def settle(self, *, late: bool = False) -> None:
        """Let it book what is due."""
        self._process.do(_settle, late)

    def statements(self, day: date) -> None:
        """Let it write its statements."""
        self._process.do(_statements, day)

    def paid(self, account: str) -> tuple[int, int]:
        """Return (debited and not returned, balance) of a deposit account, in dong."""
        return self._process.do(_paid, account)


class Outside:
    """The process with the bank and the rails in it."""

    def __init__(self) -> None:
        self._process = Apart()

    def open_bank(
        self, folder: Path, failures: str, seed: int, truth: Mapping[str, Holder]
    ) -> OutsideBank:
        """Open the bank over its exchange folder; `failures` names its failure profile."""
        self._process.do(_open_bank, folder, failures, seed, truth)
        return OutsideBank(self._process)

    def open_rails(
        self,
        specs: Sequence[RailSpec],
        now: datetime,
        seed: int,
        truth: Mapping[str, Holder],
        faults: Sequence[str],
    ) -> dict[str, Served]:
        """Serve the called rails; return provider -> where."""
        return self._process.do(_open_rails, specs, now, seed, truth, faults)

    def set_time(self, seconds: int) -> None:
        """Set the rails' time, in seconds since 1970."""
        self._process.do(_set_time, seconds)

    def close(self) -> None:
        """Stop the servers, close the books, end the process."""
        with self._process:
            self._process.do(_close)
