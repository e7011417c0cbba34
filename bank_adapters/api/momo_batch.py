"""MoMo batches: create, read back what MoMo holds, then pay.

batch/create is signed over the total and the ids only: neither payees nor amounts of the items are
covered. So before batch/pay every page of batch/query is read and compared with what was sent; a
batch that MoMo holds otherwise is never paid. The comparison travels with the calls in the header
X-Items (number and fingerprint of what was sent, number and fingerprint of what was read so far):
it is a sum of hashes and shows nothing.

A batch that MoMo holds but that was not paid (its state is CREATED) is told as `absent`: nothing
was or will be paid until batch/pay, and sending the same batch/create again leads on from there.

What the answers of batch/query look like is not published: fields and states other than SUCCEEDED
are inferred, confidence low. `m_token` comes from the payer's own confirmation of the batch at MoMo
(`initiate`), which no program may give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bank_adapters.api.codes import Asked, CodeMeaning
from bank_adapters.api.contract import Answer, Call, Fate, Item, Reading, Secrets, Step
from bank_adapters.api.momo_wire import call as write
from bank_adapters.api.momo_wire import code_of, group_of, unread
from bank_adapters.api.shared import dong_of, json_of, text_of, whole_of
from bank_adapters.contract import BatchHeader, PaymentRow

CREATE = "/v2/gateway/api/disbursement/batch/create"
PAY = "/v2/gateway/api/disbursement/batch/pay"
QUERY = "/v2/gateway/api/disbursement/batch/query"
PAGE = 50
"""Items asked for in one page, as in MoMo's sample."""
HELD = "CREATED"
STATES: Mapping[str, Fate] = {
    "SUCCEEDED": "credited", "PROCESSING": "waiting", "PENDING": "waiting",
}  # fmt: skip
FAILED = frozenset({"FAILED", "REJECTED", "CANCELLED"})
"""States in which the item's own resultCode decides."""
Meaning = Callable[[Asked, str], CodeMeaning]
_WHOLE = 1 << 256


def create(
    header: BatchHeader, rows: Sequence[PaymentRow], request_id: str, secrets: Secrets
) -> Call:
    """Write batch/create."""
    token = secrets["m_token"]
    body = {
        "description": header.message_id,
        "requestType": "batchWallet",
        "amount": str(sum(row.amount_vnd for row in rows)),
        "lang": "vi",
        "disbursements": [
            {
                "id": row.end_to_end_id,
                "method": {"walletId": row.account, "walletName": row.name},
                "amount": row.amount_vnd,
                "description": row.text,
            }
            for row in rows
        ],
    } | group_of(secrets)
    ids = {
        "mToken": token,
        "orderId": request_id,
        "partnerCode": secrets["partner_code"],
        "requestId": request_id,
    }
    headers = (*ids.items(), ("X-Items", f"{len(rows)}:{_sum_of(rows)}:0:0"))
    members = tuple(row.end_to_end_id for row in rows)
    return write(
        "pay", CREATE, request_id, members, body, ("amount", "requestType"), secrets, headers, ids
    )


def page(
    step: Step,
    request_id: str,
    members: tuple[str, ...],
    at: datetime,
    number: int,
    secrets: Secrets,
    items: str = "",
) -> Call:
    """Write batch/query for one page, under a request id of its own.

    With `items` (what was sent) it is a page of the comparison before batch/pay.
    """
    own = f"{request_id}-{'C' if items else 'Q'}{number}-{int(at.timestamp())}"
    body = {
        "partnerCode": secrets["partner_code"], "orderId": request_id, "lang": "vi",
        "requestId": own, "pageSize": PAGE, "pageNum": number, "states": [],
    }  # fmt: skip
    signed = ("orderId", "pageNum", "pageSize", "partnerCode", "requestId")
    headers = (("X-Items", items),) if items else ()
    return write(step, QUERY, request_id, members, body, signed,
                     secrets, headers)  # fmt: skip


def following(call: Call, reading: Reading, at: datetime, secrets: Secrets) -> Call | None:
    """Write the next page, or batch/pay once everything that was sent was read back."""
    if reading.stop or call.path == PAY or (call.path == CREATE and not reading.approve):
        return None
    sent = dict(call.headers).get("X-Items", "")
    if call.path == CREATE:
        return page("inquiry", call.request_id, call.members, at, 1, secrets, sent)
    if len(reading.items) == PAGE:
        more = _added(sent, reading.items) if sent else ""
        number = _page_of(call) + 1
        return page(call.step, call.request_id, call.members, at, number, secrets, more)
    if not sent or not reading.approve:
        return None
    body = {
        "partnerCode": secrets["partner_code"], "orderId": call.request_id, "lang": "vi",
        "requestId": f"{call.request_id}-P",
    } | group_of(secrets)  # fmt: skip
    signed = ("orderId", "partnerCode", "requestId")
    return write("approve", PAY, call.request_id, call.members, body, signed, secrets)


