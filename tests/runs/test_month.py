"""A month from prepare to release on a real ledger, on both databases, to the dong."""

from __future__ import annotations

from datetime import date

import pytest
from pypdf import PdfReader

from disbursement.jobs import invariants
from disbursement.platform.errors import DisburseError, NotAllowedError, NotNowError, RefusedError
from disbursement.runs import approvals, batches, papers, service
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

K6 = {"clause": "K6", "degree": "S", "certificate_date": date(2023, 5, 1)}
SP = {
    "programme": "SP",
    "clause": "SP",
    "income": "none",
    "written_request": True,
    "household": "none",
}
FOUR = [
    Person(date(1990, 3, 1), K6),
    Person(date(1950, 1, 1), SP),
    Person(date(1949, 1, 1), SP, kind="cash"),
    Person(date(1985, 1, 1), K6, kind="wallet"),
]


def budget(world: World, sa: int = 10_000_000, sp: int = 10_000_000) -> None:
    for n, (programme, amount) in enumerate((("SA", sa), ("SP", sp))):
        service.set_budget(
            world.ctx,
            payer=PAYER,
            programme=programme,
            year=2026,
            amount_vnd=amount,
            decision_number=f"{n}/QD",
            decision_date=date(2026, 1, 5),
            actor="chi",
        )


def sign_all(world: World, month: int = 202610) -> None:
    for name, role in (("binh", "check"), ("chi", "sign2"), ("dung", "sign1")):
        service.sign_all(world.ctx, month, role, world.signers[name])


def healthy(world: World) -> None:
    with world.ctx.cell.read() as conn:
        assert invariants.check_all(conn) == []


