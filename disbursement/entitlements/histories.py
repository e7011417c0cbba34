"""What events make of a register row: the same fold as a dossier's, for the cell's spans.

A case of the cell is its row as granted and the events recorded since (docs/events.md). Here they
become rows with changes, pauses, ends and places, whose months profiles.py folds into facts; the
month rules are timeline.Fold's, which `explain` uses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from disbursement.entitlements import dossier as d
from disbursement.entitlements.facts import Case, Change, Pause, case_from_json, last_month
from disbursement.entitlements.timeline import Ending, Fold, end_of, moved_away
from disbursement.entitlements.timeline import Pause as FoldedPause
from disbursement.programmes.catalogue import fixed_categories
from disbursement.programmes.event_rules import event_rules, regime

_EVENTS: TypeAdapter[d.Event] = TypeAdapter(d.Event)
MOVES = (d.MoveOut, d.MoveIn)


@dataclass(frozen=True)
class Grant:
    """A new decision for a case that had ended: a row of its own, and who decided it."""

    date: date
    case: Case
    commune: str


@dataclass(frozen=True)
class Placed:
    """A case at one place: the row that counts there, the commune, and how it came there."""

    case: Case
    commune: str
    moved_in: bool


def read_event(kind: str, day: str, payload: Mapping[str, Any], commune: str) -> d.Event | Grant:
    """Return an event of a case as it is stored: `payload` has a dossier event's members.

    `commune` is the one that decided. Raises ValidationError for members the kind does not know.
    """
    if kind == "grant":
        case = case_from_json(str(payload["case"]))
        return Grant(date.fromisoformat(day), case, commune)
    return _EVENTS.validate_python({"kind": kind, "date": day, "case": "case", **payload})


def folded(case: Case, events: Iterable[d.Event]) -> Fold:
    """Return the fold of one row and its events, in the order given.

    Raises DossierError for an event that cannot follow those before it.
    """
    row = d.CaseIn(id="case", holder="holder", category=case.clause, province=case.province)
    fold = Fold(row, fixed_categories()[case.clause], ())
    if case.suspended_from is not None:
        first = case.suspended_from
        day = date(first // 100, first % 100, 1)
        fold.pauses.append(FoldedPause(first, fold.rule("suspend", day)))
    end = last_month(case)
    if end is not None:
        day = case.end_date or date(end // 100, end % 100, 1)
        rule = event_rules()[(regime(case.programme, day), "lost_eligibility")]
        written = case.end_month if case.end_date is not None else None
        fold.endings.append(Ending(end, case.end_date, written, rule))
    for event in events:
        if isinstance(event, MOVES) and event.date < case.decision_date:
            continue  # the person's move, before this row was granted at the new place
        fold.apply(event, None)
    return fold


def placed(case: Case, commune: str, events: Sequence[d.Event]) -> list[Placed]:
    """Return the rows of one case with its events, one for each place, in order of time."""
    fold = folded(case, events)
    changes = tuple(
        Change(month, tuple(sorted(facts.items())))
        for month, facts in sorted(fold.changes, key=lambda c: c[0])
    )
    pauses = tuple(Pause(p.first, p.until) for p in fold.pauses if not p.restored)
    first_end = min(fold.endings, key=lambda e: e.last_month, default=None)
    out = []
    for place in fold.places:
        first = place.first or case.start_month
        day, written = end_of(fold.endings, place)
        cause = case.end_cause
        if first_end is not None and first_end.day != case.end_date:
            cause = first_end.rule.text_vi
        row = replace(
            case,
            start_month=first,
            decision_date=place.moved_in or case.decision_date,
            decision_kind="move_in" if place.moved_in else case.decision_kind,
            end_date=day,
            end_month=written,
            end_cause=cause,
            suspended_from=None,
            status="active" if day is None and written is None else "stopped",
            changes=changes,
            pauses=pauses,
            moved=moved_away(fold.endings, place, written),
        )
        out.append(Placed(row, place.commune or commune, place.moved_in is not None))
    return out


def history(case: Case, commune: str, events: Sequence[d.Event | Grant]) -> list[Placed]:
    """Return every row of one case: as granted, moved, and granted again after it had ended."""
    out: list[Placed] = []
    since: list[d.Event] = []
    for event in events:
        if isinstance(event, Grant):
            out += placed(case, commune, since)
            case, commune, since = event.case, event.commune, []
        else:
            since.append(event)
    return out + placed(case, commune, since)


def residence(rows: Sequence[Placed]) -> list[tuple[int, str]]:
    """Return from which month (0: always) which commune pays, in order of time.

    A person lives in one place, whichever of the cases says so.
    """
    home = min((r for r in rows if not r.moved_in), key=lambda r: r.case.start_month, default=None)
    first = rows[0] if home is None else home
    moves = {(r.case.start_month, r.commune) for r in rows if r.moved_in}
    return [(0, first.commune), *sorted(moves)]
