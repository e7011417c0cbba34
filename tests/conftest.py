"""What every test may ask for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from disbursement.platform import private_pg
from disbursement.platform.errors import RefusedError
from tests import pg
from tests.ci_skips import CiSkips, in_ci


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker():
        pg.name_folder()
    if in_ci():
        config.pluginmanager.register(CiSkips(), "ci-skips")


def pytest_unconfigure() -> None:
    if not _is_worker():
        pg.stop()


@pytest.fixture(scope="session")
def pg_admin_url() -> str:
    """URL (postgresql+psycopg) of a superuser on this run's own cluster; shared by all workers."""
    if os.environ.get(pg.GIVEN_URL):
        return pg.admin_url()
    try:
        private_pg.find_binaries()
        private_pg.server_uid()
    except RefusedError as missing:
        pytest.skip(missing.en)
    return pg.admin_url()


@pytest.fixture(scope="session")
def new_pg_database(pg_admin_url: str) -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, empty database; all of them go at the end of the session."""
    made: list[str] = []
    admin = make_url(pg_admin_url)
    plain = admin.set(drivername="postgresql").render_as_string(hide_password=False)

    def make() -> str:
        name = f"t_{uuid.uuid4().hex[:16]}"
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        return admin.set(database=name).render_as_string(hide_password=False)

    yield make
    with psycopg.connect(plain, autocommit=True) as conn:
        for name in made:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def pg_url(new_pg_database: Callable[[], str]) -> str:
    """URL of a database of this test's own."""
    return new_pg_database()
