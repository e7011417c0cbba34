"""The chart of accounts and every legal movement between kinds of accounts.

Sources: the event table of the design (docs/ledger-format.md repeats it); two books, the financial
one (what is owed and where the money lies) and the budgetary one (what may still be committed and
released). The official account numbers of the accounting regimes are a data file of their own
(`official_accounts`), because no public text fixes the official entries for these allowances.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from sqlalchemy import Connection, bindparam

from ledger.errors import LedgerError
from ledger.sql import text

__all__ = [
    "BUDGETARY",
    "FINANCIAL",
    "JOURNAL_KINDS",
    "KINDS",
    "LIMIT_CREDIT",
    "LIMIT_DEBIT",
    "MOVES",
    "AccountDef",
    "OfficialAccount",
    "account_ids",
    "accounts_for",
    "advance",
    "agent",
    "authority",
    "available",
    "cash",
    "cash_free",
    "cash_held",
    "cash_source",
    "cash_used",
    "committed",
    "expended",
    "expense",
    "fee",
    "kind_moves",
    "loss",
    "official_accounts",
    "opening",
    "overpaid",
    "payable",
    "suspense",
    "transit",
    "treasury",
]

FINANCIAL = 1
BUDGETARY = 2

# kind -> book. A coin lies in payable, transit, agent, paid, opening (paid before go-live) or, once
# cancelled, in expense; overpaid holds receivables.
KINDS: Mapping[str, int] = {
    "expense": FINANCIAL,
    "payable": FINANCIAL,
    "transit": FINANCIAL,
    "agent": FINANCIAL,
    "paid": FINANCIAL,
    "treasury": FINANCIAL,
    "overpaid": FINANCIAL,
    "suspense": FINANCIAL,
    "fee": FINANCIAL,
    "loss": FINANCIAL,
    "opening": FINANCIAL,
    "authority": BUDGETARY,
    "available": BUDGETARY,
    "committed": BUDGETARY,
    "expended": BUDGETARY,
    "cash_source": BUDGETARY,
    "cash_free": BUDGETARY,
    "cash_held": BUDGETARY,
    "cash_used": BUDGETARY,
}

# Limits hold back intentions (available, cash_free), never facts. The three places of unpaid coins
# keep theirs, which no legal order of events can reach (coins may not leave where they are not).
LIMIT_DEBIT = ("payable", "transit", "agent")  # debit may not exceed credit
LIMIT_CREDIT = ("available", "cash_free")  # credit may not exceed debit

# (debit kind, credit kind) -> shape of the line.
#   open: mints a coin or opens a receivable   out: leaves payable under a new carrier
#   on: goes on under its carrier              off: goes without a carrier
#   set: repays or restores a receivable       gl: no coin
MOVES: Mapping[tuple[str, str], str] = {
    ("expense", "payable"): "open",
    ("payable", "expense"): "off",
    ("overpaid", "expense"): "open",
    ("expense", "overpaid"): "set",
    ("expense", "opening"): "open",
    ("paid", "treasury"): "gl",
    ("treasury", "paid"): "gl",
    ("payable", "transit"): "out",
    ("transit", "paid"): "on",
    ("transit", "payable"): "on",
    ("paid", "payable"): "on",
    ("payable", "agent"): "out",
    ("agent", "paid"): "on",
    ("agent", "payable"): "on",
    ("suspense", "paid"): "gl",
    ("paid", "suspense"): "gl",
    ("overpaid", "suspense"): "open",
    ("treasury", "overpaid"): "set",
    ("paid", "overpaid"): "set",
    ("loss", "overpaid"): "set",
    ("fee", "paid"): "gl",
    ("expense", "expense"): "gl",
    ("payable", "payable"): "off",
    ("available", "authority"): "gl",
    ("authority", "available"): "gl",
    ("committed", "available"): "gl",
    ("available", "committed"): "gl",
    ("expended", "committed"): "gl",
    ("committed", "expended"): "gl",
    ("cash_free", "cash_source"): "gl",
    ("cash_source", "cash_free"): "gl",
    ("cash_held", "cash_free"): "gl",
    ("cash_free", "cash_held"): "gl",
    ("cash_used", "cash_held"): "gl",
    ("cash_free", "cash_used"): "gl",
    ("cash_held", "cash_used"): "gl",
}


@dataclass(frozen=True)
class JournalKind:
    """What a kind of journal needs: signers in this order, evidence (a SHA-256), its book.

    `book` None: either. `moves`: the (debit kind, credit kind) pairs its lines may use; this is
    what keeps an unsigned kind (an answer) from doing what needs signatures (a batch).
    """

    book: int | None
    roles: tuple[str, ...]
    evidence: bool
    moves: frozenset[tuple[str, str]]


_THREE = ("prepare", "sign2", "sign1")
_ANSWER = frozenset(
    {
        ("transit", "paid"),
        ("transit", "payable"),
        ("paid", "payable"),
        ("agent", "paid"),
        ("paid", "suspense"),
        ("suspense", "paid"),
        ("fee", "paid"),
    }
)
_BUDGET = frozenset(
    pair for pair in MOVES if KINDS[pair[0]] == BUDGETARY and "authority" not in pair
)
_SETTLE = frozenset(
    {("fee", "paid"), ("treasury", "paid"), ("treasury", "overpaid"), ("paid", "overpaid")}
)
_NONE: frozenset[tuple[str, str]] = frozenset()

JOURNAL_KINDS: Mapping[str, JournalKind] = {
    "opening": JournalKind(FINANCIAL, (), True, frozenset({("expense", "opening")})),
    "list": JournalKind(
        FINANCIAL,
        ("prepare", "check", "sign2", "sign1"),
        False,
        frozenset(
            {
                ("expense", "payable"),
                ("payable", "expense"),
                ("overpaid", "expense"),
                ("expense", "overpaid"),
                ("expense", "expense"),
            }
        ),
    ),
    "batch": JournalKind(
        FINANCIAL, _THREE, False, frozenset({("payable", "transit"), ("payable", "agent")})
    ),
    "answer": JournalKind(FINANCIAL, (), True, _ANSWER),
    "forced_import": JournalKind(FINANCIAL, _THREE, False, _ANSWER),
    "handover": JournalKind(FINANCIAL, (), True, frozenset({("agent", "paid")})),
    "roster_closed": JournalKind(
        FINANCIAL, (), True, frozenset({("agent", "payable"), ("agent", "paid")})
    ),
    "presumed_failure": JournalKind(FINANCIAL, _THREE, False, frozenset({("transit", "payable")})),
    "draw": JournalKind(FINANCIAL, (), True, frozenset({("paid", "treasury")})),
    "sendback": JournalKind(FINANCIAL, (), True, frozenset({("treasury", "paid")})),
    "settlement": JournalKind(FINANCIAL, (), True, _SETTLE),
    "fee": JournalKind(FINANCIAL, (), True, frozenset({("fee", "paid")})),
    "write_off": JournalKind(FINANCIAL, _THREE, False, frozenset({("loss", "overpaid")})),
    # Two people and the preparer decide where a contradiction goes; everything but minting a
    # payable coin and sending one is open to them.
    "correction": JournalKind(
        None,
        _THREE,
        False,
        frozenset(
            pair
            for pair, shape in MOVES.items()
            if shape != "out" and pair not in {("expense", "payable"), ("expense", "opening")}
        ),
    ),
    "reopen": JournalKind(None, _THREE, False, _NONE),
    "definition": JournalKind(None, (), True, _NONE),
    "period_open": JournalKind(None, (), True, _NONE),
    "period_close": JournalKind(None, (), True, _NONE),
    "authority": JournalKind(
        BUDGETARY, (), True, frozenset({("available", "authority"), ("authority", "available")})
    ),
    "commit": JournalKind(BUDGETARY, (), False, _BUDGET),
    "release": JournalKind(BUDGETARY, (), False, _BUDGET),
    "cash_plan": JournalKind(BUDGETARY, (), False, _BUDGET),
}


def kind_moves() -> list[tuple[str, str, str]]:
    """Return (journal kind, debit kind, credit kind) of every allowed combination, sorted."""
    return sorted((kind, d, c) for kind, rule in JOURNAL_KINDS.items() for d, c in rule.moves)


# Codes of accounts. `payer` is the payer's code, `line` the budget line's, `provider` the
# provider's; each at most letters, digits, '_', '-' (the dot separates).
def expense(payer: str, line: str, year: int) -> str:
    """Return the code of a payer's expense on one budget line and year."""
    return f"expense.{payer}.{line}.{year}"


