"""Control note, cleaning list, refused rows, danh sách tăng giảm."""

from __future__ import annotations

import io
from datetime import date

import pytest

from disbursement.beneficiaries.columns import REASON_HEADER
from disbursement.documents.changes import ChangeRow, changes_xlsx
from disbursement.documents.cleaning import HeldRow, cleaning_xlsx
from disbursement.documents.control_note import control_note_pdf
from disbursement.documents.refused import REASON_COLUMN, RefusedRow, refused_xlsx
from tests.documents import papers
from tests.documents.papers import MADE, OFFICE, cells


def test_the_control_note_is_one_page_with_the_files_figures():
    found = papers.pages(control_note_pdf(papers.note()))
    assert len(found) == 1
    for text in (
        "PHIẾU KIỂM SOÁT TỆP CHI TRẢ",
        "1.900 1.500.000.000 đồng",
        "Bằng chữ: Một tỷ năm trăm triệu đồng.",
        "Nơi nhận tệp Ngân hàng A",
        "Danh sách Danh sách bổ sung số 1, bản 1",
        "Mã lô (MsgId) DS25A",
        "Ngày thực hiện 05/11/2026",
        "Cỡ tệp 1.834.567 byte",
        "Tên tệp a.xml",
        "SHA-256 của tệp " + "1a" * 32,
        "Đầu chuỗi sổ cái số 1.234 " + "fe" * 32,
    ):
        assert text in found[0]


def test_the_cleaning_list_says_what_mends_each_row():
    rows = (
        HeldRow(7, "Đỗ Ưởng", "1950", "", "7K2M9Q0001", "SA", "no_identity", "", "23/10/2026"),
        HeldRow(8, "=1+1", "01/02/1960", "4321", "7K2M9Q0002", "SP", "category_ended", "x", ""),
    )
    out = io.BytesIO()
    assert cleaning_xlsx(OFFICE, iter(rows), MADE, out) == 2
    first, second = cells(out.getvalue())[4:]
    assert first == [
        1, 7, "Đỗ Ưởng", "1950", "", "7K2M9Q0001", "Trợ giúp xã hội",
        "Chưa có số định danh cá nhân", "",
        "Bổ sung số định danh 12 số theo thẻ căn cước hoặc cơ sở dữ liệu dân cư", "23/10/2026",
        "", "",
    ]  # fmt: skip
    assert second[2] == "=1+1"
    assert second[6:8] == [
        "Trợ cấp hưu trí xã hội",
        "Diện hưởng này đã bị bãi bỏ trước tháng này",
    ]
    assert second[9].endswith("Ghi diện hưởng thay thế nếu còn đủ điều kiện.")


def test_refused_rows_come_back_ready_to_be_imported():
    headers = ["Số định danh", "Họ và tên"]
    rows = (
        RefusedRow(15, ["001099000123", "=cmd|'/C calc'!A0"], ["Số định danh sai.", "Tên lạ."]),
        RefusedRow(16, ["00109900012"], ["Thiếu họ tên."]),
    )
    out = io.BytesIO()
    assert refused_xlsx(headers, iter(rows), MADE, out) == 2
    assert cells(out.getvalue()) == [
        ["Số định danh", "Họ và tên", REASON_COLUMN],
        [
            "001099000123",
            "=cmd|'/C calc'!A0",
            "Dòng 15 của tệp gốc:\nSố định danh sai.\nTên lạ.",
        ],
        ["00109900012", "", "Dòng 16 của tệp gốc:\nThiếu họ tên."],
    ]
    assert REASON_COLUMN == REASON_HEADER  # the register's reader passes over this column


def test_a_second_round_has_one_reason_column():
    headers = ["Họ và tên", " lý do  KHÔNG nhận", "Giới tính"]
    out = io.BytesIO()
    refused_xlsx(headers, [RefusedRow(2, ["An", "cũ", "nam"], ["mới"])], MADE, out)
    assert cells(out.getvalue()) == [
        ["Họ và tên", "Giới tính", REASON_COLUMN],
        ["An", "nam", "Dòng 2 của tệp gốc:\nmới"],
    ]


def test_a_row_longer_than_its_header_is_refused():
    with pytest.raises(ValueError, match="row 2: 2 cells, 1 headers"):
        refused_xlsx(["a"], [RefusedRow(2, ["x", "y"], [])], MADE, io.BytesIO())


def test_changes_are_sorted_onto_their_sheets_with_sums():
    day = date(2026, 10, 12)
    rows = (
        ChangeRow("came", "A", "1950", "1111", "R1", 202610, 0, 540_000, "Mới", "12/QĐ", day),
        ChangeRow("amount_up", "B", "1951", "2222", "R2", 202607, 500_000, 540_000, "NĐ 335"),
        ChangeRow("came", "C", "1952", "3333", "R3", 202611, 0, 810_000, "Mới"),
        ChangeRow("left", "D", "1953", "4444", "R4", 202611, 540_000, 0, "Chết"),
    )
    out = io.BytesIO()
    assert changes_xlsx(OFFICE, "SP", 202611, iter(rows), MADE, out) == {
        "came": 2,
        "left": 1,
        "amount_up": 1,
        "amount_down": 0,
    }
    came = cells(out.getvalue(), "Tăng người")
    assert came[2][0] == "Trợ cấp hưu trí xã hội, kỳ 11/2026"
    assert came[4] == [
        1, "A", "1950", "1111", "R1", "10/2026", 0, 540_000, 540_000, "Mới", "12/QĐ", "12/10/2026",
    ]  # fmt: skip
    assert came[6][:2] == [2, "Cộng"]
    assert came[6][6:9] == [0, 1_350_000, 1_350_000]
    assert cells(out.getvalue(), "Giảm người")[5][6:9] == [540_000, 0, -540_000]
    assert cells(out.getvalue(), "Giảm mức")[4][:2] == [0, "Cộng"]


def test_an_unknown_kind_of_change_is_refused():
    out = io.BytesIO()
    rows = [ChangeRow("moved", "A", "1950", "1111", "R1", 202610, 0, 1, "")]
    with pytest.raises(ValueError, match="'moved' is no kind of change"):
        changes_xlsx(OFFICE, "SA", 202611, rows, MADE, out)
    assert out.getvalue() == b""
