"""Holds of people: deaths reported by the population database, the cleaning list, release.

A hold is never lifted by a machine: an officer releases it and records the document it rests on.
What is missing (the 12-digit number, the day of birth) can be recorded in the same act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.reader import Encoding, open_table
from disbursement.beneficiaries.rules import clean, identity_fault, read_date
from disbursement.beneficiaries.staging import audit
from disbursement.documents.cleaning import HeldRow, cleaning_xlsx
from disbursement.documents.words import Office
from disbursement.entitlements import store
from disbursement.platform import files, ids
from disbursement.platform.clock import add_months, month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.communes import province
from ledger.bulk import bulk_insert

MAX_DOCUMENT = 300


@dataclass(frozen=True)
class DeathReport:
    """What the answer said: rows, people of this register among them, strangers by count only."""

    rows_read: int
    found: int
    unknown: int
    new_holds: int


@dataclass(frozen=True)
class HoldRow:
    """An open or released hold; nobody's full number is in it."""

    id: int
    payer: str
    person: str
    reference: str
    last4: str
    kind: str
    reason: str
    detail: str
    raised_at: str
    resolved_at: str | None
    document: str | None


# ---- deaths ---------------------------------------------------------------------------------


def check_deaths(
    ctx: Context, path: Path, actor: str, *, encoding: Encoding = "utf-8"
) -> DeathReport:
    """Read the population database's answer: who has died, and when.

    Each person found gets a hold of right `dead`; the month of death is the last that is due
    (NĐ 335/2026 Điều 8 khoản 4), once a decision ends the case. The same file again changes
    nothing. All rows or none: raises RefusedError naming row and column.
    """
    day = today(ctx.clock)
    rows = 0
    with (
        ctx.cell.begin() as conn,
        open_table(path, columns.DEATHS, encoding=encoding) as source,
    ):
        conn.execute(text("DROP TABLE IF EXISTS work_death"))
        conn.execute(
            text(f"CREATE TEMPORARY TABLE work_death (who_blind {_bytes(conn)}, died_on text)")
        )
        for chunk in source.chunks:
            found = [_death(source.header, n, cells, day) for n, cells in chunk.rows()]
            rows += bulk_insert(
                conn,
                "work_death",
                ("who_blind", "died_on"),
                ((ctx.keys.blind("identity", i), died.isoformat()) for i, died in found),
            )
        _one_date(conn)
        return _hold_dead(conn, ctx, path, rows, actor)


def _bytes(conn: Connection) -> str:
    return "bytea" if conn.dialect.name == "postgresql" else "blob"


def _death(header: columns.Header, n: int, cells: list[Any], day: date) -> tuple[str, date]:
    def cell(field: str) -> str:
        at = header.index[field]
        value = cells[at] if at < len(cells) else ""
        if not isinstance(value, str):
            raise _refuse(header, n, field, "ô phải là dạng chữ (Text) hoặc ngày, không phải số.")
        return clean(value)

    identity = cell("identity")
    if not (identity.isascii() and identity.isdigit() and len(identity) in (9, 12)):
        raise _refuse(header, n, "identity", "phải là số định danh 12 số (CMND: 9 số).")
    died = read_date(cell("died_on"))
    if died is None or died > day:
        raise _refuse(header, n, "died_on", "không phải ngày đã qua; ghi dạng dd/mm/yyyy.")
    return identity, died


def _refuse(header: columns.Header, n: int, field: str, sentence: str) -> RefusedError:
    where = header.where(n, field)
    return RefusedError(
        "death_row", f"{where[:1].upper()}{where[1:]}: {sentence} Chưa ghi gì từ tệp này."
    )


def _one_date(conn: Connection) -> None:
    row = conn.execute(
        text(
            "SELECT count(*) FROM (SELECT who_blind FROM work_death GROUP BY who_blind "
            "HAVING min(died_on) <> max(died_on)) q"
        )
    ).scalar_one()
    if row:
        raise RefusedError(
            "death_twice",
            f"Tệp ghi hai ngày chết khác nhau cho {row} người; hỏi lại cơ sở dữ liệu dân cư. Chưa "
            "ghi gì từ tệp này.",
        )


