"""Reading the files an office hands in: XLSX and CSV, by header names, in bounded memory.

XLSX is read by python-calamine in a child process with limits on time and memory
(xlsx_child.py), while this process looks through the zip for what calamine does not tell
(formulas, a size no honest workbook has). CSV is streamed. Rows come in chunks, as JSON bytes, so
that they can be put aside and looked up again without being parsed twice.

CSV is UTF-8, with or without a byte order mark, with commas. Semicolons are read only where the
file says so itself (first line `sep=;`, as spreadsheets write it), windows-1258 only where the
officer says so (`encoding='windows-1258'`): neither can be told apart for certain by looking.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from disbursement.beneficiaries.columns import (
    ColumnSet,
    Header,
    letters,
    looks_like_header,
    read_header,
)
from disbursement.beneficiaries.xlsx_child import CHUNK_ROWS, HEAD
from disbursement.platform.errors import NotFoundError, RefusedError

Encoding = Literal["utf-8", "windows-1258"]
CPU_SECONDS = 180
MEMORY_BYTES = 1_400 * 1024 * 1024
"""Address space of the child, libraries included; 400,000 rows need some 900 MB of it."""
MAX_UNPACKED = 3 * 1024**3
MAX_MEMBERS = 1_000
HEADER_ROWS = 20
MAX_FIELD = 32_768  # the most a spreadsheet cell holds

Row = tuple[int, list[Any]]
"""Row number in the file (from 1) and its cells."""


@dataclass(frozen=True)
class Chunk:
    """Rows [number, cells] as JSON bytes; `rows()` reads them.

    `first` is the number of the first row, `count` how many there are.
    """

    data: bytes
    first: int
    count: int

    @classmethod
    def of(cls, rows: list[Row]) -> Chunk:
        """Pack rows; there must be one."""
        return cls(orjson.dumps(rows), rows[0][0], len(rows))

    def rows(self) -> list[Row]:
        """Return the rows: number in the file and cells by position."""
        rows: list[Row] = orjson.loads(self.data)
        return rows


@dataclass(frozen=True)
class Source:
    """An opened file: its header, then its rows in order."""

    header: Header
    chunks: Iterator[Chunk]


@contextmanager
def open_table(path: Path, columns: ColumnSet, *, encoding: Encoding = "utf-8") -> Iterator[Source]:
    """Open a file of the kind `columns` describes.

    Raises NotFoundError where there is no file and RefusedError, in one sentence that says what
    is wrong, where, and what to do; while chunks are read as well (a broken row, no row at all).
    """
    if not path.is_file():
        raise NotFoundError("no_file", f"Không có tệp {path.name}; kiểm tra lại đường dẫn.")
    with path.open("rb") as handle:
        magic = handle.read(8)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise RefusedError(
            "password",
            f"Tệp {path.name} có mật khẩu hoặc là XLS kiểu cũ: mở ra, bỏ mật khẩu, lưu dạng XLSX.",
        )
    if magic.startswith(b"PK\x03\x04"):
        with _xlsx(path, columns) as source:
            yield source
        return
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        raise RefusedError(
            "broken_workbook",
            f"Tệp {path.name} không phải sổ tính XLSX đọc được: mở ra và lưu lại dạng XLSX.",
        )
    with _csv(path, columns, encoding) as source:
        yield source


# ---- XLSX -----------------------------------------------------------------------------------


@contextmanager
def _xlsx(path: Path, columns: ColumnSet) -> Iterator[Source]:
    child = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter, no shell
        [
            sys.executable,
            "-m",
            "disbursement.beneficiaries.xlsx_child",
            str(path),
            str(CPU_SECONDS),
            str(MEMORY_BYTES),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    try:
        look_through(path)
        if child.stdout is None:  # pragma: no cover - asked for above
            raise RefusedError("broken_workbook", f"Không đọc được {path.name}.")
        messages = _messages(child.stdout, path)
        first = next(messages)
        _check_workbook(path, first.data)
        yield _spreadsheet(path, columns, first, messages)
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _messages(pipe: IO[bytes], path: Path) -> Iterator[Chunk]:
    """Yield what the child says; `count` 0 marks a message about the workbook."""
    while True:
        head = pipe.read(HEAD.size)
        if len(head) < HEAD.size:
            raise RefusedError(
                "workbook_too_big",
                f"Không đọc hết được {path.name}: sổ tính quá lớn hoặc bị hỏng; chia thành các tệp "
                "tối đa 400.000 dòng (hoặc lưu dạng CSV UTF-8) rồi nhập lại; chưa nhận gì.",
            )
        length, first, count = HEAD.unpack(head)
        if length == 0:
            return
        yield Chunk(pipe.read(length), first, count)


def _check_workbook(path: Path, body: bytes) -> None:
    message = orjson.loads(body)
    error = message.get("error")
    if error == "password":
        raise RefusedError(
            "password", f"Tệp {path.name} có mật khẩu: mở ra, bỏ mật khẩu, lưu lại dạng XLSX."
        )
    if error == "memory":
        raise RefusedError(
            "workbook_too_big",
            f"Sổ tính {path.name} quá lớn: chia thành các tệp tối đa 400.000 dòng; chưa nhận gì.",
        )
    if error:
        raise RefusedError(
            "broken_workbook",
            f"Tệp {path.name} không phải sổ tính XLSX đọc được ({message['detail']}): mở ra và "
            "lưu lại dạng XLSX.",
        )
    if len(message["sheets"]) != 1:
        names = ", ".join(f"'{s}'" for s in message["sheets"])
        raise RefusedError(
            "sheets",
            f"Sổ tính {path.name} có {len(message['sheets'])} trang ({names}), kể cả trang ẩn: "
            "chỉ giữ lại một trang dữ liệu rồi nhập lại; chưa nhận gì.",
        )


def _spreadsheet(path: Path, columns: ColumnSet, first: Chunk, messages: Iterator[Chunk]) -> Source:
    about = orjson.loads(first.data)
    chunk = next(messages, None)
    if chunk is None:
        raise _no_rows(path)
    rows = chunk.rows()
    at = _header_at(rows, columns)
    number = rows[at][0]
    for (top, left), (bottom, right) in about["merged"]:
        if bottom + 1 >= number:
            raise RefusedError(
                "merged",
                f"Ô {letters(left)}{top + 1}:{letters(right)}{bottom + 1} của {path.name} bị gộp: "
                "bỏ gộp ô ở dòng tiêu đề và các dòng dữ liệu, rồi nhập lại; chưa nhận gì.",
            )
    header = read_header(
        columns, rows[at][1], row=number, first_column=about["first_column"], spreadsheet=True
    )
    return Source(header, _data(path, rows[at + 1 :], messages))


def _data(path: Path, head: list[Row], messages: Iterator[Chunk]) -> Iterator[Chunk]:
    if head:
        yield Chunk.of(head)
    empty = not head
    for chunk in messages:
        if chunk.count == 0:
            _check_workbook(path, chunk.data)
        empty = False
        yield chunk
    if empty:
        raise _no_rows(path)


def _header_at(rows: list[Row], columns: ColumnSet) -> int:
    """Return the index of the header among the first rows; the first row where none looks it."""
    for at, (number, cells) in enumerate(rows):
        if number > HEADER_ROWS:
            break
        if looks_like_header(cells, columns):
            return at
    return 0


def _no_rows(path: Path) -> RefusedError:
    return RefusedError("no_rows", f"Tệp {path.name} không có dòng dữ liệu nào; chưa nhận gì.")


_FORMULA = (b"<f>", b"<f ", b"<f/", b":f>", b":f ")
_CELL_NAME = re.compile(rb'\br="([A-Z]{1,3}[0-9]{1,7})"')


_NO_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError, ValueError,
    zlib.error,
)  # fmt: skip
"""What a zip may raise whose directory or whose packed bytes were altered."""


def look_through(path: Path) -> None:
    """Refuse a workbook with a formula (naming its cell), a DOCTYPE, or one that unpacks too big.

    A formula's stored value may be old or invented; what the office sees is what must be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
                raise RefusedError(
                    "workbook_too_big",
                    f"Tệp {path.name} bung ra quá lớn, không phải sổ tính bình thường; chưa nhận "
                    "gì.",
                )
            for member in members:
                if member.flag_bits & 1:
                    raise RefusedError("password", f"Tệp {path.name} có mật khẩu: bỏ mật khẩu đi.")
                with archive.open(member) as part:
                    if member.filename.startswith("xl/worksheets/"):
                        _no_formula(path, part)
                    elif member.filename.endswith((".xml", ".rels")):
                        _no_doctype(path, part)
    except _NO_ZIP as error:
        raise RefusedError(
            "broken_workbook",
            f"Tệp {path.name} bị hỏng hoặc bị cắt: lưu lại dạng XLSX rồi nhập lại.",
        ) from error


