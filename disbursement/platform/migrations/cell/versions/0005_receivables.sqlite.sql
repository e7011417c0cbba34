CREATE TABLE receivable (
    id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    programme TEXT NOT NULL,
    sub_id INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    item INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    due_vnd INTEGER NOT NULL,
    list_id INTEGER NOT NULL,
    journal_id INTEGER NOT NULL,
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
    id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    decided_on TEXT NOT NULL,
    signer TEXT NOT NULL,
    reason TEXT NOT NULL,
    amount_vnd INTEGER NOT NULL,
    journal_id INTEGER,
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
    decision_id INTEGER NOT NULL,
    receivable_id INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    PRIMARY KEY (decision_id, receivable_id)
)
--;;
CREATE INDEX receivable_decided_receivable ON receivable_decided (receivable_id)
--;;
CREATE TABLE repayment (
    id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    voucher TEXT NOT NULL,
    paid_on TEXT NOT NULL,
    amount_vnd INTEGER NOT NULL,
    journal_id INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (payer_id, voucher)
)
--;;
CREATE TRIGGER receivable_no_update BEFORE UPDATE ON receivable BEGIN SELECT RAISE(ABORT, 'receivable: append-only'); END
--;;
CREATE TRIGGER receivable_no_delete BEFORE DELETE ON receivable BEGIN SELECT RAISE(ABORT, 'receivable: append-only'); END
--;;
CREATE TRIGGER receivable_decided_no_update BEFORE UPDATE ON receivable_decided BEGIN SELECT RAISE(ABORT, 'receivable_decided: append-only'); END
--;;
CREATE TRIGGER receivable_decided_no_delete BEFORE DELETE ON receivable_decided BEGIN SELECT RAISE(ABORT, 'receivable_decided: append-only'); END
--;;
CREATE TRIGGER repayment_no_update BEFORE UPDATE ON repayment BEGIN SELECT RAISE(ABORT, 'repayment: append-only'); END
--;;
CREATE TRIGGER repayment_no_delete BEFORE DELETE ON repayment BEGIN SELECT RAISE(ABORT, 'repayment: append-only'); END
--;;
INSERT INTO receivable (id, payer_id, person_id, programme, sub_id, cover, item, amount_vnd, due_vnd, list_id, journal_id, opened_at, cause, detail)
SELECT row_number() OVER (ORDER BY l.journal_id, l.line_no), p.payer_id, l.sub_id, p.programme, l.sub_id, l.cover, l.item, l.amount, l.due_after, p.id, l.journal_id, coalesce(p.released_at, j.recorded_at), 'change', ''
FROM pay_list p JOIN journal j ON j.id = p.journal_id JOIN line l ON l.journal_id = j.id AND l.move = 0 JOIN account a ON a.id = l.debit_account AND a.kind = 'overpaid'
WHERE p.receivable_vnd > 0 AND p.state IN ('released', 'closed')
--;;
INSERT INTO id_block (name, next) SELECT 'receivable', count(*) + 1 FROM receivable WHERE true ON CONFLICT (name) DO NOTHING
