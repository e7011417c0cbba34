"""PostgreSQL: partitions, the definer functions that guard and seal, rights.

The application's role may insert and read; everything derived (chunk digests, roots, hashes,
account totals, the head) is computed by functions of the owner's, each with its own search_path
ending in pg_temp, so that no temporary table of a session can stand in for one of the ledger's
(coins.md 8).
"""

from __future__ import annotations

from ledger.canon import CHUNK_ROWS, DEFINITION_PARTS, HEADER_COLUMNS, SIGNATURE_COLUMNS
from ledger.ddl_rules import GROUPS, RULES, SHAPE_OK
from ledger.ddl_tables import FIRST_COVER, LAST_COVER, PROTECTED

__all__ = ["statements"]

OWNER, APP = "disburse_owner", "disburse_app"
YEARLY, MONTHLY = range(2014, 2024), range(2024, 2029)
_HEADER_BYTES = frozenset({"evidence", "statement_digest"})
_SIGNATURE_BYTES = frozenset({"statement_digest", "sig"})

# What the application may insert: nothing derived. Everything may be read.
_INSERTS = {
    "account": "(id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id)",
    "account_closed": "",
    "sub": "",
    "signer": "",
    "payer_policy": "",
    "period_move": "",
    "journal": "",
    "line": "",
    "seal": "(journal_id)",
    "statement": "",
    "signature": "",
}
_DEFINITION_TABLES = (
    "account", "account_closed", "sub", "signer", "payer_policy", "period_move",
)  # fmt: skip

_ROLES = """DO $do$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE {role} NOLOGIN; END IF; END $do$"""

_HELPERS = (
    """CREATE FUNCTION ledger_field(raw bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN raw IS NULL THEN '\\xffffffff'::bytea
          ELSE int4send(octet_length(raw)) || raw END $$""",
    """CREATE FUNCTION ledger_word(word text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN word IS NULL THEN '\\xffffffff'::bytea
          ELSE int4send(octet_length(convert_to(word, 'UTF8')))
            || convert_to(word, 'UTF8') END $$""",
    """CREATE FUNCTION ledger_no_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'LEDGER protected: % is append-only; % is refused', TG_TABLE_NAME, TG_OP;
END $$""",
)

# n journal ids in a row; never given twice, even where the transaction is rolled back.
_ALLOT = """CREATE FUNCTION allot_journal(n integer) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER VOLATILE SET search_path = {schema}, pg_temp AS $$
DECLARE first bigint; lock_key integer := 'journal_id'::regclass::oid::bigint % 2147483647;
BEGIN
  IF n IS NULL OR n < 1 OR n > 1000000 THEN
    RAISE EXCEPTION 'LEDGER bad_value: journal ids are allotted 1 to 1,000,000 at a time'; END IF;
  PERFORM pg_advisory_lock(718, lock_key);
  first := nextval('journal_id');
  IF n > 1 THEN PERFORM setval('journal_id', first + n - 1); END IF;
  PERFORM pg_advisory_unlock(718, lock_key);
  RETURN first;
END $$"""

_LINE_GUARD = """CREATE FUNCTION line_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE ids bigint[]; lows integer[]; highs integer[];
BEGIN
  IF TG_RELID <> 'line'::regclass THEN
    RAISE EXCEPTION 'LEDGER protected: not for this table'; END IF;
  SELECT array_agg(journal_id), array_agg(lo), array_agg(hi) INTO ids, lows, highs
    FROM (SELECT journal_id, min(cover) lo, max(cover) hi FROM newrows GROUP BY 1) x;
  IF EXISTS (SELECT 1 FROM unnest(ids) i JOIN seal s ON s.journal_id = i) THEN
    RAISE EXCEPTION 'LEDGER sealed: the journal is sealed, it takes no more lines'; END IF;
  IF EXISTS (SELECT 1 FROM unnest(ids, lows, highs) AS i(id, lo, hi)
      LEFT JOIN journal j ON j.id = i.id
      WHERE j.id IS NULL OR NOT coalesce(i.lo >= j.cover_from AND i.hi <= j.cover_to, false)) THEN
    RAISE EXCEPTION 'LEDGER control: lines without a journal, or outside its covered months';
  END IF;
  RETURN NULL;
END $$"""

