"""Posting speed of the ledger; `python benchmarks/post.py --lines 1000000 --db sqlite --json`.

PostgreSQL: give a superuser's URL in DATABASE_URL. Repeats three times, prints the best of each
stage and the spread, which is the machine's noise.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from ledger.bench import bench_post


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    runs = []
    for _ in range(args.repeat):
        if args.db == "postgres":
            runs.append(bench_post(os.environ["DATABASE_URL"], args.lines))
        else:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(bench_post(str(Path(folder) / "post.db"), args.lines))
    best = min(runs, key=lambda r: r["counted_seconds"])
    best["spread"] = {
        name: [r["stages"][name]["rows_per_s"] for r in runs] for name in best["stages"]
    }
    if args.json:
        print(json.dumps(best))
        return
    for name, stage in best["stages"].items():
        rates = ", ".join(f"{rate:,}" for rate in best["spread"][name])
        print(f"{name:12s} {stage['seconds']:8.2f} s   lines/s in each run: {rates}")
    print(f"peak memory of this process: {best['peak_rss_mb']} MB")


if __name__ == "__main__":
    main()