def _hold_dead(conn: Connection, ctx: Context, path: Path, rows: int, actor: str) -> DeathReport:
    dead = conn.execute(
        text(
            "SELECT p.id, p.payer_id, min(w.died_on) FROM work_death w "
            "JOIN person p ON p.identity_blind = w.who_blind GROUP BY p.id, p.payer_id "
            "ORDER BY p.id"
        )
    ).all()
    numbers = conn.execute(text("SELECT count(DISTINCT who_blind) FROM work_death")).scalar_one()
    known = {
        (int(person), str(digest))
        for person, digest in conn.execute(
            text("SELECT person_id, fact_digest FROM hold WHERE reason = 'dead'")
        )
    }
    new = [r for r in dead if (r[0], r[2]) not in known]
    at = stamp(ctx.clock)
    if new:
        import_id = _record(conn, ctx, path, rows, len(new), actor)
        first = ids.block(conn, "hold", len(new))
        bulk_insert(
            conn,
            "hold",
            ("id", "payer_id", "person_id", "kind", "reason", "detail", "raised_at", "raised_by",
             "fact_digest"),
            (
                (first + n, payer, person, "right", "dead", _dead_words(died), at, actor, died)
                for n, (person, payer, died) in enumerate(new)
            ),
        )  # fmt: skip
        conn.execute(
            text(
                "INSERT INTO death_notice (person_id, died_on, import_id, recorded_at) "
                "VALUES (:p, :d, :i, :at) ON CONFLICT (person_id) DO UPDATE SET "
                "died_on = excluded.died_on, import_id = excluded.import_id, "
                "recorded_at = excluded.recorded_at"
            ),
            [{"p": r[0], "d": r[2], "i": import_id, "at": at} for r in new],
        )
    report = DeathReport(rows, len(dead), int(numbers) - len(dead), len(new))
    audit(conn, ctx, actor, "register.check", path.name[:100], asdict(report))
    return report


def _dead_words(died: str) -> str:
    day = date.fromisoformat(died)
    return (
        f"Cơ sở dữ liệu dân cư báo chết ngày {day:%d/%m/%Y}: thôi hưởng từ tháng "
        f"{show_month(add_months(month_of(day), 1))}; xác minh và ra quyết định."
    )


def _record(conn: Connection, ctx: Context, path: Path, rows: int, taken: int, actor: str) -> int:
    import_id = ids.block(conn, "import", 1)
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, "
            "rows_refused, imported_at, imported_by) VALUES (:i, 'deaths', :s, :n, :r, :t, 0, "
            ":at, :by) ON CONFLICT (kind, sha256) DO UPDATE SET "
            "rows_taken = import_file.rows_taken + excluded.rows_taken"
        ),
        {
            "i": import_id, "s": files.sha256_of(path), "n": path.name[:100], "r": rows,
            "t": taken, "at": stamp(ctx.clock), "by": actor,
        },
    )  # fmt: skip
    return import_id


# ---- looking and cleaning -------------------------------------------------------------------


_HOLDS = """
SELECT h.id, y.code, p.name, p.reference, p.identity_last4, h.kind, h.reason, h.detail,
  h.raised_at, h.resolved_at, h.document
FROM hold h JOIN person p ON p.id = h.person_id JOIN payer y ON y.id = h.payer_id
WHERE (:every = 1 OR h.resolved_at IS NULL) AND (:payer = '' OR y.code = :payer)
ORDER BY y.code, h.id
"""


def list_holds(ctx: Context, *, payer: str | None = None, released: bool = False) -> list[HoldRow]:
    """Return the open holds (`released`: all), of one payer or the cell."""
    with ctx.cell.read() as conn:
        rows = conn.execute(text(_HOLDS), {"every": int(released), "payer": payer or ""})
        return [HoldRow(*r) for r in rows]