def payable(payer: str) -> str:
    """Return the code of what the payer owes and has not sent."""
    return f"payable.{payer}"


def transit(payer: str, provider: str) -> str:
    """Return the code of coins on their way through a provider."""
    return f"transit.{payer}.{provider}"


def agent(payer: str, provider: str) -> str:
    """Return the code of coins at a cash agent."""
    return f"agent.{payer}.{provider}"


def advance(payer: str, provider: str) -> str:
    """Return the code of the money the provider holds for the payer (kind `paid`)."""
    return f"advance.{payer}.{provider}"


def cash(payer: str) -> str:
    """Return the code of the payer's own cash (kind `paid`; treasury modes A and B)."""
    return f"cash.{payer}"


def treasury(payer: str) -> str:
    """Return the code of the payer's account at the State Treasury."""
    return f"treasury.{payer}"


def overpaid(payer: str) -> str:
    """Return the code of the receivables from people."""
    return f"overpaid.{payer}"


def suspense(payer: str) -> str:
    """Return the code of money that no coin allows."""
    return f"suspense.{payer}"


def fee(payer: str) -> str:
    """Return the code of providers' charges."""
    return f"fee.{payer}"


def loss(payer: str) -> str:
    """Return the code of receivables written off by decision."""
    return f"loss.{payer}"


