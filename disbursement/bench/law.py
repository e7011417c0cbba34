"""The law in bulk: everybody assessed, compared with the book, and the differences posted.

The register is made by inserts (invented people, their law read from a few thousand different
cases); what is measured is the product's own path: `assess_month`, `draft_lines`, root, four
signatures, seal. Payments, files and papers are not part of it (see `bench month`).
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from disbursement.bench import databases
from disbursement.bench.databases import Kind
from disbursement.bench.stages import Stages
from disbursement.entitlements.facts import Birth, Case, facts_json
from disbursement.entitlements.profiles import Profiler
from disbursement.platform.clock import SetClock, add_months, stamp
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import OurFaultError
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from disbursement.programmes.approved import approved
from disbursement.programmes.communes import communes_of
from disbursement.runs.prepare import (
    ListRow,
    assess_month,
    draft_lines,
    new_lists,
    open_runs,
    payers_of,
)
from ledger import chart, definitions, posting, signing
from ledger.bench import bench_post
from ledger.bulk import bulk_insert
from ledger.posting import Header
from ledger.sql import text

MONTH = 202610
PROVINCE = "25"
DAY = date(2026, 9, 24)
PEOPLE_A_PAYER = 2_700
CASES = 4_000
SEED = 20_261
STAGES = ("sample", "assess", "draft", "post")
MOST_POSTED_ALONE = 9_999_999


def bench_law(
    people: int, *, back_months: int, db: Kind, database_url: str | None = None
) -> dict[str, Any]:
    """Assess, compare and post one month and `back_months` before it for `people`.

    Shape as `bench_month`, and: `lines` posted, `profiles` (distinct facts), `assess_calls`
    (profiles x months they are used in), `post_seconds` (the book alone, the same number of lines
    at once, in the same run) and `ratio` (counted seconds by those). Raises OurFaultError where
    the book does not hold exactly one line per person and month.
    """
    stages = Stages(names=STAGES)
    with (
        tempfile.TemporaryDirectory(prefix="disburse-bench-") as name,
        databases.place(db, Path(name), database_url) as place,
    ):
        stages.after = place.look
        settings = Settings.model_construct(
            home=Path(name) / "home", database_url=place.url, env="demo", cell=PROVINCE, today=None
        )
        settings.home.mkdir()
        ctx = open_context(settings, clock=SetClock(DAY))
        try:
            figures = _Law(ctx, people, back_months, stages).run()
        finally:
            ctx.database.dispose()
    alone = _alone(figures["lines"], db, database_url)
    out = {
        "people": people,
        "back_months": back_months,
        **figures,
        "batches": 0,
        "db": db,
        **stages.as_json(),
        "post_seconds": alone,
        "postgres_peak_rss_mb": place.peak_rss_mb,
    }
    return {**out, "ratio": round(out["counted_seconds"] / alone, 2) if alone else None}


def _alone(lines: int, db: Kind, database_url: str | None) -> float | None:
    """Return the seconds of accruing as many lines in the book alone; None beyond its limit."""
    if not 1 <= lines <= MOST_POSTED_ALONE:
        return None
    with (
        tempfile.TemporaryDirectory(prefix="disburse-bench-") as name,
        databases.place(db, Path(name), database_url) as place,
    ):
        figures = bench_post(place.url or str(Path(name) / "post.db"), lines, accrue_only=True)
    return float(figures["stages"]["accrue"]["seconds"])


@dataclass
class _Law:
    """One installation, filled and measured."""

    ctx: Context
    people: int
    back_months: int
    stages: Stages

    def __post_init__(self) -> None:
        self.first = add_months(MONTH, -self.back_months)
        self.codes = [c.code for c in communes_of(PROVINCE)]
        self.codes = self.codes[: max(1, min(len(self.codes), self.people // PEOPLE_A_PAYER))]
        self.key = Ed25519PrivateKey.generate()

    def run(self) -> dict[str, int]:
        """Fill, assess, draft, post; return counts."""
        ctx, stages = self.ctx, self.stages
        with stages.stage("sample"):
            create_cell(ctx.database, PROVINCE, "Phú Thọ", stamp(ctx.clock))
            with ctx.cell.begin() as conn:
                self._offices(conn)
                profiles = self._people(conn)
                _analyze(conn)
        months = self.people * (1 + self.back_months)
        with ctx.cell.begin() as conn:
            with stages.stage("assess"):
                payers = payers_of(conn, None)
                assess_month(conn, MONTH, payers, DAY, approved(conn, DAY))
            stages.count("assess", months)
            with stages.stage("draft"):
                lists = new_lists(conn, MONTH, payers, open_runs(conn, ctx, MONTH, payers))
                draft_lines(conn, ctx, lists, DAY)
            stages.count("draft", months)
            with stages.stage("post"):
                used = self._post(conn, lists)
        stages.count("post", months)
        with ctx.cell.read() as conn:
            calls, lines, subs = conn.execute(
                text(
                    "SELECT (SELECT count(*) FROM due), count(*), count(DISTINCT sub_id) FROM line "
                    "WHERE rev IS NOT NULL"
                )
            ).one()
        if (lines, subs) != (months, self.people):
            raise OurFaultError("bench_law", f"Ghi {lines} dòng thay vì {months}.")
        return {
            "payers": len(self.codes),
            "lists": used,
            "lines": lines,
            "profiles": profiles,
            "assess_calls": calls,
        }

    def _offices(self, conn: Connection) -> None:
        bulk_insert(
            conn,
            "payer",
            ("id", "code", "name", "province_code", "go_live_month", "checker_may_second",
             "scan_required", "created_at"),
            ((n, c, f"Xã {c}", PROVINCE, self.first, 0, 0, "") for n, c in
             enumerate(self.codes, 1)),
        )  # fmt: skip
        accounts = [
            account
            for n, code in enumerate(self.codes, 1)
            for account in chart.accounts_for(conn, n, code, 2026, ["SA", "SP"], [])
        ]
        definitions.define_accounts(conn, self._header(conn, "accounts"), accounts)
        public = self.key.public_key().public_bytes_raw()
        definitions.define_signers(
            conn,
            self._header(conn, "signers"),
            [definitions.Signer(n, n, public, "2026-01-01T00:00:00Z") for n in range(1, 5)],
        )

    def _header(self, conn: Connection, key: str) -> Header:
        return Header(
            posting.allot(conn), chart.FINANCIAL, None, "definition", key, MONTH, DAY,
            stamp(self.ctx.clock), b"\x01" * 32,
        )  # fmt: skip

    def _people(self, conn: Connection) -> int:
        """Fill person, case, profile, unit and sub, everybody marked as changed; count profiles."""
        conn.execute(
            text(
                "CREATE TEMPORARY TABLE work_kind (k bigint, programme text, clause text, "
                "born text, from_month integer, to_month integer, profile_id bigint)"
            )
        )
        profiles: dict[bytes, tuple[int, str]] = {}
        bulk_insert(
            conn,
            "work_kind",
            ("k", "programme", "clause", "born", "from_month", "to_month", "profile_id"),
            list(self._kinds(profiles)),
        )
        bulk_insert(
            conn, "profile", ("id", "digest", "facts"),
            ((n, key, facts) for key, (n, facts) in profiles.items()),
        )  # fmt: skip
        series = (
            "WITH s AS (SELECT i FROM generate_series(1, :n) i)"
            if conn.dialect.name == "postgresql"
            else "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < :n)"
        )
        kinds = min(CASES, self.people)
        values = {"n": self.people, "k": kinds, "p": len(self.codes), "first": self.first}
        payer = "1 + (s.i - 1) * :p / :n"
        for query in (
            "INSERT INTO person (id, payer_id, identity_kind, identity_last4, name, name_search, "
            "birth_from, birth_to, sex, commune_code, reference, seq) "
            f"{series} SELECT s.i, {payer}, 'none', '0000', 'Nguyễn Văn Thử ' || s.i, "
            "'nguyen van thu ' || s.i, "
            "w.born, w.born, 'male', '00000', 'R' || s.i, 1 FROM s "
            "JOIN (SELECT DISTINCT k, born FROM work_kind) w ON w.k = s.i % :k",
            "INSERT INTO benefit_case (id, person_id, payer_id, programme, clause, facts, "
            "decision_number, decision_date, decision_signer, start_month, opening_month, "
            "payee_name, payee_relation, row_digest, import_id, seq) "
            f"{series} SELECT s.i, s.i, {payer}, w.programme, w.clause, '{{}}', '1', '2026-05-01', "
            f"'', :first, :first, '', 'self', {_bytes(conn)}, 0, 1 FROM s "
            "JOIN (SELECT DISTINCT k, programme, clause FROM work_kind) w ON w.k = s.i % :k",
            "INSERT INTO unit_profile (sub_id, from_month, to_month, payer_id, profile_id) "
            f"{series} SELECT s.i, w.from_month, w.to_month, {payer}, w.profile_id FROM s "
            "JOIN work_kind w ON w.k = s.i % :k ORDER BY s.i, w.from_month",
            "INSERT INTO dirty (sub_id, from_month, why, seq) "
            f"{series} SELECT s.i, :first, '', 1 FROM s WHERE :first < {MONTH}",
        ):
            wanted = {k: v for k, v in values.items() if f":{k}" in query}
            conn.execute(text(query), wanted)
        definitions.define_subs(
            conn,
            self._header(conn, "subs"),
            definitions.SubQuery(
                f"SELECT id, 'person', id, {_bytes(conn)}, 'SOC', 'state' FROM person"
            ),
        )
        return len(profiles)

    def _kinds(self, profiles: dict[bytes, tuple[int, str]]) -> Iterator[tuple[Any, ...]]:
        """Yield the spans of each kind of case, one after the other."""
        rnd = random.Random(SEED)  # noqa: S311 - invented people, the same in every run
        profiler = Profiler(self.first, add_months(MONTH, 14))
        for k in range(min(CASES, self.people)):
            case, born = _kind(rnd, self.first)
            for span in profiler.spans([case], Birth.on(born)):
                entry = (len(profiles) + 1, facts_json(span.facts))
                profile = profiles.setdefault(span.key, entry)[0]
                yield (k, case.programme, case.clause, born.isoformat(), span.from_month,
                       span.to_month, profile)  # fmt: skip

    def _post(self, conn: Connection, lists: Sequence[ListRow]) -> int:
        """Sign and seal every list that has lines, as a release does; return how many."""
        at = stamp(self.ctx.clock)
        journals = {
            int(j) for (j,) in conn.execute(text("SELECT DISTINCT journal_id FROM draft_line"))
        }
        used = [row for row in lists if row.journal_id in journals]
        roots = posting.draft_roots(conn, [row.journal_id for row in used])
        digests = {
            j: signing.record_statement(conn, j, "list", f'{{"root":"{root.root.hex()}"}}')
            for j, root in roots.items()
        }
        for n, role in enumerate(signing.roles_of("list"), 1):
            signing.sign_many(
                conn,
                [
                    signing.Signature(
                        j, role, n, n, digest,
                        self.key.sign(signing.signing_message(j, "list", role, n, n, digest, at)),
                        at,
                    )
                    for j, digest in digests.items()
                ],
            )  # fmt: skip
        for row in used:
            posting.post_draft(
                conn,
                Header(
                    row.journal_id, chart.FINANCIAL, row.payer_id, "list",
                    f"list:{row.journal_id}", MONTH, DAY, at, evidence=None,
                    statement_digest=digests[row.journal_id],
                ),
            )  # fmt: skip
        return len(used)


def _kind(rnd: random.Random, first: int) -> tuple[Case, date]:
    """Return a case and a birth date that give an amount in every month asked about."""
    common: dict[str, Any] = {
        "province": PROVINCE, "start_month": first, "decision_date": date(2026, 5, 1),
    }  # fmt: skip
    pick = rnd.random()
    if pick < 0.35:
        born = date(rnd.randint(1930, 1948), rnd.randint(1, 12), rnd.randint(1, 28))
        return Case(
            programme="SP", clause="SP", income="none", written_request=True, household="none",
            **common,
        ), born  # fmt: skip
    born = date(rnd.randint(1940, 2024), rnd.randint(1, 12), rnd.randint(1, 28))
    common["degree"] = "S" if pick < 0.8 else "ES"
    return Case(programme="SA", clause="K6", **common), born


def _bytes(conn: Connection) -> str:
    return "'\\x01'::bytea" if conn.dialect.name == "postgresql" else "x'01'"


def _analyze(conn: Connection) -> None:
    """Refresh the planner's statistics, as autovacuum would some seconds later."""
    if conn.dialect.name == "postgresql":
        for table in ("person", "benefit_case", "unit_profile", "dirty", "sub", "account"):
            conn.exec_driver_sql(f"ANALYZE {table}")
