"""Looking into a pain.001 (customer credit transfer initiation): what it says, whether it adds up.

For people who hold such a file and must know what it is; what leaves is written by pain001.py and
never read back by this. Any version, constant memory, nothing resolved or recovered. No name or
account of a payee is kept.

Source: ISO 20022 CustomerCreditTransferInitiation (pain.001), message definitions .03 to .12.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bank_adapters.answers import CURRENCY, whole_vnd
from bank_adapters.camtentry import amount_text
from bank_adapters.contract import MissingXsd, Source
from bank_adapters.xmlsource import (
    MOST_BYTES,
    Element,
    Names,
    Part,
    documents,
    down,
    line_of,
    opened,
    refuse,
    text_at,
    walk,
)
from bank_adapters.xsd import load

_TAGS = ("{*}CdtTrfTxInf", "{*}PmtInf", "{*}GrpHdr")
_MARK = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?CstmrCdtTrfInitn")
_NUMBER = re.compile(r"[0-9]{1,15}")
_LOOK = 1 << 16
_CHECK = "Không gửi tệp này; hãy lập lại hoặc lấy lại bản gốc."


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays, by the file: the organisation's name, its bank, the account's last four digits."""

    name: str
    bic: str
    account_last4: str
    execution_date: str


@dataclass(frozen=True, slots=True)
class OrdersFile:
    """A whole pain.001; count and total are those of its rows and agree with every header.

    `valid`: satisfies the schema of its version; None where that schema is not installed.
    """

    version: str
    message_id: str
    created_at: str
    count: int
    total_vnd: int
    debtors: tuple[Debtor, ...]
    valid: bool | None
    warnings: tuple[str, ...]


def is_orders(source: Source) -> bool:
    """Tell whether the first message element is that of a pain.001."""
    with opened(source) as stream:
        return _MARK.search(stream.read(_LOOK)) is not None


def read_orders(source: Source, *, most_bytes: int = MOST_BYTES) -> OrdersFile:
    """Read a pain.001 in VND whole. Raises RefusedFile with the line where it does not add up."""
    reader, warnings = _Reader(), []
    versions = []
    with opened(source, most_bytes) as stream:
        for start, end in documents(stream):
            part = Part(stream, start, end)
            versions.append(part.version())
            found = walk(part, _TAGS, reader.event, validate=True)
            if found is not None:
                warnings.append(found.what)
    reader.finish()
    known = all(installed(v) for v in versions)
    return OrdersFile(
        versions[0] or "pain.001",
        reader.message_id,
        reader.created_at,
        reader.count,
        reader.total,
        tuple(reader.debtors),
        not warnings if known else None,
        tuple(warnings),
    )


def installed(version: str) -> bool:
    """Tell whether a file of this message version can be held to its schema here."""
    try:
        load(version)
    except MissingXsd:
        return False
    return True


class _Reader:
    def __init__(self) -> None:
        self.names = Names()
        self.message_id = self.created_at = ""
        self.heads: list[tuple[str, str, int]] = []
        self.count = self.total = 0
        self.own = [0, 0]
        """Count and sum of the open PmtInf."""
        self.debtors: list[Debtor] = []

    def event(self, element: Element) -> None:
        """Take the end of an element that `_TAGS` names."""
        name = self.names[element.tag]
        if name == "CdtTrfTxInf":
            self._row(element)
        elif name == "PmtInf":
            self._agree(element, self.own[0], self.own[1])
            self.own = [0, 0]
            self._debtor(element)
            element.clear()
        else:
            self.message_id = self.message_id or text_at(element, self.names, "MsgId")
            self.created_at = self.created_at or text_at(element, self.names, "CreDtTm")
            sums = (
                text_at(element, self.names, "NbOfTxs"),
                text_at(element, self.names, "CtrlSum"),
            )
            self.heads.append((*sums, line_of(element)))

    def finish(self) -> None:
        """Compare the whole with what the headers declare."""
        if not self.heads or not self.count:
            refuse(
                "no_orders", "tệp không có lệnh chi nào", "the file holds no credit transfer",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )  # fmt: skip
        if len(self.heads) == 1:
            self._declared(*self.heads[0], self.count, self.total)

    def _row(self, element: Element) -> None:
        amount = down(element, self.names, "Amt", "InstdAmt")
        line = line_of(element)
        if amount is None:
            refuse("no_amount", "một lệnh chi không có số tiền", "a transfer without an amount",
                   line=line, do=_CHECK)  # fmt: skip
        if amount.get("Ccy") != CURRENCY:
            refuse("currency", "tệp không phải tiền đồng (VND)", "the currency is not VND",
                   line=line, do=_CHECK)  # fmt: skip
        vnd = whole_vnd(amount_text(amount), line)
        self.count, self.total = self.count + 1, self.total + vnd
        self.own = [self.own[0] + 1, self.own[1] + vnd]

    def _agree(self, element: Element, count: int, total: int) -> None:
        sums = (text_at(element, self.names, "NbOfTxs"), text_at(element, self.names, "CtrlSum"))
        self._declared(*sums, line_of(element), count, total)

    def _declared(self, count: str, total: str, line: int, found: int, summed: int) -> None:
        """Refuse a count or sum that is wrong; the standard lets both be left out."""
        wrong = count and (not _NUMBER.fullmatch(count) or int(count) != found)
        if wrong or (total and whole_vnd(total, line) != summed):
            refuse(
                "totals_differ",
                f"phần đầu ghi {count or '?'} lệnh, {total or '?'} đồng nhưng các dòng cộng lại là "
                f"{found} lệnh, {summed} đồng",
                "rows do not add up to their header",
                line=line or None,
                do=_CHECK,
            )

    def _debtor(self, element: Element) -> None:
        names = self.names
        day = down(element, names, "ReqdExctnDt")
        when = "" if day is None else (day.text or "").strip()
        if day is not None and len(day):
            when = (day[0].text or "").strip()
        account = text_at(element, names, "DbtrAcct", "Id", "Othr", "Id")
        bank = ("DbtrAgt", "FinInstnId")
        made = Debtor(
            text_at(element, names, "Dbtr", "Nm"),
            text_at(element, names, *bank, "BICFI") or text_at(element, names, *bank, "BIC"),
            (account or text_at(element, names, "DbtrAcct", "Id", "IBAN"))[-4:],
            when[:10],
        )
        if made not in self.debtors:
            self.debtors.append(made)
