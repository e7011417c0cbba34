"""A simulated bank that is sent tables, reads them by its own template and answers in lists.

Reading is written a second time here, from the template's columns alone, so that it cannot be wrong
in the same way as what rendered them. The books (what was told, what was paid) are its own.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from python_calamine import CalamineWorkbook

from bank_adapters.sheets.profile import SheetProfile


@dataclass(frozen=True, slots=True)
class TableOrder:
    """One payment as the bank read it; amount in đồng."""

    id: str
    amount: int
    account: str


@dataclass
class TableBank:
    """Takes tables from `folder`/out, pays, and answers in `folder`/in where its profile can.

    `refuse` gives the bank's own word for an account that it refuses; of `silent` accounts it says
    nothing, paid or not.
    """

    folder: Path
    profile: SheetProfile
    refuse: Mapping[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    seen: dict[str, list[TableOrder]] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    """How often each order was told, by its id."""
    paid: dict[str, int] = field(default_factory=dict)
    """What each order was paid, in đồng."""

    def take(self) -> None:
        """Read every new table and pay it; an order is paid once, in whatever table it stands."""
        for path in sorted((self.folder / "out").iterdir()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if path.name.startswith(".") or digest in self.seen:
                continue
            self.seen[digest] = self._orders(path)
            for order in self.seen[digest]:
                self.told[order.id] = self.told.get(order.id, 0) + 1
                if order.account not in self.refuse:
                    self.paid.setdefault(order.id, order.amount)

    def answers(self, message: str, day: date) -> list[Path]:
        """Write one result list per table, in the form of the profile; none where it has none."""
        if self.profile.result is None:
            return []
        out = []
        for digest, orders in self.seen.items():
            path = self.folder / "in" / f"ket-qua-{digest[:8]}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._result(message, orders, day))
            out.append(path)
        return out

    def _result(self, message: str, orders: Iterable[TableOrder], day: date) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([f"Mã tệp: {message}"])
        writer.writerow(["Mã giao dịch", "Số tiền", "Trạng thái", "Lý do", "Ngày ghi có"])
        for order in orders:
            word = self.refuse.get(order.account)
            if order.account in self.silent:
                cells = ["", "", ""]
            elif word is None:
                cells = ["Đã ghi có", "", f"{day:%d/%m/%Y}"]
            else:
                cells = ["Từ chối", word, ""]
            writer.writerow([order.id, order.amount, *cells])
        return out.getvalue().encode("utf-8-sig")

    # --- reading --------------------------------------------------------------------------------

    def _orders(self, path: Path) -> list[TableOrder]:
        values = [column.value for column in self.profile.columns]
        out = []
        for cells in self._rows(path):
            found = dict(zip(values, cells, strict=False))
            name = next(v for v in ("end_to_end_id", "reference", "text") if v in found)
            out.append(
                TableOrder(
                    found[name].split()[0], int(found["amount"]), found.get("account", "").strip()
                )
            )
        return out

    def _rows(self, path: Path) -> Iterable[Sequence[str]]:
        """Return the rows of payments: those that carry a number in the table's first columns."""
        if self.profile.form == "fixed":
            lines = path.read_text(self.profile.encoding).splitlines()
            return [self._cut(line) for line in lines if line.startswith("D")]
        if self.profile.form == "csv":
            text = path.read_text(self.profile.encoding)
            rows: list[list[str]] = list(csv.reader(io.StringIO(text)))
        else:
            sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
            rows = [[_plain(cell) for cell in row] for row in sheet.to_python()]
        heads = [column.header for column in self.profile.columns]
        first = next(n for n, row in enumerate(rows) if row[: len(heads)] == heads) + 1
        return [row for row in rows[first:] if row and row[0].isdigit()]

    def _cut(self, line: str) -> list[str]:
        out, at = [], 0
        for column in self.profile.columns:
            out.append(line[at : at + column.length].strip())
            at += column.length
        return out


def _plain(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
