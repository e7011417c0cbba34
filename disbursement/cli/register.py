"""`disburse register`: import, open, check, holds, clean, release; payers and contracts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from disbursement.cli import common
from disbursement.cli.run import month_arg
from disbursement.platform.clock import show_month
from disbursement.platform.errors import UsageError
from ledger.money import format_vnd

app = typer.Typer(no_args_is_help=True, help="Danh sách đối tượng: nhập, mở sổ, kiểm tra, giữ.")

FileArgument = Annotated[Path, typer.Argument(help="Tệp XLSX hoặc CSV.")]
Out = Annotated[Path | None, typer.Option("--out", help="Thư mục nhận tệp trả lại.")]
Encoding = Annotated[
    str, typer.Option("--encoding", help="Bảng mã của CSV: utf-8 hoặc windows-1258.")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Ngày của tệp (dd/mm/yyyy); mặc định hôm nay, nếu tệp chưa đọc."),
]
Payer = Annotated[str | None, typer.Option("--payer", help="Chỉ một xã (mã 5 số).")]


def encoding_arg(value: str) -> Literal["utf-8", "windows-1258"]:
    """Read an encoding option. Raises UsageError."""
    if value == "windows-1258":
        return "windows-1258"
    if value == "utf-8":
        return "utf-8"
    raise UsageError("encoding", "--encoding chỉ nhận utf-8 hoặc windows-1258.")


def day_arg(value: str | None, option: str) -> date | None:
    """Read a day option (dd/mm/yyyy or yyyy-mm-dd). Raises UsageError."""
    from disbursement.beneficiaries.rules import read_date  # noqa: PLC0415 - commands start fast

    if value is None:
        return None
    found = read_date(value)
    if found is None:
        raise UsageError("day", f"{option} phải là ngày, dạng dd/mm/yyyy.")
    return found


def read_identity(path: str) -> str:
    """Read an identity number from a file, so that none stays in the shell's history."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "identity",
            "Không đọc được tệp số định danh: phải là tệp chữ UTF-8 đọc được; kiểm tra đường "
            "dẫn sau --identity-file.",
        ) from error


@app.command("payers")
@common.command
def payers(
    go_live: Annotated[str, typer.Option("--go-live", help="Tháng chi trả đầu tiên (2026-10).")],
    province: Annotated[str | None, typer.Option(help="Mã tỉnh; mặc định tỉnh đang làm.")] = None,
    as_json: common.Json = False,
) -> None:
    """Lập mọi xã, phường của tỉnh làm đơn vị chi trả."""
    from disbursement.beneficiaries.payers import create_payers  # noqa: PLC0415 - as above

    ctx = common.context()
    month = month_arg(go_live)
    made = create_payers(ctx, ctx.cell.code if province is None else province, month)
    if as_json:
        common.emit({"payers": made, "go_live": month})
        return
    typer.echo(f"Đã lập {made} đơn vị chi trả, vận hành từ tháng {show_month(month)}.")


@app.command("contracts")
@common.command
def contracts(file: FileArgument, as_json: common.Json = False) -> None:
    """Ghi hợp đồng chi trả từ tệp."""
    from disbursement.beneficiaries.payers import import_contracts  # noqa: PLC0415 - as above

    made = import_contracts(common.context(), file)
    if as_json:
        common.emit({"contracts": made})
        return
    typer.echo(f"Đã ghi {made} hợp đồng chi trả mới.")


@app.command("import")
@common.command
def import_(
    file: FileArgument,
    user: common.As,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Có một dòng lỗi thì không nhận dòng nào.")
    ] = False,
    payer: Payer = None,
    out: Out = None,
    encoding: Encoding = "utf-8",
    as_json: common.Json = False,
) -> None:
    """Nhập danh sách: nhận dòng đúng, trả lại dòng lỗi kèm lý do."""
    from disbursement.beneficiaries.service import (  # noqa: PLC0415 - as above
        import_register,
        require_taken,
    )

    ctx = common.context()
    common.known_payers(ctx, payer)
    common.officer(ctx, user, "preparer", payer=payer or "*")
    report = import_register(
        ctx,
        file,
        mode="all" if all_or_nothing else "good",
        actor=user,
        payer=payer,
        out_dir=out,
        encoding=encoding_arg(encoding),
    )
    if as_json:
        common.emit(asdict(report))
    elif report.repeated:
        typer.echo(f"Tệp này đã nhập rồi: {report.rows_read} dòng, không có gì thay đổi.")
    else:
        typer.echo(
            f"Đã đọc {report.rows_read} dòng: nhận {report.taken} (đổi {report.changed}), giữ "
            f"nguyên {report.unchanged}, trả lại {report.refused}."
        )
        typer.echo(
            f"Người mới {report.people}, hồ sơ mới {report.cases}, nơi nhận mới "
            f"{report.destinations}, phải giữ lại {report.held}."
        )
        if report.lump_sums:
            typer.echo(f"Khoản một lần của người có công: {report.lump_sums}.")
        if report.errors:
            typer.echo(f"Các dòng trả lại, kèm lý do: {report.errors}")
    require_taken(report)


