"""Every table of a cell in one place, and which of them may only grow.

The composition root's list: importing a room's `tables` registers it.
"""

from __future__ import annotations

from sqlalchemy import Connection, MetaData

from disbursement.beneficiaries import tables as beneficiaries
from disbursement.entitlements import tables as entitlements
from disbursement.fallback import tables as fallback
from disbursement.identity import tables as identity
from disbursement.jobs import tables as jobs
from disbursement.payments import tables as payments
from disbursement.platform import tables as platform
from disbursement.platform.database import cell_metadata, shared_metadata
from disbursement.runs import tables as runs
from reconciliation import tables as answers

ROOMS = (platform, identity, beneficiaries, entitlements, runs, payments, fallback, jobs, answers)
"""Importing a room's tables registers them; nothing else is done with the modules here."""

__all__ = ["APPEND_ONLY", "cell_tables", "guard", "shared_tables"]

APPEND_ONLY = (
    "destination",
    "batch_row",
    "payment_coin",
    "attempt_news",
    "handover",
    "bank_entry",
    "budget",
    "draw",
    "audit_event",
)


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
        return
    for name in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            conn.exec_driver_sql(
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name}: append-only'); END"
            )
