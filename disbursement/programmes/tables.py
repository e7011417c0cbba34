"""Rate versions: what was proposed, by whom it was approved, what was decided on open points.

All of it only grows: an approval, a decision, a set that a list was computed with are never edited.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, key, raw, small, whole, words
from disbursement.platform.database import cell_metadata

rate_version = Table(
    "rate_version",
    cell_metadata,
    key(),  # the number people use: 1, 2, 3
    words("note"),
    small("whole"),  # 1: the files are whole tables, else rows laid over the tables in force
    words("base_sha256"),  # the tables it was compared with when it was proposed
    words("proposed_by"),
    big("proposed_person"),
    words("proposed_at"),
)

rate_file = Table(
    "rate_file",
    cell_metadata,
    big("version_id"),
    words("table_name"),
    words("file_name"),
    raw("sha256"),
    raw("content"),
    PrimaryKeyConstraint("version_id", "table_name"),
)

rate_approval = Table(
    "rate_approval",
    cell_metadata,
    big("version_id", pk=True),
    words("usable_from"),  # the first day on which a list may be computed with it
    big("proposed_person"),
    words("approved_by"),
    big("approved_person"),
    words("approved_at"),
    whole("lowered_people"),  # people whose paid months fall, and by how much
    big("lowered_vnd"),
    small("lowering_seen"),  # 1: the approver looked a second time
    CheckConstraint("approved_person <> proposed_person", name="rate_approval_two_people"),
)

rate_decision = Table(
    "rate_decision",
    cell_metadata,
    key(),
    words("point"),
    words("payer"),  # '' = the whole cell
    words("value"),
    words("document"),
    words("rows"),  # JSON: for rows that a document confirms, {table: {row: digest of its cells}}
    words("decided_by"),
    big("decided_person"),
    words("decided_at"),
)

rate_set = Table(
    "rate_set",
    cell_metadata,
    words("sha256", pk=True),  # pay_list.rates_sha256
    words("parts"),  # JSON: tables that shipped, versions and decisions laid over them, in order
    raw("content"),  # zlib of JSON {table: text}: what a list was computed with, for ever
    words("made_at"),
)
