"""Limits of amount of a rail, looked at when a list is prepared: they hold a payment, not a batch.

A rail's profile says the least and the most of one payment, and what one account takes in a
calendar day and month (Circular 40/2024/TT-NHNN, Decree 368/2025/NĐ-CP). What is beyond is minted
and stays in payable with its reason until its holder has another destination, or the month is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam

from bank_adapters.registry import profile_of
from bank_adapters.rendering import AmountLimits, amount_limits
from disbursement.runs.batches import value_date
from ledger.bulk import bulk_insert
from ledger.sql import text

ONE = "amount_beyond_rail"
DAY = "day_limit"
MONTH = "month_limit"

_NEW = """
SELECT p.id, p.amount_vnd, l.provider_id, l.pays_on, d.account_blind, l.least, l.most
FROM payment p JOIN destination d ON d.id = p.destination_id
JOIN work_limit l ON l.payer_id = p.payer_id AND l.rail = p.rail
  AND l.code = CASE WHEN p.rail = 'bank' THEN '' ELSE d.bank_code END
WHERE p.id > :base AND p.hold_reason = ''
"""
"""Payments of this preparation that go by a rail with limits."""
_LEFT = """
SELECT b.value_date AS pays_on, d.account_blind, r.amount_vnd FROM batch b
JOIN batch_row r ON r.batch_id = b.id JOIN destination d ON d.id = r.destination_id
WHERE b.provider_id = :v AND b.rail <> 'cash' AND b.value_date BETWEEN :first AND :last
  AND b.state NOT IN ('withdrawn', 'cancelled', 'void')
  AND NOT EXISTS (SELECT 1 FROM attempt_news k WHERE k.batch_id = r.batch_id AND k.n = r.n
    AND k.state IN ('rejected', 'returned', 'cancelled') AND k.seq = (SELECT max(m.seq)
      FROM attempt_news m WHERE m.batch_id = k.batch_id AND m.n = k.n))
"""
"""What a provider was told to pay in a month, and has not finally failed."""


@dataclass(frozen=True, slots=True)
class _One:
    """A planned payment into an account that has a limit by period."""

    id: int
    amount_vnd: int
    account: bytes


def hold_beyond_limits(conn: Connection, base: int, month: int, day: date) -> None:
    """Put a hold of payment on the new payments (id > `base`) that their rail would not take.

    Reads the work table `work_route`. Of several payments into one account those with the lowest
    ids stay, as long as the sum allows.
    """
    terms = _terms(conn, month, day)
    if not terms:
        return
    conn.execute(
        text(
            f"UPDATE payment SET hold_reason = :r WHERE id IN (SELECT n.id FROM ({_NEW}) n "
            "WHERE n.amount_vnd < n.least OR n.amount_vnd > n.most)"
        ),
        {"r": ONE, "base": base},
    )
    for (provider, on), limits in sorted(terms.items(), key=lambda found: found[0]):
        if limits.day is not None or limits.month is not None:
            _hold_by_account(conn, base, provider, on, limits)


def _terms(conn: Connection, month: int, day: date) -> Mapping[tuple[int, date], AmountLimits]:
    """Fill `work_limit`; return the limits by provider and day of payment, where there are any."""
    rows = conn.execute(
        text(
            "SELECT r.payer_id, r.rail, r.code, r.provider_id, r.profile, c.pay_day "
            "FROM work_route r JOIN provider_contract c ON c.id = r.contract_id "
            "WHERE r.rail <> 'cash'"
        )
    ).all()
    found: dict[tuple[int, date], AmountLimits] = {}
    kept = []
    for payer, rail, code, provider, profile, pay_day in rows:
        limits = amount_limits(profile_of(str(profile)))
        if limits == AmountLimits():
            continue
        on = value_date(month, int(pay_day), day)
        found[int(provider), on] = limits
        kept.append((payer, rail, code, provider, on.isoformat(), limits.least, limits.most))
    conn.execute(text("DROP TABLE IF EXISTS work_limit"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_limit (payer_id bigint, rail text, code text, "
            "provider_id bigint, pays_on text, least bigint, most bigint, "
            "PRIMARY KEY (payer_id, rail, code))"
        )
    )
    bulk_insert(
        conn,
        "work_limit",
        ("payer_id", "rail", "code", "provider_id", "pays_on", "least", "most"),
        kept,
    )
    return found


def _hold_by_account(
    conn: Connection, base: int, provider: int, on: date, limits: AmountLimits
) -> None:
    """Hold what would bring an account beyond what its provider lets in on a day or in a month."""
    given = {
        "base": base, "v": provider, "on": on.isoformat(), "first": on.replace(day=1).isoformat(),
        "last": f"{on:%Y-%m}-31",
        "cap": min(vnd for vnd in (limits.day, limits.month) if vnd is not None),
    }  # fmt: skip
    of_provider = f"FROM ({_NEW}) n WHERE n.provider_id = :v AND n.pays_on = :on"
    conn.execute(text("DROP TABLE IF EXISTS work_capped"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_capped AS SELECT account_blind FROM "
            f"(SELECT n.account_blind, n.amount_vnd {of_provider} "
            f"UNION ALL SELECT q.account_blind, q.amount_vnd FROM ({_LEFT}) q) every_one "
            "GROUP BY account_blind HAVING sum(amount_vnd) > :cap"
        ),
        given,
    )
    only = "account_blind IN (SELECT account_blind FROM work_capped)"
    days: dict[bytes, int] = defaultdict(int)
    months: dict[bytes, int] = defaultdict(int)
    for paid_on, account, vnd in conn.execute(
        text(f"SELECT q.* FROM ({_LEFT}) q WHERE q.{only}"), given
    ):
        months[bytes(account)] += int(vnd)
        days[bytes(account)] += int(vnd) if paid_on == on.isoformat() else 0
    over = []
    rows = conn.execute(
        text(
            f"SELECT n.id, n.amount_vnd, n.account_blind {of_provider} AND n.{only} ORDER BY n.id"
        ),
        given,
    )
    for payment, vnd, account in rows:
        one = _One(int(payment), int(vnd), bytes(account))
        reason = _beyond(one, limits, days[one.account], months[one.account])
        if reason:
            over.append((one.id, reason))
            continue
        days[one.account] += one.amount_vnd
        months[one.account] += one.amount_vnd
    for reason in (DAY, MONTH):
        held = [payment for payment, why in over if why == reason]
        for at in range(0, len(held), 500):
            conn.execute(
                text("UPDATE payment SET hold_reason = :r WHERE id IN :ids").bindparams(
                    bindparam("ids", held[at : at + 500], expanding=True)
                ),
                {"r": reason},
            )


def _beyond(one: _One, limits: AmountLimits, today_vnd: int, month_vnd: int) -> str:
    if limits.day is not None and today_vnd + one.amount_vnd > limits.day:
        return DAY
    if limits.month is not None and month_vnd + one.amount_vnd > limits.month:
        return MONTH
    return ""
