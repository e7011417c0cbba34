"""Rates as approved: a decree as two files, its back pay in the next list, decisions that release.

Real ledger, both databases, exact amounts. K6 severe is 1.5 x the level: 750,000 at 500,000;
810,000 at 540,000 (NĐ 335/2026); 900,000 at 600,000 (an invented decree).
"""

from __future__ import annotations

import json
import zlib
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from disbursement.identity.service import create_user
from disbursement.platform.errors import NotAllowedError, NotFoundError, NotNowError, RefusedError
from disbursement.programmes import service as rates
from disbursement.programmes.approved import approved, settings
from disbursement.programmes.rates import data_file
from disbursement.programmes.versions import shipped
from disbursement.runs import service
from tests.programmes.decrees import (
    BASES,
    DECREE,
    INSTRUMENTS,
    MERIT,
    decree,
    instrument,
    level,
    shipped_row,
    table,
)
from tests.runs.test_month import K6, SP, budget, healthy, sign_all
from tests.runs.world import OFFICERS, PAYER, SECRET, Person, World, add_people


def close(world: World, day: date) -> None:
    """Close the month as the run does, without its report, and move the clock on."""
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
        conn.execute(text("UPDATE pay_list SET state = 'closed' WHERE state = 'released'"))
    world.clock.set(day)


def decide_rise(world: World, month: int) -> None:
    service.record_rerating(
        world.ctx, month, number="12/QĐ-UBND", day=date(2026, 10, 23), signer_name="Chủ tịch",
        actor="an",
    )  # fmt: skip


def paid_until_november(world: World) -> list[int]:
    """Two people of K6; October at the old level, November with NĐ 335 and its back pay."""
    people = add_people(world, [Person(date(1990, 3, 1), K6), Person(date(1992, 3, 1), K6)])
    budget(world, sa=50_000_000)
    assert service.prepare(world.ctx, 202610, world.signers["an"]).minted_vnd == 1_500_000
    sign_all(world)
    close(world, date(2026, 10, 23))
    service.prepare(world.ctx, 202611, world.signers["an"])
    decide_rise(world, 202611)
    assert service.prepare(world.ctx, 202611, world.signers["an"]).minted_vnd == 2 * 870_000
    sign_all(world, 202611)
    close(world, date(2026, 11, 18))
    return people


def lines(world: World, month: int) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT sub_id, cover, rev, due_after, amount FROM line WHERE rev IS NOT NULL AND "
        "journal_id IN (SELECT journal_id FROM pay_list WHERE month = :m AND state <> 'void') "
        "ORDER BY sub_id, cover",
        m=month,
    )


def test_a_decree_is_two_files_and_an_approval(world: World) -> None:
    people = paid_until_november(world)
    before = lines(world, 202610) + lines(world, 202611)
    shown = rates.propose(world.ctx, decree(), actor="an", note="NĐ 400")
    assert (shown.version.number, shown.version.state, shown.lowers) == (1, "proposed", False)
    assert (shown.effect.added_people, shown.effect.added_vnd) == (2, 2 * 2 * 90_000)
    assert shown.effect.lowered_vnd == 0
    world.clock.set(date(2026, 11, 21))
    done = rates.approve(world.ctx, 1, actor="binh")
    assert (done.version.state, done.version.usable_from) == ("approved", "2026-11-21")
    world.clock.set(date(2026, 11, 24))
    made = service.prepare(world.ctx, 202612, world.signers["an"])
    assert made.minted_vnd == made.total_vnd == 2 * (900_000 + 90_000 + 90_000)
    sign_all(world, 202612)
    assert lines(world, 202612) == [
        row
        for sub in people
        for row in (
            (sub, 202610, 2, 900_000, 90_000),
            (sub, 202611, 1, 900_000, 90_000),
            (sub, 202612, 0, 900_000, 900_000),
        )
    ]
    assert lines(world, 202610) + lines(world, 202611) == before
    healthy(world)


def test_a_proposed_version_changes_nothing(world: World) -> None:
    paid_until_november(world)
    rates.propose(world.ctx, decree(), actor="an")
    world.clock.set(date(2026, 11, 24))
    assert service.prepare(world.ctx, 202612, world.signers["an"]).minted_vnd == 2 * 810_000


@pytest.mark.parametrize(
    ("usable", "minted"), [(date(2026, 11, 24), 2_160_000), (date(2026, 11, 25), 1_620_000)]
)
def test_a_version_is_known_from_its_day_on(world: World, usable: date, minted: int) -> None:
    paid_until_november(world)
    rates.propose(world.ctx, decree(), actor="an")
    rates.approve(world.ctx, 1, actor="binh", usable_from=usable)
    world.clock.set(date(2026, 11, 24))
    assert service.prepare(world.ctx, 202612, world.signers["an"]).minted_vnd == minted


