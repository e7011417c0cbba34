"""The roster of a cash desk: who may collect what, and the box in which they sign for it.

One roster per commune and cash batch. It is printed in numbered copies; when it is closed, every
copy must come back or be declared void (coins.md 14), so each says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, BinaryIO

from disbursement.documents import words
from disbursement.documents.figures import dong_words, must_agree
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Column
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

PART_ROWS = 1_000
"""Rows of one PDF, some 65 pages: half a second and 120 MB while it is made; more make parts."""
TITLE = "Danh sách ký nhận tiền mặt"
_NAME_MM, _MONTHS_MM = 64, 36  # widths of two columns in roster.typ
_WIDE = set("WMƠỜỚỞỠỢƯỪỨỬỮỰQ@%&—")
_ROW_MM, _LINE_MM = 10, 5  # least height, room for a signature; height of a line, rounded up


@dataclass(frozen=True)
class RosterRow:
    """A cash order: `n` is the row's number in its batch, `order` its end-to-end id.

    `birth` is the year of birth as text, `last4` the identity number's last four digits,
    `payee` who collects where that is not the person ('' = the person), `reason` a key of
    words.CASH_REASONS. `months` are yyyymm, the amount is whole dong.
    """

    n: int
    name: str
    birth: str
    last4: str
    reference: str
    order: str
    months: tuple[int, ...]
    amount_vnd: int
    payee: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Roster:
    """A roster: `payments` and `total_vnd` are the batch's; days are those of Vietnam.

    `copies` is the number of this copy. `digest` is the batch's signed digest (hex). `part` of
    `parts`: a long roster is several PDFs; a part's rows make `part_payments` and `part_vnd`.
    """

    office: Office
    programme: str
    month: int
    message_id: str
    desk: str
    place: str
    first_day: date
    last_day: date
    copies: int
    digest: str
    made_at: str
    payments: int
    total_vnd: int
    rows: tuple[RosterRow, ...]
    part: int = 1
    parts: int = 1

    @property
    def part_vnd(self) -> int:
        """Sum of this part's rows, in dong."""
        return sum(row.amount_vnd for row in self.rows)


