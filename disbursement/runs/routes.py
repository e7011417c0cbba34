"""Which provider pays which destination: the contracts a payer has in force on a day.

A payer holds one contract with the bank that keeps its deposit and pays into every bank, and may
hold others: with a wallet, a Mobile Money operator, the post. A destination goes to the provider
of its own rail (and, for wallets and Mobile Money, of its own code); cash to the post where there
is a contract for it, else to the bank's desks. What no contract reaches is held, never sent by
another way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError
from ledger.bulk import bulk_insert
from ledger.sql import text

ELECTRONIC = ("bank", "wallet", "mobile_money")
"""Rails whose coins travel through transit; cash goes through a desk."""
BY_CODE = ("wallet", "mobile_money")
"""Rails on which a provider pays its own customers only: its `bic` is the destination's code."""


@dataclass(frozen=True)
class Contract:
    """Contract in force between a payer and a provider."""

    id: int
    provider_id: int
    provider_code: str
    profile: str
    bic: str
    deposit_account: str
    pay_day: int


def work_routes(conn: Connection, day: date) -> None:
    """Fill the work table `work_route`: payer, rail, code -> contract in force on that day.

    The code is '' on the bank and cash rails. Of several contracts the newest counts.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_route"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_route (payer_id bigint, rail text, code text, "
            "contract_id bigint, provider_id bigint, profile text, "
            "PRIMARY KEY (payer_id, rail, code))"
        )
    )
    rows = conn.execute(
        text(
            "SELECT c.payer_id, p.rail, p.bic, c.id, p.id, p.profile FROM provider_contract c "
            "JOIN provider p ON p.id = c.provider_id WHERE c.valid_from <= :d "
            "AND (c.valid_to IS NULL OR c.valid_to >= :d) ORDER BY c.valid_from, c.id"
        ),
        {"d": day.isoformat()},
    ).all()
    found: dict[tuple[int, str, str], tuple[int, int, str]] = {}
    for payer_id, rail, code, contract_id, provider_id, profile in rows:
        there = (int(contract_id), int(provider_id), str(profile))
        if rail == "post":
            found[payer_id, "cash", ""] = there
        else:
            found[payer_id, rail, str(code) if rail in BY_CODE else ""] = there
    for payer_id in {key[0] for key in found}:
        bank = found.get((payer_id, "bank", ""))
        if bank is not None:
            found.setdefault((payer_id, "cash", ""), bank)
    bulk_insert(
        conn,
        "work_route",
        ("payer_id", "rail", "code", "contract_id", "provider_id", "profile"),
        [(*key, *there) for key, there in sorted(found.items())],
    )
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_route")


def contract(conn: Connection, ctx: Context, contract_id: int) -> Contract:
    """Return a contract with its deposit account opened."""
    row = conn.execute(
        text(
            "SELECT c.id, c.provider_id, p.code, p.profile, p.bic, c.deposit_account_enc, "
            "c.pay_day FROM provider_contract c JOIN provider p ON p.id = c.provider_id "
            "WHERE c.id = :c"
        ),
        {"c": contract_id},
    ).one()
    account = ctx.keys.decrypt("provider_contract.deposit_account", row[0], bytes(row[5]))
    return Contract(row[0], row[1], row[2], row[3], row[4] or "", account, row[6])


def no_contract(payer_code: str, day: date) -> NotNowError:
    """Return the refusal of a batch that no contract carries (money-flow.md)."""
    return NotNowError(
        "no_contract",
        f"Đơn vị {payer_code} chưa có hợp đồng chi trả còn hiệu lực ngày {day:%d/%m/%Y}; "
        "hãy ghi hợp đồng trước.",
    )