_DEFINITION_GUARD = """CREATE FUNCTION definition_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE ids bigint[];
BEGIN
  SELECT array_agg(DISTINCT journal_id) INTO ids FROM newrows;
  IF EXISTS (SELECT 1 FROM unnest(ids) i LEFT JOIN journal j ON j.id = i
      WHERE j.id IS NULL OR j.definitions = 0
        OR EXISTS (SELECT 1 FROM seal s WHERE s.journal_id = i)) THEN
    RAISE EXCEPTION 'LEDGER sealed: % needs an open journal that announces definitions',
      TG_TABLE_NAME; END IF;
  RETURN NULL;
END $$"""

_PERIOD_GUARD = """CREATE FUNCTION period_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE last record; kind_ text;
BEGIN
  SELECT n, state INTO last FROM period_move p WHERE p.book = NEW.book
    AND p.payer_id = NEW.payer_id AND p.month = NEW.month ORDER BY n DESC LIMIT 1;
  SELECT kind INTO kind_ FROM journal WHERE id = NEW.journal_id;
  IF NEW.n <> coalesce(last.n, 0) + 1 OR NEW.state = last.state OR NOT coalesce(CASE
      WHEN NEW.state = 'closed' THEN kind_ = 'period_close'
      WHEN NEW.n = 1 THEN kind_ = 'period_open' ELSE kind_ = 'reopen' END, false) THEN
    RAISE EXCEPTION 'LEDGER period: month % of book % cannot become % by this journal',
      NEW.month, NEW.book, NEW.state; END IF;
  RETURN NEW;
END $$"""

_STATEMENT_GUARD = """CREATE FUNCTION statement_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM seal WHERE journal_id = NEW.journal_id) THEN
    RAISE EXCEPTION 'LEDGER sealed: the journal is sealed, it takes no statement'; END IF;
  IF NOT EXISTS (SELECT 1 FROM kind_role WHERE kind = NEW.purpose) THEN
    RAISE EXCEPTION 'LEDGER statement: journals of kind % are not signed', NEW.purpose; END IF;
  IF sha256(convert_to(NEW.body, 'UTF8')) <> NEW.digest THEN
    RAISE EXCEPTION 'LEDGER statement: the digest is not that of the statement'; END IF;
  RETURN NEW;
END $$"""

_SIGNATURE_GUARD = """CREATE FUNCTION signature_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE st statement; mine integer;
BEGIN
  SELECT * INTO st FROM statement WHERE journal_id = NEW.journal_id;
  IF NOT FOUND OR st.digest <> NEW.statement_digest THEN
    RAISE EXCEPTION 'LEDGER statement: the signature is not for the recorded statement'; END IF;
  IF EXISTS (SELECT 1 FROM seal WHERE journal_id = NEW.journal_id) THEN
    RAISE EXCEPTION 'LEDGER sealed: the journal is sealed, it takes no more signatures'; END IF;
  SELECT n INTO mine FROM kind_role WHERE kind = st.purpose AND role = NEW.role;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'LEDGER role_unknown: % has no signature of role %', st.purpose, NEW.role;
  END IF;
  IF EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = st.purpose AND k.n < mine AND NOT EXISTS (
      SELECT 1 FROM signature s WHERE s.journal_id = NEW.journal_id AND s.role = k.role)) THEN
    RAISE EXCEPTION 'LEDGER role_order: an earlier signature is missing before %', NEW.role;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM signer WHERE user_id = NEW.user_id
      AND person_id = NEW.person_id) THEN
    RAISE EXCEPTION 'LEDGER not_defined: this user is not recorded as this person''s signer';
  END IF;
  IF NEW.seat = 1 AND NOT (NEW.role = 'sign2' AND EXISTS (SELECT 1 FROM signature s
      WHERE s.journal_id = NEW.journal_id AND s.role = 'check'
        AND s.person_id = NEW.person_id)) THEN
    RAISE EXCEPTION 'LEDGER same_person: only the checker may take a second seat, as sign2';
  END IF;
  RETURN NEW;
END $$"""


