from __future__ import annotations

import dataclasses
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bank_adapters import pain001
from bank_adapters.contract import RefusedBatch, RefusedRow
from bank_adapters.xsd import load
from tests.bank_adapters.build import DAY, PROFILE, header, render, row

NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


def test_the_same_batch_gives_the_same_bytes() -> None:
    rows = [row(1), row(2, amount_vnd=540_001)]
    data, done = render(rows)
    again, _ = render([dataclasses.replace(r) for r in rows])
    assert data == again
    assert done.sha256 == hashlib.sha256(data).hexdigest()
    assert (done.count, done.total_vnd, done.bytes) == (2, 1_350_001, len(data))


def test_counts_and_sums_stand_at_group_and_batch() -> None:
    data, _ = render([row(n) for n in range(1, 1203)])
    tree = etree.fromstring(data)
    assert [e.text for e in tree.iter(f"{NS}NbOfTxs")] == ["1202", "1202"]
    assert [e.text for e in tree.iter(f"{NS}CtrlSum")] == ["973620000", "973620000"]
    amounts = [e.text for e in tree.iter(f"{NS}InstdAmt")]
    assert (len(amounts), set(amounts)) == (1202, {"810000"})
    assert len({e.text for e in tree.iter(f"{NS}EndToEndId")}) == 1202


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("03", "date"),  # .03 knows no date with time; the profile refuses it
        ("09", "date"),
        ("09", "datetime"),
        ("11", "date"),
        ("11", "datetime"),
        ("12", "date"),
        ("12", "datetime"),
    ],
)
def test_every_version_we_write_satisfies_its_schema(version: str, form: str) -> None:
    name = f"pain.001.001.{version}"
    profile = dataclasses.replace(
        PROFILE,
        message_version=name,
        namespace=f"urn:iso:std:iso:20022:tech:xsd:{name}",
        date_form=form,
    )
    data, _ = render([row(1), row(2)], profile)
    load(name).assertValid(etree.fromstring(data).getroottree())


def test_a_wider_set_is_escaped() -> None:
    profile = dataclasses.replace(PROFILE, charset="utf8")
    ref = "DS25000000000001"
    data, _ = render(
        [row(1, name="Đặng Thị <Ánh> & Bé", text=f"{ref} chi trả")],
        profile,
        debtor_name="UBND & Xã",
    )
    tree = etree.fromstring(data)
    assert [e.text for e in tree.iter(f"{NS}Nm")] == ["UBND & Xã"] * 2 + ["Đặng Thị <Ánh> & Bé"]


BAD_ROWS = [
    ("amount_vnd", 0),
    ("amount_vnd", -1),
    ("amount_vnd", 810_000.0),
    ("amount_vnd", True),
    ("amount_vnd", "810000"),
    ("amount_vnd", 10**15 + 1),
    ("end_to_end_id", "DS2500000000001"),  # 15
    ("end_to_end_id", "D" * 21),
    ("end_to_end_id", "ds25000000000001"),
    ("end_to_end_id", "DS25/00000000001"),
    ("bank_code", "970436"),
    ("bank_code", "bftvvnvx"),
    ("account", ""),
    ("account", "19 000 001"),
    ("account", "1" * 35),
    ("name", ""),
    ("name", "NGUYỄN VĂN THỬ"),
    ("name", " NGUYEN VAN THU"),
    ("name", "N" * 71),
    ("name", "A & B"),
    ("text", "DS25000000000001 " + "A" * 124),
    ("text", "DS25000000000001 <x>"),
    ("text", ""),
    ("reference", "DS25000000000002"),
    ("reference", ""),
]


@pytest.mark.parametrize(("field", "value"), BAD_ROWS)
def test_a_bad_row_is_named_and_nothing_is_cut(field: str, value: object) -> None:
    # Texts and references belong to row 1's id; every other field is wrong in the second of two.
    first = field in {"text", "reference"}
    rows = [row(1, **{field: value})] if first else [row(1), row(2, **{field: value})]
    with pytest.raises(RefusedRow) as refused:
        render(rows, count=len(rows), total_vnd=810_000 * len(rows))
    assert refused.value.field == field
    assert refused.value.n == rows[-1].n
    assert refused.value.code == f"row_{field}"
    assert refused.value.sentence.startswith(f"Dòng {rows[-1].n} của lô, mục {field}: ")


def test_a_refusal_names_no_person_and_no_account() -> None:
    bad = row(1, name="NGUYỄN VĂN THỬ", account="1900000001")
    with pytest.raises(RefusedRow) as refused:
        render([bad])
    assert "NGUY" not in refused.value.sentence + refused.value.en
    assert "1900000001" not in refused.value.sentence + refused.value.en


def test_ids_are_unique_and_rows_ascend() -> None:
    with pytest.raises(RefusedRow) as refused:
        render([row(1), row(2, end_to_end_id="DS25000000000001")])
    assert (refused.value.n, refused.value.field) == (2, "end_to_end_id")
    with pytest.raises(RefusedRow) as refused:
        render([row(2), row(1)])
    assert (refused.value.n, refused.value.field) == (1, "n")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"count": 3}, "totals_differ"),
        ({"count": 1}, "totals_differ"),
        ({"total_vnd": 1_620_001}, "totals_differ"),
        ({"count": 0}, "header_count"),
        ({"total_vnd": 0}, "header_total_vnd"),
        ({"count": 10_001}, "too_many_payments"),
        ({"message_id": "A/B"}, "header_message_id"),
        ({"message_id": "A" * 36}, "header_message_id"),
        ({"payment_info_id": ""}, "header_payment_info_id"),
        ({"created_at": "2026-10-23"}, "header_created_at"),
        ({"created_at": "2026-13-23T01:00:00Z"}, "header_created_at"),
        ({"execution_date": "2026-11-05"}, "header_execution_date"),
        ({"execution_date": DAY.replace(year=2025)}, "header_execution_date"),
        ({"debtor_name": "UBND Xã"}, "header_debtor_name"),
        ({"debtor_account": "1 2"}, "header_debtor_account"),
        ({"debtor_bic": "970415"}, "header_debtor_bic"),
        ({"category_purpose": "SALA"}, "header_category_purpose"),
        ({"purpose": "BECH"}, "header_purpose"),
        ({"lot": 0}, "header_lot"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(RefusedBatch) as refused:
        render([row(1), row(2)], **change)
    assert refused.value.code == code


def test_a_file_larger_than_the_bank_takes_is_refused() -> None:
    profile = dataclasses.replace(PROFILE, max_bytes_per_file=2000)
    with pytest.raises(RefusedBatch) as refused:
        render([row(n) for n in range(1, 20)], profile)
    assert refused.value.code == "file_too_large"


def test_validate_refuses_what_render_refuses_and_writes_nothing() -> None:
    rows = [row(1), row(2)]
    pain001.validate(PROFILE, header(rows), iter(rows))
    with pytest.raises(RefusedRow):
        pain001.validate(PROFILE, header(rows), iter([row(1), row(2, amount_vnd=0)]))


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_whatever_is_written_adds_up(amounts: list[int]) -> None:
    rows = [row(n, amount_vnd=a) for n, a in enumerate(amounts, 1)]
    out = io.BytesIO()
    pain001.render(PROFILE, header(rows), rows, out)
    tree = etree.fromstring(out.getvalue())
    assert sum(int(e.text or "") for e in tree.iter(f"{NS}InstdAmt")) == sum(amounts)
    assert tree.findtext(f".//{NS}GrpHdr/{NS}CtrlSum") == str(sum(amounts))
