"""Looking into a pain.001 (customer credit transfer initiation): what it says, whether it adds up.

For people who hold such a file and must know what it is; what leaves is written by pain001.py and
never read back by this. Any version, constant memory, nothing resolved or recovered. No name or
account of a payee is kept.

Source: ISO 20022 CustomerCreditTransferInitiation (pain.001), message definitions .03 to .12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bank_adapters.answers import CURRENCY, whole_vnd
from bank_adapters.camtentry import account_id, amount_text
from bank_adapters.contract import MissingXsd, Source
from bank_adapters.pain002 import NO_ID
from bank_adapters.xmlsource import (
    MOST_BYTES,
    Element,
    Finding,
    Names,
    Part,
    against_schema,
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
_SUM = re.compile(r"[0-9]{1,18}(\.[0-9]{1,17})?")
_MOST_FINDINGS = 20
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
class Batch:
    """One PmtInf: what it says in its head and what its transfers add up to, by currency.

    `count_declared` and `sum_declared` as written, '' where left out.
    """

    id: str
    account: str
    execution_date: str
    count: int
    sums: Mapping[str, Decimal]
    count_declared: str
    sum_declared: str

    @property
    def total(self) -> Decimal:
        """The sum over all currencies, which is what CtrlSum is by the standard."""
        return sum(self.sums.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class OrdersFile:
    """A whole pain.001; count and total are those of its rows.

    `total_vnd` is None where another currency or a fraction occurs. `valid`: satisfies the schema
    of its version; None where that schema is not installed. `duplicates`: end-to-end ids that stand
    in a second transfer. `findings`: what does not add up, in the order of the file.
    """

    version: str
    message_id: str
    created_at: str
    count: int
    total_vnd: int | None
    debtors: tuple[Debtor, ...]
    valid: bool | None
    warnings: tuple[str, ...]
    batches: tuple[Batch, ...] = ()
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    count_declared: str = ""
    sum_declared: str = ""
    duplicates: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def is_orders(source: Source) -> bool:
    """Tell whether the first message element is that of a pain.001."""
    with opened(source) as stream:
        return _MARK.search(stream.read(_LOOK)) is not None


def read_orders(source: Source, *, most_bytes: int = MOST_BYTES) -> OrdersFile:
    """Read a pain.001 in VND whole. Raises RefusedFile with the line where it does not add up."""
    return _read(source, most_bytes, strict=True)


def look_orders(source: Source, *, most_bytes: int = MOST_BYTES) -> OrdersFile:
    """Read a pain.001 of any currency whole; what does not add up is a finding.

    Raises RefusedFile only for what cannot be read.
    """
    return _read(source, most_bytes, strict=False)


def _read(source: Source, most_bytes: int, *, strict: bool) -> OrdersFile:
    reader, warnings = _Reader(strict=strict), []
    versions = []
    with opened(source, most_bytes) as stream:
        for place in documents(stream):
            part = Part(stream, *place)
            versions.append(part.version())
            walk(part, _TAGS, reader.event)
            if found := against_schema(part):
                warnings.append(found.what)
    reader.finish()
    known = all(installed(v) for v in versions)
    count_declared, sum_declared, _ = reader.heads[0] if reader.heads else ("", "", 0)
    return OrdersFile(
        versions[0] or "pain.001",
        reader.message_id,
        reader.created_at,
        reader.count,
        reader.total_vnd(),
        tuple(reader.debtors),
        not warnings if known else None,
        tuple(warnings),
        tuple(reader.batches),
        reader.sums,
        count_declared,
        sum_declared,
        tuple(reader.duplicates),
        tuple(reader.findings),
    )


def installed(version: str) -> bool:
    """Tell whether a file of this message version can be held to its schema here."""
    try:
        load(version)
    except MissingXsd:
        return False
    return True


class _Reader:
    def __init__(self, *, strict: bool) -> None:
        self.names = Names()
        self._strict = strict
        self.message_id = self.created_at = ""
        self.heads: list[tuple[str, str, int]] = []
        self.count = self._own = 0
        """Transfers of the file, and of the open PmtInf."""
        self.sums: dict[str, Decimal] = {}
        self._own_sums: dict[str, Decimal] = {}
        self.batches: list[Batch] = []
        self.debtors: list[Debtor] = []
        self.duplicates: list[str] = []
        self.findings: list[Finding] = []
        self._seen: set[str] = set()

    def event(self, element: Element) -> None:
        """Take the end of an element that `_TAGS` names."""
        name = self.names[element.tag]
        if name == "CdtTrfTxInf":
            self._row(element)
        elif name == "PmtInf":
            self._debtor(element)
            self._batch(element)
            element.clear()
        else:
            self.message_id = self.message_id or text_at(element, self.names, "MsgId")
            self.created_at = self.created_at or text_at(element, self.names, "CreDtTm")
            self.heads.append((*self._head(element), line_of(element)))

    def finish(self) -> None:
        """Compare the whole with what the headers declare."""
        if not self.heads or not self.count:
            self._find(
                "no_orders", "tệp không có lệnh chi nào", "the file holds no credit transfer",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )  # fmt: skip
        if len(self.heads) == 1:
            self._declared(*self.heads[0], self.count, self.sums)

    def total_vnd(self) -> int | None:
        """Return the sum in đồng, None where it is none."""
        total = self.sums.get(CURRENCY, Decimal(0))
        if set(self.sums) - {CURRENCY} or total != total.to_integral_value():
            return None
        return int(total)

    def _find(
        self, code: str, what: str, en: str, line: int | None = None, do: str = _CHECK
    ) -> None:
        """Refuse, or where the file is only looked into keep the finding."""
        if self._strict:
            refuse(code, what, en, line=line, do=do)
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(code, what, en, line))

    def _head(self, element: Element) -> tuple[str, str]:
        return (
            text_at(element, self.names, "NbOfTxs"),
            text_at(element, self.names, "CtrlSum"),
        )

    def _row(self, element: Element) -> None:
        names, line = self.names, line_of(element)
        amount = down(element, names, "Amt", "InstdAmt")
        if amount is None:
            amount = down(element, names, "Amt", "EqvtAmt", "Amt")
        self.count, self._own = self.count + 1, self._own + 1
        own = text_at(element, names, "PmtId", "EndToEndId")
        if own in self._seen and own not in NO_ID:
            self.duplicates.append(own)
        self._seen.add(own)
        if amount is None:
            self._find("no_amount", "một lệnh chi không có số tiền", "a transfer without an amount",
                       line)  # fmt: skip
            return
        currency = amount.get("Ccy") or "?"
        if self._strict:
            if currency != CURRENCY:
                self._find("currency", "tệp không phải tiền đồng (VND)", "the currency is not VND",
                           line)  # fmt: skip
            whole_vnd(amount_text(amount), line)
        value = Decimal(amount_text(amount))
        if not value:
            self._find("zero", "một lệnh chi có số tiền 0", "a transfer of nothing", line)
        for sums in (self.sums, self._own_sums):
            sums[currency] = sums.get(currency, Decimal(0)) + value

    def _batch(self, element: Element) -> None:
        count, total = self._head(element)
        self._declared(count, total, line_of(element), self._own, self._own_sums)
        account = down(element, self.names, "DbtrAcct")
        self.batches.append(
            Batch(
                text_at(element, self.names, "PmtInfId"),
                (account_id(account, self.names) or "") if account is not None else "",
                self._day(element), self._own, self._own_sums, count, total,
            )
        )  # fmt: skip
        self._own, self._own_sums = 0, {}

    def _declared(
        self, count: str, total: str, line: int, found: int, sums: Mapping[str, Decimal]
    ) -> None:
        """Find a count or sum that is wrong; the standard lets both be left out."""
        summed = sum(sums.values(), Decimal(0))
        wrong = count and (not _NUMBER.fullmatch(count) or int(count) != found)
        if wrong or (total and (not _SUM.fullmatch(total) or Decimal(total) != summed)):
            self._find(
                "totals_differ",
                f"phần đầu ghi {count or '?'} lệnh, tổng {total or '?'} nhưng các dòng cộng lại là "
                f"{found} lệnh, tổng {summed:f}",
                "rows do not add up to their header",
                line or None,
            )

    def _day(self, element: Element) -> str:
        day = down(element, self.names, "ReqdExctnDt")
        if day is None:
            return ""
        return ((day[0] if len(day) else day).text or "").strip()

    def _debtor(self, element: Element) -> None:
        names = self.names
        account = text_at(element, names, "DbtrAcct", "Id", "Othr", "Id")
        bank = ("DbtrAgt", "FinInstnId")
        made = Debtor(
            text_at(element, names, "Dbtr", "Nm"),
            text_at(element, names, *bank, "BICFI") or text_at(element, names, *bank, "BIC"),
            (account or text_at(element, names, "DbtrAcct", "Id", "IBAN"))[-4:],
            self._day(element)[:10],
        )
        if made not in self.debtors:
            self.debtors.append(made)
