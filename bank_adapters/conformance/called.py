"""What every called rail must hold, against its simulator, over real HTTP on this machine.

A rail's test class subclasses `CalledSuite` and says how its simulator is made. What one rail
cannot have (callbacks, a code table that its simulator speaks) it leaves out by its flags.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank_adapters.api.codes import CodeTable, code_in, wallet_codes
from bank_adapters.api.contract import (
    Answer,
    ApiAdapter,
    BadCallback,
    Call,
    Item,
    Reading,
    Secrets,
)
from bank_adapters.api.registry import api_adapter
from bank_adapters.api.wire import Connection, Wire
from bank_adapters.conformance.orders import header, row
from bank_adapters.conformance.suite import ContractSuite, Terms
from bank_adapters.contract import AdapterError, NotOffered, NotSent, PaymentRow, Unknown
from bank_adapters.simulators.bank import Holder
from bank_adapters.simulators.wallet.base import Simulator
from bank_adapters.simulators.wallet.server import serving

NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
NOT_A_VERDICT = {"unknown", "waiting"}
NAME = "NGUYEN THI HUYEN TRANG"


def connection(where: str) -> Connection:
    """Return a connection to a rail on this machine."""
    return Connection(where, timeout_seconds=20, calls_per_second=500, concurrency=4)


class CalledSuite(ContractSuite):
    """The tests; `profile_id`, `account` and `rail` are the rail's."""

    bank_code: ClassVar[str] = ""
    callbacks: ClassVar[bool] = True
    """Whether the rail calls back about single payments."""
    spoken: ClassVar[bool] = True
    """Whether the simulator can be made to speak each code of the table."""
    balances: ClassVar[bool] = True
    codes: ClassVar[CodeTable | None] = None
    """The rail's own table of codes; None where it stands in the table of this package."""

    def rail(self, **options: Any) -> tuple[Simulator, Secrets]:
        raise NotImplementedError

    # --- helpers ------------------------------------------------------------------------------

    @property
    def adapter(self) -> ApiAdapter:
        return api_adapter(self.profile_id)

    def rows(self, count: int = 1) -> list[PaymentRow]:
        return [
            row(n, bank_code=self.bank_code, account=f"09{n:08d}", name=NAME)
            for n in range(1, count + 1)
        ]

    def call(self, rows: list[PaymentRow], secrets: Secrets) -> Call:
        head = header(rows)
        asked = self.adapter.request_id(head, rows, 1)
        return self.adapter.make(head, rows, asked, NOW, secrets)

    def check(self, rows: list[PaymentRow]) -> None:
        for order in rows:
            self.adapter.check(order)

    def written(self, rows: list[PaymentRow]) -> bytes:
        _, secrets = self.rail()
        adapter, head, out = self.adapter, header(rows), []
        for n, group in enumerate(adapter.split(rows), 1):
            call = adapter.make(head, group, adapter.request_id(head, group, n), NOW, secrets)
            out.append(repr((call.request_id, call.path, call.headers, call.members)).encode())
            out.append(call.body)
        return b"\n".join(out)

    def terms(self) -> Terms:
        return self.adapter.profile  # type: ignore[return-value]  # a called rail names no file

    @contextmanager
    def trial(self, **options: Any) -> Iterator[tuple[Simulator, Wire, Secrets]]:
        simulator, secrets = self.rail(**options)
        with serving(simulator) as where, Wire(connection(where)) as wire:
            yield simulator, wire, secrets

    def carry(self, wire: Wire, secrets: Secrets, call: Call) -> tuple[Any, dict[str, Item]]:
        """Carry a call and all that follows it; return the last outcome and the last items."""
        items: dict[str, Item] = {}
        for _ in range(100):
            outcome = wire.send(call)
            if not isinstance(outcome, Answer):
                return outcome, items
            reading = self.adapter.read(call, outcome, secrets)
            items |= {item.end_to_end_id: item for item in reading.items}
            following = self.adapter.next(call, reading, NOW, secrets)
            if following is None:
                return reading, items
            call = following
        raise AssertionError("an adapter that never ends")

    def answer(self, wire: Wire, call: Call) -> Answer:
        """Carry one call that must be answered."""
        outcome = wire.send(call)
        assert isinstance(outcome, Answer)
        return outcome

    def ask(self, wire: Wire, secrets: Secrets, call: Call) -> tuple[Any, dict[str, Item]]:
        asked = self.adapter.inquiry(call.request_id, call.members, NOW, secrets)
        assert asked.step == "inquiry"
        assert asked.members == call.members
        return self.carry(wire, secrets, asked)

    def settle(self, wire: Wire, secrets: Secrets, call: Call) -> Item:
        """Carry a call; where it ends without a verdict, ask once."""
        reading, items = self.carry(wire, secrets, call)
        [item] = items.values()
        if item.fate == "waiting" and isinstance(reading, Reading):
            _, items = self.ask(wire, secrets, call)
            [item] = items.values()
        return item

    # --- paying -------------------------------------------------------------------------------

    def test_it_is_found_by_its_profile_and_names_its_secrets(self) -> None:
        adapter = self.adapter
        assert adapter.profile.id == self.profile_id
        assert adapter.profile.adapter == adapter.name
        assert adapter.profile.source
        _, secrets = self.rail()
        for name in adapter.secret_names:
            assert secrets[name]
            short = Secrets({k: v for k, v in secrets.values.items() if k != name})
            with pytest.raises(AdapterError) as told:
                self.use_all(short)
            assert told.value.code in {"secret_missing", "no_callback", "bad_callback"}

    def use_all(self, secrets: Secrets) -> None:
        """Write every call that needs secrets."""
        self.call(self.rows(), secrets)
        self.adapter.inquiry("A1", ("A1",), NOW, secrets)
        self.adapter.check_callback({}, b"{}", secrets)
        self.adapter.next(*self.second_step(secrets), NOW, secrets)

    def second_step(self, secrets: Secrets) -> tuple[Call, Reading]:
        """Return a call and its reading whose `next` needs every secret that `make` does not."""
        return self.call(self.rows(), secrets), Reading(())

    def test_a_payment_is_credited_once_with_its_amount_and_account(self) -> None:
        [order] = rows = self.rows()
        with self.trial() as (simulator, wire, secrets):
            item = self.settle(wire, secrets, self.call(rows, secrets))
            assert (item.end_to_end_id, item.fate) == (order.end_to_end_id, "credited")
            assert item.amount_vnd in (None, order.amount_vnd)
            assert item.account in (None, order.account)
            assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]

    def test_what_was_refused_a_connection_was_not_sent_and_may_go_again(self) -> None:
        [order] = rows = self.rows()
        simulator, secrets = self.rail()
        call = self.call(rows, secrets)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with Wire(connection(f"http://127.0.0.1:{port}")) as wire:
                assert isinstance(wire.send(call), NotSent)
        with serving(simulator) as where, Wire(connection(where)) as wire:
            assert self.settle(wire, secrets, call).fate == "credited"
        assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]

    def test_a_name_that_does_not_resolve_and_a_failed_handshake_are_not_sent(self) -> None:
        simulator, secrets = self.rail()
        call = self.call(self.rows(), secrets)
        with serving(simulator) as where:
            for wrong in ("http://rail.invalid:9", where.replace("http:", "https:")):
                with Wire(connection(wrong)) as wire:
                    assert isinstance(wire.send(call), NotSent)
        assert simulator.journal.told() == 0

    def test_a_lost_answer_is_unknown_and_found_by_asking(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["lost_answer:1"]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            outcome, _ = self.carry(wire, secrets, call)
            assert isinstance(outcome, Unknown)
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate == "credited"
            assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]

    def test_an_error_after_booking_is_no_refusal(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["5xx_after_booking:1"]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            reading, items = self.carry(wire, secrets, call)
            assert reading.ask
            assert {i.fate for i in items.values()} <= NOT_A_VERDICT
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate == "credited"
            assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]

    @pytest.mark.parametrize("fault", ["lost_request:1", "busy:1"])
    def test_what_the_rail_never_had_is_absent_and_the_same_bytes_pay_once(
        self, fault: str
    ) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=[fault]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            outcome, items = self.carry(wire, secrets, call)
            assert isinstance(outcome, Unknown) or outcome.ask
            assert {i.fate for i in items.values()} <= NOT_A_VERDICT
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate == "absent"
            assert self.settle(wire, secrets, call).fate == "credited"
            assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]

    @pytest.mark.parametrize("fault", [[], ["delay:1"]])
    def test_the_same_request_twice_pays_once_and_is_no_verdict_against_it(
        self, fault: list[str]
    ) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=fault) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            self.carry(wire, secrets, call)
            _, items = self.carry(wire, secrets, call)
            assert {i.fate for i in items.values()} <= {*NOT_A_VERDICT, "credited"}
            assert simulator.journal.paid(order.end_to_end_id) == [order.amount_vnd]
            assert simulator.journal.paid_twice() == []

    def test_a_rail_that_forgets_ids_pays_twice_and_its_journal_tells(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["expired_id"]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            self.carry(wire, secrets, call)
            self.carry(wire, secrets, call)
            assert simulator.journal.paid_twice() == [order.end_to_end_id]
        assert self.adapter.profile.id_window_days <= 31

    def test_an_outcome_that_is_not_there_yet_waits(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["delay:1"]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            reading, _ = self.carry(wire, secrets, call)
            assert reading.ask
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate == "waiting"
            simulator.clock.add(601)
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate == "credited"

    def test_a_credit_that_is_taken_back_is_told_as_such(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["late_return:1"]) as (simulator, wire, secrets):
            call = self.call(rows, secrets)
            assert self.settle(wire, secrets, call).fate == "credited"
            simulator.clock.add(3 * 86_400)
            _, items = self.ask(wire, secrets, call)
            assert items[order.end_to_end_id].fate in ("returned", "rejected")

    def test_a_closed_account_is_refused_and_nothing_is_paid(self) -> None:
        [order] = rows = self.rows()
        with self.trial(truth={order.account: Holder(NAME, closed=True)}) as (simulator, wire, s):
            assert self.settle(wire, s, self.call(rows, s)).fate == "rejected"
            assert simulator.journal.paid(order.end_to_end_id) == []

    def test_another_amount_or_account_is_surfaced(self) -> None:
        [order] = rows = self.rows()
        with self.trial(faults=["wrong_amount", "wrong_account"]) as (_, wire, secrets):
            item = self.settle(wire, secrets, self.call(rows, secrets))
            assert item.amount_vnd == order.amount_vnd + 1000

    def test_a_deposit_without_money_stops_the_rail(self) -> None:
        rows = self.rows()
        with self.trial(deposit_vnd=1) as (simulator, wire, secrets):
            item = self.settle(wire, secrets, self.call(rows, secrets))
            assert item.fate == "rejected"
            assert simulator.journal.paid(item.end_to_end_id) == []

    def test_every_code_of_the_table_means_what_the_table_says(self) -> None:
        if not self.spoken:
            return
        name = self.adapter.name
        table = wallet_codes() if self.codes is None else self.codes
        codes = sorted({code for rail, _, code in table if rail == name})
        assert len(codes) > 10
        with self.trial() as (simulator, wire, secrets):
            for n, code in enumerate(codes, 1):
                [order] = rows = [self.rows(n)[-1]]
                if code_in(table, name, "pay", code).says == "credited":
                    continue
                simulator.answers[order.account] = code
                call = self.call(rows, secrets)
                reading, items = self.carry(wire, secrets, call)
                item, found = items[order.end_to_end_id], code_in(table, name, "pay", code)
                assert (item.fate, item.code) == (found.fate, code), code
                assert (reading.ask, reading.stop) == (found.ask, found.stop), code
                assert simulator.journal.paid(order.end_to_end_id) == []

    # --- callbacks ----------------------------------------------------------------------------

    def told(self, simulator: Simulator) -> list[tuple[Mapping[str, str], bytes]]:
        due = simulator.journal.due_callbacks(simulator.clock.now())
        return [(one.headers, one.body) for one in due]

    def test_callbacks_are_believed_only_with_their_signature(self) -> None:
        adapter, [order] = self.adapter, self.rows()
        if not self.callbacks:
            with pytest.raises(BadCallback):
                adapter.check_callback({}, b"{}", self.rail()[1])
            return
        with self.trial(faults=["duplicate_callback:1"]) as (simulator, wire, secrets):
            self.carry(wire, secrets, self.call([order], secrets))
            [(headers, body), again] = self.told(simulator)
            assert again == (headers, body)
            # Stateless: an id that nobody knows is read the same way, and answered.
            adapter.check_callback(headers, body, secrets)
            reading = adapter.read_callback(headers, body)
            assert reading.request_id or [i.end_to_end_id for i in reading.items]
            assert 200 <= adapter.callback_reply().status < 300
            for n in range(0, len(body), 7):
                forged = body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :]
                self.refused_or_same(secrets, headers, forged, reading)
            with pytest.raises(BadCallback):
                adapter.check_callback({}, b"[]", secrets)
            simulator.faults.set("wrong_signature:1")
            self.carry(wire, secrets, self.call([self.rows(2)[1]], secrets))
            [(headers, body)] = self.told(simulator)
            with pytest.raises(BadCallback):
                adapter.check_callback(headers, body, secrets)

    def refused_or_same(
        self, secrets: Secrets, headers: Mapping[str, str], body: bytes, reading: Reading
    ) -> None:
        """Assert that a changed byte is refused, unless it changes nothing that is read."""
        try:
            self.adapter.check_callback(headers, body, secrets)
        except BadCallback:
            return
        assert self.adapter.read_callback(headers, body) == reading

    # --- names, balance, what is shown ----------------------------------------------------------

    def test_balance_and_names(self) -> None:
        [order] = rows = self.rows()
        adapter = self.adapter
        truth = {order.account: Holder(NAME), "0999999999": Holder("X", closed=True)}
        with self.trial(truth=truth, deposit_vnd=1_000_000) as (_, wire, secrets):
            if self.balances:
                self.settle(wire, secrets, self.call(rows, secrets))
                outcome = self.answer(wire, adapter.balance_call(NOW, "B1", secrets))
                assert adapter.read_balance(outcome) == 1_000_000 - order.amount_vnd
            try:
                call = adapter.name_call("", order.account, "", NOW, "N1", secrets)
            except NotOffered:
                return
            assert adapter.read_name(self.answer(wire, call)) == NAME
            call = adapter.name_call("", "0999999999", "", NOW, "N2", secrets)
            with pytest.raises(AdapterError) as told:
                adapter.read_name(self.answer(wire, call))
            assert "0999999999" not in told.value.sentence

    def test_nothing_secret_or_personal_is_shown_or_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        [order] = rows = self.rows()
        caplog.set_level(logging.DEBUG)
        with self.trial() as (_, wire, secrets):
            call = self.call(rows, secrets)
            outcome = self.answer(wire, call)
            reading = self.adapter.read(call, outcome, secrets)
            self.settle(wire, secrets, call)
            shown = f"{call!r}{outcome!r}{reading!r}{secrets!r}{connection('http://x')!r}"
        hidden = [order.account, NAME, *secrets.values.values()]
        for words in (shown, caplog.text):
            assert not [one for one in hidden if len(one) > 6 and one in words]

    # --- whatever comes -------------------------------------------------------------------------

    def test_any_answer_is_read_without_an_error_and_credits_nobody_by_chance(self) -> None:
        _, secrets = self.rail()
        rows, adapter = self.rows(), self.adapter
        pay = self.call(rows, secrets)
        asked = adapter.inquiry(pay.request_id, pay.members, NOW, secrets)

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(200, 599), st.one_of(st.binary(max_size=200), _JSON))
        def read(http: int, body: bytes) -> None:
            for call in (pay, asked):
                reading = adapter.read(call, Answer(http, "application/json", body), secrets)
                assert {i.end_to_end_id for i in reading.items} <= set(call.members)
                assert not [i for i in reading.items if i.fate in ("credited", "returned")]

        read()


_NAMES = st.sampled_from(
    ["resultCode", "orderId", "amount", "message", "return_code", "sub_return_code", "data",
     "status", "items", "id", "state", "m_u_id", "phone", "code", "transactions"]
)  # fmt: skip
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(3, 9999), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=5)
    ),
    max_leaves=12,
)
_JSON = st.dictionaries(_NAMES, _VALUES, max_size=8).map(lambda value: json.dumps(value).encode())
