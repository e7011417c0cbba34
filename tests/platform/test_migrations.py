"""A cell brought up version by version is the cell that the code describes, on both databases."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from disbursement.platform.database import Database
from disbursement.platform.migrate import create_cell, make_roles
from disbursement.platform.migrations import frozen
from disbursement.platform.schema import cell_tables, guard, guard_shared, shared_tables
from ledger import ddl
from ledger.bulk import run_script

CELL, SHARED = "cell_25", "shared"
NOW = "2026-10-01T00:00:00Z"
RULES = ("journal_kind", "kind_role", "kind_move", "move_rule", "chain_head")
FROZEN = {
    "0001_cell.postgresql.sql": "6bc20934a7543772",
    "0001_cell.sqlite.sql": "903ab6c38ab1b32b",
    "0004_rate_versions.postgresql.sql": "7c081a31df06a1fb",
    "0004_rate_versions.sqlite.sql": "f07897daa9d20e25",
    "0005_receivables.postgresql.sql": "71b3185d9a1afca0",
    "0005_receivables.sqlite.sql": "1a4e2934938c981a",
    "0006_national_registers.postgresql.sql": "0dae10aba78edaab",
    "0006_national_registers.sqlite.sql": "e84fe57e3cd32129",
    "0007_list_programmes.postgresql.sql": "efb8b445bdb5f80f",
    "0007_list_programmes.sqlite.sql": "29b86c28364f18e8",
    "0008_case_events.postgresql.sql": "d636244daa270703",
    "0008_case_events.sqlite.sql": "3a157b5be0588c63",
    "0009_draw_parts.postgresql.sql": "c07ab0f1aaba0a5c",
    "0009_draw_parts.sqlite.sql": "cc3d15bae752feb8",
    "0010_wire_files.postgresql.sql": "2aaf70414d27fa15",
    "0010_wire_files.sqlite.sql": "17730d8bc77c9143",
    "0011_checks.postgresql.sql": "aa395c80dbb83db4",
    "0011_checks.sqlite.sql": "821d8db77d751d97",
    "0012_rail_calls.postgresql.sql": "4df764c55f61965d",
    "0012_rail_calls.sqlite.sql": "4e436a620133e081",
    "0013_account_drive.postgresql.sql": "006f43a6b744778a",
    "0013_account_drive.sqlite.sql": "931658046d3d8c66",
    "0014_recalls.postgresql.sql": "5cc0f93392ecba44",
    "0014_recalls.sqlite.sql": "6ab5273ef494a43f",
    "0015_merit_cases.postgresql.sql": "e9c4074bbb095793",
    "0015_merit_cases.sqlite.sql": "469024dbd55cb5f8",
    "0017_advance_moves.postgresql.sql": "f3f9d71914fbe07d",
    "0017_advance_moves.sqlite.sql": "06f76bf98dd575b9",
    "0018_list_openings.postgresql.sql": "cd862a5394eb303b",
    "0018_list_openings.sqlite.sql": "abc370c54f0d0ee2",
    "0019_call_settlements.postgresql.sql": "1ec7ff8c03b1154d",
    "0019_call_settlements.sqlite.sql": "87218cf48ef5112d",
    "0001_shared.postgresql.sql": "be04a03de8d54930",
    "0001_shared.sqlite.sql": "887ec3ced8356a24",
    "0002_bank_directory.postgresql.sql": "6dfcd555943f607c",
    "0002_bank_directory.sqlite.sql": "39aed165c97d91a6",
}
"""SHA-256, first 16 digits, of each version's SQL."""
FIRST_DRAFT = next(
    statement
    for statement in frozen.statements(
        Path(frozen.__file__).parent / "cell/versions/0001_cell.py", "sqlite", None
    )
    if statement.startswith("CREATE TABLE draft_line")
)
"""The table of drafts as the first version made it: rows beside an index of their key."""
DRAFT_ROW = (7, 1, 202610, 3, 4, 9, 0, 0, None, None, 0, 540_000, 540_000)
VERSIONS = Path(frozen.__file__).parent

