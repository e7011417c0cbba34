"""A simulated cash desk, for the demo and the bench only: it fills in rosters by seeded shares."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, text

UNCOLLECTED_PER_MILLE = 42
"""Share of orders that nobody collects, in thousandths. Source: PKH, Indonesia, 2019 stage IV:
4.18 % not disbursed at the reconciliation date (kemensos.go.id, 4 December 2019)."""
_PROOFS = ("giấy tờ tùy thân", "giấy tờ tùy thân", "chữ ký", "mã một lần")


def simulated_result(
    conn: Connection,
    batch_ids: Sequence[int],
    day: date,
    *,
    seed: int = 1,
    uncollected_per_mille: int = UNCOLLECTED_PER_MILLE,
) -> bytes:
    """Return the result list (CSV, UTF-8) that a desk would write for these cash batches.

    The same seed and orders always give the same list; orders handed over already are left out.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("Mã lệnh", "Số tiền", "Ngày nhận", "Giấy tờ"))
    for batch_id in batch_ids:
        rows = conn.execute(
            text(
                "SELECT r.end_to_end_id, r.amount_vnd FROM batch_row r WHERE r.batch_id = :b "
                "AND NOT EXISTS (SELECT 1 FROM handover h WHERE h.batch_id = r.batch_id "
                "AND h.n = r.n) ORDER BY r.n"
            ),
            {"b": batch_id},
        )
        for order, amount in rows:
            share = _share(f"{seed}:desk:{order}")
            collected = share >= uncollected_per_mille
            writer.writerow(
                (
                    order, int(amount), f"{day:%d/%m/%Y}" if collected else "",
                    _PROOFS[share % len(_PROOFS)] if collected else "",
                )
            )  # fmt: skip
    return out.getvalue().encode()


def _share(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 1_000
