CREATE TABLE rate_version (
    id INTEGER NOT NULL,
    note TEXT NOT NULL,
    whole INTEGER NOT NULL,
    base_sha256 TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_person INTEGER NOT NULL,
    proposed_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE rate_file (
    version_id INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (version_id, table_name)
)
--;;
CREATE TABLE rate_approval (
    version_id INTEGER NOT NULL,
    usable_from TEXT NOT NULL,
    proposed_person INTEGER NOT NULL,
    approved_by TEXT NOT NULL,
    approved_person INTEGER NOT NULL,
    approved_at TEXT NOT NULL,
    lowered_people INTEGER NOT NULL,
    lowered_vnd INTEGER NOT NULL,
    lowering_seen INTEGER NOT NULL,
    PRIMARY KEY (version_id),
    CONSTRAINT rate_approval_two_people CHECK (approved_person <> proposed_person)
)
--;;
CREATE TABLE rate_decision (
    id INTEGER NOT NULL,
    point TEXT NOT NULL,
    payer TEXT NOT NULL,
    value TEXT NOT NULL,
    document TEXT NOT NULL,
    rows TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_person INTEGER NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE rate_set (
    sha256 TEXT NOT NULL,
    parts TEXT NOT NULL,
    content BLOB NOT NULL,
    made_at TEXT NOT NULL,
    PRIMARY KEY (sha256)
)
--;;
CREATE TRIGGER rate_version_no_update BEFORE UPDATE ON rate_version BEGIN SELECT RAISE(ABORT, 'rate_version: append-only'); END
--;;
CREATE TRIGGER rate_version_no_delete BEFORE DELETE ON rate_version BEGIN SELECT RAISE(ABORT, 'rate_version: append-only'); END
--;;
CREATE TRIGGER rate_file_no_update BEFORE UPDATE ON rate_file BEGIN SELECT RAISE(ABORT, 'rate_file: append-only'); END
--;;
CREATE TRIGGER rate_file_no_delete BEFORE DELETE ON rate_file BEGIN SELECT RAISE(ABORT, 'rate_file: append-only'); END
--;;
CREATE TRIGGER rate_approval_no_update BEFORE UPDATE ON rate_approval BEGIN SELECT RAISE(ABORT, 'rate_approval: append-only'); END
--;;
CREATE TRIGGER rate_approval_no_delete BEFORE DELETE ON rate_approval BEGIN SELECT RAISE(ABORT, 'rate_approval: append-only'); END
--;;
CREATE TRIGGER rate_decision_no_update BEFORE UPDATE ON rate_decision BEGIN SELECT RAISE(ABORT, 'rate_decision: append-only'); END
--;;
CREATE TRIGGER rate_decision_no_delete BEFORE DELETE ON rate_decision BEGIN SELECT RAISE(ABORT, 'rate_decision: append-only'); END
--;;
CREATE TRIGGER rate_set_no_update BEFORE UPDATE ON rate_set BEGIN SELECT RAISE(ABORT, 'rate_set: append-only'); END
--;;
CREATE TRIGGER rate_set_no_delete BEFORE DELETE ON rate_set BEGIN SELECT RAISE(ABORT, 'rate_set: append-only'); END
