"""Tables out: each profile writes what it describes, and what it wrote reads back to the đồng."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from bank_adapters.contract import (
    Accepted,
    BatchHeader,
    OutgoingFile,
    PaymentRow,
    RefusedBatch,
    RefusedRow,
    RefusedText,
)
from bank_adapters.registry import adapter
from bank_adapters.sheets.profile import load_sheet, sheet_ids
from bank_adapters.sheets.readback import profile_of, read_sheet
from bank_adapters.transports import FileDrop
from tests.bank_adapters import build

ALL = sheet_ids()
ORDER = (
    ("unit_code", "1054321"), ("treasury", "KBNN Khu vực V"), ("order_no", "12"),
    ("order_date", "05/11/2026"),
)  # fmt: skip


def row(n: int = 1, **changes: object) -> PaymentRow:
    about = (("birth", "1948"), ("last4", "4321"), ("place", "Thôn Đoài"), ("months", "11/2026"))
    made = build.row(n, about=about, text=f"DS25{n:012d} CHI TRA THANG 11 2026")
    return dataclasses.replace(made, **changes)


def rows(count: int = 3, **changes: object) -> list[PaymentRow]:
    return [row(n, amount_vnd=810_000 + n, **changes) for n in range(1, count + 1)]


def header(given: list[PaymentRow], **changes: object) -> BatchHeader:
    made = build.header(given, debtor_name="UBND xã Thu")
    about = (*ORDER, ("order_total", str(made.total_vnd)))
    return dataclasses.replace(made, about=about, **changes)


def write(profile_id: str, given: list[PaymentRow], **changes: object) -> bytes:
    made = load_sheet(profile_id)
    out = io.BytesIO()
    if made.bank_list == "mb-2026":  # the one bank whose name in that list is known
        given = [dataclasses.replace(r, bank_code="BFTVVNVX") for r in given]
    done = adapter(made.adapter, profile_id).render(header(given, **changes), given, out)
    assert (done.count, done.bytes) == (len(given), len(out.getvalue()))
    return out.getvalue()


def cells(data: bytes, sheet: int = 0) -> list[list[object]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)


@pytest.mark.parametrize("profile_id", ALL)
def test_what_a_profile_writes_reads_back(profile_id: str) -> None:
    given = rows()
    data = write(profile_id, given)
    assert data == write(profile_id, given)  # the same bytes each time
    found = profile_of(data)
    assert found is not None
    assert found.id == profile_id
    back = read_sheet(found, data)
    assert (back.count, back.total_vnd) == (3, 2_430_006)
    assert (back.findings, back.duplicates) == ((), ())


@pytest.mark.parametrize(
    ("profile_id", "name", "detail", "bank"),
    [
        ("mb-bulk-old", "Tên người thụ hưởng (Beneficiary) (3)",
         "Nội dung chuyển khoản (Payment Detail) (6)", "Ngoại thương Việt Nam (VCB)"),
        ("mb-bulk-2026", "Tên đơn vị thụ hưởng (Beneficiary Organization) (3)",
         "Chi tiết thanh toán (Payment Detail) (6)", "VCB - Ngân hàng TMCP Ngoại thương Việt Nam"),
    ],
)  # fmt: skip
def test_mb_in_both_generations(profile_id: str, name: str, detail: str, bank: str) -> None:
    given = [row(1, account="0012345678"), row(2, amount_vnd=540_001)]
    data = write(profile_id, given)
    got = cells(data)
    assert got[0][1] == "DANH SÁCH GIAO DỊCH\n(LIST OF TRANSACTIONS)"
    assert got[1] == [
        "STT (Ord. No.) (1)", "Số tài khoản (Account No.) (2)", name,
        "Ngân hàng thụ hưởng/Chi nhánh (Beneficiary Bank) (4)", "Số tiền (Amount) (5)", detail,
    ]  # fmt: skip
    assert got[2] == [1.0, "0012345678", "NGUYEN VAN THU", bank, 810000.0, given[0].text]
    assert got[3][4] == 540_001.0
    assert [bank] in cells(data, 1)  # the template's own list of banks
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    assert '<mergeCell ref="B1:F1"/>' in sheet
    assert '<dataValidation type="list"' in sheet
    assert "<f>" not in sheet


def test_the_template_of_the_treasury_adds_up() -> None:
    given = rows()
    got = cells(write("mau-09-tt17", given))
    flat = [str(c) for line in got for c in line]
    assert "1. Đơn vị sử dụng ngân sách: UBND xã Thu" in flat
    assert "(Kèm theo Giấy rút dự toán/ủy nhiệm chi số 12 ngày 05/11/2026)" in flat
    assert "Tổng số tiền bằng chữ: Hai triệu bốn trăm ba mươi nghìn không trăm lẻ sáu đồng" in flat
    first = got[10]
    assert first[:5] == [
        1.0, "NGUYEN VAN THU", "1900000001", "Ngân hàng TMCP Ngoại Thương Việt Nam", 810_001.0,
    ]  # fmt: skip
    assert first[9] == 810_001.0
    total = got[13]
    assert (total[0], total[4], total[9]) == ("Tổng cộng", 2_430_006.0, 2_430_006.0)


@pytest.mark.parametrize("wrong", ["2430005", "", "2430006.0"])
def test_the_table_must_be_the_order(wrong: str) -> None:
    given = rows()
    about = (*ORDER, ("order_total", wrong))
    with pytest.raises(RefusedBatch) as refused:
        adapter("sheet", "mau-09-tt17").validate(
            dataclasses.replace(header(given), about=about), given
        )
    assert refused.value.code == "order_differs"
    about = (*ORDER[1:], ("order_total", "2430006"))
    with pytest.raises(RefusedBatch) as refused:
        adapter("sheet", "mau-09-tt17").validate(
            dataclasses.replace(header(given), about=about), given
        )
    assert refused.value.code == "header_unit_code"


def test_csv_and_fixed_width_to_the_byte() -> None:
    given = rows(2)
    lines = write("csv-vn-1", given).decode("utf-8").split("\r\n")
    assert lines[0] == "\ufeffMã tệp: DS25B1,Ngày chi: 05/11/2026,UBND xã Thu"
    assert lines[2] == (
        "1,DS25000000000001,1900000001,NGUYEN VAN THU,970436,810001,"
        "DS25000000000001 CHI TRA THANG 11 2026"
    )
    assert lines[4:] == ["Tổng cộng,,,,,1620003,2 khoản", ""]
    lines = write("fixed-vn-1", given).decode("ascii").split("\r\n")
    assert lines[0] == "H" + "DS25B1".ljust(35) + "05/11/2026"
    assert lines[1].startswith("D0000001DS25000000000001    9704361900000001")
    assert {len(line) for line in lines[1:3]} == {1 + 7 + 20 + 6 + 34 + 15 + 70 + 140}
    assert lines[3] == "T0000002000000000001620003"


def test_the_cash_desk_gets_what_it_needs_and_no_account() -> None:
    data = write("cash-desk-vn-1", rows(2, bank_code="", account=""))
    got = cells(data)
    assert got[4][:9] == [
        1.0, "DS25000000000001", "DS25000000000001", "NGUYEN VAN THU", "1948", "4321", "Thôn Đoài",
        810_001.0, "11/2026",
    ]  # fmt: skip
    desk = adapter("post", "cash-desk-vn-1")
    assert desk.capabilities.kind == "cash"
    for name, value in (("birth", "48"), ("last4", "12345"), ("place", "x" * 141)):
        with pytest.raises(RefusedRow) as refused:
            desk.check(row(1, bank_code="", about=((name, value),)))
        assert (refused.value.field, refused.value.n) == (name, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n": 0}, "n"),
        ({"end_to_end_id": "short"}, "end_to_end_id"),
        ({"amount_vnd": 0}, "amount_vnd"),
        ({"amount_vnd": True}, "amount_vnd"),
        ({"amount_vnd": 500_000_000}, "amount_vnd"),
        ({"account": "12 34"}, "account"),
        ({"account": "1" * 25}, "account"),
        ({"account": ""}, "account"),
        ({"name": "Nguyễn Văn Thu"}, "name"),
        ({"name": "A" * 70}, "name"),
        ({"name": ""}, "name"),
        ({"name": " NGUYEN"}, "name"),
        ({"text": "CHI TRA"}, "reference"),
        ({"text": "DS25000000000001 CHI-TRA"}, "text"),
        ({"reference": "a"}, "reference"),
        ({"bank_code": "XXXXVNVX"}, "bank_code"),
        ({"bank_code": ""}, "bank_code"),
    ],
)
def test_a_row_that_mb_would_change_or_refuse_is_held(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(RefusedRow) as refused:
        adapter("sheet", "mb-bulk-old").check(dataclasses.replace(row(), **changes))
    assert refused.value.field == field
    assert "NGUYEN" not in refused.value.sentence


def test_a_bank_without_a_name_in_the_list_holds_the_payment_not_the_batch() -> None:
    new = adapter("sheet", "mb-bulk-2026")
    new.check(row(1))
    with pytest.raises(RefusedRow) as refused:
        new.check(row(2, bank_code="ICBVVNVX"))
    assert refused.value.field == "bank_code"
    assert "chưa có VietinBank" in refused.value.sentence
    adapter("sheet", "mb-bulk-old").check(row(2, bank_code="ICBVVNVX"))


def test_every_change_is_reported_and_nothing_is_cut() -> None:
    mb = adapter("sheet", "mb-bulk-old")
    given = row(1, name="Đoàn Thị (Hoà) & Lò-A", text="DS25000000000001 Trợ cấp 50%: tháng 11")
    made, changes = mb.prepare(given)
    assert (made.name, made.text) == (
        "DOAN THI HOA VA LO A", "DS25000000000001 TRO CAP 50 PT THANG 11",
    )  # fmt: skip
    assert [(c.field, c.before, c.after) for c in changes] == [
        ("name", given.name, made.name), ("text", given.text, made.text),
    ]  # fmt: skip
    assert mb.prepare(made) == (made, ())  # what is written stays what it is
    mb.check(made)
    for name, code in (("()", "text_empty"), ("Ạ" * 70, "text_too_long"), ("李", "text_character")):
        with pytest.raises(RefusedText) as refused:
            mb.prepare(row(1, name=name))
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"count": 4}, "totals_differ"),
        ({"total_vnd": 2_430_005}, "totals_differ"),
        ({"total_vnd": 0}, "header_total_vnd"),
        ({"message_id": "a/b"}, "header_message_id"),
        ({"execution_date": date(2024, 1, 1)}, "header_execution_date"),
        ({"count": 1}, "too_few_payments"),
        ({"count": 5001}, "too_many_payments"),
    ],
)
def test_a_batch_that_does_not_add_up_is_refused(changes: dict[str, object], code: str) -> None:
    given = rows()
    mb = adapter("sheet", "mb-bulk-old")
    head = dataclasses.replace(header(given), **changes)
    with pytest.raises(RefusedBatch) as refused:
        mb.render(head, given, io.BytesIO())
    assert refused.value.code == code


def test_a_doubled_id_and_a_limit_of_bytes() -> None:
    mb = adapter("sheet", "mb-bulk-old")
    twice = [row(1), row(2, end_to_end_id=row(1).end_to_end_id)]
    with pytest.raises(RefusedRow) as refused:
        mb.validate(header(twice), twice)
    assert refused.value.field == "end_to_end_id"
    small = dataclasses.replace(load_sheet("csv-vn-1"), max_bytes_per_file=200)
    with pytest.raises(RefusedBatch) as large:
        type(mb)(small).render(header(rows()), rows(), io.BytesIO())
    assert large.value.code == "file_too_large"


def test_a_table_is_read_back_before_it_leaves(tmp_path: Path) -> None:
    bank = adapter("sheet", "csv-vn-1")
    data = write("csv-vn-1", rows())
    drop = FileDrop(tmp_path / "bank")

    def submit(data: bytes) -> object:
        path = tmp_path / "DS25B1.csv"
        path.write_bytes(data)
        return bank.submit(
            OutgoingFile(path.name, path, hashlib.sha256(data).hexdigest(), len(data)), drop
        )

    for old, new, code in (
        (b"2430006", b"2430007", "totals_differ"),
        (b",810001,", b",810009,", "totals_differ"),
        (b",810001,", b",810001.5,", "amount"),
        (b"3 kho", b"4 kho", "totals_differ"),
        (b"DS25000000000002,19", b"DS25000000000001,19", "doubled"),
        ("Số tiền".encode(), b"So tien", "headers"),
        (b"NGUYEN VAN THU", b"=1+1", "row_name"),
    ):
        assert old in data
        with pytest.raises(RefusedBatch) as refused:
            submit(data.replace(old, new, 1))
        assert refused.value.code == code
        assert not list((tmp_path / "bank").glob("*"))
    assert isinstance(submit(data), Accepted)
