"""Roles and what they allow: pure, no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from disbursement.platform.errors import RefusedError

ROLES = {
    "preparer": "người lập",
    "checker": "người kiểm tra",
    "second_signer": "kế toán (chữ ký thứ hai)",
    "first_signer": "chủ tài khoản (chữ ký thứ nhất)",
    "cash_desk": "người chi tiền mặt",
    "auditor": "kiểm toán",
    "administrator": "quản trị",
    "api_client": "phần mềm kết nối",
}
"""Every role and its Vietnamese name."""

EVERYWHERE = "*"
"""The scope of a role that holds for every payer of the cell."""

READERS = frozenset(ROLES) - {"cash_desk", "administrator"}
"""Roles that may read runs, lists, batches and payments of the payers they are scoped to."""

MIN_PASSPHRASE = 8
"""NIST SP 800-63B 3.1.1.2: eight characters where the secret is one of two factors; the other
factor is the key file."""

_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
_IDENTITY = re.compile(r"[0-9]{12}", re.ASCII)
_PAYER = re.compile(r"[0-9A-Za-z._-]{1,20}", re.ASCII)


@dataclass(frozen=True)
class User:
    """A log-in. `person_id` is the human behind it: two log-ins may share one."""

    id: int
    person_id: int
    username: str
    full_name: str
    active: bool
    demo: bool
    public_key: bytes = field(repr=False)
    """Ed25519, 32 bytes."""
    grants: frozenset[tuple[str, str]] = frozenset()
    """(role, scope); scope is a payer's code or `*`."""

    def holds(self, role: str, payer_code: str) -> bool:
        """Return whether the role was given for this payer (`*` asks for all payers)."""
        return self.active and bool({(role, EVERYWHERE), (role, payer_code)} & self.grants)

    def may_read(self) -> frozenset[str]:
        """Return the payer codes whose work the user may read; holds `*` where all of them."""
        if not self.active:
            return frozenset()
        return frozenset(scope for role, scope in self.grants if role in READERS)


def clean_username(text: str) -> str:
    """Return the username. Raises RefusedError `username` (also keeps paths out of file names)."""
    if not _USERNAME.fullmatch(text):
        raise RefusedError(
            "username",
            "Tên đăng nhập gồm 2 đến 32 ký tự: chữ thường không dấu, chữ số, dấu chấm, gạch; "
            "bắt đầu bằng chữ.",
            en="A username has 2 to 32 characters: a-z, 0-9, dot, dash; it starts with a letter.",
        )
    return text


def clean_name(text: str) -> str:
    """Return the name in NFC with single spaces. Raises RefusedError `full_name`."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > 100 or not all(c.isprintable() for c in name):
        raise RefusedError(
            "full_name", "Họ và tên phải có từ 1 đến 100 ký tự in được.", en="Name is not usable."
        )
    return name


def clean_identity(text: str) -> str:
    """Return the 12 digits of a personal number. Raises RefusedError `identity`, no digit told."""
    if not _IDENTITY.fullmatch(text.strip()):
        raise RefusedError(
            "identity",
            "Số định danh cá nhân của cán bộ phải gồm đúng 12 chữ số.",
            en="The personal number must have exactly 12 digits.",
        )
    return text.strip()


def clean_passphrase(text: str) -> str:
    """Return the passphrase. Raises RefusedError `passphrase_short`."""
    if len(text) < MIN_PASSPHRASE:
        raise RefusedError(
            "passphrase_short",
            f"Mật khẩu khóa ký phải có ít nhất {MIN_PASSPHRASE} ký tự.",
            en=f"The passphrase must have at least {MIN_PASSPHRASE} characters.",
        )
    return text


def clean_grants(roles: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Read `preparer`, `checker:25207`, `auditor:*` as (role, scope); no scope means `*`.

    Raises RefusedError `role` for an unknown role, a scope that is no payer code, or none at all.
    """
    grants = set()
    for given in roles:
        role, _, scope = given.partition(":")
        scope = scope if ":" in given else EVERYWHERE
        if role not in ROLES or not (scope == EVERYWHERE or _PAYER.fullmatch(scope)):
            raise RefusedError(
                "role",
                "Vai trò phải viết dạng VAI_TRÒ hoặc VAI_TRÒ:MÃ_XÃ, vai trò là một trong: "
                + ", ".join(ROLES),
                en="A role is written ROLE or ROLE:PAYER; roles are: " + ", ".join(ROLES),
            )
        grants.add((role, scope))
    if not grants:
        raise RefusedError("role", "Người dùng phải có ít nhất một vai trò.", en="No role given.")
    return frozenset(grants)
