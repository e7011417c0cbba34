"""Tables of the platform: row-id blocks, settings, idempotency, throttles, ticks."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, raw, whole, words
from disbursement.platform.database import cell_metadata, shared_metadata

for _metadata in (cell_metadata, shared_metadata):
    Table("id_block", _metadata, words("name", pk=True), big("next"))
id_block = cell_metadata.tables["id_block"]

setting = Table(
    "setting",
    cell_metadata,
    words("name", pk=True),
    words("payer", pk=True),  # '' = the whole cell
    words("value"),
    words("document"),
    words("set_by"),
    words("set_at"),
)

idempotency = Table(
    "idempotency",
    cell_metadata,
    words("key", pk=True),
    words("actor", pk=True),
    raw("request_digest"),
    whole("status"),
    words("body"),
    words("created_at"),
)

throttle = Table(
    "throttle",
    cell_metadata,
    raw("bucket"),
    words("slot"),  # ten minutes (status/throttle.py), named by their start
    whole("tries"),
    PrimaryKeyConstraint("bucket", "slot"),
)

tick = Table(
    "tick",
    cell_metadata,
    words("name", pk=True),
    words("slot", pk=True),
    words("claimed_by"),
    words("claimed_at"),
)

audit_event = Table(
    "audit_event",
    cell_metadata,
    big("id", pk=True),
    words("at"),
    words("actor"),
    words("action"),
    words("subject"),
    words("detail"),
)
