"""Officers declare their own accounts, so that no list pays one unseen.

Stored sealed, found by blind index; withdrawn, never deleted. Who may declare: the officer, or an
administrator for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bank_adapters.banks import find_bank
from bank_adapters.contract import AdapterError
from disbursement.beneficiaries.checking import destination_code
from disbursement.beneficiaries.staging import audit
from disbursement.identity.rules import EVERYWHERE
from disbursement.identity.service import require, user
from disbursement.platform import ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError
from ledger.sql import text

_ACCOUNT = re.compile(r"[0-9A-Z]{6,19}")


@dataclass(frozen=True)
class OfficerAccount:
    """A declared account: whose, where, last four digits."""

    id: int
    username: str
    bank_code: str
    last4: str
    declared_at: str


def declare_account(
    ctx: Context, username: str, bank: str, account: str, *, actor: str
) -> OfficerAccount:
    """Record an officer's account. The same one again changes nothing and records nothing.

    Raises NotFoundError `user`, NotAllowedError `role`, RefusedError for a bank or number that is
    none.
    """
    officer, by = user(ctx, username), user(ctx, actor)
    number = re.sub(r"[\s.-]", "", account).upper()
    if not _ACCOUNT.fullmatch(number):
        raise RefusedError(
            "account", "Số tài khoản gồm 6 đến 19 chữ số hoặc chữ cái; kiểm tra lại số."
        )
    code = _code(bank)
    blind = ctx.keys.blind("account", f"{code}{number}")
    with ctx.cell.begin() as conn:
        if by.person_id != officer.person_id:
            require(conn, by, "administrator", EVERYWHERE)
        known = conn.execute(
            text(
                "SELECT id, username, bank_code, account_last4, declared_at FROM officer_account "
                "WHERE username = :u AND account_blind = :b AND withdrawn_at IS NULL"
            ),
            {"u": username, "b": blind},
        ).first()
        if known is not None:
            return OfficerAccount(*known)
        made = OfficerAccount(
            ids.block(conn, "officer_account", 1), username, code, number[-4:], stamp(ctx.clock)
        )
        conn.execute(
            text(
                "INSERT INTO officer_account (id, username, bank_code, account_enc, "
                "account_blind, account_last4, declared_by, declared_at) "
                "VALUES (:i, :u, :c, :e, :b, :l, :by, :at)"
            ),
            {
                "i": made.id, "u": username, "c": code, "b": blind, "l": made.last4, "by": actor,
                "e": ctx.keys.encrypt("officer_account.account", made.id, number),
                "at": made.declared_at,
            },
        )  # fmt: skip
        audit(conn, ctx, actor, "officer_account_declared", username, {"account": made.id})
    return made


def withdraw_account(ctx: Context, account_id: int, *, actor: str) -> OfficerAccount:
    """Withdraw a declared account (closed, or not theirs). Raises NotFoundError, NotAllowedError.

    An administrator does it: nobody takes their own account out of the checks.
    """
    by = user(ctx, actor)
    with ctx.cell.begin() as conn:
        require(conn, by, "administrator", EVERYWHERE)
        row = conn.execute(
            text(
                "UPDATE officer_account SET withdrawn_at = :at, withdrawn_by = :by "
                "WHERE id = :i AND withdrawn_at IS NULL RETURNING id, username, bank_code, "
                "account_last4, declared_at"
            ),
            {"at": stamp(ctx.clock), "by": actor, "i": account_id},
        ).first()
        if row is None:
            raise NotFoundError(
                "officer_account",
                f"Không có tài khoản đã khai số {account_id}; xem `disburse users accounts`.",
            )
        detail = {"account": account_id}
        audit(conn, ctx, actor, "officer_account_withdrawn", str(row[1]), detail)
    return OfficerAccount(*row)


def officer_accounts(ctx: Context) -> list[OfficerAccount]:
    """Return the accounts declared and not withdrawn."""
    ctx.cell.require()
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT id, username, bank_code, account_last4, declared_at FROM officer_account "
                "WHERE withdrawn_at IS NULL ORDER BY username, id"
            )
        )
        return [OfficerAccount(*r) for r in rows]


def _code(bank: str) -> str:
    """Return how destinations name this bank or wallet. Raises RefusedError."""
    try:
        kind = find_bank(bank).kind
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    return destination_code(kind, bank)
