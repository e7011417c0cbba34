"""Version 17 of a cell: money of failed payments moved to the provider that pays cash."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
