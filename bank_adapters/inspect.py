"""What a bank's file says, and whether all of it was read: the account of one file for a person.

Reads camt.029/052/053/054, pain.002, MT940 and MT942 of any bank and currency. `complete` means
that everything in the bytes was read: a file whose own sums do not agree is complete, not balanced
and not importable. Nothing is guessed: what cannot be read is an error with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Literal

from bank_adapters.camt import CamtFile, read_camt
from bank_adapters.contract import RefusedFile, Source
from bank_adapters.mt940 import MtFile, looks_like_mt, read_mt
from bank_adapters.pain002 import StatusFile, read_camt029, read_pain002
from bank_adapters.xmlsource import MOST_BYTES, Finding, opened_answer, refuse

YesNo = Literal["yes", "no", "unknown"]

_HEAD = 1 << 16
_ROOT = re.compile(
    rb"<(?:[A-Za-z_][\w.-]*:)?(BkToCstmrAcctRpt|BkToCstmrStmt|BkToCstmrDbtCdtNtfctn|CstmrPmtStsRpt"
    rb"|pain\.002\.001\.02|CstmrCdtTrfInitn|CstmrPmtCxlReq|RsltnOfInvstgtn)(?:V\d\d)?[\s>/]"
)
_KINDS = {
    "BkToCstmrAcctRpt": "camt.052", "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054", "CstmrPmtStsRpt": "pain.002",
    "pain.002.001.02": "pain.002", "CstmrCdtTrfInitn": "pain.001",
    "CstmrPmtCxlReq": "camt.055", "RsltnOfInvstgtn": "camt.029",
}  # fmt: skip
_ANSWERS = frozenset({"camt.052", "camt.053", "camt.054"})
_SOFT = frozenset({"details_without_amount", "copy", "schema", "no_header", "interim_differs"})
"""Findings that leave the money right: a warning, no reason against taking the file."""
_DIGITS = 80
"""Digits that sums keep: none of an amount of 18 before and 17 behind the point is rounded."""
_CHAINED = frozenset({"camt.053", "mt940"})
"""Kinds whose statements follow one another; reports of one day may overlap."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What the readers have in common: a statement's figures."""

    id: str
    account: str | None
    currency: str | None
    entries: int
    credit: Mapping[str, Decimal]
    debit: Mapping[str, Decimal]
    opening: Decimal | None
    closing: Decimal | None
    difference: Decimal | None
    line: int


