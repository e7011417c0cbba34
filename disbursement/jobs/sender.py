"""The outbox: what a release wrote is sent once, and asked about before it is sent again.

The order never changes: name and bytes are fixed at freeze; `sending` is committed before the
first byte; the file is handed over without a database connection; the outcome is recorded. A
restart finds `sending` and asks the rail first (F3, F4). What asks payments of a batch back goes
the same way as the file that pays them, and holds no money. Cash batches leave as rosters: nothing
is sent for them, they become `sent` when their roster is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bank_adapters.contract import (
    Accepted,
    AdapterError,
    NotSent,
    Outcome,
    OutgoingFile,
    Rejected,
    Transport,
)
from bank_adapters.transports.connection import ConnectionFileError
from bank_adapters.xsd import carried
from disbursement.documents.control_note import (
    ControlNote,
    control_note_pdf,
    control_note_text,
)
from disbursement.jobs import calls
from disbursement.jobs.outbox import hold_along, stop_of_rail
from disbursement.jobs.rails import called_rail, is_called
from disbursement.payments import recalls
from disbursement.platform import files
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotNowError
from disbursement.runs import approvals, batches, books
from disbursement.runs.papers import office
from ledger.sql import text

OPEN = ("queued", "sending", "unknown")
"""States of a batch of which it is not known that its file arrived."""
MAX_TRIES = 3
"""A batch whose sending fails this often by our own fault is parked for a person (F11)."""

UNREACHED = "chưa kết nối được kênh chi trả"

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
                "SELECT o.batch_id, coalesce(b.rail, ''), coalesce(b.state, c.state) FROM outbox o "
                "LEFT JOIN batch b ON b.id = o.batch_id LEFT JOIN recall c ON c.id = o.batch_id "
                "WHERE o.state IN ('waiting', 'claimed') AND o.not_before <= :d "
                "ORDER BY o.batch_id"
            ),
            {"d": day},
        ).all()
    reasons = []
    away: set[str] = set()
    for batch_id, rail, state in rows:
        try:
            if rail == "cash":
                _hand_to_desk(ctx, batch_id, open_roster, worker)
                done.rosters += 1
            elif not rail:
                _send_recall(ctx, transport_for, batch_id, state, worker, done)
            else:
                _send(ctx, transport_for, batch_id, state, worker, done, away)
        except (NotNowError, ConnectionFileError) as error:
            # Nothing left: tried again when what is missing is there (a connection to be mended).
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
    away: set[str],
) -> None:
    called = _called(ctx, batch_id)
    if called is not None:
        _send_calls(ctx, called, state, worker, done, away)
        return
    if state not in OPEN:
        # The rail answered before its delivery was recorded: there is nothing to send any more.
        with ctx.cell.begin() as conn:
            _record(conn, ctx, batch_id, state, "done", worker)
        return
    # Before the claim: with a connection that cannot be used no money is held for this batch.
    transport = transport_for(_provider(ctx, batch_id))
    if state == "queued":
        _claim(ctx, batch_id, worker)
    file = _outgoing_file(ctx, batch_id)
    _write_notes(file.path, lambda: _note_of(ctx, batch_id, file.path))
    outcome = _carry(transport, file, state)
    with ctx.cell.begin() as conn:
        _settle(conn, batch_id, outcome, done, partial(_record, conn, ctx, batch_id, worker=worker))


def _carry(transport: Transport, file: OutgoingFile, state: str) -> Outcome:
    """Hand a file over; ask first where an earlier try may have done it."""
    outcome: Outcome = NotSent("not asked yet")
    if state in ("sending", "unknown"):
        outcome = transport.delivered(file.name)
    return transport.send(file) if isinstance(outcome, NotSent) else outcome


def _settle(
    conn: Connection, number: int, outcome: Outcome, done: Sent, record: Callable[..., None]
) -> None:
    """Record the outcome of handing a file over: `record` takes its state and the outbox's."""
    if isinstance(outcome, Accepted):
        record(state="sent", outbox="done")
        done.sent += 1
    elif isinstance(outcome, NotSent):
        # Nothing left: it stays in `sending`, money held; the next drain tries again under the
        # same name.
        _tries(conn, number, outcome)
        done.waiting += 1
    elif isinstance(outcome, Rejected):
        record(state="unknown", outbox="stopped", why=outcome.text or outcome.code)
        done.stopped += 1
    else:
        record(state="unknown", outbox="waiting", why=outcome.reason)
        done.unknown += 1


def _send_recall(
    ctx: Context,
    transport_for: TransportFor,
    number: int,
    state: str,
    worker: str,
    done: Sent,
) -> None:
    """Send what asks payments back, by the way of the file that pays them."""
    found, file = recalls.file_of(ctx, number)
    if state not in OPEN:
        # The bank answered before its delivery was recorded.
        with ctx.cell.begin() as conn:
            _outbox(conn, ctx, number, "done", worker)
        return
    transport = transport_for(found.provider)
    if state == "queued":
        recalls.claim(ctx, number)
    _write_notes(file.path, lambda: _recall_note(ctx, found, file))
    outcome = _carry(transport, file, state)

    def record(state: str, outbox: str, why: str = "") -> None:
        recalls.left(conn, ctx, number, state)
        _outbox(conn, ctx, number, outbox, worker, why)

    with ctx.cell.begin() as conn:
        _settle(conn, number, outcome, done, record)


