"""The office of a demo or a bench: books, staff, payers, contracts, budget."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from disbursement.beneficiaries.payers import create_payers, import_contracts
from disbursement.identity.service import Signer, create_user, register_signers, unlock
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.migrate import create_cell
from disbursement.programmes.communes import province
from disbursement.runs.budgets import import_budgets

PASSPHRASE = "chi-tra-thu-2026"  # noqa: S105 - opens demo keys, which work in a demo's books only
STAFF = {
    "an": ("preparer", "Lê Thị An", "025180000011"),
    "binh": ("checker", "Phạm Văn Bình", "025080000012"),
    "chi": ("second_signer", "Trần Thị Chi", "025180000013"),
    "dung": ("first_signer", "Nguyễn Văn Dũng", "025080000014"),
    "em": ("cash_desk", "Hoàng Thị Em", "025180000015"),
    "giang": ("auditor", "Vũ Thị Giang", "025180000016"),
}
"""Invented staff: log-in -> (role, name, identity number)."""


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        yield from csv.DictReader(source)


def deposit_accounts(sample: Path) -> dict[str, str]:
    """Return payer code -> deposit account number of the sample's contracts."""
    return {r["Mã xã"]: r["Tài khoản tiền gửi"] for r in _rows(sample / "contracts.csv")}


def found(ctx: Context, sample: Path, go_live: int, *, rails: bool = False) -> dict[str, Signer]:
    """Make the books with staff, payers, contracts and budget of a sample; return the signers.

    `rails`: with the contracts of wallets and Mobile Money as well.
    """
    code = ctx.cell.code
    create_cell(ctx.database, code, province(code).full_name, stamp(ctx.clock))
    for name, (role, full_name, identity) in STAFF.items():
        create_user(ctx, name, full_name, identity, [role], PASSPHRASE, demo=True)
    create_payers(ctx, code, go_live, codes=sorted(deposit_accounts(sample)))
    import_contracts(ctx, sample / "contracts.csv")
    if rails:
        import_contracts(ctx, sample / "contracts-rails.csv")
    register_signers(ctx)
    import_budgets(ctx, sample / "budget.csv", actor="chi")
    return {name: unlock(ctx, name, PASSPHRASE) for name in STAFF}
