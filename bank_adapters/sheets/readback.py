"""Reading a table of ours back: what it says, whether it is of its profile, whether it adds up.

Used before a table leaves (detail = total = order), and to look into one that somebody holds. No
name or account of a payee is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bank_adapters.contract import RefusedFile, Source
from bank_adapters.refusals import ACCOUNT, END_TO_END, REFERENCE
from bank_adapters.sheets.bank_names import names
from bank_adapters.sheets.layout import Cell, Column, Line
from bank_adapters.sheets.profile import SheetProfile, sheet_ids, sheet_versions
from bank_adapters.sheets.reading import Row, Shape, is_workbook, table
from bank_adapters.sheets.values import whole_dong
from bank_adapters.xmlsource import Finding, refuse
from ledger.money import format_vnd, in_words_vi

_MOST_FINDINGS = 20
_DO = "Không gửi tệp này; hãy lập lại."


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A whole table. `words`: what stood in the lines around the rows; `findings`: what is wrong.

    `duplicates`: ids that stand in two rows, as often as they are repeated.
    """

    profile: SheetProfile
    words: Mapping[str, str]
    count: int
    total_vnd: int
    duplicates: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_sheet(profile: SheetProfile, source: Source) -> SheetFile:
    """Read a table under its profile. Raises RefusedFile where it is none of it, or unreadable."""
    with table(source, shape_of(profile)) as rows:
        lines = _split(profile, rows) if profile.form == "fixed" else rows
        reader = _Reader(profile)
        reader.run(lines)
    return reader.made()


def profile_of(source: Source) -> SheetProfile | None:
    """Return the profile whose lines and headers a file opens with; None where there is none."""
    workbook = is_workbook(source)
    for profile_id in sheet_ids():
        for profile in reversed(sheet_versions(profile_id)):
            if (profile.form == "xlsx") == workbook and _opens_with(profile, source):
                return profile
    return None


def shape_of(profile: SheetProfile) -> Shape:
    """Return how a table of this profile is opened."""
    sheets = None
    if profile.form == "xlsx":
        sheets = (profile.sheet_name, *(s.title for s in profile.name_sheets))
    return Shape(profile.form, profile.delimiter, profile.encoding, sheets)


def _opens_with(profile: SheetProfile, source: Source) -> bool:
    try:
        with table(source, shape_of(profile)) as rows:
            lines = _split(profile, rows) if profile.form == "fixed" else rows
            _Reader(profile).head(lines)
    except RefusedFile:
        return False
    return True


def _split(profile: SheetProfile, rows: Iterator[Row]) -> Iterator[Row]:
    """Cut fixed-width lines; which layout a line has is known by where it stands."""
    above = iter(profile.above)
    kept: deque[Row] = deque()
    for number, (text,) in rows:
        line = next(above, None)
        if line is not None:
            yield number, _cut(text, line, number)
            continue
        kept.append((number, [text]))
        if len(kept) > len(profile.below):
            at, (body,) = kept.popleft()
            yield at, _cut(body, profile.columns, at)
    for (at, (body,)), line in zip(kept, profile.below, strict=False):
        yield at, _cut(body, line, at)


def _cut(text: str, by: Sequence[Column] | Line, number: int) -> list[str]:
    if len(text) != sum(b.length for b in by):
        refuse("width", "dòng không đúng độ dài của mẫu", "a line of another length", line=number,
               do=_DO)  # fmt: skip
    out, at = [], 0
    for one in by:
        piece = text[at : at + one.length]
        at += one.length
        if one.align == "right":
            bare = piece.lstrip(one.pad)
            out.append(bare or ("0" if one.pad == "0" else ""))
        else:
            out.append(piece.rstrip(one.pad))
    return out


