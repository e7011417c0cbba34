"""Meritorious service in bulk: a person's cases folded into spans, and one assessment a profile.

The rules are those of `explain` (meritorious.py), called with the same cases: what a month depends
on is folded into a profile without names or days, and a profile is assessed once a month and state
of the law. Nothing of the money's arithmetic stands here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from disbursement.entitlements import dossier as d
from disbursement.entitlements.amounts import VIETNAMESE, Gap, Item, MonthAmount, Nothing, figure
from disbursement.entitlements.dossier import Dossier
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import Deceased
from disbursement.entitlements.meritorious import (
    Merit,
    death_lump_amount,
    funeral_item,
    idle,
    merit_amounts,
    once_amount,
)
from disbursement.entitlements.parties import People
from disbursement.entitlements.rules import Due, DueLine, Hold, Reason
from disbursement.entitlements.timeline import CaseLine, case_line
from disbursement.platform.clock import add_months
from disbursement.programmes.catalogue import fixed_categories
from disbursement.programmes.merit_rates import MeritRates, shipped_merit_rates

LINE = "NCC"
"""The programme and its budget line."""
MONTHLY = tuple(c.code for c in fixed_categories().values() if c.shape in ("merit", "survivor"))
"""Categories of monthly allowances; a person's are judged together."""
ONCE = tuple(c.code for c in fixed_categories().values() if c.shape == "merit_once")
"""Categories paid once, each a unit of its own."""
MOURNING = tuple(
    c.code
    for c in fixed_categories().values()
    if c.shape == "death_lump" or c.code == "FUNERAL.NCC"
)
"""Paid once for the death of somebody with monthly merits, to who organised the funeral or heads
the family."""
REACHING = ("death", "prison", "release", "remarriage")
"""Events recorded of a person that reach the merits too, whatever they were recorded for."""
_PREFIX = '{"merit":'
_WHO = "p"
_MONTH = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})-(0[1-9]|1[0-2])(?![0-9])")
# The facts that an amount depends on; days and who receives stand outside the profile.
_WEIGHS = (
    "injury_pct", "special_severity", "carer_at_home", "full_time", "seniority", "lives_alone",
    "orphan", "award", "student_group", "martyrs", "deceased",
)  # fmt: skip
_ALWAYS_ON_ROLL = "1990-01"
_REMARRIED = date(1990, 1, 1)


@dataclass(frozen=True)
class MeritCase:
    """One case of a person as a cell keeps it: members are those of a dossier's case and events.

    `decision`: {date, first_month}; `events` are the case's own, `changes` those of its facts.
    `part` tells several cases of one category apart (a survivor of several people).
    """

    category: str
    facts: Mapping[str, Any]
    decision: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Mapping[str, Any]] = ()
    paid_through: int | None = None
    part: str = ""

    @property
    def id(self) -> str:
        """Return what tells the case from the others of the person."""
        return f"{self.category}-{self.part}" if self.part else self.category

    @classmethod
    def from_json(cls, text: str) -> MeritCase:
        """Read a stored case."""
        said = json.loads(text)
        return cls(**said)

    def to_json(self) -> str:
        """Return the stored form; the same case gives the same text."""
        return canonical_json(
            {
                "category": self.category,
                "facts": dict(self.facts),
                "decision": dict(self.decision),
                "events": [dict(e) for e in self.events],
                "changes": [dict(c) for c in self.changes],
                "paid_through": self.paid_through,
                "part": self.part,
            }
        )

    def changed(self, change: Mapping[str, Any]) -> MeritCase:
        """Return the case with one more change of facts; one of the same month is replaced."""
        others = [c for c in self.changes if c["from_month"] != change["from_month"]]
        return replace(self, changes=sorted([*others, change], key=lambda c: c["from_month"]))


@dataclass(frozen=True)
class MeritPerson:
    """A person with all monthly cases, and what was recorded of the person itself."""

    cases: Sequence[MeritCase]
    events: Sequence[d.Event] = field(default=())
    sex: str | None = None


