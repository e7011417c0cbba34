"""Stored answers, statements, entries and breaks. The composition root adds them to a cell."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_Big = BigInteger().with_variant(Integer, "sqlite")


def _big(name: str, *, null: bool = False, pk: bool = False) -> Column[int]:
    return Column(name, _Big, nullable=null and not pk, primary_key=pk, autoincrement=False)


def _words(name: str, *, null: bool = False, pk: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null and not pk, primary_key=pk)


answer = Table(
    "answer",
    metadata,
    _big("id", pk=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    _words("kind"),  # pain.002 | camt.053 | cash_result | handover | roster_closed | evidence
    _words("file_name"),
    _big("size"),
    _words("received_at"),
    _big("payer_id", null=True),
    _big("provider_id", null=True),
    _words("message_id"),
    _words("state"),  # stored | applied | refused | quarantined | repeated
    _words("why"),
    Column("warning", Text, nullable=False, server_default=""),  # read all the same, but …
)

statement = Table(
    "bank_statement",
    metadata,
    _big("id", pk=True),
    _big("answer_id"),
    _big("contract_id"),
    _words("statement_id"),
    _big("sequence"),  # our own count per contract; the bank's number may start anew each year
    _big("bank_sequence", null=True),
    _big("opening_vnd"),
    _big("closing_vnd"),
    _words("first_day"),
    _words("last_day"),
    UniqueConstraint("contract_id", "statement_id"),
    UniqueConstraint("contract_id", "sequence"),
)

entry = Table(
    "bank_entry",
    metadata,
    _big("answer_id", pk=True),
    _big("n", pk=True),
    _words("side"),
    _big("amount_vnd"),
    _words("day"),
    _words("end_to_end_id"),
    _words("bank_reference"),
    _words("code"),
    _words("text"),
    _big("batch_id", null=True),
    _big("row_n", null=True),
    _words("verdict"),
)

funding = Table(
    "funding_entry",
    metadata,
    _words("kind", pk=True),  # draw | sendback
    _big("ref_id", pk=True),  # the draw, or the provider's report
    _big("answer_id"),
    _big("n"),
)

difference = Table(
    "break_item",
    metadata,
    _big("id", pk=True),
    _words("kind"),
    _big("payer_id", null=True),
    _big("answer_id"),
    _big("n"),
    _big("amount_vnd"),
    _words("what"),
    _words("opened_at"),
    _words("owner"),
    _words("state"),  # open | resolved
    _words("resolution", null=True),
    _words("resolved_by", null=True),
    _words("second_by", null=True),
    _words("resolved_at", null=True),
    Index("break_item_open", "state"),
    UniqueConstraint("answer_id", "n", "kind"),
)
