CREATE TABLE journal_kind (kind text PRIMARY KEY, book INTEGER, needs_evidence INTEGER NOT NULL,
  journal_id INTEGER NOT NULL DEFAULT 0) STRICT
--;;
CREATE TABLE kind_role (kind text NOT NULL, n INTEGER NOT NULL, role text NOT NULL,
  journal_id INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, n), UNIQUE (kind, role)) STRICT
--;;
CREATE TABLE kind_move (kind text NOT NULL, from_kind text NOT NULL, to_kind text NOT NULL,
  journal_id INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, from_kind, to_kind)) STRICT
--;;
CREATE TABLE move_rule (from_kind text NOT NULL, to_kind text NOT NULL, shape text NOT NULL,
  journal_id INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (from_kind, to_kind),
  CHECK (shape IN ('open', 'out', 'on', 'off', 'set', 'gl'))) STRICT
--;;
CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id > 0), book INTEGER NOT NULL,
  code text NOT NULL UNIQUE CHECK (code <> '' AND code NOT GLOB '*[^A-Za-z0-9_.-]*'), kind text NOT NULL, payer_id INTEGER NOT NULL,
  budget_year INTEGER, dr_limited INTEGER NOT NULL, cr_limited INTEGER NOT NULL,
  debit INTEGER NOT NULL DEFAULT 0, credit INTEGER NOT NULL DEFAULT 0,
  journal_id INTEGER NOT NULL,
  CHECK (debit >= 0 AND credit >= 0),
  CHECK ((book = 1 AND kind IN ('expense', 'payable', 'transit', 'agent', 'paid', 'treasury', 'overpaid', 'suspense', 'fee', 'loss', 'opening')) OR (book = 2 AND kind IN ('authority', 'available', 'committed', 'expended', 'cash_source', 'cash_free', 'cash_held', 'cash_used'))),
  CHECK ((dr_limited = 1 AND kind IN ('payable', 'transit', 'agent')) OR (dr_limited = 0 AND kind NOT IN ('payable', 'transit', 'agent'))),
  CHECK ((cr_limited = 1 AND kind IN ('available', 'cash_free')) OR (cr_limited = 0 AND kind NOT IN ('available', 'cash_free'))),
  CONSTRAINT account_debit_limit CHECK (dr_limited = 0 OR debit <= credit),
  CONSTRAINT account_credit_limit CHECK (cr_limited = 0 OR credit <= debit)) STRICT
--;;
CREATE TABLE account_closed (account_id INTEGER PRIMARY KEY, journal_id INTEGER NOT NULL) STRICT
--;;
CREATE TABLE sub (id INTEGER PRIMARY KEY CHECK (id > 0),
  unit_kind text NOT NULL CHECK (unit_kind <> '' AND unit_kind NOT GLOB '*[^A-Za-z0-9_.-]*'), unit_id INTEGER NOT NULL,
  unit_key BLOB NOT NULL, owed_group text NOT NULL CHECK (owed_group <> '' AND owed_group NOT GLOB '*[^A-Za-z0-9_.-]*'),
  source text NOT NULL CHECK (source <> '' AND source NOT GLOB '*[^A-Za-z0-9_.-]*'), journal_id INTEGER NOT NULL,
  UNIQUE (unit_kind, unit_id, owed_group, source)) STRICT
--;;
CREATE TABLE signer (user_id INTEGER NOT NULL, person_id INTEGER NOT NULL,
  public_key BLOB NOT NULL, valid_from text NOT NULL CHECK (valid_from <> '' AND valid_from NOT GLOB '*[^A-Za-z0-9_.:+-]*'),
  journal_id INTEGER NOT NULL, PRIMARY KEY (user_id, valid_from),
  CHECK (length(public_key) IN (0, 32))) STRICT
--;;
CREATE TABLE payer_policy (payer_id INTEGER NOT NULL, checker_may_second INTEGER NOT NULL,
  journal_id INTEGER NOT NULL, PRIMARY KEY (payer_id, journal_id),
  CHECK (checker_may_second IN (0, 1))) STRICT
--;;
CREATE TABLE period_move (book INTEGER NOT NULL, payer_id INTEGER NOT NULL, month INTEGER NOT NULL,
  n INTEGER NOT NULL, state text NOT NULL, journal_id INTEGER NOT NULL,
  PRIMARY KEY (book, payer_id, month, n), CHECK (book IN (1, 2)),
  CHECK (state IN ('open', 'closed')), CHECK (month % 100 BETWEEN 1 AND 13)) STRICT
--;;
CREATE TABLE chain_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT
--;;
CREATE TABLE journal (id INTEGER PRIMARY KEY CHECK (id > 0 AND id < 900000000000),
  book INTEGER NOT NULL CHECK (book IN (1, 2)), payer_id INTEGER NOT NULL,
  kind text NOT NULL, idem_key text NOT NULL UNIQUE CHECK (idem_key <> ''),
  month INTEGER NOT NULL CHECK (month % 100 BETWEEN 1 AND 13 AND month BETWEEN 201401 AND 209913),
  cover_from INTEGER, cover_to INTEGER,
  effective_date text NOT NULL CHECK (effective_date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  recorded_at text NOT NULL CHECK (recorded_at <> '' AND recorded_at NOT GLOB '*[^A-Za-z0-9_.:+-]*'),
  reverses_id INTEGER UNIQUE, evidence BLOB CHECK (length(evidence) = 32),
  statement_digest BLOB CHECK (length(statement_digest) = 32),
  line_count INTEGER NOT NULL, total INTEGER NOT NULL, definitions INTEGER NOT NULL,
  CHECK ((cover_from IS NULL) = (cover_to IS NULL) AND (cover_from IS NULL) = (line_count = 0)),
  CHECK (cover_from <= cover_to),
  CHECK (line_count >= 0 AND definitions >= 0 AND (total > 0) = (line_count > 0) AND total >= 0)
  , CONSTRAINT journal_sealed FOREIGN KEY (id) REFERENCES seal (journal_id) DEFERRABLE INITIALLY DEFERRED) STRICT
--;;
CREATE TABLE seal (journal_id INTEGER PRIMARY KEY REFERENCES journal (id),
  seq INTEGER NOT NULL UNIQUE CHECK (seq > 0),
  prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
  root BLOB NOT NULL CHECK (length(root) = 32), hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT
--;;
CREATE TABLE chunk (journal_id INTEGER NOT NULL, part text NOT NULL, n INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32), PRIMARY KEY (journal_id, part, n)) STRICT
--;;
CREATE TABLE statement (journal_id INTEGER PRIMARY KEY, purpose text NOT NULL, body text NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32)) STRICT
--;;
CREATE TABLE signature (journal_id INTEGER NOT NULL, role text NOT NULL,
  seat INTEGER NOT NULL DEFAULT 0 CHECK (seat IN (0, 1)), person_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL, statement_digest BLOB NOT NULL CHECK (length(statement_digest) = 32),
  sig BLOB NOT NULL CHECK (length(sig) = 64),
  signed_at text NOT NULL CHECK (signed_at <> '' AND signed_at NOT GLOB '*[^A-Za-z0-9_.:+-]*'),
  PRIMARY KEY (journal_id, role), UNIQUE (journal_id, person_id, seat)) STRICT
