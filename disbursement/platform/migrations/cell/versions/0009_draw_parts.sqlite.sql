CREATE TABLE draw_part (
    id INTEGER NOT NULL,
    draw_id INTEGER NOT NULL,
    provider_id INTEGER NOT NULL,
    amount_vnd INTEGER NOT NULL,
    carried_vnd INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (draw_id, provider_id)
)
--;;
CREATE TRIGGER draw_part_no_update BEFORE UPDATE ON draw_part BEGIN SELECT RAISE(ABORT, 'draw_part: append-only'); END
--;;
CREATE TRIGGER draw_part_no_delete BEFORE DELETE ON draw_part BEGIN SELECT RAISE(ABORT, 'draw_part: append-only'); END
--;;
INSERT INTO draw_part (id, draw_id, provider_id, amount_vnd, carried_vnd) SELECT q.id, q.id, q.provider_id, q.amount_vnd, q.carried_vnd FROM (SELECT d.id, d.amount_vnd, d.carried_vnd, (SELECT b.provider_id FROM batch b WHERE b.list_id = d.list_id ORDER BY b.id LIMIT 1) AS provider_id FROM draw d) q WHERE q.provider_id IS NOT NULL
