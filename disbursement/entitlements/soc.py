"""Social assistance and social pension of one person and month, through the bulk path's `assess`.

The dossier's cases are written as the register would write them (facts.Case), month by month;
profiles and rules are those of every list. There is no second copy of the law here, only the
resolution of what the register holds resolved: dated facts, counted children, places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from disbursement.entitlements.amounts import Gap, Item, MonthAmount, Nothing, figure, gap
from disbursement.entitlements.dossier import Facts
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.facts import (
    Birth,
    Case,
    Change,
    Clause,
    DecisionKind,
    Income,
    rule_start,
)
from disbursement.entitlements.parties import People, granted
from disbursement.entitlements.profiles import CHANGING, Profiler
from disbursement.entitlements.rules import Due, DueLine, Law, assess, decimal_text
from disbursement.entitlements.timeline import CaseLine, Place, end_of, moved_away
from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.platform.errors import OurFaultError
from disbursement.programmes.rates import CENTRAL, RateSet


@dataclass(frozen=True)
class Soc:
    """What all months of one person share."""

    person: str
    lines: tuple[CaseLine, ...]
    people: People
    law: Law
    merit_months: frozenset[int]  # in which meritorious-service allowances are drawn too
    facility_months: frozenset[int] = frozenset()  # in which a facility keeps the person

    @property
    def unit(self) -> str:
        """Return the unit: one total per person (NĐ 335/2026 Art. 6.2, 31)."""
        return f"SOC/{self.person}"


@lru_cache(maxsize=512)
def _profiler(month: int, rates: RateSet) -> Profiler:
    return Profiler(month, month, rates)


def soc_amount(soc: Soc, month: int) -> MonthAmount:
    """Return what the person's cases give for one month. Raises DossierError."""
    birth = soc.lines[0].birth
    if birth is None:
        raise DossierError(
            f"people {soc.person}.born", "cần ngày hoặc năm sinh", "a birth date is needed"
        )
    _one_commune(soc, month)
    cases = [c for line in soc.lines for c in _cases(soc, line, month, birth)]
    due = _assess(cases, birth, month, soc.law)
    items = tuple(_item(soc, line, month) for line in due.lines)
    held = tuple(_held(soc, due, month, birth)) if due.held else ()
    nothing = None if items or held else _nothing(soc, due, month)
    covered = _together(tuple(h for h in held if not _uncovered(due, h)), due)
    return MonthAmount(
        soc.unit,
        month,
        tuple(line.id for line in soc.lines),
        items,
        covered,
        nothing,
        tuple(_not_covered(soc, due, month)),
        notes=tuple(_notes(soc, due)),
    )


def _one_commune(soc: Soc, month: int) -> None:
    """Refuse one right that two communes would pay for the same month. Raises DossierError."""
    seen: dict[str, CaseLine] = {}
    for line in soc.lines:
        place = line.place(month)
        if place.territory == CENTRAL or not _in_force(line, month):
            continue  # no place is told, or it does not pay
        other = seen.setdefault(line.category.code, line)
        there = other.place(month)
        if place.territory != there.territory or (
            place.commune and there.commune and place.commune != there.commune
        ):
            code, when = line.category.code, show_month(month)
            raise DossierError(
                f"cases {line.id}",
                f"xã khác với hồ sơ '{other.id}' cũng trả {code} tháng {when}; ghi sự kiện "
                "move_out của nơi cũ, hoặc bỏ một hồ sơ",
                f"is held in another place than case '{other.id}', which pays {code} for {when}"
                " too; add a move_out event to the old one, or leave one out",
            )


def _assess(cases: Sequence[Case], birth: Birth, month: int, law: Law) -> Due:
    (span,) = _profiler(month, law.rates).spans(cases, birth)
    return assess(span.facts, month, law)


