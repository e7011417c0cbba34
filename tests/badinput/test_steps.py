"""Steps of a month in a wrong order, by the wrong person, or with wrong figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.badinput.office import (
    ACCOUNTS,
    BANK,
    EACH,
    EMPTY,
    NEW,
    A,
    B,
    Entry,
    Office,
    budget,
    camt053,
    debit,
    report,
)
from tests.beneficiaries.world import csv_file, person

At = Callable[[str], Office]
OCTOBER = ("--month", "2026-10")
PREPARE = ("run", "prepare", *OCTOBER)
CHECK = ("run", "check", *OCTOBER)
SECOND = ("run", "sign", "--role", "second", *OCTOBER)
FIRST = ("run", "sign", "--role", "first", *OCTOBER)
TOTAL_A = 7 * EACH


# --- preparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "code", "exit_code", "says"),
    [
        ("chi", "role", 4, "người lập"),
        ("la", "role", 4, f"cho đơn vị {A}"),  # a preparer, of another commune
        ("ai", "user", 3, "`disburse users list`"),
    ],
)
def test_a_list_is_prepared_by_its_preparer(
    stages: At, who: str, code: str, exit_code: int, says: str
) -> None:
    office = stages("ready")
    office.refused(code, exit_code, *PREPARE, *office.by(who), says=says)


@pytest.mark.parametrize(
    ("month", "code", "exit_code", "says"),
    [
        ("2026-13", "month", 2, "không phải '2026-13'"),
        ("2026-1", "month", 2, "dạng 2026-11"),
        ("２０２６-10", "month", 2, "dạng 2026-11"),
        ("2-0-2-6-1-0", "month", 2, "dạng 2026-11"),
        ("0001-10", "month", 2, "từ năm 2000 đến 2100"),
        ("2026-09", "before_go_live", 3, "vận hành từ kỳ 10/2026"),
        ("2026-12", "month", 3, "cách quá hai tháng"),
        ("2026-07", "month", 3, "cách quá hai tháng"),  # also two before the month of today
    ],
)  # fmt: skip
def test_a_month_that_is_none_of_now(
    stages: At, month: str, code: str, exit_code: int, says: str
) -> None:
    office = stages("ready")
    day = "2026-10-02" if month == "2026-07" else None
    office.refused(
        code, exit_code, "run", "prepare", "--month", month, *office.by("an"), says=says, day=day
    )


@pytest.mark.parametrize(
    ("day", "code", "exit_code", "says"),
    [
        ("2026-07-31", "law_on", 3, "từ 08/2026 đến hết kỳ"),
        ("2026-11-01", "law_on", 3, "không gần kỳ 10/2026"),
        ("", "day", 2, "không phải ''"),
        ("24/09/2026", "day", 2, "dạng 2026-10-05"),
    ],
)
def test_a_day_of_the_law_that_is_far_from_the_month(
    stages: At, day: str, code: str, exit_code: int, says: str
) -> None:
    office = stages("ready")
    office.refused(code, exit_code, *PREPARE, "--law-on", day, *office.by("an"), says=says)


def test_a_payer_that_is_not_there_or_has_nobody(stages: At) -> None:
    office = stages("ready")
    office.refused("payer", 3, *PREPARE, "--payer", "99999", *office.by("an"), says="mã 99999")
    office.refused("payer", 3, *PREPARE, "--payer", EMPTY, *office.by("an"), says="nhập danh sách")
    office.refused("no_list", 3, "run", "status", *OCTOBER, says="2026-10")
    office.refused("list", 3, "run", "sheet", 1, says="số 1")


def test_no_budget_and_no_contract(at: At) -> None:
    office = at("ready")
    office.well(*budget(A, amount=-15_000_000, number="2/QĐ"))  # 5 of 5.25 million are left
    office.refused("no_budget", 4, *PREPARE, *office.by("an"), says=A)
    register = csv_file(office.folder / "more.csv", [person(20, **NEW, commune=EMPTY)])
    office.well("register", "import", register, "--as", "an")
    office.well(*budget(EMPTY))
    only = (*PREPARE, "--payer", EMPTY, *office.by("an"))
    office.refused("no_contract", 4, *only, says="ghi hợp đồng")


def test_a_list_is_prepared_once_and_again_only_for_something_new(at: At) -> None:
    office = at("signed")
    again = (*PREPARE, *office.by("an"))
    office.refused("list_unchanged", 4, *again, says="mất các chữ ký")
    office.refused("list_unchanged", 4, *again, says="run status --month 2026-10", day="2026-09-25")
    register = csv_file(office.folder / "more.csv", [person(20, **NEW)])
    office.well("register", "import", register, "--as", "an")
    office.well(*again)
    assert office.list_of(A)[1] == TOTAL_A + EACH
    assert office.rows("SELECT DISTINCT state, version FROM pay_list WHERE state <> 'void'") == [
        ("prepared", 1)
    ]
    office.refused("list_unchanged", 4, *again)


def test_a_list_past_its_last_day_is_made_again_with_the_same_contents(at: At) -> None:
    office = at("signed")
    late = {"day": "2026-11-04"}
    says = "quá hạn ký (03/11/2026); hãy lập lại"
    office.refused("list_expired", 4, *FIRST, *office.by("dung"), says=says, **late)
    office.well(*PREPARE, *office.by("an"), **late)
    assert office.one("SELECT min(expires_at) FROM pay_list WHERE state = 'prepared'") == (
        "2026-12-14"
    )


def test_a_released_month_has_no_second_list_without_anything_new(stages: At) -> None:
    office = stages("released")
    office.refused("nothing_new", 4, *PREPARE, *office.by("an"), says="không có khoản nào mới")


def test_a_supplementary_list_is_not_made_for_holds_that_are_listed_already(at: At) -> None:
    office = at("prepared")
    dead = office.file(
        "chet.csv", f"Số định danh cá nhân,Ngày chết\n{person(1)['identity']},01/09/2026\n"
    )
    office.well("register", "check", dead, "--as", "an")
    office.well(*PREPARE, *office.by("an"))
    for words in (CHECK, SECOND, FIRST):
        who = {CHECK: "binh", SECOND: "chi", FIRST: "dung"}[words]
        office.well(*words, *office.by(who))
    assert office.one("SELECT held_right FROM pay_list WHERE state = 'released' AND held_right > 0")
    office.refused("nothing_new", 4, *PREPARE, *office.by("an"), says="không có khoản nào mới")


def test_one_month_after_the_other(stages: At) -> None:
    office = stages("closed")
    november = ("run", "prepare", "--month", "2026-11")
    office.refused("run_open", 4, *november, *office.by("an"), says="run close --month 2026-10")
    closed = (*PREPARE, "--payer", B, *office.by("an"))
    office.refused("run_closed", 4, *closed, says=f"Kỳ 10/2026 của {B} đã đóng")
    december = ("run", "prepare", "--month", "2026-12", "--payer", B)
    office.refused("run_skipped", 4, *december, *office.by("an"), says="chưa có kỳ 11/2026")


def test_an_earlier_month_than_the_last_is_refused(at: At) -> None:
    office = at("closed")
    office.well("run", "prepare", "--month", "2026-11", "--payer", B, *office.by("an"))
    earlier = (*PREPARE, "--payer", B, *office.by("an"))
    office.refused("run_closed", 4, *earlier)


# --- signing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "words", "who", "code", "says"),
    [
        ("ready", CHECK, "binh", "nothing_to_sign", "run status --month 2026-10"),
        ("ready", FIRST, "dung", "nothing_to_sign", "chữ ký thứ nhất"),
        ("prepared", CHECK, "an", "role", "người kiểm tra"),
        ("prepared", CHECK, "an2", "same_person", "dù bằng tài khoản nào"),
        ("prepared", SECOND, "chi", "nothing_to_sign", "chữ ký thứ hai"),
        ("prepared", FIRST, "dung", "nothing_to_sign", "chữ ký thứ nhất"),
        ("signed", CHECK, "binh", "nothing_to_sign", "người kiểm tra"),  # twice
        ("signed", SECOND, "chi", "nothing_to_sign", "chữ ký thứ hai"),  # twice
        ("signed", FIRST, "chi", "role", "chữ ký thứ nhất"),
        ("released", FIRST, "dung", "nothing_to_sign", "chữ ký thứ nhất"),
    ],
)
def test_signatures_in_order_each_by_its_own_person(
    stages: At, stage: str, words: tuple[str, ...], who: str, code: str, says: str
) -> None:
    office = stages(stage)
    office.refused(code, 4, *words, *office.by(who), says=says)


def test_a_signature_needs_its_passphrase(stages: At) -> None:
    office = stages("prepared")
    file = office.file
    wrong = {
        "wrong": (4, file("wrong", "không phải"), "chưa có gì được ký"),
        "none": (4, file("none", ""), "chưa có gì được ký"),
        "binary": (2, file("binary", b"\xff\x00\x81"), "tệp chữ UTF-8"),
        "folder": (2, office.folder, "--passphrase-file"),
        "missing": (2, office.folder / "khong-co", "--passphrase-file"),
    }
    for exit_code, path, says in wrong.values():
        words = (*CHECK, "--as", "binh", "--passphrase-file", path)
        office.refused("passphrase", exit_code, *words, says=says)
    office.refused("passphrase", 2, *CHECK, "--as", "binh", says="--passphrase-file")


def test_who_may_not_sign_one_of_the_lists_signs_none(at: At) -> None:
    office = at("prepared")
    office.well("users", "roles", "binh", "--role", f"checker:{A}", "--as", "quan")
    office.refused("role", 4, *CHECK, *office.by("binh"), says=f"cho đơn vị {B}")
    office.well(*CHECK, "--payer", A, *office.by("binh"))


def test_a_signature_after_an_edit_is_not_taken_for_the_new_version(at: At) -> None:
    office = at("signed")
    register = csv_file(office.folder / "more.csv", [person(20, **NEW)])
    office.well("register", "import", register, "--as", "an")
    office.well(*PREPARE, *office.by("an"))
    office.refused("nothing_to_sign", 4, *FIRST, *office.by("dung"), says="chữ ký thứ nhất")
    office.refused("nothing_to_sign", 4, *SECOND, *office.by("chi"), says="chữ ký thứ hai")
    old = office.one("SELECT min(id) FROM pay_list WHERE state = 'void'")
    office.refused("list_void", 4, "run", "sheet", old, says="run status --month 2026-10")
    scan = office.file("scan.pdf", b"%PDF-1.7")
    office.refused("list_state", 4, "run", "sheet", old, "--attach", scan, says="chờ duyệt")


@pytest.mark.parametrize(
    ("day", "code", "exit_code", "says"),
    [
        ("2026-09-23", "release_on", 3, "phải từ hôm nay (24/09/2026)"),
        ("2026-10-26", "release_on", 3, "trong 31 ngày tới"),
        ("", "day", 2, "--on phải viết"),
        ("mai", "day", 2, "--on phải viết"),
    ],
)
def test_a_day_of_release_that_cannot_be(
    stages: At, day: str, code: str, exit_code: int, says: str
) -> None:
    office = stages("signed")
    office.refused(code, exit_code, *FIRST, "--on", day, *office.by("dung"), says=says)
    release = ("run", "release", *OCTOBER, "--on", day)
    office.refused(code, exit_code, *release, *office.by("dung"), says=says)


def test_the_day_of_release_is_the_first_signatures(stages: At) -> None:
    office = stages("prepared")
    words = (*SECOND, "--on", "2026-09-30", *office.by("chi"))
    office.refused("release_on", 3, *words, says="chữ ký thứ nhất")
    for role in ("third", "check", ""):
        words = ("run", "sign", "--role", role, *OCTOBER, *office.by("binh"))
        office.refused("role", 2, *words, says="second hoặc first")


def test_what_is_no_scan_is_not_attached(stages: At) -> None:
    office = stages("prepared")
    number, _ = office.list_of(A)
    for path in (
        office.file("empty.pdf", ""),
        office.file("words.pdf", "da ky"),
        office.folder,
        office.folder / "none.pdf",
    ):
        office.refused("scan", 3, "run", "sheet", number, "--attach", path, says=path.name)


# --- drawing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "exit_code", "says"),
    [
        ({"amount": TOTAL_A - 1}, "draw_amount", 3, "phải rút 5.250.000 đồng"),
        ({"amount": TOTAL_A + 1}, "draw_amount", 3, "không phải 5.250.001 đồng"),
        ({"amount": 0}, "draw_amount", 3, "không phải 0 đồng"),
        ({"amount": -TOTAL_A}, "draw_amount", 3, "không phải -5.250.000 đồng"),
        ({"amount": "5.250.000"}, "amount", 2, "không dấu chấm"),
        ({"amount": "5250000.0"}, "amount", 2, "số đồng nguyên"),
        ({"amount": 10**30}, "amount", 2, "số đồng nguyên"),
        ({"voucher": ""}, "voucher", 3, "--voucher"),
        ({"voucher": " RDT-1"}, "voucher", 3, "khoảng trắng"),
        ({"voucher": "9" * 101}, "voucher", 3, "từ 1 đến 100 ký tự"),
        ({"date": "2026-09-25"}, "draw_date", 3, "tương lai"),
        ({"date": "2026-06-23"}, "draw_date", 3, "quá 92 ngày"),
        ({"date": "24/09/2026"}, "day", 2, "--date phải viết"),
        ({"as": "an"}, "role", 4, "kế toán"),
        ({"as": "dung"}, "role", 4, "kế toán"),
        ({"list": 999}, "list", 3, "số 999"),
        ({"list": 0}, "usage", 2, "LIST"),
        ({"list": 10**30}, "usage", 2, "LIST"),
    ],
)
def test_a_draw_that_differs(
    stages: At, changes: dict[str, object], code: str, exit_code: int, says: str
) -> None:
    office = stages("released")
    office.refused(code, exit_code, *office.draw(A, **changes), says=says)


def test_a_draw_before_the_first_signature_or_twice(stages: At) -> None:
    early = stages("signed")
    early.refused("draw_order", 4, *early.draw(A), says="chữ ký thứ nhất")
    office = stages("released")
    office.refused("drawn", 4, *office.draw(B), says="đã ghi rút dự toán rồi")
    office.refused("drawn", 4, *office.draw(B, voucher="RDT-khac"))


def test_one_voucher_draws_once(at: At) -> None:
    office = at("sent")
    register = csv_file(office.folder / "more.csv", [person(20, **NEW, commune=B)])
    office.well("register", "import", register, "--as", "an")
    office.well(*PREPARE, "--payer", B, *office.by("an"))
    for words, who in ((CHECK, "binh"), (SECOND, "chi"), (FIRST, "dung")):
        office.well(*words, "--payer", B, *office.by(who))
    number = office.one("SELECT id FROM pay_list WHERE number = 1 AND state = 'released'")
    first, _ = office.rows("SELECT list_id FROM draw ORDER BY list_id DESC")
    words = office.draw(A, list=number, amount=EACH, voucher=f"RDT-{B}", date="2026-10-05")
    office.refused("voucher_used", 4, *words, says=f"đã ghi cho danh sách {first[0]}")
    office.well(*office.draw(A, list=number, amount=EACH, voucher="RDT-9", date="2026-10-05"))


# --- budgets and decisions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "exit_code", "says"),
    [
        ({"amount": 0}, "budget", 3, "khác 0"),
        ({"amount": -14_750_001}, "budget_bound", 4, "chỉ còn 14.750.000 đồng"),
        ({"amount": "1,5"}, "amount", 2, "số đồng nguyên"),
        ({"year": 2024}, "budget_year", 3, "từ 2025 đến 2027"),
        ({"year": 10**30}, "budget_year", 3, "kiểm tra lại năm"),
        ({"programme": "SX"}, "budget_programme", 3, "SA, SP"),
        ({"payer": "99999"}, "payer", 3, "mã 99999"),
        ({"number": "1/QĐ"}, "budget_repeated", 4, "phải có số khác"),
        ({"number": " "}, "budget", 3, "số quyết định"),
        ({"number": "9" * 101}, "budget", 3, "từ 1 đến 100 ký tự"),
        ({"date": "2027-01-05"}, "budget_date", 3, "tương lai"),
        ({"as": "an"}, "role", 4, "kế toán"),
        ({"as": "ai"}, "user", 3, "`disburse users list`"),
    ],
)
def test_a_budget_that_cannot_be(
    stages: At, changes: dict[str, object], code: str, exit_code: int, says: str
) -> None:
    office = stages("released")
    said = {"payer": A, "number": "2/QĐ", **changes}
    office.refused(code, exit_code, *budget(**said), says=says)  # type: ignore[arg-type]


def test_a_rerating_that_nobody_asked_for(stages: At) -> None:
    office = stages("released")
    said = {"number": "9/QĐ", "date": "2026-09-24", "signer": "Chủ tịch", "as": "an"}
    for changes, code, exit_code, says in (
        ({}, "no_draft", 4, "không ghi gì"),
        ({"number": " "}, "decision", 3, "--number"),
        ({"signer": ""}, "decision", 3, "--signer"),
        ({"date": "2026-09-25"}, "decision_date", 3, "tương lai"),
        ({"as": "ai"}, "user", 3, "`disburse users list`"),
    ):
        words = [w for k, v in {**said, **changes}.items() for w in (f"--{k}", v)]
        office.refused(code, exit_code, "run", "rerate", *OCTOBER, *words, says=says)


# --- closing -------------------------------------------------------------------------------------

GOOD = (A, BANK, "2026-10", EACH, EACH, 0, 0, "BC1", "2026-10-05")


def line(**changes: object) -> tuple[object, ...]:
    """Return a line of a provider's report, right for its form unless changed."""
    names = ("payer", "provider", "month", "transfer", "cash", "kept", "back", "voucher", "day")
    return tuple({**dict(zip(names, GOOD, strict=True)), **changes}.values())


