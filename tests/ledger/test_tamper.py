"""Promise P5: whatever is changed behind disabled triggers is found, and the first bad record named.

A mutator driven by the schema changes every column of every protected table once, in the first and
in the last row, and inserts and deletes rows; each change is undone before the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from ledger import canon, chart, posting, signing
from ledger.ddl import PROTECTED
from ledger.posting import Control, Item
from ledger.verify import Report, verify
from tests.ledger.test_coins import mint, moves
from tests.ledger.world import World, root_of

# rows of these tables belong to a journal: the first bad record must be that journal
_OF_A_JOURNAL = {
    "account", "account_closed", "sub", "signer", "payer_policy", "period_move", "journal", "line",
    "seal", "chunk", "statement", "signature",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(shared_world: World) -> World:
    shared_world.furnish()
    # more lines than a chunk holds, so that the chunk has to be found too
    shared_world.post([mint(202600 + m, s, 1_000) for m in range(1, 7) for s in range(1, 401)])
    shared_world.post(
        [r for s in range(1, 401) for r in moves("PAY", "TRB", s, 1, s, [(202601, 0, 1_000)])],
        [(s, 1) for s in range(1, 401)],
    )
    return shared_world


@contextmanager
def unguarded(world: World) -> Iterator[Connection]:
    """A transaction of the owner's without triggers and foreign keys; it is rolled back."""
    with world.owner.connect() as conn:
        if world.dialect == "postgresql":
            conn.exec_driver_sql("SET session_replication_role = replica")
            drop = conn.exec_driver_sql(
                "SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c "
                "WHERE c.contype IN ('c', 'f') AND c.conparentid = 0 AND c.coninhcount = 0 "
                "AND c.connamespace = current_schema()::regnamespace"
            ).all()
            for table, name in drop:
                conn.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        else:
            conn.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for (name,) in conn.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).all():
                conn.exec_driver_sql(f"DROP TRIGGER {name}")
        yield conn
        conn.rollback()
        if world.dialect == "sqlite":
            conn.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
            conn.rollback()


def changed(value: Any, column: str) -> list[Any]:
    """Other values of the same type, and NULL's counterpart."""
    if value is None:
        return [b"\x01" * 32] if column in {"evidence", "statement_digest"} else [0, 1]
    if isinstance(value, (bytes, memoryview)):
        raw = bytes(value)
        return [bytes([raw[0] ^ 1]) + raw[1:], b""] if raw else [b"x"]
    if isinstance(value, str):
        return [value + "x", value[:-1] + ("0" if value[-1:] != "0" else "1")]
    return [value + 1, value + 700_000] if column != "of_n" else [value + 1]


def mutations(conn: Connection, table: str) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """(row, column, other value) for the first and the last row by primary key."""
    about = inspect(conn)
    keys = about.get_pk_constraint(table)["constrained_columns"]
    names = [c["name"] for c in about.get_columns(table)]
    for way in ("", " DESC"):
        order = ", ".join(k + way for k in keys)
        row = conn.execute(text(f"SELECT * FROM {table} ORDER BY {order} LIMIT 1")).mappings().one()
        for column in names:
            for value in changed(row[column], column):
                yield {k: row[k] for k in keys} | {"_row": dict(row)}, column, value


def _where(about: dict[str, Any]) -> str:
    return " AND ".join(f"{k} = :k_{k}" for k in about if k != "_row")


# what an index, a partition or a type refuses even without triggers and checks
_UNSTORABLE = ("unique", "UNIQUE", "partition", "out of range", "NOT NULL")


def update(conn: Connection, table: str, about: dict[str, Any], column: str, value: Any) -> bool:
    """Change one value; False where even an unguarded table cannot hold the new one."""
    params = {f"k_{k}": v for k, v in about.items() if k != "_row"} | {"value": value}
    sql = text(f"UPDATE {table} SET {column} = :value WHERE {_where(about)}")
    try:
        done = conn.execute(sql, params)
    except DBAPIError as error:
        if any(word in str(error) for word in _UNSTORABLE):
            return False
        raise
    if done.rowcount != 1:
        raise LookupError(f"{done.rowcount} rows of {table} instead of one")
    return True


def _journals(table: str, row: dict[str, Any], column: str, value: Any) -> set[int]:
    key = "id" if table == "journal" else "journal_id"
    named = {row[key]}
    if column == key:
        named.add(value)
    return named


