"""Every invariant finds what it promises to find: each is broken once, by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from disbursement.jobs import invariants
from tests.runs.test_close import resolved
from tests.runs.world import World

BREAKS = {
    "trial_balance": "UPDATE account SET debit = debit + 1 WHERE kind = 'treasury'",
    "chain": "UPDATE seal SET prev_hash = hash WHERE seq = 3",
    "free_coins": "DELETE FROM free_coin WHERE amount_vnd = 500000",
    "free_reason": "UPDATE free_coin SET reason = ''",
    "in_flight": "INSERT INTO batch_row (batch_id, n, payment_id, sub_id, end_to_end_id, "
    "amount_vnd, coins, destination_id, bank_code, name_written, text_written) "
    "SELECT id, 99, 1, 1, '', 5, 1, 1, '', '', '' FROM batch WHERE rail = 'bank'",
    "paid_twice": "",  # two rows, see below
    "list_conservation": "UPDATE pay_list SET held_right_vnd = held_right_vnd + 1 WHERE id = 1",
    "list_book": "UPDATE pay_list SET minted_vnd = minted_vnd + 1, "
    "assessed_vnd = assessed_vnd + 1 WHERE id = 1",
    "batch_book": "UPDATE batch SET total_vnd = total_vnd + 1 WHERE id = 1",
    "budget": "UPDATE pay_list SET minted_vnd = minted_vnd + 1, "
    "assessed_vnd = assessed_vnd + 1 WHERE id = 1",
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
