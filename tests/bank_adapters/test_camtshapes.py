"""Entries read by pattern are read as the parser would, and nothing else is read by pattern."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import bench, camt
from bank_adapters.camt import read_camt
from bank_adapters.camtshapes import Thinned
from bank_adapters.contract import RefusedFile
from bank_adapters.xmlsource import Part
from tests.bank_adapters.build import entry, statement
from tests.bank_adapters.test_samples import CAMT, SAMPLES

taken: list[int] = []


class Counted(Thinned):
    """Notes how many entries were taken out."""

    def booking(self, entry: Any) -> Any:
        found = super().booking(entry)
        taken.append(found is not None)
        return found


class Untouched(Thinned):
    """Hands the document to the parser as it is."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._thin = False


def told(source: bytes | Path) -> Any:
    """Return all that a file says, or how it is refused."""
    try:
        file = read_camt(source, currency="VND")
    except RefusedFile as error:
        return error.code, error.line
    return (
        file.kind, file.version, file.message_id, file.messages, file.findings,
        [(s.id, s.account, s.opening, s.closing, s.bookings, s.credit, s.debit, s.booked_credit,
          s.booked_debit, s.line, list(s.entries)) for s in file.statements],
    )  # fmt: skip


def both(monkeypatch: pytest.MonkeyPatch, source: bytes | Path) -> tuple[Any, int]:
    """Return what is read, the same with and without patterns, and how many were by pattern."""
    with monkeypatch.context() as patch:
        patch.setattr(camt, "Thinned", Untouched)
        plain = told(source)
        taken.clear()
        patch.setattr(camt, "Thinned", Counted)
        assert told(source) == plain
    return plain, sum(taken)


def lines(*entries: str) -> bytes:
    return statement("".join(entries), 10_000_000, 0)


def one(n: int, **changed: Any) -> str:
    return entry(str(500_000 + n), e2e=f"DS25{n:012d}", **changed)


MANY = lines(*(one(n) for n in range(8)))


def test_all_entries_of_one_shape_are_read_by_pattern(monkeypatch, tmp_path: Path) -> None:
    (*_, [found]), by_pattern = both(monkeypatch, MANY)
    assert [row.end_to_end_id for row in found[-1]] == [f"DS25{n:012d}" for n in range(8)]
    assert by_pattern == 8
    path = tmp_path / "many.xml"
    bench.write_statement(path, 2_000)  # several pieces, cut in the middle of an entry
    (*_, [found]), by_pattern = both(monkeypatch, path)
    assert (len(found[-1]), by_pattern) == (2_000, 2_000)
    assert [row.line for row in found[-1]][:2] == [found[-1][0].line, found[-1][0].line + 1]


@pytest.mark.parametrize("given", CAMT, ids=lambda given: str(given["file"]))
def test_real_files_read_the_same(monkeypatch, given: dict[str, str]) -> None:
    path = SAMPLES / given["file"]
    if not path.is_file():
        pytest.skip("shared/samples is not beside this checkout")
    both(monkeypatch, path)


def test_a_shape_of_its_own_for_each_way_to_write(monkeypatch) -> None:
    mixed = [one(1), one(2, side="CRDT"), one(3), one(4, side="CRDT"), one(5, status="PDNG")]
    assert both(monkeypatch, lines(*mixed))[1] == 5


@pytest.mark.parametrize(
    ("old", "new", "by_pattern"),
    [
        (b"DS25000000000003", b"NOTPROVIDED", 7),
        (b"DS25000000000003", b" DS25000000000003", 8),  # a shape of its own
        (b"DS25000000000003", b"A&amp;B", 8),
        (b"DS25000000000003", "ĐẶNG ".encode(), 8),
        (b"DS25000000000003", "Đ\u00a0".encode(), 8),
        (b"DS25000000000003", b"", 8),
        (b"500003", b"500003.00", 8),
        (b"500003", b"+500003", 0),
        (b"500003", b"500003.5", 8),
        (b"500003", b"0500003", 8),
        (b"500003", b"1234567890123456789", 0),
        (b"DS25000000000003", b"\xff", 0),
        (b"DS25000000000003", b"\x01", 0),
        (b"DS25000000000003", b"\xef\xbf\xbe", 0),
        (b"DS25000000000003", b"a]]>b", 0),
        (b"DS25000000000003", b"<![CDATA[DS25]]>", 0),
        (b"DS25000000000003", b"DS<!-- --> 25", 0),
        (b"DS25000000000003", b"DS<?x?>25", 0),
        (b"</Ntry>", b"</Ntri>", 0),
        (b"<Ntry>", b"<!-- <Ntry>", 0),
        (b"</Stmt>", b"<!-- </Stmt>", 0),
        (b'encoding="UTF-8"', b'encoding="ISO-8859-1"', 0),
        (b'encoding="UTF-8"', b'encoding="us-ascii"', 0),
    ],
)
def test_what_is_odd_goes_to_the_parser_as_it_is(
    monkeypatch, old: bytes, new: bytes, by_pattern: int
) -> None:
    assert old in MANY
    said, count = both(monkeypatch, MANY.replace(old, new, 1))
    if isinstance(said[-1], list):
        assert count == by_pattern


def test_long_or_endless_entries_are_left_to_the_parser(monkeypatch) -> None:
    long = one(1, inside=f"<AddtlTxInf>{'x' * 9_000}</AddtlTxInf>")
    assert both(monkeypatch, lines(one(2), long, one(3)))[1] == 2
    for odd in (b"<Ntry>" * 40_000, b"<Ntry>" * 40_000 + b"</Ntry>", b"<Ntry>" + b"\n" * 200_000):
        assert both(monkeypatch, MANY.replace(b"</Stmt>", odd + b"</Stmt>"))[0][0] == "xml_broken"


def test_an_entry_that_says_it_was_taken_out_is_not_believed(monkeypatch) -> None:
    for name in ("r0000000000000000", "r"):
        spoilt = MANY.replace(b"<Ntry>", f'<Ntry {name}="1"/><Ntry>'.encode(), 1)
        assert both(monkeypatch, spoilt)[0][0] == "entry_unreadable"


def test_every_cut_is_refused_at_the_same_line(monkeypatch) -> None:
    short = lines(one(1), one(2), one(3))
    for length in range(len(short) - 1):
        assert isinstance(both(monkeypatch, short[:length])[0][0], str)


def test_what_is_altered_anywhere_reads_the_same_or_is_refused_the_same(monkeypatch) -> None:
    chance = random.Random(20_261)
    for _ in range(1_500):
        data = bytearray(MANY)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[at] = chance.randrange(256)
            else:
                end = at + chance.randint(1, 40)
                data[at:end] = chance.choice((b"", bytes(data[at:end]) * 2, b"<Ntry>", b"</Ntry>"))
        both(monkeypatch, bytes(data))
