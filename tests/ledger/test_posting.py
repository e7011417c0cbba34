"""Posting: repeats, drafts, many at once, reversals, periods, limits, equal roots, races."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger import chart, definitions, posting, sealing
from ledger.canon import row_text
from ledger.errors import IdemConflict, LedgerError
from ledger.posting import DRAFT, Control, Item, Query
from ledger.verify import verify
from tests.ledger.test_coins import mint, moves
from tests.ledger.test_guards import refused
from tests.ledger.world import RECORDED, World, postgres_world, root_of, sqlite_world

GL = (None, None, None, None, None)


def draw(world: World, amount: int, *, journal: int | None = None, **more: Any) -> posting.Sealed:
    return world.post([(202611, "ADV", "TRE", *GL, amount)], journal=journal, **more)


# -- repeats ----------------------------------------------------------------------------------


def test_a_repeat_returns_the_first_and_changes_nothing(world: World) -> None:
    journal = world.allot()
    rows = world.lines(journal, [(202611, "ADV", "TRE", *GL, n) for n in (5, 7)], ())
    header = world.header(journal, "draw")
    with world.app.begin() as conn:
        first = posting.post(conn, header, rows)
    before = world.state()
    with world.app.begin() as conn:
        again = posting.post(conn, header, rows)
    assert again == replace(first, repeated=True)
    other_id = replace(header, id=world.allot())  # the same document submitted under a new id
    with world.app.begin() as conn:
        assert posting.post(conn, other_id, rows).journal_id == journal
    query = Query(
        "SELECT cover, debit_account, credit_account, sub_id, item, move, carrier, of_n, rev, "
        "due_after, amount FROM line WHERE journal_id = :j ORDER BY line_no", {"j": journal}, None,
    )  # fmt: skip
    with world.app.begin() as conn:
        assert posting.post(conn, header, query).repeated
    assert world.state() == before


@pytest.mark.parametrize(
    "change",
    ["swapped amounts", "another month", "another kind", "another total", "fewer lines",
     "another payer"],
)  # fmt: skip
def test_the_same_key_for_something_else_is_a_conflict(world: World, change: str) -> None:
    journal = world.allot()
    header = world.header(journal, "draw")
    rows = world.lines(journal, [(202611, "ADV", "TRE", *GL, n) for n in (5, 7)], ())
    with world.app.begin() as conn:
        posting.post(conn, header, rows)
    changed = {
        "swapped amounts": (header, rows[::-1]),
        "another month": (replace(header, month=202612), rows),
        "another kind": (replace(header, kind="settlement"), rows),
        "another total": (header, [rows[0], (*rows[1][:10], 8)]),
        "fewer lines": (header, rows[:1]),
        "another payer": (replace(header, payer_id=None), rows),
    }[change]
    before = world.state()
    with pytest.raises(IdemConflict) as error, world.app.begin() as conn:
        posting.post(conn, *changed)
    assert error.value.code == "idem_conflict"
    assert world.state() == before


def test_two_sessions_post_the_same_key(world: World) -> None:
    """One posts, the other waits and gets the first one's journal; on both engines."""
    journals = [world.allot(), world.allot()]
    barrier, results = threading.Barrier(2), []

    def run(journal: int) -> None:
        header = replace(world.header(journal, "draw"), idem_key="the same")
        rows = world.lines(journal, [(202611, "ADV", "TRE", *GL, 5)], ())
        barrier.wait()
        with world.app.begin() as conn:
            results.append(posting.post(conn, header, rows))

    threads = [threading.Thread(target=run, args=(j,)) for j in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.repeated for r in results) == [False, True]
    assert len({r.hash for r in results}) == 1
    assert world.balance("ADV") == 5


def test_two_sessions_mint_the_same_coin(world: World) -> None:
    barrier, codes = threading.Barrier(2), []

    def run() -> None:
        barrier.wait()
        codes.append(refused(lambda: world.post([mint(202611, 7, 1_000)])))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["accepted", "coin_moved"]


