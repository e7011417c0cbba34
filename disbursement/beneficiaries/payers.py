"""Payers (communes), providers, and the contracts between them, with the accounts they need."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bank_adapters.banks import find_bank, payable_bank
from bank_adapters.contract import AdapterError
from disbursement.beneficiaries import columns
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import clean, read_date
from disbursement.platform import files, ids
from disbursement.platform.clock import add_months, month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.communes import communes_of
from ledger import chart, posting
from ledger.bulk import bulk_insert
from ledger.definitions import define_accounts
from ledger.posting import Header
from ledger.sql import text

BUDGET_LINES = {"SA": "SA", "SP": "SP"}
"""Programme -> code of the budget line that carries it (a fixed pairing while there are two)."""


def book_month(conn: Connection, ctx: Context) -> int:
    """Return the month a journal of the register is booked in: the open run month.

    Before the first run: the go-live month of the first payer, else today's.
    """
    row = conn.execute(text("SELECT max(month) FROM run WHERE state = 'open'")).scalar()
    if row is None:
        row = conn.execute(text("SELECT min(go_live_month) FROM payer")).scalar()
    return int(row) if row is not None else month_of(today(ctx.clock))


def definition(conn: Connection, ctx: Context, key: str, evidence: bytes) -> Header:
    """Return the header of a `definition` journal of the whole cell."""
    return Header(
        id=posting.allot(conn),
        book=chart.FINANCIAL,
        payer_id=0,
        kind="definition",
        idem_key=key,
        month=book_month(conn, ctx),
        effective_date=today(ctx.clock),
        recorded_at=stamp(ctx.clock),
        evidence=evidence,
    )


def create_payers(
    ctx: Context, province: str, go_live_month: int, *, codes: Sequence[str] | None = None
) -> int:
    """Make the province's communes payers, with their accounts; return how many are new.

    `codes` limits it to some communes. Those that are payers already are left alone; all accounts
    go into one definition journal whose evidence is the commune file the rows come from.
    Raises NotFoundError for an unknown province, RefusedError for a code outside it, a province
    that is not this cell's, a month that is not near; NotNowError where payers that are there go
    live in another month.
    """
    if province != ctx.cell.code:
        raise RefusedError(
            "other_province",
            f"Sổ này là của tỉnh {ctx.cell.code}, không lập đơn vị của tỉnh {province} ở đây: chọn "
            f"sổ bằng --cell {province}.",
        )
    _check_go_live(ctx, go_live_month)
    wanted = {c.code: c for c in communes_of(province)}
    if codes is not None:
        strange = [c for c in codes if c not in wanted]
        if strange:
            raise RefusedError(
                "commune", f"Xã mã '{strange[0]}' không thuộc tỉnh mã {province}; sửa lại mã."
            )
        wanted = {c: wanted[c] for c in codes}
    with ctx.cell.begin() as conn:
        alone(conn, "register")
        have = {c: int(m) for c, m in conn.execute(text("SELECT code, go_live_month FROM payer"))}
        other = [c for c in wanted if have.get(c, go_live_month) != go_live_month]
        if other:
            raise NotNowError(
                "go_live",
                f"Xã mã {other[0]} đã là đơn vị chi trả, vận hành từ {show_month(have[other[0]])}, "
                f"không đổi thành {show_month(go_live_month)} được; chạy lại với tháng đã ghi.",
            )
        new = [c for code, c in wanted.items() if code not in have]
        if not new:
            return 0
        first = ids.block(conn, "payer", len(new))
        at = stamp(ctx.clock)
        bulk_insert(
            conn,
            "payer",
            ("id", "code", "name", "province_code", "go_live_month", "checker_may_second",
             "scan_required", "created_at"),
            (
                (first + n, c.code, c.full_name, province, go_live_month, 0, 0, at)
                for n, c in enumerate(new)
            ),
        )  # fmt: skip
        define_payer_accounts(conn, ctx, [(first + n, c.code) for n, c in enumerate(new)])
        return len(new)


def _check_go_live(ctx: Context, month: int) -> None:
    """Refuse a first month more than a year away: a slip of the pen that nothing undoes."""
    now = month_of(today(ctx.clock))
    if not add_months(now, -12) <= month <= add_months(now, 12):
        raise RefusedError(
            "go_live",
            f"Tháng chi trả đầu tiên {show_month(month)} cách hôm nay quá 12 tháng; sửa lại "
            "--go-live.",
        )


def define_payer_accounts(
    conn: Connection,
    ctx: Context,
    payers: Sequence[tuple[int, str]],
    *,
    year: int | None = None,
    providers: Sequence[str] = (),
) -> int:
    """Define what these payers (id, code) still lack for a budget year, in one journal.

    `year`: the year of the book month where not given. Returns the number of accounts.
    """
    year = book_month(conn, ctx) // 100 if year is None else year
    own: dict[int, set[str]] = {payer_id: set(BUDGET_LINES.values()) for payer_id, _ in payers}
    for payer_id, line in conn.execute(text("SELECT DISTINCT payer_id, programme FROM list_unit")):
        own.get(payer_id, set()).add(line)
    missing = [
        account
        for payer_id, code in payers
        for account in chart.accounts_for(
            conn, payer_id, code, year, sorted(own[payer_id]), providers
        )
    ]
    return _define(conn, ctx, missing)


def _define(conn: Connection, ctx: Context, missing: Sequence[chart.AccountDef]) -> int:
    if missing:
        digest = hashlib.sha256("\n".join(a.code for a in missing).encode()).digest()
        define_accounts(
            conn, definition(conn, ctx, f"accounts/{digest.hex()[:32]}", digest), missing
        )
    return len(missing)


def add_provider(
    ctx: Context,
    code: str,
    name: str,
    *,
    rail: str = "bank",
    bic: str | None = None,
    profile: str = "iso-vn-1",
) -> int:
    """Record who may hold contracts and deposit accounts; return its id (the same for a repeat)."""
    with ctx.cell.begin() as conn:
        return _provider(conn, code, name, rail, bic, profile)


def _provider(
    conn: Connection, code: str, name: str, rail: str, bic: str | None, profile: str
) -> int:
    row = conn.execute(text("SELECT id, bic FROM provider WHERE code = :c"), {"c": code}).first()
    if row is not None:
        if bic is not None and row[1] != bic:
            raise RefusedError(
                "provider", f"Tổ chức chi trả {code} đã ghi với mã BIC khác; sửa lại tệp."
            )
        return int(row[0])
    provider_id = ids.block(conn, "provider", 1)
    conn.execute(
        text(
            "INSERT INTO provider (id, code, name, rail, bic, profile) "
            "VALUES (:i, :c, :n, :r, :b, :p)"
        ),
        {"i": provider_id, "c": code, "n": name, "r": rail, "b": bic, "p": profile},
    )
    return provider_id


@dataclass(frozen=True)
class _Contract:
    payer: str
    provider: str
    provider_name: str
    rail: str
    bic: str
    profile: str
    number: str
    valid_from: date
    valid_to: date | None
    account: str
    fee: int
    pay_day: int


def import_contracts(ctx: Context, path: Path) -> int:
    """Read contracts.csv (docs/register-format.md), all rows or none; return how many are new.

    Adds the providers named in it and the accounts each payer needs with its provider. Raises
    RefusedError naming row and column.
    """
    found = _read_contracts(path)
    digest = files.sha256_of(path)
    with ctx.cell.begin() as conn:
        alone(conn, "register")
        payers = {code: int(i) for i, code in conn.execute(text("SELECT id, code FROM payer"))}
        unknown = [c for c in found if c.payer not in payers]
        if unknown:
            raise NotFoundError(
                "payer",
                f"Xã mã {unknown[0].payer} trong {path.name} chưa là đơn vị chi trả; chạy "
                "`disburse register payers` trước.",
            )
        new = _new_contracts(conn, found, payers)
        _insert_contracts(conn, ctx, new, payers)
        year = book_month(conn, ctx) // 100
        lines = sorted(set(BUDGET_LINES.values()))
        missing = [
            account
            for c in new
            for account in chart.accounts_for(
                conn, payers[c.payer], c.payer, year, lines, [c.provider]
            )
        ]
        codes = {a.code: a for a in missing}
        if codes:
            define_accounts(
                conn,
                definition(conn, ctx, f"contracts/{digest.hex()[:32]}/{len(codes)}", digest),
                list(codes.values()),
            )
        return len(new)


def _new_contracts(
    conn: Connection, found: Sequence[_Contract], payers: dict[str, int]
) -> list[_Contract]:
    have = {
        (int(payer), number)
        for payer, number in conn.execute(text("SELECT payer_id, number FROM provider_contract"))
    }
    return [c for c in found if (payers[c.payer], c.number) not in have]


def _insert_contracts(
    conn: Connection, ctx: Context, new: Sequence[_Contract], payers: dict[str, int]
) -> None:
    first = ids.block(conn, "provider_contract", max(len(new), 1))
    rows = []
    for n, c in enumerate(new):
        provider = _provider(
            conn, c.provider, c.provider_name or c.provider, c.rail, c.bic, c.profile
        )
        rows.append(
            (
                first + n, payers[c.payer], provider, c.number, c.valid_from.isoformat(),
                c.valid_to.isoformat() if c.valid_to else None,
                ctx.keys.encrypt("provider_contract.deposit_account", first + n, c.account),
                ctx.keys.blind("account", f"{c.bic}{c.account}"), c.account[-4:], c.fee, c.pay_day,
            )
        )  # fmt: skip
    bulk_insert(
        conn,
        "provider_contract",
        ("id", "payer_id", "provider_id", "number", "valid_from", "valid_to",
         "deposit_account_enc", "deposit_account_blind", "deposit_account_last4",
         "fee_basis_points", "pay_day"),
        rows,
    )  # fmt: skip


def _read_contracts(path: Path) -> list[_Contract]:
    out: list[_Contract] = []
    with open_table(path, columns.CONTRACTS) as source:
        header = source.header
        for chunk in source.chunks:
            for n, cells in chunk.rows():
                out.append(_contract(_Cells(header, n, cells)))
    return out


class _Cells:
    """One row of contracts, whose first fault is raised."""

    def __init__(self, header: columns.Header, n: int, cells: list[Any]) -> None:
        self.header, self.n, self.cells = header, n, cells

    def fail(self, field: str, sentence: str) -> RefusedError:
        where = self.header.where(self.n, field)
        return RefusedError("contract_row", f"{where[:1].upper()}{where[1:]}: {sentence}")

    def text(self, field: str, default: str | None = None) -> str:
        at = self.header.index.get(field)
        value = self.cells[at] if at is not None and at < len(self.cells) else ""
        if not isinstance(value, str):
            raise self.fail(field, "ô phải là dạng chữ (Text), không phải số.")
        if not clean(value):
            if default is None:
                raise self.fail(field, "ô trống; ghi vào rồi nhập lại.")
            return default
        return clean(value)

    def whole(self, field: str, low: int, high: int) -> int:
        at = self.header.index[field]
        value = self.cells[at] if at < len(self.cells) else ""
        digits = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if not digits.isascii() or not digits.isdigit() or not low <= int(digits) <= high:
            raise self.fail(field, f"phải là số nguyên từ {low} đến {high}.")
        return int(digits)

    def day(self, field: str) -> date:
        found = read_date(self.text(field))
        if found is None:
            raise self.fail(field, "không phải ngày; ghi dạng dd/mm/yyyy.")
        return found


def _contract(cells: _Cells) -> _Contract:
    rail = _rail(cells)
    code = _code_on(rail, cells)
    account = cells.text("account").replace(" ", "")
    if not (account.isascii() and account.isalnum() and 6 <= len(account) <= 34):
        raise cells.fail("account", "số tài khoản gồm 6 đến 34 chữ số; đối chiếu lại.")
    provider = cells.text("provider")
    if not provider.replace("_", "").replace("-", "").isalnum() or not provider.isascii():
        raise cells.fail("provider", "mã chỉ gồm chữ cái không dấu, chữ số, '_' và '-'.")
    valid_to = cells.text("valid_to", "")
    profile = cells.text("profile", "iso-vn-1" if rail == "bank" else "")
    if not profile:
        raise cells.fail("profile", "ô trống; ghi hồ sơ kết nối của ví, Mobile Money, bưu điện.")
    return _Contract(
        cells.text("payer"),
        provider,
        cells.text("provider_name", ""),
        rail,
        code,
        profile,
        cells.text("number"),
        cells.day("valid_from"),
        cells.day("valid_to") if valid_to else None,
        account,
        cells.whole("fee_basis_points", 0, 1_000),
        cells.whole("pay_day", 1, 28),
    )


def _rail(cells: _Cells) -> str:
    """Return the kind of provider a contract is with; a bank where nothing is written."""
    words = cells.text("rail", "") if "rail" in cells.header.index else ""
    if not words:
        return "bank"
    found = columns.RAIL.get(columns.plain(words)) or columns.RAIL.get(words.casefold())
    if found is None:
        raise cells.fail("rail", "chỉ nhận: Ngân hàng, Ví điện tử, Mobile Money, Bưu điện.")
    return found


def _code_on(rail: str, cells: _Cells) -> str:
    """Return the BIC of a bank, or the short name of a wallet or operator; '' for the post."""
    if rail == "post":
        return ""
    value = cells.text("bic", cells.text("provider"))
    try:
        if rail == "bank":
            return payable_bank(value).bic
        found = find_bank(value)
    except AdapterError as error:
        raise cells.fail("bic", error.sentence) from error
    if found.kind != rail:
        raise cells.fail("bic", f"{found.short_name} không thuộc kênh đã ghi; sửa kênh hoặc mã.")
    return found.short_name
