CREATE TABLE bank_version (
    id BIGINT NOT NULL,
    note TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    content BYTEA NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_person BIGINT NOT NULL,
    proposed_at TEXT NOT NULL,
    PRIMARY KEY (id)
)
--;;
CREATE TABLE bank_row (
    version_id BIGINT NOT NULL,
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
    version_id BIGINT NOT NULL,
    document TEXT NOT NULL,
    proposed_person BIGINT NOT NULL,
    approved_by TEXT NOT NULL,
    approved_person BIGINT NOT NULL,
    approved_at TEXT NOT NULL,
    PRIMARY KEY (version_id),
    CONSTRAINT bank_approval_two_people CHECK (approved_person <> proposed_person)
)
--;;
GRANT SELECT, INSERT ON {schema}.bank_version TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.bank_row TO disburse_app
--;;
GRANT SELECT, INSERT ON {schema}.bank_approval TO disburse_app
