"""What must always hold, each promise a class with a name; `disburse doctor` runs them all.

A broken one stops the batch it names and says why; other payers go on (architecture.md, rule 11).
Every query returns what is wrong, so an empty answer is the good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from ledger.sql import text

FINAL = "('credited', 'rejected', 'returned', 'collected', 'uncollected', 'cancelled', 'withdrawn')"
RELEASED = "('queued', 'sending', 'sent', 'accepted', 'unknown', 'answered')"

_LIVE = f"""coalesce(
    (SELECT a.state FROM attempt_news a WHERE a.batch_id = r.batch_id AND a.n = r.n
     AND a.state IN {FINAL} ORDER BY a.seq DESC LIMIT 1), 'moving')
    IN ('moving', 'credited', 'collected')"""
"""A row r of a released batch that is under way, at the desk, or paid, by its last final news."""


@dataclass(frozen=True)
class Finding:
    """One broken promise: its name, where, and by how much (dong or rows)."""

    invariant: str
    where: str
    amount: int


class Invariant:
    """A promise about a cell; `sql` returns (where, amount) rows of what breaks it.

    Where it names `:since`, only run months from there on (yyyymm) are looked at.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    sql: ClassVar[str]

    def check(self, conn: Connection, since: int = 0) -> list[Finding]:
        """Return what is wrong, nothing where the promise holds."""
        binds = {"since": since} if ":since" in self.sql else {}
        return [
            Finding(self.name, str(where), int(amount))
            for where, amount in conn.execute(text(self.sql), binds)
        ]


class TrialBalance(Invariant):
    """Debits equal credits in each book."""

    name = "trial_balance"
    sentence = "Tổng nợ bằng tổng có trong mỗi sổ."
    sql = (
        "SELECT 'book ' || book, sum(debit) - sum(credit) FROM account GROUP BY book "
        "HAVING sum(debit) <> sum(credit)"
    )


class ChainUnbroken(Invariant):
    """Seals follow each other without a gap, each naming the hash before it."""

    name = "chain"
    sentence = "Chuỗi niêm phong của sổ không đứt."
    sql = (
        "SELECT 'seal ' || s.seq, s.seq FROM seal s LEFT JOIN seal p ON p.seq = s.seq - 1 "
        "WHERE s.seq > 1 AND (p.seq IS NULL OR p.hash <> s.prev_hash)"
    )


class FreeCoinsArePayable(Invariant):
    """What lies in payable is exactly the free coins, each with a reason."""

    name = "free_coins"
    sentence = "Tiền còn phải trả của từng đơn vị đúng bằng tổng các khoản còn nằm chờ."
    sql = (
        "SELECT y.code, coalesce(a.owed, 0) - coalesce(f.free, 0) FROM payer y "
        "LEFT JOIN (SELECT payer_id, sum(credit - debit) AS owed FROM account "
        "WHERE kind = 'payable' GROUP BY payer_id) a ON a.payer_id = y.id "
        "LEFT JOIN (SELECT payer_id, sum(amount_vnd) AS free FROM free_coin GROUP BY payer_id) f "
        "ON f.payer_id = y.id WHERE coalesce(a.owed, 0) <> coalesce(f.free, 0)"
    )


class FreeCoinsHaveReasons(Invariant):
    """No coin lies free without a reason."""

    name = "free_reason"
    sentence = "Mỗi khoản nằm chờ có lý do."
    sql = "SELECT 'payer ' || payer_id, count(*) FROM free_coin WHERE reason = '' GROUP BY payer_id"


class InFlightIsInTransit(Invariant):
    """What is in transit or at a cash desk is exactly what has no final answer."""

    name = "in_flight"
    sentence = "Tiền đang chuyển hoặc ở bàn chi đúng bằng các lệnh chưa có kết quả cuối cùng."
    sql = (
        "SELECT y.code, coalesce(a.out, 0) - coalesce(b.open, 0) FROM payer y "
        "LEFT JOIN (SELECT payer_id, sum(credit - debit) AS out FROM account "
        "WHERE kind IN ('transit', 'agent') GROUP BY payer_id) a ON a.payer_id = y.id "
        "LEFT JOIN (SELECT b.payer_id, sum(r.amount_vnd) AS open FROM batch b "
        f"JOIN batch_row r ON r.batch_id = b.id WHERE b.state IN {RELEASED} "
        "AND NOT EXISTS (SELECT 1 FROM attempt_news n WHERE n.batch_id = r.batch_id AND n.n = r.n "
        f"AND n.state IN {FINAL}) GROUP BY b.payer_id) b ON b.payer_id = y.id "
        "WHERE coalesce(a.out, 0) <> coalesce(b.open, 0)"
    )


