"""The rows an import refused, back as they came, each with its reasons.

The officer's own cells stand first, under the file's own headers and in its order, so the file
can be mended and imported again as it is: the reader passes over the two columns at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from disbursement.documents.xlsx import Book, Column

ROW_COLUMN = "Dòng trong tệp gốc"
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

    The header is the first line, as importing needs it. Raises ValueError where a row has more
    cells than there are headers.
    """
    columns = [Column(header, min(max(len(header) + 2, 14), 40)) for header in headers]
    columns += [Column(ROW_COLUMN, 12, "whole"), Column(REASON_COLUMN, 80, "wrap")]
    with Book(out, title=TITLE, made_at=made_at) as book:
        tab = book.sheet(TITLE, columns, landscape=True)
        for row in rows:
            missing = [""] * (len(headers) - len(row.cells))
            tab.row((*row.cells, *missing, row.row, "\n".join(row.reasons)))
        return tab.rows
