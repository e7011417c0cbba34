CREATE TABLE recall (
    id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    payer_id INTEGER NOT NULL,
    provider_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    version TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_sha256 BLOB NOT NULL,
    created_text TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL,
    payments INTEGER NOT NULL,
    total_vnd INTEGER NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_person INTEGER NOT NULL,
    made_at TEXT NOT NULL,
    signed_by TEXT,
    signed_person INTEGER,
    signed_at TEXT,
    sent_at TEXT,
    PRIMARY KEY (id),
    UNIQUE (message_id),
    CONSTRAINT recall_two_people CHECK (signed_person <> made_person)
)
--;;
CREATE INDEX recall_batch ON recall (batch_id)
--;;
CREATE TABLE recall_row (
    recall_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (recall_id, n)
)
--;;
CREATE INDEX recall_row_batch ON recall_row (batch_id, n)
