"""Posting: a journal is opened, filled and sealed in one transaction, or not at all.

Lines come as a SELECT (`Query`), as tuples, or from the staging table `draft_line` (`DRAFT`); never
as objects per row. Nothing here commits: the caller's transaction does. Lock order: everything
else first, seals last, because sealing takes the cell's chain lock (coins.md 19).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam

from ledger import sealing
from ledger.bulk import bulk_insert, roomy, stream
from ledger.canon import HEADER_COLUMNS, LINE_COLUMNS, Chunker, row_text
from ledger.chart import JOURNAL_KINDS
from ledger.ddl_rules import CARRIER_BASE
from ledger.errors import IdemConflict, LedgerError, refusals
from ledger.sealing import Root, draft_root, draft_roots
from ledger.sql import text

__all__ = [
    "CARRIER_BASE",
    "DRAFT",
    "Control",
    "Header",
    "Item",
    "LineRow",
    "Query",
    "Root",
    "Sealed",
    "allot",
    "clear_drafts",
    "draft_root",
    "draft_roots",
    "known_journals",
    "mirror",
    "open_journals",
    "post",
    "post_draft",
    "post_many",
    "stage_draft",
]

# (cover, debit_account, credit_account, sub_id, item, move, carrier, of_n, rev, due_after, amount)
LineRow = tuple[
    int, int, int, int | None, int | None, int | None, int | None, int | None, int | None,
    int | None, int,
]  # fmt: skip
ROW_COLUMNS: Final = LINE_COLUMNS[2:]
_NULLABLE = frozenset({"sub_id", "item", "move", "carrier", "of_n", "rev", "due_after"})
KEY_ORDER: Final = (
    "cover, sub_id NULLS FIRST, item NULLS FIRST, move NULLS FIRST, debit_account, "
    "credit_account, carrier NULLS FIRST, amount"
)
_BLOCK: Final = 500
_LARGE: Final = 50_000


@dataclass(frozen=True)
class Header:
    """What a journal says of itself.

    `id` from `allot`; `book` 1 financial, 2 budgetary; `payer_id` None or 0 for the whole cell;
    `month` the run month yyyymm (13 allowed); `recorded_at` an instant in UTC as ISO text;
    `evidence` the SHA-256 of the stored original; `definitions` how many definition rows come.
    """

    id: int
    book: int
    payer_id: int | None
    kind: str
    idem_key: str
    month: int
    effective_date: date | str
    recorded_at: str
    evidence: bytes | None = None
    reverses_id: int | None = None
    statement_digest: bytes | None = None
    definitions: int = 0


@dataclass(frozen=True)
class Query:
    """Lines as a SELECT of ROW_COLUMNS, in that order, with :named binds.

    Lines are numbered in the order of `order_by` (column names of ROW_COLUMNS); None keeps the
    order the SELECT itself gives.
    """

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    order_by: str | None = KEY_ORDER


class _Draft:
    """The marker's type."""


DRAFT: Final = _Draft()
Lines = Query | Iterable[LineRow] | _Draft


class Control(NamedTuple):
    """Control totals of a journal's lines: how many, dong, first and last covered month."""

    line_count: int
    total: int
    cover_from: int | None
    cover_to: int | None


@dataclass(frozen=True)
class Sealed:
    """A sealed journal; `repeated` where it was there before."""

    journal_id: int
    seq: int
    root: bytes
    hash: bytes
    line_count: int
    total: int
    repeated: bool = False


class Item(NamedTuple):
    """One journal of `post_many`."""

    header: Header
    lines: Lines
    control: Control | None = None


def allot(conn: Connection, n: int = 1) -> int:
    """Return the first of `n` journal ids in a row.

    An id is allotted when a document is submitted, so that its carriers (id x CARRIER_BASE + n)
    and its root are known before anybody signs. Gaps stay; on PostgreSQL an id is never given
    twice, even where the transaction is rolled back (on SQLite a rolled back id is given again:
    do not hand it out before the commit).
    """
    if n < 1:
        raise LedgerError("at least one journal id has to be asked for", code="bad_value")
    with refusals():
        if conn.dialect.name == "postgresql":
            return int(conn.execute(text("SELECT allot_journal(:n)"), {"n": n}).scalar_one())
        after = conn.execute(
            text("UPDATE journal_counter SET next = next + :n RETURNING next"), {"n": n}
        ).scalar_one()
        return int(after) - n


