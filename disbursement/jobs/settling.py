"""Calls that the rail has forgotten: a letter of the provider says what became of them.

Past the rail's windows a call is asked about and sent no more; only a person may act. Evidence is
the provider's letter, kept by its SHA-256 with number, date and what it says (coins.md 15 d). One
officer enters it for payments of one batch and signs, the accountant and the account holder sign
after him; what they sign names batch, attempt, amount and holder of each payment, and the lines it
will post. The last signature books it by the way of every answer: credited, or failed and then
tried again or paid in cash. Signatures do not replace evidence: what the rail has answered since
is never overruled, and what it says afterwards against the letter parks the payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Row

from disbursement.beneficiaries.staging import audit
from disbursement.identity.service import Signer, require
from disbursement.jobs.invariants import FINAL
from disbursement.jobs.rails import is_called
from disbursement.payments import effects, evidence
from disbursement.payments.attempts import EXPECTED
from disbursement.payments.effects import Scope, Signed
from disbursement.payments.rules import LETTER
from disbursement.platform import files, ids
from disbursement.platform.clock import ICT, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.service import PROPOSERS, officer, said
from disbursement.runs import approvals, books
from disbursement.runs.approvals import Document
from disbursement.runs.papers import SCAN_BYTES
from ledger import posting, signing
from ledger.bulk import bulk_insert
from ledger.errors import LedgerError
from ledger.money import format_vnd
from ledger.sql import text
from reconciliation import store
from reconciliation.store import Staged

Outcome = Literal["paid", "not_paid"]
JOURNALS: dict[Outcome, str] = {"paid": "forced_import", "not_paid": "presumed_failure"}
"""The kind of journal that books a letter; both need three signatures."""
ROLES = signing.roles_of("presumed_failure")
_NEWS: dict[Outcome, str] = {"paid": "credited", "not_paid": "rejected"}


@dataclass(frozen=True)
class Letter:
    """The provider's letter: the scan, its number and day, and what it says of the payments."""

    scan: Path
    number: str
    day: date
    says: str


@dataclass(frozen=True)
class Settlement:
    """What a letter settles, in dong.

    `state` is proposed, posted or withdrawn; `waits_for` the next role to sign, '' where none.
    """

    id: int
    batch: int
    payer: str
    provider: str
    outcome: Outcome
    payments: int
    amount_vnd: int
    letter: str
    letter_on: str
    letter_sha256: str
    says: str
    state: str
    made_by: str
    waits_for: str
    orders: tuple[str, ...]


@dataclass(frozen=True)
class OpenOrder:
    """A payment of a batch without outcome: its id, dong, the state of its call.

    `overdue`: past the rail's windows, so that a letter may settle it; `settlement` is the number
    of the one that waits for signatures, 0 where there is none.
    """

    n: int
    order: str
    amount_vnd: int
    person: int
    call: str
    overdue: bool
    settlement: int


@dataclass(frozen=True)
class _Order:
    """A payment of a batch with what it needs to be judged."""

    n: int
    order: str
    amount_vnd: int
    person: int
    outcome: str | None
    settlement: int
    call: str

    def shown(self) -> OpenOrder:
        return OpenOrder(
            self.n, self.order, self.amount_vnd, self.person, self.call, self.call == "stopped",
            self.settlement,
        )  # fmt: skip


_ORDERS = f"""
SELECT r.n, r.end_to_end_id, r.amount_vnd, p.person_id, (SELECT k.state FROM attempt_news k
    WHERE k.batch_id = r.batch_id AND k.n = r.n AND k.state IN {FINAL} ORDER BY k.seq DESC LIMIT 1)
  AS outcome, coalesce(s.settlement_id, 0) AS settlement
FROM batch_row r JOIN payment p ON p.id = r.payment_id
LEFT JOIN call_settlement_row s ON s.batch_id = r.batch_id AND s.n = r.n
WHERE r.batch_id = :b ORDER BY r.n
"""