def test_an_instrument_not_in_force_yet_pays_nothing(world: World) -> None:
    paid_until_november(world)
    rates.propose(world.ctx, decree(), actor="an")
    rates.approve(world.ctx, 1, actor="binh")
    made = service.prepare(world.ctx, 202612, world.signers["an"], law_on=date(2026, 11, 19))
    assert made.minted_vnd == 2 * 810_000
    made = service.prepare(world.ctx, 202612, world.signers["an"], law_on=date(2026, 11, 20))
    assert made.minted_vnd == 2 * (900_000 + 90_000 + 90_000)


def test_a_general_rise_waits_for_its_decision(world: World) -> None:
    paid_until_november(world)
    rates.propose(world.ctx, decree(rise="yes"), actor="an")
    rates.approve(world.ctx, 1, actor="binh")
    world.clock.set(date(2026, 11, 24))
    held = service.prepare(world.ctx, 202612, world.signers["an"])
    assert held.minted_vnd == 2 * 810_000
    assert (held.rerating_people, held.rerating_vnd) == (2, 2 * 180_000)
    assert world.rows("SELECT instrument FROM rerating WHERE decision_number IS NULL") == [
        (DECREE,)
    ]
    decide_rise(world, 202612)
    assert service.prepare(world.ctx, 202612, world.signers["an"]).minted_vnd == 2 * 1_080_000
    sign_all(world, 202612)
    healthy(world)


def test_who_was_granted_under_a_new_rise_needs_no_decision(world: World) -> None:
    """A decision signed after the rise came into force is at the new level at once."""
    paid_until_november(world)
    rates.propose(world.ctx, decree(rise="yes"), actor="an")
    rates.approve(world.ctx, 1, actor="binh")
    world.clock.set(date(2026, 11, 24))
    (late,) = add_people(
        world,
        [Person(date(1980, 1, 1), {**K6, "decision_date": date(2026, 11, 23)}, start=202612)],
    )
    service.prepare(world.ctx, 202612, world.signers["an"])
    sign_all(world, 202612)
    assert [r[1:] for r in lines(world, 202612) if r[0] == late] == [(202612, 0, 900_000, 900_000)]


def test_a_list_keeps_the_tables_it_was_computed_with(world: World) -> None:
    paid_until_november(world)
    first = world.one("SELECT DISTINCT rates_sha256 FROM pay_list WHERE month = 202610")
    assert first == shipped().sha256
    rates.propose(world.ctx, decree(), actor="an")
    rates.approve(world.ctx, 1, actor="binh")
    world.clock.set(date(2026, 11, 24))
    service.prepare(world.ctx, 202612, world.signers["an"])
    now = world.one("SELECT rates_sha256 FROM pay_list WHERE month = 202612 AND programme = 'SA'")
    kept = dict(world.rows("SELECT sha256, content FROM rate_set"))
    assert set(kept) == {first, now}
    assert json.loads(zlib.decompress(kept[first]))[BASES].encode() == data_file(BASES)
    assert DECREE in json.loads(zlib.decompress(kept[now]))[BASES]
    (parts,) = world.rows("SELECT parts FROM rate_set WHERE sha256 = :s", s=now)
    assert json.loads(parts[0]) == [f"shipped:{first}", "version:1"]
    assert world.one("SELECT DISTINCT rates_sha256 FROM pay_list WHERE month = 202611") == first


def test_the_bytes_are_kept_and_never_edited(world: World) -> None:
    given = decree()
    rates.propose(world.ctx, given, actor="an")
    kept = world.rows("SELECT table_name, file_name, content FROM rate_file ORDER BY table_name")
    assert kept == [(BASES, *given[1]), (INSTRUMENTS, *given[0])]
    folder = world.ctx.settings.files / "evidence"
    assert {p.read_bytes() for p in folder.rglob("*") if p.is_file()} >= {b for _, b in given}
    for statement in ("UPDATE rate_file SET file_name = 'x'", "DELETE FROM rate_version"):
        with pytest.raises(DatabaseError), world.ctx.cell.begin() as conn:
            conn.execute(text(statement))


