"""`disburse payer`: one act sets the book and the row; three people at least, whoever asks."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from disbursement.identity.service import create_user, set_roles
from disbursement.runs import service
from ledger import definitions
from ledger.verify import verify
from tests.cli.conftest import Type
from tests.runs.test_month import FOUR, budget, healthy
from tests.runs.world import PAYER, PROVIDER, SECRET, World, add_people

YES = ("payer", "policy", PAYER, "--checker-may-second", "yes")
NO = ("payer", "policy", PAYER, "--checker-may-second", "no")


@pytest.fixture
def admin(world: World) -> str:
    create_user(world.ctx, "quan", "Quản trị", "030080000031", ["administrator"], SECRET)
    return "quan"


def flags(world: World) -> tuple[tuple[int, int], bool]:
    """What the row says, and what the book's seal will read."""
    (row,) = world.rows("SELECT checker_may_second, scan_required FROM payer")
    with world.ctx.cell.read() as conn:
        return row, definitions.checker_may_second(conn, world.payer_id)


def counts(world: World) -> list[int]:
    return [world.one(f"SELECT count(*) FROM {t}") for t in ("journal", "audit_event")]


def prepared(world: World) -> None:
    """A list checked by binh, who is the accountant too."""
    set_roles(world.ctx, "binh", ["checker", "second_signer"], actor="quan")
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    service.sign_all(world.ctx, 202610, "check", world.signers["binh"])


def test_one_act_sets_the_book_and_the_row(world: World, typed: Type, admin: str) -> None:
    assert flags(world) == ((0, 0), False)
    before = counts(world)
    done = typed(*YES, "--scan-required", "yes", "--as", admin, "--json").json
    assert (done["code"], done["checker_may_second"], done["scan_required"]) == (PAYER, True, True)
    assert flags(world) == ((1, 1), True)
    assert counts(world) == [before[0] + 1, before[1] + 1]
    ((actor, action, subject, detail),) = world.rows(
        "SELECT actor, action, subject, detail FROM audit_event ORDER BY id DESC LIMIT 1"
    )
    assert (actor, action, subject) == (admin, "payer_policy_set", PAYER)
    assert json.loads(detail) == {
        "before": {"checker_may_second": False, "scan_required": False},
        "after": {"checker_may_second": True, "scan_required": True},
    }
    again = typed(*YES, "--as", admin)
    assert again.out == (
        f"{PAYER}: người kiểm tra ký thay kế toán: có; cần phiếu duyệt đã ký: có.\n"
    )
    assert counts(world) == [before[0] + 1, before[1] + 1]
    typed("payer", "policy", PAYER, "--scan-required", "no", "--as", admin)
    assert flags(world) == ((1, 0), True)
    assert counts(world) == [before[0] + 1, before[1] + 2]  # no journal: the book holds one flag
    typed(*NO, "--as", admin)
    typed(*YES, "--as", admin)
    assert flags(world) == ((1, 0), True)
    with world.ctx.cell.read() as conn:
        assert verify(conn).ok


def test_who_may_not_and_what_is_wrong(world: World, typed: Type, admin: str) -> None:
    create_user(
        world.ctx, "xa2", "Quản trị xã khác", "030080000032", ["administrator:99999"], SECRET
    )
    before = counts(world)
    typed(*YES, "--as", "chi").refused("role", 4)
    typed(*YES, "--as", "xa2").refused("role", 4)
    typed(*YES, "--as", "ai").refused("user", 3)
    typed("payer", "policy", PAYER, "--as", admin).refused("policy", 2)
    typed("payer", "policy", PAYER, "--scan-required", "maybe", "--as", admin).refused("policy", 2)
    typed("payer", "policy", "99999", "--scan-required", "no", "--as", admin).refused("payer", 3)
    assert (flags(world), counts(world)) == (((0, 0), False), before)


def test_without_leave_the_checker_is_refused_at_once(
    world: World, typed: Type, admin: str
) -> None:
    prepared(world)
    said = typed("run", "sign", "--role", "second", "--month", "2026-10", "--as", "binh",
                 day="2026-09-24")  # fmt: skip
    said.refused("same_person", 4)
    assert "disburse payer policy" in said.err
    assert world.rows("SELECT DISTINCT state FROM pay_list") == [("checked",)]
    service.sign_all(world.ctx, 202610, "sign2", world.signers["chi"])  # nothing is stuck
    service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"])
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -1_250_000


def test_with_leave_three_people_pay_a_list_and_never_two(
    world: World, typed: Type, admin: str
) -> None:
    prepared(world)
    assert typed(*YES, "--as", admin, day="2026-09-24").code == 0
    service.sign_all(world.ctx, 202610, "sign2", world.signers["binh"])
    assert world.rows(
        "SELECT role, person_id, seat FROM signature s JOIN pay_list l "
        "ON l.journal_id = s.journal_id WHERE l.programme = 'SA' ORDER BY role"
    ) == [
        ("check", world.signers["binh"].person_id, 0),
        ("prepare", world.signers["an"].person_id, 0),
        ("sign2", world.signers["binh"].person_id, 1),
    ]
    stuck = typed(*NO, "--as", admin, day="2026-09-24")
    stuck.refused("policy_in_use", 4)
    assert flags(world) == ((1, 0), True)
    set_roles(world.ctx, "binh", ["checker", "second_signer", "first_signer"], actor=admin)
    typed("run", "release", "--month", "2026-10", "--as", "binh", day="2026-09-24").refused(
        "same_person", 4
    )
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0
    service.sign_all(world.ctx, 202610, "sign1", world.signers["dung"])
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -1_250_000
    healthy(world)
    assert typed(*NO, "--as", admin, day="2026-09-24").code == 0
    with world.ctx.cell.read() as conn:
        assert verify(conn).ok


def test_payers_are_listed_with_people_providers_and_policy(
    world: World, typed: Type, admin: str
) -> None:
    add_people(world, FOUR)
    assert typed("payer", "list", "--json").json == [
        {
            "code": PAYER, "name": "Xã Thử", "go_live_month": 202610, "people": 4,
            "providers": [PROVIDER], "checker_may_second": False, "scan_required": False,
        }
    ]  # fmt: skip
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE provider_contract SET valid_to = '2026-10-07'"))
    head, rule, row = typed("payer", "list").out.splitlines()
    assert head.split("  ")[0] == "Mã"
    assert set(rule) == {"-", " "}
    assert row.split() == [PAYER, "Xã", "Thử", "10/2026", "4", "chưa", "có", "không", "không"]
