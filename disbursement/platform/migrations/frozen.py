"""Statements that a version has written out in an SQL file of its own."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from ledger.bulk import run_script

SEPARATOR = "\n--;;\n"
"""Stands between statements; a semicolon would also stand inside functions and triggers."""


def statements(version: Path, dialect: str, schema: str | None) -> list[str]:
    """Return the statements of `version` (its .py file) for a dialect, in their order.

    `{schema}` in the file becomes the schema's name (PostgreSQL). Raises FileNotFoundError where
    the version has no file for the dialect.
    """
    script = version.with_suffix(f".{dialect}.sql").read_text(encoding="utf-8")
    return script.replace("{schema}", schema or "").rstrip("\n").split(SEPARATOR)


def run(conn: Connection, version: str, schema: str | None) -> None:
    """Execute a version's file, one statement at a time; `version` is its `__file__`."""
    run_script(conn, statements(Path(version), conn.dialect.name, schema))