class CoinsAreConserved(Invariant):
    """Per payer and run month nothing owed is lost and nothing is made up, in dong and in coins.

    What the lists assessed and took over from before = paid + in flight + at the desk + lying free
    or gone on to a later list + cancelled + held of right + restored, less what the lists cancelled
    and claimed back (money-flow.md, coins.md 14 and 17). The left side is the lists' and their
    journals', the right side the payments', attempts' and free coins' own; a coin that is nowhere
    or in two places makes the difference, in dong or, where amounts happen to agree, in coins.
    """

    name = "conservation"
    sentence = (
        "Mỗi đơn vị, mỗi kỳ: số phải chi (đã tính và chuyển sang) = đã trả + đang chuyển + ở bàn "
        "chi + nằm chờ hoặc sang danh sách sau + hủy + giữ, theo đồng và theo số khoản."
    )
    # Where a coin of a payment that is neither under way nor paid lies is looked up coin by coin,
    # after the few such payments are known. Written as joins and conditions, the lookups took
    # minutes on PostgreSQL before its statistics had seen the month; `+ 0` keeps it to one index.
    sql = f"""
WITH live AS MATERIALIZED (
  SELECT r.payment_id FROM batch b JOIN batch_row r ON r.batch_id = b.id
  WHERE b.month >= :since AND b.state IN {RELEASED} AND {_LIVE}),
rest AS MATERIALIZED (
  SELECT p.id FROM payment p JOIN pay_list l ON l.id = p.list_id
  WHERE l.month >= :since AND l.state IN ('released', 'closed')
  EXCEPT SELECT payment_id FROM live),
spot AS MATERIALIZED (
  SELECT m.run_id, c.amount_vnd, CASE
    WHEN (SELECT 1 FROM free_coin f WHERE f.sub_id = c.sub_id AND f.cover = c.cover
      AND f.item = c.item LIMIT 1) IS NOT NULL THEN 1
    WHEN (SELECT 1 FROM payment q JOIN payment_coin d ON d.payment_id = q.id
      WHERE q.person_id = m.person_id AND q.id + 0 > m.id AND d.sub_id = c.sub_id
      AND d.cover = c.cover AND d.item = c.item AND (SELECT k.state FROM pay_list k
        WHERE k.id = q.list_id) IN ('released', 'closed') LIMIT 1) IS NOT NULL THEN 1
    WHEN (SELECT 1 FROM line x WHERE x.sub_id = c.sub_id AND x.cover = c.cover
      AND x.item = c.item AND x.move > c.move AND (SELECT e.kind FROM account e
        WHERE e.id = x.credit_account) = 'expense' LIMIT 1) IS NOT NULL THEN 1
    ELSE 0 END AS found
  FROM rest t JOIN payment m ON m.id = t.id JOIN payment_coin c ON c.payment_id = m.id),
twice AS MATERIALIZED (
  SELECT m.run_id, f.amount_vnd, CASE WHEN (SELECT 1 FROM batch_row r
    WHERE r.payment_id = m.id AND (SELECT b.state FROM batch b WHERE b.id = r.batch_id)
      IN {RELEASED} AND {_LIVE} LIMIT 1) IS NOT NULL THEN 1 ELSE 0 END AS found
  FROM free_coin f JOIN payment m ON m.person_id = coalesce((SELECT u.person_id FROM list_unit u
    WHERE u.sub_id = f.sub_id), f.sub_id) JOIN payment_coin c
  ON c.payment_id = m.id AND c.sub_id = f.sub_id AND c.cover = f.cover AND c.item = f.item),
placed AS (
  SELECT m.run_id, m.amount_vnd AS vnd, m.coins FROM live v JOIN payment m ON m.id = v.payment_id
  UNION ALL SELECT run_id, amount_vnd, found FROM spot WHERE found = 1
  UNION ALL SELECT run_id, amount_vnd, found FROM twice WHERE found = 1),
owed AS (
  SELECT l.run_id, l.assessed_vnd + l.carried_vnd + l.cancelled_vnd + l.receivable_vnd
    - l.restored_vnd - l.held_right_vnd AS vnd,
    l.carried + CASE WHEN l.cancelled_vnd + l.receivable_vnd + l.restored_vnd = 0
      THEN coalesce(j.line_count, 0)
      ELSE (SELECT count(*) FROM line x JOIN account y ON y.id = x.credit_account
        WHERE x.journal_id = j.id AND x.cover BETWEEN j.cover_from AND j.cover_to AND x.move = 0
        AND y.kind = 'payable') END AS coins
  FROM pay_list l LEFT JOIN journal j ON j.id = l.journal_id
  WHERE l.month >= :since AND l.state IN ('released', 'closed')),
sums AS (
  SELECT o.run_id, sum(o.vnd) AS vnd, sum(o.coins) AS coins FROM (
    SELECT run_id, vnd, coins FROM owed
    UNION ALL SELECT run_id, -vnd, -coins FROM placed) o GROUP BY o.run_id)
SELECT y.code || ' ' || r.month || ' (' || s.coins || ' khoản)', s.vnd
FROM sums s JOIN run r ON r.id = s.run_id JOIN payer y ON y.id = r.payer_id
WHERE r.month >= :since AND (s.vnd <> 0 OR s.coins <> 0)
"""


