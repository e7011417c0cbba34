from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import URL, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from disbursement.api.app import create_app
from disbursement.identity import service as identity
from disbursement.identity import tokens
from disbursement.platform.clock import SetClock
from disbursement.platform.context import open_context
from disbursement.platform.settings import Settings
from disbursement.runs import service
from disbursement.status.pages import Pace
from tests.runs import test_month, world

SECRET = world.SECRET
OTHER_PAYER = "08990"


@dataclass
class Site:
    """A prepared month of one commune behind the real application."""

    world: world.World
    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, name: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}", **more}

    def get(self, path: str, name: str = "an", **params: Any) -> Any:
        return self.client.get(f"/api/v1{path}", params=params, headers=self.headers(name))

    def tables(self) -> dict[str, int]:
        """Rows of every table that an approval may touch."""
        names = ("signature", "journal", "seal", "line", "outbox", "attempt_news", "idempotency")
        return {n: self.world.one(f"SELECT count(*) FROM {n}") for n in names}


def made(home: Path, url: str | None) -> Site:
    try:
        built = world.build(home, url)
    except IntegrityError:  # another worker made the cluster's roles at this instant
        built = world.build(home, url)
    world.add_people(built, test_month.FOUR)
    test_month.budget(built)
    service.prepare(built.ctx, 202610, built.signers["an"])
    _strangers(built)
    site = Site(built, TestClient(create_app(built.ctx), raise_server_exceptions=False))
    for who in identity.users(built.ctx):
        site.tokens[who.username] = tokens.issue(built.ctx, who)
    return site


def _strangers(built: world.World) -> None:
    """Another office with an officer of its own, and users whose roles read nothing."""
    for name, last, role in (
        ("xa", 11, f"preparer:{OTHER_PAYER}"),
        ("day", 12, "cash_desk"),
        ("quan", 13, "administrator"),
        ("kiem", 14, f"auditor:{world.PAYER}"),
    ):
        identity.create_user(built.ctx, name, f"Cán bộ {name}", f"0300800000{last}", [role], SECRET)
    with built.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO payer (id, code, name, province_code, go_live_month, "
                "checker_may_second, scan_required, created_at) "
                "VALUES (77, :c, 'Xã Khác', '25', 202610, 0, 0, '')"
            ),
            {"c": OTHER_PAYER},
        )


@dataclass
class Mould:
    """A site built once per worker and database; each test gets a copy of it."""

    site: Site
    home: Path
    url: str | None

    def cast(self, home: Path, url: str | None) -> Site:
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        settings = Settings.model_validate(
            {"home": home, "DATABASE_URL": url, "env": "test", "today": "2026-09-24", "cell": "25"}
        )
        ctx = open_context(settings)
        old = self.site.world
        assert isinstance(ctx.clock, SetClock)
        ctx.clock._now = old.clock._now
        built = world.World(ctx, old.payer_id, old.provider_id, dict(old.signers))
        client = TestClient(create_app(ctx, pace=Pace(0)), raise_server_exceptions=False)
        return Site(built, client, dict(self.site.tokens))


def mould(folder: Path, url: str | None) -> Mould:
    built = made(folder, url)
    built.world.ctx.database.dispose()  # a template must have no connection
    return Mould(built, folder, url)


@pytest.fixture(scope="session")
def sqlite_mould(tmp_path_factory: pytest.TempPathFactory) -> Mould:
    return mould(tmp_path_factory.mktemp("mould"), None)


@pytest.fixture(scope="session")
def postgres_mould(
    tmp_path_factory: pytest.TempPathFactory, new_pg_database: Callable[[], str]
) -> Mould:
    return mould(tmp_path_factory.mktemp("mould"), new_pg_database())


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    original: Mould = request.getfixturevalue(f"{request.param}_mould")
    url = None
    if original.url is not None:
        admin = make_url(request.getfixturevalue("pg_admin_url"))
        name = f"t_{uuid.uuid4().hex[:16]}"
        _admin(admin, f"CREATE DATABASE {name} TEMPLATE {make_url(original.url).database}")
        url = admin.set(database=name).render_as_string(hide_password=False)
    cast = original.cast(tmp_path, url)
    yield cast
    cast.world.ctx.database.dispose()
    if url is not None:
        _admin(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _admin(admin: URL, statement: str) -> None:
    plain = admin.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(statement)


@pytest.fixture(scope="module")
def still(sqlite_mould: Mould, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on SQLite that a module of refusals may share: nothing in it may ever change."""
    built = sqlite_mould.cast(tmp_path_factory.mktemp("site"), None)
    before = built.tables()
    yield built
    assert built.tables() == before
    built.world.ctx.database.dispose()
