"""Error classes: each says what the caller must do, and carries a stable code.

A sentence names what is wrong, where, and what to do next; it never holds an identity or account
number. Exit codes are those of docs/cli (0 done; 1 our fault; 2 wrong usage; 3 input refused;
4 not allowed, or not now; 5 outcome unknown).
"""

from __future__ import annotations

from typing import Any


class DisburseError(Exception):
    """Base: `code` is stable for programs, `sentence` is for people (Vietnamese first)."""

    exit_code = 1
    http_status = 500

    def __init__(self, code: str, sentence: str, *, en: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.en = en or sentence

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way back from a process of our own."""
        return _again, (type(self), self.code, self.sentence, self.en)


def _again(kind: type[DisburseError], code: str, sentence: str, en: str) -> DisburseError:
    error = kind.__new__(kind)
    DisburseError.__init__(error, code, sentence, en=en)
    return error


class OurFaultError(DisburseError):
    """A broken promise of our own (an invariant, a digest): stop and look."""


class UsageError(DisburseError):
    """The call itself is wrong: correct it and call again."""

    exit_code = 2
    http_status = 400


class RefusedError(DisburseError):
    """The input is refused and nothing changed: mend the input."""

    exit_code = 3
    http_status = 422


class NotAllowedError(DisburseError):
    """The actor has no right to this."""

    exit_code = 4
    http_status = 403


class NotNowError(DisburseError):
    """Right, but not in this order or state; somebody else was first."""

    exit_code = 4
    http_status = 409


class NotFoundError(DisburseError):
    """Nothing of that name here."""

    exit_code = 3
    http_status = 404


class UnknownOutcomeError(DisburseError):
    """The outcome is not known: look again, never repeat blindly."""

    exit_code = 5
    http_status = 503
