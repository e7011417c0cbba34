"""Version 12 of a cell: calls of rails that are called: stored before they leave."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
