"""Writing a plain workbook (XLSX, Office Open XML): streaming, small, the same bytes each time.

Only what payment tables need: one sheet of rows, merged cells in the lines around them, further
sheets with lists, a drop-down over a column. Text stays text, so leading zeros survive, and a text
that looks like a formula is no formula.

Source: ECMA-376, SpreadsheetML (inline strings, number formats 3 `#,##0` and 49 `@`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_LEVEL = 4
_CHUNK = 400
_DAY = (1980, 1, 1, 0, 0, 0)
"""The zip format's first day: a file's bytes do not depend on when it was made."""
TEXT, NUMBER, BOLD = 1, 2, 3
"""Styles of a cell."""

_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Arial"/>'
    '</font><font><b/><sz val="11"/><name val="Arial"/></font></fonts><fills count="2"><fill>'
    '<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border>'
    '</borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" '
    'xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" '
    'applyNumberFormat="1"/><xf numFmtId="3" fontId="0" fillId="0" borderId="0" xfId="0" '
    'applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" '
    'applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment horizontal="center" '
    'vertical="center" wrapText="1"/></xf></cellXfs></styleSheet>'
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One sheet. `rows`: XML of its rows; `merged`: ranges; `choices`: (cells, source) or None."""

    title: str
    widths: Sequence[int]
    rows: Iterable[str]
    merged: Sequence[str] = ()
    choices: tuple[str, str] | None = None


def letters(at: int) -> str:
    """Return the name of column `at` (from 0): A, B, ..., Z, AA."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name


def text_cell(where: str, value: str, style: int = TEXT) -> str:
    """Return the XML of a cell that holds text."""
    return (
        f'<c r="{where}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}'
        "</t></is></c>"
    )


def number_cell(where: str, value: str) -> str:
    """Return the XML of a cell that holds a whole number."""
    return f'<c r="{where}" s="{NUMBER}"><v>{value}</v></c>'


def row(number: int, cells: str) -> str:
    """Return the XML of a row (number from 1)."""
    return f'<row r="{number}">{cells}</row>'


def list_rows(names: Iterable[str]) -> Iterator[str]:
    """Return the rows of a sheet that is a list of names in column A."""
    return (row(n, text_cell(f"A{n}", name)) for n, name in enumerate(names, 1))


def write_workbook(out: BinaryIO, tabs: Sequence[Tab]) -> None:
    """Write the sheets to a stream that need not be seekable."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, text in _frame(tabs):
            archive.writestr(_info(name), text.encode(), compresslevel=_LEVEL)
        for n, tab in enumerate(tabs, 1):
            with archive.open(_info(f"xl/worksheets/sheet{n}.xml"), "w") as part:
                for piece in _sheet(tab):
                    part.write(piece.encode())


class TextSheet:
    """A workbook of one sheet of text cells, written row by row as the rows come.

    For tables that are written side by side; `write_workbook` takes its rows from iterables.
    """

    def __init__(self, path: Path, title: str, columns: int) -> None:
        tab = Tab(title, [18] * columns, ())
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        for name, text in _frame([tab]):
            self._archive.writestr(_info(name), text.encode(), compresslevel=_LEVEL)
        self._columns = [letters(at) for at in range(columns)]
        self._part = self._archive.open(_info("xl/worksheets/sheet1.xml"), "w")
        self._chunk = [_opening(tab)]
        self._number = 0

    def write(self, cells: Sequence[str]) -> None:
        """Add a row; an empty text is no cell."""
        self._number += 1
        n = self._number
        pairs = zip(self._columns, cells, strict=True)
        self._chunk.append(row(n, "".join([text_cell(f"{c}{n}", v) for c, v in pairs if v])))
        if len(self._chunk) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._part.write("".join(self._chunk).encode())
        self._chunk.clear()

    def close(self) -> None:
        """End the sheet and the file."""
        self._chunk.append("</sheetData></worksheet>")
        self._flush()
        self._part.close()
        self._archive.close()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DAY)
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = _LEVEL  # type: ignore[attr-defined] # noqa: SLF001 - Python < 3.13 has no public name
    info.create_system = 3
    return info


def _opening(tab: Tab) -> str:
    cols = "".join(
        f'<col min="{n}" max="{n}" width="{w}" customWidth="1"/>'
        for n, w in enumerate(tab.widths, 1)
    )
    return f'{_XML}<worksheet xmlns="{_MAIN}"><cols>{cols}</cols><sheetData>'


def _sheet(tab: Tab) -> Iterator[str]:
    yield _opening(tab)
    chunk: list[str] = []
    for one in tab.rows:
        chunk.append(one)
        if len(chunk) == _CHUNK:
            yield "".join(chunk)
            chunk.clear()
    yield "".join(chunk) + "</sheetData>"
    if tab.merged:
        refs = "".join(f'<mergeCell ref="{ref}"/>' for ref in tab.merged)
        yield f'<mergeCells count="{len(tab.merged)}">{refs}</mergeCells>'
    if tab.choices:
        cells, source = tab.choices
        yield (
            '<dataValidations count="1"><dataValidation type="list" allowBlank="1" '
            f'showErrorMessage="1" sqref="{cells}"><formula1>{escape(source)}</formula1>'
            "</dataValidation></dataValidations>"
        )
    yield "</worksheet>"


def _frame(tabs: Sequence[Tab]) -> Iterator[tuple[str, str]]:
    parts = range(1, len(tabs) + 1)
    over = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for n in parts
    )
    yield (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
        'Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{_TYPE}.sheet.main+xml"/><Override PartName="/xl/styles.xml" '
        f'ContentType="{_TYPE}.styles+xml"/>{over}</Types>',
    )
    yield (
        "_rels/.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    sheets = "".join(
        f'<sheet name={quoteattr(tab.title)} sheetId="{n}" r:id="rId{n}"/>'
        for n, tab in enumerate(tabs, 1)
    )
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{sheets}</sheets></workbook>',
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in parts
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}<Relationship '
        f'Id="rId{len(tabs) + 1}" Type="{_REL}/styles" Target="styles.xml"/></Relationships>',
    )
    yield "xl/styles.xml", _STYLES
