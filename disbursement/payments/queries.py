"""Reading payments: one payment's story, every payment's state, failures, a month's counts.

The state of an attempt is folded by `rules.attempt_state`; `STATES` is its set-wise form for
reports over many (a property test keeps the two equal). Amounts are whole dong, months yyyymm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bank_adapters.codes import classify
from disbursement.payments.rules import (
    FAILED,
    IN_FLIGHT,
    MOVING,
    PAID,
    SETTLED_CLAIMS,
    News,
    attempt_state,
    payment_state,
)
from ledger.sql import text

__all__ = [
    "Attempt",
    "Failure",
    "PaymentNow",
    "Said",
    "Story",
    "attempts_of",
    "cash_split",
    "failures",
    "month_counts",
    "payment_now_sql",
    "payment_story",
]


@dataclass(frozen=True)
class Said:
    """One piece of news about an attempt."""

    state: str
    code_set: str
    code: str
    text: str
    day: str
    answer_id: int


@dataclass(frozen=True)
class Attempt:
    """One attempt: where it went, its state, the day and code of its last outcome."""

    batch_id: int
    n: int
    rail: str
    purpose: str
    order: str
    state: str
    day: str
    code: str
    news: tuple[Said, ...]


def attempts_of(conn: Connection, payment_id: int) -> list[Attempt]:
    """Return a payment's attempts in the order they were made, each with its news."""
    rows = conn.execute(
        text(
            "SELECT r.batch_id, r.n, b.rail, b.purpose, r.end_to_end_id, b.state, b.sent_at "
            "FROM batch_row r JOIN batch b ON b.id = r.batch_id WHERE r.payment_id = :p "
            "ORDER BY r.batch_id"
        ),
        {"p": payment_id},
    ).all()
    out = []
    for batch_id, n, rail, purpose, order, batch_state, sent_at in rows:
        news = [
            Said(*row)
            for row in conn.execute(
                text(
                    "SELECT state, code_set, code, text, day, answer_id FROM attempt_news "
                    "WHERE batch_id = :b AND n = :n ORDER BY seq"
                ),
                {"b": batch_id, "n": n},
            )
        ]
        state = attempt_state(batch_state, rail, [News(s.state, s.code, s.code_set) for s in news])
        last = next((s for s in reversed(news) if s.state in MOVING), None)
        out.append(
            Attempt(
                batch_id, n, rail, purpose, order, state,
                last.day if last else (sent_at or "")[:10], last.code if last else "", tuple(news),
            )
        )  # fmt: skip
    return out


# --- one person's story --------------------------------------------------------------------------


@dataclass(frozen=True)
class PaymentNow:
    """One payment as an officer tells it: covered months with dong, state, attempts.

    The roster fields say where and until when cash waits ('' where it does not); `last4` are the
    last digits of the account, '' for cash.
    """

    payment_id: int
    month: int
    programme: str
    amount_vnd: int
    covers: tuple[tuple[int, int], ...]
    rail: str
    last4: str
    state: str
    hold_reason: str
    attempts: tuple[Attempt, ...]
    place: str
    first_day: str
    last_day: str


@dataclass(frozen=True)
class Story:
    """Everything about one reference code, newest month first. No name, no identity number."""

    reference: str
    birth_year: int
    payer: str
    died: bool
    payments: tuple[PaymentNow, ...]
    free: tuple[tuple[int, int, str], ...]
    """Coins that wait in payable: covered month, dong, reason."""


def payment_story(conn: Connection, reference: str) -> Story | None:
    """Return the story of a cleaned reference code; None where nobody has it."""
    person = conn.execute(
        text(
            "SELECT p.id, p.birth_from, p.died_on, y.code FROM person p "
            "JOIN payer y ON y.id = p.payer_id WHERE p.reference = :r"
        ),
        {"r": reference},
    ).first()
    if person is None:
        return None
    rows = conn.execute(
        text(
            "SELECT p.id, l.month, l.programme, p.amount_vnd, p.rail, d.account_last4, "
            "p.hold_reason, p.closed_as FROM payment p JOIN pay_list l ON l.id = p.list_id "
            "LEFT JOIN destination d ON d.id = p.destination_id WHERE p.person_id = :i "
            "AND l.state IN ('released', 'closed') ORDER BY l.month DESC, p.id DESC"
        ),
        {"i": person.id},
    ).all()
    free = conn.execute(
        text(
            "SELECT cover, amount_vnd, reason FROM free_coin WHERE sub_id = :i OR sub_id IN "
            "(SELECT u.sub_id FROM list_unit u WHERE u.person_id = :i) ORDER BY cover, item"
        ),
        {"i": person.id},
    ).all()
    return Story(
        reference,
        int(person.birth_from[:4]),
        person.code,
        person.died_on is not None,
        tuple(_payment_now(conn, row) for row in rows),
        tuple((c, int(v), r) for c, v, r in free),
    )


