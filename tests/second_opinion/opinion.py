"""A second opinion on social assistance and the social pension, written from the law alone.

It imports nothing of the product; of the product's files it reads the rate tables, as CSV. It is
deliberately plain: one day at a time, one rule after the other, no set-based trick. The whole of
the month rules is one sentence: *the amount of a month is the amount of the last day of that month
on which the right existed*. A change therefore acts in the month itself, and a loss acts in the
month after (NĐ 335/2026 Art. 8.4; NĐ 20/2021 Art. 8.1.đ, 8.2).

An answer is a span of money: ``low`` is what is certainly due, ``high`` what would be due if every
open point were decided for the person. ``free`` says that the text itself does not settle the
month: then any amount from low to high is a possible reading, and no path may pay more than high.
"""

import csv
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "disbursement" / "programmes" / "data"
ND335 = date(2026, 10, 5)  # in force
RISE = 202607  # its money counts from here for people on the roll (Art. 32.3)
ENDED_2025 = 202507  # NĐ 20/2021 Art. 5.5.b and 5.5.c, by NĐ 176/2025 Art. 8.2
OVER_22 = 202610  # rights that only NĐ 335 gives count from the month it came into force

Dossier = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Whole dong of one month: certainly due, at most due, and whether the text leaves it free."""

    low: int
    high: int
    free: bool = False
    silent: bool = False  # no clause that counts in the month: nothing is due, nothing taken back


NOTHING = Answer(0, 0)


# --- days and months ---------------------------------------------------------------------------


def month_of(day: date) -> int:
    return day.year * 100 + day.month


def first_day(month: int) -> date:
    return date(month // 100, month % 100, 1)


def last_day(month: int) -> date:
    year, number = divmod(month, 100)
    return date(year, number, monthrange(year, number)[1])


def next_month(month: int) -> int:
    return month_of(last_day(month) + timedelta(days=1))


def as_day(text: str) -> date:
    return date.fromisoformat(text)


def as_month(text: str) -> int:
    return int(text[:4]) * 100 + int(text[5:7])


def months_later(day: date, count: int) -> date:
    at = day.year * 12 + day.month - 1 + count
    month = (at // 12) * 100 + at % 12 + 1
    return min(last_day(month), first_day(month) + timedelta(days=day.day - 1))


def years_old(born: date, on: date) -> int:
    """Full years; 29 February is reached on the last day of a shorter February."""
    birthday = months_later(born, 12 * (on.year - born.year))
    return on.year - born.year - (on < birthday)


# --- the rate tables ---------------------------------------------------------------------------


@cache
def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def in_force(instrument: str) -> date:
    for row in table("instruments.csv"):
        if row["instrument"] == instrument:
            return as_day(row["in_force_from"])
    raise KeyError(instrument)


def counts(row: dict[str, str], month: int, known_on: date) -> bool:
    """Whether the row's money covers the month, as far as the law is known on that day."""
    if as_day(row["legal_in_force_from"]) > known_on:
        return False
    if first_day(month) < as_day(row["effective_from"]).replace(day=1):
        return False
    ended = row["effective_to"] and in_force(row["ended_by"]) <= known_on
    return not (ended and first_day(month) > as_day(row["effective_to"]))


def counts_merit(row: dict[str, str], month: int, known_on: date) -> bool:
    """As `counts`, for the tables of merit: a row ends when the next one's law is in force."""
    if not row["legal_in_force_from"] or as_day(row["legal_in_force_from"]) > known_on:
        return False
    return first_day(month) >= as_day(row["effective_from"]).replace(day=1)


def newest(rows: Iterable[dict[str, str]]) -> dict[str, str] | None:
    return max(rows, key=lambda row: row["effective_from"], default=None)


@cache
def base(code: str, province: str, month: int, known_on: date) -> int:
    """max(central, local) of the month, NĐ 335/2026 Art. 4.3; 0 while there is no level."""
    levels = []
    for territory in ("VN", province):
        row = newest(
            row
            for row in table("base_levels.csv")
            if (row["base_code"], row["territory"]) == (code, territory)
            and counts(row, month, known_on)
        )
        levels.append(int(row["amount_vnd"]) if row else 0)
    return max(levels)


