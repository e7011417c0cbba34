"""Recording decisions and events: one service behind the command, the file and the API.

What is recorded is added to `case_event`, never changed. The spans of the people concerned are
made anew, and the months in which they differ are marked for compare: the next list posts exactly
the difference (coins.md 2, 12), a paid month is never rewritten. Wrong rows record nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import Connection

from disbursement.beneficiaries.event_checks import (
    Accepted,
    CaseState,
    EventError,
    EventIn,
    PersonState,
    accept,
    check_paper,
    learn,
)
from disbursement.beneficiaries.staging import audit
from disbursement.entitlements import merit_store, store
from disbursement.entitlements.facts import Birth, case_from_json, case_json, last_month
from disbursement.identity.service import require
from disbursement.identity.service import user as find_user
from disbursement.platform import ids
from disbursement.platform.clock import month_of, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotAllowedError, NotFoundError, RefusedError
from disbursement.platform.schema import refresh_statistics
from ledger.bulk import bulk_insert
from ledger.sql import text

Source = Literal["officer", "import", "api"]
UNCOLLECTED = "uncollected_run"
"""Hold of right: cash left at the desk three months running, a suspension is proposed."""
_OF_PEOPLE = ("death", "move_in", "move_out", "withdraw")
"""Kinds after which the register's person may say something else."""
PAYEE_DEAD = "payee_dead"
"""Hold of payment: to whom what is left is due is not recorded (coins.md 18)."""
_ROLES: Mapping[Source, tuple[str, ...]] = {
    "officer": ("preparer",),
    "import": ("preparer",),
    "api": ("preparer", "api_client"),
}


@dataclass(frozen=True)
class Done:
    """One recorded event: its id, whose it is (reference code), the case, None: every one."""

    id: int
    n: int
    kind: str
    reference: str
    case_id: int | None


@dataclass(frozen=True)
class EventReport:
    """What was recorded and what was refused, row by row.

    `people`: whose spans were made anew; `from_month`: the earliest month (yyyymm) whose amount
    may differ now, None where none does.
    """

    recorded: tuple[Done, ...]
    refused: tuple[tuple[int, str, str], ...]  # row, code, sentence
    people: int = 0
    from_month: int | None = None


@dataclass(frozen=True)
class EventRow:
    """A recorded event as lists show it; nobody's full number is in it."""

    id: int
    kind: str
    payer: str
    reference: str
    last4: str
    programme: str | None
    clause: str | None
    date: str
    decision_number: str
    decision_date: str
    decision_signer: str
    document: str
    payload: str
    source: str
    recorded_at: str
    recorded_by: str
    withdrawn_by: int | None


@dataclass
class _Found:
    """The people of the events, by row; numbers of decisions that are used."""

    people: dict[int, PersonState]  # by row number
    references: dict[int, str]  # by person
    numbers: dict[tuple[str, str, int], tuple[str, str]] = field(default_factory=dict)


def record(
    ctx: Context,
    events: Sequence[EventIn],
    *,
    source: Source,
    actor: str,
    whole: bool = False,
    conn: Connection | None = None,
    import_id: int | None = None,
) -> EventReport:
    """Record events in the order given; refused ones are told with their sentence.

    `whole`: one refused event and nothing is recorded. With `conn` it works in the caller's
    transaction. Raises NotAllowedError where the actor prepares for none of the communes named.
    """
    if conn is None:
        with ctx.cell.begin() as own:
            return record(
                ctx, events, source=source, actor=actor, whole=whole, conn=own, import_id=import_id
            )
    _allowed(ctx, conn, events, source, actor)
    payers = _payers(conn)
    found = _find(conn, ctx, events)
    _numbers(conn, events, found)
    accepted: list[tuple[int, Accepted]] = []
    refused: list[tuple[int, str, str]] = []
    first = ids.block(conn, "case_event", len(events))
    new_cases = ids.block(conn, "case", len(events))
    for at, given in enumerate(events):
        try:
            done = _one(ctx, given, payers, found, new_cases + at)
        except EventError as error:
            refused.append((given.n, error.code, error.sentence))
            continue
        accepted.append((first + at, done))
        learn(done.person, done, first + at)
    if refused and whole:
        accepted = []
    if not accepted:
        return EventReport((), tuple(refused))
    month = _store(conn, ctx, accepted, payers, source, actor, import_id)
    made = tuple(
        Done(i, a.given.n, a.given.kind, found.references[a.person.id], a.case_id)
        for i, a in accepted
    )
    report = EventReport(made, tuple(refused), len({a.person.id for _, a in accepted}), month)
    audit(conn, ctx, actor, "event.record", source,
          {"ids": [d.id for d in made][:1000], "refused": len(refused), "from": month})  # fmt: skip
    return report


