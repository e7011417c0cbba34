"""An unknown that the statements decide: no debit in a complete row of statements means not paid.

Evidence (c) of coins.md 15: the debit account's statements are complete and continuous from the day
of sending to D+n without a debit for the payment, on a rail that books single debits. Nobody signs
instead of evidence, and nothing else turns silence into a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters.registry import profile_of
from disbursement.payments import effects
from disbursement.payments.attempts import EXPECTED
from disbursement.payments.effects import Scope
from disbursement.platform import files, ids
from disbursement.platform.calendar import forward
from disbursement.platform.clock import ICT, stamp, today
from disbursement.platform.context import Context
from ledger.sql import text
from reconciliation import store

NO_DEBIT = "NO_DEBIT"


@dataclass(frozen=True)
class Decided:
    """What the evidence decided: batches looked at, payments found not paid, dong, journals."""

    batches: int
    payments: int
    amount_vnd: int
    journals: tuple[int, ...]
    waiting: int
    """Batches with open payments whose statements do not reach far enough yet."""


def decide_unknown(ctx: Context, day: date | None = None) -> Decided:
    """Reject by evidence every open bank payment without a debit; one transaction per batch.

    `day` is the day up to which statements are looked at (today where None). A payment that the
    bank claims to have settled, that is parked, or whose return came first, is never decided here.
    """
    until = day or today(ctx.clock)
    with ctx.cell.read() as conn:
        batches = _open_batches(conn)
    found = Decided(0, 0, 0, (), 0)
    for batch_id in batches:
        with ctx.cell.begin() as conn:
            one = _decide(conn, ctx, batch_id, until)
        found = Decided(
            found.batches + 1,
            found.payments + one.payments,
            found.amount_vnd + one.amount_vnd,
            found.journals + one.journals,
            found.waiting + one.waiting,
        )
    return found


_UNDECIDED = """
FROM batch_row r WHERE r.batch_id = :b AND NOT EXISTS (SELECT 1 FROM attempt_news a
  WHERE a.batch_id = r.batch_id AND a.n = r.n AND (a.state IN ('credited', 'rejected', 'returned',
    'cancelled', 'parked') OR a.code IN ('ACSC', 'ACCC', 'CPUC')))
AND NOT EXISTS (SELECT 1 FROM break_item k JOIN bank_entry e ON e.answer_id = k.answer_id
  AND e.n = k.n WHERE k.state = 'open' AND e.batch_id = r.batch_id AND e.row_n = r.n)
