"""`disburse outbox`: what the machine has stopped sending, going on, settling by letter."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.cli.run import amount_arg, day_arg
from disbursement.documents.words import ROLES
from disbursement.identity.service import unlock
from disbursement.jobs import outbox, settling
from disbursement.jobs.settling import Letter, Settlement
from ledger.money import format_vnd

app = typer.Typer(
    help="Lô máy đã dừng gửi: xem, cho đi tiếp, ghi kết quả theo văn bản của nơi chi trả.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số lần ghi kết quả.")]
Batch = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số lô.")]
STATES = {"proposed": "chờ ký", "posted": "đã ghi sổ", "withdrawn": "đã rút"}


class Outcome(StrEnum):
    """What the provider's letter says of a payment."""

    PAID = "paid"
    NOT_PAID = "not-paid"


@app.command("list")
@common.command
def list_(
    payer: Annotated[
        list[str] | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Liệt kê lô chờ người xem: vì sao máy dừng, còn bao nhiêu khoản chưa có kết quả."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        found = outbox.stopped(conn, payers=payer)
    if as_json:
        common.emit([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(outbox.line(one))
    if not found:
        typer.echo("Không có lô nào bị dừng.")


@app.command()
@common.command
def resume(
    batch: Batch,
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Cho lô đi tiếp sau khi đã xử lý: hỏi lệnh có thể đã đi trước, không trả lần thứ hai."""
    done = outbox.resume(common.context(), batch, document=document, actor=user)
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(f"Lô {batch} đi tiếp trong lần gửi tới (`disburse worker`); đã dừng vì {done.words}")


@app.command()
@common.command
def orders(batch: Batch, as_json: Json = False) -> None:
    """Liệt kê khoản chưa có kết quả của một lô: mã lệnh, khoản nào đã quá hạn kênh còn nhớ."""
    ctx = common.context()
    ctx.cell.require()
    with ctx.cell.read() as conn:
        found = settling.open_orders(conn, batch)
    if as_json:
        common.emit([asdict(one) for one in found])
        return
    for one in found:
        state = "quá hạn, ghi theo văn bản" if one.overdue else "máy còn hỏi hoặc gửi tiếp"
        waits = f", chờ ký lần ghi số {one.settlement}" if one.settlement else ""
        typer.echo(f"{one.order} {format_vnd(one.amount_vnd)} đồng ({state}{waits})")
    if not found:
        typer.echo(f"Lô {batch}: khoản nào cũng đã có kết quả.")


@app.command()
@common.command
def settle(
    batch: Batch,
    outcome: Annotated[
        Outcome, typer.Option("--outcome", help="Văn bản nói: paid (đã trả), not-paid (chưa trả).")
    ],
    amount: Annotated[str, typer.Option("--amount", help="Số tiền theo văn bản, đồng.")],
    letter: Annotated[Path, typer.Option("--letter", help="Bản quét văn bản (PDF, ảnh).")],
    number: Annotated[str, typer.Option("--number", help="Số văn bản của nơi chi trả.")],
    on: Annotated[str, typer.Option("--date", help="Ngày văn bản, dạng 2026-11-20.")],
    says: Annotated[str, typer.Option("--says", help="Văn bản nói gì về các khoản này.")],
    user: As,
    order: Annotated[
        list[str] | None,
        typer.Option("--order", help="Mã lệnh (nhiều lần được); bỏ trống = mọi khoản quá hạn."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Ghi theo văn bản của nơi chi trả: khoản quá hạn đã trả hay chưa trả; người lập ký."""
    ctx = common.context()
    told = Letter(letter, number, day_arg(on, "--date"), says)
    vnd = amount_arg(amount)
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    made = settling.propose(
        ctx, batch, outcome="paid" if outcome is Outcome.PAID else "not_paid", letter=told,
        amount_vnd=vnd, signer=signer, orders=order or (),
    )  # fmt: skip
    _say(made, as_json=as_json)


@app.command()
@common.command
def sign(
    number: Number, user: As, passphrase_file: PassphraseFile = None, as_json: Json = False
) -> None:
    """Ký lần ghi kết quả (kế toán, rồi chủ tài khoản); chữ ký cuối ghi sổ."""
    ctx = common.context()
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    _say(settling.sign(ctx, number, signer), as_json=as_json)


@app.command()
@common.command
def withdraw(number: Number, user: As, as_json: Json = False) -> None:
    """Rút lần ghi kết quả chưa ký xong."""
    _say(settling.withdraw(common.context(), number, actor=user), as_json=as_json)


@app.command()
@common.command
def settlements(as_json: Json = False) -> None:
    """Liệt kê các lần ghi kết quả theo văn bản của nơi chi trả."""
    ctx = common.context()
    ctx.cell.require()
    with ctx.cell.read() as conn:
        found = settling.settlements(conn)
    if as_json:
        common.emit([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("Chưa có lần ghi kết quả nào theo văn bản.")


def _line(one: Settlement) -> str:
    said = "đã trả" if one.outcome == "paid" else "chưa trả"
    waits = f", chờ {ROLES[one.waits_for]}" if one.waits_for else ""
    return (
        f"Lần ghi số {one.id}, lô {one.batch} ({one.payer}, {one.provider}): {one.payments} khoản, "
        f"{format_vnd(one.amount_vnd)} đồng {said} theo văn bản {one.letter} "
        f"({STATES[one.state]}{waits})"
    )


def _say(one: Settlement, *, as_json: bool) -> None:
    if as_json:
        common.emit(asdict(one))
        return
    typer.echo(_line(one))
    if one.state == "proposed":
        typer.echo(f"Tiếp theo: disburse outbox sign {one.id} --as NGƯỜI_KÝ")
