"""Dossiers in a few words, answered through the same door as a file."""

from __future__ import annotations

import json
from typing import Any

from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain

NOVEMBER = {"run_month": "2026-11", "known_on": "2026-10-23"}
DECEMBER = {"run_month": "2026-12", "known_on": "2026-11-24"}
JUNE = {"run_month": "2026-06", "known_on": "2026-05-22"}
HANOI, CENTRAL = "00004", "05128"


def person(name: str = "an", born: str = "1991-05-05", **more: Any) -> dict[str, Any]:
    return {"id": name, "born": born, **more}


def case(category: str, holder: str = "an", since: str = "2023-02", **more: Any) -> dict[str, Any]:
    """A case on the roll since a month; facts by keyword, other members by their own names."""
    out: dict[str, Any] = {"id": more.pop("id", category.lower()), "holder": holder}
    out["category"] = category
    for name in ("decision", "commune", "province", "payee"):
        if name in more:
            out[name] = more.pop(name)
    if "decision" not in out:
        out["on_roll_since"] = since
    return {**out, "facts": more}


def event(kind: str, date: str, **more: Any) -> dict[str, Any]:
    if "case" not in more and kind != "document":
        more.setdefault("person", "an")
    return {"kind": kind, "date": date, **more}


def paid(case_id: str, amount: int, *months: str) -> list[dict[str, Any]]:
    return [{"case": case_id, "covers_month": m, "amount_vnd": amount} for m in months]


def dossier(*cases: dict[str, Any], months: list[str] | str, **more: Any) -> dict[str, Any]:
    ask: dict[str, Any] = {"months": [months] if isinstance(months, str) else months}
    for name in ("run_month", "known_on", "purpose"):
        if name in more:
            ask[name] = more.pop(name)
    people = more.pop("people", [person(born=more.pop("born", "1991-05-05"))])
    if "status" in more:
        more["household"] = {"status": more.pop("status")}
    return {"people": people, "cases": list(cases), "ask": ask, **more}


def answer(*cases: dict[str, Any], months: list[str] | str, **more: Any) -> dict[str, Any]:
    text = json.dumps(dossier(*cases, months=months, **more), ensure_ascii=False)
    return explain(read(text.encode())).as_dict()


def sums(found: dict[str, Any]) -> tuple[int, int, int]:
    """(due, to recover, held) in dong."""
    return found["total_vnd"], found["recover_vnd"], found["held_vnd"]


def amounts(found: dict[str, Any], state: str = "due") -> list[int]:
    return [line["amount_vnd"] for line in found["lines"] if line["state"] == state]


def months(first: str, last: str) -> list[str]:
    year, month = int(first[:4]), int(first[5:])
    out = [first]
    while out[-1] != last:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        out.append(f"{year}-{month:02d}")
    return out


def told(found: dict[str, Any]) -> set[tuple[str, int, str, str, str]]:
    """Each line as (state, amount, months, rate code, confidence); months as `2026-07..2026-10`."""
    out = set()
    for line in found["lines"]:
        covered = line["covers_months"]
        span = covered[0] if len(covered) == 1 else f"{covered[0]}..{covered[-1]}"
        assert covered == months(covered[0], covered[-1])
        assert line["citation"]
        assert line["arithmetic"]
        assert line["text_vi"]
        assert line["text_en"]
        row = (line["state"], line["amount_vnd"], span, line["rate_code"], line["confidence"])
        assert row not in out
        out.add(row)
    return out
