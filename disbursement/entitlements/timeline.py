"""One fold of a dossier's events: for each case its places, endings, pauses and dated facts.

The month rules are data (programmes/event_rules.py); here they are only applied. Events out of
order, before birth, after death, later than `known_on`, or told twice are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from disbursement.entitlements import dossier as d
from disbursement.entitlements.dossier import CaseIn, Dossier, Facts, Person
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import typed
from disbursement.entitlements.facts import START_RULE_335, Birth
from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.programmes.catalogue import LIST_SHAPES, Category, canonical
from disbursement.programmes.communes import commune, province
from disbursement.programmes.event_rules import EventRule, event_rules, regime
from disbursement.programmes.rates import CENTRAL

UNCOLLECTED_MONTHS = 3
"""NĐ 335/2026 Art. 9.1.a, TT 02/2021 Art. 2.3.a: three months running."""
REFUSAL_MONTHS = 3
"""NĐ 335/2026 Art. 9.2: three months later still refusing, the allowance is stopped."""


@dataclass(frozen=True)
class Ending:
    """After `last_month` nothing is due. `written`: the last month as the event itself says."""

    last_month: int
    day: date | None
    written: int | None
    rule: EventRule


@dataclass(frozen=True)
class Pause:
    """Suspended from `first`; `until` is the first month due again, None while it is open.

    `restored`: the months between are paid after all (NĐ 335/2026 Art. 9.4).
    """

    first: int
    rule: EventRule
    until: int | None = None
    restored: bool = False
    stops_from: int | None = None  # a refusal that goes on


@dataclass(frozen=True)
class Place:
    """Where the case is held: a province code, or `VN` where the dossier names none."""

    territory: str
    first: int | None  # None: from the start of the case
    last: int | None
    moved_in: date | None = None
    commune: str | None = None


@dataclass(frozen=True)
class CaseLine:
    """One case with everything that happened to it."""

    case: CaseIn
    category: Category
    holder: Person
    birth: Birth | None
    facts: Facts
    changes: tuple[tuple[int, Facts], ...]
    places: tuple[Place, ...]
    endings: tuple[Ending, ...]
    pauses: tuple[Pause, ...]
    uncollected: frozenset[int]
    remarried: date | None = None  # a marriage that leaves a right (NCC, LS.REMARRIED)
    notes: tuple[EventRule, ...] = ()  # events that change nothing, to be said

    @property
    def id(self) -> str:
        """Return the case's id in the dossier."""
        return self.case.id

    def facts_at(self, month: int) -> Facts:
        """Return the facts of a month, as its last change left them."""
        out = dict(self.facts)
        for start, changed in self.changes:
            if start <= month:
                out.update(changed)
        return out

    def facts_until(self, month: int) -> list[Facts]:
        """Return the facts until each change of that month, in the order they were told.

        Empty where none acts in it.
        """
        facts, out = self.facts, []
        for start, changed in self.changes:
            if start == month:
                out.append(facts)
            if start <= month:
                facts = {**facts, **changed}
        return out

    def changes_in(self, month: int) -> bool:
        """Tell whether a change acts from this very month."""
        return any(start == month for start, _ in self.changes)

    def pause_at(self, month: int) -> Pause | None:
        """Return the suspension that keeps this month back, or None."""
        return next(
            (
                p
                for p in self.pauses
                if p.first <= month and not p.restored and (p.until is None or month < p.until)
            ),
            None,
        )

    def ending_before(self, month: int) -> Ending | None:
        """Return the earliest ending after which this month lies, or None."""
        over = [e for e in self.endings if e.last_month < month]
        return min(over, key=lambda e: e.last_month, default=None)

    def early_ending(self, month: int) -> Ending | None:
        """Return an ending that writes an earlier last month than the rule gives, or None."""
        return next(
            (
                e
                for e in self.endings
                if e.written is not None and e.written < month <= e.last_month
            ),
            None,
        )

    def tag(self, month: int) -> str:
        """Return why a month is paid late: `uncollected`, `resumed`, or ''."""
        if month in self.uncollected:
            return "uncollected"
        for p in self.pauses:
            if p.restored and p.until is not None and p.first <= month < p.until:
                return "resumed"
        return ""

    def late_citation(self, month: int) -> str:
        """Return the article under which a month is paid late, with its separator, or ''."""
        if self.tag(month) == "uncollected":
            return "; NĐ 335/2026/NĐ-CP Điều 28"
        if self.tag(month) == "resumed":
            pause = next(p for p in self.pauses if p.restored and p.first <= month)
            return f"; {pause.rule.citation}"
        return ""

    def place(self, month: int) -> Place:
        """Return where the case is held in the month."""
        held = (p for p in reversed(self.places) if p.first is None or p.first <= month)
        return next(held, self.places[0])

    def territory(self, month: int) -> str:
        """Return the province whose level counts for the month."""
        return self.place(month).territory


