"""Five tries an hour, per code and per source, on any hour and not only on the clock's.

A bucket is a keyed blind index of the code or of the address, so the table tells nobody who asked
about whom. Tries are counted in slots of ten minutes and summed over the last seven of them: never
more than five within sixty minutes, and free again seventy minutes after the first.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from disbursement.platform.context import Context
from ledger.sql import text

TRIES = 5
SLOT_MINUTES = 10
SLOTS = 60 // SLOT_MINUTES + 1
RETRY_SECONDS = SLOTS * SLOT_MINUTES * 60


class _TooManyError(Exception):
    """Leaves the unit of work, so that a refused try is not counted."""


def allow(ctx: Context, code: str, source: str) -> bool:
    """Count one try against the code and against the source; False where either has none left.

    A refused try counts against neither: asking on does not lengthen the wait. The count is raised
    before it is read, so guesses sent at the same instant are all counted.
    """
    now = ctx.clock.now()
    buckets = sorted(
        (
            ctx.keys.blind("status_code", code),
            ctx.keys.blind("status_source", network(source)),
        )
    )
    try:
        with ctx.cell.begin() as conn:
            _forget_old(conn, now)
            for bucket in buckets:
                _count(conn, bucket, now)
    except _TooManyError:
        return False
    return True


def network(source: str) -> str:
    """Return what counts as one source: an IPv4 address, the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _count(conn: Connection, bucket: bytes, now: datetime) -> None:
    conn.execute(
        text(
            "INSERT INTO throttle (bucket, slot, tries) VALUES (:b, :slot, 1) "
            "ON CONFLICT (bucket, slot) DO UPDATE SET tries = throttle.tries + 1"
        ),
        {"b": bucket, "slot": _slot(now)},
    )
    used = conn.execute(
        text("SELECT sum(tries) FROM throttle WHERE bucket = :b AND slot > :old"),
        {"b": bucket, "old": _slot(now - timedelta(minutes=SLOTS * SLOT_MINUTES))},
    ).scalar_one()
    if used > TRIES:
        raise _TooManyError


def _forget_old(conn: Connection, now: datetime) -> None:
    """Drop counts that no longer matter, once in a slot (the first try of the slot pays)."""
    fresh = conn.execute(
        text(
            "INSERT INTO tick (name, slot, claimed_by, claimed_at) "
            "VALUES ('throttle', :slot, '', :slot) ON CONFLICT (name, slot) DO NOTHING"
        ),
        {"slot": _slot(now)},
    ).rowcount
    if fresh:
        old = {"old": _slot(now - timedelta(minutes=SLOTS * SLOT_MINUTES))}
        conn.execute(text("DELETE FROM throttle WHERE slot <= :old"), old)
        conn.execute(text("DELETE FROM tick WHERE name = 'throttle' AND slot <= :old"), old)


def _slot(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H}:{now.minute // SLOT_MINUTES * SLOT_MINUTES:02d}"
