"""`disburse serve` and `disburse token`: the API and the beneficiaries' page on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import Json, PassphraseFile
from disbursement.identity import service, tokens
from disbursement.platform.context import Context

HOST = "127.0.0.1"
PORT = 8025


@common.command
def serve(
    port: Annotated[int, typer.Option(help="Cổng.", min=1, max=65535)] = PORT,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="Có máy chủ trung gian trên chính máy này: tin địa chỉ nguồn do nó chuyển.",
        ),
    ] = False,
) -> None:
    """Mở API và trang tra cứu trên máy này (127.0.0.1)."""
    import uvicorn  # noqa: PLC0415 - other commands need not pay for loading a server

    from disbursement.api.app import create_app  # noqa: PLC0415 - as above
    from disbursement.api.serving import ready  # noqa: PLC0415 - as above

    ctx = ready(common.context())
    base = f"http://{HOST}:{port}"
    typer.echo(f"Đang phục vụ {base} (dừng: Ctrl-C). API: {base}/api/v1/openapi.json")
    _say_hints(ctx, base)
    uvicorn.run(
        create_app(ctx),
        host=HOST,
        port=port,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,  # addresses asked for hold reference codes (F81)
        server_header=False,
        proxy_headers=behind_proxy,
        forwarded_allow_ips=HOST,
        limit_concurrency=256,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=16_384,
    )


@common.command
def token(
    user: Annotated[str, typer.Argument(help="Tên đăng nhập.")],
    hours: Annotated[int, typer.Option(help="Hạn dùng, giờ (1 đến 24).")] = 8,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Cấp mã truy cập API cho người dùng (hỏi mật khẩu khóa ký; người dùng thử thì không)."""
    ctx = common.context()
    who = service.user(ctx, user)
    if not (who.demo and ctx.settings.env == "demo"):
        service.unlock(ctx, user, common.passphrase(user, passphrase_file))
    made = tokens.issue(ctx, who, hours=hours)
    if as_json:
        common.emit({"user": user, "hours": hours, "token": made})
    else:
        typer.echo(made)


def _say_hints(ctx: Context, base: str) -> None:
    from disbursement.api.serving import try_hints  # noqa: PLC0415 - loads the API

    hints = try_hints(ctx)
    if hints is None:
        return
    typer.echo(
        f"Thử trang tra cứu: {base}/status  mã {hints.reference}, năm sinh {hints.year}\n"
        f"Thử API ({hints.username}, 8 giờ):\n"
        f"  curl -H 'Authorization: Bearer {hints.token}' {base}/api/v1/lists"
    )
