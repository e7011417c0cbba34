"""The law as pure functions: what is due for one person and month, and why.

`assess` reads `MonthFacts` and the rate set, nothing else: no clock, no database, no earlier
payment. The amount is exact; the explanation shows its arithmetic, its article, and how sure the
reading is. What the law leaves open is held, never guessed (programmes/open_points.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from importlib import resources
from typing import Any, Literal

from disbursement.entitlements.facts import Ages, MonthFacts, Right, conditions
from disbursement.platform.clock import month_of
from disbursement.platform.errors import RefusedError
from disbursement.programmes.open_points import Settings, open_point
from disbursement.programmes.rates import (
    CENTRAL,
    CONFIDENCES,
    BaseLevel,
    Instrument,
    Rate,
    RateSet,
    View,
)

GROUP = "SOC"
"""The owed group of all social assistance and the social pension: the law gives one total
(NĐ 335/2026 Art. 6.2 and 31, NĐ 176/2025 Art. 3.1)."""
_VIETNAMESE = str.maketrans(".,", ",.")  # 1.5 and 810,000 are written 1,5 and 810.000
_WITH_K4 = frozenset({"K5a", "K5b", "K5b20", "K5c", "K6", "K8"})
_BEFORE_K7 = frozenset({"K1", "K3", "K6"})
_ND20 = "20/2021/NĐ-CP"


@dataclass(frozen=True)
class Law:
    """The state of the law an assessment uses.

    `law_on`: the day by which an instrument must be in force. `undecided`: codes of general
    rises whose re-rating decision is not recorded; they reach only people whose own decision was
    signed after the rise came into force, everybody else stays at the level before.
    """

    law_on: date
    rates: RateSet
    undecided: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)

    def before(self, rise: Instrument) -> Law:
        """Return the same law with the re-rating of that rise not decided."""
        return replace(self, undecided=self.undecided | {rise.code})


@dataclass(frozen=True, slots=True)
class DueLine:
    """One amount of the month with its reasons; `amount_vnd` = count x coefficient x base."""

    group: str
    programme: str  # SA, SP, or the budget line of a list programme
    clause: str
    rate_code: str
    count: int  # children for K4, else 1
    coefficient: Fraction
    base_vnd: int
    amount_vnd: int
    citation: str
    confidence: str  # of the least sure row under the amount: CONFIDENCES
    instruments: tuple[str, ...]  # that set the coefficient and the base
    arithmetic: str  # "1,5 × 540.000 = 810.000"
    text_vi: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that is not due yet: an open point, a missing fact, a contradiction.

    `amount_vnd` is what the month's total would rise by if it were resolved in the person's
    favour; None where that is unknown. `setting` names what decides an open legal point.
    """

    code: str
    sentence_vi: str
    sentence_en: str
    citation: str
    setting: str
    amount_vnd: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a right on the register adds nothing this month."""

    code: str
    clause: str
    text_vi: str
    text_en: str
    citation: str


@dataclass(frozen=True, slots=True)
class Due:
    """What is due for one person and month: certain, held, and why not more.

    `at_most_vnd`: the total if every hold were resolved in the person's favour, None where that
    is unknown. A comparison must not take back what lies between the two.
    """

    month: int
    total_vnd: int
    lines: tuple[DueLine, ...]
    held: tuple[Hold, ...]
    reasons: tuple[Reason, ...]
    at_most_vnd: int | None

    @property
    def programme(self) -> str:
        """Whose list carries the amount; '' where nothing is due."""
        return self.lines[0].programme if self.lines else ""

    @property
    def instruments(self) -> tuple[str, ...]:
        """Codes of the instruments the amount rests on, sorted."""
        return tuple(sorted({i for line in self.lines for i in line.instruments}))

    def as_dict(self) -> dict[str, Any]:
        """Return the stored explanation: plain values, coefficients as decimal text."""
        return {
            "month": self.month,
            "total_vnd": self.total_vnd,
            "at_most_vnd": self.at_most_vnd,
            "lines": [
                {**_plain(line), "coefficient": decimal_text(line.coefficient)}
                for line in self.lines
            ],
            "held": [_plain(h) for h in self.held],
            "reasons": [_plain(r) for r in self.reasons],
        }


def _plain(record: DueLine | Hold | Reason) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


_REASONS = {
    "suspended": ("đang tạm dừng trợ cấp", "suspended", "NĐ 335/2026/NĐ-CP Điều 9"),
    "too_young": ("chưa đủ tuổi của diện này", "below the age of this clause", ""),
    "too_old": ("đã quá tuổi của diện này", "above the age of this clause", ""),
    "household": ("hộ không thuộc diện nghèo (cận nghèo)", "household is not poor enough", ""),
    "children": ("không còn nuôi con", "raises no child", ""),
    "degree": (
        "khuyết tật nhẹ không thuộc diện trợ cấp hằng tháng",
        "a light disability draws no monthly allowance",
        "",
    ),
    "studying": ("không còn học liên tục", "does not study continuously", ""),
    "on_k1_at_16": ("không hưởng khoản 1 khi đủ 16 tuổi", "was not on clause 1 at 16", ""),
    "carer": ("không đúng điều kiện về người phụng dưỡng", "the carer condition is not met", ""),
    "difficult_area": ("không ở vùng đặc biệt khó khăn", "not in an especially difficult area", ""),
    "income": ("có lương, lương hưu hoặc BHXH hằng tháng", "has wage, pension or insurance", ""),
    "written_request": ("chưa có văn bản đề nghị", "no written request", ""),
    "in_facility": (
        "đang sống trong cơ sở trợ giúp xã hội",
        "lives in a social-assistance facility",
        "NĐ 20/2021/NĐ-CP Điều 25 khoản 5",
    ),
    "not_highest": (
        "chỉ hưởng mức cao nhất",
        "only the highest amount counts",
        "NĐ 335/2026/NĐ-CP Điều 6 khoản 2, Điều 31; NĐ 20/2021/NĐ-CP Điều 6 khoản 2",
    ),
}
_SURE = {
    "seen": ("", ""),
    "quoted": (" (theo trích dẫn điều luật)", " (as quoted)"),
    "secondary": (" (theo nguồn thứ cấp)", " (secondary source)"),
    "inference": (" (theo cách hiểu văn bản)", " (reading of the text)"),
}


@dataclass(frozen=True, slots=True)
class _Claim:
    """One right judged: due, held under `code`, or nothing because of `code`."""

    right: Right
    state: Literal["due", "hold", "none"]
    code: str = ""
    line: DueLine | None = None
    citation: str = ""


@dataclass(frozen=True, slots=True)
class _When:
    """The month's rows, the law they come from, and the clauses the person is on."""

    view: View
    law: Law
    clauses: frozenset[str]


