"""A template is data: what a profile of a table must say, and what is refused at load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bank_adapters import rendering
from bank_adapters.profiles import ProfileError
from bank_adapters.sheets import profile as module
from bank_adapters.sheets.bank_names import bank_name
from bank_adapters.sheets.profile import from_mapping, load_sheet, sheet_ids, sheet_versions

FOLDER = Path(module.__file__).parent / "profiles"


def plain(name: str = "csv-vn-1") -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ProfileError) as told:
        from_mapping(data, "a.yaml")
    return told.value.sentence


def test_every_profile_is_sound_and_says_where_it_comes_from() -> None:
    assert len(sheet_ids()) >= 6
    for name in sheet_ids():
        assert load_sheet(name).source
        assert load_sheet(name).confidence in ("own", "high", "medium", "low")


@pytest.mark.parametrize("field", list(plain()))
def test_every_field_is_asked_for_and_no_other(field: str) -> None:
    data = plain()
    del data[field]
    assert f"mục {field}: còn thiếu" in refused(data)
    assert "mục new: không có tham số này" in refused(plain() | {"new": 1})


COLUMN = {"value": "amount", "length": 15}
ID = {"value": "end_to_end_id", "length": 20}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", ""), ("form", "ods"), ("delimiter", ""), ("delimiter", ";;"),
        ("sheet_name", "x"), ("columns", []), ("columns", [COLUMN]), ("columns", [ID]),
        ("columns", [COLUMN, {**ID, "width": 0}]), ("columns", [COLUMN, {**ID, "what": 1}]),
        ("columns", [COLUMN, ID, {"value": "account", "length": 9, "kind": "number"}]),
        ("columns", [COLUMN, ID, {"value": "bank_name", "length": 9}]),
        ("columns", [COLUMN, ID, {"value": "fixed", "length": 9}]),
        ("above", [[{"text": "{secret}"}]]), ("above", [[{"text": "{count"}]]), ("above", "x"),
        ("above", [[{"text": "{order_no}"}]]), ("below", [[{"text": "x", "kind": "number"}]]),
        ("name_sheets", [{"title": "x", "list": "none"}]), ("banks", "own"),
        ("min_payments_per_file", 200_000), ("min_amount_vnd", 500_000_000),
        ("names", {}), ("adapter", "post"), ("rail", "cash"), ("encoding", "cp1258"),
        ("file_name_pattern", "x.csv"), ("valid_to", "soon"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_field(field: str, value: Any) -> None:
    assert "Bộ tham số a.yaml, mục " in refused(plain() | {field: value})


@pytest.mark.parametrize(
    "change",
    [
        {"what": 1}, {"form": "xlsx"}, {"columns": []}, {"days_for": ["ACCC", 1]},
        {"statuses": {"Xong": "DONE"}}, {"statuses": []}, {"message_line": "no place"},
        {"columns": [{"means": "amount", "headers": ["A"], "required": True}]},
        {"columns": [{"means": "amount", "headers": ["A", "a"], "required": True},
                     {"means": "status", "headers": ["a"], "required": True}]},
    ],
)  # fmt: skip
def test_a_wrong_result_description_is_refused(change: dict[str, Any]) -> None:
    data = plain()
    assert "mục result: " in refused(data | {"result": data["result"] | change})
    less = dict(data["result"])
    del less["statuses"]
    assert "còn thiếu statuses" in refused(data | {"result": less})


@pytest.mark.parametrize(
    "change",
    [
        {"allowed": ""}, {"allowed": "A-Z"}, {"marks": "some"}, {"replace": {"ab": "c"}},
        {"replace": {"&": "&&"}}, {"replace": {"A": "B"}}, {"replace": {"&": "%"}}, {"drop": 1},
        {"extra": 1},
    ],
)  # fmt: skip
def test_a_character_rule_that_would_not_stand_still_is_refused(change: dict[str, Any]) -> None:
    data = plain()
    assert "mục names: " in refused(data | {"names": data["names"] | change})


def test_overlapping_dates_of_two_versions_are_refused(tmp_path: Path) -> None:
    for name, version, first, last in (("csv-vn-1", 1, "2026-10-01", "2026-12-31"),
                                       ("csv-vn-1.v2", 2, "2026-12-31", None)):  # fmt: skip
        data = plain() | {"version": version, "valid_from": first, "valid_to": last}
        text = yaml.safe_dump(data, allow_unicode=True)
        (tmp_path / f"{name}.yaml").write_text(text.replace("'2026", "2026").replace("31'", "31")
                                               .replace("01'", "01"), encoding="utf-8")  # fmt: skip
    with pytest.raises(ProfileError) as told:
        sheet_versions("csv-vn-1", tmp_path)
    assert "bản 1 và bản 2 chồng ngày nhau" in told.value.sentence


def test_names_of_banks_are_those_of_the_template() -> None:
    shared = Path(__file__).parents[2] / "../shared/rails/banks_vn.csv"
    if not shared.exists():
        pytest.skip("shared/rails is not beside this checkout")
    import csv

    with shared.open(encoding="utf-8") as source:
        rows = [r for r in csv.DictReader(source) if r["mb_template_name"] and r["napas_bin"]]
    known = 0
    for given in rows:
        if given["confidence"] != "low" and bank_name("mb-old", given["napas_bin"]):
            known += bank_name("mb-old", given["napas_bin"]) == given["mb_template_name"]
    assert known >= 40


def test_a_template_that_wants_two_names_the_way_of_one() -> None:
    wants_two = [p for p in map(load_sheet, sheet_ids()) if p.min_payments_per_file > 1]
    assert [p.id for p in wants_two] == ["mb-bulk-2026", "mb-bulk-old"]
    for profile in wants_two:
        assert rendering.for_count(profile, 2) is profile
        assert rendering.for_count(profile, 1).key == "unc-vn-1/1"
    assert "mục fewer_by" in refused(plain("mb-bulk-old") | {"fewer_by": ""})
    assert "mục fewer_by" in refused(plain() | {"fewer_by": "unc-vn-1"})


@pytest.mark.parametrize(
    ("count", "size", "last"),
    [(4_999, 5_000, 4_999), (5_000, 5_000, 5_000), (5_001, 2_501, 2_500),
     (5_002, 5_000, 2), (10_001, 3_334, 3_333)],
)  # fmt: skip
def test_no_lot_is_left_with_one(count: int, size: int, last: int) -> None:
    found = rendering.lot_size(load_sheet("mb-bulk-old"), count)
    assert (found, (count - 1) % found + 1) == (size, last)
