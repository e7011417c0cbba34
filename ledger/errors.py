"""What the ledger refuses, each with a stable code and one sentence.

The database speaks in messages of the form `LEDGER <code>: <sentence>`; constraint violations carry
the name of a constraint or of columns. `translate` turns both into the classes below, on both
engines, so that callers branch on `.code` and never on a driver's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

__all__ = ["IdemConflict", "LedgerError", "refusals", "translate"]


class LedgerError(Exception):
    """A posting, definition or signature was refused; nothing was changed by it."""

    code: str = "ledger"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        if code is not None:
            self.code = code


class IdemConflict(LedgerError):  # noqa: N818 - the name is part of the module's contract
    """The idempotency key was used before, for something else."""

    code = "idem_conflict"


_MARK = re.compile(r"LEDGER (\w+): (.*)")

# Pieces of driver messages -> (code, sentence). SQLite names columns, PostgreSQL constraints;
# the indexes of partitions have generated names that contain
# their columns (the detail of the message is kept back from a role without rights on partitions).
_PIECES: tuple[tuple[str, str, str], ...] = (
    (
        "sub_id_cover_item_move",
        "coin_moved",
        "a coin of this journal was minted or moved before; read its place again",
    ),
    (
        "line.sub_id, line.cover, line.item, line.move",
        "coin_moved",
        "a coin of this journal was minted or moved before; read its place again",
    ),
    (
        "sub_id_cover_rev",
        "stale_difference",
        "the revision exists already; compare again before posting",
    ),
    (
        "line.sub_id, line.cover, line.rev",
        "stale_difference",
        "the revision exists already; compare again before posting",
    ),
    ("idem_key", "idem_conflict", "the idempotency key was used by another journal"),
    ("reverses_id", "mirror", "the journal was reversed before"),
    ("account_debit_limit", "limit", "an account would be debited beyond what it holds"),
    ("account_credit_limit", "limit", "not enough is available for this commitment or release"),
    ("journal_sealed", "unsealed", "a journal commits sealed or not at all"),
    ("FOREIGN KEY constraint failed", "unsealed", "a journal commits sealed or not at all"),
    (
        "signature_journal_id_person_id_seat",
        "same_person",
        "this person has signed the document before",
    ),
    ("signature_pkey", "role_taken", "this role has signed the document before"),
    ("signature.journal_id, signature.role", "role_taken", "this role has signed before"),
    ("no partition of relation", "no_partition", "no partition exists for this covered month"),
    ("permission denied", "protected", "the application's role has no right to do this"),
    ("must be owner of", "protected", "the application's role has no right to do this"),
    ("violates check constraint", "bad_value", "a value is outside what its column allows"),
    ("CHECK constraint failed", "bad_value", "a value is outside what its column allows"),
    ("cannot store", "bad_value", "a value has the wrong type for its column"),
    ("datatype mismatch", "bad_value", "a value has the wrong type for its column"),
    ("null value in column", "bad_value", "a column that needs a value has none"),
    ("NOT NULL constraint failed", "bad_value", "a column that needs a value has none"),
    ("out of range", "bad_value", "a number does not fit its column"),
    ("invalid input syntax", "bad_value", "a value has the wrong type for its column"),
    ("function sum(", "bad_value", "the amounts of the lines are no numbers"),
    ("is of type", "bad_value", "a value has the wrong type for its column"),
    ("duplicate key", "exists", "a row with this key exists already"),
    ("UNIQUE constraint failed", "exists", "a row with this key exists already"),
)


def translate(error: BaseException) -> LedgerError | None:
    """Return the ledger's error for a driver's refusal, or None where it is something else.

    Lost connections, deadlocks and serialization failures are not refusals: they stay what they
    are, so that the caller's retry sees them (coins.md 19).
    """
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if state in {"40001", "40P01", "55P03"}:
        return None
    message = str(getattr(error, "orig", error))
    if found := _MARK.search(message):
        code, sentence = found.group(1), found.group(2).strip()
        if code == "idem_conflict":
            return IdemConflict(sentence)
        return LedgerError(sentence, code=code)
    for piece, code, sentence in _PIECES:
        if piece in message:
            detail = message.splitlines()[0]
            if code == "idem_conflict":
                return IdemConflict(f"{sentence} ({detail})")
            return LedgerError(f"{sentence} ({detail})", code=code)
    return None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn database refusals inside the block into LedgerError."""
    try:
        yield
    except DBAPIError as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error
    except Exception as error:
        # the raw driver is used on bulk paths (COPY, executemany)
        if isinstance(error, LedgerError) or not type(error).__module__.startswith(
            ("psycopg", "sqlite3")
        ):
            raise
        known = translate(error)
        if known is None:
            raise
        raise known from error