def record_one(ctx: Context, given: EventIn, *, source: Source, actor: str) -> EventReport:
    """Record one event. Raises EventError with its code and sentence where it is refused."""
    report = record(ctx, [given], source=source, actor=actor)
    if report.refused:
        _, code, sentence = report.refused[0]
        raise EventError(code, sentence)
    return report


def _allowed(
    ctx: Context, conn: Connection, events: Sequence[EventIn], source: Source, actor: str
) -> None:
    who = find_user(ctx, actor)
    for commune in sorted({e.commune for e in events}):
        if not any(who.holds(role, commune) for role in _ROLES[source]):
            require(conn, who, "preparer", commune)
            raise NotAllowedError("role", f"{actor} không có quyền ghi sự kiện của xã {commune}.")


def _payers(conn: Connection) -> dict[str, tuple[int, int]]:
    rows = conn.execute(text("SELECT code, id, go_live_month FROM payer"))
    return {str(code): (int(i), int(live)) for code, i, live in rows}


# --- finding -------------------------------------------------------------------------------------


def _find(conn: Connection, ctx: Context, events: Sequence[EventIn]) -> _Found:
    """Find the people of all events at once, lock them, and read their cases and events."""
    conn.execute(text("DROP TABLE IF EXISTS work_event"))
    raw = "bytea" if conn.dialect.name == "postgresql" else "blob"
    conn.execute(text(f"CREATE TEMPORARY TABLE work_event (n integer, who {raw}, reference text)"))
    bulk_insert(
        conn,
        "work_event",
        ("n", "who", "reference"),
        [
            (e.n, ctx.keys.blind("identity", e.identity) if e.identity else b"", e.reference)
            for e in events
        ],
    )
    matched = conn.execute(
        text(
            "SELECT w.n, p.id, p.reference FROM work_event w JOIN person p "
            "ON p.identity_blind = w.who UNION ALL SELECT w.n, p.id, p.reference "
            "FROM work_event w JOIN person p ON p.reference = w.reference"
        )
    ).all()
    store.work_renew(
        conn,
        "SELECT p.id AS person_id FROM work_event w JOIN person p ON p.identity_blind = w.who "
        "UNION SELECT p.id FROM work_event w JOIN person p ON p.reference = w.reference",
    )
    lock = " FOR UPDATE" if conn.dialect.name == "postgresql" else ""
    conn.execute(
        text(
            "SELECT id FROM person WHERE id IN (SELECT person_id FROM work_renew) "
            f"ORDER BY id{lock}"
        )
    ).all()
    states = _states(conn)
    return _Found(
        {int(n): states[int(person)] for n, person, _ in matched},
        {int(person): str(reference) for _, person, reference in matched},
    )


_PEOPLE = """
SELECT p.id, y.code, p.birth_from, p.birth_to, p.died_on
FROM person p JOIN payer y ON y.id = p.payer_id
WHERE p.id IN (SELECT person_id FROM work_renew)
"""
_CASES = """
SELECT c.person_id, c.id, c.programme, c.clause, c.facts, y.code, y.go_live_month
FROM benefit_case c JOIN payer y ON y.id = c.payer_id
WHERE c.person_id IN (SELECT person_id FROM work_renew) ORDER BY c.person_id, c.id
"""
_KNOWN = """
SELECT e.person_id, e.digest, e.id, e.payload, w.id FROM case_event e
LEFT JOIN case_event w ON w.withdraws = e.id
WHERE e.person_id IN (SELECT person_id FROM work_renew)
"""


def _states(conn: Connection) -> dict[int, PersonState]:
    out = {}
    for person, code, born, born_to, died in conn.execute(text(_PEOPLE)):
        first, last = date.fromisoformat(born), date.fromisoformat(born_to)
        death = None if died is None else date.fromisoformat(died)
        out[int(person)] = PersonState(int(person), code, Birth.between(first, last), first, death)
    for person, case_id, programme, clause, facts, code, live in conn.execute(text(_CASES)):
        out[int(person)].cases.append(
            CaseState(int(case_id), programme, clause, case_from_json(facts), code, int(live))
        )
    people = "SELECT person_id FROM work_renew"
    for person in conn.execute(
        text(f"SELECT DISTINCT person_id FROM merit_case WHERE person_id IN ({people})")
    ).scalars():
        out[int(person)].merits = True
    for person, told in store.recorded(conn, people).items():
        out[person].told = told
    for person, digest, event_id, payload, withdrawn in conn.execute(text(_KNOWN)):
        if withdrawn is None:
            out[int(person)].digests[bytes(digest)] = int(event_id)
        else:
            out[int(person)].gone.add(bytes(digest))
        if '"creates": true' in payload:
            out[int(person)].fixed.add(int(event_id))
    return out


