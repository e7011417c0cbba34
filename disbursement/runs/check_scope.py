"""What every check before a list is given, and what it gives back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple

from sqlalchemy import Connection

from disbursement.platform.context import Context
from disbursement.runs.check_rules import Limits

CHUNK = 500


class Fact(NamedTuple):
    """Something a rule found: whose, its digest, a sentence, and the other people in it.

    `others` are ids of persons; the digest tells these facts from others (a resolved finding comes
    back only under another digest).
    """

    person_id: int
    payer_id: int
    digest: str
    sentence: str
    others: tuple[int, ...] = ()


class Note(NamedTuple):
    """Something worth a line on a list that holds nobody."""

    payer_id: int
    programme: str
    sentence: str
    person_id: int | None = None


@dataclass(frozen=True)
class Scope:
    """The preparation: pay month (yyyymm), day of the law, payers, and their limits.

    `whole_cell`: every payer of the cell is among them.
    """

    conn: Connection
    ctx: Context
    month: int
    day: date
    payers: tuple[int, ...]
    whole_cell: bool
    limits: Limits

    IN_FORCE: ClassVar[str] = (
        "c.start_month <= :m AND (c.end_month IS NULL OR c.end_month >= :m) "
        "AND NOT EXISTS (SELECT 1 FROM case_event e WHERE e.person_id = c.person_id "
        "AND (e.case_id IS NULL OR e.case_id = c.id) "
        "AND e.kind IN ('stop', 'death', 'renounced', 'move_out') "
        "AND NOT EXISTS (SELECT 1 FROM case_event b WHERE b.withdraws = e.id))"
    )
    """SQL: the case `c` has begun by month `:m` and neither its row nor an event has ended it."""


def among(numbers: Sequence[int]) -> Iterator[str]:
    """Yield ids as SQL lists, a few hundred at a time."""
    for at in range(0, len(numbers), CHUNK):
        yield ",".join(str(int(n)) for n in numbers[at : at + CHUNK])


def digest(*facts: object) -> str:
    """Return 32 hex digits that stand for these facts (ids, counts, codes; nothing secret)."""
    body = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()[:32]
