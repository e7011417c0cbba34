"""Reading camt.052, camt.053 and camt.054, any ISO version from .01 to .14, in any currency.

This is the generic reader: it takes what real files hold (28 % of them are not schema-valid) and
says in `findings` what does not add up. `answers.py` is the strict layer for our own đồng
accounts, where any finding refuses the file. Amounts stay decimal text here; sums are Decimal.

Source: ISO 20022 Bank-to-Customer Cash Management (camt.052/053/054), message definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as _field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from bank_adapters.camtentry import (
    Booking,
    Detail,
    RawEntry,
    account_id,
    amount_text,
    read_booking,
)
from bank_adapters.camtshapes import Thinned
from bank_adapters.contract import AnswerKind, RefusedFile, Source
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

ICT = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh has had no other offset since 1975."""

_CONTAINERS: dict[str, AnswerKind] = {"Rpt": "camt.052", "Stmt": "camt.053", "Ntfctn": "camt.054"}
_ROOTS = {
    "BkToCstmrAcctRpt": "Rpt", "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn",
}  # fmt: skip
_TAGS = ("{*}Ntry", "{*}Rpt", "{*}Stmt", "{*}Ntfctn", "{*}GrpHdr")
_VERSION = re.compile(r"camt\.05[234]\.001\.\d\d")
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
_ODD_MIDNIGHT = re.compile(r"T00:00:00:0+\Z")
"""A midnight with a colon before the parts of a second, as some banks write it."""
_OPENING = ("OPBD", "PRCD")
_CLOSING = ("CLBD",)
_INTERIM = "ITBD"
_MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class RawStatement:
    """One Stmt, Rpt or Ntfctn. Balances are signed, None where not given."""

    id: str
    message_id: str
    sequence: int | None
    account: str | None = _field(repr=False)
    currency: str | None
    opening: Decimal | None
    closing: Decimal | None
    from_date: date | None
    to_date: date | None
    bookings: int
    """Ntry elements; `entries` counts their details."""
    credit: dict[str, Decimal]
    """Sum of all credit bookings by currency, whatever their status."""
    debit: dict[str, Decimal]
    booked_credit: Decimal
    """Sum of BOOK entries only."""
    booked_debit: Decimal
    entries: View[RawEntry]
    line: int
    mixed: bool = False
    """Whether opening and closing are in different currencies, so that nothing can be added up."""
    interim: bool = False
    """Whether `closing` is the balance in the course of the day (ITBD) and closes no page."""

    @property
    def difference(self) -> Decimal | None:
        """Opening + booked entries - closing: 0 where the statement balances."""
        if self.opening is None or self.closing is None or self.mixed:
            return None
        return self.opening + self.booked_credit - self.booked_debit - self.closing


@dataclass(frozen=True, slots=True)
class CamtFile:
    """A whole file; findings are empty where everything adds up."""

    kind: AnswerKind
    version: str
    message_id: str
    created_at: str
    messages: int
    statements: tuple[RawStatement, ...]
    findings: tuple[Finding, ...]


def read_camt(
    source: Source,
    *,
    most_bytes: int = MOST_BYTES,
    currency: str | None = None,
    validate: bool = False,
    within: int | None = None,
) -> CamtFile:
    """Read a camt.052/053/054 whole, in constant memory.

    With `currency` (one without a minor unit, such as VND) every amount in another currency and
    every fraction is a finding; whatever reads but does not add up is one too. Raises RefusedFile
    where the bytes are no well-formed camt or an amount or side cannot be read. With `validate` a
    file against the schema of its version has the finding `schema`; `within` holds only so many
    bytes of each document to it.
    """
    reader = _Reader(currency)
    with opened_answer(source, most_bytes) as stream:
        for place in documents(stream):
            part = Part(stream, *place)
            reader.thinned = Thinned(part)
            walk(reader.thinned, _TAGS, reader.event)
            if validate and (found := against_schema(part, within)):
                reader.findings.append(found)
    return reader.result()