def decimal_text(value: Fraction) -> str:
    """Write an exact coefficient as decimal text, at least one place: 3/2 -> `1.5`."""
    scaled = value * 10_000
    if scaled.denominator != 1:
        raise RefusedError("coefficient", f"Hệ số {value} có quá bốn chữ số thập phân; sửa lại.")
    whole, rest = divmod(scaled.numerator, 10_000)
    return f"{whole}.{f'{rest:04d}'.rstrip('0') or '0'}"


def exact_amount(coefficient: Fraction, count: int, base_vnd: int, where: str) -> int:
    """Return count x coefficient x base in whole dong.

    No rounding rule exists in NĐ 20/2021 or NĐ 335/2026, so a result that is no whole dong is
    refused (RefusedError naming the rate), never rounded.
    """
    amount = coefficient * count * base_vnd
    if amount.denominator != 1:
        raise RefusedError(
            "not_whole_dong",
            f"{where}: {count} × {decimal_text(coefficient)} × {base_vnd} không ra số đồng "
            "nguyên; kiểm tra hệ số và mức chuẩn.",
        )
    return amount.numerator


def _line(rate: Rate, base: BaseLevel, count: int, confidence: str) -> DueLine:
    coefficient = rate.coefficient or Fraction(0)
    amount = exact_amount(coefficient, count, base.amount_vnd, rate.code)
    factor = f"{count} × " if rate.amount_rule == "exact_per_child" else ""
    english = f"{factor}{decimal_text(coefficient)} × {base.amount_vnd:,} = {amount:,}"
    arithmetic = english.translate(_VIETNAMESE)
    sure = _SURE.get(confidence, (" (chưa xác nhận)", " (not confirmed)"))
    local_vi, local_en = ("", "")
    if base.territory != CENTRAL:
        local_vi, local_en = (" theo mức chuẩn của tỉnh, thành phố", " at the province's level")
    return DueLine(
        group=GROUP,
        programme="SP" if rate.scheme == "SP" else "SA",
        clause=rate.clause,
        rate_code=rate.code,
        count=count,
        coefficient=coefficient,
        base_vnd=base.amount_vnd,
        amount_vnd=amount,
        citation=f"{rate.citation}; mức chuẩn: {base.citation}",
        confidence=confidence,
        instruments=tuple(sorted({rate.instrument, base.instrument})),
        arithmetic=arithmetic,
        text_vi=f"{rate.description_vi}{local_vi}: {arithmetic} đồng{sure[0]}",
        text_en=f"{rate.description_en}{local_en}: {english} VND{sure[1]}",
    )


