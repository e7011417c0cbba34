"""What the API reads: keyset pages by id, always within the caller's payers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam

from disbursement.api.access import Reach
from disbursement.api.attempts import attempts_of
from disbursement.payments.rules import payment_state
from disbursement.platform.clock import parse_month
from disbursement.platform.errors import NotFoundError
from disbursement.runs.receivables import as_json, read_receivables
from ledger.sql import text

Row = dict[str, Any]

_RUN = """SELECT r.id, y.code AS payer, r.month, r.state, r.opened_at, r.closed_at
FROM run r JOIN payer y ON y.id = r.payer_id WHERE r.id > :after"""

_LIST = """SELECT r.id, r.run_id, y.code AS payer, r.programme, r.month, r.number, r.version,
r.state, r.people, r.payments, r.total_vnd, r.minted_vnd, r.carried_vnd, r.held_right_vnd,
r.held_payment_vnd, r.prepared_at, r.expires_at, r.release_on, r.released_at, r.journal_id
FROM pay_list r JOIN payer y ON y.id = r.payer_id WHERE r.id > :after"""

_BATCH = """SELECT r.id, r.list_id, r.run_id, y.code AS payer, p.code AS provider, r.programme,
r.month, r.purpose, r.lot, r.version, r.rail, r.profile, r.message_id, r.value_date, r.payments,
r.total_vnd, r.file_sha256, r.state, r.released_at, r.sent_at, r.answered_at
FROM batch r JOIN payer y ON y.id = r.payer_id JOIN provider p ON p.id = r.provider_id
WHERE r.id > :after"""

_PAYMENT = """SELECT r.id, r.list_id, y.code AS payer, x.reference, r.rail, r.amount_vnd,
r.hold_reason, r.closed_as, d.bank_code, d.account_last4
FROM payment r JOIN payer y ON y.id = r.payer_id JOIN person x ON x.id = r.person_id
JOIN destination d ON d.id = r.destination_id WHERE r.id > :after"""

_FILTERS = {
    "id": "r.id = :id",
    "month": "r.month = :month",
    "payer": "y.code = :payer",
    "run": "r.run_id = :run",
    "list": "r.list_id = :list",
}


def _rows(
    conn: Connection, reach: Reach, query: str, after: int, limit: int, where: Mapping[str, Any]
) -> list[Row]:
    """Run one of the queries above: filters that are None are left out."""
    params = {name: value for name, value in where.items() if value is not None}
    sql = query + "".join(f" AND {_FILTERS[name]}" for name in params)
    if reach.codes is not None:
        sql += " AND y.code IN :codes"
    statement = text(f"{sql} ORDER BY r.id LIMIT :limit")
    params |= {"after": after, "limit": limit}
    if reach.codes is not None:
        statement = statement.bindparams(bindparam("codes", expanding=True))
        params["codes"] = sorted(reach.codes)
    return [_shown(row) for row in conn.execute(statement, params).mappings()]


def _shown(row: Any) -> Row:
    made = dict(row)
    if "month" in made:
        made["month"] = f"{made['month'] // 100}-{made['month'] % 100:02d}"
    if made.get("file_sha256") is not None:
        made["file_sha256"] = bytes(made["file_sha256"]).hex()
    return made


def _page(rows: list[Row], limit: int) -> Row:
    more = len(rows) > limit
    return {"items": rows[:limit], "next_cursor": str(rows[limit - 1]["id"]) if more else None}


def _month(month: str | None) -> int | None:
    return None if month is None else parse_month(month)


def _one(conn: Connection, reach: Reach, query: str, wanted: int) -> Row:
    rows = _rows(conn, reach, query, 0, 1, {"id": wanted})
    if not rows:
        raise NotFoundError("not_found", "Không có mục này.", en="There is nothing here.")
    return rows[0]


def runs(
    conn: Connection, reach: Reach, *, after: int, limit: int, month: str | None, payer: str | None
) -> Row:
    """Return a page of runs."""
    where = {"month": _month(month), "payer": payer}
    return _page(_rows(conn, reach, _RUN, after, limit + 1, where), limit)


def lists(
    conn: Connection,
    reach: Reach,
    *,
    after: int,
    limit: int,
    month: str | None,
    payer: str | None,
    run: int | None,
) -> Row:
    """Return a page of lists."""
    where = {"month": _month(month), "payer": payer, "run": run}
    return _page(_rows(conn, reach, _LIST, after, limit + 1, where), limit)


def list_detail(conn: Connection, reach: Reach, list_id: int) -> Row:
    """Return a list with its signatures and batches.

    Raises NotFoundError for an unknown list and for one out of reach, alike.
    """
    found = _one(conn, reach, _LIST, list_id)
    signatures = conn.execute(
        text(
            "SELECT s.role, u.username, s.signed_at FROM signature s "
            "JOIN app_user u ON u.id = s.user_id WHERE s.journal_id = :j ORDER BY s.signed_at"
        ),
        {"j": found["journal_id"]},
    ).mappings()
    batches = conn.execute(
        text("SELECT id FROM batch WHERE list_id = :l ORDER BY id"), {"l": list_id}
    ).scalars()
    return found | {"signatures": [dict(s) for s in signatures], "batches": list(batches)}


def batches(
    conn: Connection,
    reach: Reach,
    *,
    after: int,
    limit: int,
    month: str | None,
    payer: str | None,
    list_id: int | None,
) -> Row:
    """Return a page of batches."""
    where = {"month": _month(month), "payer": payer, "list": list_id}
    return _page(_rows(conn, reach, _BATCH, after, limit + 1, where), limit)


def batch_detail(conn: Connection, reach: Reach, batch_id: int) -> Row:
    """Return a batch. Raises NotFoundError for unknown and out of reach alike."""
    return _one(conn, reach, _BATCH, batch_id)


def payments(conn: Connection, reach: Reach, *, after: int, limit: int, list_id: int) -> Row:
    """Return a page of a list's payments with their states.

    Raises NotFoundError for a list that is unknown or out of reach.
    """
    _one(conn, reach, _LIST, list_id)
    page = _page(_rows(conn, reach, _PAYMENT, after, limit + 1, {"list": list_id}), limit)
    attempts = attempts_of(conn, [p["id"] for p in page["items"]])
    page["items"] = [_with_state(p, attempts[p["id"]]) for p in page["items"]]
    return page


def payment_detail(conn: Connection, reach: Reach, payment_id: int) -> Row:
    """Return a payment with its attempts. Raises NotFoundError for unknown and out of reach."""
    found = _one(conn, reach, _PAYMENT, payment_id)
    attempts = attempts_of(conn, [payment_id])[payment_id]
    return _with_state(found, attempts) | {"attempts": attempts}


def receivables(
    conn: Connection, reach: Reach, *, after: int, limit: int, payer: str | None
) -> Row:
    """Return a page of overpayments: by reference, without the person's name."""
    codes = reach.codes
    if payer is not None:
        codes = frozenset({payer}) if reach.covers(payer) else frozenset()
    rows = read_receivables(conn, payers=codes, after=after, limit=limit + 1)
    return _page([{k: v for k, v in as_json(r).items() if k not in _PERSONAL} for r in rows], limit)


_PERSONAL = ("person", "last4")


def _with_state(payment: Row, attempts: Sequence[Row]) -> Row:
    state = payment_state(
        payment["hold_reason"], payment["closed_as"], [a["state"] for a in attempts]
    )
    return {k: v for k, v in payment.items() if k != "closed_as"} | {"state": state}
