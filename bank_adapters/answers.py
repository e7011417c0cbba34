"""Answers for our own đồng accounts: read whole, checked, or refused whole (P3).

This is the strict layer over the generic readers. A file that does not add up, is in another
currency, holds a fraction of a đồng, or is one page of several is refused with its line; nothing
is handed on before the last byte was read.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from bank_adapters.camt import CamtFile, RawStatement, read_camt
from bank_adapters.contract import (
    AnswerKind,
    Entry,
    ParsedAnswer,
    RefusedFile,
    Source,
    Statement,
    StatusItem,
)
from bank_adapters.mt940 import CREDIT, REVERSED, MtFile, MtStatement, Row, looks_like_mt, read_mt
from bank_adapters.pain002 import NO_ID, RawStatus, StatusFile, read_camt029, read_pain002
from bank_adapters.xmlsource import MOST_BYTES, Finding, opened_answer, refuse

CURRENCY = "VND"
_WHOLE = re.compile(r"([0-9]{1,15})(\.0{1,5})?")
_MESSAGE = re.compile(
    rb"<(?:[A-Za-z_][\w.-]*:)?"
    rb"(BkToCstmrAcctRpt|BkToCstmrStmt|BkToCstmrDbtCdtNtfctn|CstmrPmtStsRpt|pain\.002\.001\.02"
    rb"|RsltnOfInvstgtn)"
)
_PIECE = 1 << 16
SCHEMA_BYTES = 8 << 20
"""How much of an answer is held to its schema, in bytes: some 12,000 entries of a camt.053.

How a bank writes shows in its first entries; what the money hangs on is checked in all of them.
"""

_SOFT = frozenset({"details_without_amount", "copy", "schema"})
"""Findings that leave the money right; the file is taken, and a warning says so."""
_CUT_OR_ALTERED = "Hãy xin ngân hàng gửi lại tệp đúng, hoặc đối chiếu với ngân hàng."


def parse(source: Source, *, most_bytes: int = MOST_BYTES) -> ParsedAnswer:
    """Read a pain.002, camt.029, camt.052/053/054, MT940 or MT942 about a VND account.

    Constant memory. That a file is against its schema is a warning only, and looked for in the
    first `SCHEMA_BYTES` of each document. Raises RefusedFile.
    """
    kind = sniff(source, most_bytes)
    if kind == "pain.002":
        return _statuses(
            kind, read_pain002(source, most_bytes=most_bytes, validate=True, within=SCHEMA_BYTES)
        )
    if kind == "camt.029":
        return _statuses(kind, read_camt029(source, most_bytes=most_bytes))
    if kind == "mt940":
        return _swift(read_mt(source, most_bytes=most_bytes))
    return _statements(
        read_camt(
            source, most_bytes=most_bytes, currency=CURRENCY, validate=True, within=SCHEMA_BYTES
        )
    )


def sniff(source: Source, most_bytes: int = MOST_BYTES) -> AnswerKind:
    """Say which kind of answer this is by its first message element. Raises RefusedFile.

    SWIFT text is `mt940` here; only its balances tell whether it is an MT942.
    """
    found = None
    with opened_answer(source, most_bytes) as stream:
        kept = b""
        while found is None and (piece := stream.read(_PIECE)):
            xml = bool(kept) or piece.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
            if not xml and looks_like_mt(piece):
                return "mt940"
            found = _MESSAGE.search(kept + piece)
            kept = piece[-64:]
    if found is None:
        refuse(
            "not_an_answer",
            "tệp không phải pain.002, camt.029 hoặc sao kê camt.052/053/054, MT940",
            "neither pain.002 nor camt.029 nor camt.052/053/054 nor MT940",
            do="Hãy kiểm tra đã chọn đúng tệp.",
        )
    return _KINDS.get(found[1].decode(), "pain.002")


_KINDS: dict[str, AnswerKind] = {
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
    "RsltnOfInvstgtn": "camt.029",
}


def whole_vnd(text: str, line: int | None = None) -> int:
    """Return whole đồng: "810000" and "810000.00" are, "810000.50" is refused (F21)."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    match = _WHOLE.fullmatch(text)
    if match is None:
        refuse(
            "fraction",
            "số tiền VND có phần lẻ hoặc quá lớn",
            "an amount in VND is no whole number of đồng",
            line=line,
        )
    return int(match[1])


