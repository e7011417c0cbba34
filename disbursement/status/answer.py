"""From a code and a year to sentences: the same work for a right pair and for a wrong one."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from disbursement.api.attempts import Row, attempts_of
from disbursement.payments.rules import FAILED, payment_state
from disbursement.platform.context import Context
from disbursement.status.words import NOT_FOUND, NOTHING_YET, Fact, sentences
from ledger.sql import text

MONTHS = 3
"""How many payments are told, newest first."""
NOBODY = 0


def answer(ctx: Context, code: str, year: int) -> tuple[str, ...]:
    """Return what to show for a reference code and a year of birth.

    An unknown code and a wrong year are one answer, found by the same queries (on nobody).
    """
    with ctx.cell.read() as conn:
        person_id = _person(conn, code, year)
        facts = recent(conn, person_id)
    if person_id == NOBODY:
        return NOT_FOUND
    return tuple(s for fact in facts for s in sentences(fact)) or NOTHING_YET


def _person(conn: Connection, code: str, year: int) -> int:
    """Return the person with this code born in this year (an uncertain birth: any of its years)."""
    row = conn.execute(
        text("SELECT id, birth_from, birth_to FROM person WHERE reference = :code"), {"code": code}
    ).first()
    if row is None or not int(row.birth_from[:4]) <= year <= int(row.birth_to[:4]):
        return NOBODY
    return int(row.id)


def recent(conn: Connection, person_id: int) -> list[Fact]:
    """Return a person's last payments on released lists, newest first."""
    rows = conn.execute(
        text(
            "SELECT p.id, l.month, p.amount_vnd, p.rail, p.hold_reason, p.closed_as, "
            "d.account_last4 FROM payment p JOIN pay_list l ON l.id = p.list_id "
            "JOIN destination d ON d.id = p.destination_id "
            "WHERE p.person_id = :person AND l.released_at IS NOT NULL "
            "ORDER BY l.month DESC, p.id DESC LIMIT :n"
        ),
        {"person": person_id, "n": MONTHS},
    ).mappings()
    payments = [dict(row) for row in rows]
    attempts = attempts_of(conn, [p["id"] for p in payments] or [NOBODY])
    return [_fact(conn, p, attempts[p["id"]]) for p in payments]


def _fact(conn: Connection, payment: Row, attempts: list[Row]) -> Fact:
    state = payment_state(
        payment["hold_reason"], payment["closed_as"], [a["state"] for a in attempts]
    )
    last = attempts[-1] if attempts else None
    said = last["news"][-1] if last and last["news"] else None
    failures = [n["code"] for a in attempts for n in a["news"] if n["state"] in FAILED]
    roster = _roster(conn, last["batch_id"]) if last and state == "ordered" else None
    return Fact(
        month=payment["month"],
        amount_vnd=payment["amount_vnd"],
        state=state,
        rail=payment["rail"],
        account_last4=payment["account_last4"],
        day=_day(said["day"]) if said else None,
        code=failures[-1] if failures else "",
        place=roster["place"] if roster else "",
        first_day=_day(roster["first_day"]) if roster else None,
        last_day=_day(roster["last_day"]) if roster else None,
    )


def _roster(conn: Connection, batch_id: int) -> Row | None:
    row = (
        conn.execute(
            text(
                "SELECT place, first_day, last_day FROM roster "
                "WHERE batch_id = :b AND state = 'ordered'"
            ),
            {"b": batch_id},
        )
        .mappings()
        .first()
    )
    return dict(row) if row is not None else None


def _day(text_day: str) -> date | None:
    return date.fromisoformat(text_day) if text_day else None
