"""The life of a payment: one transition graph, and the pure functions that read a state from it.

A payment is tried in attempts (rows of batches). What is known about an attempt is the state of its
batch and the news about the row, in the order they arrived. `attempt_state` folds them along the
graph; `payment_state` folds the attempts. Names are those of the month's flow and no others.

Rules behind the graph (promises F14-F18): the same news again changes nothing; a weaker statement
("in process") never overrides an outcome, whenever it arrives; an outcome that contradicts another
parks the attempt until two people decide; nothing but an outcome ends "in flight".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "ATTEMPT_STATES",
    "BATCH_TO_ATTEMPT",
    "FAILED",
    "GRAPH",
    "IN_FLIGHT",
    "LETTER",
    "MOVING",
    "PAID",
    "SETTLED_CLAIMS",
    "UNSENT",
    "Edge",
    "News",
    "attempt_state",
    "base_state",
    "legal",
    "payment_state",
]

Move = tuple[str, str]
"""Debit kind and credit kind of a ledger line (ledger/chart.py, MOVES)."""


@dataclass(frozen=True)
class Edge:
    """One legal step: the event, the ledger moves it books, the kind of journal that holds them.

    No moves and no journal kind: the step books nothing.
    """

    source: str
    target: str
    event: str
    moves: tuple[Move, ...] = ()
    journal: str | None = None


@dataclass(frozen=True)
class News:
    """One thing that was said about one attempt, in the order of arrival.

    `state` is one of the names below, `code` the code as it came. `code_set` 'decision' marks what
    two people decided about a parked attempt; it alone may lead out of `parked`.
    """

    state: str
    code: str = ""
    code_set: str = ""


_OUT_BANK: tuple[Move, ...] = (("payable", "transit"),)
_OUT_CASH: tuple[Move, ...] = (("payable", "agent"),)
_CREDIT: tuple[Move, ...] = (("transit", "paid"),)
_BACK: tuple[Move, ...] = (("transit", "payable"),)
_RETURN: tuple[Move, ...] = (("paid", "payable"),)
_HAND: tuple[Move, ...] = (("agent", "paid"),)
_DESK_BACK: tuple[Move, ...] = (("agent", "payable"),)

_WAITING = ("sent", "accepted", "unknown")
_OUTCOMES = ("credited", "rejected", "returned", "cancelled", "collected", "uncollected")


def _graph() -> tuple[Edge, ...]:
    out = [
        Edge("planned", "held", "hold raised"),
        Edge("held", "planned", "hold resolved"),
        Edge("planned", "ended", "list void, or person's right ended before sending"),
        Edge("held", "ended", "list void, or person's right ended before sending"),
        Edge("planned", "queued", "batch released", _OUT_BANK, "batch"),
        Edge("planned", "ordered", "cash batch released", _OUT_CASH, "batch"),
        Edge("queued", "withdrawn", "taken out before sending: new version of the batch"),
        Edge("queued", "cancelled", "batch cancelled before sending", _BACK, "presumed_failure"),
        Edge("queued", "sending", "sender claims the batch"),
        Edge("sending", "sent", "rail took the file"),
        Edge("sending", "unknown", "crash or timeout: the first byte may have left"),
        Edge("unknown", "sent", "rail says that it holds the file"),
        Edge("sent", "accepted", "rail accepted for execution"),
        Edge("unknown", "accepted", "rail accepted for execution"),
        Edge("unknown", "credited", "provider's letter, signed", _CREDIT, "forced_import"),
        Edge("unknown", "rejected", "provider's letter, signed", _BACK, "presumed_failure"),
        Edge("recall_asked", "unknown", "rail cannot say"),
        Edge("credited", "returned", "money booked back", _RETURN, "answer"),
        Edge("ordered", "collected", "handed over against proof", _HAND, "handover"),
        Edge("ordered", "uncollected", "roster closed", _DESK_BACK, "roster_closed"),
        Edge("ordered", "cancelled", "roster void", _DESK_BACK, "roster_closed"),
    ]
    for state in ("sending", *_WAITING, "recall_asked"):
        out += [
            Edge(state, "credited", "debit booked", _CREDIT, "answer"),
            Edge(
                state, "rejected", "final negative code, or evidence of no debit", _BACK, "answer"
            ),
            Edge(state, "returned", "debit and return seen together", _CREDIT + _RETURN, "answer"),
            Edge(state, "cancelled", "cancelled at the rail, never executed", _BACK, "answer"),
        ]
    out += [
        Edge(state, "recall_asked", "asked back at the rail (stop, death)") for state in _WAITING
    ]
    for state in ("rejected", "returned", "cancelled", "uncollected"):
        out += [
            Edge(state, "queued", "next attempt: another batch", _OUT_BANK, "batch"),
            Edge(state, "ordered", "next attempt: cash", _OUT_CASH, "batch"),
            Edge(state, "carried", "run closed: coins wait in payable"),
        ]
    out += [
        Edge(state, "parked", "contradiction; money no coin allows goes to suspense")
        for state in (*_WAITING, "sending", "recall_asked", "ordered", *_OUTCOMES)
    ]
    out += [Edge("parked", state, "two people decide") for state in (*_WAITING, *_OUTCOMES)]
    return tuple(out)


GRAPH: tuple[Edge, ...] = _graph()
"""Every legal step of a payment. A credit after a return is money that no coin allows: the coin
lies in payable and may have been paid in cash, so it parks (suspense / advance)."""

_STEPS = {(e.source, e.target) for e in GRAPH}

UNSENT = frozenset({"planned", "queued", "withdrawn"})
IN_FLIGHT = frozenset({"sending", "sent", "accepted", "unknown", "recall_asked", "ordered"})
"""Nothing may be tried again or paid in cash."""
FAILED = frozenset({"rejected", "returned", "cancelled", "uncollected"})
"""The coins are back in payable: the next attempt may be made while the run is open."""
PAID = frozenset({"credited", "collected"})
MOVING = (*_OUTCOMES,)
"""States whose news moved the attempt's coins."""
SETTLED_CLAIMS = frozenset({"ACSC", "ACCC"})
"""Codes that claim settlement. They are no proof of it (only a booked entry is), but together with
a rejection they are a contradiction (F16)."""
LETTER = "LETTER"
"""Code of an outcome that the provider's letter told and three people signed (coins.md 15 d)."""
ATTEMPT_STATES = frozenset({*UNSENT, *IN_FLIGHT, *FAILED, *PAID, "parked"})

