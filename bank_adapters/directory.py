"""Dated changes of the bank directory: read from a file, laid over it, compared. Pure.

A file of changes has the columns of data/banks.csv (docs/accounts.md); each row names its source.
A row replaces the provider of the same short name from `valid_from` on; the entry before it ends
on the day before. Where `valid_from` is empty the row stands for the whole time.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bank_adapters.banks import Bank, Directory, entry
from bank_adapters.codes import read_data
from bank_adapters.contract import AdapterError

COLUMNS = (
    "kind", "name_vi", "short_name", "vietqr_code", "bic", "napas_bin", "sbv_bank_code_3",
    "citad_codes", "vietqr_status", "account_lookup", "now", "valid_from", "valid_to",
    "confidence", "note", "source",
)  # fmt: skip
NEEDED = ("kind", "name_vi", "short_name", "confidence", "source")
SHAPES = {
    "bic": (r"[A-Z]{4}VN[A-Z0-9]{2}([A-Z0-9]{3})?", "8 hoặc 11 ký tự, nước VN"),
    "napas_bin": (r"[0-9]{6}", "6 chữ số"),
    "sbv_bank_code_3": (r"[0-9]{3}", "3 chữ số"),
    "citad_codes": (r"[0-9]{8}(;[0-9]{8})*", "mã 8 chữ số, cách nhau bằng dấu chấm phẩy"),
    "confidence": (r"high|medium|low", "high, medium hoặc low"),
    "account_lookup": (r"yes|no", "yes hoặc no"),
}
SHOWN = (
    "kind", "name_vi", "vietqr_code", "bic", "napas_bin", "sbv_code", "citad_codes", "now",
    "valid_from", "valid_to", "confidence", "note", "source",
)  # fmt: skip
MAX_ROWS = 5_000
MAX_BYTES = 5_000_000
MAX_CELL = 500


class DirectoryRefused(AdapterError):  # noqa: N818 - sibling of BankRefused
    """A file of changes that cannot be taken; nothing of it is."""

    action = "fix"


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What a file does to a provider: `what` new, changed or same; column -> (old, new)."""

    short_name: str
    what: str
    cells: Mapping[str, tuple[str, str]]


def read_changes(name: str, content: bytes, origin: str) -> tuple[Bank, ...]:
    """Read a CSV of changes (UTF-8, columns as in COLUMNS; those with no value may be left out).

    Raises DirectoryRefused naming file, row and column.
    """
    if len(content) > MAX_BYTES:
        raise _bad(name, f"lớn hơn {MAX_BYTES} byte; chia nhỏ tệp")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(name, f"byte {error.start} không phải UTF-8; lưu lại bằng UTF-8") from None
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        header = reader.fieldnames or []
        rows = list(reader)
    except csv.Error:
        raise _bad(name, "không đọc được như CSV; kiểm tra dấu phẩy và dấu nháy") from None
    _check_header(name, header)
    if not rows or len(rows) > MAX_ROWS:
        raise _bad(name, f"phải có từ 1 đến {MAX_ROWS} dòng")
    found = tuple(_row(name, n, row, origin) for n, row in enumerate(rows, 2))
    _check_overlap(name, found)
    return found


def _check_header(name: str, header: Iterable[str]) -> None:
    given = list(header)
    unknown = [c for c in given if c not in COLUMNS]
    missing = [c for c in NEEDED if c not in given]
    if unknown or missing or len(set(given)) != len(given):
        what = unknown[0] if unknown else missing[0] if missing else "lặp"
        raise _bad(name, f"cột '{what[:30]}' không đúng: dùng các cột {', '.join(COLUMNS)}")


