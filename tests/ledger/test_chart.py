from __future__ import annotations

import csv
import hashlib
from importlib import resources

from ledger import canon, chart
from ledger.chart import JOURNAL_KINDS, KINDS, MOVES
from ledger.ddl import rule_rows


def test_every_rule_stays_in_one_book_and_in_known_kinds() -> None:
    for debit, credit in MOVES:
        assert KINDS[debit] == KINDS[credit]
    for kind, rule in JOURNAL_KINDS.items():
        assert set(rule.moves) <= set(MOVES), kind
        assert not (rule.roles and rule.evidence), kind
        if rule.book is not None:
            assert all(KINDS[d] == rule.book for d, _ in rule.moves), kind


def test_minting_and_sending_need_four_and_three_people() -> None:
    mints = {k for k, r in JOURNAL_KINDS.items() if ("expense", "payable") in r.moves}
    sends = {k for k, r in JOURNAL_KINDS.items()
             if r.moves & {("payable", "transit"), ("payable", "agent")}}  # fmt: skip
    assert (mints, sends) == ({"list"}, {"batch"})
    assert JOURNAL_KINDS["list"].roles == ("prepare", "check", "sign2", "sign1")
    assert JOURNAL_KINDS["batch"].roles == ("prepare", "sign2", "sign1")


def test_every_pair_is_used_by_some_kind() -> None:
    used = {pair for rule in JOURNAL_KINDS.values() for pair in rule.moves}
    assert used == set(MOVES)


def test_official_accounts_cover_every_kind_in_both_regimes() -> None:
    rows = chart.official_accounts()
    pairs = [(r.kind, r.regime) for r in rows]
    assert len(pairs) == len(set(pairs)) == 2 * len(KINDS)
    assert {r.kind for r in rows} == set(KINDS)
    assert {r.grade for r in rows} == {"inference", "open"}
    # a number that nobody could check against the text is left to the accountant
    assert all(not r.number for r in rows if r.grade == "open")
    assert all(r.number for r in rows if r.regime == "TT 107/2017/TT-BTC" and r.kind in
               {"expense", "payable", "paid", "overpaid"})  # fmt: skip
    assert all(r.source for r in rows)
    raw = resources.files("ledger").joinpath("data/official_accounts.csv").read_text("utf-8")
    assert len(list(csv.reader(raw.splitlines()))) == len(rows) + 1


def test_rule_rows_are_in_canonical_order() -> None:
    for name, rows in rule_rows().items():
        keys = canon.DEFINITION_PARTS[name].key
        columns = canon.DEFINITION_PARTS[name].columns
        at = [columns.index(k) for k in keys]
        assert rows == sorted(rows, key=lambda r: tuple(r[n] for n in at)), name


def test_the_format_is_fixed_by_known_values() -> None:
    """Golden values, computed here by hand from docs/ledger-format.md and nothing else."""
    line = "(4,1,202611,1,2,77,0,0,,,0,810000,810000)"
    assert canon.row_text((4, 1, 202611, 1, 2, 77, 0, 0, None, None, 0, 810_000, 810_000)) == line
    chunk = hashlib.sha256(f"{line}\n".encode()).digest()
    one = (1).to_bytes(4, "big")
    four = (4).to_bytes(4, "big")
    root = hashlib.sha256(b"\x01" + four + b"line" + one + b"1" + chunk).digest()
    chunker = canon.Chunker()
    chunker.add(line)
    assert chunker.root("line") == root
    assert canon.fields((None, 12, "ă", b"\x00")) == (
        b"\xff\xff\xff\xff" + b"\x00\x00\x00\x0212" + b"\x00\x00\x00\x02\xc4\x83"
        + b"\x00\x00\x00\x01\x00"
    )  # fmt: skip
    values = ("journal", 1, bytes(32), root, None, 4, 0)
    body = b"\x01"
    for v in values:
        raw = None if v is None else v if isinstance(v, bytes) else str(v).encode()
        body += b"\xff" * 4 if raw is None else len(raw).to_bytes(4, "big") + raw
    got = canon.journal_hash(
        seq=1, prev_hash=bytes(32), root=root, definitions=None, header=(4,), signatures=()
    )
    assert got == hashlib.sha256(body[: -(4 + 1)] + one + b"0").digest()


def test_chunks_of_a_stream_do_not_depend_on_how_it_arrives() -> None:
    rows = [f"({n})" for n in range(2_345)]
    one, many = canon.Chunker(), canon.Chunker()
    for row in rows:
        one.add(row)
    for at in range(0, len(rows), 700):
        many.add_all(rows[at : at + 700])
    assert one.root("line") == many.root("line")
    assert (one.count, len(one.chunks)) == (2_345, 3)
    assert one.chunks == many.chunks
