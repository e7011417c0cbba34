"""Writing and keeping files: whole or not at all, content-addressed where they are evidence."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from disbursement.platform.failures import of_os


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Write beside `path` and rename at the end: readers see the whole file or none (F10).

    Raises NotNowError where the disk is full or the folder cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise of_os(error, path.name) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


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


def keep_evidence(folder: Path, data: bytes) -> tuple[Path, bytes]:
    """Store bytes under their SHA-256 before anybody parses them; the same bytes are one file."""
    digest = hashlib.sha256(data)
    path = folder / digest.hexdigest()[:2] / digest.hexdigest()
    if not path.exists():
        write(path, data)
    return path, digest.digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
