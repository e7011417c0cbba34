"""Version 15 of a cell: the cases of meritorious service."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
