"""A small book to attack: two providers, two payers, people who sign, on either engine."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from disbursement.platform.migrate import make_roles
from ledger import bench, chart, ddl, definitions, posting, signing
from ledger.bulk import run_script
from ledger.canon import Chunker, row_text
from ledger.chart import FINANCIAL, JOURNAL_KINDS
from ledger.errors import LedgerError
from ledger.posting import CARRIER_BASE, Header, Sealed

RECORDED = "2026-11-25T00:00:00Z"
EVIDENCE = hashlib.sha256(b"the stored original").digest()
LOGIN, PASSWORD = "ledger_test_login", secrets.token_urlsafe(12)
KEYS = {
    person: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"key %d" % person).digest())
    for person in range(1, 9)
}
PAYER, OTHER = "25001", "25002"
# the prototype's names of accounts
CODES = {
    "EXP": chart.expense(PAYER, "SA", 2026),
    "EXP27": chart.expense(PAYER, "SA", 2027),
    "PAY": chart.payable(PAYER),
    "TRA": chart.transit(PAYER, "A"),
    "TRB": chart.transit(PAYER, "B"),
    "ADV": chart.advance(PAYER, "A"),
    "AGT": chart.agent(PAYER, "A"),
    "OVP": chart.overpaid(PAYER),
    "TRE": chart.treasury(PAYER),
    "SUS": chart.suspense(PAYER),
    "FEE": chart.fee(PAYER),
    "LOSS": chart.loss(PAYER),
    "OPEN": chart.opening(PAYER),
    "PAY2": chart.payable(OTHER),
    "AUTH": chart.authority(PAYER, "SA", 2026),
    "AVAIL": chart.available(PAYER, "SA", 2026),
    "COMM": chart.committed(PAYER, "SA", 2026),
    "USED": chart.expended(PAYER, "SA", 2026),
    "CSRC": chart.cash_source(PAYER, "A"),
    "CFREE": chart.cash_free(PAYER, "A"),
    "CHELD": chart.cash_held(PAYER, "A"),
    "CUSED": chart.cash_used(PAYER, "A"),
}
# which kind of journal a first line (debit name, credit name) belongs to
KIND_OF = {
    ("PAY", "TRA"): "batch", ("PAY", "TRB"): "batch", ("PAY", "AGT"): "batch",
    ("TRA", "ADV"): "answer", ("TRA", "PAY"): "answer", ("ADV", "PAY"): "answer",
    ("ADV", "SUS"): "answer", ("SUS", "ADV"): "answer", ("FEE", "ADV"): "answer",
    ("AGT", "ADV"): "handover", ("AGT", "PAY"): "roster_closed", ("ADV", "TRE"): "draw",
    ("TRE", "ADV"): "sendback", ("TRE", "OVP"): "settlement", ("ADV", "OVP"): "settlement",
    ("LOSS", "OVP"): "write_off", ("OVP", "SUS"): "correction", ("EXP", "OPEN"): "opening",
    ("PAY", "PAY2"): "correction", ("AVAIL", "AUTH"): "authority", ("COMM", "AVAIL"): "commit",
    ("AVAIL", "COMM"): "release", ("USED", "COMM"): "release", ("CFREE", "CSRC"): "cash_plan",
    ("CHELD", "CFREE"): "cash_plan",
}  # fmt: skip

# (cover, debit, credit, sub, item, move, carrier key, due_after or (rev, due_after), amount)
Row = tuple[int, str, str, int | None, int | None, int | None, int | None, Any, Any]


class World:
    """One book, its owner and its application; `post` signs what has to be signed."""

    def __init__(self, owner: Engine, app: Engine, again: Callable[[], Engine]) -> None:
        self.owner = owner
        self.app = app
        self.second_connection = again
        self.dialect = owner.dialect.name
        self.carriers: dict[int, tuple[int, int]] = {}
        self.count = itertools.count(1)
        self.ids: dict[str, int] = {}
        self.first = 0
        self._define()

    # -- set-up ---------------------------------------------------------------------------

    def header(self, journal: int, kind: str, **more: Any) -> Header:
        rule = JOURNAL_KINDS[kind]
        base = Header(
            journal, rule.book or FINANCIAL, 1, kind, f"{kind}:{journal}", 202611, "2026-11-25",
            RECORDED, evidence=EVIDENCE if rule.evidence else None,
        )  # fmt: skip
        return replace(base, **more)

    def _define(self) -> None:
        with self.app.begin() as conn:
            self.first = posting.allot(conn, 3)
            wanted = chart.accounts_for(conn, 1, PAYER, 2026, ["SA"], ["A", "B"])
            wanted += [
                chart.AccountDef(CODES["EXP27"], "expense", 1, 2027),
                *chart.accounts_for(conn, 2, OTHER, 2026, ["SA"], ["A"]),
            ]
            header = self.header(self.first, "definition", payer_id=None)
            definitions.define_accounts(conn, header, wanted)
            signers = [
                definitions.Signer(p, p, k.public_key().public_bytes_raw(), "2026-01-01T00:00:00Z")
                for p, k in KEYS.items()
            ]
            definitions.define_signers(
                conn, self.header(self.first + 1, "definition", payer_id=None), signers
            )
            self.define_subs(conn, range(1, 601), self.first + 2)
            self.ids = dict(self._ids(conn))

    def _ids(self, conn: Connection) -> dict[str, int]:
        found = chart.account_ids(conn, set(CODES.values()))
        return {name: found[code] for name, code in CODES.items()}

    def define_subs(self, conn: Connection, numbers: Iterable[int], journal: int) -> Sealed:
        rows = [(n, "person", n, b"key %d" % n, "SOC", "state") for n in numbers]
        return definitions.define_subs(
            conn, self.header(journal, "definition", payer_id=None), rows
        )

    # -- posting --------------------------------------------------------------------------

    def lines(
        self, journal: int, rows: Sequence[Row], carriers: Sequence[tuple[int, int]]
    ) -> list[Any]:
        for number, (key, of_n) in enumerate(carriers):
            self.carriers[key] = (journal * CARRIER_BASE + number, of_n)
        out = []
        for cover, debit, credit, sub, item, move, carrier, due, amount in rows:
            sent = self.carriers.get(carrier, (None, None)) if carrier is not None else (None, None)
            rev, after = due if isinstance(due, tuple) else (None if due is None else item, due)
            out.append(
                (cover, self.ids[debit], self.ids[credit], sub, item, move, *sent, rev, after,
                 amount)
            )  # fmt: skip
        return out

    def allot(self, n: int = 1) -> int:
        with self.app.begin() as conn:
            return posting.allot(conn, n)

    def sign(
        self, conn: Connection, journal: int, kind: str, root: bytes,
        people: Sequence[tuple[str, int, int]] | None = None,
    ) -> bytes:  # fmt: skip
        """Record a statement with the root and sign it; `people`: (role, person, seat)."""
        digest = signing.record_statement(conn, journal, kind, f"v1 root={root.hex()}")
        if people is None:
            people = [(r, p, 0) for p, r in enumerate(signing.roles_of(kind), 1)]
        for role, person, seat in people:
            self.sign_one(conn, journal, kind, digest, role, person, seat)
        return digest

    def sign_one(
        self, conn: Connection, journal: int, kind: str, digest: bytes, role: str, person: int,
        seat: int = 0,
    ) -> None:  # fmt: skip
        about = (journal, kind, role, person, person, digest, RECORDED, seat)
        sig = KEYS[person].sign(signing.signing_message(*about))
        signing.sign(conn, journal, role, person, person, digest, sig, RECORDED, seat)

    def post(
        self, rows: Sequence[Row], carriers: Sequence[tuple[int, int]] = (), *,
        kind: str | None = None, journal: int | None = None, **more: Any,
    ) -> Sealed:  # fmt: skip
        """Post one journal in a transaction of its own; raises LedgerError if refused."""
        kind = kind or KIND_OF.get((rows[0][1], rows[0][2]), "list")
        before = dict(self.carriers)
        journal = journal or self.allot()
        lines = self.lines(journal, rows, carriers)
        try:
            with self.app.begin() as conn:
                return self._post(conn, kind, journal, lines, more)
        except Exception as error:
            self.carriers = before
            known = translate(error)
            if known is None or known is error:
                raise
            raise known from error

    def _post(
        self, conn: Connection, kind: str, journal: int, lines: list[Any], more: dict[str, Any]
    ) -> Sealed:
        if signing.roles_of(kind):
            more = {
                "statement_digest": self.sign(conn, journal, kind, root_of(journal, lines)),
                **more,
            }
        header = self.header(journal, kind, **more)
        return posting.post(conn, header, lines)

    def furnish(self) -> None:
        """Put at least one row into every protected table, and every kind of column to use."""
        gl = (None, None, None, None, None)
        self.post([(202610, "EXP", "OPEN", 500, 0, 0, None, 750_000, 750_000)])
        self.post([(202611, "EXP", "PAY", s, 0, 0, None, 810_000, 810_000) for s in (500, 501)])
        both = [(202611, "PAY", "TRA", s, 0, 1, 900, None, 810_000) for s in (500, 501)]
        self.post(both, [(900, 2)])
        drawn = self.post([(202611, "ADV", "TRE", *gl, 2_000_000)])
        back = [(202611, "TRE", "ADV", *gl, 2_000_000)]
        self.post(back, kind="correction", reverses_id=drawn.journal_id)
        first = self.allot(4)
        with self.app.begin() as conn:
            for n, (kind, more) in enumerate(
                (("definition", {}), ("definition", {}), ("period_open", {"month": 202501}),
                 ("period_close", {"month": 202501}))
            ):  # fmt: skip
                header = self.header(first + n, kind, payer_id=None, **more)
                if n == 0:
                    definitions.define_policies(conn, header, [definitions.Policy(2, True)])
                elif n == 1:
                    closed = chart.account_ids(conn, [chart.cash(OTHER)])
                    definitions.close_accounts(conn, header, list(closed.values()))
                else:
                    definitions.move_period(conn, header, "open" if n == 2 else "closed")

    def balance(self, name: str) -> int:
        with self.app.connect() as conn:
            row = conn.execute(
                text("SELECT debit - credit FROM account WHERE id = :i"), {"i": self.ids[name]}
            ).one()
            return int(row[0])

    def state(self) -> list[tuple[str, Any]]:
        """Everything that a refused posting must leave as it was."""
        with self.app.connect() as conn:
            out = [(t, conn.execute(text(f"SELECT count(*) FROM {t}")).scalar_one())
                   for t in ddl.PROTECTED]  # fmt: skip
            head = conn.execute(text("SELECT seq, hash FROM chain_head")).one()
            totals = conn.execute(text("SELECT id, debit, credit FROM account ORDER BY id")).all()
            return [
                *out,
                ("head", (head[0], bytes(head[1]))),
                ("totals", tuple(map(tuple, totals))),
            ]

    def raw(self, *statements: str, engine: Engine | None = None) -> None:
        """Run SQL as the application (or through another engine), in one transaction."""
        with (engine or self.app).begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement.replace("%", "%%")
                                     if self.dialect == "postgresql" else statement)  # fmt: skip


def translate(error: Exception) -> LedgerError | None:
    from ledger import errors

    return error if isinstance(error, LedgerError) else errors.translate(error)


def root_of(journal: int, lines: Iterable[Sequence[Any]]) -> bytes:
    chunker = Chunker()
    for number, row in enumerate(lines, 1):
        chunker.add(row_text((journal, number, *row)))
    return chunker.root("line")


# -- engines ----------------------------------------------------------------------------------


def sqlite_world(path: Path) -> World:
    engine = bench.open_sqlite(path)

    @event.listens_for(engine, "connect")
    def _fast(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with engine.begin() as conn:
        run_script(conn, ddl.statements("sqlite", None))
        ddl.seed(conn)

    def again() -> Engine:
        """A careless second connection: none of our pragmas."""
        return create_engine(f"sqlite:///{path}", poolclass=NullPool)

    return World(engine, engine, again)


_LOGIN_LOCK = threading.Lock()


def _engine(url: Any, schema: str, *, role: str | None) -> Engine:
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET search_path = {schema}")
        connection.execute("SET jit = off")
        if role:
            connection.execute(f"SET ROLE {role}")
        connection.autocommit = False

    return engine


def postgres_world(url: str) -> World:
    """A cell in a schema of its own; the application logs in as a mere member of its role."""
    schema = f"cell_{uuid.uuid4().hex[:8]}"
    admin = make_url(url)
    owner = _engine(admin, schema, role=None)
    with owner.begin() as conn:
        conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
        make_roles(conn)  # another worker makes them this instant
        run_script(conn, ddl.statements("postgresql", schema))
        ddl.seed(conn)
    login = f"{LOGIN}_{schema}"
    with psycopg.connect(
        admin.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as raw:
        raw.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE disburse_app")
    mine = admin.set(username=login, password=PASSWORD)
    app = _engine(mine, schema, role="disburse_app")
    return World(owner, app, lambda: _engine(mine, schema, role=None))
