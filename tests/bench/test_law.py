"""`disburse bench law`: every person and month is in the book, and few profiles are assessed."""

from __future__ import annotations

from typing import Literal

import pytest

from disbursement.bench.law import bench_law


@pytest.mark.parametrize("db", ["sqlite", "postgres"])
def test_everybody_is_posted_and_profiles_are_assessed(
    request: pytest.FixtureRequest, db: Literal["sqlite", "postgres"]
) -> None:
    url = request.getfixturevalue("pg_url") if db == "postgres" else None
    few, more = (bench_law(n, back_months=2, db=db, database_url=url) for n in (600, 6_000))
    assert [f["lines"] for f in (few, more)] == [1_800, 18_000]
    assert [f["payers"] for f in (few, more)] == [1, 2]
    assert [f["lists"] for f in (few, more)] == [2, 4]
    # ten times the people, no more law
    assert 0 < few["profiles"] <= more["profiles"] <= 20
    assert more["assess_calls"] <= 3 * more["profiles"]
    assert more["stages"]["post"]["rows"] == 18_000
    assert more["ratio"] == round(more["counted_seconds"] / more["post_seconds"], 2)
    assert set(more) >= {"people", "payers", "lists", "batches", "db", "stages", "counted_seconds",
                         "peak_rss_mb"}  # fmt: skip
    assert "prepared_to_reconciled_seconds" not in more  # nothing is sent or matched here
