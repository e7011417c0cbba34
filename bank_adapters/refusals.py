"""How an outgoing batch is refused: one sentence that says where, what is wrong, what to do."""

from __future__ import annotations

import re
from datetime import datetime

from bank_adapters.contract import RefusedBatch, RefusedRow

END_TO_END = re.compile(r"[A-Z0-9-]{16,20}")
REFERENCE = re.compile(r"[A-Z0-9]{4,35}")
ACCOUNT = re.compile(r"[A-Za-z0-9]+")
MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{1,35}")
MOST_VND = 10**15
"""Whole amounts above this have no place in a payment file; 18 digits is the limit of ISO 20022."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?")


def row_refused(n: int, field: str, vi: str, en: str) -> RefusedRow:
    """Return the refusal of row `n` for its `field`."""
    return RefusedRow(
        n,
        field,
        f"row_{field}",
        f"Dòng {n} của lô, mục {field}: {vi}. Chưa gửi gì; hãy sửa rồi lập lại lô.",
        en=f"row {n}, field {field}: {en}",
    )


def batch_refused(code: str, vi: str, en: str) -> RefusedBatch:
    """Return the refusal of a batch as a whole."""
    return RefusedBatch(code, f"Không lập được tệp chi: {vi}. Chưa gửi gì.", en=en)


def is_instant(value: str) -> bool:
    """Tell whether a text is an ISO 8601 instant as the files carry it."""
    if not _INSTANT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
