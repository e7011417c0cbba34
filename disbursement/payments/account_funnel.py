"""How far the account drive has come: per commune, who has reached which step, and why not.

Six steps, each only for who reached the one before: on the register, has an account, its holder's
name verified, consent given, paid through it, credited and not returned. A person counts in the
first step that was not reached, with one reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from disbursement.beneficiaries.names import NEWEST
from disbursement.payments.queries import payment_now_sql
from disbursement.platform.clock import month_of, today
from disbursement.platform.context import Context
from ledger.sql import text

STEPS = ("registered", "account", "name_verified", "consented", "paid_through", "credited")
REASONS_VI = {
    "cash": "nhận tiền mặt, chưa đề nghị mở tài khoản",
    "asked": "đã đề nghị, chờ trả lời",
    "refused": "tổ chức chi trả từ chối mở",
    "counter": "phải đến quầy",
    "guardian": "cần người giám hộ",
    "name_unasked": "chưa hỏi tên chủ tài khoản",
    "name_pending": "tên chờ người quyết định",
    "name_refused": "tên không được chấp nhận",
    "no_consent": "chưa ghi sự đồng ý",
    "cooling_off": "tài khoản mới, chưa hết thời gian chờ",
    "not_paid": "chưa có khoản chi nào qua tài khoản",
    "in_flight": "đã gửi, chưa có kết quả",
}
"""Other reasons are a payment's state or its hold, as lists name them."""


@dataclass(frozen=True)
class Funnel:
    """A commune's funnel: people by step reached, and by step not reached and reason."""

    payer: str
    name: str
    steps: dict[str, int]
    reasons: dict[str, dict[str, int]]


# One row per person with a current right: what is known of the newest destination. `paid` is the
# newest payment through it that entered a batch; `planned` the newest planned at all.
_PEOPLE = f"""
SELECT p.id, y.id AS payer_id, d.id AS destination_id,
  CASE WHEN d.id IS NULL OR d.kind = 'cash' THEN 0 ELSE 1 END AS has, d.usable_from,
  (SELECT r.state FROM account_request_row r WHERE r.person_id = p.id
   AND r.request_id = (SELECT max(s.request_id) FROM account_request_row s
   WHERE s.person_id = p.id)) AS asked,
  (SELECT n.state FROM name_check n WHERE n.id = {NEWEST}) AS named,
  CASE WHEN EXISTS (SELECT 1 FROM account_consent c WHERE c.destination_id = d.id)
    THEN 1 ELSE 0 END AS consent,
  (SELECT max(x.id) FROM payment x WHERE x.person_id = p.id AND x.destination_id = d.id
   AND x.hold_reason = '' AND EXISTS (SELECT 1 FROM batch_row br JOIN batch b ON b.id = br.batch_id
   WHERE br.payment_id = x.id AND b.state IN ('sending', 'sent', 'accepted', 'unknown'))) AS paid,
  (SELECT max(x.id) FROM payment x WHERE x.person_id = p.id AND x.destination_id = d.id
   AND x.closed_as <> 'ended') AS planned
FROM person p JOIN payer y ON y.id = p.payer_id
LEFT JOIN destination d ON d.person_id = p.id AND d.version =
  (SELECT max(e.version) FROM destination e WHERE e.person_id = p.id)
WHERE p.died_on IS NULL AND EXISTS (SELECT 1 FROM benefit_case c WHERE c.person_id = p.id
  AND (c.end_month IS NULL OR c.end_month >= :month))
"""


def _counts() -> str:
    states = payment_now_sql("p.id IN (SELECT paid FROM work_account WHERE paid IS NOT NULL)")
    return f"""
SELECT w.payer_id, CASE
  WHEN w.has = 0 THEN 'account/' || CASE WHEN w.asked IN ('asked', 'refused', 'counter', 'guardian')
    THEN w.asked ELSE 'cash' END
  WHEN w.named IS NULL THEN 'name_verified/name_unasked'
  WHEN w.named <> 'accepted' THEN 'name_verified/name_' || w.named
  WHEN w.consent = 0 THEN 'consented/no_consent'
  WHEN w.paid IS NULL THEN 'paid_through/' || CASE
    WHEN w.usable_from > :today THEN 'cooling_off'
    WHEN coalesce(q.hold_reason, '') <> '' THEN q.hold_reason ELSE 'not_paid' END
  WHEN s.state = 'credited' THEN 'done/'
  WHEN s.state IN ('sending', 'sent', 'accepted', 'unknown') THEN 'credited/in_flight'
  ELSE 'credited/' || coalesce(s.state, 'in_flight') END AS place, count(*)
FROM work_account w LEFT JOIN payment q ON q.id = w.planned
LEFT JOIN ({states}) s ON s.payment_id = w.paid
GROUP BY 1, 2 ORDER BY 1, 2
"""


def funnel(ctx: Context, *, payers: Sequence[str] = ()) -> list[Funnel]:
    """Return the funnel of each payer that has anybody (of those given, or the cell), by code."""
    day = today(ctx.clock)
    with ctx.cell.read() as conn:
        conn.execute(text("DROP TABLE IF EXISTS work_account"))
        conn.execute(
            text(f"CREATE TEMPORARY TABLE work_account AS {_PEOPLE}"), {"month": month_of(day)}
        )
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("ANALYZE work_account")
        found: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for payer, place, count in conn.execute(text(_counts()), {"today": day.isoformat()}):
            found[int(payer)].append((str(place), int(count)))
        names = conn.execute(text("SELECT id, code, name FROM payer ORDER BY code")).all()
        conn.execute(text("DROP TABLE work_account"))
    return [
        _funnel(code, name, found[int(i)])
        for i, code, name in names
        if int(i) in found and (not payers or code in payers)
    ]


def _funnel(code: str, name: str, places: Sequence[tuple[str, int]]) -> Funnel:
    reasons: dict[str, dict[str, int]] = {step: {} for step in STEPS[1:]}
    for place, count in places:
        step, _, reason = place.partition("/")
        if step != "done":
            reasons[step][reason] = reasons[step].get(reason, 0) + count
    left = sum(count for _, count in places)
    steps = {"registered": left}
    for step in STEPS[1:]:
        left -= sum(reasons[step].values())
        steps[step] = left
    return Funnel(code, name, steps, reasons)
