"""The commune's page of overpayments: who was paid what is not due, why, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from disbursement.documents import words
from disbursement.documents.figures import dong_words, must_agree
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Column
from ledger.money import format_vnd

TITLE = "Danh sách khoản chi thừa phải thu"


@dataclass(frozen=True)
class OwedBack:
    """What one person owes back for one reason: months (yyyymm), amounts in dong.

    `numbers` are those that `receivable decide` takes; `state` a key of words.RECEIVABLE_STATES;
    `decision` in words, '' while none is recorded.
    """

    numbers: tuple[int, ...]
    name: str
    last4: str
    reference: str
    programme: str
    months: tuple[int, ...]
    amount_vnd: int
    settled_vnd: int
    open_vnd: int
    why: str
    citation: str
    state: str
    decision: str


@dataclass(frozen=True)
class ReceivablesPage:
    """A commune's page; `amount_vnd` and `open_vnd` (dong) are the sums of its rows."""

    office: Office
    made_at: str
    amount_vnd: int
    open_vnd: int
    rows: tuple[OwedBack, ...]


def _check(page: ReceivablesPage) -> None:
    where = f"{TITLE} {page.office.code}"
    must_agree(where, "số tiền", page.amount_vnd, sum(r.amount_vnd for r in page.rows))
    must_agree(where, "còn phải thu", page.open_vnd, sum(r.open_vnd for r in page.rows))


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(n) for n in numbers)


def receivables_data(page: ReceivablesPage) -> dict[str, Any]:
    """Return the page as the template reads it. Raises OurFaultError where sums disagree."""
    _check(page)
    return {
        "title": TITLE,
        "committee": page.office.committee,
        "province": page.office.province,
        "payer": page.office.code,
        "made": words.instant_words(page.made_at),
        "amount": format_vnd(page.amount_vnd),
        "open": format_vnd(page.open_vnd),
        "in_words": dong_words(page.open_vnd),
        "people": format_vnd(len({r.reference for r in page.rows})),
        "rows": [
            [
                str(n), f"{r.name} ({r.last4}) {r.reference}", words.programme_words(r.programme),
                words.months_words(r.months), format_vnd(r.amount_vnd), format_vnd(r.settled_vnd),
                format_vnd(r.open_vnd), f"{r.why}. {r.citation}".removesuffix(". "),
                f"{words.RECEIVABLE_STATES[r.state]}{f': {r.decision}' if r.decision else ''}"
                f" (số {_numbers(r.numbers)})",
            ]
            for n, r in enumerate(page.rows, 1)
        ],
    }  # fmt: skip


def receivables_pdf(page: ReceivablesPage) -> bytes:
    """Return the page as PDF, A4 landscape. Raises OurFaultError where its rows do not add up."""
    data = receivables_data(page)
    return compile_pdf("receivables", data, page.made_at, rows=len(page.rows))


def receivables_xlsx(page: ReceivablesPage, out: BinaryIO) -> int:
    """Write the page as a workbook; return how many rows. Raises OurFaultError as the PDF."""
    _check(page)
    columns = (
        Column("STT", 6, "whole"), Column("Số khoản phải thu", 14), Column("Họ và tên", 30),
        Column("4 số cuối", 9), Column("Mã tra cứu", 14), Column("Chương trình", 26),
        Column("Tháng", 24), Column("Đã chi thừa (đồng)", 16, "money"),
        Column("Đã thu, xóa, phục hồi (đồng)", 16, "money"),
        Column("Còn phải thu (đồng)", 16, "money"), Column("Lý do", 40, "wrap"),
        Column("Căn cứ", 40, "wrap"), Column("Tình trạng", 18), Column("Quyết định", 30, "wrap"),
    )  # fmt: skip
    heading = (
        TITLE,
        f"{page.office.committee}, {page.office.province} (mã {page.office.code})",
        f"Lập lúc {words.instant_words(page.made_at)} (giờ Việt Nam)",
    )
    with Book(out, title=TITLE, made_at=page.made_at) as book:
        tab = book.sheet("Phải thu", columns, heading=heading, landscape=True)
        for n, r in enumerate(page.rows, 1):
            tab.row(
                (
                    n, _numbers(r.numbers), r.name, r.last4, r.reference,
                    words.programme_words(r.programme), words.months_words(r.months),
                    r.amount_vnd, r.settled_vnd, r.open_vnd, r.why, r.citation,
                    words.RECEIVABLE_STATES[r.state], r.decision,
                )
            )  # fmt: skip
        blank = (None,) * 5
        settled = page.amount_vnd - page.open_vnd
        sums = (page.amount_vnd, settled, page.open_vnd)
        tab.row((None, "Cộng", *blank, *sums, None, None, None, None), total=True)
    return len(page.rows)
