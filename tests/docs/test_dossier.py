"""docs/dossier.md, its schema and its examples say what the program does."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from disbursement.entitlements.dossier import Dossier, read
from disbursement.entitlements.dossier_schema import dossier_schema
from disbursement.entitlements.explain import explain
from disbursement.programmes.catalogue import fact_kinds, fixed_categories
from disbursement.programmes.list_rates import shipped_list_rates
from disbursement.programmes.open_points import Settings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "dossier.md").read_text(encoding="utf-8")
EXAMPLES = sorted((DOCS / "examples").glob("*.json"))
TOTALS = {
    "back-pay": (1_050_000, 0),
    "couple": (2_700_000, 0),
    "death": (11_610_000, 0),
    "electricity": (178_560, 0),
    "heroic-mother": (15_724_000, 0),
    "not-collected": (4_860_000, 0),
    "recover": (0, 11_156_000),
}


def test_the_schema_is_current():
    written = json.loads((DOCS / "dossier.schema.json").read_text(encoding="utf-8"))
    assert written == dossier_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_the_examples_answer_as_they_should(path):
    found = explain(read(path.read_bytes()))
    assert (found.total_vnd, found.recover_vnd) == TOTALS[path.stem]


def test_every_example_is_checked():
    assert {p.stem for p in EXAMPLES} == set(TOTALS)


def test_the_smallest_one_of_the_page():
    (text,) = re.findall("```json\n(.*?)```", PAGE, re.DOTALL)
    assert explain(read(text.encode())).total_vnd == 810_000


def test_the_page_names_every_category_fact_event_and_setting():
    names = {*fixed_categories(), *shipped_list_rates().categories(), *fact_kinds()}
    names |= {f.name for f in fields(Settings)}
    names |= set(
        Dossier.model_json_schema()["properties"]["events"]["items"]["discriminator"]["mapping"]
    )
    assert sorted(n for n in names if f"`{n}`" not in PAGE) == []


def test_each_category_lists_its_own_facts():
    rows = re.findall(r"^\| `([^`]+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    told = {code: set(re.findall("`([^`]+)`", facts)) for code, facts in rows}
    for code, category in fixed_categories().items():
        assert told[code] == set(category.facts), code
