"""A second opinion on meritorious service, from the ordinance alone: one case, one month at a time.

[PL] = Pháp lệnh 02/2020/UBTVQH14, [131] = NĐ 131/2021/NĐ-CP. As its sister opinion.py it imports
nothing of the product and reads the official tables as CSV. What is only derived is in ``high``
and not in ``low``: held until a document confirms it.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from tests.second_opinion.opinion import (
    Answer,
    as_day,
    as_month,
    counts_merit,
    last_day,
    month_of,
    next_month,
    table,
)

Rows = list[tuple[str, int]]  # code of the table, how often
OTHERS = ("PRE45", "TKN", "TB", "BB", "CDHH")  # survivors' levels, highest first


@cache
def row_of(code: str, month: int, known_on: date) -> dict[str, str] | None:
    found = [r for r in table("meritorious_rates.csv") if r["rate_code"] == code]
    found = [r for r in found if counts_merit(r, month, known_on)]
    return max(found, key=lambda r: r["effective_from"], default=None)


def sure(row: dict[str, str]) -> bool:
    """Seen, or an exact multiple of a base that is known: anything else waits for its document."""
    return row["confidence"] == "seen" or row["note"].startswith("exact multiple")


def by_percent(category: str, percent: int) -> str:
    """The row of the table of injuries: '61', '41-50', '>=81'; '' where there is none."""
    for row in table("meritorious_rates.csv"):
        code, said = row["rate_code"], row["injury_pct"]
        if row["kind"] != "allowance" or row["version"] != "NCC24":
            continue
        if code.rsplit(".", 1)[0] != category or not said:
            continue
        low, high = said.strip(">="), "100"
        if "-" in said:
            low, high = said.split("-")
        elif not said.startswith(">"):
            high = said
        if int(low) <= percent <= int(high):
            return code
    return ""


def events_for(dossier: dict[str, Any], case: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        e
        for e in dossier["events"]
        if e.get("case") == case["id"] or e.get("person") == case["holder"]
    ]
    return sorted(found, key=lambda e: str(e["date"]))


def facts_in(dossier: dict[str, Any], case: dict[str, Any], month: int) -> dict[str, Any]:
    facts = dict(case["facts"])
    for event in events_for(dossier, case):
        if event["kind"] == "change":
            acts = as_month(event.get("from_month") or event["date"][:7])
            if acts <= month:
                facts |= event["facts"]
    return facts


def begins(case: dict[str, Any]) -> int:
    """The board's conclusion, the President's signature, the month after the death, the decision."""
    if "on_roll_since" in case:
        return as_month(case["on_roll_since"])
    signed, facts = month_of(as_day(case["decision"]["date"])), case["facts"]
    if "medical_board_date" in facts:
        return min(signed, month_of(as_day(facts["medical_board_date"])))
    if "president_date" in facts:
        return month_of(as_day(facts["president_date"]))
    deaths = [
        as_day(d["died"])
        for d in facts.get("deceased", ())
        if "died" in d and "LS" not in d["merits"]
    ]
    return min(signed, next_month(month_of(min(deaths)))) if deaths else signed


def drawn(dossier: dict[str, Any], case: dict[str, Any], month: int) -> bool:
    """Whether the case is paid in the month at all."""
    if month < begins(case):
        return False
    paid = True
    for event in events_for(dossier, case):
        at, kind = month_of(as_day(event["date"])), event["kind"]
        if kind in ("death", "renounced") and month > at:
            return False
        if kind == "false_file" and month >= at:  # [131] Art. 118.2
            return False
        spouse = case["facts"].get("relation") == "spouse"
        if kind == "remarriage" and spouse and month >= at and not event["qualifies"]:
            return False  # [131] Art. 26.2.d
        if kind == "prison" and month >= at:  # [131] Art. 118.1.a, 119.1.a
            paid = False
        if kind == "release" and month > at:
            paid = True
    return paid


def remarried(dossier: dict[str, Any], case: dict[str, Any], month: int) -> bool:
    if case["facts"].get("relation") != "spouse":
        return False
    kinds = [e for e in events_for(dossier, case) if e["kind"] == "remarriage" and e["qualifies"]]
    return any(month_of(as_day(e["date"])) <= month for e in kinds)


def own_rows(facts: dict[str, Any], category: str) -> tuple[Rows, Rows, Rows]:
    """Allowances and supplements, carer, nurture of one case that is no survivor's."""
    if category in ("TB", "TBB", "BB", "CDHH", "CDHH.CON"):
        percent, special = facts["injury_pct"], facts.get("special_severity", False)
        code = by_percent(category, percent)
        if not code:
            return [], [], []
        rows, carer = [(code, 1)], []
        if percent >= 81 and category != "CDHH.CON":
            of = {"TBB": "TB"}.get(category, category)
            rows.append((f"{of}.PC81N" if special else f"{of}.PC81", 1))
            if facts.get("carer_at_home"):
                severe = special and of != "CDHH"
                carer = [(f"{of}.PV81N" if severe else f"{of}.PV81", 1)]
        return rows, carer, []
    if category == "BMVNAH":
        carer = [("BMVNAH.PV", 1)] if facts.get("carer_at_home") else []
        nurture = [("LS.TUATND", 1)] if facts.get("lives_alone") else []
        return [("BMVNAH", 1), ("BMVNAH.PC", 1)], carer, nurture
    if category == "PRE45":
        if not facts["full_time"]:
            return [("PRE45.KTL", 1)], [], []
        return [("PRE45.TL", 1), ("PRE45.TL.SENIORITY", facts.get("seniority", 0))], [], []
    if category == "CCGD":
        nurture = [("CCGD.ND", 1)] if facts.get("lives_alone") else []
        return [(f"CCGD.{facts['award']}", 1)], [], nurture
    return [(category, 1)], [], []


