"""Files that cannot be read: one clear sentence each, and nothing changes."""

from __future__ import annotations

import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from disbursement.beneficiaries import columns, reader
from disbursement.beneficiaries.reader import Spool, open_table
from disbursement.beneficiaries.service import import_register
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError
from tests.beneficiaries.world import GOOD, counts, csv_file, headers, person, xlsx


def two_sheets(path: Path) -> Path:
    with Workbook(str(path)) as book:
        for name in ("Tháng 9", "Cũ"):
            sheet = book.add_worksheet(name)
            for at, header in enumerate(headers(GOOD)):
                sheet.write_string(0, at, header)
    return path


def merged_header(path: Path) -> Path:
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        names = headers(GOOD)
        for at, header in enumerate(names):
            sheet.write_string(0, at, header)
        for at, value in enumerate(GOOD.values()):
            sheet.write_string(1, at, value)
        sheet.merge_range(0, 2, 0, 3, names[2])
    return path


def formula(path: Path) -> Path:
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for at, (header, value) in enumerate(zip(headers(GOOD), GOOD.values(), strict=True)):
            sheet.write_string(0, at, header)
            sheet.write_string(1, at, value)
        sheet.write_formula("B2", '="Nguyễn Văn "&"Mẫu"', None, "Nguyễn Văn Mẫu")
    return path


def no_rows(path: Path) -> Path:
    return xlsx(path, [])


def blank(path: Path) -> Path:
    with Workbook(str(path)) as book:
        book.add_worksheet()
    return path


def missing(path: Path) -> Path:
    return xlsx(path, [GOOD], fields=[f for f in GOOD if f != "commune"])


def doubled(path: Path) -> Path:
    return xlsx(path, [GOOD], fields=[*GOOD, "commune"])


def unknown(path: Path) -> Path:
    return xlsx(path, [GOOD], fields=[*GOOD, "Mức độ khuyết tậ"])


def password(path: Path) -> Path:
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 2_048)
    return path


def cut(path: Path) -> Path:
    data = xlsx(path, [GOOD]).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def text_named_xlsx(path: Path) -> Path:
    path.write_text("xin chào")
    return path


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (two_sheets, "sheets", "'Tháng 9', 'Cũ'"),
        (merged_header, "merged", "C1:D1"),
        (formula, "formula", "Ô B2"),
        (no_rows, "no_rows", "không có dòng dữ liệu"),
        (blank, "no_rows", "không có dòng dữ liệu"),
        (missing, "column_missing", "'Mã xã'"),
        (doubled, "column_twice", "'Mã xã' có hai lần"),
        (unknown, "column_unknown", "'Mức độ khuyết tậ' (ô S1)"),
        (password, "password", "mật khẩu"),
        (cut, "broken_workbook", "XLSX"),
        (text_named_xlsx, "broken_workbook", "XLSX"),
    ],
)
def test_a_workbook_that_cannot_be_read_whole(
    lite: Context, tmp_path: Path, make: Callable[[Path], Path], code: str, says: str
) -> None:
    before = counts(lite)
    with pytest.raises(RefusedError) as refused:
        import_register(lite, make(tmp_path / "a.xlsx"), mode="good", actor="an")
    assert refused.value.code == code
    assert says in refused.value.sentence
    assert counts(lite) == before


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_workbook_with_a_doctype_is_refused(tmp_path: Path, part: str) -> None:
    path = xlsx(tmp_path / "a.xlsx", [GOOD])
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    parts[part] = parts[part].replace(b"?>", b"?>" + bomb, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(RefusedError) as refused, open_table(path, columns.REGISTER):
        pass
    assert refused.value.code == "doctype"
    assert "DOCTYPE" in refused.value.sentence


def test_a_zip_that_unpacks_beyond_reason_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_UNPACKED", 1 << 20)
    path = xlsx(tmp_path / "a.xlsx", [GOOD])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(2 << 20))
    with pytest.raises(RefusedError) as refused, open_table(path, columns.REGISTER):
        pass
    assert refused.value.code == "workbook_too_big"


def test_a_workbook_that_needs_too_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MEMORY_BYTES", 72 << 20)
    path = xlsx(tmp_path / "a.xlsx", [person(n) for n in range(1, 40_000)])
    with pytest.raises(RefusedError) as refused, open_table(path, columns.REGISTER) as source:
        for _ in source.chunks:
            pass
    assert refused.value.code == "workbook_too_big"
    assert "400.000 dòng" in refused.value.sentence


def test_moved_columns_titles_above_and_an_offset_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    names = list(reversed(list(GOOD)))
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.merge_range("C1:H1", "DANH SÁCH ĐỐI TƯỢNG BẢO TRỢ XÃ HỘI")
        sheet.write_string("C2", "Ngày 15/09/2026")
        for at, header in enumerate(headers(names)):
            sheet.write_string(3, 2 + at, f" {header.upper()} ")
            sheet.write_string(4, 2 + at, GOOD[names[at]])
    with open_table(path, columns.REGISTER) as source:
        header = source.header
        [(n, cells)] = [r for c in source.chunks for r in c.rows()]
    assert (header.row, n) == (4, 5)
    assert {f: cells[at] for f, at in header.index.items()} == GOOD
    assert header.where(5, "owner_relation").startswith("ô C5 (")


