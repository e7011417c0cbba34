"""Decisions and events through prepare, on a real ledger and both databases, to the dong.

K6 severe is 750,000 a month before the rise of NĐ 335/2026, 810,000 with it (decided per payer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from disbursement.beneficiaries import events
from disbursement.beneficiaries.event_checks import EventError, EventIn
from disbursement.identity.service import create_user
from disbursement.platform import ids
from disbursement.platform.errors import NotAllowedError, NotNowError
from disbursement.runs import service
from ledger import chart, definitions
from tests.runs.test_close import resolve
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.test_rate_versions import close
from tests.runs.world import PAYER, PROVIDER, SECRET, Person, World, add_people, header

OTHER = "04795"  # another commune of Phú Thọ


def told(world: World, person: int, kind: str, day: date, n: str = "77/QĐ", **more: Any) -> EventIn:
    reference = world.one("SELECT reference FROM person WHERE id = :p", p=person)
    base = EventIn(
        kind, day, PAYER, reference=reference, number=n, decided_on=day, signer="Chủ tịch"
    )
    return replace(base, **more)


def record(world: World, given: EventIn) -> events.EventReport:
    return events.record_one(world.ctx, given, source="officer", actor="an")


def refused(world: World, given: EventIn, code: str) -> str:
    before = snapshot(world)
    with pytest.raises(EventError) as error:
        record(world, given)
    assert error.value.code == code
    assert snapshot(world) == before
    sentence = error.value.sentence
    assert not sentence[0].islower()
    assert sentence.endswith(".")
    return sentence


def snapshot(world: World) -> list[Any]:
    return [
        world.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("case_event", "dirty", "unit_profile", "person", "hold", "benefit_case")
    ]


def month(world: World, number: int = 202610) -> service.PrepareReport:
    done = service.prepare(world.ctx, number, world.signers["an"])
    sign_all(world, number)
    return done


def start(world: World, **person: Any) -> int:
    """One person of K6 with October released: on its way to the bank, or held (a wallet)."""
    (made,) = add_people(world, [Person(date(1990, 3, 1), K6, **person)])
    budget(world, sa=50_000_000)
    assert month(world).minted_vnd == 750_000
    return made


def credited(world: World, number: int) -> None:
    """The bank pays everything of a month."""
    for list_id, total in world.rows(
        "SELECT id, total_vnd FROM pay_list WHERE state = 'released' AND month = :m AND total_vnd > 0",
        m=number,
    ):
        service.draw(
            world.ctx, list_id, voucher=f"R{list_id}", day=world.clock.now().date(),
            amount_vnd=total, actor="chi",
        )  # fmt: skip
        with world.ctx.cell.begin() as conn:
            for (batch,) in conn.execute(
                text("SELECT id FROM batch WHERE list_id = :l"), {"l": list_id}
            ).all():
                resolve(world, conn, batch, good=True)


def owed(world: World, person: int) -> dict[int, int]:
    """What the book owes for each month in all: the last revision's due_after."""
    rows = world.rows(
        "SELECT cover, due_after FROM line WHERE sub_id = :p AND rev IS NOT NULL ORDER BY rev",
        p=person,
    )
    return {int(cover): int(due) for cover, due in rows}


def test_a_stop_recorded_late_cancels_what_lies_free(world: World) -> None:
    person = start(world, kind="wallet")
    close(world, date(2026, 10, 23))
    done = record(world, told(world, person, "stop", date(2026, 9, 20),
                              members={"cause": "lost_eligibility"}))  # fmt: skip
    assert done.from_month == 202610
    made = month(world, 202611)
    assert (made.minted_vnd, made.total_vnd) == (0, 0)
    assert world.balance(f"payable.{PAYER}") == 0
    assert owed(world, person) == {202610: 0}
    assert world.rows("SELECT end_month, end_cause FROM benefit_case") == [
        (202609, "không còn đủ điều kiện")
    ]
    healthy(world)


