from __future__ import annotations

from tests.cli.conftest import typed
from tests.runs.conftest import world

__all__ = ["typed", "world"]
