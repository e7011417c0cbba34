CREATE TABLE advance_move (
    id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    month INTEGER NOT NULL,
    from_provider_id INTEGER NOT NULL,
    to_provider_id INTEGER NOT NULL,
    voucher TEXT NOT NULL,
    moved_on TEXT NOT NULL,
    payments INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    journal_id INTEGER NOT NULL,
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
    payment_id INTEGER NOT NULL,
    move_id INTEGER NOT NULL,
    PRIMARY KEY (payment_id)
)
--;;
CREATE INDEX advance_move_payment_move ON advance_move_payment (move_id)