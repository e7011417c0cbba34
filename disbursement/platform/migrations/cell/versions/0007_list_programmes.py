"""Version 7 of a cell: units and months of list programmes, and what a later decision replaced."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
