from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.world import World, build


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = request.getfixturevalue("pg_cell_url") if request.param == "postgres" else None
    made = build(tmp_path, url)
    yield made
    made.ctx.database.dispose()
