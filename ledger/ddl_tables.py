"""The ledger's tables, written once for both engines; types and text checks differ.

Account kinds, book pairing and limits are CHECKs, so that no definition can switch a limit off.
"""

from __future__ import annotations

from ledger.chart import BUDGETARY, FINANCIAL, KINDS, LIMIT_CREDIT, LIMIT_DEBIT
from ledger.money import MAX_LINE

__all__ = ["DRAFT_COLUMNS", "PROTECTED", "tables"]

FIRST_COVER, LAST_COVER = 201401, 203512
MAX_JOURNAL = 900_000_000_000  # x 10,000,000 still fits a signed 64-bit carrier
ITEM_OUTSIDE = 10_000  # items of receivables without a revision start here

# Every table that may only grow (account totals and the chain head move by seals alone).
PROTECTED = (
    "account", "account_closed", "sub", "signer", "payer_policy", "period_move", "journal_kind",
    "kind_role", "kind_move", "move_rule", "journal", "line", "seal", "chunk", "statement",
    "signature", "chain_head",
)  # fmt: skip

_TYPES = {
    "postgresql": {"big": "bigint", "int": "integer", "small": "smallint", "bytes": "bytea"},
    "sqlite": {"big": "INTEGER", "int": "INTEGER", "small": "INTEGER", "bytes": "BLOB"},
}


def _quoted(values: object) -> str:
    return ", ".join(f"'{v}'" for v in values)  # type: ignore[attr-defined]  # tuples and lists


def _word(column: str, dialect: str, extra: str = "") -> str:
    """CHECK: letters, digits, '_', '.', '-' (and `extra`): no comma, so rows stay injective."""
    if dialect == "postgresql":
        return f"CHECK ({column} ~ '^[A-Za-z0-9_.{extra}-]+$')"
    return f"CHECK ({column} <> '' AND {column} NOT GLOB '*[^A-Za-z0-9_.{extra}-]*')"


def _size(column: str, size: int, dialect: str) -> str:
    measure = "octet_length" if dialect == "postgresql" else "length"
    return f"CHECK ({measure}({column}) = {size})"


def _day(column: str, dialect: str) -> str:
    digits = "[0-9]"
    if dialect == "postgresql":
        return f"CHECK ({column} ~ '^{digits * 4}-{digits * 2}-{digits * 2}$')"
    return f"CHECK ({column} GLOB '{digits * 4}-{digits * 2}-{digits * 2}')"


_LINE = """
  journal_id {big} NOT NULL, line_no {int} NOT NULL, cover {int} NOT NULL,
  debit_account {int} NOT NULL, credit_account {int} NOT NULL,
  sub_id {big}, item {small}, move {small}, carrier {big}, of_n {small}, rev {small},
  due_after {big}, amount {big} NOT NULL"""

DRAFT_COLUMNS = _LINE


