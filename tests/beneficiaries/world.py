"""An empty cell with three payers of Phú Thọ, and files written cell by cell."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import text
from xlsxwriter import Workbook

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.payers import create_payers
from disbursement.platform.clock import SetClock, stamp
from disbursement.platform.context import Context, open_context
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from disbursement.programmes.communes import communes_of

COMMUNES = tuple(c.code for c in communes_of("25")[:3])
TODAY = date(2026, 9, 20)


def new_context(home: Path, url: str | None, *, day: date = TODAY) -> Context:
    values: dict[str, Any] = {"home": home, "cell": "25", "env": "test"}
    if url is not None:
        values["DATABASE_URL"] = url
    ctx = open_context(Settings(**values), clock=SetClock(day))
    create_cell(ctx.database, "25", "Phú Thọ", stamp(ctx.clock))
    create_payers(ctx, "25", 202610, codes=COMMUNES)
    return ctx


# A severely disabled man born 5 March 1980: 1.5 x 500,000 = 750,000 a month until the rise.
GOOD: Mapping[str, Any] = {
    "identity": "025080000001",
    "name": "Nguyễn Văn Mẫu",
    "birth": "05/03/1980",
    "sex": "Nam",
    "commune": COMMUNES[0],
    "programme": "TGXH",
    "clause": "K6",
    "degree": "Nặng",
    "certificate_date": "10/01/2023",
    "decision_number": "12/QĐ-UBND",
    "decision_date": "20/01/2023",
    "decision_signer": "Trần Thị Thử",
    "start_month": "01/2023",
    "destination": "Tài khoản ngân hàng",
    "bank": "VBAAVNVX",
    "account": "1500000000001",
    "owner_name": "Nguyễn Văn Mẫu",
    "owner_relation": "Bản thân",
}


def person(n: int, **changes: Any) -> dict[str, Any]:
    """Return a good row of its own: another number and account."""
    return {
        **GOOD,
        "identity": f"025080{n:06d}",
        "account": f"1500{n:09d}",
        **changes,
    }


def headers(fields: Iterable[str], of: columns.ColumnSet = columns.REGISTER) -> list[str]:
    """Return the headers of fields; what is no field is a header itself."""
    known = {c.field: c.header for c in of.columns}
    return [known.get(f, f) for f in fields]


def fields_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = dict.fromkeys(GOOD)
    for row in rows:
        found |= dict.fromkeys(row)
    return list(found)


def xlsx(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    fields: list[str] | None = None,
    of: columns.ColumnSet = columns.REGISTER,
) -> Path:
    """Write a register; text as text, numbers as numbers, dates as date cells."""
    names = fields or fields_of(rows)
    with Workbook(str(path)) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet("Danh sách")
        for at, header in enumerate(headers(names, of)):
            sheet.write_string(0, at, header)
        for n, row in enumerate(rows, 1):
            for at, name in enumerate(names):
                value = row.get(name, "")
                if isinstance(value, date):
                    sheet.write_datetime(n, at, value, day)
                elif isinstance(value, (int, float)):
                    sheet.write_number(n, at, value)
                elif value:
                    sheet.write_string(n, at, value)
    return path


def csv_file(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    fields: list[str] | None = None,
    of: columns.ColumnSet = columns.REGISTER,
    encoding: str = "utf-8",
    delimiter: str = ",",
    before: str = "",
) -> Path:
    names = fields or fields_of(rows)
    with path.open("w", encoding=encoding, newline="") as out:
        out.write(before)
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(headers(names, of))
        for row in rows:
            writer.writerow([row.get(n, "") for n in names])
    return path


def counts(ctx: Context) -> dict[str, int]:
    """Return the size of every table that an import may change, the book included."""
    names = (
        "person", "benefit_case", "destination", "hold", "unit_profile", "profile", "dirty", "sub",
        "journal", "line", "opening", "death_notice", "case_change", "import_file", "import_row",
        "import_fault", "import_stage", "import_open", "import_paid", "import_span", "audit_event",
    )  # fmt: skip
    with ctx.cell.read() as conn:
        return {n: conn.execute(text(f"SELECT count(*) FROM {n}")).scalar_one() for n in names}


def select(ctx: Context, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with ctx.cell.read() as conn:
        return [tuple(r) for r in conn.execute(text(sql), values)]
