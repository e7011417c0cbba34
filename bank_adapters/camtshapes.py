"""Entries that are written like one before them are read by pattern; all others by the parser.

A bank writes the entries of a statement all alike: the same elements in the same order, other
amounts, ids and texts. Most of the time of reading goes into a tree of some forty nodes for each.
So a document passes through `Thinned` on its way to the parser. The first entry of a shape is read
as any other (`camtentry.read_booking`), once as it is and once with marks in its texts, which shows
where each value of the booking stands. An entry that fits the pattern made of that, byte for byte
but for those texts, is taken out, and `<Ntry/>` with a number stands in its place; the reader asks
`booking` for what it held. What does not fit in every respect goes to the parser as it is.

Nothing is judged here: whether the file is well-formed around the entries, where they stand, what
they add up to and whether they satisfy a schema is looked at by others, as ever. A pattern is plain
text between tags that were parsed once: no entity, comment, section or instruction, no control
character, nothing but UTF-8. From the first `<!` or `<?` on, a document is passed on untouched.
"""

from __future__ import annotations

import codecs
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from bank_adapters.camtentry import NO_ID, Booking, Detail, read_booking
from bank_adapters.contract import RefusedFile
from bank_adapters.xmlsource import DECLARATION, Element, Names, Part

_OPEN, _CLOSE = "<Ntry>", "</Ntry>"
_BREAK = "\n"
_PIECE = 1 << 17
_MOST_ENTRY = 1 << 16
_MOST_LEARNT = 1 << 13
"""Longest entry that a pattern is made of, in characters."""
_MOST_SHAPES = 16
_MOST_TRIES = 64
"""How many shapes are kept, and how many entries of a document are looked at for a new one."""
_FREE = frozenset(
    ("Amt", "NtryRef", "AcctSvcrRef", "InstrId", "EndToEndId", "TxId", "PmtInfId", "MsgId", "Ustrd",
     "Nm", "Id", "IBAN", "AddtlNtryInf", "AddtlTxInf", "Dt", "DtTm")
)  # fmt: skip
"""Elements whose text is other in each entry, and is taken as it stands."""
_LEAF = re.compile(r"<([A-Za-z]+)(?: [^<>]*)?>([^<>]+)</\1>")
_AMOUNT = r"[0-9]{1,15}(?:\.[0-9]{1,5})?"
# It ends in printable ASCII, so that nothing is to be stripped.
_TEXT = "[!-%'-;=?-~](?:[^\x00-\x1f<>&\x7f\ufffe\uffff]*[!-%'-;=?-~])?"


class _OddError(Exception):
    """An entry whose values cannot be found again in its text."""


class _Part:
    """A booking or one of its details: what is the same in each entry, and what is not."""

    def __init__(self, made: Booking | Detail, places: Mapping[str, int]) -> None:
        """Look where the marks of `places` went. Raises _OddError."""
        self._same: dict[str, Any] = {}
        self._fields: list[tuple[str, int]] = []
        """Attributes, and the group that holds the value of each."""
        self._amounts: list[tuple[int | None, str, str]] | None = None
        """Of a detail: group (or None and text) and currency."""
        for name, value in vars(made).items():
            if name in ("line", "details"):
                continue
            if isinstance(made, Detail) and name == "amount":
                self._amounts = [(places.get(t), _unmarked(t, places), c) for t, c in value]
            elif isinstance(value, str) and value in places:
                self._fields.append((name, places[value]))
            else:
                self._same[name] = _unmarked(value, places)

    def fill(self, made: Booking | Detail, groups: Sequence[str]) -> None:
        """Give an object its attributes."""
        values = vars(made)
        values.update(self._same)
        for name, group in self._fields:
            values[name] = groups[group]
        if self._amounts is not None:
            values["amount"] = tuple(
                [(t if at is None else groups[at], c) for at, t, c in self._amounts]
            )


def _unmarked(value: Any, places: Mapping[str, int]) -> Any:
    """Return a value without marks. Raises _OddError where several texts became one."""
    if isinstance(value, str) and value not in places and any(mark in value for mark in places):
        raise _OddError
    if isinstance(value, tuple) and any(one in places for one in value):
        raise _OddError
    return value


class _Shape:
    """How one kind of entry is written. `entry` is well-formed by itself, or _OddError."""

    def __init__(self, entry: str) -> None:
        marks: dict[str, int] = {}
        marked = pattern = ""
        at = 0
        for leaf in _LEAF.finditer(entry):
            amount = leaf[1] == "Amt"
            free = _AMOUNT if amount else _TEXT
            if leaf[1] not in _FREE or not re.fullmatch(free, leaf[2]):
                continue
            mark = f"{700_000_000 + len(marks)}" if amount else f"MARK{len(marks):05d}X"
            start, end = leaf.span(2)
            marked += entry[at:start] + mark
            pattern += f"{re.escape(entry[at:start])}({free})"
            marks[mark], at = len(marks), end
        self._booking = _parsed(marked + entry[at:])
        self.match = re.compile(pattern + re.escape(entry[at:])).match
        self._part = _Part(self._booking, marks)
        self._details = [_Part(detail, marks) for detail in self._booking.details]
        # What the pattern says of the entry it was made of must be what the parser says.
        found = self.match(entry)
        if found is None or _values(self.read(found.groups(), 1)) != _values(_parsed(entry)):
            raise _OddError

    def read(self, groups: Sequence[str], line: int) -> Booking:
        """Return the booking of an entry that fits."""
        made = Booking(line)
        self._part.fill(made, groups)
        for part in self._details:
            detail = Detail()
            part.fill(detail, groups)
            made.details.append(detail)
        return made


