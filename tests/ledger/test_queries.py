from __future__ import annotations

from ledger import bench, chart, queries
from ledger.chart import BUDGETARY, FINANCIAL
from tests.ledger.test_coins import mint, moves
from tests.ledger.world import World

GL = (None, None, None, None, None)
COIN = [(202611, 0, 1_000)]


def some_months(world: World) -> None:
    """Sub 1 credited, 2 back in payable, 3 in flight, 4 at the agent, 5 free, 6 cancelled."""
    world.post([(202610, "EXP", "OPEN", 1, 0, 0, None, 700, 700)], month=202610)
    world.post([mint(202611, s, 1_000) for s in range(1, 7)])
    world.post([r for s in (1, 2, 3) for r in moves("PAY", "TRA", s, 1, s, COIN)],
               [(1, 1), (2, 1), (3, 1)])  # fmt: skip
    world.post(moves("PAY", "AGT", 4, 1, 4, COIN), [(4, 1)])
    world.post(moves("TRA", "ADV", 1, 2, 1, COIN))
    world.post(moves("TRA", "PAY", 2, 2, 2, COIN))
    world.post([(202611, "PAY", "EXP", 6, 0, 1, None, (1, 0), 1_000)])
    world.post([mint(202612, 5, 1_000)], month=202612)
    world.post(moves("AGT", "ADV", 4, 2, 4, COIN), month=202612)
    world.post([(202612, "ADV", "TRE", *GL, 5_000)], month=202612)


def test_where_every_coin_is(world: World) -> None:
    some_months(world)
    with world.app.connect() as conn:
        free = queries.free_coins(conn, 1)
        away = queries.open_in_transit(conn, 1)
        nothing = queries.open_in_transit(conn, 2), queries.free_coins(conn, 2)
        agent = queries.open_in_transit(conn, kinds=("agent",))
    assert free == [(2, 202611, 0, 2, 1_000), (5, 202611, 0, 0, 1_000), (5, 202612, 0, 0, 1_000)]
    assert [(a, n, v) for _, a, n, v in away] == [(world.ids["TRA"], 1, 1_000)]
    assert away[0][0] == world.carriers[3][0] // 10_000_000
    assert nothing == ([], [])
    assert agent == []


def test_trial_balance_by_book_and_payer(world: World) -> None:
    some_months(world)
    world.post([(202612, "AVAIL", "AUTH", *GL, 9_000)])
    world.post([(202612, "COMM", "AVAIL", *GL, 6_000)])
    world.post([(202612, "USED", "COMM", *GL, 2_000)])
    with world.app.connect() as conn:
        book = queries.trial_balance(conn, FINANCIAL)
        mine = queries.trial_balance(conn, FINANCIAL, 1)
        other = queries.trial_balance(conn, FINANCIAL, 2)
        budget = queries.trial_balance(conn, BUDGETARY, 1)
        position = queries.budget_position(conn, "25001", "SA", 2026)
        none = queries.budget_position(conn, "25001", "SP", 2026)
    assert book.balanced
    assert book.debit == mine.debit == 20_700
    assert other.debit == 0
    balances = {a.code: a.balance for a in mine.accounts if a.balance}
    assert balances == {
        "expense.25001.SA.2026": 6_700, "opening.25001": -700, "payable.25001": -3_000,
        "transit.25001.A": -1_000, "advance.25001.A": 3_000, "treasury.25001": -5_000,
    }  # fmt: skip
    assert budget.balanced
    assert position == queries.BudgetPosition(9_000, 3_000, 4_000, 2_000)
    assert position.holds
    assert none == queries.BudgetPosition(0, 0, 0, 0)


