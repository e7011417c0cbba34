"""Payments and their coins, the news about each attempt, the coins that lie free."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, key, raw, small, whole, words
from disbursement.platform.database import cell_metadata

payment = Table(
    "payment",
    cell_metadata,
    key(),
    big("list_id"),
    big("run_id"),
    big("payer_id"),
    big("person_id"),
    big("destination_id"),
    words("rail"),  # bank | wallet | mobile_money | cash
    big("amount_vnd"),
    whole("coins"),
    words("hold_reason"),  # '' or why it is in no batch
    words("closed_as"),  # '' while its run is open; then credited, collected, carried, ended
    Index("payment_list", "list_id"),
    Index("payment_person", "person_id"),
)

payment_coin = Table(
    "payment_coin",
    cell_metadata,
    big("payment_id"),
    big("sub_id"),
    whole("cover"),
    small("item"),
    small("move"),  # the coin's last move when the payment was made
    big("amount_vnd"),
    PrimaryKeyConstraint("payment_id", "sub_id", "cover", "item"),
)

attempt_news = Table(
    "attempt_news",
    cell_metadata,
    big("batch_id"),
    whole("n"),
    small("seq"),
    words("state"),
    words("code_set"),
    words("code"),
    words("text"),
    big("answer_id"),
    words("day"),
    PrimaryKeyConstraint("batch_id", "n", "seq"),
    Index("attempt_news_answer", "answer_id"),
)

# State: held (asked, waits for the second person) -> queued -> sending -> sent, unknown; withdrawn.
recall = Table(
    "recall",
    cell_metadata,
    key(),  # among the numbers of batches: one outbox serves both
    big("batch_id"),
    big("payer_id"),
    big("provider_id"),
    words("message_id", unique=True),
    words("version"),  # of the camt.055
    words("file_name"),
    raw("file_sha256"),
    words("created_text"),
    words("reason"),
    words("document"),
    whole("payments"),
    big("total_vnd"),
    words("state"),
    words("made_by"),
    big("made_person"),
    words("made_at"),
    words("signed_by", null=True),
    big("signed_person", null=True),
    words("signed_at", null=True),
    words("sent_at", null=True),
    CheckConstraint("signed_person <> made_person", name="recall_two_people"),
    Index("recall_batch", "batch_id"),
)

recall_row = Table(
    "recall_row",
    cell_metadata,
    big("recall_id"),
    whole("n"),  # of the row in the batch
    big("batch_id"),
    words("answer"),  # '' or the bank's last word: ACCR, RJCR, PDCR
    words("reason"),
    PrimaryKeyConstraint("recall_id", "n"),
    Index("recall_row_batch", "batch_id", "n"),
)

free_coin = Table(
    "free_coin",
    cell_metadata,
    big("sub_id"),
    whole("cover"),
    small("item"),
    small("move"),
    big("payer_id"),
    words("programme"),
    big("amount_vnd"),
    words("reason"),  # hold reason, or rejected | returned | uncollected | carried
    whole("since_month"),
    PrimaryKeyConstraint("sub_id", "cover", "item"),
    Index("free_coin_payer", "payer_id"),
)
