"""Signatures made elsewhere: the server tells the bytes, the signer's own machine signs them.

The same use case as the command line's (`runs.approvals.sign_list`), with one difference: instead
of an open key it is handed a `SigningKey` that gives out signatures made before. The ledger checks
each against the key in its book, so the server need not be trusted with a passphrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from disbursement.identity.service import Signer, User
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotNowError, RefusedError, UsageError
from disbursement.runs import approvals
from ledger.sql import text

VALID_MINUTES = 15
"""How long after `signed_at` a signature is taken: time to read what one signs."""
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class ToSign:
    """A statement and the bytes that are signed for it."""

    document: approvals.Document
    message: bytes


@dataclass(frozen=True)
class _Standing:
    """The instant the signer signed, for every stamp of the act."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@dataclass
class _Recorder:
    """Notes what would be signed and gives back nothing that any key could have made."""

    messages: list[bytes] = field(default_factory=list)

    def sign(self, data: bytes, /) -> bytes:
        self.messages.append(data)
        return bytes(64)


@dataclass
class _MadeElsewhere:
    """Hands out the given signatures in the order in which the documents are signed."""

    waiting: list[bytes]

    def sign(self, _data: bytes, /) -> bytes:
        return self.waiting.pop(0)


def to_sign(ctx: Context, list_id: int, role: str, who: User) -> tuple[str, list[ToSign]]:
    """Return `signed_at` and what `who` would sign now in that role.

    The use case itself is run on a read-only connection, up to where the book compares the (empty)
    signature: so order, expiry and rights are checked as they will be, and the bytes are exactly
    those that will be compared. Raises the errors of `approvals.sign_list`.
    """
    at = stamp(ctx.clock)
    then, recorder = _at(ctx, at), _Recorder()
    with ctx.cell.read() as conn:
        documents = approvals.documents(conn, list_id, role)
        try:
            approvals.sign_list(conn, then, list_id, role, _signer(who, recorder))
        except DisburseError as error:
            if error.code != "bad_signature":
                raise
    return at, [ToSign(d, m) for d, m in zip(documents, recorder.messages, strict=True)]


def accept(
    ctx: Context,
    list_id: int,
    role: str,
    who: User,
    *,
    signed_at: str,
    signatures: Sequence[tuple[int, bytes]],
    release_on: date | None = None,
) -> None:
    """Give `who`'s signatures (journal id, 64 bytes) to a list; the first signature releases it.

    One transaction: all of it, or nothing. Raises NotNowError `signature_age`, RefusedError
    `signatures` (not exactly the statements of this role) or `bad_signature`, UsageError
    `release_on` without the first signature, and the errors of `approvals.sign_list`.
    """
    _check_age(ctx, signed_at)
    if release_on is not None and role != "sign1":
        raise UsageError(
            "release_on",
            "Chỉ chữ ký thứ nhất mới định ngày được gửi.",
            en="Only the first signature names the day of release.",
        )
    given = dict(signatures)
    with ctx.cell.begin() as conn:
        wanted = [d.journal_id for d in approvals.documents(conn, list_id, role)]
        if sorted(wanted) != sorted(j for j, _ in signatures):
            raise RefusedError(
                "signatures",
                "Phải ký đúng các văn bản đang chờ của danh sách này: hãy lấy lại để ký.",
                en="Sign exactly the statements that wait for this list: fetch them again.",
            )
        if release_on is not None:
            _set_release_day(conn, list_id, release_on)
        key = _MadeElsewhere([given[j] for j in wanted])
        try:
            approvals.sign_list(conn, _at(ctx, signed_at), list_id, role, _signer(who, key))
        except DisburseError as error:
            if error.code == "bad_signature":
                raise _bad(who) from error
            raise


def _bad(who: User) -> RefusedError:
    return RefusedError(
        "bad_signature",
        f"Chữ ký không phải do khóa của {who.username} tạo cho văn bản này: chưa có gì thay đổi.",
        en=f"The signature was not made with {who.username}'s key for this: nothing changed.",
    )


def _set_release_day(conn: Connection, list_id: int, day: date) -> None:
    conn.execute(
        text("UPDATE pay_list SET release_on = :d WHERE id = :l"),
        {"d": day.isoformat(), "l": list_id},
    )


def _signer(who: User, key: _Recorder | _MadeElsewhere) -> Signer:
    return Signer(who.id, who.person_id, who.username, key)


def _instant(signed_at: str) -> datetime:
    try:
        return datetime.strptime(signed_at, _FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise RefusedError(
            "signed_at", "signed_at không phải là một thời điểm.", en="signed_at is no instant."
        ) from error


def _at(ctx: Context, signed_at: str) -> Context:
    """Return the context as it was at the instant of signing."""
    return replace(ctx, clock=_Standing(_instant(signed_at)))


def _check_age(ctx: Context, signed_at: str) -> None:
    age = ctx.clock.now() - _instant(signed_at)
    if not timedelta() <= age <= timedelta(minutes=VALID_MINUTES):
        raise NotNowError(
            "signature_age",
            f"Chữ ký đã quá {VALID_MINUTES} phút: hãy lấy lại văn bản và ký lại.",
            en=f"The signature is older than {VALID_MINUTES} minutes: fetch and sign again.",
        )
