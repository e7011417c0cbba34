"""Consents to be paid into an account, many at once: for accounts that came by the register.

An account that a provider opened brings its consent with it (accounts.py). For the others the
commune's signed forms are entered from one file: every row or none, each row named that is wrong.
A consent belongs to the account the person has now and is never changed; another account needs
another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from disbursement.beneficiaries.accounts import kept_file
from disbursement.beneficiaries.columns import Column, ColumnSet
from disbursement.beneficiaries.names import Account, accounts_of, refused_rows
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import CellReader, Cells
from disbursement.beneficiaries.staging import audit
from disbursement.identity.service import user
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.programmes.service import PROPOSERS
from ledger.bulk import bulk_insert
from ledger.sql import text

CONSENTS = ColumnSet(
    "sự đồng ý nhận tiền qua tài khoản",
    (
        Column("reference", "Mã tra cứu", required=True),
        Column("last4", "4 số cuối tài khoản", "digits", required=True),
        Column("consent_on", "Ngày đồng ý", "date", required=True),
        Column("consent", "Văn bản đồng ý", required=True),
    ),
    page="docs/accounts.md",
)


@dataclass(frozen=True)
class _Row:
    n: int
    reference: str
    last4: str
    on: str
    document: str


def import_consents(ctx: Context, path: Path, *, actor: str) -> dict[str, int]:
    """Take a file of consents: all rows or none; return how many {rows, payers}.

    Raises RefusedError `row` naming the rows that are wrong and why: unknown reference (also of
    another office), no account or another one, a consent that is there, a day to come; NotNowError
    where these bytes were taken before.
    """
    ctx.cell.require()
    given, faults = _read(ctx, path)
    with ctx.cell.begin() as conn:
        ids.block(conn, "account_consent", 1)  # one file at a time
        accounts, wrong = accounts_of(conn, [(r.n, r.reference, r.last4) for r in given])
        if not (faults or wrong):
            wrong = _not_ours(ctx, actor, given, accounts) or _there(conn, given, accounts)
        if faults or wrong:
            raise refused_rows([*faults, *wrong])
        _, digest = files.keep_evidence(ctx.settings.files / "evidence", path.read_bytes())
        kept_file(conn, ctx, "consents", path.name, digest, len(given), actor)
        first = ids.block(conn, "account_consent", len(given))
        bulk_insert(
            conn,
            "account_consent",
            ("id", "person_id", "destination_id", "given_on", "document", "recorded_by",
             "recorded_at"),
            [
                (first + at, one.person_id, one.destination_id, row.on, row.document, actor,
                 stamp(ctx.clock))
                for at, (one, row) in enumerate(zip(accounts, given, strict=True))
            ],
        )  # fmt: skip
        done = {"rows": len(given), "payers": len({one.payer for one in accounts})}
        audit(conn, ctx, actor, "accounts.consents", path.name, done)
    return done


def _read(ctx: Context, path: Path) -> tuple[list[_Row], list[str]]:
    """Return the rows that can be read, and what is wrong with the others."""
    out: list[_Row] = []
    faults: list[str] = []
    with open_table(path, CONSENTS) as source:
        reader = CellReader(source.header, today(ctx.clock))
        for chunk in source.chunks:
            for n, cells in chunk.rows():
                row = Cells(reader, n, cells)
                on = row.day("consent_on", need=True)
                if on is not None and on > row.columns.today:
                    row.fail("consent_on", "không phải ngày đã qua; ghi ngày thật.")
                one = _Row(
                    n, row.text("reference", need=True), row.text("last4", need=True),
                    on.isoformat() if on else "", row.text("consent", need=True),
                )  # fmt: skip
                if row.faults:
                    faults += [f"{fault.where}: {fault.sentence}" for fault in row.faults]
                else:
                    out.append(one)
    return out, faults


def _not_ours(
    ctx: Context, actor: str, given: Sequence[_Row], accounts: Sequence[Account]
) -> list[str]:
    """Name rows of people of another office, in the words of a reference nobody has (P7)."""
    who = user(ctx, actor)
    ours = {
        payer: any(who.holds(role, payer) for role in PROPOSERS)
        for payer in {one.payer for one in accounts}
    }
    return [
        f"Dòng {row.n}: không có mã tra cứu này trong sổ; kiểm tra lại mã."
        for one, row in zip(accounts, given, strict=True)
        if not ours[one.payer]
    ]


def _there(conn: Connection, given: Sequence[_Row], accounts: Sequence[Account]) -> list[str]:
    known = set(conn.execute(text("SELECT destination_id FROM account_consent")).scalars())
    return [
        f"Dòng {row.n}: đã ghi sự đồng ý cho tài khoản này; bỏ dòng này."
        for one, row in zip(accounts, given, strict=True)
        if one.destination_id in known
    ]
