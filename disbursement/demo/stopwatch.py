"""Seconds and rows per stage, and the peak memory of our own processes."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager


def peak_rss_mb() -> int:
    """Return the largest resident memory of this process and of those it waited for, in MB."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(w).ru_maxrss for w in who) // 1024


class Stopwatch:
    """Adds up what each stage took; stages do not nest."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.rows: dict[str, int] = {}
        self.peak: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, rows: int = 0) -> Iterator[None]:
        """Measure the block under a stage's name; `rows` are added to its rows."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + taken
            self.rows[name] = self.rows.get(name, 0) + rows
            self.peak[name] = peak_rss_mb()

    def count(self, name: str, rows: int) -> None:
        """Add rows that are known only after the stage."""
        self.rows[name] = self.rows.get(name, 0) + rows
