"""Overpayments on a real ledger, both databases: claimed, decided, paid back, never netted.

K6 severe is 750,000 a month; October is paid by the bank, the death of September is learned in
November, so October was not due.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from disbursement.entitlements import store
from disbursement.entitlements.facts import case_from_json, case_json, last_month, with_end
from disbursement.identity.service import create_user, unlock
from disbursement.platform.errors import NotAllowedError, NotFoundError, NotNowError, RefusedError
from disbursement.runs import papers, receivable_decisions, receivables, service
from disbursement.runs.receivable_decisions import Decided, Paper
from disbursement.runs.receivables import Receivable
from ledger import definitions
from tests.runs.test_close import resolve
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.test_rate_versions import close
from tests.runs.world import OFFICERS, PAYER, SECRET, Person, World, add_people, header

OVERPAID = f"overpaid.{PAYER}"
LOSS = f"loss.{PAYER}"
EXPENSE = f"expense.{PAYER}.SA.2026"
ARTICLE = "NĐ 20/2021/NĐ-CP Điều 8 khoản 2"
PAPER = Paper("45/QĐ-UBND", date(2026, 10, 23), "Chủ tịch Nguyễn Văn A")


def change(world: World, person: int, facts: Any, why: str, *, died: date | None = None) -> None:
    """Change a person's case as an import of the register does: facts, spans, a mark."""
    with world.ctx.cell.begin() as conn:
        case = facts(
            case_from_json(
                conn.execute(
                    text("SELECT facts FROM benefit_case WHERE person_id = :p"), {"p": person}
                ).scalar_one()
            )
        )
        conn.execute(
            text(
                "UPDATE benefit_case SET facts = :f, end_month = :e, end_cause = :c "
                "WHERE person_id = :p"
            ),
            {
                "f": case_json(case), "e": last_month(case), "c": case.end_cause or None,
                "p": person,
            },
        )  # fmt: skip
        if died is not None:
            conn.execute(
                text(
                    "INSERT INTO death_notice (person_id, died_on, import_id, recorded_at) "
                    "VALUES (:p, :d, 0, '')"
                ),
                {"p": person, "d": died.isoformat()},
            )
        store.work_renew(conn, "SELECT id AS person_id FROM person WHERE id = :p", {"p": person})
        store.renew(conn, month=202611)
        store.mark_dirty(
            conn, "SELECT :p AS sub_id, 202610 AS from_month, :w AS why", {"p": person, "w": why}
        )


def die(world: World, person: int, day: date = date(2026, 9, 20)) -> None:
    change(world, person, lambda c: with_end(c, day, "chết"), "change", died=day)


def revive(world: World, person: int) -> None:
    """The death was a mistaken identity: notice and end are taken back."""
    with world.ctx.cell.begin() as conn:
        conn.execute(text("DELETE FROM death_notice WHERE person_id = :p"), {"p": person})
    change(
        world,
        person,
        lambda c: replace(c, status="active", end_date=None, end_cause=""),
        "change",
    )


