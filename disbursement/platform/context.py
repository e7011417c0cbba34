"""What a use case needs, wired once: settings, the cell, the clock, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.exc import ArgumentError

from disbursement.platform.clock import YEARS, Clock, SetClock, SystemClock
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
    """Wire a context from settings.

    Raises UsageError for a clock set in production, or to what is no day; for a database address
    that is none.
    """
    if settings.today is not None and settings.env == "production":
        raise UsageError("clock", "Không được đặt --today khi chạy thật (production).")
    if clock is None:
        clock = clock_of(settings)
    database = _database(settings)
    KeyRing.create(settings.key_file)
    return Context(
        settings, database, database.cell(settings.cell), clock, KeyRing.load(settings.key_file)
    )


def clock_of(settings: Settings) -> Clock:
    """Return the machine's clock, or the one that --today sets. UsageError where that is no day."""
    return SystemClock() if settings.today is None else SetClock(_day(settings.today))


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "clock", f"--today phải viết dạng 2026-10-05, không phải '{text}'."
        ) from error
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise UsageError(
            "clock", f"--today phải từ năm {YEARS[0]} đến {YEARS[1]}, không phải '{text}'."
        )
    return found


def _database(settings: Settings) -> Database:
    if not settings.database_url:
        return Database(home=settings.home)
    try:
        return Database(url=settings.database_url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "database_url",
            "DATABASE_URL không đúng dạng postgresql://NGƯỜI_DÙNG:MẬT_KHẨU@MÁY:CỔNG/TÊN; sửa rồi "
            "chạy lại.",
        ) from None  # its text repeats the address, password and all