def check(report: Report, table: str, row: dict[str, Any], column: str, value: Any) -> None:
    what = f"{table}.{column} = {value!r} in {row}"
    assert not report.ok, f"not found: {what}"
    if table not in _OF_A_JOURNAL or column in {"debit", "credit"}:
        return
    first = report.first
    assert first is not None
    named = {p.journal_id for p in report.problems}
    assert named & _journals(table, row, column, value), f"not named: {what}: {report.problems}"
    if table == "line" and column not in {"journal_id", "line_no", "cover"}:
        assert first.journal_id == row["journal_id"], f"not first: {what}: {report.problems}"
        assert first.where == "line"
        assert first.chunk == (row["line_no"] - 1) // 1_000
    if table == "journal" and column not in {"id", "definitions", "line_count"}:
        assert first.journal_id == row["id"], f"not first: {what}: {report.problems}"


@pytest.mark.parametrize("table", PROTECTED)
def test_every_column_of_every_protected_table(book: World, table: str) -> None:
    tried = 0
    with unguarded(book) as conn:
        for about, column, value in list(mutations(conn, table)):
            point = conn.begin_nested()
            if not update(conn, table, about, column, value):
                point.rollback()
                continue
            check(verify(conn), table, about["_row"], column, value)
            point.rollback()
            tried += 1
        assert verify(conn).ok
    assert tried >= 4


@pytest.mark.parametrize("table", PROTECTED)
def test_a_row_taken_out(book: World, table: str) -> None:
    with unguarded(book) as conn:
        keys = inspect(conn).get_pk_constraint(table)["constrained_columns"]
        for way in ("", " DESC"):
            order = ", ".join(k + way for k in keys)
            row = conn.execute(
                text(f"SELECT * FROM {table} ORDER BY {order} LIMIT 1")
            ).mappings().one()  # fmt: skip
            where = " AND ".join(f"{k} = :{k}" for k in keys)
            point = conn.begin_nested()
            conn.execute(text(f"DELETE FROM {table} WHERE {where}"), {k: row[k] for k in keys})
            report = verify(conn)
            assert not report.ok, f"{table} without {dict(row)}"
            point.rollback()
        assert verify(conn).ok


def _copy(conn: Connection, table: str, changes: dict[str, str], where: str = "") -> None:
    names = [c["name"] for c in inspect(conn).get_columns(table)]
    values = ", ".join(changes.get(n, n) for n in names)
    conn.execute(
        text(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} {where} "
             "LIMIT 1")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("account", {"id": "90001", "code": "'payable.x'"}),
        ("account_closed", {"account_id": "90001"}),
        ("sub", {"id": "90001", "unit_id": "90001"}),
        ("signer", {"user_id": "90001"}),
        ("payer_policy", {"payer_id": "90001"}),
        ("period_move", {"n": "77"}),
        ("journal_kind", {"kind": "'other'"}),
        ("kind_role", {"n": "9", "role": "'other'"}),
        ("kind_move", {"kind": "'other'"}),
        ("move_rule", {"from_kind": "'other'"}),
        ("journal", {"id": "90001", "idem_key": "'other'", "reverses_id": "NULL"}),
        ("line", {"line_no": "90001", "item": "77"}),
        ("line", {"journal_id": "90001", "item": "78"}),
        ("seal", {"journal_id": "90001", "seq": "90001"}),
        ("chunk", {"n": "900"}),
        ("chunk", {"journal_id": "90001"}),
        ("signature", {"role": "'other'", "person_id": "90001"}),
        ("statement", {"journal_id": "90001", "digest": "statement.digest", "body": "'other'"}),
    ],
)
def test_a_row_put_in(book: World, table: str, changes: dict[str, str]) -> None:
    with unguarded(book) as conn:
        _copy(conn, table, changes)
        assert not verify(conn).ok
    with book.owner.connect() as conn:
        assert verify(conn).ok


def _cut(conn: Connection, seq: int) -> None:
    """Take the newest journals out and make the rest consistent: totals, head, everything."""
    journals = f"SELECT journal_id FROM seal WHERE seq > {seq}"
    lines = f"SELECT * FROM line WHERE journal_id IN ({journals})"
    conn.execute(
        text(
            "UPDATE account SET debit = debit - coalesce((SELECT sum(amount) FROM "
            f"({lines}) x WHERE debit_account = account.id), 0), credit = credit - coalesce("
            f"(SELECT sum(amount) FROM ({lines}) x WHERE credit_account = account.id), 0)"
        )
    )
    for table in ("line", "chunk", "signature", "statement"):
        conn.execute(text(f"DELETE FROM {table} WHERE journal_id IN ({journals})"))
    conn.execute(text(f"DELETE FROM journal WHERE id IN ({journals})"))
    conn.execute(text(f"DELETE FROM seal WHERE seq > {seq}"))
    conn.execute(text("UPDATE chain_head SET seq = (SELECT max(seq) FROM seal), "
                      "hash = (SELECT hash FROM seal ORDER BY seq DESC LIMIT 1)"))  # fmt: skip