def _numbers(conn: Connection, events: Iterable[EventIn], found: _Found) -> None:
    """Read when and by whom decisions of these numbers were signed, in the same communes."""
    conn.execute(text("DROP TABLE IF EXISTS work_number"))
    conn.execute(text("CREATE TEMPORARY TABLE work_number (payer text, number text)"))
    named = {(e.commune, e.number) for e in events if e.number}
    bulk_insert(conn, "work_number", ("payer", "number"), sorted(named))
    for table in ("case_event", "benefit_case"):
        for payer, number, day, signer in conn.execute(
            text(
                "SELECT DISTINCT w.payer, w.number, t.decision_date, t.decision_signer "
                "FROM work_number w JOIN payer y ON y.code = w.payer "
                f"JOIN {table} t ON t.payer_id = y.id AND t.decision_number = w.number"
            )
        ):
            found.numbers.setdefault((payer, number, int(day[:4])), (day, signer))


def _one(
    ctx: Context, given: EventIn, payers: Mapping[str, tuple[int, int]], found: _Found, new_id: int
) -> Accepted:
    check_paper(given, today(ctx.clock))
    if given.commune not in payers:
        raise EventError(
            "event_commune",
            f"không có đơn vị chi trả mã '{given.commune[:10]}' trong sổ; sửa mã xã.",
        )
    person = found.people.get(given.n)
    if person is None:
        raise EventError(
            "event_person",
            "không có người này trong sổ: kiểm tra số định danh hoặc mã hồ sơ, người mới thì nhập "
            "bằng danh sách.",
        )
    if given.decided_on is not None:
        _number_free(given, given.decided_on, found)
    return accept(given, person, ctx.cell.code, new_id)


def _number_free(given: EventIn, day: date, found: _Found) -> None:
    """One number of a commune in a year is one decision: one day and one signer."""
    key = (given.commune, given.number, day.year)
    known = found.numbers.setdefault(key, (day.isoformat(), given.signer))
    if known != (day.isoformat(), given.signer):
        other = date.fromisoformat(known[0])
        raise EventError(
            "decision_number",
            f"số quyết định {given.number[:40]} của xã {given.commune} đã dùng cho quyết định ngày "
            f"{other:%d/%m/%Y} do {known[1] or '(không ghi)'} ký; kiểm tra số, ngày, người ký.",
        )


# --- storing -------------------------------------------------------------------------------------


