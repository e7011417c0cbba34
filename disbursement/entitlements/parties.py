"""Who receives, and who is how old: small questions about the people of a dossier."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple, TypeVar

from disbursement.entitlements.dossier import Death, Dossier
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.timeline import CaseLine
from disbursement.platform.clock import month_of

Answer = TypeVar("Answer")


def _index(month: int) -> int:
    return month // 100 * 12 + month % 100


def first_day(month: int) -> date:
    """Return the first day of a month (yyyymm)."""
    return date(month // 100, month % 100, 1)


class People:
    """The people of a dossier, with their deaths."""

    def __init__(self, dossier: Dossier, run_month: int, dead_payee: str = "hold") -> None:
        self.dossier, self.run_month = dossier, run_month
        self.dead_payee = dead_payee  # the setting unpaid_month_of_dead
        self.deaths: dict[str, Death] = {}
        holders = {c.id: c.holder for c in dossier.cases}
        for event in dossier.events:
            if isinstance(event, Death):
                self.deaths[event.person or holders[event.case or ""]] = event

    def by_age(self, person: str, month: int, why: str, judge: Callable[[int], Answer]) -> Answer:
        """Return what `judge` says of the person's whole months of age at the end of the month.

        Negative before birth. Where only the year of birth is known, both ends of the year must
        give the same answer. Raises DossierError where they do not, or no birth is told.
        """
        found = self.dossier.person(person).birth
        answers = [judge(_index(month) - _index(b)) for b in found or ()]
        if not answers or answers[0] != answers[-1]:
            raise DossierError(
                f"people {person}.born",
                f"cần ngày hoặc tháng sinh ({why})",
                f"a day or month of birth is needed ({why})",
            )
        return answers[0]

    def alive_at_end(self, person: str, month: int) -> bool:
        """Tell whether the person lived on the last day of the month."""
        death = self.deaths.get(person)
        return death is None or month < month_of(death.date)

    def _organiser(self, person: str) -> str:
        """Return who organised the funeral, where the payer decided so; else nobody yet."""
        if self.dead_payee != "organiser":
            return ""
        cases = self.dossier.cases
        found = (c.payee for c in cases if c.holder == person and "FUNERAL" in c.category.upper())
        return next((p for p in found if p), "")

    def payee(self, line: CaseLine) -> str:
        """Return who receives for the case in the run: '' where nobody is recorded yet.

        Named in the case, else the holder's representative in term, else the guardian, else the
        holder; for a dead holder the recorded heir (coins.md 18: held from payment, not of right).
        """
        death = self.deaths.get(line.holder.id)
        if line.case.payee:
            return line.case.payee
        if death is not None:
            return death.heir or self._organiser(line.holder.id)
        agent = line.holder.representative
        if agent is not None:
            first = month_of(agent.from_day) if agent.from_day else 0
            last = month_of(agent.to_day) if agent.to_day else 999912
            if first <= self.run_month <= last:
                return agent.person
        return line.holder.guardian or line.holder.id


class Granted(NamedTuple):
    """From which month a case is on the roll, and by which decision."""

    first: int
    decided_on: date
    written: bool  # the start month stands in the decision or on the roll


def granted(line: CaseLine) -> Granted:
    """Return the start as the dossier says it; the start rules are applied by the callers.

    Raises DossierError where neither a decision nor `on_roll_since` is given.
    """
    decision, since = line.case.decision, line.case.on_roll_since
    if since is not None:
        return Granted(since, decision.date if decision else first_day(since), True)
    if decision is None:
        raise DossierError(
            f"cases {line.id}",
            "thiếu quyết định (decision.date) hoặc tháng đã có trong danh sách (on_roll_since)",
            "needs a decision (decision.date) or on_roll_since",
        )
    if decision.first_month is not None:
        return Granted(decision.first_month, decision.date, True)
    return Granted(month_of(decision.date), decision.date, False)


def event_day(people: People, line: CaseLine) -> date:
    """Return the day of the event: as told, else the death, else the decision.

    A lump sum of merit without any of them is that of the only month asked.

    Raises DossierError where none of the three is there, or two days contradict each other.
    """
    told: date | None = line.facts.get("event_date")
    death = people.deaths.get(line.holder.id)
    mourning = line.category.shape in ("funeral", "death_lump")
    if mourning and death is not None:
        if told is not None and told != death.date:
            raise DossierError(
                f"cases {line.id}.facts.event_date",
                f"khác ngày chết {death.date} trong events",
                f"differs from the death of {death.date} in events",
            )
        return death.date
    if told is not None:
        return told
    if not mourning and line.case.decision is not None:
        return line.case.decision.date
    asked = people.dossier.ask.months
    if line.category.shape == "merit_once" and len(asked) == 1:
        return first_day(asked[0])  # a lump sum depends on its month alone
    raise DossierError(
        f"cases {line.id}",
        "cần ngày xảy ra sự kiện (facts.event_date, sự kiện death, hoặc decision.date)",
        "needs the day of the event (facts.event_date, a death event, or decision.date)",
    )
