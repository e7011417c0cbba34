"""`disburse programme` as it is typed."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Type
from tests.runs.test_list_programmes import DECIDED, decided
from tests.runs.world import PAYER, World

DAY = {"day": "2026-09-24"}


def test_a_decided_list_from_the_file_to_its_budget(
    world: World, typed: Type, tmp_path: Path
) -> None:
    known = {r["code"]: r["line"] for r in typed("programme", "list", "--json", **DAY).json}
    assert known["STUDENT.TERM"] == "STUDENT_TERM"
    assert known["LIST"] == "LIST"
    file = tmp_path / "ncc.csv"
    file.write_text("\n".join((DECIDED, decided(1), decided(2), decided(1))), encoding="utf-8")
    words = ("programme", "import", "LIST", file)
    typed(*words, "--as", "chi", **DAY).refused("role", 4)
    typed("programme", "import", "NOPE", file, "--as", "an", **DAY).refused("programme", 3)
    typed(*words, "--as", "an", "--payer", "99999", **DAY).refused("payer", 3)
    whole = typed(*words, "--as", "an", "--all-or-nothing", **DAY)
    assert whole.code == 3
    assert world.one("SELECT count(*) FROM list_right") == 0
    done = typed(*words, "--as", "an", "--json", **DAY).json
    assert (done["taken"], done["refused"], done["months"]) == (2, 1, 2)
    assert Path(done["errors"]).name == "ncc-khong-nhan.xlsx"
    budget = ("budget", "set", "--payer", PAYER, "--year", 2026, "--amount", "9000000")
    paper = ("--number", "1/QD", "--date", "2026-01-05", "--as", "chi")
    typed(*budget, "--programme", "ELEC", *paper, **DAY).refused("budget_programme", 3)
    assert typed(*budget, "--programme", "LIST", *paper, **DAY).code == 0
    said = typed("run", "prepare", "--month", "2026-10", "--as", "an", "--json", **DAY).json
    assert (said["lists"], said["payments"], said["total_vnd"]) == (1, 2, 2 * 2_789_000)
    (row,) = typed("run", "status", "--month", "2026-10", "--json", **DAY).json
    assert (row["programme"], row["state"]) == ("LIST", "prepared")
    assert typed("doctor", **DAY).code == 0


def test_a_file_that_is_no_list_is_refused_whole(world: World, typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(DECIDED.replace("Số tiền", "Tiền") + "\n" + decided(1), encoding="utf-8")
    typed("programme", "import", "LIST", file, "--as", "an", **DAY).refused("column_unknown", 3)
    typed("programme", "import", "ELEC", file, "--as", "an", **DAY).refused("column_unknown", 3)
    assert world.one("SELECT count(*) FROM import_file") == 0
