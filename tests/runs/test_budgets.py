"""Budgets from a file: exact sums, or one sentence and nothing booked."""

from __future__ import annotations

from pathlib import Path

import pytest

from disbursement.platform.errors import DisburseError, NotAllowedError, NotNowError
from disbursement.runs.budgets import import_budgets
from tests.runs.world import PAYER, World

HEAD = "Mã xã,Chương trình,Năm,Số tiền,Số quyết định,Ngày quyết định\n"
GOOD = f"{PAYER},TGXH,2026,555000000,01/QĐ,02/01/2026\n{PAYER},HTXH,2026,-1000,02/QĐ,03/02/2026\n"


def file(folder: Path, body: str) -> Path:
    path = folder / "du-toan.csv"
    path.write_text(HEAD + body, encoding="utf-8")
    return path


def test_each_row_is_booked_once(world: World, tmp_path: Path) -> None:
    first = f"{PAYER},HTXH,2026,30000000,00/QĐ,01/01/2026\n"
    path = file(tmp_path, first + GOOD)
    assert import_budgets(world.ctx, path, actor="chi") == 3
    assert world.balance(f"available.{PAYER}.SA.2026") == 555_000_000
    assert world.balance(f"available.{PAYER}.SP.2026") == 30_000_000 - 1_000
    with pytest.raises(NotNowError):
        import_budgets(world.ctx, path, actor="chi")
    assert world.one("SELECT count(*) FROM budget") == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"{PAYER},TGXH,2026,5.000,01,02/01/2026\n", "số đồng nguyên"),
        (f"{PAYER},XYZ,2026,5000,01,02/01/2026\n", "TGXH hoặc HTXH"),
        (f"{PAYER},TGXH,26,5000,01,02/01/2026\n", "bốn chữ số"),
        (f"{PAYER},TGXH,2026,5000,01,44927\n", "dd/mm/yyyy"),
        (f"{PAYER},TGXH,2026,5000,,02/01/2026\n", "trống"),
        ("99999,TGXH,2026,5000,01,02/01/2026\n", "99999"),
        (f"{PAYER},TGXH,2026,0,01,02/01/2026\n", "khác 0"),
        (f"{PAYER},TGXH,2026,5,01,02/01/2026\n" * 2, "hai lần"),
        ("", "không có dòng"),
    ],
)
def test_a_wrong_row_books_nothing(world: World, tmp_path: Path, body: str, words: str) -> None:
    good = f"{PAYER},HTXH,2026,30000000,00/QĐ,01/01/2026\n" if body else ""
    with pytest.raises(DisburseError) as caught:
        import_budgets(world.ctx, file(tmp_path, good + body), actor="chi")
    assert words in caught.value.sentence
    assert world.one("SELECT count(*) FROM budget") == 0


def test_only_the_accountant_books(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotAllowedError):
        import_budgets(world.ctx, file(tmp_path, GOOD), actor="an")
    assert world.one("SELECT count(*) FROM budget") == 0
