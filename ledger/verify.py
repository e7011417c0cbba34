"""Recompute the whole book and name the first record that is not what was sealed.

Nothing stored is believed: chunk digests, roots, hashes, definition digests, account totals and the
head are computed again from the rows; the seal's rules are run over the whole book; every signature
is checked with the key that was recorded when it was made. On SQLite this is the only proof there
is. A chain rewritten as a whole is found by `head`: a hash that somebody outside kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam

from ledger import sealing, verify_rules
from ledger.canon import (
    DEFINITION_PARTS,
    HEADER_COLUMNS,
    SIGNATURE_COLUMNS,
    Chunker,
    definitions_digest,
    genesis,
    journal_hash,
    part_root,
)
from ledger.errors import LedgerError
from ledger.signing import Signature, checks_out
from ledger.sql import text

__all__ = ["Problem", "Report", "verify"]

_BLOCK = 200
MAX_PROBLEMS = 200
RULE_PARTS = ("journal_kind", "kind_role", "kind_move", "move_rule")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `where` is a class: header, line, chunk, account_totals, ...

    `seq` and `journal_id` name the journal, `chunk` the thousand lines (or definitions) within it,
    counted from 0; None where the thing belongs to no journal.
    """

    where: str
    what: str
    seq: int | None = None
    journal_id: int | None = None
    chunk: int | None = None


@dataclass
class Report:
    """What was recomputed and what was found, the first bad journal in the chain's order first.

    At most MAX_PROBLEMS problems are kept; `found` counts all.
    """

    journals: int = 0
    lines: int = 0
    signatures: int = 0
    head_seq: int = 0
    head_hash: bytes = b""
    found: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return self.found == 0

    @property
    def first(self) -> Problem | None:
        """Return the problem earliest in the chain; those outside the chain come last."""
        ranked = sorted(
            self.problems, key=lambda p: (p.seq is None, p.seq or 0, p.chunk is None, p.chunk or 0)
        )
        return ranked[0] if ranked else None

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self.found += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def verify(conn: Connection, *, head: bytes | None = None) -> Report:
    """Recompute everything; reads only, in constant memory.

    `head` is a hash kept outside (printed on a signed list): it must be in the chain, else the
    chain was cut or rewritten.
    """
    report = Report()
    walk = _Walk(conn, report, head)
    walk.run()
    verify_rules.signatures_and_statements(conn, report.add, _count_signature(report))
    verify_rules.leftovers(conn, report.add, walk.counts)
    verify_rules.totals(conn, report.add)
    verify_rules.rules(conn, report.add)
    return report


def _count_signature(report: Report) -> Callable[[Signature, str, bytes | None], bool]:
    def check(signature: Signature, purpose: str, key: bytes | None) -> bool:
        report.signatures += 1
        return checks_out(signature, purpose, key)

    return check


