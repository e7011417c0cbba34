"""Who works here: persons by identity number, their log-ins, roles and signing keys.

Staff live in `shared`, one set for all cells. Four eyes are counted by person, never by log-in
(coins.md 5): `person_id` comes from the blind index of the identity number, so a second log-in of
the same human carries the same person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from disbursement.identity import keys
from disbursement.identity.rules import (
    EVERYWHERE,
    ROLES,
    User,
    clean_grants,
    clean_identity,
    clean_name,
    clean_passphrase,
    clean_username,
)
from disbursement.identity.signers import register_signers
from disbursement.platform import ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
)
from ledger.sql import text

__all__ = [
    "Signer",
    "SigningKey",
    "User",
    "create_user",
    "disable_user",
    "has_users",
    "key_path",
    "read_shared",
    "register_signers",
    "require",
    "set_roles",
    "unlock",
    "user",
    "users",
]


class SigningKey(Protocol):
    """Whatever makes a user's signatures: an open key, or signatures made elsewhere."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the Ed25519 signature of the bytes."""
        ...


@dataclass(frozen=True)
class Signer:
    """A user whose key is open for the length of one command."""

    user_id: int
    person_id: int
    username: str
    _key: SigningKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature, 64 bytes (RFC 8032)."""
        return self._key.sign(message)


@contextmanager
def read_shared(ctx: Context) -> Iterator[Connection]:
    """Open a consistent read of `shared`. Raises NotFoundError `no_shared` before `init`."""
    database = ctx.database
    if database.home is not None and not database.path("shared").exists():
        raise NotFoundError(
            "no_shared", "Chưa có dữ liệu ở đây; hãy chạy `disburse init`.", en="Run init first."
        )
    with database.engine("shared").connect().execution_options(writes=False) as conn:
        yield conn


def key_path(ctx: Context, username: str) -> Path:
    """Return where the private key of a user lies on this machine."""
    return ctx.settings.home / "keys" / "users" / f"{clean_username(username)}.pem"


# --- reading -----------------------------------------------------------------------------------

_USER = "SELECT id, person_id, username, full_name, active, demo, public_key FROM app_user "


def _load(conn: Connection, where: str, value: str | int) -> User | None:
    row = conn.execute(text(_USER + where), {"value": value}).first()
    if row is None:
        return None
    grants = conn.execute(
        text("SELECT role, scope FROM user_role WHERE user_id = :id"), {"id": row.id}
    )
    return User(
        id=row.id,
        person_id=row.person_id,
        username=row.username,
        full_name=row.full_name,
        active=bool(row.active),
        demo=bool(row.demo),
        public_key=bytes(row.public_key),
        grants=frozenset((g.role, g.scope) for g in grants),
    )


def find(conn: Connection, name: str) -> User | None:
    """Return the user of that name, or None; `conn` is of `shared` or of any cell."""
    return _load(conn, "WHERE username = :value", name)


def user(ctx: Context, name: str) -> User:
    """Return the active user of that name.

    Raises NotFoundError `user` where nobody has it, NotAllowedError `user_stopped`.
    """
    with read_shared(ctx) as conn:
        found = find(conn, name)
    if found is None:
        raise NotFoundError(
            "user",
            "Không có người dùng này; xem `disburse users list`.",
            en="There is no such user; see `disburse users list`.",
        )
    if not found.active:
        raise NotAllowedError(
            "user_stopped", f"Người dùng {name} đã bị dừng.", en=f"The user {name} was stopped."
        )
    return found


def users(ctx: Context) -> list[User]:
    """Return every user, stopped ones included, by name."""
    with read_shared(ctx) as conn:
        names = conn.execute(text("SELECT username FROM app_user ORDER BY username")).scalars()
        found = [find(conn, name) for name in names.all()]
    return [u for u in found if u is not None]


def has_users(ctx: Context) -> bool:
    """Return whether anybody was entered yet (the first one is entered without a right)."""
    with read_shared(ctx) as conn:
        return conn.execute(text("SELECT 1 FROM app_user LIMIT 1")).first() is not None


def require(conn: Connection, actor: User | Signer, role: str, payer_code: str) -> None:
    """Refuse unless the actor holds the role for this payer now (read again from the database).

    `conn` is a connection of `shared` or of a cell; `payer_code` `*` asks for all payers. Raises
    NotAllowedError `role`.
    """
    user_id = actor.user_id if isinstance(actor, Signer) else actor.id
    now = _load(conn, "WHERE id = :value", user_id)
    if now is not None and now.holds(role, payer_code):
        return
    where = "mọi đơn vị" if payer_code == EVERYWHERE else f"đơn vị {payer_code}"
    raise NotAllowedError(
        "role",
        f"{actor.username} không có vai trò {ROLES.get(role, role)} ({role}) cho {where}: để người "
        "có vai trò này làm, hoặc nhờ quản trị cấp bằng `disburse users roles`.",
        en=f"{actor.username} does not hold the role {role} for {payer_code}.",
    )


# --- changing ----------------------------------------------------------------------------------


def create_user(
    ctx: Context,
    username: str,
    full_name: str,
    identity: str,
    roles: Iterable[str],
    passphrase: str,
    *,
    demo: bool = False,
    actor: str = "init",
) -> User:
    """Enter a user: person by identity number, roles, and a new signing key in a file.

    `roles` are `role` (all payers) or `role:payer`. A key file left by an interrupted call is
    taken over where it opens with the same passphrase. Raises RefusedError (`username`,
    `username_taken`, `full_name`, `identity`, `person_name`, `role`, `passphrase_short`,
    `key_exists`), NotAllowedError `demo_key` for a demo user outside a demo.
    """
    path = key_path(ctx, username)
    name, number = clean_name(full_name), clean_identity(identity)
    grants, secret = clean_grants(roles), clean_passphrase(passphrase)
    if demo:
        _require_demo(ctx, username)
    private, written = keys.new_key(), False
    if path.exists():
        with read_shared(ctx) as conn:
            if find(conn, username) is not None:
                raise _taken(username)
        private = _left_over(path, username, secret)
    try:
        with ctx.database.begin("shared") as conn:
            person_id = _person(ctx, conn, number, name)
            made = User(
                id=ids.block(conn, "app_user", 1),
                person_id=person_id,
                username=username,
                full_name=name,
                active=True,
                demo=demo,
                public_key=private.public_key().public_bytes_raw(),
                grants=grants,
            )
            _insert(conn, made, stamp(ctx.clock))
            _record(conn, ctx, actor, "user_created", username, _words(grants))
            if not path.exists():
                keys.write_key(path, private, secret)
                written = True
    except BaseException as error:
        if written:
            path.unlink()
        if isinstance(error, IntegrityError):
            raise _first(ctx, username) from error
        raise
    return made


def set_roles(ctx: Context, username: str, roles: Iterable[str], *, actor: str) -> User:
    """Replace a user's roles. Raises NotFoundError `user`, RefusedError `role`."""
    grants = clean_grants(roles)
    who = user(ctx, username)
    with ctx.database.begin("shared") as conn:
        conn.execute(text("DELETE FROM user_role WHERE user_id = :id"), {"id": who.id})
        _grant(conn, who.id, grants)
        _record(conn, ctx, actor, "roles_set", username, _words(grants))
    return user(ctx, username)


