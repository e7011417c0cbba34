CREATE TABLE call_settlement (
    id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    payments INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    letter TEXT NOT NULL,
    letter_on TEXT NOT NULL,
    letter_sha256 BLOB NOT NULL,
    says TEXT NOT NULL,
    journal_id INTEGER NOT NULL,
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
    batch_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    settlement_id INTEGER NOT NULL,
    PRIMARY KEY (batch_id, n)
)
--;;
CREATE INDEX call_settlement_row_settlement ON call_settlement_row (settlement_id)