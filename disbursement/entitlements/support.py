"""Support beside the monthly allowance: carers and households, facilities.

NĐ 335/2026 Art. 17; NĐ 20/2021 Art. 20 and 25. Funerals and emergencies are in once.py.

Coefficients and bases are rows of the rate tables; here stands who counts for which row. Where a
general rise reaches back over somebody who had left before it came into force, the level before
is due and the difference is held (setting left_before_rise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from disbursement.entitlements.amounts import (
    Gap,
    Item,
    MonthAmount,
    Nothing,
    figure,
    gap,
    least_sure,
)
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.parties import People, first_day, granted
from disbursement.entitlements.rules import Law, decimal_text, exact_amount
from disbursement.entitlements.soc import stands
from disbursement.entitlements.timeline import CaseLine
from disbursement.platform.clock import month_of, show_month
from disbursement.programmes.open_points import open_point
from disbursement.programmes.rates import CENTRAL, BaseLevel, Rate
from disbursement.programmes.support import rows_on

_ART17 = "NĐ 335/2026/NĐ-CP Điều 17; NĐ 20/2021/NĐ-CP Điều 20"


@dataclass(frozen=True)
class Care:
    """What the judgement of support needs: the people, all cases, the law."""

    people: People
    lines: tuple[CaseLine, ...]
    law: Law

    def degree(self, line: CaseLine, person: str, month: int) -> str:
        """Return the degree of disability from the case, else from the person's K6 case."""
        given: str | None = line.facts_at(month).get("degree")
        for other in self.lines:
            if given is None and other.category.code == "K6" and other.holder.id == person:
                given = other.facts_at(month).get("degree")
        if given is None:
            raise DossierError(
                f"cases {line.id}.facts.degree",
                "cần mức độ khuyết tật (S hoặc ES), hoặc hồ sơ K6 của người đó",
                "needs the degree (S or ES), or a K6 case of that person",
            )
        return given


def support_unit(line: CaseLine, lines: Iterable[CaseLine]) -> str:
    """Return what can be owed once: per couple (17.2.a), else per person cared for or dead."""
    if line.category.code == "C17.2a":
        couple, children = _couple(line), _children(line)
        for other in lines:
            if other.category.code == "C17.2a" and (
                _couple(other) & couple or _children(other) & children
            ):
                couple |= _couple(other)
        return f"CARE_CHILD/{'+'.join(sorted(couple))}"
    if line.category.shape == "care":
        return f"CARE/{line.facts.get('cared_for', line.holder.id)}"
    if line.category.shape == "funeral":
        return f"FUNERAL/{line.holder.id}"
    return f"CASE/{line.id}"


def _couple(line: CaseLine) -> set[str]:
    return {line.holder.id, line.facts.get("spouse", line.holder.id)}


def _children(line: CaseLine) -> set[str]:
    """Return the children that are named: who raises the same ones is one couple."""
    named = line.facts.get("children", ())
    return set() if isinstance(named, int) else set(named)


def care_amount(care: Care, lines: Sequence[CaseLine], month: int) -> MonthAmount:
    """Return what one unit of carer or household support gives: the highest of its cases."""
    found: list[tuple[Item, Item | None]] = []
    nothing = None
    uncovered: list[Gap] = []
    for line in lines:
        result = _care_case(care, line, month)
        if isinstance(result, Nothing):
            nothing = nothing or result
        elif isinstance(result, Gap):
            uncovered.append(result)
        else:
            found.append(result)
    unit = support_unit(lines[0], care.lines)
    ids = tuple(x.id for x in lines)
    if not found:
        return MonthAmount(
            unit, month, ids, nothing=None if uncovered else nothing, not_covered=tuple(uncovered)
        )
    item, held = max(found, key=lambda f: f[0].amount_vnd)
    return MonthAmount(unit, month, ids, (item,), (held,) if held else ())


