"""`disburse accounts`: asked by two people, answered by the bank, names looked at, paid once known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bank_adapters.vietqr import VietQr, write_qr
from disbursement.documents.words import FIRST_PAID
from disbursement.identity.service import create_user
from disbursement.runs import papers, service
from tests.cli.conftest import Type
from tests.runs.test_month import FOUR, K6, budget
from tests.runs.world import PAYER, PROVIDER, SECRET, Person, World, add_people

DAY = "2026-09-10"
HEAD = (
    "Mã tra cứu", "Kết quả", "Số tài khoản", "Tên chủ tài khoản", "Quan hệ của chủ tài khoản",
    "Ngày đồng ý", "Văn bản đồng ý", "Lý do",
)  # fmt: skip
TABLES = ("destination", "account_consent", "name_check", "import_file", "audit_event")


def table(path: Path, head: tuple[str, ...], *rows: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return path


def reference(world: World, person: int) -> str:
    return str(world.one("SELECT reference FROM person WHERE id = :p", p=person))


def counts(world: World) -> list[Any]:
    states = world.rows("SELECT person_id, state FROM account_request_row ORDER BY n")
    return [*(world.one(f"SELECT count(*) FROM {t}") for t in TABLES), states]


def issued(ref: str, holder: str, account: str = "104000000001") -> tuple[str, ...]:
    return (ref, "Đã mở", account, holder, "", "08/09/2026", "Phiếu đồng ý 12", "")


def held(world: World) -> dict[int, str]:
    return dict(
        world.rows(
            "SELECT p.person_id, p.hold_reason FROM payment p JOIN pay_list l ON l.id = p.list_id "
            "WHERE l.state = 'prepared'"
        )
    )


def asked(world: World, typed: Type, tmp_path: Path) -> int:
    """Four people, one of them paid in cash; an account is asked for and signed by two."""
    four = add_people(world, FOUR)
    assert typed("accounts", "request", PROVIDER, "--as", "an", day=DAY).code == 0
    done = typed("accounts", "sign", 1, "--as", "binh", "--out", tmp_path, day=DAY)
    assert done.code == 0, done
    return four[2]


def test_a_request_is_written_once_two_people_signed_and_holds_what_was_asked(
    world: World, typed: Type, tmp_path: Path
) -> None:
    four = add_people(world, FOUR)
    made = typed("accounts", "request", PROVIDER, "--as", "an", "--json", day=DAY).json
    assert (made["people"], made["state"], made["asked"]) == (1, "made", 1)
    typed("accounts", "write", 1, "--out", tmp_path, day=DAY).refused("request_unsigned", 4)
    create_user(world.ctx, "an2", "Cán bộ an", "030080000001", ["checker"], SECRET)
    sign = ("accounts", "sign", 1, "--out", tmp_path, "--as")
    typed(*sign, "an2", day=DAY).refused("same_person", 4)
    typed(*sign, "an", day=DAY).refused("role", 4)
    assert list(tmp_path.glob("*.xlsx")) == []
    done = typed(*sign, "binh", "--json", day=DAY).json
    assert done["state"] == "signed"
    typed(*sign, "chi", day=DAY).refused("request_signed", 4)
    rows = CalamineWorkbook.from_path(done["file"]).get_sheet_by_index(0).to_python()
    sealed = world.one("SELECT identity_enc FROM person WHERE id = :p", p=four[2])
    number = world.ctx.keys.decrypt("person.identity", four[2], bytes(sealed))
    assert rows[0] == [
        "Mã tra cứu", "Số định danh cá nhân", "Họ và tên", "Ngày sinh", "Giới tính", "Xã, phường",
    ]  # fmt: skip
    (row,) = rows[1:]
    assert row[:5] == [
        reference(world, four[2]),
        number,
        f"Nguyễn Văn Thử {four[2]}",
        "01/01/1949",
        "Nam",
    ]
    typed("accounts", "request", PROVIDER, "--as", "an", day=DAY).refused("nobody", 3)
    with pytest.raises(DBAPIError), world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE account_request SET signed_person = made_person"))


def test_an_account_is_paid_to_once_its_name_is_known_and_the_first_payment_is_marked(
    world: World, typed: Type, tmp_path: Path
) -> None:
    person = asked(world, typed, tmp_path)
    file = table(tmp_path / "kq.csv", HEAD, issued(reference(world, person), "NGUYEN VAN THUR"))
    done = typed("accounts", "import", file, "--request", 1, "--as", "an", "--json", day=DAY)
    assert (done.json["issued"], done.json["names_pending"]) == (1, 1)
    new = world.rows(
        "SELECT version, kind, bank_code, account_last4, usable_from, source FROM destination "
        "WHERE person_id = :p ORDER BY version DESC", p=person,
    )[0]  # fmt: skip
    assert new[:5] == (2, "bank", "ICBVVNVX", "0001", "2026-09-17")
    (row,) = typed("accounts", "names", "list", "--json", day=DAY).json
    assert (row["rules"], row["threshold"], row["state"]) == (["different"], 95, "pending")
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[person] == "name_pending"
    accept = ("accounts", "names", "accept", row["id"], "--document", "Biên bản 3")
    typed(*accept, "--as", "an", day=DAY).refused("role", 4)
    assert typed(*accept, "--as", "binh", day=DAY).code == 0
    typed(*accept, "--as", "chi", day=DAY).refused("name_decided", 4)
    assert typed("accounts", "names", "list", "--json", day=DAY).json == []
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[person] == ""
    list_id = world.one(
        "SELECT p.list_id FROM payment p JOIN pay_list l ON l.id = p.list_id "
        "WHERE p.person_id = :p AND l.state = 'prepared'", p=person,
    )  # fmt: skip
    with world.ctx.cell.read() as conn:
        sheet = papers.approval_sheet(conn, world.ctx, list_id)
        marks = [c.reason for c in papers._changes(conn, list_id) if c.account_after == "0001"]
    assert sheet.first_paid is not None
    assert (sheet.first_paid.count, sheet.first_paid.amount_vnd) == (2, 2 * 500_000)
    assert marks == [FIRST_PAID]


def test_a_refused_name_is_asked_for_again_and_never_paid(
    world: World, typed: Type, tmp_path: Path
) -> None:
    person = asked(world, typed, tmp_path)
    file = table(tmp_path / "kq.csv", HEAD, issued(reference(world, person), "TRAN VAN KHAC"))
    assert typed("accounts", "import", file, "--request", 1, "--as", "an", day=DAY).code == 0
    (row,) = typed("accounts", "names", "list", "--json", day=DAY).json
    words = ("accounts", "names", "refuse", row["id"], "--as", "binh", "--document")
    typed(*words, " ", day=DAY).refused("text", 3)
    assert typed(*words, "Biên bản 4", day=DAY).code == 0
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[person] == "name_refused"
    again = typed("accounts", "request", PROVIDER, "--as", "an", "--json", day=DAY).json
    assert again["people"] == 1


def test_a_correction_of_the_register_is_compared_before_the_next_list(
    world: World, typed: Type, tmp_path: Path
) -> None:
    person = asked(world, typed, tmp_path)
    name = f"Nguyễn Văn Thử {person}"
    file = table(tmp_path / "kq.csv", HEAD, issued(reference(world, person), name.upper()))
    assert typed("accounts", "import", file, "--request", 1, "--as", "an", day=DAY).code == 0
    assert world.rows("SELECT state, decided_by FROM name_check") == [("accepted", "")]
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE person SET name = 'Lê Thị Khác' WHERE id = :p"), {"p": person})
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[person] == "name_pending"
    assert world.one("SELECT count(*) FROM name_check") == 2


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, "KHONGCO123", "mã tra cứu không có trong đề nghị"),
        (1, "Xong", "không có trong danh mục"),
        (2, "", "Số tài khoản"),
        (2, "12", "không phải tài khoản ở"),
        (2, write_qr(VietQr("970405", "1500000000001")), "không phải tài khoản ở"),
        (3, "", "Tên chủ tài khoản"),
        (5, "", "Ngày đồng ý"),
        (5, "08/09/2027", "không phải ngày đã qua"),
        (6, "", "Văn bản đồng ý"),
        (1, "Từ chối", "Lý do"),
    ],
)
def test_a_wrong_answer_changes_nothing(
    world: World, typed: Type, tmp_path: Path, column: int, value: str, says: str
) -> None:
    person = asked(world, typed, tmp_path)
    row = list(issued(reference(world, person), "NGUYEN VAN THU"))
    row[column] = value
    before = counts(world)
    file = table(tmp_path / "kq.csv", HEAD, tuple(row))
    done = typed("accounts", "import", file, "--request", 1, "--as", "an", day=DAY)
    done.refused("row", 3)
    assert says in done.err
    assert "Chưa nhận dòng nào." in done.err
    assert counts(world) == before


def test_an_answer_is_read_once_and_only_to_a_signed_request(
    world: World, typed: Type, tmp_path: Path
) -> None:
    person = asked(world, typed, tmp_path)
    ref = reference(world, person)
    file = table(tmp_path / "kq.csv", HEAD, (ref, "Đến quầy", "", "", "", "", "", "thiếu ảnh"))
    answer = ("accounts", "import", file, "--as", "an", "--request")
    typed(*answer, 7, day=DAY).refused("account_request", 3)
    assert typed(*answer, 1, day=DAY).code == 0
    typed(*answer, 1, day=DAY).refused("answer_repeated", 4)
    assert world.rows("SELECT state, reason FROM account_request_row") == [("counter", "thiếu ảnh")]
    qr = write_qr(VietQr("970415", "104000000001"))
    later = table(tmp_path / "kq2.csv", HEAD, issued(ref, f"NGUYEN VAN THU {person}", qr))
    assert typed("accounts", "import", later, "--request", 1, "--as", "an", day=DAY).code == 0
    assert world.one("SELECT account_last4 FROM destination ORDER BY id DESC") == "0001"
    (found,) = typed("accounts", "requests", "--json", day=DAY).json
    assert (found["issued"], found["counter"], found["asked"]) == (1, 0, 0)


def test_the_funnel_gives_a_reason_for_each_step_not_reached(
    world: World, typed: Type, tmp_path: Path
) -> None:
    people = add_people(world, [*FOUR, Person(FOUR[0].birth, K6, kind="cash")])
    (found,) = typed("accounts", "funnel", "--json", day=DAY).json
    assert found["payer"] == PAYER
    assert list(found["steps"].values()) == [5, 3, 0, 0, 0, 0]
    assert found["reasons"]["account"] == {"cash": 2}
    assert found["reasons"]["name_verified"] == {"name_unasked": 3}
    names = table(
        tmp_path / "ten.csv", ("Mã tra cứu", "Tên chủ tài khoản"),
        (reference(world, people[0]), f"NGUYEN VAN THU {people[0]}"),
        (reference(world, people[1]), "N*** V** T** *"),
    )  # fmt: skip
    done = typed(
        "accounts", "names", "import", names, "--provider", PROVIDER, "--as", "an", "--json",
        day=DAY,
    )  # fmt: skip
    assert done.json == {"rows": 2, "accepted": 1, "pending": 1}
    assert typed("accounts", "request", PROVIDER, "--as", "an", day=DAY).code == 0
    assert typed("accounts", "sign", 1, "--as", "binh", "--out", tmp_path, day=DAY).code == 0
    file = table(
        tmp_path / "kq.csv", HEAD,
        issued(reference(world, people[2]), f"NGUYEN VAN THU {people[2]}"),
        (reference(world, people[4]), "Cần người giám hộ", "", "", "", "", "", "dưới 15 tuổi"),
    )  # fmt: skip
    assert typed("accounts", "import", file, "--request", 1, "--as", "an", day=DAY).code == 0
    (found,) = typed("accounts", "funnel", "--json", day=DAY).json
    assert list(found["steps"].values()) == [5, 4, 2, 1, 0, 0]
    assert found["reasons"] == {
        "account": {"guardian": 1},
        "name_verified": {"name_pending": 1, "name_unasked": 1},
        "consented": {"no_consent": 1},
        "paid_through": {"cooling_off": 1},
        "credited": {},
    }
    shown = typed("accounts", "funnel", "--payer", PAYER, day=DAY)
    assert "1 người – cần người giám hộ" in shown.out
    typed("accounts", "funnel", "--payer", "99999", day=DAY).refused("payer", 3)


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("request", "KHONGCO", "--as", "an"), "provider", 3),
        (("request", PROVIDER, "--as", "an", "--profile", "la"), "profile_unknown", 3),
        (("request", PROVIDER, "--as", "an", "--payer", "99999"), "payer", 3),
        (("request", PROVIDER, "--as", "ai"), "user", 3),
        (("sign", "9", "--as", "binh"), "account_request", 3),
        (("names", "accept", "9", "--document", "x", "--as", "binh"), "name_check", 3),
        (("names", "threshold", "50", "--document", "x", "--as", "binh"), "threshold", 3),
        (("names", "threshold", "90", "--as", "binh"), "text", 3),
        (("names", "threshold", "90", "--document", "x", "--as", "an"), "role", 4),
        (("names", "import", "khong-co.csv", "--provider", PROVIDER, "--as", "an"), "no_file", 3),
    ],
)
def test_each_refusal_is_one_sentence_and_changes_nothing(
    world: World, typed: Type, words: tuple[str, ...], code: str, exit_code: int
) -> None:
    add_people(world, FOUR)
    before = counts(world)
    typed("accounts", *words, day=DAY).refused(code, exit_code)
    assert counts(world) == before


def test_a_payers_own_threshold_is_kept_with_its_paper(
    world: World, typed: Type, tmp_path: Path
) -> None:
    person = asked(world, typed, tmp_path)
    words = ("accounts", "names", "threshold", 85, "--payer", PAYER, "--document", "CV 9")
    assert typed(*words, "--as", "binh", "--json", day=DAY).json == {
        "cell": 95, "payers": {PAYER: 85},
    }  # fmt: skip
    holder = f"NGUYEN V THU {person}"
    file = table(tmp_path / "kq.csv", HEAD, issued(reference(world, person), holder))
    assert typed("accounts", "import", file, "--request", 1, "--as", "an", day=DAY).code == 0
    assert world.rows("SELECT score, rules, threshold, state FROM name_check") == [
        (83, "initials marks", 85, "pending")
    ]
    assert world.rows("SELECT value, document FROM setting WHERE name = 'name_threshold'") == [
        ("85", "CV 9")
    ]


# --- consents ------------------------------------------------------------------------------------

CONSENT = ("Mã tra cứu", "4 số cuối tài khoản", "Ngày đồng ý", "Văn bản đồng ý")


def consent_rows(world: World, people: list[int]) -> list[tuple[str, ...]]:
    last4 = dict(world.rows("SELECT person_id, account_last4 FROM destination"))
    return [(reference(world, p), last4[p], "08/09/2026", f"Phiếu {p}") for p in people]


def consented(world: World) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT c.person_id, c.given_on, c.document, c.recorded_by FROM account_consent c "
        "JOIN destination d ON d.id = c.destination_id AND d.person_id = c.person_id ORDER BY c.id"
    )


def test_consents_of_many_come_in_one_file(world: World, typed: Type, tmp_path: Path) -> None:
    add_people(world, FOUR)
    banked = [p for (p,) in world.rows(
        "SELECT person_id FROM destination WHERE kind <> 'cash' ORDER BY person_id"
    )]  # fmt: skip
    assert len(banked) == 3
    rows = consent_rows(world, banked)
    path = table(tmp_path / "dy.csv", CONSENT, *rows)
    said = typed("accounts", "consents", path, "--as", "an", "--json", day=DAY).json
    assert said == {"rows": 3, "payers": 1}
    assert consented(world) == [(p, "2026-09-08", f"Phiếu {p}", "an") for p in banked]
    (funnel,) = typed("accounts", "funnel", "--json").json
    assert funnel["steps"]["account"] == 3
    before = counts(world)
    typed("accounts", "consents", path, "--as", "an", day=DAY).refused("row", 3)
    assert counts(world) == before


def test_one_wrong_consent_takes_none_and_names_every_row(
    world: World, typed: Type, tmp_path: Path
) -> None:
    add_people(world, FOUR)
    banked = [p for (p,) in world.rows(
        "SELECT person_id FROM destination WHERE kind <> 'cash' ORDER BY person_id"
    )]  # fmt: skip
    cash = int(world.one("SELECT person_id FROM destination WHERE kind = 'cash'"))
    good = consent_rows(world, banked)
    ref, last4, day, paper = good[0]
    wrong = {
        ("ZZZZZZZZZZ", last4, day, paper): "không có mã tra cứu này",
        (reference(world, cash), last4, day, paper): "không có tài khoản trong sổ",
        (ref, "9999", day, paper): "bốn số cuối khác",
        (ref, last4, "11/09/2026", paper): "không phải ngày đã qua",
        (ref, last4, "", paper): "Ngày đồng ý",
        (ref, last4, day, ""): "Văn bản đồng ý",
        good[1]: "lặp lại",
    }
    before = counts(world)
    for row, why in wrong.items():
        path = table(tmp_path / "dy.csv", CONSENT, good[1], good[2], row)
        done = typed("accounts", "consents", path, "--as", "an", day=DAY)
        done.refused("row", 3)
        assert why in done.err, row
        assert "4" in done.err, "the row in the file"
        assert counts(world) == before
    path = table(tmp_path / "dy.csv", CONSENT, *(row for row in wrong if row != good[1]))
    done = typed("accounts", "consents", path, "--as", "an", day=DAY)
    done.refused("row", 3)
    assert "dòng 5" in done.err.casefold()
    assert "dòng 7" in done.err.casefold()
    empty = table(tmp_path / "none.csv", CONSENT)
    typed("accounts", "consents", empty, "--as", "an", day=DAY).refused("no_rows", 3)
    create_user(world.ctx, "em", "Cán bộ khác", "030080000009", ["preparer:00099"], SECRET)
    path = table(tmp_path / "dy.csv", CONSENT, *good)
    typed("accounts", "consents", path, "--as", "em", day=DAY).refused("row", 3)
    assert counts(world)[:3] == before[:3]
    assert consented(world) == []
