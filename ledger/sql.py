"""SQL as text, taken apart once.

SQLAlchemy looks for the parameters of a text each time one is made, and works out its key in the
cache of compiled statements anew; the same words said again need neither.
"""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy
from sqlalchemy import TextClause

KEPT = 4_096
"""Statements kept; those that carry numbers of their own push each other out."""


@lru_cache(maxsize=KEPT)
def text(statement: str) -> TextClause:
    """Return the statement; the same words are the same object, which nobody changes."""
    return sqlalchemy.text(statement)
