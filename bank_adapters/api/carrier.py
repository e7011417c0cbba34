"""A lean HTTP/1.1 transport for httpx: kept connections, one answer each, nothing more.

httpx's own pool walks all of its connections several times for each request and costs more than the
call itself where thousands leave a minute. What is wanted here is little: HTTP/1.1, a connection
kept for the next call, and a sharp line between "no connection" (ConnectError, ConnectTimeout:
nothing has left) and all that happens after it (another TransportError: something may have).
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httptools
import httpx

PIECE = 1 << 16
"""Bytes of a body handed on at a time, so that what unpacks it can stop in time."""


@dataclass(slots=True)
class _Told:
    """One answer while it arrives."""

    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    status: int = 0
    head_done: bool = False


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), PIECE):
            yield self._body[at : at + PIECE]


class _Line(asyncio.Protocol):
    """One connection; carries one request at a time."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._wanted: asyncio.Future[_Told] | None = None
        self._told = _Told()
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream, as asked for
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._wanted is None or self._wanted.done():
            return
        named = {name.lower() for name, _ in self._told.headers}
        if exc is None and self._told.head_done and not named & {
            b"content-length", b"transfer-encoding",
        }:  # fmt: skip
            self._wanted.set_result(self._told)  # such a body ends with the connection
        else:
            self._wanted.set_exception(httpx.RemoteProtocolError("connection lost"))

    def data_received(self, data: bytes) -> None:
        if self._wanted is None or self._wanted.done():
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            if not self._wanted.done():
                self._wanted.set_exception(httpx.RemoteProtocolError("not HTTP"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._told.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._told.status = self._parser.get_status_code()
        self._told.head_done = self._told.status >= 200

    def on_body(self, data: bytes) -> None:
        self._told.body += data
        if len(self._told.body) > self._most and self._wanted and not self._wanted.done():
            self.close()
            self._wanted.set_result(self._told)

    def on_message_complete(self) -> None:
        if self._told.status < 200:
            self._told = _Told()  # "continue" and the like: the answer is still to come
            return
        if not self._parser.should_keep_alive():
            self.close()
        if self._wanted and not self._wanted.done():
            self._wanted.set_result(self._told)

    def quiet(self) -> bool:
        """Tell whether a kept connection may carry the next request.

        Something to read on it while nothing is asked is its end, or worse.
        """
        if not self.usable or self.transport is None or self.transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the connection for good."""
        self.usable = False
        if self.transport is not None:
            self.transport.abort()

    async def ask(self, data: bytes, seconds: int | None) -> _Told:
        """Send one request and wait for its answer. httpx.TransportError."""
        assert self.transport is not None  # noqa: S101 - connected before
        self._told, self._parser = _Told(), httptools.HttpResponseParser(self)
        self._wanted = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        try:
            async with asyncio.timeout(seconds):
                return await self._wanted
        except TimeoutError:
            self.close()
            raise httpx.ReadTimeout("no answer in time") from None
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._wanted = None


class Carrier(httpx.AsyncBaseTransport):
    """Carries requests to one host over connections that are kept. No proxy, no HTTP/2."""

    def __init__(self, verify: ssl.SSLContext | None, most_bytes: int) -> None:
        self._verify, self._most = verify, most_bytes
        self._idle: list[_Line] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request. ConnectError or ConnectTimeout only where nothing has left."""
        data = _written(request)
        times = request.extensions.get("timeout", {})
        line = await self._line(request.url, times.get("connect"))
        told = await line.ask(data, times.get("read"))
        if line.usable:
            self._idle.append(line)
        return httpx.Response(
            told.status, headers=told.headers, stream=_Pieces(bytes(told.body)), request=request
        )

    async def _line(self, url: httpx.URL, seconds: int | None) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if line.quiet():
                return line
            line.close()
        secure = url.scheme == "https"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, line = await loop.create_connection(
                    lambda: _Line(self._most),
                    url.host,
                    url.port or (443 if secure else 80),
                    ssl=self._verify if secure else None,
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:  # refused, unreachable, unresolved, TLS: nothing has left
            raise httpx.ConnectError(type(error).__name__) from None
        return line

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()


def _written(request: httpx.Request) -> bytes:
    """Return a request as it leaves. LocalProtocolError where a header would break out of it."""
    lines = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
    for name, value in request.headers.raw:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise httpx.LocalProtocolError("a header holds a line break")
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.content
