"""The demo looked at by an outsider who wants to find it lying.

Its figures are held to the ledger's lines, to the simulated bank's own books and to the desks'
lists; who was paid what, to the register and the shipped rates; then where it lives, what it may
clear and what it lets out. One file: each database is run once per worker.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from sqlalchemy import text

from disbursement.demo.service import run_demo
from disbursement.platform.database import Database
from disbursement.platform.errors import RefusedError
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from tests.demo import plain
from tests.demo.conftest import LEFT_BEHIND, MONTHS, PAYERS, PEOPLE, Ran

COUNTS = (
    "people", "entitled", "carried_in", "sent", "credited", "rejected", "returned", "unknown",
    "cash_orders", "cash_collected", "carried", "held",
)  # fmt: skip
RAIL_PAID = "SELECT id FROM booked WHERE rejected = 0 AND back_code = ''"
RAIL_PAID_AMOUNT = RAIL_PAID.replace("SELECT id", "SELECT id, amount")
RAILS = ("MOBIFONE", "MOMO", "PAYOS", "VBA", "ZALOPAY", "cash")
KINDS = {"bad_identity", "duplicated", "dead", "shared_account", "wrong_name"}


def moved(demo: Ran, month: int, debit: str, credit: str) -> int:
    """Sum the ledger's lines between two kinds of account in the journals of a run month."""
    return demo.one(
        "SELECT sum(l.amount) FROM line l JOIN journal j ON j.id = l.journal_id "
        "JOIN account d ON d.id = l.debit_account JOIN account c ON c.id = l.credit_account "
        "WHERE j.month = :m AND d.kind = :d AND c.kind = :c",
        m=month, d=debit, c=credit,
    )  # fmt: skip


def payable(demo: Ran, month: int) -> int:
    """Return what lies in payable at the end of a run month, from the lines."""
    return demo.one(
        "SELECT sum(CASE WHEN c.kind = 'payable' THEN l.amount ELSE 0 END) "
        "- sum(CASE WHEN d.kind = 'payable' THEN l.amount ELSE 0 END) "
        "FROM line l JOIN journal j ON j.id = l.journal_id JOIN account d "
        "ON d.id = l.debit_account JOIN account c ON c.id = l.credit_account WHERE j.month <= :m",
        m=month,
    )


def test_every_key_of_the_contract_is_there_and_of_its_type(demo: Ran) -> None:
    summary = demo.summary
    assert set(summary) == {
        "months", "trial_balance_ok", "chain_ok", "planted_faults", "faults_found", "faults",
        "clean_held",
        "seconds", "peak_rss_mb", "funnel", "database", "rails",
    }  # fmt: skip
    assert [m["month"] for m in summary["months"]] == list(MONTHS)
    for month in summary["months"]:
        assert set(month) == {"month", "owed_vnd", *COUNTS, *(f"{c}_vnd" for c in COUNTS)}
        assert {type(v) for v in month.values()} == {int}
        assert min(month.values()) >= 0
    assert (summary["trial_balance_ok"], summary["chain_ok"]) == (True, True)
    assert set(summary["faults"]) == KINDS
    for judged in summary["faults"].values():
        assert set(judged) == {"planted", "found", "false_alarms"}
        assert {type(v) for v in judged.values()} == {int}
    for name in ("planted_faults", "faults_found", "peak_rss_mb"):
        assert type(summary[name]) is int
    assert all(type(v) in (int, float) and v >= 0 for v in summary["seconds"].values())
    assert {"sample", "import", "prepare", "approve", "send", "verify"} <= set(summary["seconds"])
    assert summary["peak_rss_mb"] > 50
    assert set(summary["funnel"]) == {"people", "with_account", "sent", "credited"}
    assert {type(v) for v in summary["funnel"].values()} == {int}


