"""What every simulated rail shares: time, books, callbacks, faults, the administrator's calls.

A rail subclasses `Simulator`, returns its routes and speaks its own language; it books with `pay`
and reads back with `order`. Nothing here uses an adapter's code: the two sides of a protocol are
written twice, so that one cannot be wrong in the same way as the other.

The administrator's calls (JSON, never part of a rail): GET /_admin/paid[?id=…], GET
/_admin/callbacks (takes those that are due), POST /_admin/clock {"now": seconds} or {"add":
seconds}, POST /_admin/faults {"set": ["lost_answer:1"]} or {"clear": true}, POST /_admin/answer
{"id" or "account": …, "code": …}: the rail's own code for a payment or for whoever holds an
account.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from bank_adapters.simulators.bank import Holder
from bank_adapters.simulators.wallet.faults import Draw, Faults
from bank_adapters.simulators.wallet.journal import NEVER, Journal, Order

DAY = 86_400
DELAY_SECONDS = 600
"""How long `delay` holds an outcome back, in simulated seconds."""
DEPOSIT_VND = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Incoming:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError):
            return None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Outgoing:
        """Return an answer in JSON."""
        return Outgoing(
            status,
            json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
            {"content-type": "application/json", **(headers or {})},
        )


class Cut(Exception):  # noqa: N818 - it is what happens, not a mistake
    """The connection is cut here, without an answer."""


Handler = Callable[[Incoming], Outgoing]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler; `pays` where the call may book money, so that faults of paying strike it."""

    handle: Handler
    pays: bool = False


class Clock:
    """Simulated time from a given instant on: standing still, or running with the machine."""

    def __init__(self, start: datetime, *, running: bool = False) -> None:
        self._base, self._since = int(start.timestamp()), time.monotonic_ns()
        self._running = running

    def now(self) -> int:
        """Return seconds since 1970."""
        if not self._running:
            return self._base
        return self._base + (time.monotonic_ns() - self._since) // 1_000_000_000

    def set(self, seconds: int) -> None:
        """Set the time."""
        self._base, self._since = seconds, time.monotonic_ns()

    def add(self, seconds: int) -> None:
        """Let time pass at once."""
        self.set(self.now() + seconds)