def test_the_same_person_cannot_approve_by_another_log_in(world: World) -> None:
    create_user(world.ctx, "an2", "Cán bộ an", OFFICERS["an"][1], ["checker"], SECRET)
    rates.propose(world.ctx, decree(), actor="an")
    with pytest.raises(NotAllowedError) as same:
        rates.approve(world.ctx, 1, actor="an2")
    assert same.value.code == "same_person"
    with pytest.raises(NotAllowedError) as role:
        rates.approve(world.ctx, 1, actor="an")
    assert role.value.code == "role"
    with world.ctx.cell.read() as conn:
        assert approved(conn, date(2027, 1, 1)).sha256 == shipped().sha256
    assert world.one("SELECT count(*) FROM rate_approval") == 0
    with pytest.raises(DatabaseError), world.ctx.cell.begin() as conn:  # nor past the code
        conn.execute(
            text(
                "INSERT INTO rate_approval (version_id, usable_from, proposed_person, "
                "approved_by, approved_person, approved_at, lowered_people, lowered_vnd, "
                "lowering_seen) VALUES (1, '2026-11-20', 5, 'x', 5, '', 0, 0, 0)"
            )
        )


def test_approving_has_its_order(world: World) -> None:
    with pytest.raises(NotFoundError):
        rates.approve(world.ctx, 1, actor="binh")
    rates.propose(world.ctx, decree(), actor="an")
    with pytest.raises(RefusedError) as past:
        rates.approve(world.ctx, 1, actor="binh", usable_from=date(2026, 9, 23))
    assert past.value.code == "usable_from"
    rates.approve(world.ctx, 1, actor="binh")
    with pytest.raises(NotNowError) as again:
        rates.approve(world.ctx, 1, actor="chi")
    assert again.value.code == "rate_approved"


def test_a_wrong_file_leaves_nothing(world: World) -> None:
    for files in (decree(new={"amount_vnd": "600000.5"}), decree()[1:]):
        with pytest.raises(RefusedError):
            rates.propose(world.ctx, files, actor="an")
    with pytest.raises(RefusedError) as same:
        rates.propose(world.ctx, [("x.csv", data_file(BASES))], actor="an")
    assert same.value.code == "rate_same"
    assert [v.number for v in rates.versions(world.ctx)] == [0]
    assert world.one("SELECT count(*) FROM rate_file") == 0
    rates.propose(world.ctx, decree(), actor="an")
    with pytest.raises(NotNowError) as twice:
        rates.propose(world.ctx, decree(), actor="chi")
    assert twice.value.code == "rate_repeated"
    assert [v.number for v in rates.versions(world.ctx)] == [0, 1]


def test_two_versions_that_do_not_fit_are_not_both_approved(world: World) -> None:
    rates.propose(world.ctx, decree(), actor="an")
    other = [
        (name, body.replace(b"400/2026", b"401/2026").replace(b"600000", b"610000"))
        for name, body in decree(new={"effective_from": "2026-10-01"})
    ]
    rates.propose(world.ctx, other, actor="an")
    rates.approve(world.ctx, 1, actor="binh", usable_from=date(2026, 12, 1))
    later = rates.show(world.ctx, 2)  # lies over version 1 and replaces its level
    assert [(a.old_vnd, a.new_vnd) for a in later.diff.amounts if a.kind == "level"] == [
        (600_000, 610_000)
    ]
    third = [
        ("v.csv", table(INSTRUMENTS, instrument(instrument="402/2026/NĐ-CP"))),
        (
            "m.csv",
            table(
                BASES,
                level(instrument="402/2026/NĐ-CP", effective_from="2027-01-01"),
                {**level(), "effective_to": "2026-12-31", "ended_by": "402/2026/NĐ-CP"},
            ),
        ),
    ]
    rates.propose(world.ctx, third, actor="an")
    with pytest.raises(RefusedError) as early:  # before version 1 its first row has no ground
        rates.approve(world.ctx, 3, actor="binh", usable_from=date(2026, 11, 1))
    assert "dòng" in early.value.sentence
    assert world.one("SELECT count(*) FROM rate_approval") == 1
    rates.approve(world.ctx, 3, actor="binh", usable_from=date(2026, 12, 2))


