"""The cash desk: rosters opened, money handed over under a lock, rosters closed.

An order's coins stay with the agent until its roster is closed: every copy back or declared void
(coins.md 16). Handing over is one transaction that locks the payment, asks where its money is, and
refuses a second payment by the ledger itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from disbursement.fallback.rules import (
    PROOFS,
    Order,
    already_paid,
    check_proof,
    other_commune,
    refusal,
    show_day,
)
from disbursement.identity.service import user
from disbursement.payments.effects import Scope, header, open_month, plan_item
from disbursement.payments.queries import attempts_of
from disbursement.platform import files, ids
from disbursement.platform.calendar import cash_last_day
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
)
from ledger import chart, posting
from ledger.errors import LedgerError
from ledger.posting import Item, Query
from ledger.sql import text

SHORTEST = timedelta(days=5)
"""A roster opened late in the month stays open at least this long."""


@dataclass(frozen=True)
class Handed:
    """One hand-over: the order, dong, the day, the journal."""

    order: str
    amount_vnd: int
    day: date
    journal_id: int


@dataclass(frozen=True)
class RosterClosed:
    """What closing a roster found: orders collected and not, dong."""

    collected: int
    collected_vnd: int
    uncollected: int
    uncollected_vnd: int


# --- rosters -------------------------------------------------------------------------------------


def open_roster(conn: Connection, ctx: Context, batch_id: int) -> None:
    """Open the roster of a released cash batch, inside the caller's transaction.

    It is open from the batch's value date to the month's last day for cash, and never less than
    five days. Raises NotNowError where the batch is not a released cash batch, or its roster is
    open already.
    """
    row = conn.execute(
        text(
            "SELECT b.rail, b.state, b.month, b.value_date, b.payer_id, y.code, y.name "
            "FROM batch b JOIN payer y ON y.id = b.payer_id WHERE b.id = :b"
        ),
        {"b": batch_id},
    ).one()
    known = conn.execute(text("SELECT 1 FROM roster WHERE batch_id = :b"), {"b": batch_id}).first()
    if row.rail != "cash" or row.state != "queued" or known is not None:
        raise NotNowError("roster", f"Lô {batch_id} không phải lô tiền mặt đang chờ mở danh sách.")
    first = max(today(ctx.clock), date.fromisoformat(row.value_date))
    last = max(cash_last_day(row.month), first + SHORTEST)
    conn.execute(
        text(
            "INSERT INTO roster (batch_id, payer_id, commune_code, place, first_day, last_day, "
            "copies, state) VALUES (:b, :p, :c, :w, :f, :l, 0, 'ordered')"
        ),
        {
            "b": batch_id, "p": row.payer_id, "c": row.code, "w": f"Trụ sở UBND {row.name}",
            "f": first.isoformat(), "l": last.isoformat(),
        },
    )  # fmt: skip


def open_rosters(conn: Connection, ctx: Context, batch_ids: Sequence[int]) -> None:
    """Open the rosters of several batches (see `open_roster`)."""
    for batch_id in batch_ids:
        open_roster(conn, ctx, batch_id)


@dataclass(frozen=True)
class OverdueRoster:
    """A roster still open after its last day: orders not collected, dong."""

    batch_id: int
    commune_code: str
    last_day: date
    orders: int
    amount_vnd: int


def overdue_rosters(conn: Connection, day: date) -> list[OverdueRoster]:
    """List open rosters whose last day has passed, with what is not collected."""
    rows = conn.execute(
        text(
            "SELECT o.batch_id, o.commune_code, o.last_day, count(r.n), "
            "coalesce(sum(r.amount_vnd), 0) FROM roster o LEFT JOIN batch_row r "
            "ON r.batch_id = o.batch_id AND NOT EXISTS (SELECT 1 FROM handover h "
            "WHERE h.batch_id = r.batch_id AND h.n = r.n) "
            "WHERE o.state = 'ordered' AND o.last_day < :d "
            "GROUP BY o.batch_id, o.commune_code, o.last_day ORDER BY o.last_day, o.batch_id"
        ),
        {"d": day.isoformat()},
    )
    return [
        OverdueRoster(b, c, date.fromisoformat(last), int(n), int(vnd))
        for b, c, last, n, vnd in rows
    ]


# --- handing over --------------------------------------------------------------------------------


def handover(
    ctx: Context,
    code: str,
    proof: str,
    *,
    actor: str,
    note: str = "",
    day: date | None = None,
) -> Handed:
    """Record that one order was handed over; `code` is its order id or the person's reference.

    One transaction: locks the payment, asks where its money is, books agent -> advance. Raises
    NotFoundError (no such order), NotAllowedError (another commune's roster), NotNowError
    (already paid, in flight, unknown, parked, roster closed or over), RefusedError (proof).
    """
    check_proof(proof, note)
    on = day or today(ctx.clock)
    if on > today(ctx.clock):
        raise RefusedError("future", f"Ngày nhận {on:%d/%m/%Y} ở tương lai; hãy ghi ngày thật.")
    try:
        with ctx.cell.begin() as conn:
            row = _find(conn, ctx, code, actor)
            order = _order(conn, row)
            if (why := refusal(order, on)) is not None:
                raise why
            return _hand(conn, ctx, row, on, proof, note, actor)
    except IntegrityError as error:
        raise NotNowError("already_paid", "Khoản này vừa được trả ở nơi khác.") from error
    except LedgerError as error:
        if error.code in ("coin_moved", "limit", "exists", "idem_conflict"):
            raise NotNowError("already_paid", "Khoản này vừa được trả ở nơi khác.") from error
        raise


_ROW = """
SELECT r.batch_id, r.n, r.payment_id, r.amount_vnd, r.coins, r.end_to_end_id, b.journal_id,
  b.payer_id, b.provider_id, b.rail, y.code AS payer, v.code AS provider, x.died_on,
  o.state AS roster_state, o.first_day, o.last_day
FROM batch_row r JOIN batch b ON b.id = r.batch_id JOIN payer y ON y.id = b.payer_id
JOIN provider v ON v.id = b.provider_id JOIN payment p ON p.id = r.payment_id
JOIN person x ON x.id = p.person_id LEFT JOIN roster o ON o.batch_id = r.batch_id
"""


def _find(conn: Connection, ctx: Context, code: str, actor: str) -> Row[Any]:
    """Find the one order that a code names, lock its payment, and check whose desk it is."""
    wanted = code.strip().upper()
    carrier = ids.carrier_of(ctx.cell.code, wanted)
    if carrier is not None:
        journal_id, n = divmod(carrier, posting.CARRIER_BASE)
        rows = conn.execute(
            text(f"{_ROW} WHERE b.journal_id = :j AND r.n = :n"), {"j": journal_id, "n": n}
        ).all()
    else:
        rows = _by_reference(conn, wanted)
    if not rows:
        raise NotFoundError("no_order", "Không có lệnh chi nào mang mã này; kiểm tra lại mã.")
    row = rows[0]
    if not user(ctx, actor).holds("cash_desk", row.payer):
        raise other_commune(row.payer, actor)
    if len(rows) > 1:
        raise NotNowError(
            "several_orders",
            f"Người này có {len(rows)} lệnh tiền mặt đang chờ; hãy nhập mã lệnh in trên danh "
            "sách ký nhận, từng lệnh một.",
        )
    if row.rail != "cash":
        _not_cash(conn, row)
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT 1 FROM payment WHERE id = :p FOR UPDATE"), {"p": row.payment_id})
    return row


def _by_reference(conn: Connection, wanted: str) -> Sequence[Row[Any]]:
    """Return the person's open cash orders; where there is none, the latest attempt of any rail."""
    reference = ids.clean_reference(wanted)
    if reference is None:
        return []
    every = conn.execute(
        text(f"{_ROW} WHERE x.reference = :r ORDER BY r.batch_id DESC"), {"r": reference}
    ).all()
    waiting = [r for r in every if r.rail == "cash" and r.roster_state == "ordered"]
    open_ones = [r for r in waiting if _order(conn, r).state == "ordered"]
    return open_ones or waiting[:1] or every[:1]


def _not_cash(conn: Connection, row: Row[Any]) -> None:
    """Say why a person without a cash order cannot be paid in cash now."""
    order = _order(conn, row)
    if order.paid_day:
        raise already_paid(order)
    why = refusal(
        Order(
            order.payer, order.amount_vnd, "ordered", (order.state, *order.others), "ordered",
            "", "9999", order.died, "", "",
        ),
        date.min,
    )  # fmt: skip
    if why is not None:
        raise why
    raise NotNowError(
        "no_cash_order",
        "Khoản này chưa có lệnh tiền mặt: chuyển khoản không thành, lệnh tiền mặt còn chờ duyệt.",
    )


def _order(conn: Connection, row: Row[Any]) -> Order:
    """Read an order as the desk meets it: its own state, its payment's other attempts."""
    state, others = "ordered", []
    paid_day = paid_rail = ""
    for attempt in attempts_of(conn, row.payment_id):
        if attempt.batch_id == row.batch_id:
            state = attempt.state
        else:
            others.append(attempt.state)
        if attempt.state in ("credited", "collected"):
            paid_day, paid_rail = attempt.day, attempt.rail
    return Order(
        row.payer, int(row.amount_vnd), state, tuple(others), row.roster_state or "",
        row.first_day or "", row.last_day or "", row.died_on is not None, paid_day, paid_rail,
    )  # fmt: skip


def _hand(
    conn: Connection,
    ctx: Context,
    row: Row[Any],
    day: date,
    proof: str,
    note: str,
    actor: str,
) -> Handed:
    record = {
        "what": "handover", "order": row.end_to_end_id, "amount_vnd": int(row.amount_vnd),
        "day": day.isoformat(), "proof": proof, "note": note, "desk_user": actor,
        "recorded_at": stamp(ctx.clock),
    }  # fmt: skip
    digest = keep_record(ctx, record)
    scope = scope_of(conn, ctx, row.payer_id, row.payer, row.provider, 0, digest)
    scope = Scope(**{**scope.__dict__, "key": f"handover:{row.end_to_end_id}"})
    agent, advance = desk_accounts(conn, row.payer, row.provider)
    lines = Query(
        "SELECT l.cover, :a, :b, l.sub_id, l.item, l.move + 1, l.carrier, l.of_n, "
        "CAST(NULL AS bigint), CAST(NULL AS bigint), l.amount FROM line l "
        "WHERE l.journal_id = :j AND l.carrier = :c",
        {
            "a": agent, "b": advance, "j": row.journal_id,
            "c": row.journal_id * posting.CARRIER_BASE + row.n,
        },
    )  # fmt: skip
    plan = plan_item(conn, ctx, scope, f"{scope.key}:plan", {"collected": int(row.amount_vnd)})
    head = header(conn, ctx, scope, "handover", scope.key)
    conn.execute(
        text(
            "INSERT INTO handover (batch_id, n, day, proof, proof_note, desk_user, recorded_at, "
            "evidence, journal_id) VALUES (:b, :n, :d, :p, :t, :u, :r, :e, :j)"
        ),
        {
            "b": row.batch_id, "n": row.n, "d": day.isoformat(), "p": proof, "t": note,
            "u": actor, "r": record["recorded_at"], "e": digest, "j": head.id,
        },
    )  # fmt: skip
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT :b, :n, coalesce(max(seq), 0) + 1, 'collected', 'desk', :p, '', 0, :d "
            "FROM attempt_news WHERE batch_id = :b AND n = :n"
        ),
        {"b": row.batch_id, "n": row.n, "p": proof, "d": day.isoformat()},
    )
    posting.post_many(conn, [*plan, Item(head, lines)])
    return Handed(row.end_to_end_id, int(row.amount_vnd), day, head.id)


