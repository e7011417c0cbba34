"""What was paid and is not due any more: receivables with their evidence, and money given back.

A list that is released claims what compare found (coins.md 2): `overpaid / expense`, one item for
each person and covered month. It waits for a decision (runs/receivable_decisions.py); nothing is
taken out of another month's money. What people give back is a fact and can be booked at any time,
by the voucher of the treasury, never beyond what is open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam

from disbursement.identity.service import require, user
from disbursement.platform import files, ids
from disbursement.platform.clock import month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.event_rules import event_rules, regime
from ledger import chart, posting
from ledger.errors import LedgerError
from ledger.money import format_vnd
from ledger.posting import Header, LineRow
from ledger.sql import text

MAX_AT_ONCE = 200
"""Receivables that one decision or one voucher may name."""
MAX_WORDS = 100


@dataclass(frozen=True)
class Receivable:
    """One person and covered month (yyyymm), amounts in dong.

    `owed_vnd` was owed when the money was paid, `due_vnd` is due by what is known now. `cause`:
    death, stop, change (the register), rate. `state`: waiting, proposed (a decision is being
    signed), recover (decided), settled (nothing is open). `last4` of the identity number.
    """

    id: int
    payer: str
    person: str
    reference: str
    last4: str
    programme: str
    month: int
    amount_vnd: int
    owed_vnd: int
    due_vnd: int
    repaid_vnd: int
    written_off_vnd: int
    restored_vnd: int
    open_vnd: int
    cause: str
    why_vi: str
    why_en: str
    citation: str
    rates: tuple[str, ...]
    list_id: int
    journal_id: int
    opened_at: str
    state: str
    decision: str
    decision_number: str
    decision_date: str
    decision_signer: str


# --- opening -------------------------------------------------------------------------------------

# The cause is what the register knew when the list was signed: a death, a right that ended, another
# change of the facts; where none of these touches the month, the law itself has changed.
_OPEN = """
INSERT INTO receivable (id, payer_id, person_id, programme, sub_id, cover, item, amount_vnd,
  due_vnd, list_id, journal_id, opened_at, cause, detail)
SELECT :base + row_number() OVER (ORDER BY x.line_no), :payer,
  coalesce((SELECT v.person_id FROM list_unit v WHERE v.sub_id = x.sub_id), x.sub_id),
  :programme, x.sub_id,
  x.cover, x.item, x.amount, x.due_after, :list, x.journal_id, :at,
  CASE WHEN n.died_on IS NOT NULL AND {died} < x.cover THEN 'death'
       WHEN NOT EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = x.sub_id
         AND x.cover BETWEEN u.from_month AND u.to_month) THEN 'stop'
       WHEN d.sub_id IS NOT NULL THEN 'change' ELSE 'rate' END,
  CASE WHEN n.died_on IS NOT NULL AND {died} < x.cover THEN n.died_on
       WHEN NOT EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = x.sub_id
         AND x.cover BETWEEN u.from_month AND u.to_month) THEN coalesce((SELECT min(c.end_cause)
         FROM benefit_case c WHERE c.person_id = x.sub_id AND c.end_month < x.cover), '')
       WHEN d.sub_id IS NOT NULL THEN d.why ELSE '' END
FROM line x JOIN account a ON a.id = x.debit_account AND a.kind = 'overpaid'
LEFT JOIN (SELECT p.id AS person_id, coalesce(p.died_on, q.died_on) AS died_on FROM person p
  LEFT JOIN death_notice q ON q.person_id = p.id) n ON n.person_id = x.sub_id
