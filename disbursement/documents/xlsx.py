"""The one way to a workbook: rows are streamed, text stays text, money stays whole.

XlsxWriter in constant-memory mode: a million rows cost no more memory than ten. A text cell is
written as an inline string, so nothing a person typed can become a formula (promises.md F82), and
identity-like digits never become numbers.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from disbursement.documents.words import cell_text, instant

ROWS_PER_SHEET = 1_000_000  # a worksheet ends at 1,048,576 rows; the rest goes to the next one
MAX_EXACT = 10**15  # a spreadsheet's numbers are exact to 15 digits
MAX_TEXT = 32_767  # characters a cell holds

Cell = str | int | None


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, its width in characters, what its cells are."""

    title: str
    width: int
    kind: Literal["text", "wrap", "whole", "money"] = "text"


class Book:
    """A workbook that is written from top to bottom.

    Leaving the block writes the file to `out`; leaving it by an error writes nothing. Rows wait
    in a temporary folder that is removed either way. Raises OSError where the disk is full.
    """

    def __init__(self, out: BinaryIO, *, title: str, made_at: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="disburse-xlsx-")
        self._out, self._path = out, Path(self._folder.name, "book.xlsx")
        self._book = Workbook(
            str(self._path),
            {
                "tmpdir": self._folder.name,
                "constant_memory": True,
                "strings_to_numbers": False,
                "strings_to_formulas": False,
                "strings_to_urls": False,
            },
        )
        self._book.use_zip64()
        created = instant(made_at).replace(tzinfo=None)
        self._book.set_properties({"title": cell_text(title), "created": created})
        self._formats = {name: self._book.add_format(look) for name, look in _LOOKS.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._close()
            else:
                self._book.fileclosed = 1  # nothing is written, nor later by its finaliser
                for sheet in self._book.worksheets():
                    sheet.row_data_fh.close()
        finally:
            self._folder.cleanup()

    def _close(self) -> None:
        """Finish beside, then copy: `out` holds nothing before the workbook is whole."""
        try:
            self._book.close()
        except FileCreateError as error:  # XlsxWriter's wrapper hides errno from files.atomic
            raise error.args[0] from error
        with self._path.open("rb") as book:
            shutil.copyfileobj(book, self._out)

    def sheet(
        self,
        name: str,
        columns: Sequence[Column],
        *,
        heading: Sequence[str] = (),
        landscape: bool = False,
    ) -> Sheet:
        """Start a worksheet: heading lines, a header row that is repeated on paper, then rows."""
        return Sheet(self._book, self._formats, name, columns, heading, landscape=landscape)


# Number formats by their built-in numbers: 49 text, 1 whole, 3 whole with thousands.
_LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 13},
    "note": {"font_color": "#444444"},
    "header": {
        "bold": True, "text_wrap": True, "valign": "vcenter", "align": "center",
        "border": 1, "bg_color": "#E8EEF4",
    },
    "text": {"valign": "top", "num_format": 49},
    "wrap": {"valign": "top", "num_format": 49, "text_wrap": True},
    "whole": {"valign": "top", "num_format": 1},
    "money": {"valign": "top", "num_format": 3},
    "text_total": {"bold": True, "num_format": 49, "top": 1},
    "wrap_total": {"bold": True, "num_format": 49, "top": 1},
    "whole_total": {"bold": True, "num_format": 1, "top": 1},
    "money_total": {"bold": True, "num_format": 3, "top": 1},
}  # fmt: skip


class Sheet:
    """A worksheet that goes on in another one (`name (2)`) when it is full."""

    def __init__(
        self,
        book: Any,
        formats: dict[str, Any],
        name: str,
        columns: Sequence[Column],
        heading: Sequence[str],
        *,
        landscape: bool,
    ) -> None:
        self._book, self._formats, self._name = book, formats, name
        self._columns, self._heading, self._landscape = columns, heading, landscape
        self._part = 0
        self.rows = 0
        self._open()

    def _open(self) -> None:
        self._part += 1
        name = self._name if self._part == 1 else f"{self._name} ({self._part})"
        self._sheet = sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&C&P / &N")
        if self._landscape:
            sheet.set_landscape()
        for n, column in enumerate(self._columns):
            sheet.set_column(n, n, column.width)
        line = 0
        for line, said in enumerate(self._heading, 1):
            look = "title" if line == 1 else "note"
            sheet.write_string(line - 1, 0, cell_text(said), self._formats[look])
        for n, column in enumerate(self._columns):
            sheet.write_string(line, n, cell_text(column.title), self._formats["header"])
        sheet.repeat_rows(line)
        sheet.freeze_panes(line + 1, 0)
        self._next = line + 1

    def row(self, values: Sequence[Cell], *, total: bool = False) -> None:
        """Write one row; None leaves a cell empty.

        Raises ValueError for a value that is not of its column's kind, a number beyond 15 digits
        or a text beyond 32,767 characters: a paper is exact, or it is not written.
        """
        if len(values) != len(self._columns):
            raise ValueError(f"{len(values)} cells for {len(self._columns)} columns")
        if self._next >= ROWS_PER_SHEET:
            self._open()
        at = self._next
        for n, (value, column) in enumerate(zip(values, self._columns, strict=True)):
            look = self._formats[f"{column.kind}_total" if total else column.kind]
            if value is None:
                self._sheet.write_blank(at, n, None, look)
            elif column.kind in {"text", "wrap"}:
                self._text(at, n, value, look)
            else:
                self._number(at, n, value, look)
        self._next += 1
        self.rows += 1

    def _text(self, at: int, n: int, value: Cell, look: Any) -> None:
        if not isinstance(value, str):
            raise ValueError(f"column '{self._columns[n].title}' holds text, not {value!r}")  # noqa: TRY004 - one error class for the caller
        said = cell_text(value)
        if len(said) > MAX_TEXT:
            raise ValueError(f"column '{self._columns[n].title}': a text of {len(said)} characters")
        self._sheet.write_string(at, n, said, look)

    def _number(self, at: int, n: int, value: Cell, look: Any) -> None:
        if type(value) is not int or abs(value) >= MAX_EXACT:
            raise ValueError(f"column '{self._columns[n].title}' holds whole numbers: {value!r}")
        self._sheet.write_number(at, n, value, look)
