"""Carrying a file to a rail: the file drop.

A folder that the bank collects from. A file appears there whole or not at all: it is written under
a temporary name, synced, renamed, and the folder is synced (F10). The same name with the same
bytes is the same delivery; with other bytes it is a conflict, and nothing is touched. A restart
asks `delivered` before it sends again (F3).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from bank_adapters.contract import Accepted, Conflict, NotSent, Outcome, OutgoingFile, Unknown

CHUNK = 1 << 20


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


class FileDrop:
    """Delivers into one folder. Not for two senders of the same name at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, file: OutgoingFile) -> Outcome:
        """Copy the file into the folder; see `Transport`.

        NotSent where nothing appeared, Unknown where the rename may have happened. Raises Conflict
        where another file of this name is there, or the file is not the one that was signed.
        """
        target = self.folder / file.name
        if target.exists():
            return self._present(file, target)
        part = self.folder / f".{file.name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            digest = self._copy(file.path, part)
        except OSError as error:
            part.unlink(missing_ok=True)
            return NotSent(error.strerror or "copy failed")
        if digest != file.sha256:
            part.unlink(missing_ok=True)
            raise Conflict(
                "file_changed",
                f"Tệp {file.name} khác với bản đã ký; không gửi.",
                en=f"{file.name} is not the file that was signed",
            )
        try:
            part.rename(target)
            self._sync()
        except OSError as error:
            return Unknown(error.strerror or "rename failed")
        return Accepted(file.name)

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        """Say whether a file of this name is in the folder (or was collected from it)."""
        try:
            for folder in (self.folder, self.folder / "collected"):
                if (folder / name).exists():
                    return Accepted(name, repeated=True)
        except OSError as error:
            return Unknown(error.strerror or "cannot look")
        return NotSent("not there")

    def names(self) -> list[str]:
        """Return the names that lie whole in the folder, sorted."""
        return sorted(p.name for p in self.folder.iterdir() if _whole(p))

    def _present(self, file: OutgoingFile, target: Path) -> Outcome:
        if _sha256(target) == file.sha256:
            return Accepted(file.name, repeated=True)
        raise Conflict(
            "name_taken",
            f"Đã có tệp khác cùng tên {file.name} ở nơi nhận; dừng gửi và kiểm tra.",
            en=f"another file named {file.name} is there already",
        )

    def _copy(self, source: Path, part: Path) -> str:
        digest = hashlib.sha256()
        with source.open("rb") as given, part.open("wb") as out:
            while piece := given.read(CHUNK):
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        return digest.hexdigest()

    def _sync(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _whole(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix != ".part"


def stable_files(folder: Path, sizes: dict[str, int]) -> Iterator[Path]:
    """Yield files whose size is the same as at the last look; `sizes` is kept by the caller (F33).

    A file that is still being written is left for the next look.
    """
    if not folder.exists():
        return
    for path in sorted(folder.iterdir()):
        if not _whole(path):
            continue
        size = path.stat().st_size
        if sizes.get(path.name) == size:
            yield path
        sizes[path.name] = size
