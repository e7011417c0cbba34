from __future__ import annotations

from tests.beneficiaries.conftest import ctx

__all__ = ["ctx"]
