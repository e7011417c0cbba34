"""Real and third-party files against figures computed independently (manifest.csv).

The files are not ours to commit; where they are not present beside the checkout, this is skipped.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from bank_adapters.camt import read_camt
from bank_adapters.pain002 import read_pain002

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
MANIFEST = SAMPLES / "manifest.csv"


def rows(*kinds: str) -> list[dict[str, str]]:
    if not MANIFEST.exists():
        return [{"file": "none"}]  # skipped below with the reason, not for want of parameters
    with MANIFEST.open(encoding="utf-8") as source:
        return [r for r in csv.DictReader(source) if r["kind"] in kinds]


CAMT = rows("camt.052", "camt.053", "camt.054")
PAIN = rows("pain.002")
pytestmark = pytest.mark.skipif(
    not MANIFEST.exists(), reason="shared/samples is not beside this checkout"
)


def figures(text: str) -> dict[str, Decimal] | Decimal | None:
    """Parse "100.00" or "EUR=29.06|USD=40.00"."""
    if "=" in text:
        return {c: Decimal(a) for c, a in (part.split("=") for part in text.split("|"))}
    return Decimal(text) if text else None


@pytest.mark.parametrize("given", CAMT, ids=[r["file"] for r in CAMT])
def test_camt(given: dict[str, str]) -> None:
    file = read_camt(SAMPLES / given["file"])
    detail = json.loads(given["detail"])
    assert file.kind == given["kind"]
    assert given["version"].endswith(file.version)
    assert len(file.statements) == int(given["statements"])
    assert [s.bookings for s in file.statements] == detail["entries_per_statement"]
    assert [s.account for s in file.statements] == detail["accounts"]
    for name in ("credit", "debit"):
        total: Counter[str] = Counter()
        for statement in file.statements:
            total.update(getattr(statement, name))
        wanted = figures(given[f"{name}s"])
        if isinstance(wanted, dict):
            assert dict(total) == wanted
        else:
            assert sum(total.values()) == (wanted or 0)
    for name, statement in (("opening", file.statements[0]), ("closing", file.statements[-1])):
        assert getattr(statement, name) == figures(given[name])
    differences = [s.difference for s in file.statements]
    if given["balanced"].startswith("no("):
        assert differences == [Decimal(given["balanced"][3:-1])]
        assert "balance_differs" in {f.code for f in file.findings}
    elif given["balanced"].startswith("yes"):
        assert differences == [0] * len(differences)
    else:
        assert differences == [None] * len(differences)
    entries = [e for s in file.statements for e in s.entries]
    statuses = Counter(e.status for e in {(e.booking_n, id(s)): e for s in file.statements
                                          for e in s.entries}.values())  # fmt: skip
    assert statuses == detail["entry_status"]
    got = {(e.end_to_end_id, e.reason_code) for e in entries if e.is_return}
    wanted_returns = {(r["e2e"], r["rsn"]) for r in detail.get("returns", [])}
    assert wanted_returns <= got
    amounts = Counter(Decimal(e.amount) for e in entries if e.is_return)
    assert not Counter(Decimal(r["amt"]) for r in detail.get("returns", []) if r["amt"]) - amounts


@pytest.mark.parametrize("given", PAIN, ids=[r["file"] for r in PAIN])
def test_pain002(given: dict[str, str]) -> None:
    file = read_pain002(SAMPLES / given["file"])
    detail = json.loads(given["detail"])
    assert file.message_id == detail["msg_id"]
    assert file.original_message_id == detail["orig_msg_id"]
    assert file.findings == ()
    items = list(file.items)
    group = [i for i in items if i.level == "file"]
    assert [i.status for i in group] == ([detail["group_status"]] if detail["group_status"] else [])
    assert [r for i in group for r in i.reasons] == detail["group_reasons"]
    assert [
        (i.payment_info_id, i.status, list(i.reasons)) for i in items if i.level == "batch"
    ] == [(b["id"], b["sts"], b["rsn"]) for b in detail["payment_infos"]]
    assert [
        (i.end_to_end_id, i.instr_id, i.status, list(i.reasons))
        for i in items
        if i.level == "transaction"
    ] == [(t["e2e"], t["instr"], t["sts"], t["rsn"]) for t in detail["transactions"]]
