"""Officers' use cases around log-ins: who may change them, and every book told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from disbursement.identity import service
from disbursement.identity.rules import EVERYWHERE, User, clean_grants
from disbursement.platform.context import Context
from disbursement.platform.errors import NotAllowedError, NotNowError, RefusedError
from disbursement.platform.migrate import cells

_ADMINISTRATOR = ("administrator", EVERYWHERE)


def add(
    ctx: Context,
    username: str,
    full_name: str,
    identity: str,
    roles: Iterable[str],
    passphrase: str,
    *,
    actor: str | None,
    demo: bool = False,
) -> User:
    """Enter a user on behalf of an administrator, and tell every cell's book the new key.

    The first user of an installation is entered without an actor and must be an administrator.
    Raises NotAllowedError, and the errors of `service.create_user`.
    """
    wanted = list(roles)
    if actor is None and not service.has_users(ctx):
        if _ADMINISTRATOR not in clean_grants(wanted):
            raise RefusedError(
                "first_user",
                "Người dùng đầu tiên phải có vai trò administrator.",
                en="The first user must be an administrator.",
            )
    else:
        _require_administrator(ctx, actor)
    made = service.create_user(
        ctx, username, full_name, identity, wanted, passphrase, demo=demo, actor=actor or "init"
    )
    tell_books(ctx)
    return made


def set_roles(ctx: Context, username: str, roles: Iterable[str], *, actor: str | None) -> User:
    """Replace a user's roles. Raises NotAllowedError, NotFoundError, RefusedError."""
    by = _require_administrator(ctx, actor)
    wanted = list(roles)
    if _ADMINISTRATOR not in clean_grants(wanted):
        _keep_one(ctx, username)
    return service.set_roles(ctx, username, wanted, actor=by)


def stop(ctx: Context, username: str, *, actor: str | None) -> None:
    """Stop a log-in for good, in every book too. Raises NotAllowedError, NotFoundError."""
    by = _require_administrator(ctx, actor)
    _keep_one(ctx, username)
    service.disable_user(ctx, username, actor=by)
    tell_books(ctx)


def tell_books(ctx: Context) -> int:
    """Register signing keys in the book of every cell of this installation; return how many rows.

    One transaction a cell (coins.md 22); calling again completes what was interrupted.
    """
    told = 0
    for code in cells(ctx.database):
        settings = ctx.settings.model_copy(update={"cell": code})
        told += service.register_signers(
            replace(ctx, settings=settings, cell=ctx.database.cell(code))
        )
    return told


def _keep_one(ctx: Context, username: str) -> None:
    """Refuse to take the last administrator away: nobody could enter anybody any more."""
    left = {u.username for u in service.users(ctx) if u.active and _ADMINISTRATOR in u.grants}
    if left == {username}:
        raise NotNowError(
            "last_administrator",
            f"{username} là người quản trị duy nhất: cấp vai trò administrator cho người khác "
            "trước (`disburse users roles`).",
            en=f"{username} is the only administrator: make somebody else one first.",
        )


def _require_administrator(ctx: Context, actor: str | None) -> str:
    if actor is None:
        raise NotAllowedError(
            "actor",
            "Cần một người quản trị thực hiện việc này: thêm --as NGƯỜI_QUẢN_TRỊ.",
            en="An administrator must do this: add --as ADMINISTRATOR.",
        )
    who = service.user(ctx, actor)
    with service.read_shared(ctx) as conn:
        service.require(conn, who, "administrator", EVERYWHERE)
    return actor
