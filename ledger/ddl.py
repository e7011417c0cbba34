"""All DDL of a cell's ledger, version 1, for both engines, and the rows it starts with."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from ledger import ddl_postgres, ddl_sqlite, ddl_tables
from ledger.bulk import bulk_insert
from ledger.canon import Chunker, genesis
from ledger.chart import JOURNAL_KINDS, MOVES, kind_moves
from ledger.ddl_tables import PROTECTED

__all__ = ["PROTECTED", "rule_rows", "seed", "statements"]

_SCHEMA = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


def statements(dialect: str, schema: str | None) -> list[str]:
    """Return every statement in order, to be run one at a time (`bulk.run_script`).

    `dialect` is `sqlite` or `postgresql`. Names are unqualified: on PostgreSQL the connection's
    `search_path` must begin with `schema`, which the functions pin as their own; they are run by a
    role that may create roles and give tables away. Raises ValueError for another dialect, or a
    schema name that is no plain lower-case identifier.
    """
    if dialect == "sqlite":
        return ddl_sqlite.statements(ddl_tables.tables(dialect))
    if dialect != "postgresql":
        raise ValueError(f"the ledger runs on sqlite and postgresql, not on {dialect}")
    if schema is None or not _SCHEMA.match(schema):
        raise ValueError(f"the ledger needs a plain schema name on PostgreSQL, not {schema!r}")
    return ddl_postgres.statements(ddl_tables.tables(dialect), schema)


def rule_rows() -> dict[str, list[tuple[str | int | None, ...]]]:
    """Return the rows of the four rule tables, each in its canonical order."""
    kinds = sorted(JOURNAL_KINDS.items())
    return {
        "journal_kind": [(k, r.book, int(r.evidence)) for k, r in kinds],
        "kind_role": [(k, n, role) for k, r in kinds for n, role in enumerate(r.roles, 1)],
        "kind_move": list(kind_moves()),
        "move_rule": sorted((d, c, shape) for (d, c), shape in MOVES.items()),
    }


def seed(conn: Connection) -> None:
    """Insert the rules and the chain's head, whose first hash is a digest over the rules."""
    columns = {
        "journal_kind": ("kind", "book", "needs_evidence"),
        "kind_role": ("kind", "n", "role"),
        "kind_move": ("kind", "from_kind", "to_kind"),
        "move_rule": ("from_kind", "to_kind", "shape"),
    }
    roots: dict[str, tuple[int, bytes]] = {}
    for part, rows in rule_rows().items():
        chunker = Chunker()
        for row in rows:
            chunker.add(",".join("" if v is None else str(v) for v in row))
        roots[part] = (chunker.count, chunker.root(part))
        bulk_insert(conn, part, columns[part], rows)
    bulk_insert(conn, "chain_head", ("one", "seq", "hash"), [(1, 0, genesis(roots))])
