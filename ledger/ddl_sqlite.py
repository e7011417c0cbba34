"""SQLite: guards against REPLACE, UPDATE and DELETE, and the seal as triggers.

There are no rights on SQLite: who owns the file can drop a trigger. What these guards stop is the
program's own mistakes and a careless second connection; against the file's owner only the chain,
its recomputation (`ledger.verify`) and a head kept outside help. Chunk digests, root and hash are
computed by `ledger.posting` and checked by `ledger.verify`, not here.
"""

from __future__ import annotations

from ledger.ddl_rules import GROUPS, RULES, SHAPE_OK
from ledger.ddl_tables import PROTECTED

__all__ = ["statements"]

_KEYS: dict[str, tuple[str, ...]] = {
    "account": ("id = new.id", "code = new.code"),
    "account_closed": ("account_id = new.account_id",),
    "sub": (
        "id = new.id",
        "unit_kind = new.unit_kind AND unit_id = new.unit_id AND owed_group = new.owed_group "
        "AND source = new.source",
    ),
    "signer": ("user_id = new.user_id AND valid_from = new.valid_from",),
    "payer_policy": ("payer_id = new.payer_id AND journal_id = new.journal_id",),
    "period_move": (
        "book = new.book AND payer_id = new.payer_id AND month = new.month AND n = new.n",
    ),
    "journal_kind": ("kind = new.kind",),
    "kind_role": ("kind = new.kind AND n = new.n", "kind = new.kind AND role = new.role"),
    "kind_move": ("kind = new.kind AND from_kind = new.from_kind AND to_kind = new.to_kind",),
    "move_rule": ("from_kind = new.from_kind AND to_kind = new.to_kind",),
    "journal": ("id = new.id", "reverses_id = new.reverses_id"),
    "seal": ("journal_id = new.journal_id", "seq = new.seq"),
    "chunk": ("journal_id = new.journal_id AND part = new.part AND n = new.n",),
    "statement": ("journal_id = new.journal_id",),
    "chain_head": ("one = new.one",),
}
_DEFINITION_TABLES = (
    "account", "account_closed", "sub", "signer", "payer_policy", "period_move",
)  # fmt: skip

# True only between the insertion of a seal and the head's move to it, so inside the seal's trigger.
_SEALING = "EXISTS (SELECT 1 FROM seal WHERE seq = (SELECT seq + 1 FROM chain_head))"
_SEALED = "EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id)"

# Filled anew by the seal's trigger from the lines themselves; what lies in it before is deleted.
_SCRATCH = (
    "CREATE TABLE seal_scratch (da INTEGER, ca INTEGER, cnt INTEGER, total INTEGER, m0 INTEGER, "
    "m1 INTEGER, ns INTEGER, nc INTEGER, nr INTEGER, r0 INTEGER, r1 INTEGER, i0 INTEGER, "
    "i1 INTEGER, c0 INTEGER, c1 INTEGER, of_n INTEGER, s0 INTEGER, "
    "s1 INTEGER, bad INTEGER) STRICT"
)
_ALLOT = (
    "CREATE TABLE journal_counter (one INTEGER PRIMARY KEY CHECK (one = 1), "
    "next INTEGER NOT NULL CHECK (next > 0)) STRICT",
    "INSERT INTO journal_counter VALUES (1, 1)",
    "CREATE TRIGGER journal_counter_up BEFORE UPDATE ON journal_counter "
    "WHEN new.next <= old.next OR new.one <> old.one "
    "BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END",
    "CREATE TRIGGER journal_counter_stay BEFORE DELETE ON journal_counter "
    "BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END",
    "CREATE TRIGGER journal_counter_one BEFORE INSERT ON journal_counter "
    "BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END",
)


def _refuse(code: str, sentence: str, when: str) -> str:
    safe = sentence.replace("'", "''")
    return f"  SELECT RAISE(ABORT, 'LEDGER {code}: {safe}') WHERE {when};\n"