def _payment_now(conn: Connection, row: Sequence[object]) -> PaymentNow:
    payment_id, month, programme, amount, rail, last4, hold_reason, closed_as = row
    attempts = attempts_of(conn, int(str(payment_id)))
    covers = conn.execute(
        text(
            "SELECT cover, sum(amount_vnd) FROM payment_coin WHERE payment_id = :p "
            "GROUP BY cover ORDER BY cover"
        ),
        {"p": payment_id},
    ).all()
    roster = None
    if attempts and attempts[-1].rail == "cash":
        roster = conn.execute(
            text("SELECT place, first_day, last_day FROM roster WHERE batch_id = :b"),
            {"b": attempts[-1].batch_id},
        ).first()
    place, first_day, last_day = roster or ("", "", "")
    state = payment_state(str(hold_reason), str(closed_as), [a.state for a in attempts])
    return PaymentNow(
        int(str(payment_id)), int(str(month)), str(programme), int(str(amount)),
        tuple((c, int(v)) for c, v in covers), str(rail), str(last4 or ""), state,
        str(hold_reason), tuple(attempts), place, first_day, last_day,
    )  # fmt: skip


# --- every payment's state -----------------------------------------------------------------------

_LETTERS = {"credited": "c", "rejected": "j", "returned": "r", "collected": "h",
            "uncollected": "u", "cancelled": "x"}  # fmt: skip
_CODES = {
    state: number
    for number, state in enumerate(
        ("queued", *sorted(IN_FLIGHT), *sorted(FAILED), *sorted(PAID), "parked"), 1
    )
}
"""Numbers of the states in `last`, so that the newest attempt's state needs no second join."""


def _in(states: Sequence[str] | frozenset[str]) -> str:
    return ", ".join(f"'{s}'" for s in sorted(states))


def _attempts_sql(where: str) -> str:
    """Return a SELECT (payment_id, batch_id, n, state) of the attempts `where` names (b, r)."""
    # f_: first, l_: last place of each outcome after the last decision; a decision is an outcome.
    places = ", ".join(
        f"min(CASE WHEN k.state = '{state}' THEN k.seq END) AS f_{x}, "
        f"max(CASE WHEN k.state = '{state}' THEN k.seq END) AS l_{x}"
        for state, x in _LETTERS.items()
    )
    decided = (
        "(SELECT coalesce(max(z.seq), 0) FROM attempt_news z WHERE z.batch_id = k.batch_id "
        "AND z.n = k.n AND z.code_set = 'decision')"
    )
    news = (
        f"SELECT k.batch_id AS kb, k.n AS kn, {places}, "
        "max(CASE WHEN k.state = 'parked' THEN 1 ELSE 0 END) AS parked, "
        f"max(CASE WHEN k.code IN ({_in(SETTLED_CLAIMS)}) AND k.state NOT IN ({_in(MOVING)}) "
        "AND k.code_set <> 'decision' THEN 1 ELSE 0 END) AS claimed, "
        "max(CASE WHEN k.code_set = 'decision' THEN 1 ELSE 0 END) AS decided, "
        f"max(CASE WHEN k.code_set = 'decision' AND k.state IN ({_in(MOVING)}) THEN 1 ELSE 0 END) "
        "AS ruled, max(CASE k.state WHEN 'accepted' THEN 3 WHEN 'sent' THEN 2 WHEN 'unknown' "
        "THEN 1 ELSE 0 END) AS weak, max(CASE WHEN k.state = 'recall_asked' THEN k.seq END) AS l_a "
        "FROM attempt_news k JOIN batch b ON b.id = k.batch_id "
        "JOIN batch_row r ON r.batch_id = k.batch_id AND r.n = k.n "
        f"WHERE ({where}) AND k.seq >= {decided} GROUP BY k.batch_id, k.n"
    )
    base = (
        "CASE WHEN b.state = 'held' THEN 'planned' WHEN b.state IN ('withdrawn', 'void') THEN "
        "'withdrawn' WHEN b.state = 'cancelled' THEN 'cancelled' WHEN b.rail = 'cash' THEN "
        "'ordered' ELSE b.state END"
    )
    return (
        f"SELECT a.payment_id, a.batch_id, a.n, {_FOLD} AS state FROM (SELECT r.payment_id, "
        f"r.batch_id, r.n, CASE WHEN coalesce(w.decided, 0) = 1 THEN 'sending' ELSE {base} END AS "
        "base, w.* FROM batch_row r JOIN batch b ON b.id = r.batch_id "
        f"LEFT JOIN ({news}) w ON w.kb = r.batch_id AND w.kn = r.n WHERE {where}) a"
    )


