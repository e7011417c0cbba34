"""Files of national registers, row by row; every name and number is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from disbursement.beneficiaries.national.profiles import profile
from disbursement.beneficiaries.service import import_register
from disbursement.platform.context import Context
from tests.beneficiaries.world import COMMUNES, csv_file, person, xlsx

THERE: Mapping[str, Any] = {
    "identity": "025080000001", "name": "Nguyễn Văn Mẫu", "birth": "05/03/1980", "sex": "Nam",
    "commune": COMMUNES[0],
}  # fmt: skip


def there(n: int = 1, **more: Any) -> dict[str, Any]:
    """Return a row about the n-th person of tests.beneficiaries.world."""
    return {**THERE, "identity": f"025080{n:06d}", **more}


def given(code: str, path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a file of a register with the columns its rows use."""
    needed = [c.column.field for c in profile(code).columns if c.column.required]
    used = [c.column.field for c in profile(code).columns if any(c.column.field in r for r in rows)]
    fields = list(dict.fromkeys([*needed, *used]))
    return csv_file(path, rows, fields=fields, of=profile(code).column_set)


POOR = {
    "clause": "K5a", "degree": "", "certificate_date": "", "household": "Nghèo",
    "household_decision": "7/QĐ-UBND", "carer": "không có người phụng dưỡng",
    "birth": "05/03/1960", "decision_date": "20/01/2023",
}  # fmt: skip
"""A poor elder without carer: the decision rests on the household."""


def poor_person(n: int, **more: Any) -> dict[str, Any]:
    return person(n, **POOR, identity=f"025060{n:06d}", **more)


def poor_row(n: int, **more: Any) -> dict[str, Any]:
    return there(
        n, identity=f"025060{n:06d}", birth="05/03/1960", code=f"H{n}", household="Nghèo", **more
    )


def register(ctx: Context, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    report = import_register(ctx, xlsx(folder / "r.xlsx", rows), mode="all", actor="an")
    assert (report.taken, report.refused) == (len(rows), 0)
