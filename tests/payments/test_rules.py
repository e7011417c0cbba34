"""The graph and the two pure functions, over every sequence of up to six statuses."""

from __future__ import annotations

import re
from itertools import permutations, product

import pytest

from disbursement.payments.rules import (
    ATTEMPT_STATES,
    FAILED,
    GRAPH,
    IN_FLIGHT,
    MOVING,
    PAID,
    UNSENT,
    News,
    attempt_state,
    legal,
    payment_state,
)
from ledger.chart import JOURNAL_KINDS, MOVES

NAMES = {
    "planned", "held", "queued", "sending", "sent", "accepted", "credited", "returned", "rejected",
    "unknown", "recall_asked", "parked", "withdrawn", "cancelled", "carried", "ended", "ordered",
    "collected", "uncollected",
}  # fmt: skip
SAID = ("sent", "accepted", "unknown", "credited", "rejected", "returned")


def fold(*states: str, batch: str = "sent", rail: str = "bank") -> str:
    return attempt_state(batch, rail, [News(s) for s in states])


def test_the_graph_uses_the_nineteen_names_and_no_others():
    assert {e.source for e in GRAPH} | {e.target for e in GRAPH} == NAMES
    assert ATTEMPT_STATES <= NAMES
    assert len({(e.source, e.target, e.event) for e in GRAPH}) == len(GRAPH)


def test_every_edge_names_its_event_and_only_legal_moves_of_its_journal_kind():
    for edge in GRAPH:
        assert edge.event
        assert bool(edge.moves) == (edge.journal is not None)
        for move in edge.moves:
            assert move in MOVES
            assert move in JOURNAL_KINDS[edge.journal].moves, edge


def test_the_four_groups_are_disjoint_and_cover_all_attempt_states():
    groups = [UNSENT, IN_FLIGHT, FAILED, PAID, frozenset({"parked"})]
    assert sum(len(g) for g in groups) == len(ATTEMPT_STATES)


def test_all_permutations_of_up_to_six_statuses():
    """The oracle below knows nothing of the graph: it looks at the whole sequence at once."""
    seen = set()
    for length in range(7):
        for sequence in permutations(SAID, length):
            result = fold(*sequence)
            seen.add(result)
            assert result == _oracle(sequence), sequence
    assert seen == {"sent", "accepted", "credited", "rejected", "returned", "parked"}


def test_all_sequences_with_repetitions_of_up_to_five_statuses():
    for length in range(6):
        for sequence in product(SAID, repeat=length):
            assert fold(*sequence) == _oracle(sequence), sequence


LETTER = {"credited": "C", "rejected": "J", "returned": "R"}


def _oracle(sequence: tuple[str, ...]) -> str:
    """The legal stories of outcomes, written as patterns; every other story is a contradiction."""
    story = "".join(LETTER[s] for s in sequence if s in MOVING)
    if not story:
        return "accepted" if "accepted" in sequence else "sent"
    for pattern, state in (("C+", "credited"), ("J+", "rejected"), ("C*R[RJ]*", "returned")):
        if re.fullmatch(pattern, story):
            return state
    return "parked"


@pytest.mark.parametrize("late", ["sending", "sent", "accepted", "unknown", "recall_asked"])
@pytest.mark.parametrize("outcome", ["credited", "rejected", "returned"])
def test_an_older_weaker_status_never_overrides_an_outcome(outcome: str, late: str):
    assert fold(outcome, late) == outcome
    assert fold(late, outcome) == outcome


@pytest.mark.parametrize(
    "news",
    [
        [News("accepted", "ACSC"), News("rejected", "AC04")],
        [News("rejected", "AC04"), News("accepted", "ACSC")],
        [News("rejected", "AC04"), News("accepted", "ACCC")],
        [News("credited"), News("rejected", "AC04")],
        [News("rejected", "AC04"), News("credited")],
        [News("returned"), News("credited")],
        [News("credited"), News("returned"), News("credited"), News("returned")],
    ],
)
def test_contradictions_park_and_stay_parked(news: list[News]):
    assert attempt_state("sent", "bank", news) == "parked"
    assert (
        attempt_state("accepted", "bank", [*news, News("accepted"), News("rejected")]) == "parked"
    )