def test_released_month_is_booked_to_the_dong(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    done = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (done.lists, done.batches, done.payments) == (2, 3, 3)
    assert (done.total_vnd, done.minted_vnd) == (1_750_000, 2_500_000)
    assert world.balance(f"committed.{PAYER}.SA.2026") == 1_500_000
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0
    assert world.one("SELECT count(*) FROM coin_reserved") == 3
    healthy(world)
    sign_all(world)
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -1_250_000
    assert world.balance(f"agent.{PAYER}.{PROVIDER}") == -500_000
    assert world.balance(f"payable.{PAYER}") == -750_000
    assert world.rows("SELECT amount_vnd, reason FROM free_coin") == [
        (750_000, "held:rail_not_available")
    ]
    assert world.one("SELECT count(*) FROM coin_reserved") == 0
    assert world.rows("SELECT DISTINCT state FROM batch") == [("queued",)]
    healthy(world)


def test_the_order_of_signatures_is_kept(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    with pytest.raises(NotNowError) as early:
        service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"])
    assert early.value.code == "nothing_to_sign"
    lists = [r[0] for r in world.rows("SELECT id FROM pay_list ORDER BY id")]
    with pytest.raises(NotNowError) as order:
        service.sign(world.ctx, 202610, "sign2", world.signers["chi"], list_ids=lists)
    assert order.value.code == "list_order"
    with pytest.raises(NotAllowedError) as role:
        service.sign(world.ctx, 202610, "check", world.signers["chi"], list_ids=lists)
    assert role.value.code == "role"
    service.sign_all(world.ctx, 202610, "check", world.signers["binh"])
    with pytest.raises(NotNowError) as twice:
        service.sign(world.ctx, 202610, "check", world.signers["binh"], list_ids=lists)
    assert twice.value.code == "list_order"
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0


def test_one_person_with_two_users_cannot_sign_twice(world: World) -> None:
    from disbursement.identity.service import create_user, unlock
    from ledger import definitions
    from tests.runs.world import OFFICERS, SECRET, header

    add_people(world, FOUR)
    budget(world)
    create_user(world.ctx, "an2", "Cán bộ an", OFFICERS["an"][1], ["checker"], SECRET)
    second = unlock(world.ctx, "an2", SECRET)
    with world.ctx.cell.begin() as conn:
        definitions.define_signers(
            conn,
            header(world, conn, "definition", "an2"),
            [
                definitions.Signer(
                    second.user_id,
                    second.person_id,
                    second._key.public_key().public_bytes_raw(),
                    "2026-01-01T00:00:00Z",
                )
            ],
        )
    service.prepare(world.ctx, 202610, world.signers["an"])
    with pytest.raises(NotAllowedError) as same:
        service.sign_all(world.ctx, 202610, "check", second)
    assert same.value.code == "same_person"
    assert world.rows("SELECT DISTINCT state FROM pay_list") == [("prepared",)]


def test_an_edit_is_a_new_version_and_voids_signatures(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    service.sign_all(world.ctx, 202610, "check", world.signers["binh"])
    add_people(world, [Person(date(1980, 1, 1), K6)])
    service.prepare(world.ctx, 202610, world.signers["an"])
    states = world.rows("SELECT programme, version, state FROM pay_list ORDER BY id")
    assert states == [
        ("SA", 0, "void"),
        ("SP", 0, "void"),
        ("SA", 1, "prepared"),
        ("SP", 1, "prepared"),
    ]
    assert world.balance(f"committed.{PAYER}.SA.2026") == 2_250_000
    folder = batches.outgoing(world.ctx, 202610, "x").parent
    valid, void = (
        {name for (name,) in world.rows(
            f"SELECT file_name FROM batch WHERE state {how} 'withdrawn' AND file_name IS NOT NULL"
        )}
        for how in ("<>", "=")
    )  # fmt: skip
    assert {p.name for p in folder.glob("*.xml")} == valid != void
    assert {p.name for p in (folder / batches.WITHDRAWN).iterdir()} == void
    with pytest.raises(NotNowError):
        service.sign_all(world.ctx, 202610, "sign2", world.signers["chi"])
    sign_all(world)
    assert world.balance(f"expense.{PAYER}.SA.2026") == 2_250_000
    healthy(world)


def test_without_budget_nothing_is_prepared(world: World) -> None:
    add_people(world, FOUR)
    budget(world, sa=1_000_000)
    with pytest.raises(NotNowError) as short:
        service.prepare(world.ctx, 202610, world.signers["an"])
    assert short.value.code == "no_budget"
    assert world.one("SELECT count(*) FROM pay_list") == 0
    assert world.one("SELECT count(*) FROM draft_line") == 0
    assert world.balance(f"committed.{PAYER}.SP.2026") == 0


def test_a_new_year_without_its_budget_is_said_in_words(world: World) -> None:
    """January is prepared in December: the accounts of the new year come with its budget."""
    add_people(world, FOUR)
    budget(world)
    world.clock.set(date(2026, 12, 24))
    with pytest.raises(NotNowError) as short:
        service.prepare(world.ctx, 202701, world.signers["an"])
    assert short.value.code == "no_budget"
    assert f"{PAYER} SA, {PAYER} SP: chưa có dự toán năm 2027" in short.value.sentence
    assert world.one("SELECT count(*) FROM pay_list") == 0


def test_a_draw_must_equal_the_list(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sa, sp = (r[0] for r in world.rows("SELECT id FROM pay_list ORDER BY programme"))
    day = date(2026, 9, 24)
    with pytest.raises(NotNowError) as early:
        service.draw(world.ctx, sa, voucher="V1", day=day, amount_vnd=750_000, actor="chi")
    assert early.value.code == "draw_order"
    sign_all(world)
    with pytest.raises(RefusedError) as wrong:
        service.draw(world.ctx, sa, voucher="V1", day=day, amount_vnd=750_001, actor="chi")
    assert wrong.value.code == "draw_amount"
    assert world.balance(f"advance.{PAYER}.{PROVIDER}") == 0
    assert service.draw(world.ctx, sa, voucher="V1", day=day, amount_vnd=750_000, actor="chi") == 0
    service.draw(world.ctx, sp, voucher="V2", day=day, amount_vnd=1_000_000, actor="chi")
    assert world.balance(f"advance.{PAYER}.{PROVIDER}") == 1_750_000
    assert world.balance(f"cash_free.{PAYER}.{PROVIDER}") == 1_750_000
    with pytest.raises(NotNowError) as again:
        service.draw(world.ctx, sa, voucher="V3", day=day, amount_vnd=750_000, actor="chi")
    assert again.value.code == "drawn"
    healthy(world)


def test_an_open_month_blocks_the_next(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    world.clock.set(date(2026, 10, 23))
    with pytest.raises(NotNowError) as open_run:
        service.prepare(world.ctx, 202611, world.signers["an"])
    assert open_run.value.code == "run_open"


def test_an_expired_list_is_not_signed(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    world.clock.set(date(2026, 12, 1))
    with pytest.raises(NotNowError) as late:
        service.sign_all(world.ctx, 202610, "check", world.signers["binh"])
    assert late.value.code == "list_expired"


def test_the_rise_waits_for_its_decision_and_is_then_paid_back(world: World) -> None:
    """S11: 750,000 for July to October, then 810,000 and 4 x 60,000 in November."""
    people = add_people(world, [Person(date(1990, 3, 1), K6, start=202607)])
    from sqlalchemy import text

    with world.ctx.cell.begin() as conn:
        conn.execute(
            text("INSERT INTO dirty (sub_id, from_month, why, seq) VALUES (:s, 202607, 'test', 0)"),
            {"s": people[0]},
        )
    budget(world)
    done = service.prepare(world.ctx, 202610, world.signers["an"])
    assert done.minted_vnd == 4 * 750_000
    sign_all(world)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
        conn.execute(text("UPDATE pay_list SET state = 'closed'"))
    world.clock.set(date(2026, 10, 23))
    held = service.prepare(world.ctx, 202611, world.signers["an"])
    assert held.minted_vnd == 750_000
    assert (held.rerating_people, held.rerating_vnd) == (1, 240_000)
    assert (
        world.one(
            "SELECT sum(h.amount_vnd) FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
            "WHERE l.month = 202611 AND h.reason = 'rerating_decision_missing'"
        )
        == 5 * 60_000
    )
    pdf, book = papers.write_rerating(world.ctx, 202611)
    assert pdf.name == f"{PAYER}-202611-1.pdf"
    said = "".join(page.extract_text() for page in PdfReader(pdf).pages)
    assert "300.000" in said
    assert "750.000" in said
    assert "810.000" in said
    assert book.exists()
    service.record_rerating(
        world.ctx,
        202611,
        number="12/QĐ-UBND",
        day=date(2026, 10, 23),
        signer_name="Chủ tịch",
        actor="an",
    )
    paid = service.prepare(world.ctx, 202611, world.signers["an"])
    assert paid.minted_vnd == 1_050_000
    assert paid.total_vnd == 1_050_000
    sign_all(world, 202611)
    assert world.rows(
        "SELECT cover, rev, due_after, amount FROM line WHERE rev IS NOT NULL "
        "AND journal_id = (SELECT journal_id FROM pay_list WHERE month = 202611 "
        "AND state = 'released') ORDER BY cover"
    ) == [
        (202607, 1, 810_000, 60_000),
        (202608, 1, 810_000, 60_000),
        (202609, 1, 810_000, 60_000),
        (202610, 1, 810_000, 60_000),
        (202611, 0, 810_000, 810_000),
    ]
    healthy(world)


def test_a_changed_account_after_the_freeze_stops_the_sender(world: World) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    batch = world.one("SELECT min(id) FROM batch WHERE rail = 'bank'")
    with world.ctx.cell.read() as conn:
        approvals.verify_frozen(conn, world.ctx, batch)
    name = world.one("SELECT file_name FROM batch WHERE id = :b", b=batch)
    path = world.ctx.settings.files / "out" / "202610" / name
    path.write_bytes(path.read_bytes().replace(b"<Nm>", b"<Nm> ", 1))
    with world.ctx.cell.read() as conn, pytest.raises(DisburseError) as changed:
        approvals.verify_frozen(conn, world.ctx, batch)
    assert changed.value.code == "file_changed"


def test_a_list_above_the_profiles_limit_goes_in_lots(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from bank_adapters.profiles import load_profile

    small = replace(load_profile("iso-vn-1"), max_payments_per_file=2)
    monkeypatch.setattr(batches, "profile_of", lambda _: small)
    add_people(world, [Person(date(1980 + n, 1, 1), K6) for n in range(5)])
    budget(world)
    done = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (done.batches, done.payments) == (3, 5)
    assert world.rows("SELECT lot, payments, total_vnd FROM batch ORDER BY lot") == [
        (1, 2, 1_500_000),
        (2, 2, 1_500_000),
        (3, 1, 750_000),
    ]
    sign_all(world)
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -3_750_000
    healthy(world)


@pytest.mark.parametrize("what", ["hold", "death", "account"])
def test_what_happened_since_the_freeze_stops_the_release(world: World, what: str) -> None:
    from sqlalchemy import text

    people = add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    for who, role in (("binh", "check"), ("chi", "sign2")):
        service.sign_all(world.ctx, 202610, role, world.signers[who])
    changes = {
        "hold": "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
        "raised_by, fact_digest) VALUES (900, :y, :p, 'right', 'dead', '', '2026-12-31', 'x', '')",
        "death": "UPDATE person SET died_on = '2026-09-20' WHERE id = :p AND payer_id = :y",
        "account": "INSERT INTO destination (id, person_id, version, kind, bank_code, "
        "account_enc, account_blind, account_last4, owner_name, owner_relation, usable_from, "
        "source) SELECT 900, id, 2, 'cash', '', NULL, NULL, '', 'x', 'self', '2026-09-01', 'x' "
        "FROM person WHERE id = :p AND payer_id = :y",
    }
    with world.ctx.cell.begin() as conn:
        conn.execute(text(changes[what]), {"p": people[0], "y": world.payer_id})
    sa = world.one("SELECT id FROM pay_list WHERE programme = 'SA'")
    with pytest.raises(NotNowError) as stale:
        service.sign(world.ctx, 202610, "sign1", world.signers["dung"], list_ids=[sa])
    assert stale.value.code == "list_stale"
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0
    assert world.one("SELECT count(*) FROM signature WHERE role = 'sign1'") == 0
    healthy(world)


def test_marks_stay_until_every_list_of_the_payer_has_dealt_with_them(world: World) -> None:
    """A release takes no mark of the other list, of somebody held, or of a later change."""
    from sqlalchemy import text

    sa, sp, _, held = add_people(world, FOUR)
    (later,) = add_people(world, [Person(date(1980, 1, 1), K6)])
    budget(world)
    with world.ctx.cell.begin() as conn:
        for sub in (sa, sp, held):
            conn.execute(
                text("INSERT INTO dirty (sub_id, from_month, why, seq) VALUES (:s, 202610, '', 0)"),
                {"s": sub},
            )
        conn.execute(
            text(
                "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
                "raised_by, fact_digest) VALUES (901, :y, :p, 'right', 'dead', '', '2026-01-01', "
                "'x', '')"
            ),
            {"y": world.payer_id, "p": held},
        )
    service.prepare(world.ctx, 202610, world.signers["an"])
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text("INSERT INTO dirty (sub_id, from_month, why, seq) VALUES (:s, 202610, '', :q)"),
            {"s": later, "q": world.one("SELECT next FROM id_block WHERE name = 'change'")},
        )
    for who, role in (("binh", "check"), ("chi", "sign2")):
        service.sign_all(world.ctx, 202610, role, world.signers[who])
    lists = [r[0] for r in world.rows("SELECT id FROM pay_list ORDER BY programme")]
    service.sign(world.ctx, 202610, "sign1", world.signers["dung"], list_ids=lists[:1])
    assert world.rows("SELECT sub_id FROM dirty ORDER BY sub_id") == [
        (n,) for n in sorted((sa, sp, held, later))
    ]
    service.sign(world.ctx, 202610, "sign1", world.signers["dung"], list_ids=lists[1:])
    assert world.rows("SELECT sub_id FROM dirty ORDER BY sub_id") == [
        (n,) for n in sorted((held, later))
    ]
