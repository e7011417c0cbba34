"""ZaloPay: its published vector and samples, two calls a payment, one number with two meanings."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from bank_adapters.api.contract import Answer, Call, Secrets
from bank_adapters.api.profile import load_api_profile
from bank_adapters.api.zalopay import TOPUP, TXN, ZaloPay, mac, phone_of, signature
from bank_adapters.contract import AdapterError, PaymentRow
from bank_adapters.simulators.wallet.rails import made_up_keys
from tests.bank_adapters.build import header, row

AT = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
RAIL = ZaloPay(load_api_profile("zalopay-1"))
SPEC = Path(__file__).parents[3] / "../shared/specs/zalopay/zlp.yaml"
# The SDK's test key and vector (zalopay-oss/zalopay-nodejs@6e334cc, rsaUtils.test.ts, Apache-2.0).
THEIR_KEY = (
    "MIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEAuhr9fssauZOaef4HCEJ4OAJQ6g8y"
    "O8de5KwB1LM/fIlRZGsnD0VO+YBGrdttnKsieErQPujmyV7Tnw19yLVGGwIDAQABAkEAgpPzbyZU"
    "rwbIqXW6O2pf7XR6j29wII9nnmytsC7AicCd2uGAd+yHKEOQGEHBN+rm/IZ8F5WWT2OpnOTY3DZT"
    "gQIhAPyzS24ahh0ogYuDy4VXsiLscEAngrAvZA5qpWWPFV9BAiEAvIkWcJzM9kaJ2YjoNcGvO3yd"
    "DsepNeC79dfIA7tL6lsCIELaRChayARKxQrd0SfzrWLj3kZ6rW5i+zt9J0iY8/SBAiEAsw53c2hX"
    "+KWxkhpGf5d9dz+4YisZ94OCv8+5tGGTjfUCIEs9pi1DsVZBi0HNibXIpVBO4KERvHBJ92bAbPep"
    "lIb2"
)
THEIR_TEXT = "cd7a32337eedd9763bda3a0654ac9855f36f8d759b7a505e4bfd646a5f5b8056"
THEIR_SIGNATURE = (
    "FUsBSTRZAIuz5A8F+KZixT8q3s7iLgLQJLqFzPfazdJnoHv9FJxCRlLaGk10b3SUnsEtLOAkhpQk9QXsepFotw=="
)
# The SDK's sample answers (__mocks__/disbursement/responses.ts).
WALLET = {"reference_id": "23040713221300383", "m_u_id": "230407qQe7vGnqp0agyforLAy0D2b1x3",
          "name": "Nguyen Van A", "phone": "0904123456", "onboarding_url": ""}  # fmt: skip
ORDER = {"order_id": "202305110902928474", "status": 3, "phone": "0904123456", "amount": 1000,
         "description": "Topup for Nguyen Van A", "partner_fee": 0, "zlp_fee": 0,
         "extra_info": "{}", "time": 1680849004}  # fmt: skip


@cache
def keys() -> tuple[dict[str, str], dict[str, str]]:
    return made_up_keys("zalopay", 7)


SECRETS = Secrets(keys()[1])


def order() -> PaymentRow:
    return row(1, bank_code="ZaloPay", account="0904123456")


def asked() -> Call:
    head = header([order()])
    return RAIL.make(head, [order()], order().end_to_end_id, AT, SECRETS)


def ok(data: object) -> Answer:
    value = {"return_code": 1, "return_message": "Transaction successful.", "sub_return_code": 1,
             "sub_return_message": "Transaction successful.", "data": data}  # fmt: skip
    return Answer(200, "application/json", json.dumps(value).encode())


def refused(sub: int, code: int = 2) -> Answer:
    value = {"return_code": code, "return_message": "Fail", "sub_return_code": sub}
    return Answer(200, "application/json", json.dumps(value).encode())


def topup() -> Call:
    call = asked()
    found = RAIL.next(call, RAIL.read(call, ok(WALLET), SECRETS), AT, SECRETS)
    assert found is not None
    return found


def test_the_published_vector_of_the_signature() -> None:
    assert signature(THEIR_TEXT, THEIR_KEY) == THEIR_SIGNATURE


def test_a_payment_is_signed_over_the_documented_string() -> None:
    call, ours = topup(), keys()[1]
    body = json.loads(call.body)
    assert (call.path, body["partner_order_id"]) == (TOPUP, order().end_to_end_id)
    assert (body["m_u_id"], body["reference_id"]) == (WALLET["m_u_id"], WALLET["reference_id"])
    assert (body["amount"], body["description"]) == (order().amount_vnd, order().text)
    words = (
        f"{ours['app_id']}|{ours['payment_id']}|{order().end_to_end_id}|{WALLET['m_u_id']}|810000|"
        f"{order().text}|{{}}|{{}}|{body['time']}"
    )
    digest = hmac.new(ours["key1"].encode(), words.encode(), hashlib.sha256).hexdigest()
    load_pem_public_key(keys()[0]["public_key"].encode()).verify(
        base64.b64decode(body["sig"]), digest.encode(), PKCS1v15(), SHA256()
    )
    assert body["time"] == 1_793_844_000_000


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=9), st.text(min_size=1, max_size=9))
def test_macs_are_over_the_values_in_their_order(values: list[str], key: str) -> None:
    expected = hmac.new(key.encode(), "|".join(values).encode(), hashlib.sha256).hexdigest()
    assert mac(values, key) == expected
    assert mac([values[0] + "x", *values[1:]], key) != expected


def test_the_wallet_s_id_pays_nothing_and_another_s_wallet_stops_everything() -> None:
    call = asked()
    reading = RAIL.read(call, ok(WALLET), SECRETS)
    assert [i.fate for i in reading.items] == ["waiting"]
    other = RAIL.read(call, ok({**WALLET, "phone": "0904123457"}), SECRETS)
    assert (other.items, other.stop, other.approve) == ((), "other_payment", False)
    assert RAIL.next(call, other, AT, SECRETS) is None
    foreign = RAIL.read(call, ok({**WALLET, "phone": "84904123456"}), SECRETS)
    assert foreign.approve
    assert phone_of("+84904123456") == "0904123456"


@pytest.mark.parametrize(
    ("answer", "fate", "code"),
    [
        (ok(ORDER), "waiting", "status 3"), (ok({**ORDER, "status": 1}), "credited", "status 1"),
        (ok({**ORDER, "status": 2}), "rejected", "status 2"),
        (ok({**ORDER, "status": 4}), "unknown", "status 4"),
        (ok({**ORDER, "status": 9}), "unknown", "status 9"),
        (ok({}), "waiting", "return_code 1"), (refused(-68), "unknown", "sub -68"),
        (refused(-101), "rejected", "sub -101"), (refused(-406), "rejected", "sub -406"),
        (refused(-500), "unknown", "sub -500"), (refused(-777), "unknown", "sub -777"),
        (refused(0, 3), "waiting", "return_code 3"),
    ],
)  # fmt: skip
def test_what_answers_to_a_payment_mean(answer: Answer, fate: str, code: str) -> None:
    reading = RAIL.read(topup(), answer, SECRETS)
    [item] = reading.items
    assert (item.fate, item.code) == (fate, code)
    assert reading.ask == (fate in ("waiting", "unknown"))


def test_the_same_number_is_absent_only_to_a_question() -> None:
    question = RAIL.inquiry("DS1", ("DS1",), AT, SECRETS)
    assert question.path == TXN
    reading = RAIL.read(question, refused(-101), SECRETS)
    assert [(i.fate, reading.ask) for i in reading.items] == [("absent", False)]
    assert RAIL.read(question, refused(-402), SECRETS).stop == "rail_auth"
    assert RAIL.read(question, refused(-401), SECRETS).items[0].fate == "unknown"


def test_the_sample_answers_of_the_sdk_are_read() -> None:
    question = RAIL.inquiry("DS1", ("DS1",), AT, SECRETS)
    [item] = RAIL.read(question, ok({**ORDER, "status": 1, "zp_trans_id": ""}), SECRETS).items
    assert (item.fate, item.amount_vnd, item.account) == ("credited", 1000, "0904123456")
    assert item.reference == "202305110902928474"
    assert RAIL.read_balance(ok({"balance": 1_000_000_000})) == 1_000_000_000
    assert RAIL.read_name(ok(WALLET)) == "Nguyen Van A"


def test_a_bad_key_or_app_id_is_refused_without_showing_it() -> None:
    bad_id = Secrets({**keys()[1], "app_id": "abc"})
    with pytest.raises(AdapterError, match="app_id") as told:
        RAIL.make(header([order()]), [order()], "DS1", AT, bad_id)
    assert told.value.code == "secret_unreadable"
    bad_key = Secrets({**keys()[1], "private_key": "aGVsbG8gd29ybGQ="})
    call = asked()
    reading = RAIL.read(call, ok(WALLET), bad_key)
    with pytest.raises(AdapterError) as told:
        RAIL.next(call, reading, AT, bad_key)
    assert told.value.code == "secret_unreadable"
    assert "aGVsbG8" not in told.value.sentence


def test_our_requests_are_valid_by_zalopays_own_file() -> None:
    if not SPEC.exists():
        pytest.skip("shared/specs is not beside this checkout")
    schemas = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["components"]["schemas"]
    calls = {
        "DisbursementQueryUserRequest": asked(), "DisbursementTopupRequest": topup(),
        "DisbursementQueryOrderRequest": RAIL.inquiry("DS1", ("DS1",), AT, SECRETS),
        "DisbursementQueryMerchantBalanceRequest": RAIL.balance_call(AT, "B1", SECRETS),
    }  # fmt: skip
    for name, call in calls.items():
        schema = schemas[name]
        body = json.loads(call.body)
        assert list(Draft4Validator(schema).iter_errors(body)) == []
        assert set(body) <= set(schema["properties"])
        del body[schema["required"][0]]
        assert list(Draft4Validator(schema).iter_errors(body))
