"""Closing a month of the books for the whole cell, and opening it again by three signatures.

A month is closed in both books by an accountant, once it is over, its runs are closed and nothing
sent in it is under way; what comes later is booked in an open month (coins.md 7: every fact can be
booked). The evidence of a closing is the trial balance of that moment. Opening again is signed like
a correction (coins.md 5): preparer, accountant, account holder, three people, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam

from disbursement.identity.rules import EVERYWHERE
from disbursement.identity.service import Signer, require, user
from disbursement.platform import files
from disbursement.platform.clock import month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, UsageError
from disbursement.runs import approvals, books
from disbursement.runs.approvals import Document
from ledger import chart, definitions, posting, queries, signing
from ledger.canon import part_root
from ledger.money import format_vnd
from ledger.posting import Header, Sealed
from ledger.sql import text

BOOKS = (chart.BUDGETARY, chart.FINANCIAL)
"""Both books, in the order of the lock (coins.md 19)."""
ROLES = signing.roles_of("reopen")


@dataclass(frozen=True)
class PeriodMoved:
    """A month closed or opened again: one journal a book, SHA-256 (hex) of the evidence."""

    month: int
    state: str
    journals: tuple[int, ...]
    evidence: str


@dataclass(frozen=True)
class Reopening:
    """How far opening a month again has come: `waits_for` is the next role, '' once it is open."""

    month: int
    reason: str
    signed: tuple[str, ...]
    waits_for: str
    journals: tuple[int, ...]


def close_month(ctx: Context, month: int, *, actor: str) -> PeriodMoved:
    """Close a month (yyyymm) of both books for every payer; by an accountant of all payers.

    Raises NotNowError (`period_closed`, `period_running`, `period_no_run`, `period_open_runs`,
    `period_in_transit`), NotAllowedError.
    """
    with ctx.cell.begin() as conn:
        require(conn, user(ctx, actor), "second_signer", EVERYWHERE)
        _may_close(conn, ctx, month)
        evidence = _evidence(conn, ctx, month, actor)
        journals = tuple(
            _move(conn, ctx, month, book, posting.allot(conn), "period_close", evidence).journal_id
            for book in BOOKS
        )
    return PeriodMoved(month, "closed", journals, evidence.hex())


def _may_close(conn: Connection, ctx: Context, month: int) -> None:
    name = show_month(month)
    if _closed(conn, month):
        raise NotNowError("period_closed", f"Tháng {name} đã khóa sổ.")
    if month >= month_of(today(ctx.clock)):
        raise NotNowError(
            "period_running",
            f"Tháng {name} chưa hết: chỉ khóa sổ khi đã sang tháng sau, để những gì còn báo về "
            "trong tháng vẫn ghi được.",
        )
    runs = conn.execute(text("SELECT count(*) FROM run WHERE month = :m"), {"m": month})
    if not runs.scalar_one():
        raise NotNowError("period_no_run", f"Không có kỳ chi nào của tháng {name}; sửa lại tháng.")
    left = conn.execute(
        text(
            "SELECT r.month, y.code FROM run r JOIN payer y ON y.id = r.payer_id "
            "WHERE r.state = 'open' AND r.month <= :m ORDER BY r.month, y.code"
        ),
        {"m": month},
    ).all()
    if left:
        raise NotNowError(
            "period_open_runs",
            f"Chưa khóa sổ tháng {name} được: còn {len(left)} kỳ chi chưa đóng, trước hết kỳ "
            f"{show_month(left[0].month)} của {left[0].code}; đóng bằng `disburse run close`.",
        )
    _nothing_under_way(conn, month)


def _nothing_under_way(conn: Connection, month: int) -> None:
    moving = {journal: vnd for journal, _, _, vnd in queries.open_in_transit(conn)}
    if not moving:
        return
    query = text("SELECT id FROM journal WHERE id IN :ids AND month <= :m").bindparams(
        bindparam("ids", expanding=True)
    )
    found = conn.execute(query, {"ids": sorted(moving), "m": month}).scalars().all()
    if found:
        total = sum(moving[int(j)] for j in found)
        raise NotNowError(
            "period_in_transit",
            f"Chưa khóa sổ tháng {show_month(month)} được: còn {format_vnd(total)} đồng đang "
            "chuyển hoặc ở bàn chi tiền mặt; đối chiếu xong rồi khóa.",
        )


def _closed(conn: Connection, month: int) -> bool:
    return any(definitions.period_state(conn, month, book=b) == "closed" for b in BOOKS)


def _evidence(conn: Connection, ctx: Context, month: int, actor: str) -> bytes:
    """Keep the trial balance of the moment of closing; return its SHA-256."""
    seq, head = books.head(conn)
    record: dict[str, Any] = {
        "what": "period_close", "cell": ctx.cell.code, "month": month, "by": actor,
        "at": stamp(ctx.clock), "chain_seq": seq, "chain_head": head.hex(),
        "balances": {
            str(book): {
                a.code: [a.opening, a.debit, a.credit]
                for a in queries.month_balance(conn, book, month).accounts
            }
            for book in BOOKS
        },
    }  # fmt: skip
    body = approvals.canonical(record).encode()
    return files.keep_evidence(ctx.settings.files / "evidence", body)[1]


def _move(
    conn: Connection, ctx: Context, month: int, book: int, journal_id: int, kind: str,
    evidence: bytes | None, statement: bytes | None = None,
) -> Sealed:  # fmt: skip
    header = Header(
        id=journal_id,
        book=book,
        payer_id=0,
        kind=kind,
        idem_key=f"{kind}:{book}:{month}:{journal_id}",
        month=month,
        effective_date=today(ctx.clock),
        recorded_at=stamp(ctx.clock),
        evidence=evidence,
        statement_digest=statement,
    )
    return definitions.move_period(conn, header, "open" if kind == "reopen" else "closed")


# --- opening again -------------------------------------------------------------------------------


def reopen_month(ctx: Context, month: int, signer: Signer, *, reason: str = "") -> Reopening:
    """Give the next signature to opening a closed month again; the last one opens it.

    With a reason it is a new proposal, by the preparer; without one (accountant, then account
    holder) it signs the last proposal that is open. Three people, in this order, as the database
    enforces. Raises NotNowError `period_not_closed`, UsageError `reason`, NotAllowedError.
    """
    with ctx.cell.begin() as conn:
        if not _closed(conn, month):
            raise NotNowError(
                "period_not_closed", f"Tháng {show_month(month)} chưa khóa sổ; không cần mở lại."
            )
        documents = [] if reason else _pending(conn, month)
        if not documents:
            documents = _propose(conn, ctx, month, " ".join(reason.split()))
        signed = _given(conn, documents[0].journal_id)
        role = ROLES[len(signed)]
        require(conn, signer, approvals.ROLE_OF[role], EVERYWHERE)
        approvals.sign_documents(conn, ctx, documents, role, signer)
        if role == ROLES[-1]:
            for document in documents:
                book = int(json.loads(document.body)["book"])
                _move(conn, ctx, month, book, document.journal_id, "reopen", None, document.digest)
    after = (*signed, role)
    return Reopening(
        month,
        str(json.loads(documents[0].body)["reason"]),
        after,
        ROLES[len(after)] if len(after) < len(ROLES) else "",
        tuple(d.journal_id for d in documents),
    )


def _propose(conn: Connection, ctx: Context, month: int, reason: str) -> list[Document]:
    if not reason:
        raise UsageError(
            "reason", f"Mở lại sổ tháng {show_month(month)} phải có lý do: thêm --reason."
        )
    seq, head = books.head(conn)
    out = []
    for book in BOOKS:
        journal_id = posting.allot(conn)
        body = approvals.canonical(
            {
                "v": 1, "purpose": "reopen", "cell": ctx.cell.code, "month": month, "book": book,
                "reason": reason, "journal": journal_id, "root": part_root("line", 0, []).hex(),
                "chain_seq": seq, "chain_head": head.hex(), "proposed_at": stamp(ctx.clock),
            }
        )  # fmt: skip
        signing.record_statement(conn, journal_id, "reopen", body)
        out.append(Document("reopen", month, journal_id, 0, body))
    return out


def _pending(conn: Connection, month: int) -> list[Document]:
    """Return the newest proposal for the month that is not posted, one document a book."""
    rows = conn.execute(
        text(
            "SELECT t.journal_id, t.body FROM statement t WHERE t.purpose = 'reopen' AND NOT "
            "EXISTS (SELECT 1 FROM journal j WHERE j.id = t.journal_id) ORDER BY t.journal_id"
        )
    ).all()
    newest: Mapping[int, Document] = {
        int(said["book"]): Document("reopen", month, int(journal_id), 0, body)
        for journal_id, body in rows
        for said in [json.loads(body)]
        if said["month"] == month
    }
    return [newest[book] for book in BOOKS if book in newest]


def _given(conn: Connection, journal_id: int) -> tuple[str, ...]:
    rows = conn.execute(
        text("SELECT role FROM signature WHERE journal_id = :j"), {"j": journal_id}
    ).scalars()
    found = set(rows)
    return tuple(role for role in ROLES if role in found)
