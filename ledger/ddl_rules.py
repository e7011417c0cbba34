"""The seal's rules R1-R7 as SQL for both engines (docs/ledger-format.md explains each).

Placeholders: {J} the journal's id, {S} a condition that limits alias n to the journal's lines
(PostgreSQL adds the covered months, for pruning), {P} one that limits the earlier line p or o the
same way. {EXP} {PAY} {OVP} are sets of account ids by kind. A rule's query selects offending lines.
"""

from __future__ import annotations

from ledger.ddl_tables import ITEM_OUTSIDE

__all__ = ["CARRIER_BASE", "GROUPS", "RULES", "SHAPE_OK"]

CARRIER_BASE = 10_000_000

# One scan of the journal: per debit and credit account, everything the cheap rules need.
GROUPS = f"""
SELECT debit_account AS da, credit_account AS ca, count(*) AS cnt, sum(amount) AS total,
  min(move) AS m0, max(move) AS m1, count(sub_id) AS ns, count(carrier) AS nc, count(rev) AS nr,
  min(rev) AS r0, max(rev) AS r1, min(item) AS i0, max(item) AS i1,
  min(carrier / {CARRIER_BASE}) AS c0, max(carrier / {CARRIER_BASE}) AS c1, max(of_n) AS of_n,
  min(sub_id) AS s0, max(sub_id) AS s1,
  sum(CASE WHEN (rev = 0 AND due_after <> amount) OR (move = 0 AND rev <> item)
      THEN 1 ELSE 0 END) AS bad
FROM line n WHERE {{S}} GROUP BY debit_account, credit_account"""

# R1 and the shapes, over one row g of GROUPS, its accounts d and c, the rule r (or NULLs).
SHAPE_OK = f"""
CASE WHEN r.shape = 'gl' THEN g.ns = 0 AND g.nc = 0 AND g.nr = 0
ELSE g.ns = g.cnt AND g.bad = 0
 AND g.nr = CASE WHEN d.kind = 'expense' OR c.kind = 'expense' THEN g.cnt ELSE 0 END
 AND (d.kind = 'expense' OR g.nr = 0 OR g.r0 > 0)
 AND CASE r.shape
   WHEN 'open' THEN g.m1 = 0 AND g.nc = 0
     AND CASE c.kind WHEN 'opening' THEN g.r1 = 0 WHEN 'suspense' THEN g.i0 >= {ITEM_OUTSIDE}
         ELSE g.i1 < {ITEM_OUTSIDE} END
   WHEN 'out' THEN g.m0 > 0 AND g.nc = g.cnt AND g.c0 = {{J}} AND g.c1 = {{J}}
   WHEN 'on' THEN g.m0 > 0 AND g.nc = g.cnt
   ELSE g.m0 > 0 AND g.nc = 0 END END"""

_DUE = (
    "NOT coalesce(n.due_after = p.due_after + CASE WHEN n.debit_account IN ({EXP}) "
    "THEN n.amount ELSE -n.amount END, {FALSE})"
)

# name -> (code, sentence, query of offending lines n)
RULES: dict[str, tuple[str, str, str]] = {
    "subs": (
        "not_defined",
        "a line names a sub that is not defined",
        "FROM line n WHERE {S} AND n.move = 0 AND NOT EXISTS "
        "(SELECT 1 FROM sub s WHERE s.id = n.sub_id)",
    ),
    # R3, R4: a move starts where the coin lies, with its amount, by its carrier. A coin under a
    # carrier moves once per journal and keeps its of_n, so a carrier of one coin moves whole.
    "coin": (
        "coin_moved",
        "a coin is not where this journal takes it from, or not under this carrier",
        "FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover "
        "AND p.item = n.item AND p.move = n.move - 1 AND {P} "
        "WHERE {S} AND n.move > 0 AND n.credit_account NOT IN ({OVP}) "
        "AND NOT coalesce(p.amount = n.amount AND p.credit_account = n.debit_account "
        "AND (n.carrier IS NULL OR n.debit_account IN ({PAY}) OR (n.carrier = p.carrier "
        "AND n.of_n = p.of_n AND n.journal_id <> p.journal_id)), {FALSE})",
    ),
    # R5: the coins of a carrier move together, to one place. {W}: of_n > 1 is enough where the
    # rule above or an order of the lines shows that carriers of one coin occur once.
    "whole": (
        "split_payment",
        "the coins of one payment do not move together to one place",
        "FROM (SELECT min(line_no) AS line_no FROM line n WHERE {S} AND n.carrier IS NOT NULL "
        "AND ({W}) GROUP BY n.carrier HAVING count(*) <> max(n.of_n) OR min(n.of_n) <> max(n.of_n) "
        "OR min(n.credit_account) <> max(n.credit_account)) n",
    ),
    # R2: what is owed after revision r follows from revision r - 1 (r = 0 is in SHAPE_OK)
    "due1": (
        "stale_difference",
        "a difference does not follow from the last revision; compare again",
        "FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover "
        "AND p.item = 0 AND p.move = 0 AND {P} WHERE {S} AND n.rev = 1 AND " + _DUE,
    ),
    "due": (
        "stale_difference",
        "a difference does not follow from the last revision; compare again",
        "FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover "
        "AND p.rev = n.rev - 1 AND p.rev > 0 AND {P} WHERE {S} AND n.rev > 1 AND " + _DUE,
    ),
    # R6: no new coin for a month whose receivable is open
    "receivable_first": (
        "receivable_open",
        "a coin is minted for a month whose receivable is still open; reduce that first",
        "FROM line n JOIN line o ON o.sub_id = n.sub_id AND o.cover = n.cover AND o.move = 0 "
        "AND {P} WHERE {S} AND n.item > 0 AND n.move = 0 AND n.credit_account IN ({PAY}) "
        "AND o.debit_account IN ({OVP}) AND o.rev IS NOT NULL "
        "AND o.amount > (SELECT coalesce(sum(x.amount), 0) FROM line x WHERE x.sub_id = o.sub_id "
        "AND x.cover = o.cover AND x.item = o.item AND x.move > 0)",
    ),
    # R7: a receivable is not repaid beyond its amount
    "receivable": (
        "receivable_overpaid",
        "a receivable would be repaid beyond what is open",
        "FROM line n WHERE {S} AND n.move > 0 AND n.credit_account IN ({OVP}) AND coalesce("
        "(SELECT sum(x.amount) FROM line x WHERE x.sub_id = n.sub_id AND x.cover = n.cover "
        "AND x.item = n.item AND x.move > 0) > (SELECT o.amount FROM line o "
        "WHERE o.sub_id = n.sub_id AND o.cover = n.cover AND o.item = n.item AND o.move = 0 "
        "AND o.debit_account IN ({OVP})), {TRUE})",
    ),
    "mirror": (
        "mirror",
        "a reversal is not the exact mirror of its journal, or that journal moved coins",
        "FROM line n LEFT JOIN line o ON o.journal_id = {R} AND o.line_no = n.line_no "
        "AND o.cover = n.cover WHERE {S} AND NOT coalesce(o.debit_account = n.credit_account "
        "AND o.credit_account = n.debit_account AND o.amount = n.amount AND o.sub_id IS NULL "
        "AND n.sub_id IS NULL AND n.carrier IS NULL AND n.rev IS NULL, {FALSE})",
    ),
}
