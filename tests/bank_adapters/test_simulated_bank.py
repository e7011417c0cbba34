"""The simulated bank against our own readers: exact figures both ways."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from bank_adapters import pain001
from bank_adapters.answers import parse
from bank_adapters.contract import BatchHeader, PaymentRow, RefusedFile
from bank_adapters.profiles import load_profile
from bank_adapters.simulators.bank import PROFILES, WHOLE, Holder, SimulatedBank, plain
from bank_adapters.xsd import load, validate_file

DAY = date(2026, 11, 5)
DEPOSIT = "20000001"


def order(folder: Path, count: int, message: str = "DS25B1", offset: int = 0) -> Path:
    rows = []
    for n in range(1, count + 1):
        e2e = f"DS25{n + offset:012d}"
        rows.append(
            PaymentRow(n, e2e, 540_000 + n, "BFTVVNVX", f"19{n:06d}", "NGUYEN VAN THU", e2e, e2e)
        )
    header = BatchHeader(
        message_id=message,
        payment_info_id=f"{message}-1",
        created_at="2026-10-23T01:00:00Z",
        execution_date=DAY,
        debtor_name="UBND Xa Thu",
        debtor_account=DEPOSIT,
        debtor_bic="ICBVVNVX",
        category_purpose="SSBE",
        purpose="SSBE",
        count=count,
        total_vnd=sum(r.amount_vnd for r in rows),
    )
    path = folder / "out" / f"{message}.xml"
    with path.open("wb") as out:
        pain001.render(load_profile("iso-vn-1"), header, rows, out)
    return path


def test_a_clean_month_balances(tmp_path: Path) -> None:
    bank = SimulatedBank(tmp_path, profile="clean")
    total = sum(540_000 + n for n in range(1, 51))
    bank.credit(DEPOSIT, total, "GRDT 1")
    validate_file(order(tmp_path, 50), "pain.001.001.09")
    assert bank.take_orders(DAY) == 50
    assert bank.take_orders(DAY) == 0
    bank.settle()
    (name,) = bank.statements(DAY)
    answer = parse(tmp_path / "in" / "pain002-DS25B1.xml")
    assert answer.original_message_id == "DS25B1"
    assert [s.status for s in answer.statuses()] == ["ACSP"]
    path = tmp_path / "in" / name
    load("camt.053.001.08").assertValid(etree.parse(str(path)))
    (statement,) = parse(path).statements()
    assert (statement.opening_vnd, statement.closing_vnd) == (0, 0)
    assert (statement.credit_vnd, statement.debit_vnd, len(statement.entries)) == (total, total, 51)
    assert bank.paid(DEPOSIT) == (total, 0)
    assert bank.paid_twice() == []
    bank.close()


def test_wrong_names_and_closed_accounts_are_refused(tmp_path: Path) -> None:
    truth = {"19000001": Holder("Trần Thị Khác"), "19000002": Holder("Nguyễn Văn Thử", closed=True)}
    bank = SimulatedBank(tmp_path, profile="clean", truth=truth)
    order(tmp_path, 3)
    bank.take_orders(DAY)
    answer = parse(tmp_path / "in" / "pain002-DS25B1.xml")
    rows = [
        (s.end_to_end_id, s.status, s.reason_code)
        for s in answer.statuses()
        if s.level == "transaction"
    ]
    assert rows == [("DS25000000000001", "RJCT", "BE01"), ("DS25000000000002", "RJCT", "AC04")]
    bank.settle()
    assert bank.paid(DEPOSIT) == (540_003, -540_003)
    bank.close()


def test_returns_and_late_debits_come_in_a_later_statement_that_continues(tmp_path: Path) -> None:
    bank = SimulatedBank(tmp_path, profile="stress", seed=3)
    order(tmp_path, 400)
    bank.take_orders(DAY)
    bank.settle()
    (first,) = bank.statements(DAY)
    bank.settle(late=True)
    (second,) = bank.statements(date(2026, 11, 9))
    one = parse(tmp_path / "in" / first).statements()[0]
    two = parse(tmp_path / "in" / second).statements()[0]
    assert two.opening_vnd == one.closing_vnd
    returns = [e for e in two.entries if e.side == "CRDT"]
    assert returns
    assert all(e.is_return and e.reason_code in ("AC04", "AC06", "AC01") for e in returns)
    debits = {e.end_to_end_id for e in one.entries} | {
        e.end_to_end_id for e in two.entries if e.side == "DBIT"
    }
    assert {e.end_to_end_id for e in returns} <= debits
    assert bank.paid_twice() == []
    bank.close()


def test_the_same_message_again_is_refused_and_nobody_is_paid_twice(tmp_path: Path) -> None:
    bank = SimulatedBank(tmp_path, profile="clean")
    order(tmp_path, 5)
    bank.take_orders(DAY)
    (tmp_path / "out" / "again.xml").write_bytes(
        (tmp_path / "out" / "DS25B1.xml").read_bytes() + b"\n"
    )
    assert bank.take_orders(DAY) == 0
    bank.settle()
    assert bank.paid(DEPOSIT)[0] == sum(540_000 + n for n in range(1, 6))
    answers = sorted(p.name for p in (tmp_path / "in").glob("pain002-DS25B1*.xml"))
    assert len(answers) == 2
    refused = parse(tmp_path / "in" / max(answers, key=len))
    assert [(s.status, s.reason_code) for s in refused.statuses()] == [("RJCT", "DU01")]
    bank.close()


def test_names_are_compared_as_a_bank_does() -> None:
    assert plain("Đặng  Thị Hường") == "DANG THI HUONG"


def answers(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "in").iterdir())}


def month(folder: Path, seed: int, profile: str = "stress") -> SimulatedBank:
    bank = SimulatedBank(folder, profile=profile, seed=seed)
    for n in range(20):
        order(folder, 50, message=f"DS25B{n}", offset=1000 * n)
    bank.take_orders(DAY)
    bank.settle()
    bank.statements(DAY)
    bank.settle(late=True)
    bank.statements(date(2026, 11, 9))
    return bank


def test_one_seed_gives_one_month(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        month(tmp_path / name, seed).close()
    first, again, other = (answers(tmp_path / n) for n in "abc")
    assert first == again
    assert first != other


def test_a_stress_month_goes_wrong_in_every_way(tmp_path: Path) -> None:
    bank = month(tmp_path, 1)
    fates = dict(bank.db.execute("SELECT fate, count(*) FROM told GROUP BY fate"))
    assert sum(fates.values()) == 1000
    assert set(fates) == {"paid", "rejected", "returned", "late", "never"}
    assert 150 <= fates["rejected"] <= 250  # 200 expected of 1,000
    files = sorted((tmp_path / "in").glob("pain002-*.xml"))
    assert 10 <= len(files) < 20  # some answers never come
    listed = [
        [s.end_to_end_id for s in parse(f).statuses() if s.level == "transaction"] for f in files
    ]
    assert any(len(ids) != len(set(ids)) for ids in listed)  # a row stands twice
    # What the bank booked is what its own journal says, to the dong.
    entries = [
        e
        for f in (tmp_path / "in").glob("camt053-*.xml")
        for s in parse(f).statements()
        for e in s.entries
    ]
    paid = bank.db.execute("SELECT sum(amount) FROM told WHERE paid = 1").fetchone()[0]
    back = bank.db.execute("SELECT sum(amount) FROM told WHERE back = 1").fetchone()[0]
    assert sum(e.amount_vnd for e in entries if e.side == "DBIT") == paid
    assert sum(e.amount_vnd for e in entries if e.is_return) == back
    assert (
        len([e for e in entries if e.side == "DBIT"]) == 1000 - fates["rejected"] - fates["never"]
    )
    assert bank.paid_twice() == []
    bank.close()


def test_an_id_under_a_new_message_is_refused(tmp_path: Path) -> None:
    bank = SimulatedBank(tmp_path, profile="clean")
    order(tmp_path, 2, message="DS25B1")
    bank.take_orders(DAY)
    order(tmp_path, 3, message="DS25B2")
    assert bank.take_orders(DAY) == 3
    answer = parse(tmp_path / "in" / "pain002-DS25B2.xml")
    assert [(s.end_to_end_id, s.reason_code) for s in answer.statuses() if s.end_to_end_id] == [
        ("DS25000000000001", "AM05"),
        ("DS25000000000002", "AM05"),
    ]
    bank.settle()
    assert bank.paid(DEPOSIT)[0] == 540_001 + 540_002 + 540_003
    assert bank.paid_twice() == []
    bank.close()


def test_every_profile_has_its_shares_with_a_source() -> None:
    assert set(PROFILES) == {"clean", "steady", "first-run", "stress"}
    assert PROFILES["clean"].fates == ()
    for profile in PROFILES.values():
        bounds = [bound for bound, _, _ in profile.fates]
        assert bounds == sorted(set(bounds))
        assert all(0 < bound < WHOLE for bound in bounds)
    last = {name: p.fates[-1][0] for name, p in PROFILES.items() if p.fates}
    assert last == {"steady": 2_000, "first-run": 5_300, "stress": 27_000}


def answers_of(tmp_path: Path, fault: str) -> list[list[tuple[str | None, str | None]]]:
    bank = SimulatedBank(tmp_path, profile="clean", faults=[fault])
    order(tmp_path, 3)
    bank.take_orders(DAY)
    bank.settle()
    assert bank.paid_twice() == []
    bank.close()
    paths = sorted((tmp_path / "in").glob("pain002-*.xml"))
    return [[(s.end_to_end_id, s.status) for s in parse(path).statuses()] for path in paths]


def test_faults_on_purpose_are_what_they_say(tmp_path: Path) -> None:
    first = "DS25000000000001"
    assert answers_of(tmp_path / "a", "lost_answer") == []
    assert answers_of(tmp_path / "b", "duplicate") == [[(None, "ACSP")], [(None, "ACSP")]]
    told = answers_of(tmp_path / "c", "contradiction")
    assert [(first, "ACSC")] in [[row for row in one if row[0]] for one in told]
    assert [(first, "RJCT")] in [[row for row in one if row[0]] for one in told]
    with pytest.raises(RefusedFile):
        answers_of(tmp_path / "d", "cut")
    with pytest.raises(ValueError, match="no such fault"):
        SimulatedBank(tmp_path, faults=["nonsense"])


def test_what_comes_back_late_was_paid_before(tmp_path: Path) -> None:
    bank = SimulatedBank(tmp_path, profile="clean", faults=["late_return"])
    order(tmp_path, 3)
    total = sum(540_000 + n for n in range(1, 4))
    bank.credit(DEPOSIT, total, "GRDT 1")
    bank.take_orders(DAY)
    bank.settle()
    assert bank.paid(DEPOSIT) == (total, 0)
    bank.settle(late=True)
    assert bank.paid(DEPOSIT)[1] == total
    bank.close()