--;;
CREATE TABLE draft_line (
  journal_id INTEGER NOT NULL, line_no INTEGER NOT NULL, cover INTEGER NOT NULL,
  debit_account INTEGER NOT NULL, credit_account INTEGER NOT NULL,
  sub_id INTEGER, item INTEGER, move INTEGER, carrier INTEGER, of_n INTEGER, rev INTEGER,
  due_after INTEGER, amount INTEGER NOT NULL, PRIMARY KEY (journal_id, line_no)) STRICT
--;;
CREATE TABLE line (
  journal_id INTEGER NOT NULL, line_no INTEGER NOT NULL, cover INTEGER NOT NULL,
  debit_account INTEGER NOT NULL, credit_account INTEGER NOT NULL,
  sub_id INTEGER, item INTEGER, move INTEGER, carrier INTEGER, of_n INTEGER, rev INTEGER,
  due_after INTEGER, amount INTEGER NOT NULL,
  CHECK (amount > 0 AND amount <= 1000000000000000), CHECK (debit_account <> credit_account),
  CHECK ((sub_id IS NULL) = (item IS NULL) AND (item IS NULL) = (move IS NULL)),
  CHECK ((carrier IS NULL) = (of_n IS NULL)), CHECK ((rev IS NULL) = (due_after IS NULL)),
  CHECK (due_after >= 0), CHECK (rev IS NULL OR rev > 0 OR (item = 0 AND move = 0)),
  CHECK (rev BETWEEN 0 AND 9999), CHECK (item >= 0 AND move >= 0), CHECK (of_n > 0),
  CHECK (line_no > 0), CHECK (cover % 100 BETWEEN 1 AND 12),
  CHECK (cover BETWEEN 201401 AND 203512),
  PRIMARY KEY (journal_id, line_no, cover)) STRICT, WITHOUT ROWID
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
CREATE TABLE seal_scratch (da INTEGER, ca INTEGER, cnt INTEGER, total INTEGER, m0 INTEGER, m1 INTEGER, ns INTEGER, nc INTEGER, nr INTEGER, r0 INTEGER, r1 INTEGER, i0 INTEGER, i1 INTEGER, c0 INTEGER, c1 INTEGER, of_n INTEGER, s0 INTEGER, s1 INTEGER, bad INTEGER) STRICT
--;;
CREATE TABLE journal_counter (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL CHECK (next > 0)) STRICT
--;;
INSERT INTO journal_counter VALUES (1, 1)
--;;
CREATE TRIGGER journal_counter_up BEFORE UPDATE ON journal_counter WHEN new.next <= old.next OR new.one <> old.one BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END
--;;
CREATE TRIGGER journal_counter_stay BEFORE DELETE ON journal_counter BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END
--;;
CREATE TRIGGER journal_counter_one BEFORE INSERT ON journal_counter BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal ids are never given twice'); END
--;;
CREATE TRIGGER account_once BEFORE INSERT ON account WHEN EXISTS (SELECT 1 FROM account WHERE id = new.id) OR EXISTS (SELECT 1 FROM account WHERE code = new.code) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: account has a row with this key'); END
--;;
CREATE TRIGGER account_no_delete BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'LEDGER protected: account is append-only'); END
--;;
CREATE TRIGGER account_closed_once BEFORE INSERT ON account_closed WHEN EXISTS (SELECT 1 FROM account_closed WHERE account_id = new.account_id) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: account_closed has a row with this key'); END
--;;
CREATE TRIGGER account_closed_no_update BEFORE UPDATE ON account_closed BEGIN SELECT RAISE(ABORT, 'LEDGER protected: account_closed is append-only'); END
--;;
CREATE TRIGGER account_closed_no_delete BEFORE DELETE ON account_closed BEGIN SELECT RAISE(ABORT, 'LEDGER protected: account_closed is append-only'); END
--;;
CREATE TRIGGER sub_once BEFORE INSERT ON sub WHEN EXISTS (SELECT 1 FROM sub WHERE id = new.id) OR EXISTS (SELECT 1 FROM sub WHERE unit_kind = new.unit_kind AND unit_id = new.unit_id AND owed_group = new.owed_group AND source = new.source) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: sub has a row with this key'); END
--;;
CREATE TRIGGER sub_no_update BEFORE UPDATE ON sub BEGIN SELECT RAISE(ABORT, 'LEDGER protected: sub is append-only'); END
--;;
CREATE TRIGGER sub_no_delete BEFORE DELETE ON sub BEGIN SELECT RAISE(ABORT, 'LEDGER protected: sub is append-only'); END
--;;
CREATE TRIGGER signer_once BEFORE INSERT ON signer WHEN EXISTS (SELECT 1 FROM signer WHERE user_id = new.user_id AND valid_from = new.valid_from) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: signer has a row with this key'); END
--;;
CREATE TRIGGER signer_no_update BEFORE UPDATE ON signer BEGIN SELECT RAISE(ABORT, 'LEDGER protected: signer is append-only'); END
--;;
CREATE TRIGGER signer_no_delete BEFORE DELETE ON signer BEGIN SELECT RAISE(ABORT, 'LEDGER protected: signer is append-only'); END
--;;
CREATE TRIGGER payer_policy_once BEFORE INSERT ON payer_policy WHEN EXISTS (SELECT 1 FROM payer_policy WHERE payer_id = new.payer_id AND journal_id = new.journal_id) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: payer_policy has a row with this key'); END
--;;
CREATE TRIGGER payer_policy_no_update BEFORE UPDATE ON payer_policy BEGIN SELECT RAISE(ABORT, 'LEDGER protected: payer_policy is append-only'); END
--;;
CREATE TRIGGER payer_policy_no_delete BEFORE DELETE ON payer_policy BEGIN SELECT RAISE(ABORT, 'LEDGER protected: payer_policy is append-only'); END
--;;
CREATE TRIGGER period_move_once BEFORE INSERT ON period_move WHEN EXISTS (SELECT 1 FROM period_move WHERE book = new.book AND payer_id = new.payer_id AND month = new.month AND n = new.n) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: period_move has a row with this key'); END
--;;
CREATE TRIGGER period_move_no_update BEFORE UPDATE ON period_move BEGIN SELECT RAISE(ABORT, 'LEDGER protected: period_move is append-only'); END
--;;
CREATE TRIGGER period_move_no_delete BEFORE DELETE ON period_move BEGIN SELECT RAISE(ABORT, 'LEDGER protected: period_move is append-only'); END
--;;
CREATE TRIGGER journal_kind_once BEFORE INSERT ON journal_kind WHEN EXISTS (SELECT 1 FROM journal_kind WHERE kind = new.kind) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: journal_kind has a row with this key'); END
--;;
CREATE TRIGGER journal_kind_no_update BEFORE UPDATE ON journal_kind BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal_kind is append-only'); END
--;;
CREATE TRIGGER journal_kind_no_delete BEFORE DELETE ON journal_kind BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal_kind is append-only'); END
--;;
CREATE TRIGGER kind_role_once BEFORE INSERT ON kind_role WHEN EXISTS (SELECT 1 FROM kind_role WHERE kind = new.kind AND n = new.n) OR EXISTS (SELECT 1 FROM kind_role WHERE kind = new.kind AND role = new.role) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: kind_role has a row with this key'); END
--;;
CREATE TRIGGER kind_role_no_update BEFORE UPDATE ON kind_role BEGIN SELECT RAISE(ABORT, 'LEDGER protected: kind_role is append-only'); END
--;;
CREATE TRIGGER kind_role_no_delete BEFORE DELETE ON kind_role BEGIN SELECT RAISE(ABORT, 'LEDGER protected: kind_role is append-only'); END
--;;
CREATE TRIGGER kind_move_once BEFORE INSERT ON kind_move WHEN EXISTS (SELECT 1 FROM kind_move WHERE kind = new.kind AND from_kind = new.from_kind AND to_kind = new.to_kind) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: kind_move has a row with this key'); END
--;;
CREATE TRIGGER kind_move_no_update BEFORE UPDATE ON kind_move BEGIN SELECT RAISE(ABORT, 'LEDGER protected: kind_move is append-only'); END
--;;
CREATE TRIGGER kind_move_no_delete BEFORE DELETE ON kind_move BEGIN SELECT RAISE(ABORT, 'LEDGER protected: kind_move is append-only'); END
--;;
CREATE TRIGGER move_rule_once BEFORE INSERT ON move_rule WHEN EXISTS (SELECT 1 FROM move_rule WHERE from_kind = new.from_kind AND to_kind = new.to_kind) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: move_rule has a row with this key'); END
--;;
CREATE TRIGGER move_rule_no_update BEFORE UPDATE ON move_rule BEGIN SELECT RAISE(ABORT, 'LEDGER protected: move_rule is append-only'); END
--;;
CREATE TRIGGER move_rule_no_delete BEFORE DELETE ON move_rule BEGIN SELECT RAISE(ABORT, 'LEDGER protected: move_rule is append-only'); END
--;;
CREATE TRIGGER journal_once BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal WHERE id = new.id) OR EXISTS (SELECT 1 FROM journal WHERE reverses_id = new.reverses_id) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: journal has a row with this key'); END
--;;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal is append-only'); END
--;;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'LEDGER protected: journal is append-only'); END
--;;
CREATE TRIGGER line_no_update BEFORE UPDATE ON line BEGIN SELECT RAISE(ABORT, 'LEDGER protected: line is append-only'); END
--;;
CREATE TRIGGER line_no_delete BEFORE DELETE ON line BEGIN SELECT RAISE(ABORT, 'LEDGER protected: line is append-only'); END
--;;
CREATE TRIGGER seal_once BEFORE INSERT ON seal WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR EXISTS (SELECT 1 FROM seal WHERE seq = new.seq) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: seal has a row with this key'); END
--;;
CREATE TRIGGER seal_no_update BEFORE UPDATE ON seal BEGIN SELECT RAISE(ABORT, 'LEDGER protected: seal is append-only'); END
--;;
CREATE TRIGGER seal_no_delete BEFORE DELETE ON seal BEGIN SELECT RAISE(ABORT, 'LEDGER protected: seal is append-only'); END
--;;
CREATE TRIGGER chunk_once BEFORE INSERT ON chunk WHEN EXISTS (SELECT 1 FROM chunk WHERE journal_id = new.journal_id AND part = new.part AND n = new.n) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: chunk has a row with this key'); END
--;;
CREATE TRIGGER chunk_no_update BEFORE UPDATE ON chunk BEGIN SELECT RAISE(ABORT, 'LEDGER protected: chunk is append-only'); END
--;;
CREATE TRIGGER chunk_no_delete BEFORE DELETE ON chunk BEGIN SELECT RAISE(ABORT, 'LEDGER protected: chunk is append-only'); END
--;;
CREATE TRIGGER statement_once BEFORE INSERT ON statement WHEN EXISTS (SELECT 1 FROM statement WHERE journal_id = new.journal_id) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: statement has a row with this key'); END
--;;
CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement BEGIN SELECT RAISE(ABORT, 'LEDGER protected: statement is append-only'); END
--;;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement BEGIN SELECT RAISE(ABORT, 'LEDGER protected: statement is append-only'); END
--;;
CREATE TRIGGER signature_no_update BEFORE UPDATE ON signature BEGIN SELECT RAISE(ABORT, 'LEDGER protected: signature is append-only'); END
--;;
CREATE TRIGGER signature_no_delete BEFORE DELETE ON signature BEGIN SELECT RAISE(ABORT, 'LEDGER protected: signature is append-only'); END
--;;
CREATE TRIGGER chain_head_once BEFORE INSERT ON chain_head WHEN EXISTS (SELECT 1 FROM chain_head WHERE one = new.one) BEGIN SELECT RAISE(ABORT, 'LEDGER exists: chain_head has a row with this key'); END
--;;
CREATE TRIGGER chain_head_no_delete BEFORE DELETE ON chain_head BEGIN SELECT RAISE(ABORT, 'LEDGER protected: chain_head is append-only'); END
--;;
CREATE TRIGGER account_open BEFORE INSERT ON account WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: account needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER account_closed_open BEFORE INSERT ON account_closed WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: account_closed needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER sub_open BEFORE INSERT ON sub WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: sub needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER signer_open BEFORE INSERT ON signer WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: signer needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER payer_policy_open BEFORE INSERT ON payer_policy WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: payer_policy needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER period_move_open BEFORE INSERT ON period_move WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.definitions > 0) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: period_move needs an open journal that announces definitions'); END
--;;
CREATE TRIGGER account_definition BEFORE UPDATE OF id, book, code, kind, payer_id, budget_year, dr_limited, cr_limited, journal_id ON account BEGIN SELECT RAISE(ABORT, 'LEDGER protected: the definition of an account never changes'); END
--;;
CREATE TRIGGER account_totals BEFORE UPDATE ON account WHEN NOT EXISTS (SELECT 1 FROM seal WHERE seq = (SELECT seq + 1 FROM chain_head)) BEGIN SELECT RAISE(ABORT, 'LEDGER protected: totals move by seals alone'); END
--;;
CREATE TRIGGER account_nil BEFORE INSERT ON account WHEN new.debit <> 0 OR new.credit <> 0 BEGIN SELECT RAISE(ABORT, 'LEDGER protected: an account starts at 0'); END
--;;
CREATE TRIGGER chain_head_moves BEFORE UPDATE ON chain_head WHEN NOT EXISTS (SELECT 1 FROM seal s WHERE s.seq = old.seq + 1 AND new.seq = s.seq AND new.hash = s.hash AND new.one = 1) BEGIN SELECT RAISE(ABORT, 'LEDGER protected: the head moves by seals alone'); END
--;;
CREATE TRIGGER journal_idem BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal WHERE idem_key = new.idem_key) BEGIN SELECT RAISE(ABORT, 'LEDGER idem_conflict: the idempotency key was used by another journal'); END
--;;
CREATE TRIGGER chunk_open BEFORE INSERT ON chunk WHEN EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal WHERE id = new.journal_id) BEGIN SELECT RAISE(ABORT, 'LEDGER sealed: chunks belong to an open journal'); END
--;;
CREATE TRIGGER signature_rules BEFORE INSERT ON signature BEGIN
  SELECT RAISE(ABORT, 'LEDGER statement: the signature is not for the recorded statement') WHERE NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = new.journal_id AND t.digest = new.statement_digest);
  SELECT RAISE(ABORT, 'LEDGER sealed: the journal is sealed, it takes no more signatures') WHERE EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id);
  SELECT RAISE(ABORT, 'LEDGER role_taken: this role has signed the document before') WHERE EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id AND s.role = new.role);
  SELECT RAISE(ABORT, 'LEDGER same_person: this person has signed the document before') WHERE EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id AND s.person_id = new.person_id AND s.seat = new.seat);
  SELECT RAISE(ABORT, 'LEDGER role_unknown: this kind of journal has no signature of this role') WHERE NOT EXISTS (SELECT 1 FROM statement t JOIN kind_role k ON k.kind = t.purpose WHERE t.journal_id = new.journal_id AND k.role = new.role);
  SELECT RAISE(ABORT, 'LEDGER role_order: an earlier signature is missing') WHERE EXISTS (SELECT 1 FROM statement t JOIN kind_role k ON k.kind = t.purpose JOIN kind_role mine ON mine.kind = t.purpose AND mine.role = new.role WHERE t.journal_id = new.journal_id AND k.n < mine.n AND NOT EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id AND s.role = k.role));
  SELECT RAISE(ABORT, 'LEDGER not_defined: this user is not recorded as this person''s signer') WHERE NOT EXISTS (SELECT 1 FROM signer WHERE user_id = new.user_id AND person_id = new.person_id);
  SELECT RAISE(ABORT, 'LEDGER same_person: only the checker may take a second seat, as sign2') WHERE new.seat = 1 AND NOT (new.role = 'sign2' AND EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = new.journal_id AND s.role = 'check' AND s.person_id = new.person_id));
