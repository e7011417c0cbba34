from __future__ import annotations

from pathlib import Path

import pytest

from bank_adapters.transports import FileDrop
from disbursement.fallback.service import open_roster
from disbursement.jobs import sender
from disbursement.platform.errors import NotNowError
from tests.runs.test_close import released
from tests.runs.test_month import healthy
from tests.runs.world import PAYER, World


def test_a_released_and_drawn_cash_batch_opens_its_roster_once(
    world: World, tmp_path: Path
) -> None:
    released(world)
    done = sender.drain(world.ctx, lambda p: FileDrop(tmp_path / p), open_roster)
    assert (done.rosters, done.stopped) == (1, 0)
    assert world.rows("SELECT commune_code, first_day, last_day, state FROM roster") == [
        (PAYER, "2026-10-05", "2026-10-15", "ordered")
    ]
    batch = world.one("SELECT id FROM batch WHERE rail = 'cash'")
    with world.ctx.cell.begin() as conn, pytest.raises(NotNowError):
        open_roster(conn, world.ctx, batch)
    with world.ctx.cell.begin() as conn, pytest.raises(NotNowError):
        open_roster(conn, world.ctx, world.one("SELECT min(id) FROM batch WHERE rail = 'bank'"))
    healthy(world)