def keep_record(ctx: Context, record: dict[str, Any]) -> bytes:
    """Store a record made here as evidence; return its SHA-256. It holds no personal number."""
    body = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", body.encode())
    return digest


def scope_of(
    conn: Connection,
    ctx: Context,
    payer_id: int,
    payer: str,
    provider: str,
    answer_id: int,
    evidence: bytes,
) -> Scope:
    """Return the scope of a cash journal (its key is to be set by the caller)."""
    day = today(ctx.clock)
    return Scope(
        payer_id, payer, provider, answer_id, evidence, open_month(conn, payer_id, day), day, ""
    )


def desk_accounts(conn: Connection, payer: str, provider: str) -> tuple[int, int]:
    """Return the ids of the payer's agent and advance accounts at a provider."""
    codes = (chart.agent(payer, provider), chart.advance(payer, provider))
    found = chart.account_ids(conn, codes)
    return found[codes[0]], found[codes[1]]


# --- closing -------------------------------------------------------------------------------------


def close_roster(
    ctx: Context,
    batch_id: int,
    *,
    copies_returned: int,
    actor: str,
    evidence: bytes | None = None,
) -> RosterClosed:
    """Close a roster: what was not collected goes back to payable and into next month's list.

    `evidence` is the signed roster's scan; without it the record of closing itself is kept. Raises
    NotFoundError, NotAllowedError, NotNowError (closed before), RefusedError (copies missing).
    """
    with ctx.cell.begin() as conn:
        return close_one(
            conn, ctx, batch_id, copies_returned=copies_returned, actor=actor, evidence=evidence
        )


