"""The words officers read for the book's codes: books, accounts, journals, movements, problems.

A code without a word here is shown as it is. The terms are those of docs/glossary.md; the event
table of docs/ledger-format.md says what each movement means.
"""

from __future__ import annotations

from ledger.chart import BUDGETARY, FINANCIAL

BOOKS = {FINANCIAL: "Sổ tài chính", BUDGETARY: "Sổ dự toán"}
ACCOUNT_KINDS = {
    "expense": "Chi trợ cấp",
    "payable": "Phải trả người hưởng",
    "transit": "Đang chuyển",
    "agent": "Ở bàn chi tiền mặt",
    "paid": "Tạm ứng đơn vị cung ứng, quỹ",
    "treasury": "Kho bạc",
    "overpaid": "Phải thu do chi thừa",
    "suspense": "Chờ xử lý",
    "fee": "Phí chi trả",
    "loss": "Xóa nợ",
    "opening": "Đã chi trước khi vào hệ thống",
    "authority": "Dự toán được giao",
    "available": "Dự toán còn lại",
    "committed": "Dự toán đã cam kết",
    "expended": "Dự toán đã chi",
    "cash_source": "Nguồn đã rút",
    "cash_free": "Tiền đã rút, chưa giữ",
    "cash_held": "Tiền giữ cho lô chi",
    "cash_used": "Tiền đã dùng",
}
JOURNAL_KINDS = {
    "opening": "Số đầu kỳ",
    "list": "Danh sách chi",
    "batch": "Lô chi",
    "answer": "Trả lời của ngân hàng",
    "forced_import": "Nhập theo quyết định",
    "handover": "Giao tiền mặt",
    "roster_closed": "Đóng danh sách ký nhận",
    "presumed_failure": "Coi như không thành",
    "settlement": "Quyết toán",
    "write_off": "Xóa nợ",
    "correction": "Điều chỉnh",
}
COIN_MOVES = {
    ("expense", "payable"): "Ghi số phải trả",
    ("payable", "expense"): "Giảm số phải trả",
    ("overpaid", "expense"): "Đã chi thừa, phải thu lại",
    ("expense", "overpaid"): "Được hưởng lại, giảm số phải thu",
    ("expense", "opening"): "Đã chi trước khi vào hệ thống",
    ("payable", "transit"): "Gửi lệnh chi",
    ("transit", "paid"): "Đã vào tài khoản",
    ("transit", "payable"): "Không chuyển được, chờ chi lại",
    ("paid", "payable"): "Bị trả lại, chờ chi lại",
    ("payable", "agent"): "Giao bàn chi tiền mặt",
    ("agent", "paid"): "Đã nhận tiền mặt",
    ("agent", "payable"): "Chưa nhận, chờ chi lại",
    ("overpaid", "suspense"): "Trả hai lần, phải thu lại",
    ("treasury", "overpaid"): "Đã nộp lại kho bạc",
    ("paid", "overpaid"): "Đã thu lại",
    ("loss", "overpaid"): "Xóa nợ theo quyết định",
    ("payable", "payable"): "Chuyển sang đơn vị chi trả khác",
}
"""(debit kind, credit kind) of a line about somebody's money -> what happened."""
PLACES = {
    "payable": "chờ chi",
    "transit": "đang chuyển",
    "agent": "ở bàn chi tiền mặt",
    "paid": "đã trả",
    "opening": "đã chi trước khi vào hệ thống",
    "expense": "đã hủy",
    "overpaid": "phải thu lại",
}
PROBLEMS = {
    "header": "phần đầu bút toán, chữ ký hoặc dấu niêm không như lúc niêm",
    "line": "các dòng không như lúc niêm",
    "chunk": "mã tóm tắt của khối đã bị sửa",
    "link": "mắt xích không nối với bút toán trước",
    "seal": "thiếu dấu niêm trước bút toán này",
    "journal": "có dấu niêm mà không có bút toán",
    "chain_head": "đầu chuỗi đã lưu không phải dấu niêm cuối",
    "cut": "đầu chuỗi giữ ở ngoài không có trong sổ: sổ bị cắt hoặc viết lại",
    "statement": "văn bản không như lúc ký",
    "signature": "chữ ký không đúng với khóa đã đăng ký",
    "account_totals": "số cộng của tài khoản không bằng các dòng",
}
"""Class of a problem that `ledger.verify` finds -> what is wrong."""


_HELD_MONEY = {"advance": "paid", "cash": "paid"}


def kind_of(code: str) -> str:
    """Return the kind of a financial account from its code (`advance.25001.BIDV` -> `paid`)."""
    head = code.partition(".")[0]
    return _HELD_MONEY.get(head, head)


def move_words(debit: str, credit: str) -> str:
    """Say what a line about somebody's money means, from the codes of its two accounts."""
    return COIN_MOVES.get((kind_of(debit), kind_of(credit)), f"{debit} / {credit}")


def problem_words(where: str, what: str) -> str:
    """Say what `ledger.verify` found; the ledger's own words where there are none here."""
    return PROBLEMS.get(where, f"{where}: {what}")