def _row(name: str, n: int, row: Mapping[str, str | None], origin: str) -> Bank:
    if None in row or any(v is None for v in row.values()):
        raise _bad(f"{name}, dòng {n}", "số ô khác số cột; kiểm tra dấu phẩy")
    cells = {c: " ".join((row.get(c) or "").split()) for c in COLUMNS}
    for column, value in cells.items():
        if not value and column in NEEDED:
            raise _bad(f"{name}, dòng {n}, cột {column}", "để trống; điền giá trị và nguồn")
        if len(value) > MAX_CELL:
            raise _bad(f"{name}, dòng {n}, cột {column}", f"dài hơn {MAX_CELL} ký tự")
        shape = SHAPES.get(column)
        if value and shape and not re.fullmatch(shape[0], value):
            raise _bad(f"{name}, dòng {n}, cột {column}", f"'{value[:30]}' phải là {shape[1]}")
    try:
        made = entry(cells, origin)
    except ValueError as error:
        raise _bad(f"{name}, dòng {n}", str(error)) from None
    if made.valid_from and made.valid_to and made.valid_to < made.valid_from:
        raise _bad(f"{name}, dòng {n}, cột valid_to", "trước valid_from")
    if not made.key:
        raise _bad(f"{name}, dòng {n}, cột short_name", "phải có chữ cái hoặc chữ số")
    return made


def _check_overlap(name: str, rows: Iterable[Bank]) -> None:
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for row in rows:
        first, last = row.valid_from or date.min, row.valid_to or date.max
        if any(first <= b and a <= last for a, b in spans[row.key]):
            raise _bad(name, f"{row.short_name}: hai dòng có thời gian chồng nhau")
        spans[row.key].append((first, last))


def lay_over(base: Directory, rows: Iterable[Bank]) -> Directory:
    """Return the directory with dated rows laid over it; all its entries, of every time."""
    entries = list(base.entries)
    for row in rows:
        kept: list[Bank] = []
        for old in entries:
            kept += _around(old, row) if old.key == row.key else [old]
        entries = [*kept, row]
    return Directory(tuple(entries), base.claims)


def _around(old: Bank, new: Bank) -> list[Bank]:
    """Return what is left of an entry before and after one that takes its place."""
    left = []
    if new.valid_from is not None and (old.valid_from or date.min) < new.valid_from:
        last = new.valid_from - timedelta(days=1)
        left.append(replace(old, valid_to=min(old.valid_to or date.max, last)))
    if new.valid_to is not None and (old.valid_to or date.max) > new.valid_to:
        first = new.valid_to + timedelta(days=1)
        left.append(replace(old, valid_from=max(old.valid_from or date.min, first)))
    return left


def on_day(directory: Directory, day: date) -> Directory:
    """Return the entries that hold on a day."""
    return Directory(tuple(b for b in directory.entries if b.in_force(day)), directory.claims)


def check(directory: Directory, day: date) -> None:
    """Check the entries of a day against each other.

    Raises DirectoryRefused where two that were both settled hold one code: one of them is wrong.
    """
    settled = [b for b in directory.entries if b.origin and b.confidence == "high"]
    seen: dict[tuple[str, str], Bank] = {}
    for bank in settled:
        if bank.now or not bank.in_force(day):
            continue
        for column in ("bic", "napas_bin"):
            value = getattr(bank, column)
            other = seen.setdefault((column, value), bank)
            if value and other is not bank:
                raise DirectoryRefused(
                    "directory_twice",
                    f"Mã {value} được ghi cho cả {other.short_name} và {bank.short_name}; "
                    "một mã chỉ của một đơn vị, kiểm tra lại văn bản.",
                    en=f"{value} is given to {other.short_name} and {bank.short_name}",
                )


def compare(before: Directory, after: Iterable[Bank]) -> tuple[EntryChange, ...]:
    """Say what rows change against the entries that hold now."""
    known = {b.key: b for b in before.entries}
    found = []
    for row in after:
        old = known.get(row.key)
        cells = {
            c: (_shown(old, c) if old else "", _shown(row, c))
            for c in SHOWN
            if (_shown(old, c) if old else "") != _shown(row, c)
        }
        what = "new" if old is None else "changed" if cells else "same"
        found.append(EntryChange(row.short_name, what, cells))
    return tuple(found)


def profile_names(bank: Bank) -> dict[str, str]:
    """Return what the lists of banks' own templates call a provider: list -> name."""
    return {
        row["list"]: row["name"]
        for row in read_data("bank_names.csv")
        if bank.napas_bin and row["napas_bin"] == bank.napas_bin
    }


def _shown(bank: Bank, column: str) -> str:
    value = getattr(bank, column)
    return "" if value is None else str(value)


def _bad(where: str, what: str) -> DirectoryRefused:
    return DirectoryRefused("directory_data", f"{where}: {what}.", en=f"{where}: cannot be taken")
