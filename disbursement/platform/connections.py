"""Where a called rail is reached and with which secrets: one TOML file per provider.

`<home>/connections/<provider>.toml`, readable by the installation's own user only:

    base_url = "https://…"          # required; https, except to this machine
    ca = "rail-ca.pem"              # optional; paths are relative to the file
    client_certificate = "us.pem"   # optional, with client_key
    client_key = "us.key"
    calls_per_second = 100          # optional; what the contract allows, if not the profile's
    [secrets]                       # by the names that docs/rails.md gives for the rail
    access_key = "…"

An unknown name is refused; no value is ever shown. A secret that begins with `file:` is read from
the file named after it.
"""

from __future__ import annotations

import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.platform.settings import Settings

_KEYS = frozenset(
    {"base_url", "ca", "client_certificate", "client_key", "calls_per_second", "secrets"}
)
MOST_CALLS_PER_SECOND = 100_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class ConnectionFile:
    """What the file of one provider says."""

    base_url: str
    ca: Path | None
    client_certificate: Path | None
    client_key: Path | None
    secrets: dict[str, str] = field(repr=False)
    calls_per_second: int | None = None


def connection_path(settings: Settings, provider: str) -> Path:
    """Return where the connection of a provider is described."""
    return settings.home / "connections" / f"{provider}.toml"


def load_connection(settings: Settings, provider: str) -> ConnectionFile:
    """Read the connection of a provider.

    Raises NotNowError where there is none yet, RefusedError naming what is wrong in it.
    """
    path = connection_path(settings, provider)
    if not path.is_file():
        raise NotNowError(
            "no_connection",
            f"Chưa khai báo kết nối của {provider} (tệp connections/{path.name}); lô chờ đến khi "
            "khai báo xong.",
        )
    if path.stat().st_mode & _OTHERS:
        raise _refused(path, "người khác trên máy đọc được; hãy đặt quyền 600")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _refused(path, "không phải TOML đọc được") from None
    for unknown in sorted(set(data) - _KEYS):
        raise _refused(path, f"không có mục {unknown}")
    if not isinstance(data.get("base_url"), str):
        raise _refused(path, "thiếu base_url")
    if ("client_certificate" in data) != ("client_key" in data):
        raise _refused(path, "client_certificate và client_key phải đi cùng nhau")
    rate = data.get("calls_per_second")
    if rate is not None and (type(rate) is not int or not 1 <= rate <= MOST_CALLS_PER_SECOND):
        raise _refused(path, f"calls_per_second phải là số từ 1 đến {MOST_CALLS_PER_SECOND}")
    return ConnectionFile(
        data["base_url"].rstrip("/"),
        _file(path, data, "ca"),
        _file(path, data, "client_certificate"),
        _file(path, data, "client_key"),
        _secrets(path, data.get("secrets", {})),
        rate,
    )


def _file(path: Path, data: dict[str, Any], name: str) -> Path | None:
    if name not in data:
        return None
    found = path.parent / str(data[name])
    if not found.is_file():
        raise _refused(path, f"mục {name}: không có tệp {found.name}")
    return found


def _secrets(path: Path, data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        raise _refused(path, "mục secrets phải là các cặp tên = giá trị")
    out = {}
    for name, value in data.items():
        if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise _refused(path, f"secrets.{name} phải là chữ")
        out[name] = value if not value.startswith("file:") else _read(path, name, value)
    return out


def _read(path: Path, name: str, value: str) -> str:
    found = path.parent / value.removeprefix("file:")
    if not found.is_file():
        raise _refused(path, f"secrets.{name}: không có tệp {found.name}")
    return found.read_text(encoding="utf-8").strip()


def _refused(path: Path, why: str) -> RefusedError:
    return RefusedError("connection_file", f"Tệp kết nối {path.name}: {why}; sửa rồi chạy lại.")
