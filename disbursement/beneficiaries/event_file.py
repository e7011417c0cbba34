"""Decisions and events from a file: the columns of docs/events.md, the manners of any import.

Good rows are recorded and bad rows come back as a workbook with a reason column, or all or
nothing. The same file again changes nothing (its SHA-256).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import EventReport, record
from disbursement.beneficiaries.reader import Encoding, Source, Spool, open_table
from disbursement.beneficiaries.rules import CellReader, Cells, Fault, read_month
from disbursement.beneficiaries.staging import cell_words
from disbursement.documents.refused import RefusedRow, refused_xlsx
from disbursement.entitlements.facts import canonical_clause
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, RefusedError
from ledger.sql import text

MAX_ROWS = 50_000
"""Events of one file: a province's month has some thousands; all of a file are held in memory."""
_FACTS = {
    "degree": "choice", "certificate_date": "day", "children": "whole", "studying": "flag",
    "on_k1_at_16": "flag", "household": "choice", "carer": "choice", "difficult_area": "flag",
    "income": "choice", "written_request": "flag", "in_facility": "flag",
    "merit_allowance": "flag",
}  # fmt: skip
_WITH_FACTS = ("grant", "change", "resume")
_PARTS = re.compile(r"[,;]\s*")


@dataclass(frozen=True)
class FileReport:
    """What a file did, in rows; `errors`: the workbook with the refused rows."""

    rows_read: int
    recorded: int
    refused: int
    people: int
    from_month: int | None
    errors: str | None
    sha256: str
    repeated: bool = False


def import_events(
    ctx: Context,
    path: Path,
    *,
    mode: Literal["good", "all"],
    actor: str,
    out_dir: Path | None = None,
    encoding: Encoding = "utf-8",
) -> FileReport:
    """Record the events of a file, in its order.

    Raises RefusedError where the file cannot be read whole; refused rows do not raise.
    """
    sha = files.sha256_of(path)
    spool = Spool()
    try:
        with (
            ctx.cell.begin() as conn,
            open_table(path, columns.EVENTS, encoding=encoding) as source,
        ):
            known = conn.execute(
                text(
                    "SELECT rows_read FROM import_file WHERE kind = 'events' AND sha256 = :s "
                    "AND rows_refused = 0"
                ),
                {"s": sha},
            ).scalar()
            if known is not None:
                return FileReport(int(known), 0, 0, 0, None, None, sha.hex(), repeated=True)
            good, faults, rows = _read(ctx, source, spool)
            import_id = ids.block(conn, "import", 1)
            whole = mode == "all"
            report = EventReport((), ())
            if good and not (whole and faults):
                report = record(
                    ctx, good, source="import", actor=actor, whole=whole, conn=conn,
                    import_id=import_id,
                )  # fmt: skip
            told = {n: [f"{f.where}: {f.sentence}" for f in found] for n, found in faults.items()}
            told |= {n: [sentence] for n, _, sentence in report.refused}
            errors = None
            if told:
                target = (out_dir or path.parent) / f"{path.stem}-khong-nhan.xlsx"
                with files.atomic(target) as out:
                    refused_xlsx(
                        source.header.names, _given_back(told, spool), stamp(ctx.clock), out
                    )
                errors = str(target)
            done = FileReport(
                rows, len(report.recorded), len(told), report.people, report.from_month, errors,
                sha.hex(),
            )  # fmt: skip
            if report.recorded:
                _keep(conn, ctx, path, sha, done, import_id, actor)
            return done
    finally:
        spool.close()


