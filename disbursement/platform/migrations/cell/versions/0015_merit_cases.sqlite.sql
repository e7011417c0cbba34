CREATE TABLE merit_case (
    sub_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id INTEGER NOT NULL,
    PRIMARY KEY (sub_id, code)
)
--;;
CREATE INDEX merit_case_person ON merit_case (person_id)
--;;
CREATE TABLE merit_case_change (
    sub_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    body TEXT NOT NULL,
    decision_number TEXT NOT NULL,
    decision_date TEXT NOT NULL,
    decision_signer TEXT NOT NULL,
    import_id INTEGER NOT NULL,
    replaced_by INTEGER NOT NULL,
    PRIMARY KEY (sub_id, code, replaced_by)
)
--;;
CREATE TRIGGER merit_case_change_no_update BEFORE UPDATE ON merit_case_change BEGIN SELECT RAISE(ABORT, 'merit_case_change: append-only'); END
--;;
CREATE TRIGGER merit_case_change_no_delete BEFORE DELETE ON merit_case_change BEGIN SELECT RAISE(ABORT, 'merit_case_change: append-only'); END
