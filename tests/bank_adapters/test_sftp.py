"""SFTP against a real server on loopback: whole or not at all, never twice, only to the pinned key."""

from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from bank_adapters.contract import Accepted, Conflict, NotSent, OutgoingFile, Unknown
from bank_adapters.transports.connection import ConnectionFileError, Secret, Sftp
from bank_adapters.transports.pickup import Looks
from bank_adapters.transports.sftp import SftpDrop
from tests.bank_adapters.sftp_server import Bank, serving

NAME = "DS25B1.xml"
DATA = b"<Document>" + b"x" * 1_500_000 + b"</Document>"
DIGEST = hashlib.sha256(DATA).hexdigest()
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


class Memory:
    """Marks kept in memory; what a restart would find."""

    def __init__(self) -> None:
        self.marks: set[str] = set()
        self.files: dict[str, tuple[str, int]] = {NAME: (DIGEST, len(DATA))}

    def expected(self, name: str) -> tuple[str, int] | None:
        return self.files.get(name)

    def asked(self, name: str) -> bool:
        return name in self.marks

    def ask(self, name: str) -> None:
        self.marks.add(name)

    def forget(self, name: str) -> None:
        self.marks.discard(name)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with serving(tmp_path / "bank", HOST_KEY) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> OutgoingFile:
    path = tmp_path / NAME
    path.write_bytes(DATA)
    return OutgoingFile(NAME, path, DIGEST, len(DATA))


def secret(folder: Path, value: str = "mat-khau") -> Path:
    path = folder / "password"
    path.write_text(value + "\n")
    path.chmod(0o600)
    return path


def where(bank: Bank, folder: Path) -> Sftp:
    return Sftp(
        title="thử",
        source="thử",
        host="127.0.0.1",
        user="chi-tra",
        host_keys=(HOST_KEY.export_public_key().decode(),),
        out="/inbox",
        answers="/outbox",
        archive=("/done",),
        secret=Secret(password_file=secret(folder)),
        port=bank.port,
        timeout_seconds=10,
    )


@pytest.fixture
def marks() -> Memory:
    return Memory()


@pytest.fixture
def drop(bank: Bank, tmp_path: Path, marks: Memory) -> SftpDrop:
    return SftpDrop(where(bank, tmp_path), marks)


def inbox(bank: Bank) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (bank.root / "inbox").iterdir()}


