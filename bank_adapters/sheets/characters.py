"""Which characters a table's names and texts may have, and what becomes of the others.

A rule is data of a profile. It is applied before anybody signs, so that what we store and what the
bank gives back are one; a rule whose result would change when it is applied again is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bank_adapters.contract import Change
from bank_adapters.text import Field, settled, without_marks

Marks = Literal["strip", "keep"]
Case = Literal["upper", "keep"]
ANY = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]*")
_RANGES = {"A-Z": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a-z": "abcdefghijklmnopqrstuvwxyz",
           "0-9": "0123456789"}  # fmt: skip
_FIELDS = ("marks", "case", "replace", "drop", "blank", "allowed")


@dataclass(frozen=True, slots=True)
class CharacterRule:
    """How one kind of text is written; lengths are the columns' affair.

    `table` maps single characters to what is written instead ('' drops them).
    """

    marks: Marks
    case: Case
    table: Mapping[int, str]
    allowed: re.Pattern[str]

    def write(self, value: str) -> str:
        """Return the text as the file carries it; applied twice it changes nothing more."""
        text = unicodedata.normalize("NFC", value).translate(self.table)
        if self.marks == "strip":
            text = without_marks(text)
        if self.case == "upper":
            text = text.upper()
        return " ".join(text.split())

    def prepare(self, value: str, field: Field, most: int) -> tuple[str, Change | None]:
        """Return the written text and the change. Raises RefusedText; nothing is cut."""
        return settled(value, self.write(value), field, self.allowed, most)

    def holds(self, value: str, most: int) -> bool:
        """Tell whether a text already is as the file carries it: 1 to `most` characters."""
        return (
            0 < len(value) <= most
            and self.allowed.fullmatch(value) is not None
            and self.write(value) == value
        )


def read_rule(data: Any) -> CharacterRule:
    """Build a rule from a profile's data. Raises ValueError in Vietnamese."""
    if not isinstance(data, dict):
        raise ValueError("phải là các cặp tên: giá trị")  # noqa: TRY004 - one error for the loader
    for unknown in sorted(set(data) - set(_FIELDS), key=str):
        raise ValueError(f"không có tham số {unknown}")
    for name in _FIELDS:
        if name not in data:
            raise ValueError(f"còn thiếu {name}")
    marks = data["marks"]
    case = data["case"]
    if marks not in get_args(Marks) or case not in get_args(Case):
        raise ValueError("marks phải là strip hoặc keep, case phải là upper hoặc keep")
    characters = _class(data["allowed"])
    return CharacterRule(marks, case, _table(data, characters), _pattern(characters))


def _class(allowed: Any) -> str:
    """Return the allowed characters one by one; '' stands for any printable one."""
    if not isinstance(allowed, str) or not allowed:
        raise ValueError('allowed phải là chữ, ví dụ "A-Z0-9. ", hoặc any')
    if allowed == "any":
        return ""
    characters = allowed
    for short, long in _RANGES.items():
        characters = characters.replace(short, long)
    if not characters.isprintable() or " " not in characters:
        raise ValueError("allowed phải gồm ký tự in được, có dấu cách")
    return characters


def _pattern(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(characters)}]*") if characters else ANY


def _table(data: Mapping[str, Any], characters: str) -> dict[int, str]:
    replace = data["replace"] or {}
    if not isinstance(replace, dict) or not all(
        isinstance(k, str) and len(k) == 1 and isinstance(v, str) for k, v in replace.items()
    ):
        raise ValueError("replace phải là các cặp một ký tự: chữ thay vào")
    table = {ord(k): v for k, v in replace.items()}
    for name, instead in (("drop", ""), ("blank", " ")):
        given = data[name]
        if not isinstance(given, str):
            raise ValueError(f"{name} phải là chữ trong dấu nháy")  # noqa: TRY004 - as above
        table |= {ord(c): instead for c in given if ord(c) not in table}
    for code, instead in table.items():
        # Written twice it must stay: neither the key nor anything in its place may be mapped on.
        if (characters and chr(code) in characters) or any(ord(c) in table for c in instead):
            raise ValueError(f"ký tự {chr(code)!r} vừa được thay vừa được nhận")
        if characters and any(c not in characters for c in instead.upper()):
            raise ValueError(f"chữ thay cho {chr(code)!r} không thuộc allowed")
    return table
