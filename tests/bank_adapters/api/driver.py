"""A small payer for the tests: sends, follows, and asks again after silence; pays nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bank_adapters.api.contract import Answer, ApiAdapter, Call, Item, Reading, Secrets
from bank_adapters.api.wire import Connection, Wire
from bank_adapters.contract import PaymentRow
from bank_adapters.simulators.wallet.base import Simulator
from bank_adapters.simulators.wallet.server import serving
from tests.bank_adapters.api.build import AT, header

Seen = Callable[[Call, Answer | None], None]


@dataclass
class Payer:
    """One adapter on one wire; `fates` is the last word on each payment."""

    adapter: ApiAdapter
    wire: Wire
    secrets: Secrets
    seen: Seen = lambda _call, _answer: None
    items: dict[str, Item] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    unknown: int = 0

    @property
    def fates(self) -> dict[str, str]:
        return {one: item.fate for one, item in self.items.items()}

    def make(self, rows: list[PaymentRow]) -> list[Call]:
        head = header(rows)
        return [
            self.adapter.make(
                head, group, self.adapter.request_id(head, group, n), AT, self.secrets
            )
            for n, group in enumerate(self.adapter.split(rows), 1)
        ]

    def send(self, call: Call) -> Reading | None:
        """Send a call and what follows from it; None where nothing was heard."""
        reading = None
        following: Call | None = call
        while following is not None:
            outcome = self.wire.send(following)
            self.seen(following, outcome if isinstance(outcome, Answer) else None)
            if not isinstance(outcome, Answer):
                self.unknown += 1
                return None
            reading = self.adapter.read(following, outcome, self.secrets)
            self.items.update({item.end_to_end_id: item for item in reading.items})
            if reading.stop:
                self.stops.append(reading.stop)
            following = self.adapter.next(following, reading, AT, self.secrets)
        return reading

    def ask(self, call: Call, reference: str = "", attempt: int = 1) -> Reading | None:
        return self.send(
            self.adapter.inquiry(
                call.request_id, call.members, AT, self.secrets, reference, attempt
            )
        )


@contextmanager
def payer(
    adapter: ApiAdapter, simulator: Simulator, secrets: Secrets, seen: Seen | None = None
) -> Iterator[Payer]:
    with serving(simulator) as where, Wire(Connection(where, 10, 10_000, 8)) as wire:
        made = Payer(adapter, wire, secrets)
        if seen is not None:
            made.seen = seen
        yield made