def test_a_file_arrives_whole_once_and_is_found_again(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    assert drop.delivered(NAME) == NotSent("not there")
    assert drop.send(file) == Accepted(NAME)
    assert inbox(bank) == {NAME: DATA}
    assert drop.delivered(NAME) == Accepted(NAME, repeated=True)
    assert drop.send(file) == Accepted(NAME, repeated=True)
    assert bank.renamed == [NAME]


def test_a_file_the_bank_moved_to_its_archive_is_delivered(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    drop.send(file)
    (bank.root / "inbox" / NAME).rename(bank.root / "done" / NAME)
    assert drop.delivered(NAME) == Accepted(NAME, repeated=True)
    assert drop.send(file) == Accepted(NAME, repeated=True)
    assert (bank.renamed, inbox(bank)) == ([NAME], {})


def test_a_file_the_bank_took_is_asked_about_and_never_sent_again(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    bank.takes = True
    assert drop.send(file) == Accepted(NAME), "the server said that the rename was done"
    assert isinstance(drop.delivered(NAME), Unknown)
    assert isinstance(drop.send(file), Unknown)
    assert (bank.renamed, bank.taken) == ([NAME], {NAME: DATA})


def test_a_cut_upload_leaves_no_file_and_is_sent_again(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    bank.fault = "cut"
    assert isinstance(drop.send(file), Unknown)
    assert NAME not in inbox(bank)
    bank.fault = ""
    assert isinstance(drop.delivered(NAME), NotSent)
    assert drop.send(file) == Accepted(NAME)
    assert (bank.renamed, inbox(bank)) == ([NAME], {NAME: DATA})


@pytest.mark.parametrize("fault", ["rename-refused", "cut-before-rename"])
def test_a_rename_that_did_not_happen_can_no_longer_happen_before_it_is_sent_again(
    bank: Bank, drop: SftpDrop, file: OutgoingFile, marks: Memory, fault: str
) -> None:
    bank.fault = fault
    outcome = drop.send(file)
    assert isinstance(outcome, Unknown)
    assert marks.asked(NAME)
    assert bank.renamed == []
    bank.fault = ""
    assert drop.delivered(NAME) == NotSent("the rename did not take place")
    assert inbox(bank) == {}, "the temporary file is gone, so a late rename finds nothing"
    assert not marks.asked(NAME)
    assert drop.send(file) == Accepted(NAME)
    assert (bank.renamed, inbox(bank)) == ([NAME], {NAME: DATA})


@pytest.mark.parametrize("fault", ["rename-lost", "rename-lost-taken"])
def test_a_lost_answer_to_the_rename_never_sends_twice(
    bank: Bank, drop: SftpDrop, file: OutgoingFile, fault: str
) -> None:
    bank.fault = fault
    assert isinstance(drop.send(file), Unknown)
    bank.fault = ""
    seen = drop.delivered(NAME)
    if fault == "rename-lost":
        assert seen == Accepted(NAME, repeated=True)
        assert drop.send(file) == Accepted(NAME, repeated=True)
    else:
        assert isinstance(seen, Unknown)
        assert isinstance(drop.send(file), Unknown)
    assert bank.renamed == [NAME]


@pytest.mark.parametrize(("fault", "verify"), [("short", "size"), ("changed-bytes", "hash")])
def test_a_file_that_arrived_otherwise_never_gets_its_name(
    bank: Bank, file: OutgoingFile, tmp_path: Path, marks: Memory, fault: str, verify: str
) -> None:
    drop = SftpDrop(replace(where(bank, tmp_path), verify=verify), marks)
    bank.fault = fault
    assert isinstance(drop.send(file), Unknown)
    assert (bank.renamed, inbox(bank)) == ([], {})
    bank.fault = ""
    assert drop.delivered(NAME) == NotSent("not there")
    assert drop.send(file) == Accepted(NAME)
    assert inbox(bank) == {NAME: DATA}


def test_another_size_after_the_rename_stops(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    bank.fault = "size-after"
    assert isinstance(drop.send(file), Unknown)
    with pytest.raises(Conflict, match="khác với bản đã ký"):
        drop.delivered(NAME)
    assert bank.renamed == [NAME]


def test_another_file_of_the_same_name_is_left_alone(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    (bank.root / "inbox" / NAME).write_bytes(b"another")
    with pytest.raises(Conflict, match="khác với bản đã ký"):
        drop.send(file)
    assert inbox(bank) == {NAME: b"another"}


def test_a_file_changed_since_it_was_made_ready_does_not_leave(
    bank: Bank, drop: SftpDrop, file: OutgoingFile
) -> None:
    file.path.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(Conflict, match="khác với bản đã chuẩn bị"):
        drop.send(file)
    assert (bank.logins, inbox(bank)) == (0, {})


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_a_key_that_is_not_pinned_is_refused_before_anything_leaves(
    bank: Bank, file: OutgoingFile, tmp_path: Path, marks: Memory, kind: str
) -> None:
    other = asyncssh.generate_private_key(kind).export_public_key().decode()
    drop = SftpDrop(replace(where(bank, tmp_path), host_keys=(other,)), marks)
    outcome = drop.send(file)
    assert isinstance(outcome, NotSent)
    assert outcome.far
    if kind == "ssh-ed25519":
        assert "không phải khóa đã ghim" in outcome.reason
    assert (bank.logins, bank.opened, inbox(bank)) == (0, 0, {})
    assert isinstance(drop.delivered(NAME), NotSent), "no rename was ever asked for"
    marks.ask(NAME)
    assert isinstance(drop.delivered(NAME), Unknown)
    with pytest.raises(ConnectionFileError):
        drop.check()


def test_nobody_at_home_and_a_wrong_password_are_not_sent(
    bank: Bank, file: OutgoingFile, tmp_path: Path, marks: Memory
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nobody = SftpDrop(replace(where(bank, tmp_path), port=port), marks)
    outcome = nobody.send(file)
    assert isinstance(outcome, NotSent)
    assert outcome.far
    nowhere = SftpDrop(replace(where(bank, tmp_path), host="khong-co.invalid"), marks)
    assert isinstance(nowhere.send(file), NotSent)
    bad = replace(where(bank, tmp_path), secret=Secret(password_file=secret(tmp_path, "sai")))
    assert SftpDrop(bad, marks).send(file) == NotSent("máy chủ không cho đăng nhập", far=True)
    assert (bank.opened, inbox(bank)) == (0, {})


def test_a_key_logs_in_and_a_secret_others_can_read_does_not(
    tmp_path: Path, file: OutgoingFile, marks: Memory
) -> None:
    own = asyncssh.generate_private_key("ssh-ed25519")
    path, word = tmp_path / "key", tmp_path / "word"
    own.write_private_key(path, "pkcs8-pem", passphrase="bi-mat")
    word.write_text("bi-mat")
    word.chmod(0o600)
    path.chmod(0o600)
    with serving(tmp_path / "bank", HOST_KEY, own.convert_to_public()) as bank:
        at = replace(where(bank, tmp_path), secret=Secret(key_file=path, key_password_file=word))
        assert SftpDrop(at, marks).send(file) == Accepted(NAME)
        path.chmod(0o644)
        with pytest.raises(ConnectionFileError, match="chmod 600"):
            SftpDrop(at, marks).send(file)


def test_no_secret_is_logged(
    bank: Bank, drop: SftpDrop, file: OutgoingFile, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert drop.send(file) == Accepted(NAME)
    assert caplog.records
    assert "mat-khau" not in caplog.text
    assert "mat-khau" not in repr(drop._where)


def test_answers_are_brought_when_they_stand_still_and_once(
    bank: Bank, drop: SftpDrop, tmp_path: Path
) -> None:
    outbox, into, looks = bank.root / "outbox", tmp_path / "in", Looks()
    into.mkdir()
    (outbox / "a.xml").write_bytes(b"<a>")
    (outbox / "b.xml.part").write_bytes(b"<b>")
    (outbox / ".c.xml").write_bytes(b"<c>")
    (outbox / "d.xml").mkdir()
    assert drop.collect(looks, into) == []
    (outbox / "a.xml").write_bytes(b"<a></a>")
    assert drop.collect(looks, into) == [], "it grew: two looks again"
    (one,) = drop.collect(looks, into)
    assert (one.name, one.path.read_bytes()) == ("a.xml", b"<a></a>")
    assert one.sha256 == hashlib.sha256(b"<a></a>").hexdigest()
    assert drop.collect(looks, into) == [], "read once"
    (outbox / "e.xml").write_bytes(b"<a></a>")
    drop.collect(looks, into)
    assert drop.collect(looks, into) == [], "the same bytes under another name are the same answer"
    assert [p.name for p in into.iterdir()] == ["a.xml"]


def test_an_answer_over_the_limit_is_not_read(bank: Bank, tmp_path: Path, marks: Memory) -> None:
    drop = SftpDrop(replace(where(bank, tmp_path), most_bytes=10), marks)
    (bank.root / "outbox" / "a.xml").write_bytes(b"x" * 11)
    looks = Looks()
    assert drop.collect(looks, tmp_path) == drop.collect(looks, tmp_path) == []


def test_check_looks_and_sends_nothing(bank: Bank, drop: SftpDrop) -> None:
    (bank.root / "outbox" / "a.xml").write_bytes(b"<a/>")
    assert drop.check()[-1] == "Thư mục trả lời /outbox: 1 tệp."
    assert inbox(bank) == {}
    (bank.root / "outbox" / "a.xml").unlink()
    (bank.root / "outbox").rmdir()
    with pytest.raises(ConnectionFileError, match="Chưa gửi gì"):
        drop.check()
