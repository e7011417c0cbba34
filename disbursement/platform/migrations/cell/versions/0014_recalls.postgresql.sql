CREATE TABLE recall (
    id BIGINT NOT NULL,
    batch_id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    version TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_sha256 BYTEA NOT NULL,
    created_text TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL,
    payments INTEGER NOT NULL,
    total_vnd BIGINT NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_person BIGINT NOT NULL,
    made_at TEXT NOT NULL,
    signed_by TEXT,
    signed_person BIGINT,
    signed_at TEXT,
    sent_at TEXT,
    PRIMARY KEY (id),
    UNIQUE (message_id),
    CONSTRAINT recall_two_people CHECK (signed_person <> made_person)
)
--;;
CREATE INDEX recall_batch ON recall (batch_id)
--;;
CREATE TABLE recall_row (
    recall_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    batch_id BIGINT NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (recall_id, n)
)
--;;
CREATE INDEX recall_row_batch ON recall_row (batch_id, n)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.recall TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.recall_row TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('account_consent', 'account_request', 'account_request_row', 'attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'name_check', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rail_call', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'recall', 'recall_row', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