def test_what_is_on_its_way_is_recalled_then_claimed_once_paid(world: World) -> None:
    person = start(world)
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "stop", date(2026, 9, 20), members={"cause": "renounced"}))
    service.prepare(world.ctx, 202611, world.signers["an"])
    assert world.rows(
        "SELECT reason, cover, amount_vnd FROM list_hold WHERE list_id = "
        "(SELECT max(id) FROM pay_list WHERE state = 'prepared')"
    ) == [("recall", 202610, -750_000)]
    world.clock.set(date(2026, 10, 5))
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE pay_list SET state = 'released' WHERE month = 202610"))
    credited(world, 202610)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE pay_list SET state = 'closed' WHERE month = 202610"))
    before = world.rows("SELECT * FROM line WHERE journal_id IN (SELECT journal_id FROM pay_list "
                        "WHERE month = 202610) ORDER BY cover, sub_id")  # fmt: skip
    month(world, 202611)
    assert world.balance(f"overpaid.{PAYER}") == 750_000
    assert world.rows("SELECT cover, amount_vnd, cause FROM receivable") == [
        (202610, 750_000, "stop")
    ]
    after = world.rows("SELECT * FROM line WHERE journal_id IN (SELECT journal_id FROM pay_list "
                       "WHERE month = 202610) ORDER BY cover, sub_id")  # fmt: skip
    assert before == after  # the paid month is not rewritten
    healthy(world)


def test_a_rise_recorded_late_is_back_pay_and_a_grant_too(world: World) -> None:
    person = start(world)
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "change", date(2026, 10, 2), members={
        "facts": {"degree": "ES"}}))  # fmt: skip
    made = month(world, 202611)
    assert made.minted_vnd == 250_000 + 1_000_000
    assert owed(world, person) == {202610: 1_000_000, 202611: 1_000_000}
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "grant", date(2026, 10, 3), n="9/QĐ", clause="K4", members={
        "facts": {"household": "poor", "children": 2}}))  # fmt: skip
    made = month(world, 202612)
    assert made.minted_vnd == 2 * 1_000_000 + 2_000_000  # K4 beside K6, from October on
    assert owed(world, person) == dict.fromkeys((202610, 202611, 202612), 2000000)
    healthy(world)


def test_suspended_keeps_what_is_owed_and_resumed_pays_it_in_one(world: World) -> None:
    """Art. 9.4: the months since the suspension, and what lay unpaid before it, in one payment."""
    person = start(world)
    ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list WHERE state = 'released'")
    service.draw(
        world.ctx, list_id, voucher="R1", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    with world.ctx.cell.begin() as conn:
        batch = conn.execute(text("SELECT id FROM batch")).scalar_one()
        resolve(world, conn, batch, good=False)  # October lies in payable again
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "suspend", date(2026, 10, 3), members={
        "reason": "uncollected", "from_month": "2026-11"}))  # fmt: skip
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert (made.minted_vnd, made.total_vnd) == (0, 0)
    assert world.rows(
        "SELECT p.hold_reason, p.amount_vnd FROM payment p JOIN pay_list l ON l.id = p.list_id "
        "WHERE l.month = 202611"
    ) == [("suspended", 750_000)]
    close(world, date(2026, 11, 24))
    record(world, told(world, person, "resume", date(2026, 11, 20), n="80/QĐ"))
    made = service.prepare(world.ctx, 202612, world.signers["an"])
    assert (made.minted_vnd, made.total_vnd) == (2 * 750_000, 3 * 750_000)
    sign_all(world, 202612)
    assert owed(world, person) == dict.fromkeys((202610, 202611, 202612), 750_000)
    assert world.balance(f"payable.{PAYER}") == 0
    healthy(world)


def test_a_death_holds_what_is_left_and_answers_the_report(world: World) -> None:
    person = start(world)
    close(world, date(2026, 10, 23))
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
                "raised_by, fact_digest) VALUES (900, :y, :p, 'right', 'dead', '', '', 'x', "
                "'2026-10-20')"
            ),
            {"y": world.payer_id, "p": person},
        )
    done = record(world, told(world, person, "death", date(2026, 10, 20), n="", decided_on=None,
                              signer="", document="Giấy chứng tử 5"))  # fmt: skip
    assert done.from_month == 202611
    assert world.rows("SELECT reason, document FROM hold ORDER BY reason") == [
        ("dead", "Giấy chứng tử 5"),
        ("payee_dead", None),
    ]
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert (made.minted_vnd, made.total_vnd) == (0, 0)
    taken = replace(
        told(world, person, "withdraw", date(2026, 10, 22)), withdraws=done.recorded[0].id
    )
    assert record(world, taken).from_month == 202611  # a mistaken identity
    assert world.one("SELECT died_on FROM person") is None
    assert service.prepare(world.ctx, 202611, world.signers["an"]).minted_vnd == 750_000
    again = told(world, person, "death", date(2026, 10, 20), n="8/QĐ")
    assert record(world, again).from_month == 202611


