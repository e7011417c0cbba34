"""Version 18 of a cell: what was paid for meritorious service before going live."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
