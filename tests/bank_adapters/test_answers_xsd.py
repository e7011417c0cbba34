"""A schema only warns about what comes in: the file is read all the same, and read the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from bank_adapters import xsd
from bank_adapters.answers import SCHEMA_BYTES, parse
from bank_adapters.camt import read_camt
from bank_adapters.contract import RefusedFile
from bank_adapters.pain002 import read_pain002
from tests.bank_adapters.build import entry, report, statement, status
from tests.bank_adapters.test_samples import CAMT, PAIN, SAMPLES

GOOD = statement(entry() + entry("540000", e2e="DS25000000000002"), 2_000_000, 650_000)
# what real banks do: the status as plain text, as versions up to .07 had it
ODD = GOOD.replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>")
REPORT = report(
    "<OrgnlPmtInfAndSts><OrgnlPmtInfId>DS25B1-1</OrgnlPmtInfId>"
    + status("DS25000000000001")
    + "</OrgnlPmtInfAndSts>",
    "<GrpSts>PART</GrpSts>",
).replace(b"pain.002.001.10", b"pain.002.001.12")
ODD_REPORT = REPORT.replace(b"<Cd>AC04</Cd>", b"<Code>AC04</Code>")


def test_what_satisfies_its_schema_has_no_warning() -> None:
    assert parse(GOOD).warnings == ()
    assert parse(REPORT).warnings == ()


def test_what_is_against_its_schema_is_read_the_same_with_a_warning() -> None:
    odd = parse(ODD)
    assert odd.warnings == ("tệp không đúng lược đồ camt.053.001.08 ở phần tử Sts, vẫn đọc được",)
    (one,), (good,) = odd.statements(), parse(GOOD).statements()
    assert list(one.entries) == list(good.entries)
    assert (one.opening_vnd, one.closing_vnd, one.debit_vnd) == (2_000_000, 650_000, 1_350_000)
    odd = parse(ODD_REPORT)
    assert odd.warnings == ("tệp không đúng lược đồ pain.002.001.12 ở phần tử Code, vẫn đọc được",)
    assert list(odd.statuses()) == list(parse(REPORT).statuses())


def test_an_answer_is_held_to_its_schema_as_far_as_asked_and_read_whole() -> None:
    assert len(ODD) < SCHEMA_BYTES
    at = ODD.index(b"<Sts>BOOK")
    assert read_camt(ODD, validate=True, within=at).findings == ()
    (found,) = read_camt(ODD, validate=True, within=at + 40).findings
    assert found.code == "schema"
    late = GOOD.replace(b"</Ntry>", b"</Ntry>" + b"\n" * SCHEMA_BYTES, 1)
    odd = late.replace(b"<Cd>BOOK</Cd></Sts>", b"BOOK</Sts>").replace(
        b"BOOK</Sts>", b"<Cd>BOOK</Cd></Sts>", 1
    )
    assert parse(odd).warnings == ()
    assert [e.status for e in parse(odd).statements()[0].entries] == ["BOOK", "BOOK"]
    assert [f.code for f in read_camt(odd, validate=True).findings] == ["schema"]


def test_a_version_without_a_schema_says_nothing() -> None:
    for version in (b"camt.053.001.03", b"camt.053.001.99", b"other"):
        assert parse(ODD.replace(b"camt.053.001.08", version)).warnings == ()
    assert parse(ODD_REPORT.replace(b"pain.002.001.12", b"pain.002.001.10")).warnings == ()
    assert parse(ODD.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:', b' id="')).warnings == ()


def test_without_installed_schemas_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(xsd.ENVIRONMENT, str(tmp_path))
    xsd.load.cache_clear()
    assert parse(ODD).warnings == ()
    xsd.load.cache_clear()


@pytest.mark.parametrize("data", [ODD, ODD_REPORT, REPORT])
def test_every_cut_is_refused_though_the_schema_complains_first(data: bytes) -> None:
    body = data.rstrip()
    for length in range(len(body)):
        with pytest.raises(RefusedFile):
            parse(body[:length])


def test_a_broken_file_against_its_schema_is_refused_with_the_line() -> None:
    with pytest.raises(RefusedFile) as refused:
        parse(ODD.replace(b"</Ntry>\n</Stmt>", b"</Ntri>\n</Stmt>"))
    assert (refused.value.code, refused.value.line) == ("xml_broken", 7)


def test_no_value_of_the_file_is_in_the_warning() -> None:
    name = "NGUYEN VAN THU" * 12  # longer than the schema's 140
    inside = f"<RltdPties><Cdtr><Pty><Nm>{name}</Nm></Pty></Cdtr></RltdPties>"
    odd = parse(statement(entry(inside=inside), 810_000, 0))
    assert odd.warnings == ("tệp không đúng lược đồ camt.053.001.08 ở phần tử Nm, vẫn đọc được",)
    strange = ODD.replace(b"</Stmt></Bk", b"<NGUYEN_VAN_THU/></Stmt></Bk").replace(
        b"<Sts>BOOK</Sts>", b"<Sts><Cd>BOOK</Cd></Sts>"
    )
    assert parse(strange).warnings == ("tệp không đúng lược đồ camt.053.001.08, vẫn đọc được",)


def test_each_document_of_a_file_is_held_to_its_own_schema() -> None:
    both = GOOD + ODD.replace(b"<Id>S1</Id>", b"<Id>S2</Id>")
    file = read_camt(both, validate=True)
    assert [s.id for s in file.statements] == ["S1", "S2"]
    assert [f.code for f in file.findings] == ["schema"]


@pytest.mark.parametrize("given", [*CAMT, *PAIN], ids=lambda given: str(given["file"]))
def test_real_files_read_the_same_with_and_without_schema(given: dict[str, str]) -> None:
    path = SAMPLES / given["file"]
    if not path.is_file():
        pytest.skip("shared/samples is not beside this checkout")
    if given["kind"] == "pain.002":
        with_schema, plain = read_pain002(path, validate=True), read_pain002(path)
        assert list(with_schema.items) == list(plain.items)
    else:
        camt, bare = read_camt(path, validate=True), read_camt(path)
        assert [(s.id, list(s.entries)) for s in camt.statements] == [
            (s.id, list(s.entries)) for s in bare.statements
        ]
