"""Durable work: the outbox of files to send."""

from __future__ import annotations

from sqlalchemy import Table

from disbursement.platform.columns import big, whole, words
from disbursement.platform.database import cell_metadata

outbox = Table(
    "outbox",
    cell_metadata,
    big("batch_id", pk=True),
    words("file_name"),
    words("not_before"),
    words("state"),  # waiting | claimed | done | stopped
    words("why"),
    words("claimed_by"),
    words("claimed_at"),
    whole("tries"),
)
