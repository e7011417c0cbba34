"""The parts of `ledger.verify` that look at the whole book at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from ledger.canon import DEFINITION_PARTS
from ledger.ddl_rules import GROUPS, RULES, SHAPE_OK
from ledger.signing import Signature
from ledger.sql import text

if TYPE_CHECKING:
    from ledger.verify import Problem

__all__ = ["leftovers", "rules", "signatures_and_statements", "totals"]

Add = Callable[["Problem"], None]


def _problem(where: str, what: str, seq: Any = None, journal: Any = None) -> Problem:
    from ledger.verify import Problem  # noqa: PLC0415 - the two modules make one; it imports us

    return Problem(
        where, what, None if seq is None else int(seq), None if journal is None else int(journal)
    )


def signatures_and_statements(
    conn: Connection, add: Add, check: Callable[[Signature, str, bytes | None], bool]
) -> None:
    """Check every statement's digest and every signature, also those before their journal."""
    rows = conn.execute(
        text(
            "SELECT t.journal_id, t.purpose, t.body, t.digest, s.seq, j.kind, j.statement_digest, "
            "s.root FROM statement t LEFT JOIN seal s ON s.journal_id = t.journal_id "
            "LEFT JOIN journal j ON j.id = t.journal_id ORDER BY t.journal_id"
        ).execution_options(yield_per=500)
    )
    for r in rows:
        bad = hashlib.sha256(r.body.encode()).digest() != bytes(r.digest)
        if r.seq is not None and not bad:
            bad = (
                r.purpose != r.kind
                or bytes(r.statement_digest or b"") != bytes(r.digest)
                or bytes(r.root).hex() not in r.body
            )
        if bad:
            add(_problem("statement", "a statement is not what was signed", r.seq, r.journal_id))
    _signatures(conn, add, check)
    _signed_kinds(conn, add)


def _signatures(
    conn: Connection, add: Add, check: Callable[[Signature, str, bytes | None], bool]
) -> None:
    keys: dict[tuple[int, int], list[tuple[str, bytes]]] = {}
    for user, person, key, since in conn.execute(
        text("SELECT user_id, person_id, public_key, valid_from FROM signer")
    ):
        keys.setdefault((int(user), int(person)), []).append((since, bytes(key)))
    rows = conn.execute(
        text(
            "SELECT g.journal_id, g.role, g.person_id, g.user_id, g.statement_digest, g.sig, "
            "g.signed_at, g.seat, t.purpose, t.digest, s.seq FROM signature g "
            "LEFT JOIN statement t ON t.journal_id = g.journal_id "
            "LEFT JOIN seal s ON s.journal_id = g.journal_id ORDER BY g.journal_id"
        ).execution_options(yield_per=500)
    )
    for r in rows:
        since = [k for k in keys.get((r.user_id, r.person_id), []) if k[0] <= r.signed_at]
        signature = Signature(
            int(r.journal_id), r.role, int(r.person_id), int(r.user_id),
            bytes(r.statement_digest), bytes(r.sig), r.signed_at, int(r.seat),
        )  # fmt: skip
        fine = r.purpose is not None and bytes(r.digest) == signature.statement_digest
        if not fine or not check(signature, r.purpose, max(since)[1] if since else None):
            add(_problem("signature", f"the signature of role {r.role} is not valid", r.seq,
                         r.journal_id))  # fmt: skip


def _signed_kinds(conn: Connection, add: Add) -> None:
    """Sealed journals whose roles, number of people, evidence or kind do not hold."""
    rows = conn.execute(
        text(
            "SELECT s.seq, j.id FROM journal j JOIN seal s ON s.journal_id = j.id "
            "LEFT JOIN journal_kind k ON k.kind = j.kind "
            "WHERE k.kind IS NULL OR coalesce(k.book, j.book) <> j.book "
            "OR (k.needs_evidence = 1 AND j.evidence IS NULL) "
            "OR EXISTS (SELECT 1 FROM kind_role r WHERE r.kind = j.kind AND NOT EXISTS ("
            "SELECT 1 FROM signature g WHERE g.journal_id = j.id AND g.role = r.role "
            "AND g.statement_digest = j.statement_digest)) "
            "OR (EXISTS (SELECT 1 FROM kind_role r WHERE r.kind = j.kind) AND ("
            "(SELECT count(DISTINCT g.person_id) FROM signature g WHERE g.journal_id = j.id) < 3 "
            "OR NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = j.id))) "
            "OR (EXISTS (SELECT 1 FROM signature g WHERE g.journal_id = j.id AND g.seat = 1) "
            "AND coalesce((SELECT p.checker_may_second FROM payer_policy p JOIN seal ps "
            "ON ps.journal_id = p.journal_id WHERE p.payer_id = j.payer_id AND ps.seq < s.seq "
            "ORDER BY ps.seq DESC LIMIT 1), 0) = 0) "
            "ORDER BY s.seq LIMIT 50"
        )
    )
    for seq, journal in rows:
        add(_problem("rule:signed", "kind, evidence, statement or signatures are missing", seq,
                     journal))  # fmt: skip


