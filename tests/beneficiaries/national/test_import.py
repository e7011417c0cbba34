"""A register's file becomes a dated snapshot; what it says about people here becomes holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from disbursement.beneficiaries.event_file import import_events
from disbursement.beneficiaries.holds import check_deaths, list_holds
from disbursement.beneficiaries.national.profiles import profiles
from disbursement.beneficiaries.national.raising import POOR_ONLY
from disbursement.beneficiaries.national.service import import_national
from disbursement.entitlements.facts import Right, conditions
from disbursement.identity.service import create_user
from disbursement.platform.clock import SetClock
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, RefusedError
from tests.beneficiaries.national.files import (
    given,
    poor_person,
    poor_row,
    register,
    there,
)
from tests.beneficiaries.world import COMMUNES, person, select

TABLES = ("register_snapshot", "register_row", "hold", "death_notice")


def sizes(ctx: Context) -> dict[str, int]:
    return {t: select(ctx, f"SELECT count(*) FROM {t}")[0][0] for t in TABLES}


def test_a_population_file_is_kept_and_its_dead_are_held_as_register_check_does(
    ctx: Context, tmp_path: Path
) -> None:
    register(ctx, tmp_path, [person(1), person(2)])
    file = given(
        "population", tmp_path / "p.csv", [there(1, died_on="03/08/2026"), there(2), there(9)]
    )
    done = import_national(ctx, "population", file, actor="an", as_of=date(2026, 9, 18))
    assert (done.rows_read, done.taken, done.refused) == (3, 3, 0)
    assert (done.dead_numbers, done.dead_here, done.new_holds, done.as_of) == (
        1,
        1,
        1,
        "2026-09-18",
    )
    [hold] = list_holds(ctx)
    assert (hold.reason, hold.kind, hold.last4) == ("dead", "right", "0001")
    answer = given(
        "deaths", tmp_path / "d.csv", [{"identity": "025080000001", "died_on": "03/08/2026"}]
    )
    assert check_deaths(ctx, answer, "an").new_holds == 0
    assert sizes(ctx) == {"register_snapshot": 2, "register_row": 4, "hold": 1, "death_notice": 1}
    said = select(ctx, "SELECT who_blind IS NULL, last4, name_search, died_on, active, facts "
                  "FROM register_row WHERE name <> '' ORDER BY n")  # fmt: skip
    assert [tuple(r)[1:] for r in said] == [
        ("0001", "nguyen van mau", "2026-08-03", 0, "{}"),
        ("0002", "nguyen van mau", None, 1, "{}"),
        ("0009", "nguyen van mau", None, 1, "{}"),
    ]


def test_the_same_file_again_changes_nothing_and_a_later_day_must_be_said(
    ctx: Context, tmp_path: Path
) -> None:
    file = given("population", tmp_path / "p.csv", [there(1, died_on="03/08/2026")])
    assert not import_national(ctx, "population", file, actor="an").repeated
    assert isinstance(ctx.clock, SetClock)
    ctx.clock.set(date(2026, 10, 20))
    before = sizes(ctx)
    again = import_national(ctx, "population", file, actor="an")
    assert (again.repeated, again.as_of, again.new_holds) == (True, "2026-09-20", 0)
    assert sizes(ctx) == before
    register(ctx, tmp_path, [person(1)])  # somebody who came later is found in the known file
    assert import_national(ctx, "population", file, actor="an").new_holds == 1
    later = import_national(ctx, "population", file, actor="an", as_of=date(2026, 10, 19))
    assert (later.repeated, later.as_of) == (False, "2026-10-19")
    assert select(
        ctx,
        "SELECT as_of, content_id = (SELECT min(id) FROM register_snapshot) "
        "FROM register_snapshot ORDER BY id",
    ) in ([("2026-09-20", True), ("2026-10-19", True)], [("2026-09-20", 1), ("2026-10-19", 1)])
    assert sizes(ctx)["register_row"] == 1
    with pytest.raises(RefusedError, match="tương lai"):
        import_national(ctx, "population", file, actor="an", as_of=date(2026, 10, 21))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"identity": "1"}, "Số định danh cá nhân: phải là số định danh 12 số"),
        ({"identity": "025180000002"}, "giới tính trong số định danh khác giới tính đã ghi"),
        ({"birth": "31/02/1980"}, "Ngày sinh: không phải ngày sinh"),
        ({"commune": "00004"}, "không thuộc tỉnh đang làm việc"),
        ({"sex": "Khác"}, "Giới tính: 'Khác' không có trong danh mục"),
        ({"identity": "025080000001"}, "người này đã có ở dòng 2"),
        ({"died_on": "21/09/2026"}, "Ngày chết: không phải ngày đã qua"),
        ({"commune": COMMUNES[1]}, "ngoài phạm vi của tệp"),
    ],
)
def test_a_bad_row_is_given_back_with_row_column_and_reason(
    ctx: Context, tmp_path: Path, row: dict[str, str], says: str
) -> None:
    file = given("population", tmp_path / "p.csv", [there(1), {**there(2), **row}])
    done = import_national(ctx, "population", file, actor="an", payer=COMMUNES[0])
    assert (done.taken, done.refused) == (1, 1)
    assert done.errors == str(tmp_path / "p-khong-nhan.xlsx")
    rows = CalamineWorkbook.from_path(done.errors).get_sheet_by_index(0).to_python()
    assert says in str(rows[1][-1])
    assert "Dòng 3 của tệp gốc" in str(rows[1][-1])
    whole = given("population", tmp_path / "q.csv", [{**there(2), **row}, there(1), there(1)])
    done = import_national(ctx, "population", whole, actor="an", payer=COMMUNES[0], mode="all")
    assert (done.taken, done.refused >= 2) == (0, True)
    assert select(ctx, "SELECT count(*) FROM register_snapshot") == [(1,)]


def test_what_a_file_may_not_be(ctx: Context, tmp_path: Path) -> None:
    file = given("population", tmp_path / "p.csv", [there(1)])
    with pytest.raises(RefusedError, match="deaths, population, cases, poor, merit, children"):
        import_national(ctx, "bank", file, actor="an")
    with pytest.raises(RefusedError, match="không có tệp biến động"):
        import_national(ctx, "population", file, actor="an", changes=True)
    with pytest.raises(RefusedError, match="Không có đơn vị chi trả mã 99999"):
        import_national(ctx, "population", file, actor="an", payer="99999")
    with pytest.raises(RefusedError, match="docs/national-registers"):
        import_national(ctx, "poor", file, actor="an")
    poor = given("poor", tmp_path / "c.csv", [poor_row(1)])
    with pytest.raises(NotNowError, match="Chưa có danh sách đầy đủ"):
        import_national(ctx, "poor", poor, actor="an", changes=True)
    assert sizes(ctx) == dict.fromkeys(TABLES, 0)


def test_a_household_that_leaves_holds_whose_right_rests_on_it(
    ctx: Context, tmp_path: Path
) -> None:
    register(
        ctx, tmp_path, [poor_person(1), poor_person(2), poor_person(3), poor_person(4), person(5)]
    )
    review = given("poor", tmp_path / "review.csv", [
        poor_row(1), poor_row(2), poor_row(3), poor_row(4, left_on="01/09/2026", left_cause="thoát nghèo"),
        there(5, code="H5", household="Nghèo"),
    ])  # fmt: skip
    done = import_national(ctx, "poor", review, actor="an", as_of=date(2026, 9, 1))
    assert (done.taken, done.new_holds) == (5, 1)
    monthly = given("poor", tmp_path / "month.csv", [
        poor_row(1, left_on="10/09/2026"), {**poor_row(2), "household": "Cận nghèo"},
        there(5, code="H5", household="Nghèo", left_on="10/09/2026"),
    ])  # fmt: skip
    done = import_national(ctx, "poor", monthly, actor="an", as_of=date(2026, 9, 15), changes=True)
    assert (done.rows_read, done.taken, done.new_holds) == (3, 3, 2)  # K6 rests on no household
    again = import_national(ctx, "poor", monthly, actor="an", as_of=date(2026, 9, 20), changes=True)
    assert (again.repeated, again.new_holds) == (True, 0)
    kept = select(ctx, "SELECT code, left_on, active FROM register_row WHERE snapshot_id = "
                  "(SELECT max(content_id) FROM register_snapshot) ORDER BY code")  # fmt: skip
    assert kept == [
        ("H1", "2026-09-10", 0), ("H2", None, 1), ("H3", None, 1), ("H4", "2026-09-01", 0),
        ("H5", "2026-09-10", 0),
    ]  # fmt: skip
    yearly = given("poor", tmp_path / "next.csv", [{**poor_row(2), "household": "Cận nghèo"}])
    done = import_national(ctx, "poor", yearly, actor="an", as_of=date(2026, 9, 20))
    assert done.new_holds == 1  # the third is no longer there; the others are known
    holds = [(h.last4, h.reason, h.detail.split(": ")[1].split(";")[0]) for h in list_holds(ctx)]
    assert sorted(holds) == [
        ("0001", "household_left", "hộ đã ra khỏi danh sách từ ngày 10/09/2026"),
        (
            "0002",
            "household_left",
            "hộ chuyển từ nghèo sang cận nghèo, theo danh sách ngày 15/09/2026",
        ),
        ("0003", "household_left", "hộ không còn trong danh sách ngày 20/09/2026"),
        ("0004", "household_left", "hộ đã ra khỏi danh sách từ ngày 01/09/2026 (thoát nghèo)"),
    ]


def test_an_end_recorded_here_already_is_no_news(ctx: Context, tmp_path: Path) -> None:
    register(ctx, tmp_path, [poor_person(1, household_to="31/08/2026"), poor_person(2)])
    review = given("poor", tmp_path / "review.csv", [
        poor_row(1, left_on="01/09/2026"), poor_row(2),
    ])  # fmt: skip
    assert import_national(ctx, "poor", review, actor="an").new_holds == 0


def test_categories_for_which_near_poor_is_not_enough_are_those_of_the_law() -> None:
    found = set()
    for clause in ("K3", "K4", "K5a", "K5b", "K5b20", "K7", "K8", "SP"):
        right = Right(clause=clause, territory="VN", household="near_poor")
        if dict(conditions(right, poor_only=clause == "SP"))["household"] is False:
            found.add(clause)
    assert found == POOR_ONLY


def test_every_column_says_whence_it_is_known() -> None:
    assert list(profiles()) == ["deaths", "population", "cases", "poor", "merit", "children"]
    for one in profiles().values():
        fields = [c.column.field for c in one.columns]
        assert len(fields) == len(set(fields))
        assert set(one.outgoing) == {"increase", "decrease", "result"}
        for column in one.columns:
            assert "own proposal" in column.source
            assert not column.filled or column.column.required


def test_a_leaving_is_drafted_as_an_event_and_recorded_by_its_decision(
    ctx: Context, tmp_path: Path
) -> None:
    create_user(ctx, "an", "Cán bộ an", "030080000001", ["preparer"], "mat-khau-thu-nghiem-1")
    register(ctx, tmp_path, [poor_person(1), poor_person(2)])
    review = given(
        "poor", tmp_path / "review.csv", [poor_row(1, left_on="10/09/2026"), poor_row(2)]
    )
    done = import_national(ctx, "poor", review, actor="an")
    assert (done.new_holds, done.events) == (1, str(tmp_path / "review-su-kien.xlsx"))
    head, row = CalamineWorkbook.from_path(done.events).get_sheet_by_index(0).to_python()
    said = dict(zip(head, row, strict=True))
    assert said["Số định danh cá nhân"] == "025060000001"
    assert (said["Loại sự kiện"], said["Ngày sự kiện"], said["Mã xã"]) == (
        "thôi hưởng",
        "10/09/2026",
        COMMUNES[0],
    )
    said |= {
        "Số quyết định": "9/QĐ-UBND",
        "Ngày quyết định": "15/09/2026",
        "Người ký quyết định": "Trần Thị Thử",
    }
    decided = tmp_path / "decided.csv"
    decided.write_text(
        "\n".join(",".join(f'"{x}"' for x in line) for line in (said.keys(), said.values()))
    )
    assert import_events(ctx, decided, mode="all", actor="an").recorded == 1
    assert select(ctx, "SELECT kind, happened_on, decision_number FROM case_event") == [
        ("stop", "2026-09-10", "9/QĐ-UBND")
    ]
    months = select(ctx, "SELECT max(to_month) FROM unit_profile u JOIN person p ON p.id = u.sub_id "
                    "WHERE p.identity_last4 = '0001'")  # fmt: skip
    assert months == [(None,)]  # September was the last: nothing of what is paid here
    later = given("poor", tmp_path / "later.csv", [poor_row(1, left_on="05/09/2026"), poor_row(2)])
    assert import_national(ctx, "poor", later, actor="an").new_holds == 0  # decided since
