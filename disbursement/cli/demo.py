"""`disburse demo`: three months of a province, end to end, with invented people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.platform.errors import UsageError


@common.command
def demo(
    db: Annotated[str, typer.Option("--db", help="sqlite hoặc postgres.")] = "sqlite",
    people: Annotated[int | None, typer.Option("--people", help="Số người.")] = None,
    payers: Annotated[int | None, typer.Option("--payers", help="Số xã, phường.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Hạt giống.")] = None,
) -> None:
    """Chạy thử ba tháng của một tỉnh, từ danh sách đến đóng sổ (mọi tên đều bịa đặt)."""
    from disbursement.demo import service  # noqa: PLC0415 - commands start fast

    if db not in ("sqlite", "postgres"):
        raise UsageError("db", "--db chỉ nhận sqlite hoặc postgres.")
    settings = common.settings()
    if settings.env != "demo":  # never in the books of a real office
        settings = settings.model_copy(update={"env": "demo", "home": Path("demo")})
    summary = service.run_demo(
        settings,
        "postgres" if db == "postgres" else "sqlite",
        typer.echo,
        people=service.PEOPLE if people is None else people,
        payers=payers,
        seed=seed if seed is not None else service.SEED,
    )
    total = sum(summary.seconds.values())
    typer.echo(
        f"\nXong trong {total:.0f} giây; kết quả ở {settings.home}/summary.json. Thử tiếp:\n"
        "  make serve                          API và trang tra cứu của dữ liệu này\n"
        f"  export DISBURSE_HOME={settings.home} DISBURSE_ENV=demo\n"
        "  .venv/bin/disburse run status --month 2026-12\n"
        "  .venv/bin/disburse run sheet 1      phiếu duyệt (PDF, XLSX)\n"
        "  .venv/bin/disburse register holds   ai đang bị giữ, vì sao\n"
        "  .venv/bin/disburse doctor           mọi điều phải luôn đúng\n"
        "  .venv/bin/disburse ledger verify    tính lại toàn bộ sổ\n"
    )