def _definitions(d: str) -> dict[str, str]:
    debit, credit = _quoted(LIMIT_DEBIT), _quoted(LIMIT_CREDIT)
    book1 = _quoted(k for k, b in KINDS.items() if b == FINANCIAL)
    book2 = _quoted(k for k, b in KINDS.items() if b == BUDGETARY)
    return {
        "account": f"""id {{int}} PRIMARY KEY CHECK (id > 0), book {{int}} NOT NULL,
  code text NOT NULL UNIQUE {_word("code", d)}, kind text NOT NULL, payer_id {{big}} NOT NULL,
  budget_year {{int}}, dr_limited {{int}} NOT NULL, cr_limited {{int}} NOT NULL,
  debit {{big}} NOT NULL DEFAULT 0, credit {{big}} NOT NULL DEFAULT 0,
  journal_id {{big}} NOT NULL,
  CHECK (debit >= 0 AND credit >= 0),
  CHECK ((book = {FINANCIAL} AND kind IN ({book1})) OR (book = {BUDGETARY} AND kind IN ({book2}))),
  CHECK ((dr_limited = 1 AND kind IN ({debit})) OR (dr_limited = 0 AND kind NOT IN ({debit}))),
  CHECK ((cr_limited = 1 AND kind IN ({credit})) OR (cr_limited = 0 AND kind NOT IN ({credit}))),
  CONSTRAINT account_debit_limit CHECK (dr_limited = 0 OR debit <= credit),
  CONSTRAINT account_credit_limit CHECK (cr_limited = 0 OR credit <= debit)""",
        "account_closed": "account_id {int} PRIMARY KEY, journal_id {big} NOT NULL",
        "sub": f"""id {{big}} PRIMARY KEY CHECK (id > 0),
  unit_kind text NOT NULL {_word("unit_kind", d)}, unit_id {{big}} NOT NULL,
  unit_key {{bytes}} NOT NULL, owed_group text NOT NULL {_word("owed_group", d)},
  source text NOT NULL {_word("source", d)}, journal_id {{big}} NOT NULL,
  UNIQUE (unit_kind, unit_id, owed_group, source)""",
        "signer": f"""user_id {{big}} NOT NULL, person_id {{big}} NOT NULL,
  public_key {{bytes}} NOT NULL, valid_from text NOT NULL {_word("valid_from", d, ":+")},
  journal_id {{big}} NOT NULL, PRIMARY KEY (user_id, valid_from),
  {_size("public_key", 32, d).replace("= 32", "IN (0, 32)")}""",
        "payer_policy": """payer_id {big} NOT NULL, checker_may_second {int} NOT NULL,
  journal_id {big} NOT NULL, PRIMARY KEY (payer_id, journal_id),
  CHECK (checker_may_second IN (0, 1))""",
        "period_move": """book {int} NOT NULL, payer_id {big} NOT NULL, month {int} NOT NULL,
  n {int} NOT NULL, state text NOT NULL, journal_id {big} NOT NULL,
  PRIMARY KEY (book, payer_id, month, n), CHECK (book IN (1, 2)),
  CHECK (state IN ('open', 'closed')), CHECK (month % 100 BETWEEN 1 AND 13)""",
    }


def _rules() -> dict[str, str]:
    return {
        "journal_kind": """kind text PRIMARY KEY, book {int}, needs_evidence {int} NOT NULL,
  journal_id {big} NOT NULL DEFAULT 0""",
        "kind_role": """kind text NOT NULL, n {int} NOT NULL, role text NOT NULL,
  journal_id {big} NOT NULL DEFAULT 0, PRIMARY KEY (kind, n), UNIQUE (kind, role)""",
        "kind_move": """kind text NOT NULL, from_kind text NOT NULL, to_kind text NOT NULL,
  journal_id {big} NOT NULL DEFAULT 0, PRIMARY KEY (kind, from_kind, to_kind)""",
        "move_rule": """from_kind text NOT NULL, to_kind text NOT NULL, shape text NOT NULL,
  journal_id {big} NOT NULL DEFAULT 0, PRIMARY KEY (from_kind, to_kind),
  CHECK (shape IN ('open', 'out', 'on', 'off', 'set', 'gl'))""",
    }


