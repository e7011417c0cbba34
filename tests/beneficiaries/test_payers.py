"""Payers and contracts: accounts in one definition journal, all rows of a file or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.payers import (
    add_provider,
    create_payers,
    define_payer_accounts,
    import_contracts,
)
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError
from tests.beneficiaries.world import COMMUNES, counts, csv_file, select

CONTRACT = {
    "payer": COMMUNES[0], "provider": "VBA", "provider_name": "Ngân hàng mẫu", "bic": "VBAAVNVX",
    "profile": "iso-vn-1", "number": "HĐ-1/2026", "valid_from": "01/09/2026", "valid_to": "",
    "account": "2700000000001", "fee_basis_points": "55", "pay_day": "5",
}  # fmt: skip


def contracts(folder: Path, rows: list[Mapping[str, Any]]) -> Path:
    return csv_file(folder / "c.csv", rows, fields=list(CONTRACT), of=columns.CONTRACTS)


def test_all_communes_become_payers_with_their_accounts_in_one_journal(ctx: Context) -> None:
    before = counts(ctx)["journal"]
    assert create_payers(ctx, "25", 202610) == 145  # 148 less the three that are there
    assert create_payers(ctx, "25", 202610) == 0
    assert counts(ctx)["journal"] == before + 1
    # 8 single accounts and 5 for each of the two budget lines
    assert select(
        ctx, "SELECT count(*), count(DISTINCT payer_id), count(DISTINCT code) FROM account"
    ) == [(148 * 18, 148, 148 * 18)]


def test_a_new_year_needs_only_its_budget_accounts(ctx: Context) -> None:
    payers = [(r[0], r[1]) for r in select(ctx, "SELECT id, code FROM payer")]
    with ctx.cell.begin() as conn:
        assert define_payer_accounts(conn, ctx, payers, year=2027) == 3 * 10
        assert define_payer_accounts(conn, ctx, payers, year=2027) == 0


def test_a_commune_of_another_province_is_no_payer_here(ctx: Context) -> None:
    with pytest.raises(RefusedError, match="00004"):
        create_payers(ctx, "25", 202610, codes=["00004"])


def test_contracts_bring_provider_sealed_account_and_ledger_accounts(
    ctx: Context, tmp_path: Path
) -> None:
    second = {**CONTRACT, "payer": COMMUNES[1], "number": "HĐ-2/2026", "account": "2700000000002"}
    assert import_contracts(ctx, contracts(tmp_path, [CONTRACT, second])) == 2
    assert import_contracts(ctx, contracts(tmp_path, [CONTRACT, second])) == 0
    [(row, enc, blind, last4, fee, day, code, bic)] = select(
        ctx,
        "SELECT c.id, c.deposit_account_enc, c.deposit_account_blind, c.deposit_account_last4, "
        "c.fee_basis_points, c.pay_day, p.code, p.bic FROM provider_contract c "
        "JOIN provider p ON p.id = c.provider_id WHERE c.number = 'HĐ-1/2026'",
    )
    assert ctx.keys.decrypt("provider_contract.deposit_account", row, bytes(enc)) == (
        "2700000000001"
    )
    assert bytes(blind) == ctx.keys.blind("account", "VBAAVNVX2700000000001")
    assert (last4, fee, day, code, bic) == ("0001", 55, 5, "VBA", "VBAAVNVX")
    assert select(ctx, "SELECT count(*) FROM account WHERE code LIKE '%.VBA'") == [(2 * 7,)]
    assert select(ctx, "SELECT count(*) FROM provider") == [(1,)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bic": "XXXXVNVX"}, "Dòng 3, cột bic: không tìm thấy"),
        ({"account": ""}, "Dòng 3, cột tài khoản tiền gửi: ô trống"),
        ({"account": "12-3"}, "6 đến 34"),
        ({"fee_basis_points": "0,55"}, "từ 0 đến 1000"),
        ({"pay_day": "31"}, "từ 1 đến 28"),
        ({"valid_from": "1"}, "không phải ngày"),
        ({"provider": "V.B"}, "mã chỉ gồm"),
        ({"number": ""}, "ô trống"),
    ],
)
def test_a_bad_contract_row_refuses_the_file(
    ctx: Context, tmp_path: Path, change: Mapping[str, Any], says: str
) -> None:
    before = counts(ctx)
    with pytest.raises(RefusedError) as refused:
        import_contracts(ctx, contracts(tmp_path, [CONTRACT, {**CONTRACT, **change}]))
    assert says.lower() in refused.value.sentence.lower()
    assert counts(ctx) == before
    assert select(ctx, "SELECT count(*) FROM provider_contract") == [(0,)]


def test_a_contract_of_no_payer(ctx: Context, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        import_contracts(ctx, contracts(tmp_path, [{**CONTRACT, "payer": "99999"}]))


def test_a_provider_is_one_whoever_names_it(ctx: Context) -> None:
    first = add_provider(ctx, "VBA", "Ngân hàng mẫu", bic="VBAAVNVX")
    assert add_provider(ctx, "VBA", "Ngân hàng mẫu") == first
    with pytest.raises(RefusedError):
        add_provider(ctx, "VBA", "Ngân hàng mẫu", bic="BIDVVNVX")
