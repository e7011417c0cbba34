CREATE TABLE call_settlement (
    id BIGINT NOT NULL,
    batch_id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    payments INTEGER NOT NULL,
    amount_vnd BIGINT NOT NULL,
    letter TEXT NOT NULL,
    letter_on TEXT NOT NULL,
    letter_sha256 BYTEA NOT NULL,
    says TEXT NOT NULL,
    journal_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    posted_at TEXT,
    PRIMARY KEY (id),
    CONSTRAINT call_settlement_outcome CHECK (outcome IN ('paid', 'not_paid')),
    CONSTRAINT call_settlement_amount CHECK (amount_vnd > 0)
)
--;;
CREATE INDEX call_settlement_batch ON call_settlement (batch_id)
--;;
CREATE TABLE call_settlement_row (
    batch_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    settlement_id BIGINT NOT NULL,
    PRIMARY KEY (batch_id, n)
)
--;;
CREATE INDEX call_settlement_row_settlement ON call_settlement_row (settlement_id)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.call_settlement TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.call_settlement_row TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('account_consent', 'account_request', 'account_request_row', 'advance_move', 'advance_move_payment', 'attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'call_settlement', 'call_settlement_row', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_opening', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'merit_case', 'merit_case_change', 'name_check', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rail_call', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'recall', 'recall_row', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$