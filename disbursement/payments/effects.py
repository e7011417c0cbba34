"""What an answer does, set-wise: journals, news, free coins, breaks, the cash plan.

All of it reads `recon_verdict` (reconciliation/store.py) inside the transaction of one file.
Journals are posted last, the budgetary one first, so that the chain is locked as late as possible
(coins.md 19). Facts are always recordable: money that no coin allows goes to or comes from suspense
with the answer's id, and a break tells a person (coins.md 7).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from disbursement.payments.rules import SETTLED_CLAIMS
from disbursement.platform import ids
from disbursement.platform.clock import month_of, stamp
from disbursement.platform.context import Context
from ledger import chart, posting
from ledger.posting import Header, Item, LineRow, Query
from ledger.sql import text

SUSPENSE = (
    "no_id", "unknown_id", "other_payer", "not_yet_sent", "amount_differs", "wrong_place",
    "return_first", "draw_differs", "batch_differs",
)  # fmt: skip
"""Verdicts of entries whose money waits in suspense."""
WHAT = {
    "no_id": "Tiền vào hoặc ra không có mã lệnh chi nào của chúng ta.",
    "unknown_id": "Mã lệnh chi không có trong sổ.",
    "other_payer": "Mã lệnh chi thuộc đơn vị hoặc lô khác.",
    "not_yet_sent": "Ngân hàng đã ghi một lệnh mà chúng ta chưa gửi.",
    "amount_differs": "Số tiền khác với lệnh chi.",
    "account_differs": "Kênh chi trả báo đã trả vào tài khoản khác với lệnh chi.",
    "wrong_place": "Lệnh này đã có kết quả khác; tiền không khớp với sổ.",
    "contradiction": "Kết quả trái với kết quả đã nhận trước đó.",
    "return_first": "Tiền hoàn về trước khi thấy ghi nợ; chờ dòng ghi nợ.",
    "batch_differs": "Khoản ghi nợ gộp khác tổng các lệnh đang chờ của lô.",
    "draw_differs": "Tiền rút về khác số tiền của giấy rút dự toán.",
    "opening_balance": "Sao kê đầu tiên có số dư đầu kỳ khác 0.",
}
"""What a break is, in words for the officer."""
WAITED = "waiting return"
"""Reference of a return that an earlier statement brought, applied with this one's debit."""

_CLAIMS = ", ".join(f"'{code}'" for code in sorted(SETTLED_CLAIMS))


@dataclass(frozen=True)
class Scope:
    """Whose file it is: payer and provider with their codes, the stored answer, the run month.

    `key` starts the idempotency keys of the journals; it is unique per file and statement.
    """

    payer_id: int
    payer: str
    provider: str
    answer_id: int
    evidence: bytes
    month: int
    day: date
    key: str


@dataclass(frozen=True)
class Signed:
    """What people signed where no rail says it: kind of the journal, its allotted id, the digest.

    The statement under that id holds the root of exactly the lines that `book` posts.
    """

    kind: str
    journal_id: int
    digest: bytes


@dataclass
class Effects:
    """What was done: counts and dong by what happened, and the journals posted."""

    counts: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    journals: list[int] = field(default_factory=list)

    def add(self, name: str, count: int, vnd: int) -> None:
        """Count something that happened."""
        if count:
            self.counts[name] = self.counts.get(name, 0) + count
            self.amounts[name] = self.amounts.get(name, 0) + vnd


def open_month(conn: Connection, payer_id: int, day: date) -> int:
    """Return the month an answer's journal belongs to: the payer's open run, else the day's."""
    found = conn.execute(
        text("SELECT max(month) FROM run WHERE payer_id = :p AND state = 'open'"), {"p": payer_id}
    ).scalar()
    return int(found) if found is not None else month_of(day)


def book(conn: Connection, ctx: Context, scope: Scope, signed: Signed | None = None) -> Effects:
    """Book what `recon_verdict` says; return what was done. The caller commits.

    `signed`: the outcomes are a signed decision and are posted as its journal.
    """
    out = Effects()
    _waiting_returns(conn, ctx)
    for wants, verdict, count, vnd in conn.execute(
        text(
            "SELECT wants, verdict, count(*), coalesce(sum(amount_vnd), 0) FROM recon_verdict "
            "GROUP BY wants, verdict"
        )
    ):
        out.add(wants if verdict == "matched" else verdict, int(count), int(vnd))
    journals = _batch_journals(conn)
    write_news(conn, scope)
    free_coins(conn, scope, journals)
    write_breaks(conn, ctx, scope)
    out.journals = _post(conn, ctx, scope, journals, signed)
    return out