def _care_case(care: Care, line: CaseLine, month: int) -> tuple[Item, Item | None] | Nothing | Gap:
    start = granted(line).first
    if month < start:
        return Nothing(
            f"chưa bắt đầu hưởng (từ tháng {show_month(start)})",
            f"not yet on the roll (from {show_month(start)})",
            "NĐ 335/2026/NĐ-CP Điều 8 khoản 2",
        )
    for over in (line.ending_before(month), line.pause_at(month)):
        if over is not None:
            rule = over.rule
            return Nothing(rule.text_vi, rule.text_en, rule.citation, rule.confidence)
    pick = _pick(care, line, month)
    if isinstance(pick, Nothing):
        return pick

    def at(law: Law) -> Item | None:
        rows = rows_on(law.rates, pick.kind, first_day(month), law.law_on, law.undecided)
        rate = pick.choose(rows)
        if rate is None or rate.coefficient is None:
            return None
        base = law.rates.view(month, law.law_on, law.undecided).base(
            rate.base_code, line.territory(month)
        )
        return _item(care, line, month, rate, base, rate.coefficient)

    found = _rerated(care, line, month, at)
    if found is None:
        told = f"{line.category.code}, {show_month(month)}"
        return gap(f"{told}: chưa nạp mức của thời gian này", f"{told}: no rate is loaded")
    return found


