"""`disburse advance`: moving the money of failed payments to the provider that pays cash."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.cli.run import Month, amount_arg, day_arg, month_arg
from disbursement.documents.words import ROLES
from disbursement.fallback import advance_moves
from disbursement.fallback.advance_moves import Move, Voucher
from disbursement.identity.service import unlock
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

app = typer.Typer(help="Chuyển tiền giữa hai nơi chi trả của một đơn vị.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số lần chuyển tiền.")]
STATES = {"proposed": "chờ ký", "posted": "đã ghi sổ", "withdrawn": "đã rút"}


@app.command()
@common.command
def move(
    month: Month,
    payer: Annotated[str, typer.Option("--payer", help="Mã xã.")],
    source: Annotated[str, typer.Option("--from", help="Nơi chi trả đang giữ tiền.")],
    voucher: Annotated[str, typer.Option("--voucher", help="Số chứng từ chuyển tiền.")],
    on: Annotated[str, typer.Option("--date", help="Ngày chuyển, dạng 2026-10-23.")],
    amount: Annotated[str, typer.Option("--amount", help="Số tiền, đồng.")],
    user: As,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Ghi chuyển tiền của các khoản thất bại sang nơi chi tiền mặt; người lập ký."""
    ctx = common.context()
    common.known_payers(ctx, [payer])
    told = Voucher(voucher, day_arg(on, "--date"), amount_arg(amount))
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    made = advance_moves.propose(
        ctx, month_arg(month), payer=payer, source=source, voucher=told, signer=signer
    )
    _say(made, as_json=as_json)


@app.command()
@common.command
def sign(
    number: Number, user: As, passphrase_file: PassphraseFile = None, as_json: Json = False
) -> None:
    """Ký lần chuyển tiền (kế toán, rồi chủ tài khoản); chữ ký cuối ghi sổ."""
    ctx = common.context()
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    _say(advance_moves.sign(ctx, number, signer), as_json=as_json)


@app.command()
@common.command
def withdraw(number: Number, user: As, as_json: Json = False) -> None:
    """Rút lần chuyển tiền chưa ký xong."""
    _say(advance_moves.withdraw(common.context(), number, actor=user), as_json=as_json)


@app.command("list")
@common.command
def list_(as_json: Json = False) -> None:
    """Liệt kê các lần chuyển tiền giữa hai nơi chi trả."""
    ctx = common.context()
    ctx.cell.require()
    found = advance_moves.moves(ctx)
    if as_json:
        common.emit([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("Chưa có lần chuyển tiền nào.")


def _line(one: Move) -> str:
    waits = f", chờ {ROLES[one.waits_for]}" if one.waits_for else ""
    return (
        f"Lần chuyển tiền số {one.id} của {one.payer}: {one.payments} khoản, "
        f"{format_vnd(one.amount_vnd)} đồng từ {one.source} sang {one.target}, chứng từ "
        f"{one.voucher}, kỳ {show_month(one.month)} ({STATES[one.state]}{waits})"
    )


def _say(one: Move, *, as_json: bool) -> None:
    if as_json:
        common.emit(asdict(one))
        return
    typer.echo(_line(one))
    if one.state == "proposed":
        typer.echo(f"Tiếp theo: disburse advance sign {one.id} --as NGƯỜI_KÝ")
    elif one.state == "posted":
        month = f"{one.month // 100}-{one.month % 100:02d}"
        typer.echo(f"Tiếp theo: disburse cash plan --month {month} --as NGƯỜI_LẬP")
