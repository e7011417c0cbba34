"""Freezing batches: rows with their destinations, files rendered before anybody is asked to sign.

A batch is the part of a list (or of a payer's failed payments) that goes to one provider by one
rail. Its rows are append-only from here on; what was decrypted to write the file is digested into
`manifest_root` in the same pass, and the sender recomputes both (coins.md 4).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from bank_adapters import rendering
from bank_adapters.contract import AdapterError, BatchHeader, PaymentRow
from bank_adapters.registry import profile_of
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from disbursement.platform.schema import refresh_statistics
from disbursement.runs.routes import Contract, no_contract, work_routes
from disbursement.runs.routes import contract as contract_of
from ledger import posting
from ledger.bulk import bulk_insert, stream
from ledger.sql import text

MANIFEST_CHUNK = 1_000
WITHDRAWN = "huy"
"""Folder, beside the files of a month, of those whose batch was withdrawn."""
ROW_COLUMNS = (
    "batch_id", "n", "payment_id", "sub_id", "end_to_end_id", "amount_vnd", "coins",
    "destination_id", "bank_code", "name_written", "text_written",
)  # fmt: skip


@dataclass(frozen=True)
class BatchSpec:
    """Which payments go together: a list's, or a payer's failed ones."""

    payer_id: int
    payer_code: str
    payer_name: str
    run_id: int
    list_id: int | None
    programme: str
    month: int
    purpose: str  # first | retry | cash
    rail: str  # bank | wallet | mobile_money | cash
    contract_id: int | None
    """Under which it is sent; None where the payer has none for this rail."""
    lot: int = 1


@dataclass
class Frozen:
    """A frozen batch: counts, dong, digests."""

    id: int
    journal_id: int
    rail: str
    payments: int = 0
    coins: int = 0
    total_vnd: int = 0
    manifest_root: bytes = b""
    file_sha256: bytes | None = None
    file_name: str | None = None
    changes: int = 0


def work_freeze(conn: Connection) -> None:
    """Make the empty work table that says which payment goes into which batch of `freeze`."""
    conn.execute(text("DROP TABLE IF EXISTS work_freeze"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_freeze (spec integer, payment_id bigint PRIMARY KEY)")
    )


def freeze(conn: Connection, ctx: Context, specs: Sequence[BatchSpec]) -> list[Frozen]:
    """Freeze a batch for each spec that has payments in `work_freeze` (spec = its index).

    Writes rows, files and reservations. Raises RefusedError naming the row where a value cannot
    be written, NotNowError where a payer has no contract. A coin is in at most one unsent batch
    (`coin_reserved`).
    """
    if not specs:
        return []
    day = today(ctx.clock)
    refresh_statistics(conn, "payment", "payment_coin")
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_freeze")
    sums = {
        int(r[0]): (int(r[1]), int(r[2]), int(r[3]))
        for r in conn.execute(
            text(
                "SELECT f.spec, count(*), sum(p.coins), sum(p.amount_vnd) FROM work_freeze f "
                "JOIN payment p ON p.id = f.payment_id GROUP BY f.spec"
            )
        )
    }
    contracts: dict[int | None, Contract] = {}
    first_id = ids.block(conn, "batch", len(specs))
    first_journal = posting.allot(conn, len(specs))
    out = []
    with files.synced_together():
        for k, rows in groupby(_rows(conn), key=itemgetter(0)):
            spec = specs[k]
            if spec.contract_id is None:
                raise no_contract(spec.payer_code, day)
            if spec.contract_id not in contracts:
                contracts[spec.contract_id] = contract_of(conn, ctx, spec.contract_id)
            contract = contracts[spec.contract_id]
            frozen = Frozen(first_id + k, first_journal + k, spec.rail, *sums[k])
            on = value_date(spec.month, contract.pay_day, day)
            _Writer(conn, ctx, spec, contract, frozen, on, rows).run()
            out.append(frozen)
    refresh_statistics(conn, "batch_row")
    conn.execute(
        text(
            "INSERT INTO coin_reserved (sub_id, cover, item, batch_id) "
            "SELECT c.sub_id, c.cover, c.item, r.batch_id FROM batch_row r JOIN payment_coin c "
            "ON c.payment_id = r.payment_id WHERE r.batch_id BETWEEN :a AND :b "
            "ORDER BY c.sub_id, c.cover, c.item"
        ),
        {"a": first_id, "b": first_id + len(specs) - 1},
    )
    return out


def _rows(conn: Connection) -> Iterator[Any]:
    """Stream payments with destination and coins: spec, payment, …, cover, item, amount."""
    return stream(
        conn,
        "SELECT f.spec, p.id, p.person_id, p.amount_vnd, p.coins, d.id, d.bank_code, "
        "d.account_enc, d.owner_name, c.cover, c.item, c.amount_vnd FROM work_freeze f "
        "JOIN payment p ON p.id = f.payment_id "
        "JOIN destination d ON d.id = p.destination_id "
        "JOIN payment_coin c ON c.payment_id = p.id "
        "ORDER BY f.spec, p.id, c.cover, c.item",
    )


def value_date(month: int, pay_day: int, day: date) -> date:
    """Return the contract's pay day in the pay month, or tomorrow where that has passed."""
    pay = date(month // 100, month % 100, min(pay_day, 28))
    return pay if pay > day else day + timedelta(days=1)


class _Writer:
    """One pass over the rows: rows into the table, bytes into the file, digest over both."""

    def __init__(
        self,
        conn: Connection,
        ctx: Context,
        spec: BatchSpec,
        contract: Contract,
        frozen: Frozen,
        value_date: date,
        source: Iterator[Any],
    ) -> None:
        self.conn, self.ctx, self.spec = conn, ctx, spec
        self.source = source
        self.covers: set[int] = set()
        self.contract, self.frozen, self.value_date = contract, frozen, value_date
        self.profile = rendering.for_count(profile_of(contract.profile), frozen.payments)
        self.created = stamp(ctx.clock)[:19] + "Z"
        self.message_id = f"DS{ctx.cell.code}B{frozen.journal_id:010d}"
        self.manifest = Manifest()
        self.rows: list[tuple[Any, ...]] = []

    def run(self) -> None:
        spec, frozen, profile = self.spec, self.frozen, self.profile
        if spec.rail == "cash":
            for _ in self._payments():
                pass
        else:
            frozen.file_name = rendering.file_name(profile, self.message_id)
            path = outgoing(self.ctx, spec.month, frozen.file_name)
            try:
                with files.atomic(path) as out:
                    done = self._render(out)
                rendering.check_written(profile, path)
            except AdapterError as error:
                path.unlink(missing_ok=True)
                raise RefusedError(error.code, error.sentence, en=error.en) from error
            frozen.file_sha256 = bytes.fromhex(done)
        frozen.manifest_root = self.manifest.root()
        bulk_insert(self.conn, "batch_row", ROW_COLUMNS, self.rows)
        self._insert_batch()

    def _render(self, out: BinaryIO) -> str:
        spec, frozen, profile = self.spec, self.frozen, self.profile
        sort, purpose = rendering.purposes(profile)
        header = BatchHeader(
            message_id=self.message_id,
            payment_info_id=f"{self.message_id}-1",
            created_at=self.created,
            execution_date=self.value_date,
            debtor_name=rendering.debtor_name(profile, f"UBND {spec.payer_name}"),
            debtor_account=self.contract.deposit_account,
            debtor_bic=self.contract.bic,
            category_purpose=sort,
            purpose=purpose,
            count=frozen.payments,
            total_vnd=frozen.total_vnd,
        )
        return rendering.write(profile, header, self._payments(), out)

    def _payments(self) -> Iterator[PaymentRow]:
        ctx, frozen, cell = self.ctx, self.frozen, self.ctx.cell.code
        carrier = frozen.journal_id * 10_000_000
        month = self.spec.month
        tail = f" CHI TRA THANG {month % 100:02d}/{month // 100}"
        for n, (payment_id, group) in enumerate(groupby(self.source, key=itemgetter(1)), 1):
            parts = list(group)
            _, _, sub_id, amount, coins, dest, bank, account_enc, owner = parts[0][:9]
            self.covers.update(p[9] for p in parts)
            account = (
                ctx.keys.decrypt("destination.account", dest, bytes(account_enc))
                if account_enc is not None
                else ""
            )
            e2e = ids.end_to_end_id(cell, carrier + n)
            row, changes = rendering.prepare(
                self.profile, PaymentRow(n, e2e, amount, bank, account, owner, e2e + tail, e2e)
            )
            frozen.changes += len(changes)
            self.rows.append(
                (frozen.id, n, payment_id, sub_id, e2e, amount, coins, dest, bank, row.name,
                 row.text)
            )  # fmt: skip
            self.manifest.add(
                n, e2e, amount, bank, account, row.name, row.text, dest, [p[9:] for p in parts]
            )
            yield row

    def _insert_batch(self) -> None:
        spec, frozen, contract = self.spec, self.frozen, self.contract
        bulk_insert(
            self.conn,
            "batch",
            (
                "id", "journal_id", "list_id", "run_id", "payer_id", "provider_id", "contract_id",
                "programme", "month", "purpose", "lot", "version", "rail", "profile", "message_id",
                "created_text", "value_date", "payments", "coins", "total_vnd", "cover_from",
                "cover_to", "manifest_root",
                "file_sha256", "file_name", "state", "nonce", "expires_at",
            ),
            [
                (
                    frozen.id, frozen.journal_id, spec.list_id, spec.run_id, spec.payer_id,
                    contract.provider_id, contract.id, spec.programme, spec.month, spec.purpose,
                    spec.lot, 1, spec.rail, self.profile.key, self.message_id, self.created,
                    self.value_date.isoformat(), frozen.payments, frozen.coins, frozen.total_vnd,
                    min(self.covers), max(self.covers), frozen.manifest_root, frozen.file_sha256,
                    frozen.file_name, "held",
                    secrets.token_hex(16),
                    (today(self.ctx.clock) + timedelta(days=40)).isoformat(),
                )
            ],
        )  # fmt: skip


class Manifest:
    """Digest over frozen rows, destinations and coins; SHA-256 of chunks of 1,000 rows."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._chunks: list[bytes] = []

    def add(
        self,
        n: int,
        end_to_end_id: str,
        amount_vnd: int,
        bank: str,
        account: str,
        name: str,
        words: str,
        destination_id: int,
        coins: Sequence[Sequence[int]],
    ) -> None:
        """Add one row; text fields carry their length, so no two rows share a form."""
        parts = ";".join(f"{c[0]}/{c[1]}/{c[2]}" for c in coins)
        self._lines.append(
            f"{n}|{end_to_end_id}|{amount_vnd}|{bank}|{len(account)}:{account}|"
            f"{len(name)}:{name}|{len(words)}:{words}|{destination_id}|{parts}\n"
        )
        if len(self._lines) == MANIFEST_CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._chunks.append(hashlib.sha256("".join(self._lines).encode()).digest())
        self._lines.clear()

    def root(self) -> bytes:
        """Return the digest of all rows added (32 bytes)."""
        if self._lines:
            self._flush()
        return hashlib.sha256(b"manifest/1" + b"".join(self._chunks)).digest()


def outgoing(ctx: Context, month: int, name: str) -> Path:
    """Return where a rendered file waits until the worker sends it."""
    return ctx.settings.files / "out" / str(month) / name


def set_aside_withdrawn(ctx: Context, month: int) -> None:
    """Move the files of a month's withdrawn batches out of the folder of those that are valid.

    They stay as what was once prepared, in `huy/`, where nobody who uploads by hand takes one for
    the file of the version that was signed. After the commit: a file may be moved later, a batch
    must not lose its file to a preparation that is rolled back.
    """
    with ctx.cell.read() as conn:
        names = conn.execute(
            text(
                "SELECT file_name FROM batch WHERE month = :m AND state = 'withdrawn' "
                "AND file_name IS NOT NULL"
            ),
            {"m": month},
        ).scalars()
        found = [path for name in names if (path := outgoing(ctx, month, name)).exists()]
    for path in found:
        aside = path.parent / WITHDRAWN
        aside.mkdir(exist_ok=True)
        path.replace(aside / path.name)


def recompute_manifest(conn: Connection, ctx: Context, batch_id: int) -> bytes:
    """Recompute a frozen batch's manifest from its rows, destinations and coins (F88)."""
    manifest = Manifest()
    rows = stream(
        conn,
        "SELECT r.n, r.end_to_end_id, r.amount_vnd, r.bank_code, d.account_enc, "
        "r.name_written, r.text_written, r.destination_id, c.cover, c.item, c.amount_vnd "
        "FROM batch_row r JOIN destination d ON d.id = r.destination_id "
        "JOIN payment_coin c ON c.payment_id = r.payment_id "
        "WHERE r.batch_id = :b ORDER BY r.n, c.cover, c.item",
        {"b": batch_id},
    )
    for _, group in groupby(rows, key=itemgetter(0)):
        parts = list(group)
        n, e2e, amount, bank, account_enc, name, words, dest = parts[0][:8]
        account = (
            ctx.keys.decrypt("destination.account", dest, bytes(account_enc))
            if account_enc is not None
            else ""
        )
        manifest.add(n, e2e, amount, bank, account, name, words, dest, [p[8:] for p in parts])
    return manifest.root()


def list_specs(conn: Connection, list_ids: Sequence[int], day: date) -> list[BatchSpec]:
    """Return the batches of prepared lists: lots for each provider, one for the cash desk.

    Fills `work_freeze` with their payments, in lots of what the provider's profile takes in one
    file. Each payment goes to the provider of its destination (see `routes`).
    """
    wanted = set(list_ids)
    work_routes(conn, day)
    routed = (
        "JOIN payment p ON p.list_id = l.id AND p.hold_reason = '' "
        "JOIN destination d ON d.id = p.destination_id LEFT JOIN work_route r "
        "ON r.payer_id = l.payer_id AND r.rail = p.rail "
        "AND r.code = CASE WHEN p.rail IN ('wallet', 'mobile_money') THEN d.bank_code ELSE '' END"
    )
    rows = conn.execute(
        text(
            "SELECT l.id, l.payer_id, y.code, y.name, l.run_id, l.programme, l.month, p.rail, "
            "r.contract_id, r.profile, count(*) AS payments FROM pay_list l "
            f"JOIN payer y ON y.id = l.payer_id {routed} WHERE l.state = 'draft' "
            "GROUP BY l.id, l.payer_id, y.code, y.name, l.run_id, l.programme, l.month, p.rail, "
            "r.contract_id, r.profile ORDER BY l.id, p.rail, r.contract_id"
        )
    ).all()
    specs: list[BatchSpec] = []
    starts: list[tuple[int, int, str, int, int]] = []
    for r in rows:
        if r[0] not in wanted:
            continue
        rail, contract_id, count = r[7], r[8], int(r[10])
        size = count if rail == "cash" or r[9] is None else lot_size(r[9], count)
        starts.append((len(specs), r[0], rail, contract_id or 0, size))
        purpose = "cash" if rail == "cash" else "first"
        specs += [
            BatchSpec(r[1], r[2], r[3], r[4], r[0], r[5], r[6], purpose, rail, contract_id, lot)
            for lot in range(1, -(-count // size) + 1)
        ]
    work_freeze(conn)
    conn.execute(text("DROP TABLE IF EXISTS work_spec"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_spec (spec integer, list_id bigint, rail text, "
            "contract_id bigint, size integer)"
        )
    )
    bulk_insert(conn, "work_spec", ("spec", "list_id", "rail", "contract_id", "size"), starts)
    conn.execute(
        text(
            "INSERT INTO work_freeze (spec, payment_id) "
            "SELECT q.spec + (q.k - 1) / q.size, q.id FROM (SELECT s.spec, s.size, p.id, "
            "row_number() OVER (PARTITION BY s.spec ORDER BY p.id) AS k FROM work_spec s "
            f"JOIN pay_list l ON l.id = s.list_id {routed} WHERE p.rail = s.rail "
            "AND coalesce(r.contract_id, 0) = s.contract_id) q"
        )
    )
    return specs


def lot_size(profile: str, count: int) -> int:
    """Return how many of `count` payments a provider is sent in one file or call list."""
    return rendering.lot_size(profile_of(profile), count)
