"""A context with `shared` made, on either database; used by identity, api and status tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from disbursement.platform.context import Context, open_context
from disbursement.platform.migrate import migrate
from disbursement.platform.settings import Settings


def context(
    home: Path, url: str | None, *, env: str = "test", today: str | None = "2026-10-20"
) -> Context:
    return open_context(
        Settings.model_validate(
            {"home": home, "DATABASE_URL": url, "cell": "25", "env": env, "today": today}
        )
    )


def database_url(request: pytest.FixtureRequest, kind: str) -> str | None:
    return request.getfixturevalue("pg_url") if kind == "postgres" else None


def migrated(ctx: Context) -> None:
    """Make `shared`. Roles belong to the cluster: another worker may make them this instant."""
    try:
        migrate(ctx.database, "shared")
    except IntegrityError:
        migrate(ctx.database, "shared")


@contextmanager
def shared_only(home: Path, url: str | None) -> Iterator[Context]:
    ctx = context(home, url)
    migrated(ctx)
    try:
        yield ctx
    finally:
        ctx.database.dispose()
