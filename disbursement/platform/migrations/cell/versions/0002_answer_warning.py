"""Version 2 of a cell: an answer that was taken may carry a warning."""

from alembic import op

from ledger.bulk import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script(op.get_bind(), ["ALTER TABLE answer ADD COLUMN warning TEXT DEFAULT '' NOT NULL"])