def second_payer(world: World) -> None:
    """Another commune of the cell, with contract and accounts, nobody in it."""
    with world.ctx.cell.begin() as conn:
        payer, contract = ids.block(conn, "payer", 1), ids.block(conn, "provider_contract", 1)
        conn.execute(
            text(
                "INSERT INTO payer (id, code, name, province_code, go_live_month, "
                "checker_may_second, scan_required, created_at) VALUES (:i, :c, 'Xã Mới', '25', "
                "202610, 0, 0, '')"
            ),
            {"i": payer, "c": OTHER},
        )
        conn.execute(
            text(
                "INSERT INTO register_policy (payer_id, profile, max_age_days, when_old, set_by, "
                "set_at) VALUES (:i, 'deaths', 15, 'off', 'test', '')"
            ),
            {"i": payer},
        )
        keys = world.ctx.keys
        conn.execute(
            text(
                "INSERT INTO provider_contract (id, payer_id, provider_id, number, valid_from, "
                "deposit_account_enc, deposit_account_blind, deposit_account_last4, "
                "fee_basis_points, pay_day) VALUES (:i, :p, :v, 'HD2', '2026-01-01', :e, :b, "
                "'0002', 50, 5)"
            ),
            {
                "i": contract, "p": payer, "v": world.provider_id,
                "e": keys.encrypt("provider_contract.deposit_account", contract, "10000002"),
                "b": keys.blind("account", "ICBVVNVX10000002"),
            },
        )  # fmt: skip
        accounts = chart.accounts_for(conn, payer, OTHER, 2026, ["SA", "SP"], [PROVIDER])
        definitions.define_accounts(conn, header(world, conn, "definition", "other"), accounts)
    service.set_budget(
        world.ctx, payer=OTHER, programme="SA", year=2026, amount_vnd=50_000_000,
        decision_number="9/QD", decision_date=date(2026, 1, 5), actor="chi",
    )  # fmt: skip


def test_a_move_leaves_no_gap_and_no_month_to_two_communes(world: World) -> None:
    second_payer(world)
    person = start(world)
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "move_out", date(2026, 10, 1)))
    arrival = told(world, person, "move_in", date(2026, 10, 3), commune=OTHER, n="5/QĐ")
    early = replace(arrival, members={"from_month": "2026-10"})
    assert "hai xã cùng trả tháng 10/2026" in refused(world, early, "two_communes")
    refused(world, replace(arrival, members={"from_month": "2026-12"}), "move_gap")
    refused(world, replace(arrival, commune=PAYER), "event_commune")
    record(world, arrival)
    made = month(world, 202611)
    assert made.minted_vnd == 750_000
    assert world.balance(f"expense.{PAYER}.SA.2026") == 750_000  # October
    assert world.balance(f"expense.{OTHER}.SA.2026") == 750_000  # November
    assert owed(world, person) == {202610: 750_000, 202611: 750_000}
    assert "do xã 04795 giữ" in refused(
        world, told(world, person, "stop", date(2026, 10, 4), n="99/QĐ", members={"cause": "renounced"}),
        "event_commune",
    )  # fmt: skip
    healthy(world)


def test_a_month_that_the_old_commune_has_in_its_books_stays_there(world: World) -> None:
    """The stop came late: the old commune has accrued October; the new one does not pay it again."""
    second_payer(world)
    person = start(world)
    close(world, date(2026, 10, 4))
    record(world, told(world, person, "move_out", date(2026, 10, 2), members={
        "from_month": "2026-10"}))  # fmt: skip
    record(world, told(world, person, "move_in", date(2026, 10, 3), commune=OTHER, n="5/QĐ"))
    record(world, told(world, person, "change", date(2026, 10, 4), commune=OTHER, n="6/QĐ",
                       members={"facts": {"degree": "ES"}}))  # fmt: skip
    made = month(world, 202611)
    assert made.minted_vnd == 250_000 + 1_000_000
    assert world.balance(f"expense.{PAYER}.SA.2026") == 1_000_000  # October, the rise too
    assert world.balance(f"expense.{OTHER}.SA.2026") == 1_000_000  # November
    assert owed(world, person) == {202610: 1_000_000, 202611: 1_000_000}
    assert world.one("SELECT count(*) FROM dirty") == 0
    healthy(world)


def test_an_event_after_preparing_stales_the_list(world: World) -> None:
    (person,) = add_people(world, [Person(date(1990, 3, 1), K6)])
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    record(world, told(world, person, "stop", date(2026, 9, 20), members={"cause": "renounced"}))
    with pytest.raises(NotNowError) as stale:
        sign_all(world)
    assert stale.value.code == "list_stale"
    assert "1 người có quyết định" in stale.value.sentence
    assert service.prepare(world.ctx, 202610, world.signers["an"]).minted_vnd == 0