def _recall_note(ctx: Context, found: recalls.Recall, file: OutgoingFile) -> ControlNote:
    """Collect a request's note: the batch's, about another file and its part of the payments."""
    with ctx.cell.read() as conn:
        created, version = conn.execute(
            text("SELECT created_text, version FROM recall WHERE id = :i"), {"i": found.id}
        ).one()
    paid = _note_of(ctx, found.batch_id, file.path)
    return replace(
        paid, asks_back=paid.message_id, message_id=found.message_id, file_name=file.name,
        sha256=file.sha256, payments=found.payments, total_vnd=found.total_vnd, made_at=created,
        validated=carried(version),
    )  # fmt: skip


def _called(ctx: Context, batch_id: int) -> Any:
    """Return a batch of a called rail with its provider, None for a batch that is a file."""
    with ctx.cell.read() as conn:
        row = conn.execute(
            text(
                "SELECT b.id, b.message_id, b.profile, p.code AS provider FROM batch b "
                "JOIN provider p ON p.id = b.provider_id WHERE b.id = :b"
            ),
            {"b": batch_id},
        ).one()
    return row if is_called(row.profile) else None


def _send_calls(
    ctx: Context, batch: Any, state: str, worker: str, done: Sent, away: set[str]
) -> None:
    """Send what has not left of a batch of calls; it is `sent` once every call has left.

    `away` are the providers that this drain could not reach: what else is for them waits for the
    next one, and no money is held for it.
    """
    batch_id = batch.id
    if _held_along(ctx, batch_id):
        done.stopped += 1
        return
    if batch.provider in away:
        raise NotNowError("rail_away", UNREACHED)
    rail = called_rail(ctx, batch.provider, batch.profile)
    if state == "queued":
        _claim(ctx, batch_id, worker)
    path = _outgoing_file(ctx, batch_id).path
    _write_notes(path, lambda: _note_of(ctx, batch_id, path))
    with rail.wire() as wire:
        progress = calls.send_batch(ctx, rail, batch, path, wire)
    with ctx.cell.begin() as conn:
        if progress.stop:
            stop(conn, ctx, batch_id, progress.stop)
            done.stopped += 1
        elif progress.unsent:
            _tries(conn, batch_id, NotSent(UNREACHED, far=True))
            done.waiting += 1
            away.add(batch.provider)
        else:
            _record(conn, ctx, batch_id, "sent", "done", worker)
            done.sent += 1


def _held_along(ctx: Context, batch_id: int) -> bool:
    """Hold a batch whose rail another one's stop has closed; return whether it is held."""
    with ctx.cell.begin() as conn:
        origin, why = stop_of_rail(conn, batch_id)
        if origin:
            hold_along(conn, ctx, batch_id, origin, why)
    return bool(origin)


def ask_due(ctx: Context) -> tuple[int, list[str]]:
    """Inquire about the calls whose outcome is open and due.

    Returns how many were asked, and why a rail could not be asked: it stops no other (P8).
    """
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT DISTINCT b.id, b.message_id, b.profile, p.code AS provider "
                "FROM rail_call c JOIN batch b ON b.id = c.batch_id JOIN provider p "
                "ON p.id = b.provider_id WHERE c.state IN ('made', 'asking', 'done') "
                "AND b.state IN ('sending', 'sent', 'accepted', 'unknown') ORDER BY b.id"
            )
        ).all()
    asked = 0
    troubles: dict[str, None] = {}
    for batch in rows:
        try:
            rail = called_rail(ctx, batch.provider, batch.profile)
            with rail.wire() as wire:
                count, why = calls.ask_batch(ctx, rail, batch, wire)
        except (DisburseError, AdapterError, ConnectionFileError) as error:
            troubles[error.sentence] = None
            continue
        asked += count
        calls.stop_overdue(ctx, rail, batch.id)
        if why:
            with ctx.cell.begin() as conn:
                stop(conn, ctx, batch.id, why)
        _send_again(ctx, batch.id)
    return asked, list(troubles)


def stop(conn: Connection, ctx: Context, batch_id: int, why: str) -> None:
    """Close a batch for the machine: nothing of it leaves until a person resumes it (outbox.py)."""
    conn.execute(
        text(
            "UPDATE outbox SET state = 'stopped', why = :w, claimed_by = '', claimed_at = :t, "
            "tries = tries + 1 WHERE batch_id = :b AND (state <> 'stopped' OR why <> :w)"
        ),
        {"w": why, "t": stamp(ctx.clock), "b": batch_id},
    )


