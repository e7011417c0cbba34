CREATE TABLE case_event (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    case_id INTEGER,
    payer_id INTEGER NOT NULL,
    happened_on TEXT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    document TEXT NOT NULL,
    payload TEXT NOT NULL,
    withdraws INTEGER,
    digest BLOB NOT NULL,
    source TEXT NOT NULL,
    import_id INTEGER,
    seq INTEGER NOT NULL,
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
CREATE TRIGGER case_event_no_update BEFORE UPDATE ON case_event BEGIN SELECT RAISE(ABORT, 'case_event: append-only'); END
--;;
CREATE TRIGGER case_event_no_delete BEFORE DELETE ON case_event BEGIN SELECT RAISE(ABORT, 'case_event: append-only'); END
