"""Posting speed: signed lists, batches, answers and differences of N lines each, sealed.

`bench_post` works in a schema or file of its own and measures what a month does to the book:
accrue (mint), instruct (leave under carriers), resolve (2 % come back), difference (a rise on a
paid month). Digests, signatures and the seal are inside the measured time, and so is the commit.
"""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from ledger import chart, ddl, definitions, posting, signing
from ledger.bulk import run_script
from ledger.canon import Chunker, row_text
from ledger.posting import CARRIER_BASE, Control, Header, Query

__all__ = ["bench_post", "open_sqlite"]

SCHEMA = "cell_bench_post"
PAYER, PAYER_ID, PROVIDER, LINE, MONTH = "25001", 1, "BANK", "SA", 202611
AMOUNT, RISE = 750_000, 60_000
RECORDED = "2026-11-25T00:00:00Z"
EVIDENCE = hashlib.sha256(b"bench").digest()
_BACK_EVERY = 50  # 2 % come back

LineOf = Callable[[int], tuple[int | None, ...]]


def open_sqlite(path: Path) -> Engine:
    """Return an engine on a SQLite file with the settings that the book needs."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON",
            "busy_timeout=30000", "cache_size=-131072", "temp_store=MEMORY",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _open_postgres(url: str) -> Engine:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET search_path = {SCHEMA}")
        connection.execute("SET jit = off")
        connection.autocommit = False

    return engine


@contextmanager
def _book(target: str) -> Iterator[Engine]:
    """Open a fresh ledger at a PostgreSQL URL or a SQLite path; it goes away afterwards."""
    if "://" not in target:
        path = Path(target)
        if path.exists():
            raise FileExistsError(f"{path} exists; give a path for a new file")
        engine = open_sqlite(path)
        with engine.begin() as conn:
            run_script(conn, ddl.statements("sqlite", None))
            ddl.seed(conn)
        try:
            yield engine
        finally:
            engine.dispose()
            for end in ("", "-wal", "-shm"):
                Path(f"{path}{end}").unlink(missing_ok=True)
        return
    engine = _open_postgres(target)
    drop = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"
    with engine.begin() as conn:
        conn.exec_driver_sql(drop)
        conn.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        run_script(conn, ddl.statements("postgresql", SCHEMA))
        ddl.seed(conn)
    try:
        yield engine
    finally:
        with engine.begin() as conn:
            conn.exec_driver_sql(drop)
        engine.dispose()


class _Bench:
    def __init__(self, engine: Engine, lines: int) -> None:
        self.engine = engine
        self.lines = lines
        self.postgres = engine.dialect.name == "postgresql"
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench key").digest())
        self.stages: dict[str, dict[str, float | int]] = {}
        self.ids: dict[str, int] = {}

    def role(self, conn: Connection) -> None:
        """Drop to the application's role, whose rights the book is posted with."""
        if self.postgres:
            conn.exec_driver_sql("SET LOCAL ROLE disburse_app")

    def header(self, journal: int, kind: str, *, evidence: bool, digest: bytes | None) -> Header:
        return Header(
            journal, chart.FINANCIAL, PAYER_ID, kind, f"{kind}-{journal}", MONTH, "2026-11-25",
            RECORDED, evidence=EVIDENCE if evidence else None, statement_digest=digest,
        )  # fmt: skip

    def prepare(self) -> None:
        with self.engine.begin() as conn:
            conn.exec_driver_sql(
                "CREATE TABLE payroll (no bigint PRIMARY KEY, sub_id bigint NOT NULL)"
            )
            series = (
                f"SELECT g, 1000000 + g FROM generate_series(1, {self.lines}) g"
                if self.postgres
                else f"WITH RECURSIVE g(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g "
                f"WHERE g < {self.lines}) SELECT g, 1000000 + g FROM g"
            )
            conn.exec_driver_sql(f"INSERT INTO payroll {series}")
            if self.postgres:
                conn.exec_driver_sql("GRANT SELECT ON payroll TO disburse_app")
                conn.exec_driver_sql("ANALYZE payroll")
        with self.engine.begin() as conn:
            self.role(conn)
            first = posting.allot(conn, 3)
            define = [self.header(first + n, "definition", evidence=True, digest=None)
                      for n in range(3)]  # fmt: skip
            accounts = chart.accounts_for(conn, PAYER_ID, PAYER, 2026, [LINE], [PROVIDER])
            definitions.define_accounts(conn, define[0], accounts)
            public = self.key.public_key().public_bytes_raw()
            definitions.define_signers(
                conn, define[1],
                [definitions.Signer(u, u, public, "2026-01-01T00:00:00Z") for u in range(1, 5)],
            )  # fmt: skip
            definitions.define_subs(
                conn, define[2],
                definitions.SubQuery(
                    "SELECT sub_id, 'person', sub_id, "
                    + ("'\\x01'::bytea" if self.postgres else "x'01'")
                    + ", 'SOC', 'state' FROM payroll"
                ),
            )  # fmt: skip
            self.ids = chart.account_ids(
                conn,
                {chart.expense(PAYER, LINE, 2026), chart.payable(PAYER),
                 chart.transit(PAYER, PROVIDER), chart.advance(PAYER, PROVIDER)},
            )  # fmt: skip
        self.analyze()

    def analyze(self) -> None:
        """Refresh the planner's statistics, as autovacuum would some seconds later."""
        if self.postgres:
            with self.engine.begin() as conn:
                for table in ("line", "sub", "account"):
                    conn.exec_driver_sql(f"ANALYZE {table}")

    def root(self, journal: int, line_of: LineOf) -> bytes:
        """Return the root these lines will have, as `draft_root` would give it at submit."""
        chunker = Chunker()
        for number in range(1, self.lines + 1):
            chunker.add(row_text((journal, number, *line_of(number))))
        return chunker.root("line")

    def signed(self, conn: Connection, journal: int, kind: str, root: bytes) -> bytes:
        digest = signing.record_statement(conn, journal, kind, f'{{"root":"{root.hex()}"}}')
        for person, role in enumerate(signing.roles_of(kind), 1):
            message = signing.signing_message(journal, kind, role, person, person, digest, RECORDED)
            signing.sign(
                conn, journal, role, person, person, digest, self.key.sign(message), RECORDED
            )
        return digest

    def stage(
        self,
        name: str,
        kind: str,
        sql: Callable[[int], str],
        line_of: Callable[[int], LineOf],
        amount: int,
    ) -> int:
        with self.engine.begin() as conn:
            journal = posting.allot(conn)
        signed = bool(signing.roles_of(kind))
        root = self.root(journal, line_of(journal)) if signed else b""
        control = Control(self.lines, amount * self.lines, MONTH, MONTH)
        start = time.perf_counter()
        with self.engine.begin() as conn:
            self.role(conn)
            digest = self.signed(conn, journal, kind, root) if signed else None
            header = self.header(journal, kind, evidence=not signed, digest=digest)
            query = Query(f"{sql(journal)} FROM payroll ORDER BY sub_id", order_by=None)
            posting.post(conn, header, query, control=control)
        seconds = time.perf_counter() - start
        self.stages[name] = {
            "seconds": round(seconds, 3),
            "rows": self.lines,
            "rows_per_s": round(self.lines / seconds),
            "peak_rss_mb": _peak_rss_mb(),
        }
        self.analyze()
        return journal

    def run(self, *, accrue_only: bool) -> None:
        owed = self.ids[chart.expense(PAYER, LINE, 2026)], self.ids[chart.payable(PAYER)]
        away = self.ids[chart.transit(PAYER, PROVIDER)]
        paid = self.ids[chart.advance(PAYER, PROVIDER)]
        mint = f"SELECT {MONTH}, {owed[0]}, {owed[1]}, sub_id"
        self.stage(
            "accrue", "list",
            lambda _: f"{mint}, 0, 0, NULL, NULL, 0, {AMOUNT}, {AMOUNT}",
            lambda _: lambda n: (
                MONTH, *owed, 1_000_000 + n, 0, 0, None, None, 0, AMOUNT, AMOUNT),
            AMOUNT,
        )  # fmt: skip
        if accrue_only:
            return
        sent = self.stage(
            "instruct", "batch",
            lambda j: f"SELECT {MONTH}, {owed[1]}, {away}, sub_id, 0, 1, "
            f"{j * CARRIER_BASE} + no, 1, NULL, NULL, {AMOUNT}",
            lambda j: lambda n: (
                MONTH, owed[1], away, 1_000_000 + n, 0, 1, j * CARRIER_BASE + n, 1, None, None,
                AMOUNT),
            AMOUNT,
        )  # fmt: skip
        self.stage(
            "resolve", "answer",
            lambda _: f"SELECT {MONTH}, {away}, CASE WHEN no % {_BACK_EVERY} = 0 THEN {owed[1]} "
            f"ELSE {paid} END, sub_id, 0, 2, {sent * CARRIER_BASE} + no, 1, NULL, NULL, {AMOUNT}",
            lambda _: lambda _n: (), AMOUNT,
        )  # fmt: skip
        self.stage(
            "difference", "list",
            lambda _: f"{mint}, 1, 0, NULL, NULL, 1, {AMOUNT + RISE}, {RISE}",
            lambda _: lambda n: (
                MONTH, *owed, 1_000_000 + n, 1, 0, None, None, 1, AMOUNT + RISE, RISE),
            RISE,
        )  # fmt: skip