def _store(
    conn: Connection,
    ctx: Context,
    accepted: Sequence[tuple[int, Accepted]],
    payers: Mapping[str, tuple[int, int]],
    source: Source,
    actor: str,
    import_id: int | None,
) -> int | None:
    """Write the events with what follows from them; return the earliest month that differs."""
    people = {a.person.id: a.person for _, a in accepted if a.given.kind in _OF_PEOPLE}
    before = _spans(conn)
    at, seq = stamp(ctx.clock), ids.block(conn, "change", 1)
    _write(conn, accepted, payers, (source, import_id, seq, at, actor))
    _new_cases(conn, accepted, payers, seq)
    _people(conn, list(people.values()), payers)
    _deaths(conn, ctx, accepted, list(people.values()), actor)
    _uncollected(conn, ctx, accepted, actor)
    _ends(conn, {a.person.id: a.person for _, a in accepted}.values())
    month = month_of(today(ctx.clock))
    merit_store.renew(conn, month=month)  # first: whether a merit is drawn is a fact of the others
    store.renew(conn, month=month)
    differing = _first_differing(before, _spans(conn))
    conn.execute(text("DROP TABLE IF EXISTS work_dirty"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_dirty (sub_id bigint PRIMARY KEY, from_month integer)")
    )
    bulk_insert(conn, "work_dirty", ("sub_id", "from_month"), sorted(differing.items()))
    store.mark_dirty(conn, "SELECT sub_id, from_month, 'event' AS why FROM work_dirty")
    refresh_statistics(conn, "case_event", "unit_profile")
    return min(differing.values(), default=None)


def _write(
    conn: Connection,
    accepted: Sequence[tuple[int, Accepted]],
    payers: Mapping[str, tuple[int, int]],
    common: tuple[Any, ...],
) -> None:
    source, import_id, seq, at, actor = common
    bulk_insert(
        conn,
        "case_event",
        ("id", "kind", "person_id", "case_id", "payer_id", "happened_on", "decision_number",
         "decision_date", "decision_signer", "document", "payload", "withdraws", "digest",
         "source", "import_id", "seq", "recorded_at", "recorded_by"),
        [
            (
                i, a.given.kind, a.person.id, a.case_id, payers[a.given.commune][0],
                a.given.day.isoformat(), a.given.number,
                a.given.decided_on.isoformat() if a.given.decided_on else "", a.given.signer,
                a.given.document, a.payload, a.given.withdraws,
                a.digest, source, import_id, seq, at, actor,
            )
            for i, a in accepted
        ],
    )  # fmt: skip


def _new_cases(
    conn: Connection,
    accepted: Sequence[tuple[int, Accepted]],
    payers: Mapping[str, tuple[int, int]],
    seq: int,
) -> None:
    """Make the cases that grants make; the person is the payee, as on a row that says no other."""
    new = [(a.new_case, a) for _, a in accepted if a.new_case is not None]
    if not new:
        return
    conn.execute(
        text(
            "INSERT INTO benefit_case (id, person_id, payer_id, programme, clause, facts, "
            "decision_number, decision_date, decision_signer, start_month, payee_name, "
            "payee_relation, row_digest, import_id, seq) SELECT :i, p.id, :y, :g, :c, :f, :dn, "
            ":dd, :ds, :s, p.name, 'self', :d, 0, :seq FROM person p WHERE p.id = :p"
        ),
        [
            {
                "i": made.id, "p": a.person.id, "y": payers[made.commune][0],
                "g": made.programme, "c": made.clause, "f": case_json(made.case),
                "dn": made.case.decision_number, "dd": made.case.decision_date.isoformat(),
                "ds": made.case.decision_signer, "s": made.case.start_month, "d": a.digest,
                "seq": seq,
            }
            for made, a in new
        ],
    )  # fmt: skip


def _ends(conn: Connection, people: Iterable[PersonState]) -> None:
    """Let the case say until when and why it ends, for lists of who left."""
    values = []
    for case, row in ((c, p.rows_of(c)[-1].case) for p in people for c in p.cases):
        values.append({"c": case.id, "e": last_month(row), "w": row.end_cause or None})
    if values:
        conn.execute(
            text("UPDATE benefit_case SET end_month = :e, end_cause = :w WHERE id = :c"), values
        )


def _people(
    conn: Connection, people: Sequence[PersonState], payers: Mapping[str, tuple[int, int]]
) -> None:
    """Let the register say who pays now and who has died; open holds go with the person."""
    if not people:
        return
    values = [
        {
            "p": p.id, "y": payers[p.home][0], "c": p.home,
            "d": None if p.died_on is None else p.died_on.isoformat(),
        }
        for p in people
    ]  # fmt: skip
    conn.execute(
        text(
            "UPDATE person SET payer_id = :y, died_on = :d, "
            "commune_code = CASE WHEN payer_id = :y THEN commune_code ELSE :c END WHERE id = :p"
        ),
        values,
    )
    conn.execute(
        text(
            "UPDATE hold SET payer_id = :y "
            "WHERE person_id = :p AND payer_id <> :y AND resolved_at IS NULL"
        ),
        values,
    )


def _uncollected(
    conn: Connection, ctx: Context, accepted: Sequence[tuple[int, Accepted]], actor: str
) -> None:
    """Answer the proposal to suspend who left cash uncollected by the decision recorded."""
    answers = [
        {
            "p": a.person.id, "r": UNCOLLECTED, "at": stamp(ctx.clock), "by": actor,
            "doc": f"{a.given.number} {a.given.decided_on}" if a.given.number
            else a.given.document,
        }
        for _, a in accepted
        if a.given.kind in ("uncollected", "suspend", "stop", "death", "renounced")
    ]  # fmt: skip
    if answers:
        conn.execute(
            text(
                "UPDATE hold SET resolved_at = :at, resolved_by = :by, document = :doc "
                "WHERE person_id = :p AND reason = :r AND resolved_at IS NULL"
            ),
            answers,
        )


def _deaths(
    conn: Connection,
    ctx: Context,
    accepted: Sequence[tuple[int, Accepted]],
    people: Sequence[PersonState],
    actor: str,
) -> None:
    """Answer the population database's report by the decision; hold what is left to be paid.

    The last month is due, but its holder is dead: nothing is paid to his account any more until
    somebody who may receive it is recorded (coins.md 18).
    """
    at = stamp(ctx.clock)
    paper = {
        a.person.id: f"{a.given.number} {a.given.decided_on}" if a.given.number
        else a.given.document
        for _, a in accepted
    }  # fmt: skip
    died = [
        {"p": p.id, "d": p.died_on.isoformat(), "at": at, "by": actor, "doc": paper[p.id]}
        for p in people
        if p.died_on is not None
    ]
    lives = [
        {"p": p.id, "at": at, "by": actor, "doc": paper[p.id], "r": PAYEE_DEAD}
        for p in people
        if p.died_on is None
    ]
    resolve = "UPDATE hold SET resolved_at = :at, resolved_by = :by, document = :doc WHERE "
    if lives:  # a death that was taken back
        conn.execute(
            text(f"{resolve} person_id = :p AND reason = :r AND resolved_at IS NULL"), lives
        )
    if not died:
        return
    conn.execute(
        text(
            f"{resolve} person_id = :p AND reason = 'dead' AND fact_digest = :d "
            "AND resolved_at IS NULL"
        ),
        died,
    )
    first = ids.block(conn, "hold", len(died))
    conn.execute(
        text(
            "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
            "raised_by, fact_digest) SELECT :i, p.payer_id, p.id, 'payment', :r, :t, :at, :by, :d "
            "FROM person p WHERE p.id = :p ON CONFLICT (person_id, reason, fact_digest) DO NOTHING"
        ),
        [
            {
                "i": first + n, "p": row["p"], "r": PAYEE_DEAD, "at": at, "by": actor,
                "d": row["d"],
                "t": "Người hưởng đã chết: phần còn lại chờ ghi người được nhận thay và giấy tờ.",
            }
            for n, row in enumerate(died)
        ],
    )  # fmt: skip


def _spans(conn: Connection) -> dict[int, list[store.StoredSpan]]:
    """Return the spans (from, to, payer, profile) of the people in `work_renew`."""
    rows = conn.execute(
        text(
            "SELECT sub_id, from_month, to_month, payer_id, profile_id FROM unit_profile "
            "WHERE sub_id IN (SELECT person_id FROM work_renew) ORDER BY sub_id, from_month"
        )
    )
    return {
        int(sub): [(int(a), int(b), int(y), int(f)) for _, a, b, y, f in spans]
        for sub, spans in groupby(rows, key=itemgetter(0))
    }


def _first_differing(
    before: Mapping[int, list[store.StoredSpan]], after: Mapping[int, list[store.StoredSpan]]
) -> dict[int, int]:
    """Return per person the first month whose facts or payer are not what they were."""
    found = (
        (sub, store.first_differing(before.get(sub, ()), after.get(sub, ())))
        for sub in {*before, *after}
    )
    return {sub: month for sub, month in found if month is not None}


# --- looking -------------------------------------------------------------------------------------


_LIST = """
SELECT e.id, e.kind, y.code, p.reference, p.identity_last4, c.programme, c.clause, e.happened_on,
  e.decision_number, e.decision_date, e.decision_signer, e.document, e.payload, e.source,
  e.recorded_at, e.recorded_by, w.id
FROM case_event e JOIN person p ON p.id = e.person_id JOIN payer y ON y.id = e.payer_id
LEFT JOIN benefit_case c ON c.id = e.case_id LEFT JOIN case_event w ON w.withdraws = e.id
WHERE (:payer = '' OR y.code = :payer) AND (:reference = '' OR p.reference = :reference)
ORDER BY e.id
"""


def list_events(ctx: Context, *, payer: str = "", reference: str = "") -> list[EventRow]:
    """Return what was recorded, oldest first, of one payer, one person, or the cell."""
    with ctx.cell.read() as conn:
        rows = conn.execute(text(_LIST), {"payer": payer, "reference": reference})
        return [EventRow(*r) for r in rows]


def reference_of(ctx: Context, event_id: int) -> tuple[str, str]:
    """Return the reference code and the commune of an event's person. Raises NotFoundError."""
    with ctx.cell.read() as conn:
        row = conn.execute(
            text(
                "SELECT p.reference, y.code FROM case_event e JOIN person p ON p.id = e.person_id "
                "JOIN payer y ON y.id = p.payer_id WHERE e.id = :e"
            ),
            {"e": event_id},
        ).first()
    if row is None:
        raise NotFoundError("event", f"Không có sự kiện số {event_id}; xem `disburse event list`.")
    return str(row[0]), str(row[1])


def plain(report: EventReport) -> dict[str, Any]:
    """Return a report as plain values for JSON."""
    return asdict(report)


def require_recorded(report: EventReport) -> None:
    """Raise RefusedError where rows were refused and none was recorded (for exit codes)."""
    if report.refused and not report.recorded:
        raise RefusedError(
            "rows_refused",
            f"Không ghi sự kiện nào: {len(report.refused)} dòng có lỗi; sổ không thay đổi.",
        )
