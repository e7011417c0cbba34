CREATE TABLE rail_call (
    id BIGINT NOT NULL,
    batch_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    step TEXT NOT NULL,
    request_id TEXT NOT NULL,
    first_n INTEGER NOT NULL,
    last_n INTEGER NOT NULL,
    state TEXT NOT NULL,
    reference TEXT NOT NULL,
    wire_enc BYTEA NOT NULL,
    made_at TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    asks INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (batch_id, n, step)
)
--;;
CREATE INDEX rail_call_request ON rail_call (request_id)
--;;
CREATE INDEX rail_call_state ON rail_call (state, batch_id)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.rail_call TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rail_call', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
