from __future__ import annotations

import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.contract import RefusedText
from bank_adapters.text import ALLOWED, X_SET, prepare_text
from tests.bank_adapters.build import PROFILE

ASCII = dataclasses.replace(PROFILE, charset="ascii")
UTF8 = dataclasses.replace(PROFILE, charset="utf8")


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("Đặng Thị Ánh", "Dang Thi Anh"),
        ("đỗ", "do"),
        ("Nguyễn  Văn   Ửng", "Nguyen Van Ung"),
        ("Mai & Con", "Mai va Con"),
        ("T11_2026; đợt #2", "T11-2026 dot 2"),
        ("“Bé” – 50%", "Be - 50 phan tram"),
        ("O’Neil", "O'Neil"),
    ],
)
def test_vietnamese_to_the_x_set(given_: str, written: str) -> None:
    result, change = prepare_text(PROFILE, given_, "name")
    assert result == written
    assert change is not None
    assert (change.before, change.after) == (given_, written)
    assert given_ not in repr(change)


def test_composed_and_decomposed_write_the_same() -> None:
    name = "Trần Thị Hường"
    apart = unicodedata.normalize("NFD", name)
    assert prepare_text(PROFILE, name, "name")[0] == prepare_text(PROFILE, apart, "name")[0]
    assert prepare_text(UTF8, apart, "name")[0] == name


def test_what_fits_is_left_alone() -> None:
    assert prepare_text(PROFILE, "NGUYEN VAN THU", "name") == ("NGUYEN VAN THU", None)
    assert prepare_text(UTF8, "Đặng Thị Ánh", "name") == ("Đặng Thị Ánh", None)
    assert prepare_text(ASCII, "a_b & 50% <x>", "text") == ("a_b & 50% <x>", None)
    assert prepare_text(ASCII, "Đỗ Ư", "name")[0] == "Do U"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "text_empty"),
        ("###", "text_empty"),
        ("N" * 71, "text_too_long"),
        ("阮文", "text_character"),
        ("① A", "text_character"),
        ("A\x00B", "text_character"),
        ("A\ud800", "text_character"),
    ],
)
def test_what_has_no_written_form_is_refused(value: str, code: str) -> None:
    with pytest.raises(RefusedText) as refused:
        prepare_text(PROFILE, value, "name")
    assert (refused.value.code, refused.value.field) == (code, "name")


@given(st.text(max_size=60))
def test_all_written_text_is_in_the_set_and_stable(value: str) -> None:
    for profile in (PROFILE, ASCII, UTF8):
        try:
            written, change = prepare_text(profile, value, "text")
        except RefusedText:
            continue
        assert ALLOWED[profile.charset].fullmatch(written)
        assert written == written.strip()
        assert (change is None) == (written == value)
        assert prepare_text(profile, written, "text") == (written, None)


def test_the_x_set_is_the_one_of_swift() -> None:
    assert all(ALLOWED["x"].fullmatch(c) for c in X_SET)
    assert [chr(c) for c in range(32, 127) if ALLOWED["x"].fullmatch(chr(c))] == sorted(X_SET)
