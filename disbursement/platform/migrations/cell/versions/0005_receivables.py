"""Version 5 of a cell: receivables, what is decided on them, and money that was paid back."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
