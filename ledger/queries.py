"""Reading the book: balances, one person's coins, what is free, what is open, conservation.

A coin's place is the credit account of its last move. Nothing is stored about places: the unique
key (sub, covered month, item, move) makes "is there a later move" one index probe. Every function
reads only; amounts are dong, months yyyymm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam

from ledger import chart
from ledger.chart import BUDGETARY, FINANCIAL
from ledger.sql import text

__all__ = [
    "COIN_PLACE_SQL",
    "FREE_COINS_SQL",
    "LAST_MOVE",
    "AccountBalance",
    "BudgetPosition",
    "Coin",
    "CoinMove",
    "Conservation",
    "TrialBalance",
    "budget_position",
    "conservation",
    "free_coins",
    "month_balance",
    "open_in_transit",
    "statement_of",
    "trial_balance",
]

# A condition on a line l with a coin: it is the coin's last move.
LAST_MOVE = (
    "NOT EXISTS (SELECT 1 FROM line later WHERE later.sub_id = l.sub_id "
    "AND later.cover = l.cover AND later.item = l.item AND later.move = l.move + 1)"
)

# Coins (no receivables) with their place; filter on place.id, place.kind or place.payer_id.
COIN_PLACE_SQL = (
    "SELECT l.sub_id, l.cover, l.item, l.move, l.amount, l.carrier, l.of_n, l.journal_id, "
    "place.id AS account_id, place.kind, place.payer_id FROM line l "
    "JOIN account place ON place.id = l.credit_account "
    "WHERE l.sub_id IS NOT NULL AND place.kind IN ('payable', 'transit', 'agent', 'paid', "
    f"'opening') AND {LAST_MOVE}"
)

# Coins that lie in a payer's payable account; bind :payable to its account id. `amount` dong.
FREE_COINS_SQL = (
    "SELECT l.sub_id, l.cover, l.item, l.move, l.amount FROM line l "
    f"WHERE l.credit_account = :payable AND l.sub_id IS NOT NULL AND {LAST_MOVE}"
)


@dataclass(frozen=True)
class AccountBalance:
    """One account's totals; `balance` = debit - credit, `opening` included.

    `opening` is the balance before the month, where one was asked for.
    """

    code: str
    kind: str
    payer_id: int
    debit: int
    credit: int
    opening: int = 0

    @property
    def balance(self) -> int:
        """Return what was there before and debit less credit."""
        return self.opening + self.debit - self.credit


@dataclass(frozen=True)
class TrialBalance:
    """All accounts of a book (or of one payer in it), in order of code."""

    accounts: tuple[AccountBalance, ...]

    @property
    def debit(self) -> int:
        """Return the sum of debits."""
        return sum(a.debit for a in self.accounts)

    @property
    def credit(self) -> int:
        """Return the sum of credits."""
        return sum(a.credit for a in self.accounts)

    @property
    def balanced(self) -> bool:
        """Tell whether debits equal credits.

        For the whole book always, for one payer unless coins were handed to another one.
        """
        return self.debit == self.credit


def trial_balance(conn: Connection, book: int, payer_id: int | None = None) -> TrialBalance:
    """Return the trial balance of book 1 (financial) or 2 (budgetary), of one payer or all."""
    rows = conn.execute(
        text(
            "SELECT code, kind, payer_id, debit, credit FROM account WHERE book = :b "
            + ("" if payer_id is None else "AND payer_id = :p ")
            + "ORDER BY code"
        ),
        {"b": book} | ({} if payer_id is None else {"p": payer_id}),
    )
    return TrialBalance(
        tuple(AccountBalance(r[0], r[1], int(r[2]), int(r[3]), int(r[4])) for r in rows)
    )


def month_balance(
    conn: Connection, book: int, month: int, payer_id: int | None = None
) -> TrialBalance:
    """Return the trial balance of one run month (yyyymm, 13 allowed): before, debit, credit.

    Of the accounts with a balance or a movement up to it. Summed from the lines of all journals up
    to the month, so it takes as long as the book is large; totals that are kept are not read.
    """
    until = "FROM line l JOIN journal j ON j.id = l.journal_id WHERE j.book = :b AND j.month <= :m"
    sides = (
        f"SELECT l.debit_account AS account_id, j.month, l.amount AS debit, 0 AS credit {until} "
        f"UNION ALL SELECT l.credit_account, j.month, 0, l.amount {until}"
    )
    rows = conn.execute(
        text(
            "SELECT a.code, a.kind, a.payer_id, "
            "sum(CASE WHEN s.month < :m THEN s.debit - s.credit ELSE 0 END), "
            "sum(CASE WHEN s.month = :m THEN s.debit ELSE 0 END), "
            "sum(CASE WHEN s.month = :m THEN s.credit ELSE 0 END) "
            "FROM (SELECT account_id, month, sum(debit) AS debit, sum(credit) AS credit "
            f"FROM ({sides}) one GROUP BY account_id, month) s "
            "JOIN account a ON a.id = s.account_id "
            + ("" if payer_id is None else "WHERE a.payer_id = :p ")
            + "GROUP BY a.code, a.kind, a.payer_id ORDER BY a.code"
        ),
        {"b": book, "m": month} | ({} if payer_id is None else {"p": payer_id}),
    )
    return TrialBalance(
        tuple(AccountBalance(r[0], r[1], int(r[2]), int(r[4]), int(r[5]), int(r[3])) for r in rows)
    )


@dataclass(frozen=True)
class CoinMove:
    """One step of a coin: which journal moved it where, and when.

    `rev` and `due_after` (what is owed in all for the month after it) where the step is a revision.
    """

    move: int
    debit: str
    credit: str
    journal_id: int
    kind: str
    effective_date: str
    carrier: int | None
    amount: int
    rev: int | None = None
    due_after: int | None = None


@dataclass(frozen=True)
class Coin:
    """A coin or receivable of a sub and covered month with all its moves, the last one last."""

    sub_id: int
    cover: int
    item: int
    amount: int
    moves: tuple[CoinMove, ...]

    @property
    def place(self) -> str:
        """Return the code of the account it lies in; for a receivable the account of the claim."""
        first = self.moves[0]
        return first.debit if self.is_receivable else self.moves[-1].credit

    @property
    def is_receivable(self) -> bool:
        """Tell whether this is money to come back from a person."""
        return self.moves[0].debit.startswith("overpaid.")

    @property
    def open_vnd(self) -> int:
        """Return what is still to be repaid of a receivable; 0 for a coin."""
        return self.amount - sum(m.amount for m in self.moves[1:]) if self.is_receivable else 0


def statement_of(conn: Connection, sub_ids: Iterable[int]) -> list[Coin]:
    """Return the coins of one person (a person may have several subs), by month and item.

    One index range per sub, whatever the size of the book.
    """
    query = text(
        "SELECT l.sub_id, l.cover, l.item, l.move, l.amount, d.code, c.code, l.journal_id, j.kind, "
        "j.effective_date, l.carrier, l.rev, l.due_after FROM line l "
        "JOIN account d ON d.id = l.debit_account JOIN account c ON c.id = l.credit_account "
        "JOIN journal j ON j.id = l.journal_id "
        "WHERE l.sub_id IN :subs ORDER BY l.sub_id, l.cover, l.item, l.move"
    ).bindparams(bindparam("subs", expanding=True))
    found: dict[tuple[int, int, int], list[CoinMove]] = {}
    for r in conn.execute(query, {"subs": list(sub_ids)}):
        key = (int(r[0]), int(r[1]), int(r[2]))
        step = CoinMove(
            int(r[3]), r[5], r[6], int(r[7]), r[8], r[9], r[10], int(r[4]), r[11], r[12]
        )
        found.setdefault(key, []).append(step)
    return [Coin(*key, moves[0].amount, tuple(moves)) for key, moves in found.items()]


def free_coins(conn: Connection, payer_id: int) -> list[tuple[int, int, int, int, int]]:
    """Return (sub_id, cover, item, move, amount) of the coins in a payer's payable account.

    A list in memory: for a page or a test. Bulk work puts FREE_COINS_SQL into its own statement.
    """
    accounts = conn.execute(
        text("SELECT id FROM account WHERE payer_id = :p AND kind = 'payable' ORDER BY id"),
        {"p": payer_id},
    ).all()
    out: list[tuple[int, int, int, int, int]] = []
    for (account,) in accounts:
        rows = conn.execute(
            text(f"{FREE_COINS_SQL} ORDER BY l.sub_id, l.cover, l.item"), {"payable": account}
        )
        out += [(int(r[0]), int(r[1]), int(r[2]), int(r[3]), int(r[4])) for r in rows]
    return out


def open_in_transit(
    conn: Connection, payer_id: int | None = None, *, kinds: Sequence[str] = ("transit", "agent")
) -> list[tuple[int, int, int, int]]:
    """Return (journal_id, account_id, coins, dong) of what is on its way, per sending journal.

    `kinds`: transit, agent or both. The journal is the one whose carriers the coins are under.
    """
    query = text(
        "SELECT x.carrier / 10000000, x.account_id, count(*), sum(x.amount) "
        f"FROM ({COIN_PLACE_SQL}) x WHERE x.kind IN :kinds "
        + ("" if payer_id is None else "AND x.payer_id = :p ")
        + "GROUP BY x.carrier / 10000000, x.account_id ORDER BY 1, 2"
    ).bindparams(bindparam("kinds", expanding=True))
    params = {"kinds": list(kinds)} | ({} if payer_id is None else {"p": payer_id})
    return [(int(r[0]), int(r[1]), int(r[2]), int(r[3])) for r in conn.execute(query, params)]


@dataclass(frozen=True)
class Conservation:
    """Where a payer's money is, in dong; `holds` is the rule of money-flow: nothing is lost.

    free_start + minted + come_in = paid + cancelled + in_flight_change + at_agents_change +
    handed_on + free_end, where paid is net of what came back and minted leaves out the opening.
    """

    free_start: int
    minted: int
    come_in: int
    paid: int
    cancelled: int
    in_flight: int
    at_agents: int
    handed_on: int
    free_end: int

    @property
    def holds(self) -> bool:
        """Tell whether the equation holds."""
        left = self.free_start + self.minted + self.come_in
        return left == (
            self.paid + self.cancelled + self.in_flight + self.at_agents + self.handed_on
            + self.free_end
        )  # fmt: skip


def conservation(conn: Connection, payer_id: int, month: int | None = None) -> Conservation:
    """Return the conservation figures of a payer for one run month, or from the beginning.

    In one month `in_flight` and `at_agents` are changes; from the beginning they are what lies
    there. `free_end` is counted coin by coin, the other figures from the journals' lines, so the
    equation is a check and not an identity: for a month, of all coins minted or moved up to it.
    """
    rows = conn.execute(
        text(
            "SELECT CASE WHEN j.month < :low THEN 0 ELSE 1 END, d.kind, c.kind, d.payer_id, "
            "c.payer_id, sum(l.amount) FROM line l JOIN journal j ON j.id = l.journal_id "
            "JOIN account d ON d.id = l.debit_account JOIN account c ON c.id = l.credit_account "
            "WHERE l.sub_id IS NOT NULL AND (d.payer_id = :p OR c.payer_id = :p) "
            "AND j.month <= :high GROUP BY 1, 2, 3, 4, 5"
        ),
        {"p": payer_id, "low": month or 0, "high": month or 999_999},
    ).all()
    flow: dict[tuple[int, str, str, int, int], int] = {
        (int(r[0]), r[1], r[2], int(r[3]), int(r[4])): int(r[5]) for r in rows
    }
    return _conserved(flow, payer_id, _free_until(conn, payer_id, month))


def _free_until(conn: Connection, payer_id: int, month: int | None) -> int:
    """Count the free coins: in payable by the last move made in a journal up to the month."""
    later = LAST_MOVE
    if month is not None:
        later = (
            "NOT EXISTS (SELECT 1 FROM line later JOIN journal lj ON lj.id = later.journal_id "
            "WHERE later.sub_id = l.sub_id AND later.cover = l.cover AND later.item = l.item "
            "AND later.move > l.move AND lj.month <= :high) AND j.month <= :high"
        )
    total = conn.execute(
        text(
            "SELECT coalesce(sum(l.amount), 0) FROM line l "
            "JOIN account c ON c.id = l.credit_account JOIN journal j ON j.id = l.journal_id "
            f"WHERE c.payer_id = :p AND c.kind = 'payable' AND l.sub_id IS NOT NULL AND {later}"
        ),
        {"p": payer_id} | ({} if month is None else {"high": month}),
    ).scalar_one()
    return int(total)


def _conserved(
    flow: dict[tuple[int, str, str, int, int], int], payer_id: int, free_end: int
) -> Conservation:
    def total(now: int, debit: str, credit: str) -> int:
        return sum(
            a for (n, d, c, dp, cp), a in flow.items()
            if (n, d, c) == (now, debit, credit) and dp == cp == payer_id
        )  # fmt: skip

    def net(now: int, source: str, target: str) -> int:
        return total(now, source, target) - total(now, target, source)

    def moved(now: int) -> tuple[int, int]:
        pairs = [(k, a) for k, a in flow.items()
                 if k[0] == now and k[1] == k[2] == "payable" and k[3] != k[4]]  # fmt: skip
        out = sum(a for k, a in pairs if k[3] == payer_id)
        return sum(a for k, a in pairs if k[4] == payer_id), out

    before_in, before_out = moved(0)
    come_in, handed_on = moved(1)
    free_start = (
        total(0, "expense", "payable") - total(0, "payable", "expense")
        - net(0, "payable", "transit") - net(0, "payable", "agent") + total(0, "paid", "payable")
        + before_in - before_out
    )  # fmt: skip
    paid = total(1, "transit", "paid") + total(1, "agent", "paid") - total(1, "paid", "payable")
    return Conservation(
        free_start=free_start,
        minted=total(1, "expense", "payable"),
        come_in=come_in,
        paid=paid,
        cancelled=total(1, "payable", "expense"),
        in_flight=net(1, "payable", "transit") - total(1, "transit", "paid"),
        at_agents=net(1, "payable", "agent") - total(1, "agent", "paid"),
        handed_on=handed_on,
        free_end=free_end,
    )


@dataclass(frozen=True)
class BudgetPosition:
    """A payer's appropriation on one line and year, in dong."""

    authority: int
    available: int
    committed: int
    expended: int

    @property
    def holds(self) -> bool:
        """Tell whether authority = available + committed + expended."""
        return self.authority == self.available + self.committed + self.expended


def budget_position(conn: Connection, payer: str, line: str, year: int) -> BudgetPosition:
    """Return the budget position by the payer's code; all 0 where the line is not defined."""
    codes = {
        "authority": chart.authority(payer, line, year),
        "available": chart.available(payer, line, year),
        "committed": chart.committed(payer, line, year),
        "expended": chart.expended(payer, line, year),
    }
    query = text("SELECT code, debit - credit FROM account WHERE code IN :codes").bindparams(
        bindparam("codes", expanding=True)
    )
    found = {r[0]: int(r[1]) for r in conn.execute(query, {"codes": list(codes.values())})}
    return BudgetPosition(
        -found.get(codes["authority"], 0),
        found.get(codes["available"], 0),
        found.get(codes["committed"], 0),
        found.get(codes["expended"], 0),
    )


BOOKS = {"financial": FINANCIAL, "budgetary": BUDGETARY}
