"""The outbox of called rails: calls are stored, committed, and only then leave.

A batch goes out in groups of at most `GROUP` payments. Ids and bytes of a group's calls are
committed as `made` before the first of them leaves; the group's answers enter by the one intake,
then each call is marked. After a kill the calls found `made` may have left: the whole group is
inquired, nothing is sent again on a guess. What certainly never left, or what the rail says it
never had, goes again as the same bytes, inside the rail's id window; later only a person may act.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters.api import orders
from bank_adapters.api.contract import Answer, Call, Reading
from bank_adapters.api.wire import Outcome, Wire
from bank_adapters.contract import NotSent, PaymentRow, Unknown
from disbursement.jobs.rails import CalledRail, take
from disbursement.platform import ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from ledger.bulk import bulk_insert
from ledger.sql import text

GROUP = 100
"""Most payments whose calls are committed before the first of them leaves."""
FOLLOWS = 1_000
"""Most calls that one inquiry may lead to (pages of results)."""
ASKED_AT_ONCE = 100
_FINAL = frozenset({"credited", "returned", "rejected"})
PASSES = frozenset({"rail_closed"})
"""What a question may be answered with that no person need look at: it is asked again later."""


@dataclass
class Progress:
    """How far a batch is: calls made, still open, certainly not sent; why it stopped."""

    made: int = 0
    open: int = 0
    unsent: int = 0
    stop: str = ""


@dataclass
class _Stored:
    """A call with its row."""

    id: int
    call: Call
    reference: str = ""
    asks: int = 0
    made_at: str = ""
    asked_at: str = ""
    state: str = "made"
    follow: Call | None = None
    """The step that must be stored and sent next."""


@dataclass
class _Round:
    """Raw answers of a round of calls, in the order they came."""

    exchanges: list[tuple[Call, Answer]] = field(default_factory=list)
    stop: str = ""


# --- sending -------------------------------------------------------------------------------------


def send_batch(ctx: Context, rail: CalledRail, batch: Row[Any], path: Path, wire: Wire) -> Progress:
    """Send what has not left of a batch that is `sending`; may be called again at any time.

    `batch` has id, message_id. Committed after each group; a kill at any point loses nothing.
    """
    done = Progress()
    recovered = _open_calls(ctx, batch.id, ("made",))
    if recovered:
        done.stop = _inquire(ctx, rail, batch, recovered, wire)
        if done.stop:
            return _count(ctx, batch.id, done)
    again = _open_calls(ctx, batch.id, ("unsent",))
    for chunk in _chunks(again, GROUP):
        live = _within_window(ctx, rail, chunk)
        _mark(ctx, live, "made")
        done.stop = _go(ctx, rail, batch, live, wire)
        if done.stop:
            return _count(ctx, batch.id, done)
    for group in _groups(ctx, rail, batch.id, path):
        stored = _store(ctx, rail, batch.id, path, group)
        done.stop = _go(ctx, rail, batch, stored, wire)
        if done.stop:
            break
    return _count(ctx, batch.id, done)


def _groups(
    ctx: Context, rail: CalledRail, batch_id: int, path: Path
) -> Iterator[list[tuple[int, tuple[PaymentRow, ...]]]]:
    """Return the calls that were never made, numbered, in groups of at most `GROUP` payments."""
    with ctx.cell.read() as conn:
        last_call, last_row = conn.execute(
            text(
                "SELECT coalesce(max(n), 0), coalesce(max(last_n), 0) FROM rail_call "
                "WHERE batch_id = :b"
            ),
            {"b": batch_id},
        ).one()
    rows = (row for row in orders.read_rows(path) if row.n > last_row)
    group: list[tuple[int, tuple[PaymentRow, ...]]] = []
    size = 0
    for n, members in enumerate(rail.adapter.split(rows), int(last_call) + 1):
        if group and size + len(members) > GROUP:
            yield group
            group, size = [], 0
        group.append((n, members))
        size += len(members)
    if group:
        yield group


def _store(
    ctx: Context,
    rail: CalledRail,
    batch_id: int,
    path: Path,
    group: Sequence[tuple[int, tuple[PaymentRow, ...]]],
) -> list[_Stored]:
    """Write the bytes of a group's calls and commit them; nothing has left yet."""
    header = orders.read_header(path)
    at = ctx.clock.now()
    made = []
    for n, rows in group:
        request_id = rail.adapter.request_id(header, rows, n)
        call = rail.adapter.make(header, rows, request_id, at, rail.secrets)
        made.append((n, rows[0].n, rows[-1].n, call))
    return _keep(ctx, batch_id, made)