def test_a_cut_tail_is_found_by_a_head_kept_outside(book: World) -> None:
    with book.owner.connect() as conn:
        whole = verify(conn)
        assert verify(conn, head=whole.head_hash).ok
        older = bytes(conn.execute(text("SELECT hash FROM seal WHERE seq = 5")).scalar_one())
        assert verify(conn, head=older).ok
    with unguarded(book) as conn:
        _cut(conn, whole.head_seq - 2)
        assert verify(conn).ok  # nothing inside can tell
        report = verify(conn, head=whole.head_hash)
        assert [p.where for p in report.problems] == ["cut"]
        assert verify(conn, head=older).ok


def test_a_cut_tail_without_care_is_found_inside(book: World) -> None:
    with unguarded(book) as conn:
        last = conn.execute(text("SELECT max(seq) FROM seal")).scalar_one()
        journal = conn.execute(
            text("SELECT journal_id FROM seal WHERE seq = :s"), {"s": last}
        ).scalar_one()
        conn.execute(text("DELETE FROM seal WHERE journal_id = :j"), {"j": journal})
        conn.execute(text("DELETE FROM line WHERE journal_id = :j"), {"j": journal})
        conn.execute(text("DELETE FROM journal WHERE id = :j"), {"j": journal})
        found = {p.where for p in verify(conn).problems}
        assert {"chain_head", "account_totals", "chunk"} <= found


def forge(
    world: World, conn: Connection, kind: str, lines: list[Any], *, signed: bool = True,
    people: Any = None, **more: Any,
) -> int:  # fmt: skip
    """Post a journal as somebody does who owns the database: no trigger, every digest right."""
    journal = posting.allot(conn)
    root = root_of(journal, lines)
    if signed and signing.roles_of(kind):
        more["statement_digest"] = world.sign(conn, journal, kind, root, people)
    covers = [x[0] for x in lines]
    control = Control(len(lines), sum(x[10] for x in lines), min(covers), max(covers))
    header = world.header(journal, kind, **more)
    posting.open_journals(conn, [Item(header, (), control)])
    marks = "".join(f", :v{n}" for n in range(11))
    for number, line in enumerate(lines, 1):
        conn.execute(
            text(f"INSERT INTO line VALUES (:j, {number}{marks})"),
            {"j": journal} | {f"v{n}": v for n, v in enumerate(line)},
        )
        for side, account in (("debit", line[1]), ("credit", line[2])):
            conn.execute(
                text(f"UPDATE account SET {side} = {side} + :x WHERE id = :a"),
                {"x": line[10], "a": account},
            )
    _forge_seal(conn, journal, root, lines)
    return journal


def _forge_seal(conn: Connection, journal: int, root: bytes, lines: list[Any]) -> None:
    chunk = "".join(canon.row_text((journal, n, *x)) + "\n" for n, x in enumerate(lines, 1))
    names = ", ".join(canon.HEADER_COLUMNS)
    header = conn.execute(
        text(f"SELECT {names} FROM journal WHERE id = :j"), {"j": journal}
    ).one()  # fmt: skip
    names = ", ".join(canon.SIGNATURE_COLUMNS)
    signatures = conn.execute(
        text(f"SELECT {names} FROM signature WHERE journal_id = :j ORDER BY role"), {"j": journal}
    ).all()
    seq, prev = conn.execute(text("SELECT seq, hash FROM chain_head")).one()
    sealed = canon.journal_hash(
        seq=seq + 1, prev_hash=prev, root=root, definitions=None, header=tuple(header),
        signatures=[tuple(x) for x in signatures],
    )  # fmt: skip
    digest = hashlib.sha256(chunk.encode()).digest()
    values = {"j": journal, "s": seq + 1, "p": prev, "r": root, "h": sealed, "d": digest}
    conn.execute(text("INSERT INTO chunk VALUES (:j, 'line', 0, :d)"), values)
    conn.execute(text("INSERT INTO seal VALUES (:j, :s, :p, :r, :h)"), values)
    conn.execute(text("UPDATE chain_head SET seq = :s, hash = :h"), values)


