"""SFTP: a file appears in the bank's inbox whole or not at all, and never twice.

It is written under a temporary name, its size and its bytes are looked at there, then it is
renamed. A mark is kept before the rename is asked for (`Marks`), so that after a lost answer three
things can be told apart: the file is there (delivered); the temporary name is still there (the
rename did not take place: the temporary file is removed, so it no longer can, and the file may be
sent again); neither is there (the bank may have taken it: nobody sends again, the bank is asked).
The server's key must be one of the pinned ones before a name, a password or a byte of the file
leaves. Nothing of this machine's own SSH settings, agent or keys is used.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from bank_adapters.contract import (
    Accepted,
    Conflict,
    Marks,
    NotSent,
    Outcome,
    OutgoingFile,
    Unknown,
)
from bank_adapters.transports.connection import Sftp, unreachable
from bank_adapters.transports.drop import sha256_of
from bank_adapters.transports.pickup import Fetched, Listed, Looks, due, read

PIECE = 1 << 20
_SLOWEST = 20_000
"""Bytes per second under which a transfer is given up."""
_TROUBLE = (OSError, asyncssh.Error)
T = TypeVar("T")


class SftpDrop:
    """One bank's SFTP server under its connection file. Not for two senders at once."""

    def __init__(self, where: Sftp, marks: Marks) -> None:
        self._where = where
        self._marks = marks

    def send(self, file: OutgoingFile) -> Outcome:
        """Upload one file; see `Transport`.

        Raises Conflict where another file of this name is there, or the file is not the one that
        was made ready; nothing is sent then.
        """
        if sha256_of(file.path) != file.sha256 or file.path.stat().st_size != file.bytes:
            raise _changed(file.name)
        return asyncio.run(self._send(file))

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        """Look whether the file is there; Conflict where its size or bytes are others."""
        return asyncio.run(self._delivered(name))

    def collect(self, looks: Looks, into: Path) -> list[Fetched]:
        """Bring every answer that lies whole there into a folder of ours.

        Raises ConnectionFileError (`unreachable`) where the server cannot be read.
        """
        return _answered(self._collect(looks, into), self._where.title)

    def check(self) -> tuple[str, ...]:
        """Connect, log in and look into the folders; sends nothing.

        Returns what was seen, a sentence each (Vietnamese). Raises ConnectionFileError.
        """
        return _answered(self._check(), self._where.title)

    # --- sending ----------------------------------------------------------------------------------

    async def _send(self, file: OutgoingFile) -> Outcome:
        left = False
        try:
            async with self._session(2 * file.bytes) as sftp:
                seen = await self._look(sftp, file.name, (file.sha256, file.bytes))
                if not isinstance(seen, NotSent):
                    return seen
                left = True
                return await self._upload(sftp, file)
        except _TROUBLE as error:
            why = _why(error)
            return Unknown(why) if left else NotSent(why, far=True)

    async def _upload(self, sftp: asyncssh.SFTPClient, file: OutgoingFile) -> Outcome:
        part = self._part(file.name)
        if await self._write(sftp, file.path, part) != file.sha256:
            await sftp.remove(part)
            raise _changed(file.name)
        wrong = await self._differs(sftp, part, (file.sha256, file.bytes))
        if wrong:
            with suppress(asyncssh.SFTPError):
                await sftp.remove(part)
            return Unknown(f"{wrong}; tệp tạm đã gỡ, chưa đổi tên")
        self._marks.ask(file.name)
        await sftp.rename(part, self._path(file.name))
        size = await self._stat(sftp, self._path(file.name)) or file.bytes
        if size != file.bytes:
            return Unknown(f"sau khi đổi tên còn {size} trên {file.bytes} byte")
        return Accepted(file.name)

    async def _write(self, sftp: asyncssh.SFTPClient, source: Path, part: str) -> str:
        digest = hashlib.sha256()
        async with sftp.open(part, "wb") as remote:
            with source.open("rb") as given:
                while piece := given.read(PIECE):
                    digest.update(piece)
                    await remote.write(piece)
        return digest.hexdigest()

    # --- looking ----------------------------------------------------------------------------------

    async def _delivered(self, name: str) -> Accepted | NotSent | Unknown:
        expected = self._marks.expected(name)
        try:
            async with self._session(expected[1] if expected else 0) as sftp:
                return await self._look(sftp, name, expected)
        except _TROUBLE as error:
            # Without a mark no rename was ever asked for: whatever lies there is no file yet.
            why = _why(error)
            return Unknown(why) if self._marks.asked(name) else NotSent(why, far=True)

    async def _look(
        self, sftp: asyncssh.SFTPClient, name: str, expected: tuple[str, int] | None
    ) -> Accepted | NotSent | Unknown:
        if await self._there(sftp, name, expected):
            return Accepted(name, repeated=True)
        if not self._marks.asked(name):
            return NotSent("not there")
        try:
            await sftp.remove(self._part(name))
        except asyncssh.SFTPNoSuchFile:
            # Renamed after the first look, or taken by the bank: only the bank can say.
            if await self._there(sftp, name, expected):
                return Accepted(name, repeated=True)
            return Unknown("đã yêu cầu đổi tên, nay không còn thấy tệp; hãy hỏi ngân hàng")
        self._marks.forget(name)
        return NotSent("the rename did not take place")

    async def _there(
        self, sftp: asyncssh.SFTPClient, name: str, expected: tuple[str, int] | None
    ) -> bool:
        """Tell whether the file lies in the inbox or where the bank puts what it took."""
        for folder in (self._where.out, *self._where.archive):
            path = f"{folder}/{name}"
            if await self._stat(sftp, path) is None:
                continue
            wrong = await self._differs(sftp, path, expected) if expected else ""
            if wrong:
                raise Conflict(
                    "name_taken",
                    f"Tệp {name} ở nơi nhận khác với bản đã ký ({wrong}); dừng gửi và hỏi "
                    "ngân hàng.",
                    en=f"{name} at the far side is not the file that was signed",
                )
            return True
        return False

    async def _differs(
        self, sftp: asyncssh.SFTPClient, path: str, expected: tuple[str, int]
    ) -> str:
        """Say how a file there differs from what it should be; empty where it does not."""
        digest, size = expected
        found = await self._stat(sftp, path)
        if found != size:
            return f"ở nơi nhận có {found} trên {size} byte"
        if self._where.verify == "hash" and await self._digest(sftp, path) != digest:
            return "nội dung ở nơi nhận khác bản gửi"
        return ""

    async def _digest(self, sftp: asyncssh.SFTPClient, path: str) -> str:
        digest = hashlib.sha256()
        async with sftp.open(path, "rb") as remote:
            while piece := _raw(await remote.read(PIECE)):
                digest.update(piece)
        return digest.hexdigest()

    async def _stat(self, sftp: asyncssh.SFTPClient, path: str) -> int | None:
        try:
            return (await sftp.stat(path)).size
        except asyncssh.SFTPNoSuchFile:
            return None

    # --- answers ----------------------------------------------------------------------------------

    async def _collect(self, looks: Looks, into: Path) -> list[Fetched]:
        where = self._where
        out = []
        async with self._session(where.most_bytes) as sftp:
            for one in due(await self._listing(sftp), looks, where.most_bytes):
                path = into / one.name
                digest = await self._fetch(sftp, one, path)
                if digest is None:
                    del looks[one.name]  # it changed while it was read: two fresh looks
                elif read(looks, one, digest):
                    out.append(Fetched(one.name, path, digest))
                else:
                    path.unlink()
        return out

    async def _listing(self, sftp: asyncssh.SFTPClient) -> list[Listed]:
        out = []
        for entry in await sftp.readdir(self._where.answers):
            mode, size = entry.attrs.permissions, entry.attrs.size
            if size is None or (mode is not None and not stat.S_ISREG(mode)):
                continue
            out.append(Listed(str(entry.filename), size, str(entry.attrs.mtime)))
        return out

    async def _fetch(self, sftp: asyncssh.SFTPClient, one: Listed, path: Path) -> str | None:
        """Bring one file here; return its SHA-256, or None where it is not what was listed."""
        remote_path = f"{self._where.answers}/{one.name}"
        digest, got = hashlib.sha256(), 0
        part = path.with_name(f".{path.name}.part")
        async with sftp.open(remote_path, "rb") as remote:
            with part.open("wb") as out:
                while got <= one.size and (piece := _raw(await remote.read(PIECE))):
                    got += len(piece)
                    digest.update(piece)
                    out.write(piece)
        after = await sftp.stat(remote_path)
        if (got, after.size, str(after.mtime)) != (one.size, one.size, one.changed):
            part.unlink()
            return None
        part.replace(path)
        return digest.hexdigest()

    async def _check(self) -> tuple[str, ...]:
        where = self._where
        async with self._session(0) as sftp:
            said = [f"Máy chủ {where.host}:{where.port}: đúng khóa đã ghim, đăng nhập được."]
            for label, folder in (
                ("Thư mục gửi", where.out),
                *(("Thư mục đã nhận", folder) for folder in where.archive),
                ("Thư mục trả lời", where.answers),
            ):
                names = [n for n in await sftp.listdir(folder) if n not in (".", "..")]
                said.append(f"{label} {folder}: {len(names)} tệp.")
        return tuple(said)

    # --- the connection ---------------------------------------------------------------------------

    @asynccontextmanager
    async def _session(self, size: int) -> AsyncIterator[asyncssh.SFTPClient]:
        """Log in and open SFTP; all of it is given up after a time that grows with `size`."""
        where = self._where
        pinned = [asyncssh.import_public_key(line) for line in where.host_keys]
        async with (
            asyncio.timeout(where.timeout_seconds * 4 + size // _SLOWEST),
            asyncssh.connect(
                where.host,
                where.port,
                username=where.user,
                password=where.secret.password(),
                client_keys=where.secret.keys(),
                known_hosts=(pinned, [], []),
                config=None,
                agent_path=None,
                gss_host=None,
                x509_trusted_certs=None,
                preferred_auth="publickey" if where.secret.key_file else "password",
                connect_timeout=where.timeout_seconds,
                login_timeout=where.timeout_seconds,
                keepalive_interval=where.timeout_seconds,
                keepalive_count_max=2,
            ) as conn,
            conn.start_sftp_client() as sftp,
        ):
            yield sftp

    def _path(self, name: str) -> str:
        return f"{self._where.out}/{name}"

    def _part(self, name: str) -> str:
        return f"{self._where.out}/.{name}.part"


def _answered(work: Coroutine[Any, Any, T], title: str) -> T:
    """Run what sends nothing; trouble is one sentence that names the connection."""
    try:
        return asyncio.run(work)
    except _TROUBLE as error:
        raise unreachable(title, _why(error)) from error


def _raw(piece: bytes | str) -> bytes:
    """Return what a file opened for bytes gave."""
    return piece if isinstance(piece, bytes) else piece.encode()


def _changed(name: str) -> Conflict:
    return Conflict(
        "file_changed",
        f"Tệp {name} khác với bản đã chuẩn bị gửi; không gửi.",
        en=f"{name} is not the file that was made ready",
    )


def _why(error: Exception) -> str:
    """Say what went wrong in words that hold no secret and nothing the far side wrote."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "khóa máy chủ không phải khóa đã ghim; chưa gửi gì"
    if isinstance(error, asyncssh.PermissionDenied):
        return "máy chủ không cho đăng nhập"
    if isinstance(error, TimeoutError):
        return "quá thời gian chờ"
    if isinstance(error, OSError) and error.strerror:
        return f"không kết nối được ({error.strerror})"
    return type(error).__name__
