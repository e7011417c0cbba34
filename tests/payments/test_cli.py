"""The commands, as an officer types them: what they print, how they leave."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from disbursement.cli import cash, common, payment, statement
from disbursement.cli.reconcile import reconcile
from disbursement.identity.service import create_user
from tests.payments.world import Entry, Month, back, debit, open_roster, pain002, sent_month
from tests.runs.world import SECRET, World


@pytest.fixture
def month(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Month:
    create_user(world.ctx, "quy", "Thu quy", "030080000021", ["cash_desk"], "mat-khau-quy-1")
    made = sent_month(world, tmp_path / "drop", roster=open_roster)
    settings = world.ctx.settings
    monkeypatch.setenv("DISBURSE_HOME", str(settings.home))
    monkeypatch.setenv("DISBURSE_ENV", "test")
    monkeypatch.setenv("DISBURSE_TODAY", "2026-10-08")
    monkeypatch.setenv("DISBURSE_PASSPHRASE", SECRET)
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)
    else:
        monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(common, "_overrides", {})
    return made


def call(app: object, *words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def reconcile_app() -> object:
    import typer

    app = typer.Typer()
    app.command()(reconcile)
    return app


def test_inspect_needs_no_database(tmp_path: Path, month: Month):
    path = tmp_path / "s.xml"
    path.write_bytes(
        month.statement([debit(month.rows[0]), Entry("CRDT", 5)], day=date(2026, 10, 5), ident="S1")
    )
    before = month.world.one("SELECT count(*) FROM answer")
    about = json.loads(call(statement.app, "inspect", str(path), "--json").stdout)
    assert about["kind"] == "camt.053"
    (one,) = about["statements"]
    assert (
        one["account"][-4:],
        one["debits"],
        one["credits"],
        one["closing"],
        one["entries"],
    ) == ("0001", "750000", "5", "-749995", 2)
    assert (about["complete"], about["importable"], one["balanced"]) == (True, True, "yes")
    said = call(statement.app, "inspect", str(path))
    assert "ghi nợ 750000, cuối kỳ -749995" in said.stdout
    assert "10000001" not in said.stdout
    path.write_bytes(path.read_bytes()[:-30])
    cut = call(statement.app, "inspect", str(path))
    assert cut.exit_code == 3
    assert "dòng" in cut.stdout
    told = json.loads(call(statement.app, "inspect", str(path), "--json").stdout)
    assert (told["complete"], told["importable"], len(told["errors"])) == (False, False, 1)
    assert call(statement.app, "inspect", str(tmp_path / "none.xml")).exit_code == 3
    assert month.world.one("SELECT count(*) FROM answer") == before


def test_import_says_what_happened_and_leaves_with_an_error_where_nothing_was_taken(
    tmp_path: Path, month: Month
):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.xml").write_bytes(pain002(month.message_id, [(month.rows[5].e2e, "RJCT", "AC04")]))
    (folder / "2.xml").write_bytes(month.statement([debit(r) for r in month.rows[:5]]))
    done = call(statement.app, "import", str(folder), "--as", "an")
    assert done.exit_code == 0, done.output
    assert "1 bị từ chối" in done.stdout
    assert "5 đã vào tài khoản" in done.stdout
    again = call(statement.app, "import", str(folder / "1.xml"), "--as", "an", "--json")
    assert json.loads(again.stdout)[0]["state"] == "repeated"
    bad = folder / "3.xml"
    bad.write_bytes(b"<x/>")
    refused = call(statement.app, "import", str(bad), "--as", "an")
    assert refused.exit_code == 3
    assert refused.stderr.startswith("Lỗi [not_an_answer]")
    month.statement([])
    bad.write_bytes(month.statement([]))
    assert call(statement.app, "import", str(bad), "--as", "an").exit_code == 4


def test_cash_from_plan_to_closed_roster(tmp_path: Path, month: Month):
    world = month.world
    month.take(
        pain002(
            month.message_id,
            [(month.rows[0].e2e, "RJCT", "AC04"), (month.rows[1].e2e, "RJCT", "MD07")],
        )
    )
    planned = json.loads(
        call(cash.app, "plan", "--month", "2026-10", "--as", "an", "--json").stdout
    )
    assert (planned["payments"], planned["total_vnd"]) == (1, 750_000)
    assert planned["left"] == {"rejected:MD07": [1, 750_000]}
    printed = call(cash.app, "roster", "--month", "2026-10", "--out", str(tmp_path / "r"))
    assert printed.exit_code == 0, printed.output
    assert len(list((tmp_path / "r").iterdir())) == 2
    order = world.one(
        "SELECT end_to_end_id FROM batch_row WHERE batch_id = :b AND n = 1", b=month.cash_batch
    )
    paid = call(cash.app, "pay", order, "--as", "quy", "--day", "2026-10-05")
    assert "500.000" in paid.stdout
    twice = call(cash.app, "pay", order, "--as", "quy")
    assert (twice.exit_code, "already_paid" in twice.stderr) == (4, True)
    assert call(cash.app, "pay", "--as", "quy").exit_code == 2
    assert (
        call(cash.app, "return", str(month.cash_batch), "--as", "quy", "--copies", "0").exit_code
        == 3
    )
    closed = call(cash.app, "return", str(month.cash_batch), "--as", "quy", "--copies", "1")
    assert "1 khoản chưa nhận" in closed.stdout


def test_payment_show_tells_the_story_without_a_name(month: Month):
    world, row = month.world, month.rows[0]
    month.take(month.statement([debit(row)]))
    month.take(month.statement([back(row, "AC04")]))
    reference = world.one("SELECT reference FROM person WHERE id = :i", i=row.person_id)
    said = call(payment.app, "show", reference, "--as", "an").stdout
    assert "Tháng 10/2026: 750.000 đồng" in said
    assert "tài khoản đã đóng" in said
    assert "Nguyễn" not in said
    story = json.loads(call(payment.app, "show", reference.lower(), "--json").stdout)
    assert story["payments"][0]["state"] == "returned"
    create_user(
        world.ctx, "khac", "Nguoi khac", "030080000031", ["preparer:99999"], "mat-khau-khac-1"
    )
    other = call(payment.app, "show", reference, "--as", "khac")
    unknown = call(payment.app, "show", "0000000000", "--as", "khac")
    assert (other.exit_code, other.stderr) == (unknown.exit_code, unknown.stderr)
    assert other.exit_code == 3


def test_reconcile_lists_what_is_open(month: Month):
    month.take(month.statement([Entry("DBIT", 77, text="khong ro")]))
    app = reconcile_app()
    said = json.loads(call(app, "--json").stdout)
    assert [b["kind"] for b in said["breaks"]] == ["no_id"]
    assert said["decided"]["waiting"] == 1
    assert "77 đồng" in call(app).stdout
    late = json.loads(call(app, "--day", "2026-10-20", "--json").stdout)
    assert [o["orders"] for o in late["overdue_rosters"]] == [2]
