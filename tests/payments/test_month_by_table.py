"""A month whose bank takes a table and answers with one: described by a profile, not programmed."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from pathlib import Path

import pytest
import python_calamine
from sqlalchemy import text

from bank_adapters.outgoing import inspect_outgoing
from disbursement.jobs import worker
from disbursement.platform import ids
from disbursement.runs import service
from tests.payments.world import (
    ADVANCE,
    PAYABLE,
    PEOPLE,
    SUSPENSE,
    TRANSIT,
    Entry,
    Month,
    debit,
    sent_month,
)
from tests.runs.test_month import K6, budget, healthy
from tests.runs.world import PROVIDER, Person, World, add_people

EACH = 750_000
BANKED = 6


def profiled(world: World, profile: str) -> None:
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE provider SET profile = :p"), {"p": profile})


def answer(month: Month, words: dict[str, str], *, named: bool = True, **other: int) -> bytes:
    """Write the bank's result list; `words` by end-to-end id, `other` amounts in its place."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    if named:
        write([f"Mã tệp: {month.message_id}"])
    write(["Mã khoản chi", "Số tiền", "Trạng thái", "Mã lý do", "Ngày ghi có"])
    total = 0
    for row in month.rows:
        amount = other.get(row.e2e, row.amount)
        said, _, why = words.get(row.e2e, "Đã ghi có").partition(": ")
        write([row.e2e, amount, said, why, "05/10/2026" if said == "Đã ghi có" else ""])
        total += amount
    write(["Tổng cộng", total, "", "", ""])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def drop(world: World, name: str, data: bytes) -> str:
    folder = worker.drop_folder(world.ctx, PROVIDER) / "in"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return worker.pick_up(world.ctx)


def test_a_table_goes_out_and_its_result_comes_back(world: World, tmp_path: Path) -> None:
    profiled(world, "csv-vn-1")
    month = sent_month(world, tmp_path)
    folder = tmp_path / PROVIDER
    assert sorted(p.name for p in folder.iterdir()) == [f"{month.message_id}.csv"]
    data = (folder / f"{month.message_id}.csv").read_bytes()
    ((profile, said),) = world.rows("SELECT profile, file_sha256 FROM batch WHERE rail = 'bank'")
    assert (profile, bytes(said)) == ("csv-vn-1/1", hashlib.sha256(data).digest())
    kept = world.ctx.settings.files / "out" / "202610"
    assert {p.suffix for p in kept.iterdir()} == {".csv", ".txt", ".pdf"}
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert lines[0][0] == f"Mã tệp: {month.message_id}"
    assert lines[1][:2] == ["STT", "Mã khoản chi"]
    assert [(r[1], int(r[5])) for r in lines[2:-1]] == [(r.e2e, r.amount) for r in month.rows]
    assert lines[2][3] == "NGUYEN VAN THU 1"
    assert lines[-1][5:] == [str(BANKED * EACH), f"{BANKED} khoản"]

    drawn = [
        Entry("CRDT", total, text=f"KBNN RDT{number} CHI TRA")
        for number, total in world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id")
    ]
    bad, good = month.rows[0], month.rows[1:]
    assert drop(world, "kq.csv", answer(month, {bad.e2e: "Từ chối: Tài khoản đã đóng"})) == (
        "nhận 1, chờ sao kê trước 0, không nhận 0"
    )
    assert month.states() == ["rejected", *["accepted"] * 5]
    assert world.balance(TRANSIT) == -5 * EACH, "a list's word is no debit"
    statement = month.statement([*drawn, *(debit(r) for r in good)])
    assert drop(world, "sk.xml", statement).startswith("nhận 1,")
    assert month.states() == ["rejected", *["credited"] * 5]
    assert (world.balance(TRANSIT), world.balance(SUSPENSE)) == (0, 0)
    assert world.balance(ADVANCE) == month.drawn - 5 * EACH
    assert world.balance(PAYABLE) == -EACH
    healthy(world)


def test_a_list_without_a_file_number_is_known_by_our_own_ids(world: World, tmp_path: Path) -> None:
    profiled(world, "csv-vn-1")
    month = sent_month(world, tmp_path)
    said = {r.e2e: "Đang xử lý" for r in month.rows[1:]}
    said[month.rows[0].e2e] = "Từ chối: Sai tên"
    assert drop(world, "kq.csv", answer(month, said, named=False)).startswith("nhận 1,")
    assert month.states() == ["rejected", *["sent"] * 5]
    assert world.balance(TRANSIT) == -5 * EACH
    healthy(world)


