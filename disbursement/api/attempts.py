"""The attempts of some payments with what was said about each: for one page, not for a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam

from disbursement.payments.rules import News, attempt_state
from ledger.sql import text

Row = dict[str, Any]


def attempts_of(conn: Connection, payment_ids: Sequence[int]) -> defaultdict[int, list[Row]]:
    """Return the attempts of each payment in the order they were made, each with its state."""
    made: defaultdict[int, list[Row]] = defaultdict(list)
    if not payment_ids:
        return made
    wanted = {"ids": list(payment_ids)}
    news: defaultdict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in conn.execute(
        text(
            "SELECT a.batch_id, a.n, a.state, a.code_set, a.code, a.day FROM attempt_news a "
            "JOIN batch_row r ON r.batch_id = a.batch_id AND r.n = a.n "
            "WHERE r.payment_id IN :ids ORDER BY a.batch_id, a.n, a.seq"
        ).bindparams(bindparam("ids", expanding=True)),
        wanted,
    ).mappings():
        said = dict(row)
        news[said.pop("batch_id"), said.pop("n")].append(said)
    for row in conn.execute(
        text(
            "SELECT r.payment_id, r.batch_id, r.n, r.end_to_end_id, b.rail, r.amount_vnd, "
            "b.state AS batch_state FROM batch_row r JOIN batch b ON b.id = r.batch_id "
            "WHERE r.payment_id IN :ids ORDER BY r.batch_id, r.n"
        ).bindparams(bindparam("ids", expanding=True)),
        wanted,
    ).mappings():
        attempt = dict(row)
        said_of_it = news[attempt["batch_id"], attempt["n"]]
        attempt["news"] = said_of_it
        attempt["state"] = attempt_state(
            attempt.pop("batch_state"),
            attempt["rail"],
            [News(s["state"], s["code"], s["code_set"]) for s in said_of_it],
        )
        made[attempt.pop("payment_id")].append(attempt)
    return made
