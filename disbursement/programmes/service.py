"""Rate versions and open points: propose, approve, compare, decide. Each is one unit of work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import Connection

from disbursement.identity.rules import EVERYWHERE, ROLES, User
from disbursement.identity.service import user
from disbursement.platform import files, ids
from disbursement.platform.clock import month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
)
from disbursement.programmes import rate_diff
from disbursement.programmes.approved import (
    UNCONFIRMED_RATE,
    Approved,
    Step,
    put_together,
    read_version,
    settings,
    steps,
    usable,
)
from disbursement.programmes.effect import Effect, effect
from disbursement.programmes.open_points import OpenPoint, Settings, open_points
from disbursement.programmes.rate_checks import check
from disbursement.programmes.rate_diff import Diff
from disbursement.programmes.versions import (
    Tables,
    read_change,
    row_digest,
    row_name,
    shipped,
    unconfirmed,
)
from ledger.money import format_vnd
from ledger.sql import text

PROPOSERS = ("preparer", "checker", "second_signer", "first_signer")
APPROVERS = ("checker", "second_signer", "first_signer")
MAX_TEXT = 500


@dataclass(frozen=True)
class Version:
    """A version as the list shows it. `state`: shipped, proposed, approved."""

    number: int
    state: str
    note: str
    files: tuple[tuple[str, str, str], ...]  # table, file name, SHA-256
    proposed_by: str
    proposed_at: str
    usable_from: str
    approved_by: str
    approved_at: str
    lowered_people: int
    lowered_vnd: int


@dataclass(frozen=True)
class Shown:
    """A version with what it changes, and what that does to months in the book."""

    version: Version
    diff: Diff
    effect: Effect
    lowers: bool
    """Whether anything falls in months that have begun, or that are in the book."""


@dataclass(frozen=True)
class Point:
    """An open point with what was decided: (payer or '', value, document, by, at), newest last."""

    point: OpenPoint
    decisions: tuple[tuple[str, str, str, str, str], ...]

    def value(self) -> str:
        """Return what holds for the whole cell."""
        found = [value for payer, value, *_ in self.decisions if not payer]
        return found[-1] if found else self.point.default


@dataclass(frozen=True)
class Uncertain:
    """A row whose amounts are held: table, name, amount in words, uncertainty, where it is from."""

    table: str
    row: str
    version: str
    amount: str
    uncertainty_vnd: int
    confidence: str
    citation: str
    source: str


# --- versions ----------------------------------------------------------------------------------


def propose(
    ctx: Context,
    given: Sequence[tuple[str, bytes]],
    *,
    actor: str,
    note: str = "",
    whole: bool = False,
) -> Shown:
    """Take files (name, bytes) as a new version, proposed; their bytes are kept as evidence.

    Raises RefusedError naming file, row and reason (nothing is stored then), or where the files
    change nothing; NotNowError where the same files wait already; NotAllowedError `role`.
    """
    who = officer(ctx, actor, PROPOSERS)
    change = read_change(given, whole=whole)
    digests = {hashlib.sha256(content).digest() for _, content in given}
    with ctx.cell.begin() as conn:
        number = ids.block(conn, "rate_version", 1)
        _not_twice(conn, digests)
        found = steps(conn)
        now = put_together(found)
        then = put_together([*found, Step("9999-12-31", "", "new", change)])
        check(then.tables)
        told = rate_diff.compare(now.tables, then.tables)
        if not (told.rows or told.amounts):  # a row written otherwise says the same
            raise RefusedError("rate_same", "Các tệp này không đổi dòng nào của bảng mức đang có.")
        conn.execute(
            text(
                "INSERT INTO rate_version (id, note, whole, base_sha256, proposed_by, "
                "proposed_person, proposed_at) VALUES (:i, :n, :w, :b, :u, :p, :t)"
            ),
            {
                "i": number, "n": said(note, "--note", empty=True), "w": int(whole),
                "b": now.sha256, "u": actor, "p": who.person_id, "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        names = {name: table for table, (name, _) in change.files.items()}
        for name, content in given:
            _, digest = files.keep_evidence(ctx.settings.files / "evidence", content)
            conn.execute(
                text(
                    "INSERT INTO rate_file (version_id, table_name, file_name, sha256, content) "
                    "VALUES (:v, :t, :f, :s, :c)"
                ),
                {"v": number, "t": names[name], "f": name, "s": digest, "c": content},
            )
    return show(ctx, number)


def _not_twice(conn: Connection, digests: set[bytes]) -> None:
    waiting: dict[int, set[bytes]] = {}
    for number, digest in conn.execute(
        text(
            "SELECT version_id, sha256 FROM rate_file WHERE version_id NOT IN "
            "(SELECT version_id FROM rate_approval)"
        )
    ):
        waiting.setdefault(number, set()).add(bytes(digest))
    for number, known in waiting.items():
        if known == digests:
            raise NotNowError(
                "rate_repeated",
                f"Các tệp này đã nạp là bản mức số {number}, đang chờ duyệt: "
                f"`disburse rates approve {number}`.",
            )


def approve(
    ctx: Context,
    number: int,
    *,
    actor: str,
    usable_from: date | None = None,
    lowering_seen: bool = False,
) -> Shown:
    """Make a proposed version usable from a day on (today where None), by a second person.

    Raises NotFoundError, NotNowError `rate_approved`; NotAllowedError `role`, `same_person` (by
    person, not log-in); RefusedError for a day in the past, or where the version no longer fits
    what was approved since; NotNowError `rate_lowers` where money in the book, or of a month that
    has begun, would fall and the approver has not said that this was looked at.
    """
    who = officer(ctx, actor, APPROVERS)
    day = usable_from or today(ctx.clock)
    if day < today(ctx.clock):
        raise RefusedError(
            "usable_from",
            f"Ngày được dùng {day.isoformat()} đã qua; ghi từ hôm nay trở đi. Tháng hưởng nằm "
            "trong chính bảng mức.",
        )
    with ctx.cell.read() as conn:
        seen = steps(conn)
        _may_approve(conn, number, who)
        before, after = _around(conn, number, seen, day)
        diff = rate_diff.compare(before.tables, after.tables)
        done = effect(conn, before.rates, after.rates)
    lowers = _lowers(ctx, diff, done)
    if lowers and not lowering_seen:
        raise _look_twice(number, done)
    with ctx.cell.begin() as conn:
        ids.block(conn, "rate_approval", 1)  # one approval at a time
        _may_approve(conn, number, who)
        if [s.name for s in steps(conn)] != [s.name for s in seen]:
            raise NotNowError("rate_busy", "Vừa có bản mức khác được duyệt; xem lại rồi duyệt.")
        conn.execute(
            text(
                "INSERT INTO rate_approval (version_id, usable_from, proposed_person, "
                "approved_by, approved_person, approved_at, lowered_people, lowered_vnd, "
                "lowering_seen) SELECT id, :d, proposed_person, :u, :p, :t, :n, :v, :l "
                "FROM rate_version WHERE id = :i"
            ),
            {
                "d": day.isoformat(), "u": actor, "p": who.person_id, "t": stamp(ctx.clock),
                "n": done.lowered_people, "v": done.lowered_vnd, "l": int(lowers), "i": number,
            },
        )  # fmt: skip
        version = _versions(conn, number)[0]
    return Shown(version, diff, done, lowers)


def _may_approve(conn: Connection, number: int, who: User) -> None:
    version = _versions(conn, number)
    if not version:
        raise _no_version(number)
    if version[0].state == "approved":
        raise NotNowError("rate_approved", f"Bản mức số {number} đã duyệt rồi.")
    proposer = conn.execute(
        text("SELECT proposed_person FROM rate_version WHERE id = :n"), {"n": number}
    ).scalar_one()
    if int(proposer) == who.person_id:
        raise NotAllowedError(
            "same_person",
            f"Người nạp bản mức số {number} không tự duyệt được, dù bằng tên đăng nhập khác; cần "
            "người thứ hai.",
        )


def _around(
    conn: Connection, number: int, found: Sequence[Step], day: date
) -> tuple[Approved, Approved]:
    """Return the tables before and after a version on its first day; check every later day too."""
    new = Step(day.isoformat(), "9999", f"version:{number}", read_version(conn, number))
    order = sorted([*found, new], key=lambda s: (s.day, s.at, s.name))
    for later in sorted({day, *(date.fromisoformat(s.day) for s in order)}):
        if later >= day:
            check(put_together(usable(order, later)).tables)
    after = usable(order, day)
    return put_together(s for s in after if s is not new), put_together(after)


def _lowers(ctx: Context, diff: Diff, done: Effect) -> bool:
    return bool(done.lowered_people or diff.lowered(month_of(today(ctx.clock))))


def _look_twice(number: int, done: Effect) -> NotNowError:
    return NotNowError(
        "rate_lowers",
        f"Bản mức số {number} hạ mức của những tháng đã bắt đầu; đã ghi sổ cao hơn mức mới: "
        f"{done.lowered_people} người, {format_vnd(done.lowered_vnd)} đồng (sẽ thành khoản phải "
        f"thu hoặc bị hủy). Xem `disburse rates diff {number}`, rồi duyệt với --lowering-seen.",
        en=f"Version {number} lowers months that have begun; in the book above the new amounts: "
        f"{done.lowered_people} people, {done.lowered_vnd} VND. Look at `rates diff {number}`, "
        "then approve with --lowering-seen.",
    )


def show(ctx: Context, number: int) -> Shown:
    """Return a version with its changes: against what came before it, or what is approved now.

    Raises NotFoundError `rate_version`.
    """
    with ctx.cell.read() as conn:
        version = _versions(conn, number)
        if not version:
            raise _no_version(number)
        found = steps(conn)
        name = f"version:{number}"
        earlier = list(found)
        if version[0].state == "approved":
            earlier = found[: next(n for n, s in enumerate(found) if s.name == name)]
        before = put_together(earlier)
        new = Step("9999-12-31", "", name, read_version(conn, number))
        after = put_together([*earlier, new])
        check(after.tables)
        diff = rate_diff.compare(before.tables, after.tables)
        done = effect(conn, before.rates, after.rates)
    return Shown(version[0], diff, done, _lowers(ctx, diff, done))


def versions(ctx: Context) -> list[Version]:
    """Return what ships (number 0) and every version, by number."""
    with ctx.cell.read() as conn:
        return [
            Version(
                0, "shipped", "", tuple((t, t, _sha(body)) for t, body in shipped().files.items()),
                "", "", "", "", "", 0, 0,
            ),
            *_versions(conn),
        ]  # fmt: skip


def _sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _versions(conn: Connection, number: int | None = None) -> list[Version]:
    held: dict[int, list[tuple[str, str, str]]] = {}
    for version, table, name, digest in conn.execute(
        text("SELECT version_id, table_name, file_name, sha256 FROM rate_file ORDER BY 1, 2")
    ):
        held.setdefault(version, []).append((table, name, bytes(digest).hex()))
    rows = conn.execute(
        text(
            "SELECT v.id, v.note, v.proposed_by, v.proposed_at, a.usable_from, a.approved_by, "
            "a.approved_at, a.lowered_people, a.lowered_vnd FROM rate_version v "
            "LEFT JOIN rate_approval a ON a.version_id = v.id ORDER BY v.id"
        )
    ).all()
    return [
        Version(
            r.id, "proposed" if r.approved_by is None else "approved", r.note,
            tuple(held.get(r.id, ())), r.proposed_by, r.proposed_at, r.usable_from or "",
            r.approved_by or "", r.approved_at or "", int(r.lowered_people or 0),
            int(r.lowered_vnd or 0),
        )
        for r in rows
        if number is None or r.id == number
    ]  # fmt: skip


def _no_version(number: int) -> NotFoundError:
    return NotFoundError(
        "rate_version", f"Không có bản mức số {number}; xem `disburse rates list`."
    )


# --- open points -------------------------------------------------------------------------------


def points(ctx: Context) -> tuple[list[Point], list[Uncertain]]:
    """Return the open points a setting decides, and the rows that wait for a document."""
    names = [f.name for f in fields(Settings)]
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT point, payer, value, document, decided_by, decided_at FROM rate_decision "
                "ORDER BY id"
            )
        ).all()
        tables = put_together(steps(conn)).tables
    decided: dict[str, list[tuple[str, str, str, str, str]]] = {}
    for row in rows:
        decided.setdefault(row.point, []).append(tuple(row)[1:])
    known = open_points()
    found = [Point(known[n], tuple(decided.get(n, ()))) for n in (*names, UNCONFIRMED_RATE)]
    return found, [_uncertain(table, row) for table, row in unconfirmed(tables)]


def _uncertain(table: str, row: dict[str, str]) -> Uncertain:
    amount = row.get("amount_vnd") or row.get("fixed_amount_vnd") or ""
    if not amount and row.get("coefficient"):
        amount = f"{row['coefficient']} × {row.get('base_code', '')}"
    return Uncertain(
        table,
        row_name(table, row),
        row.get("version", ""),
        amount,
        int(row.get("uncertainty_vnd") or 0),
        row.get("back_confidence") or row["confidence"],
        row["citation"],
        row["source"],
    )


def decide(
    ctx: Context, point: str, value: str, *, document: str, actor: str, payer: str = ""
) -> int:
    """Record a decision with its document; return how many rows it confirms (0 for a setting).

    For an open point `value` is one of its choices; for `unconfirmed_rate` it is the name of a
    row, its rate code, or a version of the meritorious table (`NCC26`). The next lists are computed
    by it.
    Raises RefusedError for an unknown point, value or row, an empty document; NotFoundError for an
    unknown payer; NotAllowedError `role`.
    """
    who = officer(ctx, actor, APPROVERS, payer or EVERYWHERE)
    words = said(document, "--document")
    with ctx.cell.begin() as conn:
        number = ids.block(conn, "rate_decision", 1)
        rows: dict[str, dict[str, str]] = {}
        if point == UNCONFIRMED_RATE:
            if payer:
                raise RefusedError("payer", "Văn bản xác nhận mức là của cả tỉnh: bỏ --payer.")
            rows = _confirmed(put_together(steps(conn)).tables, value)
        else:
            _check_choice(point, value)
            _check_payer(conn, payer)
        conn.execute(
            text(
                "INSERT INTO rate_decision (id, point, payer, value, document, rows, decided_by, "
                "decided_person, decided_at) VALUES (:i, :o, :y, :v, :d, :r, :u, :p, :t)"
            ),
            {
                "i": number, "o": point, "y": payer, "v": value, "d": words,
                "r": json.dumps(rows, ensure_ascii=False, sort_keys=True), "u": actor,
                "p": who.person_id, "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        settings(conn).of(payer)
    return sum(len(found) for found in rows.values())


def _check_choice(point: str, value: str) -> None:
    names = [f.name for f in fields(Settings)]
    if point not in names:
        raise RefusedError(
            "point", f"Không có điểm mở '{point}'; chọn: {', '.join([*names, UNCONFIRMED_RATE])}."
        )
    choices = open_points()[point].choices
    if value not in choices:
        raise RefusedError(
            "setting", f"{point} không nhận '{value}'; chọn một trong: {', '.join(choices)}."
        )


def _check_payer(conn: Connection, payer: str) -> None:
    found = conn.execute(text("SELECT 1 FROM payer WHERE code = :c"), {"c": payer}).first()
    if payer and found is None:
        raise NotFoundError("payer", f"Không có đơn vị chi trả mã {payer}.")


def _confirmed(tables: Tables, value: str) -> dict[str, dict[str, str]]:
    """Return {table: {row: digest}} of the unconfirmed rows of that name, rate code or version."""
    found: dict[str, dict[str, str]] = {}
    for table, row in unconfirmed(tables):
        if value in (row_name(table, row), row.get("version"), row.get("rate_code")):
            found.setdefault(table, {})[row_name(table, row)] = row_digest(row)
    if not found:
        raise RefusedError(
            "rate_row",
            f"Không có dòng mức chưa xác nhận nào tên '{value}'; xem `disburse rates settings`.",
        )
    return found


# --- small parts -------------------------------------------------------------------------------


def officer(ctx: Context, name: str, roles: Sequence[str], payer: str = EVERYWHERE) -> User:
    """Return the user, who holds one of the roles (again: by person where two are needed).

    Raises NotAllowedError `role`.
    """
    ctx.cell.require()
    who = user(ctx, name)
    if any(who.holds(role, payer) for role in roles):
        return who
    words = ", ".join(ROLES[r] for r in roles)
    where = "mọi đơn vị" if payer == EVERYWHERE else f"đơn vị {payer}"
    raise NotAllowedError("role", f"{name} cần một trong các vai trò cho {where}: {words}.")


def said(value: str, option: str, *, empty: bool = False) -> str:
    """Return what somebody wrote, on one line. Raises RefusedError `text` where nothing is said."""
    found = " ".join(value.split())
    if len(found) > MAX_TEXT or not (found or empty):
        raise RefusedError(
            "text", f"{option} phải có từ 1 đến {MAX_TEXT} ký tự: ghi số, ngày của văn bản."
        )
    return found


def plain(shown: Shown) -> dict[str, Any]:
    """Return a version with its changes as plain values, for --json and the API."""
    version = {name: getattr(shown.version, name) for name in Version.__dataclass_fields__}
    changes = {name: getattr(shown.effect, name) for name in Effect.__slots__}
    return {**version, "lowers": shown.lowers, "effect": changes, **shown.diff.as_dict()}


def month_words(first: int, last: int | None) -> str:
    """Write months of an amount as papers do: `07/2026-`, `07/2026-09/2026`."""
    return f"{show_month(first)}-{'' if last is None else show_month(last)}"
