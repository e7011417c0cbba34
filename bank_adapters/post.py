"""Cash as a rail: a post office or a commune's cash desk, by list out and result list in.

The formats are data (sheets/profiles/cash-desk-*.yaml). Nothing is paid by the list's arrival: only
a row that says "handed over" with its day is (CPUC); a row that says nothing yet is left alone.
"""

from __future__ import annotations

from typing import Literal

from bank_adapters.sheets.adapter import SheetRail


class CashDesk(SheetRail):
    """One cash desk under one dated profile."""

    name = "post"
    kind: Literal["file", "cash"] = "cash"
