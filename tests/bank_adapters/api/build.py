"""Orders, headers and answers for the tests of called rails; every name and number is invented."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bank_adapters.api.contract import Answer, Secrets
from bank_adapters.contract import PaymentRow
from tests.bank_adapters.build import header, row

AT = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
GSMA_SECRETS = Secrets(
    {
        "api_key": "key-of-the-test",
        "callback_key": "their-key-of-the-test",
        "callback_url": "https://chi.example.vn/rails/gsma/callback",
        "client_id": "DS25",
        "organisation_id": "DS25",
    }
)
PAYOS_SECRETS = Secrets(
    {"client_id": "client-test", "api_key": "api-test", "checksum_key": "checksum-test"}
)

__all__ = ["AT", "GSMA_SECRETS", "PAYOS_SECRETS", "answer", "header", "phone_row", "row"]


def phone_row(n: int = 1, **changes: object) -> PaymentRow:
    return row(n, **{"bank_code": "Viettel Money", "account": f"09{n:08d}"} | changes)


def answer(http: int, value: Any = None, signature: str = "") -> Answer:
    body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
    return Answer(http, "application/json", body, signature)