def _keep(ctx: Context, batch_id: int, made: Sequence[tuple[int, int, int, Call]]) -> list[_Stored]:
    at = stamp(ctx.clock)
    with ctx.cell.begin() as conn:
        first = ids.block(conn, "rail_call", len(made))
        bulk_insert(
            conn,
            "rail_call",
            ("id", "batch_id", "n", "step", "request_id", "first_n", "last_n", "state",
             "reference", "wire_enc", "made_at", "asked_at", "asks"),
            [
                (first + k, batch_id, n, call.step, call.request_id, lo, hi, "made", "",
                 ctx.keys.encrypt("rail_call.wire", first + k, _wire_text(call)), at, "", 0)
                for k, (n, lo, hi, call) in enumerate(made)
            ],
        )  # fmt: skip
    return [_Stored(first + k, call, made_at=at) for k, (_, _, _, call) in enumerate(made)]


def _wire_text(call: Call) -> str:
    """Return a call's exact bytes as text, for keeping."""
    return json.dumps(
        [call.method, call.path, call.headers, base64.b64encode(call.body).decode(), call.members],
        separators=(",", ":"),
    )


def _read_call(ctx: Context, row: Row[Any]) -> Call:
    method, path, headers, body, members = json.loads(
        ctx.keys.decrypt("rail_call.wire", row.id, bytes(row.wire_enc))
    )
    return Call(
        row.request_id, row.step, method, path, tuple((k, v) for k, v in headers),
        base64.b64decode(body), tuple(members),
    )  # fmt: skip


def _go(
    ctx: Context, rail: CalledRail, batch: Row[Any], stored: Sequence[_Stored], wire: Wire
) -> str:
    """Send stored calls, take their answers, mark them; steps that follow are stored and sent too.

    Returns why no further call may leave ('' where it may).
    """
    todo = list(stored)
    while todo:
        turn = _Round()
        for one, outcome in zip(todo, wire.send_all([one.call for one in todo]), strict=True):
            _judge(ctx, rail, one, outcome, turn)
        _read_on(ctx, rail, todo, wire, turn)
        if turn.exchanges and not _taken(ctx, rail, batch, turn):
            _ask_again(todo)
        _mark_each(ctx, todo)
        if turn.stop:
            return turn.stop
        todo = _follow(ctx, batch.id, todo)
    return ""


def _taken(ctx: Context, rail: CalledRail, batch: Row[Any], turn: _Round) -> bool:
    """Take the answers of a round; return whether they stand in the books."""
    return take(ctx, rail, batch.message_id, turn.exchanges).state in ("applied", "repeated")


def _ask_again(calls: Iterable[_Stored]) -> None:
    """Leave open what was answered but not booked: the answer is kept, the payment is not done."""
    for one in calls:
        if one.state == "done":
            one.state = "asking"


def _judge(
    ctx: Context, rail: CalledRail, one: _Stored, outcome: Outcome, turn: _Round
) -> Reading | None:
    """Note what came of one call: its state, its reference, the step that follows."""
    if isinstance(outcome, NotSent):
        one.state = "unsent"
        return None
    if isinstance(outcome, Unknown):
        one.state = "asking"
        return None
    turn.exchanges.append((one.call, outcome))
    reading = rail.adapter.read(one.call, outcome, rail.secrets)
    one.reference = reading.reference or one.reference
    one.state = _state(reading, len(one.call.members))
    turn.stop = turn.stop or reading.stop
    if reading.approve or not reading.ask:
        # A rail that waits for its next step (approve) never has an outcome to ask about before it.
        one.follow = rail.adapter.next(one.call, reading, ctx.clock.now(), rail.secrets)
    return reading


def _read_on(
    ctx: Context, rail: CalledRail, calls: Sequence[_Stored], wire: Wire, turn: _Round
) -> None:
    """Ask what a rail must be asked before its next step (MoMo: the pages of a batch).

    A question moves nothing, so it is not stored; what remains in `follow` is stored and sent. A
    question without an answer leaves the call to be inquired about.
    """
    for _ in range(FOLLOWS):
        todo = [(one, one.follow) for one in calls if one.follow and one.follow.step == "inquiry"]
        if not todo:
            return
        outcomes = wire.send_all([call for _, call in todo])
        for (one, call), outcome in zip(todo, outcomes, strict=True):
            one.follow = None
            if isinstance(outcome, NotSent | Unknown):
                continue
            turn.exchanges.append((call, outcome))
            reading = rail.adapter.read(call, outcome, rail.secrets)
            turn.stop = turn.stop or reading.stop
            one.follow = rail.adapter.next(call, reading, ctx.clock.now(), rail.secrets)
    for one in calls:
        if one.follow and one.follow.step == "inquiry":
            one.follow = None  # pages without end: no step follows what was not read whole


