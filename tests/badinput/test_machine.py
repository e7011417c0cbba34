"""A machine that does not play along: books that another process writes, a disk that is full."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from disbursement.platform import database
from disbursement.platform.failures import explain
from tests.badinput.desk import Said
from tests.badinput.office import NEW, PEOPLE, A, Office, budget, first_statement
from tests.beneficiaries.world import csv_file, person

At = Callable[[str], Office]
OCTOBER = ("--month", "2026-10")
PREPARE = ("run", "prepare", *OCTOBER)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system refuse every file beyond so many bytes, as a full disk would in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_room_for(suffix: str, nth: int = 1) -> Iterator[None]:
    """Let the disk be full when the nth file with this suffix is to be kept; the rest works."""
    real, seen = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal seen
        if suffix in Path(f"/proc/self/fd/{handle}").readlink().name:
            seen += 1
            if seen == nth:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield
    assert seen >= nth, f"no {suffix} was written"


# --- no room on the disk -------------------------------------------------------------------------


@pytest.mark.parametrize("nth", [1, 2])
def test_no_room_for_an_order_file(at: At, nth: int) -> None:
    """Where the second file of a preparation has no room, the first one does not stay either."""
    office = at("ready")
    with no_room_for(".xml", nth):
        office.refused("disk_full", 4, *PREPARE, *office.by("an"), says="giải phóng dung lượng")
    assert not list((office.home / "files").rglob("*.xml"))
    office.well(*PREPARE, *office.by("an"))


@pytest.mark.parametrize(
    ("stage", "suffix", "words"),
    [
        ("prepared", ".pdf", ("run", "sheet", "1")),
        ("prepared", ".xlsx", ("run", "sheet", "1")),
        ("sent", ".pdf", ("cash", "roster", *OCTOBER, "--payer", A)),
        ("sent", ".xlsx", ("cash", "roster", *OCTOBER, "--payer", A)),
        ("sent", ".csv", ("simulate", "desk")),
    ],
)
def test_no_room_for_a_paper(stages: At, stage: str, suffix: str, words: tuple[str, ...]) -> None:
    office = stages(stage)
    with no_room_for(suffix):
        office.refused("disk_full", 4, *words, says=suffix)


def test_no_room_for_evidence(stages: At) -> None:
    """What cannot be kept is not read: not even its arrival is on record."""
    office = stages("sent")
    statement = office.file("next.xml", first_statement(office) + b"\n")
    with no_room_for(".part"):
        office.refused("disk_full", 4, "statement", "import", statement, "--as", "an")


def test_no_room_for_the_rows_that_come_back(stages: At) -> None:
    office = stages("ready")
    rows = [person(30, **NEW), person(31, sex="?")]
    register = csv_file(office.folder / "r.csv", rows)
    words = ("register", "import", register, "--as", "an", "--out", office.folder / "back")
    with no_room_for(".xlsx"):
        office.refused("disk_full", 4, *words, says=".xlsx")


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_no_room_for_the_books(at: At) -> None:
    office = at("ready")
    with largest_file(40_000):
        said = office.run(*PREPARE, *office.by("an"))
    assert (said.code, said.out) == (4, ""), said
    assert said.err == (
        "Lỗi [disk_full]: Hết chỗ trên đĩa khi ghi sổ: chưa có gì thay đổi, hãy giải phóng dung "
        "lượng rồi làm lại.\n"
    )
    assert office.one("SELECT count(*) FROM run") == 0
    assert not list((office.home / "files").rglob("*.xml"))
    office.well(*PREPARE, *office.by("an"))


def test_no_room_on_the_servers_disk_is_the_same_sentence() -> None:
    full = OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file"))
    known = explain(full)
    assert known is not None
    assert (known.code, known.exit_code) == ("disk_full", 4)
    assert "giải phóng dung lượng" in known.sentence


# --- two processes -------------------------------------------------------------------------------

HOLD = """
import sqlite3, sys
books = sqlite3.connect(sys.argv[1], isolation_level=None)
books.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_books_that_another_process_writes(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    office = at("prepared")
    monkeypatch.setattr(database, "BUSY_MS", 50)
    path = office.database.path("cell_25")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        check = ("run", "check", *OCTOBER, *office.by("binh"))
        for words in (check, budget(A, number="2/QĐ"), (*PREPARE, *office.by("an"))):
            office.refused("busy", 4, *words, says="đợi việc kia xong")
        office.well("run", "status", *OCTOBER)  # reading goes on
        other.communicate("")
    office.well(*check)


def at_once(office: Office, *words: object) -> list[Said]:
    """Type the same command in two processes at once; the one that did it comes first."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DISBURSE_")}
    env |= {"DISBURSE_ENV": "test"} | ({"DATABASE_URL": office.url} if office.url else {})
    typed = [
        sys.executable, "-c", "from disbursement.cli import main; main()",
        "--home", office.home, "--cell", "25", "--today", office.day, *words,
    ]  # fmt: skip
    two = [
        subprocess.Popen(
            list(map(str, typed)), env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [(*p.communicate(timeout=60), p.returncode) for p in two]
    return sorted((Said(code, out, err) for out, err, code in told), key=lambda said: said.code)


RACES: dict[str, tuple[str, Callable[[Office], tuple[object, ...]], str]] = {
    "prepare": ("ready", lambda o: (*PREPARE, *o.by("an")), "list_unchanged"),
    "draw": ("released", lambda o: o.draw(A), "drawn"),
    "budget": ("released", lambda o: budget(A, number="2/QĐ"), "budget_repeated"),
    "plan": ("sent", lambda o: ("cash", "plan", *OCTOBER, *o.by("an")), "nothing_failed"),
    "hand over": (
        "sent", lambda o: ("cash", "pay", o.batch_of(A, "cash")[2][1].e2e, "--as", "em"),
        "already_paid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("archive", ["postgres"], indirect=True)
@pytest.mark.parametrize("race", sorted(RACES))
def test_two_processes_do_the_same(at: At, race: str) -> None:
    """On PostgreSQL; SQLite has one writer, and what a second one hears is tested above."""
    stage, words, code = RACES[race]
    office = at(stage)
    first, second = at_once(office, *words(office))
    assert (first.code, first.err) == (0, ""), (first, second)
    assert (second.code, second.out, second.err.count("\n")) == (4, "", 1), second
    assert second.err.startswith(f"Lỗi [{code}]: "), second
    office.well("doctor")


@pytest.mark.parametrize("archive", ["postgres"], indirect=True)
def test_two_processes_import_the_same_file(at: At) -> None:
    office = at("ready")
    register = csv_file(office.folder / "more.csv", [person(50, **NEW)])
    both = at_once(office, "register", "import", register, "--as", "an")
    assert [s.code for s in both] == [0, 0], both
    assert sorted(s.out.split(":")[0] for s in both) == ["Tệp này đã nhập rồi", "Đã đọc 1 dòng"]
    assert office.one("SELECT count(*) FROM person") == len(PEOPLE) + 1


def test_two_workers_send_each_batch_once(at: At) -> None:
    office = at("released")
    both = at_once(office, "worker", "--once")
    assert [s.code for s in both] == [0, 0], both
    sent = [line for s in both for line in s.out.splitlines() if line.startswith("send: gửi 1")]
    assert len(sent) == 1, both
    assert office.rows("SELECT tries FROM outbox WHERE state = 'done'") == [(0,), (0,)]