def _no_formula(path: Path, sheet: IO[bytes]) -> None:
    before = b""
    while piece := sheet.read(1 << 20):
        text = before + piece
        _refuse_doctype(path, text)
        hits = [at for mark in _FORMULA if (at := text.find(mark)) >= 0]
        if hits:
            names = _CELL_NAME.findall(text, 0, min(hits))
            cell = names[-1].decode() if names else "?"
            raise RefusedError(
                "formula",
                f"Ô {cell} của {path.name} chứa công thức: sao chép, dán lại dạng giá trị (Paste "
                "Values) rồi nhập lại; chưa nhận gì.",
            )
        before = text[-512:]


def _no_doctype(path: Path, part: IO[bytes]) -> None:
    before = b""
    while piece := part.read(1 << 20):
        _refuse_doctype(path, before + piece)
        before = piece[-16:]


def _refuse_doctype(path: Path, text: bytes) -> None:
    """Refuse a declaration that no spreadsheet writes and an attack needs (promises.md F26)."""
    if b"<!DOCTYPE" in text:
        raise RefusedError(
            "doctype",
            f"Tệp {path.name} có khai báo DOCTYPE, có thể dùng để tấn công: không mở tệp này, báo "
            "nơi gửi và bộ phận an toàn thông tin; chưa nhận gì.",
        )