class _Sums:
    """Running sums of the statement being read."""

    def __init__(self) -> None:
        self.spool: Spool[RawEntry] = Spool()
        self.bookings = self.entries = 0
        self.sums: dict[tuple[str, str, str], list[Decimal]] = {}
        """Count and sum by side, currency and status."""
        self.account: str | None = None

    def add(self, booking: Booking) -> None:
        """Count one booking."""
        self.bookings += 1
        key = (booking.side, booking.currency, booking.status)
        pair = self.sums.get(key)
        if pair is None:
            pair = self.sums[key] = [Decimal(0), Decimal(0)]
        pair[0] += 1
        pair[1] += Decimal(booking.amount)

    def by_currency(self, side: str, own: str) -> dict[str, Decimal]:
        """Sum of one side by currency; an amount that names none is in the account's `own`."""
        found: dict[str, Decimal] = {}
        for (which, named, _), (_, amount) in self.sums.items():
            if which == side:
                currency = named or own
                found[currency] = found.get(currency, Decimal(0)) + amount
        return found

    def total(self, side: str | None, *, booked_only: bool, what: int = 1) -> Decimal:
        """Sum (`what` 1) or count (`what` 0) over all currencies."""
        return sum(
            (
                pair[what]
                for (which, _, status), pair in self.sums.items()
                # A bank that gives no status at all reports what it has booked.
                if side in {None, which} and (status in {"BOOK", ""} or not booked_only)
            ),
            Decimal(0),
        )


class _Balance(NamedTuple):
    """A balance, signed."""

    amount: Decimal
    currency: str
    code: str


