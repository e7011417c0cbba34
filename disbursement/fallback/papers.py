"""The roster of a commune on paper: PDF to sign, XLSX to fill in and hand back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from disbursement.documents.roster import (
    Roster,
    RosterRow,
    roster_parts,
    roster_pdf,
    roster_xlsx,
)
from disbursement.platform import files
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError
from disbursement.runs.papers import office
from ledger.sql import text


def roster_of(conn: Connection, ctx: Context, batch_id: int) -> Roster:
    """Read the roster of a cash batch. Raises NotFoundError where none was opened."""
    head = conn.execute(
        text(
            "SELECT o.place, o.first_day, o.last_day, o.copies, b.month, b.programme, "
            "b.message_id, b.manifest_root, b.payments, b.total_vnd, y.code, y.name, "
            "y.province_code, v.name AS provider, "
            "(SELECT s.digest FROM statement s WHERE s.journal_id = b.journal_id) AS digest "
            "FROM roster o JOIN batch b ON b.id = o.batch_id JOIN payer y ON y.id = o.payer_id "
            "JOIN provider v ON v.id = b.provider_id WHERE o.batch_id = :b"
        ),
        {"b": batch_id},
    ).first()
    if head is None:
        raise NotFoundError("no_roster", f"Không có danh sách ký nhận của lô {batch_id}.")
    digest = head.digest if head.digest is not None else head.manifest_root
    return Roster(
        office=office(head.code, head.name, head.province_code),
        programme=head.programme,
        month=head.month,
        message_id=head.message_id,
        desk=head.provider,
        place=head.place,
        first_day=date.fromisoformat(head.first_day),
        last_day=date.fromisoformat(head.last_day),
        copies=head.copies,
        digest=bytes(digest).hex() if digest is not None else "",
        made_at=stamp(ctx.clock),
        payments=head.payments,
        total_vnd=int(head.total_vnd),
        rows=tuple(_rows(conn, batch_id)),
    )


def _rows(conn: Connection, batch_id: int) -> list[RosterRow]:
    months: dict[int, list[int]] = {}
    for n, cover in conn.execute(
        text(
            "SELECT DISTINCT r.n, c.cover FROM batch_row r JOIN payment_coin c "
            "ON c.payment_id = r.payment_id WHERE r.batch_id = :b ORDER BY r.n, c.cover"
        ),
        {"b": batch_id},
    ):
        months.setdefault(n, []).append(cover)
    rows = conn.execute(
        text(
            "SELECT r.n, x.name, x.birth_from, x.identity_last4, x.reference, r.end_to_end_id, "
            "r.amount_vnd, p.rail, coalesce((SELECT min(k.payee_name) FROM benefit_case k "
            "WHERE k.person_id = x.id AND k.payee_relation <> 'self'), '') AS payee "
            "FROM batch_row r JOIN payment p ON p.id = r.payment_id "
            "JOIN person x ON x.id = p.person_id WHERE r.batch_id = :b ORDER BY r.n"
        ),
        {"b": batch_id},
    )
    return [
        RosterRow(
            r.n, r.name, r.birth_from[:4], r.identity_last4, r.reference, r.end_to_end_id,
            tuple(months.get(r.n, ())), int(r.amount_vnd), r.payee,
            "cash_by_choice" if r.rail == "cash" else "cash_fallback",
        )
        for r in rows
    ]  # fmt: skip


def write_roster(ctx: Context, batch_id: int, folder: Path | None = None) -> list[Path]:
    """Write a roster as PDF (in parts where it is long) and XLSX; return the paths.

    Each writing is one more copy that must come back before the roster is closed (coins.md 16).
    Raises NotFoundError where no roster was opened for the batch, NotNowError for a closed one.
    """
    with files.taken_back_on_error():
        with ctx.cell.read() as conn:
            roster = roster_of(conn, ctx, batch_id)
            state = conn.execute(
                text("SELECT state FROM roster WHERE batch_id = :b"), {"b": batch_id}
            ).scalar()
        if state != "ordered":
            raise _closed(batch_id)
        # Outside the unit of work, which would keep everybody else from writing (coins.md 19), and
        # before it: a copy that was not printed must never be asked for. Its rows are frozen.
        # The paper says which copy it is: this one is not counted yet.
        roster = replace(roster, copies=roster.copies + 1)
        made = _print(roster, folder or ctx.settings.files / "rosters" / str(roster.month))
        with ctx.cell.begin() as conn:
            done = conn.execute(
                text(
                    "UPDATE roster SET copies = copies + 1 "
                    "WHERE batch_id = :b AND state = 'ordered'"
                ),
                {"b": batch_id},
            ).rowcount
            if done != 1:
                raise _closed(batch_id)
        return made


def _closed(batch_id: int) -> NotNowError:
    return NotNowError(
        "roster_closed", f"Danh sách ký nhận của lô {batch_id} đã đóng; không in nữa."
    )


def _print(roster: Roster, target: Path) -> list[Path]:
    stem = f"{roster.office.code}-{roster.message_id}"
    out = []
    for part in roster_parts(roster):
        name = f"{stem}-{part.part}.pdf" if part.parts > 1 else f"{stem}.pdf"
        files.write(target / name, roster_pdf(part))
        out.append(target / name)
    book = target / f"{stem}.xlsx"
    with files.atomic(book) as stream:
        roster_xlsx(roster, stream)
    return [*out, book]
