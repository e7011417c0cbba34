DO $do$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'disburse_owner') THEN
    CREATE ROLE disburse_owner NOLOGIN; END IF; END $do$
--;;
DO $do$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'disburse_app') THEN
    CREATE ROLE disburse_app NOLOGIN; END IF; END $do$
--;;
CREATE TABLE journal_kind (kind text PRIMARY KEY, book integer, needs_evidence integer NOT NULL,
  journal_id bigint NOT NULL DEFAULT 0)
--;;
CREATE TABLE kind_role (kind text NOT NULL, n integer NOT NULL, role text NOT NULL,
  journal_id bigint NOT NULL DEFAULT 0, PRIMARY KEY (kind, n), UNIQUE (kind, role))
--;;
CREATE TABLE kind_move (kind text NOT NULL, from_kind text NOT NULL, to_kind text NOT NULL,
  journal_id bigint NOT NULL DEFAULT 0, PRIMARY KEY (kind, from_kind, to_kind))
--;;
CREATE TABLE move_rule (from_kind text NOT NULL, to_kind text NOT NULL, shape text NOT NULL,
  journal_id bigint NOT NULL DEFAULT 0, PRIMARY KEY (from_kind, to_kind),
  CHECK (shape IN ('open', 'out', 'on', 'off', 'set', 'gl')))
--;;
CREATE TABLE account (id integer PRIMARY KEY CHECK (id > 0), book integer NOT NULL,
  code text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9_.-]+$'), kind text NOT NULL, payer_id bigint NOT NULL,
  budget_year integer, dr_limited integer NOT NULL, cr_limited integer NOT NULL,
  debit bigint NOT NULL DEFAULT 0, credit bigint NOT NULL DEFAULT 0,
  journal_id bigint NOT NULL,
  CHECK (debit >= 0 AND credit >= 0),
  CHECK ((book = 1 AND kind IN ('expense', 'payable', 'transit', 'agent', 'paid', 'treasury', 'overpaid', 'suspense', 'fee', 'loss', 'opening')) OR (book = 2 AND kind IN ('authority', 'available', 'committed', 'expended', 'cash_source', 'cash_free', 'cash_held', 'cash_used'))),
  CHECK ((dr_limited = 1 AND kind IN ('payable', 'transit', 'agent')) OR (dr_limited = 0 AND kind NOT IN ('payable', 'transit', 'agent'))),
  CHECK ((cr_limited = 1 AND kind IN ('available', 'cash_free')) OR (cr_limited = 0 AND kind NOT IN ('available', 'cash_free'))),
  CONSTRAINT account_debit_limit CHECK (dr_limited = 0 OR debit <= credit),
  CONSTRAINT account_credit_limit CHECK (cr_limited = 0 OR credit <= debit))
--;;
CREATE TABLE account_closed (account_id integer PRIMARY KEY, journal_id bigint NOT NULL)
--;;
CREATE TABLE sub (id bigint PRIMARY KEY CHECK (id > 0),
  unit_kind text NOT NULL CHECK (unit_kind ~ '^[A-Za-z0-9_.-]+$'), unit_id bigint NOT NULL,
  unit_key bytea NOT NULL, owed_group text NOT NULL CHECK (owed_group ~ '^[A-Za-z0-9_.-]+$'),
  source text NOT NULL CHECK (source ~ '^[A-Za-z0-9_.-]+$'), journal_id bigint NOT NULL,
  UNIQUE (unit_kind, unit_id, owed_group, source))
--;;
CREATE TABLE signer (user_id bigint NOT NULL, person_id bigint NOT NULL,
  public_key bytea NOT NULL, valid_from text NOT NULL CHECK (valid_from ~ '^[A-Za-z0-9_.:+-]+$'),
  journal_id bigint NOT NULL, PRIMARY KEY (user_id, valid_from),
  CHECK (octet_length(public_key) IN (0, 32)))
--;;
CREATE TABLE payer_policy (payer_id bigint NOT NULL, checker_may_second integer NOT NULL,
  journal_id bigint NOT NULL, PRIMARY KEY (payer_id, journal_id),
  CHECK (checker_may_second IN (0, 1)))
--;;
CREATE TABLE period_move (book integer NOT NULL, payer_id bigint NOT NULL, month integer NOT NULL,
  n integer NOT NULL, state text NOT NULL, journal_id bigint NOT NULL,
  PRIMARY KEY (book, payer_id, month, n), CHECK (book IN (1, 2)),
  CHECK (state IN ('open', 'closed')), CHECK (month % 100 BETWEEN 1 AND 13))
--;;
CREATE TABLE chain_head (one integer PRIMARY KEY CHECK (one = 1), seq bigint NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32))
--;;
CREATE TABLE journal (id bigint PRIMARY KEY CHECK (id > 0 AND id < 900000000000),
  book integer NOT NULL CHECK (book IN (1, 2)), payer_id bigint NOT NULL,
  kind text NOT NULL, idem_key text NOT NULL UNIQUE CHECK (idem_key <> ''),
  month integer NOT NULL CHECK (month % 100 BETWEEN 1 AND 13 AND month BETWEEN 201401 AND 209913),
  cover_from integer, cover_to integer,
  effective_date text NOT NULL CHECK (effective_date ~ '^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$'),
  recorded_at text NOT NULL CHECK (recorded_at ~ '^[A-Za-z0-9_.:+-]+$'),
  reverses_id bigint UNIQUE, evidence bytea CHECK (octet_length(evidence) = 32),
  statement_digest bytea CHECK (octet_length(statement_digest) = 32),
  line_count bigint NOT NULL, total bigint NOT NULL, definitions bigint NOT NULL,
  CHECK ((cover_from IS NULL) = (cover_to IS NULL) AND (cover_from IS NULL) = (line_count = 0)),
  CHECK (cover_from <= cover_to),
  CHECK (line_count >= 0 AND definitions >= 0 AND (total > 0) = (line_count > 0) AND total >= 0)
  )
--;;
CREATE TABLE seal (journal_id bigint PRIMARY KEY REFERENCES journal (id),
  seq bigint NOT NULL UNIQUE CHECK (seq > 0),
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  root bytea NOT NULL CHECK (octet_length(root) = 32), hash bytea NOT NULL CHECK (octet_length(hash) = 32))
--;;
CREATE TABLE chunk (journal_id bigint NOT NULL, part text NOT NULL, n integer NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32), PRIMARY KEY (journal_id, part, n))
--;;
CREATE TABLE statement (journal_id bigint PRIMARY KEY, purpose text NOT NULL, body text NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32))
--;;
CREATE TABLE signature (journal_id bigint NOT NULL, role text NOT NULL,
  seat integer NOT NULL DEFAULT 0 CHECK (seat IN (0, 1)), person_id bigint NOT NULL,
  user_id bigint NOT NULL, statement_digest bytea NOT NULL CHECK (octet_length(statement_digest) = 32),
  sig bytea NOT NULL CHECK (octet_length(sig) = 64),
  signed_at text NOT NULL CHECK (signed_at ~ '^[A-Za-z0-9_.:+-]+$'),
  PRIMARY KEY (journal_id, role), UNIQUE (journal_id, person_id, seat))
--;;
CREATE TABLE draft_line (
  journal_id bigint NOT NULL, line_no integer NOT NULL, cover integer NOT NULL,
  debit_account integer NOT NULL, credit_account integer NOT NULL,
  sub_id bigint, item smallint, move smallint, carrier bigint, of_n smallint, rev smallint,
  due_after bigint, amount bigint NOT NULL, PRIMARY KEY (journal_id, line_no))
--;;
CREATE TABLE line (
  journal_id bigint NOT NULL, line_no integer NOT NULL, cover integer NOT NULL,
  debit_account integer NOT NULL, credit_account integer NOT NULL,
  sub_id bigint, item smallint, move smallint, carrier bigint, of_n smallint, rev smallint,
  due_after bigint, amount bigint NOT NULL,
  CHECK (amount > 0 AND amount <= 1000000000000000), CHECK (debit_account <> credit_account),
  CHECK ((sub_id IS NULL) = (item IS NULL) AND (item IS NULL) = (move IS NULL)),
  CHECK ((carrier IS NULL) = (of_n IS NULL)), CHECK ((rev IS NULL) = (due_after IS NULL)),
  CHECK (due_after >= 0), CHECK (rev IS NULL OR rev > 0 OR (item = 0 AND move = 0)),
  CHECK (rev BETWEEN 0 AND 9999), CHECK (item >= 0 AND move >= 0), CHECK (of_n > 0),
  CHECK (line_no > 0), CHECK (cover % 100 BETWEEN 1 AND 12),
  CHECK (cover BETWEEN 201401 AND 203512),
  PRIMARY KEY (journal_id, line_no, cover)) PARTITION BY RANGE (cover)
