"""Sessions that post at the same time: one chain, no gap, no deadlock."""

from __future__ import annotations

import threading

from sqlalchemy import text

from ledger.errors import LedgerError
from ledger.verify import verify
from tests.ledger.test_coins import mint
from tests.ledger.world import World

THREADS, EACH = 4, 6


def test_sessions_share_one_chain(world: World) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(THREADS)

    def work(first: int) -> None:
        try:
            barrier.wait()
            for n in range(EACH):
                world.post([mint(202611, first + n, 1_000), mint(202610, first + n, 1_000)])
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(1 + t * EACH,)) for t in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with world.app.connect() as conn:
        seqs = [r[0] for r in conn.execute(text("SELECT seq FROM seal ORDER BY seq"))]
        assert seqs == list(range(1, 3 + THREADS * EACH + 1))
        assert verify(conn).ok
    assert world.balance("PAY") == -2_000 * THREADS * EACH


def test_two_batches_race_for_one_coin(world: World) -> None:
    """Both providers are told to pay the same coin at the same instant: one wins."""
    world.post([mint(202611, 1, 1_000)])
    won: list[str] = []
    lost: list[str] = []
    barrier = threading.Barrier(2)

    def send(account: str, key: int) -> None:
        journal = world.allot()
        line = (202611, world.ids["PAY"], world.ids[account], 1, 0, 1, journal * 10**7 + key, 1,
                None, None, 1_000)  # fmt: skip
        barrier.wait()
        try:
            with world.app.begin() as conn:
                world._post(conn, "batch", journal, [line], {})
            won.append(account)
        except LedgerError as error:
            lost.append(error.code)

    threads = [threading.Thread(target=send, args=(a, n)) for n, a in enumerate(("TRA", "TRB"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == ["coin_moved"]
    assert world.balance("PAY") == 0
    with world.app.connect() as conn:
        assert verify(conn).ok
