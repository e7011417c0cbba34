"""Dossiers beyond the worked examples, one a line: what is due, to recover, held, not covered.

Every clause of the law pages in the words a writer of dossiers may choose. The sums were worked
out by hand from the articles (people and amounts paid are invented), never by the program.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain

FILE = Path(__file__).parent / "dossiers" / "further.jsonl"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=[r["name"] for r in ROWS])
def test_the_sums_are_those_of_the_law(row):
    found = explain(read(json.dumps(row["dossier"], ensure_ascii=False).encode())).as_dict()
    assert (found["total_vnd"], found["recover_vnd"], found["held_vnd"]) == (
        row["due"],
        row["recover"],
        row["held"],
    )
    assert len(found["not_covered"]) == row["not_covered"]
    for line in found["lines"]:
        assert line["citation"]
        assert line["text_vi"]


def test_there_are_many_and_each_has_its_own_name():
    assert len(ROWS) > 120
    assert len({r["name"] for r in ROWS}) == len(ROWS)