def _state(reading: Reading, members: int) -> str:
    final = {item.end_to_end_id for item in reading.items if item.fate in _FINAL}
    return "done" if len(final) >= members and not reading.ask else "asking"


def _follow(ctx: Context, batch_id: int, todo: Sequence[_Stored]) -> list[_Stored]:
    """Store the steps that follow (approve a created batch) before they leave.

    The step before is `followed` from then on: only the later one is asked about or sent again.
    """
    with ctx.cell.read() as conn:
        made = []
        for one in todo:
            if one.follow is None:
                continue
            n, lo, hi = conn.execute(
                text("SELECT n, first_n, last_n FROM rail_call WHERE id = :i"), {"i": one.id}
            ).one()
            made.append((n, lo, hi, one.follow, one.reference))
    kept = _keep(ctx, batch_id, [m[:4] for m in made])
    for one, m in zip(kept, made, strict=True):
        one.reference = m[4]
    _mark(ctx, [one for one in todo if one.follow is not None], "followed")
    return kept


# --- asking --------------------------------------------------------------------------------------


def ask_batch(ctx: Context, rail: CalledRail, batch: Row[Any], wire: Wire) -> tuple[int, str]:
    """Inquire about every call of a batch that is due.

    Returns how many were asked, and why nothing may leave for this batch until a person has looked
    ('' where nothing says so). Questions go on after a stop: they move nothing.
    """
    now = ctx.clock.now()
    stop = ""
    due = [one for one in _open_calls(ctx, batch.id, ("made", "asking")) if _due(rail, one, now)]
    for chunk in _chunks(_within_inquiry(ctx, rail, due), ASKED_AT_ONCE):
        stop = _inquire(ctx, rail, batch, chunk, wire) or stop
    again, found = _look_again(ctx, rail, batch, wire)
    stop = stop or found
    return len(due) + again, "" if stop in PASSES else stop


def _look_again(ctx: Context, rail: CalledRail, batch: Row[Any], wire: Wire) -> tuple[int, str]:
    """Ask once more about finished calls when the days of ordinary returns are over.

    A rail may take a payment back without calling us; after this look the call is `closed`.
    """
    days = rail.profile.return_window_days
    stop = ""
    old = [one for one in _open_calls(ctx, batch.id, ("done",)) if not _young(ctx, one, days)]
    for chunk in _chunks(_within_inquiry(ctx, rail, old, "closed"), ASKED_AT_ONCE):
        stop = _inquire(ctx, rail, batch, chunk, wire, then="closed") or stop
    return len(old), stop


def _due(rail: CalledRail, one: _Stored, now: datetime) -> bool:
    """Whether the wait before the (next) inquiry is over; it doubles with each, up to a day."""
    since = datetime.fromisoformat(one.asked_at or one.made_at)
    terms = rail.profile
    if not one.asks:
        return now - since >= timedelta(seconds=terms.ask_after_seconds)
    wait = min(terms.ask_every_seconds * 2 ** (one.asks - 1), 86_400)
    return now - since >= timedelta(seconds=wait)


def _inquire(
    ctx: Context,
    rail: CalledRail,
    batch: Row[Any],
    calls: Sequence[_Stored],
    wire: Wire,
    then: str = "",
) -> str:
    """Ask the rail about calls, take what it says, mark them; return why nothing may leave.

    Sends no payment but the step that a rail waits for, and not even that after a stop. `then` is
    the state of a call that was answered with outcomes for all its payments.
    """
    at = ctx.clock.now()
    asked = {
        one.id: rail.adapter.inquiry(
            one.call.request_id, one.call.members, at, rail.secrets, one.reference, one.asks + 1
        )
        for one in calls
    }
    said: dict[int, list[Reading]] = {one.id: [] for one in calls}
    turn = _Round()
    todo = [(one, asked[one.id]) for one in calls]
    for _ in range(FOLLOWS):
        following = []
        outcomes = wire.send_all([call for _, call in todo])
        for (one, call), outcome in zip(todo, outcomes, strict=True):
            if isinstance(outcome, NotSent | Unknown):
                continue
            turn.exchanges.append((call, outcome))
            reading = rail.adapter.read(call, outcome, rail.secrets)
            said[one.id].append(reading)
            turn.stop = turn.stop or reading.stop
            one.reference = reading.reference or one.reference
            more = rail.adapter.next(call, reading, at, rail.secrets)
            if more is not None and more.step == "inquiry":
                following.append((one, more))
            elif more is not None:
                one.follow = more
        if not following:
            break
        todo = following
    booked = not turn.exchanges or _taken(ctx, rail, batch, turn)
    for one in calls:
        found = _after_inquiry(one, said[one.id])
        if found == "done" and not booked:
            found = "asking"
        if not then:
            one.state = found
        elif found == "done":
            one.state = then
        one.asks += 1
    _mark_each(ctx, calls, asked_at=stamp(ctx.clock))
    if turn.stop:
        return turn.stop
    follow = _follow(ctx, batch.id, calls)
    return _go(ctx, rail, batch, follow, wire) if follow else ""


