"""One register of all programmes: rows of meritorious service beside SA, on both databases.

Amounts: NĐ 77/2024 (NCC24) until NĐ 321/2026 (NCC26) may be used, for months from July 2026; severe
disability 2 x 500,000 for a man of 1950 (K6, 2.0 from 60 years on).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.programmes import import_programme
from disbursement.beneficiaries.service import ImportReport, import_register
from disbursement.platform.errors import NotNowError
from disbursement.programmes import service as rates
from disbursement.runs import service
from tests.beneficiaries.world import csv_file, xlsx
from tests.runs.test_list_programmes import authority, refused
from tests.runs.test_merit_month import OF, prepare
from tests.runs.test_merit_month import row as list_row
from tests.runs.test_month import budget, healthy
from tests.runs.test_rate_versions import close
from tests.runs.world import PAYER, World

Row = dict[str, Any]


def merit(n: int, category: str, **more: Any) -> Row:
    told = list_row(n, category, **more)
    told["clause"] = told.pop("category")
    return {"programme": "NCC", **told}


def assistance(n: int, **more: Any) -> Row:
    name = f"Nguyễn Văn {'ABCDEFGH'[n % 8]}"
    return {
        "identity": f"025050{n:06d}", "name": name, "birth": date(1950, 3, 2), "sex": "Nam",
        "commune": PAYER, "programme": "TGXH", "clause": "K6", "degree": "Nặng",
        "certificate_date": date(2023, 1, 10), "decision_number": f"{n}/QĐ-UBND",
        "decision_date": date(2026, 9, 1), "decision_signer": "Lê Văn Chủ",
        "start_month": "10/2026", "destination": "Tài khoản ngân hàng", "bank": "BFTVVNVX",
        "account": f"98{n:08d}", "owner_name": name, **more,
    }  # fmt: skip


def dated(row: Mapping[str, Any]) -> Row:
    """Return a row as a CSV writes it."""
    return {k: f"{v:%d/%m/%Y}" if isinstance(v, date) else v for k, v in row.items()}


def as_xlsx(path: Path, rows: list[Row], fields: list[str]) -> Path:
    return xlsx(path.with_suffix(".xlsx"), rows, fields=fields)


def as_csv(path: Path, rows: list[Row], fields: list[str]) -> Path:
    return csv_file(path.with_suffix(".csv"), [dated(r) for r in rows], fields=fields)


def take(
    world: World, *rows: Row, name: str = "so", write: Callable[..., Path] = as_xlsx
) -> ImportReport:
    fields = list(dict.fromkeys(["start_month", *(f for r in rows for f in r)]))
    path = write(world.ctx.settings.home / name, list(rows), fields)
    done = import_register(world.ctx, path, mode="good", actor="an")
    path.unlink()
    return done


@pytest.mark.parametrize("write", [as_xlsx, as_csv], ids=["xlsx", "csv"])
def test_one_file_of_all_programmes_to_a_signed_month(
    world: World, write: Callable[..., Path]
) -> None:
    world.clock.set(date(2026, 9, 24))
    rows = [
        assistance(1),
        # the mother draws a martyr's allowance by two decisions and social assistance is another's
        merit(2, "TB", injury_pct=85, special_severity="Có", carer_at_home="Có", studying="Không"),
        merit(3, "Thương binh", injury_pct=61),
        merit(3, "TUDAY"),
        merit(4, "Thân nhân hưởng trợ cấp tuất hằng tháng", relation="Chồng", martyrs=1),
        merit(5, "ONE.WOUND", injury_pct=12, event_date=date(2026, 9, 2)),
    ]
    done = take(world, *rows, write=write)
    assert (done.rows_read, done.taken, done.refused) == (6, 5, 1), refused(world, done)
    assert "tháng 09/2026 trước tháng vận hành 10/2026" in refused(world, done)
    assert (done.people, done.cases, done.changed, done.lump_sums) == (4, 5, 0, 0)
    assert world.rows(
        "SELECT m.code, p.identity_last4 FROM merit_case m JOIN person p ON p.id = m.person_id "
        "ORDER BY 2, 1"
    ) == [("TB", "0002"), ("TB", "0003"), ("TUDAY", "0003"), ("SURVIVOR", "0004")]
    assert world.one("SELECT count(*) FROM benefit_case") == 1
    budget(world)
    authority(world, "NCC", 500_000_000)
    assert prepare(world, 202610) == [
        ("0002", 202610, 14_050_000),  # 7,601,000 + 2,867,000 + 3,582,000
        ("0003", 202610, 7_123_000),  # 5,450,000 + 1,673,000
        ("0004", 202610, 2_789_000),
    ]
    assert world.balance(f"expense.{PAYER}.NCC.2026") == 23_962_000
    assert world.balance(f"expense.{PAYER}.SA.2026") == 1_000_000

    # The same rows in a new file change nothing; nor does the list's own file.
    again = take(world, *rows[:5], name="again", write=write)
    assert (again.taken, again.unchanged, again.refused, again.people) == (0, 5, 0, 0)
    listed = xlsx(
        world.ctx.settings.home / "ncc.xlsx", [list_row(3, "TB", injury_pct=61)],
        fields=list(list_row(3, "TB", injury_pct=61)), of=OF,
    )  # fmt: skip
    same = import_programme(world.ctx, "NCC", listed, mode="good", actor="an")
    assert (same.taken, same.cases, same.changed) == (1, 0, 0)
    assert world.one("SELECT count(*) FROM merit_case_change") == 0


def test_what_was_paid_before_going_live_is_opened_and_a_rise_in_the_past_is_paid_back(
    world: World,
) -> None:
    paid = {"paid_through": "09/2026"} | {f"Đã trả {m:02d}/2026": 5_450_000 for m in (7, 8, 9)}
    done = take(world, merit(3, "TB", injury_pct=61, **paid), merit(4, "TUDAY"))
    assert (done.taken, done.refused) == (2, 0), refused(world, done)
    authority(world, "NCC", 500_000_000)
    with pytest.raises(NotNowError) as early:  # else three months would be paid a second time
        service.prepare(world.ctx, 202610, world.signers["an"])
    assert early.value.code == "not_opened"
    assert "register open --through 2026-09" in early.value.sentence
    opened = open_register(world.ctx, None, 202609, "an")
    assert (opened.people, opened.amount_vnd, opened.journals) == (1, 16_350_000, 1)
    assert (opened.differing, opened.held) == (0, 0)
    assert world.balance(f"opening.{PAYER}") == -16_350_000
    assert world.balance(f"expense.{PAYER}.NCC.2026") == 16_350_000
    assert prepare(world, 202610) == [
        ("0003", 202610, 5_450_000),
        ("0004", 202610, 1_673_000),
    ]
    close(world, date(2026, 10, 23))
    rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="Công báo", actor="dung")
    assert prepare(world, 202611) == [
        ("0003", 202607, 436_000),  # 5,886,000 - 5,450,000
        ("0003", 202608, 436_000),
        ("0003", 202609, 436_000),
        ("0003", 202610, 436_000),
        ("0003", 202611, 5_886_000),
        ("0004", 202610, 134_000),  # no opening: from going live
        ("0004", 202611, 1_807_000),
    ]
    changed = take(
        world, merit(3, "TB", injury_pct=61, **paid | {"Đã trả 08/2026": 5_000_000}), name="b"
    )
    assert (changed.taken, changed.refused) == (0, 1)
    assert "số đã trả khác số đã mở sổ" in refused(world, changed)


def test_the_opening_file_opens_merits_beside_social_assistance(world: World) -> None:
    both = assistance(1, start_month="01/2024", decision_date=date(2024, 1, 5))
    same = {k: both[k] for k in ("identity", "name", "birth", "sex", "account", "owner_name")}
    done = take(world, both, merit(1, "TUDAY", **same))
    assert (done.taken, done.people) == (2, 1), refused(world, done)
    months = ["Đã trả 08/2026", "Đã trả 09/2026"]
    wanted = {
        "TGXH": dict.fromkeys(months, 1_000_000),
        "NCC": {months[0]: 1_673_000, months[1]: 1_600_000},
    }
    path = csv_file(
        world.ctx.settings.home / "mo.csv",
        [{"identity": both["identity"], "programme": p, **paid} for p, paid in wanted.items()],
        fields=["identity", "programme", *months],
        of=columns.OPENING,
    )
    opened = open_register(world.ctx, path, 202609, "an")
    assert (opened.taken, opened.refused, opened.people) == (2, 0, 1)
    assert opened.amount_vnd == 2_000_000 + 3_273_000
    assert opened.journals == 1
    # each sub has what was paid to it, and is compared from its first month
    assert world.rows(
        "SELECT s.owed_group, l.cover, l.amount FROM line l JOIN sub s ON s.id = l.sub_id "
        "JOIN account d ON d.id = l.debit_account WHERE d.kind = 'expense' ORDER BY 1, 2"
    ) == [
        ("LIST.NCC", 202608, 1_673_000),
        ("LIST.NCC", 202609, 1_600_000),
        ("SOC", 202608, 1_000_000),
        ("SOC", 202609, 1_000_000),
    ]
    assert {f for (f,) in world.rows("SELECT from_month FROM dirty")} == {202608}
    again = open_register(world.ctx, path, 202609, "an")
    assert (again.taken, again.unchanged, again.amount_vnd) == (0, 2, 0)
    healthy(world)


def test_a_person_without_a_number_is_held_as_in_the_register(world: World) -> None:
    done = take(world, merit(3, "TUDAY", identity=""), merit(4, "TUDAY"))
    assert (done.taken, done.refused, done.held) == (2, 0, 1), refused(world, done)
    authority(world, "NCC", 500_000_000)
    assert prepare(world, 202610) == [("0004", 202610, 1_673_000)]
    assert world.rows(
        "SELECT h.reason, h.amount_vnd FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
        "WHERE l.state <> 'void'"
    ) == [("no_identity", 1_673_000)]


def test_a_changed_row_keeps_what_was_and_a_new_account_waits(world: World) -> None:
    take(world, merit(3, "TB", injury_pct=61))
    done = take(
        world, merit(3, "TB", injury_pct=71, account="9900099999", decision_number="8/QĐ"), name="b"
    )
    assert (done.taken, done.changed, done.cases, done.destinations) == (1, 1, 0, 1)
    assert world.rows("SELECT code, decision_number FROM merit_case_change") == [("TB", "3/QĐ-SNV")]
    usable = world.rows("SELECT version, usable_from FROM destination ORDER BY version")
    assert usable == [(1, "2026-09-24"), (2, "2026-10-01")]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"clause": "XYZ"}, "(Diện hưởng): không có diện 'XYZ'"),
        ({"clause": "K6"}, "(Diện hưởng): không có diện 'K6'"),
        ({"clause": "TB"}, "cần tỷ lệ tổn thương cơ thể"),
        ({"clause": "TB", "injury_pct": 15}, "không thuộc phạm vi tính: TB 15 %"),
        ({"injury_pct": 61}, "(Tỷ lệ tổn thương cơ thể): diện TUDAY không có thông tin này"),
        ({"degree": "Nặng"}, "(Mức độ khuyết tật): mục này của trợ giúp xã hội"),
        ({"suspended_from": "11/2026"}, "(Tạm dừng từ tháng): mục này của trợ giúp xã hội"),
        ({"end_date": date(2026, 9, 1), "end_cause": "Xyz"}, "'Xyz' không có trong danh mục"),
        ({"end_date": date(2026, 9, 1)}, "ghi cả ngày và lý do"),
        ({"Đã trả 09/2026": 1_673_000}, "có số đã trả mà thiếu 'Đã trả đến hết tháng'"),
        (
            {"Đã trả 10/2026": 1_673_000, "paid_through": "10/2026"},
            "24 tháng trước tháng vận hành 10/2026",
        ),
        ({"decision_date": date(2027, 1, 1)}, "ngày quyết định ở tương lai"),
        ({"account": "12"}, "(Số tài khoản): số tài khoản gồm 6 đến 19 chữ số"),
        (
            {"programme": "TGXH", "clause": "K6", "degree": "Nặng", "start_month": "10/2026",
             "certificate_date": date(2023, 1, 10), "martyrs": 1},
            "(Số liệt sĩ): mục này của ưu đãi người có công",
        ),
        ({"programme": "NCCC"}, "'NCCC' không có trong danh mục"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_with_row_and_column(world: World, told: Row, said: str) -> None:
    done = take(world, {**merit(1, "TUDAY"), **told})
    assert (done.taken, done.refused) == (0, 1)
    assert said in refused(world, done)
    for table in ("person", "merit_case", "list_unit", "list_opening", "benefit_case"):
        assert world.one(f"SELECT count(*) FROM {table}") == 0, table


def test_rows_that_contradict_each_other_are_refused(world: World) -> None:
    done = take(
        world,
        merit(3, "TUDAY"),
        merit(3, "TUDAY"),
        merit(3, "TB", injury_pct=61, account="9900000077"),
        merit(4, "TUDAY", decision_kind="Điều chỉnh", start_month="10/2026"),
        merit(5, "TB", injury_pct=61, paid_through="09/2026", **{"Đã trả 09/2026": 1}),
        merit(5, "TUDAY", paid_through="09/2026", **{"Đã trả 09/2026": 1}),
    )
    assert (done.taken, done.refused) == (2, 4)
    said = refused(world, done)
    for sentence in (
        "cùng người và diện hưởng với dòng 2",
        "khác nơi nhận",
        "sổ chưa có diện này",
        "số đã trả chỉ ghi ở một dòng",
    ):
        assert sentence in said
    assert world.one("SELECT count(*) FROM merit_case") == 2