--;;
CREATE UNIQUE INDEX coin ON line (sub_id, cover, item, move)
--;;
CREATE UNIQUE INDEX owed ON line (sub_id, cover, rev) WHERE rev > 0
--;;
CREATE INDEX account_payer ON account (payer_id, kind)
--;;
CREATE INDEX account_journal ON account (journal_id)
--;;
CREATE INDEX sub_journal ON sub (journal_id)
--;;
CREATE INDEX journal_kind_month ON journal (payer_id, month, kind)
--;;
ALTER TABLE journal ADD CONSTRAINT journal_sealed FOREIGN KEY (id) REFERENCES seal (journal_id) DEFERRABLE INITIALLY DEFERRED
--;;
CREATE SEQUENCE journal_id AS bigint
--;;
CREATE TYPE seal_group AS (da integer, ca integer, cnt bigint, total numeric, m0 smallint, m1 smallint, ns bigint, nc bigint, nr bigint, r0 smallint, r1 smallint, i0 smallint, i1 smallint, c0 bigint, c1 bigint, of_n smallint, s0 bigint, s1 bigint, bad bigint)
--;;
CREATE FUNCTION ledger_field(raw bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN raw IS NULL THEN '\xffffffff'::bytea
          ELSE int4send(octet_length(raw)) || raw END $$
--;;
CREATE FUNCTION ledger_word(word text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN word IS NULL THEN '\xffffffff'::bytea
          ELSE int4send(octet_length(convert_to(word, 'UTF8')))
            || convert_to(word, 'UTF8') END $$
--;;
CREATE FUNCTION ledger_no_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'LEDGER protected: % is append-only; % is refused', TG_TABLE_NAME, TG_OP;
END $$
--;;
CREATE FUNCTION allot_journal(n integer) RETURNS bigint LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION line_guard() RETURNS trigger LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION definition_guard() RETURNS trigger LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION period_guard() RETURNS trigger LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION statement_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM seal WHERE journal_id = NEW.journal_id) THEN
    RAISE EXCEPTION 'LEDGER sealed: the journal is sealed, it takes no statement'; END IF;
  IF NOT EXISTS (SELECT 1 FROM kind_role WHERE kind = NEW.purpose) THEN
    RAISE EXCEPTION 'LEDGER statement: journals of kind % are not signed', NEW.purpose; END IF;
  IF sha256(convert_to(NEW.body, 'UTF8')) <> NEW.digest THEN
    RAISE EXCEPTION 'LEDGER statement: the digest is not that of the statement'; END IF;
  RETURN NEW;
END $$
--;;
CREATE FUNCTION signature_guard() RETURNS trigger LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION seal_header(j journal) RETURNS void LANGUAGE plpgsql
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
END $$
--;;
CREATE FUNCTION seal_shapes(j journal, gs seal_group[]) RETURNS void
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
      AND (j.reverses_id IS NOT NULL OR (m.kind IS NOT NULL AND
CASE WHEN r.shape = 'gl' THEN g.ns = 0 AND g.nc = 0 AND g.nr = 0
ELSE g.ns = g.cnt AND g.bad = 0
 AND g.nr = CASE WHEN d.kind = 'expense' OR c.kind = 'expense' THEN g.cnt ELSE 0 END
 AND (d.kind = 'expense' OR g.nr = 0 OR g.r0 > 0)
 AND CASE r.shape
   WHEN 'open' THEN g.m1 = 0 AND g.nc = 0
     AND CASE c.kind WHEN 'opening' THEN g.r1 = 0 WHEN 'suspense' THEN g.i0 >= 10000
         ELSE g.i1 < 10000 END
   WHEN 'out' THEN g.m0 > 0 AND g.nc = g.cnt AND g.c0 = j.id AND g.c1 = j.id
   WHEN 'on' THEN g.m0 > 0 AND g.nc = g.cnt
   ELSE g.m0 > 0 AND g.nc = 0 END END)), false)
    LIMIT 1;
  IF FOUND AND b.unknown THEN
    RAISE EXCEPTION 'LEDGER not_defined: account % or % is not defined or is closed', b.da, b.ca;
  ELSIF FOUND THEN
    RAISE EXCEPTION 'LEDGER bad_move: journals of kind % may not post debit % credit % like this',
      j.kind, b.dk, b.ck; END IF;