@cache
def tenths(which: str, degree: str, age: int, month: int, known_on: date) -> int:
    """The coefficient times ten of a category (or the tail of a carer's code), 0: no right."""
    found = []
    for row in table("social_assistance_rates.csv"):
        if which in CARERS:
            fits = row["rate_code"][5:] in CARERS[which] and row["kind"] == "carer_support"
        else:
            fits = (row["clause"], row["degree"]) == (which, degree)
        low, high = row["age_from_years"], row["age_to_years_exclusive"]
        in_age = (not low or int(low) <= age) and (not high or age < int(high))
        if fits and in_age and counts(row, month, known_on):
            found.append(row)
    row = newest(found)
    return int(Decimal(row["coefficient"]) * 10) if row else 0


CARERS = {
    "child": ("C.K1.LT4", "C.K1.GE4"),
    "elder": ("C.K5B", "C.K5D"),
    "one": ("C.DIS.PREG_OR_1",),
    "two": ("C.DIS.PREG_AND_1_OR_2PLUS",),
    "household": ("C.DIS.HOUSEHOLD",),
    "take_in": ("C.DIS.TAKEIN.ADULT", "C.DIS.TAKEIN.CHILD"),
}


@cache
def province_of_commune(commune: str) -> str:
    for row in table("communes_2026.csv"):
        if row["commune_code"] == commune:
            return row["province_code"]
    raise KeyError(commune)


# --- what is true of a case on a day -----------------------------------------------------------


@dataclass(frozen=True)
class Book:
    """One dossier, opened at the right places."""

    people: dict[str, dict[str, Any]]
    cases: list[dict[str, Any]]
    events: list[dict[str, Any]]
    household: dict[str, Any]
    settings: dict[str, str]
    known_on: date


UNFOUNDED = ("lost_eligibility", "false_file")


def grounds_of(book: Book, case: dict[str, Any]) -> set[str]:
    """The cases of who is cared for, on which the support of a carer rests (Art. 17)."""
    wanted = {"C17.1": ("K1", "K5b"), "C17.2c": ("K6",), "C17.2d": ("K6",)}
    cared = case.get("facts", {}).get("cared_for")
    return {
        one["id"]
        for one in book.cases
        if one["holder"] == cared and one["category"] in wanted.get(case["category"], ())
    }


def reaches(book: Book, event: dict[str, Any], case: dict[str, Any]) -> bool:
    """Whether an event concerns a case: its own, its holder's, or that of who is cared for.

    What happened to a person before a right was granted does not touch that right: it is the
    decision that looked at it. Death and dated facts always count.
    """
    cause = event.get("cause", event["kind"])
    grounds = grounds_of(book, case)
    if "case" in event:
        return event["case"] == case["id"] or (event["case"] in grounds and cause in UNFOUNDED)
    if event["person"] != case["holder"]:
        cared = case.get("facts", {}).get("cared_for")
        gone = cause in {"death", "prison"} or (bool(grounds) and cause in UNFOUNDED)
        if event["person"] != cared or not gone:
            return False
    if cause in {"death", "change"}:
        return True
    day = as_day(event["date"])
    decision = case.get("decision")
    known = decision is not None and day >= as_day(decision["date"])
    return known or month_of(day) >= begins(book, case)


