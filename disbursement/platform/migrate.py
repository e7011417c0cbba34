"""Making cells and bringing them to the newest schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from disbursement.platform.database import Database
from ledger.bulk import run_script
from ledger.sql import text

HERE = Path(__file__).parent / "migrations"


def _upgrade(conn: Connection, kind: str, schema: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - a tenth of a second that only migrations need
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(HERE / kind))
    config.attributes["connection"] = conn
    config.attributes["schema"] = schema
    command.upgrade(config, "head")


def newest(kind: str) -> str:
    """Return the newest version of `shared` or of a `cell`: the last file's number."""
    return max(p.name.partition("_")[0] for p in (HERE / kind / "versions").glob("[0-9]*.py"))


def _is_newest(conn: Connection, kind: str, schema: str | None) -> bool:
    """Tell whether nothing is left to do, without loading what does it."""
    if not inspect(conn).has_table("alembic_version", schema):
        return False
    table = "alembic_version" if schema is None else f"{schema}.alembic_version"
    found = conn.exec_driver_sql(f"SELECT version_num FROM {table}").scalars().all()
    return found == [newest(kind)]


def migrate(database: Database, name: str) -> None:
    """Make `shared` or `cell_NN` if missing, and bring it to the newest schema.

    Runs as the owner of the schema; the application's role only uses what is made here.
    """
    kind = "shared" if name == "shared" else "cell"
    schema = None if database.dialect == "sqlite" else name
    with database.engine(name, owner=schema is not None).begin() as conn:
        if _is_newest(conn, kind, schema):
            return
        if schema is not None:
            make_roles(conn)
            conn.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        _upgrade(conn, kind, schema)


def make_roles(conn: Connection) -> None:
    """Create the two group roles where they are missing.

    They belong to the whole cluster, and another database's migration may make them this instant.
    """
    for role in ("disburse_owner", "disburse_app"):
        statement = (
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        run_script(conn, [statement])


def cells(database: Database) -> list[str]:
    """Return the codes of all cells that exist."""
    with database.engine("shared").connect() as conn:
        rows = conn.execute(text("SELECT code FROM cell_registry ORDER BY code"))
        return [row[0] for row in rows]


def create_cell(database: Database, code: str, name_vi: str, created_at: str) -> None:
    """Make the books of a province; a second call only brings them up to date."""
    database.cell(code)
    migrate(database, "shared")
    migrate(database, f"cell_{code}")
    with database.begin("shared") as conn:
        conn.execute(
            text(
                "INSERT INTO cell_registry (code, name_vi, created_at) VALUES (:c, :n, :t) "
                "ON CONFLICT (code) DO NOTHING"
            ),
            {"c": code, "n": name_vi, "t": created_at},
        )