BATCH_TO_ATTEMPT = {
    "held": "planned",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "accepted": "accepted",
    "unknown": "unknown",
    "withdrawn": "withdrawn",
    "void": "withdrawn",
    "cancelled": "cancelled",
}
"""State of the batch -> state of an attempt without news of its own."""

_STRENGTH = {"sending": 0, "unknown": 1, "sent": 2, "accepted": 3, "recall_asked": 4}


def legal(source: str, target: str) -> bool:
    """Tell whether the graph has this step."""
    return (source, target) in _STEPS


def base_state(batch_state: str, rail: str) -> str:
    """Return the state of an attempt about which nothing was said by itself.

    A cash batch is `ordered` from its release on. Raises KeyError for an unknown batch state.
    """
    state = BATCH_TO_ATTEMPT[batch_state]
    if rail == "cash" and state in {"queued", "sending", "sent", "accepted", "unknown"}:
        return "ordered"
    return state


def attempt_state(batch_state: str, rail: str, news: Iterable[News]) -> str:
    """Fold what is known about one attempt into its state. Pure and total over the names."""
    state = base_state(batch_state, rail)
    claimed = False
    for item in news:
        if item.code_set == "decision":
            state, claimed = item.state, False
            continue
        settles = item.code in SETTLED_CLAIMS and item.state not in MOVING
        if state == "parked":
            continue
        denied = item.state == "rejected" and claimed and state in IN_FLIGHT
        revoked = settles and state == "rejected"
        state = "parked" if denied or revoked else _step(state, item.state)
        claimed = claimed or settles
    return state


def _step(state: str, said: str) -> str:
    """Return the state after one piece of news."""
    if said in {state, "parked"}:
        return said
    if said in _STRENGTH:
        if state not in _STRENGTH:
            return state  # an outcome stands; "in process" said late is old
        withdrawn_recall = state == "recall_asked" and said == "unknown"
        return said if withdrawn_recall or _STRENGTH[said] > _STRENGTH[state] else state
    if state == "returned" and said == "rejected":
        return state  # both say that the money is not there: the coin is back already
    if said not in MOVING:
        return state
    return said if legal(state, said) else "parked"


def payment_state(hold_reason: str, closed_as: str, attempts: Sequence[str]) -> str:
    """Return the state of a payment from its attempts' states, in the order they were made.

    `closed_as` is '' while the run is open. Paid by two attempts, or paid while another is in
    flight, is a contradiction and parks the payment.
    """
    made = [a for a in attempts if a not in {"withdrawn", "planned"}]
    paid = [a for a in made if a in PAID]
    flying = [a for a in made if a in IN_FLIGHT or a == "queued"]
    if "parked" in made or len(paid) > 1 or (paid and flying):
        return "parked"
    if closed_as in {"carried", "ended"}:
        return closed_as
    if paid:
        return paid[0]
    if flying:
        return flying[-1]
    if made:
        return made[-1]
    return "held" if hold_reason else "planned"