def count_holds(ctx: Context) -> list[tuple[str, str, int]]:
    """Return (kind, reason, how many) of the open holds."""
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT kind, reason, count(*) FROM hold WHERE resolved_at IS NULL "
                "GROUP BY kind, reason ORDER BY kind, reason"
            )
        )
        return [(k, r, int(n)) for k, r, n in rows]


_CLEANING = """
SELECT h.id, p.name, p.birth_from, p.birth_to, p.identity_last4, p.reference,
  (SELECT min(c.programme) FROM benefit_case c WHERE c.person_id = p.id), h.reason, h.detail,
  h.raised_at
FROM hold h JOIN person p ON p.id = h.person_id
WHERE h.payer_id = :p AND h.resolved_at IS NULL ORDER BY p.name, h.id
"""


def write_cleaning(ctx: Context, folder: Path, *, payer: str | None = None) -> list[Path]:
    """Write one cleaning list (XLSX, last four digits only) per commune with open holds."""
    out: list[Path] = []
    with ctx.cell.read() as conn:
        payers = conn.execute(
            text(
                "SELECT y.id, y.code, y.name, y.province_code FROM payer y WHERE EXISTS (SELECT 1 "
                "FROM hold h WHERE h.payer_id = y.id AND h.resolved_at IS NULL) "
                "AND (:payer = '' OR y.code = :payer) ORDER BY y.code"
            ),
            {"payer": payer or ""},
        ).all()
        for payer_id, code, name, province_code in payers:
            path = folder / f"can-lam-sach-{code}.xlsx"
            office = Office(code, name, province(province_code).full_name)
            rows = conn.execute(text(_CLEANING), {"p": payer_id})
            with files.atomic(path) as handle:
                cleaning_xlsx(office, _held(rows), stamp(ctx.clock), handle)
            out.append(path)
    return out


def _held(rows: Any) -> Iterator[HeldRow]:
    for hold, name, born, born_to, last4, reference, programme, reason, detail, since in rows:
        yield HeldRow(
            hold, name, birth_words(born, born_to), last4, reference, programme or "", reason,
            detail, since[:10],
        )  # fmt: skip


def birth_words(first: str, last: str) -> str:
    """Write a birth as far as it is known: dd/mm/yyyy, mm/yyyy or yyyy."""
    if first == last:
        return f"{first[8:]}/{first[5:7]}/{first[:4]}"
    return f"{first[5:7]}/{first[:4]}" if first[:7] == last[:7] else first[:4]


# ---- release --------------------------------------------------------------------------------


def payer_of_hold(ctx: Context, hold_id: int) -> str:
    """Return the code of the payer whose hold it is. Raises NotFoundError."""
    with ctx.cell.read() as conn:
        code = conn.execute(
            text("SELECT y.code FROM hold h JOIN payer y ON y.id = h.payer_id WHERE h.id = :h"),
            {"h": hold_id},
        ).scalar()
    if code is None:
        raise NotFoundError("hold", f"Không có hồ sơ giữ số {hold_id}; xem `register holds`.")
    return str(code)


