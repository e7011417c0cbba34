from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bank_adapters import registry
from bank_adapters.contract import (
    OPTIONAL,
    Accepted,
    AdapterError,
    Capabilities,
    NotOffered,
    NotSent,
    OutgoingFile,
    RefusedBatch,
    RefusedFile,
    RefusedRow,
)
from bank_adapters.iso20022 import Iso20022Bank
from bank_adapters.profiles import ProfileError, load_profile
from bank_adapters.registry import adapter, adapters
from bank_adapters.transports import FileDrop
from tests.bank_adapters.build import entry, header, report, row, statement, status

IN = {"camt.053": statement(entry("5"), 5, 0), "pain.002": report(status("A"))}


PROFILES = {"iso20022": "iso-vn-1", "post": "cash-desk-vn-1", "sheet": "mb-bulk-old"}


def test_the_registry_is_what_the_package_declares() -> None:
    told = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert told["project"]["entry-points"][registry.GROUP] == dict(registry.BUILT_IN)
    assert set(PROFILES) <= set(adapters())
    with pytest.raises(NotOffered) as refused:
        adapter("nowhere", "iso-vn-1")
    assert refused.value.code == "rail_not_available"


def found(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> None:
    made = [EntryPoint(name, value, registry.GROUP) for name, value in entries]
    monkeypatch.setattr(registry, "entry_points", lambda group: made)
    registry._entries.cache_clear()


def test_an_adapter_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{__name__}:Elsewhere"
    try:
        found(monkeypatch, ("elsewhere", here))
        assert adapter("elsewhere", "iso-vn-1").profile.id == "iso-vn-1"
        found(monkeypatch, ("sheet", here))
        with pytest.raises(AdapterError) as refused:
            adapters()
        assert refused.value.code == "adapter_conflict"
        found(monkeypatch, ("other", here))
        with pytest.raises(AdapterError) as refused:
            adapter("other", "iso-vn-1")
        assert refused.value.code == "adapter_invalid"
    finally:
        registry._entries.cache_clear()


class Elsewhere(Iso20022Bank):
    name = "elsewhere"


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_declared_is_what_there_is(name: str) -> None:
    one = adapter(name, PROFILES[name])
    for field in Capabilities.__dataclass_fields__:
        if field in OPTIONAL:
            assert hasattr(one, field) == getattr(one.capabilities, field)
    assert one.capabilities.max_payments == one.profile.max_payments_per_file
    with pytest.raises(ProfileError):
        adapter(name, "nowhere")


def test_a_profile_is_made_for_one_adapter() -> None:
    with pytest.raises(ProfileError) as refused:
        adapter("sheet", "cash-desk-vn-1")
    assert refused.value.code == "profile_adapter"


@pytest.mark.parametrize("name", [name for name in OPTIONAL if name != "cancel"])
def test_a_capability_not_offered_raises(name: str) -> None:
    with pytest.raises(NotOffered) as refused:
        getattr(adapter("iso20022", "iso-vn-1"), name)("x")
    assert refused.value.code == "not_offered"
    assert name in refused.value.sentence


def test_asking_back_is_offered_where_the_profile_names_the_message() -> None:
    offers = adapter("iso20022", "iso-vn-1")
    assert (offers.capabilities.cancel, hasattr(offers, "cancel")) == (True, True)
    none = Iso20022Bank(replace(load_profile("iso-vn-1"), cancel_version=""))
    assert (none.capabilities.cancel, hasattr(none, "cancel")) == (False, False)
    with pytest.raises(NotOffered) as refused:
        none.cancel  # noqa: B018 - asking is enough
    assert refused.value.code == "not_offered"


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
