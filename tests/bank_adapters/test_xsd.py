from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from bank_adapters import pain001, xsd
from bank_adapters.contract import BatchHeader, MissingXsd, PaymentRow, RefusedBatch
from bank_adapters.profiles import load_profile


def rendered() -> bytes:
    profile = load_profile("iso-vn-1")
    header = BatchHeader(
        message_id="DS25B1",
        payment_info_id="DS25B1-1",
        created_at="2026-10-23T01:00:00Z",
        execution_date=date(2026, 11, 5),
        debtor_name="UBND Xa Thu",
        debtor_account="10000001",
        debtor_bic="ICBVVNVX",
        category_purpose="SSBE",
        purpose="SSBE",
        count=1,
        total_vnd=810_000,
    )
    row = PaymentRow(
        1,
        "DS25000000000150",
        810_000,
        "BFTVVNVX",
        "1234567890",
        "NGUYEN VAN THU",
        "DS25000000000150 CHI TRA",
        "DS25000000000150",
    )
    out = io.BytesIO()
    pain001.render(profile, header, [row], out)
    return out.getvalue()


def test_what_we_write_satisfies_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(rendered())
    xsd.validate_file(path, "pain.001.001.09")


def test_a_file_against_the_schema_does_not_leave(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(rendered().replace(b"<ChrgBr>SLEV</ChrgBr>", b"<ChrgBr>ALL</ChrgBr>"))
    with pytest.raises(RefusedBatch) as refused:
        xsd.validate_file(path, "pain.001.001.09")
    assert refused.value.code == "xsd_invalid"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"</PmtInf>", b"<Late/></PmtInf>", 6),
        (b'Ccy="VND">810000', b'Ccy="VND">81OOOO', 5),
        (b"<NbOfTxs>", b"<NbOfTxs>-", 3),
        (b"</Document>", b"", 7),
        (b"</CdtTrfTxInf>", b"", 6),
        (b"</Document>", b"</Document><more/>", 6),
        (b"<Nm>NGUYEN", b"<Nm>&who;", 5),
    ],
)
def test_a_fault_anywhere_stops_the_file_and_names_its_line(
    tmp_path: Path, old: bytes, new: bytes, line: int
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(rendered().replace(old, new))
    with pytest.raises(RefusedBatch, match=rf"\(dòng {line}\); chưa gửi gì"):
        xsd.validate_file(path, "pain.001.001.09")


def test_an_empty_file_or_one_of_another_message_does_not_leave(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    for data in (b"", b"<Document/>", rendered().replace(b"001.001.09", b"001.001.03")):
        path.write_bytes(data)
        with pytest.raises(RefusedBatch):
            xsd.validate_file(path, "pain.001.001.09")


def test_a_missing_or_altered_schema_stops_sending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(rendered())
    monkeypatch.setenv(xsd.ENVIRONMENT, str(tmp_path / "none"))
    xsd.load.cache_clear()
    with pytest.raises(MissingXsd):
        xsd.validate_file(path, "pain.001.001.09")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "pain.001.001.09.xsd").write_bytes(b"<schema/>")
    with pytest.raises(MissingXsd):
        xsd.validate_file(path, "pain.001.001.09")
    xsd.load.cache_clear()


def test_every_schema_is_pinned() -> None:
    sources = xsd.sources()
    assert "pain.001.001.09" in sources.schemas
    assert "camt.053.001.08" in sources.schemas
    assert all(len(s.sha256) == 64 and s.wheel in sources.wheels for s in sources.schemas.values())
