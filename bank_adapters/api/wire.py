"""The one place that talks HTTP to a rail, and decides what was certainly not sent.

A name that does not resolve, a refused connection, a failed TLS handshake, a wait for a free
connection: nothing of the request has left (`NotSent`), and the same bytes may be tried again.
From the first byte on, everything that is not an HTTP answer is `Unknown`: it is asked about and
never repeated by itself. What is certainly not sent is tried a bounded number of times; after
`BREAK_AFTER` calls in a row without an answer the breaker opens and the rest of the group is
`NotSent` without being tried. Redirects are never followed; an answer larger than `MOST_BYTES` is
`Unknown`. Nothing of a request or an answer is logged.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from bank_adapters.api.carrier import Carrier
from bank_adapters.api.contract import Answer, Call
from bank_adapters.contract import AdapterError, NotSent, Unknown

MOST_BYTES = 1 << 22
"""Largest answer that is read, in bytes."""
BREAK_AFTER = 5
TRIES = 3
"""Most attempts at one call, all but the last of them certainly not sent."""
_FIRST_WAIT_MS = 50
_HEADERS = (
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("connection", "keep-alive"),
    ("user-agent", "disburse"),
)
"""Headers of a call that does not set them itself."""
_MOST_URLS = 256
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})

Outcome = Answer | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a rail is reached. `client_cert` = (certificate, key) as PEM files; `ca` a PEM file."""

    base_url: str
    timeout_seconds: float
    calls_per_second: int
    concurrency: int
    ca: Path | None = None
    client_cert: tuple[Path, Path] | None = field(default=None, repr=False)
    most_bytes: int = MOST_BYTES
    """Largest answer that is read."""

    def check(self, *, production: bool) -> None:
        """Refuse an address that must not be called: AdapterError (`endpoint_refused`).

        Plain HTTP only to this machine; in a production cell no address of this machine and none
        that names itself a test system.
        """
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        local = host in _LOCAL
        if parts.scheme not in ("https", "http") or not host or parts.username or parts.query:
            raise _endpoint("không phải địa chỉ https://máy chủ/…", "not an https address")
        if parts.scheme == "http" and not local:
            raise _endpoint("phải dùng https", "https is required")
        if production and (local or is_test_host(host)):
            raise _endpoint(
                "là máy chủ thử hoặc giả lập, không dùng ở hệ thống thật",
                "a test or simulator endpoint in a production cell",
            )


def is_test_host(host: str) -> bool:
    """Tell whether a host's name says that it is a test system (test-, sb-, sandbox, uat, ...)."""
    words = host.lower().replace("-", ".").replace("_", ".").split(".")
    return bool({"test", "testing", "sb", "sandbox", "uat", "dev", "staging", "stg"} & set(words))


def _endpoint(what: str, en: str) -> AdapterError:
    return AdapterError(
        "endpoint_refused",
        f"Địa chỉ kết nối {what}; hãy sửa tệp kết nối của tổ chức chi trả.",
        en=en,
    )


class Wire:
    """Carries calls of one connection. Open it once for a group of calls, then close it.

    `before`, where given, is called with each call just before its first byte may leave.
    """

    def __init__(
        self, connection: Connection, *, before: Callable[[Call], None] | None = None
    ) -> None:
        self._connection = connection
        self._before = before
        self._runner = asyncio.Runner()
        self._carrier: Carrier | None = None
        self._urls: dict[str, httpx.URL] = {}
        self._times = {"timeout": httpx.Timeout(connection.timeout_seconds).as_dict()}
        self._silent = 0
        self._next_at: float = 0

    def __enter__(self) -> Self:
        """Open the wire; no connection is made yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        if self._carrier is not None:
            self._runner.run(self._carrier.aclose())
        self._runner.close()

    def send(self, call: Call) -> Outcome:
        """Carry one call."""
        return self.send_all([call])[0]

    def send_all(self, calls: Sequence[Call]) -> list[Outcome]:
        """Carry calls, several at once; return their outcomes in the same order."""
        return self._runner.run(self._all(calls))

    async def _all(self, calls: Sequence[Call]) -> list[Outcome]:
        carrier = self._carrier = self._carrier or self._open()
        out: list[Outcome] = [NotSent("not tried")] * len(calls)
        todo = iter(enumerate(calls))

        async def work() -> None:
            for n, call in todo:
                out[n] = await self._one(carrier, call)

        await asyncio.gather(
            *(work() for _ in range(min(self._connection.concurrency, len(calls))))
        )
        return out

    def _open(self) -> Carrier:
        where = self._connection
        verify: ssl.SSLContext | None = None
        if where.base_url.startswith("https"):
            verify = ssl.create_default_context(cafile=str(where.ca) if where.ca else None)
            verify.minimum_version = ssl.TLSVersion.TLSv1_2
            if where.client_cert is not None:
                verify.load_cert_chain(*map(str, where.client_cert))
        return Carrier(verify, MOST_BYTES)

    async def _one(self, carrier: Carrier, call: Call) -> Outcome:
        outcome: Outcome = NotSent("breaker open")
        for attempt in range(TRIES):
            if self._silent >= BREAK_AFTER:
                return outcome
            if attempt:
                await asyncio.sleep(_FIRST_WAIT_MS * 4**attempt / 1000)
            await self._slot()
            outcome = await self._try(carrier, call)
            self._silent = 0 if isinstance(outcome, Answer) else self._silent + 1
            if not isinstance(outcome, NotSent):
                return outcome
        return outcome

    async def _slot(self) -> None:
        """Wait until this call may leave without exceeding the rail's calls per second."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = max(self._next_at, now)
        self._next_at = at + 1 / self._connection.calls_per_second
        if at > now:
            await asyncio.sleep(at - now)

    async def _try(self, carrier: Carrier, call: Call) -> Outcome:
        request = self._request(call)
        if self._before is not None:
            self._before(call)
        try:
            answer = await carrier.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return NotSent(type(error).__name__)
        except (httpx.TransportError, httpx.StreamError) as error:
            return Unknown(type(error).__name__)
        try:
            return await _whole(answer, self._connection.most_bytes)
        except (httpx.TransportError, httpx.StreamError, httpx.DecodingError) as error:
            return Unknown(type(error).__name__)
        finally:
            await answer.aclose()

    def _request(self, call: Call) -> httpx.Request:
        # Not built nor sent by httpx's client: nothing here wants its cookies, redirects and
        # sign-ins, which cost more for each call than all the rest together.
        url = self._urls.get(call.path)
        if url is None:
            base = self._connection.base_url.rstrip("/")
            url = httpx.URL(f"{base}/{call.path.lstrip('/')}")
            if len(self._urls) >= _MOST_URLS:
                self._urls.clear()
            self._urls[call.path] = url
        given = {name.lower() for name, _ in call.headers}
        return httpx.Request(
            call.method,
            url,
            headers=[*(h for h in _HEADERS if h[0] not in given), *call.headers],
            content=call.body or None,
            extensions=self._times,
        )


async def _whole(answer: httpx.Response, most_bytes: int) -> Outcome:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > most_bytes:
            return Unknown("answer too large")
    headers = answer.headers
    return Answer(
        answer.status_code,
        headers.get("content-type", ""),
        bytes(body),
        headers.get("x-signature", ""),
    )