class NeverPaidTwice(Invariant):
    """No payment is both credited (and not returned) and handed over in cash."""

    name = "paid_twice"
    sentence = "Không khoản chi nào vừa vào tài khoản vừa nhận tiền mặt."
    sql = (
        "SELECT 'payment ' || r.payment_id, count(*) FROM (SELECT payment_id FROM batch_row "
        "GROUP BY payment_id HAVING count(*) > 1) m "
        "JOIN batch_row r ON r.payment_id = m.payment_id "
        "JOIN attempt_news n ON n.batch_id = r.batch_id AND n.n = r.n "
        "WHERE n.state IN ('credited', 'collected') AND NOT EXISTS (SELECT 1 FROM attempt_news x "
        "WHERE x.batch_id = n.batch_id AND x.n = n.n AND x.seq > n.seq "
        "AND x.state IN ('returned', 'rejected', 'uncollected')) "
        "GROUP BY r.payment_id HAVING count(DISTINCT r.batch_id) > 1"
    )


class ListsConserve(Invariant):
    """Assessed differences = minted + restored - cancelled - receivables + held, per list."""

    name = "list_conservation"
    sentence = "Chênh lệch đã tính của mỗi danh sách bằng số ghi, phục hồi, hủy, thu hồi và giữ."
    sql = (
        "SELECT 'list ' || id, assessed_vnd - (minted_vnd + restored_vnd - cancelled_vnd "
        "- receivable_vnd + held_right_vnd) FROM pay_list WHERE assessed_vnd <> minted_vnd "
        "+ restored_vnd - cancelled_vnd - receivable_vnd + held_right_vnd"
    )


class ListsMatchTheBook(Invariant):
    """A released list minted in the book what its row says."""

    name = "list_book"
    sentence = "Số tiền của danh sách đã duyệt đúng bằng bút toán của nó."
    sql = (
        "SELECT 'list ' || l.id, l.minted_vnd + l.restored_vnd + l.cancelled_vnd "
        "+ l.receivable_vnd - j.total FROM pay_list l JOIN journal j ON j.id = l.journal_id "
        "WHERE l.minted_vnd + l.restored_vnd + l.cancelled_vnd + l.receivable_vnd <> j.total"
    )


class BatchesMatchTheBook(Invariant):
    """A released batch moved in the book exactly its rows."""

    name = "batch_book"
    sentence = "Số tiền của lô đã duyệt đúng bằng bút toán của nó và bằng tổng các dòng."
    sql = (
        "SELECT 'batch ' || b.id, b.total_vnd - coalesce(j.total, 0) FROM batch b "
        "LEFT JOIN journal j ON j.id = b.journal_id "
        f"WHERE b.state IN {RELEASED} AND b.total_vnd <> coalesce(j.total, 0)"
    )


class BudgetTiesToCoins(Invariant):
    """Committed = coins not paid + submitted lists, per payer and budget line."""

    name = "budget"
    sentence = "Cam kết và thực chi của mỗi nguồn đúng bằng các khoản chưa trả và đã trả."
    sql = (
        "SELECT 'line ' || x.payer_id || ' ' || x.year, x.spent - x.minted FROM ("
        "SELECT a.payer_id, a.budget_year AS year, "
        "sum(CASE WHEN a.kind IN ('committed', 'expended') THEN a.debit - a.credit ELSE 0 END) "
        "- coalesce((SELECT sum(l.minted_vnd - l.cancelled_vnd) FROM pay_list l "
        "WHERE l.payer_id = a.payer_id AND l.month / 100 = a.budget_year "
        "AND l.state IN ('draft', 'prepared', 'checked', 'second')), 0) AS spent, "
        "coalesce((SELECT sum(l.minted_vnd - l.cancelled_vnd) FROM pay_list l "
        "WHERE l.payer_id = a.payer_id AND l.month / 100 = a.budget_year "
        "AND l.state IN ('released', 'closed')), 0) AS minted "
        "FROM account a WHERE a.kind IN ('committed', 'expended') "
        "GROUP BY a.payer_id, a.budget_year) x WHERE x.spent <> x.minted"
    )