def disable_user(ctx: Context, username: str, *, actor: str) -> None:
    """Stop a log-in for good: no token, no signature, no right from now on."""
    who = user(ctx, username)
    with ctx.database.begin("shared") as conn:
        conn.execute(text("UPDATE app_user SET active = 0 WHERE id = :id"), {"id": who.id})
        _record(conn, ctx, actor, "user_stopped", username, "")


def unlock(ctx: Context, username: str, passphrase: str) -> Signer:
    """Open a user's key.

    Raises NotFoundError `user` | `key_missing`, NotAllowedError `user_stopped`, `demo_key`,
    `passphrase`, `key_file_open`, `key_changed` (the file is not the key that was registered).
    """
    who = user(ctx, username)
    if who.demo:
        _require_demo(ctx, username)
    private = keys.open_key(key_path(ctx, username), username, passphrase)
    if private.public_key().public_bytes_raw() != who.public_key:
        raise NotAllowedError(
            "key_changed",
            f"Tệp khóa của {username} không phải khóa đã đăng ký: hãy khôi phục tệp đúng.",
            en=f"The key file of {username} is not the registered key: restore the right one.",
        )
    return Signer(who.id, who.person_id, who.username, private)


# --- small parts -------------------------------------------------------------------------------


def _require_demo(ctx: Context, username: str) -> None:
    if ctx.settings.env != "demo":
        raise NotAllowedError(
            "demo_key",
            f"{username} là người dùng thử: khóa chỉ dùng được trong sổ thử (demo).",
            en=f"{username} is a demo user: its key works in a demo cell only.",
        )