def _at_age(rows: Sequence[Rate], age: int) -> Rate | None:
    """Return the row of the age band; past the last band, the last (a stop acts a month later)."""
    known = [r for r in rows if r.age_from <= age]
    return known[-1] if known else None


def _confidence(rows: Sequence[Rate], rate: Rate, base: BaseLevel, ages: Ages, of: _When) -> str:
    """Return the least sure of the rate, the base, and the readings applied to them."""
    found = [rate.confidence, base.confidence]
    in_force = of.law.rates.instruments[rate.instrument].in_force_from
    if rate.back_confidence and of.view.month < month_of(in_force):
        found.append(rate.back_confidence)
    before = _at_age(rows, ages.before)
    if before and (before.coefficient or 0) > (rate.coefficient or 0):
        found.append("inference")  # NĐ 335/2026 Art. 8.4 applied to a decrease by age
    return max(found, key=CONFIDENCES.index)


def _held_by_flags(right: Right, ages: Ages, rate: Rate, law: Law, confidence: str) -> str:
    """Return the code of the first hold that dates, open points or sources ask for, or ''."""
    settings = law.settings
    checks = (
        ("start_before_rule", right.early_start),
        ("end_before_rule", right.early_end),
        ("lapsed_at_22", right.lapsed_at_22 and ages.before >= 22),
        ("facility_resident", right.in_facility),
        ("merit_with_sa", right.merit_allowance and settings.merit_with_sa == "hold"),
        (
            "sp_with_lower_pension",
            rate.clause == "SP"
            and right.income == "lower_than_sp"
            and settings.sp_with_lower_pension == "hold",
        ),
        ("unconfirmed_rate", CONFIDENCES.index(confidence) > CONFIDENCES.index("inference")),
    )
    return next((code for code, holds in checks if holds), "")