def leftovers(conn: Connection, add: Add, counts: dict[str, int]) -> None:
    """Find rows that belong to no sealed journal: the walk counted all that do."""
    for (journal,) in conn.execute(
        text(
            "SELECT j.id FROM journal j WHERE NOT EXISTS (SELECT 1 FROM seal s "
            "WHERE s.journal_id = j.id) ORDER BY j.id LIMIT 50"
        )
    ):
        add(_problem("journal", "a journal without its seal", None, journal))
    tables = {"line": "line", "chunk": "chunk"} | {
        name: part.table for name, part in DEFINITION_PARTS.items()
    }
    for part, table in tables.items():
        found = int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
        if found != counts[part]:
            journal = conn.execute(
                text(
                    f"SELECT min(t.journal_id) FROM {table} t WHERE NOT EXISTS ("
                    "SELECT 1 FROM seal s WHERE s.journal_id = t.journal_id)"
                )
            ).scalar()
            what = f"{table} has {found} rows, the sealed journals account for {counts[part]}"
            add(_problem(part, what, None, journal))
    signed = text(
        "SELECT count(*) FROM signature g WHERE EXISTS (SELECT 1 FROM seal s "
        "WHERE s.journal_id = g.journal_id)"
    )
    if int(conn.execute(signed).scalar_one()) != counts["signature"]:
        add(_problem("signature", "signatures of sealed journals are not counted by the chain"))


def totals(conn: Connection, add: Add) -> None:
    """Compare every account's totals with its lines."""
    rows = conn.execute(
        text(
            "SELECT account, sum(kept), sum(d), sum(c) FROM ("
            "SELECT id AS account, 1 AS kept, -debit AS d, -credit AS c FROM account "
            "UNION ALL SELECT debit_account, 0, sum(amount), 0 FROM line GROUP BY debit_account "
            "UNION ALL SELECT credit_account, 0, 0, sum(amount) FROM line "
            "GROUP BY credit_account) x GROUP BY account "
            "HAVING sum(kept) <> 1 OR sum(d) <> 0 OR sum(c) <> 0 ORDER BY account LIMIT 50"
        )
    )
    for account, *_ in rows:
        what = f"the totals of account {account} are not those of its lines"
        add(_problem("account_totals", what))


# A receivable is open at the time of a mint: repayments that came later do not count.
_RECEIVABLE_FIRST = """
FROM line n JOIN line o ON o.sub_id = n.sub_id AND o.cover = n.cover AND o.move = 0
JOIN seal z ON z.journal_id = n.journal_id
WHERE n.item > 0 AND n.move = 0 AND n.rev > 0 AND o.rev > 0 AND o.rev < n.rev
AND n.credit_account IN ({PAY}) AND o.debit_account IN ({OVP})
AND o.amount > (SELECT coalesce(sum(x.amount), 0) FROM line x JOIN seal y
  ON y.journal_id = x.journal_id WHERE x.sub_id = o.sub_id AND x.cover = o.cover
  AND x.item = o.item AND x.move > 0
  AND CASE WHEN x.rev IS NULL THEN y.seq <= z.seq ELSE x.rev < n.rev END)"""

_RECEIVABLE = """
FROM (SELECT sub_id, cover, item, min(journal_id) AS journal_id, sum(amount) AS repaid FROM line
  WHERE move > 0 AND credit_account IN ({OVP}) GROUP BY sub_id, cover, item) n
LEFT JOIN line o ON o.sub_id = n.sub_id AND o.cover = n.cover AND o.item = n.item AND o.move = 0
  AND o.debit_account IN ({OVP})
WHERE NOT coalesce(n.repaid <= o.amount, {FALSE})"""

_WHOLE = """
FROM (SELECT n.journal_id FROM line n WHERE n.carrier IS NOT NULL
  GROUP BY n.journal_id, n.carrier HAVING count(*) <> max(n.of_n) OR min(n.of_n) <> max(n.of_n)
  OR min(n.credit_account) <> max(n.credit_account)) n"""

