"""Random dossiers of social assistance and the social pension, from one seeded generator.

Ages crowd around the thresholds of the law and dates around 5 October 2026, because that is where
month rules can go wrong. What is drawn is valid as a dossier; whether it is sensible is left to
chance, since an officer's file is not always sensible either.
"""

from calendar import monthrange
from datetime import date, timedelta
from random import Random
from typing import Any

Dossier = dict[str, Any]
BANDS = {
    "child": ("K1", "K3", "K6", "K7"),
    "youth": ("K2", "K6", "K8"),
    "adult": ("K4", "K6", "K8"),
    "elder": ("K5a", "K5b", "K6", "K8", "SP", "SP"),
    "old_law": ("K5b20", "K5c", "K6", "SP"),
}
AGES = {
    "child": (0, 3, 4, 16),
    "youth": (16, 22),
    "adult": (16, 60),
    "elder": (60, 70, 75, 80),
    "old_law": (75, 80),
}
PLACES = (None, "25", "25", "01", "08", "22", "31", "79")
KINDS = ("suspend", "refusal", "uncollected", "detention", "remarriage")
ENDS = ("death", "prison", "renounced", "false_file", "stop")


def between(rng: Random, first: date, last: date) -> date:
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def month_text(month: int) -> str:
    return f"{month // 100}-{month % 100:02d}"


def shift(month: int, by: int) -> int:
    at = month // 100 * 12 + month % 100 - 1 + by
    return at // 12 * 100 + at % 12 + 1


def day_in(rng: Random, month: int) -> date:
    year, number = divmod(month, 100)
    return date(year, number, rng.randint(1, monthrange(year, number)[1]))


def some_month(rng: Random, *, old: bool) -> int:
    """Mostly around NĐ 335; `old`: anywhere since NĐ 20."""
    return shift(202108, rng.randrange(60)) if old else shift(202604, rng.randrange(12))


def birth(rng: Random, band: str, near: int) -> date:
    age = rng.choice(AGES[band])
    if rng.random() < 0.3:
        age = rng.randint(AGES[band][0], AGES[band][-1] + 5)
    at = shift(near, rng.randint(-4, 4))
    return day_in(rng, at - 100 * age)


def facts(rng: Random, category: str, kids: list[str]) -> dict[str, Any]:
    """What a clause needs, mostly as it wants it."""

    def mostly(right: Any, *others: Any) -> Any:
        return right if rng.random() < 0.8 else rng.choice(others)

    household = mostly(rng.choice(["poor", "poor", "near_poor"]), "none")
    found: dict[str, dict[str, Any]] = {
        "K1": {},
        "K2": {"studying": mostly(True, False), "on_k1_at_16": mostly(True, False)},
        "K3": {"household": household},
        "K4": {"household": household, "children": kids or rng.randint(0, 3)},
        "K5a": {
            "household": household,
            "carer": mostly(rng.choice(["no_obliged", "obliged_on_allowance"]), "has_carer"),
        },
        "K5b": {"household": household, "carer": mostly("taken_in", "has_carer")},
        "K5b20": {"household": household, "difficult_area": mostly(True, False)},
        "K5c": {"income": mostly("none", "wage", "lower_than_sp", "not_lower")},
        "K6": {"degree": rng.choice(["S", "ES"])},
        "K7": {"household": household, "difficult_area": mostly(True, False)},
        "K8": {"household": household, "income": mostly("none", "wage", "not_lower")},
        "SP": {
            "household": household,
            "income": mostly("none", "wage", "lower_than_sp", "not_lower"),
            "written_request": mostly(True, False),
        },
    }
    return found[category]


def start(rng: Random, case: dict[str, Any], born: date, known_on: date) -> None:
    """On the roll already, or by a decision whose start the law gives."""
    old = rng.random() < 0.5
    month = some_month(rng, old=old)
    if case["category"] in {"K5b20", "K5c"}:
        month = shift(202108, rng.randrange(46))  # NĐ 176/2025 ended them
    if rng.random() < 0.5:
        case["on_roll_since"] = month_text(month)
        return
    signed = min(max(day_in(rng, month), born), known_on)
    case["decision"] = {"date": signed.isoformat()}
    if case["category"] == "K6":
        earlier = signed - timedelta(days=rng.randint(0, 200))
        case["facts"]["certificate_date"] = earlier.isoformat()