def _pg_rule(name: str) -> str:
    """Return plpgsql that raises where the rule finds a line; ids of kinds come as literals."""
    code, sentence, query = RULES[name]
    body = query.replace("%", "%%").replace("'", "''")
    body = (
        body.replace("{S}", "{scope}").replace("{P}", "{earlier}")
        .replace("{FALSE}", "false").replace("{TRUE}", "true")
    )  # fmt: skip
    for key in ("EXP", "PAY", "OVP"):
        body = body.replace("{" + key + "}", "{" + key.lower() + "_ids}")
    names: list[str] = []
    out = ""
    while "{" in body:
        before, _, rest = body.partition("{")
        word, _, body = rest.partition("}")
        out += before + "%s"
        names.append({"R": "j.reverses_id", "J": "j.id", "W": "singles"}.get(word, word))
    out += body
    return f"""
    EXECUTE format('SELECT count(*), min(n.line_no) {out}', {", ".join(names)}) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER {code}: {sentence} (journal %, line %)', j.id, at_line;
    END IF;"""


def _definitions_block() -> str:
    out = ""
    for name, part in DEFINITION_PARTS.items():
        out += f"""
    WITH r AS (SELECT row_number() OVER (ORDER BY {part.order_sql("postgresql")}) rn,
        {part.row_sql("postgresql")} AS t FROM {part.table} WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / {CHUNK_ROWS} n, count(*) k,
        sha256(convert_to(string_agg(t, E'\\n' ORDER BY rn) || E'\\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, '{name}', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('{name}') || ledger_word(hits::text) || ledger_field(
        sha256('\\x01'::bytea || ledger_word('{name}') || ledger_word(hits::text) || joined));
    END IF;"""
    return out


def _header_sql() -> str:
    return " || ".join(
        f"ledger_field(j.{c})" if c in _HEADER_BYTES else f"ledger_word(j.{c}::text)"
        for c in HEADER_COLUMNS
    )


def _signatures_sql() -> str:
    row = " || ".join(
        f"ledger_field(s.{c})" if c in _SIGNATURE_BYTES else f"ledger_word(s.{c}::text)"
        for c in SIGNATURE_COLUMNS
    )
    return (
        f"SELECT count(*), coalesce(string_agg({row}, ''::bytea ORDER BY s.role COLLATE \"C\"), "
        "''::bytea) INTO hits, joined FROM signature s WHERE s.journal_id = j.id"
    )


_SEAL_HEAD = """CREATE FUNCTION seal_check() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER VOLATILE SET search_path = {schema}, pg_temp SET jit = off
SET work_mem = '128MB' SET max_parallel_workers_per_gather = 0 SET enable_nestloop = on
SET enable_sort = on AS $$
DECLARE
  h chain_head; j journal; gs seal_group[]; moved record; owing boolean;
  scope text; earlier text; singles text; exp_ids text; pay_ids text; ovp_ids text;
  hits bigint; at_line bigint; defined bigint := 0;
  digests bytea[]; joined bytea; parts bytea := ''; defs bytea;
BEGIN
  IF TG_RELID <> 'seal'::regclass THEN
    RAISE EXCEPTION 'LEDGER protected: not for this table'; END IF;
  SELECT * INTO h FROM chain_head FOR UPDATE;
  SELECT * INTO j FROM journal WHERE id = NEW.journal_id;
  IF NOT FOUND THEN RAISE EXCEPTION 'LEDGER control: no journal %', NEW.journal_id; END IF;
  PERFORM seal_header(j);
  scope := format('n.journal_id = %s AND n.cover BETWEEN %s AND %s', j.id,
    coalesce(j.cover_from, 0), coalesce(j.cover_to, 0));
"""

