"""Reading tables from outside: XLSX, CSV and fixed-width text, streaming, with what is refused.

A workbook with a formula, a hidden sheet, a macro, a password, a sheet too many, or that unpacks
beyond reason is refused before its rows are used. Cells come as text; a number keeps what the file
wrote (`Number`), so nothing passes through binary fractions.

Source: ECMA-376, SpreadsheetML.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from lxml import etree

from bank_adapters.contract import Source
from bank_adapters.xmlsource import opened, refuse

MOST_BYTES = 100 << 20
"""Largest table that is opened."""
MOST_UNPACKED = 700 << 20
"""A workbook of 400,000 payments unpacks to some 300 MB."""
_MOST_MEMBERS = 200
_MOST_STRINGS = 64 << 20
_MOST_FRAME = 4 << 20
_MOST_CELLS = 200
_MOST_CELL = 32_768
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_DO = "Hãy mở ra, lưu lại đúng mẫu rồi thử lại, hoặc xin nơi gửi tệp khác."
_FRAME = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")


class Number(str):
    """A number as a workbook's cell has it."""

    __slots__ = ()


Row = tuple[int, list[str]]
"""Line or row number in the file (from 1) and its cells."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table is opened: form and, for text, delimiter, encoding and widths."""

    form: str
    delimiter: str = ""
    encoding: str = "utf-8"
    sheets: tuple[str, ...] | None = None
    """Names of all sheets in order, the rows in the first; None: exactly one, of any name."""


def is_workbook(source: Source) -> bool:
    """Tell whether the bytes are those of a zip, as every XLSX is."""
    with opened(source, MOST_BYTES) as stream:
        return stream.read(4) == b"PK\x03\x04"


@contextmanager
def table(source: Source, shape: Shape) -> Iterator[Iterator[Row]]:
    """Open a table and hand over its rows; empty rows are left out. Raises RefusedFile."""
    if shape.form == "xlsx":
        with opened(source, MOST_BYTES) as stream, _archive(stream) as archive:
            yield _sheet_rows(archive, shape)
        return
    with opened(source, MOST_BYTES) as stream:
        head = stream.read(4)
        stream.seek(0)
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")):
            refuse("not_text", "tệp không phải văn bản UTF-8", "not a text file", do=_DO)
        encoding = "utf-8-sig" if shape.encoding.startswith("utf-8") else shape.encoding
        with io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="") as text:
            yield _csv_rows(text, shape.delimiter) if shape.form == "csv" else _text_rows(text)


# --- text -----------------------------------------------------------------------------------------


