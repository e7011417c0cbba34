CREATE TABLE wire_file (
    batch_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    made_at TEXT NOT NULL,
    asked_at TEXT,
    PRIMARY KEY (batch_id),
    UNIQUE (name)
)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.wire_file TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
