"""A provider's connection as data: one TOML file, every field known, secrets in files beside it.

What a connection file may say is the fields of the classes below. An unknown field is refused, a
missing one too; nothing is guessed. A password or a private key is never in the file: it names a
file that only its owner may read. In production an address of this machine and one that names
itself a test system are refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from bank_adapters.api.wire import Connection, is_test_host
from bank_adapters.contract import Action, AdapterError
from bank_adapters.profiles.values import a_text, one_of, positive, yes_no

if TYPE_CHECKING:
    import asyncssh

MOST_BYTES = 1 << 29
"""Largest answer that is brought here, in bytes, where the connection file gives no limit."""
Verify = Literal["hash", "size"]
_LOCAL = re.compile(r"localhost|.*\.localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0")
_SMALL = 1 << 16
"""A secret, a key or a certificate is at most this many bytes."""
T = TypeVar("T")


class ConnectionFileError(AdapterError):
    """A connection file, a secret it names or the far side must be mended; nothing was sent."""

    action: ClassVar[Action] = "fix"


def unreachable(title: str, why: str) -> ConnectionFileError:
    """Return the refusal of a far side that does not answer as it should."""
    return ConnectionFileError(
        "unreachable",
        f"Kết nối {title}: {why}. Chưa gửi gì; hãy kiểm tra mạng, khóa và tệp kết nối.",
        en=f"connection {title} cannot be used",
    )


@dataclass(frozen=True, slots=True)
class Secret:
    """How we log in: a password file, or a private key file with or without its passphrase."""

    password_file: Path | None = None
    key_file: Path | None = None
    key_password_file: Path | None = None

    def password(self) -> str | None:
        """Return the password to log in with; None with a key. Raises ConnectionFileError."""
        return None if self.key_file or not self.password_file else secret_of(self.password_file)

    def keys(self) -> list[asyncssh.SSHKey] | None:
        """Return the key to log in with; None with a password. Raises ConnectionFileError."""
        import asyncssh  # noqa: PLC0415 - slow to load, wanted by SFTP alone

        if self.key_file is None:
            return None
        word = secret_of(self.key_password_file) if self.key_password_file else None
        try:
            return [asyncssh.import_private_key(secret_of(self.key_file), word)]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise _bad(self.key_file.name, "(tệp)", "không phải khóa SSH đọc được") from error


@dataclass(frozen=True, slots=True)
class Pgp:
    """OpenPGP: our key signs and opens, the bank's certificate encrypts and proves its answers."""

    own_key: Path
    bank_cert: Path
    own_password_file: Path | None = None
    """Passphrase of `own_key`, where it has one."""


@dataclass(frozen=True, slots=True)
class Dsig:
    """XML-DSig: our key and certificate sign; `bank_cert`, where given, must prove answers."""

    own_key: Path
    own_cert: Path
    bank_cert: Path | None = None


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What is done to a file between its signatures and the wire: DSig first, then OpenPGP."""

    dsig: Dsig | None = None
    pgp: Pgp | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that both sides reach (a mounted share)."""

    title: str
    source: str
    out: Path
    answers: Path
    wrapping: Wrapping = Wrapping()


@dataclass(frozen=True, slots=True)
class Sftp:
    """A bank's SFTP server. Times in seconds, sizes in bytes."""

    title: str
    source: str
    host: str
    user: str
    host_keys: tuple[str, ...]
    """Public keys the server may show, as in a `.pub` file; any other is refused."""
    out: str
    """Folder that the bank takes files from."""
    answers: str
    """Folder where the bank lays its answers."""
    secret: Secret = field(repr=False)
    port: int = 22
    archive: tuple[str, ...] = ()
    """Folders where the bank puts what it took from the inbox."""
    verify: Verify = "hash"
    """After the upload: read the bytes back, or look at the size alone (an inbox that cannot be
    read)."""
    timeout_seconds: int = 30
    most_bytes: int = MOST_BYTES
    wrapping: Wrapping = Wrapping()


@dataclass(frozen=True, slots=True)
class Https:
    """A bank's file gateway over HTTPS with a client certificate; paths are under `url`."""

    title: str
    source: str
    url: str
    ca: Path
    """PEM file of the authority that the server's certificate must come from; no other counts."""
    client_cert: Path
    client_key: Path
    out: str
    """Files are put to `{out}/{name}`; GET there gives {sha256, size} as JSON, or 404."""
    answers: str
    """GET gives a JSON list of {name, size, changed}; `{answers}/{name}` gives one."""
    absent_is_final: bool = False
    """True where the gateway remembers every file it got: one it does not know never arrived."""
    timeout_seconds: int = 30
    most_bytes: int = MOST_BYTES
    wrapping: Wrapping = Wrapping()

    def wire(self) -> Connection:
        """Return the connection for the one place that speaks HTTP."""
        return Connection(
            base_url=self.url,
            timeout_seconds=self.timeout_seconds,
            calls_per_second=10,
            concurrency=1,
            ca=self.ca,
            client_cert=(self.client_cert, self.client_key),
            most_bytes=self.most_bytes,
        )


AnyConnection = Folder | Sftp | Https


