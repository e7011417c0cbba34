from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from disbursement.platform.context import Context
from tests.beneficiaries.world import new_context


@pytest.fixture(params=["sqlite", "postgres"])
def ctx(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Context]:
    """A cell with three payers that go live in October 2026, on each database."""
    url = request.getfixturevalue("pg_cell_url") if request.param == "postgres" else None
    made = new_context(tmp_path / "home", url)
    yield made
    made.database.dispose()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Context]:
    """The same on SQLite only, for what does not depend on the database."""
    made = new_context(tmp_path / "home", None)
    yield made
    made.database.dispose()
