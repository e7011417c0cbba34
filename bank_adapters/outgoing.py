"""What an outgoing file says, and whether it is whole and sound: for a person, before it is sent.

Reads pain.001 and camt.055 of any version, bank and currency, and tables of our profiles (MB, Mẫu
09, cash desk, CSV, fixed width). `complete`: everything in the bytes was read. `importable`: it is
sound too: counts and sums agree, no id stands twice, the schema (where there is one) is satisfied.
No name or account of a payee is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from bank_adapters.contract import RefusedFile
from bank_adapters.orders import OrdersFile, look_orders
from bank_adapters.sheets.profile import SheetProfile
from bank_adapters.sheets.readback import profile_of, read_sheet
from bank_adapters.xmlsource import (
    MOST_BYTES,
    Element,
    Finding,
    Names,
    Part,
    documents,
    down,
    line_of,
    opened,
    text_at,
    walk,
)

KINDS = ("pain.001", "camt.055", "sheet")
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(CstmrCdtTrfInitn|CstmrPmtCxlReq)[\s>/]")
_LOOK = 1 << 16
_NUMBER = re.compile(r"[0-9]{1,15}")
_SUM = re.compile(r"[0-9]{1,18}(\.[0-9]{1,17})?")


def outgoing_kind(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return pain.001, camt.055 or sheet; '' for what is none of them. Raises RefusedFile."""
    with opened(path, most_bytes) as stream:
        head = stream.read(_LOOK)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        found = _ROOT.search(head)
        if found is None:
            return ""
        return "pain.001" if found[1] == b"CstmrCdtTrfInitn" else "camt.055"
    return "sheet" if profile_of(path) is not None else ""