END
--;;
CREATE TRIGGER statement_rules BEFORE INSERT ON statement BEGIN
  SELECT RAISE(ABORT, 'LEDGER sealed: the journal is sealed, it takes no statement') WHERE EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id);
  SELECT RAISE(ABORT, 'LEDGER statement: journals of this kind are not signed') WHERE NOT EXISTS (SELECT 1 FROM kind_role WHERE kind = new.purpose);
END
--;;
CREATE TRIGGER period_move_rules BEFORE INSERT ON period_move BEGIN
  SELECT RAISE(ABORT, 'LEDGER period: this journal cannot move the period so') WHERE NOT coalesce(new.n = 1 + coalesce((SELECT max(n) FROM period_move p WHERE p.book = new.book AND p.payer_id = new.payer_id AND p.month = new.month), 0) AND new.state <> coalesce((SELECT state FROM period_move p WHERE p.book = new.book AND p.payer_id = new.payer_id AND p.month = new.month ORDER BY n DESC LIMIT 1), '') AND (SELECT kind FROM journal WHERE id = new.journal_id) = CASE WHEN new.state = 'closed' THEN 'period_close' WHEN new.n = 1 THEN 'period_open' ELSE 'reopen' END, 0);
END
--;;
CREATE TRIGGER line_guard BEFORE INSERT ON line BEGIN
  SELECT RAISE(ABORT, 'LEDGER sealed: lines need an open journal that announces their covered month') WHERE EXISTS (SELECT 1 FROM seal WHERE journal_id = new.journal_id) OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND new.cover BETWEEN j.cover_from AND j.cover_to);
  SELECT RAISE(ABORT, 'LEDGER coin_moved: a coin of this journal was minted or moved before; read its place again') WHERE new.sub_id IS NOT NULL AND EXISTS (SELECT 1 FROM line WHERE sub_id = new.sub_id AND cover = new.cover AND item = new.item AND move = new.move);
  SELECT RAISE(ABORT, 'LEDGER stale_difference: the revision exists already; compare again before posting') WHERE new.rev > 0 AND EXISTS (SELECT 1 FROM line WHERE sub_id = new.sub_id AND cover = new.cover AND rev = new.rev AND rev > 0);
