"""The sample goes through the import like any file, and is refused exactly where planted."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import python_calamine

from disbursement.beneficiaries.holds import check_deaths
from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.payers import create_payers, import_contracts
from disbursement.beneficiaries.service import import_register
from disbursement.platform.clock import SetClock, stamp
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import UsageError
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from disbursement.programmes.communes import communes
from disbursement.sample.writer import SampleReport, write_sample
from ledger.queries import trial_balance
from tests.beneficiaries.world import select
from tests.sample.conftest import PEOPLE, SEED


@pytest.fixture(params=["sqlite", "postgres"])
def ctx(request: pytest.FixtureRequest, tmp_path: Path) -> Context:
    values: dict[str, object] = {"home": tmp_path / "home", "cell": "25", "env": "test"}
    if request.param == "postgres":
        values["DATABASE_URL"] = request.getfixturevalue("pg_cell_url")
    made = open_context(Settings(**values), clock=SetClock(date(2026, 9, 20)))  # type: ignore[arg-type]  # by name
    create_cell(made.database, "25", "Phú Thọ", stamp(made.clock))
    create_payers(made, "25", 202610)
    return made


def planted(sample: SampleReport) -> list[dict[str, str]]:
    with Path(sample.folder, "planted.csv").open(encoding="utf-8") as source:
        return list(csv.DictReader(source))


def test_the_sample_goes_through_the_import(ctx: Context, sample: SampleReport) -> None:
    folder = Path(sample.folder)
    plants = planted(sample)
    assert import_contracts(ctx, folder / "contracts.csv") == 2
    report = import_register(
        ctx, Path(sample.registers[0]), mode="good", actor="an", out_dir=folder / "back"
    )
    # refused: exactly the planted rows, each where it stands
    assert report.errors is not None
    rows = list(python_calamine.load_workbook(report.errors).get_sheet_by_index(0).iter_rows())
    refused = {int(re.match(r"Dòng (\d+) ", str(r[-1]))[1]) for r in rows[1:]}  # type: ignore[index]  # every row has one
    must = {int(p["row"]) for p in plants if p["kind"] in ("duplicated", "bad_identity")}
    assert refused == must
    assert report.refused == len(must) == 12
    # held for the dead: exactly the planted ones
    found = check_deaths(ctx, folder / "deaths.csv", "an")
    assert (found.rows_read, found.found, found.unknown, found.new_holds) == (6, 6, 0, 6)
    # the opening file fits, row by row
    opened = open_register(ctx, folder / "opening.csv", 202609, "an")
    assert (opened.refused, opened.taken, opened.journals) == (0, sample.opening_rows, 2)
    with ctx.cell.read() as conn:
        balance = trial_balance(conn, 1)
    assert balance.debit == balance.credit == opened.amount_vnd
    # the later files, on their days
    for path, day in zip(
        sample.registers[1:], (date(2026, 10, 23), date(2026, 11, 24)), strict=True
    ):
        assert isinstance(ctx.clock, SetClock)
        ctx.clock.set(day)
        late = import_register(ctx, Path(path), mode="all", actor="an")
        assert (late.refused, late.people) == (0, 12)
    # good people exactly: everybody but the planted
    extra = sum(
        n for k, n in sample.planted.items() if k in ("dead", "wrong_name", "shared_account")
    )
    assert select(ctx, "SELECT count(*) FROM person") == [(PEOPLE + extra,)]
    # whoever was opened was paid what the law gives, except decisions of September
    differing = select(
        ctx, "SELECT count(*) FROM dirty d JOIN benefit_case c ON c.person_id = d.sub_id "
        "WHERE d.why = 'opening differs' AND c.decision_date <= '2026-08-31' "
        "AND NOT EXISTS (SELECT 1 FROM benefit_case o WHERE o.person_id = c.person_id "
        "AND o.decision_date > '2026-08-31')",
    )  # fmt: skip
    assert differing == [(0,)]
    assert opened.differing > 0


def test_plants_are_where_the_list_says(sample: SampleReport) -> None:
    rows = list(
        python_calamine.load_workbook(sample.registers[0]).get_sheet_by_index(0).iter_rows()
    )
    identity, account, name = (
        rows[0].index(h) for h in ("Số định danh cá nhân", "Số tài khoản", "Tên chủ tài khoản")
    )
    plants = planted(sample)
    assert Counter(p["kind"] for p in plants) == {
        "dead": 6, "duplicated": 6, "wrong_name": 6, "bad_identity": 6, "shared_account": 6,
    } == sample.planted  # fmt: skip
    for plant in plants:
        assert rows[int(plant["row"]) - 1][identity] == plant["identity"]
    shared = [rows[int(p["row"]) - 1] for p in plants if p["kind"] == "shared_account"]
    assert all(a[account] == b[account] for a, b in zip(shared[::2], shared[1::2], strict=True))
    assert len({r[account] for r in shared}) == 3
    with Path(sample.folder, "bank_truth.csv").open(encoding="utf-8") as source:
        truth = {r["account"]: r for r in csv.DictReader(source)}
    for plant in plants:
        row = rows[int(plant["row"]) - 1]
        if plant["kind"] == "wrong_name":
            assert truth[str(row[account])]["name"] != row[name]
        else:
            assert row[account] not in truth
    wrong = [r for r in truth.values() if r["status"] == "open"]
    assert len(wrong) == 6
    about = json.loads(Path(sample.folder, "planted.json").read_text(encoding="utf-8"))
    assert about["planted"] == sample.planted
    assert about["registers"][0] == "register.xlsx"


def test_shares_and_shapes(sample: SampleReport) -> None:
    rows = list(
        python_calamine.load_workbook(sample.registers[0]).get_sheet_by_index(0).iter_rows()
    )
    head, body = rows[0], rows[1:]
    at = {h: n for n, h in enumerate(head)}
    assert all(communes()[str(r[at["Mã xã"]])].province.code == "25" for r in body)
    assert len({r[at["Mã xã"]] for r in body}) == 2
    # published: 46,503 of 60,894 have an account; 3,000 draws are within three points of it
    share = sample.with_account / PEOPLE
    assert 0.73 < share < 0.80
    ways = Counter(r[at["Hình thức nhận"]] for r in body)
    assert set(ways) == {"Ngân hàng", "Ví điện tử", "Mobile Money", "Tiền mặt"}
    clauses = Counter(r[at["Diện hưởng"]] for r in body)
    assert set(clauses) == {"K1", "K3", "K4", "K5a", "K6", "K7", "K8", "SP"}
    assert clauses["K6"] > clauses["SP"] > clauses["K4"]
    kin = Counter(r[at["Quan hệ của chủ tài khoản"]] for r in body)
    assert kin["Người giám hộ"] > 0
    assert kin["Vợ/chồng"] > 0
    numbers = Counter(len(str(r[at["Số định danh cá nhân"]])) for r in body)
    assert numbers[9] > 0
    births = Counter(len(str(r[at["Ngày sinh"]])) for r in body)
    assert births[4] > 0


def test_the_same_seed_gives_the_same_rows_another_seed_others(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> dict[str, str]:
        write_sample(tmp_path / name, people=300, province="25", seed=seed, form="csv")
        return {p.name: p.read_text(encoding="utf-8") for p in (tmp_path / name).iterdir()}

    first = made("a", SEED)
    assert first == made("b", SEED)
    assert first["register.csv"] != made("c", SEED + 1)["register.csv"]
    assert set(first) == {
        "register.csv", "register-2026-10.csv", "register-2026-11.csv", "opening.csv",
        "deaths.csv", "contracts.csv", "contracts-rails.csv", "budget.csv", "bank_truth.csv", "planted.csv",
        "planted.json", "README.txt",
    }  # fmt: skip
    assert "bịa đặt" in first["README.txt"]


def test_without_later_files_everybody_is_on_the_roll(tmp_path: Path) -> None:
    report = write_sample(tmp_path, people=500, province="01", seed=1, form="csv", late=False)
    assert len(report.registers) == 1
    with Path(report.registers[0]).open(encoding="utf-8") as source:
        rows = list(csv.reader(source))
    assert len(rows) - 1 == report.register_rows
    good = {r[0] for r in rows[1:] if r[0]}
    assert len(good) >= 500


@pytest.mark.parametrize(("people", "payers"), [(0, None), (10, 0), (10, 149)])
def test_impossible_numbers(tmp_path: Path, people: int, payers: int | None) -> None:
    with pytest.raises(UsageError):
        write_sample(tmp_path, people=people, province="25", seed=1, payers=payers)
