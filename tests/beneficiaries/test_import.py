"""Importing a register, on both databases: exact numbers, and the same file changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from sqlalchemy import text

from disbursement.beneficiaries.service import ImportReport, import_register, require_taken
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from tests.beneficiaries.world import (
    COMMUNES,
    GOOD,
    counts,
    csv_file,
    headers,
    person,
    select,
    xlsx,
)

RAISES = {"identity": "025080000099", "birth": "1980"}


def bring(
    ctx: Context,
    folder: Path,
    rows: list[Mapping[str, Any]],
    *,
    name: str = "a.xlsx",
    **options: Any,
) -> ImportReport:
    make = csv_file if name.endswith(".csv") else xlsx
    options = {"mode": "good", "actor": "an", **options}
    return import_register(ctx, make(folder / name, rows), **options)


def sentences(report: ImportReport) -> list[str]:
    assert report.errors is not None
    sheet = python_calamine.load_workbook(report.errors).get_sheet_by_index(0)
    return [str(r[-1]) for r in list(sheet.iter_rows())[1:]]


MIXED = [
    person(1),
    person(2, commune=COMMUNES[1]),
    # one person, two rows: the poor single parent who is severely disabled
    person(3),
    person(3, clause="K4", degree="", certificate_date="", children="2", household="Nghèo"),
    person(4, birth="1980", identity=""),  # imported and held
    person(5, identity="123456789"),
    person(6, identity="02508000006"),  # 11 digits: refused
    person(7, account=1500000000007),  # a number cell: refused
    person(1),  # a doubled row: refused
]


def test_good_rows_in_bad_rows_back(ctx: Context, tmp_path: Path) -> None:
    report = bring(ctx, tmp_path, MIXED, out_dir=tmp_path / "back")
    assert (report.rows_read, report.taken, report.refused) == (9, 6, 3)
    assert (report.people, report.cases, report.destinations, report.held) == (5, 6, 5, 2)
    found = counts(ctx)
    assert (found["person"], found["benefit_case"], found["destination"]) == (5, 6, 5)
    assert (found["sub"], found["hold"], found["journal"]) == (5, 2, 2)
    assert [found[t] for t in ("import_row", "import_fault", "import_stage", "import_span")] == [
        0, 0, 0, 0,
    ]  # fmt: skip
    said = sentences(report)
    assert [s.split("\n")[0] for s in said] == [f"Dòng {n} của tệp gốc:" for n in (8, 9, 10)]
    assert "11 ký tự" in said[0]
    assert "dạng chữ" in said[1]
    assert "trùng người, chương trình và diện hưởng với dòng 2" in said[2]
    assert Path(report.errors or "").parent == tmp_path / "back"


def test_the_ledger_knows_each_person_once(ctx: Context, tmp_path: Path) -> None:
    bring(ctx, tmp_path, MIXED)
    rows = select(
        ctx,
        "SELECT s.unit_kind, s.owed_group, s.source, s.unit_id - p.id, p.identity_kind, "
        "s.unit_key = p.identity_blind FROM sub s JOIN person p ON p.id = s.id ORDER BY p.id",
    )
    assert [r[:4] for r in rows] == [("person", "SOC", "state", 0)] * 5
    assert [(r[4], bool(r[5])) for r in rows] == [
        ("cccd", True), ("cccd", True), ("cccd", True), ("none", False), ("cmnd", True),
    ]  # fmt: skip
    [(evidence, kind)] = select(
        ctx, "SELECT evidence, kind FROM journal WHERE idem_key LIKE 'register/%'"
    )
    [(sha,)] = select(ctx, "SELECT sha256 FROM import_file")
    assert (bytes(evidence), kind) == (bytes(sha), "definition")


def test_all_or_nothing_changes_nothing(ctx: Context, tmp_path: Path) -> None:
    before = counts(ctx)
    report = bring(ctx, tmp_path, MIXED, mode="all")
    assert (report.taken, report.refused, len(sentences(report))) == (0, 3, 3)
    with pytest.raises(RefusedError):
        require_taken(report)
    after = counts(ctx)
    assert after.pop("profile") >= before.pop("profile")  # kinds of facts, nobody's
    assert after == before
    report = bring(ctx, tmp_path, [MIXED[n] for n in range(6)], mode="all")
    assert (report.taken, report.refused, report.errors) == (6, 0, None)


def test_the_same_file_again_and_the_same_rows_again_change_nothing(
    ctx: Context, tmp_path: Path
) -> None:
    rows = MIXED[:6]
    bring(ctx, tmp_path, rows)
    before = counts(ctx)
    again = import_register(ctx, tmp_path / "a.xlsx", mode="good", actor="an")
    assert (again.repeated, again.rows_read, again.unchanged) == (True, 6, 6)
    assert counts(ctx) == before
    # exported anew, in another order and form
    other = bring(ctx, tmp_path, rows[::-1], name="b.csv")
    assert (other.repeated, other.unchanged, other.taken, other.held) == (False, 6, 0, 0)
    after = counts(ctx)
    changed = {k for k in after if after[k] != before[k]}
    assert changed == {"import_file", "audit_event"}


def test_mended_rows_go_in_and_the_rest_stays(ctx: Context, tmp_path: Path) -> None:
    bring(ctx, tmp_path, MIXED)
    mended = [*MIXED[:6], person(6), person(7)]
    report = bring(ctx, tmp_path, mended, name="b.xlsx")
    assert (report.taken, report.unchanged, report.people, report.refused) == (2, 6, 2, 0)


def test_the_returned_workbook_can_be_mended_and_imported(ctx: Context, tmp_path: Path) -> None:
    rows = [person(6, identity="02508000006"), person(7, children=2, clause="K4", household="x")]
    report = bring(ctx, tmp_path, rows)
    assert report.errors is not None
    sheet = python_calamine.load_workbook(report.errors).get_sheet_by_index(0)
    head, *back = [[str(c) for c in r] for r in sheet.iter_rows()]
    assert head[:-1] == headers([*GOOD, "children", "household"])
    assert back[1][18:20] == ["2", "x"]
    back[0][0] = "025080000006"
    back[1][19] = "Nghèo"
    path = tmp_path / "mended.csv"
    with path.open("w", encoding="utf-8") as out:
        for row in [head, *back]:
            out.write(",".join(f'"{c}"' for c in row) + "\n")
    again = import_register(ctx, path, mode="good", actor="an")
    assert (again.taken, again.refused) == (2, 0)


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"name": "Nguyễn Văn Khác", "owner_name": "Nguyễn Văn Khác"}, "khác họ tên"),
        ({"birth": "06/03/1980"}, "ngày sinh"),
        ({"commune": COMMUNES[1]}, "khác họ tên"),
        ({"account": "1500999999999"}, "khác nơi nhận"),
        ({"owner_relation": "Vợ/chồng"}, "khác nơi nhận"),
        ({"clause": "K6"}, "trùng người"),
    ],
)
def test_contradictions_inside_a_file_refuse_the_later_row(
    ctx: Context, tmp_path: Path, second: Mapping[str, Any], says: str
) -> None:
    other = {"clause": "K8", "degree": "", "certificate_date": "", "household": "Nghèo",
             "income": "Không", **second}  # fmt: skip
    report = bring(ctx, tmp_path, [person(1), person(1, **other)])
    assert (report.taken, report.refused) == (1, 1)
    [sentence] = sentences(report)
    assert sentence.startswith("Dòng 3 ")
    assert says in sentence
    assert select(ctx, "SELECT programme, clause FROM benefit_case") == [("SA", "K6")]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"name": "Nguyễn Văn Khác", "owner_name": "Nguyễn Văn Khác"}, "đã có trong sổ"),
        ({"birth": "06/03/1980"}, "đã có trong sổ"),
        ({"commune": COMMUNES[1]}, f"xã mã {COMMUNES[0]}"),
    ],
)
def test_contradictions_with_the_register_are_refused(
    ctx: Context, tmp_path: Path, second: Mapping[str, Any], says: str
) -> None:
    bring(ctx, tmp_path, [person(1)])
    before = counts(ctx)
    report = bring(ctx, tmp_path, [person(1, **second)], name="b.xlsx")
    assert (report.taken, report.refused) == (0, 1)
    assert says in sentences(report)[0]
    assert counts(ctx) == before


def test_two_people_without_a_number_cannot_be_told_apart(ctx: Context, tmp_path: Path) -> None:
    rows = [person(1, identity=""), person(2, identity=""), person(3, identity="", birth="1980")]
    report = bring(ctx, tmp_path, rows)
    assert (report.people, report.refused, report.held) == (2, 1, 2)


def test_a_changed_row_changes_its_case_and_keeps_what_was(ctx: Context, tmp_path: Path) -> None:
    bring(ctx, tmp_path, [person(1), person(2)])
    changed = person(
        1, degree="Đặc biệt nặng", decision_number="77/QĐ-UBND", decision_date="10/09/2026",
        start_month="09/2026", decision_kind="Điều chỉnh",
    )  # fmt: skip
    report = bring(ctx, tmp_path, [changed, person(2)], name="b.xlsx")
    assert (report.taken, report.changed, report.unchanged) == (1, 1, 1)
    assert (report.cases, report.people, report.destinations) == (0, 0, 0)
    assert select(
        ctx, "SELECT decision_number, start_month FROM benefit_case ORDER BY decision_number"
    ) == [("12/QĐ-UBND", 202301), ("77/QĐ-UBND", 202609)]
    [(number, start, by)] = select(
        ctx, "SELECT decision_number, start_month, changed_by FROM case_change"
    )
    assert (number, start, by) == ("12/QĐ-UBND", 202301, "an")
    assert select(ctx, "SELECT from_month, why FROM dirty") == [(202301, "change")]
    facts = select(
        ctx,
        "SELECT p.facts FROM unit_profile u JOIN profile p ON p.id = u.profile_id "
        "JOIN benefit_case c ON c.person_id = u.sub_id WHERE c.decision_number = '77/QĐ-UBND' "
        "AND 202611 BETWEEN u.from_month AND u.to_month",
    )
    assert '"degree":"ES"' in facts[0][0]


def test_a_changed_account_is_a_new_destination_that_cools_off(
    ctx: Context, tmp_path: Path
) -> None:
    bring(ctx, tmp_path, [person(1), person(2)])
    report = bring(ctx, tmp_path, [person(1, account="1500777777777"), person(2)], name="b.xlsx")
    assert (report.taken, report.unchanged, report.destinations, report.changed) == (0, 2, 1, 0)
    rows = select(
        ctx,
        "SELECT d.version, d.account_last4, d.usable_from FROM destination d "
        "WHERE d.person_id = (SELECT min(id) FROM person) ORDER BY d.version",
    )
    assert rows == [(1, "0001", "2026-09-20"), (2, "7777", "2026-09-27")]
    # the payer's own setting: 3 days
    with ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO setting (name, payer, value, document, set_by, set_at) "
                "VALUES ('cooling_off_days', :p, '3', '', 'an', '')"
            ),
            {"p": COMMUNES[0]},
        )
    bring(ctx, tmp_path, [person(1), person(2, account="1500666666666")], name="c.xlsx")
    rows = select(
        ctx, "SELECT version, account_last4, usable_from FROM destination WHERE version > 1 "
        "ORDER BY person_id, version",
    )  # fmt: skip
    assert rows == [
        (2, "7777", "2026-09-27"), (3, "0001", "2026-09-23"), (2, "6666", "2026-09-23"),
    ]  # fmt: skip


def test_numbers_are_sealed_and_bound_to_their_rows(ctx: Context, tmp_path: Path) -> None:
    bring(ctx, tmp_path, [person(1), person(2)])
    for identity_enc, blind, row, last4 in select(
        ctx, "SELECT identity_enc, identity_blind, id, identity_last4 FROM person"
    ):
        number = ctx.keys.decrypt("person.identity", row, bytes(identity_enc))
        assert number[-4:] == last4
        assert ctx.keys.blind("identity", number) == bytes(blind)
    for account_enc, blind, row, bank in select(
        ctx, "SELECT account_enc, account_blind, id, bank_code FROM destination"
    ):
        number = ctx.keys.decrypt("destination.account", row, bytes(account_enc))
        assert ctx.keys.blind("account", f"{bank}{number}") == bytes(blind)
    plain = "025080000001"
    for table in ("person", "benefit_case", "destination", "hold", "audit_event", "import_file"):
        assert plain not in repr(select(ctx, f"SELECT * FROM {table}"))


def test_a_year_of_birth_is_enough_where_the_whole_year_gives_the_same(
    ctx: Context, tmp_path: Path
) -> None:
    rows = [
        person(1, birth="1980"),  # 46 all year: the same band
        # born some day of 1951: 75 in some month of 2026; whether due depends on it
        person(2, identity="025051000002", birth="1951", programme="HTXH", clause="SP", degree="",
               certificate_date="", household="Không", income="Không", written_request="Có",
               decision_date="05/09/2026", start_month="10/2026"),
    ]  # fmt: skip
    report = bring(ctx, tmp_path, rows)
    assert (report.taken, report.held) == (2, 1)
    assert select(ctx, "SELECT kind, reason FROM hold") == [("right", "birth_year_only")]


def test_profiles_begin_with_the_first_month_that_counts(ctx: Context, tmp_path: Path) -> None:
    rows = [
        person(1),  # since 2023, not opened: from go-live on
        person(2, decision_date="01/09/2026", start_month="11/2026"),  # starts later
        person(3, paid_through="09/2026",
               **{"Đã trả 08/2026": "750000", "Đã trả 09/2026": "750000"}),
        person(4, end_date="15/07/2026"),  # ended before go-live: nothing
    ]  # fmt: skip
    bring(ctx, tmp_path, rows)
    spans = select(
        ctx,
        "SELECT p.identity_last4, u.from_month, u.to_month FROM unit_profile u "
        "JOIN person p ON p.id = u.sub_id ORDER BY 1, 2",
    )
    assert spans == [("0001", 202610, 203012), ("0002", 202611, 203012), ("0003", 202608, 203012)]
    assert select(ctx, "SELECT c.opening_month FROM benefit_case c ORDER BY c.id") == [
        (None,),
        (None,),
        (202608,),
        (None,),
    ]
    assert select(ctx, "SELECT cover, amount_vnd, programme, journal_id FROM opening") == [
        (202608, 750_000, "SA", None), (202609, 750_000, "SA", None),
    ]  # fmt: skip


def test_a_worker_checks_large_files_with_the_same_result(lite: Context, tmp_path: Path) -> None:
    rows = [person(n) for n in range(1, 12_001)] + [person(7)]
    report = bring(lite, tmp_path, rows, name="a.csv")
    assert (report.rows_read, report.taken, report.refused) == (12_001, 12_000, 1)
    assert "với dòng 8" in sentences(report)[0]
    assert counts(lite)["sub"] == 12_000


def test_an_import_broken_off_leaves_nothing_and_is_cleared(
    lite: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(lite)

    def no_space(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("disbursement.beneficiaries.reader.Spool.put", no_space)
    with pytest.raises(OSError, match="No space"):
        bring(lite, tmp_path, [person(1)])
    assert counts(lite) == before


def test_only_one_payer(ctx: Context, tmp_path: Path) -> None:
    report = bring(ctx, tmp_path, [person(1), person(2, commune=COMMUNES[1])], payer=COMMUNES[1])
    assert (report.taken, report.refused) == (1, 1)
    assert select(ctx, "SELECT commune_code FROM person") == [(COMMUNES[1],)]
