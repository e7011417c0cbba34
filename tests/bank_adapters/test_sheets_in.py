"""Result lists in: read whole under a profile, or refused whole with the line."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from bank_adapters.contract import RefusedFile
from bank_adapters.registry import adapter
from bank_adapters.sheets import reading
from bank_adapters.sheets.values import a_day, whole_dong
from tests.bank_adapters.test_sheets_out import rows, write

IDS = [f"DS25{n:012d}" for n in (1, 2, 3, 4)]
DESK = ["Mã lệnh", "Số tiền", "Kết quả", "Ngày nhận", "Lý do", "Ghi chú"]
HANDED = [
    [IDS[0], 810_000, "Đã nhận", "07/11/2026", "", "CCCD"],
    [IDS[1], "540.000", "Không nhận", "", "Đã chết", "chết ngày 01/11"],
    [IDS[2], 405_000, "Chưa nhận", "", "", ""],
    [IDS[3], 405_000, "đã  NHẬN", "2026-11-08", "", ""],
]
CSV = (
    "Mã tệp: DS25B1,,,\r\nMã khoản chi,Số tiền,Trạng thái,Ngày ghi có,Lý do\r\n"
    f"{IDS[0]},810000,Đã ghi có,05/11/2026,\r\n{IDS[1]},540000,Từ chối,,Sai tên\r\n"
    f"{IDS[2]},405000,Thành công,,\r\nTổng cộng,1755000,,,\r\n"
)


def book(*lines: list[Any], head: list[str] | None = None, more: Any = None) -> bytes:
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write(0, 0, "Mã tệp: DS25B1")
        for n, line in enumerate([head or DESK, *lines], 2):
            for at, value in enumerate(line):
                sheet.write(n, at, value)
        if more:
            more(made, sheet)
    return out.getvalue()


def refused(data: bytes, profile: str = "cash-desk-vn-1") -> RefusedFile:
    with pytest.raises(RefusedFile) as told:
        adapter("post" if profile.startswith("cash") else "sheet", profile).parse(data)
    return told.value


def test_what_a_cash_desk_reports() -> None:
    answer = adapter("post", "cash-desk-vn-1").parse(book(*HANDED))
    assert (answer.kind, answer.original_message_id) == ("sheet", "DS25B1")
    got = [
        (s.end_to_end_id, s.status, s.reason_code, s.reason_text, s.amount_vnd, s.occurred_on)
        for s in answer.statuses()
    ]
    assert got == [
        (IDS[0], "CPUC", None, "CCCD", 810_000, date(2026, 11, 7)),
        (IDS[1], "RJCT", "MD07", "Đã chết chết ngày 01/11", 540_000, None),
        (IDS[3], "CPUC", None, "", 405_000, date(2026, 11, 8)),
    ]
    assert {s.level for s in answer.statuses()} == {"transaction"}
    with pytest.raises(TypeError):
        answer.statements()


def test_a_roster_filled_in_is_an_answer() -> None:
    """The list that went out, with the desk's two columns beside it, comes back as it is."""
    from python_calamine import CalamineWorkbook

    sent = CalamineWorkbook.from_filelike(io.BytesIO(write("cash-desk-vn-1", rows(2))))
    lines = [x for x in sent.get_sheet_by_index(0).to_python() if any(x)]
    head = [str(c) for c in lines[3]] + ["Kết quả", "Ngày nhận"]
    body = [[*line, "Đã nhận", "07/11/2026"] for line in lines[4:6]]
    answer = adapter("post", "cash-desk-vn-1").parse(book(*body, head=head))
    assert [(s.status, s.amount_vnd) for s in answer.statuses()] == [
        ("CPUC", 810_001), ("CPUC", 810_002),
    ]  # fmt: skip


def test_a_day_and_a_number_of_a_workbook() -> None:
    number = reading.Number
    assert (whole_dong(number("5.4E5")), whole_dong("1.050.000")) == (540_000, 1_050_000)
    assert [whole_dong(v) for v in (number("1.5"), "1.05", "1,05.000", "-5", "0", "", "٣")] == (
        [None] * 7
    )
    assert a_day(number("46333")) == date(2026, 11, 7)
    assert [a_day(v) for v in (number("46333.5"), number("7"), "31/02/2026", "7/11")] == [None] * 4


