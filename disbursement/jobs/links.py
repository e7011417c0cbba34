"""A provider's connection at work: files are wrapped once, marked, and carried by its transport.

The connection of a provider that is paid by files is `<home>/connections/<provider>.toml` with
`kind` (docs/transports.md). Without one its files go to the drop folder of this machine. What is on
the wire is a row of `wire_file`: name, digest and size of the wrapped bytes, committed before the
first attempt; the bytes lie beside the approved file. A later attempt sends these or nothing.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from sqlalchemy import Row

from bank_adapters.contract import (
    Accepted,
    Conflict,
    NotSent,
    Outcome,
    OutgoingFile,
    RefusedFile,
    Transport,
    Unknown,
)
from bank_adapters.transports.connection import AnyConnection, Folder, Sftp, load_connection
from bank_adapters.transports.drop import FileDrop, sha256_of
from bank_adapters.transports.https import HttpsDrop
from bank_adapters.transports.pickup import Fetched, Look, Looks
from bank_adapters.transports.sftp import SftpDrop
from bank_adapters.transports.wrapping import unwrap, wrap
from disbursement.payments.intake import refuse_answer
from disbursement.platform import files
from disbursement.platform.clock import stamp
from disbursement.platform.connections import connection_path
from disbursement.platform.context import Context
from ledger.sql import text


class Carrier(Transport, Protocol):
    """A transport that also brings answers and can be tried without a payment."""

    def collect(self, looks: Looks, into: Path) -> list[Fetched]:
        """Bring every answer that lies whole at the far side."""

    def check(self) -> tuple[str, ...]:
        """Connect and look; sends nothing."""


class WireMarks:
    """Marks in the books of a cell; each is committed before the call returns."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def expected(self, name: str) -> tuple[str, int] | None:
        """Return SHA-256 (hex) and size of what was made ready under this name."""
        row = self._row(name)
        return None if row is None else (bytes(row.sha256).hex(), int(row.bytes))

    def asked(self, name: str) -> bool:
        """Tell whether the deciding request may have left."""
        row = self._row(name)
        return row is not None and row.asked_at is not None

    def ask(self, name: str) -> None:
        """Commit that it is about to leave."""
        self._set(name, stamp(self._ctx.clock))

    def forget(self, name: str) -> None:
        """Commit that it did not take place and no longer can."""
        self._set(name, None)

    def _row(self, name: str) -> Row[tuple[bytes, int, str | None]] | None:
        with self._ctx.cell.read() as conn:
            return conn.execute(
                text("SELECT sha256, bytes, asked_at FROM wire_file WHERE name = :n"), {"n": name}
            ).first()

    def _set(self, name: str, at: str | None) -> None:
        with self._ctx.cell.begin() as conn:
            changed = conn.execute(
                text("UPDATE wire_file SET asked_at = :t WHERE name = :n"), {"t": at, "n": name}
            ).rowcount
            if changed != 1:
                raise Conflict(
                    "not_ready",
                    f"Tệp {name} chưa được chuẩn bị để gửi; dừng gửi.",
                    en=f"{name} was never made ready",
                )


