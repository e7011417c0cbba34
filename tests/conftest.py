"""What every test may ask for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from disbursement.platform import database, private_pg
from disbursement.platform.database import Database
from disbursement.platform.errors import RefusedError
from disbursement.platform.migrate import create_cell
from tests import pg
from tests.ci_skips import CiSkips, in_ci


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    _do_not_wait_for_the_disk()
    if not _is_worker():
        pg.name_folder()
    if in_ci():
        config.pluginmanager.register(CiSkips(), "ci-skips")


def _do_not_wait_for_the_disk() -> None:
    """Let nothing in this process wait for the disk; a test's databases need no power cut.

    What the product asks of the disk is tested in processes of their own (test_database.py) and by
    what it does when it is told that the disk is full (badinput/test_machine.py).
    """
    database.SYNCHRONOUS = "OFF"
    os.fsync = lambda _handle: None  # type: ignore[assignment]


LONGEST = (
    "tests/docs/test_first_month.py",
    "tests/second_opinion/",
    "tests/ledger/test_tamper.py",
    "tests/demo/",
    "tests/badinput/",
    "tests/ledger/test_fuzz.py",
    "tests/architecture/test_ci_skips.py",
)
"""Files that take longest: begun first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, p in enumerate(LONGEST) if item.nodeid.startswith(p)), len(LONGEST))

    items.sort(key=place)


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
    """Call it for the URL of a new, empty database; all of them go at the end of the session.

    On a cluster of the run's own they go with its folder: each DROP would wait for a checkpoint.
    """
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
    if not os.environ.get(pg.GIVEN_URL):
        return
    with psycopg.connect(plain, autocommit=True) as conn:
        for name in made:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def pg_mould(new_pg_database: Callable[[], str]) -> str:
    """URL of a database with the empty cell of Phú Thọ, for copies; nobody may be connected."""
    url = new_pg_database()
    mould = Database(url=url)
    try:
        create_cell(mould, "25", "Phú Thọ", "2026-09-01T00:00:00.000000Z")
    except IntegrityError:  # roles belong to the cluster: another worker makes them this instant
        create_cell(mould, "25", "Phú Thọ", "2026-09-01T00:00:00.000000Z")
    mould.dispose()
    return url


@pytest.fixture
def pg_cell_url(pg_mould: str) -> Iterator[str]:
    """URL of a database of this test's own, in which `create_cell` finds its work done."""
    mould = make_url(pg_mould)
    name = f"t_{uuid.uuid4().hex[:16]}"
    plain = mould.set(drivername="postgresql", database="postgres")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(str(mould.database))
            )
        )
    yield mould.set(database=name).render_as_string(hide_password=False)
    if os.environ.get(pg.GIVEN_URL):
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def pg_url(new_pg_database: Callable[[], str]) -> str:
    """URL of a database of this test's own."""
    return new_pg_database()
