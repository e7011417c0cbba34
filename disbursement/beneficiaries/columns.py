"""The columns of every file an office hands in: Vietnamese header, aliases, field, type.

Columns are found by their header, so their order does not matter; docs/register-format.md is the
same table for people. A header that is not known is refused rather than skipped, because a
mistyped optional column would silently lose facts that decide an amount.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from disbursement.platform.errors import RefusedError

Kind = Literal["text", "digits", "date", "birth", "month", "whole", "flag", "choice"]


@dataclass(frozen=True)
class Column:
    """One column: `field` in code, `header` in the file, whether the column must be there.

    `kind` `digits` is a number that names something (identity, account, code): its cell must be
    text, because a spreadsheet's number loses leading zeros and digits beyond the fifteenth.
    """

    field: str
    header: str
    kind: Kind = "text"
    required: bool = False
    aliases: tuple[str, ...] = ()
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ColumnSet:
    """The columns of one kind of file. `paid_months`: `Đã trả 07/2026` columns may follow.

    `page` is where people find these columns.
    """

    what: str
    columns: tuple[Column, ...]
    paid_months: bool = False
    page: str = "docs/register-format.md"

    def of(self, field: str) -> Column:
        """Return the column of a field."""
        return next(c for c in self.columns if c.field == field)


IGNORED = ("stt", "tt", "ghi chú", "lý do không nhận")
"""Headers that carry nothing for us; the last one is what we add to rows we give back."""
REASON_HEADER = "Lý do không nhận"
_PAID = re.compile(r"^đã trả (?:tháng )?(\d{1,2})/(\d{4})$")

YES_NO = {"có": "1", "x": "1", "1": "1", "không": "0", "0": "0"}
SEX = {"nam": "male", "nữ": "female", "m": "male", "f": "female"}
PROGRAMME = {
    "sa": "SA", "tgxh": "SA", "trợ giúp xã hội": "SA",
    "sp": "SP", "htxh": "SP", "hưu trí xã hội": "SP",
}  # fmt: skip
PROGRAMME_OR_MERIT = {**PROGRAMME, "ncc": "NCC", "ưu đãi người có công": "NCC"}
DEGREE = {"nặng": "S", "s": "S", "đặc biệt nặng": "ES", "es": "ES"}
HOUSEHOLD = {
    "nghèo": "poor", "hộ nghèo": "poor", "cận nghèo": "near_poor", "hộ cận nghèo": "near_poor",
    "không": "none", "không nghèo": "none",
}  # fmt: skip
CARER = {
    "không có người phụng dưỡng": "no_obliged",
    "người phụng dưỡng đang hưởng trợ cấp": "obliged_on_allowance",
    "có người nhận nuôi dưỡng": "taken_in",
    "có người phụng dưỡng": "has_carer",
}
INCOME = {
    "không": "none", "không có": "none", "tiền lương": "wage",
    "thấp hơn trợ cấp hưu trí xã hội": "lower_than_sp",
    "không thấp hơn trợ cấp hưu trí xã hội": "not_lower",
}  # fmt: skip
AWARD = {
    "kỷ niệm chương tổ quốc ghi công": "TQGC", "bằng có công với nước": "TQGC", "tqgc": "TQGC",
    "huân chương kháng chiến": "HCKC", "hckc": "HCKC",
}  # fmt: skip
STUDENT_GROUP = {"11.1": "A", "a": "A", "11.2": "B", "b": "B"}
"""Groups of the monthly education allowance (NĐ 77/2024 Phụ lục I mục 11)."""
KIN = {
    "cha, mẹ": "parent", "cha": "parent", "mẹ": "parent", "cha đẻ, mẹ đẻ": "parent",
    "người có công nuôi dưỡng": "foster", "vợ/chồng": "spouse", "vợ": "spouse", "chồng": "spouse",
    "con": "child",
}  # fmt: skip
MERIT_END = {
    "chết": "death", "tái giá": "remarriage", "tái giá, vẫn đủ điều kiện": "remarriage_qualifies",
    "hồ sơ không đúng": "false_file", "từ chối nhận": "renounced",
    "không còn đủ điều kiện": "lost_eligibility", "chấp hành án phạt tù": "prison",
}  # fmt: skip
DECISION_KIND = {
    "hưởng mới": "grant", "hưởng": "grant", "điều chỉnh": "change", "chuyển đến": "move_in",
}  # fmt: skip
DESTINATION = {
    "tài khoản ngân hàng": "bank", "ngân hàng": "bank", "tài khoản": "bank",
    "ví điện tử": "wallet", "ví": "wallet",
    "mobile money": "mobile_money", "tiền di động": "mobile_money",
    "tiền mặt": "cash",
}  # fmt: skip
RAIL = {
    "ngân hàng": "bank", "ví điện tử": "wallet", "ví": "wallet", "mobile money": "mobile_money",
    "tiền di động": "mobile_money", "bưu điện": "post",
}  # fmt: skip
"""What kind of provider a contract is with; a bank where the column is empty."""
RELATION = {
    "bản thân": "self", "chính chủ": "self",
    "người giám hộ": "guardian", "giám hộ": "guardian",
    "người chăm sóc": "carer",
    "vợ/chồng": "spouse", "vợ": "spouse", "chồng": "spouse",
    "người được ủy quyền": "authorised", "ủy quyền": "authorised",
}  # fmt: skip

_MERIT_FACTS = (
    Column("part", "Khoản trợ cấp", aliases=("mã khoản",)),
    Column("injury_pct", "Tỷ lệ tổn thương cơ thể", "whole", aliases=("tỷ lệ thương tật",)),
    Column("special_severity", "Thương tật đặc biệt nặng", "flag", choices=YES_NO),
    Column("carer_at_home", "Có người phục vụ ở gia đình", "flag", choices=YES_NO),
    Column("lives_alone", "Sống cô đơn", "flag", choices=YES_NO),
    Column("orphan", "Mồ côi cả cha mẹ", "flag", choices=YES_NO),
    Column("full_time", "Diện thoát ly", "flag", choices=YES_NO),
    Column("seniority", "Thâm niên", "whole"),
    Column("award", "Hình thức khen thưởng", "choice", choices=AWARD),
    Column("student_group", "Nhóm học sinh, sinh viên", "choice", choices=STUDENT_GROUP),
    Column("relation", "Quan hệ với người đã mất", "choice", choices=KIN),
    Column("martyrs", "Số liệt sĩ", "whole"),
    Column("deceased", "Người có công đã mất"),
    Column("medical_board_date", "Ngày kết luận giám định", "date"),
    Column("president_date", "Ngày Chủ tịch nước ký", "date"),
)
_RELEASED = Column("released_on", "Ngày hưởng lại", "date")
_MERIT_ONCE = (
    Column("event_date", "Ngày sự kiện", "date"),
    Column("dead_identity", "Số định danh người có công đã chết", "digits"),
    Column("years", "Số năm tham gia", "whole"),
    Column("odd_months", "Số tháng lẻ", "whole"),
    Column("times", "Số lần", "whole"),
)

REGISTER = ColumnSet(
    "danh sách đối tượng",
    (
        Column("identity", "Số định danh cá nhân", "digits", True,
               ("số cccd", "cccd", "số cccd/cmnd", "mã định danh", "số định danh")),
        Column("name", "Họ và tên", required=True, aliases=("họ tên",)),
        Column("birth", "Ngày sinh", "birth", True, ("ngày, tháng, năm sinh", "năm sinh")),
        Column("sex", "Giới tính", "choice", True, choices=SEX),
        Column("commune", "Mã xã", "digits", True, ("mã xã, phường", "mã đvhc", "mã đơn vị")),
        Column("programme", "Chương trình", "choice", True, ("chế độ",), PROGRAMME_OR_MERIT),
        Column("clause", "Diện hưởng", required=True, aliases=("khoản", "diện đối tượng")),
        Column("degree", "Mức độ khuyết tật", "choice", choices=DEGREE),
        Column("certificate_date", "Ngày giấy xác nhận khuyết tật", "date"),
        Column("children", "Số con đang nuôi", "whole", aliases=("số con",)),
        Column("studying", "Đang đi học", "flag", choices=YES_NO),
        Column("on_k1_at_16", "Hưởng khoản 1 khi đủ 16 tuổi", "flag", choices=YES_NO),
        Column("household", "Loại hộ", "choice", aliases=("hộ nghèo, cận nghèo",),
               choices=HOUSEHOLD),
        Column("household_decision", "Số quyết định hộ nghèo"),
        Column("household_from", "Hộ nghèo từ ngày", "date"),
        Column("household_to", "Hộ nghèo đến ngày", "date"),
        Column("carer", "Người phụng dưỡng", "choice", choices=CARER),
        Column("difficult_area", "Vùng đặc biệt khó khăn", "flag", choices=YES_NO),
        Column("income", "Lương hưu, trợ cấp BHXH", "choice", choices=INCOME),
        Column("written_request", "Có văn bản đề nghị", "flag", choices=YES_NO),
        Column("in_facility", "Ở cơ sở trợ giúp xã hội", "flag", choices=YES_NO),
        Column("merit_allowance", "Hưởng ưu đãi người có công", "flag", choices=YES_NO),
        Column("decision_kind", "Loại quyết định", "choice", choices=DECISION_KIND),
        Column("decision_number", "Số quyết định", required=True),
        Column("decision_date", "Ngày quyết định", "date", True),
        Column("decision_signer", "Người ký quyết định", required=True, aliases=("người ký",)),
        Column("start_month", "Hưởng từ tháng", "month", True, ("tháng bắt đầu hưởng",)),
        Column("suspended_from", "Tạm dừng từ tháng", "month"),
        Column("end_date", "Ngày thôi hưởng", "date"),
        Column("end_month", "Hưởng đến hết tháng", "month"),
        Column("end_cause", "Lý do thôi hưởng"),
        Column("payee_name", "Người nhận"),
        Column("payee_relation", "Quan hệ của người nhận", "choice", choices=RELATION),
        Column("payee_document", "Giấy tờ của người nhận", aliases=("giấy ủy quyền",)),
        Column("destination", "Hình thức nhận", "choice", True, choices=DESTINATION),
        Column("bank", "Ngân hàng", "text", True, ("mã ngân hàng", "ngân hàng, ví")),
        Column("account", "Số tài khoản", "digits", True, ("số tài khoản, số ví",)),
        Column("owner_name", "Tên chủ tài khoản", required=True, aliases=("chủ tài khoản",)),
        Column("owner_relation", "Quan hệ của chủ tài khoản", "choice", choices=RELATION),
        Column("paid_through", "Đã trả đến hết tháng", "month"),
        *_MERIT_FACTS,
        _RELEASED,
        *_MERIT_ONCE,
    ),
    paid_months=True,
)  # fmt: skip
ONLY_MERIT = frozenset(c.field for c in (*_MERIT_FACTS, _RELEASED, *_MERIT_ONCE))
"""Fields of the register that only rows of meritorious service fill."""

OPENING = ColumnSet(
    "số đã trả trước khi vận hành",
    (
        Column("identity", "Số định danh cá nhân", "digits", True, REGISTER.columns[0].aliases),
        Column("programme", "Chương trình", "choice", False, ("chế độ",), PROGRAMME_OR_MERIT),
    ),
    paid_months=True,
)

_PAID_TO = (
    "identity", "name", "birth", "sex", "commune", "payee_name", "payee_relation",
    "payee_document", "destination", "bank", "account", "owner_name", "owner_relation",
)  # fmt: skip
_DECIDED = (
    *(REGISTER.of(f) for f in ("decision_number", "decision_date", "decision_signer")),
    Column("replaces", "Thay quyết định số"),
)
_OF_SHAPE: Mapping[str, tuple[Column, ...]] = {
    "decided_list": (
        *_DECIDED,
        Column("part", "Khoản trợ cấp", aliases=("mã khoản",)),
        Column("amount", "Số tiền", "whole", True, ("số tiền mỗi tháng", "mức chi")),
        Column("from_month", "Từ tháng", "month", True, ("tháng",)),
        Column("to_month", "Đến tháng", "month"),
    ),
    "one_off_window": (
        Column("citizen", "Công dân Việt Nam", "flag", choices=YES_NO),
        Column("claimed_on", "Ngày đề nghị nhận", "date"),
    ),
    "quarterly_household": (
        Column("household_code", "Mã hộ", "digits", True, ("số sổ hộ",)),
        REGISTER.of("household"),
        Column("policy_household", "Hộ chính sách xã hội", "flag", choices=YES_NO),
        Column("quarter", "Quý", required=True),
        Column("tier1_price", "Giá điện bậc 1", "whole"),
    ),
    "termly_student": (
        *_DECIDED,
        Column("amount", "Số tiền", "whole", True, ("mức chi",)),
        Column("term", "Học kỳ từ tháng", "month", True, ("học kỳ",)),
        Column("enrolled_from", "Ngày nhập học", "date"),
        Column("enrolled_to", "Ngày thôi học", "date"),
    ),
    "meritorious": (
        *_DECIDED[:3],
        REGISTER.of("decision_kind"),
        Column("category", "Diện hưởng", required=True, aliases=("diện", "diện đối tượng")),
        *_MERIT_FACTS,
        Column("start_month", "Hưởng từ tháng", "month", aliases=("tháng bắt đầu hưởng",)),
        Column("end_date", "Ngày thôi hưởng", "date"),
        Column("end_cause", "Lý do thôi hưởng", "choice", choices=MERIT_END),
        _RELEASED,
        Column("paid_through", "Đã trả đến hết tháng", "month"),
        *_MERIT_ONCE,
    ),
}


def programme_columns(shape: str) -> ColumnSet:
    """Return the columns of a list programme's file: who is paid and where, and its own."""
    return ColumnSet(
        "danh sách chi theo chương trình",
        (*(REGISTER.of(f) for f in _PAID_TO), *_OF_SHAPE[shape]),
        paid_months=shape == "meritorious",
        page="docs/programmes.md",
    )


