"""What `bench files` reports, on small runs; nothing here looks at how fast anything is."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from disbursement.bench.files import KINDS, bench_files
from disbursement.cli.app import app

STAGES = {
    "pain001": ["render", "xsd"],
    "camt053": ["read"],
    "mt940": ["read"],
    "mb-xlsx": ["render", "read_back"],
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind_is_written_or_read_whole_and_measured(kind: str) -> None:
    told = bench_files(kind, 120)
    assert (told["kind"], told["items"], told["files"]) == (kind, 120, 1)
    assert list(told["stages"]) == STAGES[kind]
    assert all(stage["rows"] == 120 for stage in told["stages"].values())
    assert told["bytes"] > 120 * 30
    assert told["above_rss_mb"] == max(0, told["peak_rss_mb"] - told["held_rss_mb"])
    assert told["cpu_seconds"] == pytest.approx(
        sum(stage["cpu_seconds"] for stage in told["stages"].values()), abs=0.002
    )


def test_payments_of_many_workbooks_are_cut_at_the_banks_limit() -> None:
    assert bench_files("mb-xlsx", 5_001)["files"] == 2  # not one of 5,000 and one of 1


def test_the_command_prints_the_figures_and_refuses_other_kinds() -> None:
    run = CliRunner().invoke(app, ["bench", "files", "--kind", "mt940", "--items", "60", "--json"])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["stages"]["read"]["rows"] == 60
    for bad in (["--kind", "camt999"], ["--kind", "mt940", "--items", "1"]):
        run = CliRunner().invoke(app, ["bench", "files", *bad])
        assert run.exit_code != 0
