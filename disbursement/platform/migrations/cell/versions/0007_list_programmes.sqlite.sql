CREATE TABLE list_unit (
    sub_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    programme TEXT NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (sub_id),
    UNIQUE (programme, unit)
)
--;;
CREATE INDEX list_unit_payer ON list_unit (payer_id)
--;;
CREATE INDEX list_unit_person ON list_unit (person_id)
--;;
CREATE TABLE list_right (
    sub_id INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    profile_id INTEGER NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id INTEGER NOT NULL,
    PRIMARY KEY (sub_id, cover)
)
--;;
CREATE TABLE list_right_change (
    sub_id INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    profile_id INTEGER NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id INTEGER NOT NULL,
    replaced_by INTEGER NOT NULL,
    PRIMARY KEY (sub_id, cover, replaced_by)
)
--;;
CREATE TRIGGER list_right_change_no_update BEFORE UPDATE ON list_right_change BEGIN SELECT RAISE(ABORT, 'list_right_change: append-only'); END
--;;
CREATE TRIGGER list_right_change_no_delete BEFORE DELETE ON list_right_change BEGIN SELECT RAISE(ABORT, 'list_right_change: append-only'); END