def secret_of(path: Path) -> str:
    """Read a secret file: text, at most 64 KiB, readable by its owner alone.

    Raises ConnectionFileError; its sentence names the file and never what is in it.
    """
    return secret_bytes(path).decode("utf-8", "strict").strip()


def secret_bytes(path: Path) -> bytes:
    """Read a secret file as bytes; see `secret_of`."""
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if mode & 0o077:
            raise _bad(path.name, "(quyền đọc)", "người khác đọc được; đặt chmod 600")
        if not 0 < size <= _SMALL:
            raise _bad(path.name, "(tệp)", "rỗng hoặc quá lớn")
        return path.read_bytes()
    except OSError as error:
        raise _bad(path.name, "(tệp)", "không đọc được") from error


def load_connection(path: Path, *, production: bool) -> AnyConnection:
    """Read a connection file. Raises ConnectionFileError naming the file and the field."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path.name, "(tệp)", "không phải TOML đọc được") from error
    return connection(data, path.parent, path.name, production=production)


def connection(
    data: Mapping[str, Any], folder: Path, where: str, *, production: bool
) -> AnyConnection:
    """Build a connection from plain data; file names in it are relative to `folder`.

    Raises ConnectionFileError: unknown or missing field, or an address not for production.
    """
    rest = dict(data)
    kinds: dict[str, type[AnyConnection]] = {"folder": Folder, "sftp": Sftp, "https": Https}
    kind = rest.pop("kind", None)
    if kind not in kinds:
        raise _bad(where, "kind", f"phải là một trong: {', '.join(kinds)}")
    for inner in {"wrapping", "secret"} & set(rest):
        raise _bad(where, inner, "không có mục này")
    rest["wrapping"] = {name: rest.pop(name) for name in ("dsig", "pgp") if name in rest}
    if kind == "sftp":
        names = [f.name for f in fields(Secret)]
        rest["secret"] = {name: rest.pop(name) for name in names if name in rest}
    made: Any = _build(kinds[kind], rest, folder, where)
    _check_together(made, where, production=production)
    return made  # type: ignore[no-any-return] # one of the three above


def _build(cls: Callable[..., T], data: Any, folder: Path, where: str) -> T:
    """Build one class from a mapping, field by field."""
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type] # always a dataclass
    if not isinstance(data, dict):
        raise _bad(where, cls.__name__.lower(), "phải là các cặp tên = giá trị")
    for unknown in sorted(map(str, set(data) - set(known))):
        raise _bad(where, unknown, "không có mục này")
    values = {}
    for name, of in known.items():
        if name not in data:
            if of.default is MISSING:
                raise _bad(where, name, "còn thiếu")
            continue
        try:
            values[name] = _read(str(of.type), data[name], folder, where)
        except (TypeError, ValueError) as error:
            raise _bad(where, name, str(error)) from None
    return cls(**values)


def _read(kind: str, value: Any, folder: Path, where: str) -> Any:
    nested = {"Secret": Secret, "Wrapping": Wrapping, "Pgp": Pgp, "Dsig": Dsig}
    kind = kind.removesuffix(" | None")
    if kind in nested:
        return _build(nested[kind], value, folder, where)
    if kind == "Path":
        return folder / a_text(value)
    if kind == "int":
        return positive(value)
    if kind == "Verify":
        return one_of(*get_args(Verify))(value)
    if kind == "bool":
        return yes_no(value)
    if kind == "str":
        return a_text(value)
    if not isinstance(value, list) or not value:
        raise TypeError("phải là danh sách, không để trống")
    return tuple(a_text(one) for one in value)


def _check_together(made: AnyConnection, where: str, *, production: bool) -> None:
    """Check what no field can know alone, and whether the address may be used here."""
    if isinstance(made, Https):
        if not made.url.startswith("https://"):
            raise _bad(where, "url", "phải là https://")
        try:
            made.wire().check(production=production)
        except AdapterError as error:
            raise ConnectionFileError(error.code, error.sentence, en=error.en) from None
    if not isinstance(made, Sftp):
        return
    if bool(made.secret.password_file) == bool(made.secret.key_file):
        raise _bad(where, "key_file", "cần đúng một trong key_file, password_file")
    if production and (_LOCAL.fullmatch(made.host.lower()) or is_test_host(made.host)):
        raise ConnectionFileError(
            "endpoint_refused",
            f"Tệp kết nối {where}: máy chủ {made.host} là máy thử hoặc giả lập, không dùng ở hệ "
            "thống thật; hãy sửa mục host.",
            en=f"connection file {where}: a test or simulator endpoint in a production cell",
        )
    _check_keys(made.host_keys, where)


def _check_keys(lines: tuple[str, ...], where: str) -> None:
    import asyncssh  # noqa: PLC0415 - slow to load, wanted by SFTP alone

    for line in lines:
        try:
            asyncssh.import_public_key(line)
        except asyncssh.KeyImportError as error:
            raise _bad(where, "host_keys", "có dòng không phải khóa công khai SSH") from error


def _bad(where: str, name: str, why: str) -> ConnectionFileError:
    return ConnectionFileError(
        "connection_invalid",
        f"Tệp kết nối {where}, mục {name}: {why}. Chưa gửi gì; hãy sửa tệp này.",
        en=f"connection file {where}, field {name}: {why}",
    )
