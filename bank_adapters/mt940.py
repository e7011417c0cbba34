"""Reading SWIFT MT940 (customer statement) and MT942 (interim report), as real banks write them.

One pass over the lines, in constant memory. Amounts become decimal text with a point. What holds
money (:60:, :61:, :62:, :64:, :65:, :90:) is read in every form that can be read one way only; a
line of these that cannot is an error with its number, and the file is then not complete. The
format has no check sum and no count, so the end is held to be the end only where something says
so: a closing balance, a total, or the mark that ends a message.

Source: SWIFT Standards MT, category 9 (MT940, MT942), field definitions 60a, 61, 62a, 86, 90a.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from bank_adapters.camtentry import RawEntry
from bank_adapters.contract import Source
from bank_adapters.mtfields import (
    BALANCE,
    BARE_BALANCE,
    ENTRY,
    FLOOR,
    LONGEST_NO_REFERENCE,
    NO_REFERENCE,
    TOTAL,
    booked_on,
    decimal_text,
    reference_in,
    type_length,
    value_day,
)
from bank_adapters.spool import Spool, View
from bank_adapters.xmlsource import MOST_BYTES, Finding, opened_answer, refuse

_PIECE = 1 << 18
_LONGEST_LINE = 1 << 16
_TAG = re.compile(r":(\d{2}[A-Z]?|NS):")
_BARE_TAG = re.compile(r":(6[02][FM]|6[45])(?=[CD]\d{6}[A-Z]{3})")
"""A balance whose tag lost its second colon."""
_INDENTED = re.compile(r"[ \t]+:(20|25P?|28C?|60[FM]|61|62[FM]|64|65|86|90[CD]):")
_HEADER = re.compile(r"(?:\{[1235]:(?:[^{}]|\{[^{}]*\})*\}|\{4:(?:\{[^{}]*\})+\})+")
"""Blocks around the text; one 4 of only fields in braces is an acknowledgement, not the text."""
_TYPE = re.compile(r"\{2:[IO](\d{3})")
_SWEDISH = re.compile(r"ä[1-5]:|-å")
_BRACES = str.maketrans("äå", "{}")
"""Swedish banks write the national set of seven bits, in which braces are letters."""
_ATS = re.compile(rb"[^\r\n]{0,64}@@:\d\d")
"""A start whose lines end in @@, as those do that came through the old German online banking."""
_BLOCK = re.compile(r"\{[1-5]:")
_OPEN_TEXT = "{4:"
_END = re.compile(r"-\s*([}$].*|\x03.*|:\d\d[A-Z]?:.*)?\Z", re.DOTALL)
_TAIL = re.compile(r"\s-\}[^A-Za-z]*\Z")
"""The end of a message behind the last words of its text."""
_AFTER_END = "}$\x03\x01 "
_LED_BY = ":{-\x01\x02 \tä"
_KNOWN = frozenset(
    {"13", "13C", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "60", "60F", "60M", "61",
     "62", "62F", "62M", "64", "65", "86", "90C", "90D", "NS", "94"}
)  # fmt: skip
_START = re.compile(
    r"(?m)^\s*(?:[{ä]4:\s*)?:"
    r"(?:13D|20|21|25P?|28C?|34F|60[FM]?|61|62[FM]?|64|65|86|90[CD]|940|942):"
)
_HEADS = frozenset({"20", "21", "25", "25P", "28", "28C"})
_INTERIM = frozenset({"13", "13C", "13D", "34F", "90C", "90D"})
"""Tags of an MT942 that an MT940 has not."""
_NARRATIVE = re.compile(r"\d{3}\?\d\d")
"""How a structured :86: begins."""
CREDIT = frozenset({"C", "RD", "EC", "c", "rd"})
"""Marks that bring money: a credit, the reversal of a debit, an expected credit."""
REVERSED = frozenset({"RC", "RD", "rc", "rd"})
_MOST_DIGITS = 15
_MOST_FINDINGS = 1000
_CACHED = 4096
_WAITING = 256
"""Most entries whose rows are written together."""
_NO_ENTRY: tuple[str, str | None, str, str | None, str, str] = ("", None, "", None, "", "")
Amount = tuple[str, Decimal, int | None]
"""Text and number, and again where it is whole with at most `_MOST_DIGITS` digits."""
Row = tuple[int, str, str | int, str, str | None, str | None, str | None, str, int]
"""What is kept of an entry: its number, mark, amount (a plain one as number), currency, day of
booking, the bank's reference, the end-to-end reference, text, line. The other columns of a
`RawEntry` are the same for all."""


def raw_entry(row: Row) -> RawEntry:
    """Return an entry in full."""
    n, mark, amount, currency, booked, theirs, reference, text, line = row
    return RawEntry(
        n, n, 1, None, "CRDT" if mark in CREDIT else "DBIT", str(amount), currency, "BOOK", booked,
        theirs, reference, None, None, None, None, False, mark in REVERSED, None, "", text, None,
        line,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MtStatement:
    """One message (from :20: to the next). Balances are signed, None where not given."""

    id: str
    number: str
    """Statement and page number of :28C:, e.g. `19321/1`."""
    account: str | None = field(repr=False)
    currency: str | None
    opening: Decimal | None
    closing: Decimal | None
    bookings: int
    """:61: lines."""
    credit: dict[str, Decimal]
    """Sum of the credits by currency; a statement has one currency."""
    debit: dict[str, Decimal]
    entries: View[RawEntry]
    """Empty where the rows were not asked for."""
    line: int
    from_day: str | None = None
    """Day of the opening balance, as ISO text."""
    to_day: str | None = None
    interim: bool = False
    """Whether it opens or closes with an interim balance (:60M:, :62M:): a page of several."""
    odd: tuple[str, int] | None = None
    """The first amount that is no whole number of at most 15 digits, and its line."""
    mixed: bool = False
    """Whether its balances are in different currencies, so that nothing can be added up."""

    @property
    def told(self) -> bool:
        """Whether it says anything about money."""
        return bool(self.bookings) or self.opening is not None or self.closing is not None

    @property
    def difference(self) -> Decimal | None:
        """Opening + credits - debits - closing: 0 where the statement balances."""
        if self.opening is None or self.closing is None or self.mixed:
            return None
        return (
            self.opening
            + sum(self.credit.values(), Decimal(0))
            - sum(self.debit.values(), Decimal(0))
            - self.closing
        )


@dataclass(frozen=True, slots=True)
class MtFile:
    """A whole file. `errors`: what could not be read (then it is not complete)."""

    kind: str
    statements: tuple[MtStatement, ...]
    errors: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def looks_like_mt(head: bytes) -> bool:
    """Tell whether the first bytes of a file are of an MT940 or MT942."""
    if _ATS.match(head):
        head = head.replace(b"@@", b"\n")
    words = _decode(head).lstrip("\ufeff\x01").replace("\r", "\n")
    return bool(_START.search(words)) or bool(re.match(r"\s*\{1:F\d\d", words))


def read_mt(source: Source, *, most_bytes: int = MOST_BYTES, rows: bool = True) -> MtFile:
    """Read an MT940 or MT942 whole. Raises RefusedFile where it is none, or is too large.

    Without `rows` the entries are counted and added up, and not kept.
    """
    reader = _Reader(rows=rows)
    with opened_answer(source, most_bytes) as stream:
        for lines in _blocks(stream):
            reader.take(lines)
        stream.seek(-1, 2)
        return reader.result(ends_line=stream.read(1) in b"\r\n")


def _decode(data: bytes) -> str:
    """Return text; what is no UTF-8 is read as the Western single-byte set that banks use."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _blocks(stream: BinaryIO) -> Iterator[list[str]]:
    """Walk the file in blocks of whole lines, with any line ends; a line without end is refused."""
    start = 3 if stream.read(3) == b"\xef\xbb\xbf" else 0
    stream.seek(start)
    ats = _ATS.match(stream.read(128)) is not None
    stream.seek(start)
    kept = b""
    number = 0
    while piece := stream.read(_PIECE):
        if piece.endswith(b"\r") or (ats and piece.endswith(b"@")):
            piece += stream.read(1)
        if ats:
            piece = piece.replace(b"@@", b"\n")
        data = kept + piece
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        kept = data[cut:]
        lines = _split(data[:cut])
        _check_lengths(lines, len(kept), number)
        number += len(lines)
        yield lines
    if kept:
        yield [_decode(kept)]


