"""The simulated post office: takes our real rosters, answers in files, and may be wrong.

What it was told to pay, by its own journal, is the judge of "never twice"; a wrong result list
moves nothing.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from disbursement.demo.post import DemoPost
from disbursement.fallback.desk_file import handover_file
from disbursement.fallback.papers import write_roster
from disbursement.fallback.simulator import FAULTS, PROFILES, PostOffice, read_list
from disbursement.platform.errors import RefusedError
from tests.fallback.test_cash import AGENT, month, orders
from tests.payments.world import Month
from tests.runs.test_month import healthy
from tests.runs.world import World

__all__ = ["month"]
DAY = date(2026, 10, 5)


def office(folder: Path, **more: object) -> PostOffice:
    return PostOffice(folder, **{"seed": 3, "profile": "clean"} | more)


def handed(month: Month, desk: PostOffice) -> None:
    write_roster(month.world.ctx, month.cash_batch, desk.folder / "out")


def test_a_roster_goes_out_and_its_result_comes_in(month: Month, tmp_path: Path) -> None:
    world, desk = month.world, office(tmp_path / "post")
    handed(month, desk)
    wanted = dict(orders(world, month.cash_batch))
    assert desk.take_lists(DAY) == len(wanted) == 2
    [path] = desk.results(DAY)
    assert desk.paid() == wanted
    assert handover_file(world.ctx, path, actor="quy").collected == 2
    assert world.one("SELECT count(*) FROM handover") == 2
    assert world.one(
        "SELECT sum(amount_vnd) FROM batch_row WHERE batch_id = :b", b=month.cash_batch
    ) == sum(desk.paid().values())
    again = handover_file(world.ctx, path, actor="quy")
    assert (again.repeated, again.collected) == (True, 0)
    healthy(world)


def result_list(desk: PostOffice, world: World, batch: int, **outcome: str) -> Path:
    """A list of profile cash-desk-vn-1 given to the post, and its result; `outcome` replaces one."""
    DemoPost(world.ctx, desk).give([batch], DAY)
    [path] = DemoPost(world.ctx, desk).answer(DAY)
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[1] == ["Mã lệnh", "Số tiền", "Kết quả", "Ngày nhận", "Giấy tờ"]
    changed = path.with_name("changed.xlsx")
    with Workbook(str(changed)) as book:
        sheet = book.add_worksheet()
        for y, row in enumerate(rows):
            cells = [outcome.get("says", c) if (y, x) == (2, 2) else c for x, c in enumerate(row)]
            cells = [outcome.get("day", c) if (y, x) == (2, 3) else c for x, c in enumerate(cells)]
            sheet.write_row(y, 0, cells)
    return changed


def test_a_result_in_the_form_of_the_post_s_profile_is_booked(month: Month, tmp_path: Path) -> None:
    world, desk = month.world, office(tmp_path / "post")
    path = result_list(desk, world, month.cash_batch)
    done = handover_file(world.ctx, path, actor="quy")
    assert (done.collected, done.amount_vnd) == (2, sum(desk.paid().values()))
    assert desk.paid() == dict(orders(world, month.cash_batch))
    assert world.balance(AGENT) == 0
    healthy(world)


@pytest.mark.parametrize(
    ("says", "day"),
    [("Chưa nhận", "05/10/2026"), ("Không nhận", "05/10/2026"), ("Đã nhận", ""), ("Có", "")],
)
def test_an_outcome_that_says_otherwise_than_its_day_moves_nothing(
    month: Month, tmp_path: Path, says: str, day: str
) -> None:
    world, desk = month.world, office(tmp_path / "post")
    path = result_list(desk, world, month.cash_batch, says=says, day=day)
    with pytest.raises(RefusedError) as why:
        handover_file(world.ctx, path, actor="quy")
    assert why.value.code == "desk_row"
    assert "Kết quả" in why.value.sentence
    assert world.one("SELECT count(*) FROM handover") == 0
    assert world.balance(AGENT) == -1_000_000


def test_the_same_order_in_another_copy_is_paid_once(month: Month, tmp_path: Path) -> None:
    desk = office(tmp_path / "post")
    handed(month, desk)
    assert desk.take_lists(DAY) == 2
    assert desk.take_lists(DAY) == 0  # the same bytes
    handed(month, desk)  # copy 2: other bytes under the same name, the same orders
    assert desk.take_lists(DAY) == 0
    assert set(desk.told().values()) == {2}
    paths = desk.results(DAY)
    assert len(paths) == 2
    lines = [line for p in paths for line in list(csv.reader(p.open(encoding="utf-8")))[1:]]
    assert sorted(line[0] for line in lines) == sorted(desk.paid())
    assert desk.results(DAY) == []
    desk.close()
    reopened = office(tmp_path / "post")
    assert set(reopened.told().values()) == {2}


def test_the_same_seed_gives_the_same_results(month: Month, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        desk = office(tmp_path / name, profile="stress", seed=9)
        out = tmp_path / name / "out" / "list.csv"
        with out.open("w", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(("Mã lệnh", "Số tiền"))
            writer.writerows((f"DS25{n:012d}", 500_000) for n in range(2_000))
        assert desk.take_lists(DAY) == 2_000
        [path] = desk.results(DAY)
        written.append(path.read_bytes())
        assert 2_000 - len(desk.paid()) == 254  # 12.6 % of 2,000 = 252
    assert written[0] == written[1]


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"late", "lost"}))
def test_a_wrong_result_list_moves_nothing(month: Month, tmp_path: Path, fault: str) -> None:
    world, desk = month.world, office(tmp_path / "post", fault=fault)
    handed(month, desk)
    desk.take_lists(DAY)
    [path] = desk.results(DAY)
    before = world.one("SELECT count(*) FROM journal")
    with pytest.raises(RefusedError) as refused:
        handover_file(world.ctx, path, actor="quy")
    assert "hông ghi gì" in refused.value.sentence or "Chưa ghi gì" in refused.value.sentence
    assert world.one("SELECT count(*) FROM handover") == 0
    assert world.one("SELECT count(*) FROM journal") == before
    healthy(world)


def test_a_late_result_comes_the_next_day_and_a_lost_one_never(
    month: Month, tmp_path: Path
) -> None:
    late, lost = office(tmp_path / "late", fault="late"), office(tmp_path / "lost", fault="lost")
    for desk in (late, lost):
        handed(month, desk)
        assert desk.take_lists(DAY) == 2
        assert desk.results(DAY) == []
        assert desk.paid() == {}
    [path] = late.results(date(2026, 10, 6))
    assert "06/10/2026" in path.read_text(encoding="utf-8")
    assert lost.results(date(2026, 10, 31)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Họ tên,Số tiền\nA,1\n"),
        ("a.csv", ""),
        ("a.csv", "Mã lệnh,Số tiền\n"),
        ("a.csv", "Mã lệnh,Số tiền\nDS25000000000001,1.5\n"),
        ("a.csv", "Mã lệnh,Số tiền\nDS25000000000001,-5\n"),
    ],
)
def test_what_is_no_roster_is_not_taken(tmp_path: Path, name: str, content: str) -> None:
    desk = office(tmp_path / "post")
    (tmp_path / "post" / "out" / name).write_text(content, encoding="utf-8")
    with pytest.raises(RefusedError):
        desk.take_lists(DAY)
    assert desk.told() == {}


def test_an_unknown_fault_or_profile_makes_no_office(tmp_path: Path) -> None:
    for wrong in ({"fault": "none of these"}, {"profile": "none of these"}):
        with pytest.raises(KeyError):
            office(tmp_path / "post", **wrong)
    assert set(PROFILES) == {"clean", "steady", "first-run", "stress"}


def test_amounts_of_a_workbook_are_read_whole(month: Month, tmp_path: Path) -> None:
    desk = office(tmp_path / "post")
    handed(month, desk)
    [book] = (desk.folder / "out").glob("*.xlsx")
    assert [(t.order, t.amount_vnd) for t in read_list(book)] == orders(
        month.world, month.cash_batch
    )
