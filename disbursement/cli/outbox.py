"""`disburse outbox`: what the machine has stopped sending, and letting it go on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.jobs import outbox
from disbursement.jobs.outbox import Stopped
from ledger.money import format_vnd

app = typer.Typer(help="Lô máy đã dừng gửi: xem, cho đi tiếp.", no_args_is_help=True)


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
        typer.echo(line(one))
    if not found:
        typer.echo("Không có lô nào bị dừng.")


@app.command()
@common.command
def resume(
    batch: Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số lô bị dừng.")],
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


def line(one: Stopped) -> str:
    """Return a stopped batch as one line for an officer."""
    then = f"; gửi tiếp: disburse outbox resume {one.batch}" if one.resumable else ""
    return (
        f"Lô {one.batch} ({one.payer}, {one.provider}): dừng vì {one.words}. Còn "
        f"{one.open_payments} khoản, {format_vnd(one.open_vnd)} đồng chưa có kết quả{then}"
    )
