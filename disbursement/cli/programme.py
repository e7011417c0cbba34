"""`disburse programme`: list programmes: gifts, quarters, terms, amounts decided elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.beneficiaries.programmes import import_programme
from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.platform.clock import today
from disbursement.platform.errors import RefusedError, UsageError
from disbursement.programmes.approved import approved
from disbursement.programmes.list_rates import FILE, line_of, load_list_rates

app = typer.Typer(help="Chương trình chi theo danh sách.", no_args_is_help=True)


@app.command("import")
@common.command
def import_(
    code: Annotated[str, typer.Argument(help="Mã chương trình; xem `programme list`.")],
    file: Annotated[Path, typer.Argument(help="Tệp XLSX hoặc CSV (docs/programmes.md).")],
    user: As,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Có một dòng lỗi thì không nhận dòng nào.")
    ] = False,
    payer: Annotated[str | None, typer.Option("--payer", help="Chỉ nhận xã này.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục ghi dòng trả lại.")] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="utf-8 hoặc windows-1258.")] = "utf-8",
    as_json: Json = False,
) -> None:
    """Nhập danh sách của một chương trình: nhận dòng đúng, trả lại dòng lỗi kèm lý do."""
    if encoding not in ("utf-8", "windows-1258"):
        raise UsageError("encoding", "--encoding chỉ nhận utf-8 hoặc windows-1258.")
    ctx = common.context()
    common.known_payers(ctx, payer)
    common.officer(ctx, user, "preparer", payer=payer or "*")
    report = import_programme(
        ctx,
        code,
        file,
        mode="all" if all_or_nothing else "good",
        actor=user,
        payer=payer,
        out_dir=out,
        encoding="windows-1258" if encoding == "windows-1258" else "utf-8",
    )
    if as_json:
        common.emit(asdict(report))
    elif report.repeated:
        typer.echo(f"Tệp này đã nhập rồi: {report.rows_read} dòng, không có gì thay đổi.")
    else:
        typer.echo(
            f"{report.programme}: đã đọc {report.rows_read} dòng, nhận {report.taken}, trả lại "
            f"{report.refused}; {report.people} người mới, {report.months} tháng mới, "
            f"{report.replaced} tháng thay quyết định."
        )
        if report.cases or report.changed:
            typer.echo(
                f"Hồ sơ hưởng hằng tháng: {report.cases} mới, {report.changed} thay đổi; số tiền "
                "từng tháng do danh sách kỳ tới tính."
            )
        if report.errors:
            typer.echo(f"Các dòng trả lại, kèm lý do: {report.errors}")
    if report.refused and not report.taken:
        raise RefusedError(
            "rows_refused",
            f"Không nhận dòng nào: {report.refused} dòng có lỗi, xem {report.errors}; sổ không "
            "thay đổi.",
        )


@app.command("list")
@common.command
def list_(as_json: Json = False) -> None:
    """Các chương trình chi theo danh sách đang dùng được."""
    ctx = common.context()
    ctx.cell.require()
    with ctx.cell.read() as conn:
        lists = load_list_rates(approved(conn, today(ctx.clock)).files[FILE])
    rows = [
        {"code": c, "line": line_of(c), "shape": r[-1].shape, "title": r[-1].title_vi}
        for c, r in lists.rows.items()
    ]
    if as_json:
        common.emit(rows)
        return
    for row in rows:
        typer.echo(f"{row['code']:<16} nguồn {row['line']:<16} {row['shape']:<20} {row['title']}")