class _Reader:
    """Holds what is known so far; one walk over each Ntry."""

    def __init__(self, currency: str | None) -> None:
        self.currency = currency
        self.names = Names()
        self.kind: AnswerKind | None = None
        self.version = ""
        self.heads: list[tuple[str, str]] = []
        self.statements: list[RawStatement] = []
        self.findings: list[Finding] = []
        self.sums = _Sums()
        self.days: dict[str, str | None] = {}
        self.thinned: Thinned | None = None
        self.paged = False

    def event(self, element: Element) -> None:
        """Take the end of an element that `_TAGS` names."""
        name = self.names[element.tag]
        parent = element.getparent()
        if name == "Ntry":
            if parent is None or self.names[parent.tag] not in _CONTAINERS:
                refuse(
                    "entry_place",
                    "một dòng sao kê nằm ngoài sao kê",
                    "an entry outside of any statement",
                    line=line_of(element),
                )
            self._entry(element, parent)
        elif name == "GrpHdr":
            head = (
                text_at(element, self.names, "MsgId"),
                text_at(element, self.names, "CreDtTm"),
            )
            self.heads.append(head)
            if parent is not None:
                self._message(element, self.names[parent.tag])
            self._paging(down(element, self.names, "MsgPgntn"))
        elif parent is None or "Bk" in self.names[parent.tag]:
            self._container(element, _CONTAINERS[name])
        elif self.sums.entries:
            refuse(
                "statement_place",
                "một sao kê nằm ngoài thông điệp sao kê",
                "a statement outside of any message",
                line=line_of(element),
            )

    def _message(self, head: Element, root: str) -> None:
        """Note the kind by the message's own element, for a message without any statement."""
        for name, container in _ROOTS.items():
            if root.startswith(name):
                self.kind = self.kind or _CONTAINERS[container]
                found = _VERSION.search(str(head.tag))
                self.version = self.version or (found[0] if found else "")

    def result(self) -> CamtFile:
        """Return what was read; a file that holds no message is refused."""
        if self.kind is None:
            refuse(
                "no_statement",
                "tệp không có sao kê camt.052/053/054 nào",
                "the file holds no camt.052/053/054 statement",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )
        if not self.statements:
            self._find("no_statement", "thông điệp không có sao kê nào", "no statement in it")
        if not self.heads:
            self._find("no_header", "thiếu phần đầu GrpHdr", "GrpHdr is missing")
        message_id, created = self.heads[0] if self.heads else ("", "")
        return CamtFile(
            self.kind,
            self.version or self.kind,
            message_id,
            created,
            len(self.heads),
            tuple(self.statements),
            tuple(self.findings),
        )

    # --- entries

    def _entry(self, element: Element, container: Element) -> None:
        sums = self.sums
        if not sums.entries:
            own = down(container, self.names, "Acct")
            sums.account = account_id(own, self.names) if own is not None else None
        known = self.thinned.booking(element) if self.thinned is not None else None
        booking = known or read_booking(element, self.names)
        sums.add(booking)
        if self.currency is not None and booking.currency != self.currency:
            self._find("currency", "một dòng không phải tiền đồng", "other currency", booking.line)
        if booking.date:
            booking.date = self._day(booking.date, booking.line)
        details = booking.details
        if len(details) > 1:
            amounts = [_in_currency(detail, booking.currency) for detail in details]
            if None in amounts:
                self._note_missing(booking)
                details = []
            else:
                self._check_details(booking, [a for a in amounts if a is not None])
                for detail, amount in zip(details, amounts, strict=True):
                    self._row(booking, detail, amount or "", len(details))
                return
        elif details:
            single = _in_currency(details[0], booking.currency, direct=True)
            if single is not None and single != booking.amount:
                self._check_details(booking, [single])
        self._row(booking, details[0] if details else Detail(), booking.amount, 1)

    def _row(self, booking: Booking, detail: Detail, amount: str, of: int) -> None:
        sums = self.sums
        sums.entries += 1
        charges = detail.charges or (booking.charges if of == 1 else "")
        if self.currency is not None and ("." in amount or "." in charges):
            self._no_fraction(amount, charges, booking.line)
        batch = booking.batch
        side = detail.side if of > 1 and detail.side in {"CRDT", "DBIT"} else booking.side
        parties = (detail.creditor, detail.debtor)
        if side == "CRDT" and not detail.returned:
            parties = (detail.debtor, detail.creditor)
        theirs = next((p for p in parties if p and p != sums.account), None)
        count = len(booking.details) if of == 1 and len(booking.details) > 1 else batch[2]
        sums.spool.append(
            (
                sums.entries,
                sums.bookings,
                of,
                count,
                side,
                amount,
                booking.currency,
                booking.status,
                booking.date,
                detail.ref or booking.ref,
                detail.e2e,
                detail.instr,
                detail.tx,
                detail.pmtinf or batch[1],
                detail.msg or batch[0],
                detail.returned or booking.returned,
                booking.reversal,
                detail.reason,
                charges,
                detail.text or booking.text,
                theirs,
                booking.line,
            )
        )

    def _no_fraction(self, amount: str, charges: str, line: int) -> None:
        for text in (amount, charges):
            if text.partition(".")[2].strip("0"):
                self._find("fraction", "số tiền VND có phần lẻ", "a fraction of a đồng", line)

    def _note_missing(self, booking: Booking) -> None:
        self._find(
            "details_without_amount",
            "chi tiết của một bút toán gộp không có số tiền",
            "details of a batch booking carry no amount",
            booking.line,
        )

    def _check_details(self, booking: Booking, amounts: list[str]) -> None:
        """Details add up to their booking, plainly or with the charges the bank took."""
        total = Decimal(0)
        charged = Decimal(booking.charges or 0)
        for detail, amount in zip(booking.details, amounts, strict=True):
            other = detail.side in {"CRDT", "DBIT"} and detail.side != booking.side
            total += -Decimal(amount) if other else Decimal(amount)
            charged += Decimal(detail.charges or 0)
        if abs(total - Decimal(booking.amount)) not in {Decimal(0), charged}:
            self._find(
                "details_differ",
                "chi tiết không cộng đúng bằng số tiền của bút toán",
                "details do not add up to their booking",
                booking.line,
            )
        listed, declared = len(amounts), booking.batch[2]
        if declared is not None and declared != listed and listed > 1:
            self._find(
                "details_count",
                f"bút toán gộp ghi {declared} khoản nhưng liệt kê {listed}",
                f"a batch booking says {declared} members and lists {listed}",
                booking.line,
            )

    # --- statements

    def _container(self, element: Element, kind: AnswerKind) -> None:
        if self.kind is not None and kind != self.kind:
            refuse(
                "mixed_kinds", "tệp trộn nhiều loại sao kê", "several kinds of message in a file"
            )
        self.kind = kind
        found = _VERSION.search(str(element.tag))
        self.version = self.version or (found[0] if found else "")
        sums, names = self.sums, self.names
        line = line_of(element)
        own = down(element, names, "Acct")
        opening, closing = self._balances(element)
        currency = next((b.currency for b in (opening, closing) if b and b.currency), "")
        currency = (text_at(own, names, "Ccy") if own is not None else "") or currency
        sequence = text_at(element, names, "ElctrncSeqNb") or text_at(element, names, "LglSeqNb")
        for pages in ("StmtPgntn", "RptPgntn", "NtfctnPgntn"):
            self._paging(down(element, names, pages))
        self._summary(down(element, names, "TxsSummry"), line)
        period = down(element, names, "FrToDt")
        statement = RawStatement(
            text_at(element, names, "Id"),
            self.heads[-1][0] if self.heads else "",
            int(sequence) if sequence.isascii() and sequence.isdigit() else None,
            account_id(own, names) if own is not None else None,
            currency or None,
            opening.amount if opening else None,
            closing.amount if closing else None,
            self._period(period, "Fr"),
            self._period(period, "To"),
            sums.bookings,
            sums.by_currency("CRDT", currency),
            sums.by_currency("DBIT", currency),
            sums.total("CRDT", booked_only=True),
            sums.total("DBIT", booked_only=True),
            sums.spool.view(RawEntry._make),
            line,
            mixed=bool(opening and closing and opening.currency != closing.currency),
            interim=bool(closing and closing.code == _INTERIM and not self.paged),
        )
        if statement.mixed:
            self._find(
                "currencies_differ",
                "số dư đầu kỳ và cuối kỳ khác loại tiền",
                "opening and closing balance are in different currencies",
                line,
            )
        if statement.difference:
            # Entries may have come between the last one reported and a balance of the day.
            self._find(
                "interim_differs" if statement.interim else "balance_differs",
                f"số dư đầu kỳ cộng phát sinh lệch số dư cuối kỳ {statement.difference}",
                f"opening + entries - closing = {statement.difference}",
                line,
            )
        self.statements.append(statement)
        self.sums = _Sums()

    def _balances(self, element: Element) -> tuple[_Balance | None, _Balance | None]:
        """Return the booked balances at the start and the end, in one currency where it can be."""
        found: dict[str, list[_Balance]] = {}
        for child in element:
            if self.names[child.tag] == "Bal":
                code = text_at(child, self.names, "Tp", "CdOrPrtry", "Cd") or text_at(
                    child, self.names, "Tp", "Cd"
                )
                amount = down(child, self.names, "Amt")
                if amount is None:
                    continue
                signed = Decimal(amount_text(amount))
                if text_at(child, self.names, "CdtDbtInd") == "DBIT":
                    signed = -signed
                balance = _Balance(signed, amount.get("Ccy") or "", code)
                found.setdefault(code, []).append(balance)
        opening = next((found[code][0] for code in _OPENING if code in found), None)
        closings = [b for code in _CLOSING for b in found.get(code, ())]
        interim = found.get(_INTERIM, [])
        if opening is None and len(interim) + bool(closings) > 1:
            opening = interim[0]
        if not closings and interim and (opening is not interim[-1]):
            closings = interim
        same = [b for b in closings if opening is None or b.currency == opening.currency]
        return opening, next(reversed(same or closings), None)

    def _summary(self, element: Element | None, line: int) -> None:
        """Compare the totals the bank declares with what is there, all entries or booked ones."""
        if element is None:
            return
        for block, side in (
            ("TtlNtries", None),
            ("TtlCdtNtries", "CRDT"),
            ("TtlDbtNtries", "DBIT"),
        ):
            totals = down(element, self.names, block)
            if totals is None:
                continue
            count = text_at(totals, self.names, "NbOfNtries")
            real = {int(self.sums.total(side, booked_only=b, what=0)) for b in (True, False)}
            if count and not (count.isascii() and count.isdigit() and int(count[:20]) in real):
                self._find(
                    "count_differs",
                    f"{block} ghi {count[:20]} dòng nhưng tệp có {max(real)}",
                    f"{block} declares {count[:20]} entries, found {max(real)}",
                    line,
                )
            declared = down(totals, self.names, "Sum")
            sums = {self.sums.total(side, booked_only=b) for b in (True, False)}
            if declared is not None and _number(declared) not in sums:
                self._find(
                    "sum_differs",
                    f"{block} ghi tổng khác với các dòng cộng lại",
                    f"{block}/Sum differs from the entries",
                    line,
                )

    def _paging(self, pages: Element | None) -> None:
        if pages is None:
            return
        number = text_at(pages, self.names, "PgNb").lstrip("0")
        if number not in {"", "1"} or text_at(pages, self.names, "LastPgInd") in {"false", "0"}:
            self.paged = True
            self._find(
                "paged",
                "tệp chỉ là một trang của sao kê nhiều trang",
                "the file is one page of several",
                line_of(pages),
            )

    # --- days

    def _period(self, element: Element | None, end: str) -> date | None:
        if element is None:
            return None
        text = text_at(element, self.names, f"{end}Dt") or text_at(
            element, self.names, f"{end}DtTm"
        )
        day = self._day(text, line_of(element)) if text else None
        if day is None:
            return None
        if end == "To" and _is_midnight(text):
            return self._ends_with(element, date.fromisoformat(day))
        return date.fromisoformat(day)

    def _ends_with(self, element: Element, midnight: date) -> date:
        """Return the last day of a period up to a midnight: the one that begins is not in it.

        A period that begins and ends with the same midnight means its one day.
        """
        last = midnight - timedelta(days=1)
        first = self._period(element, "Fr")
        return last if first is None else max(first, last)

    def _day(self, text: str, line: int) -> str | None:
        """Return the day as ISO text; an instant with an offset counts in Asia/Ho_Chi_Minh."""
        if text not in self.days:
            self.days[text] = _as_day(text)
            if self.days[text] is None:
                self._find("date", "ngày không đọc được", "a date cannot be read", line)
        return self.days[text]

    def _find(self, code: str, what: str, en: str, line: int | None = None) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(code, what, en, line or None))


def _in_currency(detail: Detail, currency: str, *, direct: bool = False) -> str | None:
    """Return the amount in the booking's currency; `direct` looks at the first only."""
    for amount, code in detail.amount[:1] if direct else detail.amount:
        if code == currency:
            return amount
    return None


def _number(element: Element) -> Decimal | None:
    """Return a declared sum, None where it is no amount: it is compared and never booked."""
    try:
        return Decimal(amount_text(element))
    except RefusedFile:
        return None


def _is_midnight(text: str) -> bool:
    """Whether an instant that reads as a day is a midnight of Asia/Ho_Chi_Minh, or of no zone."""
    if "T" not in text:
        return False
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return _ODD_MIDNIGHT.search(text) is not None
    local = instant.astimezone(ICT) if instant.tzinfo is not None else instant
    return local.time() == time.min


def _as_day(text: str) -> str | None:
    match = _DAY.match(text)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match[1]).isoformat()
    except ValueError:
        return None
    try:
        instant = datetime.fromisoformat(text) if match[2] else None
    except ValueError:
        return day  # banks write odd times; the day is clear
    if instant is not None and instant.tzinfo is not None:
        return instant.astimezone(ICT).date().isoformat()
    return day
