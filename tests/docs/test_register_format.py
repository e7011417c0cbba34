"""docs/register-format.md says exactly what the code reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tables_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "register_format"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_header_is_there() -> None:
    from disbursement.beneficiaries import columns

    said = (ROOT / "docs" / "register-format.md").read_text("utf-8")
    for chosen in (columns.REGISTER, columns.OPENING, columns.DEATHS, columns.CONTRACTS):
        for column in chosen.columns:
            assert f"| {column.header} |" in said
