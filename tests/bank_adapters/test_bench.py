from __future__ import annotations

from pathlib import Path

from bank_adapters.bench import bench_files


def test_the_bench_writes_and_reads_everything(tmp_path: Path) -> None:
    result = bench_files(700, tmp_path)
    assert result["payments"] == 700
    assert list(result["stages"]) == ["render", "xsd", "read_statement", "read_status"]
    for stage in result["stages"].values():
        assert stage["rows"] == 700
        assert stage["bytes"] > 700 * 150
        assert stage["rows_per_s"] > 0