def test_bad_rows_are_refused_before_the_database(world: World) -> None:
    journal = world.allot()
    header = world.header(journal, "draw")
    good = world.lines(journal, [(202611, "ADV", "TRE", *GL, 5)], ())[0]
    before = world.state()
    for bad in ((*good[:10], 5.0), (*good[:10], "5"), (*good[:10], True), good[:10]):
        for lines in ([bad], iter([bad])):
            with pytest.raises(LedgerError) as error, world.app.begin() as conn:
                posting.post(conn, header, lines, control=Control(1, 5, 202611, 202611))
            assert error.value.code == "bad_value"
    for sql in ("0.5", "10.5", "CAST(5 AS double precision) / 2", "'abc'", "NULL"):
        select = f"SELECT 202611, {good[1]}, {good[2]}, {', '.join(['NULL'] * 7)}, {sql}"
        for control in (None, Control(1, 10, 202611, 202611)):
            with pytest.raises(LedgerError), world.app.begin() as conn:
                posting.post(conn, header, Query(select), control=control)
    with pytest.raises(LedgerError, match="says nothing"), world.app.begin() as conn:
        posting.post(conn, header, [])
    assert world.state() == before


# -- drafts -----------------------------------------------------------------------------------


def test_a_draft_has_the_very_root_of_its_seal(world: World) -> None:
    journal = world.allot(2)
    rows = [mint(202611 - n % 3, sub, 1_000 + sub) for n, sub in enumerate(range(1, 601))]
    lines = [row for part in range(5) for row in world.lines(journal, rows, ())
             if row[3] % 5 == part]  # fmt: skip
    lines += [(202601 + n % 4, *row[1:3], row[3], 0, 0, None, None, 0, 9, 9)
              for n, row in enumerate(lines)]  # fmt: skip
    lines += [(202605, *row[1:]) for row in lines[600:] if row[0] != 202605]
    with world.app.begin() as conn:
        assert posting.stage_draft(conn, journal, iter(lines)) == 1_800
        root = posting.draft_root(conn, journal)
        assert posting.draft_roots(conn, [journal, journal + 1])[journal + 1].line_count == 0
    assert root.root == root_of(journal, lines)
    assert (root.line_count, root.total) == (1_800, sum(r[10] for r in lines))
    assert (root.cover_from, root.cover_to) == (202601, 202611)
    with world.app.begin() as conn:
        digest = world.sign(conn, journal, "list", root.root)
        header = world.header(journal, "list", statement_digest=digest)
        sealed = posting.post_draft(conn, header)
        left = conn.execute(text("SELECT count(*) FROM draft_line")).scalar_one()
    assert sealed.root == root.root
    assert left == 0
    with world.app.begin() as conn:
        assert posting.post_draft(conn, header).repeated
    with world.app.connect() as conn:
        report = verify(conn, head=sealed.hash)
    assert (report.ok, report.lines) == (True, 1_800)


def test_an_edited_draft_no_longer_fits_its_signatures(world: World) -> None:
    journal = world.allot()
    with world.app.begin() as conn:
        lines = world.lines(journal, [mint(202611, s, 1_000) for s in (1, 2)], ())
        posting.stage_draft(conn, journal, lines)
        digest = world.sign(conn, journal, "list", posting.draft_root(conn, journal).root)
    header = world.header(journal, "list", statement_digest=digest)
    before = world.state()

    def edited() -> None:
        with world.app.begin() as conn:
            conn.execute(text("UPDATE draft_line SET amount = 999, due_after = 999 "
                              "WHERE sub_id = 2"))  # fmt: skip
            posting.post_draft(conn, header)

    assert refused(edited) == "statement"

    def gap() -> None:
        with world.app.begin() as conn:
            conn.execute(text("UPDATE draft_line SET line_no = 9 WHERE sub_id = 2"))
            posting.draft_root(conn, journal)

    assert refused(gap) == "control"
    assert world.state() == before


def test_an_iterator_without_control_totals_is_staged_first(world: World) -> None:
    journal = world.allot()
    rows = world.lines(journal, [(202611, "ADV", "TRE", *GL, n) for n in (5, 7, 9)], ())
    with world.app.begin() as conn:
        sealed = posting.post(conn, world.header(journal, "draw"), iter(rows))
    assert (sealed.line_count, sealed.total, sealed.root) == (3, 21, root_of(journal, rows))