def test_a_months_balance_comes_from_the_lines(world: World) -> None:
    some_months(world)
    with world.app.connect() as conn:
        months = {m: queries.month_balance(conn, FINANCIAL, m, 1) for m in (202512, 202611, 202612)}
        whole = queries.trial_balance(conn, FINANCIAL, 1)
        other = queries.month_balance(conn, FINANCIAL, 202612, 2)
        none = queries.month_balance(conn, BUDGETARY, 202612)
    assert months[202512].accounts == other.accounts == none.accounts == ()
    november = {a.code: a for a in months[202611].accounts}
    december = {a.code: a for a in months[202612].accounts}
    payable = "payable.25001"
    assert november[payable].balance == december[payable].opening == -2_000
    assert december[payable].balance == -3_000
    assert {c: a.balance for c, a in december.items() if a.balance} == {
        a.code: a.balance for a in whole.accounts if a.balance
    }
    assert months[202611].balanced
    assert months[202612].balanced
    assert (months[202611].debit, months[202612].debit) == (13_000, 7_000)
    assert november["opening.25001"].opening == -700
    assert whole.debit == 13_000 + 7_000 + 700


def test_conservation_by_month_and_in_all(world: World) -> None:
    some_months(world)
    with world.app.connect() as conn:
        november = queries.conservation(conn, 1, 202611)
        december = queries.conservation(conn, 1, 202612)
        whole = queries.conservation(conn, 1)
    assert november == queries.Conservation(0, 6_000, 0, 1_000, 1_000, 1_000, 1_000, 0, 2_000)
    assert december == queries.Conservation(2_000, 1_000, 0, 1_000, 0, 0, -1_000, 0, 3_000)
    assert whole == queries.Conservation(0, 7_000, 0, 2_000, 1_000, 1_000, 0, 0, 3_000)
    assert november.holds
    assert december.holds
    assert whole.holds


def test_conservation_over_two_payers(world: World) -> None:
    world.post([mint(202611, s, 1_000) for s in (1, 2)])
    world.post([(202611, "PAY", "PAY2", 1, 0, 1, None, None, 1_000)], payer_id=None, month=202612)
    with world.app.connect() as conn:
        giver = queries.conservation(conn, 1, 202612)
        taker = queries.conservation(conn, 2, 202612)
    assert (giver.free_start, giver.handed_on, giver.free_end) == (2_000, 1_000, 1_000)
    assert (taker.free_start, taker.come_in, taker.free_end) == (0, 1_000, 1_000)
    assert giver.holds
    assert taker.holds


def test_the_statement_of_one_person(world: World) -> None:
    world.post([mint(202610, 9, 750_000)])
    october = [(202610, 0, 750_000)]
    world.post(moves("PAY", "TRA", 9, 1, 1, october), [(1, 1)])
    world.post(moves("TRA", "ADV", 9, 2, 1, october))
    world.post([(202610, "OVP", "EXP", 9, 1, 0, None, (1, 700_000), 50_000)])
    world.post([(202610, "TRE", "OVP", 9, 1, 1, None, None, 20_000)])
    with world.app.connect() as conn:
        coin, claim = queries.statement_of(conn, [9, 10])
    assert (coin.cover, coin.item, coin.amount, coin.place) == (
        202610, 0, 750_000, chart.advance("25001", "A"))  # fmt: skip
    assert [m.kind for m in coin.moves] == ["list", "batch", "answer"]
    assert [m.move for m in coin.moves] == [0, 1, 2]
    assert [(m.rev, m.due_after) for m in coin.moves] == [(0, 750_000), (None, None), (None, None)]
    assert [(m.rev, m.due_after) for m in claim.moves] == [(1, 700_000), (None, None)]
    assert not coin.is_receivable
    assert claim.is_receivable
    assert (claim.amount, claim.open_vnd, claim.place) == (50_000, 30_000, "overpaid.25001")


def test_the_bench_measures_what_it_says(tmp_path: object) -> None:
    got = bench.bench_post(f"{tmp_path}/bench.db", 2_500)
    assert list(got["stages"]) == ["accrue", "instruct", "resolve", "difference"]
    assert {s["rows"] for s in got["stages"].values()} == {2_500}
    assert got["db"] == "sqlite"
    assert set(got) == {"people", "payers", "lists", "batches", "db", "stages", "counted_seconds",
                        "peak_rss_mb"}  # fmt: skip
