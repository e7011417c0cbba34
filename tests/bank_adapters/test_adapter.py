from __future__ import annotations

import io
from pathlib import Path

import pytest

from bank_adapters.contract import (
    OPTIONAL,
    Accepted,
    Capabilities,
    NotOffered,
    NotSent,
    OutgoingFile,
    RefusedBatch,
    RefusedFile,
    RefusedRow,
)
from bank_adapters.registry import adapter, adapters
from bank_adapters.transports import FileDrop
from tests.bank_adapters.build import entry, header, report, row, statement, status

IN = {"camt.053": statement(entry("5"), 5, 0), "pain.002": report(status("A"))}


def test_the_registry_holds_one_rail() -> None:
    assert list(adapters()) == ["iso20022"]
    with pytest.raises(NotOffered) as refused:
        adapter("momo", "iso-vn-1")
    assert refused.value.code == "rail_not_available"


def test_what_is_declared_is_what_there_is() -> None:
    for name in adapters():
        one = adapter(name, "iso-vn-1")
        for field in Capabilities.__dataclass_fields__:
            if field in OPTIONAL:
                assert hasattr(one, field) == getattr(one.capabilities, field)
        assert one.capabilities.max_payments == one.profile.max_payments_per_file


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_capability_not_offered_raises(name: str) -> None:
    with pytest.raises(NotOffered) as refused:
        getattr(adapter("iso20022", "iso-vn-1"), name)("x")
    assert refused.value.code == "not_offered"
    assert name in refused.value.sentence


def test_a_misspelt_name_is_no_capability() -> None:
    with pytest.raises(AttributeError) as caught:
        adapter("iso20022", "iso-vn-1").rendre()  # type: ignore[attr-defined] # misspelt on purpose
    assert not isinstance(caught.value, NotOffered)


def test_out_and_back(tmp_path: Path) -> None:
    bank = adapter("iso20022", "iso-vn-1")
    rows = [row(1), row(2)]
    bank.validate(header(rows), rows)
    out = io.BytesIO()
    done = bank.render(header(rows), rows, out)
    path = tmp_path / "DS25B1.xml"
    path.write_bytes(out.getvalue())
    drop = FileDrop(tmp_path / "drop")
    file = OutgoingFile("DS25B1.xml", path, done.sha256, done.bytes)
    assert isinstance(bank.inquire(file.name, drop), NotSent)
    assert bank.submit(file, drop) == Accepted("DS25B1.xml")
    assert bank.submit(file, drop) == Accepted("DS25B1.xml", repeated=True)
    assert bank.inquire(file.name, drop) == Accepted("DS25B1.xml", repeated=True)
    for kind, data in IN.items():
        assert bank.parse(data).kind == kind


def test_what_the_schema_refuses_does_not_leave(tmp_path: Path) -> None:
    bank = adapter("iso20022", "iso-vn-1")
    path = tmp_path / "DS25B1.xml"
    path.write_bytes(b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>")
    drop = FileDrop(tmp_path / "drop")
    with pytest.raises(RefusedBatch):
        bank.submit(OutgoingFile("DS25B1.xml", path, "0" * 64, 1), drop)
    assert not (tmp_path / "drop").exists()


def test_bad_input_is_refused_by_the_adapter_too() -> None:
    bank = adapter("iso20022", "iso-vn-1")
    with pytest.raises(RefusedRow):
        bank.validate(header([row(1)]), [row(1, amount_vnd=0)])
    with pytest.raises(RefusedFile) as refused:
        bank.parse(IN["camt.053"].replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(
            b"Stmt>", b"Rpt>"))  # fmt: skip
    assert refused.value.code == "answer_kind"
