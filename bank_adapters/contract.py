"""What an adapter is: bytes and calls out, typed answers in.

An adapter knows one rail (a bank's files, a wallet's API, a cash desk). It is stateless: no
database, no clock, no randomness of its own; everything it needs is handed in, so the same call
always gives the same bytes. What it can do is declared in `Capabilities`; asking for more raises
`NotOffered`. Money is whole đồng (`int`, names end in `_vnd`).

Outcome words follow promises P2 and P8: nothing here turns "accepted" into "paid", and an outcome
that was not seen is `Unknown`, never a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as _field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from bank_adapters.api.contract import Item

Side = Literal["CRDT", "DBIT"]
AnswerKind = Literal[
    "pain.002", "camt.029", "camt.053", "camt.052", "camt.054", "mt940", "mt942", "sheet", "calls"
]  # fmt: skip
"""`sheet`: a result list in a table of the rail's own, read by its profile. `calls`: what a called
rail answered, for each payment."""
STATUS_KINDS = frozenset({"pain.002", "camt.029", "sheet"})
BOOKED_KINDS = frozenset({"camt.053", "mt940"})
"""Statements of an account that the book follows; camt.052/054 and MT942 only announce."""
Level = Literal["file", "batch", "transaction"]
Action = Literal["retry", "fix", "wait", "ask", "stop"]
Source = bytes | Path
Item_co = TypeVar("Item_co", covariant=True)


# --- errors -------------------------------------------------------------------------------------


class AdapterError(Exception):
    """Base. `code` is stable for programs; `sentence` (Vietnamese) and `en` are for people.

    `action` says what the caller must do: retry, fix, wait, ask, stop. No sentence holds a name
    or an account number.
    """

    action: ClassVar[Action] = "stop"

    def __init__(self, code: str, sentence: str, *, en: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.en = en

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross into another process as they are; their makers take other arguments."""
        return _same_error, (type(self), self.args, self.__dict__)


def _same_error(
    kind: type[AdapterError], args: tuple[Any, ...], values: dict[str, Any]
) -> AdapterError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(values)
    return error


class RefusedText(AdapterError):  # noqa: N818 - the name is part of the fixed contract
    """A name or a text cannot be written in the profile's character set or length."""

    action: ClassVar[Action] = "fix"

    def __init__(self, field_name: str, code: str, sentence: str, *, en: str) -> None:
        super().__init__(code, sentence, en=en)
        self.field = field_name


class RefusedRow(AdapterError):  # noqa: N818 - the name is part of the fixed contract
    """One row of a batch cannot be written; `n` and `field` say which. Nothing is sent."""

    action: ClassVar[Action] = "fix"

    def __init__(self, n: int, field_name: str, code: str, sentence: str, *, en: str) -> None:
        super().__init__(code, sentence, en=en)
        self.n = n
        self.field = field_name


class RefusedBatch(AdapterError):  # noqa: N818 - sibling of RefusedRow
    """The batch as a whole cannot be written: header, count, sum or size. Nothing is sent."""

    action: ClassVar[Action] = "fix"


class RefusedFile(AdapterError):  # noqa: N818 - the name is part of the fixed contract
    """A file from a rail is refused whole; nothing of it may be used.

    `line` is the line in the file, or None where the whole file is meant; `what` says what is
    wrong and `do` what to do about it (both Vietnamese). The sentence holds all three.
    """

    action: ClassVar[Action] = "ask"

    def __init__(self, code: str, what: str, do: str, *, line: int | None = None, en: str) -> None:
        where = f" (dòng {line})" if line else ""
        super().__init__(
            code,
            f"Tệp trả lời bị từ chối{where}: {what}. Chưa ghi nhận gì. {do}",
            en=f"{en} (line {line})" if line else en,
        )
        self.what = what
        self.line = line
        self.do = do


class MissingXsd(AdapterError):  # noqa: N818 - the name is part of the fixed contract
    """The schema a file must be checked against is not installed: nothing may be sent."""