def draft_of(conn: Connection, scope: Scope) -> Query:
    """Return the lines that `book` would post for debits and rejections, to be signed before."""
    return Query(
        " UNION ALL ".join(_first(conn, scope, _batch_journals(conn), _accounts(conn, scope)))
    )


# --- coins ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Journals:
    """Journals of the batches spoken of, with the covered months of their lines."""

    ids: str
    cover_from: int
    cover_to: int


def _batch_journals(conn: Connection) -> _Journals | None:
    rows = conn.execute(
        text(
            "SELECT j.id, j.cover_from, j.cover_to FROM journal j WHERE j.id IN (SELECT DISTINCT "
            "journal_id FROM recon_verdict WHERE verdict = 'matched' "
            "AND wants IN ('credited', 'returned', 'rejected'))"
        )
    ).all()
    if not rows:
        return None
    return _Journals(
        ",".join(str(int(r[0])) for r in rows), min(r[1] for r in rows), max(r[2] for r in rows)
    )


# The batch's own lines say which coins travel under a carrier; the attempt's news say how often
# they have moved since. CROSS JOIN keeps SQLite to one walk over each journal.
_COINS = """
FROM line l CROSS JOIN recon_verdict v
WHERE l.journal_id IN ({journals}) AND l.cover BETWEEN {a} AND {b}
  AND v.journal_id = l.journal_id AND v.row_n = l.carrier - l.journal_id * 10000000
  AND v.verdict = 'matched' AND v.wants = '{wants}'
"""
_MOVE = "l.move + v.moves + CASE WHEN v.wants = 'returned' AND v.place <> 'paid' THEN 2 ELSE 1 END"


def _coin_lines(journals: _Journals, wants: str, debit: int, credit: int) -> str:
    tail = _COINS.format(
        journals=journals.ids, a=journals.cover_from, b=journals.cover_to, wants=wants
    )
    return (
        f"SELECT l.cover, {debit}, {credit}, l.sub_id, l.item, {_MOVE}, l.carrier, l.of_n, "
        f"CAST(NULL AS bigint), CAST(NULL AS bigint), l.amount {tail}"
    )


def free_coins(conn: Connection, scope: Scope, journals: _Journals | None) -> None:
    """Say of every coin that came back that it lies free, and why."""
    if journals is None:
        return
    for wants in ("rejected", "returned"):
        tail = _COINS.format(
            journals=journals.ids, a=journals.cover_from, b=journals.cover_to, wants=wants
        )
        conn.execute(
            text(
                "INSERT INTO free_coin (sub_id, cover, item, move, payer_id, programme, "
                "amount_vnd, reason, since_month) "
                f"SELECT q.sub_id, q.cover, q.item, q.move, :p, g.programme, q.amount, "
                f"'{wants}:' || q.code, :m FROM (SELECT l.sub_id, l.cover, l.item, {_MOVE} AS move,"
                f" l.amount, v.code, v.batch_id, v.row_n {tail}) q "
                "JOIN batch_row r ON r.batch_id = q.batch_id AND r.n = q.row_n "
                "JOIN payment p ON p.id = r.payment_id JOIN pay_list g ON g.id = p.list_id"
            ),
            {"p": scope.payer_id, "m": scope.month},
        )


def _accounts(conn: Connection, scope: Scope) -> dict[str, int]:
    """Return the ids of the accounts that an answer moves money between, by short names."""
    codes = {
        "transit": chart.transit(scope.payer, scope.provider),
        "advance": chart.advance(scope.payer, scope.provider),
        "payable": chart.payable(scope.payer),
        "suspense": chart.suspense(scope.payer),
        "fee": chart.fee(scope.payer),
    }
    found = chart.account_ids(conn, list(codes.values()))
    return {name: found[code] for name, code in codes.items()}


def _first(
    conn: Connection, scope: Scope, journals: _Journals | None, account: dict[str, int]
) -> list[str]:
    """Return the SELECTs of the first journal: what has no coin, debits and rejections."""
    said = _sums(conn)
    parts = _loose(scope.month, account)
    if journals is not None and ("credited", "matched") in said:
        parts.append(_coin_lines(journals, "credited", account["transit"], account["advance"]))
    if journals is not None and ("rejected", "matched") in said:
        parts.append(_coin_lines(journals, "rejected", account["transit"], account["payable"]))
    return parts


