"""Our meritorious cases against the meritorious finance database, and its outgoing file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import record_one
from disbursement.beneficiaries.national import merits
from disbursement.beneficiaries.national.reconcile import report
from disbursement.beneficiaries.national.service import import_national
from disbursement.beneficiaries.openings import open_register
from disbursement.documents.reconciled import KIND_WORDS
from disbursement.exchange.outgoing import export_national
from disbursement.runs import service
from tests.beneficiaries.national.files import given
from tests.exchange.test_outgoing import sheets
from tests.runs.test_list_programmes import authority
from tests.runs.test_merit_month import prepare
from tests.runs.test_month import sign_all
from tests.runs.test_rate_versions import close
from tests.runs.test_register_merit import assistance, merit, take
from tests.runs.world import PAYER, World

NAMES = "ABCDEFGH"


def theirs(n: int, allowance: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "identity": f"025150{n:06d}", "name": f"Trần Thị {NAMES[n % 8]}", "birth": "02/03/1950",
        "sex": "Nữ", "commune": PAYER, "code": f"HS{n}", "allowance": allowance,
        "amount": str(amount), "relation": "bản thân", "decision_number": f"{n}/QĐ-SNV",
        "decision_date": "05/03/2024", **more,
    }  # fmt: skip


def read(world: World, *rows: Mapping[str, Any]) -> None:
    file = given("merit", world.ctx.settings.home / "m.csv", rows)
    done = import_national(world.ctx, "merit", file, actor="an")
    assert (done.taken, done.refused) == (len(rows), 0)


def found(world: World, folder: Path) -> list[tuple[str, str, str, str]]:
    """Return kind, last four digits here and there, and what differs, as the workbook says it."""
    out = folder / "d.xlsx"
    [one] = [r for r in report(world.ctx, out=out) if r.register == "merit"]
    words = {said: kind for kind, said in KIND_WORDS.items()}
    sheet = CalamineWorkbook.from_path(str(out)).get_sheet_by_name("Sai khác").to_python()
    rows = [
        (words[r[1]], str(r[4]), str(r[9]), str(r[15]))
        for r in sheet
        if r[1] in words and r[0] == "Cơ sở dữ liệu tài chính người có công"
    ]
    assert one.counts == {k: sum(r[0] == k for r in rows) for k in one.counts}
    return sorted(rows)


def test_who_agrees_is_not_named(world: World, tmp_path: Path) -> None:
    take(
        world,
        merit(1, "TB", injury_pct=61),
        merit(1, "TUDAY"),
        merit(2, "SURVIVOR", relation="Mẹ", martyrs=1),
        assistance(9),
    )
    read(
        world,
        theirs(1, "Thương binh 61 %", 5_450_000),
        theirs(1, "TUDAY", 1_673_000),
        theirs(2, "Thân nhân hưởng trợ cấp tuất hằng tháng", 2_789_000, relation="mẹ"),
    )
    assert found(world, tmp_path) == []
    [one] = [r for r in report(world.ctx) if r.register == "merit"]
    assert (one.subjects, one.matched) == (2, 2)


def test_every_difference_is_named_with_both_sides(world: World, tmp_path: Path) -> None:
    done = take(
        world,
        merit(1, "TB", injury_pct=61),
        merit(2, "TUDAY"),
        merit(3, "SURVIVOR", relation="Mẹ", martyrs=1),
        merit(4, "TUDAY"),
        merit(5, "TUDAY", end_date=date(2026, 8, 3), end_cause="Từ chối nhận"),
        merit(6, "TUDAY"),
        merit(7, "TB", injury_pct=61),
        merit(7, "TUDAY"),
    )
    assert done.taken == 8
    record_one(
        world.ctx,
        EventIn("death", date(2026, 9, 20), PAYER, identity="025150000004", document="TD 5/2026"),
        source="officer",
        actor="an",
    )
    take(world, {**assistance(8), "identity": "025150000010", "name": "Trần Thị C", "sex": "Nữ",
                 "owner_name": "Trần Thị C"}, name="sa")  # fmt: skip
    read(
        world,
        theirs(1, "Thương binh 61 %", 5_886_000),  # another amount
        theirs(2, "TUDAY", 1_673_000, decision_number="99/QĐ"),
        theirs(3, "SURVIVOR", 2_789_000, relation="con"),
        theirs(4, "TUDAY", 1_673_000),  # dead here
        theirs(5, "TUDAY", 1_673_000),  # stopped here
        theirs(6, "TUDAY", 1_673_000, left_on="01/09/2026"),  # stopped there
        theirs(7, "Thương binh 61 %", 5_450_000),  # the other allowance is missing
        theirs(10, "BB", 3_000_000),  # known here for social assistance only
        theirs(11, "TUDAY", 1_673_000),  # nobody here
        theirs(60, "TUDAY", 1_673_000, name="Trần Thị G"),  # the sixth under another number?
    )
    assert found(world, tmp_path) == [
        ("allowance_here", "0007", "0007", "ở đây: TUDAY (Người bị địch bắt tù, đày)"),
        ("allowance_there", "0010", "0010", "bên đó: BB, 3.000.000 đồng"),
        ("amount_differs", "0001", "0001",
         "bên đó 5.886.000 đồng, ở đây 5.450.000 đồng một tháng"),
        ("amount_differs", "0007", "0007",
         "bên đó 5.450.000 đồng, ở đây 7.123.000 đồng một tháng"),
        ("dead_here", "0004", "0004", "ở đây ghi chết ngày 20/09/2026"),
        ("decision_differs", "0002", "0002",
         "bên đó 99/QĐ ngày 05/03/2024, ở đây 2/QĐ-SNV ngày 05/03/2024"),
        ("relation_differs", "0003", "0003", "bên đó con, ở đây cha, mẹ"),
        ("stopped_here", "0005", "0005", "bên đó: TUDAY, 1.673.000 đồng"),
        ("stopped_there", "0006", "0006", "ở đây: TUDAY (Người bị địch bắt tù, đày)"),
        ("there_not_here", "", "0011", ""),
        ("there_not_here", "", "0060", ""),
    ]  # fmt: skip


def test_who_is_missing_and_who_differs(world: World, tmp_path: Path) -> None:
    take(world, merit(1, "TUDAY"), merit(2, "TUDAY"), merit(3, "TUDAY"))
    read(
        world,
        theirs(1, "TUDAY", 1_673_000, name="Trần Thị Bê"),
        theirs(30, "TUDAY", 1_673_000, name="Trần Thị D"),
    )
    assert [r[:3] for r in found(world, tmp_path)] == [
        ("here_not_there", "0002", ""),
        ("identity_differs", "0003", "0030"),
        ("name_differs", "0001", "0001"),
    ]


def test_a_derived_amount_that_waits_here_is_no_difference(world: World, tmp_path: Path) -> None:
    take(world, merit(1, "TB", injury_pct=61))
    world.clock.set(date(2026, 11, 3))
    read(world, theirs(1, "TB 61 %", 5_886_000))
    assert found(world, tmp_path) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("TB", "TB"), ("tb 61%", "TB"), ("Thương binh 61 %", "TB"), ("Thương binh", "TB"),
        ("Bệnh binh 71 %", "BB"), ("Thương binh loại B", "TBB"), ("Phụ cấp", None),
        ("Người bị địch bắt tù, đày", "TUDAY"), ("ONE.WOUND", None), ("", None),
    ],
)  # fmt: skip
def test_words_name_a_category_or_none(words: str, code: str | None) -> None:
    assert merits.category(words) == code


def test_the_outgoing_file_tells_of_merits(world: World, tmp_path: Path) -> None:
    paid = {"paid_through": "09/2026", "Đã trả 09/2026": 1_673_000}
    world.clock.set(date(2026, 9, 24))
    take(world, merit(1, "TUDAY", **paid), merit(2, "TB", injury_pct=61), merit(3, "TUDAY"))
    open_register(world.ctx, None, 202609, "an")
    authority(world, "NCC", 500_000_000)
    read(world, theirs(2, "TB 61 %", 5_450_000))
    prepare(world, 202610)
    done = export_national(world.ctx, "merit", 202610, tmp_path / "o.xlsx", actor="an")
    assert (done.increase, done.decrease, done.result) == (2, 0, 3)
    told = sheets(tmp_path / "o.xlsx")
    assert [
        (r["code"], r["identity"], r["clause"], r["decision_number"], r["start_month"], r["amount"])
        for r in told["increase"]
    ] == [
        ("HS2", "025150000002", "TB", "2/QĐ-SNV", "03/2024", 5_450_000),
        ("", "025150000003", "TUDAY", "3/QĐ-SNV", "03/2024", 1_673_000),
    ]
    assert [(r["identity"], r["amount"], r["state"]) for r in told["result"]] == [
        ("025150000001", 1_673_000, "Đã chuyển khoản"),
        ("025150000002", 5_450_000, "Đã chuyển khoản"),
        ("025150000003", 1_673_000, "Đã chuyển khoản"),
    ]
    close(world, date(2026, 10, 23))
    take(
        world,
        merit(1, "TUDAY", end_date=date(2026, 10, 9), end_cause="Chết"),
        merit(5, "ONE.WOUND", injury_pct=12, event_date=date(2026, 10, 2)),
        name="b",
    )
    service.prepare(world.ctx, 202611, world.signers["an"])
    sign_all(world, 202611)
    done = export_national(world.ctx, "merit", 202611, tmp_path / "n.xlsx", actor="an")
    told = sheets(tmp_path / "n.xlsx")
    gone = [(r["identity"], r["before"], r["cause"], r["end_day"]) for r in told["decrease"]]
    assert gone[0] == ("025150000001", 1_673_000, "chết", "09/10/2026")
    # What is paid once is a result, and neither an increase nor a decrease.
    assert [r["identity"] for r in told["increase"]] == []
    assert ("025150000005", 18_072_000) in [(r["identity"], r["amount"]) for r in told["result"]]