def test_every_rail_paid_and_nobody_waits_for_one(demo: Ran) -> None:
    rails = demo.summary["rails"]
    assert sorted(rails) == sorted(RAILS)
    for name, counts in rails.items():
        assert set(counts) == {"sent", "credited", "rejected", "returned", "unknown"}
        assert counts["credited"] > 0, name
        assert counts["unknown"] == 0, name
        assert counts["sent"] == counts["credited"] + counts["rejected"] + counts["returned"]
    for what, key in (("sent", "cash_orders"), ("credited", "cash_collected")):
        assert rails["cash"][what] == sum(demo.month(m)[key] for m in MONTHS)
        called = sum(counts[what] for name, counts in rails.items() if name != "cash")
        assert called == sum(demo.month(m)[what] for m in MONTHS)
    assert demo.rows("SELECT person_id FROM hold WHERE reason LIKE 'rail%'") == []
    assert demo.rows("SELECT person_id FROM list_hold WHERE reason LIKE 'rail%'") == []


def test_the_page_names_every_key_and_stage(sqlite_demo: Ran) -> None:
    page = (Path(__file__).parents[2] / "docs" / "demo.md").read_text("utf-8")
    summary = sqlite_demo.summary
    keys = {*summary, "month", "owed_vnd", *COUNTS, *summary["seconds"], *summary["funnel"]}
    keys |= KINDS | {"planted", "found", "false_alarms"}
    assert sorted(k for k in keys if f"`{k}`" not in page) == []


@pytest.mark.parametrize("month", MONTHS)
def test_no_dong_appears_or_vanishes_in_a_month(demo: Ran, month: int) -> None:
    said = demo.month(month)
    start, end = payable(demo, month - 1), payable(demo, month)
    minted = moved(demo, month, "expense", "payable") - moved(demo, month, "payable", "expense")
    credited = moved(demo, month, "transit", "paid") - moved(demo, month, "paid", "payable")
    collected = moved(demo, month, "agent", "paid")
    assert start + minted == credited + collected + end
    assert minted == said["owed_vnd"] > 0
    assert credited == said["credited_vnd"] > 0
    assert collected == said["cash_collected_vnd"] > 0
    right = demo.one(
        "SELECT sum(h.amount_vnd) FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
        "WHERE l.month = :m AND l.state = 'closed' AND h.kind = 'right'",
        m=month,
    )
    held = said["held_vnd"] - right  # owed, not paid out: account or rail
    assert end == said["carried_vnd"] + held
    earlier = demo.month(month - 1) if month > MONTHS[0] else None
    held_before = payable(demo, month - 1) - (earlier["carried_vnd"] if earlier else 0)
    assert start == said["carried_in_vnd"] + held_before
    assert said["entitled_vnd"] == minted + start
    assert said["unknown"] == said["unknown_vnd"] == 0
    for kind in ("transit", "agent"):
        assert moved(demo, month, "payable", kind) == moved(demo, month, kind, "paid") + moved(
            demo, month, kind, "payable"
        )


@pytest.mark.parametrize("month", MONTHS)
def test_no_payment_appears_or_vanishes_in_a_month(demo: Ran, month: int) -> None:
    said = demo.month(month)
    right = demo.one(
        "SELECT count(DISTINCT h.person_id) FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
        "WHERE l.month = :m AND l.state = 'closed' AND h.kind = 'right'",
        m=month,
    )
    # the dead, and who has no identity number
    assert right == 1 + len(demo.register.get("", []))
    assert said["entitled"] == (
        said["credited"] + said["cash_collected"] + said["carried"] + said["held"] - right
    )
    # what the bank refused or gave back, and cash by choice, is what the desks were asked for
    by_choice = demo.one(
        "SELECT count(*) FROM payment p JOIN pay_list l ON l.id = p.list_id WHERE l.month = :m "
        "AND l.state = 'closed' AND p.rail = 'cash' AND p.hold_reason = ''",
        m=month,
    )
    assert said["sent"] == said["credited"] + said["rejected"] + said["returned"]
    # and what another rail refused once its money was moved to where cash is paid; else it waits
    moved_here = demo.one(
        "SELECT sum(payments) FROM advance_move WHERE month = :m AND state = 'posted'", m=month
    )
    waits = -moved_here + demo.one(
        "SELECT count(*) FROM attempt_news a JOIN batch b ON b.id = a.batch_id JOIN provider v "
        "ON v.id = b.provider_id WHERE b.month = :m AND v.code <> 'VBA' AND b.rail <> 'cash' "
        "AND a.state IN ('rejected', 'returned')",
        m=month,
    )
    assert said["cash_orders"] == by_choice + said["rejected"] + said["returned"] - waits
    assert said["cash_orders"] == said["cash_collected"] + said["carried"] - waits


