"""The approval sheet says what is frozen, to the dong; a payer may require its signed scan."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import Connection, text

from disbursement.platform import ids
from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.runs import papers, service
from tests.runs.test_month import FOUR, K6, budget, sign_all
from tests.runs.world import Person, World, add_people


def words(path: Path) -> str:
    pages = PdfReader(io.BytesIO(path.read_bytes())).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_sheet_shows_totals_rails_holds_and_digest(world: World, tmp_path: Path) -> None:
    add_people(world, [*FOUR, Person(date(1991, 1, 1), K6, kind="cash")])
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sa = world.one("SELECT id FROM pay_list WHERE programme = 'SA'")
    with world.ctx.cell.read() as conn:
        sheet = papers.approval_sheet(conn, world.ctx, sa)
    assert (sheet.payments, sheet.people, sheet.total_vnd) == (2, 3, 1_500_000)
    assert [(r.code, r.count, r.amount_vnd) for r in sheet.rails] == [
        ("bank", 1, 750_000),
        ("cash", 1, 750_000),
    ]
    assert [(h.kind, h.reason, h.people, h.amount_vnd) for h in sheet.holds] == [
        ("payment", "rail_not_available", 1, 750_000)
    ]
    assert sheet.lines[0].left_vnd == 10_000_000 - 2_250_000
    assert sheet.lines[0].enough_until == 202612
    assert {(c.code, c.count, c.amount_vnd) for c in sheet.changes} == {("came", 2, 1_500_000)}
    assert any("20/2021/NĐ-CP" in c for c in sheet.citations)
    pdf, book = papers.write_sheet(world.ctx, sa, tmp_path)
    said = words(pdf)
    assert "1.500.000" in said
    assert sheet.digest[:16] in said.replace("\u200b", "").replace(" ", "")
    assert "Cán bộ an" in said
    assert book.stat().st_size > 0


def test_a_payer_may_require_the_signed_sheet(world: World, tmp_path: Path) -> None:
    add_people(world, FOUR)
    budget(world)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE payer SET scan_required = 1"))
    service.prepare(world.ctx, 202610, world.signers["an"])
    for who, role in (("binh", "check"), ("chi", "sign2")):
        service.sign_all(world.ctx, 202610, role, world.signers[who])
    with pytest.raises(NotNowError) as missing:
        service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"])
    assert missing.value.code == "scan_missing"
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0
    with pytest.raises(RefusedError):
        papers.attach_scan(world.ctx, 1, tmp_path / "none.pdf")
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 signed")
    for (list_id,) in world.rows("SELECT id FROM pay_list"):
        papers.attach_scan(world.ctx, list_id, scan)
    assert service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"]) == 2


def test_a_change_of_account_and_amount_is_counted_as_both(world: World, tmp_path: Path) -> None:
    """Four people paid in October; in November one each: moved, dearer, moved and dearer, same."""
    people = add_people(world, [Person(date(1980 + n, 1, 1), K6) for n in range(4)])
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
        conn.execute(text("UPDATE pay_list SET state = 'closed'"))
        for person in (people[0], people[2]):
            _moves(conn, world, person)
    world.clock.set(date(2026, 10, 23))
    service.prepare(world.ctx, 202611, world.signers["an"])
    with world.ctx.cell.begin() as conn:
        for person, more in ((people[1], 60_000), (people[2], 60_000)):
            conn.execute(
                text(
                    "UPDATE payment SET amount_vnd = amount_vnd + :m WHERE person_id = :p AND "
                    "run_id = (SELECT id FROM run WHERE month = 202611)"
                ),
                {"m": more, "p": person},
            )
    last = world.one("SELECT id FROM pay_list WHERE month = 202611")
    with world.ctx.cell.read() as conn:
        sheet = papers.approval_sheet(conn, world.ctx, last)
    assert [(c.code, c.count, c.amount_vnd) for c in sheet.changes] == [
        ("amount_up", 1, 60_000),
        ("account_changed", 1, 0),
        ("account_amount_up", 1, 60_000),
    ]
    assert {b.who for b in sheet.batches} == {"NHTEST (Ngân hàng thử)"}


def _moves(conn: Connection, world: World, person: int) -> None:
    dest = ids.block(conn, "dest", 1)
    keys = world.ctx.keys
    conn.execute(
        text(
            "INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, "
            "account_blind, account_last4, owner_name, owner_relation, usable_from, source) "
            "SELECT :i, person_id, 2, kind, bank_code, :e, :x, '7777', owner_name, "
            "owner_relation, '2026-10-01', 'test' FROM destination WHERE person_id = :p"
        ),
        {
            "i": dest, "p": person, "e": keys.encrypt("destination.account", dest, "7777"),
            "x": keys.blind("account", f"BFTVVNVX{person}7777"),
        },
    )  # fmt: skip