def _claim(right: Right, ages: Ages, of: _When) -> _Claim:
    """Judge one right: its age, its conditions, its flags; at which row of the table."""
    if right.suspended:
        return _Claim(right, "none", "suspended")
    rows = _rows(of.view, right.clause, right.degree)
    if not rows:
        first = of.view.first_months.get(right.clause)
        known = first is not None and of.view.month >= first
        return _Claim(right, "hold", "category_ended" if known else "no_rate_loaded")
    stop = rows[-1].age_to
    if ages.end < rows[0].age_from:
        return _Claim(right, "none", "too_young", citation=rows[0].citation)
    if stop is not None and ages.before >= stop:
        if right.clause == "K1" and right.studying and "K2" not in of.clauses:
            return _k2_missing(right, ages, of)
        return _Claim(right, "none", "too_old", citation=rows[-1].citation)
    rate = _at_age(rows, ages.end) or rows[0]
    missing = ""
    for name, met in conditions(right, poor_only=rate.age_to is not None):
        if met is False:
            return _Claim(right, "none", name, citation=rate.citation)
        if met is None and not missing:
            missing = f"fact_{name}"
    if right.in_facility and (
        rate.instrument == _ND20 or of.law.settings.facility_resident == "none"
    ):
        return _Claim(right, "none", "in_facility")
    base = of.view.base(rate.base_code, right.territory)
    confidence = _confidence(rows, rate, base, ages, of)
    line = _line(rate, base, right.children or 1, confidence)
    code = missing or _held_by_flags(right, ages, rate, of.law, confidence)
    return _Claim(right, "hold" if code else "due", code, line)


def _rows(view: View, clause: str, degree: str | None) -> list[Rate]:
    """Return the clause's rows by age; an unknown degree is judged at the higher one."""
    wanted = (degree if degree == "S" else "ES") if clause == "K6" else ""
    return [r for r in view.monthly.get(clause, ()) if r.degree == wanted]


def _k2_missing(right: Right, ages: Ages, of: _When) -> _Claim:
    """Hold what a student who has outgrown K1 would draw under K2, until K2 is decided."""
    rows = _rows(of.view, "K2", None)
    rate = _at_age(rows, ages.end)
    if rate is None or (rows[-1].age_to is not None and ages.before >= rows[-1].age_to):
        return _Claim(right, "none", "too_old", citation=rows[-1].citation if rows else "")
    base = of.view.base(rate.base_code, right.territory)
    line = _line(rate, base, 1, _confidence(rows, rate, base, ages, of))
    return _Claim(right, "hold", "k2_decision_missing", line)


def _choose(claims: Iterable[_Claim]) -> tuple[DueLine, ...]:
    """Pick what is paid out of all that is due.

    Only the highest counts (NĐ 335/2026 Art. 6.2, NĐ 20/2021 Art. 6.2); the poor single parent
    (K4) who is also K5, K6 or K8 receives both, of those the highest (the last is a reading);
    between social assistance and social pension the higher (Art. 31; NĐ 176/2025 Art. 3.1).
    K7 is only for who is not in K1, K3, K6 (Art. 5.7). Equal amounts: social assistance.
    """
    lines = [c.line for c in claims if c.line is not None]
    clauses = {line.clause for line in lines}
    if clauses & _BEFORE_K7:
        lines = [line for line in lines if line.clause != "K7"]
    k4 = _highest(line for line in lines if line.clause == "K4")
    beside = _highest(line for line in lines if line.clause in _WITH_K4)
    rest = _highest(
        line
        for line in lines
        if line.programme == "SA" and line.clause != "K4" and line.clause not in _WITH_K4
    )
    pension = _highest(line for line in lines if line.programme == "SP")
    return max((k4 + beside, rest, pension), key=_sum)  # the first of equals: see above


def _highest(lines: Iterable[DueLine]) -> tuple[DueLine, ...]:
    ordered = sorted(lines, key=lambda line: (-line.amount_vnd, line.rate_code))
    return tuple(ordered[:1])


def _sum(lines: Iterable[DueLine]) -> int:
    return sum(line.amount_vnd for line in lines)


def _judge(
    facts: MonthFacts, ages: Ages, month: int, law: Law, *, rises: bool, leavers: bool
) -> list[_Claim]:
    """Judge all rights; `rises`/`leavers`: as if undecided rises were decided, leavers re-rated."""
    clauses = frozenset(r.clause for r in facts.rights)
    out = []
    for right in facts.rights:
        blocked: frozenset[str] = frozenset()
        if not rises:
            blocked |= law.undecided.difference(right.granted_under)
        if not leavers and law.settings.left_before_rise != "rerate":
            blocked |= frozenset(right.left_before)
        view = law.rates.view(month, law.law_on, blocked)
        out.append(_claim(right, ages, _When(view, law, clauses)))
    return out