def opening(payer: str) -> str:
    """Return the code of what was paid before go-live."""
    return f"opening.{payer}"


def authority(payer: str, line: str, year: int) -> str:
    """Return the code of the appropriation received."""
    return f"authority.{payer}.{line}.{year}"


def available(payer: str, line: str, year: int) -> str:
    """Return the code of what may still be committed."""
    return f"available.{payer}.{line}.{year}"


def committed(payer: str, line: str, year: int) -> str:
    """Return the code of what is committed and not yet paid."""
    return f"committed.{payer}.{line}.{year}"


def expended(payer: str, line: str, year: int) -> str:
    """Return the code of what is paid."""
    return f"expended.{payer}.{line}.{year}"


def cash_source(payer: str, provider: str) -> str:
    """Return the code of the source of drawn money."""
    return f"cash_source.{payer}.{provider}"


def cash_free(payer: str, provider: str) -> str:
    """Return the code of drawn money that may still be released."""
    return f"cash_free.{payer}.{provider}"


def cash_held(payer: str, provider: str) -> str:
    """Return the code of drawn money held for released payments."""
    return f"cash_held.{payer}.{provider}"


def cash_used(payer: str, provider: str) -> str:
    """Return the code of drawn money that has been paid out."""
    return f"cash_used.{payer}.{provider}"


@dataclass(frozen=True)
class AccountDef:
    """An account to be defined: its code says whose it is, `kind` what may be done with it."""

    code: str
    kind: str
    payer_id: int
    budget_year: int | None = None

    @property
    def book(self) -> int:
        """Return the book the kind belongs to."""
        return KINDS[self.kind]


def _definitions(
    payer_id: int, payer: str, year: int, lines: Iterable[str], providers: Iterable[str]
) -> list[AccountDef]:
    single = {
        "payable": payable, "treasury": treasury, "overpaid": overpaid, "suspense": suspense,
        "fee": fee, "loss": loss, "opening": opening,
    }  # fmt: skip
    by_line = {
        "expense": expense, "authority": authority, "available": available,
        "committed": committed, "expended": expended,
    }  # fmt: skip
    by_provider = {
        "transit": transit, "agent": agent, "cash_source": cash_source, "cash_free": cash_free,
        "cash_held": cash_held, "cash_used": cash_used,
    }  # fmt: skip
    out = [AccountDef(code(payer), kind, payer_id) for kind, code in single.items()]
    out.append(AccountDef(cash(payer), "paid", payer_id))
    for line in lines:
        out += [
            AccountDef(code(payer, line, year), kind, payer_id, year)
            for kind, code in by_line.items()
        ]
    for provider in providers:
        out.append(AccountDef(advance(payer, provider), "paid", payer_id))
        out += [
            AccountDef(code(payer, provider), kind, payer_id) for kind, code in by_provider.items()
        ]
    return out


def accounts_for(
    conn: Connection,
    payer_id: int,
    payer_code: str,
    year: int,
    lines: Sequence[str],
    providers: Sequence[str],
) -> list[AccountDef]:
    """Return the accounts a payer needs for a budget year that are not defined yet.

    `lines` are budget line codes, `providers` provider codes. Hand the result (of many payers, if
    you like) to `ledger.definitions.define_accounts`.
    """
    wanted = _definitions(payer_id, payer_code, year, lines, providers)
    have = _existing(conn, {a.code for a in wanted})
    return [a for a in wanted if a.code not in have]


def _existing(conn: Connection, codes: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    every = sorted(codes)
    query = text("SELECT code, id FROM account WHERE code IN :codes").bindparams(
        bindparam("codes", expanding=True)
    )
    for at in range(0, len(every), 500):
        rows = conn.execute(query, {"codes": every[at : at + 500]})
        found.update((row[0], int(row[1])) for row in rows)
    return found


def account_ids(conn: Connection, codes: Collection[str]) -> dict[str, int]:
    """Return the ids of the accounts with these codes; raises LedgerError `not_defined`."""
    found = _existing(conn, codes)
    missing = sorted(set(codes) - set(found))
    if missing:
        raise LedgerError(
            f"{len(missing)} accounts are not defined, the first is '{missing[0]}'; define the "
            "payer's accounts for this year first",
            code="not_defined",
        )
    return found


@dataclass(frozen=True)
class OfficialAccount:
    """Our account kind beside an official account number; a proposal, see `grade`, `source`."""

    kind: str
    regime: str
    number: str
    name_vi: str
    grade: str
    source: str


def official_accounts() -> list[OfficialAccount]:
    """Return the mapping to the accounting regimes (TT 24/2024/TT-BTC and TT 107/2017/TT-BTC).

    Grade `inference`: a reading of the regime's account names, not of a published entry. Grade
    `open`: the regime's text was not at hand, the number is left to the payer's accountant.
    """
    source = resources.files("ledger").joinpath("data/official_accounts.csv")
    with source.open(encoding="utf-8") as handle:
        return [OfficialAccount(**row) for row in csv.DictReader(handle)]