def test_a_version_that_lowers_needs_a_second_look(world: World) -> None:
    people = paid_until_november(world)
    shown = rates.propose(world.ctx, decree(new={"amount_vnd": "520000"}), actor="an")
    assert shown.lowers
    assert (shown.effect.lowered_people, shown.effect.lowered_vnd) == (2, 2 * 2 * 30_000)
    with pytest.raises(NotNowError) as look:
        rates.approve(world.ctx, 1, actor="binh")
    assert look.value.code == "rate_lowers"
    assert "120.000 đồng" in look.value.sentence
    assert world.one("SELECT count(*) FROM rate_approval") == 0
    done = rates.approve(world.ctx, 1, actor="binh", lowering_seen=True)
    assert (done.version.lowered_people, done.version.lowered_vnd) == (2, 120_000)
    assert world.rows("SELECT lowering_seen, lowered_vnd FROM rate_approval") == [(1, 120_000)]
    world.clock.set(date(2026, 11, 24))
    service.prepare(world.ctx, 202612, world.signers["an"])
    # October and November are on their way to the bank: shown, and taken up once they have arrived
    assert world.rows(
        "SELECT h.person_id, h.cover, h.reason, h.amount_vnd FROM list_hold h JOIN pay_list l "
        "ON l.id = h.list_id WHERE l.month = 202612 ORDER BY h.person_id, h.cover"
    ) == [(s, c, "recall", -30_000) for s in people for c in (202610, 202611)]
    sign_all(world, 202612)
    now = [(r[0], r[1], r[3]) for r in lines(world, 202612)]
    assert now == [(s, 202612, 780_000) for s in people]
    healthy(world)


def test_a_lower_amount_in_future_months_needs_none(world: World) -> None:
    paid_until_november(world)
    later = decree(
        new={"amount_vnd": "520000", "effective_from": "2027-01-01"},
        old={"effective_to": "2026-12-31"},
    )
    shown = rates.propose(world.ctx, later, actor="an")
    assert not shown.lowers
    assert rates.approve(world.ctx, 1, actor="binh").effect.lowered_vnd == 0


def test_a_local_level_by_resolution(world: World) -> None:
    """Max of the central and the province's own level, for this province only."""
    paid_until_november(world)
    local = [
        ("v.csv", table(INSTRUMENTS, instrument(instrument="NQ-25", territory="25"))),
        ("m.csv", table(BASES, level(instrument="NQ-25", territory="25", amount_vnd="580000"))),
    ]
    shown = rates.propose(world.ctx, local, actor="an")
    assert [(a.code, a.territory, a.old_vnd, a.new_vnd) for a in shown.diff.amounts] == [
        ("SA_BASE", "25", 540_000, 580_000)
    ]
    rates.approve(world.ctx, 1, actor="binh")
    world.clock.set(date(2026, 11, 24))
    made = service.prepare(world.ctx, 202612, world.signers["an"])
    assert made.minted_vnd == 2 * (870_000 + 60_000 + 60_000)


# --- three grades ------------------------------------------------------------------------------


def held(world: World, month: int) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT h.reason, h.cover, h.amount_vnd FROM list_hold h JOIN pay_list l "
        "ON l.id = h.list_id WHERE l.month = :m AND l.state <> 'void' AND h.kind = 'right' "
        "ORDER BY h.cover",
        m=month,
    )


@pytest.mark.parametrize(
    ("confidence", "minted", "waits"),
    [
        ("inference", 2 * 1_080_000, []),
        ("derived", 0, [("unconfirmed_rate", 202612, 900_000)] * 2),
    ],
)
def test_inference_is_paid_and_derived_waits_for_a_document(
    world: World, confidence: str, minted: int, waits: list[Any]
) -> None:
    paid_until_november(world)
    rates.propose(world.ctx, decree(new={"confidence": confidence}), actor="an")
    rates.approve(world.ctx, 1, actor="binh", lowering_seen=True)
    world.clock.set(date(2026, 11, 24))
    made = service.prepare(world.ctx, 202612, world.signers["an"])
    assert made.minted_vnd == minted
    assert [h for h in held(world, 202612) if h[1] == 202612] == waits
    reasons = [
        json.loads(r[0])
        for r in world.rows("SELECT reason FROM due WHERE month = 202612 ORDER BY law_key")
    ]
    if confidence == "inference":
        assert "theo cách hiểu văn bản" in reasons[-1]["lines"][0]["text_vi"]
        return
    name = "SA_BASE/VN/2026-10-01"
    _, waiting = rates.points(world.ctx)
    assert [(r.row, r.amount, r.confidence) for r in waiting if r.table == BASES] == [
        (name, "600000", "derived")
    ]
    done = rates.decide(
        world.ctx, "unconfirmed_rate", name, document="Công báo 12/2026", actor="chi"
    )
    assert done == 1
    assert service.prepare(world.ctx, 202612, world.signers["an"]).minted_vnd == 2 * 1_080_000
    assert held(world, 202612) == []
    sign_all(world, 202612)
    healthy(world)