def _hold(code: str, amount_vnd: int | None) -> Hold:
    p = open_point(code)
    return Hold(code, p.sentence_vi, p.sentence_en, p.citation, p.setting, amount_vnd)


def _due_only(claims: Iterable[_Claim]) -> list[_Claim]:
    return [c for c in claims if c.state == "due"]


def _most(claims: Iterable[_Claim]) -> int:
    """Return the total if whatever waits were decided in the person's favour."""
    return _sum(_choose(c for c in claims if c.state != "none"))


def _holds(claims: list[_Claim]) -> list[Hold]:
    """Return each hold with what it would add, alone or as the last of several.

    One that would add nothing either way is left out.
    """
    due, open_ = _due_only(claims), [c for c in claims if c.state == "hold"]
    total = _sum(_choose(due))
    everything = _sum(_choose([*due, *open_]))
    out = []
    for claim in open_:
        if claim.line is None:
            out.append(_hold(claim.code, 0))
        elif claim.code == "fact_children":
            out.append(_hold(claim.code, None))
        else:
            alone = _sum(_choose([*due, claim])) - total
            last = everything - _sum(_choose([*due, *(c for c in open_ if c is not claim)]))
            if alone > 0 or last > 0:
                out.append(_hold(claim.code, max(alone, last)))
    return out


def _reasons(claims: list[_Claim], paid: tuple[DueLine, ...]) -> list[Reason]:
    out = []
    for claim in claims:
        code = claim.code if claim.state == "none" else ""
        detail, detail_en = "", ""
        if claim.state == "due" and claim.line is not None and claim.line not in paid:
            code, detail = "not_highest", f" ({claim.line.arithmetic})"
            detail_en = detail.translate(_VIETNAMESE)
        if code:
            vi, en, article = _REASONS[code]
            clause = claim.right.clause
            out.append(
                Reason(
                    code,
                    clause,
                    f"{clause}: {vi}{detail}.",
                    f"{clause}: {en}{detail_en}.",
                    article or claim.citation,
                )
            )
    return out


def _assess_at(facts: MonthFacts, ages: Ages, month: int, law: Law) -> Due:
    claims = _judge(facts, ages, month, law, rises=False, leavers=False)
    paid = _choose(_due_only(claims))
    total = top = _sum(paid)
    held = _holds(claims)
    best, most = claims, _most(claims)
    for code, leavers in _open_rises(facts, law):
        best = _judge(facts, ages, month, law, rises=True, leavers=leavers)
        decided, all_open = _sum(_choose(_due_only(best))), _most(best)
        known = {h.code for h in held}
        new = [h for h in _holds(best) if h.code not in known]
        # A rise may lift only what another open point holds: both have to be decided for it.
        beside = all_open - most - sum(h.amount_vnd or 0 for h in new)
        if (lifted := max(decided - top, beside)) > 0:
            held.append(_hold(code, lifted))
        top, most = max(top, decided), max(most, all_open)
        held += new
    unknown = any(h.amount_vnd is None for h in held)
    at_most = max(top, _most(best))
    return Due(
        month,
        total,
        paid,
        tuple(held),
        tuple(_reasons(claims, paid)),
        None if unknown else at_most,
    )


def _open_rises(facts: MonthFacts, law: Law) -> Iterator[tuple[str, bool]]:
    """Yield the further assessments that show what waits: hold code, and leavers re-rated or not.

    First as if every general rise were decided, then as if leavers were re-rated too.
    """
    if law.undecided:
        yield "rerating_decision_missing", False
    if law.settings.left_before_rise == "hold" and any(r.left_before for r in facts.rights):
        yield "left_before_rise", True


