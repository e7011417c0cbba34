"""`disburse file inspect`: what a file is, to the dong, and one sentence for what is none of ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from xlsxwriter import Workbook

from disbursement.cli import common
from disbursement.cli.app import app
from disbursement.exchange.inspect import KINDS
from disbursement.exchange.tables_seen import TABLES
from disbursement.runs import close, papers
from disbursement.sample.writer import write_sample
from tests.cli.conftest import Said, Type
from tests.payments.world import Entry, Month, debit, pain002
from tests.runs.test_close import report
from tests.runs.world import PAYER, World

EACH = 750_000


def of(typed: Type, path: Path, *words: str) -> dict[str, Any]:
    found = typed("file", "inspect", path, "--json", *words)
    assert found.code == 0, found
    assert found.json["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.json["size"] == path.stat().st_size
    return dict(found.json)


def book(path: Path, *rows: list[Any], sheets: int = 1) -> Path:
    with Workbook(str(path)) as made:
        for _ in range(sheets):
            sheet = made.add_worksheet()
            for n, row in enumerate(rows):
                sheet.write_row(n, 0, row)
    return path


def state(world: World) -> list[Any]:
    return [world.one(f"SELECT count(*) FROM {t}") for t in ("answer", "journal", "audit_event")]


# --- files of a bank -----------------------------------------------------------------------------


def test_an_order_file_is_known_by_its_bytes(month: Month, typed: Type, tmp_path: Path) -> None:
    world = month.world
    name = world.one("SELECT file_name FROM batch WHERE rail = 'bank'")
    path = world.ctx.settings.files / "out" / "202610" / name
    before = state(world)
    found = of(typed, path)
    assert (found["kind"], found["version"]) == ("pain.001", "pain.001.001.09")
    assert (found["rows"], found["total_vnd"], found["valid"]) == (6, 6 * EACH, True)
    assert found["whose"] == ["UBND Xa Thu, tài khoản đuôi 0001, ICBVVNVX, chi ngày 2026-10-05"]
    assert [(k["what"], k["state"]) for k in found["known"]] == [
        (f"lô chi {month.batch_id} của {PAYER}, kỳ 10/2026", "sent")
    ]
    told = typed("file", "inspect", path).out
    assert f"{'Tổng số tiền:':<26}4.500.000 đồng\n" in told
    assert f"{'Lược đồ XSD:':<26}đúng lược đồ\n" in told
    account = world.rows("SELECT account_last4 FROM destination ORDER BY id LIMIT 1")[0][0]
    for secret in ("10000001", "NGUYEN", f"19000000{account}"):
        assert secret not in told
    other = tmp_path / "other.xml"
    other.write_bytes(path.read_bytes().replace(b"<PmtMtd>TRF", b"<PmtMtd>XXX"))
    told = typed("file", "inspect", other, "--json")
    assert (told.code, told.json["valid"], told.json["known"]) == (3, False, [])
    assert (told.json["complete"], told.json["importable"]) == (True, False)
    said = typed("file", "inspect", other).out
    assert f"{'Lược đồ XSD:':<26}KHÔNG đúng lược đồ\n" in said
    assert f"{'Trong sổ:':<26}chưa có\n" in said
    other.write_bytes(path.read_bytes()[:-40])
    cut = typed("file", "inspect", other)
    cut.refused("xml_broken", 3)
    assert "other.xml" in cut.err
    other.write_bytes(path.read_bytes().replace(b">750000<", b">750001<", 1))
    typed("file", "inspect", other).refused("totals_differ", 3)
    assert state(world) == before


def test_a_statement_and_a_report_before_and_after_they_are_taken(
    month: Month, typed: Type, tmp_path: Path
) -> None:
    path = tmp_path / "s.xml"
    path.write_bytes(month.statement([debit(month.rows[0]), Entry("CRDT", 5)], ident="S1"))
    found = of(typed, path)
    assert (found["kind"], found["rows"], found["total_vnd"]) == ("camt.053", 2, EACH + 5)
    assert (found["whose"], found["valid"], found["known"]) == (
        ["tài khoản đuôi 0001"], True, [],
    )  # fmt: skip
    assert dict(found["details"])["Ghi có, ghi nợ (đồng)"] == "5, 750.000"
    month.take(path.read_bytes())
    known = of(typed, path)["known"]
    assert (known[0]["what"], known[0]["state"]) == (
        f"trả lời đã nhận (camt.053) của {PAYER}", "applied",
    )  # fmt: skip
    path.write_bytes(pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")]))
    found = of(typed, path)
    assert (found["kind"], found["rows"], found["total_vnd"]) == ("pain.002", 1, None)
    assert found["valid"] is None  # the schema of .10 is not among those installed
    assert dict(found["details"])["Trả lời cho tệp"] == month.message_id
    assert dict(found["details"])["Từng lệnh: RJCT AC04"] == "1"
    path.write_bytes(b"<?xml version='1.0'?><html><body>Hello</body></html>")
    typed("file", "inspect", path).refused("not_an_answer", 3)


def test_a_swift_statement_is_told_from_a_table(world: World, typed: Type, tmp_path: Path) -> None:
    lines = (
        ":20:S1", ":25:10000001", ":28C:1/1", ":60F:C261105VND2000000,",
        ":61:2611051105D810000,NTRFDS25000000000001//FT1", ":62F:C261105VND1190000,", "-", "",
    )  # fmt: skip
    path = tmp_path / "sao-ke.sta"
    path.write_text("\r\n".join(lines))
    before = state(world)
    found = of(typed, path)
    assert (found["kind"], found["rows"], found["total_vnd"]) == ("mt940", 1, 810_000)
    assert found["whose"] == ["tài khoản đuôi 0001"]
    assert found["valid"] is None
    foreign = tmp_path / "ngoai-te.sta"
    foreign.write_text("\r\n".join(lines).replace("VND", "EUR"))
    said = typed("file", "inspect", foreign, "--json")
    assert (said.code, said.json["complete"]) == (3, False)
    assert "tiền đồng" in said.json["errors"][0]["message"]
    assert state(world) == before


# --- tables of an office -------------------------------------------------------------------------


def test_every_table_of_a_sample_is_recognised(world: World, typed: Type, tmp_path: Path) -> None:
    write_sample(tmp_path, people=300, province="25", seed=7, form="csv", payers=2)
    seen = {}
    for path in sorted(tmp_path.glob("*.csv")):
        said = typed("file", "inspect", path, "--json")
        if said.code == 0:
            assert path.name not in seen
            seen[path.name] = said.json
    kinds = {name: found["kind"] for name, found in seen.items()}
    assert set(kinds.values()) == {"register", "opening", "deaths", "contracts", "budget"}
    for found in seen.values():
        rows = len((tmp_path / found["name"]).read_text(encoding="utf-8-sig").splitlines()) - 1
        assert found["rows"] == rows, found["name"]
    (register,) = [f for f in seen.values() if f["name"] == "register.csv"]
    assert len(register["whose"]) >= 2
    (opening,) = [f for f in seen.values() if f["kind"] == "opening"]
    assert dict(opening["details"])["Tháng đã trả"] == "07/2026, 08/2026, 09/2026"
    assert opening["total_vnd"] % 1_000 == 0
    assert opening["total_vnd"] > 300 * 500_000


def test_a_workbook_is_summed_and_its_faults_are_one_sentence(
    world: World, typed: Type, tmp_path: Path
) -> None:
    head = ["Mã xã", "Chương trình", "Năm", "Số tiền", "Số quyết định", "Ngày quyết định"]
    rows = [
        ["25001", "SA", 2026, 1_000_000_000, "1/QĐ", "2026-01-02"],
        ["25001", "SP", 2026, -5, "1/QĐ", "2026-01-02"],
        ["25002", "SA", 2026, "250000", "1/QĐ", "2026-01-02"],
    ]
    found = of(typed, book(tmp_path / "b.xlsx", ["Dự toán 2026"], head, *rows))
    assert (found["kind"], found["version"], found["rows"]) == ("budget", "XLSX", 3)
    assert (found["total_vnd"], found["whose"], found["valid"]) == (
        1_000_249_995, ["25001", "25002"], None,
    )  # fmt: skip
    wrong = book(tmp_path / "w.xlsx", head, [*rows[0][:3], 10.5, *rows[0][4:]])
    typed("file", "inspect", wrong).refused("amount", 3)
    typed("file", "inspect", book(tmp_path / "e.xlsx", head)).refused("no_rows", 3)
    typed("file", "inspect", book(tmp_path / "2.xlsx", head, *rows, sheets=2)).refused("sheets", 3)
    missing = book(tmp_path / "m.xlsx", head[:-1], *(r[:-1] for r in rows))
    said = typed("file", "inspect", missing)
    said.refused("column_missing", 3)
    assert "Ngày quyết định" in said.err
    strange = book(tmp_path / "s.xlsx", [*head, "Màu"], *([*r, "x"] for r in rows))
    said = typed("file", "inspect", strange)
    said.refused("column_unknown", 3)
    assert "'Màu' (ô G1)" in said.err


def test_a_providers_report_and_a_signed_sheet_are_known(
    month: Month, typed: Type, tmp_path: Path
) -> None:
    path = report(tmp_path / "r.csv", transfer=6 * EACH, cash=1_000_000, kept=5)
    found = of(typed, path)
    assert (found["kind"], found["rows"], found["total_vnd"], found["whose"]) == (
        "provider_report", 1, 5_500_000, [PAYER],
    )  # fmt: skip
    assert tuple(c.field for c in TABLES["provider_report"].columns) == close.COLUMNS
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 signed")
    typed("file", "inspect", scan).refused("unknown_file", 3)
    world = month.world
    with world.ctx.cell.begin() as conn:
        conn.exec_driver_sql("UPDATE pay_list SET state = 'prepared' WHERE id = 1")
    papers.attach_scan(world.ctx, 1, scan)
    found = of(typed, scan)
    assert (found["kind"], found["rows"], found["total_vnd"]) == ("other", 0, None)
    assert [k["what"] for k in found["known"]] == [f"phiếu duyệt đã ký của danh sách 1 ({PAYER})"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\x00\x01\x02\x03binary", "unknown_file"),
        (b"PK\x03\x04not a zip", "broken_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "password"),
        ("Họ tên;CCCD;Ngày\nA;1;2\n".encode(), "semicolons"),
        ("Tên,Tuổi\nA,1\n".encode(), "column_unknown"),
        ("Mã xã,Năm\nx,1\n".encode("utf-16"), "encoding"),
        (b"\xff\xff\xff,\xfe\n", "encoding"),
        (b"hello", "column_unknown"),
    ],
)
def test_what_is_none_of_ours_is_one_sentence(
    world: World, typed: Type, tmp_path: Path, data: bytes, code: str
) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(data)
    typed("file", "inspect", path).refused(code, 3)


def test_wrong_words(world: World, typed: Type, tmp_path: Path) -> None:
    typed("file", "inspect", tmp_path / "none.xml").refused("no_file", 3)
    typed("file", "inspect", tmp_path).refused("no_file", 3)
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n")
    typed("file", "inspect", path, "--encoding", "latin-1").refused("encoding", 2)


def test_no_books_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_overrides", {})
    path = tmp_path / "s.csv"
    path.write_text("Số định danh cá nhân,Ngày chết\n025080000001,05/10/2026\n", encoding="utf-8")
    words = ["--home", str(tmp_path / "none"), "file", "inspect", str(path)]
    done = CliRunner(env={"DATABASE_URL": None}).invoke(app, words)
    said = Said(done.exit_code, done.stdout, done.stderr)
    assert said.code == 0, said
    assert f"{'Loại:':<26}trả lời của cơ sở dữ liệu dân cư (CSV)\n" in said.out
    assert f"{'Trong sổ:':<26}chưa có sổ để đối chiếu\n" in said.out
    assert "025080000001" not in said.out
    done = CliRunner(env={"DATABASE_URL": None}).invoke(app, [*words, "--json"])
    assert json.loads(done.stdout)["known"] is None
    assert not (tmp_path / "none").exists()


def test_every_kind_has_words() -> None:
    assert set(TABLES) < set(KINDS)