def _rule(name: str) -> str:
    code, sentence, query = RULES[name]
    body = query
    for key, kind in (("EXP", "expense"), ("PAY", "payable"), ("OVP", "overpaid")):
        body = body.replace("{" + key + "}", f"SELECT id FROM account WHERE kind = '{kind}'")
    body = (
        body.replace("{S}", "n.journal_id = new.journal_id")
        .replace("AND {P} ", "")
        .replace("{FALSE}", "0")
        .replace("{TRUE}", "1")
        .replace("{W}", f"n.of_n > 1 OR {_UNSORTED}")
        .replace("{R}", "(SELECT reverses_id FROM journal WHERE id = new.journal_id)")
    )
    guards = {
        "coin": "(SELECT max(m1) FROM seal_scratch) > 0 AND ",
        "whole": "(SELECT sum(nc) FROM seal_scratch) > 0 AND ",
        "due1": "(SELECT max(r1) FROM seal_scratch) > 0 AND ",
        "due": "(SELECT max(r1) FROM seal_scratch) > 1 AND ",
        "subs": "(SELECT min(m0) FROM seal_scratch) = 0 AND ",
        "mirror": "(SELECT reverses_id FROM journal WHERE id = new.journal_id) IS NOT NULL AND ",
        "receivable_first": "EXISTS (SELECT 1 FROM account WHERE kind = 'overpaid' AND "
        "(debit > credit OR id IN (SELECT debit_account FROM line "
        "WHERE journal_id = new.journal_id AND move = 0 AND rev > 0))) AND ",
    }
    return _refuse(code, sentence, f"{guards.get(name, '')}EXISTS (SELECT 1 {body})")


# Batches are mostly numbered in the order of their lines: then each carrier's lines are neighbours
# and nothing needs sorting. Where they are not, every carrier is grouped.
_UNSORTED = (
    "(EXISTS (SELECT 1 FROM seal_scratch g JOIN account a ON a.id = g.da WHERE a.kind = 'payable' "
    "AND g.nc > 0) AND EXISTS (SELECT 1 FROM line y JOIN line z ON z.journal_id = y.journal_id "
    "AND z.line_no = y.line_no - 1 WHERE y.journal_id = new.journal_id AND y.carrier IS NOT NULL "
    "AND NOT coalesce(y.carrier > z.carrier OR (y.carrier = z.carrier AND y.of_n = z.of_n "
    "AND y.of_n > 1), z.carrier IS NULL)))"
)

_J = "EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND "

_HEADER_RULES = (
    ("chain", "the head has moved; read it again", "NOT EXISTS (SELECT 1 FROM chain_head h "
     "WHERE h.seq + 1 = new.seq AND h.hash = new.prev_hash)"),
    ("not_defined", "the journal or its kind is not defined", "NOT EXISTS (SELECT 1 FROM journal j "
     "JOIN journal_kind k ON k.kind = j.kind WHERE j.id = new.journal_id)"),
    ("bad_move", "a journal of this kind belongs to the other book", "EXISTS (SELECT 1 "
     "FROM journal j JOIN journal_kind k ON k.kind = j.kind WHERE j.id = new.journal_id "
     "AND k.book <> j.book)"),
    ("evidence_missing", "a journal of this kind needs the SHA-256 of its document",
     "EXISTS (SELECT 1 FROM journal j JOIN journal_kind k ON k.kind = j.kind "
     "WHERE j.id = new.journal_id AND k.needs_evidence = 1 AND j.evidence IS NULL)"),
    ("control", "the journal id was never allotted",
     "new.journal_id >= (SELECT next FROM journal_counter)"),
    ("period_closed", "the month is closed; book it into an open month",
     _J + "j.kind NOT IN ('period_open', 'period_close', 'reopen', 'definition') AND EXISTS ("
     "SELECT 1 FROM period_move p WHERE p.book = j.book AND p.month = j.month "
     "AND p.payer_id IN (0, j.payer_id) AND p.state = 'closed' AND NOT EXISTS ("
     "SELECT 1 FROM period_move q WHERE q.book = p.book AND q.payer_id = p.payer_id "
     "AND q.month = p.month AND q.n > p.n)))"),
    ("mirror", "a reversal is a correction that mirrors one sealed journal",
     _J + "j.reverses_id IS NOT NULL AND (j.kind <> 'correction' OR NOT EXISTS ("
     "SELECT 1 FROM journal o JOIN seal s ON s.journal_id = o.id WHERE o.id = j.reverses_id "
     "AND o.book = j.book AND o.payer_id = j.payer_id AND o.line_count = j.line_count "
     "AND o.line_count > 0 AND o.cover_from = j.cover_from AND o.cover_to = j.cover_to)))"),
)  # fmt: skip