def _book(d: str) -> dict[str, str]:
    # on SQLite the deferred key can be written at once; on PostgreSQL it is added after `seal`
    sealed = (
        ""
        if d == "postgresql"
        else ", CONSTRAINT journal_sealed FOREIGN KEY (id) REFERENCES seal (journal_id) "
        "DEFERRABLE INITIALLY DEFERRED"
    )
    return {
        "chain_head": f"""one {{int}} PRIMARY KEY CHECK (one = 1), seq {{big}} NOT NULL,
  hash {{bytes}} NOT NULL {_size("hash", 32, d)}""",
        "journal": f"""id {{big}} PRIMARY KEY CHECK (id > 0 AND id < {MAX_JOURNAL}),
  book {{int}} NOT NULL CHECK (book IN (1, 2)), payer_id {{big}} NOT NULL,
  kind text NOT NULL, idem_key text NOT NULL UNIQUE CHECK (idem_key <> ''),
  month {{int}} NOT NULL CHECK (month % 100 BETWEEN 1 AND 13 AND month BETWEEN 201401 AND 209913),
  cover_from {{int}}, cover_to {{int}},
  effective_date text NOT NULL {_day("effective_date", d)},
  recorded_at text NOT NULL {_word("recorded_at", d, ":+")},
  reverses_id {{big}} UNIQUE, evidence {{bytes}} {_size("evidence", 32, d)},
  statement_digest {{bytes}} {_size("statement_digest", 32, d)},
  line_count {{big}} NOT NULL, total {{big}} NOT NULL, definitions {{big}} NOT NULL,
  CHECK ((cover_from IS NULL) = (cover_to IS NULL) AND (cover_from IS NULL) = (line_count = 0)),
  CHECK (cover_from <= cover_to),
  CHECK (line_count >= 0 AND definitions >= 0 AND (total > 0) = (line_count > 0) AND total >= 0)
  {sealed}""",
        "seal": f"""journal_id {{big}} PRIMARY KEY REFERENCES journal (id),
  seq {{big}} NOT NULL UNIQUE CHECK (seq > 0),
  prev_hash {{bytes}} NOT NULL {_size("prev_hash", 32, d)},
  root {{bytes}} NOT NULL {_size("root", 32, d)}, hash {{bytes}} NOT NULL {_size("hash", 32, d)}""",
        "chunk": f"""journal_id {{big}} NOT NULL, part text NOT NULL, n {{int}} NOT NULL,
  digest {{bytes}} NOT NULL {_size("digest", 32, d)}, PRIMARY KEY (journal_id, part, n)""",
        "statement": f"""journal_id {{big}} PRIMARY KEY, purpose text NOT NULL, body text NOT NULL,
  digest {{bytes}} NOT NULL {_size("digest", 32, d)}""",
        "signature": f"""journal_id {{big}} NOT NULL, role text NOT NULL,
  seat {{int}} NOT NULL DEFAULT 0 CHECK (seat IN (0, 1)), person_id {{big}} NOT NULL,
  user_id {{big}} NOT NULL, statement_digest {{bytes}} NOT NULL {_size("statement_digest", 32, d)},
  sig {{bytes}} NOT NULL {_size("sig", 64, d)},
  signed_at text NOT NULL {_word("signed_at", d, ":+")},
  PRIMARY KEY (journal_id, role), UNIQUE (journal_id, person_id, seat)""",
        "draft_line": DRAFT_COLUMNS + ", PRIMARY KEY (journal_id, line_no)",
    }


_LINE_CHECKS = f"""
  CHECK (amount > 0 AND amount <= {MAX_LINE}), CHECK (debit_account <> credit_account),
  CHECK ((sub_id IS NULL) = (item IS NULL) AND (item IS NULL) = (move IS NULL)),
  CHECK ((carrier IS NULL) = (of_n IS NULL)), CHECK ((rev IS NULL) = (due_after IS NULL)),
  CHECK (due_after >= 0), CHECK (rev IS NULL OR rev > 0 OR (item = 0 AND move = 0)),
  CHECK (rev BETWEEN 0 AND {ITEM_OUTSIDE - 1}), CHECK (item >= 0 AND move >= 0), CHECK (of_n > 0),
  CHECK (line_no > 0), CHECK (cover % 100 BETWEEN 1 AND 12),
  CHECK (cover BETWEEN {FIRST_COVER} AND {LAST_COVER}),
  PRIMARY KEY (journal_id, line_no, cover)"""


def tables(dialect: str) -> list[str]:
    """Return CREATE TABLE and CREATE INDEX statements in order, PostgreSQL's partitions apart."""
    strict = "" if dialect == "postgresql" else " STRICT"
    types = _TYPES[dialect]
    out = []
    for name, body in {**_rules(), **_definitions(dialect), **_book(dialect)}.items():
        # A draft is written and read in the order of its key, and deleted whole: one tree, not two.
        by_key = ", WITHOUT ROWID" if strict and name == "draft_line" else ""
        out.append(f"CREATE TABLE {name} ({body.format(**types)}){strict}{by_key}")
    tail = " PARTITION BY RANGE (cover)" if dialect == "postgresql" else " STRICT, WITHOUT ROWID"
    out.append(f"CREATE TABLE line ({(_LINE + ',' + _LINE_CHECKS).format(**types)}){tail}")
    out += [
        "CREATE UNIQUE INDEX coin ON line (sub_id, cover, item, move)",
        "CREATE UNIQUE INDEX owed ON line (sub_id, cover, rev) WHERE rev > 0",
        "CREATE INDEX account_payer ON account (payer_id, kind)",
        "CREATE INDEX account_journal ON account (journal_id)",
        "CREATE INDEX sub_journal ON sub (journal_id)",
        "CREATE INDEX journal_kind_month ON journal (payer_id, month, kind)",
    ]
    return out