def _csv_rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_MOST_CELL)
    reader = csv.reader(_no_nul(text), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            refuse("csv_broken", "dòng CSV bị hỏng", "a broken CSV row", line=reader.line_num)
        if cells is None:
            return
        if len(cells) > _MOST_CELLS:
            refuse("too_many_cells", "dòng có quá nhiều ô", "too many cells", line=reader.line_num)
        if any(cells):
            yield reader.line_num, cells


def _text_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(_no_nul(text), 1):
        bare = line.rstrip("\r\n")
        if bare.strip():
            yield number, [bare]


def _no_nul(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield lines of bounded length; bytes that are no text of the encoding are refused."""
    number = 0
    while True:
        try:
            line = text.readline(_MOST_CELL * 4)
        except UnicodeDecodeError:
            refuse("encoding", "tệp có chữ sai bảng mã", "bytes outside the encoding",
                   line=number + 1, do=_DO)  # fmt: skip
        if not line:
            return
        number += 1
        if "\0" in line or len(line) >= _MOST_CELL * 4:
            refuse("not_text", "dòng không phải văn bản", "not a line of text", line=number, do=_DO)
        yield line


# --- XLSX -----------------------------------------------------------------------------------------


@contextmanager
def _archive(stream: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS or sum(m.file_size for m in members) > MOST_UNPACKED:
                refuse("zip_bomb", "sổ tính bung ra quá lớn", "unpacks beyond reason",
                       do="Không mở tệp này; hãy báo nơi gửi.")  # fmt: skip
            names = [m.filename for m in members]
            if len(names) != len(set(names)) or any(m.flag_bits & 1 for m in members):
                refuse("workbook", "sổ tính có mật khẩu hoặc bị ghép", "encrypted or forged zip",
                       do=_DO)  # fmt: skip
            if any("vbaproject" in n.casefold() or "externallink" in n.casefold() for n in names):
                refuse("macro", "sổ tính có macro hoặc liên kết ngoài", "macros or external links",
                       do=_DO)  # fmt: skip
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError,
            KeyError, zlib.error) as error:  # fmt: skip
        _broken(error)
    except etree.XMLSyntaxError as error:
        _broken(error)


def _broken(error: Exception) -> None:
    refuse(
        "workbook_broken", "sổ tính XLSX bị hỏng hoặc bị cắt",
        f"a broken workbook ({type(error).__name__})", do=_DO,
    )  # fmt: skip


class _NoDoctype:
    """A member of the zip as a stream for the parser; a DOCTYPE in it is refused."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept = stream, b""

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        if b"<!DOCTYPE" in self._kept + piece:
            refuse("doctype", "sổ tính có khai báo DOCTYPE", "a DOCTYPE is not accepted",
                   do="Không mở tệp này; hãy báo nơi gửi.")  # fmt: skip
        self._kept = piece[-16:]
        return piece


def _walk(archive: zipfile.ZipFile, name: str, tags: tuple[str, ...]) -> Iterator[Any]:
    with archive.open(name) as member:
        source: Any = _NoDoctype(member)
        for _, element in etree.iterparse(
            source, events=("end",), tag=tags, encoding="utf-8", resolve_entities=False,
            no_network=True, load_dtd=False, huge_tree=False,
        ):  # fmt: skip
            yield element


def _sheet_rows(archive: zipfile.ZipFile, shape: Shape) -> Iterator[Row]:
    target = _target(archive, shape)
    strings = _strings(archive)
    for element in _walk(archive, target, ("{*}row",)):
        number = int(element.get("r") or 0)
        if not 0 < number <= 1_048_576:
            refuse("workbook", "dòng của sổ tính không có số", "a row without its number", do=_DO)
        cells = _cells(element, strings, number)
        element.clear()
        before = element.getprevious()
        while before is not None:
            element.getparent().remove(before)
            before = element.getprevious()
        if any(cells):
            yield number, cells


def _target(archive: zipfile.ZipFile, shape: Shape) -> str:
    """Return the member with the rows, after looking at every sheet's name and state."""
    if any(archive.getinfo(name).file_size > _MOST_FRAME for name in _FRAME):
        refuse("zip_bomb", "sổ tính bung ra quá lớn", "unpacks beyond reason", do=_DO)
    sheets = [(e.get("name") or "", e.get("state") or "visible", _relation(e))
              for e in _walk(archive, _FRAME[0], ("{*}sheet",))]  # fmt: skip
    hidden = [name for name, state, _ in sheets if state != "visible"]
    if hidden:
        refuse("hidden_sheet", f"sổ tính có {len(hidden)} trang ẩn", "a hidden sheet", do=_DO)
    names = tuple(name for name, _, _ in sheets)
    if names != shape.sheets if shape.sheets is not None else len(names) != 1:
        refuse(
            "sheets", f"sổ tính có {len(names)} trang, không đúng các trang của mẫu",
            "not the sheets of the template", do=_DO,
        )  # fmt: skip
    links = {e.get("Id"): e.get("Target") or ""
             for e in _walk(archive, _FRAME[1], ("{*}Relationship",))}  # fmt: skip
    target = links.get(sheets[0][2], "").lstrip("/")
    return target if target.startswith("xl/") else f"xl/{target}"


def _relation(element: Any) -> str:
    return next((str(v) for k, v in element.attrib.items() if k.endswith("}id")), "")


def _strings(archive: zipfile.ZipFile) -> list[str]:
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return []
    if archive.getinfo(name).file_size > _MOST_STRINGS:
        refuse("zip_bomb", "sổ tính bung ra quá lớn", "unpacks beyond reason", do=_DO)
    out = []
    for element in _walk(archive, name, ("{*}si",)):
        out.append(_words(element))
        element.clear()
    return out


def _words(element: Any) -> str:
    """Return the text of a string, without reading aids (rPh)."""
    return "".join(
        t.text or "" for t in element.iter("{*}t")
        if etree.QName(t.getparent()).localname != "rPh"
    )  # fmt: skip


def _cells(row: Any, strings: list[str], number: int) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if not isinstance(cell.tag, str) or etree.QName(cell).localname != "c":
            continue
        where = cell.get("r")
        at = len(cells)
        if where is not None:
            match = _COLUMN.fullmatch(where)
            at = _at(match[1]) if match else -1
        if not len(cells) <= at < _MOST_CELLS:
            refuse("workbook", "ô của sổ tính không đúng chỗ", "a cell out of place", line=number,
                   do=_DO)  # fmt: skip
        cells += [""] * (at - len(cells))
        cells.append(_value(cell, strings, number))
    return cells


def _at(letters: str) -> int:
    at = 0
    for letter in letters:
        at = at * 26 + ord(letter) - 64
    return at - 1


def _value(cell: Any, strings: list[str], number: int) -> str:
    kind = cell.get("t", "n")
    value = ""
    for part in cell:
        name = etree.QName(part).localname
        if name == "f":
            refuse("formula", f"ô {cell.get('r')} chứa công thức", "a formula", line=number, do=_DO)
        if name == "is":
            value = _words(part)
        elif name == "v":
            value = part.text or ""
    if kind == "s":
        if not value.isascii() or not value.isdigit() or int(value) >= len(strings):
            refuse("workbook", "ô của sổ tính trỏ sai chỗ", "a dangling string", line=number,
                   do=_DO)  # fmt: skip
        return strings[int(value)]
    if kind == "e":
        refuse("cell_error", f"ô {cell.get('r')} báo lỗi", "an error cell", line=number, do=_DO)
    return Number(value) if kind == "n" and value else value
