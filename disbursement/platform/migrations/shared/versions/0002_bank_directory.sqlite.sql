CREATE TABLE bank_version (
    id INTEGER NOT NULL,
    note TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    content BLOB NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_person INTEGER NOT NULL,
    proposed_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE bank_row (
    version_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name_vi TEXT NOT NULL,
    short_name TEXT NOT NULL,
    vietqr_code TEXT NOT NULL,
    bic TEXT NOT NULL,
    napas_bin TEXT NOT NULL,
    sbv_bank_code_3 TEXT NOT NULL,
    citad_codes TEXT NOT NULL,
    now TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    confidence TEXT NOT NULL,
    note TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (version_id, n)
)
--;;
CREATE TABLE bank_approval (
    version_id INTEGER NOT NULL,
    document TEXT NOT NULL,
    proposed_person INTEGER NOT NULL,
    approved_by TEXT NOT NULL,
    approved_person INTEGER NOT NULL,
    approved_at TEXT NOT NULL,
    PRIMARY KEY (version_id),
    CONSTRAINT bank_approval_two_people CHECK (approved_person <> proposed_person)
)
--;;
CREATE TRIGGER bank_version_no_update BEFORE UPDATE ON bank_version BEGIN SELECT RAISE(ABORT, 'bank_version: append-only'); END
--;;
CREATE TRIGGER bank_version_no_delete BEFORE DELETE ON bank_version BEGIN SELECT RAISE(ABORT, 'bank_version: append-only'); END
--;;
CREATE TRIGGER bank_row_no_update BEFORE UPDATE ON bank_row BEGIN SELECT RAISE(ABORT, 'bank_row: append-only'); END
--;;
CREATE TRIGGER bank_row_no_delete BEFORE DELETE ON bank_row BEGIN SELECT RAISE(ABORT, 'bank_row: append-only'); END
--;;
CREATE TRIGGER bank_approval_no_update BEFORE UPDATE ON bank_approval BEGIN SELECT RAISE(ABORT, 'bank_approval: append-only'); END
--;;
CREATE TRIGGER bank_approval_no_delete BEFORE DELETE ON bank_approval BEGIN SELECT RAISE(ABORT, 'bank_approval: append-only'); END