_SEAL_LINES = """
  IF j.line_count > 0 THEN
    IF j.line_count > 20000 THEN SET LOCAL enable_nestloop = off;
      SET LOCAL enable_sort = off; END IF;
    EXECUTE format('SELECT array_agg(x::seal_group) FROM ({groups}) x', scope) INTO gs;
    SET LOCAL enable_sort = on;
    PERFORM seal_shapes(j, gs);
    SELECT bool_or(m1 > 0) AS mv, bool_or(nc > 0 AND d.kind = 'payable') AS sent,
        bool_or(of_n > 1) AS many,
         bool_or(m0 = 0) AS minted, min(s0) AS s0, max(s1) AS s1,
        bool_or(r1 > 0) AS rv, bool_or(r1 = 1 OR r0 <= 1) AS rv1, bool_or(r1 > 1) AS rv2,
        bool_or(d.kind = 'expense' AND c.kind = 'payable' AND i1 > 0) AS again,
        bool_or(d.kind = 'overpaid') AS claims, bool_or(c.kind = 'overpaid') AS repays INTO moved
      FROM unnest(gs) x JOIN account d ON d.id = x.da JOIN account c ON c.id = x.ca;
    SELECT coalesce(string_agg(a.id::text, ',') FILTER (WHERE a.kind = 'expense'), '-1'),
        coalesce(string_agg(a.id::text, ',') FILTER (WHERE a.kind = 'payable'), '-1'),
        coalesce(string_agg(a.id::text, ',') FILTER (WHERE a.kind = 'overpaid'), '-1')
      INTO exp_ids, pay_ids, ovp_ids
      FROM account a WHERE a.id IN (SELECT da FROM unnest(gs) UNION SELECT ca FROM unnest(gs));
    earlier := format('p.cover BETWEEN %s AND %s', j.cover_from, j.cover_to);
    IF moved.minted THEN
      -- ids without a gap need no join: as many subs as the range is long
      hits := -1;
      IF moved.s1 - moved.s0 < 4 * j.line_count THEN
        SELECT count(*) INTO hits FROM sub WHERE id BETWEEN moved.s0 AND moved.s1; END IF;
      IF hits <> moved.s1 - moved.s0 + 1 THEN {subs} END IF;
    END IF;
    IF moved.mv THEN {coin} END IF;
    IF moved.sent OR moved.many THEN
      singles := CASE WHEN moved.sent THEN 'true' ELSE 'n.of_n > 1' END; {whole} END IF;
    IF moved.rv1 AND moved.rv THEN {due1} END IF;
    IF moved.rv2 THEN {due} END IF;
    IF moved.repays THEN {receivable} END IF;
    IF moved.again THEN
      SELECT coalesce(string_agg(id::text, ','), '-1') INTO ovp_ids FROM account
        WHERE kind = 'overpaid' AND (debit <> credit OR id IN (SELECT da FROM unnest(gs)));
      SELECT moved.claims OR EXISTS (SELECT 1 FROM account WHERE kind = 'overpaid'
        AND debit > credit) INTO owing;
      earlier := format('o.cover BETWEEN %s AND %s', j.cover_from, j.cover_to);
      IF owing THEN {receivable_first} END IF;
    END IF;
    IF j.reverses_id IS NOT NULL THEN {mirror} END IF;
    PERFORM seal_totals(j, gs);
  END IF;"""

_SEAL_DIGEST = """
  IF j.line_count > 0 THEN
    EXECUTE format('SELECT array_agg(d ORDER BY c), string_agg(d, ''''::bytea ORDER BY c)
      FROM generate_series(0, %s) c, LATERAL (
        SELECT sha256(convert_to(string_agg(t, E''\\n'') || E''\\n'', ''UTF8'')) d FROM (
          SELECT n::text t FROM line n WHERE %s
            AND n.line_no BETWEEN c * {rows} + 1 AND c * {rows} + {rows}
          ORDER BY n.line_no OFFSET 0) y) x', (j.line_count - 1) / {rows}, scope)
      INTO digests, joined;
    INSERT INTO chunk (journal_id, part, n, digest)
      SELECT j.id, 'line', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
  END IF;
  NEW.root := sha256('\\x01'::bytea || ledger_word('line') || ledger_word(j.line_count::text)
    || coalesce(joined, ''::bytea));
  IF j.definitions > 0 THEN {definitions}
    IF defined <> j.definitions THEN
      RAISE EXCEPTION 'LEDGER control: journal % announces % definitions and has %',
        j.id, j.definitions, defined; END IF;
    defs := sha256('\\x01'::bytea || parts);
  END IF;
  PERFORM seal_signed(j, NEW.root);
  {signatures};
  NEW.seq := h.seq + 1;
  NEW.prev_hash := h.hash;
  NEW.hash := sha256('\\x01'::bytea || ledger_word('journal') || ledger_word(NEW.seq::text)
    || ledger_field(NEW.prev_hash) || ledger_field(NEW.root) || ledger_field(defs)
    || {header} || ledger_word(hits::text) || joined);
  UPDATE chain_head SET seq = NEW.seq, hash = NEW.hash;
  RETURN NEW;
END $$"""