def test_what_is_carried_comes_in_again(demo: Ran) -> None:
    october, november, december = (demo.month(m) for m in MONTHS)
    assert october["carried_in"] == october["carried_in_vnd"] == 0
    assert november["carried_in"] == october["carried"] > 0
    assert november["carried_in_vnd"] == october["carried_vnd"]
    assert december["carried_in"] == november["carried"] > 0
    assert december["carried_in_vnd"] == november["carried_vnd"]


def test_the_bank_paid_nobody_twice(demo: Ran) -> None:
    assert demo.bank(
        "SELECT end_to_end FROM told WHERE paid = 1 AND back = 0 GROUP BY end_to_end "
        "HAVING count(*) > 1"
    ) == []  # fmt: skip
    booked: Counter[str] = Counter()
    for reference, side in demo.bank("SELECT end_to_end, side FROM booked"):
        if reference != "NOTPROVIDED":
            booked[reference] += 1 if side == "DBIT" else -1
    assert set(booked.values()) <= {0, 1}
    by_call = [order for (order,) in demo.rails(RAIL_PAID)]
    assert len(by_call) == len(set(by_call)) > 20
    paid = {reference for reference, n in booked.items() if n == 1}
    assert not paid & set(by_call)
    paid |= set(by_call)
    handed = set()
    for path in (demo.home / "reports").glob("ket-qua-*.csv"):
        for reference, _, day, _ in list(csv.reader(path.open(encoding="utf-8")))[1:]:
            if day:
                assert reference not in handed
                handed.add(reference)
    assert not handed & set(demo.post())
    handed |= set(demo.post())
    # one coin, one way out: over all months, bank and desks together
    coins: Counter[tuple[Any, ...]] = Counter()
    out = 0
    for reference, sub, cover, item, amount in demo.rows(
        "SELECT r.end_to_end_id, c.sub_id, c.cover, c.item, c.amount_vnd FROM batch_row r "
        "JOIN payment_coin c ON c.payment_id = r.payment_id"
    ):
        if reference in paid or reference in handed:
            coins[sub, cover, item] += 1
            out += amount
    assert set(coins.values()) == {1}
    assert out == sum(m["credited_vnd"] + m["cash_collected_vnd"] for m in demo.summary["months"])


def test_the_bank_holds_what_our_books_say(demo: Ran) -> None:
    contracts = list(csv.DictReader((demo.home / "sample/contracts.csv").open(encoding="utf-8")))
    ours = dict(demo.rows("SELECT code, debit - credit FROM account WHERE kind = 'paid'"))
    others = {c for c in ours if c.startswith("advance.") and not c.endswith(".VBA")}
    assert {c.rpartition(".")[2] for c in others} == set(RAILS) - {"VBA", "cash"} | {"VNPOST"}
    for code in sorted(others):  # what was drawn to them is paid or given back at the year's end
        put, taken = demo.rows("SELECT debit, credit FROM account WHERE code = :c", c=code)[0]
        assert put == taken > 0
    theirs = dict(demo.bank("SELECT number, balance FROM account"))
    assert {
        f"advance.{c['Mã xã']}.VBA": theirs.get(c["Tài khoản tiền gửi"], 0)
        for c in contracts
    } == {c: v for c, v in ours.items() if c.startswith("advance.") and c not in others}  # fmt: skip
    summed = demo.bank(
        "SELECT account, sum(CASE side WHEN 'CRDT' THEN amount ELSE -amount END) FROM booked "
        "GROUP BY account"
    )
    assert dict(summed) == theirs
    for account, balance in theirs.items():  # and every statement it wrote was taken in
        last = demo.rows(
            "SELECT s.closing_vnd FROM bank_statement s JOIN provider_contract c "
            "ON c.id = s.contract_id WHERE c.deposit_account_blind = :b "
            "ORDER BY s.sequence DESC LIMIT 1",
            b=demo.ctx.keys.blind("account", f"VBAAVNVX{account}"),
        )
        assert last == [(balance,)]


