"""The HTTP server of simulated rails: this machine only, and able to cut a connection.

`serving` runs one in a thread (tests, demo); `run` runs one until it is stopped (command line).
Callbacks that are due are sent to their address, where they have one, about every `BEAT` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any, cast

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bank_adapters.simulators.wallet.base import Cut, Incoming, Outgoing, Simulator, incoming
from bank_adapters.simulators.wallet.journal import Callback

HOST = "127.0.0.1"
MOST_BYTES = 1 << 24
"""Largest request body that is read."""
BEAT_MS = 50
"""How often due callbacks are looked for, in milliseconds."""
_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, so that it can be cut before any answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {"connection": self.transport}


class App:
    """The ASGI application of one simulated rail."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        call = await _request(scope, receive)
        if call is None:
            answer = Outgoing.of({"message": "too large"}, 413)
        else:
            try:
                answer = self.simulator.answer(call)
            except Cut:
                scope["extensions"]["connection"].abort()
                # The server notices at its next turn; until then it must not answer by itself.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                return
        headers = [(k.encode(), v.encode()) for k, v in answer.headers.items()]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _request(scope: _Scope, receive: _Receive) -> Incoming | None:
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not part.get("more_body"):
            break
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    target = scope["path"]
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    return incoming(scope["method"], target, headers, body)


def listen(port: int = 0) -> socket.socket:
    """Return a socket on this machine only; port 0 takes a free one. Raises OSError."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError:
        found.close()
        raise
    return found


def address(sock: socket.socket) -> str:
    """Return the base address of a listening socket."""
    return f"http://{HOST}:{sock.getsockname()[1]}"


def _server(simulator: Simulator) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            App(simulator),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
    )


async def _serve(
    simulator: Simulator, server: uvicorn.Server, sock: socket.socket, ready: Callable[[], None]
) -> None:
    async with _beating(simulator):
        ready()
        await server.serve(sockets=[sock])


@contextlib.asynccontextmanager
async def _beating(simulator: Simulator) -> AsyncIterator[None]:
    task = asyncio.create_task(_send_callbacks(simulator))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _send_callbacks(simulator: Simulator) -> None:
    """Send callbacks that have an address as they fall due; the others wait to be collected."""
    if not simulator.sends_callbacks():
        return
    async with httpx.AsyncClient(trust_env=False, timeout=15) as client:
        while True:
            for one in simulator.journal.due_callbacks(simulator.clock.now()):
                await _send_one(client, one)
            await asyncio.sleep(BEAT_MS / 1000)


async def _send_one(client: httpx.AsyncClient, one: Callback) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await client.request(one.method, one.url, content=one.body, headers=dict(one.headers))


@contextlib.contextmanager
def serving(simulator: Simulator, port: int = 0) -> Iterator[str]:
    """Serve in a thread; yield the base address, and stop at the end."""
    sock = listen(port)
    sock.listen(128)
    server = _server(simulator)
    started = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(simulator, server, sock, started.set)), daemon=True
    )
    thread.start()
    started.wait(10)
    try:
        yield address(sock)
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()


def run(simulator: Simulator, sock: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; `ready` hears the address first."""
    sock.listen(128)
    asyncio.run(_serve(simulator, _server(simulator), sock, lambda: ready(address(sock))))
