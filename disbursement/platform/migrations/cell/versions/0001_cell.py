"""Version 1 of a cell: the ledger, the register, runs, payments, answers, cash."""

from alembic import context, op

from disbursement.platform.schema import cell_tables, guard
from ledger import ddl
from ledger.bulk import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    conn = op.get_bind()
    schema = context.config.attributes["schema"]
    run_script(conn, ddl.statements(conn.dialect.name, schema))
    ddl.seed(conn)
    for metadata in cell_tables():
        metadata.create_all(conn, checkfirst=False)
    guard(conn, schema)
