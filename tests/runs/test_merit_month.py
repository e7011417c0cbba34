"""Meritorious service from a workbook to a signed list, on both databases, to the dong.

Amounts: NĐ 77/2024 (NCC24) until the tables of NĐ 321/2026 (NCC26) may be used, from 1 October 2026
for months from July; derived rows of NCC26 wait for the document that confirms them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import record_one
from disbursement.beneficiaries.programmes import ProgrammeReport, import_programme
from disbursement.platform.errors import NotNowError
from disbursement.programmes import service as rates
from disbursement.runs import service
from tests.beneficiaries.world import xlsx
from tests.runs.test_list_programmes import authority, pay_all, refused
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.test_rate_versions import close
from tests.runs.world import NUMBERS, PAYER, Person, World, add_people

OF = columns.programme_columns("meritorious")
GRANTED = date(2024, 3, 5)


def row(n: int, category: str, **more: Any) -> dict[str, Any]:
    name = f"Trần Thị {'ABCDEFGH'[n % 8]}"
    return {
        "identity": f"025150{n:06d}", "name": name, "birth": date(1950, 3, 2), "sex": "Nữ",
        "commune": PAYER, "category": category, "decision_number": f"{n}/QĐ-SNV",
        "decision_date": GRANTED, "decision_signer": "Lê Văn Chủ",
        "destination": "Tài khoản ngân hàng", "bank": "BFTVVNVX", "account": f"99{n:08d}",
        "owner_name": name, **more,
    }  # fmt: skip


def give(
    world: World, *rows: dict[str, Any], name: str = "ncc.xlsx", funds: bool = True
) -> ProgrammeReport:
    fields = list(dict.fromkeys(f for r in rows for f in r))
    path = xlsx(world.ctx.settings.home / name, rows, fields=fields, of=OF)
    done = import_programme(world.ctx, "NCC", path, mode="good", actor="an")
    path.unlink()
    if funds and name == "ncc.xlsx" and done.taken:
        authority(world, "NCC", 500_000_000)
    return done


def prepare(world: World, month: int) -> list[tuple[Any, ...]]:
    """Prepare, sign and pay the month; return its NCC coins by person, month and amount."""
    service.prepare(world.ctx, month, world.signers["an"])
    healthy(world)
    sign_all(world, month)
    pay_all(world, month)
    healthy(world)
    return coins(world, month)


def coins(world: World, month: int) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT x.identity_last4, c.cover, c.amount_vnd FROM pay_list l "
        "JOIN payment p ON p.list_id = l.id JOIN person x ON x.id = p.person_id "
        "JOIN payment_coin c ON c.payment_id = p.id WHERE l.programme = 'NCC' AND l.month = :m "
        "AND l.state <> 'void' ORDER BY 1, 2, 3",
        m=month,
    )


def test_from_a_workbook_to_a_signed_list_and_back_pay_at_the_rise(world: World) -> None:
    done = give(
        world,
        row(1, "Thân nhân hưởng trợ cấp tuất hằng tháng", relation="Mẹ", martyrs=2,
            lives_alone="Có"),
        row(2, "TB", injury_pct=85, special_severity="Có", carer_at_home="Có"),
        row(3, "TB", injury_pct=61),
        row(3, "TUDAY"),
        row(4, "SURVIVOR", relation="Chồng", deceased="Nguyễn Văn A (LS)"),
        row(5, "ONE.KC.THAMNIEN", years=9, odd_months=4, event_date=date(2026, 10, 2)),
        funds=False,
    )  # fmt: skip
    assert done.refused == 1  # not yet: the second of October lies ahead
    assert "ngày ở tương lai" in refused(world, done)
    assert (done.rows_read, done.taken, done.cases, done.changed) == (6, 5, 5, 0)
    assert (done.people, done.units, done.months) == (4, 4, 0)
    with pytest.raises(NotNowError) as poor:
        service.prepare(world.ctx, 202610, world.signers["an"])
    assert poor.value.code == "no_budget"
    authority(world, "NCC", 500_000_000)
    assert prepare(world, 202610) == [
        ("0001", 202610, 7_809_000),  # S26: 5,578,000 + 2,231,000
        ("0002", 202610, 14_050_000),  # S23: 7,601,000 + 2,867,000 + 3,582,000
        ("0003", 202610, 7_123_000),  # S25: 5,450,000 + 1,673,000
        ("0004", 202610, 2_789_000),
    ]
    assert world.balance(f"expense.{PAYER}.NCC.2026") == 31_771_000
    reasons = world.one(
        "SELECT d.reason FROM due d JOIN unit_profile u ON u.profile_id = d.profile_id "
        "JOIN list_unit l ON l.sub_id = u.sub_id JOIN person p ON p.id = l.person_id "
        "WHERE p.identity_last4 = '0003' AND d.month = 202610 LIMIT 1"
    )
    assert "Phụ lục II" in reasons
    assert "5.450.000" in reasons

    again = give(world, row(3, "TB", injury_pct=61), name="again.xlsx")
    assert (again.taken, again.cases, again.changed) == (1, 0, 0)
    assert world.one("SELECT count(*) FROM dirty WHERE why = 'NCC'") == 0

    # NĐ 321/2026 may be used: exact multiples are paid with their difference, derived rows wait.
    close(world, date(2026, 10, 23))
    service.prepare(world.ctx, 202611, world.signers["an"])
    assert coins(world, 202611) == [
        # 2 × 3,012,000; the nurturing allowance is derived: held, and October's difference with it
        ("0001", 202611, 6_024_000),
        ("0004", 202610, 223_000),
        ("0004", 202611, 3_012_000),
    ]
    rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="Công báo", actor="dung")
    assert prepare(world, 202611) == [
        ("0001", 202610, 624_000),  # 6,024,000 + 2,409,000 - 7,809,000
        ("0001", 202611, 8_433_000),
        ("0002", 202610, 1_124_000),  # 8,209,000 + 3,096,000 + 3,869,000 - 14,050,000
        ("0002", 202611, 15_174_000),
        ("0003", 202610, 570_000),
        ("0003", 202611, 7_693_000),
        ("0004", 202610, 223_000),
        ("0004", 202611, 3_012_000),
    ]


def test_derived_rows_are_paid_when_their_document_is_recorded(world: World) -> None:
    give(world, row(3, "TB", injury_pct=61))
    assert prepare(world, 202610) == [("0003", 202610, 5_450_000)]
    close(world, date(2026, 10, 23))
    service.prepare(world.ctx, 202611, world.signers["an"])
    assert coins(world, 202611) == []
    assert world.one("SELECT held_vnd FROM due WHERE month = 202611 AND held_vnd > 0") == 5_886_000
    decided = rates.decide(
        world.ctx,
        "unconfirmed_rate",
        "NCC26",
        document="Công báo, Phụ lục NĐ 321/2026",
        actor="dung",
    )
    assert decided > 200
    assert prepare(world, 202611) == [
        ("0003", 202610, 436_000),
        ("0003", 202611, 5_886_000),
    ]


def test_a_late_decision_is_paid_back_from_its_month_and_a_stop_is_a_receivable(
    world: World,
) -> None:
    give(world, row(4, "SURVIVOR", relation="Chồng", martyrs=1))
    prepare(world, 202610)
    close(world, date(2026, 10, 23))
    assert prepare(world, 202611)[-1] == ("0004", 202611, 3_012_000)
    close(world, date(2026, 11, 23))
    late = give(
        world,
        row(6, "TB", injury_pct=61, decision_date=date(2026, 11, 20),
            medical_board_date=date(2026, 10, 9)),
        row(4, "SURVIVOR", relation="Chồng", martyrs=1, end_date=date(2026, 11, 14),
            end_cause="Tái giá"),
        name="late.xlsx",
    )  # fmt: skip
    assert (late.cases, late.changed) == (1, 1)
    rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="Công báo", actor="dung")
    assert prepare(world, 202612) == [
        ("0006", 202610, 5_886_000),
        ("0006", 202611, 5_886_000),
        ("0006", 202612, 5_886_000),
    ]
    # remarried in November: nothing from that very month ([131] Art. 26.2.d)
    assert world.rows("SELECT cover, amount_vnd FROM receivable") == [(202611, 3_012_000)]
    kept = world.rows("SELECT code, replaced_by FROM merit_case_change")
    assert [k[0] for k in kept] == ["SURVIVOR"]


def test_a_death_recorded_of_the_person_ends_the_merit_too(world: World) -> None:
    give(world, row(1, "TUDAY"), row(2, "TUDAY"))
    prepare(world, 202610)
    event = EventIn(
        "death", date(2026, 9, 20), PAYER, identity="025150000001", document="TD 5/2026"
    )
    record_one(world.ctx, event, source="officer", actor="an")
    assert world.rows("SELECT from_month, why FROM dirty WHERE why = 'NCC'") == [(202610, "NCC")]
    close(world, date(2026, 10, 23))
    service.prepare(world.ctx, 202611, world.signers["an"])
    sign_all(world, 202611)
    healthy(world)
    assert world.rows("SELECT cover, amount_vnd FROM receivable") == [(202610, 1_673_000)]
    assert coins(world, 202611) == []  # the other's row of NCC26 is derived


def test_an_adjustment_acts_from_its_month(world: World) -> None:
    give(world, row(3, "TB", injury_pct=61))
    done = give(
        world,
        row(3, "TB", injury_pct=71, decision_kind="Điều chỉnh", decision_number="77/QĐ",
            decision_date=date(2026, 9, 22), start_month="10/2026"),
        row(4, "TB", injury_pct=71, decision_kind="Điều chỉnh", start_month="10/2026"),
        name="more.xlsx",
    )  # fmt: skip
    assert (done.taken, done.changed, done.refused) == (1, 1, 1)
    assert "sổ chưa có diện này" in refused(world, done)
    assert prepare(world, 202610) == [("0003", 202610, 6_343_000)]
    same = give(world, row(3, "TB", injury_pct=61), name="whole.xlsx")
    assert (same.cases, same.changed) == (0, 0)  # the row as granted leaves what came after it


def test_lump_sums_are_paid_once(world: World) -> None:
    world.clock.set(date(2026, 10, 23))
    done = give(
        world,
        row(5, "ONE.KC.THAMNIEN", years=9, odd_months=4, event_date=date(2026, 10, 2)),
        row(6, "ONE.WOUND", injury_pct=12, event_date=date(2026, 10, 2)),
    )
    assert (done.taken, done.months, done.units) == (2, 2, 2)
    assert prepare(world, 202611) == [
        ("0005", 202610, 8_584_000),  # 0.3 × 9.5 × 3,012,000 = 8,584,200
        ("0006", 202610, 18_072_000),  # 6 × 3,012,000
    ]
    again = give(
        world,
        row(5, "ONE.KC.THAMNIEN", years=9, odd_months=4, event_date=date(2026, 10, 2),
            decision_number="9/QĐ"),
        name="again.xlsx",
    )  # fmt: skip
    assert (again.taken, again.refused) == (0, 1)
    assert "đã có trong danh sách cho tháng 10/2026" in refused(world, again)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"category": "XYZ"}, "không có diện 'XYZ'"),
        ({"category": "TB"}, "cần tỷ lệ tổn thương cơ thể"),
        ({"category": "TB", "injury_pct": 15}, "không thuộc phạm vi tính: TB 15 %"),
        ({"category": "FUNERAL.NCC"}, "Số định danh người có công đã chết"),
        ({"category": "DEATH.LUMP3"}, "cần ngày chết"),
        ({"category": "TB", "injury_pct": 61, "special_severity": "Có"}, "chỉ xét từ 81 %"),
        ({"category": "TUDAY", "injury_pct": 61}, "diện TUDAY không có thông tin này"),
        ({"category": "SURVIVOR", "martyrs": 1}, "cần quan hệ với người đã mất"),
        ({"category": "SURVIVOR", "relation": "Con", "deceased": "Ai đó"}, "ghi mỗi người dạng"),
        (
            {"category": "SURVIVOR", "relation": "Con", "deceased": "A (TB 50 %)"},
            "không thuộc phạm vi tính: SURVIVOR",
        ),
        ({"category": "BMVNAH", "sex": "Nam", "identity": "025050000001"}, "giới tính nam"),
        ({"category": "ONE.WOUND", "injury_pct": 25}, "không thuộc phạm vi tính: ONE.WOUND 25 %"),
        ({"category": "TUDAY", "end_date": date(2026, 9, 1)}, "ghi cả ngày và lý do"),
        ({"category": "TUDAY", "decision_date": date(2027, 1, 1)}, "ngày quyết định ở tương lai"),
    ],
)
def test_what_no_rule_reaches_is_refused_by_name(
    world: World, told: dict[str, Any], said: str
) -> None:
    done = give(world, {**row(1, "TB"), **told})
    assert (done.taken, done.refused) == (0, 1)
    assert said in refused(world, done)
    assert world.one("SELECT count(*) FROM merit_case") == 0
    assert world.one("SELECT count(*) FROM list_unit") == 0


def test_what_was_paid_outside_is_not_paid_again(world: World) -> None:
    world.clock.set(date(2026, 10, 23))
    give(world, row(4, "SURVIVOR", relation="Mẹ", martyrs=1, paid_through="10/2026"))
    assert prepare(world, 202611) == [("0004", 202611, 3_012_000)]


def test_kept_versions_cannot_be_changed(world: World) -> None:
    give(world, row(3, "TB", injury_pct=61))
    give(world, row(3, "TB", injury_pct=62), name="b.xlsx")
    assert world.one("SELECT count(*) FROM merit_case_change") == 1
    with pytest.raises(Exception, match=r"append-only|permission"), world.ctx.cell.begin() as conn:
        conn.execute(text("DELETE FROM merit_case_change"))


def test_a_merit_beside_social_assistance_is_held_until_the_point_is_decided(world: World) -> None:
    (person,) = add_people(world, [Person(date(1950, 3, 2), K6)])
    budget(world)
    name = "Nguyễn Văn Thử"
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE person SET name = :n, name_search = :n"), {"n": name})
    told = row(
        1, "TUDAY", identity=NUMBERS[person], sex="Nam", name=name, owner_name=name,
        account=f"19{person:08d}",
    )  # fmt: skip
    before = service.prepare(world.ctx, 202610, world.signers["an"])
    assert before.minted_vnd == 1_000_000
    done = give(world, told)
    assert (done.taken, done.cases) == (1, 1), refused(world, done)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert coins(world, 202610) == [(NUMBERS[person][-4:], 202610, 1_673_000)]
    assert world.rows(
        "SELECT h.reason, h.amount_vnd FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
        "WHERE l.programme = 'SA' AND l.state <> 'void'"
    ) == [("merit_with_sa", 1_000_000)]
    rates.decide(world.ctx, "merit_with_sa", "both", document="CV 12/2026", actor="dung")
    after = service.prepare(world.ctx, 202610, world.signers["an"])
    assert after.minted_vnd == 1_000_000 + 1_673_000
    healthy(world)