LEFT JOIN dirty d ON d.sub_id = x.sub_id AND d.from_month <= x.cover
WHERE x.journal_id = :journal AND x.move = 0
"""
_DIED = "CAST(substr(n.died_on, 1, 4) || substr(n.died_on, 6, 2) AS integer)"


def open_receivables(conn: Connection, row: Any, at: str) -> int:
    """Write the receivables of a list that was just booked (`row`: its pay_list row); count them.

    Part of the release, before the marks of what changed are taken away.
    """
    count = conn.execute(
        text(
            "SELECT count(*) FROM line x JOIN account a ON a.id = x.debit_account "
            "WHERE x.journal_id = :j AND x.move = 0 AND a.kind = 'overpaid'"
        ),
        {"j": row["journal_id"]},
    ).scalar_one()
    if not count:
        return 0
    conn.execute(
        text(_OPEN.format(died=_DIED)),
        {
            "base": ids.block(conn, "receivable", int(count)) - 1, "payer": row["payer_id"],
            "programme": row["programme"], "list": row["id"], "journal": row["journal_id"],
            "at": at,
        },
    )  # fmt: skip
    return int(count)


# --- reading -------------------------------------------------------------------------------------

_READ = """
WITH chosen AS (
  SELECT r.*, y.code AS payer FROM receivable r JOIN payer y ON y.id = r.payer_id {where}
  ORDER BY r.id {limit}
), moved AS (
  SELECT c.id, sum(CASE WHEN k.kind IN ('treasury', 'paid') THEN l.amount ELSE 0 END) AS repaid,
    sum(CASE WHEN k.kind = 'loss' THEN l.amount ELSE 0 END) AS written_off,
    sum(CASE WHEN k.kind = 'expense' THEN l.amount ELSE 0 END) AS restored
  FROM chosen c JOIN line l ON l.sub_id = c.sub_id AND l.cover = c.cover AND l.item = c.item
    AND l.move > 0 JOIN account k ON k.id = l.debit_account GROUP BY c.id
)
SELECT c.id, c.payer, p.name, p.reference, p.identity_last4, c.programme, c.cover, c.amount_vnd,
  c.due_vnd, coalesce(m.repaid, 0) AS repaid, coalesce(m.written_off, 0) AS written_off,
  coalesce(m.restored, 0) AS restored, c.cause, c.detail, c.list_id, c.journal_id, c.opened_at,
  d.kind AS decision, d.state AS decision_state, d.number, d.decided_on, d.signer,
  b.reason, s.parts
FROM chosen c JOIN person p ON p.id = c.person_id
LEFT JOIN moved m ON m.id = c.id
LEFT JOIN receivable_decision d ON d.id = (SELECT max(e.id) FROM receivable_decided x
  JOIN receivable_decision e ON e.id = x.decision_id
  WHERE x.receivable_id = c.id AND e.state <> 'withdrawn')
