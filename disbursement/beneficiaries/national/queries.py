"""Which snapshot of a register speaks for which payer, and whom of ours a register should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from disbursement.beneficiaries.national.profiles import Profile, Subject
from disbursement.platform.clock import month_of
from disbursement.platform.errors import RefusedError
from ledger.bulk import bulk_insert
from ledger.sql import text

CHILD_YEARS = 16
"""Luật Trẻ em 102/2016/QH13 Điều 1: a child is under 16."""

_IN_FORCE = "(c.end_month IS NULL OR c.end_month >= :month)"
POOR = '(c.facts LIKE \'%"household":"poor"%\' OR c.facts LIKE \'%"household":"near_poor"%\')'
"""A case whose decision rests on a poor or near-poor household; facts are canonical JSON."""
SUBJECTS: Mapping[Subject, str] = {
    "everyone": "1 = 1",
    "on_allowance": "c.programme IN ('SA', 'SP')",
    "poor": POOR,
    "merit": "(c.programme = 'NCC' OR c.facts LIKE '%\"merit_allowance\"\\:true%')",
    "children": "p.birth_from > :child",
}
"""Conditions on a case `c` in force of a person `p`."""
MONTH_OF = "CASE WHEN :month < y.go_live_month THEN y.go_live_month ELSE :month END"
"""The month that merits of a payer `y` are looked at in: none is known before it goes live."""
DRAWS_MERIT = f"""EXISTS (SELECT 1 FROM merit_case m JOIN payer y ON y.id = p.payer_id
  JOIN unit_profile f ON f.sub_id = m.sub_id AND {MONTH_OF} BETWEEN f.from_month AND f.to_month
  JOIN profile g ON g.id = f.profile_id
  WHERE m.person_id = p.id AND g.facts LIKE '%"facts":%')"""
"""The person `p` draws a monthly merit in `:month`: cases of their own table."""
MERIT_SUBJECTS: Mapping[Subject, str] = {
    "everyone": "1 = 1",
    "merit": "1 = 1",
    "children": SUBJECTS["children"],
}
"""Conditions on a person `p` who draws a monthly merit; other registers are not about merit."""


@dataclass(frozen=True)
class Snapshot:
    """A dated file of a register; days as `date`. `content_id` names its rows."""

    id: int
    profile: str
    payer_code: str
    as_of: date
    content_id: int
    changes: bool
    sha256: bytes
    rows_read: int
    rows_taken: int
    rows_refused: int


def snapshots(conn: Connection, profile: str | None = None) -> list[Snapshot]:
    """Return the snapshots (of one register), the oldest day first."""
    rows = conn.execute(
        text(
            "SELECT id, profile, payer_code, as_of, content_id, changes, sha256, rows_read, "
            "rows_taken, rows_refused FROM register_snapshot "
            "WHERE (:p = '' OR profile = :p) ORDER BY as_of, id"
        ),
        {"p": profile or ""},
    )
    return [
        Snapshot(r[0], r[1], r[2], date.fromisoformat(r[3]), r[4], bool(r[5]), bytes(r[6]), *r[7:])
        for r in rows
    ]


def newest(found: Sequence[Snapshot], payer_code: str, day: date) -> Snapshot | None:
    """Return the newest snapshot that speaks of a payer on a day; the whole cell's counts too."""
    for one in reversed(found):
        if one.payer_code in ("", payer_code) and one.as_of <= day:
            return one
    return None


def before(found: Sequence[Snapshot], one: Snapshot, payer_code: str) -> Snapshot | None:
    """Return what spoke of a payer before a snapshot did, with other rows."""
    older = [
        s for s in found if (s.as_of, s.id) < (one.as_of, one.id) and s.content_id != one.content_id
    ]
    return newest(older, payer_code, one.as_of)


def payers_asked(conn: Connection, codes: Sequence[str] | None) -> list[tuple[int, str]]:
    """Return (id, code) of the payers asked for (all where None). Raises RefusedError."""
    rows = [
        (int(i), str(c)) for i, c in conn.execute(text("SELECT id, code FROM payer ORDER BY code"))
    ]
    if codes is None:
        return rows
    missing = sorted(set(codes) - {c for _, c in rows})
    if missing:
        raise RefusedError("payer", f"Không có đơn vị chi trả mã {missing[0]}; kiểm tra lại mã xã.")
    return [r for r in rows if r[1] in codes]


def work_scope(
    conn: Connection, profile: Profile, payers: Sequence[tuple[int, str]], day: date
) -> dict[str, Snapshot]:
    """Make `work_scope`: per payer the rows that speak of it, and those that did before.

    Returns the snapshot per payer code; payers the register says nothing about are left out.
    """
    found = snapshots(conn, profile.code)
    speaks = {code: one for _, code in payers if (one := newest(found, code, day)) is not None}
    conn.execute(text("DROP TABLE IF EXISTS work_scope"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_scope (payer_id bigint, payer_code text, "
            "content_id bigint, before_id bigint, as_of text)"
        )
    )
    earlier = {code: before(found, one, code) for code, one in speaks.items()}
    bulk_insert(
        conn,
        "work_scope",
        ("payer_id", "payer_code", "content_id", "before_id", "as_of"),
        (
            (
                payer_id, code, speaks[code].content_id,
                was.content_id if (was := earlier[code]) is not None else 0,
                speaks[code].as_of.isoformat(),
            )
            for payer_id, code in payers
            if code in speaks
        ),
    )  # fmt: skip
    return speaks


def work_subject(conn: Connection, profile: Profile, day: date) -> None:
    """Make `work_subject`: the persons of `work_scope` whom the register should know."""
    merit = MERIT_SUBJECTS.get(profile.subject)
    merits = "" if merit is None else f" OR ({merit} AND {DRAWS_MERIT})"
    conn.execute(text("DROP TABLE IF EXISTS work_subject"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_subject AS SELECT p.id AS person_id, s.payer_id, "
            "s.payer_code, s.content_id, s.before_id FROM person p "
            "JOIN work_scope s ON s.payer_id = p.payer_id WHERE EXISTS (SELECT 1 "
            f"FROM benefit_case c WHERE c.person_id = p.id AND {_IN_FORCE} "
            f"AND {SUBJECTS[profile.subject]}){merits}"
        ),
        _binds(profile, day),
    )
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE work_scope")
        conn.exec_driver_sql("ANALYZE work_subject")


def _binds(profile: Profile, day: date) -> dict[str, object]:
    binds: dict[str, object] = {"month": month_of(day)}
    if profile.subject == "children":
        last = 28 if (day.month, day.day) == (2, 29) else day.day
        binds["child"] = day.replace(year=day.year - CHILD_YEARS, day=last).isoformat()
    return binds
