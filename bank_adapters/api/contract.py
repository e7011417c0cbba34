"""What an adapter of a called rail is: orders in, calls out, raw answers read. No network here.

The life of one call, with who does what:

1. `split` says which orders of a batch travel together (one each, or up to what the rail takes).
2. The caller fixes a request id per call, and `make` writes the exact bytes of the request:
   signature, ciphertext, headers. They are stored (encrypted) and committed *before* the first
   call of the group leaves, and a retry sends the stored bytes again, never new ones.
3. `wire.Wire.send` carries them. It answers `Answer` (an HTTP answer was seen, of whatever
   status), `NotSent` (certainly nothing left) or `Unknown` (something may have left).
4. `read` says what an answer means. An answer that means "seen before" is no verdict: `ask` is
   set, and the caller inquires. Where a rail wants a second step (create, then approve), `next`
   writes its call.
5. `inquiry` writes the call that asks what became of a request, under the same id; `read` reads
   its answer too.
6. A callback is checked by `check_callback` (signature, over the raw bytes), then read by
   `read_callback`; `callback_reply` is what the rail wants to hear back.

Everything is pure and stateless: ids, times, nonces and secrets are handed in; an adapter never
logs, and no repr shows an account, a name or a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from bank_adapters.api.profile import ApiProfile
from bank_adapters.contract import AdapterError, BatchHeader, PaymentRow

Fate = Literal["credited", "returned", "rejected", "waiting", "unknown", "absent"]
"""What a rail says of one payment.

credited: the payee has the money, by a final answer. returned: it was credited and came back.
rejected: a final refusal, nothing was or will be paid. waiting: the rail holds it, no outcome yet.
unknown: an answer we cannot read a fate from (5xx, a code not in the table, a code that is called
final but means nothing). absent: an *inquiry* was answered "no such request": the rail never had
it, so that the same bytes may be sent again inside the id window. A refusal of a repeated id is
never `rejected` and never `absent`.
"""
Step = Literal["pay", "approve", "inquiry", "callback"]
"""What a call is for us, whatever the rail calls it.

