"""`disburse worker`: send what is due, take in answers, warn before the cut-off."""

from __future__ import annotations

from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.jobs import worker as jobs


@common.command
def worker(
    once: Annotated[bool, typer.Option("--once", help="Làm một lượt rồi dừng.")] = False,
) -> None:
    """Gửi tệp chi, nhận trả lời, nhắc trước hạn."""
    ctx = common.context()
    ctx.cell.require()
    if once:
        for name, what in jobs.run_once(ctx):
            typer.echo(f"{name}: {what}")
        return
    jobs.run_forever(ctx, typer.echo)
