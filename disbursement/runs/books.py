"""The journals of a run: commitments, batches that leave, draws, what is paid, what is given back.

Every amount is whole dong. The events and their sides are those of coins.md, appendix A.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError
from ledger import chart, posting
from ledger.errors import LedgerError
from ledger.posting import Control, Header, LineRow, Query, Sealed
from ledger.sql import text

FIRST_LINES = """
SELECT c.cover, :pay, :dst, c.sub_id, c.item, c.move + 1, :base + r.n, r.coins, NULL, NULL,
       c.amount_vnd
FROM batch_row r JOIN payment_coin c ON c.payment_id = r.payment_id WHERE r.batch_id = :b
ORDER BY c.cover, c.sub_id, c.item
"""
# A later attempt starts where the last one left the coin: its last move stands in free_coin.
AGAIN_LINES = """
SELECT c.cover, :pay, :dst, c.sub_id, c.item, f.move + 1, :base + r.n, r.coins, NULL, NULL,
       c.amount_vnd
FROM batch_row r JOIN payment_coin c ON c.payment_id = r.payment_id
JOIN free_coin f ON f.sub_id = c.sub_id AND f.cover = c.cover AND f.item = c.item
WHERE r.batch_id = :b ORDER BY c.cover, c.sub_id, c.item
"""


@dataclass(frozen=True)
class Amount:
    """One gl line of the budgetary or financial book: accounts by code, dong."""

    debit: str
    credit: str
    amount: int


def head(conn: Connection) -> tuple[int, bytes]:
    """Return the chain's head: sequence number and hash of the last seal (0 and zeros at first)."""
    row = conn.execute(text("SELECT seq, hash FROM seal ORDER BY seq DESC LIMIT 1")).first()
    return (int(row[0]), bytes(row[1])) if row is not None else (0, bytes(32))


def gl_lines(conn: Connection, month: int, amounts: Iterable[Amount]) -> list[LineRow]:
    """Turn amounts into lines without coins; zero amounts are left out."""
    wanted = [a for a in amounts if a.amount]
    accounts = chart.account_ids(conn, {c for a in wanted for c in (a.debit, a.credit)})
    return [
        (month, accounts[a.debit], accounts[a.credit], None, None, None, None, None, None, None,
         a.amount)
        for a in wanted
    ]  # fmt: skip


def post_gl(
    conn: Connection,
    ctx: Context,
    *,
    book: int,
    kind: str,
    payer_id: int | None,
    key: str,
    month: int,
    day: date,
    amounts: Sequence[Amount],
    evidence: bytes | None = None,
) -> Sealed | None:
    """Post a journal without coins; None where there is nothing to post."""
    lines = gl_lines(conn, month, amounts)
    if not lines:
        return None
    header = Header(
        id=posting.allot(conn),
        book=book,
        payer_id=payer_id,
        kind=kind,
        idem_key=key,
        month=month,
        effective_date=day,
        recorded_at=stamp(ctx.clock),
        evidence=evidence,
    )
    return posting.post(conn, header, lines)


def _batch_query(conn: Connection, batch_id: int) -> tuple[Query, dict[str, Any]]:
    row = (
        conn.execute(
            text(
                "SELECT b.journal_id, b.list_id, b.rail, b.coins, b.total_vnd, b.month, "
                "b.cover_from, b.cover_to, "
                "b.payer_id, y.code AS payer, p.code AS provider FROM batch b "
                "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
                "WHERE b.id = :b"
            ),
            {"b": batch_id},
        )
        .mappings()
        .one()
    )
    away = chart.agent if row["rail"] == "cash" else chart.transit
    codes = (chart.payable(row["payer"]), away(row["payer"], row["provider"]))
    accounts = chart.account_ids(conn, codes)
    query = Query(
        FIRST_LINES if row["list_id"] is not None else AGAIN_LINES,
        {
            "pay": accounts[codes[0]],
            "dst": accounts[codes[1]],
            "base": row["journal_id"] * 10_000_000,
            "b": batch_id,
        },
        order_by=None,
    )
    return query, dict(row)


def batch_root(conn: Connection, batch_id: int) -> bytes:
    """Return the root that the batch's journal will have, before it is posted."""
    query, row = _batch_query(conn, batch_id)
    return posting.query_root(conn, row["journal_id"], query).root


def post_batch(conn: Connection, ctx: Context, batch_id: int, day: date) -> Sealed:
    """Seal a signed batch: its coins leave payable, each under its attempt's carrier."""
    query, row = _batch_query(conn, batch_id)
    journal_id = row["journal_id"]
    digest = conn.execute(
        text("SELECT digest FROM statement WHERE journal_id = :j"), {"j": journal_id}
    ).scalar_one()
    header = Header(
        id=journal_id,
        book=chart.FINANCIAL,
        payer_id=row["payer_id"],
        kind="batch",
        idem_key=f"batch:{journal_id}",
        month=row["month"],
        effective_date=day,
        recorded_at=stamp(ctx.clock),
        evidence=None,
        statement_digest=bytes(digest),
    )
    control = Control(row["coins"], row["total_vnd"], row["cover_from"], row["cover_to"])
    return posting.post(conn, header, query, control=control)


