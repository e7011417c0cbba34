"""Version 4 of a cell: rate versions with their files and approvals, decisions, pinned sets."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
