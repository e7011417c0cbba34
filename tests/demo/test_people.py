"""Who was paid what: the planted faults, and the back pay of the rise, person by person."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import Any

import python_calamine

from tests.demo import plain
from tests.demo.conftest import Ran
from tests.demo.test_books import KINDS


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
        rows = demo.register[identity]
        if rows[0].identity == planted(demo)["duplicated"][0]["identity"]:
            rows = rows[:1]
        for month, amount in paid.items():
            if amount:
                assert amount == plain.level(rows, month, new=False)


def test_the_back_pay_is_the_rise_times_the_months(demo: Ran) -> None:
    (double,) = planted(demo)["duplicated"]
    (dead,) = planted(demo)["dead"]
    october, november = minted(demo, 202610), minted(demo, 202611)
    opened = plain.opened(demo.home / "sample/opening.csv")
    back_pay = left = plain_rises = 0
    for identity, paid in opened.items():
        rows = demo.register[identity][: 1 if identity == double["identity"] else None]
        person = demo.person[identity]
        before = {**paid, **_added(paid, october.get(person, {}))}
        if not plain.stayed(rows):
            left += 1
            assert person not in november
            continue
        if identity == dead["identity"]:
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
    (double,) = planted(demo)["duplicated"]
    december = minted(demo, 202612)
    assert len(december) > 500
    by_person = {p: i for i, p in demo.person.items()}
    for person, covers in december.items():
        identity = by_person[person]
        rows = demo.register[identity][: 1 if identity == double["identity"] else None]
        fresh = min(r.start for r in rows) == 202611  # decided after November's list
        months = plain.months(202611 if fresh else 202612, 202612)
        assert covers == {m: plain.level(rows, m, new=True) for m in months}
