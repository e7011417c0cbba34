"""Files of a bank that are not to be believed, and cash that is asked for too early or twice.

What each wrong file does to the books is tested in tests/payments; here is what its importer hears.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.badinput.office import (
    ACCOUNTS,
    EACH,
    A,
    B,
    Office,
    back,
    camt053,
    debit,
    first_statement,
    pain002,
)

At = Callable[[str], Office]
KEPT = ("answer", "id_block")
"""Every file that comes in is on record before anybody reads it, refused or not."""


def given(office: Office, data: bytes | str, who: str = "an") -> tuple[object, ...]:
    return ("statement", "import", office.file("tep.xml", data), "--as", who)


def second(office: Office, **changes: object) -> bytes:
    """Write statement 2 of commune A's account, right unless changed."""
    _, _, rows = office.batch_of(A)
    _, total = office.list_of(A)
    said = {"sequence": 2, "opening": total - EACH, "account": ACCOUNTS[A], **changes}
    entries: Any = said.pop("entries", [debit(rows[1])])
    return camt053(entries, **said)  # type: ignore[arg-type]


CASES: dict[str, tuple[Callable[[Office], bytes | str], str, str]] = {
    "cut": (lambda o: second(o)[:-40], "xml_broken", ""),
    "cut, its end repaired": (
        lambda o: second(o).replace(b"</NtryDtls></Ntry>", b"</NtryDtls>"), "xml_broken", "",
    ),
    "one amount altered": (
        lambda o: second(o).replace(b'"VND">750000<', b'"VND">750001<', 1),
        "details_differ", "chi tiết không cộng đúng",
    ),
    "every amount altered": (
        lambda o: second(o).replace(b'"VND">750000<', b'"VND">750001<'), "balance_differs", "",
    ),
    "does not add up": (lambda o: second(o, closing=1), "balance_differs", "lệch"),
    "another opening": (lambda o: second(o, opening=5), "balance_gap", "số dư"),
    "a day to come": (
        lambda o: second(o, day=date(2026, 10, 6)), "statement_future", "sau hôm nay (05/10/2026)",
    ),
    "another payer's payments": (
        lambda o: second(o, entries=[debit(r) for r in o.batch_of(B)[2]]),
        "others_payments", "cả 2 lệnh chi trong đó là của đơn vị khác",
    ),
    "another account": (lambda o: second(o, account="999"), "other_account", ""),
    "another currency": (lambda o: second(o, currency="USD"), "currency", "tiền đồng"),
    "an old number": (lambda o: second(o, sequence=1, ident="Z"), "statement_old", ""),
    "seen, and altered": (
        lambda o: camt053(
            [], sequence=1, opening=0, account=ACCOUNTS[A], ident=f"S{ACCOUNTS[A]}-1",
        ),
        "statement_altered", "",
    ),
    "another message under a used id": (
        lambda o: pain002(o.batch_of(A)[1], [(o.batch_of(A)[2][1].e2e, "RJCT", "AC04")],
                          msg_id="R1"),
        "message_reused", "hỏi ngân hàng",
    ),
    "another payer's row": (
        lambda o: pain002(o.batch_of(A)[1], [(o.batch_of(B)[2][0].e2e, "RJCT", "AC04")]),
        "other_batch", "",
    ),
    "an unknown message": (
        lambda o: pain002("DS25B9999999999", [(o.batch_of(A)[2][1].e2e, "RJCT", "AC04")]),
        "unknown_message", "mà chúng ta không gửi",
    ),
    "a DOCTYPE": (
        lambda o: second(o).replace(b"<Document", b"<!DOCTYPE x><Document"), "doctype", "",
    ),
    "no bank file": (lambda _: "<x/>", "not_an_answer", "chọn đúng tệp"),
    "nothing": (lambda _: b"", "not_an_answer", "chọn đúng tệp"),
    "a workbook": (lambda _: b"PK\x03\x04" + bytes(200), "not_an_answer", "chọn đúng tệp"),
    "our own order": (
        lambda o: next((o.home / "files" / "25" / "out").rglob("*.xml")).read_bytes(), "not_an_answer", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_file_that_is_not_taken(stages: At, case: str) -> None:
    office = stages("sent")
    make, code, says = CASES[case]
    office.refused(code, 3, *given(office, make(office)), says=says, loose=KEPT)


def test_a_file_twice_changes_nothing(at: At) -> None:
    office = at("sent")
    before = office.state(loose=KEPT)
    said = office.well(*given(office, first_statement(office)))
    assert said.out.startswith("đã có: ")
    assert office.state(loose=KEPT) == before


def test_a_gap_waits_for_the_missing_statement(at: At) -> None:
    office = at("sent")
    _, _, rows = office.batch_of(A)
    _, total = office.list_of(A)
    third = camt053(
        [back(rows[1])], sequence=3, opening=total - 2 * EACH, account=ACCOUNTS[A]
    )  # fmt: skip
    office.refused("statement_gap", 4, *given(office, third), says="còn thiếu", loose=KEPT)
    said = office.well(*given(office, second(office)))
    assert said.out.count("đã ghi: ") == 2
    assert office.one("SELECT count(*) FROM bank_statement") == 3


def test_an_answer_before_its_file_was_sent(at: At) -> None:
    office = at("released")
    _, message, rows = office.batch_of(A)
    data = pain002(message, [(rows[0].e2e, "RJCT", "AC04")])
    office.refused("not_sent", 3, *given(office, data), says="chưa được gửi", loose=KEPT)


def test_another_offices_file(stages: At) -> None:
    office = stages("sent")
    _, message, rows = office.batch_of(A)
    data = pain002(message, [(rows[1].e2e, "RJCT", "AC04")])
    words = given(office, data, "la")
    said = office.refused("other_office", 3, *words, says="ngoài phạm vi của la", loose=KEPT)
    assert A not in said
    office.refused("user", 3, *given(office, data, "ai"), loose=KEPT)


def test_a_file_or_folder_that_is_not_there(stages: At) -> None:
    office = stages("sent")
    missing = office.folder / "khong-co.xml"
    office.refused("no_file", 3, "statement", "import", missing, "--as", "an", says="khong-co.xml")
    for path in (missing, office.folder):
        office.refused("no_file", 3, "statement", "inspect", path, says=path.name)


# --- the desk ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rail", "row", "code", "says"),
    [
        ("bank", 0, "already_paid", "ngày 05/10/2026 bằng chuyển khoản"),
        ("bank", 1, "in_flight", "đang được chuyển khoản"),
        ("bank", 2, "no_cash_order", "còn chờ duyệt"),  # rejected, no cash order yet
        ("bank", 3, "no_cash_order", "còn chờ duyệt"),  # credited and returned
        ("cash", 0, "already_paid", "ngày 05/10/2026 bằng tiền mặt"),
    ],
)
def test_cash_for_a_payment_that_is_elsewhere(
    stages: At, rail: str, row: int, code: str, says: str
) -> None:
    office = stages("sent")
    order = office.batch_of(A, rail)[2][row].e2e
    office.refused(code, 4, "cash", "pay", order, "--as", "em", says=says)
    office.refused(code, 4, "cash", "pay", order.lower(), "--as", "em", says=says)


def test_cash_for_a_payment_whose_outcome_is_unknown(at: At) -> None:
    office = at("sent")
    batch, _, rows = office.batch_of(A)
    with office.database.begin("cell_25") as conn:  # as a sender leaves it whose line broke
        conn.execute(text("UPDATE batch SET state = 'unknown' WHERE id = :b"), {"b": batch})
    office.refused("unknown", 4, "cash", "pay", rows[1].e2e, "--as", "em", says="chưa rõ kết quả")


@pytest.mark.parametrize(
    ("options", "code", "exit_code", "says"),
    [
        (("--as", "ba"), "other_roster", 4, f"đơn vị mã {A}"),
        (("--as", "an"), "other_roster", 4, "an không được chi"),
        (("--as", "ai"), "user", 3, "`disburse users list`"),
        (("--as", "em", "--day", "2026-10-06"), "future", 3, "06/10/2026 ở tương lai"),
        (("--as", "em", "--day", "2026-10-04"), "roster_early", 4, "từ ngày 05/10/2026"),
        (("--as", "em", "--day", ""), "day", 2, "--day phải viết"),
        (("--as", "em", "--day", "05/10/2026"), "day", 2, "--day phải viết"),
        (("--as", "em", "--proof", "lời nói"), "proof", 3, "'lời nói' không có"),
        (("--as", "em", "--proof", "authorisation"), "proof_note", 3, "số giấy"),
        (("--as", "em", "--file", "x.csv"), "pay", 2, "không phải cả hai"),
    ],
)
def test_a_hand_over_that_is_not_recorded(
    stages: At, options: tuple[str, ...], code: str, exit_code: int, says: str
) -> None:
    office = stages("sent")
    order = office.batch_of(A, "cash")[2][1].e2e
    office.refused(code, exit_code, "cash", "pay", order, *options, says=says)


def test_an_order_that_is_none(stages: At) -> None:
    office = stages("sent")
    order = office.batch_of(A, "cash")[2][1].e2e
    for code in ("", "0", "đ", order[:-1], f"{order}0", f"{order[:-1]}Z", "9" * 40):
        office.refused("no_order", 3, "cash", "pay", code, "--as", "em", says="kiểm tra lại mã")
    office.refused("pay", 2, "cash", "pay", "--as", "em", says="một mã lệnh")


def test_a_roster_that_is_over(stages: At) -> None:
    office = stages("sent")
    order = office.batch_of(A, "cash")[2][1].e2e
    words = ("cash", "pay", order, "--as", "em")
    office.refused("roster_over", 4, *words, day="2026-10-30", says="chỉ chi đến hết ngày")


def test_cash_is_planned_for_what_has_failed_by_who_may(stages: At) -> None:
    office = stages("sent")
    plan = ("cash", "plan", "--month", "2026-10")
    office.refused("nothing_failed", 4, *plan, "--payer", B, *office.by("an"), says="thất bại hẳn")
    office.refused("role", 4, *plan, *office.by("chi"), says="người lập")
    office.refused("role", 4, *plan, "--payer", A, *office.by("la"), says=A)
    office.refused("payer", 3, *plan, "--payer", "99999", *office.by("an"), says="99999")
    november = ("cash", "plan", "--month", "2026-11")
    office.refused("nothing_failed", 4, *november, *office.by("an"), says="Kỳ 11/2026")


def test_a_roster_that_is_not_printed_is_not_a_copy_to_bring_back(at: At) -> None:
    office = at("sent")
    batch, _, _ = office.batch_of(A, "cash")
    plain = office.file("plain", "")
    roster = ("cash", "roster", "--month", "2026-10", "--payer", A)
    office.refused("cannot_write", 4, *roster, "--out", plain, says="kiểm tra tệp, thư mục")
    office.refused("no_roster", 3, "cash", "roster", "--month", "2026-11", says="11/2026")
    office.well(*roster, "--out", office.folder / "rosters")
    back_ = ("cash", "return", batch, "--as", "em", "--copies")
    office.refused("copies_missing", 3, *back_, 0, says="in 1 bản, thu về 0 bản")
    office.refused("usage", 2, *back_, -1, says="--copies")
    office.refused("usage", 2, *back_, "hai", says="--copies phải là số nguyên")
    for scan in (office.file("scan.pdf", ""), office.file("scan.pdf", "giấy")):
        office.refused("scan", 3, *back_, 1, "--scan", scan, says="scan.pdf")
    office.refused("no_file", 3, *back_, 1, "--scan", office.folder, says=office.folder.name)
    office.refused("role", 4, "cash", "return", batch, "--copies", 1, "--as", "ba", says=A)
    office.refused("no_roster", 3, "cash", "return", 999, "--copies", 1, "--as", "em", says="999")
    bank, _, _ = office.batch_of(A)
    office.refused("no_roster", 3, "cash", "return", bank, "--copies", 1, "--as", "em")
    office.well(*back_, 1)
    office.refused("roster_closed", 4, *back_, 1, says="đã đóng")
    order = office.batch_of(A, "cash")[2][1].e2e
    office.refused("roster_closed", 4, "cash", "pay", order, "--as", "em", says="kỳ sau")


def test_who_is_asked_about_by_telephone(stages: At) -> None:
    office = stages("sent")
    theirs = office.one(
        "SELECT x.reference FROM person x JOIN payer y ON y.id = x.payer_id WHERE y.code = :c", c=A
    )
    for words in (("x",), ("",), ("0000000000",), ("9" * 5_000,), (theirs, "--as", "la")):
        office.refused("reference", 3, "payment", "show", *words, says="đọc lại từng chữ")


def test_a_desk_file_of_another_kind(stages: At, tmp_path: Path) -> None:
    office = stages("sent")
    for name, data, code in (
        ("a.csv", "a,b\n1,2\n", "column_unknown"),
        ("a.csv", "", "no_rows"),
        ("a.csv", b"\xff\x00", "encoding"),
        ("a.xlsx", "x", "broken_workbook"),
    ):
        path = office.file(name, data)
        office.refused(code, 3, "cash", "pay", "--file", path, "--as", "em", loose=KEPT)
    for path in (tmp_path, tmp_path / "khong-co.csv"):
        office.refused("no_file", 3, "cash", "pay", "--file", path, "--as", "em", says=path.name)
