CREATE TABLE list_opening (
    sub_id INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    import_id INTEGER NOT NULL,
    journal_id INTEGER,
    PRIMARY KEY (sub_id, cover)
)
