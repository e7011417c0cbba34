"""`disburse sample`: an invented register of any size."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.platform.errors import UsageError


@common.command
def sample(
    people: Annotated[int, typer.Option("--people", help="Số người (không kể lỗi cài sẵn).")],
    province: Annotated[str, typer.Option("--province", help="Mã tỉnh, hai chữ số.")],
    seed: Annotated[int, typer.Option("--seed", help="Cùng số này thì cùng dữ liệu.")],
    out: Annotated[Path, typer.Option("--out", help="Thư mục nhận tệp.")] = Path("sample"),
    form: Annotated[str, typer.Option("--format", help="xlsx hoặc csv.")] = "xlsx",
    payers: Annotated[int | None, typer.Option("--payers", help="Số xã, phường.")] = None,
    as_json: common.Json = False,
) -> None:
    """Ghi danh sách mẫu (mọi tên, số đều bịa đặt) với các lỗi cài sẵn."""
    from disbursement.sample.writer import write_sample  # noqa: PLC0415 - commands start fast

    if form not in ("xlsx", "csv"):
        raise UsageError("format", "--format chỉ nhận xlsx hoặc csv.")
    report = write_sample(
        out,
        people=people,
        province=province,
        seed=seed,
        form="csv" if form == "csv" else "xlsx",
        payers=payers,
    )
    if as_json:
        common.emit(asdict(report))
        return
    planted = ", ".join(f"{k} {n}" for k, n in sorted(report.planted.items()))
    typer.echo(
        f"Đã ghi {report.people} người (tên bịa đặt) của {report.payers} xã, phường vào {out}; "
        f"lỗi cài sẵn: {planted}."
    )