# Asked back last at l_a: from the next "unknown" on (the rail refused, or cannot say) it is as if
# that had been said first; until then nothing weaker than an outcome counts.
_ASKED = """CASE (SELECT max(CASE z.state WHEN 'accepted' THEN 3 WHEN 'sent' THEN 2 ELSE 1 END)
  FROM attempt_news z WHERE z.batch_id = a.batch_id AND z.n = a.n AND z.seq >= (
    SELECT min(u.seq) FROM attempt_news u WHERE u.batch_id = a.batch_id AND u.n = a.n
    AND u.seq > a.l_a AND u.state = 'unknown'))
  WHEN 3 THEN 'accepted' WHEN 2 THEN 'sent' WHEN 1 THEN 'unknown' ELSE 'recall_asked' END"""
_ANY = "coalesce(a.f_c, a.f_j, a.f_r, a.f_h, a.f_u, a.f_x) IS NOT NULL"
_FLYING = "a.base IN ('sending', 'sent', 'accepted', 'unknown')"


def _only(letter: str) -> str:
    others = [x for x in _LETTERS.values() if x != letter]
    return f"a.f_{letter} IS NOT NULL AND " + " AND ".join(f"a.f_{x} IS NULL" for x in others)


# The legal stories of rules.GRAPH: C+, J+, C*R[RJ]*, X+ by a bank; H+, U+, X+ at a desk.
_FOLD = f"""
CASE
  WHEN coalesce(a.parked, 0) = 1 THEN 'parked'
  WHEN NOT ({_ANY}) THEN
    CASE WHEN a.base NOT IN ('sending', 'sent', 'accepted', 'unknown') THEN a.base
         WHEN a.l_a IS NOT NULL THEN {_ASKED}
         WHEN coalesce(a.weak, 0) > CASE a.base WHEN 'accepted' THEN 3 WHEN 'sent' THEN 2
              WHEN 'unknown' THEN 1 ELSE 0 END
           THEN CASE a.weak WHEN 3 THEN 'accepted' WHEN 2 THEN 'sent' ELSE 'unknown' END
         ELSE a.base END
  WHEN a.base = 'ordered' AND {_only("h")} THEN 'collected'
  WHEN a.base = 'ordered' AND {_only("u")} THEN 'uncollected'
  WHEN a.base IN ('ordered', 'queued', 'cancelled') AND {_only("x")} THEN 'cancelled'
  WHEN a.ruled = 1 AND {_only("h")} THEN 'collected'
  WHEN a.ruled = 1 AND {_only("u")} THEN 'uncollected'
  WHEN {_FLYING} AND {_only("x")} THEN 'cancelled'
  WHEN {_FLYING} AND {_only("c")} THEN 'credited'
  WHEN {_FLYING} AND {_only("j")} AND a.claimed = 0 THEN 'rejected'
  WHEN {_FLYING} AND a.f_r IS NOT NULL AND coalesce(a.f_h, a.f_u, a.f_x) IS NULL
    AND coalesce(a.l_c, 0) < a.f_r AND (a.f_j IS NULL OR a.f_j > a.f_r) THEN 'returned'
  ELSE 'parked'
END
"""


