"""`disburse users` as an operator uses it, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from disbursement.cli import common
from disbursement.cli.users import app
from disbursement.identity import service, tokens
from disbursement.identity.tokens import InvalidTokenError
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.migrate import create_cell

SECRET = "một mật khẩu dài"


class Desk:
    """An operator's terminal."""

    def __init__(self, ctx: Context, folder: Path) -> None:
        self.ctx, self.folder = ctx, folder
        (folder / "secret").write_text(SECRET + "\n")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    def add(self, name: str, last: int, *roles: str, by: str | None = None, **more: str) -> Result:
        path = self.folder / f"identity-{name}"
        path.write_text(more.get("identity", f"0010800000{last:02d}"))
        options = [w for role in roles for w in ("--role", role)]
        if by:
            options += ["--as", by]
        return self.run(
            "add", name, "--name", f"Cán bộ {name}", "--identity-file", str(path),
            "--passphrase-file", str(self.folder / "secret"), *options,
        )  # fmt: skip


@pytest.fixture
def desk(ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(common, "context", lambda: ctx)
    return Desk(ctx, tmp_path)


def names(ctx: Context) -> list[str]:
    return [u.username for u in service.users(ctx)]


def test_the_first_user_is_an_administrator_who_enters_the_others(desk: Desk) -> None:
    refused = desk.add("an", 1, "preparer")
    assert refused.exit_code == 3
    assert "first_user" in refused.stderr
    done = desk.add("chu", 1, "administrator")
    assert done.exit_code == 0, done.output
    assert "chu.pem" in done.stdout
    assert desk.add("an", 2, "preparer").exit_code == 4  # nobody acts
    assert desk.add("an", 2, "preparer:04792", by="chu").exit_code == 0
    assert desk.add("binh", 3, "checker", by="an").exit_code == 4  # no administrator
    assert desk.add("binh", 3, "checker", by="ma").exit_code == 3  # nobody of that name
    assert names(desk.ctx) == ["an", "chu"]
    listed = json.loads(desk.run("list", "--json").stdout)
    assert [(u["username"], u["roles"], u["active"]) for u in listed] == [
        ("an", ["preparer:04792"], True),
        ("chu", ["administrator:*"], True),
    ]
    assert "preparer:04792" in desk.run("list").stdout
    assert service.unlock(desk.ctx, "an", SECRET).username == "an"


def test_nothing_personal_is_printed(desk: Desk) -> None:
    done = desk.add("chu", 1, "administrator")
    bad = desk.add("an", 2, "preparer", by="chu", identity="0010800000XX")
    assert bad.exit_code == 3
    for result in (done, bad, desk.run("list"), desk.run("list", "--json")):
        assert "0010800000" not in result.output
        assert SECRET not in result.output


def test_roles_are_replaced_and_users_stopped(desk: Desk) -> None:
    desk.add("chu", 1, "administrator")
    desk.add("an", 2, "preparer", by="chu")
    assert desk.run("roles", "an", "--role", "auditor:04792", "--as", "chu").exit_code == 0
    assert service.user(desk.ctx, "an").grants == {("auditor", "04792")}
    assert desk.run("roles", "an", "--role", "boss", "--as", "chu").exit_code == 3
    assert desk.run("roles", "an", "--role", "administrator", "--as", "an").exit_code == 4
    assert desk.run("stop", "an", "--as", "an").exit_code == 4
    assert desk.run("stop", "an", "--as", "chu").exit_code == 0
    assert desk.run("stop", "an", "--as", "chu").exit_code == 4
    assert "[đã dừng]" in desk.run("list").stdout


def test_tokens_are_revoked_and_keys_rotated(desk: Desk, tmp_path: Path) -> None:
    desk.add("chu", 1, "administrator")
    made = tokens.issue(desk.ctx, service.user(desk.ctx, "chu"))
    assert desk.run("rotate-keys").exit_code == 0
    assert tokens.authenticate(desk.ctx, made).username == "chu"
    path = tmp_path / "token"
    path.write_text(made + "\n")
    assert desk.run("revoke-token", str(path), "--as", "chu").exit_code == 0
    with pytest.raises(InvalidTokenError):
        tokens.authenticate(desk.ctx, made)
    path.write_text("x.y.z")
    assert desk.run("revoke-token", str(path), "--as", "chu").exit_code == 4
    assert desk.run("revoke-token", str(tmp_path / "no"), "--as", "chu").exit_code == 2


def test_a_terminal_is_needed_for_what_is_not_in_a_file(desk: Desk) -> None:
    result = desk.run("add", "chu", "--name", "Chủ", "--role", "administrator")
    assert result.exit_code == 2
    assert names(desk.ctx) == []


def test_keys_reach_the_books_of_every_cell(desk: Desk) -> None:
    def make(code: str, name: str) -> None:
        create_cell(desk.ctx.database, code, name, stamp(desk.ctx.clock))

    for code, name in (("25", "Phú Thọ"), ("01", "Hà Nội")):
        try:
            make(code, name)
        except IntegrityError:  # another worker made the cluster's roles at this instant
            make(code, name)
    desk.add("chu", 1, "administrator")
    desk.add("an", 2, "preparer", by="chu")
    assert counts(desk.ctx) == [(2, 2), (2, 2)]
    desk.run("stop", "an", "--as", "chu")
    assert counts(desk.ctx) == [(3, 1), (3, 1)]


def counts(ctx: Context) -> list[tuple[Any, ...]]:
    out = []
    for code in ("25", "01"):
        with ctx.database.cell(code).read() as conn:
            rows = conn.execute(
                text("SELECT user_id, public_key FROM signer ORDER BY user_id, valid_from")
            ).all()
        latest = {r.user_id: bytes(r.public_key) for r in rows}
        out.append((len(rows), sum(1 for key in latest.values() if key)))
    return out
