"""Definitions: accounts, subs, signers, policies, periods. Each is chained to a journal.

A definition row carries the id of the zero-line journal that created it; that journal's hash holds
a digest over its definition rows, so the mapping sub -> person, user -> person and code -> account
cannot be changed later without being found (coins.md 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from ledger import sealing
from ledger.bulk import bulk_insert
from ledger.canon import DEFINITION_PARTS, Chunker, part_root
from ledger.chart import FINANCIAL, LIMIT_CREDIT, LIMIT_DEBIT, AccountDef
from ledger.errors import IdemConflict, LedgerError, refusals
from ledger.posting import Control, Header, Item, Sealed, known_journals, open_journals
from ledger.sql import text

__all__ = [
    "PeriodMove",
    "Policy",
    "Signer",
    "SubQuery",
    "SubRow",
    "checker_may_second",
    "close_accounts",
    "define_accounts",
    "define_policies",
    "define_signers",
    "define_subs",
    "move_period",
    "period_state",
]

SUB_COLUMNS = ("id", "unit_kind", "unit_id", "unit_key", "owed_group", "source")
SubRow = tuple[int, str, int, bytes, str, str]


@dataclass(frozen=True)
class SubQuery:
    """Subs as a SELECT of SUB_COLUMNS in that order, with :named binds."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Signer(NamedTuple):
    """Whose key a user signs with from an instant on (UTC, ISO text); an empty key: none."""

    user_id: int
    person_id: int
    public_key: bytes
    valid_from: str


class Policy(NamedTuple):
    """A payer with few staff may let the checker also give the second signature."""

    payer_id: int
    checker_may_second: bool


class PeriodMove(NamedTuple):
    """A month of a book opened or closed for a payer (0: for the whole cell)."""

    book: int
    payer_id: int
    month: int
    n: int
    state: str


def _define(
    conn: Connection, header: Header, part: str, columns: Sequence[str], rows: Sequence[Any]
) -> Sealed:
    """Open the header, insert the rows of one part, seal; a repeat must define the same rows."""
    with refusals():
        known = known_journals(conn, [header.idem_key])
        opened = [] if known else _announce(conn, header, len(rows))
        if not opened:
            known = known or known_journals(conn, [header.idem_key])
            return _again(conn, header, known[header.idem_key], part, _texts(part, columns, rows))
        bulk_insert(
            conn, DEFINITION_PARTS[part].table, (*columns, "journal_id"),
            ((*row, header.id) for row in rows),
        )  # fmt: skip
        return Sealed(*sealing.seal_journals(conn, [header.id])[0])


def _announce(conn: Connection, header: Header, count: int) -> list[Item]:
    if count < 1:
        raise LedgerError("there is nothing to define", code="control")
    control = Control(0, 0, None, None)
    return open_journals(conn, [Item(replace(header, definitions=count), (), control)])


