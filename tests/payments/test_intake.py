"""Answers against a real ledger, on both databases: to the dong, or nothing at all."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from disbursement.payments.intake import take_answer, take_folder
from tests.payments.world import (
    ADVANCE,
    FEE,
    PAYABLE,
    PAYER,
    PROVIDER,
    SUSPENSE,
    TRANSIT,
    Entry,
    Month,
    back,
    camt053,
    debit,
    pain002,
    sent_month,
)
from tests.runs.test_month import healthy
from tests.runs.world import World

EACH = 750_000
ALL = 6 * EACH
CASH = 2 * 500_000
DRAWN = ALL + CASH
RESULT_TABLES = (
    "attempt_news",
    "bank_statement",
    "bank_entry",
    "break_item",
    "free_coin",
    "line",
    "seal",
    "funding_entry",
)


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    made = sent_month(world, tmp_path / "drop")
    assert (made.total, made.drawn, [r.amount for r in made.rows]) == (ALL, DRAWN, [EACH] * 6)
    healthy(world)
    return made


def plan(world: World) -> tuple[int, int, int]:
    return tuple(world.balance(f"cash_{k}.{PAYER}.{PROVIDER}") for k in ("free", "held", "used"))


def snapshot(world: World) -> list[tuple[object, ...]]:
    counts = [(t, *world.rows(f"SELECT count(*) FROM {t}")[0]) for t in RESULT_TABLES]
    return (
        counts
        + world.rows("SELECT code, debit, credit FROM account ORDER BY code")
        + world.rows("SELECT id, state, answered_at FROM batch ORDER BY id")
    )


def funded(month: Month) -> bytes:
    vouchers = month.world.rows("SELECT voucher, amount_vnd FROM draw ORDER BY id")
    return month.statement([Entry("CRDT", v, text=f"KBNN CHUYEN {n} CHI TRA") for n, v in vouchers])


def test_a_month_of_answers_is_booked_to_the_dong(month: Month):
    world, rows = month.world, month.rows
    first = month.take(pain002(month.message_id, [(rows[5].e2e, "RJCT", "AC04")], group="PART"))
    assert (first.state, dict(first.counts), first.amounts["rejected"]) == (
        "applied",
        {"rejected": 1},
        0,
    )
    assert world.balance(TRANSIT) == -5 * EACH
    assert world.rows("SELECT state FROM batch WHERE rail = 'bank'") == [("sent",)]
    assert plan(world) == (EACH, 4_750_000, 0)
    healthy(world)
    second = month.take(funded(month))
    assert dict(second.counts) == {"draw": 2}
    assert second.journals == ()
    third = month.take(month.statement([debit(r) for r in rows[:5]]))
    assert dict(third.counts) == {"credited": 5}
    assert third.amounts["credited"] == 5 * EACH
    assert (world.balance(TRANSIT), world.balance(ADVANCE)) == (0, DRAWN - 5 * EACH)
    assert plan(world) == (EACH, CASH, 5 * EACH)
    healthy(world)
    fourth = month.take(month.statement([back(rows[0], "AC06")]))
    assert dict(fourth.counts) == {"returned": 1}
    assert world.balance(ADVANCE) == DRAWN - 4 * EACH == month.balance
    assert plan(world) == (2 * EACH, CASH, 4 * EACH)
    assert month.states() == ["returned", *["credited"] * 4, "rejected"]
    assert world.rows(
        "SELECT reason, amount_vnd, programme, since_month FROM free_coin ORDER BY reason"
    ) == [
        ("rejected:AC04", EACH, "SA", 202610),
        ("returned:AC06", EACH, "SA", 202610),
    ]
    assert world.one("SELECT count(*) FROM break_item") == 0
    assert world.balance(SUSPENSE) == 0
    healthy(world)


def test_the_free_coin_knows_its_last_move(month: Month):
    world = month.world
    month.take(pain002(month.message_id, [(month.rows[5].e2e, "RJCT", "AC04")]))
    month.take(month.statement([debit(month.rows[0]), back(month.rows[0])]))
    assert world.rows(
        "SELECT f.move, (SELECT max(l.move) FROM line l WHERE l.sub_id = f.sub_id "
        "AND l.cover = f.cover AND l.item = f.item) FROM free_coin f ORDER BY f.move"
    ) == [(2, 2), (3, 3)]
    assert month.states()[0] == "returned"
    healthy(world)


def test_the_same_bytes_twice_change_nothing(month: Month):
    for data in (
        pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")]),
        funded(month),
        month.statement([debit(month.rows[1])]),
    ):
        assert month.take(data).state == "applied"
        before = snapshot(month.world)
        again = month.take(data)
        assert (again.state, again.code) == ("repeated", "same_bytes")
        assert snapshot(month.world) == before


def test_what_a_power_cut_left_without_bytes_is_kept_anew(month: Month):
    """A name without its bytes is no evidence: the answer is taken, and its file is whole after."""
    data = pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")])
    digest = hashlib.sha256(data).hexdigest()
    path = month.world.ctx.settings.files / "evidence" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert month.take(data).state == "applied"
    assert path.read_bytes() == data


def test_the_same_outcomes_under_a_new_message_id_change_no_money(month: Month):
    rows = [(month.rows[0].e2e, "RJCT", "AC04")]
    month.take(pain002(month.message_id, rows))
    before = snapshot(month.world)
    again = month.take(pain002(month.message_id, rows))
    assert (again.state, dict(again.counts)) == ("applied", {"repeated": 1})
    assert snapshot(month.world) == before


def test_other_content_under_a_used_message_id_is_refused(month: Month):
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")], msg_id="X1"))
    before = snapshot(month.world)
    other = month.take(
        pain002(month.message_id, [(month.rows[1].e2e, "RJCT", "AC04")], msg_id="X1")
    )
    assert (other.state, other.code) == ("refused", "message_reused")
    assert snapshot(month.world) == before


def test_a_duplicate_row_in_one_answer_counts_once(month: Month):
    row = (month.rows[0].e2e, "RJCT", "AC04")
    done = month.take(pain002(month.message_id, [row, row]))
    assert dict(done.counts) == {"rejected": 1, "repeated": 1}
    assert month.world.balance(TRANSIT) == -5 * EACH
    healthy(month.world)


@pytest.mark.parametrize("group", ["PART", "RCVD", "PDNG", "ACTC", "XXXX"])
def test_part_and_in_process_alone_change_nothing(month: Month, group: str):
    done = month.take(pain002(month.message_id, group=group))
    assert done.state == "applied"
    assert month.world.balance(TRANSIT) == -ALL
    assert month.states() == [""] * 6
    assert month.world.one("SELECT state FROM batch WHERE rail = 'bank'") == "sent"


@pytest.mark.parametrize("group", ["ACCP", "ACSP", "ACWC"])
def test_accepted_for_the_file_is_the_batch_state_and_no_credit(month: Month, group: str):
    month.take(pain002(month.message_id, group=group))
    assert month.world.one("SELECT state FROM batch WHERE rail = 'bank'") == "accepted"
    assert month.states() == [""] * 6
    assert month.world.balance(TRANSIT) == -ALL


def test_all_members_listed_as_accepted_is_an_accepted_batch_without_a_row_each(month: Month):
    listed = [(r.e2e, "ACSP", "") for r in month.rows[:5]] + [(month.rows[5].e2e, "RJCT", "AC01")]
    month.take(pain002(month.message_id, listed, group="PART"))
    assert month.world.one("SELECT state FROM batch WHERE rail = 'bank'") == "accepted"
    assert month.states() == ["", "", "", "", "", "rejected"]


def test_some_listed_as_accepted_are_noted_one_by_one_and_the_rest_stay_in_flight(month: Month):
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "ACSP", "")], group="PART"))
    assert month.world.one("SELECT state FROM batch WHERE rail = 'bank'") == "sent"
    assert month.states() == ["accepted", "", "", "", "", ""]


def test_a_rejected_file_fails_every_member(month: Month):
    done = month.take(pain002(month.message_id, group="RJCT", reason="AM04"))
    assert dict(done.counts) == {"rejected": 6}
    assert (month.world.balance(TRANSIT), plan(month.world)) == (0, (ALL, CASH, 0))
    assert month.world.rows("SELECT DISTINCT reason FROM free_coin") == [("rejected:AM04",)]
    assert month.states() == ["rejected"] * 6
    healthy(month.world)


def test_a_rejected_file_with_listed_members_keeps_their_own_reason(month: Month):
    done = month.take(
        pain002(
            month.message_id,
            [(month.rows[0].e2e, "RJCT", "AC01"), (month.rows[1].e2e, "PDNG", "")],
            group="RJCT",
            reason="AM04",
        )
    )
    assert dict(done.counts) == {"rejected": 6}
    assert month.world.rows(
        "SELECT reason, count(*) FROM free_coin GROUP BY reason ORDER BY reason"
    ) == [("rejected:AC01", 1), ("rejected:AM04", 5)]
    healthy(month.world)


@pytest.mark.parametrize("code", ["AM05", "DU01", "DUPL"])
def test_rejected_as_duplicate_means_ask_and_never_failed(month: Month, code: str):
    month.take(pain002(month.message_id, group="RJCT", reason=code))
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", code)]))
    assert month.world.balance(TRANSIT) == -ALL
    assert month.states() == ["unknown", "", "", "", "", ""]
    month.take(month.statement([debit(month.rows[0])]))
    assert month.states()[0] == "credited"


def test_unknown_codes_are_kept_and_never_taken_for_success(month: Month):
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "ZZZZ", "")]))
    assert month.world.rows("SELECT state, code FROM attempt_news") == [("sent", "ZZZZ")]
    assert month.world.balance(TRANSIT) == -ALL


@pytest.mark.parametrize("claim", ["ACSC", "ACCC"])
def test_a_claim_of_settlement_moves_nothing_and_a_rejection_after_it_parks(
    month: Month, claim: str
):
    row = month.rows[0]
    month.take(pain002(month.message_id, [(row.e2e, claim, "")]))
    assert month.world.balance(TRANSIT) == -ALL
    assert month.states()[0] == "accepted"
    done = month.take(pain002(month.message_id, [(row.e2e, "RJCT", "AC04")]))
    assert dict(done.counts) == {"contradiction": 1}
    assert month.states()[0] == "parked"
    assert month.world.balance(TRANSIT) == -ALL
    assert month.world.rows("SELECT kind, state FROM break_item") == [("contradiction", "open")]
    healthy(month.world)


def test_rejected_and_then_debited_goes_to_suspense_and_parks(month: Month):
    row = month.rows[0]
    month.take(pain002(month.message_id, [(row.e2e, "RJCT", "AC04")]))
    month.take(funded(month))
    done = month.take(month.statement([debit(row)]))
    assert dict(done.counts) == {"wrong_place": 1}
    assert (month.world.balance(SUSPENSE), month.world.balance(ADVANCE)) == (EACH, DRAWN - EACH)
    assert month.states()[0] == "parked"
    assert month.world.balance(ADVANCE) == month.balance
    healthy(month.world)


def test_debited_twice_is_more_money_and_parks(month: Month):
    row = month.rows[0]
    done = month.take(month.statement([debit(row), debit(row)]))
    assert dict(done.counts) == {"credited": 1, "wrong_place": 1}
    assert month.world.balance(SUSPENSE) == EACH
    assert month.world.balance(TRANSIT) == -5 * EACH
    assert month.states()[0] == "parked"
    healthy(month.world)


@pytest.mark.parametrize("amount", [EACH - 1, EACH + 1])
def test_one_dong_more_or_less_is_parked_and_in_suspense(month: Month, amount: int):
    done = month.take(month.statement([debit(month.rows[0], amount)]))
    assert dict(done.counts) == {"amount_differs": 1}
    assert (month.world.balance(TRANSIT), month.world.balance(SUSPENSE)) == (-ALL, amount)
    assert month.states()[0] == "parked"
    assert month.world.rows("SELECT kind, amount_vnd FROM break_item") == [
        ("amount_differs", amount)
    ]
    healthy(month.world)


def test_a_status_with_another_amount_parks_and_moves_nothing(month: Month):
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04", EACH - 1)]))
    assert month.world.balance(TRANSIT) == -ALL
    assert month.states()[0] == "parked"


def test_a_return_less_charges_frees_the_whole_coin_and_books_the_fee(month: Month):
    row = month.rows[0]
    month.take(funded(month))
    month.take(month.statement([debit(row)]))
    done = month.take(month.statement([back(row, amount=EACH - 3_300, charges=3_300)]))
    assert dict(done.counts) == {"returned": 1}
    assert month.world.balance(FEE) == 3_300
    assert month.world.balance(ADVANCE) == DRAWN - 3_300 == month.balance
    assert month.world.rows("SELECT amount_vnd FROM free_coin") == [(EACH,)]
    healthy(month.world)


def test_a_return_before_its_debit_waits_in_suspense_and_is_applied_with_it(month: Month):
    row = month.rows[0]
    month.take(funded(month))
    early = month.take(month.statement([back(row, amount=EACH - 100, charges=100)]))
    assert dict(early.counts) == {"return_first": 1}
    assert month.world.balance(SUSPENSE) == -(EACH - 100)
    assert month.states()[0] == ""
    late = month.take(month.statement([debit(row)]))
    assert late.counts["credited"] == 1
    assert late.counts["returned"] == 1
    assert month.world.balance(SUSPENSE) == 0
    assert month.world.balance(FEE) == 100
    assert month.world.balance(ADVANCE) == month.balance == DRAWN - 100
    assert month.states()[0] == "returned"
    assert month.world.rows("SELECT kind, state FROM break_item") == [("return_first", "resolved")]
    healthy(month.world)


def test_fees_and_strangers_money(month: Month):
    month.take(funded(month))
    done = month.take(
        month.statement(
            [
                Entry("DBIT", 5_500, text="PHI DICH VU CHUYEN TIEN"),
                Entry("CRDT", 123, text="ai do chuyen nham"),
                Entry("DBIT", 77, text="khong ro"),
                Entry("DBIT", 1, "DS25ABCDEFGH0000"),
            ]
        )
    )
    assert dict(done.counts) == {"fee": 1, "no_id": 2, "unknown_id": 1}
    assert month.world.balance(FEE) == 5_500
    assert month.world.balance(SUSPENSE) == 77 - 123 + 1
    assert month.world.balance(ADVANCE) == month.balance
    assert month.world.one("SELECT count(*) FROM break_item WHERE state = 'open'") == 3
    healthy(month.world)


def test_a_draw_of_another_amount_is_a_break(month: Month):
    number, amount = month.world.rows("SELECT voucher, amount_vnd FROM draw ORDER BY id")[0]
    done = month.take(month.statement([Entry("CRDT", amount - 1, text=f"KBNN {number}")]))
    assert dict(done.counts) == {"draw_differs": 1}
    assert month.world.balance(SUSPENSE) == -(amount - 1)
    healthy(month.world)


def test_one_debit_for_the_whole_file_net_of_rejects(month: Month):
    month.take(pain002(month.message_id, [(month.rows[5].e2e, "RJCT", "AC04")]))
    wrong = month.take(month.statement([Entry("DBIT", ALL, pmtinf=f"{month.message_id}-1")]))
    assert dict(wrong.counts) == {"batch_differs": 1}
    assert month.world.balance(TRANSIT) == -5 * EACH
    done = month.take(month.statement([Entry("DBIT", 5 * EACH, pmtinf=f"{month.message_id}-1")]))
    assert dict(done.counts) == {"credited": 5}
    assert month.world.balance(TRANSIT) == 0
    assert month.states() == [*["credited"] * 5, "rejected"]
    healthy(month.world)


def test_the_id_is_found_in_instr_id_and_in_the_text(month: Month):
    entries = [
        Entry("DBIT", EACH, "NOTPROVIDED", instr=month.rows[0].e2e),
        Entry("DBIT", EACH, text=f"CK {month.rows[1].e2e} CHI TRA THANG 10"),
    ]
    done = month.take(month.statement(entries))
    assert dict(done.counts) == {"credited": 2}


def test_entries_that_are_not_booked_move_nothing(month: Month):
    row = month.rows[0]
    data = camt053([Entry("DBIT", EACH, row.e2e, status="PDNG")], sequence=1, opening=0)
    done = month.take(data)
    assert (done.state, dict(done.counts)) == ("applied", {})
    assert month.world.balance(TRANSIT) == -ALL


# --- order of statements -------------------------------------------------------------------------


def test_a_statement_with_a_gap_waits_and_is_taken_when_the_missing_one_comes(month: Month):
    first, second, third = (
        funded(month),
        month.statement([debit(month.rows[0])]),
        month.statement([debit(month.rows[1])]),
    )
    month.take(first)
    before = snapshot(month.world)
    early = month.take(third)
    assert (early.state, early.code) == ("waiting", "statement_gap")
    assert snapshot(month.world) == before
    assert "còn thiếu" in early.sentence
    late = month.take(second)
    assert late.state == "applied"
    assert [r.state for r in late.then] == ["applied"]
    assert month.world.balance(TRANSIT) == -4 * EACH
    assert month.world.rows("SELECT DISTINCT state FROM answer") == [("applied",)]
    assert month.take(third).state == "repeated"
    healthy(month.world)


def test_two_waiting_statements_are_taken_in_order(month: Month):
    files = [funded(month), *(month.statement([debit(r)]) for r in month.rows[:3])]
    month.take(files[0])
    month.take(files[3])
    month.take(files[2])
    done = month.take(files[1])
    assert [r.state for r in done.then] == ["applied", "applied"]
    assert month.world.balance(TRANSIT) == -3 * EACH
    assert month.world.rows("SELECT sequence, bank_sequence FROM bank_statement ORDER BY 1") == [
        (n, n) for n in (1, 2, 3, 4)
    ]


def test_statements_that_do_not_continue_are_refused(month: Month):
    month.take(funded(month))
    before = snapshot(month.world)
    cases = {
        "balance_gap": camt053([debit(month.rows[0])], sequence=2, opening=month.balance - 1),
        "statement_old": camt053(
            [debit(month.rows[0])], sequence=1, opening=month.balance, ident="Z"
        ),
        "statement_altered": camt053([], sequence=1, opening=5, ident="S10000001-1"),
        "other_account": camt053(
            [debit(month.rows[0])], sequence=2, opening=month.balance, account="99"
        ),
        "statement_future": camt053(
            [debit(month.rows[0])], sequence=2, opening=month.balance, day=date(2026, 10, 6)
        ),
        "currency": camt053(
            [debit(month.rows[0])], sequence=2, opening=month.balance, currency="EUR"
        ),
        "balance_differs": camt053(
            [debit(month.rows[0])], sequence=2, opening=month.balance, closing=month.balance
        ),
    }
    for code, data in cases.items():
        done = month.take(data)
        assert (done.state, done.code) == ("refused", code)
        assert done.sentence.rstrip().endswith(".")
        assert snapshot(month.world) == before


def test_the_same_statement_in_other_bytes_is_repeated(month: Month):
    data = funded(month)
    month.take(data)
    before = snapshot(month.world)
    done = month.take(data.replace(b"<Ntry>", b"\r\n<Ntry>"))
    assert (done.state, done.code) == ("repeated", "statement_seen")
    assert snapshot(month.world) == before


def test_a_first_statement_with_an_opening_balance_is_shown(month: Month):
    month.balance = 1_000
    month.take(month.statement([debit(month.rows[0])]))
    assert month.world.rows("SELECT kind, amount_vnd FROM break_item") == [
        ("opening_balance", 1_000)
    ]


# --- files that are not taken --------------------------------------------------------------------


def test_refused_files_change_nothing_and_say_why(month: Month):
    good = pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")])
    other = month.world.one(
        "SELECT end_to_end_id FROM batch_row WHERE batch_id = :b", b=month.cash_batch
    )
    before = snapshot(month.world)
    cases = [
        (
            "quarantined",
            "unknown_message",
            pain002("DS25B9999999999", [(month.rows[0].e2e, "RJCT", "AC04")]),
        ),
        ("refused", "other_batch", pain002(month.message_id, [(other, "RJCT", "AC04")])),
        ("refused", "not_an_answer", b"<x/>"),
        ("refused", None, good[:-40]),
        ("refused", "doctype", good.replace(b"<Document", b"<!DOCTYPE x><Document")),
    ]
    for state, code, data in cases:
        done = month.take(data)
        assert done.state == state
        if code:
            assert done.code == code
        assert snapshot(month.world) == before
    assert month.world.one("SELECT count(*) FROM answer WHERE state = 'refused'") == 4
    assert month.world.one("SELECT count(*) FROM answer WHERE state = 'quarantined'") == 1
    assert month.take(good).state == "applied"


def test_every_cut_of_a_file_is_refused(month: Month):
    data = month.statement([debit(month.rows[0])])
    before = snapshot(month.world)
    step = max(1, len(data) // 23)
    for end in range(1, len(data) - 1, step):
        assert month.take(data[:end]).state == "refused"
    assert snapshot(month.world) == before
    assert month.take(data).state == "applied"


def test_an_answer_before_the_file_was_sent_is_refused(world: World, tmp_path: Path):
    from tests.payments.world import month_of
    from tests.runs.test_close import released

    released(world)
    month = month_of(world)
    before = snapshot(world)
    done = month.take(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")]))
    assert (done.state, done.code) == ("refused", "not_sent")
    assert snapshot(world) == before
    money = month.take(month.statement([debit(month.rows[0])]))
    assert dict(money.counts) == {"not_yet_sent": 1}
    assert world.balance(SUSPENSE) == month.rows[0].amount


def test_an_answer_is_not_taken_by_somebody_of_another_office(month: Month):
    from disbursement.identity.service import create_user

    create_user(
        month.world.ctx, "khac", "Nguoi khac", "030080000009", ["preparer:99999"], "mat-khau-khac-1"
    )
    before = snapshot(month.world)
    data = pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")])
    done = month.take(data, actor="khac")
    assert (done.state, done.code) == ("refused", "other_office")
    assert PAYER not in done.sentence
    assert snapshot(month.world) == before
    assert month.take(data, actor="an").state == "applied"


def test_an_answer_to_a_batch_whose_sending_was_not_recorded(month: Month):
    from sqlalchemy import text

    with month.world.ctx.cell.begin() as conn:
        conn.execute(
            text("UPDATE batch SET state = 'unknown' WHERE id = :b"), {"b": month.batch_id}
        )
    month.take(month.statement([debit(month.rows[0])]))
    assert month.world.one("SELECT state FROM batch WHERE id = :b", b=month.batch_id) == "sent"


def test_raw_bytes_are_kept_before_anything_reads_them(month: Month):
    import hashlib

    month.take(b"\x00 not xml")
    name = hashlib.sha256(b"\x00 not xml").hexdigest()
    kept = month.world.ctx.settings.files / "evidence" / name[:2] / name
    assert kept.read_bytes() == b"\x00 not xml"
    assert month.world.rows("SELECT state, size FROM answer") == [("refused", 9)]


def test_a_folder_is_taken_in_order_and_paths_are_streamed(month: Month, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.xml").write_bytes(funded(month))
    (folder / "2.xml").write_bytes(month.statement([debit(month.rows[0])]))
    (folder / ".3.xml.part").write_bytes(b"half")
    done = take_folder(month.world.ctx, folder, actor="worker")
    assert [r.state for r in done] == ["applied", "applied"]
    assert (
        take_answer(
            month.world.ctx, folder / "1.xml", source_name="../../x\n", actor="worker"
        ).state
        == "repeated"
    )


def test_late_return_after_the_month_is_booked_into_the_open_month(month: Month):
    month.take(funded(month))
    month.take(month.statement([debit(r) for r in month.rows]))
    month.world.clock.set(date(2026, 11, 12))
    month.take(month.statement([back(month.rows[0])], day=date(2026, 11, 12)))
    assert month.world.balance(PAYABLE) == -EACH
    assert month.world.rows("SELECT DISTINCT month FROM journal WHERE kind = 'answer'") == [
        (202610,)
    ]