class Simulator:
    """One simulated rail. `truth` gives holders of accounts; an account not in it exists.

    `callback_url` is where callbacks go that name no address themselves; "" collects them. `keys`
    are the rail's side of the secrets. Ids are known for `id_window_days`.
    """

    name: ClassVar[str]
    reasons: ClassVar[Mapping[str, str]]
    """ISO reason of the failure profile -> the rail's own code."""
    settle_seconds: ClassVar[int] = 0
    """How long a payment takes that nothing goes wrong with."""

    def __init__(
        self,
        keys: Mapping[str, str],
        clock: Clock,
        *,
        journal: Journal | None = None,
        profile: str = "clean",
        seed: int = 1,
        faults: Iterable[str] = (),
        truth: Mapping[str, Holder] | None = None,
        callback_url: str = "",
        deposit_vnd: int = DEPOSIT_VND,
        id_window_days: int = 31,
    ) -> None:
        self.keys, self.truth = keys, truth or {}
        self.journal = journal or Journal()
        self.draw, self.faults = Draw(profile, seed), Faults(faults)
        self.clock = clock
        self.callback_url, self.deposit_vnd = callback_url, deposit_vnd
        self.id_window_days = id_window_days
        self.answers: dict[str, str] = {}
        """Account or payment id -> the rail's code that the administrator wants to hear."""
        self._spent = self.journal.spent(self.clock.now())
        self._routes = self.routes()

    @classmethod
    def made_up_keys(cls, seed: int) -> tuple[dict[str, str], dict[str, str]]:
        """Return (the rail's keys, the payer's secrets) to serve this rail with.

        A simulator of another package must have it; those of our own rails are in rails.py.
        """
        raise NotImplementedError(f"{cls.__name__} does not say which keys it is served with")

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Return (method, path) -> route; paths with ids in them are for `find`."""
        raise NotImplementedError

    def find(self, method: str, path: str) -> Route | None:
        """Return the route of a call."""
        return self._routes.get((method, path))

    # --- a request ----------------------------------------------------------------------------

    def answer(self, call: Incoming) -> Outgoing:
        """Answer one request. Raises Cut where the connection is to be cut."""
        if call.path.startswith("/_admin/"):
            return self._admin(call)
        route = self.find(call.method, call.path)
        if route is None:
            return Outgoing.of({"message": "no such path"}, 404)
        if not route.pays:
            return route.handle(call)
        if self.faults.take("busy"):
            return Outgoing.of({"message": "too many requests"}, 429)
        if self.faults.take("lost_request"):
            raise Cut
        answer = route.handle(call)
        if self.faults.take("lost_answer") or self._drawn_lost(call):
            raise Cut
        if self.faults.take("5xx_after_booking"):
            return Outgoing.of({"message": "internal error"}, 500)
        return answer

    def _drawn_lost(self, call: Incoming) -> bool:
        most = self.draw.profile.lost_file
        return bool(most) and self.draw.share("lost:" + call.body.hex()) < most

    # --- money --------------------------------------------------------------------------------

    def pay(
        self,
        request: str,
        payment: str,
        account: str,
        amount: int,
        *,
        bank: str = "",
        name: str = "",
        text: str = "",
        code: str = "",
    ) -> Order:
        """Book one payment with its fate. `code` refuses it; the rail's duplicate rule came first.

        What was told is in the journal before; see `tell`.
        """
        now = self.clock.now()
        fate = self.draw.fate(payment)
        refused = code or self.answers.get(payment) or self.answers.get(account) or ""
        if not refused and fate.kind == "rejected":
            refused = self.reason(fate.code)
        due, back, back_code = now + self.settle_seconds, NEVER, ""
        if self.faults.take("delay"):
            due = now + DELAY_SECONDS
        if not refused and fate.kind == "late":
            due = now + fate.days * DAY
        if not refused and fate.kind == "never":
            due = NEVER
        if not refused and (fate.kind == "returned" or self.faults.take("late_return")):
            back = due + (fate.days or 2) * DAY
            back_code = self.reason(fate.code or "AC04")
        if not refused and self.faults.take("contradiction"):
            back, back_code = due + 1, self.reason("AC04")
        if not refused:
            self._spent += amount
        return self.journal.book(
            Order(0, request, payment, bank, account, name, amount, text, bool(refused), refused,
                  now, due, back, back_code)
        )  # fmt: skip

    def tell(self, request: str, payment: str, account: str, amount: int) -> None:
        """Write down an order as received, before any rule is applied to it."""
        self.journal.tell(self.clock.now(), request, payment, account, amount)

    def covers(self, amount: int) -> bool:
        """Tell whether the deposit covers one more payment."""
        return self._spent + amount <= self.deposit_vnd

    def balance(self) -> int:
        """Return the deposit's balance in đồng."""
        return self.deposit_vnd - self.journal.spent(self.clock.now())

    def reason(self, iso: str) -> str:
        """Return the rail's code for a reason of the failure profile."""
        return self.reasons.get(iso, self.reasons[""])

    def order(self, payment: str) -> Order | None:
        """Return a payment that the rail still knows; the latest where it was booked twice."""
        found = self.journal.orders(payment)
        return found[-1] if found and found[-1].at >= self.known_since() else None

    def known_since(self) -> int:
        """Return the time before which ids are forgotten."""
        now = self.clock.now()
        return now + 1 if self.faults.on("expired_id") else now - self.id_window_days * DAY

    def told_amount(self, order: Order) -> int:
        """Return the amount to tell, which `wrong_amount` changes."""
        return order.amount + 1000 if self.faults.take("wrong_amount") else order.amount

    def told_account(self, order: Order) -> str:
        """Return the account to tell, which `wrong_account` changes."""
        if not self.faults.take("wrong_account"):
            return order.account
        return order.account[:-1] + ("1" if order.account[-1:] != "1" else "2")

    def holder(self, account: str, name: str = "") -> Holder:
        """Return who holds an account; an unknown account is held by whom the caller names."""
        return self.truth.get(account) or Holder(name or "NGUYEN VAN THU")

    # --- callbacks ----------------------------------------------------------------------------

    def call_back(
        self,
        order: Order,
        write: Callable[[int], tuple[Mapping[str, str], bytes]],
        *,
        method: str = "POST",
    ) -> None:
        """Put the callbacks of a payment into the outbox: its outcome, and its return.

        `write` returns headers and body of the message as of a time. They go to `callback_url`
        only: a simulator never calls an address that a request names.
        """
        for due in (order.due, order.back):
            if due >= NEVER:
                continue
            headers, body = write(due)
            again = self.faults.take("duplicate_callback") or (
                self.draw.share(f"double:{order.id}") < self.draw.profile.double_row
            )
            for _ in range(2 if again else 1):
                self.journal.call_back(due, order.request, method, self.callback_url, headers, body)

    def sends_callbacks(self) -> bool:
        """Tell whether callbacks leave by themselves; else they wait to be collected."""
        return bool(self.callback_url)

    # --- the administrator's calls --------------------------------------------------------------

    def _admin(self, call: Incoming) -> Outgoing:
        what, value = call.path.removeprefix("/_admin/"), call.json() or {}
        if what == "paid":
            return Outgoing.of(self._paid(call.query.get("id", "")))
        if what == "callbacks":
            due = self.journal.due_callbacks(self.clock.now())
            return Outgoing.of(
                [{"method": c.method, "url": c.url, "headers": c.headers, "body": c.body.decode()}
                 for c in due]
            )  # fmt: skip
        if what == "clock":
            if "add" in value:
                self.clock.add(int(value["add"]))
            else:
                self.clock.set(int(value["now"]))
        elif what == "faults":
            if value.get("clear"):
                self.faults.clear()
            for one in value.get("set", ()):
                self.faults.set(one)
        elif what == "answer":
            self.answers[value.get("id") or value["account"]] = value["code"]
        else:
            return Outgoing.of({"message": "no such path"}, 404)
        return Outgoing.of({"ok": True})

    def _paid(self, payment: str) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "told": self.journal.told(payment),
            "paid_twice": self.journal.paid_twice(),
            "orders": [
                {"id": o.id, "request": o.request, "amount": o.amount, "state": o.state(now),
                 "code": o.reason(now)}
                for o in self.journal.orders(payment)
            ],
        }  # fmt: skip


def incoming(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Incoming:
    """Return a request from its target (path and query)."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Incoming(method, parts.path, query, headers, body)
