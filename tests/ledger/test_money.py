from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import MAX_LINE, MAX_TOTAL, MoneyError, format_vnd, in_words_vi, parse_vnd


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (999, "999"), (1_050_000, "1.050.000"), (-60_000, "-60.000"),
     (MAX_LINE, "1.000.000.000.000.000")],
)  # fmt: skip
def test_format(amount: int, text: str) -> None:
    assert format_vnd(amount) == text


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1\n", "+1", "-0", "01", "1.0", "1.00", "1,000", "1.000", "1e3", "0x1", "١",
     "1_000", "--1", "1000000000000001", "9" * 30, "NaN", "−5"],
)  # fmt: skip
def test_texts_that_are_no_whole_dong(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_vnd(text)


@given(st.integers(-MAX_LINE, MAX_LINE))
def test_parse_is_the_inverse_of_str(amount: int) -> None:
    assert parse_vnd(str(amount)) == amount
    assert parse_vnd(format_vnd(amount).replace(".", "")) == amount


@pytest.mark.parametrize("value", [1.0, True, "1", None, MAX_TOTAL + 1])
def test_only_whole_numbers_are_money(value: object) -> None:
    with pytest.raises(MoneyError):
        format_vnd(value)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không"),
        (4, "Bốn"),
        (5, "Năm"),
        (10, "Mười"),
        (14, "Mười bốn"),
        (15, "Mười lăm"),
        (20, "Hai mươi"),
        (21, "Hai mươi mốt"),
        (24, "Hai mươi tư"),
        (55, "Năm mươi lăm"),
        (101, "Một trăm lẻ một"),
        (104, "Một trăm lẻ bốn"),
        (111, "Một trăm mười một"),
        (1_005, "Một nghìn không trăm lẻ năm"),
        (810_000, "Tám trăm mười nghìn"),
        (1_005_000, "Một triệu không trăm lẻ năm nghìn"),
        (1_050_000, "Một triệu không trăm năm mươi nghìn"),
        (2_430_000, "Hai triệu bốn trăm ba mươi nghìn"),
        (1_000_000_001, "Một tỷ không trăm lẻ một"),
        (50_800_000_000, "Năm mươi tỷ tám trăm triệu"),
        (10**12 + 5, "Một nghìn tỷ không trăm lẻ năm"),
        (-3_300, "Âm ba nghìn ba trăm"),
    ],
)
def test_words(amount: int, words: str) -> None:
    assert in_words_vi(amount) == words


_DIGIT = {"một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5, "sáu": 6,
          "bảy": 7, "tám": 8, "chín": 9, "không": 0}  # fmt: skip


def read_words(words: str) -> int:
    """An independent reader: what a clerk would write down on hearing it."""
    total = group = digit = 0
    for word in words.lower().split():
        if word in _DIGIT:
            digit = _DIGIT[word]
        elif word == "trăm":
            group, digit = group + digit * 100, 0
        elif word == "mươi":
            group, digit = group + digit * 10, 0
        elif word == "mười":
            group, digit = group + 10, 0
        elif word in {"nghìn", "triệu"}:
            scale = {"nghìn": 10**3, "triệu": 10**6}[word]
            total, group, digit = total + (group + digit) * scale, 0, 0
        elif word == "tỷ":
            total, group, digit = (total + group + digit) * 10**9, 0, 0
        else:
            assert word == "lẻ", word
    return total + group + digit


@given(st.integers(0, 10**15))
def test_words_are_read_back(amount: int) -> None:
    assert read_words(in_words_vi(amount)) == amount
