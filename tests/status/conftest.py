from __future__ import annotations

from tests.api.conftest import postgres_mould, site, sqlite_mould, still

__all__ = ["postgres_mould", "site", "sqlite_mould", "still"]