def close_one(
    conn: Connection,
    ctx: Context,
    batch_id: int,
    *,
    copies_returned: int,
    actor: str,
    evidence: bytes | None = None,
) -> RosterClosed:
    """Close one roster inside the caller's transaction (see `close_roster`)."""
    row = _roster(conn, batch_id)
    _may_close(ctx, row, copies_returned, actor)
    sums = _collected(conn, batch_id)
    record = {
        "what": "roster_closed", "batch": batch_id, "copies_returned": copies_returned,
        "closed_by": actor, "closed_at": stamp(ctx.clock), "collected": sums.collected,
        "collected_vnd": sums.collected_vnd, "uncollected": sums.uncollected,
        "uncollected_vnd": sums.uncollected_vnd,
    }  # fmt: skip
    if evidence is not None:
        _, scan = files.keep_evidence(ctx.settings.files / "evidence", evidence)
        record["scan_sha256"] = scan.hex()
    digest = keep_record(ctx, record)
    journal = _give_back(conn, ctx, row, sums, digest) if sums.uncollected else None
    conn.execute(
        text(
            "UPDATE roster SET state = 'closed', closed_at = :t, closed_by = :u, "
            "closing_sha256 = :e, journal_id = :j WHERE batch_id = :b"
        ),
        {"t": record["closed_at"], "u": actor, "e": digest, "j": journal, "b": batch_id},
    )
    return sums


