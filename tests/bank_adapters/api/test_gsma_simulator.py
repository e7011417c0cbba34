"""Our adapter against a simulated operator: every message against the published OpenAPI file."""

from __future__ import annotations

import json

import pytest

from bank_adapters.api.contract import Answer, BadCallback, Call
from bank_adapters.api.gsma import Gsma
from bank_adapters.api.profile import load_api_profile
from bank_adapters.simulators.bank import Holder
from bank_adapters.simulators.wallet.base import Clock, Incoming
from bank_adapters.simulators.wallet.gsma import PAGE, GsmaSimulator
from tests.bank_adapters.api.build import AT, GSMA_SECRETS, phone_row
from tests.bank_adapters.api.driver import payer
from tests.bank_adapters.api.openapi import DISBURSEMENTS, MASTER, SPECS, open_api

SINGLE = Gsma(load_api_profile("viettel-money-1"))
BATCHES = Gsma(load_api_profile("gsma-batch-1"))
KEYS = {"api_key": GSMA_SECRETS["api_key"], "callback_key": GSMA_SECRETS["callback_key"]}


def operator(**options: object) -> GsmaSimulator:
    return GsmaSimulator(KEYS, Clock(AT), **options)


def against_the_specification(call: Call, answer: Answer | None) -> None:
    """Check both sides of an exchange; nothing is checked where the file is not here."""
    if not (SPECS / DISBURSEMENTS).is_file():
        return
    api = open_api()
    api.request(call.method, call.path, dict(call.headers), call.body)
    if answer is not None:
        api.response(call.method, call.path, answer.http, answer.body)


def test_single_payments_of_every_kind_satisfy_the_specification():
    api = open_api()
    api.checked.clear()
    rows = [phone_row(n) for n in range(1, 301)]
    rail = operator(profile="stress", seed=5)
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        calls = us.make(rows)
        for call in calls:
            if us.send(call) is None:
                us.ask(call)
        rail.clock.add(30 * 86_400 - 1)
        for call in calls:
            if us.fates.get(call.members[0]) in (None, "waiting"):
                us.ask(call)
    assert rail.journal.paid_twice() == []
    assert rail.journal.told() == len(rows)
    counted = {f: list(us.fates.values()).count(f) for f in set(us.fates.values())}
    assert counted == {"credited": 234, "rejected": 62, "waiting": 4}
    for one, fate in us.fates.items():
        [order] = rail.journal.orders(one)
        want = {"returned": "credited"}.get(
            order.state(rail.clock.now()), order.state(rail.clock.now())
        )
        assert fate == want
    kinds = set(api.checked)
    assert {
        "POST /transactions/type/{transactionType} 201",
        "POST /transactions/type/{transactionType} 202",
        "POST /transactions/type/{transactionType} 400",
        "POST /transactions/type/{transactionType} 404",
        "GET /responses/{clientCorrelationId} 200",
        "GET /transactions/{transactionReference} 200",
    } <= kinds


def test_a_batch_of_ten_pages_is_approved_and_read_to_its_end():
    api = open_api()
    api.checked.clear()
    rows = [phone_row(n) for n in range(1, 1_001)]
    rail = operator(profile="first-run", seed=2)
    with payer(BATCHES, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make(rows)
        said = us.wire.send(call)
        against_the_specification(call, said)
        created = us.adapter.read(call, said, GSMA_SECRETS)
        assert {item.fate for item in created.items} == {"waiting"}
        assert (rail.journal.told(), rail.journal.orders()) == (1_000, [])  # nothing paid yet
        state = us.adapter.next(call, created, AT, GSMA_SECRETS)
        assert state.path == created.reference
        last = us.ask(call, created.reference)
        assert last.ask
        assert len(rail.journal.orders()) == 1_000
        rail.clock.add(10 * 86_400)
        us.ask(call, last.reference)
    now = rail.clock.now()
    states = {o.id: o.state(now) for o in rail.journal.orders()}
    undecided = {one for one, state in states.items() if state == "waiting"}
    assert len(undecided) == 2  # they never get an outcome, and hold nobody else's back
    assert len(us.fates) == 1_000
    for one, fate in us.fates.items():
        want = {"rejected": "rejected", "waiting": "waiting"}.get(states[one], "credited")
        assert fate == want
    assert rail.journal.paid_twice() == []
    pages = [k for k in api.checked if k.endswith("/completions 200")]
    assert len(pages) >= sum(s != "rejected" for s in states.values()) // PAGE
    assert {
        "POST /batchtransactions 202", "PATCH /batchtransactions/{batchId} 204",
        "GET /batchtransactions/{batchId} 200", "GET /batchtransactions/{batchId}/rejections 200",
        "GET /requeststates/{serverCorrelationId} 200",
    } <= set(api.checked)  # fmt: skip


@pytest.mark.parametrize(
    "fault", ["lost_answer:1", "5xx_after_booking:1", "lost_request:1", "busy:1"]
)
def test_after_a_lost_answer_the_rail_is_asked_and_pays_once(fault):
    rail = operator(faults=[fault])
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(1)])
        heard = us.send(call)
        assert heard is None or heard.ask
        assert us.fates in ({}, {call.members[0]: "unknown"})
        us.ask(call)
        if us.fates[call.members[0]] == "absent":  # the rail never had it: the same bytes again
            us.send(call)
    assert us.fates == {call.members[0]: "credited"}
    assert rail.journal.paid(call.members[0]) == [810_000]
    assert rail.journal.paid_twice() == []


