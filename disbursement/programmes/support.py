"""Rates that are no monthly allowance: carer support, facilities, funerals, emergencies.

Rows of social_assistance_rates.csv by the day they count for, under the same two time axes as
the monthly ones: a row may be used once its instrument is in force, and goes on until the
instrument that ended it may be used.
"""

from __future__ import annotations

from datetime import date

from disbursement.programmes.rates import Rate, RateSet


def rows_on(
    rates: RateSet,
    kind: str,
    day: date,
    law_on: date,
    blocked: frozenset[str] = frozenset(),
) -> tuple[Rate, ...]:
    """Return the rows of a kind that count on `day` by the law usable on `law_on`.

    `blocked` names instruments to be left out: what they set is not there, what they end goes on.
    """

    def usable(code: str) -> bool:
        return code not in blocked and rates.instruments[code].in_force_from <= law_on

    return tuple(
        r
        for r in rates.rates
        if r.kind == kind
        and usable(r.instrument)
        and r.first_day <= day
        and (r.last_day is None or day <= r.last_day or not usable(r.ended_by))
    )
