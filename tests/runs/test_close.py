"""Closing a month: only with the provider's report, only when it equals the book."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.runs import books, close, service
from ledger import chart, posting
from ledger.posting import Query
from tests.runs.test_month import FOUR, budget, healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, World, add_people, header

CREDITED = """
SELECT c.cover, :a, :b, c.sub_id, c.item, c.move + 2, :base + r.n, r.coins, NULL, NULL, c.amount_vnd
FROM batch_row r JOIN payment_coin c ON c.payment_id = r.payment_id WHERE r.batch_id = :batch
"""


def released(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    for list_id, total in world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id"):
        service.draw(
            world.ctx,
            list_id,
            voucher=f"V{list_id}",
            day=date(2026, 9, 24),
            amount_vnd=total,
            actor="chi",
        )


def resolve(world: World, conn: Connection, batch_id: int, *, good: bool) -> None:
    """Book what an answer would book: credited or collected, or back to payable."""
    rail, journal, total = conn.execute(
        text("SELECT rail, journal_id, total_vnd FROM batch WHERE id = :b"), {"b": batch_id}
    ).one()
    books.hold_cash(conn, world.ctx, batch_id, date(2026, 10, 5))
    place = chart.agent if rail == "cash" else chart.transit
    target = chart.advance(PAYER, PROVIDER) if good else chart.payable(PAYER)
    accounts = chart.account_ids(conn, [place(PAYER, PROVIDER), target])
    query = Query(
        CREDITED,
        {
            "a": accounts[place(PAYER, PROVIDER)],
            "b": accounts[target],
            "base": journal * 10_000_000,
            "batch": batch_id,
        },
    )
    kind = "answer" if rail != "cash" else "handover" if good else "roster_closed"
    posting.post(
        conn,
        header(world, conn, kind, f"resolve:{batch_id}", payer_id=world.payer_id),
        query,
    )
    plan = chart.cash_used if good else chart.cash_free
    books.post_gl(
        conn,
        world.ctx,
        book=chart.BUDGETARY,
        kind="cash_plan",
        payer_id=world.payer_id,
        key=f"plan:{batch_id}",
        month=202610,
        day=date(2026, 10, 5),
        amounts=[books.Amount(plan(PAYER, PROVIDER), chart.cash_held(PAYER, PROVIDER), int(total))],
    )
    state = ("collected" if rail == "cash" else "credited") if good else "rejected"
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT batch_id, n, 1, :s, '', '', '', 0, '2026-10-05' FROM batch_row "
            "WHERE batch_id = :b"
        ),
        {"s": state, "b": batch_id},
    )
    conn.execute(text("UPDATE batch SET state = 'accepted' WHERE id = :b"), {"b": batch_id})
    if not good:
        conn.execute(
            text(
                "INSERT INTO free_coin (sub_id, cover, item, move, payer_id, programme, "
                "amount_vnd, reason, since_month) SELECT c.sub_id, c.cover, c.item, c.move + 2, "
                ":p, 'SP', c.amount_vnd, 'rejected:AC04', 202610 FROM batch_row r "
                "JOIN payment_coin c ON c.payment_id = r.payment_id WHERE r.batch_id = :b"
            ),
            {"p": world.payer_id, "b": batch_id},
        )


def report(path: Path, *, transfer: int, cash: int, kept: int, back: int = 0) -> Path:
    path.write_text(
        ",".join(close.COLUMNS)
        + f"\n{PAYER},{PROVIDER},2026-10,{transfer},{cash},{kept},{back},BC1,2026-10-19\n"
    )
    return path


def test_a_month_in_flight_does_not_close(world: World, tmp_path: Path) -> None:
    released(world)
    world.clock.set(date(2026, 10, 19))
    with pytest.raises(NotNowError) as busy:
        close.close_runs(
            world.ctx, 202610, report(tmp_path / "r.csv", transfer=0, cash=0, kept=0), "chi"
        )
    assert busy.value.code == "run_busy"
    assert world.rows("SELECT state FROM run") == [("open",)]


def resolved(world: World) -> None:
    """SA transfer credited, SP transfer rejected, SP cash collected."""
    released(world)
    world.clock.set(date(2026, 10, 19))
    with world.ctx.cell.begin() as conn:
        for batch_id, programme, rail in conn.execute(
            text("SELECT id, programme, rail FROM batch ORDER BY id")
        ).all():
            resolve(world, conn, batch_id, good=not (programme == "SP" and rail == "bank"))
    healthy(world)


def test_a_report_that_differs_is_refused(world: World, tmp_path: Path) -> None:
    resolved(world)
    for wrong in (
        {"transfer": 750_001, "cash": 500_000, "kept": 500_000},
        {"transfer": 750_000, "cash": 0, "kept": 500_000},
        {"transfer": 750_000, "cash": 500_000, "kept": 499_999},
    ):
        with pytest.raises(RefusedError) as differs:
            close.close_runs(world.ctx, 202610, report(tmp_path / "r.csv", **wrong), "chi")
        assert differs.value.code == "report_differs"
    assert world.rows("SELECT state FROM run") == [("open",)]
    assert world.one("SELECT count(*) FROM provider_report") == 0


def test_closing_carries_what_is_unpaid_and_gives_money_back(world: World, tmp_path: Path) -> None:
    resolved(world)
    path = report(tmp_path / "r.csv", transfer=750_000, cash=500_000, kept=100_000, back=400_000)
    done = close.close_runs(world.ctx, 202610, path, "chi")
    assert (done.runs, done.paid, done.carried, done.sent_back_vnd) == (1, 2, 2, 400_000)
    assert done.carried_vnd == 500_000 + 750_000
    assert world.rows("SELECT closed_as, count(*) FROM payment GROUP BY 1 ORDER BY 1") == [
        ("carried", 2),
        ("collected", 1),
        ("credited", 1),
    ]
    assert world.balance(f"treasury.{PAYER}") == -1_750_000 + 400_000
    assert world.balance(f"advance.{PAYER}.{PROVIDER}") == 100_000
    assert world.balance(f"expended.{PAYER}.SA.2026") == 750_000
    assert world.balance(f"expended.{PAYER}.SP.2026") == 500_000
    assert world.balance(f"committed.{PAYER}.SA.2026") == 750_000
    assert world.balance(f"committed.{PAYER}.SP.2026") == 500_000
    healthy(world)
    again = close.close_runs(world.ctx, 202610, path, "chi")
    assert again.runs == 0


def test_the_next_list_carries_and_draws_less(world: World, tmp_path: Path) -> None:
    resolved(world)
    close.close_runs(
        world.ctx,
        202610,
        report(tmp_path / "r.csv", transfer=750_000, cash=500_000, kept=500_000),
        "chi",
    )
    world.clock.set(date(2026, 10, 4))
    done = service.prepare(world.ctx, 202611, world.signers["an"])
    assert done.minted_vnd == 2_500_000
    carried = world.rows(
        "SELECT programme, carried, carried_vnd, total_vnd FROM pay_list "
        "WHERE month = 202611 ORDER BY programme"
    )
    assert carried == [("SA", 1, 750_000, 750_000), ("SP", 1, 500_000, 1_500_000)]
    sign_all(world, 202611)
    sp = world.one("SELECT id FROM pay_list WHERE month = 202611 AND programme = 'SP'")
    with world.ctx.cell.read() as conn:
        assert books.draw_amount(conn, sp) == (1_000_000, 500_000)
    healthy(world)


def test_what_a_supplementary_list_paid_is_expended_once(world: World, tmp_path: Path) -> None:
    """A rejected payment whose coin a supplementary list of the same month paid is not paid."""
    released(world)
    world.clock.set(date(2026, 10, 19))
    with world.ctx.cell.begin() as conn:
        for batch_id, programme, rail in conn.execute(
            text("SELECT id, programme, rail FROM batch ORDER BY id")
        ).all():
            resolve(world, conn, batch_id, good=not (programme == "SP" and rail == "bank"))
    before = world.one("SELECT max(id) FROM batch")
    again = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (again.payments, again.minted_vnd) == (1, 0)
    sign_all(world)
    with world.ctx.cell.begin() as conn:
        (batch_id,) = conn.execute(
            text("SELECT id FROM batch WHERE id > :b AND state = 'queued'"), {"b": before}
        ).one()
        resolve(world, conn, batch_id, good=True)
    healthy(world)
    path = report(tmp_path / "r.csv", transfer=1_250_000, cash=500_000, kept=0)
    done = close.close_runs(world.ctx, 202610, path, "chi")
    assert (done.paid, done.carried) == (3, 1)
    assert world.rows("SELECT closed_as, sum(amount_vnd) FROM payment GROUP BY 1 ORDER BY 1") == [
        ("carried", 750_000),
        ("collected", 500_000),
        ("credited", 1_250_000),
        ("ended", 1_250_000),
    ]
    assert world.balance(f"expended.{PAYER}.SP.2026") == 1_000_000
    assert world.balance(f"expended.{PAYER}.SA.2026") == 750_000
    healthy(world)
