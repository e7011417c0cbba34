"""payOS payouts: signed as its own SDK signs, read only where its answer's signature holds."""

from __future__ import annotations

import dataclasses
import json

import httpx
import pytest
from payos import PayOS as Sdk
from payos._crypto.provider import CryptoProvider
from payos.types.v1 import GetPayoutListParams, PayoutBatchRequest, PayoutRequest

from bank_adapters.api.codes import wallet_codes
from bank_adapters.api.contract import BadCallback, Call, Secrets
from bank_adapters.api.payos import REFUSED_APPROVALS, PayOS, signature
from bank_adapters.api.profile import load_api_profile
from bank_adapters.contract import AdapterError, NotOffered, RefusedRow
from tests.bank_adapters.api.build import AT, PAYOS_SECRETS, answer, header, row

SINGLE = PayOS(load_api_profile("payos-1"))
BATCHES = PayOS(load_api_profile("payos-batch-1"))
KEY = "checksum-test"
STATES = {
    code.removeprefix("state "): meaning.fate
    for (rail, _, code), meaning in wallet_codes().items()
    if rail == "payos" and code.startswith("state ")
}
"""What a transaction's own state means; what a payout's approval means stands beside it."""


def made(adapter: PayOS = SINGLE, count: int = 1) -> Call:
    rows = [row(n) for n in range(1, count + 1)]
    head = header(rows)
    return adapter.make(head, rows, adapter.request_id(head, rows, 1), AT, PAYOS_SECRETS)


def payout(call: Call, state: str = "SUCCEEDED", approval: str = "COMPLETED", **changes: object):
    body = json.loads(call.body)
    sent = body.get("payouts", [body])
    return {
        "id": "po_1", "referenceId": call.request_id, "approvalState": approval,
        "createdAt": "2026-11-05T02:00:00Z", "category": None,
        "transactions": [
            {
                **{k: one[k] for k in ("referenceId", "amount", "description", "toBin",
                                       "toAccountNumber")},
                "id": f"tx_{n}", "state": state, "toAccountName": "NGUYỄN VĂN THỬ",
                "reference": None, "transactionDatetime": None, "errorMessage": None,
                "errorCode": None, **changes,
            }
            for n, one in enumerate(sent, 1)
        ],
    }  # fmt: skip


def signed(data: dict, key: str = KEY, http: int = 200):
    return answer(http, {"code": "00", "desc": "success", "data": data}, signature(data, key))


def inquiry(call: Call, adapter: PayOS = SINGLE) -> Call:
    return adapter.inquiry(call.request_id, call.members, AT, PAYOS_SECRETS)


def sent_by_sdk(use, reply: dict) -> httpx.Request:
    seen: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        headers = {"x-signature": CryptoProvider().create_signature(KEY, reply)}
        return httpx.Response(
            200, json={"code": "00", "desc": "ok", "data": reply}, headers=headers
        )

    client = httpx.Client(transport=httpx.MockTransport(serve))
    sdk = Sdk(client_id="client-test", api_key="api-test", checksum_key=KEY, http_client=client)
    use(sdk)
    return seen[0]


# --- the SDK's word -------------------------------------------------------------------------------


def test_a_single_payout_is_what_the_sdk_sends():
    call = made()
    body = json.loads(call.body)
    request = PayoutRequest(
        reference_id=body["referenceId"], amount=810_000, description=body["description"],
        to_bin="970436", to_account_number=body["toAccountNumber"],
    )  # fmt: skip
    theirs = sent_by_sdk(
        lambda sdk: sdk.payouts.create(request, idempotency_key=call.request_id), payout(call)
    )
    assert (theirs.method, theirs.url.path) == (call.method, call.path)
    assert {k: v for k, v in json.loads(theirs.content).items() if v is not None} == body
    ours = {k.lower(): v for k, v in call.headers}
    for name in ("x-client-id", "x-api-key", "x-idempotency-key"):
        assert theirs.headers[name] == ours[name]
    assert ours["x-signature"] == CryptoProvider().create_signature(KEY, body)


