"""`disburse init`, `cell create`, `migrate`: making books and bringing them up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.platform import migrate as schema
from disbursement.platform.clock import stamp
from disbursement.programmes.communes import province

app = typer.Typer(help="Sổ của một tỉnh.", no_args_is_help=True)


@app.command()
@common.command
def create(code: Annotated[str, typer.Argument(help="Mã tỉnh, hai chữ số.")]) -> None:
    """Lập sổ của một tỉnh (chạy lại chỉ cập nhật cấu trúc)."""
    name = province(code).full_name
    ctx = common.context(new=True)
    schema.create_cell(ctx.database, code, name, stamp(ctx.clock))
    typer.echo(f"Sổ của {name} (mã {code}) đã sẵn sàng.")


@common.command
def init() -> None:
    """Chuẩn bị máy này: khóa mã hóa, danh mục chung, sổ của tỉnh đang chọn."""
    name = province(common.settings().cell).full_name
    ctx = common.context(new=True)
    schema.create_cell(ctx.database, ctx.cell.code, name, stamp(ctx.clock))
    typer.echo(
        f"Đã chuẩn bị sổ của {name} trong {ctx.settings.home}. Tiếp theo: tạo người dùng bằng "
        "`disburse users add`, rồi nhập danh sách bằng `disburse register import`."
    )


@common.command
def migrate() -> None:
    """Cập nhật cấu trúc của danh mục chung và mọi sổ."""
    ctx = common.context()
    schema.migrate(ctx.database, "shared")
    for code in schema.cells(ctx.database):
        schema.migrate(ctx.database, f"cell_{code}")
        typer.echo(f"Sổ {code}: mới nhất.")
