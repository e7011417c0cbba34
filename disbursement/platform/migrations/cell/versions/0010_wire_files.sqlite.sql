CREATE TABLE wire_file (
    batch_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    made_at TEXT NOT NULL,
    asked_at TEXT,
    PRIMARY KEY (batch_id),
    UNIQUE (name)
)
