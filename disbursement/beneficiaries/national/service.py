"""Reading a national register's file: a dated snapshot in the cell, and what follows from it.

The same file again changes nothing. A file that the register gives again, unchanged, for a later
day is a new dated snapshot of the same rows, and says so by `as_of`: an old file read once more
must not make a register look young.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from disbursement.beneficiaries.columns import EVENTS
from disbursement.beneficiaries.national.profiles import Profile, profile
from disbursement.beneficiaries.national.queries import (
    Snapshot,
    newest,
    payers_asked,
    snapshots,
)
from disbursement.beneficiaries.national.raising import (
    Deaths,
    Leaving,
    hold_dead,
    hold_left_household,
)
from disbursement.beneficiaries.national.reading import NationalReader, NationalRow, Refused
from disbursement.beneficiaries.reader import Encoding, Source, Spool, open_table
from disbursement.beneficiaries.rules import search_form
from disbursement.beneficiaries.staging import audit, cell_words
from disbursement.documents.refused import RefusedRow, refused_xlsx
from disbursement.documents.xlsx import Book, Column
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, RefusedError
from disbursement.platform.schema import refresh_statistics
from ledger.bulk import bulk_insert
from ledger.sql import text

Mode = Literal["good", "all"]
ROW_COLUMNS = (
    "snapshot_id", "n", "state", "active", "who_blind", "last4", "code", "name", "name_search",
    "birth_from", "birth_to", "sex", "commune_code", "died_on", "left_on", "facts",
)  # fmt: skip


@dataclass(frozen=True)
class NationalImport:
    """What reading a file did, in rows; `as_of` the day it speaks of (ISO).

    `events`: the workbook of events that wait for their decision (households that left).
    `dead_numbers`: numbers called dead; `dead_here`: people of this register among them;
    `new_holds`: holds of right raised, deaths and households that left together. `errors`: the
    workbook with the refused rows. `repeated`: the file was known, nothing changed.
    """

    profile: str
    as_of: str
    rows_read: int
    taken: int
    refused: int
    dead_numbers: int
    dead_here: int
    new_holds: int
    errors: str | None
    sha256: str
    repeated: bool = False
    events: str | None = None


@dataclass
class _Asked:
    """One reading: what was asked for, and what came of it so far."""

    profile: Profile
    path: Path
    actor: str
    as_of: date
    payer: str
    changes: bool
    mode: Mode
    folder: Path
    id: int = 0
    events: str | None = None
    rows_read: int = 0
    faults: list[tuple[int, list[str]]] = field(default_factory=list)
    seen: dict[bytes, int] = field(default_factory=dict)
    spool: Spool = field(default_factory=Spool)


def import_national(
    ctx: Context,
    code: str,
    path: Path,
    *,
    actor: str,
    as_of: date | None = None,
    payer: str | None = None,
    changes: bool = False,
    mode: Mode = "good",
    out_dir: Path | None = None,
    encoding: Encoding = "utf-8",
) -> NationalImport:
    """Read a file of a register (docs/national-registers.md).

    `as_of`: the day it speaks of, today where None. `payer`: the file covers one commune only.
    `changes`: it holds only what changed; the rest stays as the snapshot before says. `mode` 'all'
    takes every row or none; an answer (deaths) always does. Raises RefusedError for a file that
    cannot be read whole, an unknown profile or payer, a day in the future, changes without a
    whole list before them.
    """
    chosen = profile(code)
    day = as_of or today(ctx.clock)
    if day > today(ctx.clock):
        raise RefusedError(
            "as_of", f"--as-of {day:%d/%m/%Y} ở tương lai; ghi ngày hệ thống kia xuất tệp."
        )
    if changes and not chosen.changes:
        raise RefusedError(
            "changes", f"Sổ '{chosen.title_vi}' không có tệp biến động; bỏ --changes."
        )
    asked = _Asked(
        chosen, path, actor, day, payer or "", changes, mode if chosen.whole else "all",
        out_dir or path.parent,
    )  # fmt: skip
    try:
        with (
            files.taken_back_on_error(),
            open_table(path, chosen.column_set, encoding=encoding) as source,
            ctx.cell.begin() as conn,
        ):
            payers_asked(conn, [payer] if payer else None)
            sha = files.sha256_of(path)
            known = _known(conn, asked, sha)
            if known is not None and (as_of is None or day <= known.as_of or known.changes):
                return _again(conn, ctx, asked, known)
            if known is not None:
                return _dated_anew(conn, ctx, asked, known)
            return _take(conn, ctx, asked, source, sha)
    finally:
        asked.spool.close()


def _known(conn: Connection, asked: _Asked, sha: bytes) -> Snapshot | None:
    same = [
        s
        for s in snapshots(conn, asked.profile.code)
        if s.payer_code == asked.payer and s.sha256 == sha
    ]
    return same[-1] if same else None


def _again(conn: Connection, ctx: Context, asked: _Asked, known: Snapshot) -> NationalImport:
    """Read what is known already: only people who came since then can be found in it."""
    deaths, holds = _follow(conn, ctx, asked, known.content_id, known.as_of)
    report = _report(asked, known, deaths, holds)
    _audit(conn, ctx, asked, report)
    return replace(report, repeated=True)


def _dated_anew(conn: Connection, ctx: Context, asked: _Asked, known: Snapshot) -> NationalImport:
    """Note that the register says the same on a later day."""
    snapshot = replace(known, id=ids.block(conn, "import", 1), as_of=asked.as_of)
    _write_snapshot(conn, ctx, asked, snapshot)
    deaths, holds = _follow(conn, ctx, asked, known.content_id, asked.as_of)
    report = _report(asked, snapshot, deaths, holds)
    _audit(conn, ctx, asked, report)
    return report


def _take(
    conn: Connection, ctx: Context, asked: _Asked, source: Source, sha: bytes
) -> NationalImport:
    base = _base(conn, asked)
    asked.id = ids.block(conn, "import", 1)
    codes = {c for _, c in payers_asked(conn, None)}
    bulk_insert(conn, "register_row", ROW_COLUMNS, _rows(ctx, asked, source, codes))
    refused = len(asked.faults)
    if refused and not asked.profile.whole:
        raise _first_fault(asked)
    taken = asked.rows_read - refused
    errors = _give_back(ctx, asked, source) if refused else None
    snapshot = Snapshot(
        asked.id, asked.profile.code, asked.payer, asked.as_of, asked.id, asked.changes, sha,
        asked.rows_read, taken, refused,
    )  # fmt: skip
    if refused and (asked.mode == "all" or not taken):
        conn.execute(text("DELETE FROM register_row WHERE snapshot_id = :s"), {"s": asked.id})
        refused_whole = _report(asked, replace(snapshot, rows_taken=0), Deaths(0, 0, 0), 0)
        return replace(refused_whole, errors=errors)
    if base is not None:
        _keep_unchanged(conn, asked, base)
    if not asked.profile.once:
        _one_date(conn, asked)
    refresh_statistics(conn, "register_row")
    _write_snapshot(conn, ctx, asked, snapshot)
    deaths, holds = _follow(conn, ctx, asked, asked.id, asked.as_of)
    report = replace(_report(asked, snapshot, deaths, holds), errors=errors)
    _audit(conn, ctx, asked, report)
    return report


def _base(conn: Connection, asked: _Asked) -> Snapshot | None:
    """Return the list that changes are applied to; None for a whole list."""
    if not asked.changes:
        return None
    base = newest(snapshots(conn, asked.profile.code), asked.payer, date.max)
    if base is None:
        raise NotNowError(
            "changes_first",
            f"Chưa có danh sách đầy đủ của '{asked.profile.title_vi}': nhập danh sách rà soát "
            "trước (bỏ --changes), rồi mới nhập biến động.",
        )
    if asked.as_of < base.as_of:
        raise NotNowError(
            "changes_order",
            f"Danh sách đã có là của ngày {base.as_of:%d/%m/%Y}, sau ngày của tệp biến động này; "
            "nhập biến động theo thứ tự ngày (--as-of).",
        )
    return base


def _rows(
    ctx: Context, asked: _Asked, source: Source, payers: set[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield what is stored; refused rows are noted, and stored only as far as they name somebody.

    It never uses the connection it is inserted with.
    """
    reader = NationalReader(
        asked.profile, source.header, today=today(ctx.clock), province=ctx.cell.code,
        payers=payers, only_payer=asked.payer or None,
    )  # fmt: skip
    for chunk in source.chunks:
        asked.spool.put(chunk)
        asked.rows_read += chunk.count
        for n, cells in chunk.rows():
            row = reader.read(n, cells)
            blind = ctx.keys.blind("identity", row.identity) if row.identity else None
            if isinstance(row, NationalRow) and blind is not None and asked.profile.once:
                first = asked.seen.setdefault(blind, n)
                if first != n:
                    where = source.header.where(n, "identity")
                    asked.faults.append(
                        (n, [f"{where}: người này đã có ở dòng {first}; giữ lại một dòng."])
                    )
                    continue
            if isinstance(row, NationalRow):
                yield _stored(asked.id, row, blind)
                continue
            asked.faults.append((n, [f"{f.where}: {f.sentence}" for f in row.faults]))
            if blind is not None:
                yield _refused(asked.id, row, blind)


