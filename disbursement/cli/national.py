"""`disburse national`: files of the national registers in and out, and how they compare."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.cli.register import AsOf, Encoding, day_arg, encoding_arg
from disbursement.cli.run import month_arg
from disbursement.cli.tables import show
from disbursement.platform.errors import RefusedError
from ledger.money import format_vnd

app = typer.Typer(
    no_args_is_help=True, help="Sổ quốc gia: nhập, đối chiếu, xuất tăng giảm, tuổi của từng sổ."
)

Profile = Annotated[
    str,
    typer.Argument(metavar="PROFILE", help="deaths, population, cases, poor, merit hoặc children."),
]
Payers = Annotated[list[str] | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")]
_STATES = {"fresh": "còn hạn", "old": "đã cũ", "missing": "chưa có"}
_WHEN_OLD = {"warn": "cảnh báo", "stop": "dừng", "off": "bỏ qua"}


@app.command("import")
@common.command
def import_(
    profile: Profile,
    file: Annotated[Path, typer.Argument(help="Tệp XLSX hoặc CSV.")],
    user: As,
    as_of: AsOf = None,
    payer: Annotated[
        str | None, typer.Option("--payer", help="Tệp chỉ nói về một xã (mã 5 số).")
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="Tệp chỉ ghi biến động so với danh sách trước.")
    ] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Có một dòng lỗi thì không nhận dòng nào.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục nhận tệp trả lại.")] = None,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Đọc tệp của một sổ quốc gia: lưu bản có ngày, giữ lại người đã chết, hộ đã ra khỏi."""
    from disbursement.beneficiaries.national.service import (  # noqa: PLC0415 - commands start fast
        import_national,
    )

    ctx = common.context()
    common.known_payers(ctx, payer)
    common.officer(ctx, user, "preparer", "checker", payer=payer or "*")
    report = import_national(
        ctx, profile, file, actor=user, as_of=day_arg(as_of, "--as-of"), payer=payer,
        changes=changes, mode="all" if all_or_nothing else "good", out_dir=out,
        encoding=encoding_arg(encoding),
    )  # fmt: skip
    if as_json:
        common.emit(asdict(report))
    elif report.repeated:
        typer.echo(
            f"Tệp này đã đọc rồi (bản ngày {report.as_of}), không có gì thay đổi; giữ thêm "
            f"{report.new_holds} người."
        )
    else:
        typer.echo(
            f"Đã đọc {report.rows_read} dòng, bản ngày {report.as_of}: nhận {report.taken}, trả "
            f"lại {report.refused}; giữ thêm {report.new_holds} người."
        )
        if report.errors:
            typer.echo(f"Các dòng trả lại, kèm lý do: {report.errors}")
    if report.events and not as_json:
        typer.echo(
            f"Sự kiện chờ quyết định: {report.events}; ghi số, ngày, người ký rồi nhập bằng "
            "`disburse event import`."
        )
    if report.refused and not report.taken:
        raise RefusedError(
            "rows_refused",
            f"Không nhận dòng nào: {report.refused} dòng có lỗi, xem {report.errors}.",
        )


@app.command()
@common.command
def report(
    payer: Payers = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Tệp XLSX ghi từng sai khác (bốn số cuối).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Đối chiếu: ai ở bên đó mà không ở đây, ai ở đây mà không ở bên đó, ai khác, ai đã chết."""
    from disbursement.beneficiaries.national.reconcile import report as compare  # noqa: PLC0415
    from disbursement.documents.reconciled import KIND_WORDS  # noqa: PLC0415 - as above

    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    found = compare(ctx, codes=payer, out=out)
    if as_json:
        common.emit([asdict(r) for r in found])
        return
    for r in found:
        if r.as_of is None:
            typer.echo(f"{r.register}: chưa đọc tệp nào.")
            continue
        days = " – ".join(dict.fromkeys(r.as_of))
        typer.echo(
            f"{r.register} (bản ngày {days}, {r.covered} xã): {format_vnd(r.subjects)} người phải "
            f"có, {format_vnd(r.matched)} khớp số định danh, {r.refused} dòng không đọc được"
        )
        for kind, count in r.counts.items():
            typer.echo(f"{count:8d}  {KIND_WORDS[kind]}")
    if out is not None:
        typer.echo(f"Từng sai khác: {out}")


@app.command()
@common.command
def export(
    profile: Profile,
    month: Annotated[str, typer.Option("--month", help="Tháng chi trả, dạng 2026-11.")],
    out: Annotated[Path, typer.Option("--out", help="Tệp XLSX ghi ra.")],
    user: As,
    payer: Payers = None,
    as_json: Json = False,
) -> None:
    """Xuất cho hệ thống kia: danh sách tăng, giảm và kết quả chi trả của tháng."""
    from disbursement.exchange.outgoing import export_national  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    for code in payer or ["*"]:
        common.officer(ctx, user, "preparer", "checker", "auditor", payer=code)
    done = export_national(ctx, profile, month_arg(month), out, actor=user, codes=payer)
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"Đã ghi {out.name}: tăng {done.increase}, giảm {done.decrease}, kết quả {done.result} "
        "khoản. Tệp có đủ số định danh: chỉ gửi cho hệ thống nhận."
    )


@app.command()
@common.command
def status(payer: Payers = None, as_json: Json = False) -> None:
    """Tuổi của từng sổ: bản ngày nào, bao nhiêu ngày, quá hạn thì làm gì."""
    from disbursement.beneficiaries.national.freshness import status as look  # noqa: PLC0415
    from disbursement.beneficiaries.national.profiles import profile  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    found = look(ctx, payer)
    if as_json:
        common.emit([asdict(a) for a in found])
        return
    same: dict[tuple[str, ...], int] = {}
    for age in found:
        row = (
            age.register,
            profile(age.register).title_vi,
            f"{age.as_of:%d/%m/%Y}" if age.as_of else "-",
            "-" if age.age_days is None else str(age.age_days),
            str(age.policy.max_age_days),
            _STATES[age.state],
            _WHEN_OLD[age.policy.when_old],
            format_vnd(age.rows),
        )
        same[row] = same.get(row, 0) + 1
    show(
        ["Sổ", "Tên", "Bản ngày", "Tuổi (ngày)", "Hạn (ngày)", "Tình trạng", "Quá hạn thì",
         "Số dòng", "Số xã"],
        [[*row, str(count)] for row, count in same.items()],
        left=(0, 1, 2, 5, 6),
    )  # fmt: skip
