"""`disburse reconcile`: what is open, what does not match, and what the statements decide."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import Json
from disbursement.cli.run import day_arg
from disbursement.fallback.service import overdue_rosters
from disbursement.payments.evidence import decide_unknown
from disbursement.payments.intake import warned
from disbursement.payments.late_draws import match_late_draws
from disbursement.platform.clock import today
from ledger.money import format_vnd
from ledger.sql import text

WARNED_DAYS = 31
"""How long a warning about a file that was taken stays on the list."""


@common.command
def reconcile(
    day: Annotated[str | None, typer.Option("--day", help="Xét sao kê đến ngày này.")] = None,
    as_json: Json = False,
) -> None:
    """Đối chiếu: quyết định lệnh chưa rõ theo sao kê, khớp tiền rút về muộn, liệt kê sai lệch."""
    ctx = common.context()
    ctx.cell.require()
    now = today(ctx.clock)
    until = now if day is None else day_arg(day, "--day")
    late = match_late_draws(ctx)
    decided = decide_unknown(ctx, min(until, now))
    with ctx.cell.read() as conn:
        breaks = [
            dict(row)
            for row in conn.execute(
                text(
                    "SELECT k.id, k.kind, y.code AS payer, k.amount_vnd, k.what, k.opened_at, "
                    "a.file_name FROM break_item k LEFT JOIN payer y ON y.id = k.payer_id "
                    "LEFT JOIN answer a ON a.id = k.answer_id WHERE k.state = 'open' "
                    "ORDER BY k.opened_at, k.id"
                )
            ).mappings()
        ]
        waiting = [
            dict(row)
            for row in conn.execute(
                text(
                    "SELECT file_name, state, why FROM answer WHERE state IN ('stored', "
                    "'quarantined') ORDER BY id"
                )
            ).mappings()
        ]
        overdue = overdue_rosters(conn, until)
        odd = warned(conn, until - timedelta(days=WARNED_DAYS))
    if as_json:
        common.emit(
            {
                "late_draws": late, "decided": asdict(decided), "breaks": breaks,
                "waiting": waiting, "overdue_rosters": [asdict(o) for o in overdue],
                "warnings": [asdict(w) for w in odd],
            }
        )  # fmt: skip
        return
    typer.echo(
        f"Khớp {late} khoản rút về muộn; sao kê cho biết {decided.payments} lệnh chưa được ghi nợ "
        f"({format_vnd(decided.amount_vnd)} đồng), trả về phải chi; {decided.waiting} lô còn chờ "
        "sao kê."
    )
    for row in breaks:
        typer.echo(
            f"  sai lệch {row['id']} ({row['kind']}) {row['payer'] or ''} "
            f"{format_vnd(row['amount_vnd'])} đồng, {row['file_name'] or ''}: {row['what']}"
        )
    for row in waiting:
        typer.echo(f"  tệp {row['file_name']} ({row['state']}): {row['why']}")
    for late_roster in overdue:
        typer.echo(
            f"  danh sách ký nhận lô {late_roster.batch_id} ({late_roster.commune_code}) quá hạn "
            f"{late_roster.last_day:%d/%m/%Y}: {late_roster.orders} lệnh, "
            f"{format_vnd(late_roster.amount_vnd)} đồng"
        )
    for one in odd:
        typer.echo(
            f"  lưu ý {one.provider}: {one.files} tệp {one.kind} đã ghi, mới nhất "
            f"{one.last_file}: {one.warning}"
        )
    if not (breaks or waiting or overdue):
        typer.echo("Không có sai lệch nào đang mở.")
