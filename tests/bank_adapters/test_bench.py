from __future__ import annotations

from pathlib import Path

import pytest

from bank_adapters import bench
from bank_adapters.answers import parse


@pytest.mark.parametrize("write", [bench.write_statement, bench.write_mt940])
def test_made_up_statements_hold_one_debit_per_payment(tmp_path: Path, write) -> None:
    path = tmp_path / "in"
    write(path, 700)
    parsed = parse(path)
    assert parsed.warnings == ()
    (statement,) = parsed.statements()
    assert [(e.side, e.amount_vnd, e.end_to_end_id) for e in statement.entries] == [
        ("DBIT", row.amount_vnd, row.end_to_end_id) for row in bench.payment_rows(700)
    ]
    bench.read_statement(path, 700)
    with pytest.raises(AssertionError, match="not read whole"):
        bench.read_statement(path, 699)
