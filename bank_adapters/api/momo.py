"""MoMo disbursement: to a MoMo wallet, or through MoMo to a bank account; batches in momo_batch.py.

POST /v2/gateway/api/disbursement/pay, one payment a call. requestId and orderId are the payment's
end-to-end id: the first makes a repeat harmless for at least 31 days, the second is unique for
ever. The payee stands in `disbursementMethod`, base64(RSA PKCS#1 v1.5(JSON)), a random cipher, so
the request is written once and its stored bytes are sent again; a second encryption under the
same id would be another request. A call is signed with HMAC-SHA256 over `key=value&…`, keys from a
to z. What became of a payment: /v2/gateway/api/query by orderId, each question under an id of its
own (an id that was used is answered 40). MoMo publishes no signature of its answers, no recall of a
disbursement, and retries of its notices (IPN) at times it does not tell.

Secrets: `partner_code`, `access_key`, `secret_key`, `public_key` (MoMo's RSA key, PEM or base64 of
DER). Optional: `ipn_url`, `store_id`, `partner_name`, `order_group_id`; for batches `m_token`.

Source: api-evangelist/momo@41d1e3c (26 Aug 2026, from developers.momo.vn), postman/momo-9-2… and
momo-9-3…, conventions, errors and asyncapi; AIO v2 for the fields that a notice signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from bank_adapters.api import momo_batch
from bank_adapters.api.codes import Asked, CodeMeaning, seen, wallet_code
from bank_adapters.api.contract import (
    Answer,
    BadCallback,
    Call,
    Item,
    Reading,
    Reply,
    Secrets,
)
from bank_adapters.api.momo_wire import (
    call,
    code_of,
    encrypted,
    group_of,
    plain,
    signature,
    unread,
)
from bank_adapters.api.profile import ApiProfile
from bank_adapters.api.shared import (
    check_limits,
    check_phone,
    dong_of,
    groups,
    json_of,
    one_object,
    same,
    text_of,
    whole_of,
)
from bank_adapters.banks import payable_bank
from bank_adapters.contract import AdapterError, BatchHeader, PaymentRow, RefusedRow

PAY = "/v2/gateway/api/disbursement/pay"
VERIFY = "/v2/gateway/api/disbursement/verify"
BALANCE = "/v2/gateway/api/disbursement/balance"
QUERY = "/v2/gateway/api/query"
IPN_FIELDS = (
    "amount", "extraData", "message", "orderId", "orderInfo", "orderType", "partnerCode",
    "payType", "requestId", "responseTime", "resultCode", "transId",
)  # fmt: skip
"""What a notice signs, besides the access key."""


class MoMo:
    """MoMo under one profile: single calls, or batches where a call takes several payments."""

    name: ClassVar[str] = "momo"
    secret_names: ClassVar[tuple[str, ...]] = (
        "partner_code", "access_key", "secret_key", "public_key",
    )  # fmt: skip

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
        """Check one order: a telephone number (wallet) or a bank that MoMo has a code for."""
        if self._profile.rail == "bank":
            try:
                payable_bank(row.bank_code)
            except AdapterError as error:
                raise RefusedRow(
                    row.n, "bank_code", error.code, f"Lệnh {row.n}: {error.sentence}", en=error.en
                ) from None
        else:
            check_phone(row, "MoMo")
        check_limits(self._profile, row)

    def split(self, rows: Iterable[PaymentRow]) -> Iterator[tuple[PaymentRow, ...]]:
        """Return the orders of each call, in order."""
        return groups(rows, self._profile.payments_per_call)

    def request_id(self, header: BatchHeader, rows: Sequence[PaymentRow], n: int) -> str:
        """Return requestId and orderId: the payment's id, or the batch's, lot and n."""
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
        """Write the request; its ciphertext differs each time, so it is written once and kept."""
        if self._batches:
            return momo_batch.create(header, rows, request_id, secrets)
        [row] = rows
        to_bank = self._profile.rail == "bank"
        body = {
            "partnerCode": secrets["partner_code"],
            "orderId": request_id,
            "partnerName": secrets.get("partner_name", secrets["partner_code"]),
            "storeId": secrets.get("store_id", secrets["partner_code"]),
            "ipnUrl": secrets.get("ipn_url"),
            "requestType": "disburseToBank" if to_bank else "disburseToWallet",
            "amount": str(row.amount_vnd),
            "paymentCode": "",
            "lang": "vi",
            "autoCapture": False,
            "disbursementMethod": encrypted(_method(row, to_bank=to_bank), secrets["public_key"]),
            "orderInfo": row.text,
            "requestId": request_id,
            "extraData": "",
        } | group_of(secrets)
        signed = (
            "amount", "disbursementMethod", "extraData", "orderId", "orderInfo", "partnerCode",
            "requestId", "requestType",
        )  # fmt: skip
        return call("pay", PAY, request_id, (row.end_to_end_id,), body, signed, secrets)

    def next(self, call: Call, reading: Reading, at: datetime, secrets: Secrets) -> Call | None:
        """Write what follows in a batch: its items are checked page by page, then it is paid."""
        return momo_batch.following(call, reading, at, secrets) if self._batches else None

    def inquiry(
        self,
        request_id: str,
        members: Sequence[str],
        at: datetime,
        secrets: Secrets,
        reference: str = "",
        attempt: int = 1,
    ) -> Call:
        """Ask for the state of a payment by its orderId, or for the first page of a batch."""
        if self._batches:
            return momo_batch.page("inquiry", request_id, tuple(members), at, 1, secrets)
        body = {
            "partnerCode": secrets["partner_code"],
            "orderId": request_id,
            "requestId": f"{request_id}-Q{attempt}-{int(at.timestamp())}",
            "lang": "vi",
        }
        signed = ("orderId", "partnerCode", "requestId")
        return call("inquiry", QUERY, request_id, tuple(members), body, signed, secrets)

    # --- in ---------------------------------------------------------------------------------------

    def read(self, call: Call, answer: Answer, secrets: Secrets) -> Reading:
        """Read an answer; one that names another order stops everything."""
        if self._batches:
            return momo_batch.read(call, answer, self.meaning)
        body = json_of(answer.body)
        code = code_of(body)
        if not code or answer.http >= 500 or answer.http in (401, 403, 429):
            return unread(call, answer, code)
        if text_of(body, "orderId") not in ("", call.request_id):
            return Reading((), ask=True, stop="other_payment")
        meaning = self.meaning("inquiry" if call.step == "inquiry" else "pay", code)
        fate = meaning.fate
        if fate == "credited" and (answer.http >= 300 or not text_of(body, "orderId")):
            fate = "unknown"
        items = tuple(
            Item(m, fate, code, text_of(body, "message"), dong_of(body.get("amount")), None,
                 whole_of(body.get("transId")))
            for m in call.members
        )  # fmt: skip
        return Reading(items, ask=meaning.ask or fate == "unknown", stop=meaning.stop)

    def meaning(self, asked: Asked, code: str) -> CodeMeaning:
        """Return what a code means under this profile."""
        found = wallet_code(self.name, asked, code)
        return seen(found) if code in self._profile.seen_before else found

    # --- callbacks --------------------------------------------------------------------------------

    def check_callback(self, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> None:
        """Check a notice's signature, over the fields that it covers, and whose it is."""
        told = one_object(body)
        if told is None:
            raise _bad_callback("không đọc được", "not one JSON object")
        value = {name: plain(told.get(name)) for name in IPN_FIELDS}
        expected = signature({**value, "accessKey": secrets["access_key"]}, secrets["secret_key"])
        if value["partnerCode"] != secrets["partner_code"] or not same(
            expected, text_of(told, "signature")
        ):
            raise _bad_callback("sai chữ ký hoặc không phải của mình", "wrong signature")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Reading:
        """Read a checked notice: a payment by its orderId; a batch's leads to an inquiry."""
        told = one_object(body) or {}
        order, code = text_of(told, "orderId"), code_of(told)
        if not order or not code:
            raise _bad_callback("thiếu orderId hoặc resultCode", "no orderId or resultCode")
        if self._batches:
            return Reading((), ask=True, request_id=order)
        meaning = self.meaning("pay", code)
        item = Item(
            order, meaning.fate, code, text_of(told, "message"), dong_of(told.get("amount")), None,
            whole_of(told.get("transId")),
        )  # fmt: skip
        return Reading((item,), ask=meaning.ask, stop=meaning.stop, request_id=order)

    def callback_reply(self) -> Reply:
        """Return 204, which MoMo wants within 15 seconds."""
        return Reply(204)

    # --- balance and names ------------------------------------------------------------------------

    def balance_call(self, at: datetime, nonce: str, secrets: Secrets) -> Call:
        """Ask for the balance of the payer's disbursement wallet."""
        body = {
            "partnerCode": secrets["partner_code"], "orderId": nonce, "lang": "vi",
            "requestId": nonce,
        } | group_of(secrets)  # fmt: skip
        return call(
            "inquiry", BALANCE, nonce, (), body, ("orderId", "partnerCode", "requestId"), secrets
        )

    def read_balance(self, answer: Answer) -> int:
        """Return the balance in đồng. AdapterError where it cannot be read."""
        body = json_of(answer.body)
        if answer.http == 200 and code_of(body) == "0":
            found = dong_of(body.get("balance"))
            if found is not None:
                return found
        raise AdapterError(
            "balance_unread",
            "Không đọc được số dư ở MoMo; hãy thử lại hoặc hỏi MoMo.",
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
        personal_id: str = "",
    ) -> Call:
        """Ask whether a wallet exists and is this person's, by citizen number where it is given."""
        method: dict[str, Any] = {"walletId": account, "walletName": name}
        if personal_id:
            method |= {"personalId": personal_id, "validatePersonalId": True}
        body = {
            "partnerCode": secrets["partner_code"],
            "orderId": nonce,
            "requestType": "checkWallet",
            "lang": "vi",
            "disbursementMethod": encrypted(method, secrets["public_key"]),
            "requestId": nonce,
        }
        signed = ("disbursementMethod", "orderId", "partnerCode", "requestId", "requestType")
        return call("inquiry", VERIFY, nonce, (), body, signed, secrets)

    def read_name(self, answer: Answer) -> str:
        """Return the wallet's name where MoMo tells it; "" where it only says that it exists."""
        body = json_of(answer.body)
        code = code_of(body)
        if answer.http == 200 and code == "0":
            return text_of(body, "walletName")
        meaning = self.meaning("pay", code)
        if meaning.fate == "rejected":
            raise AdapterError(
                "account_refused",
                f"MoMo không nhận ví này (mã {code}); hãy hỏi lại người hưởng.",
                en=f"MoMo refuses this wallet: {code} {meaning.meaning}",
            )
        raise AdapterError(
            "name_unread",
            "Chưa tra được tên chủ ví ở MoMo; hãy thử lại.",
            en="the holder's name cannot be read",
        )


def _method(row: PaymentRow, *, to_bank: bool) -> dict[str, Any]:
    if to_bank:
        return {
            "bankAccountNo": row.account,
            "bankAccountHolderName": row.name,
            "bankCode": payable_bank(row.bank_code).vietqr_code,
        }
    return {
        "walletId": row.account, "walletName": row.name, "personalId": "",
        "validatePersonalId": False,
    }  # fmt: skip


def _bad_callback(what: str, en: str) -> BadCallback:
    return BadCallback(
        "bad_callback",
        f"Thông báo của MoMo bị từ chối: {what}. Không dùng gì trong đó.",
        en=f"MoMo callback refused: {en}",
    )
