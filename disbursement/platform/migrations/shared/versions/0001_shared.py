"""Version 1 of `shared`: cells, staff and their keys."""

from alembic import context, op

from disbursement.platform.schema import shared_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    conn = op.get_bind()
    schema = context.config.attributes["schema"]
    shared_tables().create_all(conn)
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO disburse_app")
        conn.exec_driver_sql(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO disburse_app"
        )
