"""Every table of a cell in one place, and which of them may only grow.

The composition root's list: importing a room's `tables` registers it.
"""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, text

from disbursement.beneficiaries import tables as beneficiaries
from disbursement.entitlements import tables as entitlements
from disbursement.fallback import tables as fallback
from disbursement.identity import tables as identity
from disbursement.jobs import tables as jobs
from disbursement.payments import tables as payments
from disbursement.platform import tables as platform
from disbursement.platform.database import cell_metadata, shared_metadata
from disbursement.programmes import tables as programmes
from disbursement.runs import tables as runs
from ledger.bulk import run_script
from reconciliation import tables as answers

ROOMS = (
    platform, identity, programmes, beneficiaries, entitlements, runs, payments, fallback, jobs,
    answers,
)  # fmt: skip
"""Importing a room's tables registers them; nothing else is done with the modules here."""

__all__ = [
    "APPEND_ONLY",
    "SHARED_APPEND_ONLY",
    "cell_tables",
    "guard",
    "guard_shared",
    "refresh_statistics",
    "shared_tables",
]

APPEND_ONLY = (
    "destination",
    "batch_row",
    "payment_coin",
    "attempt_news",
    "handover",
    "bank_entry",
    "budget",
    "draw",
    "draw_part",
    "audit_event",
    "rate_version",
    "rate_file",
    "rate_approval",
    "rate_decision",
    "rate_set",
    "receivable",
    "receivable_decided",
    "repayment",
    "register_snapshot",
    "list_right_change",
    "merit_case_change",
    "case_event",
    "account_consent",
    "name_check",
)

SHARED_APPEND_ONLY = ("bank_version", "bank_row", "bank_approval")


def cell_tables() -> tuple[MetaData, ...]:
    """Return the metadata that make up a cell, the ledger's own DDL apart."""
    return (cell_metadata, answers.metadata)


def shared_tables() -> MetaData:
    """Return the metadata of `shared`."""
    return shared_metadata


def guard(conn: Connection, schema: str | None) -> None:
    """Make the growing-only tables refuse UPDATE and DELETE, and give the application its rights.

    PostgreSQL: by rights of the role `disburse_app`. SQLite: by triggers (coins.md 8).
    """
    names = [t.name for metadata in cell_tables() for t in metadata.sorted_tables]
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO disburse_app")
        for name in names:
            rights = "SELECT, INSERT" if name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
            conn.exec_driver_sql(f"GRANT {rights} ON {schema}.{name} TO disburse_app")
        _planner_function(conn, schema, names)
        return
    _only_grow(conn, APPEND_ONLY)


def guard_shared(conn: Connection, schema: str | None) -> None:
    """Give the application its rights on `shared`, where some tables only grow too."""
    if conn.dialect.name != "postgresql":
        _only_grow(conn, SHARED_APPEND_ONLY)
        return
    conn.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO disburse_app")
    for table in shared_metadata.sorted_tables:
        grows = table.name in SHARED_APPEND_ONLY
        rights = "SELECT, INSERT" if grows else "SELECT, INSERT, UPDATE, DELETE"
        conn.exec_driver_sql(f"GRANT {rights} ON {schema}.{table.name} TO disburse_app")


def _only_grow(conn: Connection, names: tuple[str, ...]) -> None:
    for name in names:
        for verb in ("UPDATE", "DELETE"):
            conn.exec_driver_sql(
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name}: append-only'); END"
            )


def _planner_function(conn: Connection, schema: str | None, names: list[str]) -> None:
    """Let the application refresh the planner's statistics of a table it has just filled.

    ANALYZE asks for the owner; without it a month that was just planned is joined by full scans.
    """
    allowed = ", ".join(f"'{n}'" for n in names)
    body = (
        "CREATE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql "
        f"SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN "
        f"IF name NOT IN ({allowed}) THEN RAISE EXCEPTION 'no such table'; END IF; "
        "EXECUTE 'ANALYZE ' || quote_ident(name); END $$"
    )
    run_script(
        conn,
        [
            body,
            "REVOKE ALL ON FUNCTION refresh_statistics(text) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION refresh_statistics(text) TO disburse_app",
        ],
    )


def refresh_statistics(conn: Connection, *tables: str) -> None:
    """Tell PostgreSQL's planner about tables that were just filled; SQLite needs nothing."""
    if conn.dialect.name == "postgresql":
        for table in tables:
            conn.execute(text("SELECT refresh_statistics(:t)"), {"t": table})