WRONG: list[tuple[str, Callable[[EventIn], EventIn], str]] = [
    ("unknown person", lambda e: replace(e, reference="", identity="001090000001"), "event_person"),
    ("kind", lambda e: replace(e, kind="party"), "event_kind"),
    ("merit", lambda e: replace(e, programme="NCC"), "event_programme"),
    ("future", lambda e: replace(e, day=date(2026, 9, 25)), "event_future"),
    ("decided in the future", lambda e: replace(e, decided_on=date(2026, 9, 25)), "decision_future"),
    ("no number", lambda e: replace(e, number=""), "decision_missing"),
    ("no paper", lambda e: replace(e, kind="refusal", number="", signer="", decided_on=None,
                                   members={}), "document_missing"),
    ("before birth", lambda e: replace(e, day=date(1990, 2, 1)), "event_before_birth"),
    ("before the grant", lambda e: replace(e, day=date(2023, 5, 1)), "event_order"),
    ("no such case", lambda e: replace(e, clause="K4"), "event_case"),
    ("another commune", lambda e: replace(e, commune=OTHER), "event_commune"),
    ("no payer", lambda e: replace(e, commune="99999"), "event_commune"),
    ("number used", lambda e: replace(e, number="1/QD", decided_on=date(2023, 6, 1)),
     "decision_number"),
    ("nothing to resume", lambda e: replace(e, kind="resume", members={}), "event_order"),
    ("nobody detained", lambda e: replace(e, kind="release", members={}), "event_order"),
    ("members", lambda e: replace(e, members={"cause": "bored"}), "event_members"),
    ("fact unknown", lambda e: replace(e, kind="change", members={"facts": {"household": "poor"}}),
     "event_facts"),
    ("fact fixed", lambda e: replace(e, kind="change", members={
        "facts": {"certificate_date": "2026-01-01"}}), "event_facts"),
    ("on the roll", lambda e: replace(e, kind="grant", clause="K6", members={
        "facts": {"degree": "S"}}), "event_twice"),
    ("withdraw", lambda e: replace(e, kind="withdraw", withdraws=99, members={}), "withdraw"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "code"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_event_is_one_sentence_and_changes_nothing(
    world: World, wrong: Callable[[EventIn], EventIn], code: str
) -> None:
    second_payer(world)
    (person,) = add_people(world, [Person(date(1990, 3, 1), K6)])
    good = told(world, person, "stop", date(2026, 9, 20), members={"cause": "renounced"})
    refused(world, wrong(good), code)


def test_a_second_stop_that_changes_no_month_is_refused(world: World) -> None:
    (person,) = add_people(world, [Person(date(1990, 3, 1), K6)])
    stop = told(world, person, "stop", date(2026, 9, 10), members={"cause": "lost_eligibility"})
    record(world, stop)
    later = replace(stop, day=date(2026, 9, 15), decided_on=date(2026, 9, 15), number="78/QĐ")
    assert "đã ghi thôi hưởng từ trước" in refused(world, later, "event_order")
    earlier = replace(stop, day=date(2026, 8, 15), decided_on=date(2026, 8, 15), number="70/QĐ")
    record(world, earlier)  # another month: the earlier stop counts


def test_twice_after_death_and_by_whom(world: World) -> None:
    person, other = add_people(world, [Person(date(1990, 3, 1), K6), Person(date(1991, 3, 1), K6)])
    refusal = told(world, person, "refusal", date(2026, 9, 10))
    record(world, refusal)
    refused(world, refusal, "event_twice")
    refused(world, replace(refusal, day=date(2026, 9, 11)), "event_order")  # suspended already
    taken = told(world, other, "refusal", date(2026, 9, 12))
    refused(world, taken, "decision_number")  # 77/QĐ was signed on another day
    record(world, told(world, person, "death", date(2026, 9, 20), n="78/QĐ"))
    refused(world, told(world, person, "death", date(2026, 9, 21), n="79/QĐ"), "event_dead")
    refused(world, told(world, person, "resume", date(2026, 9, 22), n="79/QĐ"), "event_after_death")
    create_user(world.ctx, "xa", "Cán bộ xã", "030080000011", [f"preparer:{OTHER}"], SECRET)
    before = snapshot(world)
    for name in ("xa", "binh"):
        with pytest.raises(NotAllowedError):
            events.record_one(
                world.ctx, replace(taken, number="80/QĐ"), source="officer", actor=name
            )
    assert snapshot(world) == before
    with pytest.raises(DatabaseError), world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE case_event SET kind = 'x'"))
