"""A real SFTP server on loopback, in a thread of the test process, that can misbehave."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

CUT = 300_000
"""Bytes after which the fault `cut` breaks the connection."""


@dataclass
class Bank:
    """What the server is told to do, and its own journal of what it was told."""

    root: Path
    fault: str = ""
    """cut | rename-refused | rename-lost | rename-lost-taken | short | changed-bytes | size-after"""
    inbox: str = "inbox"
    takes: bool = False
    """Take each file out of the inbox as soon as it has its name."""
    port: int = 0
    renamed: list[str] = field(default_factory=list)
    opened: int = 0
    logins: int = 0
    taken: dict[str, bytes] = field(default_factory=dict)

    def deliver(self, name: str) -> None:
        self.renamed.append(name)
        path = self.root / self.inbox / name
        if self.takes or self.fault == "rename-lost-taken":
            self.taken[name] = path.read_bytes()
            path.unlink()


class Server(asyncssh.SFTPServer):
    def __init__(self, chan: Any, bank: Bank) -> None:
        super().__init__(chan, chroot=str(bank.root).encode())
        self.bank = bank
        self.written = 0
        bank.opened += 1

    def _cut(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("cut")

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if self.bank.fault == "short":
            file_obj.seek(offset)
            file_obj.write(data[: len(data) // 2])
            return len(data)
        if self.bank.fault == "changed-bytes":
            data = b"?" + data[1:]
        self.written += len(data)
        if self.bank.fault == "cut" and self.written > CUT:
            self._cut()
        return super().write(file_obj, offset, data)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.bank.fault == "rename-refused":
            raise asyncssh.SFTPFailure("no")
        if self.bank.fault == "cut-before-rename":
            self._cut()
        super().rename(oldpath, newpath)
        name = os.fsdecode(newpath).rsplit("/", 1)[-1]
        if self.bank.fault == "size-after":
            with (self.bank.root / self.bank.inbox / name).open("ab") as out:
                out.write(b" ")
        self.bank.deliver(name)
        if self.bank.fault.startswith("rename-lost"):
            self._cut()


class Login(asyncssh.SSHServer):
    def __init__(self, bank: Bank, client: asyncssh.SSHKey | None) -> None:
        self.bank, self.client = bank, client

    def begin_auth(self, username: str) -> bool:
        self.bank.logins += 1
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("chi-tra", "mat-khau")

    def public_key_auth_supported(self) -> bool:
        return self.client is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key.public_data == self.client.public_data


@contextmanager
def serving(
    root: Path, host_key: asyncssh.SSHKey, client: asyncssh.SSHKey | None = None
) -> Iterator[Bank]:
    """Serve `root` (with inbox, done, outbox) until left."""
    for name in ("inbox", "done", "outbox"):
        (root / name).mkdir(parents=True, exist_ok=True)
    bank = Bank(root)
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1", 0,
            server_host_keys=[host_key],
            server_factory=lambda: Login(bank, client),
            sftp_factory=lambda chan: Server(chan, bank),
        )  # fmt: skip
        bank.port = server.get_port()
        ready.set()
        await stop.wait()
        server.close()
        await server.wait_closed()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield bank
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
