"""Reading pain.002 (customer payment status report) and camt.029 (resolution of investigation).

Any ISO version from .03, any dialect. The two say the same kind of thing in other words: what
became of a payment, what became of asking it back. Status stands on three levels (file, batch,
transaction); each is optional and none implies another, so each is handed on as it came. Every
transaction of every batch is read.

Source: ISO 20022 CustomerPaymentStatusReport (pain.002), message definitions .03 to .15, and
ResolutionOfInvestigation (camt.029), .03 to .13.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from bank_adapters.camtentry import amount_text
from bank_adapters.contract import Level, Source
from bank_adapters.spool import Spool, View
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
    opened_answer,
    refuse,
    text_at,
    walk,
)

NO_ID = frozenset({"NOTPROVIDED", "NOT PROVIDED", ""})
"""How banks write that there was no id; kept as written, for the caller to judge."""

_Declared = tuple[str, int, int]
"""Status, count, line."""


class Words(NamedTuple):
    """How a kind of message names what both have."""

    kind: str
    root: re.Pattern[str]
    head: str
    """The element with id and time of the message."""
    head_id: str
    status: tuple[str, str, str]
    """Status of the file, of a batch, of a transaction."""
    why: str
    declared: str
    refused: str
    """The status that says no."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Elements to look at when they are complete; the first is emptied after it."""
        names = ("TxInfAndSts", "OrgnlPmtInfAndSts", "OrgnlGrpInfAndSts", self.head)
        whole = ("Sts", "RslvdCase") if self.kind == "camt.029" else ()
        return tuple(f"{{*}}{name}" for name in (*names, *whole))


_PAIN_002 = Words(
    "pain.002", re.compile(r"CstmrPmtStsRpt|pain\.002\.001\.02"), "GrpHdr", "MsgId",
    ("GrpSts", "PmtInfSts", "TxSts"), "StsRsnInf", "NbOfTxsPerSts", "RJCT",
)  # fmt: skip
_CAMT_029 = Words(
    "camt.029", re.compile(r"RsltnOfInvstgtn"), "Assgnmt", "Id",
    ("GrpCxlSts", "PmtInfCxlSts", "TxCxlSts"), "CxlStsRsnInf", "NbOfTxsPerCxlSts", "RJCR",
)  # fmt: skip


class RawStatus(NamedTuple):
    """One status as the file has it."""

    level: Level
    original_msg_id: str
    payment_info_id: str | None
    end_to_end_id: str | None
    instr_id: str | None
    status: str | None
    reasons: tuple[str, ...]
    text: str
    amount: str | None
    currency: str | None
    line: int


@dataclass(frozen=True, slots=True)
class StatusFile:
    """A whole pain.002 or camt.029; findings are empty where everything adds up."""

    version: str
    message_id: str
    created_at: str
    original_message_id: str | None
    items: View[RawStatus]
    findings: tuple[Finding, ...]
    group_status: str | None = None
    """Status of the file as a whole, None where it gives none; of a camt.029 also `Sts`."""
    batches: tuple[tuple[str | None, str, tuple[str, ...]], ...] = ()
    """Every OrgnlPmtInfAndSts: id, status ('' where none), reason codes."""
    case_id: str = ""
    """RslvdCase of a camt.029: the request that it answers."""


def read_pain002(
    source: Source,
    *,
    most_bytes: int = MOST_BYTES,
    validate: bool = False,
    within: int | None = None,
) -> StatusFile:
    """Read a pain.002 whole, in constant memory.

    Raises RefusedFile where the bytes are no well-formed pain.002 or an amount cannot be read;
    counts that do not agree are in `findings`, and with `validate` that the file is against the
    schema of its version (`schema`); `within` holds only so many bytes of each document to it.
    """
    return _read(_PAIN_002, source, most_bytes, validate=validate, within=within)


def read_camt029(source: Source, *, most_bytes: int = MOST_BYTES) -> StatusFile:
    """Read a camt.029 whole, in constant memory; `Sts` of the case stands as its file status.

    Status codes are those of the message: ACCR, RJCR, PDCR, PACR, of the case CNCL and others. No
    package that may be pinned carries its schema. Raises RefusedFile as `read_pain002`.
    """
    return _read(_CAMT_029, source, most_bytes)


