"""A simulated ZaloPay: disbursement into wallets, written from specs/zlp.yaml alone.

`keys`: app_id, payment_id, key1, public_key (PEM). A payment that was refused when it was ordered
is an order with status 2 afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bank_adapters.simulators.wallet.base import Incoming, Outgoing, Route, Simulator
from bank_adapters.simulators.wallet.journal import Order

_ROOT = "/v2/disbursement"
_TOPUP = (
    "app_id", "payment_id", "partner_order_id", "m_u_id", "amount", "description",
    "partner_embed_data", "extra_info", "time",
)  # fmt: skip


class ZaloPaySimulator(Simulator):
    """ZaloPay as its callers see it. Codes: "sub N", "status N" or "return_code N"."""

    name: ClassVar[str] = "zalopay"
    reasons: ClassVar[Mapping[str, str]] = {
        "": "status 2", "AC01": "sub -101", "AC04": "sub -101", "AC06": "sub -1011",
        "AM02": "sub -406",
    }  # fmt: skip

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Return ZaloPay's calls."""
        return {
            ("POST", f"{_ROOT}/user"): Route(self._user),
            ("POST", f"{_ROOT}/topup"): Route(self._topup, pays=True),
            ("POST", f"{_ROOT}/txn"): Route(self._txn),
            ("POST", f"{_ROOT}/balance"): Route(self._balance),
        }

    def _user(self, call: Incoming) -> Outgoing:
        want = self._checked(call, ("app_id", "phone", "time"))
        if isinstance(want, Outgoing):
            return want
        phone = str(want["phone"])
        holder = self.holder(phone)
        if holder.closed:
            return _refused("-101", {"onboarding_url": "https://example.vn/onboard"})
        wallet = hashlib.sha256(phone.encode()).hexdigest()[:30]
        if self.journal.kept("wallet", wallet) is None:
            self.journal.keep("wallet", wallet, self.clock.now(), phone)
        return _said(
            {"reference_id": f"R{self.clock.now()}", "m_u_id": wallet, "name": holder.name,
             "phone": phone, "onboarding_url": ""}
        )  # fmt: skip

    def _topup(self, call: Incoming) -> Outgoing:
        want = call.json()
        if not isinstance(want, dict) or any(name not in want for name in (*_TOPUP, "sig")):
            return _refused("-401")
        if not self._signed(want):
            return _refused("-402")
        phone = self.journal.kept("wallet", str(want["m_u_id"]))
        ours, amount = str(want["partner_order_id"]), int(want["amount"])
        self.tell(ours, ours, phone or "", amount)
        if self.order(ours) is not None:
            return _refused("-68")
        if phone is None:
            return _refused("-101")
        code = "" if self.covers(amount) else "status 2"
        order = self.pay(ours, ours, phone, amount, text=str(want["description"]), code=code)
        kind, _, number = order.code.partition(" ")
        if kind == "sub":
            return _refused(number, {"upgrade_url": "https://example.vn/up"})
        if kind == "return_code":
            return Outgoing.of({"return_code": int(number), "return_message": ""})
        return _said(self._told(order))

    def _txn(self, call: Incoming) -> Outgoing:
        want = self._checked(call, ("app_id", "partner_order_id", "time"))
        if isinstance(want, Outgoing):
            return want
        order = self.order(str(want["partner_order_id"]))
        if order is None:
            return _refused("-101")
        return _said(self._told(order))

    def _balance(self, call: Incoming) -> Outgoing:
        want = self._checked(call, ("app_id", "payment_id", "time"))
        return want if isinstance(want, Outgoing) else _said({"balance": self.balance()})

    def _told(self, order: Order) -> dict[str, Any]:
        now = self.clock.now()
        kind, _, number = order.reason(now).partition(" ")
        status = {"waiting": "3", "credited": "1"}.get(order.state(now), "2")
        if kind == "status":
            status = number
        return {
            "order_id": f"26{order.n:016d}", "status": int(status), "m_u_id": "",
            "phone": self.told_account(order), "amount": self.told_amount(order),
            "description": order.text, "partner_fee": 0, "zlp_fee": 0, "extra_info": "{}",
            "time": order.at * 1000, "zp_trans_id": f"26{order.n:010d}", "result_url": "",
        }  # fmt: skip

    def _checked(self, call: Incoming, names: tuple[str, ...]) -> dict[str, Any] | Outgoing:
        want = call.json()
        if not isinstance(want, dict) or any(name not in want for name in names):
            return _refused("-401")
        words = "|".join(str(want[name]) for name in names)
        key = self.keys["key1"].encode()
        if want.get("mac") != hmac.new(key, words.encode(), hashlib.sha256).hexdigest():
            return _refused("-402")
        return want if str(want["app_id"]) == self.keys["app_id"] else _refused("-402")

    @cached_property
    def _public(self) -> RSAPublicKey:
        key = load_pem_public_key(self.keys["public_key"].encode())
        if not isinstance(key, RSAPublicKey):
            raise TypeError("public_key is no RSA key")
        return key

    def _signed(self, want: Mapping[str, Any]) -> bool:
        words = "|".join(str(want[name]) for name in _TOPUP)
        key = self.keys["key1"].encode()
        digest = hmac.new(key, words.encode(), hashlib.sha256).hexdigest()
        try:
            self._public.verify(
                base64.b64decode(str(want["sig"])), digest.encode(), PKCS1v15(), SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        return str(want["app_id"]) == self.keys["app_id"]


def _said(data: Mapping[str, Any]) -> Outgoing:
    return Outgoing.of(
        {"return_code": 1, "return_message": "Transaction successful.", "sub_return_code": 1,
         "sub_return_message": "Transaction successful.", "data": dict(data)}
    )  # fmt: skip


def _refused(sub: str, data: Mapping[str, Any] | None = None) -> Outgoing:
    return Outgoing.of(
        {"return_code": 2, "return_message": "Fail", "sub_return_code": int(sub),
         "sub_return_message": f"Code {sub}", "data": dict(data or {})}
    )  # fmt: skip
