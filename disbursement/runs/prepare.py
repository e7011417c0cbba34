"""From the register to lists that can be signed: assess, compare, plan payments.

One call prepares the lists of all payers asked for, set-wise over the cell: the law is assessed
per profile, the differences become draft lines of each list's journal, the coins become payments.
Batches and files are made by runs/batches.py in the same unit of work; nothing is booked here but
the budget commitment (made with the list, coins.md 13).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from bank_adapters.registry import profile_of
from bank_adapters.rendering import takes_bank
from disbursement.beneficiaries.directory import held_codes
from disbursement.beneficiaries.names import check_again
from disbursement.beneficiaries.national.freshness import warning_rows
from disbursement.entitlements import compare as differ
from disbursement.entitlements import merit_store, store
from disbursement.entitlements import service as entitlements
from disbursement.entitlements.service import LawState
from disbursement.platform import ids
from disbursement.platform.clock import months_between, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.platform.schema import refresh_statistics
from disbursement.programmes.approved import Approved, approved, pin, settings
from disbursement.programmes.list_rates import FILE as LIST_FILE
from disbursement.programmes.list_rates import load_list_rates
from disbursement.programmes.merit_rates import load_merit_rates
from disbursement.runs.checks import run_checks, write_findings
from disbursement.runs.rail_limits import hold_beyond_limits
from disbursement.runs.routes import work_routes
from ledger import chart, posting
from ledger.bulk import bulk_insert, roomy
from ledger.errors import LedgerError
from ledger.sql import text

PROGRAMMES = ("SA", "SP")
EXPIRY_DAYS = 40
_NAMED = 3
"""Lists that a refusal names; it counts the others."""
"""A prepared list that nobody signs goes stale after this many days (F44)."""


@dataclass(frozen=True)
class ListRow:
    """One list under preparation."""

    id: int
    run_id: int
    payer_id: int
    payer_code: str
    programme: str
    month: int
    number: int
    version: int
    journal_id: int


@dataclass(frozen=True)
class Prepared:
    """What a preparation made: counts, and dong; held are rights, `held_payments` payments."""

    lists: tuple[ListRow, ...]
    minted_vnd: int
    held: int
    rerating_people: int
    rerating_vnd: int
    given_back: tuple[tuple[str, str, int, int], ...] = ()
    """What void versions had committed: payer code, budget line, month, dong."""
    held_payments: int = 0


def payers_of(conn: Connection, codes: Sequence[str] | None) -> list[tuple[int, str]]:
    """Return (id, code) of the payers asked for that have anybody on the register.

    Raises RefusedError for a code that is no payer here.
    """
    rows = conn.execute(
        text(
            "SELECT id, code FROM payer p WHERE EXISTS "
            "(SELECT 1 FROM person x WHERE x.payer_id = p.id) OR EXISTS "
            "(SELECT 1 FROM unit_profile u WHERE u.payer_id = p.id) OR EXISTS "
            "(SELECT 1 FROM case_event e WHERE e.payer_id = p.id) ORDER BY code"
        )
    ).all()
    if codes is None:
        return [(r[0], r[1]) for r in rows]
    known = {r[1]: r[0] for r in rows}
    missing = [c for c in codes if c not in known]
    if missing:
        raise RefusedError(
            "payer",
            f"Đơn vị chi trả mã {missing[0]} không có, hoặc chưa có ai trong danh sách; kiểm tra "
            "lại mã, hoặc nhập danh sách bằng `disburse register import` trước.",
        )
    return [(known[c], c) for c in codes]


def open_runs(
    conn: Connection, ctx: Context, month: int, payers: Sequence[tuple[int, str]]
) -> dict[int, int]:
    """Open the runs of the month; return payer_id -> run_id.

    Raises NotNowError where an earlier month is still open or this month is closed: one month
    after the other, so that what is unpaid is carried and never lost.
    """
    rows = conn.execute(text("SELECT id, payer_id, month, state FROM run")).all()
    runs: dict[int, int] = {}
    for run_id, payer_id, run_month, state in rows:
        if payer_id not in {p for p, _ in payers}:
            continue
        code = next(c for p, c in payers if p == payer_id)
        if run_month == month and state == "closed":
            raise NotNowError(
                "run_closed", f"Kỳ {show_month(month)} của {code} đã đóng; lập kỳ sau."
            )
        if run_month < month and state == "open":
            raise NotNowError(
                "run_open",
                f"Kỳ {show_month(run_month)} của {code} chưa đóng; hãy đóng kỳ đó trước "
                f"(`disburse run close --month {run_month // 100}-{run_month % 100:02d}`).",
            )
        if run_month > month:
            raise NotNowError(
                "run_later", f"{code} đã có kỳ {show_month(run_month)}, sau kỳ muốn lập."
            )
        if run_month == month:
            runs[payer_id] = run_id
    new = [(p, c) for p, c in payers if p not in runs]
    first = ids.block(conn, "run", len(new)) if new else 0
    at = stamp(ctx.clock)
    bulk_insert(
        conn,
        "run",
        ("id", "payer_id", "month", "state", "opened_at"),
        ((first + i, p, month, "open", at) for i, (p, _) in enumerate(new)),
    )
    runs.update({p: first + i for i, (p, _) in enumerate(new)})
    return runs


def new_lists(
    conn: Connection, month: int, payers: Sequence[tuple[int, str]], runs: dict[int, int]
) -> list[ListRow]:
    """Give numbers to the lists of this preparation: 0, or the next supplementary one.

    An open list of the same payer and programme is void first (an edit is a new version and voids
    its signatures); a released one makes this a supplementary list.
    """
    rows = conn.execute(
        text("SELECT payer_id, programme, number, version, state FROM pay_list WHERE month = :m"),
        {"m": month},
    ).all()
    latest: dict[tuple[int, str], tuple[int, int, str]] = {}
    for payer_id, programme, number, version, state in rows:
        key = (payer_id, programme)
        latest[key] = max(latest.get(key, (-1, -1, "")), (number, version, state))
    listed: dict[int, list[str]] = defaultdict(list)
    for payer_id, programme in conn.execute(
        text("SELECT DISTINCT payer_id, programme FROM list_unit ORDER BY payer_id, programme")
    ):
        listed[payer_id].append(programme)
    wanted = [(p, c, programme) for p, c in payers for programme in (*PROGRAMMES, *listed[p])]
    first = ids.block(conn, "pay_list", len(wanted))
    journal = posting.allot(conn, len(wanted))
    out = []
    for i, (payer_id, code, programme) in enumerate(wanted):
        number, version, state = latest.get((payer_id, programme), (0, -1, ""))
        if state in ("released", "closed"):
            number, version = number + 1, -1
        out.append(
            ListRow(
                first + i, runs[payer_id], payer_id, code, programme, month, number,
                version + 1, journal + i,
            )
        )  # fmt: skip
    return out


def law_states(
    conn: Connection, payers: Sequence[tuple[int, str]], law_on: date, law: Approved
) -> dict[int, tuple[LawState, LawState]]:
    """Return per payer the law its list is paid by, and the law with nothing undecided.

    A general rise needs one recorded decision per payer before its months can be paid at the new
    level (NĐ 335/2026 Art. 32.4; money-flow.md, The law 3). Open points are as each payer decided
    them, or as the whole cell did.
    """
    points = settings(conn)
    rates = law.rates
    lists = load_list_rates(law.files[LIST_FILE])
    merit = load_merit_rates(law.files)
    rises = {i.code for i in rates.rises() if i.in_force_from <= law_on and _needs_decision(i)}
    decided: dict[int, set[str]] = defaultdict(set)
    for payer_id, instrument in conn.execute(
        text("SELECT payer_id, instrument FROM rerating WHERE decision_number IS NOT NULL")
    ):
        decided[payer_id].add(instrument)
    states = {}
    for payer_id, code in payers:
        full = LawState(rates, law_on, settings=points.of(code), lists=lists, merit=merit)
        low = replace(full, undecided=frozenset(rises - decided[payer_id]))
        states[payer_id] = (low, full)
    return states


def _needs_decision(instrument: object) -> bool:
    """Only a rise whose money counts from before it was in force re-rates the past."""
    money = getattr(instrument, "money_from", None)
    force = getattr(instrument, "in_force_from", None)
    return money is not None and force is not None and money < force


def last_law_keys(conn: Connection) -> dict[int, str]:
    """Return per payer the law key of its last released list."""
    rows = conn.execute(
        text(
            "SELECT payer_id, law_key FROM pay_list WHERE state IN ('released', 'closed') "
            "ORDER BY month, number, version"
        )
    )
    return {payer_id: key for payer_id, key in rows}  # noqa: C416 - the last row of a payer wins


def assess_month(
    conn: Connection,
    month: int,
    payers: Sequence[tuple[int, str]],
    law_on: date,
    law: Approved,
) -> dict[int, tuple[LawState, LawState]]:
    """Assess and compare; leaves `work_diff` behind. Returns the law states used per payer."""
    states = law_states(conn, payers, law_on, law)
    last = last_law_keys(conn)
    first_month = conn.execute(
        text("SELECT coalesce(min(from_month), :m) FROM dirty"), {"m": month}
    ).scalar_one()
    go_live = conn.execute(
        text("SELECT coalesce(min(from_month), :m) FROM unit_profile"), {"m": month}
    ).scalar_one()
    if first_month < go_live:  # a right that ended has no span any more, but has a ledger
        go_live = min(go_live, _first_booked(conn, month))
    start = min(first_month, month)
    known = {key for pair in states.values() for key in (pair[0].key, pair[1].key)}
    if any(k and k not in known for k in last.values()) or len(known) > 1:
        start = min(start, go_live)
    entitlements.work_months(conn, months_between(min(max(start, go_live), month), month))
    every = [s for pair in states.values() for s in pair]
    entitlements.ensure_due(conn, every, start, month)
    entitlements.work_payers(
        conn, [(p, states[p][0].key, states[p][1].key, last.get(p, "")) for p, _ in payers]
    )
    entitlements.compare(conn, month)
    _of_movers(conn)
    return states


def _first_booked(conn: Connection, month: int) -> int:
    """Return the first month for which anything can stand in the books (yyyymm)."""
    found = conn.execute(
        text(
            "SELECT min(go_live_month) FROM payer UNION ALL SELECT min(cover) FROM opening "
            "UNION ALL SELECT min(cover) FROM list_opening"
        )
    ).scalars()
    return min((int(m) for m in found if m is not None), default=month)


def _of_movers(conn: Connection) -> None:
    """Fill `work_moved`, who moved within the cell, and give each difference to one commune.

    A month is paid by the commune that holds the person in it. Where another has it in its books
    already (a stop that came late), what is owed or claimed for that month stays there: the month
    is never in two communes' books.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_moved"))
    conn.execute(text("CREATE TEMPORARY TABLE work_moved (person_id bigint PRIMARY KEY)"))
    moved = conn.execute(
        text(
            "INSERT INTO work_moved SELECT DISTINCT person_id FROM case_event "
            "WHERE kind IN ('move_out', 'move_in')"
        )
    ).rowcount
    if not moved:
        return
    _analyze(conn, "work_moved")
    conn.execute(
        text(
            "UPDATE work_diff SET payer_id = coalesce((SELECT a.payer_id FROM line l "
            "JOIN account a ON a.id IN (l.debit_account, l.credit_account) AND a.kind = 'expense' "
            "WHERE l.sub_id = work_diff.sub_id AND l.cover = work_diff.cover "
            "AND l.rev IS NOT NULL ORDER BY l.rev DESC LIMIT 1), payer_id) "
            "WHERE last_rev >= 0 AND sub_id IN (SELECT person_id FROM work_moved) "
            "AND (owed > 0 OR EXISTS (SELECT 1 FROM line o JOIN account b "
            "ON b.id = o.debit_account AND b.kind = 'overpaid' "
            "WHERE o.sub_id = work_diff.sub_id AND o.cover = work_diff.cover))"
        )
    )
    conn.execute(
        text("DELETE FROM work_diff WHERE payer_id NOT IN (SELECT payer_id FROM work_payer)")
    )


