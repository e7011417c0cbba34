CREATE TABLE receivable (
    id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    programme TEXT NOT NULL,
    sub_id BIGINT NOT NULL,
    cover INTEGER NOT NULL,
    item SMALLINT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    due_vnd BIGINT NOT NULL,
    list_id BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    opened_at TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (sub_id, cover, item)
)
--;;
CREATE INDEX receivable_payer ON receivable (payer_id)
--;;
CREATE TABLE receivable_decision (
    id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    decided_on TEXT NOT NULL,
    signer TEXT NOT NULL,
    reason TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    journal_id BIGINT,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    posted_at TEXT,
    PRIMARY KEY (id)
)
--;;
CREATE UNIQUE INDEX receivable_decision_number ON receivable_decision (payer_id, number) WHERE state <> 'withdrawn'
--;;
CREATE TABLE receivable_decided (
    decision_id BIGINT NOT NULL,
    receivable_id BIGINT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    PRIMARY KEY (decision_id, receivable_id)
)
--;;
CREATE INDEX receivable_decided_receivable ON receivable_decided (receivable_id)
--;;
CREATE TABLE repayment (
    id BIGINT NOT NULL,
    payer_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    voucher TEXT NOT NULL,
    paid_on TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (payer_id, voucher)
)
--;;
GRANT SELECT, INSERT ON {schema}.receivable TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.receivable_decision TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.receivable_decided TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.repayment TO disburse_app
--;;
CREATE OR REPLACE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$ BEGIN IF name NOT IN ('attempt_news', 'audit_event', 'batch', 'batch_row', 'benefit_case', 'budget', 'case_change', 'coin_reserved', 'death_notice', 'destination', 'dirty', 'draw', 'due', 'free_coin', 'handover', 'hold', 'id_block', 'idempotency', 'import_fault', 'import_file', 'import_hold', 'import_open', 'import_paid', 'import_row', 'import_span', 'import_stage', 'list_hold', 'opening', 'outbox', 'pay_list', 'payer', 'payment', 'payment_coin', 'person', 'profile', 'provider', 'provider_contract', 'provider_report', 'rate_approval', 'rate_decision', 'rate_file', 'rate_set', 'rate_version', 'receivable', 'receivable_decided', 'receivable_decision', 'repayment', 'rerating', 'roster', 'run', 'setting', 'throttle', 'tick', 'unit_profile', 'answer', 'bank_entry', 'bank_statement', 'break_item', 'funding_entry') THEN RAISE EXCEPTION 'no such table'; END IF; EXECUTE 'ANALYZE ' || quote_ident(name); END $$
--;;
INSERT INTO receivable (id, payer_id, person_id, programme, sub_id, cover, item, amount_vnd, due_vnd, list_id, journal_id, opened_at, cause, detail)
SELECT row_number() OVER (ORDER BY l.journal_id, l.line_no), p.payer_id, l.sub_id, p.programme, l.sub_id, l.cover, l.item, l.amount, l.due_after, p.id, l.journal_id, coalesce(p.released_at, j.recorded_at), 'change', ''
FROM pay_list p JOIN journal j ON j.id = p.journal_id JOIN line l ON l.journal_id = j.id AND l.move = 0 JOIN account a ON a.id = l.debit_account AND a.kind = 'overpaid'
WHERE p.receivable_vnd > 0 AND p.state IN ('released', 'closed')
--;;
INSERT INTO id_block (name, next) SELECT 'receivable', count(*) + 1 FROM receivable WHERE true ON CONFLICT (name) DO NOTHING