MERIT = programme_columns("meritorious")
_OF_MERIT = {c.field for c in MERIT.columns}
NOT_MERIT = frozenset(
    c.field for c in REGISTER.columns if c.field not in {*_OF_MERIT, "programme", "clause"}
)
"""Fields of the register that rows of meritorious service leave empty."""


EVENT_KIND = {
    "hưởng mới": "grant", "điều chỉnh": "change", "tạm dừng": "suspend", "hưởng lại": "resume",
    "thôi hưởng": "stop", "chuyển đi": "move_out", "chuyển đến": "move_in", "chết": "death",
    "kết hôn": "remarriage", "tạm giam": "detention", "chấp hành án phạt tù": "prison",
    "được thả": "release", "từ chối xác định lại": "refusal", "từ chối nhận": "renounced",
    "hồ sơ không đúng": "false_file", "không nhận tiền": "uncollected",
}  # fmt: skip
STOP_CAUSE = {
    "không còn đủ điều kiện": "lost_eligibility", "chấp hành án phạt tù": "prison",
    "từ chối nhận": "renounced", "hồ sơ không đúng": "false_file",
}  # fmt: skip
CONDITIONS = {
    "không đổi": "unchanged", "có thay đổi": "changed", "không còn đủ điều kiện": "not_eligible",
}  # fmt: skip

