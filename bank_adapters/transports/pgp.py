"""OpenPGP: what leaves is signed by us and encrypted for the bank; what comes must be the bank's.

A file is written under a temporary name and gets its own only when all of it is right: a plaintext
whose signature was not checked never stays. pysequoia's own error texts hold stack traces, so none
of them is passed on.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

from pysequoia import Cert, Tsk, encrypt_file

from bank_adapters.contract import RefusedFile
from bank_adapters.transports.connection import (
    MOST_BYTES,
    Pgp,
    secret_bytes,
    secret_of,
    unreachable,
)

SUFFIX = ".pgp"
"""Ending of a file's name on the wire."""
_CHILD = Path(__file__).with_name("pgp_child.py")


def seal(how: Pgp, source: Path, target: Path) -> None:
    """Sign and encrypt one file. No two runs give the same bytes: wrap once, keep, send again.

    Raises ConnectionFileError where a key cannot be read, or is expired or revoked.
    """
    own, bank = _own(how), _bank(how)
    part = target.with_name(f".{target.name}.part")
    try:
        encrypt_file(str(source), str(part), [bank], own.signer(_word(how)), armor=False)
    except RuntimeError:
        part.unlink(missing_ok=True)
        raise unreachable(
            how.bank_cert.name, "không ký và mã hóa được bằng khóa này (hết hạn, thu hồi, sai khóa)"
        ) from None
    _finish(part, target)


def unseal(how: Pgp, source: Path, target: Path, most_bytes: int = MOST_BYTES) -> None:
    """Decrypt one file and check that the bank signed it.

    Raises RefusedFile (`pgp`) for any file that is not encrypted to us and signed by the bank's
    pinned certificate, or that opens to more than `most_bytes`; nothing of its plaintext is kept
    then. ConnectionFileError for our keys.
    """
    own, bank = _own(how), _bank(how)
    try:
        own.decryptor(_word(how))  # a fault of our key is none of the answer's
    except RuntimeError:
        raise unreachable(how.own_key.name, "mật khẩu của khóa OpenPGP không đúng") from None
    part = target.with_name(f".{target.name}.part")
    signers = _opened(how, own, bank, source, part, most_bytes) if _is_sealed(source) else ()
    if bank.fingerprint not in signers:
        part.unlink(missing_ok=True)
        raise RefusedFile(
            "pgp",
            "không giải mã được hoặc không có chữ ký OpenPGP của ngân hàng",
            "Hãy hỏi ngân hàng; không dùng tệp này.",
            en="not decrypted, or not signed by the bank's certificate",
        )
    _finish(part, target)


def _opened(
    how: Pgp, own: Tsk, bank: Cert, source: Path, part: Path, most_bytes: int
) -> tuple[str, ...]:
    """Decrypt in a process with limits; return whose signatures are valid, none where it failed."""
    keys = {
        "key": base64.b64encode(bytes(own)).decode(),
        "cert": base64.b64encode(bytes(bank)).decode(),
        "word": _word(how),
    }
    done = subprocess.run(  # noqa: S603 - our own script under our own interpreter, no shell
        [sys.executable, "-I", str(_CHILD), str(source), str(part), str(most_bytes)],
        input=json.dumps(keys),
        capture_output=True,
        text=True,
        check=False,
    )
    return tuple(done.stdout.split()) if done.returncode == 0 else ()


def _is_sealed(source: Path) -> bool:
    """Tell whether a message begins with a session key: packet tag 1 or 3 of RFC 9580, 5."""
    with source.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(b"-----BEGIN PGP MESSAGE-----"):
        body = head.replace(b"\r", b"").partition(b"\n\n")[2]
        try:
            head = base64.b64decode(body[:4], validate=True)
        except ValueError:
            return False
    first = head[0] if head else 0
    tag = first & 0x3F if first & 0x40 else (first & 0x3C) >> 2
    return bool(first & 0x80) and tag in (1, 3)


def _own(how: Pgp) -> Tsk:
    try:
        return Tsk.from_bytes(secret_bytes(how.own_key))
    except RuntimeError:
        raise unreachable(how.own_key.name, "không phải khóa bí mật OpenPGP") from None


def _bank(how: Pgp) -> Cert:
    try:
        return Cert.from_file(str(how.bank_cert))
    except (RuntimeError, OSError):
        raise unreachable(how.bank_cert.name, "không phải chứng thư OpenPGP đọc được") from None


def _word(how: Pgp) -> str | None:
    return secret_of(how.own_password_file) if how.own_password_file else None


def _finish(part: Path, target: Path) -> None:
    """Make the bytes durable and give them their name."""
    with part.open("rb") as out:
        os.fsync(out.fileno())
    part.replace(target)