def start_of(line: CaseLine, birth: Birth) -> int:
    """Return the first month on the roll, by the decision's own word or the start rule."""
    start = granted(line)
    if start.written:
        return start.first
    return rule_start(_bare(line, start.first), birth) or start.first


def _bare(line: CaseLine, first: int) -> Case:
    clause: Clause = line.category.code  # type: ignore[assignment] # the catalogue's codes are Clauses
    return Case(
        programme="SP" if clause == "SP" else "SA",
        clause=clause,
        province=line.places[0].territory,
        start_month=first,
        decision_date=granted(line).decided_on,
        decision_kind=_decision_kind(line),
        certificate_date=line.facts.get("certificate_date"),
    )


def _decision_kind(line: CaseLine) -> DecisionKind:
    """Return whether a start rule applies: not on the roll already, nor to a move."""
    if line.case.on_roll_since:
        return "change"
    return line.case.decision.kind if line.case.decision else "grant"


def _cases(soc: Soc, line: CaseLine, month: int, birth: Birth) -> list[Case]:
    """Write one case as the register would: a row per place where it was held."""
    now = line.facts_at(month)
    start = start_of(line, birth)
    out = []
    for place in line.places:
        first = place.first or start
        if place.last is not None and place.last < first:
            continue
        row = _row(soc, line, now, month, place, first)
        steps = [_row(soc, line, f, month, place, first) for f in line.facts_until(month)]
        changes = [_change(month, a, b) for a, b in pairwise([*steps, row])]
        changes += _later(soc, line, month, place, row)
        row = [*steps, row][0]
        row, earlier = _earlier(soc, line, month, place, row)
        changes = [*earlier, *changes]
        out.append(replace(row, changes=tuple(changes)) if changes else row)
    return out


def _earlier(
    soc: Soc, line: CaseLine, month: int, place: Place, now: Case
) -> tuple[Case, list[Change]]:
    """Return the row before anything changed, and what changed in it before the month."""
    starts = sorted({start for start, _ in line.changes if start < month})
    if not starts:
        return now, []
    first = _row(soc, line, line.facts, starts[0], place, now.start_month)
    base = replace(now, **{name: getattr(first, name) for name in CHANGING})
    rows = [_row(soc, line, line.facts_at(m), m, place, now.start_month) for m in starts]
    rows[-1] = now  # what the month itself begins with, whatever ages and levels did since
    out, last = [], base
    for start, row in zip(starts, rows, strict=True):
        change = _change(start, last, row)
        out += [change] if change.values else []
        last = row
    return base, out


def _change(month: int, before: Case, now: Case) -> Change:
    """Write facts that change in this month; rules.py says which of the two count.

    A household's status told by an event no longer depends on the days told before.
    """
    dated = (before.household_from, before.household_to) != (now.household_from, now.household_to)
    changed = {n for n in CHANGING if getattr(before, n) != getattr(now, n)}
    changed |= {"household"} if dated else set()
    values = [(n, getattr(now, n)) for n in CHANGING if n in changed]
    return Change(month, tuple(values))


def _later(soc: Soc, line: CaseLine, month: int, place: Place, now: Case) -> Iterator[Change]:
    """Yield what changes after the month until a general rise that reaches back to it.

    It tells who had left the roll before the rise came into force (profiles.py).
    """
    rises = [r for r in soc.law.rates.rises() if month_of(r.money_from) <= month]
    until = max((month_of(r.in_force_from) for r in rises), default=0)
    listed = isinstance(line.facts.get("children"), tuple)  # whose ages change the number
    later = month
    while (later := add_months(later, 1)) < until or (listed and later == until):
        told = line.changes_in(later)
        if not (listed or told):
            continue
        row = _row(soc, line, line.facts_at(later), later, place, now.start_month)
        if now.children and row.children == 0 and not told:
            yield _change(add_months(later, -1), now, row)  # the last child's month is the last
        elif later < until and row != now:
            yield _change(later, now, row)
        now = row


