"""A simulated post office or commune cash desk: for the demo, trials and tests, never in a cell.

It takes roster lists as files (the workbook that is handed to a desk, or CSV), keeps a journal of
its own of what it was told to pay and what it paid (the oracle for "never twice"), and gives result
lists back: by seeded shares, late, in part, wrong or not at all.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import Connection
from xlsxwriter import Workbook

from disbursement.platform import files
from disbursement.platform.errors import RefusedError
from ledger.sql import text

UNCOLLECTED_PER_MILLE = 42
"""Share of orders that nobody collects, in thousandths. Source: PKH, Indonesia, 2019 stage IV:
4.18 % not disbursed at the reconciliation date (kemensos.go.id, 4 December 2019)."""
PROFILES: Mapping[str, int] = {
    "clean": 0, "steady": 9, "first-run": UNCOLLECTED_PER_MILLE, "stress": 126,
}  # fmt: skip
"""Uncollected orders in thousandths. Sources in failure_rates.csv: steady and first-run are stages
III and IV of PKH 2019 (0.93 %, 4.18 %), stress is Bangladesh 2020 (12.57 % never collected)."""
FAULTS: Mapping[str, str] = {
    "doubled": "một lệnh ghi hai lần",
    "amount": "một lệnh ghi sai số tiền",
    "unknown": "có lệnh không ai giao",
    "future": "một ngày nhận ở tương lai",
    "no-proof": "một lệnh không ghi giấy tờ (bảng XLSX: không ghi ngày)",
    "cut": "tệp bị cắt giữa chừng",
    "late": "kết quả chỉ có từ ngày hôm sau",
    "lost": "không bao giờ có kết quả",
}
"""What may go wrong with result lists; all but the last two stand in every list."""
_PROOFS = ("giấy tờ tùy thân", "giấy tờ tùy thân", "chữ ký", "mã một lần")
_HEAD = ("Mã lệnh", "Số tiền", "Ngày nhận", "Giấy tờ")
_MARK = "Mã tệp: "
"""Stands above a list of profile cash-desk-vn-1, which is answered in that profile's form."""
_ABOVE = 20
"""Rows above a list's table that are looked at."""
_TABLES = """
CREATE TABLE IF NOT EXISTS list (sha256 TEXT PRIMARY KEY, stem TEXT NOT NULL, day TEXT NOT NULL,
  message TEXT NOT NULL, answered INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS told (list TEXT NOT NULL, n INTEGER NOT NULL, order_id TEXT NOT NULL,
  amount INTEGER NOT NULL, again INTEGER NOT NULL, PRIMARY KEY (list, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS told_order ON told (order_id);
CREATE TABLE IF NOT EXISTS paid (order_id TEXT PRIMARY KEY, amount INTEGER NOT NULL,
  day TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Told:
    """One order of a list as the desk read it; amount in đồng."""

    order: str
    amount_vnd: int


class PostOffice:
    """A desk with its books in `folder`/post.db; takes lists from `folder`/out, answers to /in.

    The same seed and lists give the same results. `fault` is a key of FAULTS, or "".
    """

    def __init__(
        self, folder: Path, *, seed: int = 1, profile: str = "steady", fault: str = ""
    ) -> None:
        self.folder, self.seed, self.fault = folder, seed, fault
        self.uncollected = PROFILES[profile]
        if fault:
            FAULTS[fault]  # an unknown fault is a KeyError here, not a list that looks right
        (folder / "out").mkdir(parents=True, exist_ok=True)
        (folder / "in").mkdir(exist_ok=True)
        self.db = sqlite3.connect(folder / "post.db", isolation_level=None)
        self.db.executescript(_TABLES)

    def close(self) -> None:
        """Close the desk's books."""
        self.db.close()

    def take_lists(self, day: date) -> int:
        """Read every new list in the drop folder; return how many orders are new.

        A list whose bytes were seen is passed over; an order that another list named before is
        noted as told again. Raises RefusedError for a file that is no roster; none of it is taken.
        """
        taken = 0
        for path in sorted((self.folder / "out").iterdir()):
            if path.suffix.lower() not in (".xlsx", ".csv"):
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if not self.db.execute("SELECT 1 FROM list WHERE sha256 = ?", (digest,)).fetchone():
                taken += self._take(path, digest, day)
        return taken

    def _take(self, path: Path, digest: str, day: date) -> int:
        message, orders = message_of(path), read_list(path)
        self.db.execute("BEGIN")
        self.db.execute(
            "INSERT INTO list (sha256, stem, day, message) VALUES (?, ?, ?, ?)",
            (digest, path.stem, day.isoformat(), message),
        )
        self.db.executemany(
            "INSERT INTO told SELECT ?1, ?2, ?3, ?4, "
            "EXISTS (SELECT 1 FROM told t WHERE t.order_id = ?3)",
            ((digest, n, one.order, one.amount_vnd) for n, one in enumerate(orders)),
        )
        new = self.db.execute(
            "SELECT count(*) FROM told WHERE list = ? AND again = 0", (digest,)
        ).fetchone()[0]
        self.db.execute("COMMIT")
        return int(new)

    def results(self, day: date) -> list[Path]:
        """Pay who comes, and write the result list of each list not answered yet; their paths.

        An order is paid once, in whatever list it stands again.
        """
        out = []
        lists = self.db.execute(
            "SELECT sha256, stem, day, message FROM list WHERE answered = 0 ORDER BY stem, sha256"
        ).fetchall()
        for digest, stem, taken_on, message in lists:
            if self.fault == "lost" or (self.fault == "late" and taken_on >= day.isoformat()):
                continue
            self.db.execute("BEGIN")
            rows = self._pay(digest, day)
            kind = "xlsx" if message else "csv"
            path = self.folder / "in" / f"ket-qua-{stem}-{digest[:6]}.{kind}"
            files.write(path, self._spoilt(rows, day, message))
            self.db.execute("UPDATE list SET answered = 1 WHERE sha256 = ?", (digest,))
            self.db.execute("COMMIT")
            out.append(path)
        return out

    def _pay(self, digest: str, day: date) -> list[tuple[str, str, str, str]]:
        told = self.db.execute(
            "SELECT order_id, amount FROM told WHERE list = ? AND again = 0 ORDER BY n", (digest,)
        ).fetchall()
        rows = [_result(self.seed, order, amount, day, self.uncollected) for order, amount in told]
        self.db.executemany(
            "INSERT INTO paid VALUES (?, ?, ?)",
            ((order, int(amount), day.isoformat()) for order, amount, when, _ in rows if when),
        )
        return rows

    def _spoilt(self, rows: list[tuple[str, str, str, str]], day: date, message: str) -> bytes:
        """Return the list's bytes with this desk's fault put into it."""
        at = next((n for n, row in enumerate(rows) if row[2]), None)
        if at is not None:
            order, amount, when, proof = rows[at]
            if self.fault == "doubled":
                rows.append(rows[at])
            elif self.fault == "amount":
                rows[at] = (order, str(int(amount) + 1_000), when, proof)
            elif self.fault == "unknown":
                rows.append((f"{order[:-2]}ZZ", amount, when, proof))
            elif self.fault == "future":
                rows[at] = (order, amount, f"{day + timedelta(days=30):%d/%m/%Y}", proof)
            elif self.fault == "no-proof":
                rows[at] = (order, amount, "", proof) if message else (order, amount, when, "")
        if message:
            book = _book(message, rows, day)
            return book[: len(book) // 2] if self.fault == "cut" else book
        data = _csv(rows)
        if self.fault == "cut":  # in the middle of the last line; at a line's end none could tell
            return data[: -len(_csv(rows[-1:])) // 4]
        return data

    # --- the oracle -------------------------------------------------------------------------------

    def told(self) -> dict[str, int]:
        """Return how often each order was told, by its id."""
        return dict(self.db.execute("SELECT order_id, count(*) FROM told GROUP BY order_id"))

    def paid(self) -> dict[str, int]:
        """Return what each order was paid, in đồng, by its id."""
        return dict(self.db.execute("SELECT order_id, amount FROM paid"))


def read_list(path: Path) -> list[Told]:
    """Read a roster list (XLSX or CSV) with the columns Mã lệnh and Số tiền. RefusedError."""
    rows = iter(_cells(path))
    for head in rows:
        names = [str(cell).strip() for cell in head]
        if "Mã lệnh" in names and "Số tiền" in names:
            break
    else:
        raise _refused(path, "không có cột Mã lệnh và Số tiền")
    at, much = names.index("Mã lệnh"), names.index("Số tiền")
    out = []
    for n, row in enumerate(rows, 1):
        order = str(row[at]).strip() if at < len(row) else ""
        if not order:
            continue  # the line of totals
        amount = re.fullmatch(r"([1-9][0-9]{0,14})(?:\.0)?", str(row[much]).strip())
        if amount is None:
            raise _refused(path, f"dòng {n} không có số tiền nguyên")
        out.append(Told(order, int(amount[1])))
    if not out:
        raise _refused(path, "không có lệnh nào")
    return out


def message_of(path: Path) -> str:
    """Return the file id that a list of profile cash-desk-vn-1 carries above its table; else ""."""
    for row in islice(_cells(path), _ABOVE):
        for cell in row:
            if str(cell).startswith(_MARK):
                return str(cell).removeprefix(_MARK).strip()
    return ""


def _cells(path: Path) -> Iterable[Sequence[Any]]:
    if path.suffix.lower() == ".csv":
        return csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def _refused(path: Path, why: str) -> RefusedError:
    return RefusedError(
        "post_list", f"Bưu cục giả lập không nhận {path.name}: {why}. Không ghi gì; sửa tệp này."
    )


def simulated_result(
    conn: Connection,
    batch_ids: Sequence[int],
    day: date,
    *,
    seed: int = 1,
    uncollected_per_mille: int = UNCOLLECTED_PER_MILLE,
) -> bytes:
    """Return the result list (CSV, UTF-8) that a desk would write for these cash batches.

    The same seed and orders always give the same list; orders handed over already are left out.
    """
    rows: list[tuple[str, str, str, str]] = []
    for batch_id in batch_ids:
        orders = conn.execute(
            text(
                "SELECT r.end_to_end_id, r.amount_vnd FROM batch_row r WHERE r.batch_id = :b "
                "AND NOT EXISTS (SELECT 1 FROM handover h WHERE h.batch_id = r.batch_id "
                "AND h.n = r.n) ORDER BY r.n"
            ),
            {"b": batch_id},
        )
        rows += [_result(seed, o, int(vnd), day, uncollected_per_mille) for o, vnd in orders]
    return _csv(rows)


def _result(
    seed: int, order: str, amount: int, day: date, uncollected: int
) -> tuple[str, str, str, str]:
    """Return an order's line: order, amount, day and proof; the last two empty if not collected."""
    share = _share(f"{seed}:desk:{order}")
    if share < uncollected:
        return order, str(amount), "", ""
    return order, str(amount), f"{day:%d/%m/%Y}", _PROOFS[share % len(_PROOFS)]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows(rows)
    return out.getvalue().encode()


def _book(message: str, rows: Iterable[tuple[str, str, str, str]], day: date) -> bytes:
    """Return a result list in the form of profile cash-desk-vn-1 (XLSX).

    A row with a proof or a day was handed over; one with neither was not collected yet.
    """
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as made:
        made.set_properties({"created": datetime.combine(day, datetime.min.time())})
        tab = made.add_worksheet()
        tab.write_string(0, 0, f"{_MARK}{message}")
        for x, name in enumerate(("Mã lệnh", "Số tiền", "Kết quả", "Ngày nhận", "Giấy tờ")):
            tab.write_string(1, x, name)
        for y, (order, amount, when, proof) in enumerate(rows, 2):
            tab.write_string(y, 0, order)
            tab.write_number(y, 1, int(amount))
            tab.write_string(y, 2, "Đã nhận" if when or proof else "Chưa nhận")
            tab.write_string(y, 3, when)
            tab.write_string(y, 4, proof)
    return out.getvalue()


def _share(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 1_000