_GROUPED = (
    "FROM seal_scratch g JOIN journal j ON j.id = new.journal_id "
    "LEFT JOIN account d ON d.id = g.da LEFT JOIN account c ON c.id = g.ca "
    "LEFT JOIN move_rule r ON r.from_kind = d.kind AND r.to_kind = c.kind "
    "LEFT JOIN kind_move m ON m.kind = j.kind AND m.from_kind = d.kind AND m.to_kind = c.kind "
)
_CLOSED = "EXISTS (SELECT 1 FROM account_closed x WHERE x.account_id IN (g.da, g.ca))"


def _shape_rules() -> str:
    unknown = f"EXISTS (SELECT 1 {_GROUPED}WHERE d.id IS NULL OR c.id IS NULL OR {_CLOSED})"
    bad = (
        f"EXISTS (SELECT 1 {_GROUPED}WHERE NOT coalesce(d.book = j.book AND c.book = j.book "
        "AND (j.payer_id = 0 OR (d.payer_id = j.payer_id AND c.payer_id = j.payer_id)) "
        "AND (d.payer_id = c.payer_id OR (d.kind = 'payable' AND c.kind = 'payable')) "
        "AND (j.reverses_id IS NOT NULL OR (m.kind IS NOT NULL AND "
        + SHAPE_OK.replace("{J}", "j.id")
        + ")), 0))"
    )
    return _refuse("not_defined", "an account is not defined or is closed", unknown) + _refuse(
        "bad_move", "a journal of this kind may not post one of its lines like this", bad
    )


_CONTROL = (
    ("control", "the journal does not have the lines or the total it announces",
     "NOT EXISTS (SELECT 1 FROM journal j, (SELECT coalesce(sum(cnt), 0) AS n, "
     "coalesce(sum(total), 0) AS s FROM seal_scratch) x WHERE j.id = new.journal_id "
     "AND j.line_count = x.n AND j.total = x.s)"),
    ("control", "the journal does not have the definitions it announces",
     "(SELECT definitions FROM journal WHERE id = new.journal_id) > 0 AND "
     "(SELECT definitions FROM journal WHERE id = new.journal_id) <> "
     + " + ".join(f"(SELECT count(*) FROM {t} WHERE journal_id = new.journal_id)"
                  for t in _DEFINITION_TABLES)),
)  # fmt: skip

_SIGNED = "EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind)"
_SIGNED_RULES = (
    ("statement", "journals of this kind carry no statement",
     _J + f"j.statement_digest IS NOT NULL AND NOT {_SIGNED})"),
    ("statement", "the journal does not carry its signed statement",
     _J + f"{_SIGNED} AND NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = j.id "
     "AND t.digest = j.statement_digest AND t.purpose = j.kind))"),
    ("statement", "what was signed is not what the journal posts",
     _J + f"{_SIGNED} AND NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = j.id "
     "AND instr(t.body, lower(hex(new.root))) > 0))"),
    ("role_missing", "a signature is missing",
     _J + "EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind AND NOT EXISTS ("
     "SELECT 1 FROM signature s WHERE s.journal_id = j.id AND s.role = k.role "
     "AND s.statement_digest = j.statement_digest)))"),
    ("same_person", "too few people signed the journal",
     _J + f"{_SIGNED} AND ((SELECT count(DISTINCT person_id) FROM signature s "
     "WHERE s.journal_id = j.id) < 3 OR (EXISTS (SELECT 1 FROM signature s "
     "WHERE s.journal_id = j.id AND s.seat = 1) AND NOT coalesce((SELECT p.checker_may_second "
     "FROM payer_policy p JOIN seal z ON z.journal_id = p.journal_id "
     "WHERE p.payer_id = j.payer_id ORDER BY z.seq DESC LIMIT 1), 0))))"),
)  # fmt: skip