@app.command("open")
@common.command
def open_(
    through: Annotated[str, typer.Option("--through", help="Đã trả đến hết tháng (2026-09).")],
    user: common.As,
    file: Annotated[Path | None, typer.Argument(help="Tệp số đã trả.")] = None,
    out: Out = None,
    encoding: Encoding = "utf-8",
    as_json: common.Json = False,
) -> None:
    """Mở sổ: ghi số đã trả của từng tháng trước tháng vận hành."""
    from disbursement.beneficiaries.openings import open_register  # noqa: PLC0415 - as above

    ctx = common.context()
    common.officer(ctx, user, "preparer")
    report = open_register(
        ctx, file, month_arg(through), user, out_dir=out, encoding=encoding_arg(encoding)
    )
    if as_json:
        common.emit(asdict(report))
        return
    typer.echo(
        f"Đã mở sổ cho {report.people} người: {format_vnd(report.amount_vnd)} đồng, "
        f"{report.journals} bút toán; {report.differing} người có số đã trả khác mức tính được, "
        f"{report.held} người bị giữ vì chưa có số đã trả."
    )
    if report.errors:
        typer.echo(f"Trả lại {report.refused} dòng, kèm lý do: {report.errors}")


@app.command("check")
@common.command
def check(
    file: FileArgument,
    user: common.As,
    as_of: AsOf = None,
    encoding: Encoding = "utf-8",
    as_json: common.Json = False,
) -> None:
    """Đọc trả lời của cơ sở dữ liệu dân cư (người đã chết) và giữ lại."""
    from disbursement.beneficiaries.holds import check_deaths  # noqa: PLC0415 - as above

    ctx = common.context()
    common.officer(ctx, user, "preparer", "checker")
    report = check_deaths(
        ctx, file, user, encoding=encoding_arg(encoding), as_of=day_arg(as_of, "--as-of")
    )
    if as_json:
        common.emit(asdict(report))
        return
    typer.echo(
        f"Đã đọc {report.rows_read} dòng: {report.found} người trong sổ, {report.unknown} số không "
        f"có trong sổ; giữ thêm {report.new_holds}."
    )


@app.command("holds")
@common.command
def holds(
    payer: Payer = None,
    released: Annotated[bool, typer.Option("--all", help="Cả hồ sơ đã giải quyết.")] = False,
    as_json: common.Json = False,
) -> None:
    """Liệt kê hồ sơ đang bị giữ (bốn số cuối)."""
    from disbursement.beneficiaries.holds import count_holds, list_holds  # noqa: PLC0415
    from disbursement.documents.words import reason_words  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    if as_json:
        common.emit([asdict(r) for r in list_holds(ctx, payer=payer, released=released)])
        return
    if payer is None and not released:
        for kind, reason, count in count_holds(ctx):
            typer.echo(f"{count:8d}  {kind:8s} {reason_words(reason)}")
        return
    for row in list_holds(ctx, payer=payer, released=released):
        typer.echo(
            f"{row.id:8d}  {row.payer}  {row.reference}  ****{row.last4}  {row.reason}: "
            f"{row.detail}"
        )


@app.command("clean")
@common.command
def clean(
    out: Annotated[Path, typer.Option("--out", help="Thư mục nhận tệp.")],
    payer: Payer = None,
    as_json: common.Json = False,
) -> None:
    """Lập danh sách cần làm sạch dữ liệu, mỗi xã một tệp XLSX."""
    from disbursement.beneficiaries.holds import write_cleaning  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    paths = write_cleaning(ctx, out, payer=payer)
    if as_json:
        common.emit([str(p) for p in paths])
        return
    typer.echo(f"Đã lập {len(paths)} danh sách trong {out}.")


@app.command("release")
@common.command
def release(
    hold: Annotated[int, typer.Argument(help="Số hồ sơ giữ.", min=1, max=common.LARGEST)],
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: common.As,
    identity: Annotated[
        str | None, typer.Option("--identity-file", help="Tệp chứa số định danh 12 số.")
    ] = None,
    birth: Annotated[str | None, typer.Option("--birth", help="Ngày sinh (dd/mm/yyyy).")] = None,
    as_json: common.Json = False,
) -> None:
    """Giải quyết một hồ sơ giữ theo văn bản; có thể ghi số định danh hoặc ngày sinh."""
    from disbursement.beneficiaries.holds import (  # noqa: PLC0415 - as above
        payer_of_hold,
        release_hold,
    )

    number = None if identity is None else read_identity(identity)
    ctx = common.context()
    common.officer(ctx, user, "preparer", "checker", payer=payer_of_hold(ctx, hold))
    row = release_hold(ctx, hold, document, user, identity=number, birth=day_arg(birth, "--birth"))
    if as_json:
        common.emit(asdict(row))
        return
    typer.echo(f"Đã giải quyết hồ sơ giữ số {row.id} ({row.reason}) theo: {row.document}.")
