"""The typst runner: every letter shows, nothing a person typed is markup, same bytes each time."""

from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader

from disbursement.documents import pdf, words
from disbursement.documents.control_note import control_note_data, control_note_pdf
from disbursement.documents.pdf import compile_pdf, compile_png
from disbursement.documents.roster import roster_pdf
from tests.documents import papers


def with_place(text: str) -> bytes:
    """Print a text in an ordinary field of an ordinary paper."""
    data = control_note_data(papers.note())
    data["rows"] = [["Chữ", text]]
    return compile_pdf("control_note", data, papers.MADE)


def fonts(data: bytes) -> set[str]:
    out = set()
    for page in PdfReader(io.BytesIO(data)).pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner["/FontDescriptor"])
            out.add(inner["/BaseFont"].split("+")[-1])
    return out


def test_every_vietnamese_letter_is_printed_in_every_weight():
    spaced = " ".join(papers.LETTERS)
    found = papers.said(with_place(spaced))
    assert len(papers.LETTERS) == 178
    assert spaced in found
    upper = control_note_data(papers.note()) | {"committee": papers.LETTERS.lower()}
    printed = papers.said(compile_pdf("control_note", upper, papers.MADE)).replace(" ", "")
    assert papers.LETTERS[89:] in printed


def test_fonts_are_inside_the_paper_and_none_is_the_machines():
    assert fonts(control_note_pdf(papers.note())) == {
        "LibertinusSerif-Regular",
        "LibertinusSerif-Bold",
        "LibertinusSerif-Italic",
        "DejaVuSansMono",
    }


@pytest.mark.parametrize("text", papers.HOSTILE)
def test_markup_in_a_name_prints_literally(text: str):
    printed = papers.said(with_place(f"Đỗ {text} Ưởng"))
    assert f"Đỗ {text} Ưởng" in printed


def test_a_name_cannot_turn_its_row_around_nor_vanish():
    printed = papers.said(with_place("An\u202e 000.9\u202c 李\u200b😀"))
    assert "An‹U+202E› 000.9‹U+202C› ‹U+674E›‹U+200B›‹U+1F600›" in printed


def test_decomposed_letters_print_composed():
    assert "Nguyễn" in papers.said(with_place("Nguye\u0302\u0303n"))


def test_what_shows_is_what_the_typeface_has():
    """Each character `printable` lets through has a glyph: none extracts as NUL, none is lost."""
    ranges = [chr(c) for low, high in words._PRINTED for c in range(low, high + 1)]
    kept = [c for c in ranges if words.printable(c) == c and not c.isspace() and c.isprintable()]
    kept = [c for c in kept if not 0x300 <= ord(c) <= 0x36F]
    printed = papers.said(with_place(" ".join(kept)))
    assert "\x00" not in printed
    lost = [c for c in kept if c not in printed and c != "…"]  # `pages` says it as dots
    assert lost == []


def test_the_same_paper_is_the_same_bytes_and_carries_its_own_date():
    first = control_note_pdf(papers.note())
    roster_pdf(papers.roster(400))  # another paper in between, long enough to clear the memory
    assert control_note_pdf(papers.note()) == first
    meta = PdfReader(io.BytesIO(first)).metadata
    assert meta["/CreationDate"] == "D:20261023020500Z"
    assert meta["/Title"] == "Phiếu kiểm soát tệp chi trả"


def test_short_papers_are_tagged_for_screen_readers_long_ones_are_not():
    assert "/StructTreeRoot" in PdfReader(io.BytesIO(control_note_pdf(papers.note()))).root_object
    long = roster_pdf(papers.roster(pdf.SMALL_ROWS + 1))
    assert "/StructTreeRoot" not in PdfReader(io.BytesIO(long)).root_object


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        compile_pdf("control_note", control_note_data(papers.note()), "2026-10-23T02:05:00")


def test_a_picture_of_each_page_can_be_had():
    shots = compile_png("control_note", control_note_data(papers.note()), papers.MADE)
    assert len(shots) == 1
    assert re.match(rb"\x89PNG", shots[0])