def post(
    conn: Connection, header: Header, lines: Lines, *, control: Control | None = None
) -> Sealed:
    """Post and seal one journal; see `post_many`."""
    return post_many(conn, [Item(header, lines, control)])[0]


def post_draft(conn: Connection, header: Header, *, control: Control | None = None) -> Sealed:
    """Move the draft lines under `header.id` into a journal and seal it."""
    return post(conn, header, DRAFT, control=control)


def post_many(conn: Connection, items: Sequence[Item | tuple[Any, ...]]) -> list[Sealed]:
    """Post many journals in the caller's transaction; all of them, or none if it rolls back.

    Journals and lines are written first, the seals come last and in the order given (give
    budgetary ones before financial ones), so the cell's chain is locked as late as it can be.
    `control` saves a Query its counting run; a wrong one is refused at the seal.

    A repeat under a used idem_key returns the first journal with `repeated`; the same key for
    anything else raises IdemConflict. Every refusal raises LedgerError; the transaction must then
    be rolled back.
    """
    wanted = [Item(*item) for item in items]
    if len({w.header.id for w in wanted}) != len(wanted):
        raise LedgerError("two journals of one posting have the same id", code="bad_value")
    if len({w.header.idem_key for w in wanted}) != len(wanted):
        raise IdemConflict("two journals of one posting have the same idempotency key")
    with refusals():
        known = known_journals(conn, [w.header.idem_key for w in wanted])
        unknown = [w for w in wanted if w.header.idem_key not in known]
        fresh = open_journals(conn, unknown)
        if len(fresh) < len(unknown):  # somebody posted the same this instant
            known |= known_journals(
                conn,
                [w.header.idem_key for w in unknown],
                not_ids={w.header.id for w in fresh},
            )
        _fill(conn, fresh)
        sealed = sealing.seal_journals(conn, [w.header.id for w in fresh])
    by_key = {w.header.idem_key: Sealed(*s) for w, s in zip(fresh, sealed, strict=True)}
    return [
        by_key[w.header.idem_key]
        if w.header.idem_key in by_key
        else _repeat(conn, w, known[w.header.idem_key])
        for w in wanted
    ]


def mirror(conn: Connection, header: Header, journal_id: int) -> Sealed:
    """Post the exact reversal of a sealed journal without coins.

    `header` must be a `correction` (it is signed); its reverses_id is set here.
    """
    query = Query(
        "SELECT cover, credit_account, debit_account, sub_id, item, move, carrier, of_n, rev, "
        "due_after, amount FROM line WHERE journal_id = :mirrored ORDER BY line_no",
        {"mirrored": journal_id},
        order_by=None,
    )
    return post(conn, replace(header, reverses_id=journal_id), query)


# ---------------------------------------------------------------------------------------------