def stands(line: CaseLine, month: int, people: People, law: Law) -> bool:
    """Tell whether the facts of the month give the right, whoever decided when, paid or not."""
    case = line.case.model_copy(update={"on_roll_since": month, "decision": None})
    place = replace(line.places[0], last=None)
    bare = replace(line, case=case, places=(place,), endings=(), pauses=())
    found = soc_amount(Soc(line.holder.id, (bare,), people, law, frozenset()), month)
    return bool(found.items or found.held or found.not_covered)


def _row(soc: Soc, line: CaseLine, facts: Facts, month: int, place: Place, first: int) -> Case:
    house = soc.people.dossier.household_of(soc.person)
    status, house_from, house_to = facts.get("household"), None, None
    if status is None and house is not None:
        status, house_from, house_to = house.status, house.from_day, house.to_day
    found = _as_granted(line, household_told=house is not None)
    status = status or found.get("household")
    facts = {**found, **facts}  # what an event changes was until then as granted
    end_day, written = end_of(line.endings, place)
    paused = line.pause_at(month) is not None
    clause: Clause = line.category.code  # type: ignore[assignment] # the catalogue's codes are Clauses
    decided = place.moved_in or granted(line).decided_on
    kind: DecisionKind = "move_in" if place.moved_in else _decision_kind(line)
    return Case(
        programme="SP" if clause == "SP" else "SA",
        clause=clause,
        province=place.territory,
        start_month=first,
        decision_date=decided,
        decision_kind=kind,
        degree=facts.get("degree"),
        certificate_date=facts.get("certificate_date"),
        children=_children(soc, line, facts, month),
        studying=facts.get("studying"),
        on_k1_at_16=facts.get("on_k1_at_16"),
        household=status,
        household_from=house_from,
        household_to=house_to,
        carer=facts.get("carer"),
        difficult_area=facts.get("difficult_area"),
        income=_income(soc, facts, month, place.territory),
        written_request=facts.get("written_request"),
        in_facility=facts.get("in_facility", False) or month in soc.facility_months,
        merit_allowance=facts.get("merit_allowance", False) or month in soc.merit_months,
        end_month=written,
        end_date=end_day,
        status="suspended" if paused else "active",
        suspended_from=month if paused else None,
        moved=moved_away(line.endings, place, written),
    )


def _income(soc: Soc, facts: Facts, month: int, territory: str) -> Income | None:
    """Compare a pension in dong with the social pension of the month (NĐ 176/2025 Art. 2)."""
    pension = facts.get("pension_vnd")
    if pension is None:
        found: Income | None = facts.get("income")
        return found
    if pension == 0:
        return "none"
    try:
        level = soc.law.rates.view(month, soc.law.law_on, soc.law.undecided).base(
            "SP_BASE", territory
        )
    except OurFaultError:  # before there was a social pension every pension counts
        return "not_lower"
    return "lower_than_sp" if pension < level.amount_vnd else "not_lower"


def _children(soc: Soc, line: CaseLine, facts: Facts, month: int) -> int | None:
    """Count the children of K4: under 16, or studying on (NĐ 20/2021: up to 22).

    A smaller number acts in the month itself; where none is left, the month is the last.
    """
    given = facts.get("children")
    if facts.get("single") is False:
        return 0
    if given is None or isinstance(given, int):
        return given
    studying = facts.get("studying_children", ())
    known = {r.code for r in soc.law.rates.rises() if r.in_force_from <= granted(line).decided_on}
    view = soc.law.rates.view(month, soc.law.law_on, soc.law.undecided - known)
    rows = view.monthly.get("K4", ())
    old = bool(rows) and rows[0].code.startswith("SA21")

    def studies_on(child: str, months: int, back: int) -> bool:
        """Tell whether the child counts after 16: to 22 (NĐ 20), or if received for at 16."""
        if child not in studying or (old and months >= 22 * 12):
            return False
        return old or granted(line).first <= add_months(month, 16 * 12 - months - back)

    def counts(child: str, back: int) -> bool:
        alive = soc.people.alive_at_end(child, month) or (
            back == 1 and soc.people.alive_at_end(child, add_months(month, -1))
        )

        def young(at_end: int) -> bool:
            months = at_end - back
            return months >= 0 and (months < 16 * 12 or studies_on(child, months, back))

        return alive and soc.people.by_age(child, month, "con của người đơn thân, K4", young)

    now = sum(counts(c, 0) for c in given)
    return now or sum(counts(c, 1) for c in given)


