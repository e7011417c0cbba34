"""`disburse budget`: the year's authority of each payer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.cli.run import amount_arg, day_arg
from disbursement.platform.clock import YEARS
from disbursement.platform.errors import NotFoundError
from disbursement.runs import service
from disbursement.runs.budgets import import_budgets
from ledger.money import format_vnd
from ledger.sql import text

app = typer.Typer(help="Dự toán năm.", no_args_is_help=True)


@app.command(name="set")
@common.command
def set_(
    payer: Annotated[str, typer.Option("--payer", help="Mã xã.")],
    programme: Annotated[str, typer.Option("--programme", help="SA hoặc SP.")],
    year: Annotated[int, typer.Option("--year")],
    amount: Annotated[str, typer.Option("--amount", help="Số tiền, đồng; số âm = giảm.")],
    number: Annotated[str, typer.Option("--number", help="Số quyết định.")],
    on: Annotated[str, typer.Option("--date", help="Ngày quyết định.")],
    user: As,
) -> None:
    """Ghi dự toán theo quyết định; quyết định điều chỉnh cộng thêm."""
    ctx = common.context()
    total = service.set_budget(
        ctx,
        payer=payer,
        programme=programme,
        year=year,
        amount_vnd=amount_arg(amount),
        decision_number=number,
        decision_date=day_arg(on, "--date"),
        actor=user,
    )
    typer.echo(f"Dự toán {programme} năm {year} của {payer}: {format_vnd(total)} đồng.")


@app.command("import")
@common.command
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp XLSX hoặc CSV (docs/register-format.md).")],
    user: As,
    as_json: Json = False,
) -> None:
    """Ghi dự toán của nhiều xã từ một tệp: tất cả hoặc không dòng nào."""
    done = import_budgets(common.context(), file, actor=user)
    if as_json:
        common.emit({"rows": done})
    else:
        typer.echo(f"Đã ghi {done} dòng dự toán.")


@app.command()
@common.command
def show(
    year: Annotated[int, typer.Option("--year", min=YEARS[0], max=YEARS[1])],
    payer: Annotated[str | None, typer.Option("--payer", help="Mã xã.")] = None,
    as_json: Json = False,
) -> None:
    """Dự toán: được giao, còn lại, đã cam kết, đã chi."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT code, debit - credit FROM account WHERE budget_year = :y "
                "AND kind IN ('authority', 'available', 'committed', 'expended') ORDER BY code"
            ),
            {"y": year},
        )
        found: dict[tuple[str, str], dict[str, int]] = {}
        for code, balance in rows:
            kind, who, line, _ = code.split(".")
            if payer is None or who == payer:
                found.setdefault((who, line), {})[kind] = abs(int(balance))
    kinds = ("authority", "available", "committed", "expended")
    used = {key: v for key, v in found.items() if any(v.values())}
    if as_json:
        common.emit([{"payer": p, "line": line, **v} for (p, line), v in used.items()])
        return
    if not used:
        raise NotFoundError(
            "no_budget",
            f"Chưa ghi dự toán năm {year}; ghi bằng `disburse budget set` hoặc `budget import`.",
        )
    for (who, line), v in used.items():
        given, left, bound, spent = (format_vnd(v.get(kind, 0)) for kind in kinds)
        typer.echo(f"{who}  {line}  giao {given}  còn {left}  cam kết {bound}  đã chi {spent}")
