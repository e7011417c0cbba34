"""Deaths, the cleaning list, and releases by a recorded document."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import python_calamine

from disbursement.beneficiaries.holds import (
    check_deaths,
    count_holds,
    list_holds,
    release_hold,
    write_cleaning,
)
from disbursement.beneficiaries.national.profiles import profile
from disbursement.beneficiaries.service import import_register
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from tests.beneficiaries.world import COMMUNES, counts, csv_file, person, select, xlsx

SP = {
    "programme": "HTXH", "clause": "SP", "degree": "", "certificate_date": "",
    "household": "Không", "income": "Không", "written_request": "Có",
    "decision_date": "05/09/2026", "start_month": "10/2026",
}  # fmt: skip
PEOPLE = [
    person(1),
    person(2, commune=COMMUNES[1]),
    person(3, identity="", name="Lê Thị Không Số", owner_name="Lê Thị Không Số", sex="Nữ"),
    person(4, identity="123456789"),
    person(5, identity="025051000005", birth="1951", **SP),  # 75 in some month of 2026
]


@pytest.fixture
def register(ctx: Context, tmp_path: Path) -> Context:
    import_register(ctx, xlsx(tmp_path / "r.xlsx", PEOPLE), mode="all", actor="an")
    return ctx


def deaths(folder: Path, rows: list[Mapping[str, Any]], name: str = "deaths.csv") -> Path:
    return csv_file(
        folder / name, rows, fields=["identity", "died_on"], of=profile("deaths").column_set
    )


DEAD = [
    {"identity": "025080000001", "died_on": "03/08/2026"},
    {"identity": "025080999999", "died_on": "04/08/2026"},  # nobody here
    {"identity": "123456789", "died_on": "2026-09-01"},
]


def test_the_dead_are_held_with_the_day_and_strangers_only_counted(
    register: Context, tmp_path: Path
) -> None:
    report = check_deaths(register, deaths(tmp_path, DEAD), "an")
    assert (report.rows_read, report.found, report.unknown, report.new_holds) == (3, 2, 1, 2)
    rows = select(
        register,
        "SELECT h.kind, h.fact_digest, n.died_on, h.detail FROM hold h "
        "JOIN death_notice n ON n.person_id = h.person_id WHERE h.reason = 'dead' ORDER BY h.id",
    )
    assert [r[:3] for r in rows] == [
        ("right", "2026-08-03", "2026-08-03"), ("right", "2026-09-01", "2026-09-01"),
    ]  # fmt: skip
    assert "từ tháng 09/2026" in rows[0][3]


def test_the_same_answer_again_changes_nothing_a_new_day_is_a_new_hold(
    register: Context, tmp_path: Path
) -> None:
    check_deaths(register, deaths(tmp_path, DEAD), "an")
    before = counts(register)
    again = check_deaths(register, deaths(tmp_path, DEAD), "an")
    assert (again.found, again.new_holds) == (2, 0)
    after = counts(register)
    assert {k for k in after if after[k] != before[k]} == {"audit_event"}
    other = [{"identity": "025080000001", "died_on": "05/08/2026"}]
    assert check_deaths(register, deaths(tmp_path, other, "b.csv"), "an").new_holds == 1
    assert select(register, "SELECT died_on FROM death_notice ORDER BY 1") == [
        ("2026-08-05",), ("2026-09-01",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"identity": "1", "died_on": "03/08/2026"}, "Dòng 3, cột Số định danh"),
        ({"identity": "025080000002", "died_on": "21/09/2026"}, "Dòng 3, cột Ngày chết"),
        ({"identity": "025080000002", "died_on": "2026"}, "Dòng 3, cột Ngày chết"),
        ({"identity": "025080000001", "died_on": "04/08/2026"}, "hai ngày chết khác nhau"),
    ],
)
def test_a_bad_answer_is_refused_whole(
    register: Context, tmp_path: Path, row: Mapping[str, Any], says: str
) -> None:
    before = counts(register)
    with pytest.raises(RefusedError) as refused:
        check_deaths(register, deaths(tmp_path, [DEAD[0], row]), "an")
    assert says in refused.value.sentence
    assert counts(register) == before


def test_holds_are_listed_with_four_digits_at_most(register: Context) -> None:
    assert count_holds(register) == [
        ("right", "birth_year_only", 1), ("right", "cmnd", 1), ("right", "no_identity", 1),
    ]  # fmt: skip
    rows = list_holds(register, payer=COMMUNES[0])
    assert [(r.reason, r.last4) for r in rows] == [
        ("no_identity", ""), ("cmnd", "6789"), ("birth_year_only", "0005"),
    ]  # fmt: skip
    assert list_holds(register, payer=COMMUNES[1]) == []
    assert "123456789" not in repr(rows)


def test_the_cleaning_list_of_each_commune(register: Context, tmp_path: Path) -> None:
    [path] = write_cleaning(register, tmp_path / "clean")
    assert path.name == f"can-lam-sach-{COMMUNES[0]}.xlsx"
    cells = [
        str(c)
        for row in python_calamine.load_workbook(str(path)).get_sheet_by_index(0).iter_rows()
        for c in row
    ]
    assert "Lê Thị Không Số" in cells
    assert "1951" in cells
    assert not any("123456789" in c or "025051000005" in c for c in cells)


def hold_of(ctx: Context, reason: str) -> int:
    return next(r.id for r in list_holds(ctx) if r.reason == reason)


def test_a_hold_is_released_once_by_a_document(
    register: Context, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hold = hold_of(register, "cmnd")
    row = release_hold(
        register, hold, "CV 12/UBND ngày 18/09/2026", "binh", identity="025080000004"
    )
    assert (row.document, row.resolved_at is not None) == ("CV 12/UBND ngày 18/09/2026", True)
    [(kind, last4, enc, person_id)] = select(
        register,
        "SELECT p.identity_kind, p.identity_last4, p.identity_enc, p.id FROM person p "
        "JOIN hold h ON h.person_id = p.id WHERE h.reason = 'cmnd'",
    )
    assert (kind, last4) == ("cccd", "0004")
    assert register.keys.decrypt("person.identity", person_id, bytes(enc)) == "025080000004"
    with pytest.raises(NotNowError):
        release_hold(register, hold, "CV 13", "binh")
    assert "025080000004" not in caplog.text
    assert "025080000004" not in repr(select(register, "SELECT * FROM audit_event"))


@pytest.mark.parametrize(
    ("document", "identity", "code"),
    [
        ("", None, "document"),
        ("CV 1", "025080000001", "identity_taken"),
        ("CV 1", "025081000004", "identity"),
        ("CV 1", "12345", "identity"),
    ],
)
def test_a_release_that_does_not_fit_changes_nothing(
    register: Context, document: str, identity: str | None, code: str
) -> None:
    before = select(register, "SELECT * FROM person ORDER BY id")
    with pytest.raises(RefusedError) as refused:
        release_hold(register, hold_of(register, "cmnd"), document, "binh", identity=identity)
    assert refused.value.code == code
    assert select(register, "SELECT * FROM person ORDER BY id") == before
    assert len(list_holds(register)) == 3


def test_there_is_no_such_hold(register: Context) -> None:
    with pytest.raises(NotFoundError):
        release_hold(register, 999_999, "CV 1", "binh")


def test_a_birth_day_recorded_with_the_release_decides_the_amount(register: Context) -> None:
    ages = (
        "SELECT DISTINCT p.facts FROM unit_profile u JOIN profile p ON p.id = u.profile_id "
        "JOIN hold h ON h.person_id = u.sub_id WHERE h.reason = 'birth_year_only' "
        "AND u.from_month <= 202610 AND u.to_month >= 202610"
    )
    [(before,)] = select(register, ages)
    assert before.count("[70,") + before.count("[75,") > 1
    hold = hold_of(register, "birth_year_only")
    with pytest.raises(RefusedError):
        release_hold(register, hold, "GKS 5", "binh", birth=date(1952, 4, 1))
    release_hold(register, hold, "GKS 5", "binh", birth=date(1951, 4, 1))
    [(after,)] = select(register, ages)
    assert '"ages":[[75,75]]' in after
    assert select(register, "SELECT from_month, why FROM dirty ORDER BY sub_id DESC LIMIT 1") == [
        (202610, "new case")
    ]
