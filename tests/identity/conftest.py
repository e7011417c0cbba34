from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from disbursement.platform.context import Context
from tests.identity.shared_context import database_url, shared_only


@pytest.fixture(params=["sqlite", "postgres"])
def ctx(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Context]:
    with shared_only(tmp_path, database_url(request, request.param)) as made:
        yield made
