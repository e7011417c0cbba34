"""An old national register on a list: a warning that is signed with it; for deaths, a stop."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from disbursement.beneficiaries.holds import check_deaths
from disbursement.beneficiaries.national.freshness import Policy, set_register_policy, status
from disbursement.identity.service import create_user
from disbursement.platform.errors import NotAllowedError, NotNowError, RefusedError, UsageError
from disbursement.runs import papers, service
from tests.beneficiaries.national.files import given, there
from tests.cli.conftest import Type, typed
from tests.documents.papers import said
from tests.runs.world import PAYER, SECRET, Person, World, add_people

__all__ = ["typed"]

K6 = {"clause": "K6", "degree": "S", "certificate_date": date(2023, 5, 10)}


@pytest.fixture
def strict(world: World) -> World:
    """A payer for whom the default holds: no list without a fresh answer about deaths."""
    add_people(world, [Person(date(1960, 3, 5), K6)])
    service.set_budget(
        world.ctx, payer=PAYER, programme="SA", year=2026, amount_vnd=100_000_000,
        decision_number="1/QD", decision_date=date(2026, 1, 5), actor="chi",
    )  # fmt: skip
    with world.ctx.cell.begin() as conn:
        conn.execute(text("DELETE FROM register_policy"))
    return world


def answer(folder: Path, *rows: dict[str, str]) -> Path:
    return given(
        "deaths",
        folder / "deaths.csv",
        rows or ({"identity": "025080000001", "died_on": "01/08/2026"},),
    )


def prepare(world: World, month: int = 202610) -> service.RunResult:
    return service.prepare(world.ctx, month, world.signers["an"])


def test_no_answer_about_deaths_no_list(strict: World, tmp_path: Path) -> None:
    with pytest.raises(NotNowError) as refused:
        prepare(strict)
    assert refused.value.code == "register_missing"
    assert PAYER in refused.value.sentence
    assert "disburse register check TỆP" in refused.value.sentence
    assert strict.rows("SELECT count(*) FROM pay_list") == [(0,)]
    check_deaths(strict.ctx, answer(tmp_path), "an")
    assert prepare(strict).minted_vnd == 1_000_000


def test_whoever_came_after_the_answer_is_looked_up_in_it_when_the_list_is_made(
    strict: World, tmp_path: Path
) -> None:
    file = answer(tmp_path, {"identity": "031060000002", "died_on": "01/08/2026"})
    check_deaths(strict.ctx, file, "an")
    assert add_people(strict, [Person(date(1960, 3, 5), K6)]) == [2]
    done = prepare(strict)
    assert (done.minted_vnd, done.held) == (1_000_000, 1)
    assert strict.rows("SELECT person_id, reason, fact_digest FROM hold") == [
        (2, "dead", "2026-08-01")
    ]
    assert strict.rows("SELECT person_id, died_on FROM death_notice") == [(2, "2026-08-01")]


def test_an_old_answer_stops_preparing_and_checking(strict: World, tmp_path: Path) -> None:
    file = answer(tmp_path)
    check_deaths(strict.ctx, file, "an", as_of=date(2026, 9, 9))  # fifteen days before
    assert prepare(strict).minted_vnd == 1_000_000
    strict.clock.set(date(2026, 9, 25))
    with pytest.raises(NotNowError) as refused:
        service.sign_all(strict.ctx, 202610, "check", strict.signers["binh"])
    assert refused.value.code == "register_old"
    assert "của ngày 09/09/2026, quá 15 ngày" in refused.value.sentence
    assert strict.rows("SELECT DISTINCT state FROM pay_list") == [("prepared",)]
    check_deaths(strict.ctx, file, "an")  # the old file once more makes nothing young
    with pytest.raises(NotNowError):
        service.sign_all(strict.ctx, 202610, "check", strict.signers["binh"])
    check_deaths(strict.ctx, file, "an", as_of=date(2026, 9, 25))
    assert service.sign_all(strict.ctx, 202610, "check", strict.signers["binh"]) == 1


def test_an_extract_of_the_population_database_answers_about_deaths(
    strict: World, tmp_path: Path
) -> None:
    from disbursement.beneficiaries.national.service import import_national

    file = given("population", tmp_path / "p.csv", [there(1, commune=PAYER)])
    import_national(strict.ctx, "population", file, actor="an", payer=PAYER)
    assert prepare(strict).minted_vnd == 1_000_000


def test_the_warnings_are_on_the_list_its_sheet_and_the_status(
    strict: World, tmp_path: Path, typed: Type
) -> None:
    from disbursement.beneficiaries.national.service import import_national

    check_deaths(strict.ctx, answer(tmp_path), "an")
    poor = given(
        "poor", tmp_path / "poor.csv", [there(1, commune=PAYER, code="H", household="Nghèo")]
    )
    import_national(strict.ctx, "poor", poor, actor="an", as_of=date(2026, 7, 23))  # 63 days
    prepare(strict)
    [[list_id]] = strict.rows("SELECT id FROM pay_list")
    assert strict.rows("SELECT register, state, as_of, max_age_days FROM list_warning ORDER BY register") == [
        ("cases", "missing", None, 35), ("children", "missing", None, 92),
        ("merit", "missing", None, 35), ("poor", "old", "2026-07-23", 62),
        ("population", "missing", None, 92),
    ]  # fmt: skip
    [row] = typed("run", "status", "--month", "2026-10", "--json", day="2026-09-24").json
    assert [(w["register"], w["state"], w["as_of"]) for w in row["warnings"]] == [
        ("population", "missing", None), ("cases", "missing", None), ("poor", "old", "2026-07-23"),
        ("merit", "missing", None), ("children", "missing", None),
    ]  # fmt: skip
    lines = typed("run", "status", "--month", "2026-10", day="2026-09-24").out.splitlines()
    assert lines[0].endswith("cảnh báo 5")
    poor_words = "Danh sách hộ nghèo, hộ cận nghèo: của ngày 23/07/2026, quá 62 ngày."
    assert f"Cảnh báo: {poor_words}" in lines
    pdf, book = papers.write_sheet(strict.ctx, list_id, tmp_path)
    assert poor_words in said(pdf.read_bytes())
    assert book.exists()


def test_a_payer_decides_otherwise(strict: World, tmp_path: Path) -> None:
    create_user(strict.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    done = set_register_policy(strict.ctx, PAYER, "deaths", when_old="warn", actor="quan")
    assert done == Policy(15, "warn")
    prepare(strict)
    assert ("deaths", "missing") in strict.rows("SELECT register, state FROM list_warning")
    assert set_register_policy(
        strict.ctx, PAYER, "deaths", when_old="stop", max_age_days=40, actor="quan"
    ) == Policy(40, "stop")
    check_deaths(strict.ctx, answer(tmp_path), "an", as_of=date(2026, 8, 15))
    assert prepare(strict).lists == 1
    set_register_policy(strict.ctx, PAYER, "poor", when_old="off", actor="quan")
    prepare(strict)
    assert ("poor",) not in strict.rows(
        "SELECT register FROM list_warning w JOIN pay_list l ON l.id = w.list_id "
        "WHERE l.state <> 'void'"
    )
    events = strict.rows("SELECT count(*) FROM audit_event WHERE action = 'register_policy_set'")
    set_register_policy(strict.ctx, PAYER, "poor", when_old="off", actor="quan")  # nothing new
    assert events == [(3,)]
    assert (
        strict.rows("SELECT count(*) FROM audit_event WHERE action = 'register_policy_set'")
        == events
    )
    with pytest.raises(NotAllowedError):
        set_register_policy(strict.ctx, PAYER, "deaths", when_old="off", actor="an")
    with pytest.raises(UsageError):
        set_register_policy(strict.ctx, PAYER, "deaths", when_old="never", actor="quan")
    with pytest.raises(UsageError):
        set_register_policy(strict.ctx, PAYER, "deaths", max_age_days=-1, actor="quan")
    with pytest.raises(RefusedError):
        set_register_policy(strict.ctx, PAYER, "dead", when_old="off", actor="quan")


def test_the_age_of_each_register(strict: World, tmp_path: Path, typed: Type) -> None:
    check_deaths(strict.ctx, answer(tmp_path), "an", as_of=date(2026, 9, 10))
    ages = {a.register: (a.state, a.age_days, a.rows) for a in status(strict.ctx)}
    assert ages.pop("deaths") == ("fresh", 14, 1)
    assert ages == dict.fromkeys(
        ("population", "cases", "poor", "merit", "children"), ("missing", None, 0)
    )
    told = typed("national", "status", "--json", day="2026-09-24").json
    assert told[0] == {
        "payer": PAYER, "register": "deaths", "state": "fresh", "as_of": "2026-09-10",
        "age_days": 14, "policy": {"max_age_days": 15, "when_old": "stop"}, "rows": 1, "refused": 0,
    }  # fmt: skip
    shown = typed("national", "status", day="2026-09-24").out
    assert shown.splitlines()[2].split("  ")[0] == "deaths"
    typed("national", "status", "--payer", "99999").refused("payer", 3)


def test_the_commands_read_a_file_and_set_a_policy(
    strict: World, tmp_path: Path, typed: Type
) -> None:
    file = answer(tmp_path)
    day = {"day": "2026-09-24"}
    done = typed("national", "import", "deaths", file, "--as", "an", "--json", **day)
    assert (done.json["taken"], done.json["as_of"]) == (1, "2026-09-24")
    again = typed("national", "import", "deaths", file, "--as", "an", **day)
    assert "đã đọc rồi (bản ngày 2026-09-24)" in again.out
    bad = given("population", tmp_path / "p.csv", [there(1, commune="00004")])
    typed("national", "import", "population", bad, "--as", "an", **day).err.startswith(
        "Lỗi [rows_refused]"
    )
    typed("national", "import", "nowhere", file, "--as", "an", **day).refused("profile", 3)
    typed("national", "import", "deaths", file, "--as", "chi", **day).refused("role", 4)
    create_user(strict.ctx, "quan", "Quản trị", "030080000009", ["administrator"], SECRET)
    words = ("payer", "policy", PAYER, "--as", "quan", "--json")
    assert typed(*words, "--register", "poor", "--max-age", "30", **day).json == {
        "payer": PAYER,
        "register": "poor",
        "max_age_days": 30,
        "when_old": "warn",
    }
    typed(*words, "--max-age", "30", **day).refused("policy", 2)
