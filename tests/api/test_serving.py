from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from disbursement import main
from disbursement.api.serving import RunningClock, ready, try_hints
from disbursement.cli import common
from disbursement.cli import serve as serve_command
from disbursement.identity import service, tokens
from disbursement.platform.context import open_context
from disbursement.platform.errors import NotFoundError, OurFaultError
from disbursement.platform.settings import Settings
from tests.api.conftest import SECRET, Mould, Site


def demo(mould: Mould, home: Path) -> Site:
    """The same commune as a demo with a demo user."""
    site = mould.cast(home, None)
    settings = site.world.ctx.settings.model_copy(update={"env": "demo"})
    site.world.ctx = open_context(settings)
    service.create_user(
        site.world.ctx, "thu", "Người Thử", "030080000050", ["auditor"], SECRET, demo=True
    )
    return site


def test_hints_are_for_a_demo_only(sqlite_mould: Mould, tmp_path: Path) -> None:
    assert try_hints(sqlite_mould.cast(tmp_path / "real", None).world.ctx) is None
    site = demo(sqlite_mould, tmp_path / "demo")
    hints = try_hints(site.world.ctx)
    assert hints is not None
    first = site.world.rows("SELECT reference, birth_from FROM person ORDER BY id LIMIT 1")[0]
    assert (hints.reference, hints.year) == (first[0], int(first[1][:4]))
    assert tokens.authenticate(site.world.ctx, hints.token).username == hints.username == "thu"
    with site.world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, "
                "answer_id, day) SELECT 2, 1, 1, 'credited', '', '', '', 0, '2026-10-05'"
            )
        )
    paid = try_hints(site.world.ctx)
    assert paid is not None
    who = site.world.one("SELECT sub_id FROM batch_row WHERE batch_id = 2")
    assert paid.reference == site.world.one("SELECT reference FROM person WHERE id = :i", i=who)


def test_a_server_is_ready_or_says_why_not(sqlite_mould: Mould, tmp_path: Path) -> None:
    ctx = ready(sqlite_mould.cast(tmp_path / "a", None).world.ctx)
    assert isinstance(ctx.clock, RunningClock)
    empty = open_context(Settings(home=tmp_path / "b", env="test", today="2026-10-20"))
    with pytest.raises(NotFoundError) as missing:
        ready(empty)
    assert missing.value.code == "no_cell"
    other = sqlite_mould.cast(tmp_path / "c", None).world.ctx
    tokens.key_file(other).write_text("{}")
    with pytest.raises(OurFaultError) as broken:
        ready(other)
    assert broken.value.code == "token_keys"


def test_a_running_clock_runs() -> None:
    ticks = iter([5.0, 5.0, 3605.5])
    clock = RunningClock(datetime(2026, 10, 20, 1, tzinfo=UTC), lambda: next(ticks))
    assert clock.now() == datetime(2026, 10, 20, 1, tzinfo=UTC)
    assert clock.now() == datetime(2026, 10, 20, 2, 0, 0, 500_000, tzinfo=UTC)


def test_the_composition_root_reads_the_environment(
    sqlite_mould: Mould, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_mould.cast(tmp_path, None)
    for name, value in (("HOME", str(tmp_path)), ("ENV", "test"), ("CELL", "25")):
        monkeypatch.setenv(f"DISBURSE_{name}", value)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main.app().state.context.settings.home == tmp_path


# --- a real server, a real socket --------------------------------------------------------------


@pytest.fixture(scope="module")
def server(sqlite_mould: Mould, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("server")
    demo(sqlite_mould, home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    environment |= {"DISBURSE_HOME": str(home), "DISBURSE_ENV": "demo", "DISBURSE_CELL": "25"}
    script = (
        "import sys, typer; from disbursement.cli.serve import serve; app = typer.Typer();"
        "app.command()(serve); app(['--port', sys.argv[1]])"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script, str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    running.terminate()
    said, _ = running.communicate(timeout=10)
    assert f"http://127.0.0.1:{port}/status" in said
    assert "Authorization: Bearer " in said
    assert "reference" not in said


def talk(port: int, data: bytes, seconds: float = 0.7) -> bytes:
    """Send bytes and return what comes back until the server closes or falls silent."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as sock:
        sock.sendall(data)
        try:
            while piece := sock.recv(65_536):
                out += piece
        except TimeoutError:
            pass
    return out


def test_a_request_over_the_wire(server: int) -> None:
    conn = http.client.HTTPConnection("127.0.0.1", server, timeout=5)
    conn.request("GET", "/healthz")
    answer = conn.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"status": "ok"})
    assert answer.getheader("server") is None
    conn.request("GET", "/api/v1/lists")
    assert conn.getresponse().status == 401


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"",
    ],
    ids=range(11),
)
def test_raw_bytes_on_the_socket(server: int, data: bytes) -> None:
    answer = talk(server, data)
    assert b" 5" not in answer.split(b"\r\n", 1)[0][:13]
    assert b" 200 " not in answer.split(b"\r\n", 1)[0]
    assert talk(
        server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ).startswith(b"HTTP/1.1 200 ")


def test_a_smuggled_second_request_is_not_served(server: int) -> None:
    inner = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    data = (
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (len(inner) + 5, inner)
    )
    assert b'{"status":"ok"}' not in talk(server, data)


# --- `disburse token` --------------------------------------------------------------------------


@pytest.fixture
def token_app() -> typer.Typer:
    app = typer.Typer()
    app.command()(serve_command.token)
    return app


def test_a_token_needs_the_users_passphrase(
    sqlite_mould: Mould, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token_app: typer.Typer
) -> None:
    site = demo(sqlite_mould, tmp_path)
    ctx = site.world.ctx
    monkeypatch.setattr(common, "context", lambda: ctx)
    monkeypatch.setenv("DISBURSE_PASSPHRASE", SECRET)
    run = CliRunner()
    done = run.invoke(token_app, ["binh"])
    assert done.exit_code == 0, done.output
    assert tokens.authenticate(ctx, done.stdout.strip()).username == "binh"
    as_json = json.loads(run.invoke(token_app, ["binh", "--hours", "1", "--json"]).stdout)
    claims = tokens.verify(
        as_json["token"],
        tokens.load_keys(tokens.key_file(ctx)),
        "disburse/25",
        int((ctx.clock.now() + timedelta(minutes=1)).timestamp()),
    )
    assert claims.expires_at - claims.issued_at == 3600
    monkeypatch.setenv("DISBURSE_PASSPHRASE", "sai mat khau")
    wrong = run.invoke(token_app, ["binh"])
    assert (wrong.exit_code, wrong.stdout) == (4, "")
    assert run.invoke(token_app, ["thu"]).exit_code == 0  # a demo user in a demo
    assert run.invoke(token_app, ["ai"]).exit_code == 3
    assert run.invoke(token_app, ["thu", "--hours", "25"]).exit_code == 2