def _statuses(kind: AnswerKind, file: StatusFile) -> ParsedAnswer:
    warnings = _refuse_or_warn(file.findings)
    for row in file.items:
        if row.amount is not None:
            if row.currency != CURRENCY:
                _refuse(_other_currency(row.line))
            whole_vnd(row.amount, row.line)
    return ParsedAnswer(
        kind,
        file.version,
        file.message_id,
        file.created_at,
        file.original_message_id or file.case_id or None,
        warnings,
        file.items.remade(_status_item if kind == "pain.002" else _resolution_item)
        if len(file.items) or not file.group_status
        else (_of_the_case(file),),
    )


def _resolution_item(row: tuple[Any, ...]) -> StatusItem:
    return replace(_status_item(row), code_set="cancellation")


_CASE = {"CNCL": "ACCR", "RJCR": "RJCR", "PDCR": "PDCR"}
"""Words for a case that is closed as a whole -> the status of each of its payments."""


def _of_the_case(file: StatusFile) -> StatusItem:
    """Return what a camt.029 without details says of everything that was asked back."""
    said = file.group_status or ""
    return StatusItem(
        "file", file.original_message_id or file.case_id, None, None, None, _CASE.get(said, said),
        None, "", code_set="cancellation",
    )  # fmt: skip


def _status_item(row: tuple[Any, ...]) -> StatusItem:
    raw = RawStatus._make(row)
    return StatusItem(
        raw.level,
        raw.original_msg_id,
        raw.payment_info_id,
        _known_id(raw.end_to_end_id),
        _known_id(raw.instr_id),
        raw.status,
        raw.reasons[0] if raw.reasons else None,
        raw.text,
        whole_vnd(raw.amount) if raw.amount is not None else None,
        more_reasons=raw.reasons[1:],
        line=raw.line,
    )


def _known_id(text: str | None) -> str | None:
    return None if text is None or text in NO_ID else text


def _statements(file: CamtFile) -> ParsedAnswer:
    warnings = _refuse_or_warn(file.findings)
    return ParsedAnswer(
        file.kind,
        file.version,
        file.message_id,
        file.created_at,
        None,
        warnings,
        tuple(_statement(file, raw) for raw in file.statements),
    )


def _statement(file: CamtFile, raw: RawStatement) -> Statement:
    missing = [
        name
        for name, value in (
            ("Id", raw.id),
            ("Acct", raw.account),
            ("OPBD", raw.opening if file.kind == "camt.053" else 0),
            ("CLBD", raw.closing if file.kind == "camt.053" else 0),
        )
        if value is None or value == ""
    ]
    if missing:
        _refuse(
            Finding(
                "statement_incomplete",
                f"sao kê thiếu {', '.join(missing)}",
                f"the statement lacks {', '.join(missing)}",
                raw.line,
            )
        )
    if raw.currency not in {None, CURRENCY}:
        _refuse(_other_currency(raw.line))
    return Statement(
        raw.id,
        raw.sequence,
        raw.account or "",
        CURRENCY,
        _signed(raw.opening, raw.line),
        _signed(raw.closing, raw.line),
        raw.from_date,
        raw.to_date,
        raw.entries.remade(_entry),
        raw.message_id,
        int(raw.booked_credit),
        int(raw.booked_debit),
    )


def _swift(file: MtFile) -> ParsedAnswer:
    """Hand on an MT940 or MT942 that was read without an error and adds up."""
    for finding in (*file.errors, *file.findings):
        _refuse(finding)
    if file.kind == "mt940":
        _continued(file.statements)
    return ParsedAnswer(
        "mt942" if file.kind == "mt942" else "mt940",
        "",
        "",  # :20: is often the same word every day: it names no file
        "",
        None,
        _refuse_or_warn((), file.warnings),
        tuple(_swift_statement(file.kind, raw) for raw in file.statements),
    )


def _continued(statements: tuple[MtStatement, ...]) -> None:
    """Refuse statements of one account in one file that do not follow one another."""
    before: dict[str | None, Decimal | None] = {}
    for one in statements:
        last = before.get(one.account)
        if last is not None and one.opening is not None and last != one.opening:
            _refuse(
                Finding(
                    "not_continuous",
                    "số dư đầu kỳ khác số dư cuối của sao kê trước trong cùng tệp",
                    "a statement does not open where the one before it in the file closed",
                    one.line,
                )
            )
        before[one.account] = one.closing


