"""A simulated MoMo: disbursement single and in batches, written from MoMo's documents alone.

Where the documents are silent it does what bank_adapters/api/momo_batch.py infers, and says so
there. `keys`: partner_code, access_key, secret_key, private_key (PEM), m_token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bank_adapters.simulators.wallet.base import Incoming, Outgoing, Route, Simulator
from bank_adapters.simulators.wallet.journal import Order

_ROOT = "/v2/gateway/api"
_SAID = {"0": "Successful.", "7000": "Transaction is being processed."}
MOST_VND = 200_000_000
_PAY = (
    "amount", "disbursementMethod", "extraData", "orderId", "orderInfo", "partnerCode", "requestId",
    "requestType",
)  # fmt: skip
_ASK = ("orderId", "partnerCode", "requestId")
_IPN = (
    "amount", "extraData", "message", "orderId", "orderInfo", "orderType", "partnerCode",
    "payType", "requestId", "responseTime", "resultCode", "transId",
)  # fmt: skip


class MoMoSimulator(Simulator):
    """MoMo as its callers see it."""

    name: ClassVar[str] = "momo"
    reasons: ClassVar[Mapping[str, str]] = {
        "": "1002", "AC01": "1007", "AC04": "1007", "AC06": "4001", "AG01": "4002", "AM02": "1004",
        "AB05": "1002", "RC01": "1002",
    }  # fmt: skip

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Return MoMo's calls."""
        return {
            ("POST", f"{_ROOT}/disbursement/pay"): Route(self._pay, pays=True),
            ("POST", f"{_ROOT}/query"): Route(self._query),
            ("POST", f"{_ROOT}/disbursement/verify"): Route(self._verify),
            ("POST", f"{_ROOT}/disbursement/balance"): Route(self._balance),
            ("POST", f"{_ROOT}/disbursement/batch/create"): Route(self._create),
            ("POST", f"{_ROOT}/disbursement/batch/query"): Route(self._page),
            ("POST", f"{_ROOT}/disbursement/batch/pay"): Route(self._pay_batch, pays=True),
        }

    # --- single -------------------------------------------------------------------------------

    def _pay(self, call: Incoming) -> Outgoing:
        want, wrong = self._checked(call, _PAY)
        if wrong:
            return self._said(want, wrong)
        try:
            payee, amount = self._payee(want["disbursementMethod"]), int(want["amount"])
        except (ValueError, KeyError, TypeError):
            return self._said(want, "20")
        request, order_id = want["requestId"], want["orderId"]
        account = payee.get("walletId") or payee.get("bankAccountNo") or ""
        self.tell(request, order_id, account, amount)
        known = self.order(order_id)
        if known is not None:
            return self._again(want, known)
        if not 0 < amount <= MOST_VND:
            return self._said(want, "21" if amount <= 0 else "22")
        closed = self.holder(account).closed
        code = "1007" if closed else "" if self.covers(amount) else "1001"
        order = self.pay(
            request, order_id, account, amount, bank=payee.get("bankCode", ""),
            name=payee.get("walletName", ""), text=want["orderInfo"], code=code,
        )  # fmt: skip
        self.call_back(
            order, lambda at: ({"content-type": "application/json"}, self._ipn(order, at))
        )
        return self._said(want, self._code(order), self._told(order))

    def _again(self, want: Any, known: Order) -> Outgoing:
        """Answer a repeat: in flight 422 + 7000, final the same answer; another request's id 41."""
        if known.request != want["requestId"]:
            return self._said(want, "41")
        code = self._code(known)
        if code == "7000":
            return self._said(want, code, status=422)
        return self._said(want, code, self._told(known))

    def _code(self, order: Order, at: int | None = None) -> str:
        now = self.clock.now() if at is None else at
        state = order.state(now)
        return {"waiting": "7000", "credited": "0"}.get(state) or order.reason(now)

    def _told(self, order: Order) -> dict[str, Any]:
        return {"amount": self.told_amount(order), "transId": 4_000_000_000 + order.n}

    def _query(self, call: Incoming) -> Outgoing:
        want, wrong = self._checked(call, _ASK)
        if wrong:
            return self._said(want, wrong)
        order = self.order(want["orderId"])
        if order is None:
            return self._said(want, "42")
        return self._said(want, self._code(order), self._told(order))

    def _verify(self, call: Incoming) -> Outgoing:
        signed = ("disbursementMethod", "orderId", "partnerCode", "requestId", "requestType")
        want, wrong = self._checked(call, signed)
        if wrong:
            return self._said(want, wrong)
        try:
            payee = self._payee(want["disbursementMethod"])
        except (ValueError, TypeError):
            return self._said(want, "20")
        account = payee.get("walletId", "")
        holder = self.holder(account, payee.get("walletName", ""))
        if holder.closed or account in self.answers:
            return self._said(want, self.answers.get(account, "1007"))
        return self._said(want, "0", {"walletName": holder.name})

    def _balance(self, call: Incoming) -> Outgoing:
        want, wrong = self._checked(call, _ASK)
        return self._said(want, wrong or "0", None if wrong else {"balance": self.balance()})

    # --- batches ------------------------------------------------------------------------------

    def _create(self, call: Incoming) -> Outgoing:
        value, head = call.json(), call.headers
        ids = {
            "mToken": head.get("mtoken", ""), "orderId": head.get("orderid", ""),
            "partnerCode": head.get("partnercode", ""), "requestId": head.get("requestid", ""),
        }  # fmt: skip
        want = {**(value if isinstance(value, dict) else {}), **ids}
        signed = ("amount", "mToken", "orderId", "partnerCode", "requestId", "requestType")
        if want.get("signature") != self._signature(want, signed):
            return self._said(want, "13")
        if ids["mToken"] != self.keys["m_token"] or ids["partnerCode"] != self.keys["partner_code"]:
            return self._said(want, "11")
        items = want["disbursements"]
        if self.journal.kept("batch", want["orderId"], self.known_since()) is not None:
            return self._said(want, "0")
        if len({item["id"] for item in items}) != len(items):
            return self._said(want, "45")
        if sum(item["amount"] for item in items) != int(want["amount"]):
            return self._said(want, "21")
        held = {"items": items, "paid": False, "request": want["requestId"]}
        self.journal.keep("batch", want["orderId"], self.clock.now(), held)
        return self._said(want, "0")

    def _page(self, call: Incoming) -> Outgoing:
        want, wrong = self._checked(call, ("orderId", "pageNum", "pageSize", *_ASK[1:]))
        if wrong:
            return self._said(want, wrong)
        batch = self.journal.kept("batch", want["orderId"], self.known_since())
        if batch is None:
            return self._said(want, "42")
        first = (int(want["pageNum"]) - 1) * int(want["pageSize"])
        rows = batch["items"][first : first + int(want["pageSize"])]
        state = "PAID" if batch["paid"] else "CREATED"
        items = [self._row(row, paid=batch["paid"]) for row in rows]
        return self._said(want, "0", {"state": state, "items": items})

    def _row(self, row: Any, *, paid: bool) -> dict[str, Any]:
        told = {
            "id": row["id"], "method": {"walletId": row["method"]["walletId"]},
            "amount": row["amount"] + (1000 if self.faults.take("wrong_amount") else 0),
        }  # fmt: skip
        if not paid:
            return {**told, "state": "CREATED"}
        order = self.order(row["id"])
        code = self._code(order) if order else "7000"
        state = {"0": "SUCCEEDED", "7000": "PROCESSING"}.get(code, "FAILED")
        return {**told, "state": state, "resultCode": int(code), "message": _SAID.get(code, "")}

    def _pay_batch(self, call: Incoming) -> Outgoing:
        want, wrong = self._checked(call, _ASK)
        if wrong:
            return self._said(want, wrong)
        batch = self.journal.kept("batch", want["orderId"], self.known_since())
        if batch is None:
            return self._said(want, "42")
        if not batch["paid"]:
            for item in batch["items"]:
                account = item["method"]["walletId"]
                self.tell(want["orderId"], item["id"], account, item["amount"])
                code = "" if self.covers(item["amount"]) else "1001"
                code = "1007" if self.holder(account).closed else code
                self.pay(want["orderId"], item["id"], account, item["amount"], code=code)
            self.journal.keep("batch", want["orderId"], self.clock.now(), {**batch, "paid": True})
        return self._said(want, "0")

    # --- what all calls share -----------------------------------------------------------------

    def _checked(self, call: Incoming, signed: tuple[str, ...]) -> tuple[dict[str, Any], str]:
        """Return the body, and the code with which it is refused ("" where it is sound)."""
        want = call.json()
        if not isinstance(want, dict) or any(name not in want for name in signed):
            return {}, "20"
        if want.get("signature") != self._signature(want, signed):
            return want, "13"
        return want, "" if want["partnerCode"] == self.keys["partner_code"] else "11"

    def _signature(self, fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
        values = {name: fields.get(name, "") for name in names}
        values["accessKey"] = self.keys["access_key"]
        words = "&".join(f"{name}={values[name]}" for name in sorted(values))
        key = self.keys["secret_key"].encode()
        return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()

    @cached_property
    def _private(self) -> RSAPrivateKey:
        key = load_pem_private_key(self.keys["private_key"].encode(), None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("private_key is no RSA key")
        return key

    def _payee(self, method: str) -> dict[str, Any]:
        words = self._private.decrypt(base64.b64decode(method, validate=True), PKCS1v15())
        value = json.loads(words)
        if not isinstance(value, dict):
            raise TypeError("disbursementMethod holds no object")
        return value

    def _said(
        self,
        want: Mapping[str, Any],
        code: str,
        more: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> Outgoing:
        value = {
            "partnerCode": want.get("partnerCode", ""), "orderId": want.get("orderId", ""),
            "requestId": want.get("requestId", ""), "resultCode": int(code),
            "message": _SAID.get(code, f"Result {code}."),
            "responseTime": self.clock.now() * 1000, **(more or {}),
        }  # fmt: skip
        return Outgoing.of(value, status)

    def _ipn(self, order: Order, at: int) -> bytes:
        code = self._code(order, at)
        value: dict[str, Any] = {
            "partnerCode": self.keys["partner_code"], "orderId": order.id,
            "requestId": order.request, "amount": self.told_amount(order), "orderInfo": order.text,
            "orderType": "momo_wallet", "transId": 4_000_000_000 + order.n,
            "resultCode": int(code), "message": _SAID.get(code, f"Result {code}."),
            "payType": "", "responseTime": at * 1000, "extraData": "",
        }  # fmt: skip
        value["signature"] = self._signature(value, _IPN)
        if self.faults.take("wrong_signature"):
            value["signature"] = value["signature"][::-1]
        return json.dumps(value, ensure_ascii=False).encode()