class OnlyUnsentIsReserved(Invariant):
    """A coin is reserved for an unsent batch only."""

    name = "reserved"
    sentence = "Chỉ khoản trong lô chưa duyệt mới được giữ chỗ."
    sql = (
        "SELECT 'batch ' || c.batch_id, count(*) FROM coin_reserved c "
        "JOIN batch b ON b.id = c.batch_id WHERE b.state <> 'held' GROUP BY c.batch_id"
    )


_RECEIVABLE_MOVES = (
    "LEFT JOIN line x ON x.sub_id = r.sub_id AND x.cover = r.cover AND x.item = r.item "
    "AND x.move > 0"
)


class ReceivablesMatchTheBook(Invariant):
    """What people owe back in the book is exactly what the receivables leave open."""

    name = "receivables"
    sentence = "Số phải thu trong sổ của mỗi đơn vị đúng bằng các khoản phải thu còn mở."
    sql = (
        "SELECT y.code, coalesce(a.owed, 0) - coalesce(o.open, 0) FROM payer y "
        "LEFT JOIN (SELECT payer_id, sum(debit - credit) AS owed FROM account "
        "WHERE kind = 'overpaid' GROUP BY payer_id) a ON a.payer_id = y.id "
        "LEFT JOIN (SELECT q.payer_id, sum(q.amount_vnd - q.less) AS open FROM ("
        "SELECT r.id, r.payer_id, r.amount_vnd, coalesce(sum(x.amount), 0) AS less "
        f"FROM receivable r {_RECEIVABLE_MOVES} GROUP BY r.id, r.payer_id, r.amount_vnd) q "
        "GROUP BY q.payer_id) o ON o.payer_id = y.id "
        "WHERE coalesce(a.owed, 0) <> coalesce(o.open, 0)"
    )


class ReceivableNeverBelowZero(Invariant):
    """Nobody pays back, nor is forgiven or restored, more than was claimed."""

    name = "receivable_open"
    sentence = "Không khoản phải thu nào bị thu, xóa hoặc phục hồi quá số của nó."
    sql = (
        "SELECT 'receivable ' || r.id, coalesce(sum(x.amount), 0) - r.amount_vnd "
        f"FROM receivable r {_RECEIVABLE_MOVES} GROUP BY r.id, r.amount_vnd "
        "HAVING coalesce(sum(x.amount), 0) > r.amount_vnd"
    )


class DecisionsMatchTheBook(Invariant):
    """What is written off or restored has its decision; what came back has its voucher."""

    name = "receivable_decisions"
    sentence = "Mỗi khoản xóa, phục hồi có quyết định; mỗi khoản nộp lại có chứng từ, đúng số tiền."
    sql = (
        "SELECT q.what, q.said - q.booked FROM ("
        "SELECT 'decision ' || d.id AS what, d.amount_vnd AS said, coalesce(j.total, 0) AS booked "
        "FROM receivable_decision d LEFT JOIN journal j ON j.id = d.journal_id "
        "WHERE d.state = 'posted' UNION ALL "
        "SELECT 'repayment ' || p.id, p.amount_vnd, coalesce(j.total, 0) FROM repayment p "
        "LEFT JOIN journal j ON j.id = p.journal_id UNION ALL "
        "SELECT 'loss ' || a.code, coalesce((SELECT sum(d.amount_vnd) FROM receivable_decision d "
        "WHERE d.payer_id = a.payer_id AND d.kind = 'write_off' AND d.state = 'posted'), 0), "
        "a.debit - a.credit FROM account a WHERE a.kind = 'loss') q WHERE q.said <> q.booked"
    )


ALL: Sequence[Invariant] = (
    TrialBalance(),
    ChainUnbroken(),
    FreeCoinsArePayable(),
    FreeCoinsHaveReasons(),
    InFlightIsInTransit(),
    CoinsAreConserved(),
    NeverPaidTwice(),
    ListsConserve(),
    ListsMatchTheBook(),
    BatchesMatchTheBook(),
    BudgetTiesToCoins(),
    OnlyUnsentIsReserved(),
    ReceivablesMatchTheBook(),
    ReceivableNeverBelowZero(),
    DecisionsMatchTheBook(),
)


def check_all(conn: Connection, since: int = 0) -> list[Finding]:
    """Return every finding of every invariant.

    `since` (yyyymm) spares the long look at older, closed months where a caller checks after every
    step; without it everything is looked at.
    """
    return [finding for invariant in ALL for finding in invariant.check(conn, since)]