# Kind, evidence, allotted id, open period.
_SEAL_HEADER = """CREATE FUNCTION seal_header(j journal) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$
DECLARE k journal_kind;
BEGIN
  SELECT * INTO k FROM journal_kind WHERE kind = j.kind;
  IF NOT FOUND THEN RAISE EXCEPTION 'LEDGER not_defined: no journal kind %', j.kind; END IF;
  IF k.book IS NOT NULL AND k.book <> j.book THEN
    RAISE EXCEPTION 'LEDGER bad_move: a journal of kind % belongs to book %', j.kind, k.book;
  END IF;
  IF k.needs_evidence = 1 AND j.evidence IS NULL THEN
    RAISE EXCEPTION 'LEDGER evidence_missing: journals of kind % need the SHA-256 of a document',
      j.kind; END IF;
  IF j.id > (SELECT last_value FROM journal_id) THEN
    RAISE EXCEPTION 'LEDGER control: the journal id % was never allotted', j.id; END IF;
  IF j.kind NOT IN ('period_open', 'period_close', 'reopen', 'definition') AND EXISTS (
      SELECT 1 FROM period_move p WHERE p.book = j.book AND p.month = j.month
        AND p.payer_id IN (0, j.payer_id) AND p.state = 'closed' AND NOT EXISTS (
          SELECT 1 FROM period_move q WHERE q.book = p.book AND q.payer_id = p.payer_id
            AND q.month = p.month AND q.n > p.n)) THEN
    RAISE EXCEPTION 'LEDGER period_closed: month % is closed; book it into an open month', j.month;
  END IF;
  IF j.reverses_id IS NOT NULL THEN
    IF j.kind <> 'correction' OR NOT EXISTS (SELECT 1 FROM journal o JOIN seal s
        ON s.journal_id = o.id WHERE o.id = j.reverses_id AND o.book = j.book
        AND o.payer_id = j.payer_id AND o.line_count = j.line_count AND o.line_count > 0
        AND o.cover_from = j.cover_from AND o.cover_to = j.cover_to) THEN
      RAISE EXCEPTION 'LEDGER mirror: a reversal is a correction that mirrors one sealed journal';
    END IF;
  END IF;
END $$"""

_SEAL_SHAPES = """CREATE FUNCTION seal_shapes(j journal, gs seal_group[]) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE b record;
BEGIN
  SELECT g.da, g.ca, d.kind AS dk, c.kind AS ck,
      d.id IS NULL OR c.id IS NULL OR EXISTS (SELECT 1 FROM account_closed x
        WHERE x.account_id IN (g.da, g.ca)) AS unknown INTO b
    FROM unnest(gs) g LEFT JOIN account d ON d.id = g.da LEFT JOIN account c ON c.id = g.ca
    LEFT JOIN move_rule r ON r.from_kind = d.kind AND r.to_kind = c.kind
    LEFT JOIN kind_move m ON m.kind = j.kind AND m.from_kind = d.kind AND m.to_kind = c.kind
    WHERE NOT coalesce(d.book = j.book AND c.book = j.book
      AND (j.payer_id = 0 OR (d.payer_id = j.payer_id AND c.payer_id = j.payer_id))
      AND (d.payer_id = c.payer_id OR (d.kind = 'payable' AND c.kind = 'payable'))
      AND NOT EXISTS (SELECT 1 FROM account_closed x WHERE x.account_id IN (g.da, g.ca))
      AND (j.reverses_id IS NOT NULL OR (m.kind IS NOT NULL AND {shape})), false)
    LIMIT 1;
  IF FOUND AND b.unknown THEN
    RAISE EXCEPTION 'LEDGER not_defined: account % or % is not defined or is closed', b.da, b.ca;
  ELSIF FOUND THEN
    RAISE EXCEPTION 'LEDGER bad_move: journals of kind % may not post debit % credit % like this',
      j.kind, b.dk, b.ck; END IF;
END $$"""

_SEAL_TOTALS = """CREATE FUNCTION seal_totals(j journal, gs seal_group[]) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE t record; n_accounts bigint; n_updated bigint;
BEGIN
  SELECT sum(cnt) AS cnt, sum(total) AS total INTO t FROM unnest(gs);
  IF coalesce(t.cnt, 0) <> j.line_count OR coalesce(t.total, 0) <> j.total THEN
    RAISE EXCEPTION 'LEDGER control: journal % announces % lines and % dong, and has % and %',
      j.id, j.line_count, j.total, coalesce(t.cnt, 0), coalesce(t.total, 0); END IF;
  WITH v AS MATERIALIZED (SELECT a, sum(d) d, sum(c) c FROM (
      SELECT da a, total d, 0 c FROM unnest(gs) UNION ALL
      SELECT ca, 0, total FROM unnest(gs)) x GROUP BY a),
    up AS (UPDATE account SET debit = debit + v.d, credit = credit + v.c FROM v
      WHERE account.id = v.a RETURNING 1)
  SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM up) INTO n_accounts, n_updated;
  IF n_accounts <> n_updated THEN
    RAISE EXCEPTION 'LEDGER not_defined: an account is not defined'; END IF;
END $$"""

