"""The lean transport: where "nothing has left" ends, and what odd servers do to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from bank_adapters.api.carrier import _written
from bank_adapters.api.contract import Answer, Call
from bank_adapters.api.wire import MOST_BYTES, Connection, Wire
from bank_adapters.contract import NotSent, Unknown

CALL = Call("R1", "pay", "POST", "/pay?a=1", (("X-One", "1"),), b'{"a":1}', ("DS1",))


@contextmanager
def server(*answers: bytes | None, close: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request a connection with raw bytes; None closes without a word."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = []

        def serve() -> None:
            for answer in answers:
                line, _ = listening.accept()
                request = line.recv(1 << 16)
                if answer is not None:
                    line.sendall(answer)
                if close or answer is None:
                    line.close()
                kept.append(line)
                heard.append(request)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        thread.join(5)
        for line in kept:
            line.close()


def send(where: str, seconds: int = 10) -> object:
    with Wire(Connection(where, seconds, 500, 4)) as wire:
        return wire.send(CALL)


def test_a_request_is_written_as_it_was_made() -> None:
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Signature: s\r\n\r\nok") as (
        where,
        heard,
    ):
        answer = send(where)
    assert answer == Answer(200, "", b"ok", "s")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /pay?a=1 HTTP/1.1\r\n")
    assert b"\r\nX-One: 1" in head
    assert body == CALL.body


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)  # fmt: skip
def test_answers_of_every_kind_are_read_whole(answer: bytes, body: bytes) -> None:
    with server(answer) as (where, _):
        found = send(where)
    assert isinstance(found, Answer)
    assert found.body == body


@pytest.mark.parametrize(
    "answer",
    [
        None, b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * (MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_whatever_is_no_whole_answer_is_unknown(answer: bytes | None) -> None:
    with server(answer) as (where, heard):
        assert isinstance(send(where), Unknown)
    assert len(heard) == 1  # and it is not sent again


def test_silence_is_unknown_in_bounded_time() -> None:
    with server(b"", close=False) as (where, heard):
        assert isinstance(send(where, seconds=1), Unknown)
    assert len(heard) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with server(ok, ok) as (where, heard), Wire(Connection(where, 10, 500, 4)) as wire:
        assert isinstance(wire.send(CALL), Answer)
        while not heard:  # until the other side has closed
            threading.Event().wait(0)
        assert isinstance(wire.send(CALL), Answer)
    assert len(heard) == 2
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert isinstance(send(where), NotSent)


def test_a_header_never_breaks_out_of_its_line() -> None:
    request = httpx.Request("POST", "http://x/", headers=[(b"a", b"1\r\nb: 2")], content=b"")
    with pytest.raises(httpx.LocalProtocolError):
        _written(request)
