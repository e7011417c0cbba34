"""Payments and their coins, the news about each attempt, the coins that lie free."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, key, small, whole, words
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
