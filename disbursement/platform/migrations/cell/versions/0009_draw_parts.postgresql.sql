CREATE TABLE draw_part (
    id BIGINT NOT NULL,
    draw_id BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    carried_vnd BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (draw_id, provider_id)
)
--;;
GRANT SELECT, INSERT ON {schema}.draw_part TO disburse_app
--;;
INSERT INTO draw_part (id, draw_id, provider_id, amount_vnd, carried_vnd) SELECT q.id, q.id, q.provider_id, q.amount_vnd, q.carried_vnd FROM (SELECT d.id, d.amount_vnd, d.carried_vnd, (SELECT b.provider_id FROM batch b WHERE b.list_id = d.list_id ORDER BY b.id LIMIT 1) AS provider_id FROM draw d) q WHERE q.provider_id IS NOT NULL
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'case_event', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'draw_part', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'list_right', 'list_right_change', 'list_unit', 'list_warning', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'register_policy', 'register_row', 'register_snapshot', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