END $$
--;;
CREATE FUNCTION seal_totals(j journal, gs seal_group[]) RETURNS void
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
END $$
--;;
CREATE FUNCTION seal_signed(j journal, root_ bytea) RETURNS void
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
END $$
--;;
CREATE FUNCTION ensure_partitions(from_year integer, to_year integer) RETURNS void
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
END $$
--;;
CREATE FUNCTION seal_check() RETURNS trigger LANGUAGE plpgsql
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

  IF j.line_count > 0 THEN
    IF j.line_count > 20000 THEN SET LOCAL enable_nestloop = off;
      SET LOCAL enable_sort = off; END IF;
    EXECUTE format('SELECT array_agg(x::seal_group) FROM (
SELECT debit_account AS da, credit_account AS ca, count(*) AS cnt, sum(amount) AS total,
  min(move) AS m0, max(move) AS m1, count(sub_id) AS ns, count(carrier) AS nc, count(rev) AS nr,
  min(rev) AS r0, max(rev) AS r1, min(item) AS i0, max(item) AS i1,
  min(carrier / 10000000) AS c0, max(carrier / 10000000) AS c1, max(of_n) AS of_n,
  min(sub_id) AS s0, max(sub_id) AS s1,
  sum(CASE WHEN (rev = 0 AND due_after <> amount) OR (move = 0 AND rev <> item)
      THEN 1 ELSE 0 END) AS bad
FROM line n WHERE %s GROUP BY debit_account, credit_account) x', scope) INTO gs;
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
      IF hits <> moved.s1 - moved.s0 + 1 THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n WHERE %s AND n.move = 0 AND NOT EXISTS (SELECT 1 FROM sub s WHERE s.id = n.sub_id)', scope) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER not_defined: a line names a sub that is not defined (journal %, line %)', j.id, at_line;
    END IF; END IF;
    END IF;
    IF moved.mv THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.item = n.item AND p.move = n.move - 1 AND %s WHERE %s AND n.move > 0 AND n.credit_account NOT IN (%s) AND NOT coalesce(p.amount = n.amount AND p.credit_account = n.debit_account AND (n.carrier IS NULL OR n.debit_account IN (%s) OR (n.carrier = p.carrier AND n.of_n = p.of_n AND n.journal_id <> p.journal_id)), false)', earlier, scope, ovp_ids, pay_ids) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER coin_moved: a coin is not where this journal takes it from, or not under this carrier (journal %, line %)', j.id, at_line;
    END IF; END IF;
    IF moved.sent OR moved.many THEN
      singles := CASE WHEN moved.sent THEN 'true' ELSE 'n.of_n > 1' END;
    EXECUTE format('SELECT count(*), min(n.line_no) FROM (SELECT min(line_no) AS line_no FROM line n WHERE %s AND n.carrier IS NOT NULL AND (%s) GROUP BY n.carrier HAVING count(*) <> max(n.of_n) OR min(n.of_n) <> max(n.of_n) OR min(n.credit_account) <> max(n.credit_account)) n', scope, singles) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER split_payment: the coins of one payment do not move together to one place (journal %, line %)', j.id, at_line;
    END IF; END IF;
    IF moved.rv1 AND moved.rv THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.item = 0 AND p.move = 0 AND %s WHERE %s AND n.rev = 1 AND NOT coalesce(n.due_after = p.due_after + CASE WHEN n.debit_account IN (%s) THEN n.amount ELSE -n.amount END, false)', earlier, scope, exp_ids) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER stale_difference: a difference does not follow from the last revision; compare again (journal %, line %)', j.id, at_line;
    END IF; END IF;
    IF moved.rv2 THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.rev = n.rev - 1 AND p.rev > 0 AND %s WHERE %s AND n.rev > 1 AND NOT coalesce(n.due_after = p.due_after + CASE WHEN n.debit_account IN (%s) THEN n.amount ELSE -n.amount END, false)', earlier, scope, exp_ids) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER stale_difference: a difference does not follow from the last revision; compare again (journal %, line %)', j.id, at_line;
    END IF; END IF;
    IF moved.repays THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n WHERE %s AND n.move > 0 AND n.credit_account IN (%s) AND coalesce((SELECT sum(x.amount) FROM line x WHERE x.sub_id = n.sub_id AND x.cover = n.cover AND x.item = n.item AND x.move > 0) > (SELECT o.amount FROM line o WHERE o.sub_id = n.sub_id AND o.cover = n.cover AND o.item = n.item AND o.move = 0 AND o.debit_account IN (%s)), true)', scope, ovp_ids, ovp_ids) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER receivable_overpaid: a receivable would be repaid beyond what is open (journal %, line %)', j.id, at_line;
    END IF; END IF;
    IF moved.again THEN
      SELECT coalesce(string_agg(id::text, ','), '-1') INTO ovp_ids FROM account
        WHERE kind = 'overpaid' AND (debit <> credit OR id IN (SELECT da FROM unnest(gs)));
      SELECT moved.claims OR EXISTS (SELECT 1 FROM account WHERE kind = 'overpaid'
        AND debit > credit) INTO owing;
      earlier := format('o.cover BETWEEN %s AND %s', j.cover_from, j.cover_to);
      IF owing THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n JOIN line o ON o.sub_id = n.sub_id AND o.cover = n.cover AND o.move = 0 AND %s WHERE %s AND n.item > 0 AND n.move = 0 AND n.credit_account IN (%s) AND o.debit_account IN (%s) AND o.rev IS NOT NULL AND o.amount > (SELECT coalesce(sum(x.amount), 0) FROM line x WHERE x.sub_id = o.sub_id AND x.cover = o.cover AND x.item = o.item AND x.move > 0)', earlier, scope, pay_ids, ovp_ids) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER receivable_open: a coin is minted for a month whose receivable is still open; reduce that first (journal %, line %)', j.id, at_line;
    END IF; END IF;
    END IF;
    IF j.reverses_id IS NOT NULL THEN
    EXECUTE format('SELECT count(*), min(n.line_no) FROM line n LEFT JOIN line o ON o.journal_id = %s AND o.line_no = n.line_no AND o.cover = n.cover WHERE %s AND NOT coalesce(o.debit_account = n.credit_account AND o.credit_account = n.debit_account AND o.amount = n.amount AND o.sub_id IS NULL AND n.sub_id IS NULL AND n.carrier IS NULL AND n.rev IS NULL, false)', j.reverses_id, scope) INTO hits, at_line;
    IF hits > 0 THEN
      RAISE EXCEPTION 'LEDGER mirror: a reversal is not the exact mirror of its journal, or that journal moved coins (journal %, line %)', j.id, at_line;
    END IF; END IF;
    PERFORM seal_totals(j, gs);
  END IF;
  IF j.line_count > 0 THEN
    EXECUTE format('SELECT array_agg(d ORDER BY c), string_agg(d, ''''::bytea ORDER BY c)
      FROM generate_series(0, %s) c, LATERAL (
        SELECT sha256(convert_to(string_agg(t, E''\n'') || E''\n'', ''UTF8'')) d FROM (
          SELECT n::text t FROM line n WHERE %s
            AND n.line_no BETWEEN c * 1000 + 1 AND c * 1000 + 1000
          ORDER BY n.line_no OFFSET 0) y) x', (j.line_count - 1) / 1000, scope)
      INTO digests, joined;
    INSERT INTO chunk (journal_id, part, n, digest)
      SELECT j.id, 'line', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
  END IF;
  NEW.root := sha256('\x01'::bytea || ledger_word('line') || ledger_word(j.line_count::text)
    || coalesce(joined, ''::bytea));
  IF j.definitions > 0 THEN
    WITH r AS (SELECT row_number() OVER (ORDER BY id) rn,
        coalesce(CAST(id AS text), '') || ',' || coalesce(CAST(book AS text), '') || ',' || coalesce(CAST(code AS text), '') || ',' || coalesce(CAST(kind AS text), '') || ',' || coalesce(CAST(payer_id AS text), '') || ',' || coalesce(CAST(budget_year AS text), '') || ',' || coalesce(CAST(dr_limited AS text), '') || ',' || coalesce(CAST(cr_limited AS text), '') AS t FROM account WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'account', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('account') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('account') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY id) rn,
        coalesce(CAST(id AS text), '') || ',' || coalesce(CAST(unit_kind AS text), '') || ',' || coalesce(CAST(unit_id AS text), '') || ',' || coalesce(encode(unit_key, 'hex'), '') || ',' || coalesce(CAST(owed_group AS text), '') || ',' || coalesce(CAST(source AS text), '') AS t FROM sub WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'sub', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('sub') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('sub') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY user_id, valid_from COLLATE "C") rn,
        coalesce(CAST(user_id AS text), '') || ',' || coalesce(CAST(person_id AS text), '') || ',' || coalesce(encode(public_key, 'hex'), '') || ',' || coalesce(CAST(valid_from AS text), '') AS t FROM signer WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'signer', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('signer') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('signer') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY payer_id) rn,
        coalesce(CAST(payer_id AS text), '') || ',' || coalesce(CAST(checker_may_second AS text), '') AS t FROM payer_policy WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'payer_policy', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('payer_policy') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('payer_policy') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY book, payer_id, month, n) rn,
        coalesce(CAST(book AS text), '') || ',' || coalesce(CAST(payer_id AS text), '') || ',' || coalesce(CAST(month AS text), '') || ',' || coalesce(CAST(n AS text), '') || ',' || coalesce(CAST(state AS text), '') AS t FROM period_move WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'period_move', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('period_move') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('period_move') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY account_id) rn,
        coalesce(CAST(account_id AS text), '') AS t FROM account_closed WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'account_closed', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('account_closed') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('account_closed') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY kind COLLATE "C") rn,
        coalesce(CAST(kind AS text), '') || ',' || coalesce(CAST(book AS text), '') || ',' || coalesce(CAST(needs_evidence AS text), '') AS t FROM journal_kind WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'journal_kind', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('journal_kind') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('journal_kind') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY kind COLLATE "C", n) rn,
        coalesce(CAST(kind AS text), '') || ',' || coalesce(CAST(n AS text), '') || ',' || coalesce(CAST(role AS text), '') AS t FROM kind_role WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'kind_role', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('kind_role') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('kind_role') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY kind COLLATE "C", from_kind COLLATE "C", to_kind COLLATE "C") rn,
        coalesce(CAST(kind AS text), '') || ',' || coalesce(CAST(from_kind AS text), '') || ',' || coalesce(CAST(to_kind AS text), '') AS t FROM kind_move WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'kind_move', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('kind_move') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('kind_move') || ledger_word(hits::text) || joined));
    END IF;
    WITH r AS (SELECT row_number() OVER (ORDER BY from_kind COLLATE "C", to_kind COLLATE "C") rn,
        coalesce(CAST(from_kind AS text), '') || ',' || coalesce(CAST(to_kind AS text), '') || ',' || coalesce(CAST(shape AS text), '') AS t FROM move_rule WHERE journal_id = j.id),
      c AS (SELECT (rn - 1) / 1000 n, count(*) k,
        sha256(convert_to(string_agg(t, E'\n' ORDER BY rn) || E'\n', 'UTF8')) d FROM r GROUP BY 1)
    SELECT coalesce(sum(k), 0), array_agg(d ORDER BY n), string_agg(d, ''::bytea ORDER BY n)
      INTO hits, digests, joined FROM c;
    IF hits > 0 THEN
      INSERT INTO chunk (journal_id, part, n, digest)
        SELECT j.id, 'move_rule', i - 1, digests[i] FROM generate_subscripts(digests, 1) i;
      defined := defined + hits;
      parts := parts || ledger_word('move_rule') || ledger_word(hits::text) || ledger_field(
        sha256('\x01'::bytea || ledger_word('move_rule') || ledger_word(hits::text) || joined));
    END IF;
    IF defined <> j.definitions THEN
      RAISE EXCEPTION 'LEDGER control: journal % announces % definitions and has %',
        j.id, j.definitions, defined; END IF;
    defs := sha256('\x01'::bytea || parts);
  END IF;
  PERFORM seal_signed(j, NEW.root);
  SELECT count(*), coalesce(string_agg(ledger_word(s.role::text) || ledger_word(s.seat::text) || ledger_word(s.person_id::text) || ledger_word(s.user_id::text) || ledger_field(s.statement_digest) || ledger_field(s.sig) || ledger_word(s.signed_at::text), ''::bytea ORDER BY s.role COLLATE "C"), ''::bytea) INTO hits, joined FROM signature s WHERE s.journal_id = j.id;
  NEW.seq := h.seq + 1;
  NEW.prev_hash := h.hash;
  NEW.hash := sha256('\x01'::bytea || ledger_word('journal') || ledger_word(NEW.seq::text)
    || ledger_field(NEW.prev_hash) || ledger_field(NEW.root) || ledger_field(defs)
    || ledger_word(j.id::text) || ledger_word(j.book::text) || ledger_word(j.payer_id::text) || ledger_word(j.kind::text) || ledger_word(j.idem_key::text) || ledger_word(j.month::text) || ledger_word(j.cover_from::text) || ledger_word(j.cover_to::text) || ledger_word(j.effective_date::text) || ledger_word(j.recorded_at::text) || ledger_word(j.reverses_id::text) || ledger_field(j.evidence) || ledger_field(j.statement_digest) || ledger_word(j.line_count::text) || ledger_word(j.total::text) || ledger_word(j.definitions::text) || ledger_word(hits::text) || joined);
  UPDATE chain_head SET seq = NEW.seq, hash = NEW.hash;
  RETURN NEW;
END $$
--;;
CREATE TRIGGER line_guard AFTER INSERT ON line REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION line_guard()
--;;
CREATE TRIGGER seal_check BEFORE INSERT ON seal FOR EACH ROW EXECUTE FUNCTION seal_check()
--;;
CREATE TRIGGER period_guard BEFORE INSERT ON period_move FOR EACH ROW EXECUTE FUNCTION period_guard()
--;;
CREATE TRIGGER statement_guard BEFORE INSERT ON statement FOR EACH ROW EXECUTE FUNCTION statement_guard()
--;;
CREATE TRIGGER signature_guard BEFORE INSERT ON signature FOR EACH ROW EXECUTE FUNCTION signature_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON account REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON account_closed REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON sub REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON signer REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON payer_policy REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER definition_guard AFTER INSERT ON period_move REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION definition_guard()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE OF id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id ON account FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON account_closed FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_closed FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON sub FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON sub FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON signer FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON signer FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON payer_policy FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payer_policy FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON period_move FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON period_move FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON journal_kind FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON journal_kind FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON kind_role FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON kind_role FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON kind_move FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON kind_move FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON move_rule FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON move_rule FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON line FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON seal FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON seal FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON chunk FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON chunk FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON statement FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON statement FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE OR UPDATE ON signature FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON signature FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_change BEFORE DELETE ON chain_head FOR EACH ROW EXECUTE FUNCTION ledger_no_change()
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON chain_head FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
GRANT USAGE, CREATE ON SCHEMA {schema} TO disburse_owner
--;;
GRANT USAGE ON SCHEMA {schema} TO disburse_app
--;;
ALTER TABLE account OWNER TO disburse_owner
--;;
ALTER TABLE account_closed OWNER TO disburse_owner
--;;
ALTER TABLE sub OWNER TO disburse_owner
--;;
ALTER TABLE signer OWNER TO disburse_owner
--;;
ALTER TABLE payer_policy OWNER TO disburse_owner
--;;
ALTER TABLE period_move OWNER TO disburse_owner
--;;
ALTER TABLE journal_kind OWNER TO disburse_owner
--;;
ALTER TABLE kind_role OWNER TO disburse_owner
--;;
ALTER TABLE kind_move OWNER TO disburse_owner
--;;
ALTER TABLE move_rule OWNER TO disburse_owner
--;;
ALTER TABLE journal OWNER TO disburse_owner
--;;
ALTER TABLE line OWNER TO disburse_owner
--;;
ALTER TABLE seal OWNER TO disburse_owner
--;;
ALTER TABLE chunk OWNER TO disburse_owner
--;;
ALTER TABLE statement OWNER TO disburse_owner
--;;
ALTER TABLE signature OWNER TO disburse_owner
--;;
ALTER TABLE chain_head OWNER TO disburse_owner
--;;
ALTER TABLE draft_line OWNER TO disburse_owner
--;;
ALTER SEQUENCE journal_id OWNER TO disburse_owner
--;;
ALTER TYPE seal_group OWNER TO disburse_owner
--;;
ALTER FUNCTION ledger_field(bytea) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION ledger_field(bytea) FROM PUBLIC
--;;
ALTER FUNCTION ledger_word(text) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION ledger_word(text) FROM PUBLIC
--;;
ALTER FUNCTION ledger_no_change() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION ledger_no_change() FROM PUBLIC
--;;
ALTER FUNCTION allot_journal(integer) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION allot_journal(integer) FROM PUBLIC
--;;
ALTER FUNCTION line_guard() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION line_guard() FROM PUBLIC
--;;
ALTER FUNCTION definition_guard() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION definition_guard() FROM PUBLIC
--;;
ALTER FUNCTION period_guard() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION period_guard() FROM PUBLIC
--;;
ALTER FUNCTION statement_guard() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION statement_guard() FROM PUBLIC
--;;
ALTER FUNCTION signature_guard() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION signature_guard() FROM PUBLIC
--;;
ALTER FUNCTION seal_header(journal) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION seal_header(journal) FROM PUBLIC
--;;
ALTER FUNCTION seal_shapes(journal, seal_group[]) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION seal_shapes(journal, seal_group[]) FROM PUBLIC
--;;
ALTER FUNCTION seal_totals(journal, seal_group[]) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION seal_totals(journal, seal_group[]) FROM PUBLIC
--;;
ALTER FUNCTION seal_signed(journal, bytea) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION seal_signed(journal, bytea) FROM PUBLIC
--;;
ALTER FUNCTION seal_check() OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION seal_check() FROM PUBLIC
--;;
ALTER FUNCTION ensure_partitions(integer, integer) OWNER TO disburse_owner
--;;
REVOKE ALL ON FUNCTION ensure_partitions(integer, integer) FROM PUBLIC
--;;
GRANT SELECT ON account TO disburse_app
--;;
GRANT SELECT ON account_closed TO disburse_app
--;;
GRANT SELECT ON sub TO disburse_app
--;;
GRANT SELECT ON signer TO disburse_app
--;;
GRANT SELECT ON payer_policy TO disburse_app
--;;
GRANT SELECT ON period_move TO disburse_app
--;;
GRANT SELECT ON journal_kind TO disburse_app
--;;
GRANT SELECT ON kind_role TO disburse_app
--;;
GRANT SELECT ON kind_move TO disburse_app
--;;
GRANT SELECT ON move_rule TO disburse_app
--;;
GRANT SELECT ON journal TO disburse_app
--;;
GRANT SELECT ON line TO disburse_app
--;;
GRANT SELECT ON seal TO disburse_app
--;;
GRANT SELECT ON chunk TO disburse_app
--;;
GRANT SELECT ON statement TO disburse_app
--;;
GRANT SELECT ON signature TO disburse_app
--;;
GRANT SELECT ON chain_head TO disburse_app
--;;
GRANT SELECT ON draft_line TO disburse_app
--;;
GRANT INSERT (id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id) ON account TO disburse_app
--;;
GRANT INSERT  ON account_closed TO disburse_app
--;;
GRANT INSERT  ON sub TO disburse_app
--;;
GRANT INSERT  ON signer TO disburse_app
--;;
GRANT INSERT  ON payer_policy TO disburse_app
--;;
GRANT INSERT  ON period_move TO disburse_app
--;;
GRANT INSERT  ON journal TO disburse_app
--;;
GRANT INSERT  ON line TO disburse_app
--;;
GRANT INSERT (journal_id) ON seal TO disburse_app
--;;
GRANT INSERT  ON statement TO disburse_app
--;;
GRANT INSERT  ON signature TO disburse_app
--;;
GRANT INSERT, UPDATE, DELETE ON draft_line TO disburse_app
--;;
GRANT EXECUTE ON FUNCTION allot_journal(integer) TO disburse_app
--;;
CREATE TABLE line_2014 PARTITION OF line FOR VALUES FROM (201401) TO (201501)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2014 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2014 OWNER TO disburse_owner
--;;
CREATE TABLE line_2015 PARTITION OF line FOR VALUES FROM (201501) TO (201601)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2015 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2015 OWNER TO disburse_owner
--;;
CREATE TABLE line_2016 PARTITION OF line FOR VALUES FROM (201601) TO (201701)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2016 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2016 OWNER TO disburse_owner
--;;
CREATE TABLE line_2017 PARTITION OF line FOR VALUES FROM (201701) TO (201801)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2017 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2017 OWNER TO disburse_owner
--;;
CREATE TABLE line_2018 PARTITION OF line FOR VALUES FROM (201801) TO (201901)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2018 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2018 OWNER TO disburse_owner
--;;
CREATE TABLE line_2019 PARTITION OF line FOR VALUES FROM (201901) TO (202001)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2019 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2019 OWNER TO disburse_owner
--;;
CREATE TABLE line_2020 PARTITION OF line FOR VALUES FROM (202001) TO (202101)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2020 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2020 OWNER TO disburse_owner
--;;
CREATE TABLE line_2021 PARTITION OF line FOR VALUES FROM (202101) TO (202201)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2021 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2021 OWNER TO disburse_owner
--;;
CREATE TABLE line_2022 PARTITION OF line FOR VALUES FROM (202201) TO (202301)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2022 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2022 OWNER TO disburse_owner
--;;
CREATE TABLE line_2023 PARTITION OF line FOR VALUES FROM (202301) TO (202401)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_2023 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_2023 OWNER TO disburse_owner
--;;
CREATE TABLE line_202401 PARTITION OF line FOR VALUES FROM (202401) TO (202402)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202401 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202401 OWNER TO disburse_owner
--;;
CREATE TABLE line_202402 PARTITION OF line FOR VALUES FROM (202402) TO (202403)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202402 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202402 OWNER TO disburse_owner
--;;
CREATE TABLE line_202403 PARTITION OF line FOR VALUES FROM (202403) TO (202404)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202403 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202403 OWNER TO disburse_owner
--;;
CREATE TABLE line_202404 PARTITION OF line FOR VALUES FROM (202404) TO (202405)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202404 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202404 OWNER TO disburse_owner
--;;
CREATE TABLE line_202405 PARTITION OF line FOR VALUES FROM (202405) TO (202406)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202405 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202405 OWNER TO disburse_owner
--;;
CREATE TABLE line_202406 PARTITION OF line FOR VALUES FROM (202406) TO (202407)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202406 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202406 OWNER TO disburse_owner
--;;
CREATE TABLE line_202407 PARTITION OF line FOR VALUES FROM (202407) TO (202408)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202407 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202407 OWNER TO disburse_owner
--;;
CREATE TABLE line_202408 PARTITION OF line FOR VALUES FROM (202408) TO (202409)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202408 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202408 OWNER TO disburse_owner
--;;
CREATE TABLE line_202409 PARTITION OF line FOR VALUES FROM (202409) TO (202410)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202409 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202409 OWNER TO disburse_owner
--;;
CREATE TABLE line_202410 PARTITION OF line FOR VALUES FROM (202410) TO (202411)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202410 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202410 OWNER TO disburse_owner
--;;
CREATE TABLE line_202411 PARTITION OF line FOR VALUES FROM (202411) TO (202412)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202411 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202411 OWNER TO disburse_owner
--;;
CREATE TABLE line_202412 PARTITION OF line FOR VALUES FROM (202412) TO (202501)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202412 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202412 OWNER TO disburse_owner
--;;
CREATE TABLE line_202501 PARTITION OF line FOR VALUES FROM (202501) TO (202502)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202501 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202501 OWNER TO disburse_owner
--;;
CREATE TABLE line_202502 PARTITION OF line FOR VALUES FROM (202502) TO (202503)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202502 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202502 OWNER TO disburse_owner
--;;
CREATE TABLE line_202503 PARTITION OF line FOR VALUES FROM (202503) TO (202504)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202503 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202503 OWNER TO disburse_owner
--;;
CREATE TABLE line_202504 PARTITION OF line FOR VALUES FROM (202504) TO (202505)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202504 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202504 OWNER TO disburse_owner
--;;
CREATE TABLE line_202505 PARTITION OF line FOR VALUES FROM (202505) TO (202506)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202505 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202505 OWNER TO disburse_owner
--;;
CREATE TABLE line_202506 PARTITION OF line FOR VALUES FROM (202506) TO (202507)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202506 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202506 OWNER TO disburse_owner
--;;
CREATE TABLE line_202507 PARTITION OF line FOR VALUES FROM (202507) TO (202508)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202507 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202507 OWNER TO disburse_owner
--;;
CREATE TABLE line_202508 PARTITION OF line FOR VALUES FROM (202508) TO (202509)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202508 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202508 OWNER TO disburse_owner
--;;
CREATE TABLE line_202509 PARTITION OF line FOR VALUES FROM (202509) TO (202510)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202509 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202509 OWNER TO disburse_owner
--;;
CREATE TABLE line_202510 PARTITION OF line FOR VALUES FROM (202510) TO (202511)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202510 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202510 OWNER TO disburse_owner
--;;
CREATE TABLE line_202511 PARTITION OF line FOR VALUES FROM (202511) TO (202512)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202511 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202511 OWNER TO disburse_owner
--;;
CREATE TABLE line_202512 PARTITION OF line FOR VALUES FROM (202512) TO (202601)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202512 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202512 OWNER TO disburse_owner
--;;
CREATE TABLE line_202601 PARTITION OF line FOR VALUES FROM (202601) TO (202602)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202601 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202601 OWNER TO disburse_owner
--;;
CREATE TABLE line_202602 PARTITION OF line FOR VALUES FROM (202602) TO (202603)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202602 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202602 OWNER TO disburse_owner
--;;
CREATE TABLE line_202603 PARTITION OF line FOR VALUES FROM (202603) TO (202604)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202603 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202603 OWNER TO disburse_owner
--;;
CREATE TABLE line_202604 PARTITION OF line FOR VALUES FROM (202604) TO (202605)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202604 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202604 OWNER TO disburse_owner
--;;
CREATE TABLE line_202605 PARTITION OF line FOR VALUES FROM (202605) TO (202606)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202605 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202605 OWNER TO disburse_owner
--;;
CREATE TABLE line_202606 PARTITION OF line FOR VALUES FROM (202606) TO (202607)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202606 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202606 OWNER TO disburse_owner
--;;
CREATE TABLE line_202607 PARTITION OF line FOR VALUES FROM (202607) TO (202608)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202607 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202607 OWNER TO disburse_owner
--;;
CREATE TABLE line_202608 PARTITION OF line FOR VALUES FROM (202608) TO (202609)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202608 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202608 OWNER TO disburse_owner
--;;
CREATE TABLE line_202609 PARTITION OF line FOR VALUES FROM (202609) TO (202610)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202609 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202609 OWNER TO disburse_owner
--;;
CREATE TABLE line_202610 PARTITION OF line FOR VALUES FROM (202610) TO (202611)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202610 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202610 OWNER TO disburse_owner
--;;
CREATE TABLE line_202611 PARTITION OF line FOR VALUES FROM (202611) TO (202612)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202611 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202611 OWNER TO disburse_owner
--;;
CREATE TABLE line_202612 PARTITION OF line FOR VALUES FROM (202612) TO (202701)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202612 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202612 OWNER TO disburse_owner
--;;
CREATE TABLE line_202701 PARTITION OF line FOR VALUES FROM (202701) TO (202702)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202701 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202701 OWNER TO disburse_owner
--;;
CREATE TABLE line_202702 PARTITION OF line FOR VALUES FROM (202702) TO (202703)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202702 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202702 OWNER TO disburse_owner
--;;
CREATE TABLE line_202703 PARTITION OF line FOR VALUES FROM (202703) TO (202704)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202703 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202703 OWNER TO disburse_owner
--;;
CREATE TABLE line_202704 PARTITION OF line FOR VALUES FROM (202704) TO (202705)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202704 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202704 OWNER TO disburse_owner
--;;
CREATE TABLE line_202705 PARTITION OF line FOR VALUES FROM (202705) TO (202706)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202705 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202705 OWNER TO disburse_owner
--;;
CREATE TABLE line_202706 PARTITION OF line FOR VALUES FROM (202706) TO (202707)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202706 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202706 OWNER TO disburse_owner
--;;
CREATE TABLE line_202707 PARTITION OF line FOR VALUES FROM (202707) TO (202708)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202707 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202707 OWNER TO disburse_owner
--;;
CREATE TABLE line_202708 PARTITION OF line FOR VALUES FROM (202708) TO (202709)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202708 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202708 OWNER TO disburse_owner
--;;
CREATE TABLE line_202709 PARTITION OF line FOR VALUES FROM (202709) TO (202710)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202709 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202709 OWNER TO disburse_owner
--;;
CREATE TABLE line_202710 PARTITION OF line FOR VALUES FROM (202710) TO (202711)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202710 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202710 OWNER TO disburse_owner
--;;
CREATE TABLE line_202711 PARTITION OF line FOR VALUES FROM (202711) TO (202712)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202711 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202711 OWNER TO disburse_owner
--;;
CREATE TABLE line_202712 PARTITION OF line FOR VALUES FROM (202712) TO (202801)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202712 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202712 OWNER TO disburse_owner
--;;
CREATE TABLE line_202801 PARTITION OF line FOR VALUES FROM (202801) TO (202802)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202801 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202801 OWNER TO disburse_owner
--;;
CREATE TABLE line_202802 PARTITION OF line FOR VALUES FROM (202802) TO (202803)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202802 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202802 OWNER TO disburse_owner
--;;
CREATE TABLE line_202803 PARTITION OF line FOR VALUES FROM (202803) TO (202804)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202803 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202803 OWNER TO disburse_owner
--;;
CREATE TABLE line_202804 PARTITION OF line FOR VALUES FROM (202804) TO (202805)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202804 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202804 OWNER TO disburse_owner
--;;
CREATE TABLE line_202805 PARTITION OF line FOR VALUES FROM (202805) TO (202806)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202805 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202805 OWNER TO disburse_owner
--;;
CREATE TABLE line_202806 PARTITION OF line FOR VALUES FROM (202806) TO (202807)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202806 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202806 OWNER TO disburse_owner
--;;
CREATE TABLE line_202807 PARTITION OF line FOR VALUES FROM (202807) TO (202808)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202807 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202807 OWNER TO disburse_owner
--;;
CREATE TABLE line_202808 PARTITION OF line FOR VALUES FROM (202808) TO (202809)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202808 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202808 OWNER TO disburse_owner
--;;
CREATE TABLE line_202809 PARTITION OF line FOR VALUES FROM (202809) TO (202810)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202809 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202809 OWNER TO disburse_owner
--;;
CREATE TABLE line_202810 PARTITION OF line FOR VALUES FROM (202810) TO (202811)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202810 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202810 OWNER TO disburse_owner
--;;
CREATE TABLE line_202811 PARTITION OF line FOR VALUES FROM (202811) TO (202812)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202811 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202811 OWNER TO disburse_owner
--;;
CREATE TABLE line_202812 PARTITION OF line FOR VALUES FROM (202812) TO (202901)
--;;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON line_202812 FOR EACH STATEMENT EXECUTE FUNCTION ledger_no_change()
--;;
ALTER TABLE line_202812 OWNER TO disburse_owner
--;;
INSERT INTO journal_kind (kind, book, needs_evidence) VALUES
  ('answer', 1, 1),
  ('authority', 2, 1),
  ('batch', 1, 0),
  ('cash_plan', 2, 0),
  ('commit', 2, 0),
  ('correction', NULL, 0),
  ('definition', NULL, 1),
  ('draw', 1, 1),
  ('fee', 1, 1),
  ('forced_import', 1, 0),
  ('handover', 1, 1),
  ('list', 1, 0),
  ('opening', 1, 1),
  ('period_close', NULL, 1),
  ('period_open', NULL, 1),
  ('presumed_failure', 1, 0),
  ('release', 2, 0),
  ('reopen', NULL, 0),
  ('roster_closed', 1, 1),
  ('sendback', 1, 1),
  ('settlement', 1, 1),
  ('write_off', 1, 0)
--;;
INSERT INTO kind_role (kind, n, role) VALUES
  ('batch', 1, 'prepare'),
  ('batch', 2, 'sign2'),
  ('batch', 3, 'sign1'),
  ('correction', 1, 'prepare'),
  ('correction', 2, 'sign2'),
  ('correction', 3, 'sign1'),
  ('forced_import', 1, 'prepare'),
  ('forced_import', 2, 'sign2'),
  ('forced_import', 3, 'sign1'),
  ('list', 1, 'prepare'),
  ('list', 2, 'check'),
  ('list', 3, 'sign2'),
  ('list', 4, 'sign1'),
  ('presumed_failure', 1, 'prepare'),
  ('presumed_failure', 2, 'sign2'),
  ('presumed_failure', 3, 'sign1'),
  ('reopen', 1, 'prepare'),
  ('reopen', 2, 'sign2'),
  ('reopen', 3, 'sign1'),
  ('write_off', 1, 'prepare'),
  ('write_off', 2, 'sign2'),
  ('write_off', 3, 'sign1')
--;;
INSERT INTO kind_move (kind, from_kind, to_kind) VALUES
  ('answer', 'agent', 'paid'),
  ('answer', 'fee', 'paid'),
  ('answer', 'paid', 'payable'),
  ('answer', 'paid', 'suspense'),
  ('answer', 'suspense', 'paid'),
  ('answer', 'transit', 'paid'),
  ('answer', 'transit', 'payable'),
  ('authority', 'authority', 'available'),
  ('authority', 'available', 'authority'),
  ('batch', 'payable', 'agent'),
  ('batch', 'payable', 'transit'),
  ('cash_plan', 'available', 'committed'),
  ('cash_plan', 'cash_free', 'cash_held'),
  ('cash_plan', 'cash_free', 'cash_source'),
  ('cash_plan', 'cash_free', 'cash_used'),
  ('cash_plan', 'cash_held', 'cash_free'),
  ('cash_plan', 'cash_held', 'cash_used'),
  ('cash_plan', 'cash_source', 'cash_free'),
  ('cash_plan', 'cash_used', 'cash_held'),
  ('cash_plan', 'committed', 'available'),
  ('cash_plan', 'committed', 'expended'),
  ('cash_plan', 'expended', 'committed'),
  ('commit', 'available', 'committed'),
  ('commit', 'cash_free', 'cash_held'),
  ('commit', 'cash_free', 'cash_source'),
  ('commit', 'cash_free', 'cash_used'),
  ('commit', 'cash_held', 'cash_free'),
  ('commit', 'cash_held', 'cash_used'),
  ('commit', 'cash_source', 'cash_free'),
  ('commit', 'cash_used', 'cash_held'),
  ('commit', 'committed', 'available'),
  ('commit', 'committed', 'expended'),
  ('commit', 'expended', 'committed'),
  ('correction', 'agent', 'paid'),
  ('correction', 'agent', 'payable'),
  ('correction', 'authority', 'available'),
  ('correction', 'available', 'authority'),
  ('correction', 'available', 'committed'),
  ('correction', 'cash_free', 'cash_held'),
  ('correction', 'cash_free', 'cash_source'),
  ('correction', 'cash_free', 'cash_used'),
  ('correction', 'cash_held', 'cash_free'),
  ('correction', 'cash_held', 'cash_used'),
  ('correction', 'cash_source', 'cash_free'),
  ('correction', 'cash_used', 'cash_held'),
  ('correction', 'committed', 'available'),
  ('correction', 'committed', 'expended'),
  ('correction', 'expended', 'committed'),
  ('correction', 'expense', 'expense'),
  ('correction', 'expense', 'overpaid'),
  ('correction', 'fee', 'paid'),
  ('correction', 'loss', 'overpaid'),
  ('correction', 'overpaid', 'expense'),
  ('correction', 'overpaid', 'suspense'),
  ('correction', 'paid', 'overpaid'),
  ('correction', 'paid', 'payable'),
  ('correction', 'paid', 'suspense'),
  ('correction', 'paid', 'treasury'),
  ('correction', 'payable', 'expense'),
  ('correction', 'payable', 'payable'),
  ('correction', 'suspense', 'paid'),
  ('correction', 'transit', 'paid'),
  ('correction', 'transit', 'payable'),
  ('correction', 'treasury', 'overpaid'),
  ('correction', 'treasury', 'paid'),
  ('draw', 'paid', 'treasury'),
  ('fee', 'fee', 'paid'),
  ('forced_import', 'agent', 'paid'),
  ('forced_import', 'fee', 'paid'),
  ('forced_import', 'paid', 'payable'),
  ('forced_import', 'paid', 'suspense'),
  ('forced_import', 'suspense', 'paid'),
  ('forced_import', 'transit', 'paid'),
  ('forced_import', 'transit', 'payable'),
  ('handover', 'agent', 'paid'),
  ('list', 'expense', 'expense'),
  ('list', 'expense', 'overpaid'),
  ('list', 'expense', 'payable'),
  ('list', 'overpaid', 'expense'),
  ('list', 'payable', 'expense'),
  ('opening', 'expense', 'opening'),
  ('presumed_failure', 'transit', 'payable'),
  ('release', 'available', 'committed'),
  ('release', 'cash_free', 'cash_held'),
  ('release', 'cash_free', 'cash_source'),
  ('release', 'cash_free', 'cash_used'),
  ('release', 'cash_held', 'cash_free'),
  ('release', 'cash_held', 'cash_used'),
  ('release', 'cash_source', 'cash_free'),
  ('release', 'cash_used', 'cash_held'),
  ('release', 'committed', 'available'),
  ('release', 'committed', 'expended'),
  ('release', 'expended', 'committed'),
  ('roster_closed', 'agent', 'paid'),
  ('roster_closed', 'agent', 'payable'),
  ('sendback', 'treasury', 'paid'),
  ('settlement', 'fee', 'paid'),
  ('settlement', 'paid', 'overpaid'),
  ('settlement', 'treasury', 'overpaid'),
  ('settlement', 'treasury', 'paid'),
  ('write_off', 'loss', 'overpaid')
--;;
INSERT INTO move_rule (from_kind, to_kind, shape) VALUES
  ('agent', 'paid', 'on'),
  ('agent', 'payable', 'on'),
  ('authority', 'available', 'gl'),
  ('available', 'authority', 'gl'),
  ('available', 'committed', 'gl'),
  ('cash_free', 'cash_held', 'gl'),
  ('cash_free', 'cash_source', 'gl'),
  ('cash_free', 'cash_used', 'gl'),
  ('cash_held', 'cash_free', 'gl'),
  ('cash_held', 'cash_used', 'gl'),
  ('cash_source', 'cash_free', 'gl'),
  ('cash_used', 'cash_held', 'gl'),
  ('committed', 'available', 'gl'),
  ('committed', 'expended', 'gl'),
  ('expended', 'committed', 'gl'),
  ('expense', 'expense', 'gl'),
  ('expense', 'opening', 'open'),
  ('expense', 'overpaid', 'set'),
  ('expense', 'payable', 'open'),
  ('fee', 'paid', 'gl'),
  ('loss', 'overpaid', 'set'),
  ('overpaid', 'expense', 'open'),
  ('overpaid', 'suspense', 'open'),
  ('paid', 'overpaid', 'set'),
  ('paid', 'payable', 'on'),
  ('paid', 'suspense', 'gl'),
  ('paid', 'treasury', 'gl'),
  ('payable', 'agent', 'out'),
  ('payable', 'expense', 'off'),
  ('payable', 'payable', 'off'),
  ('payable', 'transit', 'out'),
  ('suspense', 'paid', 'gl'),
  ('transit', 'paid', 'on'),
  ('transit', 'payable', 'on'),
  ('treasury', 'overpaid', 'set'),
  ('treasury', 'paid', 'gl')
--;;
INSERT INTO chain_head (one, seq, hash) VALUES
  (1, 0, '\x9805eb7861442389e2581b970f45b9ab06af5d82ee100c74060e9215184a8cc9')
--;;
CREATE TABLE attempt_news (
  batch_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  seq SMALLINT NOT NULL,
  state TEXT NOT NULL,
  code_set TEXT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  answer_id BIGINT NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (batch_id, n, seq)
)
--;;
CREATE INDEX attempt_news_answer ON attempt_news (answer_id)
--;;
CREATE TABLE audit_event (
  id BIGINT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE TABLE batch (
  id BIGINT NOT NULL,
  journal_id BIGINT NOT NULL,
  list_id BIGINT,
  run_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  provider_id BIGINT NOT NULL,
  contract_id BIGINT NOT NULL,
  programme TEXT NOT NULL,
  month INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  lot INTEGER NOT NULL,
  version INTEGER NOT NULL,
  rail TEXT NOT NULL,
  profile TEXT NOT NULL,
  message_id TEXT NOT NULL,
  created_text TEXT NOT NULL,
  value_date TEXT NOT NULL,
  payments INTEGER NOT NULL,
  coins INTEGER NOT NULL,
  total_vnd BIGINT NOT NULL,
  cover_from INTEGER NOT NULL,
  cover_to INTEGER NOT NULL,
  manifest_root BYTEA,
  file_sha256 BYTEA,
  file_name TEXT,
  state TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  released_at TEXT,
  sent_at TEXT,
  answered_at TEXT,
  PRIMARY KEY (id),
  UNIQUE (message_id),
  UNIQUE (journal_id)
)
--;;
CREATE INDEX batch_run ON batch (run_id)
--;;
CREATE TABLE batch_row (
  batch_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  payment_id BIGINT NOT NULL,
  sub_id BIGINT NOT NULL,
  end_to_end_id TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  coins INTEGER NOT NULL,
  destination_id BIGINT NOT NULL,
  bank_code TEXT NOT NULL,
  name_written TEXT NOT NULL,
  text_written TEXT NOT NULL,
  PRIMARY KEY (batch_id, n)
)
--;;
CREATE INDEX batch_row_payment ON batch_row (payment_id)
--;;
CREATE TABLE benefit_case (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  programme TEXT NOT NULL,
  clause TEXT NOT NULL,
  facts TEXT NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  decision_signer TEXT NOT NULL,
  start_month INTEGER NOT NULL,
  end_month INTEGER,
  end_cause TEXT,
  opening_month INTEGER,
  payee_name TEXT NOT NULL,
  payee_relation TEXT NOT NULL,
  payee_document TEXT,
  row_digest BYTEA NOT NULL,
  import_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT one_case UNIQUE (person_id, programme, clause)
)
--;;
CREATE INDEX benefit_case_payer ON benefit_case (payer_id)
--;;
CREATE TABLE budget (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  programme TEXT NOT NULL,
  line TEXT NOT NULL,
  year INTEGER NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  journal_id BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (payer_id, line, year, decision_number)
)
--;;
CREATE TABLE case_change (
  case_id BIGINT NOT NULL,
  import_id BIGINT NOT NULL,
  facts TEXT NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  decision_signer TEXT NOT NULL,
  start_month INTEGER NOT NULL,
  payee_name TEXT NOT NULL,
  payee_relation TEXT NOT NULL,
  payee_document TEXT,
  row_digest BYTEA NOT NULL,
  seq BIGINT NOT NULL,
  changed_at TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (case_id, import_id)
)
--;;
CREATE TABLE coin_reserved (
  sub_id BIGINT NOT NULL,
  cover INTEGER NOT NULL,
  item SMALLINT NOT NULL,
  batch_id BIGINT NOT NULL,
  PRIMARY KEY (sub_id, cover, item)
)
--;;
CREATE INDEX coin_reserved_batch ON coin_reserved (batch_id)
--;;
CREATE TABLE death_notice (
  person_id BIGINT NOT NULL,
  died_on TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (person_id)
)
--;;
CREATE TABLE destination (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  bank_code TEXT NOT NULL,
  account_enc BYTEA,
  account_blind BYTEA,
  account_last4 TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  owner_relation TEXT NOT NULL,
  usable_from TEXT NOT NULL,
  source TEXT NOT NULL,
  digest BYTEA,
  PRIMARY KEY (id),
  UNIQUE (person_id, version)
)
--;;
CREATE INDEX destination_account ON destination (account_blind)
--;;
CREATE TABLE dirty (
  sub_id BIGINT NOT NULL,
  from_month INTEGER NOT NULL,
  why TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (sub_id)
)
--;;
CREATE TABLE draw (
  id BIGINT NOT NULL,
  list_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  voucher TEXT NOT NULL,
  drawn_on TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  carried_vnd BIGINT NOT NULL,
  journal_id BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (list_id),
  UNIQUE (payer_id, voucher)
)
--;;
CREATE TABLE due (
  profile_id BIGINT NOT NULL,
  month INTEGER NOT NULL,
  law_key TEXT NOT NULL,
  total_vnd BIGINT NOT NULL,
  programme TEXT NOT NULL,
  most_vnd BIGINT NOT NULL,
  hold_reason TEXT NOT NULL,
  held_vnd BIGINT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (profile_id, month, law_key)
)
--;;
CREATE TABLE free_coin (
  sub_id BIGINT NOT NULL,
  cover INTEGER NOT NULL,
  item SMALLINT NOT NULL,
  move SMALLINT NOT NULL,
  payer_id BIGINT NOT NULL,
  programme TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  reason TEXT NOT NULL,
  since_month INTEGER NOT NULL,
  PRIMARY KEY (sub_id, cover, item)
)
--;;
CREATE INDEX free_coin_payer ON free_coin (payer_id)
--;;
CREATE TABLE handover (
  batch_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  day TEXT NOT NULL,
  proof TEXT NOT NULL,
  proof_note TEXT NOT NULL,
  desk_user TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  evidence BYTEA NOT NULL,
  journal_id BIGINT NOT NULL,
  PRIMARY KEY (batch_id, n)
)
--;;
CREATE TABLE hold (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  raised_at TEXT NOT NULL,
  raised_by TEXT NOT NULL,
  fact_digest TEXT NOT NULL,
  resolved_at TEXT,
  resolved_by TEXT,
  document TEXT,
  PRIMARY KEY (id),
  CONSTRAINT hold_once UNIQUE (person_id, reason, fact_digest)
)
--;;
CREATE INDEX hold_open ON hold (person_id) WHERE resolved_at IS NULL
--;;
CREATE TABLE id_block (
  name TEXT NOT NULL,
  next BIGINT NOT NULL,
  PRIMARY KEY (name)
)
--;;
CREATE TABLE idempotency (
  key TEXT NOT NULL,
  actor TEXT NOT NULL,
  request_digest BYTEA NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (key, actor)
)
--;;
CREATE TABLE import_fault (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  k SMALLINT NOT NULL,
  sentence TEXT NOT NULL,
  PRIMARY KEY (import_id, n, k)
)
--;;
CREATE TABLE import_file (
  id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  sha256 BYTEA NOT NULL,
  name TEXT NOT NULL,
  rows_read INTEGER NOT NULL,
  rows_taken INTEGER NOT NULL,
  rows_refused INTEGER NOT NULL,
  imported_at TEXT NOT NULL,
  imported_by TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (kind, sha256)
)
--;;
CREATE TABLE import_hold (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  fact_digest TEXT NOT NULL,
  PRIMARY KEY (import_id, n, reason)
)
--;;
CREATE TABLE import_open (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  state SMALLINT NOT NULL,
  who_blind BYTEA NOT NULL,
  programme TEXT NOT NULL,
  person_id BIGINT,
  PRIMARY KEY (import_id, n)
)
--;;
CREATE INDEX import_open_who ON import_open (import_id, who_blind)
--;;
CREATE TABLE import_paid (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  amount_vnd BIGINT NOT NULL,
  PRIMARY KEY (import_id, n, cover)
)
--;;
CREATE TABLE import_row (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  state SMALLINT NOT NULL,
  known SMALLINT NOT NULL,
  person_id BIGINT NOT NULL,
  case_id BIGINT NOT NULL,
  destination_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  who_blind BYTEA NOT NULL,
  identity_kind TEXT NOT NULL,
  identity_enc BYTEA,
  identity_last4 TEXT NOT NULL,
  unit_key BYTEA,
  name TEXT NOT NULL,
  name_search TEXT NOT NULL,
  birth_from TEXT NOT NULL,
  birth_to TEXT NOT NULL,
  sex TEXT NOT NULL,
  commune_code TEXT NOT NULL,
  reference TEXT NOT NULL,
  programme TEXT NOT NULL,
  clause TEXT NOT NULL,
  facts TEXT NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  decision_signer TEXT NOT NULL,
  start_month INTEGER NOT NULL,
  end_month INTEGER,
  end_cause TEXT,
  opening_month INTEGER,
  payee_name TEXT NOT NULL,
  payee_relation TEXT NOT NULL,
  payee_document TEXT,
  dest_kind TEXT NOT NULL,
  bank_code TEXT NOT NULL,
  account_enc BYTEA,
  account_blind BYTEA,
  account_last4 TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  owner_relation TEXT NOT NULL,
  dest_digest BYTEA NOT NULL,
  row_digest BYTEA NOT NULL,
  PRIMARY KEY (import_id, n)
)
--;;
CREATE INDEX import_row_who ON import_row (import_id, who_blind, n)
--;;
CREATE TABLE import_span (
  import_id BIGINT NOT NULL,
  n INTEGER NOT NULL,
  from_month INTEGER NOT NULL,
  to_month INTEGER NOT NULL,
  profile_id BIGINT NOT NULL,
  PRIMARY KEY (import_id, n, from_month)
)
--;;
CREATE TABLE import_stage (
  import_id BIGINT NOT NULL,
  started_at TEXT NOT NULL,
  PRIMARY KEY (import_id)
)
--;;
CREATE TABLE list_hold (
  list_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  cover INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  PRIMARY KEY (list_id, person_id, cover, kind, reason)
)
--;;
CREATE TABLE opening (
  person_id BIGINT NOT NULL,
  cover INTEGER NOT NULL,
  amount_vnd BIGINT NOT NULL,
  programme TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  journal_id BIGINT,
  PRIMARY KEY (person_id, cover)
)
--;;
CREATE TABLE outbox (
  batch_id BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  not_before TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  claimed_by TEXT NOT NULL,
  claimed_at TEXT NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (batch_id)
)
--;;
CREATE TABLE pay_list (
  id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  programme TEXT NOT NULL,
  month INTEGER NOT NULL,
  number INTEGER NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  journal_id BIGINT NOT NULL,
  law_on TEXT NOT NULL,
  law_key TEXT NOT NULL,
  recorded_by BIGINT NOT NULL,
  rates_sha256 TEXT NOT NULL,
  settings_sha256 TEXT NOT NULL,
  people INTEGER NOT NULL,
  coins INTEGER NOT NULL,
  minted_vnd BIGINT NOT NULL,
  cancelled_vnd BIGINT NOT NULL,
  receivable_vnd BIGINT NOT NULL,
  restored_vnd BIGINT NOT NULL,
  assessed_vnd BIGINT NOT NULL,
  carried INTEGER NOT NULL,
  carried_vnd BIGINT NOT NULL,
  payments INTEGER NOT NULL,
  total_vnd BIGINT NOT NULL,
  held_right INTEGER NOT NULL,
  held_right_vnd BIGINT NOT NULL,
  held_payment INTEGER NOT NULL,
  held_payment_vnd BIGINT NOT NULL,
  nonce TEXT NOT NULL,
  prepared_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  release_on TEXT,
  released_at TEXT,
  sheet_sha256 BYTEA,
  scan_sha256 BYTEA,
  PRIMARY KEY (id),
  UNIQUE (payer_id, programme, month, number, version)
)
--;;
CREATE UNIQUE INDEX one_open_list ON pay_list (payer_id, programme) WHERE state IN ('draft','prepared','checked','second')
--;;
CREATE TABLE payer (
  id BIGINT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  province_code TEXT NOT NULL,
  go_live_month INTEGER NOT NULL,
  checker_may_second SMALLINT NOT NULL,
  scan_required SMALLINT NOT NULL,
  created_at TEXT NOT NULL,
  opened_through INTEGER,
  PRIMARY KEY (id),
  UNIQUE (code)
)
--;;
CREATE TABLE payment (
  id BIGINT NOT NULL,
  list_id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  destination_id BIGINT NOT NULL,
  rail TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  coins INTEGER NOT NULL,
  hold_reason TEXT NOT NULL,
  closed_as TEXT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE INDEX payment_list ON payment (list_id)
--;;
CREATE INDEX payment_person ON payment (person_id)
--;;
CREATE TABLE payment_coin (
  payment_id BIGINT NOT NULL,
  sub_id BIGINT NOT NULL,
  cover INTEGER NOT NULL,
  item SMALLINT NOT NULL,
  move SMALLINT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  PRIMARY KEY (payment_id, sub_id, cover, item)
)
--;;
CREATE TABLE person (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  identity_kind TEXT NOT NULL,
  identity_enc BYTEA,
  identity_blind BYTEA,
  identity_last4 TEXT NOT NULL,
  name TEXT NOT NULL,
  name_search TEXT NOT NULL,
  birth_from TEXT NOT NULL,
  birth_to TEXT NOT NULL,
  sex TEXT NOT NULL,
  commune_code TEXT NOT NULL,
  reference TEXT NOT NULL,
  died_on TEXT,
  seq BIGINT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE UNIQUE INDEX person_identity ON person (identity_blind)
--;;
CREATE INDEX person_name ON person (name_search)
--;;
CREATE INDEX person_payer ON person (payer_id)
--;;
CREATE UNIQUE INDEX person_reference ON person (reference)
--;;
CREATE TABLE profile (
  id BIGINT NOT NULL,
  digest BYTEA NOT NULL,
  facts TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (digest)
)
--;;
CREATE TABLE provider (
  id BIGINT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  rail TEXT NOT NULL,
  bic TEXT,
  profile TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (code)
)
--;;
CREATE TABLE provider_contract (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  provider_id BIGINT NOT NULL,
  number TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT,
  deposit_account_enc BYTEA NOT NULL,
  deposit_account_blind BYTEA NOT NULL,
  deposit_account_last4 TEXT NOT NULL,
  fee_basis_points INTEGER NOT NULL,
  pay_day INTEGER NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (payer_id, provider_id, valid_from)
)
--;;
CREATE INDEX provider_contract_account ON provider_contract (deposit_account_blind)
--;;
CREATE TABLE provider_report (
  id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  provider_id BIGINT NOT NULL,
  sha256 BYTEA NOT NULL,
  paid_transfer_vnd BIGINT NOT NULL,
  paid_cash_vnd BIGINT NOT NULL,
  kept_vnd BIGINT NOT NULL,
  sent_back_vnd BIGINT NOT NULL,
  voucher TEXT NOT NULL,
  reported_on TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (run_id, provider_id)
)
--;;
CREATE TABLE rerating (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  instrument TEXT NOT NULL,
  first_month INTEGER NOT NULL,
  last_month INTEGER NOT NULL,
  people INTEGER NOT NULL,
  amount_vnd BIGINT NOT NULL,
  proposed_at TEXT NOT NULL,
  decision_number TEXT,
  decision_date TEXT,
  decision_signer TEXT,
  recorded_by TEXT,
  recorded_at TEXT,
  PRIMARY KEY (id),
  UNIQUE (payer_id, instrument)
)
--;;
CREATE TABLE roster (
  batch_id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  commune_code TEXT NOT NULL,
  place TEXT NOT NULL,
  first_day TEXT NOT NULL,
  last_day TEXT NOT NULL,
  copies INTEGER NOT NULL,
  state TEXT NOT NULL,
  closed_at TEXT,
  closed_by TEXT,
  closing_sha256 BYTEA,
  journal_id BIGINT,
  PRIMARY KEY (batch_id)
)
--;;
CREATE TABLE run (
  id BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  month INTEGER NOT NULL,
  state TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  closed_at TEXT,
  PRIMARY KEY (id),
  UNIQUE (payer_id, month)
)
--;;
CREATE TABLE setting (
  name TEXT NOT NULL,
  payer TEXT NOT NULL,
  value TEXT NOT NULL,
  document TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (name, payer)
)
--;;
CREATE TABLE throttle (
  bucket BYTEA NOT NULL,
  hour TEXT NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (bucket, hour)
)
--;;
CREATE TABLE tick (
  name TEXT NOT NULL,
  slot TEXT NOT NULL,
  claimed_by TEXT NOT NULL,
  claimed_at TEXT NOT NULL,
  PRIMARY KEY (name, slot)
)
--;;
CREATE TABLE unit_profile (
  sub_id BIGINT NOT NULL,
  from_month INTEGER NOT NULL,
  to_month INTEGER NOT NULL,
  payer_id BIGINT NOT NULL,
  profile_id BIGINT NOT NULL,
  PRIMARY KEY (sub_id, from_month)
)
--;;
CREATE INDEX unit_profile_payer ON unit_profile (payer_id)
--;;
CREATE TABLE answer (
  id BIGINT NOT NULL,
  sha256 BYTEA NOT NULL,
  kind TEXT NOT NULL,
  file_name TEXT NOT NULL,
  size BIGINT NOT NULL,
  received_at TEXT NOT NULL,
  payer_id BIGINT,
  provider_id BIGINT,
  message_id TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (sha256)
)
--;;
CREATE TABLE bank_entry (
  answer_id BIGINT NOT NULL,
  n BIGINT NOT NULL,
  side TEXT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  day TEXT NOT NULL,
  end_to_end_id TEXT NOT NULL,
  bank_reference TEXT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  batch_id BIGINT,
  row_n BIGINT,
  verdict TEXT NOT NULL,
  PRIMARY KEY (answer_id, n)
)
--;;
CREATE TABLE bank_statement (
  id BIGINT NOT NULL,
  answer_id BIGINT NOT NULL,
  contract_id BIGINT NOT NULL,
  statement_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  bank_sequence BIGINT,
  opening_vnd BIGINT NOT NULL,
  closing_vnd BIGINT NOT NULL,
  first_day TEXT NOT NULL,
  last_day TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (contract_id, statement_id),
  UNIQUE (contract_id, sequence)
)
--;;
CREATE TABLE break_item (
  id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  payer_id BIGINT,
  answer_id BIGINT NOT NULL,
  n BIGINT NOT NULL,
  amount_vnd BIGINT NOT NULL,
  what TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  resolution TEXT,
  resolved_by TEXT,
  second_by TEXT,
  resolved_at TEXT,
  PRIMARY KEY (id),
  UNIQUE (answer_id, n, kind)
)
--;;
CREATE INDEX break_item_open ON break_item (state)
--;;
CREATE TABLE funding_entry (
  kind TEXT NOT NULL,
  ref_id BIGINT NOT NULL,
  answer_id BIGINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (kind, ref_id)
)
--;;
GRANT USAGE ON SCHEMA {schema} TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.attempt_news TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.audit_event TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.batch TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.batch_row TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.benefit_case TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.budget TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.case_change TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.coin_reserved TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.death_notice TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.destination TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.dirty TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.draw TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.due TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.free_coin TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.handover TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.hold TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.id_block TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.idempotency TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_fault TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_file TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_hold TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_open TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_paid TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_row TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_span TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_stage TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.list_hold TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.opening TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.outbox TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.pay_list TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.payer TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.payment TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.payment_coin TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.person TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.profile TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.provider TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.provider_contract TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.provider_report TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.rerating TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.roster TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.run TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.setting TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.throttle TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.tick TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.unit_profile TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.answer TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.bank_entry TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.bank_statement TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.break_item TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.funding_entry TO disburse_app
--;;
CREATE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
--;;
REVOKE ALL ON FUNCTION refresh_statistics(text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION refresh_statistics(text) TO disburse_app
