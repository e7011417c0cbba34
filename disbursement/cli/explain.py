"""`disburse explain`: why an amount is what it is, for a dossier in a file. Needs no database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.platform.errors import UsageError
from disbursement.platform.failures import why


@common.command
def explain(
    file: Annotated[
        str, typer.Argument(metavar="TỆP|-", help="Hồ sơ (JSON), hoặc - để đọc stdin.")
    ],
    as_json: common.Json = False,
    as_html: Annotated[bool, typer.Option("--html", help="In trang HTML để in ra giấy.")] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="vi hoặc en.")] = None,
) -> None:
    """Giải thích số tiền của một hồ sơ: được hưởng, thu hồi, giữ lại, theo điều luật nào."""
    from disbursement.documents.explained import page, text  # noqa: PLC0415 - commands start fast
    from disbursement.entitlements import explain as law  # noqa: PLC0415 - commands start fast
    from disbursement.entitlements.dossier import read  # noqa: PLC0415 - commands start fast

    if lang is not None and lang not in ("vi", "en"):
        raise UsageError("lang", "--lang chỉ nhận vi hoặc en.", en="--lang takes vi or en.")
    common.set_overrides(lang=lang)
    if as_json and as_html:
        raise UsageError("format", "Chọn một: --json hoặc --html.", en="Choose --json or --html.")
    dossier = read(_bytes(file))
    answer = law.explain(dossier)
    if as_json:
        common.emit(answer.as_dict())
        return
    write = page if as_html else text
    typer.echo(write(dossier, answer, english=common.in_english()), nl=False)


def _bytes(file: str) -> bytes:
    """Read the dossier, one byte more than it may have. Raises UsageError."""
    from disbursement.entitlements.dossier_json import MAX_BYTES  # noqa: PLC0415 - commands start fast

    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(file).open("rb") as source:
            return source.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "file",
            f"Không đọc được tệp {Path(file).name} ({why(error)}); kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}.",
        ) from error