_SEAL_SIGNED = """CREATE FUNCTION seal_signed(j journal, root_ bytea) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE st statement; missing text; people bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM kind_role WHERE kind = j.kind) THEN
    IF j.statement_digest IS NOT NULL THEN
      RAISE EXCEPTION 'LEDGER statement: journals of kind % carry no statement', j.kind; END IF;
    RETURN;
  END IF;
  SELECT * INTO st FROM statement WHERE journal_id = j.id;
  IF NOT FOUND OR NOT coalesce(st.digest = j.statement_digest, false) OR st.purpose <> j.kind THEN
    RAISE EXCEPTION 'LEDGER statement: journal % does not carry its signed statement', j.id;
  END IF;
  IF position(encode(root_, 'hex') IN st.body) = 0 THEN
    RAISE EXCEPTION 'LEDGER statement: what was signed is not what journal % posts', j.id; END IF;
  SELECT min(k.role) INTO missing FROM kind_role k WHERE k.kind = j.kind AND NOT EXISTS (
    SELECT 1 FROM signature s WHERE s.journal_id = j.id AND s.role = k.role
      AND s.statement_digest = j.statement_digest);
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'LEDGER role_missing: the signature of role % is missing', missing; END IF;
  SELECT count(DISTINCT person_id) INTO people FROM signature WHERE journal_id = j.id;
  IF people < 3 OR (EXISTS (SELECT 1 FROM signature WHERE journal_id = j.id AND seat = 1)
      AND NOT coalesce((SELECT p.checker_may_second = 1 FROM payer_policy p
        JOIN seal s ON s.journal_id = p.journal_id WHERE p.payer_id = j.payer_id
        ORDER BY s.seq DESC LIMIT 1), false)) THEN
    RAISE EXCEPTION 'LEDGER same_person: too few people signed journal %', j.id; END IF;
END $$"""

_PARTITIONS = """CREATE FUNCTION ensure_partitions(from_year integer, to_year integer) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE y integer; m integer; name text;
BEGIN
  FOR y IN from_year .. to_year LOOP FOR m IN 1 .. 12 LOOP
    name := format('line_%s%s', y, lpad(m::text, 2, '0'));
    IF to_regclass(name) IS NULL AND to_regclass(format('line_%s', y)) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF line FOR VALUES FROM (%s) TO (%s)', name,
        y * 100 + m, CASE m WHEN 12 THEN y * 100 + 101 ELSE y * 100 + m + 1 END);
      EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()', name);
    END IF;
  END LOOP; END LOOP;
END $$"""


def _partitions() -> list[str]:
    out = []
    for year in YEARLY:
        low = max(year * 100 + 1, FIRST_COVER)
        out.append((f"line_{year}", low, (year + 1) * 100 + 1))
    for year in MONTHLY:
        for month in range(1, 13):
            low = year * 100 + month
            out.append((f"line_{low}", low, low + 1 if month < 12 else (year + 1) * 100 + 1))
    if out[-1][2] > LAST_COVER:
        raise ValueError("partitions beyond the last covered month")
    made = []
    for name, low, high in out:
        made += [
            f"CREATE TABLE {name} PARTITION OF line FOR VALUES FROM ({low}) TO ({high})",
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()",
            f"ALTER TABLE {name} OWNER TO {OWNER}",
        ]
    return made


_GROUP_TYPE = (
    "CREATE TYPE seal_group AS (da integer, ca integer, cnt bigint, total numeric, m0 smallint, "
    "m1 smallint, ns bigint, nc bigint, nr bigint, r0 smallint, r1 smallint, i0 smallint, "
    "i1 smallint, c0 bigint, c1 bigint, of_n smallint, s0 bigint, s1 bigint, bad bigint)"
)
_FUNCTIONS = (
    "ledger_field(bytea)", "ledger_word(text)", "ledger_no_change()", "allot_journal(integer)",
    "line_guard()", "definition_guard()", "period_guard()", "statement_guard()",
    "signature_guard()", "seal_header(journal)", "seal_shapes(journal, seal_group[])",
    "seal_totals(journal, seal_group[])", "seal_signed(journal, bytea)", "seal_check()",
    "ensure_partitions(integer, integer)",
)  # fmt: skip


