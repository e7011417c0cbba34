"""One month of 10,000 people under one payer, beside the figure of OpenG2P's G2P Bridge.

Ours is `disburse bench month`, run as a command; its stages from prepared to reconciled are
counted. The peer's figure is quoted: it needs a cluster of services that this run does not start.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, program

PEOPLE = 10_000
SECTION = "The month: 10,000 people, one payer, prepared to reconciled"
QUOTED_SECONDS = (36, 60)
QUOTED = (
    "G2P Bridge 1.1.0 (OpenG2P): 36 to 60 s and 25 CPU-seconds for 10,000 payments on two cores. "
    "This is quoted, not measured in this run; the ratio is against 36 s, the spread the range. "
    "CPU s of ours is the whole command's: making and importing its register and the simulated "
    "bank are in it, and not in the rate."
)


def command() -> list[str] | None:
    """Return the command line, or None where this version has no `disburse bench month`."""
    disburse = Path(sys.executable).with_name("disburse")
    if not disburse.exists():
        return None
    from typer.main import get_command

    from disbursement.cli.app import app

    group: Any = get_command(app)
    bench: Any = group.commands.get("bench")
    if bench is None or "month" not in getattr(bench, "commands", {}):
        return None
    return [str(disburse), "bench", "month", "--people", str(PEOPLE), "--payers", "1",
            "--db", "sqlite", "--json"]  # fmt: skip


def measured(line: list[str], repeat: int) -> Figure:
    """Run the month `repeat` times; CPU seconds are those of the whole command, sample and all."""
    rates, cpu, peak = [], [], 0
    for _ in range(repeat):
        before = _children_cpu()
        told = program(line)
        cpu.append(_children_cpu() - before)
        rates.append(PEOPLE / told["counted_seconds"])
        peak = max(peak, told["peak_rss_mb"])
    return Figure(
        SECTION, "disburse bench month (sqlite)", True, PEOPLE, tuple(rates),
        round(min(cpu), 1), peak,
    )  # fmt: skip


def quoted() -> Figure:
    """Return the peer's figure as a row: both ends of what is quoted."""
    return Figure(
        SECTION, "G2P Bridge 1.1.0 (quoted, not measured)", False, PEOPLE,
        tuple(PEOPLE / seconds for seconds in QUOTED_SECONDS), 25,
    )  # fmt: skip


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
