"""Roots of drafts, and the seal itself.

On PostgreSQL the seal's trigger computes chunk digests, root and hash; on SQLite they are computed
here and the trigger checks everything but the digests, which `ledger.verify` recomputes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam

from ledger.bulk import bulk_insert, driver
from ledger.canon import (
    CHUNK_ROWS,
    DEFINITION_PARTS,
    HEADER_COLUMNS,
    LINE_COLUMNS,
    SIGNATURE_COLUMNS,
    Chunker,
    definitions_digest,
    journal_hash,
    part_root,
)
from ledger.errors import LedgerError
from ledger.sql import text

__all__ = [
    "Root",
    "definition_rows",
    "draft_root",
    "draft_roots",
    "line_chunks",
    "line_rows",
    "seal_journals",
    "sqlite_chunks",
]

_FETCH = 10 * CHUNK_ROWS
# SQLite's text of a line: printf for the two common shapes (a coin minted, a coin under a carrier),
# the general expression for the others.
_GENERAL = "'(' || " + " || ',' || ".join(f"coalesce({c}, '')" for c in LINE_COLUMNS) + " || ')'"
_COIN = "journal_id, line_no, cover, debit_account, credit_account, sub_id, item, move"
_KEYED = "sub_id + item + move IS NOT NULL"
_TEXT = (
    f"CASE WHEN {_KEYED} AND carrier + of_n IS NOT NULL AND coalesce(rev, due_after) IS NULL "
    f"THEN printf('({'%d,' * 10},,%d)', {_COIN}, carrier, of_n, amount) "
    f"WHEN {_KEYED} AND coalesce(carrier, of_n) IS NULL AND rev + due_after IS NOT NULL "
    f"THEN printf('({'%d,' * 8},,%d,%d,%d)', {_COIN}, rev, due_after, amount) "
    f"ELSE {_GENERAL} END"
)


@dataclass(frozen=True)
class Root:
    """The root a journal will have, and its control totals (dong, months yyyymm)."""

    root: bytes
    line_count: int
    total: int
    cover_from: int | None
    cover_to: int | None


def line_rows(
    conn: Connection, table: str, journal_id: int, covers: tuple[int, int] | None = None
) -> Iterator[list[str]]:
    """Yield a journal's canonical lines in order of line_no, in lists; constant memory."""
    raw = driver(conn)
    if conn.dialect.name == "sqlite":
        cursor = raw.execute(
            f"SELECT {_TEXT} FROM {table} WHERE journal_id = ? ORDER BY line_no", (journal_id,)
        )
        while rows := cursor.fetchmany(_FETCH):
            yield [r[0] for r in rows]
        return
    within = f"AND cover BETWEEN {covers[0]:d} AND {covers[1]:d}" if covers else ""
    held = b""
    with (
        raw.cursor() as cursor,
        cursor.copy(
            f"COPY (SELECT t::text FROM {table} t WHERE journal_id = {journal_id:d} {within} "
            "ORDER BY line_no) TO STDOUT"
        ) as copy,
    ):
        for block in copy:
            held += bytes(block)
            if len(held) > 1 << 18:
                *rows_, rest = held.decode().split("\n")
                held = rest.encode()
                yield rows_
    if held:
        yield held.decode().split("\n")[:-1]


def draft_root(conn: Connection, journal_id: int, *, as_id: int | None = None) -> Root:
    """Return the root the draft's journal will have when sealed; its lines must be 1..n.

    The same canonical lines are digested as at the seal, so the root can be signed before.
    `as_id` computes it as if posted under another id.
    """
    if as_id is None or as_id == journal_id:
        return draft_roots(conn, [journal_id])[journal_id]
    row = conn.execute(
        text(
            "SELECT count(*), sum(amount), min(cover), max(cover) FROM draft_line "
            "WHERE journal_id = :j"
        ),
        {"j": journal_id},
    ).one()
    chunker = Chunker()
    mine, other = f"({journal_id},", f"({as_id},"
    for rows in line_rows(conn, "draft_line", journal_id):
        chunker.add_all([other + r[len(mine) :] for r in rows])
    return Root(chunker.root("line"), int(row[0]), int(row[1] or 0), row[2], row[3])