def _seal() -> list[str]:
    order = ("subs", "coin", "whole", "due1", "due", "receivable", "receivable_first", "mirror")
    body = "".join(_refuse(*rule) for rule in _HEADER_RULES)
    body += (
        "  DELETE FROM seal_scratch;\n  INSERT INTO seal_scratch "
        + GROUPS.replace("{S}", "n.journal_id = new.journal_id")
        + ";\n"
    )
    body += _shape_rules() + "".join(_rule(name) for name in order)
    body += "".join(_refuse(*rule) for rule in (*_CONTROL, *_SIGNED_RULES))
    totals = """
  UPDATE account SET debit = debit + v.d, credit = credit + v.c FROM (
    SELECT a, sum(d) AS d, sum(c) AS c FROM (
      SELECT da AS a, total AS d, 0 AS c FROM seal_scratch
      UNION ALL SELECT ca, 0, total FROM seal_scratch) GROUP BY a) v
    WHERE account.id = v.a;
  DELETE FROM seal_scratch;
  UPDATE chain_head SET seq = new.seq, hash = new.hash;
"""
    return [
        f"CREATE TRIGGER seal_check BEFORE INSERT ON seal BEGIN\n{body}END",
        f"CREATE TRIGGER seal_done AFTER INSERT ON seal BEGIN{totals}END",
    ]


def _line_guard() -> str:
    """One trigger for lines: an open journal, its covered months, and no REPLACE of a coin."""
    return (
        "CREATE TRIGGER line_guard BEFORE INSERT ON line BEGIN\n"
        + _refuse(
            "sealed",
            "lines need an open journal that announces their covered month",
            f"{_SEALED} OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id "
            "AND new.cover BETWEEN j.cover_from AND j.cover_to)",
        )
        + _refuse(
            "coin_moved",
            "a coin of this journal was minted or moved before; read its place again",
            "new.sub_id IS NOT NULL AND EXISTS (SELECT 1 FROM line WHERE sub_id = new.sub_id "
            "AND cover = new.cover AND item = new.item AND move = new.move)",
        )
        + _refuse(
            "stale_difference",
            "the revision exists already; compare again before posting",
            "new.rev > 0 AND EXISTS (SELECT 1 FROM line WHERE sub_id = new.sub_id "
            "AND cover = new.cover AND rev = new.rev AND rev > 0)",
        )
        + "END"
    )


_PERIOD = (
    "NOT coalesce(new.n = 1 + coalesce((SELECT max(n) FROM period_move p WHERE p.book = new.book "
    "AND p.payer_id = new.payer_id AND p.month = new.month), 0) "
    "AND new.state <> coalesce((SELECT state FROM period_move p WHERE p.book = new.book "
    "AND p.payer_id = new.payer_id AND p.month = new.month ORDER BY n DESC LIMIT 1), '') "
    "AND (SELECT kind FROM journal WHERE id = new.journal_id) = CASE WHEN new.state = 'closed' "
    "THEN 'period_close' WHEN new.n = 1 THEN 'period_open' ELSE 'reopen' END, 0)"
)
_SIGNATURE_RULES = (
    ("statement", "the signature is not for the recorded statement",
     "NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = new.journal_id "
     "AND t.digest = new.statement_digest)"),
    ("sealed", "the journal is sealed, it takes no more signatures", _SEALED),
    ("role_taken", "this role has signed the document before",
     "EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id "
     "AND s.role = new.role)"),
    ("same_person", "this person has signed the document before",
     "EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id "
     "AND s.person_id = new.person_id AND s.seat = new.seat)"),
    ("role_unknown", "this kind of journal has no signature of this role",
     "NOT EXISTS (SELECT 1 FROM statement t JOIN kind_role k ON k.kind = t.purpose "
     "WHERE t.journal_id = new.journal_id AND k.role = new.role)"),
    ("role_order", "an earlier signature is missing",
     "EXISTS (SELECT 1 FROM statement t JOIN kind_role k ON k.kind = t.purpose "
     "JOIN kind_role mine ON mine.kind = t.purpose AND mine.role = new.role "
     "WHERE t.journal_id = new.journal_id AND k.n < mine.n AND NOT EXISTS (SELECT 1 "
     "FROM signature s WHERE s.journal_id = new.journal_id AND s.role = k.role))"),
    ("not_defined", "this user is not recorded as this person's signer",
     "NOT EXISTS (SELECT 1 FROM signer WHERE user_id = new.user_id "
     "AND person_id = new.person_id)"),
    ("same_person", "only the checker may take a second seat, as sign2",
     "new.seat = 1 AND NOT (new.role = 'sign2' AND EXISTS (SELECT 1 FROM signature s "
     "WHERE s.journal_id = new.journal_id AND s.role = 'check' "
     "AND s.person_id = new.person_id))"),
)  # fmt: skip
_STATEMENT_RULES = (
    ("sealed", "the journal is sealed, it takes no statement", _SEALED),
    ("statement", "journals of this kind are not signed",
     "NOT EXISTS (SELECT 1 FROM kind_role WHERE kind = new.purpose)"),
)  # fmt: skip


