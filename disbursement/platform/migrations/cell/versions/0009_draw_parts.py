"""Version 9 of a cell: a draw by provider, where a list goes to several."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
