"""Settings from the environment (`DISBURSE_…`), read once by the composition root."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are. Secrets are files, never values in the environment."""

    model_config = SettingsConfigDict(env_prefix="DISBURSE_", extra="ignore")

    home: Path = Path("var")
    """Folder of the installation: databases (SQLite), keys, files in and out."""
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    """PostgreSQL URL; SQLite files under `home` where it is not set."""
    cell: str = "25"
    """Province whose books the commands work on."""
    env: Literal["production", "demo", "test"] = "production"
    today: str | None = None
    """Sets the clock (yyyy-mm-dd); refused in production."""
    lang: Literal["vi", "en"] = "vi"
    xsd_dir: Path | None = None

    @property
    def key_file(self) -> Path:
        """Return the file with the encryption keys."""
        return self.home / "keys" / "data.json"

    @property
    def files(self) -> Path:
        """Return the folder of stored files of the cell (raw answers, rendered files, papers)."""
        return self.home / "files" / self.cell
