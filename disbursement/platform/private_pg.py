"""A PostgreSQL cluster of one's own, for the demo, the bench and the tests.

Nothing of the machine's own server is touched: the cluster lives in a folder that is handed in,
listens on 127.0.0.1 only, has no Unix socket, asks for a random password, and is stopped by its
process id. PostgreSQL refuses to run as root, so root drops to the user `postgres`.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy.engine import URL

from disbursement.platform.errors import NotNowError, OurFaultError, RefusedError

MIN_MAJOR = 15
ADMIN = "postgres"
START_SECONDS = 60
STOP_SECONDS = 60
PORT_TRIES = 5
USUAL_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")

COMMON_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # no socket: no path that could grow too long, one way in
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_error_statement": "panic",  # a refused statement may hold somebody's name
}
SAFE_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
FAST_SETTINGS: Mapping[str, str] = dict.fromkeys(SAFE_SETTINGS, "off")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: `admin_url` (database postgres, superuser) and its process id."""

    admin_url: str
    pid: int


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who the server runs as: ourselves, or `postgres` where we are root."""

    uid: int
    gid: int
    home: str

    @property
    def dropped(self) -> bool:
        return self.uid != os.geteuid()


def find_binaries(major: int | None = None) -> Path:
    """Return the folder that holds `initdb` and `postgres`, the newest that is 15 or later.

    `major` asks for one version (an existing data folder opens with its own version only).
    Raises RefusedError where none is installed.
    """
    folders = [p for pattern in USUAL_PLACES for p in Path("/").glob(pattern.lstrip("/"))]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    found: dict[int, Path] = {}
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            found.setdefault(_major(folder), folder)
    fitting = [v for v in found if v == (major or v) and v >= MIN_MAJOR]
    if not fitting:
        wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {MIN_MAJOR} trở lên"
        raise RefusedError(
            "no_postgres",
            f"Máy chưa có {wanted}: hãy cài đặt (Debian/Ubuntu: `apt-get install postgresql`).",
            en=f"PostgreSQL {major or f'{MIN_MAJOR} or later'} is not on this machine: "
            "install it (Debian/Ubuntu: `apt-get install postgresql`).",
        )
    return found[max(fitting)]


def _major(folder: Path) -> int:
    said = subprocess.run(  # noqa: S603 - the program is the one just found
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\) (\d+)", said.stdout)
    return int(number.group(1)) if number else 0


def start(
    directory: Path,
    *,
    port: int | None = None,
    durable: bool,
    settings: Mapping[str, str] | None = None,
) -> Cluster:
    """Start the cluster of `directory`, making it at the first call; return it when it answers.

    A server that already runs there is returned as it is. `durable=False` turns off fsync and
    full page writes: for tests only. `settings` adds to or replaces server settings. Raises
    RefusedError (no binaries, folder out of reach, wrong version) and NotNowError (port taken,
    server did not come up; with its last words).
    """
    owner = _owner()
    home = _take(directory, owner)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = _running(home)
        if running is not None:
            return running
        data = home / "data"
        version = data / "PG_VERSION"
        binaries = find_binaries(int(version.read_text()) if version.exists() else None)
        if not version.exists():
            _initialise(binaries, home, owner)
        speed = SAFE_SETTINGS if durable else FAST_SETTINGS
        chosen = {**COMMON_SETTINGS, **speed, **(settings or {})}
        for _ in range(PORT_TRIES if port is None else 1):
            cluster = _launch(binaries, home, owner, port or _free_port(), chosen)
            if cluster is not None:
                return cluster
        raise NotNowError(
            "postgres_start",
            f"PostgreSQL không khởi động được trong {home}: {_last_words(home)}",
            en=f"PostgreSQL did not start in {home}: {_last_words(home)}",
        )


def stop(directory: Path) -> None:
    """Stop the server of `directory` by its process id, and wait for its end; none is no error."""
    home = _place(directory, _owner())
    pid = _live_pid(home)
    if pid is None:
        return
    for how in (signal.SIGINT, signal.SIGQUIT):  # fast, then at once (recovered at next start)
        os.kill(pid, how)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            _reap(pid)
            if not _serves(pid, home):  # its pid file goes a little before it
                return
            time.sleep(0.05)
    raise OurFaultError(
        "postgres_stop",
        f"PostgreSQL (tiến trình {pid}) không dừng.",
        en=f"PostgreSQL (process {pid}) does not stop.",
    )


@contextmanager
def private_cluster(
    directory: Path,
    *,
    port: int | None = None,
    durable: bool,
    settings: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a cluster in `directory` and yield its admin URL (`postgresql+psycopg://…/postgres`).

    The data stays for the next time. Several processes may run it at once: the server is shared,
    and stopped by whoever is the last to leave. Raises what `start` raises.
    """
    home = _take(directory, _owner())
    with (home / "users").open("a") as users:  # a lock of its own per user: it dies with us
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield start(directory, port=port, durable=durable, settings=settings).admin_url
        finally:
            _leave(directory, users)