def read(call: Call, answer: Answer, meaning: Meaning) -> Reading:
    """Read an answer to one of the calls of a batch."""
    body = json_of(answer.body)
    code = code_of(body)
    if not code or answer.http >= 500 or answer.http in (401, 403, 429):
        return unread(call, answer, code)
    if text_of(body, "orderId") not in ("", call.request_id):
        return Reading((), ask=True, stop="other_payment")
    if call.path == QUERY:
        return _page(call, body, meaning)
    found, said = meaning("pay", code), text_of(body, "message")
    if code == "0" and answer.http < 300:
        held = tuple(Item(m, "waiting", code, said) for m in call.members)
        return Reading(held, ask=True, approve=call.path == CREATE, reference=call.request_id)
    # Only a refused creation says that nothing will be paid; a refused batch/pay may have been
    # repeated, and is asked about.
    fate: Fate = found.fate if call.path == CREATE and found.fate == "rejected" else "unknown"
    items = tuple(Item(m, fate, code, said) for m in call.members)
    return Reading(items, ask=fate != "rejected", stop=found.stop)


def _page(call: Call, body: Any, meaning: Meaning) -> Reading:
    code = code_of(body)
    found = meaning("inquiry", code)
    if found.fate == "absent":
        return Reading(tuple(Item(m, "absent", code, "") for m in call.members))
    rows = body.get("items")
    if code != "0" or not isinstance(rows, list):
        return Reading((), ask=True, stop=found.stop)
    held = text_of(body, "state") == HELD
    items = tuple(_item(row, meaning, held=held) for row in rows)
    told = [item.end_to_end_id for item in items]
    if not set(told) <= set(call.members) or len(set(told)) != len(told):
        return Reading((), ask=True, stop="other_payment")
    sent = dict(call.headers).get("X-Items", "")
    if not sent:
        return Reading(items, ask=any(i.fate in ("waiting", "unknown") for i in items))
    items = tuple(_waiting(item) for item in items)
    if len(items) == PAGE:
        return Reading(items, ask=True, approve=True)
    count, fingerprint, seen, sum_seen = _added(sent, items).split(":")
    if (count, fingerprint) != (seen, sum_seen):
        return Reading(items, ask=True, stop="batch_items_differ")
    return Reading(items, ask=True, approve=True)


def _item(row: Any, meaning: Meaning, *, held: bool) -> Item:
    state, code = text_of(row, "state"), code_of(row)
    fate: Fate = STATES.get(state, "unknown")
    if held:
        fate = "absent"
    elif state in FAILED:
        found = meaning("pay", code).fate
        fate = "rejected" if found == "rejected" else "unknown"
    get = row.get if isinstance(row, dict) else {}.get
    method = get("method")
    return Item(
        text_of(row, "id"), fate, code or state, text_of(row, "message"), dong_of(get("amount")),
        text_of(method, "walletId") or None, whole_of(get("transId")),
    )  # fmt: skip


def _waiting(item: Item) -> Item:
    """Return an item of a batch that is being checked before it is paid."""
    return Item(item.end_to_end_id, "waiting", item.code, item.text, item.amount_vnd, item.account)


def _print_of(payment: str, amount: int | None, account: str | None) -> int:
    words = f"{payment}|{amount}|{account}".encode()
    return int.from_bytes(hashlib.sha256(words).digest(), "big")


def _sum_of(rows: Sequence[PaymentRow]) -> int:
    return sum(_print_of(r.end_to_end_id, r.amount_vnd, r.account) for r in rows) % _WHOLE


def _added(sent: str, items: Sequence[Item]) -> str:
    count, fingerprint, seen, sum_seen = sent.split(":")
    more = sum(_print_of(i.end_to_end_id, i.amount_vnd, i.account) for i in items)
    return f"{count}:{fingerprint}:{int(seen) + len(items)}:{(int(sum_seen) + more) % _WHOLE}"


def _page_of(call: Call) -> int:
    body = json_of(call.body)
    return int(body["pageNum"]) if isinstance(body, dict) else 1
