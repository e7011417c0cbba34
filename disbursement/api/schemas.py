"""What the API says. Amounts are whole dong; months `2026-11`; days ISO; instants UTC ISO text.

Nothing here names a person: a payment carries the beneficiary's reference code and the last four
digits of the account, as the papers do.
"""

from __future__ import annotations

import re
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from disbursement.api.body import Model
from disbursement.identity.strict_json import MAX_INT

T = TypeVar("T")


def _digits(value: object) -> object:
    """Let an address or a query say a number in one way only: digits, no sign, no zero in front."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("not a number")
    return value


_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

Id = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MAX_INT)]
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
PayerCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,20}$", examples=["08986"])]
Cursor = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before; opaque."),
]
Role = Annotated[str, Field(pattern=r"^(prepare|check|sign2|sign1)$")]
Instant = Annotated[
    str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")
]


class Out(BaseModel):
    """Base of every answer: what is not declared is not sent."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(BaseModel):
    """How to walk a collection: oldest first, `limit` at a time."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(_digits)] = Field(50, ge=1, le=200)
    cursor: Cursor | None = None

    @property
    def after(self) -> int:
        """Return the id after which the page starts."""
        return int(self.cursor) if self.cursor else 0


class RunQuery(PageQuery):
    """Which runs."""

    month: Month | None = None
    payer: PayerCode | None = None


class ListQuery(RunQuery):
    """Which lists."""

    run: Id | None = None


class BatchQuery(RunQuery):
    """Which batches."""

    list: Id | None = None


class PaymentQuery(PageQuery):
    """Which payments: those of one list."""

    list: Id


class Page(Out, Generic[T]):
    """A part of a collection; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None


class ReceivableQuery(PageQuery):
    """Which overpayments."""

    payer: PayerCode | None = None


class ReceivableOut(Out):
    """What one person was paid for one month and is not due; it waits for a decision."""

    id: int
    payer: str
    reference: str
    programme: str
    month: Month
    amount_vnd: int
    owed_vnd: int = Field(description="What was owed for the month when it was paid, dong.")
    due_vnd: int = Field(description="What is due for it by what is known now, dong.")
    repaid_vnd: int
    written_off_vnd: int
    restored_vnd: int
    open_vnd: int
    cause: str = Field(description="death | stop | change | rate")
    why_vi: str
    why_en: str
    citation: str
    rates: list[str] = Field(description="Tables, versions and decisions it was computed with.")
    list_id: int
    journal_id: int
    opened_at: str
    state: str = Field(description="waiting | proposed | recover | settled")
    decision: str
    decision_number: str
    decision_date: str
    decision_signer: str


class RunOut(Out):
    """A payer's work on one pay month."""

    id: int
    payer: str
    month: Month
    state: str
    opened_at: str
    closed_at: str | None


class ListOut(Out):
    """The unit that people check and sign."""

    id: int
    run_id: int
    payer: str
    programme: str
    month: Month
    number: int
    version: int
    state: str
    people: int
    payments: int
    total_vnd: int = Field(description="What leaves by all batches of the list, dong.")
    minted_vnd: int
    carried_vnd: int
    held_right_vnd: int
    held_payment_vnd: int
    prepared_at: str
    expires_at: str
    release_on: str | None
    released_at: str | None
    journal_id: int


class SignatureOut(Out):
    """A signature that was given."""

    role: str
    username: str
    signed_at: str


class ListDetail(ListOut):
    """A list with who signed it and what leaves by it."""

    signatures: list[SignatureOut]
    batches: list[int]


class BatchOut(Out):
    """The part of a list that goes to one provider."""

    id: int
    list_id: int | None
    run_id: int
    payer: str
    provider: str
    programme: str
    month: Month
    purpose: str
    lot: int
    version: int
    rail: str
    profile: str
    message_id: str
    value_date: str
    payments: int
    total_vnd: int
    file_sha256: str | None
    state: str
    released_at: str | None
    sent_at: str | None
    answered_at: str | None


class PaymentOut(Out):
    """A list's coins for one holder, payee and destination."""

    id: int
    list_id: int
    payer: str
    reference: str
    rail: str
    amount_vnd: int
    state: str
    hold_reason: str
    bank_code: str
    account_last4: str


class NewsOut(Out):
    """What was said about an attempt."""

    state: str
    code_set: str
    code: str
    day: str


class AttemptOut(Out):
    """One try on one rail."""

    batch_id: int
    n: int
    end_to_end_id: str
    rail: str
    amount_vnd: int
    state: str
    news: list[NewsOut]


class PaymentDetail(PaymentOut):
    """A payment with its attempts, oldest first."""

    attempts: list[AttemptOut]


class ToSign(Out):
    """One statement and the exact bytes that an Ed25519 key signs for it."""

    kind: str
    journal_id: int
    statement: str = Field(description="Canonical JSON of what is agreed to.")
    digest: str = Field(description="SHA-256 of the statement's UTF-8, hex.")
    message: str = Field(description="The bytes to sign, hex.")


class StatementsOut(Out):
    """All that a signer of this role signs in one act; send it back with the same `signed_at`."""

    list_id: int
    role: str
    signed_at: str
    valid_minutes: int
    statements: list[ToSign]


class StatementsQuery(BaseModel):
    """In which role the caller would sign."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class GivenSignature(Model):
    """An Ed25519 signature over the `message` of one statement."""

    journal_id: Id
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$", description="64 bytes, hex.")]


class ApprovalIn(Model):
    """One act: every signature of one role on a list and what leaves with it."""

    role: Role
    signed_at: Instant
    signatures: Annotated[list[GivenSignature], Field(min_length=1, max_length=200)]
    release_on: Annotated[
        str | None,
        Field(
            pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$",
            description="With the first signature: the day from which the files may leave.",
        ),
    ] = None
