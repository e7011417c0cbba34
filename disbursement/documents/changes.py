"""Danh sách tăng, giảm: who came, who left and whose level changed, with reason and decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from disbursement.documents import words
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Cell, Column, Sheet
from disbursement.platform.clock import show_month

TITLE = "Danh sách tăng, giảm"
SHEETS = {
    "came": "Tăng người",
    "left": "Giảm người",
    "amount_up": "Tăng mức",
    "amount_down": "Giảm mức",
}


@dataclass(frozen=True)
class ChangeRow:
    """A change against last month: `kind` is a key of SHEETS, amounts are dong a month.

    `from_month` (yyyymm) is the first month it counts for; `decision_date` may be missing.
    """

    kind: str
    name: str
    birth: str
    last4: str
    reference: str
    from_month: int
    before_vnd: int
    after_vnd: int
    reason: str
    decision_number: str = ""
    decision_date: date | None = None


@dataclass
class _Sum:
    count: int = 0
    before_vnd: int = 0
    after_vnd: int = 0


def changes_xlsx(
    office: Office,
    programme: str,
    month: int,
    rows: Iterable[ChangeRow],
    made_at: str,
    out: BinaryIO,
) -> dict[str, int]:
    """Write the month's changes as a workbook, one sheet a kind, streaming; return the counts.

    Raises ValueError for a kind that SHEETS does not know.
    """
    columns = (
        Column("STT", 6, "whole"), Column("Họ và tên", 30), Column("Năm sinh", 9),
        Column("4 số cuối", 9), Column("Mã tra cứu", 14), Column("Từ tháng", 10),
        Column("Mức kỳ trước (đồng)", 16, "money"), Column("Mức kỳ này (đồng)", 16, "money"),
        Column("Chênh lệch (đồng)", 16, "money"), Column("Lý do", 44, "wrap"),
        Column("Số quyết định", 20), Column("Ngày quyết định", 14),
    )  # fmt: skip
    where = f"{office.committee}, {office.province} (mã {office.code})"
    what = f"{words.programme_words(programme)}, kỳ {show_month(month)}"
    with Book(out, title=TITLE, made_at=made_at) as book:
        tabs = {
            kind: book.sheet(
                name, columns, heading=(f"{TITLE}: {name.lower()}", where, what), landscape=True
            )
            for kind, name in SHEETS.items()
        }
        sums = {kind: _Sum() for kind in SHEETS}
        for row in rows:
            if row.kind not in SHEETS:
                raise ValueError(f"'{row.kind}' is no kind of change: {', '.join(SHEETS)}")
            _write(tabs[row.kind], sums[row.kind], row)
        for kind, tab in tabs.items():
            s = sums[kind]
            blank: tuple[Cell, ...] = (None,) * 3
            amounts = (s.before_vnd, s.after_vnd, s.after_vnd - s.before_vnd)
            tab.row((s.count, "Cộng", None, *blank, *amounts, *blank), total=True)
    return {kind: s.count for kind, s in sums.items()}


def _write(tab: Sheet, s: _Sum, row: ChangeRow) -> None:
    s.count += 1
    s.before_vnd += row.before_vnd
    s.after_vnd += row.after_vnd
    day = words.short_day(row.decision_date) if row.decision_date else ""
    who = (s.count, row.name, row.birth, row.last4, row.reference)
    amounts = (row.before_vnd, row.after_vnd, row.after_vnd - row.before_vnd)
    month = show_month(row.from_month)
    tab.row((*who, month, *amounts, row.reason, row.decision_number, day))
