"""`disburse payer`: who pays, through whom, and what each payer allows itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from disbursement.beneficiaries.national.freshness import set_register_policy
from disbursement.beneficiaries.policies import list_payers, set_policy
from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.cli.tables import show
from disbursement.platform.clock import show_month
from disbursement.platform.errors import UsageError
from ledger.money import format_vnd

app = typer.Typer(help="Đơn vị chi trả: danh sách, cách ký duyệt.", no_args_is_help=True)

_YES = {"yes": True, "no": False, "có": True, "không": False}


@app.command("list")
@common.command
def list_(as_json: Json = False) -> None:
    """Các đơn vị chi trả: số người, nơi ký hợp đồng, cách ký duyệt."""
    found = list_payers(common.context())
    if as_json:
        common.emit([asdict(p) for p in found])
        return
    show(
        ["Mã", "Tên", "Từ kỳ", "Số người", "Đơn vị cung ứng", "Kiểm tra ký thay kế toán",
         "Cần phiếu đã ký"],
        [
            [
                p.code, p.name, show_month(p.go_live_month), format_vnd(p.people),
                ", ".join(p.providers) or "chưa có", _word(p.checker_may_second),
                _word(p.scan_required),
            ]
            for p in found
        ],
        left=(0, 1, 2, 4, 5, 6),
    )  # fmt: skip


@app.command()
@common.command
def policy(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Mã xã.")],
    user: As,
    checker_may_second: Annotated[
        str | None,
        typer.Option(
            "--checker-may-second", metavar="yes|no",
            help="Người kiểm tra được ký cả chữ ký thứ hai (đơn vị ít người; vẫn đủ ba người).",
        ),
    ] = None,
    scan_required: Annotated[
        str | None,
        typer.Option(
            "--scan-required", metavar="yes|no", help="Phải đính kèm phiếu duyệt đã ký rồi mới chi."
        ),
    ] = None,
    register: Annotated[
        str | None,
        typer.Option("--register", help="Sổ quốc gia (deaths, poor ...) mà hai tùy chọn sau nói."),
    ] = None,
    max_age: Annotated[
        int | None, typer.Option("--max-age", help="Sổ được cũ bao nhiêu ngày.")
    ] = None,
    when_old: Annotated[
        str | None,
        typer.Option("--when-old", metavar="warn|stop|off", help="Sổ thiếu hoặc quá hạn thì sao."),
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Đặt cách ký duyệt, tuổi sổ quốc gia của một đơn vị chi trả; người quản trị làm."""
    if register is not None or max_age is not None or when_old is not None:
        _register_policy(code, register, max_age, when_old, user, as_json=as_json)
        if checker_may_second is None and scan_required is None:
            return
    done = set_policy(
        common.context(),
        code,
        checker_may_second=_yes(checker_may_second, "--checker-may-second"),
        scan_required=_yes(scan_required, "--scan-required"),
        actor=user,
    )
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"{done.code}: người kiểm tra ký thay kế toán: {_word(done.checker_may_second)}; "
        f"cần phiếu duyệt đã ký: {_word(done.scan_required)}."
    )


def _register_policy(
    code: str,
    register: str | None,
    max_age: int | None,
    when_old: str | None,
    user: str,
    *,
    as_json: bool,
) -> None:
    if register is None:
        raise UsageError("policy", "--max-age, --when-old cần --register SỔ đi cùng.")
    done = set_register_policy(
        common.context(), code, register, max_age_days=max_age, when_old=when_old, actor=user
    )
    if as_json:
        common.emit({"payer": code, "register": register, **asdict(done)})
        return
    typer.echo(f"{code}: sổ {register} được cũ {done.max_age_days} ngày, quá thì {done.when_old}.")


def _word(flag: bool) -> str:
    return "có" if flag else "không"


def _yes(value: str | None, name: str) -> bool | None:
    if value is None:
        return None
    if value.lower() not in _YES:
        raise UsageError("policy", f"{name} chỉ nhận yes hoặc no, không phải '{value}'.")
    return _YES[value.lower()]
