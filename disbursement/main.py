"""The composition root of the server: `uvicorn --factory disbursement.main:app`.

Settings come from the environment (disbursement/platform/settings.py). Nothing imports this module.
"""

from __future__ import annotations

from fastapi import FastAPI

from disbursement.api.app import create_app
from disbursement.api.serving import ready
from disbursement.platform.context import open_context
from disbursement.platform.settings import Settings


def app() -> FastAPI:
    """Return the application over the cell that the environment names."""
    return create_app(ready(open_context(Settings())))
