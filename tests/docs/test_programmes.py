"""docs/programmes.md names every column that a list programme's file may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from disbursement.beneficiaries.columns import programme_columns
from disbursement.programmes.list_rates import SHAPES

PAGE = (Path(__file__).parents[2] / "docs" / "programmes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_column_is_named(shape: str) -> None:
    flat = " ".join(PAGE.split())
    assert [c.header for c in programme_columns(shape).columns if f"`{c.header}`" not in flat] == []
