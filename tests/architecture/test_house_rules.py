"""The rules of the house, over everything that is in the tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.architecture import checks

ROOT = Path(__file__).parents[2]
PRODUCT = ("bank_adapters/", "disbursement/", "ledger/", "reconciliation/")


def tree() -> list[str]:
    """Return every file that belongs to the checkout, ignored ones left out."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({p for p in told.stdout.split("\0") if p and (ROOT / p).is_file()})


TREE = tree()
PYTHON = [p for p in TREE if p.endswith(".py") and p.startswith((*PRODUCT, "benchmarks/"))]
CODE = [p for p in PYTHON if p.startswith(PRODUCT)]
DATA = [p for p in TREE if p.endswith(".csv") and p.startswith(PRODUCT)]


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def faults(check, paths: list[str]) -> list[str]:
    assert paths, "nothing to look at: the check would pass on an empty tree"
    return [fault for path in paths for fault in check(path, read(path))]


@pytest.mark.parametrize(
    "check",
    [
        checks.function_length,
        checks.one_clock,
        checks.seeded_chance,
        checks.no_float,
        checks.strict_xml,
        checks.tokens_in_one_place,
        checks.honest_names,
        checks.nothing_left_open,
    ],
    ids=lambda check: check.__name__,
)
def test_product_code(check):
    assert faults(check, CODE) == []


def test_benchmarks_fit_on_a_screen_too():
    benchmarks = [p for p in PYTHON if p not in CODE]
    assert [f for p in benchmarks for f in checks.function_length(p, read(p))] == []


def test_no_machine_is_named_in_the_tree():
    texts = []
    for path in TREE:
        try:
            read(path)
        except UnicodeDecodeError:
            continue
        if not path.startswith("tests/architecture/"):  # the checks and what they are tried on
            texts.append(path)
    assert faults(checks.no_machine, texts) == []


def test_every_row_of_data_names_its_source():
    assert faults(checks.sourced, DATA) == []


def test_locks_pin_every_package_with_hashes():
    for name in ("runtime", "dev", "bench"):
        entries = read(f"requirements/{name}.lock").replace("\\\n", " ").splitlines()
        assert len(entries) > 20
        for entry in entries:
            assert "==" in entry.split(";")[0], entry
            assert "--hash=sha256:" in entry, entry


def test_every_folder_of_tests_is_a_package():
    """Two modules of one name in folders that are no packages hide each other."""
    folders = {str(Path(p).parent) for p in TREE if p.startswith("tests/") and "/test_" in p}
    assert [f for f in sorted(folders) if not (ROOT / f / "__init__.py").exists()] == []


def test_published_samples_are_not_in_the_tree():
    assert [p for p in TREE if p.endswith((".xsd", ".whl"))] == []