def test_a_bank_answers_in_csv() -> None:
    answer = adapter("sheet", "csv-vn-1").parse(CSV.encode())
    assert answer.original_message_id == "DS25B1"
    assert [(s.status, s.reason_code, s.line) for s in answer.statuses()] == [
        ("ACCC", None, 3), ("RJCT", "BE01", 4), ("ACSC", None, 5),
    ]  # fmt: skip
    assert [s.reason_text for s in answer.statuses()] == ["", "Sai tên", ""]


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("Tổng cộng,1755000", "Tổng cộng,1755001", "totals_differ", 6),
        ("Thành công", "Xong", "unknown_status", 5),
        ("Số tiền", "Tiền", "unknown_column", 2),
        ("Lý do", "Số tiền", "columns", 2),
        ("540000", "540000.5", "amount", 4),
        ("540000", "", "amount", 4),
        (IDS[1], IDS[0], "doubled", 4),
        (IDS[1], "x", "id", 4),
        ("Đã ghi có,05/11/2026", "Đã ghi có,", "day", 3),
        ("05/11/2026", "31/11/2026", "day", 3),
        ("Sai tên", "Sai tên,x", "extra_cells", 4),
        ("Mã tệp: DS25B1,,", "Mã tệp: DS25B1,Mã tệp: DS25B2,", "mixed_files", None),
        ("Sai tên", '"Sai tên', "csv_broken", 6),
        ("Sai tên", "Sai\0tên", "not_text", 4),
    ],
)
def test_a_list_with_something_wrong_is_refused_whole(
    old: str, new: str, code: str, line: int | None
) -> None:
    assert old in CSV
    error = refused(CSV.replace(old, new, 1).encode(), "csv-vn-1")
    assert (error.code, error.line) == (code, line)


def test_bytes_that_are_no_list() -> None:
    for data, code in (
        (b"", "no_header"), (b"a,b\n1,2\n", "no_header"), (CSV.encode("utf-16"), "not_text"),
        (CSV.encode("cp1258", "replace"), "encoding"),
        (CSV.partition(IDS[0])[0].encode(), "no_rows"), (book(*HANDED), "not_text"),
    ):  # fmt: skip
        assert refused(data, "csv-vn-1").code == code
    for data in (b"", b"x,y", b"PK\x03\x04nothing"):
        assert refused(data).code == "workbook_broken"
    assert refused(CSV.encode(), "mb-bulk-old").code == "no_result_format"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_workbook_cut_anywhere_is_refused(share: float) -> None:
    data = book(*HANDED)
    assert refused(data[: int(len(data) * share)]).code == "workbook_broken"


def repacked(data: bytes, change: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def test_formulas_hidden_sheets_bombs_and_macros_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    formula = [IDS[0], "=1+809999", "Đã nhận", "07/11/2026", "", ""]
    assert refused(book(formula)).code == "formula"
    assert refused(book(*HANDED, more=lambda b, _: b.add_worksheet())).code == "sheets"
    assert refused(book(*HANDED, more=lambda b, _: b.add_worksheet().hide())).code == "hidden_sheet"
    good = book(*HANDED)
    entity = repacked(
        good,
        lambda n, d: d.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)
        if "sheet1" in n else d,
    )  # fmt: skip
    assert refused(entity).code == "doctype"
    wide = repacked(good, lambda n, d: d.decode().encode("utf-16") if "sheet1" in n else d)
    assert refused(wide).code in ("workbook_broken", "no_header")
    macro = io.BytesIO(good)
    with zipfile.ZipFile(macro, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert refused(macro.getvalue()).code == "macro"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", 8) as archive:
        archive.writestr("xl/workbook.xml", b" " * (5 << 20))
        archive.writestr("xl/_rels/workbook.xml.rels", b" ")
    assert refused(bomb.getvalue()).code == "zip_bomb"
    monkeypatch.setattr(reading, "MOST_UNPACKED", 1_000)
    assert refused(good).code == "zip_bomb"
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    assert refused(good).code == "file_too_large"


def test_a_list_of_another_rail_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "mb.xlsx"
    path.write_bytes(write("mb-bulk-old", rows()))
    with pytest.raises(RefusedFile) as told:
        adapter("post", "cash-desk-vn-1").parse(path)
    assert told.value.code == "sheets"
