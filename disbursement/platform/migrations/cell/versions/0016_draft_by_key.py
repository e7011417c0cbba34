"""Version 16 of a cell: on SQLite a draft lies in the order of its key, in one tree instead of two.

It is written, digested and moved into the book in that order. PostgreSQL has no such table.
"""

from alembic import op

from ledger.bulk import run_script

revision = "0016"
down_revision = "0015"

DRAFT = (
    """CREATE TABLE draft_line (
  journal_id INTEGER NOT NULL, line_no INTEGER NOT NULL, cover INTEGER NOT NULL,
  debit_account INTEGER NOT NULL, credit_account INTEGER NOT NULL,
  sub_id INTEGER, item INTEGER, move INTEGER, carrier INTEGER, of_n INTEGER, rev INTEGER,
  due_after INTEGER, amount INTEGER NOT NULL, PRIMARY KEY (journal_id, line_no))"""
    " STRICT, WITHOUT ROWID"
)


def upgrade() -> None:
    conn = op.get_bind()
    if conn.dialect.name == "sqlite":
        run_script(
            conn,
            [
                "ALTER TABLE draft_line RENAME TO draft_line_before",
                DRAFT,
                "INSERT INTO draft_line SELECT * FROM draft_line_before",
                "DROP TABLE draft_line_before",
            ],
        )
