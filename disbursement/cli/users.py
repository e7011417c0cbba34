"""`disburse users`: log-ins, roles, signing keys."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import Json, PassphraseFile
from disbursement.identity import service, staff, tokens
from disbursement.identity.rules import ROLES, User
from disbursement.platform.errors import UsageError
from disbursement.programmes.communes import commune

app = typer.Typer(help="Người dùng, vai trò, khóa ký.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--as", help="Người quản trị thực hiện.")]
Name = Annotated[str, typer.Argument(help="Tên đăng nhập.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help="VAI_TRÒ hoặc VAI_TRÒ:MÃ_XÃ; lặp lại được. " + ", ".join(ROLES)),
]


@app.command()
@common.command
def add(
    username: Name,
    name: Annotated[str, typer.Option("--name", help="Họ và tên.")],
    role: Roles,
    by: By = None,
    identity_file: Annotated[
        Path | None, typer.Option(help="Tệp chứa số định danh (12 số); bỏ trống thì hỏi.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Thêm người dùng, tạo khóa ký. Số định danh không ghi trên dòng lệnh."""
    _known_communes(role)
    ctx = common.context()
    made = staff.add(
        ctx,
        username,
        name,
        _identity(identity_file),
        role,
        _new_passphrase(username, passphrase_file),
        actor=by,
    )
    if as_json:
        common.emit(_shown(made))
        return
    typer.echo(
        f"Đã thêm {made.username} ({_roles(made)}). Khóa ký: "
        f"{service.key_path(ctx, username)}; hãy sao lưu tệp này và nhớ mật khẩu."
    )


@app.command("list")
@common.command
def list_users(as_json: Json = False) -> None:
    """Liệt kê người dùng."""
    found = service.users(common.context())
    if as_json:
        common.emit([_shown(u) for u in found])
        return
    for u in found:
        state = "" if u.active else "  [đã dừng]"
        typer.echo(f"{u.username:<20} {u.full_name:<30} {_roles(u)}{state}")


@app.command()
@common.command
def roles(username: Name, role: Roles, by: By = None) -> None:
    """Đặt lại vai trò của một người dùng."""
    _known_communes(role)
    made = staff.set_roles(common.context(), username, role, actor=by)
    typer.echo(f"{made.username}: {_roles(made)}")


@app.command()
@common.command
def stop(username: Name, by: By = None) -> None:
    """Dừng hẳn một người dùng: không đăng nhập, không ký được nữa."""
    staff.stop(common.context(), username, actor=by)
    typer.echo(f"Đã dừng {username}.")


@app.command("declare-account")
@common.command
def declare_account(
    username: Name,
    bank: Annotated[str, typer.Option("--bank", help="Ngân hàng hoặc ví (mã BIC, BIN, tên ngắn).")],
    account: Annotated[str, typer.Option("--account", help="Số tài khoản của cán bộ.")],
    by: Annotated[str, typer.Option("--as", help="Chính cán bộ, hoặc người quản trị.")],
    as_json: Json = False,
) -> None:
    """Khai tài khoản của cán bộ: danh sách chi vào tài khoản này sẽ bị giữ lại."""
    from disbursement.runs import officer_accounts  # noqa: PLC0415 - commands start fast

    made = officer_accounts.declare_account(common.context(), username, bank, account, actor=by)
    if as_json:
        common.emit(asdict(made))
        return
    typer.echo(f"Đã ghi tài khoản ****{made.last4} ({made.bank_code}) của {made.username}.")


@app.command("accounts")
@common.command
def accounts(as_json: Json = False) -> None:
    """Liệt kê tài khoản cán bộ đã khai (bốn số cuối)."""
    from disbursement.runs import officer_accounts  # noqa: PLC0415 - commands start fast

    found = officer_accounts.officer_accounts(common.context())
    if as_json:
        common.emit([asdict(a) for a in found])
        return
    for a in found:
        typer.echo(f"{a.id:>6}  {a.username:<20} {a.bank_code:<12} ****{a.last4}")


@app.command("withdraw-account")
@common.command
def withdraw_account(
    account_id: Annotated[int, typer.Argument(help="Số của tài khoản đã khai.", min=1)],
    by: Annotated[str, typer.Option("--as", help="Người quản trị.")],
) -> None:
    """Bỏ một tài khoản đã khai nhầm hoặc đã đóng; người quản trị làm."""
    from disbursement.runs import officer_accounts  # noqa: PLC0415 - commands start fast

    done = officer_accounts.withdraw_account(common.context(), account_id, actor=by)
    typer.echo(f"Đã bỏ tài khoản ****{done.last4} của {done.username}.")


@app.command("rotate-keys")
@common.command
def rotate_keys() -> None:
    """Đổi khóa của mã truy cập API; mã đang dùng còn hiệu lực đến hết hạn."""
    kid = tokens.rotate_keys(common.context())
    typer.echo(f"Khóa mới: {kid}")


@app.command("revoke-token")
@common.command
def revoke_token(
    token_file: Annotated[Path, typer.Argument(help="Tệp chứa mã truy cập cần hủy.")],
    by: Annotated[str, typer.Option("--as", help="Người thực hiện.")],
) -> None:
    """Hủy một mã truy cập trước hạn."""
    ctx = common.context()
    service.user(ctx, by)
    claims = tokens.revoke(ctx, _line(token_file), actor=by)
    typer.echo(f"Đã hủy mã truy cập của {claims.subject}.")


def _known_communes(roles: list[str]) -> None:
    """Refuse a scope that is no commune: the role would be for nobody. Raises NotFoundError."""
    for role in roles:
        scope = role.partition(":")[2]
        if len(scope) == 5:  # any other form is refused with the form that is expected
            commune(scope)


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "file",
            f"Không đọc được tệp {path.name}: phải là tệp chữ UTF-8 đọc được; kiểm tra đường dẫn.",
        ) from error


def _identity(path: Path | None) -> str:
    if path is not None:
        return _line(path)
    if not sys.stdin.isatty():
        raise UsageError("identity", "Cần số định danh của cán bộ: dùng --identity-file TỆP.")
    return str(typer.prompt("Số định danh cá nhân (12 số)", hide_input=True))


def _new_passphrase(username: str, path: Path | None) -> str:
    """Take a new passphrase; on a terminal ask twice, since a typing error would be for ever."""
    asked = path is None and "DISBURSE_PASSPHRASE" not in os.environ and sys.stdin.isatty()
    if not asked:
        return common.passphrase(username, path)
    question = f"Mật khẩu khóa ký mới của {username}"
    return str(typer.prompt(question, hide_input=True, confirmation_prompt="Nhập lại"))


def _roles(who: User) -> str:
    return ", ".join(r if scope == "*" else f"{r}:{scope}" for r, scope in sorted(who.grants))


def _shown(who: User) -> dict[str, object]:
    return {
        "username": who.username,
        "full_name": who.full_name,
        "roles": [f"{role}:{scope}" for role, scope in sorted(who.grants)],
        "active": who.active,
        "demo": who.demo,
    }