END
--;;
CREATE TRIGGER seal_check BEFORE INSERT ON seal BEGIN
  SELECT RAISE(ABORT, 'LEDGER chain: the head has moved; read it again') WHERE NOT EXISTS (SELECT 1 FROM chain_head h WHERE h.seq + 1 = new.seq AND h.hash = new.prev_hash);
  SELECT RAISE(ABORT, 'LEDGER not_defined: the journal or its kind is not defined') WHERE NOT EXISTS (SELECT 1 FROM journal j JOIN journal_kind k ON k.kind = j.kind WHERE j.id = new.journal_id);
  SELECT RAISE(ABORT, 'LEDGER bad_move: a journal of this kind belongs to the other book') WHERE EXISTS (SELECT 1 FROM journal j JOIN journal_kind k ON k.kind = j.kind WHERE j.id = new.journal_id AND k.book <> j.book);
  SELECT RAISE(ABORT, 'LEDGER evidence_missing: a journal of this kind needs the SHA-256 of its document') WHERE EXISTS (SELECT 1 FROM journal j JOIN journal_kind k ON k.kind = j.kind WHERE j.id = new.journal_id AND k.needs_evidence = 1 AND j.evidence IS NULL);
  SELECT RAISE(ABORT, 'LEDGER control: the journal id was never allotted') WHERE new.journal_id >= (SELECT next FROM journal_counter);
  SELECT RAISE(ABORT, 'LEDGER period_closed: the month is closed; book it into an open month') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.kind NOT IN ('period_open', 'period_close', 'reopen', 'definition') AND EXISTS (SELECT 1 FROM period_move p WHERE p.book = j.book AND p.month = j.month AND p.payer_id IN (0, j.payer_id) AND p.state = 'closed' AND NOT EXISTS (SELECT 1 FROM period_move q WHERE q.book = p.book AND q.payer_id = p.payer_id AND q.month = p.month AND q.n > p.n)));
  SELECT RAISE(ABORT, 'LEDGER mirror: a reversal is a correction that mirrors one sealed journal') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.reverses_id IS NOT NULL AND (j.kind <> 'correction' OR NOT EXISTS (SELECT 1 FROM journal o JOIN seal s ON s.journal_id = o.id WHERE o.id = j.reverses_id AND o.book = j.book AND o.payer_id = j.payer_id AND o.line_count = j.line_count AND o.line_count > 0 AND o.cover_from = j.cover_from AND o.cover_to = j.cover_to)));
  DELETE FROM seal_scratch;
  INSERT INTO seal_scratch
