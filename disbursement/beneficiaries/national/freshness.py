"""How old each register is, what a payer does about an old one, and whether a list may go on.

A missing or old register is a warning on the list; where the policy says `stop` (by default for
deaths) nothing is prepared or checked until a newer file is read. Ages count whole days from the
day a file speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from sqlalchemy import Connection

from disbursement.beneficiaries.national.profiles import (
    DEATHS,
    Profile,
    WhenOld,
    profile,
    profiles,
)
from disbursement.beneficiaries.national.queries import (
    Snapshot,
    newest,
    payers_asked,
    snapshots,
)
from disbursement.beneficiaries.staging import audit
from disbursement.identity.service import require, user
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, UsageError
from ledger.sql import text

State = Literal["fresh", "old", "missing"]
MAX_AGE = 3_660


@dataclass(frozen=True)
class Policy:
    """What a payer does about a register that is older than so many days."""

    max_age_days: int
    when_old: WhenOld


@dataclass(frozen=True)
class Age:
    """A register as one payer sees it on a day; `as_of` is None where nothing was ever read."""

    payer: str
    register: str
    state: State
    as_of: date | None
    age_days: int | None
    policy: Policy
    rows: int
    refused: int


def ages(
    conn: Connection, payers: Sequence[tuple[int, str]], day: date, codes: Sequence[str] = ()
) -> list[Age]:
    """Return the age of every register (or those of `codes`) for every payer."""
    by_register: dict[str, list[Snapshot]] = {code: [] for code in profiles()}
    for one in snapshots(conn):
        by_register.setdefault(one.profile, []).append(one)
    decided = {
        (int(r[0]), str(r[1])): Policy(int(r[2]), r[3])
        for r in conn.execute(
            text("SELECT payer_id, profile, max_age_days, when_old FROM register_policy")
        )
    }
    wanted = [p for p in profiles().values() if not codes or p.code in codes]
    out = []
    for payer_id, code in payers:
        for register in wanted:
            policy = decided.get((payer_id, register.code)) or _default(register)
            found = by_register[register.code]
            if register.code == DEATHS:  # a whole extract of the database answers it as well
                found = sorted(
                    (s for p in profiles().values() if p.deaths for s in by_register[p.code]),
                    key=lambda s: (s.as_of, s.id),
                )
            out.append(_age(register, code, newest(found, code, day), day, policy))
    return out


def _default(register: Profile) -> Policy:
    return Policy(register.max_age_days, register.when_old)


def _age(register: Profile, payer: str, one: Snapshot | None, day: date, policy: Policy) -> Age:
    if one is None:
        return Age(payer, register.code, "missing", None, None, policy, 0, 0)
    days = (day - one.as_of).days
    state: State = "fresh" if days <= policy.max_age_days else "old"
    return Age(
        payer, register.code, state, one.as_of, days, policy, one.rows_taken, one.rows_refused
    )


def require_fresh(conn: Connection, payers: Sequence[tuple[int, str]], day: date) -> None:
    """Refuse to go on while a register whose age stops a list is missing or old.

    Raises NotNowError `register_missing` or `register_old`, naming the first payer and register.
    """
    for age in ages(conn, payers, day):
        if age.state == "fresh" or age.policy.when_old != "stop":
            continue
        register = profile(age.register)
        how = f"disburse national import {register.code} TỆP"
        if register.code == DEATHS:
            how = "disburse register check TỆP"
        what = f"{age.payer}: '{register.title_vi}'"
        if age.as_of is None:
            raise NotNowError(
                "register_missing",
                f"{what} chưa được đọc lần nào: đọc tệp mới bằng `{how}` rồi làm lại.",
            )
        raise NotNowError(
            "register_old",
            f"{what} là của ngày {age.as_of:%d/%m/%Y}, quá {age.policy.max_age_days} ngày: đọc tệp "
            f"mới bằng `{how}` (tệp không đổi thì ghi thêm --as-of NGÀY) rồi làm lại.",
        )


@dataclass(frozen=True)
class ListWarning:
    """A register that was missing or old when a list was prepared."""

    register: str
    state: State
    as_of: date | None
    max_age_days: int

    @property
    def sentence(self) -> str:
        """The warning in words, for the sheet and the status."""
        title = profile(self.register).title_vi
        if self.as_of is None:
            return f"{title}: chưa được đọc lần nào."
        return f"{title}: của ngày {self.as_of:%d/%m/%Y}, quá {self.max_age_days} ngày."


def warnings_of(conn: Connection, list_id: int) -> tuple[ListWarning, ...]:
    """Return what was noted when a list was prepared, in the order of the profiles."""
    rows = conn.execute(
        text("SELECT register, state, as_of, max_age_days FROM list_warning WHERE list_id = :l"),
        {"l": list_id},
    )
    order = list(profiles())
    found = [
        ListWarning(r[0], r[1], date.fromisoformat(r[2]) if r[2] else None, int(r[3])) for r in rows
    ]
    return tuple(sorted(found, key=lambda w: order.index(w.register)))


def warning_rows(
    conn: Connection, lists: Sequence[tuple[int, int, str, str]], day: date
) -> list[tuple[int, str, str, str | None, int]]:
    """Return rows of `list_warning` for lists (id, payer id, payer code, programme)."""
    payers = sorted({(p, code) for _, p, code, _ in lists})
    stale: dict[str, list[Age]] = {}
    for age in ages(conn, payers, day):
        if age.state != "fresh" and age.policy.when_old != "off":
            stale.setdefault(age.payer, []).append(age)
    return [
        (
            list_id, age.register, age.state, age.as_of.isoformat() if age.as_of else None,
            age.policy.max_age_days,
        )
        for list_id, _, code, programme in lists
        for age in stale.get(code, ())
        if programme in profile(age.register).programmes
    ]  # fmt: skip


def set_register_policy(
    ctx: Context,
    payer: str,
    register: str,
    *,
    max_age_days: int | None = None,
    when_old: str | None = None,
    actor: str,
) -> Policy:
    """Set what a payer does about an old register (None: stays); by an administrator of it.

    A repeat changes nothing and records nothing. Raises RefusedError for an unknown register,
    NotFoundError `payer`, NotAllowedError, UsageError for values outside their bounds.
    """
    chosen = profile(register)
    if max_age_days is None and when_old is None:
        raise UsageError("policy", "Cho ít nhất một trong --max-age, --when-old.")
    if max_age_days is not None and not 0 <= max_age_days <= MAX_AGE:
        raise UsageError("policy", f"--max-age là số ngày từ 0 đến {MAX_AGE}.")
    if when_old is not None and when_old not in get_args(WhenOld):
        raise UsageError("policy", "--when-old chỉ nhận warn, stop hoặc off.")
    ctx.cell.require()
    who = user(ctx, actor)
    with ctx.cell.begin() as conn:
        found = conn.execute(
            text("SELECT id FROM payer WHERE code = :c"), {"c": payer}
        ).scalar_one_or_none()
        if found is None:
            raise NotFoundError(
                "payer", f"Không có đơn vị chi trả mã {payer}; xem `disburse payer list`."
            )
        require(conn, who, "administrator", payer)
        [was] = ages(conn, [(int(found), payer)], today(ctx.clock), (register,))
        new = Policy(
            was.policy.max_age_days if max_age_days is None else max_age_days,
            was.policy.when_old if when_old is None else when_old,  # type: ignore[arg-type]  # one of WhenOld by the check above
        )
        if new != was.policy:
            conn.execute(
                text(
                    "INSERT INTO register_policy (payer_id, profile, max_age_days, when_old, "
                    "set_by, set_at) VALUES (:p, :r, :d, :w, :by, :at) "
                    "ON CONFLICT (payer_id, profile) DO UPDATE SET "
                    "max_age_days = excluded.max_age_days, when_old = excluded.when_old, "
                    "set_by = excluded.set_by, set_at = excluded.set_at"
                ),
                {
                    "p": int(found), "r": chosen.code, "d": new.max_age_days, "w": new.when_old,
                    "by": actor, "at": stamp(ctx.clock),
                },
            )  # fmt: skip
            detail = {
                "register": register,
                "max_age_days": new.max_age_days,
                "when_old": new.when_old,
            }
            audit(conn, ctx, actor, "register_policy_set", payer, detail)
    return new


def status(ctx: Context, codes: Sequence[str] | None = None) -> list[Age]:
    """Return every register's age for the payers asked for (all where None), today."""
    ctx.cell.require()
    with ctx.cell.read() as conn:
        return ages(conn, payers_asked(conn, codes), today(ctx.clock))
