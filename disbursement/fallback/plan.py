"""From final failures to cash: one cash batch per commune, in one step.

Only a transfer that finally failed may be paid in cash (coins.md 15): all its coins lie free, it
is neither parked nor in another batch, nobody is dead or held, and the bank's reason allows cash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from bank_adapters.api.profile import ApiProfile
from bank_adapters.registry import profile_of
from disbursement.fallback.rules import cash_allowed
from disbursement.identity.service import Signer
from disbursement.platform.clock import show_month, today
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import NotNowError
from disbursement.runs import batches, service
from disbursement.runs.batches import BatchSpec, Frozen
from disbursement.runs.routes import work_routes
from ledger.money import format_vnd
from ledger.sql import text


@dataclass(frozen=True)
class CashPlan:
    """The cash batches made, and the failures that must not fall to cash: reason -> (n, dong)."""

    batches: tuple[Frozen, ...]
    payments: int
    total_vnd: int
    left: dict[str, tuple[int, int]]


FAILED = """
SELECT p.id AS payment_id, p.payer_id, p.run_id, min(f.reason) AS reason, (SELECT b.profile
  FROM batch b WHERE b.id = (SELECT max(k.id) FROM batch_row q JOIN batch k ON k.id = q.batch_id
    WHERE q.payment_id = p.id AND k.state NOT IN ('withdrawn', 'void'))) AS profile
FROM payment p JOIN payment_coin c ON c.payment_id = p.id
JOIN free_coin f ON f.sub_id = c.sub_id AND f.cover = c.cover AND f.item = c.item
JOIN person x ON x.id = p.person_id
WHERE p.list_id IN (SELECT l.id FROM run r JOIN pay_list l ON l.run_id = r.id
    WHERE r.month = :month AND r.state = 'open' AND (:payer = 0 OR r.payer_id = :payer))
  AND p.closed_as = '' AND p.hold_reason = ''
  AND x.died_on IS NULL
  AND (f.reason LIKE 'rejected:%' OR f.reason LIKE 'returned:%')
  AND NOT EXISTS (SELECT 1 FROM coin_reserved v WHERE v.sub_id = c.sub_id AND v.cover = c.cover
    AND v.item = c.item)
  AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.person_id = p.person_id AND h.resolved_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM batch_row w JOIN attempt_news k ON k.batch_id = w.batch_id
    AND k.n = w.n WHERE w.payment_id = p.id AND k.state = 'parked'
    AND NOT EXISTS (SELECT 1 FROM attempt_news d WHERE d.batch_id = k.batch_id AND d.n = k.n
      AND d.seq > k.seq AND d.code_set = 'decision'))
GROUP BY p.id, p.payer_id, p.run_id, p.coins
HAVING count(*) = p.coins AND min(f.reason) = max(f.reason)
"""
"""Payments of a month's open runs whose every attempt has finally failed: why, and by what rail."""


def work_failed(conn: Connection, month: int, payer: int = 0) -> dict[str, tuple[int, int]]:
    """Fill the work table `work_failed` with what may fall to cash, of one payer or of all (0).

    Returns what may not by itself: {reason: (payments, dong)}.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_failed"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_failed (payment_id bigint PRIMARY KEY, payer_id bigint, "
            "run_id bigint, reason text, profile text)"
        )
    )
    conn.execute(text(f"INSERT INTO work_failed {FAILED}"), {"month": month, "payer": payer})
    rows = conn.execute(
        text(
            "SELECT f.reason, f.profile, count(*), sum(p.amount_vnd) FROM work_failed f "
            "JOIN payment p ON p.id = f.payment_id GROUP BY f.reason, f.profile "
            "ORDER BY f.reason, f.profile"
        )
    ).all()
    left: dict[str, tuple[int, int]] = {}
    for reason, profile_key, n, vnd in rows:
        profile = profile_of(profile_key)
        if cash_allowed(reason, profile if isinstance(profile, ApiProfile) else None):
            continue
        before = left.get(reason, (0, 0))
        left[reason] = (before[0] + int(n), before[1] + int(vnd))
        conn.execute(
            text("DELETE FROM work_failed WHERE reason = :r AND profile = :p"),
            {"r": reason, "p": profile_key},
        )
    return left


def plan_cash(
    ctx: Context, month: int, signer: Signer, *, codes: Sequence[str] | None = None
) -> CashPlan:
    """Freeze one cash batch per payer of its failed payments, signed by the preparer.

    The batches then wait for the second and first signature like any other. Raises NotNowError
    where nothing has failed, NotAllowedError for a signer without the role.
    """
    with ctx.cell.begin() as conn:
        alone(conn, "lists")
        left = work_failed(conn, month)
        work_routes(conn, today(ctx.clock))
        left |= _money_elsewhere(conn)
        specs = _specs(conn, month, codes)
        if not specs:
            raise NotNowError(
                "nothing_failed",
                f"Kỳ {show_month(month)}: không có khoản chuyển khoản nào thất bại hẳn mà được "
                f"trả bằng tiền mặt.{_hint(left)}",
            )
        frozen = service.prepare_batches(conn, ctx, signer, specs)
    return CashPlan(
        tuple(frozen),
        sum(f.payments for f in frozen),
        sum(f.total_vnd for f in frozen),
        left,
    )


ELSEWHERE = "money_elsewhere"
"""Failed at a provider that pays no cash; its money lies there, not at the desk's provider."""
_LYING = """
SELECT w.payment_id, w.payer_id, b.provider_id, c.provider_id AS desk_id, p.amount_vnd
FROM work_failed w JOIN payment p ON p.id = w.payment_id
JOIN batch b ON b.id = (SELECT max(k.id) FROM batch_row r JOIN batch k ON k.id = r.batch_id
  WHERE r.payment_id = w.payment_id AND k.state NOT IN ('withdrawn', 'void'))
JOIN work_route c ON c.payer_id = w.payer_id AND c.rail = 'cash'
WHERE b.provider_id <> c.provider_id AND NOT EXISTS (SELECT 1 FROM advance_move_payment x
  JOIN advance_move m ON m.id = x.move_id WHERE x.payment_id = w.payment_id
  AND m.state = 'posted' AND m.to_provider_id = c.provider_id)
"""
"""Failed payments whose money lies at the provider of their last attempt, not at the desks'."""
_ELSEWHERE = f"payment_id IN (SELECT e.payment_id FROM ({_LYING}) e)"