def _roster(conn: Connection, batch_id: int) -> Row[Any]:
    lock = " FOR UPDATE OF o" if conn.dialect.name == "postgresql" else ""
    row = conn.execute(
        text(
            "SELECT o.batch_id, o.state, o.copies, o.payer_id, y.code AS payer, "
            "v.code AS provider, b.journal_id FROM roster o JOIN batch b ON b.id = o.batch_id "
            "JOIN payer y ON y.id = o.payer_id JOIN provider v ON v.id = b.provider_id "
            f"WHERE o.batch_id = :b{lock}"
        ),
        {"b": batch_id},
    ).first()
    if row is None:
        raise NotFoundError("no_roster", f"Không có danh sách ký nhận của lô {batch_id}.")
    return row


def _may_close(ctx: Context, row: Row[Any], copies_returned: int, actor: str) -> None:
    who = user(ctx, actor)
    if not (who.holds("cash_desk", row.payer) or who.holds("second_signer", row.payer)):
        raise NotAllowedError(
            "role", f"{actor} không được đóng danh sách ký nhận của đơn vị {row.payer}."
        )
    if row.state != "ordered":
        raise NotNowError(
            "roster_closed", f"Danh sách ký nhận của lô {row.batch_id} đã đóng trước đó."
        )
    if copies_returned != row.copies:
        raise RefusedError(
            "copies_missing",
            f"Danh sách ký nhận của lô {row.batch_id} in {row.copies} bản, thu về "
            f"{copies_returned} bản; thu đủ hoặc lập biên bản hủy rồi mới đóng.",
        )