def _parsed(entry: str) -> Booking:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return read_booking(etree.fromstring(entry, parser), Names())


def _values(booking: Booking) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    own = {k: v for k, v in vars(booking).items() if k not in ("line", "details")}
    return own, [vars(detail) for detail in booking.details]


class Thinned:
    """A document as the parser gets it, without the entries that are known already."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._mark = f"r{secrets.token_hex(8)}"  # no file can hold what is made up while it is read
        self._shapes: list[_Shape] = []
        self._tried = 0
        self._taken: dict[str, Booking] = {}
        self._count = 0
        self._line = 1
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._kept = ""
        self._edge = b""
        self._first = self._thin = True

    def booking(self, entry: Element) -> Booking | None:
        """Return what an entry that was taken out held; None where it was not."""
        number = entry.get(self._mark)
        return None if number is None else self._taken.pop(number)

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next bytes for the parser, b"" at the end."""
        while piece := self._part.read(_PIECE):
            if not self._thin:
                return piece
            self._look(piece)
            before = self._decoder.getstate()[0]
            try:
                data = self._kept + self._decoder.decode(piece)
            except UnicodeDecodeError:
                self._thin = False
                return self._rest() + before + piece
            self._kept = ""
            if not self._thin:
                return data.encode() + self._decoder.getstate()[0]
            if out := self._thinned(data):
                return out.encode()
        left = self._rest() + (self._decoder.getstate()[0] if self._thin else b"")
        self._thin = False
        return left

    def _rest(self) -> bytes:
        rest, self._kept = self._kept, ""
        return rest.encode()

    def _look(self, piece: bytes) -> None:
        """Stop taking entries out where something begins that could hide one."""
        start = 0
        if self._first:
            self._first = False
            found = DECLARATION.search(piece[:256])
            start = found.end() if found else 0
            self._thin = found is None or (found[1] or b"utf-8").lower() in (b"utf-8", b"utf8")
        near = self._edge + piece[start:]
        if b"<!" in near or b"<?" in near:
            self._thin = False
        self._edge = piece[-1:]

    def _thinned(self, data: str) -> str:
        """Return what the parser gets of `data`; what may be the start of an entry is kept."""
        out: list[str] = []
        at, close = 0, -1
        while (start := data.find(_OPEN, at)) >= 0:
            if close < start and (close := data.find(_CLOSE, start)) < 0:
                break
            shape, found = self._fit(data, start, close + len(_CLOSE))
            booking = None
            self._line += data.count("\n", at, start)
            if shape is not None and found is not None:
                groups = found.groups()
                booking = shape.read(groups, self._line) if NO_ID.isdisjoint(groups) else None
            if booking is None or found is None:
                out.append(data[at : start + len(_OPEN)])
                at = start + len(_OPEN)
                continue
            end = found.end()
            breaks = data.count("\n", start, end)
            self._line += breaks
            self._count += 1
            number = str(self._count)
            self._taken[number] = booking
            out.append(f'{data[at:start]}<Ntry {self._mark}="{number}"/>{_BREAK * breaks}')
            at = end
        if start < 0:
            start = max(at, len(data) - len(_OPEN) + 1)  # the beginning of one may stand there
        self._line += data.count("\n", at, start)
        out.append(data[at:start])
        self._kept = data[start:]
        if len(self._kept) > _MOST_ENTRY:
            self._thin = False
            out.append(self._kept)
            self._kept = ""
        return "".join(out)

    def _fit(self, data: str, start: int, end: int) -> tuple[_Shape | None, re.Match[str] | None]:
        """Return the shape that fits an entry, made of it where it is the first of its kind."""
        for n, shape in enumerate(self._shapes):
            found = shape.match(data, start)
            if found is not None:
                if n:  # the next one is likely to be like this one
                    self._shapes.insert(0, self._shapes.pop(n))
                return shape, found
        if (
            end - start > _MOST_LEARNT
            or self._tried == _MOST_TRIES
            or len(self._shapes) == _MOST_SHAPES
        ):
            return None, None
        self._tried += 1
        try:
            shape = _Shape(data[start:end])
        except (_OddError, RefusedFile, etree.XMLSyntaxError):
            return None, None
        self._shapes.append(shape)
        return shape, shape.match(data, start)
