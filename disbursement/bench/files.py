"""Speed and memory of the writers and readers of bank files, as batches and answers use them.

The made-up input is written by one process; another, started for this alone, holds what the work
is given, does a small run first (schemas, imports), and is then measured: memory above what it
held before the work.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bank_adapters import bench, rendering
from bank_adapters.sheets.profile import load_sheet
from disbursement.bench import memory
from disbursement.bench.stages import Stages
from disbursement.platform.apart import Apart

MOST_ITEMS = 1_000_000
MB = "mb-bulk-2026"
_WARM = 50
Work = Mapping[str, Callable[[], None]]
"""What is measured, by the name of its stage, in the order in which it is done."""


def bench_files(kind: str, items: int) -> dict[str, Any]:
    """Measure one kind of `KINDS` on `items` payments.

    Shape: {kind, items, files, bytes, stages: {name: {seconds, rows, rows_per_s, peak_rss_mb,
    cpu_seconds}}, counted_seconds, cpu_seconds, held_rss_mb, peak_rss_mb, above_rss_mb}; memory in
    MB (1,048,576 bytes). Raises KeyError for another kind, AssertionError where the work was not
    done whole.
    """
    with tempfile.TemporaryDirectory(prefix="disburse-bench-") as name:
        small, whole = Path(name) / "small", Path(name) / "whole"
        with Apart() as maker:
            for folder, count in ((small, _WARM), (whole, items)):
                folder.mkdir()
                maker.do(_made, kind, count, folder)
        with Apart() as worker:
            return worker.do(_measured, kind, items, small, whole)


def _made(kind: str, count: int, folder: Path) -> None:
    make = _INPUTS.get(kind)
    if make is not None:
        make(folder / "in", count)


def _measured(kind: str, items: int, small: Path, whole: Path) -> dict[str, Any]:
    for work in KINDS[kind](_WARM, small).values():
        work()
    todo = KINDS[kind](items, whole)
    gc.collect()
    held = memory.now_mb()
    stages = Stages(names=tuple(todo))
    for name, work in todo.items():
        with stages.stage(name):
            work()
        stages.count(name, items)
    written = sorted(whole.iterdir())
    figures = stages.as_json()
    return {
        "kind": kind,
        "items": items,
        "files": len(written),
        "bytes": sum(path.stat().st_size for path in written),
        **figures,
        "cpu_seconds": round(sum(stages.cpu.values()), 3),
        "held_rss_mb": held,
        "above_rss_mb": max(0, figures["peak_rss_mb"] - held),
    }


def _pain001(count: int, folder: Path) -> Work:
    rows = list(bench.payment_rows(count))
    profile, header = bench.order(count)
    path = folder / "out.xml"

    def render() -> None:
        with path.open("wb") as out:
            rendering.write(profile, header, rows, out)

    return {"render": render, "xsd": lambda: rendering.check_written(profile, path)}


def _mb_xlsx(count: int, folder: Path) -> Work:
    """As many workbooks as MB's limit of payments per file makes of the payments."""
    profile = load_sheet(MB)
    most = profile.max_payments_per_file
    # A template wants two payments at least: one left over joins the last file but one.
    rows = bench.payment_rows(count)
    parts = [list(islice(rows, most)) for _ in range(0, count, most)]
    if len(parts) > 1 and len(parts[-1]) < profile.min_payments_per_file:
        parts[-1].insert(0, parts[-2].pop())
    files = [(folder / f"{n}.xlsx", part) for n, part in enumerate(parts, 1)]

    def render() -> None:
        for path, part in files:
            total = sum(row.amount_vnd for row in part)
            header = bench.header(f"B{path.stem}", len(part), total)
            with path.open("wb") as out:
                rendering.write(profile, header, part, out)

    def read_back() -> None:
        for path, _ in files:
            rendering.check_written(profile, path)

    return {"render": render, "read_back": read_back}


def _read(count: int, folder: Path) -> Work:
    return {"read": lambda: bench.read_statement(folder / "in", count)}


KINDS: Mapping[str, Callable[[int, Path], Work]] = MappingProxyType(
    {"pain001": _pain001, "camt053": _read, "mt940": _read, "mb-xlsx": _mb_xlsx}
)
"""What is measured, by the name of its kind: files that leave, and files that come in."""
_INPUTS: Mapping[str, Callable[[Path, int], None]] = MappingProxyType(
    {"camt053": bench.write_statement, "mt940": bench.write_mt940}
)
