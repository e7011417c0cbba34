"""The words and small forms papers share."""

from __future__ import annotations

from datetime import date

import pytest

from bank_adapters.api.codes import wallet_codes
from disbursement.documents import words
from disbursement.documents.figures import dong_words, must_agree, signed_vnd
from disbursement.platform.errors import OurFaultError


@pytest.mark.parametrize(
    ("months", "text"),
    [
        ((202611,), "11/2026"),
        ((202611, 202610), "10/2026, 11/2026"),
        ((202607, 202608, 202609, 202610), "07/2026–10/2026"),
        ((202611, 202612, 202701), "11/2026–01/2027"),
        ((202607, 202608, 202609, 202611), "07/2026–09/2026, 11/2026"),
        ((202607, 202607, 202609), "07/2026, 09/2026"),
        ((), ""),
    ],
)
def test_months(months, text):
    assert words.months_words(months) == text


def test_reasons():
    assert words.reason_words("no_identity") == "Chưa có số định danh cá nhân"
    assert words.reason_words("rejected:AC04") == "Bị từ chối: tài khoản đã đóng (mã AC04)"
    assert words.reason_words("returned:BE01") == (
        "Bị trả lại: tên chủ tài khoản không khớp (mã BE01)"
    )
    assert words.reason_words("rejected:1007") == (
        "Bị từ chối: không có ví, tài khoản này hoặc đã ngừng dùng (mã 1007)"
    )
    # ZaloPay's -101 says this in answer to a payment, and "no such order" in answer to a question.
    assert words.reason_words("rejected:sub -101") == (
        "Bị từ chối: không có ví, tài khoản này hoặc đã ngừng dùng (mã sub -101)"
    )
    assert words.reason_words("rejected:XX99") == "Bị từ chối (mã XX99)"
    said = "Diện hưởng này đã bị bãi bỏ trước tháng này"
    assert words.reason_words("open_point:category_ended") == said
    assert words.reason_words("category_ended") == said
    assert words.reason_words("something_new") == "something_new"


def test_every_reason_code_of_the_holds_has_words():
    codes = (
        "no_identity", "cmnd", "birth_year_only", "no_opening", "dead", "start_month",
        "rail_not_available", "shared_account", "unverified", "rerating_decision_missing",
        "cooling_off", "no_contract", "left_before_rise",
    )  # fmt: skip
    assert [c for c in codes if words.reason_words(c) == c] == []


def test_days_instants_lists():
    assert words.day_words(date(2026, 11, 5)) == "ngày 05 tháng 11 năm 2026"
    assert words.short_day(date(2026, 11, 5)) == "05/11/2026"
    assert words.instant_words("2026-10-23T20:05:00Z") == "24/10/2026 03:05"
    assert words.list_words(0, 1) == "Danh sách chính, bản 1"
    assert words.list_words(2, 3) == "Danh sách bổ sung số 2, bản 3"
    office = words.Office("07900", "Phường Việt Trì", "Tỉnh Phú Thọ")
    assert office.committee == "Ủy ban nhân dân phường Việt Trì"


def test_amounts():
    assert signed_vnd(1_050_000) == "+1.050.000"
    assert signed_vnd(-300_000) == "−300.000"
    assert signed_vnd(0) == "0"
    assert dong_words(1_005_000) == "Một triệu không trăm lẻ năm nghìn đồng"


def test_a_sum_that_disagrees_is_our_fault_and_names_both():
    must_agree("Bảng", "số tiền", 5, 5)
    with pytest.raises(OurFaultError) as wrong:
        must_agree("Bảng", "số tiền", 1_000_000, 999_999)
    assert wrong.value.code == "paper_sum"
    assert "1.000.000" in str(wrong.value)
    assert "999.999" in str(wrong.value)


def test_every_refusal_of_a_called_rail_has_words():
    said = {
        meaning.reason
        for meaning in wallet_codes().values()
        if meaning.says in ("rejected", "returned")
    }
    assert said - words.RAIL_REASONS.keys() == set()
