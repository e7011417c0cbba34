"""The outgoing file of a month: who came, who left and why, what became of every payment."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from disbursement.beneficiaries.national.profiles import profiles
from disbursement.beneficiaries.national.service import import_national
from disbursement.exchange.outgoing import NAMES, export_national
from disbursement.platform.errors import NotFoundError, RefusedError, UsageError
from disbursement.runs import close, service
from tests.beneficiaries.national.files import given, there
from tests.cli.conftest import Type
from tests.runs.test_close import report, resolved
from tests.runs.test_month import K6, sign_all
from tests.runs.world import NUMBERS, PAYER, Person, World, add_people

PEOPLE = ("", "SA bank", "SP bank", "SP cash", "SA wallet", "SA new")


def sheets(path: Path) -> dict[str, list[dict[str, Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    out = {}
    for sheet, name in NAMES.items():
        head, *rows = [r for r in book.get_sheet_by_name(name).to_python() if r[1] != ""]
        columns = profiles()["cases"].outgoing[sheet]
        assert head == [c.header for c in columns]
        fields = [c.field for c in columns]
        out[sheet] = [dict(zip(fields, r, strict=True)) for r in rows]
    return out


def number(n: int) -> str:
    return NUMBERS[n]


def test_the_first_month_is_all_increase_and_tells_every_result(
    world: World, tmp_path: Path
) -> None:
    resolved(world)
    case = {"identity": number(1), "code": "HS-1", "programme": "TGXH", "clause": "K6"}
    rows = [there(1, commune=PAYER, **{**case, "birth": "01/03/1990"})]
    import_national(world.ctx, "cases", given("cases", tmp_path / "c.csv", rows), actor="an")
    done = export_national(world.ctx, "cases", 202610, tmp_path / "o.xlsx", actor="an")
    assert (done.increase, done.decrease, done.result) == (4, 0, 4)
    found = sheets(tmp_path / "o.xlsx")
    assert [(r["code"], r["identity"], r["clause"], r["start_month"], r["amount"]) for r in found["increase"]] == [
        ("HS-1", number(1), "K6", "10/2026", 750_000), ("", number(2), "SP", "10/2026", 500_000),
        ("", number(3), "SP", "10/2026", 500_000), ("", number(4), "K6", "10/2026", 750_000),
    ]  # fmt: skip
    assert [(r["identity"], r["amount"], r["state"], r["rail"], r["paid_on"], r["reason"]) for r in found["result"]] == [
        (number(1), 750_000, "Đã chuyển khoản", "Tài khoản ngân hàng", "05/10/2026", ""),
        (number(2), 500_000, "Chưa trả", "Tài khoản ngân hàng", "", "bị từ chối"),
        (number(3), 500_000, "Đã nhận tiền mặt", "Tiền mặt", "05/10/2026", ""),
        (number(4), 750_000, "Chưa trả", "Ví điện tử", "", "Kênh chi trả chưa sẵn sàng"),
    ]  # fmt: skip
    assert world.rows(
        "SELECT actor, subject FROM audit_event WHERE action = 'national.export'"
    ) == [("an", "cases")]


def november(world: World, folder: Path) -> None:
    """The first is reported dead, the third's right has ended, a fifth is new."""
    resolved(world)
    file = report(folder / "r.csv", transfer=750_000, cash=500_000, kept=500_000)
    close.close_runs(world.ctx, 202610, file, "chi")
    add_people(world, [Person(date(1991, 3, 1), K6, start=202611)])
    dead = given("deaths", folder / "d.csv", [{"identity": number(1), "died_on": "20/09/2026"}])
    import_national(world.ctx, "deaths", dead, actor="an")
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text("UPDATE unit_profile SET to_month = 202610 WHERE sub_id = 3 AND to_month > 202610")
        )
        conn.execute(text("DELETE FROM unit_profile WHERE sub_id = 3 AND from_month > 202610"))
        conn.execute(
            text("UPDATE benefit_case SET end_month = 202610, end_cause = 'Chuyển đi' WHERE id = 3")
        )
    service.prepare(world.ctx, 202611, world.signers["an"])
    sign_all(world, 202611)


