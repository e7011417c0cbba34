"""Version 19 of a cell: calls past the rail's windows settled by the provider's letter."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
