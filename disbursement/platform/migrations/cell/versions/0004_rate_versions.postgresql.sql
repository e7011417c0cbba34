CREATE TABLE rate_version (
    id BIGINT NOT NULL,
    note TEXT NOT NULL,
    whole SMALLINT NOT NULL,
    base_sha256 TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_person BIGINT NOT NULL,
    proposed_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE rate_file (
    version_id BIGINT NOT NULL,
    table_name TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (version_id, table_name)
)
--;;
CREATE TABLE rate_approval (
    version_id BIGINT NOT NULL,
    usable_from TEXT NOT NULL,
    proposed_person BIGINT NOT NULL,
    approved_by TEXT NOT NULL,
    approved_person BIGINT NOT NULL,
    approved_at TEXT NOT NULL,
    lowered_people INTEGER NOT NULL,
    lowered_vnd BIGINT NOT NULL,
    lowering_seen SMALLINT NOT NULL,
    PRIMARY KEY (version_id),
    CONSTRAINT rate_approval_two_people CHECK (approved_person <> proposed_person)
)
--;;
CREATE TABLE rate_decision (
    id BIGINT NOT NULL,
    point TEXT NOT NULL,
    payer TEXT NOT NULL,
    value TEXT NOT NULL,
    document TEXT NOT NULL,
    rows TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_person BIGINT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE rate_set (
    sha256 TEXT NOT NULL,
    parts TEXT NOT NULL,
    content BYTEA NOT NULL,
    made_at TEXT NOT NULL,
    PRIMARY KEY (sha256)
)
--;;
GRANT SELECT, INSERT ON {schema}.rate_version TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.rate_file TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.rate_approval TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.rate_decision TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.rate_set TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
