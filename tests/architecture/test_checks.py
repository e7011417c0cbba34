"""Each check fails on a planted sample, at the right line, and passes on the sound one beside it."""

from __future__ import annotations

import pytest

from tests.architecture import checks

# Put together, so that the checks and this file do not name what must not be named.
ROOT = "/"
INDEX = "index" + "-url"
P = "ledger/sample.py"


def lines(found: list[str]) -> list[int]:
    return sorted(int(f.split(":")[1]) for f in found)


def test_function_length():
    long = "def f():\n" + "    x = 1\n" * 70
    assert checks.function_length(P, long) == [f"{P}:1: f has 71 lines"]
    assert checks.function_length(P, "class A:\n    async def f(self):\n" + "        x = 1\n" * 70)
    assert checks.function_length(P, "def f():\n" + "    x = 1\n" * 69) == []


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\nx = datetime.now()",
        "from datetime import datetime as dt\nx = dt.utcnow()",
        "import datetime\nx = datetime.date.today()",
        "import datetime as d\nx = d.datetime.today()",
        "import time\nx = time.time()",
        "from time import time_ns as t\nx = t()",
        "from datetime import datetime\nclock = datetime.now",
        "import sqlalchemy\nx = 'INSERT INTO t VALUES (CURRENT_TIMESTAMP)'",
        "import sqlalchemy\nx = 'SELECT now()'",
        "import sqlalchemy\nx = \"SELECT datetime('now')\"",
        "import sqlalchemy\nx = f'SELECT clock_timestamp() FROM {1}'",
    ],
)
def test_one_clock(code):
    assert lines(checks.one_clock(P, code)) == [2]
    assert checks.one_clock(checks.CLOCK, code) == []


def test_one_clock_lets_durations_and_the_clock_passed_in_be():
    sound = '''"""Never datetime.now() nor now()."""
import time
from datetime import datetime
x = clock.now()
y = datetime(2026, 11, 1)
z = time.perf_counter() + time.monotonic()
'''
    assert checks.one_clock(P, sound) == []


def test_seeded_chance():
    assert lines(checks.seeded_chance(P, "import random\nx = random.random()")) == [2]
    assert lines(checks.seeded_chance(P, "from random import shuffle\nshuffle(x)")) == [2]
    assert checks.seeded_chance(P, "import random\nx = random.Random(7).random()") == []


def test_no_float():
    assert lines(checks.no_float(P, "x = float(y)\ny = 1.5\nz = 0.0")) == [1, 2, 3]
    assert lines(checks.no_float("disbursement/entitlements/rules.py", "x = 1e3")) == [1]
    assert checks.no_float("disbursement/api/app.py", "timeout = 1.5") == []
    assert checks.no_float(P, "x = int(y) * 3 // 2\nok = isinstance(x, float)\ns = '1.5'") == []


def test_strict_xml():
    assert lines(checks.strict_xml(P, "p = XMLParser(recover=True)")) == [1]
    assert lines(checks.strict_xml(P, "p = XMLParser(recover=lenient)")) == [1]
    assert checks.strict_xml(P, "p = XMLParser(recover=False)") == []


def test_tokens_in_one_place():
    for code in (
        "import jose",
        "from jose import jwt",
        "from jose.utils import x",
        "import jose.jwt",
    ):
        assert lines(checks.tokens_in_one_place(P, code)) == [1]
        assert checks.tokens_in_one_place(checks.TOKENS, code) == []
    assert checks.tokens_in_one_place(P, "import josephine") == []


def test_honest_names():
    bad = "def stub_pay(): ...\nclass FakeBank: ...\ndummy = 1\ndef f(mock_bank): ...\n"
    assert lines(checks.honest_names(P, bad)) == [1, 2, 3, 4]
    assert lines(checks.honest_names(P, "def simulated_answer(): ...")) == [1]
    assert lines(checks.honest_names("disbursement/fake.py", "x = 1")) == [1]
    assert checks.honest_names("bank_adapters/simulators/bank.py", "def simulate(): ...") == []
    assert checks.honest_names(P, "def stubborn(): ...\nmockingbird = 1\nclass Bank: ...") == []


def test_nothing_left_open():
    assert lines(checks.nothing_left_open(P, "x = 1\ny = 2  # TO" + "DO: later")) == [2]
    assert checks.nothing_left_open(P, "x = 1  # today") == []


@pytest.mark.parametrize(
    "line",
    [
        f"open('{ROOT}work/main/x')",
        "cd /root/project",
        "see /home/lan/engine/README.md",
        "see /Users/lan/engine",
        f"`{ROOT}work`",
        f"pip install --{INDEX} x",
        f"--extra-{INDEX}=x",
        "--find-links wheels",
        f"https://py{'pi'}.org/project/x",
        f"https://files.python{'hosted'}.org/x",
        f"https://registry.npm{'js'}.org/x",
        "https://somewhere.example/simple/",
    ],
)
def test_no_machine(line):
    assert lines(checks.no_machine("docs/x.md", f"fine\n{line}\n")) == [2]


@pytest.mark.parametrize(
    "line",
    [
        f"docs{ROOT}work/x",
        "var/home/x",
        f"https://www.example{ROOT}work/main",
        "uv --no-emit-index-url --no-emit-find-links",
        "/usr/lib/postgresql/15/bin",
        "from PyPI",
        "/api/v1/lists",
        f".{ROOT}work/root",
    ],
)
def test_no_machine_lets_ordinary_words_be(line):
    assert checks.no_machine("docs/x.md", line) == []


def test_sourced():
    assert checks.sourced("a.csv", "code,amount\n1,2\n") == ["a.csv:1: no column `source`"]
    assert lines(checks.sourced("a.csv", "code,source\n1,law\n2, \n3,law\n4,\n")) == [3, 5]
    assert lines(checks.sourced("a.csv", "code,x,source\n1,2\n")) == [2]
    assert checks.sourced("a.csv", "code,source\n1,law\n") == []
    assert checks.sourced("a.csv", "") == ["a.csv:1: no column `source`"]
