"""Vietnamese text into what a bank's file may carry, with every change reported.

The SWIFT x set: a-z A-Z 0-9 / - ? : ( ) . , ' + and space (SWIFT User Handbook, character set x).
Banks that are sent anything else delete it (MB turns "Đoàn" into "on"), so the statement would no
longer match; therefore we write first what the bank will keep. Nothing is cut or dropped silently.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, Protocol

from bank_adapters.contract import Change, RefusedText
from bank_adapters.profiles import Charset

Field = Literal["name", "text", "debtor_name"]

X_SET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "
ALLOWED: dict[Charset, re.Pattern[str]] = {
    "x": re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*"),
    "ascii": re.compile(r"[ -~]*"),
    # XML 1.0 characters without controls; private use and unassigned are left to the bank's check
    "utf8": re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]*"),
}

# Letters whose stroke or ligature is no combining mark, so NFD leaves them whole.
_WHOLE = {
    "đ": "d",
    "Đ": "D",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
}
# Precomposed letters with marks, as every name in NFC has them: one look-up instead of a
# decomposition; anything else is decomposed below.
_MARKED = {
    code: base
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    if (base := unicodedata.normalize("NFD", chr(code))[0]).isascii()
}
_LETTERS = _MARKED | {ord(a): b for a, b in _WHOLE.items()}
_DASHES = "‐‑‒–—―−_"
_QUOTES = "’‘‛`´"
_TO_SPACE = '#;"“”„«»*@^|~\\=<>[]{}!$…•\u00a0\u202f\t\r\n'


def _table(charset: Charset) -> dict[int, str]:
    table = dict(_LETTERS)
    table |= {ord(c): "-" for c in _DASHES if charset == "x" or c != "_"}
    table |= {ord(c): "'" for c in _QUOTES if charset == "x" or c != "`"}
    table |= {ord(c): " " for c in _TO_SPACE if charset == "x" or not " " <= c <= "~"}
    if charset == "x":
        table |= {ord("&"): " va ", ord("%"): " phan tram "}
    return table


_TABLES: dict[Charset, dict[int, str]] = {"x": _table("x"), "ascii": _table("ascii")}


class TextRules(Protocol):
    """What a profile says about texts: the characters, and the lengths in characters."""

    @property
    def charset(self) -> Charset:
        """Characters that may be written."""

    @property
    def name_length(self) -> int:
        """Longest name."""

    @property
    def text_length(self) -> int:
        """Longest remittance text."""


def prepare_text(profile: TextRules, value: str, field: Field) -> tuple[str, Change | None]:
    """Return `value` as the profile's files carry it, and the change (None if none).

    Pure; used when a batch is frozen. Raises RefusedText where a character has no written form or
    the result is empty or longer than the profile allows (characters): it is never cut.
    """
    most = profile.text_length if field == "text" else profile.name_length
    written = _write(profile.charset, value)
    return settled(value, written, field, ALLOWED[profile.charset], most)


def settled(
    value: str, written: str, field: Field, allowed: re.Pattern[str], most: int
) -> tuple[str, Change | None]:
    """Return what `value` came out as, with the change, where a file may carry it.

    `allowed` matches every text of the character set; `most` is a length in characters. Raises
    RefusedText as `prepare_text`.
    """
    if not allowed.fullmatch(written):
        bad = next(c for c in written if not allowed.fullmatch(c))
        raise RefusedText(
            field,
            "text_character",
            f"Ký tự U+{ord(bad):04X} trong {_FIELD_VI[field]} không ghi được vào tệp ngân hàng; "
            "hãy sửa trong hồ sơ.",
            en=f"character U+{ord(bad):04X} in {field} cannot be written",
        )
    if not written:
        raise RefusedText(
            field,
            "text_empty",
            f"Thiếu {_FIELD_VI[field]} (sau khi bỏ các ký tự ngân hàng không nhận); "
            "hãy bổ sung trong hồ sơ.",
            en=f"{field} is empty once written",
        )
    if len(written) > most:
        raise RefusedText(
            field,
            "text_too_long",
            f"Độ dài {_FIELD_VI[field]} là {len(written)} ký tự, ngân hàng nhận nhiều nhất {most}; "
            "hãy rút gọn trong hồ sơ, hệ thống không tự cắt.",
            en=f"{field} has {len(written)} characters, at most {most} can be written",
        )
    return written, None if written == value else Change(field, value, written)


_FIELD_VI: dict[Field, str] = {
    "name": "tên chủ tài khoản",
    "text": "nội dung chuyển tiền",
    "debtor_name": "tên đơn vị chi trả",
}


def _write(charset: Charset, value: str) -> str:
    if charset == "utf8":
        return " ".join(unicodedata.normalize("NFC", value).split())
    plain = value.translate(_TABLES[charset])
    if not plain.isascii():
        plain = without_marks(plain).translate(_TABLES[charset])
    return " ".join(plain.split())


def without_marks(value: str) -> str:
    """Return Vietnamese letters without their marks: đ first, since it has no decomposition.

    NFD, not NFKD: a compatibility form such as a circled digit is not the same text and stays.
    """
    if value.isascii():
        return value
    plain = value.translate(_LETTERS)
    if plain.isascii():
        return plain
    marks = unicodedata.normalize("NFD", plain)
    return "".join([c for c in marks if not unicodedata.combining(c)])
