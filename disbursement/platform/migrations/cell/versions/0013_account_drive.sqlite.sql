CREATE TABLE account_request (
    id INTEGER NOT NULL,
    provider_id INTEGER NOT NULL,
    profile TEXT NOT NULL,
    payers TEXT NOT NULL,
    people INTEGER NOT NULL,
    rows_digest BLOB NOT NULL,
    made_by TEXT NOT NULL,
    made_person INTEGER NOT NULL,
    made_at TEXT NOT NULL,
    signed_by TEXT,
    signed_person INTEGER,
    signed_at TEXT,
    PRIMARY KEY (id),
    CONSTRAINT account_request_two_people CHECK (signed_person <> made_person)
)
--;;
CREATE TABLE account_request_row (
    request_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    import_id INTEGER,
    PRIMARY KEY (request_id, n),
    UNIQUE (request_id, person_id)
)
--;;
CREATE INDEX account_request_person ON account_request_row (person_id)
--;;
CREATE TABLE account_consent (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    destination_id INTEGER NOT NULL,
    given_on TEXT NOT NULL,
    document TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT account_consent_once UNIQUE (destination_id)
)
--;;
CREATE INDEX account_consent_person ON account_consent (person_id)
--;;
CREATE TABLE name_check (
    id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    destination_id INTEGER NOT NULL,
    ours TEXT NOT NULL,
    theirs TEXT NOT NULL,
    score INTEGER NOT NULL,
    rules TEXT NOT NULL,
    threshold INTEGER NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE INDEX name_check_destination ON name_check (destination_id)
--;;
CREATE TRIGGER account_consent_no_update BEFORE UPDATE ON account_consent BEGIN SELECT RAISE(ABORT, 'account_consent: append-only'); END
--;;
CREATE TRIGGER account_consent_no_delete BEFORE DELETE ON account_consent BEGIN SELECT RAISE(ABORT, 'account_consent: append-only'); END
--;;
CREATE TRIGGER name_check_no_update BEFORE UPDATE ON name_check BEGIN SELECT RAISE(ABORT, 'name_check: append-only'); END
--;;
CREATE TRIGGER name_check_no_delete BEFORE DELETE ON name_check BEGIN SELECT RAISE(ABORT, 'name_check: append-only'); END
