"""Cells: one SQLite file or one PostgreSQL schema per province, and `shared` beside them.

Table names are unqualified everywhere; the cell is chosen by the file or by `search_path`
(architecture.md, Cells). On SQLite `shared` is attached read-only and has writers of its own
(coins.md 22); on PostgreSQL the application drops to the role `disburse_app` on connect, whatever
it logged in as, so that the book's rights hold (coins.md 8).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from disbursement.platform.errors import NotFoundError, OurFaultError, RefusedError
from ledger.sql import text

cell_metadata = MetaData()
shared_metadata = MetaData()

CELL_CODE = re.compile(r"^[0-9]{2}$")
MIN_SQLITE = (3, 38, 0)
BUSY_MS = 30_000
SYNCHRONOUS = "FULL"
"""How SQLite commits: on the disk before it says so (F10)."""


class Database:
    """All cells of one installation. `begin` writes, `read` reads; both close what they open."""

    def __init__(self, *, home: Path | None = None, url: str | None = None) -> None:
        """Open by folder (SQLite) or by URL (PostgreSQL); exactly one is needed."""
        if (home is None) == (url is None):
            raise ValueError("give a folder for SQLite or a URL for PostgreSQL")
        self.home = home
        self.url = make_url(url).set(drivername="postgresql+psycopg") if url else None
        self._engines: dict[tuple[str, bool], Engine] = {}
        self._made: set[str] = set()

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return "postgresql" if self.url else "sqlite"

    def cell(self, code: str) -> Cell:
        """Return the cell of a province (two digits)."""
        if not CELL_CODE.match(code):
            raise RefusedError("cell_code", f"Mã tỉnh phải gồm hai chữ số, không phải '{code}'.")
        return Cell(self, code)

    def engine(self, name: str, *, owner: bool = False) -> Engine:
        """Return the engine of `cell_25` or `shared`; `owner` keeps the migrating role."""
        key = (name, owner)
        if key not in self._engines:
            self._engines[key] = (
                self._postgres(name, owner=owner) if self.url else self._sqlite(name)
            )
        return self._engines[key]

    def path(self, name: str) -> Path:
        """Return the SQLite file of `cell_25` or `shared`."""
        if self.home is None:
            raise OurFaultError("no_file", "PostgreSQL không dùng tệp dữ liệu.")
        return self.home / (
            "shared.db" if name == "shared" else f"cells/{name.removeprefix('cell_')}.db"
        )

    def has(self, name: str) -> bool:
        """Tell whether `cell_25` was made; looks once where it was. Opening alone makes nothing."""
        if name in self._made:
            return True
        if self.home is not None and not self.path(name).exists():
            return False
        found = (
            "SELECT 1 FROM main.sqlite_master WHERE name = 'payer'"
            if self.home is not None
            else "SELECT 1 WHERE to_regclass('payer') IS NOT NULL"
        )
        with self.engine(name).connect().execution_options(writes=False) as conn:
            made = conn.execute(text(found)).first() is not None
        if made:
            self._made.add(name)
        return made

    def _sqlite(self, name: str) -> Engine:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if sqlite3.sqlite_version_info < MIN_SQLITE:
            raise OurFaultError("sqlite_version", "Cần SQLite 3.38 trở lên.")
        engine = create_engine(
            f"sqlite:///file:{path}?uri=true",
            # Kept open: the last connection to close would checkpoint the whole log each time.
            poolclass=QueuePool,
            pool_size=4,
            pool_use_lifo=True,
            connect_args={"timeout": 30, "check_same_thread": False},
            hide_parameters=True,  # values may hold somebody's name; errors end in logs
        )
        shared = None if name == "shared" else self.path("shared")

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:  # pragma: no cover - by SQLAlchemy
            _sqlite_pragmas(connection, shared)

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            writing = connection.get_execution_options().get("writes", True)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

        return engine

    def _postgres(self, name: str, *, owner: bool) -> Engine:
        if self.url is None:  # pragma: no cover - guarded by the caller
            raise OurFaultError("no_url", "Thiếu DATABASE_URL.")
        path = "shared" if name == "shared" else f"{name},shared"
        engine = create_engine(self.url, pool_size=4, pool_pre_ping=False, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            before = connection.autocommit
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"SET search_path = {path}")
                cursor.execute("SET timezone = 'UTC'")
                cursor.execute("SET jit = off")
                if not owner:
                    cursor.execute("SET ROLE disburse_app")
            connection.autocommit = before

        return engine

    @contextmanager
    def begin(self, name: str) -> Iterator[Connection]:
        """One unit of work that commits at the end, or vanishes."""
        with self.engine(name).begin() as conn:
            yield conn

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _sqlite_pragmas(connection: Any, shared: Path | None) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        f"synchronous={SYNCHRONOUS}",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        f"busy_timeout={BUSY_MS}",
        "cache_size=-131072",
        "temp_store=FILE",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if connection.execute("PRAGMA foreign_keys").fetchone()[0] != 1:
        raise OurFaultError("foreign_keys", "SQLite không bật được khóa ngoại: sổ cái sẽ hở.")
    if shared is not None and shared.exists():
        connection.execute("ATTACH DATABASE ? AS shared", (f"file:{shared}?mode=ro",))


def alone(conn: Connection, what: str) -> None:
    """Wait, to the end of this unit of work, for other processes that do the same in this cell.

    Two of them would read the same state and both write what follows from it; the second must see
    what the first one did. SQLite has one writer anyhow.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || :w, 0))"),
            {"w": f":{what}"},
        )


class Cell:
    """The books of one province."""

    def __init__(self, database: Database, code: str) -> None:
        self.database = database
        self.code = code
        self.name = f"cell_{code}"

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self.database.dialect

    def require(self) -> None:
        """Raise NotFoundError where the cell has not been made yet."""
        if not self.database.has(self.name):
            raise NotFoundError(
                "no_cell",
                f"Chưa có sổ của tỉnh {self.code}; hãy chạy `disburse init` hoặc "
                f"`disburse cell create {self.code}`.",
            )

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a unit of work that writes the cell; commits at the end, or vanishes."""
        self.require()
        with self.database.begin(self.name) as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent read of the cell: all its statements see the books of one moment."""
        self.require()
        options: dict[str, Any] = {"writes": False}
        if self.database.url is not None:
            # READ COMMITTED would show a check what was committed between its own statements.
            options["isolation_level"] = "REPEATABLE READ"
        with self.database.engine(self.name).connect().execution_options(**options) as conn:
            yield conn
