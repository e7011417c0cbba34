"""A connection file says what it may say and nothing else; no test address in production."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bank_adapters.contract import AdapterError
from bank_adapters.transports.connection import (
    ConnectionFileError,
    Folder,
    Https,
    Sftp,
    load_connection,
)

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
SFTP: dict[str, Any] = {
    "kind": "sftp", "title": "Ngân hàng", "source": "thỏa thuận", "host": "sftp.nganhang.vn",
    "user": "chi-tra", "host_keys": [KEY], "key_file": "khoa", "out": "/in", "answers": "/out",
    "pgp": {"own_key": "pgp.key", "bank_cert": "bank.asc"},
}  # fmt: skip
HTTPS: dict[str, Any] = {
    "kind": "https", "title": "Cổng", "source": "thỏa thuận", "url": "https://cong.nganhang.vn",
    "ca": "ca.pem", "client_cert": "c.pem", "client_key": "k.pem", "out": "/in", "answers": "/out",
}  # fmt: skip


def toml(data: dict[str, Any]) -> str:
    """Write plain values and one level of tables; JSON's forms of them are TOML's too."""
    plain = [f"{k} = {json.dumps(v)}" for k, v in data.items() if not isinstance(v, dict)]
    tables = [f"[{k}]\n{toml(v)}" for k, v in data.items() if isinstance(v, dict)]
    return "\n".join(plain + tables)


def load(folder: Path, data: dict[str, Any], *, production: bool = True) -> Any:
    path = folder / "NH.toml"
    path.write_text(toml(data))
    return load_connection(path, production=production)


def test_each_kind_is_read_with_files_beside_it(tmp_path: Path) -> None:
    sftp = load(tmp_path, SFTP)
    assert isinstance(sftp, Sftp)
    assert (sftp.port, sftp.verify, sftp.secret.key_file) == (22, "hash", tmp_path / "khoa")
    assert sftp.wrapping.pgp.bank_cert == tmp_path / "bank.asc"
    assert sftp.wrapping.dsig is None
    assert isinstance(load(tmp_path, HTTPS), Https)
    folder = load(
        tmp_path, {"kind": "folder", "title": "a", "source": "b", "out": "gui", "answers": "nhan"}
    )
    assert (type(folder), folder.out) == (Folder, tmp_path / "gui")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"port_number": 22}, "port_number"),
        ({"pgp": {"own_key": "a", "bank_cert": "b", "trust": "all"}}, "trust"),
        ({"wrapping": {}}, "wrapping"),
        ({"secret": {}}, "secret"),
        ({"kind": "ftp"}, "kind"),
        ({"host_keys": []}, "host_keys"),
        ({"host_keys": ["ssh-ed25519 AAAA"]}, "host_keys"),
        ({"host_keys": KEY}, "host_keys"),
        ({"port": "22"}, "port"),
        ({"verify": "none"}, "verify"),
        ({"password_file": "p"}, "key_file"),
        ({"password": "mat-khau"}, "password"),
        ({"source": ""}, "source"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConnectionFileError, match=f"NH.toml, mục {field}:") as refused:
        load(tmp_path, SFTP | change)
    assert "mat-khau" not in refused.value.sentence


@pytest.mark.parametrize("field", ["title", "source", "host", "host_keys", "key_file", "out"])
def test_a_missing_field_is_refused_by_name(tmp_path: Path, field: str) -> None:
    with pytest.raises(ConnectionFileError, match=f"mục {field}:"):
        load(tmp_path, {k: v for k, v in SFTP.items() if k != field})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "sandbox.nganhang.vn", "sftp-uat.nh.vn"]
)
def test_a_test_or_simulator_address_is_refused_in_production(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConnectionFileError, match="không dùng ở hệ thống thật"):
        load(tmp_path, SFTP | {"host": host})
    assert load(tmp_path, SFTP | {"host": host}, production=False).host == host


@pytest.mark.parametrize("url", ["https://127.0.0.1:8443", "https://sandbox.nganhang.vn"])
def test_a_test_gateway_is_refused_in_production(tmp_path: Path, url: str) -> None:
    with pytest.raises(AdapterError, match="máy chủ thử"):
        load(tmp_path, HTTPS | {"url": url})
    assert load(tmp_path, HTTPS | {"url": url}, production=False).url == url


def test_plain_http_and_what_is_no_toml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFileError, match="https"):
        load(tmp_path, HTTPS | {"url": "http://127.0.0.1"}, production=False)
    (tmp_path / "NH.toml").write_text("kind: sftp")
    with pytest.raises(ConnectionFileError, match="TOML"):
        load_connection(tmp_path / "NH.toml", production=True)
