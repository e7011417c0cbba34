CREATE TABLE case_event (
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    person_id BIGINT NOT NULL,
    case_id BIGINT,
    payer_id BIGINT NOT NULL,
    happened_on TEXT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    document TEXT NOT NULL,
    payload TEXT NOT NULL,
    withdraws BIGINT,
    digest BYTEA NOT NULL,
    source TEXT NOT NULL,
    import_id BIGINT,
    seq BIGINT NOT NULL,
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT event_withdrawn_once UNIQUE (withdraws),
    UNIQUE (digest)
)
--;;
CREATE INDEX case_event_number ON case_event (payer_id, decision_number)
--;;
CREATE INDEX case_event_person ON case_event (person_id)
--;;
GRANT SELECT, INSERT ON {schema}.case_event TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