class Link:
    """One provider's connection; a `Transport` for the sender, a source of answers for the tick."""

    def __init__(self, ctx: Context, provider: str, where: AnyConnection) -> None:
        self._ctx = ctx
        self._home = ctx.settings.home / "drop" / provider
        self._where = where
        self._carrier = _carrier(where, WireMarks(ctx))

    def send(self, file: OutgoingFile) -> Outcome:
        """Wrap the file where that was not done yet, and carry it; see `Transport`.

        Raises Conflict where the approved or the wrapped bytes are not what they were,
        ConnectionFileError where the connection must be mended; nothing was sent then.
        """
        return self._carrier.send(self._ready(file))

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        """Ask for a file of the outbox by the name that was approved."""
        with self._ctx.cell.read() as conn:
            wire = conn.execute(_WIRE, {"n": name}).first()
        if wire is None:
            return NotSent("never made ready")
        return self._carrier.delivered(str(wire.name))

    def check(self) -> tuple[str, ...]:
        """Try our keys on a message of no meaning, connect and look; sends nothing.

        Returns what was seen, a sentence each. Raises ConnectionFileError.
        """
        with TemporaryDirectory() as name:
            path = Path(name) / "thu.xml"
            path.write_bytes(b"<Document/>")
            probe = OutgoingFile(path.name, path, sha256_of(path), path.stat().st_size)
            made = wrap(self._where.wrapping, probe, path.parent / "wire")
        said = "Ký, mã hóa: khóa dùng được." if made != probe else "Tệp gửi nguyên như đã duyệt."
        return (said, *self._carrier.check())

    def fetch(self) -> tuple[int, int]:
        """Bring answers into the provider's `in` folder; return (brought, refused).

        Sealed or signed bytes are kept as they came before they are opened; what is not the
        bank's is recorded as a refused answer and never read. Raises ConnectionFileError.
        """
        inbox, as_came = self._home / "in", self._home / "as-came"
        for folder in (inbox, as_came):
            folder.mkdir(parents=True, exist_ok=True)
        looks = self._looks()
        brought = refused = 0
        for one in self._carrier.collect(looks, as_came):
            try:
                path = unwrap(self._where.wrapping, one.path, inbox)
            except RefusedFile as error:
                refuse_answer(self._ctx, one.path, error, source_name=one.name)
                one.path.unlink()
                refused += 1
                continue
            brought += 1
            if path == one.path:
                path.replace(inbox / one.name)
            else:
                one.path.replace(as_came / f"{one.sha256[:16]}-{one.name}")
        self._remember(looks)
        return brought, refused

    def _ready(self, file: OutgoingFile) -> OutgoingFile:
        """Return what goes over the wire: made once, the same bytes ever after."""
        folder = file.path.parent / "wire"
        with self._ctx.cell.read() as conn:
            row = conn.execute(_WIRE, {"n": file.name}).first()
        if row is None:
            made = wrap(self._where.wrapping, file, folder)
            with self._ctx.cell.begin() as conn:
                conn.execute(
                    text(
                        "INSERT INTO wire_file (batch_id, name, sha256, bytes, made_at, asked_at) "
                        "SELECT batch_id, :w, :s, :b, :t, NULL FROM outbox WHERE file_name = :n"
                    ),
                    {
                        "w": made.name, "s": bytes.fromhex(made.sha256), "b": made.bytes,
                        "t": stamp(self._ctx.clock), "n": file.name,
                    },
                )  # fmt: skip
            return made
        wrapped = folder / str(row.name)
        path = wrapped if wrapped.is_file() else file.path
        digest = bytes(row.sha256).hex()
        if not path.is_file() or sha256_of(path) != digest:
            raise Conflict(
                "file_changed",
                f"Tệp đã chuẩn bị gửi {row.name} bị thay đổi hoặc mất; không gửi lại.",
                en=f"{row.name} is not the file that was made ready",
            )
        return OutgoingFile(str(row.name), path, digest, int(row.bytes))

    def _looks(self) -> Looks:
        """Return the looks so far; none where the connection was changed since.

        What was refused under a certificate that has been put right since is read again; what was
        taken is known to the books by its bytes.
        """
        path = self._home / "looks.json"
        if not path.is_file():
            return {}
        kept = json.loads(path.read_text())
        if kept["connection"] != self._terms():
            return {}
        return {name: Look(**look) for name, look in kept["looks"].items()}

    def _remember(self, looks: Looks) -> None:
        data = {
            "connection": self._terms(),
            "looks": {name: asdict(look) for name, look in sorted(looks.items())},
        }
        files.write(self._home / "looks.json", json.dumps(data, ensure_ascii=False).encode())

    def _terms(self) -> str:
        """Digest of what decides whether an answer is the bank's: its certificates, our keys."""
        how = self._where.wrapping
        said = hashlib.sha256(repr(self._where).encode())
        for path in (
            *((how.pgp.bank_cert, how.pgp.own_key) if how.pgp else ()),
            *((how.dsig.bank_cert,) if how.dsig and how.dsig.bank_cert else ()),
        ):
            said.update(path.read_bytes() if path.is_file() else b"")
        return said.hexdigest()


_WIRE = text(
    "SELECT w.name, w.sha256, w.bytes FROM wire_file w JOIN outbox o ON o.batch_id = w.batch_id "
    "WHERE o.file_name = :n"
)


def link(ctx: Context, provider: str) -> Link | None:
    """Return a provider's connection; None where its files go to the drop folder.

    Raises ConnectionFileError naming what is wrong in the file.
    """
    path = connection_path(ctx.settings, provider)
    if not path.is_file():
        return None
    production = ctx.settings.env == "production"
    return Link(ctx, provider, load_connection(path, production=production))


def on_this_machine(ctx: Context, provider: str, folder: Path) -> Link:
    """Return the way of a provider without a connection: files lie in `folder`/out as approved."""
    return Link(ctx, provider, Folder(provider, "", folder / "out", folder / "in"))


def of_files(path: Path) -> bool:
    """Tell whether a connection file describes the way of files, not a called rail."""
    try:
        return "kind" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def _carrier(where: AnyConnection, marks: WireMarks) -> Carrier:
    if isinstance(where, Folder):
        return FileDrop(where.out, where.answers, marks)
    if isinstance(where, Sftp):
        return SftpDrop(where, marks)
    return HttpsDrop(where, marks)
