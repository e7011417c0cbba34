"""The door: limits on every request, security headers on every answer, no inside shown.

Pure ASGI around the whole application. It reads the body once, within a size and a time, and keeps
it in `scope["disburse.body"]`, so that endpoints are plain functions and no parser meets a body
that the limits have not seen (F76-F80).
"""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from disbursement.api import problems

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = "disburse.body"
LONG_BODIES = frozenset({"/api/v1/explain"})
_ONCE = {
    b"host",
    b"content-length",
    b"content-type",
    b"authorization",
    b"idempotency-key",
    b"transfer-encoding",
}

log = logging.getLogger("disbursement.api")


@dataclass(frozen=True)
class Limits:
    """What one request may cost. Bytes and seconds."""

    body: int = 65_536
    long_body: int = 1_048_576  # for the addresses that take whole dossiers
    address: int = 2_048
    headers: int = 64
    header_bytes: int = 16_384
    query_fields: int = 16
    seconds: float = 15.0


SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class _Refusal(Exception):  # noqa: N818 - not an error of the program: an answer
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Guard:
    """Wraps an ASGI application. Only HTTP and the server's own start and stop pass."""

    def __init__(
        self, app: Application, *, limits: Limits | None = None, production: bool = False
    ) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._headers = (*SECURITY_HEADERS, HSTS) if production else SECURITY_HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = self._with_security(message.get("headers", ()))
            await send(message)

        try:
            self._check_head(scope)
            scope[BODY] = await self._body(scope, receive)
            await self._app(scope, _replay(scope[BODY], receive), guarded)
        except _Refusal as refusal:
            await _answer(guarded, problems.of_status(refusal.status), refusal.status)
        except Exception as error:
            instance = _report(error, scope)
            if started:
                raise
            await _answer(guarded, problems.of_status(500, instance=instance), 500)

    def _with_security(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = [(bytes(k).lower(), bytes(v)) for k, v in given]
        present = {k for k, _ in headers}
        return headers + [(k, v) for k, v in self._headers if k not in present]

    def _check_head(self, scope: Scope) -> None:
        limits, headers = self._limits, scope["headers"]
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        if len(raw_path) + len(query) > limits.address:
            raise _Refusal(414)
        if len(headers) > limits.headers:
            raise _Refusal(431)
        if sum(len(k) + len(v) for k, v in headers) > limits.header_bytes:
            raise _Refusal(431)
        names = Counter(bytes(k).lower() for k, _ in headers)
        both = names[b"content-length"] and names[b"transfer-encoding"]  # smuggling (F78)
        if both or any(names[name] > 1 for name in _ONCE):
            raise _Refusal(400)
        _check_query(query, limits.query_fields)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit():
            raise _Refusal(400)
        limits = self._limits
        most = limits.long_body if scope["path"] in LONG_BODIES else limits.body
        if len(declared) > 12 or int(declared) > most:
            raise _Refusal(413)
        try:
            async with asyncio.timeout(limits.seconds):
                return await self._read(receive, most)
        except TimeoutError as error:
            raise _Refusal(408) from error

    async def _read(self, receive: Receive, most: int) -> bytes:
        pieces, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refusal(400)
            piece = message.get("body", b"")
            size += len(piece)
            if size > most:
                raise _Refusal(413)
            pieces.append(piece)
            more = message.get("more_body", False)
        return b"".join(pieces)


def _check_query(query: bytes, limit: int) -> None:
    """Refuse what two readers could read differently: repeated names, NUL, other than UTF-8."""
    if not query:
        return
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=limit,
        )
    except ValueError as error:
        raise _Refusal(400) from error
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names) or any("\0" in part for pair in pairs for part in pair):
        raise _Refusal(400)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the body to the application once; then whatever the server says (a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, problem: dict[str, Any], status: int) -> None:
    data = problems.dump(problem)
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(data)).encode()),
    ]
    if status in (400, 408, 413):
        # What still lies on this connection is not read as another request.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


def _report(error: BaseException, scope: Scope) -> str:
    """Log where it happened, never what was in hand: texts of errors hold values (F81)."""
    instance = f"urn:uuid:{uuid.uuid4()}"
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno}" for f in frames[-6:][::-1])
    route = getattr(scope.get("route"), "path", "?")
    log.error("%s %s %s at %s", instance, type(error).__name__, route, where)
    return instance
