"""Rosters closed with money uncollected month after month: a suspension is proposed, never made.

NĐ 335/2026 Art. 9.1.a (before: TT 02/2021 Art. 2.3.a) suspends after three months running, by a
decision; if conditions are unchanged everything is paid from the suspension on (Art. 9.4). So the
machine finds and holds, and a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from disbursement.entitlements.timeline import UNCOLLECTED_MONTHS
from disbursement.platform.clock import add_months, show_month
from disbursement.programmes.event_rules import event_rules, regime
from disbursement.runs.check_scope import Fact, Note, Scope, digest
from ledger.sql import text

# The last word on each cash order of people whose money lies uncollected, by the month of its
# roster; a month in which anything was received is none. Meritorious service has no such rule.
_ORDERS = """
SELECT p.person_id, p.payer_id, b.month,
  max(CASE WHEN n.state IN ('collected', 'credited') THEN 1 ELSE 0 END) AS received,
  max(CASE WHEN n.state = 'uncollected' THEN 1 ELSE 0 END) AS left_there
FROM payment p JOIN pay_list l ON l.id = p.list_id AND l.programme IN ('SA', 'SP')
JOIN batch_row r ON r.payment_id = p.id JOIN batch b ON b.id = r.batch_id
JOIN attempt_news n ON n.batch_id = r.batch_id AND n.n = r.n
  AND n.seq = (SELECT max(x.seq) FROM attempt_news x WHERE x.batch_id = n.batch_id AND x.n = n.n)
WHERE p.person_id IN (SELECT f.sub_id FROM free_coin f
    JOIN work_payer w ON w.payer_id = f.payer_id WHERE f.reason = 'uncollected')
GROUP BY p.person_id, p.payer_id, b.month ORDER BY p.person_id, b.month
"""
# A decision recorded since answers the proposal.
_DECIDED = """
SELECT e.person_id, max(e.happened_on) FROM case_event e
WHERE e.kind IN ('suspend', 'uncollected', 'stop', 'death', 'renounced')
AND NOT EXISTS (SELECT 1 FROM case_event w WHERE w.withdraws = e.id)
AND e.person_id IN (SELECT sub_id FROM free_coin WHERE reason = 'uncollected')
GROUP BY e.person_id
"""


def uncollected(scope: Scope) -> Iterator[Fact | Note]:
    """Find who did not come for cash three rosters running, and propose the suspension."""
    orders: dict[int, list[tuple[int, int, bool]]] = defaultdict(list)
    for person, payer, month, received, left in scope.conn.execute(text(_ORDERS)):
        if month < scope.month and (received or left):
            orders[int(person)].append((int(month), int(payer), bool(left and not received)))
    long = {p: run for p, told in orders.items() if len(run := _run(told)) >= UNCOLLECTED_MONTHS}
    told = scope.conn.execute(text(_DECIDED)) if long else ()
    decided = {int(person): str(day) for person, day in told}
    for person, run in sorted(long.items()):
        last = run[-1]
        if decided.get(person, "") >= f"{last // 100}-{last % 100:02d}-01":
            continue
        rule = event_rules()[(regime("SA", scope.day), "uncollected")]
        months = ", ".join(show_month(m) for m in run)
        yield Fact(
            person, orders[person][-1][1], digest(run[0], last),
            f"Không nhận tiền mặt {len(run)} kỳ liên tiếp ({months}): đề nghị tạm dừng từ tháng "
            f"{show_month(add_months(last, 1))} theo {rule.citation}; người có thẩm quyền quyết "
            "định, tiền được giữ nguyên đến khi đó.",
        )  # fmt: skip


def _run(told: list[tuple[int, int, bool]]) -> list[int]:
    """Return the months, one after another, that end with the last roster, all uncollected."""
    out: list[int] = []
    for month, _, left in reversed(told):
        if not left or (out and add_months(month, 1) != out[0]):
            break
        out.insert(0, month)
    return out