def test_many_journals_of_every_form_in_one_transaction(world: World) -> None:
    first = world.allot(6)
    ids = world.ids
    items = []
    with world.app.begin() as conn:
        for n in range(2):
            lines = world.lines(first + n, [mint(202611, 10 + n, 500)], ())
            posting.stage_draft(conn, first + n, lines)
        roots = posting.draft_roots(conn, [first, first + 1])
        for n in range(2):
            digest = world.sign(conn, first + n, "list", roots[first + n].root)
            items.append(Item(world.header(first + n, "list", statement_digest=digest), DRAFT))
        row = (202611, ids["ADV"], ids["TRE"], *GL, None, None)
        items += [Item(world.header(first + 2 + n, "draw"), [(*row, 5 + n)]) for n in range(2)]
        select = (
            f"SELECT 202611, {ids['ADV']}, {ids['TRE']}, NULL, NULL, NULL, NULL, NULL, NULL, "
            "NULL, amount FROM draft_line WHERE journal_id = :j"
        )
        items.append(Item(world.header(first + 4, "draw"), Query(select, {"j": first})))
        sealed = posting.post_many(conn, items)
    assert [s.journal_id for s in sealed] == [first + n for n in range(5)]
    assert [s.seq for s in sealed] == [4, 5, 6, 7, 8]
    assert world.balance("ADV") == 5 + 6 + 500
    with world.app.begin() as conn:
        again = posting.post_many(conn, items[2:4])
    assert all(s.repeated for s in again)
    doubled = [items[2], items[2]]
    with pytest.raises(LedgerError), world.app.begin() as conn:
        posting.post_many(conn, doubled)


def test_ids_are_allotted_once(world: World) -> None:
    first = world.allot(5)
    assert world.allot() == first + 5
    with world.app.connect() as conn:
        lost = posting.allot(conn, 3)
        conn.rollback()
    after = world.allot()
    assert after == (lost + 3 if world.dialect == "postgresql" else lost)
    assert refused(lambda: world.allot(0)) == "bad_value"


def test_a_select_is_numbered_in_key_order_unless_it_says_otherwise(world: World) -> None:
    world.post([mint(202611, s, 10) for s in (3, 1, 2)])
    with world.app.begin() as conn:
        pick = ("SELECT cover, {d}, {c}, sub_id, item, 1, {k} + sub_id, 1, NULL, NULL, amount "
                "FROM line WHERE move = 0{order}")  # fmt: skip
        got = {}
        for name, order, by in (("key", "", posting.KEY_ORDER), ("own", " ORDER BY -sub_id", None)):
            journal = posting.allot(conn)
            sql = pick.format(
                d=world.ids["PAY"], c=world.ids["TRA"], k=journal * 10**7, order=order
            )
            statement = posting._select(conn, Query(sql, order_by=by))
            with_ = posting._with(Query(sql))
            got[name] = [r[3] for r in conn.execute(text(f"{with_} {statement}"))]
    assert got == {"key": [1, 2, 3], "own": [3, 2, 1]}


# -- reversals, periods, limits ----------------------------------------------------------------


def test_a_reversal_is_the_exact_mirror(world: World) -> None:
    drawn = draw(world, 1_000)
    journal = world.allot(3)
    lines = world.lines(journal, [(202611, "TRE", "ADV", *GL, 1_000)], ())
    with world.app.begin() as conn:
        digest = world.sign(conn, journal, "correction", root_of(journal, lines))
        header = world.header(journal, "correction", statement_digest=digest)
        mirrored = posting.mirror(conn, header, drawn.journal_id)
    assert mirrored.total == 1_000
    assert world.balance("ADV") == 0

    def twice() -> None:
        with world.app.begin() as conn:
            digest = world.sign(
                conn, journal + 1, "correction",
                root_of(journal + 1, world.lines(journal + 1, [(202611, "TRE", "ADV", *GL, 1_000)], ())),
            )  # fmt: skip
            header = world.header(journal + 1, "correction", statement_digest=digest)
            posting.mirror(conn, header, drawn.journal_id)

    assert refused(twice) in {"mirror", "exists"}


