from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from disbursement.platform.context import Context
from disbursement.status import throttle
from tests.api.conftest import Site


def empty(ctx: Context) -> None:
    with ctx.cell.begin() as conn:
        conn.execute(text("DELETE FROM throttle"))
        conn.execute(text("DELETE FROM tick"))


def test_five_tries_per_code_and_per_source(site: Site) -> None:
    ctx = site.world.ctx
    assert [throttle.allow(ctx, "CODE", f"10.0.0.{n}") for n in range(7)] == [True] * 5 + [
        False
    ] * 2
    assert [throttle.allow(ctx, f"CODE{n}", "10.0.1.1") for n in range(7)] == [True] * 5 + [
        False
    ] * 2
    # A refused try counted against nobody: the sources and codes of those are as good as new.
    assert [throttle.allow(ctx, "CODE5", "10.0.0.5") for _ in range(6)] == [True] * 5 + [False]


def test_the_hour_is_any_hour(site: Site) -> None:
    ctx, clock = site.world.ctx, site.world.clock
    clock._now = clock._now.replace(minute=58, second=0, microsecond=0)
    begun = clock._now
    assert all(throttle.allow(ctx, "CODE", f"10.0.0.{n}") for n in range(5))
    for minutes in (3, 30, 59):
        clock._now = begun + timedelta(minutes=minutes)
        assert not throttle.allow(ctx, "CODE", "10.0.0.9")
    clock._now = begun + timedelta(minutes=70)
    assert throttle.allow(ctx, "CODE", "10.0.0.9")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 1500), min_size=6, max_size=16))
def test_never_six_within_an_hour(still: Site, gaps: list[int]) -> None:
    ctx, clock = still.world.ctx, still.world.clock
    empty(ctx)
    allowed = []
    for gap in gaps:
        clock._now += timedelta(seconds=gap)
        at = clock._now
        if throttle.allow(ctx, "CODE", f"source {len(allowed)}"):
            allowed.append(at)
    for first, sixth in zip(allowed, allowed[5:], strict=False):
        assert sixth - first > timedelta(minutes=60) - timedelta(seconds=2)
    assert all(a <= b for a, b in pairwise(allowed))
    assert len(allowed) >= 5


def test_guesses_at_the_same_instant_are_all_counted(site: Site) -> None:
    ctx = site.world.ctx
    results: list[bool] = []
    barrier = threading.Barrier(12)

    def guess(n: int) -> None:
        barrier.wait()
        results.append(throttle.allow(ctx, "CODE", f"10.0.0.{n}"))

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True] * 5


def test_the_table_tells_nothing_and_is_swept(site: Site) -> None:
    ctx, clock = site.world.ctx, site.world.clock
    throttle.allow(ctx, "WCWER2AKG7", "10.0.0.1")
    rows = site.world.rows("SELECT bucket, slot, tries FROM throttle")
    assert len(rows) == 2
    assert all(len(bytes(bucket)) == 16 and tries == 1 for bucket, _, tries in rows)
    assert b"WCWER2AKG7" not in b"".join(bytes(r[0]) for r in rows)
    clock._now += timedelta(hours=2)
    throttle.allow(ctx, "95T824KCV3", "10.0.0.2")
    assert site.world.one("SELECT count(*) FROM throttle") == 2
    assert site.world.one("SELECT count(*) FROM tick WHERE name = 'throttle'") == 1


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_source(source: str, network: str) -> None:
    assert throttle.network(source) == network
