"""Cash: opening the roster of a signed cash batch.

A roster belongs to one commune and one batch; it has a place, a first and a last day, and is the
only paper on which money may be handed over (coins.md 16).
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, text

from disbursement.jobs.calendar import cash_last_day
from disbursement.platform.clock import today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError

SHORTEST = timedelta(days=5)
"""A roster opened late in the month stays open at least this long."""


def open_roster(conn: Connection, ctx: Context, batch_id: int) -> None:
    """Open the roster of a released cash batch, inside the caller's transaction.

    Raises NotNowError where the batch is not a released cash batch, or its roster is open already.
    """
    row = conn.execute(
        text(
            "SELECT b.rail, b.state, b.month, b.value_date, b.payer_id, y.code, y.name "
            "FROM batch b JOIN payer y ON y.id = b.payer_id WHERE b.id = :b"
        ),
        {"b": batch_id},
    ).one()
    known = conn.execute(text("SELECT 1 FROM roster WHERE batch_id = :b"), {"b": batch_id}).first()
    if row.rail != "cash" or row.state != "queued" or known is not None:
        raise NotNowError("roster", f"Lô {batch_id} không phải lô tiền mặt đang chờ mở danh sách.")
    first = max(today(ctx.clock), date.fromisoformat(row.value_date))
    last = max(cash_last_day(row.month), first + SHORTEST)
    conn.execute(
        text(
            "INSERT INTO roster (batch_id, payer_id, commune_code, place, first_day, last_day, "
            "copies, state) VALUES (:b, :p, :c, :w, :f, :l, 0, 'ordered')"
        ),
        {
            "b": batch_id,
            "p": row.payer_id,
            "c": row.code,
            "w": f"Trụ sở UBND {row.name}",
            "f": first.isoformat(),
            "l": last.isoformat(),
        },
    )