def _check_lengths(lines: list[str], unended: int, before: int) -> None:
    if max(unended, max(map(len, lines), default=0)) > _LONGEST_LINE:
        longest = (n for n, line in enumerate(lines, 1) if len(line) > _LONGEST_LINE)
        where = next(longest, len(lines) + 1)
        refuse("line_too_long", "một dòng quá dài", "a line is too long", line=before + where)


def _split(data: bytes) -> list[str]:
    """Cut bytes that end a line into lines."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        lines: list[str] = list(data.decode("utf-8").split("\n"))
    except UnicodeDecodeError:
        lines = [_decode(line) for line in data.split(b"\n")]
    return lines[:-1]


_HIDDEN_ENTRY = re.compile(r"[\W_]+:61:")


class _Reader:
    """What is known so far; `take` is called with the lines in their order."""

    def __init__(self, *, rows: bool) -> None:
        self.rows = rows
        self.statements: list[MtStatement] = []
        self.errors: list[Finding] = []
        self.findings: list[Finding] = []
        self.warnings: list[Finding] = []
        self.balances = self.open_block = False
        self.interim = self.headed = self.foreign = False
        """Whether a tag of an MT942, a :20:, a tag of neither was seen."""
        self.bare = 0
        """Line on which a file starts that lacks its start, 0 where it does not."""
        self.kind = ""
        self.number = 0
        self.now: _Open | None = None
        self.tag = ""
        self.amounts: dict[str, Amount | None] = {}
        self.plain_days: dict[str, str] = {}
        """Day of booking by the digits that begin a :61:, where it is as written."""
        self.days: dict[tuple[str, str | None], tuple[str | None, bool]] = {}
        """Day of booking (None: no such day) and whether it stands as written, by both dates."""

    def take(self, lines: list[str]) -> None:
        """Take lines: each starts a tag, goes on with the one before, or frames messages."""
        number = self.number
        entry, amounts, days = ENTRY.match, self.amounts, self.plain_days
        for words in lines:
            number += 1
            now = self.now
            start = words[:4]
            if start == ":61:" and now is not None:
                self.tag = "61"
                match = entry(words, 4)
                if match is not None:
                    digits, own_day, mark, _, figure, rest = match.groups()
                    amount, booked = amounts.get(figure), days.get(digits)
                    if amount is not None and booked is not None and own_day is None and rest:
                        now.ended = False
                        now.add(mark, amount, booked, rest, number)
                        continue
                self._entry(now, words, number, 4)
            elif start == ":86:" and now is not None:
                self.tag = "86"
                if now.text is not None:
                    now.text.append(words[4:])
            elif words[:1] in _LED_BY or not self.tag or _HIDDEN_ENTRY.match(words):
                self.number = number
                self._line(number, words)
            elif words[-1:] == "}" and self.open_block and _TAIL.search(words):
                self._end_of_message()
            elif self.rows and self.tag == "86" and now is not None:
                now.say(words)
        self.number = number

    def _line(self, number: int, words: str) -> None:
        """Take a line that is no plain text: a tag, or a frame around messages."""
        words = words.lstrip("\x01\x02")
        if not self.tag or _INDENTED.match(words):
            words = words.lstrip()
        if _SWEDISH.match(words):
            words = words.translate(_BRACES)
        if _BLOCK.match(words) or (words[:1] == "-" and _END.match(words)):
            words = self._frame(number, words)
            if not words.strip():
                return
        if words.startswith((":940:", ":942:")):
            self.kind = f"mt{words[1:4]}"
            return
        match = _TAG.match(words)
        if match is None and (match := _BARE_TAG.match(words)) is not None:
            told = f"thẻ :{match[1]} thiếu dấu hai chấm thứ hai, được đọc như thường"
            self._note("bare_tag", told, f":{match[1]} lacks its second colon", number)
        if match is not None and match[1] in _KNOWN:
            self._tag(match[1], words[match.end() :], number)
        else:
            self._more(number, words, match)

    def _more(self, number: int, words: str, match: re.Match[str] | None) -> None:
        """Take a line that starts no tag we know; an entry behind other marks is no narrative."""
        if _HIDDEN_ENTRY.match(words):
            self._error("hidden_entry", "thẻ :61: không đứng đầu dòng", ":61: behind marks", number)
            return
        balance = match is not None and match[1][:1] == "6" and BALANCE.match(words[match.end() :])
        if match is not None and (self.tag != "86" or balance) and self.now is not None:
            told = (f"không rõ thẻ :{match[1]}:", f"unknown :{match[1]}:", number)
            if match[1][:1] == "6":
                self._error("unknown_tag", *told)
            else:
                self._note("unknown_tag", *told)
            self.tag, self.foreign = match[1], True
        elif self.open_block and _TAIL.search(words):
            self._end_of_message()
        elif self.tag == "86" and self.now is not None:
            self.now.say(words)
        elif not self.tag and words.strip() in {"940", "942"}:
            self.kind = f"mt{words.strip()}"

    def _frame(self, number: int, words: str) -> str:
        """Take the blocks around a message's text; return what follows them on the line."""
        if words[:1] == "-":
            self._end_of_message()
            words = words[1:].lstrip(_AFTER_END)
        while _BLOCK.match(words):
            found = _HEADER.match(words)
            if found is not None:
                for kind in _TYPE.findall(found[0]):
                    self._type(kind, number)
                words = words[found.end() :].lstrip(_AFTER_END)
            elif words.startswith(_OPEN_TEXT):
                if self.open_block:
                    self._error(
                        "block", "khối SWIFT trước chưa kết thúc", "a block has no end", number
                    )
                self.open_block, self.tag = True, ""
                words = words[len(_OPEN_TEXT) :].lstrip()
            else:
                self._error("block", "khối SWIFT bị cắt", "a SWIFT block is cut off", number)
                return ""
        return words

    def _type(self, kind: str, number: int) -> None:
        """Note what kind of message a header announces; another one is no statement."""
        if kind in {"940", "942"}:
            self.kind = f"mt{kind}"
        else:
            self._error(
                "other_message", f"điện SWIFT MT{kind}, không phải MT940 hay MT942",
                f"a SWIFT MT{kind}, neither MT940 nor MT942", number,
            )  # fmt: skip

    def _end_of_message(self) -> None:
        self.tag, self.open_block = "", False
        if self.now is not None:
            self.now.ended = True

    # --- tags

    def _tag(self, tag: str, value: str, line: int) -> None:
        """Take the first line of a tag; only an :86: goes on behind it."""
        self.tag = tag
        first = value.strip()
        now = self._started(tag, first, line)
        if tag in _INTERIM:
            self.interim = True
        if tag == "20":
            now.id, self.headed = first, True
        elif tag in {"25", "25P"} and self.tag == "86":
            now.say(value)
        elif tag in {"25", "25P"}:
            now.account = now.account or first
        elif tag in {"28", "28C"}:
            now.number = first
        elif tag == "61":
            self._entry(now, value, line)
        elif tag == "86":
            now.say(value)
        elif tag[:1] == "6":
            self._balance(now, tag, first, line)
        elif tag in {"90C", "90D"}:
            self._total(now, tag, first, line)
        elif tag == "34F":
            found = FLOOR.match(first)
            now.in_currency(now.currency or (found[0] if found else None))

    def _started(self, tag: str, value: str, line: int) -> _Open:
        """Return the message a tag belongs to, a new one where the tag starts it."""
        now = self.now
        if now is None:
            if tag not in _HEADS:
                self.bare = line
            self.now = now = _Open(line, rows=self.rows)
        elif tag == "20":
            if now.id or not now.untouched:
                self._close()
                self.now = now = _Open(line, rows=self.rows)
        elif tag in {"25", "25P"} and now.account is not None:
            if _NARRATIVE.match(value):
                self.tag = "86"
                self._note("account_narrative", "nội dung :86: nằm ở thẻ :25:",
                           "the text of an :86: stands under :25:", line)  # fmt: skip
            elif now.closing is not None or now.ended:
                self._close()
                self.now = now = _Open(line, rows=self.rows)
            elif now.account != value:
                self._error(
                    "two_accounts", "hai thẻ :25: khác nhau trong một điện",
                    "two different :25: in one message", line,
                )  # fmt: skip
        return now

    def _entry(self, now: _Open, words: str, line: int, start: int = 0) -> None:
        """Take an entry, whose text begins at `start`."""
        match = ENTRY.match(words, start)
        digits, entry, mark, _, amount, rest = match.groups() if match else _NO_ENTRY
        known = self._amount(amount) if match else None
        now.ended = False
        if known is None:
            self._error(
                "entry_unreadable", "dòng :61: không đọc được ngày, chiều hoặc số tiền",
                "the date, mark or amount of a :61: cannot be read", line,
            )  # fmt: skip
            return
        dated = self.days.get((digits, entry))
        if dated is None:
            if len(self.days) > _CACHED:
                self.days.clear()
                self.plain_days.clear()
            day, as_written = value_day(digits)
            booked = booked_on(day, digits, entry) if day else None
            dated = self.days[digits, entry] = booked, as_written
        booked, as_written = dated
        if booked is None:
            self._error("date", "ngày ở dòng :61: không có thật", "no such day in a :61:", line)
        elif as_written:
            if entry is None:
                self.plain_days[digits] = booked
        else:
            self._note(
                "february", "ngày giá trị 29 hoặc 30 tháng 2 được hiểu là cuối tháng 2",
                "a value date of 29 or 30 February is its last day", line,
            )  # fmt: skip
        if not rest:
            now.last_figure, now.figure_line = amount, line
        now.add(mark, known, booked, rest, line)

    def _amount(self, words: str) -> Amount | None:
        """Return an amount as text and number; the same words are read once."""
        try:
            return self.amounts[words]
        except KeyError:
            text = decimal_text(words)
            if len(self.amounts) > _CACHED:
                self.amounts.clear()
            found = None
            if text is not None:
                plain = text.isdigit() and len(text) <= _MOST_DIGITS
                found = text, Decimal(text), int(text) if plain else None
            self.amounts[words] = found
            return found

    def _balance(self, now: _Open, tag: str, words: str, line: int) -> None:
        match = BALANCE.match(words)
        if match is None and now.currency:
            match = BARE_BALANCE.match(words)
        known = self._amount(match["amount"]) if match else None
        if match is None or known is None:
            self._error(
                "balance_unreadable", f"số dư :{tag}: không đọc được",
                f"the balance :{tag}: cannot be read", line,
            )  # fmt: skip
            return
        now.ended = False
        if tag in {"64", "65"}:
            return
        self.balances = True
        groups = match.groupdict()
        now.settle()
        if now.currency and groups.get("currency") not in {None, now.currency}:
            now.mixed = True
            self._find(
                "currencies_differ", f"số dư :{tag}: khác loại tiền với sao kê",
                f":{tag}: is in another currency", line,
            )  # fmt: skip
        now.in_currency(now.currency or groups.get("currency"))
        now.interim = now.interim or tag[2:] == "M"
        signed = known[1] if match["mark"] in {"C", "RD"} else -known[1]
        day = value_day((groups["day"] or "").strip())[0]
        if tag[:2] == "60":
            self._opens(now, signed, day, line)
        else:
            now.closing, now.to_day = signed, day or now.to_day
            now.last_figure, now.figure_line = match["amount"], line

    def _opens(self, now: _Open, signed: Decimal, day: str | None, line: int) -> None:
        if now.opening is None:
            now.opening, now.from_day = signed, day
        elif now.closing is not None:
            # A page after a page in one message: it goes on where the last one stopped.
            self._find(
                "not_continuous", "số dư đầu trang khác số dư cuối trang trước",
                "a page opens with another balance", line, signed != now.closing,
            )  # fmt: skip
            now.closing = None
        else:
            self._find(
                "two_openings", "hai số dư đầu kỳ trong một sao kê",
                "two opening balances in a statement", line, signed != now.opening,
            )  # fmt: skip

    def _total(self, now: _Open, tag: str, words: str, line: int) -> None:
        """Compare a total of :90: with the entries."""
        match = TOTAL.match(words)
        known = self._amount(match["amount"]) if match else None
        if match is None or known is None:
            self._error(
                "total_unreadable", f"tổng :{tag}: không đọc được",
                f"the total :{tag}: cannot be read", line,
            )  # fmt: skip
            return
        now.totalled = True
        now.last_figure, now.figure_line = match["amount"], line
        now.in_currency(now.currency or match["currency"])
        count, total = now.side("CRDT" if tag == "90C" else "DBIT")
        declared = int(match["count"] or count)
        self._find(
            "sum_differs",
            f":{tag}: ghi {declared} dòng, {known[0]}; các dòng cộng lại là "
            f"{count} dòng, {total}",
            f":{tag}: differs from the entries", line, (declared, known[1]) != (count, total),
        )  # fmt: skip

    # --- statements

    def _close(self, *, last: bool = False) -> None:
        now = self.now
        if now is None:
            return
        if now.untouched:
            self._note("empty", "một điện không có gì", "a message with nothing in it", now.line)
        elif now.opening is not None and now.closing is None and not (now.ended or last):
            self._error(
                "no_closing", "một sao kê không có số dư cuối kỳ, cũng không có dấu kết thúc",
                "a statement has neither a closing balance nor an end", now.line,
            )  # fmt: skip
        self.statements.append(now.statement())
        difference = self.statements[-1].difference
        if difference:
            self._find(
                "balance_differs",
                f"số dư đầu kỳ cộng phát sinh lệch số dư cuối kỳ {difference}",
                f"opening + entries - closing = {difference}",
                now.line,
            )

    def result(self, *, ends_line: bool) -> MtFile:
        """Return what was read; a file without a message is refused.

        `ends_line` tells whether the last line of the file is ended: the figure on a line that is
        not may be cut.
        """
        last = self.now
        self._close(last=True)
        if not self.statements or last is None:
            refuse(
                "no_statement",
                "tệp không có sao kê MT940/MT942 nào",
                "the file holds no MT940/MT942 statement",
                do="Hãy kiểm tra đã chọn đúng tệp.",
            )
        if self.bare and self.headed:
            self._error(
                "no_start", "tệp mất phần đầu: có dòng đứng trước :20:", "lines before :20:",
                self.bare,
            )  # fmt: skip
        elif self.bare:
            self._find(
                "no_start", "trích đoạn, không có phần đầu (:20:, :25:) nên không biết của sao kê "
                "nào", "an extract without :20: and :25:", self.bare,
            )  # fmt: skip
        elif self.foreign and not (self.interim or any(s.told for s in self.statements)):
            refuse(
                "no_statement", "điện SWIFT không phải sao kê MT940/MT942",
                "a SWIFT message that is no statement", do="Hãy kiểm tra đã chọn đúng tệp.",
            )  # fmt: skip
        extract = self.bare and not self.headed
        figure = ends_line or last.figure_line != self.number or last.figure_is_whole
        closed = last.closing is not None or (last.totalled and last.opening is None)
        if not (last.ended or (figure and (extract or (closed and not self.open_block)))):
            self._error(
                "cut", "tệp dừng giữa chừng: điện cuối không có số dư cuối, tổng hoặc dấu kết thúc",
                "the file stops in the middle of its last message", self.number,
            )  # fmt: skip
        kind = self.kind or ("mt942" if self.interim and not self.balances else "mt940")
        return MtFile(
            kind, tuple(self.statements), tuple(self.errors), tuple(self.findings),
            tuple(self.warnings),
        )  # fmt: skip

    def _error(self, code: str, what: str, en: str, line: int) -> None:
        if len(self.errors) < _MOST_FINDINGS:
            self.errors.append(Finding(code, what, en, line))

    def _find(self, code: str, what: str, en: str, line: int, holds: bool = True) -> None:
        if holds and len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(code, what, en, line))

    def _note(self, code: str, what: str, en: str, line: int) -> None:
        if len(self.warnings) < _MOST_FINDINGS:
            self.warnings.append(Finding(code, what, en, line))