def _read(
    words: Words,
    source: Source,
    most_bytes: int,
    *,
    validate: bool = False,
    within: int | None = None,
) -> StatusFile:
    reader = _Reader(words)
    with opened_answer(source, most_bytes) as stream:
        for place in documents(stream):
            part = Part(stream, *place)
            walk(part, words.tags, reader.event)
            if validate and (found := against_schema(part, within)):
                reader.findings.append(found)
    return reader.result()


class _Reader:
    def __init__(self, words: Words) -> None:
        self.words = words
        self.names = Names()
        self.case_id = self.case_status = ""
        self.version = ""
        self.heads: list[tuple[str, str]] = []
        self.originals: list[str] = []
        self.spool: Spool[RawStatus] = Spool()
        self.findings: list[Finding] = []
        self.batch_open = False
        self.batch_status = ""
        self.batch_id: str | None = None
        self.group_status: str | None = None
        self.batches: list[tuple[str | None, str, tuple[str, ...]]] = []
        self.whole = False
        """Whether a file or batch was rejected without listing its members."""
        self.group_declared: list[_Declared] = []
        self.listed = Counter[str]()
        self.batch_listed = Counter[str]()

    def event(self, element: Element) -> None:
        """Take the end of an element that the words name."""
        name = self.names[element.tag]
        parent = element.getparent()
        if name == "TxInfAndSts":
            self._transaction(element, parent)
        elif name == "OrgnlPmtInfAndSts":
            self._open_batch(element)
            alone = not self.batch_listed
            self.whole |= alone and self.batch_status == self.words.refused
            self._compare(self._declared(element), self.batch_listed, whole=self.whole and alone)
            self.batch_open, self.batch_status = False, ""
            self.batch_listed.clear()
        elif name == "OrgnlGrpInfAndSts":
            self._group(element)
        elif parent is not None and self.words.root.search(self.names[parent.tag]):
            self._top(element, name)

    def _top(self, element: Element, name: str) -> None:
        """Take what stands once in a message: its head, the case it closes and how."""
        if name == "RslvdCase":
            self.case_id = text_at(element, self.names, "Id")
        elif name == "Sts":
            self.case_status = _status(element)
        else:
            kind = re.escape(self.words.kind)
            found = re.search(rf"{kind}\.001\.\d\d", str(element.tag))
            self.version = self.version or (found[0] if found else self.words.kind)
            at = (text_at(element, self.names, n) for n in (self.words.head_id, "CreDtTm"))
            self.heads.append((next(at), next(at)))

    def result(self) -> StatusFile:
        """Return what was read; a file that reports on nothing is refused."""
        kind, head = self.words.kind, self.words.head
        if not (self.originals or len(self.spool) or self.case_status):
            refuse(
                "no_status",
                f"tệp không phải báo cáo trạng thái {kind}",
                f"the file holds no {kind} status report",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )
        self._close_group()
        if not self.heads:
            self._find("no_header", f"thiếu phần đầu {head}", f"{head} is missing", 0)
        message_id, created = self.heads[0] if self.heads else ("", "")
        return StatusFile(
            self.version,
            message_id,
            created,
            next((original for original in self.originals if original), None),
            self.spool.view(RawStatus._make),
            tuple(self.findings),
            self.case_status or self.group_status,
            tuple(self.batches),
            self.case_id,
        )

    def _group(self, element: Element) -> None:
        self.originals.append(text_at(element, self.names, "OrgnlMsgId"))
        self._close_group()
        children, why = self._children(element)
        status = _status(children.get(self.words.status[0]))
        self.whole = status == self.words.refused
        self.group_status = self.group_status or status or None
        reasons, text = self._reasons(why)
        if status or reasons:
            self._add("file", None, element, status, reasons, text)
        self.group_declared = self._declared(element)

    def _open_batch(self, element: Element) -> None:
        """Hand on the batch's own status before its transactions, as far as the file gives it."""
        if self.batch_open:
            return
        self.batch_open = True
        self.batch_id = text_at(element, self.names, "OrgnlPmtInfId") or None
        children, why = self._children(element)
        self.batch_status = _status(children.get(self.words.status[1]))
        if original := text_at(element, self.names, "OrgnlGrpInf", "OrgnlMsgId"):
            self.originals.append(original)  # a camt.029 need not have a group of its own
        reasons, text = self._reasons(why)
        self.batches.append((self.batch_id, self.batch_status, reasons))
        if self.batch_status or reasons:
            self._add("batch", self.batch_id, element, self.batch_status, reasons, text)

    def _transaction(self, element: Element, parent: Element | None) -> None:
        batch = None
        if parent is not None and self.names[parent.tag] == "OrgnlPmtInfAndSts":
            self._open_batch(parent)
            batch = self.batch_id
        children, why = self._children(element)
        status = _status(children.get(self.words.status[2]))
        group = children.get("OrgnlGrpInf")
        if group is not None and (own := text_at(group, self.names, "OrgnlMsgId")):
            self.originals.append(own)
        self.listed[status] += 1
        self.batch_listed[status] += 1
        reasons, text = self._reasons(why)
        original = children.get("OrgnlTxRef")
        amount = children.get("OrgnlInstdAmt")
        if amount is None and original is not None:
            amount = down(original, self.names, "Amt", "InstdAmt")
        self._add(
            "transaction",
            batch or _id(children.get("OrgnlPmtInfId")),
            element,
            status,
            reasons,
            text,
            _id(children.get("OrgnlEndToEndId")),
            _id(children.get("OrgnlInstrId")),
            amount,
        )

    def _add(
        self,
        level: Level,
        batch: str | None,
        element: Element,
        status: str,
        reasons: tuple[str, ...],
        text: str,
        end_to_end: str | None = None,
        instr: str | None = None,
        amount: Element | None = None,
    ) -> None:
        self.spool.append(
            (
                level,
                self.originals[-1] if self.originals else "",
                batch,
                end_to_end,
                instr,
                status or None,
                reasons,
                text,
                amount_text(amount) if amount is not None else None,
                amount.get("Ccy") if amount is not None else None,
                line_of(element),
            )
        )

    def _children(self, element: Element) -> tuple[dict[str, Element], list[Element]]:
        """Return the first child of each name, and all that say why; one walk."""
        children: dict[str, Element] = {}
        why: list[Element] = []
        for child in element:
            name = self.names[child.tag]
            if name == self.words.why:
                why.append(child)
            else:
                children.setdefault(name, child)
        return children, why

    def _reasons(self, why: list[Element]) -> tuple[tuple[str, ...], str]:
        codes: list[str] = []
        words: list[str] = []
        for element in why:
            for child in element:
                name = self.names[child.tag]
                if name in {"Rsn", "StsRsn"}:
                    codes.append(_status(child))
                elif name == "AddtlInf":
                    words.append((child.text or "").strip())
        return tuple(code for code in codes if code), " ".join(word for word in words if word)

    def _declared(self, element: Element) -> list[_Declared]:
        """Read how many transactions have which status, where the bank says so."""
        declared: list[_Declared] = []
        for child in element:
            if self.names[child.tag] == self.words.declared:
                count = text_at(child, self.names, "DtldNbOfTxs")
                line = line_of(child)
                if count.isascii() and count.isdigit():
                    status = _status(down(child, self.names, "DtldSts"))
                    declared.append((status, int(count), line))
                else:
                    self._find("count", "số lượng không đọc được", "a count is no number", line)
        return declared

    def _compare(self, declared: list[_Declared], listed: Counter[str], *, whole: bool) -> None:
        """More listed than declared, or fewer rejects, means the file was altered or cut.

        Banks need not list what they accepted; and where a file or batch is rejected as a `whole`
        its members need not be listed.
        """
        for status, count, line in declared:
            found = listed[status]
            if found > count or (status == self.words.refused and found < count and not whole):
                self._find(
                    "count_differs",
                    f"ghi {count} khoản {status[:10]} nhưng liệt kê {found}",
                    f"declares {count} {status[:10]} and lists {found}",
                    line,
                )

    def _close_group(self) -> None:
        self._compare(self.group_declared, self.listed, whole=self.whole)
        self.group_declared, self.whole = [], False
        self.listed.clear()

    def _find(self, code: str, what: str, en: str, line: int) -> None:
        self.findings.append(Finding(code, what, en, line or None))


def _id(element: Element | None) -> str | None:
    return None if element is None else (element.text or "").strip() or None


def _status(element: Element | None) -> str:
    """Return the status, which stands as text or inside a child such as Cd."""
    if element is None:
        return ""
    text = (element.text or "").strip()
    if not text and len(element):
        text = (element[0].text or "").strip()
    return text