def _swift_statement(kind: str, raw: MtStatement) -> Statement:
    if raw.currency not in {None, CURRENCY}:
        _refuse(_other_currency(raw.line))
    if kind == "mt940":
        if not raw.account or None in (raw.opening, raw.closing, raw.to_day):
            _refuse(
                Finding(
                    "statement_incomplete",
                    "sao kê thiếu :25:, :60F: hoặc :62F:",
                    "the statement lacks :25:, :60F: or :62F:",
                    raw.line,
                )
            )
        if raw.interim:
            _refuse(
                Finding(
                    "one_page_of_several",
                    "tệp là một trang của sao kê nhiều trang (:60M:, :62M:)",
                    "one page of a statement of several",
                    raw.line,
                )
            )
    if raw.odd is not None:
        whole_vnd(*raw.odd)
    number = raw.number.partition("/")[0]
    return Statement(
        "/".join(part for part in (raw.id, raw.number, raw.to_day) if part),
        int(number) or None if number.isascii() and number.isdigit() else None,
        raw.account or "",
        CURRENCY,
        _signed(raw.opening, raw.line),
        _signed(raw.closing, raw.line),
        None,  # the day of the opening balance is the day before: what it covers, its entries say
        date.fromisoformat(raw.to_day) if raw.to_day else None,
        raw.entries.remade(_swift_entry),
        "",
        int(sum(raw.credit.values())),
        int(sum(raw.debit.values())),
    )


def _swift_entry(row: Row) -> Entry:
    """Return a line of an MT940 as the product takes it; see `mt940.raw_entry`."""
    n, mark, amount, _, booked, theirs, reference, text, line = row
    credit = mark in CREDIT
    vnd = amount if isinstance(amount, int) else _whole(amount)
    return _new_entry(
        Entry,
        (n, "CRDT" if credit else "DBIT", vnd, "BOOK", _day(booked) if booked else None, theirs,
         reference, None, None, None, None, credit and mark in REVERSED, None, 0, text, None, None,
         None, line, "return"),
    )  # fmt: skip


_new_entry = tuple.__new__


@lru_cache(maxsize=4096)
def _whole(amount: str) -> int:
    """Return the dong of a decimal text that was found to have no fraction."""
    return int(amount.partition(".")[0])


@lru_cache(maxsize=4096)
def _day(words: str) -> date:
    return date.fromisoformat(words)


def _entry(row: tuple[Any, ...]) -> Entry:
    # Unpacked in the order of RawEntry: once per line of a statement, so not by name.
    (
        n, booking_n, details, batch_count, side, amount, _currency, status, booking_date,
        acct_svcr_ref, end_to_end_id, instr_id, tx_id, payment_info_id, message_id, is_return,
        reversal, reason_code, charges, text, counterparty, line,
    ) = row  # fmt: skip
    return Entry(
        n,
        "CRDT" if side == "CRDT" else "DBIT",
        int(amount.partition(".")[0]),
        status,
        date.fromisoformat(booking_date) if booking_date else None,
        acct_svcr_ref,
        end_to_end_id,
        instr_id,
        tx_id,
        payment_info_id,
        message_id,
        # A reversal that credits the payer is money back, whatever the bank calls it.
        is_return or (reversal and side == "CRDT"),
        reason_code,
        int(charges.partition(".")[0]) if charges else 0,
        text,
        counterparty,
        booking_n if details > 1 else None,
        batch_count,
        line,
    )


def _signed(balance: Decimal | None, line: int) -> int | None:
    if balance is None:
        return None
    whole = whole_vnd(str(abs(balance)), line)
    return whole if balance >= 0 else -whole


def _refuse_or_warn(
    findings: tuple[Finding, ...], notes: tuple[Finding, ...] = ()
) -> tuple[str, ...]:
    for finding in findings:
        if finding.code not in _SOFT:
            _refuse(finding)
    return tuple(
        f"{finding.what} (dòng {finding.line})" if finding.line else finding.what
        for finding in (*findings, *notes)
    )


def _other_currency(line: int) -> Finding:
    return Finding("currency", "tệp không phải tiền đồng (VND)", "the currency is not VND", line)


def _refuse(finding: Finding) -> NoReturn:
    raise RefusedFile(finding.code, finding.what, _CUT_OR_ALTERED, line=finding.line, en=finding.en)
