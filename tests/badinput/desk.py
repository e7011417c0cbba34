"""A newcomer at the command line: types words, gets a sentence and an exit code; a digest of all.

`Desk.run` goes through `disburse.cli.app.app` as the installed command does, in this process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from disbursement.cli import common
from disbursement.cli.app import app
from disbursement.platform.database import Database

SECRET = "mat-khau-thu-nghiem-1"
LOOSE = frozenset({"id_block", "alembic_version"})
"""Tables outside every digest: gaps between row ids are allowed."""


@dataclass(frozen=True)
class Said:
    """What one command did, as the person at the terminal sees it."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """One installation, used from its command line."""

    home: Path
    url: str | None
    day: str = "2026-09-20"
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def __post_init__(self) -> None:
        self.database = Database(url=self.url) if self.url else Database(home=self.home)
        self._last: tuple[frozenset[str], dict[str, str]] | None = None

    def run(self, *words: object, day: str | None = None, env: str = "test") -> Said:
        """Type `disburse --home … --cell 25 --today … WORDS`."""
        self._last = None
        before = ["--home", str(self.home), "--cell", "25", "--today", day or self.day]
        told = CliRunner(
            env={
                "DISBURSE_ENV": env, "DATABASE_URL": self.url, "DISBURSE_PASSPHRASE": None,
                "COLUMNS": "200",
            }
        )  # fmt: skip
        common._overrides.clear()
        done = told.invoke(app, [*before, *map(str, words)], prog_name="disburse")
        common._overrides.clear()
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def well(self, *words: object, day: str | None = None) -> Said:
        """Type a command that must work."""
        said = self.run(*words, day=day)
        assert said.code == 0, said
        return said

    def refused(
        self, code: str, exit_code: int, *words: object, says: str = "", day: str | None = None,
        loose: Iterable[str] = (), env: str = "test",
    ) -> str:  # fmt: skip
        """Type what must be refused: one sentence, its exit code, and nothing changed."""
        left_out = frozenset(loose)
        known = self._last
        before = known[1] if known and known[0] == left_out else self.state(loose=left_out)
        said = self.run(*words, day=day, env=env)
        assert (said.code, said.out) == (exit_code, ""), said
        assert said.err.startswith(f"Lỗi [{code}]: "), said.err
        assert said.err.count("\n") == 1, said.err
        assert said.err.endswith("\n")
        assert says in said.err, said.err
        after = self.state(loose=left_out)
        changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        assert not changed, (said.err, changed)
        self._last = (left_out, after)
        return said.err

    def state(self, *, loose: Iterable[str] = ()) -> dict[str, str]:
        """Return one digest per table of the cell and of `shared`, and one per file under home.

        Not the files of SQLite itself, nor evidence: bytes are kept before anybody reads them.
        """
        left_out = LOOSE | set(loose)
        found = {}
        for name in ("shared", "cell_25"):
            if self.url is None and not self.database.path(name).exists():
                continue
            with self._read(name) as conn:
                for table in tables(conn, name):
                    if table not in left_out:
                        rows = conn.execute(text(f"SELECT * FROM {table}"))
                        body = "\n".join(sorted(repr(tuple(r)) for r in rows))
                        found[f"{name}.{table}"] = hashlib.sha256(body.encode()).hexdigest()
        for path in sorted(self.home.rglob("*")):
            inside = path.relative_to(self.home)
            if path.is_file() and ".db" not in path.name and "evidence" not in inside.parts:
                found[str(inside)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def _read(self, name: str) -> Connection:
        """Open a reading connection: it waits for nobody who writes."""
        return self.database.engine(name, owner=True).connect().execution_options(writes=False)

    def one(self, query: str, **values: object) -> object:
        """Return the first column of the first row of a question to the cell."""
        with self._read("cell_25") as conn:
            return conn.execute(text(query), values).scalar()

    def rows(self, query: str, **values: object) -> list[tuple[object, ...]]:
        with self._read("cell_25") as conn:
            return [tuple(r) for r in conn.execute(text(query), values)]


def tables(conn: Connection, name: str) -> list[str]:
    """Return the tables of a cell (or of `shared`), partitions only as their whole."""
    if conn.dialect.name == "sqlite":
        query = "SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name"
        return [r[0] for r in conn.execute(text(query)) if not r[0].startswith("sqlite_")]
    query = (
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :n AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "ORDER BY c.relname"
    )
    return [r[0] for r in conn.execute(text(query), {"n": name})]
