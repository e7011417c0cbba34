"""Builders of register rows for the tests: everything given that a clause needs, nothing more."""

from __future__ import annotations

from datetime import date
from typing import Any

from disbursement.entitlements.facts import Birth, Case
from disbursement.entitlements.profiles import Profiler
from disbursement.entitlements.rules import Due, Law, assess
from disbursement.programmes.rates import shipped_rates

RATES = shipped_rates()
OCTOBER = Law(date(2026, 9, 24), RATES)  # the list of October closed: NĐ 335 not in force
NOVEMBER = Law(date(2026, 10, 23), RATES)  # the first that can know it
DECEMBER = Law(date(2026, 11, 24), RATES)
ND335 = RATES.instruments["335/2026/NĐ-CP"]

COMPLETE: dict[str, dict[str, Any]] = {
    "K1": {},
    "K2": {"studying": True, "on_k1_at_16": True},
    "K3": {"household": "poor"},
    "K4": {"household": "poor", "children": 1},
    "K5a": {"household": "poor", "carer": "no_obliged"},
    "K5b": {"household": "poor", "carer": "taken_in"},
    "K5b20": {"household": "near_poor", "difficult_area": True},
    "K5c": {"income": "none"},
    "K6": {"degree": "S", "certificate_date": date(2023, 1, 10)},
    "K7": {"household": "near_poor", "difficult_area": True},
    "K8": {"household": "poor", "income": "none"},
    "SP": {"household": "none", "income": "none", "written_request": True},
}


def case(clause: str, **facts: Any) -> Case:
    """A complete case on the roll since January 2023 (SP: July 2025) in Phú Thọ."""
    pension = clause == "SP"
    start = facts.get("start_month", 202507 if pension else 202301)
    values: dict[str, Any] = {
        "programme": "SP" if pension else "SA",
        "clause": clause,
        "province": "25",
        "start_month": start,
        "decision_date": date(start // 100, start % 100, 15),
        **COMPLETE[clause],
        **facts,
    }
    return Case(**values)


def born(text: str) -> Birth:
    """`1991-05-05`, `1991-05` or `1991`."""
    parts = [int(p) for p in text.split("-")]
    if len(parts) == 1:
        return Birth.in_year(parts[0])
    if len(parts) == 2:
        return Birth.in_month(parts[0] * 100 + parts[1])
    return Birth.on(date(*parts))


def due(cases: list[Case] | Case, birth: str, month: int, law: Law = DECEMBER) -> Due:
    """Assess one person and month through the same spans as the bulk path."""
    rows = cases if isinstance(cases, list) else [cases]
    (span,) = Profiler(month, month, law.rates).spans(rows, born(birth))
    return assess(span.facts, month, law)


def total(cases: list[Case] | Case, birth: str, month: int, law: Law = DECEMBER) -> int:
    """The certain amount in dong."""
    return due(cases, birth, month, law).total_vnd


def held(cases: list[Case] | Case, birth: str, month: int, law: Law = DECEMBER) -> dict[str, Any]:
    """Hold codes and the amounts they keep back."""
    return {h.code: h.amount_vnd for h in due(cases, birth, month, law).held}
