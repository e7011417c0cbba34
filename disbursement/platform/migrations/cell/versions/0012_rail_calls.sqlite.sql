CREATE TABLE rail_call (
    id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    step TEXT NOT NULL,
    request_id TEXT NOT NULL,
    first_n INTEGER NOT NULL,
    last_n INTEGER NOT NULL,
    state TEXT NOT NULL,
    reference TEXT NOT NULL,
    wire_enc BLOB NOT NULL,
    made_at TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    asks INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (batch_id, n, step)
)
--;;
CREATE INDEX rail_call_request ON rail_call (request_id)
--;;
CREATE INDEX rail_call_state ON rail_call (state, batch_id)
