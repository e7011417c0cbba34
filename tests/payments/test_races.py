"""Two at the same instant: one wins, the other is told so, the money moves once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from disbursement.fallback.service import handover
from disbursement.identity.service import create_user
from disbursement.payments.intake import take_answer
from disbursement.platform.errors import DisburseError
from tests.payments.world import PAYER, PROVIDER, TRANSIT, debit, open_roster, pain002, sent_month
from tests.runs.test_month import healthy
from tests.runs.world import World


def together(*works: Callable[[], Any]) -> list[Any]:
    start = Barrier(len(works))
    out: list[Any] = [None] * len(works)

    def run(n: int, work: Callable[[], Any]) -> None:
        start.wait()
        try:
            out[n] = work()
        except DisburseError as error:
            out[n] = error

    threads = [Thread(target=run, args=(n, work)) for n, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def test_two_imports_of_the_same_bytes(world: World, tmp_path: Path):
    month = sent_month(world, tmp_path / "drop")
    data = month.statement([debit(r) for r in month.rows])
    work = lambda: take_answer(world.ctx, data, source_name="x", actor="worker")  # noqa: E731 - twice the same
    results = together(work, work, work)
    assert sorted(r.state for r in results) == ["applied", "repeated", "repeated"]
    assert world.balance(TRANSIT) == 0
    healthy(world)


def test_two_different_answers_about_one_batch(world: World, tmp_path: Path):
    month = sent_month(world, tmp_path / "drop")
    files = [
        pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC04")]),
        pain002(month.message_id, [(month.rows[0].e2e, "RJCT", "AC06")]),
        month.statement([debit(r) for r in month.rows[1:]]),
    ]
    results = together(
        *(lambda d=d: take_answer(world.ctx, d, source_name="x", actor="worker") for d in files)
    )
    assert [r.state for r in results] == ["applied"] * 3
    assert world.balance(TRANSIT) == 0
    assert world.one("SELECT count(*) FROM attempt_news WHERE state = 'rejected'") == 1
    healthy(world)


def test_two_desks_hand_over_one_order(world: World, tmp_path: Path):
    create_user(world.ctx, "quy", "Thu quy", "030080000021", ["cash_desk"], "mat-khau-quy-1")
    month = sent_month(world, tmp_path / "drop", roster=open_roster)
    order, amount = world.rows(
        "SELECT end_to_end_id, amount_vnd FROM batch_row WHERE batch_id = :b AND n = 1",
        b=month.cash_batch,
    )[0]
    work = lambda: handover(world.ctx, order, "identity", actor="quy")  # noqa: E731 - the same desk work
    results = together(work, work, work)
    refused = [r for r in results if isinstance(r, DisburseError)]
    assert [r.code for r in refused] == ["already_paid", "already_paid"]
    assert world.one("SELECT count(*) FROM handover") == 1
    assert world.balance(f"cash_used.{PAYER}.{PROVIDER}") == amount
    healthy(world)
