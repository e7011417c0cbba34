"""A month whose statements come as MT940: the same books as by camt.053, to the đồng."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.payments.test_intake import ALL, DRAWN, EACH, snapshot
from tests.payments.world import (
    ACCOUNT,
    ADVANCE,
    SUSPENSE,
    TRANSIT,
    Entry,
    Month,
    back,
    debit,
    sent_month,
)
from tests.runs.test_month import healthy
from tests.runs.world import World


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    return sent_month(world, tmp_path / "drop")


def mt940(month: Month, entries: Sequence[Entry], *, currency: str = "VND") -> bytes:
    """Write the next statement; :20: is the same word every day, as banks have it."""
    opening = month.balance
    month.sequence += 1
    month.balance += sum(e.amount if e.side == "CRDT" else -e.amount for e in entries)
    lines = "".join(
        f":61:2610051005{e.side[0]}{e.amount},NTRF{e.e2e or 'NONREF'}//A{month.sequence}{n}\r\n"
        f":86:{e.text or 'CHI TRA'}\r\n"
        for n, e in enumerate(entries, 1)
    )
    return (
        f":20:STARTUMS\r\n:25:{ACCOUNT}\r\n:28C:{month.sequence:05d}/001\r\n"
        f":60F:C261004{currency}{opening},\r\n{lines}"
        f":62F:C261005{currency}{month.balance},\r\n-\r\n"
    ).encode()


def funded(month: Month) -> bytes:
    vouchers = month.world.rows("SELECT voucher, amount_vnd FROM draw ORDER BY id")
    return mt940(month, [Entry("CRDT", v, text=f"KBNN CHUYEN {n} CHI TRA") for n, v in vouchers])


def test_a_month_of_mt940_is_booked_to_the_dong(month: Month):
    world, rows = month.world, month.rows
    assert dict(month.take(funded(month)).counts) == {"draw": 2}
    paid = month.take(mt940(month, [debit(r) for r in rows]))
    assert (paid.state, paid.kind, dict(paid.counts)) == ("applied", "mt940", {"credited": 6})
    assert paid.amounts["credited"] == ALL
    returned = month.take(mt940(month, [back(rows[0])]))
    assert dict(returned.counts) == {"returned": 1}
    assert month.states() == ["returned", *["credited"] * 5]
    assert (world.balance(TRANSIT), world.balance(SUSPENSE)) == (0, 0)
    assert world.balance(ADVANCE) == DRAWN - 5 * EACH == month.balance
    healthy(world)


def test_a_cut_altered_or_repeated_mt940_imports_nothing_and_says_why(month: Month):
    month.take(funded(month))
    data = mt940(month, [debit(r) for r in month.rows])
    before = snapshot(month.world)
    refused = {
        "cut": data[: data.index(b":62F:")],
        "balance_differs": data.replace(b"D750000,", b"D750001,", 1),
        "fraction": data.replace(b"D750000,", b"D749999,5", 1).replace(
            b"D750000,", b"D750000,5", 1
        ),
        "currency": data.replace(b"VND", b"EUR"),
        "one_page_of_several": data.replace(b":62F:", b":62M:"),
        "not_continuous": data + data,
        "other_account": data.replace(ACCOUNT.encode(), b"99999999"),
        "not_a_statement": b":20:A\r\n:25:" + ACCOUNT.encode() + b"\r\n:28C:2/1\r\n:34F:VND0,\r\n"
        b":13D:2610051200+0700\r\n:61:2610051005D750000,NTRFNONREF\r\n:90D:1VND750000,\r\n"
        b":90C:0VND0,\r\n-\r\n",
    }
    for code, wrong in refused.items():
        got = month.take(wrong)
        assert (got.state, got.code) == ("refused", code), got.sentence
        assert got.sentence
        assert snapshot(month.world) == before
    assert month.take(data).state == "applied"
    after = snapshot(month.world)
    assert month.take(data).code == "same_bytes"
    assert month.take(data.replace(b"\r\n", b"\n")).code == "statement_seen"
    assert snapshot(month.world) == after


def test_an_mt940_that_comes_too_early_waits_for_the_one_before(month: Month):
    first = funded(month)
    second = mt940(month, [debit(month.rows[0])])
    third = mt940(month, [debit(month.rows[1])])
    month.take(first)
    assert month.take(third).code == "statement_gap"
    assert month.world.balance(TRANSIT) == -ALL
    done = month.take(second)
    assert [r.state for r in (done, *done.then)] == ["applied", "applied"]
    assert month.world.balance(TRANSIT) == -4 * EACH
    healthy(month.world)
