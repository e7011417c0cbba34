"""The demo's auditor: a step that broke a promise is named, and the books are those of its end."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from disbursement.demo.auditor import Auditor
from disbursement.platform.errors import OurFaultError
from tests.runs.conftest import world as world  # noqa: PLC0414 - a fixture is used by its name
from tests.runs.test_close import resolved
from tests.runs.world import World


def test_the_step_that_broke_a_promise_is_named(world: World) -> None:
    resolved(world)
    said: list[str] = []
    auditor = Auditor(world.ctx.settings, said.append)
    auditor.check("mọi thứ đúng", 0)
    auditor.say("giữa chừng")
    with world.ctx.cell.begin() as conn:  # after the snapshot: not that step's doing
        conn.execute(text("UPDATE batch SET total_vnd = total_vnd + 1 WHERE id = 1"))
    auditor.check("làm hỏng một lô", 0)
    assert said == ["  mọi thứ đúng", "giữa chừng"]
    with pytest.raises(OurFaultError) as broken:
        auditor.close()
    assert "'làm hỏng một lô'" in broken.value.sentence
    assert "batch_book" in broken.value.sentence
    assert said == ["  mọi thứ đúng", "giữa chừng"]
