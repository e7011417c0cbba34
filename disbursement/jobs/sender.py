"""The outbox: what a release wrote is sent once, and asked about before it is sent again.

The order never changes: name and bytes are fixed at freeze; `sending` is committed before the
first byte; the file is handed over without a database connection; the outcome is recorded. A
restart finds `sending` and asks the rail first (F3, F4). Cash batches leave as rosters: nothing is
sent for them, they become `sent` when their roster is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from bank_adapters.contract import (
    Accepted,
    AdapterError,
    NotSent,
    Outcome,
    OutgoingFile,
    Rejected,
    Transport,
)
from bank_adapters.control_note import control_note
from disbursement.platform import files
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotNowError
from disbursement.runs import approvals, batches, books

MAX_TRIES = 3
"""A batch whose sending fails this often by our own fault is parked for a person (F11)."""

TransportFor = Callable[[str], Transport]
"""Gives the transport of a provider by its code."""
OpenRoster = Callable[[Connection, Context, int], None]
"""Opens the roster of a cash batch, inside the caller's transaction."""


@dataclass
class Sent:
    """What one drain did: counts of batches, and why the others stayed."""

    sent: int = 0
    rosters: int = 0
    waiting: int = 0
    unknown: int = 0
    stopped: int = 0
    reasons: tuple[str, ...] = ()


def drain(
    ctx: Context,
    transport_for: TransportFor,
    open_roster: OpenRoster,
    worker: str = "worker",
) -> Sent:
    """Send everything whose day has come. Other batches go on where one must stop (P8)."""
    done = Sent()
    day = today(ctx.clock).isoformat()
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT o.batch_id, b.rail, b.state FROM outbox o JOIN batch b "
                "ON b.id = o.batch_id WHERE o.state IN ('waiting', 'claimed') "
                "AND o.not_before <= :d ORDER BY o.batch_id"
            ),
            {"d": day},
        ).all()
    reasons = []
    for batch_id, rail, state in rows:
        try:
            if rail == "cash":
                _hand_to_desk(ctx, batch_id, open_roster, worker)
                done.rosters += 1
            else:
                _send(ctx, transport_for, batch_id, state, worker, done)
        except NotNowError as error:
            done.waiting += 1
            reasons.append(error.sentence)
            _note(ctx, batch_id, "waiting", error.sentence)
        except (DisburseError, AdapterError) as error:
            done.stopped += 1
            reasons.append(error.sentence)
            _note(ctx, batch_id, "stopped", error.sentence)
    done.reasons = tuple(reasons)
    return done


def _note(ctx: Context, batch_id: int, state: str, why: str) -> None:
    with ctx.cell.begin() as conn:
        conn.execute(
            text("UPDATE outbox SET state = :s, why = :w, tries = tries + 1 WHERE batch_id = :b"),
            {"s": state, "w": why, "b": batch_id},
        )


def _hand_to_desk(ctx: Context, batch_id: int, open_roster: OpenRoster, worker: str) -> None:
    """Hand a cash batch to the desk: money held, roster opened; nothing leaves by wire."""
    with ctx.cell.begin() as conn:
        approvals.verify_frozen(conn, ctx, batch_id)
        books.hold_cash(conn, ctx, batch_id, today(ctx.clock))
        open_roster(conn, ctx, batch_id)
        _record(conn, ctx, batch_id, "sent", "done", worker)


def _send(
    ctx: Context,
    transport_for: TransportFor,
    batch_id: int,
    state: str,
    worker: str,
    done: Sent,
) -> None:
    if state == "queued":
        _claim(ctx, batch_id, worker)
    file, provider = _outgoing_file(ctx, batch_id)
    transport = transport_for(provider)
    outcome: Outcome = NotSent("not asked yet")
    if state in ("sending", "unknown"):
        outcome = transport.delivered(file.name)
    if isinstance(outcome, NotSent):
        outcome = transport.send(file)
    with ctx.cell.begin() as conn:
        if isinstance(outcome, Accepted):
            _record(conn, ctx, batch_id, "sent", "done", worker)
            done.sent += 1
        elif isinstance(outcome, NotSent):
            # Nothing left: the batch stays in `sending`, money held; the next drain tries again
            # under the same name.
            _tries(conn, batch_id, outcome.reason)
            done.waiting += 1
        elif isinstance(outcome, Rejected):
            _record(conn, ctx, batch_id, "unknown", "stopped", worker)
            done.stopped += 1
        else:
            _record(conn, ctx, batch_id, "unknown", "waiting", worker)
            done.unknown += 1


