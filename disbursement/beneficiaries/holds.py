"""Holds of people: deaths reported by the population database, the cleaning list, release.

A hold is never lifted by a machine: an officer releases it and records the document it rests on.
What is missing (the 12-digit number, the day of birth) can be recorded in the same act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.national.profiles import DEATHS
from disbursement.beneficiaries.national.service import import_national
from disbursement.beneficiaries.reader import Encoding
from disbursement.beneficiaries.rules import clean, identity_fault
from disbursement.beneficiaries.staging import audit
from disbursement.documents.cleaning import HeldRow, cleaning_xlsx
from disbursement.documents.words import Office
from disbursement.entitlements import store
from disbursement.identity.service import citizen_blind
from disbursement.platform import files
from disbursement.platform.clock import month_of, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
)
from disbursement.programmes.communes import province
from ledger.sql import text

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
    ctx: Context,
    path: Path,
    actor: str,
    *,
    encoding: Encoding = "utf-8",
    as_of: date | None = None,
) -> DeathReport:
    """Read the population database's answer: who has died, and when.

    The same as importing the profile `deaths` (beneficiaries/national): a dated snapshot, and a
    hold of right for each person found. `as_of` is the day of the answer (None: today, where the
    file is new). The same file again changes nothing. All rows or none: raises RefusedError naming
    row and column.
    """
    done = import_national(ctx, DEATHS, path, actor=actor, as_of=as_of, encoding=encoding)
    return DeathReport(
        done.rows_read, done.dead_here, done.dead_numbers - done.dead_here, done.new_holds
    )


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
                "SELECT h.person_id, h.reason, h.resolved_at, p.birth_from, p.birth_to, p.sex, "
                "h.kind "
                "FROM hold h JOIN person p ON p.id = h.person_id WHERE h.id = :h"
            ),
            {"h": hold_id},
        ).first()
        if row is None:
            raise NotFoundError("hold", f"Không có hồ sơ giữ số {hold_id}; xem `register holds`.")
        if row[2] is not None:
            raise NotNowError("hold_released", f"Hồ sơ giữ số {hold_id} đã được giải quyết.")
        person_id, reason = int(row[0]), str(row[1])
        _not_own(conn, ctx, actor, person_id, reason)
        span = (date.fromisoformat(row[3]), date.fromisoformat(row[4]))
        if birth is not None:
            span = _new_birth(conn, person_id, span, birth)
        if identity is not None:
            _new_identity(conn, ctx, person_id, clean(identity), span, str(row[5]))
        _release(conn, ctx, hold_id, document, actor)
        if birth is not None:
            _renew(conn, ctx, person_id)
        if row[6] == "right":
            _compare_again(conn, person_id)
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


_OWN = """
SELECT s.id, s.identity_enc, p.identity_blind, EXISTS (SELECT 1 FROM officer_account o
  JOIN app_user v ON v.username = o.username AND v.person_id = u.person_id
  JOIN destination d ON d.account_blind = o.account_blind
  WHERE d.person_id = p.id AND o.withdrawn_at IS NULL) AS paid
FROM app_user u JOIN staff_person s ON s.id = u.person_id
JOIN person p ON p.id = :p WHERE u.username = :by
"""


def _not_own(conn: Connection, ctx: Context, actor: str, person_id: int, reason: str) -> None:
    """Refuse that officers lift a hold of their own person or account, whatever the reason."""
    row = conn.execute(text(_OWN), {"by": actor, "p": person_id}).first()
    if row is None:
        return
    own = citizen_blind(ctx, int(row.id), bytes(row.identity_enc))
    if row.paid or (row.identity_blind is not None and bytes(row.identity_blind) == own):
        raise NotAllowedError(
            "own_hold",
            f"{actor} không tự giải quyết việc giữ của chính mình ({reason}): để cán bộ khác có "
            "thẩm quyền làm.",
        )


def _compare_again(conn: Connection, person_id: int) -> None:
    """Let compare look again at the months that lists left out while the right was held."""
    store.mark_dirty(
        conn,
        "SELECT person_id AS sub_id, min(cover) AS from_month, 'hold released' AS why "
        "FROM list_hold WHERE person_id = :p AND kind = 'right' AND cover > 0 "
        "AND person_id IN (SELECT sub_id FROM unit_profile) GROUP BY person_id",
        {"p": person_id},
    )


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
