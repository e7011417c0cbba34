"""Cash: rosters of a commune, hand-overs, returned copies."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, raw, whole, words
from disbursement.platform.database import cell_metadata

roster = Table(
    "roster",
    cell_metadata,
    big("batch_id", pk=True),
    big("payer_id"),
    words("commune_code"),
    words("place"),
    words("first_day"),
    words("last_day"),
    whole("copies"),
    words("state"),  # ordered | closed | void
    words("closed_at", null=True),
    words("closed_by", null=True),
    raw("closing_sha256", null=True),
    big("journal_id", null=True),
)

handover = Table(
    "handover",
    cell_metadata,
    big("batch_id"),
    whole("n"),
    words("day"),
    words("proof"),  # identity | signature | one_time_code | authorisation
    words("proof_note"),
    words("desk_user"),
    words("recorded_at"),
    raw("evidence"),
    big("journal_id"),
    PrimaryKeyConstraint("batch_id", "n"),
)