def end_of(endings: Sequence[Ending], place: Place) -> tuple[date | None, int | None]:
    """Return the day that ends a case at a place, and its last month where one is written.

    The earliest end decides: an event, or the month after which the place stopped paying.
    """
    ending = min(endings, key=lambda e: e.last_month, default=None)
    day: date | None = None
    written: int | None = None
    if ending is not None and (ending.day is None or ending.rule.event == "moved"):
        written = ending.last_month  # no day of loss: the month itself was decided
    elif ending is not None:
        day = ending.day
        early = ending.written is not None and ending.written < ending.last_month
        written = ending.written if early else None
    if place.last is None or (day is not None and month_of(day) <= place.last):
        return day, written
    return None, min(place.last, written or place.last)


def moved_away(endings: Sequence[Ending], place: Place, written: int | None) -> bool:
    """Tell whether a last month written is that of a move, to whose end the old commune paid."""
    moves = [e.last_month for e in endings if e.rule.event == "moved"]
    return written is not None and written in (place.last, *moves)


def territory_of(code: str | None, prov: str | None, where: str) -> str:
    """Return the province of a commune or province code; `VN` (central level) where none is told.

    Raises DossierError where the two contradict each other, NotFoundError for an unknown code.
    """
    found = commune(code).province.code if code else None
    if prov:
        province(prov)
        if found and found != prov:
            raise DossierError(
                where,
                f"xã {code} thuộc tỉnh {found}, không phải {prov}",
                f"commune {code} lies in province {found}, not {prov}",
            )
    return found or prov or CENTRAL