@pytest.mark.parametrize(
    ("rows", "code", "exit_code", "says"),
    [
        ([line()], "run_busy", 4, "đang chuyển"),
        ([line(payer="99999")], "no_run", 3, "99999"),
        ([line(payer=EMPTY)], "no_run", 3, EMPTY),
        ([line(provider="KHAC")], "no_run", 3, "KHAC"),
        ([line(month="2026-09")], "report_month", 3, "sửa --month"),
        ([line(month="10/2026")], "report_value", 3, "dòng 2, cột month"),
        ([line(transfer="750.000")], "report_value", 3, "dòng 2, cột paid_transfer_vnd"),
        ([line(cash=-1)], "report_value", 3, "cột paid_cash_vnd: không được âm"),
        ([line(kept="")], "report_value", 3, "cột kept_vnd"),
        ([line(back=5, voucher=" ")], "report_value", 3, "cột voucher"),
        ([line(day="05/10/2026")], "report_value", 3, "cột reported_on"),
        ([line(day="2026-10-06")], "report_date", 3, "tương lai"),
        ([line(), line()], "report_twice", 3, "dòng 3"),
        ([line()[:-1]], "report_value", 3, "cột reported_on"),
        ([(*line(), "thừa")], "report_value", 3, "thừa ô"),
        ([], "report_empty", 3, "không có dòng nào"),
    ],
)
def test_a_report_that_cannot_be(
    stages: At, rows: list[tuple[object, ...]], code: str, exit_code: int, says: str
) -> None:
    office = stages("sent")
    path = office.file("report.csv", report(*rows))
    close = ("run", "close", *OCTOBER, "--report", path, "--as", "chi")
    office.refused(code, exit_code, *close, says=says)


