"""In CI nothing is skipped silently: a skip that is not on this list is a failure there."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field

import pytest

ALLOWED: tuple[tuple[str, str], ...] = (
    (
        r"shared[/ ](samples|iso20022|law|rails|specs)",
        "published sample files may not be copied into this repository",
    ),
    (
        r"^(only root|this run is an ordinary user's)",
        "how root hands a database over to another user can only be tried by root",
    ),
    (
        r"(PostgreSQL|SQLite)('s| keeps| has)|on SQLite whoever",
        "an attack for which only the other engine has a statement or a right",
    ),
)
"""(pattern of the skip's reason, why it may be left out even in CI)."""


def in_ci() -> bool:
    """Tell whether this run is CI's."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def allowed_because(reason: str) -> str | None:
    """Return why a skip of that reason is allowed in CI, or None."""
    return next((why for pattern, why in ALLOWED if re.search(pattern, reason)), None)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    return str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")


@dataclass(eq=False)  # plugins are kept in sets: one is only itself
class CiSkips:
    """The plugin; registered by conftest.py where CI is set."""

    seen: Counter[str] = field(default_factory=Counter)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        return self._judge(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self, collector):
        report = yield
        return self._judge(report)

    def _judge(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = _reason(report)
            if allowed_because(reason) is None:
                report.outcome = "failed"
                report.longrepr = f"left out in CI: {reason} (tests/ci_skips.py lists what may be)"
        return report

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.seen[_reason(report)] += 1

    def pytest_terminal_summary(self, terminalreporter):
        for reason, count in sorted(self.seen.items()):
            terminalreporter.write_line(
                f"left out, allowed: {count} test(s): {reason} - {allowed_because(reason)}"
            )
