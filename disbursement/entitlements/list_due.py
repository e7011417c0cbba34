"""What a list programme owes one unit for one month, as a profile of its own.

The profile of a unit is its programme and what the amount depends on; the decision's number, which
is personal, stays with the right (coins.md 11). Amounts decided elsewhere (a decided list, a term)
are taken as they are. A gift and a household's quarter are asked of the same functions as `explain`
(lists.py), with the tables the cell has approved. A quarter is one coin, for its last month.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from disbursement.entitlements.amounts import figure
from disbursement.entitlements.dossier import Dossier
from disbursement.entitlements.explain import explain
from disbursement.entitlements.merit_bulk import once_due
from disbursement.entitlements.rules import Due, DueLine, Hold, Reason
from disbursement.entitlements.tables_of_law import shipped_tables
from disbursement.platform.clock import add_months, show_month
from disbursement.programmes.list_rates import MERITORIOUS, ListRate, ListRates, line_of
from disbursement.programmes.merit_rates import MeritRates
from disbursement.programmes.rates import CONFIDENCES

PERSONAL = ("decided_list", "termly_student")
"""Shapes whose amount is the decision's own."""
LISTED = '{"list":'
"""How the stored facts of a list programme begin."""


def list_profile(code: str, facts: Mapping[str, Any]) -> str:
    """Return the stored form of a list programme's facts; the same facts give the same text."""
    body = json.dumps(dict(facts), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f'{LISTED}{json.dumps(code)},"facts":{body}}}'


def is_list(profile: str) -> bool:
    """Tell whether a stored profile is that of a list programme."""
    return profile.startswith(LISTED)


def list_due(
    profile: str, month: int, law_on: date, lists: ListRates, merit: MeritRates | None = None
) -> Due:
    """Return what is due for `month` (yyyymm) by the law of `law_on`.

    Nothing, with the reason, where the programme has no row that counts.
    """
    said = json.loads(profile)
    code, facts = said["list"], said["facts"]
    rows = lists.rows.get(code, ())
    if not rows or not any(r.in_force_from <= law_on for r in rows):
        text = f"chưa có dòng nào của {code} dùng được ngày {law_on:%d/%m/%Y}"
        return _nothing(month, code, text, f"no row of {code} is usable on {law_on}", "")
    if rows[0].shape == MERITORIOUS:
        return once_due(facts, month, law_on, merit)
    if rows[0].shape in PERSONAL:
        return _decided(month, code, rows[-1], int(facts["amount_vnd"]))
    return _asked(month, code, rows[0].shape, facts, law_on, lists)


def _nothing(month: int, code: str, vi: str, en: str, citation: str) -> Due:
    return Due(month, 0, (), (), (Reason("no_right", line_of(code), vi, en, citation),), 0)


def _decided(month: int, code: str, row: ListRate, amount: int) -> Due:
    if amount == 0:
        return _nothing(
            month, code, "quyết định sau không chi tháng này", "a later decision pays nothing",
            row.citation,
        )  # fmt: skip
    line = _line(code, amount, figure(amount), row.citation, row.confidence, row)
    if CONFIDENCES.index(row.confidence) <= CONFIDENCES.index("inference"):
        return Due(month, amount, (line,), (), (), amount)
    hold = Hold("unconfirmed_rate", row.note, row.note, row.citation, "unconfirmed_rate", amount)
    return Due(month, 0, (), (hold,), (), amount)


def _line(
    code: str, amount: int, arithmetic: str, citation: str, confidence: str, row: ListRate
) -> DueLine:
    return DueLine(
        "LIST", line_of(code), line_of(code), code, 1, Fraction(1), amount, amount, citation,
        confidence, (), arithmetic, row.title_vi, row.title_en,
    )  # fmt: skip


def _asked(
    month: int,
    code: str,
    shape: str,
    facts: Mapping[str, Any],
    law_on: date,
    lists: ListRates,
) -> Due:
    months = (
        [month] if shape != "quarterly_household" else [add_months(month, -n) for n in (2, 1, 0)]
    )
    known_on = law_on.isoformat()
    dossier = Dossier.model_validate(
        {
            "people": [{"id": "p", "name": "p", "born": "1970-01-01"}],
            "cases": [{"id": "c", "holder": "p", "category": code, "facts": dict(facts)}],
            "ask": {
                "months": [f"{m // 100}-{m % 100:02d}" for m in months],
                "known_on": known_on,
                "run_month": f"{months[-1] // 100}-{months[-1] % 100:02d}",
            },
        }
    )
    found = explain(dossier, replace(shipped_tables(), lists=lists))
    row = lists.rows[code][-1]
    due = [line for line in found.lines if line["state"] == "due"]
    held = [line for line in found.lines if line["state"] == "held"]
    lines = tuple(
        _line(code, x["amount_vnd"], x["arithmetic"], x["citation"], x["confidence"], row)
        for x in due
    )
    holds = tuple(
        Hold(
            "unconfirmed_rate", x["text_vi"], x["text_en"], x["citation"], "unconfirmed_rate",
            x["amount_vnd"],
        )
        for x in held
    )  # fmt: skip
    if not lines and not holds:
        gaps = found.not_covered
        vi = gaps[0].text_vi if gaps else f"tháng {show_month(month)}"
        en = gaps[0].text_en if gaps else show_month(month)
        return _nothing(month, code, f"không được hưởng: {vi}", f"nothing: {en}", row.citation)
    total = found.total_vnd
    return Due(month, total, lines, holds, (), total + found.held_vnd)
