CREATE TABLE register_snapshot (
    id BIGINT NOT NULL,
    profile TEXT NOT NULL,
    payer_code TEXT NOT NULL,
    as_of TEXT NOT NULL,
    content_id BIGINT NOT NULL,
    changes SMALLINT NOT NULL,
    sha256 BYTEA NOT NULL,
    file_name TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    rows_taken INTEGER NOT NULL,
    rows_refused INTEGER NOT NULL,
    imported_at TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT register_snapshot_once UNIQUE (profile, payer_code, sha256, as_of)
)
--;;
CREATE TABLE register_row (
    snapshot_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    state SMALLINT NOT NULL,
    active SMALLINT NOT NULL,
    who_blind BYTEA,
    last4 TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_search TEXT NOT NULL,
    birth_from TEXT NOT NULL,
    birth_to TEXT NOT NULL,
    sex TEXT NOT NULL,
    commune_code TEXT NOT NULL,
    died_on TEXT,
    left_on TEXT,
    facts TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, n)
)
--;;
CREATE INDEX register_row_who ON register_row (snapshot_id, who_blind)
--;;
CREATE TABLE register_policy (
    payer_id BIGINT NOT NULL,
    profile TEXT NOT NULL,
    max_age_days INTEGER NOT NULL,
    when_old TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL,
    PRIMARY KEY (payer_id, profile)
)
--;;
CREATE TABLE list_warning (
    list_id BIGINT NOT NULL,
    register TEXT NOT NULL,
    state TEXT NOT NULL,
    as_of TEXT,
    max_age_days INTEGER NOT NULL,
    PRIMARY KEY (list_id, register)
)
--;;
GRANT SELECT, INSERT ON {schema}.register_snapshot TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.register_row TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.register_policy TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.list_warning TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'list_warning', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