def test_a_batch_is_what_the_sdk_sends():
    call = made(BATCHES, 3)
    body = json.loads(call.body)
    request = PayoutBatchRequest.model_validate(body)
    theirs = sent_by_sdk(
        lambda sdk: sdk.payouts.batch.create(request, idempotency_key=call.request_id), payout(call)
    )
    assert theirs.url.path == call.path == "/v1/payouts/batch"
    assert {k: v for k, v in json.loads(theirs.content).items() if v is not None} == body
    ours = {k.lower(): v for k, v in call.headers}
    assert ours["x-signature"] == CryptoProvider().create_signature(KEY, body)


def test_an_inquiry_is_what_the_sdk_sends():
    call = inquiry(made())
    reply = {
        "payouts": [],
        "pagination": {"limit": 10, "offset": 0, "total": 0, "count": 0, "hasMore": False},
    }
    theirs = sent_by_sdk(
        lambda sdk: sdk.payouts.list(
            GetPayoutListParams(reference_id=call.request_id, limit=10, offset=0)
        ),
        reply,
    )
    assert theirs.url.raw_path.decode() == call.path


@pytest.mark.parametrize(
    "data",
    [
        {"referenceId": "DS25000000000001", "amount": 810000},
        {"b": [{"z": 1, "a": "Đường số 3 & 4"}], "a": None, "c": True, "d": False},
        {"x": {"k": {"n": 2, "m": [3, 1, {"q": 1, "p": "ư"}]}}, "y": "a=b&c /d", "đ": 1.5},
        {"empty": [], "none": {}, "text": "", "zero": 0, "n": -1},
        {"every": "".join(map(chr, range(32, 128))), "twice": ["%25 %", {"a/b": "~_-."}]},
        {},
    ],
)
def test_our_signature_is_the_sdks(data):
    assert signature(data, KEY) == CryptoProvider().create_signature(KEY, data)


def test_the_sdk_reads_the_answers_of_these_tests():
    """Our test answers are in the SDK's form: it verifies their signature and reads them."""
    call = made()
    request = PayoutRequest.model_validate(json.loads(call.body))
    got = []
    sent_by_sdk(lambda sdk: got.append(sdk.payouts.create(request)), payout(call))
    assert got[0].transactions[0].state == "SUCCEEDED"


# --- what leaves ----------------------------------------------------------------------------------


def test_ids_are_those_of_payment_and_batch_alone():
    assert made().request_id == "DS25000000000001" == dict(made().headers)["x-idempotency-key"]
    call = made(BATCHES, 2)
    assert call.request_id == "DS25B1-1-1" == json.loads(call.body)["referenceId"]
    assert made() == made()


def test_the_bank_is_named_by_its_bin():
    assert json.loads(made().body)["toBin"] == "970436"
    assert json.loads(made(BATCHES, 1).body)["validateDestination"] is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bank_code": "XXXXVNVX"}, "bank_code"),
        ({"bank_code": "Viettel Money"}, "bank_code"),
        ({"bank_code": "971005"}, "bank_code"),
        ({"account": "12"}, "account"),
        ({"account": "12 34 56"}, "account"),
        ({"account": "1" * 20}, "account"),
        ({"amount_vnd": 500_000_001}, "amount_vnd"),
        ({"amount_vnd": 0}, "amount_vnd"),
        ({"text": "x" * 141}, "text"),
    ],
)
def test_an_order_that_payos_cannot_take_is_refused(changes, field):
    SINGLE.check(row(1))
    with pytest.raises(RefusedRow) as refused:
        SINGLE.check(row(4, **changes))
    assert (refused.value.n, refused.value.field) == (4, field)


def test_a_missing_secret_is_named():
    rows = [row(1)]
    with pytest.raises(AdapterError, match="checksum_key"):
        SINGLE.make(header(rows), rows, "X", AT, Secrets({"client_id": "a", "api_key": "b"}))
    assert "checksum-test" not in f"{PAYOS_SECRETS!r} {made()!r}"


