"""Seconds, rows and peak memory per stage of a month, and what of them is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from disbursement.bench import memory

STAGES = (
    "sample", "import", "assess", "post", "approve", "render", "send", "simulate", "answers",
    "reconcile", "cash", "pdf", "verify",
)  # fmt: skip
UNCOUNTED = frozenset({"sample", "import", "simulate", "pdf"})
"""Making the data, taking over a register, the counterparty's own work, and printing."""
FROM_PREPARED = ("approve", "post", "send", "answers", "reconcile")
"""From a prepared list to payments matched with the bank's statements."""


class Stages:
    """Adds up what each stage took; stages do not nest. `after` is called as each one ends.

    CPU seconds are this process's own; where they are far below the seconds, it waited (for the
    disk, for PostgreSQL, for another process, or for its turn on a busy machine).
    """

    def __init__(
        self, after: Callable[[], None] = lambda: None, names: tuple[str, ...] = STAGES
    ) -> None:
        self.after = after
        self.names = names
        self.seconds = dict.fromkeys(names, 0.0)
        self.cpu = dict.fromkeys(names, 0.0)
        self.rows = dict.fromkeys(names, 0)
        self.peak = dict.fromkeys(names, 0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block; the peak is that of this process while the block ran."""
        memory.reset_peak()
        start, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
            self.cpu[name] += time.process_time() - cpu
            self.peaked(name, memory.peak_mb())
            self.after()

    def peaked(self, name: str, megabytes: int) -> None:
        """Note the peak of a process that worked for a stage."""
        self.peak[name] = max(self.peak[name], megabytes)

    def count(self, name: str, rows: int) -> None:
        """Add rows to a stage."""
        self.rows[name] += rows

    def as_json(self) -> dict[str, Any]:
        """Return `stages`, `counted_seconds`, `peak_rss_mb`.

        And `prepared_to_reconciled_seconds`, where all the stages that it adds up were there.
        """
        counted = [name for name in self.names if name not in UNCOUNTED]
        out: dict[str, Any] = {
            "stages": {
                name: {
                    "seconds": round(self.seconds[name], 3),
                    "rows": self.rows[name],
                    "rows_per_s": _rate(self.rows[name], self.seconds[name]),
                    "peak_rss_mb": self.peak[name],
                    "cpu_seconds": round(self.cpu[name], 3),
                }
                for name in self.names
            },
            "counted_seconds": round(sum(self.seconds[name] for name in counted), 3),
            "peak_rss_mb": max(self.peak[name] for name in counted),
        }
        if set(FROM_PREPARED) <= set(self.names):
            spent = sum(self.seconds[name] for name in FROM_PREPARED)
            out["prepared_to_reconciled_seconds"] = round(spent, 3)
        return out


def _rate(rows: int, seconds: float) -> int:
    return round(rows / seconds) if seconds > 0 else 0
