"""`explain`: a dossier in, lines out. Pure: no clock, no database; the tables are handed in.

Due are the months in `ask.months`, and differences for the months named in `already_paid`;
nothing else. The law is asked through the same functions as every list (soc.py) and its sisters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from disbursement.entitlements.amounts import Gap, MonthAmount, gap
from disbursement.entitlements.differences import Atom, Joined, atoms, join
from disbursement.entitlements.dossier import CaseIn, Dossier
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.lists import Lists, list_amount, list_months
from disbursement.entitlements.meritorious import (
    Merit,
    death_lump_amount,
    documents_of,
    draws_merit,
    merit_amounts,
    once_amount,
)
from disbursement.entitlements.once import fixed_amount, funeral_amount
from disbursement.entitlements.parties import People, granted
from disbursement.entitlements.rules import Law
from disbursement.entitlements.soc import Soc, soc_amount
from disbursement.entitlements.support import Care, care_amount, support_unit
from disbursement.entitlements.tables_of_law import Tables, shipped_tables
from disbursement.entitlements.timeline import CaseLine, case_line, ordered_events, taken_over
from disbursement.entitlements.wording import texts
from disbursement.platform.clock import add_months, month_of
from disbursement.programmes.catalogue import LIST_SHAPES, canonical, fixed_categories
from disbursement.programmes.open_points import Settings, open_point

_MONTHLY = ("soc", "care", "facility", "merit", "survivor")
_LOOK_BACK = 36
"""How many months back the rate of a case that gives nothing any more is looked for."""


@dataclass(frozen=True)
class Explanation:
    """The answer: sums in dong and the lines under them, in the keys of docs/dossier.md.

    `run_month` (yyyymm) and `known_on` are what counted, also where the dossier left them out.
    """

    total_vnd: int
    recover_vnd: int
    held_vnd: int
    lines: tuple[dict[str, Any], ...]
    not_covered: tuple[Gap, ...]
    run_month: int
    known_on: date

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "total_vnd": self.total_vnd,
            "recover_vnd": self.recover_vnd,
            "held_vnd": self.held_vnd,
            "lines": list(self.lines),
            "not_covered": [g.text_en for g in self.not_covered],
            "not_covered_vi": [g.text_vi for g in self.not_covered],
        }


def explain(dossier: Dossier, tables: Tables | None = None) -> Explanation:
    """Return what is due, to be recovered and held. Raises DossierError, NotFoundError."""
    return _Question(dossier, tables or shipped_tables()).answer()


class _Question:
    """One dossier being answered; every part is worked out at most once."""

    def __init__(self, dossier: Dossier, tables: Tables) -> None:
        self.dossier, self.tables = dossier, tables
        ask = dossier.ask
        paid_months = [p.covers_month for p in dossier.already_paid]
        known = [*ask.months, *paid_months]
        if ask.run_month is None and not known and ask.known_on is None:
            raise DossierError(
                "ask", "cần months, run_month hoặc known_on", "needs months, run_month or known_on"
            )
        self.run_month = ask.run_month or (
            max(known) if known else month_of(ask.known_on or date.min)
        )
        last_day = _first_day(add_months(self.run_month, 1)) - timedelta(days=1)
        self.known_on = ask.known_on or last_day
        self._check_births()
        self.events = ordered_events(dossier, self.known_on)
        self.settings, self.undecided = _settings(dossier, tables)
        self.uncovered: list[Gap] = []
        self.lines = taken_over(tuple(self._lines()))
        self.people = People(dossier, self.run_month, self.settings.unpaid_month_of_dead)

    def _check_births(self) -> None:
        last = max(month_of(self.known_on), self.run_month, *self.dossier.ask.months)
        for person in self.dossier.people:
            if person.birth is not None and person.birth.first > last:
                raise DossierError(
                    f"people {person.id}.born",
                    f"sau ngày known_on {self.known_on} và các tháng được hỏi",
                    f"is later than known_on {self.known_on} and the months asked",
                )

    def _lines(self) -> Iterator[CaseLine]:
        known = {**fixed_categories(), **self.tables.lists.categories()}
        for case in self.dossier.cases:
            category = known.get(case.category) or known.get(canonical(case.category))
            if category is None:
                self.uncovered.append(
                    gap(
                        f"hồ sơ {case.id}: không có diện '{case.category}' trong danh mục",
                        f"case {case.id}: category '{case.category}' is not known",
                    )
                )
                continue
            self._check_decision(case)
            yield case_line(case, category, self.dossier, self.events)

    def _check_decision(self, case: CaseIn) -> None:
        decision = case.decision
        if decision is None:
            return
        where = f"cases {case.id}.decision"
        if decision.date > self.known_on:
            raise DossierError(
                f"{where}.date",
                f"sau ngày known_on {self.known_on}; sửa ngày hoặc known_on",
                f"is later than known_on {self.known_on}",
            )
        birth = self.dossier.person(case.holder).birth
        if birth is not None and month_of(decision.date) < birth.first:
            raise DossierError(f"{where}.date", "trước khi sinh ra", "is before birth")
        for other in self.dossier.cases:
            if (
                other.id < case.id
                and decision.number
                and other.decision is not None
                and other.decision.number == decision.number
                and (other.decision.date, other.commune) != (decision.date, case.commune)
            ):
                raise DossierError(
                    f"{where}.number",
                    f"số đã dùng cho hồ sơ '{other.id}' với ngày hoặc xã khác",
                    f"is used by case '{other.id}' with another date or commune",
                )

    @cached_property
    def law(self) -> Law:
        return Law(self.known_on, self.tables.rates, self.undecided, self.settings)

    @cached_property
    def care(self) -> Care:
        return Care(self.people, self.lines, self.law)

    @cached_property
    def merit(self) -> Merit:
        papers = documents_of(self.events)
        return Merit(self.people, self.lines, self.tables.merit, self.known_on, papers)

    @cached_property
    def lists(self) -> Lists:
        paid = frozenset(p.case for p in self.dossier.already_paid)
        told = self.dossier.ask.known_on is not None
        return Lists(self.people, self.tables.lists, self.known_on, told, paid)

    def answer(self) -> Explanation:
        purpose = self.dossier.ask.purpose
        found: list[Atom] = []
        self.notes: dict[tuple[str, int], tuple[tuple[str, str], ...]] = {}
        found += self._monthly(lists_only=purpose == "one_off")
        found += self._once(every=purpose == "one_off")
        if purpose == "recover":
            found = [a for a in found if a.state != "due"]
        quarterly = frozenset(x.id for x in self.lines if x.category.shape == "quarterly_household")
        joined = join(found, self.run_month, quarterly=quarterly)
        ordered = sorted(joined, key=self._order)
        return Explanation(
            sum(j.amount_vnd for j in joined if j.state == "due"),
            sum(j.amount_vnd for j in joined if j.state == "recover"),
            sum(j.amount_vnd for j in joined if j.state == "held"),
            tuple(self._line(j) for j in ordered),
            tuple(dict.fromkeys(self.uncovered)),
            self.run_month,
            self.known_on,
        )

    def _order(self, j: Joined) -> tuple[int, int, int]:
        """Put the run's month first, then arrears, then later months; cases as in the dossier."""
        cases = [c.id for c in self.dossier.cases]
        return (
            ("due", "recover", "held").index(j.state),
            0 if self.run_month in j.months else 1,
            j.months[0] * 1000 + cases.index(j.item.case),
        )

    # Months of monthly programmes

    def _monthly(self, *, lists_only: bool) -> list[Atom]:
        out: list[Atom] = []
        for unit, lines in self._units().items():
            if lists_only and lines[0].category.shape not in LIST_SHAPES:
                continue
            paid = self._paid(lines)
            for month in sorted({*self._asked(lines), *paid}):
                for amount in self._amounts(unit, lines, month):
                    here = {c: v for c, v in paid.get(month, {}).items() if c in amount.cases}
                    out += self._compare(amount, here, month in self.dossier.ask.months)
        return out

    def _asked(self, lines: list[CaseLine]) -> list[int]:
        months = self.dossier.ask.months
        if lines[0].category.shape in LIST_SHAPES:
            return list_months(self.lists, lines[0], months)
        return months

    def _units(self) -> dict[str, list[CaseLine]]:
        """Group the monthly cases by what can be owed once."""
        out: dict[str, list[CaseLine]] = defaultdict(list)
        for line in self.lines:
            shape = line.category.shape
            if shape == "soc":
                out[f"SOC/{line.holder.id}"].append(line)
            elif shape in ("merit", "survivor"):
                out[f"NCC/{line.holder.id}"].append(line)
            elif shape in ("care", "facility"):
                out[support_unit(line, self.lines)].append(line)
            elif shape in LIST_SHAPES and shape != "one_off_window":
                out[f"LIST/{line.id}"].append(line)
        return out

    def _paid(self, lines: Iterable[CaseLine]) -> dict[int, dict[str, int]]:
        ids = {x.id for x in lines}
        out: dict[int, dict[str, int]] = defaultdict(dict)
        for paid in self.dossier.already_paid:
            if paid.case in ids:
                out[paid.covers_month][paid.case] = paid.amount_vnd
        return dict(out)

    def _amounts(self, unit: str, lines: list[CaseLine], month: int) -> list[MonthAmount]:
        kind, person = unit.split("/", 1)
        if kind == "SOC":
            merit = frozenset({month}) if draws_merit(self.merit, person, month) else frozenset()
            kept = frozenset({month}) if self._in_facility(person, month) else frozenset()
            soc = Soc(person, tuple(lines), self.people, self.law, merit, kept)
            return [soc_amount(soc, month)]
        if kind == "NCC":
            return merit_amounts(self.merit, person, month)
        if kind == "LIST":
            return [list_amount(self.lists, lines[0], month)]
        return [care_amount(self.care, lines, month)]

    def _in_facility(self, person: str, month: int) -> bool:
        """Tell whether a case of the dossier keeps the person in a facility that month."""
        return any(
            x.holder.id == person
            and x.category.shape == "facility"
            and granted(x).first <= month
            and x.ending_before(month) is None
            for x in self.lines
        )

    def _compare(self, amount: MonthAmount, paid: dict[str, int], asked: bool) -> list[Atom]:
        if asked or paid:
            self.uncovered += amount.not_covered
        for case in amount.cases:
            self.notes[(case, amount.month)] = amount.notes
        covered = not amount.not_covered or amount.items or amount.held
        codes = self._last_codes(amount) if paid and not amount.items else {}
        if not covered:
            return []
        return atoms(amount, paid, asked=asked, last_codes=codes)

    def _last_codes(self, amount: MonthAmount) -> dict[str, str]:
        """Find under which rate each case was last due, for lines that say what to recover."""
        out: dict[str, str] = {}
        for unit, lines in self._units().items():
            if not {x.id for x in lines} & set(amount.cases):
                continue
            month = amount.month
            for _ in range(_LOOK_BACK):
                month = add_months(month, -1)
                for earlier in self._amounts(unit, lines, month):
                    for item in (*earlier.items, *earlier.held):
                        if item.case in amount.cases:
                            out.setdefault(item.case, item.rate_code)
                if out:
                    break
        return out

    # What is paid once

    def _once(self, *, every: bool) -> list[Atom]:
        """Compare one-offs: those of the months asked, or, asked for themselves, every one."""
        out: list[Atom] = []
        months = set(self.dossier.ask.months)
        for amount in self._one_offs():
            paid = {
                p.case: p.amount_vnd
                for p in self.dossier.already_paid
                if p.case in amount.cases and self._same_once(p.covers_month, amount)
            }
            asked = amount.month in months or (every and amount.month <= self.run_month)
            out += self._compare(amount, paid, asked or self._in_window(amount))
        return out

    def _same_once(self, month: int, amount: MonthAmount) -> bool:
        """Tell whether a payment counts: a gift or funeral is owed once, under any month."""
        return month == amount.month or amount.unit.startswith(("GIFT/", "FUNERAL/"))

    def _in_window(self, amount: MonthAmount) -> bool:
        line = next(x for x in self.lines if x.id == amount.cases[0])
        if line.category.shape != "one_off_window":
            return False
        return amount.month in list_months(self.lists, line, self.dossier.ask.months)

    def _one_offs(self) -> Iterator[MonthAmount]:
        funerals: dict[str, list[CaseLine]] = defaultdict(list)
        for line in self.lines:
            match line.category.shape:
                case "funeral":
                    funerals[line.holder.id].append(line)
                case "fixed":
                    yield fixed_amount(self.care, line)
                case "merit_once":
                    yield once_amount(self.merit, line)
                case "death_lump":
                    yield death_lump_amount(self.merit, line)
        yield from self._gifts()
        for lines in funerals.values():
            yield funeral_amount(self.care, self.merit, lines)

    def _gifts(self) -> Iterator[MonthAmount]:
        """One gift per person and programme, however many cases ask for it."""
        gifts: dict[tuple[str, str], list[CaseLine]] = defaultdict(list)
        for line in self.lines:
            if line.category.shape == "one_off_window":
                gifts[(line.category.code, line.holder.id)].append(line)
        for (code, person), lines in gifts.items():
            rows = self.tables.lists.rows[code]
            for month in sorted({r.cover_month or month_of(r.first_day) for r in rows}):
                amount = list_amount(self.lists, lines[0], month)
                ids = tuple(x.id for x in lines)
                yield replace(amount, unit=f"GIFT/{code}/{person}", cases=ids)

    def _line(self, j: Joined) -> dict[str, Any]:
        line = next(x for x in self.lines if x.id == j.item.case)
        item = j.item
        if not item.holder:
            payee = item.payee or (self.people.payee(line) if j.state == "recover" else "")
            item = replace(item, holder=line.holder.id, payee=payee or line.holder.id)
        notes = self.notes.get((item.case, j.months[0]), ())
        once = line.category.shape not in _MONTHLY
        said = texts(replace(j, item=item), self.run_month, self.dossier, notes, once=once)
        return {
            "amount_vnd": j.amount_vnd,
            "covers_months": [f"{m // 100}-{m % 100:02d}" for m in j.months],
            "holder": item.holder,
            "payee": item.payee,
            "case": item.case,
            "rate_code": item.rate_code,
            "arithmetic": said.arithmetic,
            "citation": item.citation,
            "confidence": item.confidence,
            "state": j.state,
            "text_vi": said.text_vi,
            "text_en": said.text_en,
        }


def _first_day(month: int) -> date:
    return date(month // 100, month % 100, 1)


def _settings(dossier: Dossier, tables: Tables) -> tuple[Settings, frozenset[str]]:
    """Read the payer's decisions on open points; `rerating_decision` defaults to `recorded`."""
    values = dict(dossier.settings)
    rerating = values.pop("rerating_decision", "recorded")
    if rerating not in ("recorded", "missing"):
        raise DossierError(
            "settings.rerating_decision",
            "chỉ nhận: recorded, missing",
            "must be one of: recorded, missing",
        )
    known = {f.name for f in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        allowed = ", ".join(sorted({*known, "rerating_decision"}))
        raise DossierError(
            f"settings.{unknown[0]}", f"không có cài đặt này; có: {allowed}", f"known: {allowed}"
        )
    for name, value in sorted(values.items()):
        choices = open_point(name).choices
        if value not in choices:
            raise DossierError(
                f"settings.{name}",
                f"chỉ nhận: {', '.join(choices)}",
                f"must be one of: {', '.join(choices)}",
            )
    undecided = (
        frozenset(r.code for r in tables.rates.rises()) if rerating == "missing" else frozenset()
    )
    return Settings(**values), undecided
