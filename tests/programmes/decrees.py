"""Rate files made for the tests: an invented decree, in the columns of the files that ship."""

from __future__ import annotations

import csv
import io
from typing import Any

from disbursement.programmes.versions import columns, shipped

DECREE = "400/2026/NĐ-CP"
RAISED = 600_000
INSTRUMENTS, BASES = "instruments.csv", "base_levels.csv"
RATES, MERIT = "social_assistance_rates.csv", "meritorious_rates.csv"


def table(name: str, *rows: dict[str, Any]) -> bytes:
    """A file of these rows under the heading of a shipped table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns(name), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def shipped_row(name: str, **key: str) -> dict[str, str]:
    """The one shipped row that has these cells."""
    (row,) = (r for r in shipped().rows(name) if all(r[c] == v for c, v in key.items()))
    return row


def instrument(**cells: str) -> dict[str, str]:
    return {
        "instrument": DECREE, "title_vi": "Nghị định 400/2026/NĐ-CP", "territory": "VN",
        "in_force_from": "2026-11-20", "money_from": "2026-10-01", "general_rise": "no",
        "citation": "NĐ 400/2026/NĐ-CP Điều 2", "source": "thử", "confidence": "seen", **cells,
    }  # fmt: skip


def level(**cells: str) -> dict[str, str]:
    """The new central level of social assistance, from 1 October."""
    return {
        "base_code": "SA_BASE", "scheme": "SA", "territory": "VN", "amount_vnd": str(RAISED),
        "unit": "VND/month", "instrument": DECREE, "effective_from": "2026-10-01",
        "legal_in_force_from": "2026-11-20", "citation": "NĐ 400/2026/NĐ-CP Điều 1",
        "source": "thử", "confidence": "seen", **cells,
    }  # fmt: skip


def ended(**cells: str) -> dict[str, str]:
    """The level of NĐ 335/2026 with its end."""
    row = shipped_row(BASES, base_code="SA_BASE", territory="VN", effective_from="2026-07-01")
    return {**row, "effective_to": "2026-09-30", "ended_by": DECREE, **cells}


def decree(
    *, rise: str = "no", new: dict[str, str] | None = None, old: dict[str, str] | None = None
) -> list[tuple[str, bytes]]:
    """The decree's two files: instrument, and levels (the new one, and the end of the old)."""
    return [
        ("van-ban.csv", table(INSTRUMENTS, instrument(general_rise=rise))),
        ("muc-chuan.csv", table(BASES, ended(**old or {}), level(**new or {}))),
    ]