def _left_over(path: Path, username: str, passphrase: str) -> Ed25519PrivateKey:
    try:
        return keys.open_key(path, username, passphrase)
    except NotAllowedError as error:
        raise RefusedError(
            "key_exists",
            f"Đã có tệp khóa {path.name} mở bằng mật khẩu khác: hãy chuyển tệp đó đi rồi làm lại.",
            en=f"A key file {path.name} with another passphrase exists: move it away first.",
        ) from error


def _taken(username: str) -> RefusedError:
    return RefusedError(
        "username_taken",
        f"Tên đăng nhập {username} đã có người dùng: hãy chọn tên khác.",
        en=f"The username {username} is taken: choose another.",
    )


def _first(ctx: Context, username: str) -> RefusedError | NotNowError:
    """Say which unique key somebody else took at the same moment."""
    with read_shared(ctx) as conn:
        if find(conn, username) is not None:
            return _taken(username)
    return NotNowError(
        "busy",
        "Người khác vừa đăng ký cùng cán bộ này: hãy làm lại.",
        en="Somebody entered the same person at this moment: try again.",
    )


def citizen_blind(ctx: Context, person_id: int, sealed: bytes) -> bytes:
    """Return the blind index under which the register would know a member of the staff.

    Staff and beneficiaries have index spaces of their own, so that the two lists cannot be joined
    without the keys; this is the one bridge, for the checks of conflicts of interest.
    """
    number = ctx.keys.decrypt("staff_person.identity_enc", person_id, sealed)
    return ctx.keys.blind("identity", number)


def _person(ctx: Context, conn: Connection, number: str, name: str) -> int:
    blind = ctx.keys.blind("staff_person", number)
    row = conn.execute(
        text("SELECT id, full_name FROM staff_person WHERE identity_blind = :blind"),
        {"blind": blind},
    ).first()
    if row is not None:
        if row.full_name.casefold() != name.casefold():
            raise RefusedError(
                "person_name",
                "Số định danh này đã đăng ký cho một cán bộ có họ tên khác: hãy kiểm tra lại.",
                en="This personal number is registered under another name: check it.",
            )
        return int(row.id)
    person_id = ids.block(conn, "staff_person", 1)
    sealed = ctx.keys.encrypt("staff_person.identity_enc", person_id, number)
    conn.execute(
        text(
            "INSERT INTO staff_person (id, identity_blind, identity_enc, full_name) "
            "VALUES (:id, :blind, :sealed, :name)"
        ),
        {"id": person_id, "blind": blind, "sealed": sealed, "name": name},
    )
    return person_id


def _insert(conn: Connection, made: User, at: str) -> None:
    conn.execute(
        text(
            "INSERT INTO app_user "
            "(id, username, person_id, full_name, public_key, active, demo, created_at) "
            "VALUES (:id, :username, :person, :name, :key, 1, :demo, :at)"
        ),
        {
            "id": made.id,
            "username": made.username,
            "person": made.person_id,
            "name": made.full_name,
            "key": made.public_key,
            "demo": int(made.demo),
            "at": at,
        },
    )
    _grant(conn, made.id, made.grants)


def _grant(conn: Connection, user_id: int, grants: frozenset[tuple[str, str]]) -> None:
    conn.execute(
        text("INSERT INTO user_role (user_id, role, scope) VALUES (:id, :role, :scope)"),
        [{"id": user_id, "role": role, "scope": scope} for role, scope in sorted(grants)],
    )


def _record(
    conn: Connection, ctx: Context, actor: str, action: str, subject: str, detail: str
) -> None:
    conn.execute(
        text(
            "INSERT INTO staff_event (id, at, actor, action, subject, detail) "
            "VALUES (:id, :at, :actor, :action, :subject, :detail)"
        ),
        {
            "id": ids.block(conn, "staff_event", 1),
            "at": stamp(ctx.clock),
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": detail,
        },
    )


def _words(grants: frozenset[tuple[str, str]]) -> str:
    return ", ".join(f"{role}:{scope}" for role, scope in sorted(grants))
