"""What a called rail's code means for us: data/wallet_result_codes.csv, one table for all rails.

The same number may mean two things: ZaloPay's -101 is "no such wallet" in answer to a payment and
"no such order" in answer to an inquiry. So the key is (rail, call, code). A code that is not in
the table is `unknown`: never a success and never a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, get_args

from bank_adapters.api.contract import Fate
from bank_adapters.codes import read_data

Asked = Literal["pay", "inquiry"]
Says = Literal[
    "credited", "returned", "rejected", "waiting", "unknown", "absent", "seen"
]  # "seen": this id was used before, which is no verdict


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """What one code of one rail says. `reason` is our own word for it, e.g. PAYEE_KYC_INCOMPLETE.

    `stop` names a fault of ours or of the whole rail: no_funds, rail_auth, rail_config,
    rail_closed.
    """

    rail: str
    code: str
    meaning: str
    says: Says
    stop: str
    reason: str
    what_to_do: str
    known: bool

    @property
    def fate(self) -> Fate:
        """Return the fate of a payment; "seen before" is unknown."""
        return "unknown" if self.says == "seen" else self.says

    @property
    def ask(self) -> bool:
        """Tell whether the rail must be asked later."""
        return self.says in ("waiting", "unknown", "seen")


CodeTable = Mapping[tuple[str, str, str], CodeMeaning]
"""(rail, call or "" for both, code) -> meaning."""


def wallet_code(rail: str, asked: Asked, code: str) -> CodeMeaning:
    """Return what a code means in answer to a payment or to an inquiry. Pure look-up."""
    return code_in(wallet_codes(), rail, asked, code)


def code_in(table: CodeTable, rail: str, asked: Asked, code: str) -> CodeMeaning:
    """Return what a code means by a table; one that is not in it is unknown."""
    found = table.get((rail, asked, code)) or table.get((rail, "", code))
    return found or CodeMeaning(rail, code, "", "unknown", "", "UNKNOWN", "", known=False)


def seen(meaning: CodeMeaning) -> CodeMeaning:
    """Return the same code as one that means "this id was used before"."""
    return replace(meaning, says="seen", stop="", reason="DUPLICATE")


@lru_cache(maxsize=1)
def wallet_codes() -> CodeTable:
    """Return the table of our own rails."""
    return code_table(read_data("wallet_result_codes.csv"))


def code_table(rows: Iterable[Mapping[str, str]]) -> CodeTable:
    """Return a table of codes from rows with the columns of wallet_result_codes.csv.

    A row whose fate is no word of `Says` is left out: its code stays unknown.
    """
    table: dict[tuple[str, str, str], CodeMeaning] = {}
    for row in rows:
        for says in get_args(Says):
            if says == row["fate"]:
                table[row["rail"], row["call"], row["code"]] = CodeMeaning(
                    row["rail"], row["code"], row["meaning"], says, row["stop"], row["reason"],
                    row["what_to_do"], known=True,
                )  # fmt: skip
    return MappingProxyType(table)
