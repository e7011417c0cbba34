"""A file gateway over HTTPS on loopback that wants our certificate, and can misbehave."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.contract import Accepted, Conflict, NotSent, OutgoingFile, Rejected, Unknown
from bank_adapters.transports.connection import ConnectionFileError, Https
from bank_adapters.transports.https import HttpsDrop
from bank_adapters.transports.pickup import Looks
from tests.bank_adapters.papers_of_keys import certificate, new_key, write_cert, write_key
from tests.bank_adapters.test_sftp import Memory

NAME = "DS25B1.xml"
DATA = b"<Document>" + b"x" * 200_000 + b"</Document>"
DIGEST = hashlib.sha256(DATA).hexdigest()
CA_KEY = new_key()
CA = certificate("CA thu", CA_KEY)


@dataclass
class Gateway:
    fault: str = ""
    """refuse | busy | cut-before | cut-after | forgets"""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    calls: int = 0
    port: int = 0


class Handler(BaseHTTPRequestHandler):
    gateway: Gateway

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal of the tests."""

    def _say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_PUT(self) -> None:
        bank, name = self.gateway, self.path.rsplit("/", 1)[-1]
        bank.calls += 1
        if bank.fault == "refuse":
            self.rfile.read(int(self.headers["Content-Length"]))
            return self._say(403)
        if bank.fault == "cut-before":
            return self._cut()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if bank.fault == "busy":
            return self._say(503)
        bank.puts.append(name)
        bank.files[name] = body
        if bank.fault == "cut-after":
            return self._cut()
        return self._say(201)

    def do_GET(self) -> None:
        bank = self.gateway
        bank.calls += 1
        _, folder, *rest = self.path.split("/")
        if folder == "in" and not rest:
            listing = [
                {"name": n, "size": len(d), "changed": hashlib.sha256(d).hexdigest()[:8]}
                for n, d in bank.answers.items()
            ]
            return self._say(200, json.dumps(listing).encode())
        found = (bank.answers if folder == "in" else bank.files).get(rest[0])
        if found is None or bank.fault == "forgets":
            return self._say(404)
        if folder == "in":
            return self._say(200, found)
        said = {"sha256": hashlib.sha256(found).hexdigest(), "size": len(found)}
        return self._say(200, json.dumps(said).encode())


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway()
    key = new_key()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        write_cert(tmp_path / "server.pem", certificate("bank", key, (CA, CA_KEY))),
        write_key(tmp_path / "server.key", key),
    )
    context.load_verify_locations(write_cert(tmp_path / "ca.pem", CA))
    context.verify_mode = ssl.CERT_REQUIRED
    handler = type("Bound", (Handler,), {"gateway": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def where(bank: Gateway, tmp_path: Path) -> Https:
    key = new_key()
    return Https(
        title="cổng thử",
        source="thử",
        url=f"https://127.0.0.1:{bank.port}",
        ca=tmp_path / "ca.pem",
        client_cert=write_cert(tmp_path / "us.pem", certificate("us", key, (CA, CA_KEY))),
        client_key=write_key(tmp_path / "us.key", key),
        out="/out",
        answers="/in",
        timeout_seconds=10,
    )


@pytest.fixture
def file(tmp_path: Path) -> OutgoingFile:
    path = tmp_path / NAME
    path.write_bytes(DATA)
    return OutgoingFile(NAME, path, DIGEST, len(DATA))


def memory() -> Memory:
    made = Memory()
    made.files = {NAME: (DIGEST, len(DATA))}
    return made


def test_a_file_is_put_once_and_found_again(
    bank: Gateway, where: Https, file: OutgoingFile
) -> None:
    drop = HttpsDrop(where, memory())
    assert drop.delivered(NAME) == NotSent("not there")
    assert drop.send(file) == Accepted(NAME)
    assert drop.send(file) == Accepted(NAME, repeated=True)
    assert drop.delivered(NAME) == Accepted(NAME, repeated=True)
    assert (bank.puts, bank.files) == ([NAME], {NAME: DATA})
    bank.files[NAME] = b"another"
    with pytest.raises(Conflict):
        drop.delivered(NAME)


@pytest.mark.parametrize("fault", ["cut-after", "cut-before", "busy"])
def test_what_broke_after_the_first_byte_is_asked_about(
    bank: Gateway, where: Https, file: OutgoingFile, fault: str
) -> None:
    drop = HttpsDrop(where, memory())
    bank.fault = fault
    assert isinstance(drop.send(file), Unknown)
    bank.fault = ""
    if fault == "cut-after":
        assert drop.delivered(NAME) == Accepted(NAME, repeated=True)
    else:
        assert isinstance(drop.delivered(NAME), Unknown), "a gateway may forget: a person asks"
        assert isinstance(drop.send(file), Unknown)
    assert bank.puts == ([NAME] if fault == "cut-after" else [])


def test_a_gateway_that_forgets_nothing_may_be_believed(
    bank: Gateway, where: Https, file: OutgoingFile
) -> None:
    drop = HttpsDrop(replace(where, absent_is_final=True), memory())
    bank.fault = "busy"
    assert isinstance(drop.send(file), Unknown)
    bank.fault = ""
    assert drop.delivered(NAME) == NotSent("the gateway never got it")
    assert drop.send(file) == Accepted(NAME)
    assert bank.puts == [NAME]


def test_a_file_the_gateway_forgot_is_never_put_again(
    bank: Gateway, where: Https, file: OutgoingFile
) -> None:
    drop = HttpsDrop(where, memory())
    assert drop.send(file) == Accepted(NAME)
    bank.fault = "forgets"
    assert isinstance(drop.delivered(NAME), Unknown)
    assert isinstance(drop.send(file), Unknown)
    assert bank.puts == [NAME]


def test_a_refusal_is_a_refusal(bank: Gateway, where: Https, file: OutgoingFile) -> None:
    bank.fault = "refuse"
    assert HttpsDrop(where, memory()).send(file) == Rejected("403", "")
    assert bank.files == {}


def test_without_trust_on_either_side_nothing_leaves(
    bank: Gateway, where: Https, file: OutgoingFile, tmp_path: Path
) -> None:
    key = new_key()
    other = write_cert(tmp_path / "other.pem", certificate("CA khac", key))
    marks = memory()
    outcome = HttpsDrop(replace(where, ca=other), marks).send(file)
    assert isinstance(outcome, NotSent)
    assert outcome.far
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nobody = replace(where, url=f"https://127.0.0.1:{port}")
    assert isinstance(HttpsDrop(nobody, marks).send(file), NotSent)
    assert isinstance(HttpsDrop(nobody, marks).delivered(NAME), NotSent)
    own = new_key()
    alone = replace(
        where,
        client_cert=write_cert(tmp_path / "x.pem", certificate("x", own)),
        client_key=write_key(tmp_path / "x.key", own),
    )
    assert not isinstance(HttpsDrop(alone, marks).send(file), Accepted)
    assert (bank.calls, bank.files, marks.marks) == (0, {}, set())


def test_a_key_others_can_read_or_a_lost_certificate_is_said(
    where: Https, file: OutgoingFile
) -> None:
    where.client_key.chmod(0o644)
    with pytest.raises(ConnectionFileError, match="chmod 600"):
        HttpsDrop(where, memory()).send(file)
    where.client_key.chmod(0o600)
    where.ca.unlink()
    with pytest.raises(ConnectionFileError, match="chứng thư hoặc khóa"):
        HttpsDrop(where, memory()).send(file)


def test_answers_are_brought_when_they_stand_still_and_once(
    bank: Gateway, where: Https, tmp_path: Path
) -> None:
    drop, looks, into = HttpsDrop(where, memory()), Looks(), tmp_path / "in"
    into.mkdir()
    bank.answers = {"a.xml": b"<a>", "../b.xml": b"<b/>", "c.xml.part": b"<c>"}
    assert drop.collect(looks, into) == []
    bank.answers["a.xml"] = b"<a></a>"
    assert drop.collect(looks, into) == []
    (one,) = drop.collect(looks, into)
    assert (one.name, one.path.read_bytes()) == ("a.xml", b"<a></a>")
    assert drop.collect(looks, into) == []
    assert [p.name for p in into.iterdir()] == ["a.xml"]


def test_check_looks_and_puts_nothing(bank: Gateway, where: Https) -> None:
    bank.answers = {"a.xml": b"<a/>"}
    assert HttpsDrop(where, memory()).check()[-1] == "Trả lời /in: 1 tệp."
    assert bank.files == {}
    with pytest.raises(ConnectionFileError, match="HTTP 404"):
        HttpsDrop(replace(where, answers="/in/khong-co"), memory()).check()
