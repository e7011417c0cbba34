"""From a person's cases to the few spans of months in which nothing that matters changes.

One path for one person and for all: the register is folded into `MonthFacts`, people with equal
facts share a profile, and `rules.assess` is called once per profile and month.

Cheap because dates are first clipped to the months asked for and birth to the ages that matter
(`_reduce`, a few microseconds), and everything after that is a function of the clipped values
alone, remembered. What a result depends on is therefore exactly what the memory is keyed by.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from disbursement.entitlements.facts import (
    START_RULE_335,
    Ages,
    Birth,
    Case,
    Change,
    Clause,
    MonthFacts,
    Pause,
    Right,
    conditions,
    last_month,
    profile_key,
    rule_start,
)
from disbursement.platform.clock import add_months, month_of, months_between
from disbursement.platform.errors import RefusedError
from disbursement.programmes.rates import CLAUSE_AGES, Instrument, RateSet, shipped_rates

#: The facts each clause needs beside age and territory; others are left out of its profile.
NEEDS: dict[str, tuple[str, ...]] = {
    "K1": ("studying",),
    "K2": ("studying", "on_k1_at_16"),
    "K3": ("household",),
    "K4": ("household", "children"),
    "K5a": ("household", "carer"),
    "K5b": ("household", "carer"),
    "K5b20": ("household", "difficult_area"),
    "K5c": ("income",),
    "K6": ("degree",),
    "K7": ("household", "difficult_area"),
    "K8": ("household", "income"),
    "SP": ("household", "income", "written_request"),
}
#: The age in whose month a clause is paid for the last time (K2: under NĐ 20/2021 only).
_STOP_AGE = {"K1": 16, "K2": 22, "K3": 16, "K5b20": 80, "K7": 3}
#: The age in whose month a clause is paid for the first time.
_FROM_AGE = {"K2": 16, "K5a": 60, "K5b": 60, "K5b20": 75, "K5c": 80, "SP": 70}
#: Clauses of NĐ 20/2021 that NĐ 176/2025 Art. 8.2 ended, before any general rise.
_REPEALED = frozenset({"K5b20", "K5c"})
_MEMORY = 200_000


class Span(NamedTuple):
    """Months `from_month` to `to_month`, both included, with the same facts and profile key."""

    from_month: int
    to_month: int
    facts: MonthFacts
    key: bytes


class _Reduced(NamedTuple):
    """A case with its dates clipped to the months asked for; no identity, no birth."""

    clause: Clause
    territory: str
    values: tuple[Any, ...]  # degree, children … in the order of CHANGING
    start: int
    rule: int  # first month by the start rule
    end: int  # last month that is due
    end_written: int
    household_from: int
    household_to: int
    pauses: tuple[tuple[int, int], ...]  # first and last month of each
    changes: tuple[Change, ...]  # in the range; what changed before it is in `values`
    leave: int  # last month on the roll, 0 where it is not the last before a rise
    lapsed_at_22: bool
    granted_under: tuple[str, ...]
    left_before: tuple[str, ...]


#: The facts of a case that an event may change.
CHANGING = (
    "degree",
    "children",
    "studying",
    "on_k1_at_16",
    "household",
    "carer",
    "difficult_area",
    "income",
    "written_request",
    "in_facility",
    "merit_allowance",
)
_AT = {name: n for n, name in enumerate(CHANGING)}


def _index(month: int) -> int:
    return month // 100 * 12 + month % 100


def _leave(case: Case, birth: Birth, by: int) -> int | None:
    """Return the last month on the roll by end, age or household, or None while none is known.

    The days of a household's status count until a change told for a month before `by`.
    """
    ends = [last_month(case)]
    if case.clause in _STOP_AGE:
        ends.append(add_months(birth.last, 12 * _STOP_AGE[case.clause]))
    told = (n for c in case.changes if c.month < by for n, _ in c.values)
    if (
        case.household_to is not None
        and "household" in NEEDS[case.clause]
        and "household" not in told
    ):
        last = month_of(case.household_to)
        if case.clause != "SP" or add_months(birth.last, 12 * 75) > add_months(last, 1):
            ends.append(last)  # from 75 the social pension asks for no poor household
    return min((e for e in ends if e is not None), default=None)


def _lost(case: Case, birth: Birth, by: int) -> int | None:
    """Return the month whose change of facts took the right away, if it was gone in month `by`.

    Paid to the end of that month (NĐ 335/2026 Art. 8.4). A right that came back before is none.
    """
    lost = None
    for change in case.changes:
        if change.month >= by:
            break
        case = replace(case, **dict(change.values))
        young = add_months(birth.last, 12 * 75) > add_months(change.month, 1)
        met = all(m is not False for _, m in conditions(case, poor_only=young))
        lost = None if met else lost or change.month
    return lost


def _stands(case: Case, birth: Birth, month: int) -> bool:
    """Tell whether the facts and the age of the start of a month give the clause any right."""
    begins = add_months(birth.first, 12 * _FROM_AGE.get(case.clause, 0))
    if case.clause in _REPEALED or begins > month:
        return False
    for change in case.changes:
        if change.month < month:
            case = replace(case, **dict(change.values))
    young = add_months(birth.last, 12 * 75) > month
    return all(met is not False for _, met in conditions(case, poor_only=young))


def _on_roll(case: Case, birth: Birth, rise: Instrument) -> bool:
    """Tell whether the case was being paid on the day the rise came into force.

    An end without a day in that very month counts as before it, an age reached in it as after;
    a move ends nothing: the new commune goes on from the month the old one stopped (Art. 8.3).
    """
    month = month_of(rise.in_force_from)
    leave = _leave(case, birth, month)
    begun = add_months(month, 1) if case.decision_kind == "move_in" else month
    if case.decision_kind == "grant" and case.decision_date >= rise.in_force_from:
        return False
    if case.start_month > begun or (leave is not None and leave < month):
        return False
    if not _stands(case, birth, month):
        return False
    if case.end_date is not None:
        return case.end_date >= rise.in_force_from
    if case.moved and case.end_month == month:
        return True
    return case.end_month is None or case.end_month > month


def _left_before(
    case: Case, birth: Birth, rises: Sequence[Instrument], cases: Sequence[Case]
) -> tuple[int, tuple[str, ...]]:
    """Name the rises that came into force after this person left the roll, and the last month."""
    left, last = [], 0
    for rise in rises:
        month = month_of(rise.in_force_from)
        ends = (
            _leave(case, birth, month),
            _lost(case, birth, month) if case.changes else None,
        )
        leave = min((e for e in ends if e is not None), default=None)
        if (
            leave is not None
            and case.start_month <= month
            and month_of(rise.money_from) <= leave <= month
            and case.decision_date < rise.in_force_from
            and not any(_on_roll(c, birth, rise) for c in cases)
        ):
            left.append(rise.code)
            last = max(last, leave)
    return last, tuple(left)


def _lapsed_at_22(case: Case, birth: Birth, cases: Sequence[Case]) -> bool:
    """Tell whether the student's right ended at 22 under NĐ 20/2021, before NĐ 335/2026.

    A move takes the right along as it was: it does not grant anew what had ended.
    """
    if add_months(birth.first, 12 * 22) >= month_of(START_RULE_335):
        return False
    granted = [c for c in cases if c.clause == "K2" and c.decision_kind != "move_in"]
    if case.decision_kind != "move_in" or not granted:
        granted = [case]
    return all(c.decision_date < START_RULE_335 for c in granted)


def _on_k1_at_16(case: Case, birth: Birth, cases: Sequence[Case]) -> bool | None:
    """Return the declared fact; where a K1 case is on the register, what it says.

    None (hold) where nothing is known, or declaration and register contradict each other.
    """
    k1 = [c for c in cases if c.clause == "K1"]
    if not k1:
        return case.on_k1_at_16
    at_16 = {add_months(birth.first, 192), add_months(birth.last, 192)}
    says = {any(c.start_month <= m and (last_month(c) or m) >= m for c in k1) for m in at_16}
    if len(says) > 1 or (case.on_k1_at_16 is not None and case.on_k1_at_16 not in says):
        return None
    return says.pop()


class Profiler:
    """Spans of one range of months (yyyymm, both included) under one rate set.

    Raises RefusedError where the range is empty. Not thread-safe: one per worker.
    """

    def __init__(self, from_month: int, to_month: int, rates: RateSet | None = None) -> None:
        if from_month > to_month:
            raise RefusedError(
                "months", f"Khoảng tháng {from_month}-{to_month} trống; tháng đầu phải trước."
            )
        self.first, self.last = from_month, to_month
        self.after = add_months(to_month, 1)
        self.months = months_between(from_month, to_month)
        self.rises = (rates or shipped_rates()).rises()
        self._spans: dict[Any, tuple[Span, ...]] = {}
        self._keys: dict[MonthFacts, tuple[MonthFacts, bytes]] = {}
        self._start, self._stop = _index(from_month), _index(to_month)

    def spans(self, cases: Sequence[Case], birth: Birth) -> tuple[Span, ...]:
        """Return the spans that cover the whole range, in order, without gaps."""
        reduced = tuple([self._reduce(c, birth, cases) for c in cases])
        clauses = tuple([r.clause for r in reduced])
        age = self._age_key(_thresholds(clauses), birth)
        key = (reduced, age)
        found = self._spans.get(key)
        if found is None:
            if len(self._spans) >= _MEMORY:
                self._spans.clear()
                self._keys.clear()
            found = self._spans[key] = self._build(reduced, age, _thresholds(clauses))
        return found

    def _clip(self, month: int) -> int:
        return min(max(month, self.first), self.after)

    def _reduce(self, case: Case, birth: Birth, cases: Sequence[Case]) -> _Reduced:
        clip = self._clip
        end, rule = last_month(case), rule_start(case, birth)
        written = case.end_month
        k2 = case.clause == "K2"
        leave, left = (
            _left_before(case, birth, self.rises, cases)
            if (
                end is not None
                or case.household_to is not None
                or case.clause in _STOP_AGE
                or case.changes
            )
            else (0, ())
        )
        values: tuple[Any, ...] = (
            case.degree,
            case.children,
            case.studying,
            _on_k1_at_16(case, birth, cases) if k2 else None,
            case.household,
            case.carer,
            case.difficult_area,
            case.income,
            case.written_request,
            case.in_facility,
            case.merit_allowance,
        )
        household = case.household_from, case.household_to
        changes: tuple[Change, ...] = ()
        if case.changes:
            values, household, changes = self._changed(case, values)
        return _Reduced(
            case.clause,
            case.province,
            values,
            clip(case.start_month),
            self.first if rule is None else clip(rule),
            self.after if end is None else _before(end, self.first, self.last),
            self.after if written is None else _before(written, self.first, self.last),
            self.first if household[0] is None else clip(month_of(household[0])),
            self.after
            if household[1] is None
            else _before(month_of(household[1]), self.first, self.last),
            self._pauses(case) if case.pauses or case.suspended_from is not None else (),
            changes,
            0 if not leave else _before(leave, self.first, self.last),
            k2 and _lapsed_at_22(case, birth, cases),
            tuple([r.code for r in self.rises if case.decision_date >= r.in_force_from]),
            left,
        )

    def _changed(
        self, case: Case, values: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], tuple[date | None, date | None], tuple[Change, ...]]:
        """Return facts and dates of the household as before the range, and the changes in it."""
        household = case.household_from, case.household_to
        for change in case.changes:
            if change.month < self.first:
                values, dated = _apply(values, change)
                household = household if dated else (None, None)
        inside = tuple([c for c in case.changes if self.first <= c.month <= self.last])
        return values, household, inside

    def _pauses(self, case: Case) -> tuple[tuple[int, int], ...]:
        """Return first and last month of every pause that touches the range."""
        found = list(case.pauses)
        if case.suspended_from is not None:
            found.append(Pause(case.suspended_from, None))
        spans = [(p.first, self.after if p.until is None else add_months(p.until, -1))
                 for p in found]  # fmt: skip
        return tuple(
            sorted(
                (max(a, self.first), min(b, self.last))
                for a, b in spans
                if a <= self.last and b >= self.first and a <= b
            )
        )

    def _age_key(self, limits: tuple[int, ...], birth: Birth) -> tuple[int, ...]:
        """Reduce a birth to what matters: one band, or months of age at the first month.

        (band,): the same age band in the whole range. (a, b): months of age at the end of the
        first month if born in the last, or in the first, possible month.
        """
        young = self._start - _index(birth.last)
        old = young if birth.first == birth.last else self._start - _index(birth.first)
        span = self._stop - self._start
        low = bisect_right(limits, young - 1)
        if low == bisect_right(limits, old + span):
            return (low,)
        return (young, old)

    def _build(
        self, cases: tuple[_Reduced, ...], age: tuple[int, ...], limits: tuple[int, ...]
    ) -> tuple[Span, ...]:
        """Fold clipped cases into facts month by month and join equal neighbours."""
        out: list[Span] = []
        for n, month in enumerate(self.months):
            rights = [_right(c, month) for c in cases if c.start <= month <= c.end]
            facts = MonthFacts(_ages(age, n, limits), tuple(sorted(rights, key=repr)))
            known = self._keys.get(facts)
            if known is None:
                known = self._keys[facts] = (facts, profile_key(facts))
            if out and out[-1].facts is known[0]:
                out[-1] = out[-1]._replace(to_month=month)
            else:
                out.append(Span(month, month, *known))
        return tuple(out)


def _before(month: int, first: int, last: int) -> int:
    """Clip a last month: 0 for one before the range."""
    return 0 if month < first else min(month, last)


@lru_cache(maxsize=4096)
def _thresholds(clauses: tuple[str, ...]) -> tuple[int, ...]:
    """Months of age at which anything can change for these clauses; birth itself included."""
    return tuple(sorted({0} | {12 * a for c in clauses for a in CLAUSE_AGES[c]}))


def _ages(age: tuple[int, ...], n: int, limits: tuple[int, ...]) -> tuple[Ages, ...]:
    """Return the possible ages in the n-th month, rounded down to the ages that matter."""

    def floor(months: int) -> int:
        band = bisect_right(limits, months)
        return limits[band - 1] // 12 if band else -1

    if len(age) == 1:
        years = limits[age[0] - 1] // 12 if age[0] else -1
        return (Ages(years, years),)
    young, old = age
    found = {Ages(floor(m + n), floor(m + n - 1)) for m in range(young, old + 1)}
    return tuple(sorted(found))


def _apply(values: tuple[Any, ...], change: Change) -> tuple[tuple[Any, ...], bool]:
    """Return the facts after a change, and whether the dates of the household still count."""
    out = list(values)
    for name, value in change.values:
        out[_AT[name]] = value
    return tuple(out), all(name != "household" for name, _ in change.values)


def _right(case: _Reduced, month: int) -> Right:
    """Return the right of one month; where changes act in it, with the facts until each."""
    values, dated = case.values, True
    states: list[Right] = []
    for change in case.changes:
        if change.month > month:
            break
        if change.month == month:
            states.append(_right_of(case, values, month, dated=dated))
        values, still = _apply(values, change)
        dated = dated and still
    states.append(_right_of(case, values, month, dated=dated))
    out = states[0]
    for before, now in pairwise(states):
        out = out if before == now else replace(now, before=out)
    return out


def _right_of(case: _Reduced, values: tuple[Any, ...], month: int, *, dated: bool) -> Right:
    facts = dict(zip(CHANGING, values, strict=True))
    needs = NEEDS[case.clause]
    in_force = case.household_from <= month <= case.household_to
    if dated and not in_force and facts["household"] is not None:
        facts["household"] = "none"
    return Right(
        clause=case.clause,
        territory=case.territory,
        **{k: facts[k] for k in needs},
        in_facility=facts["in_facility"],
        merit_allowance=facts["merit_allowance"] and case.clause != "SP",
        suspended=any(a <= month <= b for a, b in case.pauses),
        early_start=month < case.rule,
        early_end=month > case.end_written,
        lapsed_at_22=case.lapsed_at_22,
        granted_under=case.granted_under,
        left_before=case.left_before if month <= case.leave else (),
    )


@lru_cache(maxsize=64)
def _profiler(from_month: int, to_month: int) -> Profiler:
    return Profiler(from_month, to_month)


def spans(cases: Sequence[Case], birth: Birth, from_month: int, to_month: int) -> list[Span]:
    """Return one person's spans over the months asked for, under the shipped rate set.

    The same as `Profiler(from_month, to_month).spans(cases, birth)`, whose memory it shares.
    Raises RefusedError where the range is empty.
    """
    return list(_profiler(from_month, to_month).spans(cases, birth))