def test_the_bank_debited_what_we_say_was_credited(demo: Ran) -> None:
    month_of = dict(demo.rows("SELECT message_id, month FROM batch WHERE rail = 'bank'"))
    debited: Counter[int] = Counter()
    count: Counter[int] = Counter()
    for message, amount in demo.bank(
        "SELECT message, amount FROM told WHERE paid = 1 AND back = 0"
    ):
        debited[month_of[message]] += amount
        count[month_of[message]] += 1
    whose = dict(
        demo.rows(
            "SELECT r.end_to_end_id, b.month FROM batch_row r JOIN batch b ON b.id = r.batch_id "
            "JOIN provider v ON v.id = b.provider_id "
            "WHERE v.code <> 'VBA' AND b.rail <> 'cash' AND b.sent_at IS NOT NULL"
        )
    )
    for order, amount in demo.rails(RAIL_PAID_AMOUNT):
        debited[whose[order]] += amount
        count[whose[order]] += 1
    assert debited == {m: demo.month(m)["credited_vnd"] for m in MONTHS}
    assert count == {m: demo.month(m)["credited"] for m in MONTHS}
    told = demo.bank("SELECT sum(count), sum(total) FROM message")[0]
    orders = demo.rails("SELECT DISTINCT id, amount FROM told")
    assert {order for order, _ in orders} == set(whose)
    assert (told[0] + len(orders), told[1] + sum(amount for _, amount in orders)) == (
        sum(demo.month(m)["sent"] for m in MONTHS),
        sum(demo.month(m)["sent_vnd"] for m in MONTHS),
    )
    # a lost answer is asked about, never told again: one telling each
    assert len(orders) == sum(n for (n,) in demo.rails("SELECT count(*) FROM told"))


def test_the_desks_paid_what_we_say_was_collected(demo: Ran) -> None:
    paid = 0
    for path in (demo.home / "reports").glob("ket-qua-*.csv"):
        rows = list(csv.reader(path.open(encoding="utf-8")))[1:]
        paid += sum(int(amount) for _, amount, day, _ in rows if day)
    by_post = sum(demo.post().values())
    assert by_post > 0
    assert paid + by_post == sum(demo.month(m)["cash_collected_vnd"] for m in MONTHS)
    taken = demo.bank("SELECT sum(amount) FROM booked WHERE text LIKE '%CHI TIEN MAT%'")
    assert taken == [(paid,)]


def test_who_is_on_the_register(demo: Ran) -> None:
    people = demo.one("SELECT count(*) FROM person")
    assert people == PEOPLE + 4  # the dead one, two on one account, one with a wrong name
    assert demo.month(202612)["people"] == demo.summary["funnel"]["people"] == people
    accounts = demo.one("SELECT count(*) FROM destination WHERE kind <> 'cash'")
    assert demo.summary["funnel"] == {
        "people": people, "with_account": accounts,
        "sent": demo.month(202612)["sent"], "credited": demo.month(202612)["credited"],
    }  # fmt: skip


# --- who was paid what ------------------------------------------------------------------------


