"""Workbooks: text stays text, numbers stay whole, a broken one is not written."""

from __future__ import annotations

import io
import re
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from disbursement.documents import xlsx
from disbursement.documents.xlsx import Book, Column
from disbursement.platform import files
from disbursement.platform.errors import NotNowError
from tests.documents import papers

COLUMNS = (Column("Chữ", 20), Column("Số", 8, "whole"), Column("Tiền", 16, "money"))


def write(rows, *, heading=(), columns=COLUMNS, out=None) -> bytes:
    out = io.BytesIO() if out is None else out
    with Book(out, title="Thử", made_at=papers.MADE) as book:
        tab = book.sheet("Trang", columns, heading=heading)
        for row in rows:
            tab.row(row)
    return out.getvalue()


def parts(book: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(book)) as zipped:
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def test_hostile_text_is_text_and_no_formula_or_link():
    book = write([(text, 1, 2) for text in papers.HOSTILE])
    assert [row[0] for row in papers.cells(book)[1:]] == list(papers.HOSTILE)
    xml = parts(book)["xl/worksheets/sheet1.xml"]
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert "xl/externalLinks" not in " ".join(parts(book))


def test_identity_like_digits_keep_their_zeros():
    assert papers.cells(write([("001099000123", 7, 810_000)]))[1] == [
        "001099000123",
        7.0,
        810_000.0,
    ]


def test_numbers_are_whole_with_thousands():
    book = write([("a", 3, 1_050_000)])
    assert "<v>1050000</v>" in parts(book)["xl/worksheets/sheet1.xml"]
    assert 'numFmtId="3"' in parts(book)["xl/styles.xml"]  # built-in format 3 is #,##0


def test_lines_and_foreign_letters_stay_as_they_are():
    text = "hàng một\nhàng hai\t李 "
    assert papers.cells(write([(text, 0, 0)]))[1][0] == text


def test_control_characters_are_made_visible():
    assert papers.cells(write([("a\x00b\x1fc_x0041_", 0, 0)]))[1][0] == "a‹U+0000›b‹U+001F›c_x0041_"


@pytest.mark.parametrize(
    "row",
    [
        ("a", 1.0, 1),
        ("a", True, 1),
        ("a", "1", 1),
        ("a", 1, 10**15),
        (5, 1, 1),
        ("x" * 32_768, 1, 1),
        ("a", 1),
    ],
    ids=["float", "bool", "digits", "sixteen digits", "number as text", "long", "short row"],
)
def test_an_inexact_cell_is_refused_and_nothing_is_written(row):
    out = io.BytesIO()
    with pytest.raises(ValueError, match=r"column|cells"):
        write([("ok", 1, 1), row], out=out)
    assert out.getvalue() == b""


def test_heading_stands_above_the_header_which_repeats_on_paper():
    book = write([("a", 1, 2)], heading=("Tên", "Dòng hai"))
    assert [row[0] for row in papers.cells(book)] == ["Tên", "Dòng hai", "Chữ", "a"]
    assert "Trang!$3:$3" in parts(book)["xl/workbook.xml"].replace("'", "")


def test_same_rows_same_bytes():
    rows = [("a", 1, 2), ("b", 3, 4)]
    assert write(rows) == write(rows)
    assert "2026-10-23T02:05:00Z" in parts(write(rows))["docProps/core.xml"]


def test_a_full_worksheet_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 3)
    book = write([(str(n), n, n) for n in range(5)])
    assert [row[1] for row in papers.cells(book, "Trang")] == ["Số", 0.0, 1.0]
    assert [row[1] for row in papers.cells(book, "Trang (2)")] == ["Số", 2.0, 3.0]
    assert [row[1] for row in papers.cells(book, "Trang (3)")] == ["Số", 4.0]


def test_memory_does_not_grow_with_rows(tmp_path: Path):
    def peak(n: int) -> int:
        with (tmp_path / f"{n}.xlsx").open("wb") as out:
            tracemalloc.start()
            with Book(out, title="Thử", made_at=papers.MADE) as book:
                tab = book.sheet("Trang", COLUMNS)
                for i in range(n):
                    tab.row((f"Người số {i}", i, i))
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    peak(100)
    assert peak(12_000) < peak(2_000) * 1.5


def test_temporary_files_are_gone_either_way(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write([("a", 1, 2)])
    with pytest.raises(ValueError, match="column"):
        write([("a", 1, None), (2, 1, 1)])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_so(tmp_path: Path):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as full:
        write([("a", 1, 2)], out=Full())
    assert full.value.errno == 28
    with pytest.raises(NotNowError) as told, files.atomic(tmp_path / "a.xlsx"):
        raise full.value
    assert told.value.code == "disk_full"


def test_no_cell_of_any_paper_is_a_formula():
    """Every sheet XML XlsxWriter can write a formula into has none, whatever the text."""
    book = write(
        [(f"{sign}cmd|' /C calc'!A0", 1, 1) for sign in ("=", "+", "-", "@", "\t=", "\r=")]
    )
    for name, xml in parts(book).items():
        if name.startswith("xl/worksheets/"):
            assert not re.search(r"<f[ >]", xml)
            assert xml.count('t="inlineStr"') == 3 + 6
