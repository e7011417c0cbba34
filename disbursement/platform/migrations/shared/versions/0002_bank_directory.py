"""Version 2 of `shared`: the national directory of banks, dated, changed by two people."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