def _peak_rss_mb() -> int:
    """Return this process's peak resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def bench_post(target: str, lines: int, *, accrue_only: bool = False) -> dict[str, Any]:
    """Post four signed or evidenced journals of `lines` lines each and return the figures.

    `accrue_only` posts the first of them alone.

    `target` is a PostgreSQL URL (of a role that may create schemas and roles; the schema
    `cell_bench_post` is made and dropped) or the path of a SQLite file that does not exist yet.
    Shape: {people, payers, lists, batches, db, stages: {name: {seconds, rows, rows_per_s,
    peak_rss_mb}}, counted_seconds, peak_rss_mb}. Raises ValueError for fewer than 1 or more than
    9,999,999 lines (a carrier numbers one batch's payments with seven digits).
    """
    if not 0 < lines < CARRIER_BASE:
        raise ValueError(f"between 1 and {CARRIER_BASE - 1} lines, not {lines}")
    with _book(target) as engine:
        bench = _Bench(engine, lines)
        bench.prepare()
        bench.run(accrue_only=accrue_only)
    return {
        "people": lines,
        "payers": 1,
        "lists": 2,
        "batches": 1,
        "db": "postgres" if bench.postgres else "sqlite",
        "stages": bench.stages,
        "counted_seconds": round(sum(s["seconds"] for s in bench.stages.values()), 3),
        "peak_rss_mb": _peak_rss_mb(),
    }
