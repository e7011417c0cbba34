from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bank_adapters.contract import Accepted, Conflict, NotSent, OutgoingFile
from bank_adapters.control_note import control_note
from bank_adapters.transports import FileDrop, stable_files


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


def test_a_growing_file_waits_until_its_size_stands(tmp_path: Path) -> None:
    sizes: dict[str, int] = {}
    (tmp_path / "a.xml").write_bytes(b"1")
    (tmp_path / ".b.xml.part").write_bytes(b"1")
    assert list(stable_files(tmp_path, sizes)) == []
    (tmp_path / "a.xml").write_bytes(b"12")
    assert list(stable_files(tmp_path, sizes)) == []
    assert [p.name for p in stable_files(tmp_path, sizes)] == ["a.xml"]


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