def test_decomposed_headers_are_the_same_headers(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [GOOD])
    path.write_text(unicodedata.normalize("NFD", path.read_text(encoding="utf-8")), "utf-8")
    with open_table(path, columns.REGISTER) as source:
        assert source.header.index["name"] == 1


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError), open_table(tmp_path / "a.xlsx", columns.REGISTER):
        pass


# ---- CSV


def read_csv(path: Path, encoding: reader.Encoding = "utf-8") -> list[reader.Row]:
    with open_table(path, columns.REGISTER, encoding=encoding) as source:
        return [r for c in source.chunks for r in c.rows()]


def test_csv_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    plain = read_csv(csv_file(tmp_path / "a.csv", [GOOD]))
    marked = read_csv(csv_file(tmp_path / "b.csv", [GOOD], encoding="utf-8-sig"))
    assert plain == marked == [[2, list(GOOD.values())]]


def test_csv_in_windows_1258_is_refused_unless_declared(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = csv_file(tmp_path / "u.csv", [GOOD]).read_text(encoding="utf-8")
    path.write_bytes(_cp1258(text))
    with pytest.raises(RefusedError) as refused:
        read_csv(path)
    assert refused.value.code == "encoding"
    assert "--encoding windows-1258" in refused.value.sentence
    [(n, cells)] = read_csv(path, "windows-1258")
    assert (n, unicodedata.normalize("NFC", cells[1])) == (2, "Nguyễn Văn Mẫu")


def _cp1258(text: str) -> bytes:
    """Write as windows-1258 does: base letters with the tone as a combining mark of its own."""
    out = b""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    for char in text:
        try:
            out += char.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", char)
            base = unicodedata.normalize("NFC", "".join(c for c in parts if c not in tones))
            out += (base + "".join(c for c in parts if c in tones)).encode("cp1258")
    return out


def test_csv_with_semicolons_is_refused_unless_declared(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [GOOD], delimiter=";")
    with pytest.raises(RefusedError) as refused:
        read_csv(path)
    assert refused.value.code == "semicolons"
    assert "sep=;" in refused.value.sentence
    declared = csv_file(tmp_path / "b.csv", [GOOD], delimiter=";", before="sep=;\n")
    [(n, cells)] = read_csv(declared)
    assert (n, cells) == (3, list(GOOD.values()))


@pytest.mark.parametrize(("mark", "code"), [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize("title", ["", "DANH SÁCH, THÁNG 9\n\n"])
def test_the_whole_template_at_another_mark_is_named(
    tmp_path: Path, mark: str, code: str, title: str
) -> None:
    """A header of the template holds a comma: such a line is more than one cell."""
    path = tmp_path / "a.csv"
    names = [c.header for c in columns.REGISTER.columns]
    assert any("," in name for name in names)
    path.write_text(title + mark.join(names) + "\n" + mark * (len(names) - 1) + "\n", "utf-8")
    with pytest.raises(RefusedError) as refused:
        read_csv(path)
    assert refused.value.code == code
    assert "lưu lại với dấu phẩy" in refused.value.sentence


def test_csv_in_utf_16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        read_csv(csv_file(tmp_path / "a.csv", [GOOD], encoding="utf-16"))
    assert refused.value.code == "encoding"


@pytest.mark.parametrize("tail", ['"mở ngoặc không đóng', 'a"b,"c"d'])
def test_csv_with_broken_quotes_names_the_line(tmp_path: Path, tail: str) -> None:
    path = csv_file(tmp_path / "a.csv", [GOOD])
    with path.open("a", encoding="utf-8") as out:
        out.write(f'{tail}"x\n')
    with pytest.raises(RefusedError) as refused:
        read_csv(path)
    assert refused.value.code == "broken_csv"
    assert refused.value.sentence.startswith("Dòng 3 ")


def test_a_field_over_two_lines_keeps_the_line_numbers(tmp_path: Path) -> None:
    rows = [person(1, decision_number="12\n/QĐ"), person(2)]
    assert [n for n, _ in read_csv(csv_file(tmp_path / "a.csv", rows))] == [2, 4]


@pytest.mark.parametrize("body", ["", "\n\n"])
def test_an_empty_csv(tmp_path: Path, body: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(body)
    with pytest.raises(RefusedError) as refused:
        read_csv(path)
    assert refused.value.code == "no_rows"


def test_the_child_is_gone_when_reading_stops_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*args, **options))
        return started[-1]

    monkeypatch.setattr(reader.subprocess, "Popen", start)
    path = xlsx(tmp_path / "a.xlsx", [person(n) for n in range(1, 5_000)])
    with open_table(path, columns.REGISTER) as source:
        next(source.chunks)
        assert [p.poll() for p in started] == [None]
    assert [p.returncode is not None for p in started] == [True]


def test_the_spool_gives_rows_back_in_any_order(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [person(n) for n in range(1, 4_501)])
    spool = Spool()
    with open_table(path, columns.REGISTER) as source:
        for chunk in source.chunks:
            spool.put(chunk)
    assert [spool.row(n)[0] for n in (2, 4_501, 2_003, 3)] == [
        f"025080{n - 1:06d}" for n in (2, 4_501, 2_003, 3)
    ]
    spool.close()
