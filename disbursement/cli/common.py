"""What all commands share: the context from options, errors in one sentence, exit codes, JSON."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from pydantic import ValidationError

from disbursement.identity.rules import EVERYWHERE
from disbursement.identity.service import require
from disbursement.identity.service import user as find_user
from disbursement.platform import private_pg
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import DisburseError, NotFoundError, UsageError
from disbursement.platform.failures import explain
from disbursement.platform.settings import Settings
from ledger.sql import text

P = ParamSpec("P")
R = TypeVar("R")

As = Annotated[str, typer.Option("--as", help="Người thực hiện (tên đăng nhập).")]
Json = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Tệp chứa mật khẩu khóa ký.")
]

LARGEST = 2**63 - 1
"""No number of a row is larger; what is, is a slip of the keyboard."""

_overrides: dict[str, Any] = {}
_stack = ExitStack()
atexit.register(_stack.close)


def set_overrides(**values: Any) -> None:
    """Keep the options given before the command (`--home`, `--cell`, `--today`, `--lang`)."""
    _overrides.update({k: v for k, v in values.items() if v is not None})


_NAMED = {
    "home": "--home", "cell": "--cell", "today": "--today", "lang": "--lang",
    "env": "DISBURSE_ENV", "xsd_dir": "DISBURSE_XSD_DIR", "DATABASE_URL": "DATABASE_URL",
}  # fmt: skip


def settings() -> Settings:
    """Return the settings of this command: the environment, then the options.

    Raises UsageError naming the option or the variable whose value cannot be used.
    """
    try:
        return Settings(**_overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        allowed = first.get("ctx", {}).get("expected", "").replace(" or ", " hoặc ")
        raise UsageError(
            "setting",
            f"Giá trị của {_NAMED.get(name, f'DISBURSE_{name.upper()}')} không đúng"
            f"{f': chỉ nhận {allowed}' if allowed else ''}; sửa rồi chạy lại.",
            en=f"The value of {_NAMED.get(name, name)} cannot be used: {first['msg']}.",
        ) from error


def context(*, new: bool = False) -> Context:
    """Return the context for this command.

    A demo that ran on a private PostgreSQL cluster has it started for the length of the command.
    Only `new` makes a home where there is none: a mistyped --home must not become one. Raises
    NotFoundError `no_home`, and as `open_context`.
    """
    chosen = settings()
    if not new and not chosen.key_file.exists():
        raise NotFoundError(
            "no_home",
            f"Chưa có dữ liệu trong thư mục {chosen.home}: kiểm tra --home (hoặc DISBURSE_HOME), "
            "hoặc chạy `disburse init` để lập mới.",
            en=f"There is no data in {chosen.home}: check --home, or run `disburse init`.",
        )
    cluster = chosen.home / "pg"
    if chosen.env == "demo" and not chosen.database_url and private_pg.made(cluster):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # stops it too
        running = _stack.enter_context(private_pg.private_cluster(cluster, durable=True))
        chosen = chosen.model_copy(update={"database_url": running})
    return open_context(chosen)


def officer(ctx: Context, name: str, *roles: str, payer: str = EVERYWHERE) -> None:
    """Refuse who is not on the staff, or holds none of these roles for the payer (all: `*`).

    Raises NotFoundError `user`, NotAllowedError `user_stopped`, `role`.
    """
    ctx.cell.require()
    who = find_user(ctx, name)
    if not any(who.holds(role, payer) for role in roles):
        with ctx.cell.read() as conn:
            require(conn, who, roles[0], payer)


def known_payers(ctx: Context, codes: str | Sequence[str] | None) -> None:
    """Refuse a payer that is not there: an empty answer would read as "nothing to do".

    Raises NotFoundError `payer`.
    """
    asked = [codes] if isinstance(codes, str) else list(codes or ())
    if not asked:
        return
    with ctx.cell.read() as conn:
        have = set(conn.execute(text("SELECT code FROM payer")).scalars())
    for code in asked:
        if code not in have:
            raise NotFoundError(
                "payer",
                f"Không có đơn vị chi trả mã {code}: kiểm tra lại mã xã (5 số), hoặc chạy "
                "`disburse register payers` trước.",
            )


def passphrase(user: str, file: Path | None) -> str:
    """Take the signing passphrase from a file, from DISBURSE_PASSPHRASE, or ask on a terminal."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "passphrase",
                f"Không đọc được tệp mật khẩu {file.name}: phải là tệp chữ UTF-8 đọc được; kiểm "
                "tra đường dẫn sau --passphrase-file.",
            ) from error
    if (value := os.environ.get("DISBURSE_PASSPHRASE")) is not None:
        return value
    if not sys.stdin.isatty():
        raise UsageError(
            "passphrase", f"Cần mật khẩu khóa ký của {user}: dùng --passphrase-file TỆP."
        )
    return str(typer.prompt(f"Mật khẩu khóa ký của {user}", hide_input=True))


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into one sentence and an exit code, the machine's failures too.

    A fault of the program itself is not caught: it must be seen.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except DisburseError as error:
            raise fail(error) from error
        except Exception as error:
            if isinstance(error, BrokenPipeError) or (known := explain(error)) is None:
                raise
            raise fail(known) from error

    return run


def in_english() -> bool:
    """Tell whether people are spoken to in English (`--lang en`)."""
    return _overrides.get("lang") == "en"


def fail(error: DisburseError) -> typer.Exit:
    """Say one sentence on stderr; return the exit that the command leaves with."""
    word, sentence = ("Error", error.en) if in_english() else ("Lỗi", error.sentence)
    typer.echo(f"{word} [{error.code}]: {sentence}", err=True)
    return typer.Exit(error.exit_code)


def emit(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))
