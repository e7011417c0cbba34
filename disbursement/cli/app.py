"""All commands of `disburse` under one roof; each group is a module beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import (
    accounts,
    bench,
    budget,
    cash,
    cell,
    common,
    directory,
    event,
    file,
    ledger,
    national,
    payer,
    payment,
    programme,
    provider,
    rates,
    receivable,
    reconcile,
    register,
    run,
    serve,
    simulate,
    statement,
    users,
)
from disbursement.cli.demo import demo
from disbursement.cli.doctor import doctor
from disbursement.cli.explain import explain
from disbursement.cli.sample import sample
from disbursement.cli.usage import Roof
from disbursement.cli.worker import worker

app = typer.Typer(
    cls=Roof, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def options(
    home: Annotated[Path | None, typer.Option(help="Thư mục dữ liệu.")] = None,
    cell: Annotated[str | None, typer.Option(help="Mã tỉnh (hai chữ số).")] = None,
    today: Annotated[str | None, typer.Option(help="Đặt ngày (yyyy-mm-dd), chỉ khi thử.")] = None,
    lang: Annotated[str | None, typer.Option(help="vi hoặc en.")] = None,
) -> None:
    """Chi trả trợ cấp xã hội không dùng tiền mặt."""
    common.set_overrides(home=home, cell=cell, today=today, lang=lang)


app.command()(demo)
app.command()(sample)
app.command()(explain)
app.add_typer(bench.app, name="bench")
app.add_typer(register.app, name="register")
app.add_typer(national.app, name="national")
app.add_typer(event.app, name="event")
app.add_typer(run.app, name="run")
app.add_typer(budget.app, name="budget")
app.add_typer(rates.app, name="rates")
app.add_typer(cell.app, name="cell")
app.command()(cell.init)
app.command()(cell.migrate)
app.add_typer(users.app, name="users")
app.add_typer(statement.app, name="statement")
app.add_typer(simulate.app, name="simulate")
app.add_typer(cash.app, name="cash")
app.add_typer(payment.app, name="payment")
app.add_typer(ledger.app, name="ledger")
app.add_typer(file.app, name="file")
app.add_typer(payer.app, name="payer")
app.add_typer(accounts.app, name="accounts")
app.add_typer(directory.app, name="directory")
app.add_typer(programme.app, name="programme")
app.add_typer(provider.app, name="provider")
app.add_typer(receivable.app, name="receivable")
app.command()(reconcile.reconcile)
app.command()(doctor)
app.command()(worker)
app.command()(serve.serve)
app.command()(serve.token)


def main() -> None:
    """Run the command line."""
    app()
