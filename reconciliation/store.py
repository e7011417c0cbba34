"""The set-wise form of `match.py`: items in a temporary table, expected attempts beside them.

The caller loads what the rail said (`stage`), hands over what is expected as a SELECT (`expect`;
this package knows no payments), and gets every item with its verdict in `recon_verdict` (`judge`).
All three tables live in the caller's transaction and are made anew by each file.

    recon_item      n, wants, news, journal_id, row_n, end_to_end_id, amount_vnd, charges_vnd,
                    code_set, code, words, day, reference, account_differs
    recon_expected  journal_id, row_n, batch_id, owner, end_to_end_id, amount_vnd, coins, place,
                    seq, moves
    recon_verdict   all of recon_item, batch_id, coins, seq, moves, place, repeat, verdict
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from ledger.bulk import bulk_insert
from ledger.sql import text

__all__ = ["Staged", "expect", "judge", "stage"]


class Staged(NamedTuple):
    """One row of `recon_item`: what was said, with the attempt's key read from its id.

    `journal_id` and `row_n` name the attempt (both None: no readable id). `news` is the state that
    the caller records where the item matches; nothing here reads it. `day` ISO text.
    """

    n: int
    wants: str
    news: str
    journal_id: int | None
    row_n: int | None
    end_to_end_id: str
    amount_vnd: int | None
    charges_vnd: int
    code_set: str
    code: str
    words: str
    day: str
    reference: str
    account_differs: int = 0
    """1 where the rail repeated an account that is not the order's."""


_ITEM = (
    "CREATE TEMPORARY TABLE recon_item (n bigint, wants text, news text, journal_id bigint, "
    "row_n bigint, end_to_end_id text, amount_vnd bigint, charges_vnd bigint, code_set text, "
    "code text, "
    "words text, day text, reference text, account_differs smallint DEFAULT 0)"
)
_EXPECTED = (
    "CREATE TEMPORARY TABLE recon_expected (journal_id bigint, row_n bigint, batch_id bigint, "
    "owner bigint, end_to_end_id text, amount_vnd bigint, coins bigint, place text, seq bigint, "
    "moves bigint, PRIMARY KEY (journal_id, row_n))"
)

# Innermost: each item with its attempt, and how many of its kind came before it in the file.
# Middle: whether it fits, and what else the file says about the attempt. Outside: the verdict.
_VERDICT = """
CREATE TEMPORARY TABLE recon_verdict AS
SELECT x.n, x.wants, x.news, x.journal_id, x.row_n, x.end_to_end_id, x.amount_vnd, x.charges_vnd,
       x.code_set, x.code, x.words, x.day, x.reference, x.batch_id, x.coins, x.seq, x.moves,
       x.place, x.repeat,
  CASE
    WHEN x.batch_id IS NULL AND x.journal_id IS NULL THEN 'no_id'
    WHEN x.batch_id IS NULL THEN 'unknown_id'
    WHEN x.owner <> {owner} THEN 'other_payer'
    WHEN x.place = 'unsent' THEN 'not_yet_sent'
    WHEN x.place = 'desk' THEN 'wrong_place'
    WHEN x.account_differs = 1 THEN 'account_differs'
    WHEN x.fits = 0 THEN 'amount_differs'
    WHEN x.wants IN ('credited', 'returned') AND x.repeat > 1 THEN 'wrong_place'
    WHEN x.wants = 'credited' AND x.flying = 1 THEN 'matched'
    WHEN x.wants = 'credited' THEN 'wrong_place'
    WHEN x.wants = 'returned' AND (x.place = 'paid' OR (x.flying = 1 AND x.debited = 1))
      THEN 'matched'
    WHEN x.wants = 'returned' AND x.flying = 1 THEN 'return_first'
    WHEN x.wants = 'returned' THEN 'wrong_place'
    WHEN x.denied = 1 AND x.allowed = 1 THEN 'contradiction'
    WHEN x.wants = 'settled' AND x.place = 'rejected' THEN 'contradiction'
    WHEN x.wants IN ('settled', 'noted') THEN 'matched'
    WHEN x.place IN ('claimed', 'paid') THEN 'contradiction'
    WHEN x.place = 'transit' AND x.repeat = 1 THEN 'matched'
    ELSE 'repeated'
  END AS verdict
FROM (
  SELECT m.*, CASE WHEN m.place IN ('transit', 'claimed') THEN 1 ELSE 0 END AS flying,
    max(CASE WHEN m.wants = 'credited' AND m.repeat = 1 AND m.fits = 1
        AND m.account_differs = 0 THEN 1 ELSE 0 END)
      OVER attempt AS debited,
    max(CASE WHEN m.wants = 'rejected' THEN 1 ELSE 0 END) OVER attempt AS denied,
    max(CASE WHEN m.wants IN ('settled', 'noted') THEN 1 ELSE 0 END) OVER attempt AS allowed
  FROM (
    SELECT i.*, e.batch_id, e.owner, e.coins, e.seq, e.moves, e.place,
      row_number() OVER (PARTITION BY i.journal_id, i.row_n, i.wants ORDER BY i.n) AS repeat,
      CASE WHEN i.amount_vnd IS NULL OR i.amount_vnd
        + CASE WHEN i.wants = 'returned' THEN i.charges_vnd ELSE 0 END = e.amount_vnd
        THEN 1 ELSE 0 END AS fits
    FROM recon_item i LEFT JOIN recon_expected e
      ON e.journal_id = i.journal_id AND e.row_n = i.row_n AND e.end_to_end_id = i.end_to_end_id
  ) m
  WINDOW attempt AS (PARTITION BY m.journal_id, m.row_n)
) x
"""


def stage(conn: Connection, rows: Iterable[Staged]) -> int:
    """Make the tables anew and load what was said; return how many rows. Constant memory."""
    for name in ("recon_verdict", "recon_expected", "recon_item"):
        conn.execute(text(f"DROP TABLE IF EXISTS {name}"))
    conn.execute(text(_ITEM))
    conn.execute(text(_EXPECTED))
    return bulk_insert(conn, "recon_item", Staged._fields, rows)


def expect(conn: Connection, select: str, params: Mapping[str, Any]) -> int:
    """Fill `recon_expected` from a SELECT of its columns in order; return how many attempts.

    The SELECT may join `recon_item`, so that only attempts that were spoken of are read.
    """
    analyze(conn, "recon_item")
    return conn.execute(text(f"INSERT INTO recon_expected {select}"), dict(params)).rowcount


def judge(conn: Connection, owner: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Give every item its verdict; return {(wants, verdict): (count, dong)}."""
    analyze(conn, "recon_expected")
    conn.execute(text(_VERDICT.format(owner=int(owner))))
    conn.execute(text("CREATE INDEX recon_verdict_attempt ON recon_verdict (journal_id, row_n)"))
    analyze(conn, "recon_verdict")
    rows = conn.execute(
        text(
            "SELECT wants, verdict, count(*), coalesce(sum(amount_vnd), 0) FROM recon_verdict "
            "GROUP BY wants, verdict"
        )
    )
    return {(wants, verdict): (int(n), int(vnd)) for wants, verdict, n, vnd in rows}


def analyze(conn: Connection, *tables: str) -> None:
    """Tell PostgreSQL's planner about tables it has never seen; SQLite needs nothing."""
    if conn.dialect.name == "postgresql":
        for table in tables:
            conn.exec_driver_sql(f"ANALYZE {table}")
