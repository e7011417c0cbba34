"""Posting speed of the book alone (ledger/bench.py), on a database that goes away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from disbursement.bench import databases
from disbursement.bench.databases import Kind
from ledger.bench import bench_post as post_lines


def bench_post(lines: int, *, db: Kind, database_url: str | None = None) -> dict[str, Any]:
    """Post journals of `lines` lines; return the figures in the shape of `bench_month`.

    Raises ValueError for fewer than 1 or more than 9,999,999 lines, and as `databases.place`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="disburse-bench-") as name,
        databases.place(db, Path(name), database_url) as place,
    ):
        figures = post_lines(place.url or str(Path(name) / "post.db"), lines)
        place.look()
    return {**figures, "postgres_peak_rss_mb": place.peak_rss_mb}