def roster_parts(roster: Roster, size: int = PART_ROWS) -> Iterator[Roster]:
    """Cut a roster into parts of at most `size` rows; a short one is its own only part.

    Raises OurFaultError where the rows do not make the batch's count and total.
    """
    _check(roster)
    parts = max(1, -(-len(roster.rows) // size))
    for n in range(parts):
        rows = roster.rows[n * size : (n + 1) * size]
        yield replace(roster, rows=rows, part=n + 1, parts=parts)


def _check(roster: Roster) -> None:
    where = f"Danh sách ký nhận {roster.message_id}"
    if roster.parts == 1:
        must_agree(where, "số khoản", roster.payments, len(roster.rows))
        must_agree(where, "số tiền", roster.total_vnd, roster.part_vnd)


def _reasons(roster: Roster) -> list[list[str]]:
    counts: dict[str, tuple[int, int]] = {}
    for row in roster.rows:
        count, amount = counts.get(row.reason, (0, 0))
        counts[row.reason] = count + 1, amount + row.amount_vnd
    return [
        [words.CASH_REASONS.get(code, code), format_vnd(count), format_vnd(amount)]
        for code, (count, amount) in sorted(counts.items())
        if code
    ]


def roster_data(roster: Roster) -> dict[str, Any]:
    """Return the roster as the template reads it. Raises OurFaultError where sums disagree."""
    _check(roster)
    return {
        "title": TITLE,
        "committee": roster.office.committee,
        "province": roster.office.province,
        "payer": roster.office.code,
        "programme": words.programme_words(roster.programme),
        "month": show_month(roster.month),
        "batch": roster.message_id,
        "desk": roster.desk,
        "place": roster.place,
        "first_day": words.short_day(roster.first_day),
        "last_day": words.short_day(roster.last_day),
        "copies": str(roster.copies),
        "digest": roster.digest,
        "made": words.instant_words(roster.made_at),
        "payments": format_vnd(roster.payments),
        "total": format_vnd(roster.total_vnd),
        "in_words": dong_words(roster.total_vnd),
        "part": f"{roster.part}/{roster.parts}" if roster.parts > 1 else "",
        "part_payments": format_vnd(len(roster.rows)),
        "part_total": format_vnd(roster.part_vnd),
        "part_words": dong_words(roster.part_vnd),
        "reasons": _reasons(roster),
        "rows": [_row_data(row) for row in roster.rows],
    }


def _row_data(row: RosterRow) -> dict[str, Any]:
    """Return a row with its height: the template places texts, so their lines are counted here.

    `plain` is a row whose texts need no second line; `long` one with a word beyond its column.
    """
    name, payee = words.printable(row.name), words.printable(row.payee)
    months = words.months_words(row.months)
    lines = max(
        _lines(name, _NAME_MM)
        + (_lines(f"Người nhận thay: {payee}", _NAME_MM * 5 // 4) if payee else 0),
        _lines(months, _MONTHS_MM),
    )
    return {
        "n": str(row.n),
        "name": name,
        "payee": payee,
        "birth": row.birth,
        "last4": row.last4,
        "reference": row.reference,
        "order": row.order,
        "months": months,
        "amount": format_vnd(row.amount_vnd),
        "height": max(_ROW_MM, _LINE_MM * lines + 2),
        "plain": lines == 1,
        "long": any(_width(word) > _NAME_MM for word in (*name.split(), *payee.split())),
    }


def _width(text: str) -> int:
    """Return a width in mm that the text does not exceed at 10 points: capitals are the widest."""
    return sum(
        4 if c in _WIDE else 3 if c.isupper() or c in "mw" or not (c.isalnum() or c in " ,.") else 2
        for c in text
    )


def _lines(text: str, width: int) -> int:
    """Count the lines a text takes in a column of `width` mm, never too few."""
    lines, used = 1, 0
    for word in text.split():
        need = _width(word)
        if used and used + 1 + need > width:
            lines, used = lines + 1, 0
        used += need + (1 if used else 0)
        if used > width:  # broken within the word
            lines, used = lines + used // width, used % width
    return lines


def roster_pdf(roster: Roster) -> bytes:
    """Return a roster, or one part of it (see `roster_parts`), as PDF: A4, landscape.

    Raises OurFaultError where the rows do not make the batch's count and total.
    """
    rows = len(roster.rows)
    return compile_pdf("roster", roster_data(roster), roster.made_at, rows=rows)


def roster_xlsx(roster: Roster, out: BinaryIO) -> int:
    """Write the whole roster as a workbook; return its number of rows.

    The columns 'Ngày nhận' and 'Giấy tờ' are left empty: the desk fills them in.
    Raises OurFaultError where the rows do not make the batch's count and total.
    """
    _check(roster)
    columns = (
        Column("STT", 6, "whole"), Column("Họ và tên", 30), Column("Năm sinh", 9),
        Column("4 số cuối", 9), Column("Mã tra cứu", 14), Column("Mã lệnh", 20),
        Column("Tháng", 22), Column("Số tiền", 16, "money"), Column("Người nhận thay", 26),
        Column("Lý do nhận tiền mặt", 26), Column("Ngày nhận", 12), Column("Giấy tờ", 20),
    )  # fmt: skip
    window = f"từ {words.short_day(roster.first_day)} đến hết {words.short_day(roster.last_day)}"
    heading = (
        TITLE,
        f"{roster.office.committee}, {roster.office.province} (mã {roster.office.code})",
        f"Kỳ {show_month(roster.month)} – lô {roster.message_id} – {roster.desk}",
        f"Nơi nhận: {roster.place}; {window}; bản in số {roster.copies}",
    )
    with Book(out, title=TITLE, made_at=roster.made_at) as book:
        tab = book.sheet("Ký nhận", columns, heading=heading, landscape=True)
        for row in roster.rows:
            reason = words.CASH_REASONS.get(row.reason, row.reason)
            months = words.months_words(row.months)
            tab.row(
                (
                    row.n, row.name, row.birth, row.last4, row.reference, row.order, months,
                    row.amount_vnd, row.payee, reason, None, None,
                )
            )  # fmt: skip
        said = dong_words(roster.part_vnd)
        end: tuple[str | int | None, ...] = ("Cộng", None, None, None, None, said)
        tab.row((None, *end, roster.part_vnd, None, None, None, None), total=True)
    return len(roster.rows)