def events_of(book: Book, case: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted((e for e in book.events if reaches(book, e, case)), key=lambda e: str(e["date"]))


def died(book: Book, person: str) -> date | None:
    for event in book.events:
        if event.get("person") == person and (
            event["kind"] == "death" or (event["kind"] == "stop" and event["cause"] == "death")
        ):
            return as_day(event["date"])
    return None


def facts_on(book: Book, case: dict[str, Any], day: date) -> dict[str, Any]:
    """The facts of the case, with every change that had acted by that day."""
    facts = dict(case.get("facts", {}))
    if "household" not in facts and book.household:
        since = as_day(book.household.get("from", "1900-01-01"))
        until = as_day(book.household.get("to", "2999-12-31"))
        facts["household"] = book.household["status"] if since <= day <= until else "none"
    for event in events_of(book, case):
        if event["kind"] == "change":
            acts = as_day(event["date"])
            if "from_month" in event:
                acts = first_day(as_month(event["from_month"]))
            if acts <= day:
                facts |= event["facts"]
    return facts


def age_on(book: Book, person: str, day: date) -> int:
    return years_old(as_day(book.people[person]["born"]), day)


def studies_on(book: Book, case: dict[str, Any], child: str, law335: bool) -> str:
    """Whether a child of 16 and over still counts for K4: yes, no, or open.

    NĐ 20/2021: a studying child counts to 22. NĐ 335/2026 Art. 5.4: where the parent was
    receiving for the child already. Receiving for it by a grant under NĐ 20 (so before NĐ 335
    was in force) without having received at 16 is told by neither.
    """
    turned = month_of(months_later(as_day(book.people[child]["born"]), 12 * 16))
    if not law335 or begins(book, case) <= turned:
        return "yes"
    return "open" if begins(book, case) < month_of(ND335) else "no"


def children_on(
    book: Book, case: dict[str, Any], day: date, month: int, known_on: date
) -> list[int]:
    """K4: children that count on the day, at least and at most."""
    facts = facts_on(book, case, day)
    children = facts.get("children", 0)
    if isinstance(children, int):
        return [children, children]
    least = most = 0
    for child in children:
        gone = died(book, child)
        age = age_on(book, child, day)
        if age < 0 or age >= 22 or (gone is not None and day > gone):
            continue
        answer = "yes"
        if age >= 16:
            answer = "no"
            if child in facts.get("studying_children", ()):
                answer = studies_on(book, case, child, month >= RISE and known_on >= ND335)
        least += answer == "yes"
        most += answer != "no"
    return [least, most]


def small_children_on(book: Book, facts: dict[str, Any], day: date) -> int:
    """Art. 17.2.a: children under 36 months on the day."""
    children = facts.get("children", 0)
    if isinstance(children, int):
        return children
    number = 0
    for child in children:
        gone = died(book, child)
        number += 0 <= age_on(book, child, day) < 3 and (gone is None or day <= gone)
    return number


def own_tenths(
    book: Book,
    case: dict[str, Any],
    day: date,
    month: int,
    known_on: date,
    aged: date | None = None,
) -> int:
    """K1 to K8: coefficient times ten on that day by the law of that month; 0: no right.

    ``aged``: the day whose age counts, where it is another.
    """
    facts, category = facts_on(book, case, day), case["category"]
    household = facts.get("household")
    poor, near = household == "poor", household in {"poor", "near_poor"}
    age = age_on(book, case["holder"], aged or day)
    if age < 0:
        return 0
    right = {
        "K1": age < 16,
        "K2": facts.get("studying") is True and facts.get("on_k1_at_16") is True,
        "K3": poor,
        "K4": near and facts.get("single", True),
        "K5a": poor and facts.get("carer") in {"no_obliged", "obliged_on_allowance"},
        "K5b": poor and facts.get("carer") == "taken_in",
        "K5b20": near and facts.get("difficult_area") is True,
        "K5c": facts.get("income") in {"none", "wage"},
        "K6": facts.get("degree") in {"S", "ES"},
        "K7": near and facts.get("difficult_area") is True,
        "K8": poor and facts.get("income") == "none",
    }[category]
    if not right:
        return 0
    degree = facts["degree"] if category == "K6" else ""
    return tenths(category, degree, age, month, known_on)


def sp_right(book: Book, case: dict[str, Any], day: date, level: int) -> tuple[bool, bool]:
    """Social pension on that day: (right, and it is certain). NĐ 176/2025 Art. 2."""
    facts = facts_on(book, case, day)
    age = age_on(book, case["holder"], day)
    near = facts.get("household") in {"poor", "near_poor"}
    if facts.get("written_request") is not True or age < 70 or (age < 75 and not near):
        return False, True
    pension, income = facts.get("pension_vnd", 0), facts.get("income", "none")
    if income == "not_lower" or pension >= level:
        return False, True
    lower = income == "lower_than_sp" or pension > 0
    return True, not lower or book.settings.get("sp_with_lower_pension") == "full"


def care_tenths(
    book: Book,
    case: dict[str, Any],
    day: date,
    month: int,
    known_on: date,
    aged: date | None = None,
) -> int:
    """Art. 17 (NĐ 20/2021 Art. 20): coefficient times ten on that day; ``aged`` as above."""
    facts, category = facts_on(book, case, day), case["category"]
    if category == "C17.2a":
        number = small_children_on(book, facts, day)
        since, until = facts.get("pregnant_from"), facts.get("pregnant_to")
        pregnant = facts.get("pregnant") is True
        if since or until:
            pregnant = as_day(since or "1900-01-01") <= day <= as_day(until or "2999-12-31")
        if facts.get("degree") not in {"S", "ES"} or number + pregnant == 0:
            return 0
        which = "two" if number + pregnant > 1 else "one"
        return tenths(which, "", 0, month, known_on)
    other = facts["cared_for"]
    gone = died(book, other)
    if gone and month_of(day) > month_of(gone):
        return 0  # ages are those of the month, as for the person's own allowance
    age = age_on(book, other, aged or day)
    if age < 0:
        return 0
    theirs = [c for c in book.cases if c["holder"] == other]
    if category == "C17.1":
        groups = {facts.get("care_of")}
        for one in theirs:
            if one["category"] in {"K1", "K5b"}:
                held = own_tenths(book, one, day, month, known_on)
                groups = {one["category"]} if held else {None}
        child = tenths("child", "", age, month, known_on) if "K1" in groups else 0
        return child or (tenths("elder", "", age, month, known_on) if "K5b" in groups else 0)
    degree = facts.get("degree")
    for one in theirs:
        if one["category"] == "K6":
            degree = facts_on(book, one, day).get("degree")
    if degree != "ES":
        return 0
    which = "household" if category == "C17.2c" else "take_in"
    return tenths(which, "", age, month, known_on)


# --- the life of a case ------------------------------------------------------------------------

STOPS = ("death", "prison", "renounced", "false_file", "stop")


def ended(book: Book, case: dict[str, Any]) -> date | None:
    """The day of the first event that ends the case for good, or None."""
    days = [as_day(e["date"]) for e in events_of(book, case) if e["kind"] in STOPS]
    if case["category"] == "K4":
        days += [as_day(e["date"]) for e in events_of(book, case) if e["kind"] == "remarriage"]
    return min(days, default=None)


def begins(book: Book, case: dict[str, Any]) -> int:
    """First month: NĐ 335/2026 Art. 8.2; before it NĐ 20/2021 Art. 8.1.đ."""
    if "on_roll_since" in case:
        return as_month(case["on_roll_since"])
    signed = as_day(case["decision"]["date"])
    if signed >= ND335:
        return month_of(signed)
    certificate = case.get("facts", {}).get("certificate_date")
    if case["category"] == "K6" and certificate:
        return month_of(as_day(certificate))
    born = as_day(book.people[case["holder"]]["born"])
    reached = {"K5b20": 75, "K5c": 80}.get(case["category"])
    if reached:
        return month_of(months_later(born, 12 * reached))
    return month_of(signed)


@dataclass(frozen=True)
class Pause:
    """Months in which nothing is paid; ``free`` where the text does not settle the back pay."""

    start: int
    end: int | None  # first month paid again; None: not resumed
    free: bool = False
    over: bool = False  # the review found that the right had ended: stopped from here (Art. 9.4)


def running(months: list[int]) -> list[int]:
    """The last months that follow each other without a gap."""
    run: list[int] = []
    for month in months:
        run = [*run, month] if run and next_month(run[-1]) == month else [month]
    return run


def pauses(book: Book, case: dict[str, Any]) -> list[Pause]:
    found: list[Pause] = []
    left: list[int] = []
    waiting: list[tuple[int, date | None]] = []  # from which month, and the day a refusal ends it
    for event in events_of(book, case):
        day, kind = as_day(event["date"]), event["kind"]
        after = next_month(month_of(day))
        if kind == "suspend":
            waiting.append(
                (as_month(event.get("from_month", "")) if "from_month" in event else after, None)
            )
        elif kind == "refusal":
            waiting.append((after, months_later(day, 3)))
        elif kind == "uncollected":
            left += [as_month(m) for m in event["months"]]
            run = running(sorted(set(left)))
            if len(run) >= 3:
                waiting.append((next_month(run[-1]), None))
        elif kind == "detention":
            until = as_day(event["until"]) if "until" in event else None
            if day < ND335 and (until is None or until >= months_later(day, 1)):
                found.append(Pause(after, month_of(until) if until else None, free=True))
        elif kind == "resume" and waiting:
            kept = [(start, last) for start, last in waiting if last is not None and last < day]
            if event["conditions"] == "not_eligible":
                kept = waiting
            elif event["conditions"] == "changed":
                found += [Pause(start, month_of(day), free=True) for start, _ in waiting]
            found += [Pause(start, None, over=True) for start, _ in kept]
            waiting = []
    return found + [Pause(start, None) for start, _ in waiting]


def moved_from(book: Book, case: dict[str, Any], event: dict[str, Any]) -> int:
    """The month from which the old commune does not pay, or the new one does; 999912: not told."""
    if "from_month" in event:
        return as_month(event["from_month"])
    if event["kind"] == "move_out":
        return next_month(month_of(as_day(event["date"])))
    outs = [e for e in events_of(book, case) if e["kind"] == "move_out"]
    return moved_from(book, case, outs[-1]) if outs else 999912


def place(book: Book, case: dict[str, Any], month: int) -> str | None:
    """The province whose level counts in the month; None: moved away, nobody has decided."""
    here: str | None = case.get("province") or ""
    if "commune" in case:
        here = province_of_commune(case["commune"])
    for event in events_of(book, case):
        if event["kind"] == "move_out" and month >= moved_from(book, case, event):
            here = None
        if event["kind"] == "move_in" and month >= moved_from(book, case, event):
            here = event.get("province") or province_of_commune(event["commune"])
    return here


# --- one case, one month -----------------------------------------------------------------------


def amount_on(
    book: Book,
    case: dict[str, Any],
    day: date,
    month: int,
    known_on: date,
    aged: date | None = None,
) -> Answer:
    where = place(book, case, month)
    if where is None:
        return NOTHING
    category = case["category"]
    if category == "SP":
        level = base("SP_BASE", where, month, known_on)
        right, certain = sp_right(book, case, day, level)
        return Answer(level if right and certain else 0, level if right else 0)
    tell = care_tenths if category.startswith("C17") else own_tenths
    times = tell(book, case, day, month, known_on, aged)
    amount = times * base("SA_BASE", where, month, known_on) // 10
    if category == "K4":
        least, most = children_on(book, case, day, month, known_on)
        return Answer(amount * least, amount * most, free=least != most)
    return Answer(amount, amount)


def crossed(book: Book, case: dict[str, Any], month: int) -> Answer:
    """A month in which an age was passed and a fact changed, and no single day had the right.

    Whether the month counts as a whole is not told; anything else gives nothing.
    """
    born = as_day(book.people[case["holder"]]["born"])
    days = [as_day(e["date"]) for e in events_of(book, case) if e["kind"] == "change"]
    days += [as_day(book.household[k]) for k in ("from", "to") if k in book.household]
    if born.month == month % 100 and any(month_of(day) == month for day in days):
        return Answer(0, 10**9, free=True)
    return NOTHING


def by_last_day(book: Book, case: dict[str, Any], month: int, known_on: date) -> Answer:
    """The amount of the last day of the month on which the right existed, at the month's age.

    An age reached in the month changes the level in the month itself, and a right lost in it is
    paid to its end (NĐ 335/2026 Art. 8.4; NĐ 20/2021 Art. 8.1.đ, 8.2): both count by months, so
    which of the two days came first is not asked.
    """
    days = [last_day(month)]
    while days[-1].day > 1:
        days.append(days[-1] - timedelta(days=1))
    # A right lost on the first day of a month is lost in that month.
    days.append(days[-1] - timedelta(days=1))
    first = amount_on(book, case, days[0], month, known_on)
    if first.high:
        return first
    held = [day for day in days if amount_on(book, case, day, month, known_on).high]
    if not held:
        return crossed(book, case, month)
    aged = [amount_on(book, case, day, month, known_on, days[0]) for day in held]
    if not any(a.high for a in aged):  # the age itself ended the right: paid as until then
        aged = [amount_on(book, case, day, month, known_on) for day in held]
    found = [a for a in aged if a.high]
    if begins(book, case) == month and len(found) == 1:
        return Answer(0, found[0].high, free=True)  # granted in a month without a day of right
    if found[0].low < found[0].high or len({a.high for a in found}) == 1:
        return found[0]
    # Lowered and lost in one month: whether the lower level acts before the loss is not told.
    return Answer(min(a.low for a in found), max(a.high for a in found), free=True)


def left_before(book: Book, case: dict[str, Any], month: int) -> bool:
    """Whether the person had left the roll when NĐ 335 came into force (Art. 32.3 "đang hưởng").

    A person on the roll with another allowance of the same kind has not left it; the support of
    a carer is an entitlement of its own.
    """
    if case["category"] == "K2" and month >= OVER_22 and lapsed(book, case):
        return False  # a right of its own since NĐ 335, not a re-rated one
    if month > month_of(ND335) or begins(book, case) > month_of(ND335):
        return False
    if as_day(case.get("decision", {}).get("date", "1900-01-01")) >= ND335:
        return False
    own = [
        one
        for one in book.cases
        if one["holder"] == case["holder"] and not one["category"].startswith("C17")
    ]
    return not any(on_roll(book, one) for one in (own if case in own else [case]))


def on_roll(book: Book, case: dict[str, Any]) -> bool:
    """Whether the case was on the roll on 5 October 2026."""
    end = ended(book, case)
    if begins(book, case) > month_of(ND335) or (end is not None and end < ND335):
        return False
    if case["category"] == "K2" and lapsed(book, case):
        return False
    if as_day(case.get("decision", {}).get("date", "1900-01-01")) >= ND335:
        return False
    if any(p.over and p.start <= month_of(ND335) for p in pauses(book, case)):
        return False
    return bool(by_last_day(book, case, month_of(ND335), ND335).high)


def decided_under_335(book: Book, case: dict[str, Any], month: int) -> bool:
    """Whether the month rests on a decision that already knew NĐ 335: a grant or a move."""
    for event in events_of(book, case):
        late = event["kind"] == "move_in" and as_day(event["date"]) >= ND335
        if late and moved_from(book, case, event) <= month:
            return True
    if "on_roll_since" in case:
        return as_month(case["on_roll_since"]) > month_of(ND335)
    return as_day(case["decision"]["date"]) >= ND335


def raised(book: Book, case: dict[str, Any], month: int) -> Answer:
    """The month by the law known, with what NĐ 335 leaves open about its months before."""
    now = by_last_day(book, case, month, book.known_on)
    if book.known_on < ND335 or month < RISE:
        return now
    before = by_last_day(book, case, month, ND335 - timedelta(days=1))
    waiting = book.settings.get("rerating_decision") == "missing"
    if waiting and not decided_under_335(book, case, month):
        if before.low > now.high:
            # The new law counts fewer children: which law counts them before the decision?
            where = place(book, case, month) or ""
            new = base("SA_BASE", where, month, book.known_on)
            old = base("SA_BASE", where, month, ND335 - timedelta(days=1))
            return Answer(now.low, before.high * new // old, free=True)
        two = now.low < now.high  # another open point beside it: the two add up as they are decided
        now = replace(now, low=min(now.low, before.low), free=now.free or two)
    if left_before(book, case, month):
        setting = book.settings.get("left_before_rise", "hold")
        if setting == "old_level":
            return before
        if setting == "hold":
            return replace(now, low=min(now.low, before.low))
    return now


def lapsed(book: Book, case: dict[str, Any]) -> bool:
    """A student whose allowance ended at 22 under NĐ 20/2021: a new decision is needed."""
    decision = case.get("decision")
    if decision and as_day(decision["date"]) >= ND335:
        return False
    if "on_roll_since" in case and as_month(case["on_roll_since"]) > OVER_22:
        return False
    born = as_day(book.people[case["holder"]]["born"])
    return month_of(months_later(born, 12 * 22)) < OVER_22


def case_month(book: Book, case: dict[str, Any], month: int) -> Answer:
    """What one case gives in one month, before several cases of a person are put together."""
    end = ended(book, case)
    taken_in = any(
        e["kind"] == "move_in" and moved_from(book, case, e) <= month for e in events_of(book, case)
    )
    repealed = case["category"] in {"K5b20", "K5c"} and month >= ENDED_2025
    if month < begins(book, case) and not (repealed and taken_in):
        return NOTHING
    if end is not None and month > month_of(end):
        return NOTHING
    if repealed:
        # Repealed by NĐ 176/2025 Art. 8.2; what was paid may have become a social pension.
        answer = Answer(0, 0, silent=place(book, case, month) is not None)
    else:
        answer = raised(book, case, month)
    if case["category"] == "SP" and month < ENDED_2025:
        answer = Answer(0, 0, free=True)  # there was no social pension to claim
    if case["category"] == "K2" and month >= OVER_22 and lapsed(book, case):
        answer = replace(answer, low=0)
    for pause in pauses(book, case):
        if pause.start <= month and (pause.end is None or month < pause.end):
            answer = Answer(0, answer.high, free=True) if pause.free else NOTHING
    facts = facts_on(book, case, last_day(month))
    if facts.get("merit_allowance") and book.settings.get("merit_with_sa", "hold") == "hold":
        answer = replace(answer, low=0)
    if facts.get("in_facility") and not case["category"].startswith("C17"):
        # NĐ 20/2021 Art. 25.5 excludes residents; the articles of NĐ 335 were not read.
        new_law = month >= RISE and book.known_on >= ND335
        kept = new_law and book.settings.get("facility_resident", "hold") == "hold"
        answer = replace(answer, low=0) if kept else NOTHING
    return answer


# --- several cases of one person ---------------------------------------------------------------


def together(amounts: dict[str, int]) -> int:
    """One person's own allowances, by category: NĐ 335/2026 Art. 6.2, NĐ 176/2025 Art. 3.1."""
    beside = max((amounts.get(k, 0) for k in ("K5a", "K5b", "K5b20", "K5c", "K6", "K8")), default=0)
    alone = max((amounts.get(k, 0) for k in ("K1", "K2", "K3")), default=0)
    # K7 is only for a child who is in none of K1, K3, K6.
    seventh = 0 if any(amounts.get(k) for k in ("K1", "K3", "K6")) else amounts.get("K7", 0)
    assistance = max(alone, seventh, amounts.get("K4", 0) + beside)
    return max(assistance, amounts.get("SP", 0))


def opened(dossier: Dossier) -> Book:
    ask = dossier["ask"]
    known = ask.get("known_on")
    run = as_month(ask.get("run_month") or max(ask["months"]))
    return Book(
        {person["id"]: person for person in dossier["people"]},
        dossier["cases"],
        dossier.get("events", []),
        dossier.get("household", {}),
        dossier.get("settings", {}),
        as_day(known) if known else last_day(run),
    )


def unit_of(case: dict[str, Any]) -> str:
    """What can be owed once: a person's own allowances, each care, a couple's Art. 17.2.a."""
    if not case["category"].startswith("C17"):
        return "own " + case["holder"]
    if case["category"] == "C17.2a":
        couple = {case["holder"], case.get("facts", {}).get("spouse") or case["holder"]}
        return "raising " + " ".join(sorted(couple))
    return "care " + case["id"]


def of_month(dossier: Dossier, month: int) -> dict[str, Answer]:
    """For every unit: what the month gives in all."""
    book = opened(dossier)
    found: dict[str, dict[str, list[Answer]]] = {}
    for case in book.cases:
        answer = case_month(book, case, month)
        unit = found.setdefault(unit_of(case), {})
        unit.setdefault(case["category"], []).append(answer)
    result = {}
    for name, unit in found.items():
        low = {k: max(a.low for a in v) for k, v in unit.items()}
        high = {k: max(a.high for a in v) for k, v in unit.items()}
        free = any(a.free for v in unit.values() for a in v)
        if name.startswith("own "):
            most = max(together(low), together(high))
            silent = not most and any(a.silent for v in unit.values() for a in v)
            result[name] = Answer(together(low), most, free, silent)
        else:
            result[name] = Answer(max(low.values()), max(high.values()), free)
    return result
