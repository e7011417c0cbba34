"""A book on each engine; a test asks for `world` (its own) or `shared_world` (its module's)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.world import World, postgres_world, sqlite_world

ENGINES = ("sqlite", "postgresql")


def _make(name: str, request: Any, folder: Path) -> World:
    if name == "sqlite":
        return sqlite_world(folder / "book.db")
    return postgres_world(request.getfixturevalue("ledger_database"))


def _close(world: World) -> None:
    world.app.dispose()
    if world.dialect == "postgresql":
        with world.owner.begin() as conn:
            schema = conn.exec_driver_sql("SELECT current_schema()").scalar_one()
            login = world.app.url.username
            conn.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
            conn.exec_driver_sql(f"DROP ROLE {login}")
    world.owner.dispose()


@pytest.fixture(scope="session")
def ledger_database(new_pg_database: Any) -> str:
    """One database; every world has a schema of its own in it."""
    return new_pg_database()


@pytest.fixture(params=ENGINES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = _make(request.param, request, tmp_path)
    yield made
    _close(made)


@pytest.fixture(params=ENGINES, scope="module")
def shared_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    made = _make(request.param, request, tmp_path_factory.mktemp("book"))
    yield made
    _close(made)
