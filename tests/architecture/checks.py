"""The rules of the house that no other tool checks, as functions from a text to its faults.

Each takes the path of a file (relative to the checkout) and its text, and returns sentences that
name the line. tests/architecture/test_checks.py shows each of them failing on a planted sample.
"""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator

MAX_FUNCTION_LINES = 70
CLOCK = "disbursement/platform/clock.py"
TOKENS = "disbursement/identity/tokens.py"

CLOCK_CALLS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "time.strftime",
}
CLOCK_SQL = re.compile(
    r"\bCURRENT_(?:TIMESTAMP|DATE|TIME)\b|\bLOCALTIME(?:STAMP)?\b|\bnow\(\)|\bunixepoch\(\)"
    r"|\b(?:clock|statement|transaction)_timestamp\(\)|['\"]now['\"]",
    re.IGNORECASE,
)

MONEY_ROOMS = (
    "ledger/",
    "reconciliation/",
    "bank_adapters/",
    "disbursement/beneficiaries/",
    "disbursement/entitlements/",
    "disbursement/fallback/",
    "disbursement/payments/",
    "disbursement/programmes/",
    "disbursement/runs/",
)

PRETENCE = re.compile(
    r"(?:^|_)(?:stub|stubs|stubbed|fake|faked|dummy|mock|mocked|placeholder)(?:_|$)"
)
SIMULATION = re.compile(r"(?:^|_)(?:simulated?|simulator|simulation)(?:_|$)")
SIMULATION_PLACES = re.compile(r"simul|(?:^|/)(?:cli|demo|bench|conformance)(?:/|\.py|_)")
LEFT_OPEN = re.compile("#.*\\b(?:TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b")

# Written in pieces, so that this file passes its own checks.
MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|opt/(?:pypi|wheels)[\w-]*)(?:/|\b(?=['\"\s`]))"
)
REGISTRY = re.compile(
    "|".join(
        (
            r"pypi\.(?:org|io)",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.(?:org|com)",
            r"deb\." + r"debian\.org",
            r"archive\." + r"ubuntu\.com",
            r"arti" + r"factory",
            r"https?://[^\s\"']+/simple\b",
        )
    )
)
INDEX_OPTION = re.compile("--(?:extra-)?index-" + r"url\b|--find-" + r"links\b")
NO_INDEX_OPTION = re.compile("--no-emit-(?:index-" + "url|find-" + "links)")


def dotted_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, full dotted name) of every name used, imports resolved."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = _dotted(node)
            if name is not None:
                first, _, rest = name.partition(".")
                full = known.get(first)
                if full is not None:
                    yield node.lineno, f"{full}.{rest}" if rest else full


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every string that is not a docstring."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def function_length(path: str, text: str) -> list[str]:
    """A function fits on a screen."""
    out = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                out.append(f"{path}:{node.lineno}: {node.name} has {lines} lines")
    return out


def one_clock(path: str, text: str) -> list[str]:
    """Time comes from the clock that is passed in: neither from the machine nor from SQL."""
    if path == CLOCK:
        return []
    tree = ast.parse(text)
    out = [
        f"{path}:{line}: {name} asks the machine for the time"
        for line, name in dotted_names(tree)
        if name in CLOCK_CALLS
    ]
    for line, string in _strings(tree):
        found = CLOCK_SQL.search(string)
        if found:
            out.append(f"{path}:{line}: {found.group()} asks the database for the time")
    return out


def seeded_chance(path: str, text: str) -> list[str]:
    """Chance is passed in (random.Random with a seed) or cryptographic; never the module's own."""
    return [
        f"{path}:{line}: {name} cannot be replayed"
        for line, name in dotted_names(ast.parse(text))
        if name.startswith("random.") and name not in {"random.Random", "random.SystemRandom"}
    ]


def no_float(path: str, text: str) -> list[str]:
    """No float near money: no call, no literal."""
    if not path.startswith(MONEY_ROOMS):
        return []
    out = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            out.append(f"{path}:{node.lineno}: the float {node.value}")
        if isinstance(node, ast.Call) and _dotted(node.func) == "float":
            out.append(f"{path}:{node.lineno}: a call of float")
    return out


def strict_xml(path: str, text: str) -> list[str]:
    """`recover` accepts truncated statements."""
    return [
        f"{path}:{node.value.lineno}: a parser that recovers"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword)
        and node.arg == "recover"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]


def tokens_in_one_place(path: str, text: str) -> list[str]:
    """Only the strict wrapper imports jose."""
    if path == TOKENS:
        return []
    out = []
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(n == "jose" or n.startswith("jose.") for n in names):
            out.append(f"{path}:{node.lineno}: imports jose")
    return out


def honest_names(path: str, text: str) -> list[str]:
    """No name that admits to a stand-in; simulation is named only where simulation is."""
    out = []
    simulators = SIMULATION_PLACES.search(path) is not None
    for line, name in _defined(ast.parse(text)):
        low = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        if PRETENCE.search(low):
            out.append(f"{path}:{line}: the name {name}")
        if SIMULATION.search(low) and not simulators:
            out.append(f"{path}:{line}: the name {name} outside simulators")
    stem = path.rsplit("/", 1)[-1].removesuffix(".py")
    if PRETENCE.search(stem):
        out.append(f"{path}:1: the module's name")
    return out


def _defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def nothing_left_open(path: str, text: str) -> list[str]:
    """No note to oneself stays in the code."""
    return [
        f"{path}:{number}: a note left open"
        for number, line in enumerate(text.splitlines(), 1)
        if LEFT_OPEN.search(line)
    ]


def no_machine(path: str, text: str) -> list[str]:
    """Neither a path of one machine, nor a package registry's host, nor an index option."""
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            out.append(f"{path}:{number}: a path of one machine")
        if REGISTRY.search(line):
            out.append(f"{path}:{number}: a registry's host")
        if INDEX_OPTION.search(NO_INDEX_OPTION.sub("", line)):
            out.append(f"{path}:{number}: an index option")
    return out


def sourced(path: str, text: str) -> list[str]:
    """Every row of a data file says where it comes from, in the column `source`."""
    rows = csv.DictReader(io.StringIO(text))
    if "source" not in (rows.fieldnames or []):
        return [f"{path}:1: no column `source`"]
    return [
        f"{path}:{rows.line_num}: a row without its source"
        for row in rows
        if not (row["source"] or "").strip()
    ]
