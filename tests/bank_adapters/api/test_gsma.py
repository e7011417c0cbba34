"""GSMA Mobile Money: what leaves is what the standard says, and no answer is read as too much."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import uuid

import pytest

from bank_adapters.api import log
from bank_adapters.api.contract import BadCallback, Call, Secrets
from bank_adapters.api.gsma import PAGE, Gsma, correlation_id
from bank_adapters.api.gsma_read import whole_vnd
from bank_adapters.api.profile import load_api_profile
from bank_adapters.contract import AdapterError, RefusedRow
from tests.bank_adapters.api.build import AT, GSMA_SECRETS, answer, header, phone_row
from tests.bank_adapters.api.openapi import DISBURSEMENTS, MASTER, SPECS, open_api

SINGLE = Gsma(load_api_profile("viettel-money-1"))
BATCHES = Gsma(load_api_profile("gsma-batch-1"))
OTHERS = [Gsma(load_api_profile(name)) for name in ("vnpt-money-1", "mobifone-money-1")]
STATE = "8f0c2f0e-3f5b-4d0a-9d55-0a7f6f1c9b51"


def single(n: int = 1) -> Call:
    rows = [phone_row(n)]
    head = header(rows)
    return SINGLE.make(head, rows, SINGLE.request_id(head, rows, 1), AT, GSMA_SECRETS)


def batch(count: int = 3) -> Call:
    rows = [phone_row(n) for n in range(1, count + 1)]
    head = header(rows)
    return BATCHES.make(head, rows, BATCHES.request_id(head, rows, 1), AT, GSMA_SECRETS)


def get(call: Call, path: str) -> Call:
    return dataclasses.replace(call, step="inquiry", method="GET", path=path, body=b"")


def done(call: Call, **changes: object) -> dict[str, object]:
    body = json.loads(call.body)
    return {
        "transactionReference": "T1",
        "requestingOrganisationTransactionReference": call.members[0],
        "transactionStatus": "completed",
        "amount": "810000",
        "currency": "VND",
        "type": "disbursement",
        "creditParty": body["creditParty"],
        "debitParty": body["debitParty"],
    } | changes


def fault(category: str, code: str, **more: object) -> dict[str, object]:
    return {"errorCategory": category, "errorCode": code} | more


# --- what leaves ----------------------------------------------------------------------------------


def test_a_single_request_satisfies_the_published_specification():
    api = open_api()
    call = single()
    api.request(call.method, call.path, dict(call.headers), call.body)
    body = json.loads(call.body)
    assert (body["amount"], body["currency"]) == ("810000", "VND")
    assert body["creditParty"] == [{"key": "msisdn", "value": "+84900000001"}]
    assert body["requestingOrganisationTransactionReference"] == call.members[0]
    assert body["debitParty"] == [{"key": "accountid", "value": "10000001"}]


def test_a_batch_and_its_approval_satisfy_the_published_specification():
    api = open_api()
    call = batch()
    api.request(call.method, call.path, dict(call.headers), call.body)
    sent = json.loads(call.body)
    assert [t["amount"] for t in sent["transactions"]] == ["810000"] * 3
    assert sent["batchStatus"] == "created"
    waiting = BATCHES.read(
        get(call, "/batchtransactions/B1"),
        answer(200, {"batchId": "B1", "batchStatus": "created"}),
        GSMA_SECRETS,
    )
    approve = BATCHES.next(call, waiting, AT, GSMA_SECRETS)
    assert (approve.step, approve.method, approve.path) == (
        "approve",
        "PATCH",
        "/batchtransactions/B1",
    )
    assert json.loads(approve.body) == [
        {"op": "replace", "path": "/batchStatus", "value": "approved"}
    ]
    api.request("PATCH", approve.path, dict(approve.headers), approve.body)
    assert approve.request_id == call.request_id
    assert dict(approve.headers)["X-CorrelationID"] != dict(call.headers)["X-CorrelationID"]


@pytest.mark.parametrize(
    "reference", ["", f"/requeststates/{STATE}", "/transactions/T1", "/batchtransactions/B1"]
)
def test_inquiries_satisfy_the_published_specification(reference):
    api = open_api()
    call = BATCHES.inquiry(batch().request_id, ["A"], AT, GSMA_SECRETS, reference)
    api.request(call.method, call.path, dict(call.headers), call.body)
    assert call.path == (reference or f"/responses/{call.request_id}")


def test_the_specification_would_refuse_the_usual_mistakes():
    api = open_api()
    call = single()
    body = json.loads(call.body)
    for wrong in (
        {"amount": "810000.00"}, {"amount": 810000}, {"amount": "0810000"}, {"currency": "VNĐ"},
        {"descriptionText": "x" * 161}, {"name": "A"},
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            api.request(
                call.method, call.path, dict(call.headers), json.dumps(body | wrong).encode()
            )
    headers = dict(call.headers) | {"X-CorrelationID": "DS25B1"}
    with pytest.raises(AssertionError):
        api.request(call.method, call.path, headers, call.body)


def test_balance_and_name_are_asked_as_specified():
    balance = SINGLE.balance_call(AT, "n", GSMA_SECRETS)
    open_api().request("GET", balance.path, dict(balance.headers), b"")
    name = SINGLE.name_call("Viettel Money", "0900000001", "", AT, "n", GSMA_SECRETS)
    open_api(MASTER).request("GET", name.path, dict(name.headers), b"")


def test_the_correlation_id_is_a_function_of_the_payment_alone():
    first, again = single(), single()
    assert first.request_id == again.request_id == dict(first.headers)["X-CorrelationID"]
    assert uuid.UUID(first.request_id).version == 5
    # Fixed for ever: a changed namespace would make every repeat a second payment.
    assert first.request_id == "ee64173b-44da-5229-bae6-f909456ecb99"
    assert batch().request_id == "3bc61fd1-b819-50f9-80f2-678b6ceb21c8"
    assert single(2).request_id != first.request_id
    rows = [phone_row(1)]
    assert SINGLE.request_id(header(rows, message_id="OTHER"), rows, 7) == SINGLE.request_id(
        header(rows), rows, 1
    )
    assert [other.request_id(header(rows), rows, 1) for other in OTHERS] == [first.request_id] * 2
    ids = {BATCHES.request_id(header(rows, lot=lot), rows, n) for lot in (1, 2) for n in (1, 2)}
    assert len(ids) == 4


def test_the_same_orders_give_the_same_bytes():
    assert single() == single()
    assert batch() == batch()


def test_orders_are_split_as_the_profile_says():
    rows = [phone_row(n) for n in range(1, 2_502)]
    assert [len(group) for group in BATCHES.split(rows)] == [1000, 1000, 501]
    assert [len(group) for group in SINGLE.split(rows[:3])] == [1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account": "19000001"}, "account"),
        ({"account": "+84900000001"}, "account"),
        ({"account": "09000000011"}, "account"),
        ({"amount_vnd": 999}, "amount_vnd"),
        ({"amount_vnd": 100_000_001}, "amount_vnd"),
        ({"text": ""}, "text"),
        ({"text": "x" * 161}, "text"),
    ],
)
def test_an_order_that_the_rail_cannot_take_is_refused(changes, field):
    SINGLE.check(phone_row(1))
    with pytest.raises(RefusedRow) as refused:
        SINGLE.check(dataclasses.replace(phone_row(7), **changes))
    assert (refused.value.n, refused.value.field) == (7, field)
    assert str(changes.get("account", "no account")) not in refused.value.sentence


def test_a_missing_secret_is_named_and_no_secret_is_shown():
    rows = [phone_row(1)]
    with pytest.raises(AdapterError, match="api_key"):
        SINGLE.make(header(rows), rows, "id", AT, Secrets({"callback_key": "x"}))
    shown = f"{single()!r} {GSMA_SECRETS!r}"
    assert "key-of-the-test" not in shown
    assert "900000001" not in shown


def test_authorization_is_bearer_or_basic():
    rows = [phone_row(1)]

    def sent(**more: str) -> dict[str, str]:
        secrets = Secrets({"api_key": "k", **more})
        return dict(SINGLE.make(header(rows), rows, single().request_id, AT, secrets).headers)

    assert sent(bearer="abc")["Authorization"] == "Bearer abc"
    assert sent(username="u", password="p")["Authorization"] == "Basic dTpw"
    assert "Authorization" not in sent()
    assert "X-Callback-URL" not in sent()


# --- what is read: five faults of an open connector, and more ---------------------------------------


@pytest.mark.parametrize("http", [200, 201, 202])
def test_every_success_of_the_standard_is_read(http):
    call = single()
    body = done(call)
    open_api().schema("responseTransactionType", body)
    [item] = SINGLE.read(call, answer(http, body), GSMA_SECRETS).items
    assert (item.end_to_end_id, item.fate) == (call.members[0], "credited")
    assert (item.amount_vnd, item.account, item.reference) == (810_000, "0900000001", "T1")


def test_accepted_is_never_paid():
    call = single()
    state = {"serverCorrelationId": STATE, "status": "pending", "notificationMethod": "polling"}
    open_api().schema("requestStateObject", state)
    for status in ("pending", "completed"):
        reading = SINGLE.read(call, answer(202, state | {"status": status}), GSMA_SECRETS)
        assert [i.fate for i in reading.items] == ["waiting"]
        assert reading.ask
        assert reading.reference == f"/requeststates/{STATE}"
        assert SINGLE.next(call, reading, AT, GSMA_SECRETS) is None
    made = SINGLE.read(
        get(call, f"/requeststates/{STATE}"),
        answer(200, state | {"status": "completed", "objectReference": "T1"}),
        GSMA_SECRETS,
    )
    assert [i.fate for i in made.items] == ["waiting"]
    follow = SINGLE.next(get(call, f"/requeststates/{STATE}"), made, AT, GSMA_SECRETS)
    assert (follow.method, follow.path) == ("GET", "/transactions/T1")


@pytest.mark.parametrize("status", ["suspended", "COMPLETE-ISH", "kha nghi", ""])
def test_an_unknown_state_is_unknown_and_never_failed(status):
    call = single()
    reading = SINGLE.read(call, answer(201, done(call, transactionStatus=status)), GSMA_SECRETS)
    assert [i.fate for i in reading.items] == ["unknown"]
    assert reading.ask
    state = {"serverCorrelationId": STATE, "status": status, "notificationMethod": "polling"}
    assert [i.fate for i in SINGLE.read(call, answer(202, state), GSMA_SECRETS).items] == [
        "unknown"
    ]


def test_no_id_is_held_in_memory_between_a_call_and_its_answer():
    """A new process finds what became of a request by its own id: nothing is remembered."""
    call = single()
    fresh = Gsma(load_api_profile("viettel-money-1"))
    inquiry = fresh.inquiry(call.request_id, call.members, AT, GSMA_SECRETS)
    link = fresh.read(inquiry, answer(200, {"link": "/transactions/T1"}), GSMA_SECRETS)
    assert (link.items, link.ask, link.reference) == ((), True, "/transactions/T1")
    follow = fresh.next(inquiry, link, AT, GSMA_SECRETS)
    [item] = fresh.read(follow, answer(200, done(call)), GSMA_SECRETS).items
    assert item.fate == "credited"
    assert fresh.__dict__.keys() == {"_profile", "_batches"}


def test_a_callback_whose_id_is_unknown_yields_no_payment():
    body = json.dumps(fault("businessRule", "incorrectState")).encode()
    cid = str(uuid.uuid5(uuid.NAMESPACE_DNS, "never ours"))
    reading = SINGLE.read_callback({"X-CorrelationID": cid}, body)
    assert (reading.items, reading.ask, reading.request_id) == ((), True, cid)
    for headers in ({}, {"X-CorrelationID": "HashMap"}):
        with pytest.raises(BadCallback):
            SINGLE.read_callback(headers, body)
    assert (SINGLE.callback_reply().status, SINGLE.callback_reply().body) == (204, b"")


def test_certificates_are_always_checked(tmp_path):
    """The wire builds its context with verification on; there is no switch to turn it off."""
    from bank_adapters.api.wire import Connection, Wire

    names = " ".join(f.name for f in dataclasses.fields(Connection))
    assert not re.search(r"verify|insecure|trust|skip", names)
    wire = Wire(Connection("https://rail.example.vn", 5, 5, 1))
    context = wire._open()._verify
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    with pytest.raises(AdapterError):
        Connection("http://rail.example.vn", 5, 5, 1).check(production=False)


@pytest.mark.parametrize("spelling", ["oas", "guide"])
def test_both_spellings_of_errors_are_read(spelling):
    call = single()
    if spelling == "oas":
        body = fault("businessRule", "incorrectState", errordescription="khoa")
        open_api().schema("errorObject", body)
    else:
        body = fault("BusinessRule", "IncorrectState", errorDescription="khoa")
    reading = SINGLE.read(call, answer(400, body), GSMA_SECRETS)
    assert [(i.fate, i.code, i.text) for i in reading.items] == [
        ("rejected", "incorrectState", "khoa")
    ]
    assert not reading.ask
    for name in ("error", "errorReference"):
        state = {
            "serverCorrelationId": STATE, "status": "failed", "notificationMethod": "polling",
            name: body,
        }  # fmt: skip
        failed = SINGLE.read(get(call, f"/requeststates/{STATE}"), answer(200, state), GSMA_SECRETS)
        assert [(i.fate, i.code) for i in failed.items] == [("rejected", "incorrectState")]


@pytest.mark.parametrize(
    ("http", "body"),
    [
        (400, fault("businessRule", "duplicateRequest")),
        (400, fault("BusinessRule", "DuplicateRequest")),
        (400, fault("businessRule", "rateLimitError")),
        (400, fault("businessRule", "genericError")),
        (400, fault("businessRule", "somethingNew")),
        (400, fault("internal", "identifierError")),
        (404, fault("Service Unavailable", "GenericError")),
        (500, fault("internal", "genericError")),
        (500, fault("businessRule", "incorrectState")),
        (503, None),
        (404, None),
        (302, None),
        (201, None),
        (201, ["x"][:0]),
        (200, {"link": "x"}),
    ],
)
def test_what_is_no_clear_refusal_is_asked_about(http, body):
    call = single()
    reading = SINGLE.read(call, answer(http, body), GSMA_SECRETS)
    assert all(i.fate == "unknown" for i in reading.items)
    assert reading.ask or body == []


def test_only_a_404_of_our_own_id_says_that_the_provider_never_had_it():
    call = single()
    gone = answer(404, fault("identification", "identifierError"))
    absent = SINGLE.read(
        SINGLE.inquiry(call.request_id, call.members, AT, GSMA_SECRETS), gone, GSMA_SECRETS
    )
    assert ([i.fate for i in absent.items], absent.ask) == (["absent"], False)
    for path in (f"/requeststates/{STATE}", "/transactions/T1"):
        reading = SINGLE.read(get(call, path), gone, GSMA_SECRETS)
        assert (reading.items, reading.ask) == ((), True)
    proxy = SINGLE.read(
        SINGLE.inquiry(call.request_id, call.members, AT, GSMA_SECRETS), answer(404), GSMA_SECRETS
    )
    assert (proxy.items, proxy.ask) == ((), True)


def test_every_third_inquiry_goes_by_our_own_id():
    call = single()
    paths = [
        SINGLE.inquiry(
            call.request_id, call.members, AT, GSMA_SECRETS, f"/requeststates/{STATE}", n
        ).path
        for n in (1, 2, 3, 4)
    ]
    assert paths == [f"/requeststates/{STATE}"] * 2 + [
        f"/responses/{call.request_id}",
        f"/requeststates/{STATE}",
    ]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/steal", "//evil.example/transactions/T1", "/transactions/../admin",
        "/transactions/%2e%2e", "ftp:", "/accounts/balance", "http://[", "",
    ],
)  # fmt: skip
def test_a_link_leads_nowhere_but_to_our_resources(link):
    call = SINGLE.inquiry(single().request_id, single().members, AT, GSMA_SECRETS)
    reading = SINGLE.read(call, answer(200, {"link": link}), GSMA_SECRETS)
    assert (reading.reference, reading.ask) == ("", True)
    assert SINGLE.next(call, reading, AT, GSMA_SECRETS) is None


def test_an_absolute_link_is_asked_on_our_own_connection():
    call = SINGLE.inquiry(single().request_id, single().members, AT, GSMA_SECRETS)
    told = {"link": "https://other.example/v1.2/mm/transactions/T1"}
    reading = SINGLE.read(call, answer(200, told), GSMA_SECRETS)
    assert SINGLE.next(call, reading, AT, GSMA_SECRETS).path == "/transactions/T1"


def test_faults_of_ours_stop_the_connection():
    call = single()
    for code in ("clientAuthorisationError", "requestingPartyAuthorisationError"):
        reading = SINGLE.read(call, answer(401, fault("authorisation", code)), GSMA_SECRETS)
        assert (reading.stop, reading.ask) == ("rail_auth", True)
        assert [(i.fate, i.code) for i in reading.items] == [("unknown", code)]
    broke = SINGLE.read(call, answer(400, fault("businessRule", "insufficientFunds")), GSMA_SECRETS)
    assert (broke.stop, [i.fate for i in broke.items]) == ("no_funds", ["rejected"])
    assert SINGLE.read(call, answer(401), GSMA_SECRETS).stop == "rail_auth"


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USD"}, {"amount": "810000.5"}, {"amount": "x"}, {"amount": 810000},
        {"type": "withdrawal"},
    ],
)  # fmt: skip
def test_a_paid_transaction_of_another_kind_is_unknown(changes):
    call = single()
    [item] = SINGLE.read(call, answer(201, done(call, **changes)), GSMA_SECRETS).items
    assert item.fate == "unknown"


def test_another_amount_or_account_is_shown_to_the_intake():
    call = single()
    told = done(call, amount="81000", creditParty=[{"key": "MSISDN", "value": "84 900 000 002"}])
    [item] = SINGLE.read(call, answer(201, told), GSMA_SECRETS).items
    assert (item.amount_vnd, item.account) == (81_000, "0900000002")
    other = done(call, requestingOrganisationTransactionReference="SOMEBODY-ELSE")
    reading = SINGLE.read(call, answer(201, other), GSMA_SECRETS)
    assert (reading.items, reading.stop) == ((), "other_payment")


def test_amounts_are_read_as_the_guide_allows():
    good = {
        "5": 5,
        "5.0": 5,
        "5.00": 5,
        "500000": 500000,
        "0": 0,
        "555555555555555555": 555555555555555555,
    }
    assert {text: whole_vnd(text) for text in good} == good
    for text in (
        "5.",
        "5.5",
        "5.55555",
        "-5.5",
        ".5",
        "00.5",
        "00.00",
        "0000001.32",
        "",
        "1e6",
        "٥",
    ):
        assert whole_vnd(text) is None, text


# --- batches ----------------------------------------------------------------------------------------


def rows_of(call: Call, start: int, count: int, reason: str = "") -> list[dict[str, object]]:
    out = []
    for member, sent in list(zip(call.members, json.loads(call.body)["transactions"], strict=True))[
        start : start + count
    ]:
        row = {
            "requestingOrganisationTransactionReference": member,
            "creditParty": sent["creditParty"], "debitParty": sent["debitParty"],
            "transactionReference": f"T{member}",
        }  # fmt: skip
        row |= (
            {"rejectionReason": reason, "rejectionDate": "2026-11-05T02:00:00Z"}
            if reason
            else {"completionDate": "2026-11-05T02:00:00Z", "link": f"/transactions/T{member}"}
        )
        out.append(row)
    return out


def test_a_batch_is_read_page_by_page_to_its_end():
    api = open_api()
    call = batch(5)
    where = get(call, "/batchtransactions/B1")
    finished = {
        "batchId": "B1", "batchStatus": "completed", "approvalDate": "2026-11-05T02:00:00Z",
        "completionDate": "2026-11-05T02:10:00Z", "completedCount": 3, "rejectionCount": 2,
    }  # fmt: skip
    api.schema("responseBatchTransaction", finished)
    reading = BATCHES.read(where, answer(200, finished), GSMA_SECRETS)
    assert reading.items == ()
    pages = [  # the operator gives at most two rows a page, whatever is asked
        rows_of(call, 0, 2), rows_of(call, 2, 1), [], rows_of(call, 3, 2, "identifierError: khong co"),
        [],
    ]  # fmt: skip
    found, asked, last = [], [], where
    while (following := BATCHES.next(last, reading, AT, GSMA_SECRETS)) is not None:
        api.request("GET", following.path, dict(following.headers), b"")
        page = pages.pop(0)
        api.response("GET", following.path, 200, json.dumps(page).encode())
        reading = BATCHES.read(following, answer(200, page), GSMA_SECRETS)
        found += reading.items
        asked.append(following.path.removeprefix("/batchtransactions/B1/"))
        last = following
    assert asked == [
        f"completions?limit={PAGE}&offset=0", f"completions?limit={PAGE}&offset=2",
        f"completions?limit={PAGE}&offset=3", f"rejections?limit={PAGE}&offset=0",
        f"rejections?limit={PAGE}&offset=2",
    ]  # fmt: skip
    assert [(i.end_to_end_id, i.fate) for i in found] == [
        (m, "credited" if n < 3 else "rejected") for n, m in enumerate(call.members)
    ]
    assert [i.code for i in found[3:]] == ["identifierError"] * 2
    assert [i.account for i in found] == [f"09{n:08d}" for n in range(1, 6)]


def test_pages_end_even_where_the_operator_ignores_the_offset():
    call = batch(3)
    last = get(call, f"/batchtransactions/B1/completions?limit={PAGE}&offset=0")
    asked = 0
    while last is not None:
        reading = BATCHES.read(last, answer(200, rows_of(call, 0, 1)), GSMA_SECRETS)
        last = BATCHES.next(last, reading, AT, GSMA_SECRETS)
        asked += 1
        assert asked < 10
    assert asked == 6


def test_a_page_that_fails_ends_the_reading_and_decides_nothing():
    call = batch(3)
    page = get(call, f"/batchtransactions/B1/completions?limit={PAGE}&offset=0")
    reading = BATCHES.read(page, answer(503), GSMA_SECRETS)
    assert (reading.items, reading.ask) == ((), True)
    assert BATCHES.next(page, reading, AT, GSMA_SECRETS) is None


def test_a_rejection_because_seen_before_is_no_verdict():
    call = batch(2)
    page = get(call, f"/batchtransactions/B1/rejections?limit={PAGE}&offset=0")
    told = rows_of(call, 0, 1, "duplicateRequest") + rows_of(call, 1, 1, "Tài khoản bị khóa")
    items = BATCHES.read(page, answer(200, told), GSMA_SECRETS).items
    assert [(i.fate, i.code, i.text) for i in items] == [
        ("unknown", "duplicateRequest", "duplicateRequest"),
        ("rejected", "genericError", "Tài khoản bị khóa"),
    ]


def test_a_batch_that_was_read_otherwise_than_sent_is_not_approved():
    call = batch(3)
    where = get(call, "/batchtransactions/B1")
    told = {
        "batchId": "B1",
        "batchStatus": "created",
        "parsingSuccessCount": 2,
        "rejectionCount": 0,
    }
    reading = BATCHES.read(where, answer(200, told), GSMA_SECRETS)
    assert (reading.approve, reading.stop) == (False, "batch_count")
    assert BATCHES.next(where, reading, AT, GSMA_SECRETS) is None
    whole = BATCHES.read(where, answer(200, told | {"rejectionCount": 1}), GSMA_SECRETS)
    assert (whole.approve, whole.stop) == (True, "")


def test_a_lost_answer_to_a_batch_leads_to_its_approval_by_our_own_id():
    call = batch(3)
    inquiry = BATCHES.inquiry(call.request_id, call.members, AT, GSMA_SECRETS)
    link = BATCHES.read(inquiry, answer(200, {"link": "/batchtransactions/B1"}), GSMA_SECRETS)
    look = BATCHES.next(inquiry, link, AT, GSMA_SECRETS)
    assert (look.method, look.path) == ("GET", "/batchtransactions/B1")
    created = BATCHES.read(
        look, answer(200, {"batchId": "B1", "batchStatus": "created"}), GSMA_SECRETS
    )
    approve = BATCHES.next(look, created, AT, GSMA_SECRETS)
    assert approve.step == "approve"
    for http, body in (
        (204, None),
        (
            202,
            {"serverCorrelationId": STATE, "status": "pending", "notificationMethod": "callback"},
        ),
    ):
        reading = BATCHES.read(approve, answer(http, body), GSMA_SECRETS)
        assert {i.fate for i in reading.items} == {"waiting"}
        assert (reading.reference, reading.ask) == ("/batchtransactions/B1", True)
        look = BATCHES.next(approve, reading, AT, GSMA_SECRETS)
        assert (look.method, look.path) == (
            "GET",
            f"/batchtransactions/B1/completions?limit={PAGE}&offset=0",
        )
    again = BATCHES.read(
        approve, answer(400, fault("businessRule", "incorrectState")), GSMA_SECRETS
    )
    assert (again.items, again.ask, again.reference) == ((), True, "/batchtransactions/B1")
    assert BATCHES.next(approve, again, AT, GSMA_SECRETS) is None


def test_a_batch_created_and_answered_at_once_is_looked_at_before_approval():
    call = batch(3)
    state = {
        "serverCorrelationId": STATE, "status": "completed", "notificationMethod": "polling",
        "objectReference": "B1",
    }  # fmt: skip
    reading = BATCHES.read(call, answer(202, state), GSMA_SECRETS)
    assert not reading.approve
    look = BATCHES.next(call, reading, AT, GSMA_SECRETS)
    assert (look.method, look.path) == ("GET", "/batchtransactions/B1")


# --- callbacks ----------------------------------------------------------------------------------------


def test_a_callback_needs_the_operators_key_and_an_unchanged_body():
    body = json.dumps(done(single())).encode()
    good = {
        "x-api-key": "their-key-of-the-test",
        "X-Content-Hash": hashlib.sha256(body).hexdigest(),
    }
    SINGLE.check_callback(good, body, GSMA_SECRETS)
    SINGLE.check_callback({"X-API-Key": "their-key-of-the-test"}, body, GSMA_SECRETS)
    for headers, sent in (
        ({}, body), ({"X-API-Key": "key-of-the-test"}, body), (good, body + b" "),
        ({**good, "x-api-key": "khóa"}, body),
    ):  # fmt: skip
        with pytest.raises(BadCallback):
            SINGLE.check_callback(headers, sent, GSMA_SECRETS)
    with pytest.raises(AdapterError, match="callback_key"):
        SINGLE.check_callback(good, body, Secrets({"api_key": "x"}))


def test_callbacks_are_read_by_their_own_ids():
    call = single()
    headers = {"X-CorrelationID": call.request_id}
    reading = SINGLE.read_callback(headers, json.dumps(done(call)).encode())
    assert [(i.end_to_end_id, i.fate, i.amount_vnd) for i in reading.items] == [
        (call.members[0], "credited", 810_000)
    ]
    nameless = done(call)
    del nameless["requestingOrganisationTransactionReference"]
    reading = SINGLE.read_callback(headers, json.dumps(nameless).encode())
    assert (reading.items, reading.ask, reading.request_id) == ((), True, call.request_id)
    told = {"batchId": "B1", "batchStatus": "completed"}
    reading = BATCHES.read_callback(headers, json.dumps(told).encode())
    assert (reading.items, reading.ask, reading.reference) == ((), True, "/batchtransactions/B1")
    for body in (b"", b"[]", b"{", b"\xff", b"null"):
        with pytest.raises(BadCallback):
            SINGLE.read_callback(headers, body)


# --- anything at all --------------------------------------------------------------------------------


def test_no_answer_raises_or_pays():
    call = single()
    inquiry = SINGLE.inquiry(call.request_id, call.members, AT, GSMA_SECRETS)
    whole = json.dumps(done(call)).encode()
    for one in (call, inquiry, get(call, "/transactions/T1"), get(call, f"/requeststates/{STATE}")):
        for cut in range(len(whole)):
            reading = SINGLE.read(one, answer(200) if cut == 0 else _raw(whole[:cut]), GSMA_SECRETS)
            assert not any(i.fate in ("credited", "rejected", "absent") for i in reading.items)
            assert reading.ask
    for value in ([[]], [1], {"batchId": 5, "batchStatus": []}, {"transactionStatus": {}}, "x", 1,
                  {"serverCorrelationId": 1, "status": 2}, {"creditParty": "x", "transactionStatus": "completed", "amount": "x"}):  # fmt: skip
        for http in (200, 201, 202, 400, 404, 500):
            for adapter in (SINGLE, BATCHES):
                reading = adapter.read(call, answer(http, value), GSMA_SECRETS)
                assert not any(i.fate in ("credited", "rejected", "absent") for i in reading.items)
    deep = b"[" * 200_000
    assert SINGLE.read(call, _raw(deep), GSMA_SECRETS).ask


def _raw(body: bytes):
    return dataclasses.replace(answer(200), body=body)


def test_an_answer_reads_the_same_from_the_stored_log():
    call = SINGLE.inquiry(single().request_id, single().members, AT, GSMA_SECRETS)
    gone = answer(404, fault("identification", "identifierError"))
    head = log.Head("VTM", "viettel-money-1/1", "DS25B1", "call", "2026-11-05T02:00:00Z")
    stored = log.write(head, [(call, gone)])
    assert b"key-of-the-test" not in stored
    [exchange] = log.read(stored)[1]
    assert SINGLE.read(exchange.call, exchange.answer, GSMA_SECRETS) == SINGLE.read(
        call, gone, GSMA_SECRETS
    )


def test_balance_and_names_are_read():
    body = {"accountStatus": "available", "availableBalance": "5000000", "currency": "VND"}
    open_api().schema("responseAccountBalance", body)
    assert SINGLE.read_balance(answer(200, body)) == 5_000_000
    for wrong in (
        answer(200, body | {"currency": "USD"}),
        answer(500),
        answer(200, {"availableBalance": "1.5"}),
    ):
        with pytest.raises(AdapterError):
            SINGLE.read_balance(wrong)
    parts = {"name": {"firstName": "Thử", "middleName": "Văn", "lastName": "Nguyễn"}}
    open_api(MASTER).schema("responseAccountName", parts)
    assert SINGLE.read_name(answer(200, parts)) == "Nguyễn Văn Thử"
    assert SINGLE.read_name(answer(200, {"name": {"fullName": "N*** V** T**"}})) == "N*** V** T**"
    assert SINGLE.read_name(answer(200, {})) == ""
    with pytest.raises(AdapterError):
        SINGLE.read_name(answer(404, fault("identification", "identifierError")))


def test_the_id_of_the_approval_is_its_own_and_fixed():
    rid = single().request_id
    assert correlation_id(rid, "pay") == rid
    assert correlation_id(rid, "approve") == correlation_id(rid, "approve") != rid


def test_the_profiles_say_that_no_operators_document_exists():
    for name in ("viettel-money-1", "vnpt-money-1", "mobifone-money-1", "gsma-batch-1"):
        profile = load_api_profile(name)
        assert re.search(r"has\s+published\s+(no|a)\s+payout interface", profile.source)
        assert (profile.adapter, profile.rail, profile.confidence) == (
            "gsma",
            "mobile_money",
            "low",
        )
        assert profile.seen_before == ("duplicateRequest",)


def test_every_error_of_the_standard_means_what_the_table_says():
    from bank_adapters.api.codes import wallet_code, wallet_codes

    codes = sorted(c for rail, _, c in wallet_codes() if rail == "gsma" and " " not in c)
    if (SPECS / DISBURSEMENTS).is_file():
        published = open_api().document["components"]["schemas"]["errorObject"]["properties"]
        assert codes == sorted(published["errorCode"]["enum"])
    assert len(codes) == 38
    call = single()
    for code in codes:
        found = wallet_code("gsma", "pay", code)
        reading = SINGLE.read(call, answer(400, fault("businessRule", code)), GSMA_SECRETS)
        assert [(i.fate, i.code) for i in reading.items] == [(found.fate, code)]
        assert (reading.ask, reading.stop) == (found.ask, found.stop)
        for category in ("internal", "serviceUnavailable"):
            broken = SINGLE.read(call, answer(400, fault(category, code)), GSMA_SECRETS)
            assert [i.fate for i in broken.items] == ["unknown"]


def test_a_row_of_somebody_else_is_nobodys_payment_and_stops_the_reading():
    call = batch(2)
    page = get(call, f"/batchtransactions/B1/completions?limit={PAGE}&offset=0")
    rows = rows_of(call, 0, 2)
    rows[1]["requestingOrganisationTransactionReference"] = "SOMEBODY-ELSE"
    reading = BATCHES.read(page, answer(200, rows), GSMA_SECRETS)
    assert [(i.end_to_end_id, i.fate) for i in reading.items] == [
        (call.members[0], "credited"),
        ("", "unknown"),
    ]
    assert reading.stop == "other_payment"
    del rows[1]["requestingOrganisationTransactionReference"]
    assert BATCHES.read(page, answer(200, rows), GSMA_SECRETS).stop == ""
