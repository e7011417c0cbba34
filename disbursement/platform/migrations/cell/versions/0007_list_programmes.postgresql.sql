CREATE TABLE list_unit (
    sub_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    programme TEXT NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (sub_id),
    UNIQUE (programme, unit)
)
--;;
CREATE INDEX list_unit_payer ON list_unit (payer_id)
--;;
CREATE INDEX list_unit_person ON list_unit (person_id)
--;;
CREATE TABLE list_right (
    sub_id BIGINT NOT NULL,
    cover INTEGER NOT NULL,
    profile_id BIGINT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id BIGINT NOT NULL,
    PRIMARY KEY (sub_id, cover)
)
--;;
CREATE TABLE list_right_change (
    sub_id BIGINT NOT NULL,
    cover INTEGER NOT NULL,
    profile_id BIGINT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id BIGINT NOT NULL,
    replaced_by BIGINT NOT NULL,
    PRIMARY KEY (sub_id, cover, replaced_by)
)
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.list_unit TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.list_right TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.list_right_change TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
