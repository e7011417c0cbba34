"""Events from a file: good rows recorded, bad rows back; all or nothing; the same file again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from disbursement.beneficiaries.event_file import import_events
from disbursement.cli.app import app
from disbursement.platform.errors import RefusedError
from disbursement.runs import service
from tests.runs.test_month import K6, SP, budget
from tests.runs.world import NUMBERS, PAYER, Person, World, add_people

HEADER = (
    "Số định danh cá nhân,Loại sự kiện,Ngày sự kiện,Mã xã,Diện hưởng,Số quyết định,"
    "Ngày quyết định,Người ký,Từ tháng,Lý do thôi hưởng,Mức độ khuyết tật\n"
)


def number(person: int) -> str:
    return NUMBERS[person]


def write(folder: Path, *rows: str) -> Path:
    path = folder / "su-kien.csv"
    path.write_text(HEADER + "".join(f"{r}\n" for r in rows), encoding="utf-8")
    return path


def three(world: World) -> list[int]:
    people = [
        Person(date(1990, 3, 1), K6),
        Person(date(1991, 3, 1), K6),
        Person(date(1950, 1, 1), SP),
    ]
    return add_people(world, people)


def rows(people: list[int]) -> list[str]:
    one, two, three_ = (number(p) for p in people)
    paper = "7/QĐ,20/09/2026,Chủ tịch"
    return [
        f"{one},điều chỉnh,20/09/2026,{PAYER},K6,{paper},10/2026,,đặc biệt nặng",
        f"{two},thôi hưởng,20/09/2026,{PAYER},,{paper},,từ chối nhận,",
        f"{three_},thôi hưởng,20/09/2026,{PAYER},K6,{paper},,từ chối nhận,",
        f"{one[:-1]},thôi hưởng,32/09/2026,{PAYER},,{paper},,buồn,",
        f"{two},thôi hưởng,20/09/2026,{PAYER},,{paper},,từ chối nhận,",
    ]


def test_good_rows_are_recorded_and_bad_rows_come_back(world: World, tmp_path: Path) -> None:
    people = three(world)
    path = write(tmp_path, *rows(people))
    done = import_events(world.ctx, path, mode="good", actor="an", out_dir=tmp_path)
    assert (done.rows_read, done.recorded, done.refused, done.people) == (5, 2, 3, 2)
    assert done.from_month == 202610
    book = CalamineWorkbook.from_path(str(done.errors)).get_sheet_by_index(0).to_python()
    reasons = [str(r[-1]) for r in book[1:]]
    assert "không có hồ sơ" in reasons[0]
    assert "cột Ngày sự kiện: không phải ngày" in reasons[1]
    assert "'buồn' không có trong danh mục" in reasons[1]
    assert "đã ghi rồi" in reasons[2]
    assert world.rows("SELECT kind, source, import_id > 0 FROM case_event ORDER BY id") == [
        ("change", "import", True), ("stop", "import", True)
    ]  # fmt: skip
    budget(world)
    made = service.prepare(world.ctx, 202610, world.signers["an"])
    assert made.minted_vnd == 1_000_000 + 500_000  # ES from October; the second stopped; SP


def test_all_or_nothing_and_the_same_file_again(world: World, tmp_path: Path) -> None:
    people = three(world)
    wrong = write(tmp_path, *rows(people))
    done = import_events(world.ctx, wrong, mode="all", actor="an")
    assert (done.recorded, done.refused) == (0, 1)  # the unreadable row is told before any is tried
    late = write(tmp_path, *rows(people)[:3])
    done = import_events(world.ctx, late, mode="all", actor="an")
    assert (done.recorded, done.refused) == (0, 1)
    assert world.one("SELECT count(*) FROM case_event") == 0
    assert world.one("SELECT count(*) FROM dirty") == 0
    good = write(tmp_path, *rows(people)[:2])
    assert import_events(world.ctx, good, mode="all", actor="an").recorded == 2
    again = import_events(world.ctx, good, mode="all", actor="an")
    assert (again.repeated, again.recorded) == (True, 0)
    assert world.one("SELECT count(*) FROM case_event") == 2
    with pytest.raises(RefusedError):
        import_events(world.ctx, write(tmp_path), mode="good", actor="an")


def test_the_commands(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (person, *_) = three(world)
    reference = world.one("SELECT reference FROM person WHERE id = :p", p=person)
    base = ["--home", str(tmp_path), "--cell", "25", "--today", "2026-09-24"]
    monkeypatch.setenv("DISBURSE_ENV", "test")
    if world.ctx.database.dialect == "postgresql":
        url = world.ctx.settings.database_url
        monkeypatch.setenv("DATABASE_URL", str(url))
    given = [
        "event", "record", "stop", "--as", "an", "--date", "20/09/2026", "--commune", PAYER,
        "--reference", reference, "--number", "7/QĐ", "--decided", "20/09/2026", "--signer", "CT",
        "--with", '{"cause": "renounced"}', "--json",
    ]  # fmt: skip
    run = CliRunner()
    done = run.invoke(app, [*base, *given])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["from_month"] == 202610
    again = run.invoke(app, [*base, *given])
    assert again.exit_code == 3
    assert "đã ghi rồi" in again.stderr
    shown = run.invoke(app, [*base, "event", "list", "--payer", PAYER, "--json"])
    assert [(e["kind"], e["reference"]) for e in json.loads(shown.stdout)] == [("stop", reference)]