def level_of(dead: dict[str, Any]) -> str:
    """Which survivor's level a deceased gives who was no martyr: from 61 per cent, or ''."""
    for merit in OTHERS:
        if merit in dead["merits"] and (
            merit in ("PRE45", "TKN") or dead.get("injury_pct", 0) >= 61
        ):
            return f"{merit}.TUAT"
    return ""


def survivors(
    dossier: dict[str, Any], cases: list[dict[str, Any]], month: int, mother: bool
) -> tuple[Rows, Rows]:
    """All shares of one person ([PL] Art. 6.5, 6.6, 16, 18), and the nurturing allowances."""
    rows: Rows = []
    nurture: Rows = []
    martyrs, levels, room = 0, [], 2
    for case in cases:
        facts = facts_in(dossier, case, month)
        dead = facts.get("deceased") or [{"merits": ["LS"]}] * facts["martyrs"]
        dead = [d for d in dead if "died" not in d or month_of(as_day(d["died"])) < month]
        again = remarried(dossier, case, month)
        if again:
            if any("LS" in d["merits"] for d in dead) and not mother:
                rows.append(("LS.REMARRIED", 1))
                room -= 1
            continue
        if any("LS" in d["merits"] or level_of(d) for d in dead) and facts.get("lives_alone"):
            first = next((d for d in dead if "LS" in d["merits"]), dead[0])
            name = "LS" if "LS" in first["merits"] else first["merits"][0]
            nurture.append((f"{name}.TUATND", 1))
        martyrs += sum("LS" in d["merits"] for d in dead)
        levels += [level_of(d) for d in dead if "LS" not in d["merits"] and level_of(d)]
    if martyrs and not mother:
        rows.append(("LS.1", min(martyrs, 3)))
        room = room - 1 if martyrs == 1 else 0
    best = sorted(levels, key=lambda code: OTHERS.index(code.split(".")[0]))
    return [*rows, *((code, 1) for code in best[: max(0, room)])], nurture


def of_month(dossier: dict[str, Any], month: int) -> Answer:
    """What one person's merits give in the month, in all; ``high`` with what is derived."""
    known_on = as_day(dossier["ask"]["known_on"])
    cases = [c for c in dossier["cases"] if drawn(dossier, c, month)]
    mother = any(c["category"] == "BMVNAH" for c in cases)
    relatives = [c for c in cases if c["category"] == "SURVIVOR"]
    rows, nurture = survivors(dossier, relatives, month, mother)
    carers: Rows = []
    for case in cases:
        if case["category"] != "SURVIVOR":
            own, carer, nurturing = own_rows(facts_in(dossier, case, month), case["category"])
            rows, carers, nurture = rows + own, carers + carer, nurture + nurturing
    rows += highest(carers, month, known_on) + highest(nurture, month, known_on)
    low = high = 0
    for code, times in rows:
        row = row_of(code, month, known_on)
        amount = int(row["amount_vnd"]) * times if row else 0
        high += amount
        low += amount if row and sure(row) else 0
    return Answer(low, high)


def highest(rows: Rows, month: int, known_on: date) -> Rows:
    """Of carers' and of nurturing allowances only the highest ([PL] Art. 6.3, 6.6)."""

    def amount(row: tuple[str, int]) -> int:
        found = row_of(row[0], month, known_on)
        return int(found["amount_vnd"]) if found else 0

    return sorted(rows, key=amount, reverse=True)[:1]


def known_tables(month: int, known_on: date) -> bool:
    """Whether a table is loaded for the month as the law is known (before 07/2023 none is)."""
    return row_of("TB.21", month, known_on) is not None and last_day(month) >= date(2023, 7, 1)
