"""docs/first-month.md works as it stands: its blocks are run one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-month.md"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_page_is_true(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    script = "set -euo pipefail\n" + "\n".join(blocks)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DISBURSE_")}
    clean.pop("DATABASE_URL", None)
    clean["PATH"] = f"{Path(sys.executable).parent}:{clean['PATH']}"
    if database == "postgres":
        clean["DATABASE_URL"] = request.getfixturevalue("pg_url")
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said = done.stdout
    assert "Đã đóng 2 kỳ" in said
    assert "SAI " not in said
    assert "lỗi cài sẵn" in said
    assert list((tmp_path / "var/first-month/cleaning").glob("*.xlsx"))
    assert list((tmp_path / "var/first-month/returned").glob("*.xlsx"))
