"""Posting speed of the ledger, beside django-hordak; `python -m benchmarks.post --db postgres`.

PostgreSQL: a private cluster is started unless DATABASE_URL (a superuser's) is set. Every stage is
repeated; the best counts and the spread of the repeats is the machine's noise. The peer is left
out on SQLite, which it does not run on, and where it is not installed (`make bench` installs it).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __package__ in {None, ""}:  # run as a file: the checkout is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure, peers
from disbursement.platform.private_pg import private_cluster
from ledger.bench import bench_post

# name of the row, program of benchmarks.child, how many transactions (the rate is what counts)
PEERS = (
    ("django-hordak, transfer_to", "hordak_transfer", 2_000),
    ("django-hordak, bulk_create", "hordak_bulk", 20_000),
)


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


def peer_figures(url: str, repeat: int) -> dict[str, Any]:
    """Post with django-hordak in a database of its own; {} where it is not installed."""
    found = {}
    for name, program, rows in PEERS:
        if "django-hordak" not in peers.missing():
            with peers.hordak_database(url) as own:
                arguments = [program, str(rows), str(repeat)]
                found[name] = measure.child("benchmarks.child", arguments, {peers.DATABASE: own})
    return found


def run(target: str, lines: int, repeat: int) -> dict[str, Any]:
    """Return the best of the repeats, and the rates of all of them under `spread`."""
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


def figures(best: dict[str, Any]) -> list[measure.Figure]:
    """Return one row per stage and one per way of the peer."""
    section = f"Posting on {best['db']}"
    rows = [
        measure.Figure(
            section, f"ledger, {name}", True, stage["rows"],
            tuple(best["spread"][name]), peak_rss_mb=stage["peak_rss_mb"],
        )
        for name, stage in best["stages"].items()
    ]  # fmt: skip
    rows += [
        measure.figure(section, name, ours=False, told=told)
        for name, told in best.get("peers", {}).items()
    ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.db == "postgres":
        with postgres() as url:
            best = run(url, args.lines, args.repeat)
            best["peers"] = peer_figures(url, args.repeat)
    else:
        best = run("file", args.lines, args.repeat)
    print(json.dumps(best) if args.json else measure.table(figures(best)))


if __name__ == "__main__":
    main()
