"""Importing the list of a list programme: a gift, a quarter, a term, amounts decided elsewhere.

The file is read, staged, compared and given back by the register's own parts (service.py,
staging.py); what is taken over is not a case but a right: a unit (person, part of a decision,
household) is owed a covered month once. A month that a unit has already is refused by name, unless
the row says which decision it replaces; then the difference is posted by the next list.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries import columns, comparing, rights, service
from disbursement.beneficiaries.programme_rows import Programme
from disbursement.beneficiaries.reader import Encoding, open_table
from disbursement.beneficiaries.service import Mode
from disbursement.beneficiaries.staging import Stager, audit, begin_stage, clear_stage
from disbursement.platform import files
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.schema import refresh_statistics
from disbursement.programmes.list_rates import line_of
from ledger.sql import text


@dataclass(frozen=True)
class ProgrammeReport:
    """What an import did: rows, newly made people and units, covered months taken or replaced.

    `errors`: the workbook with the refused rows. `cases`, `changed`: monthly merits taken or
    changed, whose months are computed.
    """

    programme: str
    rows_read: int
    taken: int
    refused: int
    people: int
    units: int
    months: int
    replaced: int
    errors: str | None
    sha256: str
    repeated: bool = False
    cases: int = 0
    changed: int = 0


def import_programme(
    ctx: Context,
    code: str,
    path: Path,
    *,
    mode: Mode,
    actor: str,
    payer: str | None = None,
    out_dir: Path | None = None,
    encoding: Encoding = "utf-8",
) -> ProgrammeReport:
    """Import a list programme's file (docs/programmes.md); `mode` and the rest as the register's.

    Raises NotFoundError for a programme that no table knows, RefusedError for a file that cannot
    be read whole; refused rows do not raise. The same file again changes nothing.
    """
    with ctx.cell.read() as conn:
        programme = rights.programme_of(ctx, conn, code)
    wanted = columns.programme_columns(programme.shape)
    with open_table(path, wanted, encoding=encoding) as source:
        sha = files.sha256_of(path)
        with ctx.cell.read() as conn:
            known = conn.execute(
                text(
                    "SELECT rows_read FROM import_file WHERE kind = :k AND sha256 = :s "
                    "AND rows_refused = 0"
                ),
                {"k": _kind(programme), "s": sha},
            ).scalar()
        if known is not None:
            return ProgrammeReport(
                programme.code, int(known), 0, 0, 0, 0, 0, 0, None, sha.hex(), repeated=True
            )
        import_id = begin_stage(ctx)
        stager = Stager(ctx, source, import_id, only_payer=payer, programme=programme)
        try:
            stager.run()
            return _take(ctx, path, sha, stager, programme, mode, actor, out_dir or path.parent)
        finally:
            stager.staged.spool.close()
            with ctx.cell.begin() as conn:
                clear_stage(conn, import_id)


def _kind(programme: Programme) -> str:
    return f"programme:{line_of(programme.code)}"


def _take(
    ctx: Context,
    path: Path,
    sha: bytes,
    stager: Stager,
    programme: Programme,
    mode: Mode,
    actor: str,
    folder: Path,
) -> ProgrammeReport:
    staged = stager.staged
    none = ProgrammeReport(programme.code, staged.rows_read, 0, 0, 0, 0, 0, 0, None, sha.hex())
    with ctx.cell.begin() as conn:
        values: dict[str, Any] = {"i": staged.import_id, "programme": line_of(programme.code)}
        comparing.match_people(conn, values)
        comparing.add_faults(conn, values, comparing.PEOPLE_COMPARISONS)
        rights.compare(conn, values, programme, own_file=True)
        refused = int(comparing.one(conn, comparing.REFUSED, values))
        errors = service.give_back(conn, ctx, stager, folder, path) if refused else None
        if refused and (mode == "all" or refused == staged.rows_read):
            return replace(none, refused=refused, errors=errors)
        comparing.follow_people(conn, values)
        people = service.take_people(conn, ctx, sha, staged.import_id, actor)
        taken = rights.take(conn, ctx, sha, values, programme)
        refresh_statistics(
            conn, "person", "destination", "profile", "unit_profile", "list_unit", "list_right",
            "hold",
        )  # fmt: skip
        report = replace(
            none, taken=staged.rows_read - refused, refused=refused, people=people,
            errors=errors, **asdict(taken),
        )  # fmt: skip
        _record(conn, ctx, path, _kind(programme), report, staged.import_id, actor)
        return report


def _record(
    conn: Connection,
    ctx: Context,
    path: Path,
    kind: str,
    report: ProgrammeReport,
    import_id: int,
    actor: str,
) -> None:
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, "
            "rows_refused, imported_at, imported_by) VALUES (:i, :k, :s, :n, :r, :t, :f, :at, :by) "
            "ON CONFLICT (kind, sha256) DO UPDATE SET rows_taken = excluded.rows_taken, "
            "rows_refused = excluded.rows_refused"
        ),
        {
            "i": import_id, "k": kind, "s": bytes.fromhex(report.sha256), "n": path.name[:100],
            "r": report.rows_read, "t": report.taken, "f": report.refused,
            "at": stamp(ctx.clock), "by": actor,
        },
    )  # fmt: skip
    audit(conn, ctx, actor, "programme.import", report.sha256, asdict(report))
