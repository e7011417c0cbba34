"""GSMA Mobile Money API 1.2 for disbursements: the shape for Viettel Money, VNPT Money, MobiFone.

No Vietnamese operator has published its payout interface; this is the open standard that their
peers use, and a contract with one of them becomes a profile (or an adapter) of its own.

Single calls (`payments_per_call` 1): POST /transactions/type/disbursement. Batches: POST
/batchtransactions, then PATCH batchStatus = approved, then the pages of completions and
rejections. X-CorrelationID is the request id, a UUIDv5 of the payment's or batch's own id: it never
changes, a repeat is refused by the provider ("duplicateRequest"), and GET /responses/{id} finds
what became of a request whose answer was lost. Only a 404 of that call says that the provider
never had it; a request state that is gone says nothing.

Secrets: `api_key` (X-API-Key), `callback_key` (the X-API-Key that the operator sends with its
callbacks). Optional: `client_id` (X-Client-Id), `bearer` or `username` + `password`
(Authorization), `organisation_id`, `callback_url`.

Source: see gsma_read.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from bank_adapters.api import gsma_read
from bank_adapters.api.codes import seen, wallet_code
from bank_adapters.api.contract import (
    Answer,
    BadCallback,
    Call,
    Fate,
    Item,
    Reading,
    Reply,
    Secrets,
    Step,
)
from bank_adapters.api.profile import ApiProfile
from bank_adapters.api.shared import check_limits, groups, json_of, text_of
from bank_adapters.contract import AdapterError, BatchHeader, PaymentRow, RefusedRow

NAMESPACE = uuid.UUID("6f0c2f0e-3f5b-5d0a-9d55-0a7f6f1c9b51")
"""Namespace of our request ids; a constant for ever, as the ids depend on it."""
PAGE = 500
"""Rows asked for in one page of a batch's results."""
SINGLE = "/transactions/type/disbursement"
BATCH = "/batchtransactions"
_PHONE = re.compile(r"0[1-9][0-9]{8}")
_RESOURCE = re.compile(
    r"/(transactions|batchtransactions|requeststates)/([A-Za-z0-9_~-][A-Za-z0-9._~-]{0,255})"
)
_PAGED = re.compile(r"(/batchtransactions/[^/?]+)/(completions|rejections)\?limit=\d+&offset=(\d+)")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Gsma:
    """One operator under one profile."""

    name: ClassVar[str] = "gsma"
    secret_names: ClassVar[tuple[str, ...]] = ("api_key", "callback_key")

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
        """Check one order: a Vietnamese telephone number, an amount and a text in the limits."""
        if not _PHONE.fullmatch(row.account):
            raise RefusedRow(
                row.n, "account", "phone_number",
                f"Lệnh {row.n}: số tài khoản Mobile Money phải là số điện thoại 10 chữ số bắt đầu "
                "bằng 0; hãy sửa trong hồ sơ.",
                en=f"row {row.n}: a Mobile Money account is a telephone number of 10 digits",
            )  # fmt: skip
        check_limits(self._profile, row)

    def split(self, rows: Iterable[PaymentRow]) -> Iterator[tuple[PaymentRow, ...]]:
        """Return the orders of each call, in order."""
        return groups(rows, self._profile.payments_per_call)

    def request_id(self, header: BatchHeader, rows: Sequence[PaymentRow], n: int) -> str:
        """Return the X-CorrelationID: a UUIDv5 of the payment's id, or of the batch's id and n."""
        of = f"{header.message_id}/{header.lot}/{n}" if self._batches else rows[0].end_to_end_id
        return str(uuid.uuid5(NAMESPACE, of))

    def make(
        self,
        header: BatchHeader,
        rows: Sequence[PaymentRow],
        request_id: str,
        at: datetime,
        secrets: Secrets,
    ) -> Call:
        """Write the request that creates a transaction, or a batch to be approved."""
        payments = [self._payment(header, row, secrets) for row in rows]
        members = tuple(row.end_to_end_id for row in rows)
        if not self._batches:
            [body] = payments
            return self._call("pay", "POST", SINGLE, request_id, members, at, secrets, body)
        batch = {
            "batchStatus": "created",
            "batchTitle": header.message_id,
            "batchdescription": f"{len(rows)} / {sum(row.amount_vnd for row in rows)} VND",
            "transactions": [{"type": "disbursement", **payment} for payment in payments],
        }
        return self._call("pay", "POST", BATCH, request_id, members, at, secrets, batch)

    def _payment(self, header: BatchHeader, row: PaymentRow, secrets: Secrets) -> dict[str, Any]:
        body: dict[str, Any] = {
            "requestingOrganisationTransactionReference": row.end_to_end_id,
            "amount": str(row.amount_vnd),
            "currency": "VND",
            "creditParty": [{"key": "msisdn", "value": f"+84{row.account[1:]}"}],
            "debitParty": [{"key": "accountid", "value": header.debtor_account}],
            "descriptionText": row.text,
        }
        if organisation := secrets.get("organisation_id"):
            body["requestingOrganisation"] = {
                "requestingOrganisationIdentifierType": "organisationid",
                "requestingOrganisationIdentifier": organisation,
            }
        return body

    def next(self, call: Call, reading: Reading, at: datetime, secrets: Secrets) -> Call | None:
        """Write the call that follows: approve, follow a link, or read the next page."""
        if reading.stop:
            return None
        if reading.approve:
            approve = [{"op": "replace", "path": "/batchStatus", "value": "approved"}]
            return self._call(
                "approve", "PATCH", reading.reference, call.request_id, call.members, at, secrets,
                approve,
            )  # fmt: skip
        path = self._follows(call, reading)
        if path is None:
            return None
        return self._call("inquiry", "GET", path, call.request_id, call.members, at, secrets)

    def _follows(self, call: Call, reading: Reading) -> str | None:
        """Return the path to ask at once: links are followed one way, pages to their end.

        A page may hold fewer rows than were asked for, so the end is an empty page, or as many
        rows as there are members. A page that was not read ends it: the next inquiry starts anew.
        """
        if page := _PAGED.fullmatch(call.path):
            batch, kind, seen = page[1], page[2], int(page[3]) + len(reading.items)
            if not reading.reference:
                return None
            if reading.items and seen < len(call.members):
                return _page(batch, kind, seen)
            return _page(batch, "rejections", 0) if kind == "completions" else None
        if call.step == "approve":
            return _page(call.path, "completions", 0) if reading.items else None
        if _PAGED.fullmatch(reading.reference):
            return reading.reference
        if call.path == reading.reference and not reading.ask and self._batches:
            return _page(call.path, "completions", 0)
        if not reading.ask or reading.reference in ("", call.path):
            return None
        if call.path.startswith("/responses/"):
            return reading.reference
        to_batch = call.path == BATCH and reading.reference.startswith(
            ("/requeststates/", f"{BATCH}/")
        )
        to_result = reading.reference.startswith(("/transactions/", f"{BATCH}/"))
        from_state = call.path.startswith("/requeststates/")
        return reading.reference if to_batch or (from_state and to_result) else None

    def inquiry(
        self,
        request_id: str,
        members: Sequence[str],
        at: datetime,
        secrets: Secrets,
        reference: str = "",
        attempt: int = 1,
    ) -> Call:
        """Ask for the resource by its link, or find it by our own id after a lost answer.

        A request state may expire (`expiryTime`, `pollLimit`) and a link may be wrong, so every
        third attempt goes by our own id.
        """
        path = f"/responses/{request_id}"
        if _RESOURCE.fullmatch(reference) and attempt % 3:
            path = reference
        return self._call("inquiry", "GET", path, request_id, tuple(members), at, secrets)

    # --- in ---------------------------------------------------------------------------------------

    def read(
        self,
        call: Call,
        answer: Answer,
        secrets: Secrets,
    ) -> Reading:
        """Read an answer: 200, 201, 202 and 204 by their body, errors by their code."""
        body = json_of(answer.body)
        kept = call.path if _RESOURCE.fullmatch(call.path) else ""
        if answer.http >= 400:
            return self._refusal(call, answer.http, body, kept)
        if call.step == "approve" and answer.http in (200, 202, 204):
            return _all(call, "waiting", "approved", "", reference=kept)
        if answer.http not in (200, 201, 202) or body is None:
            return Reading((), ask=True, reference=kept)
        if isinstance(body, list):
            return self._page(call, body)
        return self._object(call, body, kept)

    def _page(self, call: Call, rows: list[Any]) -> Reading:
        """Read a page of results: an item for each row, without an id where it is not of ours."""
        if not _PAGED.fullmatch(call.path):
            return Reading((), ask=True)
        items = [gsma_read.listed(row, self._profile.seen_before) for row in rows]
        alien = {item.end_to_end_id for item in items} - {"", *call.members}
        ours = tuple(
            item if item.end_to_end_id in call.members else Item("", "unknown", "", "")
            for item in items
        )
        missing = set(call.members) - {i.end_to_end_id for i in ours if i.fate != "unknown"}
        batch = call.path.rsplit("/", 1)[0]
        return Reading(
            ours, ask=bool(missing), reference=batch, stop="other_payment" if alien else ""
        )

    def _object(self, call: Call, body: dict[str, Any], kept: str) -> Reading:
        if "serverCorrelationId" in body:
            return self._state(call, body, kept)
        if "batchStatus" in body or "batchId" in body:
            return self._batch(call, body)
        if "transactionStatus" in body:
            item = gsma_read.transaction(body, call.members)
            if item.end_to_end_id not in call.members:
                return Reading((), ask=True, stop="other_payment")
            link = _link(f"/transactions/{item.reference}")
            return Reading((item,), ask=item.fate in ("waiting", "unknown"), reference=link)
        return Reading((), ask=True, reference=_link(text_of(body, "link")) or kept)

    def _state(self, call: Call, body: dict[str, Any], kept: str) -> Reading:
        """Read a request state. "completed" is the request's state, never the payment's."""
        status = text_of(body, "status").strip().lower()
        if status == "failed":
            return self._refusal(call, 400, body, kept)
        own = _link(f"/requeststates/{text_of(body, 'serverCorrelationId')}") or kept
        made = text_of(body, "objectReference")
        if status == "completed" and made:
            kind = BATCH if self._batches else "/transactions"
            own = _link(made) or _link(f"{kind}/{made}") or own
        if status not in ("pending", "completed"):
            return _all(call, "unknown", status, "", reference=own)
        words = text_of(body, "pendingReason")
        return _all(call, "waiting", status, words, reference=own)

    def _batch(self, call: Call, body: dict[str, Any]) -> Reading:
        status = text_of(body, "batchStatus").strip().lower()
        own = _link(f"{BATCH}/{text_of(body, 'batchId')}")
        if not own:
            return Reading((), ask=True)
        if status == "completed":
            return Reading((), reference=own)
        if status == "created":
            read = [body.get(name, 0) for name in ("parsingSuccessCount", "rejectionCount")]
            if "parsingSuccessCount" in body and sum(map(_count, read)) != len(call.members):
                # The provider read another number of rows than were sent: nobody approves that.
                return Reading((), ask=True, reference=own, stop="batch_count")
            waiting = _all(call, "waiting", status, "", reference=own)
            return Reading(waiting.items, ask=True, approve=True, reference=own)
        if status == "approved":
            if _count(body.get("completedCount")) + _count(body.get("rejectionCount")):
                # What is decided is read now: one payment without an outcome may hold the batch.
                return Reading((), ask=True, reference=_page(own, "completions", 0))
            return _all(call, "waiting", status, "", reference=own)
        return _all(call, "unknown", status, "", reference=own)

    def _refusal(self, call: Call, http: int, body: Any, kept: str) -> Reading:
        category, code, words = gsma_read.error_of(body)
        if call.path.startswith("/responses/") and http == 404:
            if category == "identification":
                return _all(call, "absent", code, words, ask=False)
            return Reading((), ask=True)
        found = wallet_code("gsma", "pay", code)
        if code in self._profile.seen_before:
            found = seen(found)
        stop = found.stop or ("rail_auth" if http == 401 and not found.known else "")
        broken = http >= 500 or category in ("internal", "serviceUnavailable")
        failed_state = isinstance(body, dict) and "serverCorrelationId" in body
        if not code or not (call.step == "pay" or failed_state):
            return Reading((), ask=True, reference=kept, stop=stop)
        if broken or found.ask:
            return _stopped(_all(call, "unknown", code, words, reference=kept), stop)
        return _stopped(_all(call, found.fate, code, words), stop)

    # --- callbacks --------------------------------------------------------------------------------

    def check_callback(self, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> None:
        """Check the operator's key, and the hash of the body where it is given. BadCallback."""
        given = _lower(headers)
        if not hmac.compare_digest(
            given.get("x-api-key", "").encode(), secrets["callback_key"].encode()
        ):
            raise _bad("callback_key", "sai khóa của nhà mạng", "the operator's key is wrong")
        told = given.get("x-content-hash", "").lower()
        if told and not hmac.compare_digest(
            told.encode(), hashlib.sha256(body).hexdigest().encode()
        ):
            raise _bad("callback_hash", "sai mã băm nội dung", "the content hash is wrong")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Reading:
        """Read a transaction, or the request id of a batch's or a failure's callback.

        A failure callback has no id of the payment and is no verdict: its request is inquired.
        """
        value = json_of(body)
        request_id = _lower(headers).get("x-correlationid", "").strip().lower()
        if not isinstance(value, dict):
            raise _bad("callback_body", "không đọc được nội dung", "the body is no JSON object")
        if "transactionStatus" in value:
            item = gsma_read.transaction(value, ())
            if item.end_to_end_id:
                link = _link(f"/transactions/{item.reference}")
                ask = item.fate in ("waiting", "unknown")
                return Reading((item,), ask=ask, reference=link, request_id=request_id)
        if not _UUID.fullmatch(request_id):
            raise _bad("callback_id", "không có mã yêu cầu", "no correlation id")
        batch = text_of(value, "batchId")
        return Reading(
            (), ask=True, reference=_link(f"{BATCH}/{batch}") if batch else "",
            request_id=request_id,
        )  # fmt: skip

    def callback_reply(self) -> Reply:
        """Return 204 without a body, also for an id that we do not know."""
        return Reply(204)

    # --- balance and names ------------------------------------------------------------------------

    def balance_call(self, at: datetime, nonce: str, secrets: Secrets) -> Call:
        """Ask for the balance of the account that the operator's key stands for."""
        return self._call("inquiry", "GET", "/accounts/balance", nonce, (), at, secrets)

    def read_balance(self, answer: Answer) -> int:
        """Return the available balance in đồng, else the current one."""
        body = json_of(answer.body)
        if answer.http == 200 and text_of(body, "currency") in ("", "VND"):
            for name in ("availableBalance", "currentBalance"):
                amount = gsma_read.whole_vnd(text_of(body, name))
                if amount is not None:
                    return amount
        raise AdapterError(
            "balance_unread",
            "Không đọc được số dư ở nhà mạng; hãy thử lại hoặc hỏi nhà mạng.",
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
        """Ask who holds a telephone number's account (GSMA 1.2, master specification)."""
        phone = quote(f"+84{account[1:]}", safe="")
        path = f"/accounts/msisdn/{phone}/accountname"
        return self._call("inquiry", "GET", path, nonce, (), at, secrets)

    def read_name(self, answer: Answer) -> str:
        """Return the holder's name in Vietnamese order; "" where none is given."""
        body = json_of(answer.body)
        if answer.http != 200 or not isinstance(body, dict):
            raise AdapterError(
                "name_unread",
                "Nhà mạng không cho biết chủ tài khoản (không có tài khoản, hoặc lỗi); hãy kiểm "
                "tra số điện thoại.",
                en="no holder's name for this account",
            )
        told = body.get("name")
        whole = text_of(told, "nativeName") or text_of(told, "fullName")
        parts = (text_of(told, n) for n in ("lastName", "middleName", "firstName"))
        return " ".join((whole or " ".join(parts)).split())

    # --- one request ------------------------------------------------------------------------------

    def _call(
        self,
        step: Step,
        method: Literal["POST", "GET", "PATCH"],
        path: str,
        request_id: str,
        members: tuple[str, ...],
        at: datetime,
        secrets: Secrets,
        value: Any = None,
    ) -> Call:
        body = b""
        headers = [
            ("Accept", "application/json"),
            ("Accept-Charset", "utf-8"),
            ("X-Date", f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
            ("X-API-Key", secrets["api_key"]),
        ]
        if client := secrets.get("client_id"):
            headers.append(("X-Client-Id", client))
        if authorization := _authorization(secrets):
            headers.append(("Authorization", authorization))
        if value is not None:
            body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            headers += [
                ("Content-Type", "application/json"),
                ("X-Content-Hash", hashlib.sha256(body).hexdigest()),
                ("X-CorrelationID", correlation_id(request_id, step)),
            ]
            if step == "pay" and (url := secrets.get("callback_url")):
                headers.append(("X-Callback-URL", url))
        return Call(request_id, step, method, path, tuple(headers), body, members)


def correlation_id(request_id: str, step: Step) -> str:
    """Return the X-CorrelationID of a step: the request id, and one of its own for the approval."""
    return request_id if step == "pay" else str(uuid.uuid5(uuid.UUID(request_id), step))


def _authorization(secrets: Secrets) -> str:
    if bearer := secrets.get("bearer"):
        return f"Bearer {bearer}"
    if user := secrets.get("username"):
        return "Basic " + base64.b64encode(f"{user}:{secrets['password']}".encode()).decode()
    return ""


def _all(
    call: Call, fate: Fate, code: str, words: str, *, reference: str = "", ask: bool = True
) -> Reading:
    """Return one fate for every member of a call."""
    items = tuple(Item(member, fate, code, words) for member in call.members)
    return Reading(items, ask=ask and fate != "rejected", reference=reference)


def _stopped(reading: Reading, stop: str) -> Reading:
    return replace(reading, stop=stop)


def _link(link: str) -> str:
    """Return the path of a resource of this API; "" for anything else: no other host is called."""
    try:
        path = urlsplit(link).path
    except ValueError:
        return ""
    found = re.search(_RESOURCE.pattern + r"\Z", path)
    return found[0] if found and not link.startswith("//") else ""


def _page(batch: str, kind: str, offset: int) -> str:
    return f"{batch}/{kind}?limit={PAGE}&offset={offset}"


def _count(value: Any) -> int:
    return value if type(value) is int else 0


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _bad(code: str, what: str, en: str) -> BadCallback:
    return BadCallback(code, f"Thông báo của nhà mạng bị từ chối: {what}. Chưa ghi nhận gì.", en=en)
