"""A simulated Mobile Money operator: GSMA Mobile Money API 1.2, written from its OpenAPI alone.

`keys`: api_key (what the payer shows), callback_key (what this operator shows in its callbacks).
A payment with an outcome at once is answered 201, one that waits 202 with a request state. A
request that was refused made no resource: its correlation id stays free and /responses knows
nothing of it. Batches are created, approved by PATCH, and read by pages of at most `PAGE` rows.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from bank_adapters.simulators.wallet.base import Incoming, Outgoing, Route, Simulator
from bank_adapters.simulators.wallet.journal import NEVER, Order

PAGE = 100
"""Most rows of one page, however many are asked for."""
_STATUS = {
    "waiting": "pending", "credited": "completed", "rejected": "failed", "returned": "reversed",
}  # fmt: skip
_CATEGORY = {
    "identifierError": ("identification", 404),
    "clientAuthorisationError": ("authorisation", 401),
    "requestDeclined": ("authorisation", 401),
    "internal": ("internal", 500),
    "formatError": ("validation", 400),
    "lengthError": ("validation", 400),
    "currencyNotSupported": ("validation", 400),
    "mandatoryValueNotSupplied": ("validation", 400),
    "invalidOffset": ("validation", 400),
}
"""Category and HTTP status of a code; the others are business rules, 400."""
_AMOUNT = re.compile(r"([1-9][0-9]{0,17})")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_PHONE = re.compile(r"\+84([1-9][0-9]{8})")
_APPROVE = [{"op": "replace", "path": "/batchStatus", "value": "approved"}]


class _Refused(Exception):  # noqa: N818 - what the operator answers
    """The operator refuses with one of the standard's error codes."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code)
        self.code, self.words = code, words


