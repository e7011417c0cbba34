"""States of many equal the fold of one; stories, failures and a month's counts, to the dong."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from sqlalchemy import text

from disbursement.payments.queries import (
    attempts_of,
    cash_split,
    failures,
    month_counts,
    payment_now_sql,
    payment_story,
)
from disbursement.payments.rules import (
    BATCH_TO_ATTEMPT,
    MOVING,
    News,
    attempt_state,
    payment_state,
)
from ledger.bulk import bulk_insert
from tests.payments.world import back, debit, pain002, sent_month
from tests.runs.world import PAYER, World

SAID = ("sent", "accepted", "unknown", "parked", "recall_asked", "unknown", *MOVING)
CODES = ("", "AC04", "ACSC")


def _news(rng: random.Random) -> list[News]:
    out = []
    for _ in range(rng.choice((0, 0, 1, 1, 2, 2, 3, 4, 5))):
        decided = rng.random() < 0.07
        state = rng.choice(MOVING if decided else SAID)
        code = rng.choice(CODES) if state not in MOVING else ""
        out.append(News(state, code, "decision" if decided else "status"))
    return out


def test_states_of_many_equal_the_fold_of_one(world: World):
    rng = random.Random(20261005)
    batches, rows, news, payments = [], [], [], []
    told: dict[tuple[int, int], tuple[str, str, list[News]]] = {}
    attempts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    payments += [
        (n, 1, 1, 1, 1, 1, "bank", 100 + n, 1, rng.choice(("", "", "dead")),
         rng.choice(("", "", "", "carried", "ended", "credited")))
        for n in range(1, 3_001)
    ]  # fmt: skip
    combinations = [(s, r) for s in BATCH_TO_ATTEMPT for r in ("bank", "cash")]
    for b, (state, rail) in enumerate(combinations * 4, 1):
        batches.append((b, b, 1, 1, 1, 1, "SA", 202610, "first", 1, 1, rail, "p", f"M{b}", "", "", 0,
                        0, 0, state, "", "", 202610, 202610))  # fmt: skip
        for n, payment in enumerate(rng.sample(range(1, 3_001), 90), 1):
            told[b, n] = (state, rail, _news(rng))
            attempts[payment].append((b, n))
            rows.append((b, n, payment, 1, f"E{b}-{n}", 100, 1, 1, "", "", ""))
            news += [
                (b, n, seq, s.state, s.code_set, s.code, "", 0, "2026-10-05")
                for seq, s in enumerate(told[b, n][2], 1)
            ]
    with world.ctx.cell.begin() as conn:
        bulk_insert(
            conn,
            "payment",
            (
                "id",
                "list_id",
                "run_id",
                "payer_id",
                "person_id",
                "destination_id",
                "rail",
                "amount_vnd",
                "coins",
                "hold_reason",
                "closed_as",
            ),
            payments,
        )
        bulk_insert(
            conn,
            "batch",
            (
                "id",
                "journal_id",
                "run_id",
                "payer_id",
                "provider_id",
                "contract_id",
                "programme",
                "month",
                "purpose",
                "lot",
                "version",
                "rail",
                "profile",
                "message_id",
                "created_text",
                "value_date",
                "payments",
                "coins",
                "total_vnd",
                "state",
                "nonce",
                "expires_at",
                "cover_from",
                "cover_to",
            ),
            batches,
        )
        bulk_insert(
            conn,
            "batch_row",
            (
                "batch_id",
                "n",
                "payment_id",
                "sub_id",
                "end_to_end_id",
                "amount_vnd",
                "coins",
                "destination_id",
                "bank_code",
                "name_written",
                "text_written",
            ),
            rows,
        )
        bulk_insert(
            conn,
            "attempt_news",
            ("batch_id", "n", "seq", "state", "code_set", "code", "text", "answer_id", "day"),
            news,
        )
        found = {p: (vnd, state) for p, vnd, state in conn.execute(text(payment_now_sql()))}
    expected = {}
    for p, *_, amount, _coins, hold, closed in payments:
        states = [attempt_state(*told[key]) for key in sorted(attempts[p])]
        expected[p] = (amount, payment_state(hold, closed, states))
    assert found == expected
    assert len({state for _, state in found.values()}) == 18  # all but withdrawn


def test_a_month_in_figures(world: World, tmp_path: Path):
    month = sent_month(world, tmp_path / "drop")
    month.take(pain002(month.message_id, [(month.rows[5].e2e, "RJCT", "AC04")]))
    month.take(month.statement([debit(r) for r in month.rows[:4]]))
    month.take(month.statement([back(month.rows[0], "AC06")]))
    with world.ctx.cell.read() as conn:
        counts = month_counts(conn, 202610)
        table = failures(conn, 202610)
        split = cash_split(conn, 202610)
    assert counts == {
        "month": 202610, "people": 8, "people_vnd": 5_500_000, "entitled": 8,
        "entitled_vnd": 5_500_000, "owed_vnd": 5_500_000, "carried_in": 0, "carried_in_vnd": 0,
        "sent": 6, "sent_vnd": 4_500_000, "credited": 3, "credited_vnd": 2_250_000, "rejected": 1,
        "rejected_vnd": 750_000, "returned": 1, "returned_vnd": 750_000, "unknown": 1,
        "unknown_vnd": 750_000, "cash_orders": 2, "cash_orders_vnd": 1_000_000,
        "cash_collected": 0, "cash_collected_vnd": 0, "carried": 0, "carried_vnd": 0, "held": 0,
        "held_vnd": 0, "funnel": {"people": 8, "with_account": 6, "sent": 6, "credited": 3},
    }  # fmt: skip
    assert [(f.event, f.code, f.treatment, f.count, f.amount_vnd) for f in table] == [
        ("rejected", "AC04", "cash_fallback", 1, 750_000),
        ("returned", "AC06", "cash_fallback", 1, 750_000),
    ]
    assert split == {"cash_by_choice": (2, 1_000_000), "cash_fallback": (0, 0)}


def test_the_story_of_one_reference(world: World, tmp_path: Path):
    month = sent_month(world, tmp_path / "drop")
    month.take(month.statement([debit(month.rows[0])]))
    month.take(month.statement([back(month.rows[0], "AC04")]))
    person = month.rows[0].person_id
    reference = world.one("SELECT reference FROM person WHERE id = :i", i=person)
    with world.ctx.cell.read() as conn:
        story = payment_story(conn, reference)
        assert payment_story(conn, "0000000000") is None
        attempts = attempts_of(conn, month.rows[0].payment_id)
    assert story is not None
    assert (story.birth_year, story.payer, story.died) == (1975, PAYER, False)
    assert story.free == ((202610, 750_000, "returned:AC04"),)
    (payment,) = story.payments
    assert (payment.month, payment.amount_vnd, payment.state) == (202610, 750_000, "returned")
    assert payment.covers == ((202610, 750_000),)
    assert payment.attempts == tuple(attempts)
    assert [s.state for s in attempts[0].news] == ["credited", "returned"]
    assert (attempts[0].day, attempts[0].code) == ("2026-10-05", "AC04")
    assert "Nguyễn" not in repr(story)
