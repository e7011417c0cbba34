"""What a table is made of: columns, lines above and below the rows, and words in those lines.

A line is a list of cells; a cell's text may hold the words of `WORDS` in braces and nothing else.
The same text serves to write a line and, as a pattern, to read it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal, cast, get_args

from bank_adapters.profiles.values import a_text, positive, yes_no

Form = Literal["xlsx", "csv", "fixed"]
Kind = Literal["text", "number"]
Align = Literal["left", "right"]
Value = Literal[
    "n", "end_to_end_id", "reference", "account", "name", "bank_name", "bank_label", "bank_code",
    "bank_bin", "amount", "text", "fixed", "empty", "birth", "last4", "place", "payee", "months",
]  # fmt: skip
"""What a column holds. bank_name: as the template's own list writes it; bank_label: the full name
in our directory; bank_bin: NAPAS BIN; bank_code: BIC. From `birth` on: what a cash desk asks for
(`PaymentRow.about`)."""
ABOUT = ("birth", "last4", "place", "payee", "months")
WORDS = (
    "message_id", "lot", "execution_date", "count", "total", "total_dots", "total_words",
    "debtor_name", "debtor_account", "debtor_bic", "unit_code", "treasury", "order_no",
    "order_date",
)  # fmt: skip
"""What may stand in braces in a line. `total` in digits, `total_dots` as 1.050.000, both đồng."""
ORDER_WORDS = ("unit_code", "treasury", "order_no", "order_date")
"""Those that come from `BatchHeader.about`."""
_PATTERNS = {
    "count": "[0-9]{1,9}",
    "total": "[0-9]{1,16}",
    "total_dots": "[0-9.]{1,21}",
    "lot": "[0-9]{1,6}",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the rows. `length`: most characters, or the exact width in a fixed file."""

    header: str
    value: Value
    kind: Kind
    length: int
    text: str
    required: bool
    align: Align
    pad: str
    width: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a line above or below the rows; `span` cells are one in a workbook."""

    text: str
    kind: Kind
    span: int
    length: int
    align: Align
    pad: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words in braces, in order."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.text) if name)

    def written(self, values: Mapping[str, str]) -> str:
        """Return the text with its words filled in."""
        return self.text.format_map(values)

    def pattern(self) -> re.Pattern[str]:
        """Return what reads the text back; each word is a group of its name."""
        parts: list[str] = []
        seen: set[str] = set()
        for literal, name, _, _ in Formatter().parse(self.text):
            parts.append(re.escape(literal))
            if name:
                body = _PATTERNS.get(name, ".{1,500}?")
                parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{body})")
                seen.add(name)
        return re.compile("".join(parts), re.DOTALL)


Line = tuple[Cell, ...]

_COLUMN: dict[str, Any] = {
    "header": "", "kind": "text", "text": "", "required": True, "align": "left", "pad": " ",
    "width": 16,
}  # fmt: skip
_CELL: dict[str, Any] = {
    "text": "", "kind": "text", "span": 1, "length": 32_000, "align": "left", "pad": " ",
}  # fmt: skip


def _known(data: Any, allowed: Mapping[str, Any], more: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("phải là các cặp tên: giá trị")
    for unknown in sorted(set(data) - set(allowed) - set(more), key=str):
        raise ValueError(f"không có tham số {unknown}")
    for name in more:
        if name not in data:
            raise ValueError(f"còn thiếu {name}")
    return {**allowed, **data}


def _word(value: Any, words: tuple[str, ...], name: str) -> Any:
    if value not in words:
        raise ValueError(f"{name} phải là một trong: {', '.join(words)}")
    return value


def _pad(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1:
        raise ValueError("pad phải là một ký tự trong dấu nháy")
    return value


def read_column(data: Any) -> Column:
    """Build a column from a profile's data. Raises ValueError or TypeError in Vietnamese."""
    given = _known(data, _COLUMN, ("value", "length"))
    value = _word(given["value"], get_args(Value), "value")
    if (value == "fixed") != bool(given["text"]):
        raise ValueError("text đi với value: fixed và chỉ với nó")
    kind = _word(given["kind"], get_args(Kind), "kind")
    if kind == "number" and value not in ("n", "amount"):
        raise ValueError("chỉ n và amount là số; mã và tài khoản là chữ, để giữ số 0 ở đầu")
    return Column(
        str(given["header"]), cast("Value", value), cast("Kind", kind), positive(given["length"]),
        str(given["text"]), yes_no(given["required"]),
        cast("Align", _word(given["align"], get_args(Align), "align")), _pad(given["pad"]),
        positive(given["width"]),
    )  # fmt: skip


def read_line(data: Any) -> Line:
    """Build a line from a profile's data. Raises ValueError or TypeError in Vietnamese."""
    if not isinstance(data, list) or not data:
        raise TypeError("mỗi dòng phải là danh sách ô")
    return tuple(_cell(cell) for cell in data)


def _cell(data: Any) -> Cell:
    given = _known(data, _CELL)
    text = given["text"]
    if not isinstance(text, str):
        raise TypeError("text phải là chữ")
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        raise ValueError("text có dấu ngoặc nhọn không cân") from None
    for _, name, spec, conversion in parsed:
        if name is not None and (name not in WORDS or spec or conversion):
            raise ValueError(f"trong ngoặc nhọn chỉ dùng: {', '.join(WORDS)}")
    kind = _word(given["kind"], get_args(Kind), "kind")
    if kind == "number" and text not in ("{count}", "{total}"):
        raise ValueError("ô số chỉ là {count} hoặc {total}")
    return Cell(
        a_text(text) if text.strip() else "", cast("Kind", kind), positive(given["span"]),
        positive(given["length"]), cast("Align", _word(given["align"], get_args(Align), "align")),
        _pad(given["pad"]),
    )  # fmt: skip
