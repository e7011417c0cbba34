"""Version 1 of a cell: the ledger, the register, runs, payments, answers, cash."""

from alembic import context, op

from disbursement.platform.migrations import frozen

revision = "0001"
down_revision = None


def upgrade() -> None:
    frozen.run(op.get_bind(), __file__, context.config.attributes["schema"])
