"""Versions of the rate tables: what a file changes, what is wrong with it, what it does to amounts.

A version is one or more CSV files with the columns of programmes/data. Its rows are laid over the
tables in force: a row with a known key replaces that row, any other is added; with `whole` the file
is the whole table. So a decree is a small file: its instrument, its new levels, and the rows it
ends. Nothing here needs a database.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from disbursement.platform.errors import RefusedError
from disbursement.programmes.rates import (
    CONFIDENCES,
    RateSet,
    data_file,
    read_rates,
    shipped_rates,
)

MAX_BYTES = 4 * 1024 * 1024
KEYS: Mapping[str, tuple[str, ...]] = {
    "instruments.csv": ("instrument",),
    "social_assistance_rates.csv": ("rate_code",),
    "base_levels.csv": ("base_code", "territory", "effective_from"),
    "meritorious_rates.csv": ("rate_code", "effective_from"),
    "reference_levels.csv": ("base_code", "territory", "effective_from"),
    "list_programmes.csv": ("programme", "first_day"),
}
"""Each table and the columns that name a row of it."""
UNCONFIRMED = CONFIDENCES[CONFIDENCES.index("inference") + 1 :]
"""Confidences under which an amount is held until a document confirms the row."""

Row = dict[str, str]
Place = tuple[str, int]
"""File and row (the heading is row 1) as a person sees them."""


@dataclass(frozen=True, slots=True)
class Change:
    """The files of one version by table name: (file name as given, content)."""

    files: Mapping[str, tuple[str, bytes]]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A document that confirms rows of a table, each as long as it is what it was then."""

    table: str
    rows: Mapping[str, str]  # name of the row (its key joined by `/`) -> digest of its cells
    document: str