def _orders(conn: Connection, batch_id: int) -> list[_Order]:
    """Return a batch's payments in its order, each with the last step of the call that has it."""
    states: dict[int, str] = {}
    for first, last, state in conn.execute(
        text("SELECT first_n, last_n, state FROM rail_call WHERE batch_id = :b ORDER BY id"),
        {"b": batch_id},
    ):
        states |= dict.fromkeys(range(first, last + 1), state)
    rows = conn.execute(text(_ORDERS), {"b": batch_id})
    return [
        _Order(n, order, vnd, person, outcome, settlement, states.get(n, ""))
        for n, order, vnd, person, outcome, settlement in rows
    ]


def open_orders(conn: Connection, batch_id: int) -> list[OpenOrder]:
    """Return the payments of a batch that have no outcome, in its order.

    Raises NotFoundError `batch`; RefusedError `not_called` for a batch that is a file.
    """
    _batch(conn, batch_id, lock=False)
    return [one.shown() for one in _orders(conn, batch_id) if one.outcome is None]


def _batch(conn: Connection, batch_id: int, *, lock: bool = True) -> Row[Any]:
    """Return a batch of a called rail, locked as every answer about it locks it."""
    tail = " FOR UPDATE OF b" if lock and conn.dialect.name == "postgresql" else ""
    batch = conn.execute(
        text(
            "SELECT b.id, b.payer_id, b.provider_id, b.profile, b.journal_id, b.message_id, "
            "b.sent_at, b.released_at, y.code AS payer, p.code AS provider FROM batch b "
            "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
            f"WHERE b.id = :b{tail}"
        ),
        {"b": batch_id},
    ).first()
    if batch is None:
        raise NotFoundError("batch", f"Không có lô {batch_id}; xem `disburse outbox list`.")
    if not is_called(batch.profile):
        raise RefusedError(
            "not_called",
            f"Lô {batch_id} đi bằng tệp ({batch.profile}): kết quả theo tệp trả lời và sao kê, "
            "không ghi bằng văn bản ở đây.",
        )
    return batch


# --- proposing -----------------------------------------------------------------------------------


