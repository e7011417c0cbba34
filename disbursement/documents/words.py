"""The words papers use for the engine's codes, and the small forms they share.

The terms are those of docs/glossary.md. A code without a word here is printed as it is: a paper
never hides what it does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bank_adapters.api.codes import wallet_codes
from disbursement.platform.clock import ICT, add_months, show_month
from disbursement.programmes.list_rates import line_of, shipped_list_rates
from disbursement.programmes.open_points import open_points

PROGRAMMES = {
    "SA": "Trợ giúp xã hội",
    "SP": "Trợ cấp hưu trí xã hội",
    "NCC": "Ưu đãi người có công với cách mạng",
}
RAILS = {
    "bank": "Tài khoản ngân hàng",
    "wallet": "Ví điện tử",
    "mobile_money": "Tiền di động",
    "cash": "Tiền mặt",
    "post": "Bưu điện",
}
PURPOSES = {"first": "Lần đầu", "retry": "Chuyển lại", "cash": "Tiền mặt"}
HOLD_KINDS = {"right": "Giữ quyền hưởng", "payment": "Giữ khoản chi"}
CASH_REASONS = {
    "cash_by_choice": "Nhận tiền mặt theo đăng ký",
    "cash_fallback": "Chuyển khoản không thành",
}
CHANGE_KINDS = {
    "came": "Mới vào danh sách",
    "left": "Ra khỏi danh sách",
    "amount_up": "Tăng số tiền",
    "amount_down": "Giảm số tiền",
    "account_changed": "Đổi nơi nhận",
    "account_amount_up": "Đổi nơi nhận, tăng số tiền",
    "account_amount_down": "Đổi nơi nhận, giảm số tiền",
}
FIRST_PAID = "Lần đầu trả vào tài khoản này"
ROLES = {
    "prepare": "Người lập",
    "check": "Người kiểm tra",
    "sign2": "Kế toán (chữ ký thứ hai)",
    "sign1": "Chủ tài khoản (chữ ký thứ nhất)",
}
SIGNING_ORDER = ("prepare", "check", "sign2", "sign1")
HOLD_REASONS = {
    "no_identity": "Chưa có số định danh cá nhân",
    "cmnd": "Chỉ có CMND 9 số",
    "birth_year_only": "Chỉ có năm (hoặc tháng) sinh",
    "no_opening": "Chưa có số đã chi trước ngày đưa vào hệ thống",
    "dead": "Dữ liệu dân cư báo đã chết",
    "household_left": "Hộ không còn trong danh sách nghèo, cận nghèo",
    "start_month": "Tháng bắt đầu hưởng chưa khớp quy định",
    "rail_not_available": "Kênh chi trả chưa sẵn sàng",
    "bank_disputed": "Mã ngân hàng, ví còn mâu thuẫn giữa các nguồn",
    "bank_unknown": "Danh mục không có mã ngân hàng, ví này",
    "bank_ended": "Mã ngân hàng, ví đã hết hiệu lực trong danh mục",
    "name_pending": "Tên chủ tài khoản chờ người quyết định",
    "bank_not_in_template": "Ngân hàng không có trong mẫu tệp của nơi chi trả",
    "money_elsewhere": "Tiền còn ở nơi chi trả khác",
    "amount_beyond_rail": "Số tiền một khoản ngoài mức của nơi chi trả",
    "day_limit": "Vượt mức nơi chi trả nhận cho một tài khoản trong ngày",
    "month_limit": "Vượt mức nơi chi trả nhận cho một tài khoản trong tháng",
    "name_refused": "Tên chủ tài khoản không được chấp nhận",
    "suspended": "Đang tạm dừng, phần chưa nhận chờ hưởng lại",
    "payee_dead": "Người hưởng đã chết, chưa ghi người nhận thay",
    "shared_account": "Một tài khoản cho nhiều người",
    "age_category": "Tuổi không hợp với diện hưởng",
    "duplicate_person": "Nghi một người ghi hai lần",
    "identity_mismatch": "Số định danh không khớp ngày sinh, giới tính",
    "proxy_many": "Một người nhận thay cho nhiều người",
    "officer_account": "Tiền vào tài khoản của cán bộ ký danh sách",
    "officer_person": "Cán bộ ký danh sách là người hưởng",
    "amount_far": "Số tiền khác xa tháng trước",
    "unverified": "Nơi nhận chưa được xác minh",
    "rerating_missing": "Chưa có quyết định điều chỉnh mức",
    "cooling_off": "Nơi nhận mới đổi, chưa hết thời gian chờ",
    "no_contract": "Chưa có hợp đồng chi trả còn hiệu lực",
    "uncollected": "Chưa đến nhận tiền mặt",
    "uncollected_run": "Không nhận tiền mặt ba kỳ liên tiếp, chờ quyết định tạm dừng",
    "carried": "Chuyển từ kỳ trước sang",
    "recall": "Đã chi thừa, tiền còn đang chuyển",
    "written_off": "Đã nhận, đã được xóa khoản phải thu; không chi lại",
}
LIST_STATES = {
    "draft": "đang lập",
    "prepared": "đã lập, chờ kiểm tra",
    "checked": "đã kiểm tra, chờ kế toán ký",
    "second": "kế toán đã ký, chờ chủ tài khoản ký",
    "released": "đã duyệt chi",
    "closed": "đã đóng kỳ",
    "void": "đã hủy, có bản mới",
}
BATCH_STATES = {
    "held": "chờ ký",
    "queued": "chờ gửi",
    "sending": "đang gửi",
    "sent": "đã gửi",
    "accepted": "đã tiếp nhận",
    "unknown": "chưa rõ kết quả",
    "withdrawn": "đã rút",
    "cancelled": "đã hủy",
    "void": "đã hủy, có bản mới",
}
FINDING_STATES = {
    "open": "Đang giữ",
    "resolved": "Đã giải quyết",
    "note": "Để biết, không giữ",
}
RECEIVABLE_STATES = {
    "waiting": "Chờ quyết định",
    "proposed": "Đang ký quyết định",
    "recover": "Phải thu hồi",
    "settled": "Đã xong",
}
RECEIVABLE_DECISIONS = {"recover": "thu hồi", "write_off": "xóa nợ", "restore": "phục hồi"}
_SPAN = 3  # from three months in a row on, papers write first-last
_NOT_FOR_PAPER = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_PRINTED = ((0x20, 0x24F), (0x300, 0x323), (0x1EA0, 0x1EF9), (0x2010, 0x2026), (0x20AB, 0x20AB))
_PLAIN = re.compile(r"[\x20-\x7e\u00a0-\u00ac\u00ae-\u024f\u1ea0-\u1ef9\u2010-\u2026]*")


@dataclass(frozen=True)
class Office:
    """Whose paper it is: the payer (a commune People's Committee).

    `name` is the commune's full name ("Phường Việt Trì"), `province` the province's.
    """

    code: str
    name: str
    province: str

    @property
    def committee(self) -> str:
        """The body that pays, as the head of a paper names it."""
        return f"Ủy ban nhân dân {self.name[:1].lower()}{self.name[1:]}"


BANK_REASONS = {
    "AB05": "ngân hàng nhận quá giờ xử lý",
    "AC01": "số tài khoản không đúng",
    "AC04": "tài khoản đã đóng",
    "AC06": "tài khoản bị khóa",
    "AG01": "loại tài khoản không nhận được",
    "AM02": "vượt hạn mức một lần chuyển",
    "AM05": "lệnh bị trùng",
    "BE01": "tên chủ tài khoản không khớp",
    "MD07": "chủ tài khoản đã chết",
    "MS03": "ngân hàng không nêu lý do",
    "RC01": "mã ngân hàng không đúng",
    "NO_DEBIT": "sao kê không ghi nợ",
    "LETTER": "theo văn bản của nơi chi trả",
}
"""Officers' words for ISO 20022 reason codes, and for what a statement (`NO_DEBIT`) or a provider's
letter (`LETTER`) shows."""

RAIL_REASONS = {
    "AMOUNT_INVALID": "số tiền không hợp lệ",
    "AMOUNT_OUT_OF_RANGE": "số tiền ngoài mức kênh nhận",
    "CANCELLED": "lệnh đã bị hủy",
    "DATA_INVALID": "dữ liệu lệnh không hợp lệ",
    "OTHER": "tổ chức chi trả không nêu lý do",
    "PAYEE_ACCOUNT_BLOCKED": "ví, tài khoản bị khóa",
    "PAYEE_ACCOUNT_INVALID": "không có ví, tài khoản này hoặc đã ngừng dùng",
    "PAYEE_KYC_INCOMPLETE": "chủ ví chưa xác thực",
    "PAYEE_LIMIT": "vượt hạn mức của ví người nhận",
    "PAYEE_REJECTED": "người nhận từ chối",
    "PAYER_NO_FUNDS": "tài khoản chi không đủ tiền",
    "RAIL_CONFIG": "kết nối khai báo chưa đúng",
    "RETURNED": "tiền bị trả lại",
}
"""Officers' words for what a called rail's code means (wallet_result_codes.csv, `reason`)."""


def _why(code: str) -> str:
    """Return why a payment was refused in words, '' where the code is nobody's or two things."""
    if code in BANK_REASONS:
        return BANK_REASONS[code]
    found = {
        meaning.reason
        for (_, _, known), meaning in wallet_codes().items()
        if known == code and meaning.says in ("rejected", "returned")
    }
    return RAIL_REASONS.get(found.pop(), "") if len(found) == 1 else ""


def reason_words(code: str) -> str:
    """Return a hold's reason in words.

    An open point of the law (`open_point:x`, or its bare name) is said by the first clause of its
    sentence in open_points.csv; `rejected:AC04` is said with the bank's code.
    """
    kind, _, detail = code.partition(":")
    if kind in {"rejected", "returned"} and detail:
        said = "Bị từ chối" if kind == "rejected" else "Bị trả lại"
        why = _why(detail)
        return f"{said}: {why} (mã {detail})" if why else f"{said} (mã {detail})"
    point = open_points().get(detail if kind == "open_point" else kind)
    if point is not None:
        return re.split(r"[:.] |\.$", point.sentence_vi)[0]
    return HOLD_REASONS.get(kind, code)


def programme_words(code: str) -> str:
    """Return a programme's name; a list programme's from its table; else its code."""
    if code in PROGRAMMES:
        return PROGRAMMES[code]
    titles = (r[-1].title_vi for c, r in shipped_list_rates().rows.items() if line_of(c) == code)
    return next(titles, code)


def list_words(number: int, version: int) -> str:
    """Say which list of the month it is: the main one or a supplementary one, and its version."""
    name = "Danh sách chính" if number == 0 else f"Danh sách bổ sung số {number}"
    return f"{name}, bản {version}"


def months_words(months: Sequence[int]) -> str:
    """Write covered months shortly: 202607..202610 as '07/2026–10/2026', others with commas."""
    spans: list[list[int]] = []
    for month in sorted(set(months)):
        if spans and add_months(spans[-1][-1], 1) == month:
            spans[-1].append(month)
        else:
            spans.append([month])
    parts = []
    for span in spans:
        if len(span) >= _SPAN:
            parts.append(f"{show_month(span[0])}–{show_month(span[-1])}")
        else:
            parts += [show_month(month) for month in span]
    return ", ".join(parts)


def day_words(day: date) -> str:
    """Write a day as papers do: 'ngày 05 tháng 11 năm 2026'."""
    return f"ngày {day.day:02d} tháng {day.month:02d} năm {day.year}"


def short_day(day: date) -> str:
    """Write a day as '05/11/2026'."""
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def instant(made_at: str) -> datetime:
    """Read an instant (ISO 8601, UTC). Raises ValueError where it names no zone."""
    read = datetime.fromisoformat(made_at)
    if read.tzinfo is None:
        raise ValueError(f"an instant needs its zone: {made_at!r}")
    return read.astimezone(UTC)


def instant_words(made_at: str) -> str:
    """Write an instant in Vietnam's time: '24/10/2026 09:05'."""
    return instant(made_at).astimezone(ICT).strftime("%d/%m/%Y %H:%M")


def printable(text: str) -> str:
    """Return the text as a PDF can show it, composed (NFC), nothing lost without a trace.

    Control and direction characters, and letters the papers' typeface has not, come out as
    ‹U+202E›: a name cannot turn the rest of its row around, nor vanish from a signed list.
    """
    text = unicodedata.normalize("NFC", text)
    if _PLAIN.fullmatch(text):
        return text
    return "".join(c if _shows(c) else f"‹U+{ord(c):04X}›" for c in text)


def _shows(char: str) -> bool:
    if unicodedata.category(char) in _NOT_FOR_PAPER:
        return False
    return any(low <= ord(char) <= high for low, high in _PRINTED) or char in "‹›→□☐≤≥×−"


def cell_text(text: str) -> str:
    """Return the text as a workbook's cell can hold it: composed (NFC), all letters, own lines.

    Other control and direction characters come out visibly, as in `printable`.
    """
    text = unicodedata.normalize("NFC", text)
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        f"‹U+{ord(c):04X}›" if unicodedata.category(c) in _NOT_FOR_PAPER and c not in "\n\t" else c
        for c in text
    )