def payment_now_sql(where: str = "1 = 1", attempts: str = "1 = 1") -> str:
    """Return a SELECT (payment_id, amount_vnd, state) of the payments `where` names (alias p).

    `attempts` limits the attempts looked at (aliases b for the batch, r for its row); it must
    not leave out an attempt of the payments asked for.
    """
    numbers = " ".join(f"WHEN '{s}' THEN {n}" for s, n in _CODES.items())
    names = " ".join(f"WHEN {n} THEN '{s}'" for s, n in _CODES.items())
    flying = _in(IN_FLIGHT | {"queued"})
    summed = (
        # The state of an attempt is asked for seven times below, and worked out once.
        f"WITH s AS MATERIALIZED ({_attempts_sql(attempts)}) "
        "SELECT s.payment_id, max(CASE WHEN s.state = 'parked' THEN 1 ELSE 0 END) AS parked, "
        f"sum(CASE WHEN s.state IN ({_in(PAID)}) THEN 1 ELSE 0 END) AS paid, "
        f"max(CASE WHEN s.state IN ({_in(PAID)}) THEN s.state END) AS paid_as, "
        f"max(CASE WHEN s.state IN ({flying}) THEN s.batch_id * 32 + CASE s.state {numbers} END "
        "END) AS flying, max(CASE WHEN s.state NOT IN ('withdrawn', 'planned') THEN "
        f"s.batch_id * 32 + CASE s.state {numbers} END END) AS newest "
        "FROM s GROUP BY s.payment_id"
    )
    return (
        "SELECT p.id AS payment_id, p.amount_vnd, CASE WHEN q.parked = 1 OR q.paid > 1 "
        "OR (q.paid = 1 AND q.flying IS NOT NULL) THEN 'parked' "
        "WHEN p.closed_as IN ('carried', 'ended') THEN p.closed_as "
        "WHEN q.paid = 1 THEN q.paid_as "
        f"WHEN q.flying IS NOT NULL THEN CASE q.flying % 32 {names} END "
        f"WHEN q.newest IS NOT NULL THEN CASE q.newest % 32 {names} END "
        "WHEN p.hold_reason <> '' THEN 'held' ELSE 'planned' END AS state "
        f"FROM payment p LEFT JOIN ({summed}) q ON q.payment_id = p.id WHERE {where}"
    )


# --- failures and counts -------------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    """One reason for which payments of a month failed: how often, dong, what is done about it."""

    event: str
    code: str
    name: str
    treatment: str
    count: int
    amount_vnd: int


def failures(conn: Connection, month: int) -> list[Failure]:
    """Return the month's rejections and returns by reason, the most frequent first."""
    rows = conn.execute(
        text(
            "SELECT k.state, k.code, count(*), sum(r.amount_vnd) FROM batch b "
            "JOIN attempt_news k ON k.batch_id = b.id "
            "JOIN batch_row r ON r.batch_id = k.batch_id AND r.n = k.n "
            "WHERE b.month = :m AND k.state IN ('rejected', 'returned', 'cancelled') "
            "GROUP BY k.state, k.code ORDER BY 3 DESC, 1, 2"
        ),
        {"m": month},
    ).all()
    out = []
    for event, code, count, vnd in rows:
        found = classify("return" if event == "returned" else "status", code)
        out.append(Failure(event, code, found.name, found.treatment, int(count), int(vnd)))
    return out


COUNTS = (
    "people", "entitled", "carried_in", "sent", "credited", "rejected", "returned", "unknown",
    "cash_orders", "cash_collected", "carried", "held",
)  # fmt: skip
"""Counts of a month; each also stands as `<name>_vnd`."""
_OPEN = sorted((IN_FLIGHT | {"parked"}) - {"ordered"})


