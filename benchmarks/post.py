"""Posting speed of the ledger, beside django-hordak; `python benchmarks/post.py --db postgres`.

PostgreSQL: a private cluster is started unless DATABASE_URL (a superuser's) is set. Every stage is
repeated; the best counts and the spread of the repeats is the machine's noise. The peer posts the
same amount between two accounts, one transaction per payment, which is its own interface, inside
one database transaction; it runs on PostgreSQL only (its migrations refuse SQLite) and is left out
where it is not installed (`make bench` installs it).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from disbursement.platform.private_pg import private_cluster
from ledger.bench import bench_post

PEER_ROWS = 2_000
_PEER = """
import sys, time
import django
from django.conf import settings
from sqlalchemy.engine import make_url
url = make_url(sys.argv[1])
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": url.host,
               "PORT": url.port, "USER": url.username, "PASSWORD": url.password or "",
               "NAME": url.database}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True, DEFAULT_CURRENCY="VND",
    CURRENCIES=["VND"], HORDAK_DECIMAL_PLACES=0,
)
django.setup()
from django.core.management import call_command
from django.db import transaction
call_command("migrate", verbosity=0)
from hordak.models import Account, Leg
from moneyed import Money
source = Account.objects.create(name="Expense", code="1", type="EX", currencies=["VND"])
target = Account.objects.create(name="Payable", code="2", type="LI", currencies=["VND"])
rows = int(sys.argv[2])
start = time.perf_counter()
with transaction.atomic():
    for _ in range(rows):
        source.transfer_to(target, Money(750000, "VND"))
seconds = time.perf_counter() - start
assert Leg.objects.count() == 2 * rows
print(rows / seconds)
"""


@contextmanager
def postgres() -> Iterator[str]:
    if os.environ.get("DATABASE_URL"):
        yield os.environ["DATABASE_URL"]
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        private_cluster(Path(folder) / "pg", durable=True) as url,
    ):
        yield url


def peer(url: str) -> float | None:
    """Return django-hordak's transactions per second in a database of its own, or None."""
    if importlib.util.find_spec("hordak") is None:
        return None
    plain = make_url(url).set(drivername="postgresql")
    text = plain.render_as_string(hide_password=False)
    with psycopg.connect(text, autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS bench_hordak")
        conn.execute("CREATE DATABASE bench_hordak")
    own = plain.set(database="bench_hordak").render_as_string(hide_password=False)
    try:
        run = subprocess.run(
            [sys.executable, "-c", _PEER, own, str(PEER_ROWS)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        with psycopg.connect(text, autocommit=True) as conn:
            conn.execute("DROP DATABASE bench_hordak")
    return float(run.stdout.split()[-1])


def measure(target: str, lines: int, repeat: int) -> dict[str, Any]:
    runs = []
    for _ in range(repeat):
        if "://" in target:
            runs.append(bench_post(target, lines))
        else:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(bench_post(str(Path(folder) / "post.db"), lines))
    best = dict(runs[0])
    best["stages"] = {
        name: max((r["stages"][name] for r in runs), key=lambda s: s["rows_per_s"])
        for name in runs[0]["stages"]
    }
    best["counted_seconds"] = round(sum(s["seconds"] for s in best["stages"].values()), 3)
    best["peak_rss_mb"] = max(r["peak_rss_mb"] for r in runs)
    best["spread"] = {
        name: [r["stages"][name]["rows_per_s"] for r in runs] for name in best["stages"]
    }
    return best


def show(best: dict[str, Any]) -> None:
    for name, stage in best["stages"].items():
        rates = best["spread"][name]
        noise = 100 * (max(rates) - min(rates)) / max(rates)
        print(
            f"{name:12s} {stage['seconds']:8.2f} s {stage['rows_per_s']:>10,} lines/s"
            f"   spread of {len(rates)} runs: {noise:.0f} %"
        )
    print(f"peak memory of this process: {best['peak_rss_mb']} MB")
    if best.get("peer"):
        ratio = best["stages"]["accrue"]["rows_per_s"] / best["peer"]
        print(
            f"django-hordak: {best['peer']:,.0f} transactions/s; accrue is {ratio:,.0f} times that"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.db == "postgres":
        with postgres() as url:
            best = measure(url, args.lines, args.repeat)
            best["peer"] = peer(url)
    else:
        best = measure("file", args.lines, args.repeat)
    if args.json:
        print(json.dumps(best))
    else:
        show(best)


if __name__ == "__main__":
    main()
