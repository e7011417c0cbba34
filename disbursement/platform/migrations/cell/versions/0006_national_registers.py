"""Version 6 of a cell: snapshots of national registers, their ages, warnings on lists."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
