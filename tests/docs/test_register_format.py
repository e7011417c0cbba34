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


def test_every_column_of_every_national_register_is_there_with_its_source() -> None:
    from disbursement.beneficiaries.national.profiles import profiles

    said = (ROOT / "docs" / "national-registers.md").read_text("utf-8")
    for chosen in profiles().values():
        assert f"## `{chosen.code}`" in said
        for one in chosen.columns:
            assert f"| {one.column.header} |" in said
            assert f"| {one.meaning_en} | {one.source} |" in said


def test_every_header_is_there() -> None:
    from disbursement.beneficiaries import columns
    from disbursement.beneficiaries.national.profiles import profile

    said = (ROOT / "docs" / "register-format.md").read_text("utf-8")
    for chosen in (
        columns.REGISTER,
        columns.OPENING,
        profile("deaths").column_set,
        columns.CONTRACTS,
    ):
        for column in chosen.columns:
            assert f"| {column.header} |" in said