def test_a_wrong_list_imports_nothing_and_says_why(world: World, tmp_path: Path) -> None:
    profiled(world, "csv-vn-1")
    month = sent_month(world, tmp_path)
    whole = answer(month, {month.rows[0].e2e: "Từ chối: Sai tên"})
    wrong = {
        "cut.csv": whole[: len(whole) // 2],
        "word.csv": whole.replace("Đã ghi có".encode(), b"Xong"),
        "sum.csv": whole.replace(str(BANKED * EACH).encode(), str(BANKED * EACH - 1).encode()),
        "column.csv": whole.replace("Trạng thái".encode(), "Ghi chú khác".encode()),
        "empty.csv": b"",
    }
    before = world.one("SELECT max(seq) FROM seal")
    for name, data in wrong.items():
        assert data != whole, name
        said = drop(world, name, data)
        assert said == "nhận 0, chờ sao kê trước 0, không nhận 1", name
        assert world.one("SELECT max(seq) FROM seal") == before, name
        assert month.states() == [""] * BANKED, name
    assert drop(world, "good.csv", whole).startswith("nhận 1,")
    at = world.one("SELECT max(seq) FROM seal")
    assert drop(world, "again.csv", whole).startswith("nhận 1,")
    assert world.one("SELECT max(seq) FROM seal") == at, "the same bytes again change nothing"
    assert world.balance(TRANSIT) == -5 * EACH
    healthy(world)


def test_a_strangers_row_is_a_break_and_moves_no_money(world: World, tmp_path: Path) -> None:
    profiled(world, "csv-vn-1")
    month = sent_month(world, tmp_path)
    lost = month.rows[1]
    said = {r.e2e: "Từ chối: Sai tên" for r in month.rows[:2]}
    other = answer(month, said).replace(lost.e2e.encode(), b"DS01" + lost.e2e[4:].encode())
    assert drop(world, "kq.csv", other).startswith("nhận 1,")
    assert month.states() == ["rejected", "", *["accepted"] * 4]
    assert world.balance(TRANSIT) == -5 * EACH
    assert world.rows("SELECT kind, state FROM break_item") == [("unknown_id", "open")]
    healthy(world)


def test_another_amount_parks_the_payment(world: World, tmp_path: Path) -> None:
    profiled(world, "csv-vn-1")
    month = sent_month(world, tmp_path)
    odd = month.rows[2]
    said = {r.e2e: "Từ chối: Sai tên" for r in month.rows[:3]}
    drop(world, "kq.csv", answer(month, said, **{odd.e2e: odd.amount + 1}))
    assert month.states()[:2] == ["rejected", "rejected"]
    assert month.states()[2] != "rejected"
    assert world.balance(TRANSIT) == -4 * EACH
    healthy(world)


def test_the_workbook_of_a_bank_is_written_and_read_back(world: World, tmp_path: Path) -> None:
    profiled(world, "mb-bulk-2026")
    month = sent_month(world, tmp_path)
    (path,) = (tmp_path / PROVIDER).iterdir()
    assert path.name == f"eMB_BulkPayment_{month.message_id}.xlsx"
    rows = python_calamine.load_workbook(str(path)).get_sheet_by_name("eMB_BulkPayment").to_python()
    body = [r for r in rows if str(r[0]).split(".")[0].isdigit()]
    assert [int(float(str(r[4]))) for r in body] == [r.amount for r in month.rows]
    assert [str(r[5]).split(" ")[0] for r in body] == [r.e2e for r in month.rows]
    assert {r[5] for r in world.rows("SELECT 1, 1, 1, 1, 1, text_written FROM batch_row")} == {
        f"{r.e2e} CHI TRA THANG 10 2026" for r in month.rows
    } | {
        t for (t,) in world.rows(
            "SELECT r.text_written FROM batch_row r JOIN batch b ON b.id = r.batch_id "
            "WHERE b.rail = 'cash'"
        )
    }  # fmt: skip
    healthy(world)


def test_a_bank_without_a_name_in_the_template_holds_its_payment_alone(world: World) -> None:
    profiled(world, "mb-bulk-2026")
    made = add_people(world, list(PEOPLE[:3]))
    with world.ctx.cell.begin() as conn:
        number = ids.block(conn, "dest", 1)
        conn.execute(
            text(
                "INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, "
                "account_blind, account_last4, owner_name, owner_relation, usable_from, source) "
                "VALUES (:i, :p, 2, 'bank', 'VBAAVNVX', :e, :x, '0099', 'Nguyễn Văn Thử', 'self', "
                "'2026-01-02', 'test')"
            ),
            {
                "i": number, "p": made[0],
                "e": world.ctx.keys.encrypt("destination.account", number, "1900000099"),
                "x": world.ctx.keys.blind("account", "VBAAVNVX1900000099"),
            },
        )  # fmt: skip
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    held = dict(world.rows("SELECT person_id, hold_reason FROM payment"))
    assert held == {made[0]: "bank_not_in_template", made[1]: "", made[2]: ""}
    assert world.rows("SELECT payments FROM batch") == [(2,)]


@pytest.mark.parametrize("profile", ["mb-bulk-old", "csv-vn-1"])
def test_a_list_of_one_payment_is_paid_whatever_the_template_wants(
    world: World, tmp_path: Path, profile: str
) -> None:
    profiled(world, profile)
    month = sent_month(world, tmp_path, people=[Person(date(1980, 1, 1), K6)])
    ((row,), folder) = month.rows, tmp_path / PROVIDER
    assert (month.total, month.drawn, row.amount) == (EACH, EACH, EACH)
    (path,) = folder.iterdir()
    if profile == "mb-bulk-old":  # which takes two payments or more
        assert path.name == f"UNC_{month.message_id}.xlsx"
        assert world.rows("SELECT profile FROM batch WHERE rail = 'bank'") == [("unc-vn-1/1",)]
        cells = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        assert cells[4][:4] == [1.0, row.e2e, "NGUYEN VAN THU 1", cells[4][3]]
        assert cells[4][5] == cells[5][5] == EACH
        assert cells[6][0] == "Số tiền bằng chữ: Bảy trăm năm mươi nghìn đồng"
        about = inspect_outgoing(path, "sheet")
        assert (about["complete"], about["importable"], about["total_vnd"]) == (True, True, EACH)
    else:
        assert path.name == f"{month.message_id}.csv"
    drawn = Entry("CRDT", EACH, text="KBNN RDT1 CHI TRA")
    assert drop(world, "sk.xml", month.statement([drawn, debit(row)])).startswith("nhận 1,")
    assert month.states() == ["credited"]
    assert (world.balance(TRANSIT), world.balance(ADVANCE), world.balance(PAYABLE)) == (0, 0, 0)
    healthy(world)