@dataclass(frozen=True)
class Elsewhere:
    """A failed payment (dong) whose money lies at another provider than the desks'; by ids."""

    payment: int
    payer: int
    provider: int
    desk: int
    amount_vnd: int


def elsewhere(conn: Connection, month: int, day: date, payer: int = 0) -> list[Elsewhere]:
    """Return what waits for its money to be moved before it can be ordered in cash.

    Only what may be paid in cash, of one payer (id) or of all (0). Fills `work_failed` and
    `work_route`.
    """
    work_failed(conn, month, payer)
    work_routes(conn, day)
    rows = conn.execute(text(f"{_LYING} ORDER BY w.payment_id"))
    return [Elsewhere(*(int(value) for value in row)) for row in rows]


def _hint(left: dict[str, tuple[int, int]]) -> str:
    count, vnd = left.get(ELSEWHERE, (0, 0))
    if not count:
        return ""
    return (
        f" {count} khoản ({format_vnd(vnd)} đồng) còn tiền ở nơi chi trả khác: chuyển sang bằng "
        "`disburse advance move` rồi lập lại."
    )


def _money_elsewhere(conn: Connection) -> dict[str, tuple[int, int]]:
    """Leave out what failed at another provider than the one that pays cash; count it.

    Cash is paid from what lies free at the desk's provider. What lies at a wallet waits there until
    it is moved (advance_moves.py), or for the next list (carried).
    """
    count, vnd = conn.execute(
        text(
            "SELECT count(*), coalesce(sum(p.amount_vnd), 0) FROM payment p WHERE p.id IN "
            f"(SELECT f.payment_id FROM work_failed f WHERE {_ELSEWHERE})"
        )
    ).one()
    conn.execute(text(f"DELETE FROM work_failed WHERE {_ELSEWHERE}"))
    return {ELSEWHERE: (int(count), int(vnd))} if count else {}


def _specs(conn: Connection, month: int, codes: Sequence[str] | None) -> list[BatchSpec]:
    """Return one spec per payer and put its payments into `work_freeze`."""
    rows = conn.execute(
        text(
            "SELECT f.payer_id, y.code, y.name, f.run_id, min(l.programme), max(l.programme), "
            "min(r.contract_id) "
            "FROM work_failed f JOIN payment p ON p.id = f.payment_id "
            "JOIN pay_list l ON l.id = p.list_id JOIN payer y ON y.id = f.payer_id "
            "LEFT JOIN work_route r ON r.payer_id = f.payer_id AND r.rail = 'cash' "
            "GROUP BY f.payer_id, y.code, y.name, f.run_id ORDER BY y.code"
        )
    ).all()
    batches.work_freeze(conn)
    specs: list[BatchSpec] = []
    for payer_id, code, name, run_id, first, last, contract_id in rows:
        if codes is not None and code not in codes:
            continue
        conn.execute(
            text(
                "INSERT INTO work_freeze (spec, payment_id) SELECT :k, payment_id "
                "FROM work_failed WHERE payer_id = :p"
            ),
            {"k": len(specs), "p": payer_id},
        )
        specs.append(
            BatchSpec(
                payer_id, code, name, run_id, None, first if first == last else "", month,
                "cash", "cash", contract_id,
            )
        )  # fmt: skip
    return specs