@pytest.mark.parametrize("step", [1, 2])
def test_a_batch_survives_a_lost_answer_to_creation_or_approval(step):
    rail = operator()
    with payer(BATCHES, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(n) for n in range(1, 6)])
        if step == 1:
            rail.faults.set("lost_answer:1")
        created = us.send(call)
        assert (created is None) is (step == 1)
        if step == 2:
            rail.faults.set("lost_answer:1")
        us.ask(call)
        us.ask(call)
        us.ask(call)
    assert set(us.fates.values()) == {"credited"}
    assert [rail.journal.paid(one) for one in call.members] == [[810_000]] * 5
    assert rail.journal.paid_twice() == []


def test_a_repeated_request_is_refused_and_asked_about():
    rail = operator()
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(1)])
        us.send(call)
        repeated = us.send(call)
        assert ([i.fate for i in repeated.items], repeated.ask) == (["unknown"], True)
        us.ask(call)
    assert us.fates == {call.members[0]: "credited"}
    assert (rail.journal.told(call.members[0]), len(rail.journal.paid(call.members[0]))) == (2, 1)


def test_the_window_of_ids_is_the_rails_and_only_a_person_sends_after_it():
    """After the operator has forgotten an id, the same bytes would pay again: the journal shows it."""
    rail = operator(id_window_days=7)
    with payer(SINGLE, rail, GSMA_SECRETS) as us:
        [call] = us.make([phone_row(1)])
        us.send(call)
        rail.clock.add(8 * 86_400)
        us.ask(call)
        assert us.fates == {call.members[0]: "absent"}
        us.send(call)
    assert rail.journal.paid_twice() == list(call.members)
    assert SINGLE.profile.id_window_days == 7


def test_wrong_amounts_and_accounts_reach_the_intake():
    for fault, shown in (
        ("wrong_amount", (811_000, "0900000001")),
        ("wrong_account", (810_000, "0900000002")),
    ):
        rail = operator(faults=[fault])
        with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
            [call] = us.make([phone_row(1)])
            us.send(call)
        item = us.items[call.members[0]]
        assert (item.amount_vnd, item.account) == shown


def test_a_return_days_later_is_told_by_callback_and_by_inquiry():
    rail = operator(faults=["late_return"])
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(1)])
        us.send(call)
        assert us.fates == {call.members[0]: "credited"}
        rail.clock.add(7 * 86_400 - 1)
        us.ask(call)
        assert us.fates == {call.members[0]: "returned"}
    told = rail.journal.due_callbacks(rail.clock.now())
    fates = []
    for one in told:
        assert one.method == "PUT"
        SINGLE.check_callback(one.headers, one.body, GSMA_SECRETS)
        open_api().schema("responseTransaction", json.loads(one.body))
        fates += [item.fate for item in SINGLE.read_callback(one.headers, one.body).items]
    assert fates == ["credited", "returned"]


