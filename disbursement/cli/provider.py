"""`disburse provider`: how a provider is reached, tried without sending a payment."""

from __future__ import annotations

from typing import Annotated

import typer

from bank_adapters.contract import AdapterError
from disbursement.cli import common
from disbursement.cli.common import Json
from disbursement.jobs import links
from disbursement.jobs.worker import drop_folder
from disbursement.platform.connections import connection_path, load_connection
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError
from ledger.sql import text

app = typer.Typer(help="Tổ chức chi trả: thử đường kết nối.", no_args_is_help=True)


@app.callback()
def provider() -> None:
    """Tổ chức chi trả: thử đường kết nối."""


@app.command("test")
@common.command
def try_out(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Mã tổ chức chi trả.")],
    as_json: Json = False,
) -> None:
    """Thử kết nối, đăng nhập, xem thư mục, thử khóa; không gửi khoản chi nào."""
    ctx = common.context()
    ctx.cell.require()
    _known(ctx, code)
    kind, said = _tried(ctx, code)
    if as_json:
        common.emit({"provider": code, "connection": kind, "usable": True, "seen": said})
        return
    for sentence in said:
        typer.echo(sentence)


def _known(ctx: Context, code: str) -> None:
    with ctx.cell.read() as conn:
        found = conn.execute(text("SELECT 1 FROM provider WHERE code = :c"), {"c": code}).first()
    if found is None:
        raise NotFoundError(
            "provider", f"Không có tổ chức chi trả mã '{code}'; xem mã ở `disburse payer list`."
        )


def _tried(ctx: Context, code: str) -> tuple[str, list[str]]:
    """Return the kind of connection and what was seen. Raises NotNowError, RefusedError."""
    path = connection_path(ctx.settings, code)
    if not path.is_file():
        folder = drop_folder(ctx, code) / "out"
        return "drop", [f"Chưa có tệp kết nối {path.name}: tệp chi để ở thư mục {folder}."]
    if not links.of_files(path):
        file = load_connection(ctx.settings, code)
        return "calls", [f"Tệp kết nối {path.name} đọc được: {file.base_url}. Chưa gọi thử."]
    try:
        there = links.link(ctx, code)
        said = list(there.check()) if there else []
    except AdapterError as error:
        raise NotNowError(error.code, error.sentence, en=error.en) from error
    return "files", [*said, "Dùng được. Chưa gửi gì."]