def prepare_lists(
    conn: Connection,
    ctx: Context,
    month: int,
    *,
    codes: Sequence[str] | None = None,
    law_on: date | None = None,
) -> Prepared:
    """Prepare the lists of a month for the payers asked for (all where None).

    Leaves draft lines under each list's journal id, payments with their coins, holds with their
    amounts, and the list rows in state `draft`. Raises NotNowError and RefusedError as said above.
    """
    day = law_on or today(ctx.clock)
    law = approved(conn, day)
    payers = payers_of(conn, codes)
    if not payers:
        raise RefusedError(
            "register_empty", "Chưa có ai trong danh sách; hãy nhập danh sách trước."
        )
    given_back = void_open_lists(conn, [p for p, _ in payers])
    runs = open_runs(conn, ctx, month, payers)
    # Taken before anything is read: what is recorded from here on is not in these lists.
    recorded_by = ids.block(conn, "change", 1)
    check_again(conn, ctx)
    store.ensure_horizon(conn, month)
    merit_store.ensure_horizon(conn, month)
    states = assess_month(conn, month, payers, day, law)
    lists = new_lists(conn, month, payers, runs)
    people, amount = propose_rerating(conn, ctx, states, month)
    draft_lines(conn, ctx, lists, day)
    _collect_coins(conn, ctx, month)
    _write_lists(conn, ctx, lists, states, month, law, recorded_by)
    refresh_statistics(conn, "due", "list_hold", "pay_list")
    minted, held, held_payments = conn.execute(
        text(
            "SELECT coalesce(sum(minted_vnd), 0), coalesce(sum(held_right), 0), "
            "coalesce(sum(held_payment), 0) FROM pay_list l JOIN work_list w ON w.list_id = l.id"
        )
    ).one()
    used = {
        r[0]
        for r in conn.execute(
            text(
                "SELECT l.id FROM pay_list l JOIN work_list w ON w.list_id = l.id "
                f"WHERE l.coins > 0 OR l.payments > 0 OR (l.held_right > 0 AND {_HOLDS_ANEW})"
            )
        )
    }
    _note_registers(conn, ctx, [r for r in lists if r.id in used])
    write_findings(conn)
    # A list that pays, cancels and holds nothing, or only holds what a released list of the month
    # holds already, asks nobody for a signature; open, it would keep its month from closing.
    unused = ",".join(str(r.id) for r in lists if r.id not in used)
    if unused:
        for query in (
            f"UPDATE pay_list SET state = 'void' WHERE id IN ({unused})",
            f"UPDATE payment SET closed_as = 'ended' WHERE list_id IN ({unused})",
        ):
            conn.execute(text(query))
    return Prepared(
        tuple(r for r in lists if r.id in used),
        int(minted),
        int(held),
        people,
        amount,
        tuple(given_back),
        int(held_payments),
    )


