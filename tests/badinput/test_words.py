"""Words that are no command, and files of another kind, for every command there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer

from disbursement.cli.app import app
from tests.badinput.office import BANK, NEW, A, Office
from tests.beneficiaries.world import csv_file, person

At = Callable[[str], Office]
pytestmark = pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
HUGE = "9" * 30


def commands(
    group: Any = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every command with the words that lead to it."""
    group = group or typer.main.get_command(app)
    for name, one in sorted(group.commands.items()):
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name), one


EVERY = list(commands())


def before(one: Any, param: Any) -> list[str]:
    """Return a word for each argument that stands before a parameter."""
    arguments = [p for p in one.params if p.param_type_name == "argument"]
    return ["x"] * arguments.index(param)


def test_every_command_refuses_words_it_does_not_know(stages: At) -> None:
    office = stages("ready")
    for path, _ in EVERY:
        for word in ("--khong-co", "-q"):
            office.refused("usage", 2, *path, word, says=f"`disburse {' '.join(path)} --help`")
        office.refused("usage", 2, *path, "một\x1b[2Jhai", says="ký tự điều khiển")
    for words in ((), ("bay",), ("run", "bay"), ("--khong-co",), ("run", "\udcff")):
        office.refused("usage", 2, *words)


def test_every_command_names_what_is_missing(stages: At) -> None:
    office = stages("ready")
    asked = 0
    for path, one in EVERY:
        if any(p.required for p in one.params):
            office.refused("usage", 2, *path, says="Thiếu ")
            asked += 1
    assert asked > 30


def test_a_number_is_a_number(stages: At) -> None:
    """Words in the place of a number; a number that no row can have."""
    office = stages("ready")
    numbers = 0
    for path, one in EVERY:
        for param in one.params:
            if param.type_descriptor.annotation is not int:
                continue
            numbers += 1
            name = max(param.opts, key=len)
            word = [name, "hai"] if name.startswith("--") else [*before(one, param), "hai"]
            office.refused("usage", 2, *path, *word, says="số nguyên")
    assert numbers > 15
    for words in (
        ("run", "sheet", HUGE),
        ("cash", "return", HUGE, "--copies", "0", "--as", "em"),
        ("register", "release", HUGE, "--document", "x", "--as", "an"),
        ("budget", "show", "--year", HUGE),
        ("budget", "show", "--year", "-1"),
        ("serve", "--port", "0"),
    ):
        office.refused("usage", 2, *words, says="khoảng cho phép")
    for words in (("rates", "diff", HUGE), ("rates", "approve", HUGE, "--as", "chi")):
        office.refused("rate_version", 3, *words, says="rates list")
    office.refused("sub", 3, "ledger", "statement", "--sub", HUGE, says="kiểm tra lại số")