class _Open:
    """The message being read."""

    def __init__(self, line: int, *, rows: bool) -> None:
        self.line = line
        self.rows = rows
        self.id = self.number = ""
        self.account: str | None = None
        self.currency: str | None = None
        self.opening: Decimal | None = None
        self.closing: Decimal | None = None
        self.from_day: str | None = None
        self.to_day: str | None = None
        self.last_figure = ""
        self.figure_line = 0
        self.ended = self.totalled = self.interim = self.mixed = False
        self.counts = [0, 0]
        self.sums = [Decimal(0), Decimal(0)]
        """Credits, debits."""
        self.spool: Spool[RawEntry] = Spool()
        self.waiting: list[tuple[int, str, str | int, str | None, str, int, list[str]]] = []
        """Entries without a row yet: number, mark, amount, day of booking, the rest of the line,
        its number, the lines of the :86:; of the last one more may follow."""
        self.odd: tuple[str, int] | None = None
        self.text: list[str] | None = None
        """The lines of the :86: of the last entry; None where no entry waits."""

    @property
    def untouched(self) -> bool:
        """Whether the message said nothing about money."""
        return not (
            sum(self.counts)
            or self.totalled
            or self.opening is not None
            or self.closing is not None
        )

    @property
    def figure_is_whole(self) -> bool:
        """Whether the last figure shows that nothing of it is missing.

        It makes the statement balance, or it has as many decimals as the sums before it.
        """
        point = max(self.last_figure.rfind(","), self.last_figure.rfind("."))
        if self.closing is not None and self.opening is not None:
            if self.opening + self.sums[0] - self.sums[1] == self.closing:
                return True
            before = [self.opening, *self.sums]
        else:
            before = self.sums
        exponents = [number.as_tuple().exponent for number in before]
        most = max(-exponent for exponent in exponents if isinstance(exponent, int))
        return point >= 0 and len(self.last_figure) - point - 1 >= most

    def side(self, side: str) -> tuple[int, Decimal]:
        """Count and sum of one side."""
        at = 0 if side == "CRDT" else 1
        return self.counts[at], self.sums[at]

    def add(self, mark: str, amount: Amount, booked: str | None, rest: str, line: int) -> None:
        """Count an entry; its row waits for the :86: that may follow."""
        at = 0 if mark in CREDIT else 1
        counts = self.counts
        counts[at] += 1
        text, value, plain = amount
        self.sums[at] += value
        if plain is None and self.odd is None:
            self._look(text, line)
        if self.rows:
            lines: list[str] = []
            self.text = lines
            waiting = self.waiting
            waiting.append(
                (counts[0] + counts[1], mark, text if plain is None else plain, booked, rest, line,
                 lines)
            )  # fmt: skip
            if len(waiting) > _WAITING:
                self._write(1)

    def _look(self, text: str, line: int) -> None:
        whole, _, cents = text.partition(".")
        if cents.strip("0") or len(cents) > 5 or len(whole) > _MOST_DIGITS:
            self.odd = text, line

    def settle(self) -> None:
        """End the last entry: what an :86: says from here on is about the statement."""
        self.text = None

    def say(self, words: str) -> None:
        """Add a line of the :86: of the entry that waits."""
        if self.text is not None:
            self.text.append(words)

    def in_currency(self, currency: str | None) -> None:
        """Take the currency that a balance or total names; earlier rows keep the one before."""
        if currency != self.currency:
            self._write(1)
            self.currency = currency

    def _write(self, keep: int) -> None:
        """Write the rows of the entries that wait but for the last `keep`, with their :86:."""
        waiting, currency = self.waiting, self.currency or ""
        last = len(waiting) - keep
        rows: list[Row] = []
        for n, mark, amount, booked, rest, line, lines in waiting[: max(last, 0)]:
            text = lines[0].strip() if len(lines) == 1 else _joined_lines(lines)
            own, _, theirs = rest[type_length(rest[:6]) :].partition("//")
            reference = own.strip()
            if "EREF" in text:
                reference = reference_in(text) or reference
            if len(reference) <= LONGEST_NO_REFERENCE and reference.upper() in NO_REFERENCE:
                reference = ""
            rows.append(
                (n, mark, amount, currency, booked, theirs.strip() or None, reference or None,
                 text, line)
            )  # fmt: skip
        self.spool.extend(rows)
        del waiting[: len(rows)]

    def statement(self) -> MtStatement:
        """Return the finished statement."""
        self._write(0)
        self.text = None
        currency = self.currency or ""
        return MtStatement(
            self.id, self.number, self.account, self.currency, self.opening, self.closing,
            sum(self.counts),
            {currency: self.sums[0]} if self.counts[0] else {},
            {currency: self.sums[1]} if self.counts[1] else {},
            self.spool.view(raw_entry), self.line, self.from_day, self.to_day, self.interim,
            self.odd, self.mixed,
        )  # fmt: skip


def _joined_lines(lines: list[str]) -> str:
    """Join the lines of an :86:; a full line of 65 characters goes on without a space."""
    text = ""
    for line in lines:
        words = line.rstrip()
        text += words if len(words) >= _FULL else f"{words} "
    return text.strip()


_FULL = 65
"""The most characters a line of :86: may have."""
