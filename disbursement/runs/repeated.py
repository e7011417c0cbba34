"""A list prepared twice: what stands is compared with what preparing again would put in its place.

A new version voids the signatures that the standing one has, so it must say something new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection

from disbursement.platform.clock import today
from disbursement.platform.context import Context
from ledger.bulk import stream
from ledger.sql import text

List = tuple[int, str, int]
"""Payer, programme, number: a list whatever its version."""

_HEADS = """
SELECT l.id, l.payer_id, l.programme, l.number, l.law_key, l.rates_sha256, l.settings_sha256,
  l.assessed_vnd FROM pay_list l
"""
_BODIES = (
    "SELECT l.id, d.sub_id, d.cover, d.debit_account, d.credit_account, d.amount, d.rev, "
    "d.due_after FROM pay_list l JOIN draft_line d ON d.journal_id = l.journal_id "
    "WHERE l.id IN ({}) ORDER BY l.id, d.sub_id, d.cover, d.item, d.move",
    "SELECT p.list_id, p.person_id, p.destination_id, p.rail, p.amount_vnd, p.coins, p.hold_reason "
    "FROM payment p WHERE p.list_id IN ({}) ORDER BY p.list_id, p.person_id, p.id",
    "SELECT b.list_id, b.contract_id, b.profile, b.rail, b.lot, b.value_date, r.sub_id, "
    "r.amount_vnd, r.destination_id, r.bank_code, r.name_written FROM batch b "
    "JOIN batch_row r ON r.batch_id = b.id WHERE b.list_id IN ({}) "
    "ORDER BY b.list_id, b.rail, b.lot, r.n",
    "SELECT h.list_id, h.person_id, h.cover, h.kind, h.reason, h.detail, h.amount_vnd "
    "FROM list_hold h WHERE h.list_id IN ({}) "
    "ORDER BY h.list_id, h.person_id, h.cover, h.kind, h.reason",
    "SELECT w.list_id, w.register, w.state, w.as_of, w.max_age_days FROM list_warning w "
    "WHERE w.list_id IN ({}) ORDER BY w.list_id, w.register",
)
"""What people sign: lines, payments, rows of the files, holds, warnings; no number that a version
gives."""


def standing(conn: Connection, payer_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return (list id, last day to sign) of the payers' prepared lists that nobody released."""
    rows = conn.execute(
        text(
            "SELECT id, payer_id, expires_at FROM pay_list "
            "WHERE state IN ('prepared', 'checked', 'second') ORDER BY id"
        )
    )
    wanted = set(payer_ids)
    return [(int(i), str(last)) for i, payer, last in rows if payer in wanted]


def contents(conn: Connection, ctx: Context, lists: Sequence[tuple[int, str]]) -> dict[List, bytes]:
    """Return a digest of each list's contents; nothing where one of them can no longer be signed.

    Such a list is made anew with the same contents, for its new last day.
    """
    now = today(ctx.clock).isoformat()
    return {} if any(last < now for _, last in lists) else digests(conn, [i for i, _ in lists])


def digests(conn: Connection, list_ids: Sequence[int]) -> dict[List, bytes]:
    """Return a digest of the contents of each list, the same for two versions that say the same."""
    if not list_ids:
        return {}
    inside = ",".join(str(int(i)) for i in list_ids)
    keys: dict[int, List] = {}
    found = {}
    for list_id, payer_id, programme, number, *head in conn.execute(
        text(f"{_HEADS} WHERE l.id IN ({inside})")
    ):
        keys[list_id] = (payer_id, programme, number)
        found[list_id] = hashlib.sha256(repr(head).encode())
    for body in _BODIES:
        for row in stream(conn, body.format(inside)):
            found[row[0]].update(repr(row[1:]).encode())
        for digest in found.values():
            digest.update(b"\n")
    return {keys[i]: digest.digest() for i, digest in found.items()}
