"""`disburse directory`: the bank directory, its changes by two people, VietQR codes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.beneficiaries import directory as service
from disbursement.beneficiaries.directory import ShownVersion
from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.platform.errors import RefusedError, UsageError
from disbursement.platform.failures import why

app = typer.Typer(
    no_args_is_help=True, help="Danh mục ngân hàng, ví, kho bạc: tra, nạp, duyệt; mã VietQR."
)
qr = typer.Typer(no_args_is_help=True, help="Đọc và viết mã VietQR.")
app.add_typer(qr, name="vietqr")

Number = Annotated[
    int, typer.Argument(metavar="VERSION", min=1, max=common.LARGEST, help="Số của bản danh mục.")
]
_WHAT = {"new": "thêm", "changed": "đổi", "same": "giữ nguyên"}
_STATE = {"proposed": "chờ duyệt", "approved": "đã duyệt"}


@app.command("import")
@common.command
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp CSV, cột như trong docs/accounts.md.")],
    user: As,
    note: Annotated[str, typer.Option("--note", help="Ghi chú: văn bản, lý do.")] = "",
    as_json: Json = False,
) -> None:
    """Nạp thay đổi của danh mục từ tệp CSV: nhận cả hoặc không nhận gì; chờ người thứ hai duyệt."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(
            "file", f"Không đọc được tệp {file.name} ({why(error)}); kiểm tra đường dẫn."
        ) from error
    shown = service.propose(common.context(), file.name, content, actor=user, note=note)
    if as_json:
        common.emit(service.plain(shown))
        return
    _print(shown)
    number = shown.version.number
    typer.echo(
        f"Đã nạp bản danh mục số {number}, chờ duyệt: `disburse directory approve {number}`."
    )


