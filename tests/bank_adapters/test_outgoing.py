"""Looking into outgoing files, and asking payments back: whole, sound, or the reason why not."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest
from lxml import etree

from bank_adapters import camt055
from bank_adapters.camt055 import CancelHeader, CancelRow
from bank_adapters.contract import RefusedBatch, RefusedRow
from bank_adapters.outgoing import inspect_outgoing, outgoing_kind
from bank_adapters.sheets.profile import sheet_ids
from tests.bank_adapters.build import render, row
from tests.bank_adapters.test_sheets_out import rows as sheet_rows
from tests.bank_adapters.test_sheets_out import write

SHARED = Path(__file__).parents[2] / "../shared"
HEAD = CancelHeader(
    "DS25C1", "2026-11-06T01:00:00Z", "UBND Xa Thu", "ICBVVNVX", "DS25B1", "pain.001.001.09",
    "DS25B1-1", 2, 1_350_000,
)  # fmt: skip
ROWS = [
    CancelRow(1, "DS25C1-1", "DS25000000000001", 810_000, "DUPL"),
    CancelRow(2, "DS25C1-2", "DS25000000000002", 540_000, "CUST"),
]


def cancel(version: str = "camt.055.001.09", head: CancelHeader = HEAD) -> bytes:
    out = io.BytesIO()
    assert camt055.render(version, head, ROWS, out).count == 2
    return out.getvalue()


def look(tmp_path: Path, data: bytes) -> dict[str, object]:
    path = tmp_path / "file"
    path.write_bytes(data)
    return inspect_outgoing(path, outgoing_kind(path))


@pytest.mark.parametrize("version", camt055.VERSIONS)
def test_a_cancellation_satisfies_the_element_table_and_the_schema(version: str) -> None:
    data = cancel(version)
    assert data == cancel(version)
    camt055.check_elements(data)
    xsd = SHARED / f"iso20022/xsd/{version}.xsd"
    if not xsd.exists():
        pytest.skip("shared/iso20022 is not beside this checkout")
    etree.XMLSchema(etree.parse(str(xsd))).assertValid(etree.fromstring(data))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<CtrlSum>1350000</CtrlSum>", b""),
        (b"<Nm>UBND Xa Thu</Nm>", b"<Nm></Nm>"),
        (b"<CxlId>DS25C1-1</CxlId>", b"<CxlId>DS25C1-1</CxlId><CxlId>X</CxlId>"),
        (b">810000<", b">810000.5<"),
        (b"<Cd>DUPL</Cd>", b"<Prtry>DUPL</Prtry>"),
        (b"<Undrlyg>", b"<Undrlyg><Note/>"),
        (b"camt.055.001.09", b"camt.055.001.07"),
        (b"</Document>", b""),
    ],
)
def test_what_is_against_the_element_table_does_not_leave(old: bytes, new: bytes) -> None:
    assert old in cancel()
    with pytest.raises(RefusedBatch) as refused:
        camt055.check_elements(cancel().replace(old, new, 1))
    assert refused.value.code == "elements"


def test_a_cancellation_that_does_not_add_up_is_refused() -> None:
    for change, code in (
        ({"count": 3}, "totals_differ"), ({"total_vnd": 1}, "totals_differ"),
        ({"bank_bic": "X"}, "header_bank_bic"), ({"asker": ""}, "header_asker"),
    ):  # fmt: skip
        with pytest.raises(RefusedBatch) as refused:
            camt055.render("camt.055.001.09", dataclasses.replace(HEAD, **change), ROWS,
                           io.BytesIO())  # fmt: skip
        assert refused.value.code == code
    for change, field in (({"reason": "XXXX"}, "reason"), ({"amount_vnd": 0}, "amount_vnd"),
                          ({"end_to_end_id": "a"}, "end_to_end_id")):  # fmt: skip
        bad = [ROWS[0], dataclasses.replace(ROWS[1], **change)]
        with pytest.raises(RefusedRow) as wrong:
            camt055.render("camt.055.001.09", HEAD, bad, io.BytesIO())
        assert (wrong.value.n, wrong.value.field) == (2, field)


def test_a_cancellation_is_looked_into(tmp_path: Path) -> None:
    found = look(tmp_path, cancel())
    assert (found["kind"], found["version"]) == ("camt.055", "camt.055.001.09")
    assert (found["complete"], found["importable"], found["total_vnd"]) == (True, True, 1_350_000)
    assert [(t["end_to_end_id"], t["reasons"]) for t in found["transactions"]] == [
        ("DS25000000000001", ["DUPL"]), ("DS25000000000002", ["CUST"]),
    ]  # fmt: skip
    assert "not schema-validated" in found["warnings"][0]
    found = look(tmp_path, cancel().replace(b">540000<", b">540001<"))
    assert (found["complete"], found["importable"]) == (True, False)
    assert look(tmp_path, cancel()[:-30])["complete"] is False


def test_an_order_file_is_looked_into(tmp_path: Path) -> None:
    data, _ = render([row(1), row(2, amount_vnd=540_001)])
    found = look(tmp_path, data)
    assert (found["complete"], found["importable"], found["valid"]) == (True, True, True)
    (batch,) = found["statements"]
    assert (batch["entries"], batch["credits"], batch["balanced"]) == (2, "1350001", "yes")
    for old, new in ((b">540001<", b">540002<"), (b"DS25000000000002<", b"DS25000000000001<"),
                     (b"<PmtMtd>TRF", b"<PmtMtd>XXX")):  # fmt: skip
        found = look(tmp_path, data.replace(old, new))
        assert (found["complete"], found["importable"]) == (True, False)
        assert found["errors"]
    found = look(tmp_path, data[:-20])
    assert (found["complete"], found["errors"][0]["message"][:8]) == (False, "XML hỏng")


@pytest.mark.parametrize("profile_id", sheet_ids())
def test_a_table_is_looked_into(tmp_path: Path, profile_id: str) -> None:
    found = look(tmp_path, write(profile_id, sheet_rows()))
    assert (found["kind"], found["version"]) == ("sheet", f"{profile_id}/1")
    assert (found["importable"], found["entries"], found["total_vnd"]) == (True, 3, 2_430_006)


def test_published_files_say_what_the_manifest_says() -> None:
    samples = SHARED / "samples"
    if not samples.exists():
        pytest.skip("shared/samples is not beside this checkout")
    with (samples / "manifest.csv").open(encoding="utf-8") as source:
        wanted = [r for r in csv.DictReader(source) if r["kind"] in ("pain.001", "camt.055")]
    assert len(wanted) >= 4
    for given in wanted:
        path = samples / given["file"]
        detail = json.loads(given["detail"])
        kind = outgoing_kind(path)
        found = inspect_outgoing(path, kind)
        assert (kind, found["complete"]) == (given["kind"], True)
        assert given["version"].endswith(found["version"])
        assert found["entries"] == int(given["entries"])
        if kind == "camt.055":
            assert ([t["end_to_end_id"] for t in found["transactions"]], found["importable"]) == (
                detail["e2e"], False,
            )  # fmt: skip
            continue
        assert found["message_id"] == detail["msg_id"]
        assert found["count_declared"] == detail["nb_declared"]
        assert found["sum_declared"] == detail["ctrl_sum_declared"]
        assert found["duplicates"] == detail["duplicate_e2e"]
        assert found["valid"] is given["xsd"].startswith("valid")
        assert found["importable"] is found["valid"]
        got = [
            (s["id"], s["entries"], s["count_declared"], s["sum_declared"], s["execution_date"],
             s["account"])
            for s in found["statements"]
        ]  # fmt: skip
        assert got == [
            (b["id"], b["nb"], b["nb_declared"], b["ctrl_sum_declared"], b["date"], b["dbtr"])
            for b in detail["batches"]
        ]
        assert [s["credits"] for s in found["statements"]] == [given["credits"]]
