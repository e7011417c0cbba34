"""All commands of `disburse` under one roof; each is a module beside this one.

A command is asked for one at a time, so only the module that it lives in is imported: what the
others need (HTTP, SSH, workbooks, the web server) costs a second or two that nobody should wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from disbursement.cli import common
from disbursement.cli.usage import Roof

GROUPS = (
    "bench", "register", "national", "event", "run", "budget", "rates", "cell", "users",
    "statement", "simulate", "cash", "payment", "ledger", "file", "payer", "accounts", "directory",
    "programme", "provider", "receivable", "recall", "outbox", "advance",
)  # fmt: skip
"""Groups of commands; each module has its own `app`."""
COMMANDS = {
    "demo": "demo", "sample": "sample", "explain": "explain", "init": "cell", "migrate": "cell",
    "reconcile": "reconcile", "doctor": "doctor", "worker": "worker", "serve": "serve",
    "token": "serve", "new-adapter": "new_adapter",
}  # fmt: skip
"""Commands that stand alone -> the module that has the function of that name (- as _)."""


def roof(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line: with the one part that `words` ask for, or with all of them."""
    made = typer.Typer(
        cls=Roof, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    made.callback()(options)
    asked = _asked(words)
    for name, module in COMMANDS.items():
        if asked in (None, name):
            made.command(name)(getattr(_module(module), name.replace("-", "_")))
    for name in GROUPS:
        if asked in (None, name):
            made.add_typer(_module(name).app, name=name)
    return made


def _module(name: str) -> Any:
    return import_module(f"disbursement.cli.{name}")


def options(
    home: Annotated[Path | None, typer.Option(help="Thư mục dữ liệu.")] = None,
    cell: Annotated[str | None, typer.Option(help="Mã tỉnh (hai chữ số).")] = None,
    today: Annotated[str | None, typer.Option(help="Đặt ngày (yyyy-mm-dd), chỉ khi thử.")] = None,
    lang: Annotated[str | None, typer.Option(help="vi hoặc en.")] = None,
) -> None:
    """Chi trả trợ cấp xã hội không dùng tiền mặt."""
    common.set_overrides(home=home, cell=cell, today=today, lang=lang)


_WITH_VALUE = ("--home", "--cell", "--today", "--lang")


def _asked(words: Sequence[str]) -> str | None:
    """Return the command that is typed; None where it is not one of ours, or is not there."""
    todo = iter(words)
    for word in todo:
        if word in _WITH_VALUE:
            next(todo, None)
        elif not word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            return word if word in COMMANDS or word in GROUPS else None
    return None