_MIRROR = """
FROM journal j JOIN line n ON n.journal_id = j.id LEFT JOIN line o
  ON o.journal_id = j.reverses_id AND o.line_no = n.line_no AND o.cover = n.cover
WHERE j.reverses_id IS NOT NULL AND (j.kind <> 'correction' OR NOT coalesce(
  o.debit_account = n.credit_account AND o.credit_account = n.debit_account
  AND o.amount = n.amount AND o.sub_id IS NULL AND n.sub_id IS NULL, {FALSE}))"""

_PERIODS = """
FROM journal n JOIN seal s ON s.journal_id = n.id
JOIN period_move p ON p.book = n.book AND p.month = n.month AND p.payer_id IN (0, n.payer_id)
JOIN seal ps ON ps.journal_id = p.journal_id
WHERE p.state = 'closed' AND s.seq > ps.seq
AND n.kind NOT IN ('period_open', 'period_close', 'reopen', 'definition')
AND NOT EXISTS (SELECT 1 FROM period_move q JOIN seal qs ON qs.journal_id = q.journal_id
  WHERE q.book = p.book AND q.payer_id = p.payer_id AND q.month = p.month AND q.n > p.n
  AND qs.seq < s.seq)"""

_CLOSED = """
FROM account_closed x JOIN seal xs ON xs.journal_id = x.journal_id
JOIN line n ON x.account_id IN (n.debit_account, n.credit_account)
JOIN seal s ON s.journal_id = n.journal_id WHERE s.seq > xs.seq"""


def _shape_query() -> str:
    groups = GROUPS.replace("SELECT ", "SELECT journal_id, ", 1).replace("{S}", "{TRUE}")
    groups = groups.replace("GROUP BY", "GROUP BY journal_id,")
    return (
        f"FROM ({groups}) n JOIN journal j ON j.id = n.journal_id "
        "LEFT JOIN account d ON d.id = n.da LEFT JOIN account c ON c.id = n.ca "
        "LEFT JOIN move_rule r ON r.from_kind = d.kind AND r.to_kind = c.kind "
        "LEFT JOIN kind_move m ON m.kind = j.kind AND m.from_kind = d.kind AND m.to_kind = c.kind "
        "WHERE NOT coalesce(d.book = j.book AND c.book = j.book "
        "AND (j.payer_id = 0 OR (d.payer_id = j.payer_id AND c.payer_id = j.payer_id)) "
        "AND (d.payer_id = c.payer_id OR (d.kind = 'payable' AND c.kind = 'payable')) "
        "AND (j.reverses_id IS NOT NULL OR (m.kind IS NOT NULL AND "
        + SHAPE_OK.replace("{J}", "j.id").replace("g.", "n.")
        + ")), {FALSE})"
    )


# Rules about things that most books do not have.
_ONLY_IF = {
    "mirror": "SELECT 1 FROM journal WHERE reverses_id IS NOT NULL LIMIT 1",
    "period_closed": "SELECT 1 FROM period_move WHERE state = 'closed' LIMIT 1",
    "account_closed": "SELECT 1 FROM account_closed LIMIT 1",
}


def rules(conn: Connection, add: Add) -> None:
    """Run the seal's rules over the whole book, set-wise."""
    postgres = conn.dialect.name == "postgresql"
    every = {
        "shape": _shape_query(),
        **{name: RULES[name][2] for name in ("subs", "coin", "due1", "due")},
        "receivable": _RECEIVABLE,
        "whole": _WHOLE,
        "receivable_first": _RECEIVABLE_FIRST,
        "mirror": _MIRROR,
        "period_closed": _PERIODS.replace("FROM journal n", "FROM (SELECT id AS journal_id, id, "
                                          "book, month, payer_id, kind FROM journal) n"),
        "account_closed": _CLOSED,
    }  # fmt: skip
    for name, query in every.items():
        if name in _ONLY_IF and conn.execute(text(_ONLY_IF[name])).first() is None:
            continue
        body = query
        for key, kind in (("EXP", "expense"), ("PAY", "payable"), ("OVP", "overpaid")):
            body = body.replace("{" + key + "}", f"SELECT id FROM account WHERE kind = '{kind}'")
        true, false = ("true", "false") if postgres else ("1", "0")
        body = body.replace("AND {P} ", "").replace("{S}", true)
        body = body.replace("{TRUE}", true).replace("{FALSE}", false)
        found, journal = conn.execute(
            text(f"SELECT count(*), min(n.journal_id) {body}".replace(":", "\\:"))
        ).one()
        if found:
            seq = conn.execute(
                text("SELECT seq FROM seal WHERE journal_id = :j"), {"j": journal}
            ).scalar()
            sentence = RULES[name][1] if name in RULES else f"the rule {name} is broken"
            add(_problem(f"rule:{name}", f"{sentence} ({found} lines)", seq, journal))
