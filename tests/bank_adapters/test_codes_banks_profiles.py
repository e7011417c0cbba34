from __future__ import annotations

import csv
import dataclasses
from datetime import date
from pathlib import Path

import pytest
import yaml

from bank_adapters import codes
from bank_adapters.banks import BankRefused, banks, find_bank, payable_bank, require_rail
from bank_adapters.codes import DUPLICATES, FINAL, classify, read_data, status_meaning
from bank_adapters.contract import AdapterError, NotOffered
from bank_adapters.profiles import (
    ProfileError,
    from_mapping,
    load_profile,
    profile_ids,
    profile_on,
)
from tests.bank_adapters.build import PROFILE

SHARED = Path(__file__).parents[2] / "../shared"
DATA = Path(codes.__file__).parent / "data"


# --- codes ----------------------------------------------------------------------------------------


def test_a_code_means_what_its_set_says() -> None:
    assert classify("status", "AC14") != classify("return", "AC14")
    assert classify("return", "AC16").treatment == "investigate"
    assert classify("status", "AC04").treatment == "cash_fallback"
    assert classify("status", "AC04").if_not_resolved == "fix_data"
    assert classify("return", "MD07").treatment == "stop_payment"
    assert classify("status", "AC01").treatment == "fix_data"
    assert classify("status", "AB05").treatment == "retry_same"


@pytest.mark.parametrize("code", [None, "", "ZZZZ", "ac04", "AC04 "])
def test_an_unknown_code_is_to_investigate(code: str | None) -> None:
    found = classify("status", code)
    assert (found.treatment, found.known) == ("investigate", False)


def test_duplicates_are_never_retried_or_paid_in_cash() -> None:
    for code in DUPLICATES:
        for kind in ("status", "return"):
            found = classify(kind, code)
            assert found.treatment == "investigate"
            assert found.if_not_resolved not in {"retry_same", "cash_fallback"}


def test_only_four_codes_are_final() -> None:
    rows = list(read_data("status_codes.csv"))
    levels = {"transaction": "transaction", "group": "file"}
    final = {r["code"] for r in rows if status_meaning(levels[r["level"]], r["code"]).final}
    assert final == FINAL == {"ACCC", "RJCT", "CANC", "CPUC"}
    assert status_meaning("transaction", "ACSC").state == "accepted"
    assert status_meaning("transaction", "ACCC").state == "credited"
    for code in ("RCVD", "PDNG", "ACTC", "ACCP", "ACSP", "ACWC"):
        assert status_meaning("transaction", code).state == "accepted"
    assert status_meaning("batch", "RJCT").state == "rejected"
    assert status_meaning("file", "PART").state == ""
    unknown = status_meaning("transaction", "OKAY")
    assert (unknown.state, unknown.final, unknown.known) == ("", False, False)


def test_every_row_of_data_has_a_source() -> None:
    for path in sorted(DATA.glob("*.csv")):
        for row in read_data(path.name):
            assert row["source"], (path.name, row)
    with pytest.raises(AdapterError):
        list(read_data("none.csv"))


def test_all_codes_of_the_release_are_there() -> None:
    path = SHARED / "iso20022" / "reason_codes.csv"
    if not path.exists():
        pytest.skip("shared/iso20022 is not beside this checkout")
    with path.open(encoding="utf-8") as source:
        theirs = {(r["code_set"], r["code"]) for r in csv.DictReader(source)}
    assert len(theirs) == 433
    assert all(classify(*key).known for key in theirs)


# --- banks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["BFTVVNVX", "bftvvnvx", "BFTVVNVXXXX", "BFTVVNVX007", "970436", "Vietcombank", "VCB"]
)
def test_a_bank_is_found_by_any_of_its_names(value: str) -> None:
    assert payable_bank(value).bic == "BFTVVNVX"


def test_old_names_find_the_present_bank() -> None:
    assert find_bank("LienVietPostBank").short_name == "LPBank"
    assert find_bank("DongA Bank").short_name == "Vikki Bank"
    assert find_bank("Ocean Bank").short_name == "MBV"
    assert find_bank("970406").short_name == "Vikki Bank"


@pytest.mark.parametrize(
    ("value", "error", "code"),
    [
        ("XXXXVNVX", BankRefused, "bank_unknown"),
        ("", BankRefused, "bank_unknown"),
        ("970414", BankRefused, "bank_doubtful"),
        ("MBV", BankRefused, "bank_doubtful"),
        ("Co-op Bank", BankRefused, "bank_without_bic"),
        ("VBSP", BankRefused, "bank_without_bic"),
        ("971005", NotOffered, "rail_not_available"),
        ("971011", NotOffered, "rail_not_available"),
        ("MoMo", NotOffered, "rail_not_available"),
        ("MobiFone Money", NotOffered, "rail_not_available"),
        ("KBNN", NotOffered, "rail_not_available"),
    ],
)
def test_who_may_not_be_paid_says_why(value: str, error: type[AdapterError], code: str) -> None:
    with pytest.raises(error) as refused:
        payable_bank(value)
    assert refused.value.code == code


def test_the_swapped_codes_are_doubtful_whatever_the_rail() -> None:
    for code in ("971005", "971011"):
        bank = find_bank(code)
        assert bank.confidence == "low"
        assert "sources conflict" in bank.doubt


def test_no_code_finds_two_present_banks() -> None:
    present = [b for b in banks() if not b.now]
    for name in ("bic", "napas_bin", "short_name"):
        values = [getattr(b, name) for b in present if getattr(b, name)]
        assert len(values) == len(set(values)), name
    assert len(banks()) == 73
    require_rail("bank")


