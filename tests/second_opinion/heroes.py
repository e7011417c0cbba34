"""Random dossiers of meritorious service, from one seeded generator."""

from datetime import date
from random import Random
from typing import Any

from tests.second_opinion.people import between, month_text, shift

CATEGORIES = ("TB", "TBB", "BB", "CDHH", "CDHH.CON", "TUDAY", "TKN", "AH", "PRE45", "CCGD",
              "BMVNAH", "SURVIVOR", "SURVIVOR", "SURVIVOR")  # fmt: skip
PERCENTS = (21, 30, 41, 50, 51, 60, 61, 70, 71, 80, 81, 85, 90, 91, 100)


def facts(rng: Random, category: str) -> dict[str, Any]:
    def maybe(**told: Any) -> dict[str, Any]:
        return {k: v for k, v in told.items() if rng.random() < 0.4}

    if category in ("TB", "TBB", "BB", "CDHH", "CDHH.CON"):
        percent = rng.choice(PERCENTS)
        out: dict[str, Any] = {"injury_pct": percent}
        if category == "CDHH.CON":
            return out
        special = {"special_severity": True} if percent >= 81 else {}
        return {**out, **maybe(carer_at_home=True, **special)}
    if category == "PRE45":
        return {"full_time": rng.random() < 0.5, **maybe(seniority=rng.randint(1, 9))}
    if category == "CCGD":
        return {"award": rng.choice(["TQGC", "HCKC"]), **maybe(lives_alone=True)}
    if category == "BMVNAH":
        return maybe(carer_at_home=True, lives_alone=True)
    if category != "SURVIVOR":
        return {}
    relation = rng.choice(["parent", "spouse", "child", "foster"])
    out = {"relation": relation, **maybe(lives_alone=True)}
    if rng.random() < 0.3:
        return {**out, "martyrs": rng.randint(1, 4)}
    return {**out, "deceased": [deceased(rng) for _ in range(rng.randint(1, 3))]}


def deceased(rng: Random) -> dict[str, Any]:
    merits = rng.sample(["LS", "LS", "PRE45", "TKN", "TB", "BB", "CDHH"], rng.choice([1, 1, 2]))
    out: dict[str, Any] = {"merits": sorted(set(merits)), "injury_pct": rng.choice([60, 61, 80])}
    if rng.random() < 0.3:
        out["died"] = between(rng, date(2025, 9, 1), date(2026, 8, 1)).isoformat()
    return out


def start(rng: Random, case: dict[str, Any], known_on: date) -> None:
    if rng.random() < 0.5:
        case["on_roll_since"] = month_text(shift(202309, rng.randrange(36)))
        return
    signed = between(rng, date(2026, 1, 1), known_on)
    case["decision"] = {"date": signed.isoformat()}
    earlier = between(rng, date(2025, 10, 1), signed).isoformat()
    if case["category"] in ("TB", "TBB", "BB", "CDHH", "CDHH.CON") and rng.random() < 0.5:
        case["facts"]["medical_board_date"] = earlier
    if case["category"] in ("BMVNAH", "AH") and rng.random() < 0.5:
        case["facts"]["president_date"] = earlier


def life(rng: Random, cases: list[dict[str, Any]], known_on: date) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    days = sorted({between(rng, date(2026, 1, 5), known_on) for _ in range(rng.choice([0, 1, 2]))})
    for day in days:
        kind = rng.choice(["death", "renounced", "false_file", "remarriage", "prison", "change"])
        event: dict[str, Any] = {"kind": kind, "date": day.isoformat(), "person": "p"}
        if kind == "remarriage":
            event["qualifies"] = rng.random() < 0.5
        hurt = [c for c in cases if c["category"] in ("TB", "TBB", "BB", "CDHH")]
        if kind == "change":
            if not hurt or any(e["kind"] == "change" for e in out):
                continue
            case = rng.choice(hurt)
            lowest = 81 if case["facts"].get("special_severity") else 41
            event = {
                "kind": kind,
                "date": day.isoformat(),
                "case": case["id"],
                "facts": {"injury_pct": rng.choice([p for p in PERCENTS if p >= lowest])},
                "from_month": month_text(shift(day.year * 100 + day.month, rng.choice([-2, 0]))),
            }
        out.append(event)
        if kind in ("death", "renounced", "false_file"):
            break
        if kind == "prison":
            released = between(rng, day, known_on)
            if released > day and rng.random() < 0.7:
                out.append({"kind": "release", "date": released.isoformat(), "person": "p"})
            break
    return out


def dossier(rng: Random) -> dict[str, Any]:
    """One person with one to three merits, perhaps a survivor of several, and a life."""
    known_on = between(rng, date(2026, 5, 10), date(2026, 12, 20))
    run = known_on.year * 100 + known_on.month
    cases: list[dict[str, Any]] = []
    for n in range(rng.choice([1, 1, 2, 3])):
        category = rng.choice(CATEGORIES)
        if category != "SURVIVOR" and category in {c["category"] for c in cases}:
            continue
        case = {"id": f"m{n}", "holder": "p", "category": category, "facts": facts(rng, category)}
        start(rng, case, known_on)
        cases.append(case)
    first = shift(run, -rng.randint(0, 11))
    return {
        "people": [{"id": "p", "born": "1948-03-03"}],
        "cases": cases,
        "events": life(rng, cases, known_on),
        "ask": {
            "months": [month_text(shift(first, n)) for n in range(rng.randint(1, 6))],
            "run_month": month_text(run),
            "known_on": known_on.isoformat(),
        },
    }
