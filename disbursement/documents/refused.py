"""The rows an import refused, back as they came, each with its reasons.

The officer's own cells stand first, under the file's own headers and in its order, so the file
can be mended and imported again as it is: the register's reader passes over the last column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from disbursement.documents.xlsx import Book, Column

REASON_COLUMN = "Lý do không nhận"
TITLE = "Các dòng không nhận"


@dataclass(frozen=True)
class RefusedRow:
    """A refused row: its number in the file, its cells as text, one sentence per fault."""

    row: int
    cells: Sequence[str]
    reasons: Sequence[str]


def refused_xlsx(
    headers: Sequence[str], rows: Iterable[RefusedRow], made_at: str, out: BinaryIO
) -> int:
    """Write refused rows as a workbook, streaming; return how many there are.

    The header is the first line, as importing needs it; a reason column of an earlier round is
    replaced. Short rows are filled up with empty cells. Raises ValueError where a row has more
    cells than there are headers.
    """
    kept = [n for n, header in enumerate(headers) if _key(header) != _key(REASON_COLUMN)]
    columns = [Column(headers[n], min(max(len(headers[n]) + 2, 14), 40)) for n in kept]
    columns.append(Column(REASON_COLUMN, 80, "wrap"))
    with Book(out, title=TITLE, made_at=made_at) as book:
        tab = book.sheet(TITLE, columns, landscape=True)
        for row in rows:
            if len(row.cells) > len(headers):
                raise ValueError(f"row {row.row}: {len(row.cells)} cells, {len(headers)} headers")
            cells = [row.cells[n] if n < len(row.cells) else "" for n in kept]
            reasons = "\n".join((f"Dòng {row.row} của tệp gốc:", *row.reasons))
            tab.row((*cells, reasons))
        return tab.rows


def _key(header: str) -> str:
    return " ".join(header.casefold().split())