def _claim(ctx: Context, batch_id: int, worker: str) -> None:
    """Recompute what was signed, hold the money, and commit `sending` before the first byte."""
    with ctx.cell.begin() as conn:
        approvals.verify_frozen(conn, ctx, batch_id)
        books.hold_cash(conn, ctx, batch_id, today(ctx.clock))
        _write_note(conn, ctx, batch_id)
        changed = conn.execute(
            text("UPDATE batch SET state = 'sending' WHERE id = :b AND state = 'queued'"),
            {"b": batch_id},
        ).rowcount
        if changed != 1:
            raise NotNowError("claimed", f"Lô {batch_id} đang được tiến trình khác gửi.")
        conn.execute(
            text(
                "UPDATE outbox SET state = 'claimed', claimed_by = :w, claimed_at = :t "
                "WHERE batch_id = :b"
            ),
            {"w": worker, "t": stamp(ctx.clock), "b": batch_id},
        )


def _write_note(conn: Connection, ctx: Context, batch_id: int) -> None:
    """Put the control note (TXT) beside the file: count, total, SHA-256, list, chain head."""
    row = _batch(conn, batch_id)
    seq, head = books.head(conn)
    note = control_note(
        file_name=row["file_name"],
        count=row["payments"],
        total_vnd=row["total_vnd"],
        sha256=bytes(row["file_sha256"]).hex(),
        list_name=f"{row['payer']} {row['programme']} {row['month']}",
        chain_seq=seq,
        chain_head=head.hex(),
        created_at=row["created_text"],
    )
    path = batches.outgoing(ctx, row["month"], row["file_name"])
    files.write(path.with_suffix(".txt"), note.encode())


def _batch(conn: Connection, batch_id: int) -> Any:
    return (
        conn.execute(
            text(
                "SELECT b.*, y.code AS payer, p.code AS provider FROM batch b "
                "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
                "WHERE b.id = :b"
            ),
            {"b": batch_id},
        )
        .mappings()
        .one()
    )


def _outgoing_file(ctx: Context, batch_id: int) -> tuple[OutgoingFile, str]:
    with ctx.cell.read() as conn:
        row = _batch(conn, batch_id)
    path = batches.outgoing(ctx, row["month"], row["file_name"])
    return (
        OutgoingFile(row["file_name"], path, bytes(row["file_sha256"]).hex(), path.stat().st_size),
        row["provider"],
    )


def _record(
    conn: Connection, ctx: Context, batch_id: int, state: str, outbox: str, worker: str
) -> None:
    at = stamp(ctx.clock)
    conn.execute(
        text(
            "UPDATE batch SET state = :s, sent_at = :t WHERE id = :b "
            "AND state IN ('queued', 'sending', 'unknown')"
        ),
        {"s": state, "t": at, "b": batch_id},
    )
    conn.execute(
        text("UPDATE outbox SET state = :o, claimed_by = :w, claimed_at = :t WHERE batch_id = :b"),
        {"o": outbox, "w": worker, "t": at, "b": batch_id},
    )


def _tries(conn: Connection, batch_id: int, why: str) -> None:
    conn.execute(
        text(
            "UPDATE outbox SET tries = tries + 1, why = :w, "
            f"state = CASE WHEN tries + 1 >= {MAX_TRIES} THEN 'stopped' ELSE 'waiting' END "
            "WHERE batch_id = :b"
        ),
        {"w": why, "b": batch_id},
    )