SELECT debit_account AS da, credit_account AS ca, count(*) AS cnt, sum(amount) AS total,
  min(move) AS m0, max(move) AS m1, count(sub_id) AS ns, count(carrier) AS nc, count(rev) AS nr,
  min(rev) AS r0, max(rev) AS r1, min(item) AS i0, max(item) AS i1,
  min(carrier / 10000000) AS c0, max(carrier / 10000000) AS c1, max(of_n) AS of_n,
  min(sub_id) AS s0, max(sub_id) AS s1,
  sum(CASE WHEN (rev = 0 AND due_after <> amount) OR (move = 0 AND rev <> item)
      THEN 1 ELSE 0 END) AS bad
FROM line n WHERE n.journal_id = new.journal_id GROUP BY debit_account, credit_account;
  SELECT RAISE(ABORT, 'LEDGER not_defined: an account is not defined or is closed') WHERE EXISTS (SELECT 1 FROM seal_scratch g JOIN journal j ON j.id = new.journal_id LEFT JOIN account d ON d.id = g.da LEFT JOIN account c ON c.id = g.ca LEFT JOIN move_rule r ON r.from_kind = d.kind AND r.to_kind = c.kind LEFT JOIN kind_move m ON m.kind = j.kind AND m.from_kind = d.kind AND m.to_kind = c.kind WHERE d.id IS NULL OR c.id IS NULL OR EXISTS (SELECT 1 FROM account_closed x WHERE x.account_id IN (g.da, g.ca)));
  SELECT RAISE(ABORT, 'LEDGER bad_move: a journal of this kind may not post one of its lines like this') WHERE EXISTS (SELECT 1 FROM seal_scratch g JOIN journal j ON j.id = new.journal_id LEFT JOIN account d ON d.id = g.da LEFT JOIN account c ON c.id = g.ca LEFT JOIN move_rule r ON r.from_kind = d.kind AND r.to_kind = c.kind LEFT JOIN kind_move m ON m.kind = j.kind AND m.from_kind = d.kind AND m.to_kind = c.kind WHERE NOT coalesce(d.book = j.book AND c.book = j.book AND (j.payer_id = 0 OR (d.payer_id = j.payer_id AND c.payer_id = j.payer_id)) AND (d.payer_id = c.payer_id OR (d.kind = 'payable' AND c.kind = 'payable')) AND (j.reverses_id IS NOT NULL OR (m.kind IS NOT NULL AND
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
   ELSE g.m0 > 0 AND g.nc = 0 END END)), 0));
  SELECT RAISE(ABORT, 'LEDGER not_defined: a line names a sub that is not defined') WHERE (SELECT min(m0) FROM seal_scratch) = 0 AND EXISTS (SELECT 1 FROM line n WHERE n.journal_id = new.journal_id AND n.move = 0 AND NOT EXISTS (SELECT 1 FROM sub s WHERE s.id = n.sub_id));
  SELECT RAISE(ABORT, 'LEDGER coin_moved: a coin is not where this journal takes it from, or not under this carrier') WHERE (SELECT max(m1) FROM seal_scratch) > 0 AND EXISTS (SELECT 1 FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.item = n.item AND p.move = n.move - 1 WHERE n.journal_id = new.journal_id AND n.move > 0 AND n.credit_account NOT IN (SELECT id FROM account WHERE kind = 'overpaid') AND NOT coalesce(p.amount = n.amount AND p.credit_account = n.debit_account AND (n.carrier IS NULL OR n.debit_account IN (SELECT id FROM account WHERE kind = 'payable') OR (n.carrier = p.carrier AND n.of_n = p.of_n AND n.journal_id <> p.journal_id)), 0));
  SELECT RAISE(ABORT, 'LEDGER split_payment: the coins of one payment do not move together to one place') WHERE (SELECT sum(nc) FROM seal_scratch) > 0 AND EXISTS (SELECT 1 FROM (SELECT min(line_no) AS line_no FROM line n WHERE n.journal_id = new.journal_id AND n.carrier IS NOT NULL AND (n.of_n > 1 OR (EXISTS (SELECT 1 FROM seal_scratch g JOIN account a ON a.id = g.da WHERE a.kind = 'payable' AND g.nc > 0) AND EXISTS (SELECT 1 FROM line y JOIN line z ON z.journal_id = y.journal_id AND z.line_no = y.line_no - 1 WHERE y.journal_id = new.journal_id AND y.carrier IS NOT NULL AND NOT coalesce(y.carrier > z.carrier OR (y.carrier = z.carrier AND y.of_n = z.of_n AND y.of_n > 1), z.carrier IS NULL)))) GROUP BY n.carrier HAVING count(*) <> max(n.of_n) OR min(n.of_n) <> max(n.of_n) OR min(n.credit_account) <> max(n.credit_account)) n);
  SELECT RAISE(ABORT, 'LEDGER stale_difference: a difference does not follow from the last revision; compare again') WHERE (SELECT max(r1) FROM seal_scratch) > 0 AND EXISTS (SELECT 1 FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.item = 0 AND p.move = 0 WHERE n.journal_id = new.journal_id AND n.rev = 1 AND NOT coalesce(n.due_after = p.due_after + CASE WHEN n.debit_account IN (SELECT id FROM account WHERE kind = 'expense') THEN n.amount ELSE -n.amount END, 0));
  SELECT RAISE(ABORT, 'LEDGER stale_difference: a difference does not follow from the last revision; compare again') WHERE (SELECT max(r1) FROM seal_scratch) > 1 AND EXISTS (SELECT 1 FROM line n LEFT JOIN line p ON p.sub_id = n.sub_id AND p.cover = n.cover AND p.rev = n.rev - 1 AND p.rev > 0 WHERE n.journal_id = new.journal_id AND n.rev > 1 AND NOT coalesce(n.due_after = p.due_after + CASE WHEN n.debit_account IN (SELECT id FROM account WHERE kind = 'expense') THEN n.amount ELSE -n.amount END, 0));
  SELECT RAISE(ABORT, 'LEDGER receivable_overpaid: a receivable would be repaid beyond what is open') WHERE EXISTS (SELECT 1 FROM line n WHERE n.journal_id = new.journal_id AND n.move > 0 AND n.credit_account IN (SELECT id FROM account WHERE kind = 'overpaid') AND coalesce((SELECT sum(x.amount) FROM line x WHERE x.sub_id = n.sub_id AND x.cover = n.cover AND x.item = n.item AND x.move > 0) > (SELECT o.amount FROM line o WHERE o.sub_id = n.sub_id AND o.cover = n.cover AND o.item = n.item AND o.move = 0 AND o.debit_account IN (SELECT id FROM account WHERE kind = 'overpaid')), 1));
  SELECT RAISE(ABORT, 'LEDGER receivable_open: a coin is minted for a month whose receivable is still open; reduce that first') WHERE EXISTS (SELECT 1 FROM account WHERE kind = 'overpaid' AND (debit > credit OR id IN (SELECT debit_account FROM line WHERE journal_id = new.journal_id AND move = 0 AND rev > 0))) AND EXISTS (SELECT 1 FROM line n JOIN line o ON o.sub_id = n.sub_id AND o.cover = n.cover AND o.move = 0 WHERE n.journal_id = new.journal_id AND n.item > 0 AND n.move = 0 AND n.credit_account IN (SELECT id FROM account WHERE kind = 'payable') AND o.debit_account IN (SELECT id FROM account WHERE kind = 'overpaid') AND o.rev IS NOT NULL AND o.amount > (SELECT coalesce(sum(x.amount), 0) FROM line x WHERE x.sub_id = o.sub_id AND x.cover = o.cover AND x.item = o.item AND x.move > 0));
  SELECT RAISE(ABORT, 'LEDGER mirror: a reversal is not the exact mirror of its journal, or that journal moved coins') WHERE (SELECT reverses_id FROM journal WHERE id = new.journal_id) IS NOT NULL AND EXISTS (SELECT 1 FROM line n LEFT JOIN line o ON o.journal_id = (SELECT reverses_id FROM journal WHERE id = new.journal_id) AND o.line_no = n.line_no AND o.cover = n.cover WHERE n.journal_id = new.journal_id AND NOT coalesce(o.debit_account = n.credit_account AND o.credit_account = n.debit_account AND o.amount = n.amount AND o.sub_id IS NULL AND n.sub_id IS NULL AND n.carrier IS NULL AND n.rev IS NULL, 0));
  SELECT RAISE(ABORT, 'LEDGER control: the journal does not have the lines or the total it announces') WHERE NOT EXISTS (SELECT 1 FROM journal j, (SELECT coalesce(sum(cnt), 0) AS n, coalesce(sum(total), 0) AS s FROM seal_scratch) x WHERE j.id = new.journal_id AND j.line_count = x.n AND j.total = x.s);
  SELECT RAISE(ABORT, 'LEDGER control: the journal does not have the definitions it announces') WHERE (SELECT definitions FROM journal WHERE id = new.journal_id) > 0 AND (SELECT definitions FROM journal WHERE id = new.journal_id) <> (SELECT count(*) FROM account WHERE journal_id = new.journal_id) + (SELECT count(*) FROM account_closed WHERE journal_id = new.journal_id) + (SELECT count(*) FROM sub WHERE journal_id = new.journal_id) + (SELECT count(*) FROM signer WHERE journal_id = new.journal_id) + (SELECT count(*) FROM payer_policy WHERE journal_id = new.journal_id) + (SELECT count(*) FROM period_move WHERE journal_id = new.journal_id);
  SELECT RAISE(ABORT, 'LEDGER statement: journals of this kind carry no statement') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND j.statement_digest IS NOT NULL AND NOT EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind));
  SELECT RAISE(ABORT, 'LEDGER statement: the journal does not carry its signed statement') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind) AND NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = j.id AND t.digest = j.statement_digest AND t.purpose = j.kind));
  SELECT RAISE(ABORT, 'LEDGER statement: what was signed is not what the journal posts') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind) AND NOT EXISTS (SELECT 1 FROM statement t WHERE t.journal_id = j.id AND instr(t.body, lower(hex(new.root))) > 0));
  SELECT RAISE(ABORT, 'LEDGER role_missing: a signature is missing') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind AND NOT EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = j.id AND s.role = k.role AND s.statement_digest = j.statement_digest)));
  SELECT RAISE(ABORT, 'LEDGER same_person: too few people signed the journal') WHERE EXISTS (SELECT 1 FROM journal j WHERE j.id = new.journal_id AND EXISTS (SELECT 1 FROM kind_role k WHERE k.kind = j.kind) AND ((SELECT count(DISTINCT person_id) FROM signature s WHERE s.journal_id = j.id) < 3 OR (EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = j.id AND s.seat = 1) AND NOT coalesce((SELECT p.checker_may_second FROM payer_policy p JOIN seal z ON z.journal_id = p.journal_id WHERE p.payer_id = j.payer_id ORDER BY z.seq DESC LIMIT 1), 0))));
