"""Profiles of tables: a bank's template, described. Dated, versioned, with its source.

One YAML file per version in `profiles/` (shelf.py says how versions stand side by side); every
field must be there and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from bank_adapters.profiles import Books, Confidence
from bank_adapters.profiles.elsewhere import all_ids, home_of
from bank_adapters.profiles.shelf import choose, ids_in, in_force, versions_of
from bank_adapters.profiles.values import (
    a_day,
    a_day_or_none,
    a_text,
    bad,
    clock,
    file_pattern,
    one_of,
    positive,
    yes_no,
)
from bank_adapters.sheets.bank_names import names
from bank_adapters.sheets.characters import CharacterRule, read_rule
from bank_adapters.sheets.layout import (
    ORDER_WORDS,
    Column,
    Form,
    Line,
    Value,
    read_column,
    read_line,
)
from bank_adapters.sheets.result_profile import ResultProfile, read_result

Encoding = Literal["utf-8", "utf-8-sig", "ascii"]
Banks = Literal["any", "own", "other"]
Rail = Literal["bank", "treasury", "cash"]


@dataclass(frozen=True, slots=True)
class NameSheet:
    """A further sheet of the workbook with the names of a list (see bank_names.csv)."""

    title: str
    list: str


@dataclass(frozen=True, slots=True)
class SheetProfile:
    """One template. Lengths in characters, sizes in bytes, amounts in đồng, waits in days."""

    id: str
    version: int
    title: str
    valid_from: date
    valid_to: date | None
    adapter: str
    """Name of the adapter in the registry: sheet or post."""
    rail: Rail
    form: Form
    sheet_name: str
    """Name of the sheet in a workbook; '' in other forms."""
    encoding: Encoding
    delimiter: str
    """Between the cells of a CSV; '' in other forms."""
    line_end: str
    above: tuple[Line, ...]
    header: bool
    """Whether the columns' headers stand in a line of their own above the rows."""
    columns: tuple[Column, ...]
    below: tuple[Line, ...]
    name_sheets: tuple[NameSheet, ...]
    bank_list: str
    """List of bank names (bank_names.csv) for columns with bank_name; '' where there is none."""
    banks: Banks
    """any; own: only accounts at `own_bank`; other: only accounts elsewhere."""
    own_bank: str
    """BIC of the bank that takes the file; '' where it does not matter."""
    currency: str
    min_payments_per_file: int
    fewer_by: str
    """Profile by which fewer payments than the least leave; '' where the least is 1."""
    max_payments_per_file: int
    max_bytes_per_file: int
    min_amount_vnd: int
    max_amount_vnd: int
    names: CharacterRule
    texts: CharacterRule
    order: bool
    """Whether the table belongs to a payment order whose sum must be the table's."""
    file_name_pattern: str
    result: ResultProfile | None
    unlisted_means_accepted: bool
    statement_books: Books
    cut_off: time
    answer_wait_days: int
    return_window_days: int
    confidence: Confidence
    source: str

    @property
    def key(self) -> str:
        """Id and version as they are frozen into a batch, e.g. `mb-bulk-old/1`."""
        return f"{self.id}/{self.version}"

    def in_force(self, day: date) -> bool:
        """Whether a batch of this day may be rendered with this version."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def file_name(self, message_id: str, lot: int = 1) -> str:
        """Name of the outgoing file, fixed by the batch alone."""
        return self.file_name_pattern.format(message_id=message_id, lot=lot)

    def length(self, value: Value) -> int:
        """Return the most characters that a value may have, 0 where no column holds it."""
        return min((c.length for c in self.columns if c.value == value), default=0)

    def has(self, value: Value) -> bool:
        """Tell whether a column holds this value."""
        return any(c.value == value for c in self.columns)


def sheet_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of all profiles present: of a folder, or of every installed package."""
    return all_ids("tables", _here()) if folder is None else ids_in(folder)


@lru_cache(maxsize=1)
def _own_ids() -> frozenset[str]:
    return frozenset(sheet_ids())


def is_sheet(profile_id: str) -> bool:
    """Tell whether a profile (its id) describes a table."""
    return profile_id in _own_ids()


@lru_cache(maxsize=64)
def load_sheet(name: str, folder: Path | None = None) -> SheetProfile:
    """Read a profile by id (its newest version) or key. Raises ProfileError."""
    profile_id = name.partition("/")[0]
    where = folder or home_of("tables", _here(), profile_id)
    return choose(sheet_versions(profile_id, where), name, where)


@lru_cache(maxsize=64)
def sheet_versions(profile_id: str, folder: Path | None = None) -> tuple[SheetProfile, ...]:
    """Return every version of a profile, oldest first. Raises ProfileError."""
    where = folder or home_of("tables", _here(), profile_id)
    return versions_of(where, profile_id, from_mapping)


def sheet_on(profile_id: str, day: date, folder: Path | None = None) -> SheetProfile:
    """Return the version of a profile that is in force on a day. Raises ProfileError."""
    return in_force(sheet_versions(profile_id, folder), day)


