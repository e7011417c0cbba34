"""Commands as they are typed: `disburse --home … WORDS`, on a month of the small commune."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from disbursement.cli import common
from disbursement.cli.app import app
from tests.payments.world import Month, open_roster, sent_month
from tests.runs.conftest import world
from tests.runs.world import SECRET, World

__all__ = ["world"]


@dataclass(frozen=True)
class Said:
    """What one command did, as the person at the terminal sees it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def refused(self, code: str, exit_code: int) -> None:
        """Expect one clear sentence, the exit code, and nothing on stdout."""
        assert (self.code, self.out) == (exit_code, ""), self
        assert self.err.startswith(f"Lỗi [{code}]: "), self.err
        assert self.err.count("\n") == 1


Type = Callable[..., Said]


@pytest.fixture
def typed(world: World) -> Type:
    settings = world.ctx.settings

    def run(*words: object, day: str = "2026-10-08") -> Said:
        before = ["--home", settings.home, "--cell", "25", "--today", day]
        env = {
            "DISBURSE_ENV": "test", "DATABASE_URL": settings.database_url,
            "DISBURSE_PASSPHRASE": SECRET, "COLUMNS": "200",
        }  # fmt: skip
        common._overrides.clear()
        done = CliRunner(env=env).invoke(
            app, [str(w) for w in (*before, *words)], prog_name="disburse"
        )
        common._overrides.clear()
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    """October is prepared, signed, drawn and sent; the clock stands at 5 October."""
    return sent_month(world, tmp_path / "drop", roster=open_roster)
