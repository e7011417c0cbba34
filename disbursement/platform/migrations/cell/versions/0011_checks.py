"""Version 11 of a cell: what the checks before a list found, and officers' own accounts."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