def month_counts(conn: Connection, month: int) -> dict[str, object]:
    """Return a month's figures over all payers, as the demo's summary names them.

    Counts are payments of released lists, except `people` (persons with a case in force that
    month, held ones included); `rejected` and `returned` count events. `owed_vnd` is what the
    month's lists minted less what they cancelled; `people_vnd` what was assessed, held included;
    `carried_in` are payments that take coins of earlier months, with the dong of those coins.
    `unknown`: no final outcome yet, contradictions included. `held`: payments under a hold, and
    people whose right is held. The key `funnel` holds people, with_account, sent, credited.
    """
    out: dict[str, object] = {"month": month}
    pairs = _planned(conn, month) | _events(conn, month) | _outcomes(conn, month)
    people, with_account = _people(conn, month)
    right, right_vnd = _held_right(conn, month)
    held, held_vnd = pairs["held"]
    pairs["held"] = (held + right, held_vnd + right_vnd)
    pairs["people"] = (people, pairs["entitled"][1] + right_vnd)
    for name in COUNTS:
        out[name], out[f"{name}_vnd"] = pairs[name]
    out["owed_vnd"] = _one(
        conn,
        "SELECT coalesce(sum(minted_vnd - cancelled_vnd), 0) FROM pay_list WHERE month = :m "
        "AND state IN ('released', 'closed')",
        month,
    )[0]
    out["funnel"] = {
        "people": people, "with_account": with_account, "sent": pairs["sent"][0],
        "credited": pairs["credited"][0],
    }  # fmt: skip
    return out


def _one(conn: Connection, query: str, month: int) -> tuple[int, ...]:
    return tuple(int(v or 0) for v in conn.execute(text(query), {"m": month}).one())


_RELEASED = "SELECT l.id FROM pay_list l WHERE l.month = :m AND l.state IN ('released', 'closed')"


def _planned(conn: Connection, month: int) -> dict[str, tuple[int, int]]:
    entitled, entitled_vnd, held, held_vnd, carried, carried_vnd = _one(
        conn,
        "SELECT count(*), sum(amount_vnd), sum(CASE WHEN hold_reason <> '' THEN 1 ELSE 0 END), "
        "sum(CASE WHEN hold_reason <> '' THEN amount_vnd ELSE 0 END), "
        "sum(CASE WHEN hold_reason = '' AND closed_as = 'carried' THEN 1 ELSE 0 END), "
        "sum(CASE WHEN hold_reason = '' AND closed_as = 'carried' THEN amount_vnd ELSE 0 END) "
        f"FROM payment WHERE list_id IN ({_RELEASED})",
        month,
    )
    carried_in = _one(
        conn,
        "SELECT count(DISTINCT c.payment_id), sum(c.amount_vnd) FROM payment p "
        "JOIN payment_coin c ON c.payment_id = p.id AND c.move > 0 "
        f"WHERE p.list_id IN ({_RELEASED})",
        month,
    )
    return {
        "entitled": (entitled, entitled_vnd),
        "held": (held, held_vnd),
        "carried": (carried, carried_vnd),
        "carried_in": (carried_in[0], carried_in[1]),
    }


def _events(conn: Connection, month: int) -> dict[str, tuple[int, int]]:
    """Count what left and what came back: payments per rail, events per kind."""
    out: dict[str, tuple[int, int]] = {}
    for name, compare in (("sent", "<>"), ("cash_orders", "=")):
        count, vnd = _one(
            conn,
            "SELECT count(*), sum(p.amount_vnd) FROM payment p WHERE p.id IN ("
            "SELECT r.payment_id FROM batch b JOIN batch_row r ON r.batch_id = b.id "
            f"WHERE b.month = :m AND b.rail {compare} 'cash' AND b.state IN "
            "('sending', 'sent', 'accepted', 'unknown'"
            f"{', ' + repr('queued') if compare == '=' else ''}))",
            month,
        )
        out[name] = (count, vnd)
    for event in ("rejected", "returned"):
        count, vnd = _one(
            conn,
            "SELECT count(*), sum(r.amount_vnd) FROM batch b JOIN attempt_news k "
            f"ON k.batch_id = b.id AND k.state = '{event}' JOIN batch_row r "
            "ON r.batch_id = k.batch_id AND r.n = k.n WHERE b.month = :m",
            month,
        )
        out[event] = (count, vnd)
    return out