def canonical_json(value: Any) -> str:
    """Return JSON whose text is the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def lines_of(person: MeritPerson) -> tuple[People, tuple[CaseLine, ...]]:
    """Return the cases with everything that happened to them. Raises DossierError."""
    dossier = Dossier.model_validate(_dossier(person))
    told = {e.kind for e in person.events}
    # What is recorded of the person is told once, whichever row says it too.
    own = [e for e in dossier.events if e.case is None or e.kind not in told]
    events = sorted(
        [*own, *(e.model_copy(update={"person": _WHO, "case": None}) for e in person.events)],
        key=lambda e: e.date,
    )
    known = fixed_categories()
    lines = tuple(case_line(c, known[c.category], dossier, events) for c in dossier.cases)
    return People(dossier, dossier.ask.months[0]), lines


def _dossier(person: MeritPerson) -> dict[str, Any]:
    cases, events = [], []
    for case in person.cases:
        cases.append(
            {
                "id": case.id,
                "holder": _WHO,
                "category": case.category,
                "facts": dict(case.facts),
                "decision": dict(case.decision),
            }
        )
        own = [{"kind": "change", **c} for c in case.changes]
        events += [{**e, "case": case.id} for e in (*case.events, *own)]
    who = {"id": _WHO, "name": _WHO, **({"sex": person.sex} if person.sex else {})}
    return {"people": [who], "cases": cases, "events": events, "ask": {"months": ["1990-01"]}}


def merit_spans(person: MeritPerson, first: int, last: int) -> list[tuple[int, int, str]]:
    """Return (from, to, profile) over the months asked for, without gaps; months are yyyymm.

    Facts of a month change only in a month that the cases name, or in the one after it, so no
    other month is looked at. Raises DossierError for facts that contradict or are missing.
    """
    _, lines = lines_of(person)
    named = {
        int(year) * 100 + int(month)
        for year, month in _MONTH.findall(
            canonical_json(_dossier(person)) + "".join(e.model_dump_json() for e in person.events)
        )
    }
    turns = {first, *named, *(add_months(m, 1) for m in named)}
    out: list[tuple[int, int, str]] = []
    for month in sorted(m for m in turns if first <= m <= last):
        profile = month_profile(lines, month)
        if out and out[-1][2] == profile:
            continue
        if out:
            out[-1] = (out[-1][0], add_months(month, -1), out[-1][2])
        out.append((month, last, profile))
    return out


def month_profile(lines: Sequence[CaseLine], month: int) -> str:
    """Return what the amount of one month depends on, as stored: no name, no day."""
    names: dict[str, str] = {}
    cases: list[dict[str, Any]] = []
    for line in sorted(lines, key=lambda x: x.id):
        why = idle(line, month)
        if why is not None:
            cases.append({"category": line.category.code, "idle": _plain(why, line, month)})
            continue
        facts = {k: v for k, v in line.facts_at(month).items() if k in _WEIGHS}
        facts = {k: v for k, v in facts.items() if v is not False or k == "full_time"}
        dead = [x for x in facts.pop("deceased", ()) if x.died is None or _died(x) < month]
        if line.category.code == "SURVIVOR" and not dead and "martyrs" not in facts:
            why = Nothing("người có công chưa mất", "the deceased was alive", "NĐ 131/2021/NĐ-CP")
            cases.append({"category": line.category.code, "idle": _plain(why, line, month)})
            continue
        if dead:
            facts["deceased"] = [_nameless(x, names) for x in dead]
        case: dict[str, Any] = {"category": line.category.code, "facts": facts}
        if line.remarried is not None and _month(line.remarried) <= month:
            case["remarried"] = True
        cases.append(case)
    return f"{_PREFIX}{canonical_json(cases)}}}"


def _died(dead: Deceased) -> int:
    return 0 if dead.died is None else _month(dead.died)


def _month(day: date) -> int:
    return day.year * 100 + day.month


def _plain(why: Nothing, line: CaseLine, month: int) -> list[str]:
    """Say why nothing is drawn; when a case will begin is no fact of a month before it."""
    begun = line.ending_before(month) is not None or line.pause_at(month) is not None
    if begun or "chưa bắt đầu" not in why.text_vi:
        return [why.text_vi, why.text_en, why.citation]
    return ["chưa bắt đầu hưởng", "not yet on the roll", why.citation]


def _nameless(dead: Deceased, names: dict[str, str]) -> dict[str, Any]:
    """Return a deceased without name and day; who is told twice keeps one mark."""
    out: dict[str, Any] = {"merits": list(dead.merits)}
    if dead.name:
        out["name"] = names.setdefault(dead.name, str(len(names) + 1))
    if dead.injury_pct is not None:
        out["injury_pct"] = dead.injury_pct
    return out


def is_merit(profile: str) -> bool:
    """Tell whether a stored profile is one of meritorious service."""
    return profile.startswith(_PREFIX)


def merit_due(profile: str, month: int, law_on: date, rates: MeritRates | None = None) -> Due:
    """Return what a profile is due for `month` (yyyymm) by the law of `law_on`, in dong."""
    cases = json.loads(profile)["merit"]
    people, lines = _profile_lines(profile)
    merit = Merit(people, lines, rates or shipped_merit_rates(), law_on, {})
    said = {c["category"]: c["idle"] for c in cases if "idle" in c}
    return due_of(month, merit_amounts(merit, _WHO, month), lines, said)


@lru_cache(maxsize=4_096)
def _profile_lines(profile: str) -> tuple[People, tuple[CaseLine, ...]]:
    cases = [c for c in json.loads(profile)["merit"] if "facts" in c]
    dossier = Dossier.model_validate(
        {
            "people": [{"id": _WHO, "name": _WHO}],
            "cases": [
                {
                    "id": f"m{n}", "holder": _WHO, "category": c["category"],
                    "facts": c["facts"], "on_roll_since": _ALWAYS_ON_ROLL,
                }
                for n, c in enumerate(cases)
            ]
            or [{"id": "none", "holder": _WHO, "category": "TUDAY"}],
            "ask": {"months": [_ALWAYS_ON_ROLL]},
        }
    )  # fmt: skip
    known = fixed_categories()
    lines = [case_line(c, known[c.category], dossier, ()) for c in (dossier.cases if cases else ())]
    wed = {f"m{n}" for n, c in enumerate(cases) if c.get("remarried")}
    return People(dossier, 199001), tuple(
        replace(x, remarried=_REMARRIED) if x.id in wed else x for x in lines
    )


def once_due(
    facts: Mapping[str, Any], month: int, law_on: date, rates: MeritRates | None = None
) -> Due:
    """Return a lump sum; `facts` has its `category` besides those of a dossier's case.

    What is paid for a death has the month's merits of the dead instead (mourning_facts).
    """
    code = str(facts["category"])
    if code in MOURNING:
        return _mourning_due(facts, month, law_on, rates or shipped_merit_rates())
    dossier = Dossier.model_validate(
        {
            "people": [{"id": _WHO, "name": _WHO}],
            "cases": [
                {
                    "id": code, "holder": _WHO, "category": code,
                    "facts": {k: v for k, v in facts.items() if k != "category"},
                }
            ],
            "ask": {"months": [f"{month // 100}-{month % 100:02d}"]},
        }
    )  # fmt: skip
    line = case_line(dossier.cases[0], fixed_categories()[code], dossier, ())
    people = People(dossier, month)
    amount = once_amount(Merit(people, (line,), rates or shipped_merit_rates(), law_on, {}), line)
    return due_of(month, [amount], (line,), {})


def died_on(cases: Sequence[MeritCase], events: Sequence[d.Event]) -> date | None:
    """Return the day of death that is recorded of a person or written in a case's row, or None."""
    days = [e.date for e in events if e.kind == "death"]
    days += [date.fromisoformat(e["date"]) for c in cases for e in c.events if e["kind"] == "death"]
    return min(days, default=None)


