"""`disburse new-adapter`: what it lays down is a package whose own tests pass, found by its metadata.

No install: the package is on PYTHONPATH, its entry points stand in a written .dist-info, as an
installer would write them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from disbursement.cli.app import app
from disbursement.platform.errors import RefusedError, UsageError
from disbursement.scaffold import new_adapter

ROOT = Path(__file__).parents[2]
FOUND = """
from bank_adapters.api.registry import api_adapter, api_adapters
from bank_adapters.registry import profile_of
profile = profile_of("viet-pay-1/1")
assert (profile.adapter, profile.rail, profile.title) == ("viet-pay", "bank", "Viet Pay (mẫu)")
assert type(api_adapter("viet-pay-1")).__module__ == "disburse_viet_pay.adapter"
assert {"momo", "zalopay", "payos", "gsma", "viet-pay"} == set(api_adapters())
print("found")
"""


def installed(package: Path, site: Path) -> dict[str, str]:
    """Write what an installer writes of the package's metadata; return the environment to use it."""
    told = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    info = site / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n"
    )
    lines = [
        line
        for group, entries in told["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, package, ROOT)))}


def run(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@contextmanager
def serving(environment: dict[str, str], home: Path, *words: str) -> Iterator[dict[str, object]]:
    """Start a command that serves, yield what it says; stop that process and no other."""
    command = [sys.executable, "-c", "from disbursement.cli import main; main()", *words]
    env = {**environment, "DISBURSE_ENV": "test", "DISBURSE_HOME": str(home / "home")}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def test_a_generated_package_passes_the_contract_suite_and_is_found(tmp_path: Path) -> None:
    package = tmp_path / "viet-pay"
    done = CliRunner().invoke(
        app, ["new-adapter", "viet-pay", "--out", str(package), "--rail", "bank",
              "--title", "Viet Pay (mẫu)"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    there = {str(p.relative_to(package)) for p in package.rglob("*") if p.is_file()}
    assert {
        "pyproject.toml", "disburse_viet_pay/adapter.py", "disburse_viet_pay/simulator.py",
        "disburse_viet_pay/codes.csv", "disburse_viet_pay/profiles/viet-pay-1.yaml",
        "samples/request.json", "tests/test_contract.py", "tests/test_samples.py",
    } <= there  # fmt: skip
    assert not [p for p in there if "{{" in (package / p).read_text("utf-8")]
    environment = installed(package, tmp_path / "site")
    found = run(environment, tmp_path, "-c", FOUND)
    assert (found.returncode, found.stdout) == (0, "found\n"), found.stderr
    tests = run(environment, package, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout[-3_000:]
    passed = int(tests.stdout.rsplit(" passed", 1)[0].split()[-1])
    assert passed >= 35
    assert "skipped" not in tests.stdout

    # its simulator is a server like our own, with a connection file for the payer's side
    link = tmp_path / "link.toml"
    words = ("simulate", "viet-pay", "--seed", "3", "--profile", "stress", "--fault", "busy:1")
    with serving(environment, tmp_path, *words, "--connection", str(link)) as told:
        assert (told["rail"], told["seed"], told["profile"]) == ("viet-pay", 3, "stress")
        assert httpx.get(f"{told['address']}/_admin/paid").status_code == 200
        linked = tomllib.loads(link.read_text("utf-8"))
        assert (linked["base_url"], set(linked["secrets"])) == (told["address"], {"client", "key"})

    # and the suite is no formality: an adapter that believes an HTTP 500 fails its tests
    adapter = package / "disburse_viet_pay/adapter.py"
    text = adapter.read_text("utf-8")
    assert text.count("answer.http >= 500 or ") == 1
    adapter.write_text(text.replace("answer.http >= 500 or ", "").replace("answer.http < 300", "1"))
    tests = run(environment, package, "-m", "pytest", "-q", "tests/test_samples.py")
    assert tests.returncode == 1
    assert "1 failed" in tests.stdout


def test_a_bank_that_is_sent_tables_needs_no_code(tmp_path: Path) -> None:
    package = tmp_path / "vietbank"
    done = CliRunner().invoke(
        app, ["new-adapter", "vietbank", "--kind", "table", "--out", str(package)]
    )
    assert done.exit_code == 0, done.output
    code = {p.name for p in (package / "disburse_vietbank").rglob("*.py")}
    assert code == {"__init__.py"}
    environment = installed(package, tmp_path / "site")
    tests = run(environment, package, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout[-3_000:]
    assert int(tests.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 20
    known = run(
        environment, tmp_path, "-c",
        "from bank_adapters.registry import profile_of\n"
        "from bank_adapters.sheets.profile import sheet_ids\n"
        "assert profile_of('vietbank-1').key == 'vietbank-1/1'\n"
        "assert {'vietbank-1', 'csv-vn-1'} <= set(sheet_ids())",
    )  # fmt: skip
    assert known.returncode == 0, known.stderr

    # the suite is no formality: a word that says the wrong thing fails it
    profile = package / "disburse_vietbank/profiles/vietbank-1.yaml"
    text = profile.read_text("utf-8")
    assert text.count('"Từ chối": RJCT') == 1
    profile.write_text(text.replace('"Từ chối": RJCT', '"Từ chối": ACSC'))
    tests = run(environment, package, "-m", "pytest", "-q", "-k", "a_refusal or result_list")
    assert tests.returncode == 1
    assert "2 failed" in tests.stdout


@pytest.mark.parametrize("kind", ["called", "table"])
def test_generated_code_is_clean(tmp_path: Path, kind: str) -> None:
    new_adapter("abc", tmp_path / "abc", title="ABC", kind=kind)
    package = tmp_path / "abc"
    for words in (("check",), ("format", "--check")):
        done = run(dict(os.environ), package, "-m", "ruff", *words, ".")
        assert done.returncode == 0, done.stdout
    types = run(
        {**os.environ, "MYPYPATH": str(package)}, ROOT, "-m", "mypy", "--strict", "--no-incremental",
        str(package / "disburse_abc"),
    )  # fmt: skip
    assert types.returncode == 0, types.stdout


@pytest.mark.parametrize("name", ["", "Viet", "9pay", "a b", "../x", "việt", "x" * 30, "a-b-c"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        new_adapter(name, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    for name in ("momo", "gsma", "iso20022", "post"):
        with pytest.raises(RefusedError) as told:
            new_adapter(name, tmp_path / "new")
        assert told.value.code == "adapter_exists"
    with pytest.raises(UsageError):
        new_adapter("abc", tmp_path / "new", rail="cash")
    with pytest.raises(UsageError):
        new_adapter("abc", tmp_path / "new", kind="file")
    with pytest.raises(RefusedError):
        new_adapter("fixed-vn", tmp_path / "new", kind="table")
    with pytest.raises(UsageError):
        new_adapter("abc", tmp_path / "new", title='"""')
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError) as told:
        new_adapter("abc", kept)
    assert told.value.code == "not_empty"
    assert [p.name for p in kept.iterdir()] == ["mine.txt"]


def test_the_product_s_own_tree_is_no_place_for_it() -> None:
    for folder in (ROOT / "bank_adapters" / "abc", ROOT / "disburse-abc"):
        with pytest.raises(RefusedError) as told:
            new_adapter("abc", folder)
        assert told.value.code == "inside_product"
        assert not folder.exists()
    done = CliRunner().invoke(app, ["new-adapter", "abc", "--out", str(ROOT / "disburse-abc")])
    assert done.exit_code != 0
    assert not (ROOT / "disburse-abc").exists()


def test_two_packages_with_one_profile_stop_before_any_money(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        new_adapter("abc", tmp_path / folder)
        text = (tmp_path / folder / "pyproject.toml").read_text("utf-8")
        if folder == "b":  # another package that brings the same profile
            (tmp_path / "b/disburse_abc").rename(tmp_path / "b/other_abc")
            text = text.replace("disburse_abc", "other_abc").replace("disburse-abc", "other-abc")
            text = text.replace('abc = "other_abc.adapter:Abc"', 'abc2 = "other_abc.adapter:Abc"')
            (tmp_path / "b/pyproject.toml").write_text(text)
    environment = installed(tmp_path / "a", tmp_path / "site")
    second = installed(tmp_path / "b", tmp_path / "site")
    environment["PYTHONPATH"] += os.pathsep + second["PYTHONPATH"]
    done = run(
        environment, tmp_path, "-c",
        "from bank_adapters.registry import profile_of\nprofile_of('abc-1')",
    )  # fmt: skip
    assert done.returncode == 1
    assert "Có hai gói cài đặt cùng mang bộ tham số “abc-1”" in done.stderr