class _Walk:
    """The chain from its first journal to its head."""

    def __init__(self, conn: Connection, report: Report, head: bytes | None) -> None:
        self.conn = conn
        self.report = report
        self.head = head
        self.counts: dict[str, int] = {"line": 0, "chunk": 0, "signature": 0}
        self.counts |= dict.fromkeys(DEFINITION_PARTS, 0)
        self.postgres = conn.dialect.name == "postgresql"

    def run(self) -> None:
        """Walk; then compare the end with the stored head and the one from outside."""
        seq, prev, seen = 0, self._genesis(), self.head is None
        for block in self._blocks():
            facts = self._facts([int(r["journal_id"]) for r in block])
            for row in block:
                self._links(row, seq, prev)
                self._journal(row, facts)
                seq, prev = int(row["seq"]), bytes(row["hash"])
                seen = seen or prev == self.head
        self.report.head_seq, self.report.head_hash = seq, prev
        stored = self.conn.execute(text("SELECT seq, hash, one FROM chain_head")).all()
        if [(int(r[0]), bytes(r[1]), r[2]) for r in stored] != [(seq, prev, 1)]:
            self.report.add(
                Problem("chain_head", f"the stored head is not the last seal (number {seq})")
            )
        if not seen:
            self.report.add(
                Problem(
                    "cut", "the head kept outside is not in this chain: it was cut or rewritten"
                )
            )

    def _genesis(self) -> bytes:
        roots: dict[str, tuple[int, bytes]] = {}
        for part in RULE_PARTS:
            chunker = Chunker()
            for rows in sealing.definition_rows(self.conn, part, 0):
                chunker.add_all(rows)
            roots[part] = (chunker.count, chunker.root(part))
            self.counts[part] += chunker.count
        return genesis(roots)

    def _blocks(self) -> Iterator[list[dict[str, Any]]]:
        columns = ", ".join(f"j.{c}" for c in HEADER_COLUMNS)
        query = text(
            f"SELECT s.journal_id, s.seq, s.prev_hash, s.root, s.hash, {columns} FROM seal s "
            "LEFT JOIN journal j ON j.id = s.journal_id WHERE s.seq > :after "
            f"ORDER BY s.seq LIMIT {_BLOCK}"
        )
        after = -(2**62)
        while rows := self.conn.execute(query, {"after": after}).mappings().all():
            yield [dict(r) for r in rows]
            after = int(rows[-1]["seq"])

    def _links(self, row: dict[str, Any], seq: int, prev: bytes) -> None:
        number, journal = int(row["seq"]), int(row["journal_id"])
        if number != seq + 1:
            self.report.add(
                Problem("seal", f"seal {seq + 1} is missing before {number}", number, journal)
            )
        if bytes(row["prev_hash"]) != prev:
            what = "the rules" if seq == 0 else "the previous journal's hash"
            self.report.add(Problem("link", f"the link does not match {what}", number, journal))

    def _facts(self, ids: list[int]) -> dict[str, dict[int, Any]]:
        """Read what a block of journals needs in a few statements."""
        return {
            "chunks": self._stored_chunks(ids),
            "signatures": self._signatures(ids),
            "lines": self._lines(ids),
        }

    def _rows(self, sql: str, ids: list[int]) -> Sequence[Any]:
        query = text(sql).bindparams(bindparam("ids", expanding=True))
        return self.conn.execute(query, {"ids": ids}).all()

    def _stored_chunks(self, ids: list[int]) -> dict[int, dict[str, list[bytes]]]:
        out: dict[int, dict[str, list[bytes]]] = {}
        for j, part, n, digest in self._rows(
            "SELECT journal_id, part, n, digest FROM chunk WHERE journal_id IN :ids "
            "ORDER BY journal_id, part, n", ids,
        ):  # fmt: skip
            digests = out.setdefault(int(j), {}).setdefault(part, [])
            # a gap in the numbering must not let the later digests move up
            digests.extend([b""] * max(0, min(int(n), len(digests) + 100_000) - len(digests)))
            digests.append(bytes(digest))
            self.counts["chunk"] += 1
        return out

    def _signatures(self, ids: list[int]) -> dict[int, list[tuple[Any, ...]]]:
        out: dict[int, list[tuple[Any, ...]]] = {}
        collate = ' COLLATE "C"' if self.postgres else ""
        for j, *row in self._rows(
            f"SELECT journal_id, {', '.join(SIGNATURE_COLUMNS)} FROM signature "
            f"WHERE journal_id IN :ids ORDER BY journal_id, role{collate}", ids,
        ):  # fmt: skip
            out.setdefault(int(j), []).append(tuple(row))
        return out

    def _lines(self, ids: list[int]) -> dict[int, tuple[tuple[Any, ...], list[bytes]]]:
        """Return per journal (count, first and last line_no, total, covers) and chunk digests."""
        out = {}
        found = self._rows(
            "SELECT journal_id, count(*), min(line_no), max(line_no), sum(amount), min(cover), "
            "max(cover) FROM line WHERE journal_id IN :ids GROUP BY journal_id", ids,
        )  # fmt: skip
        sound = [r for r in found if r[2] == 1 and r[3] == r[1]]
        digests: dict[int, list[bytes]] = {}
        if self.postgres and sound:
            covers = (min(r[5] for r in sound), max(r[6] for r in sound))
            digests = sealing.line_chunks(self.conn, {int(r[0]): int(r[1]) for r in sound}, covers)
        for j, *about in found:
            self.counts["line"] += int(about[0])
            journal = int(j)
            if not self.postgres:
                try:
                    digests[journal] = sealing.sqlite_chunks(self.conn, "line", journal)[1]
                except LedgerError:
                    digests[journal] = []
            out[journal] = (tuple(about), digests.get(journal, []))
        return out

    def _journal(self, row: dict[str, Any], facts: dict[str, dict[int, Any]]) -> None:
        journal, seq = int(row["journal_id"]), int(row["seq"])
        self.report.journals += 1
        if row["id"] is None:
            self.report.add(Problem("journal", "a seal without its journal", seq, journal))
            return
        chunks = facts["chunks"].get(journal, {})
        lines_ok = self._check_lines(row, chunks, facts["lines"].get(journal))
        defined, definitions_ok = self._check_definitions(row, chunks)
        header = [bytes(v) if isinstance(v, memoryview) else v
                  for v in (row[c] for c in HEADER_COLUMNS)]  # fmt: skip
        signatures = [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in s)
            for s in facts["signatures"].get(journal, [])
        ]
        self.counts["signature"] += len(signatures)
        computed = journal_hash(
            seq=seq, prev_hash=bytes(row["prev_hash"]), root=bytes(row["root"]),
            definitions=defined, header=header, signatures=signatures,
        )  # fmt: skip
        if computed != bytes(row["hash"]) and lines_ok and definitions_ok:
            what = "the header, a signature or the seal is not what was sealed"
            self.report.add(Problem("header", what, seq, journal))

    def _check_lines(self, row: dict[str, Any], stored: dict[str, list[bytes]], found: Any) -> bool:
        journal, seq, count = int(row["journal_id"]), int(row["seq"]), int(row["line_count"])
        about, chunks = found or ((0, None, None, 0, None, None), [])
        self.report.lines += int(about[0])
        root = part_root("line", int(about[0]), chunks)
        kept = stored.get("line", [])
        if root == bytes(row["root"]) and about[0] == count:
            if kept != chunks:
                bad = _first_difference(kept, chunks)
                self.report.add(Problem("chunk", "a chunk digest was changed", seq, journal, bad))
            return self._check_control(row, about)
        bad = _first_difference(kept, chunks)
        if kept == chunks and about[0] == count:
            self.report.add(Problem("header", "the root is not that of the lines", seq, journal))
        else:
            what = f"the lines are not what was sealed ({about[0]} of {count})"
            self.report.add(Problem("line", what, seq, journal, bad))
        return False

    def _check_control(self, row: dict[str, Any], about: tuple[Any, ...]) -> bool:
        if int(about[0]) == 0:
            return True
        low, high = row["cover_from"], row["cover_to"]
        inside = low is not None and high is not None and low <= about[4] and about[5] <= high
        if int(about[3]) != int(row["total"]) or not inside:
            what = "the header's total or covered months are not those of its lines"
            self.report.add(Problem("header", what, int(row["seq"]), int(row["journal_id"])))
        return True

    def _check_definitions(
        self, row: dict[str, Any], stored: dict[str, list[bytes]]
    ) -> tuple[bytes | None, bool]:
        journal, seq, fine = int(row["journal_id"]), int(row["seq"]), True
        roots: dict[str, tuple[int, bytes]] = {}
        parts = DEFINITION_PARTS if row["definitions"] else [p for p in stored if p != "line"]
        for part in parts:
            if part not in DEFINITION_PARTS:
                self.report.add(Problem("chunk", f"an unknown part {part}", seq, journal))
                continue
            chunker = Chunker()
            for rows in sealing.definition_rows(self.conn, part, journal):
                chunker.add_all(rows)
            root = chunker.root(part)
            if chunker.count:
                roots[part] = (chunker.count, root)
                self.counts[part] += chunker.count
            if chunker.chunks != stored.get(part, []):
                fine = False
                bad = _first_difference(stored.get(part, []), chunker.chunks)
                what = f"definitions of {part} are not what was sealed"
                self.report.add(Problem(part, what, seq, journal, bad))
        return definitions_digest(roots), fine


def _first_difference(stored: Sequence[bytes], computed: Sequence[bytes]) -> int:
    for n, (a, b) in enumerate(zip(stored, computed, strict=False)):
        if a != b:
            return n
    return min(len(stored), len(computed))