class GsmaSimulator(Simulator):
    """One operator as its callers see it."""

    name: ClassVar[str] = "gsma"
    reasons: ClassVar[Mapping[str, str]] = {
        "": "incorrectState", "AC01": "identifierError", "AC04": "identifierError",
        "AC06": "incorrectState", "AM02": "monthlyValueLimitExceeded", "RC01": "identifierError",
    }  # fmt: skip

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Return the operator's calls that have no id in their path."""
        return {
            ("POST", "/transactions/type/disbursement"): Route(self._single, pays=True),
            ("POST", "/batchtransactions"): Route(self._create, pays=True),
            ("GET", "/accounts/balance"): Route(self._balance),
            ("GET", "/heartbeat"): Route(lambda _: Outgoing.of({"serviceStatus": "available"})),
        }

    def find(self, method: str, path: str) -> Route | None:
        """Return the route of a call; ids stand in the path."""
        if found := super().find(method, path):
            return found
        parts = path.removeprefix("/").split("/")
        match method, parts:
            case "GET", ["transactions", one]:
                return Route(lambda _: self._transaction(one))
            case "GET", ["requeststates", one]:
                return Route(lambda _: self._request_state(one))
            case "GET", ["responses", one]:
                return Route(lambda _: self._response(one))
            case "GET", ["batchtransactions", one]:
                return Route(lambda _: self._batch(one))
            case "PATCH", ["batchtransactions", one]:
                return Route(lambda call: self._approve(one, call), pays=True)
            case "GET", ["batchtransactions", one, ("completions" | "rejections") as kind]:
                return Route(lambda call: self._rows(one, kind, call))
            case "GET", ["accounts", "msisdn", one, "accountname"]:
                return Route(lambda _: self._account_name(one))
        return None

    def answer(self, call: Incoming) -> Outgoing:
        """Answer one request in the standard's words, faults too. Raises Cut."""
        if call.path.startswith("/_admin/"):
            return super().answer(call)
        try:
            self._check_sender(call)
            answer = super().answer(call)
        except _Refused as refused:
            return self._error(refused.code, refused.words)
        if answer.status == 429:
            return self._error("rateLimitError", "too many requests")
        if answer.status == 500:
            return self._error("internal", "internal error")
        if answer.status == 404 and b"errorCode" not in answer.body:
            return self._error("identifierError", "no such resource")
        return answer

    def _check_sender(self, call: Incoming) -> None:
        if call.headers.get("x-api-key") != self.keys["api_key"]:
            raise _Refused("clientAuthorisationError", "")
        told = call.headers.get("x-content-hash")
        if told is not None and told != hashlib.sha256(call.body).hexdigest():
            raise _Refused("formatError", "X-Content-Hash")

    # --- single payments --------------------------------------------------------------------------

    def _single(self, call: Incoming) -> Outgoing:
        request = self._new_request(call)
        ours, account, amount, text = self._payment(call.json())
        self.tell(request, ours, account, amount)
        self._refuse_repeat(request)
        if not self.covers(amount):
            raise _Refused("insufficientFunds", "")
        code = self.reason("AC04") if self.holder(account).closed else ""
        order = self.pay(request, ours, account, amount, text=text, code=code)
        now = self.clock.now()
        if order.state(now) == "rejected":
            raise _Refused(order.code, "")
        self.journal.keep("request", request, now, {"link": f"/transactions/T{order.n}"})
        self.journal.keep("transaction", f"T{order.n}", now, ours)
        waits = order.state(now) == "waiting"
        if waits or order.back < NEVER:
            self.call_back(order, lambda at: self._callback(order, at), method="PUT")
        if waits:
            state = _state_id(request)
            self.journal.keep("state", state, now, {"order": ours, "ref": f"T{order.n}"})
            return Outgoing.of(self._state(state, order), 202)
        return Outgoing.of(self._told(order), 201)

    def _new_request(self, call: Incoming) -> str:
        request = call.headers.get("x-correlationid", "")
        if not _UUID.fullmatch(request):
            raise _Refused("mandatoryValueNotSupplied", "X-CorrelationID")
        return request.lower()

    def _refuse_repeat(self, request: str) -> None:
        if self.journal.kept("request", request, self.known_since()) is not None:
            raise _Refused("duplicateRequest", "")

    def _payment(self, body: Any) -> tuple[str, str, int, str]:
        """Return our reference, the payee's account (0…), the amount and the text."""
        if not isinstance(body, dict):
            raise _Refused("formatError", "body")
        for name in ("amount", "currency", "creditParty"):
            if name not in body:
                raise _Refused("mandatoryValueNotSupplied", name)
        if body["currency"] != "VND":
            raise _Refused("currencyNotSupported", "")
        if not isinstance(body["amount"], str) or not _AMOUNT.fullmatch(body["amount"]):
            raise _Refused("formatError", "amount")
        payee = {p["key"]: p["value"] for p in body["creditParty"]}
        found = _PHONE.fullmatch(payee.get("msisdn", ""))
        if found is None:
            raise _Refused("formatError", "msisdn")
        text = body.get("descriptionText", "")
        if len(text) > 160:
            raise _Refused("lengthError", "descriptionText")
        ours = body.get("requestingOrganisationTransactionReference", "")
        return ours, f"0{found[1]}", int(body["amount"]), text

    def _told(self, order: Order, at: int | None = None) -> dict[str, Any]:
        return {
            "transactionReference": f"T{order.n}",
            "requestingOrganisationTransactionReference": order.id,
            "type": "disbursement",
            "transactionStatus": _STATUS[order.state(self.clock.now() if at is None else at)],
            "amount": str(self.told_amount(order)),
            "currency": "VND",
            "descriptionText": order.text,
            **self._parties(order),
            "creationDate": _time(order.at),
            "modificationDate": _time(self.clock.now()),
        }

    def _parties(self, order: Order) -> dict[str, Any]:
        phone = f"+84{self.told_account(order)[1:]}"
        return {
            "creditParty": [{"key": "msisdn", "value": phone}],
            "debitParty": [{"key": "organisationid", "value": "payer"}],
        }

    def _callback(self, order: Order, at: int) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body: the transaction, or nothing but an error where it failed."""
        failed = order.state(at) == "rejected"
        value = _fault(order.reason(at), "", at)[1] if failed else self._told(order, at)
        body = json.dumps(value, ensure_ascii=False).encode()
        key = self.keys["callback_key"]
        return {
            "content-type": "application/json",
            "x-correlationid": order.request,
            "x-api-key": key if not self.faults.take("wrong_signature") else f"not {key}",
            "x-content-hash": hashlib.sha256(body).hexdigest(),
            "x-date": _time(at),
        }, body

    # --- what became of a request -----------------------------------------------------------------

    def _state(self, state: str, order: Order) -> dict[str, Any]:
        now = self.clock.now()
        out: dict[str, Any] = {
            "serverCorrelationId": state,
            "notificationMethod": "callback" if self.sends_callbacks() else "polling",
            "status": "pending",
        }
        if order.state(now) == "rejected":
            return out | {"status": "failed", "error": _fault(order.code, "", now)[1]}
        if order.state(now) != "waiting":
            return out | {"status": "completed", "objectReference": f"T{order.n}"}
        return out

    def _request_state(self, state: str) -> Outgoing:
        kept = self.journal.kept("state", state, self.known_since())
        if kept is None:
            raise _Refused("identifierError", "requeststate")
        if "batch" in kept:
            done = {
                "serverCorrelationId": state, "notificationMethod": "polling",
                "status": "completed", "objectReference": kept["batch"],
            }  # fmt: skip
            return Outgoing.of(done)
        [order] = self.journal.orders(kept["order"])[-1:]
        return Outgoing.of(self._state(state, order))

    def _response(self, request: str) -> Outgoing:
        kept = self.journal.kept("request", request.lower(), self.known_since())
        if kept is None:
            raise _Refused("identifierError", "no resource of this correlation id")
        return Outgoing.of({"link": kept["link"]})

    def _transaction(self, reference: str) -> Outgoing:
        ours = self.journal.kept("transaction", reference, self.known_since())
        found = self.journal.orders(ours) if ours is not None else []
        order = next((o for o in found if f"T{o.n}" == reference), None)
        if order is None:
            raise _Refused("identifierError", "transaction")
        return Outgoing.of(self._told(order))

    # --- batches ----------------------------------------------------------------------------------

    def _create(self, call: Incoming) -> Outgoing:
        request, body = self._new_request(call), call.json()
        rows = body.get("transactions") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not rows:
            raise _Refused("mandatoryValueNotSupplied", "transactions")
        good, bad = [], []
        for row in rows:
            try:
                good.append(self._payment(row))
            except _Refused as refused:
                bad.append([row, f"{refused.code}: {refused.words}"])
        for ours, account, amount, _ in good:
            self.tell(request, ours, account, amount)
        self._refuse_repeat(request)
        now = self.clock.now()
        batch, state = f"B{request[:13]}", _state_id(request)
        self.journal.keep("batch", batch, now, {
            "request": request, "title": body.get("batchTitle", ""), "good": good, "bad": bad,
            "status": "created", "approved": now, "created": now,
        })  # fmt: skip
        self.journal.keep("request", request, now, {"link": f"/batchtransactions/{batch}"})
        self.journal.keep("state", state, now, {"batch": batch})
        pending = {
            "serverCorrelationId": state, "notificationMethod": "polling", "status": "pending",
        }  # fmt: skip
        return Outgoing.of(pending, 202)

    def _approve(self, batch: str, call: Incoming) -> Outgoing:
        request, kept = self._new_request(call), self._kept(batch)
        if call.json() != _APPROVE:
            raise _Refused("formatError", "only batchStatus = approved")
        self._refuse_repeat(request)
        if kept["status"] != "created":
            raise _Refused("incorrectState", "batch is approved already")
        if not self.covers(sum(amount for _, _, amount, _ in kept["good"])):
            raise _Refused("insufficientFunds", "")
        now = self.clock.now()
        for ours, account, amount, text in kept["good"]:
            code = self.reason("AC04") if self.holder(account).closed else ""
            order = self.pay(kept["request"], ours, account, amount, text=text, code=code)
            self.journal.keep("transaction", f"T{order.n}", now, ours)
            if order.back < NEVER:
                self.call_back(order, partial(self._callback, order), method="PUT")
        self.journal.keep("batch", batch, kept["created"], kept | {
            "status": "approved", "approved": now,
        })  # fmt: skip
        self.journal.keep("request", request, now, {"link": f"/batchtransactions/{batch}"})
        return Outgoing(204)

    def _kept(self, batch: str) -> dict[str, Any]:
        kept = self.journal.kept("batch", batch, self.known_since())
        if kept is None:
            raise _Refused("identifierError", "batch")
        return dict(kept)

    def _batch(self, batch: str) -> Outgoing:
        kept, now = self._kept(batch), self.clock.now()
        done, refused = self._decided(kept)
        status = kept["status"]
        if status == "approved" and len(done) + len(refused) == len(kept["good"]) + len(
            kept["bad"]
        ):
            status = "completed"
        # The standard requires both dates in every state; until then they say when it was created.
        return Outgoing.of({
            "batchId": batch, "batchStatus": status, "batchTitle": kept["title"],
            "approvalDate": _time(kept["approved"]), "completionDate": _time(now),
            "creationDate": _time(kept["created"]), "parsingSuccessCount": len(kept["good"]),
            "rejectionCount": len(refused) if kept["status"] != "created" else len(kept["bad"]),
            "completedCount": len(done),
        })  # fmt: skip

    def _decided(self, kept: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the rows of completions and of rejections."""
        now, done, refused = self.clock.now(), [], []
        for row, reason in kept["bad"]:
            refused.append({
                "requestingOrganisationTransactionReference":
                    row.get("requestingOrganisationTransactionReference", ""),
                "creditParty": row["creditParty"], "debitParty": row["debitParty"],
                "rejectionReason": reason, "rejectionDate": _time(kept["created"]),
            })  # fmt: skip
        for order in self.journal.orders(request=kept["request"]):
            state = order.state(now)
            row = {
                "transactionReference": f"T{order.n}",
                "requestingOrganisationTransactionReference": order.id, **self._parties(order),
            }  # fmt: skip
            if state == "rejected":
                refused.append(
                    {**row, "rejectionReason": order.code, "rejectionDate": _time(order.due)}
                )
            elif state != "waiting":
                link = f"/transactions/T{order.n}"
                done.append({**row, "completionDate": _time(order.due), "link": link})
        return done, refused

    def _rows(self, batch: str, kind: str, call: Incoming) -> Outgoing:
        done, refused = self._decided(self._kept(batch))
        rows = done if kind == "completions" else refused
        start, most = call.query.get("offset", "0"), call.query.get("limit", str(PAGE))
        if not start.isdigit() or not most.isdigit():
            raise _Refused("invalidOffset", "")
        return Outgoing.of(rows[int(start) : int(start) + min(int(most), PAGE)])

    # --- accounts ---------------------------------------------------------------------------------

    def _balance(self, _: Incoming) -> Outgoing:
        amount = str(self.balance())
        return Outgoing.of({
            "accountStatus": "available", "currentBalance": amount, "availableBalance": amount,
            "currency": "VND",
        })  # fmt: skip

    def _account_name(self, phone: str) -> Outgoing:
        found = _PHONE.fullmatch(phone.replace("%2B", "+"))
        if found is None or self.holder(f"0{found[1]}").closed:
            raise _Refused("identifierError", "account")
        return Outgoing.of({"name": {"fullName": self.holder(f"0{found[1]}").name}})

    def _error(self, code: str, words: str) -> Outgoing:
        status, value = _fault(code, words, self.clock.now())
        return Outgoing.of(value, status)


def _fault(code: str, words: str, at: int) -> tuple[int, dict[str, str]]:
    """Return HTTP status and error object of a code."""
    category, status = _CATEGORY.get(code, ("businessRule", 400))
    value = {
        "errorCategory": category,
        "errorCode": code if code != "internal" else "genericError",
        "errorDateTime": _time(at),
    }
    if words:
        value["errordescription"] = words
    return status, value


def _state_id(request: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, request))


def _time(seconds: int) -> str:
    if seconds >= NEVER:
        seconds = 0
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