def _guards() -> list[str]:
    out = []
    for table in PROTECTED:
        same = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE {k})" for k in _KEYS.get(table, ())
        )
        if same:
            out.append(
                f"CREATE TRIGGER {table}_once BEFORE INSERT ON {table} WHEN {same} BEGIN "
                f"SELECT RAISE(ABORT, 'LEDGER exists: {table} has a row with this key'); END"
            )
        verbs = {"account": ("DELETE",), "chain_head": ("DELETE",)}.get(table, ("UPDATE", "DELETE"))
        out += [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
            f"SELECT RAISE(ABORT, 'LEDGER protected: {table} is append-only'); END"
            for verb in verbs
        ]
    for table in _DEFINITION_TABLES:
        out.append(
            f"CREATE TRIGGER {table}_open BEFORE INSERT ON {table} WHEN {_SEALED} OR NOT EXISTS "
            "(SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN "
            f"SELECT RAISE(ABORT, 'LEDGER sealed: {table} needs an open journal that announces "
            "definitions'); END"
        )
    return out


def _account_guards() -> list[str]:
    definition = "id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id"
    return [
        f"CREATE TRIGGER account_definition BEFORE UPDATE OF {definition} ON account BEGIN "
        "SELECT RAISE(ABORT, 'LEDGER protected: the definition of an account never changes'); END",
        f"CREATE TRIGGER account_totals BEFORE UPDATE ON account WHEN NOT {_SEALING} BEGIN "
        "SELECT RAISE(ABORT, 'LEDGER protected: totals move by seals alone'); END",
        "CREATE TRIGGER account_nil BEFORE INSERT ON account WHEN new.debit <> 0 OR "
        "new.credit <> 0 BEGIN SELECT RAISE(ABORT, 'LEDGER protected: an account starts at 0'); "
        "END",
        "CREATE TRIGGER chain_head_moves BEFORE UPDATE ON chain_head WHEN NOT EXISTS (SELECT 1 "
        "FROM seal s WHERE s.seq = old.seq + 1 AND new.seq = s.seq AND new.hash = s.hash "
        "AND new.one = 1) BEGIN "
        "SELECT RAISE(ABORT, 'LEDGER protected: the head moves by seals alone'); END",
    ]


def statements(tables: list[str]) -> list[str]:
    """Return all DDL of a cell on SQLite, one statement each, `tables` first."""
    rules = {
        "signature": _SIGNATURE_RULES,
        "statement": _STATEMENT_RULES,
        "period_move": (("period", "this journal cannot move the period so", _PERIOD),),
    }
    return [
        *tables,
        _SCRATCH,
        *_ALLOT,
        *_guards(),
        *_account_guards(),
        "CREATE TRIGGER journal_idem BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal "
        "WHERE idem_key = new.idem_key) BEGIN SELECT RAISE(ABORT, "
        "'LEDGER idem_conflict: the idempotency key was used by another journal'); END",
        f"CREATE TRIGGER chunk_open BEFORE INSERT ON chunk WHEN {_SEALED} OR NOT EXISTS (SELECT 1 "
        "FROM journal WHERE id = new.journal_id) BEGIN "
        "SELECT RAISE(ABORT, 'LEDGER sealed: chunks belong to an open journal'); END",
        *(
            f"CREATE TRIGGER {table}_rules BEFORE INSERT ON {table} BEGIN\n"
            + "".join(_refuse(*rule) for rule in found)
            + "END"
            for table, found in rules.items()
        ),
        _line_guard(),
        *_seal(),
    ]
