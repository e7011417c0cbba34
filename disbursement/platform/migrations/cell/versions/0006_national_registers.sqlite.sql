CREATE TABLE register_snapshot (
    id INTEGER NOT NULL,
    profile TEXT NOT NULL,
    payer_code TEXT NOT NULL,
    as_of TEXT NOT NULL,
    content_id INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    file_name TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    rows_taken INTEGER NOT NULL,
    rows_refused INTEGER NOT NULL,
    imported_at TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT register_snapshot_once UNIQUE (profile, payer_code, sha256, as_of)
)
--;;
CREATE TABLE register_row (
    snapshot_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    state INTEGER NOT NULL,
    active INTEGER NOT NULL,
    who_blind BLOB,
    last4 TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_search TEXT NOT NULL,
    birth_from TEXT NOT NULL,
    birth_to TEXT NOT NULL,
    sex TEXT NOT NULL,
    commune_code TEXT NOT NULL,
    died_on TEXT,
    left_on TEXT,
    facts TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, n)
)
--;;
CREATE INDEX register_row_who ON register_row (snapshot_id, who_blind)
--;;
CREATE TABLE register_policy (
    payer_id INTEGER NOT NULL,
    profile TEXT NOT NULL,
    max_age_days INTEGER NOT NULL,
    when_old TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL,
    PRIMARY KEY (payer_id, profile)
)
--;;
CREATE TABLE list_warning (
    list_id INTEGER NOT NULL,
    register TEXT NOT NULL,
    state TEXT NOT NULL,
    as_of TEXT,
    max_age_days INTEGER NOT NULL,
    PRIMARY KEY (list_id, register)
)
--;;
CREATE TRIGGER register_snapshot_no_update BEFORE UPDATE ON register_snapshot BEGIN SELECT RAISE(ABORT, 'register_snapshot: append-only'); END
--;;
CREATE TRIGGER register_snapshot_no_delete BEFORE DELETE ON register_snapshot BEGIN SELECT RAISE(ABORT, 'register_snapshot: append-only'); END
