"""Version 14 of a cell: requests to ask payments of a sent batch back."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