def release_hold(
    ctx: Context,
    hold_id: int,
    document: str,
    actor: str,
    *,
    identity: str | None = None,
    birth: date | None = None,
) -> HoldRow:
    """Release a hold by a recorded document; record the number or birth day it proves.

    Raises NotFoundError where there is no such hold, NotNowError where it is released already,
    RefusedError for an empty document, a number that does not fit, or one somebody else has.
    """
    document = clean(document)
    if not document or len(document) > MAX_DOCUMENT:
        raise RefusedError(
            "document", "Ghi số, ngày văn bản làm căn cứ (không để trống, tối đa 300 ký tự)."
        )
    with ctx.cell.begin() as conn:
        row = conn.execute(
            text(
                "SELECT h.person_id, h.reason, h.resolved_at, p.birth_from, p.birth_to, p.sex "
                "FROM hold h JOIN person p ON p.id = h.person_id WHERE h.id = :h"
            ),
            {"h": hold_id},
        ).first()
        if row is None:
            raise NotFoundError("hold", f"Không có hồ sơ giữ số {hold_id}; xem `register holds`.")
        if row[2] is not None:
            raise NotNowError("hold_released", f"Hồ sơ giữ số {hold_id} đã được giải quyết.")
        person_id, reason = int(row[0]), str(row[1])
        span = (date.fromisoformat(row[3]), date.fromisoformat(row[4]))
        if birth is not None:
            span = _new_birth(conn, person_id, span, birth)
        if identity is not None:
            _new_identity(conn, ctx, person_id, clean(identity), span, str(row[5]))
        _release(conn, ctx, hold_id, document, actor)
        if birth is not None:
            _renew(conn, ctx, person_id)
        audit(
            conn, ctx, actor, "register.release", str(hold_id),
            {"reason": reason, "document": document, "identity": identity is not None,
             "birth": birth is not None},
        )  # fmt: skip
        found = conn.execute(
            text(_HOLDS.replace("ORDER BY", "AND h.id = :h ORDER BY")),
            {"every": 1, "payer": "", "h": hold_id},
        ).one()
        return HoldRow(*found)


def _release(conn: Connection, ctx: Context, hold_id: int, document: str, actor: str) -> None:
    done = conn.execute(
        text(
            "UPDATE hold SET resolved_at = :at, resolved_by = :by, document = :d "
            "WHERE id = :h AND resolved_at IS NULL"
        ),
        {"at": stamp(ctx.clock), "by": actor, "d": document, "h": hold_id},
    ).rowcount
    if done != 1:
        raise NotNowError("hold_released", f"Hồ sơ giữ số {hold_id} vừa được giải quyết.")


def _new_birth(
    conn: Connection, person_id: int, span: tuple[date, date], birth: date
) -> tuple[date, date]:
    if not span[0] <= birth <= span[1]:
        raise RefusedError(
            "birth", "Ngày sinh không nằm trong năm (tháng) sinh đã ghi; sửa trong danh sách trước."
        )
    conn.execute(
        text("UPDATE person SET birth_from = :b, birth_to = :b WHERE id = :p"),
        {"b": birth.isoformat(), "p": person_id},
    )
    return birth, birth


def _new_identity(
    conn: Connection,
    ctx: Context,
    person_id: int,
    identity: str,
    span: tuple[date, date],
    sex: str,
) -> None:
    if not (identity.isascii() and identity.isdigit() and len(identity) == 12):
        raise RefusedError("identity", "Số định danh phải gồm 12 chữ số; đối chiếu thẻ căn cước.")
    fault = identity_fault(identity, span, sex)
    if fault is not None:
        raise RefusedError("identity", f"{fault[:1].upper()}{fault[1:]}")
    blind = ctx.keys.blind("identity", identity)
    taken = conn.execute(
        text("SELECT 1 FROM person WHERE identity_blind = :b AND id <> :p"),
        {"b": blind, "p": person_id},
    ).first()
    if taken is not None:
        raise RefusedError(
            "identity_taken",
            "Số định danh này đã là của một người khác trong sổ: có thể là một người ghi hai lần; "
            "xác minh trước.",
        )
    conn.execute(
        text(
            "UPDATE person SET identity_kind = 'cccd', identity_enc = :e, identity_blind = :b, "
            "identity_last4 = :l WHERE id = :p"
        ),
        {
            "e": ctx.keys.encrypt("person.identity", person_id, identity), "b": blind,
            "l": identity[-4:], "p": person_id,
        },
    )  # fmt: skip


def _renew(conn: Connection, ctx: Context, person_id: int) -> None:
    """Make the spans anew, and let compare look at every month since the first that counts."""
    store.work_renew(conn, "SELECT id AS person_id FROM person WHERE id = :p", {"p": person_id})
    store.renew(conn, month=month_of(today(ctx.clock)))
    store.mark_dirty(
        conn,
        "SELECT sub_id, min(from_month) AS from_month, 'birth recorded' AS why FROM unit_profile "
        "WHERE sub_id = :p GROUP BY sub_id",
        {"p": person_id},
    )
