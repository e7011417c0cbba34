"""Our adapter, and payOS' own SDK, against a simulated payOS."""

from __future__ import annotations

import pytest
from payos import PayOS as Sdk
from payos._core.exceptions import InvalidSignatureError
from payos.types.v1 import GetPayoutListParams, PayoutBatchRequest, PayoutRequest

from bank_adapters.api.payos import PayOS
from bank_adapters.api.profile import load_api_profile
from bank_adapters.simulators.bank import Holder
from bank_adapters.simulators.wallet.base import Clock
from bank_adapters.simulators.wallet.payos import PayOSSimulator
from bank_adapters.simulators.wallet.server import serving
from tests.bank_adapters.api.build import AT, PAYOS_SECRETS, row
from tests.bank_adapters.api.driver import payer

SINGLE = PayOS(load_api_profile("payos-1"))
BATCHES = PayOS(load_api_profile("payos-batch-1"))
KEYS = dict(PAYOS_SECRETS.values)


def rail(**options: object) -> PayOSSimulator:
    return PayOSSimulator(KEYS, Clock(AT), **options)


def sdk(where: str) -> Sdk:
    return Sdk(
        client_id=KEYS["client_id"], api_key=KEYS["api_key"], checksum_key=KEYS["checksum_key"],
        base_url=where, max_retries=0,
    )  # fmt: skip


def test_payos_own_sdk_pays_and_reads_at_our_simulator():
    """The SDK signs what it sends and verifies what it hears: both agree with the simulator."""
    made = rail()
    one = {
        "amount": 810_000,
        "description": "CHI TRA",
        "to_bin": "970436",
        "to_account_number": "190001",
    }
    with serving(made) as where:
        client = sdk(where)
        payout = client.payouts.create(
            PayoutRequest(reference_id="A1", **one), idempotency_key="k1"
        )
        assert [t.state for t in payout.transactions] == ["SUCCEEDED"]
        again = client.payouts.create(PayoutRequest(reference_id="A1", **one), idempotency_key="k1")
        assert again.id == payout.id
        items = [{"reference_id": f"B{n}", **one} for n in (1, 2)]
        batch = client.payouts.batch.create(
            PayoutBatchRequest(reference_id="L1", validate_destination=True, payouts=items),
            idempotency_key="k2",
        )
        assert len(batch.transactions) == 2
        found = client.payouts.list(GetPayoutListParams(reference_id="A1", limit=10, offset=0))
        assert [p.id for p in found.data] == [payout.id]
        assert client.payouts.get(payout.id).id == payout.id
        assert client.payouts_account.balance().balance == str(made.balance())
        made.faults.set("wrong_signature:1")
        with pytest.raises(InvalidSignatureError):
            client.payouts.get(payout.id)
    assert {one: made.journal.paid(one) for one in ("A1", "B1", "B2")} == {
        "A1": [810_000], "B1": [810_000], "B2": [810_000],
    }  # fmt: skip


def test_every_payment_of_a_bad_month_gets_the_fate_that_payos_booked():
    made = rail(profile="stress", seed=4)
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        calls = us.make([row(n) for n in range(1, 201)])
        for call in calls:
            if us.send(call) is None:
                us.ask(call)
        made.clock.add(29 * 86_400)
        for call in calls:
            us.ask(call)
    now = made.clock.now()
    assert us.fates == {o.id: o.state(now) for o in made.journal.orders()}
    counted = {f: list(us.fates.values()).count(f) for f in set(us.fates.values())}
    assert counted == {"credited": 152, "rejected": 41, "returned": 6, "waiting": 1}
    assert made.journal.paid_twice() == []
    assert {item.bank_code for item in us.items.values()} == {"BFTVVNVX"}


def test_batches_are_paid_once_whatever_is_lost():
    made = rail(faults=["lost_answer:1", "5xx_after_booking:1"])
    with payer(BATCHES, made, PAYOS_SECRETS) as us:
        calls = us.make([row(n) for n in range(1, 251)])
        assert [len(call.members) for call in calls] == [100, 100, 50]
        for call in calls:
            us.send(call)
            us.ask(call)
    assert len(us.fates) == 250
    assert set(us.fates.values()) == {"credited"}
    assert made.journal.paid_twice() == []


@pytest.mark.parametrize("fault", ["lost_request:1", "busy:1"])
def test_what_never_arrived_is_sent_again_with_the_same_bytes(fault):
    made = rail(faults=[fault])
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        [call] = us.make([row(1)])
        us.send(call)
        us.ask(call)
        assert us.fates == {call.members[0]: "absent"}
        us.send(call)
    assert us.fates == {call.members[0]: "credited"}
    assert made.journal.paid(call.members[0]) == [810_000]


def test_a_repeat_gives_the_same_payout_and_another_key_is_no_verdict():
    made = rail()
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        [call] = us.make([row(1)])
        first, again = us.send(call), us.send(call)
        assert first == again
        import dataclasses

        headers = tuple(
            ("x-idempotency-key", "other") if k == "x-idempotency-key" else (k, v)
            for k, v in call.headers
        )
        other = us.send(dataclasses.replace(call, headers=headers))
        assert ([i.fate for i in other.items], other.ask) == (["unknown"], True)
        us.ask(call)
    assert us.fates == {call.members[0]: "credited"}
    assert made.journal.paid(call.members[0]) == [810_000]


def test_a_wrong_signature_wrong_amount_or_wrong_account_is_never_taken_as_paid():
    made = rail(faults=["wrong_signature:1"])
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        [call] = us.make([row(1)])
        us.send(call)
        assert (us.fates, us.stops) == ({}, ["answer_signature"])
        us.ask(call)
        assert us.fates == {call.members[0]: "credited"}
        made.faults.set("wrong_amount:1")
        us.ask(call)
        assert us.items[call.members[0]].amount_vnd == 811_000
        made.faults.set("wrong_account:1")
        us.ask(call)
        assert us.items[call.members[0]].account == "1900000002"


def test_a_return_and_a_closed_account_are_told():
    made = rail(truth={"1900000001": Holder("LE BA", closed=True)})
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        closed, other = us.make([row(1), row(2)])
        us.send(closed)
        item = us.items[closed.members[0]]
        assert (item.fate, item.code, item.text) == (
            "rejected",
            "state FAILED",
            "AC04: reason AC04",
        )
        made.faults.set("late_return:1")
        us.send(other)
        assert us.fates[other.members[0]] == "credited"
        made.clock.add(8 * 86_400)
        us.ask(other)
        assert us.fates[other.members[0]] == "returned"
        assert us.wire.send(SINGLE.balance_call(AT, "n", PAYOS_SECRETS)).http == 200


def test_an_empty_deposit_and_wrong_keys_pay_nothing():
    made = rail(deposit_vnd=800_000)
    with payer(SINGLE, made, PAYOS_SECRETS) as us:
        [call] = us.make([row(1)])
        reading = us.send(call)
        assert ([i.code for i in reading.items], reading.ask) == (["INSUFFICIENT_BALANCE"], True)
    assert made.journal.orders() == []
    for name, said in (("client_id", "rail_auth"), ("api_key", "rail_auth"), ("checksum_key", "")):
        wrong = PayOSSimulator({**KEYS, name: "another"}, Clock(AT))
        with payer(SINGLE, wrong, PAYOS_SECRETS) as us:
            reading = us.send(us.make([row(1)])[0])
            assert (reading.stop, reading.ask) == (said, True)
        assert wrong.journal.told() == 0
