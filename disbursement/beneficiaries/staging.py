"""First half of an import: read, validate, seal, and stage by 10,000 rows.

Nothing of the register changes here. Each part is a short transaction of its own, so that the
cash desk never waits for an import (coins.md 22); what a broken-off import left is cleared by the
next one. A row gets the ids it would have as a new person, case and destination: what is sealed
is bound to its row, so it need not be opened and sealed again when the rows are taken over.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from disbursement.beneficiaries.checking import Good, Payer, Rules, check_chunks
from disbursement.beneficiaries.directory import directory_of
from disbursement.beneficiaries.programme_rows import DEAD, Programme
from disbursement.beneficiaries.reader import Chunk, Source, Spool
from disbursement.beneficiaries.rules import Fault, search_form
from disbursement.documents.refused import RefusedRow
from disbursement.entitlements.list_due import LISTED
from disbursement.entitlements.store import ProfileIds, horizon, known_rates
from disbursement.platform import ids
from disbursement.platform.clock import month_of, stamp, today
from disbursement.platform.context import Context
from ledger.bulk import bulk_insert
from ledger.sql import text

STAGE_ROWS = 10_000
STALE_HOURS = 24
STAGING = ("import_row", "import_fault", "import_hold", "import_span", "import_paid", "import_open")

ROW_COLUMNS = (
    "import_id", "n", "state", "known", "person_id", "case_id", "destination_id", "payer_id",
    "who_blind", "identity_kind", "identity_enc", "identity_last4", "unit_key", "name",
    "name_search", "birth_from", "birth_to", "sex", "commune_code", "reference", "programme",
    "clause", "facts", "decision_number", "decision_date", "decision_signer", "start_month",
    "end_month", "end_cause", "opening_month", "payee_name", "payee_relation", "payee_document",
    "dest_kind", "bank_code", "account_enc", "account_blind", "account_last4", "owner_name",
    "owner_relation", "dest_digest", "row_digest",
)  # fmt: skip


@dataclass
class Staged:
    """What was staged: counts, and the original rows put aside."""

    import_id: int
    rows_read: int = 0
    faulty: int = 0
    spool: Spool = field(default_factory=Spool)


def payers_of(conn: Connection) -> dict[str, Payer]:
    """Return every payer by its code."""
    rows = conn.execute(text("SELECT id, code, go_live_month FROM payer"))
    return {code: Payer(int(i), code, int(month)) for i, code, month in rows}


def digest16(*parts: str) -> bytes:
    """Return 16 bytes that stand for these texts (as a JSON array, so no two lists meet)."""
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()


def who_blind(ctx: Context, row: Good) -> bytes:
    """Return the blind index under which a person is found again.

    By number where there is one, else by name, birth, sex and commune: two such rows cannot be
    told apart, and must not be taken for two people.
    """
    if row.identity_kind != "none":
        return ctx.keys.blind("identity", row.identity)
    name = search_form(row.name)
    return ctx.keys.blind(
        "identity_none", f"{name}|{row.birth_from}|{row.birth_to}|{row.sex}|{row.commune}"
    )


class Stager:
    """Stages the rows of one file under `import_id`."""

    def __init__(
        self,
        ctx: Context,
        source: Source,
        import_id: int,
        *,
        only_payer: str | None,
        programme: Programme | None = None,
        merits: Programme | None = None,
    ) -> None:
        """Prepare to read: a list `programme`'s file, or the register's, with rows of `merits`."""
        self.merits = merits
        self.ctx = ctx
        self.source = source
        self.staged = Staged(import_id)
        day = today(ctx.clock)
        with ctx.cell.begin() as conn:
            payers = payers_of(conn)
            self.profiles = ProfileIds(conn)
            last = horizon(conn, month_of(day))
            rates = known_rates(conn)
            banks = directory_of(conn, day)
        self.rules = Rules(
            source.header, ctx.cell.code, payers, day, last, only_payer, rates, programme, banks,
            merits,
        )  # fmt: skip
        self._good: list[Good] = []
        self._bad: list[tuple[int, list[Fault]]] = []
        self._new: dict[bytes, str] = {}

    def run(self) -> Staged:
        """Read to the end. Raises RefusedError for a file that cannot be read whole."""
        for checked in check_chunks(self.rules, self._spooled()):
            self._good += checked.good
            self._bad += checked.bad
            self._new |= checked.profiles
            if len(self._good) + len(self._bad) >= STAGE_ROWS:
                self._stage()
        self._stage()
        return self.staged

    def _spooled(self) -> Iterator[Chunk]:
        for chunk in self.source.chunks:
            self.staged.spool.put(chunk)
            self.staged.rows_read += chunk.count
            yield chunk

    def _stage(self) -> None:
        self.staged.faulty += len(self._bad)
        with self.ctx.cell.begin() as conn:
            self.profiles.learn(conn, self._new)
            self._write(conn, self._good)
            self._write_faults(conn, self._bad)
        self._good, self._bad, self._new = [], [], {}

    def _write(self, conn: Connection, good: Sequence[Good]) -> None:
        if not good:
            return
        import_id = self.staged.import_id
        n = len(good)
        first = (ids.block(conn, "sub", n), ids.block(conn, "case", n), ids.block(conn, "dest", n))
        bulk_insert(
            conn,
            "import_row",
            ROW_COLUMNS,
            (self._values(row, *(f + at for f in first)) for at, row in enumerate(good)),
        )
        profiles = self.profiles
        bulk_insert(
            conn,
            "import_span",
            ("import_id", "n", "from_month", "to_month", "profile_id"),
            (
                (import_id, row.n, first_month, last_month, profiles[key])
                for row in good
                for first_month, last_month, key in row.spans
            ),
        )
        bulk_insert(
            conn,
            "import_hold",
            ("import_id", "n", "kind", "reason", "detail", "fact_digest"),
            (
                (import_id, row.n, *hold, digest16(hold[1], hold[2]).hex())
                for row in good
                for hold in row.holds
            ),
        )
        bulk_insert(
            conn,
            "import_paid",
            ("import_id", "n", "cover", "amount_vnd"),
            (
                (import_id, row.n, month, amount)
                for row in good
                for month, amount in row.paid.items()
            ),
        )

    def _values(self, row: Good, person_id: int, case_id: int, dest_id: int) -> tuple[Any, ...]:
        keys = self.ctx.keys
        who = who_blind(self.ctx, row)
        has_number = row.identity_kind != "none"
        account_blind = (
            keys.blind("account", f"{row.bank_code}{row.account}") if row.account else None
        )
        dest_digest = digest16(
            row.kind, row.bank_code, account_blind.hex() if account_blind else "",
            row.owner_name, row.owner_relation,
        )  # fmt: skip
        row_digest = digest16(
            row.facts, row.payee_name, row.payee_relation, row.payee_document or ""
        )
        clause, cause = row.clause, row.end_cause
        if cause is not None and cause.startswith(DEAD):  # paid for a death: whose, never in clear
            number, day = cause.removeprefix(DEAD).split("/")
            clause, cause = f"{keys.blind('identity', number).hex()}/{clause}", day
        return (
            self.staged.import_id, row.n, 0, 0, person_id, case_id, dest_id,
            self.rules.payers[row.commune].id, who, row.identity_kind,
            keys.encrypt("person.identity", person_id, row.identity) if has_number else None,
            row.identity[-4:], None if has_number else os.urandom(16), row.name,
            search_form(row.name), row.birth_from, row.birth_to, row.sex, row.commune,
            ids.new_reference(), row.programme, clause, row.facts, row.decision_number,
            row.decision_date, row.decision_signer, row.start_month, row.end_month, cause,
            None if not row.paid or row.facts.startswith(LISTED) else min(row.paid),
            row.payee_name, row.payee_relation, row.payee_document, row.kind, row.bank_code,
            keys.encrypt("destination.account", dest_id, row.account) if row.account else None,
            account_blind, row.account[-4:], row.owner_name, row.owner_relation, dest_digest,
            row_digest,
        )  # fmt: skip

    def _write_faults(self, conn: Connection, bad: Sequence[tuple[int, list[Fault]]]) -> None:
        bulk_insert(
            conn,
            "import_fault",
            ("import_id", "n", "k", "sentence"),
            (
                (self.staged.import_id, n, k, f"{where}: {sentence}")
                for n, faults in bad
                for k, (where, sentence) in enumerate(faults)
            ),
        )


def begin_stage(ctx: Context) -> int:
    """Take an import id, and clear what imports broken off a day ago have left."""
    at = stamp(ctx.clock)
    limit = (datetime.fromisoformat(at) - timedelta(hours=STALE_HOURS)).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ"
    )
    with ctx.cell.begin() as conn:
        stale = conn.execute(
            text("SELECT import_id FROM import_stage WHERE started_at < :t"), {"t": limit}
        ).scalars()
        for import_id in list(stale):
            clear_stage(conn, int(import_id))
        import_id = ids.block(conn, "import", 1)
        conn.execute(
            text("INSERT INTO import_stage (import_id, started_at) VALUES (:i, :t)"),
            {"i": import_id, "t": at},
        )
    return import_id


def clear_stage(conn: Connection, import_id: int) -> None:
    """Forget the staged rows of an import.

    Where it is the only one, tables are emptied without a condition, which SQLite does at once.
    """
    others = conn.execute(
        text("SELECT count(*) FROM import_stage WHERE import_id <> :i"), {"i": import_id}
    ).scalar_one()
    limit = " WHERE import_id = :i" if others else ""
    for table in (*STAGING, "import_stage"):
        conn.execute(text(f"DELETE FROM {table}{limit}"), {"i": import_id} if others else {})


def faults_of(conn: Connection, import_id: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, sentences) of every refused row, by row number; streams."""
    found = conn.execute(
        # On the statement, never on the connection: what follows in this transaction is not read.
        text(
            "SELECT n, sentence FROM import_fault WHERE import_id = :i ORDER BY n, k"
        ).execution_options(yield_per=5_000),
        {"i": import_id},
    )
    at: int | None = None
    sentences: list[str] = []
    for n, sentence in found:
        if at is not None and n != at:
            yield at, sentences
            sentences = []
        at = int(n)
        sentences.append(sentence)
    if at is not None:
        yield at, sentences


def refused_rows(conn: Connection, import_id: int, spool: Spool) -> Iterator[RefusedRow]:
    """Yield the refused rows as they came, by row number; streams."""
    for n, sentences in faults_of(conn, import_id):
        yield RefusedRow(n, [cell_words(c) for c in spool.row(n)], sentences)


def cell_words(value: Any) -> str:
    """Write a cell as the text an officer would type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Có" if value else "Không"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value)


def audit(
    conn: Connection, ctx: Context, actor: str, action: str, subject: str, detail: dict[str, Any]
) -> None:
    """Write down who did what, in the same transaction; nothing personal in it."""
    conn.execute(
        text(
            "INSERT INTO audit_event (id, at, actor, action, subject, detail) "
            "VALUES (:i, :at, :by, :a, :s, :d)"
        ),
        {
            "i": ids.block(conn, "audit_event", 1), "at": stamp(ctx.clock), "by": actor,
            "a": action, "s": subject, "d": json.dumps(detail, sort_keys=True),
        },
    )  # fmt: skip
