"""Cash: rosters of a commune, hand-overs, returned copies."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from disbursement.platform.columns import big, key, raw, whole, words
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

# Money of failed payments on its way from one provider of a payer to the one that pays cash.
# States: proposed -> posted, or withdrawn.
advance_move = Table(
    "advance_move",
    cell_metadata,
    key(),
    big("payer_id"),
    whole("month"),
    big("from_provider_id"),
    big("to_provider_id"),
    words("voucher"),
    words("moved_on"),
    whole("payments"),
    big("amount_vnd"),
    big("journal_id"),
    words("state"),
    words("made_by"),
    words("made_at"),
    words("posted_at", null=True),
    CheckConstraint("from_provider_id <> to_provider_id", name="advance_move_two_providers"),
    CheckConstraint("amount_vnd > 0", name="advance_move_amount"),
    Index(
        "advance_move_voucher",
        "payer_id",
        "voucher",
        unique=True,
        sqlite_where=text("state <> 'withdrawn'"),
        postgresql_where=text("state <> 'withdrawn'"),
    ),
)

# Which payments' money a move takes along: each at most once.
advance_move_payment = Table(
    "advance_move_payment",
    cell_metadata,
    big("payment_id", pk=True),
    big("move_id"),
    Index("advance_move_payment_move", "move_id"),
)