@pytest.mark.parametrize("amount", [999, 1_001])
def test_a_reversal_that_is_no_mirror(world: World, amount: int) -> None:
    drawn = draw(world, 1_000)
    coins = world.post([mint(202611, 1, 1_000)])
    before = world.state()
    wrong = [(202611, "TRE", "ADV", *GL, amount)]
    for rows, of, kind in (
        (wrong, drawn, "correction"),
        ([(202611, "ADV", "TRE", *GL, 1_000)], drawn, "correction"),  # the same direction
        ([(202611, "TRE", "ADV", *GL, 1_000)], drawn, "sendback"),  # not a correction
        ([(202610, "TRE", "ADV", *GL, 1_000)], drawn, "correction"),  # another covered month
        ([(202611, "PAY", "EXP", *GL, 1_000)], coins, "correction"),  # coins are never mirrored
        (wrong, replace(drawn, journal_id=999), "correction"),
    ):
        got = refused(lambda r=rows, o=of, k=kind: world.post(r, kind=k, reverses_id=o.journal_id))
        assert got == "mirror"
    assert world.state() == before


def period(world: World, kind: str, state: Any, payer: int | None = None, **more: Any) -> None:
    journal = world.allot()
    with world.app.begin() as conn:
        if kind == "reopen":
            more["statement_digest"] = world.sign(conn, journal, kind, root_of(journal, ()))
        header = world.header(journal, kind, payer_id=payer, **more)
        definitions.move_period(conn, header, state)


def test_a_closed_month_takes_no_more_journals(world: World) -> None:
    draw(world, 5)
    period(world, "period_close", "closed", 1)
    assert refused(lambda: draw(world, 5)) == "period_closed"
    draw(world, 5, month=202612)  # a late fact goes into an open month
    with world.app.begin() as conn:  # another payer's month is its own
        assert definitions.period_state(conn, 202611, payer_id=2) is None
        assert definitions.period_state(conn, 202611, payer_id=1) == "closed"
    for kind, state in (("period_close", "closed"), ("period_open", "open"),
                        ("reopen", "closed"), ("definition", "open")):  # fmt: skip
        assert refused(lambda k=kind, s=state: period(world, k, s, 1)) == "period"
    period(world, "reopen", "open", 1)
    draw(world, 5)
    period(world, "period_close", "closed")  # the whole cell
    assert refused(lambda: draw(world, 5)) == "period_closed"
    period(world, "period_open", "open", 1, month=202613)
    draw(world, 5, month=202613)
    with world.app.connect() as conn:
        assert verify(conn).ok


def test_intentions_are_limited_facts_are_not(world: World) -> None:
    year = [(202611, "AVAIL", "AUTH", *GL, 1_000)]
    world.post(year)
    world.post([(202611, "COMM", "AVAIL", *GL, 900)])
    before = world.state()
    assert refused(lambda: world.post([(202611, "COMM", "AVAIL", *GL, 101)])) == "limit"
    assert refused(lambda: world.post([(202611, "CHELD", "CFREE", *GL, 1)])) == "limit"
    back = [(202611, "AUTH", "AVAIL", *GL, 101)]
    assert refused(lambda: world.post(back, kind="authority")) == "limit"
    assert world.state() == before
    world.post([(202611, "AVAIL", "COMM", *GL, 400)])
    world.post([(202611, "COMM", "AVAIL", *GL, 500)])
    world.post([(202611, "USED", "COMM", *GL, 5_000)])  # a fact, whatever was committed
    # the statement of a bank is bookable before the draw, and without money for a fee
    world.post([(202611, "FEE", "ADV", *GL, 3_300)])
    world.post([(202611, "SUS", "ADV", *GL, 10_000_000)])
    assert world.balance("AVAIL") == 0


# -- equality of the engines, speed of many small journals ---------------------------------------


def _same_story(world: World) -> list[tuple[bytes, bytes]]:
    out = []
    for rows, carriers in (
        ([mint(202601 + n % 12, n, 1_000 + n) for n in range(1, 501)]
         + [mint(202501 + n % 12, n, 7) for n in range(1, 600)], ()),
        ([r for n in range(1, 501)
          for r in moves("PAY", "TRA", n, 1, n, [(202601 + n % 12, 0, 1_000 + n)])],
         [(n, 1) for n in range(1, 501)]),
        ([(202611, "ADV", "SUS", *GL, 5)], ()),
        ([r for n in range(1, 501)
          for r in moves("TRA", "ADV", n, 2, n, [(202601 + n % 12, 0, 1_000 + n)])], ()),
    ):  # fmt: skip
        sealed = world.post(rows, carriers)
        out.append((sealed.root, sealed.hash))
    world.furnish()
    with world.app.connect() as conn:
        out.append((b"head", verify(conn).head_hash))
    return out


