"""Cash left at the desk month after month: found from the rosters, proposed, decided by a person.

S16 of the worked examples, moved to October: October, November, December uncollected, suspended
from January, resumed in February with everything paid in the March list. Both databases.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.transports import FileDrop
from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import record_one
from disbursement.fallback.service import close_roster, handover, open_roster
from disbursement.identity.service import create_user
from disbursement.jobs import sender
from disbursement.runs import books, findings, service
from tests.runs.test_month import K6, healthy, sign_all
from tests.runs.test_rate_versions import close
from tests.runs.world import NUMBERS, PAYER, Person, World, add_people

DAYS = {
    202610: date(2026, 9, 24), 202611: date(2026, 10, 23), 202612: date(2026, 11, 23),
    202701: date(2026, 12, 23), 202702: date(2027, 1, 22), 202703: date(2027, 2, 23),
}  # fmt: skip


@pytest.fixture
def people(world: World) -> list[int]:
    """Two people who are paid in cash; the second comes to the desk."""
    create_user(world.ctx, "quy", "Thủ quỹ", "030080000021", ["cash_desk"], "mat-khau-quy-1")
    made = add_people(
        world,
        [Person(date(1990, 3, 1), K6, kind="cash"), Person(date(1991, 3, 1), K6, kind="cash")],
    )
    for year in (2026, 2027):
        service.set_budget(
            world.ctx, payer=PAYER, programme="SA", year=year, amount_vnd=50_000_000,
            decision_number=f"{year}/QD", decision_date=date(2026, 1, 5), actor="chi",
        )  # fmt: skip
    return made


def prepared(world: World, month: int) -> dict[int, tuple[int, str]]:
    """Prepare the month; return by person what the list has, and why it is held."""
    if month > 202610:
        close(world, DAYS[month])
    service.prepare(world.ctx, month, world.signers["an"])
    if month == 202611:
        service.record_rerating(
            world.ctx, month, number="12/QĐ-UBND", day=DAYS[month], signer_name="Chủ tịch",
            actor="an",
        )  # fmt: skip
        service.prepare(world.ctx, month, world.signers["an"])
    healthy(world)
    return {
        int(p): (int(v), h)
        for p, v, h in world.rows(
            "SELECT p.person_id, p.amount_vnd, p.hold_reason FROM payment p "
            "JOIN pay_list l ON l.id = p.list_id WHERE l.month = :m AND l.state <> 'void'",
            m=month,
        )
    }


def draw(world: World, month: int) -> None:
    """Draw what does not already lie at the desk, where it was left."""
    for (list_id,) in world.rows(
        "SELECT id FROM pay_list WHERE month = :m AND state = 'released' AND total_vnd > 0", m=month
    ):
        with world.ctx.cell.read() as conn:
            wanted, _ = books.draw_amount(conn, list_id)
        service.draw(
            world.ctx, list_id, voucher=f"V{list_id}", day=world.clock.now().date(),
            amount_vnd=wanted, actor="chi",
        )  # fmt: skip


def desk(world: World, month: int, comes: list[int], folder: Path) -> None:
    """Sign, draw, open the roster; hand over to who comes; close it."""
    sign_all(world, month)
    draw(world, month)
    sender.drain(world.ctx, lambda provider: FileDrop(folder / provider), open_roster)
    world.clock.set(date(month // 100, month % 100, 5))
    for order, person in world.rows(
        "SELECT r.end_to_end_id, p.person_id FROM batch b JOIN batch_row r "
        "ON r.batch_id = b.id JOIN payment p ON p.id = r.payment_id WHERE b.month = :m "
        "AND b.state = 'sent' ORDER BY 1",
        m=month,
    ):
        if person in comes:
            handover(world.ctx, order, "identity", actor="quy")
    for (batch,) in world.rows(
        "SELECT r.batch_id FROM roster r JOIN batch b ON b.id = r.batch_id "
        "WHERE b.month = :m AND b.state = 'sent'",
        m=month,
    ):
        close_roster(world.ctx, batch, copies_returned=0, actor="quy")
    healthy(world)


def found(world: World, month: int) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT f.person_id, f.state, f.detail FROM list_finding f "
        "JOIN pay_list l ON l.id = f.list_id WHERE l.month = :m AND l.state <> 'void' "
        "AND f.rule = 'uncollected'",
        m=month,
    )


def through_december(world: World, people: list[int], folder: Path) -> None:
    for month in (202610, 202611, 202612):
        prepared(world, month)
        assert found(world, month) == []  # two months are not three
        desk(world, month, [people[1]], folder)


def event(world: World, person: int, kind: str, day: date, **more: Any) -> None:
    told = EventIn(
        kind, day, PAYER, identity=NUMBERS[person], number=f"{kind[:3]}/QĐ-UBND", decided_on=day,
        signer="Lê Văn Chủ", **more,
    )  # fmt: skip
    record_one(world.ctx, told, source="officer", actor="an")


def test_three_rosters_running_propose_a_suspension_and_stop_nothing(
    world: World, people: list[int], tmp_path: Path
) -> None:
    away, here = people
    through_december(world, people, tmp_path)
    listed = prepared(world, 202701)
    assert listed[here] == (810_000, "")
    # all at the new level: 750,000 raised by 60,000 in November, 810,000 twice; January not minted
    assert listed[away] == (3 * 810_000, "uncollected_run")
    ((person, state, detail),) = found(world, 202701)
    assert (person, state) == (away, "open")
    assert "3 kỳ liên tiếp (10/2026, 11/2026, 12/2026)" in detail
    assert "tạm dừng từ tháng 01/2027 theo NĐ 335/2026/NĐ-CP Điều 9 khoản 1 điểm a" in detail
    assert world.one("SELECT count(*) FROM case_event") == 0  # proposed, not done
    assert world.rows(
        "SELECT h.cover, h.amount_vnd FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
        "WHERE h.kind = 'right' AND h.reason = 'uncollected_run' AND l.month = 202701"
    ) == [(202701, 810_000)]


def test_the_decision_suspends_and_the_review_pays_everything_back(
    world: World, people: list[int], tmp_path: Path
) -> None:
    away, here = people
    through_december(world, people, tmp_path)
    prepared(world, 202701)
    event(world, away, "suspend", date(2026, 12, 23),
          members={"reason": "uncollected", "from_month": "2027-01"})  # fmt: skip
    assert world.rows(
        "SELECT resolved_by, document FROM hold WHERE reason = 'uncollected_run'"
    ) == [("an", "sus/QĐ-UBND 2026-12-23")]
    service.prepare(world.ctx, 202701, world.signers["an"])
    assert found(world, 202701) == []
    desk(world, 202701, [here], tmp_path)
    assert prepared(world, 202702) == {
        away: (3 * 810_000, "suspended"), here: (810_000, "")
    }  # fmt: skip
    desk(world, 202702, [here], tmp_path)
    close(world, DAYS[202703])
    event(world, away, "resume", date(2027, 2, 10), members={"conditions": "unchanged"})
    assert prepared(world, 202703) == {
        away: (6 * 810_000, ""),  # 3 carried, 2 from the suspension on, and March
        here: (810_000, ""),
    }


def test_who_is_found_to_go_on_receiving_is_paid_and_found_again_if_not_coming(
    world: World, people: list[int], tmp_path: Path
) -> None:
    away, here = people
    through_december(world, people, tmp_path)
    prepared(world, 202701)
    hold = world.one("SELECT id FROM hold WHERE reason = 'uncollected_run'")
    findings.resolve(world.ctx, hold, "Biên bản xác minh 3/BB", "an")
    service.prepare(world.ctx, 202701, world.signers["an"])
    assert [f[:2] for f in found(world, 202701)] == [(away, "resolved")]
    desk(world, 202701, [here], tmp_path)
    assert prepared(world, 202702)[away] == (4 * 810_000, "uncollected_run")
    assert "4 kỳ liên tiếp" in found(world, 202702)[0][2]


def test_who_comes_once_in_between_is_not_found(
    world: World, people: list[int], tmp_path: Path
) -> None:
    away, here = people
    for month, comes in ((202610, [here]), (202611, people), (202612, [here]), (202701, [here])):
        prepared(world, month)
        desk(world, month, comes, tmp_path)
    assert prepared(world, 202702)[away] == (3 * 810_000, "")
    assert found(world, 202702) == []
