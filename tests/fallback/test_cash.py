"""From a failed transfer to cash in hand, and back, on both databases, to the dong."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from bank_adapters.transports import FileDrop
from disbursement.fallback.desk_file import handover_file
from disbursement.fallback.papers import write_roster
from disbursement.fallback.plan import plan_cash
from disbursement.fallback.rules import cash_allowed
from disbursement.fallback.service import close_roster, handover, overdue_rosters
from disbursement.fallback.simulator import simulated_result
from disbursement.identity.service import create_user
from disbursement.jobs import sender
from disbursement.payments.queries import cash_split, month_counts
from disbursement.platform.errors import (
    DisburseError,
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
)
from disbursement.runs import service
from tests.payments.world import (
    ADVANCE,
    PAYABLE,
    PAYER,
    PROVIDER,
    TRANSIT,
    Month,
    back,
    debit,
    open_roster,
    pain002,
    sent_month,
)
from tests.runs.test_month import healthy
from tests.runs.world import World

AGENT = f"agent.{PAYER}.{PROVIDER}"
EACH = 750_000


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    for name, number, roles in (
        ("quy", "030080000021", ["cash_desk"]),
        ("quy2", "030080000022", ["cash_desk:99999"]),
    ):
        create_user(world.ctx, name, f"Thu quy {name}", number, roles, "mat-khau-quy-1")
    return sent_month(world, tmp_path / "drop", roster=open_roster)


def orders(world: World, batch_id: int) -> list[tuple[str, int]]:
    return world.rows(
        "SELECT end_to_end_id, amount_vnd FROM batch_row WHERE batch_id = :b ORDER BY n", b=batch_id
    )


def plan(world: World) -> tuple[int, ...]:
    return tuple(world.balance(f"cash_{k}.{PAYER}.{PROVIDER}") for k in ("free", "held", "used"))


def fail_two(month: Month) -> None:
    """Two transfers fail (one rejected, one returned), three succeed, one stays open."""
    month.take(pain002(month.message_id, [(month.rows[5].e2e, "RJCT", "AC04")]))
    month.take(month.statement([debit(r) for r in month.rows[:4]]))
    month.take(month.statement([back(month.rows[0], "AC06")]))


def release_cash(month: Month, folder: Path) -> int:
    """Plan, sign and open the cash batch of what failed; return the batch."""
    world = month.world
    done = plan_cash(world.ctx, 202610, world.signers["an"])
    for name, role in (("chi", "sign2"), ("dung", "sign1")):
        service.sign_all(world.ctx, 202610, role, world.signers[name])
    sender.drain(world.ctx, lambda provider: FileDrop(folder / provider), open_roster)
    (batch,) = done.batches
    world.clock.set(date(2026, 10, 6))
    return batch.id


# --- planning ------------------------------------------------------------------------------------


def test_only_final_failures_become_cash_and_only_after_three_signatures(
    month: Month, tmp_path: Path
):
    world = month.world
    fail_two(month)
    done = plan_cash(world.ctx, 202610, world.signers["an"])
    assert (done.payments, done.total_vnd, done.left) == (2, 2 * EACH, {})
    (batch,) = done.batches
    assert world.rows(
        "SELECT purpose, rail, state, list_id, payments FROM batch WHERE id = :b", b=batch.id
    ) == [("cash", "cash", "held", None, 2)]
    failed = {month.rows[0].payment_id, month.rows[5].payment_id}
    assert {
        r[0] for r in world.rows("SELECT payment_id FROM batch_row WHERE batch_id = :b", b=batch.id)
    } == failed
    assert world.balance(PAYABLE) == -2 * EACH
    assert world.one("SELECT count(*) FROM coin_reserved") == 2
    with pytest.raises(NotNowError) as again:
        plan_cash(world.ctx, 202610, world.signers["an"])
    assert again.value.code == "nothing_failed"
    service.sign_all(world.ctx, 202610, "sign2", world.signers["chi"])
    with pytest.raises(NotFoundError):
        close_roster(world.ctx, batch.id, copies_returned=1, actor="quy")
    service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"])
    assert (world.balance(PAYABLE), world.balance(AGENT)) == (0, -2 * EACH - 1_000_000)
    assert world.one("SELECT count(*) FROM free_coin") == 0
    healthy(world)
    sender.drain(world.ctx, lambda provider: FileDrop(tmp_path / provider), open_roster)
    assert world.rows(
        "SELECT state, commune_code, copies FROM roster WHERE batch_id = :b", b=batch.id
    ) == [("ordered", PAYER, 0)]
    with world.ctx.cell.read() as conn:
        assert cash_split(conn, 202610) == {
            "cash_by_choice": (2, 1_000_000),
            "cash_fallback": (2, 2 * EACH),
        }


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        ("rejected:AC04", True), ("returned:AC06", True), ("rejected:AC01", True), ("rejected:BE01", True),
        ("rejected:NO_DEBIT", True), ("rejected:MD07", False), ("rejected:AM05", False), ("rejected:AM04", False),
        ("rejected:ZZZZ", False), ("uncollected", False), ("held:shared_account", False), ("carried", False),
    ],
)  # fmt: skip
def test_which_reasons_may_fall_to_cash(reason: str, allowed: bool):
    assert cash_allowed(reason) is allowed


@pytest.mark.parametrize(
    "case", ["in_flight", "claimed_then_rejected", "dead_code", "credited", "held", "dead"]
)
def test_what_must_not_become_cash(month: Month, case: str):
    world, row = month.world, month.rows[0]
    if case == "claimed_then_rejected":
        month.take(pain002(month.message_id, [(row.e2e, "ACSC", "")]))
        month.take(pain002(month.message_id, [(row.e2e, "RJCT", "AC04")]))
    elif case == "dead_code":
        month.take(pain002(month.message_id, [(row.e2e, "RJCT", "MD07")]))
    elif case == "credited":
        month.take(month.statement([debit(row)]))
    elif case in ("held", "dead"):
        month.take(pain002(month.message_id, [(row.e2e, "RJCT", "AC04")]))
        with world.ctx.cell.begin() as conn:
            if case == "dead":
                conn.execute(
                    text("UPDATE person SET died_on = '2026-10-04' WHERE id = :i"),
                    {"i": row.person_id},
                )
            else:
                conn.execute(
                    text(
                        "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, raised_by, fact_digest) VALUES (1, :p, :i, 'payment', 'unverified', '', '', '', '')"
                    ),
                    {"p": world.payer_id, "i": row.person_id},
                )
    with pytest.raises(NotNowError) as none:
        plan_cash(world.ctx, 202610, world.signers["an"])
    assert none.value.code == "nothing_failed"
    assert world.one("SELECT count(*) FROM batch") == 2


def test_a_rejected_payment_that_was_debited_after_all_never_becomes_cash(month: Month):
    month.take(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")]))
    month.take(month.statement([debit(month.rows[0])]))
    with pytest.raises(NotNowError):
        plan_cash(month.world.ctx, 202610, month.world.signers["an"])


# --- handing over --------------------------------------------------------------------------------


def test_handing_over_once_and_never_twice(month: Month):
    world = month.world
    (order, amount), _ = orders(world, month.cash_batch)
    done = handover(world.ctx, order, "identity", actor="quy")
    assert (done.amount_vnd, done.day) == (amount, date(2026, 10, 5))
    assert (world.balance(AGENT), world.balance(ADVANCE)) == (-500_000, 5_500_000 - 500_000)
    assert plan(world) == (0, 5_000_000, 500_000)
    assert world.rows("SELECT state, code FROM attempt_news") == [("collected", "identity")]
    healthy(world)
    lines = world.one("SELECT count(*) FROM line")
    world.clock.set(date(2026, 10, 6))
    with pytest.raises(NotNowError) as twice:
        handover(world.ctx, order, "identity", actor="quy")
    assert twice.value.code == "already_paid"
    assert "05/10/2026" in twice.value.sentence
    assert "tiền mặt" in twice.value.sentence
    assert world.one("SELECT count(*) FROM line") == lines
    assert world.one("SELECT count(*) FROM handover") == 1


def test_handing_over_by_the_persons_reference(month: Month):
    world = month.world
    person = world.one(
        "SELECT sub_id FROM batch_row WHERE batch_id = :b AND n = 1", b=month.cash_batch
    )
    reference = world.one("SELECT reference FROM person WHERE id = :i", i=person)
    handover(world.ctx, f"{reference[:5]}-{reference[5:].lower()}", "signature", actor="quy")
    assert world.balance(AGENT) == -500_000
    with pytest.raises(NotNowError) as twice:
        handover(world.ctx, reference, "signature", actor="quy")
    assert twice.value.code == "already_paid"


def test_the_desk_refuses_what_is_in_flight_unknown_or_credited(month: Month):
    world = month.world
    reference = world.one("SELECT reference FROM person WHERE id = :i", i=month.rows[0].person_id)

    def code() -> str:
        with pytest.raises(NotNowError) as why:
            handover(world.ctx, reference, "identity", actor="quy")
        return why.value.code

    assert code() == "in_flight"
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text("UPDATE batch SET state = 'unknown' WHERE id = :b"), {"b": month.batch_id}
        )
    assert code() == "unknown"
    month.take(month.statement([debit(month.rows[0])]))
    assert code() == "already_paid"
    month.take(month.statement([back(month.rows[0])]))
    assert code() == "no_cash_order"
    month.take(month.statement([debit(month.rows[0])]))
    assert code() == "parked"
    assert world.one("SELECT count(*) FROM handover") == 0
    healthy(world)


def test_wrong_codes_desks_days_and_proofs_move_nothing(month: Month):
    world = month.world
    (order, _), (other, _) = orders(world, month.cash_batch)
    before = world.rows("SELECT code, debit, credit FROM account ORDER BY code")
    cases: list[tuple[str, type[DisburseError], dict[str, object]]] = [
        ("no_order", NotFoundError, {"code": "DS25XXXXXXXXXXXX"}),
        ("no_order", NotFoundError, {"code": order[:-1] + ("0" if order[-1] != "0" else "1")}),
        ("other_roster", NotAllowedError, {"actor": "quy2"}),
        ("other_roster", NotAllowedError, {"actor": "an"}),
        ("proof", RefusedError, {"proof": "promise"}),
        ("proof_note", RefusedError, {"proof": "authorisation"}),
        ("future", RefusedError, {"day": date(2026, 10, 9)}),
    ]
    for code, kind, changes in cases:
        with pytest.raises(kind) as why:
            handover(
                **{"ctx": world.ctx, "code": order, "proof": "identity", "actor": "quy", **changes}
            )
        assert why.value.code == code
    last = world.one("SELECT last_day FROM roster WHERE batch_id = :b", b=month.cash_batch)
    assert last == "2026-10-15"
    world.clock.set(date(2026, 10, 16))
    with pytest.raises(NotNowError) as over:
        handover(world.ctx, other, "identity", actor="quy")
    assert over.value.code == "roster_over"
    assert world.rows("SELECT code, debit, credit FROM account ORDER BY code") == before


def test_a_dead_persons_order_is_not_handed_over(month: Month):
    world = month.world
    person = world.one(
        "SELECT sub_id FROM batch_row WHERE batch_id = :b AND n = 1", b=month.cash_batch
    )
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE person SET died_on = '2026-10-04' WHERE id = :i"), {"i": person})
    with pytest.raises(NotNowError) as why:
        handover(world.ctx, orders(world, month.cash_batch)[0][0], "identity", actor="quy")
    assert why.value.code == "dead"


# --- closing -------------------------------------------------------------------------------------


def test_closing_a_roster_carries_what_nobody_collected(month: Month, tmp_path: Path):
    world = month.world
    (order, _), (other, _) = orders(world, month.cash_batch)
    handover(world.ctx, order, "identity", actor="quy")
    write_roster(world.ctx, month.cash_batch, tmp_path)
    with pytest.raises(RefusedError) as missing:
        close_roster(world.ctx, month.cash_batch, copies_returned=0, actor="quy")
    assert missing.value.code == "copies_missing"
    with pytest.raises(NotAllowedError):
        close_roster(world.ctx, month.cash_batch, copies_returned=1, actor="quy2")
    done = close_roster(
        world.ctx, month.cash_batch, copies_returned=1, actor="quy", evidence=b"scan"
    )
    assert (done.collected, done.collected_vnd, done.uncollected, done.uncollected_vnd) == (
        1,
        500_000,
        1,
        500_000,
    )
    assert (world.balance(AGENT), world.balance(PAYABLE)) == (0, -500_000)
    assert world.rows("SELECT reason, amount_vnd, programme, move FROM free_coin") == [
        ("uncollected", 500_000, "SP", 2)
    ]
    assert plan(world) == (500_000, 4_500_000, 500_000)
    healthy(world)
    with pytest.raises(NotNowError) as closed:
        handover(world.ctx, other, "identity", actor="quy")
    assert closed.value.code == "roster_closed"
    with pytest.raises(NotNowError) as again:
        close_roster(world.ctx, month.cash_batch, copies_returned=1, actor="quy")
    assert again.value.code == "roster_closed"
    with world.ctx.cell.read() as conn:
        counts = month_counts(conn, 202610)
    assert (counts["cash_orders"], counts["cash_collected"], counts["cash_collected_vnd"]) == (
        2,
        1,
        500_000,
    )


def test_closing_a_roster_that_everybody_collected_posts_nothing(month: Month):
    world = month.world
    for order, _ in orders(world, month.cash_batch):
        handover(world.ctx, order, "one_time_code", actor="quy")
    before = world.one("SELECT count(*) FROM journal")
    done = close_roster(world.ctx, month.cash_batch, copies_returned=0, actor="chi")
    assert (done.collected, done.uncollected) == (2, 0)
    assert world.one("SELECT count(*) FROM journal") == before
    assert world.rows("SELECT state, closed_by FROM roster") == [("closed", "chi")]
    healthy(world)


def test_overdue_rosters_are_listed(month: Month):
    world = month.world
    with world.ctx.cell.read() as conn:
        assert overdue_rosters(conn, date(2026, 10, 15)) == []
        (late,) = overdue_rosters(conn, date(2026, 10, 16))
    assert (late.batch_id, late.orders, late.amount_vnd) == (month.cash_batch, 2, 1_000_000)


# --- the desk's file -----------------------------------------------------------------------------


def desk_csv(path: Path, rows: list[tuple[object, ...]]) -> Path:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("Mã lệnh", "Số tiền", "Ngày nhận", "Giấy tờ", "Ghi chú giấy tờ"))
    writer.writerows([(*row, "")[:5] for row in rows])
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def test_a_desk_file_after_failure_pays_set_wise(month: Month, tmp_path: Path):
    world = month.world
    fail_two(month)
    batch = release_cash(month, tmp_path)
    everything = orders(world, month.cash_batch) + orders(world, batch)
    rows = [(o, a, "06/10/2026", "chữ ký") for o, a in everything[:3]] + [(*everything[3], "", "")]
    done = handover_file(world.ctx, desk_csv(tmp_path / "ket-qua.csv", rows), actor="quy")
    assert (done.collected, done.amount_vnd) == (3, 1_000_000 + EACH)
    assert world.balance(AGENT) == -EACH
    assert world.rows("SELECT count(*) FROM handover") == [(3,)]
    healthy(world)
    again = handover_file(world.ctx, tmp_path / "ket-qua.csv", actor="quy")
    assert (again.repeated, again.collected) == (True, 0)
    close_roster(world.ctx, batch, copies_returned=0, actor="quy")
    close_roster(world.ctx, month.cash_batch, copies_returned=0, actor="quy")
    assert world.balance(AGENT) == 0
    healthy(world)
    with world.ctx.cell.read() as conn:
        counts = month_counts(conn, 202610)
    assert (
        counts["credited"],
        counts["cash_collected"],
        counts["rejected"],
        counts["returned"],
    ) == (3, 3, 1, 1)
    assert (counts["cash_orders"], counts["unknown"]) == (4, 1)


def test_a_bank_return_after_cash_is_money_back_and_no_second_debt(month: Month, tmp_path: Path):
    world = month.world
    fail_two(month)
    batch = release_cash(month, tmp_path)
    for order, _ in orders(world, batch):
        handover(world.ctx, order, "identity", actor="quy")
    advance = world.balance(ADVANCE)
    done = month.take(month.statement([back(month.rows[0], "AC04")]))
    assert dict(done.counts) == {"wrong_place": 1}
    assert (world.balance(PAYABLE), world.balance(ADVANCE)) == (0, advance + EACH)
    assert world.balance(f"suspense.{PAYER}") == -EACH
    healthy(world)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("amount", lambda o, a: [(o, a - 1, "05/10/2026", "chữ ký")]),
        ("doubled", lambda o, a: [(o, a, "05/10/2026", "chữ ký")] * 2),
        ("roster_over", lambda o, a: [(o, a, "01/09/2026", "chữ ký")]),
        ("desk_row", lambda o, a: [(o, a, "05/10/2027", "chữ ký")]),
        ("desk_row", lambda o, a: [(o, a, "5 thang 10", "chữ ký")]),
        ("desk_row", lambda o, a: [(o, a, "05/10/2026", "hứa")]),
        ("desk_row", lambda o, a: [(o, a, "05/10/2026", "ủy quyền")]),
        ("desk_row", lambda o, a: [(o, "500.000", "05/10/2026", "chữ ký")]),
        ("desk_row", lambda o, a: [("DS25ABC", a, "05/10/2026", "chữ ký")]),
        ("nothing_collected", lambda o, a: [(o, a, "", "")]),
    ],
)  # fmt: skip
def test_a_desk_file_with_one_wrong_row_records_nothing(month: Month, tmp_path: Path, code, change):
    world = month.world
    (order, amount), (good, good_amount) = orders(world, month.cash_batch)
    rows = change(order, amount)
    if code != "nothing_collected":
        rows.append((good, good_amount, "05/10/2026", "chữ ký"))
    with pytest.raises(RefusedError) as why:
        handover_file(world.ctx, desk_csv(tmp_path / "x.csv", rows), actor="quy")
    assert why.value.code == code
    assert "x.csv" in why.value.sentence or "dòng" in why.value.sentence.lower()
    assert world.one("SELECT count(*) FROM handover") == 0
    assert world.balance(AGENT) == -1_000_000
    assert world.balance(TRANSIT) == -6 * EACH


def test_a_desk_file_of_another_commune_or_of_paid_orders_records_nothing(
    month: Month, tmp_path: Path
):
    world = month.world
    rows = [(o, a, "05/10/2026", "chữ ký") for o, a in orders(world, month.cash_batch)]
    path = desk_csv(tmp_path / "x.csv", rows)
    with pytest.raises(RefusedError) as other:
        handover_file(world.ctx, path, actor="quy2")
    assert other.value.code == "other_roster"
    handover(world.ctx, rows[0][0], "identity", actor="quy")
    with pytest.raises(RefusedError) as paid:
        handover_file(world.ctx, path, actor="quy")
    assert paid.value.code == "already_paid"
    assert world.one("SELECT count(*) FROM handover") == 1
    bank = desk_csv(tmp_path / "y.csv", [(month.rows[0].e2e, EACH, "05/10/2026", "chữ ký")])
    with pytest.raises(RefusedError) as rail:
        handover_file(world.ctx, bank, actor="quy")
    assert rail.value.code == "no_order"


def test_the_roster_is_printed_and_its_workbook_comes_back_filled_in(month: Month, tmp_path: Path):
    import pypdf
    import xlsxwriter
    from python_calamine import CalamineWorkbook

    world = month.world
    pdf, book = write_roster(world.ctx, month.cash_batch, tmp_path / "rosters")
    words = "".join(page.extract_text() for page in pypdf.PdfReader(pdf).pages)
    everything = orders(world, month.cash_batch)
    assert all(order in words for order, _ in everything)
    assert world.one("SELECT copies FROM roster WHERE batch_id = :b", b=month.cash_batch) == 1
    assert words.count("Bản in số 1;") == 1
    assert words.count("bản in số 1") >= 1
    rows = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
    filled = tmp_path / "filled.xlsx"
    with xlsxwriter.Workbook(str(filled)) as out:
        tab = out.add_worksheet()
        for y, row in enumerate(rows):
            cells = list(row)
            if everything[0][0] in cells:
                cells[-2:] = ["05/10/2026", "giấy tờ tùy thân"]
            for x, cell in enumerate(cells):
                tab.write(y, x, cell)
    done = handover_file(world.ctx, filled, actor="quy")
    assert (done.collected, done.amount_vnd) == (1, 500_000)


def test_the_simulated_desk_is_deterministic_and_is_taken_as_any_file(month: Month, tmp_path: Path):
    world = month.world
    with world.ctx.cell.read() as conn:
        first = simulated_result(conn, [month.cash_batch], date(2026, 10, 5), seed=3)
        assert simulated_result(conn, [month.cash_batch], date(2026, 10, 5), seed=3) == first
        nobody = simulated_result(
            conn, [month.cash_batch], date(2026, 10, 5), uncollected_per_mille=1_000
        )
        everybody = simulated_result(
            conn, [month.cash_batch], date(2026, 10, 5), uncollected_per_mille=0
        )
    path = tmp_path / "d.csv"
    path.write_bytes(nobody)
    with pytest.raises(RefusedError):
        handover_file(world.ctx, path, actor="quy")
    path.write_bytes(everybody)
    assert handover_file(world.ctx, path, actor="quy").collected == 2