# --- what is read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "fate"), sorted(STATES.items()))
def test_every_state_is_read(state, fate):
    call = made()
    reading = SINGLE.read(call, signed(payout(call, state, "PROCESSING")), PAYOS_SECRETS)
    [item] = reading.items
    assert (item.end_to_end_id, item.fate, item.code) == (call.members[0], fate, f"state {state}")
    assert (item.amount_vnd, item.account, item.bank_code) == (810_000, "1900000001", "BFTVVNVX")
    assert reading.ask is (fate == "waiting")


def test_the_sdk_knows_no_state_that_we_do_not():
    from typing import get_args

    from payos.types.v1.payouts.payouts import PayoutTransactionState

    assert set(get_args(PayoutTransactionState)) == set(STATES)


def test_a_new_state_is_unknown_and_a_refused_approval_pays_nothing():
    call = made()
    [item] = SINGLE.read(call, signed(payout(call, "SETTLED")), PAYOS_SECRETS).items
    assert item.fate == "unknown"
    assert {f"approval {word}" for word in REFUSED_APPROVALS} == {
        code for rail, _, code in wallet_codes() if rail == "payos" and code.startswith("approval ")
    }
    for approval in ("REJECTED", "CANCELLED"):
        [item] = SINGLE.read(call, signed(payout(call, "RECEIVED", approval)), PAYOS_SECRETS).items
        assert item.fate == "rejected"
        [item] = SINGLE.read(
            call, signed(payout(call, "PROCESSING", approval)), PAYOS_SECRETS
        ).items
        assert item.fate == "waiting"
    for approval in ("DRAFTING", "SUBMITTED", "SCHEDULED", "APPROVED", "FAILED", "NEW"):
        [item] = SINGLE.read(call, signed(payout(call, "RECEIVED", approval)), PAYOS_SECRETS).items
        assert item.fate == "waiting"


def test_an_answer_without_a_right_signature_is_no_verdict():
    call = made()
    good = signed(payout(call))
    assert SINGLE.read(call, good, PAYOS_SECRETS).items[0].fate == "credited"
    for wrong in (
        dataclasses.replace(good, signature=""),
        signed(payout(call), key="other"),
        dataclasses.replace(good, body=good.body.replace(b"SUCCEEDED", b"FAILED")),
        dataclasses.replace(good, signature="ký"),
    ):
        reading = SINGLE.read(call, wrong, PAYOS_SECRETS)
        assert (reading.items, reading.ask, reading.stop) == ((), True, "answer_signature")


@pytest.mark.parametrize(
    ("http", "body"),
    [
        (400, {"code": "20", "desc": "sai"}), (409, {"code": "231", "desc": "trùng"}),
        (200, {"code": "231", "desc": "trùng", "data": None}), (429, {"code": "429"}), (500, None),
        (502, {"code": "00", "data": {}}), (204, None), (302, None),
    ],
)  # fmt: skip
def test_a_refusal_is_asked_about_and_never_a_verdict(http, body):
    call = made()
    reading = SINGLE.read(call, answer(http, body), PAYOS_SECRETS)
    assert [i.fate for i in reading.items] == ["unknown"]
    assert reading.ask
    assert reading.stop == ""


@pytest.mark.parametrize("http", [401, 403])
def test_a_wrong_key_stops_the_connection(http):
    reading = SINGLE.read(made(), answer(http, {"code": str(http)}), PAYOS_SECRETS)
    assert (reading.stop, reading.ask) == ("rail_auth", True)


def test_an_inquiry_finds_absent_one_or_too_many():
    call = made()
    look = inquiry(call)
    found = SINGLE.read(look, signed({"payouts": [payout(call)], "pagination": {}}), PAYOS_SECRETS)
    assert [i.fate for i in found.items] == ["credited"]
    none = SINGLE.read(look, signed({"payouts": [], "pagination": {}}), PAYOS_SECRETS)
    assert ([i.fate for i in none.items], none.ask) == (["absent"], False)
    twice = SINGLE.read(look, signed({"payouts": [payout(call)] * 2}), PAYOS_SECRETS)
    assert (twice.items, twice.stop) == ((), "two_payouts")
    other = payout(call) | {"referenceId": "X"}
    alien = SINGLE.read(look, signed({"payouts": [other]}), PAYOS_SECRETS)
    assert (alien.items, alien.ask) == ((), True)


