"""Asking a called rail whose name an account stands in; what it says enters the one queue.

The rail's word is compared like a provider's list (beneficiaries/names.py): with the payer's
threshold, as a row that stays, and what is below the threshold waits for a person. A rail that
knows no such account, or tells no name, has vouched for nobody: that waits too. An answer that
cannot be read leaves the account as unchecked as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam

from bank_adapters.api import log
from bank_adapters.api.contract import Answer, Call
from bank_adapters.contract import AdapterError
from disbursement.beneficiaries.names import (
    NEWEST,
    PAYEE,
    Asked,
    check_names,
    known_provider,
)
from disbursement.beneficiaries.staging import audit
from disbursement.jobs.rails import CalledRail, called_rail
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from disbursement.programmes.service import PROPOSERS, officer
from ledger.sql import text

GROUP = 100
"""Accounts asked about before what was said is kept: a stop loses no more than this."""
MOST = 1_000
"""Accounts asked about by one command where it says nothing."""


@dataclass(frozen=True)
class Questions:
    """How many accounts were asked about, and what became of it; `left` were not asked yet."""

    asked: int
    accepted: int
    pending: int
    unanswered: int
    left: int


# The newest destination of everybody alive on this rail, where nobody has compared its name yet.
_UNCHECKED = f"""
FROM person p JOIN payer y ON y.id = p.payer_id JOIN destination d ON d.person_id = p.id
WHERE p.died_on IS NULL AND d.kind = :k AND d.bank_code = :c AND d.version =
  (SELECT max(e.version) FROM destination e WHERE e.person_id = p.id) AND {NEWEST} IS NULL
"""


def ask_names(
    ctx: Context, provider: str, *, actor: str, payers: Sequence[str] = (), most: int = MOST
) -> Questions:
    """Ask a rail about accounts whose holder's name was never compared, at most `most`.

    Raises NotFoundError `provider`, NotAllowedError `role`, RefusedError `not_called` where the
    provider is reached by files, `not_offered` where the rail tells no names, or for a connection
    that must not be used; NotNowError without a connection.
    """
    officer(ctx, actor, PROPOSERS, payers[0] if len(payers) == 1 else "*")
    with ctx.cell.read() as conn:
        provider_id, _, _ = known_provider(conn, provider)
        profile = conn.execute(
            text("SELECT profile FROM provider WHERE id = :i"), {"i": provider_id}
        ).scalar_one()
        rows, left = _unchecked(conn, provider, payers, most)
    total: Counter[str] = Counter()
    try:
        rail = called_rail(ctx, provider, str(profile))
        for at in range(0, len(rows), GROUP):
            total += _ask(ctx, rail, rows[at : at + GROUP])
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    done = Questions(len(rows), total["accepted"], total["pending"], total["unanswered"], left)
    with ctx.cell.begin() as conn:
        audit(conn, ctx, actor, "names.ask", provider, {"asked": done.asked, **total})
    return done


def _unchecked(
    conn: Connection, provider: str, payers: Sequence[str], most: int
) -> tuple[list[Row[Any]], int]:
    """Return the first `most` unchecked accounts, and how many more there are."""
    _, rail, code = known_provider(conn, provider)
    of = " AND y.code IN :payers" if payers else ""
    binds: dict[str, Any] = {"k": rail, "c": code}
    wanted = text(
        f"SELECT p.id, p.payer_id, y.code AS payer, d.id AS destination_id, d.account_enc, "
        f"d.owner_name, d.bank_code, {PAYEE} AS ours {_UNCHECKED}{of} ORDER BY d.id LIMIT :most"
    )
    count = text(f"SELECT count(*) {_UNCHECKED}{of}")
    if payers:
        binds["payers"] = list(payers)
        wanted = wanted.bindparams(bindparam("payers", expanding=True))
        count = count.bindparams(bindparam("payers", expanding=True))
    rows = list(conn.execute(wanted, {**binds, "most": most}).all())
    total = int(conn.execute(count, binds).scalar_one()) if len(rows) == most else len(rows)
    return rows, total - len(rows)


def _ask(ctx: Context, rail: CalledRail, group: Sequence[Row[Any]]) -> Counter[str]:
    """Ask about a group without a database connection, then keep what was said."""
    with ctx.cell.begin() as conn:
        first = ids.block(conn, "name_question", len(group))
    calls = [_call(ctx, rail, row, first + n) for n, row in enumerate(group)]
    with rail.wire() as wire:
        outcomes = wire.send_all(calls)
    said = [(c, o) for c, o in zip(calls, outcomes, strict=True) if isinstance(o, Answer)]
    told: Counter[str] = Counter()
    asked = []
    for row, outcome in zip(group, outcomes, strict=True):
        name = _name(rail, outcome) if isinstance(outcome, Answer) else None
        if name is None:
            told["unanswered"] += 1
            continue
        asked.append(Asked(row.payer_id, row.id, row.destination_id, row.ours, name))
    head = log.Head(rail.provider, rail.profile.key, "", "call", stamp(ctx.clock))
    with ctx.cell.begin() as conn:
        files.keep_evidence(ctx.settings.files / "evidence", log.write(head, said))
        told.update(check_names(conn, ctx, asked, f"rail:{rail.provider}"))
    return told


def _call(ctx: Context, rail: CalledRail, row: Row[Any], number: int) -> Call:
    account = ctx.keys.decrypt("destination.account", row.destination_id, bytes(row.account_enc))
    nonce = f"N{ctx.cell.code}{number:010d}"
    return rail.adapter.name_call(
        row.bank_code, account, row.owner_name, ctx.clock.now(), nonce, rail.secrets
    )


def _name(rail: CalledRail, answer: Answer) -> str | None:
    """Return the name that a rail tells, '' where it vouches for nobody, None where unread."""
    try:
        return rail.adapter.read_name(answer)
    except AdapterError as error:
        return "" if error.code == "account_refused" else None