def known_journals(
    conn: Connection, keys: Sequence[str], *, not_ids: set[int] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the sealed journals with these idempotency keys, by key."""
    out: dict[str, dict[str, Any]] = {}
    query = text(
        "SELECT j.id, j.book, j.payer_id, j.kind, j.month, j.line_count, j.total, j.cover_from, "
        "j.cover_to, j.definitions, j.idem_key, s.seq, s.root, s.hash FROM journal j "
        "JOIN seal s ON s.journal_id = j.id WHERE j.idem_key IN :keys"
    ).bindparams(bindparam("keys", expanding=True))
    for at in range(0, len(keys), _BLOCK):
        for row in conn.execute(query, {"keys": keys[at : at + _BLOCK]}).mappings():
            if not_ids is None or row["id"] not in not_ids:
                out[row["idem_key"]] = dict(row)
    return out


def _measure(conn: Connection, items: Sequence[Item]) -> list[Item]:
    """Give every item its control totals; a plain iterator is staged as a draft first."""
    out = []
    for item in items:
        lines = item.lines
        if not isinstance(lines, (Query, _Draft, list, tuple)) and item.control is None:
            stage_draft(conn, item.header.id, lines)
            lines = DRAFT
        out.append(Item(item.header, lines, item.control))
    missing = [w.header.id for w in out if isinstance(w.lines, _Draft) and w.control is None]
    drafts = _draft_controls(conn, missing)
    done = []
    for item in out:
        control = item.control
        if control is None and isinstance(item.lines, _Draft):
            control = drafts.get(item.header.id, Control(0, 0, None, None))
        elif control is None and isinstance(item.lines, Query):
            control = _query_control(conn, item.lines)
        elif control is None:
            control = _row_control(item.lines)  # type: ignore[arg-type]  # a list or tuple here
        kind = JOURNAL_KINDS.get(item.header.kind)
        if control.line_count == 0 and item.header.definitions == 0 and kind and kind.moves:
            raise LedgerError(
                f"a journal of kind {item.header.kind} without lines says nothing", code="control"
            )
        done.append(Item(item.header, item.lines, control))
    return done


def _draft_controls(conn: Connection, ids: Sequence[int]) -> dict[int, Control]:
    query = text(
        "SELECT journal_id, count(*), sum(amount), min(cover), max(cover) FROM draft_line "
        "WHERE journal_id IN :ids GROUP BY journal_id"
    ).bindparams(bindparam("ids", expanding=True))
    out: dict[int, Control] = {}
    for at in range(0, len(ids), _BLOCK):
        for row in conn.execute(query, {"ids": list(ids[at : at + _BLOCK])}):
            out[int(row[0])] = Control(int(row[1]), int(row[2]), row[3], row[4])
    return out


def _query_control(conn: Connection, query: Query) -> Control:
    columns = ", ".join(ROW_COLUMNS)
    row = conn.execute(
        text(
            f"WITH s({columns}) AS ({query.sql}) "
            "SELECT count(*), coalesce(sum(amount), 0), min(cover), max(cover) FROM s"
        ),
        dict(query.params),
    ).one()
    if int(row[1]) != row[1]:
        raise LedgerError("amounts must be whole dong", code="bad_value")
    return Control(int(row[0]), int(row[1]), row[2], row[3])


def _check_row(row: Sequence[Any]) -> None:
    if len(row) != len(ROW_COLUMNS) or any(v is not None and type(v) is not int for v in row):
        raise LedgerError(
            f"a line must be 11 whole numbers or None, not {row!r}"[:200], code="bad_value"
        )


def _row_control(rows: Sequence[LineRow]) -> Control:
    for row in rows:
        _check_row(row)
    covers = [r[0] for r in rows]
    return Control(
        len(rows),
        sum(r[10] for r in rows),
        min(covers, default=None),
        max(covers, default=None),
    )


_INSERT_HEADER = (
    f"INSERT INTO journal ({', '.join(HEADER_COLUMNS)}) "
    f"VALUES ({', '.join(':' + c for c in HEADER_COLUMNS)})"
)


def header_values(header: Header, control: Control) -> dict[str, Any]:
    """Return a journal row's columns by name."""
    day = header.effective_date
    return {
        "id": header.id,
        "book": header.book,
        "payer_id": header.payer_id or 0,
        "kind": header.kind,
        "idem_key": header.idem_key,
        "month": header.month,
        "cover_from": control.cover_from,
        "cover_to": control.cover_to,
        "effective_date": day if isinstance(day, str) else day.isoformat(),
        "recorded_at": header.recorded_at,
        "reverses_id": header.reverses_id,
        "evidence": header.evidence,
        "statement_digest": header.statement_digest,
        "line_count": control.line_count,
        "total": control.total,
        "definitions": header.definitions,
    }


def open_journals(conn: Connection, items: Sequence[Item]) -> list[Item]:
    """Insert the headers; return the items whose header is ours (not a concurrent repeat's)."""
    postgres = conn.dialect.name == "postgresql"
    insert = text(_INSERT_HEADER + (" ON CONFLICT (idem_key) DO NOTHING" if postgres else ""))
    out = []
    for item in _measure(conn, items):
        if item.control is None:  # pragma: no cover - _measure gives every item one
            raise LedgerError("control totals are missing", code="control")
        done = conn.execute(insert, header_values(item.header, item.control))
        if done.rowcount == 1:
            out.append(item)
    return out


def _fill(conn: Connection, items: Sequence[Item]) -> None:
    """Insert the lines of all items: SELECTs one by one, tuples together, drafts together."""
    drafts = [w.header.id for w in items if isinstance(w.lines, _Draft) and w.control]
    rows = [w for w in items if not isinstance(w.lines, (_Draft, Query))]
    lines = sum(w.control.line_count for w in items if w.control)
    with roomy(conn) if lines >= _LARGE else nullcontext():
        for item in items:
            if isinstance(item.lines, Query) and item.control and item.control.line_count:
                _insert_query(conn, item.header.id, item.lines)
        if rows:
            bulk_insert(conn, "line", LINE_COLUMNS, _numbered(rows))
        if drafts:
            _move_drafts(conn, drafts)


def _numbered(items: Iterable[Item]) -> Iterator[tuple[Any, ...]]:
    for item in items:
        for number, row in enumerate(item.lines, 1):  # type: ignore[arg-type]  # rows by _fill
            _check_row(row)
            yield (item.header.id, number, *row)


def _move_drafts(conn: Connection, ids: Sequence[int]) -> None:
    columns = ", ".join(LINE_COLUMNS)
    for at in range(0, len(ids), _BLOCK):
        part = {"ids": list(ids[at : at + _BLOCK])}
        conn.execute(
            text(
                f"INSERT INTO line ({columns}) SELECT {columns} FROM draft_line "
                "WHERE journal_id IN :ids ORDER BY journal_id, line_no"
            ).bindparams(bindparam("ids", expanding=True)),
            part,
        )
        clear_drafts(conn, part["ids"])


def clear_drafts(conn: Connection, ids: Sequence[int]) -> None:
    """Delete the draft lines under these ids (a void version, or a posted one)."""
    query = text("DELETE FROM draft_line WHERE journal_id IN :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    for at in range(0, len(ids), _BLOCK):
        conn.execute(query, {"ids": list(ids[at : at + _BLOCK])})


def stage_draft(conn: Connection, journal_id: int, rows: Iterable[LineRow]) -> int:
    """Write rows into `draft_line` under an allotted id, numbered 1..n; constant memory."""
    return bulk_insert(
        conn,
        "draft_line",
        LINE_COLUMNS,
        ((journal_id, number, *row) for number, row in enumerate(rows, 1)),
    )


# PostgreSQL type oids: smallint, integer, bigint; text and unknown (a bare NULL); numeric.
_INTEGERS = frozenset({20, 21, 23})
_TEXTS = frozenset({25, 705})
_NUMERIC = 1700


def _select(conn: Connection, query: Query) -> str:
    """Return the ordered SELECT of a Query over the CTE `s`, its columns of integer type.

    PostgreSQL would round a fraction on its way into an integer column: numeric columns must be
    whole (else NULL, which the column refuses), floating ones are refused here.
    """
    columns = list(ROW_COLUMNS)
    if conn.dialect.name == "postgresql":
        names = ", ".join(ROW_COLUMNS)
        result = conn.execute(
            text(f"WITH s({names}) AS ({query.sql}) SELECT * FROM s LIMIT 0"), dict(query.params)
        )
        description: Any = result.cursor.description if result.cursor else ()
        for place, (name, column) in enumerate(zip(ROW_COLUMNS, description or (), strict=True)):
            oid = column.type_code
            if oid in _TEXTS and name in _NULLABLE:
                columns[place] = f"CAST({name} AS bigint) AS {name}"
            elif oid == _NUMERIC:
                columns[place] = (
                    f"CASE WHEN {name} % 1 = 0 THEN CAST({name} AS bigint) END AS {name}"
                )
            elif oid not in _INTEGERS:
                raise LedgerError(
                    f"column {name} of the lines is no whole number", code="bad_value"
                )
        result.close()
    order = f" ORDER BY {query.order_by}" if query.order_by else ""
    return f"SELECT {', '.join(columns)} FROM s{order}"


def _with(query: Query) -> str:
    return f"WITH s({', '.join(ROW_COLUMNS)}) AS ({query.sql})"


def _insert_query(conn: Connection, journal_id: int, query: Query) -> None:
    statement = (
        f"{_with(query)} INSERT INTO line ({', '.join(LINE_COLUMNS)}) "
        f"SELECT {int(journal_id)}, row_number() OVER (), q.* FROM ({_select(conn, query)}) q"
    )
    conn.execute(text(statement), dict(query.params))


def query_root(conn: Connection, journal_id: int, query: Query) -> Root:
    """Return the root the lines of a Query will have once posted under `journal_id`.

    For what must be signed before it is posted. The database writes the canonical text, as it does
    at the seal; only the numbers of the lines are put in here.
    """
    words = " || ',' || ".join(f"coalesce(CAST(q.{c} AS text), '')" for c in ROW_COLUMNS)
    statement = f"{_with(query)} SELECT {words}, q.cover, q.amount FROM ({_select(conn, query)}) q"
    chunker, total = Chunker(), 0
    covers: set[int] = set()
    for number, (line, cover, amount) in enumerate(stream(conn, statement, query.params), 1):
        chunker.add(f"({journal_id},{number},{line})")
        covers.add(cover)
        total += amount
    low, high = min(covers, default=None), max(covers, default=None)
    return Root(chunker.root("line"), chunker.count, total, low, high)


def _repeat(conn: Connection, item: Item, first: Mapping[str, Any]) -> Sealed:
    """Return the first journal if the repeat says the same, else raise IdemConflict."""
    header = item.header
    same: dict[str, Any] = {
        "book": header.book,
        "payer_id": header.payer_id or 0,
        "kind": header.kind,
        "month": header.month,
        "definitions": header.definitions,
    }
    posted_draft = isinstance(item.lines, _Draft) and header.id == first["id"]
    if not posted_draft:
        control, root = _would_be(conn, item, int(first["id"]))
        same |= control._asdict() | {"root": root}
    elif item.control is not None:
        same |= item.control._asdict()
    for name, value in same.items():
        was = first[name]
        if (bytes(was) if isinstance(was, memoryview) else was) != value:
            raise IdemConflict(
                f"the key '{header.idem_key}' was used by journal {first['id']} with another "
                f"{name}; a repeat must be the same in everything"
            )
    return Sealed(
        int(first["id"]), int(first["seq"]), bytes(first["root"]), bytes(first["hash"]),
        int(first["line_count"]), int(first["total"]), repeated=True,
    )  # fmt: skip


def _would_be(conn: Connection, item: Item, first_id: int) -> tuple[Control, bytes]:
    """Return the control totals and the root these lines would have in the first journal."""
    if isinstance(item.lines, _Draft):
        found = draft_root(conn, item.header.id, as_id=first_id)
        return Control(found.line_count, found.total, found.cover_from, found.cover_to), found.root
    if isinstance(item.lines, Query):
        found = query_root(conn, first_id, item.lines)
        return Control(found.line_count, found.total, found.cover_from, found.cover_to), found.root
    chunker, total = Chunker(), 0
    low: int | None = None
    high: int | None = None
    for number, row in enumerate(item.lines, 1):
        chunker.add(row_text((first_id, number, *row)))
        total += row[10]
        low = row[0] if low is None else min(low, row[0])
        high = row[0] if high is None else max(high, row[0])
    return Control(chunker.count, total, low, high), chunker.root("line")