def inspect_answer(source: Source, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the account of a file, ready for JSON; amounts are decimal text.

    Keys: kind, version, complete, importable, statements, warnings, errors; for a pain.002 or a
    camt.029 also group_status, batches, transactions. Never raises for what the bytes hold.
    """
    out: dict[str, Any] = {
        "kind": "unknown", "version": "", "complete": False, "importable": False,
        "statements": [], "warnings": [], "errors": [],
    }  # fmt: skip
    try:
        with localcontext() as context:
            context.prec = _DIGITS
            _look(out, source, most_bytes)
    except RefusedFile as error:
        out["complete"] = False
        out["errors"].append({"line": error.line, "message": f"{error.what}. {error.do}"})
        if out["kind"] == "mt94x" and error.code == "no_statement":
            out["kind"] = "unknown"
    except OSError:
        out["complete"] = False
        told = "không mở được tệp; kiểm tra đường dẫn và quyền đọc"
        out["errors"].append({"line": None, "message": told})
    out["importable"] = bool(
        out["complete"]
        and not out["errors"]
        and all(s["balanced"] != "no" and s["continuous"] != "no" for s in out["statements"])
    )
    if out["kind"] == "mt94x":
        out["kind"] = "mt940"
    return out


def _look(out: dict[str, Any], source: Source, most_bytes: int) -> None:
    out["kind"] = kind = kind_of(source, most_bytes)
    if kind == "mt94x":
        _mt(out, read_mt(source, most_bytes=most_bytes, rows=False))
    elif kind in ("pain.002", "camt.029"):
        out |= {"group_status": None, "batches": [], "transactions": []}
        if kind == "pain.002":
            _pain(out, read_pain002(source, most_bytes=most_bytes, validate=True))
        else:
            _pain(out, read_camt029(source, most_bytes=most_bytes))
    elif kind in _ANSWERS:
        _camt(out, read_camt(source, most_bytes=most_bytes, validate=True))
    else:
        refuse(
            "outgoing",
            f"đây là {kind}, không phải tệp trả lời hay sao kê",
            f"{kind} is neither an answer nor a statement; see `disburse file inspect`",
            do="Xem bằng `disburse file inspect`.",
        )


def kind_of(source: Source, most_bytes: int = MOST_BYTES) -> str:
    """Return the kind of message by its first bytes; `mt94x` for SWIFT text. Raises RefusedFile."""
    with opened_answer(source, most_bytes) as stream:
        head = stream.read(_HEAD)
        body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not body:
            refuse("empty", "tệp rỗng", "the file is empty")
        if body[:1] != b"<":
            if looks_like_mt(head):
                return "mt94x"
            refuse(
                "not_an_answer",
                "tệp không phải XML ISO 20022, cũng không phải MT940/MT942",
                "neither ISO 20022 XML nor MT940/MT942",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )
        kept = head
        while (found := _ROOT.search(kept)) is None and (piece := stream.read(_HEAD)):
            kept = kept[-64:] + piece
    if found is None:
        refuse(
            "not_an_answer",
            "tệp XML không chứa thông điệp ISO 20022 nào đọc được ở đây",
            "no ISO 20022 message that is read here",
            do="Hãy kiểm tra đã chọn đúng tệp.",
        )
    return _KINDS[found[1].decode()]


def _mt(out: dict[str, Any], file: MtFile) -> None:
    out["kind"] = file.kind
    out["complete"] = not file.errors
    _tell(out, file.warnings, soft=True)
    _tell(out, (*file.errors, *file.findings))
    _statements(
        out,
        [
            _Read(s.id, s.account, s.currency, s.bookings, s.credit, s.debit, s.opening, s.closing,
                  s.difference, s.line)
            for s in file.statements
        ],
    )  # fmt: skip


def _camt(out: dict[str, Any], file: CamtFile) -> None:
    out["version"], out["complete"] = file.version, True
    _tell(out, file.findings)
    read = []
    for s in file.statements:
        # A balance of the day closes nothing.
        closing, difference = (None, None) if s.interim else (s.closing, s.difference)
        read.append(
            _Read(s.id, s.account, s.currency, s.bookings, s.credit, s.debit, s.opening, closing,
                  difference, s.line)
        )  # fmt: skip
    _statements(out, read)


def _pain(out: dict[str, Any], file: StatusFile) -> None:
    out["version"], out["complete"] = file.version, True
    _tell(out, file.findings)
    out["group_status"] = file.group_status
    out["batches"] = [
        {"id": batch, "status": status or None, "reasons": list(reasons)}
        for batch, status, reasons in file.batches
    ]
    out["transactions"] = [
        {
            "end_to_end_id": item.end_to_end_id, "instruction_id": item.instr_id,
            "status": item.status, "reasons": list(item.reasons),
        }
        for item in file.items
        if item.level == "transaction"
    ]  # fmt: skip


def _tell(out: dict[str, Any], found: Iterable[Finding], *, soft: bool = False) -> None:
    """Sort findings: those that keep a file from being taken are errors, the others warnings."""
    for finding in found:
        if soft or finding.code in _SOFT:
            where = f"dòng {finding.line}: " if finding.line else ""
            out["warnings"].append(f"{where}{finding.what}")
        else:
            out["errors"].append({"line": finding.line, "message": finding.what})


def _statements(out: dict[str, Any], read: Sequence[_Read]) -> None:
    before: dict[tuple[str | None, str | None], Decimal | None] = {}
    """Last closing of each account in each currency; one number may hold several."""
    for one in read:
        balanced: YesNo = "unknown"
        if one.difference is not None:
            balanced = "no" if one.difference else "yes"
        continuous: YesNo = "unknown"
        key = one.account, one.currency
        last = before.get(key)
        if out["kind"] in _CHAINED and last is not None and one.opening is not None:
            continuous = "yes" if last == one.opening else "no"
            if continuous == "no":
                told = f"sao kê không nối tiếp sao kê trước: đầu kỳ {one.opening:f}, trước đó cuối "
                out["errors"].append({"line": one.line, "message": f"{told}kỳ {last:f}"})
        before[key] = one.closing
        out["statements"].append(
            {
                "id": one.id, "account": one.account, "currency": one.currency,
                "entries": one.entries, "credits": _sums(one.credit), "debits": _sums(one.debit),
                "opening": _text(one.opening), "closing": _text(one.closing),
                "balanced": balanced, "difference": _text(one.difference),
                "continuous": continuous,
            }
        )  # fmt: skip


def _sums(by_currency: Mapping[str, Decimal]) -> str:
    """Write sums: one amount, or `EUR=29.06|USD=40.00` where there are several currencies."""
    if len(by_currency) > 1:
        return "|".join(f"{code}={amount:f}" for code, amount in sorted(by_currency.items()))
    return f"{next(iter(by_currency.values())):f}" if by_currency else "0"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