EVENTS = ColumnSet(
    "quyết định, sự kiện",
    (
        Column("identity", "Số định danh cá nhân", "digits", True, REGISTER.columns[0].aliases),
        Column("kind", "Loại sự kiện", "choice", True, ("sự kiện",), EVENT_KIND),
        Column("day", "Ngày sự kiện", "date", True, ("ngày xảy ra",)),
        Column("commune", "Mã xã", "digits", True, ("mã xã, phường", "mã đơn vị")),
        Column("programme", "Chương trình", "choice", False, ("chế độ",), PROGRAMME_OR_MERIT),
        Column("clause", "Diện hưởng", aliases=("khoản", "diện đối tượng")),
        Column("number", "Số quyết định"),
        Column("decided_on", "Ngày quyết định", "date"),
        Column("signer", "Người ký quyết định", aliases=("người ký",)),
        Column("document", "Văn bản"),
        Column("from_month", "Từ tháng", "month"),
        Column("cause", "Lý do thôi hưởng", "choice", choices=STOP_CAUSE),
        Column("conditions", "Điều kiện khi xét lại", "choice", choices=CONDITIONS),
        Column("until", "Đến ngày", "date"),
        Column("months", "Các tháng không nhận"),
        *(
            c
            for c in REGISTER.columns
            if c.field
            in ("degree", "certificate_date", "children", "studying", "on_k1_at_16", "household",
                "carer", "difficult_area", "income", "written_request", "in_facility",
                "merit_allowance")
        ),
    ),
)  # fmt: skip

