"""Durable work: the outbox, what each file is on the wire, the calls of called rails."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from disbursement.platform.columns import big, key, raw, whole, words
from disbursement.platform.database import cell_metadata

outbox = Table(
    "outbox",
    cell_metadata,
    big("batch_id", pk=True),  # a batch, or a request to ask payments of one back (`recall`)
    words("file_name"),
    words("not_before"),
    words("state"),  # waiting | claimed | done | stopped
    words("why"),
    words("claimed_by"),
    words("claimed_at"),
    whole("tries"),
)

wire_file = Table(
    "wire_file",
    cell_metadata,
    big("batch_id", pk=True),
    words("name", unique=True),  # as it is called at the far side
    raw("sha256"),  # of the wrapped bytes; every attempt sends exactly these
    big("bytes"),
    words("made_at"),
    words("asked_at", null=True),  # when the deciding request was about to leave
)

# State of a call: made (bytes stored; it may have left) -> asking (the rail holds it, or we do not
# know: it is inquired), unsent (certainly never left, or the rail never had it: the same bytes may
# go), done (every payment of it has an outcome) -> closed (asked once more after the days of
# ordinary returns), stopped (past the rail's windows: only a person); followed: a later step of the
# same call stands for it.
rail_call = Table(
    "rail_call",
    cell_metadata,
    key(),
    big("batch_id"),
    whole("n"),  # number of the call in the batch, from 1
    words("step"),  # pay | approve: the first call, and the one that makes it pay
    words("request_id"),
    whole("first_n"),  # payments of the batch that it carries
    whole("last_n"),
    words("state"),
    words("reference"),  # the rail's own name of the request
    raw("wire_enc"),  # method, path, headers, body exactly as they leave
    words("made_at"),
    words("asked_at"),  # '' or when it was last inquired
    whole("asks"),
    UniqueConstraint("batch_id", "n", "step"),
    Index("rail_call_request", "request_id"),
    Index("rail_call_state", "state", "batch_id"),
)

# What a provider's letter says of calls past the rail's windows: proposed -> posted, or withdrawn.
call_settlement = Table(
    "call_settlement",
    cell_metadata,
    key(),
    big("batch_id"),
    big("payer_id"),
    words("outcome"),  # paid | not_paid
    whole("payments"),
    big("amount_vnd"),
    words("letter"),  # its number
    words("letter_on"),
    raw("letter_sha256"),
    words("says"),
    big("journal_id"),
    words("state"),
    words("made_by"),
    words("made_at"),
    words("posted_at", null=True),
    CheckConstraint("outcome IN ('paid', 'not_paid')", name="call_settlement_outcome"),
    CheckConstraint("amount_vnd > 0", name="call_settlement_amount"),
    Index("call_settlement_batch", "batch_id"),
)

# Payments that a letter is about: each attempt in one that is not withdrawn.
call_settlement_row = Table(
    "call_settlement_row",
    cell_metadata,
    big("batch_id"),
    whole("n"),
    big("settlement_id"),
    PrimaryKeyConstraint("batch_id", "n"),
    Index("call_settlement_row_settlement", "settlement_id"),
)
