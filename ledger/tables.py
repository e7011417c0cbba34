"""The ledger's tables as SQLAlchemy Core objects, for reading. The DDL is `ledger.ddl`'s.

Their metadata is separate on purpose: nothing may create or drop these tables but the migrations.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

__all__ = [
    "account",
    "account_closed",
    "chain_head",
    "chunk",
    "draft_line",
    "journal",
    "line",
    "metadata",
    "payer_policy",
    "period_move",
    "seal",
    "signature",
    "signer",
    "statement",
    "sub",
]

metadata = MetaData()

_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "big": BigInteger, "int": Integer, "text": Text, "bytes": LargeBinary,
}  # fmt: skip


def _table(name: str, key: str, **columns: str) -> Table:
    keys = key.split()
    return Table(
        name,
        metadata,
        *(
            Column(column, _TYPES[kind.rstrip("?")], nullable=kind.endswith("?"),
                   primary_key=column in keys, autoincrement=False)
            for column, kind in columns.items()
        ),
    )  # fmt: skip


account = _table(
    "account", "id", id="int", book="int", code="text", kind="text", payer_id="big",
    budget_year="int?", dr_limited="int", cr_limited="int", debit="big", credit="big",
    journal_id="big",
)  # fmt: skip
account_closed = _table("account_closed", "account_id", account_id="int", journal_id="big")
sub = _table(
    "sub", "id", id="big", unit_kind="text", unit_id="big", unit_key="bytes", owed_group="text",
    source="text", journal_id="big",
)  # fmt: skip
signer = _table(
    "signer", "user_id valid_from", user_id="big", person_id="big", public_key="bytes",
    valid_from="text", journal_id="big",
)  # fmt: skip
payer_policy = _table(
    "payer_policy", "payer_id journal_id", payer_id="big", checker_may_second="int",
    journal_id="big",
)  # fmt: skip
period_move = _table(
    "period_move", "book payer_id month n", book="int", payer_id="big", month="int", n="int",
    state="text", journal_id="big",
)  # fmt: skip
journal = _table(
    "journal", "id", id="big", book="int", payer_id="big", kind="text", idem_key="text",
    month="int", cover_from="int?", cover_to="int?", effective_date="text", recorded_at="text",
    reverses_id="big?", evidence="bytes?", statement_digest="bytes?", line_count="big",
    total="big", definitions="big",
)  # fmt: skip
_LINE = {
    "journal_id": "big", "line_no": "int", "cover": "int", "debit_account": "int",
    "credit_account": "int", "sub_id": "big?", "item": "int?", "move": "int?", "carrier": "big?",
    "of_n": "int?", "rev": "int?", "due_after": "big?", "amount": "big",
}  # fmt: skip
line = _table("line", "journal_id line_no cover", **_LINE)
draft_line = _table("draft_line", "journal_id line_no", **_LINE)
seal = _table(
    "seal", "journal_id", journal_id="big", seq="big", prev_hash="bytes", root="bytes",
    hash="bytes",
)  # fmt: skip
chunk = _table("chunk", "journal_id part n", journal_id="big", part="text", n="int", digest="bytes")
statement = _table(
    "statement", "journal_id", journal_id="big", purpose="text", body="text", digest="bytes"
)
signature = _table(
    "signature", "journal_id role", journal_id="big", role="text", seat="int", person_id="big",
    user_id="big", statement_digest="bytes", sig="bytes", signed_at="text",
)  # fmt: skip
chain_head = _table("chain_head", "one", one="int", seq="big", hash="bytes")
