"""One Ntry of a camt.05x: a single walk over its children, into one row per detail.

Element names from ISO 20022 camt.052/053/054 .01 to .14; where versions differ (TxDtls directly
under Ntry in .01, Sts as text until .06, charges in three shapes) all forms are read.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from bank_adapters.xmlsource import Element, Names, line_of, refuse

_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,17})?|\.[0-9]{1,17}")
"""The decimals of XML Schema without a sign or an exponent; ISO 20022 allows five of them."""
NO_ID = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAVAILABLE", ""})
_RETURNED = "RRTN"
"""Bank transaction sub-family "reversal due to payment return" (ISO 20022 BankTransactionCode)."""


class RawEntry(NamedTuple):
    """One movement as the file has it; see contract.Entry for the meaning of each field."""

    n: int
    booking_n: int
    """Number of the Ntry this belongs to; several entries share it where it has details."""
    details: int
    """How many entries this Ntry came as."""
    batch_count: int | None
    side: str
    amount: str
    currency: str
    status: str
    booking_date: str | None
    acct_svcr_ref: str | None
    end_to_end_id: str | None
    instr_id: str | None
    tx_id: str | None
    payment_info_id: str | None
    message_id: str | None
    is_return: bool
    reversal: bool
    reason_code: str | None
    charges: str
    text: str
    counterparty: str | None
    line: int


class Booking:
    """What one Ntry says, before it is cut into entries."""

    # Class attributes are the defaults, so that a new object costs only what its file says.
    amount: str = ""
    currency: str = ""
    side: str = ""
    status: str = ""
    text: str = ""
    charges: str = ""
    date: str | None = None
    ref: str | None = None
    returned: bool = False
    reversal: bool = False
    batch: tuple[str | None, str | None, int | None] = (None, None, None)
    """MsgId, PmtInfId and NbOfTxs of Btch."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.details: list[Detail] = []


class Detail:
    """What one TxDtls says."""

    amount: tuple[tuple[str, str], ...] = ()
    """Candidates (amount, currency), best first."""
    side: str = ""
    charges: str = ""
    text: str = ""
    e2e: str | None = None
    instr: str | None = None
    tx: str | None = None
    ref: str | None = None
    pmtinf: str | None = None
    msg: str | None = None
    reason: str | None = None
    creditor: str | None = None
    debtor: str | None = None
    returned: bool = False


def read_booking(ntry: Element, names: Names) -> Booking:
    """Read one Ntry. Raises RefusedFile where amount or side cannot be read."""
    booking = Booking(line_of(ntry))
    for child in ntry:
        name = names[child.tag]
        if name == "Amt":
            booking.amount = amount_text(child)
            booking.currency = child.get("Ccy") or ""
        elif name == "CdtDbtInd":
            booking.side = _plain(child)
        elif name == "Sts":
            booking.status = _plain(child) or _first_leaf(child)
        elif name == "BookgDt":
            booking.date = _first_leaf(child)
        elif name == "NtryDtls":
            _entry_details(booking, child, names)
        elif name == "AcctSvcrRef":
            booking.ref = _id(child)
        elif name == "BkTxCd":
            # Money that comes back to the payer is a credit; debits are the bulk of a statement.
            booking.returned = booking.side != "DBIT" and _sub_family(child, names) == _RETURNED
        elif name == "RvslInd":
            booking.reversal = _plain(child) in {"true", "1"}
        elif name == "AddtlNtryInf":
            booking.text = _plain(child)
        elif name == "Chrgs":
            booking.charges = _add(booking.charges, _charges(child, names))
        elif name == "TxDtls":
            booking.details.append(_detail(child, names))
        elif name == "Btch":
            booking.batch = _batch(child, names)
    if not booking.amount or booking.side not in {"CRDT", "DBIT"}:
        refuse(
            "entry_unreadable",
            "một dòng sao kê thiếu số tiền hoặc chiều ghi nợ/có",
            "an entry has no amount or no side",
            line=booking.line,
        )
    return booking