def _send_again(ctx: Context, batch_id: int) -> None:
    """Wake the outbox where the rail says that it never had a call: the same bytes go again."""
    with ctx.cell.begin() as conn:
        conn.execute(
            text(
                "UPDATE outbox SET state = 'claimed', why = '' WHERE batch_id = :b "
                "AND state = 'done' AND EXISTS (SELECT 1 FROM rail_call c "
                "WHERE c.batch_id = :b AND c.state = 'unsent')"
            ),
            {"b": batch_id},
        )


def _claim(ctx: Context, batch_id: int, worker: str) -> None:
    """Recompute what was signed, hold the money, and commit `sending` before the first byte."""
    with ctx.cell.begin() as conn:
        approvals.verify_frozen(conn, ctx, batch_id)
        books.hold_cash(conn, ctx, batch_id, today(ctx.clock))
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


def _write_notes(path: Path, note_of: Callable[[], ControlNote]) -> None:
    """Put the control note beside the file as TXT and PDF, before the first byte leaves.

    Outside the transaction: under the lock of the chain nothing is rendered (coins.md 19). The
    facts are all frozen, so a restart that finds one of the two missing writes the same bytes.
    """
    beside = ".phieu.txt" if path.suffix == ".txt" else ".txt"
    forms = {".txt": path.with_suffix(beside), ".pdf": path.with_suffix(".pdf")}
    if all(form.exists() and form.stat().st_size for form in forms.values()):
        return
    note = note_of()
    with files.synced_together():
        files.write(forms[".txt"], control_note_text(note).encode())
        files.write(forms[".pdf"], control_note_pdf(note))


def _note_of(ctx: Context, batch_id: int, path: Path) -> ControlNote:
    """Collect a batch's note; the chain's head is the seal by which its money was held."""
    with ctx.cell.read() as conn:
        row = _batch(conn, batch_id)
        seq, head = conn.execute(
            text(
                "SELECT s.seq, s.hash FROM journal j JOIN seal s ON s.journal_id = j.id "
                "WHERE j.idem_key = :k"
            ),
            {"k": f"cash_held:{batch_id}"},  # books.hold_cash posts under this key
        ).one()
    return ControlNote(
        office=office(row["payer"], row["payer_name"], row["province_code"]),
        provider=row["provider_name"],
        programme=row["programme"],
        month=row["month"],
        number=row["list_number"],
        version=row["list_version"],
        message_id=row["message_id"],
        file_name=row["file_name"],
        file_bytes=path.stat().st_size,
        sha256=bytes(row["file_sha256"]).hex(),
        payments=row["payments"],
        total_vnd=row["total_vnd"],
        execution_date=date.fromisoformat(row["value_date"]),
        chain_head=bytes(head).hex(),
        chain_seq=seq,
        made_at=row["created_text"],
    )


def _batch(conn: Connection, batch_id: int) -> Any:
    return (
        conn.execute(
            text(
                "SELECT b.*, y.code AS payer, y.name AS payer_name, y.province_code, "
                "p.code AS provider, p.name AS provider_name, l.number AS list_number, "
                "l.version AS list_version FROM batch b "
                "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
                "LEFT JOIN pay_list l ON l.id = b.list_id WHERE b.id = :b"
            ),
            {"b": batch_id},
        )
        .mappings()
        .one()
    )


def _provider(ctx: Context, batch_id: int) -> str:
    with ctx.cell.read() as conn:
        return str(_batch(conn, batch_id)["provider"])


def _outgoing_file(ctx: Context, batch_id: int) -> OutgoingFile:
    with ctx.cell.read() as conn:
        row = _batch(conn, batch_id)
    path = batches.outgoing(ctx, row["month"], row["file_name"])
    return OutgoingFile(
        row["file_name"], path, bytes(row["file_sha256"]).hex(), path.stat().st_size
    )


def _record(
    conn: Connection,
    ctx: Context,
    batch_id: int,
    state: str,
    outbox: str,
    worker: str,
    why: str = "",
) -> None:
    conn.execute(
        text(
            "UPDATE batch SET state = :s, sent_at = :t WHERE id = :b "
            "AND state IN ('queued', 'sending', 'unknown')"
        ),
        {"s": state, "t": stamp(ctx.clock), "b": batch_id},
    )
    _outbox(conn, ctx, batch_id, outbox, worker, why)


def _outbox(
    conn: Connection, ctx: Context, number: int, state: str, worker: str, why: str = ""
) -> None:
    conn.execute(
        text(
            "UPDATE outbox SET state = :o, why = :y, claimed_by = :w, claimed_at = :t "
            "WHERE batch_id = :b"
        ),
        {"o": state, "y": why, "w": worker, "t": stamp(ctx.clock), "b": number},
    )


def _tries(conn: Connection, batch_id: int, why: NotSent) -> None:
    """Count a try that sent nothing; a far side that is out of reach is no fault of the file."""
    conn.execute(
        text(
            "UPDATE outbox SET tries = tries + 1, why = :w, "
            f"state = CASE WHEN tries + 1 >= {MAX_TRIES} AND :f = 0 THEN 'stopped' "
            "ELSE 'waiting' END WHERE batch_id = :b"
        ),
        {"w": why.reason, "f": int(why.far), "b": batch_id},
    )
