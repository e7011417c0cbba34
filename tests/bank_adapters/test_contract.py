"""The contract suite over MoMo, ZaloPay, GSMA Mobile Money and payOS."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import pytest

from bank_adapters.api.contract import BadCallback, Call, Reading, Secrets
from bank_adapters.conformance.called import NOW, CalledSuite
from bank_adapters.simulators.wallet.base import Clock, Simulator
from bank_adapters.simulators.wallet.rails import SIMULATORS, made_up_keys


@cache
def keys(rail: str) -> tuple[dict[str, str], dict[str, str]]:
    return made_up_keys(rail, 1)


class Made(CalledSuite):
    """A rail whose simulator is of ours."""

    name: ClassVar[str]

    def rail(self, **options: Any) -> tuple[Simulator, Secrets]:
        theirs, ours = keys(self.name)
        return SIMULATORS[self.name](theirs, Clock(NOW), **options), Secrets(ours)


class TestMoMo(Made):
    same_bytes = False  # the payee's ciphertext is padded at random
    name = "momo"
    profile_id = "momo-1"
    bank_code = "MoMo"


class TestMoMoBatch(Made):
    name = "momo"
    profile_id = "momo-batch-1"
    bank_code = "MoMo"
    spoken = False  # a batch's payments are answered by item; see test_momo.py

    def test_a_rail_that_forgets_ids_pays_twice_and_its_journal_tells(self) -> None:
        """A forgotten batch is not found by batch/pay: nothing is paid at all."""
        with self.trial(faults=["expired_id"]) as (simulator, wire, secrets):
            _, items = self.carry(wire, secrets, self.call(self.rows(), secrets))
            assert {item.fate for item in items.values()} == {"absent"}
            assert simulator.journal.told() == 0

    def test_another_amount_or_account_is_surfaced(self) -> None:
        """And the batch is not paid: what MoMo holds is not what was sent."""
        with self.trial(faults=["wrong_amount:1"]) as (simulator, wire, secrets):
            reading, _ = self.carry(wire, secrets, self.call(self.rows(3), secrets))
            assert (reading.stop, reading.approve) == ("batch_items_differ", False)
            assert simulator.journal.told() == 0

    def test_callbacks_are_believed_only_with_their_signature(self) -> None:
        """A notice names the batch, not its payments: the batch is asked about."""
        single = TestMoMo()
        with single.trial() as (simulator, wire, secrets):
            call = single.call(single.rows(), secrets)
            single.carry(wire, secrets, call)
            [(headers, body)] = self.told(simulator)
            self.adapter.check_callback(headers, body, secrets)
            reading = self.adapter.read_callback(headers, body)
            assert (reading.items, reading.ask) == ((), True)
            assert reading.request_id == call.request_id
            with pytest.raises(BadCallback):
                self.adapter.check_callback(headers, body.replace(b"0", b"1", 1), secrets)


class TestZaloPay(Made):
    name = "zalopay"
    profile_id = "zalopay-1"
    bank_code = "ZaloPay"
    callbacks = False

    def second_step(self, secrets: Secrets) -> tuple[Call, Reading]:
        return self.call(self.rows(), secrets), Reading((), approve=True, reference="w|r")


class Gsma(Made):
    """The codes of errors are tried in api/test_gsma.py; this operator speaks them by category."""

    name = "gsma"
    bank_code = "Viettel Money"
    spoken = False

    def test_callbacks_are_believed_only_with_their_signature(self) -> None:
        """A single payment that waited is called back, with the operator's key and a hash."""
        with self.trial(faults=["delay:2", "duplicate_callback:1"]) as (simulator, wire, secrets):
            single = TestViettelMoney()
            single.carry(wire, secrets, single.call(single.rows(), secrets))
            simulator.clock.add(601)
            [(headers, body), again] = self.told(simulator)
            assert again == (headers, body)
            self.adapter.check_callback(headers, body, secrets)
            reading = self.adapter.read_callback(headers, body)
            assert [i.fate for i in reading.items] == ["credited"]
            assert self.adapter.callback_reply().status == 204
            for n in range(0, len(body), 7):
                forged = body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :]
                with pytest.raises(BadCallback):
                    self.adapter.check_callback(headers, forged, secrets)
            with pytest.raises(BadCallback):
                self.adapter.check_callback({}, body, secrets)


class TestViettelMoney(Gsma):
    profile_id = "viettel-money-1"


class TestVnptMoney(Gsma):
    profile_id = "vnpt-money-1"
    bank_code = "VNPT Money"


class TestMobiFoneMoney(Gsma):
    profile_id = "mobifone-money-1"
    bank_code = "MobiFone Money"


class TestGsmaBatch(Gsma):
    """Rows of completions carry no amount and no later state: what the standard leaves open."""

    profile_id = "gsma-batch-1"

    def test_a_rail_that_forgets_ids_pays_twice_and_its_journal_tells(self) -> None:
        """A forgotten batch is not found again, so nobody approves it and nothing is paid."""
        with self.trial(faults=["expired_id"]) as (simulator, wire, secrets):
            call = self.call(self.rows(), secrets)
            self.carry(wire, secrets, call)
            _, items = self.ask(wire, secrets, call)
            assert {item.fate for item in items.values()} == {"absent"}
            assert simulator.journal.orders() == []

    def test_a_credit_that_is_taken_back_is_told_as_such(self) -> None:
        """By callback: a row of completions stays what it was."""
        with self.trial(faults=["late_return:1"]) as (simulator, wire, secrets):
            assert self.settle(wire, secrets, self.call(self.rows(), secrets)).fate == "credited"
            simulator.clock.add(3 * 86_400)
            fates = []
            for headers, body in self.told(simulator):
                self.adapter.check_callback(headers, body, secrets)
                fates += [i.fate for i in self.adapter.read_callback(headers, body).items]
            assert fates == ["credited", "returned"]

    def test_another_amount_or_account_is_surfaced(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["wrong_account"]) as (_, wire, secrets):
            item = self.settle(wire, secrets, self.call(rows, secrets))
            assert item.account not in (None, order.account)
            assert item.amount_vnd is None

    def test_a_deposit_without_money_stops_the_rail(self) -> None:
        """The approval is refused, and the batch stays unpaid until the deposit is filled."""
        with self.trial(deposit_vnd=1) as (simulator, wire, secrets):
            call = self.call(self.rows(), secrets)
            reading, items = self.carry(wire, secrets, call)
            assert (reading.stop, reading.ask) == ("no_funds", True)
            assert {item.fate for item in items.values()} == {"waiting"}
            assert simulator.journal.orders() == []
            simulator.deposit_vnd = 1_000_000
            self.ask(wire, secrets, call)
            _, items = self.ask(wire, secrets, call)
            assert {item.fate for item in items.values()} == {"credited"}


class PayOSRail(Made):
    """payOS publishes no codes of refusals: what it refuses is asked about, never a verdict."""

    name = "payos"
    bank_code = "BFTVVNVX"
    callbacks = False
    spoken = False

    def test_a_deposit_without_money_stops_the_rail(self) -> None:
        with self.trial(deposit_vnd=1) as (simulator, wire, secrets):
            call = self.call(self.rows(), secrets)
            reading, items = self.carry(wire, secrets, call)
            assert ({i.fate for i in items.values()}, reading.ask) == ({"unknown"}, True)
            _, items = self.ask(wire, secrets, call)
            assert {i.fate for i in items.values()} == {"absent"}
            assert simulator.journal.orders() == []


class TestPayOS(PayOSRail):
    profile_id = "payos-1"


class TestPayOSBatch(PayOSRail):
    profile_id = "payos-batch-1"
