"""Opening positions: one journal per payer, no money moves, nobody paid from before go-live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.openings import OpeningReport, hold_unopened, open_register
from disbursement.beneficiaries.service import import_register
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from ledger.queries import trial_balance
from ledger.verify import verify
from tests.beneficiaries.test_import import sentences
from tests.beneficiaries.world import COMMUNES, counts, csv_file, person, select, xlsx

JUL, AUG, SEP = "Đã trả 07/2026", "Đã trả 08/2026", "Đã trả 09/2026"
REGISTER = [
    person(1),
    person(2, commune=COMMUNES[1]),
    person(3),
    person(3, clause="K4", degree="", certificate_date="", children="2", household="Nghèo",
           household_from="01/01/2026", household_to="31/12/2026"),
    person(4, decision_date="01/09/2026", start_month="10/2026"),
    person(5),
]  # fmt: skip


def ids(n: int) -> str:
    return f"025080{n:06d}"


def opened(ctx: Context, folder: Path, rows: list[Mapping[str, Any]], **more: Any) -> OpeningReport:
    path = csv_file(
        folder / "opening.csv", rows, fields=["identity", "programme", JUL, AUG, SEP],
        of=columns.OPENING,
    )  # fmt: skip
    return open_register(ctx, path, 202609, "an", **more)


@pytest.fixture
def register(ctx: Context, tmp_path: Path) -> Context:
    import_register(ctx, xlsx(tmp_path / "r.xlsx", REGISTER), mode="all", actor="an")
    return ctx


ROWS = [
    {"identity": ids(1), JUL: 750_000, AUG: 750_000, SEP: 750_000},
    {"identity": ids(2), AUG: 750_000, SEP: 700_000},  # paid 50,000 too little in September
    {"identity": ids(3), JUL: 1_750_000, AUG: 1_750_000, SEP: 1_750_000},  # 2 x 500 + 750
]


def test_one_journal_per_payer_and_no_money_moves(register: Context, tmp_path: Path) -> None:
    report = opened(register, tmp_path, ROWS)
    assert (report.rows_read, report.taken, report.refused) == (3, 3, 0)
    assert (report.people, report.journals) == (3, 2)
    assert report.amount_vnd == 3 * 750_000 + 1_450_000 + 3 * 1_750_000 == 8_950_000
    assert (report.differing, report.held) == (1, 1)
    lines = select(
        register,
        "SELECT d.code, c.code, l.cover, l.amount, l.rev, l.item, l.move, l.due_after "
        "FROM line l JOIN account d ON d.id = l.debit_account "
        "JOIN account c ON c.id = l.credit_account JOIN person p ON p.id = l.sub_id "
        "WHERE p.identity_last4 = '0002' ORDER BY l.cover",
    )
    assert lines == [
        (f"expense.{COMMUNES[1]}.SA.2026", f"opening.{COMMUNES[1]}", 202608, 750_000, 0, 0, 0,
         750_000),
        (f"expense.{COMMUNES[1]}.SA.2026", f"opening.{COMMUNES[1]}", 202609, 700_000, 0, 0, 0,
         700_000),
    ]  # fmt: skip
    with register.cell.read() as conn:
        rows = {r.code: r for r in trial_balance(conn, 1).accounts}
        assert verify(conn).found == 0
    used = {code for code, r in rows.items() if r.debit or r.credit}
    assert used == {f"{kind}.{c}{tail}" for c in COMMUNES[:2] for kind, tail in
                    (("expense", ".SA.2026"), ("opening", ""))}  # fmt: skip


def test_opening_sets_the_first_month_and_what_compare_looks_at(
    register: Context, tmp_path: Path
) -> None:
    opened(register, tmp_path, ROWS)
    assert select(
        register,
        "SELECT p.identity_last4, c.clause, c.opening_month FROM benefit_case c "
        "JOIN person p ON p.id = c.person_id ORDER BY 1, 2",
    ) == [
        ("0001", "K6", 202607), ("0002", "K6", 202608), ("0003", "K4", 202607),
        ("0003", "K6", 202607), ("0004", "K6", None), ("0005", "K6", None),
    ]  # fmt: skip
    assert select(
        register,
        "SELECT p.identity_last4, min(u.from_month) FROM unit_profile u "
        "JOIN person p ON p.id = u.sub_id GROUP BY 1 ORDER BY 1",
    ) == [("0001", 202607), ("0002", 202608), ("0003", 202607), ("0004", 202610),
          ("0005", 202610)]  # fmt: skip
    # only who was paid something else than the law gives, and who starts in October
    assert select(
        register,
        "SELECT p.identity_last4, d.from_month, d.why FROM dirty d "
        "JOIN person p ON p.id = d.sub_id ORDER BY 1",
    ) == [("0002", 202609, "opening differs"), ("0004", 202610, "new case")]


def test_who_has_no_opening_row_is_held_until_it_comes(register: Context, tmp_path: Path) -> None:
    opened(register, tmp_path, ROWS)
    holds = (
        "SELECT p.identity_last4, h.kind, h.resolved_at IS NULL FROM hold h "
        "JOIN person p ON p.id = h.person_id WHERE h.reason = 'no_opening'"
    )
    assert [(a, b, bool(c)) for a, b, c in select(register, holds)] == [("0005", "right", True)]
    late = tmp_path / "late"
    late.mkdir()
    report = opened(register, late, [{"identity": ids(5), SEP: 0}])
    assert (report.taken, report.amount_vnd, report.journals, report.differing) == (1, 0, 0, 1)
    assert [(a, b, bool(c)) for a, b, c in select(register, holds)] == [("0005", "right", False)]


def test_the_same_opening_again_changes_nothing(register: Context, tmp_path: Path) -> None:
    opened(register, tmp_path, ROWS)
    before = counts(register)
    again = opened(register, tmp_path, ROWS)
    assert (again.taken, again.unchanged, again.people, again.journals) == (0, 3, 0, 0)
    after = counts(register)
    assert {k for k in after if after[k] != before[k]} == {"audit_event"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"identity": ids(77), SEP: 750_000}, "không có người này trong sổ"),
        ({"identity": ids(4), SEP: 750_000}, "không có hồ sơ nào hưởng trước tháng vận hành"),
        ({"identity": ids(1), SEP: 750_000}, "trùng số định danh với dòng 2"),
        ({"identity": "12", SEP: 750_000}, "12 số"),
        ({"identity": ids(5), SEP: "750.000"}, "không có dấu phân cách"),
        ({"identity": ids(5), SEP: -5}, "số đồng nguyên"),
        ({"identity": ids(5)}, "không có số đã trả"),
        ({"identity": ids(5), JUL: 750_000, SEP: 750_000}, "thiếu số đã trả tháng 08/2026"),
        ({"identity": ids(5), "programme": "XYZ", SEP: 1}, "TGXH, HTXH hoặc NCC"),
    ],
)
def test_a_bad_opening_row_comes_back_and_the_others_are_taken(
    register: Context, tmp_path: Path, row: Mapping[str, Any], says: str
) -> None:
    report = opened(register, tmp_path, [ROWS[0], row])
    assert (report.taken, report.refused) == (1, 1)
    assert says in sentences(report)[0]  # type: ignore[arg-type]


def test_other_amounts_for_somebody_opened_are_refused(register: Context, tmp_path: Path) -> None:
    opened(register, tmp_path, ROWS)
    before = counts(register)
    with pytest.raises(RefusedError) as refused:  # no row is left to take: nothing changes
        opened(register, tmp_path, [{"identity": ids(1), SEP: 1}])
    assert refused.value.code == "rows_refused"
    assert (tmp_path / "opening-khong-nhan.xlsx").is_file()
    assert counts(register) == before


def test_a_month_outside_the_opening_refuses_the_whole_file(
    register: Context, tmp_path: Path
) -> None:
    before = counts(register)
    path = csv_file(
        tmp_path / "o.csv", [{"identity": ids(1), "Đã trả 10/2026": 1}],
        fields=["identity", "Đã trả 10/2026"], of=columns.OPENING,
    )  # fmt: skip
    with pytest.raises(RefusedError) as refused:
        open_register(register, path, 202609, "an")
    assert refused.value.code == "opening_month"
    with pytest.raises(RefusedError) as refused:
        open_register(register, path, 202608, "an")  # nobody goes live in September
    assert "09/2026" in refused.value.sentence
    assert counts(register) == before


def test_what_register_rows_carried_is_posted_without_a_file(ctx: Context, tmp_path: Path) -> None:
    rows = [person(1, paid_through="09/2026", **{AUG: "750000", SEP: "750000"}),
            person(2, identity="", paid_through="09/2026", **{AUG: "0", SEP: "750000"})]  # fmt: skip
    import_register(ctx, xlsx(tmp_path / "r.xlsx", rows), mode="all", actor="an")
    report = open_register(ctx, None, 202609, "an")
    assert (report.people, report.amount_vnd, report.journals, report.held) == (2, 2_250_000, 1, 0)
    assert report.differing == 1  # the second was paid nothing for August
    assert counts(ctx)["line"] == 3


def test_before_a_list_everybody_unopened_is_held(register: Context) -> None:
    with register.cell.begin() as conn:
        assert hold_unopened(conn, register, "an") == 4  # all but the one who starts in October
        assert hold_unopened(conn, register, "an") == 0
