"""Whose key signs what, told to the ledger: the mapping user -> person -> key joins the chain.

`shared` can be changed by whoever runs the installation; the ledger's `signer` rows cannot, without
being found (coins.md 9). A signature counts only under a key that the cell's own book holds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from disbursement.platform import files
from disbursement.platform.clock import ICT, month_of, stamp, today
from disbursement.platform.context import Context
from ledger import chart, definitions, posting
from ledger.posting import Header
from ledger.sql import text

NO_KEY = b""
"""What the ledger records for a user who signs no longer."""


@dataclass(frozen=True)
class _Told:
    """What the ledger holds, or should hold, about a user."""

    person_id: int
    public_key: bytes


def register_signers(ctx: Context, conn: Connection | None = None) -> int:
    """Record every new, stopped or changed signing key in the cell's ledger; return how many.

    One journal of kind `definition`, its evidence the canonical list that was recorded; nothing is
    posted where the ledger knows all of it. Keys of demo users are recorded in a demo only. `conn`
    is the cell's unit of work where one is open. Raises LedgerError.
    """
    if conn is not None:
        return _register(ctx, conn)
    with ctx.cell.begin() as own:
        return _register(ctx, own)


def _register(ctx: Context, conn: Connection) -> int:
    wanted, entered = _wanted(ctx, conn)
    known = _known(conn)
    at = stamp(ctx.clock)
    rows = [
        definitions.Signer(
            user_id,
            now.person_id,
            now.public_key,
            at if user_id in known else _day_of(entered[user_id]),
        )
        for user_id, now in sorted(wanted.items())
        if known.get(user_id, _Told(now.person_id, NO_KEY)) != now
    ]
    if not rows:
        return 0
    evidence = json.dumps(
        [[r.user_id, r.person_id, r.public_key.hex(), r.valid_from] for r in rows]
    ).encode()
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", evidence)
    day = today(ctx.clock)
    header = Header(
        id=posting.allot(conn),
        book=chart.FINANCIAL,
        payer_id=None,
        kind="definition",
        idem_key=f"signers:{hashlib.sha256(evidence).hexdigest()[:32]}",
        month=month_of(day),
        effective_date=day,
        recorded_at=at,
        evidence=digest,
    )
    definitions.define_signers(conn, header, rows)
    return len(rows)


def _wanted(ctx: Context, conn: Connection) -> tuple[dict[int, _Told], dict[int, str]]:
    """Return what the ledger should hold, and when each user was entered."""
    found = conn.execute(
        text("SELECT id, person_id, public_key, active, demo, created_at FROM app_user ORDER BY id")
    )
    wanted, entered = {}, {}
    for row in found:
        usable = row.active and (not row.demo or ctx.settings.env == "demo")
        wanted[row.id] = _Told(row.person_id, bytes(row.public_key) if usable else NO_KEY)
        entered[row.id] = row.created_at
    return wanted, entered


def _known(conn: Connection) -> dict[int, _Told]:
    """Return the newest row the ledger holds of each user."""
    rows = conn.execute(
        text(
            "SELECT s.user_id, s.person_id, s.public_key FROM signer s "
            "JOIN journal j ON j.id = s.journal_id JOIN seal e ON e.journal_id = j.id "
            "ORDER BY e.seq, s.valid_from"
        )
    )
    return {r.user_id: _Told(r.person_id, bytes(r.public_key)) for r in rows}


def _day_of(instant: str) -> str:
    """Return the start of the day (Asia/Ho_Chi_Minh) of an instant, both as UTC text.

    A first key counts from the morning of the day it was entered: the machines of one office need
    not agree to the second.
    """
    local = datetime.fromisoformat(instant).astimezone(ICT)
    return stamp(_At(local.replace(hour=0, minute=0, second=0, microsecond=0)))


@dataclass(frozen=True)
class _At:
    """A clock that stands, so that one place writes instants."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant
