"""A skip that nobody allowed fails in CI; an allowed one is printed with its reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.ci_skips import CiSkips, in_ci
def pytest_configure(config):
    if in_ci():
        config.pluginmanager.register(CiSkips())
"""
OTHERS = "import pytest\n@pytest.mark.skipif(True, reason='only root may')\ndef test_a(): pass\n"
ALLOWED = "import pytest\ndef test_a(): pytest.skip('shared/samples is not beside the checkout')\n"
REFUSED = {
    "call": "import pytest\ndef test_a(): pytest.skip('no database')\n",
    "mark": "import pytest\n@pytest.mark.skip(reason='no database')\ndef test_a(): pass\n",
    "fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no database')\ndef test_a(f): pass\n",
    "module": "import pytest\npytest.skip('no database', allow_module_level=True)\n",
    "import": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass\n",
}


def run(folder: Path, code: str, *, ci: str, workers: int = 0) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "inner").mkdir(exist_ok=True)
    (folder / "inner/conftest.py").write_text("")  # a second one makes pytest compare plugins
    (folder / "inner/test_one.py").write_text(code)
    (folder / "test_two.py").write_text("def test_sound(): assert True\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ci}
    env = {k: v for k, v in env.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", REFUSED)
def test_an_unexpected_skip_fails_in_ci_only(tmp_path, kind):
    code, out = run(tmp_path, REFUSED[kind], ci="true")
    assert code == (2 if kind in {"module", "import"} else 1), out
    assert "left out in CI" in out
    code, out = run(tmp_path, REFUSED[kind], ci="")
    assert code == 0, out
    assert "1 passed, 1 skipped" in out


@pytest.mark.parametrize("workers", [0, 2])
def test_an_allowed_skip_is_printed(tmp_path, workers):
    code, out = run(tmp_path, ALLOWED, ci="true", workers=workers)
    assert code == 0, out
    assert "1 passed, 1 skipped" in out
    assert "left out, allowed: 1 test(s): shared/samples is not beside the checkout" in out


def test_the_allowed_reason_is_matched_from_its_start(tmp_path):
    assert run(tmp_path, OTHERS, ci="true")[0] == 0
    assert run(tmp_path, OTHERS.replace("only", "not only"), ci="true")[0] == 1


def test_an_expected_failure_is_no_skip(tmp_path):
    code, out = run(
        tmp_path, "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n", ci="true"
    )
    assert code == 0, out
    assert "1 xfailed" in out
