"""Moving the money of failed payments to the provider that pays cash.

What fails at a wallet leaves its money in the payer's deposit there, while the desks are paid out
of the deposit at another provider. A move takes exactly the money of those payments along: the
preparer enters the voucher of the transfer and signs, the accountant and the account holder sign,
the last signature posts it. It is a signed correction, treasury / advance there and advance here /
treasury, and the same in the plan of cash, whose limit refuses what is not there. Then the payments
can be ordered in cash at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from disbursement.beneficiaries.staging import audit
from disbursement.fallback.plan import Elsewhere, elsewhere
from disbursement.identity.service import Signer, require
from disbursement.platform import ids
from disbursement.platform.clock import show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.service import PROPOSERS, officer
from disbursement.runs import approvals, books
from disbursement.runs.approvals import Document
from disbursement.runs.books import Amount
from disbursement.runs.service import check_voucher
from ledger import chart, posting, signing
from ledger.bulk import bulk_insert
from ledger.errors import LedgerError
from ledger.money import format_vnd
from ledger.posting import Header
from ledger.sql import text

JOURNAL = "correction"
ROLES = signing.roles_of(JOURNAL)


@dataclass(frozen=True)
class Move:
    """A move of money between two providers of a payer, in dong.

    `state` is proposed, posted or withdrawn; `waits_for` the next role to sign, '' where none.
    """

    id: int
    payer: str
    month: int
    source: str
    target: str
    voucher: str
    moved_on: str
    payments: int
    amount_vnd: int
    state: str
    made_by: str
    waits_for: str


@dataclass(frozen=True)
class Voucher:
    """The paper of the transfer: its number, day and amount in dong."""

    number: str
    day: date
    amount_vnd: int


def propose(
    ctx: Context, month: int, *, payer: str, source: str, voucher: Voucher, signer: Signer
) -> Move:
    """Enter a move of what failed at `source` (a provider's code), signed as its first person.

    Raises NotNowError `nothing_elsewhere`, `money_promised`, `voucher_used`; RefusedError
    `move_amount`, `voucher`, `draw_date`; NotAllowedError.
    """
    with ctx.cell.begin() as conn:
        alone(conn, "lists")
        require(conn, signer, "preparer", payer)
        found = _waiting(conn, ctx, month, payer, source)
        first = found[0]
        check_voucher(conn, ctx, first.payer, voucher.number, voucher.day)
        payments, total = [one.payment for one in found], sum(one.amount_vnd for one in found)
        if voucher.amount_vnd != total:
            raise RefusedError(
                "move_amount",
                f"{payer}: {len(payments)} khoản thất bại ở {source} là {format_vnd(total)} đồng, "
                f"không phải {format_vnd(voucher.amount_vnd)} đồng; đối chiếu chứng từ, chưa ghi "
                "gì.",
            )
        made = ids.block(conn, "advance_move", 1)
        conn.execute(
            text(
                "INSERT INTO advance_move (id, payer_id, month, from_provider_id, to_provider_id, "
                "voucher, moved_on, payments, amount_vnd, journal_id, state, made_by, made_at) "
                "VALUES (:i, :p, :m, :f, :t, :v, :d, :n, :a, :j, 'proposed', :by, :at)"
            ),
            {
                "i": made, "p": first.payer, "m": month, "f": first.provider, "t": first.desk,
                "v": voucher.number, "d": voucher.day.isoformat(), "n": len(payments), "a": total,
                "j": posting.allot(conn), "by": signer.username, "at": stamp(ctx.clock),
            },
        )  # fmt: skip
        bulk_insert(
            conn,
            "advance_move_payment",
            ("payment_id", "move_id"),
            [(payment, made) for payment in payments],
        )
        move = _row(conn, made)
        _is_there(conn, move)
        _write_statement(conn, ctx, move, payments)
        approvals.sign_documents(conn, ctx, [_document(conn, move)], ROLES[0], signer)
        return _shown(conn, made)


def _waiting(
    conn: Connection, ctx: Context, month: int, payer: str, source: str
) -> list[Elsewhere]:
    """Return the payments whose money a move would take along. NotNowError where there are none."""
    payer_id = conn.execute(text("SELECT id FROM payer WHERE code = :c"), {"c": payer}).scalar()
    provider = conn.execute(text("SELECT id FROM provider WHERE code = :c"), {"c": source}).scalar()
    moved = set(
        conn.execute(
            text(
                "SELECT x.payment_id FROM advance_move_payment x "
                "JOIN advance_move m ON m.id = x.move_id WHERE m.payer_id = :p"
            ),
            {"p": payer_id},
        ).scalars()
    )
    found = [
        one
        for one in elsewhere(conn, month, today(ctx.clock), int(payer_id or -1))
        if (one.payer, one.provider) == (payer_id, provider) and one.payment not in moved
    ]
    if not found:
        raise NotNowError(
            "nothing_elsewhere",
            f"{payer}, kỳ {show_month(month)}: không có khoản thất bại nào ở {source} chờ chuyển "
            "tiền sang nơi chi tiền mặt (hoặc đã có lần chuyển đang chờ ký); không ghi gì.",
        )
    return found


def _row(conn: Connection, number: int) -> Row[Any]:
    row = conn.execute(
        text(
            "SELECT m.*, y.code AS payer, f.code AS source, t.code AS target FROM advance_move m "
            "JOIN payer y ON y.id = m.payer_id JOIN provider f ON f.id = m.from_provider_id "
            "JOIN provider t ON t.id = m.to_provider_id WHERE m.id = :i"
        ),
        {"i": number},
    ).first()
    if row is None:
        raise NotFoundError(
            "advance_move", f"Không có lần chuyển tiền số {number}; xem `disburse advance list`."
        )
    return row


def _is_there(conn: Connection, move: Row[Any]) -> None:
    """Refuse to take money away that a queued batch of the provider was drawn or kept for."""
    spare = books.spare_cash(conn, move.payer_id, move.payer, move.from_provider_id, move.source)
    if spare < move.amount_vnd:
        raise NotNowError(
            "money_promised",
            f"{move.payer}: ở {move.source} chỉ còn {format_vnd(max(spare, 0))} đồng không dành "
            f"cho lô nào, không chuyển được {format_vnd(move.amount_vnd)} đồng; gửi xong các lô đó "
            "rồi chuyển.",
        )


def _write_statement(conn: Connection, ctx: Context, move: Row[Any], payments: list[int]) -> None:
    """Stage the journal's two lines and write the statement that three people sign."""
    treasury = chart.treasury(move.payer)
    lines = books.gl_lines(
        conn,
        move.month,
        [
            Amount(treasury, chart.advance(move.payer, move.source), move.amount_vnd),
            Amount(chart.advance(move.payer, move.target), treasury, move.amount_vnd),
        ],
    )
    posting.stage_draft(conn, move.journal_id, lines)
    root = posting.draft_root(conn, move.journal_id)
    seq, head = books.head(conn)
    body = approvals.canonical(
        {
            "v": 1, "purpose": JOURNAL, "what": "advance_move", "cell": ctx.cell.code,
            "payer": move.payer, "move": move.id, "month": move.month, "from": move.source,
            "to": move.target, "voucher": move.voucher, "date": move.moved_on,
            "payments": payments, "amount_vnd": move.amount_vnd, "journal": move.journal_id,
            "root": root.root.hex(), "lines": root.line_count, "total_vnd": root.total,
            "chain_seq": seq, "chain_head": head.hex(), "proposed_at": stamp(ctx.clock),
        }
    )  # fmt: skip
    signing.record_statement(conn, move.journal_id, JOURNAL, body)


def _document(conn: Connection, move: Row[Any]) -> Document:
    body = approvals.statement_of(conn, move.journal_id)
    return Document(JOURNAL, move.id, move.journal_id, move.payer_id, body)


def sign(ctx: Context, number: int, signer: Signer) -> Move:
    """Give the next signature to a proposed move; the last one posts it.

    Raises NotFoundError `advance_move`; NotNowError `move_decided`, `move_stale` where a payment in
    it is not waiting there any more, `money_promised`; NotAllowedError.
    """
    with ctx.cell.begin() as conn:
        alone(conn, "lists")
        move = _open(conn, number)
        role = ROLES[approvals.given(conn, move.journal_id)]
        require(conn, signer, approvals.ROLE_OF[role], move.payer)
        _still_waiting(conn, ctx, move)
        _is_there(conn, move)
        approvals.sign_documents(conn, ctx, [_document(conn, move)], role, signer)
        if role == ROLES[-1]:
            _post(conn, ctx, move)
        return _shown(conn, number)


def _open(conn: Connection, number: int) -> Row[Any]:
    move = _row(conn, number)
    if move.state != "proposed":
        done = "đã ghi sổ" if move.state == "posted" else "đã rút"
        raise NotNowError("move_decided", f"Lần chuyển tiền số {number} {done}; không ghi gì.")
    return move


def _still_waiting(conn: Connection, ctx: Context, move: Row[Any]) -> None:
    """Refuse a signature where a payment was paid otherwise, carried or held since."""
    waiting = {
        one.payment
        for one in elsewhere(conn, move.month, today(ctx.clock), move.payer_id)
        if (one.provider, one.desk) == (move.from_provider_id, move.to_provider_id)
    }
    wanted = set(
        conn.execute(
            text("SELECT payment_id FROM advance_move_payment WHERE move_id = :m"), {"m": move.id}
        ).scalars()
    )
    if left := len(wanted - waiting):
        raise NotNowError(
            "move_stale",
            f"{left} khoản trong lần chuyển tiền số {move.id} không còn chờ ở {move.source}; hãy "
            f"rút (`disburse advance withdraw {move.id}`) và lập lại.",
        )


def _post(conn: Connection, ctx: Context, move: Row[Any]) -> None:
    """Post both books: the signed journal, and the plan of cash, whose limit is the last word."""
    document = _document(conn, move)
    day = date.fromisoformat(move.moved_on)
    evidence = hashlib.sha256(f"{move.voucher}|{move.moved_on}|{move.amount_vnd}".encode()).digest()
    payer = move.payer
    try:
        books.post_gl(
            conn, ctx, book=chart.BUDGETARY, kind="cash_plan", payer_id=move.payer_id,
            key=f"advance_move:{move.id}:plan", month=move.month, day=day, evidence=evidence,
            amounts=[
                Amount(chart.cash_source(payer, move.source), chart.cash_free(payer, move.source),
                       move.amount_vnd),
                Amount(chart.cash_free(payer, move.target), chart.cash_source(payer, move.target),
                       move.amount_vnd),
            ],
        )  # fmt: skip
        posting.post_draft(
            conn,
            Header(
                id=move.journal_id, book=chart.FINANCIAL, payer_id=move.payer_id, kind=JOURNAL,
                idem_key=f"advance_move:{move.id}", month=move.month, effective_date=day,
                recorded_at=stamp(ctx.clock), evidence=evidence, statement_digest=document.digest,
            ),
        )  # fmt: skip
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ từ chối lần chuyển tiền {move.id}: {error}") from error
    conn.execute(
        text("UPDATE advance_move SET state = 'posted', posted_at = :t WHERE id = :i"),
        {"t": stamp(ctx.clock), "i": move.id},
    )


def withdraw(ctx: Context, number: int, *, actor: str) -> Move:
    """Take a proposed move back; its payments wait as before. Raises as `sign`."""
    with ctx.cell.begin() as conn:
        alone(conn, "lists")
        move = _open(conn, number)
        officer(ctx, actor, PROPOSERS, move.payer)
        for query in (
            "DELETE FROM draft_line WHERE journal_id = :j",
            "DELETE FROM advance_move_payment WHERE move_id = :i",
            "UPDATE advance_move SET state = 'withdrawn' WHERE id = :i",
        ):
            binds = {"j": move.journal_id} if ":j" in query else {"i": move.id}
            conn.execute(text(query), binds)
        audit(conn, ctx, actor, "advance.withdraw", str(number), {})
        return _shown(conn, number)


def moves(ctx: Context) -> list[Move]:
    """Return every move, by number."""
    with ctx.cell.read() as conn:
        found = conn.execute(text("SELECT id FROM advance_move ORDER BY id")).scalars().all()
        return [_shown(conn, number) for number in found]


def _shown(conn: Connection, number: int) -> Move:
    m = _row(conn, number)
    waits = ROLES[approvals.given(conn, m.journal_id)] if m.state == "proposed" else ""
    return Move(
        m.id, m.payer, m.month, m.source, m.target, m.voucher, m.moved_on, m.payments,
        m.amount_vnd, m.state, m.made_by, waits,
    )  # fmt: skip