# --- profiles -------------------------------------------------------------------------------------


def plain() -> dict[str, object]:
    path = Path(codes.__file__).parent / "profiles" / "iso-vn-1.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_first_profile_is_ours_and_dated() -> None:
    assert profile_ids() == ("iso-vn-1",)
    assert PROFILE.key == "iso-vn-1/1"
    assert PROFILE.confidence == "own"
    assert "không phải mẫu chính thức" in PROFILE.title
    assert not PROFILE.in_force(date(2026, 9, 30))
    assert PROFILE.in_force(date(2026, 10, 1))
    assert PROFILE.file_name("DS25B1") == "DS25B1.xml"
    ended = dataclasses.replace(PROFILE, valid_to=date(2026, 12, 31))
    assert not ended.in_force(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("version", 0),
        ("version", True),
        ("valid_from", "2026-10-01"),
        ("valid_to", date(2026, 9, 1)),
        ("message_version", "pain.001.001.02"),
        ("namespace", "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"),
        ("currency", "EUR"),
        ("max_payments_per_file", "10"),
        ("min_payments_per_file", 10_001),
        ("charset", "latin"),
        ("name_length", 141),
        ("text_length", 0),
        ("account_length", 35),
        ("date_form", "text"),
        ("batch_booking", "no"),
        ("category_purposes", []),
        ("purposes", ["ssbe"]),
        ("charge_bearer", "OUR"),
        ("file_name_pattern", "x.xml"),
        ("file_name_pattern", "../{message_id}.xml"),
        ("file_name_pattern", "{message_id}{other}"),
        ("answer_kinds", ["camt.055"]),
        ("unlisted_means_accepted", None),
        ("statement_books", "both"),
        ("cut_off", 930),
        ("answer_wait_days", -1),
        ("confidence", "sure"),
        ("source", " "),
        ("surprise", 1),
    ],
)
def test_a_wrong_profile_names_file_and_field(field: str, value: object) -> None:
    with pytest.raises(ProfileError) as refused:
        from_mapping(plain() | {field: value}, "a.yaml")
    assert f"Bộ tham số a.yaml, mục {field}" in refused.value.sentence


def test_every_field_is_asked_for() -> None:
    for field in plain():
        data = plain()
        del data[field]
        with pytest.raises(ProfileError) as refused:
            from_mapping(data, "a.yaml")
        assert f"mục {field}: còn thiếu" in refused.value.sentence


@pytest.mark.parametrize("name", ["none", "../iso-vn-1", "ISO", ""])
def test_an_unknown_profile(name: str) -> None:
    with pytest.raises(ProfileError) as refused:
        load_profile(name)
    assert refused.value.code == "profile_unknown"


def test_a_profile_file_that_is_none(tmp_path: Path) -> None:
    for text in ("a: [", "- 1", "id: other"):
        (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
        load_profile.cache_clear()
        with pytest.raises(ProfileError):
            load_profile("bad", tmp_path)
    load_profile.cache_clear()


def write_versions(folder: Path, *versions: tuple[str, int, str, str | None]) -> None:
    for name, number, first, last in versions:
        data = plain() | {
            "id": "iso-vn-1", "version": number, "valid_from": date.fromisoformat(first),
            "valid_to": date.fromisoformat(last) if last else None,
        }  # fmt: skip
        (folder / name).write_text(yaml.safe_dump(data), encoding="utf-8")
    load_profile.cache_clear()


def test_a_day_has_one_version(tmp_path: Path) -> None:
    write_versions(
        tmp_path,
        ("iso-vn-1.yaml", 1, "2026-10-01", "2026-12-31"),
        ("iso-vn-1.v2.yaml", 2, "2027-01-01", None),
    )
    assert profile_ids(tmp_path) == ("iso-vn-1",)
    assert load_profile("iso-vn-1", tmp_path).version == 2
    assert load_profile("iso-vn-1/1", tmp_path).key == "iso-vn-1/1"
    assert profile_on("iso-vn-1", date(2026, 12, 31), tmp_path).version == 1
    assert profile_on("iso-vn-1", date(2027, 1, 1), tmp_path).version == 2
    with pytest.raises(ProfileError) as refused:
        profile_on("iso-vn-1", date(2026, 9, 30), tmp_path)
    assert refused.value.code == "profile_not_in_force"
    with pytest.raises(ProfileError) as refused:
        load_profile("iso-vn-1/3", tmp_path)
    assert refused.value.code == "profile_unknown"


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (("iso-vn-1.v2.yaml", 2, "2026-12-31", None), "valid_to"),
        (("iso-vn-1.v2.yaml", 2, "2026-10-01", "2026-10-01"), "valid_to"),
        (("iso-vn-1.v2.yaml", 1, "2027-01-01", None), "version"),
        (("iso-vn-1.v3.yaml", 2, "2027-01-01", None), "version"),
    ],
)
def test_versions_that_contradict_each_other_are_refused(
    tmp_path: Path, second: tuple[str, int, str, str | None], field: str
) -> None:
    write_versions(tmp_path, ("iso-vn-1.yaml", 1, "2026-10-01", "2026-12-31"), second)
    with pytest.raises(ProfileError) as refused:
        load_profile("iso-vn-1/1", tmp_path)
    assert f"mục {field}:" in refused.value.sentence
    load_profile.cache_clear()