def test_another_payment_amount_or_bank_is_never_taken_for_ours():
    call = made()
    alien = SINGLE.read(call, signed(payout(call, referenceId="SOMEBODY")), PAYOS_SECRETS)
    assert (alien.items, alien.stop) == ((), "other_payment")
    told = payout(call, amount=81_000, toBin="970415", toAccountNumber="1")
    [item] = SINGLE.read(call, signed(told), PAYOS_SECRETS).items
    assert (item.amount_vnd, item.account, item.bank_code) == (81_000, "1", "ICBVVNVX")
    for amount in ("810000", 810_000.5, None, True):
        [item] = SINGLE.read(call, signed(payout(call, amount=amount)), PAYOS_SECRETS).items
        assert (item.fate, item.amount_vnd) == ("unknown", None)


def test_a_batch_gives_each_payment_its_own_fate():
    call = made(BATCHES, 3)
    told = payout(call)
    told["transactions"][1] |= {"state": "FAILED", "errorCode": "E1", "errorMessage": "khóa"}
    told["transactions"][2]["state"] = "ON_HOLD"
    reading = BATCHES.read(call, signed(told), PAYOS_SECRETS)
    assert [(i.fate, i.code, i.text) for i in reading.items] == [
        ("credited", "state SUCCEEDED", ""), ("rejected", "state FAILED", "E1: khóa"), ("waiting", "state ON_HOLD", ""),
    ]  # fmt: skip
    assert reading.ask
    del told["transactions"][2]
    short = BATCHES.read(call, signed(told), PAYOS_SECRETS)
    assert (len(short.items), short.ask) == (2, True)
    told["transactions"].append(told["transactions"][0])
    assert BATCHES.read(call, signed(told), PAYOS_SECRETS).stop == "other_payment"


def test_no_cut_answer_raises_or_pays():
    call = made()
    whole = signed(payout(call))
    for cut in range(len(whole.body)):
        for one in (call, inquiry(call)):
            reading = SINGLE.read(
                one, dataclasses.replace(whole, body=whole.body[:cut]), PAYOS_SECRETS
            )
            assert reading.ask
            assert not any(i.fate in ("credited", "rejected", "absent") for i in reading.items)
    for data in (
        [],
        {"transactions": 1},
        {"payouts": {}},
        {"referenceId": call.request_id, "transactions": [1]},
    ):
        for one in (call, inquiry(call)):
            told = answer(
                200,
                {"code": "00", "data": data},
                signature(data, KEY) if isinstance(data, dict) else "",
            )
            reading = SINGLE.read(one, told, PAYOS_SECRETS)
            assert reading.ask
            assert not any(i.fate in ("credited", "rejected", "absent") for i in reading.items)


def test_what_payos_does_not_offer_is_said():
    with pytest.raises(BadCallback):
        SINGLE.check_callback({}, b"{}", PAYOS_SECRETS)
    with pytest.raises(BadCallback):
        SINGLE.read_callback({}, b"{}")
    with pytest.raises(NotOffered):
        SINGLE.name_call("BFTVVNVX", "1", "A", AT, "n", PAYOS_SECRETS)
    with pytest.raises(NotOffered):
        SINGLE.read_name(answer(200, {}))
    assert SINGLE.callback_reply().status == 404
    assert (
        SINGLE.next(made(), SINGLE.read(made(), answer(500), PAYOS_SECRETS), AT, PAYOS_SECRETS)
        is None
    )


def test_the_balance_is_read():
    call = SINGLE.balance_call(AT, "n", PAYOS_SECRETS)
    assert call.path == "/v1/payouts-account/balance"
    data = {"accountNumber": "1", "accountName": "UBND", "currency": "VND", "balance": "5000000"}
    assert SINGLE.read_balance(signed(data)) == 5_000_000
    for wrong in (signed({**data, "balance": "1.5"}), answer(500), answer(200, [])):
        with pytest.raises(AdapterError):
            SINGLE.read_balance(wrong)
