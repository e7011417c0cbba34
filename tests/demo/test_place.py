"""Where a demo lives, what it may clear, what it lets out, and that it gives the same again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from sqlalchemy import text

from disbursement.demo.service import run_demo
from disbursement.platform.database import Database
from disbursement.platform.errors import RefusedError
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from tests.demo.conftest import PAYERS, PEOPLE, Ran

MEASURED = ("seconds", "peak_rss_mb", "database")


def same(summary: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one run to the next."""
    return {k: v for k, v in summary.items() if k not in MEASURED}


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def disburse(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, in an environment that is ours alone."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DISBURSE_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-c", "from disbursement.cli import main; main()", *args],
        cwd=cwd, env={**clean, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="package")
def again(sqlite_demo: Ran, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The demo once more in the same folder, by its command: (what it printed, summary.json)."""
    sqlite_demo.ctx.database.dispose()
    first = dict(sqlite_demo.summary)
    done = disburse(
        "demo", "--people", str(PEOPLE), "--payers", str(PAYERS),
        cwd=tmp_path_factory.mktemp("nowhere"),
        DISBURSE_HOME=str(sqlite_demo.home), DISBURSE_ENV="demo",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    second = json.loads((sqlite_demo.home / "summary.json").read_text("utf-8"))
    assert second["seconds"] != first["seconds"]  # it is a new file
    return done.stdout, second


def test_both_databases_tell_the_same(sqlite_demo: Ran, pg_demo: Ran) -> None:
    assert (sqlite_demo.summary["database"], pg_demo.summary["database"]) == ("sqlite", "postgres")
    assert same(pg_demo.summary) == same(sqlite_demo.summary)
    assert pg_demo.said == sqlite_demo.said


def test_a_second_run_in_the_same_folder_gives_the_same(
    sqlite_demo: Ran, again: tuple[str, dict[str, Any]]
) -> None:
    printed, summary = again
    assert same(summary) == same(sqlite_demo.summary)
    assert (
        printed.splitlines()[: len(sqlite_demo.said)]
        == [line for said in sqlite_demo.said for line in said.split("\n")][: len(sqlite_demo.said)]
    )


def test_a_second_run_in_the_same_database_starts_anew(pg_demo: Ran) -> None:
    earlier = pg_demo.earlier["months"][0]["people"]
    assert earlier == PEOPLE // 10 + 4
    assert pg_demo.one("SELECT count(*) FROM person") == PEOPLE + 4


def test_nothing_personal_is_let_out(demo: Ran, again: tuple[str, dict[str, Any]]) -> None:
    """No name, identity or account number in what is printed, in summary.json, in file names."""
    secrets: set[str] = set()
    for path in (demo.home / "sample").glob("register*.xlsx"):
        book = python_calamine.load_workbook(str(path)).get_sheet_by_index(0)
        head, *rows = ([str(c) for c in r] for r in book.iter_rows())
        wanted = [
            n for n, h in enumerate(head)
            if h in ("Số định danh cá nhân", "Họ và tên", "Người nhận", "Số tài khoản",
                     "Tên chủ tài khoản")
        ]  # fmt: skip
        assert len(wanted) == 5
        secrets |= {row[n] for row in rows for n in wanted if row[n]}
    assert len(secrets) > PEOPLE * 2
    names = [str(p.relative_to(demo.home)) for p in demo.home.rglob("*")]
    assert len(names) > 100
    let_out = "\n".join(
        [*demo.said, again[0], (demo.home / "summary.json").read_text("utf-8"), *names]
    )
    assert [s for s in secrets if s in let_out] == []


def test_a_folder_that_is_no_demos_is_refused_and_untouched(
    tmp_path: Path, new_pg_database: Callable[[], str]
) -> None:
    home = tmp_path / "office"
    (home / "cells").mkdir(parents=True)
    (home / "cells" / "25.db").write_bytes(b"the books of an office")
    before = tree(home)
    url = new_pg_database()
    for db, given in (("sqlite", None), ("postgres", url)):
        settings = Settings(home=home, env="demo", DATABASE_URL=given)
        with pytest.raises(RefusedError, match="không phải của lần chạy thử") as refused:
            run_demo(settings, db, print, people=30, payers=1)  # type: ignore[arg-type]  # both literals
        assert refused.value.code == "not_a_demo"
    assert tree(home) == before
    database = Database(url=url)
    with database.engine("shared", owner=True).connect() as conn:
        assert conn.execute(
            text("SELECT count(*) FROM pg_namespace WHERE nspname = 'shared'")
        ).scalar_one() == 0  # fmt: skip
    database.dispose()


def test_a_database_that_is_no_demos_is_refused_and_untouched(
    tmp_path: Path, new_pg_database: Callable[[], str]
) -> None:
    url = new_pg_database()
    database = Database(url=url)
    create_cell(database, "25", "Tỉnh Phú Thọ", "2026-09-01T00:00:00.000000Z")
    settings = Settings(home=tmp_path / "demo", env="demo", DATABASE_URL=url)
    with pytest.raises(RefusedError, match="DATABASE_URL đã có sổ"):
        run_demo(settings, "postgres", print, people=30, payers=1)
    assert not (tmp_path / "demo").exists()
    with database.engine("shared").connect() as conn:
        assert conn.execute(text("SELECT code, created_at FROM cell_registry")).all() == [
            ("25", "2026-09-01T00:00:00.000000Z")
        ]
    database.dispose()


def test_without_the_environment_of_a_demo_the_home_is_left_alone(tmp_path: Path) -> None:
    home, cwd = tmp_path / "office", tmp_path / "work"
    cwd.mkdir()
    home.mkdir()
    (home / "letter.txt").write_text("mine", "utf-8")
    done = disburse("demo", "--people", "40", "--payers", "1", cwd=cwd, DISBURSE_HOME=str(home))
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(home) == {"letter.txt": b"mine"}
    assert [p.name for p in tmp_path.iterdir() if p not in (home, cwd)] == []
    assert [p.name for p in cwd.iterdir()] == ["demo"]
    summary = json.loads((cwd / "demo" / "summary.json").read_text("utf-8"))
    assert summary["planted_faults"] == summary["faults_found"] == 6
