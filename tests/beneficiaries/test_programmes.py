"""A list programme's file beside the register, on both databases: whose person, whose account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import python_calamine

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.programmes import ProgrammeReport, import_programme
from disbursement.platform.context import Context
from tests.beneficiaries.test_import import bring
from tests.beneficiaries.world import COMMUNES, counts, csv_file, person, select

OF = columns.programme_columns("decided_list")
FIELDS = [
    "identity", "name", "birth", "sex", "commune", "decision_number", "decision_date",
    "decision_signer", "amount", "from_month", "to_month", "destination", "bank", "account",
    "owner_name", "owner_relation",
]  # fmt: skip


def row(n: int, **changes: Any) -> dict[str, Any]:
    found = {**person(n), "amount": "500000", "from_month": "10/2026", "to_month": "", **changes}
    return {k: v for k, v in found.items() if k in FIELDS}


def give(ctx: Context, folder: Path, *rows: Mapping[str, Any], mode: Any = "good"
         ) -> ProgrammeReport:  # fmt: skip
    path = csv_file(folder / "ds.csv", rows, fields=FIELDS, of=OF)
    return import_programme(ctx, "LIST", path, mode=mode, actor="an")


def sentences(report: ProgrammeReport) -> list[str]:
    assert report.errors is not None
    sheet = python_calamine.load_workbook(report.errors).get_sheet_by_index(0)
    return [str(r[-1]) for r in list(sheet.iter_rows())[1:]]


def test_a_person_of_the_register_keeps_its_destination(ctx: Context, tmp_path: Path) -> None:
    bring(ctx, tmp_path, [person(1), person(2), person(3, commune=COMMUNES[1])])
    done = give(
        ctx, tmp_path, row(1), row(2, account="1500000009999"), row(3), row(4),
        row(1, name="Nguyễn Văn Khác", owner_name="Nguyễn Văn Khác"), row(5, identity=""),
    )  # fmt: skip
    assert (done.taken, done.refused, done.people, done.units) == (2, 4, 1, 2)
    said = sentences(done)
    assert "đã có nơi nhận khác trong sổ" in said[0]
    assert f"đang do xã mã {COMMUNES[1]} chi trả" in said[1]
    assert "khác họ tên, ngày sinh hoặc giới tính" in said[2]
    assert "cần số định danh 12 số" in said[3]
    assert select(ctx, "SELECT count(*) FROM destination") == [(4,)]
    assert select(ctx, "SELECT count(*) FROM benefit_case") == [(3,)]


def test_who_came_by_a_list_may_get_a_case_later(ctx: Context, tmp_path: Path) -> None:
    give(ctx, tmp_path, row(1))
    assert select(ctx, "SELECT owed_group, unit_kind FROM sub ORDER BY owed_group") == [
        ("LIST.LIST", "person"),
        ("SOC", "person"),
    ]
    done = bring(ctx, tmp_path, [person(1)])
    assert (done.people, done.cases, done.refused) == (0, 1, 0)
    assert select(ctx, "SELECT count(*) FROM sub") == [(2,)]
    spans = "SELECT count(*) FROM unit_profile u JOIN person p ON p.id = u.sub_id"
    assert select(ctx, spans)[0][0] > 0
    assert select(
        ctx, "SELECT u.from_month, u.to_month FROM unit_profile u JOIN list_unit l "
        "ON l.sub_id = u.sub_id",
    ) == [(202610, 202610)]  # fmt: skip


def test_all_or_nothing_leaves_nothing(ctx: Context, tmp_path: Path) -> None:
    before = counts(ctx)
    done = give(ctx, tmp_path, row(1), row(2, amount="0"), mode="all")
    assert (done.taken, done.refused) == (0, 1)
    assert counts(ctx) == before
