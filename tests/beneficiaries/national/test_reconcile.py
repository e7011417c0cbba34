"""Our register against the national ones: every kind of difference, counted and listed once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from disbursement.beneficiaries.national import merits
from disbursement.beneficiaries.national.reconcile import report
from disbursement.beneficiaries.national.service import import_national
from disbursement.documents.reconciled import KIND_WORDS
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from tests.beneficiaries.national.files import (
    given,
    poor_person,
    poor_row,
    register,
    there,
)
from tests.beneficiaries.world import COMMUNES, person

NOTHING = {
    "identity_differs": 0, "name_differs": 0, "birth_differs": 0, "sex_differs": 0,
    "commune_differs": 0,
}  # fmt: skip


def counts(ctx: Context, code: str, **more: object) -> dict[str, int]:
    [one] = [r for r in report(ctx, **more) if r.register == code]  # type: ignore[arg-type]
    return one.counts


def population(ctx: Context, folder: Path) -> None:
    """Ours: 1 to 9. Theirs: 1 dead, 2 other name, 3 other birth, 4 elsewhere, 5 another number,
    6 missing, 7 a year only here, 8 refused, 9 without a number here."""
    register(ctx, folder, [
        person(1), person(2), person(3), person(4), person(5, name="Lê Văn Năm", owner_name="Lê Văn Năm"),
        person(6), person(7, birth="1980"), person(8),
        person(9, identity="", name="Lê Văn Chín", owner_name="Lê Văn Chín"),
    ])  # fmt: skip
    rows = [
        there(1, died_on="01/09/2026"), there(2, name="Nguyễn Văn Máu"), there(3, birth="06/03/1980"),
        there(4, commune=COMMUNES[1]), there(505, name="Lê Văn Năm"),
        there(7, name="NGUYỄN VĂN MẪU"), there(8, birth="31/02/1980"),
        there(909, name="Lê Văn Chín"), there(700, name="Người Lạ"),
    ]  # fmt: skip
    done = import_national(
        ctx, "population", given("population", folder / "p.csv", rows), actor="an"
    )
    assert (done.taken, done.refused) == (8, 1)


def test_every_difference_with_the_population_database_is_counted_once(
    ctx: Context, tmp_path: Path
) -> None:
    population(ctx, tmp_path)
    [one] = [r for r in report(ctx) if r.register == "population"]
    assert (one.covered, one.as_of, one.subjects, one.matched, one.refused) == (
        3, ("2026-09-20", "2026-09-20"), 9, 5, 1
    )  # fmt: skip
    assert one.counts == {
        "died": 1, "identity_differs": 2, "name_differs": 1, "birth_differs": 1, "sex_differs": 0,
        "commune_differs": 1, "here_not_there": 1,
    }  # fmt: skip
    assert [r.counts for r in report(ctx, codes=[COMMUNES[2]]) if r.register == "population"] == [
        {**NOTHING, "died": 0, "here_not_there": 0}
    ]
    assert [r.register for r in report(ctx) if r.as_of is None] == [
        "deaths",
        "cases",
        "poor",
        "merit",
        "children",
    ]
    with pytest.raises(RefusedError, match="99999"):
        report(ctx, codes=["99999"])


def test_the_workbook_lists_each_with_four_digits_and_sums_up(ctx: Context, tmp_path: Path) -> None:
    population(ctx, tmp_path)
    out = tmp_path / "out.xlsx"
    report(ctx, out=out)
    book = CalamineWorkbook.from_path(str(out))
    rows = [
        r for r in book.get_sheet_by_name("Sai khác").to_python() if r[1] in KIND_WORDS.values()
    ]
    assert sorted((r[1], r[4], r[9], r[10], r[11], r[13], r[14]) for r in rows) == [
        ("Bên đó ghi đã chết", "0001", "0001", "Nguyễn Văn Mẫu", "05/03/1980", COMMUNES[0], "01/09/2026"),
        ("Cùng người, khác số định danh", "", "0909", "Lê Văn Chín", "05/03/1980", COMMUNES[0], ""),
        ("Cùng người, khác số định danh", "0005", "0505", "Lê Văn Năm", "05/03/1980", COMMUNES[0], ""),
        ("Khác họ tên", "0002", "0002", "Nguyễn Văn Máu", "05/03/1980", COMMUNES[0], ""),
        ("Khác ngày sinh", "0003", "0003", "Nguyễn Văn Mẫu", "06/03/1980", COMMUNES[0], ""),
        ("Khác xã", "0004", "0004", "Nguyễn Văn Mẫu", "05/03/1980", COMMUNES[1], ""),
        ("Ở đây có, bên đó không", "0006", "", "", "", "", ""),
    ]  # fmt: skip
    assert "025080" not in repr(rows)
    summary = book.get_sheet_by_name("Tổng hợp").to_python()
    [line] = [r for r in summary if r[0] == "population"]
    assert line[1:6] == [3, "2026-09-20", 9, 5, 1]
    assert line[6:13] == [1, 2, 1, 1, 0, 1, ""]


def test_their_list_of_cases_knows_whom_we_do_not(ctx: Context, tmp_path: Path) -> None:
    register(ctx, tmp_path, [person(1), person(2)])
    case = {"code": "HS1", "programme": "TGXH", "clause": "K6"}
    rows = [
        there(1, **case), there(3, **case, name="Lạ Ba"),
        there(3, **{**case, "clause": "K1"}, name="Lạ Ba"),
        there(4, **case, status="thôi hưởng", name="Lạ Tư"),
        there(5, **case, left_on="01/08/2026", name="Lạ Năm"),
        there(6, **case, commune=COMMUNES[1], name="Lạ Sáu"),
    ]  # fmt: skip
    assert (
        import_national(ctx, "cases", given("cases", tmp_path / "c.csv", rows), actor="an").taken
        == 6
    )
    assert counts(ctx, "cases") == {**NOTHING, "there_not_here": 3, "here_not_there": 1}
    assert counts(ctx, "cases", codes=[COMMUNES[1]]) == {
        **NOTHING,
        "there_not_here": 1,
        "here_not_there": 0,
    }


def test_a_file_of_one_commune_says_nothing_of_the_others(ctx: Context, tmp_path: Path) -> None:
    register(ctx, tmp_path, [person(1), person(2, commune=COMMUNES[1])])
    one = given("population", tmp_path / "a.csv", [there(7, name="Lạ Bảy")])
    import_national(ctx, "population", one, actor="an", payer=COMMUNES[0])
    assert counts(ctx, "population")["here_not_there"] == 1
    every = given("population", tmp_path / "b.csv", [there(1)])
    import_national(ctx, "population", every, actor="an", as_of=date(2026, 9, 1))  # older
    found = counts(ctx, "population")
    assert found["here_not_there"] == 2  # the first by its own file, the second by the whole one


def test_the_poor_list_is_asked_only_about_the_poor(ctx: Context, tmp_path: Path) -> None:
    register(ctx, tmp_path, [poor_person(1), poor_person(2), person(3)])
    rows = [poor_row(1, left_on="01/09/2026"), {**poor_row(44), "name": "Lạ Bốn"}]
    import_national(ctx, "poor", given("poor", tmp_path / "p.csv", rows), actor="an")
    assert counts(ctx, "poor") == {**NOTHING, "here_not_there": 1, "household_left": 1}


def test_meritorious_holders_and_children(ctx: Context, tmp_path: Path) -> None:
    child = {
        "birth": "05/03/2020", "clause": "K1", "degree": "", "certificate_date": "",
        "decision_date": "20/01/2023", "payee_name": "Trần Thị Nuôi", "payee_relation": "Người chăm sóc",
    }  # fmt: skip
    register(ctx, tmp_path, [
        person(1, merit_allowance="Có"), person(2), person(3, identity="025220000003", **child),
    ])  # fmt: skip
    merit = {
        "code": "NCC1",
        "allowance": "Thương binh 61 %",
        "amount": "5450000",
        "relation": "bản thân",
    }
    rows = [there(1, **merit), there(1, **{**merit, "allowance": "Phụ cấp"}), there(9, **merit)]
    assert (
        import_national(ctx, "merit", given("merit", tmp_path / "m.csv", rows), actor="an").taken
        == 3
    )
    assert counts(ctx, "merit") == {
        **NOTHING, **dict.fromkeys(merits.KINDS, 0), "there_not_here": 1, "here_not_there": 0,
    }  # fmt: skip
    rows = [{**there(3), "identity": "", "birth": "05/03/2020", "name": "Nguyễn Văn Mẫu"}]
    file = given("children", tmp_path / "c.csv", rows)
    assert import_national(ctx, "children", file, actor="an").taken == 1
    assert counts(ctx, "children") == {**NOTHING, "identity_differs": 1, "here_not_there": 0}
