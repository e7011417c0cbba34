"""The canonical bytes under every digest of the book. docs/ledger-format.md describes them.

Two encodings, both injective. *Fields*: each value as four bytes of length (big-endian, -1 for
NULL) and its bytes (UTF-8 text, decimal integers, raw digests). *Rows*: a row of integers as
PostgreSQL writes a composite, `(1,2,,3)`, NULL as nothing; definition rows as values joined by
commas, where every text column is restricted to characters without a comma and bytes are in hex.
Rows end with LF and are digested in chunks of 1,000; a part's root is the digest over its chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "CHUNK_ROWS",
    "DEFINITION_PARTS",
    "HEADER_COLUMNS",
    "LINE_COLUMNS",
    "SIGNATURE_COLUMNS",
    "VERSION",
    "Chunker",
    "Part",
    "definitions_digest",
    "fields",
    "genesis",
    "journal_hash",
    "part_root",
    "row_text",
]

VERSION = b"\x01"
CHUNK_ROWS = 1_000

LINE_COLUMNS = (
    "journal_id", "line_no", "cover", "debit_account", "credit_account", "sub_id", "item", "move",
    "carrier", "of_n", "rev", "due_after", "amount",
)  # fmt: skip
HEADER_COLUMNS = (
    "id", "book", "payer_id", "kind", "idem_key", "month", "cover_from", "cover_to",
    "effective_date", "recorded_at", "reverses_id", "evidence", "statement_digest", "line_count",
    "total", "definitions",
)  # fmt: skip
SIGNATURE_COLUMNS = (
    "role", "seat", "person_id", "user_id", "statement_digest", "sig", "signed_at",
)  # fmt: skip

Value = int | str | bytes | None


@dataclass(frozen=True)
class Part:
    """One table of definitions: how its rows are put in order and written."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    text_keys: frozenset[str] = field(default_factory=frozenset)
    bytes_columns: frozenset[str] = field(default_factory=frozenset)

    def row_sql(self, dialect: str) -> str:
        """Return the SQL expression of a row's canonical text."""
        return " || ',' || ".join(self._column(c, dialect) for c in self.columns)

    def _column(self, name: str, dialect: str) -> str:
        if name in self.bytes_columns:
            hexed = f"encode({name}, 'hex')" if dialect == "postgresql" else f"lower(hex({name}))"
            return f"coalesce({hexed}, '')"
        return f"coalesce(CAST({name} AS text), '')"

    def order_sql(self, dialect: str) -> str:
        """Return the ORDER BY list; text by bytes on both engines."""
        collate = ' COLLATE "C"' if dialect == "postgresql" else ""
        return ", ".join(k + (collate if k in self.text_keys else "") for k in self.key)


# In this order their roots enter the header.
DEFINITION_PARTS: Mapping[str, Part] = {
    "account": Part(
        "account",
        ("id",),
        ("id", "book", "code", "kind", "payer_id", "budget_year", "dr_limited", "cr_limited"),
    ),
    "sub": Part(
        "sub",
        ("id",),
        ("id", "unit_kind", "unit_id", "unit_key", "owed_group", "source"),
        bytes_columns=frozenset({"unit_key"}),
    ),
    "signer": Part(
        "signer",
        ("user_id", "valid_from"),
        ("user_id", "person_id", "public_key", "valid_from"),
        frozenset({"valid_from"}),
        frozenset({"public_key"}),
    ),
    "payer_policy": Part("payer_policy", ("payer_id",), ("payer_id", "checker_may_second")),
    "period_move": Part(
        "period_move",
        ("book", "payer_id", "month", "n"),
        ("book", "payer_id", "month", "n", "state"),
    ),
    "account_closed": Part("account_closed", ("account_id",), ("account_id",)),
    "journal_kind": Part(
        "journal_kind", ("kind",), ("kind", "book", "needs_evidence"), frozenset({"kind"})
    ),
    "kind_role": Part("kind_role", ("kind", "n"), ("kind", "n", "role"), frozenset({"kind"})),
    "kind_move": Part(
        "kind_move",
        ("kind", "from_kind", "to_kind"),
        ("kind", "from_kind", "to_kind"),
        frozenset({"kind", "from_kind", "to_kind"}),
    ),
    "move_rule": Part(
        "move_rule",
        ("from_kind", "to_kind"),
        ("from_kind", "to_kind", "shape"),
        frozenset({"from_kind", "to_kind"}),
    ),
}


def fields(values: Iterable[Value]) -> bytes:
    """Return the field encoding: length and bytes of each value."""
    out = bytearray()
    for value in values:
        if value is None:
            out += b"\xff\xff\xff\xff"
            continue
        raw = bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
        out += len(raw).to_bytes(4, "big") + raw
    return bytes(out)


def row_text(values: Sequence[Value]) -> str:
    """Return a line's canonical text, as PostgreSQL writes a composite of integers."""
    return "(" + ",".join(["" if v is None else str(v) for v in values]) + ")"


@dataclass
class Chunker:
    """Digests a stream of canonical rows, 1,000 at a time; `chunks` grows by 32 bytes each."""

    count: int = 0
    chunks: list[bytes] = field(default_factory=list)
    _held: list[str] = field(default_factory=list)

    def add(self, row: str) -> None:
        """Take one row."""
        self._held.append(row)
        self.count += 1
        if len(self._held) == CHUNK_ROWS:
            self._flush()

    def add_all(self, rows: Sequence[str]) -> None:
        """Take many rows at once; exactly like `add` for each."""
        at = 0
        while at < len(rows):
            room = CHUNK_ROWS - len(self._held)
            self._held.extend(rows[at : at + room])
            at += room
            if len(self._held) >= CHUNK_ROWS:
                self._flush()
        self.count += len(rows)

    def _flush(self) -> None:
        if self._held:
            self._held.append("")
            self.chunks.append(hashlib.sha256("\n".join(self._held).encode()).digest())
            self._held.clear()

    def root(self, part: str) -> bytes:
        """Close the last chunk and return the root."""
        self._flush()
        return part_root(part, self.count, self.chunks)


def part_root(part: str, count: int, chunks: Iterable[bytes]) -> bytes:
    """Return the root of one part (`line`, `account`, ...): version, name, count, chunk digests."""
    return hashlib.sha256(VERSION + fields((part, count)) + b"".join(chunks)).digest()


def definitions_digest(roots: Mapping[str, tuple[int, bytes]]) -> bytes | None:
    """Return the digest over the roots (count, root) of the parts present; None where none are."""
    present = [
        value
        for name in DEFINITION_PARTS
        if name in roots
        for value in (name, roots[name][0], roots[name][1])
    ]
    return hashlib.sha256(VERSION + fields(present)).digest() if present else None


def journal_hash(
    *,
    seq: int,
    prev_hash: bytes,
    root: bytes,
    definitions: bytes | None,
    header: Sequence[Value],
    signatures: Sequence[Sequence[Value]],
) -> bytes:
    """Return the hash of a sealed journal, the next journal's `prev_hash`.

    `header` in the order of HEADER_COLUMNS, each signature in that of SIGNATURE_COLUMNS, ordered by
    role (bytes of the name).
    """
    body = VERSION + fields(("journal", seq, prev_hash, root, definitions, *header))
    body += fields((len(signatures),))
    for signature in signatures:
        body += fields(signature)
    return hashlib.sha256(body).digest()


def genesis(roots: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Return the first `prev_hash`: a digest over the rules a cell starts with."""
    digest = definitions_digest(roots)
    return hashlib.sha256(VERSION + fields(("genesis", digest))).digest()
