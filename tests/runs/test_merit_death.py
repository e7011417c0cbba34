"""What is paid once for the death of a person of merit: to the organiser, once, as `explain` says.

NĐ 131/2021 Art. 121.2: three months of allowance and supplements, without the carer's; the funeral
allowance is ten times the base salary (held until a document confirms that row).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import record_one
from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain
from disbursement.platform.errors import NotNowError
from disbursement.programmes import service as rates
from disbursement.runs import service
from tests.runs.test_list_programmes import refused
from tests.runs.test_merit_month import give, prepare, row
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.test_rate_versions import close
from tests.runs.world import NUMBERS, PAYER, Person, World, add_people

DIED = date(2026, 10, 15)
DEAD = "025150000002"
LUMP, FUNERAL = 33_915_000, 25_300_000  # 3 × (8,209,000 + 3,096,000); 10 × 2,530,000


def died(world: World, day: date = DIED, identity: str = DEAD) -> None:
    event = EventIn("death", day, PAYER, identity=identity, document="TD 5/2026")
    record_one(world.ctx, event, source="officer", actor="an")


def asked(n: int, category: str, **more: Any) -> dict[str, Any]:
    return row(
        n, category, dead_identity=DEAD, event_date=DIED, decision_date=date(2026, 10, 20), **more
    )


def for_the_death(world: World, month: int) -> list[tuple[Any, ...]]:
    """Prepare and pay a month; return the coins of everybody but the dead."""
    return [c for c in prepare(world, month) if c[0] != DEAD[-4:]]


def ready(world: World) -> None:
    """One invalid of 85 % with a special wound and a carer, paid for October, dead in it."""
    give(world, row(2, "TB", injury_pct=85, special_severity="Có", carer_at_home="Có"))
    prepare(world, 202610)
    close(world, date(2026, 10, 23))
    died(world)
    rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="Công báo", actor="dung")


def test_the_organiser_is_paid_once_to_the_dong_as_explain_says(world: World) -> None:
    ready(world)
    done = give(world, asked(7, "DEATH.LUMP3"), asked(7, "FUNERAL.NCC"), name="tang.xlsx")
    assert (done.taken, done.refused, done.people, done.units, done.months) == (2, 0, 1, 2, 2)
    assert for_the_death(world, 202611) == [
        ("0007", 202610, LUMP)
    ]  # the funeral waits for its document
    held = world.rows("SELECT reason, amount_vnd FROM list_hold WHERE reason <> 'payee_dead'")
    assert ("unconfirmed_rate", FUNERAL) in held
    said = world.rows("SELECT reason FROM due WHERE reason LIKE '%DEATH.LUMP3%'")
    assert any("Điều 121" in r[0] for r in said)
    close(world, date(2026, 11, 23))
    rates.decide(
        world.ctx, "unconfirmed_rate", "FUNERAL.NCC", document="Luật BHXH 2024", actor="dung"
    )
    assert for_the_death(world, 202612) == [("0007", 202610, FUNERAL)]
    with pytest.raises(NotNowError) as again:
        service.prepare(world.ctx, 202612, world.signers["an"])
    assert again.value.code == "nothing_new"
    paid = world.rows(
        "SELECT c.amount_vnd FROM payment p JOIN person x ON x.id = p.person_id "
        "JOIN payment_coin c ON c.payment_id = p.id WHERE x.identity_last4 = '0007' ORDER BY 1"
    )
    assert paid == [(FUNERAL,), (LUMP,)]
    healthy(world)
    found = explain(read(json.dumps(told()).encode()))
    assert sorted(
        (line["amount_vnd"], line["payee"]) for line in found.lines if line["case"] in ("l", "f")
    ) == [(FUNERAL, "con"), (LUMP, "con")]


def told() -> dict[str, Any]:
    """Return the same death as a dossier."""
    paper = {"kind": "document", "date": "2026-10-23"}
    facts = {"injury_pct": 85, "special_severity": True, "carer_at_home": True}
    case = {"holder": "ong", "payee": "con"}
    return {
        "people": [{"id": "ong", "born": "1950-03-02"}, {"id": "con", "name": "Con"}],
        "cases": [
            {"id": "tb", "holder": "ong", "category": "TB", "on_roll_since": "2024-03",
             "facts": facts},
            {"id": "l", "category": "DEATH.LUMP3", **case},
            {"id": "f", "category": "FUNERAL.NCC", **case},
        ],
        "events": [
            {"kind": "death", "date": "2026-10-15", "person": "ong"},
            {**paper, "confirms": "NCC26"},
            {**paper, "confirms": "FUNERAL.NCC"},
        ],
        "ask": {"purpose": "one_off", "run_month": "2026-12"},
    }  # fmt: skip


def test_twice_pays_nothing_whoever_asks(world: World) -> None:
    ready(world)
    first = give(
        world, asked(7, "DEATH.LUMP3"), asked(6, "DEATH.LUMP3"), asked(6, "FUNERAL.NCC"),
        name="a.xlsx",
    )  # fmt: skip
    assert (first.taken, first.refused) == (2, 1)
    assert "đã có ở dòng 2; chỉ chi một lần" in refused(world, first)
    again = give(
        world, asked(5, "DEATH.LUMP3"), asked(5, "FUNERAL.NCC"), asked(7, "DEATH.LUMP3"),
        name="b.xlsx",
    )  # fmt: skip
    assert (again.taken, again.refused, again.units) == (0, 3, 0)
    assert "của người chết đã có trong danh sách; chỉ chi một lần" in refused(world, again)
    assert for_the_death(world, 202611) == [("0007", 202610, LUMP)]
    assert world.one("SELECT count(*) FROM list_unit WHERE unit LIKE 'd%'") == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"dead_identity": ""}, "ô trống"),
        ({"dead_identity": "0251"}, "phải đủ 12 chữ số"),
        ({"dead_identity": "025150000009"}, "không có trong sổ của xã"),
        ({"dead_identity": "025150000007"}, "không có trong sổ của xã"),
        ({"event_date": None}, "cần ngày chết"),
        ({"event_date": date(2026, 10, 14)}, "khác ngày chết đã ghi 15/10/2026"),
        ({"event_date": date(2026, 12, 1)}, "ngày ở tương lai"),
        ({"part": "A"}, "chi một lần cho mỗi người chết"),
        ({"injury_pct": 85}, "không có thông tin này"),
        ({"category": "TUDAY"}, "diện TUDAY không có"),
    ],
)
def test_what_may_not_be_paid_is_refused_by_name(
    world: World, more: dict[str, Any], said: str
) -> None:
    ready(world)
    before = world.one("SELECT count(*) FROM list_unit")
    asking = {**asked(7, "DEATH.LUMP3"), **more}
    done = give(world, {k: v for k, v in asking.items() if v is not None}, name="x.xlsx")
    assert (done.taken, done.refused) == (0, 1)
    assert said in refused(world, done)
    assert world.one("SELECT count(*) FROM list_unit") == before


def test_a_death_that_is_not_recorded_pays_nothing(world: World) -> None:
    give(world, row(2, "TB", injury_pct=85))
    prepare(world, 202610)
    close(world, date(2026, 10, 23))
    done = give(world, asked(7, "DEATH.LUMP3"), name="x.xlsx")
    assert "chưa ghi việc chết" in refused(world, done)
    died(world)
    self_paid = give(world, {**asked(2, "DEATH.LUMP3"), "decision_number": "8/QĐ"}, name="y.xlsx")
    assert "người nhận không thể là người đã chết" in refused(world, self_paid)
    assert world.one("SELECT count(*) FROM list_unit WHERE unit LIKE 'd%'") == 0


def test_the_dead_persons_percentage_corrected_later_is_a_difference(world: World) -> None:
    give(world, row(2, "TB", injury_pct=61))
    prepare(world, 202610)
    close(world, date(2026, 10, 23))
    died(world)
    rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="Công báo", actor="dung")
    give(world, asked(7, "DEATH.LUMP3"), name="tang.xlsx")
    assert prepare(world, 202611)[-1] == ("0007", 202610, 3 * 5_886_000)
    close(world, date(2026, 11, 23))
    give(
        world,
        row(2, "TB", injury_pct=71, decision_kind="Điều chỉnh", decision_number="77/QĐ",
            decision_date=date(2026, 11, 20), start_month="10/2026"),
        name="more.xlsx",
    )  # fmt: skip
    assert ("0007", 202610, 3 * (6_850_000 - 5_886_000)) in prepare(world, 202612)
    healthy(world)


def test_a_death_taken_back_is_a_receivable(world: World) -> None:
    ready(world)
    give(world, asked(7, "DEATH.LUMP3"), name="tang.xlsx")
    prepare(world, 202611)
    close(world, date(2026, 11, 23))
    number = world.one("SELECT id FROM case_event WHERE kind = 'death'")
    back = EventIn(
        "withdraw", date(2026, 11, 20), PAYER, identity=DEAD, document="TD 6", withdraws=number
    )
    record_one(world.ctx, back, source="officer", actor="an")
    service.prepare(world.ctx, 202612, world.signers["an"])
    sign_all(world, 202612)
    assert world.rows("SELECT cover, amount_vnd FROM receivable") == [(202610, LUMP)]
    healthy(world)


def test_beside_social_assistance_which_funeral_is_open(world: World) -> None:
    (person,) = add_people(world, [Person(date(1950, 3, 2), K6)])
    budget(world)
    name, dead = "Nguyễn Văn Thử", NUMBERS[person]
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE person SET name = :n, name_search = :n"), {"n": name})
    merit = row(
        1, "TUDAY", identity=dead, sex="Nam", name=name, owner_name=name,
        account=f"19{person:08d}",
    )  # fmt: skip
    assert give(world, merit).cases == 1
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world, 202610)
    close(world, date(2026, 10, 23))
    died(world, identity=dead)
    done = give(
        world,
        {**asked(7, "DEATH.LUMP3"), "dead_identity": dead},
        {**asked(7, "FUNERAL.NCC"), "dead_identity": dead},
        name="tang.xlsx",
    )
    assert (done.taken, done.refused) == (1, 1)
    assert "funeral_merit_with_sa" in refused(world, done)
