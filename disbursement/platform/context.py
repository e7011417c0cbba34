"""What a use case needs, wired once: settings, the cell, the clock, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from disbursement.platform.clock import Clock, SetClock, SystemClock
from disbursement.platform.crypto import KeyRing
from disbursement.platform.database import Cell, Database
from disbursement.platform.errors import UsageError
from disbursement.platform.settings import Settings


@dataclass(frozen=True)
class Context:
    """Handed to every use case; nothing below it looks at the environment or the machine."""

    settings: Settings
    database: Database
    cell: Cell
    clock: Clock
    keys: KeyRing


def open_context(settings: Settings, *, clock: Clock | None = None) -> Context:
    """Wire a context from settings. Raises UsageError for a clock set in production."""
    if settings.today is not None and settings.env == "production":
        raise UsageError("clock", "Không được đặt --today khi chạy thật (production).")
    if clock is None:
        clock = SetClock(date.fromisoformat(settings.today)) if settings.today else SystemClock()
    database = (
        Database(url=settings.database_url)
        if settings.database_url
        else Database(home=settings.home)
    )
    KeyRing.create(settings.key_file)
    return Context(
        settings, database, database.cell(settings.cell), clock, KeyRing.load(settings.key_file)
    )
