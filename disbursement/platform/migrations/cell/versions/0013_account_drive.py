"""Version 13 of a cell: asking for accounts, their consents, and whose name they stand in."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