def from_mapping(data: Mapping[str, Any], where: str) -> SheetProfile:
    """Build a profile from plain data; every field must be there, and no other. ProfileError."""
    known = [field.name for field in fields(SheetProfile)]
    for unknown in sorted(set(data) - set(known), key=str):
        raise bad(where, str(unknown), "không có tham số này")
    values: dict[str, Any] = {}
    for name in known:
        if name not in data:
            raise bad(where, name, "còn thiếu")
        try:
            values[name] = _READ[name](data[name])
        except (TypeError, ValueError) as error:
            raise bad(where, name, str(error)) from None
    profile = SheetProfile(**values)
    for name, good, why in _together(profile):
        if not good:
            raise bad(where, name, why)
    return profile


def _here() -> Path:
    return Path(__file__).parent / "profiles"


def _lines(value: Any) -> tuple[Line, ...]:
    if not isinstance(value, list):
        raise TypeError("phải là danh sách dòng, có thể trống []")
    return tuple(read_line(line) for line in value)


def _columns(value: Any) -> tuple[Column, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError("phải là danh sách cột, ít nhất một")
    return tuple(read_column(column) for column in value)


def _sheets(value: Any) -> tuple[NameSheet, ...]:
    if not isinstance(value, list):
        raise TypeError("phải là danh sách, có thể trống []")
    for one in value:
        if not isinstance(one, dict) or set(one) != {"title", "list"}:
            raise ValueError("mỗi mục gồm đúng title và list")
        if not names(a_text(one["list"])):
            raise ValueError(f"không có danh sách tên {one['list']}")
    return tuple(NameSheet(a_text(one["title"]), one["list"]) for one in value)


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError('phải là chữ, trống thì ghi ""')
    return value


def _rule(value: Any) -> CharacterRule:
    return read_rule(value)


def _result(value: Any) -> ResultProfile | None:
    return None if value is None else read_result(value)


_READ: dict[str, Callable[[Any], Any]] = {
    "id": a_text,
    "version": positive,
    "title": a_text,
    "valid_from": a_day,
    "valid_to": a_day_or_none,
    "adapter": one_of("sheet", "post"),
    "rail": one_of(*get_args(Rail)),
    "form": one_of(*get_args(Form)),
    "sheet_name": _words,
    "encoding": one_of(*get_args(Encoding)),
    "delimiter": _words,
    "line_end": one_of("crlf", "lf"),
    "above": _lines,
    "header": yes_no,
    "columns": _columns,
    "below": _lines,
    "name_sheets": _sheets,
    "bank_list": _words,
    "banks": one_of(*get_args(Banks)),
    "own_bank": _words,
    "currency": one_of("VND"),
    "min_payments_per_file": positive,
    "fewer_by": _words,
    "max_payments_per_file": positive,
    "max_bytes_per_file": positive,
    "min_amount_vnd": positive,
    "max_amount_vnd": positive,
    "names": _rule,
    "texts": _rule,
    "order": yes_no,
    "file_name_pattern": file_pattern,
    "result": _result,
    "unlisted_means_accepted": yes_no,
    "statement_books": one_of(*get_args(Books)),
    "cut_off": clock,
    "answer_wait_days": positive,
    "return_window_days": positive,
    "confidence": one_of(*get_args(Confidence)),
    "source": a_text,
}


def _together(p: SheetProfile) -> tuple[tuple[str, bool, str], ...]:
    """Return what no field can know alone: field, whether it holds, why it must."""
    words = {w for line in (*p.above, *p.below) for cell in line for w in cell.words}
    return (
        ("valid_to", p.valid_to is None or p.valid_to >= p.valid_from, "trước valid_from"),
        (
            "min_payments_per_file",
            p.min_payments_per_file <= p.max_payments_per_file,
            "lớn hơn max_payments_per_file",
        ),
        (
            "fewer_by",
            bool(p.fewer_by) == (p.min_payments_per_file > 1),
            "đi với mẫu cần từ hai khoản, để một khoản lẻ vẫn chi được",
        ),
        ("min_amount_vnd", p.min_amount_vnd <= p.max_amount_vnd, "lớn hơn max_amount_vnd"),
        ("sheet_name", bool(p.sheet_name) == (p.form == "xlsx"), "đi với form: xlsx"),
        ("delimiter", (len(p.delimiter) == 1) == (p.form == "csv"), "một ký tự, với form: csv"),
        ("name_sheets", not p.name_sheets or p.form == "xlsx", "chỉ có trong xlsx"),
        ("columns", p.has("amount"), "thiếu cột amount"),
        (
            "columns",
            p.has("end_to_end_id") or p.has("reference") or p.has("text"),
            "thiếu cột mang mã khoản chi: end_to_end_id, reference hoặc text",
        ),
        ("columns", p.form != "fixed" or not p.header, "tệp độ dài cố định không có dòng tiêu đề"),
        ("bank_list", p.has("bank_name") == bool(p.bank_list), "đi với cột bank_name"),
        ("bank_list", not p.bank_list or bool(names(p.bank_list)), "không có danh sách này"),
        ("own_bank", p.banks == "any" or bool(p.own_bank), "cần cho banks: own hoặc other"),
        ("order", p.order == bool(words & set(ORDER_WORDS)), "đi với các chữ của lệnh chi"),
        (
            "adapter",
            (p.adapter == "post") == (p.rail == "cash"),
            "post đi với rail: cash, và chỉ với nó",
        ),
    )