pay: what `make` writes for a group of orders; where a rail wants two steps it alone moves nothing.
approve: the second step, which does (batch/pay, PATCH batchStatus, ZaloPay's topup); stored beside
the first before it leaves. inquiry: a question, never stored, moves nothing.
"""


class BadCallback(AdapterError):  # noqa: N818 - the name says what it is
    """A callback whose signature, shape or sender is not the rail's; nothing of it is used."""

    action = "ask"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a payer's contract with the rail gave it, by the names the adapter documents."""

    values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        """Return one secret. Raises AdapterError (`secret_missing`) naming it, never its value."""
        value = self.values.get(name, "")
        if not value:
            raise AdapterError(
                "secret_missing",
                f"Thiếu khóa kết nối {name}; hãy khai báo trong tệp kết nối của tổ chức chi trả.",
                en=f"connection secret {name} is missing",
            )
        return value

    def get(self, name: str, default: str = "") -> str:
        """Return one secret, or the default where it is not given."""
        return self.values.get(name, default)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, exactly as it leaves. `members` are the end-to-end ids it pays or asks about."""

    request_id: str
    step: Step
    method: Literal["POST", "GET", "PATCH", "PUT"]
    path: str
    """Path and query, relative to the base address of the connection."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came: status, content type, raw bytes (at most `wire.MOST_BYTES`).

    `signature` is the header X-Signature of rails that sign their answers ("" where there is none);
    `read` checks it over the body, and an answer that fails is no verdict.
    """

    http: int
    content_type: str
    body: bytes = field(repr=False)
    signature: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """What a rail says of one payment. `code` and `text` are raw, as they came.

    `amount_vnd`, `account` and `bank_code` (in the form of the order) only where the rail repeats
    them: the intake compares them with the order, and another amount, account or bank parks the
    payment.
    """

    end_to_end_id: str
    fate: Fate
    code: str
    text: str
    amount_vnd: int | None = None
    account: str | None = field(default=None, repr=False)
    reference: str = ""
    """The rail's own id of the payment."""
    bank_code: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer means: a fate for each member that it speaks of, and what must follow.

    `ask`: nothing can be said yet (seen before, in flight, 5xx, unreadable): inquire later.
    `approve`: nothing is paid yet, the rail waits for `next`, which leaves at once, `ask` or not.
    `reference` is what the rail calls the request; `inquiry` takes it back. `stop` names a fault
    of ours or of the whole rail (wrong key, no funds, rail closed): no further call leaves until a
    person has looked. `request_id` is set by a callback that names our request but no payment:
    that request is inquired.
    """

    items: tuple[Item, ...]
    ask: bool = False
    approve: bool = False
    reference: str = ""
    stop: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What we answer a callback with."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


class ApiAdapter(Protocol):
    """One called rail under one profile."""

    name: ClassVar[str]
    """Name in the registry: momo, zalopay, payos, gsma."""
    secret_names: ClassVar[tuple[str, ...]]
    """Names of the secrets it needs; documented in the adapter's module."""

    def __init__(self, profile: ApiProfile) -> None:
        """Hold the profile; nothing else is kept."""

    @property
    def profile(self) -> ApiProfile:
        """The dated description of the rail."""

    def check(self, row: PaymentRow) -> None:
        """Check one order against the rail's own rules (account form, amount, text). RefusedRow."""

    def split(self, rows: Iterable[PaymentRow]) -> Iterator[tuple[PaymentRow, ...]]:
        """Return the orders of each call, in order."""

    def request_id(self, header: BatchHeader, rows: Sequence[PaymentRow], n: int) -> str:
        """Return the id of the n-th call of a batch: a function of the batch alone, for ever.

        For a single payment it is made from its end-to-end id, so that no second id exists.
        """

    def make(
        self,
        header: BatchHeader,
        rows: Sequence[PaymentRow],
        request_id: str,
        at: datetime,
        secrets: Secrets,
    ) -> Call:
        """Write the request. The only randomness allowed is that of a cipher's padding."""

    def next(self, call: Call, reading: Reading, at: datetime, secrets: Secrets) -> Call | None:
        """Write the call that follows at once; None where nothing follows.

        It approves a created batch, follows a link that an inquiry was answered with, or asks for
        the next page of results: the caller sends it and asks again, until None.
        """

    def inquiry(
        self,
        request_id: str,
        members: Sequence[str],
        at: datetime,
        secrets: Secrets,
        reference: str = "",
        attempt: int = 1,
    ) -> Call:
        """Write the call that asks what became of a request, or of one of its members."""

    def read(self, call: Call, answer: Answer, secrets: Secrets) -> Reading:
        """Read an answer to a call; never raises for what a rail may send: unreadable is `ask`."""

    def check_callback(self, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> None:
        """Check a callback's signature over its raw bytes. BadCallback."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Reading:
        """Read a checked callback: items by end-to-end id, or the request id that it speaks of.

        BadCallback where it has neither.
        """

    def callback_reply(self) -> Reply:
        """Return what the rail demands as an answer, also for an id that we do not know."""

    def balance_call(self, at: datetime, nonce: str, secrets: Secrets) -> Call:
        """Write the call that asks for the deposit's balance. NotOffered where there is none."""

    def read_balance(self, answer: Answer) -> int:
        """Read a balance in đồng. AdapterError where it cannot be read."""

    def name_call(
        self, code: str, account: str, name: str, at: datetime, nonce: str, secrets: Secrets
    ) -> Call:
        """Write the call that asks who holds an account. NotOffered where there is none."""

    def read_name(self, answer: Answer) -> str:
        """Read the holder's name as the rail gives it (perhaps masked); "" where none is given.

        AdapterError where the account does not exist or the answer cannot be read.
        """
