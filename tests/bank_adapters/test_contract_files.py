"""The contract suite over the rails that are sent files: ISO 20022, every table, the cash desk."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

from bank_adapters.conformance.filed import FarSide, FiledSuite
from bank_adapters.conformance.orders import DAY
from bank_adapters.contract import BatchHeader, PaymentRow
from bank_adapters.sheets.profile import load_sheet, sheet_ids
from bank_adapters.simulators.bank import Holder, SimulatedBank
from bank_adapters.simulators.tables import TableBank
from disbursement.fallback.simulator import PostOffice

LATER = date(2026, 11, 6)


class Bank:
    """The simulated bank of ISO 20022 files, as the suite sees it."""

    def __init__(self, folder: Path, refuse: str) -> None:
        self.folder = folder
        truth = {refuse: Holder("X", closed=True)} if refuse else {}
        self.bank = SimulatedBank(folder, profile="clean", truth=truth)

    def take(self) -> None:
        self.bank.take_orders(DAY)
        self.bank.settle()

    def answers(self) -> list[Path]:
        self.bank.statements(DAY)
        return sorted((self.folder / "in").iterdir())

    def told(self) -> dict[str, int]:
        rows = self.bank.db.execute("SELECT end_to_end, count(*) FROM told GROUP BY end_to_end")
        return dict(rows.fetchall())

    def paid(self) -> dict[str, int]:
        rows = self.bank.db.execute(
            "SELECT end_to_end, sum(amount) FROM told WHERE paid = 1 GROUP BY end_to_end"
        )
        return dict(rows.fetchall())


class TestIso20022(FiledSuite):
    adapter_name = "iso20022"
    profile_id = "iso-vn-1"
    refused_code = "AC04"

    def far(self, folder: Path, *, refuse: str = "") -> FarSide:
        return Bank(folder, refuse)


class Table:
    """The simulated bank of tables, as the suite sees it."""

    def __init__(self, folder: Path, profile_id: str, refuse: str) -> None:
        self.folder = folder
        words = {refuse: "Tài khoản đã đóng"} if refuse else {}
        self.bank = TableBank(folder, load_sheet(profile_id), words)

    def take(self) -> None:
        self.bank.take()

    def answers(self) -> list[Path]:
        return self.bank.answers("DS25B1", LATER)

    def told(self) -> dict[str, int]:
        return self.bank.told

    def paid(self) -> dict[str, int]:
        return self.bank.paid


class Tables(FiledSuite):
    adapter_name = "sheet"

    def far(self, folder: Path, *, refuse: str = "") -> FarSide:
        return Table(folder, self.profile_id, refuse)

    def rows(self, count: int = 1) -> list[PaymentRow]:
        return [
            dataclasses.replace(r, text=f"{r.end_to_end_id} CHI TRA THANG 11 2026")
            for r in super().rows(count)
        ]


class TestCsv(Tables):
    profile_id = "csv-vn-1"
    refused_code = "AC04"
    cut_is_refused = False

    def test_of_whom_the_list_says_nothing_nothing_is_known(self, tmp_path: Path) -> None:
        rows = self.rows(3)
        far = Table(tmp_path / "far", self.profile_id, "")
        far.bank.silent = frozenset({rows[0].account})
        (far.folder / "out").mkdir(parents=True)
        (far.folder / "out" / "a.csv").write_bytes(self.written(rows))
        far.take()
        said = self.said(self.parsed(far))
        assert {one for one, _, _ in said} == {r.end_to_end_id for r in rows[1:]}


class TestFixed(Tables):
    profile_id = "fixed-vn-1"


class TestMbOld(Tables):
    profile_id = "mb-bulk-old"


class TestMb2026(Tables):
    profile_id = "mb-bulk-2026"


class TestPaymentOrder(Tables):
    profile_id = "unc-vn-1"


class TestTreasury(Tables):
    """Mẫu 09 of TT 17/2024: detail = total = order."""

    profile_id = "mau-09-tt17"
    carries_text = False  # the reference stands in its column of notes

    def head(self, rows: list[PaymentRow], **changes: Any) -> BatchHeader:
        made = super().head(rows, **changes)
        about = (
            ("unit_code", "1054321"), ("treasury", "KBNN Khu vực V"), ("order_no", "12"),
            ("order_date", "05/11/2026"), ("order_total", str(made.total_vnd)),
        )  # fmt: skip
        return dataclasses.replace(made, about=about)


class Post:
    """The simulated post office, as the suite sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.office = PostOffice(folder, profile="clean")
        self.written: list[Path] = []

    def take(self) -> None:
        self.office.take_lists(DAY)
        self.written += self.office.results(LATER)

    def answers(self) -> list[Path]:
        return self.written

    def told(self) -> dict[str, int]:
        return self.office.told()

    def paid(self) -> dict[str, int]:
        return self.office.paid()


class TestCashDesk(FiledSuite):
    adapter_name = "post"
    profile_id = "cash-desk-vn-1"
    carries_text = False

    def far(self, folder: Path, *, refuse: str = "") -> FarSide:
        return Post(folder)

    def rows(self, count: int = 1) -> list[PaymentRow]:
        return [
            dataclasses.replace(r, bank_code="", account="", about=(("birth", "1948"),))
            for r in super().rows(count)
        ]


def test_every_table_of_ours_stands_under_the_suite() -> None:
    suites = [*Tables.__subclasses__(), TestCashDesk]
    assert {s.profile_id for s in suites} == set(sheet_ids())