def _post(
    conn: Connection,
    ctx: Context,
    scope: Scope,
    journals: _Journals | None,
    signed: Signed | None,
) -> list[int]:
    """Post the plan of cash, then debits and rejections, then returns (coins.md 7)."""
    account = _accounts(conn, scope)
    said = _sums(conn)
    kept = "verdict = 'matched' AND wants = 'returned' AND charges_vnd > 0"
    second = [_plain(scope.month, account["fee"], account["advance"], "charges_vnd", kept)]
    if journals is not None and ("returned", "matched") in said:
        second.append(_coin_lines(journals, "returned", account["advance"], account["payable"]))
    items = _plan(conn, ctx, scope, said)
    for number, parts in ((1, _first(conn, scope, journals, account)), (2, second)):
        query = " UNION ALL ".join(parts)
        if _any(conn, query):
            head = header(conn, ctx, scope, "answer", f"{scope.key}:{number}")
            if signed is not None and number == 1:
                head = replace(
                    head, id=signed.journal_id, kind=signed.kind, statement_digest=signed.digest
                )
            items.append(Item(head, Query(query)))
    return [s.journal_id for s in posting.post_many(conn, items)] if items else []


_NO_COIN = ", ".join("CAST(NULL AS bigint)" for _ in range(7))


def _plain(month: int, debit: int, credit: int, amount: str, where: str) -> str:
    return (
        f"SELECT {month}, {debit}, {credit}, {_NO_COIN}, {amount} FROM recon_verdict WHERE {where}"
    )


def _loose(month: int, account: dict[str, int]) -> list[str]:
    """Return the lines without a coin: suspense both ways, fees, returns that had to wait."""
    waits = ", ".join(f"'{v}'" for v in SUSPENSE)
    out = [
        _plain(month, account[debit], account[credit], "amount_vnd",
               f"wants = '{wants}' AND verdict IN ({waits})")
        for wants, debit, credit in (
            ("credited", "suspense", "advance"), ("returned", "advance", "suspense"),
        )
    ]  # fmt: skip
    for debit, where in (("fee", "verdict = 'fee'"), ("suspense", f"reference = '{WAITED}'")):
        out.append(_plain(month, account[debit], account["advance"], "amount_vnd", where))
    return out


def _any(conn: Connection, query: str) -> bool:
    return conn.execute(text(f"SELECT 1 FROM ({query}) q LIMIT 1")).first() is not None


def header(
    conn: Connection, ctx: Context, scope: Scope, kind: str, key: str, *, book: int = 1
) -> Header:
    """Return the header of a journal made by this answer."""
    return Header(
        id=posting.allot(conn),
        book=book,
        payer_id=scope.payer_id,
        kind=kind,
        idem_key=key,
        month=scope.month,
        effective_date=scope.day,
        recorded_at=stamp(ctx.clock),
        evidence=scope.evidence,
    )


def _sums(conn: Connection) -> dict[tuple[str, str], int]:
    """Return the dong of the orders (not of the bank's amounts) by what was said and verdict."""
    rows = conn.execute(
        text(
            "SELECT v.wants, v.verdict, sum(e.amount_vnd) FROM recon_verdict v "
            "JOIN recon_expected e ON e.journal_id = v.journal_id AND e.row_n = v.row_n "
            "WHERE v.verdict = 'matched' GROUP BY v.wants, v.verdict"
        )
    )
    return {(wants, verdict): int(vnd) for wants, verdict, vnd in rows}


PLAN = {
    "credited": ("cash_used", "cash_held"),
    "rejected": ("cash_free", "cash_held"),
    "returned": ("cash_free", "cash_used"),
    "collected": ("cash_used", "cash_held"),
    "uncollected": ("cash_free", "cash_held"),
}
"""What an outcome does to the plan of cash: debit and credit kind (coins.md, appendix A)."""
_CODE_OF = {
    "cash_used": chart.cash_used, "cash_held": chart.cash_held, "cash_free": chart.cash_free,
}  # fmt: skip


def plan_item(
    conn: Connection, ctx: Context, scope: Scope, key: str, sums: dict[str, int]
) -> list[Item]:
    """Return the journal of the cash plan for outcomes and their dong; none where nothing is."""
    rows: list[LineRow] = []
    codes = {name: code(scope.payer, scope.provider) for name, code in _CODE_OF.items()}
    account = chart.account_ids(conn, list(codes.values()))
    for outcome, (debit, credit) in PLAN.items():
        if vnd := sums.get(outcome, 0):
            rows.append(
                (scope.month, account[codes[debit]], account[codes[credit]], None, None, None, None,
                 None, None, None, vnd)
            )  # fmt: skip
    if not rows:
        return []
    head = header(conn, ctx, scope, "cash_plan", key, book=chart.BUDGETARY)
    return [Item(head, rows)]


def _plan(
    conn: Connection, ctx: Context, scope: Scope, said: dict[tuple[str, str], int]
) -> list[Item]:
    sums = {wants: vnd for (wants, verdict), vnd in said.items() if verdict == "matched"}
    return plan_item(conn, ctx, scope, f"{scope.key}:plan", sums)


# --- news, breaks --------------------------------------------------------------------------------


