CREATE TABLE list_finding (
    list_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    rule TEXT NOT NULL,
    person_id INTEGER,
    hold_id INTEGER,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    others TEXT NOT NULL,
    PRIMARY KEY (list_id, n)
)
--;;
CREATE INDEX list_finding_hold ON list_finding (hold_id)
--;;
CREATE TABLE officer_account (
    id INTEGER NOT NULL,
    username TEXT NOT NULL,
    bank_code TEXT NOT NULL,
    account_enc BLOB NOT NULL,
    account_blind BLOB NOT NULL,
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
