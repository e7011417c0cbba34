"""Statements and signatures: what people sign, in which order, with which key.

Rows may come before their journal (ids are allotted at submit). The database enforces the order of
roles and different persons; the Ed25519 value is checked here before it is stored and again by
`ledger.verify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, bindparam

from ledger.bulk import bulk_insert
from ledger.canon import SIGNATURE_COLUMNS, fields
from ledger.chart import JOURNAL_KINDS
from ledger.errors import LedgerError, refusals
from ledger.sql import text

__all__ = [
    "Signature",
    "checks_out",
    "record_statement",
    "record_statements",
    "roles_of",
    "sign",
    "sign_many",
    "signing_message",
    "statement_digest",
]

_BLOCK = 500


class Signature(NamedTuple):
    """One signature row; `signed_at` in UTC as ISO text, `sig` 64 bytes of Ed25519."""

    journal_id: int
    role: str
    person_id: int
    user_id: int
    statement_digest: bytes
    sig: bytes
    signed_at: str
    seat: int = 0


def roles_of(kind: str) -> tuple[str, ...]:
    """Return who signs a kind of journal, in order; empty where nobody does."""
    return JOURNAL_KINDS[kind].roles


def statement_digest(body: str) -> bytes:
    """Return the SHA-256 of a statement's UTF-8 bytes."""
    return hashlib.sha256(body.encode()).digest()


def signing_message(
    journal_id: int,
    purpose: str,
    role: str,
    person_id: int,
    user_id: int,
    digest: bytes,
    signed_at: str,
    seat: int = 0,
) -> bytes:
    """Return the bytes that are signed with Ed25519: every column of the signature row.

    A signature can therefore not be moved to another journal, role, person or time.
    """
    return b"disburse-signature-1" + fields(
        (journal_id, purpose, role, seat, person_id, user_id, digest, signed_at)
    )


def record_statement(conn: Connection, journal_id: int, purpose: str, body: str) -> bytes:
    """Store what will be signed for an allotted journal id and return its digest.

    `purpose` is the journal's kind; `body` must contain the journal's root in lower-case hex, or
    the seal refuses. Append-only: an edited document gets a new journal id.
    """
    record_statements(conn, [(journal_id, purpose, body)])
    return statement_digest(body)


def record_statements(conn: Connection, rows: Sequence[tuple[int, str, str]]) -> int:
    """Store many (journal_id, purpose, body)."""
    with refusals():
        return bulk_insert(
            conn,
            "statement",
            ("journal_id", "purpose", "body", "digest"),
            ((j, purpose, body, statement_digest(body)) for j, purpose, body in rows),
        )


def sign(
    conn: Connection,
    journal_id: int,
    role: str,
    person_id: int,
    user_id: int,
    statement_digest: bytes,
    sig: bytes,
    signed_at: str,
    seat: int = 0,
) -> None:
    """Store one signature; see `sign_many`."""
    sign_many(
        conn,
        [Signature(journal_id, role, person_id, user_id, statement_digest, sig, signed_at, seat)],
    )


def sign_many(conn: Connection, signatures: Sequence[Signature]) -> int:
    """Store signatures, each over `signing_message`; several journals in one act.

    Refused (LedgerError): a value that the signer's recorded key did not make
    (`bad_signature`), an earlier role missing (`role_order`), the same person twice
    (`same_person`), another digest than the statement's (`statement`), a sealed journal (`sealed`).
    """
    with refusals():
        purposes = _purposes(conn, {s.journal_id for s in signatures})
        keys: dict[tuple[int, int, str], bytes | None] = {}
        for s in signatures:
            about = (s.user_id, s.person_id, s.signed_at)
            if about not in keys:
                keys[about] = _key(conn, *about)
            if s.journal_id not in purposes:
                raise LedgerError(
                    f"no statement is recorded for journal {s.journal_id}", code="statement"
                )
            if not checks_out(s, purposes[s.journal_id], keys[about]):
                raise LedgerError(
                    f"the signature of role {s.role} on journal {s.journal_id} was not made with "
                    "the key recorded for this user",
                    code="bad_signature",
                )
        columns = ("journal_id", *SIGNATURE_COLUMNS)
        return bulk_insert(
            conn, "signature", columns, ([getattr(s, c) for c in columns] for s in signatures)
        )


def checks_out(s: Signature, purpose: str, public_key: bytes | None) -> bool:
    """Tell whether the value is this key's over this row."""
    if not public_key:
        return False
    message = signing_message(
        s.journal_id, purpose, s.role, s.person_id, s.user_id, s.statement_digest, s.signed_at,
        s.seat,
    )  # fmt: skip
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(s.sig, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _purposes(conn: Connection, ids: set[int]) -> dict[int, str]:
    query = text("SELECT journal_id, purpose FROM statement WHERE journal_id IN :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    wanted, out = sorted(ids), {}
    for at in range(0, len(wanted), _BLOCK):
        found = conn.execute(query, {"ids": wanted[at : at + _BLOCK]})
        out.update({int(j): str(purpose) for j, purpose in found})
    return out


def _key(conn: Connection, user_id: int, person_id: int, signed_at: str) -> bytes | None:
    collate = ' COLLATE "C"' if conn.dialect.name == "postgresql" else ""
    row = conn.execute(
        text(
            "SELECT public_key, person_id FROM signer WHERE user_id = :u "
            f"AND valid_from{collate} <= :t ORDER BY valid_from{collate} DESC LIMIT 1"
        ),
        {"u": user_id, "t": signed_at},
    ).first()
    return bytes(row[0]) if row is not None and row[1] == person_id else None