class Fold:
    """Applies the events of one case in the order of their days: a dossier's, or a cell's."""

    def __init__(self, case: CaseIn, category: Category, people: Sequence[str]) -> None:
        self.case, self.category, self.people = case, category, people
        self.changes: list[tuple[int, Facts]] = []
        self.endings: list[Ending] = []
        self.pauses: list[Pause] = []
        self.notes: list[EventRule] = []
        self.uncollected: set[int] = set()
        self.remarried: date | None = None
        where = f"cases {case.id}"
        home = territory_of(case.commune, case.province, where)
        self.places = [Place(home, None, None, commune=case.commune)]

    def has_no_beginning(self, event: d.Event) -> bool:
        """Tell whether the event ends something this case never had."""
        if isinstance(event, d.Resume):
            return all(p.until is not None for p in self.pauses)
        return isinstance(event, d.MoveIn) and self.places[-1].last is None

    def rule(self, name: str, day: date) -> EventRule:
        """Return the row of event_rules.csv under which an event of that day acts."""
        return event_rules()[(regime(self.category.programme, day), name)]

    def apply(self, event: d.Event, relation: str | None) -> None:
        """Apply one event. Raises DossierError where it cannot follow those before it."""
        match event:
            case d.Change():
                where = f"events (change {event.date}).facts"
                facts = typed(self.category, event.facts, where, self.people)
                self.changes.append((event.from_month or month_of(event.date), facts))
            case d.Suspend():
                name = event.reason if event.reason != "other" else "suspend"
                self._pause(self.rule(name, event.date), event.date, event.from_month)
            case d.Resume():
                self._resume(event)
            case d.Stop():
                self._end(event.cause, event.date, event.from_month)
            case d.MoveOut() | d.MoveIn():
                self._move(event)
            case d.Remarriage():
                self._marry(event, relation)
            case d.Detention():
                self._detain(event)
            case d.Release():
                self._release(event)
            case d.Uncollected():
                self._uncollect(event)
            case d.Document():
                pass
            case _:
                self._end(event.kind, event.date, None)

    def _end(self, name: str, day: date, from_month: int | None) -> None:
        rule = self.rule(name, day)
        if rule.effect == "suspend":
            self._pause(rule, day, from_month)
        elif rule.effect == "none":
            self.notes.append(rule)
        else:
            last = add_months(month_of(day), rule.months_after - 1)
            written = None if from_month is None else add_months(from_month, -1)
            if name == "moved" and written is not None:
                last = written  # the old commune pays until it stops: no gap, no overlap
            self.endings.append(Ending(last, day, written, rule))

    def _pause(self, rule: EventRule, day: date, from_month: int | None) -> None:
        if rule.effect != "suspend":
            self.notes.append(rule)
            return
        first = from_month or add_months(month_of(day), rule.months_after)
        stops = (
            add_months(month_of(day), REFUSAL_MONTHS + 1)
            if rule.event == "refusal" and rule.regime != "NCC"
            else None
        )
        if not any(p.until is None and p.first <= first for p in self.pauses):
            self.pauses.append(Pause(first, rule, stops_from=stops))

    def _resume(self, event: d.Resume) -> None:
        month = month_of(event.date)
        open_ = [p for p in self.pauses if p.until is None]
        if not open_:
            raise DossierError(
                f"events (resume {event.date})",
                "hồ sơ không có tạm dừng nào trước đó",
                "nothing was suspended before",
            )
        for pause in open_:
            if pause.stops_from is not None and month >= pause.stops_from:
                raise DossierError(
                    f"events (resume {event.date})",
                    f"đã thôi hưởng từ tháng {show_month(pause.stops_from)} vì vẫn từ chối sau 3 "
                    "tháng; cần quyết định hưởng mới",
                    "stopped after three months of refusal: a new grant is needed",
                )
            self.pauses.remove(pause)
            if event.conditions == "not_eligible":
                rule = self.rule("lost_eligibility", event.date)
                last = date(pause.first // 100, pause.first % 100, 1) - timedelta(days=1)
                self.endings.append(Ending(month_of(last), last, None, rule))
                self.pauses.append(replace(pause, until=None))
                continue
            until = add_months(month, 1) if pause.rule.restores else month
            self.pauses.append(replace(pause, until=until, restored=pause.rule.restores))
        if event.facts:
            where = f"events (resume {event.date}).facts"
            self.changes.append((month, typed(self.category, event.facts, where, self.people)))

    def _move(self, event: d.MoveOut | d.MoveIn) -> None:
        if self.category.programme == "NCC":
            self.notes.append(self.rule("moved", event.date))
        if isinstance(event, d.MoveOut):
            if self.places[-1].last is not None:
                raise DossierError(
                    f"events (move_out {event.date})", "đã chuyển đi trước đó", "moved out before"
                )
            first_unpaid = event.from_month or add_months(month_of(event.date), 1)
            self.places[-1] = replace(self.places[-1], last=add_months(first_unpaid, -1))
            return
        where = f"events (move_in {event.date})"
        place = territory_of(event.commune, event.province, where)
        first = event.from_month
        if self.places[-1].last is not None:
            first = first or add_months(self.places[-1].last, 1)
        elif first is None:
            raise DossierError(
                where,
                "thiếu tháng nơi cũ thôi trả: ghi sự kiện move_out, hoặc from_month",
                "when did the old commune stop? add a move_out event or from_month",
            )
        else:
            self.places[-1] = replace(self.places[-1], last=add_months(first, -1))
        self.places.append(Place(place, first, None, event.date, event.commune))

    def _marry(self, event: d.Remarriage, relation: str | None) -> None:
        code = self.category.code
        if code == "SURVIVOR":
            if relation is None:
                raise DossierError(
                    f"cases {self.case.id}.facts.relation",
                    "cần ghi quan hệ với người đã mất để xét việc tái giá",
                    "is needed to judge a marriage",
                )
            if relation == "spouse":
                if event.qualifies:
                    self.remarried = event.date
                else:
                    self._end("remarriage", event.date, None)
        elif code == "K4":
            self._end("remarriage", event.date, None)

    def _detain(self, event: d.Detention) -> None:
        rule = self.rule("detention", event.date)
        short = event.until is not None and event.until < _month_later(event.date)
        if short or rule.effect == "none":
            self.notes.append(rule)
            return
        self._pause(rule, event.date, None)
        if event.until is not None:
            self._close(month_of(event.until))

    def _release(self, event: d.Release) -> None:
        after = 1 if self.category.programme == "NCC" else 0
        self._close(add_months(month_of(event.date), after))

    def _close(self, until: int) -> None:
        self.pauses = [
            replace(p, until=until) if p.until is None and not p.rule.restores else p
            for p in self.pauses
        ]

    def _uncollect(self, event: d.Uncollected) -> None:
        self.uncollected |= set(event.months)
        run: list[int] = []
        for month in sorted(self.uncollected):
            run = [*run, month] if run and month == add_months(run[-1], 1) else [month]
        if len(run) >= UNCOLLECTED_MONTHS and not any(p.until is None for p in self.pauses):
            last = run[-1]
            day = max(event.date, date(last // 100, last % 100, 1))
            rule = self.rule("uncollected", day)
            if rule.effect == "suspend":
                self.pauses.append(Pause(add_months(last, 1), rule))
            else:
                self.notes.append(rule)


def _month_later(day: date) -> date:
    month = add_months(month_of(day), 1)
    return date(month // 100, month % 100, min(day.day, 28))


def case_line(
    case: CaseIn, category: Category, dossier: Dossier, events: Iterable[d.Event]
) -> CaseLine:
    """Return one case with its events applied. Raises DossierError naming what is wrong."""
    people = [p.id for p in dossier.people]
    facts = typed(category, case.facts, f"cases {case.id}.facts", people)
    _check_sex(case, category, facts, dossier)
    fold = Fold(case, category, people)
    if category.shape not in LIST_SHAPES:
        cared = facts.get("cared_for")
        rests_on = _rests_on(category.code, cared, dossier)
        decided_later = False
        for event in events:
            if not _concerns(event, case, cared, rests_on):
                continue
            if category.programme != "NCC" and _granted_after(event, case, facts):
                decided_later = True
            elif not (decided_later and fold.has_no_beginning(event)):
                fold.apply(event, facts.get("relation"))
    holder = dossier.person(case.holder)
    return CaseLine(
        case,
        category,
        holder,
        holder.birth,
        facts,
        tuple(sorted(fold.changes, key=lambda c: c[0])),
        tuple(fold.places),
        tuple(fold.endings),
        tuple(fold.pauses),
        frozenset(fold.uncollected),
        fold.remarried,
        tuple(fold.notes),
    )


def _check_sex(case: CaseIn, category: Category, facts: Facts, dossier: Dossier) -> None:
    """Refuse a man who is pregnant or a Heroic Mother. Raises DossierError."""
    if dossier.person(case.holder).sex != "M":
        return
    told = next((f for f in ("pregnant", "pregnant_from") if facts.get(f)), None)
    if told is not None or category.code == "BMVNAH":
        raise DossierError(
            f"cases {case.id}.facts.{told}" if told else f"cases {case.id}.category",
            f"mâu thuẫn với giới tính nam của '{case.holder}'",
            f"contradicts that '{case.holder}' is a man (sex M)",
        )


def taken_over(lines: tuple[CaseLine, ...]) -> tuple[CaseLine, ...]:
    """Hand a case that moved to the case of the same right in the new place.

    The new commune pays from the month the old one stopped (NĐ 335/2026 Art. 8.3, NĐ 20/2021
    Art. 8.3), whatever the day of its decision: no gap and no overlap. Of two merits that are one
    the moved file ends where the new one begins (NĐ 131/2021 Art. 131).
    """
    out = list(lines)
    for n, new in enumerate(lines):
        old = next((k for k, x in enumerate(lines) if k != n and _moved_to(x, new)), None)
        decision = new.case.decision
        if old is None or decision is None:
            continue
        last = _moved_last(lines[old])
        if last is None:
            continue
        update = {"kind": "move_in", "first_month": add_months(last, 1)}
        case = new.case.model_copy(update={"decision": decision.model_copy(update=update)})
        out[n] = replace(new, case=case)
        if lines[old].category.programme == "NCC":
            rule = next(r for r in lines[old].notes if r.event == "moved")
            ending = Ending(last, None, None, rule)
            out[old] = replace(lines[old], endings=(*lines[old].endings, ending))
    return tuple(out)


def _moved_to(old: CaseLine, new: CaseLine) -> bool:
    decision = new.case.decision
    return (
        old.holder.id == new.holder.id
        and old.category.code == new.category.code
        and old.facts.get("cared_for") == new.facts.get("cared_for")
        and _moved_last(old) is not None
        and _moved_last(new) is None
        and new.case.on_roll_since is None
        and decision is not None
        and decision.first_month is None
    )


def _moved_last(line: CaseLine) -> int | None:
    """Return the last month of the old place of a case that has moved away."""
    if line.places[-1].last is not None:
        return line.places[-1].last
    return next((e.last_month for e in line.endings if e.rule.event == "moved"), None)


#: The categories of who is cared for that each carer's support rests on (Art. 17).
_FOUNDATION = {"C17.1": ("K1", "K5b"), "C17.2c": ("K6",), "C17.2d": ("K6",)}
_GONE = ("death", "prison")
_UNFOUNDED = ("lost_eligibility", "false_file")


def _rests_on(code: str, cared_for: str | None, dossier: Dossier) -> frozenset[str]:
    """Return the ids of the cases without which the support of a carer has no ground."""
    wanted = _FOUNDATION.get(code, ())
    return frozenset(
        c.id for c in dossier.cases if c.holder == cared_for and canonical(c.category) in wanted
    )


def _concerns(
    event: d.Event, case: CaseIn, cared_for: str | None, rests_on: frozenset[str]
) -> bool:
    """Tell whether the event is the case's own, its holder's, or ends a carer's support.

    That ends with who is cared for, and with the eligibility of the case it rests on.
    """
    cause = event.cause if isinstance(event, d.Stop) else event.kind
    if event.case is not None:
        return event.case == case.id or (event.case in rests_on and cause in _UNFOUNDED)
    if event.person is None:
        return False
    gone = cause in _GONE or (bool(rests_on) and cause in _UNFOUNDED)
    return event.person == case.holder or (event.person == cared_for and gone)


def _granted_after(event: d.Event, case: CaseIn, facts: Facts) -> bool:
    """Tell whether a person's event lies before the right, whose decision has looked at it.

    A stop ends the allowances there are, not one granted afterwards; a move does not move it.
    Death and dated facts always count, and so does an event told of the case itself.
    """
    death = isinstance(event, d.Death) or (isinstance(event, d.Stop) and event.cause == "death")
    if event.case is not None or death or isinstance(event, d.Change | d.Document):
        return False
    decision = case.decision
    if decision is not None and event.date >= decision.date:
        return False
    firsts = [case.on_roll_since]
    if decision is not None:
        firsts += [decision.first_month, month_of(decision.date)]
        if facts.get("certificate_date") and decision.date < START_RULE_335:
            firsts.append(month_of(facts["certificate_date"]))
    return month_of(event.date) < min((m for m in firsts if m is not None), default=0)


def ordered_events(dossier: Dossier, known_on: date) -> list[d.Event]:
    """Return the events by day. Raises DossierError for what cannot have happened like that."""
    deaths: dict[str, date] = {}
    seen: set[str] = set()
    for event in sorted(dossier.events, key=lambda e: e.date):
        where = f"events ({event.kind} {event.date})"
        text = event.model_dump_json(exclude={"note", "number", "signer"})
        if text in seen:
            raise DossierError(where, "ghi hai lần", "appears twice")
        seen.add(text)
        if event.date > known_on:
            raise DossierError(
                where,
                f"sau ngày known_on {known_on}; sửa ngày hoặc known_on",
                f"is later than known_on {known_on}",
            )
        holder = event.person or next((c.holder for c in dossier.cases if c.id == event.case), None)
        if holder is None:
            continue
        birth = dossier.person(holder).birth
        if birth is not None and month_of(event.date) < birth.first:
            raise DossierError(where, "trước khi người này sinh ra", "is before birth")
        died = deaths.get(holder)
        if died is not None and event.date > died and _of_the_living(event, died):
            raise DossierError(where, f"sau ngày chết {died}", f"is after the death of {died}")
        if isinstance(event, d.Release) and not _was_kept(event, dossier):
            raise DossierError(
                where,
                "trước đó không có sự kiện phạt tù (prison) hay tạm giam (detention) nào",
                "nobody was imprisoned or detained before (no prison or detention event)",
            )
        if isinstance(event, d.Death):
            if died is not None:
                raise DossierError(where, "người này đã chết", "has died before")
            deaths[holder] = event.date
    return sorted(dossier.events, key=lambda e: e.date)


def _of_the_living(event: d.Event, died: date) -> bool:
    """Tell whether only a living person can meet it.

    A change decided after the death is one where it acts after the month of death; how poor the
    household is goes on without the dead, and a false file may be found out afterwards.
    """
    if isinstance(event, d.Change):
        acts = event.from_month or month_of(event.date)
        return event.facts.keys() != {"household"} and (
            acts > month_of(died) or event.from_month is None
        )
    return isinstance(event, _LIVING) or (
        isinstance(event, d.Stop) and event.cause in ("prison", "renounced", "moved")
    )


def _was_kept(release: d.Release, dossier: Dossier) -> bool:
    """Tell whether anything before took the person's liberty: prison, detention, or its stop."""
    holders = {c.id: c.holder for c in dossier.cases}
    who = release.person or holders[release.case or ""]
    return any(
        e.date <= release.date
        and who in (e.person, holders.get(e.case or ""))
        and (
            isinstance(e, d.Prison | d.Detention)
            or (isinstance(e, d.Stop) and e.cause == "prison")
            or (isinstance(e, d.Suspend) and e.reason in ("detention", "other"))
        )
        for e in dossier.events
    )


_LIVING = (
    d.MoveOut,
    d.MoveIn,
    d.Remarriage,
    d.Detention,
    d.Prison,
    d.Release,
    d.Refusal,
    d.Renounced,
    d.Resume,
    d.Suspend,
)
