"""What adapters of called rails share: limits of an order, groups of orders, answers in JSON."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from bank_adapters.api.profile import ApiProfile
from bank_adapters.contract import PaymentRow, RefusedRow

_PHONE = re.compile(r"0[1-9][0-9]{8}")
_DIGITS = re.compile(r"[0-9]{1,15}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")


def check_limits(terms: ApiProfile, row: PaymentRow) -> None:
    """Check amount and text of one order against a rail's limits. RefusedRow."""
    if not terms.min_amount_vnd <= row.amount_vnd <= terms.max_amount_vnd:
        raise RefusedRow(
            row.n,
            "amount_vnd",
            "amount_out_of_range",
            f"Lệnh {row.n}: số tiền ngoài mức {terms.min_amount_vnd} - {terms.max_amount_vnd} "
            f"đồng mà {terms.title} nhận; hãy chi cách khác.",
            en=f"row {row.n}: amount outside the limits of {terms.id}",
        )
    if not 0 < len(row.text) <= terms.text_length:
        raise RefusedRow(
            row.n,
            "text",
            "text_length",
            f"Lệnh {row.n}: nội dung chuyển tiền trống hoặc dài quá {terms.text_length} ký tự; "
            "hãy sửa mẫu nội dung.",
            en=f"row {row.n}: text empty or longer than {terms.text_length} characters",
        )


def groups(rows: Iterable[PaymentRow], most: int) -> Iterator[tuple[PaymentRow, ...]]:
    """Return rows in groups of at most `most`, in order."""
    todo = iter(rows)
    while group := tuple(islice(todo, most)):
        yield group


def json_of(body: bytes) -> Any:
    """Return the JSON object or list of a body; None where it is neither."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def text_of(value: Any, name: str) -> str:
    """Return a text property of an object; "" where it is missing, or no text."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def check_phone(row: PaymentRow, rail: str) -> None:
    """Check that an order's account is a Vietnamese telephone number. RefusedRow."""
    if not _PHONE.fullmatch(row.account):
        raise RefusedRow(
            row.n,
            "account",
            "phone_number",
            f"Lệnh {row.n}: số ví {rail} phải là số điện thoại 10 chữ số bắt đầu bằng 0; hãy sửa "
            "trong hồ sơ.",
            en=f"row {row.n}: an account at {rail} is a telephone number of 10 digits",
        )


def one_object(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object in which no name stands twice, at any depth; None for all else.

    With a name twice, what was signed and what is read could be two different things.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(found)
        if len(value) != len(found):
            raise ValueError("a name stands twice")
        return value

    try:
        value = json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def dong_of(value: Any) -> int | None:
    """Return whole đồng from a JSON number or digits in text; None for anything else."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return None


def whole_of(value: Any) -> str:
    """Return a whole number as text, whether it came as a number or as text; "" for all else."""
    words = str(value) if type(value) is int else value
    return words if isinstance(words, str) and _WHOLE.fullmatch(words) else ""


def same(one: str, other: str) -> bool:
    """Compare two signatures in hexadecimal without telling by time where they differ."""
    return hmac.compare_digest(one.encode(), other.lower().encode())
