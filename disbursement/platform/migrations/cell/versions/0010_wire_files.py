"""Version 10 of a cell: what a batch's file is on the wire: the wrapped bytes of every attempt."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