@dataclass(frozen=True)
class Tables:
    """The tables put together: their bytes, and where each row was written."""

    files: Mapping[str, bytes]
    origins: Mapping[Place, Place] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Return the digest over all tables, meritorious ones included."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(f"{name}:{len(self.files[name])}\n".encode())
            digest.update(self.files[name])
        return digest.hexdigest()

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table; [] where the product has none of that name."""
        return _read(self.files[table]) if table in self.files else []

    def place(self, table: str, index: int) -> Place:
        """Return where the row at `index` (0 is the first) was written."""
        return self.origins.get((table, index + 2), (table, index + 2))


@lru_cache(maxsize=1)
def shipped() -> Tables:
    """Return the tables that come with the product."""
    found = {}
    for name in KEYS:
        try:
            found[name] = data_file(name)
        except FileNotFoundError:  # a table this release does not ship yet
            continue
    return Tables(found)


def _read(content: bytes) -> list[Row]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    return [{k: (v or "").strip() for k, v in row.items() if k is not None} for row in reader]


def row_name(table: str, row: Mapping[str, str]) -> str:
    """Return the name of a row, its key joined by `/`: `SA26.K2`, `SP_BASE/08/2025-07-01`."""
    return "/".join(row[k] for k in KEYS[table])


def row_digest(row: Mapping[str, str]) -> str:
    """Return the digest of a row's cells."""
    body = json.dumps(dict(sorted(row.items())), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def columns(table: str) -> list[str]:
    """Return the columns of a table, in the order of the file that ships."""
    content = shipped().files[table].decode("utf-8-sig")
    return next(csv.reader(io.StringIO(content)))


# --- reading a person's file -------------------------------------------------------------------


def read_change(files: Iterable[tuple[str, bytes]], *, whole: bool = False) -> Change:
    """Recognise the files of a version by their columns.

    `files`: (name as given, content). Raises RefusedError `rate_file` for a file that is too
    large, no UTF-8, no CSV, of no known table, of a table given twice, or with a row that has too
    many or too few cells, or the key of an earlier row.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for name, content in files:
        rows = _parse(name, content)
        table = _recognise(name, rows[0])
        if any(name == other for other, _ in found.values()):
            raise _bad(f"Hai tệp cùng tên {name}; đổi tên một tệp.")
        if table in found:
            raise _bad(f"{name} và {found[table][0]} cùng là bảng {table}; gộp lại một tệp.")
        _check_cells(name, table, rows)
        found[table] = (name, _write(columns(table), _dicts(rows)))
    if not found:
        raise _bad("Chưa có tệp nào; ghi tên tệp CSV.")
    return Change(found, whole)


def _bad(sentence: str) -> RefusedError:
    return RefusedError("rate_file", sentence)


def _parse(name: str, content: bytes) -> list[list[str]]:
    if len(content) > MAX_BYTES:
        raise _bad(f"{name}: lớn hơn {MAX_BYTES // 1024 // 1024} MB; chỉ nạp bảng mức.")
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except UnicodeDecodeError as error:
        raise _bad(f"{name}: byte {error.start} không phải UTF-8; lưu lại bằng UTF-8.") from None
    except csv.Error as error:
        raise _bad(f"{name}: không đọc được CSV ({error}); xuất lại tệp từ bảng tính.") from None
    rows = [[cell.strip() for cell in row] for row in rows]
    while rows and not any(rows[-1]):
        rows.pop()
    if len(rows) < 2:
        raise _bad(f"{name}: không có dòng nào; chọn đúng tệp.")
    return rows


def _recognise(name: str, header: Sequence[str]) -> str:
    tables = list(shipped().files)
    # Most columns in common; of two such tables the one with fewer columns of its own.
    table = max(tables, key=lambda t: (len(set(columns(t)) & set(header)), -len(columns(t))))
    wanted = columns(table)
    if not set(KEYS[table]) <= set(header):
        raise _bad(
            f"{name}: tiêu đề không phải của bảng nào trong {', '.join(tables)}; dùng đúng tiêu "
            "đề của tệp mẫu."
        )
    for column in wanted:
        if header.count(column) != 1:
            what = "thiếu cột" if column not in header else "lặp cột"
            raise _bad(f"{name}, dòng 1: {what} {column} của {table}; sửa tiêu đề.")
    for column in header:
        if column not in wanted:
            raise _bad(f"{name}, dòng 1: cột '{column}' không có trong {table}; bỏ cột này.")
    return table


def _dicts(rows: Sequence[Sequence[str]]) -> list[Row]:
    return [dict(zip(rows[0], cells, strict=True)) for cells in rows[1:]]


def _check_cells(name: str, table: str, rows: Sequence[Sequence[str]]) -> None:
    seen: dict[str, int] = {}
    for n, cells in enumerate(rows[1:], 2):
        if len(cells) != len(rows[0]):
            raise _bad(
                f"{name}, dòng {n}: {len(cells)} ô, tiêu đề có {len(rows[0])} cột; kiểm tra dấu "
                "phẩy và dấu nháy."
            )
        key = row_name(table, dict(zip(rows[0], cells, strict=True)))
        if key in seen:
            raise _bad(f"{name}, dòng {n}: '{key}' đã có ở dòng {seen[key]}; bỏ dòng trùng.")
        seen[key] = n


def _write(header: Sequence[str], rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


# --- putting together --------------------------------------------------------------------------


def compose(base: Tables, changes: Iterable[Change | Confirmation]) -> Tables:
    """Lay changes over tables, in their order; with none of them the bytes stay as they are."""
    for change in changes:
        base = _confirm(base, change) if isinstance(change, Confirmation) else _lay(base, change)
    return base


def _lay(base: Tables, change: Change) -> Tables:
    files, origins = dict(base.files), dict(base.origins)
    for table, (name, content) in change.files.items():
        if table not in files:
            raise _bad(f"{name}: bản này chưa có bảng {table}; nâng cấp trước khi nạp.")
        rows: dict[str, tuple[Place, Row]] = {}
        if not change.whole:
            for n, row in enumerate(base.rows(table)):
                rows[row_name(table, row)] = (base.place(table, n), row)
        for n, row in enumerate(_read(content), 2):
            rows[row_name(table, row)] = ((name, n), row)
        files[table] = _write(columns(table), [row for _, row in rows.values()])
        origins = {place: at for place, at in origins.items() if place[0] != table}
        for n, (place, _) in enumerate(rows.values(), 2):
            if place != (table, n):
                origins[table, n] = place
    return Tables(files, origins)


def _confirm(base: Tables, confirmation: Confirmation) -> Tables:
    """Make rows as sure as if they had been seen, naming the document beside their source."""
    table = confirmation.table
    rows = base.rows(table)
    touched = False
    for row in rows:
        if confirmation.rows.get(row_name(table, row)) == row_digest(row):
            row["confidence"] = "seen"
            row["source"] += f"; xác nhận: {confirmation.document}"
            row |= {
                c: v for c, v in (("back_confidence", ""), ("uncertainty_vnd", "0")) if c in row
            }
            touched = True
    if not touched:
        return base
    return replace(base, files={**base.files, table: _write(columns(table), rows)})


def rate_set(tables: Tables) -> RateSet:
    """Return the rates of tables that were checked; the shipped ones as they are cached."""
    if tables.files == shipped().files:
        return shipped_rates()
    return _loaded(tuple(sorted(tables.files.items())))


@lru_cache(maxsize=8)
def _loaded(files: tuple[tuple[str, bytes], ...]) -> RateSet:
    return read_rates(dict(files))


def unconfirmed(tables: Tables) -> list[tuple[str, Row]]:
    """Return (table, row) of every row whose amounts are held until a document confirms it."""
    return [
        (table, row)
        for table in tables.files
        for row in tables.rows(table)
        if row.get("confidence") in UNCONFIRMED or row.get("back_confidence") in UNCONFIRMED
    ]
