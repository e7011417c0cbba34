"""Bank files changed at random: never a crash, never a part of a file taken for the whole.

What is called importable is counted again by other means: every entry that the bytes hold is there,
with its amount. A thousand changed files in `make test`; a million in `make soak`
(DISBURSE_SOAK_MUTATIONS sets how many).
"""

from __future__ import annotations

import json
import os
import random
import re
from functools import cache
from pathlib import Path

import pytest

from bank_adapters.answers import parse
from bank_adapters.contract import ParsedAnswer, RefusedFile
from bank_adapters.inspect import inspect_answer
from tests.bank_adapters.build import balance, entry, report, statement, status

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
SHARDS = 8
SOAK = int(os.environ.get("DISBURSE_SOAK_MUTATIONS", "1000000"))

TOKENS = [
    b"<Ntry>", b"</Ntry>", b"<Stmt>", b"</Stmt>", b"<Amt>", b"&", b"&amp;", b"<", b">", b"\x00",
    b"<TxInfAndSts>", b"</TxInfAndSts>", b"<!DOCTYPE x>", b"&lol;", b"\xff\xfe", b"\xef\xbb\xbf",
    b":20:", b":25:X", b":60F:", b":61:", b":62F:C261105VND1,", b":86:", b"\r\n", b"\n", b"\r",
    b"-", b"-}", b"{4:", b"{1:", b",", b".", b"D", b"C", b"R", b"0", b"9", b"1e9", b" ", b"\x1a",
    b"RJCT", b"CRDT", b"DBIT", b"true", b"VND", b"EUR", b"99999999999999999999",
]  # fmt: skip


def mt940(number: int, opening: int, lines: str, closing: int) -> str:
    return (
        f":20:S{number}\r\n:25:10000001\r\n:28C:{number}/1\r\n:60F:C261105VND{opening},\r\n{lines}"
        f":62F:C261105VND{closing},\r\n:64:C261105VND{closing},\r\n-\r\n"
    )


DEBIT = ":61:2611051105D810000,NTRFDS25000000000001//FT1\r\n:86:CHI TRA T11\r\nDONG HAI\r\n"
CREDIT = ":61:2611051105CR70000,NTRFNONREF//FT2\r\nTRA LAI\r\n"


@cache
def seeds() -> list[bytes]:
    """Return good files: made ones, and the published samples where they are at hand."""
    details = "".join(
        f'<TxDtls><Refs><EndToEndId>B{n}</EndToEndId></Refs><Amt Ccy="VND">5</Amt></TxDtls>'
        for n in (1, 2)
    )
    batch = (
        '<Ntry><Amt Ccy="VND">10</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BkTxCd/>'
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )
    made = [
        statement(entry() + entry("540000", "CRDT", e2e="B") + batch, 2_000_000, 1_729_990),
        statement(entry(), 1, -809_999) + statement(entry("9", "CRDT"), -809_999, -809_990),
        statement(batch, 10, 0, extra=balance("CLAV", 0)).decode().replace("UTF-8", "UTF-16")
        .encode("utf-16"),
        report(status("A") + status("B", "ACSP", "") + "<TxInfAndSts/>", "<GrpSts>PART</GrpSts>"),
        mt940(1, 1_000_000, DEBIT + CREDIT, 260_000).encode()
        + mt940(2, 260_000, CREDIT, 330_000).encode(),
        b"{1:F01BFTVVNVXAXXX0001000001}{2:I940BFTVVNVXXXXXN}{4:\r\n"
        + mt940(1, 1_000_000, DEBIT, 190_000).encode()[:-3] + b"-}\r\n",
        b":20:R1\r\n:25:1\r\n:28C:1\r\n:34F:VND0,\r\n:61:261105C7,NMSC\r\n:61:261105D5,NMSC\r\n"
        b":90D:1VND5,\r\n:90C:1VND7,\r\n-\r\n",
    ]  # fmt: skip
    if SAMPLES.exists():
        samples = (p for p in sorted(SAMPLES.glob("[cmp]*/*")) if p.stat().st_size < 8_000)
        made += [p.read_bytes() for p in samples]
    return made


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Change a file in one to three places."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(out) + 1)
        upto = min(len(out), at + rng.choice((1, 2, 5, 20, 200)))
        kind = rng.randrange(7)
        if kind == 0 and out:
            out[at % len(out)] = rng.randrange(256)
        elif kind == 1:
            del out[at:upto]
        elif kind == 2:
            out[at:at] = out[at:upto]
        elif kind == 3:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 4:
            out[at:upto] = rng.choice(TOKENS)
        elif kind == 5:
            piece = out[at:upto]
            del out[at:upto]
            to = rng.randrange(len(out) + 1)
            out[to:to] = piece
        else:
            del out[at:]
    return bytes(out)