def _collected(conn: Connection, batch_id: int) -> RosterClosed:
    row = conn.execute(
        text(
            "SELECT count(h.n), coalesce(sum(CASE WHEN h.n IS NOT NULL THEN r.amount_vnd END), 0), "
            "count(*), coalesce(sum(r.amount_vnd), 0) FROM batch_row r LEFT JOIN handover h "
            "ON h.batch_id = r.batch_id AND h.n = r.n WHERE r.batch_id = :b"
        ),
        {"b": batch_id},
    ).one()
    done, done_vnd, every, every_vnd = (int(v) for v in row)
    return RosterClosed(done, done_vnd, every - done, every_vnd - done_vnd)


_NOT_COLLECTED = """
FROM line l CROSS JOIN batch_row r
WHERE l.journal_id = :j AND r.batch_id = :b AND r.n = l.carrier - l.journal_id * 10000000
  AND NOT EXISTS (SELECT 1 FROM handover h WHERE h.batch_id = r.batch_id AND h.n = r.n)
"""


def _give_back(
    conn: Connection, ctx: Context, row: Row[Any], sums: RosterClosed, digest: bytes
) -> int:
    """Bring uncollected coins back to payable, each with its reason; return the journal."""
    scope = scope_of(conn, ctx, row.payer_id, row.payer, row.provider, 0, digest)
    scope = Scope(**{**scope.__dict__, "key": f"roster:{row.batch_id}"})
    agent, _ = desk_accounts(conn, row.payer, row.provider)
    payable = chart.account_ids(conn, [chart.payable(row.payer)])[chart.payable(row.payer)]
    binds = {"j": row.journal_id, "b": row.batch_id}
    conn.execute(
        text(
            "INSERT INTO free_coin (sub_id, cover, item, move, payer_id, programme, amount_vnd, "
            "reason, since_month) SELECT q.sub_id, q.cover, q.item, q.move, :p, g.programme, "
            "q.amount, 'uncollected', :m FROM (SELECT l.sub_id, l.cover, l.item, l.move + 1 AS "
            f"move, l.amount, r.payment_id {_NOT_COLLECTED}) q "
            "JOIN payment p ON p.id = q.payment_id JOIN pay_list g ON g.id = p.list_id"
        ),
        {**binds, "p": row.payer_id, "m": scope.month},
    )
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT r.batch_id, r.n, coalesce((SELECT max(a.seq) FROM attempt_news a "
            "WHERE a.batch_id = r.batch_id AND a.n = r.n), 0) + 1, 'uncollected', 'desk', '', '', "
            "0, :d FROM batch_row r WHERE r.batch_id = :b AND NOT EXISTS (SELECT 1 FROM handover h "
            "WHERE h.batch_id = r.batch_id AND h.n = r.n)"
        ),
        {"b": row.batch_id, "d": scope.day.isoformat()},
    )
    lines = Query(
        "SELECT l.cover, :a, :c, l.sub_id, l.item, l.move + 1, l.carrier, l.of_n, "
        f"CAST(NULL AS bigint), CAST(NULL AS bigint), l.amount {_NOT_COLLECTED}",
        {**binds, "a": agent, "c": payable},
    )
    plan = plan_item(conn, ctx, scope, f"{scope.key}:plan", {"uncollected": sums.uncollected_vnd})
    head = header(conn, ctx, scope, "roster_closed", scope.key)
    posting.post_many(conn, [*plan, Item(head, lines)])
    return head.id


__all__ = [
    "PROOFS",
    "Handed",
    "OverdueRoster",
    "RosterClosed",
    "close_one",
    "close_roster",
    "desk_accounts",
    "handover",
    "keep_record",
    "open_roster",
    "open_rosters",
    "overdue_rosters",
    "scope_of",
    "show_day",
]
