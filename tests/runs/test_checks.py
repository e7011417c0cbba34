"""Checks before a list is closed: what is found is held, what a person resolved stays resolved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.beneficiaries.holds import release_hold
from disbursement.identity.service import create_user
from disbursement.platform import ids
from disbursement.platform.clock import stamp
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
    UsageError,
)
from disbursement.runs import findings, officer_accounts, papers, service
from disbursement.runs.check_identity import number_fault
from disbursement.runs.check_rules import age_ranges, check_rules
from disbursement.runs.checks import CHECKS
from tests.cli.conftest import Type, typed
from tests.documents.papers import said
from tests.runs.test_month import K6, SP, budget, healthy, sign_all
from tests.runs.world import NUMBERS, PAYER, SECRET, Person, World, add_people

__all__ = ["typed"]


def change(world: World, query: str, **values: Any) -> None:
    with world.ctx.cell.begin() as conn:
        conn.execute(text(query), values)


def prepare(world: World, month: int = 202610) -> service.RunResult:
    return service.prepare(world.ctx, month, world.signers["an"])


def found(world: World, state: str = "open") -> list[tuple[str, int | None]]:
    return [
        (rule, person)
        for rule, person in world.rows(
            "SELECT f.rule, f.person_id FROM list_finding f JOIN pay_list l ON l.id = f.list_id "
            "WHERE l.state <> 'void' AND f.state = :s ORDER BY f.rule, f.person_id",
            s=state,
        )
    ]


def payee(world: World, person: int, name: str, relation: str = "authorised") -> None:
    change(
        world,
        "UPDATE benefit_case SET payee_name = :n, payee_relation = :r WHERE person_id = :p",
        n=name, r=relation, p=person,
    )  # fmt: skip


def test_the_table_of_rules_is_the_list_of_checks() -> None:
    assert list(check_rules()) == list(CHECKS)
    assert {r.kind for r in check_rules().values()} == {"right", "payment"}
    assert all(r.document_vi and r.source for r in check_rules().values())
    assert {r.rule: r.limit for r in check_rules().values() if r.limit is not None} == {
        "age_category": 3, "proxy_many": 5, "cooling_off": 7, "amount_far": 50
    }  # fmt: skip
    assert (age_ranges()["SP"].from_years, age_ranges()["SP"].from_poor) == (75, 70)


def test_clean_people_are_not_held(world: World) -> None:
    people = [Person(date(1990, 3, 1), K6), Person(date(1950, 1, 1), SP)]
    people += [Person(date(1951, 1, 1), SP, account="77777777", owner_relation=r)
               for r in ("self", "spouse")]  # fmt: skip
    add_people(world, people)
    budget(world)
    done = prepare(world)
    assert (done.payments, done.held) == (4, 0)
    assert world.one("SELECT count(*) FROM hold") == 0
    assert found(world) == []


def test_a_shared_account_is_held_resolved_and_comes_back_only_with_another_person(
    world: World,
) -> None:
    shared = [Person(date(1950 + n, 1, 1), SP, account="77777777") for n in range(2)]
    a, b = add_people(world, shared)
    (other,) = add_people(world, [Person(date(1949, 1, 1), SP)])
    budget(world)
    assert prepare(world).total_vnd == 500_000
    assert found(world) == [("shared_account", a), ("shared_account", b)]
    [list_id] = world.rows("SELECT id FROM pay_list WHERE state = 'prepared'")[0]
    first, second = findings.list_findings(world.ctx, list_id)
    reference = world.one("SELECT reference FROM person WHERE id = :p", p=b)
    assert first.others == [{"reference": reference, "last4": NUMBERS[b][-4:], "payer": PAYER}]
    assert f"****7777 dùng cho 2 người mà không ghi quan hệ. Cùng với: {reference}" in first.detail
    assert "Cần: giấy tờ về quan hệ giám hộ" in first.detail
    assert first.hold is not None
    assert second.hold is not None
    for hold in (first.hold, second.hold):
        findings.resolve(world.ctx, hold, "Giấy kết hôn 5/2001", "an")
    again = findings.list_findings(world.ctx, list_id)
    assert [(f.state, f.resolved_by, f.resolved_document) for f in again] == [
        ("resolved", "an", "Giấy kết hôn 5/2001")
    ] * 2
    assert prepare(world).total_vnd == 1_500_000
    assert (found(world), found(world, "resolved")) == (
        [], [("shared_account", a), ("shared_account", b)]
    )  # fmt: skip
    # a third person on the account is another fact
    change(
        world,
        "INSERT INTO destination SELECT 990, person_id, 2, kind, bank_code, account_enc, "
        "(SELECT account_blind FROM destination WHERE person_id = :a), '7777', owner_name, 'self', "
        "'2026-09-01', source, digest FROM destination WHERE person_id = :o",
        a=a, o=other,
    )  # fmt: skip
    assert prepare(world).total_vnd == 0
    assert found(world) == [("shared_account", p) for p in (a, b, other)]


def test_ages_are_recomputed_from_birth_dates(world: World) -> None:
    k1 = {"clause": "K1", "studying": True}
    add_people(
        world,
        [
            Person(date(1960, 3, 1), SP),  # 66
            Person(date(1956, 3, 1), {**SP, "household": "poor"}),  # 70, in a poor household
            Person(date(2012, 3, 1), k1),  # 14
            Person(date(2008, 3, 1), k1),  # 16 in 2024: before the case began
            Person(date(2010, 9, 1), k1, start=202609),  # 16 last month: the rule's own end
            Person(date(1970, 3, 1), {"clause": "K5a", "household": "poor",
                                      "carer": "no_obliged"}),
        ],
    )  # fmt: skip
    budget(world)
    prepare(world)
    assert [p for r, p in found(world) if r == "age_category"] == [1, 4, 6]
    words = dict(
        world.rows(
            "SELECT person_id, detail FROM hold WHERE reason = 'age_category' AND kind = 'right'"
        )
    )
    assert words[1].startswith("Diện SP: sinh 03/1960, chưa đủ 75 tuổi.")
    assert words[4].startswith("Diện K1: sinh 03/2008, đã quá 16 tuổi từ 03/2024, trước tháng")
    assert words[6].startswith("Diện K5a: sinh 03/1970, chưa đủ 60 tuổi.")


def test_an_outgrown_case_without_a_decision_is_found_after_the_limit(world: World) -> None:
    k7 = {"clause": "K7", "household": "poor", "difficult_area": True,
          "household_from": date(2026, 1, 1), "household_to": date(2027, 12, 31)}  # fmt: skip
    add_people(world, [Person(date(2023, 7, 9), k7, start=202601)])  # three in July 2026
    add_people(world, [Person(date(1950, 1, 1), SP)])
    change(world, "UPDATE benefit_case SET opening_month = 202610")
    budget(world)
    prepare(world)
    assert [r for r, _ in found(world) if r == "age_category"] == []
    create_user(world.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    findings.set_limit(
        world.ctx, "age_category", 2, payer=PAYER, document="5/QĐ-UBND", actor="quan"
    )
    prepare(world)
    assert world.rows("SELECT person_id, reason, kind FROM hold") == [(1, "age_category", "right")]


def test_numbers_that_cannot_be_the_persons(world: World) -> None:
    born = (date(1990, 3, 1), date(1990, 3, 1))
    assert number_fault("030090000001", born, "male") is None
    assert number_fault("108090000001", born, "male") is None  # born abroad: not judged
    for number, word in (
        ("030091000001", "năm sinh"), ("030290000001", "năm sinh"), ("030190000001", "giới tính"),
        ("003090000001", "ba số đầu 003"), ("000090000001", "ba số đầu"), ("03009000001", "12"),
    ):  # fmt: skip
        assert word in str(number_fault(number, born, "male"))
    add_people(world, [Person(date(1990, 3, 1), K6), Person(date(1991, 3, 1), K6)])
    change(world, "UPDATE person SET sex = 'female' WHERE id = 2")
    budget(world)
    assert prepare(world).minted_vnd == 750_000
    assert found(world) == [("identity_mismatch", 2)]
    [(digest, detail)] = world.rows("SELECT fact_digest, detail FROM hold")
    assert NUMBERS[2] not in digest + detail
    assert f"****{NUMBERS[2][-4:]}" in detail


def test_namesakes_are_held_only_where_more_agrees(world: World) -> None:
    twins = [Person(date(1990, 3, 1), K6, account=a) for a in ("77777771", "77777772")]
    a, b = add_people(world, [*twins, Person(date(1960, 3, 1), K6)])[:2]
    change(world, "UPDATE person SET name_search = 'nguyen van thu' WHERE id IN (:a, :b)", a=a, b=b)
    far = "031090987654"
    keys = world.ctx.keys
    change(
        world, "UPDATE person SET identity_enc = :e, identity_blind = :x WHERE id = :b",
        e=keys.encrypt("person.identity", b, far), x=keys.blind("identity", far), b=b,
    )  # fmt: skip
    budget(world)
    assert prepare(world).payments == 3
    assert found(world) == []
    assert found(world, "note") == [("duplicate_person", a), ("duplicate_person", b)]
    payee(world, a, "Lê Thị Mẹ", "guardian")
    payee(world, b, "Lê Thị Mẹ", "guardian")
    assert prepare(world).payments == 1
    assert found(world) == [("duplicate_person", a), ("duplicate_person", b)]
    assert "và cùng người nhận thay" in world.one(
        "SELECT min(detail) FROM hold WHERE reason = 'duplicate_person'"
    )
    assert world.rows("SELECT DISTINCT kind FROM hold") == [("right",)]


def test_a_number_with_two_digits_changed_is_the_same_person(world: World) -> None:
    a, b = add_people(world, [Person(date(1990, 3, 1), K6)] * 2)  # ..0001 and ..0002
    change(world, "UPDATE person SET name_search = 'nguyen van thu'")
    budget(world)
    prepare(world)
    assert found(world) == [("duplicate_person", a), ("duplicate_person", b)]


def test_the_same_number_in_two_provinces(world: World) -> None:
    from dataclasses import replace

    from disbursement.platform.migrate import create_cell

    create_cell(world.ctx.database, "01", "Hà Nội", stamp(world.ctx.clock))
    add_people(world, [Person(date(1990, 3, 1), K6), Person(date(1960, 3, 1), K6)])
    other = replace(world.ctx, cell=world.ctx.database.cell("01"))
    columns = "name, name_search, birth_from, birth_to, sex, commune_code, reference, seq"
    row = world.rows(f"SELECT {columns} FROM person WHERE id = 1")[0]
    with other.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO payer (id, code, name, province_code, go_live_month, checker_may_second, "
                "scan_required, created_at) VALUES (1, '00004', 'Ba Đình', '01', 202610, 0, 0, '')"
            )
        )
        conn.execute(
            text(
                f"INSERT INTO person (id, payer_id, identity_kind, identity_blind, identity_last4, "
                f"{columns}) VALUES (1, 1, 'cccd', :x, '', :a, :b, :c, :d, :e, :f, :g, :h)"
            ),
            {
                "x": world.ctx.keys.blind("identity", NUMBERS[1]),
                **dict(zip("abcdefgh", row, strict=True)),
            },
        )
        conn.execute(
            text(
                "INSERT INTO unit_profile (sub_id, from_month, to_month, payer_id, profile_id) "
                "VALUES (1, 202601, 202712, 1, 1)"
            )
        )
    budget(world)
    assert prepare(world).payments == 1
    assert found(world) == [("duplicate_person", 1)]
    detail = world.one("SELECT detail FROM hold")
    assert detail.startswith("Cùng số định danh đang hưởng ở xã 00004, tỉnh 01 (mã tra cứu ")


def test_a_proxy_for_more_than_the_limit(world: World) -> None:
    people = add_people(world, [Person(date(1940 + n, 1, 1), SP, kind="cash") for n in range(7)])
    for person in people[:5]:
        payee(world, person, "Lê Thị Thu")
    budget(world)
    assert prepare(world).payments == 7
    assert found(world) == []
    payee(world, people[5], "Lê  thị THU")
    assert prepare(world).payments == 1
    assert [p for r, p in found(world)] == people[:6]
    assert "nhận thay cho 6 người (quá 5): người nhận thay cùng họ tên" in world.one(
        "SELECT min(detail) FROM hold"
    )


def test_namesakes_with_an_account_each_are_not_one_proxy(world: World) -> None:
    people = add_people(
        world,
        [Person(date(1940 + n, 1, 1), SP, account=f"6666666{n // 2}", owner_relation="carer")
         for n in range(7)],
    )  # fmt: skip
    for person in people:
        payee(world, person, "Lê Thị Thu")
    budget(world)
    assert prepare(world).payments == 7
    assert found(world) == []


def test_a_payers_limit_has_its_own_evidence(world: World) -> None:
    people = add_people(
        world,
        [Person(date(1940 + n, 1, 1), SP, account="77777777", owner_relation="authorised")
         for n in range(3)],
    )  # fmt: skip
    budget(world)
    create_user(world.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    assert prepare(world).payments == 3
    done = findings.set_limit(
        world.ctx, "proxy_many", 2, payer=PAYER, document="12/QĐ-UBND", actor="quan"
    )
    assert (done.limit, done.default) == (2, 5)
    assert prepare(world).payments == 0
    assert found(world) == [("proxy_many", p) for p in people]
    assert world.rows("SELECT payer, value, document, set_by FROM setting WHERE name = 'check.proxy_many'") == [
        (PAYER, "2", "12/QĐ-UBND", "quan")
    ]  # fmt: skip
    findings.set_limit(world.ctx, "proxy_many", 2, payer=PAYER, document="12/QĐ-UBND", actor="quan")
    audits = "SELECT count(*) FROM audit_event WHERE action = 'check_limit_set'"
    assert world.one(audits) == 1
    for rule, value, document, actor, error in (
        ("death", 2, "x", "quan", RefusedError), ("proxy_many", -1, "x", "quan", UsageError),
        ("proxy_many", 3, " ", "quan", RefusedError), ("proxy_many", 3, "x", "an", NotAllowedError),
    ):  # fmt: skip
        with pytest.raises(error):
            findings.set_limit(world.ctx, rule, value, payer=PAYER, document=document, actor=actor)
    with pytest.raises(NotFoundError):
        findings.set_limit(world.ctx, "proxy_many", 3, payer="99999", document="x", actor="quan")
    assert world.one(audits) == 1


def test_an_officers_account_and_an_officer_on_the_list(world: World) -> None:
    account, person = add_people(
        world, [Person(date(1990, 3, 1), K6, account="77777777"), Person(date(1980, 1, 1), K6)]
    )
    create_user(world.ctx, "hai", "Cán bộ khác", "030080000031", ["cash_desk"], SECRET)
    create_user(world.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    declared = officer_accounts.declare_account(world.ctx, "chi", "VCB", "7777 7777", actor="chi")
    again = officer_accounts.declare_account(world.ctx, "chi", "VCB", "77777777", actor="quan")
    assert (declared.last4, again.id) == ("7777", declared.id)
    sealed = world.one("SELECT account_enc FROM officer_account")
    assert world.ctx.keys.decrypt("officer_account.account", declared.id, sealed) == "77777777"
    with pytest.raises(NotAllowedError):
        officer_accounts.declare_account(world.ctx, "chi", "VCB", "77777778", actor="an")
    with pytest.raises(RefusedError):
        officer_accounts.declare_account(world.ctx, "chi", "Ngân hàng Không Có", "1", actor="chi")
    budget(world)
    number = "030080000004"  # dung, the first signer
    change(
        world,
        "UPDATE person SET identity_blind = :x, identity_enc = :e WHERE id = :p",
        x=world.ctx.keys.blind("identity", number),
        e=world.ctx.keys.encrypt("person.identity", person, number), p=person,
    )  # fmt: skip
    assert prepare(world).payments == 0
    assert found(world) == [("officer_account", account), ("officer_person", person)]
    create_user(world.ctx, "em", "Cán bộ em", "030080000032", ["checker"], SECRET)
    holds = dict(world.rows("SELECT person_id, id FROM hold"))
    for who, hold in (("chi", holds[account]), ("dung", holds[person])):
        with pytest.raises(NotAllowedError) as own:
            findings.resolve(world.ctx, hold, "1/GT", who)
        assert own.value.code == "own_hold"
        with pytest.raises(NotAllowedError):
            release_hold(world.ctx, hold, "1/GT", who)
    for hold in holds.values():
        findings.resolve(world.ctx, hold, "1/GT", "em")
    assert prepare(world).payments == 2
    assert officer_accounts.withdraw_account(world.ctx, declared.id, actor="quan") == declared
    assert officer_accounts.officer_accounts(world.ctx) == []


def test_an_officer_of_another_office_is_no_finding(world: World) -> None:
    create_user(world.ctx, "hai", "Cán bộ khác", "030080000031", ["cash_desk", "checker:04795"],
                SECRET)  # fmt: skip
    officer_accounts.declare_account(world.ctx, "hai", "VCB", "77777777", actor="hai")
    add_people(world, [Person(date(1990, 3, 1), K6, account="77777777")])
    budget(world)
    assert prepare(world).payments == 1


def new_account(world: World, person: int, usable: str) -> None:
    change(
        world,
        "INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, "
        "account_blind, account_last4, owner_name, owner_relation, usable_from, source) "
        "VALUES (:i, :p, 2, 'cash', '', NULL, NULL, '', 'x', 'self', :u, 'test')",
        i=900 + person, p=person, u=usable,
    )  # fmt: skip


def test_a_change_inside_the_cooling_off(world: World) -> None:
    a, b = add_people(world, [Person(date(1990, 3, 1), K6), Person(date(1970, 3, 1), K6)])
    new_account(world, a, "2026-09-30")
    new_account(world, b, "2026-09-24")  # the day of the list: over
    budget(world)
    assert prepare(world).payments == 1
    assert found(world) == [("cooling_off", a)]
    [(kind, hold, detail)] = world.rows("SELECT kind, id, detail FROM hold")
    assert kind == "payment"
    assert "dùng được từ ngày 30/09/2026" in detail
    findings.resolve(world.ctx, hold, "Giấy đề nghị 3/2026", "an")
    assert prepare(world).payments == 2
    sign_all(world)
    healthy(world)


def dirty(world: World, person: int, month: int) -> None:
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text("INSERT INTO dirty (sub_id, from_month, why, seq) VALUES (:s, :m, 'test', :q)"),
            {"s": person, "m": month, "q": ids.block(conn, "change", 1)},
        )


def november(world: World) -> list[int]:
    """Release October for three people; then the second is on a higher level without a paper."""
    births = [date(1990, 3, 1), date(1970, 3, 1), date(1971, 3, 1)]
    people = add_people(world, [Person(b, K6) for b in births])
    budget(world)
    assert prepare(world).minted_vnd == 2_250_000
    sign_all(world)
    (model,) = add_people(world, [Person(date(1988, 3, 1), {**K6, "degree": "ES"})])
    change(
        world,
        "UPDATE unit_profile SET profile_id = (SELECT profile_id FROM unit_profile "
        "WHERE sub_id = :m AND 202611 BETWEEN from_month AND to_month) WHERE sub_id = :p",
        m=model, p=people[1],
    )  # fmt: skip
    change(world, "DELETE FROM unit_profile WHERE sub_id = :m", m=model)
    dirty(world, people[1], 202610)
    change(world, "UPDATE benefit_case SET seq = 0")  # recorded before October's list
    change(world, "UPDATE run SET state = 'closed'")
    world.clock.set(date(2026, 10, 2))  # before the decree: the old level
    return people


def test_an_amount_far_from_last_month_without_a_decision(world: World) -> None:
    people = november(world)
    create_user(world.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    findings.set_limit(world.ctx, "amount_far", 30, payer=PAYER, document="5/QĐ", actor="quan")
    done = prepare(world, 202611)
    assert done.minted_vnd == 750_000 * 2 + 1_000_000 + 250_000
    assert found(world) == [("amount_far", people[1])]
    [(kind, detail)] = world.rows("SELECT kind, detail FROM hold")
    assert kind == "payment"
    assert detail.startswith(
        "Mức tháng 10/2026 đã ghi 750.000 đồng, nay tính 1.000.000 đồng, chênh quá 30 %"
    )


def test_a_third_more_is_not_far(world: World) -> None:
    november(world)
    assert prepare(world, 202611).held == 0
    assert found(world) == []


def test_a_decision_explains_the_amount(world: World) -> None:
    people = november(world)
    create_user(world.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    findings.set_limit(world.ctx, "amount_far", 30, payer=PAYER, document="5/QĐ", actor="quan")
    change(world, "UPDATE benefit_case SET decision_date = '2026-10-01' WHERE person_id = :p",
           p=people[1])  # fmt: skip
    prepare(world, 202611)
    assert found(world) == []


def test_the_months_of_a_held_right_are_paid_once_it_is_resolved(world: World) -> None:
    (person,) = add_people(world, [Person(date(1990, 3, 1), K6)])
    add_people(world, [Person(date(1950, 1, 1), SP)])
    budget(world)
    change(world, "UPDATE person SET sex = 'female' WHERE id = :p", p=person)
    assert prepare(world).minted_vnd == 500_000
    sign_all(world)
    change(world, "UPDATE run SET state = 'closed'")
    world.clock.set(date(2026, 10, 2))
    hold = world.one("SELECT id FROM hold")
    findings.resolve(world.ctx, hold, "Giấy xác nhận 8/2026", "an")
    done = prepare(world, 202611)
    assert done.minted_vnd == 500_000 + 2 * 750_000
    assert found(world, "resolved") == [("identity_mismatch", person)]
    sign_all(world, 202611)
    healthy(world)


def test_findings_on_the_sheet_and_at_the_terminal(
    world: World, tmp_path: Any, typed: Type
) -> None:
    add_people(world, [Person(date(1950 + n, 1, 1), SP, account="77777777") for n in range(2)])
    budget(world)
    prepare(world)
    [list_id] = world.rows("SELECT id FROM pay_list")[0]
    pdf, book = papers.write_sheet(world.ctx, list_id, tmp_path)
    assert "Kiểm tra trước khi chốt danh sách" in said(pdf.read_bytes())
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(str(book)).get_sheet_by_name("Kiểm tra").to_python()
    assert [r[1] for r in rows].count("Đang giữ") == 2
    out = typed("run", "findings", list_id).out
    assert out.count("Một tài khoản cho nhiều người") == 2
    first, _ = typed("run", "findings", list_id, "--json").json
    assert (first["rule"], first["state"]) == ("shared_account", "open")
    done = typed("run", "resolve", first["hold"], "--document", "Giấy 1", "--as", "an")
    assert (
        done.out == f"Đã giải quyết phát hiện số {first['hold']} (shared_account) theo: Giấy 1.\n"
    )
    assert typed("run", "findings", list_id).out.count("[an: Giấy 1]") == 1
    typed("run", "resolve", first["hold"], "--document", "Giấy 1", "--as", "an").refused(
        "hold_released", 4
    )
    typed("run", "resolve", 999, "--document", "Giấy 1", "--as", "an").refused("hold", 3)
    typed("run", "findings", 999).refused("list", 3)
    assert "proxy_many" in typed("run", "limits", "--payer", PAYER).out
    done = typed("users", "declare-account", "chi", "--bank", "VCB", "--account", "77777777",
                 "--as", "chi")  # fmt: skip
    assert done.out == "Đã ghi tài khoản ****7777 (BFTVVNVX) của chi.\n"
    assert "77777777" not in typed("users", "accounts").out


def test_resolving_needs_a_document_and_happens_once(world: World) -> None:
    add_people(world, [Person(date(1950 + n, 1, 1), SP, account="77777777") for n in range(2)])
    budget(world)
    prepare(world)
    hold = world.one("SELECT min(id) FROM hold")
    with pytest.raises(RefusedError):
        findings.resolve(world.ctx, hold, "  ", "an")
    assert world.one("SELECT count(*) FROM hold WHERE resolved_at IS NOT NULL") == 0
    findings.resolve(world.ctx, hold, "Giấy 1", "an")
    with pytest.raises(NotNowError):
        findings.resolve(world.ctx, hold, "Giấy 2", "an")
