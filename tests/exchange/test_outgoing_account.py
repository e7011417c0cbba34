"""`file inspect` over every outgoing kind: figures, sums against the file's own, never a crash."""

from __future__ import annotations

import dataclasses
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bank_adapters.profiles import load_profile
from disbursement.cli import common
from disbursement.cli.app import app
from disbursement.exchange.inspect import account
from tests.bank_adapters.build import render, row
from tests.bank_adapters.test_outgoing import cancel
from tests.bank_adapters.test_sheets_out import rows as sheet_rows
from tests.bank_adapters.test_sheets_out import write

TOTAL = 810_001 + 810_002 + 810_003
PAIN = ("pain.001.001.03", "pain.001.001.09", "pain.001.001.11", "pain.001.001.12")
TABLES = ("mb-bulk-old", "mb-bulk-2026", "mau-09-tt17", "cash-desk-vn-1", "csv-vn-1", "fixed-vn-1")
KEYS = {
    "kind", "version", "complete", "importable", "statements", "warnings", "errors", "sha256",
    "entries", "total_vnd", "count_declared", "sum_declared", "duplicates", "message_id",
}  # fmt: skip
STATEMENT = {
    "id", "account", "currency", "entries", "credits", "debits", "opening", "closing", "balanced",
    "difference", "continuous",
}  # fmt: skip


def order(version: str) -> bytes:
    profile = dataclasses.replace(
        load_profile("iso-vn-1"), message_version=version,
        namespace=f"urn:iso:std:iso:20022:tech:xsd:{version}",
    )  # fmt: skip
    return render([row(n, amount_vnd=810_000 + n) for n in (1, 2, 3)], profile)[0]


FILES: dict[str, Callable[[], bytes]] = {
    **{version: (lambda version=version: order(version)) for version in PAIN},
    "camt.055.001.08": lambda: cancel("camt.055.001.08"),
    **{name: (lambda name=name: write(name, sheet_rows())) for name in TABLES},
}


def told(path: Path, data: bytes) -> dict[str, Any]:
    path.write_bytes(data)
    about = account(path)
    assert json.loads(json.dumps(about)) is not None
    return about


@pytest.mark.parametrize("name", FILES)
def test_a_good_file_says_what_is_in_it(tmp_path: Path, name: str) -> None:
    about = told(tmp_path / "f", FILES[name]())
    assert set(about) >= KEYS
    assert (about["complete"], about["importable"], about["errors"]) == (True, True, [])
    assert about["version"] == (name if name[:4] in ("pain", "camt") else f"{name}/1")
    count, total = (2, 1_350_000) if name.startswith("camt") else (3, TOTAL)
    assert (about["entries"], about["total_vnd"]) == (count, total)
    (one,) = about["statements"]
    assert set(one) >= STATEMENT
    assert (one["entries"], one["credits"], one["debits"]) == (count, str(total), "0")
    has_sums = about["sum_declared"] is not None or about["count_declared"] is not None
    assert one["balanced"] == ("yes" if has_sums else "unknown")
    if not name.startswith("mb-"):  # a template without a line for sums
        assert about["sum_declared"] == str(total)
    assert about["duplicates"] == []


def sheet_with(data: bytes, old: str, new: str) -> bytes:
    """Change a workbook's text wherever it stands."""
    out = io.BytesIO()
    changed = False
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            body = source.read(member)
            after = body.replace(old.encode(), new.encode(), 1) if member.filename.endswith(
                "sheet1.xml"
            ) or "sharedStrings" in member.filename else body  # fmt: skip
            changed |= after != body
            target.writestr(member.filename, after)
    assert changed
    return out.getvalue()


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith("mb-")])
def test_a_sum_that_lies_is_complete_and_not_importable(tmp_path: Path, name: str) -> None:
    data = FILES[name]()
    if name == "mau-09-tt17" or (name == "cash-desk-vn-1" and data[:2] == b"PK"):
        changed = sheet_with(data, "810001", "810009")
    elif name.startswith("camt"):
        changed = data.replace(b">810000<", b">810009<", 1)
    else:
        changed = data.replace(b"810001", b"810009", 1)
    assert changed != data
    about = told(tmp_path / "f", changed)
    if about["complete"]:  # two columns of one amount that differ cannot be read at all
        assert (about["importable"], about["statements"][0]["balanced"]) == (False, "no")
    assert not about["importable"]
    assert about["errors"][0]["message"]


@pytest.mark.parametrize("name", FILES)
def test_an_id_that_stands_twice_is_named(tmp_path: Path, name: str) -> None:
    if name in TABLES:
        data = FILES[name]()
        first, second = "DS25000000000001", "DS25000000000002"
        changed = (
            sheet_with(data, second, first) if data[:2] == b"PK"
            else data.replace(second.encode(), first.encode())
        )  # fmt: skip
    else:
        changed = FILES[name]().replace(b"DS25000000000002", b"DS25000000000001")
    about = told(tmp_path / "f", changed)
    assert not about["importable"]
    assert about["errors"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_is_never_importable(tmp_path: Path, name: str) -> None:
    data = FILES[name]()
    size = len(data.rstrip()) - 1
    for end in sorted({*range(0, size, max(1, size // 40)), size - 1, size}):
        about = told(tmp_path / "f", data[:end])
        assert not (about["complete"] and about["importable"]), end
        assert about["errors"], end


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_changed_it_answers(tmp_path: Path, name: str) -> None:
    data, chance = bytearray(FILES[name]()), random.Random(20261128)
    for _ in range(40):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        about = told(tmp_path / "f", bytes(changed))
        if about["importable"] and about["kind"] in ("pain.001", "camt.055", "sheet"):
            assert all(s["balanced"] != "no" for s in about["statements"])
            assert about["errors"] == []


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", 3), (b"\x00\x01", 3), (b"<a/>", 3), (order("pain.001.001.09"), 0),
     (order("pain.001.001.09")[:-9], 3), (None, 3)],
)  # fmt: skip
def test_the_command_prints_json_and_leaves_with_0_or_3(
    tmp_path: Path, data: bytes | None, code: int
) -> None:
    path = tmp_path / "f.xml"
    if data is not None:
        path.write_bytes(data)
    common._overrides.clear()
    done = CliRunner(env={"DATABASE_URL": None, "DISBURSE_HOME": str(tmp_path / "none")}).invoke(
        app, ["--home", str(tmp_path / "none"), "file", "inspect", str(path), "--json"]
    )
    common._overrides.clear()
    about = json.loads(done.stdout)
    assert (done.exit_code, about["importable"]) == (code, code == 0)
    assert bool(about["errors"]) == (code == 3)