def planted(demo: Ran) -> dict[str, list[dict[str, str]]]:
    """Read what the sample planted, by kind."""
    out: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (demo.home / "sample/planted.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            out[row["kind"]].append(row)
    return out


def outcomes(demo: Ran, identity: str) -> list[tuple[Any, ...]]:
    """Return (month, hold reason, end) of a person's payments on the lists that were released."""
    return demo.rows(
        "SELECT l.month, p.hold_reason, p.closed_as FROM payment p JOIN pay_list l "
        "ON l.id = p.list_id WHERE p.person_id = :p AND l.state = 'closed' ORDER BY l.month",
        p=demo.person[identity],
    )


def minted(demo: Ran, month: int) -> dict[int, dict[int, int]]:
    """Return person -> covered month -> dong that the lists of a month made payable."""
    out: dict[int, dict[int, int]] = defaultdict(dict)
    for person, cover, amount in demo.rows(
        "SELECT s.unit_id, l.cover, sum(l.amount) FROM line l JOIN journal j "
        "ON j.id = l.journal_id JOIN account d ON d.id = l.debit_account JOIN account c "
        "ON c.id = l.credit_account JOIN sub s ON s.id = l.sub_id WHERE j.kind = 'list' "
        "AND j.month = :m AND d.kind = 'expense' AND c.kind = 'payable' "
        "GROUP BY s.unit_id, l.cover",
        m=month,
    ):
        out[int(person)][int(cover)] = int(amount)
    return out


def test_each_planted_fault_is_found_and_nothing_else(demo: Ran) -> None:
    rows = planted(demo)
    assert {k: len(v) for k, v in rows.items()} == {
        "bad_identity": 1, "duplicated": 1, "dead": 1, "shared_account": 2, "wrong_name": 1,
    }  # fmt: skip
    assert demo.summary["faults"] == {
        k: {"planted": len(rows[k]), "found": len(rows[k]), "false_alarms": 0} for k in KINDS
    }
    assert (demo.summary["planted_faults"], demo.summary["faults_found"]) == (6, 6)
    assert demo.summary["clean_held"] == 0


def test_bad_rows_came_back_and_no_other(demo: Ran) -> None:
    rows = planted(demo)
    book = python_calamine.load_workbook(
        str(demo.home / "sample/returned/register-khong-nhan.xlsx")
    )
    back = [[str(c) for c in r] for r in book.get_sheet_by_index(0).iter_rows()][1:]
    assert {r[0] for r in back} == {
        r["identity"] for k in ("bad_identity", "duplicated") for r in rows[k]
    }
    assert len(back) == 2
    (bad,), (double,) = rows["bad_identity"], rows["duplicated"]
    assert len(bad["identity"]) == 11
    assert bad["identity"] not in demo.person
    assert len(demo.register[double["identity"]]) == 2  # twice in the file, once in the books
    assert demo.rows(
        "SELECT count(*) FROM benefit_case WHERE person_id = :p", p=demo.person[double["identity"]]
    ) == [(1,)]


def test_the_dead_and_the_shared_account_got_nothing(demo: Ran) -> None:
    rows = planted(demo)
    (dead,) = rows["dead"]
    assert outcomes(demo, dead["identity"]) == []
    person = demo.person[dead["identity"]]
    assert all(person not in minted(demo, m) for m in (202610, 202611, 202612))
    alive = [i for i in demo.person if i != dead["identity"]]
    assert len(alive) == len(demo.person) - 1
    assert demo.rows("SELECT DISTINCT person_id FROM hold WHERE reason = 'dead'") == [(person,)]
    for row in rows["shared_account"]:
        assert outcomes(demo, row["identity"]) == [
            (m, "shared_account", "carried") for m in (202610, 202611, 202612)
        ]
    assert {p for (p,) in demo.rows("SELECT person_id FROM hold WHERE reason = 'shared_account'")} \
        == {demo.person[r["identity"]] for r in rows["shared_account"]}  # fmt: skip


def test_the_wrong_name_is_refused_by_the_bank_and_paid_at_the_desk(demo: Ran) -> None:
    (row,) = planted(demo)["wrong_name"]
    person = demo.person[row["identity"]]
    news = demo.rows(
        "SELECT b.month, r.end_to_end_id, a.state, a.code FROM batch b "
        "JOIN batch_row r ON r.batch_id = b.id JOIN attempt_news a ON a.batch_id = b.id "
        "AND a.n = r.n JOIN payment p ON p.id = r.payment_id "
        "WHERE p.person_id = :p AND b.rail = 'bank' ORDER BY b.month",
        p=person,
    )
    assert [(m, state, code) for m, _, state, code in news] == [
        (m, "rejected", "BE01") for m in (202610, 202611, 202612)
    ]
    told = {e2e: (fate, code, paid) for e2e, fate, code, paid in demo.bank(
        "SELECT end_to_end, fate, code, paid FROM told WHERE code = 'BE01'")}  # fmt: skip
    assert told == {reference: ("rejected", "BE01", 0) for _, reference, _, _ in news}


def test_the_opening_file_is_the_old_level(demo: Ran) -> None:
    """What the sample says was paid before is what the law of then gives, by hand."""
    for identity, paid in plain.opened(demo.home / "sample/opening.csv").items():
        rows = [r for r in demo.cases(identity) if r.decided <= date(2026, 8, 31)]
        for month, amount in paid.items():
            assert amount == plain.level(rows, month, new=False)


def test_the_back_pay_is_the_rise_times_the_months(demo: Ran) -> None:
    dead = {r["identity"] for r in planted(demo)["dead"]}
    october, november = minted(demo, 202610), minted(demo, 202611)
    opened = plain.opened(demo.home / "sample/opening.csv")
    back_pay = left = plain_rises = 0
    for identity, paid in opened.items():
        rows = demo.cases(identity)
        person = demo.person[identity]
        before = {**paid, **_added(paid, october.get(person, {}))}
        if not plain.stayed(rows):
            left += 1
            assert person not in november
            continue
        if identity in dead or len(identity) != 12:  # a right that is held
            assert person not in november
            continue
        wanted = {
            m: plain.level(rows, m, new=True) - before.get(m, 0)
            for m in plain.months(202607, 202611)
        }
        got = november.get(person, {})
        assert got == {m: v for m, v in wanted.items() if v}, identity
        past = sum(v for m, v in got.items() if m < 202611)
        back_pay += past
        if len(set(before.values())) == 1 and len(before) == 4:
            step = next(iter(before.values())) * 40_000 // 500_000  # 500,000 became 540,000
            plain_rises += past == 4 * step
    assert left == 1
    assert plain_rises > len(opened) * 0.9
    assert back_pay > 0
    late = sum(
        v
        for person, covers in november.items()
        for m, v in covers.items()
        if m < 202611 and person not in {demo.person[i] for i in opened}
    )
    assert back_pay + late == sum(
        v for covers in november.values() for m, v in covers.items() if m < 202611
    )
    assert set(november) - {demo.person[i] for i in opened} == _newcomers(demo, opened)


def _added(paid: dict[int, int], covers: dict[int, int]) -> dict[int, int]:
    return {m: paid.get(m, 0) + v for m, v in covers.items()}


def _newcomers(demo: Ran, opened: dict[str, dict[int, int]]) -> set[int]:
    """People of the two later files: never paid at the old level, paid from their start."""
    return {
        person
        for identity, person in demo.person.items()
        if identity not in opened and min(r.start for r in demo.register[identity]) == 202610
    }


def test_december_is_one_month_at_the_new_level(demo: Ran) -> None:
    december = minted(demo, 202612)
    assert len(december) > 500
    by_person = {p: i for i, p in demo.person.items()}
    for person, covers in december.items():
        identity = by_person[person]
        rows = demo.cases(identity)
        fresh = min(r.start for r in rows) == 202611  # decided after November's list
        months = plain.months(202611 if fresh else 202612, 202612)
        assert covers == {m: plain.level(rows, m, new=True) for m in months}


# --- where it lives -----------------------------------------------------------------------------

MEASURED = ("seconds", "peak_rss_mb", "database")


def same(summary: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one run to the next."""
    return {k: v for k, v in summary.items() if k not in MEASURED}


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def disburse(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, in an environment that is ours alone."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DISBURSE_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-c", "from disbursement.cli import main; main()", *args],
        cwd=cwd, env={**clean, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="package")
def again(sqlite_demo: Ran) -> tuple[str, dict[str, Any]]:
    """The demo once more in the same folder, by its command: (what it printed, summary.json).

    The command is given as in an office, whose home it must not touch: it takes ./demo.
    """
    sqlite_demo.ctx.database.dispose()
    first, work = dict(sqlite_demo.summary), sqlite_demo.home.parent
    (work / "office").mkdir()
    (work / "office" / "letter.txt").write_text("mine", "utf-8")
    done = disburse(
        "demo", "--people", str(PEOPLE), "--payers", str(PAYERS),
        cwd=work, DISBURSE_HOME=str(work / "office"),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    second = json.loads((sqlite_demo.home / "summary.json").read_text("utf-8"))
    assert second["seconds"] != first["seconds"]  # it is a new file
    return done.stdout, second


def test_both_databases_tell_the_same(sqlite_demo: Ran, pg_demo: Ran) -> None:
    assert (sqlite_demo.summary["database"], pg_demo.summary["database"]) == ("sqlite", "postgres")
    assert same(pg_demo.summary) == same(sqlite_demo.summary)
    assert pg_demo.said == sqlite_demo.said


def test_a_second_run_in_the_same_folder_gives_the_same(
    sqlite_demo: Ran, again: tuple[str, dict[str, Any]]
) -> None:
    printed, summary = again
    assert same(summary) == same(sqlite_demo.summary)
    assert (
        printed.splitlines()[: len(sqlite_demo.said)]
        == [line for said in sqlite_demo.said for line in said.split("\n")][: len(sqlite_demo.said)]
    )


def test_what_an_earlier_demo_left_is_gone(pg_demo: Ran) -> None:
    assert (pg_demo.home / LEFT_BEHIND).parent.is_dir()
    assert not (pg_demo.home / LEFT_BEHIND).exists()
    with pg_demo.ctx.database.engine("shared").connect() as conn:
        assert conn.execute(text("SELECT code FROM cell_registry")).all() == [("25",)]
        left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'cell_01'"
        assert conn.execute(text(left)).scalar_one() == 0


def test_nothing_personal_is_let_out(demo: Ran, again: tuple[str, dict[str, Any]]) -> None:
    """No name, identity or account number in what is printed, in summary.json, in file names."""
    secrets: set[str] = set()
    for path in (demo.home / "sample").glob("register*.xlsx"):
        book = python_calamine.load_workbook(str(path)).get_sheet_by_index(0)
        head, *rows = ([str(c) for c in r] for r in book.iter_rows())
        wanted = [
            n for n, h in enumerate(head)
            if h in ("Số định danh cá nhân", "Họ và tên", "Người nhận", "Số tài khoản",
                     "Tên chủ tài khoản")
        ]  # fmt: skip
        assert len(wanted) == 5
        secrets |= {row[n] for row in rows for n in wanted if row[n]}
    assert len(secrets) > PEOPLE * 2
    names = [str(p.relative_to(demo.home)) for p in demo.home.rglob("*")]
    assert len(names) > 100
    let_out = "\n".join(
        [*demo.said, again[0], (demo.home / "summary.json").read_text("utf-8"), *names]
    )
    assert [s for s in secrets if s in let_out] == []


def test_a_folder_that_is_no_demos_is_refused_and_untouched(
    tmp_path: Path, new_pg_database: Callable[[], str]
) -> None:
    home = tmp_path / "office"
    (home / "cells").mkdir(parents=True)
    (home / "cells" / "25.db").write_bytes(b"the books of an office")
    before = tree(home)
    url = new_pg_database()
    for db, given in (("sqlite", None), ("postgres", url)):
        settings = Settings(home=home, env="demo", DATABASE_URL=given)
        with pytest.raises(RefusedError, match="không phải của lần chạy thử") as refused:
            run_demo(settings, db, print, people=30, payers=1)  # type: ignore[arg-type]  # both literals
        assert refused.value.code == "not_a_demo"
    assert tree(home) == before
    database = Database(url=url)
    with database.engine("shared", owner=True).connect() as conn:
        assert conn.execute(
            text("SELECT count(*) FROM pg_namespace WHERE nspname = 'shared'")
        ).scalar_one() == 0  # fmt: skip
    database.dispose()


def test_a_database_that_is_no_demos_is_refused_and_untouched(
    tmp_path: Path, new_pg_database: Callable[[], str]
) -> None:
    url = new_pg_database()
    database = Database(url=url)
    create_cell(database, "25", "Tỉnh Phú Thọ", "2026-09-01T00:00:00.000000Z")
    settings = Settings(home=tmp_path / "demo", env="demo", DATABASE_URL=url)
    with pytest.raises(RefusedError, match="DATABASE_URL đã có sổ"):
        run_demo(settings, "postgres", print, people=30, payers=1)
    assert not (tmp_path / "demo").exists()
    with database.engine("shared").connect() as conn:
        assert conn.execute(text("SELECT code, created_at FROM cell_registry")).all() == [
            ("25", "2026-09-01T00:00:00.000000Z")
        ]
    database.dispose()


def test_without_the_environment_of_a_demo_the_home_is_left_alone(
    sqlite_demo: Ran, again: tuple[str, dict[str, Any]]
) -> None:
    work = sqlite_demo.home.parent
    assert tree(work / "office") == {"letter.txt": b"mine"}
    assert sorted(p.name for p in work.iterdir()) == ["demo", "office"]
    assert "kết quả ở demo/summary.json" in again[0]
