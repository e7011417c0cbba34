"""`disburse doctor`: every promise that must hold, checked."""

from __future__ import annotations

from dataclasses import asdict

import typer

from disbursement.cli import common
from disbursement.cli.common import Json
from disbursement.jobs import invariants, outbox
from disbursement.platform.errors import OurFaultError


@common.command
def doctor(as_json: Json = False) -> None:
    """Kiểm tra mọi điều phải luôn đúng của sổ tỉnh; nhắc các lô máy đã dừng gửi."""
    ctx = common.context()
    ctx.cell.require()
    with ctx.cell.read() as conn:
        found = invariants.check_all(conn)
        waiting = outbox.stopped(conn)
    if as_json:
        common.emit(
            {
                "ok": not found,
                "checked": [i.name for i in invariants.ALL],
                "findings": [f.__dict__ for f in found],
                "stopped": [asdict(one) for one in waiting],
            }
        )
    else:
        bad = {f.invariant for f in found}
        for invariant in invariants.ALL:
            mark = "SAI " if invariant.name in bad else "đúng"
            typer.echo(f"{mark}  {invariant.name:<18} {invariant.sentence}")
        for finding in found[:20]:
            typer.echo(f"      {finding.invariant}: {finding.where}: {finding.amount}")
        for one in waiting:
            typer.echo(outbox.line(one))
    if found:
        raise OurFaultError(
            "doctor", f"{len(found)} điều không đúng; dừng chi ở các đơn vị nêu trên và kiểm tra."
        )
