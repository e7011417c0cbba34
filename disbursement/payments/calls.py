"""Taking what a called rail said: answers to our calls and inquiries, and its callbacks.

A rail that pays its own customers (a wallet, Mobile Money) or that executes each order itself says
of every payment what became of it; there is no statement that could say it better. A final success
is therefore the debit of the deposit, and a reversal is its return. They are words all the same:
repeated, they change nothing, and where they contradict what is known, or name another amount or
account, the payment is parked and no money is booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters.api.contract import Fate, Item
from bank_adapters.contract import ParsedAnswer
from disbursement.payments import effects
from disbursement.payments.answer import Applied, NotTakenError
from disbursement.payments.attempts import EXPECTED, id_reader
from disbursement.payments.effects import Scope
from disbursement.payments.statuses import applied, sent_batch
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from ledger.sql import text
from reconciliation import store
from reconciliation.store import Staged

_WORDS = 140
_MEANING: dict[Fate, tuple[str, str]] = {
    "credited": ("credited", "credited"),
    "returned": ("returned", "returned"),
    "rejected": ("rejected", "rejected"),
    "waiting": ("noted", "accepted"),
    "unknown": ("noted", "unknown"),
    "absent": ("noted", "unknown"),
}
"""What a fate wants, and the state under which it is recorded."""


def take(
    conn: Connection, ctx: Context, parsed: ParsedAnswer, answer_id: int, evidence: bytes
) -> Applied:
    """Apply the answers of one batch's calls inside the caller's transaction.

    Raises NotTakenError: an id that is none of ours (quarantined), several batches, a batch that
    was not sent, a batch of another provider.
    """
    items = parsed.fates()
    batch = sent_batch(conn, _message(conn, ctx, items, parsed.original_message_id))
    if batch.profile != parsed.version:
        raise NotTakenError(
            "refused",
            "other_rail",
            f"Câu trả lời của kênh {parsed.version} nhưng lô {batch.id} đi qua {batch.profile}; "
            "không ghi gì. Hãy báo quản trị.",
            payer_id=batch.payer_id,
            provider_id=batch.provider_id,
        )
    scope = Scope(
        batch.payer_id, batch.payer, batch.provider, answer_id, evidence,
        effects.open_month(conn, batch.payer_id, today(ctx.clock)), today(ctx.clock),
        f"answer:{answer_id}",
    )  # fmt: skip
    others = _other_accounts(conn, ctx, batch, items)
    store.stage(conn, _staged(items, ctx.cell.code, scope.day.isoformat(), others))
    store.expect(conn, EXPECTED.format(owner="b.id"), {})
    _words_only(conn, batch.id)
    store.judge(conn, batch.id)
    _mark_batch(conn, ctx, batch)
    return applied(batch, effects.book(conn, ctx, scope))


def _message(conn: Connection, ctx: Context, items: Sequence[Item], message_id: str | None) -> str:
    """Return the message id of the batch that the answers are about."""
    if message_id:
        return message_id
    read = id_reader(ctx.cell.code)
    journals = {key[0] for item in items if (key := read(item.end_to_end_id)) is not None}
    if len(journals) != 1:
        raise _unknown("không có lệnh chi nào của chúng ta" if not journals else "của nhiều lô")
    found = conn.execute(
        text("SELECT message_id FROM batch WHERE journal_id = :j"), {"j": journals.pop()}
    ).scalar()
    if found is None:
        raise _unknown("không có lệnh chi nào của chúng ta")
    return str(found)


def _unknown(what: str) -> NotTakenError:
    return NotTakenError(
        "quarantined",
        "unknown_payment",
        f"Thông báo của kênh chi trả {what}; đã giữ riêng, không ghi gì. Hãy hỏi tổ chức chi trả.",
    )


def _staged(
    items: Sequence[Item], cell_code: str, day: str, others: frozenset[str]
) -> Iterator[Staged]:
    read = id_reader(cell_code)
    for n, item in enumerate(items, 1):
        key = read(item.end_to_end_id) or (0, 0)
        wants, news = _MEANING[item.fate]
        yield Staged(
            n, wants, news, *key, item.end_to_end_id, item.amount_vnd, 0, "rail", item.code,
            item.text[:_WORDS], day, item.reference, int(item.end_to_end_id in others),
        )  # fmt: skip


def _other_accounts(
    conn: Connection, ctx: Context, batch: Row[Any], items: Sequence[Item]
) -> frozenset[str]:
    """Return the ids of payments for which the rail names another account or bank than ours."""
    said = {
        i.end_to_end_id: (i.account, i.bank_code)
        for i in items
        if i.account is not None or i.bank_code is not None
    }
    if not said:
        return frozenset()
    numbers = [key[1] for e2e in said if (key := id_reader(ctx.cell.code)(e2e)) is not None] or [0]
    rows = conn.execute(
        text(
            "SELECT r.end_to_end_id, d.id, d.account_enc, r.bank_code FROM batch_row r "
            "JOIN destination d ON d.id = r.destination_id WHERE r.batch_id = :b "
            "AND r.n BETWEEN :lo AND :hi"
        ),
        {"b": batch.id, "lo": min(numbers), "hi": max(numbers)},
    )
    out = set()
    for e2e, destination, sealed, bank in rows:
        if e2e not in said:
            continue
        account, code = said[e2e]
        ours = ctx.keys.decrypt("destination.account", destination, bytes(sealed))
        if account not in (None, ours) or code not in (None, bank):
            out.add(e2e)
    return frozenset(out)


_FITS = (
    "e.journal_id = recon_item.journal_id AND e.row_n = recon_item.row_n "
    "AND e.end_to_end_id = recon_item.end_to_end_id"
)


def _words_only(conn: Connection, batch_id: int) -> None:
    """Let words about money do what words may: a repetition nothing, a contradiction no booking.

    In this order: what does not fit (an id or batch that is not this one, another amount, account
    or earlier outcome, a success and a refusal in one file) only claims to be settled, which opens
    a break or parks the payment; of equal words one stays; what is known already goes, and so does
    "in process" beside an outcome; a reversal whose success was never told brings it along.
    """
    place = f"coalesce((SELECT e.place FROM recon_expected e WHERE {_FITS}), 'none')"
    owner = f"coalesce((SELECT e.owner FROM recon_expected e WHERE {_FITS}), -1)"
    vnd = f"(SELECT e.amount_vnd FROM recon_expected e WHERE {_FITS})"
    same = (
        "FROM recon_item c WHERE c.journal_id = recon_item.journal_id "
        "AND c.row_n = recon_item.row_n AND c.end_to_end_id = recon_item.end_to_end_id "
        "AND c.n <> recon_item.n"
    )
    for statement in (
        "UPDATE recon_item SET wants = 'settled', news = 'accepted' WHERE wants IN "
        f"('credited', 'returned') AND ({owner} <> :b OR account_differs = 1 "
        f"OR coalesce(amount_vnd, {vnd}) <> {vnd} OR (wants = 'credited' "
        f"AND {place} NOT IN ('transit', 'claimed', 'paid')) OR (wants = 'returned' "
        f"AND {place} NOT IN ('transit', 'claimed', 'paid', 'returned', 'rejected')) "
        f"OR EXISTS (SELECT 1 {same} AND c.wants = 'rejected'))",
        "DELETE FROM recon_item WHERE n NOT IN (SELECT min(n) FROM recon_item GROUP BY "
        "journal_id, row_n, end_to_end_id, wants, CASE WHEN wants = 'noted' THEN code END)",
        f"DELETE FROM recon_item WHERE (wants = 'credited' AND {place} = 'paid') "
        f"OR (wants = 'returned' AND {place} IN ('returned', 'rejected'))",
        f"DELETE FROM recon_item WHERE wants = 'noted' AND (EXISTS (SELECT 1 {same} "
        "AND c.wants <> 'noted') OR EXISTS (SELECT 1 FROM recon_expected e "
        "JOIN attempt_news a ON a.batch_id = e.batch_id AND a.n = e.row_n AND a.seq = e.seq "
        f"WHERE {_FITS} AND (a.state IN ('credited', 'returned', 'rejected', 'cancelled') "
        "OR (a.state = recon_item.news AND a.code = recon_item.code))))",
        "INSERT INTO recon_item (n, wants, news, journal_id, row_n, end_to_end_id, amount_vnd, "
        "charges_vnd, code_set, code, words, day, reference, account_differs) "
        "SELECT -n, 'credited', 'credited', journal_id, row_n, end_to_end_id, amount_vnd, 0, "
        "code_set, code, words, day, reference, 0 FROM recon_item "
        f"WHERE wants = 'returned' AND {place} IN ('transit', 'claimed') AND NOT EXISTS (SELECT 1 "
        f"{same} AND c.wants = 'credited')",
    ):
        conn.execute(text(statement), {"b": batch_id} if ":b" in statement else {})


def _mark_batch(conn: Connection, ctx: Context, batch: Row[Any]) -> None:
    """Record that the rail has answered: it takes each payment by itself."""
    conn.execute(
        text("UPDATE batch SET answered_at = coalesce(answered_at, :t) WHERE id = :b"),
        {"t": stamp(ctx.clock), "b": batch.id},
    )