_ENTRY_START = re.compile(rb"<(?:[\w.-]+:)?Ntry[\s>/]")
_STATUS_START = re.compile(rb"<(?:[\w.-]+:)?TxInfAndSts[\s>/]")
_NO_MARKUP = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_MT_ENTRY = re.compile(rb"(?m)^[\x01-\x03 \t$}{4:-]*:61:")
"""Behind the marks of a frame an entry may start on their line."""


def narrow(data: bytes) -> bytes:
    """Return the bytes as those of one single-byte set, without what XML says is no markup."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    data = _NO_MARKUP.sub(b"", data)
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def strictly(data: bytes) -> ParsedAnswer | None:
    """Read a file as the books do; None where they refuse it."""
    try:
        return parse(data)
    except RefusedFile:
        return None


def look(data: bytes) -> str:
    """Inspect and parse one file and hold what they say against the bytes; return the outcome."""
    about = inspect_answer(data)
    json.dumps(about)
    if not about["complete"]:
        assert about["errors"]
        assert not about["importable"]
    parsed = strictly(data)
    plain = narrow(data)
    if about["importable"]:
        assert not about["errors"]
        assert all(s["balanced"] != "no" for s in about["statements"])
        entries = sum(s["entries"] for s in about["statements"])
        if about["kind"].startswith("camt"):
            assert entries == len(_ENTRY_START.findall(plain))
        elif about["kind"] == "pain.002":
            assert len(about["transactions"]) == len(_STATUS_START.findall(plain))
        else:
            assert entries == len(_MT_ENTRY.findall(plain))
    if parsed is not None and parsed.kind == "pain.002":
        listed = sum(item.level == "transaction" for item in parsed.statuses())
        assert listed == len(_STATUS_START.findall(plain))
    elif parsed is not None:
        assert about["importable"], about
        for one in parsed.statements():
            for side, total in (("CRDT", one.credit_vnd), ("DBIT", one.debit_vnd)):
                booked = (e for e in one.entries if e.side == side and e.status in {"BOOK", ""})
                assert sum(e.amount_vnd for e in booked) == total
            if one.opening_vnd is not None and one.closing_vnd is not None:
                moved = one.credit_vnd - one.debit_vnd
                assert one.opening_vnd + moved == one.closing_vnd
    return "taken" if about["importable"] else "complete" if about["complete"] else "refused"


def run(seed: int, count: int) -> dict[str, int]:
    rng = random.Random(seed)
    files = seeds()
    seen: dict[str, int] = {}
    for n in range(count):
        data = mutate(rng.choice(files), rng)
        try:
            outcome = look(data)
        except Exception as error:
            error.add_note(f"seed {seed}, file {n}: {data!r}")
            raise
        seen[outcome] = seen.get(outcome, 0) + 1
    return seen


def test_the_files_are_good_before_they_are_changed() -> None:
    assert [look(data) for data in seeds()[:7]] == ["taken"] * 7


def test_an_entry_behind_other_marks_is_no_silent_loss() -> None:
    good = mt940(1, 1_000_000, DEBIT + CREDIT, 260_000).encode()
    assert inspect_answer(good)["importable"]
    for marks in (b":", b"..", b"_ "):
        about = inspect_answer(good.replace(b":61:", marks + b":61:", 1))
        assert (about["complete"], about["importable"]) == (False, False), marks
        assert about["errors"], marks


def test_a_thousand_changed_files() -> None:
    seen = run(20_261_126, 1_000)
    assert min(seen.get(k, 0) for k in ("taken", "complete", "refused")) > 20, seen


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_million_changed_files(shard: int) -> None:
    seen = run(1_000 + shard, SOAK // SHARDS)
    print(f"shard {shard}: {seen}")
    assert seen["refused"] > 0
