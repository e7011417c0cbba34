"""The base of simulated rails: books, time, faults and cuts, tried with the smallest rail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from bank_adapters.contract import AdapterError
from bank_adapters.simulators.wallet.base import Clock, Incoming, Outgoing, Route, Simulator
from bank_adapters.simulators.wallet.faults import Draw, Faults
from bank_adapters.simulators.wallet.journal import Journal
from bank_adapters.simulators.wallet.server import serving

NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)


class Plain(Simulator):
    """One call that pays, one that asks; refuses an id that it knows."""

    name: ClassVar[str] = "plain"
    reasons: ClassVar[Mapping[str, str]] = {"": "no", "AC04": "closed"}

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/pay"): Route(self.take, pays=True),
            ("GET", "/state"): Route(self.state),
            ("POST", "/heard"): Route(self.hear),
        }

    def hear(self, call: Incoming) -> Outgoing:
        self.journal.keep("heard", call.headers["x"], self.clock.now(), call.body.decode())
        return Outgoing(204)

    def take(self, call: Incoming) -> Outgoing:
        want = call.json()
        self.tell(want["id"], want["id"], want["account"], want["amount"])
        if self.order(want["id"]):
            return Outgoing.of({"code": "seen"}, 409)
        order = self.pay(want["id"], want["id"], want["account"], want["amount"])
        self.call_back(order, lambda at: ({"x": "y"}, order.state(at).encode()))
        return Outgoing.of({"state": order.state(self.clock.now())})

    def state(self, call: Incoming) -> Outgoing:
        order = self.order(call.query["id"])
        if order is None:
            return Outgoing.of({}, 404)
        return Outgoing.of(
            {"state": order.state(self.clock.now()), "amount": self.told_amount(order)}
        )


def plain(**options: object) -> Plain:
    return Plain({}, Clock(NOW), **options)


def pay(http: httpx.Client, one: str = "A1", amount: int = 500_000) -> httpx.Response:
    return http.post("/pay", json={"id": one, "account": "0900000001", "amount": amount})


def test_a_payment_is_booked_once_and_its_journal_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    rail = plain(journal=Journal(path))
    with serving(rail) as where, httpx.Client(base_url=where) as http:
        assert where.startswith("http://127.0.0.1:")
        assert pay(http).json() == {"state": "credited"}
        assert pay(http).status_code == 409
        assert http.get("/_admin/paid").json() == {
            "told": 2, "paid_twice": [],
            "orders": [{"id": "A1", "request": "A1", "amount": 500_000, "state": "credited",
                        "code": ""}],
        }  # fmt: skip
    rail.journal.close()
    again = Journal(path)
    assert (again.told("A1"), again.paid("A1")) == (2, [500_000])
    assert again.spent(int(NOW.timestamp())) == 500_000
    again.close()


@pytest.mark.parametrize(
    ("fault", "paid"),
    [("lost_answer:1", [500_000]), ("lost_request:1", []), ("5xx_after_booking:1", [500_000]),
     ("busy:1", [])],
)  # fmt: skip
def test_what_strikes_one_call_strikes_one_call(fault: str, paid: list[int]) -> None:
    rail = plain(faults=[fault])
    with serving(rail) as where, httpx.Client(base_url=where) as http:
        if fault.startswith("lost"):
            with pytest.raises(httpx.RemoteProtocolError):
                pay(http)
        else:
            assert pay(http).status_code == (429 if fault == "busy:1" else 500)
        assert rail.journal.paid("A1") == paid
        assert pay(http, "A2").json() == {"state": "credited"}


def test_a_forgotten_id_pays_twice_and_the_journal_says_so() -> None:
    rail = plain(faults=["expired_id"])
    with serving(rail) as where, httpx.Client(base_url=where) as http:
        assert (pay(http).status_code, pay(http).status_code) == (200, 200)
        assert http.get("/_admin/paid").json()["paid_twice"] == ["A1"]


def test_time_passes_when_it_is_told_to() -> None:
    rail = plain(faults=["delay:1", "late_return:1"])
    with serving(rail) as where, httpx.Client(base_url=where) as http:
        assert pay(http).json() == {"state": "waiting"}
        assert http.get("/_admin/callbacks").json() == []
        assert http.post("/_admin/clock", json={"add": 600}).json() == {"ok": True}
        assert http.get("/state?id=A1").json()["state"] == "credited"
        assert [c["body"] for c in http.get("/_admin/callbacks").json()] == ["credited"]
        http.post("/_admin/clock", json={"add": 2 * 86_400})
        assert http.get("/state?id=A1").json()["state"] == "returned"
        assert [c["body"] for c in http.get("/_admin/callbacks").json()] == ["returned"]
        assert rail.balance() == rail.deposit_vnd


def test_a_running_clock_goes_on_from_where_it_is_set() -> None:
    clock = Clock(NOW, running=True)
    start = int(NOW.timestamp())
    assert start <= clock.now() < start + 60
    clock.add(86_400)
    assert start + 86_400 <= clock.now() < start + 86_460


def test_told_things_can_be_wrong_and_callbacks_come_twice() -> None:
    rail = plain()
    with serving(rail) as where, httpx.Client(base_url=where) as http:
        asked = {"set": ["wrong_amount:1", "duplicate_callback"]}
        assert http.post("/_admin/faults", json=asked).json() == {"ok": True}
        pay(http)
        assert http.get("/state?id=A1").json()["amount"] == 501_000
        assert http.get("/state?id=A1").json()["amount"] == 500_000
        assert len(http.get("/_admin/callbacks").json()) == 2
        http.post("/_admin/answer", json={"account": "0900000001", "code": "closed"})
        assert pay(http, "A2").json() == {"state": "rejected"}
        assert rail.journal.paid("A2") == []


def test_callbacks_are_sent_to_their_address() -> None:
    heard = plain()
    with serving(heard) as there:
        rail = plain(callback_url=f"{there}/heard")
        with serving(rail) as where, httpx.Client(base_url=where, timeout=10) as http:
            pay(http)
            for _ in range(2_000):
                if heard.journal.kept("heard", "y") is not None:
                    break
                http.get("/state?id=A1")
            assert heard.journal.kept("heard", "y") == "credited"
            assert rail.journal.due_callbacks(rail.clock.now()) == []


def test_fates_depend_on_seed_and_id_alone() -> None:
    one, two = Draw("stress", 7), Draw("stress", 7)
    fates = [one.fate(f"P{n}").kind for n in range(2_000)]
    assert fates == [two.fate(f"P{n}").kind for n in range(2_000)]
    assert fates != [Draw("stress", 8).fate(f"P{n}").kind for n in range(2_000)]
    assert 300 < fates.count("rejected") < 500  # 20 of 100 in the table
    assert {Draw("clean", 7).fate(f"P{n}").kind for n in range(100)} == {"paid"}


def test_a_fault_or_a_profile_that_is_not_there_is_refused() -> None:
    for wrong in ("sleep", "delay:x", "delay:-1"):
        with pytest.raises(AdapterError, match="lost_answer"):
            Faults([wrong])
    with pytest.raises(AdapterError, match="steady"):
        Draw("awful", 1)
    faults = Faults(["busy:1"])
    assert [faults.take("busy"), faults.take("busy")] == [True, False]
    assert json.dumps(sorted(faults._left)) == '["busy"]'