def test_both_engines_give_the_same_roots_and_hashes(ledger_database: str, tmp_path: Path) -> None:
    """Ids, keys, times being equal, so are all digests: the format is one."""
    ours = _same_story(sqlite_world(tmp_path / "a.db"))
    theirs = _same_story(postgres_world(ledger_database))
    assert ours == theirs
    assert len({h for _, h in ours}) == 5


def test_the_canonical_line_is_what_the_database_writes(world: World) -> None:
    world.furnish()
    with world.app.connect() as conn:
        for (journal,) in conn.execute(text("SELECT DISTINCT journal_id FROM line")).all():
            rows = conn.execute(
                text("SELECT * FROM line WHERE journal_id = :j ORDER BY line_no"), {"j": journal}
            ).all()
            texts = [t for part in sealing.line_rows(conn, "line", journal) for t in part]
            assert texts == [row_text(tuple(r)) for r in rows]


def test_accounts_are_defined_once(world: World) -> None:
    with world.app.connect() as conn:
        missing = chart.accounts_for(conn, 1, "25001", 2026, ["SA"], ["A", "B"])
        assert missing == []
        new = chart.accounts_for(conn, 1, "25001", 2027, ["SA", "SP"], ["A"])
        assert len(new) == 9  # expense of SA 2027 is there already
        with pytest.raises(LedgerError) as error:
            chart.account_ids(conn, {"payable.25001", "payable.99999"})
    assert error.value.code == "not_defined"
    journal = world.allot(2)
    header = world.header(journal, "definition", payer_id=None)
    with world.app.begin() as conn:
        definitions.define_accounts(conn, header, new)
    with world.app.begin() as conn:
        assert definitions.define_accounts(conn, header, new).repeated
        assert len(chart.account_ids(conn, {a.code for a in new})) == 9

    def again() -> None:
        with world.app.begin() as conn:
            definitions.define_accounts(conn, replace(header, id=journal + 1, idem_key="x"), new)

    assert refused(again) == "exists"

    def other() -> None:
        with world.app.begin() as conn:
            definitions.define_accounts(conn, header, new[:1])

    assert refused(other) == "idem_conflict"


def test_subs_by_select_and_by_rows_repeat(world: World) -> None:
    journal = world.allot(3)
    header = world.header(journal, "definition", payer_id=None, recorded_at=RECORDED)
    unit = "decode('0a', 'hex')" if world.dialect == "postgresql" else "x'0a'"
    query = definitions.SubQuery(
        f"SELECT id + 1000, 'person', id + 1000, {unit}, 'SOC', 'state' FROM sub WHERE id <= :n",
        {"n": 300},
    )
    with world.app.begin() as conn:
        first = definitions.define_subs(conn, header, query)
    with world.app.begin() as conn:
        assert definitions.define_subs(conn, header, query).hash == first.hash
        rows = [(n + 1000, "person", n + 1000, b"\x0a", "SOC", "state") for n in range(1, 301)]
        assert definitions.define_subs(conn, header, rows).repeated
        with pytest.raises(IdemConflict):
            definitions.define_subs(
                conn, header, [*rows[:-1], (*rows[-1][:3], b"x", "SOC", "state")]
            )
    same_unit = [(5_000, "person", 1, b"x", "SOC", "state")]
    header = replace(header, id=journal + 1, idem_key="unit twice")

    def unit_twice() -> None:
        with world.app.begin() as conn:
            definitions.define_subs(conn, header, same_unit)

    assert refused(unit_twice) == "exists"

    def comma() -> None:
        with world.app.begin() as conn:
            definitions.define_subs(conn, header, [(5_000, "a,b", 1, b"x", "SOC", "state")])

    assert refused(comma) == "bad_value"
    with world.app.begin() as conn:
        definitions.define_subs(
            conn, header, iter([(5_000, "couple", 1, b"x", "CARE", "state")]), count=1
        )
