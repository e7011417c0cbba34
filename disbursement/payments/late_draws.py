"""Money that came before our own paper: a draw booked after the statement that shows it.

The statement is taken when it comes (coins.md 7); the treasury's money then waits in suspense.
When the draw is booked, the two are matched here: suspense / advance, evidence the statement.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from disbursement.payments import effects
from disbursement.payments.effects import Scope
from disbursement.payments.statements import (
    FUNDING_IN,
    FUNDING_OUT,
    names_voucher,
    record_funding,
)
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from ledger import chart, posting
from ledger.posting import Item, LineRow
from ledger.sql import text

_WAITING = """
SELECT k.id, k.payer_id, y.code AS payer, v.id AS provider_id, v.code AS provider,
  k.answer_id, k.n, e.side, e.amount_vnd, e.text, a.sha256
FROM break_item k JOIN bank_entry e ON e.answer_id = k.answer_id AND e.n = k.n
JOIN answer a ON a.id = k.answer_id JOIN payer y ON y.id = k.payer_id
JOIN provider v ON v.id = a.provider_id
WHERE k.state = 'open' AND k.kind IN ('no_id', 'unknown_id') ORDER BY k.id
"""
_VOUCHERS = """
SELECT 'draw' AS kind, x.id, w.voucher, x.amount_vnd, w.payer_id, x.provider_id
FROM draw_part x JOIN draw w ON w.id = x.draw_id
WHERE x.amount_vnd > 0 AND NOT EXISTS (SELECT 1 FROM funding_entry f WHERE f.kind = 'draw'
  AND f.ref_id = x.id)
UNION ALL
SELECT 'sendback', x.id, x.voucher, x.sent_back_vnd, r.payer_id, x.provider_id
FROM provider_report x
JOIN run r ON r.id = x.run_id WHERE x.sent_back_vnd > 0 AND NOT EXISTS (SELECT 1
  FROM funding_entry f WHERE f.kind = 'sendback' AND f.ref_id = x.id)
UNION ALL
SELECT 'cash', x.id, x.voucher, x.paid_cash_vnd, r.payer_id, x.provider_id
FROM provider_report x
JOIN run r ON r.id = x.run_id WHERE x.paid_cash_vnd > 0 AND NOT EXISTS (SELECT 1
  FROM funding_entry f WHERE f.kind = 'cash' AND f.ref_id = x.id)
UNION ALL
SELECT 'move_in', x.id, x.voucher, x.amount_vnd, x.payer_id, x.to_provider_id
FROM advance_move x WHERE x.state = 'posted' AND NOT EXISTS (SELECT 1
  FROM funding_entry f WHERE f.kind = 'move_in' AND f.ref_id = x.id)
UNION ALL
SELECT 'move_out', x.id, x.voucher, x.amount_vnd, x.payer_id, x.from_provider_id
FROM advance_move x WHERE x.state = 'posted' AND NOT EXISTS (SELECT 1
  FROM funding_entry f WHERE f.kind = 'move_out' AND f.ref_id = x.id)
"""


def match_late_draws(ctx: Context) -> int:
    """Match money in suspense with draws and reports booked since; return how many."""
    with ctx.cell.begin() as conn:
        waiting = conn.execute(text(_WAITING)).all()
        vouchers = list(conn.execute(text(_VOUCHERS)).all()) if waiting else []
        done = 0
        for entry in waiting:
            kinds = FUNDING_IN if entry.side == "CRDT" else FUNDING_OUT
            found = next(
                (
                    v
                    for v in vouchers
                    if v.kind in kinds
                    and (v.payer_id, v.provider_id) == (entry.payer_id, entry.provider_id)
                    and v.amount_vnd == entry.amount_vnd
                    and names_voucher(entry.text, v.voucher)
                ),
                None,
            )
            if found is None:
                continue
            vouchers.remove(found)
            record_funding(conn, found.kind, found.id, entry.answer_id, entry.n)
            _clear(conn, ctx, entry, found.kind)
            done += 1
    return done


def _clear(conn: Connection, ctx: Context, row: Row[Any], kind: str) -> None:
    day = today(ctx.clock)
    scope = Scope(
        row.payer_id, row.payer, row.provider, row.answer_id, bytes(row.sha256),
        effects.open_month(conn, row.payer_id, day), day, f"late:{row.id}",
    )  # fmt: skip
    codes = (chart.suspense(scope.payer), chart.advance(scope.payer, scope.provider))
    account = chart.account_ids(conn, codes)
    pair = (account[codes[0]], account[codes[1]])
    debit, credit = pair if kind in FUNDING_IN else pair[::-1]
    line: LineRow = (
        scope.month, debit, credit, None, None, None, None, None, None, None,
        int(row.amount_vnd),
    )  # fmt: skip
    posting.post_many(conn, [Item(effects.header(conn, ctx, scope, "answer", scope.key), [line])])
    conn.execute(
        text(
            "UPDATE break_item SET state = 'resolved', resolution = :w, resolved_by = 'reconcile', "
            "resolved_at = :t WHERE id = :k"
        ),
        {"w": kind, "t": stamp(ctx.clock), "k": row.id},
    )