@pytest.mark.parametrize(
    ("words", "code", "exit_code", "says"),
    [
        (("sample", "--people", "0", "--province", "25", "--seed", "1"), "people", 2, "từ 1"),
        (("sample", "--people", HUGE, "--province", "25", "--seed", "1"), "people", 2, "đến"),
        (("sample", "--people", "9", "--province", "99", "--seed", "1"), "province_unknown", 3, ""),
        (("demo", "--db", "oracle"), "db", 2, "postgres"),
        (("bench", "month", "--people", "9", "--form", "pdf"), "form", 2, "xlsx"),
        (("bench", "post", "--lines", "0"), "lines", 2, "9.999.999"),
        (("cell", "create", "2"), "province_unknown", 3, "2 chữ số"),
        (("simulate", "bank", "--provider", "../../x"), "provider", 3, "payer list"),
        (("simulate", "bank", "--provider", BANK, "--profile", "x"), "profile", 2, "steady"),
        (("reconcile", "--day", "0001-01-01"), "day", 2, "từ năm 2000 đến 2100"),
        (("reconcile", "--day", ""), "day", 2, "--day phải viết"),
        (("token", "an", "--hours", "0"), "passphrase", 2, "--passphrase-file"),
        (("ledger", "verify", "--head", "x"), "head", 2, "64 ký tự hex"),
        (("users", "roles", "an", "--role", "checker:99999", "--as", "quan"), "commune_unknown",
         3, "99999"),
        (("users", "roles", "an", "--role", "vua", "--as", "quan"), "role", 3, "preparer"),
        (("users", "roles", "quan", "--role", "checker", "--as", "quan"), "last_administrator", 4,
         "duy nhất"),
        (("users", "stop", "quan", "--as", "quan"), "last_administrator", 4, "duy nhất"),
        (("users", "stop", "an", "--as", "an"), "role", 4, "quản trị"),
        (("users", "stop", "an"), "actor", 4, "--as"),
        (("register", "payers", "--go-live", "2026-11"), "go_live", 4, "10/2026"),
        (("register", "payers", "--go-live", "2026-10", "--province", ""), "other_province", 3, ""),
        (("register", "release", "9", "--document", "x", "--as", "an"), "hold", 3, "số 9"),
        (("budget", "show", "--year", "2030"), "no_budget", 3, "năm 2030"),
        (("payer", "policy", A, "--as", "quan"), "policy", 2, "--scan-required"),
        (("payer", "policy", A, "--scan-required", "?", "--as", "quan"), "policy", 2, "yes"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be(
    stages: At, words: tuple[str, ...], code: str, exit_code: int, says: str
) -> None:
    stages("ready").refused(code, exit_code, *words, says=says)


@pytest.mark.parametrize(
    ("today", "says"),
    [("mai", "dạng 2026-10-05"), ("", "dạng 2026-10-05"), ("9999-12-31", "từ năm 2000 đến 2100")],
)
def test_a_day_that_is_none(stages: At, today: str, says: str) -> None:
    office = stages("ready")
    words = ("--today", today, "payer", "list")
    office.refused("clock", 2, *words, says=says)
    office.refused("clock", 2, "payer", "list", env="production", says="production")


# --- files ---------------------------------------------------------------------------------------

IMPORTS: dict[str, Callable[[Any], tuple[object, ...]]] = {
    "register": lambda f: ("register", "import", f, "--as", "an"),
    "opening": lambda f: ("register", "open", f, "--through", "2026-09", "--as", "an"),
    "deaths": lambda f: ("register", "check", f, "--as", "an"),
    "contracts": lambda f: ("register", "contracts", f),
    "budget": lambda f: ("budget", "import", f, "--as", "chi"),
}


@pytest.mark.parametrize("kind", sorted(IMPORTS))
def test_a_table_that_is_none(stages: At, kind: str) -> None:
    """What is wrong inside a table is tested where it is read (tests/beneficiaries)."""
    office = stages("ready")
    semicolons = csv_file(office.folder / "phay.csv", [person(1, **NEW)], delimiter=";")
    old = csv_file(office.folder / "cu.csv", [person(1, **NEW)])
    old.write_bytes("Số định danh cá nhân,Họ và tên\n1,Nguyễn\n".encode("utf-16"))
    single = office.file("1258.csv", "Họ và tên\nĐ\n".replace("ọ", "o").encode("cp1258"))
    cases: list[tuple[Any, str]] = [
        (office.file("trong.csv", ""), "no_rows"),
        (office.file("la.csv", "a,b\n1,2\n"), "column_unknown"),
        (single, "encoding"),
        (semicolons, "semicolons"),
        (old, "encoding"),
        (office.file("ngoac.csv", '"Họ và tên\n'), "broken_csv"),
        (office.file("trong.xlsx", ""), "broken_workbook"),
        (office.file("chu.xlsx", "xin chào"), "broken_workbook"),
        (office.folder, "no_file"),
        (office.folder / "khong-co.csv", "no_file"),
    ]
    for path, code in cases:
        office.refused(code, 3, *IMPORTS[kind](path), says=path.name if code == "no_file" else "")


def test_who_may_not_import(stages: At) -> None:
    office = stages("ready")
    register = csv_file(office.folder / "r.csv", [person(1, **NEW)])
    for who, code, exit_code in (("chi", "role", 4), ("la", "role", 4), ("ai", "user", 3)):
        office.refused(code, exit_code, "register", "import", register, "--as", who)
    office.refused("payer", 3, *IMPORTS["register"](register), "--payer", "99999")
    office.refused("encoding", 2, *IMPORTS["register"](register), "--encoding", "latin-1")


def test_a_dossier_and_a_rate_file_that_are_none(stages: At) -> None:
    office = stages("ready")
    for name, data in (("a.json", ""), ("a.json", b"\xff"), ("a.json", "[" * 50_000)):
        office.refused("dossier", 3, "explain", office.file(name, data), says="JSON")
    for data in ("", "a,b\n1,2\n", b"\xff\xfe"):
        path = office.file("rates.csv", data)
        office.refused("rate_file", 3, "rates", "import", path, "--as", "chi", says="rates.csv")
    for path in (office.folder, office.folder / "khong-co"):
        office.refused("file", 2, "explain", path, says=path.name)
        office.refused("file", 2, "rates", "import", path, "--as", "chi", says=path.name)
