"""Where a demo lives: a folder and a database of its own, cleared before each run.

Nothing is ever cleared that does not carry a demo's mark: a file in the folder, a comment on the
schema `shared` in a PostgreSQL database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disbursement.platform import private_pg
from disbursement.platform.database import Database
from disbursement.platform.errors import RefusedError
from disbursement.platform.settings import Settings
from ledger.bulk import run_script
from ledger.sql import text

MARK = "demo.txt"
"""The file that tells a demo's folder from any other."""
WORDS = "Dữ liệu thử, mọi tên đều bịa đặt. All of it is invented."
"""What stands in that file, and in the comment."""
CLEARED = ("cells", "drop", "files", "keys", "pg", "reports", "sample")
_SCHEMAS = text(
    "SELECT nspname, coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace "
    "WHERE nspname = 'shared' OR nspname ~ '^cell_[0-9]{2}$' ORDER BY nspname"
)


@contextmanager
def place(settings: Settings, db: str) -> Iterator[str | None]:
    """Clear the folder and the database for a new demo; yield the URL of the database, if any.

    `db` postgres takes `settings.database_url`, or runs a private cluster under `home`/pg. Raises
    RefusedError `not_a_demo` where folder or database hold anything else; neither is touched then.
    """
    home = settings.home
    url = settings.database_url if db == "postgres" else None
    _own(home)
    if url:
        _clear_database(url)
    _clear(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text(WORDS + "\n", encoding="utf-8")
    if db == "sqlite" or url:
        yield url
        return
    with private_pg.private_cluster(home / "pg", durable=True) as running:
        yield running


def _own(home: Path) -> None:
    """Refuse a folder that holds something and has no mark."""
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise RefusedError(
            "not_a_demo",
            f"Thư mục {home} đã có dữ liệu và không phải của lần chạy thử; hãy đặt "
            "DISBURSE_ENV=demo và chọn thư mục khác bằng --home.",
            en=f"{home} holds data that no demo made; set DISBURSE_ENV=demo and choose another "
            "folder with --home.",
        )


def _clear(home: Path) -> None:
    """Remove what an earlier demo left; its private cluster may outlive its folder."""
    private_pg.remove(home / "pg")
    for name in CLEARED:
        if (home / name).exists():
            shutil.rmtree(home / name)
    for path in (home / "summary.json", *home.glob("shared.db*")):
        path.unlink(missing_ok=True)


def _clear_database(url: str) -> None:
    """Drop an earlier demo's schemas and mark the database. Refuses one with other books."""
    database = Database(url=url)
    try:
        with database.engine("shared", owner=True).begin() as conn:
            found = {str(name): str(words) for name, words in conn.execute(_SCHEMAS)}
            if found and found.get("shared") != WORDS:
                raise RefusedError(
                    "not_a_demo",
                    "Cơ sở dữ liệu trong DATABASE_URL đã có sổ không phải của lần chạy thử; hãy "
                    "dùng một cơ sở dữ liệu trống, hoặc bỏ DATABASE_URL.",
                    en="The database of DATABASE_URL holds books that no demo made; use an empty "
                    "one, or unset DATABASE_URL.",
                )
            run_script(
                conn,
                [
                    *(f"DROP SCHEMA {name} CASCADE" for name in found),
                    "CREATE SCHEMA shared",
                    f"COMMENT ON SCHEMA shared IS '{WORDS}'",
                ],
            )
    finally:
        database.dispose()
