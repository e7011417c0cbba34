from __future__ import annotations

from tests.payments.conftest import *  # noqa: F403 - the same fixtures