def _line_of(soc: Soc, due: DueLine, month: int) -> CaseLine:
    same = [line for line in soc.lines if line.category.code == due.clause]
    return next((x for x in same if _in_force(x, month)), same[0])


#: What the clause itself demands, and its decision has found (NĐ 335/2026 Art. 5, NĐ 176/2025
#: Art. 2): it counts where the dossier says nothing. How poor a pensioner of 70 to 74 is, how
#: many children and which degree of disability no clause says.
_GRANTED: dict[str, Facts] = {
    "K2": {"studying": True, "on_k1_at_16": True},
    "K3": {"household": "poor"},
    "K4": {"household": "near_poor"},
    "K5a": {"household": "poor", "carer": "no_obliged"},
    "K5b": {"household": "poor", "carer": "taken_in"},
    "K5b20": {"household": "near_poor", "difficult_area": True},
    "K5c": {"income": "none"},
    "K7": {"household": "near_poor", "difficult_area": True},
    "K8": {"household": "poor", "income": "none"},
    "SP": {"income": "none", "written_request": True},
}


def _as_granted(line: CaseLine, *, household_told: bool) -> Facts:
    """Return the conditions taken as the decision found them."""
    told = set(line.facts)
    if "pension_vnd" in told:
        told.add("income")
    if household_told:
        told.add("household")
    known = _GRANTED.get(line.category.code, {})
    return {k: v for k, v in known.items() if k not in told}


def _notes(soc: Soc, due: Due) -> Iterator[tuple[str, str]]:
    """Say what was outdone, and what was taken as the decision found it."""
    for reason in due.reasons:
        if reason.code == "not_highest":
            yield reason.text_vi, reason.text_en
    paid = {line.clause for line in due.lines}
    told = soc.people.dossier.household_of(soc.person) is not None
    for line in soc.lines:
        found = _as_granted(line, household_told=told)
        if found and line.category.code in paid:
            names = ", ".join(sorted(found))
            yield (
                f"theo quyết định hưởng, hồ sơ không ghi: {names}",
                f"as the decision found, the dossier does not say: {names}",
            )


def _in_force(line: CaseLine, month: int) -> bool:
    birth = line.birth
    started = birth is not None and start_of(line, birth) <= month
    last = line.places[-1].last
    left = last is not None and last < month
    return started and not left and line.ending_before(month) is None


def _item(soc: Soc, due: DueLine, month: int) -> Item:
    line = _line_of(soc, due, month)
    times = f"{due.count} × " if due.clause == "K4" else ""
    rate = next(r for r in soc.law.rates.rates if r.code == due.rate_code)
    return Item(
        case=line.id,
        holder=soc.person,
        payee=soc.people.payee(line),
        amount_vnd=due.amount_vnd,
        rate_code=due.rate_code,
        arithmetic=f"{times}{decimal_text(due.coefficient)} × {figure(due.base_vnd)}",
        citation=f"{due.citation}{line.late_citation(month)}",
        confidence=due.confidence,
        title_vi=rate.description_vi,
        title_en=rate.description_en,
        tag=line.tag(month),
    )