LEFT JOIN pay_list l ON l.id = c.list_id
LEFT JOIN rate_set s ON s.sha256 = l.rates_sha256
LEFT JOIN unit_profile u ON u.sub_id = c.sub_id AND c.cover BETWEEN u.from_month AND u.to_month
LEFT JOIN due b ON b.profile_id = u.profile_id AND b.month = c.cover AND b.law_key = l.law_key
ORDER BY c.id
"""


def read_receivables(
    conn: Connection,
    *,
    payers: Iterable[str] | None = None,
    numbers: Sequence[int] | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Receivable]:
    """Return receivables by number: of some payers (codes), of some numbers, or a page of them."""
    where = ["r.id > :after"]
    params: dict[str, Any] = {"after": after}
    given = (("payers", payers, "y.code"), ("numbers", numbers, "r.id"))
    chosen_by = [
        (name, list(values), column) for name, values, column in given if values is not None
    ]
    if any(not values for _, values, _ in chosen_by):
        return []
    for name, values, column in chosen_by:
        where.append(f"{column} IN :{name}")
        params[name] = values
    if limit is not None:
        params["limit"] = limit
    query = _READ.format(
        where="WHERE " + " AND ".join(where), limit="" if limit is None else "LIMIT :limit"
    )
    binds: list[Any] = [bindparam(name, expanding=True) for name, _, _ in chosen_by]
    rows = conn.execute(text(query).bindparams(*binds), params).mappings()
    return [_receivable(row) for row in rows]


def _receivable(row: Any) -> Receivable:
    repaid, off, back = int(row["repaid"]), int(row["written_off"]), int(row["restored"])
    amount, due = int(row["amount_vnd"]), int(row["due_vnd"])
    left = amount - repaid - off - back
    vi, en, citation = _why(row)
    decided = row["decision"] or ""
    state = "settled" if left == 0 else "waiting"
    if left and decided:
        state = "proposed" if row["decision_state"] == "proposed" else "recover"
        if row["decision_state"] == "posted":  # what is still open after it waits for another one
            state = "waiting"
    return Receivable(
        int(row["id"]), row["payer"], row["name"], row["reference"], row["identity_last4"],
        row["programme"], int(row["cover"]), amount, due + amount, due, repaid, off, back, left,
        row["cause"], vi, en, citation, _versions(row["parts"]), int(row["list_id"]),
        int(row["journal_id"]), row["opened_at"], state, decided, row["number"] or "",
        row["decided_on"] or "", row["signer"] or "",
    )  # fmt: skip


def _versions(parts: str | None) -> tuple[str, ...]:
    """Return what the list was computed with: the tables that ship, versions, decisions."""
    return tuple(str(p) for p in json.loads(parts)) if parts else ()


_CHANGES = {
    "change": ("hồ sơ được sửa", "the case was changed"),
    "new case": ("có hồ sơ mới", "a new case"),
    "event": ("quyết định, sự kiện", "a decision or event"),
    "birth recorded": ("ghi lại ngày sinh", "the birth day was recorded"),
    "opening differs": ("số mở sổ khác mức tính", "the opening differs from what is due"),
}
"""What a mark for compare says (entitlements `dirty.why`), in words."""


def _why(row: Any) -> tuple[str, str, str]:
    """Say why the month is not due, in both languages, and under which article."""
    cause, detail = row["cause"], row["detail"]
    if cause == "death":
        day = date.fromisoformat(detail)
        rule = event_rules()[regime(row["programme"], day), "death"]
        return (
            f"chết ngày {day:%d/%m/%Y}: thôi hưởng từ tháng sau",
            f"died on {detail}: not due from the month after",
            rule.citation,
        )
    if cause == "stop":
        first = date(int(row["cover"]) // 100, int(row["cover"]) % 100, 1)
        rule = event_rules()[regime(row["programme"], first), "lost_eligibility"]
        said = f": {detail}" if detail else ""
        return f"đã thôi hưởng{said}", f"the right had ended{said}", rule.citation
    citation = _citation(row["reason"])
    if cause == "change" and not detail:  # claimed before the evidence was kept
        return "thay đổi hồ sơ hoặc mức chi", "changed facts or rates", citation
    if cause == "change":
        vi, en = _CHANGES.get(detail, (detail, detail))
        return f"thay đổi hồ sơ ({vi})", f"changed facts ({en})", citation
    versions = [p.partition(":")[2] for p in _versions(row["parts"]) if p.startswith("version:")]
    vi = f"mức chi thay đổi (bản mức {', '.join(versions)})" if versions else "mức chi thay đổi"
    en = f"the rate changed (version {', '.join(versions)})" if versions else "the rate changed"
    return vi, en, citation


def _citation(reason: str | None) -> str:
    """Return the articles under what is due now, or under which nothing is."""
    if not reason:
        return ""
    said = json.loads(reason)
    found = [p["citation"] for p in (*said["lines"], *said["reasons"]) if p["citation"]]
    return "; ".join(dict.fromkeys(found))


# --- money given back ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Repaid:
    """What a voucher gave back (dong), and how it was laid on receivables, oldest month first."""

    journal_id: int
    voucher: str
    amount_vnd: int
    parts: tuple[tuple[int, int], ...]
    open_vnd: int


def repay(
    ctx: Context,
    numbers: Sequence[int],
    *,
    voucher: str,
    day: date,
    amount_vnd: int,
    actor: str,
) -> Repaid:
    """Book money that a person paid back into the treasury for receivables (their numbers).

    The oldest month is paid first. By an accountant. Raises RefusedError for more than is open, a
    voucher without number or from the future, receivables of several people; NotNowError for a
    voucher that was booked; NotFoundError. Nothing is booked then.
    """
    voucher = " ".join(voucher.split())
    if not voucher or len(voucher) > MAX_WORDS:
        raise RefusedError("voucher", "Ghi số chứng từ nộp tiền (--voucher), tối đa 100 ký tự.")
    if day > today(ctx.clock):
        raise RefusedError(
            "repaid_date", f"Ngày nộp {day:%d/%m/%Y} ở tương lai; ghi ngày trên chứng từ (--date)."
        )
    if amount_vnd <= 0:
        raise RefusedError("amount", "Số tiền nộp lại phải lớn hơn 0; ghi lại --amount.")
    with ctx.cell.begin() as conn:
        found = chosen(conn, numbers)
        require(conn, user(ctx, actor), "second_signer", found[0].payer)
        payer_id, person_id = _one_person(conn, found)
        _new_voucher(conn, payer_id, voucher)
        left = sum(r.open_vnd for r in found)
        if amount_vnd > left:
            raise RefusedError(
                "repaid_too_much",
                f"Các khoản phải thu đã chọn chỉ còn {format_vnd(left)} đồng, chứng từ ghi "
                f"{format_vnd(amount_vnd)} đồng; ghi đúng số, phần thừa trả lại người nộp.",
            )
        for r in found:
            if day.isoformat() < r.opened_at[:10]:
                raise RefusedError(
                    "repaid_date",
                    f"Ngày nộp {day:%d/%m/%Y} trước ngày ghi khoản phải thu số {r.id} "
                    f"({r.opened_at[:10]}); ghi ngày trên chứng từ (--date).",
                )
        parts = _lay(found, amount_vnd)
        journal = _post_repaid(conn, ctx, payer_id, found, parts, voucher, day)
        conn.execute(
            text(
                "INSERT INTO repayment (id, payer_id, person_id, voucher, paid_on, amount_vnd, "
                "journal_id, recorded_by, recorded_at) "
                "VALUES (:id, :p, :w, :v, :d, :a, :j, :by, :at)"
            ),
            {
                "id": ids.block(conn, "repayment", 1), "p": payer_id, "w": person_id,
                "v": voucher, "d": day.isoformat(), "a": amount_vnd, "j": journal, "by": actor,
                "at": stamp(ctx.clock),
            },
        )  # fmt: skip
    return Repaid(journal, voucher, amount_vnd, tuple(parts), left - amount_vnd)


def chosen(conn: Connection, numbers: Sequence[int]) -> list[Receivable]:
    """Return open receivables of one payer by their numbers, each named once, oldest month first.

    Raises RefusedError, NotFoundError, NotNowError (`receivable_settled`).
    """
    if not numbers or len(set(numbers)) != len(numbers) or len(numbers) > MAX_AT_ONCE:
        raise RefusedError(
            "receivables",
            f"Ghi số các khoản phải thu, mỗi số một lần, tối đa {MAX_AT_ONCE}; xem `disburse "
            "receivable list`.",
        )
    found = read_receivables(conn, numbers=numbers)
    missing = sorted(set(numbers) - {r.id for r in found})
    if missing:
        raise NotFoundError(
            "receivable",
            f"Không có khoản phải thu số {missing[0]}; xem `disburse receivable list`.",
        )
    if len({r.payer for r in found}) > 1:
        raise RefusedError(
            "receivables", "Các khoản phải thu thuộc nhiều đơn vị; làm riêng từng đơn vị."
        )
    for r in found:
        if r.open_vnd == 0:
            raise NotNowError(
                "receivable_settled",
                f"Khoản phải thu số {r.id} (tháng {show_month(r.month)}) không còn gì phải thu.",
            )
    return sorted(found, key=lambda r: (r.month, r.id))


def _one_person(conn: Connection, found: Sequence[Receivable]) -> tuple[int, int]:
    rows = conn.execute(
        text("SELECT DISTINCT payer_id, person_id FROM receivable WHERE id IN :n").bindparams(
            bindparam("n", expanding=True)
        ),
        {"n": [r.id for r in found]},
    ).all()
    if len(rows) > 1:
        raise RefusedError(
            "repaid_people", "Một chứng từ nộp tiền là của một người; ghi riêng từng người."
        )
    return int(rows[0][0]), int(rows[0][1])


def _new_voucher(conn: Connection, payer_id: int, voucher: str) -> None:
    known = conn.execute(
        text("SELECT 1 FROM repayment WHERE payer_id = :p AND voucher = :v"),
        {"p": payer_id, "v": voucher},
    ).first()
    if known is not None:
        raise NotNowError(
            "voucher_used",
            f"Chứng từ {voucher} đã ghi rồi; mỗi chứng từ chỉ ghi một lần, kiểm tra lại số.",
        )


def _lay(found: Sequence[Receivable], amount: int) -> list[tuple[int, int]]:
    parts = []
    for r in found:
        part = min(amount, r.open_vnd)
        amount -= part
        if part:
            parts.append((r.id, part))
    return parts


def _post_repaid(
    conn: Connection,
    ctx: Context,
    payer_id: int,
    found: Sequence[Receivable],
    parts: Sequence[tuple[int, int]],
    voucher: str,
    day: date,
) -> int:
    payer = found[0].payer
    record = {
        "what": "repaid", "cell": ctx.cell.code, "payer": payer, "voucher": voucher,
        "paid_on": day.isoformat(), "receivables": {str(n): vnd for n, vnd in parts},
    }  # fmt: skip
    body = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
    _, evidence = files.keep_evidence(ctx.settings.files / "evidence", body)
    header = Header(
        id=posting.allot(conn),
        book=chart.FINANCIAL,
        payer_id=payer_id,
        kind="settlement",
        idem_key=f"repaid:{payer_id}:{evidence.hex()[:32]}",
        month=month_of(today(ctx.clock)),
        effective_date=day,
        recorded_at=stamp(ctx.clock),
        evidence=evidence,
    )
    lines = set_lines(conn, parts, chart.treasury(payer), chart.overpaid(payer))
    try:
        return posting.post(conn, header, lines).journal_id
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ cái từ chối: {error}") from error


def set_lines(
    conn: Connection, parts: Iterable[tuple[int, int]], debit: str, overpaid: str
) -> list[LineRow]:
    """Return the lines that take (receivable, dong) off `overpaid`, as their next moves."""
    accounts = chart.account_ids(conn, [debit, overpaid])
    out: list[LineRow] = []
    for number, vnd in parts:
        row = conn.execute(
            text(
                "SELECT r.sub_id, r.cover, r.item, max(l.move) FROM receivable r JOIN line l "
                "ON l.sub_id = r.sub_id AND l.cover = r.cover AND l.item = r.item "
                "WHERE r.id = :r GROUP BY r.sub_id, r.cover, r.item"
            ),
            {"r": number},
        ).one()
        sub, cover, item, move = (int(v) for v in row)
        out.append(
            (cover, accounts[debit], accounts[overpaid], sub, item, move + 1, None, None, None,
             None, vnd)
        )  # fmt: skip
    return out


def as_json(row: Receivable) -> dict[str, Any]:
    """Return a receivable with its month as 2026-11."""
    said = asdict(replace(row))
    return said | {"month": f"{row.month // 100}-{row.month % 100:02d}", "rates": list(row.rates)}
