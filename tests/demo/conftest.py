"""One run of the demo per database, looked at from outside: its files, its tables, its output."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.demo.place import place
from disbursement.demo.service import run_demo
from disbursement.platform.context import Context, open_context
from disbursement.platform.database import Database
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from tests.demo import plain

PEOPLE = 600
PAYERS = 2
MONTHS = (202610, 202611, 202612)
LEFT_BEHIND = "files/left.json"


@dataclass
class Ran:
    """A finished demo."""

    settings: Settings
    said: list[str]

    @property
    def home(self) -> Path:
        return self.settings.home

    @cached_property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "summary.json").read_text("utf-8"))
        return found

    @cached_property
    def ctx(self) -> Context:
        return open_context(self.settings)

    def month(self, month: int) -> dict[str, int]:
        found: dict[str, int] = next(m for m in self.summary["months"] if m["month"] == month)
        return found

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.ctx.cell.read() as conn:
            return [tuple(r) for r in conn.execute(text(query), values)]

    def one(self, query: str, **values: Any) -> int:
        return int(self.rows(query, **values)[0][0] or 0)

    def bank(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the simulated bank's own books."""
        with sqlite3.connect(f"file:{self.home}/drop/VBA/bank.db?mode=ro", uri=True) as conn:
            return conn.execute(query).fetchall()

    def rails(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the own books of each simulated wallet and operator, one after the other."""
        out: list[tuple[Any, ...]] = []
        for path in sorted((self.home / "drop").glob("*/rail.db")):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as conn:
                out += conn.execute(query).fetchall()
        return out

    def post(self) -> dict[str, int]:
        """Return what the simulated post office paid by its own books: order -> dong."""
        with sqlite3.connect(f"file:{self.home}/drop/VNPOST/post.db?mode=ro", uri=True) as conn:
            return dict(conn.execute("SELECT order_id, amount FROM paid"))

    @cached_property
    def register(self) -> dict[str, list[plain.Row]]:
        return plain.register(sorted((self.home / "sample").glob("register*.xlsx")))

    def cases(self, identity: str) -> list[plain.Row]:
        """Return a person's rows, one that stands there twice only once."""
        return list(dict.fromkeys(self.register[identity]))

    @cached_property
    def person(self) -> dict[str, int]:
        """Identity number -> number of the person, for all who were taken into the register."""
        known = {
            bytes(b): int(i)
            for i, b in self.rows("SELECT id, identity_blind FROM person")
            if b is not None
        }
        blind = {i: self.ctx.keys.blind("identity", i) for i in self.register}
        return {i: known[b] for i, b in blind.items() if b in known}


def _run(settings: Settings, people: int) -> list[str]:
    said: list[str] = []
    db = "postgres" if settings.database_url else "sqlite"
    run_demo(settings, db, said.append, people=people, payers=PAYERS)  # type: ignore[arg-type]  # both literals
    return said


@pytest.fixture(scope="package")
def sqlite_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    home = tmp_path_factory.mktemp("work") / "demo"
    settings = Settings(home=home, env="demo", DATABASE_URL=None)
    ran = Ran(settings, _run(settings, PEOPLE))
    yield ran
    ran.ctx.database.dispose()


@pytest.fixture(scope="package")
def pg_demo(
    tmp_path_factory: pytest.TempPathFactory, new_pg_database: Callable[[], str]
) -> Iterator[Ran]:
    """A run in the folder and the database of an earlier demo, which left something in both."""
    home = tmp_path_factory.mktemp("work") / "pg"
    settings = Settings(home=home, env="demo", DATABASE_URL=new_pg_database())
    with place(settings, "postgres") as url:
        database = Database(url=url)
        create_cell(database, "01", "Thành phố Hà Nội", "2026-09-01T00:00:00.000000Z")
        database.dispose()
    left = home / LEFT_BEHIND
    left.parent.mkdir()
    left.write_text("{}", encoding="utf-8")
    ran = Ran(settings, _run(settings, PEOPLE))
    yield ran
    ran.ctx.database.dispose()


@pytest.fixture(scope="package", params=["sqlite", "postgres"])
def demo(request: pytest.FixtureRequest) -> Ran:
    """Each of the two."""
    name = "sqlite_demo" if request.param == "sqlite" else "pg_demo"
    found: Ran = request.getfixturevalue(name)
    return found
