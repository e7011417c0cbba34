"""Schema versions of `shared` and of a cell, run by alembic one statement at a time.

A version is history: what it makes is written out in full, as SQL files for both engines beside
it, and never taken from the tables as the code has them today. A change of a table comes as the
next version; tests/platform/test_migrations.py holds the sum of all versions to the code's tables.
"""
