"""Every invariant finds what it promises to find: each is broken once, by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from disbursement.jobs import invariants
from disbursement.jobs.invariants import Finding
from tests.runs.test_close import resolved
from tests.runs.world import PAYER, World

BREAKS = {
    "trial_balance": "UPDATE account SET debit = debit + 1 WHERE kind = 'treasury'",
    "chain": "UPDATE seal SET prev_hash = hash WHERE seq = 3",
    "free_coins": "DELETE FROM free_coin WHERE amount_vnd = 500000",
    "free_reason": "UPDATE free_coin SET reason = ''",
    "in_flight": "INSERT INTO batch_row (batch_id, n, payment_id, sub_id, end_to_end_id, "
    "amount_vnd, coins, destination_id, bank_code, name_written, text_written) "
    "SELECT id, 99, 1, 1, '', 5, 1, 1, '', '', '' FROM batch WHERE rail = 'bank'",
    "conservation": "UPDATE payment SET coins = coins + 1 WHERE id = 1",
    "paid_twice": "",  # two rows, see below
    "list_conservation": "UPDATE pay_list SET held_right_vnd = held_right_vnd + 1 WHERE id = 1",
    "list_book": "UPDATE pay_list SET minted_vnd = minted_vnd + 1, "
    "assessed_vnd = assessed_vnd + 1 WHERE id = 1",
    "batch_book": "UPDATE batch SET total_vnd = total_vnd + 1 WHERE id = 1",
    "budget": "UPDATE pay_list SET minted_vnd = minted_vnd + 1, "
    "assessed_vnd = assessed_vnd + 1 WHERE id = 1",
    "receivables": "UPDATE account SET debit = debit + 1 WHERE kind = 'overpaid'",
    "receivable_open": "INSERT INTO receivable (id, payer_id, person_id, programme, sub_id, cover, "
    "item, amount_vnd, due_vnd, list_id, journal_id, opened_at, cause, detail) "
    "SELECT 1, payer_id, 1, 'SA', 1, 202610, 0, 7, 0, 1, 1, '', 'rate', '' FROM run",
    "receivable_decisions": "UPDATE account SET debit = debit + 1 WHERE kind = 'loss'",
    "reserved": "INSERT INTO coin_reserved (sub_id, cover, item, batch_id) VALUES (1, 202610, 0, 1)",
}


def unguarded(conn: Connection) -> None:
    """Take the guards away, as an administrator of the database could."""
    if conn.dialect.name == "postgresql":
        for table in ("account", "seal"):
            conn.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        return
    names = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()
    for (name,) in names:
        conn.exec_driver_sql(f"DROP TRIGGER {name}")


def test_each_invariant_has_a_break() -> None:
    assert set(BREAKS) == {i.name for i in invariants.ALL}


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_a_broken_promise_is_found_by_its_name(world: World, name: str) -> None:
    resolved(world)
    database = world.ctx.database
    with database.engine(world.ctx.cell.name, owner=True).begin() as conn:
        unguarded(conn)
        if name == "paid_twice":
            conn.execute(
                text(
                    "INSERT INTO batch_row (batch_id, n, payment_id, sub_id, end_to_end_id, "
                    "amount_vnd, coins, destination_id, bank_code, name_written, text_written) "
                    "SELECT b.id, 1 + (SELECT max(n) FROM batch_row WHERE batch_id = b.id), 1, 1, "
                    "'', 0, 1, 1, '', '', '' FROM batch b WHERE b.rail = 'cash'"
                )
            )
            conn.execute(
                text(
                    "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, "
                    "answer_id, day) SELECT r.batch_id, r.n, 9, 'collected', '', '', '', 0, '' "
                    "FROM batch_row r JOIN batch b ON b.id = r.batch_id "
                    "WHERE r.payment_id = 1 AND b.rail = 'cash'"
                )
            )
        else:
            conn.execute(text(BREAKS[name]))
    with world.ctx.cell.read() as conn:
        found = {f.invariant for f in invariants.check_all(conn)}
    assert name in found


LOST = {
    "a coin that lies nowhere": (
        "DELETE FROM free_coin WHERE amount_vnd = 500000",
        ("(1 khoản)", 500_000),
    ),
    "a coin free and paid": (
        "INSERT INTO free_coin (sub_id, cover, item, move, payer_id, programme, amount_vnd, "
        "reason, since_month) SELECT c.sub_id, c.cover, c.item, 2, p.payer_id, 'SA', c.amount_vnd, "
        "'rejected:AC04', 202610 FROM payment p JOIN payment_coin c ON c.payment_id = p.id "
        "WHERE p.id = (SELECT min(r.payment_id) FROM batch b JOIN batch_row r "
        "ON r.batch_id = b.id JOIN attempt_news n ON n.batch_id = r.batch_id AND n.n = r.n "
        "WHERE n.state = 'credited')",
        ("(-1 khoản)", -750_000),
    ),
    "an answer forgotten": (
        "DELETE FROM attempt_news WHERE state = 'rejected'",  # then under way, and lying free
        ("(-1 khoản)", -500_000),
    ),
    "an assessment without a coin": (
        "UPDATE pay_list SET assessed_vnd = assessed_vnd + 7 WHERE id = 1",
        ("(0 khoản)", 7),
    ),
    "a coin counted twice for the same money": (
        "UPDATE payment SET coins = coins + 1 WHERE id = 1",
        ("(-1 khoản)", 0),
    ),
    "a payment of another month": (
        "UPDATE payment SET run_id = run_id + 1 WHERE id = 1",
        ("(1 khoản)", 750_000),
    ),
    "a coin of another month on the list": (
        "UPDATE pay_list SET carried = carried + 1, carried_vnd = carried_vnd + 5 WHERE id = 1",
        ("(1 khoản)", 5),
    ),
}


@pytest.mark.parametrize("how", sorted(LOST))
def test_conservation_says_where_and_how_much(world: World, how: str) -> None:
    resolved(world)
    change, wanted = LOST[how]
    with world.ctx.database.engine(world.ctx.cell.name, owner=True).begin() as conn:
        unguarded(conn)
        conn.execute(text(change))
    with world.ctx.cell.read() as conn:
        found = invariants.CoinsAreConserved().check(conn)
    assert found == [Finding("conservation", f"{PAYER} 202610 {wanted[0]}", wanted[1])]


def test_older_months_can_be_left_out_and_are_looked_at_by_default(world: World) -> None:
    resolved(world)
    with world.ctx.database.engine(world.ctx.cell.name, owner=True).begin() as conn:
        conn.execute(text("UPDATE payment SET coins = coins + 1 WHERE id = 1"))
    with world.ctx.cell.read() as conn:
        found = [invariants.check_all(conn, since) for since in (0, 202610, 202611)]
    wanted = Finding("conservation", f"{PAYER} 202610 (-1 khoản)", 0)
    assert found == [[wanted], [wanted], []]