def inspect_outgoing(path: Path, kind: str, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the account of an outgoing file of a kind, ready for JSON; amounts are decimal text.

    Keys as `statement inspect` has them (kind, version, complete, importable, statements, warnings,
    errors; one statement per batch, its transfers as credits), with message_id, count_declared,
    sum_declared, valid, duplicates, entries and total_vnd; camt.055 also transactions. Never raises
    for what the bytes hold.
    """
    out: dict[str, Any] = {
        "kind": kind, "version": "", "complete": False, "importable": False, "message_id": "",
        "count_declared": None, "sum_declared": None, "valid": None, "statements": [],
        "duplicates": [], "warnings": [], "errors": [],
    }  # fmt: skip
    try:
        if kind == "pain.001":
            _orders(out, look_orders(path, most_bytes=most_bytes))
        elif kind == "camt.055":
            _cancellation(out, path, most_bytes)
        else:
            profile = profile_of(path)
            if profile is not None:
                _sheet(out, path, profile)
        out["complete"] = True
    except RefusedFile as error:
        out["errors"].append({"line": error.line, "message": f"{error.what}. {error.do}"})
    if out["duplicates"]:
        out["errors"].append(
            {"line": None, "message": f"{len(out['duplicates'])} mã khoản chi bị trùng trong tệp"}
        )
    out["importable"] = out["complete"] and not out["errors"]
    out["entries"] = sum(s["entries"] for s in out["statements"])
    out["total_vnd"] = _dong(out["statements"])
    return out


def _dong(statements: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the sum in đồng, None where another currency or a fraction occurs."""
    if not statements or {s["currency"] for s in statements} != {"VND"}:
        return None
    total = sum((Decimal(s["credits"]) for s in statements), Decimal(0))
    return int(total) if total == total.to_integral_value() else None


def _orders(out: dict[str, Any], file: OrdersFile) -> None:
    out |= {
        "version": file.version, "message_id": file.message_id, "valid": file.valid,
        "count_declared": file.count_declared or None, "sum_declared": file.sum_declared or None,
        "duplicates": list(file.duplicates),
        "statements": [
            _statement(b.id, b.account, b.count, b.sums, b.count_declared, b.sum_declared)
            | {"execution_date": b.execution_date}
            for b in file.batches
        ],
    }  # fmt: skip
    _tell(out, file.findings)
    if file.valid is None:
        out["warnings"].append(f"not schema-validated: không có lược đồ {file.version}")
    out["errors"] += [{"line": None, "message": w} for w in file.warnings]
    if file.total_vnd is None:
        out["warnings"].append("không phải tiền đồng (VND) hoặc có phần lẻ")


def _statement(
    ident: str,
    account: str | None,
    count: int,
    sums: Mapping[str, Decimal],
    count_declared: str,
    sum_declared: str,
) -> dict[str, Any]:
    """Return one batch in the shape of a statement; no declaration to compare with: unknown."""
    total = sum(sums.values(), Decimal(0))
    difference = Decimal(sum_declared) - total if _SUM.fullmatch(sum_declared) else None
    wrong = bool(difference) or (count_declared not in ("", str(count)))
    declared = bool(count_declared or sum_declared)
    return {
        "id": ident, "account": account or None, "currency": "|".join(sorted(sums)) or None,
        "entries": count, "credits": _sums(sums), "debits": "0", "opening": None, "closing": None,
        "balanced": ("no" if wrong else "yes") if declared else "unknown",
        "difference": None if difference is None else f"{difference:f}", "continuous": "unknown",
        "count_declared": count_declared or None, "sum_declared": sum_declared or None,
    }  # fmt: skip


def _sums(by_currency: Mapping[str, Decimal]) -> str:
    if len(by_currency) > 1:
        return "|".join(f"{code}={amount:f}" for code, amount in sorted(by_currency.items()))
    return f"{next(iter(by_currency.values())):f}" if by_currency else "0"


def _tell(out: dict[str, Any], findings: tuple[Finding, ...]) -> None:
    out["errors"] += [{"line": f.line, "message": f.what} for f in findings]


# --- camt.055 -------------------------------------------------------------------------------------


class _Cancellation:
    def __init__(self) -> None:
        self.names = Names()
        self.message_id = self.count = self.total = ""
        self.transactions: list[dict[str, Any]] = []
        self.sums: dict[str, Decimal] = {}
        self.unreadable: list[int] = []

    def event(self, element: Element) -> None:
        name = self.names[element.tag]
        if name == "TxInf":
            self._row(element)
        elif name == "Assgnmt":
            self.message_id = self.message_id or text_at(element, self.names, "Id")
        else:
            self.count = text_at(element, self.names, "NbOfTxs")
            self.total = text_at(element, self.names, "CtrlSum")

    def _row(self, element: Element) -> None:
        names = self.names
        amount = down(element, names, "OrgnlInstdAmt")
        if amount is not None:
            text = (amount.text or "").strip()
            if not _SUM.fullmatch(text):
                self.unreadable.append(line_of(element))
                text = "0"
            currency = amount.get("Ccy") or "?"
            self.sums[currency] = self.sums.get(currency, Decimal(0)) + Decimal(text)
        reasons = [
            text_at(child, names, "Rsn", "Cd") or text_at(child, names, "Rsn", "Prtry")
            for child in element
            if names[child.tag] == "CxlRsnInf"
        ]
        self.transactions.append(
            {
                "end_to_end_id": text_at(element, names, "OrgnlEndToEndId") or None,
                "instruction_id": text_at(element, names, "OrgnlInstrId") or None,
                "reasons": [r for r in reasons if r],
            }
        )


def _cancellation(out: dict[str, Any], path: Path, most_bytes: int) -> None:
    reader = _Cancellation()
    tags = ("{*}TxInf", "{*}Assgnmt", "{*}CtrlData")
    with opened(path, most_bytes) as stream:
        for place in documents(stream):
            part = Part(stream, *place)
            out["version"] = out["version"] or part.version()
            walk(part, tags, reader.event)
    count = len(reader.transactions)
    ids = [t["end_to_end_id"] for t in reader.transactions if t["end_to_end_id"]]
    out |= {
        "message_id": reader.message_id, "transactions": reader.transactions,
        "count_declared": reader.count or None, "sum_declared": reader.total or None,
        "duplicates": sorted(i for i, n in Counter(ids).items() if n > 1),
    }  # fmt: skip
    out["warnings"].append(
        f"not schema-validated: không có lược đồ {out['version'] or 'camt.055'}, hãy đối chiếu "
        "với phiếu kiểm soát"
    )
    if not count:
        out["errors"].append({"line": None, "message": "không yêu cầu hủy khoản chi nào"})
        return
    statement = _statement(reader.message_id, None, count, reader.sums, reader.count, reader.total)
    out["statements"] = [statement]
    if statement["balanced"] == "no":
        out["errors"].append({"line": None, "message": "số khoản hoặc tổng tiền không khớp"})
    for line in reader.unreadable:
        out["errors"].append({"line": line, "message": "một số tiền không đọc được"})


# --- tables ---------------------------------------------------------------------------------------


def _sheet(out: dict[str, Any], path: Path, profile: SheetProfile) -> None:
    out["version"] = profile.key
    file = read_sheet(profile, path)
    declared, total = file.words.get("count", ""), file.words.get("total", "")
    out |= {
        "message_id": file.words.get("message_id", ""), "count_declared": declared or None,
        "sum_declared": total or None, "duplicates": list(file.duplicates),
        "statements": [
            _statement(
                file.words.get("message_id", ""), file.words.get("debtor_account"), file.count,
                {"VND": Decimal(file.total_vnd)}, declared, total,
            )
        ],
    }  # fmt: skip
    _tell(out, tuple(f for f in file.findings if f.code != "doubled"))
