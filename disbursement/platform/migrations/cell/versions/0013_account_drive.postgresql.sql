CREATE TABLE account_request (
    id BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    profile TEXT NOT NULL,
    payers TEXT NOT NULL,
    people INTEGER NOT NULL,
    rows_digest BYTEA NOT NULL,
    made_by TEXT NOT NULL,
    made_person BIGINT NOT NULL,
    made_at TEXT NOT NULL,
    signed_by TEXT,
    signed_person BIGINT,
    signed_at TEXT,
    PRIMARY KEY (id),
    CONSTRAINT account_request_two_people CHECK (signed_person <> made_person)
)
--;;
CREATE TABLE account_request_row (
    request_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    person_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    import_id BIGINT,
    PRIMARY KEY (request_id, n),
    UNIQUE (request_id, person_id)
)
--;;
CREATE INDEX account_request_person ON account_request_row (person_id)
--;;
CREATE TABLE account_consent (
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    destination_id BIGINT NOT NULL,
    given_on TEXT NOT NULL,
    document TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT account_consent_once UNIQUE (destination_id)
)
--;;
CREATE INDEX account_consent_person ON account_consent (person_id)
--;;
CREATE TABLE name_check (
    id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    destination_id BIGINT NOT NULL,
    ours TEXT NOT NULL,
    theirs TEXT NOT NULL,
    score INTEGER NOT NULL,
    rules TEXT NOT NULL,
    threshold INTEGER NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE INDEX name_check_destination ON name_check (destination_id)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.account_request TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.account_request_row TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.account_consent TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.name_check TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('account_consent', 'account_request', 'account_request_row', 'attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'name_check', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rail_call', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
