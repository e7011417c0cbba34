"""The draft re-rating decision: proposes, leaves number, day and signer blank, keeps leavers apart."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from disbursement.documents.rerating import (
    Rerated,
    rerating_parts,
    rerating_pdf,
    rerating_xlsx,
)
from disbursement.platform.errors import OurFaultError
from tests.documents import papers


def test_the_decision_names_law_people_and_sum_and_leaves_the_rest_blank():
    found = papers.pages(rerating_pdf(papers.draft()))
    assert len(found) == 3
    for text in (
        "DỰ THẢO – chưa có số, ngày và chữ ký thì chưa có giá trị chi trả",
        "Số: .............../QĐ-UBND",
        "Phường Việt Trì, ngày ...... tháng ...... năm .........",
        "Căn cứ Nghị định số 335/2026/NĐ-CP Điều 32 khoản 4;",
        "cho 3 người đang hưởng, theo Phụ lục I kèm theo, từ tháng 07/2026",
        "tổng số 480.000 đồng (bằng chữ: Bốn trăm tám mươi nghìn đồng)",
        "Người đã thôi hưởng trước ngày 05/10/2026",
        "Phụ lục II (1 người)",
    ):
        assert text in found[0]


def test_annexes_keep_those_who_left_apart():
    found = papers.pages(rerating_pdf(papers.draft()))
    row = "1 Trần Văn 0 1948 4321 8K2M9Q0000 500.000 540.000 07/2026–10/2026 +160.000"
    assert row in found[1]
    assert "Cộng 480.000" in found[1].replace("+", "")
    assert "Phạm Thị Xa" not in found[0] + found[1]
    assert "1 Phạm Thị Xa 1940 9876 9K2M9Q0001 08/2026 Chết 07/2026, 08/2026 +80.000" in found[2]
    assert "Không có." in papers.pages(rerating_pdf(replace(papers.draft(), left=())))[2]


def test_one_person_on_two_levels_is_two_rows_and_one_person():
    row = papers.draft(1).rows[0]
    rows = (replace(row, months=(202607, 202608)), replace(row, new_vnd=560_000, months=(202609,)))
    draft = replace(papers.draft(1), rows=rows, total_vnd=2 * 40_000 + 60_000)
    assert "cho 1 người" in papers.said(rerating_pdf(draft))
    assert "140.000 đồng" in papers.said(rerating_pdf(draft))


def test_a_long_draft_comes_in_parts():
    parts = list(rerating_parts(papers.draft(45), 20))
    assert [(p.part, p.first, len(p.rows)) for p in parts] == [(1, 1, 20), (2, 21, 20), (3, 41, 5)]
    first, second, third = (papers.said(rerating_pdf(p)) for p in parts)
    assert "Điều 1. Điều chỉnh mức trợ cấp hằng tháng cho 45 người" in first
    assert "tổng số 7.200.000 đồng" in first
    assert "Phụ lục II (1 người)" in first
    assert "Điều 1." not in second + third
    assert "21 Trần Văn 20 " in second
    assert "Cộng phần 3/3 +800.000" in third
    assert "PHỤ LỤC II Người thôi hưởng" in third
    assert "PHỤ LỤC II Người thôi hưởng" not in first + second


@pytest.mark.parametrize("wrong", [{"people": 4}, {"total_vnd": 480_001}])
def test_a_draft_whose_rows_disagree_is_not_made(wrong):
    draft = replace(papers.draft(), **wrong)
    for make in (rerating_pdf, lambda d: rerating_xlsx(d, io.BytesIO())):
        with pytest.raises(OurFaultError) as told:
            make(draft)
        assert told.value.code == "paper_sum"


def test_the_workbook_has_both_lists():
    out = io.BytesIO()
    assert rerating_xlsx(papers.draft(), out) == 3
    rows = papers.cells(out.getvalue(), "Điều chỉnh mức")
    assert rows[5] == [
        1, "Trần Văn 0", "1948", "4321", "8K2M9Q0000", 500_000, 540_000, "07/2026–10/2026", 4,
        160_000,
    ]  # fmt: skip
    assert rows[-1][-1] == 480_000
    left = papers.cells(out.getvalue(), "Đã thôi hưởng")
    assert left[4] == [
        1, "Phạm Thị Xa", "1940", "9876", "9K2M9Q0001", "08/2026", "Chết", "07/2026, 08/2026",
        80_000,
    ]  # fmt: skip


def test_difference_is_levels_times_months():
    assert Rerated("", "", "", "", 500_000, 540_000, (202607, 202608)).difference_vnd == 80_000
