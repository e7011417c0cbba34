"""The national directory of banks: what ships, with the rows that two people approved over it.

Bank identity is the most dangerous data of a payment, so a change is proposed from a file (its
bytes are kept), looked at, and approved by a second person with the paper that settles it. The
rows live in `shared`, one directory for all cells; a list reads them on the day it is prepared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bank_adapters.banks import Bank, BankRefused, Contradiction, Directory, entry, shipped
from bank_adapters.contract import AdapterError
from bank_adapters.directory import (
    DirectoryRefused,
    EntryChange,
    check,
    compare,
    lay_over,
    on_day,
    read_changes,
)
from disbursement.identity.service import read_shared
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    OurFaultError,
    RefusedError,
)
from disbursement.programmes.service import APPROVERS, PROPOSERS, officer, said
from ledger.bulk import bulk_insert
from ledger.sql import text

DISPUTED, UNKNOWN, ENDED = "bank_disputed", "bank_unknown", "bank_ended"
"""Why a payment is held at prepare; the directory settles it, no document of the person's can."""

_COLUMNS = (
    "kind", "name_vi", "short_name", "vietqr_code", "bic", "napas_bin", "sbv_bank_code_3",
    "citad_codes", "now", "valid_from", "valid_to", "confidence", "note", "source",
)  # fmt: skip


@dataclass(frozen=True)
class BankVersion:
    """A version of the directory as lists show it. `state`: proposed, approved."""

    number: int
    state: str
    note: str
    file_name: str
    sha256: str
    rows: int
    proposed_by: str
    proposed_at: str
    document: str
    approved_by: str
    approved_at: str


@dataclass(frozen=True)
class ShownVersion:
    """A version with what it changes, and the contradictions before and after it."""

    version: BankVersion
    changes: tuple[EntryChange, ...]
    settles: tuple[Contradiction, ...]
    leaves: tuple[Contradiction, ...]


# --- reading -------------------------------------------------------------------------------------


def directory_of(conn: Connection, day: date) -> Directory:
    """Return the directory that holds on a day; `conn` is of `shared` or of any cell."""
    return on_day(_all(conn), day)


def directory(ctx: Context) -> Directory:
    """Return today's directory."""
    with read_shared(ctx) as conn:
        return directory_of(conn, today(ctx.clock))


def _all(conn: Connection, before: int | None = None) -> Directory:
    """Return everything approved, in the order of approval (up to a version's, without it)."""
    rows = conn.execute(
        text(
            f"SELECT r.version_id, {', '.join('r.' + c for c in _COLUMNS)} FROM bank_approval a "
            "JOIN bank_row r ON r.version_id = a.version_id "
            "ORDER BY a.approved_at, a.version_id, r.n"
        )
    ).all()
    known: list[Bank] = []
    for version, *cells in rows:
        if version == before:
            break
        known.append(entry(dict(zip(_COLUMNS, cells, strict=True)), f"version:{version}"))
    return lay_over(shipped(), known) if known else shipped()


def why_not(found: Directory, every: Directory, kind: str, code: str) -> str:
    """Say why a destination with this code must not be paid today: a hold's reason, or ''.

    `every` holds the entries of all times: a code that was once known has ended.
    """
    try:
        bank = found.find(code)
    except BankRefused:
        try:
            every.find(code)
        except BankRefused:
            return UNKNOWN
        return ENDED
    if bank.kind != kind:
        return UNKNOWN
    return DISPUTED if found.doubt(bank) else ""


