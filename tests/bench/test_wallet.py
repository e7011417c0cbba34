"""What `bench wallet` reports, on a small run; nothing here looks at how fast anything is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from typer.testing import CliRunner

from disbursement.bench.wallet import everybody_has_a_wallet
from disbursement.cli.app import app
from disbursement.sample.writer import write_sample


def test_a_batch_of_calls_goes_through_the_outbox_and_the_books_agree() -> None:
    run = CliRunner().invoke(app, ["bench", "wallet", "--items", "130", "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert (told["people"], told["items"], told["payers"], told["db"]) == (130, 130, 1, "sqlite")
    # Planted faults come on top of the good people, and some of both are held.
    assert 100 < told["calls"] < 140
    assert told["stages"]["send"]["rows"] == told["calls"]
    assert told["calls_per_s"] == told["stages"]["send"]["rows_per_s"] > 0
    assert told["counted_seconds"] == told["stages"]["send"]["seconds"]
    assert told["group"] == 100
    assert told["wallet_cpu_seconds"] > 0


def test_an_impossible_number_is_refused() -> None:
    run = CliRunner().invoke(app, ["bench", "wallet", "--items", "0"])
    assert run.exit_code != 0
    assert "--items phải từ 1 đến 100000" in run.output + run.stderr


def test_everybody_of_a_sample_gets_a_wallet_of_his_own(tmp_path: Path) -> None:
    sample = write_sample(
        tmp_path / "s", people=60, province="25", seed=3, form="csv", payers=1, late=False
    )
    path = Path(sample.registers[0])
    everybody_has_a_wallet(path)
    with path.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == sample.register_rows
    assert {(r["Hình thức nhận"], r["Ngân hàng"]) for r in rows} == {("Ví điện tử", "MoMo")}
    assert len({r["Số tài khoản"] for r in rows}) == len(rows)
    assert all(r["Tên chủ tài khoản"] in (r["Người nhận"], r["Họ và tên"]) for r in rows)
