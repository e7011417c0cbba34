"""How a measurement is taken, kept and printed.

Every program runs in a process of its own (`python -m benchmarks.child`): its imports and the
making of its input do not count, and its peak memory is its own. A small run and one whole run
come first, so that compiled templates and schemas do not count either. The best of the repeats is
the figure, the spread of the repeats is the machine's noise.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHORT = 0.3  # seconds; below that a clock tick of the machine would be much of the time


class MeasureError(RuntimeError):
    """A measurement did not come about; the sentence says which and why."""


@dataclass(frozen=True)
class Figure:
    """One row of the table. `rates` in rows/s, one per repeat; memory in MB.

    `work_mb` is by how much the work raised the process's peak over imports and input (None where
    that was not measured apart).
    """

    section: str
    name: str
    ours: bool
    rows: int
    rates: tuple[float, ...]
    cpu_seconds: float | None = None
    peak_rss_mb: int | None = None
    work_mb: int | None = None

    @property
    def best(self) -> float:
        """Rows per second of the fastest repeat."""
        return max(self.rates)

    @property
    def spread(self) -> float:
        """How far the slowest repeat lies below the fastest, from 0 to 1."""
        return 1 - min(self.rates) / max(self.rates)

    def as_json(self, base: float | None) -> dict[str, Any]:
        """Return the row for programs; `ratio` is how many times faster ours is."""
        return {
            "section": self.section,
            "name": self.name,
            "ours": self.ours,
            "rows": self.rows,
            "rows_per_s": round(self.best),
            "repeats": [round(rate) for rate in self.rates],
            "spread": round(self.spread, 3),
            "ratio": None if self.ours or base is None else round(base / self.best, 2),
            "cpu_seconds": self.cpu_seconds,
            "peak_rss_mb": self.peak_rss_mb,
            "work_mb": self.work_mb,
        }


def peak_kb() -> int:
    """Return this process's peak resident memory in kB.

    Linux hands `ru_maxrss` of the starting process on to the started one, so VmHWM is read first.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    except OSError:
        found = None
    return int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def timed(rows: int, repeat: int, work: Callable[[], None]) -> dict[str, Any]:
    """Run `work` `repeat` times in this process and return what a Figure needs.

    Work shorter than SHORT is done several times within one repeat, and the mean is its time.
    Memory is taken after the first run: what earlier runs left behind is not the work's.
    """
    before = peak_kb()
    start = time.perf_counter()
    work()
    peak, first = peak_kb(), time.perf_counter() - start
    runs = max(1, round(SHORT / first))
    seconds: list[float] = []
    cpu: list[float] = []
    for _ in range(repeat):
        start, used = time.perf_counter(), time.process_time()
        for _ in range(runs):
            work()
        seconds.append((time.perf_counter() - start) / runs)
        cpu.append((time.process_time() - used) / runs)
    return {
        "rows": rows,
        "rates": [rows / taken for taken in seconds],
        "cpu_seconds": round(min(cpu), 3),
        "peak_rss_mb": peak // 1024,
        "work_mb": (peak - before) // 1024,
    }


def child(
    module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Any:
    """Run `python -m module arguments` and return the JSON it prints last.

    Raises MeasureError with the last line of its complaint.
    """
    return program([sys.executable, "-m", module, *arguments], environment)


def program(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
    """Run a command; return its output as JSON, or the last line of it. Raises MeasureError."""
    run = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    if run.returncode:
        complaint = (run.stderr.strip() or run.stdout.strip() or "no word").splitlines()[-1]
        raise MeasureError(f"{' '.join(command[1:])} ended with {run.returncode}: {complaint}")
    for told in (run.stdout, run.stdout.strip().rpartition("\n")[2]):
        try:
            return json.loads(told)
        except ValueError:
            continue
    raise MeasureError(f"{' '.join(command[1:])} printed no JSON")


def figure(section: str, name: str, *, ours: bool, told: Mapping[str, Any]) -> Figure:
    """Make a row from what `timed` returned in the child."""
    return Figure(
        section,
        name,
        ours,
        told["rows"],
        tuple(told["rates"]),
        told["cpu_seconds"],
        told["peak_rss_mb"],
        told["work_mb"],
    )


def base_rate(figures: Sequence[Figure], section: str) -> float | None:
    """Return the rate of our first row of a section, which its peers are compared with."""
    return next((f.best for f in figures if f.section == section and f.ours), None)


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as text, a block per section."""
    lines = []
    for section in dict.fromkeys(f.section for f in figures):
        base = base_rate(figures, section)
        head = ("rows/s", "ours is", "rows", "CPU s", "spread", "peak MB", "of it work")
        lines += ["", section, f"  {'':<40}" + "".join(f"{h:>12}" for h in head)]
        for f in (f for f in figures if f.section == section):
            ratio = "" if f.ours or base is None else f"{base / f.best:,.1f} x"
            cells = (
                f"{f.best:,.0f}", ratio, f"{f.rows:,}", _shown(f.cpu_seconds),
                f"{100 * f.spread:.0f} %", _shown(f.peak_rss_mb), _shown(f.work_mb),
            )  # fmt: skip
            lines.append(f"  {f.name:<40}" + "".join(f"{c:>12}" for c in cells))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,}"