def _stored(snapshot_id: int, row: NationalRow, blind: bytes | None) -> tuple[Any, ...]:
    return (
        snapshot_id, row.n, 0, int(row.active), blind, row.identity[-4:], row.code, row.name,
        search_form(row.name), row.birth_from, row.birth_to, row.sex, row.commune, row.died_on,
        row.left_on, row.facts,
    )  # fmt: skip


def _refused(snapshot_id: int, row: Refused, blind: bytes) -> tuple[Any, ...]:
    return (
        snapshot_id, row.n, 1, 1, blind, row.identity[-4:], "", "", "", "", "", "", "", None,
        None, "{}",
    )  # fmt: skip


def _first_fault(asked: _Asked) -> RefusedError:
    sentence = asked.faults[0][1][0]
    return RefusedError(
        "answer_row",
        f"{sentence[:1].upper()}{sentence[1:]} Chưa ghi gì từ tệp này.",
    )


def _one_date(conn: Connection, asked: _Asked) -> None:
    count = conn.execute(
        text(
            "SELECT count(*) FROM (SELECT who_blind FROM register_row WHERE snapshot_id = :s "
            "AND died_on IS NOT NULL GROUP BY who_blind HAVING min(died_on) <> max(died_on)) q"
        ),
        {"s": asked.id},
    ).scalar_one()
    if count:
        raise RefusedError(
            "death_twice",
            f"Tệp ghi hai ngày chết khác nhau cho {count} người; hỏi lại cơ sở dữ liệu dân cư. "
            "Chưa ghi gì từ tệp này.",
        )