class _Reader:
    def __init__(self, profile: SheetProfile) -> None:
        self._profile = profile
        self.words: dict[str, str] = {}
        self.count = self.total = self._last = 0
        self._seen: set[str] = set()
        self._doubled: list[str] = []
        self._findings: list[Finding] = []
        self._names = frozenset(names(profile.bank_list)) if profile.bank_list else frozenset()

    def made(self) -> SheetFile:
        """Return what was read."""
        return SheetFile(
            self._profile, self.words, self.count, self.total, tuple(self._doubled),
            tuple(self._findings),
        )  # fmt: skip

    def head(self, rows: Iterator[Row]) -> None:
        """Read the lines above the rows and the headers. Raises RefusedFile."""
        for line in self._profile.above:
            if any(c.text for c in line):
                number, cells = self._next(rows)
                self._line(line, cells, number)
        if self._profile.header:
            number, cells = self._next(rows)
            if _bare(cells) != _bare([c.header for c in self._profile.columns]):
                refuse("headers", "dòng tiêu đề không đúng mẫu", "other headers", line=number,
                       do=_DO)  # fmt: skip

    def run(self, rows: Iterator[Row]) -> None:
        """Read everything. Raises RefusedFile."""
        self.head(rows)
        below = [line for line in self._profile.below if any(c.text for c in line)]
        kept: deque[Row] = deque()
        for row in rows:
            kept.append(row)
            if len(kept) > len(below):
                self._row(*kept.popleft())
        if len(kept) < len(below):
            refuse("cut", "tệp thiếu các dòng cuối của mẫu", "lines below are missing", do=_DO)
        for line, (number, cells) in zip(below, kept, strict=True):
            self._line(line, cells, number)
        if not self.count:
            refuse("no_rows", "tệp không có khoản chi nào", "no payment", do=_DO)
        self._sums()

    def _next(self, rows: Iterator[Row]) -> Row:
        row = next(rows, None)
        if row is None:
            refuse("cut", "tệp thiếu các dòng đầu của mẫu", "lines above are missing", do=_DO)
        return row

    def _find(self, code: str, what: str, en: str, line: int | None = None) -> None:
        if len(self._findings) < _MOST_FINDINGS:
            self._findings.append(Finding(code, what, en, line))

    def _line(self, line: Line, cells: Sequence[str], number: int) -> None:
        spread = list(chain.from_iterable([c, *[None] * (c.span - 1)] for c in line))
        padded = [*cells, *[""] * (len(spread) - len(cells))]
        for cell, value in zip(spread, padded, strict=False):
            if cell is None or not self._cell(cell, value):
                if cell is None and not value:
                    continue
                refuse("line", "dòng không đúng mẫu", "a line that is not the template's",
                       line=number, do=_DO)  # fmt: skip
        if any(padded[len(spread) :]):
            refuse("line", "dòng có ô ngoài mẫu", "cells beyond the template", line=number, do=_DO)

    def _cell(self, cell: Cell, value: str) -> bool:
        match = cell.pattern().fullmatch(value)
        if match is None:
            return False
        for word, text in match.groupdict().items():
            if self.words.setdefault(word, text) != text:
                self._find(
                    "words_differ", f"hai chỗ ghi {word} khác nhau", f"{word} is given twice"
                )
        return True

    def _row(self, number: int, cells: Sequence[str]) -> None:
        columns = self._profile.columns
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            refuse("extra_cells", "dòng có ô ngoài các cột", "cells beyond the columns",
                   line=number, do=_DO)  # fmt: skip
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        amounts = set()
        for column, value in zip(columns, padded, strict=False):
            if column.value == "amount":
                amounts.add(whole_dong(value))
            elif not self._good(column, value):
                self._find(
                    f"row_{column.value}", f"cột {column.header or column.value} không đúng mẫu",
                    f"column {column.value} is not as the template wants it", number,
                )  # fmt: skip
        amount = amounts.pop()
        if amounts or amount is None:
            refuse("amount", "số tiền không phải số đồng nguyên, hoặc hai cột tiền khác nhau",
                   "not one whole amount", line=number, do=_DO)  # fmt: skip
        self.count, self.total = self.count + 1, self.total + amount
        self._id(padded)

    def _id(self, cells: Sequence[str]) -> None:
        by = {c.value: value for c, value in zip(self._profile.columns, cells, strict=False)}
        own = by.get("end_to_end_id") or by.get("reference") or by.get("text", "").partition(" ")[0]
        if own in self._seen:
            self._doubled.append(own)
        self._seen.add(own)

    def _good(self, column: Column, value: str) -> bool:
        kind = column.value
        if kind == "n":
            ascending = value.isascii() and value.isdigit() and int(value) > self._last
            self._last = int(value) if ascending else self._last
            return ascending
        if len(value) > column.length or (column.required and not value and kind != "empty"):
            return False
        test = _TESTS.get(kind)
        if test is not None:
            return test(value)
        if kind == "name":
            return self._profile.names.holds(value, column.length)
        if kind == "text":
            return self._profile.texts.holds(value, column.length)
        if kind == "bank_name":
            return value in self._names
        return value == column.text if kind in ("fixed", "empty") else True

    def _sums(self) -> None:
        expected = {
            "count": str(self.count),
            "total": str(self.total),
            "total_dots": format_vnd(self.total),
            "total_words": in_words_vi(self.total),
        }
        for word, value in expected.items():
            if self.words.get(word, value) != value:
                self._find(
                    "totals_differ",
                    f"tệp ghi {self.words[word]} nhưng các dòng cộng lại là {self.count} khoản, "
                    f"{self.total} đồng",
                    f"{word} is not that of the rows",
                )
        for own in self._doubled[:1]:
            self._find("doubled", f"mã {own} có hai dòng", "an id stands twice")
        least, most = self._profile.min_payments_per_file, self._profile.max_payments_per_file
        if not least <= self.count <= most:
            self._find(
                "count", f"mẫu nhận từ {least} đến {most} khoản, tệp có {self.count}",
                "more or fewer rows than the template takes",
            )  # fmt: skip


_TESTS: dict[str, Callable[[str], bool]] = {
    "account": lambda v: ACCOUNT.fullmatch(v) is not None,
    "end_to_end_id": lambda v: END_TO_END.fullmatch(v) is not None,
    "reference": lambda v: REFERENCE.fullmatch(v) is not None,
}


def _bare(cells: Sequence[str]) -> list[str]:
    out = [c.strip() for c in cells]
    while out and not out[-1]:
        out.pop()
    return out