def draft_roots(conn: Connection, journal_ids: Sequence[int]) -> dict[int, Root]:
    """Return the roots of many drafts, set-wise on PostgreSQL; an id without lines has none.

    Raises LedgerError `control` where a draft's lines are not numbered 1..n.
    """
    out: dict[int, Root] = {}
    query = text(
        "SELECT journal_id, count(*), sum(amount), min(cover), max(cover), min(line_no), "
        "max(line_no) FROM draft_line WHERE journal_id IN :ids GROUP BY journal_id"
    ).bindparams(bindparam("ids", expanding=True))
    ids = list(journal_ids)
    for at in range(0, len(ids), 500):
        found = conn.execute(query, {"ids": ids[at : at + 500]}).all()
        for j, count, *_, first, last in found:
            if first != 1 or last != count:
                raise LedgerError(
                    f"the draft lines of journal {j} are not numbered 1 to {count}", code="control"
                )
        chunks = _draft_chunks(conn, {int(r[0]): int(r[1]) for r in found})
        for j, count, total, low, high, *_ in found:
            root = part_root("line", int(count), chunks[int(j)])
            out[int(j)] = Root(root, int(count), int(total), low, high)
    for j in ids:
        out.setdefault(j, Root(part_root("line", 0, ()), 0, 0, None, None))
    return out


def _draft_chunks(conn: Connection, counts: Mapping[int, int]) -> dict[int, list[bytes]]:
    if conn.dialect.name == "sqlite":
        return {j: sqlite_chunks(conn, "draft_line", j)[1] for j in counts}
    return _postgres_chunks(conn, "draft_line", counts, None)


def line_chunks(
    conn: Connection, counts: Mapping[int, int], covers: tuple[int, int]
) -> dict[int, list[bytes]]:
    """Return the chunk digests of sealed journals on PostgreSQL, `counts` lines each."""
    return _postgres_chunks(conn, "line", counts, covers)


def _postgres_chunks(
    conn: Connection, table: str, counts: Mapping[int, int], covers: tuple[int, int] | None
) -> dict[int, list[bytes]]:
    out: dict[int, list[bytes]] = {int(j): [] for j in counts}
    within = f"AND n.cover BETWEEN {covers[0]:d} AND {covers[1]:d} " if covers else ""
    rows = conn.execute(
        text(
            "SELECT b.j, c, d FROM unnest(CAST(:ids AS bigint[]), CAST(:lasts AS bigint[])) "
            f"AS b(j, last), LATERAL generate_series(0, (b.last - 1) / {CHUNK_ROWS}) c, LATERAL ("
            "SELECT sha256(convert_to(string_agg(t, E'\\n') || E'\\n', 'UTF8')) AS d FROM ("
            f"SELECT n\\:\\:text AS t FROM {table} n WHERE n.journal_id = b.j {within}"
            f"AND n.line_no BETWEEN c * {CHUNK_ROWS} + 1 AND (c + 1) * {CHUNK_ROWS} "
            "ORDER BY n.line_no OFFSET 0) y) x ORDER BY b.j, c"
        ).execution_options(yield_per=2_000),
        {"ids": list(counts), "lasts": list(counts.values())},
    )
    for j, _, digest in rows:
        out[int(j)].append(bytes(digest or b""))
    return out


def sqlite_chunks(conn: Connection, table: str, journal_id: int) -> tuple[int, list[bytes]]:
    """Return how many lines a journal has on SQLite and its chunk digests; lines are 1..n."""
    raw = driver(conn)
    count, last = raw.execute(
        f"SELECT count(*), coalesce(max(line_no), 0) FROM {table} WHERE journal_id = ?",
        (journal_id,),
    ).fetchone()
    if count != last:
        raise LedgerError(
            f"the lines of journal {journal_id} are not numbered 1 to {count}", code="control"
        )
    query = (
        f"SELECT group_concat(t, char(10)) FROM (SELECT {_TEXT} AS t FROM {table} "
        "WHERE journal_id = ? AND line_no BETWEEN ? AND ? ORDER BY line_no)"
    )
    chunks = []
    for first in range(1, count + 1, CHUNK_ROWS):
        body = raw.execute(query, (journal_id, first, first + CHUNK_ROWS - 1)).fetchone()[0]
        chunks.append(hashlib.sha256(f"{body}\n".encode()).digest())
    return count, chunks