def commit_lists(
    conn: Connection,
    ctx: Context,
    month: int,
    day: date,
    key: str,
    deltas: Sequence[tuple[str, str, int]],
) -> Sealed | None:
    """Commit budget for prepared lists, release it for void ones, in one journal.

    `deltas`: (payer code, budget line, dong); positive commits, negative gives back.
    Raises NotNowError naming payer, line and what is missing where a budget does not reach.
    """
    year = month // 100
    amounts = []
    for payer, line, vnd in deltas:
        committed = chart.committed(payer, line, year)
        available = chart.available(payer, line, year)
        if vnd > 0:
            amounts.append(Amount(committed, available, vnd))
        elif vnd < 0:
            amounts.append(Amount(available, committed, -vnd))
    _check_budget(conn, year, deltas)
    try:
        return post_gl(
            conn, ctx, book=chart.BUDGETARY, kind="commit", payer_id=None, key=key, month=month,
            day=day, amounts=amounts,
        )  # fmt: skip
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ dự toán từ chối: {error}") from error


def _check_budget(conn: Connection, year: int, deltas: Sequence[tuple[str, str, int]]) -> None:
    """Say which payer lacks what, before the database's own limit refuses the whole."""
    rows = conn.execute(
        text(
            "SELECT code, debit - credit FROM account WHERE kind = 'available' AND budget_year = :y"
        ),
        {"y": year},
    )
    left = {code: int(v) for code, v in rows}
    for payer, line, vnd in deltas:
        have = left.get(chart.available(payer, line, year))
        if vnd <= 0:
            continue
        if have is None or have < vnd:
            raise NotNowError(
                "no_budget",
                f"Đơn vị {payer}, nguồn {line} năm {year}: dự toán còn {have or 0} đồng, danh sách "
                f"cần {vnd} đồng; hãy ghi dự toán (`disburse budget set`) rồi lập lại.",
            )


@dataclass(frozen=True)
class DrawPart:
    """What a list draws for one of its providers, whole dong; `carried` lies free there already."""

    provider_id: int
    provider: str
    wanted: int
    carried: int


def spare_cash(conn: Connection, payer_id: int, payer: str, provider_id: int, provider: str) -> int:
    """Return the money free at a provider, in dong, that no queued batch will take.

    Below nothing where a queued batch waits for a draw.
    """
    free, promised = conn.execute(
        text(
            "SELECT coalesce((SELECT debit - credit FROM account WHERE code = :c), 0), "
            "coalesce((SELECT sum(q.total_vnd) FROM batch q WHERE q.state = 'queued' "
            "AND q.payer_id = :p AND q.provider_id = :v "
            "AND (q.list_id IS NULL OR q.list_id IN (SELECT list_id FROM draw))), 0)"
        ),
        {"c": chart.cash_free(payer, provider), "p": payer_id, "v": provider_id},
    ).one()
    return int(free) - int(promised)


def draw_parts(conn: Connection, list_id: int) -> list[DrawPart]:
    """Return what a released list draws, provider by provider: its batches less what lies free.

    Money free at a provider that a queued batch of a drawn list, or a retry, will take is not
    counted as free. A list without batches draws nothing.
    """
    rows = conn.execute(
        text(
            "SELECT b.provider_id, p.code, y.code, sum(b.total_vnd), b.payer_id "
            "FROM batch b JOIN provider p ON p.id = b.provider_id "
            "JOIN payer y ON y.id = b.payer_id WHERE b.list_id = :l AND b.state <> 'withdrawn' "
            "GROUP BY b.provider_id, p.code, y.code, b.payer_id ORDER BY b.provider_id"
        ),
        {"l": list_id},
    ).all()
    out = []
    for provider_id, provider, payer, total, payer_id in rows:
        spare = spare_cash(conn, payer_id, payer, provider_id, provider)
        carried = max(0, min(spare, int(total)))
        out.append(DrawPart(provider_id, provider, int(total) - carried, carried))
    return out


def draw_amount(conn: Connection, list_id: int) -> tuple[int, int]:
    """Return (to draw, already free at its providers) for a released list, in dong."""
    parts = draw_parts(conn, list_id)
    return sum(p.wanted for p in parts), sum(p.carried for p in parts)


def hold_cash(conn: Connection, ctx: Context, batch_id: int, day: date) -> None:
    """Take a batch's money out of what is free at the provider, just before it is sent.

    Raises NotNowError('not_drawn') where the money has not been drawn: sending needs the draw.
    """
    total, payer, provider, payer_id, month = conn.execute(
        text(
            "SELECT b.total_vnd, y.code, p.code, b.payer_id, b.month FROM batch b "
            "JOIN payer y ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
            "WHERE b.id = :b"
        ),
        {"b": batch_id},
    ).one()
    move = Amount(chart.cash_held(payer, provider), chart.cash_free(payer, provider), total)
    try:
        with conn.begin_nested():
            post_gl(
                conn, ctx, book=chart.BUDGETARY, kind="cash_plan", payer_id=payer_id,
                key=f"cash_held:{batch_id}", month=month, day=day, amounts=[move],
            )  # fmt: skip
    except LedgerError as error:
        if error.code != "limit":
            raise
        raise NotNowError(
            "not_drawn",
            f"Đơn vị {payer}: chưa rút đủ tiền cho lô {batch_id} ({total} đồng); hãy ghi rút dự "
            "toán (`disburse run draw`) rồi gửi.",
        ) from error