@app.command()
@common.command
def approve(
    number: Number,
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Duyệt một bản danh mục (người thứ hai); danh sách lập từ nay theo bản này."""
    shown = service.approve(common.context(), number, actor=user, document=document)
    if as_json:
        common.emit(service.plain(shown))
        return
    _print(shown)
    typer.echo(f"Đã duyệt bản danh mục số {number}, theo: {shown.version.document}.")


@app.command("list")
@common.command
def list_(as_json: Json = False) -> None:
    """Liệt kê các bản danh mục đã nạp."""
    found = service.versions(common.context())
    if as_json:
        common.emit([asdict(v) for v in found])
        return
    for v in found:
        used = f", duyệt: {v.approved_by}, theo {v.document}" if v.approved_by else ""
        typer.echo(
            f"{v.number:4d}  {_STATE[v.state]}  {v.file_name}, {v.rows} dòng, nạp: "
            f"{v.proposed_by}{used}"
        )
    if not found:
        typer.echo("Chưa nạp bản nào; danh mục đang dùng là bản theo phần mềm.")


@app.command()
@common.command
def diff(number: Number, as_json: Json = False) -> None:
    """So một bản danh mục với danh mục trước nó: dòng nào thêm, đổi gì, còn mâu thuẫn nào."""
    shown = service.show_version(common.context(), number)
    if as_json:
        common.emit(service.plain(shown))
    else:
        _print(shown)


@app.command()
@common.command
def show(
    code: Annotated[str, typer.Argument(help="Mã BIC, BIN NAPAS, mã VietQR hoặc tên viết tắt.")],
    as_json: Json = False,
) -> None:
    """Tra một ngân hàng, ví, kho bạc: các mã, nguồn, độ tin cậy, có được dùng để chi không."""
    from bank_adapters.directory import profile_names  # noqa: PLC0415 - commands start fast

    bank, doubt = service.find(common.context(), code)
    names = profile_names(bank)
    if as_json:
        common.emit({**asdict(bank), "names": names, "usable": not doubt, "why_not": doubt})
        return
    typer.echo(f"{bank.short_name}: {bank.name_vi} ({bank.kind})")
    for label, value in (
        ("BIC", bank.bic), ("BIN NAPAS", bank.napas_bin), ("Mã VietQR", bank.vietqr_code),
        ("Mã 3 số", bank.sbv_code), ("Mã CITAD", bank.citad_codes), ("Tên nay", bank.now),
        ("Từ ngày", bank.valid_from), ("Đến ngày", bank.valid_to),
        ("Độ tin cậy", bank.confidence), ("Nguồn", bank.source), ("Bản", bank.origin),
    ):  # fmt: skip
        if value:
            typer.echo(f"  {label}: {value}")
    for mark, name in names.items():
        typer.echo(f"  Tên trong mẫu {mark}: {name}")
    if doubt:
        typer.echo(f"  KHÔNG DÙNG ĐỂ CHI cho đến khi có bản danh mục được duyệt: {doubt}")


@app.command()
@common.command
def contradictions(as_json: Json = False) -> None:
    """Liệt kê chỗ các nguồn mâu thuẫn; các mã này bị giữ, không chi."""
    found = service.directory(common.context()).contradictions
    if as_json:
        common.emit([asdict(c) for c in found])
        return
    for c in found:
        typer.echo(f"{c.system} {', '.join(c.codes)}: {c.words}")
    if not found:
        typer.echo("Không có mâu thuẫn nào.")


@qr.command()
@common.command
def read(
    payload: Annotated[str, typer.Argument(help="Nội dung mã QR của người nhận.")],
    as_json: Json = False,
) -> None:
    """Đọc mã VietQR của người nhận: ngân hàng, số tài khoản, nội dung."""
    from bank_adapters.contract import AdapterError  # noqa: PLC0415 - commands start fast
    from bank_adapters.vietqr import read_qr  # noqa: PLC0415 - as above

    try:
        code = read_qr(payload)
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    bank, doubt = service.find(common.context(), code.bin)
    if as_json:
        common.emit({
            **asdict(code), "bank": bank.short_name, "bic": bank.bic, "usable": not doubt,
            "why_not": doubt,
        })  # fmt: skip
        return
    typer.echo(f"{bank.short_name} (BIN {code.bin}), số tài khoản {code.account}")
    if code.purpose or code.amount_vnd is not None:
        typer.echo(f"  Số tiền: {code.amount_vnd or 'trống'}; nội dung: {code.purpose or 'trống'}")
    if doubt:
        typer.echo(f"  KHÔNG DÙNG ĐỂ CHI: {doubt}")


@qr.command()
@common.command
def write(
    bank: Annotated[str, typer.Argument(help="Mã BIN, BIC hoặc tên viết tắt.")],
    account: Annotated[str, typer.Argument(help="Số tài khoản.")],
    amount: Annotated[int | None, typer.Option("--amount", help="Số tiền (đồng).")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Nội dung, không dấu.")] = None,
    as_json: Json = False,
) -> None:
    """Viết mã VietQR cho một tài khoản, để in trên giấy báo."""
    from bank_adapters.contract import AdapterError  # noqa: PLC0415 - commands start fast
    from bank_adapters.vietqr import VietQr, write_qr  # noqa: PLC0415 - as above

    found, doubt = service.find(common.context(), bank)
    if doubt or not found.napas_bin:
        raise RefusedError(
            "bank_doubtful",
            f"Mã BIN của {found.short_name} chưa chắc chắn hoặc chưa có; nạp và duyệt bằng "
            "`disburse directory import` trước.",
        )
    try:
        payload = write_qr(VietQr(found.napas_bin, account, amount, purpose))
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    if as_json:
        common.emit({"payload": payload, "bin": found.napas_bin})
    else:
        typer.echo(payload)


def _print(shown: ShownVersion) -> None:
    for change in shown.changes:
        cells = "; ".join(f"{c}: '{old}' → '{new}'" for c, (old, new) in change.cells.items())
        typer.echo(f"{_WHAT[change.what]:10s} {change.short_name}  {cells}".rstrip())
    for c in shown.settles:
        typer.echo(f"hết mâu thuẫn: {c.system} {', '.join(c.codes)}")
    for c in shown.leaves:
        typer.echo(f"CÒN MÂU THUẪN: {c.system} {', '.join(c.codes)}: {c.words}")
