"""The cleaning list of a commune: rows of the register that are held, and what mends each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from disbursement.documents import words
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Column
from disbursement.programmes.open_points import open_points

TITLE = "Danh sách cần làm sạch dữ liệu"
TO_DO = {
    "no_identity": "Bổ sung số định danh 12 số theo thẻ căn cước hoặc cơ sở dữ liệu dân cư",
    "cmnd": "Thay số CMND bằng số định danh 12 số",
    "birth_year_only": "Bổ sung ngày, tháng, năm sinh kèm giấy tờ",
    "no_opening": "Bổ sung số tiền đã chi của từng tháng trước ngày đưa vào hệ thống",
    "dead": "Xác minh; nếu đúng thì lập quyết định thôi hưởng, nếu sai thì ghi văn bản đính chính",
    "start_month": "Kiểm tra lại tháng bắt đầu hưởng với quyết định",
    "rail_not_available": "Đổi nơi nhận hoặc chờ kênh chi trả được mở",
    "shared_account": "Ghi quan hệ giám hộ, vợ chồng hoặc ủy quyền, hoặc đổi tài khoản",
    "unverified": "Xác minh tài khoản và tên chủ tài khoản",
    "age_category": "Đối chiếu ngày sinh; lập quyết định thôi hưởng hoặc chuyển diện nếu đúng",
    "duplicate_person": "Đối chiếu căn cước của từng người, xác minh với công an xã",
    "identity_mismatch": "Đối chiếu căn cước, sửa số định danh, ngày sinh hoặc giới tính",
    "proxy_many": "Ghi quyết định giám hộ hoặc giấy ủy quyền của từng người",
    "officer_account": "Ghi giấy tờ về quan hệ, phân công người khác ký",
    "officer_person": "Ghi quyết định hưởng, phân công người khác ký",
    "cooling_off": "Gọi lại xác nhận giấy đề nghị đổi nơi nhận",
    "uncollected_run": "Xác minh; ra quyết định tạm dừng, hoặc ghi biên bản tiếp tục chi",
    "amount_far": "Đối chiếu mức với quyết định của người hưởng",
}


@dataclass(frozen=True)
class HeldRow:
    """A hold: whose, why, since when; `hold` is the number `register release` takes.

    `birth` as the register knows it, `last4` of the identity number ('' = none), `detail` the
    sentence recorded with the hold (it names no full number).
    """

    hold: int
    name: str
    birth: str
    last4: str
    reference: str
    programme: str
    reason: str
    detail: str
    since: str


def cleaning_xlsx(office: Office, rows: Iterable[HeldRow], made_at: str, out: BinaryIO) -> int:
    """Write a commune's held rows as a workbook, streaming; return how many there are.

    The last two columns are the commune's: what it found, by which document.
    """
    columns = (
        Column("STT", 6, "whole"), Column("Số hồ sơ giữ", 12, "whole"), Column("Họ và tên", 30),
        Column("Ngày/năm sinh", 14), Column("4 số cuối", 9), Column("Mã tra cứu", 14),
        Column("Chương trình", 26), Column("Lý do giữ", 36, "wrap"),
        Column("Chi tiết", 44, "wrap"), Column("Việc cần làm", 44, "wrap"),
        Column("Giữ từ", 12), Column("Kết quả xác minh", 30), Column("Số, ngày văn bản", 24),
    )  # fmt: skip
    heading = (
        TITLE,
        f"{office.committee}, {office.province} (mã {office.code})",
        f"Lập lúc {words.instant_words(made_at)} (giờ Việt Nam)",
    )
    with Book(out, title=TITLE, made_at=made_at) as book:
        tab = book.sheet("Cần làm sạch", columns, heading=heading, landscape=True)
        for n, row in enumerate(rows, 1):
            programme = words.programme_words(row.programme) if row.programme else ""
            tab.row(
                (
                    n, row.hold, row.name, row.birth, row.last4, row.reference, programme,
                    words.reason_words(row.reason), row.detail,
                    _to_do(row.reason), row.since, None, None,
                )
            )  # fmt: skip
        return tab.rows


def _to_do(reason: str) -> str:
    """Say what mends a hold; an open point's own sentence ends with it."""
    kind, _, detail = reason.partition(":")
    point = open_points().get(detail or kind)
    if point is not None:
        return point.sentence_vi
    return TO_DO.get(kind, "Xác minh và ghi lại văn bản")