def mourning_facts(code: str, person: MeritPerson, month: int) -> dict[str, Any]:
    """Return what a sum paid for a death depends on: what the dead drew in the month of death.

    `merit` is empty where nothing was drawn, or the death is not (any more) recorded in the month.
    """
    day = died_on(person.cases, person.events)
    drawn: list[Any] = []
    if day is not None and _month(day) == month:
        _, lines = lines_of(person)
        cases = json.loads(month_profile(lines, month))["merit"]
        drawn = [c for c in cases if "facts" in c and c["category"] != "EDU"]
    return {"category": code, "merit": drawn}


def _mourning_due(facts: Mapping[str, Any], month: int, law_on: date, rates: MeritRates) -> Due:
    """Return three months of what the dead drew, or the funeral allowance, as `explain` does."""
    code = str(facts["category"])
    people, lines = _profile_lines(f"{_PREFIX}{canonical_json(facts['merit'])}}}")
    day = date(month // 100, month % 100, 1)
    dossier = Dossier.model_validate(
        {
            "people": [{"id": _WHO, "name": _WHO}],
            "cases": [
                {
                    "id": code, "holder": _WHO, "category": code,
                    "facts": {"event_date": day.isoformat()},
                }
            ],
            "ask": {"months": [_ALWAYS_ON_ROLL]},
        }
    )  # fmt: skip
    line = case_line(dossier.cases[0], fixed_categories()[code], dossier, ())
    merit = Merit(people, (*lines, line), rates, law_on, {})
    amount = death_lump_amount(merit, line)
    if code == "FUNERAL.NCC" and not amount.not_covered:
        item = funeral_item(merit, line, day)
        found = () if item is None else (item,)
        sure = tuple(i for i in found if not i.why_vi)
        held = tuple(i for i in found if i.why_vi)
        amount = MonthAmount(amount.unit, month, amount.cases, sure, held)
    return due_of(month, [amount], (line,), {})


def uncovered(cases: Sequence[MeritCase], month: int) -> Gap | None:
    """Return the first thing not covered of these cases in a month, or None.

    Asked of the newest tables: what no table has is refused where the row is read.
    """
    _, lines = lines_of(MeritPerson(cases))
    profile = month_profile(lines, month)
    people, standing = _profile_lines(profile)
    merit = Merit(people, standing, shipped_merit_rates(), date.max, {})
    found = (s for a in merit_amounts(merit, _WHO, month) for s in a.not_covered)
    return next(found, None)


def due_of(
    month: int,
    amounts: Iterable[MonthAmount],
    lines: Sequence[CaseLine],
    idle_said: Mapping[str, Sequence[str]],
) -> Due:
    """Return the amounts of one person as the bulk path stores them."""
    category = {x.id: x.category.code for x in lines}
    due: list[DueLine] = []
    held: list[Hold] = []
    reasons = [Reason("no_right", c, vi, en, cited) for c, (vi, en, cited) in idle_said.items()]
    for amount in amounts:
        due += [_due_line(i, category[i.case]) for i in amount.items]
        held += [_hold(i) for i in amount.held]
        if amount.nothing is not None:
            why, code = amount.nothing, category[amount.cases[0]]
            reasons.append(Reason("no_right", code, why.text_vi, why.text_en, why.citation))
        reasons += [
            Reason("not_covered", LINE, g.text_vi, g.text_en, "") for g in amount.not_covered
        ]
    total = sum(x.amount_vnd for x in due)
    more = sum(h.amount_vnd or 0 for h in held)
    return Due(month, total, tuple(due), tuple(held), tuple(reasons), total + more)


def _due_line(item: Item, category: str) -> DueLine:
    written = item.arithmetic
    if written != figure(item.amount_vnd):
        written = f"{written} = {figure(item.amount_vnd)}"
    return DueLine(
        "LIST", LINE, category, item.rate_code, 1, Fraction(1), item.amount_vnd, item.amount_vnd,
        item.citation, item.confidence, (), written.translate(VIETNAMESE), item.title_vi,
        item.title_en,
    )  # fmt: skip


def _hold(item: Item) -> Hold:
    return Hold(
        "unconfirmed_rate", f"{item.title_vi}: {item.why_vi}", f"{item.title_en}: {item.why_en}",
        item.citation, "unconfirmed_rate", item.amount_vnd,
    )  # fmt: skip


def check(cases: Sequence[MeritCase], month: int, sex: str | None = None) -> None:
    """Judge cases as they will be judged every month. Raises DossierError naming what is wrong."""
    person = MeritPerson(cases, (), sex)
    for _, _, profile in merit_spans(person, month, add_months(month, 60)):
        merit_due(profile, month, date.max)
    said = uncovered(cases, month)
    if said is not None:
        raise DossierError("category", said.text_vi, said.text_en)
