"""ZaloPay disbursement: money into a ZaloPay wallet, one payment at a time.

Two calls: /v2/disbursement/user tells the wallet's id (m_u_id) of a telephone number and pays
nothing; /v2/disbursement/topup pays it under our partner_order_id, the payment's end-to-end id. The
first is what `make` writes, the second is its `next`, stored as step `approve` (our word for the
call that moves the money; ZaloPay knows no approval), and either may be sent again as it is; what
the second needs of the order travels in the first's header X-Order. A repeated partner_order_id is
refused (-68) and asked about: /v2/disbursement/txn. The number -101 means "no such wallet" in
answer to user and topup, and "no such order" in answer to txn. Answers name ZaloPay's own order,
not ours, and are not signed; telephone number and amount are compared with the order by the intake.
Status 4 is repaired by hand at ZaloPay: unknown, asked about, never failed.

mac: HMAC-SHA256 (hex) over the values joined by `|`; sig of a topup: base64(RSA-SHA256 PKCS#1 v1.5
over the hexadecimal text of that HMAC).

Secrets: `app_id`, `payment_id`, `key1`, `private_key` (RSA, PEM or base64 of PKCS#8). No callback
of a disbursement is documented: one is refused.

Source: zalopay-oss/zalopay-nodejs@6e334cc, specs/zlp.yaml (Apache-2.0) and its tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bank_adapters.api.codes import Asked, CodeMeaning, seen, wallet_code
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
from bank_adapters.api.shared import (
    check_limits,
    check_phone,
    dong_of,
    groups,
    json_of,
    text_of,
    whole_of,
)
from bank_adapters.contract import AdapterError, BatchHeader, PaymentRow

USER = "/v2/disbursement/user"
TOPUP = "/v2/disbursement/topup"
TXN = "/v2/disbursement/txn"
BALANCE = "/v2/disbursement/balance"
_FOREIGN = re.compile(r"(?:\+?84)([1-9][0-9]{8})")


class ZaloPay:
    """ZaloPay under one profile."""

    name: ClassVar[str] = "zalopay"
    not_offered: ClassVar[tuple[str, ...]] = ("verify_callback",)
    secret_names: ClassVar[tuple[str, ...]] = ("app_id", "payment_id", "key1", "private_key")

    def __init__(self, profile: ApiProfile) -> None:
        """Hold the profile; nothing else is kept."""
        self._profile = profile

    @property
    def profile(self) -> ApiProfile:
        """The dated description of the rail."""
        return self._profile

    # --- out --------------------------------------------------------------------------------------

    def check(self, row: PaymentRow) -> None:
        """Check one order: a telephone number, an amount and a text in the limits."""
        check_phone(row, "ZaloPay")
        check_limits(self._profile, row)

    def split(self, rows: Iterable[PaymentRow]) -> Iterator[tuple[PaymentRow, ...]]:
        """Return the orders of each call: always one."""
        return groups(rows, 1)

    def request_id(self, header: BatchHeader, rows: Sequence[PaymentRow], n: int) -> str:
        """Return partner_order_id: the payment's end-to-end id."""
        return rows[0].end_to_end_id

    def make(
        self,
        header: BatchHeader,
        rows: Sequence[PaymentRow],
        request_id: str,
        at: datetime,
        secrets: Secrets,
    ) -> Call:
        """Write the question for the wallet's id; `next` writes the payment."""
        [row] = rows
        order = json.dumps([row.account, row.amount_vnd, row.text], separators=(",", ":"))
        headers = (("X-Order", base64.b64encode(order.encode()).decode()),)
        return _user("pay", row.account, request_id, (row.end_to_end_id,), at, secrets, headers)

    def next(self, call: Call, reading: Reading, at: datetime, secrets: Secrets) -> Call | None:
        """Write the payment, once the wallet's id is known."""
        order = dict(call.headers).get("X-Order", "")
        if call.path != USER or not reading.approve or not order:
            return None
        _, amount, text = json.loads(base64.b64decode(order))
        wallet, _, reference = reading.reference.partition("|")
        time = milliseconds(at)
        signed = (
            secrets["app_id"], secrets["payment_id"], call.request_id, wallet, str(amount), text,
            "{}", "{}", str(time),
        )  # fmt: skip
        body = {
            "app_id": _number(secrets["app_id"]),
            "payment_id": secrets["payment_id"],
            "partner_order_id": call.request_id,
            "m_u_id": wallet,
            "amount": amount,
            "description": text,
            "partner_embed_data": "{}",
            "reference_id": reference,
            "extra_info": "{}",
            "time": time,
            "sig": signature(mac(signed, secrets["key1"]), secrets["private_key"]),
        }
        return _call("approve", TOPUP, call.request_id, call.members, body)

    def inquiry(
        self,
        request_id: str,
        members: Sequence[str],
        at: datetime,
        secrets: Secrets,
        reference: str = "",
        attempt: int = 1,
    ) -> Call:
        """Ask for the state of a payment by its partner_order_id."""
        time = milliseconds(at)
        body = {
            "app_id": _number(secrets["app_id"]),
            "partner_order_id": request_id,
            "time": time,
            "mac": mac((secrets["app_id"], request_id, str(time)), secrets["key1"]),
        }
        return _call("inquiry", TXN, request_id, tuple(members), body)

    # --- in ---------------------------------------------------------------------------------------

    def read(self, call: Call, answer: Answer, secrets: Secrets) -> Reading:
        """Read an answer to one of the three calls."""
        body = json_of(answer.body)
        code = whole_of(body.get("return_code")) if isinstance(body, dict) else ""
        if not code or answer.http >= 300:
            stop = "rail_auth" if answer.http in (401, 403) else ""
            said = f"HTTP {answer.http}"
            return Reading(
                tuple(Item(m, "unknown", said, "") for m in call.members), True, stop=stop
            )
        data = body.get("data")
        data = data if isinstance(data, dict) else {}
        if code == "1" and call.path == USER:
            return _wallet(call, data)
        meaning = self.meaning(*_code(call, body, data))
        words = text_of(body, "sub_return_message") or text_of(body, "return_message")
        account = phone_of(text_of(data, "phone"))
        items = tuple(
            Item(m, meaning.fate, meaning.code, words, dong_of(data.get("amount")), account,
                 text_of(data, "zp_trans_id") or text_of(data, "order_id"))
            for m in call.members
        )  # fmt: skip
        return Reading(items, ask=meaning.ask, stop=meaning.stop)

    def meaning(self, asked: Asked, code: str) -> CodeMeaning:
        """Return what a code means under this profile."""
        found = wallet_code(self.name, asked, code)
        return seen(found) if code in self._profile.seen_before else found

    # --- callbacks --------------------------------------------------------------------------------

    def check_callback(self, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> None:
        """Refuse: ZaloPay documents no callback of a disbursement."""
        raise _no_callback()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Reading:
        """Refuse, as `check_callback`."""
        raise _no_callback()

    def callback_reply(self) -> Reply:
        """Return 404: there is nothing here that ZaloPay would call."""
        return Reply(404)

    # --- balance and names ------------------------------------------------------------------------

    def balance_call(self, at: datetime, nonce: str, secrets: Secrets) -> Call:
        """Ask for the balance of the payer's account."""
        time = milliseconds(at)
        signed = (secrets["app_id"], secrets["payment_id"], str(time))
        body = {
            "request_id": nonce,
            "app_id": _number(secrets["app_id"]),
            "payment_id": secrets["payment_id"],
            "time": time,
            "mac": mac(signed, secrets["key1"]),
        }
        return _call("inquiry", BALANCE, nonce, (), body)

    def read_balance(self, answer: Answer) -> int:
        """Return the balance in đồng. AdapterError where it cannot be read."""
        data = _data(answer)
        balance = dong_of(data.get("balance")) if data is not None else None
        if balance is None:
            raise AdapterError(
                "balance_unread",
                "Không đọc được số dư ở ZaloPay; hãy thử lại hoặc hỏi ZaloPay.",
                en="the balance cannot be read",
            )
        return balance

    def name_call(
        self, code: str, account: str, name: str, at: datetime, nonce: str, secrets: Secrets
    ) -> Call:
        """Ask who holds the wallet of a telephone number."""
        return _user("inquiry", account, nonce, (), at, secrets)

    def read_name(self, answer: Answer) -> str:
        """Return the holder's name. AdapterError where there is no wallet, or no answer."""
        data = _data(answer)
        if data is not None:
            return text_of(data, "name")
        body = json_of(answer.body)
        sub = whole_of(body.get("sub_return_code")) if isinstance(body, dict) else ""
        found = self.meaning("pay", f"sub {sub}")
        if answer.http < 300 and found.fate == "rejected":
            raise AdapterError(
                "account_refused",
                f"ZaloPay không nhận ví này (mã {sub}); hãy hỏi lại người hưởng.",
                en=f"ZaloPay refuses this wallet: {sub} {found.meaning}",
            )
        raise AdapterError(
            "name_unread",
            "Chưa tra được tên chủ ví ở ZaloPay; hãy thử lại.",
            en="the holder's name cannot be read",
        )


def mac(values: Sequence[str], key: str) -> str:
    """Return HMAC-SHA256 (hex) over the values joined by `|`."""
    return hmac.new(key.encode(), "|".join(values).encode(), hashlib.sha256).hexdigest()


def signature(words: str, private_key: str) -> str:
    """Return base64(RSA-SHA256 PKCS#1 v1.5) over a text. AdapterError for an unreadable key."""
    return base64.b64encode(_key(private_key).sign(words.encode(), PKCS1v15(), SHA256())).decode()


@lru_cache(maxsize=8)
def _key(text: str) -> RSAPrivateKey:
    inner = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    try:
        key = load_der_private_key(base64.b64decode(inner, validate=True), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey):
        return key
    raise AdapterError(
        "secret_unreadable",
        "Khóa private_key của ZaloPay không phải khóa RSA đọc được; hãy chép lại từ ZaloPay.",
        en="private_key is no readable RSA key",
    )


def milliseconds(at: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def phone_of(told: str) -> str | None:
    """Return a telephone number in the form of our orders; None where none is told."""
    foreign = _FOREIGN.fullmatch(told)
    return f"0{foreign[1]}" if foreign else told or None


def _wallet(call: Call, data: Mapping[str, Any]) -> Reading:
    """Read the answer to `make`'s question: the wallet is known, nothing is paid yet."""
    wallet, told = text_of(data, "m_u_id"), phone_of(text_of(data, "phone"))
    order = dict(call.headers).get("X-Order", "")
    asked = json.loads(base64.b64decode(order))[0] if order else told
    if told not in (None, asked):
        return Reading((), ask=True, stop="other_payment")
    items = tuple(Item(m, "waiting", "return_code 1", "", None, told) for m in call.members)
    if not wallet or "|" in wallet:
        return Reading((), ask=True)
    reference = f"{wallet}|{text_of(data, 'reference_id')}"
    return Reading(items, ask=True, approve=True, reference=reference)


def _code(call: Call, body: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Asked, str]:
    """Return what was asked, and the code that decides: a status, or else the finer code."""
    asked: Asked = "inquiry" if call.path == TXN else "pay"
    code, status = whole_of(body.get("return_code")), whole_of(data.get("status"))
    sub = whole_of(body.get("sub_return_code"))
    if code == "1":
        return asked, f"status {status}" if status else "return_code 1"
    if code == "2" and sub:
        return asked, f"sub {sub}"
    return asked, f"return_code {code}"


def _data(answer: Answer) -> Mapping[str, Any] | None:
    """Return the data of a successful answer; None where it is not one."""
    body = json_of(answer.body)
    if answer.http >= 300 or not isinstance(body, dict) or whole_of(body.get("return_code")) != "1":
        return None
    data = body.get("data")
    return data if isinstance(data, dict) else None


def _user(
    step: Step,
    phone: str,
    request_id: str,
    members: tuple[str, ...],
    at: datetime,
    secrets: Secrets,
    headers: tuple[tuple[str, str], ...] = (),
) -> Call:
    time = milliseconds(at)
    body = {
        "request_id": request_id,
        "app_id": _number(secrets["app_id"]),
        "phone": phone,
        "time": time,
        "mac": mac((secrets["app_id"], phone, str(time)), secrets["key1"]),
    }
    return _call(step, USER, request_id, members, body, headers)


def _call(
    step: Step,
    path: str,
    request_id: str,
    members: tuple[str, ...],
    body: Mapping[str, Any],
    headers: tuple[tuple[str, str], ...] = (),
) -> Call:
    return Call(
        request_id, step, "POST", path, (("Content-Type", "application/json"), *headers),
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), members,
    )  # fmt: skip


def _number(app_id: str) -> int:
    if not app_id.isdigit():
        raise AdapterError(
            "secret_unreadable",
            "app_id của ZaloPay phải là số; hãy sửa tệp kết nối của tổ chức chi trả.",
            en="app_id must be a number",
        )
    return int(app_id)


def _no_callback() -> BadCallback:
    return BadCallback(
        "no_callback",
        "ZaloPay không công bố thông báo kết quả lệnh chi; thông báo này bị từ chối.",
        en="ZaloPay documents no callback of a disbursement",
    )
