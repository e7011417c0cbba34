"""Unknowns are decided by complete statements and by nothing else; late draws find their money."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from disbursement.payments.evidence import decide_unknown
from disbursement.payments.late_draws import match_late_draws
from disbursement.runs import service
from tests.payments.world import (
    ADVANCE,
    PAYABLE,
    PAYER,
    SUSPENSE,
    TRANSIT,
    Entry,
    Month,
    back,
    debit,
    month_of,
    pain002,
    sent_month,
)
from tests.runs.test_month import budget, healthy, sign_all
from tests.runs.world import World, add_people

EACH = 750_000
# Sent on 24 September, paid on 5 October, then three working days: 8 October.
DAYS = (date(2026, 9, 24), date(2026, 10, 5), date(2026, 10, 7), date(2026, 10, 8))


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    return sent_month(world, tmp_path / "drop")


def statements(month: Month, last: int) -> None:
    for n, day in enumerate(DAYS[: last + 1]):
        entries = [debit(r) for r in month.rows[:4]] if n == 1 else []
        month.take(month.statement(entries, day=day))


def test_complete_statements_without_a_debit_reject_by_evidence(month: Month):
    world = month.world
    statements(month, 3)
    done = decide_unknown(world.ctx, date(2026, 10, 8))
    assert (done.batches, done.payments, done.amount_vnd, done.waiting) == (1, 2, 2 * EACH, 0)
    assert (world.balance(TRANSIT), world.balance(PAYABLE)) == (0, -2 * EACH)
    assert month.states() == [*["credited"] * 4, "rejected", "rejected"]
    assert world.rows(
        "SELECT code_set, code, count(*) FROM attempt_news WHERE state = 'rejected' GROUP BY 1, 2"
    ) == [("evidence", "NO_DEBIT", 2)]
    assert world.rows("SELECT DISTINCT reason FROM free_coin") == [("rejected:NO_DEBIT",)]
    evidence = world.one("SELECT evidence FROM journal WHERE id = :j", j=done.journals[-1])
    name = bytes(evidence).hex()
    assert b'"no_debit"' in (world.ctx.settings.files / "evidence" / name[:2] / name).read_bytes()
    healthy(world)
    again = decide_unknown(world.ctx, date(2026, 10, 8))
    assert (again.batches, again.payments) == (0, 0)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_statements_that_do_not_reach_far_enough_decide_nothing(month: Month, last: int):
    statements(month, last)
    done = decide_unknown(month.world.ctx, date(2026, 10, 8))
    assert (done.payments, done.waiting) == (0, 1)
    assert month.states()[4:] == ["", ""]


def test_the_wait_is_not_shortened_by_statements_alone(month: Month):
    statements(month, 3)
    assert decide_unknown(month.world.ctx, date(2026, 10, 7)).payments == 0


def test_statements_that_begin_after_sending_decide_nothing(month: Month):
    for day in DAYS[1:]:
        month.take(month.statement([], day=day))
    assert decide_unknown(month.world.ctx, date(2026, 10, 8)).payments == 0


def test_a_gap_decides_nothing(month: Month):
    month.take(month.statement([], day=DAYS[0]))
    month.statement([], day=DAYS[1])  # never arrives
    assert month.take(month.statement([], day=DAYS[3])).state == "waiting"
    assert decide_unknown(month.world.ctx, date(2026, 10, 8)).payments == 0


def test_claims_contradictions_and_early_returns_are_left_to_people(month: Month):
    rows = month.rows
    month.take(
        pain002(month.message_id, [(rows[0].e2e, "ACSC", ""), (rows[1].e2e, "RJCT", "AC04", 1)])
    )
    month.take(month.statement([back(rows[2])], day=DAYS[0]))
    for day in DAYS[1:]:
        month.take(month.statement([], day=day))
    done = decide_unknown(month.world.ctx, date(2026, 10, 8))
    assert done.payments == 3
    assert month.states() == ["accepted", "parked", "", "rejected", "rejected", "rejected"]
    healthy(month.world)


def test_a_debit_after_the_evidence_goes_to_suspense(month: Month):
    statements(month, 3)
    decide_unknown(month.world.ctx, date(2026, 10, 8))
    done = month.take(month.statement([debit(month.rows[5])], day=date(2026, 10, 9)))
    assert dict(done.counts) == {"wrong_place": 1}
    assert month.world.balance(SUSPENSE) == EACH
    assert month.states()[5] == "parked"


def test_a_draw_booked_after_its_statement_finds_the_money_in_suspense(world: World):
    from tests.payments.world import PEOPLE

    add_people(world, PEOPLE)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    month = month_of(world)
    (first, total), *_ = world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id")
    month.take(
        month.statement(
            [Entry("CRDT", total, text=f"KBNN RDT{first}/26 TRO CAP"), Entry("CRDT", 9, text="la")]
        )
    )
    assert (world.balance(ADVANCE), world.balance(SUSPENSE)) == (total + 9, -total - 9)
    assert match_late_draws(world.ctx) == 0
    service.draw(
        world.ctx,
        first,
        voucher=f"RDT{first}/26",
        day=date(2026, 9, 24),
        amount_vnd=total,
        actor="chi",
    )
    assert world.balance(ADVANCE) == 2 * total + 9
    assert match_late_draws(world.ctx) == 1
    assert (world.balance(ADVANCE), world.balance(SUSPENSE)) == (total + 9, -9)
    assert match_late_draws(world.ctx) == 0
    assert world.rows("SELECT kind, state FROM break_item ORDER BY id") == [
        ("no_id", "resolved"),
        ("no_id", "open"),
    ]
    assert world.rows("SELECT kind FROM funding_entry") == [("draw",)]
    healthy(world)
    assert world.balance(f"treasury.{PAYER}") == -total