CONTRACTS = ColumnSet(
    "hợp đồng chi trả",
    (
        Column("payer", "Mã xã", "digits", True, ("mã đơn vị chi trả",)),
        Column("provider", "Mã tổ chức chi trả", required=True),
        Column("provider_name", "Tên tổ chức chi trả"),
        Column("rail", "Kênh", "choice", False, ("loại",), RAIL),
        Column("bic", "BIC", aliases=("mã bic",)),
        Column("profile", "Hồ sơ kết nối"),
        Column("number", "Số hợp đồng", required=True),
        Column("valid_from", "Hiệu lực từ ngày", "date", True),
        Column("valid_to", "Hiệu lực đến ngày", "date"),
        Column("account", "Tài khoản tiền gửi", "digits", True),
        Column("fee_basis_points", "Phí (phần vạn)", "whole", True),
        Column("pay_day", "Ngày chi trả", "whole", True),
    ),
)

BUDGET = ColumnSet(
    "dự toán",
    (
        Column("payer", "Mã xã", "digits", True, ("mã đơn vị chi trả",)),
        Column("programme", "Chương trình", "choice", True, ("chế độ",), PROGRAMME),
        Column("year", "Năm", "whole", True),
        Column("amount", "Số tiền", "whole", True),
        Column("number", "Số quyết định", required=True),
        Column("date", "Ngày quyết định", "date", True),
    ),
)


