"""The figures of summary.json against the ledger, the simulated bank and the desks."""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any

import pytest

from tests.demo.conftest import MONTHS, PEOPLE, Ran

COUNTS = (
    "people", "entitled", "carried_in", "sent", "credited", "rejected", "returned", "unknown",
    "cash_orders", "cash_collected", "carried", "held",
)  # fmt: skip
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
        "seconds", "peak_rss_mb", "funnel", "database",
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
    assert right == 2  # the dead, and who has no identity number
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
    assert said["cash_orders"] == by_choice + said["rejected"] + said["returned"]
    assert said["cash_orders"] == said["cash_collected"] + said["carried"]


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
    paid = {reference for reference, n in booked.items() if n == 1}
    handed = set()
    for path in (demo.home / "reports").glob("ket-qua-*.csv"):
        for reference, _, day, _ in list(csv.reader(path.open(encoding="utf-8")))[1:]:
            if day:
                assert reference not in handed
                handed.add(reference)
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
    theirs = dict(demo.bank("SELECT number, balance FROM account"))
    assert {
        f"advance.{c['Mã xã']}.VBA": theirs[c["Tài khoản tiền gửi"]] for c in contracts
    } == {code: v for code, v in ours.items() if code.startswith("advance.")}  # fmt: skip
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
    assert debited == {m: demo.month(m)["credited_vnd"] for m in MONTHS}
    assert count == {m: demo.month(m)["credited"] for m in MONTHS}
    told = demo.bank("SELECT sum(count), sum(total) FROM message")[0]
    assert told == (
        sum(demo.month(m)["sent"] for m in MONTHS), sum(demo.month(m)["sent_vnd"] for m in MONTHS)
    )  # fmt: skip


def test_the_desks_paid_what_we_say_was_collected(demo: Ran) -> None:
    paid = 0
    for path in (demo.home / "reports").glob("ket-qua-*.csv"):
        rows = list(csv.reader(path.open(encoding="utf-8")))[1:]
        paid += sum(int(amount) for _, amount, day, _ in rows if day)
    assert paid == sum(demo.month(m)["cash_collected_vnd"] for m in MONTHS)
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
