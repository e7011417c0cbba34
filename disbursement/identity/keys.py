"""Signing keys of the staff: one Ed25519 key each, in a file under the user's own passphrase.

The file is PKCS #8 (PBES2, AES-256), readable by its owner only, so that any standard tool opens
it; the server keeps public keys alone and never sees a passphrase through the API.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from disbursement.identity import secret_file
from disbursement.platform.errors import NotAllowedError, NotFoundError

MAX_KEY_FILE = 4096


def new_key() -> Ed25519PrivateKey:
    """Return a fresh key from the operating system's randomness."""
    return Ed25519PrivateKey.generate()


def write_key(path: Path, private: Ed25519PrivateKey, passphrase: str) -> None:
    """Write the key file, mode 0600, whole or not at all; never over another file.

    Raises FileExistsError where the name is taken.
    """
    pem = private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
    )
    secret_file.write(path, pem)


def open_key(path: Path, username: str, passphrase: str) -> Ed25519PrivateKey:
    """Open a key file.

    Raises NotFoundError `key_missing`, NotAllowedError `key_file_open` where others can read the
    file, NotAllowedError `passphrase` where it does not open.
    """
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode
            pem = source.read(MAX_KEY_FILE)
    except FileNotFoundError as error:
        raise NotFoundError(
            "key_missing",
            f"Không có khóa ký của {username} trên máy này: hãy chép tệp {path.name} vào "
            "thư mục keys/users.",
            en=f"{username} has no signing key on this machine: copy {path.name} to keys/users.",
        ) from error
    if mode & 0o077:
        raise NotAllowedError(
            "key_file_open",
            f"Người khác đọc được tệp khóa {path.name}: hãy đặt quyền 0600 rồi làm lại.",
            en=f"Others can read the key file {path.name}: set its mode to 0600 and try again.",
        )
    try:
        private = load_pem_private_key(pem, passphrase.encode() or b"\0")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _wrong(username) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _wrong(username)
    return private


def _wrong(username: str) -> NotAllowedError:
    return NotAllowedError(
        "passphrase",
        f"Mật khẩu khóa ký của {username} không đúng: chưa có gì được ký.",
        en=f"The passphrase of {username} is wrong: nothing was signed.",
    )