END
--;;
CREATE TRIGGER seal_done AFTER INSERT ON seal BEGIN
  UPDATE account SET debit = debit + v.d, credit = credit + v.c FROM (
    SELECT a, sum(d) AS d, sum(c) AS c FROM (
      SELECT da AS a, total AS d, 0 AS c FROM seal_scratch
      UNION ALL SELECT ca, 0, total FROM seal_scratch) GROUP BY a) v
    WHERE account.id = v.a;
  DELETE FROM seal_scratch;
  UPDATE chain_head SET seq = new.seq, hash = new.hash;
END
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
  (1, 0, X'9805eb7861442389e2581b970f45b9ab06af5d82ee100c74060e9215184a8cc9')
--;;
CREATE TABLE attempt_news (
  batch_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  state TEXT NOT NULL,
  code_set TEXT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  answer_id INTEGER NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (batch_id, n, seq)
)
--;;
CREATE INDEX attempt_news_answer ON attempt_news (answer_id)
--;;
CREATE TABLE audit_event (
  id INTEGER NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE TABLE batch (
  id INTEGER NOT NULL,
  journal_id INTEGER NOT NULL,
  list_id INTEGER,
  run_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  provider_id INTEGER NOT NULL,
  contract_id INTEGER NOT NULL,
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
  total_vnd INTEGER NOT NULL,
  cover_from INTEGER NOT NULL,
  cover_to INTEGER NOT NULL,
  manifest_root BLOB,
  file_sha256 BLOB,
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
  batch_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  payment_id INTEGER NOT NULL,
  sub_id INTEGER NOT NULL,
  end_to_end_id TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  coins INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  bank_code TEXT NOT NULL,
  name_written TEXT NOT NULL,
  text_written TEXT NOT NULL,
  PRIMARY KEY (batch_id, n)
)
--;;
CREATE INDEX batch_row_payment ON batch_row (payment_id)
--;;
CREATE TABLE benefit_case (
  id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
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
  row_digest BLOB NOT NULL,
  import_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT one_case UNIQUE (person_id, programme, clause)
)
--;;
CREATE INDEX benefit_case_payer ON benefit_case (payer_id)
--;;
CREATE TABLE budget (
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  programme TEXT NOT NULL,
  line TEXT NOT NULL,
  year INTEGER NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  journal_id INTEGER NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (payer_id, line, year, decision_number)
)
--;;
CREATE TABLE case_change (
  case_id INTEGER NOT NULL,
  import_id INTEGER NOT NULL,
  facts TEXT NOT NULL,
  decision_number TEXT NOT NULL,
  decision_date TEXT NOT NULL,
  decision_signer TEXT NOT NULL,
  start_month INTEGER NOT NULL,
  payee_name TEXT NOT NULL,
  payee_relation TEXT NOT NULL,
  payee_document TEXT,
  row_digest BLOB NOT NULL,
  seq INTEGER NOT NULL,
  changed_at TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (case_id, import_id)
)
--;;
CREATE TABLE coin_reserved (
  sub_id INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  item INTEGER NOT NULL,
  batch_id INTEGER NOT NULL,
  PRIMARY KEY (sub_id, cover, item)
)
--;;
CREATE INDEX coin_reserved_batch ON coin_reserved (batch_id)
--;;
CREATE TABLE death_notice (
  person_id INTEGER NOT NULL,
  died_on TEXT NOT NULL,
  import_id INTEGER NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (person_id)
)
--;;
CREATE TABLE destination (
  id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  bank_code TEXT NOT NULL,
  account_enc BLOB,
  account_blind BLOB,
  account_last4 TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  owner_relation TEXT NOT NULL,
  usable_from TEXT NOT NULL,
  source TEXT NOT NULL,
  digest BLOB,
  PRIMARY KEY (id),
  UNIQUE (person_id, version)
)
--;;
CREATE INDEX destination_account ON destination (account_blind)
--;;
CREATE TABLE dirty (
  sub_id INTEGER NOT NULL,
  from_month INTEGER NOT NULL,
  why TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (sub_id)
)
--;;
CREATE TABLE draw (
  id INTEGER NOT NULL,
  list_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  voucher TEXT NOT NULL,
  drawn_on TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  carried_vnd INTEGER NOT NULL,
  journal_id INTEGER NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (list_id),
  UNIQUE (payer_id, voucher)
)
--;;
CREATE TABLE due (
  profile_id INTEGER NOT NULL,
  month INTEGER NOT NULL,
  law_key TEXT NOT NULL,
  total_vnd INTEGER NOT NULL,
  programme TEXT NOT NULL,
  most_vnd INTEGER NOT NULL,
  hold_reason TEXT NOT NULL,
  held_vnd INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (profile_id, month, law_key)
)
--;;
CREATE TABLE free_coin (
  sub_id INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  item INTEGER NOT NULL,
  move INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  programme TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  reason TEXT NOT NULL,
  since_month INTEGER NOT NULL,
  PRIMARY KEY (sub_id, cover, item)
)
--;;
CREATE INDEX free_coin_payer ON free_coin (payer_id)
--;;
CREATE TABLE handover (
  batch_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  day TEXT NOT NULL,
  proof TEXT NOT NULL,
  proof_note TEXT NOT NULL,
  desk_user TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  evidence BLOB NOT NULL,
  journal_id INTEGER NOT NULL,
  PRIMARY KEY (batch_id, n)
)
--;;
CREATE TABLE hold (
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
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
  next INTEGER NOT NULL,
  PRIMARY KEY (name)
)
--;;
CREATE TABLE idempotency (
  "key" TEXT NOT NULL,
  actor TEXT NOT NULL,
  request_digest BLOB NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY ("key", actor)
)
--;;
CREATE TABLE import_fault (
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  k INTEGER NOT NULL,
  sentence TEXT NOT NULL,
  PRIMARY KEY (import_id, n, k)
)
--;;
CREATE TABLE import_file (
  id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  sha256 BLOB NOT NULL,
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
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  fact_digest TEXT NOT NULL,
  PRIMARY KEY (import_id, n, reason)
)
--;;
CREATE TABLE import_open (
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  state INTEGER NOT NULL,
  who_blind BLOB NOT NULL,
  programme TEXT NOT NULL,
  person_id INTEGER,
  PRIMARY KEY (import_id, n)
)
--;;
CREATE INDEX import_open_who ON import_open (import_id, who_blind)
--;;
CREATE TABLE import_paid (
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  amount_vnd INTEGER NOT NULL,
  PRIMARY KEY (import_id, n, cover)
)
--;;
CREATE TABLE import_row (
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  state INTEGER NOT NULL,
  known INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  case_id INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  who_blind BLOB NOT NULL,
  identity_kind TEXT NOT NULL,
  identity_enc BLOB,
  identity_last4 TEXT NOT NULL,
  unit_key BLOB,
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
  account_enc BLOB,
  account_blind BLOB,
  account_last4 TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  owner_relation TEXT NOT NULL,
  dest_digest BLOB NOT NULL,
  row_digest BLOB NOT NULL,
  PRIMARY KEY (import_id, n)
)
--;;
CREATE INDEX import_row_who ON import_row (import_id, who_blind, n)
--;;
CREATE TABLE import_span (
  import_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  from_month INTEGER NOT NULL,
  to_month INTEGER NOT NULL,
  profile_id INTEGER NOT NULL,
  PRIMARY KEY (import_id, n, from_month)
)
--;;
CREATE TABLE import_stage (
  import_id INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  PRIMARY KEY (import_id)
)
--;;
CREATE TABLE list_hold (
  list_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  PRIMARY KEY (list_id, person_id, cover, kind, reason)
)
--;;
CREATE TABLE opening (
  person_id INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  amount_vnd INTEGER NOT NULL,
  programme TEXT NOT NULL,
  import_id INTEGER NOT NULL,
  journal_id INTEGER,
  PRIMARY KEY (person_id, cover)
)
--;;
CREATE TABLE outbox (
  batch_id INTEGER NOT NULL,
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
  id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  programme TEXT NOT NULL,
  month INTEGER NOT NULL,
  number INTEGER NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  journal_id INTEGER NOT NULL,
  law_on TEXT NOT NULL,
  law_key TEXT NOT NULL,
  recorded_by INTEGER NOT NULL,
  rates_sha256 TEXT NOT NULL,
  settings_sha256 TEXT NOT NULL,
  people INTEGER NOT NULL,
  coins INTEGER NOT NULL,
  minted_vnd INTEGER NOT NULL,
  cancelled_vnd INTEGER NOT NULL,
  receivable_vnd INTEGER NOT NULL,
  restored_vnd INTEGER NOT NULL,
  assessed_vnd INTEGER NOT NULL,
  carried INTEGER NOT NULL,
  carried_vnd INTEGER NOT NULL,
  payments INTEGER NOT NULL,
  total_vnd INTEGER NOT NULL,
  held_right INTEGER NOT NULL,
  held_right_vnd INTEGER NOT NULL,
  held_payment INTEGER NOT NULL,
  held_payment_vnd INTEGER NOT NULL,
  nonce TEXT NOT NULL,
  prepared_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  release_on TEXT,
  released_at TEXT,
  sheet_sha256 BLOB,
  scan_sha256 BLOB,
  PRIMARY KEY (id),
  UNIQUE (payer_id, programme, month, number, version)
)
--;;
CREATE UNIQUE INDEX one_open_list ON pay_list (payer_id, programme) WHERE state IN ('draft','prepared','checked','second')
--;;
CREATE TABLE payer (
  id INTEGER NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  province_code TEXT NOT NULL,
  go_live_month INTEGER NOT NULL,
  checker_may_second INTEGER NOT NULL,
  scan_required INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  opened_through INTEGER,
  PRIMARY KEY (id),
  UNIQUE (code)
)
--;;
CREATE TABLE payment (
  id INTEGER NOT NULL,
  list_id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  rail TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
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
  payment_id INTEGER NOT NULL,
  sub_id INTEGER NOT NULL,
  cover INTEGER NOT NULL,
  item INTEGER NOT NULL,
  move INTEGER NOT NULL,
  amount_vnd INTEGER NOT NULL,
  PRIMARY KEY (payment_id, sub_id, cover, item)
)
--;;
CREATE TABLE person (
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  identity_kind TEXT NOT NULL,
  identity_enc BLOB,
  identity_blind BLOB,
  identity_last4 TEXT NOT NULL,
  name TEXT NOT NULL,
  name_search TEXT NOT NULL,
  birth_from TEXT NOT NULL,
  birth_to TEXT NOT NULL,
  sex TEXT NOT NULL,
  commune_code TEXT NOT NULL,
  reference TEXT NOT NULL,
  died_on TEXT,
  seq INTEGER NOT NULL,
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
  id INTEGER NOT NULL,
  digest BLOB NOT NULL,
  facts TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (digest)
)
--;;
CREATE TABLE provider (
  id INTEGER NOT NULL,
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
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  provider_id INTEGER NOT NULL,
  number TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT,
  deposit_account_enc BLOB NOT NULL,
  deposit_account_blind BLOB NOT NULL,
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
  id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  provider_id INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  paid_transfer_vnd INTEGER NOT NULL,
  paid_cash_vnd INTEGER NOT NULL,
  kept_vnd INTEGER NOT NULL,
  sent_back_vnd INTEGER NOT NULL,
  voucher TEXT NOT NULL,
  reported_on TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (run_id, provider_id)
)
--;;
CREATE TABLE rerating (
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  instrument TEXT NOT NULL,
  first_month INTEGER NOT NULL,
  last_month INTEGER NOT NULL,
  people INTEGER NOT NULL,
  amount_vnd INTEGER NOT NULL,
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
  batch_id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  commune_code TEXT NOT NULL,
  place TEXT NOT NULL,
  first_day TEXT NOT NULL,
  last_day TEXT NOT NULL,
  copies INTEGER NOT NULL,
  state TEXT NOT NULL,
  closed_at TEXT,
  closed_by TEXT,
  closing_sha256 BLOB,
  journal_id INTEGER,
  PRIMARY KEY (batch_id)
)
--;;
CREATE TABLE run (
  id INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
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
  bucket BLOB NOT NULL,
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
  sub_id INTEGER NOT NULL,
  from_month INTEGER NOT NULL,
  to_month INTEGER NOT NULL,
  payer_id INTEGER NOT NULL,
  profile_id INTEGER NOT NULL,
  PRIMARY KEY (sub_id, from_month)
)
--;;
CREATE INDEX unit_profile_payer ON unit_profile (payer_id)
--;;
CREATE TABLE answer (
  id INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  kind TEXT NOT NULL,
  file_name TEXT NOT NULL,
  size INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  payer_id INTEGER,
  provider_id INTEGER,
  message_id TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (sha256)
)
--;;
CREATE TABLE bank_entry (
  answer_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  side TEXT NOT NULL,
  amount_vnd INTEGER NOT NULL,
  day TEXT NOT NULL,
  end_to_end_id TEXT NOT NULL,
  bank_reference TEXT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  batch_id INTEGER,
  row_n INTEGER,
  verdict TEXT NOT NULL,
  PRIMARY KEY (answer_id, n)
)
--;;
CREATE TABLE bank_statement (
  id INTEGER NOT NULL,
  answer_id INTEGER NOT NULL,
  contract_id INTEGER NOT NULL,
  statement_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  bank_sequence INTEGER,
  opening_vnd INTEGER NOT NULL,
  closing_vnd INTEGER NOT NULL,
  first_day TEXT NOT NULL,
  last_day TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (contract_id, statement_id),
  UNIQUE (contract_id, sequence)
)
--;;
CREATE TABLE break_item (
  id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  payer_id INTEGER,
  answer_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  amount_vnd INTEGER NOT NULL,
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
  ref_id INTEGER NOT NULL,
  answer_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (kind, ref_id)
)
--;;
CREATE TRIGGER destination_no_update BEFORE UPDATE ON destination BEGIN SELECT RAISE(ABORT, 'destination: append-only'); END
--;;
CREATE TRIGGER destination_no_delete BEFORE DELETE ON destination BEGIN SELECT RAISE(ABORT, 'destination: append-only'); END
--;;
CREATE TRIGGER batch_row_no_update BEFORE UPDATE ON batch_row BEGIN SELECT RAISE(ABORT, 'batch_row: append-only'); END
--;;
CREATE TRIGGER batch_row_no_delete BEFORE DELETE ON batch_row BEGIN SELECT RAISE(ABORT, 'batch_row: append-only'); END
--;;
CREATE TRIGGER payment_coin_no_update BEFORE UPDATE ON payment_coin BEGIN SELECT RAISE(ABORT, 'payment_coin: append-only'); END
--;;
CREATE TRIGGER payment_coin_no_delete BEFORE DELETE ON payment_coin BEGIN SELECT RAISE(ABORT, 'payment_coin: append-only'); END
--;;
CREATE TRIGGER attempt_news_no_update BEFORE UPDATE ON attempt_news BEGIN SELECT RAISE(ABORT, 'attempt_news: append-only'); END
--;;
CREATE TRIGGER attempt_news_no_delete BEFORE DELETE ON attempt_news BEGIN SELECT RAISE(ABORT, 'attempt_news: append-only'); END
--;;
CREATE TRIGGER handover_no_update BEFORE UPDATE ON handover BEGIN SELECT RAISE(ABORT, 'handover: append-only'); END
--;;
CREATE TRIGGER handover_no_delete BEFORE DELETE ON handover BEGIN SELECT RAISE(ABORT, 'handover: append-only'); END
--;;
CREATE TRIGGER bank_entry_no_update BEFORE UPDATE ON bank_entry BEGIN SELECT RAISE(ABORT, 'bank_entry: append-only'); END
--;;
CREATE TRIGGER bank_entry_no_delete BEFORE DELETE ON bank_entry BEGIN SELECT RAISE(ABORT, 'bank_entry: append-only'); END
--;;
CREATE TRIGGER budget_no_update BEFORE UPDATE ON budget BEGIN SELECT RAISE(ABORT, 'budget: append-only'); END
--;;
CREATE TRIGGER budget_no_delete BEFORE DELETE ON budget BEGIN SELECT RAISE(ABORT, 'budget: append-only'); END
--;;
CREATE TRIGGER draw_no_update BEFORE UPDATE ON draw BEGIN SELECT RAISE(ABORT, 'draw: append-only'); END
--;;
CREATE TRIGGER draw_no_delete BEFORE DELETE ON draw BEGIN SELECT RAISE(ABORT, 'draw: append-only'); END
--;;
CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event: append-only'); END
--;;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event: append-only'); END
