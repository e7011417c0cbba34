"""What a bank's code means for us: data/reason_codes.csv and data/status_codes.csv.

The key of a reason is (code set, code): AC14, AC16, BE08, DS28, DT02 and RC07 mean one thing in a
status report and another in a return. An unknown code is kept, shown, and never taken for
success. Only ACCC, RJCT, CANC and CPUC are final; ACSC (settled at the debtor's side) proves no
credit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from bank_adapters.contract import AdapterError, Level

CodeSet = Literal["status", "return", "cancellation"]
What = Literal["retry_same", "fix_data", "cash_fallback", "stop_payment", "investigate"]
State = Literal["", "accepted", "credited", "rejected", "cancelled", "collected", "parked"]

FINAL = frozenset({"ACCC", "RJCT", "CANC", "CPUC"})
DUPLICATES = frozenset({"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"})
"""The bank says it has seen this before: never retried and never paid in cash by a machine."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What to do about a reason; `if_not_resolved` is the next step, '' where there is none."""

    code_set: str
    code: str
    name: str
    treatment: What
    if_not_resolved: str
    scope: str
    note: str
    known: bool


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """The state a status leads to ('' changes nothing) and whether it is final."""

    code: str
    name: str
    state: State
    final: bool
    note: str
    known: bool


def classify(code_set: str, code: str | None) -> Treatment:
    """Return the treatment of a reason. Pure look-up; a code we do not know is to investigate."""
    found = _reasons().get((code_set, code or ""))
    if found is not None:
        return found
    return Treatment(code_set, code or "", "", "investigate", "", "", "code not in our list", False)


def status_meaning(level: Level, code: str | None) -> StatusMeaning:
    """Return what a status of a pain.002 means at its level (batches use the group's list)."""
    found = _statuses().get(("transaction" if level == "transaction" else "group", code or ""))
    if found is not None:
        return found
    return StatusMeaning(code or "", "", "", False, "code not in our list", False)


@lru_cache(maxsize=1)
def _reasons() -> dict[tuple[str, str], Treatment]:
    table: dict[tuple[str, str], Treatment] = {}
    for row in read_data("reason_codes.csv"):
        # Codes that are information, or belong to direct debits, cards or recalls, are no answer
        # to a payment of ours; should one come, somebody looks.
        what: What = "investigate"
        for name in get_args(What):
            if name == row["treatment"]:
                what = name
        table[row["code_set"], row["code"]] = Treatment(
            row["code_set"],
            row["code"],
            row["official_name"],
            what,
            row["if_not_resolved"],
            row["scope"],
            row["note"],
            True,
        )
    return table


@lru_cache(maxsize=1)
def _statuses() -> dict[tuple[str, str], StatusMeaning]:
    table: dict[tuple[str, str], StatusMeaning] = {}
    for row in read_data("status_codes.csv"):
        for state in get_args(State):
            if state == row["state"]:
                table[row["level"], row["code"]] = StatusMeaning(
                    row["code"],
                    row["official_name"],
                    state,
                    row["final"] == "yes" and row["code"] in FINAL,
                    row["note"],
                    True,
                )
    return table


def read_data(name: str) -> Iterator[dict[str, str]]:
    """Walk the rows of a CSV in data/. Raises AdapterError where the installation lacks it."""
    try:
        text = (files("bank_adapters") / "data" / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AdapterError(
            "data_missing",
            f"Bản cài đặt thiếu tệp dữ liệu {name}; hãy cài lại.",
            en=f"data file {name} is missing from the installation",
        ) from None
    yield from csv.DictReader(text.splitlines())
