"""Alembic's entry: the caller hands over an open connection (disbursement/platform/migrate.py)."""

from alembic import context

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]
context.configure(connection=connection, transactional_ddl=True, version_table_schema=schema)
with context.begin_transaction():
    context.run_migrations()