def test_a_report_that_is_no_report(stages: At) -> None:
    office = stages("sent")
    for data, code in (
        (b"", "report_columns"),
        (b"a,b\n1,2\n", "report_columns"),
        (b"\xff\xfe\x00", "report_charset"),
        (report(line()).encode() + b'"', "report_csv"),
    ):
        path = office.file("report.csv", data)
        close = ("run", "close", *OCTOBER, "--report", path)
        office.refused(code, 3, *close, "--as", "chi", says="report.csv")
    for path in (office.folder, office.folder / "none.csv"):
        close = ("run", "close", *OCTOBER, "--report", path)
        office.refused("no_file", 3, *close, "--as", "chi", says=path.name)
    path = office.file("report.csv", report(line()))
    close = ("run", "close", *OCTOBER, "--report", path)
    office.refused("role", 4, *close, "--as", "an", says="kế toán")
    office.refused("report_payer", 3, *close, "--as", "chi", "--payer", B, says=B)
    office.refused("payer", 3, *close, "--as", "chi", "--payer", "99999", says="99999")


def test_one_wrong_line_of_a_report_closes_nothing(at: At) -> None:
    """The first line could be closed; the second is about another month."""
    office = at("sent")
    _, _, rows = office.batch_of(B)
    _, total = office.list_of(B)
    batch, _, cash = office.batch_of(B, "cash")
    entries = [Entry("CRDT", total, text=f"KBNN RDT-{B} CAP KINH PHI CHI TRA"), *map(debit, rows)]
    data = camt053(entries, sequence=1, opening=0, account=ACCOUNTS[B])
    office.well("statement", "import", office.file("b.xml", data), "--as", "an")
    office.well("cash", "pay", cash[0].e2e, "--as", "em")
    office.well("cash", "return", batch, "--copies", "0", "--as", "em")
    good = line(payer=B, transfer=2 * EACH)
    path = office.file("report.csv", report(good, line(month="2026-09")))
    close = ("run", "close", *OCTOBER, "--report", path, "--as", "chi")
    office.refused("report_month", 3, *close)
    path.write_text(report(line(payer=B, transfer=2 * EACH - 1)))
    says = "báo cáo ghi đã chuyển khoản 1.499.999 đồng, sổ ghi 1.500.000 đồng"
    office.refused("report_differs", 3, *close, says=says)
    path.write_text(report(good))
    office.well(*close)


def test_a_book_is_not_closed_early_nor_opened_for_nothing(stages: At) -> None:
    office = stages("sent")
    office.refused("period_running", 4, "ledger", "close", "2026-10", "--as", "chi", says="10/2026")
    office.refused("period_no_run", 4, "ledger", "close", "2026-09", "--as", "chi", says="09/2026")
    office.refused("role", 4, "ledger", "close", "2026-09", "--as", "an", says="kế toán")
    opening = ("ledger", "reopen", "2026-09", *office.by("an"), "--reason", "thử")
    office.refused("period_not_closed", 4, *opening, says="không cần mở lại")