def amount_text(element: Element) -> str:
    """Return the amount as decimal text; the grammar is closed (F21). Raises RefusedFile."""
    text = (element.text or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 18 and not len(element):
        return text
    if not _AMOUNT.fullmatch(text) or len(element):
        refuse(
            "amount",
            "số tiền không đúng dạng (chỉ nhận chữ số và một dấu chấm thập phân)",
            "an amount is not plain decimal text",
            line=line_of(element),
        )
    return f"0{text}" if text[0] == "." else text


def account_id(account: Element, names: Names) -> str | None:
    """Return the identifier inside an account: IBAN, BBAN, or any other Id."""
    for holder in account:
        if names[holder.tag] == "Id":
            leaf = _first_leaf(holder)
            return leaf or _plain(holder) or None
    return None


def _entry_details(booking: Booking, details: Element, names: Names) -> None:
    for child in details:
        name = names[child.tag]
        if name == "TxDtls":
            booking.details.append(_detail(child, names))
        elif name == "Btch":
            booking.batch = _batch(child, names)


def _detail(element: Element, names: Names) -> Detail:
    detail = Detail()
    for child in element:
        name = names[child.tag]
        if name == "Refs":
            _references(detail, child, names)
        elif name == "Amt":
            detail.amount = ((amount_text(child), child.get("Ccy") or ""), *detail.amount)
        elif name == "CdtDbtInd":
            detail.side = _plain(child)
        elif name == "AmtDtls":
            _amounts(detail, child, names)
        elif name == "RltdPties":
            _parties(detail, child, names)
        elif name == "RmtInf":
            detail.text = _remittance(child, names)
        elif name == "RtrInf":
            detail.returned = True
            detail.reason = _return_reason(child, names)
        elif name == "BkTxCd":
            detail.returned = detail.returned or _sub_family(child, names) == _RETURNED
        elif name == "Chrgs":
            detail.charges = _add(detail.charges, _charges(child, names))
        elif name == "AddtlTxInf":
            detail.text = detail.text or _plain(child)
    return detail


def _references(detail: Detail, refs: Element, names: Names) -> None:
    for child in refs:
        name = names[child.tag]
        if name == "EndToEndId":
            detail.e2e = _id(child)
        elif name == "InstrId":
            detail.instr = _id(child)
        elif name == "AcctSvcrRef":
            detail.ref = _id(child)
        elif name == "PmtInfId":
            detail.pmtinf = _id(child)
        elif name == "MsgId":
            detail.msg = _id(child)
        elif name == "TxId":
            detail.tx = _id(child)


def _amounts(detail: Detail, element: Element, names: Names) -> None:
    """Collect TxAmt, then InstdAmt; the caller takes the one in the entry's currency."""
    for wanted in ("TxAmt", "InstdAmt"):
        for child in element:
            if names[child.tag] == wanted:
                for leaf in child:
                    if names[leaf.tag] == "Amt":
                        detail.amount += ((amount_text(leaf), leaf.get("Ccy") or ""),)


def _parties(detail: Detail, parties: Element, names: Names) -> None:
    for child in parties:
        name = names[child.tag]
        if name == "CdtrAcct":
            detail.creditor = account_id(child, names)
        elif name == "DbtrAcct":
            detail.debtor = account_id(child, names)


def _remittance(element: Element, names: Names) -> str:
    lines = [child.text.strip() for child in element if names[child.tag] == "Ustrd" and child.text]
    if not lines:
        lines = [_plain(leaf) for leaf in element.iter() if names[leaf.tag] == "Ref"]
    return " ".join(lines)


def _return_reason(element: Element, names: Names) -> str | None:
    for child in element:
        if names[child.tag] in {"Rsn", "RtrRsn"}:
            return _first_leaf(child) or _plain(child) or None
    return None


def _sub_family(element: Element, names: Names) -> str:
    for leaf in element.iter():
        if names[leaf.tag] == "SubFmlyCd":
            return _plain(leaf)
    return ""


def _charges(element: Element, names: Names) -> str:
    """Return the sum of one Chrgs element: its total, or its records."""
    total = ""
    for child in element:
        name = names[child.tag]
        if name == "TtlChrgsAndTaxAmt":
            return amount_text(child)
        if name == "Amt":
            total = _add(total, amount_text(child))
        elif name == "Rcrd":
            for leaf in child:
                if names[leaf.tag] == "Amt":
                    total = _add(total, amount_text(leaf))
    return total


def _batch(element: Element, names: Names) -> tuple[str | None, str | None, int | None]:
    values = {names[child.tag]: _plain(child) for child in element}
    count = values.get("NbOfTxs", "")
    return (
        values.get("MsgId") or None,
        values.get("PmtInfId") or None,
        int(count) if count.isascii() and count.isdigit() and len(count) <= 15 else None,
    )


def _add(left: str, right: str) -> str:
    if not left or not right:
        return left or right
    return str(Decimal(left) + Decimal(right))


def _plain(element: Element) -> str:
    return (element.text or "").strip()


def _id(element: Element) -> str | None:
    text = (element.text or "").strip()
    return None if text in NO_ID else text


def _first_leaf(element: Element) -> str:
    """Return the text of the first element below that has any: Cd, Prtry, Dt, DtTm, IBAN."""
    first = element
    while len(first):
        first = first[0]
    text = (first.text or "").strip()
    if text and first is not element:
        return text
    for leaf in element.iterdescendants():
        text = (leaf.text or "").strip()
        if text:
            return text
    return ""
