"""The reconciliation with the national registers as a workbook: a summary and every finding.

It goes round in an office: people by name, reference code and last four digits, never a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from disbursement.documents import words
from disbursement.documents.xlsx import Book, Column

TITLE = "Đối chiếu với các sổ quốc gia"
KIND_WORDS = {
    "died": "Bên đó ghi đã chết",
    "identity_differs": "Cùng người, khác số định danh",
    "name_differs": "Khác họ tên",
    "birth_differs": "Khác ngày sinh",
    "sex_differs": "Khác giới tính",
    "commune_differs": "Khác xã",
    "there_not_here": "Bên đó có, ở đây không",
    "here_not_there": "Ở đây có, bên đó không",
    "household_left": "Hộ đã ra khỏi danh sách nghèo",
    "dead_here": "Ở đây ghi đã chết, bên đó còn hưởng",
    "stopped_there": "Bên đó đã thôi hưởng, ở đây còn",
    "stopped_here": "Ở đây đã thôi hưởng, bên đó còn",
    "allowance_there": "Khoản bên đó có, ở đây không",
    "allowance_here": "Khoản ở đây có, bên đó không",
    "amount_differs": "Khác mức hưởng",
    "relation_differs": "Khác quan hệ",
    "decision_differs": "Khác quyết định",
}
_SEX = {"male": "Nam", "female": "Nữ"}


@dataclass(frozen=True)
class Finding:
    """One difference: ours on the left, theirs on the right; '' where one side has nothing."""

    register: str
    title: str
    kind: str
    payer: str
    reference: str
    last4: str
    name: str
    birth: str
    sex: str
    their_code: str
    their_last4: str
    their_name: str
    their_birth: str
    their_sex: str
    their_commune: str
    day: str
    detail: str = ""


@dataclass(frozen=True)
class RegisterReport:
    """One register against ours: how many we compared, and the findings counted by kind.

    `covered`: payers it speaks of; `as_of` the oldest and newest day of what was used (ISO);
    `subjects`: people of ours it should know; `matched`: those found by their number; `refused`:
    rows of its file that could not be read, whose people are not called missing.
    """

    register: str
    covered: int
    as_of: tuple[str, str] | None
    subjects: int
    matched: int
    refused: int
    counts: dict[str, int] = field(default_factory=dict)


def reconciled_xlsx(
    rows: Iterable[Finding],
    summaries: Sequence[RegisterReport],
    made_at: str,
    out: BinaryIO,
) -> int:
    """Write the findings, streaming, then the summary; return how many findings there are.

    `summaries` is read once `rows` has ended.
    """
    columns = (
        Column("Sổ", 26), Column("Sai khác", 28), Column("Mã xã", 8), Column("Mã tra cứu", 14),
        Column("4 số cuối", 9), Column("Họ và tên", 28), Column("Ngày sinh", 12),
        Column("Giới tính", 8), Column("Mã bên đó", 14), Column("4 số cuối bên đó", 9),
        Column("Họ và tên bên đó", 28), Column("Ngày sinh bên đó", 12),
        Column("Giới tính bên đó", 8), Column("Mã xã bên đó", 8), Column("Từ ngày", 12),
        Column("Chi tiết", 44),
    )  # fmt: skip
    heading = (TITLE, f"Lập lúc {words.instant_words(made_at)}")
    with Book(out, title=TITLE, made_at=made_at) as book:
        tab = book.sheet("Sai khác", columns, heading=heading, landscape=True)
        for f in rows:
            tab.row(
                (
                    f.title, KIND_WORDS[f.kind], f.payer, f.reference, f.last4, f.name, f.birth,
                    _SEX.get(f.sex, f.sex), f.their_code, f.their_last4, f.their_name,
                    f.their_birth, _SEX.get(f.their_sex, f.their_sex), f.their_commune, f.day,
                    f.detail,
                )
            )  # fmt: skip
        _summary(book, summaries, heading)
        return tab.rows


def _summary(book: Book, summaries: Sequence[RegisterReport], heading: Sequence[str]) -> None:
    columns = (
        Column("Sổ", 14), Column("Số xã", 8, "whole"), Column("Bản ngày", 24),
        Column("Người phải có", 12, "whole"), Column("Khớp số định danh", 12, "whole"),
        Column("Dòng không đọc được", 12, "whole"),
        *(Column(said, 14, "whole") for said in KIND_WORDS.values()),
    )  # fmt: skip
    tab = book.sheet("Tổng hợp", columns, heading=heading, landscape=True)
    for s in summaries:
        days = "chưa đọc" if s.as_of is None else " – ".join(dict.fromkeys(s.as_of))
        tab.row(
            (
                s.register, s.covered, days, s.subjects, s.matched, s.refused,
                *(s.counts.get(k) for k in KIND_WORDS),
            )
        )  # fmt: skip
