"""Personal numbers at rest: AES-GCM bound to row and column, and keyed blind indexes.

A stored value is `key id (1 byte) | nonce (12) | ciphertext + tag`; the additional data is
`table.column:row`, so a value copied into another row or column does not open. A blind index is
HMAC-SHA256 under its own key, cut to 16 bytes: equal numbers meet, nobody can list them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from disbursement.platform.errors import OurFaultError

NONCE_BYTES = 12
BLIND_BYTES = 16


class KeyRing:
    """Keys by id; the newest encrypts, all decrypt. The blind key never rotates by itself."""

    def __init__(self, keys: dict[int, bytes], blind_key: bytes) -> None:
        self._aes = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = max(keys)
        self._blind_key = blind_key

    @staticmethod
    def create(path: Path) -> None:
        """Write a new key file, readable by its owner only; an existing one is left alone."""
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        body = {"keys": {"1": secrets.token_hex(32)}, "blind": secrets.token_hex(32)}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(body, out)

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Read the key file. Raises OurFaultError where it is missing or broken."""
        try:
            body = json.loads(path.read_text())
            keys = {int(k): bytes.fromhex(v) for k, v in body["keys"].items()}
            return cls(keys, bytes.fromhex(body["blind"]))
        except (OSError, ValueError, KeyError) as error:
            raise OurFaultError(
                "key_file",
                f"Không đọc được tệp khóa {path.name}; hãy khôi phục tệp này từ bản sao lưu.",
            ) from error

    def encrypt(self, field: str, row: int, value: str) -> bytes:
        """Encrypt `value` for `field` ("table.column") of row `row`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._aes[self._current].encrypt(nonce, value.encode(), f"{field}:{row}".encode())
        return bytes((self._current,)) + nonce + sealed

    def decrypt(self, field: str, row: int, blob: bytes) -> str:
        """Open a stored value. Raises OurFaultError where it was moved, altered or key-less."""
        try:
            plain = self._aes[blob[0]].decrypt(
                blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :], f"{field}:{row}".encode()
            )
        except (InvalidTag, KeyError, IndexError) as error:
            raise OurFaultError(
                "sealed_value",
                f"Giá trị mã hóa {field} dòng {row} không mở được: đã bị sửa hoặc chuyển chỗ.",
            ) from error
        return plain.decode()

    def blind(self, kind: str, value: str) -> bytes:
        """Return the blind index of a normalised value; `kind` keeps number spaces apart."""
        return hmac.digest(self._blind_key, f"{kind}:{value}".encode(), hashlib.sha256)[
            :BLIND_BYTES
        ]