def _after_inquiry(one: _Stored, readings: Sequence[Reading]) -> str:
    """Return the state of a call after an inquiry: absent only where the rail says so for all."""
    items = [item for reading in readings for item in reading.items]
    final = {item.end_to_end_id for item in items if item.fate in _FINAL}
    absent = {item.end_to_end_id for item in items if item.fate == "absent"}
    if len(final) >= len(one.call.members):
        return "done"
    if absent and absent >= set(one.call.members):
        return "unsent"
    return "asking"


def stop_overdue(ctx: Context, rail: CalledRail, batch_id: int) -> int:
    """Stop calls that the rail cannot be asked about any more; return how many."""
    late = [
        one
        for one in _open_calls(ctx, batch_id, ("made", "asking", "unsent"))
        if not _young(ctx, one, rail.profile.inquiry_window_days)
    ]
    _mark(ctx, late, "stopped")
    return len(late)


# --- small parts ---------------------------------------------------------------------------------


def _young(ctx: Context, one: _Stored, days: int) -> bool:
    return ctx.clock.now() - datetime.fromisoformat(one.made_at) < timedelta(days=days)


def _within_window(ctx: Context, rail: CalledRail, calls: Sequence[_Stored]) -> list[_Stored]:
    """Return the calls whose id the rail still knows; the others are stopped."""
    days = rail.profile.id_window_days
    _mark(ctx, [one for one in calls if not _young(ctx, one, days)], "stopped")
    return [one for one in calls if _young(ctx, one, days)]


def _within_inquiry(
    ctx: Context, rail: CalledRail, calls: Sequence[_Stored], late: str = "stopped"
) -> list[_Stored]:
    days = rail.profile.inquiry_window_days
    _mark(ctx, [one for one in calls if not _young(ctx, one, days)], late)
    return [one for one in calls if _young(ctx, one, days)]


def _open_calls(ctx: Context, batch_id: int, states: tuple[str, ...]) -> list[_Stored]:
    """Return a batch's calls in these states; of a call with two steps only the later counts."""
    names = ", ".join(f"'{s}'" for s in states)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT c.* FROM rail_call c WHERE c.batch_id = :b "
                f"AND c.state IN ({names}) AND NOT EXISTS (SELECT 1 FROM rail_call a "
                "WHERE a.batch_id = c.batch_id AND a.n = c.n AND a.id > c.id) ORDER BY c.id"
            ),
            {"b": batch_id},
        ).all()
    return [
        _Stored(
            row.id,
            _read_call(ctx, row),
            row.reference,
            row.asks,
            row.made_at,
            row.asked_at,
            row.state,
        )
        for row in rows
    ]


def _mark(ctx: Context, calls: Iterable[_Stored], state: str) -> None:
    todo = list(calls)
    for one in todo:
        one.state = state
    _mark_each(ctx, todo)


def _mark_each(ctx: Context, calls: Sequence[_Stored], asked_at: str | None = None) -> None:
    if not calls:
        return
    with ctx.cell.begin() as conn:
        _update(conn, calls, asked_at)


def _update(conn: Connection, calls: Sequence[_Stored], asked_at: str | None) -> None:
    conn.execute(
        text(
            "UPDATE rail_call SET state = :s, reference = :r, asks = :k, "
            "asked_at = coalesce(:t, asked_at) WHERE id = :i"
        ),
        [
            {"s": one.state, "r": one.reference, "k": one.asks, "t": asked_at, "i": one.id}
            for one in calls
        ],
    )


def _chunks(calls: Sequence[_Stored], size: int) -> Iterator[list[_Stored]]:
    todo = iter(calls)
    while chunk := list(islice(todo, size)):
        yield chunk


def _count(ctx: Context, batch_id: int, done: Progress) -> Progress:
    with ctx.cell.read() as conn:
        counts = {
            str(state): int(n)
            for state, n in conn.execute(
                text("SELECT state, count(*) FROM rail_call WHERE batch_id = :b GROUP BY state"),
                {"b": batch_id},
            )
        }
    done.made = sum(counts.values())
    done.open = counts.get("made", 0) + counts.get("asking", 0)
    done.unsent = counts.get("unsent", 0)
    return done
