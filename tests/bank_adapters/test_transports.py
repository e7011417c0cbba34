from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bank_adapters.contract import Accepted, Conflict, NotSent, OutgoingFile, Unknown
from bank_adapters.control_note import control_note
from bank_adapters.transports import FileDrop
from bank_adapters.transports.connection import ConnectionFileError
from bank_adapters.transports.pickup import Looks, is_final
from tests.bank_adapters.test_sftp import Memory


def outgoing(folder: Path, name: str = "DS25B1.xml", data: bytes = b"<x/>") -> OutgoingFile:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return OutgoingFile(name, path, hashlib.sha256(data).hexdigest(), len(data))


def test_a_file_is_delivered_once(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path / "drop")
    file = outgoing(tmp_path / "own")
    assert drop.delivered(file.name) == NotSent("not there")
    assert drop.send(file) == Accepted(file.name)
    assert (tmp_path / "drop" / file.name).read_bytes() == b"<x/>"
    assert drop.send(file) == Accepted(file.name, repeated=True)
    assert drop.delivered(file.name) == Accepted(file.name, repeated=True)
    assert drop.names() == [file.name]


def test_another_file_of_the_same_name_is_a_conflict(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path / "drop")
    drop.send(outgoing(tmp_path / "own"))
    with pytest.raises(Conflict):
        drop.send(outgoing(tmp_path / "other", data=b"<y/>"))
    assert (tmp_path / "drop" / "DS25B1.xml").read_bytes() == b"<x/>"


def test_a_file_changed_after_signing_is_not_delivered(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path / "drop")
    file = outgoing(tmp_path / "own")
    file.path.write_bytes(b"<z/>")
    with pytest.raises(Conflict):
        drop.send(file)
    assert drop.names() == []


def test_a_missing_source_is_not_sent(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path / "drop")
    file = outgoing(tmp_path / "own")
    file.path.unlink()
    assert isinstance(drop.send(file), NotSent)
    assert drop.names() == []


def test_a_growing_answer_waits_until_it_stands_still(tmp_path: Path) -> None:
    there, into, looks = tmp_path / "there", tmp_path / "in", Looks()
    there.mkdir()
    into.mkdir()
    drop = FileDrop(tmp_path / "drop", there)
    (there / "a.xml").write_bytes(b"1")
    (there / ".b.xml.part").write_bytes(b"1")
    (there / "c.xml.tmp").write_bytes(b"1")
    assert drop.collect(looks, into) == []
    (there / "a.xml").write_bytes(b"12")
    assert drop.collect(looks, into) == []
    (one,) = drop.collect(looks, into)
    assert (one.name, one.path.read_bytes()) == ("a.xml", b"12")
    assert drop.collect(looks, into) == []
    assert FileDrop(tmp_path / "drop").collect(looks, into) == []
    with pytest.raises(ConnectionFileError, match="Chưa gửi gì"):
        FileDrop(tmp_path / "drop", tmp_path / "khong-co").collect(looks, into)


@pytest.mark.parametrize(
    "name",
    ["a.xml", "DS25B1_ket qua (2).xml", "b.MT940"],
)
def test_an_ordinary_name_is_read(name: str) -> None:
    assert is_final(name)


@pytest.mark.parametrize(
    "name",
    ["", ".a", "a.part", "A.PART", "a.filepart", "../a", "a/b", "a\\b", "a\nb", "a\0", "tmp_a",
     "a..b", "x" * 130, "~a", "-a"],
)  # fmt: skip
def test_a_temporary_name_and_one_that_leads_out_are_never_read(name: str) -> None:
    assert not is_final(name)


def test_a_file_taken_out_of_a_marked_folder_is_never_delivered_again(tmp_path: Path) -> None:
    marks = Memory()
    drop = FileDrop(tmp_path / "drop", None, marks)
    file = outgoing(tmp_path / "own")
    assert drop.send(file) == Accepted(file.name)
    (tmp_path / "drop" / file.name).unlink()
    assert isinstance(drop.delivered(file.name), Unknown)
    assert isinstance(drop.send(file), Unknown)
    assert drop.names() == []


def test_a_process_that_ended_before_the_rename_delivers_after_it(tmp_path: Path) -> None:
    marks = Memory()
    drop = FileDrop(tmp_path / "drop", None, marks)
    file = outgoing(tmp_path / "own")
    drop.folder.mkdir()
    (drop.folder / f".{file.name}.part").write_bytes(b"<x/>")
    marks.ask(file.name)
    assert drop.delivered(file.name) == NotSent("the rename did not take place")
    assert not marks.asked(file.name)
    assert drop.send(file) == Accepted(file.name)
    assert drop.names() == [file.name]


def test_check_says_which_folder_is_missing(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path / "drop", tmp_path / "there")
    with pytest.raises(ConnectionFileError, match="không có thư mục này"):
        drop.check()
    drop.folder.mkdir()
    drop.answers.mkdir()
    assert len(drop.check()) == 2


def test_the_control_note_says_what_the_bank_can_check() -> None:
    note = control_note(
        file_name="DS25B1.xml",
        count=2,
        total_vnd=1_620_000,
        sha256="ab" * 32,
        list_name="08986 SA 202611",
        chain_seq=7,
        chain_head="cd" * 32,
        created_at="2026-10-23T01:00:00Z",
    )
    assert "Số khoản chi: 2\n" in note
    assert "Tổng số tiền (đồng): 1.620.000\n" in note
    assert f"SHA-256 của tệp: {'ab' * 32}\n" in note
    assert f"Niêm phong cuối của sổ cái: số 7, {'cd' * 32}\n" in note