def held_codes(
    conn: Connection, day: date, codes: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Return (kind, code, reason) of those codes that must not be paid on a day."""
    every = _all(conn)
    found = on_day(every, day)
    judged = [(kind, code, why_not(found, every, kind, code)) for kind, code in codes]
    return [j for j in judged if j[2]]


def find(ctx: Context, code: str) -> tuple[Bank, str]:
    """Return today's entry of a code or name, and why it must not be used ('' where it may).

    Raises NotFoundError `bank_unknown`.
    """
    known = directory(ctx)
    try:
        bank = known.find(code)
    except AdapterError as error:
        raise NotFoundError(error.code, error.sentence, en=error.en) from error
    return bank, known.doubt(bank)


def versions(ctx: Context) -> list[BankVersion]:
    """Return every version, by number."""
    with read_shared(ctx) as conn:
        return _versions(conn)


def _versions(conn: Connection, number: int | None = None) -> list[BankVersion]:
    rows = conn.execute(
        text(
            "SELECT v.id, v.note, v.file_name, v.sha256, (SELECT count(*) FROM bank_row r "
            "WHERE r.version_id = v.id), v.proposed_by, v.proposed_at, a.document, "
            "a.approved_by, a.approved_at FROM bank_version v "
            "LEFT JOIN bank_approval a ON a.version_id = v.id "
            "WHERE :n = 0 OR v.id = :n ORDER BY v.id"
        ),
        {"n": number or 0},
    ).all()
    return [
        BankVersion(
            int(r[0]), "proposed" if r[8] is None else "approved", r[1], r[2], bytes(r[3]).hex(),
            int(r[4]), r[5], r[6], r[7] or "", r[8] or "", r[9] or "",
        )
        for r in rows
    ]  # fmt: skip


def show_version(ctx: Context, number: int) -> ShownVersion:
    """Return a version with its changes against what was approved before it.

    Raises NotFoundError `bank_version`.
    """
    with read_shared(ctx) as conn:
        return _shown(conn, number, today(ctx.clock))


def _shown(conn: Connection, number: int, day: date) -> ShownVersion:
    version = _version(conn, number)
    rows = _rows(conn, number)
    before = _all(conn, before=number)
    after = lay_over(before, rows)
    old, new = on_day(before, day).contradictions, on_day(after, day).contradictions
    return ShownVersion(
        version,
        compare(on_day(before, day), rows),
        tuple(c for c in old if c not in new),
        tuple(new),
    )


def _version(conn: Connection, number: int) -> BankVersion:
    found = _versions(conn, number)
    if not found or number < 1:
        raise NotFoundError(
            "bank_version",
            f"Không có bản danh mục ngân hàng số {number}; xem `disburse directory list`.",
        )
    return found[0]


def _rows(conn: Connection, number: int) -> tuple[Bank, ...]:
    """Read a version's rows from its file. Raises OurFaultError where the bytes have changed."""
    name, content, digest = conn.execute(
        text("SELECT file_name, content, sha256 FROM bank_version WHERE id = :n"), {"n": number}
    ).one()
    if hashlib.sha256(content).digest() != bytes(digest):
        raise OurFaultError(
            "bank_bytes", f"Tệp {name} của bản danh mục số {number} đã bị sửa; dừng lại."
        )
    return read_changes(name, bytes(content), f"version:{number}")


# --- changing ------------------------------------------------------------------------------------


def propose(ctx: Context, name: str, content: bytes, *, actor: str, note: str = "") -> ShownVersion:
    """Take a file of changes as a version that waits for a second person.

    Raises RefusedError naming row and column (nothing is stored then), or where it changes
    nothing; NotNowError `bank_repeated` where the same file waits already; NotAllowedError `role`.
    """
    who = officer(ctx, actor, PROPOSERS)
    words = said(note, "--note", empty=True)
    digest = hashlib.sha256(content).digest()
    day = today(ctx.clock)
    with ctx.database.begin("shared") as conn:
        number = ids.block(conn, "bank_version", 1)
        rows = _checked(conn, name, content, number, day)
        _not_twice(conn, digest)
        files.keep_evidence(ctx.settings.files / "evidence", content)
        conn.execute(
            text(
                "INSERT INTO bank_version (id, note, file_name, sha256, content, proposed_by, "
                "proposed_person, proposed_at) VALUES (:i, :n, :f, :s, :c, :u, :p, :t)"
            ),
            {
                "i": number, "n": words, "f": name, "s": digest, "c": content, "u": actor,
                "p": who.person_id, "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        bulk_insert(
            conn,
            "bank_row",
            ("version_id", "n", *_COLUMNS),
            [(number, n, *_cells(row)) for n, row in enumerate(rows, 1)],
        )
        return _shown(conn, number, day)


def _checked(
    conn: Connection, name: str, content: bytes, number: int, day: date
) -> tuple[Bank, ...]:
    known = _all(conn)
    try:
        rows = read_changes(name, content, f"version:{number}")
        for at in {day, *(r.valid_from for r in rows if r.valid_from)}:
            check(lay_over(known, rows), at)
    except DirectoryRefused as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    if all(c.what == "same" for c in compare(on_day(known, day), rows)):
        raise RefusedError("bank_same", f"{name} không đổi dòng nào của danh mục đang có.")
    return rows


def _cells(row: Bank) -> tuple[str, ...]:
    values = {
        **asdict(row),
        "sbv_bank_code_3": row.sbv_code,
        "valid_from": row.valid_from.isoformat() if row.valid_from else "",
        "valid_to": row.valid_to.isoformat() if row.valid_to else "",
    }
    return tuple(str(values[c]) for c in _COLUMNS)


def _not_twice(conn: Connection, digest: bytes) -> None:
    waiting = conn.execute(
        text(
            "SELECT id FROM bank_version WHERE sha256 = :s AND id NOT IN "
            "(SELECT version_id FROM bank_approval)"
        ),
        {"s": digest},
    ).scalar()
    if waiting is not None:
        raise NotNowError(
            "bank_repeated",
            f"Tệp này đã nạp là bản danh mục số {waiting}, đang chờ duyệt: "
            f"`disburse directory approve {waiting}`.",
        )


def approve(ctx: Context, number: int, *, actor: str, document: str) -> ShownVersion:
    """Let a version count from now on, by a second person who names the paper it rests on.

    Raises NotFoundError, NotNowError `bank_approved`, NotAllowedError `role`, `same_person` (by
    person, not log-in), RefusedError where it no longer fits what was approved since.
    """
    who = officer(ctx, actor, APPROVERS)
    words = said(document, "--document")
    day = today(ctx.clock)
    with ctx.database.begin("shared") as conn:
        ids.block(conn, "bank_approval", 1)  # one approval at a time
        if _version(conn, number).state == "approved":
            raise NotNowError("bank_approved", f"Bản danh mục số {number} đã duyệt rồi.")
        proposer = conn.execute(
            text("SELECT proposed_person FROM bank_version WHERE id = :n"), {"n": number}
        ).scalar_one()
        if int(proposer) == who.person_id:
            raise NotAllowedError(
                "same_person",
                f"Người nạp bản danh mục số {number} không tự duyệt được, dù bằng tên đăng nhập "
                "khác; cần người thứ hai.",
            )
        rows = _rows(conn, number)
        try:
            for at in {day, *(r.valid_from for r in rows if r.valid_from)}:
                check(lay_over(_all(conn), rows), at)
        except DirectoryRefused as error:
            raise RefusedError(error.code, error.sentence, en=error.en) from error
        before = _shown(conn, number, day)
        conn.execute(
            text(
                "INSERT INTO bank_approval (version_id, document, proposed_person, approved_by, "
                "approved_person, approved_at) VALUES (:i, :d, :q, :u, :p, :t)"
            ),
            {
                "i": number, "d": words, "q": int(proposer), "u": actor, "p": who.person_id,
                "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        return ShownVersion(_version(conn, number), before.changes, before.settles, before.leaves)


def plain(shown: ShownVersion) -> dict[str, Any]:
    """Return a version as plain values, for --json."""
    return {
        **asdict(shown.version),
        "changes": [asdict(c) for c in shown.changes],
        "settles": [asdict(c) for c in shown.settles],
        "contradictions": [asdict(c) for c in shown.leaves],
    }