_HOLDS_ANEW = """
EXISTS (SELECT 1 FROM list_hold h WHERE h.list_id = l.id AND h.kind = 'right' AND NOT EXISTS
  (SELECT 1 FROM pay_list o JOIN list_hold g ON g.list_id = o.id
   WHERE o.payer_id = l.payer_id AND o.programme = l.programme AND o.month = l.month
     AND o.state = 'released' AND g.person_id = h.person_id AND g.cover = h.cover
     AND g.kind = h.kind AND g.reason = h.reason AND g.detail = h.detail
     AND g.amount_vnd = h.amount_vnd))
"""
"""A list `l` holds a right that no released list of its payer, programme and month holds."""


def _note_registers(conn: Connection, ctx: Context, lists: Sequence[ListRow]) -> None:
    """Write down on each list which national registers were missing or old on this day."""
    bulk_insert(
        conn,
        "list_warning",
        ("list_id", "register", "state", "as_of", "max_age_days"),
        warning_rows(
            conn, [(r.id, r.payer_id, r.payer_code, r.programme) for r in lists], today(ctx.clock)
        ),
    )


def void_open_lists(conn: Connection, payer_ids: Iterable[int]) -> list[tuple[str, str, int, int]]:
    """Void the open lists of payers with their batches, drafts and reservations.

    Returns what they had committed: (payer code, budget line, month, dong), which the caller gives
    back in the same transaction (coins.md 13). Signature rows stay, under journal ids that will
    never be sealed.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_void"))
    conn.execute(text("CREATE TEMPORARY TABLE work_void (payer_id bigint PRIMARY KEY)"))
    bulk_insert(conn, "work_void", ("payer_id",), ((p,) for p in payer_ids))
    rows = conn.execute(
        text(
            "SELECT l.id, y.code, l.programme, l.month, l.minted_vnd - l.cancelled_vnd "
            "FROM pay_list l JOIN work_void v ON v.payer_id = l.payer_id "
            "JOIN payer y ON y.id = l.payer_id "
            "WHERE l.state IN ('draft', 'prepared', 'checked', 'second')"
        )
    ).all()
    if not rows:
        return []
    opened = ",".join(str(int(r[0])) for r in rows)
    for statement in (
        (
            "DELETE FROM coin_reserved WHERE batch_id IN (SELECT b.id FROM batch b "
            f"WHERE b.list_id IN ({opened}))"
        ),
        f"UPDATE batch SET state = 'withdrawn' WHERE list_id IN ({opened})",
        f"UPDATE payment SET closed_as = 'ended' WHERE list_id IN ({opened})",
        (
            "DELETE FROM draft_line WHERE journal_id IN (SELECT l.journal_id FROM pay_list l "
            f"WHERE l.id IN ({opened}))"
        ),
        f"UPDATE pay_list SET state = 'void' WHERE id IN ({opened})",
    ):
        conn.execute(text(statement))
    return [(code, programme, month, int(vnd)) for _, code, programme, month, vnd in rows]


def propose_rerating(
    conn: Connection, ctx: Context, states: dict[int, tuple[LawState, LawState]], month: int
) -> tuple[int, int]:
    """Write the draft re-rating decision of each payer that needs one; return people and dong.

    The amount is what the undecided rise adds for earlier months (coins already accrued at the
    old level); this month's own rise follows the same decision.
    """
    rises = {i.code: i for low, _ in states.values() for i in low.rates.rises()}
    undecided = sorted(
        {c for low, _ in states.values() for c in low.undecided},
        key=lambda code: rises[code].in_force_from,
    )
    if not undecided:
        return 0, 0
    rows = conn.execute(
        text(
            "SELECT payer_id, min(cover), max(cover), count(DISTINCT sub_id), "
            "sum(full_due - due) FROM work_diff WHERE full_due > due AND cover < :m "
            "GROUP BY payer_id ORDER BY payer_id"
        ),
        {"m": month},
    ).all()
    at = stamp(ctx.clock)
    people = amount = 0
    for payer_id, first, last, count, vnd in rows:
        people += count
        amount += int(vnd)
        conn.execute(
            text(
                "INSERT INTO rerating (id, payer_id, instrument, first_month, last_month, people, "
                "amount_vnd, proposed_at) VALUES (:id, :p, :i, :a, :b, :n, :v, :t) "
                "ON CONFLICT (payer_id, instrument) DO UPDATE SET first_month = :a, "
                "last_month = :b, people = :n, amount_vnd = :v, proposed_at = :t"
            ),
            {
                "id": ids.block(conn, "rerating", 1), "p": payer_id, "i": undecided[-1],
                "a": first, "b": last, "n": count, "v": int(vnd), "t": at,
            },
        )  # fmt: skip
    return people, amount


def draft_lines(conn: Connection, ctx: Context, lists: Sequence[ListRow], day: date) -> None:
    """Hold, and draft the rest of `work_diff` as lines of each list's journal."""
    _work_lists(conn, lists)
    _find_destinations(conn, ctx, day)
    run_checks(conn, ctx, lists[0].month, day)
    with roomy(conn):
        _split(conn)
        _draft_plain(conn)
    _draft_special(conn, lists)


