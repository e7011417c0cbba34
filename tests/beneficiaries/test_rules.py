"""One row, judged without a database."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.vietqr import VietQr, write_qr
from disbursement.beneficiaries import columns
from disbursement.beneficiaries.checking import destination_code
from disbursement.beneficiaries.columns import read_header
from disbursement.beneficiaries.rules import (
    Fault,
    Row,
    RowReader,
    facts_text,
    identity_fault,
    read_birth,
    read_date,
    read_month,
)
from disbursement.entitlements.facts import case_from_json, case_json
from tests.beneficiaries.world import COMMUNES, GOOD, TODAY, fields_of, headers


def read(
    changes: Mapping[str, Any], *, spreadsheet: bool = True, **reader: Any
) -> Row | list[Fault]:
    row = {**GOOD, **changes}
    fields = fields_of([row])
    header = read_header(
        columns.REGISTER, headers(fields), row=1, first_column=0, spreadsheet=spreadsheet
    )
    given = {"province": "25", "payers": set(COMMUNES), "today": TODAY, **reader}
    made = RowReader(header, bank_of=destination_code, **given)
    return made.read(15, [row[f] for f in fields])


def good(changes: Mapping[str, Any]) -> Row:
    row = read(changes)
    assert isinstance(row, Row), row
    return row


def faults(changes: Mapping[str, Any], **reader: Any) -> list[Fault]:
    found = read(changes, **reader)
    assert isinstance(found, list)
    return found


def test_a_good_row_says_what_it_means() -> None:
    row = good({})
    assert (row.identity_kind, row.sex, row.commune) == ("cccd", "male", COMMUNES[0])
    assert (row.birth_from, row.birth_to) == (date(1980, 3, 5), date(1980, 3, 5))
    case = row.case
    assert (case.programme, case.clause, case.degree) == ("SA", "K6", "S")
    assert (case.start_month, case.decision_date) == (202301, date(2023, 1, 20))
    assert (row.kind, row.bank_code, row.owner_relation) == ("bank", "VBAAVNVX", "self")
    assert (row.payee_name, row.payee_relation) == ("Nguyễn Văn Mẫu", "self")
    assert row.holds == []
    assert case_from_json(row.facts) == case


def test_bank_and_account_are_taken_from_the_payees_own_code() -> None:
    code = write_qr(VietQr("970405", "1500000000001"))
    for bank in ("", "VBAAVNVX", "Agribank"):
        row = good({"account": code, "bank": bank})
        assert (row.bank_code, row.account) == ("VBAAVNVX", "1500000000001")
    (other,) = faults({"account": code, "bank": "VietinBank"})
    assert other.sentence.startswith("khác ngân hàng trong mã VietQR")
    (broken,) = faults({"account": code[:-1] + ("0" if code[-1] != "0" else "1")})
    assert "mã kiểm tra không khớp" in broken.sentence


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"identity": 25080000001.0}, "ô A15", "dạng chữ"),
        ({"account": 1.5e12}, "ô P15", "dạng chữ"),
        ({"commune": 8200.0}, "ô E15", "dạng chữ"),
        ({"identity": "02508000001"}, "ô A15", "11 ký tự"),
        ({"identity": "02508000000A"}, "ô A15", "12 chữ số"),
        ({"identity": "1.23E+11"}, "ô A15", "12 chữ số"),
        ({"identity": "025081000001"}, "ô A15", "năm sinh"),
        ({"identity": "025180000001"}, "ô A15", "giới tính"),
        ({"identity": "025280000001"}, "ô A15", "năm sinh"),
        ({"birth": 29285.0}, "ô C15", "con số"),
        ({"birth": "31/02/1980"}, "ô C15", "dd/mm/yyyy"),
        ({"birth": "05/03/2031"}, "ô C15", "tương lai"),
        ({"birth": "05/03/1880"}, "ô C15", "quá xa"),
        ({"decision_date": 44950.0}, "ô K15", "con số không phải là ngày"),
        ({"decision_date": "2023"}, "ô K15", "không phải ngày"),
        ({"decision_date": "01/10/2026"}, "ô K15", "tương lai"),
        ({"start_month": "13/2023"}, "ô M15", "mm/yyyy"),
        ({"start_month": 202301.0}, "ô M15", "mm/yyyy"),
        ({"start_month": "06/2025"}, "ô M15", "hai năm"),
        ({"commune": "99999"}, "ô E15", "năm 2026"),
        ({"commune": "00004"}, "ô E15", "Phường Ba Đình thuộc Thành phố Hà Nội"),
        ({"programme": "NCCC"}, "ô F15", "chọn một trong: sa, tgxh"),
        ({"programme": "HTXH"}, "ô G15", "không thuộc chương trình"),
        ({"clause": "K9"}, "ô G15", "diện 'K9' không có"),
        ({"degree": "Nhẹ"}, "ô H15", "chọn một trong: nặng"),
        ({"name": ""}, "ô B15", "ô trống"),
        ({"name": "Nguyễn Văn 1"}, "ô B15", "chữ cái"),
        ({"name": "=HYPERLINK(1)"}, "ô B15", "chữ cái"),
        ({"sex": "Khác"}, "ô D15", "nam"),
        ({"destination": "Séc"}, "ô N15", "tiền mặt"),
        ({"bank": ""}, "ô O15", "ô trống"),
        ({"bank": "XXXXVNVX"}, "ô O15", "không tìm thấy ngân hàng"),
        ({"account": ""}, "ô P15", "ô trống"),
        ({"account": "12-34"}, "ô P15", "6 đến 19"),
        ({"owner_name": ""}, "ô Q15", "ô trống"),
        ({"owner_name": "Trần Văn Khác"}, "ô Q15", "khác tên đối tượng"),
        ({"destination": "Tiền mặt"}, "ô N15", "chọn một trong hai"),
        ({"destination": "Ví điện tử", "bank": "MoMo", "account": "123456"}, "ô P15", "điện thoại"),
        (
            {"destination": "Ví điện tử", "account": "0912345678"},
            "ô O15",
            "không phải loại nơi nhận",
        ),
        ({"payee_name": "Lê Thị Người Nhận"}, "dòng 15, cột Quan hệ của người nhận", "quan hệ"),
        ({"children": "-1", "clause": "K4"}, "ô S15", "số nguyên từ 0 đến 20"),
        ({"suspended_from": "01/2026", "end_date": "01/05/2026"}, "ô S15", "chỉ ghi một"),
    ],
)
def test_a_bad_cell_is_named_with_what_to_do(
    changes: Mapping[str, Any], where: str, says: str
) -> None:
    [fault] = faults(changes)
    assert fault.where.startswith(where)
    assert says in fault.sentence
    # Nothing personal: no number of the row is repeated.
    for value in ("025080000001", "1500000000001"):
        assert value not in fault.sentence


def test_all_faults_of_a_row_are_told_at_once() -> None:
    found = faults({"identity": "12", "birth": "x", "bank": "", "start_month": ""})
    assert [f.where.split()[1] for f in found] == ["C15", "A15", "M15", "O15"]


def test_csv_faults_name_line_and_column() -> None:
    [fault] = read({"identity": "12"}, spreadsheet=False)  # type: ignore[misc]
    assert fault.where == "dòng 15, cột Số định danh cá nhân"


def test_a_commune_that_is_no_payer_and_one_that_is_not_asked_for() -> None:
    [fault] = faults({}, payers=set())
    assert "đơn vị chi trả" in fault.sentence
    [fault] = faults({}, only_payer=COMMUNES[1])
    assert "không phải đơn vị chi trả đang nhập" in fault.sentence


@pytest.mark.parametrize(
    ("identity", "kind", "reason"),
    [("", "none", "no_identity"), ("123456789", "cmnd", "cmnd")],
)
def test_old_papers_are_imported_and_held(identity: str, kind: str, reason: str) -> None:
    row = good({"identity": identity})
    assert (row.identity_kind, row.identity) == (kind, identity)
    assert [(h.kind, h.reason) for h in row.holds] == [("right", reason)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1980", date(1980, 1, 1), date(1980, 12, 31)),
        ("03/1980", date(1980, 3, 1), date(1980, 3, 31)),
        ("02/2000", date(2000, 2, 1), date(2000, 2, 29)),
        ("12/1980", date(1980, 12, 1), date(1980, 12, 31)),
        ("1980-03-05", date(1980, 3, 5), date(1980, 3, 5)),
        ("5.3.1980", date(1980, 3, 5), date(1980, 3, 5)),
    ],
)
def test_a_birth_is_read_as_far_as_it_is_known(text: str, first: date, last: date) -> None:
    assert read_birth(text) == (first, last)
    row = good({"birth": text}) if text != "02/2000" else None
    assert row is None or (row.birth_from, row.birth_to) == (first, last)


def test_a_start_before_the_rule_is_held_with_its_citation() -> None:
    [found] = good({"start_month": "12/2022"}).holds
    assert (found.kind, found.reason) == ("right", "start_month")
    assert "NĐ 20/2021/NĐ-CP Điều 8" in found.detail
    assert good({"start_month": "02/2023"}).holds == []  # later, as the decision writes it


def test_decomposed_text_is_composed_at_the_door() -> None:
    changes = {k: unicodedata.normalize("NFD", v) for k, v in GOOD.items()}
    row = good(changes)
    assert (row.name, row.facts) == (GOOD["name"], good({}).facts)


def test_invisible_characters_and_spaces_are_dropped() -> None:
    row = good({"name": "\u00a0Nguyễn\u200b  Văn\tMẫu ", "account": "1500 0000 00001"})
    assert (row.name, row.account) == ("Nguyễn Văn Mẫu", "1500000000001")


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"destination": "Tiền mặt", "bank": "", "account": "", "owner_name": ""}, "cash", ""),
        ({"bank": "970405"}, "bank", "VBAAVNVX"),
        ({"bank": "Agribank"}, "bank", "VBAAVNVX"),
        ({"destination": "Ví điện tử", "bank": "momo", "account": "0912345678"}, "wallet", "MoMo"),
    ],
)
def test_destinations(changes: Mapping[str, Any], kind: str, code: str) -> None:
    row = good(changes)
    assert (row.kind, row.bank_code) == (kind, code)


def test_a_guardian_may_own_the_account() -> None:
    row = good(
        {
            "owner_name": "Lê Thị Giám Hộ", "owner_relation": "Người giám hộ",
            "payee_name": "Lê Thị Giám Hộ", "payee_relation": "Người giám hộ",
        }
    )  # fmt: skip
    assert (row.owner_relation, row.payee_relation) == ("guardian", "guardian")


PAID = {"paid_through": "09/2026", "Đã trả 08/2026": "750000", "Đã trả 09/2026": 750000.0}


def test_a_row_may_carry_what_was_paid() -> None:
    assert good(PAID).paid == {202608: 750_000, 202609: 750_000}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Đã trả 08/2026": "750.000"}, "không có dấu phân cách"),
        ({"Đã trả 08/2026": 750000.5}, "số đồng nguyên"),
        ({"Đã trả 08/2026": "-1"}, "số đồng nguyên"),
        ({"Đã trả 09/2026": ""}, "09/2026"),
        ({"paid_through": "08/2026"}, "09/2026"),
        ({"paid_through": ""}, "thiếu 'Đã trả đến hết tháng'"),
    ],
)
def test_amounts_paid_must_be_whole_and_complete(changes: Mapping[str, Any], says: str) -> None:
    found = faults({**PAID, **changes})
    assert any(says in f.sentence for f in found)


@pytest.mark.parametrize(
    ("digit", "sex", "year", "fits"),
    [
        ("0", "male", 1980, True), ("1", "female", 1980, True), ("2", "male", 2010, True),
        ("3", "female", 2010, True), ("0", "female", 1980, False), ("3", "male", 2010, False),
        ("0", "male", 2010, False), ("2", "male", 1910, False),
    ],
)  # fmt: skip
def test_the_number_against_birth_year_and_sex(
    digit: str, sex: str, year: int, *, fits: bool
) -> None:
    identity = f"025{digit}{year % 100:02d}123456"
    born = (date(year, 5, 1), date(year, 5, 1))
    assert (identity_fault(identity, born, sex) is None) is fits


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_dates_are_read_back(day: date) -> None:
    assert read_date(f"{day:%d/%m/%Y}") == read_date(day.isoformat()) == day
    assert read_month(f"{day:%m/%Y}") == day.year * 100 + day.month


@given(
    st.text(max_size=30),
    st.dates(date(2021, 1, 1), TODAY),
    st.sampled_from(["Nghèo", "Cận nghèo", "Không", ""]),
)
def test_facts_text_is_the_canonical_json(number: str, day: date, household: str) -> None:
    row = read(
        {
            "decision_number": number or "1", "household": household,
            "decision_date": f"{day:%d/%m/%Y}", "start_month": f"{day:%m/%Y}",
        }
    )  # fmt: skip
    if isinstance(row, Row):
        assert facts_text(row.case) == case_json(row.case)


@given(
    st.fixed_dictionaries(
        {k: st.one_of(st.text(max_size=25), st.floats(), st.booleans(), st.none()) for k in GOOD}
    )
)
def test_any_cells_give_a_row_or_faults_and_never_an_exception(cells: dict[str, Any]) -> None:
    found = read(cells)
    assert isinstance(found, Row) or all(f.where and f.sentence for f in found)