def _keep_unchanged(conn: Connection, asked: _Asked, base: Snapshot) -> None:
    """Copy what a file of changes does not speak of, so that every snapshot is whole by itself.

    A household in the file replaces the household before it; a person in it leaves the old one.
    """
    names = ", ".join(f"o.{c}" for c in ROW_COLUMNS[2:])
    conn.execute(
        text(
            f"INSERT INTO register_row ({', '.join(ROW_COLUMNS)}) SELECT :s, "
            "(SELECT max(n) FROM register_row WHERE snapshot_id = :s) "
            f"+ row_number() OVER (ORDER BY o.n), {names} FROM register_row o "
            "WHERE o.snapshot_id = :b AND (:payer = '' OR o.commune_code = :payer) "
            "AND NOT EXISTS (SELECT 1 FROM register_row x WHERE x.snapshot_id = :s "
            "AND (x.who_blind = o.who_blind OR (x.code = o.code AND x.code <> '' "
            "AND x.commune_code = o.commune_code)))"
        ),
        {"s": asked.id, "b": base.content_id, "payer": asked.payer},
    )


def _write_snapshot(conn: Connection, ctx: Context, asked: _Asked, one: Snapshot) -> None:
    conn.execute(
        text(
            "INSERT INTO register_snapshot (id, profile, payer_code, as_of, content_id, changes, "
            "sha256, file_name, rows_read, rows_taken, rows_refused, imported_at, imported_by) "
            "VALUES (:id, :p, :payer, :d, :c, :ch, :sha, :name, :r, :t, :f, :at, :by)"
        ),
        {
            "id": one.id, "p": one.profile, "payer": one.payer_code, "d": one.as_of.isoformat(),
            "c": one.content_id, "ch": int(one.changes), "sha": one.sha256,
            "name": asked.path.name[:100], "r": one.rows_read, "t": one.rows_taken,
            "f": one.rows_refused, "at": stamp(ctx.clock), "by": asked.actor,
        },
    )  # fmt: skip


