"""Looking into a pain.001: what it says in all, and one sentence for what does not add up."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from bank_adapters.contract import RefusedFile
from bank_adapters.orders import Debtor, installed, is_orders, read_orders
from tests.bank_adapters.build import PROFILE, render, report, row

DATA, DONE = render([row(1), row(2, amount_vnd=540_001), row(3)])
SAMPLES = Path(__file__).parents[2] / "../shared/samples/pain.001"


def refused(data: bytes) -> RefusedFile:
    with pytest.raises(RefusedFile) as told:
        read_orders(data)
    assert "NGUYEN" not in told.value.sentence
    return told.value


def test_what_we_write_is_read_to_the_dong() -> None:
    found = read_orders(DATA)
    assert (found.version, found.message_id) == ("pain.001.001.09", "DS25B1")
    assert (found.count, found.total_vnd) == (DONE.count, DONE.total_vnd) == (3, 2_160_001)
    assert found.debtors == (Debtor("UBND Xa Thu", "ICBVVNVX", "0001", "2026-11-05"),)
    assert (found.valid, found.warnings) == (True, ())


@pytest.mark.parametrize("version", ["03", "11", "12"])
def test_every_version_we_write_is_read(version: str) -> None:
    name = f"pain.001.001.{version}"
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{name}"
    profile = dataclasses.replace(PROFILE, message_version=name, namespace=namespace)
    found = read_orders(render([row(1)], profile, execution_date=date(2026, 12, 7))[0])
    assert (found.version, found.count, found.valid) == (name, 1, True)
    assert found.debtors[0].execution_date == "2026-12-07"
    assert found.debtors[0].bic == "ICBVVNVX"


def test_a_file_against_its_schema_is_read_and_said_to_be() -> None:
    found = read_orders(DATA.replace(b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>XXX</PmtMtd>"))
    assert (found.count, found.total_vnd, found.valid) == (3, 2_160_001, False)
    assert found.warnings == (
        "tệp không đúng lược đồ pain.001.001.09 ở phần tử PmtMtd, vẫn đọc được",
    )


def test_a_version_without_its_schema_is_not_judged() -> None:
    assert not installed("pain.001.001.05")
    found = read_orders(DATA.replace(b"pain.001.001.09", b"pain.001.001.05"))
    assert (found.version, found.count, found.valid) == ("pain.001.001.05", 3, None)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<NbOfTxs>3</NbOfTxs><CtrlSum>2160001</CtrlSum><InitgPty>",
         b"<NbOfTxs>4</NbOfTxs><CtrlSum>2160001</CtrlSum><InitgPty>", "totals_differ"),
        (b"<CtrlSum>2160001</CtrlSum><InitgPty>", b"<CtrlSum>2160002</CtrlSum><InitgPty>",
         "totals_differ"),
        (b"<CtrlSum>2160001</CtrlSum><PmtTpInf>", b"<CtrlSum>2160000</CtrlSum><PmtTpInf>",
         "totals_differ"),
        (b"<NbOfTxs>3</NbOfTxs>", b"<NbOfTxs>x</NbOfTxs>", "totals_differ"),
        (b">540001<", b">540002<", "totals_differ"),
        (b">540001<", b">540001.50<", "fraction"),
        (b'Ccy="VND">540001', b'Ccy="USD">540001', "currency"),
        (b"<InstdAmt", b"<EqvtAmt", "xml_broken"),
        (b"</Document>", b"", "xml_broken"),
        (b"<Document", b"<!DOCTYPE x><Document", "doctype"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_refused(old: bytes, new: bytes, code: str) -> None:
    assert old in DATA
    assert refused(DATA.replace(old, new)).code == code


def test_a_file_without_a_transfer_or_an_amount_is_refused() -> None:
    start, end = DATA.index(b"<CdtTrfTxInf>"), DATA.rindex(b"</PmtInf>")
    assert refused(DATA[:start] + DATA[end:]).code == "totals_differ"
    amounts = DATA.index(b"<Amt>"), DATA.index(b"</Amt>") + 6
    assert refused(DATA[: amounts[0]] + DATA[amounts[1] :]).code == "no_amount"
    bare = DATA[:start] + DATA[end:]
    for tag in (b"<NbOfTxs>3</NbOfTxs>", b"<CtrlSum>2160001</CtrlSum>"):
        bare = bare.replace(tag, b"")
    assert refused(bare).code == "no_orders"


def test_an_answer_is_no_order() -> None:
    assert is_orders(DATA)
    assert not is_orders(report(""))


def test_published_files_in_other_currencies_are_refused_not_misread() -> None:
    if not SAMPLES.exists():
        pytest.skip("shared/samples is not beside this checkout")
    for path in sorted(SAMPLES.glob("*.xml")):
        assert is_orders(path)
        assert refused(path.read_bytes()).code == "currency"
