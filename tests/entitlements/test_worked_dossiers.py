"""The thirty worked examples of the law as dossiers: every line and every total, exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain

FOLDER = Path(__file__).parent / "dossiers"
#: Example -> amounts of its lines, in the order printed; S28 asks what to recover.
LINES = {
    "S01": [1_350_000],
    "S02": [810_000],
    "S03": [810_000],
    "S04": [1_350_000, 540_000],
    "S05": [1_080_000, 810_000],
    "S06": [1_080_000],
    "S07": [1_080_000],
    "S08": [540_000],
    "S09": [540_000],
    "S10": [0],
    "S11": [810_000, 240_000],
    "S12": [1_080_000, 1_320_000],
    "S13": [1_080_000, 60_000, 990_000],
    "S14": [0, 810_000, 10_800_000],
    "S15": [975_000, 810_000],
    "S16": [810_000, 2_430_000, 1_620_000],
    "S17": [810_000, 1_620_000],
    "S18": [750_000, 1_080_000, 1_500_000],
    "S19": [810_000, 1_080_000],
    "S20": [810_000, 810_000, 1_080_000],
    "S21": [0, 810_000],
    "S22": [975_000],
    "S23": [7_601_000, 2_867_000, 3_582_000],
    "S24": [8_367_000, 2_337_000, 2_789_000, 2_231_000],
    "S25": [5_450_000, 1_673_000],
    "S26": [5_578_000, 2_231_000],
    "S27": [7_949_000],
    "S28": [11_156_000],
    "S29": [3_012_000, 669_000],
    "S30": [178_560],
}


@pytest.mark.parametrize("name", sorted(LINES))
def test_worked_example(name):
    answer = explain(read((FOLDER / f"{name}.json").read_bytes())).as_dict()
    assert [line["amount_vnd"] for line in answer["lines"]] == LINES[name]
    recovered = name == "S28"
    assert answer["recover_vnd" if recovered else "total_vnd"] == sum(LINES[name])
    assert answer["total_vnd" if recovered else "recover_vnd"] == 0
    assert answer["held_vnd"] == 0
    assert answer["not_covered"] == []
    assert all(line["citation"] and line["text_vi"] and line["text_en"] for line in answer["lines"])
    assert all(line["arithmetic"] for line in answer["lines"])


def test_every_dossier_of_the_folder_is_an_example():
    assert {p.stem for p in FOLDER.glob("*.json")} == set(LINES)
