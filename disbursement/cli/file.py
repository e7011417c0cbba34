"""`disburse file`: says what a file is that somebody sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disbursement.beneficiaries.reader import Encoding
from disbursement.cli import common
from disbursement.cli.common import Json
from disbursement.exchange.inspect import KINDS, Inspected, Known, account
from disbursement.exchange.inspect import inspect as look_into
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError, UsageError
from ledger.money import format_vnd

app = typer.Typer(help="Xem một tệp là gì.", no_args_is_help=True)

_VALID = {True: "đúng lược đồ", False: "KHÔNG đúng lược đồ", None: "chưa đối chiếu được lược đồ"}


@app.callback()
def file() -> None:
    """Xem một tệp là gì."""


@app.command()
@common.command
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Tệp XML, XLSX hoặc CSV.")],
    encoding: Annotated[
        str, typer.Option("--encoding", help="Bảng mã của CSV: utf-8 hoặc windows-1258.")
    ] = "utf-8",
    as_json: Json = False,
) -> None:
    """Loại tệp, của ai, bao nhiêu dòng, tổng tiền, mã tóm tắt, có trong sổ chưa; không ghi gì."""
    if encoding not in ("utf-8", "windows-1258"):
        raise UsageError("encoding", "--encoding chỉ nhận utf-8 hoặc windows-1258.")
    chosen: Encoding = "utf-8" if encoding == "utf-8" else "windows-1258"
    if as_json:
        about = account(path, _books(), encoding=chosen)
        common.emit(about)
        if not (about["complete"] and about["importable"]):
            raise typer.Exit(RefusedError.exit_code)
        return
    found = look_into(path, _books(), encoding=chosen)
    for name, value in _lines(found):
        typer.echo(f"{name + ':':<26}{value}")
    if found.kind == "pain.001" and found.valid is False:
        raise typer.Exit(RefusedError.exit_code)  # what leaves must satisfy its schema


def _books() -> Context | None:
    """Return the books where there are any; the command works without."""
    return common.context() if common.settings().key_file.exists() else None


def _lines(found: Inspected) -> list[tuple[str, str]]:
    xml = found.kind.startswith(("pain", "camt"))
    total = "không có" if found.total_vnd is None else f"{format_vnd(found.total_vnd)} đồng"
    out = [
        ("Tệp", found.name),
        ("Loại", f"{KINDS[found.kind]} ({found.version})" if found.version else KINDS[found.kind]),
        *(("Của", who) for who in found.whose[:5]),
    ]
    if len(found.whose) > 5:
        out.append(("Của", f"và {len(found.whose) - 5} đơn vị khác"))
    if found.kind != "other":
        out += [("Số dòng", format_vnd(found.rows)), ("Tổng số tiền", total)]
    if xml:
        out.append(("Lược đồ XSD", _VALID[found.valid]))
    out += [*found.details, *(("Lưu ý", w) for w in found.warnings)]
    out += [("Kích thước", f"{format_vnd(found.size)} byte"), ("SHA-256", found.sha256)]
    if found.known is None:
        return [*out, ("Trong sổ", "chưa có sổ để đối chiếu")]
    return [*out, *(("Trong sổ", _known(k)) for k in found.known or (Known("chưa có"),))]


def _known(known: Known) -> str:
    return ", ".join(part for part in (known.what, known.state, known.at[:10]) if part)
