"""Taking a pain.002: what the bank says about a file, a batch and single payments.

Words, not money: a final rejection brings the coins back to payable, a claim of settlement is kept
and waits for the statement, everything else is noted. A file or batch that is rejected fails every
member, except where the bank says that it has seen the file before: that means "ask", not "failed".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam

from bank_adapters.codes import DUPLICATES, status_meaning
from bank_adapters.contract import ParsedAnswer, StatusItem
from bank_adapters.registry import profile_of
from disbursement.payments import effects
from disbursement.payments.answer import Applied, NotTakenError
from disbursement.payments.attempts import EXPECTED, NO_ID, id_reader
from disbursement.payments.effects import Effects, Scope
from disbursement.payments.rules import SETTLED_CLAIMS
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from ledger.sql import text
from reconciliation import store
from reconciliation.store import Staged

UNSENT = ("held", "queued", "withdrawn", "void", "cancelled")
ACCEPTING = frozenset({"ACCP", "ACSP", "ACWC", "ACFC"}) | SETTLED_CLAIMS
"""Codes by which a rail takes an order for execution; received, pending or well-formed is less."""
EXPANDED = 1_000_000_000
"""Numbers of items that stand for a member of a rejected file start here."""
_WORDS = 140
Counts = dict[tuple[str, str], tuple[int, int]]
"""What `store.judge` returns: (wants, verdict) -> (count, dong)."""
Meaning = tuple[str, str, str]
"""What a status wants, the state it is recorded as, and the code that is kept."""


@dataclass(frozen=True)
class _Whole:
    """What was said about the file or batch as a whole."""

    rejected: bool
    code: str
    words: str
    accepted: bool


def take(
    conn: Connection, ctx: Context, parsed: ParsedAnswer, answer_id: int, evidence: bytes
) -> Applied:
    """Apply a pain.002 inside the caller's transaction.

    Raises NotTakenError: unknown message (quarantined), not sent yet, another batch's payments.
    """
    items = parsed.statuses()
    originals = {item.original_msg_id for item in items if item.original_msg_id}
    if parsed.original_message_id:
        originals.add(parsed.original_message_id)
    if not originals and parsed.kind == "sheet":
        originals = _messages(conn, ctx, items)
    if len(originals) != 1:
        raise NotTakenError(
            "refused",
            "several_messages",
            f"Tệp trả lời cho {len(originals)} lô khác nhau; mỗi tệp phải trả lời đúng một lô. "
            "Hãy xin ngân hàng gửi riêng từng lô.",
        )
    batch = sent_batch(conn, originals.pop())
    if parsed.kind == "sheet" and parsed.version != batch.profile:
        raise NotTakenError(
            "refused",
            "other_rail",
            f"Danh sách kết quả theo mẫu {parsed.version} nhưng lô {batch.id} đi theo mẫu "
            f"{batch.profile}; không ghi gì. Hãy báo quản trị.",
            payer_id=batch.payer_id,
            provider_id=batch.provider_id,
        )
    scope = scope_of(conn, ctx, batch, answer_id, evidence)
    whole = _whole(items, batch.message_id)
    store.stage(conn, staged(items, ctx.cell.code, scope.day.isoformat(), _meaning))
    if whole.rejected:
        _expand(conn, batch, whole, scope)
    store.expect(conn, EXPECTED.format(owner="b.id"), {})
    counts = store.judge(conn, batch.id)
    only_this_batch(counts, batch)
    _mark_batch(conn, ctx, batch, whole)
    done = effects.book(conn, ctx, scope)
    return applied(batch, done)


def _messages(conn: Connection, ctx: Context, items: Sequence[StatusItem] | Any) -> set[str]:
    """Return the message ids of the batches that a list without one speaks of, by our own ids."""
    read = id_reader(ctx.cell.code)
    journals = {key[0] for item in items if (key := read(item.end_to_end_id or "")) is not None}
    rows = conn.execute(
        text("SELECT message_id FROM batch WHERE journal_id IN :j").bindparams(
            bindparam("j", expanding=True)
        ),
        {"j": sorted(journals)[:3]},
    )
    return {str(message) for (message,) in rows}


def scope_of(
    conn: Connection, ctx: Context, batch: Row[Any], answer_id: int, evidence: bytes
) -> Scope:
    """Return whose answer it is, as `effects.book` wants it."""
    day = today(ctx.clock)
    return Scope(
        batch.payer_id, batch.payer, batch.provider, answer_id, evidence,
        effects.open_month(conn, batch.payer_id, day), day, f"answer:{answer_id}",
    )  # fmt: skip


def applied(batch: Row[Any], done: Effects) -> Applied:
    """Return what taking an answer about one batch has done."""
    return Applied(
        batch.payer_id, batch.provider_id, batch.contract_id, done.counts, done.amounts,
        tuple(done.journals),
    )  # fmt: skip


def sent_batch(conn: Connection, message_id: str) -> Row[Any]:
    """Return the sent batch under this message id, locked. Raises NotTakenError."""
    lock = " FOR UPDATE OF b" if conn.dialect.name == "postgresql" else ""
    batch = conn.execute(
        text(
            "SELECT b.id, b.journal_id, b.payer_id, b.provider_id, b.contract_id, b.state, b.rail, "
            "b.profile, b.message_id, b.payments, y.code AS payer, p.code AS provider "
            "FROM batch b JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = "
            f"b.provider_id WHERE b.message_id = :m{lock}"
        ),
        {"m": message_id},
    ).first()
    if batch is None:
        raise NotTakenError(
            "quarantined",
            "unknown_message",
            f"Tệp trả lời cho mã tệp {message_id[:35]!r} mà chúng ta không gửi; đã giữ riêng, "
            "không ghi gì. Hãy hỏi ngân hàng.",
        )
    if batch.state in UNSENT or batch.rail == "cash":
        raise NotTakenError(
            "refused",
            "not_sent",
            f"Tệp trả lời cho lô {batch.id} của {batch.payer}, nhưng lô này chưa được gửi (đang "
            f"'{batch.state}'); không ghi gì. Hãy kiểm tra với ngân hàng ngay.",
            payer_id=batch.payer_id,
            provider_id=batch.provider_id,
        )
    return batch


def _whole(items: Sequence[StatusItem] | Any, message_id: str) -> _Whole:
    """Read the statuses of the file and of its batches (ours has one, `<message id>-1`)."""
    rejected = accepted = False
    code = words = ""
    for item in items:
        if item.level == "transaction":
            continue
        if item.level == "batch" and item.payment_info_id not in (None, "", f"{message_id}-1"):
            continue
        state = status_meaning(item.level, item.status).state
        if state == "rejected" and not DUPLICATES & {item.reason_code, *item.more_reasons}:
            rejected, code = True, item.reason_code or item.status or ""
            words = item.reason_text[:_WORDS]
        accepted = accepted or item.status in ACCEPTING
    return _Whole(rejected, code, words, accepted and not rejected)


def staged(
    items: Any, cell_code: str, day: str, meaning: Callable[[StatusItem], Meaning]
) -> Iterator[Staged]:
    """Yield the statuses of single payments as `store.stage` takes them."""
    read = id_reader(cell_code)
    for n, item in enumerate(items, 1):
        if item.level != "transaction":
            continue
        found = item.end_to_end_id or ""
        key = read(found)
        if key is None and item.instr_id:
            key = read(item.instr_id)
            found = item.instr_id if key is not None else found
        if key is None and found.upper() not in NO_ID:
            key = (0, 0)
        wants, news, code = meaning(item)
        yield Staged(
            n, wants, news, key[0] if key else None, key[1] if key else None, found,
            item.amount_vnd, 0, item.code_set, code, item.reason_text[:_WORDS], day, "",
        )  # fmt: skip


def _meaning(item: StatusItem) -> Meaning:
    status = item.status or ""
    meaning = status_meaning("transaction", status)
    if status in SETTLED_CLAIMS:
        return "settled", "accepted", status
    if meaning.state == "rejected" and meaning.final:
        codes = {item.reason_code, *item.more_reasons}
        if same := DUPLICATES & codes:
            return "noted", "unknown", min(same)
        return "rejected", "rejected", item.reason_code or status
    if meaning.state == "cancelled" and meaning.final:
        return "rejected", "cancelled", status
    if meaning.state == "parked":
        return "noted", "parked", status
    # In process, or a code we do not know: kept and shown, never taken for an outcome.
    return "noted", "accepted" if status in ACCEPTING else "sent", status


def _expand(conn: Connection, batch: Row[Any], whole: _Whole, scope: Scope) -> None:
    """Reject every member that the file does not speak of as rejected or settled itself."""
    conn.execute(
        text(
            "DELETE FROM recon_item WHERE wants = 'noted' AND news IN ('accepted', 'sent') "
            "AND journal_id = :j"
        ),
        {"j": batch.journal_id},
    )
    conn.execute(
        text(
            "INSERT INTO recon_item (n, wants, news, journal_id, row_n, end_to_end_id, "
            "amount_vnd, charges_vnd, code_set, code, words, day, reference) "
            f"SELECT {EXPANDED} + r.n, 'rejected', 'rejected', :j, r.n, r.end_to_end_id, NULL, 0, "
            "'status', :c, :w, :d, '' FROM batch_row r WHERE r.batch_id = :b AND NOT EXISTS "
            "(SELECT 1 FROM recon_item i WHERE i.journal_id = :j AND i.row_n = r.n)"
        ),
        {"j": batch.journal_id, "c": whole.code, "w": whole.words, "d": scope.day.isoformat(),
         "b": batch.id},
    )  # fmt: skip


def only_this_batch(counts: Counts, batch: Row[Any]) -> None:
    """Refuse an answer that also names payments of another batch: mixed up, or altered."""
    foreign = sum(n for (_, verdict), (n, _) in counts.items() if verdict == "other_payer")
    if foreign:
        raise NotTakenError(
            "refused",
            "other_batch",
            f"Tệp trả lời cho lô {batch.id} của {batch.payer} nhưng có {foreign} lệnh chi của lô "
            "hoặc đơn vị khác; không ghi gì. Hãy xin ngân hàng gửi lại đúng tệp.",
            payer_id=batch.payer_id,
            provider_id=batch.provider_id,
        )


def _mark_batch(conn: Connection, ctx: Context, batch: Row[Any], whole: _Whole) -> None:
    """Record that the rail has answered, and accepted where it says so for all.

    All members listed as accepted is the same as the file accepted; unlisted means accepted only
    where the bank's profile says so.
    """
    listed, refused = conn.execute(
        text(
            "SELECT count(DISTINCT CASE WHEN wants <> 'rejected' AND news = 'accepted' "
            "THEN row_n END), count(DISTINCT CASE WHEN wants = 'rejected' THEN row_n END) "
            "FROM recon_verdict WHERE batch_id = :b"
        ),
        {"b": batch.id},
    ).one()
    profile = profile_of(batch.profile)
    accepted = (
        whole.accepted
        or (listed and listed + refused == batch.payments)
        or (profile.unlisted_means_accepted and not whole.rejected)
    )
    # An answer proves that the file arrived, also where our own record of sending was lost.
    conn.execute(
        text(
            "UPDATE batch SET state = CASE WHEN state IN ('sending', 'sent', 'unknown') "
            "THEN :s ELSE state END, answered_at = coalesce(answered_at, :t) WHERE id = :b"
        ),
        {"s": "accepted" if accepted else "sent", "t": stamp(ctx.clock), "b": batch.id},
    )
