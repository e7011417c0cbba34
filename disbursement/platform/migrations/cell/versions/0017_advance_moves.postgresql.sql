CREATE TABLE advance_move (
    id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    month INTEGER NOT NULL,
    from_provider_id BIGINT NOT NULL,
    to_provider_id BIGINT NOT NULL,
    voucher TEXT NOT NULL,
    moved_on TEXT NOT NULL,
    payments INTEGER NOT NULL,
    amount_vnd BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    posted_at TEXT,
    PRIMARY KEY (id),
    CONSTRAINT advance_move_two_providers CHECK (from_provider_id <> to_provider_id),
    CONSTRAINT advance_move_amount CHECK (amount_vnd > 0)
)
--;;
CREATE UNIQUE INDEX advance_move_voucher ON advance_move (payer_id, voucher) WHERE state <> 'withdrawn'
--;;
CREATE TABLE advance_move_payment (
    payment_id BIGINT NOT NULL,
    move_id BIGINT NOT NULL,
    PRIMARY KEY (payment_id)
)
--;;
CREATE INDEX advance_move_payment_move ON advance_move_payment (move_id)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.advance_move TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.advance_move_payment TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('account_consent', 'account_request', 'account_request_row', 'advance_move', 'advance_move_payment', 'attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'merit_case', 'merit_case_change', 'name_check', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rail_call', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'recall', 'recall_row', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
