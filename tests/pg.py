"""One PostgreSQL cluster for a whole test run, started by whoever asks first.

The controller of the run names a folder in the environment before it starts its workers; the
first worker that needs PostgreSQL starts the cluster there under a lock; the controller stops it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from disbursement.platform import private_pg

GIVEN_URL = "DISBURSE_TEST_PG_ADMIN_URL"
FOLDER = "DISBURSE_TEST_PG_DIR"
PREFIX = "disburse-test-pg-"


def name_folder() -> None:
    """Called by the controller: choose the folder, and clear up after runs that were killed."""
    if os.environ.get(GIVEN_URL) or os.environ.get(FOLDER):
        return
    base = Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}*"):
        told = left.name.removeprefix(PREFIX)
        if told.isdigit() and not Path(f"/proc/{told}").exists() and Path("/proc/self").exists():
            _remove(left)
    os.environ[FOLDER] = str(base / f"{PREFIX}{os.getpid()}")


def admin_url() -> str:
    """Return the admin URL; starts the cluster at the first call of the run."""
    if given := os.environ.get(GIVEN_URL):
        return given
    folder = Path(os.environ[FOLDER])
    return private_pg.start(folder, durable=False).admin_url


def stop() -> None:
    """Called by the controller at the end of the run."""
    folder = os.environ.pop(FOLDER, None)
    if folder is not None and Path(folder).exists():
        _remove(Path(folder))


def _remove(folder: Path) -> None:
    try:
        owner = folder.stat().st_uid
    except FileNotFoundError:
        return  # another run clears up at the same moment
    if owner != private_pg.server_uid():
        return  # somebody else's run
    private_pg.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