# ---- CSV ------------------------------------------------------------------------------------


@contextmanager
def _csv(path: Path, columns: ColumnSet, encoding: Encoding) -> Iterator[Source]:
    with path.open("rb") as handle:
        magic = handle.read(4)
        if magic[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise RefusedError(
                "encoding", f"Tệp {path.name} là UTF-16: lưu lại dạng 'CSV UTF-8' rồi nhập lại."
            )
        handle.seek(0)
        declared = "cp1258" if encoding == "windows-1258" else "utf-8-sig"
        with io.TextIOWrapper(handle, encoding=declared, errors="strict", newline="") as text:
            rows = _csv_rows(path, text, encoding)
            head: list[Row] = []
            for row in rows:
                head.append(row)
                if looks_like_header(row[1], columns) or row[0] >= HEADER_ROWS:
                    break
            if not head:
                raise _no_rows(path)
            at = _header_at(head, columns)
            if not looks_like_header(head[at][1], columns):
                _need_comma(path, head, columns)
            header = read_header(
                columns, head[at][1], row=head[at][0], first_column=0, spreadsheet=False
            )
            yield Source(header, _csv_chunks(path, head[at + 1 :], rows))


def _need_comma(path: Path, head: list[Row], columns: ColumnSet) -> None:
    """Refuse a file whose header shows itself only where it is split at another mark.

    A header may hold a comma of its own, so that a line of semicolons is not always one cell.
    """
    for mark, name in ((";", "dấu chấm phẩy"), ("\t", "dấu tab")):
        if any(
            cells[0].count(mark) >= 2 or looks_like_header(",".join(cells).split(mark), columns)
            for _, cells in head
        ):
            raise RefusedError(
                "semicolons" if mark == ";" else "tabs",
                f"Tệp {path.name} dùng {name}: lưu lại với dấu phẩy"
                + (", hoặc thêm dòng đầu tiên 'sep=;' để khai báo" if mark == ";" else "")
                + "; chưa nhận gì.",
            )


def _csv_rows(path: Path, text: io.TextIOWrapper, encoding: Encoding) -> Iterator[Row]:
    csv.field_size_limit(MAX_FIELD)
    line = 1
    try:
        skipped, delimiter = _declared(text)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        line += skipped
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1 + skipped
    except UnicodeDecodeError as error:
        hint = (
            "nếu tệp là windows-1258 hãy thêm --encoding windows-1258, nếu không hãy lưu lại dạng "
            "'CSV UTF-8'"
            if encoding == "utf-8"
            else "lưu lại dạng 'CSV UTF-8'"
        )
        raise RefusedError(
            "encoding",
            f"Tệp {path.name} không phải {encoding} (byte lạ sau dòng {line}): {hint}; chưa nhận "
            "gì.",
        ) from error
    except csv.Error as error:
        raise RefusedError(
            "broken_csv",
            f"Dòng {line} của {path.name} không phải CSV đọc được (dấu ngoặc kép hoặc ký tự lạ): "
            "sửa dòng này; chưa nhận gì.",
        ) from error


def _declared(text: io.TextIOWrapper) -> tuple[int, str]:
    """Read a first line `sep=;` if there is one; return how many lines were read, delimiter."""
    start = text.readline(MAX_FIELD)
    match = re.fullmatch(r"\"?sep=([;,\t])\"?\s*", start)
    if match:
        return 1, match[1]
    text.seek(0)
    return 0, ","


def _csv_chunks(path: Path, head: list[Row], rows: Iterator[Row]) -> Iterator[Chunk]:
    part = head
    empty = True
    for row in rows:
        part.append(row)
        if len(part) >= CHUNK_ROWS:
            empty = False
            yield Chunk.of(part)
            part = []
    if part:
        empty = False
        yield Chunk.of(part)
    if empty:
        raise _no_rows(path)


class Spool:
    """Chunks put aside in an unnamed temporary file, to look up the few rows that go back."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the import
        self._index: list[tuple[int, int, int]] = []  # first row number, offset, length
        self._at = -1
        self._have: dict[int, list[Any]] = {}

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk. Raises OSError where the disk is full."""
        self._file.seek(0, os.SEEK_END)
        self._index.append((chunk.first, self._file.tell(), len(chunk.data)))
        self._file.write(chunk.data)

    def row(self, number: int) -> list[Any]:
        """Return the cells of a row; quick where numbers ascend."""
        at = bisect_right(self._index, (number, sys.maxsize, 0)) - 1
        if at != self._at:
            _, offset, length = self._index[at]
            self._file.seek(offset)
            self._have = dict(orjson.loads(self._file.read(length)))
            self._at = at
        return self._have[number]

    def close(self) -> None:
        """Forget everything."""
        with contextlib.suppress(OSError):
            self._file.close()
