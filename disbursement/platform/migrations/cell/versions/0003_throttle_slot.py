"""Version 3 of a cell: what a throttle counts in is called what it is, a slot of ten minutes."""

from alembic import op

from ledger.bulk import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    conn = op.get_bind()
    script = ["ALTER TABLE throttle RENAME COLUMN hour TO slot"]
    if conn.dialect.name == "postgresql":
        # an index keeps the name a column had when it was made
        script.append("ALTER TABLE throttle_pkey RENAME COLUMN hour TO slot")
    run_script(conn, script)
