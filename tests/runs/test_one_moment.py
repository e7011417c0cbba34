"""A read of a cell sees the books of one moment, whatever is committed meanwhile."""

from __future__ import annotations

from sqlalchemy import text

from tests.runs.world import World

COUNT = text("SELECT count(*), min(go_live_month) FROM payer")


def test_a_read_does_not_see_what_is_committed_between_its_statements(world: World) -> None:
    with world.ctx.cell.read() as conn:
        before = conn.execute(COUNT).one()
        with world.ctx.cell.begin() as writing:
            writing.execute(text("UPDATE payer SET go_live_month = go_live_month - 1"))
        assert conn.execute(COUNT).one() == before
    with world.ctx.cell.read() as conn:
        assert conn.execute(COUNT).one() == (before[0], before[1] - 1)
