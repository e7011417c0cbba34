"""The glossary names every state once, and the picture is a well-formed, self-contained SVG."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from disbursement.documents import words
from disbursement.payments import rules

DOCS = Path(__file__).parents[2] / "docs"


def test_the_glossary_names_exactly_the_states_of_the_graph():
    text = (DOCS / "glossary.md").read_text("utf-8")
    told = re.findall(r"`(\w+)`", text[text.index("## States of a payment") :])
    graph = {state for edge in rules.GRAPH for state in (edge.source, edge.target)}
    assert set(told) == graph
    twice = {state for state in told if told.count(state) > 1}
    assert twice == {"cancelled"}  # on both kinds of rail


def test_the_words_on_papers_are_the_glossarys():
    text = (DOCS / "glossary.md").read_text("utf-8").casefold()
    for said in (*words.PROGRAMMES.values(), *words.HOLD_KINDS.values()):
        assert said.casefold().replace(" với cách mạng", "") in text


def test_the_picture_needs_nothing_from_outside():
    root = etree.parse(DOCS / "flow.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{*}title").text.startswith("Một tháng chi trả")
    assert not [node for node in root.iter() if "href" in " ".join(node.attrib)]
    _, _, width, height = map(int, root.get("viewBox").split())
    for box in root.iter("{*}rect"):
        assert float(box.get("x", "0")) + float(box.get("width")) <= width
        assert float(box.get("y", "0")) + float(box.get("height")) <= height
