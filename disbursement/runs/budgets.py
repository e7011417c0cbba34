"""The year's authority from a file: one decision after the other, all rows or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import clean, read_date
from disbursement.identity.service import require, user
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.runs import service
from ledger.money import MoneyError, parse_vnd
from ledger.sql import text

Row = tuple[str, str, int, int, str, Any]


def import_budgets(ctx: Context, path: Path, *, actor: str) -> int:
    """Book every row of a budget file (docs/register-format.md); return how many.

    Raises RefusedError naming row and column, NotFoundError for an unknown payer, NotNowError for
    a decision that was booked before; nothing is booked then.
    """
    with ctx.cell.read() as conn:
        found = conn.execute(text("SELECT DISTINCT programme FROM list_unit ORDER BY programme"))
        lines = tuple(str(line) for line in found.scalars())
    with open_table(path, columns.BUDGET) as source:
        rows = [
            _row(source.header, n, cells, lines)
            for chunk in source.chunks
            for n, cells in chunk.rows()
        ]
    seen: set[tuple[str, str, int, str]] = set()
    for payer, programme, year, _, number, _ in rows:
        if (payer, programme, year, number) in seen:
            raise NotNowError(
                "budget_repeated",
                f"{path.name}: quyết định {number} ghi hai lần cho {payer}, {programme}, {year}; "
                "xóa dòng thừa rồi nhập lại.",
            )
        seen.add((payer, programme, year, number))
    who = user(ctx, actor)
    with ctx.cell.begin() as conn:
        for payer in sorted({r[0] for r in rows}):
            require(conn, who, "second_signer", payer)
        service.set_budgets(conn, ctx, rows)
    return len(rows)


def _row(header: columns.Header, n: int, cells: list[Any], lines: tuple[str, ...]) -> Row:
    def fail(field: str, sentence: str) -> RefusedError:
        where = header.where(n, field)
        return RefusedError("budget_row", f"{where[:1].upper()}{where[1:]}: {sentence}")

    def said(field: str) -> str:
        at = header.index[field]
        value = cells[at] if at < len(cells) else ""
        if isinstance(value, float) and value.is_integer() and field in ("year", "amount"):
            return str(int(value))
        text = clean(value) if isinstance(value, str) else ""
        if not text:
            raise fail(field, "ô trống hoặc không phải dạng chữ; ghi lại rồi nhập.")
        return text

    written = said("programme")
    programme = written if written in lines else columns.PROGRAMME.get(columns.plain(written))
    if programme is None:
        raise fail("programme", ", ".join(("ghi TGXH hoặc HTXH", *lines)) + ".")
    year, day = said("year"), read_date(said("date"))
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise fail("year", "năm gồm bốn chữ số.")
    if day is None:
        raise fail("date", "không phải ngày; ghi dạng dd/mm/yyyy.")
    try:
        amount = parse_vnd(said("amount"))
    except MoneyError as error:
        raise fail("amount", "số tiền phải là số đồng nguyên, không dấu chấm.") from error
    return said("payer"), programme, int(year), amount, said("number"), day