def _texts(part: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the canonical texts of rows in canonical order, as the database writes them."""
    about = DEFINITION_PARTS[part]
    at = {c: n for n, c in enumerate(columns)}
    ordered = sorted(rows, key=lambda r: tuple(r[at[k]] for k in about.key))
    for row in ordered:
        values = (row[at[c]] for c in about.columns)
        yield ",".join(
            "" if v is None else v.hex() if isinstance(v, bytes) else str(v) for v in values
        )


def _again(
    conn: Connection, header: Header, first: Mapping[str, Any], part: str, texts: Iterable[str]
) -> Sealed:
    chunker = Chunker()
    for row in texts:
        chunker.add(row)
    root = chunker.root(part)
    stored = conn.execute(
        text("SELECT digest FROM chunk WHERE journal_id = :j AND part = :p ORDER BY n"),
        {"j": first["id"], "p": part},
    )
    was = part_root(part, int(first["definitions"]), (bytes(r[0]) for r in stored))
    same = (first["kind"], first["month"], first["payer_id"], first["book"], was)
    if same != (header.kind, header.month, header.payer_id or 0, header.book, root):
        raise IdemConflict(
            f"the key '{header.idem_key}' was used by journal {first['id']} for other definitions"
        )
    return Sealed(
        int(first["id"]), int(first["seq"]), bytes(first["root"]), bytes(first["hash"]), 0, 0,
        repeated=True,
    )  # fmt: skip


def define_accounts(conn: Connection, header: Header, accounts: Sequence[AccountDef]) -> Sealed:
    """Define accounts (see `chart.accounts_for`); `header` is of kind `definition`.

    Ids are given here; limits follow from the kind. Raises LedgerError `exists` where a code is
    defined already.
    """
    columns = (
        "id", "book", "code", "kind", "payer_id", "budget_year", "dr_limited", "cr_limited",
    )  # fmt: skip
    known = conn.execute(
        text(
            "SELECT a.code, a.id FROM account a JOIN journal j ON j.id = a.journal_id "
            "WHERE j.idem_key = :k"
        ),
        {"k": header.idem_key},
    ).all()
    before = {code: int(found) for code, found in known}
    base = int(conn.execute(text("SELECT coalesce(max(id), 0) FROM account")).scalar_one())
    rows = [
        (
            before.get(a.code, base + n), a.book, a.code, a.kind, a.payer_id, a.budget_year,
            int(a.kind in LIMIT_DEBIT), int(a.kind in LIMIT_CREDIT),
        )
        for n, a in enumerate(accounts, 1)
    ]  # fmt: skip
    return _define(conn, header, "account", columns, rows)


def define_signers(conn: Connection, header: Header, signers: Sequence[Signer]) -> Sealed:
    """Record whose public key (32 bytes of Ed25519) each user signs with, and from when."""
    columns = ("user_id", "person_id", "public_key", "valid_from")
    return _define(conn, header, "signer", columns, list(signers))


def define_policies(conn: Connection, header: Header, policies: Sequence[Policy]) -> Sealed:
    """Record whether payers let the checker give the second signature."""
    rows = [(p.payer_id, int(p.checker_may_second)) for p in policies]
    return _define(conn, header, "payer_policy", ("payer_id", "checker_may_second"), rows)


def checker_may_second(conn: Connection, payer_id: int) -> bool:
    """Tell whether the seal lets a payer's checker give the second signature too, as of now."""
    found = conn.execute(
        text(
            "SELECT p.checker_may_second FROM payer_policy p JOIN seal s "
            "ON s.journal_id = p.journal_id WHERE p.payer_id = :p ORDER BY s.seq DESC LIMIT 1"
        ),
        {"p": payer_id},
    ).scalar()
    return bool(found)


def close_accounts(conn: Connection, header: Header, account_ids: Sequence[int]) -> Sealed:
    """Close accounts for good: no later journal may touch them (a payer merged or re-coded)."""
    return _define(conn, header, "account_closed", ("account_id",), [(a,) for a in account_ids])


def define_subs(
    conn: Connection, header: Header, subs: SubQuery | Iterable[SubRow], *, count: int | None = None
) -> Sealed:
    """Define what can be owed once: (id, unit_kind, unit_id, unit_key, owed_group, source).

    `unit_key` is the keyed digest that ties the sub to its person; it is hashed into the chain.
    A SELECT stays in the database; rows are streamed where `count` says how many there are.
    Raises LedgerError `exists` where one is defined already.
    """
    if isinstance(subs, SubQuery):
        return _subs_by_query(conn, header, subs)
    rows = subs if count is not None else list(subs)
    size = count if count is not None else len(rows)  # type: ignore[arg-type]  # a list then
    with refusals():
        known = known_journals(conn, [header.idem_key])
        opened = [] if known else _announce(conn, header, size)
        if not opened:
            known = known or known_journals(conn, [header.idem_key])
            texts = _texts("sub", SUB_COLUMNS, rows)
            return _again(conn, header, known[header.idem_key], "sub", texts)
        bulk_insert(conn, "sub", (*SUB_COLUMNS, "journal_id"), ((*row, header.id) for row in rows))
        return Sealed(*sealing.seal_journals(conn, [header.id])[0])


def _subs_by_query(conn: Connection, header: Header, subs: SubQuery) -> Sealed:
    columns = ", ".join(SUB_COLUMNS)
    source = f"WITH s({columns}) AS ({subs.sql})"
    params = dict(subs.params)
    with refusals():
        count = int(conn.execute(text(f"{source} SELECT count(*) FROM s"), params).scalar_one())
        known = known_journals(conn, [header.idem_key])
        opened = [] if known else _announce(conn, header, count)
        if not opened:
            known = known or known_journals(conn, [header.idem_key])
            about, dialect = DEFINITION_PARTS["sub"], conn.dialect.name
            rows = conn.execute(
                text(
                    f"{source} SELECT {about.row_sql(dialect)} FROM s ORDER BY id"
                ).execution_options(yield_per=10_000),
                params,
            )
            return _again(conn, header, known[header.idem_key], "sub", (r[0] for r in rows))
        conn.execute(
            text(
                f"{source} INSERT INTO sub ({columns}, journal_id) "
                f"SELECT {columns}, {int(header.id)} FROM s ORDER BY id"
            ),
            params,
        )
        return Sealed(*sealing.seal_journals(conn, [header.id])[0])


def period_state(
    conn: Connection, month: int, *, book: int = FINANCIAL, payer_id: int = 0
) -> Literal["open", "closed"] | None:
    """Return the last state of a month (yyyymm, 13 allowed) as recorded for exactly this payer."""
    found: Literal["open", "closed"] | None = conn.execute(
        text(
            "SELECT state FROM period_move WHERE book = :b AND payer_id = :p AND month = :m "
            "ORDER BY n DESC LIMIT 1"
        ),
        {"b": book, "p": payer_id, "m": month},
    ).scalar()
    return found


def move_period(
    conn: Connection, header: Header, state: Literal["open", "closed"], *, month: int | None = None
) -> Sealed:
    """Open or close a month for `header.payer_id` (0 or None: the whole cell) in `header.book`.

    Kinds: period_close closes; period_open opens a month never moved before; reopen (signed by
    three) opens a closed one. A month that was never moved counts as open.
    """
    moved = month if month is not None else header.month
    payer = header.payer_id or 0
    last = conn.execute(
        text(
            "SELECT coalesce(max(n), 0) FROM period_move p WHERE book = :b AND payer_id = :p "
            "AND month = :m AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = p.journal_id "
            "AND j.idem_key = :k)"
        ),
        {"b": header.book, "p": payer, "m": moved, "k": header.idem_key},
    ).scalar_one()
    row = PeriodMove(header.book, payer, moved, int(last) + 1, state)
    return _define(conn, header, "period_move", PeriodMove._fields, [row])
