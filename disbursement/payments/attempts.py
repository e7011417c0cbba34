"""Naming attempts: from the id in a bank's file to our row, and what we expect of that row."""

from __future__ import annotations

import re
from collections.abc import Callable

from disbursement.platform.ids import ALPHABET
from ledger.posting import CARRIER_BASE

__all__ = ["EXPECTED", "NO_ID", "OWNER", "Key", "id_reader", "owner_of"]

Key = tuple[int, int]
"""The batch's journal and the row's number in the batch."""

_DIGITS = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_BODY = re.compile(f"[{ALPHABET}]{{12}}")
NO_ID = frozenset({"", "NOTPROVIDED", "NOT PROVIDED"})
"""How banks write that there was no id."""


def owner_of(payer_id: int, provider_id: int) -> int:
    """Return the number that `OWNER` gives for a payer at a provider."""
    return payer_id * 1_000_000 + provider_id


def id_reader(cell_code: str) -> Callable[[str], Key | None]:
    """Return a function that reads the key out of an EndToEndId of this cell, None where it is not.

    It is the inverse of `platform.ids.end_to_end_id` without its check characters, which the
    comparison with the stored id makes superfluous; it is called once per entry of a file.
    """
    prefix = f"DS{cell_code}"

    def read(text: str) -> Key | None:
        if len(text) != 16 or not text.startswith(prefix) or not _BODY.fullmatch(text, 4):
            return None
        journal_id, n = divmod(int(text[4:14].translate(_DIGITS), 32), CARRIER_BASE)
        return (journal_id, n) if n else None

    return read


OWNER = "b.payer_id * 1000000 + b.provider_id"
"""Whose money it is, as one number: a payer's at a provider, whichever contract was in force."""

EXPECTED = """
SELECT i.journal_id, i.row_n, r.batch_id, {owner}, r.end_to_end_id, r.amount_vnd, r.coins,
  CASE WHEN b.rail = 'cash' THEN 'desk'
       WHEN b.state IN ('held', 'queued', 'withdrawn', 'void', 'cancelled') THEN 'unsent'
       WHEN coalesce(w.last_move, 0) % 8 = 1 THEN 'paid'
       WHEN coalesce(w.last_move, 0) % 8 = 2 THEN 'rejected'
       WHEN coalesce(w.last_move, 0) % 8 = 3 THEN 'returned'
       WHEN coalesce(w.claims, 0) > 0 THEN 'claimed'
       ELSE 'transit' END,
  coalesce(w.seq, 0), coalesce(w.moves, 0)
FROM (SELECT DISTINCT journal_id, row_n FROM recon_item WHERE journal_id IS NOT NULL) i
JOIN batch b ON b.journal_id = i.journal_id
JOIN batch_row r ON r.batch_id = b.id AND r.n = i.row_n
LEFT JOIN (
  SELECT a.batch_id, a.n, max(a.seq) AS seq,
    max(CASE a.state WHEN 'credited' THEN a.seq * 8 + 1 WHEN 'rejected' THEN a.seq * 8 + 2
        WHEN 'cancelled' THEN a.seq * 8 + 2 WHEN 'returned' THEN a.seq * 8 + 3 ELSE 0 END)
      AS last_move,
    sum(CASE WHEN a.state IN ('credited', 'rejected', 'cancelled', 'returned') THEN 1 ELSE 0 END)
      AS moves,
    sum(CASE WHEN a.state = 'accepted' AND a.code IN ('ACSC', 'ACCC', 'CPUC') THEN 1 ELSE 0 END)
      AS claims
  FROM attempt_news a WHERE a.batch_id IN (SELECT x.id FROM batch x WHERE x.journal_id IN
    (SELECT y.journal_id FROM recon_item y)) GROUP BY a.batch_id, a.n
) w ON w.batch_id = r.batch_id AND w.n = r.n
"""
"""Expected attempts of the items in `recon_item`, in the columns of `recon_expected`.

`{owner}` is compared with the file's owner: `b.id` for an answer about one batch, `OWNER` for a
statement of one payer's account at one provider. News of an outcome are written only where
the coins moved, so the last of them says where the coins are.
"""