def _leave(directory: Path, users: IO[str]) -> None:
    """Stop the server unless somebody else uses it; who comes meanwhile waits, and starts it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    stop(directory)


def made(directory: Path) -> bool:
    """Tell whether `directory` has a cluster, wherever it lives; nothing is made or started."""
    try:
        home = _place(directory, _owner())
    except RefusedError:  # nobody here could have run one
        return False
    return (home / "data" / "PG_VERSION").exists()


def remove(directory: Path) -> None:
    """Stop the server of `directory` and remove the cluster, data and all; none is no error."""
    if made(directory):
        stop(directory)
        shutil.rmtree(_place(directory, _owner()))


def server_uid() -> int:
    """Return the user id the server runs as, the owner of its folder."""
    return _owner().uid


def _owner() -> _Owner:
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return _Owner(me.pw_uid, me.pw_gid, me.pw_dir)
    try:
        other = pwd.getpwnam("postgres")
    except KeyError:
        raise RefusedError(
            "no_postgres_user",
            "PostgreSQL không chạy bằng root và máy không có người dùng `postgres`: hãy cài gói "
            "postgresql, hoặc chạy lệnh này bằng người dùng thường.",
            en="PostgreSQL does not run as root and there is no user `postgres`: install the "
            "package postgresql, or run this as an ordinary user.",
        ) from None
    return _Owner(other.pw_uid, other.pw_gid, other.pw_dir)


def _place(directory: Path, owner: _Owner) -> Path:
    """Return the folder the cluster lives in; nothing is made.

    Root's own folders are closed to `postgres`; there the cluster lives under /var/tmp, in a
    folder named after `directory`, so that the same call finds it again.
    """
    wanted = directory.absolute()
    if not owner.dropped or _reachable(wanted, owner):
        return wanted
    mark = sha256(str(wanted).encode()).hexdigest()[:16]
    return Path("/var/tmp") / f"disburse-pg-{mark}"  # noqa: S108 - _take checks whose it is


def _take(directory: Path, owner: _Owner) -> Path:
    """Make the cluster's folder, owned and closed as the server needs it.

    It must be empty or an earlier cluster's: nobody else's files change hands.
    """
    home = _place(directory, owner)
    try:
        home.mkdir(parents=True, exist_ok=True)
        found = home.lstat()
        if owner.dropped and found.st_uid == 0 and not home.is_symlink() and _empty(home):
            os.chown(home, owner.uid, owner.gid)
        elif home.is_symlink() or found.st_uid != owner.uid:
            raise PermissionError("it belongs to another user or holds other files")
        home.chmod(0o700)
    except OSError as error:
        raise RefusedError(
            "postgres_folder",
            f"Không dùng được thư mục {home} cho PostgreSQL: {error.strerror or error}.",
            en=f"The folder {home} cannot hold PostgreSQL's data: {error.strerror or error}.",
        ) from error
    return home


def _empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _reachable(path: Path, owner: _Owner) -> bool:
    """Tell whether the user may walk through every folder above `path` that exists."""
    for parent in path.parents:
        if not parent.exists():
            continue
        info = parent.stat()
        needed = 0o001
        if info.st_uid == owner.uid:
            needed = 0o100
        elif info.st_gid == owner.gid:
            needed = 0o010
        if not info.st_mode & needed:
            return False
    return True


def _run_as(owner: _Owner) -> dict[str, object]:
    """Return the keywords that make `subprocess` drop to the server's user."""
    clean = {"PATH": os.environ.get("PATH", os.defpath), "HOME": owner.home, "LC_ALL": "C"}
    keywords: dict[str, object] = {"env": clean, "stdin": subprocess.DEVNULL}
    if owner.dropped:
        keywords |= {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    return keywords


def _write_owned(path: Path, text: str, owner: _Owner) -> None:
    """Write a file that only the server's user (and root) can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    if owner.dropped:
        os.chown(path, owner.uid, owner.gid)


def _initialise(binaries: Path, home: Path, owner: _Owner) -> None:
    """Make the data folder: UTF-8, sorted by code point as SQLite sorts, password asked."""
    shutil.rmtree(home / "data", ignore_errors=True)  # what an interrupted initdb left
    _write_owned(home / "password", secrets.token_urlsafe(24), owner)
    command = [
        str(binaries / "initdb"), "--pgdata", str(home / "data"), "--username", ADMIN,
        "--pwfile", str(home / "password"), "--auth", "scram-sha-256",
        "--encoding", "UTF8", "--locale", "C", "--no-instructions", "--no-sync",
    ]  # fmt: skip
    made = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - keywords come as a dict
        command, cwd=home, capture_output=True, text=True, check=False, **_run_as(owner)
    )
    if made.returncode != 0:
        words = made.stderr.strip().splitlines()
        raise OurFaultError(
            "postgres_initdb",
            f"Không tạo được dữ liệu PostgreSQL trong {home}: {words[-1] if words else '?'}",
            en=f"initdb failed in {home}: {words[-1] if words else '?'}",
        )


def _launch(
    binaries: Path, home: Path, owner: _Owner, port: int, settings: Mapping[str, str]
) -> Cluster | None:
    """Start the server and wait until it answers; None where it ended instead."""
    command = [str(binaries / "postgres"), "-D", str(home / "data"), "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (home / "server.log").open("wb") as log:
        # A session of its own: Ctrl-C in the terminal must reach us first, not the server.
        server = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 - as above
            command,
            cwd=home,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **_run_as(owner),
        )
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        cluster = _running(home)
        if cluster is not None:
            return cluster
        time.sleep(0.05)
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        server.wait()
    return None


def _running(home: Path) -> Cluster | None:
    """Return the server that runs in `home` and answers, or None."""
    pid = _live_pid(home)
    if pid is None:
        return None
    lines = (home / "data" / "postmaster.pid").read_text().splitlines()
    if len(lines) < 4 or not lines[3].isdigit():
        return None  # it is still writing the file
    url = URL.create(
        "postgresql+psycopg",
        username=ADMIN,
        password=(home / "password").read_text(),
        host="127.0.0.1",
        port=int(lines[3]),
        database="postgres",
    )
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(plain, connect_timeout=5).close()
    except psycopg.OperationalError:
        return None
    return Cluster(url.render_as_string(hide_password=False), pid)


def _live_pid(home: Path) -> int | None:
    """Return the process id in `postmaster.pid` where that process lives and is this server."""
    pid = _read_int(home / "data" / "postmaster.pid")
    return pid if pid is not None and _serves(pid, home) else None


def _serves(pid: int, home: Path) -> bool:
    """Tell whether that process lives and is the server of `home`."""
    if not _alive(pid):
        return False
    told = Path(f"/proc/{pid}/cmdline")
    try:
        # A reused id belongs to another program: never signal that one. One that has ended and
        # waits for its parent has no command line.
        return not told.exists() or str(home / "data").encode() in told.read_bytes()
    except OSError:
        return False


def _read_int(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reap(pid: int) -> None:
    """Collect the server where it is our child, so that its id is free."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_words(home: Path) -> str:
    lines = (home / "server.log").read_text(errors="replace").strip().splitlines()
    fatal = [line for line in lines if "FATAL" in line or "could not" in line]
    return (fatal or lines or ["?"])[0]
