"""payOS payouts: bank transfers by BIN, one at a time or many in one payout.

POST /v1/payouts or /v1/payouts/batch, signed in x-signature (HMAC-SHA256 over the body's fields);
x-idempotency-key and referenceId are the request id: the payment's end-to-end id, or the batch's.
Answers are signed the same way, and one whose signature fails is no verdict. payOS publishes no
list of error codes, so a refused request is no verdict either: GET /v1/payouts?referenceId=… says
whether payOS holds it. Who must approve a payout does so at payOS; until then it waits.

Secrets: `client_id`, `api_key`, `checksum_key`; `partner_code` where payOS gave one. No callback of
a payout is documented: one is refused.

Source: payos 1.1.0 (PyPI, MIT), payos/_crypto/provider.py, payos/types/v1/payouts and
payos/resources/v1/payouts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode

from bank_adapters.api.codes import wallet_code
from bank_adapters.api.contract import (
    Answer,
    BadCallback,
    Call,
    Item,
    Reading,
    Reply,
    Secrets,
    Step,
)
from bank_adapters.api.profile import ApiProfile
from bank_adapters.api.shared import check_limits, groups, json_of, text_of
from bank_adapters.banks import find_bank, payable_bank
from bank_adapters.contract import (
    AdapterError,
    BatchHeader,
    NotOffered,
    PaymentRow,
    RefusedRow,
)

REFUSED_APPROVALS = frozenset({"REJECTED", "CANCELLED"})
"""Approval states after which what payOS had only received is never paid."""
_ACCOUNT = re.compile(r"[0-9A-Za-z]{4,19}")


class PayOS:
    """payOS under one profile."""

    name: ClassVar[str] = "payos"
    not_offered: ClassVar[tuple[str, ...]] = ("verify_payee", "verify_callback")
    secret_names: ClassVar[tuple[str, ...]] = ("client_id", "api_key", "checksum_key")

    def __init__(self, profile: ApiProfile) -> None:
        """Hold the profile; nothing else is kept."""
        self._profile = profile
        self._batches = profile.payments_per_call > 1

    @property
    def profile(self) -> ApiProfile:
        """The dated description of the rail."""
        return self._profile

    # --- out --------------------------------------------------------------------------------------

    def check(self, row: PaymentRow) -> None:
        """Check one order: a bank with a BIN, an account number, amount and text in the limits."""
        try:
            payee_bin(row.bank_code)
        except AdapterError as error:
            raise RefusedRow(
                row.n, "bank_code", error.code, f"Lệnh {row.n}: {error.sentence}", en=error.en
            ) from None
        if not _ACCOUNT.fullmatch(row.account):
            raise RefusedRow(
                row.n, "account", "account_form",
                f"Lệnh {row.n}: số tài khoản phải gồm 4 - 19 chữ số hoặc chữ cái; hãy sửa trong "
                "hồ sơ.",
                en=f"row {row.n}: account numbers have 4 to 19 digits or letters",
            )  # fmt: skip
        check_limits(self._profile, row)

    def split(self, rows: Iterable[PaymentRow]) -> Iterator[tuple[PaymentRow, ...]]:
        """Return the orders of each call, in order."""
        return groups(rows, self._profile.payments_per_call)

    def request_id(self, header: BatchHeader, rows: Sequence[PaymentRow], n: int) -> str:
        """Return referenceId and idempotency key: the payment's id, or the batch's, lot and n."""
        if not self._batches:
            return rows[0].end_to_end_id
        return f"{header.message_id}-{header.lot}-{n}"

    def make(
        self,
        header: BatchHeader,
        rows: Sequence[PaymentRow],
        request_id: str,
        at: datetime,
        secrets: Secrets,
    ) -> Call:
        """Write the request that creates a payout."""
        payments = [
            {
                "referenceId": row.end_to_end_id,
                "amount": row.amount_vnd,
                "description": row.text,
                "toBin": payee_bin(row.bank_code),
                "toAccountNumber": row.account,
            }
            for row in rows
        ]
        members = tuple(row.end_to_end_id for row in rows)
        if not self._batches:
            return _call("pay", "POST", "/v1/payouts", request_id, members, secrets, payments[0])
        batch = {"referenceId": request_id, "validateDestination": True, "payouts": payments}
        return _call("pay", "POST", "/v1/payouts/batch", request_id, members, secrets, batch)

    def next(
        self,
        call: Call,
        reading: Reading,
        at: datetime,
        secrets: Secrets,
    ) -> Call | None:
        """Nothing follows: approval is given at payOS."""
        return None

    def inquiry(
        self,
        request_id: str,
        members: Sequence[str],
        at: datetime,
        secrets: Secrets,
        reference: str = "",
        attempt: int = 1,
    ) -> Call:
        """Ask for the payouts of our reference."""
        path = "/v1/payouts?" + urlencode({"referenceId": request_id, "limit": 10, "offset": 0})
        return _call("inquiry", "GET", path, request_id, tuple(members), secrets)

    # --- in ---------------------------------------------------------------------------------------

    def read(self, call: Call, answer: Answer, secrets: Secrets) -> Reading:
        """Read an answer whose signature holds; anything else is asked about."""
        body = json_of(answer.body)
        code = text_of(body, "code")
        data = body.get("data") if isinstance(body, dict) else None
        if answer.http not in (200, 201) or code != "00" or not isinstance(data, dict):
            stop = "rail_auth" if answer.http in (401, 403) else ""
            items = tuple(
                Item(member, "unknown", code or f"HTTP {answer.http}", text_of(body, "desc"))
                for member in call.members
            )
            return Reading(items, ask=True, stop=stop)
        if not _same(signature(data, secrets["checksum_key"]), answer.signature):
            return Reading((), ask=True, stop="answer_signature")
        if call.step == "pay":
            return _payout(call, data)
        payouts = data.get("payouts")
        if not isinstance(payouts, list):
            return Reading((), ask=True)
        if not payouts:
            return Reading(tuple(Item(m, "absent", "", "") for m in call.members))
        ours = [p for p in payouts if text_of(p, "referenceId") == call.request_id]
        if len(ours) > 1:
            # Two payouts under one reference: a machine cannot tell which one counts.
            return Reading((), ask=True, stop="two_payouts")
        return _payout(call, ours[0]) if ours else Reading((), ask=True)

    # --- callbacks --------------------------------------------------------------------------------

    def check_callback(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Secrets,
    ) -> None:
        """Refuse: payOS documents no callback of payouts."""
        raise _no_callback()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Reading:
        """Refuse, as `check_callback`."""
        raise _no_callback()

    def callback_reply(self) -> Reply:
        """Return 404: there is nothing here that payOS would call."""
        return Reply(404)

    # --- balance and names ------------------------------------------------------------------------

    def balance_call(
        self,
        at: datetime,
        nonce: str,
        secrets: Secrets,
    ) -> Call:
        """Ask for the balance of the payout account."""
        return _call("inquiry", "GET", "/v1/payouts-account/balance", nonce, (), secrets)

    def read_balance(self, answer: Answer) -> int:
        """Return the balance in đồng. AdapterError where it cannot be read."""
        body = json_of(answer.body)
        data = body.get("data") if isinstance(body, dict) else None
        balance = text_of(data, "balance")
        if answer.http == 200 and re.fullmatch(r"[0-9]{1,15}", balance):
            return int(balance)
        raise AdapterError(
            "balance_unread",
            "Không đọc được số dư ở payOS; hãy thử lại hoặc hỏi payOS.",
            en="the balance cannot be read",
        )

    def name_call(
        self,
        code: str,
        account: str,
        name: str,
        at: datetime,
        nonce: str,
        secrets: Secrets,
    ) -> Call:
        """Refuse: payOS answers no name inquiry. NotOffered."""
        raise _no_names()

    def read_name(self, answer: Answer) -> str:
        """Refuse, as `name_call`. NotOffered."""
        raise _no_names()


def payee_bin(bank_code: str) -> str:
    """Return the NAPAS BIN of a bank that may be paid. BankRefused where there is none."""
    bank = payable_bank(bank_code)
    if not re.fullmatch(r"[0-9]{6}", bank.napas_bin):
        raise AdapterError(
            "bank_without_bin",
            f"Danh mục chưa có mã BIN của {bank.short_name}; hãy bổ sung từ văn bản của ngân hàng.",
            en=f"no BIN known for {bank.short_name}",
        )
    return bank.napas_bin


def signature(data: Mapping[str, Any], key: str) -> str:
    """Return payOS' x-signature of an object: HMAC-SHA256 (hex) over `key=value&…`, keys sorted.

    Nested values are compact JSON with sorted keys; keys and values are percent-encoded.
    """
    parts = []
    for name in sorted(data):
        value = data[name]
        if isinstance(value, dict | list):
            words = json.dumps(
                _sorted(value), separators=(",", ":"), ensure_ascii=False
            )  # nested lists keep their order
        elif isinstance(value, bool):
            words = "true" if value else "false"
        else:
            words = "" if value is None else str(value)
        parts.append(f"{quote(name)}={_encoded(words)}")
    return hmac.new(key.encode(), "&".join(parts).encode(), hashlib.sha256).hexdigest()


_ENCODED = [("%", "%25")] + [
    (c, quote(c)) for c in map(chr, range(128)) if c != "%" and quote(c) != c
]


def _encoded(words: str) -> str:
    """Return `quote(words)`: a batch of a thousand payouts is one long text of plain letters."""
    if not words.isascii():
        return quote(words)
    for plain, encoded in _ENCODED:
        words = words.replace(plain, encoded)
    return words


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _payout(call: Call, data: dict[str, Any]) -> Reading:
    """Read one payout; a transaction that was not asked for stops everything."""
    rows = data.get("transactions")
    if text_of(data, "referenceId") != call.request_id or not isinstance(rows, list):
        return Reading((), ask=True, stop="other_payment")
    approval = text_of(data, "approvalState")
    items = tuple(_transaction(row, approval) for row in rows)
    told = [item.end_to_end_id for item in items]
    if not set(told) <= set(call.members) or len(set(told)) != len(told):
        return Reading((), ask=True, stop="other_payment")
    ask = len(told) < len(call.members) or any(i.fate in ("waiting", "unknown") for i in items)
    return Reading(items, ask=ask, reference=text_of(data, "id"))


def _transaction(row: Any, approval: str) -> Item:
    state = text_of(row, "state")
    code, told = f"state {state}", text_of(row, "errorCode")
    if approval in REFUSED_APPROVALS and state == "RECEIVED":
        code = f"approval {approval}"
    fate = wallet_code("payos", "inquiry", code).fate
    words = ": ".join(word for word in (told, text_of(row, "errorMessage")) if word)
    amount = row.get("amount") if isinstance(row, dict) else None
    if type(amount) is not int:
        amount, fate = None, "unknown"
    return Item(
        text_of(row, "referenceId"), fate, code, words, amount,
        text_of(row, "toAccountNumber") or None,
        text_of(row, "id"), _bank(text_of(row, "toBin")),
    )  # fmt: skip


def _bank(napas_bin: str) -> str | None:
    """Return the BIC of a BIN; the BIN itself where the directory does not know it."""
    try:
        return find_bank(napas_bin).bic if napas_bin else None
    except AdapterError:
        return napas_bin


def _call(
    step: Step,
    method: Literal["POST", "GET"],
    path: str,
    request_id: str,
    members: tuple[str, ...],
    secrets: Secrets,
    value: Mapping[str, Any] | None = None,
) -> Call:
    headers = [
        ("Accept", "application/json"),
        ("x-client-id", secrets["client_id"]),
        ("x-api-key", secrets["api_key"]),
    ]
    if partner := secrets.get("partner_code"):
        headers.append(("x-partner-code", partner))
    body = b""
    if value is not None:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        headers += [
            ("Content-Type", "application/json"),
            ("x-idempotency-key", request_id),
            ("x-signature", signature(value, secrets["checksum_key"])),
        ]
    return Call(request_id, step, method, path, tuple(headers), body, members)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.lower().encode())


def _no_callback() -> BadCallback:
    return BadCallback(
        "no_callback",
        "payOS không công bố thông báo kết quả lệnh chi; thông báo này bị từ chối.",
        en="payOS documents no callback of payouts",
    )


def _no_names() -> NotOffered:
    return NotOffered(
        "not_offered",
        "Kênh payOS không cho tra tên chủ tài khoản; hãy dùng cách khác.",
        en="payOS answers no name inquiry",
    )