def paid_october(world: World, people: int = 2, case: Any = K6) -> list[int]:
    made = add_people(world, [Person(date(1980 + n, 3, 1), case) for n in range(people)])
    budget(world, sa=50_000_000)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    (list_id, total) = world.rows("SELECT id, total_vnd FROM pay_list WHERE state = 'released'")[0]
    service.draw(
        world.ctx, list_id, voucher="RDT1", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    with world.ctx.cell.begin() as conn:
        resolve(world, conn, conn.execute(text("SELECT id FROM batch")).scalar_one(), good=True)
    close(world, date(2026, 10, 4))  # before NĐ 335/2026 came into force
    return made


def claimed(world: World, people: int = 2) -> list[Receivable]:
    """The first person died in September; November's list claims October back."""
    made = paid_october(world, people)
    die(world, made[0])
    done = service.prepare(world.ctx, 202611, world.signers["an"])
    assert done.minted_vnd == 750_000 * (people - 1)
    sign_all(world, 202611)
    world.clock.set(date(2026, 10, 24))
    healthy(world)
    return known(world)


def known(world: World) -> list[Receivable]:
    with world.ctx.cell.read() as conn:
        return receivables.read_receivables(conn)


def decide(world: World, numbers: list[int], kind: str, paper: Paper = PAPER) -> Decided:
    who = "dung" if kind == "recover" else "an"
    return receivable_decisions.decide(world.ctx, numbers, kind, paper, world.signers[who])


def signed(world: World, decision: int) -> Decided:
    receivable_decisions.sign(world.ctx, decision, world.signers["chi"])
    return receivable_decisions.sign(world.ctx, decision, world.signers["dung"])


def back(world: World, numbers: list[int], amount: int, voucher: str = "NT01") -> Any:
    return receivables.repay(
        world.ctx, numbers, voucher=voucher, day=date(2026, 10, 24), amount_vnd=amount, actor="chi"
    )


def test_what_was_paid_after_a_death_becomes_a_receivable_with_its_evidence(world: World) -> None:
    (found,) = claimed(world)
    assert (found.payer, found.programme, found.month) == (PAYER, "SA", 202610)
    assert (found.amount_vnd, found.owed_vnd, found.due_vnd) == (750_000, 750_000, 0)
    assert (found.open_vnd, found.state, found.decision) == (750_000, "waiting", "")
    assert found.cause == "death"
    assert found.why_vi == "chết ngày 20/09/2026: thôi hưởng từ tháng sau"
    assert found.citation == ARTICLE
    assert found.rates[0].startswith("shipped:")
    assert world.balance(OVERPAID) == 750_000
    assert world.balance(EXPENSE) == 2 * 750_000  # one October, one November
    # nothing was taken out of anybody's November: the other person gets all of it
    assert world.rows("SELECT total_vnd, receivable_vnd FROM pay_list WHERE month = 202611 "
                      "AND state = 'released'") == [(750_000, 750_000)]  # fmt: skip


def test_a_lower_rate_is_claimed_with_its_article_and_nothing_is_netted(world: World) -> None:
    """Paid as most severe (1,000,000), found to be severe: the same month's 250,000 only."""
    (person,) = paid_october(world, 1, {**K6, "degree": "ES"})
    change(world, person, lambda c: replace(c, degree="S"), "change")
    done = service.prepare(world.ctx, 202611, world.signers["an"])
    assert done.minted_vnd == done.total_vnd == 750_000
    sign_all(world, 202611)
    (found,) = known(world)
    assert (found.cause, found.amount_vnd, found.due_vnd) == ("change", 250_000, 750_000)
    assert found.why_vi == "thay đổi hồ sơ (hồ sơ được sửa)"
    assert "NĐ 20/2021" in found.citation
    healthy(world)


def test_recover_then_the_money_comes_back_by_vouchers(world: World) -> None:
    (found,) = claimed(world)
    done = decide(world, [found.id], "recover")
    assert (done.state, done.waits_for, done.amount_vnd) == ("recorded", "", 750_000)
    assert known(world)[0].state == "recover"
    assert (known(world)[0].decision_number, known(world)[0].decision_signer) == (
        "45/QĐ-UBND",
        "Chủ tịch Nguyễn Văn A",
    )
    first = back(world, [found.id], 300_000)
    assert (first.amount_vnd, first.open_vnd) == (300_000, 450_000)
    assert world.balance(OVERPAID) == 450_000
    assert world.balance(f"treasury.{PAYER}") == -2 * 750_000 + 300_000
    healthy(world)
    with pytest.raises(RefusedError) as much:
        back(world, [found.id], 450_001, "NT02")
    assert much.value.code == "repaid_too_much"
    with pytest.raises(NotNowError) as used:
        back(world, [found.id], 450_000, " NT01 ")
    assert used.value.code == "voucher_used"
    assert world.balance(OVERPAID) == 450_000
    back(world, [found.id], 450_000, "NT02")
    (now,) = known(world)
    assert (now.repaid_vnd, now.open_vnd, now.state) == (750_000, 0, "settled")
    with pytest.raises(NotNowError) as over:
        back(world, [found.id], 1, "NT03")
    assert over.value.code == "receivable_settled"
    assert world.balance(OVERPAID) == 0
    healthy(world)


def test_writing_off_needs_three_people_and_is_not_paid_again(world: World) -> None:
    (found,) = claimed(world)
    person = world.one("SELECT person_id FROM receivable")
    done = decide(world, [found.id], "write_off")
    assert (done.state, done.waits_for) == ("proposed", "sign2")
    assert world.balance(OVERPAID) == 750_000
    with pytest.raises(NotAllowedError):
        receivable_decisions.sign(world.ctx, done.id, world.signers["dung"])
    receivable_decisions.sign(world.ctx, done.id, world.signers["chi"])
    assert known(world)[0].state == "proposed"
    last = receivable_decisions.sign(world.ctx, done.id, world.signers["dung"])
    assert (last.state, last.waits_for) == ("posted", "")
    assert (world.balance(OVERPAID), world.balance(LOSS)) == (0, 750_000)
    assert world.rows(
        "SELECT s.role, s.user_id FROM signature s JOIN journal j ON j.id = s.journal_id "
        "WHERE j.kind = 'write_off' ORDER BY s.user_id"
    ) == [("prepare", 1), ("sign2", 3), ("sign1", 4)]
    healthy(world)
    # The death was a mistake after all: October is due again, but the person has it and keeps it.
    revive(world, person)
    again = service.prepare(world.ctx, 202611, world.signers["an"])
    assert again.minted_vnd == 750_000  # November alone
    assert world.rows(
        "SELECT h.cover, h.reason, h.amount_vnd FROM list_hold h JOIN pay_list l "
        "ON l.id = h.list_id WHERE l.state = 'prepared' AND h.reason <> :r",
        r="rerating_decision_missing",
    ) == [(202610, "written_off", 750_000)]
    sign_all(world, 202611)
    healthy(world)


def test_a_mistaken_death_is_restored_by_the_next_list(world: World) -> None:
    claimed(world)
    person = world.one("SELECT person_id FROM receivable")
    revive(world, person)
    again = service.prepare(world.ctx, 202611, world.signers["an"])
    assert again.minted_vnd == 750_000  # November; October was paid and is only restored
    sign_all(world, 202611)
    (now,) = known(world)
    assert (now.restored_vnd, now.open_vnd, now.state) == (750_000, 0, "settled")
    assert world.balance(OVERPAID) == 0
    healthy(world)


def test_restoring_by_decision_follows_the_register(world: World) -> None:
    (found,) = claimed(world)
    person = world.one("SELECT person_id FROM receivable")
    with pytest.raises(RefusedError) as dead:
        decide(world, [found.id], "restore")
    assert dead.value.code == "restore_not_due"
    revive(world, person)
    done = decide(world, [found.id], "restore")
    signed(world, done.id)
    assert world.balance(OVERPAID) == 0
    assert world.balance(EXPENSE) == 3 * 750_000
    assert world.rows(
        "SELECT rev, due_after, amount FROM line WHERE sub_id = :s AND cover = 202610 "
        "AND rev IS NOT NULL ORDER BY rev", s=person
    ) == [(0, 750_000, 750_000), (1, 0, 750_000), (2, 750_000, 750_000)]  # fmt: skip
    again = service.prepare(world.ctx, 202611, world.signers["an"])
    assert again.minted_vnd == 750_000
    sign_all(world, 202611)
    healthy(world)


def test_a_decision_that_the_book_has_overtaken_is_not_signed(world: World) -> None:
    (found,) = claimed(world)
    done = decide(world, [found.id], "write_off")
    receivable_decisions.sign(world.ctx, done.id, world.signers["chi"])
    back(world, [found.id], 50_000)  # a fact can always be booked
    with pytest.raises(NotNowError) as moved:
        receivable_decisions.sign(world.ctx, done.id, world.signers["dung"])
    assert moved.value.code == "receivable_changed"
    assert world.balance(LOSS) == 0
    anew = decide(world, [found.id], "write_off")
    assert (anew.amount_vnd, anew.state) == (700_000, "proposed")
    with pytest.raises(NotNowError) as old:
        receivable_decisions.sign(world.ctx, done.id, world.signers["dung"])
    assert old.value.code == "decision_state"
    signed(world, anew.id)
    assert (world.balance(OVERPAID), world.balance(LOSS)) == (0, 700_000)
    healthy(world)


def test_a_list_that_waits_for_signatures_comes_first(world: World) -> None:
    (found,) = claimed(world)
    revive(world, world.one("SELECT person_id FROM receivable"))
    done = decide(world, [found.id], "write_off")
    service.prepare(world.ctx, 202611, world.signers["an"])  # restores October
    with pytest.raises(NotNowError) as listed:
        receivable_decisions.sign(world.ctx, done.id, world.signers["chi"])
    assert listed.value.code == "receivable_listed"
    sign_all(world, 202611)
    with pytest.raises(NotNowError) as moved:
        receivable_decisions.sign(world.ctx, done.id, world.signers["chi"])
    assert moved.value.code == "receivable_changed"
    assert (world.balance(OVERPAID), world.balance(LOSS)) == (0, 0)
    healthy(world)


def test_several_months_and_people(world: World) -> None:
    made = paid_october(world, 3)
    for person in made[:2]:
        die(world, person)
    service.prepare(world.ctx, 202611, world.signers["an"])
    sign_all(world, 202611)
    world.clock.set(date(2026, 10, 24))
    one, two = (r.id for r in known(world))
    with pytest.raises(RefusedError) as people:
        back(world, [one, two], 100_000)
    assert people.value.code == "repaid_people"
    done = decide(world, [one, two], "recover")
    assert (done.receivables, done.amount_vnd) == ((one, two), 1_500_000)
    pdf, book = papers.write_receivables(world.ctx, PAYER)
    said = " ".join("".join(p.extract_text() for p in PdfReader(pdf).pages).split())
    assert "2 người; đã chi thừa 1.500.000 đồng, còn phải thu 1.500.000 đồng" in said
    assert "Một triệu năm trăm nghìn đồng" in said
    assert "Phải thu hồi: thu hồi, số 45/QĐ-UBND ngày 23/10/2026" in said
    assert book.stat().st_size > 5_000


@pytest.mark.parametrize(
    ("numbers", "kind", "paper", "code"),
    [
        ([99], "recover", PAPER, "receivable"),
        ([], "recover", PAPER, "receivables"),
        ([1, 1], "recover", PAPER, "receivables"),
        ([1], "forgive", PAPER, "decision_kind"),
        ([1], "recover", replace(PAPER, number=" "), "decision"),
        ([1], "recover", replace(PAPER, signer=""), "decision"),
        ([1], "recover", replace(PAPER, day=date(2026, 10, 25)), "decision_date"),
    ],
)
def test_wrong_decisions_change_nothing(
    world: World, numbers: list[int], kind: str, paper: Paper, code: str
) -> None:
    claimed(world)
    with pytest.raises((RefusedError, NotFoundError)) as wrong:
        decide(world, numbers, kind, paper)
    assert wrong.value.code == code
    assert world.one("SELECT count(*) FROM receivable_decision") == 0
    assert world.balance(OVERPAID) == 750_000


def test_who_may_decide_and_only_once(world: World) -> None:
    (found,) = claimed(world)
    for who, kind in (("an", "recover"), ("chi", "recover"), ("dung", "write_off")):
        with pytest.raises(NotAllowedError) as role:
            receivable_decisions.decide(world.ctx, [found.id], kind, PAPER, world.signers[who])
        assert role.value.code == "role"
    with pytest.raises(NotAllowedError):
        receivables.repay(
            world.ctx, [found.id], voucher="X", day=date(2026, 10, 24), amount_vnd=1, actor="an"
        )
    decide(world, [found.id], "recover")
    for paper, code in ((PAPER, "decision_used"), (replace(PAPER, number="46"), "decided")):
        with pytest.raises(NotNowError) as again:
            decide(world, [found.id], "recover", paper)
        assert again.value.code == code
    # what cannot be recovered may be written off by a later decision
    signed(world, decide(world, [found.id], "write_off", replace(PAPER, number="50/QĐ")).id)
    assert (world.balance(OVERPAID), world.balance(LOSS)) == (0, 750_000)
    healthy(world)


def test_the_same_person_cannot_sign_twice(world: World) -> None:
    (found,) = claimed(world)
    create_user(world.ctx, "an3", "Cán bộ an", OFFICERS["an"][1], ["second_signer"], SECRET)
    second = unlock(world.ctx, "an3", SECRET)
    key = definitions.Signer(
        second.user_id,
        second.person_id,
        second._key.public_key().public_bytes_raw(),
        "2026-01-01T00:00:00Z",
    )
    with world.ctx.cell.begin() as conn:
        definitions.define_signers(conn, header(world, conn, "definition", "an3"), [key])
    done = decide(world, [found.id], "write_off")
    with pytest.raises(NotAllowedError) as same:
        receivable_decisions.sign(world.ctx, done.id, second)
    assert same.value.code == "same_person"
    assert world.balance(LOSS) == 0


def test_a_doctored_book_is_found(world: World) -> None:
    from disbursement.jobs import invariants

    claimed(world)
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO repayment (id, payer_id, person_id, voucher, paid_on, amount_vnd, "
                "journal_id, recorded_by, recorded_at) "
                "VALUES (9, :p, 1, 'X', '', 5, 999999, '', '')"
            ),
            {"p": world.payer_id},
        )
        conn.execute(
            text(
                "INSERT INTO receivable (id, payer_id, person_id, programme, sub_id, cover, item, "
                "amount_vnd, due_vnd, list_id, journal_id, opened_at, cause, detail) "
                "VALUES (9, :p, 1, 'SA', 1, 202609, 1, 7, 0, 0, 0, '', 'rate', '')"
            ),
            {"p": world.payer_id},
        )
    with world.ctx.cell.read() as conn:
        found = [(f.invariant, f.where, f.amount) for f in invariants.check_all(conn)]
    assert found == [
        ("receivables", PAYER, -7),
        ("receivable_decisions", "repayment 9", 5),
    ]