def propose(
    ctx: Context,
    batch_id: int,
    *,
    outcome: Outcome,
    letter: Letter,
    amount_vnd: int,
    signer: Signer,
    orders: Sequence[str] = (),
) -> Settlement:
    """Enter what a letter says of payments of a batch, signed as its first person.

    `orders` are EndToEndIds; none given: all of the batch that are past the rail's windows.
    `amount_vnd` is the dong that the letter names, which must be that of the payments. Raises
    NotFoundError `batch`, `no_letter`; RefusedError `not_called`, `settle_order`,
    `settle_amount`, `letter_date`, `scan`, `text`; NotNowError `already_answered`, `still_open`,
    `settlement_waits`, `nothing_overdue`; NotAllowedError.
    """
    number, says = said(letter.number, "--number"), said(letter.says, "--says")
    data = _scan(letter.scan)
    with ctx.cell.begin() as conn:
        batch = _batch(conn, batch_id)
        require(conn, signer, "preparer", batch.payer)
        _check_day(ctx, batch, letter.day)
        rows = _wanted(conn, batch, orders)
        total = sum(row.amount_vnd for row in rows)
        if amount_vnd != total:
            raise RefusedError(
                "settle_amount",
                f"Lô {batch_id}: {len(rows)} khoản này là {format_vnd(total)} đồng, không phải "
                f"{format_vnd(amount_vnd)} đồng; đối chiếu văn bản, chưa ghi gì.",
            )
        _, digest = files.keep_evidence(ctx.settings.files / "evidence", data)
        made = ids.block(conn, "call_settlement", 1)
        conn.execute(
            text(
                "INSERT INTO call_settlement (id, batch_id, payer_id, outcome, payments, "
                "amount_vnd, letter, letter_on, letter_sha256, says, journal_id, state, made_by, "
                "made_at) VALUES (:i, :b, :p, :o, :n, :v, :l, :d, :s, :w, :j, 'proposed', :by, :t)"
            ),
            {
                "i": made, "b": batch_id, "p": batch.payer_id, "o": outcome, "n": len(rows),
                "v": total, "l": number, "d": letter.day.isoformat(), "s": digest, "w": says,
                "j": posting.allot(conn), "by": signer.username, "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        bulk_insert(
            conn, "call_settlement_row", ("batch_id", "n", "settlement_id"),
            [(batch_id, row.n, made) for row in rows],
        )  # fmt: skip
        found = _row(conn, made)
        _write_statement(conn, ctx, batch, found, rows)
        approvals.sign_documents(conn, ctx, [_document(conn, found)], ROLES[0], signer)
        audit(conn, ctx, signer.username, "outbox.settle", str(made),
              {"batch": batch_id, "payments": len(rows), "outcome": outcome})  # fmt: skip
        return _shown(conn, made)


def _scan(scan: Path) -> bytes:
    """Return the letter's bytes. NotFoundError `no_letter`; RefusedError `scan`."""
    if not scan.is_file():
        raise NotFoundError(
            "no_letter", f"Không có tệp {scan.name}: đính kèm bản quét văn bản của nơi chi trả."
        )
    if scan.stat().st_size > SCAN_BYTES:
        raise RefusedError(
            "scan", f"Tệp {scan.name} lớn hơn {SCAN_BYTES >> 20} MB; hãy quét lại nhỏ hơn."
        )
    data = scan.read_bytes()
    files.require_scan(data, scan.name)
    return data


def _check_day(ctx: Context, batch: Row[Any], day: date) -> None:
    """Refuse a letter of a day on which it could not have said anything about the batch."""
    left = datetime.fromisoformat(batch.sent_at or batch.released_at).astimezone(ICT).date()
    if not left <= day <= today(ctx.clock):
        raise RefusedError(
            "letter_date",
            f"Ngày văn bản {day:%d/%m/%Y} phải từ ngày gửi lô {batch.id} ({left:%d/%m/%Y}) đến hôm "
            "nay; ghi ngày trên văn bản (--date).",
        )


def _wanted(conn: Connection, batch: Row[Any], orders: Sequence[str]) -> list[OpenOrder]:
    """Return the payments that the letter is about, in the batch's order; all may be settled."""
    rows = {one.order: one for one in _orders(conn, batch.id)}
    if not orders:
        found = [one.shown() for one in rows.values() if one.outcome is None]
        found = [one for one in found if one.overdue and not one.settlement]
        if not found:
            raise NotNowError(
                "nothing_overdue",
                f"Lô {batch.id} không có khoản nào quá hạn kênh còn nhớ mà chưa có kết quả; không "
                "ghi gì.",
            )
        return found
    for order in orders:
        if order not in rows:
            raise RefusedError(
                "settle_order", f"Lô {batch.id} không có lệnh {order[:35]!r}; kiểm tra lại mã."
            )
        _may_settle(rows[order])
    return sorted((rows[order].shown() for order in set(orders)), key=lambda one: one.n)


def _may_settle(one: _Order) -> None:
    if one.outcome is not None:
        raise NotNowError(
            "already_answered",
            f"Lệnh {one.order} đã có kết quả ({one.outcome}); không ghi gì.",
        )
    if one.settlement:
        raise NotNowError(
            "settlement_waits",
            f"Lệnh {one.order} đã nằm trong lần ghi số {one.settlement} đang chờ ký; ký hoặc rút "
            "lần đó trước.",
        )
    if one.call != "stopped":
        raise NotNowError(
            "still_open",
            f"Lệnh {one.order} còn trong hạn kênh chi trả nhớ lệnh: máy còn hỏi hoặc gửi tiếp, "
            "chưa ghi bằng văn bản được.",
        )


def _write_statement(
    conn: Connection, ctx: Context, batch: Row[Any], found: Row[Any], rows: Sequence[OpenOrder]
) -> None:
    """Write what three people sign: each payment, the letter, and the root of the lines."""
    _stage(conn, batch, found)
    scope = _scope(conn, ctx, batch, found.id, 0, b"")
    root = posting.query_root(conn, found.journal_id, effects.draft_of(conn, scope))
    seq, head = books.head(conn)
    kind = JOURNALS[found.outcome]
    body = approvals.canonical(
        {
            "v": 1, "purpose": kind, "what": "call_settlement", "cell": ctx.cell.code,
            "payer": batch.payer, "provider": batch.provider, "settlement": found.id,
            "batch": batch.id, "message_id": batch.message_id, "outcome": found.outcome,
            "payments": [
                {"n": one.n, "order": one.order, "amount_vnd": one.amount_vnd,
                 "holder": one.person} for one in rows
            ],
            "amount_vnd": found.amount_vnd, "letter": found.letter, "letter_on": found.letter_on,
            "letter_sha256": bytes(found.letter_sha256).hex(), "says": found.says,
            "journal": found.journal_id, "root": root.root.hex(), "lines": root.line_count,
            "total_vnd": root.total, "chain_seq": seq, "chain_head": head.hex(),
            "proposed_at": stamp(ctx.clock),
        }
    )  # fmt: skip
    signing.record_statement(conn, found.journal_id, kind, body)


def _stage(conn: Connection, batch: Row[Any], found: Row[Any]) -> None:
    """Put the letter's word beside what is known; refuse where it is not the first word."""
    news = _NEWS[found.outcome]
    rows = conn.execute(
        text(
            "SELECT r.n, r.end_to_end_id, r.amount_vnd FROM call_settlement_row s "
            "JOIN batch_row r ON r.batch_id = s.batch_id AND r.n = s.n "
            "WHERE s.settlement_id = :i ORDER BY r.n"
        ),
        {"i": found.id},
    ).all()
    store.stage(
        conn,
        (
            Staged(
                r.n, news, news, batch.journal_id, r.n, r.end_to_end_id, r.amount_vnd, 0,
                "decision", LETTER, found.letter[:70], found.letter_on, found.letter,
            )
            for r in rows
        ),
    )  # fmt: skip
    store.expect(conn, EXPECTED.format(owner="b.id"), {})
    judged = store.judge(conn, batch.id)
    if set(judged) != {(news, "matched")}:
        other = sum(n for (_, verdict), (n, _) in judged.items() if verdict != "matched")
        raise NotNowError(
            "settlement_stale",
            f"{other} khoản trong lần ghi số {found.id} đã được kênh chi trả trả lời khác; không "
            f"ghi gì, hãy rút (`disburse outbox withdraw {found.id}`).",
        )


def _scope(
    conn: Connection, ctx: Context, batch: Row[Any], number: int, answer_id: int, digest: bytes
) -> Scope:
    day = today(ctx.clock)
    return Scope(
        batch.payer_id, batch.payer, batch.provider, answer_id, digest,
        effects.open_month(conn, batch.payer_id, day), day, f"call_settlement:{number}",
    )  # fmt: skip


# --- signing -------------------------------------------------------------------------------------


def sign(ctx: Context, number: int, signer: Signer) -> Settlement:
    """Give the next signature; the last one books what the letter says.

    Raises NotFoundError `settlement`; NotNowError `settlement_decided`, `settlement_stale` where
    the rail has answered since; NotAllowedError.
    """
    with ctx.cell.begin() as conn:
        batch = _batch(conn, _row(conn, number).batch_id)
        found = _open(conn, number)
        role = ROLES[approvals.given(conn, found.journal_id)]
        require(conn, signer, approvals.ROLE_OF[role], batch.payer)
        _stage(conn, batch, found)
        approvals.sign_documents(conn, ctx, [_document(conn, found)], role, signer)
        if role == ROLES[-1]:
            _book(conn, ctx, batch, found)
        audit(conn, ctx, signer.username, "outbox.sign", str(number), {"role": role})
        return _shown(conn, number)


def _book(conn: Connection, ctx: Context, batch: Row[Any], found: Row[Any]) -> None:
    """Keep the evidence and book the letter's word as any answer is booked."""
    document = _document(conn, found)
    answer_id, digest = evidence.keep_decision(
        conn, ctx, batch.payer_id, batch.provider_id,
        {
            "what": "provider_letter", "settlement": found.id, "batch": batch.id,
            "outcome": found.outcome, "payments": found.payments, "amount_vnd": found.amount_vnd,
            "letter": found.letter, "letter_on": found.letter_on,
            "letter_sha256": bytes(found.letter_sha256).hex(),
            "statement_sha256": document.digest.hex(), "decided_at": stamp(ctx.clock),
        },
    )  # fmt: skip
    scope = _scope(conn, ctx, batch, found.id, answer_id, digest)
    signed = Signed(document.kind, found.journal_id, document.digest)
    try:
        effects.book(conn, ctx, scope, signed)
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ từ chối lần ghi số {found.id}: {error}") from error
    conn.execute(
        text("UPDATE call_settlement SET state = 'posted', posted_at = :t WHERE id = :i"),
        {"t": stamp(ctx.clock), "i": found.id},
    )


def withdraw(ctx: Context, number: int, *, actor: str) -> Settlement:
    """Take a settlement back that is not signed to the end; its payments stay open.

    Raises as `sign`.
    """
    with ctx.cell.begin() as conn:
        batch = _batch(conn, _row(conn, number).batch_id)
        _open(conn, number)
        officer(ctx, actor, PROPOSERS, batch.payer)
        conn.execute(
            text("DELETE FROM call_settlement_row WHERE settlement_id = :i"), {"i": number}
        )
        conn.execute(
            text("UPDATE call_settlement SET state = 'withdrawn' WHERE id = :i"), {"i": number}
        )
        audit(conn, ctx, actor, "outbox.withdraw", str(number), {})
        return _shown(conn, number)


def settlements(conn: Connection) -> list[Settlement]:
    """Return every settlement by letter, by number."""
    found = conn.execute(text("SELECT id FROM call_settlement ORDER BY id")).scalars().all()
    return [_shown(conn, number) for number in found]


def _row(conn: Connection, number: int) -> Row[Any]:
    row = conn.execute(
        text(
            "SELECT s.*, y.code AS payer, p.code AS provider FROM call_settlement s "
            "JOIN batch b ON b.id = s.batch_id JOIN payer y ON y.id = s.payer_id "
            "JOIN provider p ON p.id = b.provider_id WHERE s.id = :i"
        ),
        {"i": number},
    ).first()
    if row is None:
        raise NotFoundError(
            "settlement", f"Không có lần ghi số {number}; xem `disburse outbox settlements`."
        )
    return row


def _open(conn: Connection, number: int) -> Row[Any]:
    found = _row(conn, number)
    if found.state != "proposed":
        done = "đã ghi sổ" if found.state == "posted" else "đã rút"
        raise NotNowError("settlement_decided", f"Lần ghi số {number} {done}; không ghi gì.")
    return found


def _document(conn: Connection, found: Row[Any]) -> Document:
    body = approvals.statement_of(conn, found.journal_id)
    return Document(JOURNALS[found.outcome], found.id, found.journal_id, found.payer_id, body)


def _shown(conn: Connection, number: int) -> Settlement:
    s = _row(conn, number)
    orders = conn.execute(
        text(
            "SELECT r.end_to_end_id FROM call_settlement_row w JOIN batch_row r "
            "ON r.batch_id = w.batch_id AND r.n = w.n WHERE w.settlement_id = :i ORDER BY r.n"
        ),
        {"i": number},
    )
    waits = ROLES[approvals.given(conn, s.journal_id)] if s.state == "proposed" else ""
    return Settlement(
        s.id, s.batch_id, s.payer, s.provider, s.outcome, s.payments, s.amount_vnd, s.letter,
        s.letter_on, bytes(s.letter_sha256).hex(), s.says, s.state, s.made_by, waits,
        tuple(orders.scalars()),
    )  # fmt: skip