def _pick(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """Choose the row of the month, or say why there is none."""
    cared = line.facts.get("cared_for")
    birth = care.people.dossier.person(cared).birth if cared else None
    if birth is not None and month < birth.first:
        return Nothing("người được chăm sóc chưa sinh", "is not born yet", _ART17)
    return _PICKS[line.category.code](care, line, month)


@dataclass(frozen=True)
class _Pick:
    kind: str
    choose: Callable[[Sequence[Rate]], Rate | None]


def _named(rows: Sequence[Rate], *words: str) -> Rate | None:
    return next((r for r in rows if any(r.code.endswith(w) for w in words)), None)


def _cared_for(line: CaseLine) -> str | None:
    """Return who is cared for: as told, or the holder where somebody else is to receive."""
    told: str | None = line.facts.get("cared_for")
    payee = line.case.payee
    return told or (line.holder.id if payee not in (None, line.holder.id) else None)


def _carer(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """Art. 17.1: who takes in a K1 child, or an elderly person of K5b."""
    person = _cared_for(line)
    if person is None:
        raise DossierError(
            f"cases {line.id}.facts.cared_for", "cần mã người được chăm sóc", "is needed"
        )
    told = line.facts_at(month).get("care_of")
    theirs = [x for x in care.lines if x.holder.id == person and x.category.code in ("K1", "K5b")]
    of = told or next((x.category.code for x in theirs), None)
    if of is None:
        raise DossierError(
            f"cases {line.id}.facts.care_of",
            "cần diện của người được chăm sóc: K1 hoặc K5b",
            "needs the category of the person cared for: K1 or K5b",
        )
    if not told and not any(stands(x, month, care.people, care.law) for x in theirs):
        return Nothing(
            f"người được chăm sóc không đủ điều kiện của diện {of}",
            f"who is cared for does not meet the conditions of {of}",
            _ART17,
        )
    why = line.category.title_vi
    if of == "K5b":
        if care.people.by_age(person, month, why, lambda m: m < 60 * 12):
            return Nothing("người được chăm sóc chưa đủ 60 tuổi", "is under 60", _ART17)
        return _Pick("carer_support", lambda rows: _named(rows, "C.K5B", "C.K5D"))
    if care.people.by_age(person, month, why, lambda m: m > 16 * 12):
        return Nothing("trẻ đã đủ 16 tuổi", "the child has turned 16", _ART17)
    young = care.people.by_age(person, month, why, lambda m: m < 4 * 12)
    code = "C.K1.LT4" if young else "C.K1.GE4"
    return _Pick("carer_support", lambda rows: _named(rows, code))


def _raising(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """Art. 17.2.a: pregnant, or raising children under 36 months; the highest of its two rates.

    A lower level acts in the month itself; where nothing is left, the month is the last.
    """
    if care.degree(line, line.holder.id, month) not in ("S", "ES"):
        return Nothing("không phải khuyết tật nặng", "is not severely disabled", _ART17)
    facts = line.facts_at(month)

    def children(back: int) -> int:
        given = facts.get("children", 0)
        if isinstance(given, int):
            return given
        return sum(
            care.people.by_age(c, month, "con dưới 36 tháng", lambda m: 0 <= m - back < 36)
            and (care.people.alive_at_end(c, month) or back == 1)
            for c in given
        )

    def pregnant(back: int) -> bool:
        if facts.get("pregnant") is True and "pregnant_to" not in facts:
            return "pregnant_from" not in facts or month_of(facts["pregnant_from"]) <= month
        first, last = facts.get("pregnant_from"), facts.get("pregnant_to")
        if first is None and last is None:
            return False
        begun = first is None or month_of(first) <= month
        return begun and (last is None or month < month_of(last) + back)

    for back in (0, 1):
        count, expecting = children(back), pregnant(back)
        if count >= 2 or (count == 1 and expecting):
            return _Pick("carer_support", lambda rows: _named(rows, "DIS.PREG_AND_1_OR_2PLUS"))
        if count == 1 or expecting:
            return _Pick("carer_support", lambda rows: _named(rows, "DIS.PREG_OR_1"))
    return Nothing(
        "không mang thai và không nuôi con dưới 36 tháng",
        "neither pregnant nor raising a child under 36 months",
        _ART17,
    )


def _household(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """Art. 17.2.c: the household of each especially severely disabled person."""
    person = line.facts.get("cared_for", line.holder.id)
    if care.degree(line, person, month) != "ES" and not _was_es(care, line, person, month):
        return Nothing(
            "người được chăm sóc không phải khuyết tật đặc biệt nặng",
            "the person cared for is not especially severely disabled",
            _ART17,
        )
    return _Pick("carer_support", lambda rows: _named(rows, "DIS.HOUSEHOLD"))


def _was_es(care: Care, line: CaseLine, person: str, month: int) -> bool:
    """Tell whether the degree was lowered in this very month: the right ends the month after.

    Also where it was raised in the same month: the month in which the right began is due.
    """
    return any(
        facts.get("degree") == "ES"
        for other in (line, *care.lines)
        if other is line or (other.category.code == "K6" and other.holder.id == person)
        for facts in other.facts_until(month)
    )


def _taken_in(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """Art. 17.2.d: who takes in an especially severely disabled person."""
    person = _cared_for(line)
    if person is None:
        raise DossierError(
            f"cases {line.id}.facts.cared_for", "cần mã người được chăm sóc", "is needed"
        )
    found = _household(care, line, month)
    if isinstance(found, Nothing):
        return found
    child = care.people.by_age(person, month, line.category.title_vi, lambda m: m < 16 * 12)
    code = "DIS.TAKEIN.CHILD" if child else "DIS.TAKEIN.ADULT"
    return _Pick("carer_support", lambda rows: _named(rows, code))


def _resident(care: Care, line: CaseLine, month: int) -> _Pick | Nothing:
    """NĐ 20/2021 Art. 25; the chapter of NĐ 335/2026 was not read."""
    why = line.category.title_vi
    young = care.people.by_age(line.holder.id, month, why, lambda m: m < 4 * 12)
    code = "FAC.LT4" if young else "FAC.GE4"
    return _Pick("facility", lambda rows: _named(rows, code))


_PICKS: dict[str, Callable[[Care, CaseLine, int], _Pick | Nothing]] = {
    "C17.1": _carer,
    "C17.2a": _raising,
    "C17.2c": _household,
    "C17.2d": _taken_in,
    "FAC": _resident,
}


def _item(
    care: Care, line: CaseLine, month: int, rate: Rate, base: BaseLevel, times: Fraction
) -> Item:
    amount = exact_amount(times, 1, base.amount_vnd, rate.code)
    text = str(times.numerator) if rate.kind == "funeral" else decimal_text(times)
    return Item(
        case=line.id,
        holder=line.holder.id,
        payee=care.people.payee(line),
        amount_vnd=amount,
        rate_code=rate.code,
        arithmetic=f"{text} × {figure(base.amount_vnd)}",
        citation=f"{rate.citation}; mức chuẩn: {base.citation}{line.late_citation(month)}",
        confidence=least_sure((rate.confidence, base.confidence)),
        title_vi=rate.description_vi,
        title_en=rate.description_en,
        tag=line.tag(month),
    )


def _rerated(
    care: Care, line: CaseLine, month: int, at: Callable[[Law], Item | None]
) -> tuple[Item, Item | None] | None:
    """Assess at today's law; hold what a rise adds that came too late or is not decided yet.

    A general rise whose decision is not recorded leaves the level before for everybody but those
    granted under it (NĐ 335/2026 Art. 32.4).
    """
    decided = replace(care.law, undecided=frozenset())
    granted_on = granted(line).decided_on
    found = hold_rise(decided, month, _left_on(care, line, month), at(decided), at, granted_on)
    waiting = frozenset(
        r.code
        for r in care.law.rates.rises()
        if r.code in care.law.undecided and granted_on < r.in_force_from
    )
    before = at(replace(care.law, undecided=waiting)) if waiting else None
    if found is None or before is None or before.amount_vnd >= found[0].amount_vnd:
        return found
    point = open_point("rerating_decision_missing")
    return before, _added(found[0], before, point.citation, point.sentence_vi, point.sentence_en)


def _left_on(care: Care, line: CaseLine, month: int) -> date | None:
    """Return a day by which the case had left the roll: by an event, by age or by a fact."""
    ending = min(line.endings, key=lambda e: e.last_month, default=None)
    if ending is not None and ending.day is not None:
        return ending.day
    for rise in care.law.rates.rises():
        then = month_of(rise.in_force_from)
        if month < then and isinstance(_pick(care, line, then), Nothing):
            return first_day(month)
    return None


def _added(new: Item, old: Item, citation: str, why_vi: str, why_en: str) -> Item:
    """Return what a level adds to the one before, as an amount that waits."""
    return replace(
        new,
        amount_vnd=new.amount_vnd - old.amount_vnd,
        arithmetic=f"{new.arithmetic} − {old.arithmetic}",
        citation=citation,
        confidence="uncertain",
        why_vi=why_vi,
        why_en=why_en,
    )


def hold_rise(
    law: Law,
    month: int,
    left_on: date | None,
    new: Item | None,
    at: Callable[[Law], Item | None],
    granted_on: date = date.min,
) -> tuple[Item, Item | None] | None:
    """Split an amount where a general rise came into force only after `left_on`.

    What was granted under the rise is not re-rated by it.
    """
    if new is None:
        return None
    rises = [
        r
        for r in law.rates.rises()
        if left_on is not None
        and max(left_on, granted_on) < r.in_force_from <= law.law_on
        and month_of(r.money_from) <= month
    ]
    if not rises or law.settings.left_before_rise == "rerate":
        return new, None
    old = at(replace(law, undecided=law.undecided | {r.code for r in rises}))
    if old is None or old.amount_vnd >= new.amount_vnd:
        return new, None
    if law.settings.left_before_rise == "old_level":
        return old, None
    point = open_point("left_before_rise")
    held = _added(new, old, point.citation, point.sentence_vi, point.sentence_en)
    return old, held


def central(law: Law, code: str, month: int) -> BaseLevel:
    """Return the central base level of a month: what the minimum of Art. 11 and 12 is tied to."""
    return law.rates.view(month, law.law_on, law.undecided).base(code, CENTRAL)
