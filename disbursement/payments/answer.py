"""What taking an answer gives back, and the ways in which a file is not taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["applied", "repeated", "refused", "quarantined", "waiting"]
"""applied: in the books. repeated: these bytes are in the books already. refused: nothing changed,
the sentence says why. quarantined: kept, about nothing we sent. waiting: a statement that came
before its predecessor; kept, and taken by itself when that one comes."""


@dataclass(frozen=True)
class AnswerResult:
    """What became of one file. Counts and dong by what happened; journals that were posted."""

    state: State
    code: str
    sentence: str
    kind: str = ""
    answer_id: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)
    journals: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is odd about a file that was taken all the same, e.g. that it is against its schema."""
    then: tuple[AnswerResult, ...] = ()
    """Statements that had waited for this one and were taken after it."""


@dataclass(frozen=True)
class Applied:
    """What applying a file inside its transaction found: whose it is, and what was done."""

    payer_id: int
    provider_id: int
    contract_id: int
    counts: Mapping[str, int]
    amounts: Mapping[str, int]
    journals: tuple[int, ...]


class NotTakenError(Exception):
    """Raised inside the transaction of a file: nothing of it may change the books.

    The file itself is kept; `state` and the sentence are recorded beside it.
    """

    def __init__(
        self,
        state: State,
        code: str,
        sentence: str,
        *,
        payer_id: int | None = None,
        provider_id: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.state: State = state
        self.code = code
        self.sentence = sentence
        self.payer_id = payer_id
        self.provider_id = provider_id