def assess(facts: MonthFacts, month: int, law: Law) -> Due:
    """Return what is due for one person and month (yyyymm) under this state of the law.

    A pure function. Where only the year of birth is known, every possibility is assessed: the
    same total in all of them is due, else all of it is held. Amounts are whole dong per month.
    Changes of this month are settled first.
    Raises RefusedError where coefficient x base is no whole dong, OurFaultError where the tables
    hold no central base level for a month they hold a rate for.
    """
    facts = _settled(facts, month, law)
    found = [_assess_at(facts, ages, month, law) for ages in facts.ages]
    first = found[0]
    if all(d.total_vnd == first.total_vnd for d in found):
        if all(d.held == first.held for d in found):
            return first
        return _merged(found)
    tops = [d.at_most_vnd for d in found]
    at_most = None if None in tops else max(t for t in tops if t is not None)
    largest = max(d.total_vnd for d in found)
    held = (_hold("birth_uncertain", largest), *_merged(found).held)
    return Due(month, 0, (), held, first.reasons, at_most)


def _settled(facts: MonthFacts, month: int, law: Law) -> MonthFacts:
    """Choose for each changed right which facts of the month count: the last that gave a right.

    A change acts in the month itself; where it takes the right away, in the month after it, also
    where the right began in that month (NĐ 335/2026 Art. 8.4; NĐ 20/2021 Art. 8.1.đ, 8.2).
    """
    if all(r.before is None for r in facts.rights):
        return facts

    def gives(right: Right) -> bool:
        alone = assess(MonthFacts(facts.ages, (right,)), month, law)
        return alone.total_vnd > 0 or bool(alone.held)

    def settled(right: Right) -> Right:
        states = [replace(right, before=None)]
        while (before := right.before) is not None:
            right = before
            states.append(replace(right, before=None))
        return next((s for s in states if len(states) > 1 and gives(s)), states[0])

    return MonthFacts(facts.ages, tuple(settled(r) for r in facts.rights))


def _merged(found: list[Due]) -> Due:
    """Return the first of several with the holds of all: per code the largest amount."""
    held: dict[str, Hold] = {}
    for hold in (h for d in found for h in d.held):
        known = held.get(hold.code)
        if known is None or _more(hold.amount_vnd, known.amount_vnd):
            held[hold.code] = hold
    tops = [d.at_most_vnd for d in found]
    at_most = None if None in tops else max(t for t in tops if t is not None)
    return replace(found[0], held=tuple(held.values()), at_most_vnd=at_most)


def _more(amount: int | None, than: int | None) -> bool:
    """Compare held amounts, of which an unknown one is the largest."""
    return than is not None and (amount is None or amount > than)


def general_rises(
    from_month: int, to_month: int, law_on_before: date, law_on_after: date, rates: RateSet
) -> tuple[Instrument, ...]:
    """Name the general rises that came into force in between and reach back into these months.

    Their back pay is proposed as a re-rating decision (NĐ 335/2026 Art. 32.4), never posted by
    itself. Reach back: the month counts from the rise's money, and lies before or in the month
    of its coming into force.
    """
    return tuple(
        rise
        for rise in rates.rises()
        if law_on_before < rise.in_force_from <= law_on_after
        and month_of(rise.money_from) <= to_month
        and from_month <= month_of(rise.in_force_from)
    )


def rerating_needed(old: Law, new: Law) -> tuple[Instrument, ...]:
    """Name the general rises that `new` uses and `old` did not: each needs a decision."""

    def used(law: Law) -> set[str]:
        return {
            r.code
            for r in law.rates.rises()
            if r.in_force_from <= law.law_on and r.code not in law.undecided
        }

    fresh = used(new) - used(old)
    return tuple(r for r in new.rates.rises() if r.code in fresh)


def rules_version() -> str:
    """Return the digest of the modules that decide amounts; a run pins it beside its rate set."""
    digest = hashlib.sha256()
    for package, names in (
        ("disbursement.entitlements", ("facts.py", "profiles.py", "rules.py")),
        ("disbursement.programmes", ("open_points.py", "rates.py", "data/open_points.csv")),
    ):
        for name in names:
            digest.update(resources.files(package).joinpath(name).read_bytes())
    return digest.hexdigest()
