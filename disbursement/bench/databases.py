"""Where a bench works: SQLite files in a folder that goes away, or a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from disbursement.bench import memory
from disbursement.platform import private_pg
from disbursement.platform.errors import NotAllowedError

Kind = Literal["sqlite", "postgres"]


@dataclass
class Place:
    """A database: its URL (None: SQLite files), and the server's process where it is ours."""

    url: str | None = None
    server: int | None = None
    peak_rss_mb: int | None = None
    """Peak of the server's largest process so far; None where there is none to look at."""

    def look(self) -> None:
        """Note the server's peak now: its processes go away with their connections."""
        if self.server is not None:
            self.peak_rss_mb = max(self.peak_rss_mb or 0, memory.server_peak_mb(self.server))


@contextmanager
def place(kind: Kind, folder: Path, given: str | None) -> Iterator[Place]:
    """Open a place to work in. `given` is a server's URL; a private cluster is started without.

    On a given server a database is made and dropped; nothing else of it is touched. Raises
    NotAllowedError where its role may not create one.
    """
    if kind == "sqlite":
        yield Place()
    elif given:
        with _database_on(given) as url:
            yield Place(url)
    else:
        with private_pg.private_cluster(folder / "pg", durable=True) as url:
            yield Place(url, private_pg.start(folder / "pg", durable=True).pid)


@contextmanager
def _database_on(given: str) -> Iterator[str]:
    url = make_url(given)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"disburse_bench_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotAllowedError(
            "no_createdb",
            "Người dùng trong DATABASE_URL không được tạo cơ sở dữ liệu; hãy cấp quyền CREATEDB, "
            "hoặc bỏ DATABASE_URL để dùng máy chủ PostgreSQL riêng.",
        ) from error
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