def seal_journals(
    conn: Connection, ids: Sequence[int]
) -> list[tuple[int, int, bytes, bytes, int, int]]:
    """Seal open journals in order; return (id, seq, root, hash, line_count, total) of each."""
    if conn.dialect.name == "sqlite":
        return [_seal_sqlite(conn, j) for j in ids]
    insert = text("INSERT INTO seal (journal_id) VALUES (:j) RETURNING seq, root, hash")
    count = text("SELECT line_count, total FROM journal WHERE id = :j")
    out = []
    for j in ids:
        seq, root, hash_ = conn.execute(insert, {"j": j}).one()
        lines, total = conn.execute(count, {"j": j}).one()
        out.append((j, int(seq), bytes(root), bytes(hash_), int(lines), int(total)))
    return out


def definition_rows(conn: Connection, part: str, journal_id: int) -> Iterator[list[str]]:
    """Yield the canonical rows of one part that a journal defines, in order, in lists."""
    about = DEFINITION_PARTS[part]
    dialect = conn.dialect.name
    query = text(
        f"SELECT {about.row_sql(dialect)} FROM {about.table} WHERE journal_id = :j "
        f"ORDER BY {about.order_sql(dialect)}"
    )
    result = conn.execute(query.execution_options(yield_per=_FETCH), {"j": journal_id})
    for rows in result.partitions(_FETCH):
        yield [r[0] for r in rows]


def _definitions(
    conn: Connection, journal_id: int
) -> tuple[bytes | None, list[tuple[int, str, int, bytes]]]:
    roots: dict[str, tuple[int, bytes]] = {}
    chunks: list[tuple[int, str, int, bytes]] = []
    for part in DEFINITION_PARTS:
        chunker = Chunker()
        for rows in definition_rows(conn, part, journal_id):
            chunker.add_all(rows)
        root = chunker.root(part)
        if chunker.count:
            roots[part] = (chunker.count, root)
            chunks += [(journal_id, part, n, d) for n, d in enumerate(chunker.chunks)]
    return definitions_digest(roots), chunks


def _seal_sqlite(conn: Connection, journal_id: int) -> tuple[int, int, bytes, bytes, int, int]:
    header = conn.execute(
        text(f"SELECT {', '.join(HEADER_COLUMNS)} FROM journal WHERE id = :j"), {"j": journal_id}
    ).one()
    signatures: list[tuple[Any, ...]] = [
        tuple(r)
        for r in conn.execute(
            text(
                f"SELECT {', '.join(SIGNATURE_COLUMNS)} FROM signature WHERE journal_id = :j "
                "ORDER BY role"
            ),
            {"j": journal_id},
        )
    ]
    count, chunks = sqlite_chunks(conn, "line", journal_id) if header.line_count else (0, [])
    root = part_root("line", count, chunks)
    defined, rows = _definitions(conn, journal_id) if header.definitions else (None, [])
    rows += [(journal_id, "line", n, d) for n, d in enumerate(chunks)]
    bulk_insert(conn, "chunk", ("journal_id", "part", "n", "digest"), rows)
    seq, prev = conn.execute(text("SELECT seq, hash FROM chain_head")).one()
    hash_ = journal_hash(
        seq=seq + 1,
        prev_hash=prev,
        root=root,
        definitions=defined,
        header=tuple(header),
        signatures=signatures,
    )
    conn.execute(
        text(
            "INSERT INTO seal (journal_id, seq, prev_hash, root, hash) "
            "VALUES (:j, :seq, :prev, :root, :hash)"
        ),
        {"j": journal_id, "seq": seq + 1, "prev": prev, "root": root, "hash": hash_},
    )
    return (journal_id, seq + 1, root, hash_, header.line_count, header.total)