POSTGRES = {
    "table": "SELECT c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), "
    "c.relacl::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c "
    "WHERE c.relnamespace = {s} AND c.relname NOT LIKE 'alembic%'",
    "column": "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), "
    "a.attnotnull, a.attacl::text, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "WHERE c.relnamespace = {s} AND c.relname NOT LIKE 'alembic%'",
    "constraint": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = {s} AND conname NOT LIKE 'alembic%'",
    "index": "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c "
    "ON c.oid = i.indexrelid WHERE c.relnamespace = {s} AND c.relname NOT LIKE 'alembic%'",
    "trigger": "SELECT c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c "
    "ON c.oid = t.tgrelid WHERE c.relnamespace = {s} AND NOT t.tgisinternal",
    "function": "SELECT p.proname, pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner), "
    "p.proacl::text FROM pg_proc p WHERE p.pronamespace = {s}",
    "sequence": "SELECT sequencename, data_type::text, start_value, increment_by "
    "FROM pg_sequences WHERE schemaname = '{n}'",
}


def from_code(conn: Connection, name: str, schema: str | None) -> None:
    """Make what the code of today describes, without any migration."""
    if name == SHARED:
        shared_tables().create_all(conn)
        guard_shared(conn, schema)
        return
    run_script(conn, ddl.statements(conn.dialect.name, schema))
    ddl.seed(conn)
    for metadata in cell_tables():
        metadata.create_all(conn, checkfirst=False)
    guard(conn, schema)


def plain(value: Any, schema: str = "") -> Any:
    if isinstance(value, str):
        return re.sub(r"\s+", " ", value.replace(schema, "this") if schema else value).strip()
    return value


def items(sql: str) -> tuple[str, ...]:
    """Split a CREATE TABLE into what stands between its outermost commas, in no order."""
    sql = plain(sql)
    body, tail = sql[sql.index("(") + 1 : sql.rindex(")")], sql[sql.rindex(")") :]
    out, depth, at = [], 0, 0
    for n, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            out.append(body[at:n].strip())
            at = n + 1
    return (*sorted([*out, body[at:].strip()]), tail)


def sqlite_snapshot(conn: Connection) -> set[Any]:
    found: set[Any] = set()
    for kind, name, sql in conn.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'")
    ).all():
        found.add((kind, name, items(sql) if kind == "table" else plain(sql)))
        if kind == "table":
            columns = conn.exec_driver_sql(f"PRAGMA table_xinfo({name})").all()
            found |= {("column", name, *map(plain, c)) for c in columns}
    return found


def postgres_snapshot(conn: Connection, schema: str) -> set[Any]:
    oid = f"'{schema}'::regnamespace"
    return {
        (kind, *(plain(v, schema) for v in row))
        for kind, query in POSTGRES.items()
        for row in conn.exec_driver_sql(query.format(s=oid, n=schema).replace("%", "%%"))
    }


def snapshot(conn: Connection, name: str, schema: str | None) -> set[Any]:
    found = sqlite_snapshot(conn) if schema is None else postgres_snapshot(conn, schema)
    if name != SHARED:
        for table in RULES:
            rows = conn.execute(text(f"SELECT * FROM {table}"))
            found |= {("row", table, *(bytes(v) if isinstance(v, memoryview) else v for v in r))
                      for r in rows}  # fmt: skip
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, ...]]:
    """One database brought up by migrations, one empty."""
    if request.param == "postgres":
        new = request.getfixturevalue("new_pg_database")
        both = Database(url=new()), Database(url=new())
    else:
        both = Database(home=tmp_path / "a"), Database(home=tmp_path / "b")
    create_cell(both[0], "25", "Phú Thọ", NOW)
    yield both
    for database in both:
        database.dispose()


def make(database: Database, name: str) -> set[Any]:
    schema = None if database.dialect == "sqlite" else name
    with database.engine(name, owner=True).begin() as conn:
        if schema is not None:
            make_roles(conn)
            conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
        from_code(conn, name, schema)
        return snapshot(conn, name, schema)


def migrated(database: Database, name: str) -> set[Any]:
    with database.engine(name, owner=True).begin() as conn:
        return snapshot(conn, name, None if database.dialect == "sqlite" else name)


@pytest.mark.parametrize("name", [SHARED, CELL])
def test_all_versions_together_are_what_the_code_describes(
    databases: tuple[Database, ...], name: str
) -> None:
    ours, code = migrated(databases[0], name), make(databases[1], name)
    assert len(ours) > (15 if name == SHARED else 400)
    assert sorted(map(str, ours - code)) == []
    assert sorted(map(str, code - ours)) == []