def _follow(
    conn: Connection, ctx: Context, asked: _Asked, content_id: int, as_of: date
) -> tuple[Deaths, int]:
    """Do what the rows ask for here: hold the dead, and who left a poor household."""
    deaths, left = Deaths(0, 0, 0), []
    if asked.profile.deaths:
        deaths = hold_dead(conn, ctx, [content_id], asked.actor)
    if asked.profile.by_household:
        left = hold_left_household(conn, ctx, asked.payer, as_of, asked.actor)
    if left:
        asked.events = _draft_events(ctx, asked, left)
    return deaths, len(left)


_DRAFT = ("identity", "kind", "day", "commune", "programme", "clause", "number", "decided_on",
          "signer", "cause", "document")  # fmt: skip


def _draft_events(ctx: Context, asked: _Asked, left: Sequence[Leaving]) -> str:
    """Write the stops that wait for a decision, in the columns that events are imported by.

    Number, day and signer of the decision are left to be filled in; nothing else is typed twice.
    It carries full identity numbers, as any file of events does.
    """
    path = asked.folder / f"{asked.path.stem}-su-kien.xlsx"
    columns = [Column(EVENTS.of(field).header, 22) for field in _DRAFT]
    with (
        files.atomic(path) as out,
        Book(out, title="Sự kiện chờ quyết định", made_at=stamp(ctx.clock)) as book,
    ):
        tab = book.sheet("Sự kiện", columns, landscape=True)
        for one in left:
            number = (
                ctx.keys.decrypt("person.identity", one.person_id, one.identity_enc)
                if one.identity_enc
                else ""
            )
            said = f"{asked.profile.title_vi}, bản ngày {asked.as_of:%d/%m/%Y}"
            tab.row(
                (
                    number, "thôi hưởng", f"{one.day:%d/%m/%Y}", one.payer, one.programme,
                    one.clause, "", "", "", "không còn đủ điều kiện", said,
                )
            )  # fmt: skip
    return str(path)


def _report(asked: _Asked, one: Snapshot, deaths: Deaths, left: int) -> NationalImport:
    return NationalImport(
        asked.profile.code, one.as_of.isoformat(), one.rows_read, one.rows_taken,
        one.rows_refused, deaths.numbers, deaths.found, deaths.new_holds + left, None,
        one.sha256.hex(), events=asked.events,
    )  # fmt: skip


def _audit(conn: Connection, ctx: Context, asked: _Asked, report: NationalImport) -> None:
    detail = {k: v for k, v in asdict(report).items() if k not in ("errors", "events")}
    audit(conn, ctx, asked.actor, "national.import", asked.path.name[:100], detail)


def _give_back(ctx: Context, asked: _Asked, source: Source) -> str:
    """Write the refused rows as a workbook; return its path."""
    path = asked.folder / f"{asked.path.stem}-khong-nhan.xlsx"
    rows = (
        RefusedRow(n, [cell_words(c) for c in asked.spool.row(n)], sentences)
        for n, sentences in asked.faults
    )
    with files.atomic(path) as out:
        refused_xlsx(source.header.names, rows, stamp(ctx.clock), out)
    return str(path)