def life(
    rng: Random, target: dict[str, str], cases: list[dict[str, Any]], until: date
) -> list[Any]:
    """Return events in the order of their days, about one person or one case."""
    first = date(2026, 3, 1)
    count = rng.choice([0, 0, 1, 1, 2, 3])
    days = sorted({between(rng, first, until) for _ in range(count)})
    out: list[dict[str, Any]] = []
    paused = moved = False
    for day in days:
        kind = rng.choice([*["change"] * 3, *["move"] * 2, *KINDS, *ENDS])
        event: dict[str, Any] = {"kind": kind, "date": day.isoformat(), **target}
        if kind == "change":
            one = rng.choice(cases)
            changed = facts(rng, one["category"], [])
            if not changed:
                continue
            name = rng.choice(sorted(changed))
            event = {**event, "facts": {name: changed[name]}, "case": one["id"]}
            event.pop("person", None)
        elif kind in {"suspend", "refusal", "uncollected"}:
            if paused:
                continue
            paused = True
            if kind == "uncollected":
                last = shift(day.year * 100 + day.month, -1)
                number = rng.randint(2, 4)
                event["months"] = [month_text(shift(last, -n)) for n in range(number)][::-1]
                paused = number >= 3
            resumed = day + timedelta(days=rng.randint(35, 85))
            out.append(event)
            if not paused or rng.random() < 0.3:
                continue
            if resumed > until:
                continue
            conditions = rng.choice(["unchanged", "unchanged", "not_eligible"])
            out.append(
                {"kind": "resume", "date": resumed.isoformat(), "conditions": conditions, **target}
            )
            return out
        elif kind == "detention":
            end = day + timedelta(days=rng.choice([10, 45, 100]))
            if end > until:
                continue
            event["until"] = end.isoformat()
        elif kind == "move":
            if moved:
                continue
            moved = True
            event["kind"] = "move_out"
            if rng.random() < 0.4:
                event["from_month"] = month_text(
                    shift(day.year * 100 + day.month, rng.randint(1, 2))
                )
            out.append(event)
            decided = day + timedelta(days=rng.randint(1, 50))
            if rng.random() < 0.8 and decided <= until:
                place = rng.choice([p for p in PLACES if p])
                out.append(
                    {"kind": "move_in", "date": decided.isoformat(), "province": place, **target}
                )
                return out
            continue
        elif kind == "stop":
            event["cause"] = rng.choice(["death", "lost_eligibility", "prison", "renounced"])
        out.append(event)
        if kind in ENDS:
            break
    return out


def carers(rng: Random, people: list[Any], cases: list[Any], known_on: date) -> None:
    """Somebody who takes in or cares for the first person, or raises small children."""
    holder = {"id": "carer", "born": "1975-06-15"}
    people.append(holder)
    category = rng.choice(["C17.1", "C17.2a", "C17.2c", "C17.2d"])
    case: dict[str, Any] = {"id": "care", "holder": "carer", "category": category, "facts": {}}
    if category == "C17.2a":
        kids = []
        for n in range(rng.randint(0, 3)):
            born = day_in(rng, shift(202608, -36 * rng.randint(0, 1) - rng.randint(0, 8)))
            people.append({"id": f"baby{n}", "born": born.isoformat()})
            kids.append(f"baby{n}")
        case["facts"] = {"degree": rng.choice(["S", "ES"]), "children": kids}
        if rng.random() < 0.5:
            begun = between(rng, date(2026, 1, 1), known_on)
            case["facts"]["pregnant_from"] = begun.isoformat()
            if rng.random() < 0.7:
                last = (begun + timedelta(days=200)).replace(day=rng.randint(2, 27))
                case["facts"]["pregnant_to"] = last.isoformat()
    else:
        case["facts"] = {"cared_for": "p"}
        of_whom = {c["category"] for c in cases}
        if category == "C17.1" and not of_whom & {"K1", "K5b"}:
            case["facts"]["care_of"] = "K1" if rng.random() < 0.6 else "K5b"
        elif category != "C17.1" and "K6" not in of_whom:
            case["facts"]["degree"] = "ES"
    start(rng, case, date(1975, 6, 15), known_on)
    place = rng.choice(PLACES)
    if place:
        case["province"] = place
    cases.append(case)


