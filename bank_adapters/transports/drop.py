"""Carrying a file to a rail: the file drop.

A folder that the bank collects from. A file appears there whole or not at all: it is written under
a temporary name, synced, renamed, and the folder is synced (F10). The same name with the same
bytes is the same delivery; with other bytes it is a conflict, and nothing is touched. A restart
asks `delivered` before it sends again (F3).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bank_adapters.contract import (
    Accepted,
    Conflict,
    Marks,
    NotSent,
    Outcome,
    OutgoingFile,
    Unknown,
)
from bank_adapters.transports.connection import MOST_BYTES, unreachable
from bank_adapters.transports.pickup import Fetched, Listed, Looks, due, read

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


class FileDrop:
    """Delivers into one folder. Not for two senders of the same name at once.

    `answers` is the folder where the far side lays its answers, where it has one. With `marks` a
    file that was given its name and is gone was taken; without them it counts as not there, so
    only a folder whose files stay (or move to `collected`) may go without.
    """

    def __init__(
        self, folder: Path, answers: Path | None = None, marks: Marks | None = None
    ) -> None:
        self.folder = folder
        self.answers = answers
        self.marks = marks

    def send(self, file: OutgoingFile) -> Outcome:
        """Copy the file into the folder; see `Transport`.

        NotSent where nothing appeared, Unknown where the rename may have happened. Raises Conflict
        where another file of this name is there, or the file is not the one that was signed.
        """
        target = self.folder / file.name
        if target.exists():
            return self._present(file, target)
        if self.marks is not None and not isinstance(seen := self.delivered(file.name), NotSent):
            return seen
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
        if self.marks is not None:
            self.marks.ask(file.name)
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
        if self.marks is None or not self.marks.asked(name):
            return NotSent("not there")
        try:
            (self.folder / f".{name}.part").unlink()
        except OSError:
            return Unknown("đã giao, nay không còn thấy tệp; hãy hỏi ngân hàng")
        self.marks.forget(name)
        return NotSent("the rename did not take place")

    def collect(self, looks: Looks, into: Path) -> list[Fetched]:
        """Copy every answer that lies whole in the folder of answers; see `pickup.due`.

        Raises ConnectionFileError (`unreachable`) where the folder cannot be read.
        """
        if self.answers is None:
            return []
        out = []
        try:
            listing = [
                Listed(p.name, p.stat().st_size, str(p.stat().st_mtime_ns))
                for p in self.answers.iterdir()
                if p.is_file()
            ]
            for one in due(listing, looks, MOST_BYTES):
                path = into / one.name
                part = path.with_name(f".{path.name}.part")
                digest = self._copy(self.answers / one.name, part)
                if part.stat().st_size == one.size and read(looks, one, digest):
                    part.replace(path)
                    out.append(Fetched(one.name, path, digest))
                else:
                    part.unlink()
        except OSError as error:
            raise unreachable(str(self.answers), error.strerror or "lỗi đọc") from error
        return out

    def check(self) -> tuple[str, ...]:
        """Look into the folders; sends nothing. Raises ConnectionFileError (`unreachable`)."""
        said = []
        for label, folder in (("Thư mục gửi", self.folder), ("Thư mục trả lời", self.answers)):
            if folder is None:
                continue
            if not folder.is_dir():
                raise unreachable(str(folder), "không có thư mục này")
            said.append(f"{label} {folder}: {sum(1 for _ in folder.iterdir())} tệp.")
        return tuple(said)

    def names(self) -> list[str]:
        """Return the names that lie whole in the folder, sorted."""
        return sorted(p.name for p in self.folder.iterdir() if _whole(p))

    def _present(self, file: OutgoingFile, target: Path) -> Outcome:
        if sha256_of(target) == file.sha256:
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