def _together(held: tuple[Item, ...], due: Due) -> tuple[Item, ...]:
    """Keep several holds on one amount from adding up to more than it."""
    if due.at_most_vnd is None or len(held) < 2:
        return held
    rest, out = due.at_most_vnd - due.total_vnd, []
    for item in held:
        amount = min(item.amount_vnd, max(0, rest))
        rest -= amount
        text = item.arithmetic if amount == item.amount_vnd else figure(amount)
        out.append(replace(item, amount_vnd=amount, arithmetic=text))
    return tuple(out)


_NOT_COVERED = ("no_rate_loaded", "category_ended")


def _uncovered(due: Due, held: Item) -> bool:
    return any(h.code in _NOT_COVERED and h.sentence_vi == held.why_vi for h in due.held)


def _not_covered(soc: Soc, due: Due, month: int) -> list[Gap]:
    if due.lines and all(h.code != "no_rate_loaded" for h in due.held):
        return []  # a clause that was repealed, and the one that took its place
    told = f"{', '.join(line.category.code for line in soc.lines)}, {show_month(month)}"
    return [
        gap(f"{told}: {h.sentence_vi}", f"{told}: {h.sentence_en}")
        for h in due.held
        if h.code in _NOT_COVERED
    ]


def _held(soc: Soc, due: Due, month: int, birth: Birth) -> list[Item]:
    """Say each hold with the case it comes from and the rate it would be paid at."""
    out = []
    for hold in due.held:
        line, found = soc.lines[0], None
        for candidate in soc.lines:
            alone = _assess(_cases(soc, candidate, month, birth), birth, month, soc.law)
            if any(h.code == hold.code for h in alone.held):
                line, found = candidate, alone
                break
        rate_code = found.lines[0].rate_code if found and found.lines else ""
        out.append(
            Item(
                case=line.id,
                holder=soc.person,
                payee=soc.people.payee(line),
                amount_vnd=hold.amount_vnd or 0,
                rate_code=rate_code,
                arithmetic=figure(hold.amount_vnd or 0),
                citation=hold.citation,
                confidence="uncertain",
                title_vi=line.category.title_vi,
                title_en=line.category.title_en,
                why_vi=hold.sentence_vi,
                why_en=hold.sentence_en,
                known=hold.amount_vnd is not None,
            )
        )
    return out


def _nothing(soc: Soc, due: Due, month: int) -> Nothing:
    """Say why the month gives nothing: the timeline's reason first, then the rules' own."""
    for line in soc.lines:
        if (gone := line.ending_before(month)) is not None:
            rule = gone.rule
            return Nothing(
                f"thôi hưởng ({rule.text_vi})",
                f"stopped ({rule.text_en})",
                rule.citation,
                rule.confidence,
            )
        if (pause := line.pause_at(month)) is not None:
            rule = pause.rule
            over = pause.stops_from is not None and month >= pause.stops_from
            return Nothing(
                f"{'thôi hưởng' if over else 'tạm dừng'} ({rule.text_vi})",
                f"{'stopped' if over else 'suspended'} ({rule.text_en})",
                rule.citation,
                rule.confidence,
            )
    if due.reasons:
        vi = " ".join(r.text_vi for r in due.reasons)
        en = " ".join(r.text_en for r in due.reasons)
        return Nothing(vi, en, "; ".join(dict.fromkeys(r.citation for r in due.reasons)))
    first = min(start_of(x, x.birth) for x in soc.lines if x.birth is not None)
    if month < first:
        return Nothing(
            f"chưa bắt đầu hưởng (từ tháng {show_month(first)})",
            f"not yet on the roll (from {show_month(first)})",
            "NĐ 335/2026/NĐ-CP Điều 8 khoản 2; NĐ 20/2021/NĐ-CP Điều 8 khoản 1 điểm đ",
        )
    return Nothing(
        "nơi cũ đã thôi trả, chưa có quyết định của nơi mới",
        "the old commune has stopped and no new decision is recorded",
        "NĐ 335/2026/NĐ-CP Điều 8 khoản 3",
    )
