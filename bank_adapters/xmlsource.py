"""Opening an XML file from outside: what is refused before a parser sees it, and how it is walked.

Nothing is resolved, loaded or recovered. A DOCTYPE anywhere is refused before parsing (F26), a
byte-order mark must agree with the declaration (F25), the size has a limit before reading (F28).
libxml2's own limits on depth, text and names stay on (F27). Names are matched without namespace:
13 of 29 real pain.002 lack the ISO one. A schema only warns, and is looked at after the reading.
"""

from __future__ import annotations

import codecs
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, NoReturn, Protocol

from lxml import etree

from bank_adapters.contract import MissingXsd, RefusedFile, Source
from bank_adapters.xsd import first_complaint, load

MOST_BYTES = 1 << 30
_PIECE = 1 << 20
_ENCODINGS = frozenset(
    {"utf-8", "utf8", "us-ascii", "ascii", "latin1", "iso8859-1", "cp1252",
     *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 7, 9, 10, 13, 14, 15, 16)),
     *(f"windows-125{page}" for page in range(8))}
)  # fmt: skip
"""Sets in which the digits and the marks of XML are those of ASCII."""
Element = etree._Element  # noqa: SLF001 - lxml names its element type so
_UTF8_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_UTF32_BOMS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_SAYS = re.compile(r"(<\?xml[^>]{0,80}encoding\s*=\s*[\"'])([A-Za-z0-9._-]+)")
_IN_MEMORY = 16 << 20
_AFTER = b" \t\r\n\x1a"
DECLARATION = re.compile(
    rb"<\?xml\s+version\s*=\s*[\"']1\.0[\"'](?:\s+encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'])?"
)
_WHOLE_DECLARATION = re.compile(rb"<\?xml\s[^>]*>")
_MARKS = re.compile(rb"<!DOCTYPE|<\?xml\s")
_OVERLAP = 16
_MOST_COUNTED = 64
_MOST_LINES = 1 << 20
"""Documents in a file, and lines before the last, up to which lines are counted from its start."""
_HEADER = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?<(?P<of>(?:[A-Za-z_][\w.-]*:)?AppHdr)[\s>].*?</(?P=of)\s*>\s*(?=<[A-Za-z_])",
    re.DOTALL,
)
"""A business application header (head.001) that stands before its document, not around it."""
_HEADER_WITHIN = 1 << 16
_NAMESPACE = re.compile(
    rb"xmlns(?::[\w.-]+)?\s*=\s*[\"']urn:iso:std:iso:20022:tech:xsd:"
    rb"((?:pain|camt)\.\d{3}\.\d{3}\.\d\d)[\"']"
)
_ROOT_WITHIN = 2048
_ELEMENT = re.compile(r"Element '(?:\{[^}']{0,80}\})?([A-Za-z][A-Za-z0-9]{0,34})'")
_ASK_AGAIN = "Hãy xin ngân hàng gửi lại tệp đầy đủ."


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a readable file that is not as it must be; `what` is Vietnamese."""

    code: str
    what: str
    en: str
    line: int | None = None


class Names(dict[str, str]):
    """Local name of each qualified tag, found once per tag."""

    def __missing__(self, tag: object) -> str:
        # Interned, so that comparing it with a name in the program is comparing two addresses.
        local = sys.intern(tag.rpartition("}")[2]) if isinstance(tag, str) else ""
        if isinstance(tag, str):
            self[tag] = local
        return local


def refuse(code: str, what: str, en: str, *, line: int | None = None, do: str = "") -> NoReturn:
    """Raise RefusedFile."""
    raise RefusedFile(code, what, do or _ASK_AGAIN, line=line, en=en)


@contextmanager
def opened(source: Source, most_bytes: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """Open bytes or a path for reading, within the size limit. Raises RefusedFile."""
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if size > most_bytes:
            refuse(
                "file_too_large",
                f"tệp có {size} byte, vượt mức {most_bytes} byte",
                f"{size} bytes exceed the limit of {most_bytes}",
                do="Hãy xin ngân hàng chia tệp.",
            )
        yield stream


@contextmanager
def opened_answer(source: Source, most_bytes: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """Open a bank's file as `opened` does; UTF-16 with a byte-order mark comes as UTF-8."""
    with opened(source, most_bytes) as stream:
        head = stream.read(4)
        stream.seek(0)
        if head[:2] in _WIDE_BOMS and head not in _UTF32_BOMS:
            with _narrowed(stream) as narrow:
                yield narrow
        else:
            yield stream


