"""Version 8 of a cell: the events of cases."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
