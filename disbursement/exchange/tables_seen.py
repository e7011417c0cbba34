"""Which of an office's tables a file is, by its headers, and what it says in all.

The file is opened as its own command would open it, so what is refused there (a password, two
sheets, a formula, a strange column) is refused here with the same sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.columns import Column, ColumnSet, Header, plain, read_header
from disbursement.beneficiaries.national.profiles import profile
from disbursement.beneficiaries.reader import Encoding, open_table
from disbursement.beneficiaries.staging import cell_words
from disbursement.fallback.desk_file import RESULTS
from disbursement.platform.errors import RefusedError
from disbursement.runs import close
from ledger.money import MoneyError, parse_vnd

REPORT = ColumnSet(
    "báo cáo của đơn vị cung ứng",
    tuple(Column(name, name, required=True) for name in close.COLUMNS),
)
TABLES: dict[str, ColumnSet] = {
    "register": columns.REGISTER,
    "opening": columns.OPENING,
    "deaths": profile("deaths").column_set,
    "contracts": columns.CONTRACTS,
    "budget": columns.BUDGET,
    "cash_result": RESULTS,
    "provider_report": REPORT,
}
_AMOUNTS = {
    "budget": ("amount",),
    "cash_result": ("amount",),
    "provider_report": ("paid_transfer_vnd", "paid_cash_vnd"),
}
"""Columns whose sum is the file's total; a register carries no amounts."""
_WHOSE = {"register": "commune"}
ANY = ColumnSet(
    "bảng tính",
    tuple(
        {c.header: Column(c.header, c.header, aliases=c.aliases)
         for table in TABLES.values() for c in table.columns}.values()
    ),
    paid_months=True,
)  # fmt: skip
"""Every column of every table, none required: opens a file before it is known which it is."""


@dataclass(frozen=True)
class TableSeen:
    """What a table is and says: payers are commune codes; `total_vnd` None where it has no amounts.

    `months`: the months of paid columns (an opening file).
    """

    kind: str
    rows: int
    total_vnd: int | None
    payers: tuple[str, ...]
    months: tuple[int, ...]


def look(path: Path, encoding: Encoding = "utf-8") -> TableSeen:
    """Read a table whole, in bounded memory. Raises RefusedError or NotFoundError, one sentence."""
    with open_table(path, ANY, encoding=encoding) as source:
        kind, header = _which(path, source.header)
        at = [header.index[f] for f in _AMOUNTS.get(kind, ()) if f in header.index]
        where = header.index.get(_WHOSE.get(kind, "payer"))
        paid = sorted(header.paid) if kind in ("opening", "register") else []
        at += [header.paid[m] for m in paid]
        rows, total, payers = 0, 0, set()
        for chunk in source.chunks:
            for n, cells in chunk.rows():
                rows += 1
                total += sum(_amounts(path, n, header, cells, at))
                if where is not None and where < len(cells):
                    payers.add(cell_words(cells[where]).strip())
    return TableSeen(kind, rows, total if at else None, tuple(sorted(payers - {""})), tuple(paid))


def _which(path: Path, found: Header) -> tuple[str, Header]:
    """Name the table whose columns these are; where none fits whole, say what the nearest lacks."""
    names = {plain(name) for name in found.names} - {"", *columns.IGNORED}

    def known(table: ColumnSet) -> int:
        words = {plain(w) for c in table.columns for w in (c.header, *c.aliases)}
        return len(names & words) + (len(found.paid) if table.paid_months else 0)

    # A register may carry paid months too: on equal terms the table with fewer columns is meant.
    best = max(TABLES, key=lambda kind: (known(TABLES[kind]), -len(TABLES[kind].columns)))
    if not known(TABLES[best]):
        raise RefusedError(
            "unknown_file",
            f"Không nhận ra {path.name}: tiêu đề không thuộc bảng nào trong "
            "docs/register-format.md.",
        )
    header = read_header(
        TABLES[best], found.names, row=found.row, first_column=found.first_column,
        spreadsheet=found.cells,
    )  # fmt: skip
    return best, header


def _amounts(path: Path, n: int, header: Header, cells: list[Any], at: list[int]) -> Iterator[int]:
    for column in at:
        said = cell_words(cells[column]).strip() if column < len(cells) else ""
        if not said:
            continue
        try:
            yield parse_vnd(said)
        except MoneyError as error:
            raise RefusedError(
                "amount",
                f"{path.name}, dòng {n}, cột {header.names[column]}: không phải số đồng nguyên; "
                "sửa ô này.",
            ) from error
