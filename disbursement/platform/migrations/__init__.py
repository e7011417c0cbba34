"""Schema versions of `shared` and of a cell, run by alembic one statement at a time."""
