"""The cash desk's roster: each order once, totals in words, parts that add up."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import typst

from disbursement.documents import roster as roster_room
from disbursement.documents.roster import roster_parts, roster_pdf, roster_xlsx
from disbursement.platform.errors import OurFaultError
from tests.documents import papers


def test_every_page_repeats_the_header_and_its_number():
    found = papers.pages(roster_pdf(papers.roster(40)))
    assert len(found) == 3
    for n, page in enumerate(found, 1):
        assert f"Trang {n}/3" in page
        assert "lô DS25B – bản in số 2" in page
        assert "STT Họ và tên" in page
        assert "Ký nhận hoặc điểm chỉ" in page


def measured(expression: str, data: object) -> list[float]:
    """Ask typst how many millimetres something takes, in the papers' own type."""
    main = (
        '#set text(font: "Libertinus Serif", size: 10pt, number-width: "tabular", hyphenate: false)\n'
        "#set par(justify: false, leading: 0.55em)\n"
        f'#context [#metadata(json("data.json").map(x => {expression})) <told>]'
    )
    files = {"main.typ": main.encode(), "data.json": json.dumps(data).encode()}
    compiler = typst.Compiler(files, ignore_system_fonts=True)
    return json.loads(compiler.query("<told>", field="value", one=True))


def test_no_letter_is_wider_than_counted():
    letters = [*papers.LETTERS, *"0123456789 .,-'()#*_@%&/—"]
    widths = measured('measure(x + "|").width.mm() - measure("|").width.mm()', letters)
    too_wide = {c: w for c, w in zip(letters, widths, strict=True) if w > roster_room._width(c)}
    assert too_wide == {}


@pytest.mark.parametrize(
    "name",
    [
        "An",
        "Nguyễn Thị Hồng Ánh",
        "Trần Lê Nguyễn Hoàng Phương Thảo Quỳnh Như Ngọc Diễm",
        "NGUYỄN TRẦN LÊ HOÀNG PHƯƠNG THẢO QUỲNH NHƯ NGỌC DIỄM MỸ",
        "W" * 70,
        "m" * 45,
        "WWWWWWWWWWWWWWW An " * 4,
        "y" * 200,
    ],
)
def test_a_row_is_as_high_as_its_texts(name: str):
    row = replace(papers.roster(1).rows[0], name=name, payee=name)
    told = roster_room._row_data(row)
    soft = "(if x.long { x.at(k).clusters().join(sym.zws) } else { x.at(k) })"
    cell = soft.replace("k", '"name"') + " + [ \\ #text(size: 8pt)[Người nhận thay: #"
    cell += soft.replace("k", '"payee"') + "]]"
    box = f"measure(box(width: {roster_room._NAME_MM}mm, {cell})).height.mm()"
    assert measured(box, [told])[0] + 1.2 <= told["height"]
    alone = roster_room._row_data(replace(row, payee="", months=(202611,)))
    if alone["plain"]:
        assert measured("measure(x).width.mm()", [name])[0] <= roster_room._NAME_MM


def test_every_order_stands_on_the_roster_once():
    text = papers.said(roster_pdf(papers.roster(40)))
    for i in range(1, 41):
        assert text.count(f"DS25{i:012d}") == 1
        assert text.count(f"7K2M9Q{i:04d}") == 1
        assert text.count(f"Nguyễn Thị Ưởng {i} ") == 1
    assert "Nguyễn Thị Ưởng 3 1950 0003 7K2M9Q0003 DS25000000000003 11/2026 810.003" in text
    assert "07/2026–09/2026, 11/2026 810.001" in text
    assert text.count("Người nhận thay: Lê Văn Giám") == 1


def test_totals_place_days_and_copies():
    text = papers.said(roster_pdf(papers.roster(40)))
    assert "Tổng số: 40 khoản, 32.400.820 đồng" in text
    assert text.count("Ba mươi hai triệu bốn trăm nghìn tám trăm hai mươi đồng") == 2
    assert "Nơi nhận tiền: Nhà văn hóa khu 3" in text
    assert "từ ngày 12/11/2026 đến hết ngày 17/11/2026" in text
    assert "Bản in số 2" in text
    assert "Nhận tiền mặt theo đăng ký: 20 khoản, 16.200.400 đồng" in text
    assert "Chuyển khoản không thành: 20 khoản, 16.200.420 đồng" in text


def test_a_long_roster_comes_in_parts_that_add_up():
    whole = papers.roster(25)
    parts = list(roster_parts(whole, 10))
    assert [len(p.rows) for p in parts] == [10, 10, 5]
    assert [row.n for p in parts for row in p.rows] == list(range(1, 26))
    assert sum(p.part_vnd for p in parts) == whole.total_vnd == 20_250_325
    text = papers.said(roster_pdf(parts[2]))
    assert "phần 3/3" in text
    assert "Cộng phần 3/3: 5 khoản, 4.050.115 đồng" in text
    assert "Cộng danh sách: 25 khoản, 20.250.325 đồng" in text
    assert list(roster_parts(whole)) == [whole]


@pytest.mark.parametrize("wrong", [{"payments": 39}, {"total_vnd": 1}])
def test_a_roster_whose_rows_do_not_make_the_batch_is_not_made(wrong):
    roster = replace(papers.roster(40), **wrong)
    for make in (roster_pdf, lambda r: roster_xlsx(r, io.BytesIO()), lambda r: [*roster_parts(r)]):
        with pytest.raises(OurFaultError) as told:
            make(roster)
        assert told.value.code == "paper_sum"


def test_an_empty_roster_says_nil():
    assert "Tổng số: 0 khoản, 0 đồng" in papers.said(roster_pdf(papers.roster(0)))


@pytest.mark.parametrize("name", ["#panic()", "*x* _y_", '=HYPERLINK("a")', "[$x$] // z"])
def test_hostile_names_print_literally_in_both_forms(name: str):
    roster = papers.roster(3, name)
    assert f"{name} 2 Người nhận thay" in papers.said(roster_pdf(roster))
    out = io.BytesIO()
    roster_xlsx(roster, out)
    assert papers.cells(out.getvalue())[6][1] == f"{name} 2"


def test_the_workbook_has_the_rows_and_room_for_the_desk():
    out = io.BytesIO()
    assert roster_xlsx(papers.roster(40), out) == 40
    rows = papers.cells(out.getvalue())
    assert rows[3][0] == (
        "Nơi nhận: Nhà văn hóa khu 3; từ 12/11/2026 đến hết 17/11/2026; bản in số 2"
    )
    assert rows[4][-2:] == ["Ngày nhận", "Giấy tờ"]
    assert rows[7] == [
        3, "Nguyễn Thị Ưởng 3", "1950", "0003", "7K2M9Q0003", "DS25000000000003", "11/2026",
        810_003, "", "Nhận tiền mặt theo đăng ký", "", "",
    ]  # fmt: skip
    assert rows[-1][7] == 32_400_820
    again = io.BytesIO()
    roster_xlsx(papers.roster(40), again)
    assert again.getvalue() == out.getvalue()
