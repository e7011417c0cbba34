"""Bulk paths into the database: COPY on PostgreSQL, executemany on SQLite, DDL scripts.

Both work on the driver's connection inside the SQLAlchemy connection's own transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ledger.sql import text

__all__ = ["batched", "bulk_insert", "driver", "roomy", "run_script", "stream"]

Row = Sequence[Any]
SQLITE_BATCH = 5_000


def driver(conn: Connection) -> Any:
    """Return the DB-API connection under `conn`, inside its transaction (opened if need be)."""
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.driver_connection


def batched(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Cut an iterable into lists of at most `size` rows (itertools.batched is newer than 3.11)."""
    source = iter(rows)
    while part := list(islice(source, size)):
        yield part


def bulk_insert(conn: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert `rows` (tuples in the order of `columns`) and return how many there were.

    Constant memory: rows are taken from the iterator as they go, so the iterator must not use
    `conn` itself (on PostgreSQL a COPY holds it until the last row). Table and column names come
    from code, never from input. The caller's transaction holds them; errors are the driver's own.
    """
    raw = driver(conn)
    names = ", ".join(columns)
    count = 0
    if conn.dialect.name == "postgresql":
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            write = copy.write_row
            for row in rows:
                write(row)
                count += 1
        return count
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    cursor = raw.cursor()
    try:
        for part in batched(rows, SQLITE_BATCH):
            cursor.executemany(statement, part)
            count += len(part)
    finally:
        cursor.close()
    return count


def stream(
    conn: Connection, query: str, params: Mapping[str, Any] | None = None, *, size: int = 5_000
) -> Iterator[Any]:
    """Yield the rows of a SELECT in constant memory, `size` rows a fetch.

    A result iterated row by row asks the driver for each row; whole fetches cost a third of it.
    Until the last row `conn` must not be used for anything that ends the transaction.
    """
    result = conn.execute(text(query).execution_options(yield_per=size), dict(params or {}))
    for part in result.partitions(size):
        yield from part


@contextmanager
def roomy(conn: Connection) -> Iterator[None]:
    """Let PostgreSQL sort and join in memory, for these statements only; SQLite needs nothing."""
    if conn.dialect.name != "postgresql":
        yield
        return
    change = text("SELECT set_config('work_mem', :size, true)")
    before = conn.execute(text("SHOW work_mem")).scalar_one()
    conn.execute(change, {"size": "256MB"})
    yield
    conn.execute(change, {"size": before})


def run_script(conn: Connection, statements: Iterable[str]) -> None:
    """Execute DDL, one statement per call, its text untouched.

    SQLAlchemy's `text()` reads ':name' as a bind and psycopg reads '%' as a placeholder when it is
    handed parameters; the driver's cursor without parameters does neither. Citus asks for one
    statement per execute.
    """
    cursor = driver(conn).cursor()
    try:
        for statement in statements:
            cursor.execute(statement)
    finally:
        cursor.close()