def _read(
    ctx: Context, source: Source, spool: Spool
) -> tuple[list[EventIn], dict[int, list[Fault]], int]:
    reader = CellReader(source.header, today(ctx.clock))
    good: list[EventIn] = []
    bad: dict[int, list[Fault]] = {}
    rows = 0
    for chunk in source.chunks:
        spool.put(chunk)
        rows += chunk.count
        if rows > MAX_ROWS:
            raise RefusedError(
                "too_many_rows", f"Tệp sự kiện tối đa {MAX_ROWS} dòng; chia nhỏ; chưa ghi gì."
            )
        for n, cells in chunk.rows():
            found = _row(reader, n, cells)
            if isinstance(found, EventIn):
                good.append(found)
            else:
                bad[n] = found
    return good, bad, rows


def _row(reader: CellReader, n: int, cells: list[Any]) -> EventIn | list[Fault]:
    row = Cells(reader, n, cells)
    identity = row.text("identity", need=True, longest=20)
    if identity and not (identity.isascii() and identity.isdigit() and len(identity) in (9, 12)):
        row.fail(
            "identity", "số định danh phải gồm 12 chữ số (CMND cũ: 9); đối chiếu thẻ căn cước."
        )
    kind = row.choice("kind", need=True) or ""
    day, decided = row.day("day", need=True), row.day("decided_on")
    clause_text, clause = row.text("clause", longest=20), None
    programme = row.choice("programme")
    if clause_text and programme != "NCC":
        try:
            clause = canonical_clause(clause_text)
        except DisburseError as error:
            row.fail("clause", error.sentence)
    members = _members(row, kind)
    papers = row.text("number"), row.name("signer", need=False), row.text("document")
    commune = row.text("commune", need=True, longest=20)
    if row.faults or day is None:
        return row.faults
    return EventIn(
        kind, day, commune, n=n, identity=identity, programme=programme, clause=clause,
        number=papers[0], decided_on=decided, signer=papers[1], document=papers[2],
        members=members,
    )  # fmt: skip


def _members(row: Cells, kind: str) -> dict[str, Any]:
    """Read what a dossier's event of this kind says besides its day."""
    out: dict[str, Any] = {}
    month = row.month("from_month")
    if month is not None:
        out["from_month"] = _iso(month)
    for column in ("cause", "conditions"):
        chosen = row.choice(column)
        if chosen is not None:
            out[column] = chosen
    until: date | None = row.day("until")
    if until is not None:
        out["until"] = until.isoformat()
    months = row.text("months")
    if months:
        found = [read_month(part) for part in _PARTS.split(months)]
        if None in found:
            row.fail("months", "các tháng viết dạng 08/2026; 09/2026; sửa lại.")
        out["months"] = [_iso(m) for m in found if m is not None]
    facts: dict[str, Any] = {}
    for column, how in _FACTS.items():
        if column in row.values:
            value: Any = row.whole(column, 20) if how == "whole" else getattr(row, how)(column)
            facts[column] = value.isoformat() if isinstance(value, date) else value
    if facts:
        out["facts"] = facts
        if kind not in _WITH_FACTS:
            row.fail("kind", "loại sự kiện này không đổi thông tin của hồ sơ; bỏ các cột đó.")
    return out


def _iso(month: int) -> str:
    return f"{month // 100}-{month % 100:02d}"


def _given_back(told: dict[int, list[str]], spool: Spool) -> Iterator[RefusedRow]:
    for n in sorted(told):
        yield RefusedRow(n, [cell_words(c) for c in spool.row(n)], told[n])


def _keep(
    conn: Connection,
    ctx: Context,
    path: Path,
    sha: bytes,
    done: FileReport,
    import_id: int,
    actor: str,
) -> None:
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, "
            "rows_refused, imported_at, imported_by) VALUES (:i, 'events', :s, :n, :r, :t, "
            ":f, :at, :by) ON CONFLICT (kind, sha256) DO UPDATE SET rows_taken = "
            "import_file.rows_taken + excluded.rows_taken, rows_refused = excluded.rows_refused"
        ),
        {
            "i": import_id, "s": sha, "n": path.name[:100], "r": done.rows_read,
            "t": done.recorded, "f": done.refused, "at": stamp(ctx.clock), "by": actor,
        },
    )  # fmt: skip
