"""What all commands share: the context from options, errors in one sentence, exit codes, JSON."""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import DisburseError, UsageError
from disbursement.platform.private_pg import private_cluster
from disbursement.platform.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

As = Annotated[str, typer.Option("--as", help="Người thực hiện (tên đăng nhập).")]
Json = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Tệp chứa mật khẩu khóa ký.")
]

_overrides: dict[str, Any] = {}
_stack = ExitStack()
atexit.register(_stack.close)


def set_overrides(**values: Any) -> None:
    """Keep the options given before the command (`--home`, `--cell`, `--today`, `--lang`)."""
    _overrides.update({k: v for k, v in values.items() if v is not None})


def settings() -> Settings:
    """Return the settings of this command: the environment, then the options."""
    return Settings(**_overrides)


def context() -> Context:
    """Return the context for this command.

    A demo that ran on a private PostgreSQL cluster has it started for the length of the command.
    """
    chosen = settings()
    cluster = chosen.home / "pg"
    if chosen.env == "demo" and not chosen.database_url and cluster.exists():
        running = _stack.enter_context(private_cluster(cluster, durable=True))
        chosen = chosen.model_copy(update={"database_url": running})
    return open_context(chosen)


def passphrase(user: str, file: Path | None) -> str:
    """Take the signing passphrase from a file, from DISBURSE_PASSPHRASE, or ask on a terminal."""
    if file is not None:
        try:
            return file.read_text().rstrip("\n")
        except OSError as error:
            raise UsageError("passphrase", f"Không đọc được tệp mật khẩu {file.name}.") from error
    if (value := os.environ.get("DISBURSE_PASSPHRASE")) is not None:
        return value
    if not sys.stdin.isatty():
        raise UsageError(
            "passphrase", f"Cần mật khẩu khóa ký của {user}: dùng --passphrase-file TỆP."
        )
    return str(typer.prompt(f"Mật khẩu khóa ký của {user}", hide_input=True))


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into one sentence and an exit code; nothing else is caught."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except DisburseError as error:
            sentence = error.en if _overrides.get("lang") == "en" else error.sentence
            typer.echo(f"Lỗi [{error.code}]: {sentence}", err=True)
            raise typer.Exit(error.exit_code) from error

    return run


def emit(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))
