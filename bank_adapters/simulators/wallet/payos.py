"""A simulated payOS: payouts to bank accounts, written from what its public SDK sends and reads.

`keys`: client_id, api_key, checksum_key. payOS publishes no list of error codes: those of a failed
transaction are here ISO reasons (AC04, …), of a refused request words of the simulator's own. The
same idempotency key is answered with the same payout; a known referenceId under another key is
refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from bank_adapters.simulators.wallet.base import Incoming, Outgoing, Route, Simulator
from bank_adapters.simulators.wallet.journal import Order

_STATE = {
    "waiting": "PROCESSING", "credited": "SUCCEEDED", "rejected": "FAILED", "returned": "REVERSED",
}  # fmt: skip
_FIELDS = ("referenceId", "amount", "description", "toBin", "toAccountNumber")


class PayOSSimulator(Simulator):
    """payOS as its callers see it."""

    name: ClassVar[str] = "payos"
    reasons: ClassVar[Mapping[str, str]] = {
        "": "AG01", **{code: code for code in ("AC01", "AC04", "AC06", "AB05", "AM02", "RC01")},
    }  # fmt: skip

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Return payOS' calls that have no id in their path."""
        return {
            ("POST", "/v1/payouts"): Route(self._single, pays=True),
            ("POST", "/v1/payouts/batch"): Route(self._many, pays=True),
            ("POST", "/v1/payouts/estimate-credit"): Route(self._estimate),
            ("GET", "/v1/payouts"): Route(self._list),
            ("GET", "/v1/payouts-account/balance"): Route(self._balance),
        }

    def find(self, method: str, path: str) -> Route | None:
        """Return the route of a call; a payout's id stands in the path."""
        if found := super().find(method, path):
            return found
        one = re.fullmatch(r"/v1/payouts/(po_[0-9a-f]+)", path)
        if method == "GET" and one:
            return Route(lambda call: self._one(call, one[1]))
        return None

    # --- payouts ----------------------------------------------------------------------------------

    def _single(self, call: Incoming) -> Outgoing:
        body = self._signed(call)
        if isinstance(body, Outgoing):
            return body
        return self._create(call, body, [body])

    def _many(self, call: Incoming) -> Outgoing:
        body = self._signed(call)
        if isinstance(body, Outgoing):
            return body
        rows = body.get("payouts")
        if not isinstance(rows, list) or not rows or not body.get("referenceId"):
            return _refused(400, "INVALID", "payouts")
        return self._create(call, body, rows)

    def _create(self, call: Incoming, body: dict[str, Any], rows: list[Any]) -> Outgoing:
        key = call.headers.get("x-idempotency-key", "")
        if not key or not all(_whole(row) for row in rows):
            return _refused(400, "INVALID", "x-idempotency-key" if not key else "payouts")
        ours = str(body["referenceId"])
        for row in rows:
            self.tell(key, row["referenceId"], row["toAccountNumber"], row["amount"])
        since, now = self.known_since(), self.clock.now()
        before = self.journal.kept("key", key, since)
        if before is not None:
            same = before["body"] == hashlib.sha256(call.body).hexdigest()
            return self._said(self._payout(before["payout"])) if same else _refused(
                409, "KEY_REUSED", "x-idempotency-key"
            )  # fmt: skip
        if self.journal.kept("reference", ours, since) is not None:
            return _refused(409, "REFERENCE_EXISTS", "referenceId")
        if not self.covers(sum(row["amount"] for row in rows)):
            return _refused(400, "INSUFFICIENT_BALANCE", "")
        payout = f"po_{hashlib.sha256(f'{ours}:{now}:{key}'.encode()).hexdigest()[:24]}"
        self.journal.keep("payout", payout, now, {"reference": ours, "request": payout, "at": now})
        self.journal.keep("key", key, now, {
            "payout": payout, "body": hashlib.sha256(call.body).hexdigest(),
        })  # fmt: skip
        self.journal.keep("reference", ours, now, payout)
        for row in rows:
            account = row["toAccountNumber"]
            code = self.reason("AC04") if self.holder(account).closed else ""
            self.pay(
                payout, row["referenceId"], account, row["amount"], bank=row["toBin"],
                text=row["description"], code=code,
            )  # fmt: skip
        return self._said(self._payout(payout))

    def _payout(self, payout: str) -> dict[str, Any]:
        kept = self.journal.kept("payout", payout)
        orders = self.journal.orders(request=payout)
        states = {order.state(self.clock.now()) for order in orders}
        approval = "PROCESSING"
        if "waiting" not in states:
            approval = "COMPLETED" if states <= {"credited", "returned"} else "PARTIAL_COMPLETED"
            approval = "FAILED" if states == {"rejected"} else approval
        return {
            "id": payout,
            "referenceId": kept["reference"],
            "transactions": [self._transaction(order) for order in orders],
            "category": None,
            "approvalState": approval,
            "createdAt": _time(kept["at"]),
        }

    def _transaction(self, order: Order) -> dict[str, Any]:
        now = self.clock.now()
        code = order.reason(now)
        return {
            "id": f"tx_{order.n}",
            "referenceId": order.id,
            "amount": self.told_amount(order),
            "description": order.text,
            "toBin": order.bank,
            "toAccountNumber": self.told_account(order),
            "toAccountName": self.holder(order.account).name,
            "reference": f"FT{order.n:010d}" if order.state(now) == "credited" else None,
            "transactionDatetime": _time(order.due) if order.state(now) != "waiting" else None,
            "errorMessage": f"reason {code}" if code else None,
            "errorCode": code or None,
            "state": _STATE[order.state(now)],
        }

    # --- asking -----------------------------------------------------------------------------------

    def _list(self, call: Incoming) -> Outgoing:
        if (refused := self._sender(call)) is not None:
            return refused
        wanted = call.query.get("referenceId", "")
        found = self.journal.kept("reference", wanted, self.known_since())
        payouts = [self._payout(found)] if found is not None else []
        many = len(payouts)
        pages = {"limit": 10, "offset": 0, "total": many, "count": many, "hasMore": False}
        return self._said({"payouts": payouts, "pagination": pages})

    def _one(self, call: Incoming, payout: str) -> Outgoing:
        if (refused := self._sender(call)) is not None:
            return refused
        if self.journal.kept("payout", payout, self.known_since()) is None:
            return _refused(404, "NOT_FOUND", "id")
        return self._said(self._payout(payout))

    def _estimate(self, call: Incoming) -> Outgoing:
        body = self._signed(call)
        if isinstance(body, Outgoing):
            return body
        rows = body.get("payouts", [body])
        return self._said({"estimateCredit": sum(int(row["amount"]) for row in rows)})

    def _balance(self, call: Incoming) -> Outgoing:
        if (refused := self._sender(call)) is not None:
            return refused
        return self._said({
            "accountNumber": "0000", "accountName": "PAYER", "currency": "VND",
            "balance": str(self.balance()),
        })  # fmt: skip

    # --- signatures -------------------------------------------------------------------------------

    def _sender(self, call: Incoming) -> Outgoing | None:
        for name in ("client_id", "api_key"):
            if call.headers.get(f"x-{name.replace('_', '-')}") != self.keys[name]:
                return _refused(401, "UNAUTHORIZED", "")
        return None

    def _signed(self, call: Incoming) -> dict[str, Any] | Outgoing:
        """Return the body of a request whose sender and signature are right."""
        if (refused := self._sender(call)) is not None:
            return refused
        body = call.json()
        if not isinstance(body, dict):
            return _refused(400, "INVALID", "body")
        if call.headers.get("x-signature") != self._signature(body):
            return _refused(400, "INVALID_SIGNATURE", "x-signature")
        return body

    def _said(self, data: dict[str, Any]) -> Outgoing:
        right = self._signature(data)
        told = right if not self.faults.take("wrong_signature") else right[::-1]
        return Outgoing.of(
            {"code": "00", "desc": "success", "data": data}, headers={"x-signature": told}
        )

    def _signature(self, data: Mapping[str, Any]) -> str:
        words = "&".join(f"{quote(k)}={quote(_words(v))}" for k, v in sorted(data.items()))
        return hmac.new(
            self.keys["checksum_key"].encode(), words.encode(), hashlib.sha256
        ).hexdigest()


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _whole(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(name in row for name in _FIELDS)
        and type(row["amount"]) is int
        and row["amount"] > 0
        and re.fullmatch(r"[0-9]{6}", str(row["toBin"])) is not None
    )


def _refused(http: int, code: str, what: str) -> Outgoing:
    return Outgoing.of({"code": code, "desc": what, "data": None}, http)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
