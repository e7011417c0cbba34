"""Explaining dossiers: the examples of docs/, read from bytes and answered, over and over."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

from benchmarks.files import Work
from benchmarks.measure import ROOT


def ours_explain(rows: int, _folder: Path) -> Work:
    """Return the work of answering `rows` dossiers, one after the other."""
    from disbursement.entitlements.dossier import read
    from disbursement.entitlements.explain import explain

    examples = [p.read_bytes() for p in sorted((ROOT / "docs" / "examples").glob("*.json"))]
    asked = list(islice(cycle(examples), rows))

    def work() -> None:
        for data in asked:
            explain(read(data))

    return work
