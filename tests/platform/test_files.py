"""Files are written whole or not at all, by several writers at once, and on a full disk."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from disbursement.documents.xlsx import Book, Column
from disbursement.platform import files
from disbursement.platform.errors import NotNowError


@pytest.fixture
def no_room() -> Iterator[None]:
    """Let the system refuse every file beyond 4 KiB, as a full disk would in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_two_writers_of_one_path_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "to.csv"
    with files.atomic(path) as first:
        first.write(b"one, ")
        with files.atomic(path) as second:
            assert len(list(tmp_path.iterdir())) == 2
            second.write(b"another")
        assert path.read_bytes() == b"another"
        first.write(b"whole")
    assert path.read_bytes() == b"one, whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there_and_nothing_else(tmp_path: Path, no_room: None) -> None:
    path = tmp_path / "to.csv"
    files.write(path, b"before")
    with pytest.raises(NotNowError) as refused:
        files.write(path, b"x" * 10_000)
    assert refused.value.code == "disk_full"
    assert refused.value.sentence == (
        "Hết chỗ trên đĩa khi ghi to.csv: chưa có gì thay đổi, hãy giải phóng dung lượng rồi làm "
        "lại."
    )
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_workbook_on_a_full_disk_leaves_nothing(tmp_path: Path, no_room: None) -> None:
    def write() -> None:
        with (
            files.atomic(tmp_path / "so.xlsx") as out,
            Book(out, title="Sổ", made_at="2026-10-01T00:00:00Z") as book,
        ):
            tab = book.sheet("A", [Column("Tên", 10)])
            for n in range(2_000):
                tab.row((f"hàng {n}",))

    with pytest.raises(NotNowError) as refused:
        write()
    assert refused.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_writer_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with files.atomic(tmp_path / "to.csv") as out:
            out.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(NotNowError) as refused:
        files.write(tmp_path / "a" / "to.csv", b"x")
    assert refused.value.code == "cannot_write"
    assert "to.csv" in refused.value.sentence


def test_what_is_written_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "by_hand").write_bytes(b"")
    files.write(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "by_hand").stat().st_mode