@contextmanager
def _narrowed(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Hand on a UTF-16 file as UTF-8, with what its declaration says about that made true.

    Raises RefusedFile for bytes that are no UTF-16, such as half a character at the end, and for
    a declaration of another set.
    """
    decoder = codecs.getincrementaldecoder("utf-16")()
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as narrow:
        try:
            narrow.write(_declared_anew(decoder.decode(stream.read(_PIECE))).encode())
            while piece := stream.read(_PIECE):
                narrow.write(decoder.decode(piece).encode())
            decoder.decode(b"", final=True)
        except UnicodeError:
            refuse("encoding", "tệp UTF-16 bị hỏng hoặc bị cắt", "broken UTF-16")
        narrow.seek(0)
        yield narrow  # type: ignore[misc] # a file like any other, but for one method of the stub


def _declared_anew(text: str) -> str:
    """Return the start of a UTF-16 file with UTF-8 in its declaration, where it has one."""
    found = _SAYS.match(text)
    if found is None:
        return text
    if found[2].lower() not in {"utf-16", "utf-16le", "utf-16be"}:
        refuse(
            "encoding_contradiction",
            f"đầu tệp là UTF-16 nhưng khai báo {found[2]}",
            f"byte-order mark says UTF-16, declaration says {found[2]}",
        )
    return f"{found[1]}UTF-8{text[found.end() :]}"


def documents(stream: BinaryIO) -> list[tuple[int, int, int]]:
    """Return start and end of every XML document in the file, and how many lines come before it.

    Every byte is looked at. Some banks put one document after another. Raises RefusedFile for what
    no parser shall see.
    """
    head = stream.read(_HEADER_WITHIN)
    stream.seek(0)
    start = _first_byte(head[:4096])
    _check_encoding(head, start)
    starts, lines = [start], [head.count(b"\n", 0, start)]
    if (header := _HEADER.match(head, start)) is not None:
        starts.append(header.end())
        lines.append(head.count(b"\n", 0, header.end()))
    offset, counted, kept = 0, 0, b""
    while piece := stream.read(_PIECE):
        data = kept + piece
        base = offset - len(kept)
        for mark in _MARKS.finditer(data):
            if mark[0] == b"<!DOCTYPE":
                refuse(
                    "doctype",
                    "tệp có khai báo DOCTYPE, có thể dùng để tấn công",
                    "a DOCTYPE is not accepted",
                    do="Không mở tệp này; hãy báo ngân hàng và bộ phận an toàn thông tin.",
                )
            if base + mark.start() > starts[-1]:
                starts.append(base + mark.start())
                before = data.count(b"\n", 0, mark.start())
                lines.append(counted - kept.count(b"\n") + before)
        offset += len(piece)
        counted += piece.count(b"\n")
        kept = data[-_OVERLAP:]
    ends = [_end(stream, start, end) for start, end in pairwise([*starts, offset])]
    if len(lines) > _MOST_COUNTED or max(lines) > _MOST_LINES:
        lines = [0] * len(lines)
    return list(zip(starts, ends, lines, strict=True))


def _end(stream: BinaryIO, start: int, end: int) -> int:
    """Return where a document ends: before the mark of the next one, or a DOS end-of-file sign."""
    begin = max(start, end - 64)
    stream.seek(begin)
    tail = stream.read(end - begin).rstrip(_AFTER)
    return begin + len(tail.removesuffix(_UTF8_BOM))


class Readable(Protocol):
    """What hands a document to the parser."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, b"" at the end."""


class Part(io.RawIOBase):
    """One document of a stream, as a file of its own for the parser.

    `lines` come before it in the stream; it begins with as many empty ones, so that the parser
    counts as a person does.
    """

    def __init__(self, stream: BinaryIO, start: int, end: int, lines: int = 0) -> None:
        super().__init__()
        self._stream = stream
        self._left = end - start
        self._lines = lines
        stream.seek(start)

        self._start, self._end = start, end

    def again(self) -> Part:
        """Return the same document from its start; this one is not read on."""
        return Part(self._stream, self._start, self._end)

    def version(self) -> str:
        """Return the message version that the root's namespace names, '' where it names none."""
        found = _NAMESPACE.search(self._stream.read(min(_ROOT_WITHIN, self._left)))
        self._stream.seek(self._start)
        return found[1].decode() if found else ""

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes of this document."""
        want = self._left if size is None or size < 0 else min(size, self._left)
        data = self._stream.read(want)
        self._left -= len(data)
        if self._lines and data:
            declared = _WHOLE_DECLARATION.match(data)
            at = declared.end() if declared else 0
            data = data[:at] + b"\n" * self._lines + data[at:]
            self._lines = 0
        return data


def walk(
    part: Readable,
    tags: tuple[str, ...],
    event: Callable[[Element], None],
) -> None:
    """Parse one document and hand over each element named in `tags` when it is complete.

    What was handed over is emptied, so memory does not grow with the file. Raises RefusedFile for
    anything that is not well-formed; no text of the file goes into the sentence.
    """
    repeated = tags[0][3:]
    events: Iterator[tuple[str, Element]] = etree.iterparse(
        part,
        events=("end",),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            event(element)
            if element.tag.endswith(repeated):
                _forget(element)
    except etree.XMLSyntaxError as error:
        raise _broken(error) from None


def against_schema(part: Part, within: int | None = None) -> Finding | None:
    """Hold a document that was walked to the schema of its version; None where it satisfies it.

    28 % of real bank files do not. A version without an installed schema says nothing. `within`
    holds only the first so many bytes to it. Costs no tree and no memory.
    """
    version = part.again().version()
    try:
        found = first_complaint(part.again().read, load(version), within)
    except MissingXsd:
        return None
    except etree.XMLSyntaxError as error:
        raise _broken(error) from None
    return None if found is None else _not_valid(version, found)


def _broken(error: etree.XMLSyntaxError) -> RefusedFile:
    return RefusedFile(
        "xml_broken",
        "XML hỏng hoặc bị cắt",
        _ASK_AGAIN,
        line=error.lineno or None,
        en="not well-formed XML, or cut off",
    )


def _not_valid(version: str, complaint: str) -> Finding:
    """Name the element that the schema stopped at; its value may be somebody's and stays out."""
    found = _ELEMENT.match(complaint)
    at = f" ở phần tử {found[1]}" if found else ""
    return Finding(
        "schema",
        f"tệp không đúng lược đồ {version}{at}, vẫn đọc được",
        f"the file does not satisfy {version}{f' at element {found[1]}' if found else ''}",
    )


def down(element: Element, names: Names, *path: str) -> Element | None:
    """Return the first element at a path of local names, or None."""
    for step in path:
        for child in element:
            if names[child.tag] == step:
                element = child
                break
        else:
            return None
    return element


def line_of(element: Element) -> int:
    """Return the line an element starts on, 0 where unknown."""
    line = element.sourceline
    return line if isinstance(line, int) else 0


def text_at(element: Element, names: Names, *path: str) -> str:
    """Return the text at a path of local names, stripped; '' where there is none."""
    found = down(element, names, *path)
    return (found.text or "").strip() if found is not None else ""


def _forget(element: Element) -> None:
    """Empty an element and drop its twin before it; the parser still needs the last one."""
    element.clear()
    before = element.getprevious()
    if before is not None and before.tag == element.tag:
        parent = element.getparent()
        if parent is not None:
            parent.remove(before)


def _first_byte(head: bytes) -> int:
    if head.startswith(_WIDE_BOMS) or b"\0" in head:
        refuse(
            "encoding",
            "bảng mã UTF-16 không có dấu thứ tự byte, hoặc UTF-32, không được nhận",
            "UTF-16 without a mark, or UTF-32, is not accepted",
        )
    start = len(_UTF8_BOM) if head.startswith(_UTF8_BOM) else 0
    while start < len(head) and head[start] in b" \t\r\n":
        start += 1
    if head[start : start + 1] != b"<":
        refuse("not_xml", "tệp rỗng hoặc không phải XML", "empty, or not XML")
    return start


def _check_encoding(head: bytes, start: int) -> None:
    declared = DECLARATION.match(head, start)
    name = (declared[1] or b"utf-8").decode().lower() if declared else "utf-8"
    if name not in _ENCODINGS:
        refuse("encoding", f"bảng mã {name} không được nhận", f"encoding {name} is not accepted")
    if head.startswith(_UTF8_BOM) and name not in {"utf-8", "utf8"}:
        refuse(
            "encoding_contradiction",
            f"đầu tệp là UTF-8 nhưng khai báo {name}",
            f"byte-order mark says UTF-8, declaration says {name}",
        )