def _seal_function(schema: str) -> str:
    lines = _SEAL_LINES.replace("{groups}", GROUPS.replace("'", "''").replace("{S}", "%s"))
    for name in RULES:
        lines = lines.replace("{" + name + "}", _pg_rule(name))
    digest = (
        _SEAL_DIGEST.replace("{rows}", str(CHUNK_ROWS))
        .replace("{definitions}", _definitions_block())
        .replace("{signatures}", _signatures_sql())
        .replace("{header}", _header_sql())
    )
    return _SEAL_HEAD.replace("{schema}", schema) + lines + digest


def _functions(schema: str) -> list[str]:
    shapes = _SEAL_SHAPES.replace("{shape}", SHAPE_OK.replace("{J}", "j.id"))
    made = [
        _ALLOT, _LINE_GUARD, _DEFINITION_GUARD, _PERIOD_GUARD, _STATEMENT_GUARD, _SIGNATURE_GUARD,
        _SEAL_HEADER, shapes, _SEAL_TOTALS, _SEAL_SIGNED, _PARTITIONS,
    ]  # fmt: skip
    return [f.replace("{schema}", schema) for f in made] + [_seal_function(schema)]


def _triggers() -> list[str]:
    out = [
        "CREATE TRIGGER line_guard AFTER INSERT ON line REFERENCING NEW TABLE AS newrows "
        "FOR EACH STATEMENT EXECUTE FUNCTION line_guard()",
        "CREATE TRIGGER seal_check BEFORE INSERT ON seal FOR EACH ROW "
        "EXECUTE FUNCTION seal_check()",
    ]
    out += [
        f"CREATE TRIGGER {name}_guard BEFORE INSERT ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {name}_guard()"
        for name, table in (
            ("period", "period_move"), ("statement", "statement"), ("signature", "signature"),
        )
    ]  # fmt: skip
    out += [
        f"CREATE TRIGGER definition_guard AFTER INSERT ON {table} REFERENCING NEW TABLE AS "
        "newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()"
        for table in _DEFINITION_TABLES
    ]
    definition = "id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id"
    for table in PROTECTED:
        verbs = {
            "chain_head": "DELETE",
            "account": f"DELETE OR UPDATE OF {definition}",
        }.get(table, "DELETE OR UPDATE")
        out += [
            f"CREATE TRIGGER no_change BEFORE {verbs} ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION ledger_no_change()",
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            "EXECUTE FUNCTION ledger_no_change()",
        ]
    return out


def _rights(schema: str) -> list[str]:
    out = [f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {OWNER}"]
    out += [f"GRANT USAGE ON SCHEMA {schema} TO {APP}"]
    out += [f"ALTER TABLE {t} OWNER TO {OWNER}" for t in (*PROTECTED, "draft_line")]
    out += [
        f"ALTER SEQUENCE journal_id OWNER TO {OWNER}",
        f"ALTER TYPE seal_group OWNER TO {OWNER}",
    ]
    for function in _FUNCTIONS:
        out += [
            f"ALTER FUNCTION {function} OWNER TO {OWNER}",
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        ]
    out += [f"GRANT SELECT ON {t} TO {APP}" for t in (*PROTECTED, "draft_line")]
    out += [f"GRANT INSERT {columns} ON {t} TO {APP}" for t, columns in _INSERTS.items()]
    out += [
        f"GRANT INSERT, UPDATE, DELETE ON draft_line TO {APP}",
        f"GRANT EXECUTE ON FUNCTION allot_journal(integer) TO {APP}",
    ]
    return out


def statements(tables: list[str], schema: str) -> list[str]:
    """Return all DDL of a cell on PostgreSQL, one statement each, `tables` among them."""
    return [
        *(_ROLES.format(role=role) for role in (OWNER, APP)),
        *tables,
        "ALTER TABLE journal ADD CONSTRAINT journal_sealed FOREIGN KEY (id) "
        "REFERENCES seal (journal_id) DEFERRABLE INITIALLY DEFERRED",
        "CREATE SEQUENCE journal_id AS bigint",
        _GROUP_TYPE,
        *_HELPERS,
        *_functions(schema),
        *_triggers(),
        *_rights(schema),
        *_partitions(),
    ]