def _outcomes(conn: Connection, month: int) -> dict[str, tuple[int, int]]:
    now = payment_now_sql(f"p.list_id IN ({_RELEASED})", "b.month = :m")
    rows = conn.execute(
        text(f"SELECT state, count(*), sum(amount_vnd) FROM ({now}) s GROUP BY state"),
        {"m": month},
    )
    found = {state: (int(n), int(vnd)) for state, n, vnd in rows}
    waiting = [found.get(state, (0, 0)) for state in _OPEN]
    return {
        "credited": found.get("credited", (0, 0)),
        "cash_collected": found.get("collected", (0, 0)),
        "unknown": (sum(n for n, _ in waiting), sum(v for _, v in waiting)),
    }


RAIL_COUNTS = ("sent", "credited", "rejected", "returned", "unknown")


def rail_counts(conn: Connection, months: Sequence[int]) -> dict[str, dict[str, int]]:
    """Return what became of the attempts of these months, by provider; cash desks as `cash`.

    `sent`: attempts that left. The others by the last that is known of an attempt: credited (for
    cash: handed over), rejected, returned (for cash: not collected); `unknown` is every attempt
    that left and has no outcome yet, parked ones included.
    """
    wanted = ", ".join(str(int(m)) for m in months) or "0"
    rows = conn.execute(
        text(
            "SELECT CASE WHEN b.rail = 'cash' THEN 'cash' ELSE p.code END AS name, "
            "coalesce((SELECT k.state FROM attempt_news k WHERE k.batch_id = r.batch_id "
            "AND k.n = r.n ORDER BY k.seq DESC LIMIT 1), '') AS state, count(*) FROM batch b "
            "JOIN provider p ON p.id = b.provider_id JOIN batch_row r ON r.batch_id = b.id "
            f"WHERE b.month IN ({wanted}) AND b.state IN ('sending', 'sent', 'accepted', 'unknown')"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
    )
    outcome = {
        "credited": "credited", "collected": "credited", "rejected": "rejected",
        "cancelled": "rejected", "returned": "returned", "uncollected": "returned",
    }  # fmt: skip
    out: dict[str, dict[str, int]] = {}
    for name, state, count in rows:
        counts = out.setdefault(str(name), dict.fromkeys(RAIL_COUNTS, 0))
        counts["sent"] += int(count)
        counts[outcome.get(state, "unknown")] += int(count)
    return out


def _people(conn: Connection, month: int) -> tuple[int, int]:
    """Return how many persons have a case in force, and how many of them have an account."""
    people, with_account = _one(
        conn,
        "SELECT count(*), sum(CASE WHEN d.kind <> 'cash' THEN 1 ELSE 0 END) FROM "
        "(SELECT DISTINCT person_id FROM benefit_case WHERE start_month <= :m "
        "AND (end_month IS NULL OR end_month >= :m)) c LEFT JOIN destination d "
        "ON d.person_id = c.person_id AND d.version = (SELECT max(e.version) FROM destination e "
        "WHERE e.person_id = c.person_id)",
        month,
    )
    return people, with_account


def _held_right(conn: Connection, month: int) -> tuple[int, int]:
    held, vnd = _one(
        conn,
        "SELECT count(DISTINCT h.person_id), sum(h.amount_vnd) FROM list_hold h "
        f"WHERE h.kind = 'right' AND h.list_id IN ({_RELEASED})",
        month,
    )
    return held, vnd


def cash_split(conn: Connection, month: int) -> dict[str, tuple[int, int]]:
    """Return cash orders of a month apart: by choice, and as the fallback (payments, dong)."""
    rows = conn.execute(
        text(
            "SELECT CASE WHEN p.rail = 'cash' THEN 'cash_by_choice' ELSE 'cash_fallback' END, "
            "count(*), sum(p.amount_vnd) FROM payment p WHERE p.id IN (SELECT r.payment_id "
            "FROM batch b JOIN batch_row r ON r.batch_id = b.id WHERE b.month = :m "
            "AND b.rail = 'cash' AND b.state NOT IN ('held', 'withdrawn', 'void', 'cancelled')) "
            "GROUP BY 1"
        ),
        {"m": month},
    )
    found = {kind: (int(n), int(vnd)) for kind, n, vnd in rows}
    return {k: found.get(k, (0, 0)) for k in ("cash_by_choice", "cash_fallback")}
