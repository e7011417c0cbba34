"""Who signs what, in which order, and that what is posted is what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ledger import definitions, posting, signing
from ledger.errors import LedgerError
from ledger.verify import verify
from tests.ledger.test_coins import mint
from tests.ledger.test_guards import refused
from tests.ledger.world import KEYS, RECORDED, World, root_of

FOUR = [("prepare", 1, 0), ("check", 2, 0), ("sign2", 3, 0), ("sign1", 4, 0)]


def post_signed(
    world: World, people: Sequence[tuple[str, int, int]], *, kind: str = "list", sub: int = 1
) -> posting.Sealed:
    journal = world.allot()
    lines = world.lines(journal, [mint(202611, sub, 1_000)], ())
    with world.app.begin() as conn:
        digest = world.sign(conn, journal, kind, root_of(journal, lines), people)
        return posting.post(conn, world.header(journal, kind, statement_digest=digest), lines)


def test_four_people_in_order(world: World) -> None:
    sealed = post_signed(world, FOUR)
    assert (sealed.seq, sealed.line_count, sealed.total) == (4, 1, 1_000)


@pytest.mark.parametrize(
    ("people", "code"),
    [
        (FOUR[:3], "role_missing"),
        (FOUR[:0], "role_missing"),
        ([*FOUR[:2], ("sign1", 4, 0)], "role_order"),
        ([FOUR[1], *FOUR], "role_order"),
        ([*FOUR[:3], ("sign1", 1, 0)], "same_person"),
        ([*FOUR[:2], ("sign2", 2, 0)], "same_person"),
        ([*FOUR[:2], ("sign2", 2, 1), FOUR[3]], "same_person"),  # the payer has no such policy
        ([*FOUR[:2], ("sign2", 1, 1)], "same_person"),  # not the checker
        ([*FOUR[:3], ("sign1", 2, 1)], "same_person"),  # not as sign2
        ([*FOUR, ("sign1", 5, 0)], "role_taken"),
        ([("approve", 1, 0)], "role_unknown"),
    ],
)
def test_refused_signatures(
    shared_world: World, people: Sequence[tuple[str, int, int]], code: str
) -> None:
    before = shared_world.state()
    assert refused(lambda: post_signed(shared_world, people)) == code
    assert shared_world.state() == before


def test_a_small_payer_may_let_the_checker_sign_second(world: World) -> None:
    three = [*FOUR[:2], ("sign2", 2, 1), FOUR[3]]
    journal = world.allot(2)
    with world.app.begin() as conn:
        header = world.header(journal, "definition", payer_id=None)
        definitions.define_policies(conn, header, [definitions.Policy(1, True)])
    assert post_signed(world, three).line_count == 1
    two = [("prepare", 4, 0), ("check", 2, 0), ("sign2", 2, 1), ("sign1", 2, 0)]
    assert refused(lambda: post_signed(world, two, sub=2)) == "same_person"
    with world.app.begin() as conn:
        header = world.header(journal + 1, "definition", payer_id=None)
        definitions.define_policies(conn, header, [definitions.Policy(1, False)])
    assert refused(lambda: post_signed(world, three, sub=2)) == "same_person"
    with world.app.connect() as conn:
        assert verify(conn).ok


def test_what_is_posted_is_what_was_signed(world: World) -> None:
    journal = world.allot()
    signed = world.lines(journal, [mint(202611, 1, 1_000)], ())
    other = world.lines(journal, [mint(202611, 1, 9_000)], ())
    before = world.state()

    def swap() -> None:
        with world.app.begin() as conn:
            digest = world.sign(conn, journal, "list", root_of(journal, signed), FOUR)
            header = world.header(journal, "list", statement_digest=digest)
            posting.post(conn, header, other)

    assert refused(swap) == "statement"
    assert world.state() == before


def test_every_signature_is_for_the_recorded_statement(world: World) -> None:
    journal = world.allot()
    with world.app.begin() as conn:
        digest = world.sign(conn, journal, "list", bytes(32), FOUR[:1])
    other = signing.statement_digest("something else")

    def sign_other() -> None:
        with world.app.begin() as conn:
            world.sign_one(conn, journal, "list", other, "check", 2)

    assert refused(sign_other) == "statement"

    def restate() -> None:
        with world.app.begin() as conn:
            signing.record_statement(conn, journal, "list", "another text")

    assert refused(restate) == "exists"
    with world.app.begin() as conn:
        world.sign_one(conn, journal, "list", digest, "check", 2)


def test_a_signature_is_bound_to_all_its_columns(world: World) -> None:
    journal = world.allot(2)
    with world.app.begin() as conn:
        digest = signing.record_statement(conn, journal, "list", "text")
        signing.record_statement(conn, journal + 1, "list", "text")
    about = (journal, "list", "prepare", 1, 1, digest, RECORDED, 0)
    sig = KEYS[1].sign(signing.signing_message(*about))
    good = signing.Signature(journal, "prepare", 1, 1, digest, sig, RECORDED)
    for bad in (
        replace_row(good, journal_id=journal + 1),
        replace_row(good, person_id=2),
        replace_row(good, user_id=2, person_id=2),
        replace_row(good, signed_at="2026-11-26T00:00:00Z"),
        replace_row(good, sig=bytes(64)),
        replace_row(good, signed_at="2025-11-26T00:00:00Z"),  # before the key was valid
    ):
        with pytest.raises(LedgerError) as error, world.app.begin() as conn:
            signing.sign_many(conn, [bad])
        assert error.value.code == "bad_signature"
    with world.app.begin() as conn:
        assert signing.sign_many(conn, [good]) == 1


def replace_row(row: signing.Signature, **changes: object) -> signing.Signature:
    return row._replace(**changes)  # type: ignore[arg-type]  # columns of the row by name


def test_a_withdrawn_key_signs_no_more(world: World) -> None:
    journal = world.allot(2)
    with world.app.begin() as conn:
        none = definitions.Signer(1, 1, b"", "2026-11-24T00:00:00Z")
        header = world.header(journal, "definition", payer_id=None)
        definitions.define_signers(conn, header, [none])
    assert refused(lambda: post_signed(world, FOUR)) == "bad_signature"


def test_nobody_signs_after_the_seal_and_unsigned_kinds_carry_no_statement(world: World) -> None:
    sealed = post_signed(world, FOUR)

    def late() -> None:
        with world.app.begin() as conn:
            signing.record_statement(conn, sealed.journal_id, "list", "late")

    assert refused(late) in {"sealed", "exists"}

    def draw_with_statement() -> None:
        with world.app.begin() as conn:
            signing.record_statement(conn, world.first + 90, "draw", "text")

    assert refused(draw_with_statement) == "statement"
    row = [(202611, "ADV", "TRE", None, None, None, None, None, 5)]
    assert refused(lambda: world.post(row, statement_digest=bytes(32))) == "statement"


def test_signatures_are_part_of_the_hash(world: World) -> None:
    """Two books that differ in one signer have different heads."""
    sealed = post_signed(world, FOUR)
    other = post_signed(world, [*FOUR[:3], ("sign1", 5, 0)], sub=2)
    assert sealed.hash != other.hash
    header = world.header(world.allot(), "list")
    assert replace(header, kind="batch").kind == "batch"
    with world.app.connect() as conn:
        report = verify(conn)
    assert report.ok
    assert report.signatures == 8
