"""Comparing our register with a national one: who is there and not here, and what differs.

Findings are set-wise over a work table, one SELECT a kind; nothing is changed here. Holds come
from reading a file (service.py); this is the report an office works through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.comparing import analyze
from disbursement.beneficiaries.holds import birth_words
from disbursement.beneficiaries.national import merits
from disbursement.beneficiaries.national.profiles import DEATHS, Profile, profiles
from disbursement.beneficiaries.national.queries import (
    Snapshot,
    payers_asked,
    work_scope,
    work_subject,
)
from disbursement.documents.reconciled import Finding, RegisterReport, reconciled_xlsx
from disbursement.platform import files
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from ledger.sql import text

# What a person here (`p`) and a row there (`r`) have to say about each other.
_PAIR = (
    "FROM work_scope s JOIN person p ON p.payer_id = s.payer_id "
    "JOIN register_row r ON r.snapshot_id = s.content_id AND r.who_blind = p.identity_blind "
    "AND r.state = 0"
)
_COLUMNS = (
    "s.payer_code, p.id AS person_id, p.reference, p.identity_last4 AS last4, p.name, "
    "p.birth_from, p.birth_to, p.sex, r.last4 AS their_last4, r.name AS their_name, "
    "r.birth_from AS their_birth_from, r.birth_to AS their_birth_to, r.sex AS their_sex, "
    "r.commune_code AS their_commune, r.died_on, r.left_on, r.code"
)
# Who has no counterpart by number, on either side; in tables of their own with an index on what
# joins them, because both may be many and one person under two numbers must be found.
_ALONE = (
    "CREATE TEMPORARY TABLE work_alone AS SELECT w.payer_code, p.id AS person_id, p.name_search, "
    "p.birth_from, p.birth_to, p.sex FROM work_subject w JOIN person p ON p.id = w.person_id "
    "WHERE NOT EXISTS (SELECT 1 FROM register_row x WHERE x.snapshot_id = w.content_id "
    "AND x.who_blind = p.identity_blind)",
    "CREATE TEMPORARY TABLE work_stray AS SELECT s.payer_code, r.snapshot_id, r.n, r.name_search, "
    "r.birth_from, r.birth_to, r.sex FROM work_scope s JOIN register_row r "
    "ON r.snapshot_id = s.content_id AND r.commune_code = s.payer_code AND r.state = 0 "
    "AND r.active = 1 WHERE NOT EXISTS (SELECT 1 FROM person x "
    "WHERE x.identity_blind = r.who_blind)",
    "CREATE INDEX work_alone_who ON work_alone (name_search, birth_from)",
    "CREATE INDEX work_stray_who ON work_stray (name_search, birth_from)",
)
# The same person by name, birth and sex, under another number (or with none).
_SAME_BUT_NUMBER = (
    "t.name_search = a.name_search AND t.birth_from = a.birth_from AND t.birth_to = a.birth_to "
    "AND t.sex = a.sex AND t.payer_code = a.payer_code"
)
_OURS = (
    "a.payer_code, p.id AS person_id, p.reference, p.identity_last4 AS last4, p.name, "
    "p.birth_from, p.birth_to, p.sex"
)
_NO_ROW = (
    "'' AS their_last4, '' AS their_name, '' AS their_birth_from, '' AS their_birth_to, "
    "'' AS their_sex, '' AS their_commune, NULL AS died_on, NULL AS left_on, '' AS code"
)
_THEIRS = (
    "r.last4 AS their_last4, r.name AS their_name, r.birth_from AS their_birth_from, "
    "r.birth_to AS their_birth_to, r.sex AS their_sex, r.commune_code AS their_commune, "
    "r.died_on, r.left_on, r.code"
)


def _queries(register: Profile) -> Iterator[tuple[str, str]]:
    """Yield kind and SELECT; kinds a register cannot speak of are left out."""
    if register.deaths:
        yield "died", f"SELECT {_COLUMNS} {_PAIR} WHERE r.died_on IS NOT NULL"
    if register.code == DEATHS:
        return
    yield (
        "identity_differs",
        f"SELECT {_OURS}, {_THEIRS} FROM work_alone a JOIN work_stray t ON {_SAME_BUT_NUMBER} "
        "JOIN person p ON p.id = a.person_id "
        "JOIN register_row r ON r.snapshot_id = t.snapshot_id AND r.n = t.n",
    )
    yield "name_differs", f"SELECT {_COLUMNS} {_PAIR} WHERE r.name <> p.name"
    yield (
        "birth_differs",
        f"SELECT {_COLUMNS} {_PAIR} WHERE r.birth_to < p.birth_from OR r.birth_from > p.birth_to",
    )
    yield "sex_differs", f"SELECT {_COLUMNS} {_PAIR} WHERE r.sex <> p.sex"
    yield (
        "commune_differs",
        f"SELECT {_COLUMNS} {_PAIR} WHERE r.active = 1 AND r.commune_code <> s.payer_code",
    )
    if register.expects:
        yield "there_not_here", _THERE_NOT_HERE
    if register.whole:
        yield "here_not_there", _HERE_NOT_THERE
    if register.by_household:
        yield (
            "household_left",
            f"SELECT {_OURS}, {_THEIRS} FROM work_subject a JOIN person p ON p.id = a.person_id "
            "JOIN register_row r ON r.snapshot_id = a.content_id "
            "AND r.who_blind = p.identity_blind AND r.state = 0 WHERE r.left_on IS NOT NULL",
        )


_THERE_NOT_HERE = (
    "SELECT t.payer_code, NULL AS person_id, '' AS reference, '' AS last4, '' AS name, "
    f"'' AS birth_from, '' AS birth_to, '' AS sex, {_THEIRS} FROM work_stray t "
    "JOIN register_row r ON r.snapshot_id = t.snapshot_id AND r.n = t.n "
    f"WHERE NOT EXISTS (SELECT 1 FROM work_alone a WHERE {_SAME_BUT_NUMBER})"
)
_HERE_NOT_THERE = (
    f"SELECT {_OURS}, {_NO_ROW} FROM work_alone a JOIN person p ON p.id = a.person_id "
    f"WHERE NOT EXISTS (SELECT 1 FROM work_stray t WHERE {_SAME_BUT_NUMBER})"
)


def report(
    ctx: Context, *, codes: Sequence[str] | None = None, out: Path | None = None
) -> list[RegisterReport]:
    """Compare every register that was read with ours, for the payers asked for (all where None).

    The newest file that speaks of a payer counts. `out`: the findings as a workbook, last four
    digits only. Raises RefusedError for an unknown payer.
    """
    day = today(ctx.clock)
    found: list[RegisterReport] = []
    with ctx.cell.read() as conn:
        rows = _every(conn, payers_asked(conn, codes), day, found)
        if out is None:
            for _ in rows:
                pass
        else:
            with files.atomic(out) as target:
                reconciled_xlsx(rows, found, stamp(ctx.clock), target)
    return found


def _prepare(
    conn: Connection, one: Profile, payers: Sequence[tuple[int, str]], day: date
) -> dict[str, Snapshot]:
    speaks = work_scope(conn, one, payers, day)
    if speaks:
        work_subject(conn, one, day)
        for name in ("work_alone", "work_stray"):
            conn.execute(text(f"DROP TABLE IF EXISTS {name}"))
        for statement in _ALONE:
            conn.execute(text(statement))
        analyze(conn, "work_alone", "work_stray")
    return speaks


def _summary(
    conn: Connection, one: Profile, speaks: dict[str, Snapshot], counts: dict[str, int]
) -> RegisterReport:
    if not speaks:
        return RegisterReport(one.code, 0, None, 0, 0, 0, {})
    subjects, matched = conn.execute(
        text(
            "SELECT count(*), coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM register_row x "
            "WHERE x.snapshot_id = w.content_id AND x.who_blind = p.identity_blind "
            "AND x.state = 0) THEN 1 ELSE 0 END), 0) FROM work_subject w "
            "JOIN person p ON p.id = w.person_id"
        )
    ).one()
    days = sorted(s.as_of.isoformat() for s in speaks.values())
    refused = sum({s.content_id: s.rows_refused for s in speaks.values()}.values())
    return RegisterReport(
        one.code, len(speaks), (days[0], days[-1]), int(subjects), int(matched), refused, counts
    )


def _every(
    conn: Connection,
    payers: Sequence[tuple[int, str]],
    day: date,
    found: list[RegisterReport],
) -> Iterator[Finding]:
    """Yield every finding, register by register; `found` gets each register's summary."""
    for one in profiles().values():
        speaks = _prepare(conn, one, payers, day)
        counts: dict[str, int] = {}
        for kind, query in _queries(one) if speaks else ():
            counts[kind] = 0
            streamed = text(f"{query} ORDER BY 1, 2, 9").execution_options(yield_per=5_000)
            for row in conn.execute(streamed):
                if kind == "name_differs" and _same_name(row.name, row.their_name):
                    continue
                counts[kind] += 1
                yield _finding(one, kind, row)
        if speaks and one.subject == "merit":
            counts |= dict.fromkeys(merits.KINDS, 0)
            for kind, row, detail in merits.differences(conn, day):
                counts[kind] += 1
                yield replace(_finding(one, kind, row), detail=detail)
        found.append(_summary(conn, one, speaks, counts))


def _same_name(ours: str, theirs: str) -> bool:
    """Compare as people do: capitals do not matter, every mark does (Mẫu is not Máu)."""
    return ours.casefold() == theirs.casefold()


def _finding(one: Profile, kind: str, row: Any) -> Finding:
    return Finding(
        register=one.code,
        title=one.title_vi,
        kind=kind,
        payer=row.payer_code,
        reference=row.reference,
        last4=row.last4,
        name=row.name,
        birth=_born(row.birth_from, row.birth_to),
        sex=row.sex,
        their_code=row.code,
        their_last4=row.their_last4,
        their_name=row.their_name,
        their_birth=_born(row.their_birth_from, row.their_birth_to),
        their_sex=row.their_sex,
        their_commune=row.their_commune,
        day=_shown(row.died_on if kind in ("died", "dead_here") else row.left_on),
    )


def _born(first: str, last: str) -> str:
    return birth_words(first, last) if first else ""


def _shown(day: str | None) -> str:
    return f"{date.fromisoformat(day):%d/%m/%Y}" if day else ""
