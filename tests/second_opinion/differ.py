"""Where two opinions on a dossier differ, in words; used by the tests and by hand."""

import json
from typing import Any

from disbursement.entitlements.dossier import read
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.explain import explain
from tests.second_opinion.opinion import as_month, of_month, unit_of

Sums = dict[tuple[str, int], dict[str, int]]


def said(dossier: dict[str, Any]) -> Sums | str:
    """What `explain` says by unit and month, or the sentence with which it refuses."""
    try:
        answer = explain(read(json.dumps(dossier).encode())).as_dict()
    except DossierError as refusal:
        return str(refusal)
    cases = {case["id"]: case for case in dossier["cases"]}
    out: Sums = {}
    for line in answer["lines"]:
        for month in line["covers_months"]:
            key = (unit_of(cases[line["case"]]), as_month(month))
            sums = out.setdefault(key, {"due": 0, "recover": 0, "held": 0})
            sums[line["state"]] += line["amount_vnd"] // len(line["covers_months"])
    return out


def differences(dossier: dict[str, Any]) -> list[str] | None:
    """One sentence for each disagreement; None where the product refuses the dossier."""
    product = said(dossier)
    if isinstance(product, str):
        return None
    paid: dict[tuple[str, int], int] = {}
    cases = {case["id"]: case for case in dossier["cases"]}
    for one in dossier["already_paid"]:
        key = (unit_of(cases[one["case"]]), as_month(one["covers_month"]))
        paid[key] = paid.get(key, 0) + one["amount_vnd"]
    out = []
    for month in sorted({as_month(m) for m in dossier["ask"]["months"]}):
        for unit, answer in sorted(of_month(dossier, month).items()):
            before = paid.get((unit, month), 0)
            there = product.get((unit, month), {"due": 0, "recover": 0, "held": 0})
            wanted = {
                "due": max(0, answer.low - before),
                "recover": 0 if answer.silent else max(0, before - answer.high),
                "held": max(0, answer.high - max(answer.low, before)),
            }
            if answer.free:
                fits = there["due"] + there["held"] <= max(0, answer.high - before)
            else:
                fits = there == wanted
            if not fits:
                out.append(f"{unit} {month}: second opinion {wanted}, explain {there}")
    return out