"""


def _open_batches(conn: Connection) -> list[int]:
    rows = conn.execute(
        text(
            "SELECT b.id FROM batch b WHERE b.rail <> 'cash' AND b.state IN ('sending', 'sent', "
            "'accepted', 'unknown') AND EXISTS (SELECT 1 "
            f"{_UNDECIDED.replace(':b', 'b.id')}) ORDER BY b.id"
        )
    )
    return [int(r[0]) for r in rows]


def _decide(conn: Connection, ctx: Context, batch_id: int, until: date) -> Decided:
    batch = conn.execute(
        text(
            "SELECT b.id, b.journal_id, b.payer_id, b.provider_id, b.profile, b.sent_at, "
            "b.released_at, b.value_date, y.code AS payer, p.code AS provider FROM batch b "
            "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
            "WHERE b.id = :b"
        ),
        {"b": batch_id},
    ).one()
    profile = profile_of(batch.profile)
    sent = _sent_day(batch)
    due = max(sent, date.fromisoformat(batch.value_date))
    last = forward(due, profile.answer_wait_days)
    statements = _statements(conn, batch, sent, last) if last <= until else []
    if profile.statement_books != "single" or not statements:
        return Decided(0, 0, 0, (), 1)
    return _reject(conn, ctx, batch, sent, last, statements)


def _sent_day(batch: Row[Any]) -> date:
    """Return the first day on which a debit could have been booked, in Vietnam."""
    at = str(batch.sent_at or batch.released_at)
    return datetime.fromisoformat(at).astimezone(ICT).date()


def _statements(
    conn: Connection, batch: Row[Any], first: date, last: date
) -> list[tuple[int, str]]:
    """Return (sequence, SHA-256) of the account's statements over these days, or nothing.

    Imports take statements in unbroken order only, so reaching both ends is being complete.
    """
    rows = conn.execute(
        text(
            "SELECT s.sequence, s.first_day, s.last_day, a.sha256 FROM bank_statement s "
            "JOIN answer a ON a.id = s.answer_id JOIN provider_contract c ON c.id = s.contract_id "
            "WHERE c.payer_id = :p AND c.provider_id = :v AND s.last_day >= :f "
            "AND s.first_day <= :l ORDER BY s.sequence"
        ),
        {"p": batch.payer_id, "v": batch.provider_id, "f": first.isoformat(),
         "l": last.isoformat()},
    ).all()  # fmt: skip
    reaches = rows and rows[0].first_day <= first.isoformat()
    earlier = conn.execute(
        text(
            "SELECT 1 FROM bank_statement s JOIN provider_contract c ON c.id = s.contract_id "
            "WHERE c.payer_id = :p AND c.provider_id = :v AND s.last_day < :f"
        ),
        {"p": batch.payer_id, "v": batch.provider_id, "f": first.isoformat()},
    ).first()
    if not rows or not (reaches or earlier) or rows[-1].last_day < last.isoformat():
        return []
    return [(int(r.sequence), bytes(r.sha256).hex()) for r in rows]


def _reject(
    conn: Connection,
    ctx: Context,
    batch: Row[Any],
    first: date,
    last: date,
    statements: list[tuple[int, str]],
) -> Decided:
    count, vnd = conn.execute(
        text(f"SELECT count(*), coalesce(sum(r.amount_vnd), 0) {_UNDECIDED}"), {"b": batch.id}
    ).one()
    if not count:
        return Decided(0, 0, 0, (), 0)
    answer_id, digest = _evidence(conn, ctx, batch, first, last, statements, int(count))
    day = today(ctx.clock)
    scope = Scope(
        batch.payer_id, batch.payer, batch.provider, answer_id, digest,
        effects.open_month(conn, batch.payer_id, day), day, f"evidence:{batch.id}:{answer_id}",
    )  # fmt: skip
    store.stage(conn, ())
    conn.execute(
        text(
            "INSERT INTO recon_item (n, wants, news, journal_id, row_n, end_to_end_id, "
            "amount_vnd, charges_vnd, code_set, code, words, day, reference) SELECT r.n, "
            "'rejected', 'rejected', :j, r.n, r.end_to_end_id, r.amount_vnd, 0, 'evidence', "
            f"'{NO_DEBIT}', '', :d, '' {_UNDECIDED}"
        ),
        {"b": batch.id, "j": batch.journal_id, "d": day.isoformat()},
    )
    store.expect(conn, EXPECTED.format(owner="b.id"), {})
    store.judge(conn, batch.id)
    done = effects.book(conn, ctx, scope)
    return Decided(0, int(count), int(vnd), tuple(done.journals), 0)


def _evidence(
    conn: Connection,
    ctx: Context,
    batch: Row[Any],
    first: date,
    last: date,
    statements: list[tuple[int, str]],
    count: int,
) -> tuple[int, bytes]:
    """Keep what the decision rests on: the days, and the statements by their SHA-256."""
    record = {
        "what": "no_debit", "batch": batch.id, "payments": count, "from": first.isoformat(),
        "to": last.isoformat(), "statements": statements, "decided_at": stamp(ctx.clock),
    }  # fmt: skip
    return keep_decision(conn, ctx, batch.payer_id, batch.provider_id, record)


def keep_decision(
    conn: Connection, ctx: Context, payer_id: int, provider_id: int, record: Mapping[str, Any]
) -> tuple[int, bytes]:
    """Keep what a decision about payments rests on, as an answer of kind `evidence`.

    Returns the answer's id and the SHA-256 of the record (canonical JSON); documents stand in the
    record by their own SHA-256.
    """
    body = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", body)
    answer_id = ids.block(conn, "answer", 1)
    conn.execute(
        text(
            "INSERT INTO answer (id, sha256, kind, file_name, size, received_at, payer_id, "
            "provider_id, message_id, state, why) VALUES (:i, :s, 'evidence', '', :z, :t, :p, "
            ":v, '', 'applied', '')"
        ),
        {
            "i": answer_id, "s": digest, "z": len(body), "t": stamp(ctx.clock),
            "p": payer_id, "v": provider_id,
        },
    )  # fmt: skip
    return answer_id, digest
