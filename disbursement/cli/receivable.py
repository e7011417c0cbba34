"""`disburse receivable`: overpayments, what is decided on them, money that comes back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.cli.run import amount_arg, day_arg
from disbursement.documents.words import RECEIVABLE_DECISIONS, RECEIVABLE_STATES
from disbursement.identity.service import unlock
from disbursement.platform.clock import show_month
from disbursement.runs import papers, receivable_decisions, receivables
from disbursement.runs.approvals import ROLE_VI
from disbursement.runs.receivable_decisions import Decided, Paper
from ledger.money import format_vnd

app = typer.Typer(help="Khoản chi thừa phải thu: xem, quyết định, ghi tiền nộp lại.",
                  no_args_is_help=True)  # fmt: skip

Payer = Annotated[str | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")]
Numbers = Annotated[list[int], typer.Argument(help="Số các khoản phải thu.")]


@app.command("list")
@common.command
def list_(
    payer: Payer = None,
    every: Annotated[bool, typer.Option("--all", help="Cả khoản đã xong.")] = False,
    as_json: Json = False,
) -> None:
    """Ai đã nhận quá, tháng nào, bao nhiêu, vì sao, theo điều nào, đã quyết định gì."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        rows = receivables.read_receivables(conn, payers=None if payer is None else [payer])
    found = [r for r in rows if every or r.open_vnd]
    if as_json:
        common.emit([receivables.as_json(r) for r in found])
        return
    for r in found:
        decided = ""
        if r.decision:
            decided = f"; {RECEIVABLE_DECISIONS[r.decision]} theo QĐ {r.decision_number}"
        typer.echo(
            f"{r.id:>5}  {r.payer}  {r.person} (…{r.last4}, {r.reference})  {r.programme}  tháng "
            f"{show_month(r.month)}: {format_vnd(r.amount_vnd)} đồng, còn {format_vnd(r.open_vnd)}"
        )
        typer.echo(f"       {r.why_vi}. {r.citation} [{RECEIVABLE_STATES[r.state]}{decided}]")
    total = format_vnd(sum(r.open_vnd for r in found))
    typer.echo(f"{len(found)} khoản, còn phải thu {total} đồng.")


@app.command()
@common.command
def decide(
    numbers: Numbers,
    kind: Annotated[
        str, typer.Option("--decision", help="recover (thu hồi), write-off (xóa), restore.")
    ],
    number: Annotated[str, typer.Option("--number", help="Số quyết định.")],
    on: Annotated[str, typer.Option("--date", help="Ngày quyết định, dạng 2026-11-24.")],
    signer: Annotated[str, typer.Option("--signer", help="Người ký quyết định.")],
    user: As,
    reason: Annotated[str, typer.Option("--reason", help="Căn cứ, lý do.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Ghi quyết định: thu hồi do chủ tài khoản ghi; xóa, phục hồi do người lập ghi rồi ba bên ký.

    Xóa và phục hồi chỉ vào sổ sau chữ ký của kế toán và chủ tài khoản (`receivable sign`).
    """
    ctx = common.context()
    key = unlock(ctx, user, common.passphrase(user, passphrase_file))
    paper = Paper(number, day_arg(on, "--date"), signer, reason)
    done = receivable_decisions.decide(ctx, numbers, kind.replace("-", "_"), paper, key)
    _say(done, as_json=as_json)


@app.command()
@common.command
def sign(
    decision: Annotated[int, typer.Argument(help="Số ghi của quyết định (in khi ghi).")],
    user: As,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Ký quyết định xóa hoặc phục hồi: kế toán, rồi chủ tài khoản; chữ ký cuối vào sổ."""
    ctx = common.context()
    key = unlock(ctx, user, common.passphrase(user, passphrase_file))
    _say(receivable_decisions.sign(ctx, decision, key), as_json=as_json)


def _say(done: Decided, *, as_json: bool) -> None:
    if as_json:
        common.emit(asdict(done))
        return
    what = RECEIVABLE_DECISIONS[done.kind]
    typer.echo(
        f"Quyết định {done.number} ({what}), số ghi {done.id}: {len(done.receivables)} khoản, "
        f"{format_vnd(done.amount_vnd)} đồng."
    )
    if done.waits_for:
        typer.echo(
            f"Chờ {ROLE_VI[done.waits_for]}: disburse receivable sign {done.id} --as NGƯỜI_KÝ"
        )


@app.command()
@common.command
def repaid(
    numbers: Numbers,
    voucher: Annotated[str, typer.Option("--voucher", help="Số chứng từ nộp tiền.")],
    on: Annotated[str, typer.Option("--date", help="Ngày nộp, dạng 2026-11-24.")],
    amount: Annotated[str, typer.Option("--amount", help="Số tiền, đồng.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Ghi tiền người nhận nộp lại kho bạc; tháng cũ nhất được trừ trước."""
    done = receivables.repay(
        common.context(),
        numbers,
        voucher=voucher,
        day=day_arg(on, "--date"),
        amount_vnd=amount_arg(amount),
        actor=user,
    )
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"Đã ghi chứng từ {done.voucher}: {format_vnd(done.amount_vnd)} đồng; còn phải thu "
        f"{format_vnd(done.open_vnd)} đồng."
    )


@app.command()
@common.command
def paper(
    payer: Annotated[str, typer.Option("--payer", help="Mã xã.")],
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục ghi tệp.")] = None,
    as_json: Json = False,
) -> None:
    """Ghi danh sách khoản chi thừa của một xã (PDF, XLSX)."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    paths = papers.write_receivables(ctx, payer, out)
    if as_json:
        common.emit([str(p) for p in paths])
        return
    for path in paths:
        typer.echo(str(path))
