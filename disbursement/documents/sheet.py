"""The approval sheet of a list: what four people look at and sign.

The unit of approval is the list (payer x programme x pay month). What is shown is what leaves:
count, total and files are those of the frozen batches. The sheet goes round in an office, so it
shows counts and sums; its workbook lists each change by reference code and last four digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from disbursement.documents import words
from disbursement.documents.figures import Figure, dong_words, must_agree, signed_vnd
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.documents.xlsx import Book, Column
from disbursement.platform.clock import show_month
from ledger.money import format_vnd


@dataclass(frozen=True)
class BudgetLine:
    """A budget line the list charges: new expense, and what is left after it, in dong.

    `enough_until` is the last month (yyyymm) the rest pays for at this month's pace; None where
    it does not reach the next month.
    """

    line: str
    year: int
    charged_vnd: int
    left_vnd: int
    enough_until: int | None


@dataclass(frozen=True)
class Hold:
    """People kept back for one reason: `kind` right (not minted) or payment (minted, waits)."""

    kind: str
    reason: str
    people: int
    amount_vnd: int


@dataclass(frozen=True)
class Finding:
    """What a check found when the list was prepared: `state` open, resolved or note.

    `rule` is the reason code of its hold, `reference` the holder's ('' for the whole list),
    `hold` the number `run resolve` takes (None for a note), `document` what resolved it.
    """

    rule: str
    state: str
    reference: str
    detail: str
    hold: int | None = None
    document: str = ""


@dataclass(frozen=True)
class BatchFile:
    """A batch of the list and the file that will leave: SHA-256 (hex) of its plaintext.

    `provider` is the provider's code, `provider_name` its name ('' where the code is all there is).
    """

    message_id: str
    provider: str
    purpose: str
    file_name: str
    sha256: str
    payments: int
    amount_vnd: int
    provider_name: str = ""

    @property
    def who(self) -> str:
        """The provider by code and name, the code alone where the name says no more."""
        more = self.provider_name not in ("", self.provider)
        return f"{self.provider} ({self.provider_name})" if more else self.provider


@dataclass(frozen=True)
class Signer:
    """A place to sign: role prepare, check, sign2 or sign1; name and instant once it is signed."""

    role: str
    name: str = ""
    signed_at: str = ""


@dataclass(frozen=True)
class Change:
    """One payment that differs from last month's, for the workbook.

    `kind` is a key of words.CHANGE_KINDS, one for all that changed; accounts by their last four
    digits ('' = none).
    """

    kind: str
    reference: str
    before_vnd: int
    after_vnd: int
    account_before: str
    account_after: str
    reason: str


@dataclass(frozen=True)
class ApprovalSheet:
    """Everything on the sheet; amounts in whole dong, months yyyymm, digests in hex.

    `changes` are Figures of the codes in words.CHANGE_KINDS, their amounts the differences;
    `citation` is the article under which the rates pay, `law_on` the day whose law was used.
    """

    office: Office
    programme: str
    month: int
    number: int
    version: int
    made_at: str
    payments: int
    people: int
    total_vnd: int
    carried: Figure
    rails: tuple[Figure, ...]
    lines: tuple[BudgetLine, ...]
    before_payments: int
    before_vnd: int
    changes: tuple[Figure, ...]
    holds: tuple[Hold, ...]
    law_on: date
    rate_set: str
    citations: tuple[str, ...]
    rates_sha256: str
    digest: str
    chain_head: str
    chain_seq: int
    batches: tuple[BatchFile, ...]
    signers: tuple[Signer, ...] = ()
    warnings: tuple[str, ...] = ()
    """Sentences about national registers that were missing or old when the list was prepared."""
    findings: tuple[Finding, ...] = ()
    """What the checks before the list found: held, resolved, or worth knowing."""
    first_paid: Figure | None = None
    """Payments to accounts that no list has paid to before: they are looked at one by one."""

    @property
    def title(self) -> str:
        """The sheet's title, also in the files' properties."""
        return f"Bảng duyệt chi {words.programme_words(self.programme).lower()}"


def check(sheet: ApprovalSheet) -> None:
    """Compare the total with its parts. Raises OurFaultError where they do not agree."""
    where = f"Bảng duyệt {sheet.office.code} {sheet.programme} {show_month(sheet.month)}"
    for what, parts in (("các kênh", sheet.rails), ("các lô", sheet.batches)):
        must_agree(where, f"{what}, số tiền", sheet.total_vnd, sum(p.amount_vnd for p in parts))
    must_agree(where, "các kênh, số khoản", sheet.payments, sum(r.count for r in sheet.rails))
    must_agree(where, "các lô, số khoản", sheet.payments, sum(b.payments for b in sheet.batches))


def _enough(line: BudgetLine) -> str:
    if line.left_vnd < 0:
        return "Vượt dự toán"
    if line.enough_until is None:
        return "Không đủ cho tháng sau"
    return f"Đủ đến hết {show_month(line.enough_until)}"


def _signers(sheet: ApprovalSheet) -> list[Signer]:
    given = {signer.role: signer for signer in sheet.signers}
    return [given.get(role, Signer(role)) for role in words.SIGNING_ORDER]


def _rail_rows(sheet: ApprovalSheet) -> list[tuple[str, int, int]]:
    return [(words.RAILS.get(r.code, r.code), r.count, r.amount_vnd) for r in sheet.rails]


def _hold_rows(sheet: ApprovalSheet) -> list[tuple[str, str, int, int]]:
    return [
        (words.HOLD_KINDS.get(h.kind, h.kind), words.reason_words(h.reason), h.people, h.amount_vnd)
        for h in sheet.holds
    ]


def _change_rows(sheet: ApprovalSheet) -> list[tuple[str, int, int]]:
    rows = [(words.CHANGE_KINDS.get(c.code, c.code), c.count, c.amount_vnd) for c in sheet.changes]
    first = sheet.first_paid
    if first is not None and first.count:
        rows.append((f"{words.FIRST_PAID} (số tiền trả)", first.count, first.amount_vnd))
    return rows


def _finding_rows(sheet: ApprovalSheet) -> list[tuple[str, int, int, int]]:
    """Count the findings by rule: held, resolved, notes."""
    counts: dict[str, list[int]] = {}
    for found in sheet.findings:
        at = ("open", "resolved", "note").index(found.state)
        counts.setdefault(found.rule, [0, 0, 0])[at] += 1
    return [(words.reason_words(rule), n[0], n[1], n[2]) for rule, n in counts.items()]


def _finding_notes(sheet: ApprovalSheet) -> list[str]:
    """Return the sentences about the whole list."""
    return [f.detail for f in sheet.findings if not f.reference]


def sheet_data(sheet: ApprovalSheet) -> dict[str, Any]:
    """Return the sheet as the template reads it: everything as text. Raises OurFaultError."""
    check(sheet)
    return {
        "title": sheet.title,
        "committee": sheet.office.committee,
        "province": sheet.office.province,
        "payer": sheet.office.code,
        "month": show_month(sheet.month),
        "list": words.list_words(sheet.number, sheet.version),
        "programme": words.programme_words(sheet.programme),
        "made": words.instant_words(sheet.made_at),
        "payments": format_vnd(sheet.payments),
        "people": format_vnd(sheet.people),
        "total": format_vnd(sheet.total_vnd),
        "in_words": dong_words(sheet.total_vnd),
        "carried": [format_vnd(sheet.carried.count), format_vnd(sheet.carried.amount_vnd)],
        "rails": [[n, format_vnd(c), format_vnd(a)] for n, c, a in _rail_rows(sheet)],
        "lines": [
            [f"{b.line} / {b.year}", format_vnd(b.charged_vnd), format_vnd(b.left_vnd), _enough(b)]
            for b in sheet.lines
        ],
        "before": [format_vnd(sheet.before_payments), format_vnd(sheet.before_vnd)],
        "difference": [
            signed_vnd(sheet.payments - sheet.before_payments),
            signed_vnd(sheet.total_vnd - sheet.before_vnd),
        ],
        "changes": [[n, format_vnd(c), signed_vnd(a)] for n, c, a in _change_rows(sheet)],
        "holds": [[k, r, format_vnd(n), format_vnd(a)] for k, r, n, a in _hold_rows(sheet)],
        "warnings": list(sheet.warnings),
        "findings": [
            [rule, *(format_vnd(n) for n in counts)] for rule, *counts in _finding_rows(sheet)
        ],
        "finding_notes": _finding_notes(sheet),
        "held": format_vnd(sum(h.amount_vnd for h in sheet.holds)),
        "law_on": words.short_day(sheet.law_on),
        "rate_set": sheet.rate_set,
        "citations": list(sheet.citations),
        "rates_sha256": sheet.rates_sha256,
        "digest": sheet.digest,
        "head": sheet.chain_head,
        "seq": format_vnd(sheet.chain_seq),
        "batches": [
            {
                "id": b.message_id,
                "provider": b.who,
                "purpose": words.PURPOSES.get(b.purpose, b.purpose),
                "file": b.file_name,
                "sha256": b.sha256,
                "payments": format_vnd(b.payments),
                "amount": format_vnd(b.amount_vnd),
            }
            for b in sheet.batches
        ],
        "signers": [
            [words.ROLES[s.role], s.name, words.instant_words(s.signed_at) if s.signed_at else ""]
            for s in _signers(sheet)
        ],
    }


def sheet_pdf(sheet: ApprovalSheet) -> bytes:
    """Return the sheet as PDF (A4). Raises OurFaultError where its figures do not agree."""
    return compile_pdf("sheet", sheet_data(sheet), sheet.made_at)


def sheet_xlsx(sheet: ApprovalSheet, changes: Iterable[Change], out: BinaryIO) -> int:
    """Write the sheet as a workbook; return how many changes it lists.

    Raises OurFaultError where the sheet's figures do not agree.
    """
    check(sheet)
    with Book(out, title=sheet.title, made_at=sheet.made_at) as book:
        _summary(book, sheet)
        _files(book, sheet)
        _finding_list(book, sheet)
        return _change_list(book, sheet, changes)


def _heading(sheet: ApprovalSheet, title: str) -> tuple[str, ...]:
    return (
        title,
        f"{sheet.office.committee}, {sheet.office.province} (mã {sheet.office.code})",
        f"Kỳ {show_month(sheet.month)} – {words.list_words(sheet.number, sheet.version)}",
    )


def _summary(book: Book, sheet: ApprovalSheet) -> None:
    columns = (
        Column("Phần", 26), Column("Nội dung", 46), Column("Số lượng", 12, "whole"),
        Column("Số tiền (đồng)", 20, "money"), Column("Ghi chú", 66),
    )  # fmt: skip
    tab = book.sheet("Tổng hợp", columns, heading=_heading(sheet, sheet.title), landscape=True)
    said = dong_words(sheet.total_vnd)
    tab.row(("Tổng số chi", "Số khoản chi", sheet.payments, sheet.total_vnd, said), total=True)
    tab.row(("Tổng số chi", "Số người", sheet.people, None, None))
    carried = sheet.carried
    tab.row(("Tổng số chi", "Chuyển từ kỳ trước", carried.count, carried.amount_vnd, None))
    for name, count, amount in _rail_rows(sheet):
        tab.row(("Theo kênh", name, count, amount, None))
    for line in sheet.lines:
        label = f"{line.line} / {line.year}"
        tab.row(("Dự toán: ghi chi", label, None, line.charged_vnd, None))
        tab.row(("Dự toán: còn lại", label, None, line.left_vnd, _enough(line)))
    tab.row(("So với kỳ trước", "Kỳ trước", sheet.before_payments, sheet.before_vnd, None))
    for name, count, amount in _change_rows(sheet):
        tab.row(("So với kỳ trước", name, count, amount, "Số tiền là phần chênh lệch"))
    for kind, reason, people, amount in _hold_rows(sheet):
        tab.row((kind, reason, people, amount, None))
    for sentence in sheet.warnings:
        tab.row(("Cảnh báo", "Sổ quốc gia", None, None, sentence))
    for rule, held, done, notes in _finding_rows(sheet):
        said = f"Đang giữ {held}, đã giải quyết {done}, để biết {notes}"
        tab.row(("Kiểm tra", rule, held + done + notes, None, said))
    tab.row(("Căn cứ", "Bộ mức chi", None, None, sheet.rate_set))
    tab.row(("Căn cứ", "Luật áp dụng tại ngày", None, None, words.short_day(sheet.law_on)))
    for citation in sheet.citations:
        tab.row(("Căn cứ", "Điều luật", None, None, citation))
    tab.row(("Mã kiểm tra", "SHA-256 bộ mức chi", None, None, sheet.rates_sha256))
    tab.row(("Mã kiểm tra", "Mã tóm tắt danh sách", None, None, sheet.digest))
    tab.row(("Mã kiểm tra", f"Đầu chuỗi sổ {sheet.chain_seq}", None, None, sheet.chain_head))
    for signer in _signers(sheet):
        at = words.instant_words(signer.signed_at) if signer.signed_at else ""
        said = " – ".join(part for part in (signer.name, at) if part)
        tab.row(("Ký", words.ROLES[signer.role], None, None, said))


def _files(book: Book, sheet: ApprovalSheet) -> None:
    columns = (
        Column("Lô", 24), Column("Đơn vị cung ứng", 44), Column("Loại", 12), Column("Tệp", 40),
        Column("SHA-256", 68), Column("Số khoản", 10, "whole"),
        Column("Số tiền (đồng)", 20, "money"),
    )  # fmt: skip
    tab = book.sheet("Lô chi", columns, heading=_heading(sheet, "Các lô chi"), landscape=True)
    for b in sheet.batches:
        kind = words.PURPOSES.get(b.purpose, b.purpose)
        tab.row((b.message_id, b.who, kind, b.file_name, b.sha256, b.payments, b.amount_vnd))
    tab.row(("Cộng", None, None, None, None, sheet.payments, sheet.total_vnd), total=True)


def _finding_list(book: Book, sheet: ApprovalSheet) -> None:
    columns = (
        Column("Kiểm tra", 34), Column("Trạng thái", 18), Column("Mã tra cứu", 14),
        Column("Số hồ sơ giữ", 12, "whole"), Column("Nội dung", 90, "wrap"),
        Column("Văn bản đã giải quyết", 40, "wrap"),
    )  # fmt: skip
    title = "Kiểm tra trước khi chốt danh sách"
    tab = book.sheet("Kiểm tra", columns, heading=_heading(sheet, title), landscape=True)
    for f in sheet.findings:
        state = words.FINDING_STATES.get(f.state, f.state)
        rule = words.reason_words(f.rule)
        tab.row((rule, state, f.reference or None, f.hold, f.detail, f.document or None))


def _change_list(book: Book, sheet: ApprovalSheet, changes: Iterable[Change]) -> int:
    columns = (
        Column("Thay đổi", 22), Column("Mã tra cứu", 14),
        Column("Kỳ trước (đồng)", 16, "money"), Column("Kỳ này (đồng)", 16, "money"),
        Column("Nơi nhận trước (4 số cuối)", 14), Column("Nơi nhận nay (4 số cuối)", 14),
        Column("Lý do", 50, "wrap"),
    )  # fmt: skip
    title = "Thay đổi so với kỳ trước"
    tab = book.sheet("Thay đổi", columns, heading=_heading(sheet, title), landscape=True)
    for c in changes:
        kind = words.CHANGE_KINDS.get(c.kind, c.kind)
        accounts = (c.account_before, c.account_after)
        tab.row((kind, c.reference, c.before_vnd, c.after_vnd, *accounts, c.reason))
    return tab.rows