def test_the_meritorious_table_is_confirmed_by_one_document(world: World) -> None:
    _, waiting = rates.points(world.ctx)
    before = [r for r in waiting if r.table == MERIT and r.version == "NCC26"]
    assert len(before) == 212
    row = shipped_row(MERIT, rate_code="PRE45.TL", version="NCC26")
    assert {r.row: r.amount for r in before}["PRE45.TL/2026-07-01"] == row["amount_vnd"]
    assert max(r.uncertainty_vnd for r in before) == 1_000
    done = rates.decide(
        world.ctx, "unconfirmed_rate", "NCC26", document="NĐ 321/2026 Phụ lục", actor="chi"
    )
    assert done == 212
    assert [r for r in rates.points(world.ctx)[1] if r.version == "NCC26"] == []
    with world.ctx.cell.read() as conn:
        found = approved(conn, date(2026, 11, 24))
    assert b"derived" not in found.files[MERIT]
    with pytest.raises(RefusedError) as none:
        rates.decide(world.ctx, "unconfirmed_rate", "NCC26", document="x", actor="chi")
    assert none.value.code == "rate_row"


def test_an_open_point_is_held_until_it_is_decided(world: World) -> None:
    pension = {**SP, "income": "lower_than_sp"}
    add_people(world, [Person(date(1949, 1, 1), pension)])
    budget(world)
    assert service.prepare(world.ctx, 202610, world.signers["an"]).minted_vnd == 0
    assert held(world, 202610) == [("sp_with_lower_pension", 202610, 500_000)]
    world.one("SELECT 1")
    sign_all(world)
    close(world, date(2026, 10, 23))
    rates.decide(
        world.ctx, "sp_with_lower_pension", "full", document="CV 9/BYT 20/10/2026", actor="dung"
    )
    service.prepare(world.ctx, 202611, world.signers["an"])
    decide_rise(world, 202611)
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert made.minted_vnd == 2 * 540_000  # October, which was held, and November
    assert held(world, 202611) == []
    point = next(p for p in rates.points(world.ctx)[0] if p.point.code == "sp_with_lower_pension")
    assert (point.value(), point.point.default) == ("full", "hold")
    assert [d[:4] for d in point.decisions] == [("", "full", "CV 9/BYT 20/10/2026", "dung")]


def test_a_payer_may_decide_for_itself(world: World) -> None:
    pension = {**SP, "income": "lower_than_sp"}
    add_people(world, [Person(date(1949, 1, 1), pension)])
    budget(world)
    for payer, value in (("", "full"), (PAYER, "hold")):
        rates.decide(
            world.ctx, "sp_with_lower_pension", value, document="CV 9", actor="dung", payer=payer
        )
    with world.ctx.cell.read() as conn:
        found = settings(conn)
    assert found.of(PAYER).sp_with_lower_pension == "hold"
    assert found.of("00004").sp_with_lower_pension == "full"
    assert service.prepare(world.ctx, 202610, world.signers["an"]).minted_vnd == 0
    rates.decide(
        world.ctx, "sp_with_lower_pension", "full", document="CV 10", actor="dung", payer=PAYER
    )
    assert service.prepare(world.ctx, 202610, world.signers["an"]).minted_vnd == 500_000
    assert world.one("SELECT count(DISTINCT settings_sha256) FROM pay_list") == 2


@pytest.mark.parametrize(
    ("point", "value", "document", "payer", "actor", "error", "code"),
    [
        ("no_such", "full", "CV 9", "", "dung", RefusedError, "point"),
        ("merit_with_sa", "maybe", "CV 9", "", "dung", RefusedError, "setting"),
        ("merit_with_sa", "both", "  ", "", "dung", RefusedError, "text"),
        ("merit_with_sa", "both", "CV 9", "99999", "dung", NotFoundError, "payer"),
        ("merit_with_sa", "both", "CV 9", "", "an", NotAllowedError, "role"),
        ("unconfirmed_rate", "SA26.K1.LT4", "CV 9", "", "dung", RefusedError, "rate_row"),
        ("unconfirmed_rate", "NCC26", "CV 9", PAYER, "dung", RefusedError, "payer"),
    ],
)
def test_a_wrong_decision_is_refused(
    world: World,
    point: str,
    value: str,
    document: str,
    payer: str,
    actor: str,
    error: type[Exception],
    code: str,
) -> None:
    with pytest.raises(error) as refused:
        rates.decide(world.ctx, point, value, document=document, actor=actor, payer=payer)
    assert refused.value.code == code  # type: ignore[attr-defined]  # all of ours have one
    assert world.one("SELECT count(*) FROM rate_decision") == 0