def plain(text: str) -> str:
    """Reduce a header or a choice to what is compared: NFC, small letters, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace("*", " ").split())


def letters(index: int) -> str:
    """Return the spreadsheet letters of a column, 0 = A."""
    out = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        out = chr(65 + rest) + out
    return out


@dataclass(frozen=True)
class Header:
    """Where each field stands. `paid` maps months yyyymm to their columns."""

    columns: ColumnSet
    row: int  # number of the header row in the file, from 1
    index: Mapping[str, int]
    paid: Mapping[int, int]
    names: tuple[str, ...]  # headers as written, by position
    first_column: int  # offset of the first cell against column A
    cells: bool  # True: a spreadsheet, whose cells have names such as C15

    def where(self, n: int, field: str) -> str:
        """Name a cell of row n for an error: `ô C15 (Số tài khoản)`, or line and column."""
        at = self.index.get(field)
        header = self.names[at] if at is not None else self.columns.of(field).header
        if at is None or not self.cells:
            return f"dòng {n}, cột {header}"
        return f"ô {letters(at + self.first_column)}{n} ({header})"

    def where_paid(self, n: int, month: int) -> str:
        """Name the cell of a paid month in row n."""
        at = self.paid[month]
        if not self.cells:
            return f"dòng {n}, cột {self.names[at]}"
        return f"ô {letters(at + self.first_column)}{n} ({self.names[at]})"


def looks_like_header(cells: Sequence[object], columns: ColumnSet) -> bool:
    """Tell whether a row is the header: most of its texts, and at least two, are known."""
    known = _known(columns)
    texts = [plain(c) for c in cells if isinstance(c, str) and c.strip()]
    hits = sum(t in known for t in texts)
    return hits >= 2 and 2 * hits >= len(texts)


def _known(columns: ColumnSet) -> dict[str, str]:
    out = {plain(c.header): c.field for c in columns.columns}
    for column in columns.columns:
        out.update({plain(a): column.field for a in column.aliases})
    return out


def read_header(
    columns: ColumnSet, cells: Sequence[object], *, row: int, first_column: int, spreadsheet: bool
) -> Header:
    """Match the header row. Raises RefusedError for an unknown, doubled or missing column."""
    known = _known(columns)
    index: dict[str, int] = {}
    paid: dict[int, int] = {}
    names: list[str] = []
    for at, cell in enumerate(cells):
        name = unicodedata.normalize("NFC", str(cell)).strip() if cell is not None else ""
        names.append(name)
        short = plain(name)
        if not short or short in IGNORED:
            continue
        place = f"ô {letters(at + first_column)}{row}" if spreadsheet else f"cột thứ {at + 1}"
        month = _PAID.match(short) if columns.paid_months else None
        key: str | int | None = _paid_month(month, place) if month else known.get(short)
        if key is None:
            raise RefusedError(
                "column_unknown",
                f"Không rõ cột '{name}' ({place}) trong tệp {columns.what}: sửa tiêu đề theo mẫu "
                f"({columns.page}) hoặc xóa cột này; chưa nhận gì.",
            )
        target: dict[str, int] | dict[int, int] = paid if isinstance(key, int) else index
        if key in target:
            first = target[key]  # type: ignore[index]  # key and target go together by the line above
            raise RefusedError(
                "column_twice",
                f"Cột '{name}' có hai lần (cột thứ {first + 1} và {place}) trong tệp "
                f"{columns.what}: giữ lại một cột; chưa nhận gì.",
            )
        target[key] = at  # type: ignore[index]  # as above
    _complete(columns, index, paid)
    return Header(columns, row, index, paid, tuple(names), first_column, spreadsheet)


def _paid_month(match: re.Match[str], place: str) -> int:
    month = int(match[1])
    if not 1 <= month <= 12:
        raise RefusedError(
            "column_month",
            f"Tiêu đề '{match[0]}' ({place}) không phải tháng; viết 'Đã trả 07/2026'.",
        )
    return int(match[2]) * 100 + month


def _complete(columns: ColumnSet, index: Mapping[str, int], paid: Mapping[int, int]) -> None:
    missing = [c.header for c in columns.columns if c.required and c.field not in index]
    if columns is OPENING and not paid:
        missing.append("Đã trả 07/2026")
    if missing:
        raise RefusedError(
            "column_missing",
            f"Tệp {columns.what} thiếu cột {', '.join(repr(m) for m in missing)}: thêm cột theo "
            f"mẫu ({columns.page}); chưa nhận gì.",
        )


def merit_header(header: Header) -> Header:
    """Return a register's header as rows of meritorious service are read with it."""
    named = {"clause": "category"}
    index = {named.get(f, f): at for f, at in header.index.items()}
    return replace(
        header, columns=MERIT, index={f: at for f, at in index.items() if f in _OF_MERIT}
    )
