"""From register to release: assess, render, sign, post; `python benchmarks/lists.py`.

The register is made by inserts (no import), one third of it social pensions, 76 % with an account;
every name is invented. PostgreSQL: `--db postgres` starts a private cluster unless DATABASE_URL is
set. Prints seconds per stage; the time of making the register is not counted.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, text

from disbursement.entitlements.facts import Birth, Case, facts_json
from disbursement.entitlements.profiles import Profiler
from disbursement.identity.service import create_user, unlock
from disbursement.platform import ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context, open_context
from disbursement.platform.migrate import create_cell
from disbursement.platform.private_pg import private_cluster
from disbursement.platform.settings import Settings
from disbursement.programmes.communes import communes_of
from disbursement.runs import approvals, service
from ledger import chart, definitions, posting
from ledger.bulk import bulk_insert
from ledger.posting import Header

SECRET = "benchmark-passphrase"
ROLES = ("preparer", "checker", "second_signer", "first_signer")
MONTH = 202610


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=40_000)
    parser.add_argument("--payers", type=int)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    args = parser.parse_args()
    payers = args.payers or max(1, round(args.people / 2_700))
    with tempfile.TemporaryDirectory() as folder, database(args.db, Path(folder)) as url:
        settings = Settings.model_validate(
            {"home": Path(folder), "DATABASE_URL": url, "env": "test", "today": "2026-09-24"}
        )
        ctx = open_context(settings)
        try:
            fill(ctx, args.people, payers)
            run(ctx)
        finally:
            ctx.database.dispose()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None
    elif "DATABASE_URL" in os.environ:
        yield os.environ["DATABASE_URL"]
    else:
        with private_cluster(folder / "pg", durable=True) as url:
            yield url


def header(ctx: Context, conn: Connection, key: str) -> Header:
    return Header(
        posting.allot(conn), chart.FINANCIAL, None, "definition", key, MONTH, "2026-09-01",
        stamp(ctx.clock), b"\x01" * 32,
    )  # fmt: skip


def fill(ctx: Context, people: int, payers: int) -> None:
    create_cell(ctx.database, "25", "Phú Thọ", stamp(ctx.clock))
    for n, role in enumerate(ROLES):
        create_user(ctx, role, f"Cán bộ {n}", f"03008000000{n}", [role], SECRET)
    codes = [c.code for c in communes_of("25")][:payers]
    with ctx.cell.begin() as conn:
        _offices(ctx, conn, codes)
        _people(ctx, conn, people, len(codes))
    with ctx.cell.begin() as conn:
        day = date(2026, 1, 5)
        rows = [(c, p, 2026, 10**12, "1", day) for c in codes for p in ("SA", "SP")]
        service.set_budgets(conn, ctx, rows)


def _offices(ctx: Context, conn: Connection, codes: list[str]) -> None:
    keys, base, contract = ctx.keys, 1, 1
    conn.execute(
        text(
            "INSERT INTO provider (id, code, name, rail, bic, profile) "
            "VALUES (1, 'NH', 'Ngân hàng', 'bank', 'ICBVVNVX', 'iso-vn-1')"
        )
    )
    bulk_insert(
        conn,
        "payer",
        ("id", "code", "name", "province_code", "go_live_month", "checker_may_second",
         "scan_required", "created_at"),
        ((base + i, c, f"Xã {c}", "25", MONTH, 0, 0, "") for i, c in enumerate(codes)),
    )  # fmt: skip
    bulk_insert(
        conn,
        "provider_contract",
        ("id", "payer_id", "provider_id", "number", "valid_from", "valid_to",
         "deposit_account_enc", "deposit_account_blind", "deposit_account_last4",
         "fee_basis_points", "pay_day"),
        (
            (contract + i, base + i, 1, "HD", "2026-01-01", None,
             keys.encrypt("provider_contract.deposit_account", contract + i, str(20000000 + i)),
             keys.blind("account", str(i)), "0000", 0, 5)
            for i in range(len(codes))
        ),
    )  # fmt: skip
    accounts = [
        a
        for i, code in enumerate(codes)
        for a in chart.accounts_for(conn, base + i, code, 2026, ["SA", "SP"], ["NH"])
    ]
    definitions.define_accounts(conn, header(ctx, conn, "accounts"), accounts)
    signers = []
    for role in ROLES:
        signer = unlock(ctx, role, SECRET)
        key = conn.execute(
            text("SELECT public_key FROM app_user WHERE id = :i"), {"i": signer.user_id}
        ).scalar_one()
        signers.append(
            definitions.Signer(signer.user_id, signer.person_id, bytes(key), "2026-01-01T00:00:00Z")
        )
    definitions.define_signers(conn, header(ctx, conn, "signers"), signers)


def _people(ctx: Context, conn: Connection, people: int, payers: int) -> None:
    rnd, keys, profiler = random.Random(1), ctx.keys, Profiler(MONTH, 202712)
    first, dest = ids.block(conn, "sub", people), ids.block(conn, "destination", people)
    known: dict[bytes, tuple[int, str]] = {}
    persons, spans, places, cases = [], [], [], []
    for i in range(people):
        pid, payer = first + i, 1 + i * payers // people
        pension = rnd.random() < 0.35
        born = date(rnd.randint(1935, 1950) if pension else rnd.randint(1967, 2005), 5, 5)
        facts = (
            {"programme": "SP", "clause": "SP", "income": "none", "written_request": True,
             "household": "none"}
            if pension
            else {"programme": "SA", "clause": "K6", "degree": "S"}
        )  # fmt: skip
        case = Case(province="25", start_month=MONTH, decision_date=date(2026, 9, 1), **facts)
        for span in profiler.spans([case], Birth.on(born)):
            at = known.setdefault(span.key, (len(known) + 1, facts_json(span.facts)))[0]
            spans.append((pid, span.from_month, span.to_month, payer, at))
        bank = rnd.random() < 0.76
        account = f"19{pid:08d}"
        day = born.isoformat()
        persons.append((pid, payer, "cccd", None, pid.to_bytes(16, "big"), "0000",
                        "Nguyễn Văn Thử", "nguyen van thu", day, day, "male", "00000",
                        f"R{pid}", None, 1))  # fmt: skip
        places.append((
            dest + i, pid, 1, "bank" if bank else "cash", "BFTVVNVX" if bank else "",
            keys.encrypt("destination.account", dest + i, account) if bank else None,
            keys.blind("account", account) if bank else None, "0000", "Nguyễn Văn Thử", "self",
            "2026-01-01", "benchmark",
        ))  # fmt: skip
        cases.append((pid, pid, payer, case.programme, case.clause, "{}", "", "2026-09-01", "",
                      MONTH, None, None, MONTH, "", "self", None, b"0", 0, 1))  # fmt: skip
    for table, rows in (("person", persons), ("destination", places), ("benefit_case", cases)):
        bulk_insert(conn, table, COLUMNS[table], rows)
    bulk_insert(
        conn, "profile", ("id", "digest", "facts"), ((n, k, f) for k, (n, f) in known.items())
    )
    bulk_insert(
        conn, "unit_profile", ("sub_id", "from_month", "to_month", "payer_id", "profile_id"), spans
    )
    subs = [(p[0], "person", p[0], p[0].to_bytes(16, "big"), "SOC", "state") for p in persons]
    definitions.define_subs(conn, header(ctx, conn, "subs"), subs)


COLUMNS = {
    "person": (
        "id", "payer_id", "identity_kind", "identity_enc", "identity_blind", "identity_last4",
        "name", "name_search", "birth_from", "birth_to", "sex", "commune_code", "reference",
        "died_on", "seq",
    ),
    "destination": (
        "id", "person_id", "version", "kind", "bank_code", "account_enc", "account_blind",
        "account_last4", "owner_name", "owner_relation", "usable_from", "source",
    ),
    "benefit_case": (
        "id", "person_id", "payer_id", "programme", "clause", "facts", "decision_number",
        "decision_date", "decision_signer", "start_month", "end_month", "end_cause",
        "opening_month", "payee_name", "payee_relation", "payee_document", "row_digest",
        "import_id", "seq",
    ),
}  # fmt: skip


def run(ctx: Context) -> None:
    signers = {role: unlock(ctx, role, SECRET) for role in ROLES}
    seconds: dict[str, float] = {}
    at = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal at
        now = time.perf_counter()
        seconds[name], at = seconds.get(name, 0) + now - at, now

    with ctx.cell.begin() as conn:
        prepared = service.assess_stage(conn, ctx, MONTH, codes=None, law_on=None)
        lap("assess")
        frozen = service.render_stage(conn, ctx, MONTH, prepared)
        lap("render")
        for row in prepared.lists:
            approvals.sign_list(conn, ctx, row.id, "prepare", signers["preparer"])
    lap("approve")
    service.sign_all(ctx, MONTH, "check", signers["checker"])
    service.sign_all(ctx, MONTH, "sign2", signers["second_signer"])
    lap("approve")
    service.sign_all(ctx, MONTH, "sign1", signers["first_signer"])
    lap("post")
    for name, taken in seconds.items():
        print(f"{name:<10}{taken:8.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{len(prepared.lists)} lists, {len(frozen)} batches, "
        f"{sum(f.payments for f in frozen)} payments, {sum(seconds.values()):.2f} s, {peak} MB"
    )


if __name__ == "__main__":
    main()