def write_news(conn: Connection, scope: Scope) -> None:
    """Write what was said about each attempt: outcomes, claims, and contradictions as parked.

    A plain "accepted" is news only where the batch itself is not accepted; a repetition is none.
    """
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT v.batch_id, v.row_n, v.seq + row_number() OVER (PARTITION BY v.batch_id, "
            "v.row_n ORDER BY CASE WHEN v.wants = 'returned' THEN 1 ELSE 0 END, v.n), "
            "CASE WHEN v.verdict = 'matched' THEN v.news ELSE 'parked' END, v.code_set, v.code, "
            "v.words, :a, v.day FROM recon_verdict v JOIN batch b ON b.id = v.batch_id "
            "WHERE v.verdict IN ('account_differs', 'amount_differs', 'wrong_place', "
            "'contradiction') "
            "OR (v.verdict = 'matched' AND NOT (v.news = 'accepted' AND b.state = 'accepted' "
            f"AND v.code NOT IN ({_CLAIMS})))"
        ),
        {"a": scope.answer_id},
    )


def write_breaks(conn: Connection, ctx: Context, scope: Scope) -> None:
    """Open a break for everything that did not match, once per line of the file."""
    known = ("matched", "repeated", "draw", "sendback", "cash", "move_in", "move_out", "fee")
    bad = f"verdict NOT IN {known}"
    count = conn.execute(text(f"SELECT count(*) FROM recon_verdict WHERE {bad}")).scalar_one()
    if not count:
        return
    base = ids.block(conn, "break_item", int(count)) - 1
    words = " ".join(f"WHEN '{k}' THEN '{v}'" for k, v in WHAT.items())
    conn.execute(
        text(
            "INSERT INTO break_item (id, kind, payer_id, answer_id, n, amount_vnd, what, "
            "opened_at, owner, state) SELECT :base + row_number() OVER (ORDER BY n), verdict, :p, "
            f":a, n, coalesce(amount_vnd, 0), CASE verdict {words} ELSE verdict END, :t, '', "
            f"'open' FROM recon_verdict WHERE {bad}"
        ),
        {"base": base, "p": scope.payer_id, "a": scope.answer_id, "t": stamp(ctx.clock)},
    )


def _waiting_returns(conn: Connection, ctx: Context) -> None:
    """Take up returns that came before their debit, now that the debit is in this file.

    Their money waits in suspense; the return is applied after the debit as if it had come now.
    """
    rows = conn.execute(
        text(
            "SELECT k.id, v.journal_id, v.row_n, v.batch_id, v.seq, v.moves, v.coins, "
            "k.amount_vnd, e.code, e.text, e.day, v.end_to_end_id FROM break_item k "
            "JOIN bank_entry e ON e.answer_id = k.answer_id AND e.n = k.n "
            "JOIN recon_verdict v ON v.batch_id = e.batch_id AND v.row_n = e.row_n "
            "WHERE k.state = 'open' AND k.kind = 'return_first' AND v.wants = 'credited' "
            "AND v.verdict = 'matched' AND NOT EXISTS (SELECT 1 FROM recon_verdict x "
            "WHERE x.batch_id = v.batch_id AND x.row_n = v.row_n AND x.wants = 'returned') "
            "ORDER BY k.id"
        )
    ).all()
    for number, row in enumerate(rows, 1):
        _apply_waiting(conn, ctx, -number, row)


def _apply_waiting(conn: Connection, ctx: Context, n: int, row: Row[Any]) -> None:
    key, journal, row_n, batch, seq, moves, coins, vnd, code, words, day, e2e = tuple(row)
    conn.execute(
        text(
            "INSERT INTO recon_verdict (n, wants, news, journal_id, row_n, end_to_end_id, "
            "amount_vnd, charges_vnd, code_set, code, words, day, reference, batch_id, coins, "
            "seq, moves, place, repeat, verdict) VALUES (:n, 'returned', 'returned', :j, :r, "
            ":e, :v, (SELECT amount_vnd FROM recon_expected WHERE journal_id = :j "
            f"AND row_n = :r) - :v, 'return', :c, :w, :d, '{WAITED}', :b, :k, :s, :m, "
            "'transit', 1, 'matched')"
        ),
        {
            "n": n, "j": journal, "r": row_n, "e": e2e, "v": vnd, "c": code, "w": words,
            "d": day, "b": batch, "k": coins, "s": seq, "m": moves,
        },
    )  # fmt: skip
    conn.execute(
        text(
            "UPDATE break_item SET state = 'resolved', resolution = 'debit seen', "
            "resolved_by = 'statement', resolved_at = :t WHERE id = :k"
        ),
        {"t": stamp(ctx.clock), "k": key},
    )
