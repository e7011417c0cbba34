CREATE TABLE list_finding (
    list_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    rule TEXT NOT NULL,
    person_id BIGINT,
    hold_id BIGINT,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    others TEXT NOT NULL,
    PRIMARY KEY (list_id, n)
)
--;;
CREATE INDEX list_finding_hold ON list_finding (hold_id)
--;;
CREATE TABLE officer_account (
    id BIGINT NOT NULL,
    username TEXT NOT NULL,
    bank_code TEXT NOT NULL,
    account_enc BYTEA NOT NULL,
    account_blind BYTEA NOT NULL,
    account_last4 TEXT NOT NULL,
    declared_by TEXT NOT NULL,
    declared_at TEXT NOT NULL,
    withdrawn_by TEXT,
    withdrawn_at TEXT,
    PRIMARY KEY (id)
)
--;;
CREATE INDEX officer_account_blind ON officer_account (account_blind)
--;;
CREATE UNIQUE INDEX officer_account_open ON officer_account (username, account_blind) WHERE withdrawn_at IS NULL
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.list_finding TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.officer_account TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_finding', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'officer_account', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'wire_file', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
