"""Writing and keeping files: whole or not at all, content-addressed where they are evidence."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

from disbursement.platform.errors import RefusedError
from disbursement.platform.failures import of_os

_new: ContextVar[list[Path] | None] = ContextVar("new_files", default=None)
_unsynced: ContextVar[list[Path] | None] = ContextVar("unsynced_files", default=None)
_SYNCS = 8
"""Files that are brought to the disk side by side: it takes them in one turn."""


@contextmanager
def taken_back_on_error() -> Iterator[None]:
    """Remove the files that were new inside the block where it ends with an error.

    Put around a unit of work: a file of a list that was never committed must not lie about.
    """
    made: list[Path] = []
    token = _new.set(made)
    try:
        yield
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    finally:
        _new.reset(token)


@contextmanager
def synced_together() -> Iterator[None]:
    """Bring the files written inside the block to the disk at its end, not one after the other.

    For many files that count only once a commit names them, with the block's end before that
    commit: what a power cut takes away is then a file that nothing speaks of. Raises NotNowError
    where the disk is full.
    """
    written: list[Path] = []
    token = _unsynced.set(written)
    try:
        yield
    finally:
        _unsynced.reset(token)
    places = [*dict.fromkeys(written), *dict.fromkeys(path.parent for path in written)]
    with ThreadPoolExecutor(_SYNCS) as pool:
        for path, done in [(path, pool.submit(_sync, path)) for path in places]:
            try:
                done.result()
            except OSError as error:
                raise of_os(error, path.name) from error


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Write beside `path` and rename at the end: readers see the whole file or none (F10).

    Two writers of one path do not meet: each writes a file of its own, and the last rename stays.
    Raises NotNowError where the disk is full or the folder cannot be written; no part of a file
    is left then.
    """
    later = _unsynced.get()
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as out:
            yield out
            if later is None:
                out.flush()
                os.fsync(out.fileno())
        if (made := _new.get()) is not None and not path.exists():
            made.append(path)
        part.replace(path)
        if later is None:
            _sync(path.parent)
        else:
            later.append(path)
    except OSError as error:
        _drop(part)
        raise of_os(error, path.name) from error
    except BaseException:
        _drop(part)
        raise


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Tell whether this process alone is inside; the lock goes with the process that holds it.

    `path` names a lock file in a folder that all who might collide share.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def write(path: Path, data: bytes) -> bytes:
    """Write a file whole; return its SHA-256."""
    with atomic(path) as out:
        out.write(data)
    return hashlib.sha256(data).digest()


def sha256_of(path: Path) -> bytes:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(1 << 20):
            digest.update(piece)
    return digest.digest()


_SCANS = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\x00", b"MM\x00*")
"""How a PDF, a JPEG, a PNG and a TIFF (both byte orders) begin."""


def require_scan(data: bytes, name: str) -> None:
    """Refuse what is no scan and no signed PDF: it would be kept as evidence of a signature.

    Raises RefusedError `scan`.
    """
    if not data.startswith(_SCANS):
        raise RefusedError(
            "scan",
            f"Tệp {name} rỗng hoặc không phải PDF, ảnh JPEG, PNG, TIFF: chọn đúng bản quét đã ký.",
        )


def keep_evidence(folder: Path, data: bytes) -> tuple[Path, bytes]:
    """Store bytes under their SHA-256 before anybody parses them; the same bytes are one file."""
    digest = hashlib.sha256(data)
    path = folder / digest.hexdigest()[:2] / digest.hexdigest()
    if not path.exists():
        write(path, data)
    return path, digest.digest()


def _drop(part: Path) -> None:
    """Remove what was begun; where even that fails, the first trouble is the one to tell."""
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    """Bring a file or a folder to the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
