"""A command line that is typed wrong: one Vietnamese sentence in place of the library's English."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from disbursement.cli import common
from disbursement.platform.errors import UsageError

_WRONG = (
    (r"valid integer", "phải là số nguyên"),
    (r"valid number", "phải là số"),
    (r"(?:greater|less) than|range", "nằm ngoài khoảng cho phép"),
    (r"valid boolean", "chỉ nhận có hoặc không"),
)
"""What the library says of a value (English) -> what we say."""


class Roof(TyperGroup):
    """The command `disburse`: says usage errors itself."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code (2 where the call itself is wrong)."""
        try:
            _printable(sys.argv[1:] if args is None else args)
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except UsageError as error:
            sys.exit(common.fail(error).exit_code)
        except TyperException as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                typer.echo(error.format_message())
                sys.exit(2)
            sys.exit(common.fail(explain(error)).exit_code)
        except typer.Abort:
            typer.echo("Đã dừng; chưa làm gì.", err=True)
            sys.exit(1)
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def _printable(args: Sequence[str]) -> None:
    """Refuse bytes that are no UTF-8, and characters that act: they would end in the books."""
    for n, word in enumerate(args, 1):
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in word):
            raise UsageError(
                "usage",
                f"Từ thứ {n} của lệnh có ký tự điều khiển hoặc không phải UTF-8; gõ lại từ đó.",
                en=f"Word {n} of the command has a control character, or is not UTF-8.",
            )


def explain(error: TyperException) -> UsageError:
    """Return our error for a usage error of the library: what is wrong, where, what to do."""
    ctx = getattr(error, "ctx", None)
    path = str(ctx.command_path) if ctx is not None else "disburse"
    return UsageError(
        "usage",
        f"{_what(error)}; xem `{path} --help`.",
        en=f"{error.format_message()} See `{path} --help`.",
    )


def _what(error: TyperException) -> str:
    kind, message = type(error).__name__, error.message
    name = _name(getattr(error, "param", None))
    if kind == "MissingParameter":
        return f"Thiếu {name}"
    if kind == "BadParameter":
        why = next((ours for theirs, ours in _WRONG if re.search(theirs, message)), None)
        return f"Giá trị của {name} {why}" if why else f"Giá trị của {name} không đúng ({message})"
    if kind == "NoSuchOption":
        return f"Không có tùy chọn {getattr(error, 'option_name', '')}"
    if kind == "BadOptionUsage":
        return f"Tùy chọn {getattr(error, 'option_name', '')} cần đúng một giá trị"
    if found := re.match(r"No such command '(.*?)'", message):
        return f"Không có lệnh '{found[1]}'"
    if found := re.match(r"Got unexpected extra argument\(?s?\)? \((.*)\)", message):
        return f"Thừa '{found[1]}'"
    if message.startswith("Missing command"):
        return "Thiếu tên lệnh"
    return f"Lệnh viết không đúng ({message})"


def _name(param: Any) -> str:
    """Name an option as it is typed, an argument as the help shows it."""
    if param is None:
        return "tham số"
    if getattr(param, "param_type_name", "") == "option":
        return str(max(param.opts, key=len))
    return f"tham số {getattr(param, 'metavar', None) or param.name}"