class NotOffered(AdapterError, AttributeError):  # noqa: N818 - the name is part of the fixed contract
    """The rail does not offer this capability, or there is no adapter for the rail.

    It is an AttributeError too, so `hasattr(adapter, "cancel")` answers whether it is offered.
    """


class Conflict(AdapterError):  # noqa: N818 - reads as the outcome it names
    """A file of this name with other content is already there: stop and look."""


# --- out ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment as frozen at submit; rendering reads nothing else (coins.md 4)."""

    n: int
    """Number in the batch, from 1, ascending."""
    end_to_end_id: str
    """16-20 characters of [A-Z0-9-], unique for ever."""
    amount_vnd: int
    bank_code: str
    """BIC of the payee's bank, 8 or 11 characters."""
    account: str
    name: str
    """Account holder, exactly as written in the file (see `prepare_text`)."""
    text: str
    """Remittance text, exactly as written; starts with `reference`, never names a category."""
    reference: str
    """[A-Z0-9]+, the reference the payee can quote."""
    about: tuple[tuple[str, str], ...] = _field(default=(), repr=False)
    """What a cash desk asks for beside the order: (name, value) with the names birth (year), last4
    (of the identity number), place, payee (who may collect), months."""


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What stands once in the file; every value is fixed at freeze."""

    message_id: str
    payment_info_id: str
    created_at: str
    """ISO text, e.g. 2026-11-03T02:00:00Z."""
    execution_date: date
    debtor_name: str
    debtor_account: str
    debtor_bic: str
    category_purpose: str
    purpose: str
    count: int
    total_vnd: int
    lot: int = 1
    """Number of this file where a batch is cut into lots, from 1."""
    about: tuple[tuple[str, str], ...] = ()
    """What a treasury's table names: (name, value) with the names unit_code, treasury, order_no,
    order_date (dd/mm/yyyy) and order_total (the payment order's sum, digits, đồng)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is written otherwise than it was given. Values stay out of repr and logs."""

    field: str
    before: str = _field(repr=False)
    after: str = _field(repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was written: SHA-256 (hex) of all bytes, payments, sum in đồng, size in bytes."""

    sha256: str
    count: int
    total_vnd: int
    bytes: int


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A rendered file on disk, ready to be handed to a transport."""

    name: str
    path: Path
    sha256: str
    bytes: int


# --- outcomes of sending and asking ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rail holds the request. It says nothing about payment."""

    reference: str
    repeated: bool = False
    """True where the same bytes were already there and nothing was sent again."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The rail refused the request as a whole, in an answer we saw."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The first byte may have left: ask under the same id, never send under a new one."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly nothing left: may be tried again under the same id."""

    reason: str
    far: bool = False
    """True where the far side could not be reached: no fault of the file, tried without end."""


Outcome = Accepted | Rejected | Unknown | NotSent


# --- in -----------------------------------------------------------------------------------------


class Items(Protocol[Item_co]):
    """Read whole and checked beforehand; can be walked several times, in constant memory."""

    def __iter__(self) -> Iterator[Item_co]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One status of a pain.002 or camt.029, on the level where the bank gave it.

    A status of a file or batch counts for every member that is not listed itself; whether an
    unlisted payment is accepted is for the profile to say. `status` is None where the bank gave
    none. Codes are kept as they came, known or not.
    """

    level: Level
    original_msg_id: str
    payment_info_id: str | None
    end_to_end_id: str | None
    instr_id: str | None
    status: str | None
    reason_code: str | None
    reason_text: str
    amount_vnd: int | None = None
    code_set: Literal["status", "cancellation"] = "status"
    more_reasons: tuple[str, ...] = ()
    """Further reason codes after the first."""
    line: int = 0
    occurred_on: date | None = None
    """Day of the credit or hand-over, where the rail gives one."""


class Entry(NamedTuple):
    """One movement on an account.

    A booking with several details comes as one entry per detail, with `batch_of` = number of the
    booking in its statement (the details were checked to add up to it). A booking without details
    comes as one entry with `batch_of` None; `batch_count` and `payment_info_id` are what the bank
    said about its members.
    """

    n: int
    side: Side
    amount_vnd: int
    status: str
    """BOOK, PDNG, INFO or FUTR. Only BOOK moves money."""
    booking_date: date | None
    acct_svcr_ref: str | None
    end_to_end_id: str | None
    instr_id: str | None
    tx_id: str | None
    payment_info_id: str | None
    message_id: str | None
    is_return: bool
    reason_code: str | None
    charges_vnd: int
    text: str
    counterparty_account: str | None
    batch_of: int | None
    batch_count: int | None = None
    line: int = 0
    code_set: Literal["return"] = "return"

    # A tuple, because a hundred thousand are made for a statement; its repr shows no account.
    def __repr__(self) -> str:
        return f"Entry(n={self.n}, side={self.side!r}, amount_vnd={self.amount_vnd})"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, report or notification about one account.

    Balances are signed đồng (overdrawn = negative) and None where the message has none
    (camt.052 often, camt.054 always). For a camt.053: opening + booked entries = closing holds.
    """

    id: str
    sequence: int | None
    account: str = _field(repr=False)
    currency: str
    opening_vnd: int | None
    closing_vnd: int | None
    from_date: date | None
    to_date: date | None
    entries: Items[Entry]
    message_id: str = ""
    credit_vnd: int = 0
    """Sum of booked credits."""
    debit_vnd: int = 0


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer, read whole and checked.

    `items` holds StatusItem (pain.002, camt.029, sheet), Statement, or what a called rail said of
    each payment (calls). A sheet has no id of its own: its `message_id` is made from its bytes, its
    `created_at` is ''.
    """

    kind: AnswerKind
    version: str
    message_id: str
    created_at: str
    original_message_id: str | None
    """Of what is answered; of a camt.029 without details the id of the case that it closes."""
    warnings: tuple[str, ...]
    items: Items[StatusItem] | Sequence[Statement] | Sequence[Item]

    def statuses(self) -> Items[StatusItem]:
        """Return the items of a pain.002, camt.029 or sheet; TypeError on another kind."""
        if self.kind not in STATUS_KINDS:
            raise TypeError(f"a {self.kind} holds statements, not statuses")
        return self.items  # type: ignore[return-value] # the kind decides, see above

    def statements(self) -> Sequence[Statement]:
        """Return the statements of a camt; TypeError on another kind."""
        if self.kind in STATUS_KINDS or self.kind == "calls":
            raise TypeError(f"a {self.kind} holds statuses, not statements")
        return self.items  # type: ignore[return-value] # the kind decides, see above

    def fates(self) -> Sequence[Item]:
        """Return what a called rail said of each payment; TypeError on another kind."""
        if self.kind != "calls":
            raise TypeError(f"a {self.kind} is no answer to calls")
        return self.items  # type: ignore[return-value] # the kind decides, see above


# --- the adapter ----------------------------------------------------------------------------------


class Transport(Protocol):
    """Carries a file to the rail and brings answers back."""

    def send(self, file: OutgoingFile) -> Outcome:
        """Deliver the file; the outcome says whether it arrived, never whether it is paid."""

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        """Ask whether a file of this name arrived: a restart asks before it sends."""


class Marks(Protocol):
    """What is remembered of a file on its way, durable before each call returns.

    Without it a lost answer could not be told from a file that the bank already took out of its
    inbox: a mark says that the decisive request may have left.
    """

    def expected(self, name: str) -> tuple[str, int] | None:
        """Return SHA-256 (hex) and size in bytes of the file of this name; None if unknown."""

    def asked(self, name: str) -> bool:
        """Tell whether the request that makes the file the bank's may have left."""

    def ask(self, name: str) -> None:
        """Remember that this request is about to leave."""

    def forget(self, name: str) -> None:
        """Remember that it certainly did not take place and no longer can."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the rail offers. A thing not offered raises NotOffered when asked for."""

    kind: Literal["file", "api", "cash"]
    render: bool = False
    submit: bool = False
    inquire: bool = False
    parse: bool = False
    verify_payee: bool = False
    balance: bool = False
    cancel: bool = False
    verify_callback: bool = False
    statement: bool = False
    max_payments: int | None = None
    min_amount_vnd: int = 1
    max_amount_vnd: int | None = None


OPTIONAL = ("verify_payee", "balance", "cancel", "verify_callback")
"""Capabilities that a rail may have or not; what they look like:

    verify_payee(bank_code: str, account: str) -> str       the holder's name at the rail
    balance(account: str) -> int                             of the deposit account, in đồng
    cancel(header: CancelHeader, rows, out) -> Rendered      write the request to ask payments
                                                             back (bank_adapters/camt055.py)
    verify_callback(headers: Mapping[str, str], body: bytes) -> None
"""


class Format(Protocol):
    """What every profile says, whatever rail it describes."""

    @property
    def id(self) -> str:
        """Name of the profile."""

    @property
    def version(self) -> int:
        """Number of the version."""

    @property
    def key(self) -> str:
        """Id and version as a batch freezes them, e.g. `iso-vn-1/1`."""

    @property
    def max_payments_per_file(self) -> int:
        """Most payments in one file of ours."""

    @property
    def unlisted_means_accepted(self) -> bool:
        """True where the rail lists only what it rejects."""

    @property
    def answer_wait_days(self) -> int:
        """Working days after which a missing answer is a break."""

    @property
    def return_window_days(self) -> int:
        """Working days in which a late return is ordinary."""

    @property
    def confidence(self) -> str:
        """How sure we are of the source."""

    @property
    def source(self) -> str:
        """Where the description comes from."""

    def in_force(self, day: date) -> bool:
        """Whether a batch of this day may be made under this version."""

    def file_name(self, message_id: str, lot: int = 1) -> str:
        """Name of the outgoing file, fixed by the batch alone."""


class Adapter(Protocol):
    """One rail under one profile.

    An adapter has a method for each capability it declares, and no other: asking for one that is
    not offered raises NotOffered (see `Rail`).
    """

    @property
    def name(self) -> str:
        """Name of the rail's adapter in the registry."""

    @property
    def capabilities(self) -> Capabilities:
        """What this rail offers."""

    @property
    def profile(self) -> Format:
        """The dated format this adapter writes."""

    def validate(self, header: BatchHeader, rows: Iterable[PaymentRow]) -> None:
        """Check a batch as `render` would; RefusedRow or RefusedBatch."""

    def render(self, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO) -> Rendered:
        """Write the batch; the same input gives the same bytes."""

    def submit(self, file: OutgoingFile, transport: Transport) -> Outcome:
        """Hand a rendered file over, once."""

    def inquire(self, name: str, transport: Transport) -> Accepted | NotSent | Unknown:
        """Ask what became of a file; sends nothing."""

    def parse(self, source: Source) -> ParsedAnswer:
        """Read an answer whole and check it; RefusedFile."""


class Rail:
    """Base of adapters: what a rail does not offer is no method, and says so in one place."""

    name: str

    if not TYPE_CHECKING:  # a type checker must still find misspelt names

        def __getattr__(self, attribute: str) -> object:
            """Raise NotOffered for a capability the rail does not have."""
            if attribute in OPTIONAL:
                raise NotOffered(
                    "not_offered",
                    f"Kênh chi trả {self.name} không cung cấp chức năng {attribute}; "
                    "hãy dùng cách khác.",
                    en=f"rail {self.name} does not offer {attribute}",
                )
            raise AttributeError(f"{type(self).__name__} has no attribute {attribute!r}")