def _no_year(conn: Connection, lists: Sequence[ListRow]) -> NotNowError:
    """Say whose budget of the year is not booked yet: the accounts of a year come with it."""
    year = lists[0].month // 100
    known = {
        str(code)
        for code in conn.execute(
            text("SELECT code FROM account WHERE kind = 'expense' AND budget_year = :y"),
            {"y": year},
        ).scalars()
    }
    without = [
        f"{row.payer_code} {row.programme}"
        for row in lists
        if chart.expense(row.payer_code, row.programme, year) not in known
    ]
    more = f" và {len(without) - _NAMED} danh sách khác" if len(without) > _NAMED else ""
    return NotNowError(
        "no_budget",
        f"{', '.join(without[:_NAMED])}{more}: chưa có dự toán năm {year}; hãy ghi dự toán "
        "(`disburse budget set`) rồi lập lại. Chưa lập danh sách nào.",
    )


def _work_lists(conn: Connection, lists: Sequence[ListRow]) -> None:
    """Make `work_list`: list, payer, programme, journal, and the accounts its lines use."""
    year_codes = {
        row.id: (
            chart.expense(row.payer_code, row.programme, row.month // 100),
            chart.payable(row.payer_code),
        )
        for row in lists
    }
    try:
        accounts = chart.account_ids(conn, {c for pair in year_codes.values() for c in pair})
    except LedgerError as error:
        if error.code != "not_defined":
            raise
        raise _no_year(conn, lists) from error
    conn.execute(text("DROP TABLE IF EXISTS work_list"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_list (list_id bigint PRIMARY KEY, payer_id bigint, "
            "run_id bigint, programme text, journal_id bigint, expense_id bigint, "
            "payable_id bigint)"
        )
    )
    bulk_insert(
        conn,
        "work_list",
        ("list_id", "payer_id", "run_id", "programme", "journal_id", "expense_id", "payable_id"),
        (
            (
                r.id, r.payer_id, r.run_id, r.programme, r.journal_id,
                accounts[year_codes[r.id][0]], accounts[year_codes[r.id][1]],
            )
            for r in lists
        ),
    )  # fmt: skip
    _analyze(conn, "work_list", "work_diff")


def _analyze(conn: Connection, *tables: str) -> None:
    """Tell PostgreSQL's planner about work tables it has never seen; SQLite needs nothing."""
    if conn.dialect.name == "postgresql":
        for table in tables:
            conn.exec_driver_sql(f"ANALYZE {table}")


RAIL = "rail_not_available"
_RAIL_MISSING = (
    "Chưa có kênh chi trả cho nơi nhận này (ví điện tử, Mobile Money); khoản chi được giữ lại, "
    "không tự chuyển thành tiền mặt."
)


def _find_destinations(conn: Connection, ctx: Context, day: date) -> None:
    """Fill `work_dest`, each person's usable destination; hold those that no rail serves."""
    conn.execute(text("DROP TABLE IF EXISTS work_dest"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_dest AS SELECT d.person_id, d.id AS destination_id, "
            "d.kind, d.bank_code, d.owner_relation, d.account_blind, d.account_last4, p.payer_id "
            "FROM destination d "
            "JOIN person p ON p.id = d.person_id WHERE (p.payer_id IN "
            "(SELECT payer_id FROM work_payer) OR p.id IN (SELECT person_id FROM work_moved)) "
            "AND (p.died_on IS NULL OR (d.owner_relation <> 'self' AND d.usable_from > p.died_on)) "
            "AND d.version = (SELECT max(e.version) FROM destination e "
            "WHERE e.person_id = d.person_id AND e.usable_from <= :day)"
        ),
        {"day": day.isoformat()},
    )
    conn.execute(text("CREATE UNIQUE INDEX work_dest_person ON work_dest (person_id)"))
    _analyze(conn, "work_dest")
    work_routes(conn, day)
    _rails_opened(conn, ctx)
    _hold_no_rail(conn, ctx)


def _hold_no_rail(conn: Connection, ctx: Context) -> None:
    """Hold what would go to a destination that no rail serves: as long as there is no contract.

    A hold that a person released, or an earlier contract, says nothing about today: its digest
    counts them, so that the next one has a key of its own.
    """
    rows = conn.execute(
        text(
            "SELECT d.person_id, d.payer_id, (SELECT count(*) FROM hold h "
            "WHERE h.person_id = d.person_id AND h.reason = :r) AS before FROM work_dest d "
            "WHERE d.kind IN ('wallet', 'mobile_money') AND NOT EXISTS (SELECT 1 FROM work_route r "
            "WHERE r.payer_id = d.payer_id AND r.rail = d.kind AND r.code = d.bank_code) "
            "AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.person_id = d.person_id "
            "AND h.reason = :r AND h.resolved_at IS NULL) ORDER BY d.person_id"
        ),
        {"r": RAIL},
    ).all()
    first = ids.block(conn, "hold", len(rows)) if rows else 0
    at = stamp(ctx.clock)
    bulk_insert(
        conn,
        "hold",
        (
            "id", "payer_id", "person_id", "kind", "reason", "detail", "raised_at",
            "raised_by", "fact_digest",
        ),
        (
            (first + i, payer, person, "payment", RAIL, _RAIL_MISSING, at, "prepare",
             str(before) if before else "")
            for i, (person, payer, before) in enumerate(rows)
        ),
    )  # fmt: skip


def _rails_opened(conn: Connection, ctx: Context) -> None:
    """End the holds of people whose rail has a contract now: the contract is the document."""
    conn.execute(
        text(
            "UPDATE hold SET resolved_at = :t, resolved_by = 'prepare', document = (SELECT "
            "'Hợp đồng ' || c.number FROM work_dest d JOIN work_route r ON r.payer_id = d.payer_id "
            "AND r.rail = d.kind AND r.code = d.bank_code JOIN provider_contract c "
            "ON c.id = r.contract_id WHERE d.person_id = hold.person_id) "
            "WHERE reason = :r AND resolved_at IS NULL AND EXISTS (SELECT 1 FROM work_dest d "
            "JOIN work_route r ON r.payer_id = d.payer_id AND r.rail = d.kind "
            "AND r.code = d.bank_code WHERE d.person_id = hold.person_id)"
        ),
        {"t": stamp(ctx.clock), "r": RAIL},
    )


def _name_programmes(conn: Connection) -> None:
    """Give each difference its programme, and the planner an index by list."""
    conn.execute(
        text(
            "UPDATE work_diff SET programme = coalesce((SELECT min(c.programme) "
            "FROM benefit_case c WHERE c.person_id = work_diff.sub_id), 'SA') "
            "WHERE programme = ''"
        )
    )
    if conn.dialect.name == "sqlite":  # else it makes this index anew for each join below
        conn.execute(
            text("CREATE INDEX work_diff_list ON work_diff (payer_id, programme, cover, sub_id)")
        )


def _split(conn: Connection) -> None:
    """Sort the differences: held (listed, not minted), plain (minted set-wise), special."""
    _name_programmes(conn)
    conn.execute(text("DROP TABLE IF EXISTS work_right"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_right AS SELECT h.person_id, min(h.reason) AS reason, "
            "min(h.detail) AS detail FROM hold h WHERE (h.payer_id IN "
            "(SELECT payer_id FROM work_payer) OR h.person_id IN "
            "(SELECT person_id FROM work_moved)) "
            "AND h.kind = 'right' AND h.resolved_at IS NULL GROUP BY h.person_id"
        )
    )
    _analyze(conn, "work_right")
    # The control figure of coins.md 17, taken from the comparison before anything is drafted.
    conn.execute(text("DROP TABLE IF EXISTS work_assessed"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_assessed AS SELECT w.list_id, sum(CASE "
            "WHEN r.person_id IS NOT NULL THEN d.full_due - d.owed "
            "ELSE d.due - d.owed + d.held_vnd + CASE WHEN d.full_due > d.due "
            "THEN d.full_due - d.due ELSE 0 END END) AS assessed FROM work_diff d "
            "JOIN work_list w ON w.payer_id = d.payer_id AND w.programme = d.programme "
            "LEFT JOIN work_right r ON r.person_id = d.person_id GROUP BY w.list_id"
        )
    )
    for reason, group, amount, where in (
        # The whole right is held: nothing of it is minted.
        (
            "r.reason",
            "r.reason",
            "d.full_due - d.owed",
            "d.person_id IN (SELECT person_id FROM work_right) AND d.full_due <> d.owed",
        ),
        # Part of it is an open point of law: the certain part is paid, the rest is listed.
        (
            "d.hold_reason",
            "d.hold_reason",
            "d.held_vnd",
            "r.person_id IS NULL AND d.hold_reason <> ''",
        ),
        (
            f"'{entitlements.RERATING}'",
            "r.person_id",
            "d.full_due - d.due",
            "r.person_id IS NULL AND d.full_due > d.due",
        ),
    ):
        conn.execute(
            text(
                "INSERT INTO list_hold (list_id, person_id, cover, kind, reason, detail, "
                f"amount_vnd) SELECT w.list_id, d.person_id, d.cover, 'right', {reason}, "
                f"coalesce(min(r.detail), ''), sum({amount}) FROM work_diff d "
                "JOIN work_list w ON w.payer_id = d.payer_id AND w.programme = d.programme "
                f"LEFT JOIN work_right r ON r.person_id = d.person_id WHERE {where} "
                f"GROUP BY w.list_id, d.person_id, d.cover, {group}"
            )
        )
    conn.execute(
        text(
            "DELETE FROM work_diff WHERE due = owed "
            "OR person_id IN (SELECT person_id FROM work_right)"
        )
    )


_CLAIMED = "EXISTS (SELECT 1 FROM receivable r WHERE r.sub_id = d.sub_id AND r.cover = d.cover)"


def _draft_plain(conn: Connection) -> None:
    """Mint what is more than before, for months of which nothing was ever claimed back."""
    conn.execute(
        text(
            "INSERT INTO draft_line (journal_id, line_no, cover, debit_account, credit_account, "
            "sub_id, item, move, carrier, of_n, rev, due_after, amount) "
            "SELECT w.journal_id, row_number() OVER (PARTITION BY w.list_id "
            "ORDER BY d.cover, d.sub_id), d.cover, w.expense_id, w.payable_id, d.sub_id, "
            "d.last_rev + 1, 0, NULL, NULL, d.last_rev + 1, d.due, d.due - d.owed "
            "FROM work_diff d JOIN work_list w ON w.payer_id = d.payer_id "
            f"AND w.programme = d.programme WHERE d.due > d.owed AND NOT {_CLAIMED}"
        )
    )


def _draft_special(conn: Connection, lists: Sequence[ListRow]) -> None:
    """Reduce, restore, cancel and claim, one (sub, covered month) at a time."""
    rows = conn.execute(
        text(
            "SELECT d.sub_id, d.payer_id, d.cover, d.programme, d.due, d.owed, d.last_rev, "
            "d.person_id "
            f"FROM work_diff d WHERE d.due < d.owed OR {_CLAIMED} "
            "ORDER BY d.payer_id, d.cover, d.sub_id"
        )
    ).all()
    if not rows:
        return
    by_key = {(r.payer_id, r.programme): r for r in lists}
    accounts = _special_accounts(conn, lists)
    drafted = conn.execute(
        text(
            "SELECT journal_id, count(*) FROM draft_line WHERE journal_id IN "
            "(SELECT journal_id FROM work_list) GROUP BY journal_id"
        )
    )
    taken: dict[int, int] = {int(j): int(n) for j, n in drafted}
    out: list[tuple[int | None, ...]] = []
    for sub_id, payer_id, cover, programme, due, owed, last_rev, person_id in rows:
        target = by_key[payer_id, programme]
        coins = _coins_of(conn, sub_id, cover)
        found = differ.post_difference(
            due, owed, None if last_rev == entitlements.NOT_ACCRUED else last_rev, coins
        )
        for step in found.steps:
            number = taken[target.journal_id] = taken.get(target.journal_id, 0) + 1
            pair = (accounts[target.id, step.debit], accounts[target.id, step.credit])
            out.append(
                (target.journal_id, number, cover, *pair, sub_id, step.item, step.move, None,
                 None, step.rev, step.due_after, step.amount)
            )  # fmt: skip
        # Money on its way waits: compare runs again when it is resolved.
        for reason, vnd in (("recall", -found.waits_vnd), ("written_off", found.kept_vnd)):
            if vnd:
                _set_aside(conn, target, person_id, cover, reason, vnd)
    bulk_insert(
        conn,
        "draft_line",
        (
            "journal_id", "line_no", "cover", "debit_account", "credit_account", "sub_id", "item",
            "move", "carrier", "of_n", "rev", "due_after", "amount",
        ),
        out,
    )  # fmt: skip


def _special_accounts(conn: Connection, lists: Sequence[ListRow]) -> dict[tuple[int, str], int]:
    codes = {}
    for row in lists:
        codes[row.id, "expense"] = chart.expense(row.payer_code, row.programme, row.month // 100)
        codes[row.id, "payable"] = chart.payable(row.payer_code)
        codes[row.id, "overpaid"] = chart.overpaid(row.payer_code)
    found = chart.account_ids(conn, set(codes.values()))
    return {key: found[code] for key, code in codes.items()}


def _coins_of(conn: Connection, sub_id: int, cover: int) -> list[differ.Coin]:
    """Return the coins and open receivables of one sub and month, from their last moves."""
    rows = conn.execute(
        text(
            "SELECT l.item, l.move, l.amount, dk.kind, ck.kind FROM line l "
            "JOIN account dk ON dk.id = l.debit_account "
            "JOIN account ck ON ck.id = l.credit_account "
            "WHERE l.sub_id = :s AND l.cover = :c ORDER BY l.item, l.move"
        ),
        {"s": sub_id, "c": cover},
    ).all()
    moves: dict[int, list[tuple[int, int, str, str]]] = defaultdict(list)
    for item, move, amount, debit, credit in rows:
        moves[item].append((move, int(amount), debit, credit))
    out = []
    for item, steps in moves.items():
        move, amount, _, credit = steps[-1]
        if steps[0][2] == "overpaid":
            less = sum(a for _, a, _, c in steps if c == "overpaid")
            kept = sum(a for _, a, d, _ in steps if d == "loss")
            opened = steps[0][1]
            out.append(differ.Coin(item, move, "overpaid", opened, opened - less, kept))
        else:
            place = credit if credit in ("payable", "transit", "agent", "paid") else "other"
            out.append(differ.Coin(item, move, place, amount))  # type: ignore[arg-type]  # narrowed
    return out


def _set_aside(
    conn: Connection, row: ListRow, person_id: int, cover: int, reason: str, amount: int
) -> None:
    """Show on the list what is assessed and not posted."""
    conn.execute(
        text(
            "INSERT INTO list_hold (list_id, person_id, cover, kind, reason, detail, amount_vnd) "
            "VALUES (:l, :s, :c, 'right', :r, '', :a) ON CONFLICT (list_id, person_id, cover, "
            "kind, reason) DO UPDATE SET amount_vnd = list_hold.amount_vnd + excluded.amount_vnd"
        ),
        {"l": row.id, "s": person_id, "c": cover, "r": reason, "a": amount},
    )


def _collect_coins(conn: Connection, ctx: Context, month: int) -> None:
    """Plan payments: a list's coins for one holder and destination, carried ones included.

    A payment under a hold of payment is planned too, says why, and enters no batch: its coins
    will lie in payable with that reason.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_coin"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_coin AS "
            "SELECT w.list_id, d.sub_id, d.cover, d.item, 0 AS move, d.amount, 0 AS carried, "
            "d.sub_id AS person_id "
            "FROM draft_line d JOIN work_list w ON w.journal_id = d.journal_id "
            "WHERE d.move = 0 AND d.credit_account = w.payable_id "
            "UNION ALL "
            "SELECT w.list_id, f.sub_id, f.cover, f.item, f.move, f.amount_vnd, 1, f.sub_id "
            "FROM free_coin f JOIN work_list w ON w.payer_id = f.payer_id "
            "AND w.programme = f.programme WHERE NOT EXISTS (SELECT 1 FROM draft_line d "
            "WHERE d.journal_id = w.journal_id AND d.sub_id = f.sub_id AND d.cover = f.cover "
            "AND d.item = f.item AND d.move > 0)"
        )
    )
    conn.execute(
        text(
            "UPDATE work_coin SET person_id = (SELECT u.person_id FROM list_unit u "
            "WHERE u.sub_id = work_coin.sub_id) WHERE sub_id IN (SELECT sub_id FROM list_unit)"
        )
    )
    conn.execute(text("DROP TABLE IF EXISTS work_hold"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_hold AS SELECT h.person_id, min(h.reason) AS reason "
            "FROM hold h WHERE (h.payer_id IN (SELECT payer_id FROM work_payer) "
            "OR h.person_id IN (SELECT person_id FROM work_moved)) "
            "AND h.resolved_at IS NULL GROUP BY h.person_id"
        )
    )
    # Before the next four, which ask it for each person on the lists.
    conn.execute(text("CREATE INDEX work_hold_person ON work_hold (person_id)"))
    _hold_suspended(conn, month)
    _hold_names(conn)
    _hold_codes(conn, today(ctx.clock))
    _hold_unnamed_banks(conn, today(ctx.clock))
    _analyze(conn, "work_coin", "work_hold")
    _plan_payments(conn, month, today(ctx.clock))


def _hold_suspended(conn: Connection, month: int) -> None:
    """Keep back what is owed for earlier months while the person is suspended (coins.md 16)."""
    profiles = conn.execute(
        text(
            "SELECT DISTINCT d.profile_id FROM due d JOIN profile f ON f.id = d.profile_id "
            "WHERE d.month = :m AND d.total_vnd = 0 AND f.facts LIKE :s"
        ),
        {"m": month, "s": '%"suspended":true%'},
    ).scalars()
    found = ",".join(str(int(p)) for p in profiles)
    if not found:
        return
    conn.execute(
        text(
            "INSERT INTO work_hold SELECT DISTINCT c.sub_id, 'suspended' FROM work_coin c "
            "JOIN unit_profile u ON u.sub_id = c.sub_id AND :m BETWEEN u.from_month "
            f"AND u.to_month WHERE u.profile_id IN ({found}) AND (c.carried = 1 OR c.cover < :m) "
            "AND NOT EXISTS (SELECT 1 FROM work_hold h WHERE h.person_id = c.sub_id)"
        ),
        {"m": month},
    )


def _hold_names(conn: Connection) -> None:
    """Keep back whose account stands in a name that waits for a person, or that was refused."""
    conn.execute(
        text(
            "INSERT INTO work_hold (person_id, reason) SELECT d.person_id, 'name_' || n.state "
            # By the destination: joined the other way round, every check walks over all of them.
            "FROM work_dest d JOIN name_check n ON n.id = (SELECT max(z.id) FROM name_check z "
            "WHERE z.destination_id = d.destination_id) WHERE n.state <> 'accepted' "
            "AND NOT EXISTS (SELECT 1 FROM work_hold h WHERE h.person_id = d.person_id)"
        )
    )


def _hold_codes(conn: Connection, day: date) -> None:
    """Keep back who would be paid to a bank or wallet the directory does not vouch for.

    No hold of the person's: the directory settles it, for everybody, by two people.
    """
    codes = conn.execute(
        text("SELECT DISTINCT kind, bank_code FROM work_dest WHERE kind <> 'cash'")
    ).all()
    held = held_codes(conn, day, [(str(k), str(c)) for k, c in codes])
    if not held:
        return
    conn.execute(text("DROP TABLE IF EXISTS work_code"))
    conn.execute(text("CREATE TEMPORARY TABLE work_code (kind text, code text, reason text)"))
    bulk_insert(conn, "work_code", ("kind", "code", "reason"), held)
    barred = (
        "SELECT d.person_id, c.reason FROM work_dest d "
        "JOIN work_code c ON c.kind = d.kind AND c.code = d.bank_code"
    )
    conn.execute(
        text(f"DELETE FROM work_hold WHERE person_id IN (SELECT person_id FROM ({barred}) b)")
    )
    conn.execute(text(f"INSERT INTO work_hold (person_id, reason) {barred}"))


def _hold_unnamed_banks(conn: Connection, day: date) -> None:
    """Keep back whose bank the template of the payer's provider has no name for: not its batch."""
    work_routes(conn, day)
    rows = conn.execute(
        text(
            "SELECT DISTINCT r.payer_id, r.profile, d.bank_code FROM work_dest d "
            "JOIN work_route r ON r.payer_id = d.payer_id AND r.rail = 'bank' "
            "WHERE d.kind = 'bank'"
        )
    )
    barred = [
        (int(payer), str(code))
        for payer, profile, code in rows
        if not takes_bank(profile_of(str(profile)), str(code))
    ]
    if not barred:
        return
    conn.execute(text("DROP TABLE IF EXISTS work_unnamed"))
    conn.execute(text("CREATE TEMPORARY TABLE work_unnamed (payer_id bigint, code text)"))
    bulk_insert(conn, "work_unnamed", ("payer_id", "code"), barred)
    conn.execute(
        text(
            "INSERT INTO work_hold (person_id, reason) SELECT d.person_id, 'bank_not_in_template' "
            "FROM work_dest d JOIN work_unnamed u ON u.payer_id = d.payer_id "
            "AND u.code = d.bank_code WHERE d.kind = 'bank' "
            "AND NOT EXISTS (SELECT 1 FROM work_hold h WHERE h.person_id = d.person_id)"
        )
    )


def _plan_payments(conn: Connection, month: int, day: date) -> None:
    """Write a payment per list and holder with its coins, and list those under a hold."""
    conn.execute(text("DROP TABLE IF EXISTS work_pay"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_pay AS SELECT c.list_id, c.person_id, sum(c.amount) AS "
            "amount_vnd, count(*) AS coins, row_number() OVER (ORDER BY c.list_id, c.person_id) "
            "AS k FROM work_coin c GROUP BY c.list_id, c.person_id"
        )
    )
    _analyze(conn, "work_pay")
    total = conn.execute(text("SELECT count(*) FROM work_pay")).scalar_one()
    base = ids.block(conn, "payment", int(total)) - 1 if total else 0
    conn.execute(
        text(
            "INSERT INTO payment (id, list_id, run_id, payer_id, person_id, destination_id, rail, "
            "amount_vnd, coins, hold_reason, closed_as) "
            "SELECT :base + p.k, p.list_id, w.run_id, w.payer_id, p.person_id, "
            "coalesce(d.destination_id, 0), coalesce(d.kind, ''), p.amount_vnd, p.coins, "
            "coalesce(h.reason, CASE WHEN d.destination_id IS NULL THEN 'unverified' ELSE '' END), "
            "'' FROM work_pay p JOIN work_list w ON w.list_id = p.list_id "
            "LEFT JOIN work_dest d ON d.person_id = p.person_id "
            "LEFT JOIN work_hold h ON h.person_id = p.person_id AND (h.reason <> 'suspended' "
            "OR w.programme IN ('SA', 'SP')) ORDER BY p.k"
        ),
        {"base": base},
    )
    conn.execute(
        text(
            "INSERT INTO payment_coin (payment_id, sub_id, cover, item, move, amount_vnd) "
            "SELECT :base + p.k, c.sub_id, c.cover, c.item, c.move, c.amount FROM work_coin c "
            "JOIN work_pay p ON p.list_id = c.list_id AND p.person_id = c.person_id "
            "ORDER BY p.k, c.sub_id, c.cover, c.item"
        ),
        {"base": base},
    )
    hold_beyond_limits(conn, base, month, day)
    conn.execute(
        text(
            "INSERT INTO list_hold (list_id, person_id, cover, kind, reason, detail, amount_vnd) "
            "SELECT p.list_id, p.person_id, 0, 'payment', p.hold_reason, '', p.amount_vnd "
            "FROM payment p JOIN work_list w ON w.list_id = p.list_id WHERE p.hold_reason <> ''"
        )
    )


def _sums(conn: Connection, query: str) -> dict[int, tuple[int, ...]]:
    return {int(r[0]): tuple(int(v or 0) for v in r[1:]) for r in conn.execute(text(query))}


@dataclass(frozen=True)
class _ListSums:
    """Control totals per list id, each as a tuple of counts and dong."""

    drafted: dict[int, tuple[int, ...]]
    carried: dict[int, tuple[int, ...]]
    planned: dict[int, tuple[int, ...]]
    held: dict[str, dict[int, tuple[int, ...]]]


def _list_sums(conn: Connection) -> _ListSums:
    drafted = _sums(
        conn,
        "SELECT w.list_id, count(*), "
        "sum(CASE WHEN d.debit_account = w.expense_id AND d.credit_account = w.payable_id "
        "THEN d.amount ELSE 0 END), "
        "sum(CASE WHEN d.debit_account = w.payable_id THEN d.amount ELSE 0 END), "
        "sum(CASE WHEN d.credit_account = w.expense_id AND d.debit_account <> w.payable_id "
        "THEN d.amount ELSE 0 END), "
        "sum(CASE WHEN d.debit_account = w.expense_id AND d.credit_account <> w.payable_id "
        "THEN d.amount ELSE 0 END), count(DISTINCT d.sub_id) "
        "FROM draft_line d JOIN work_list w ON w.journal_id = d.journal_id GROUP BY w.list_id",
    )
    carried = _sums(
        conn, "SELECT list_id, sum(carried), sum(carried * amount) FROM work_coin GROUP BY list_id"
    )
    planned = _sums(
        conn,
        "SELECT p.list_id, sum(CASE WHEN p.hold_reason = '' THEN 1 ELSE 0 END), "
        "sum(CASE WHEN p.hold_reason = '' THEN p.amount_vnd ELSE 0 END) "
        "FROM payment p JOIN work_list w ON w.list_id = p.list_id GROUP BY p.list_id",
    )
    held = {
        kind: _sums(
            conn,
            "SELECT h.list_id, count(DISTINCT h.person_id), sum(h.amount_vnd) FROM list_hold h "
            f"JOIN work_list w ON w.list_id = h.list_id WHERE h.kind = '{kind}' "
            "GROUP BY h.list_id",
        )
        for kind in ("right", "payment")
    }
    return _ListSums(drafted, carried, planned, held)


def _write_lists(
    conn: Connection,
    ctx: Context,
    lists: Sequence[ListRow],
    states: dict[int, tuple[LawState, LawState]],
    month: int,
    law: Approved,
    recorded_by: int,
) -> None:
    """Write the list rows with their control totals; a list with nothing on it is left out."""
    sums = _list_sums(conn)
    assessed = _sums(conn, "SELECT list_id, assessed FROM work_assessed")
    settings_digest = _settings_digest(conn)
    at = stamp(ctx.clock)
    pin(conn, law, at)
    expires = (today(ctx.clock) + timedelta(days=EXPIRY_DAYS)).isoformat()
    rows = []
    for row in lists:
        lines, minted, cancelled, claimed, restored, people = sums.drafted.get(row.id, (0,) * 6)
        right, payment = (sums.held[k].get(row.id, (0, 0)) for k in ("right", "payment"))
        count, vnd = sums.planned.get(row.id, (0, 0))
        old = sums.carried.get(row.id, (0, 0))
        if not (lines or count or right[0] or old[0]):
            continue
        state = states[row.payer_id][0]
        rows.append(
            (
                row.id, row.run_id, row.payer_id, row.programme, month, row.number, row.version,
                "draft", row.journal_id, state.law_on.isoformat(), state.key, recorded_by,
                law.sha256, settings_digest, people, lines, minted, cancelled, claimed, restored,
                assessed.get(row.id, (0,))[0], *old, count, vnd, *right,
                *payment, secrets.token_hex(16), at, expires,
            )
        )  # fmt: skip
    bulk_insert(
        conn,
        "pay_list",
        (
            "id", "run_id", "payer_id", "programme", "month", "number", "version", "state",
            "journal_id", "law_on", "law_key", "recorded_by", "rates_sha256", "settings_sha256",
            "people", "coins", "minted_vnd", "cancelled_vnd", "receivable_vnd", "restored_vnd",
            "assessed_vnd", "carried", "carried_vnd", "payments", "total_vnd", "held_right",
            "held_right_vnd", "held_payment", "held_payment_vnd", "nonce", "prepared_at",
            "expires_at",
        ),
        rows,
    )  # fmt: skip


def _settings_digest(conn: Connection) -> str:
    rows = conn.execute(text("SELECT name, payer, value FROM setting ORDER BY name, payer")).all()
    decided = conn.execute(
        text("SELECT point, payer, value, id FROM rate_decision ORDER BY id")
    ).all()
    body = json.dumps([list(r) for r in (*rows, *decided)], ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
