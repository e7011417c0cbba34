"""Writing a table under its profile: XLSX, CSV or fixed-width; streaming, the same bytes always."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, cast

from bank_adapters.contract import BatchHeader, PaymentRow, Rendered
from bank_adapters.refusals import batch_refused
from bank_adapters.sheets import workbook
from bank_adapters.sheets.bank_names import names
from bank_adapters.sheets.checks import cell_value, check_header, checked, words_of
from bank_adapters.sheets.layout import Cell, Column, Line
from bank_adapters.sheets.profile import SheetProfile

_ENDS = {"crlf": "\r\n", "lf": "\n"}


def render(
    profile: SheetProfile, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO
) -> Rendered:
    """Write one table to `out`; return SHA-256, count, sum (đồng), size (bytes).

    Memory holds the ids of one file and a few hundred rows. Raises RefusedRow or RefusedBatch;
    what was written until then is worthless, which is why callers write to a temporary name.
    """
    check_header(profile, header)
    counted = _Counted(out, profile.max_bytes_per_file)
    good = checked(profile, header, rows)
    words = words_of(header)
    if profile.form == "xlsx":
        _workbook(profile, words, good, cast("BinaryIO", counted))
    else:
        if profile.encoding == "utf-8-sig":
            counted.write(b"\xef\xbb\xbf")
        write = _csv_line if profile.form == "csv" else _fixed_line
        for line in _lines(profile, words, good):
            counted.write(write(profile, line))
    return Rendered(counted.digest.hexdigest(), header.count, header.total_vnd, counted.size)


class _Counted:
    """A stream that hashes and counts what is written, and refuses more than the limit."""

    def __init__(self, out: BinaryIO, most: int) -> None:
        self._out, self._most = out, most
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        if self.size > self._most:
            raise batch_refused(
                "file_too_large",
                f"tệp vượt {self._most} byte, mức nơi nhận cho phép; hãy chia lô nhỏ hơn",
                f"file exceeds {self._most} bytes",
            )
        self.digest.update(piece)
        self._out.write(piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: the caller's stream is the caller's to flush."""


# --- CSV and fixed width --------------------------------------------------------------------------

_Item = tuple[str, Column | Cell]


def _lines(
    profile: SheetProfile, words: Mapping[str, str], rows: Iterable[PaymentRow]
) -> Iterator[list[_Item]]:
    """Yield every line as what is written and what it is written by."""
    for line in profile.above:
        yield _spread(line, words)
    if profile.header:
        yield [(c.header, c) for c in profile.columns]
    for row in rows:
        about = dict(row.about)
        yield [(cell_value(profile, row, about, c), c) for c in profile.columns]
    for line in profile.below:
        yield _spread(line, words)


def _spread(line: Line, words: Mapping[str, str]) -> list[_Item]:
    out: list[_Item] = []
    for cell in line:
        out.append((cell.written(words), cell))
        out += [("", cell)] * (cell.span - 1)
    return out


def _csv_line(profile: SheetProfile, line: list[_Item]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=profile.delimiter, lineterminator=_ENDS[profile.line_end])
    writer.writerow([value for value, _ in line])
    return _encoded(profile, text.getvalue())


def _fixed_line(profile: SheetProfile, line: list[_Item]) -> bytes:
    parts = []
    for value, by in line:
        if len(value) > by.length:
            raise batch_refused(
                "line_too_long",
                f"một mục của dòng đầu hoặc cuối tệp dài quá {by.length} ký tự",
                f"a value of a line does not fit its {by.length} characters",
            )
        fill = value.rjust if by.align == "right" else value.ljust
        parts.append(fill(by.length, by.pad))
    return _encoded(profile, "".join(parts) + _ENDS[profile.line_end])


def _encoded(profile: SheetProfile, text: str) -> bytes:
    try:
        return text.encode("utf-8" if profile.encoding == "utf-8-sig" else profile.encoding)
    except UnicodeEncodeError:
        raise batch_refused(
            "encoding",
            f"tệp có chữ không ghi được bằng bảng mã {profile.encoding}",
            f"a text cannot be written in {profile.encoding}",
        ) from None


# --- XLSX -----------------------------------------------------------------------------------------


def _workbook(
    profile: SheetProfile, words: Mapping[str, str], rows: Iterable[PaymentRow], out: BinaryIO
) -> None:
    first = len(profile.above) + int(profile.header) + 1
    merged: list[str] = []
    lists = [
        workbook.Tab(sheet.title, (60,), workbook.list_rows(names(sheet.list)))
        for sheet in profile.name_sheets
    ]
    main = workbook.Tab(
        profile.sheet_name,
        [c.width for c in profile.columns],
        _xml_rows(profile, words, rows, first, merged),
        merged,
        _choices(profile, first),
    )
    workbook.write_workbook(out, [main, *lists])


def _choices(profile: SheetProfile, first: int) -> tuple[str, str] | None:
    """Return the drop-down of the bank column over the rows of a full file."""
    for at, column in enumerate(profile.columns):
        for sheet in profile.name_sheets:
            if column.value == "bank_name" and sheet.list == profile.bank_list:
                letter = workbook.letters(at)
                title = sheet.title.replace("'", "''")
                last = first + profile.max_payments_per_file - 1
                count = len(names(sheet.list))
                return f"{letter}{first}:{letter}{last}", f"'{title}'!$A$1:$A${count}"
    return None


def _xml_rows(
    profile: SheetProfile,
    words: Mapping[str, str],
    rows: Iterable[PaymentRow],
    first: int,
    merged: list[str],
) -> Iterator[str]:
    """Yield the XML of every row; ranges to merge are added to `merged` on the way."""
    for number, line in enumerate(profile.above, 1):
        yield _xml_line(line, words, number, merged)
    if profile.header:
        cells = "".join(
            workbook.text_cell(f"{workbook.letters(at)}{first - 1}", c.header, workbook.BOLD)
            for at, c in enumerate(profile.columns)
        )
        yield workbook.row(first - 1, cells)
    makers = [_maker(at, c) for at, c in enumerate(profile.columns)]
    columns = profile.columns
    number = first - 1
    for number, row in enumerate(rows, first):
        about = dict(row.about)
        cells = "".join(
            make(number, cell_value(profile, row, about, column))
            for make, column in zip(makers, columns, strict=True)
        )
        yield workbook.row(number, cells)
    for below, line in enumerate(profile.below, number + 1):
        yield _xml_line(line, words, below, merged)


def _maker(at: int, column: Column) -> Callable[[int, str], str]:
    letter = workbook.letters(at)
    if column.kind == "number":
        return lambda number, value: workbook.number_cell(f"{letter}{number}", value)
    return lambda number, value: workbook.text_cell(f"{letter}{number}", value) if value else ""


def _xml_line(line: Line, words: Mapping[str, str], number: int, merged: list[str]) -> str:
    at = 0
    cells = []
    for cell in line:
        where = f"{workbook.letters(at)}{number}"
        value = cell.written(words)
        if cell.kind == "number":
            cells.append(workbook.number_cell(where, value))
        elif value:
            cells.append(workbook.text_cell(where, value, workbook.BOLD))
        if cell.span > 1:
            merged.append(f"{where}:{workbook.letters(at + cell.span - 1)}{number}")
        at += cell.span
    return workbook.row(number, "".join(cells))
