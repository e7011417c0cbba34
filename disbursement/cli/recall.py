"""`disburse recall`: asking the bank to cancel payments of a batch that was sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.payments import recalls
from disbursement.payments.recalls import Recall
from ledger.money import format_vnd

app = typer.Typer(help="Yêu cầu ngân hàng hủy lệnh chi đã gửi.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số của yêu cầu hủy.")]
STATES = {
    "held": "chờ chữ ký thứ hai", "queued": "chờ gửi", "sending": "đang gửi", "sent": "đã gửi",
    "unknown": "chưa rõ đã đến chưa", "withdrawn": "đã rút",
}  # fmt: skip


@app.command()
@common.command
def ask(
    batch: Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số lô đã gửi.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Mã lý do: CUST, DUPL, TECH, FRAD, AM09, ...")
    ],
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    order: Annotated[
        list[str] | None,
        typer.Option("--order", help="Mã lệnh chi (EndToEndId); bỏ trống = mọi lệnh còn chuyển."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Lập yêu cầu hủy cả lô hoặc từng lệnh; gửi đi khi người thứ hai đã ký."""
    made = recalls.ask(
        common.context(), batch, reason=reason, document=document, actor=user, orders=order or ()
    )
    _say(made, f"chờ người thứ hai ký: `disburse recall sign {made.id}`.", as_json=as_json)


@app.command()
@common.command
def sign(number: Number, user: As, as_json: Json = False) -> None:
    """Ký yêu cầu hủy (người thứ hai); tệp camt.055 đi trong lần gửi tới."""
    done = recalls.sign(common.context(), number, actor=user)
    _say(done, "gửi đi trong lần gửi tới (`disburse worker`).", as_json=as_json)


@app.command()
@common.command
def withdraw(number: Number, user: As, as_json: Json = False) -> None:
    """Rút yêu cầu hủy chưa gửi."""
    done = recalls.withdraw(common.context(), number, actor=user)
    _say(done, "không gửi.", as_json=as_json)


@app.command("list")
@common.command
def list_(
    payer: Annotated[
        list[str] | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Liệt kê yêu cầu hủy và trả lời của ngân hàng; tiền chỉ về theo sao kê."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    found = recalls.recalls(ctx, payer)
    if as_json:
        common.emit([asdict(r) for r in found])
        return
    for r in found:
        typer.echo(
            f"{r.id:>5}  {r.payer}  lô {r.batch_id}  {r.payments} lệnh, "
            f"{format_vnd(r.total_vnd)} đồng  {r.reason}  [{STATES[r.state]}]  ngân hàng: "
            f"nhận hủy {r.accepted}, không hủy {r.refused}, đang xét {r.pending}"
        )
    if not found:
        typer.echo("Chưa có yêu cầu hủy nào.")


def _say(made: Recall, then: str, *, as_json: bool) -> None:
    if as_json:
        common.emit(asdict(made))
        return
    typer.echo(
        f"Yêu cầu hủy số {made.id} của lô {made.batch_id}: {made.payments} lệnh, "
        f"{format_vnd(made.total_vnd)} đồng, lý do {made.reason} ({STATES[made.state]}); {then}"
    )
    typer.echo("Các lệnh này vẫn đang chuyển cho đến khi sao kê của ngân hàng cho biết.")
