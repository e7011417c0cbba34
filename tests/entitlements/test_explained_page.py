"""The page and the text of an explanation: whole, escaped, in both languages."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from disbursement.documents.explained import page, text
from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain

HELD = {
    "title": "Ông Bình <1948> & bà Hoa",
    "people": [
        {"id": "ong", "name": "Ông Bình", "born": "1948", "died": "2026-11-20"},
        {"id": "ba", "name": "Bà Hoa", "born": "1950"},
    ],
    "cases": [
        {"id": "tb", "holder": "ong", "category": "TB.85", "since": "2000-01"},
        {"id": "k6", "holder": "ong", "category": "K6", "degree": "S", "since": "2022-01"},
        {"id": "mt", "holder": "ong", "category": "mai táng", "payee": "ba"},
        {"id": "x", "holder": "ba", "category": "K9", "since": "2022-01"},
    ],
    "already_paid": [{"case": "k6", "month": "2026-12", "amount": 810000}],
    "ask": {"months": ["2026-11"], "run_month": "2027-01"},
}


class _Page(HTMLParser):
    """Checks that every element is closed in order, and keeps the words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style" and data.strip():
            self.words.append(data.strip())


def shown(*, english: bool) -> list[str]:
    dossier = read(json.dumps(HELD).encode())
    parser = _Page()
    parser.feed(page(dossier, explain(dossier), english=english))
    parser.close()
    assert parser.open == []
    assert not parser.tags & {"script", "link", "img", "iframe"}
    return parser.words


@pytest.mark.parametrize(
    ("english", "words"),
    [
        (
            False,
            [
                "Ông Bình <1948> & bà Hoa",
                "Kỳ chi trả: 01/2027",
                "Theo quy định có hiệu lực đến ngày 31/01/2027",
                "Được hưởng: 10.800.000 đồng",
                "Cần thu hồi (chờ quyết định): 810.000 đồng",
                "Giữ lại: 10.800.000 đồng",
                "Không thuộc phạm vi tính",
                "hồ sơ x: không có diện 'K9' trong danh mục",
            ],
        ),
        (
            True,
            [
                "Pay month: 01/2027",
                "By the law in force on 31/01/2027",
                "Due: 10,800,000 VND",
                "To be recovered (waits for a decision): 810,000 VND",
                "Held: 10,800,000 VND",
                "Not covered",
                "case x: category 'K9' is not known",
            ],
        ),
    ],
)
def test_the_page_is_whole_and_says_what_counted(english, words):
    found = shown(english=english)
    assert [w for w in words if w not in found] == []
    assert found.count("8,209,000" if english else "8.209.000") == 1


def test_the_text_is_in_the_language_asked_for():
    dossier = read(json.dumps(HELD).encode())
    answer = explain(dossier)
    english = text(dossier, answer, english=True).splitlines()
    assert english[:2] == ["Ông Bình <1948> & bà Hoa", "Due: 10,800,000 VND"]
    assert "Được hưởng: 10.800.000 đồng" in text(dossier, answer, english=False).splitlines()
    assert all("540.000" not in line for line in english)


@pytest.mark.parametrize(
    ("one", "vi"),
    [
        ({"category": "TB", "facts": {"injury_pct": 15}}, "TB 15 %: bảng không có"),
        ({"category": "FAC"}, "FAC, 11/2026: chưa nạp mức"),
        ({"category": "ONE.WOUND", "facts": {"injury_pct": 25}}, "ONE.WOUND 25 %: bảng chỉ có"),
        (
            {"category": "DEATH.LUMP3", "facts": {"event_date": "2026-11-03"}},
            "DEATH.LUMP3: an không có trợ cấp hằng tháng",
        ),
        (
            {"category": "SURVIVOR", "facts": {"deceased": [{"merits": ["AH"]}]}},
            "SURVIVOR: các bảng không có trợ cấp tuất",
        ),
    ],
)
def test_what_is_not_covered_is_said_in_the_language_of_the_page(one, vi):
    asked = {
        "people": [{"id": "an", "born": "1950"}],
        "cases": [{"id": "c", "on_roll_since": "2020-01", **one}],
        "ask": {"months": ["2026-11"]},
    }
    dossier = read(json.dumps(asked).encode())
    answer = explain(dossier)
    found = answer.as_dict()
    assert found["not_covered_vi"][0].startswith(f"không thuộc phạm vi tính: {vi}")
    assert found["not_covered"][0].startswith("not covered: ")
    assert "not covered" not in page(dossier, answer, english=False)
    assert "not covered" not in text(dossier, answer, english=False)
    assert found["not_covered"][0] in text(dossier, answer, english=True)


BACK_PAY = {
    "people": [{"id": "ba", "name": "Bà Hoa", "born": "1945"}],
    "cases": [
        {
            "id": "ls", "holder": "ba", "category": "SURVIVOR", "on_roll_since": "2015-01",
            "facts": {"martyrs": 1, "relation": "parent", "lives_alone": True},
        }
    ],
    "already_paid": [{"case": "ls", "covers_month": "2026-09", "amount_vnd": 2_789_000}],
    "ask": {"months": ["2026-10"], "run_month": "2026-10"},
}  # fmt: skip


def test_lines_stand_under_their_state_with_its_sum_and_the_marks_are_explained():
    dossier = read(json.dumps(BACK_PAY).encode())
    parser = _Page()
    parser.feed(page(dossier, explain(dossier), english=False))
    found = parser.words
    at = found.index("Được hưởng")
    assert found[at + 1] == "3.235.000"  # 3,012,000 and 223,000
    held = found.index("Giữ lại")
    assert found[held + 1] == "4.818.000"
    assert at < found.index("223.000") < held
    assert any("(± 1.000 đồng)" in w for w in found)  # never with a comma: 1,000 reads as one
    notes = found[found.index("Cách đọc:") :]
    assert [n.split(":")[0] for n in notes[1:3]] == ["theo nguồn thứ cấp", "giữ lại"]
    assert found.count("(ký, ghi rõ họ tên)") == 2
