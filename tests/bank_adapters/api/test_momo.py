"""MoMo: signed strings as its own samples sign them, one ciphertext a request, batches read back."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters.api import momo_batch
from bank_adapters.api.codes import wallet_code, wallet_codes
from bank_adapters.api.contract import Answer, BadCallback, Secrets
from bank_adapters.api.momo import MoMo
from bank_adapters.api.momo_wire import encrypted, signature
from bank_adapters.api.profile import load_api_profile
from bank_adapters.contract import AdapterError, PaymentRow, RefusedRow
from bank_adapters.simulators.wallet.rails import made_up_keys
from tests.bank_adapters.build import header, row

AT = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
SINGLE = MoMo(load_api_profile("momo-1"))
BATCH = MoMo(load_api_profile("momo-batch-1"))
BANK = MoMo(load_api_profile("momo-bank-1"))


@cache
def keys() -> tuple[dict[str, str], dict[str, str]]:
    return made_up_keys("momo", 7)


def secrets(**more: str) -> Secrets:
    return Secrets({**keys()[1], **more})


def phone(n: int = 1) -> PaymentRow:
    return row(n, bank_code="MoMo", account=f"09{n:08d}")


def made(adapter: MoMo, rows: list[PaymentRow]) -> dict[str, object]:
    head = header(rows)
    call = adapter.make(head, rows, adapter.request_id(head, rows, 1), AT, secrets())
    return json.loads(call.body)


def opened(method: str) -> dict[str, object]:
    key = load_pem_private_key(keys()[0]["private_key"].encode(), None)
    return json.loads(key.decrypt(base64.b64decode(method), PKCS1v15()))


def hmac_of(words: str) -> str:
    return hmac.new(keys()[1]["secret_key"].encode(), words.encode(), hashlib.sha256).hexdigest()


def test_the_string_of_a_payment_is_that_of_the_published_sample() -> None:
    """Names and order as in postman/momo-9-2: includeInSignature, sorted."""
    body, ours = made(SINGLE, [phone()]), keys()[1]
    words = (
        f"accessKey={ours['access_key']}&amount=810000"
        f"&disbursementMethod={body['disbursementMethod']}&extraData=&orderId={body['orderId']}"
        f"&orderInfo={body['orderInfo']}&partnerCode={ours['partner_code']}"
        f"&requestId={body['requestId']}&requestType=disburseToWallet"
    )
    assert body["signature"] == hmac_of(words)
    assert body["orderId"] == body["requestId"] == phone().end_to_end_id
    assert opened(body["disbursementMethod"]) == {
        "walletId": "0900000001", "walletName": "NGUYEN VAN THU", "personalId": "",
        "validatePersonalId": False,
    }  # fmt: skip


def test_a_bank_account_is_paid_by_the_bank_s_code() -> None:
    order = row(1, bank_code="ICBVVNVX")
    body = made(BANK, [order])
    assert body["requestType"] == "disburseToBank"
    assert opened(body["disbursementMethod"]) == {
        "bankAccountNo": order.account, "bankAccountHolderName": order.name, "bankCode": "CTG",
    }  # fmt: skip
    with pytest.raises(RefusedRow) as told:
        BANK.check(row(1, bank_code="Viettel Money"))
    assert told.value.field == "bank_code"


def test_a_citizen_number_is_checked_where_it_is_given() -> None:
    call = SINGLE.name_call("", "0900000001", "LE THI A", AT, "N1", secrets(), "012345678901")
    body, ours = json.loads(call.body), keys()[1]
    assert opened(body["disbursementMethod"]) == {
        "walletId": "0900000001", "walletName": "LE THI A", "personalId": "012345678901",
        "validatePersonalId": True,
    }  # fmt: skip
    assert body["signature"] == hmac_of(
        f"accessKey={ours['access_key']}&disbursementMethod={body['disbursementMethod']}"
        f"&orderId=N1&partnerCode={ours['partner_code']}&requestId=N1&requestType=checkWallet"
    )
    assert "012345678901" not in repr(call)


def test_every_question_has_an_id_of_its_own_about_the_one_order() -> None:
    asked = [
        json.loads(SINGLE.inquiry("DS1", ("DS1",), AT, secrets(), attempt=n).body) for n in (1, 2)
    ]
    assert [a["orderId"] for a in asked] == ["DS1", "DS1"]
    assert len({a["requestId"] for a in asked} | {"DS1"}) == 3
    assert all(len(a["requestId"]) <= 50 for a in asked)


def test_two_ciphertexts_of_one_order_differ_so_a_request_is_written_once() -> None:
    one, two = made(SINGLE, [phone()]), made(SINGLE, [phone()])
    assert one["disbursementMethod"] != two["disbursementMethod"]
    for name in ("disbursementMethod", "signature"):
        one.pop(name), two.pop(name)
    assert one == two


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.text(max_size=12), min_size=1),
    st.text(min_size=1, max_size=12),
)
def test_signed_strings_are_sorted_and_every_value_counts(fields: dict[str, str], key: str) -> None:
    words = "&".join(f"{k}={v}" for k, v in sorted(fields.items()))
    expected = hmac.new(key.encode(), words.encode(), hashlib.sha256).hexdigest()
    assert signature(fields, key) == expected
    assert signature(dict(reversed(fields.items())), key) == expected
    name = min(fields)
    assert signature({**fields, name: fields[name] + "x"}, key) != expected


def test_a_key_or_a_payee_that_does_not_fit_is_refused_without_showing_it() -> None:
    with pytest.raises(AdapterError) as told:
        encrypted({"a": "NGUYEN" * 60}, keys()[1]["public_key"])
    assert told.value.code == "method_too_long"
    assert "NGUYEN" not in told.value.sentence
    for wrong in ("", "not base64", base64.b64encode(b"x" * 40).decode()):
        with pytest.raises(AdapterError) as told:
            encrypted({"a": 1}, wrong or "?")
        assert told.value.code == "secret_unreadable"
    plain = "".join(keys()[1]["public_key"].splitlines()[1:-1])
    assert base64.b64decode(encrypted({"a": 1}, plain))


def answer(value: object, http: int = 200) -> Answer:
    return Answer(http, "application/json", json.dumps(value).encode())


@pytest.mark.parametrize(
    ("value", "http", "fate", "ask"),
    [
        ({"orderId": "DS1", "resultCode": 0, "amount": "5000"}, 200, "credited", False),
        ({"orderId": "DS1", "resultCode": 0, "amount": 5000}, 500, "unknown", True),
        ({"resultCode": 0, "amount": 5000}, 200, "unknown", True),
        ({"orderId": "DS1", "resultCode": 99}, 200, "unknown", True),
        ({"orderId": "DS1", "resultCode": 1007}, 200, "rejected", False),
        ({"orderId": "DS1", "resultCode": 7000}, 422, "waiting", True),
        ({"orderId": "DS1", "resultCode": 40}, 400, "unknown", True),
        ({"orderId": "DS1", "resultCode": 41}, 200, "unknown", True),
        ({"orderId": "DS1", "resultCode": 31337}, 200, "unknown", True),
        ({"orderId": "DS1", "resultCode": 42}, 200, "unknown", True),
        ({"orderId": "DS1", "resultCode": True}, 200, "unknown", True),
    ],
)  # fmt: skip
def test_what_answers_to_a_payment_mean(value: object, http: int, fate: str, ask: bool) -> None:
    head = header([phone()])
    call = dataclasses.replace(SINGLE.make(head, [phone()], "DS1", AT, secrets()), members=("DS1",))
    reading = SINGLE.read(call, answer(value, http), secrets())
    assert ([i.fate for i in reading.items], reading.ask) == ([fate], ask)


def test_only_a_question_is_answered_that_there_was_no_request() -> None:
    asked = SINGLE.inquiry("DS1", ("DS1",), AT, secrets())
    reading = SINGLE.read(asked, answer({"orderId": "DS1", "resultCode": 42}), secrets())
    assert [(i.fate, reading.ask) for i in reading.items] == [("absent", False)]
    other = SINGLE.read(asked, answer({"orderId": "DS2", "resultCode": 0}), secrets())
    assert (other.items, other.stop) == ((), "other_payment")


def test_a_notice_with_a_name_twice_is_refused_whatever_its_signature() -> None:
    ours = keys()[1]
    fields = {
        "amount": "5000", "extraData": "", "message": "", "orderId": "DS1", "orderInfo": "",
        "orderType": "", "partnerCode": ours["partner_code"], "payType": "", "requestId": "DS1",
        "responseTime": "1", "resultCode": "0", "transId": "1",
    }  # fmt: skip
    signed = signature({**fields, "accessKey": ours["access_key"]}, ours["secret_key"])
    body = json.dumps({**fields, "signature": signed})
    SINGLE.check_callback({}, body.encode(), secrets())
    assert SINGLE.read_callback({}, body.encode()).items[0].amount_vnd == 5000
    twice = body.replace('"amount": "5000"', '"amount": "9000", "amount": "5000"')
    with pytest.raises(BadCallback):
        SINGLE.check_callback({}, twice.encode(), secrets())
    theirs = body.replace(ours["partner_code"], "OTHER")
    with pytest.raises(BadCallback):
        SINGLE.check_callback({}, theirs.encode(), secrets())


def test_a_batch_is_signed_as_the_sample_signs_it_and_shows_what_it_pays() -> None:
    rows = [phone(1), phone(2)]
    head = header(rows)
    call = BATCH.make(head, rows, BATCH.request_id(head, rows, 1), AT, secrets())
    body, ours = json.loads(call.body), keys()[1]
    assert call.request_id == "DS25B1-1-1"
    assert body["amount"] == "1620000"
    assert [d["method"]["walletId"] for d in body["disbursements"]] == ["0900000001", "0900000002"]
    assert body["signature"] == hmac_of(
        f"accessKey={ours['access_key']}&amount=1620000&mToken={ours['m_token']}"
        f"&orderId=DS25B1-1-1&partnerCode={ours['partner_code']}&requestId=DS25B1-1-1"
        "&requestType=batchWallet"
    )
    head_of = dict(call.headers)
    assert (head_of["mToken"], head_of["orderId"]) == (ours["m_token"], "DS25B1-1-1")


def held(rows: list[PaymentRow], **changes: object) -> Answer:
    items = [
        {"id": r.end_to_end_id, "amount": r.amount_vnd, "method": {"walletId": r.account},
         "state": "CREATED"}
        for r in rows
    ]  # fmt: skip
    items[0] |= changes
    return answer({"orderId": "DS25B1-1-1", "resultCode": 0, "state": "CREATED", "items": items})


@pytest.mark.parametrize(
    ("changes", "paid"),
    [({}, True), ({"amount": 810_001}, False), ({"method": {"walletId": "0911111111"}}, False),
     ({"id": "DS25999999999999"}, False)],
)  # fmt: skip
def test_a_batch_is_paid_only_if_it_is_what_was_sent(
    changes: dict[str, object], paid: bool
) -> None:
    """Over a page and a half, of which the first row may be another."""
    rows = [phone(n) for n in range(1, 71)]
    head, ours = header(rows), secrets()
    call = BATCH.make(head, rows, "DS25B1-1-1", AT, ours)
    reading = BATCH.read(call, answer({"orderId": "DS25B1-1-1", "resultCode": 0}), ours)
    assert reading.approve
    first = BATCH.next(call, reading, AT, ours)
    assert first is not None
    assert json.loads(first.body)["pageNum"] == 1
    reading = BATCH.read(first, held(rows[: momo_batch.PAGE], **changes), ours)
    second = BATCH.next(first, reading, AT, ours)
    if second is None:
        assert (paid, reading.stop) == (False, "other_payment")
        return
    assert json.loads(second.body)["pageNum"] == 2
    reading = BATCH.read(second, held(rows[momo_batch.PAGE :]), ours)
    pay = BATCH.next(second, reading, AT, ours)
    assert (pay is not None) == paid
    assert reading.stop == ("" if paid else "batch_items_differ")
    if pay is not None:
        assert (pay.path, json.loads(pay.body)["requestId"]) == (momo_batch.PAY, "DS25B1-1-1-P")


def test_a_batch_that_is_asked_about_is_never_paid_by_the_question() -> None:
    rows, ours = [phone(1)], secrets()
    asked = BATCH.inquiry("DS25B1-1-1", (rows[0].end_to_end_id,), AT, ours)
    reading = BATCH.read(asked, held(rows), ours)
    assert [i.fate for i in reading.items] == ["absent"]
    assert BATCH.next(asked, reading, AT, ours) is None


def test_accounts_amounts_and_texts_are_checked() -> None:
    SINGLE.check(phone())
    for wrong, field in (
        (row(1, account="84900000001"), "account"), (row(1, account="090000000"), "account"),
        (dataclasses.replace(phone(), amount_vnd=999), "amount_vnd"),
        (dataclasses.replace(phone(), amount_vnd=50_000_001), "amount_vnd"),
        (dataclasses.replace(phone(), text=""), "text"),
        (dataclasses.replace(phone(), text="x" * 121), "text"),
    ):  # fmt: skip
        with pytest.raises(RefusedRow) as told:
            SINGLE.check(wrong)
        assert told.value.field == field
        assert wrong.account not in told.value.sentence


def test_the_table_is_whole_and_says_credited_only_where_money_arrived() -> None:
    table = wallet_codes()
    assert len({key for key in table if key[0] == "momo"}) == 41
    credited = {key for key, meaning in table.items() if meaning.says == "credited"}
    assert credited == {
        ("momo", "", "0"), ("zalopay", "", "status 1"), ("payos", "", "state SUCCEEDED"),
        ("gsma", "", "status completed"),
    }  # fmt: skip
    for rail in ("momo", "zalopay", "gsma", "payos"):
        unknown = wallet_code(rail, "pay", "no such code")
        assert (unknown.says, unknown.known, unknown.ask) == ("unknown", False, True)
