"""The simulated post office at the other end of our own list profile: the adapter reads it back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bank_adapters.contract import RefusedFile
from bank_adapters.registry import adapter
from disbursement.fallback.simulator import PostOffice
from tests.bank_adapters.test_sheets_out import rows, write

DAY = date(2026, 11, 7)
DESK = adapter("post", "cash-desk-vn-1")


def answered(folder: Path, count: int = 3, **more: object) -> tuple[PostOffice, bytes]:
    office = PostOffice(folder, **{"seed": 3, "profile": "clean"} | more)
    (folder / "out" / "DS25B1.xlsx").write_bytes(
        write("cash-desk-vn-1", rows(count, bank_code="", account=""))
    )
    assert office.take_lists(DAY) == count
    [path] = office.results(DAY)
    assert path.suffix == ".xlsx"
    return office, path.read_bytes()


def test_our_list_is_taken_and_its_answer_is_read_by_our_adapter(tmp_path: Path) -> None:
    office, data = answered(tmp_path)
    answer = DESK.parse(data)
    assert answer.original_message_id == "DS25B1"
    got = [(s.end_to_end_id, s.status, s.amount_vnd, s.occurred_on) for s in answer.statuses()]
    assert got == [(r.end_to_end_id, "CPUC", r.amount_vnd, DAY) for r in rows(3)]
    assert office.paid() == {r.end_to_end_id: r.amount_vnd for r in rows(3)}


def test_who_did_not_come_has_no_verdict(tmp_path: Path) -> None:
    office, data = answered(tmp_path, count=400, profile="stress")
    read = {s.end_to_end_id for s in DESK.parse(data).statuses()}
    assert read == set(office.paid())
    assert 0 < len(read) < 400


@pytest.mark.parametrize("fault", ["doubled", "cut", "no-proof"])
def test_a_broken_answer_is_refused_whole(tmp_path: Path, fault: str) -> None:
    _, data = answered(tmp_path, fault=fault)
    with pytest.raises(RefusedFile):
        DESK.parse(data)


def test_a_wrong_amount_or_order_is_shown_to_the_intake(tmp_path: Path) -> None:
    _, data = answered(tmp_path / "a", fault="amount")
    first, *_ = DESK.parse(data).statuses()
    assert first.amount_vnd == rows(1)[0].amount_vnd + 1_000
    _, data = answered(tmp_path / "b", fault="unknown")
    told = [s.end_to_end_id for s in DESK.parse(data).statuses()]
    assert set(told) - {r.end_to_end_id for r in rows(3)} == {told[-1]}