# kind, rows (as in world.Row), carriers of the new journal, which rule must say so
_ILLEGAL: dict[str, tuple[str, list[Any], list[Any], str]] = {
    "a payment settled that is not there": (
        "handover", [(202611, "AGT", "ADV", 500, 0, 2, 900, None, 810_000)], [], "rule:coin"),
    "another carrier": (
        "answer", [(202601, "TRB", "ADV", 1, 0, 2, 900, None, 1_000)], [], "rule:coin"),
    "another amount": (
        "answer", [(202601, "TRB", "ADV", 1, 0, 2, 1, None, 999)], [], "rule:coin"),
    "half a payment": (
        "answer", [(202611, "TRA", "ADV", 500, 0, 2, 900, None, 810_000)], [], "rule:whole"),
    "a stale difference": ("list", [(202611, "EXP", "PAY", 500, 1, 0, None, 810_000, 60_000)], [],
                           "rule:due1"),
    "a later stale difference": (
        "list", [(202611, "EXP", "PAY", 500, 1, 0, None, 870_000, 60_000),
                 (202611, "EXP", "PAY", 500, 2, 0, None, 870_000, 60_000)], [], "rule:due"),
    "nobody's coin": ("list", [(202611, "EXP", "PAY", 9_999, 0, 0, None, 5, 5)], [], "rule:subs"),
    "an answer that mints": ("answer", [(202612, "EXP", "PAY", 9, 0, 0, None, 5, 5)], [],
                             "rule:shape"),
    "an old carrier sent again": (
        "batch", [(202602, "PAY", "TRA", 1, 0, 1, 900, None, 1_000)], [], "rule:shape"),
    "a receivable repaid twice": (
        "settlement", [(202611, "TRE", "OVP", 500, 7, 1, None, None, 5)], [], "rule:receivable"),
    "a mint beside an open receivable": (
        "list", [(202611, "OVP", "EXP", 500, 1, 0, None, (1, 800_000), 10_000),
                 (202611, "EXP", "PAY", 500, 2, 0, None, (2, 810_000), 10_000)], [],
        "rule:receivable_first"),
    "a closed account": ("settlement", [(202611, "CASH2", "SUS", *[None] * 5, 5)], [],
                         "rule:account_closed"),
}  # fmt: skip


@pytest.mark.parametrize("case", _ILLEGAL)
def test_an_illegal_journal_in_a_sound_chain_is_found_by_the_rules(book: World, case: str) -> None:
    kind, rows, carriers, rule = _ILLEGAL[case]
    with unguarded(book) as conn:
        book.ids["CASH2"] = chart.account_ids(conn, ["cash.25002"])["cash.25002"]
        kept = dict(book.carriers)
        journal = forge(book, conn, kind, book.lines(0, rows, carriers))
        book.carriers = kept
        report = verify(conn)
        assert rule in {p.where for p in report.problems}, report.problems
        assert {p.where.split(":")[0] for p in report.problems} == {"rule"}
        assert journal in {p.journal_id for p in report.problems}
    with book.owner.connect() as conn:
        assert verify(conn).ok


GL = (None,) * 7


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"month": 202501, "payer_id": None}, "rule:period_closed"),
        ({"evidence": None}, "rule:signed"),
        ({"kind": "correction", "signed": False}, "rule:signed"),
        ({"kind": "correction", "reverses_id": 4, "evidence": None}, "rule:mirror"),
        (
            {"kind": "correction", "people": [("prepare", 1, 0), ("sign2", 2, 0), ("sign1", 1, 1)]},
            "rule:signed",
        ),
        ({"book": 2}, "rule:signed"),
    ],
)
def test_a_header_that_the_seal_would_refuse(book: World, more: dict[str, Any], rule: str) -> None:
    about = dict(more)
    kind = about.pop("kind", "draw")
    with unguarded(book) as conn:
        line = (202611, book.ids["ADV"], book.ids["TRE"], *GL, 5)
        journal = forge(book, conn, kind, [line], **about)
        found = {p.where: p.journal_id for p in verify(conn).problems}
        assert found.get(rule) == journal, found


def test_a_second_seat_without_the_payers_policy_is_found(book: World) -> None:
    three = [("prepare", 1, 0), ("check", 2, 0), ("sign2", 2, 1), ("sign1", 4, 0)]
    with unguarded(book) as conn:
        rows = [(202612, "EXP", "PAY", 9, 0, 0, None, 5, 5)]
        journal = forge(book, conn, "list", book.lines(0, rows, ()), people=three)
        found = {p.where: p.journal_id for p in verify(conn).problems}
        assert found == {"rule:signed": journal}
        conn.execute(text("UPDATE payer_policy SET payer_id = 1"))
        assert "rule:signed" not in {p.where for p in verify(conn).problems}


def test_a_journal_without_its_seal_is_found(book: World) -> None:
    with unguarded(book) as conn:
        journal = posting.allot(conn)
        header = book.header(journal, "draw")
        posting.open_journals(conn, [Item(header, (), Control(1, 5, 202611, 202611))])
        problems = verify(conn).problems
        assert [(p.where, p.journal_id) for p in problems] == [("journal", journal)]