def test_a_failure_callback_names_the_request_and_leads_to_an_inquiry():
    rail = operator(faults=["delay"])
    rail.answers["0900000001"] = "incorrectState"
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(1)])
        pending = us.send(call)
        assert us.fates == {call.members[0]: "waiting"}
        rail.clock.add(601)
        [one] = rail.journal.due_callbacks(rail.clock.now())
        SINGLE.check_callback(one.headers, one.body, GSMA_SECRETS)
        open_api().schema("errorObject", json.loads(one.body))
        reading = SINGLE.read_callback(one.headers, one.body)
        assert (reading.items, reading.ask, reading.request_id) == ((), True, call.request_id)
        us.ask(call, pending.reference)
    item = us.items[call.members[0]]
    assert (item.fate, item.code) == ("rejected", "incorrectState")


def test_a_callback_with_a_wrong_key_is_refused():
    rail = operator(faults=["delay", "wrong_signature"])
    with payer(SINGLE, rail, GSMA_SECRETS) as us:
        us.send(us.make([phone_row(1)])[0])
    rail.clock.add(601)
    [one] = rail.journal.due_callbacks(rail.clock.now())
    with pytest.raises(BadCallback):
        SINGLE.check_callback(one.headers, one.body, GSMA_SECRETS)


def test_empty_deposit_and_wrong_key_stop_the_connection():
    rail = operator(deposit_vnd=810_000)
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        first, second = us.make([phone_row(1), phone_row(2)])
        us.send(first)
        us.send(second)
        assert us.fates == {first.members[0]: "credited", second.members[0]: "rejected"}
        assert us.stops == ["no_funds"]
    closed = GsmaSimulator({**KEYS, "api_key": "another"}, Clock(AT))
    with payer(SINGLE, closed, GSMA_SECRETS, against_the_specification) as us:
        us.send(us.make([phone_row(1)])[0])
    assert (set(us.fates.values()), us.stops) == ({"unknown"}, ["rail_auth"])
    assert closed.journal.told() == 0


def test_a_closed_account_is_refused_and_its_holder_is_told():
    rail = operator(
        truth={"0900000001": Holder("TRẦN THỊ HAI", closed=True), "0900000002": Holder("LÊ BA")}
    )
    with payer(SINGLE, rail, GSMA_SECRETS, against_the_specification) as us:
        [call] = us.make([phone_row(1)])
        us.send(call)
        assert (us.items[call.members[0]].fate, us.items[call.members[0]].code) == (
            "rejected",
            "identifierError",
        )
        name = SINGLE.name_call("Viettel Money", "0900000002", "", AT, "n", GSMA_SECRETS)
        us.seen = lambda _call, _answer: None
        said = us.wire.send(name)
        assert SINGLE.read_name(said) == "LÊ BA"
        if (SPECS / MASTER).is_file():
            open_api(MASTER).response("GET", name.path, said.http, said.body)
        balance = us.wire.send(SINGLE.balance_call(AT, "n", GSMA_SECRETS))
        assert SINGLE.read_balance(balance) == rail.balance()


def test_a_row_that_the_operator_cannot_parse_is_rejected_and_the_others_paid():
    rail = operator()
    with payer(BATCHES, rail, GSMA_SECRETS) as us:
        rows = [phone_row(1), phone_row(2, account="19000001")]
        [call] = us.make(rows)
        us.send(call)
        us.ask(call)
        us.ask(call)
    assert us.fates == {call.members[0]: "credited", call.members[1]: "rejected"}
    assert us.items[call.members[1]].code == "formatError"


def test_the_operator_answers_what_is_not_in_the_standard_with_its_errors():
    rail = operator()
    headers = {"x-api-key": KEYS["api_key"]}
    for method, path, body in (
        ("GET", "/nothing", b""), ("GET", "/transactions/T9", b""), ("GET", "/requeststates/x", b""),
        ("GET", "/batchtransactions/B9/completions", b""), ("POST", "/batchtransactions", b"{"),
        ("POST", "/transactions/type/disbursement", b'{"amount": 1}'),
    ):  # fmt: skip
        answer = rail.answer(Incoming(method, path, {}, headers, body))
        assert answer.status in (400, 404)
        open_api().schema("errorObject", json.loads(answer.body))
    assert rail.answer(Incoming("GET", "/heartbeat", {}, headers, b"")).status == 200