def test_a_drift_is_seen(databases: tuple[Database, ...]) -> None:
    before = migrated(databases[0], CELL)
    statements = [
        "ALTER TABLE payment ADD COLUMN drift text",
        "CREATE INDEX drift_here ON payment (payer_id)",
    ]
    with databases[0].engine(CELL, owner=True).begin() as conn:
        run_script(conn, statements)
    after = migrated(databases[0], CELL)
    assert {x[0] for x in after - before} >= {"column", "index"}


def test_a_version_is_written_out_and_takes_nothing_from_todays_tables() -> None:
    found = sorted(VERSIONS.glob("*/versions/0*.py"))
    assert [p.name[:4] for p in found if p.parts[-3] == "cell"] == [
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0011",
        "0012",
        "0013",
        "0014",
        "0015",
        "0016",
        "0017",
        "0018",
        "0019",
    ]
    for path in found:
        assert not re.search(r"platform\.schema|\btables\b|\bddl\b|metadata", path.read_text()), (
            path
        )


def test_what_a_version_made_is_never_edited() -> None:
    found = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()[:16]
        for p in VERSIONS.glob("*/versions/*.sql")
    }
    assert found == FROZEN, "history stays; a change of a table is the next version"


def test_a_cell_of_the_first_version_comes_to_the_newest(tmp_path: Path) -> None:
    database = Database(home=tmp_path)
    create_cell(database, "25", "Phú Thọ", NOW)
    newest = migrated(database, CELL)
    with database.engine(CELL).begin() as conn:
        for table in ("version", "file", "approval", "decision", "set"):
            conn.exec_driver_sql(f"DROP TABLE rate_{table}")
        for table in (
            "receivable",
            "receivable_decision",
            "receivable_decided",
            "repayment",
            "register_snapshot",
            "register_row",
            "register_policy",
            "list_warning",
        ):
            conn.exec_driver_sql(f"DROP TABLE {table}")
        for table in ("list_unit", "list_right", "list_right_change", "list_opening"):
            conn.exec_driver_sql(f"DROP TABLE {table}")
        conn.exec_driver_sql("DROP TABLE merit_case")
        conn.exec_driver_sql("DROP TABLE merit_case_change")
        conn.exec_driver_sql("DROP TABLE case_event")
        conn.exec_driver_sql("DROP TABLE officer_account")
        conn.exec_driver_sql("DROP TABLE list_finding")
        for table in ("account_request_row", "account_request", "account_consent", "name_check"):
            conn.exec_driver_sql(f"DROP TABLE {table}")
        conn.exec_driver_sql("DROP TABLE draw_part")
        conn.exec_driver_sql("DROP TABLE wire_file")
        conn.exec_driver_sql("DROP TABLE rail_call")
        conn.exec_driver_sql("DROP TABLE recall")
        conn.exec_driver_sql("DROP TABLE recall_row")
        conn.exec_driver_sql("DROP TABLE advance_move")
        conn.exec_driver_sql("DROP TABLE advance_move_payment")
        conn.exec_driver_sql("DROP TABLE call_settlement")
        conn.exec_driver_sql("DROP TABLE call_settlement_row")
        conn.exec_driver_sql("ALTER TABLE answer DROP COLUMN warning")
        conn.exec_driver_sql("ALTER TABLE throttle RENAME COLUMN slot TO hour")
        conn.exec_driver_sql("INSERT INTO throttle VALUES (X'01', '2026-10-01T10:20', 3)")
        conn.exec_driver_sql("DROP TABLE draft_line")
        conn.exec_driver_sql(FIRST_DRAFT)
        conn.exec_driver_sql(
            "INSERT INTO draft_line VALUES (7, 1, 202610, 3, 4, 9, 0, 0, NULL, NULL, 0, 540000, 540000)"
        )
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        conn.exec_driver_sql(
            "INSERT INTO answer (id, sha256, kind, file_name, size, received_at, message_id, "
            "state, why) VALUES (1, X'00', 'pain.002', 'a', 1, '', '', 'applied', '')"
        )
    create_cell(database, "25", "Phú Thọ", NOW)
    assert migrated(database, CELL) == newest
    with database.engine(CELL).connect() as conn:
        assert conn.exec_driver_sql("SELECT id, warning FROM answer").all() == [(1, "")]
        found = conn.exec_driver_sql("SELECT slot, tries FROM throttle").all()
        assert found == [("2026-10-01T10:20", 3)]
        assert conn.exec_driver_sql("SELECT * FROM draft_line").all() == [DRAFT_ROW]
    database.dispose()
