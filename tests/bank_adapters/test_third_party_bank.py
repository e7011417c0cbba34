"""A counterparty that nobody here wrote: PyPI mock-bank takes our pain.001 and we read its answers.

Its figures are computed by its own code from our file, so equality here is two parties agreeing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pytest
from mockbank import accounts, db
from mockbank.server import Config
from mockbank.state import State

from bank_adapters.answers import parse
from bank_adapters.contract import ParsedAnswer, RefusedFile
from tests.bank_adapters.build import render, row

# mock-bank looks accounts up by IBAN only; Vietnam has none, so this one is made for it.
DEPOSIT = "VN79MOCK10000001"
CLOSED = "VN52MOCK10000002"
OPENING = 10_000_000
AMOUNTS = {f"DS25{n:012d}": 540_000 + n for n in range(1, 6)}
TOTAL = sum(AMOUNTS.values())


class Counterparty:
    """The other bank, on its own clock (Tuesday 3 November 2026, 09:00)."""

    def __init__(self, behaviour: str, parameters: dict[str, object], balance: int) -> None:
        self.state = State(Config(clock="2026-11-03T09:00:00", quiet=True))
        fields = {"name": "UBND Xa Thu", "iban": DEPOSIT, "bic": "ICBVVNVX", "currency": "VND"}
        accounts.create(
            self.state.conn,
            "DEPOSIT",
            fields | {"balance": balance, "behaviour": behaviour, "parameters": parameters},
        )

    def send(self, **changes: object) -> list[object]:
        rows = [
            row(n, amount_vnd=a, **(changes if n == 2 else {}))
            for n, a in enumerate(AMOUNTS.values(), 1)
        ]
        data, _ = render(rows, debtor_account=DEPOSIT)
        answer, _, _ = self.state.receive(data)
        return list(answer["findings"])

    def bodies(self, kind: str) -> list[bytes]:
        rows = db.rows(self.state.conn, "SELECT * FROM message ORDER BY id")
        return [
            r["body"].encode()
            for r in rows
            if r["type"].startswith(kind) and r["account"] == "DEPOSIT"
        ]

    def answers(self, kind: str) -> list[ParsedAnswer]:
        return [parse(body) for body in self.bodies(kind)]


@pytest.fixture
def bank(request: pytest.FixtureRequest) -> Iterator[Counterparty]:
    behaviour, parameters, balance = getattr(request, "param", ("accept", {}, OPENING))
    other = Counterparty(behaviour, parameters, balance)
    yield other
    other.state.close()


def transactions(answer: ParsedAnswer) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (s.end_to_end_id, s.status, s.reason_code)
        for s in answer.statuses()
        if s.level == "transaction"
    ]


def test_a_month_settles_to_the_dong(bank: Counterparty) -> None:
    assert bank.send() == []  # it has nothing to say against our file
    (answer,) = bank.answers("pain.002")
    assert answer.original_message_id == "DS25B1"
    assert [(s.level, s.status) for s in answer.statuses()][:2] == [
        ("file", "ACCP"),
        ("batch", "ACCP"),
    ]
    assert transactions(answer) == [(e, "ACCP", None) for e in AMOUNTS]
    bank.state.clock.advance(days=3)
    (notice,) = bank.answers("camt.054")
    assert {e.end_to_end_id: e.amount_vnd for e in notice.statements()[0].entries} == AMOUNTS
    days = [s for a in bank.answers("camt.053") for s in a.statements()]
    assert [s.sequence for s in days] == [1, 2, 3]
    assert [s.opening_vnd for s in days] == [OPENING] * 3
    assert [s.closing_vnd for s in days] == [OPENING, OPENING, OPENING - TOTAL]
    last = days[-1]
    assert (last.account, last.debit_vnd, last.credit_vnd) == (DEPOSIT, TOTAL, 0)
    assert {e.end_to_end_id: e.amount_vnd for e in last.entries} == AMOUNTS
    assert {(e.side, e.status, e.booking_date, e.is_return) for e in last.entries} == {
        ("DBIT", "BOOK", date(2026, 11, 5), False)
    }


def test_a_closed_account_is_rejected_and_the_rest_is_paid(bank: Counterparty) -> None:
    accounts.create(
        bank.state.conn,
        "CLOSED",
        {"name": "x", "iban": CLOSED, "currency": "VND", "behaviour": "closed-account"},
    )
    bank.send(account=CLOSED)
    (answer,) = bank.answers("pain.002")
    assert next(iter(answer.statuses())).status == "PART"
    assert [t for t in transactions(answer) if t[1] == "RJCT"] == [
        ("DS25000000000002", "RJCT", "AC04")
    ]
    bank.state.clock.advance(days=3)
    last = bank.answers("camt.053")[-1].statements()[0]
    assert last.closing_vnd == OPENING - TOTAL + 540_002
    assert "DS25000000000002" not in {e.end_to_end_id for e in last.entries}


@pytest.mark.parametrize("bank", [("insufficient-funds", {}, 1_700_000)], indirect=True)
def test_missing_funds(bank: Counterparty) -> None:
    bank.send()
    (answer,) = bank.answers("pain.002")
    assert transactions(answer) == [
        (e, "ACCP", None) if n <= 3 else (e, "RJCT", "AM04") for n, e in enumerate(AMOUNTS, 1)
    ]


@pytest.mark.parametrize("bank", [("reject-file", {}, OPENING)], indirect=True)
def test_a_file_rejected_as_a_whole(bank: Counterparty) -> None:
    bank.send()
    (answer,) = bank.answers("pain.002")
    assert [(s.level, s.status, s.reason_code) for s in answer.statuses()] == [
        ("file", "RJCT", "FF01")
    ]


def test_the_same_message_twice_is_a_duplicate(bank: Counterparty) -> None:
    bank.send()
    bank.send()
    first, second = bank.answers("pain.002")
    assert transactions(first) == [(e, "ACCP", None) for e in AMOUNTS]
    (whole,) = second.statuses()
    assert (whole.level, whole.status, whole.reason_code) == ("file", "RJCT", "DUPL")
    bank.state.clock.advance(days=3)
    assert bank.answers("camt.053")[-1].statements()[0].closing_vnd == OPENING - TOTAL


@pytest.mark.parametrize(
    "bank",
    [("return-later", {"days": 3, "reason": "MD07", "end_to_end_id": "DS25000000000004"}, OPENING)],
    indirect=True,
)
def test_a_return_days_later(bank: Counterparty) -> None:
    bank.send()
    bank.state.clock.advance(days=8)
    days = [s for a in bank.answers("camt.053") for s in a.statements()]
    assert all(b.opening_vnd == a.closing_vnd for a, b in pairwise(days))
    back = [e for s in days for e in s.entries if e.side == "CRDT"]
    assert [(e.end_to_end_id, e.amount_vnd, e.is_return, e.reason_code) for e in back] == [
        ("DS25000000000004", 540_004, True, "MD07")
    ]
    assert back[0].booking_date == date(2026, 11, 10)
    assert days[-1].closing_vnd == OPENING - TOTAL + 540_004


@pytest.mark.parametrize("bank", [("statement-gap", {}, OPENING)], indirect=True)
def test_a_statement_that_leaves_an_entry_out_is_refused(bank: Counterparty) -> None:
    bank.send()
    bank.state.clock.advance(days=3)
    bad = bank.bodies("camt.053")[-1]
    with pytest.raises(RefusedFile) as refused:
        parse(bad)
    assert refused.value.code == "balance_differs"
    assert "540005" in refused.value.what


@pytest.mark.parametrize("bank", [("silent", {}, OPENING)], indirect=True)
def test_a_silent_bank_still_states_what_it_did(bank: Counterparty) -> None:
    bank.send()
    assert bank.answers("pain.002") == []
    bank.state.clock.advance(days=3)
    assert bank.answers("camt.053")[-1].statements()[0].closing_vnd == OPENING - TOTAL