def test_a_claim_of_settlement_alone_is_no_credit_and_a_late_acsp_changes_nothing():
    assert attempt_state("sent", "bank", [News("accepted", "ACSC")]) == "accepted"
    assert attempt_state("sent", "bank", [News("rejected", "AC04"), News("accepted", "ACSP")]) == (
        "rejected"
    )
    assert attempt_state("sent", "bank", [News("accepted", "ACCC"), News("credited")]) == "credited"


def test_only_a_decision_leads_out_of_parked():
    parked = [News("credited"), News("rejected")]
    assert attempt_state("sent", "bank", [*parked, News("credited", "", "decision")]) == "credited"
    assert attempt_state("sent", "bank", [*parked, News("credited")]) == "parked"


@pytest.mark.parametrize(
    ("batch", "rail", "state"),
    [
        ("held", "bank", "planned"), ("queued", "bank", "queued"), ("sending", "bank", "sending"),
        ("sent", "bank", "sent"), ("accepted", "bank", "accepted"), ("unknown", "bank", "unknown"),
        ("withdrawn", "bank", "withdrawn"), ("void", "bank", "withdrawn"),
        ("cancelled", "bank", "cancelled"), ("held", "cash", "planned"),
        ("queued", "cash", "ordered"), ("sent", "cash", "ordered"),
    ],
)  # fmt: skip
def test_state_without_news_is_the_batch_state(batch: str, rail: str, state: str):
    assert attempt_state(batch, rail, []) == state


def test_cash_is_collected_once():
    assert fold("collected", rail="cash") == "collected"
    assert fold("uncollected", rail="cash") == "uncollected"
    assert fold("uncollected", "collected", rail="cash") == "parked"
    assert fold("collected", "uncollected", rail="cash") == "parked"
    assert fold("credited", rail="cash") == "parked"


@pytest.mark.parametrize(
    ("hold", "closed", "attempts", "state"),
    [
        ("", "", [], "planned"),
        ("shared_account", "", [], "held"),
        ("", "", ["planned"], "planned"),
        ("", "", ["sent"], "sent"),
        ("", "", ["rejected"], "rejected"),
        ("", "", ["rejected", "ordered"], "ordered"),
        ("", "", ["rejected", "planned"], "rejected"),
        ("", "", ["rejected", "withdrawn"], "rejected"),
        ("", "", ["rejected", "collected"], "collected"),
        ("", "", ["returned", "uncollected"], "uncollected"),
        ("", "", ["credited", "collected"], "parked"),
        ("", "", ["credited", "ordered"], "parked"),
        ("", "", ["parked", "ordered"], "parked"),
        ("", "carried", ["rejected", "uncollected"], "carried"),
        ("", "carried", ["unknown"], "carried"),
        ("", "credited", ["credited"], "credited"),
        ("", "credited", ["returned"], "returned"),
        ("", "ended", ["withdrawn"], "ended"),
    ],
)
def test_payment_state(hold: str, closed: str, attempts: list[str], state: str):
    assert payment_state(hold, closed, attempts) == state


def test_a_payment_is_paid_by_exactly_one_attempt_whatever_the_others_say():
    for attempts in product(sorted(ATTEMPT_STATES), repeat=3):
        state = payment_state("", "", attempts)
        paid = sum(a in PAID for a in attempts)
        if state in PAID:
            assert paid == 1
        if paid > 1 or "parked" in attempts:
            assert state == "parked"


def test_legal_reads_the_graph():
    assert legal("sent", "credited")
    assert not legal("rejected", "credited")
    assert not legal("queued", "credited")
