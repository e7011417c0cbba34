"""The approval sheet: exact figures in both forms, and no sheet whose sums disagree."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from disbursement.documents.figures import Figure
from disbursement.documents.sheet import Change, sheet_pdf, sheet_xlsx
from disbursement.platform.errors import OurFaultError
from tests.documents import papers
from tests.documents.papers import said

CHANGES = (
    Change("came", "7K2M9Q0001", 0, 810_000, "", "4321", "Quyết định mới"),
    Change("account_changed", "7K2M9Q0002", 540_000, 540_000, "1111", "2222", "Đổi ngân hàng"),
    Change("account_amount_down", "7K2M9Q0003", 810_000, 540_000, "1111", "", "Chuyển sang K6"),
)


def book(sheet=None, changes=CHANGES) -> bytes:
    out = io.BytesIO()
    assert sheet_xlsx(sheet or papers.sheet(), changes, out) == len(changes)
    return out.getvalue()


@pytest.fixture(scope="module")
def printed() -> str:
    return said(sheet_pdf(papers.sheet()))


@pytest.mark.parametrize(
    "text",
    [
        "BẢNG DUYỆT CHI TRỢ GIÚP XÃ HỘI",
        "ỦY BAN NHÂN DÂN PHƯỜNG VIỆT TRÌ",
        "Kỳ chi trả tháng 11/2026 – Danh sách chính, bản 2",
        "2.412 2.398 1.987.650.000 đồng",
        "Một tỷ chín trăm tám mươi bảy triệu sáu trăm năm mươi nghìn đồng",
        "chuyển từ kỳ trước sang: 12 khoản, 9.720.000 đồng",
        "Tài khoản ngân hàng 1.900 1.500.000.000",
        "Tiền mặt 512 487.650.000",
        "Kỳ trước 2.400 1.800.000.000",
        "Mới vào danh sách 14 +8.100.000",
        "Ra khỏi danh sách 2 −1.080.000",
        "Đổi nơi nhận 31 0",
        "Chênh lệch +12 +187.650.000",
        "SA / 2026 1.977.930.000 2.100.000.000 Đủ đến hết 12/2026",
        "Giữ quyền hưởng Chưa có số định danh cá nhân 4 3.240.000",
        "Giữ khoản chi Kênh chi trả chưa sẵn sàng 3 2.430.000",
        "Cộng 125.670.000",
        "Luật áp dụng tại ngày 23/10/2026",
        "NĐ 335/2026/NĐ-CP Điều 6 khoản 1",
        "NHA (Ngân hàng A) – lô DS25A a.xml " + "1a" * 32,
        "BDB – lô DS25B " + "2b" * 32,
        "Mã tóm tắt danh sách " + "0123456789abcdef" * 4,
        "Đầu chuỗi sổ cái số 1.234 " + "fedcba9876543210" * 4,
        "Nguyễn Thị Lập Ký số lúc 23/10/2026 09:10",
        "Trang 1/1",
    ],
)
def test_the_sheet_says(printed: str, text: str):
    assert text in printed


def test_a_new_account_with_another_amount_says_both():
    both = (Figure("account_amount_up", 5, 300_000), Figure("account_amount_down", 1, -270_000))
    changed = replace(papers.sheet(), changes=both)
    printed = said(sheet_pdf(changed))
    assert "Đổi nơi nhận, tăng số tiền 5 +300.000" in printed
    assert "Đổi nơi nhận, giảm số tiền 1 −270.000" in printed


def test_four_places_to_sign_three_of_them_open(printed: str):
    for who in ("Người lập", "Người kiểm tra", "Kế toán (chữ ký thứ hai)", "Chủ tài khoản"):
        assert who in printed
    assert printed.count("Ký, ghi rõ họ tên") == 3


def test_the_workbook_has_the_same_figures():
    rows = {(r[0], r[1]): r[2:] for r in papers.cells(book(), "Tổng hợp")[4:]}
    words = "Một tỷ chín trăm tám mươi bảy triệu sáu trăm năm mươi nghìn đồng"
    assert rows["Tổng số chi", "Số khoản chi"] == [2412, 1_987_650_000, words]
    assert rows["Theo kênh", "Tiền mặt"][:2] == [512, 487_650_000]
    assert rows["Dự toán: còn lại", "SA / 2026"] == ["", 2_100_000_000, "Đủ đến hết 12/2026"]
    assert rows["So với kỳ trước", "Ra khỏi danh sách"][:2] == [2, -1_080_000]
    assert rows["Giữ quyền hưởng", "Chưa có số định danh cá nhân"][:2] == [4, 3_240_000]
    assert rows["Mã kiểm tra", "Mã tóm tắt danh sách"][2] == "0123456789abcdef" * 4
    assert rows["Ký", "Người lập"][2] == "Nguyễn Thị Lập – 23/10/2026 09:10"
    files = papers.cells(book(), "Lô chi")
    bank = ["DS25A", "NHA (Ngân hàng A)", "Lần đầu", "a.xml", "1a" * 32, 1900, 1_500_000_000]
    assert files[4] == bank
    assert files[5][1] == "BDB"
    assert files[-1][-2:] == [2412, 1_987_650_000]


def test_the_workbook_lists_each_change_by_code_and_last_four_digits():
    assert papers.cells(book(), "Thay đổi")[4:] == [
        ["Mới vào danh sách", "7K2M9Q0001", 0, 810_000, "", "4321", "Quyết định mới"],
        ["Đổi nơi nhận", "7K2M9Q0002", 540_000, 540_000, "1111", "2222", "Đổi ngân hàng"],
        [
            "Đổi nơi nhận, giảm số tiền", "7K2M9Q0003", 810_000, 540_000, "1111", "",
            "Chuyển sang K6",
        ],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_vnd": 1_987_650_001},
        {"payments": 2411},
        {"batches": papers.sheet().batches[:1]},
        {"rails": papers.sheet().rails[:1]},
        {
            "batches": (
                replace(papers.sheet().batches[0], payments=1901),
                *papers.sheet().batches[1:],
            )
        },
        {"rails": (replace(papers.sheet().rails[0], count=1901), *papers.sheet().rails[1:])},
    ],
    ids=["total", "count", "a batch missing", "a rail missing", "batch count", "rail count"],
)
def test_a_sheet_whose_sums_disagree_is_not_made(wrong):
    sheet = replace(papers.sheet(), **wrong)
    with pytest.raises(OurFaultError) as told:
        sheet_pdf(sheet)
    assert told.value.code == "paper_sum"
    out = io.BytesIO()
    with pytest.raises(OurFaultError):
        sheet_xlsx(sheet, (), out)
    assert out.getvalue() == b""


def test_budget_that_does_not_reach_says_so():
    line = papers.sheet().lines[0]
    short = replace(papers.sheet(), lines=(replace(line, enough_until=None),))
    assert "Không đủ cho tháng sau" in said(sheet_pdf(short))
    over = replace(papers.sheet(), lines=(replace(line, left_vnd=-1, enough_until=None),))
    assert "-1 Vượt dự toán" in said(sheet_pdf(over))


def test_nothing_held_and_many_batches_still_fit():
    one = papers.sheet().batches[0]
    batches = tuple(
        replace(one, message_id=f"DS25-{n:04d}", payments=67, amount_vnd=50_000_000)
        for n in range(36)
    )
    total = 36 * 50_000_000
    sheet = replace(
        papers.sheet(), holds=(), batches=batches, payments=2412, total_vnd=total,
        rails=(replace(papers.sheet().rails[0], count=2412, amount_vnd=total),),
    )  # fmt: skip
    found = papers.pages(sheet_pdf(sheet))
    assert "Không có khoản nào bị giữ lại." in " ".join(found)
    assert all(f"lô DS25-{n:04d}" in " ".join(found) for n in range(36))
    assert all(f"Trang {n}/{len(found)}" in page for n, page in enumerate(found, 1))


def test_same_sheet_same_bytes():
    assert sheet_pdf(papers.sheet()) == sheet_pdf(papers.sheet())
    assert book() == book()
