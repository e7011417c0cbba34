"""The draft decision by which a commune's chairman puts its people on the level of a new decree.

NĐ 335/2026/NĐ-CP Điều 32 khoản 4: the chairman of the commune reviews the list and decides. The
engine only proposes: number, day and signer are left blank, and nothing of the difference is paid
before they are recorded. People who left the roll before the decree came into force stand apart
(Điều 32 khoản 3 speaks of those who are receiving): they are not part of the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, BinaryIO

from disbursement.documents import words
from disbursement.documents.figures import dong_words, must_agree, signed_vnd
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Column
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

PART_ROWS = 1_000
"""Rows of one PDF: under a second and some 150 MB while it is made; more make parts."""
TITLE = "Dự thảo quyết định điều chỉnh mức trợ cấp"


@dataclass(frozen=True)
class Rerated:
    """A person's change of level, in dong a month, over the months (yyyymm) that get it.

    Months with another pair of levels are another row: the difference is exactly
    (new - old) x months. `birth` is the year of birth, `last4` of the identity number.
    """

    name: str
    birth: str
    last4: str
    reference: str
    old_vnd: int
    new_vnd: int
    months: tuple[int, ...]

    @property
    def difference_vnd(self) -> int:
        """What the row adds, in dong."""
        return (self.new_vnd - self.old_vnd) * len(self.months)


@dataclass(frozen=True)
class LeftBefore:
    """A person who left the roll before the decree came into force, and the months concerned."""

    name: str
    birth: str
    last4: str
    reference: str
    last_month: int
    cause: str
    months: tuple[int, ...]
    difference_vnd: int


@dataclass(frozen=True)
class ReratingDraft:
    """A commune's draft; `people` and `total_vnd` are those of the lines it would release.

    `instrument` is the decree ('335/2026/NĐ-CP'), `in_force` its day, `money_from` the month
    (yyyymm) its level counts from, `basis` the articles it rests on, `rates_sha256` (hex) the
    rates used. `month` is the pay month whose list proposes it. A long draft is several PDFs:
    `part` of `parts`, whose first row is number `first`; the decision itself stands in part 1.
    """

    office: Office
    month: int
    instrument: str
    in_force: date
    money_from: int
    basis: tuple[str, ...]
    rates_sha256: str
    made_at: str
    people: int
    total_vnd: int
    rows: tuple[Rerated, ...]
    left: tuple[LeftBefore, ...] = ()
    part: int = 1
    parts: int = 1
    first: int = 1


def rerating_parts(draft: ReratingDraft, size: int = PART_ROWS) -> Iterator[ReratingDraft]:
    """Cut a draft into parts of at most `size` rows; a short one is its own only part.

    Those who left are printed in the last part. Raises OurFaultError where sums disagree.
    """
    _check(draft)
    parts = max(1, -(-len(draft.rows) // size))
    for n in range(parts):
        rows = draft.rows[n * size : (n + 1) * size]
        yield replace(draft, rows=rows, part=n + 1, parts=parts, first=n * size + 1)


def _check(draft: ReratingDraft) -> None:
    if draft.parts > 1:
        return  # checked when it was cut
    where = f"Dự thảo điều chỉnh mức {draft.office.code} {show_month(draft.month)}"
    must_agree(where, "số người", draft.people, len({row.reference for row in draft.rows}))
    must_agree(where, "số tiền", draft.total_vnd, sum(row.difference_vnd for row in draft.rows))


def rerating_data(draft: ReratingDraft) -> dict[str, Any]:
    """Return the draft as the template reads it. Raises OurFaultError where sums disagree."""
    _check(draft)
    return {
        "title": TITLE,
        "committee": draft.office.committee,
        "commune": draft.office.name,
        "province": draft.office.province,
        "payer": draft.office.code,
        "month": show_month(draft.month),
        "instrument": draft.instrument,
        "in_force": words.short_day(draft.in_force),
        "money_from": show_month(draft.money_from),
        "basis": list(draft.basis),
        "rates_sha256": draft.rates_sha256,
        "made": words.instant_words(draft.made_at),
        "people": format_vnd(draft.people),
        "total": format_vnd(draft.total_vnd),
        "in_words": dong_words(draft.total_vnd),
        "rows": [
            [
                str(n), r.name, r.birth, r.last4, r.reference, format_vnd(r.old_vnd),
                format_vnd(r.new_vnd), words.months_words(r.months), signed_vnd(r.difference_vnd),
            ]
            for n, r in enumerate(draft.rows, draft.first)
        ],
        "part": f"{draft.part}/{draft.parts}" if draft.parts > 1 else "",
        "decision": draft.part == 1,
        "last": draft.part == draft.parts,
        "part_total": signed_vnd(sum(r.difference_vnd for r in draft.rows)),
        "left_people": format_vnd(len(draft.left)),
        "left": [
            [
                str(n), r.name, r.birth, r.last4, r.reference, show_month(r.last_month), r.cause,
                words.months_words(r.months), signed_vnd(r.difference_vnd),
            ]
            for n, r in enumerate(draft.left, 1)
        ],
        "left_total": signed_vnd(sum(r.difference_vnd for r in draft.left)),
    }  # fmt: skip


def rerating_pdf(draft: ReratingDraft) -> bytes:
    """Return a draft, or one part of it, as PDF: the decision on A4, its annexes landscape.

    Raises OurFaultError where the rows do not make the draft's count and total.
    """
    rows = len(draft.rows) + len(draft.left)
    return compile_pdf("rerating", rerating_data(draft), draft.made_at, rows=rows)


def rerating_xlsx(draft: ReratingDraft, out: BinaryIO) -> int:
    """Write the whole draft's two lists as a workbook; return how many people are re-rated.

    Raises OurFaultError where the rows do not make the draft's count and total.
    """
    _check(draft)
    heading = (
        TITLE,
        f"{draft.office.committee}, {draft.office.province} (mã {draft.office.code})",
        f"Theo {draft.instrument}, mức mới từ tháng {show_month(draft.money_from)}",
        "Số quyết định: ............ Ngày: ............ Người ký: ............",
    )
    who = (
        Column("STT", 6, "whole"), Column("Họ và tên", 30), Column("Năm sinh", 9),
        Column("4 số cuối", 9), Column("Mã tra cứu", 14),
    )  # fmt: skip
    with Book(out, title=TITLE, made_at=draft.made_at) as book:
        columns = (
            *who, Column("Mức cũ (đồng/tháng)", 16, "money"),
            Column("Mức mới (đồng/tháng)", 16, "money"), Column("Tháng", 24),
            Column("Số tháng", 9, "whole"), Column("Truy lĩnh (đồng)", 18, "money"),
        )  # fmt: skip
        tab = book.sheet("Điều chỉnh mức", columns, heading=heading, landscape=True)
        for n, r in enumerate(draft.rows, 1):
            person = (n, r.name, r.birth, r.last4, r.reference)
            months = words.months_words(r.months)
            tab.row((*person, r.old_vnd, r.new_vnd, months, len(r.months), r.difference_vnd))
        blank = (None,) * 6
        tab.row((None, "Cộng", *blank, None, draft.total_vnd), total=True)
        left_columns = (
            *who, Column("Tháng hưởng cuối", 12), Column("Lý do thôi hưởng", 30),
            Column("Tháng", 24), Column("Chênh lệch, không chi (đồng)", 18, "money"),
        )  # fmt: skip
        tab = book.sheet("Đã thôi hưởng", left_columns, heading=heading[:3], landscape=True)
        for n, left in enumerate(draft.left, 1):
            person = (n, left.name, left.birth, left.last4, left.reference)
            months = words.months_words(left.months)
            tab.row((*person, show_month(left.last_month), left.cause, months, left.difference_vnd))
        total = sum(left.difference_vnd for left in draft.left)
        tab.row((None, "Cộng", *blank, total), total=True)
    return draft.people
