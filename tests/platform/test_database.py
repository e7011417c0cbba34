"""How a database is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from disbursement.platform.database import Database
from disbursement.platform.migrate import create_cell, newest

NOW = "2026-09-01T00:00:00.000000Z"

ASKED = """
import sys
from pathlib import Path
from disbursement.platform.database import Database

database = Database(home=Path(sys.argv[1]))
with database.engine("cell_25").connect() as conn:
    for name in ("synchronous", "journal_mode", "foreign_keys", "recursive_triggers"):
        print(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one())
"""


def test_the_product_commits_to_the_disk(tmp_path: Path) -> None:
    """In a process of its own: this one's tests do not wait for the disk."""
    database = Database(home=tmp_path)
    create_cell(database, "25", "Phú Thọ", NOW)
    database.dispose()
    done = subprocess.run(
        [sys.executable, "-c", ASKED, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["2", "wal", "1", "1"]


def test_a_file_and_its_folder_are_brought_to_the_disk(tmp_path: Path) -> None:
    asked = """
import os, stat, sys
from pathlib import Path
seen = []
real = os.fsync
def told(handle):
    seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
    real(handle)
os.fsync = told
from disbursement.platform import files
files.write(Path(sys.argv[1]) / "a", b"1")
print(*seen)
seen.clear()
with files.synced_together():
    files.write(Path(sys.argv[1]) / "b", b"1")
    files.write(Path(sys.argv[1]) / "c", b"1")
    assert not seen
print(*sorted(seen))
"""
    done = subprocess.run(
        [sys.executable, "-c", asked, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["file folder", "file file folder"]


def test_what_is_newest_is_left_alone(tmp_path: Path) -> None:
    """No migration is loaded for books that are at the newest version."""
    database = Database(home=tmp_path)
    create_cell(database, "25", "Phú Thọ", NOW)
    database.dispose()
    asked = """
import sys
from pathlib import Path
from disbursement.platform.database import Database
from disbursement.platform.migrate import create_cell

create_cell(Database(home=Path(sys.argv[1])), "25", "Phú Thọ", "2026-10-01T00:00:00.000000Z")
print("alembic" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", asked, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False"]
    with database.engine("cell_25").connect() as conn:
        found = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    assert found == newest("cell")
    database.dispose()