def children(rng: Random, people: list[Any], near: int) -> list[str]:
    ids = []
    for n in range(rng.randint(0, 3)):
        born = day_in(rng, shift(near, -12 * rng.choice([2, 9, 16, 16, 17]) + rng.randint(-3, 3)))
        people.append({"id": f"child{n}", "born": born.isoformat()})
        ids.append(f"child{n}")
    return ids


def dossier(rng: Random) -> Dossier:
    """One dossier: a person with one to three cases, perhaps a carer, and a life."""
    run = shift(202608, rng.randrange(9))
    known_on = day_in(rng, shift(run, -1)) if rng.random() < 0.5 else day_in(rng, run)
    near = some_month(rng, old=False)
    band = rng.choice(sorted(BANDS))
    born = birth(rng, band, near)
    people: list[dict[str, Any]] = [{"id": "p", "born": born.isoformat()}]
    cases: list[dict[str, Any]] = []
    for n in range(rng.choice([1, 1, 2, 3])):
        category = rng.choice(BANDS[band])
        if category in {c["category"] for c in cases}:
            continue
        kids = children(rng, people, near) if category == "K4" and rng.random() < 0.7 else []
        case: dict[str, Any] = {"id": f"c{n}", "holder": "p", "category": category}
        case["facts"] = facts(rng, category, kids)
        if kids and rng.random() < 0.5:
            case["facts"]["studying_children"] = kids
        start(rng, case, born, known_on)
        cases.append(case)
    place = rng.choice(PLACES)
    for case in cases:
        if place:
            case["province"] = place
    events = life(rng, {"person": "p"}, cases, known_on)
    if rng.random() < 0.4:
        carers(rng, people, cases, known_on)
    first = shift(run, -rng.randint(0, 5)) if rng.random() < 0.8 else some_month(rng, old=True)
    months = [shift(first, n) for n in range(rng.randint(1, 4))]
    found: Dossier = {
        "people": people,
        "cases": cases,
        "events": [e for e in events if e["date"] >= born.isoformat()],
        "already_paid": already_paid(rng, cases, months),
        "ask": {
            "months": [month_text(m) for m in months],
            "run_month": month_text(run),
            "known_on": known_on.isoformat(),
        },
        "settings": choices(rng),
    }
    if rng.random() < 0.2:
        dated_household(rng, found)
    return found


def dated_household(rng: Random, found: Dossier) -> None:
    """The household's status with its days, in place of every case's own."""
    for case in found["cases"]:
        case["facts"].pop("household", None)
    found["household"] = {"status": rng.choice(["poor", "near_poor"])}
    if rng.random() < 0.5:
        found["household"]["from"] = day_in(rng, some_month(rng, old=True)).isoformat()
    if rng.random() < 0.5:
        last = day_in(rng, some_month(rng, old=False)).replace(day=rng.randint(2, 27))
        found["household"]["to"] = last.isoformat()


def already_paid(rng: Random, cases: list[Any], months: list[int]) -> list[Any]:
    if rng.random() < 0.8:
        return []
    out = []
    for case in cases:
        for month in months:
            if rng.random() < 0.5:
                amount = rng.choice([0, 500, 540, 750, 810, 1000, 1080, 1250, 1350]) * 1000
                out.append(
                    {"case": case["id"], "covers_month": month_text(month), "amount_vnd": amount}
                )
    return out


def choices(rng: Random) -> dict[str, str]:
    out = {}
    if rng.random() < 0.3:
        out["left_before_rise"] = rng.choice(["hold", "old_level", "rerate"])
    if rng.random() < 0.3:
        out["sp_with_lower_pension"] = rng.choice(["hold", "full"])
    if rng.random() < 0.1:
        out["rerating_decision"] = "missing"
    return out