def test_the_next_month_says_who_came_and_who_left_and_why(world: World, tmp_path: Path) -> None:
    november(world, tmp_path)
    done = export_national(world.ctx, "cases", 202611, tmp_path / "o.xlsx", actor="an")
    assert (done.increase, done.decrease, done.result) == (1, 2, 3)
    found = sheets(tmp_path / "o.xlsx")
    assert [(r["identity"], r["start_month"], r["amount"]) for r in found["increase"]] == [
        (number(5), "11/2026", 750_000)
    ]
    assert [(r["identity"], r["before"], r["cause"], r["end_day"]) for r in found["decrease"]] == [
        (number(1), 750_000, "Dữ liệu dân cư báo đã chết", "20/09/2026"),
        (number(3), 500_000, "Chuyển đi", ""),
    ]  # fmt: skip
    assert [(r["identity"], r["amount"], r["state"], r["reason"]) for r in found["result"]] == [
        (number(2), 1_000_000, "Chưa trả", "chờ gửi"),
        (number(4), 1_500_000, "Chưa trả", "Kênh chi trả chưa sẵn sàng"),
        (number(5), 750_000, "Chưa trả", "chờ gửi"),
    ]  # fmt: skip


def test_a_stop_by_an_event_is_said_in_words(world: World, tmp_path: Path) -> None:
    november(world, tmp_path)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE benefit_case SET end_cause = 'lost_eligibility' WHERE id = 3"))
    export_national(world.ctx, "cases", 202611, tmp_path / "o.xlsx", actor="an")
    causes = [r["cause"] for r in sheets(tmp_path / "o.xlsx")["decrease"]]
    assert causes == ["Dữ liệu dân cư báo đã chết", "không còn đủ điều kiện"]


def test_each_register_gets_its_own_people(world: World, tmp_path: Path) -> None:
    november(world, tmp_path)
    facts = text("UPDATE benefit_case SET facts = replace(facts, '{', :f) WHERE id = :i")
    with world.ctx.cell.begin() as conn:
        for person, fact in (
            (2, '"household":"poor"'),
            (3, '"household":"near_poor"'),
            (5, '"merit_allowance":true'),
        ):
            conn.execute(facts, {"f": "{" + fact + ",", "i": person})
        conn.execute(
            text(
                "UPDATE person SET birth_from = '2012-01-01', birth_to = '2012-01-01' WHERE id = 4"
            )
        )
    found = {
        code: export_national(world.ctx, code, 202611, tmp_path / f"{code}.xlsx", actor="an")
        for code in profiles()
    }
    assert {k: (v.increase, v.decrease, v.result) for k, v in found.items()} == {
        "deaths": (1, 2, 3), "population": (1, 2, 3), "cases": (1, 2, 3), "poor": (0, 1, 1),
        "merit": (1, 0, 1), "children": (0, 0, 1),
    }  # fmt: skip


def test_what_cannot_be_exported(world: World, tmp_path: Path, typed: Type) -> None:
    out = tmp_path / "o.xlsx"
    with pytest.raises(NotFoundError, match="10/2026"):
        export_national(world.ctx, "cases", 202610, out, actor="an")
    with pytest.raises(UsageError):
        export_national(world.ctx, "cases", 202610, tmp_path / "o.csv", actor="an")
    with pytest.raises(RefusedError):
        export_national(world.ctx, "nobody", 202610, out, actor="an")
    assert not out.exists()
    assert world.one("SELECT count(*) FROM audit_event WHERE action = 'national.export'") == 0
    words = ("national", "export", "cases", "--month", "2026-10", "--out", out)
    typed(*words, "--as", "an").refused("no_list", 3)
    typed(*words, "--as", "chi").refused("role", 4)


def test_the_commands(world: World, tmp_path: Path, typed: Type) -> None:
    resolved(world)
    out = tmp_path / "o.xlsx"
    words = ("national", "export", "poor", "--month", "2026-10", "--out", out, "--as", "an")
    assert typed(*words, "--json").json == {
        "profile": "poor", "month": 202610, "increase": 0, "decrease": 0, "result": 0,
        "path": str(out),
    }  # fmt: skip
    assert "tăng 0, giảm 0, kết quả 0" in typed(*words).out
    told = typed("national", "report", "--json").json
    assert [(r["register"], r["as_of"]) for r in told] == [(code, None) for code in profiles()]
    assert typed("national", "report").out.splitlines()[0] == "deaths: chưa đọc tệp nào."
    file = given("population", tmp_path / "p.csv", [there(1, commune=PAYER, name="Lạ")])
    assert typed("national", "import", "population", file, "--as", "an").code == 0
    said = typed("national", "report", "--payer", PAYER, "--out", tmp_path / "r.xlsx")
    assert "       4  Ở đây có, bên đó không" in said.out.splitlines()
    assert (tmp_path / "r.xlsx").exists()
