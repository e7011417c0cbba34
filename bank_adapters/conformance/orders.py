"""Orders to try a rail with; every name and number is invented."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from typing import Any

from bank_adapters.contract import BatchHeader, PaymentRow

DAY = date(2026, 11, 5)


def row(n: int = 1, **changes: Any) -> PaymentRow:
    """Return the n-th order of 810,000 đồng to a bank account, with some fields changed."""
    ref = f"DS25{n:012d}"
    base = PaymentRow(
        n, ref, 810_000, "BFTVVNVX", f"19{n:08d}", "NGUYEN VAN THU", f"{ref} CHI TRA T11", ref
    )
    return dataclasses.replace(base, **changes)


def header(rows: Sequence[PaymentRow], **changes: Any) -> BatchHeader:
    """Return the header of a batch of these orders, with some fields changed."""
    base = BatchHeader(
        message_id="DS25B1",
        payment_info_id="DS25B1-1",
        created_at="2026-10-23T01:00:00Z",
        execution_date=DAY,
        debtor_name="UBND Xa Thu",
        debtor_account="10000001",
        debtor_bic="ICBVVNVX",
        category_purpose="SSBE",
        purpose="SSBE",
        count=len(rows),
        total_vnd=sum(r.amount_vnd for r in rows if isinstance(r.amount_vnd, int)),
    )
    return dataclasses.replace(base, **changes)
