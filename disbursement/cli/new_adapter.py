"""`disburse new-adapter`: the package of a new rail, with tests that pass."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.scaffold import RAILS
from disbursement.scaffold import new_adapter as lay_down


@common.command
def new_adapter(
    name: Annotated[str, typer.Argument(help="Tên kênh, ví dụ vietpay.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Thư mục nhận gói; mặc định disburse-TÊN.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Tên đơn vị chi trả cho người đọc.")] = "",
    kind: Annotated[
        str, typer.Option("--kind", help="called: kênh được gọi; table: ngân hàng nhận bảng.")
    ] = "called",
    rail: Annotated[
        str, typer.Option("--rail", help=f"Loại nơi nhận của kênh gọi: {', '.join(RAILS)}.")
    ] = "wallet",
) -> None:
    """Tạo gói kết nối cho một kênh chi trả mới: mã, hồ sơ, mẫu, kênh giả lập và phép thử."""
    folder = out or Path(f"disburse-{name}")
    made = lay_down(name, folder, title=title, kind=kind, rail=rail)
    for path in made:
        typer.echo(str(path))
    typer.echo(
        f"Đã tạo {len(made)} tệp của kênh {name}. Thử ngay: pip install -e {folder} && pytest "
        f"{folder}. Tiếp theo: thay phần giả định bằng tài liệu của đơn vị (README.md ở đó)."
    )
